use std::cmp::Reverse;

use souk_core::wire::{Reader, WireError, Writer};
use souk_core::{Currency, Day, OrderChange, SiteId};
use souk_recommend::Item;

use super::Catalogue;
use super::lines::{Currencies, Line};
use super::orders::{Effective, NONE, OrderFold, Report};
use super::shoppers::read_u32;

/// Locations that a cell's key can hold; a sale at a later one is booked without a location.
const LOCATIONS_MAX: u32 = (1 << 23) - 1;

/// What was sold of each product, at each location, on each business day; nothing of persons.
///
/// Folded from sales alone: the erasure of a person changes nothing here. What came back stands
/// beside what was sold, on the day it came back. Amounts are exact sums of minor units.
#[derive(Clone, Debug, Default)]
pub struct DailySales {
    pub(crate) orders: OrderFold,
    pub(crate) currencies: Currencies,
    /// By item number; cells in the order of their keys.
    cells: Vec<Vec<Cell>>,
}

/// Sums of one product, location, day, currency and direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    /// Day (32 bits, ordered), location plus one (23), currency (8), whether it came back (1).
    key: u64,
    milli: i64,
    minor: i64,
    orders: u32,
}

/// What was sold of a product at a location on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaySale<'a> {
    /// The business day.
    pub day: Day,
    /// Where; `None` for orders that named no place.
    pub location: Option<&'a str>,
    /// The currency of the amounts; `None` where no line named one.
    pub currency: Option<Currency>,
    /// Whether these came back; what was sold is told apart, and never reduced by it.
    pub is_return: bool,
    /// Thousandths of the product's unit.
    pub quantity_milli: i64,
    /// Minor units.
    pub amount_minor: i64,
    /// Orders, or refunds where these came back.
    pub orders: u32,
}

/// Sums over many products and days, of one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SalesTotal {
    /// Thousandths, whatever the unit.
    pub sold_milli: i64,
    /// Minor units.
    pub sold_minor: i64,
    /// Thousandths of what came back.
    pub returned_milli: i64,
    /// Minor units of what came back.
    pub returned_minor: i64,
    /// Order lines, those of one product in one order counted once.
    pub lines: u64,
}

fn key(day: Day, location: u32, (currency, is_return): (u8, u64)) -> u64 {
    let day = (day.number() as u32) ^ 1 << 31;
    let location = if location < LOCATIONS_MAX { location + 1 } else { 0 };
    u64::from(day) << 32 | u64::from(location) << 9 | u64::from(currency) << 1 | is_return
}

fn first_key(day: Day) -> u64 {
    u64::from((day.number() as u32) ^ 1 << 31) << 32
}

impl Cell {
    fn day(self) -> Day {
        Day::from_number(((self.key >> 32) as u32 ^ 1 << 31) as i32)
    }

    fn location(self) -> Option<u32> {
        ((self.key >> 9) as u32 & LOCATIONS_MAX).checked_sub(1)
    }

    fn currency(self) -> u8 {
        (self.key >> 1) as u8
    }

    fn is_return(self) -> bool {
        self.key & 1 == 1
    }
}

/// Whether an order enters the sums or leaves them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Enter,
    Leave,
}

