//! What is kept of one subject.

use souk_core::{SubjectId, Timestamp};
use souk_recommend::Item;

use super::{
    ANSWERS_MAX, Act, Answer, CREDITS_MAX, Credit, DAY_MS, Did, EXPOSURES_MAX, KEPT_DAYS,
    LATE_DAYS, LESSON_DAYS, LESSONS_MAX, Lesson, NO_CELL, NotedOrder, ORDERS_MAX, ROWS_MAX, Served,
    WINDOW_DAYS_MAX, day_of,
};

/// Answers of one subject on one day in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DayRow {
    pub(super) day: i32,
    pub(super) cell: u16,
    pub(super) answers: u32,
    pub(super) seen: u32,
}

/// When a subject was first met in a part of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exposure {
    pub(super) arm: u16,
    pub(super) at: Timestamp,
}

/// One subject's lists.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    /// `None` for a slot that is free.
    pub(super) subject: Option<SubjectId>,
    /// In the order of time.
    pub(super) answers: Vec<Answer>,
    /// Those whose signals were recorded, for longer; in the order of time.
    pub(super) lessons: Vec<Lesson>,
    /// In the order of (day, cell).
    pub(super) rows: Vec<DayRow>,
    /// In the order in which they came.
    pub(super) credits: Vec<Credit>,
    pub(super) orders: Vec<NotedOrder>,
    pub(super) exposures: Vec<Exposure>,
    /// Who else holds acts that are owed to this subject's answers, or orders noted because of it.
    pub(super) lent: Vec<SubjectId>,
    /// Acts that name an answer which was not found yet.
    n_waiting: u32,
}

impl Person {
    pub(super) fn of(subject: SubjectId) -> Person {
        Person { subject: Some(subject), ..Person::default() }
    }

    pub(super) fn answer(&self, request: u64) -> Option<&Answer> {
        self.answers.iter().rev().find(|answer| answer.request == request)
    }

    /// Takes in an answer; false when it is known.
    pub(super) fn serve(&mut self, served: Served) -> bool {
        if self.answer(served.request).is_some() {
            return false;
        }
        let Served { at, request, cell, items, signals } = served;
        if let Some(signals) = signals {
            let items = items.clone();
            self.teach(Lesson { at, request, cell, is_seen: false, items, signals });
        }
        let idx = self.answers.partition_point(|known| known.at <= at);
        self.row(day_of(at), cell, |row| row.answers += 1);
        self.answers.insert(idx, Answer { at, request, cell, is_seen: false, items });
        if self.answers.len() > ANSWERS_MAX {
            self.answers.remove(0);
        }
        true
    }

    fn teach(&mut self, lesson: Lesson) {
        if self.lessons.iter().any(|known| known.request == lesson.request) {
            return;
        }
        let idx = self.lessons.partition_point(|known| known.at <= lesson.at);
        self.lessons.insert(idx, lesson);
        if self.lessons.len() > LESSONS_MAX {
            self.lessons.remove(0);
        }
    }

    fn row(&mut self, day: i32, cell: u16, change: impl FnOnce(&mut DayRow)) {
        let idx = self.rows.partition_point(|row| (row.day, row.cell) < (day, cell));
        if self.rows.get(idx).is_none_or(|row| (row.day, row.cell) != (day, cell)) {
            self.rows.insert(idx, DayRow { day, cell, answers: 0, seen: 0 });
        }
        change(&mut self.rows[idx]);
        if self.rows.len() > ROWS_MAX {
            self.rows.remove(0);
        }
    }

    /// Notes where the subject was met; of one experiment the first time counts.
    pub(super) fn expose(&mut self, (arm, at): (u16, Timestamp), is_same: impl Fn(u16) -> bool) {
        let known = self.exposures.iter_mut().find(|known| is_same(known.arm));
        match known {
            Some(known) if at < known.at => *known = Exposure { arm, at },
            Some(_) => {}
            None => {
                if self.exposures.len() >= EXPOSURES_MAX {
                    self.exposures.remove(0);
                }
                self.exposures.push(Exposure { arm, at });
            }
        }
    }

    pub(super) fn is_exposed(&self) -> bool {
        !self.exposures.is_empty()
    }

