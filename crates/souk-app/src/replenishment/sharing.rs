//! Where each line is ordered, with what an order costs whatever is in it shared by the lines that it has.
//!
//! An order's own cost is paid once, however many lines it has. So at first every line goes where it is cheapest without
//! it, and then suppliers are left out whose order costs more than their lines save (the drop heuristic of Kuehn and
//! Hamburger, Management Science 9(4), 1963, and of Feldman, Lehrer and Ray, 12(9), 1966, for where to have warehouses at
//! all). A draft takes further lines at no cost of its own, and for what waits for a
//! supplier's next chance an open order says that there will be one: else to accept a plan would make waiting dear and
//! the next plan another one.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::choice::{Candidate, Missing, Need, Times, compared_in, times};
use super::{PlanException, PlanLine};
use crate::purchasing::{PurchaseState, StoredSupplier};

/// So many lines share a cost that nothing of it is left for one.
const SHARED_BY_ALL: usize = i64::MAX as usize;

/// Lines of a supplier's open orders for the place: of the largest draft, which lines can still be added to, and of the
/// largest of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OpenLines {
    draft: usize,
    any: usize,
}

impl OpenLines {
    /// Hears of one more order.
    pub(super) fn add(&mut self, state: PurchaseState, n_lines: usize) {
        self.any = self.any.max(n_lines);
        if state == PurchaseState::Draft {
            self.draft = self.draft.max(n_lines);
        }
    }
}

/// A need with the suppliers that it is compared at.
struct Weighed {
    need: Need,
    candidates: Vec<Candidate>,
}

/// Compares suppliers for every need; lines of products of which nothing is missing are left out. What only could be
/// ordered in larger lots than sell before they go off is an exception.
pub(super) fn compare(
    needs: Vec<Need>,
    (suppliers, open): (&BTreeMap<String, StoredSupplier>, &FxHashMap<String, OpenLines>),
) -> (Vec<PlanLine>, Vec<PlanException>) {
    let mut by_product: BTreeMap<&str, Vec<&StoredSupplier>> = BTreeMap::new();
    for stored in suppliers.values() {
        for offer in &stored.supplier.offers {
            by_product.entry(&offer.product_id).or_default().push(stored);
        }
    }
    let mut exceptions = Vec::new();
    let mut weighed = Vec::new();
    for need in needs {
        let offering = by_product.get(need.product.id.as_str());
        match need.weighed(offering.map(Vec::as_slice)) {
            Ok(found) => weighed.extend(found),
            Err(refused) => exceptions.push(refused),
        }
    }
    let mut compared: Vec<&mut Vec<Candidate>> =
        weighed.iter_mut().map(|one| &mut one.candidates).collect();
    share_costs(&mut compared, suppliers, open);
    let lines = weighed.into_iter().filter_map(|Weighed { mut need, mut candidates }| {
        // Who is cheapest and still in time at the next chance is waited for: asking one who delivers later now would
        // keep the stock above the cheap one's level for ever.
        if candidates.first().is_some_and(|first| first.need <= 0.0) {
            return None;
        }
        need.tell_of_waiting(&candidates);
        candidates.retain(|one| one.need > 0.0);
        if let Some(first) = candidates.first_mut() {
            first.is_chosen = true;
        }
        need.line(candidates)
    });
    (lines.collect(), exceptions)
}

/// Chooses for each product, puts the chosen one first and the others by their costs, with what orders cost shared.
fn share_costs(
    all: &mut [&mut Vec<Candidate>],
    suppliers: &BTreeMap<String, StoredSupplier>,
    open: &FxHashMap<String, OpenLines>,
) {
    let stored = |candidate: &Candidate| suppliers.get(&candidate.supplier_id);
    for candidate in all.iter_mut().flat_map(|one| one.iter_mut()) {
        if let Some(stored) = stored(candidate) {
            candidate.share(stored, SHARED_BY_ALL);
        }
    }
    for candidates in all.iter_mut() {
        candidates.sort_by(|a, b| {
            let costs = a.cost_in_all().total_cmp(&b.cost_in_all());
            costs.then(a.arrives_on.cmp(&b.arrives_on)).then(a.supplier_id.cmp(&b.supplier_id))
        });
    }
    let closed = not_asked(all, suppliers, open);
    let first = |one: &Vec<Candidate>| {
        let is_asked = |candidate: &Candidate| !closed.contains(&Kind::of(candidate));
        one.iter().position(is_asked).unwrap_or(0)
    };
    let mut n_lines: FxHashMap<String, usize> = FxHashMap::default();
    for candidates in all.iter_mut().filter(|one| !one.is_empty()) {
        let chosen = first(candidates);
        candidates[..=chosen].rotate_right(1);
        if candidates[0].need > 0.0 {
            *n_lines.entry(candidates[0].supplier_id.clone()).or_insert(0) += 1;
        }
    }
    for candidates in all.iter_mut() {
        for (idx, candidate) in candidates.iter_mut().enumerate() {
            let known = open.get(&candidate.supplier_id).copied().unwrap_or_default();
            let n = n_lines.get(&candidate.supplier_id).copied().unwrap_or(0);
            let n = match candidate.need > 0.0 {
                true => n + known.draft + usize::from(idx > 0),
                false => n.max(known.any).max(1),
            };
            if let Some(stored) = suppliers.get(&candidate.supplier_id) {
                candidate.share(stored, n);
            }
        }
        if let Some((_, others)) = candidates.split_first_mut() {
            others.sort_by(|a, b| {
                let costs = a.cost_in_all().total_cmp(&b.cost_in_all());
                costs.then(a.supplier_id.cmp(&b.supplier_id))
            });
        }
    }
}

