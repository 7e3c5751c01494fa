use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{ByteArray, DataType};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;

use super::bounded::ROW_BYTES_MAX;
use super::parquet_pages::pages;
use super::{
    BLOCK_BYTES_MAX, BLOCK_ROWS, Block, COLUMNS_MAX, Column, IsGzip, RowFault, Sheet, bytes_of,
    file_error, normal_name, too_many_columns,
};
use crate::AppError;

/// A Parquet file whose flat columns are read; lists and structures are passed over.
pub(super) struct ParquetSheet {
    path: PathBuf,
    file: Box<dyn FileReader>,
    /// The file's bytes, where they had to be unpacked.
    bytes: Option<Bytes>,
    columns: Vec<String>,
    /// Which leaf of the schema each column is.
    leaves: Vec<usize>,
    notes: Vec<String>,
    next_group: usize,
    /// The readers of the group that is being read, and how many of its rows are left.
    group: Option<(Vec<ColumnReader>, usize)>,
    n_rows: u64,
}

impl ParquetSheet {
    pub(super) fn open(path: &Path, gzip: IsGzip) -> Result<ParquetSheet, AppError> {
        let (file, bytes): (Box<dyn FileReader>, _) = match gzip {
            IsGzip::No => {
                let file = File::open(path).map_err(|source| file_error(path, source))?;
                let reader = caught(|| SerializedFileReader::new(file));
                (Box::new(reader.map_err(|error| broken(path, &error))?), None)
            }
            IsGzip::Yes => {
                let bytes = Bytes::from(unpacked(path)?);
                let reader = caught(|| SerializedFileReader::new(bytes.clone()));
                (Box::new(reader.map_err(|error| broken(path, &error))?), Some(bytes))
            }
        };
        let schema = file.metadata().file_metadata().schema_descr_ptr();
        if schema.num_columns() > COLUMNS_MAX {
            return Err(too_many_columns(path));
        }
        let (mut columns, mut leaves, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for (idx, leaf) in schema.columns().iter().enumerate() {
            let name = leaf.path().parts().join(".");
            let is_flat = leaf.path().parts().len() == 1 && leaf.max_rep_level() == 0;
            if !is_flat || leaf.physical_type() == Physical::FIXED_LEN_BYTE_ARRAY {
                notes
                    .push(format!("column `{name}` is a list, a structure or raw bytes: not read"));
                continue;
            }
            columns.push(normal_name(&name));
            leaves.push(idx);
        }
        Ok(ParquetSheet {
            path: path.to_owned(),
            file,
            bytes,
            columns,
            leaves,
            notes,
            next_group: 0,
            group: None,
            n_rows: 0,
        })
    }

    /// Refuses a row group whose pages would take too much memory once they are unpacked: one of each
    /// column is held at a time.
    fn check_pages(&self, group: usize) -> Decoded<()> {
        let metadata = self.file.metadata().row_group(group);
        let mut held = 0u64;
        for leaf in &self.leaves {
            let chunk = metadata.column(*leaf);
            let range = chunk.byte_range();
            let pages = match &self.bytes {
                Some(bytes) => pages(Cursor::new(bytes.as_ref()), range),
                None => File::open(&self.path).and_then(|file| pages(file, range)),
            };
            let name = chunk.column_descr().name();
            let pages = pages.map_err(|error| {
                general(format!("column `{name}` of row group {group}: {error}"))
            })?;
            held = held.saturating_add(pages.largest);
            if pages.sum > CHUNK_BYTES_MAX as u64 || held > HELD_BYTES_MAX {
                return Err(general(format!(
                    "the pages of column `{name}` in row group {group} unpack to {} bytes, the largest \
                     to {}; {CHUNK_BYTES_MAX} are allowed, and {HELD_BYTES_MAX} for the largest of all \
                     columns; write the file with smaller pages",
                    pages.sum, pages.largest
                )));
            }
        }
        Ok(())
    }

    fn open_group(&mut self) -> Result<(), AppError> {
        let opened = caught(|| {
            let group = self.file.get_row_group(self.next_group)?;
            for leaf in &self.leaves {
                let chunk = group.metadata().column(*leaf);
                let bytes = chunk.uncompressed_size().max(chunk.compressed_size());
                if !(0..=CHUNK_BYTES_MAX).contains(&bytes) {
                    let (name, group) = (chunk.column_descr().name(), self.next_group);
                    return Err(general(format!(
                        "column `{name}` has {bytes} bytes in row group {group}, where {CHUNK_BYTES_MAX} \
                         are allowed; write the file with smaller row groups"
                    )));
                }
            }
            self.check_pages(self.next_group)?;
            let readers: Result<Vec<_>, _> =
                self.leaves.iter().map(|leaf| group.get_column_reader(*leaf)).collect();
            let n_rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            Ok((readers?, n_rows))
        });
        self.group = Some(opened.map_err(|e| broken(&self.path, &e))?);
        self.next_group += 1;
        Ok(())
    }
}

impl Sheet for ParquetSheet {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn next_block(&mut self) -> Result<Option<Block>, AppError> {
        while self.group.as_ref().is_none_or(|(_, left)| *left == 0) {
            if self.next_group == self.file.num_row_groups() {
                return Ok(None);
            }
            self.open_group()?;
        }
        let (readers, left) = self.group.as_mut().expect("a group was just opened");
        let n_rows = (*left).min(BLOCK_ROWS);
        let schema = self.file.metadata().file_metadata().schema_descr_ptr();
        let mut columns = Vec::with_capacity(readers.len());
        let mut faults = Vec::new();
        for (reader, leaf) in readers.iter_mut().zip(&self.leaves) {
            let column = schema.column(*leaf);
            let read = caught(|| read_column(reader, &column, (n_rows, self.n_rows, &mut faults)));
            columns.push(read.map_err(|error| broken(&self.path, &error))?);
        }
        *left -= n_rows;
        let lines = (self.n_rows + 1..=self.n_rows + n_rows as u64).collect();
        self.n_rows += n_rows as u64;
        Ok(Some(Block { columns, lines, faults }))
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

type Decoded<T> = Result<T, parquet::errors::ParquetError>;

fn read_column(
    reader: &mut ColumnReader,
    column: &ColumnDescPtr,
    (n_rows, rows_before, faults): (usize, u64, &mut Vec<RowFault>),
) -> Decoded<Column> {
    let numbers = |values: Vec<Option<i64>>| match meaning_of(column) {
        Meaning::Time { divisor, factor } => Column::TimeMs(
            values.into_iter().map(|v| v.map(|v| v.div_euclid(divisor) * factor)).collect(),
        ),
        Meaning::Decimal { scale } => {
            let unit = 10f64.powi(scale);
            Column::Float(values.into_iter().map(|v| v.map(|v| v as f64 / unit)).collect())
        }
        Meaning::Plain => Column::Int(values),
    };
    Ok(match reader {
        ColumnReader::BoolColumnReader(reader) => {
            Column::Flag(dense(reader, column, n_rows, |v| v)?)
        }
        ColumnReader::Int32ColumnReader(reader) => {
            numbers(dense(reader, column, n_rows, i64::from)?)
        }
        ColumnReader::Int64ColumnReader(reader) => numbers(dense(reader, column, n_rows, |v| v)?),
        ColumnReader::Int96ColumnReader(reader) => {
            Column::TimeMs(dense(reader, column, n_rows, |v| v.to_millis())?)
        }
        ColumnReader::FloatColumnReader(reader) => {
            Column::Float(dense(reader, column, n_rows, f64::from)?)
        }
        ColumnReader::DoubleColumnReader(reader) => {
            Column::Float(dense(reader, column, n_rows, |v| v)?)
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            let values = dense(reader, column, n_rows, |v: ByteArray| v)?;
            let (mut text, mut ends) = (String::new(), Vec::with_capacity(n_rows));
            for (line, value) in (rows_before + 1..).zip(values) {
                match value {
                    Some(value) if value.len() > ROW_BYTES_MAX => {
                        let reason = format!("the value is over {ROW_BYTES_MAX} bytes; shorten it");
                        let column = normal_name(column.name());
                        faults.push(RowFault { line, column, reason });
                    }
                    Some(value) => text.push_str(&String::from_utf8_lossy(value.data())),
                    None => {}
                }
                if text.len() > 4 * BLOCK_BYTES_MAX {
                    let (name, max) = (column.name(), 4 * BLOCK_BYTES_MAX);
                    return Err(general(format!(
                        "column `{name}` has over {max} bytes of text in {n_rows} rows; shorten it"
                    )));
                }
                ends.push(u32::try_from(text.len()).expect("checked just above"));
            }
            Column::Text { text, ends }
        }
        ColumnReader::FixedLenByteArrayColumnReader(_) => {
            unreachable!("such columns are passed over when the file is opened")
        }
    })
}

/// Reads `n_rows` of a flat column, with `None` where the file has no value.
fn dense<T: DataType, V>(
    reader: &mut parquet::column::reader::ColumnReaderImpl<T>,
    column: &ColumnDescPtr,
    n_rows: usize,
    value: impl Fn(T::T) -> V,
) -> Decoded<Vec<Option<V>>> {
    let (mut levels, mut values) = (Vec::new(), Vec::with_capacity(n_rows));
    let (n_read, _, _) = reader.read_records(n_rows, Some(&mut levels), None, &mut values)?;
    if n_read != n_rows {
        let text = format!("column `{}` ends {} rows too early", column.name(), n_rows - n_read);
        return Err(general(text));
    }
    let full = column.max_def_level();
    if full == 0 {
        return Ok(values.into_iter().map(|v| Some(value(v))).collect());
    }
    let mut values = values.into_iter();
    Ok(levels
        .iter()
        .map(|level| if *level == full { values.next().map(&value) } else { None })
        .collect())
}

/// What a column of whole numbers counts.
enum Meaning {
    /// `value / divisor * factor` is milliseconds since 1970.
    Time {
        divisor: i64,
        factor: i64,
    },
    /// `value / 10^scale` is the number.
    Decimal {
        scale: i32,
    },
    Plain,
}

fn meaning_of(column: &ColumnDescPtr) -> Meaning {
    match column.logical_type_ref() {
        Some(LogicalType::Timestamp(time)) => match time.unit {
            TimeUnit::MILLIS => Meaning::Time { divisor: 1, factor: 1 },
            TimeUnit::MICROS => Meaning::Time { divisor: 1_000, factor: 1 },
            TimeUnit::NANOS => Meaning::Time { divisor: 1_000_000, factor: 1 },
        },
        Some(LogicalType::Date) => Meaning::Time { divisor: 1, factor: 86_400_000 },
        Some(LogicalType::Decimal(_)) => Meaning::Decimal { scale: column.type_scale() },
        _ => match column.converted_type() {
            ConvertedType::TIMESTAMP_MILLIS => Meaning::Time { divisor: 1, factor: 1 },
            ConvertedType::TIMESTAMP_MICROS => Meaning::Time { divisor: 1_000, factor: 1 },
            ConvertedType::DATE => Meaning::Time { divisor: 1, factor: 86_400_000 },
            ConvertedType::DECIMAL => Meaning::Decimal { scale: column.type_scale() },
            _ => Meaning::Plain,
        },
    }
}

/// Bytes that one column may have in a row group; chosen: writers aim at 128 MiB for all of them.
const CHUNK_BYTES_MAX: i64 = 1 << 30;
/// Bytes of the largest pages of all columns together; chosen: pages have 1 MiB as a rule, and some writers
/// make one page of a column's row group.
const HELD_BYTES_MAX: u64 = 512 << 20;
/// Bytes of a compressed Parquet file once unpacked: it is read from its end, so it stays in memory.
const UNPACKED_BYTES_MAX: u64 = 256 << 20;

fn unpacked(path: &Path) -> Result<Vec<u8>, AppError> {
    let mut bytes = Vec::new();
    let mut limited = bytes_of(path, IsGzip::Yes)?.take(UNPACKED_BYTES_MAX + 1);
    limited.read_to_end(&mut bytes).map_err(|source| file_error(path, source))?;
    if bytes.len() as u64 > UNPACKED_BYTES_MAX {
        let detail = format!(
            "file `{}` unpacks to over {UNPACKED_BYTES_MAX} bytes, which Parquet needs in memory; \
             unpack it and import the result",
            path.display()
        );
        return Err(AppError::invalid("file_too_large", "path", detail));
    }
    Ok(bytes)
}

/// Runs the Parquet reader, which panics at some broken files, and turns that into an error.
fn caught<T>(read: impl FnOnce() -> Decoded<T>) -> Decoded<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).unwrap_or_else(|_| {
        Err(general("its pages contradict each other; write it anew".to_owned()))
    })
}

fn general(text: String) -> parquet::errors::ParquetError {
    parquet::errors::ParquetError::General(text)
}

fn broken(path: &Path, error: &parquet::errors::ParquetError) -> AppError {
    let detail = format!("file `{}` cannot be read as Parquet: {error}", path.display());
    AppError::invalid("bad_file", "path", detail)
}
