//! The primitives: variable-length integers, texts, ids, amounts. They know no event.

use crate::{Currency, Day, ErrorKind, Money, Quantity, Timestamp, Unit};

/// Why bytes are not what they should be: they are damaged, or a newer program wrote them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The bytes do not follow the format.
    #[error("byte {at}: expected {expected}")]
    Malformed {
        /// Where, counted from 0.
        at: usize,
        /// What should have stood there.
        expected: &'static str,
    },
    /// The format is of another version.
    #[error("version {found} is not readable; this program reads up to {}", super::VERSION)]
    Version {
        /// The version byte.
        found: u8,
    },
}

impl WireError {
    /// What the caller can do: nothing, the stored bytes are damaged or from a newer program.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Bug
    }
}

/// Appends primitives to a growing buffer.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// Starts empty.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// Goes on after what `out` holds already.
    pub fn over(out: Vec<u8>) -> Writer {
        Writer { out }
    }

    /// The bytes written so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// How many bytes were written so far.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// One byte.
    #[inline]
    pub fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    /// An unsigned integer in LEB128: 7 bits a byte, low ones first.
    #[inline]
    pub fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    /// A signed integer, zigzag and LEB128: small amounts of either sign are short.
    #[inline]
    pub fn zigzag(&mut self, value: i64) {
        self.varint(zigzag(value));
    }

    /// A length or count.
    #[inline]
    pub fn count(&mut self, count: usize) {
        self.varint(count as u64);
    }

    /// Bytes as they are, without their length.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Bytes with their length before them.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    /// A text with its length before it.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A float as its 8 bytes, low ones first.
    pub fn f64(&mut self, value: f64) {
        self.raw(&value.to_le_bytes());
    }

    /// A text that is often a number or a UUID, as ids are.
    ///
    /// The prefix's low bit is 1 for a canonical decimal below 2^63, which the prefix's other bits
    /// hold; the prefix is 2 for a lower-case hyphenated UUID, whose 16 bytes follow; else it is
    /// four times the length, and the text follows.
    pub fn id(&mut self, text: &str) {
        if let Some(number) = canonical_decimal(text) {
            self.varint(number << 1 | 1);
        } else if let Some(uuid) = canonical_uuid(text) {
            self.u8(2);
            self.raw(&uuid);
        } else {
            self.varint((text.len() as u64) << 2);
            self.raw(text.as_bytes());
        }
    }

    /// A moment.
    pub fn timestamp(&mut self, at: Timestamp) {
        self.varint(at.as_ms() as u64);
    }

    /// A day.
    pub fn day(&mut self, day: Day) {
        self.zigzag(i64::from(day.number()));
    }

    /// A quantity: value, whether it is whole units, and the unit, in one integer.
    pub fn quantity(&mut self, quantity: Quantity) {
        let unit = quantity.unit() as u64;
        let milli = quantity.milli();
        if milli % 1_000 == 0 {
            self.varint(zigzag(milli / 1_000) << 4 | 8 | unit);
        } else {
            self.varint(zigzag(milli) << 4 | unit);
        }
    }

    /// A currency: its three letters.
    pub fn currency(&mut self, currency: Currency) {
        self.raw(currency.as_str().as_bytes());
    }

    /// An amount with its currency.
    pub fn money(&mut self, money: Money) {
        self.currency(money.currency());
        self.zigzag(money.minor());
    }
}

