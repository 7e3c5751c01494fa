//! Settings that are written as text and checked as they are read, so that a fault has a line.

use std::fmt::Display;
use std::net::SocketAddr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serializer, de::Error};
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

pub(super) fn serialize<T: TextSetting, S: Serializer>(value: &T, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&value.show())
}

pub(super) fn deserialize<'de, T: TextSetting, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
    T::read(&String::deserialize(d)?).map_err(D::Error::custom)
}

/// The same for settings that may be null.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, Error, Serializer, TextSetting};

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
        let text = Option::<String>::deserialize(d)?;
        text.map(|text| T::read(&text).map_err(D::Error::custom)).transpose()
    }
}

/// A whole number between `LO` and `HI`.
pub(super) fn within<'de, const LO: u64, const HI: u64, D: Deserializer<'de>>(
    d: D,
) -> Result<u64, D::Error> {
    let value = u64::deserialize(d)?;
    if (LO..=HI).contains(&value) {
        Ok(value)
    } else {
        Err(D::Error::custom(format!("{value} is out of range; write {LO} to {HI}")))
    }
}

/// The same for settings that may be null.
pub(super) fn within_optional<'de, const LO: u64, const HI: u64, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<u64>, D::Error> {
    match Option::<u64>::deserialize(d)? {
        Some(value) if !(LO..=HI).contains(&value) => {
            Err(D::Error::custom(format!("{value} is out of range; write {LO} to {HI}, or null")))
        }
        value => Ok(value),
    }
}

/// A share between 0 and 1.
pub(super) fn share<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(d)?;
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(D::Error::custom(format!("{value} is out of range; write 0.0 to 1.0")))
    }
}

/// The same for settings that may be null.
pub(super) fn share_optional<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(d)? {
        Some(value) if !(0.0..=1.0).contains(&value) => {
            Err(D::Error::custom(format!("{value} is out of range; write 0.0 to 1.0, or null")))
        }
        value => Ok(value),
    }
}
