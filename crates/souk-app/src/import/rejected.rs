use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use super::ImportKind;
use crate::AppError;
use crate::sheet::{RowFault, file_error};

/// Rows listed in the file; beyond it they are only counted. Chosen: more than anyone reads.
const LISTED_MAX: u64 = 100_000;

/// The list of rows that were left out: line, column and reason. The rows themselves are not
/// repeated, because they may hold what belongs to a person; of rows about people the reasons repeat
/// no value either, for in a file whose columns slipped a date's place may hold a name.
pub(crate) struct RejectedRows {
    path: Option<PathBuf>,
    file: Option<csv::Writer<BufWriter<File>>>,
    count: u64,
    is_about_people: bool,
}

impl RejectedRows {
    /// A list at `<file>.rejected.csv`, made when the first row is refused.
    pub(crate) fn beside(path: &Path, kind: ImportKind) -> RejectedRows {
        let mut name = path.as_os_str().to_owned();
        name.push(".rejected.csv");
        use ImportKind::{Customers, Events, Orders};
        let is_about_people = matches!(kind, Events | Orders | Customers);
        RejectedRows { path: Some(name.into()), file: None, count: 0, is_about_people }
    }

    /// A list that only counts.
    pub(crate) fn in_memory() -> RejectedRows {
        RejectedRows { path: None, file: None, count: 0, is_about_people: true }
    }

    pub(crate) fn add(&mut self, faults: Vec<RowFault>) -> Result<(), AppError> {
        for fault in faults {
            self.count += 1;
            if self.count > LISTED_MAX {
                continue;
            }
            let Some(path) = &self.path else { continue };
            if self.file.is_none() {
                let file = File::create(path).map_err(|source| file_error(path, source))?;
                let mut writer = csv::Writer::from_writer(BufWriter::new(file));
                write(&mut writer, path, ["line", "column", "reason"])?;
                self.file = Some(writer);
            }
            let reason = match self.is_about_people {
                true => without_values(&fault.reason),
                false => fault.reason,
            };
            let writer = self.file.as_mut().expect("it was just made");
            write(writer, path, [&fault.line.to_string(), &fault.column, &reason])?;
        }
        Ok(())
    }

    /// How many rows were refused, and where they are listed.
    pub(crate) fn close(self) -> Result<(u64, Option<PathBuf>), AppError> {
        let Some(path) = self.path else { return Ok((self.count, None)) };
        match self.file {
            None => {
                // A list of an earlier run of the same file would mislead now.
                let _ = std::fs::remove_file(&path);
                Ok((self.count, None))
            }
            Some(mut writer) => {
                writer.flush().map_err(|source| file_error(&path, source))?;
                Ok((self.count, Some(path)))
            }
        }
    }
}

/// The reason with what it quotes left out. A value may hold quotation marks of its own, so all
/// between the first and the last goes.
pub(super) fn without_values(reason: &str) -> String {
    let mut reason = reason.to_owned();
    for mark in ['`', '"'] {
        let (first, last) = (reason.find(mark), reason.rfind(mark));
        if let (Some(first), Some(last)) = (first, last)
            && first < last
        {
            reason.replace_range(first..=last, "…");
        }
    }
    reason
}

fn write(
    writer: &mut csv::Writer<BufWriter<File>>,
    path: &Path,
    row: [&str; 3],
) -> Result<(), AppError> {
    writer.write_record(row).map_err(|error| file_error(path, std::io::Error::other(error)))
}
