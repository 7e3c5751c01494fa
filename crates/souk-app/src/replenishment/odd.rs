//! What a person should look at, so that it fits one screen: alike things are one line, and what most money hangs on is first.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use souk_core::{Money, Product, ProductId};

use super::choice::Need;

/// Products of one exception that are named (chosen).
const NAMED_MAX: usize = 1_000;
/// Days of sales that are at stake: until somebody who looks each day has looked, and an order came (chosen).
pub(super) const STAKE_DAYS: f64 = 7.0;

/// Something odd about a product, or about several alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanException {
    /// A stable slug: `stock_unknown`, `sold_more`, `overdue` or `shelf_life`.
    pub kind: &'static str,
    /// The products of which it is said, that with the most at stake first; a thousand at most.
    pub products: Vec<ProductId>,
    /// How many there are.
    pub n_products: usize,
    /// The first one's title.
    pub title: String,
    /// What is odd, and what to do.
    pub text: String,
    /// What a week sells of them at their prices, as far as those are known and in one currency.
    pub at_stake: Option<Money>,
}

impl PlanException {
    /// Of one product, of which so many units are sold in a week.
    pub(super) fn of(
        kind: &'static str,
        (product, units): (&Product, f64),
        text: String,
    ) -> PlanException {
        let at_stake = product.price.map(|price| {
            Money::from_minor((price.minor() as f64 * units).round() as i64, price.currency())
        });
        PlanException {
            kind,
            products: vec![product.id.clone()],
            n_products: 1,
            title: product.title.clone(),
            text,
            at_stake,
        }
    }

    fn stake(&self) -> i64 {
        self.at_stake.map_or(-1, Money::minor)
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "kind": self.kind,
            "product_id": self.products.first().map(ProductId::as_str),
            "title": self.title,
            "products": self.n_products,
            "product_ids": self.products.iter().map(ProductId::as_str).collect::<Vec<_>>(),
            "at_stake": self.at_stake.map(super::json::money),
            "text": self.text,
        })
    }
}

impl Need {
    pub(super) fn exception(&self, kind: &'static str, text: String) -> PlanException {
        PlanException::of(kind, (&self.product, self.ahead.over(STAKE_DAYS).mean), text)
    }
}

/// One exception for all of which the same is said, those with the most at stake first.
pub(super) fn grouped(mut all: Vec<PlanException>) -> Vec<PlanException> {
    let by_stake = |a: &PlanException, b: &PlanException| {
        b.stake().cmp(&a.stake()).then_with(|| a.products.cmp(&b.products))
    };
    all.sort_by(by_stake);
    let mut groups: Vec<PlanException> = Vec::new();
    let mut known: BTreeMap<(&'static str, String), usize> = BTreeMap::new();
    for one in all {
        let Some(idx) = known.get(&(one.kind, one.text.clone())) else {
            known.insert((one.kind, one.text.clone()), groups.len());
            groups.push(one);
            continue;
        };
        let group = &mut groups[*idx];
        group.n_products += one.n_products;
        group.products.extend(one.products);
        group.products.truncate(NAMED_MAX);
        // What is in another currency has no sum with it.
        let sum = group.at_stake.zip(one.at_stake).and_then(|(a, b)| a.checked_add(b).ok());
        group.at_stake = sum.or(group.at_stake);
    }
    groups.sort_by(by_stake);
    groups
}

#[cfg(test)]
mod tests;
