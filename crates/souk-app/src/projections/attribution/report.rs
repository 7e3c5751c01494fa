//! Figures of answers: how many, seen, clicked, bought from, and how many people stand behind each.

use rustc_hash::{FxHashMap, FxHashSet};
use souk_core::{Currency, Day, Money, OrderRef, Purpose, Purposes, SiteId, SubjectId};
use souk_recommend::Item;

use super::super::{Use, Views, Whom};
use super::person::Person;
use super::{Attribution, Credit, DAY_MS, Did, NO_CELL, day_of};

/// Which answers are counted.
#[derive(Clone, Debug)]
pub(crate) struct FigureQuery {
    /// The first and the last day in UTC on which they were served.
    pub(crate) days: (Day, Day),
    /// The days that are counted one by one: those, and others that decide what can be told of them.
    pub(crate) days_around: (Day, Day),
    /// So many people are a crowd: they are counted, and no longer known one by one.
    pub(crate) people_min: u32,
    /// Days from an answer to a click or a cart that does not name it.
    pub(crate) click_days: i64,
    /// Days from an answer, or from a click on it, to an order.
    pub(crate) order_days: i64,
    /// Whose; empty means every site.
    pub(crate) sites: Vec<SiteId>,
}

/// A number with the people behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) sum: i64,
    /// Different people; several ids that are one person count once.
    pub(crate) people: u32,
    /// Who they are, by numbers of this count alone; empty once they are a crowd.
    pub(crate) few: Vec<u32>,
}

/// A person by a number of one count.
#[derive(Clone, Copy, Debug)]
struct Who {
    number: u32,
    people_min: u32,
}

impl Counted {
    fn add(&mut self, own: i64, who: Who) {
        if own == 0 {
            return;
        }
        self.sum += own;
        self.people += 1;
        if self.people < who.people_min {
            self.few.push(who.number);
        } else {
            self.few = Vec::new();
        }
    }
}

/// What became of the answers of one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Answers to nobody known, of whom nothing else is counted.
    pub(crate) unnamed: u64,
    pub(crate) answers: Counted,
    pub(crate) seen: Counted,
    /// Answers that were not.
    pub(crate) unseen: Counted,
    /// Products of answers that were opened; one of an answer counts once.
    pub(crate) clicks: Counted,
    /// Those among them that named their answer.
    pub(crate) named_clicks: Counted,
    pub(crate) other_clicks: Counted,
    pub(crate) carts: Counted,
    /// Orders with a product that an answer is credited with, net of what came back.
    pub(crate) orders: Counted,
    /// Those among them that followed a click.
    pub(crate) clicked_orders: Counted,
    pub(crate) other_orders: Counted,
    /// Thousandths, whatever the unit.
    pub(crate) units_milli: Counted,
    pub(crate) money: Vec<(Currency, MoneyFigures)>,
}

/// Minor units of one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MoneyFigures {
    pub(crate) revenue: Counted,
    /// After a click.
    pub(crate) clicked_revenue: Counted,
    pub(crate) other_revenue: Counted,
    /// Revenue less cost, of products whose cost is known.
    pub(crate) margin: Counted,
    /// The revenue that the margin is of.
    pub(crate) costed_revenue: Counted,
    /// The revenue without a known cost.
    pub(crate) uncosted_revenue: Counted,
}

/// The figures of one place, on one day or over all days asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FigureRow {
    pub(crate) day: Option<Day>,
    pub(crate) site: String,
    pub(crate) placement: Option<String>,
    pub(crate) strategy: String,
    pub(crate) figures: Figures,
}

/// What one person adds to the figures of one place.
#[derive(Clone, Debug, Default)]
struct Own {
    answers: i64,
    seen: i64,
    clicks: i64,
    named_clicks: i64,
    carts: i64,
    orders: FxHashSet<OrderRef>,
    clicked_orders: FxHashSet<OrderRef>,
    units_milli: i64,
    money: Vec<(Currency, [i64; 4])>,
}

type Key = (Option<i32>, u16);

impl FigureQuery {
    fn counts(&self, day: i32) -> bool {
        let (from, until) = self.days_around;
        (from.number()..=until.number()).contains(&day)
    }

    /// What a day's figures of a cell are added to: the day, and all days if it is one of them.
    fn keys(&self, (day, cell): (i32, u16)) -> impl Iterator<Item = Key> {
        let (from, until) = self.days;
        let whole = (from.number()..=until.number()).contains(&day).then_some((None, cell));
        [(Some(day), cell)].into_iter().chain(whole)
    }
}

