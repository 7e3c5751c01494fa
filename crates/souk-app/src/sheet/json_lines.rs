use std::io::BufRead;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::bounded::{ROW_BYTES_MAX, read_line};
use super::{
    BLOCK_BYTES_MAX, BLOCK_ROWS, Block, COLUMNS_MAX, Column, Documents, IsGzip, RowFault, Sheet,
    empty_file, file_error, normal_name, text_of, too_many_columns,
};
use crate::AppError;

/// Lines whose fields become the columns.
const SAMPLE_LINES: usize = 1_000;
/// Bytes of these lines, which stay in memory.
const SAMPLE_BYTES_MAX: usize = 16 << 20;

/// A line with its number, from 1; one that cannot be read is a fault.
pub(crate) type NumberedLine = (u64, Result<String, RowFault>);

/// Lines of a file with their numbers, read one by one; of a file that is one JSON list, its objects, each with the line
/// on which it begins.
pub(crate) enum Lines {
    Lines { path: PathBuf, input: Box<dyn BufRead + Send>, line: u64 },
    List(Documents),
}

impl Lines {
    /// Opens the file; the text says which encoding was assumed, where it is not UTF-8.
    pub(crate) fn open(path: &Path, gzip: IsGzip) -> Result<(Lines, Option<String>), AppError> {
        let (mut input, note) = text_of(path, gzip)?;
        let head = input.fill_buf().map_err(|source| file_error(path, source))?;
        if head.iter().all(u8::is_ascii_whitespace) {
            return Err(empty_file(path));
        }
        if head.trim_ascii_start().starts_with(b"[") {
            return Ok((Lines::List(Documents::new(path, input)), note));
        }
        Ok((Lines::Lines { path: path.to_owned(), input, line: 0 }, note))
    }

    /// The next line that is not blank; a line over the limit or not UTF-8 is a fault.
    pub(crate) fn next_line(&mut self) -> Result<Option<NumberedLine>, AppError> {
        let (path, input, line) = match self {
            Lines::Lines { path, input, line } => (path, input, line),
            Lines::List(documents) => return documents.next_document(),
        };
        loop {
            let mut bytes = Vec::new();
            let n_read = read_line(&mut **input, &mut bytes, ROW_BYTES_MAX)
                .map_err(|source| file_error(path, source))?;
            if n_read == 0 {
                return Ok(None);
            }
            *line += 1;
            let line = *line;
            let fault =
                |reason: &str| RowFault { line, column: String::new(), reason: reason.to_owned() };
            if n_read > ROW_BYTES_MAX {
                return Ok(Some((line, Err(fault("the line is over 1 MiB")))));
            }
            match String::from_utf8(bytes) {
                Ok(text) if text.trim().is_empty() => {}
                Ok(text) => return Ok(Some((line, Ok(text)))),
                Err(_) => {
                    return Ok(Some((line, Err(fault("the line is not UTF-8, as JSON must be")))));
                }
            }
        }
    }
}

/// JSON objects, one on each line or all in one list, each taken as a row: fields that hold lists or objects are left out.
pub(super) struct JsonLinesSheet {
    lines: Lines,
    note: Option<String>,
    columns: Vec<String>,
    /// Lines that were read to learn the columns.
    ahead: std::collections::VecDeque<NumberedLine>,
}

impl JsonLinesSheet {
    pub(super) fn open(path: &Path, gzip: IsGzip) -> Result<JsonLinesSheet, AppError> {
        let (mut lines, note) = Lines::open(path, gzip)?;
        let mut ahead = std::collections::VecDeque::new();
        let mut columns: Vec<String> = Vec::new();
        let mut n_bytes = 0;
        while ahead.len() < SAMPLE_LINES
            && n_bytes < SAMPLE_BYTES_MAX
            && let Some(next) = lines.next_line()?
        {
            if let Ok(Ok(Value::Object(fields))) =
                next.1.as_ref().map(|text| serde_json::from_str(text))
            {
                for name in fields.keys().map(|name| normal_name(name)) {
                    if columns.contains(&name) {
                        continue;
                    }
                    if columns.len() == COLUMNS_MAX {
                        return Err(too_many_columns(path));
                    }
                    columns.push(name);
                }
            }
            n_bytes += next.1.as_ref().map_or(0, String::len);
            ahead.push_back(next);
        }
        Ok(JsonLinesSheet { lines, note, columns, ahead })
    }

    fn take_line(&self, (line, text): (u64, &str), block: &mut Block) {
        let fields = match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => return block.faults.push(row_fault(line, "the line is no JSON object")),
            // The parser's message may quote the line, so only its place is told.
            Err(error) => {
                let reason = format!("the line is no JSON: fault at column {}", error.column());
                return block.faults.push(row_fault(line, &reason));
            }
        };
        let mut row = vec![String::new(); self.columns.len()];
        for (name, value) in fields {
            let name = normal_name(&name);
            let Some(idx) = self.columns.iter().position(|column| *column == name) else {
                continue;
            };
            row[idx] = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
            };
        }
        for (column, cell) in block.columns.iter_mut().zip(row) {
            let Column::Text { text, ends } = column else { continue };
            text.push_str(&cell);
            ends.push(u32::try_from(text.len()).expect("a block's lines stay far below 4 GB"));
        }
        block.lines.push(line);
    }
}

fn row_fault(line: u64, reason: &str) -> RowFault {
    RowFault { line, column: String::new(), reason: reason.to_owned() }
}

impl Sheet for JsonLinesSheet {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn next_block(&mut self) -> Result<Option<Block>, AppError> {
        let empty = Column::Text { text: String::new(), ends: Vec::new() };
        let mut block = Block {
            columns: vec![empty; self.columns.len()],
            lines: Vec::new(),
            faults: Vec::new(),
        };
        let mut n_bytes = 0;
        while block.len() + block.faults.len() < BLOCK_ROWS / 4 && n_bytes < BLOCK_BYTES_MAX {
            let next = match self.ahead.pop_front() {
                Some(next) => Some(next),
                None => self.lines.next_line()?,
            };
            match next {
                Some((line, Ok(text))) => {
                    n_bytes += text.len();
                    self.take_line((line, &text), &mut block);
                }
                Some((_, Err(fault))) => block.faults.push(fault),
                None => break,
            }
        }
        let is_end = block.is_empty() && block.faults.is_empty();
        Ok((!is_end).then_some(block))
    }

    fn notes(&self) -> Vec<String> {
        self.note.clone().into_iter().collect()
    }
}
