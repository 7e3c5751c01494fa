//! What became of answers: which were seen, clicked and bought from, and who is in which part of an
//! experiment.
//!
//! Nothing is added up here. Each subject has its own short lists, and reports count them when they are
//! asked: so a person leaves exactly and at once, a window can be changed for the past as well, and a
//! figure knows how many different people stand behind it. What a subject's lists say follows from the
//! records of that subject and of those directly joined with it, never from anybody else's.
//!
//! Bounds, each for one subject: [`ANSWERS_MAX`] answers of the last seventeen days with their products,
//! [`LESSONS_MAX`] answers of [`LESSON_DAYS`] days whose signals were recorded, [`ROWS_MAX`] counts by day and place, [`CREDITS_MAX`] acts that name an answer and as many for each
//! subject whose answers they followed, [`ORDERS_MAX`] orders, [`EXPOSURES_MAX`] experiments. Counts and
//! acts are kept for [`KEPT_DAYS`] days; answers to nobody known are counted by day and place only.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap};
use souk_core::{Action, ArmMark, OrderRef, SignalMark, SubjectId, Timestamp};
use souk_recommend::Item;

mod codec;
mod fold;
mod lessons;
mod outcomes;
mod person;
mod report;
mod taken;
#[cfg(test)]
pub(crate) mod tests;
mod trials;

pub(crate) use codec::Entry;
pub(super) use codec::{read_day, read_hash, read_item};
pub(crate) use outcomes::{OutcomeQuery, Outcomes, PersonOutcome};
use person::Person;
pub(crate) use report::{Counted, FigureQuery, FigureRow, Figures, MoneyFigures};
pub(super) use taken::Taker;
pub(crate) use trials::Tried;

pub(crate) const DAY_MS: i64 = 86_400_000;
/// Days from an answer to what it can be credited with, at most; settings may say less.
pub(crate) const WINDOW_DAYS_MAX: i64 = 14;
/// Days that a report may arrive late and still find its answer (chosen: a file of the night, after a
/// weekend).
pub(crate) const LATE_DAYS: i64 = 3;
/// Days that counts and acts are kept (chosen: half a year, to compare two quarters).
pub(crate) const KEPT_DAYS: i32 = 186;
/// Answers kept with their products (chosen for the memory of a million people: the newest ones, of some visits).
const ANSWERS_MAX: usize = 16;
/// Answers with signals kept of one subject, and for how many days (chosen: two months, of a sample of the answers).
const LESSONS_MAX: usize = 32;
const LESSON_DAYS: i32 = 60;
/// Counts by day and place kept of one subject.
const ROWS_MAX: usize = 512;
/// Acts kept that name an answer, and those kept for each subject whose answers they followed.
const CREDITS_MAX: usize = 128;
/// Orders kept of one subject for each of its ids that is in an experiment.
const ORDERS_MAX: usize = 256;
/// Experiments kept of one subject.
const EXPOSURES_MAX: usize = 16;
/// Places that are told apart. Beyond, only sites and strategies are, so that a client that makes up
/// placements fills no memory.
const CELLS_MAX: usize = 4_096;
/// Parts of experiments that are told apart; beyond, exposures are not noted.
const ARMS_MAX: usize = 1_024;
/// Products of an answer that are looked at, as many as one can have.
const SHOWN_MAX: usize = 100;
/// The cell of what was not found yet.
const NO_CELL: u16 = u16::MAX;

/// The day in UTC of a moment, as the number of days since 1970.
pub(crate) fn day_of(at: Timestamp) -> i32 {
    (at.as_ms() / DAY_MS) as i32
}

/// Where answers are counted apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    /// See `Catalogue::find_site`.
    pub(crate) site: u32,
    pub(crate) placement: Option<Box<str>>,
    pub(crate) strategy: Box<str>,
}

/// An answer that was served to a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    at: Timestamp,
    /// A hash of its name.
    request: u64,
    cell: u16,
    is_seen: bool,
    items: Box<[Item]>,
}

impl Answer {
    fn shows(&self, item: Item) -> bool {
        self.items.contains(&item)
    }
}

/// An answer of which it is known what was known of its products when it was served.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lesson {
    at: Timestamp,
    /// A hash of its name.
    request: u64,
    cell: u16,
    is_seen: bool,
    items: Box<[Item]>,
    signals: SignalMark,
}

/// What was done with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Did {
    /// Its list was looked at.
    Saw,
    /// A product of it was opened.
    Clicked,
    /// A product of it went into a cart.
    Carted,
    /// A product of it was ordered.
    Ordered,
}

impl Did {
    const ALL: [Did; 4] = [Did::Saw, Did::Clicked, Did::Carted, Did::Ordered];

