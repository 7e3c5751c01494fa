//! Who is likely to want a product, or any of a category, within the next weeks: people ranked by how
//! likely they are to buy it.
//!
//! A logistic regression over nine figures of a person and what is wanted: how often it was bought, how
//! lately, whether it is due, how much the person buys of what its buyers buy, and how busy they are. It
//! is learned on the shop's own past: what was known four weeks before the end says who bought in these
//! four weeks. So it fits a grocer, where the wanted is bought every week, and a furniture shop, where it is
//! bought once. A third of what it could learn from is kept back and tells how good it is. What its
//! likelihoods are worth for one product is learned on the product itself: [`Curve`].
//!
//! Source of the measure: lift, as in Ling and Li, "Data Mining for Direct Marketing", KDD 1998.

use crate::evaluate::bootstrap::paired_bootstrap;
use crate::evaluate::metrics::mean;
use crate::minimise::minimise;
use crate::next_basket::{Basket, BasketVectors};
use crate::types::{Item, Shopper};
use souk_math::Random;

mod curve;
pub(crate) mod rivals;
#[cfg(test)]
mod tests;
mod wanted;

pub use curve::{CURVE_WINDOWS, Curve, Outcome};
pub use wanted::{Wanted, WantedThen};

const DAY_MS: i64 = 86_400_000;
/// How far likelihoods look ahead: four weeks, whole weeks so that each day of the week counts the same.
pub const WINDOW_DAYS: i64 = 28;
/// Figures of a person and a wanted.
const SIGNALS: usize = 9;
const ALL_SIGNALS: [usize; SIGNALS] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
/// The figures, and what everybody starts from.
const WEIGHTS: usize = SIGNALS + 1;
/// People that are looked at for one lesson; chosen.
const PEOPLE_MAX: usize = 2_000;
/// Buyers within the window below which a wanted teaches nothing.
const BUYERS_MIN: usize = 10;
/// Lessons below which nothing is learned.
const LESSONS_MIN: usize = 9;
/// How much weights are held back (ridge, per row); chosen.
const RIDGE: f64 = 1e-4;
/// The share of people whose lift is measured: the best tenth.
const MEASURED_SHARE: f64 = 0.1;
/// Products that judge, below which no model is called worse: an interval from fewer is too narrow (chosen).
const JUDGES_MIN: usize = 10;
/// Where differences are drawn from.
const SEED: u64 = 0x6175_6469;
/// The figures that say how often and how lately something was bought.
const FREQUENCY_AND_RECENCY: [usize; 2] = [2, 3];

/// Who wants what, learned from a shop.
#[derive(Clone, Debug, PartialEq)]
pub struct Audience {
    weights: [f64; WEIGHTS],
    /// Mean and deviation of each figure where it was learned.
    scales: [(f64, f64); SIGNALS],
    /// How good it was.
    pub quality: Quality,
}

/// How good an audience is on products that it did not learn from, over the last window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// How many times as many of the best tenth of people bought as of all.
    pub lift: f64,
    /// The same for people by how often and how lately they bought it.
    pub baseline_lift: f64,
    /// Products that judged.
    pub n_judged: usize,
    /// Products that taught.
    pub n_taught: usize,
    /// What people are ranked by after that.
    pub basis: Basis,
}

/// One person beside one wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    signals: [f64; SIGNALS],
    has_bought: bool,
}

/// What people are ranked by: what was best on the products that judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// All figures, weighed anew.
    Learned,
    /// The model before: the new one was worse.
    Before,
    /// How often and how lately it was bought: no model was better than what shops do by hand.
    FrequencyAndRecency,
}

impl Basis {
    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Basis::Learned => "learned",
            Basis::Before => "before",
            Basis::FrequencyAndRecency => "frequency_and_recency",
        }
    }
}

