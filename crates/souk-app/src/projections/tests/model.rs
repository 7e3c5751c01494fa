//! What the views should hold, worked out the slow and obvious way from all records at once.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::projections::histories::is_kept;

/// Records that still count: those after the last forgetting of whomever they name.
pub(super) fn remaining(records: &[Decoded]) -> Vec<&Decoded> {
    let is_forgotten = |idx: usize| {
        records[idx + 1..].iter().any(|later| match &later.said().fact {
            Fact::Forgotten { subject } => names(&records[idx], *subject),
            _ => false,
        })
    };
    (0..records.len()).filter(|idx| !is_forgotten(*idx)).map(|idx| &records[idx]).collect()
}

/// Visits: a subject's events in the order of time, cut where half an hour passes.
pub(super) fn check_visits(views: &Views, records: &[Decoded]) {
    let mut by_subject: BTreeMap<SubjectId, Vec<(Timestamp, u64, ProductId)>> = BTreeMap::new();
    for record in remaining(records) {
        let (Some(subject), Fact::Interaction(interaction)) = (record.subject, &record.said().fact)
        else {
            continue;
        };
        let is_other = matches!(interaction.action, Action::CartViewed | Action::ListViewed);
        assert!(is_kept(interaction.action) || is_other);
        if interaction.action.is_visit() {
            let touches = by_subject.entry(subject).or_default();
            for mention in &interaction.products {
                touches.push((record.said().at, record.position.offset, mention.product.clone()));
            }
        }
    }
    let mut expected = Vec::new();
    for (subject, mut touches) in by_subject {
        touches.sort_by_key(|(at, offset, _)| (*at, *offset));
        let cut = |a: &(Timestamp, _, _), b: &(Timestamp, _, _)| b.0.ms_since(a.0) <= 30 * MINUTE;
        for visit in touches.chunk_by(cut) {
            let events: Vec<(i64, ProductId)> =
                visit.iter().map(|(at, _, id)| (at.as_ms(), id.clone())).collect();
            expected.push((subject, events));
        }
    }
    let mut found: Vec<(SubjectId, Vec<(i64, ProductId)>)> = views
        .visits
        .visits()
        .map(|visit| {
            let subject = views.shoppers.subject(visit.shopper().unwrap()).unwrap();
            let id = |item| views.catalogue.product_id(item).clone();
            (subject, visit.events().map(|(item, time)| (time, id(item))).collect())
        })
        .collect();
    expected.sort();
    found.sort();
    assert_eq!(expected, found);
}

/// What one source says of one order.
#[derive(Default)]
struct Reports<'a> {
    placed: Vec<(&'a Decoded, &'a Sale)>,
    refunds: Vec<(&'a Decoded, &'a Sale)>,
    is_cancelled: bool,
}

type Books = BTreeMap<(ProductId, LocationId, i32, bool), (i64, i64)>;

/// Sales by product, place, day and direction, summed over what counts of each order.
pub(super) fn check_sales(views: &Views, records: &[Decoded]) {
    let mut orders: BTreeMap<OrderRef, BTreeMap<Source, Reports<'_>>> = BTreeMap::new();
    for record in records {
        let Fact::Sale(sale) = &record.said().fact else { continue };
        let reports =
            orders.entry(sale.order).or_default().entry(record.said().source).or_default();
        match sale.change {
            OrderChange::Placed => reports.placed.push((record, sale)),
            OrderChange::Refunded => reports.refunds.push((record, sale)),
            OrderChange::Cancelled => reports.is_cancelled = true,
        }
    }
    let mut books = Books::new();
    for sources in orders.values() {
        if sources.values().any(|reports| reports.is_cancelled) {
            continue;
        }
        let placed = sources.values().rev().find(|reports| !reports.placed.is_empty());
        let placed = placed.map(|reports| {
            let latest = reports.placed.iter().max_by_key(|(r, _)| (r.said().at, r.event_id));
            let first = reports.placed.iter().map(|(r, sale)| (r.said().at, sale.day)).min();
            (latest.unwrap().1, first.unwrap().1)
        });
        let refunds = sources.values().rev().find(|reports| !reports.refunds.is_empty());
        let mut refunds = refunds.map_or(Vec::new(), |reports| reports.refunds.clone());
        refunds.sort_by_key(|(r, _)| (r.said().at, r.event_id));
        if let Some((sale, day)) = placed {
            enter(&mut books, (sale, day, false), &sale.lines);
            if let Some((_, refund)) = refunds.iter().find(|(_, refund)| refund.lines.is_empty()) {
                enter(&mut books, (refund, refund.day, true), &sale.lines);
                continue;
            }
        }
        for (_, refund) in refunds {
            enter(&mut books, (refund, refund.day, true), &refund.lines);
        }
    }
    assert_eq!(books, read_books(views));
}

fn enter(books: &mut Books, (sale, day, is_return): (&Sale, Day, bool), lines: &[OrderLine]) {
    for line in lines {
        let key = (line.product.clone(), sale.location.clone().unwrap(), day.number(), is_return);
        let sums = books.entry(key).or_default();
        sums.0 += line.quantity.milli();
        sums.1 += line.amount.unwrap().minor();
    }
}

