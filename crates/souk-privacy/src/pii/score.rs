//! Precision and recall of found against marked spans.

use std::collections::BTreeMap;

use super::EntityKind;

/// The overlap at which a found span counts as the marked one.
pub const OVERLAP_MIN: f64 = 0.5;

/// A span of a kind, in any unit as long as both sides use the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindSpan {
    /// What it is.
    pub kind: EntityKind,
    /// Its beginning.
    pub begin: usize,
    /// The place behind its end.
    pub end: usize,
}

/// Counts of one kind, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Marked and found.
    pub hits: u64,
    /// Found, not marked.
    pub false_alarms: u64,
    /// Marked, not found.
    pub misses: u64,
}

impl Tally {
    /// The share of what was found that is right; 1 if nothing was found.
    pub fn precision(self) -> f64 {
        share(self.hits, self.false_alarms)
    }

    /// The share of what is there that was found; 1 if nothing is there.
    pub fn recall(self) -> f64 {
        share(self.hits, self.misses)
    }
}

fn share(part: u64, rest: u64) -> f64 {
    if part + rest == 0 { 1.0 } else { part as f64 / (part + rest) as f64 }
}

/// Counts by kind over many texts.
#[derive(Clone, Debug, Default)]
pub struct Score {
    by_kind: BTreeMap<EntityKind, Tally>,
}

impl Score {
    /// Counts one text. A marked and a found span of one kind are paired if their overlap is at least
    /// [`OVERLAP_MIN`] of their union; the best pairs first, and no span twice.
    pub fn add(&mut self, marked: &[KindSpan], found: &[KindSpan]) {
        let mut pairs = Vec::new();
        for (m, one) in marked.iter().enumerate() {
            for (f, other) in found.iter().enumerate() {
                let overlap = overlap(one, other);
                if one.kind == other.kind && overlap >= OVERLAP_MIN {
                    pairs.push((overlap, m, f));
                }
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let mut is_paired = (vec![false; marked.len()], vec![false; found.len()]);
        for (_, m, f) in pairs {
            if !is_paired.0[m] && !is_paired.1[f] {
                is_paired.0[m] = true;
                is_paired.1[f] = true;
                self.tally(marked[m].kind).hits += 1;
            }
        }
        for (span, _) in marked.iter().zip(&is_paired.0).filter(|(_, paired)| !**paired) {
            self.tally(span.kind).misses += 1;
        }
        for (span, _) in found.iter().zip(&is_paired.1).filter(|(_, paired)| !**paired) {
            self.tally(span.kind).false_alarms += 1;
        }
    }

    fn tally(&mut self, kind: EntityKind) -> &mut Tally {
        self.by_kind.entry(kind).or_default()
    }

    /// The counts of each kind that occurs.
    pub fn kinds(&self) -> impl Iterator<Item = (EntityKind, Tally)> + '_ {
        self.by_kind.iter().map(|(kind, tally)| (*kind, *tally))
    }

    /// The counts of all kinds together (micro average).
    pub fn total(&self) -> Tally {
        self.by_kind.values().fold(Tally::default(), |sum, tally| Tally {
            hits: sum.hits + tally.hits,
            false_alarms: sum.false_alarms + tally.false_alarms,
            misses: sum.misses + tally.misses,
        })
    }
}

/// Intersection over union.
fn overlap(a: &KindSpan, b: &KindSpan) -> f64 {
    let shared = a.end.min(b.end).saturating_sub(a.begin.max(b.begin));
    let union = a.end.max(b.end) - a.begin.min(b.begin);
    if union == 0 { 0.0 } else { shared as f64 / union as f64 }
}

/// Joins neighbours of one kind with nothing but space and marks between them; `gap` is that text.
///
/// Some data sets mark the lines of one address one by one. A score over joined spans, on both sides,
/// does not ask how an address is cut.
pub fn join_neighbours(spans: &mut Vec<KindSpan>, text: impl Fn(usize, usize) -> bool) {
    spans.sort_by_key(|span| (span.begin, span.end));
    let mut joined: Vec<KindSpan> = Vec::with_capacity(spans.len());
    for span in spans.drain(..) {
        match joined.last_mut() {
            Some(last) if last.kind == span.kind && text(last.end, span.begin) => {
                last.end = span.end.max(last.end)
            }
            _ => joined.push(span),
        }
    }
    *spans = joined;
}
