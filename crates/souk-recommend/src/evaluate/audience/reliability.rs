//! Whether likelihoods of an audience are kept: how many of those who are said to buy with 30 % do.

use super::BUYERS_MIN;
use crate::audience::{Audience, CURVE_WINDOWS, Curve, Outcome, WINDOW_DAYS, Wanted, WantedThen};
use crate::evaluate::bootstrap::{Difference, paired_bootstrap};
use crate::evaluate::metrics::mean;
use crate::next_basket::BasketVectors;
use crate::types::{Item, Shopper};

const DAY_MS: i64 = 86_400_000;
/// Bands of likelihood: tenths.
const BANDS: usize = 10;
/// The likeliest people of whom it is looked how many bought.
pub const TOP: usize = 100;
const SEED: u64 = 0x6361_6c69;

/// A figure by the model of all products, and by the curve of the product itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BeforeAfter {
    /// By the model of all products.
    pub before: f64,
    /// By the product's own curve.
    pub after: f64,
}

/// People of one band of likelihood, over all products that were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Band {
    /// Pairs of a person and a product.
    pub n: usize,
    /// How many were said to buy: the sum of their likelihoods.
    pub said: f64,
    /// How many did.
    pub bought: usize,
}

/// One product.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductReliability {
    /// Which.
    pub item: Item,
    /// People who bought it before the cut.
    pub n_buyers: usize,
    /// People who were said to buy it within the window: the sum of all likelihoods.
    pub said: BeforeAfter,
    /// People who did.
    pub bought: usize,
    /// The same of the likeliest people.
    pub top_said: BeforeAfter,
    /// How many of these did.
    pub top_bought: usize,
    /// The mean squared difference between likelihood and what happened (Brier 1950).
    pub brier: BeforeAfter,
    /// The mean of −ln of how likely it took what happened for.
    pub log_loss: BeforeAfter,
}

/// How well likelihoods are kept in the window after the cut.
#[derive(Clone, Debug, PartialEq)]
pub struct Reliability {
    /// By tenths of the model's likelihood.
    pub before: [Band; BANDS],
    /// By tenths of the likelihood after the curve.
    pub after: [Band; BANDS],
    /// The most bought first.
    pub products: Vec<ProductReliability>,
    /// How much lower the squared difference is after the curve than before it, over products.
    pub brier_gain: Difference,
    /// The same of −ln of the likelihood.
    pub log_loss_gain: Difference,
    /// Nanoseconds of making one product's curve.
    pub latencies: Vec<u64>,
}

/// Learns each product's curve on the last windows before the cut, and judges it in the window after it.
pub(super) fn reliability(
    audience: &Audience,
    (vectors, later): (&BasketVectors, &BasketVectors),
    (cut, products_max): (i64, usize),
    clock: &dyn Fn() -> u64,
) -> Reliability {
    let mut latencies = Vec::new();
    let mut bands = [[Band::default(); BANDS]; 2];
    let mut products = Vec::new();
    for item in spread(vectors, products_max) {
        let began = clock();
        let curve = curve(audience, vectors, (item, cut));
        latencies.push(clock().saturating_sub(began));
        let outcomes = judged(audience, (vectors, later), (item, cut));
        for one in &outcomes {
            for (bands, likelihood) in
                bands.iter_mut().zip([one.likelihood, curve.of(one.likelihood)])
            {
                let band = ((likelihood * BANDS as f64) as usize).min(BANDS - 1);
                let Band { n, said, bought } = bands[band];
                let bought = bought + usize::from(one.has_bought);
                bands[band] = Band { n: n + 1, said: said + likelihood, bought };
            }
        }
        products.push(of_product(&outcomes, &curve, (item, vectors.n_buyers_of(item))));
    }
    let gain = |figure: fn(&ProductReliability) -> BeforeAfter| {
        let figures = products.iter().map(figure);
        let (before, after): (Vec<f64>, Vec<f64>) =
            figures.map(|one| (one.before, one.after)).unzip();
        paired_bootstrap(&before, &after, SEED)
    };
    let (brier_gain, log_loss_gain) = (gain(|one| one.brier), gain(|one| one.log_loss));
    let [before, after] = bands;
    Reliability { before, after, products, brier_gain, log_loss_gain, latencies }
}

