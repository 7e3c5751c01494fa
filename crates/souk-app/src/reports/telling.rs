//! Which figures may be told, so that no subtraction of told ones leaves few people.
//!
//! Every figure of a place is told in *cells*: sets of days that are the same for every report, whatever days it
//! asks for. A day with enough people is a cell; days with too few wait and are one cell together as soon as
//! they have enough. A report's total is the sum of the cells that lie within its days, so nothing follows
//! from totals, days and reports over other days but sums of whole cells.
//!
//! A figure that is a part of another (clicked orders of orders) has cells that are unions of the other's,
//! and the rest (orders without a click) must have enough people too, or none. This is primary and
//! complementary suppression of statistical offices (Hundepool et al., *Statistical Disclosure Control*, 2012,
//! chapter 4), done once for all tables that can be asked for.
//!
//! Days wait until nothing more is credited to them: the running days would be joined with others in one reading
//! and told alone in the next, and the difference would be the others'. So a day of few people shows, if at all,
//! when the windows of attribution are over; one of many shows at once.
//!
//! Days wait within a stretch of [`STRETCH_DAYS`] days that begins at a fixed day, so that cells stay when
//! the oldest days go; what waits at its end is not told.

use std::collections::{BTreeMap, BTreeSet};

use souk_core::{Currency, Day};

use super::{AnswerFigures, AnswerMoney};
use crate::projections::{Counted, FigureRow, Figures, MoneyFigures};

/// Days of a stretch; chosen: a quarter of a year of whole weeks.
const STRETCH_DAYS: i32 = 91;

/// The first day of a day's stretch, and the last.
pub(super) fn stretch(day: i32) -> (i32, i32) {
    let first = day.div_euclid(STRETCH_DAYS) * STRETCH_DAYS;
    (first, first + STRETCH_DAYS - 1)
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// The first and the last day.
    pub(super) days: (i32, i32),
    /// Fewer people are not told of.
    pub(super) people_min: u64,
    /// The oldest day of which everything is kept.
    pub(super) oldest: i32,
    /// The last day to which nothing more is credited.
    pub(super) settled: i32,
}

/// Who stands behind something: one by one while they are few.
#[derive(Clone, Debug)]
pub(super) enum Crowd {
    Few(BTreeSet<u64>),
    Many,
}

impl Crowd {
    pub(super) fn nobody() -> Crowd {
        Crowd::Few(BTreeSet::new())
    }

    pub(super) fn of(people: impl Iterator<Item = u64>, people_min: u64) -> Crowd {
        Crowd::Few(people.collect()).checked(people_min)
    }

    fn behind(counted: &Counted, people_min: u64) -> Crowd {
        match u64::from(counted.people) >= people_min {
            true => Crowd::Many,
            false => Crowd::of(counted.few.iter().copied().map(u64::from), people_min),
        }
    }

    fn checked(self, people_min: u64) -> Crowd {
        match self {
            Crowd::Few(people) if people.len() as u64 >= people_min => Crowd::Many,
            other => other,
        }
    }

    pub(super) fn with(self, other: Crowd, people_min: u64) -> Crowd {
        match (self, other) {
            (Crowd::Few(mut people), Crowd::Few(more)) => {
                people.extend(more);
                Crowd::Few(people).checked(people_min)
            }
            _ => Crowd::Many,
        }
    }

    /// Whether to know of it is to know of no few people.
    fn is_safe(&self) -> bool {
        match self {
            Crowd::Few(people) => people.is_empty(),
            Crowd::Many => true,
        }
    }
}

/// Days that are told together, if at all.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) days: Vec<i32>,
    pub(super) sum: i64,
    /// Behind the figure.
    pub(super) crowd: Crowd,
    /// Behind what is left of the figure that it is a part of.
    pub(super) rest: Crowd,
}

impl Cell {
    fn is_safe(&self) -> bool {
        self.crowd.is_safe() && self.rest.is_safe()
    }

