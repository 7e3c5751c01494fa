use serde::Serialize;
use souk_app::IngestAnswer;
use utoipa::ToSchema;

/// One message of Segment's tracking API: `messageId`, `timestamp`, `context`, `userId` or
/// `anonymousId`, and what its kind needs. Unknown top-level keys are ignored.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what the application reads")]
#[schema(example = json!({
    "messageId": "m-1",
    "userId": "u1",
    "event": "Product Viewed",
    "properties": {"product_id": "p9"},
    "context": {"channel": "web"}
}))]
pub(crate) struct Message {
    /// Names the message: the same one is kept once.
    #[serde(rename = "messageId")]
    #[schema(required = false)]
    message_id: String,
    /// The shop's name for the shopper.
    #[serde(rename = "userId")]
    user_id: Option<serde_json::Value>,
    /// The browser's name for the shopper.
    #[serde(rename = "anonymousId")]
    anonymous_id: Option<serde_json::Value>,
    /// For `track`: one of the e-commerce events of Segment's spec v2, or any other name.
    event: Option<serde_json::Value>,
}

/// Several messages, each with its `type`.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what the application reads")]
pub(crate) struct MessageBatch {
    /// At most 2,500 messages of 32 KB each, 500 KB together.
    #[schema(max_items = 2500, value_type = Vec<Object>)]
    batch: Vec<serde_json::Value>,
}

/// What became of the events. 200 means that what was accepted is durable.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventsAnswer {
    /// Always true.
    pub(crate) success: bool,
    /// New and durable.
    pub(crate) accepted: usize,
    /// Known before by their `messageId`.
    pub(crate) duplicates: usize,
    /// Not kept.
    pub(crate) rejected: Vec<RejectedEvent>,
}

/// An event that was not kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RejectedEvent {
    /// Its place in the batch, from 0.
    pub(crate) index: usize,
    /// Field, value and remedy.
    pub(crate) detail: String,
}

impl From<IngestAnswer> for EventsAnswer {
    fn from(answer: IngestAnswer) -> EventsAnswer {
        let rejected = answer.rejected.into_iter();
        EventsAnswer {
            success: true,
            accepted: answer.accepted,
            duplicates: answer.duplicates,
            rejected: rejected
                .map(|r| RejectedEvent { index: r.index, detail: r.detail })
                .collect(),
        }
    }
}

/// What Segment's browser client asks first: which destinations to load. There is one, this server.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what the settings route writes")]
pub(crate) struct SegmentSettings {
    /// The destination `Segment.io` with this server's host.
    #[schema(value_type = Object)]
    integrations: serde_json::Value,
}
