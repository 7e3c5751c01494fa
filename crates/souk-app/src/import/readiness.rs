//! What there is to learn from, before anything learns: counted while files are read.
//!
//! Nothing of a person stands in a report: people are counts, faults name columns and no values, and
//! only products are named. Memory grows with the different people, products and orders of the files,
//! a few bytes each.

mod advice;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rustc_hash::{FxHashMap, FxHashSet};
use souk_core::{Action, Day, LegalBasis, OrderChange, ProductId, Site, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::moving::items::is_of_events;
use super::rejected::without_values;
use super::{Draft, DraftFact};
use crate::Finding;
use crate::consent::Place;
use crate::sheet::RowFault;

/// Different reasons of one file that are told apart.
const REASONS_MAX: usize = 50;
/// Products that a finding names.
const NAMED_MAX: usize = 5;

/// What was read of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileRead {
    /// Which file.
    pub path: PathBuf,
    /// What it was taken for.
    pub label: &'static str,
    /// Facts that it makes.
    pub facts: u64,
    /// Rows that are no fault and say nothing that is learned from, by reason.
    pub passed_over: BTreeMap<&'static str, u64>,
    /// Rows with a fault, by column and reason.
    pub rejected: BTreeMap<String, u64>,
    /// Facts that the door refused.
    pub refused: u64,
    /// Where the rows with a fault are listed by line.
    pub listed: Option<PathBuf>,
}

impl FileRead {
    /// Rows with a fault.
    pub fn n_rejected(&self) -> u64 {
        self.rejected.values().sum::<u64>() + self.refused
    }
}

/// What was read of the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ProductsRead {
    pub count: u64,
    pub variants: u64,
    /// Products of the catalogue that were sold or looked at.
    pub wanted: u64,
    /// Named twice or more; the last one holds.
    pub twice: u64,
    pub without_price: u64,
    /// With a price in another currency than the site's, by that currency.
    pub foreign_prices: BTreeMap<String, u64>,
    pub without_category: u64,
    pub without_description: u64,
    pub without_image: u64,
    /// Made of what events say of them, because the shop itself told nothing.
    pub of_events: u64,
    /// Whose id had to serve as the title.
    pub without_title: u64,
    pub not_sellable: u64,
    pub negative_stock: u64,
}

/// What was read of orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct OrdersRead {
    pub count: u64,
    pub lines: u64,
    /// Of more than one product.
    pub with_several_products: u64,
    pub cancelled: u64,
    pub refunds: u64,
    pub without_person: u64,
    /// In the files twice or more; each counts once.
    pub twice: u64,
    pub lines_without_price: u64,
    /// Lines whose amount is in another currency than the site's, by that currency.
    pub foreign_lines: BTreeMap<String, u64>,
    pub first_day: Option<Day>,
    pub last_day: Option<Day>,
    /// Days between the first and the last on which nothing was sold.
    pub days_without_sales: u64,
    /// The longest of these in a row: the first and the last day.
    pub longest_gap: Option<(Day, Day)>,
    /// Different products that were sold and that the catalogue does not have.
    pub unknown_products: u64,
    /// Some of them, those sold most.
    pub unknown_named: Vec<ProductId>,
}

/// What was read of behaviour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct EventsRead {
    pub count: u64,
    pub views: u64,
    pub carts: u64,
    pub searches: u64,
    /// That agree with another in all they say; each counts once.
    pub twice: u64,
    /// Different products that events name and that the catalogue does not have.
    pub unknown_products: u64,
    /// Of kinds that have no meaning here, by the name that they were sent with; of very many kinds some.
    pub unknown_kinds: BTreeMap<String, u64>,
}

/// What was read of people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PeopleRead {
    /// Who bought or did something.
    pub active: u64,
    pub with_one_order: u64,
    pub with_two_orders: u64,
    pub with_five_orders: u64,
    /// Who looked at more than one product.
    pub with_views: u64,
    /// Who is in a file of customers.
    pub described: u64,
    pub said_yes_to_marketing: u64,
    pub said_no_to_marketing: u64,
}

/// How well a part of Souk can work with what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sufficiency {
    /// Nothing to work with.
    Missing,
    /// It works, and gets better with more.
    Thin,
    /// Enough.
    Ready,
}

/// What one part of Souk can do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartReady {
    /// Which part, by the name of its strategy where it has one.
    pub part: &'static str,
    /// How well.
    pub verdict: Sufficiency,
    /// Why, and what would help.
    pub detail: String,
}

/// What there is to learn from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ReadinessReport {
    pub files: Vec<FileRead>,
    pub products: ProductsRead,
    pub orders: OrdersRead,
    pub events: EventsRead,
    pub people: PeopleRead,
    /// What is odd, and what to do about it; the heaviest first.
    pub findings: Vec<Finding>,
    pub parts: Vec<PartReady>,
}