    /// What an action says of an answer; `None` when it says nothing.
    pub(crate) fn of(action: Action) -> Option<Did> {
        match action {
            Action::ListViewed => Some(Did::Saw),
            Action::Viewed | Action::Clicked => Some(Did::Clicked),
            Action::AddedToCart | Action::WishlistAddedToCart => Some(Did::Carted),
            _ => None,
        }
    }

    /// What it is worth, in clicks (chosen: a purchase says more than curiosity, and there are few).
    pub(crate) fn worth(self) -> f64 {
        match self {
            Did::Saw => 0.0,
            Did::Clicked => 1.0,
            Did::Carted => 2.0,
            Did::Ordered => 3.0,
        }
    }

    /// Whether a product was opened or put into a cart.
    pub(crate) fn is_touch(self) -> bool {
        matches!(self, Did::Clicked | Did::Carted)
    }
}

/// An act of a subject and an answer that it may be owed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Credit {
    did: Did,
    /// When it was done.
    at: Timestamp,
    /// With which product; none for a list that was looked at.
    item: Option<Item>,
    /// Which order; zeros for anything else.
    order: OrderRef,
    /// The answer's name as a hash.
    request: u64,
    /// Whether the act itself named the answer.
    is_named: bool,
    /// Whether the order followed a click on the product or its way into a cart.
    is_clicked: bool,
    /// Whether the answer showed the product.
    is_shown: bool,
    /// Whose answer, once it is found; before that, who acted.
    owner: SubjectId,
    /// Where the answer was shown, or [`NO_CELL`] while it is not found.
    cell: u16,
    /// When it was served.
    answered: Timestamp,
    /// What the act followed: the answer, or for a clicked product's order the click.
    touched: Timestamp,
}

/// An order that may be an outcome of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NotedOrder {
    order: OrderRef,
    /// When it was first placed.
    at: Timestamp,
    /// Who was met in an experiment: the buyer, or another id that was joined with theirs. Once that one is
    /// forgotten the order is no longer noted because of it.
    met: SubjectId,
}

/// What a subject did, as the fold tells it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Act {
    pub(crate) did: Did,
    pub(crate) at: Timestamp,
    pub(crate) received_at: Timestamp,
    pub(crate) item: Option<Item>,
    /// Zeros for anything but an order.
    pub(crate) order: OrderRef,
    /// The answer that it names.
    pub(crate) request: Option<u64>,
}

/// An answer, as the fold tells it.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) at: Timestamp,
    pub(crate) request: u64,
    pub(crate) cell: u16,
    pub(crate) items: Box<[Item]>,
    /// What was known of the products; mostly not recorded.
    pub(crate) signals: Option<SignalMark>,
}

/// What became of answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attribution {
    cells: Vec<Cell>,
    by_cell: HashTable<u16>,
    arms: Vec<ArmMark>,
    people: Vec<Person>,
    by_subject: FxHashMap<SubjectId, u32>,
    free: Vec<u32>,
    /// Answers to nobody known, by day and cell.
    unnamed: FxHashMap<(i32, u16), u64>,
    /// The last day in which anything came in.
    day: i32,
    /// The subject that is looked at next for what has grown old; no part of what is said.
    sweep_idx: usize,
}

fn hash_of((site, placement, strategy): (u32, Option<&str>, &str)) -> u64 {
    FxBuildHasher.hash_one((site, placement, strategy))
}

impl Attribution {
    /// The number of a place.
    pub(crate) fn cell(&mut self, site: u32, placement: Option<&str>, strategy: &str) -> u16 {
        let is_full = self.cells.len() >= CELLS_MAX;
        let found = self.find_cell((site, placement, strategy));
        // What is one too many is counted without its placement, of which there are few.
        match found {
            Some(cell) => cell,
            None if is_full && placement.is_some() => self.cell(site, None, strategy),
            None => self.push_cell(Cell {
                site,
                placement: placement.map(Into::into),
                strategy: strategy.into(),
            }),
        }
    }

    fn find_cell(&self, name: (u32, Option<&str>, &str)) -> Option<u16> {
        let is_it = |number: &u16| {
            let cell = &self.cells[usize::from(*number)];
            (cell.site, cell.placement.as_deref(), &*cell.strategy) == name
        };
        self.by_cell.find(hash_of(name), is_it).copied()
    }

    fn push_cell(&mut self, cell: Cell) -> u16 {
        let number = self.cells.len() as u16;
        if number == NO_CELL {
            return 0;
        }
        self.cells.push(cell);
        let cells = &self.cells;
        let hasher = |number: &u16| {
            let cell = &cells[usize::from(*number)];
            hash_of((cell.site, cell.placement.as_deref(), &cell.strategy))
        };
        let hash = hasher(&number);
        self.by_cell.insert_unique(hash, number, hasher);
        number
    }

