//! The lists as bytes, and as a digest that does not depend on numbers.

use souk_core::wire::{Reader, WireError, Writer};
use souk_core::{ArmMark, OrderRef, SignalMark, SubjectId};
use souk_recommend::Item;

use super::super::shoppers::read_u32;
use super::person::{DayRow, Exposure, Person};
use super::{
    Answer, Attribution, CELLS_MAX, Cell, Credit, Did, KEPT_DAYS, Lesson, NO_CELL, NotedOrder,
};

impl Attribution {
    pub(crate) const NAME: &'static str = "attribution";
    pub(crate) const VERSION: u16 = 3;

    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let mut w = Writer::over(Vec::with_capacity(self.bytes() / 3));
        w.zigzag(i64::from(self.day));
        w.count(self.cells.len());
        for cell in &self.cells {
            w.varint(u64::from(cell.site));
            w.u8(u8::from(cell.placement.is_some()));
            if let Some(placement) = &cell.placement {
                w.text(placement);
            }
            w.text(&cell.strategy);
        }
        w.count(self.arms.len());
        for ArmMark { experiment, arm } in &self.arms {
            w.text(experiment);
            w.text(arm);
        }
        let mut unnamed: Vec<_> = self.unnamed.iter().collect();
        unnamed.sort_unstable();
        w.count(unnamed.len());
        for ((day, cell), answers) in unnamed {
            w.zigzag(i64::from(*day));
            w.varint(u64::from(*cell));
            w.varint(*answers);
        }
        let people = self.people.iter().filter_map(|person| Some((person.subject?, person)));
        w.count(people.clone().count());
        for (subject, person) in people {
            w.raw(&subject.0);
            write_person(person, &mut w);
        }
        w.into_bytes()
    }

    /// Reads what [`Attribution::snapshot`] wrote, for a catalogue of `n_items`.
    pub(crate) fn restore(bytes: &[u8], n_items: usize) -> Result<Attribution, WireError> {
        let mut r = Reader::new(bytes);
        let mut all = Attribution { day: read_day(&mut r)?, ..Attribution::default() };
        let cells = r.list(|r| {
            let site = read_u32(r)?;
            let placement = if r.u8()? == 0 { None } else { Some(r.text()?.into()) };
            Ok(Cell { site, placement, strategy: r.text()?.into() })
        })?;
        if cells.len() > 2 * CELLS_MAX {
            return Err(r.fault("fewer places"));
        }
        cells.into_iter().for_each(|cell| {
            all.push_cell(cell);
        });
        all.arms =
            r.list(|r| Ok(ArmMark { experiment: r.text()?.into(), arm: r.text()?.into() }))?;
        for _ in 0..r.count()? {
            let (day, cell) = (read_day(&mut r)?, all.read_cell(&mut r)?);
            all.unnamed.insert((day, cell), r.varint()?);
        }
        for slot in 0..r.count()? {
            let subject = SubjectId(r.array16()?);
            let person = all.read_person(&mut r, (subject, n_items))?;
            all.people.push(person.restored());
            all.by_subject.insert(subject, slot as u32);
        }
        r.end()?;
        let owed: Vec<(SubjectId, SubjectId)> = all
            .people
            .iter()
            .filter_map(|person| Some((person.subject?, person)))
            .flat_map(|(actor, person)| person.owners().into_iter().map(move |o| (o, actor)))
            .collect();
        owed.into_iter().for_each(|(owner, actor)| all.lend(owner, actor));
        Ok(all)
    }

    fn read_cell(&self, r: &mut Reader<'_>) -> Result<u16, WireError> {
        let cell = u16::try_from(read_u32(r)?).ok();
        let known = cell.filter(|cell| usize::from(*cell) < self.cells.len());
        known.ok_or_else(|| r.fault("a known place"))
    }

    fn read_person(
        &self,
        r: &mut Reader<'_>,
        (subject, n_items): (SubjectId, usize),
    ) -> Result<Person, WireError> {
        let mut person = Person::of(subject);
        person.answers = r.list(|r| {
            let (at, request, cell) = (r.timestamp()?, read_hash(r)?, self.read_cell(r)?);
            let is_seen = r.u8()? != 0;
            let items = r.list(|r| read_item(r, n_items))?.into();
            Ok(Answer { at, request, cell, is_seen, items })
        })?;
        person.lessons = r.list(|r| {
            let (at, request, cell) = (r.timestamp()?, read_hash(r)?, self.read_cell(r)?);
            let is_seen = r.u8()? != 0;
            let items = r.list(|r| read_item(r, n_items))?.into();
            let signals = SignalMark { codes: r.bytes()?.into(), rows: r.bytes()?.into() };
            Ok(Lesson { at, request, cell, is_seen, items, signals })
        })?;
        person.rows = r.list(|r| {
            let (day, cell) = (read_day(r)?, self.read_cell(r)?);
            Ok(DayRow { day, cell, answers: read_u32(r)?, seen: read_u32(r)? })
        })?;
        person.credits = r.list(|r| self.read_credit(r, (subject, n_items)))?;
        person.orders = r.list(|r| {
            let (order, at) = (OrderRef(r.array16()?), r.timestamp()?);
            Ok(NotedOrder { order, at, met: SubjectId(r.array16()?) })
        })?;
        person.exposures = r.list(|r| {
            let arm = u16::try_from(read_u32(r)?).ok();
            let arm = arm.filter(|arm| usize::from(*arm) < self.arms.len());
            let arm = arm.ok_or_else(|| r.fault("a known part of an experiment"))?;
            Ok(Exposure { arm, at: r.timestamp()? })
        })?;
        Ok(person)
    }

    fn read_credit(
        &self,
        r: &mut Reader<'_>,
        (subject, n_items): (SubjectId, usize),
    ) -> Result<Credit, WireError> {
        let did = r.one_of(&Did::ALL, "a known act")?;
        let flags = r.u8()?;
        let has = |bit: u8| flags & bit != 0;
        Ok(Credit {
            did,
            is_named: has(IS_NAMED),
            is_clicked: has(IS_CLICKED),
            is_shown: has(IS_SHOWN),
            at: r.timestamp()?,
            item: if has(HAS_ITEM) { Some(read_item(r, n_items)?) } else { None },
            order: OrderRef(if has(HAS_ORDER) { r.array16()? } else { [0; 16] }),
            request: read_hash(r)?,
            owner: if has(HAS_OWNER) { SubjectId(r.array16()?) } else { subject },
            cell: if has(IS_FOUND) { self.read_cell(r)? } else { NO_CELL },
            answered: r.timestamp()?,
            touched: r.timestamp()?,
        })
    }
}

