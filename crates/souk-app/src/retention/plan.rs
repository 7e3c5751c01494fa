//! Which records are past their term: one pass over the log.
//!
//! Some records protect others. A no stays for good. A link between two ids of a person stays while
//! anything of that person does, or else a later erasure would miss a part; and so does a yes, because it
//! must be provable as long as it is used.

use rustc_hash::{FxHashMap, FxHashSet};
use souk_core::{Fact, SubjectId};
use souk_ports::{Cursor, Position, READ_RECORDS_MAX, Recorded, STRIP_MAX};

use super::{KindCount, PersonalKind, Terms};
use crate::projections::Decoded;
use crate::sealing::open_all;
use crate::{AppError, Parts};

/// Records that one pass takes in, 16 bytes each; chosen. What is beyond goes in another pass.
const DOOMED_MAX: usize = 2_000_000;

/// What one pass found.
#[derive(Debug, Default)]
pub(super) struct Plan {
    held: [u64; 8],
    due: [u64; 8],
    /// Records to be emptied, in the order of the log.
    pub(super) doomed: Vec<Position>,
    /// Records to be emptied unless something new of their person has come in: [`Plan::next_bound`].
    bound: Vec<Bound>,
    alive: FxHashSet<SubjectId>,
    persons: Persons,
    /// How far the log was looked at.
    seen: Cursor,
    /// Whether nothing is left for another pass.
    pub(super) is_whole: bool,
}

/// A record that may only go with everything else of its person.
#[derive(Debug)]
struct Bound {
    position: Position,
    subject: SubjectId,
    kind: PersonalKind,
}

/// One pass under way.
struct Scan<'a> {
    terms: &'a Terms,
    plan: Plan,
}

impl Plan {
    /// Looks at every personal record that the log holds now.
    pub(super) async fn make(parts: &Parts, terms: &Terms) -> Result<Plan, AppError> {
        let plan = Plan { is_whole: true, ..Plan::default() };
        let mut scan = Scan { terms, plan };
        let mut batches = Batches::upto_end(parts).await?;
        while let Some(personal) = batches.next(parts).await? {
            for decoded in open_all(&*parts.keys, personal).await? {
                scan.take(&decoded);
            }
        }
        scan.plan.seen = batches.cursor;
        Ok(scan.finish())
    }

    /// Whether nothing is to be emptied.
    pub(super) fn is_empty(&self) -> bool {
        self.doomed.is_empty() && self.bound.is_empty()
    }

    /// The next portion of links and consents that nothing needs any more, once all else is emptied; `None`
    /// after the last one.
    ///
    /// What came in since the log was looked at may have brought a person back, whose links and consents
    /// are needed again. So nothing may be appended between this and the emptying of the portion.
    pub(super) async fn next_bound(
        &mut self,
        parts: &Parts,
        terms: &Terms,
    ) -> Result<Option<Vec<Position>>, AppError> {
        if self.bound.is_empty() {
            return Ok(None);
        }
        let mut batches = Batches { cursor: self.seen.clone(), end: parts.log.end().await? };
        while let Some(personal) = batches.next(parts).await? {
            for decoded in open_all(&*parts.keys, personal).await? {
                self.see(&decoded, terms);
            }
        }
        self.seen = batches.cursor;
        let portion = self.bound.split_off(self.bound.len().saturating_sub(STRIP_MAX));
        let kept = self.kept();
        let free = portion.iter().filter(|bound| !kept.contains(&self.persons.head(bound.subject)));
        let mut free: Vec<Position> = free.map(|bound| bound.position).collect();
        free.sort_unstable_by_key(|at| (at.partition, at.offset));
        Ok(Some(free))
    }

    /// Takes in whom a new record brings back.
    fn see(&mut self, decoded: &Decoded, terms: &Terms) {
        let (Some(subject), Some(event)) = (decoded.subject, &decoded.event) else { return };
        let Some(kind) = PersonalKind::of(&event.fact) else { return };
        match &event.fact {
            Fact::Linked { other, .. } | Fact::Unlinked { other, .. } => {
                self.persons.join(subject, *other);
            }
            Fact::Consent(change) if !change.denied.is_empty() => {
                self.alive.insert(subject);
            }
            _ if terms.is_over((kind, &event.fact), event.at.min(decoded.received_at)) => {}
            _ => {
                self.alive.insert(subject);
            }
        }
    }

    /// The heads of everybody of whom something is kept.
    fn kept(&mut self) -> FxHashSet<SubjectId> {
        self.alive.iter().map(|subject| self.persons.head(*subject)).collect()
    }

