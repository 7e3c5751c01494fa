//! Readers that keep a file from taking more memory or time than its size warrants.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes of a row or line; chosen: a product with all its texts is far below.
pub(super) const ROW_BYTES_MAX: usize = 1 << 20;
/// Bytes of a row that a quotation mark stretches over several lines; chosen.
const RECORD_BYTES_MAX: u64 = 4 << 20;
/// Unpacked bytes that no compressed file is suspected for; chosen.
const UNPACKED_BYTES_FREE: u64 = 64 << 20;
/// How many times its size a compressed table may have; chosen: far above what tables reach, and
/// below the 1,032 that deflate itself can.
const UNPACKED_TIMES_MAX: u64 = 200;

/// An unpacking reader that stops where the packed file is a bomb rather than a table.
pub(super) struct Unpacking<R> {
    unpacked: R,
    left: u64,
    max: u64,
}

impl<R> Unpacking<R> {
    pub(super) fn new(unpacked: R, packed_bytes: u64) -> Unpacking<R> {
        let max = packed_bytes.saturating_mul(UNPACKED_TIMES_MAX).max(UNPACKED_BYTES_FREE);
        Unpacking { unpacked, left: max, max }
    }
}

impl<R: Read> Read for Unpacking<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.unpacked.read(buffer)?;
        match self.left.checked_sub(n_read as u64) {
            Some(left) => self.left = left,
            None => {
                let max = self.max;
                return Err(io::Error::other(format!(
                    "it unpacks to over {max} bytes, more than {UNPACKED_TIMES_MAX} times its size; \
                     if that is right, unpack it and import the result"
                )));
            }
        }
        Ok(n_read)
    }
}

/// Lines cut behind [`ROW_BYTES_MAX`], so that a row that is far too long costs no memory. A cut row is
/// still longer than allowed, by which the reader of rows tells it.
pub(super) struct CutLines<R> {
    input: R,
    in_line: usize,
    record: RecordBytes,
}

/// Bytes since the last whole row; whoever reads rows sets it back.
#[derive(Clone, Debug, Default)]
pub(super) struct RecordBytes(Arc<AtomicU64>);

impl RecordBytes {
    pub(super) fn row_is_whole(&self) {
        self.0.store(0, Relaxed);
    }
}

impl<R: BufRead> CutLines<R> {
    pub(super) fn new(input: R) -> (CutLines<R>, RecordBytes) {
        let record = RecordBytes::default();
        (CutLines { input, in_line: 0, record: record.clone() }, record)
    }
}

impl<R: BufRead> Read for CutLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let ready = self.input.fill_buf()?;
            if ready.is_empty() || buffer.is_empty() {
                return Ok(0);
            }
            let line_end = ready.iter().position(|byte| *byte == b'\n');
            let piece = line_end.unwrap_or(ready.len());
            // One byte over the limit passes, so that the row shows that it was too long.
            let room = (ROW_BYTES_MAX + 1).saturating_sub(self.in_line);
            if piece == 0 && line_end.is_some() {
                buffer[0] = b'\n';
                self.input.consume(1);
                self.in_line = 0;
                return self.count(1);
            }
            if room == 0 {
                self.input.consume(piece);
                continue;
            }
            let taken = piece.min(room).min(buffer.len());
            buffer[..taken].copy_from_slice(&ready[..taken]);
            self.input.consume(taken);
            self.in_line += taken;
            return self.count(taken);
        }
    }
}

impl<R> CutLines<R> {
    fn count(&self, n_read: usize) -> io::Result<usize> {
        let bytes = self.record.0.fetch_add(n_read as u64, Relaxed) + n_read as u64;
        if bytes > RECORD_BYTES_MAX {
            return Err(io::Error::other(format!(
                "a row is over {RECORD_BYTES_MAX} bytes; close the quotation mark that opens in it"
            )));
        }
        Ok(n_read)
    }
}

/// Reads a line of at most `max` bytes with its end into `line`, and passes over what is longer.
///
/// Returns the bytes of the line in the file; 0 at the end.
pub(super) fn read_line(
    input: &mut dyn BufRead,
    line: &mut Vec<u8>,
    max: usize,
) -> io::Result<usize> {
    let mut n_bytes = 0;
    loop {
        let ready = input.fill_buf()?;
        if ready.is_empty() {
            return Ok(n_bytes);
        }
        let line_end = ready.iter().position(|byte| *byte == b'\n');
        let piece = line_end.map_or(ready.len(), |end| end + 1);
        let kept = piece.min(max.saturating_sub(line.len()));
        line.extend_from_slice(&ready[..kept]);
        n_bytes += piece;
        input.consume(piece);
        if line_end.is_some() {
            return Ok(n_bytes);
        }
    }
}