    pub(super) fn with(mut self, other: Cell, people_min: u64) -> Cell {
        self.days.extend(other.days);
        Cell {
            days: self.days,
            sum: self.sum + other.sum,
            crowd: self.crowd.with(other.crowd, people_min),
            rest: self.rest.with(other.rest, people_min),
        }
    }
}

/// Joins what must wait with what comes after, in the order of days.
pub(super) fn joined(units: impl Iterator<Item = Cell>, asked: &Asked) -> Vec<Cell> {
    let (mut cells, mut waiting) = (Vec::new(), None::<Cell>);
    for unit in units {
        if unit.is_safe() {
            cells.push(unit);
            continue;
        }
        let stretch_of = |cell: &Cell| cell.days.first().map(|day| stretch(*day).0);
        let before = waiting.take().filter(|before| stretch_of(before) == stretch_of(&unit));
        let first = stretch_of(&unit).unwrap_or(i32::MIN);
        let whole = match before {
            Some(before) => before.with(unit, asked.people_min),
            None => unit,
        };
        // Where a stretch has lost days, those that are left would be joined otherwise than before.
        let is_settled = whole.days.iter().all(|day| *day <= asked.settled);
        match whole.is_safe() && first >= asked.oldest && is_settled {
            true => cells.push(whole),
            false => waiting = Some(whole),
        }
    }
    cells
}

/// One place's figures, by day.
struct Place<'a> {
    asked: &'a Asked,
    days: BTreeMap<i32, &'a Figures>,
    told_days: BTreeMap<i32, AnswerFigures>,
    told: AnswerFigures,
}

type Slot<'a> = &'a dyn Fn(&mut AnswerFigures) -> &mut Option<i64>;
type Of<'a> = &'a dyn Fn(&Figures) -> Option<&Counted>;