/// By what people are ranked, by the lifts of each way on the same judges: by what was learned, unless it is surely worse
/// than the model before, and by a model only where it is not surely worse than what shops do by hand. Surely: the
/// 95 % interval of the difference lies below zero. Some thirty products judge, and a smaller difference is their noise.
fn chosen(learned: &[f64], before: Option<&[f64]>, by_hand: &[f64]) -> Basis {
    let is_worse = |one: &[f64], other: &[f64]| {
        one.len() >= JUDGES_MIN && paired_bootstrap(one, other, SEED).high < 0.0
    };
    match before {
        Some(before) if is_worse(learned, before) && !is_worse(before, by_hand) => Basis::Before,
        _ if is_worse(learned, by_hand) => Basis::FrequencyAndRecency,
        _ => Basis::Learned,
    }
}

impl Audience {
    /// Learns from what was bought until `now`, by these examples of what can be wanted, and judges it beside the
    /// model `before` and beside what shops do by hand: what serves is in [`Quality::basis`]. `None` where too few of
    /// the examples were bought within the last window.
    pub fn learn(
        vectors: &BasketVectors,
        examples: &[Vec<Item>],
        (now, before): (i64, Option<&Audience>),
    ) -> Option<Audience> {
        let cut = now - WINDOW_DAYS * DAY_MS;
        let earlier = until(vectors, cut);
        let mut random = Random::new(0x5eed);
        let mut lessons: Vec<Lesson> = Vec::new();
        for items in examples {
            let wanted = Wanted::of(items, &earlier);
            lessons.extend(Lesson::of(&wanted, (vectors, &earlier), (cut, now), &mut random));
        }
        if lessons.len() < LESSONS_MIN {
            return None;
        }
        let (judges, teachers): (Vec<_>, Vec<_>) =
            lessons.iter().enumerate().partition(|(idx, _)| idx % 3 == 2);
        let rows: Vec<Row> =
            teachers.iter().flat_map(|(_, lesson)| lesson.rows.iter().copied()).collect();
        let lifts = |score: &dyn Fn(&Row) -> f64| -> Vec<f64> {
            judges.iter().map(|(_, lesson)| lesson.lift(score)).collect()
        };
        let lifts_of = |model: &Audience| lifts(&|row| model.of_signals(&row.signals));
        let by_hand = lifts(&|row| rivals::frequency_and_recency(&row.signals));
        let quality = Quality {
            lift: 0.0,
            baseline_lift: mean(&by_hand),
            n_judged: judges.len(),
            n_taught: teachers.len(),
            basis: Basis::Learned,
        };
        let scales = scales(&rows);
        let fitted = |asked: &[usize]| {
            Some(Audience { weights: fit(&rows, (&scales, asked))?, scales, quality })
        };
        let learned = fitted(&ALL_SIGNALS)?;
        let of_before = before.map(&lifts_of);
        let basis = chosen(&lifts_of(&learned), of_before.as_deref(), &by_hand);
        let model = match (basis, before) {
            (Basis::Before, Some(before)) => before.clone(),
            (Basis::FrequencyAndRecency, _) => fitted(&FREQUENCY_AND_RECENCY)?,
            _ => learned,
        };
        let lift = mean(&lifts_of(&model));
        Some(Audience { quality: Quality { lift, basis, ..quality }, ..model })
    }

    /// The probability that somebody with these baskets, oldest first, buys any of the wanted within the
    /// window after `now`, as far as one model can say for all products.
    pub fn likelihood(&self, baskets: &[Basket], wanted: &Wanted, now: i64) -> f64 {
        self.of_signals(&signals(baskets, wanted, now))
    }