/// What one person did.
#[derive(Clone, Copy, Debug, Default)]
struct Person {
    orders: u32,
    seen: Seen,
}

/// What somebody looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Seen {
    #[default]
    Nothing,
    /// One product, by its number.
    One(u64),
    Several,
}

impl Seen {
    fn and(self, other: Seen) -> Seen {
        match (self, other) {
            (Seen::Nothing, seen) | (seen, Seen::Nothing) => seen,
            (one, other) if one == other => one,
            _ => Seen::Several,
        }
    }
}

/// Counts what files say.
#[derive(Debug)]
pub(crate) struct Tally {
    site: Site,
    /// Facts later than this are refused at the door.
    ahead: Timestamp,
    files: Vec<FileRead>,
    products: ProductsRead,
    orders: OrdersRead,
    events: EventsRead,
    people: PeopleRead,
    products_seen: FxHashSet<ProductId>,
    negative: BTreeSet<Box<str>>,
    orders_seen: FxHashSet<u64>,
    events_seen: FxHashSet<u64>,
    persons: FxHashMap<u64, Person>,
    /// For browsers and cards that were named with a user: whose they are.
    links: FxHashMap<u64, u64>,
    days: BTreeSet<i32>,
    sold: FxHashMap<ProductId, u64>,
    looked_at: FxHashSet<ProductId>,
    newest: Option<Timestamp>,
}

impl Tally {
    /// A tally of nothing, for a site's clock.
    pub(crate) fn new(site: Site, ahead: Timestamp) -> Tally {
        Tally {
            site,
            ahead,
            files: Vec::new(),
            products: ProductsRead::default(),
            orders: OrdersRead::default(),
            events: EventsRead::default(),
            people: PeopleRead::default(),
            products_seen: FxHashSet::default(),
            negative: BTreeSet::new(),
            orders_seen: FxHashSet::default(),
            events_seen: FxHashSet::default(),
            persons: FxHashMap::default(),
            links: FxHashMap::default(),
            days: BTreeSet::new(),
            sold: FxHashMap::default(),
            looked_at: FxHashSet::default(),
            newest: None,
        }
    }

    pub(crate) fn begin(&mut self, path: &Path, label: &'static str) {
        self.files.push(FileRead { path: path.to_owned(), label, ..FileRead::default() });
    }

    fn file(&mut self) -> &mut FileRead {
        if self.files.is_empty() {
            self.files.push(FileRead::default());
        }
        self.files.last_mut().expect("one was just pushed")
    }

    pub(crate) fn listed(&mut self, listed: Option<PathBuf>) {
        self.file().listed = listed;
    }

    /// Notes how many rows of the file were refused in all, of which the reading itself knows a part.
    pub(crate) fn refused(&mut self, all: u64) {
        let file = self.file();
        file.refused = all.saturating_sub(file.rejected.values().sum());
    }

    pub(crate) fn pass_over(&mut self, why: &'static str) {
        *self.file().passed_over.entry(why).or_default() += 1;
    }

    /// Counts facts that say nothing of products, orders or people.
    pub(crate) fn facts(&mut self, n: u64) {
        self.file().facts += n;
    }

    pub(crate) fn negative_stock(&mut self, product: &str) {
        self.negative.insert(product.into());
    }

    pub(crate) fn untitled(&mut self) {
        self.products.without_title += 1;
    }

    pub(crate) fn consent(&mut self, accepts: bool) {
        match accepts {
            true => self.people.said_yes_to_marketing += 1,
            false => self.people.said_no_to_marketing += 1,
        }
    }

    pub(crate) fn fault(&mut self, fault: &RowFault) {
        let reason = without_values(&fault.reason);
        let reason = match fault.column.as_str() {
            "" => reason,
            column => format!("{column}: {reason}"),
        };
        let rejected = &mut self.file().rejected;
        let is_new = !rejected.contains_key(&reason);
        let reason = match is_new && rejected.len() >= REASONS_MAX {
            true => "other reasons".to_owned(),
            false => reason,
        };
        *rejected.entry(reason).or_default() += 1;
    }

