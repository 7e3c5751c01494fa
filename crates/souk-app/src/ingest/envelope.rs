//! The outer form of Segment's requests: a batch or one event, and the fields that all events share.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::scalar::{Key, Scalar};
use super::{BATCH_EVENTS_MAX, BODY_BYTES_MAX, IngestCall};
use crate::AppError;

/// A request's body, taken apart into events that are not read yet.
#[derive(Debug, Default)]
pub(super) struct Body<'a> {
    pub(super) events: Vec<&'a RawValue>,
    /// When the client sent the batch.
    pub(super) sent_at: Scalar<'a>,
    /// What holds for each event of a batch that does not say otherwise.
    pub(super) context: Context<'a>,
    /// Top-level keys of the batch that mean nothing.
    pub(super) unknown_keys: u64,
}

/// What is read of `context`; addresses, agents and the like are never kept. The agent's name is looked at
/// to tell crawlers from shoppers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Context<'a> {
    pub(super) channel: Scalar<'a>,
    pub(super) site: Scalar<'a>,
    pub(super) source: Scalar<'a>,
    pub(super) user_agent: Scalar<'a>,
    pub(super) page_path: Scalar<'a>,
    /// What a consent banner says, as JSON text.
    pub(super) consent: Option<&'a str>,
    /// What stands there instead of an object.
    pub(super) wrong: Option<&'static str>,
}

/// The top level of an event.
#[derive(Debug, Default)]
pub(super) struct Envelope<'a> {
    pub(super) kind: Scalar<'a>,
    pub(super) event: Scalar<'a>,
    pub(super) name: Scalar<'a>,
    pub(super) user_id: Scalar<'a>,
    pub(super) anonymous_id: Scalar<'a>,
    pub(super) group_id: Scalar<'a>,
    pub(super) previous_id: Scalar<'a>,
    pub(super) message_id: Scalar<'a>,
    pub(super) timestamp: Scalar<'a>,
    pub(super) original_timestamp: Scalar<'a>,
    pub(super) sent_at: Scalar<'a>,
    pub(super) properties: Option<&'a RawValue>,
    pub(super) traits: Option<&'a RawValue>,
    pub(super) context: Context<'a>,
    /// Which keys were there, to find one that is there twice.
    seen: u32,
    /// A key that was there twice.
    pub(super) twice: Option<&'static str>,
    /// Keys that mean nothing.
    pub(super) unknown_keys: u64,
}

/// Keys of Segment's spec that say nothing to Souk.
const IGNORED: [&str; 9] = [
    "integrations",
    "version",
    "receivedAt",
    "writeKey",
    "channel",
    "category",
    "projectId",
    "options",
    "_metadata",
];

/// Reads a request's body.
pub(super) fn read_body(call: IngestCall, body: &[u8]) -> Result<Body<'_>, AppError> {
    if body.len() > BODY_BYTES_MAX {
        return Err(AppError::invalid(
            "body_too_large",
            "",
            format!(
                "the body has {} bytes; the limit is {BODY_BYTES_MAX}; send smaller batches",
                body.len()
            ),
        ));
    }
    let text = std::str::from_utf8(body).map_err(|error| {
        let detail =
            format!("the body is not UTF-8 at byte {}; send JSON in UTF-8", error.valid_up_to());
        AppError::invalid("malformed_json", "", detail)
    })?;
    let body = match call {
        IngestCall::Batch => serde_json::from_str::<Batch<'_>>(text).map_err(|e| malformed(&e))?.0,
        _ => {
            let event: &RawValue = serde_json::from_str(text).map_err(|e| malformed(&e))?;
            if !event.get().starts_with('{') {
                let detail = "the body is not a JSON object; send one event".to_owned();
                return Err(AppError::invalid("malformed_json", "", detail));
            }
            Body { events: vec![event], ..Body::default() }
        }
    };
    if body.events.len() > BATCH_EVENTS_MAX {
        let detail = format!(
            "the batch has {} events; the limit is {BATCH_EVENTS_MAX}; send smaller batches",
            body.events.len()
        );
        return Err(AppError::invalid("too_many_events", "/batch", detail));
    }
    Ok(body)
}

fn malformed(error: &serde_json::Error) -> AppError {
    let detail =
        format!("the body is not as expected: {error}; correct it, nothing of it was kept");
    AppError::invalid("malformed_json", "", detail)
}

/// The `writeKey` of a body, for clients that send their key there.
pub(super) fn read_write_key(body: &[u8]) -> Option<String> {
    struct WriteKey<'a>(Scalar<'a>);
    impl<'de: 'a, 'a> Deserialize<'de> for WriteKey<'a> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WriteKey<'a>, D::Error> {
            struct WriteKeyVisitor;
            impl<'de> Visitor<'de> for WriteKeyVisitor {
                type Value = WriteKey<'de>;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<WriteKey<'de>, A::Error> {
                    let mut found = Scalar::Absent;
                    while let Some(Key(key)) = map.next_key()? {
                        match &*key {
                            "writeKey" => found = map.next_value()?,
                            _ => drop(map.next_value::<IgnoredAny>()?),
                        }
                    }
                    Ok(WriteKey(found))
                }
            }
            deserializer.deserialize_map(WriteKeyVisitor)
        }
    }
    if body.len() > BODY_BYTES_MAX {
        return None;
    }
    match serde_json::from_slice(body).ok()? {
        WriteKey(Scalar::Text(key)) if !key.is_empty() => Some(key.into_owned()),
        WriteKey(_) => None,
    }
}