    fn arm(&mut self, mark: &ArmMark) -> Option<u16> {
        if let Some(idx) = self.arms.iter().position(|known| known == mark) {
            return Some(idx as u16);
        }
        (self.arms.len() < ARMS_MAX).then(|| {
            self.arms.push(mark.clone());
            (self.arms.len() - 1) as u16
        })
    }

    fn person(&self, subject: SubjectId) -> Option<&Person> {
        self.by_subject.get(&subject).map(|slot| &self.people[*slot as usize])
    }

    fn person_mut(&mut self, subject: SubjectId) -> Option<&mut Person> {
        self.by_subject.get(&subject).map(|slot| &mut self.people[*slot as usize])
    }

    fn intern(&mut self, subject: SubjectId) -> &mut Person {
        let slot = match self.by_subject.get(&subject) {
            Some(slot) => *slot,
            None => {
                let slot = self.free.pop().unwrap_or_else(|| {
                    self.people.push(Person::default());
                    (self.people.len() - 1) as u32
                });
                self.people[slot as usize] = Person::of(subject);
                self.by_subject.insert(subject, slot);
                slot
            }
        };
        &mut self.people[slot as usize]
    }

    /// Whether anything is kept of any of these subjects.
    pub(crate) fn knows_any(&self, subject: SubjectId, kin: &[SubjectId]) -> bool {
        !self.by_subject.is_empty()
            && (self.by_subject.contains_key(&subject)
                || kin.iter().any(|one| self.by_subject.contains_key(one)))
    }

    /// Counts an answer to nobody known.
    pub(crate) fn serve_unnamed(&mut self, at: Timestamp, cell: u16) {
        *self.unnamed.entry((day_of(at), cell)).or_default() += 1;
    }

    /// Notes the parts of experiments in which a subject was met.
    pub(crate) fn expose(&mut self, subject: SubjectId, (at, marks): (Timestamp, &[ArmMark])) {
        for mark in marks {
            if let Some(arm) = self.arm(mark) {
                self.intern(subject);
                let Attribution { arms, people, by_subject, .. } = self;
                let same = |other: u16| arms[usize::from(other)].experiment == mark.experiment;
                people[by_subject[&subject] as usize].expose((arm, at), same);
            }
        }
    }

    /// Takes in an answer to a subject; `kin` are those directly joined with it.
    pub(crate) fn serve(&mut self, subject: SubjectId, served: Served, kin: &[SubjectId]) {
        let (request, person) = (served.request, self.intern(subject));
        if !person.serve(served) {
            return;
        }
        // A click can be told of before the answer is.
        person.find_named(subject, request);
        for &other in kin {
            self.find_named_of(other, (subject, request));
        }
    }

    /// Joins what `actor` did in the name of an answer with that answer of `owner`.
    fn find_named_of(&mut self, actor: SubjectId, (owner, request): (SubjectId, u64)) {
        let waits = |person: &Person| person.waits_for(request);
        if !self.person(actor).is_some_and(waits) {
            return;
        }
        let answer = self.person(owner).and_then(|person| person.answer(request)).cloned();
        let Some(answer) = answer else { return };
        if let Some(person) = self.person_mut(actor) {
            person.resolve(&answer, owner);
        }
        self.lend(owner, actor);
    }

    fn lend(&mut self, owner: SubjectId, actor: SubjectId) {
        if owner != actor
            && let Some(person) = self.person_mut(owner)
            && !person.lent.contains(&actor)
        {
            person.lent.push(actor);
        }
    }

    /// Takes in what a subject did; `kin` are those directly joined with it.
    pub(crate) fn act(&mut self, subject: SubjectId, act: &Act, kin: &[SubjectId]) {
        if let Some(request) = act.request {
            self.act_named(subject, (act, request), kin);
            return;
        }
        for &owner in std::iter::once(&subject).chain(kin) {
            let found = self.candidates(subject, act, owner);
            let mut is_new = false;
            for credit in found.into_iter().flatten() {
                is_new |= self.intern(subject).credit(credit);
            }
            if is_new {
                self.lend(owner, subject);
            }
        }
    }

    fn act_named(&mut self, subject: SubjectId, (act, request): (&Act, u64), kin: &[SubjectId]) {
        let is_new = self.intern(subject).credit(Credit {
            did: act.did,
            at: act.at,
            item: act.item,
            order: act.order,
            request,
            is_named: true,
            is_clicked: false,
            is_shown: false,
            owner: subject,
            cell: NO_CELL,
            answered: Timestamp::EPOCH,
            touched: Timestamp::EPOCH,
        });
        let waits = |person: &Person| person.waits_for(request);
        if !is_new && !self.person(subject).is_some_and(waits) {
            return;
        }
        // What has grown old by the receipt of the act may be gone already.
        let today = day_of(act.received_at);
        let is_kept =
            |answer: &Answer| i64::from(today - day_of(answer.at)) <= WINDOW_DAYS_MAX + LATE_DAYS;
        let has = |one: &SubjectId| {
            self.person(*one).and_then(|person| person.answer(request)).is_some_and(is_kept)
        };
        let owner = std::iter::once(&subject).chain(kin).copied().find(has);
        match owner {
            Some(owner) if owner == subject => {
                self.intern(subject).find_named(subject, request);
            }
            Some(owner) => self.find_named_of(subject, (owner, request)),
            None => {}
        }
    }