    /// Counts one fact.
    pub(crate) fn take(&mut self, draft: &Draft) {
        if draft.at > self.ahead {
            // The door will refuse it by this very column.
            let reason = "is more than a day ahead of the shop's clock".to_owned();
            self.fault(&RowFault { line: 0, column: "timestamp".to_owned(), reason });
            return;
        }
        self.file().facts += 1;
        self.link(draft);
        match &draft.fact {
            DraftFact::Product(product) => self.take_product(product),
            DraftFact::Order { order_id, change, lines, .. } => {
                self.take_order(draft, (order_id.as_str(), *change), lines);
            }
            DraftFact::Interaction(interaction) => self.take_interaction(draft, interaction),
            DraftFact::Searched(_) => {
                self.take_event(draft, "search");
                self.events.searches += 1;
            }
            DraftFact::Custom(name) => {
                if self.take_event(draft, name) {
                    self.take_unknown_kind(name);
                }
            }
            DraftFact::Message(_) => self.events.count += 1,
            DraftFact::Identified(traits) => {
                // A pair of names without a word about the person describes nobody.
                self.people.described += u64::from(&**traits != "{}");
            }
            DraftFact::Consent(_)
            | DraftFact::Stock(_)
            | DraftFact::Price(_)
            | DraftFact::Promotion(_) => {}
        }
    }

    fn take_product(&mut self, product: &souk_core::Product) {
        let read = &mut self.products;
        if !self.products_seen.insert(product.id.clone()) {
            read.twice += 1;
            return;
        }
        read.count += 1;
        read.of_events += u64::from(is_of_events(product));
        read.variants += product.variants.len() as u64;
        read.without_price += u64::from(product.price.is_none_or(|price| price.minor() == 0));
        if let Some(price) = product.price.filter(|price| price.currency() != self.site.currency) {
            *read.foreign_prices.entry(price.currency().as_str().to_owned()).or_default() += 1;
        }
        read.without_category += u64::from(product.categories.is_empty());
        read.without_description += u64::from(product.description.is_none());
        read.without_image += u64::from(product.image_urls.is_empty());
        read.not_sellable += u64::from(!product.availability.is_sellable());
    }

    fn take_order(
        &mut self,
        draft: &Draft,
        (id, change): (&str, OrderChange),
        lines: &[souk_core::OrderLine],
    ) {
        self.note_time(draft.at);
        match change {
            OrderChange::Cancelled => return self.orders.cancelled += 1,
            OrderChange::Refunded => return self.orders.refunds += 1,
            OrderChange::Placed => {}
        }
        if !self.orders_seen.insert(xxh3_64(id.as_bytes())) {
            self.orders.twice += 1;
            return;
        }
        self.days.insert(self.site.day(draft.at).number());
        self.orders.count += 1;
        self.orders.lines += lines.len() as u64;
        let first = lines.first().map(|line| &line.product);
        let is_mixed = lines.iter().any(|line| Some(&line.product) != first);
        self.orders.with_several_products += u64::from(is_mixed);
        let is_free =
            |line: &&souk_core::OrderLine| line.amount.is_none_or(|paid| paid.minor() == 0);
        self.orders.lines_without_price += lines.iter().filter(is_free).count() as u64;
        for amount in lines.iter().filter_map(|line| line.amount) {
            if amount.currency() != self.site.currency {
                let code = amount.currency().as_str().to_owned();
                *self.orders.foreign_lines.entry(code).or_default() += 1;
            }
        }
        for line in lines {
            *self.sold.entry(line.product.clone()).or_default() += 1;
        }
        match person_of(draft) {
            Some(person) => self.persons.entry(person).or_default().orders += 1,
            None => self.orders.without_person += 1,
        }
    }

    fn take_interaction(&mut self, draft: &Draft, interaction: &souk_core::Interaction) {
        let first = interaction.products.first().map(|mention| mention.product.as_str());
        let what = format!("{}\u{0}{}", interaction.action.as_str(), first.unwrap_or_default());
        if !self.take_event(draft, &what) {
            return;
        }
        let is_view = matches!(interaction.action, Action::Viewed | Action::Clicked);
        self.events.views += u64::from(is_view);
        self.events.carts += u64::from(interaction.action == Action::AddedToCart);
        for mention in &interaction.products {
            if !self.looked_at.contains(&mention.product) {
                self.looked_at.insert(mention.product.clone());
            }
        }
        if let (true, Some(person), Some(first)) = (is_view, person_of(draft), first) {
            let seen = xxh3_64(first.as_bytes());
            let person = self.persons.entry(person).or_default();
            person.seen = person.seen.and(Seen::One(seen));
        }
    }

    /// Counts an event; false where it agrees with another in all that it says.
    fn take_event(&mut self, draft: &Draft, what: &str) -> bool {
        self.note_time(draft.at);
        let person = person_of(draft);
        let whole = format!("{}\u{0}{}\u{0}{what}", draft.at.as_ms(), person.unwrap_or_default());
        if !self.events_seen.insert(xxh3_64(whole.as_bytes())) {
            self.events.twice += 1;
            return false;
        }
        if let Some(person) = person {
            self.persons.entry(person).or_default();
        }
        self.events.count += 1;
        true
    }