    /// What this model would have said at an earlier time of people who were known then, and who of them bought
    /// within the window after it, by the numbers of these people: what [`Curve::learn`] asks for. `wanted` is what it was then: [`WantedThen`].
    pub fn outcomes(
        &self,
        vectors: &BasketVectors,
        people: impl Iterator<Item = u32>,
        (wanted, then): (&Wanted, i64),
    ) -> Vec<Outcome> {
        let is_known = |baskets: &&[Basket]| baskets.first().is_some_and(|one| one.time <= then);
        let known = people.map(Shopper).map(|one| (one, vectors.baskets(one)));
        let known = known.filter(|(_, baskets)| is_known(baskets));
        let of = |(shopper, baskets): (Shopper, &[Basket])| Outcome {
            shopper,
            likelihood: self.likelihood(baskets, wanted, then),
            has_bought: has_bought(baskets, wanted, (then, then + WINDOW_DAYS * DAY_MS)),
        };
        known.map(of).collect()
    }

    fn of_signals(&self, signals: &[f64; SIGNALS]) -> f64 {
        1.0 / (1.0 + (-score(&self.weights, &scaled(signals, &self.scales))).exp())
    }
}

/// The baskets up to a time.
pub(crate) fn until(vectors: &BasketVectors, cut: i64) -> BasketVectors {
    let numbers = (0..vectors.n_shoppers() as u32).map(Shopper);
    let earlier = numbers.flat_map(|shopper| {
        let own = vectors.baskets(shopper).iter().take_while(move |basket| basket.time <= cut);
        own.map(move |basket| (shopper, basket.clone()))
    });
    BasketVectors::build(earlier.collect())
}

/// People beside one wanted, and who of them bought it.
struct Lesson {
    rows: Vec<Row>,
}

impl Lesson {
    fn of(
        wanted: &Wanted,
        (all, before): (&BasketVectors, &BasketVectors),
        (cut, now): (i64, i64),
        random: &mut Random,
    ) -> Option<Lesson> {
        let mut rows = Vec::new();
        let numbers = (0..before.n_shoppers() as u32).map(Shopper);
        let mut known: Vec<Shopper> =
            numbers.filter(|shopper| !before.baskets(*shopper).is_empty()).collect();
        // The first of a shuffled list are a fair sample.
        let n = known.len().min(PEOPLE_MAX);
        for idx in 0..n {
            let other = idx + random.below(known.len() - idx);
            known.swap(idx, other);
        }
        for &shopper in &known[..n] {
            let has_bought = has_bought(all.baskets(shopper), wanted, (cut, now));
            rows.push(Row { signals: signals(before.baskets(shopper), wanted, cut), has_bought });
        }
        let n_buyers = rows.iter().filter(|row| row.has_bought).count();
        (BUYERS_MIN..n).contains(&n_buyers).then_some(Lesson { rows })
    }

    /// How many times as many of the best tenth bought as of all.
    fn lift(&self, score: impl Fn(&Row) -> f64) -> f64 {
        let scores: Vec<(f64, bool)> =
            self.rows.iter().map(|row| (score(row), row.has_bought)).collect();
        let k = (scores.len() as f64 * MEASURED_SHARE).ceil() as usize;
        rivals::lift_at(scores, k)
    }
}

/// Whether any of the wanted was bought after a time, and no later than another.
fn has_bought(baskets: &[Basket], wanted: &Wanted, (after, until): (i64, i64)) -> bool {
    let mut within = baskets.iter().filter(|one| one.time > after && one.time <= until);
    within.any(|one| one.items().iter().any(|item| wanted.is_wanted(*item)))
}

