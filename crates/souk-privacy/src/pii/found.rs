//! What a recogniser found, in bytes.

use std::ops::Range;

use super::EntityKind;

/// A place in a text that holds personal data; byte offsets on character boundaries.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) kind: EntityKind,
    pub(super) range: Range<usize>,
    pub(super) score: f32,
}

impl Found {
    pub(super) fn new(kind: EntityKind, range: Range<usize>, score: f32) -> Found {
        Found { kind, range, score }
    }

    /// Whether it is to be believed rather than the other: by score, then by length.
    pub(super) fn beats(&self, other: &Found) -> bool {
        (self.score, self.range.len()) > (other.score, other.range.len())
    }
}
