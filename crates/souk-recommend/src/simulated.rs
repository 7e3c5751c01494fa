//! Made-up shops and policies whose truth is known, to measure how honest a measure is.
//!
//! For tests and `cargo bench --bench honesty`; nothing that serves uses it.

use crate::confidence::{Interval, Moments, RatioMoments, Thin, compare, compare_ratios};
use crate::off_policy::{Logged, Predicted};
use souk_math::Random;

/// How people of a made-up shop buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShopKind {
    /// Every fifth buys, spending varies as in most shops.
    Steady,
    /// Every fifth buys, and a few spend more than all others: Pareto with an infinite variance.
    HeavyTailed,
    /// Two in a hundred buy.
    FewBuyers,
}

impl ShopKind {
    /// Every kind.
    pub const ALL: [ShopKind; 3] = [ShopKind::Steady, ShopKind::HeavyTailed, ShopKind::FewBuyers];

    /// New people a day.
    fn per_day(self) -> usize {
        match self {
            ShopKind::FewBuyers => 400,
            _ => 100,
        }
    }

    fn conversion(self) -> f64 {
        match self {
            ShopKind::FewBuyers => 0.02,
            _ => 0.2,
        }
    }

    /// Orders of a person, and what they spent on them.
    fn person(self, lift: f64, random: &mut Random) -> (f64, f64) {
        if random.unit64() >= self.conversion() * (1.0 + lift) {
            return (0.0, 0.0);
        }
        let mut orders = 1.0;
        while orders < 6.0 && random.unit64() < 0.3 {
            orders += 1.0;
        }
        let one = |random: &mut Random| match self {
            // Pareto with exponent 1.9: a mean, and no variance.
            ShopKind::HeavyTailed => 10.0 * (1.0 - random.unit64()).powf(-1.0 / 1.9),
            _ => (3.0 + 0.8 * random.normal()).exp(),
        };
        (orders, (0..orders as usize).map(|_| one(random)).sum())
    }
}

/// Days that a made-up shop is looked at, and the share of its people who are held out.
const DAYS: usize = 90;
const HELD: f64 = 0.2;

/// What a report compares.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    converted: Moments,
    orders: Moments,
    revenue: Moments,
    order_value: RatioMoments,
}

impl Group {
    fn push(&mut self, (orders, revenue): (f64, f64)) {
        self.converted.push(f64::from(u8::from(orders > 0.0)));
        self.orders.push(orders);
        self.revenue.push(revenue);
        self.order_value.push(revenue, orders);
    }
}

/// The differences of a report, which share one level.
fn report(held: &Group, shown: &Group) -> [Result<Interval, Thin>; 4] {
    let alpha = 0.05 / 4.0;
    [
        compare(&held.converted, &shown.converted, alpha),
        compare(&held.orders, &shown.orders, alpha),
        compare(&held.revenue, &shown.revenue, alpha),
        compare_ratios(&held.order_value, &shown.order_value, alpha),
    ]
}

/// The random numbers of one shop. Seeds are drawn, because the generator's own steps would make each
/// shop's numbers those of the one before, moved by one.
fn stream(seed: u64, shop: u64) -> Random {
    Random::new(Random::new(seed << 32 ^ shop).bits())
}

/// How often shops without a difference were told of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alarms {
    /// Shops that were told of a false difference on any day, in any of the figures.
    pub of_shops: u32,
    /// Shops that were told anything at all.
    pub n_spoken: u32,
    /// Shops that the usual interval (1.96 standard errors, of conversion alone) would have told so.
    pub of_usual: u32,
}

/// Looks every day at `n` shops in which both groups buy alike.
pub fn false_alarms(kind: ShopKind, (n, seed): (u32, u64)) -> Alarms {
    let mut alarms = Alarms::default();
    for shop in 0..u64::from(n) {
        let mut random = stream(seed, shop);
        let (mut is_alarmed, mut has_spoken, mut is_usual) = (false, false, false);
        each_day(kind, (0.0, &mut random), &mut |held, shown| {
            for one in report(held, shown).into_iter().flatten() {
                has_spoken = true;
                is_alarmed |= one.excludes_zero();
            }
            let (a, b) = (&held.converted, &shown.converted);
            let error = (a.variance() / a.n() as f64 + b.variance() / b.n() as f64).sqrt();
            let is_large = a.n_nonzero() >= 30 && b.n_nonzero() >= 30;
            is_usual |= is_large && (a.mean() - b.mean()).abs() > 1.96 * error;
        });
        alarms.of_shops += u32::from(is_alarmed);
        alarms.n_spoken += u32::from(has_spoken);
        alarms.of_usual += u32::from(is_usual);
    }
    alarms
}

