//! What the shop should know, kept in plain maps and counted anew whenever it is asked for.

use std::collections::{BTreeMap, BTreeSet};

use souk_app::IdKind;

use super::stock::ShelfStock;
use super::{DAY_MS, MINUTE_MS, PLACES, SITES};

/// Somebody, by one of the names that the shop has for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    User(u64),
    Browser(u64),
    Card(u64),
    /// Nobody: a user's id read as a browser's, which an alias joins too because Segment does not say
    /// of which kind the former id is.
    Shade(u64),
}

impl Who {
    pub(crate) fn kind(self) -> IdKind {
        match self {
            Who::User(_) => IdKind::User,
            Who::Browser(_) | Who::Shade(_) => IdKind::Anonymous,
            Who::Card(_) => IdKind::LoyaltyCard,
        }
    }

    pub(crate) fn id(self) -> String {
        match self {
            Who::User(number) | Who::Shade(number) => format!("u{number}"),
            Who::Browser(number) => format!("a{number}"),
            Who::Card(number) => format!("c{number}"),
        }
    }
}

/// A product of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sku {
    pub(crate) site: usize,
    pub(crate) number: u64,
}

impl Sku {
    pub(crate) fn id(self) -> String {
        format!("p{}", self.number)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownProduct {
    pub(crate) title: String,
    pub(crate) brand: String,
    pub(crate) price_minor: i64,
    pub(crate) availability: &'static str,
    pub(crate) priced_at: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Touch {
    pub(crate) who: Who,
    pub(crate) sku: Sku,
    pub(crate) name: &'static str,
    pub(crate) at: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) milli: i64,
    pub(crate) minor: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Placed,
    Refunded,
    Cancelled,
}

/// One report of an order. Sources are numbered by their strength.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) site: usize,
    pub(crate) order: u64,
    pub(crate) who: Option<Who>,
    pub(crate) source: u8,
    pub(crate) change: Change,
    pub(crate) place: Option<usize>,
    pub(crate) at: i64,
    pub(crate) lines: Vec<Line>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Basis {
    Identify,
    Alias,
    LoyaltyCard,
}

/// What a message does to the shop.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Touch(Touch),
    Order(Report),
    Link(Who, Who, Basis),
    Counted { sku: Sku, place: usize, milli: i64, at: i64 },
    Received { sku: Sku, place: usize, milli: i64, at: i64 },
    WrittenOff { sku: Sku, place: usize, milli: i64, at: i64 },
    Moved { sku: Sku, place: usize, to: usize, milli: i64, at: i64 },
    Price { sku: Sku, minor: i64, at: i64 },
}

/// A product, a place, a day, and whether it came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SaleKey {
    pub(crate) sku: Sku,
    pub(crate) place: Option<usize>,
    pub(crate) day: i64,
    pub(crate) is_return: bool,
}

/// Thousandths, minor units, orders.
pub(crate) type SaleSum = (i64, i64, u32);

/// A basket: when, and what with which quantity.
pub(crate) type Basket = (i64, BTreeMap<Sku, i64>);

/// What counts of an order.
pub(crate) struct Effective<'a> {
    pub(crate) placed: Option<&'a Report>,
    /// When the source that counts saw it first.
    pub(crate) first_at: i64,
    pub(crate) refunds: Vec<&'a Report>,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) products: BTreeMap<Sku, KnownProduct>,
    pub(crate) stock: ShelfStock,
    pub(crate) touches: BTreeMap<Who, Vec<(i64, u64, Touch)>>,
    pub(crate) links: BTreeSet<(Who, Who, Basis)>,
    /// Person-free reports, and personal ones, of each order.
    sales: BTreeMap<(usize, u64), Vec<Report>>,
    personal: BTreeMap<(usize, u64), Vec<Report>>,
    /// Products that anybody ever bought together or met within one visit; never taken back, because
    /// lists for everybody may be some seconds old.
    together: BTreeSet<(Sku, Sku)>,
    /// The same for products that one person ever bought, in one basket or several.
    by_one_person: BTreeSet<(Sku, Sku)>,
    bought_by: BTreeMap<Who, BTreeSet<Sku>>,
    wanted: BTreeSet<Sku>,
    n_taken: u64,
}

/// The day at a place, or of the site, by plain arithmetic.
pub(crate) fn day_of(at: i64, site: usize, place: Option<usize>) -> i64 {
    let (offset, cut) = match place {
        Some(place) => (PLACES[place].offset_minutes, PLACES[place].cut_minutes),
        None => (SITES[site].offset_minutes, 0),
    };
    (at + (offset - cut) * MINUTE_MS).div_euclid(DAY_MS)
}