struct Batch<'a>(Body<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Batch<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Batch<'a>, D::Error> {
        deserializer.deserialize_map(BatchVisitor)
    }
}

struct BatchVisitor;

impl<'de> Visitor<'de> for BatchVisitor {
    type Value = Batch<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `batch`, an array of events")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Batch<'de>, A::Error> {
        let mut body = Body::default();
        let mut has_batch = false;
        while let Some(Key(key)) = map.next_key()? {
            match &*key {
                "batch" if has_batch => {
                    return Err(serde::de::Error::custom("`batch` is there twice; send it once"));
                }
                "batch" => {
                    has_batch = true;
                    body.events = map.next_value()?;
                }
                "sentAt" => body.sent_at = map.next_value()?,
                "context" => body.context = map.next_value()?,
                known => {
                    body.unknown_keys += u64::from(!IGNORED.contains(&known));
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if !has_batch {
            return Err(serde::de::Error::custom("`batch` is missing; send an array of events"));
        }
        Ok(Batch(body))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Context<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Context<'a>, D::Error> {
        deserializer.deserialize_any(ContextVisitor)
    }
}

struct ContextVisitor;

/// What a value that should be an object is instead; `null` is an empty one.
macro_rules! no_object {
    ($value:ident) => {
        fn visit_unit<E>(self) -> Result<$value<'de>, E> {
            Ok($value::default())
        }
        fn visit_bool<E>(self, _: bool) -> Result<$value<'de>, E> {
            Ok($value { wrong: Some("a boolean"), ..$value::default() })
        }
        fn visit_i64<E>(self, _: i64) -> Result<$value<'de>, E> {
            Ok($value { wrong: Some("a number"), ..$value::default() })
        }
        fn visit_u64<E>(self, _: u64) -> Result<$value<'de>, E> {
            Ok($value { wrong: Some("a number"), ..$value::default() })
        }
        fn visit_f64<E>(self, _: f64) -> Result<$value<'de>, E> {
            Ok($value { wrong: Some("a number"), ..$value::default() })
        }
        fn visit_str<E>(self, _: &str) -> Result<$value<'de>, E> {
            Ok($value { wrong: Some("a text"), ..$value::default() })
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<$value<'de>, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok($value { wrong: Some("an array"), ..$value::default() })
        }
    };
}

impl<'de> Visitor<'de> for ContextVisitor {
    type Value = Context<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    no_object!(Context);

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Context<'de>, A::Error> {
        let mut context = Context::default();
        while let Some(Key(key)) = map.next_key()? {
            match &*key {
                "channel" => context.channel = map.next_value()?,
                "site" => context.site = map.next_value()?,
                "source" => context.source = map.next_value()?,
                "userAgent" => context.user_agent = map.next_value()?,
                "page" => context.page_path = map.next_value::<Page<'de>>()?.path,
                "consent" => {
                    context.consent = map.next_value::<Option<&RawValue>>()?.map(RawValue::get);
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(context)
    }
}

/// What is read of `context.page`.
#[derive(Default)]
struct Page<'a> {
    path: Scalar<'a>,
    #[allow(dead_code, reason = "a page that is no object is passed over")]
    wrong: Option<&'static str>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Page<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Page<'a>, D::Error> {
        struct PageVisitor;
        impl<'de> Visitor<'de> for PageVisitor {
            type Value = Page<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            no_object!(Page);

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page<'de>, A::Error> {
                let mut page = Page::default();
                while let Some(Key(key)) = map.next_key()? {
                    match &*key {
                        "path" => page.path = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(page)
            }
        }
        deserializer.deserialize_any(PageVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Envelope<'a>, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(Key(key)) = map.next_key()? {
            macro_rules! known {
                ($(($bit:literal, $name:literal, $field:ident),)*) => {
                    match &*key {
                        $($name => {
                            if envelope.seen & 1 << $bit != 0 {
                                envelope.twice = Some($name);
                            }
                            envelope.seen |= 1 << $bit;
                            envelope.$field = map.next_value()?;
                        })*
                        other => {
                            envelope.unknown_keys += u64::from(!IGNORED.contains(&other));
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                };
            }
            known!(
                (0, "type", kind),
                (1, "event", event),
                (2, "name", name),
                (3, "userId", user_id),
                (4, "anonymousId", anonymous_id),
                (5, "groupId", group_id),
                (6, "previousId", previous_id),
                (7, "messageId", message_id),
                (8, "timestamp", timestamp),
                (9, "originalTimestamp", original_timestamp),
                (10, "sentAt", sent_at),
                (11, "properties", properties),
                (12, "traits", traits),
                (13, "context", context),
            );
        }
        Ok(envelope)
    }
}
