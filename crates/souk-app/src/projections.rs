//! The folds of the log that requests read.
//!
//! One writer folds records in log order into one [`Views`] value; requests read it under a shared
//! lock that the writer takes for a fraction of a millisecond at a time. The state is a function of
//! the records and of the rules of consent alone: a rebuild from the log, or from a snapshot and the log's tail, gives the same
//! (see [`Views::fingerprint`]). What is *not* here: reading the log (that is the projector's), and
//! anything that is not a fold of it, such as keys and settings.

use std::sync::Arc;

use souk_core::wire::WireError;
use souk_core::{
    ConsentChange, CustomerOrder, Event, EventId, Fact, Interaction, OrderLine, Purpose, Purposes,
    Sale, SiteId, SubjectId, Timestamp,
};
use souk_ports::{Cursor, Position, RecordKind, Recorded};
use souk_privacy::consent::decide;
use souk_recommend::Shopper;
use souk_recommend::next_basket::BasketVectors;
use souk_recommend::visits::{VisitIndex, VisitLimits};

mod attribution;
mod catalogue;
mod consents;
mod counters;
mod fingerprint;
mod gate;
mod histories;
mod identity;
mod lines;
mod loading;
mod orders;
mod people;
mod popularity;
pub(crate) mod projector;
mod repeats;
mod sales;
mod searches;
mod shoppers;
mod sizes;
mod snapshots;
mod supply;
mod uses;

pub(crate) use attribution::{
    Counted, Did, FigureQuery, FigureRow, Figures, KEPT_DAYS, LATE_DAYS, MoneyFigures,
    OutcomeQuery, Outcomes, PersonOutcome, Tried, day_of,
};
pub use catalogue::Catalogue;
pub(crate) use catalogue::{Changed, Kind};
pub use counters::Counters;
pub use gate::Audit;
pub use histories::{Histories, History, PastBasket, TOUCHES_MAX, Touch, VISIT_GAP_MS};
pub use identity::Identity;
pub use popularity::Popularity;
pub use sales::{DailySales, DaySale, SalesTotal};
pub(crate) use searches::{SEARCH_DAYS, Sought, Taken, Windows, query_key};
pub use shoppers::Shoppers;
pub use sizes::ViewSizes;

pub(crate) use consents::Statement;
pub(crate) use gate::{
    Consented, CrowdView, PaidLine, Purchase, Sharing, Use, Whom, latest_visits,
};
pub(crate) use orders::NONE as NO_LOCATION;
pub(crate) use people::Bond;
pub(crate) use snapshots::destroy_all as destroy_snapshots;
#[cfg(test)]
pub(crate) use supply::SalesDay;
pub(crate) use supply::{Feed, Run, StockDay, Supply};

use crate::consent::{ConsentRules, Learning};
use attribution::Attribution;
use consents::Consents;
use histories::{Crowd, Out, is_kept};
use lines::{Line, Lines};
use orders::{NONE, Report};
use repeats::ALWAYS;
use searches::Searches;
use snapshots::Anchor;
use uses::Uses;

/// Products, or their forecasts, that are looked at while the views are held and the fold waits; chosen: some 1 ms.
pub(crate) const LOOKED_AT_ONCE: usize = 1_000;
/// Products of one interaction that are kept; chosen: a cart is longer seldom, and a client that
/// names thousands with one click means none of them.
const MENTIONS_MAX: usize = 50;

/// A fold that can be written down and read again.
pub(crate) trait Projection: Sized {
    /// Its name in snapshots.
    const NAME: &'static str;
    /// Grows with every change of what is folded or how it is written.
    const VERSION: u16;

    /// The state as bytes.
    fn snapshot(&self) -> Vec<u8>;

    /// The state of these bytes.
    fn restore(bytes: &[u8]) -> Result<Self, WireError>;
}

/// A record as the fold takes it: opened and in the vocabulary's words.
#[derive(Clone, Debug)]
pub(crate) struct Decoded {
    pub(crate) position: Position,
    pub(crate) subject: Option<SubjectId>,
    pub(crate) event_id: EventId,
    pub(crate) received_at: Timestamp,
    pub(crate) kind: RecordKind,
    /// What it says; `None` for a record of an erased person, which is noise.
    pub(crate) event: Option<Event>,
}

impl Decoded {
    pub(crate) fn new(recorded: &Recorded, event: Option<Event>) -> Decoded {
        let record = &recorded.record;
        Decoded {
            position: recorded.position,
            subject: record.subject,
            event_id: record.event_id,
            received_at: record.received_at,
            kind: record.kind,
            event,
        }
    }