/// What counts of an order: nothing once it was cancelled; else the last word of the strongest source
/// on what was bought, and all that the strongest source says came back.
pub(crate) fn effective(reports: &[Report]) -> Option<Effective<'_>> {
    if reports.is_empty() || reports.iter().any(|report| report.change == Change::Cancelled) {
        return None;
    }
    let of = |change| reports.iter().filter(move |report| report.change == change);
    let placed = of(Change::Placed).max_by_key(|report| (report.source, report.at));
    let same = |report: &&Report| {
        placed.is_some_and(|placed| (placed.source, placed.who) == (report.source, report.who))
    };
    let first_at = of(Change::Placed).filter(same).map(|report| report.at).min().unwrap_or(0);
    let strongest = of(Change::Refunded).map(|report| report.source).max();
    let refunds = of(Change::Refunded).filter(|report| Some(report.source) == strongest).collect();
    Some(Effective { placed, first_at, refunds })
}

/// Lines of one product added up.
fn merged(site: usize, lines: &[Line]) -> BTreeMap<Sku, (i64, i64)> {
    let mut sums: BTreeMap<Sku, (i64, i64)> = BTreeMap::new();
    for line in lines {
        let sum = sums.entry(Sku { site, number: line.number }).or_default();
        sum.0 += line.milli;
        sum.1 += line.minor;
    }
    sums
}

impl Model {
    /// Takes in what an acknowledged message says.
    pub(crate) fn take(&mut self, effects: &[Effect]) {
        for effect in effects {
            self.n_taken += 1;
            match effect {
                Effect::Touch(touch) => self.touch(*touch),
                Effect::Order(report) => self.order(report),
                Effect::Link(a, b, basis) => {
                    self.links.insert((*a.min(b), *a.max(b), *basis));
                }
                Effect::Counted { sku, place, milli, at } => {
                    self.stock.count((*sku, *place), *milli, *at);
                }
                Effect::Received { sku, place, milli, at } => {
                    self.stock.come((*sku, *place), *milli, *at);
                }
                Effect::WrittenOff { sku, place, milli, at } => {
                    self.stock.leave((*sku, *place), *milli, *at);
                }
                Effect::Moved { sku, place, to, milli, at } => {
                    self.stock.leave((*sku, *place), *milli, *at);
                    self.stock.come((*sku, *to), *milli, *at);
                }
                Effect::Price { sku, minor, at } => {
                    let known = self.products.get_mut(sku).filter(|known| known.priced_at <= *at);
                    if let Some(known) = known {
                        known.price_minor = *minor;
                        known.priced_at = *at;
                    }
                }
            }
        }
    }

    fn touch(&mut self, touch: Touch) {
        self.wanted.insert(touch.sku);
        let pairs: Vec<Sku> =
            self.touches.get(&touch.who).into_iter().flatten().map(|t| t.2.sku).collect();
        for other in pairs {
            self.note_together(touch.sku, other);
        }
        self.touches.entry(touch.who).or_default().push((touch.at, self.n_taken, touch));
    }

    fn note_together(&mut self, a: Sku, b: Sku) {
        self.together.insert((a.min(b), a.max(b)));
    }

    fn order(&mut self, report: &Report) {
        let key = (report.site, report.order);
        let skus: Vec<Sku> = merged(report.site, &report.lines).into_keys().collect();
        for (idx, sku) in skus.iter().enumerate() {
            self.wanted.insert(*sku);
            skus[..idx].iter().for_each(|other| self.note_together(*sku, *other));
        }
        let reports = self.sales.entry(key).or_default();
        let mut moves = Vec::new();
        let mut book = |reports: &[Report], sign: i64| {
            let Some(Effective { placed: Some(placed), first_at, .. }) = effective(reports) else {
                return;
            };
            let Some(place) = placed.place else { return };
            for (sku, (milli, _)) in merged(placed.site, &placed.lines) {
                moves.push(((sku, place), sign * milli, first_at));
            }
        };
        book(reports, -1);
        reports.push(Report { who: None, ..report.clone() });
        book(reports, 1);
        moves.into_iter().for_each(|(shelf, milli, at)| self.stock.sell(shelf, milli, at));
        if let Some(who) = report.who {
            let bought = self.bought_by.entry(who).or_default();
            bought.extend(skus);
            for (idx, a) in bought.iter().enumerate() {
                self.by_one_person.extend(bought.iter().skip(idx).map(|b| (*a, *b)));
            }
            self.personal.entry(key).or_default().push(report.clone());
        }
    }

    /// Drops all that one name of a person did; what was sold stays sold.
    pub(crate) fn forget(&mut self, who: Who) {
        self.touches.remove(&who);
        self.links.retain(|(a, b, _)| *a != who && *b != who);
        for reports in self.personal.values_mut() {
            reports.retain(|report| report.who != Some(who));
        }
    }

    /// Whether a link joins two names: not where it says that a user was identified in a browser, and others were too.
    fn joins(&self, (a, b, basis): &(Who, Who, Basis)) -> bool {
        let browser = if matches!(a, Who::User(_)) { b } else { a };
        let mut identified = self.links.iter().filter(|(.., basis)| *basis == Basis::Identify);
        *basis != Basis::Identify
            || identified.all(|(x, y, _)| (x, y) == (a, b) || x != browser && y != browser)
    }

