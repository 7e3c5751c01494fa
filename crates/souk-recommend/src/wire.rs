//! The parts of this crate's snapshots: a header that names kind and version, little-endian numbers,
//! and a checksum of everything, so that damage is noticed before anything is believed.

use xxhash_rust::xxh3::xxh3_64;

/// Bytes of magic and version at the start, and of the checksum at the end.
const HEADER_BYTES: usize = 6;
const CHECKSUM_BYTES: usize = 8;

/// Why a snapshot cannot be used. The remedy is the same for all: rebuild from the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The bytes are not a snapshot of this kind.
    #[error("not a snapshot of this kind; rebuild it from the events")]
    OtherKind,
    /// A version that this program does not read.
    #[error("snapshot version {found}, this program reads {known}; rebuild it from the events")]
    OtherVersion {
        /// The version in the bytes.
        found: u16,
        /// The version that is written now.
        known: u16,
    },
    /// The bytes changed since they were written, or end early.
    #[error("the snapshot is damaged; rebuild it from the events")]
    Damaged,
}

/// Four letters and a version, by which a snapshot is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) magic: [u8; 4],
    pub(crate) version: u16,
}

/// Writes a snapshot.
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(kind: Kind, expected_bytes: usize) -> Writer {
        let mut bytes = Vec::with_capacity(expected_bytes + HEADER_BYTES + CHECKSUM_BYTES);
        bytes.extend_from_slice(&kind.magic);
        bytes.extend_from_slice(&kind.version.to_le_bytes());
        Writer { bytes }
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn words(&mut self, words: impl Iterator<Item = u32>) {
        self.bytes.extend(words.flat_map(u32::to_le_bytes));
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Adds the checksum and returns the snapshot.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let checksum = xxh3_64(&self.bytes);
        self.u64(checksum);
        self.bytes
    }
}

/// Reads a snapshot whose checksum is right.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(kind: Kind, bytes: &'a [u8]) -> Result<Reader<'a>, SnapshotError> {
        if bytes.len() < HEADER_BYTES + CHECKSUM_BYTES || bytes[..4] != kind.magic {
            return Err(SnapshotError::OtherKind);
        }
        let found = u16::from_le_bytes([bytes[4], bytes[5]]);
        if found != kind.version {
            return Err(SnapshotError::OtherVersion { found, known: kind.version });
        }
        let (body, checksum) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
        if xxh3_64(body).to_le_bytes() != checksum {
            return Err(SnapshotError::Damaged);
        }
        Ok(Reader { rest: &body[HEADER_BYTES..] })
    }

    pub(crate) fn u32(&mut self) -> Result<u32, SnapshotError> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, SnapshotError> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, SnapshotError> {
        Ok(i64::from_le_bytes(self.take()?))
    }

    /// The next `n` words.
    pub(crate) fn words(
        &mut self,
        n: usize,
    ) -> Result<impl Iterator<Item = u32> + Clone + use<'a>, SnapshotError> {
        let n_bytes = n.checked_mul(4).ok_or(SnapshotError::Damaged)?;
        let (words, rest) = self.rest.split_at_checked(n_bytes).ok_or(SnapshotError::Damaged)?;
        self.rest = rest;
        let (words, _) = words.as_chunks::<4>();
        Ok(words.iter().map(|&word| u32::from_le_bytes(word)))
    }

    /// Bytes not read yet: a bound for what can still come.
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Ends reading with all that is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Ends reading; bytes left over are damage.
    pub(crate) fn finish(self) -> Result<(), SnapshotError> {
        if self.rest.is_empty() { Ok(()) } else { Err(SnapshotError::Damaged) }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(SnapshotError::Damaged)?;
        self.rest = rest;
        Ok(*head)
    }
}