const IS_NAMED: u8 = 1;
const IS_CLICKED: u8 = 2;
const IS_SHOWN: u8 = 4;
const HAS_ITEM: u8 = 8;
const HAS_ORDER: u8 = 16;
const HAS_OWNER: u8 = 32;
const IS_FOUND: u8 = 64;

fn write_person(person: &Person, w: &mut Writer) {
    w.count(person.answers.len());
    for answer in &person.answers {
        w.timestamp(answer.at);
        w.raw(&answer.request.to_le_bytes());
        w.varint(u64::from(answer.cell));
        w.u8(u8::from(answer.is_seen));
        w.count(answer.items.len());
        answer.items.iter().for_each(|item| w.varint(u64::from(item.0)));
    }
    w.count(person.lessons.len());
    for lesson in &person.lessons {
        w.timestamp(lesson.at);
        w.raw(&lesson.request.to_le_bytes());
        w.varint(u64::from(lesson.cell));
        w.u8(u8::from(lesson.is_seen));
        w.count(lesson.items.len());
        lesson.items.iter().for_each(|item| w.varint(u64::from(item.0)));
        w.bytes(&lesson.signals.codes);
        w.bytes(&lesson.signals.rows);
    }
    w.count(person.rows.len());
    for row in &person.rows {
        w.zigzag(i64::from(row.day));
        w.varint(u64::from(row.cell));
        w.varint(u64::from(row.answers));
        w.varint(u64::from(row.seen));
    }
    w.count(person.credits.len());
    person.credits.iter().for_each(|credit| write_credit((credit, person.subject), w));
    w.count(person.orders.len());
    for noted in &person.orders {
        w.raw(&noted.order.0);
        w.timestamp(noted.at);
        w.raw(&noted.met.0);
    }
    w.count(person.exposures.len());
    for exposure in &person.exposures {
        w.varint(u64::from(exposure.arm));
        w.timestamp(exposure.at);
    }
}

fn write_credit((credit, subject): (&Credit, Option<SubjectId>), w: &mut Writer) {
    let bit = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
    let has_order = credit.order.0 != [0; 16];
    let has_owner = Some(credit.owner) != subject;
    let is_found = credit.cell != NO_CELL;
    w.u8(credit.did as u8);
    w.u8(bit(credit.is_named, IS_NAMED)
        | bit(credit.is_clicked, IS_CLICKED)
        | bit(credit.is_shown, IS_SHOWN)
        | bit(credit.item.is_some(), HAS_ITEM)
        | bit(has_order, HAS_ORDER)
        | bit(has_owner, HAS_OWNER)
        | bit(is_found, IS_FOUND));
    w.timestamp(credit.at);
    if let Some(item) = credit.item {
        w.varint(u64::from(item.0));
    }
    if has_order {
        w.raw(&credit.order.0);
    }
    w.raw(&credit.request.to_le_bytes());
    if has_owner {
        w.raw(&credit.owner.0);
    }
    if is_found {
        w.varint(u64::from(credit.cell));
    }
    w.timestamp(credit.answered);
    w.timestamp(credit.touched);
}

