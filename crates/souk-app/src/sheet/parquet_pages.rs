//! How much memory the pages of a Parquet column will take, before any of them is unpacked.
//!
//! The library unpacks a page into as many bytes as the page's own header says, up to 2 GiB, whatever the
//! file's footer says of its column. So the headers are read first: Thrift's compact protocol, of which only
//! the fields of `PageHeader` that hold sizes are kept (parquet-format, `parquet.thrift`).

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

/// Bytes of one header, statistics included.
const HEADER_BYTES_MAX: u64 = 16 << 20;
/// Structs inside structs in a header.
const DEPTH_MAX: u32 = 16;
/// Pages of one column in one row group.
const PAGES_MAX: u64 = 1 << 20;

/// What stands in the header of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    unpacked: u64,
    packed: u64,
}

/// The pages of one column in one row group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pages {
    /// How many.
    pub(super) n: u64,
    /// Bytes of the largest, unpacked.
    pub(super) largest: u64,
    /// Bytes of all, unpacked.
    pub(super) sum: u64,
}

/// Reads the headers of the pages in `length` bytes from `start` on.
///
/// # Errors
///
/// Of kind `InvalidData` when they are no headers; as the reader.
pub(super) fn pages(reader: impl Read + Seek, (start, length): (u64, u64)) -> io::Result<Pages> {
    let mut reader = BufReader::new(reader);
    let (mut at, end) = (start, start.saturating_add(length));
    let mut pages = Pages::default();
    while at < end {
        if pages.n == PAGES_MAX {
            return Err(bad("has more than a million pages"));
        }
        reader.seek(SeekFrom::Start(at))?;
        let mut source = Source { reader: (&mut reader).take(HEADER_BYTES_MAX), n: 0 };
        let header = source.header()?;
        at = at.saturating_add(source.n).saturating_add(header.packed);
        pages.n += 1;
        pages.largest = pages.largest.max(header.unpacked);
        pages.sum = pages.sum.saturating_add(header.unpacked);
    }
    Ok(pages)
}

fn bad(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Reads Thrift's compact protocol and counts the bytes.
struct Source<R> {
    reader: R,
    n: u64,
}

impl<R: BufRead> Source<R> {
    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte)?;
        self.n += 1;
        Ok(byte[0])
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(bad("has a number that does not end"))
    }

    fn zigzag(&mut self) -> io::Result<i64> {
        let raw = self.varint()?;
        Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }

    fn skip_bytes(&mut self, n: u64) -> io::Result<()> {
        let copied = io::copy(&mut self.reader.by_ref().take(n), &mut io::sink())?;
        self.n += copied;
        if copied < n { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// The number and type of the next field after field `last`; `None` at the end of the struct.
    fn field(&mut self, last: i64) -> io::Result<Option<(i64, u8)>> {
        let byte = self.byte()?;
        match (byte >> 4, byte & 0x0f) {
            (_, 0) => Ok(None),
            (0, kind) => Ok(Some((self.zigzag()?, kind))),
            (step, kind) => Ok(Some((last.saturating_add(i64::from(step)), kind))),
        }
    }

    fn header(&mut self) -> io::Result<Header> {
        let (mut unpacked, mut packed, mut last) = (None, None, 0);
        while let Some((number, kind)) = self.field(last)? {
            match (number, kind) {
                (2, 5) => unpacked = Some(self.zigzag()?),
                (3, 5) => packed = Some(self.zigzag()?),
                _ => self.skip(kind, DEPTH_MAX)?,
            }
            last = number;
        }
        let size = |size: Option<i64>| {
            let size = size.and_then(|size| u64::try_from(size).ok());
            size.ok_or_else(|| bad("has a page without a size"))
        };
        Ok(Header { unpacked: size(unpacked)?, packed: size(packed)? })
    }

    /// Passes over a value of a struct.
    fn skip(&mut self, kind: u8, depth: u32) -> io::Result<()> {
        let deeper = depth.checked_sub(1).ok_or_else(|| bad("has a header that is too deep"))?;
        match kind {
            // Booleans of a struct are in the field's head.
            1 | 2 => Ok(()),
            3 => self.byte().map(drop),
            4..=6 => self.varint().map(drop),
            7 => self.skip_bytes(8),
            8 => {
                let n = self.varint()?;
                self.skip_bytes(n)
            }
            9 | 10 => {
                let head = self.byte()?;
                let n = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
                // Each element takes at least a byte, so a false number meets the end.
                for _ in 0..n {
                    match head & 0x0f {
                        1 | 2 => self.byte().map(drop)?,
                        of => self.skip(of, deeper)?,
                    }
                }
                Ok(())
            }
            12 => {
                let mut last = 0;
                while let Some((number, kind)) = self.field(last)? {
                    self.skip(kind, deeper)?;
                    last = number;
                }
                Ok(())
            }
            _ => Err(bad("has a header of no known form")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Cursor;

    use super::*;

    /// A data page as `parquet.thrift` writes it: type 0, the sizes, a struct with numbers and statistics.
    fn header(unpacked: u32, packed: u32) -> Vec<u8> {
        let zigzag = |value: u32, out: &mut Vec<u8>| {
            let mut rest = u64::from(value) << 1;
            while rest > 0x7f {
                out.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            out.push(rest as u8);
        };
        let mut out = vec![0x15, 0, 0x15];
        zigzag(unpacked, &mut out);
        out.push(0x15);
        zigzag(packed, &mut out);
        // Field 5, a struct: three numbers, then field 5, statistics with two texts.
        out.extend([0x2c, 0x15, 4, 0x15, 0, 0x15, 6, 0x2c, 0x18, 2, b'a', b'b', 0x18, 0, 0, 0, 0]);
        out
    }

    #[test]
    fn sizes_are_read_and_pages_passed_over() {
        let mut bytes = vec![9; 7];
        for (unpacked, packed) in [(300, 5), (2_000_000_000, 3), (10, 0)] {
            bytes.extend(header(unpacked, packed));
            bytes.extend(vec![0xff; packed as usize]);
        }
        let whole = (7, bytes.len() as u64 - 7);
        let found = pages(Cursor::new(&bytes), whole).unwrap();
        assert_eq!(found, Pages { n: 3, largest: 2_000_000_000, sum: 2_000_000_310 });
    }

    #[test]
    fn what_is_no_header_is_an_error_and_ends() {
        let whole = header(10, 0);
        for end in 0..whole.len() {
            let cut = &whole[..end];
            assert!(pages(Cursor::new(cut), (0, 100)).is_err(), "{end}");
        }
        for bytes in [
            vec![0x19, 0xfb, 0xff, 0xff, 0xff, 0xff, 0x7f],
            vec![0x1c; 100],
            vec![0x15, 1, 0],
            vec![0x1f, 0],
            vec![0xff; 64],
        ] {
            let error = pages(Cursor::new(&bytes), (0, 1_000)).unwrap_err();
            let kinds = [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof];
            assert!(kinds.contains(&error.kind()), "{error}");
        }
    }
}
