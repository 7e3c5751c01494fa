use std::io::BufRead;
use std::path::Path;

use super::bounded::ROW_BYTES_MAX;
use super::json_lines::NumberedLine;
use super::{IsGzip, RowFault, empty_file, file_error, text_of};
use crate::AppError;

/// The JSON objects of a file, one by one: of a list, one on each line, or one after the other, however they are
/// spread over lines. Each comes with the line on which it begins. Where the first line holds a whole object, every
/// object ends on the line on which it begins, so that one without an end takes no other with it.
///
/// No parser: what stands between an object's outer braces is handed on as it is, so that one object with a fault
/// costs that object alone. A file of any size takes the memory of its largest object.
pub(crate) struct Documents {
    path: std::path::PathBuf,
    input: Box<dyn BufRead + Send>,
    line: u64,
    is_by_line: bool,
}

/// Where in an object the reader stands.
#[derive(Default)]
struct Inside {
    depth: u32,
    is_text: bool,
    is_escaped: bool,
}

impl Inside {
    /// Takes in a byte; whether it ends the object.
    fn ends_with(&mut self, byte: u8) -> bool {
        if self.is_text {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.is_text = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.is_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.depth == 0
    }
}

impl Documents {
    /// Opens a file; the text says which encoding was assumed, where it is not UTF-8.
    pub(crate) fn open(path: &Path, gzip: IsGzip) -> Result<(Documents, Option<String>), AppError> {
        let (mut input, note) = text_of(path, gzip)?;
        let head = input.fill_buf().map_err(|source| file_error(path, source))?;
        if head.iter().all(u8::is_ascii_whitespace) {
            return Err(empty_file(path));
        }
        let is_by_line = begins_with_whole_object(head);
        Ok((Documents { is_by_line, ..Documents::new(path, input) }, note))
    }

    /// The objects of an opened file, however they are spread over lines.
    pub(super) fn new(path: &Path, input: Box<dyn BufRead + Send>) -> Documents {
        Documents { path: path.to_owned(), input, line: 1, is_by_line: false }
    }

    /// The next object; what is no object, too long or not UTF-8 is a fault.
    pub(crate) fn next_document(&mut self) -> Result<Option<NumberedLine>, AppError> {
        let Some(first) = self.first_byte()? else { return Ok(None) };
        let line = self.line;
        let fault =
            |reason: &str| RowFault { line, column: String::new(), reason: reason.to_owned() };
        if first != b'{' {
            self.skip_other()?;
            return Ok(Some((line, Err(fault("there is no JSON object here")))));
        }
        let (bytes, n_bytes, is_whole) = self.object()?;
        let read = match String::from_utf8(bytes) {
            _ if !is_whole => Err(fault("the object that begins here never ends")),
            _ if n_bytes > ROW_BYTES_MAX => Err(fault("the object is over 1 MiB")),
            Ok(text) => Ok(text),
            Err(_) => Err(fault("the object is not UTF-8, as JSON must be")),
        };
        Ok(Some((line, read)))
    }

    /// The first byte of what comes next, which stays to be read; the signs of a list are passed over.
    fn first_byte(&mut self) -> Result<Option<u8>, AppError> {
        loop {
            let ready = self.input.fill_buf();
            let ready = ready.map_err(|source| file_error(&self.path, source))?;
            let Some(&byte) = ready.first() else { return Ok(None) };
            if !byte.is_ascii_whitespace() && !matches!(byte, b'[' | b']' | b',') {
                return Ok(Some(byte));
            }
            self.line += u64::from(byte == b'\n');
            self.input.consume(1);
        }
    }

    /// The bytes of an object up to the limit, how many it has, and whether it ends.
    fn object(&mut self) -> Result<(Vec<u8>, usize, bool), AppError> {
        let (mut bytes, mut n_bytes, mut inside) = (Vec::new(), 0, Inside::default());
        loop {
            let ready = self.input.fill_buf();
            let ready = ready.map_err(|source| file_error(&self.path, source))?;
            if ready.is_empty() {
                return Ok((bytes, n_bytes, false));
            }
            let mut is_whole = true;
            let end = ready.iter().position(|byte| {
                is_whole = !(self.is_by_line && *byte == b'\n');
                !is_whole || inside.ends_with(*byte)
            });
            let piece = end.map_or(ready.len(), |end| end + 1);
            let kept = piece.min(ROW_BYTES_MAX.saturating_sub(bytes.len()));
            bytes.extend_from_slice(&ready[..kept]);
            n_bytes += piece;
            self.line += ready[..piece].iter().filter(|byte| **byte == b'\n').count() as u64;
            self.input.consume(piece);
            if end.is_some() {
                return Ok((bytes, n_bytes, is_whole));
            }
        }
    }

    /// Passes over what is no object: of a list up to what may be its next value, of lines to the end of the line.
    fn skip_other(&mut self) -> Result<(), AppError> {
        let (mut inside, is_by_line) = (Inside::default(), self.is_by_line);
        loop {
            let ready = self.input.fill_buf();
            let ready = ready.map_err(|source| file_error(&self.path, source))?;
            let end = ready.iter().position(|byte| {
                let is_sign = matches!(byte, b',' | b'[' | b']' | b'{') && !inside.is_text;
                inside.ends_with(*byte);
                *byte == b'\n' || is_sign && !is_by_line
            });
            let piece = end.unwrap_or(ready.len());
            let is_end = end.is_some() || ready.is_empty();
            self.input.consume(piece);
            if is_end {
                return Ok(());
            }
        }
    }
}

/// Whether the first line that is not blank is an object from its beginning to its end.
fn begins_with_whole_object(head: &[u8]) -> bool {
    let lines = head.split_inclusive(|byte| *byte == b'\n');
    let first = lines.map(<[u8]>::trim_ascii).find(|line| !line.is_empty()).unwrap_or_default();
    let mut inside = Inside::default();
    first.first() == Some(&b'{')
        && first.iter().position(|byte| inside.ends_with(*byte)) == Some(first.len() - 1)
}

#[cfg(test)]
mod tests;
