//! Tables in files, read in blocks of rows: CSV, TSV, JSON lines, Parquet, each also gzipped.
//!
//! For import and for the evaluation commands. A row that cannot be read becomes a [`RowFault`] and
//! the rest goes on. *Not* for nested data: a cell is one text, number, time or flag.

mod bounded;
mod columns;
mod delimited;
mod documents;
#[cfg(test)]
mod hostile_tests;
mod json_lines;
mod moment;
mod parquet_file;
mod parquet_pages;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use souk_core::Timestamp;

use crate::AppError;

pub use columns::{Columns, normal_name};
pub(crate) use documents::Documents;
pub(crate) use json_lines::Lines;
pub(crate) use moment::Moment;

/// Rows in a block; chosen: large enough to decode Parquet columns at speed, small in memory.
pub const BLOCK_ROWS: usize = 8_192;

/// Columns of a table; chosen: wide ones have some hundred.
pub(crate) const COLUMNS_MAX: usize = 1_000;
/// Bytes of text in a block, whatever it takes to stay near them.
pub(crate) const BLOCK_BYTES_MAX: usize = 64 << 20;

/// One value of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing, or only blanks.
    Empty,
    /// Characters, without blanks around them.
    Text(&'a str),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Milliseconds since 1970.
    TimeMs(i64),
    /// A Boolean.
    Flag(bool),
}

/// One column of a block.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    /// All texts after each other, and where each ends.
    Text {
        text: String,
        ends: Vec<u32>,
    },
    /// `None` is an empty cell.
    Int(Vec<Option<i64>>),
    Float(Vec<Option<f64>>),
    TimeMs(Vec<Option<i64>>),
    Flag(Vec<Option<bool>>),
}

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// Its line, or row number, in the file, from 1.
    pub line: u64,
    /// The column at fault; empty when it is the whole row.
    pub column: String,
    /// What is wrong and what would be right, without the value of a personal column.
    pub reason: String,
}

/// Some rows of a file.
#[derive(Clone, Debug)]
pub struct Block {
    pub(crate) columns: Vec<Column>,
    /// The line of each row.
    pub(crate) lines: Vec<u64>,
    /// Rows between the last block and the end of this one that could not be read.
    pub faults: Vec<RowFault>,
}

/// A file open for reading.
pub trait Sheet: Send {
    /// The names of the columns, normalised: lower case, words joined by `_`.
    fn columns(&self) -> &[String];

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`AppError::File`] when the file cannot be read on.
    fn next_block(&mut self) -> Result<Option<Block>, AppError>;

    /// What was assumed or passed over, for people.
    fn notes(&self) -> Vec<String>;

    /// Whether a comma in a number is its decimal mark, as in files that separate fields by semicolons.
    fn has_decimal_commas(&self) -> bool {
        false
    }
}

/// How a file is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Fields with a separator: comma, semicolon, tab or bar.
    Delimited,
    /// A JSON object on each line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
    /// A product feed, whose items are no rows.
    Xml,
}

impl Layout {
    /// Reads the layout off the file's name, `.gz` apart.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] for a name that says nothing.
    pub fn of(path: &Path) -> Result<(Layout, IsGzip), AppError> {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase());
        let name = name.unwrap_or_default();
        let (name, gzip) = match name.strip_suffix(".gz") {
            Some(name) => (name, IsGzip::Yes),
            None => (name.as_str(), IsGzip::No),
        };
        let layout = match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "csv" | "tsv" | "tab" | "txt" => Layout::Delimited,
            "jsonl" | "ndjson" | "json" => Layout::JsonLines,
            "parquet" | "pq" => Layout::Parquet,
            "xml" | "rss" | "atom" => Layout::Xml,
            other => {
                let detail = format!(
                    "file `{}` ends in `.{other}`; give a .csv, .tsv, .jsonl, .parquet or .xml \
                     file, or one of these with .gz",
                    path.display()
                );
                return Err(AppError::invalid("unknown_file_type", "path", detail));
            }
        };
        Ok((layout, gzip))
    }
}

/// Whether a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum IsGzip {
    Yes,
    No,
}