    fn take_unknown_kind(&mut self, name: &str) {
        let kinds = &mut self.events.unknown_kinds;
        if kinds.len() < REASONS_MAX || kinds.contains_key(name) {
            *kinds.entry(name.to_owned()).or_default() += 1;
        }
    }

    fn note_time(&mut self, at: Timestamp) {
        self.newest = Some(self.newest.map_or(at, |newest| newest.max(at)));
    }

    /// The report, once all files are read; `has_product` tells whether the catalogue has a product, with
    /// those that the files bring.
    pub(crate) fn report(
        &self,
        (now, place, basis): (Timestamp, &Place, Option<LegalBasis>),
        has_product: impl Fn(&ProductId) -> bool,
    ) -> ReadinessReport {
        let mut readiness = ReadinessReport {
            files: self.files.clone(),
            products: self.products.clone(),
            orders: self.orders.clone(),
            events: self.events.clone(),
            people: self.people(),
            ..ReadinessReport::default()
        };
        readiness.products.negative_stock = self.negative.len() as u64;
        let mut unknown: Vec<(&ProductId, u64)> =
            self.sold.iter().filter(|(id, _)| !has_product(id)).map(|(id, n)| (id, *n)).collect();
        unknown.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.as_str().cmp(b.0.as_str())));
        readiness.orders.unknown_products = unknown.len() as u64;
        readiness.orders.unknown_named =
            unknown.into_iter().take(NAMED_MAX).map(|(id, _)| id.clone()).collect();
        let looked_at = self.looked_at.iter().filter(|id| !has_product(id));
        readiness.events.unknown_products = looked_at.count() as u64;
        let seen_alone = self.looked_at.iter().filter(|id| !self.sold.contains_key(*id));
        let wanted = self.sold.keys().chain(seen_alone).filter(|id| has_product(id));
        readiness.products.wanted = wanted.count() as u64;
        self.gaps(&mut readiness.orders);
        let negative: Vec<&str> = self.negative.iter().take(NAMED_MAX).map(|id| &**id).collect();
        advice::advise(&mut readiness, self.site.currency, (&negative, self.newest, now));
        let consent = advice::of_consent((place, basis), readiness.people.active);
        readiness.findings.splice(0..0, consent);
        readiness
    }

    /// Notes that a browser or a card belongs to the user whom the fact names with it; the first one holds.
    fn link(&mut self, draft: &Draft) {
        let Some(user) = draft.user_id.as_deref() else { return };
        for (kind, id) in [('a', &draft.anonymous_id), ('c', &draft.loyalty_card)] {
            if let Some(id) = id.as_deref() {
                self.links.entry(number_of(kind, id)).or_insert_with(|| number_of('u', user));
            }
        }
    }

    /// The people, each with what was done under all their ids: the order of facts makes no difference.
    fn joined(&self) -> Vec<Person> {
        let mut joined: FxHashMap<u64, Person> = FxHashMap::default();
        for (id, person) in &self.persons {
            let whole = joined.entry(*self.links.get(id).unwrap_or(id)).or_default();
            whole.orders += person.orders;
            whole.seen = whole.seen.and(person.seen);
        }
        joined.into_values().collect()
    }

    fn people(&self) -> PeopleRead {
        let persons = self.joined();
        let with = |orders: u32| persons.iter().filter(|p| p.orders >= orders).count() as u64;
        PeopleRead {
            active: persons.len() as u64,
            with_one_order: with(1),
            with_two_orders: with(2),
            with_five_orders: with(5),
            with_views: persons.iter().filter(|p| p.seen == Seen::Several).count() as u64,
            ..self.people.clone()
        }
    }

    fn gaps(&self, orders: &mut OrdersRead) {
        let (Some(first), Some(last)) = (self.days.first(), self.days.last()) else { return };
        orders.first_day = Some(Day::from_number(*first));
        orders.last_day = Some(Day::from_number(*last));
        let all = u64::try_from(last - first + 1).unwrap_or_default();
        orders.days_without_sales = all - self.days.len() as u64;
        let pairs = self.days.iter().zip(self.days.iter().skip(1));
        let longest = pairs.max_by_key(|(before, after)| *after - *before);
        if let Some((before, after)) = longest.filter(|(before, after)| *after - *before > 1) {
            orders.longest_gap = Some((Day::from_number(before + 1), Day::from_number(after - 1)));
        }
    }
}

/// A number for the person whom a fact names.
fn person_of(draft: &Draft) -> Option<u64> {
    let ids = [('u', &draft.user_id), ('a', &draft.anonymous_id), ('c', &draft.loyalty_card)];
    let (kind, id) = ids.into_iter().find_map(|(kind, id)| Some((kind, id.as_deref()?)))?;
    Some(number_of(kind, id))
}

fn number_of(kind: char, id: &str) -> u64 {
    xxh3_64(format!("{kind}{id}").as_bytes())
}
