use serde::Serialize;
use souk_app::IngestAnswer;
use utoipa::ToSchema;

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