/// Of `n` shops ten times as large in which personal answers lift conversion by `lift`, how many were told
/// of it by the last day.
pub fn finds(kind: ShopKind, lift: f64, (n, seed): (u32, u64)) -> u32 {
    let mut found = 0;
    for shop in 0..u64::from(n) {
        let mut random = stream(seed, shop);
        let (mut held, mut shown) = (Group::default(), Group::default());
        for _ in 0..DAYS * kind.per_day() * 10 {
            let (group, lift) = match random.unit64() < HELD {
                true => (&mut held, 0.0),
                false => (&mut shown, lift),
            };
            group.push(kind.person(lift, &mut random));
        }
        let converted = &report(&held, &shown)[0];
        found += u32::from(converted.is_ok_and(|interval| interval.low > 0.0));
    }
    found
}

fn each_day(
    kind: ShopKind,
    (lift, random): (f64, &mut Random),
    look: &mut dyn FnMut(&Group, &Group),
) {
    let (mut held, mut shown) = (Group::default(), Group::default());
    for _ in 0..DAYS {
        for _ in 0..kind.per_day() {
            let (group, lift) = match random.unit64() < HELD {
                true => (&mut held, 0.0),
                false => (&mut shown, lift),
            };
            group.push(kind.person(lift, random));
        }
        look(&held, &shown);
    }
}

/// A made-up page with one slot: what was logged under one policy, and what another would bring.
#[derive(Clone, Debug)]
pub struct PolicyWorld {
    /// By context and action: how likely the logging policy takes it, the other one takes it, and how
    /// likely it is rewarded.
    cells: Vec<Vec<[f64; 3]>>,
}

impl PolicyWorld {
    /// A world of `contexts` × `actions`. `distance` says how far the two policies are apart: at 0 they
    /// are one.
    pub fn new(contexts: usize, actions: usize, (distance, seed): (f64, u64)) -> PolicyWorld {
        let mut random = Random::new(seed);
        let softmax = |scores: &[f64]| -> Vec<f64> {
            let total: f64 = scores.iter().map(|score| score.exp()).sum();
            scores.iter().map(|score| score.exp() / total).collect()
        };
        let cells = (0..contexts).map(|_| {
            let base: Vec<f64> = (0..actions).map(|_| 0.7 * random.normal()).collect();
            let moved: Vec<f64> =
                base.iter().map(|score| score + distance * random.normal()).collect();
            let (logging, target) = (softmax(&base), softmax(&moved));
            let reward = |_| 0.05 + 0.4 * random.unit64();
            let rewards: Vec<f64> = (0..actions).map(reward).collect();
            (0..actions).map(|action| [logging[action], target[action], rewards[action]]).collect()
        });
        PolicyWorld { cells: cells.collect() }
    }

    /// What the other policy brings, exactly.
    pub fn truth(&self) -> f64 {
        let of = |cells: &Vec<[f64; 3]>| cells.iter().map(|[_, b, r]| b * r).sum::<f64>();
        self.cells.iter().map(of).sum::<f64>() / self.cells.len() as f64
    }

    /// `n` answers of so many slots each, as a log holds them. The reward model is off by a tenth or so.
    pub fn log(&self, n: usize, (slots, seed): (usize, u64)) -> Vec<Logged> {
        let mut random = Random::new(seed);
        let mut log = Vec::with_capacity(n * slots);
        for answer in 0..n {
            // The slots of an answer share its context, and so are not independent.
            let cells = &self.cells[random.below(self.cells.len())];
            let wrong = |idx: usize| if idx.is_multiple_of(2) { 1.1 } else { 0.9 };
            let model = |idx: usize| cells[idx][2] * wrong(idx);
            let of_target: f64 = (0..cells.len()).map(|idx| cells[idx][1] * model(idx)).sum();
            for _ in 0..slots {
                let mut left = random.unit64();
                let action = cells.iter().position(|[logging, ..]| {
                    left -= logging;
                    left < 0.0
                });
                let action = action.unwrap_or(cells.len() - 1);
                let [propensity, target, chance] = cells[action];
                log.push(Logged {
                    answer: answer as u32,
                    propensity,
                    target,
                    reward: f64::from(u8::from(random.unit64() < chance)),
                    predicted: Some(Predicted { of_action: model(action), of_target }),
                });
            }
        }
        log
    }
}