    /// Keeps an act; false when it says nothing new.
    pub(super) fn credit(&mut self, credit: Credit) -> bool {
        let is_same = |known: &Credit| {
            known.did == credit.did
                && known.is_named == credit.is_named
                && known.request == credit.request
                && known.item == credit.item
                && (known.is_named || known.owner == credit.owner)
                && known.order == credit.order
        };
        // Of one order, one answer that was clicked and one that was not are kept for each owner.
        let is_same_order = |known: &Credit| {
            credit.did == super::Did::Ordered
                && (known.did, known.order, known.item) == (credit.did, credit.order, credit.item)
                && (known.owner, known.is_clicked) == (credit.owner, credit.is_clicked)
        };
        if self.credits.iter().any(|known| {
            is_same_order(known) || (credit.did != super::Did::Ordered && is_same(known))
        }) {
            return false;
        }
        let group = |one: &Credit| (one.is_named, (!one.is_named).then_some(one.owner));
        let of_group = group(&credit);
        if self.credits.iter().filter(|known| group(known) == of_group).count() >= CREDITS_MAX
            && let Some((oldest, _)) = (self.credits.iter().enumerate())
                .filter(|(_, known)| group(known) == of_group)
                .min_by_key(|(_, known)| known.at)
        {
            let gone = self.credits.remove(oldest);
            self.n_waiting -= u32::from(gone.cell == NO_CELL);
        }
        self.n_waiting += u32::from(credit.cell == NO_CELL);
        self.credits.push(credit);
        true
    }

    pub(super) fn waits_for(&self, request: u64) -> bool {
        let is_it = |credit: &Credit| credit.cell == NO_CELL && credit.request == request;
        self.n_waiting > 0 && self.credits.iter().any(is_it)
    }

    /// Joins acts that name this answer with it.
    pub(super) fn resolve(&mut self, answer: &Answer, owner: SubjectId) {
        let of_answer =
            |credit: &&mut Credit| credit.cell == NO_CELL && credit.request == answer.request;
        for credit in self.credits.iter_mut().filter(of_answer) {
            credit.owner = owner;
            credit.cell = answer.cell;
            (credit.answered, credit.touched) = (answer.at, answer.at);
            credit.is_shown = credit.item.is_some_and(|item| answer.shows(item));
            self.n_waiting -= 1;
        }
    }

    /// Joins acts of the subject that name an answer of its own with it: it was seen, then.
    pub(super) fn find_named(&mut self, subject: SubjectId, request: u64) {
        if !self.waits_for(request) {
            return;
        }
        let idx = self.answers.iter().position(|answer| answer.request == request);
        let Some(idx) = idx else { return };
        let answer = self.answers[idx].clone();
        // A click says that this list was seen, but not that the shop tells of each that was.
        let says_so = |credit: &Credit| {
            credit.did == Did::Saw && credit.cell == NO_CELL && credit.request == request
        };
        if self.credits.iter().any(says_so) {
            let lesson = self.lessons.iter_mut().find(|lesson| lesson.request == request);
            lesson.into_iter().for_each(|lesson| lesson.is_seen = true);
        }
        self.resolve(&answer, subject);
        if !answer.is_seen {
            self.answers[idx].is_seen = true;
            self.row(day_of(answer.at), answer.cell, |row| row.seen += 1);
        }
    }

    /// The last answer before an act that showed the product, within the longest window.
    pub(super) fn last_showing(&self, item: Item, act: &Act) -> Option<&Answer> {
        // What has grown old by the receipt of the act may be gone already.
        let kept_from = i64::from(day_of(act.received_at)) - WINDOW_DAYS_MAX - LATE_DAYS;
        let is_near = |answer: &&Answer| {
            act.at.ms_since(answer.at) <= WINDOW_DAYS_MAX * DAY_MS
                && i64::from(day_of(answer.at)) >= kept_from
        };
        let before = self.answers.iter().rev().filter(|answer| answer.at <= act.at);
        before.take_while(is_near).find(|answer| answer.shows(item))
    }

    /// What the subject did with a product of an owner's answers, within the longest window before an act.
    pub(super) fn touches_on(
        &self,
        owner: SubjectId,
        item: Item,
        act: &Act,
    ) -> impl Iterator<Item = &Credit> {
        let (at, window) = (act.at, WINDOW_DAYS_MAX * DAY_MS);
        self.credits.iter().filter(move |credit| {
            credit.did.is_touch()
                && credit.cell != NO_CELL
                && credit.owner == owner
                && credit.item == Some(item)
                && credit.is_shown
                && credit.at <= at
                && at.ms_since(credit.at) <= window
        })
    }