impl Place<'_> {
    /// The cells of a figure that is no part of another.
    fn cells(&self, of: Of<'_>) -> Vec<Cell> {
        let people_min = self.asked.people_min;
        let units = self.days.iter().filter_map(|(day, figures)| {
            let counted = of(figures)?;
            let crowd = Crowd::behind(counted, people_min);
            Some(Cell { days: vec![*day], sum: counted.sum, crowd, rest: Crowd::nobody() })
        });
        joined(units, self.asked)
    }

    /// The cells of a part of a figure with these cells.
    fn parts(&self, whole: &[Cell], (of, rest): (Of<'_>, Of<'_>)) -> Vec<Cell> {
        let people_min = self.asked.people_min;
        let units = whole.iter().map(|cell| {
            let none =
                Cell { days: Vec::new(), sum: 0, crowd: Crowd::nobody(), rest: Crowd::nobody() };
            let figures = cell.days.iter().map(|day| (*day, self.days[day]));
            figures.fold(none, |sum, (day, figures)| {
                let behind = |of: Of<'_>| {
                    of(figures).map_or_else(Crowd::nobody, |one| Crowd::behind(one, people_min))
                };
                let own = of(figures).map_or(0, |counted| counted.sum);
                let (crowd, rest) = (behind(of), behind(rest));
                sum.with(Cell { days: vec![day], sum: own, crowd, rest }, people_min)
            })
        });
        joined(units, self.asked)
    }

    /// Answers to nobody known: so many answers stand for so many people.
    fn unnamed(&self) -> Vec<Cell> {
        let (mut number, people_min) = (0u64, self.asked.people_min);
        let units = self.days.iter().map(|(day, figures)| {
            let few = figures.unnamed.min(people_min);
            let people = number..number + few;
            number += few;
            let sum = i64::try_from(figures.unnamed).unwrap_or(i64::MAX);
            let crowd = Crowd::of(people, people_min);
            Cell { days: vec![*day], sum, crowd, rest: Crowd::nobody() }
        });
        joined(units, self.asked)
    }

    /// Tells of cells behind which somebody stands.
    fn tell(&mut self, cells: &[Cell], slot: Slot<'_>) {
        let (from, to) = self.asked.days;
        let is_asked = |cell: &&Cell| cell.days.iter().all(|day| (from..=to).contains(day));
        for cell in cells.iter().filter(|cell| matches!(cell.crowd, Crowd::Many)).filter(is_asked) {
            if let [day] = cell.days[..] {
                let row = self.told_days.entry(day).or_insert_with(|| AnswerFigures {
                    day: Some(Day::from_number(day)),
                    ..self.told.of_nothing()
                });
                *slot(row) = Some(cell.sum);
            }
            *slot(&mut self.told).get_or_insert(0) += cell.sum;
        }
    }

    fn tell_money(&mut self, currency: Currency) {
        let of = |get| counted_in(currency, get);
        let slot = |get| amount_in(currency, get);
        let whole = self.cells(&of(|sums| &sums.revenue));
        self.tell(&whole, &slot(|money| &mut money.revenue));
        let parts = (of(|sums| &sums.clicked_revenue), of(|sums| &sums.other_revenue));
        let clicked = self.parts(&whole, (&parts.0, &parts.1));
        self.tell(&clicked, &slot(|money| &mut money.clicked_revenue));
        // A second part beside the clicked one could be subtracted from it. So the margin is told of cells all
        // of whose revenue has a known cost: the same people stand behind both.
        let (uncosted, margin) = (of(|sums| &sums.uncosted_revenue), of(|sums| &sums.margin));
        let is_whole = |cell: &&Cell| {
            let mut rests = cell.days.iter().filter_map(|day| uncosted(self.days[day]));
            rests.all(|rest| rest.people == 0)
        };
        let mut costed: Vec<Cell> = whole.iter().filter(is_whole).cloned().collect();
        self.tell(&costed, &slot(|money| &mut money.costed_revenue));
        for cell in &mut costed {
            let sums = cell.days.iter().filter_map(|day| margin(self.days[day]));
            cell.sum = sums.map(|counted| counted.sum).sum();
        }
        self.tell(&costed, &slot(|money| &mut money.margin));
    }
}

/// Where a figure's count in a currency stands.
fn counted_in(
    currency: Currency,
    get: fn(&MoneyFigures) -> &Counted,
) -> impl for<'a> Fn(&'a Figures) -> Option<&'a Counted> {
    move |figures| {
        let found = figures.money.iter().find(|(known, _)| *known == currency);
        found.map(|(_, sums)| get(sums))
    }
}

/// Where an amount in a currency is told.
fn amount_in(
    currency: Currency,
    get: fn(&mut AnswerMoney) -> &mut Option<i64>,
) -> impl for<'a> Fn(&'a mut AnswerFigures) -> &'a mut Option<i64> {
    move |row| get(row.money_in(currency))
}

impl AnswerFigures {
    /// The same place, of which nothing is told.
    fn of_nothing(&self) -> AnswerFigures {
        AnswerFigures {
            day: None,
            site: self.site.clone(),
            placement: self.placement.clone(),
            strategy: self.strategy.clone(),
            answers: None,
            people: None,
            anonymous_answers: None,
            seen: None,
            clicks: None,
            named_clicks: None,
            carts: None,
            orders: None,
            clicked_orders: None,
            units_milli: None,
            money: Vec::new(),
        }
    }

    fn money_in(&mut self, currency: Currency) -> &mut AnswerMoney {
        let idx = self.money.iter().position(|money| money.currency == currency);
        let idx = idx.unwrap_or_else(|| {
            let none = AnswerMoney {
                currency,
                revenue: None,
                clicked_revenue: None,
                margin: None,
                costed_revenue: None,
            };
            self.money.push(none);
            self.money.len() - 1
        });
        &mut self.money[idx]
    }