    /// What it says, of a record that says something.
    #[cfg(test)]
    pub(crate) fn said(&self) -> &Event {
        self.event.as_ref().expect("the record is no noise")
    }

    /// Orders records of one subject: their partition and offset in one number.
    fn seq(&self) -> u64 {
        u64::from(self.position.partition.0) << 48 | self.position.offset & ((1 << 48) - 1)
    }
}

/// Every projection, as one value that one writer folds into.
#[derive(Debug)]
pub struct Views {
    /// Products, stock, titles.
    pub catalogue: Catalogue,
    /// What may be done with what is said of persons.
    rules: Arc<ConsentRules>,
    /// What subjects said about the use of their data.
    consents: Consents,
    /// Which subjects are one person.
    identity: Identity,
    /// Dense numbers of subjects.
    shoppers: Shoppers,
    /// What each subject did.
    histories: Histories,
    /// Click visits of subjects who let others learn from them; one ends after thirty idle minutes.
    visits: VisitIndex,
    /// Orders of the same as visits.
    baskets: VisitIndex,
    /// Orders of the same as vectors.
    basket_vectors: BasketVectors,
    /// What is in demand.
    pub popularity: Popularity,
    /// What was sold, without persons.
    pub sales: DailySales,
    /// What demand is read with beside sales.
    pub(crate) supply: Supply,
    /// What became of answers.
    attribution: Attribution,
    /// What people searched for.
    searches: Searches,
    /// How much was folded.
    pub counters: Counters,
    /// Grows with every change.
    pub generation: u64,
    /// How far the fold has come.
    pub cursor: Cursor,
    /// The time of the newest event.
    pub now_seen: Timestamp,
    /// How often something left what all make together because a person said so, since the start.
    withdrawals: u64,
    /// The record at the cursor of each partition.
    anchors: Vec<Anchor>,
}

impl Views {
    /// Views of an empty log under these rules.
    pub(crate) fn new(rules: Arc<ConsentRules>) -> Views {
        Views {
            rules,
            consents: Consents::default(),
            catalogue: Catalogue::default(),
            identity: Identity::default(),
            shoppers: Shoppers::default(),
            histories: Histories::default(),
            visits: VisitIndex::new(VisitLimits::default()),
            baskets: VisitIndex::new(VisitLimits::default()),
            basket_vectors: BasketVectors::default(),
            popularity: Popularity::default(),
            sales: DailySales::default(),
            supply: Supply::default(),
            attribution: Attribution::default(),
            searches: Searches::default(),
            counters: Counters::default(),
            generation: 0,
            cursor: Cursor::START,
            now_seen: Timestamp::EPOCH,
            withdrawals: 0,
            anchors: Vec::new(),
        }
    }
}

impl Views {
    /// Folds one record. Records of one partition must come in the order of their offsets.
    pub(crate) fn apply(&mut self, decoded: Decoded) {
        self.cursor.advance(decoded.position);
        self.anchor(&decoded);
        self.generation += 1;
        self.counters.count(decoded.kind, decoded.received_at);
        self.popularity.advance(decoded.received_at);
        self.attribution.advance(decoded.received_at);
        self.searches.advance(decoded.received_at);
        self.fold(decoded);
    }

    /// The rules that the views are folded under.
    #[cfg(test)]
    pub(crate) fn rules_for_test(&self) -> Arc<ConsentRules> {
        Arc::clone(&self.rules)
    }

    /// Grows whenever something leaves what all make together because a person said so.
    pub(crate) fn withdrawals(&self) -> u64 {
        self.withdrawals
    }

    /// Takes over what tells readers that the state changed, so that nothing kept from the views before
    /// passes for fresh: numbers of items and shoppers may mean others now.
    fn succeed(&mut self, before: &Views) {
        self.generation = self.generation.max(before.generation) + 1;
        self.withdrawals += before.withdrawals + 1;
    }

    fn anchor(&mut self, decoded: &Decoded) {
        let Decoded { position, event_id, .. } = *decoded;
        let known = self.anchors.iter_mut();
        match known.into_iter().find(|known| known.position.partition == position.partition) {
            Some(known) => *known = Anchor { position, event_id },
            None => self.anchors.push(Anchor { position, event_id }),
        }
    }