/// Takes primitives off the front of a slice.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the front of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    /// Where it stands.
    pub fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// A fault where the reader stands.
    #[cold]
    pub fn fault(&self, expected: &'static str) -> WireError {
        WireError::Malformed { at: self.at, expected }
    }

    #[cold]
    fn fault_at(at: usize, expected: &'static str) -> WireError {
        WireError::Malformed { at, expected }
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when bytes are left.
    pub fn end(&self) -> Result<(), WireError> {
        if self.remaining() == 0 { Ok(()) } else { Err(self.fault("the end")) }
    }

    /// One byte.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] at the end of the bytes.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, WireError> {
        match self.bytes.get(self.at) {
            Some(byte) => {
                self.at += 1;
                Ok(*byte)
            }
            None => Err(self.fault("a byte")),
        }
    }

    /// Reads the version byte and refuses any but [`VERSION`](super::VERSION).
    ///
    /// # Errors
    ///
    /// [`WireError::Version`] for another version, [`WireError::Malformed`] at the end.
    pub fn version(&mut self) -> Result<(), WireError> {
        match self.u8()? {
            super::VERSION => Ok(()),
            found => Err(WireError::Version { found }),
        }
    }

    /// See [`Writer::varint`].
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when it is cut off or over 64 bits.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, WireError> {
        let first = self.u8()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        self.long_varint(u64::from(first & 0x7f))
    }

    fn long_varint(&mut self, mut value: u64) -> Result<u64, WireError> {
        let start = self.at - 1;
        for shift in (7..70).step_by(7) {
            let byte = self.u8()?;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Reader::fault_at(start, "an integer of at most 64 bits"))
    }

    /// See [`Writer::zigzag`].
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when it is cut off or over 64 bits.
    #[inline]
    pub fn zigzag(&mut self) -> Result<i64, WireError> {
        self.varint().map(unzigzag)
    }

    /// A length or count of things of at least one byte each, so never more than the bytes left.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when that many cannot follow.
    #[inline]
    pub fn count(&mut self) -> Result<usize, WireError> {
        let start = self.at;
        let count = self.varint()?;
        match usize::try_from(count) {
            Ok(count) if count <= self.remaining() => Ok(count),
            _ => Err(Reader::fault_at(start, "a count within the bytes that follow")),
        }
    }

    /// `count` bytes as they are.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when there are fewer.
    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        if count > self.remaining() {
            return Err(self.fault("more bytes"));
        }
        let taken = &self.bytes[self.at..self.at + count];
        self.at += count;
        Ok(taken)
    }

    /// See [`Writer::bytes`].
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when they are cut off.
    pub fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let count = self.count()?;
        self.raw(count)
    }

    /// See [`Writer::text`].
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when it is cut off or not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, WireError> {
        let count = self.count()?;
        self.utf8(count)
    }

    fn utf8(&mut self, count: usize) -> Result<&'a str, WireError> {
        let start = self.at;
        std::str::from_utf8(self.raw(count)?)
            .map_err(|error| Reader::fault_at(start + error.valid_up_to(), "UTF-8"))
    }

    /// 16 bytes.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when there are fewer.
    pub fn array16(&mut self) -> Result<[u8; 16], WireError> {
        Ok(self.raw(16)?.try_into().expect("16 bytes were taken"))
    }

    /// See [`Writer::f64`].
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when it is cut off.
    pub fn f64(&mut self) -> Result<f64, WireError> {
        let bytes = self.raw(8)?.try_into().expect("8 bytes were taken");
        Ok(f64::from_le_bytes(bytes))
    }

    /// See [`Writer::id`].
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when it is cut off or not UTF-8.
    pub fn id(&mut self) -> Result<Box<str>, WireError> {
        let start = self.at;
        let prefix = self.varint()?;
        if prefix & 1 == 1 {
            return Ok(decimal_text(prefix >> 1));
        }
        if prefix == 2 {
            return Ok(uuid_text(self.array16()?));
        }
        if prefix & 2 != 0 {
            return Err(Reader::fault_at(start, "the prefix of an id"));
        }
        let count = usize::try_from(prefix >> 2)
            .map_err(|_| Reader::fault_at(start, "a length within the bytes that follow"))?;
        Ok(self.utf8(count)?.into())
    }

    /// See [`Writer::timestamp`].
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when it is cut off or out of range.
    pub fn timestamp(&mut self) -> Result<Timestamp, WireError> {
        let start = self.at;
        i64::try_from(self.varint()?)
            .ok()
            .and_then(|ms| Timestamp::from_ms(ms).ok())
            .ok_or_else(|| Reader::fault_at(start, "a time between 1970 and 9999"))
    }

    /// See [`Writer::day`].
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when it is cut off or over 32 bits.
    pub fn day(&mut self) -> Result<Day, WireError> {
        let start = self.at;
        let number = i32::try_from(self.zigzag()?);
        number.map(Day::from_number).map_err(|_| Reader::fault_at(start, "a day of 32 bits"))
    }

    /// See [`Writer::quantity`].
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when it is cut off, out of range or of an unknown unit.
    pub fn quantity(&mut self) -> Result<Quantity, WireError> {
        let start = self.at;
        let value = self.varint()?;
        let amount = unzigzag(value >> 4);
        let milli = if value & 8 == 0 { Some(amount) } else { amount.checked_mul(1_000) };
        let unit = Unit::ALL.get((value & 7) as usize).copied();
        milli
            .zip(unit)
            .and_then(|(milli, unit)| Quantity::from_milli(milli, unit))
            .ok_or_else(|| Reader::fault_at(start, "a quantity in a known unit"))
    }

    /// See [`Writer::currency`].
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when it is cut off or unknown.
    pub fn currency(&mut self) -> Result<Currency, WireError> {
        let start = self.at;
        std::str::from_utf8(self.raw(3)?)
            .ok()
            .and_then(|code| Currency::parse(code).ok())
            .ok_or_else(|| Reader::fault_at(start, "a currency of ISO 4217"))
    }

    /// See [`Writer::money`].
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when it is cut off, out of range or in an unknown currency.
    pub fn money(&mut self) -> Result<Money, WireError> {
        let currency = self.currency()?;
        self.minor(currency)
    }

    /// The amount alone, in minor units of `currency`.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when it is cut off or out of range.
    pub fn minor(&mut self, currency: Currency) -> Result<Money, WireError> {
        let start = self.at;
        let minor = self.zigzag()?;
        if minor.unsigned_abs() > Money::MINOR_MAX.unsigned_abs() {
            return Err(Reader::fault_at(start, "an amount in range"));
        }
        Ok(Money::from_minor(minor, currency))
    }

    /// One of `all`, by its place.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when it is cut off or beyond the end of `all`.
    pub fn one_of<T: Copy>(&mut self, all: &[T], expected: &'static str) -> Result<T, WireError> {
        let start = self.at;
        let code = usize::from(self.u8()?);
        all.get(code).copied().ok_or_else(|| Reader::fault_at(start, expected))
    }

    /// A list with its count before it, each entry at least one byte.
    ///
    /// # Errors
    ///
    /// [`WireError::Malformed`] when it is cut off, and what `item` returns.
    pub fn list<T>(
        &mut self,
        item: impl FnMut(&mut Reader<'a>) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        let count = self.count()?;
        self.items(count, item)
    }

    /// `count` entries. Memory grows with the entries that are really there, not with the count.
    pub(super) fn items<T>(
        &mut self,
        count: usize,
        mut item: impl FnMut(&mut Reader<'a>) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        let mut items = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// The number that `text` is the one decimal spelling of, if it is below 2^63.
fn canonical_decimal(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > 19 || (bytes[0] == b'0' && bytes.len() > 1) {
        return None;
    }
    let mut number = 0u64;
    for byte in bytes {
        if !byte.is_ascii_digit() {
            return None;
        }
        // 19 digits stay below 2^64, so only the last comparison can fail.
        number = number * 10 + u64::from(byte - b'0');
    }
    (number < 1 << 63).then_some(number)
}

fn decimal_text(mut number: u64) -> Box<str> {
    let mut digits = [0u8; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    std::str::from_utf8(&digits[start..]).expect("digits are ASCII").into()
}

/// Where a UUID's text has hyphens.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

fn canonical_uuid(text: &str) -> Option<[u8; 16]> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 || HYPHENS.iter().any(|place| bytes[*place] != b'-') {
        return None;
    }
    let mut uuid = [0u8; 16];
    let mut nibble_idx = 0;
    for (place, byte) in bytes.iter().enumerate() {
        if HYPHENS.contains(&place) {
            continue;
        }
        let nibble = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        uuid[nibble_idx / 2] = uuid[nibble_idx / 2] << 4 | nibble;
        nibble_idx += 1;
    }
    Some(uuid)
}

fn uuid_text(uuid: [u8; 16]) -> Box<str> {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; 36];
    let mut place = 0;
    for byte in uuid {
        for nibble in [byte >> 4, byte & 15] {
            if HYPHENS.contains(&place) {
                place += 1;
            }
            text[place] = HEX[usize::from(nibble)];
            place += 1;
        }
    }
    std::str::from_utf8(&text).expect("hex digits are ASCII").into()
}

#[cfg(test)]
mod tests;
