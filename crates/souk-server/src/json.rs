use std::fmt;
use std::marker::PhantomData;

use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_path_to_error::{Path, Segment};

use crate::problem::{Answer, Problem};

/// Reads a JSON object into a struct, as [`parse`] does.
pub(crate) fn parse_object<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Answer<T> {
    parse::<Object<T>>(text).map(|Object(value)| value)
}

/// Reads a whole JSON text into `T`; a fault is named by its pointer, broken syntax by its position.
///
/// The quick parser runs first. Only a text that it refuses is read again by the slower one that
/// keeps track of where it is.
pub(crate) fn parse<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Answer<T> {
    match serde_json::from_slice(text) {
        Ok(value) => Ok(value),
        Err(error) => Err(explain::<T>(text, &error)),
    }
}

/// A struct that is read from a JSON object only: by itself serde also takes a list of its fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// Reads a count. JSON has one kind of number, so 24.0 is as whole as 24.
pub(crate) fn whole_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(from)? else { return Ok(None) };
    if number.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&number) {
        let found = serde::de::Unexpected::Float(number);
        return Err(serde::de::Error::invalid_value(found, &"a whole number from 0"));
    }
    Ok(Some(number as u32))
}

fn explain<'a, T: Deserialize<'a>>(text: &'a [u8], error: &serde_json::Error) -> Box<Problem> {
    if error.classify() != serde_json::error::Category::Data {
        return malformed(error);
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Ok(_) => malformed(error),
        Err(error) => {
            let message = without_position(error.inner());
            let mut pointer = pointer_of(error.path());
            if let Some(field) = missing_field(&message) {
                push_segment(&mut pointer, field);
            }
            Problem::field(pointer, message)
        }
    }
}

fn malformed(error: &serde_json::Error) -> Box<Problem> {
    let (line, column) = (error.line(), error.column());
    let what = without_position(error);
    let detail = format!("the body is not JSON: {what} at line {line}, column {column}");
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail)
}

/// The parser's words without the position that it appends: the pointer says it better.
fn without_position(error: &serde_json::Error) -> String {
    let full = error.to_string();
    let suffix = format!(" at line {} column {}", error.line(), error.column());
    full.strip_suffix(&suffix).map_or(full.clone(), str::to_owned)
}

fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

fn pointer_of(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push_segment(&mut pointer, &index.to_string()),
            Segment::Map { key } => push_segment(&mut pointer, key),
            Segment::Enum { variant } => push_segment(&mut pointer, variant),
            Segment::Unknown => {}
        }
    }
    pointer
}

/// Appends one reference token, escaped as RFC 6901 section 3 wants.
pub(crate) fn push_segment(pointer: &mut String, segment: &str) {
    pointer.push('/');
    pointer.push_str(&segment.replace('~', "~0").replace('/', "~1"));
}

#[cfg(test)]
mod tests;