/// Lines of a supplier that are ordered today, or that wait for its next chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Kind<'a> {
    supplier_id: &'a str,
    is_now: bool,
}

impl Kind<'_> {
    fn of(candidate: &Candidate) -> Kind<'_> {
        Kind { supplier_id: &candidate.supplier_id, is_now: candidate.need > 0.0 }
    }
}

/// Lines that are not asked for at a supplier, because what an order there costs is more than what they save beside the next
/// best. They are left out one after another, those first that save most so, until none does. What waits pays for no order
/// of today: it would be made for lines that are not in it.
fn not_asked<'a>(
    all: &[&mut Vec<Candidate>],
    suppliers: &'a BTreeMap<String, StoredSupplier>,
    open: &FxHashMap<String, OpenLines>,
) -> FxHashSet<Kind<'a>> {
    let mut closed: FxHashSet<Kind<'a>> = FxHashSet::default();
    loop {
        // What going elsewhere costs them more, and what an order costs.
        let mut lines: BTreeMap<Kind<'_>, (f64, f64)> = BTreeMap::new();
        for candidates in all {
            let mut able = candidates.iter().filter(|one| !closed.contains(&Kind::of(one)));
            let Some(first) = able.next() else { continue };
            let more = able.next().map_or(f64::INFINITY, |next| {
                (next.cost_in_all() - first.cost_in_all()) * first.quantity
            });
            let stored = suppliers.get(&first.supplier_id);
            let cost = stored.map_or(0.0, |stored| first.order_cost(stored));
            let known = lines.entry(Kind::of(first)).or_insert((0.0, cost));
            *known = (known.0 + more, cost);
        }
        let saved = lines.iter().map(|(kind, (more, cost))| {
            let known = open.get(kind.supplier_id).copied().unwrap_or_default();
            let now = Kind { is_now: true, ..*kind };
            // An order of today says that there will be a next one.
            let (is_paid, with) = match kind.is_now {
                true => (known.draft > 0, 0.0),
                false => (known.any > 0, lines.get(&now).map_or(0.0, |(more, _)| *more)),
            };
            (kind, if is_paid { 0.0 } else { *cost } - more - with)
        });
        let most = saved.filter(|(_, saved)| *saved > 0.0).max_by(|a, b| {
            // Of equal ones the first by name.
            a.1.total_cmp(&b.1).then(b.0.cmp(a.0))
        });
        let found = most.and_then(|(kind, _)| {
            let (supplier_id, _) = suppliers.get_key_value(kind.supplier_id)?;
            Some(Kind { supplier_id, is_now: kind.is_now })
        });
        let Some(kind) = found else { return closed };
        closed.insert(kind);
    }
}

impl Need {
    /// The suppliers that it is compared at; `None` where nothing is missing at any of them, and an exception where none can
    /// be ordered at.
    fn weighed(
        mut self,
        offering: Option<&[&StoredSupplier]>,
    ) -> Result<Option<Weighed>, PlanException> {
        let offers = || offering.into_iter().flatten().copied();
        let missing: Vec<(&str, Times, Missing)> = offers()
            .map(|stored| {
                let times = times(stored, self.today, self.review_days);
                (&*stored.supplier.id, times, self.missing(&times))
            })
            .collect();
        let most = missing.iter().map(|(_, _, one)| one.units).fold(0.0, f64::max);
        // Whoever offers it can still be asked next time, unless it goes off before it is sold then too.
        if offering.is_some() && most <= 0.0 {
            let by_need = |a: &&(&str, Times, Missing), b: &&(&str, Times, Missing)| {
                a.2.units_if_kept.total_cmp(&b.2.units_if_kept).then(b.0.cmp(a.0))
            };
            let slow = missing.iter().filter(|one| one.2.units_if_kept > 0.0).max_by(by_need);
            return match slow {
                Some((id, times, one)) => {
                    Err(self.exception("shelf_life", self.too_slow(id, (times, one))))
                }
                None => Ok(None),
            };
        }
        let (mut candidates, mut refused) = (Vec::new(), Vec::new());
        for answer in offers().filter_map(|stored| self.candidate(stored, most)) {
            match answer {
                Ok(candidate) => candidates.push(candidate),
                Err(refusal) => refused.push(refusal),
            }
        }
        if candidates.is_empty() && !refused.is_empty() {
            return Err(self.exception("shelf_life", refused.join("; ")));
        }
        let currency_of = |one: &Candidate| one.unit_price.currency();
        if let Some(currency) = compared_in(candidates.iter().map(currency_of), self.currency) {
            let (alike, left_out): (Vec<Candidate>, Vec<Candidate>) =
                candidates.into_iter().partition(|one| currency_of(one) == currency);
            candidates = alike;
            self.notes.extend(left_out.iter().map(|one| {
                let (id, price) = (&one.supplier_id, one.unit_price);
                format!("`{id}` asks {price} for one and is not compared with prices in {currency}")
            }));
        }
        self.weigh(&mut candidates);
        Ok(Some(Weighed { need: self, candidates }))
    }
}

#[cfg(test)]
mod tests;