    /// How many records of each kind there are, and how many are past their term.
    pub(super) fn counts(&self) -> Vec<KindCount> {
        let kinds = PersonalKind::ALL.into_iter().filter(|kind| *kind != PersonalKind::Requests);
        kinds
            .map(|kind| KindCount {
                kind,
                held: self.held[kind as usize],
                due: self.due[kind as usize],
            })
            .collect()
    }

    fn doom(&mut self, kind: PersonalKind, position: Position) {
        self.due[kind as usize] += 1;
        if self.doomed.len() < DOOMED_MAX {
            self.doomed.push(position);
        } else {
            self.is_whole = false;
        }
    }
}

impl Scan<'_> {
    fn take(&mut self, decoded: &Decoded) {
        let (Some(subject), Some(event)) = (decoded.subject, &decoded.event) else { return };
        let Some(kind) = PersonalKind::of(&event.fact) else { return };
        self.plan.held[kind as usize] += 1;
        // A client's clock may run ahead; what came in has happened.
        let is_over = self.terms.is_over((kind, &event.fact), event.at.min(decoded.received_at));
        let position = decoded.position;
        match &event.fact {
            Fact::Linked { other, .. } | Fact::Unlinked { other, .. } => {
                self.plan.persons.join(subject, *other);
                if is_over {
                    self.plan.bound.push(Bound { position, subject, kind });
                }
            }
            Fact::Consent(change) if change.denied.is_empty() && is_over => {
                self.plan.bound.push(Bound { position, subject, kind });
            }
            Fact::Consent(_) => {
                self.plan.alive.insert(subject);
            }
            _ if is_over => self.plan.doom(kind, position),
            _ => {
                self.plan.alive.insert(subject);
            }
        }
    }

    fn finish(mut self) -> Plan {
        let kept = self.plan.kept();
        let persons = &mut self.plan.persons;
        self.plan.bound.retain(|bound| !kept.contains(&persons.head(bound.subject)));
        for bound in &self.plan.bound {
            self.plan.due[bound.kind as usize] += 1;
        }
        if !self.plan.is_whole {
            // While others of the same persons are still there, what protects them stays too.
            self.plan.bound.clear();
        }
        self.plan.doomed.sort_unstable_by_key(|at| (at.partition, at.offset));
        self.plan
    }
}

/// Which subjects were ever linked, as sets with a head (union-find with path halving, Tarjan and van
/// Leeuwen 1984). A link that was taken back counts too: it was one person's data once.
#[derive(Debug, Default)]
struct Persons(FxHashMap<SubjectId, SubjectId>);

impl Persons {
    fn head(&mut self, mut subject: SubjectId) -> SubjectId {
        while let Some(&above) = self.0.get(&subject) {
            let Some(&top) = self.0.get(&above) else { return above };
            self.0.insert(subject, top);
            subject = top;
        }
        subject
    }

    fn join(&mut self, one: SubjectId, other: SubjectId) {
        let (one, other) = (self.head(one), self.head(other));
        if one != other {
            self.0.insert(one, other);
        }
    }
}

/// The personal records that the log held at the beginning, in order, batch by batch.
struct Batches {
    cursor: Cursor,
    end: Cursor,
}

impl Batches {
    async fn upto_end(parts: &Parts) -> Result<Batches, AppError> {
        Ok(Batches { cursor: Cursor::START, end: parts.log.end().await? })
    }

    /// `None` once all were given.
    async fn next(&mut self, parts: &Parts) -> Result<Option<Vec<Recorded>>, AppError> {
        if self.cursor.covers(&self.end) {
            return Ok(None);
        }
        tokio::task::yield_now().await;
        let batch = parts.log.read(&self.cursor, READ_RECORDS_MAX).await?;
        if batch.is_empty() {
            return Ok(None);
        }
        batch.iter().for_each(|recorded| self.cursor.advance(recorded.position));
        let is_personal = |recorded: &Recorded| recorded.record.subject.is_some();
        Ok(Some(batch.into_iter().filter(is_personal).collect()))
    }
}

/// Every subject that has a record, whether or not its key still exists; ascending.
pub(crate) async fn subjects_of_the_log(parts: &Parts) -> Result<Vec<SubjectId>, AppError> {
    let mut found = FxHashSet::default();
    let mut batches = Batches::upto_end(parts).await?;
    while let Some(personal) = batches.next(parts).await? {
        found.extend(personal.iter().filter_map(|recorded| recorded.record.subject));
    }
    let mut subjects: Vec<SubjectId> = found.into_iter().collect();
    subjects.sort_unstable();
    Ok(subjects)
}
