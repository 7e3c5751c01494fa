//! Answers to ids that no event has named yet: in a first week most people's first page.
//!
//! Nobody is known by such an id, so the answer could only be written down as one to nobody. It waits instead, in memory
//! alone, until an event comes under that id or names the answer: then it is that person's, as far as they allow
//! reports. Of a user and a browser that were named together it waits under the user alone: others may share the browser. What waited for a visit's time is written as an answer to nobody, and so is what waits when the program ends.
//! Nothing waits where the law asks for a yes first: there an id that was never heard of has not said it.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use souk_core::{Impressions, SubjectId, Timestamp};
use souk_ports::IdHash;
use xxhash_rust::xxh3::xxh3_64;

use super::Shown;
use crate::projections::Whom;

/// How long an answer waits: as long as a visit without an act lasts (chosen).
const WAIT_MS_MAX: i64 = 30 * 60_000;
/// Answers that wait at most; the oldest makes way (chosen: some 10 MB).
const WAITING_MAX: usize = 10_000;

/// The ids that an answer is asked under, as keyed hashes: a user's and a browser's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AskedIds {
    pub(crate) user: Option<IdHash>,
    pub(crate) anonymous: Option<IdHash>,
}

impl AskedIds {
    /// The user's, else the browser's.
    pub(crate) fn first(self) -> Option<IdHash> {
        self.user.or(self.anonymous)
    }

    /// Both, as far as there are any.
    pub(crate) fn all(self) -> impl Iterator<Item = IdHash> {
        self.user.into_iter().chain(self.anonymous)
    }
}

/// To whom an answer was made, as far as reports may say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShownTo {
    /// Somebody known.
    Known(SubjectId),
    /// An id that no event has named yet: the user's, else the browser's.
    Newcomer(IdHash),
    /// Nobody who is named, or who allows it.
    Nobody,
}

impl ShownTo {
    /// Whom an answer under these ids is to, of whom this much is known.
    pub(crate) fn of(whom: Whom, asked: AskedIds) -> ShownTo {
        match (whom.known.or(whom.alone), asked.first()) {
            (Some(subject), _) => ShownTo::Known(subject),
            (None, Some(id)) => ShownTo::Newcomer(id),
            (None, None) => ShownTo::Nobody,
        }
    }
}

/// Answers that wait for an event.
#[derive(Debug, Default)]
pub(super) struct Newcomers {
    /// By number, the oldest first.
    waiting: BTreeMap<u64, (IdHash, Shown)>,
    by_id: FxHashMap<IdHash, Vec<u64>>,
    by_request: FxHashMap<u64, u64>,
    next: u64,
}

impl Newcomers {
    /// Keeps an answer; returns the one that has to make way.
    pub(super) fn keep(&mut self, shown: Shown, id: IdHash) -> Option<Shown> {
        let makes_way = if self.waiting.len() < WAITING_MAX {
            None
        } else {
            self.waiting.keys().next().copied()
        };
        let makes_way = makes_way.and_then(|number| self.take(number));
        let number = self.next;
        self.next += 1;
        self.by_id.entry(id).or_default().push(number);
        self.by_request.insert(request(&shown), number);
        self.waiting.insert(number, (id, shown));
        makes_way
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The answers to an id, the oldest first.
    pub(super) fn of_id(&mut self, id: IdHash) -> Vec<Shown> {
        let numbers = self.by_id.get(&id).cloned().unwrap_or_default();
        numbers.into_iter().filter_map(|number| self.take(number)).collect()
    }

    /// The answer of this name.
    pub(super) fn of_request(&mut self, request_id: &str) -> Option<Shown> {
        let number = self.by_request.get(&xxh3_64(request_id.as_bytes())).copied()?;
        self.take(number)
    }

    /// The answers that waited long enough at a time; all of them without one.
    pub(super) fn overdue(&mut self, now: Option<Timestamp>) -> Vec<Shown> {
        let is_over = |at: Timestamp| now.is_none_or(|now| now.as_ms() - at.as_ms() >= WAIT_MS_MAX);
        let mut over = Vec::new();
        while let Some((&number, (_, shown))) = self.waiting.first_key_value()
            && is_over(shown.at)
        {
            over.extend(self.take(number));
        }
        over
    }

    fn take(&mut self, number: u64) -> Option<Shown> {
        let (id, shown) = self.waiting.remove(&number)?;
        if let Some(numbers) = self.by_id.get_mut(&id) {
            numbers.retain(|one| *one != number);
            if numbers.is_empty() {
                self.by_id.remove(&id);
            }
        }
        self.by_request.remove(&request(&shown));
        Some(shown)
    }
}

fn request(shown: &Shown) -> u64 {
    xxh3_64(shown.impressions.request_id.as_bytes())
}

/// The answer as one to nobody: what only a person has goes; `None` where nothing is left.
pub(super) fn to_nobody(mut shown: Shown) -> Option<Shown> {
    shown.subject = None;
    let Impressions { products, marks, .. } = &mut shown.impressions;
    marks.arms = Vec::new();
    marks.signals = None;
    (!products.is_empty() || !marks.is_empty()).then_some(shown)
}
