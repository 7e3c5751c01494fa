//! Why one event is not kept.

/// The reason of a refusal, as metrics count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RejectReason {
    /// A value is missing, of the wrong type or out of range.
    Malformed,
    /// The event is over 32 KB.
    TooLarge,
    /// The role may not send it.
    Denied,
    /// The time lies in the future.
    Time,
}

impl RejectReason {
    /// Every reason.
    pub const ALL: [RejectReason; 4] =
        [RejectReason::Malformed, RejectReason::TooLarge, RejectReason::Denied, RejectReason::Time];

    /// The label in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            RejectReason::Malformed => "malformed",
            RejectReason::TooLarge => "too_large",
            RejectReason::Denied => "denied",
            RejectReason::Time => "time",
        }
    }
}

/// One event is refused; the rest of its batch is not concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: RejectReason,
    /// Field, value and remedy.
    pub(crate) detail: String,
}

impl Refusal {
    pub(crate) fn malformed(detail: impl Into<String>) -> Refusal {
        Refusal { reason: RejectReason::Malformed, detail: detail.into() }
    }
}