pub(in super::super) fn read_day(r: &mut Reader<'_>) -> Result<i32, WireError> {
    let day = i32::try_from(r.zigzag()?);
    day.map_err(|_| r.fault("a day"))
}

pub(in super::super) fn read_hash(r: &mut Reader<'_>) -> Result<u64, WireError> {
    Ok(u64::from_le_bytes(r.raw(8)?.try_into().expect("8 bytes were taken")))
}

pub(in super::super) fn read_item(r: &mut Reader<'_>, n_items: usize) -> Result<Item, WireError> {
    let item = read_u32(r)?;
    if (item as usize) < n_items { Ok(Item(item)) } else { Err(r.fault("a known item")) }
}

/// One thing that is kept, in names that are the same in every rebuild.
pub(crate) enum Entry<'a> {
    Unnamed { day: i32, cell: &'a Cell, answers: u64 },
    Answer { at: i64, request: u64, cell: &'a Cell, is_seen: bool, items: &'a [Item] },
    Lesson { at: i64, request: u64, cell: &'a Cell, items: &'a [Item], told: [&'a [u8]; 3] },
    Row { day: i32, cell: &'a Cell, counts: [u32; 2] },
    Credit { parts: [i64; 6], cell: Option<&'a Cell>, item: Option<Item>, ids: [[u8; 16]; 2] },
    Order { ids: [[u8; 16]; 2], at: i64 },
    Exposure { mark: &'a ArmMark, at: i64 },
}

impl Attribution {
    /// Everything that counts, whatever was not swept away yet.
    pub(crate) fn entries(&self, see: &mut dyn FnMut(Option<SubjectId>, Entry<'_>)) {
        let cell = |number: u16| &self.cells[usize::from(number)];
        for ((day, number), answers) in &self.unnamed {
            if self.day - *day <= KEPT_DAYS {
                let entry = Entry::Unnamed { day: *day, cell: cell(*number), answers: *answers };
                see(None, entry);
            }
        }
        for person in self.people.iter().filter(|person| person.subject.is_some()) {
            self.entries_of(person, see);
        }
    }

    fn entries_of(&self, person: &Person, see: &mut dyn FnMut(Option<SubjectId>, Entry<'_>)) {
        let (who, day) = (person.subject, self.day);
        let cell = |number: u16| &self.cells[usize::from(number)];
        for answer in person.answers.iter().filter(|one| Person::keeps_answer(one, day)) {
            let Answer { at, request, is_seen, ref items, .. } = *answer;
            let at = at.as_ms();
            see(who, Entry::Answer { at, request, cell: cell(answer.cell), is_seen, items });
        }
        for lesson in person.lessons.iter().filter(|one| Person::keeps_lesson(one, day)) {
            let Lesson { at, request, ref items, ref signals, .. } = *lesson;
            let is_seen: &[u8] = if lesson.is_seen { &[1] } else { &[0] };
            let (at, cell) = (at.as_ms(), cell(lesson.cell));
            let told = [is_seen, &signals.codes, &signals.rows];
            see(who, Entry::Lesson { at, request, cell, items, told });
        }
        for row in person.rows.iter().filter(|row| Person::keeps_row(row, day)) {
            let counts = [row.answers, row.seen];
            see(who, Entry::Row { day: row.day, cell: cell(row.cell), counts });
        }
        for credit in person.credits.iter().filter(|one| Person::keeps_credit(one, day)) {
            let flags = [credit.is_named, credit.is_clicked, credit.is_shown].map(i64::from);
            let parts = [
                credit.did as i64,
                flags[0] | flags[1] << 1 | flags[2] << 2,
                credit.at.as_ms(),
                credit.request as i64,
                credit.answered.as_ms(),
                credit.touched.as_ms(),
            ];
            let cell = (credit.cell != NO_CELL).then(|| cell(credit.cell));
            let ids = [credit.order.0, credit.owner.0];
            see(who, Entry::Credit { parts, cell, item: credit.item, ids });
        }
        for noted in &person.orders {
            let ids = [noted.order.0, noted.met.0];
            see(who, Entry::Order { ids, at: noted.at.as_ms() });
        }
        for exposure in &person.exposures {
            let mark = &self.arms[usize::from(exposure.arm)];
            see(who, Entry::Exposure { mark, at: exposure.at.as_ms() });
        }
    }
}