    pub(super) fn note_order(&mut self, noted: NotedOrder) {
        let is_same =
            |known: &&mut NotedOrder| (known.order, known.met) == (noted.order, noted.met);
        if let Some(known) = self.orders.iter_mut().find(is_same) {
            known.at = noted.at.min(known.at);
            return;
        }
        let mut same = self.orders.iter().filter(|known| known.met == noted.met);
        let oldest = same.next().copied();
        if let Some(oldest) = oldest.filter(|_| same.count() + 1 >= ORDERS_MAX) {
            self.orders.retain(|known| *known != oldest);
        }
        self.orders.push(noted);
    }

    /// Takes back what is owed to the answers of somebody who leaves.
    pub(super) fn lose(&mut self, owner: SubjectId) {
        let own = self.subject.unwrap_or(owner);
        self.orders.retain(|noted| noted.met != owner);
        self.credits.retain(|credit| credit.is_named || credit.owner != owner);
        for credit in self.credits.iter_mut().filter(|credit| credit.owner == owner) {
            credit.owner = own;
            credit.cell = NO_CELL;
            credit.is_shown = false;
            (credit.answered, credit.touched) = (Timestamp::EPOCH, Timestamp::EPOCH);
            self.n_waiting += 1;
        }
    }

    /// Others whose answers this subject's acts are owed to, or because of whom its orders are noted.
    pub(super) fn owners(&self) -> Vec<SubjectId> {
        let others = self.credits.iter().map(|credit| credit.owner);
        let others = others.chain(self.orders.iter().map(|noted| noted.met));
        let mut owners: Vec<SubjectId> =
            others.filter(|owner| Some(*owner) != self.subject).collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    /// Whether an answer is still kept on a day.
    pub(super) fn keeps_answer(answer: &Answer, day: i32) -> bool {
        // A day more than acts look back, because two receipts may come in the wrong order.
        i64::from(day - day_of(answer.at)) <= WINDOW_DAYS_MAX + LATE_DAYS + 1
    }

    pub(super) fn keeps_lesson(lesson: &Lesson, day: i32) -> bool {
        day - day_of(lesson.at) <= LESSON_DAYS
    }

    pub(super) fn keeps_row(row: &DayRow, day: i32) -> bool {
        day - row.day <= KEPT_DAYS
    }

    pub(super) fn keeps_credit(credit: &Credit, day: i32) -> bool {
        day - day_of(credit.at) <= KEPT_DAYS
    }

    /// Drops what has grown old.
    pub(super) fn trim(&mut self, day: i32) {
        self.answers.retain(|answer| Person::keeps_answer(answer, day));
        self.lessons.retain(|lesson| Person::keeps_lesson(lesson, day));
        self.rows.retain(|row| Person::keeps_row(row, day));
        self.credits.retain(|credit| Person::keeps_credit(credit, day));
        self.n_waiting = self.credits.iter().filter(|credit| credit.cell == NO_CELL).count() as u32;
    }

    /// Whether nothing is left but who owes something.
    pub(super) fn is_bare(&self) -> bool {
        self.answers.is_empty()
            && self.lessons.is_empty()
            && self.rows.is_empty()
            && self.credits.is_empty()
            && self.orders.is_empty()
            && self.exposures.is_empty()
    }

    /// Whether any act is owed to the answers of an owner, or any order noted because of it.
    pub(super) fn owes(&self, owner: SubjectId) -> bool {
        self.credits.iter().any(|credit| credit.owner == owner)
            || self.orders.iter().any(|noted| noted.met == owner)
    }

    /// Counts anew what follows from the lists.
    pub(super) fn restored(mut self) -> Person {
        self.n_waiting = self.credits.iter().filter(|credit| credit.cell == NO_CELL).count() as u32;
        self
    }

    pub(super) fn bytes(&self) -> usize {
        let items: usize = self.answers.iter().map(|answer| answer.items.len() * 4 + 16).sum();
        let of_lesson = |one: &Lesson| {
            one.items.len() * 4 + one.signals.codes.len() + one.signals.rows.len() + 48
        };
        items
            + self.lessons.iter().map(of_lesson).sum::<usize>()
            + self.lessons.capacity() * size_of::<Lesson>()
            + self.answers.capacity() * size_of::<Answer>()
            + self.rows.capacity() * size_of::<DayRow>()
            + self.credits.capacity() * size_of::<Credit>()
            + self.orders.capacity() * size_of::<NotedOrder>()
            + self.exposures.capacity() * size_of::<Exposure>()
            + self.lent.capacity() * 16
    }
}