impl Figures {
    fn add(&mut self, own: &Own, who: Who) {
        let seen = own.seen.min(own.answers);
        self.answers.add(own.answers, who);
        self.seen.add(seen, who);
        self.unseen.add(own.answers - seen, who);
        self.clicks.add(own.clicks, who);
        self.named_clicks.add(own.named_clicks, who);
        self.other_clicks.add(own.clicks - own.named_clicks, who);
        self.carts.add(own.carts, who);
        let (orders, clicked) = (own.orders.len() as i64, own.clicked_orders.len() as i64);
        self.orders.add(orders, who);
        self.clicked_orders.add(clicked, who);
        self.other_orders.add(orders - clicked, who);
        self.units_milli.add(own.units_milli, who);
        for (currency, [revenue, clicked, margin, costed]) in &own.money {
            let idx = self.money.iter().position(|(known, _)| known == currency);
            let idx = idx.unwrap_or_else(|| {
                self.money.push((*currency, MoneyFigures::default()));
                self.money.len() - 1
            });
            let sums = &mut self.money[idx].1;
            sums.revenue.add(*revenue, who);
            sums.clicked_revenue.add(*clicked, who);
            sums.other_revenue.add(*revenue - *clicked, who);
            sums.margin.add(*margin, who);
            sums.costed_revenue.add(*costed, who);
            sums.uncosted_revenue.add(*revenue - *costed, who);
        }
    }
}

/// What an order brought with one product, net of what came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sold {
    pub(super) milli: i64,
    /// Revenue, margin, and the revenue that the margin is of, in minor units.
    pub(super) money: Vec<(Currency, [i64; 3])>,
}

/// One person's figures while they are counted.
struct Counting<'a> {
    views: &'a Views,
    query: &'a FigureQuery,
    /// Cells of sites that are asked for.
    cells: &'a [bool],
    own: FxHashMap<Key, Own>,
    /// Acts that were counted, by answer.
    counted: FxHashSet<(Did, u64, Option<Item>)>,
    allowed: FxHashMap<(SubjectId, u32), bool>,
}

impl Views {
    /// Figures of answers by place, in the order of days and names; each place also over all days.
    ///
    /// People who refuse reports now are left out, whatever they allowed before.
    pub(crate) fn recommendation_figures(&self, query: &FigureQuery) -> Vec<FigureRow> {
        let attribution = &self.attribution;
        let is_asked = |site: u32| {
            let name = self.catalogue.site_name(site);
            query.sites.is_empty() || query.sites.iter().any(|asked| asked.as_str() == name)
        };
        let cells: Vec<bool> = attribution.cells.iter().map(|cell| is_asked(cell.site)).collect();
        let mut sums: FxHashMap<Key, Figures> = FxHashMap::default();
        for (number, subjects) in (0..).zip(self.measured_people()) {
            let who = Who { number, people_min: query.people_min };
            let mut counting = Counting {
                views: self,
                query,
                cells: &cells,
                own: FxHashMap::default(),
                counted: FxHashSet::default(),
                allowed: FxHashMap::default(),
            };
            subjects.iter().for_each(|subject| counting.count_answers(*subject));
            // What names its answer goes first: the same act may also be told without.
            for is_named in [true, false] {
                subjects.iter().for_each(|subject| counting.count_acts(*subject, is_named));
            }
            subjects.iter().for_each(|subject| counting.count_orders(*subject));
            for (key, own) in &counting.own {
                sums.entry(*key).or_default().add(own, who);
            }
        }
        for ((day, cell), answers) in &attribution.unnamed {
            if query.counts(*day) && cells[usize::from(*cell)] {
                for key in query.keys((*day, *cell)) {
                    sums.entry(key).or_default().unnamed += answers;
                }
            }
        }
        let mut rows: Vec<FigureRow> = sums
            .into_iter()
            .map(|((day, cell), mut figures)| {
                let cell = &attribution.cells[usize::from(cell)];
                figures.money.sort_by_key(|(currency, _)| currency.as_str().to_owned());
                FigureRow {
                    day: day.map(Day::from_number),
                    site: self.catalogue.site_name(cell.site).to_owned(),
                    placement: cell.placement.as_deref().map(str::to_owned),
                    strategy: cell.strategy.to_string(),
                    figures,
                }
            })
            .collect();
        rows.sort_by(|a, b| {
            let key = |row: &FigureRow| {
                (row.day, row.site.clone(), row.placement.clone(), row.strategy.clone())
            };
            key(a).cmp(&key(b))
        });
        rows
    }