    fn fold(&mut self, decoded: Decoded) {
        let seq = decoded.seq();
        let Decoded { subject, event_id, received_at, event: Some(event), .. } = decoded else {
            return;
        };
        self.now_seen = self.now_seen.max(event.at);
        let site = self.catalogue.intern_site(&event.site);
        let head = Head { site, seq, event_id, at: event.at, received_at, event: &event };
        match (&event.fact, subject) {
            (Fact::Interaction(interaction), Some(subject)) => {
                self.fold_interaction(&head, subject, interaction);
                self.attribute(&head, (subject, interaction));
            }
            (Fact::Impressions(shown), _) => self.fold_impressions(&head, (subject, shown)),
            (Fact::Order(order), Some(subject)) => {
                self.fold_order(&head, subject, order);
                self.attribute_order(&head, (subject, order));
            }
            (Fact::Searched { query }, Some(subject)) => {
                self.fold_searched(&head, (subject, query));
            }
            (Fact::Sale(sale), _) => self.fold_sale(&head, sale),
            (Fact::Linked { other, basis }, Some(subject)) => {
                self.identity.link(subject, *other, *basis);
                self.settle(subject);
                // Whoever was joined through it is no longer, where it is a browser and this its second user.
                self.settle(*other);
            }
            (Fact::Consent(change), Some(subject)) => self.fold_consent(&head, subject, change),
            (Fact::Identified { traits: Some(traits) }, Some(subject)) => {
                if let Some(is_staff) = self.rules.learning().staff_word(traits) {
                    self.fold_staff(subject, is_staff);
                }
            }
            (Fact::Unlinked { other, basis }, Some(subject)) => {
                self.identity.unlink(subject, *other, *basis);
                self.settle(subject);
                self.settle(*other);
            }
            (Fact::Forgotten { subject }, _) => self.forget(*subject),
            (Fact::ProductPatched { product, patch }, _) => {
                self.catalogue.patch((site, product), patch.as_ref().clone(), head.at);
                self.note_price((site, product), head.at);
            }
            (Fact::ProductDeleted { product }, _) => self.catalogue.delete(site, product),
            (Fact::Stock(change), _) => self.fold_stock(&head, change),
            (Fact::Price(change), _) => {
                self.catalogue.price(site, change, head.at);
                self.fold_price(site, change, head.at);
            }
            (Fact::Promotion(promotion), _) => self.fold_promotion(&head, promotion),
            (Fact::ProductPut(_), _) => {
                let at = event.at;
                if let Fact::ProductPut(product) = event.fact {
                    let (id, of) = (product.id.clone(), product.site.clone());
                    self.catalogue.put(*product, at);
                    let of = self.catalogue.intern_site(&of);
                    self.note_price((of, &id), at);
                }
            }
            // Kept in the log for what is to come; a personal fact without a person says nothing.
            _ => {}
        }
    }

    fn fold_interaction(&mut self, head: &Head<'_>, subject: SubjectId, interaction: &Interaction) {
        if !is_kept(interaction.action) || interaction.products.is_empty() {
            return;
        }
        let uses = self.uses(&head.event.site, subject, head.event.withheld);
        let shopper = self.number(subject);
        for mention in interaction.products.iter().take(MENTIONS_MAX) {
            let item = self.catalogue.intern(head.site, &mention.product);
            let mut touch = Touch::new((head.at, head.seq), (item, interaction.action));
            touch.channel = head.event.channel;
            touch.uses = uses;
            let (histories, mut crowd, learning) = self.folding();
            if histories.touch((shopper, touch), &mut crowd, learning) {
                // Nobody wished it, so what was fitted with them may serve on until it is fitted anew.
                self.keep_out((shopper, Out::FLOOD, true));
            }
        }
    }

    fn fold_order(&mut self, head: &Head<'_>, subject: SubjectId, order: &CustomerOrder) {
        let uses = self.uses(&head.event.site, subject, head.event.withheld);
        let shopper = self.number(subject);
        let lines = self.pack(head.site, &order.lines, Amounts::Personal);
        let uses = if self.is_bulk(&lines) { uses.unshared() } else { uses };
        let report = Report {
            source: head.event.source,
            change: order.change,
            channel: head.channel(),
            shopper: shopper.0,
            event_id: head.event_id,
            at: head.at,
            first: (head.at, souk_core::Day::default()),
            location: NONE,
            uses,
            lines,
        };
        let (concerned, span) = self.histories.told_of(order.order, &report);
        self.recounting((&concerned, span), |views| {
            let (histories, mut crowd) = views.histories_and_crowd();
            histories.report(order.order, report, &mut crowd);
        });
    }

