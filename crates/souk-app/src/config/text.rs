//! Settings that are written as text and checked as they are read, so that a fault has a line.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::net::SocketAddr;

use jiff::tz::TimeZone;
use serde::Serializer;
use serde::de::{Deserializer, Error, Visitor};
use souk_core::{Currency, LocationId, SiteId, Timestamp};

/// What is one text in the file and more than a text in the program.
pub(super) trait TextSetting: Sized {
    /// Reads the text; the error names value and remedy.
    fn read(text: &str) -> Result<Self, String>;
    /// The text that [`TextSetting::read`] reads back.
    fn show(&self) -> String;
}

fn said<E: Display>(error: E) -> String {
    error.to_string()
}

impl TextSetting for SiteId {
    fn read(text: &str) -> Result<SiteId, String> {
        SiteId::new(text).map_err(said)
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl TextSetting for LocationId {
    fn read(text: &str) -> Result<LocationId, String> {
        LocationId::new(text).map_err(said)
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl TextSetting for Currency {
    fn read(text: &str) -> Result<Currency, String> {
        Currency::parse(text).map_err(said)
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl TextSetting for Timestamp {
    fn read(text: &str) -> Result<Timestamp, String> {
        Timestamp::parse(text).map_err(said)
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl TextSetting for TimeZone {
    fn read(text: &str) -> Result<TimeZone, String> {
        if text == "UTC" {
            return Ok(TimeZone::UTC);
        }
        TimeZone::get(text).map_err(|_| {
            format!(
                "time zone `{text}` is not in the IANA database; write for example Europe/Berlin"
            )
        })
    }
    fn show(&self) -> String {
        self.iana_name().unwrap_or("UTC").to_owned()
    }
}

impl TextSetting for SocketAddr {
    fn read(text: &str) -> Result<SocketAddr, String> {
        text.parse().map_err(|_| {
            format!("`{text}` is not an address and port; write for example 127.0.0.1:8080")
        })
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

/// Reads a value and checks it while the reader still knows which setting it is at: a check after
/// the reading would be reported at the section instead.
struct Checked<F> {
    expected: &'static str,
    check: F,
}

/// One of the forms a value comes in.
enum Given<'a> {
    Text(&'a str),
    Whole(u64),
    Number(f64),
}

impl<T, F: Fn(Given<'_>) -> Result<T, String>> Visitor<'_> for Checked<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.check)(Given::Text(text)).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        (self.check)(Given::Whole(number)).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        (self.check)(Given::Number(number as f64)).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        (self.check)(Given::Number(number)).map_err(E::custom)
    }
}

/// Reads a setting that may be null; its `Some` is read by a function that knows the type.
struct OrNull<R>(R);

trait ReadSome<T> {
    fn read<'de, D: Deserializer<'de>>(&self, d: D) -> Result<T, D::Error>;
}

impl<'de, T, R: ReadSome<T>> Visitor<'de> for OrNull<(R, PhantomData<T>)> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Option<T>, D::Error> {
        self.0.0.read(d).map(Some)
    }
}

pub(super) fn serialize<T: TextSetting, S: Serializer>(value: &T, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&value.show())
}

pub(super) fn deserialize<'de, T: TextSetting, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
    let check = |given: Given<'_>| match given {
        Given::Text(text) => T::read(text),
        Given::Whole(number) => T::read(&number.to_string()),
        Given::Number(number) => T::read(&number.to_string()),
    };
    d.deserialize_str(Checked { expected: "a text", check })
}

/// The same for settings that may be null.
pub(super) mod optional {
    use super::{Deserializer, OrNull, PhantomData, ReadSome, Serializer, TextSetting};

    struct Text;

    impl<T: TextSetting> ReadSome<T> for Text {
        fn read<'de, D: Deserializer<'de>>(&self, d: D) -> Result<T, D::Error> {
            super::deserialize(d)
        }
    }

    pub(in super::super) fn serialize<T: TextSetting, S: Serializer>(
        value: &Option<T>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => s.serialize_some(&value.show()),
            None => s.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, T: TextSetting, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<T>, D::Error> {
        d.deserialize_option(OrNull((Text, PhantomData)))
    }
}

/// A whole number between `LO` and `HI`.
pub(super) fn within<'de, const LO: u64, const HI: u64, D: Deserializer<'de>>(
    d: D,
) -> Result<u64, D::Error> {
    let out_of_range = |value: &dyn fmt::Display| {
        Err(format!("{value} is out of range; write a whole number from {LO} to {HI}"))
    };
    let check = |given: Given<'_>| match given {
        Given::Whole(value) if (LO..=HI).contains(&value) => Ok(value),
        Given::Whole(value) => out_of_range(&value),
        Given::Number(value) => out_of_range(&value),
        Given::Text(value) => out_of_range(&format_args!("`{value}`")),
    };
    d.deserialize_u64(Checked { expected: "a whole number", check })
}

struct Within<const LO: u64, const HI: u64>;

impl<const LO: u64, const HI: u64> ReadSome<u64> for Within<LO, HI> {
    fn read<'de, D: Deserializer<'de>>(&self, d: D) -> Result<u64, D::Error> {
        within::<LO, HI, D>(d)
    }
}

/// The same for settings that may be null.
pub(super) fn within_optional<'de, const LO: u64, const HI: u64, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<u64>, D::Error> {
    d.deserialize_option(OrNull((Within::<LO, HI>, PhantomData)))
}

/// A share between 0 and 1.
pub(super) fn share<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
    let out_of_range = |value: &dyn fmt::Display| {
        Err(format!("{value} is out of range; write a number from 0.0 to 1.0"))
    };
    let check = |given: Given<'_>| match given {
        Given::Whole(value @ 0..=1) => Ok(value as f64),
        Given::Whole(value) => out_of_range(&value),
        Given::Number(value) if (0.0..=1.0).contains(&value) => Ok(value),
        Given::Number(value) => out_of_range(&value),
        Given::Text(value) => out_of_range(&format_args!("`{value}`")),
    };
    d.deserialize_f64(Checked { expected: "a number", check })
}

struct Share;

impl ReadSome<f64> for Share {
    fn read<'de, D: Deserializer<'de>>(&self, d: D) -> Result<f64, D::Error> {
        share(d)
    }
}

/// The same for settings that may be null.
pub(super) fn share_optional<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    d.deserialize_option(OrNull((Share, PhantomData)))
}
