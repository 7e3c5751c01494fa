//! What people searched for and what they were shown.
//!
//! As with what became of answers, nothing is added up here: each subject has a short list of its own, and
//! whoever counts goes through them. So a person leaves exactly and at once, and a count knows how many different
//! people stand behind it. What came of a search is in [`super::attribution`], by the name of its answer.
//!
//! Bounds: [`SEARCHES_MAX`] searches of one subject in the last [`KEPT_DAYS`](super::attribution::KEPT_DAYS) days, each with the first
//! [`SHOWN_MAX`] products, or those of a list of several searches that stand in its first places. A query is kept as its key (see [`query_key`]) and once, as long as anybody's list names
//! it. Searches by nobody known are counted by day and site only; what they were for is not kept.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use souk_core::{SubjectId, Timestamp};
use souk_recommend::Item;

mod codec;
mod count;
mod fold;
#[cfg(test)]
mod tests;

pub(crate) use codec::SearchEntry;
pub(super) use count::most;
pub(crate) use count::{Sought, Taken, Windows};

use super::attribution::day_of;

/// Days that searches are kept (chosen: a season; older clicks say less of what is sold now).
pub(crate) const SEARCH_DAYS: i32 = 91;
/// Searches kept of one subject, the newest (chosen for the memory of a million people).
const SEARCHES_MAX: usize = 64;
/// Products of an answer that are kept: places beyond are hardly looked at.
const SHOWN_MAX: usize = 20;
/// Bytes of a query's key; longer ones are pasted texts that nobody else types.
const KEY_BYTES_MAX: usize = 80;
/// Found products of a search that another engine answered.
const UNKNOWN: u32 = u32::MAX;

/// A query as it is counted: in lower case, without accents, its words parted by single spaces, and nothing but
/// letters and digits.
/// `None` for one without words, one that is too long, and one out of which personal data was taken.
pub(crate) fn query_key(query: &str) -> Option<String> {
    // What redaction leaves in place of personal data stands in brackets.
    if query.len() > 4 * KEY_BYTES_MAX || query.contains('[') {
        return None;
    }
    let mut folded = String::with_capacity(query.len());
    souk_search::fold(query, &mut folded);
    let words = folded.split(|letter: char| !letter.is_alphanumeric());
    let key = words.filter(|word| !word.is_empty()).collect::<Vec<&str>>().join(" ");
    (!key.is_empty() && key.len() <= KEY_BYTES_MAX).then_some(key)
}

/// One search of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Search {
    at: Timestamp,
    /// A hash of the answer's name, or of the event's.
    request: u64,
    query: u32,
    n_found: u32,
    took_us: u32,
    shown: Box<[Item]>,
    /// Where they stood in a list of several searches; empty for a list of their own.
    places: Box<[u8]>,
}

/// A query of a site that somebody's list names.
#[derive(Clone, Debug, Default)]
struct Query {
    site: u32,
    key: Box<str>,
    n_uses: u32,
}

#[derive(Clone, Debug)]
struct Person {
    /// `None` for a slot that is free.
    subject: Option<SubjectId>,
    /// In the order of time and name.
    searches: Vec<Search>,
}

/// What a search says of itself.
#[derive(Clone, Debug)]
pub(super) struct Said {
    at: Timestamp,
    request: u64,
    n_found: u32,
    took_us: u32,
    shown: Box<[Item]>,
    places: Box<[u8]>,
}

/// Searches by nobody known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unnamed {
    pub(crate) searches: u64,
    pub(crate) empty: u64,
}

/// What people searched for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Searches {
    queries: Vec<Query>,
    by_query: HashTable<u32>,
    free_queries: Vec<u32>,
    people: Vec<Person>,
    by_subject: FxHashMap<SubjectId, u32>,
    free: Vec<u32>,
    /// By day and site.
    unnamed: FxHashMap<(i32, u32), Unnamed>,
    /// The last day in which anything came in.
    day: i32,
    /// The subject that is looked at next for what has grown old; no part of what is said.
    sweep_idx: usize,
}

fn hash_of(query: (u32, &str)) -> u64 {
    FxBuildHasher.hash_one(query)
}

impl Searches {
    /// Takes in a search of a subject; one that is known says nothing new.
    pub(super) fn note(&mut self, subject: SubjectId, (site, key): (u32, &str), said: Said) {
        let slot = self.slot(subject);
        let known = &self.people[slot].searches;
        if known.iter().any(|known| known.request == said.request) {
            return;
        }
        let idx = known.partition_point(|one| (one.at, one.request) <= (said.at, said.request));
        let query = self.hold(site, key);
        let Said { at, request, n_found, took_us, shown, places } = said;
        let searches = &mut self.people[slot].searches;
        searches.insert(idx, Search { at, request, query, n_found, took_us, shown, places });
        if searches.len() > SEARCHES_MAX {
            let oldest = searches.remove(0);
            self.let_go(oldest.query);
        }
    }

    /// Counts a search by nobody known.
    pub(super) fn note_unnamed(&mut self, (at, site): (Timestamp, u32), n_found: u32) {
        let counted = self.unnamed.entry((day_of(at), site)).or_default();
        counted.searches += 1;
        counted.empty += u64::from(n_found == 0);
    }

