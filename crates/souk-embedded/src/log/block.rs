//! How records lie in the log's rows: a block of frames, each with a checksum of its own.
//!
//! ```text
//! block  = version u8 | records u32 | first offset u64 | checksum u32 of what stands before it | frame*
//! frame  = checksum u32 of the rest | payload length varint | payload
//! payload = flags u8 | kind u16 | received_at u48 | event id 16 | subject 16, if flagged | body
//! ```
//!
//! Integers are little endian. Many records share a row because a row costs a search in the
//! b-tree and a record does not: that is the difference between 0.5 and 5 million records/s.

use souk_core::{EventId, SubjectId, Timestamp};
use souk_ports::{Partition, Position, Record, RecordKind, Recorded};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// The format that this program writes.
const BLOCK_VERSION: u8 = 1;
/// Bytes before the first frame.
pub(crate) const BLOCK_HEADER_BYTES: usize = 17;
/// A block is closed at this size. Chosen: eight database pages, so that the page a block only
/// half fills costs little, and reading one record of a subject still reads little.
pub(crate) const BLOCK_BYTES: usize = 32 << 10;
/// Flags, kind, received_at and event id.
const PAYLOAD_FIXED_BYTES: usize = 1 + 2 + 6 + 16;
const FLAG_SUBJECT: u8 = 1;

/// What the writer needs to know of a frame without decoding it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameHead {
    /// Where the frame ends in [`Frames::bytes`]; it begins where the one before it ends.
    pub(crate) end: u32,
    pub(crate) event_id: EventId,
    pub(crate) subject: Option<u64>,
    pub(crate) received_ms: i64,
}

/// Encoded records that have no offset yet.
///
/// Made on the caller's thread, so that the one writer thread only copies bytes.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    pub(crate) bytes: Vec<u8>,
    pub(crate) heads: Vec<FrameHead>,
}

/// The hash by which a subject stands in an index; a hit is checked against the record.
pub(crate) fn subject_hash(subject: SubjectId) -> u64 {
    xxh3_64(&subject.0)
}

/// The checksum of a frame's payload: 32 bits, so a damaged record passes once in four billion.
pub(crate) fn payload_checksum(payload: &[u8]) -> u32 {
    (xxh3_64(payload) & u64::from(u32::MAX)) as u32
}

/// Appends the payload of `record` to `out`.
pub(crate) fn encode_payload(record: &Record, out: &mut Vec<u8>) {
    out.push(if record.subject.is_some() { FLAG_SUBJECT } else { 0 });
    out.extend_from_slice(&record.kind.0.to_le_bytes());
    out.extend_from_slice(&record.received_at.as_ms().to_le_bytes()[..6]);
    out.extend_from_slice(&record.event_id.0);
    if let Some(subject) = record.subject {
        out.extend_from_slice(&subject.0);
    }
    out.extend_from_slice(&record.body);
}

/// Encodes the records of one append.
pub(crate) fn encode(records: &[Record]) -> Frames {
    let body_bytes: usize = records.iter().map(|r| r.body.len()).sum();
    let mut frames = Frames {
        bytes: Vec::with_capacity(body_bytes + records.len() * 50),
        heads: Vec::with_capacity(records.len()),
    };
    let mut payload = Vec::with_capacity(256);
    for record in records {
        payload.clear();
        encode_payload(record, &mut payload);
        frames.bytes.extend_from_slice(&payload_checksum(&payload).to_le_bytes());
        push_varint(payload.len(), &mut frames.bytes);
        frames.bytes.extend_from_slice(&payload);
        frames.heads.push(FrameHead {
            end: u32::try_from(frames.bytes.len()).expect("a batch has at most 9 MB"),
            event_id: record.event_id,
            subject: record.subject.map(subject_hash),
            received_ms: record.received_at.as_ms(),
        });
    }
    frames
}

/// A block under construction.
#[derive(Debug)]
pub(crate) struct BlockBuilder {
    partition: Partition,
    first: u64,
    records: u32,
    bytes: Vec<u8>,
}

/// A finished block.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) bytes: Vec<u8>,
}

impl BlockBuilder {
    pub(crate) fn new(partition: Partition, first: u64) -> BlockBuilder {
        BlockBuilder { partition, first, records: 0, bytes: vec![0; BLOCK_HEADER_BYTES] }
    }

    pub(crate) fn push(&mut self, frame: &[u8]) {
        self.bytes.extend_from_slice(frame);
        self.records += 1;
    }

    /// Whether `frame` should begin a new block.
    pub(crate) fn is_full_for(&self, frame: &[u8]) -> bool {
        self.records > 0 && self.bytes.len() + frame.len() > BLOCK_BYTES
    }

    /// The block, or `None` when nothing was pushed.
    pub(crate) fn finish(mut self) -> Option<Block> {
        if self.records == 0 {
            return None;
        }
        self.bytes[0] = BLOCK_VERSION;
        self.bytes[1..5].copy_from_slice(&self.records.to_le_bytes());
        self.bytes[5..13].copy_from_slice(&self.first.to_le_bytes());
        let checksum = header_checksum(&self.bytes, self.partition);
        self.bytes[13..17].copy_from_slice(&checksum.to_le_bytes());
        let last = self.first + u64::from(self.records) - 1;
        Some(Block { first: self.first, last, bytes: self.bytes })
    }
}