    fn fold_sale(&mut self, head: &Head<'_>, sale: &Sale) {
        let lines = self.pack(head.site, &sale.lines, Amounts::OfSales);
        let uses = Uses::of(head.event.withheld, !self.is_bulk(&lines));
        let location = sale.location.as_ref().map(|place| self.catalogue.intern_location(place));
        let report = Report {
            source: head.event.source,
            change: sale.change,
            channel: head.channel(),
            shopper: NONE,
            event_id: head.event_id,
            at: head.at,
            first: (head.at, sale.day),
            location: location.unwrap_or(NONE),
            uses,
            lines,
        };
        self.report_sale(sale.order, report, head.site);
    }

    /// Whether an order is more than a household's.
    fn is_bulk(&self, lines: &Lines) -> bool {
        self.rules.learning().is_bulk(lines.iter().map(|line| line.milli))
    }

    /// [`Views::is_bulk`] of an order as it came.
    fn is_order_of_bulk(&self, order: &CustomerOrder) -> bool {
        self.rules.learning().is_bulk(order.lines.iter().map(|line| line.quantity.milli()))
    }

    fn pack(&mut self, site: u32, lines: &[OrderLine], amounts: Amounts) -> Lines {
        let Views { catalogue, sales, .. } = self;
        Lines::pack(lines.iter().map(|line| Line {
            item: catalogue.intern(site, &line.product),
            milli: line.quantity.milli(),
            minor: line.amount.map_or(0, souk_core::Money::minor),
            currency: line.amount.map_or(0, |amount| match amounts {
                Amounts::OfSales => sales.currencies.intern(amount),
                Amounts::Personal => personal_currency(amount.currency()),
            }),
        }))
    }

    /// Drops a subject from every projection: afterwards the state is that of a log without them.
    fn forget(&mut self, subject: SubjectId) {
        let mut others = Vec::new();
        if self.has_kept_out() {
            let near = self.identity.circle(subject);
            others.extend(near.iter().flat_map(|one| self.identity.circle(*one)));
            others.sort_unstable();
            others.dedup();
        }
        self.identity.forget(subject);
        self.consents.forget(subject);
        self.attribution.forget(subject);
        self.searches.forget(subject);
        if let Some(shopper) = self.shoppers.shopper(subject) {
            let fellows = self.histories.fellows(shopper);
            self.recounting((&fellows, ALWAYS), |views| {
                let (histories, mut crowd) = views.histories_and_crowd();
                histories.forget(shopper, &mut crowd);
            });
            self.shoppers.release(subject);
        }
        // What a forgotten id's no has hidden of the same person's others comes back with it.
        others.into_iter().for_each(|other| self.settle_one(other));
    }

    fn fold_consent(&mut self, head: &Head<'_>, subject: SubjectId, change: &ConsentChange) {
        let said =
            Statement { at: head.at.min(head.received_at), seq: head.seq, change: change.clone() };
        let refused = |views: &Views| views.consents.is_denied(subject, Purpose::ModelTraining);
        let was_refused = refused(self);
        let were_counted = self.refuses_learning(subject);
        let rules = Arc::clone(&self.rules);
        self.consents.apply(subject, said, &rules);
        let is_refused = refused(self);
        let refuses = self.refuses_learning(subject);
        let mut taken_back = refuses.into_iter().zip(were_counted);
        if taken_back.any(|(is, was)| is && !was)
            && self.identity.circle(subject).iter().any(|one| self.searches.knows(*one))
        {
            self.withdrawals += 1;
        }
        if refuses.contains(&true) {
            self.attribution.unteach(subject);
        }
        if was_refused == is_refused {
            return;
        }
        if is_refused && let Some(shopper) = self.shoppers.shopper(subject) {
            let has_left = self.recounting((&[shopper], ALWAYS), |views| {
                let (histories, mut crowd) = views.histories_and_crowd();
                histories.unshare(shopper, &mut crowd)
            });
            self.withdrawals += u64::from(has_left);
        }
        self.settle_members(subject);
    }

    /// Whether a subject refuses what searches are counted for, and lists and searches learned from.
    fn refuses_learning(&self, subject: SubjectId) -> [bool; 2] {
        [Purpose::Analytics, Purpose::ModelTraining]
            .map(|purpose| self.consents.is_denied(subject, purpose))
    }