    /// What a subject searched for on a site and found, the latest first and each query once.
    pub(super) fn latest(&self, subject: SubjectId, site: u32) -> Vec<&str> {
        let all = self.of(subject).iter();
        let query = |search: &Search| &self.queries[search.query as usize];
        let mut found: Vec<&Search> =
            all.filter(|search| search.n_found > 0 && query(search).site == site).collect();
        found.sort_unstable_by_key(|search| std::cmp::Reverse((search.at, search.request)));
        let mut seen = FxHashSet::default();
        found.retain(|search| seen.insert(search.query));
        found.into_iter().map(|search| &*query(search).key).collect()
    }

    fn slot(&mut self, subject: SubjectId) -> usize {
        if let Some(slot) = self.by_subject.get(&subject) {
            return *slot as usize;
        }
        let person = Person { subject: Some(subject), searches: Vec::new() };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.people[slot as usize] = person;
                slot
            }
            None => {
                self.people.push(person);
                (self.people.len() - 1) as u32
            }
        };
        self.by_subject.insert(subject, slot);
        slot as usize
    }

    /// The number of a query, which one more search names from now on.
    fn hold(&mut self, site: u32, key: &str) -> u32 {
        let Searches { queries, by_query, .. } = self;
        let is_it = |number: &u32| {
            let query = &queries[*number as usize];
            (query.site, &*query.key) == (site, key)
        };
        let known = by_query.find(hash_of((site, key)), is_it).copied();
        let number = known.unwrap_or_else(|| self.add(Query { site, key: key.into(), n_uses: 0 }));
        self.queries[number as usize].n_uses += 1;
        number
    }

    fn add(&mut self, query: Query) -> u32 {
        let hash = hash_of((query.site, &*query.key));
        let number = match self.free_queries.pop() {
            Some(number) => {
                self.queries[number as usize] = query;
                number
            }
            None => {
                self.queries.push(query);
                (self.queries.len() - 1) as u32
            }
        };
        let Searches { queries, by_query, .. } = self;
        let hasher = |number: &u32| {
            let query = &queries[*number as usize];
            hash_of((query.site, &*query.key))
        };
        by_query.insert_unique(hash, number, hasher);
        number
    }

    /// One search less names a query; one that none names is gone.
    fn let_go(&mut self, number: u32) {
        let query = &mut self.queries[number as usize];
        query.n_uses -= 1;
        if query.n_uses > 0 {
            return;
        }
        let query = std::mem::take(query);
        let found =
            self.by_query.find_entry(hash_of((query.site, &*query.key)), |one| *one == number);
        if let Ok(entry) = found {
            entry.remove();
        }
        self.free_queries.push(number);
    }

    /// Drops a subject: afterwards the state is that of a log without it.
    pub(crate) fn forget(&mut self, subject: SubjectId) {
        let Some(slot) = self.by_subject.remove(&subject) else { return };
        let person = &mut self.people[slot as usize];
        person.subject = None;
        let gone = std::mem::take(&mut person.searches);
        self.free.push(slot);
        gone.into_iter().for_each(|search| self.let_go(search.query));
    }

    /// Moves on to the time of a receipt, and looks at one subject for what has grown old.
    pub(crate) fn advance(&mut self, received_at: Timestamp) {
        let day = day_of(received_at);
        if day > self.day {
            self.day = day;
            self.unnamed.retain(|(of, _), _| day - *of <= SEARCH_DAYS);
        }
        if self.people.is_empty() {
            return;
        }
        self.sweep_idx = (self.sweep_idx + 1) % self.people.len();
        let person = &mut self.people[self.sweep_idx];
        let n_old = person.searches.partition_point(|one| !Self::keeps(one, day));
        let gone: Vec<Search> = person.searches.drain(..n_old).collect();
        let subject = person.subject.filter(|_| person.searches.is_empty());
        gone.into_iter().for_each(|search| self.let_go(search.query));
        if let Some(subject) = subject {
            self.forget(subject);
        }
    }

    fn keeps(search: &Search, day: i32) -> bool {
        day - day_of(search.at) <= SEARCH_DAYS
    }

    /// Whether a search of a subject is kept.
    pub(super) fn knows(&self, subject: SubjectId) -> bool {
        self.by_subject.contains_key(&subject)
    }

    /// The searches of a subject that count, oldest first.
    fn of(&self, subject: SubjectId) -> &[Search] {
        let slot = self.by_subject.get(&subject);
        let all = slot.map_or(&[][..], |slot| &self.people[*slot as usize].searches);
        &all[all.partition_point(|one| !Self::keeps(one, self.day))..]
    }

    pub(crate) fn bytes(&self) -> usize {
        let of_person = |person: &Person| {
            let shown: usize =
                person.searches.iter().map(|one| one.shown.len() * 4 + one.places.len() + 16).sum();
            shown + person.searches.capacity() * size_of::<Search>()
        };
        self.people.iter().map(of_person).sum::<usize>()
            + self.people.capacity() * size_of::<Person>()
            + self.by_subject.capacity() * 21
            + self.queries.iter().map(|query| query.key.len() + 16).sum::<usize>()
            + self.queries.capacity() * (size_of::<Query>() + 5)
            + self.unnamed.capacity() * 33
    }
}