fn read_books(views: &Views) -> Books {
    let mut books = Books::new();
    for item in (0..views.catalogue.n_items() as u32).map(souk_recommend::Item) {
        let all = (Day::from_number(-1), Day::from_number(100));
        for sale in views.sales.of(item, all, &views.catalogue) {
            let id = views.catalogue.product_id(item).clone();
            let place = LocationId::new(sale.location.unwrap()).unwrap();
            let key = (id, place, sale.day.number(), sale.is_return);
            let is_new = books.insert(key, (sale.quantity_milli, sale.amount_minor)).is_none();
            assert!(is_new, "each cell stands once");
        }
    }
    books
}

/// Members of a person: everything that can be reached over links that still stand, but for those of a browser in which two
/// users were identified.
pub(super) fn check_members(views: &Views, records: &[Decoded]) {
    // Who says it first: of an identification the user.
    let mut links: BTreeSet<(SubjectId, SubjectId, LinkBasis)> = BTreeSet::new();
    for record in remaining(records) {
        let Some(a) = record.subject else { continue };
        match record.said().fact {
            Fact::Linked { other, basis } if other != a => {
                links.insert((a, other, basis));
            }
            Fact::Unlinked { other, basis } => {
                links.remove(&(a, other, basis));
                links.remove(&(other, a, basis));
            }
            _ => {}
        }
    }
    let identified = links.iter().filter(|(_, _, basis)| *basis == LinkBasis::Identify);
    let mut users: BTreeMap<SubjectId, BTreeSet<SubjectId>> = BTreeMap::new();
    identified.for_each(|(user, browser, _)| {
        users.entry(*browser).or_default().insert(*user);
    });
    links.retain(|(_, browser, basis)| *basis != LinkBasis::Identify || users[browser].len() == 1);
    for start in (0..4).map(subject) {
        let mut members = BTreeSet::from([start]);
        loop {
            let reached = links.iter().filter_map(|(a, b, _)| {
                match (members.contains(a), members.contains(b)) {
                    (true, false) => Some(*b),
                    (false, true) => Some(*a),
                    _ => None,
                }
            });
            let reached: Vec<SubjectId> = reached.collect();
            if reached.is_empty() {
                break;
            }
            members.extend(reached);
        }
        let found = views.identity.members(start);
        assert_eq!(found[0], start);
        assert_eq!(members, found.into_iter().collect());
    }
}

/// Baskets: the latest placed report of the strongest source of each order that still counts.
pub(super) fn check_baskets(views: &Views, records: &[Decoded]) {
    let mut orders: BTreeMap<OrderRef, Vec<(&Decoded, &CustomerOrder)>> = BTreeMap::new();
    for record in remaining(records) {
        if let Fact::Order(order) = &record.said().fact {
            orders.entry(order.order).or_default().push((record, order));
        }
    }
    let mut expected: Vec<(SubjectId, BTreeSet<ProductId>)> = Vec::new();
    for reports in orders.values() {
        if reports.iter().any(|(_, order)| order.change == OrderChange::Cancelled) {
            continue;
        }
        let placed = reports.iter().filter(|(_, order)| order.change == OrderChange::Placed);
        let rank = |(r, _): &&(&Decoded, _)| (r.said().source, r.said().at, r.event_id);
        let Some((record, order)) = placed.max_by_key(rank) else { continue };
        let mut sums: BTreeMap<ProductId, i64> = BTreeMap::new();
        for line in &order.lines {
            *sums.entry(line.product.clone()).or_default() += line.quantity.milli();
        }
        let backs = reports.iter().filter(|(_, order)| order.change == OrderChange::Refunded);
        let strongest = backs.clone().map(|(record, _)| record.said().source).max();
        let backs = backs.filter(|(record, _)| Some(record.said().source) == strongest);
        if backs.clone().any(|(_, back)| back.lines.is_empty()) {
            continue;
        }
        for (_, back) in backs {
            // Of one refund the lines of a product are one, whatever their signs.
            let mut sums_back: BTreeMap<ProductId, i64> = BTreeMap::new();
            for line in &back.lines {
                *sums_back.entry(line.product.clone()).or_default() += line.quantity.milli();
            }
            for (product, milli) in sums_back {
                *sums.entry(product).or_default() -= milli.abs();
            }
        }
        let bought: BTreeSet<ProductId> =
            sums.into_iter().filter(|(_, milli)| *milli > 0).map(|(id, _)| id).collect();
        if !bought.is_empty() {
            expected.push((record.subject.unwrap(), bought));
        }
    }
    let id = |item: souk_recommend::Item| views.catalogue.product_id(item).clone();
    let mut found: Vec<(SubjectId, BTreeSet<ProductId>)> = views
        .baskets
        .visits()
        .map(|visit| {
            let subject = views.shoppers.subject(visit.shopper().unwrap()).unwrap();
            (subject, visit.items().map(id).collect())
        })
        .collect();
    let mut of_vectors: Vec<(SubjectId, BTreeSet<ProductId>)> = (0..4)
        .map(subject)
        .filter_map(|subject| Some((subject, views.shoppers.shopper(subject)?)))
        .flat_map(|(subject, shopper)| {
            let baskets = views.basket_vectors.baskets(shopper).iter();
            baskets
                .map(move |basket| (subject, basket.items().iter().map(|item| id(*item)).collect()))
        })
        .collect();
    expected.sort();
    found.sort();
    of_vectors.sort();
    assert_eq!(expected, found);
    assert_eq!(expected, of_vectors);
}
