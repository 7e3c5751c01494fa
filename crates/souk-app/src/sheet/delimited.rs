use std::io::BufRead;
use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::bounded::{CutLines, ROW_BYTES_MAX, RecordBytes};
use super::{
    BLOCK_BYTES_MAX, BLOCK_ROWS, Block, COLUMNS_MAX, Column, IsGzip, RowFault, Sheet, empty_file,
    file_error, normal_name, text_of, too_many_columns,
};
use crate::AppError;

/// Separators that are looked for in the first line.
const SEPARATORS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// A file of fields with a separator, RFC 4180 quoting, UTF-8 or Windows-1252.
pub(super) struct DelimitedSheet {
    path: PathBuf,
    columns: Vec<String>,
    reader: csv::Reader<CutLines<Box<dyn BufRead + Send>>>,
    record_bytes: RecordBytes,
    record: ByteRecord,
    note: Option<String>,
    is_semicolon: bool,
    /// Rows that were no UTF-8 and were read as Windows-1252.
    n_western: u64,
    has_ended: bool,
}

impl DelimitedSheet {
    pub(super) fn open(path: &Path, gzip: IsGzip) -> Result<DelimitedSheet, AppError> {
        let (mut text, note) = text_of(path, gzip)?;
        let head = text.fill_buf().map_err(|source| file_error(path, source))?;
        if head.iter().all(u8::is_ascii_whitespace) {
            return Err(empty_file(path));
        }
        let separator = separator_of(path, head);
        let (input, record_bytes) = CutLines::new(text);
        let mut reader =
            csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(input);
        let header = reader.byte_headers().map_err(|error| csv_error(path, error))?.clone();
        record_bytes.row_is_whole();
        if header.len() > COLUMNS_MAX {
            return Err(too_many_columns(path));
        }
        let columns =
            header.iter().map(|name| normal_name(&String::from_utf8_lossy(name))).collect();
        Ok(DelimitedSheet {
            path: path.to_owned(),
            columns,
            reader,
            record_bytes,
            record: ByteRecord::new(),
            note,
            is_semicolon: separator == b';',
            n_western: 0,
            has_ended: false,
        })
    }

    /// Adds the present record to the block, or a fault when it does not fit the header.
    fn take_record(&mut self, block: &mut Block) {
        let start = self.record.position();
        let line = start.map_or(0, csv::Position::line);
        let span = self.reader.position().byte() - start.map_or(0, csv::Position::byte);
        if span > ROW_BYTES_MAX as u64 {
            let reason = format!("the row is over {ROW_BYTES_MAX} bytes; shorten its texts");
            block.faults.push(RowFault { line, column: String::new(), reason });
            return;
        }
        let (n_fields, n_columns) = (self.record.len(), self.columns.len());
        let extra_is_blank = self
            .record
            .iter()
            .skip(n_columns)
            .all(|field| field.iter().all(u8::is_ascii_whitespace));
        if n_fields < n_columns || !extra_is_blank {
            let reason = format!(
                "the row has {n_fields} fields where the header names {n_columns}; \
                 quote fields that hold the separator or a line break"
            );
            block.faults.push(RowFault { line, column: String::new(), reason });
            return;
        }
        let is_utf8 = self.record.iter().all(|field| std::str::from_utf8(field).is_ok());
        self.n_western += u64::from(!is_utf8);
        for (column, field) in block.columns.iter_mut().zip(self.record.iter()) {
            let Column::Text { text, ends } = column else { continue };
            match std::str::from_utf8(field) {
                Ok(field) if is_utf8 => text.push_str(field),
                _ => text.push_str(&encoding_rs::WINDOWS_1252.decode_without_bom_handling(field).0),
            }
            ends.push(u32::try_from(text.len()).expect("a block is cut before it fills 4 GB"));
        }
        block.lines.push(line);
    }
}

impl Sheet for DelimitedSheet {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn next_block(&mut self) -> Result<Option<Block>, AppError> {
        if self.has_ended {
            return Ok(None);
        }
        let empty = Column::Text { text: String::new(), ends: Vec::with_capacity(BLOCK_ROWS) };
        let mut block = Block {
            columns: vec![empty; self.columns.len()],
            lines: Vec::with_capacity(BLOCK_ROWS),
            faults: Vec::new(),
        };
        let mut n_bytes = 0;
        while block.len() + block.faults.len() < BLOCK_ROWS && n_bytes < BLOCK_BYTES_MAX {
            let more = self
                .reader
                .read_byte_record(&mut self.record)
                .map_err(|error| csv_error(&self.path, error))?;
            if !more {
                self.has_ended = true;
                break;
            }
            self.record_bytes.row_is_whole();
            n_bytes += self.record.as_slice().len();
            self.take_record(&mut block);
        }
        let is_end = block.is_empty() && block.faults.is_empty();
        Ok((!is_end).then_some(block))
    }

    fn notes(&self) -> Vec<String> {
        let western = (self.n_western > 0).then(|| {
            format!(
                "{} rows of {} are not UTF-8 and were read as Windows-1252 (Latin-1)",
                self.n_western,
                self.path.display()
            )
        });
        self.note.clone().into_iter().chain(western).collect()
    }

    fn has_decimal_commas(&self) -> bool {
        self.is_semicolon
    }
}

/// The separator by the file's name, else the one that stands most often in the first line.
fn separator_of(path: &Path, head: &[u8]) -> u8 {
    let name = path.to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    if name.ends_with(".tsv") || name.ends_with(".tab") {
        return b'\t';
    }
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut is_quoted = false;
    let mut counts = [0usize; SEPARATORS.len()];
    for byte in line {
        is_quoted ^= *byte == b'"';
        if let Some(idx) = SEPARATORS.iter().position(|s| s == byte).filter(|_| !is_quoted) {
            counts[idx] += 1;
        }
    }
    let most = *counts.iter().max().expect("there are separators to choose from");
    SEPARATORS[counts.iter().position(|count| *count == most).expect("the maximum is one of them")]
}

fn csv_error(path: &Path, error: csv::Error) -> AppError {
    let detail = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(source) => file_error(path, source),
        _ => AppError::invalid("bad_file", "path", format!("file `{}`: {detail}", path.display())),
    }
}