    /// What an act of a subject may be used for, as things stand now.
    fn uses(&self, site: &SiteId, subject: SubjectId, withheld: Purposes) -> Uses {
        let regime = &self.rules.place(site).regime;
        let choices = self.consents.choices(subject);
        let asked = (Purpose::ModelTraining, withheld);
        Uses::of(withheld, decide(regime, choices.into_iter(), asked).is_allowed)
    }

    /// The subject's dense number. A subject that never did anything may be hidden already.
    fn number(&mut self, subject: SubjectId) -> Shopper {
        if self.has_kept_out() && self.shoppers.shopper(subject).is_none() {
            let shopper = self.shoppers.intern(subject);
            self.settle_one(subject);
            return shopper;
        }
        self.shoppers.intern(subject)
    }

    /// Sees to it that of a person who refused that others learn from them, under whatever id,
    /// nothing is in what all make together.
    fn settle(&mut self, subject: SubjectId) {
        if self.has_kept_out() {
            self.settle_members(subject);
        }
    }

    fn settle_members(&mut self, subject: SubjectId) {
        for member in self.identity.circle(subject) {
            self.settle_one(member);
        }
    }

    fn settle_one(&mut self, subject: SubjectId) {
        let Some(shopper) = self.shoppers.shopper(subject) else { return };
        let circle = self.identity.circle(subject);
        let mut others = circle.iter().filter(|other| **other != subject);
        let is_hidden = others.any(|other| self.consents.is_denied(*other, Purpose::ModelTraining));
        let members = self.identity.members(subject);
        let is_staff = members.iter().any(|member| self.is_staff(*member));
        let has_left = self.keep_out((shopper, Out::REFUSED, is_hidden));
        // Nobody asked for this one, so a model that learned from them may go on until it is fitted anew: or whoever
        // calls themselves staff again and again could silence it.
        self.keep_out((shopper, Out::STAFF, is_staff));
        self.withdrawals += u64::from(has_left);
    }

    /// Notes whether a subject is one of the shop's own people, and settles it for all that are the same
    /// person.
    fn fold_staff(&mut self, subject: SubjectId, is_staff: bool) {
        if !is_staff && self.shoppers.shopper(subject).is_none() {
            return;
        }
        let shopper = self.number(subject);
        self.histories.set_staff(shopper, is_staff);
        self.settle_members(subject);
    }

    /// Whether somebody is known by whom the others of the same person are kept out.
    fn has_kept_out(&self) -> bool {
        self.consents.has_untrainable() || self.has_staff()
    }

    /// Whether anybody is known as one of the shop's own people.
    pub(crate) fn has_staff(&self) -> bool {
        self.histories.n_staff() > 0
    }

    /// Whether a subject is known as one of the shop's own people.
    pub(crate) fn is_staff(&self, subject: SubjectId) -> bool {
        self.shoppers.shopper(subject).is_some_and(|shopper| self.histories.is_staff(shopper))
    }

    /// The subjects that are directly joined with one.
    pub(crate) fn joined(&self, subject: SubjectId) -> Vec<SubjectId> {
        self.identity.neighbours(subject)
    }

    fn histories_and_crowd(&mut self) -> (&mut Histories, Crowd<'_>) {
        let (histories, crowd, _) = self.folding();
        (histories, crowd)
    }

    fn folding(&mut self) -> (&mut Histories, Crowd<'_>, &Learning) {
        let Views { catalogue, visits, baskets, basket_vectors, popularity, .. } = self;
        let crowd = Crowd { catalogue, visits, popularity, baskets, vectors: basket_vectors };
        (&mut self.histories, crowd, self.rules.learning())
    }
}

/// How packed lines name currencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Amounts {
    /// By the order in which sales first named them.
    OfSales,
    /// By a number that does not hang on who came first, so that nobody who is forgotten is left in it.
    Personal,
}

/// The number of a currency in the lines of a person's orders.
fn personal_currency(currency: souk_core::Currency) -> u8 {
    currency.number() + 1
}

/// What folds of any fact need of its event.
#[derive(Clone, Copy, Debug)]
struct Head<'a> {
    site: u32,
    seq: u64,
    event_id: EventId,
    at: Timestamp,
    received_at: Timestamp,
    event: &'a Event,
}

impl Head<'_> {
    fn channel(&self) -> u8 {
        self.event.channel.map_or(0, |channel| channel as u8 + 1)
    }
}

#[cfg(test)]
pub(crate) mod tests;