    /// The answers of one owner that an act may be owed to: for an order the last one that was clicked and
    /// the last one that showed the product, else the latter alone.
    fn candidates(&self, actor: SubjectId, act: &Act, owner: SubjectId) -> [Option<Credit>; 2] {
        let (Some(item), Some(theirs)) = (act.item, self.person(owner)) else { return [None; 2] };
        let credit = |request, (cell, answered), touched, is_clicked| Credit {
            did: act.did,
            at: act.at,
            item: Some(item),
            order: act.order,
            request,
            is_named: false,
            is_clicked,
            is_shown: true,
            owner,
            cell,
            answered,
            touched,
        };
        let shown = theirs.last_showing(item, act);
        let shown =
            shown.map(|answer| credit(answer.request, (answer.cell, answer.at), answer.at, false));
        if act.did != Did::Ordered {
            return [shown, None];
        }
        let own = self.person(actor).filter(|_| actor != owner);
        let touches =
            own.into_iter().chain(Some(theirs)).flat_map(|p| p.touches_on(owner, item, act));
        let clicked = touches.max_by_key(|touch| (touch.at, touch.answered, touch.request));
        let clicked = clicked
            .map(|touch| credit(touch.request, (touch.cell, touch.answered), touch.at, true));
        [clicked, shown]
    }

    /// Notes an order of somebody who is in an experiment, or whose other ids are.
    pub(crate) fn note_order(
        &mut self,
        subject: SubjectId,
        (order, at): (OrderRef, Timestamp),
        kin: &[SubjectId],
    ) {
        for &met in std::iter::once(&subject).chain(kin) {
            if self.person(met).is_some_and(Person::is_exposed) {
                self.intern(subject).note_order(NotedOrder { order, at, met });
                self.lend(met, subject);
            }
        }
    }

    /// Drops what others would learn from a subject who refuses that they do, or reports; a new yes does not bring it back.
    pub(crate) fn unteach(&mut self, subject: SubjectId) {
        if let Some(person) = self.person_mut(subject) {
            person.lessons.clear();
        }
    }

    /// Drops a subject: afterwards the state is that of a log without it.
    pub(crate) fn forget(&mut self, subject: SubjectId) {
        let Some(slot) = self.by_subject.remove(&subject) else { return };
        let person = std::mem::take(&mut self.people[slot as usize]);
        self.free.push(slot);
        for actor in &person.lent {
            if let Some(actor) = self.person_mut(*actor) {
                actor.lose(subject);
            }
        }
        for owner in person.owners() {
            if let Some(owner) = self.person_mut(owner) {
                owner.lent.retain(|actor| *actor != subject);
            }
        }
    }

    /// Moves on to the time of a receipt, and looks at one subject for what has grown old.
    pub(crate) fn advance(&mut self, received_at: Timestamp) {
        let day = day_of(received_at);
        if day > self.day {
            self.day = day;
            self.unnamed.retain(|(of, _), _| day - *of <= KEPT_DAYS);
        }
        if self.people.is_empty() {
            return;
        }
        self.sweep_idx = (self.sweep_idx + 1) % self.people.len();
        let person = &mut self.people[self.sweep_idx];
        person.trim(self.day);
        if person.is_bare() && person.subject.is_some() {
            self.release(self.sweep_idx);
        }
    }

    /// Lets a subject go of whom nothing is left, once nobody holds anything that is owed to it either.
    fn release(&mut self, slot: usize) {
        let mut lent = std::mem::take(&mut self.people[slot].lent);
        let Some(subject) = self.people[slot].subject else { return };
        lent.retain(|actor| self.person(*actor).is_some_and(|actor| actor.owes(subject)));
        if !lent.is_empty() {
            self.people[slot].lent = lent;
            return;
        }
        self.by_subject.remove(&subject);
        self.people[slot] = Person::default();
        self.free.push(slot as u32);
    }

    /// How many subjects something is kept of.
    pub(crate) fn len(&self) -> usize {
        self.by_subject.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.people.iter().map(Person::bytes).sum::<usize>()
            + self.people.capacity() * size_of::<Person>()
            + self.by_subject.capacity() * 21
            + self.unnamed.capacity() * 24
            + self.cells.capacity() * 64
    }
}
