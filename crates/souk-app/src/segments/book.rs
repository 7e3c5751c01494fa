//! The segments of one moment, and whether somebody is in one.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt;

use souk_core::rules::RuleId;
use souk_core::{Filter, Timestamp};
use souk_recommend::lifetime::rfm::RfmName;

use super::NAME_CHARS_MAX;
use crate::AppError;
use crate::people::fields::FIELDS;
use crate::people::{Lens, Person};
use crate::projections::Consented;

/// A group of people.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Its name for programs: as that of a rule.
    pub key: String,
    /// Its name for people.
    pub name: String,
    /// Who is in it, as it was written.
    pub filter: String,
    /// The same, read.
    pub(super) parsed: Filter,
    /// Whether every shop has it.
    pub is_built_in: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Segment {
    /// A segment of the shop's own.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] for a key, name or filter that is none; a filter's fault says at which character.
    pub fn new(key: &str, name: &str, filter: &str) -> Result<Segment, AppError> {
        let invalid =
            |pointer: &str, detail: String| AppError::invalid("invalid_segment", pointer, detail);
        let key = RuleId::new(key).map_err(|_| {
            let detail = "must have 1 to 64 letters, digits, `.`, `_` or `-`, and begin with one of the first two";
            invalid("/key", format!("key {detail}"))
        })?;
        let n_chars = name.chars().count();
        if n_chars > NAME_CHARS_MAX {
            let detail = format!("name has {n_chars} characters; the limit is {NAME_CHARS_MAX}");
            return Err(invalid("/name", detail));
        }
        let parsed = parse(filter).map_err(|error| invalid("/filter", error.to_string()))?;
        Ok(Segment {
            key: key.as_str().to_owned(),
            name: name.to_owned(),
            filter: filter.to_owned(),
            parsed,
            is_built_in: false,
            created_at: Timestamp::EPOCH,
        })
    }

    fn built_in((key, name, filter): (&str, &str, &str)) -> Segment {
        let parsed = parse(filter).expect("the filters of built-in segments are sound");
        Segment {
            key: key.to_owned(),
            name: name.to_owned(),
            filter: filter.to_owned(),
            parsed,
            is_built_in: true,
            created_at: Timestamp::EPOCH,
        }
    }
}

/// Reads a filter on people.
pub(super) fn parse(text: &str) -> Result<Filter, souk_core::FilterError> {
    Filter::parse_on(text, &FIELDS.map(|(name, kind, _)| (name, kind)))
}

/// Segments that every shop has besides the names of standings.
const BUILT_IN: [(&str, &str, &str); 2] = [
    ("high_value", "Highest expected value", "high_value = true"),
    // Somebody who came once has no habit that could be lost.
    ("likely_to_churn", "Likely to stay away", "orders >= 2 AND churn_risk >= 0.5"),
];

/// The segments of one moment.
#[derive(Clone, Debug)]
pub(crate) struct SegmentBook {
    segments: BTreeMap<String, Segment>,
}

impl SegmentBook {
    pub(super) fn of(stored: Vec<Segment>) -> SegmentBook {
        let standings = RfmName::ALL.map(|name| {
            let filter = format!("rfm = '{}'", name.as_str());
            let shown = name.as_str().replace('_', " ");
            Segment::built_in((name.as_str(), &shown, &filter))
        });
        let built_in = standings.into_iter().chain(BUILT_IN.map(Segment::built_in));
        // What every shop has wins over a stored one of a time when it was not there.
        let all = stored.into_iter().chain(built_in);
        SegmentBook { segments: all.map(|segment| (segment.key.clone(), segment)).collect() }
    }

    pub(crate) fn find(&self, key: &str) -> Option<&Segment> {
        self.segments.get(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Segment> {
        self.segments.values()
    }

    /// How many the shop made itself.
    pub(super) fn n_own(&self) -> usize {
        self.iter().filter(|segment| !segment.is_built_in).count()
    }

    pub(super) fn with(&self, segment: Segment) -> SegmentBook {
        let mut segments = self.segments.clone();
        segments.insert(segment.key.clone(), segment);
        SegmentBook { segments }
    }

    pub(super) fn without(&self, key: &str) -> SegmentBook {
        let mut segments = self.segments.clone();
        segments.remove(key);
        SegmentBook { segments }
    }

    /// The keys of the segments that somebody is in. Nobody unknown is in any.
    pub(crate) fn of_person(&self, person: &Person<'_>) -> Vec<String> {
        if !person.is_known() {
            return Vec::new();
        }
        let those = self.iter().filter(|segment| segment.parsed.matches(person));
        those.map(|segment| segment.key.clone()).collect()
    }

    pub(super) fn holds(&self, key: &str, person: &Person<'_>) -> bool {
        let segment = self.find(key);
        segment.is_some_and(|segment| person.is_known() && segment.parsed.matches(person))
    }
}

/// Whether one person is in segments, found out when a rule first asks.
pub(crate) struct Membership<'a> {
    book: &'a SegmentBook,
    consented: &'a Consented<'a>,
    lens: Lens<'a>,
    person: OnceCell<Person<'a>>,
}

impl fmt::Debug for Membership<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Membership").finish_non_exhaustive()
    }
}

impl<'a> Membership<'a> {
    pub(crate) fn of(
        book: &'a SegmentBook,
        (consented, lens): (&'a Consented<'a>, Lens<'a>),
    ) -> Membership<'a> {
        Membership { book, consented, lens, person: OnceCell::new() }
    }

    /// Whether the person is in a segment; nobody is in one that does not exist, and who does not allow
    /// the use is in none.
    pub(crate) fn is_in(&self, key: &str) -> bool {
        if !self.consented.decision().is_allowed {
            return false;
        }
        let person = self.person.get_or_init(|| Person::of(self.consented, self.lens));
        self.book.holds(key, person)
    }
}