/// What is wrong with a block, and at which record.
#[derive(Debug)]
pub(crate) struct Damage {
    pub(crate) offset: u64,
    pub(crate) detail: String,
}

/// A block whose header was found sound.
#[derive(Debug)]
pub(crate) struct BlockView<'a> {
    partition: Partition,
    first: u64,
    records: u32,
    frames: &'a [u8],
}

impl<'a> BlockView<'a> {
    /// Checks the header of the block that is stored under `first`.
    pub(crate) fn open(
        bytes: &'a [u8],
        partition: Partition,
        first: u64,
    ) -> Result<BlockView<'a>, Damage> {
        let damage = |detail: &str| Damage { offset: first, detail: detail.into() };
        if bytes.len() < BLOCK_HEADER_BYTES {
            return Err(damage("the block is cut short"));
        }
        if header_checksum(bytes, partition).to_le_bytes() != bytes[13..17] {
            return Err(damage("the checksum of the block's header does not match"));
        }
        if bytes[0] != BLOCK_VERSION {
            return Err(damage("the block was written by a newer version of the program"));
        }
        let records = u32::from_le_bytes(bytes[1..5].try_into().expect("four bytes"));
        if u64::from_le_bytes(bytes[5..13].try_into().expect("eight bytes")) != first {
            return Err(damage("the block stands under another block's offset"));
        }
        Ok(BlockView { partition, first, records, frames: &bytes[BLOCK_HEADER_BYTES..] })
    }

    /// The offset of the last record.
    pub(crate) fn last(&self) -> u64 {
        self.first + u64::from(self.records.max(1)) - 1
    }

    /// The records from offset `from` on. Damage before `from` that hides where it begins is found too.
    pub(crate) fn records_from(&self, from: u64) -> Records<'a> {
        let offset = self.first;
        let left = self.records;
        Records { partition: self.partition, offset, from, left, rest: self.frames }
    }
}

/// The records of a block, each checked as it is reached.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    partition: Partition,
    offset: u64,
    from: u64,
    left: u32,
    rest: &'a [u8],
}

impl Iterator for Records<'_> {
    type Item = Result<Recorded, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.left == 0 {
                return None;
            }
            let offset = self.offset;
            self.left -= 1;
            self.offset += 1;
            let Some((checksum, payload, rest)) = split_frame(self.rest) else {
                self.left = 0;
                let detail = "the record is cut short".to_owned();
                return Some(Err(Damage { offset, detail }));
            };
            self.rest = rest;
            if offset < self.from {
                continue;
            }
            let decoded = decode_payload(payload, checksum, self.partition);
            if decoded.is_err() {
                self.left = 0;
            }
            let position = Position { partition: self.partition, offset };
            return Some(match decoded {
                Ok(record) => Ok(Recorded { position, record }),
                Err(detail) => Err(Damage { offset, detail: detail.to_owned() }),
            });
        }
    }
}

/// Reads a payload after comparing its checksum.
pub(crate) fn decode_payload(
    payload: &[u8],
    checksum: u32,
    partition: Partition,
) -> Result<Record, &'static str> {
    if payload_checksum(payload) != checksum {
        return Err("the checksum of the record does not match");
    }
    let flags = payload.first().copied().unwrap_or(u8::MAX);
    let fixed = PAYLOAD_FIXED_BYTES + if flags == FLAG_SUBJECT { 16 } else { 0 };
    if flags > FLAG_SUBJECT || payload.len() < fixed {
        return Err("the record's header is not one that this version writes");
    }
    let mut ms = [0; 8];
    ms[..6].copy_from_slice(&payload[3..9]);
    let Ok(received_at) = Timestamp::from_ms(i64::from_le_bytes(ms)) else {
        return Err("the record's time of receipt is out of range");
    };
    let subject = (flags == FLAG_SUBJECT)
        .then(|| SubjectId(payload[25..41].try_into().expect("the length was checked")));
    Ok(Record {
        partition,
        subject,
        event_id: EventId(payload[9..25].try_into().expect("the length was checked")),
        received_at,
        kind: RecordKind(u16::from_le_bytes([payload[1], payload[2]])),
        body: payload[fixed..].to_vec(),
    })
}

/// The checksum, payload and remainder of what begins with a frame.
fn split_frame(bytes: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let checksum = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?);
    let mut len = 0_usize;
    let mut at = 4;
    loop {
        let byte = *bytes.get(at)?;
        len |= usize::from(byte & 0x7f) << (7 * (at - 4));
        at += 1;
        if byte & 0x80 == 0 {
            break;
        }
        if at > 8 {
            return None;
        }
    }
    let end = at.checked_add(len)?;
    Some((checksum, bytes.get(at..end)?, &bytes[end..]))
}

fn push_varint(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The partition is part of the sum, so a block of another partition is not taken for one's own.
fn header_checksum(bytes: &[u8], partition: Partition) -> u32 {
    (xxh3_64_with_seed(&bytes[..13], u64::from(partition.0)) & u64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests;