    /// All names of the person that `who` is a name of.
    pub(crate) fn members(&self, who: Who) -> BTreeSet<Who> {
        let mut members = BTreeSet::from([who]);
        loop {
            let before = members.len();
            for (a, b, _) in self.links.iter().filter(|link| self.joins(link)) {
                if members.contains(a) || members.contains(b) {
                    members.extend([*a, *b]);
                }
            }
            if members.len() == before {
                return members;
            }
        }
    }

    /// What was sold and what came back, from the reports alone.
    pub(crate) fn sales(&self) -> BTreeMap<SaleKey, SaleSum> {
        let mut sums: BTreeMap<SaleKey, SaleSum> = BTreeMap::new();
        let mut book = |report: &Report, lines: &[Line], (day, place): (i64, Option<usize>)| {
            for (sku, (milli, minor)) in merged(report.site, lines) {
                let is_return = report.change == Change::Refunded;
                let sum = sums.entry(SaleKey { sku, place, day, is_return }).or_default();
                *sum = (sum.0 + milli, sum.1 + minor, sum.2 + 1);
            }
        };
        for reports in self.sales.values() {
            let Some(effective) = effective(reports) else { continue };
            let day = |report: &Report, at| (day_of(at, report.site, report.place), report.place);
            if let Some(placed) = effective.placed {
                book(placed, &placed.lines, day(placed, effective.first_at));
                let whole = effective.refunds.iter().filter(|refund| refund.lines.is_empty());
                let whole = whole.min_by_key(|refund| refund.at);
                if let Some(whole) = whole {
                    let returned =
                        Report { place: whole.place.or(placed.place), ..(*whole).clone() };
                    // The business day is that of the place which the refund itself named.
                    let (day, _) = day(whole, whole.at);
                    book(&returned, &placed.lines, (day, returned.place));
                    continue;
                }
            }
            for refund in &effective.refunds {
                book(refund, &refund.lines, day(refund, refund.at));
            }
        }
        sums
    }

    /// The baskets of some names, oldest first.
    pub(crate) fn baskets(&self, members: &BTreeSet<Who>) -> Vec<Basket> {
        let mut baskets = Vec::new();
        for reports in self.personal.values() {
            let Some(Effective { placed: Some(placed), first_at, refunds }) = effective(reports)
            else {
                continue;
            };
            // A refund without lines takes everything back.
            let is_whole = refunds.iter().any(|refund| refund.lines.is_empty());
            if is_whole || !placed.who.is_some_and(|who| members.contains(&who)) {
                continue;
            }
            let mut kept: BTreeMap<Sku, i64> = BTreeMap::new();
            for (sku, (milli, _)) in merged(placed.site, &placed.lines) {
                kept.insert(sku, milli);
            }
            for back in refunds.iter().flat_map(|refund| merged(refund.site, &refund.lines)) {
                kept.entry(back.0).and_modify(|milli| *milli -= back.1.0.abs());
            }
            kept.retain(|_, milli| *milli > 0);
            if !kept.is_empty() {
                baskets.push((first_at, kept));
            }
        }
        baskets.sort();
        baskets
    }

    /// The newest touches kept of each name, as (time, product, action), sorted.
    pub(crate) fn touches(&self, members: &BTreeSet<Who>) -> Vec<(i64, Sku, &'static str)> {
        let mut all = Vec::new();
        for who in members {
            let mut own = self.touches.get(who).cloned().unwrap_or_default();
            own.sort_by_key(|(at, taken, _)| (*at, *taken));
            let newest = own.iter().rev().take(souk_app::TOUCHES_MAX);
            all.extend(newest.map(|(at, _, touch)| (*at, touch.sku, touch.name)));
        }
        all.sort();
        all
    }

    /// Whether the product may be offered to somebody at `place`.
    pub(crate) fn is_servable(&self, sku: Sku, place: Option<usize>) -> bool {
        let Some(known) = self.products.get(&sku) else { return false };
        let here = place.and_then(|place| self.stock.at(sku, place));
        let stock = here.or_else(|| self.stock.total(sku));
        matches!(known.availability, "in_stock" | "preorder") && stock.is_none_or(|milli| milli > 0)
    }

    /// Whether the two were ever bought or met together.
    pub(crate) fn were_together(&self, a: Sku, b: Sku) -> bool {
        self.together.contains(&(a.min(b), a.max(b)))
    }

    /// Whether one person ever bought both.
    pub(crate) fn has_common_buyer(&self, a: Sku, b: Sku) -> bool {
        self.by_one_person.contains(&(a.min(b), a.max(b)))
    }

    /// Whether anybody ever met or bought it.
    pub(crate) fn was_wanted(&self, sku: Sku) -> bool {
        self.wanted.contains(&sku)
    }
}