impl DailySales {
    /// The sales of a product between two days, both included, in the order of days.
    pub fn of<'a>(
        &'a self,
        item: Item,
        (from, until): (Day, Day),
        catalogue: &'a Catalogue,
    ) -> impl Iterator<Item = DaySale<'a>> + 'a {
        self.range(item, from, until).iter().map(move |cell| DaySale {
            day: cell.day(),
            location: cell.location().map(|number| catalogue.location(number)),
            currency: self.currencies.get(cell.currency()),
            is_return: cell.is_return(),
            quantity_milli: cell.milli,
            amount_minor: cell.minor,
            orders: cell.orders,
        })
    }

    /// Units of a product that were sold on a day at a place, or at all of them together; what came back is not taken off.
    pub(crate) fn sold_on(&self, series: (Item, Option<u32>), day: Day) -> f64 {
        self.sold_between(series, (day, day))
    }

    /// The same between two days, both included.
    pub(crate) fn sold_between(
        &self,
        (item, place): (Item, Option<u32>),
        (from, until): (Day, Day),
    ) -> f64 {
        let cells = self.range(item, from, until).iter();
        let here = cells
            .filter(|cell| !cell.is_return())
            .filter(|cell| place.is_none() || cell.location() == place);
        here.map(|cell| cell.milli as f64 / 1_000.0).sum()
    }

    /// Units of a product by place between two days, both included, what came back not taken off; and how many sums were looked at.
    pub(crate) fn sold_by_place(
        &self,
        item: Item,
        (from, until): (Day, Day),
    ) -> (Vec<(u32, f64)>, usize) {
        let cells = self.range(item, from, until);
        let sold = cells.iter().filter(|cell| !cell.is_return());
        let mut places: Vec<(u32, f64)> =
            sold.filter_map(|cell| Some((cell.location()?, cell.milli as f64 / 1_000.0))).collect();
        places.sort_unstable_by_key(|(place, _)| *place);
        places.dedup_by(|next, first| {
            let is_same = next.0 == first.0;
            first.1 += if is_same { next.1 } else { 0.0 };
            is_same
        });
        (places, cells.len())
    }

    /// The sums of a site between two days, both included; by currency, those without one last.
    pub fn total(
        &self,
        site: &SiteId,
        (from, until): (Day, Day),
        catalogue: &Catalogue,
    ) -> Vec<(Option<Currency>, SalesTotal)> {
        let mut totals = [SalesTotal::default(); 256];
        let Some(site) = catalogue.find_site(site) else { return Vec::new() };
        for number in 0..self.cells.len() as u32 {
            if catalogue.site_number(Item(number)) != site {
                continue;
            }
            for cell in self.range(Item(number), from, until) {
                let total = &mut totals[usize::from(cell.currency())];
                if cell.is_return() {
                    total.returned_milli = total.returned_milli.wrapping_add(cell.milli);
                    total.returned_minor = total.returned_minor.wrapping_add(cell.minor);
                } else {
                    total.sold_milli = total.sold_milli.wrapping_add(cell.milli);
                    total.sold_minor = total.sold_minor.wrapping_add(cell.minor);
                    total.lines += u64::from(cell.orders);
                }
            }
        }
        let by_currency = (1..=u8::MAX)
            .chain([0])
            .map(|number| (self.currencies.get(number), totals[usize::from(number)]));
        by_currency.filter(|(_, total)| *total != SalesTotal::default()).collect()
    }

    /// Whether a product was ever sold at a place.
    pub(crate) fn is_sold_at(&self, item: Item, location: u32) -> bool {
        let cells = self.cells.get(item.0 as usize).map_or(&[][..], Vec::as_slice);
        // The latest are looked at first: what is still sold is found at once.
        cells.iter().rev().any(|cell| cell.location() == Some(location))
    }

    /// The numbers of the places that a product was sold at, ascending.
    pub(crate) fn locations(&self, item: Item) -> Vec<u32> {
        let cells = self.cells.get(item.0 as usize).map_or(&[][..], Vec::as_slice);
        let mut places: Vec<u32> = cells.iter().filter_map(|cell| cell.location()).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// The places that a product was sold at, ascending, each with the last day on which it was.
    pub(crate) fn last_sold(&self, item: Item) -> Vec<(u32, Day)> {
        let cells = self.cells.get(item.0 as usize).map_or(&[][..], Vec::as_slice);
        let sold = cells.iter().filter(|cell| !cell.is_return());
        let mut places: Vec<(u32, Day)> =
            sold.filter_map(|cell| Some((cell.location()?, cell.day()))).collect();
        places.sort_unstable_by_key(|(location, day)| (*location, Reverse(*day)));
        places.dedup_by_key(|(location, _)| *location);
        places
    }

    /// How many orders are known.
    pub fn n_orders(&self) -> usize {
        self.orders.len()
    }

    /// How many sums are kept.
    pub fn n_cells(&self) -> usize {
        self.cells.iter().map(Vec::len).sum()
    }

    /// All sums at a location that has a number, whatever its name, for audits of the whole state.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (Item, [i64; 7])> + '_ {
        self.cells.iter().enumerate().flat_map(|(number, cells)| {
            cells.iter().map(move |cell| {
                let location = cell.location().map_or(-1, i64::from);
                let parts = [
                    i64::from(cell.day().number()),
                    location,
                    i64::from(cell.currency()),
                    i64::from(cell.is_return()),
                    cell.milli,
                    cell.minor,
                    i64::from(cell.orders),
                ];
                (Item(number as u32), parts)
            })
        })
    }

    fn range(&self, item: Item, from: Day, until: Day) -> &[Cell] {
        let Some(cells) = self.cells.get(item.0 as usize) else { return &[] };
        let start = cells.partition_point(|cell| cell.key < first_key(from));
        let end = cells.partition_point(|cell| cell.day() <= until);
        cells.get(start..end).unwrap_or(&[])
    }

    /// Takes in a report of a sale. Before and after it, `watch` sees what counts of the order,
    /// with −1 for what no longer counts and 1 for what counts now.
    pub(crate) fn report(
        &mut self,
        order: souk_core::OrderRef,
        report: Report,
        mut watch: impl FnMut(&Effective<'_>, i64),
    ) {
        let slot = self.orders.intern(order);
        if !self.orders.is_news(slot, &report) {
            return;
        }
        if let Some(effective) = self.orders.effective(slot) {
            book(&mut self.cells, &effective, Direction::Leave);
            watch(&effective, -1);
        }
        self.orders.add(slot, report);
        if let Some(effective) = self.orders.effective(slot) {
            book(&mut self.cells, &effective, Direction::Enter);
            watch(&effective, 1);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let cells: usize = self.cells.iter().map(Vec::capacity).sum();
        cells * size_of::<Cell>() + self.cells.capacity() * 24 + self.orders.bytes()
    }
}

/// Books what counts of an order, or takes it out again.
fn book(cells: &mut Vec<Vec<Cell>>, effective: &Effective<'_>, direction: Direction) {
    if let Some(placed) = effective.placed {
        book_lines(cells, placed, (placed.first.1, direction));
        if let Some(refund) = effective.whole_refund() {
            let returned = Report {
                change: OrderChange::Refunded,
                lines: placed.lines.clone(),
                location: if refund.location == NONE { placed.location } else { refund.location },
                ..refund.clone()
            };
            book_lines(cells, &returned, (refund.first.1, direction));
            return;
        }
    }
    for refund in &effective.refunds {
        book_lines(cells, refund, (refund.first.1, direction));
    }
}

fn book_lines(cells: &mut Vec<Vec<Cell>>, report: &Report, (day, direction): (Day, Direction)) {
    let is_return = u64::from(report.change == OrderChange::Refunded);
    for line in report.lines.iter() {
        let number = line.item.0 as usize;
        if cells.len() <= number {
            cells.resize(number + 1, Vec::new());
        }
        let key = key(day, report.location, (line.currency, is_return));
        book_line(&mut cells[number], key, (line, direction));
    }
}

fn book_line(cells: &mut Vec<Cell>, key: u64, (line, direction): (Line, Direction)) {
    // Sales come mostly in the order of days, so the place is mostly at or near the end.
    let idx = match cells.last() {
        Some(last) if last.key < key => cells.len(),
        _ => cells.partition_point(|cell| cell.key < key),
    };
    if cells.get(idx).is_none_or(|cell| cell.key != key) {
        cells.insert(idx, Cell { key, milli: 0, minor: 0, orders: 0 });
    }
    let cell = &mut cells[idx];
    // Sums wrap rather than fail, so that taking an order out again always restores them.
    if direction == Direction::Enter {
        cell.milli = cell.milli.wrapping_add(line.milli);
        cell.minor = cell.minor.wrapping_add(line.minor);
        cell.orders += 1;
        return;
    }
    cell.milli = cell.milli.wrapping_sub(line.milli);
    cell.minor = cell.minor.wrapping_sub(line.minor);
    cell.orders -= 1;
    if cell.orders == 0 {
        cells.remove(idx);
    }
}

impl DailySales {
    pub(crate) const NAME: &'static str = "sales";
    pub(crate) const VERSION: u16 = 2;

    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let mut w = Writer::over(Vec::with_capacity(self.n_cells() * 12 + self.orders.len() * 160));
        self.currencies.write(&mut w);
        self.orders.write(&mut w);
        w.count(self.cells.len());
        for cells in &self.cells {
            w.count(cells.len());
            let mut last = 0;
            for cell in cells {
                w.varint(cell.key - last);
                last = cell.key;
                w.zigzag(cell.milli);
                w.zigzag(cell.minor);
                w.varint(u64::from(cell.orders));
            }
        }
        w.into_bytes()
    }

    pub(crate) fn restore(bytes: &[u8], n_items: usize) -> Result<DailySales, WireError> {
        let mut r = Reader::new(bytes);
        let currencies = Currencies::read(&mut r)?;
        let orders = OrderFold::read(&mut r, n_items)?;
        let n_rows = r.count()?;
        let mut all = Vec::with_capacity(n_rows.min(n_items));
        for _ in 0..n_rows {
            let count = r.count()?;
            let mut cells = Vec::with_capacity(count.min(r.remaining() / 4));
            let mut last = 0u64;
            for _ in 0..count {
                last = last.wrapping_add(r.varint()?);
                let (milli, minor) = (r.zigzag()?, r.zigzag()?);
                cells.push(Cell { key: last, milli, minor, orders: read_u32(&mut r)? });
            }
            all.push(cells);
        }
        if all.len() > n_items {
            return Err(r.fault("cells of known items"));
        }
        r.end()?;
        Ok(DailySales { orders, currencies, cells: all })
    }
}
