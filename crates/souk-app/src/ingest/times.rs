//! When an event happened, by clocks that are not ours.

use souk_core::{TimeError, Timestamp};

use super::refusal::{Refusal, RejectReason};
use super::scalar::Scalar;

/// How far ahead of the shop's clock an event may lie: a day, for clients in another time zone that
/// send local time as UTC.
pub(crate) const AHEAD_MS_MAX: i64 = 86_400_000;
/// By how much a client's clock may differ before its `timestamp` is corrected; chosen above the time
/// that a request takes to arrive.
const SKEW_MS_MAX: i64 = 60_000;

/// The times that a client gives.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClientTimes {
    /// What the caller or the client set.
    pub(super) timestamp: Option<Timestamp>,
    /// When it happened by the client's clock.
    pub(super) original: Option<Timestamp>,
    /// When it was sent by the client's clock.
    pub(super) sent: Option<Timestamp>,
}

/// Reads RFC 3339, or milliseconds since 1970.
pub(super) fn read_time(value: &Scalar<'_>, field: &str) -> Result<Option<Timestamp>, Refusal> {
    let parsed = match value {
        Scalar::Text(text) if !text.is_empty() => Timestamp::parse(text),
        Scalar::Whole(ms) => Timestamp::from_ms(*ms),
        value if value.is_absent() => return Ok(None),
        other => {
            return Err(Refusal::malformed(format!(
                "{field} is {other}; write for example 2026-01-31T18:30:00Z"
            )));
        }
    };
    let refusal = |error: TimeError| Refusal::malformed(format!("{field}: {error}"));
    parsed.map(Some).map_err(refusal)
}

/// The time of an event that came in at `received`.
///
/// Segment's rule, `receivedAt - (sentAt - originalTimestamp)`, takes the client's clock only for
/// differences. Clients that send no `originalTimestamp` put the time into `timestamp`: it is taken
/// as it stands, unless `sentAt` shows that the client's clock is wrong; then the same rule holds.
pub(super) fn happened_at(times: ClientTimes, received: Timestamp) -> Result<Timestamp, Refusal> {
    let corrected =
        |original: Timestamp, sent: Timestamp| received.plus_ms(original.ms_since(sent));
    let at = match times {
        ClientTimes { original: Some(original), sent: Some(sent), .. } => corrected(original, sent),
        ClientTimes { timestamp: Some(timestamp), sent: Some(sent), .. }
            if received.ms_since(sent).abs() > SKEW_MS_MAX =>
        {
            corrected(timestamp, sent)
        }
        ClientTimes { timestamp, original, .. } => timestamp.or(original).unwrap_or(received),
    };
    if at.ms_since(received) > AHEAD_MS_MAX {
        return Err(Refusal {
            reason: RejectReason::Time,
            detail: format!(
                "timestamp {at} is more than a day ahead of the shop's clock ({received}); correct \
                 the sender's clock"
            ),
        });
    }
    Ok(at)
}