/// Opens a table by its file's name.
///
/// # Errors
///
/// [`AppError::File`] when it cannot be read, [`AppError::Invalid`] when it is no table.
pub fn open(path: &Path) -> Result<Box<dyn Sheet>, AppError> {
    if !path.exists() {
        let missing = std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such file");
        return Err(file_error(path, missing));
    }
    let (layout, gzip) = Layout::of(path)?;
    Ok(match layout {
        Layout::Delimited => Box::new(delimited::DelimitedSheet::open(path, gzip)?),
        Layout::JsonLines => Box::new(json_lines::JsonLinesSheet::open(path, gzip)?),
        Layout::Parquet => Box::new(parquet_file::ParquetSheet::open(path, gzip)?),
        Layout::Xml => {
            let detail = format!("file `{}` is XML, which is no table", path.display());
            return Err(AppError::invalid("unknown_file_type", "path", detail));
        }
    })
}

/// The file's bytes, unpacked.
pub(crate) fn bytes_of(path: &Path, gzip: IsGzip) -> Result<Box<dyn BufRead + Send>, AppError> {
    let file = File::open(path).map_err(|source| file_error(path, source))?;
    let packed_bytes = file.metadata().map_err(|source| file_error(path, source))?.len();
    Ok(match gzip {
        IsGzip::No => Box::new(BufReader::with_capacity(1 << 18, file)),
        IsGzip::Yes => {
            let unpacked = flate2::bufread::MultiGzDecoder::new(BufReader::new(file));
            let unpacked = bounded::Unpacking::new(unpacked, packed_bytes);
            Box::new(BufReader::with_capacity(1 << 18, unpacked))
        }
    })
}

/// The file's bytes with UTF-16 turned into UTF-8 and a byte order mark taken off.
pub(crate) fn text_of(
    path: &Path,
    gzip: IsGzip,
) -> Result<(Box<dyn BufRead + Send>, Option<String>), AppError> {
    let mut bytes = bytes_of(path, gzip)?;
    let head = bytes.fill_buf().map_err(|source| file_error(path, source))?;
    let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(head) else {
        return Ok((bytes, None));
    };
    bytes.consume(mark);
    if encoding == encoding_rs::UTF_8 {
        return Ok((bytes, None));
    }
    // UTF-16 comes from spreadsheets, whose files are small: they are turned as a whole.
    let mut raw = Vec::new();
    let mut limited = bytes.take(UTF16_BYTES_MAX);
    limited.read_to_end(&mut raw).map_err(|source| file_error(path, source))?;
    if raw.len() as u64 == UTF16_BYTES_MAX {
        let detail = format!(
            "file `{}` is UTF-16 and over {UTF16_BYTES_MAX} bytes; save it as UTF-8",
            path.display()
        );
        return Err(AppError::invalid("file_too_large", "path", detail));
    }
    let (text, _) = encoding.decode_without_bom_handling(&raw);
    let note = format!("{} was read as {}", path.display(), encoding.name());
    Ok((Box::new(std::io::Cursor::new(text.into_owned().into_bytes())), Some(note)))
}

/// Bytes of a UTF-16 file, which is held in memory.
const UTF16_BYTES_MAX: u64 = 256 << 20;

pub(crate) fn file_error(path: &Path, source: std::io::Error) -> AppError {
    AppError::File { path: path.display().to_string(), source }
}

/// The refusal of a file that names more columns than a table has.
pub(crate) fn too_many_columns(path: &Path) -> AppError {
    let detail = format!(
        "file `{}` names over {COLUMNS_MAX} columns; leave out those that are not needed",
        path.display()
    );
    AppError::invalid("too_many_columns", "path", detail)
}

pub(crate) fn empty_file(path: &Path) -> AppError {
    let detail =
        format!("file `{}` is empty; its first line must name the columns", path.display());
    AppError::invalid("empty_file", "path", detail)
}

impl Block {
    /// How many rows were read.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether no row was read.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Writes numbers with a decimal comma with a point, in these columns. Beside such numbers a point parts thousands.
    pub(crate) fn turn_commas(&mut self, columns: &[usize]) {
        let has_comma = |row: usize, column: usize| {
            self.cell(row, column).text().is_some_and(|text| with_point(&text).is_some())
        };
        let mut rows = (0..self.len()).flat_map(|row| columns.iter().map(move |one| (row, *one)));
        if !rows.any(|(row, column)| has_comma(row, column)) {
            return;
        }
        for column in columns {
            let turned = |row: usize| {
                let text = self.cell(row, *column).text().unwrap_or_default();
                with_point(&text)
                    .or_else(|| without_groups(&text))
                    .unwrap_or_else(|| text.into_owned())
            };
            let rows: Vec<String> = (0..self.len()).map(turned).collect();
            let mut end = 0;
            let ends = rows.iter().map(|text| {
                end += text.len() as u32;
                end
            });
            let ends = ends.collect();
            self.columns[*column] = Column::Text { text: rows.concat(), ends };
        }
    }