/// The curve of a product, as a shop learns it at the cut.
fn curve(audience: &Audience, vectors: &BasketVectors, (item, cut): (Item, i64)) -> Curve {
    let items = [item];
    let n = vectors.n_shoppers() as u32;
    let of_window = |number: i64| {
        let then = cut - number * WINDOW_DAYS * DAY_MS;
        let mut wanted = WantedThen::new(&items, then, vectors);
        wanted.count(vectors, 0..n);
        audience.outcomes(vectors, 0..n, (&wanted.wanted(), then))
    };
    Curve::learn(&(1..=CURVE_WINDOWS).flat_map(of_window).collect::<Vec<Outcome>>())
}

/// What the model says at the cut of everybody who was known, and what they did within the window after it.
fn judged(
    audience: &Audience,
    (vectors, later): (&BasketVectors, &BasketVectors),
    (item, cut): (Item, i64),
) -> Vec<Outcome> {
    let wanted = Wanted::of(&[item], vectors);
    let until = cut + WINDOW_DAYS * DAY_MS;
    let people = (0..vectors.n_shoppers() as u32).map(Shopper);
    let known = people.filter(|shopper| !vectors.baskets(*shopper).is_empty());
    let of = |shopper: Shopper| {
        let mut within = later.baskets(shopper).iter().filter(|one| one.time <= until);
        Outcome {
            shopper,
            likelihood: audience.likelihood(vectors.baskets(shopper), &wanted, cut),
            has_bought: within.any(|one| one.items().binary_search(&item).is_ok()),
        }
    };
    known.map(of).collect()
}

fn of_product(
    outcomes: &[Outcome],
    curve: &Curve,
    (item, n_buyers): (Item, usize),
) -> ProductReliability {
    let mut best: Vec<&Outcome> = outcomes.iter().collect();
    best.sort_by(|a, b| b.likelihood.total_cmp(&a.likelihood));
    best.truncate(TOP);
    let both = |figure: &dyn Fn(f64, f64) -> f64| {
        let with = |curve: &Curve| -> Vec<f64> {
            let hit = |one: &Outcome| f64::from(u8::from(one.has_bought));
            outcomes.iter().map(|one| figure(curve.of(one.likelihood), hit(one))).collect()
        };
        BeforeAfter { before: mean(&with(&Curve::STRAIGHT)), after: mean(&with(curve)) }
    };
    let sum = |some: &mut dyn Iterator<Item = &Outcome>| {
        let add = |sum: BeforeAfter, one: &Outcome| BeforeAfter {
            before: sum.before + one.likelihood,
            after: sum.after + curve.of(one.likelihood),
        };
        some.fold(BeforeAfter::default(), add)
    };
    ProductReliability {
        item,
        n_buyers,
        said: sum(&mut outcomes.iter()),
        bought: outcomes.iter().filter(|one| one.has_bought).count(),
        top_said: sum(&mut best.iter().copied()),
        top_bought: best.iter().filter(|one| one.has_bought).count(),
        brier: both(&|likelihood, hit| (likelihood - hit).powi(2)),
        log_loss: both(&|likelihood, hit| {
            let of_hit = if hit > 0.5 { likelihood } else { 1.0 - likelihood };
            -of_hit.max(1e-12).ln()
        }),
    }
}

/// Products of every frequency, chosen by what was known before the cut: evenly by the logarithm of their buyers.
fn spread(vectors: &BasketVectors, max: usize) -> Vec<Item> {
    let mut items: Vec<(usize, Item)> = (0..vectors.n_items() as u32)
        .map(|number| (vectors.n_buyers_of(Item(number)), Item(number)))
        .filter(|(n, _)| *n >= 2 * BUYERS_MIN)
        .collect();
    items.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let (Some(most), Some(least)) = (items.first(), items.last()) else { return Vec::new() };
    let (most, least) = ((most.0 as f64).ln(), (least.0 as f64).ln());
    let mut from = 0;
    let mut spread = Vec::new();
    for step in 0..max {
        let share = step as f64 / (max - 1).max(1) as f64;
        let n = (most + (least - most) * share).exp() + 1e-9;
        let Some(at) = items[from..].iter().position(|(buyers, _)| *buyers as f64 <= n) else {
            break;
        };
        spread.push(items[from + at].1);
        from += at + 1;
    }
    spread
}