    /// How many subjects answers were served to.
    pub(crate) fn n_measured(&self) -> usize {
        self.attribution.len()
    }

    /// The subjects of whom something is kept, those that are one person together; without crawlers and the shop's
    /// own people.
    pub(super) fn measured_people(&self) -> Vec<Vec<SubjectId>> {
        let known = self.attribution.by_subject.keys();
        let mut people: Vec<(SubjectId, SubjectId)> =
            known.map(|subject| (self.first_member(*subject), *subject)).collect();
        people.sort_unstable();
        let same = people.chunk_by(|a, b| a.0 == b.0);
        let persons = same.map(|person| person.iter().map(|(_, subject)| *subject).collect());
        persons
            .filter(|person: &Vec<SubjectId>| !person.iter().any(|one| self.is_no_shopper(*one)))
            .collect()
    }

    /// Whether a subject is a crawler, or one of the shop's own people.
    pub(crate) fn is_no_shopper(&self, subject: SubjectId) -> bool {
        let shopper = self.shoppers.shopper(subject);
        shopper.is_some_and(|shopper| self.histories.is_no_shopper(shopper))
    }

    fn first_member(&self, subject: SubjectId) -> SubjectId {
        self.identity.members(subject).into_iter().min().unwrap_or(subject)
    }

    /// What an order brought with one product, or with all of them.
    pub(super) fn sold(&self, order: OrderRef, only: Option<Item>) -> Sold {
        let mut sold = Sold::default();
        let orders = &self.sales.orders;
        let Some(effective) = orders.find(order).and_then(|slot| orders.effective(slot)) else {
            return sold;
        };
        let (Some(placed), None) = (effective.placed, effective.whole_refund()) else {
            return sold;
        };
        let reports = std::iter::once((placed, 1));
        for (report, sign) in reports.chain(effective.refunds.iter().map(|refund| (*refund, -1))) {
            for line in report.lines.iter().filter(|line| only.is_none_or(|of| of == line.item)) {
                sold.milli += sign * line.milli;
                let Some(currency) = self.sales.currencies.get(line.currency) else { continue };
                let cost = self.catalogue.product(line.item).and_then(|product| product.cost);
                let cost = cost.filter(|cost| cost.currency() == currency);
                let parts = match cost {
                    Some(cost) => [line.minor, line.minor - cost_of(cost, line.milli), line.minor],
                    None => [line.minor, 0, 0],
                };
                let idx = sold.money.iter().position(|(known, _)| *known == currency);
                let idx = idx.unwrap_or_else(|| {
                    sold.money.push((currency, [0; 3]));
                    sold.money.len() - 1
                });
                let sums = &mut sold.money[idx].1;
                sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += sign * part);
            }
        }
        sold
    }

    /// Who is taken to have placed an order.
    pub(super) fn buyer(&self, order: OrderRef) -> Option<SubjectId> {
        let orders = &self.histories.orders;
        let placed = orders.find(order).and_then(|slot| orders.effective(slot))?.placed?;
        self.shoppers.subject(souk_recommend::Shopper(placed.shopper))
    }
}

/// The cost of so many thousandths of a unit, in minor units, halves rounded to even.
fn cost_of(cost: Money, milli: i64) -> i64 {
    let product = i128::from(cost.minor()) * i128::from(milli);
    let (whole, rest) = (product.div_euclid(1_000), product.rem_euclid(1_000));
    let up = rest > 500 || rest == 500 && whole.rem_euclid(2) == 1;
    i64::try_from(whole + i128::from(up)).unwrap_or(i64::MAX)
}