    /// The line of a row in the file, from 1.
    pub fn line(&self, row: usize) -> u64 {
        self.lines[row]
    }

    /// The value of a row in a column.
    pub fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        match &self.columns[column] {
            Column::Text { text, ends } => {
                let from = if row == 0 { 0 } else { ends[row - 1] as usize };
                match text[from..ends[row] as usize].trim() {
                    "" => Cell::Empty,
                    text => Cell::Text(text),
                }
            }
            Column::Int(values) => values[row].map_or(Cell::Empty, Cell::Int),
            Column::Float(values) => {
                values[row].filter(|value| !value.is_nan()).map_or(Cell::Empty, Cell::Float)
            }
            Column::TimeMs(values) => values[row].map_or(Cell::Empty, Cell::TimeMs),
            Column::Flag(values) => values[row].map_or(Cell::Empty, Cell::Flag),
        }
    }
}

impl<'a> Cell<'a> {
    /// Whether there is nothing.
    pub fn is_empty(self) -> bool {
        matches!(self, Cell::Empty)
    }

    /// The value as characters; a whole float loses its `.0`, because ids often come that way.
    pub fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Cell::Empty => None,
            Cell::Text(text) => Some(Cow::Borrowed(text)),
            Cell::Int(number) => Some(Cow::Owned(number.to_string())),
            Cell::Float(number) => Some(Cow::Owned(format!("{number}"))),
            Cell::TimeMs(ms) => Some(Cow::Owned(
                Timestamp::from_ms(ms).map_or_else(|_| ms.to_string(), |at| at.to_string()),
            )),
            Cell::Flag(flag) => Some(Cow::Borrowed(if flag { "true" } else { "false" })),
        }
    }

    /// The value as a finite number.
    ///
    /// # Errors
    ///
    /// The remedy, as text, without the value.
    pub fn number(self) -> Result<Option<f64>, String> {
        let number = match self {
            Cell::Empty => return Ok(None),
            Cell::Int(number) => number as f64,
            Cell::Float(number) => number,
            Cell::Text(text) => match text.parse() {
                Ok(number) => number,
                Err(_) => return Err("is not a number; write for example 12.50".to_owned()),
            },
            Cell::TimeMs(_) | Cell::Flag(_) => return Err("is not a number".to_owned()),
        };
        if number.is_finite() { Ok(Some(number)) } else { Err("is not a finite number".to_owned()) }
    }

    /// The value as a number with a decimal comma, `12,5` or `1.050,5`, or as [`Cell::number`] reads it.
    ///
    /// # Errors
    ///
    /// As [`Cell::number`].
    pub fn number_with_comma(self) -> Result<Option<f64>, String> {
        let Cell::Text(text) = self else { return self.number() };
        match with_point(text) {
            Some(turned) => Cell::Text(&turned).number(),
            None => self.number(),
        }
    }
}

/// A whole number of which points part the thousands, `1.050`, without them; `None` for any other text.
fn without_groups(text: &str) -> Option<String> {
    let mut groups = text.split('.');
    let is_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().filter(|group| (1..=3).contains(&group.len()) && is_digits(group))?;
    let rest: Vec<&str> = groups.collect();
    let is_one = !rest.is_empty() && rest.iter().all(|group| group.len() == 3 && is_digits(group));
    is_one.then(|| [first, &rest.concat()].concat())
}

/// A number with a decimal comma as one with a point; `None` for what has none.
fn with_point(text: &str) -> Option<String> {
    let (whole, part) = text.split_once(',')?;
    let is_grouped = whole.split('.').skip(1).all(|group| group.len() == 3);
    let is_one = is_grouped && part.bytes().all(|byte| byte.is_ascii_digit());
    is_one.then(|| format!("{}.{part}", whole.replace('.', "")))
}