/// The figures of somebody with these baskets, oldest first.
pub(crate) fn signals(baskets: &[Basket], wanted: &Wanted, now: i64) -> [f64; SIGNALS] {
    let mut sums = [0.0_f64; 7];
    let mut times: (u32, i64, i64) = (0, 0, 0);
    let mut n_items = 0_usize;
    let mut n_known = 0_usize;
    for basket in baskets.iter().filter(|basket| basket.time <= now) {
        let days = (now - basket.time) as f64 / DAY_MS as f64;
        let (month, half_year) = ((-days / 30.0).exp2(), (-days / 180.0).exp2());
        let (is_there, kin) = wanted.met_in(basket.items());
        if is_there {
            sums[0] += month;
            sums[1] += half_year;
            if times.0 == 0 {
                times.1 = basket.time;
            }
            times = (times.0 + 1, times.1, basket.time);
        }
        sums[2] += kin * (-days / 90.0).exp2();
        sums[3] += month;
        sums[4] += half_year;
        n_items += basket.items().len();
        n_known += 1;
    }
    let (n_bought, first, last) = times;
    let since = (now - last) as f64 / DAY_MS as f64;
    let recency = if n_bought > 0 { (-since / 60.0).exp() } else { 0.0 };
    // How near the middle of the window lies to when it is due by the mean gap so far.
    let due = if n_bought > 1 && last > first {
        let gap = (last - first) as f64 / DAY_MS as f64 / f64::from(n_bought - 1);
        (-((since + WINDOW_DAYS as f64 / 2.0) / gap).ln().abs()).exp()
    } else {
        0.0
    };
    [
        sums[0].ln_1p(),
        sums[1].ln_1p(),
        f64::from(n_bought).ln_1p(),
        recency,
        due,
        (sums[2] / (sums[3] + 1.0)).ln_1p(),
        sums[3].ln_1p(),
        sums[4].ln_1p(),
        (n_items as f64 / n_known.max(1) as f64).ln_1p(),
    ]
}

fn scales(rows: &[Row]) -> [(f64, f64); SIGNALS] {
    let n = rows.len() as f64;
    std::array::from_fn(|idx| {
        let mean = rows.iter().map(|row| row.signals[idx]).sum::<f64>() / n;
        let square = rows.iter().map(|row| (row.signals[idx] - mean).powi(2)).sum::<f64>() / n;
        (mean, square.sqrt().max(1e-9))
    })
}

fn scaled(signals: &[f64; SIGNALS], scales: &[(f64, f64); SIGNALS]) -> [f64; SIGNALS] {
    // A figure far beyond all that was learned from says no more than the farthest of these.
    std::array::from_fn(|idx| ((signals[idx] - scales[idx].0) / scales[idx].1).clamp(-8.0, 8.0))
}

fn score(weights: &[f64; WEIGHTS], scaled: &[f64; SIGNALS]) -> f64 {
    scaled.iter().zip(weights).map(|(signal, weight)| signal * weight).sum::<f64>()
        + weights[SIGNALS]
}

/// Weights by maximum likelihood with a ridge; of the figures that are not asked they stay 0.
fn fit(
    rows: &[Row],
    (scales, asked): (&[(f64, f64); SIGNALS], &[usize]),
) -> Option<[f64; WEIGHTS]> {
    let scaled: Vec<([f64; SIGNALS], bool)> =
        rows.iter().map(|row| (scaled(&row.signals, scales), row.has_bought)).collect();
    let n = scaled.len() as f64;
    let bottom = minimise([0.0; WEIGHTS], |weights| {
        let (mut value, mut slope) = (0.0, [0.0; WEIGHTS]);
        for (signals, has_bought) in &scaled {
            let margin = score(weights, signals);
            // ln(1 + e^m) − m·y, without overflow.
            value += margin.max(0.0) + (-margin.abs()).exp().ln_1p();
            let mut miss = 1.0 / (1.0 + (-margin).exp());
            if *has_bought {
                value -= margin;
                miss -= 1.0;
            }
            for (slope, signal) in slope.iter_mut().zip(signals) {
                *slope += miss * signal;
            }
            slope[SIGNALS] += miss;
        }
        let (mut value, mut slope) = (value / n, slope.map(|one| one / n));
        for idx in 0..SIGNALS {
            value += 0.5 * RIDGE * weights[idx] * weights[idx];
            slope[idx] += RIDGE * weights[idx];
            if !asked.contains(&idx) {
                slope[idx] = 0.0;
            }
        }
        (value, slope)
    });
    bottom.is_found.then_some(bottom.at)
}
