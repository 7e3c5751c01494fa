//! How much one person weighs in what is popular: each product once a day, however often they order it.
//!
//! Sales name nobody, so a sale counts for itself first. The order that came with it says whose it is, as
//! long as its person lets others learn from it; what such a person bought again on a day is then taken out
//! of popularity by the sale's own numbers. So a sale whose person is unknown, refused or was erased counts
//! as every sale does, the books are never looked at by person, and forgetting stays exact.

use std::collections::BTreeSet;

use souk_core::{OrderRef, Timestamp};
use souk_recommend::{Item, Shopper};

use super::Views;
use super::histories::{Histories, Out};
use super::orders::Report;
use super::popularity::{HOUR_MS, Popularity};

const DAY_MS: i64 = 24 * HOUR_MS;
/// How far the times of an order and of its sale may lie apart for the sale to be the order's (chosen: a
/// nightly file tells of the days before; a bound, so that what is too old for popularity is never looked at).
const APART_MAX_MS: i64 = 7 * DAY_MS;

/// A product of an order that its person had ordered before on the same day (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Repeat {
    order: OrderRef,
    item: Item,
    /// When the person says that they ordered it.
    at: Timestamp,
}

impl Repeat {
    /// Whether a sale is that of this order.
    fn is_of(&self, sale: &Report) -> bool {
        (sale.first.0.ms_since(self.at)).abs() <= APART_MAX_MS
    }
}

/// Moments from and up to, both included, Unix milliseconds.
type Span = (i64, i64);

/// All of time.
pub(super) const ALWAYS: Span = (i64::MIN, i64::MAX);

/// The whole days of a span.
fn whole_days((from, until): Span) -> Span {
    let start = |ms: i64| ms.saturating_sub(ms.rem_euclid(DAY_MS));
    (start(from), start(until).saturating_add(DAY_MS - 1))
}

impl Histories {
    /// What these shoppers ordered again on the days of a span. Of several orders of a day the earliest
    /// counts, of one moment that with the smaller reference, whatever order they arrived in.
    fn repeats(&self, shoppers: &[Shopper], span: Span) -> BTreeSet<Repeat> {
        let (from, until) = whole_days(span);
        let mut repeats = BTreeSet::new();
        for &shopper in shoppers {
            let near = self.shared_orders(shopper).filter_map(|(order, at, effective)| {
                let is_near = (from..=until).contains(&at.as_ms());
                let kept = is_near.then(|| effective.kept())??;
                Some((at, order, kept.lines.bought()))
            });
            let mut near: Vec<_> = near.collect();
            near.sort_unstable_by_key(|(at, order, _)| (*at, *order));
            let day = |at: Timestamp| at.as_ms().div_euclid(DAY_MS);
            for of_day in near.chunk_by(|a, b| day(a.0) == day(b.0)).filter(|day| day.len() > 1) {
                let mut bought = BTreeSet::new();
                for (at, order, items) in of_day {
                    for &(item, _) in items {
                        if !bought.insert(item) {
                            repeats.insert(Repeat { order: *order, item, at: *at });
                        }
                    }
                }
            }
        }
        repeats
    }

    /// What of an order its person had ordered before on the same day.
    fn repeats_of(&self, order: OrderRef) -> Vec<Repeat> {
        let Some((shopper, at)) = self.owner(order) else { return Vec::new() };
        let mut repeats = self.repeats(&[shopper], (at.as_ms(), at.as_ms()));
        repeats.retain(|repeat| repeat.order == order);
        repeats.into_iter().collect()
    }
}

impl Popularity {
    /// Counts the products of a sale, or with −1 takes them back, without those that its person had ordered
    /// before on that day.
    pub(super) fn sold_by(
        &mut self,
        (order, sale): (OrderRef, &Report),
        (site, sign): (u32, i64),
        histories: &Histories,
    ) {
        self.sold(sale, site, sign);
        if !self.counts(sale) {
            return;
        }
        for repeat in histories.repeats_of(order).iter().filter(|repeat| repeat.is_of(sale)) {
            self.sold_again((repeat.item, sale), site, -sign);
        }
    }
}

impl Views {
    /// Changes what is known of these shoppers' orders within a span, and lets popularity count them by
    /// what is known afterwards.
    pub(super) fn recounting<T>(
        &mut self,
        (shoppers, span): (&[Shopper], Span),
        change: impl FnOnce(&mut Views) -> T,
    ) -> T {
        let span = (span.0.max(self.popularity.sales_from() - APART_MAX_MS), span.1);
        if span.0 > span.1 {
            return change(self);
        }
        let before = self.histories.repeats(shoppers, span);
        let outcome = change(self);
        let after = self.histories.repeats(shoppers, span);
        before.difference(&after).for_each(|repeat| self.count_repeat(repeat, 1));
        after.difference(&before).for_each(|repeat| self.count_repeat(repeat, -1));
        outcome
    }

    /// Keeps a shopper out of what all make together, or shows them again. Returns whether anything left.
    pub(super) fn keep_out(&mut self, (shopper, reason, holds): (Shopper, Out, bool)) -> bool {
        self.recounting((&[shopper], ALWAYS), |views| {
            let (histories, mut crowd) = views.histories_and_crowd();
            histories.keep_out((shopper, reason, holds), &mut crowd)
        })
    }

    fn count_repeat(&mut self, repeat: &Repeat, sign: i64) {
        let Views { sales, popularity, catalogue, .. } = self;
        let slot = sales.orders.find(repeat.order);
        let sale = slot.and_then(|slot| sales.orders.effective(slot)?.kept());
        if let Some(sale) = sale.filter(|sale| repeat.is_of(sale) && popularity.counts(sale)) {
            popularity.sold_again((repeat.item, &*sale), catalogue.site_number(repeat.item), sign);
        }
    }
}
