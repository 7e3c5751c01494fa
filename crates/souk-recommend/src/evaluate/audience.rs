//! How well people are ranked by what they will want, and how well likelihoods are kept: learned before a cut,
//! judged by who bought after it.

use super::baskets::BasketRow;
use super::bootstrap::{Difference, paired_bootstrap};
use crate::audience::rivals::{activity, frequency_and_recency, lift_at};
use crate::audience::{Audience, Quality, Wanted};
use crate::next_basket::{Basket, BasketVectors};
use crate::types::{Item, Shopper};
use souk_math::Random;

mod reliability;

pub use reliability::{Band, BeforeAfter, ProductReliability, Reliability, TOP};

/// Buyers after the cut below which a product judges nothing.
const BUYERS_MIN: usize = 10;
/// Examples that are learned from.
const EXAMPLES_MAX: usize = 90;

/// What to judge.
#[derive(Clone, Copy, Debug)]
pub struct AudienceTask<'a> {
    /// What was bought before the cut.
    pub train: &'a [BasketRow],
    /// What was bought after it.
    pub test: &'a [BasketRow],
    /// How many people are picked.
    pub ks: &'a [usize],
    /// Products that judge at most.
    pub products_max: usize,
    /// Products of every frequency whose likelihoods are judged.
    pub reliability_max: usize,
}

/// The mean lift of one way to pick people, over all that judged.
#[derive(Clone, Debug, PartialEq)]
pub struct AudienceLift {
    /// People that were picked.
    pub k: usize,
    /// By the learned likelihood.
    pub model: f64,
    /// By how often and how lately they bought it.
    pub frequency_and_recency: f64,
    /// By how busy they are.
    pub activity: f64,
    /// How far the first lies above the second.
    pub over_baseline: Difference,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct AudienceReport {
    /// Among everybody who was known before the cut.
    pub all: Vec<AudienceLift>,
    /// Among those who had never bought it.
    pub newcomers: Vec<AudienceLift>,
    /// How well likelihoods are kept in the four weeks after the cut.
    pub reliability: Reliability,
    /// How good the model took itself for, on the last weeks before the cut.
    pub quality: Quality,
    /// People known before the cut.
    pub n_people: usize,
    /// Products that judged.
    pub n_products: usize,
    /// Nanoseconds of one product's ranking of everybody.
    pub latencies: Vec<u64>,
}

/// Judges; `None` where there is too little to learn from. `clock` gives nanoseconds.
pub fn evaluate_audience(
    task: &AudienceTask<'_>,
    clock: &dyn Fn() -> u64,
) -> Option<AudienceReport> {
    let vectors = vectors_of(task.train);
    let cut = task.train.iter().map(|row| row.time).max()?;
    let audience = Audience::learn(&vectors, &examples(&vectors, EXAMPLES_MAX), (cut, None))?;
    let people: Vec<Shopper> = (0..vectors.n_shoppers() as u32)
        .map(Shopper)
        .filter(|shopper| !vectors.baskets(*shopper).is_empty())
        .collect();
    let later = vectors_of(task.test);
    let mut latencies = Vec::new();
    let (mut all, mut newcomers) = (Lifts::new(task.ks), Lifts::new(task.ks));
    let products = judges(&later, (&vectors, task.products_max));
    for &item in &products {
        let began = clock();
        let wanted = Wanted::of(&[item], &vectors);
        let likelihood =
            |shopper: &Shopper| audience.likelihood(vectors.baskets(*shopper), &wanted, cut);
        let scores: Vec<f64> = people.iter().map(likelihood).collect();
        latencies.push(clock().saturating_sub(began));
        let rows: Vec<[f64; 3]> = people
            .iter()
            .zip(scores)
            .map(|(shopper, model)| {
                let signals = crate::audience::signals(vectors.baskets(*shopper), &wanted, cut);
                [model, frequency_and_recency(&signals), activity(&signals)]
            })
            .collect();
        let bought = |shopper: &Shopper| later.n_bought(*shopper, item) > 0;
        let took: Vec<bool> = people.iter().map(bought).collect();
        let is_new = |shopper: &Shopper| vectors.n_bought(*shopper, item) == 0;
        let fresh: Vec<bool> = people.iter().map(is_new).collect();
        all.add(&rows, &took, |_| true);
        newcomers.add(&rows, &took, |idx| fresh[idx]);
    }
    let asked = (cut, task.reliability_max);
    Some(AudienceReport {
        reliability: reliability::reliability(&audience, (&vectors, &later), asked, clock),
        all: all.report(),
        newcomers: newcomers.report(),
        quality: audience.quality,
        n_people: people.len(),
        n_products: products.len(),
        latencies,
    })
}

fn vectors_of(rows: &[BasketRow]) -> BasketVectors {
    let mut rows: Vec<&BasketRow> = rows.iter().collect();
    rows.sort_unstable_by_key(|row| (row.shopper, row.basket));
    let baskets = rows.chunk_by(|a, b| (a.shopper, a.basket) == (b.shopper, b.basket));
    let of = |lines: &[&BasketRow]| {
        let items: Vec<Item> = lines.iter().map(|row| row.item).collect();
        let time = lines.iter().map(|row| row.time).min().unwrap_or_default();
        (lines[0].shopper, Basket::new(lines[0].basket, time, &items))
    };
    BasketVectors::build(baskets.map(of).collect())
}

/// Products to learn from, spread over popular and rare ones, in an order that means nothing.
pub fn examples(vectors: &BasketVectors, max: usize) -> Vec<Vec<Item>> {
    let mut items: Vec<(usize, Item)> = (0..vectors.n_items() as u32)
        .map(|number| (vectors.n_buyers_of(Item(number)), Item(number)))
        .filter(|(n, _)| *n >= 2 * BUYERS_MIN)
        .collect();
    items.sort_unstable_by(|a, b| b.cmp(a));
    let mut random = Random::new(0xa0d1);
    let step = items.len().div_ceil(max).max(1);
    let mut spread: Vec<Vec<Item>> =
        items.chunks(step).map(|some| vec![some[random.below(some.len())].1]).collect();
    for idx in (1..spread.len()).rev() {
        spread.swap(idx, random.below(idx + 1));
    }
    spread
}

/// Products that enough people bought after the cut, spread likewise.
fn judges(later: &BasketVectors, (before, max): (&BasketVectors, usize)) -> Vec<Item> {
    let is_known = |item: Item| before.n_buyers_of(item) > 0;
    let mut items: Vec<(usize, Item)> = (0..later.n_items() as u32)
        .map(|number| (later.n_buyers_of(Item(number)), Item(number)))
        .filter(|(n, item)| *n >= BUYERS_MIN && is_known(*item))
        .collect();
    items.sort_unstable_by(|a, b| b.cmp(a));
    let step = items.len().div_ceil(max.max(1)).max(1);
    items.into_iter().step_by(step).map(|(_, item)| item).collect()
}

/// Lifts of three ways to pick people, a row for each product, for each k.
struct Lifts<'a> {
    ks: &'a [usize],
    rows: Vec<Vec<[f64; 3]>>,
}

