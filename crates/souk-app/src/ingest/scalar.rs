//! JSON values as clients send them: read leniently here, judged by whoever knows the field.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::refusal::Refusal;

/// Levels of nesting in kept properties; chosen below the 128 at which common readers give up.
const DEPTH_MAX: usize = 64;
/// Characters of a value that a message repeats.
const SHOWN_CHARS: usize = 64;

/// A JSON value of which only the simple forms are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Scalar<'a> {
    /// `null`, or not there.
    #[default]
    Absent,
    Bool(bool),
    Whole(i64),
    Number(f64),
    Text(Cow<'a, str>),
    Array,
    Object,
}

impl fmt::Display for Scalar<'_> {
    /// The value as a message repeats it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Absent => f.write_str("missing"),
            Scalar::Bool(value) => write!(f, "{value}"),
            Scalar::Whole(value) => write!(f, "{value}"),
            Scalar::Number(value) => write!(f, "{value}"),
            Scalar::Text(text) => match text.char_indices().nth(SHOWN_CHARS) {
                Some((end, _)) => write!(f, "\"{}…\"", &text[..end]),
                None => write!(f, "\"{text}\""),
            },
            Scalar::Array => f.write_str("an array"),
            Scalar::Object => f.write_str("an object"),
        }
    }
}

impl<'a> Scalar<'a> {
    /// Whether there is nothing: not there, `null` or an empty text.
    pub(super) fn is_absent(&self) -> bool {
        match self {
            Scalar::Absent => true,
            Scalar::Text(text) => text.is_empty(),
            _ => false,
        }
    }

    /// A text of at most `limit` bytes; `None` when there is nothing.
    pub(super) fn text(
        self,
        field: &dyn fmt::Display,
        limit: usize,
    ) -> Result<Option<Cow<'a, str>>, Refusal> {
        match self {
            Scalar::Text(text) if text.len() > limit => Err(Refusal::malformed(format!(
                "{field} has {} bytes; the limit is {limit}",
                text.len()
            ))),
            Scalar::Text(text) if !text.is_empty() => Ok(Some(text)),
            value if value.is_absent() => Ok(None),
            other => Err(Refusal::malformed(format!("{field} is {other}; must be a text"))),
        }
    }

    /// An id: a text, or a whole number taken as its digits.
    pub(super) fn id(self, field: &dyn fmt::Display) -> Result<Option<Cow<'a, str>>, Refusal> {
        match self {
            Scalar::Whole(number) => Ok(Some(Cow::Owned(number.to_string()))),
            Scalar::Text(_) | Scalar::Absent => self.text(field, souk_core::ID_BYTES_MAX),
            other => {
                let detail = format!("{field} is {other}; must be a text or a whole number");
                Err(Refusal::malformed(detail))
            }
        }
    }

    /// A number, or a text that holds one: many clients send `"19.99"`.
    pub(super) fn number(&self, field: &dyn fmt::Display) -> Result<Option<f64>, Refusal> {
        let number = match self {
            Scalar::Whole(number) => Some(*number as f64),
            Scalar::Number(number) => Some(*number),
            Scalar::Text(text) if text.is_empty() => return Ok(None),
            Scalar::Text(text) => {
                // "NaN" and "inf" are words to Rust's parser, and no numbers to us.
                let digits = text.trim();
                let is_plain = digits.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
                digits.parse().ok().filter(|number: &f64| is_plain && number.is_finite())
            }
            Scalar::Absent => return Ok(None),
            Scalar::Bool(_) | Scalar::Array | Scalar::Object => None,
        };
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(Refusal::malformed(format!(
                "{field} is {self}; must be a number such as 19.99"
            ))),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scalar<'a>, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Absent)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Whole(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar<'de>, E> {
        Ok(i64::try_from(value).map_or(Scalar::Number(value as f64), Scalar::Whole))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar<'de>, E> {
        // JSON has one kind of number, so 24.0 is as whole as 24; above 2^53 digits are lost.
        let is_whole = value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
        Ok(if is_whole { Scalar::Whole(value as i64) } else { Scalar::Number(value) })
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Object)
    }
}

/// The key of an object, borrowed where it has no escapes.
pub(super) struct Key<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key<'a>, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// Reads a value whose syntax was checked before: only a number out of range can fail.
pub(super) fn scalar<'a>(
    raw: &'a RawValue,
    field: &dyn fmt::Display,
) -> Result<Scalar<'a>, Refusal> {
    let text = raw.get();
    // Most texts have no escapes and need no second parser.
    let bytes = text.as_bytes();
    if let [b'"', inner @ .., b'"'] = bytes
        && !inner.contains(&b'\\')
    {
        return Ok(Scalar::Text(Cow::Borrowed(&text[1..text.len() - 1])));
    }
    match bytes.first() {
        Some(b'{') => Ok(Scalar::Object),
        Some(b'[') => Ok(Scalar::Array),
        _ => serde_json::from_str(text).map_err(|_| {
            let shown: String = text.chars().take(SHOWN_CHARS).collect();
            Refusal::malformed(format!("{field} is {shown}; must be a number within range"))
        }),
    }
}

/// Appends JSON text without the spaces between its parts.
pub(super) fn compact(
    raw: &RawValue,
    field: &dyn fmt::Display,
    out: &mut String,
) -> Result<(), Refusal> {
    let text = raw.get();
    let (mut depth, mut is_inside, mut is_escaped, mut run) = (0usize, false, false, 0);
    for (idx, byte) in text.bytes().enumerate() {
        if is_inside {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => is_inside = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => is_inside = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    let detail =
                        format!("{field} nests deeper than {DEPTH_MAX} levels; flatten it");
                    return Err(Refusal::malformed(detail));
                }
            }
            b'}' | b']' => depth -= 1,
            b' ' | b'\t' | b'\n' | b'\r' => {
                out.push_str(&text[run..idx]);
                run = idx + 1;
            }
            _ => {}
        }
    }
    out.push_str(&text[run..]);
    Ok(())
}
