//! Which records are past their term: one pass over the log.
//!
//! Some records protect others. A no stays for good. A link between two ids of a person stays while
//! anything of that person does, or else a later erasure would miss a part; and so does a yes, because it
//! must be provable as long as it is used.

use rustc_hash::{FxHashMap, FxHashSet};
use souk_core::{Fact, SubjectId};
use souk_ports::{Cursor, Position, READ_RECORDS_MAX, Recorded};

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
    /// Whether nothing is left for another pass.
    pub(super) is_whole: bool,
}

/// A record that may only go with everything else of its person.
struct Bound {
    position: Position,
    subject: SubjectId,
    kind: PersonalKind,
}

/// One pass under way.
struct Scan<'a> {
    terms: &'a Terms,
    plan: Plan,
    /// Subjects of whom something is kept that others protect.
    alive: FxHashSet<SubjectId>,
    persons: Persons,
    bound: Vec<Bound>,
}

impl Plan {
    /// Looks at every personal record that the log holds now.
    pub(super) async fn make(parts: &Parts, terms: &Terms) -> Result<Plan, AppError> {
        let (plan, alive) = (Plan { is_whole: true, ..Plan::default() }, FxHashSet::default());
        let (persons, bound) = (Persons::default(), Vec::new());
        let mut scan = Scan { terms, plan, alive, persons, bound };
        let mut batches = Batches::upto_end(parts).await?;
        while let Some(personal) = batches.next(parts).await? {
            for decoded in open_all(&*parts.keys, personal).await? {
                scan.take(&decoded);
            }
        }
        Ok(scan.finish())
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
        let is_over = self.terms.is_over(kind, event.at.min(decoded.received_at));
        let position = decoded.position;
        match &event.fact {
            Fact::Linked { other, .. } | Fact::Unlinked { other, .. } => {
                self.persons.join(subject, *other);
                if is_over {
                    self.bound.push(Bound { position, subject, kind });
                }
            }
            Fact::Consent(change) if change.denied.is_empty() && is_over => {
                self.bound.push(Bound { position, subject, kind });
            }
            Fact::Consent(_) => {
                self.alive.insert(subject);
            }
            _ if is_over => self.plan.doom(kind, position),
            _ => {
                self.alive.insert(subject);
            }
        }
    }

    fn finish(mut self) -> Plan {
        let kept: FxHashSet<SubjectId> =
            self.alive.iter().map(|subject| self.persons.head(*subject)).collect();
        let persons = &mut self.persons;
        let free =
            self.bound.into_iter().filter(|bound| !kept.contains(&persons.head(bound.subject)));
        let free: Vec<Bound> = free.collect();
        // While others of the same persons are still there, what protects them stays too.
        let is_last_pass = self.plan.is_whole;
        for bound in free {
            match is_last_pass {
                true => self.plan.doom(bound.kind, bound.position),
                false => self.plan.due[bound.kind as usize] += 1,
            }
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