impl<'a> Lifts<'a> {
    fn new(ks: &'a [usize]) -> Lifts<'a> {
        Lifts { ks, rows: vec![Vec::new(); ks.len()] }
    }

    fn add(&mut self, scores: &[[f64; 3]], took: &[bool], counts: impl Fn(usize) -> bool) {
        let chosen: Vec<usize> = (0..took.len()).filter(|idx| counts(*idx)).collect();
        if chosen.iter().filter(|idx| took[**idx]).count() < BUYERS_MIN {
            return;
        }
        for (k, rows) in self.ks.iter().zip(&mut self.rows) {
            let lift = |way: usize| {
                lift_at(chosen.iter().map(|&idx| (scores[idx][way], took[idx])).collect(), *k)
            };
            rows.push([lift(0), lift(1), lift(2)]);
        }
    }

    fn report(&self) -> Vec<AudienceLift> {
        let of = |(k, rows): (&usize, &Vec<[f64; 3]>)| {
            let way = |way: usize| -> Vec<f64> { rows.iter().map(|row| row[way]).collect() };
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
            let (model, baseline) = (way(0), way(1));
            AudienceLift {
                k: *k,
                model: mean(&model),
                frequency_and_recency: mean(&baseline),
                activity: mean(&way(2)),
                over_baseline: paired_bootstrap(&model, &baseline, 1),
            }
        };
        self.ks.iter().zip(&self.rows).map(of).collect()
    }
}