impl Counting<'_> {
    fn attribution(&self) -> &Attribution {
        &self.views.attribution
    }

    fn allows(&mut self, subject: SubjectId, cell: u16) -> bool {
        let site = self.attribution().cells[usize::from(cell)].site;
        let views = self.views;
        *self.allowed.entry((subject, site)).or_insert_with(|| {
            let name = SiteId::new(views.catalogue.site_name(site));
            let name = name.unwrap_or_else(|_| SiteId::main());
            let purpose = Purpose::Analytics;
            let analytics = Use { purpose, site: &name, withheld: Purposes::NONE };
            views.allows(Whom::known(subject), analytics)
        })
    }

    fn is_asked(&self, day: i32, cell: u16) -> bool {
        self.query.counts(day) && self.cells[usize::from(cell)]
    }

    /// Adds to the day and to all days.
    fn add(&mut self, at: (i32, u16), add: impl Fn(&mut Own)) {
        for key in self.query.keys(at) {
            add(self.own.entry(key).or_default());
        }
    }

    fn count_answers(&mut self, subject: SubjectId) {
        let views = self.views;
        let Some(person) = views.attribution.person(subject) else { return };
        let today = views.attribution.day;
        for row in person.rows.iter().filter(|row| Person::keeps_row(row, today)) {
            if self.is_asked(row.day, row.cell) && self.allows(subject, row.cell) {
                self.add((row.day, row.cell), |own| {
                    own.answers += i64::from(row.answers);
                    own.seen += i64::from(row.seen);
                });
            }
        }
    }

    /// The acts of a subject that name their answers, or those that do not.
    fn count_acts(&mut self, subject: SubjectId, wants_named: bool) {
        let views = self.views;
        let Some(person) = views.attribution.person(subject) else { return };
        let today = views.attribution.day;
        for credit in person.credits.iter().filter(|one| Person::keeps_credit(one, today)) {
            let is_told = credit.cell != NO_CELL && credit.did != Did::Ordered;
            if is_told && credit.is_named == wants_named {
                self.count_act(subject, credit);
            }
        }
    }

    /// Whether a credit is within what is asked for, and both who acted and whose answer it was allow it.
    fn counts(&mut self, actor: SubjectId, credit: &Credit) -> bool {
        self.is_asked(day_of(credit.answered), credit.cell)
            && self.allows(actor, credit.cell)
            && self.allows(credit.owner, credit.cell)
    }

    fn count_act(&mut self, actor: SubjectId, credit: &Credit) {
        let window = self.query.click_days * DAY_MS;
        let is_near = credit.is_named || credit.at.ms_since(credit.touched) <= window;
        if !is_near || !self.counts(actor, credit) {
            return;
        }
        let at = (day_of(credit.answered), credit.cell);
        // Whoever acts on an answer of another of their ids has seen it; their own are in the rows.
        if credit.owner != actor
            && credit.is_named
            && self.counted.insert((Did::Saw, credit.request, None))
        {
            self.add(at, |own| own.seen += 1);
        }
        let is_told = credit.is_shown && credit.did != Did::Saw;
        if !is_told || !self.counted.insert((credit.did, credit.request, credit.item)) {
            return;
        }
        self.add(at, |own| match credit.did {
            Did::Carted => own.carts += 1,
            _ => {
                own.clicks += 1;
                own.named_clicks += i64::from(credit.is_named);
            }
        });
    }

    /// Counts each line of each order for one answer: the last that was clicked, else the last that showed
    /// the product.
    fn count_orders(&mut self, actor: SubjectId) {
        let views = self.views;
        let Some(person) = views.attribution.person(actor) else { return };
        let (credits, today) = (&person.credits, views.attribution.day);
        let window = self.query.order_days * DAY_MS;
        let mut best: FxHashMap<(OrderRef, Option<Item>), Credit> = FxHashMap::default();
        let ordered = credits.iter().filter(|credit| credit.did == Did::Ordered);
        for credit in ordered.filter(|one| Person::keeps_credit(one, today)) {
            let is_near = credit.at.ms_since(credit.touched) <= window;
            if !is_near || !self.allows(credit.owner, credit.cell) {
                continue;
            }
            let rank = |one: &Credit| (one.is_clicked, one.touched, one.answered, one.request);
            let known = best.entry((credit.order, credit.item)).or_insert(*credit);
            if rank(credit) > rank(known) {
                *known = *credit;
            }
        }
        for ((order, item), credit) in best {
            if !self.counts(actor, &credit) || self.views.buyer(order) != Some(actor) {
                continue;
            }
            let sold = self.views.sold(order, item);
            self.add((day_of(credit.answered), credit.cell), |own| {
                own.units_milli += sold.milli;
                if sold.milli > 0 {
                    own.orders.insert(order);
                    if credit.is_clicked {
                        own.clicked_orders.insert(order);
                    }
                }
                for (currency, [revenue, margin, costed]) in &sold.money {
                    let idx = own.money.iter().position(|(known, _)| known == currency);
                    let idx = idx.unwrap_or_else(|| {
                        own.money.push((*currency, [0; 4]));
                        own.money.len() - 1
                    });
                    let clicked = if credit.is_clicked { *revenue } else { 0 };
                    let parts = [*revenue, clicked, *margin, *costed];
                    own.money[idx].1.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
                }
            });
        }
    }
}