    fn is_empty(&self) -> bool {
        *self == AnswerFigures { day: self.day, ..self.of_nothing() }
    }
}

/// What may be told of counted rows: days, and all days, in the order of days and names.
pub(super) fn told(rows: &[FigureRow], asked: &Asked) -> [Vec<AnswerFigures>; 2] {
    let mut places: BTreeMap<(&str, Option<&str>, &str), Vec<&FigureRow>> = BTreeMap::new();
    for row in rows {
        let place = (row.site.as_str(), row.placement.as_deref(), row.strategy.as_str());
        places.entry(place).or_default().push(row);
    }
    let (mut days, mut totals) = (Vec::new(), Vec::new());
    for rows in places.values() {
        let (told_days, told) = tell_place(rows, asked);
        days.extend(told_days.into_values());
        totals.push(told);
    }
    // Of whom nothing can be told, it is not told either that there was somebody.
    days.retain(|row: &AnswerFigures| !row.is_empty());
    totals.retain(|row: &AnswerFigures| !row.is_empty());
    days.sort_by_key(|row| row.day);
    [days, totals]
}

fn tell_place(rows: &[&FigureRow], asked: &Asked) -> (BTreeMap<i32, AnswerFigures>, AnswerFigures) {
    let by_day = rows.iter().filter_map(|row| Some((row.day?.number(), &row.figures)));
    let nothing = AnswerFigures {
        site: rows[0].site.clone(),
        placement: rows[0].placement.clone(),
        strategy: rows[0].strategy.clone(),
        ..AnswerFigures::default()
    };
    let mut place =
        Place { asked, days: by_day.collect(), told_days: BTreeMap::new(), told: nothing };
    let answers = place.cells(&|of| Some(&of.answers));
    place.tell(&answers, &|row| &mut row.answers);
    let seen = place.parts(&answers, (&|of| Some(&of.seen), &|of| Some(&of.unseen)));
    place.tell(&seen, &|row| &mut row.seen);
    let clicks = place.cells(&|of| Some(&of.clicks));
    place.tell(&clicks, &|row| &mut row.clicks);
    let named = place.parts(&clicks, (&|of| Some(&of.named_clicks), &|of| Some(&of.other_clicks)));
    place.tell(&named, &|row| &mut row.named_clicks);
    let carts = place.cells(&|of| Some(&of.carts));
    place.tell(&carts, &|row| &mut row.carts);
    let orders = place.cells(&|of| Some(&of.orders));
    place.tell(&orders, &|row| &mut row.orders);
    let clicked =
        place.parts(&orders, (&|of| Some(&of.clicked_orders), &|of| Some(&of.other_orders)));
    place.tell(&clicked, &|row| &mut row.clicked_orders);
    let units = place.cells(&|of| Some(&of.units_milli));
    place.tell(&units, &|row| &mut row.units_milli);
    let unnamed = place.unnamed();
    place.tell(&unnamed, &|row| &mut row.anonymous_answers);
    let money = place.days.values().flat_map(|of| of.money.iter());
    let currencies: BTreeSet<Currency> = money.map(|(currency, _)| *currency).collect();
    currencies.into_iter().for_each(|currency| place.tell_money(currency));
    tell_people(rows, &mut place);
    (place.told_days, place.told)
}

/// How many different people got answers. Those of several days cannot be added up, so their number is told in
/// steps of `people_min`.
fn tell_people(rows: &[&FigureRow], place: &mut Place<'_>) {
    for (day, row) in &mut place.told_days {
        let people = place.days.get(day).map(|of| i64::from(of.answers.people));
        row.people = row.answers.and(people);
    }
    let whole = rows.iter().find(|row| row.day.is_none());
    let people = whole.map_or(0, |row| u64::from(row.figures.answers.people));
    let told = people - people % place.asked.people_min.max(1);
    place.told.people = place.told.answers.and(i64::try_from(told).ok());
}

#[cfg(test)]
mod tests;
