//! Several products from one supplier: an order costs something whatever is in it, and something for each product in it. Each
//! product is ordered every so many cycles.
//!
//! Source: Silver, *A simple method of determining order quantities in joint replenishments under deterministic demand*,
//! Management Science 22(12), 1976; Goyal, *Determination of optimum packaging frequency of items jointly replenished*, ibid.
//! 21(4), 1974 (for a cycle, each multiple is best alone); Jackson, Maxwell and Muckstadt, *The joint replenishment problem
//! with a powers-of-two restriction*, IIE Transactions 17(1), 1985 (at most 6 % above the least cost).

use crate::{PolicyError, at_least_zero, positive};

/// A product that is ordered with others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Member {
    /// Money for its being in an order, above 0.
    pub per_order: f64,
    /// Money for holding a unit for a unit of time, above 0.
    pub holding: f64,
    /// Units in a unit of time, above 0.
    pub demand: f64,
}

/// Which multiples of the cycle products may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiples {
    /// 1, 2, 3, ….
    Any,
    /// 1, 2, 4, 8, …: calendars stay readable.
    PowersOfTwo,
}

/// A joint calendar.
#[derive(Clone, Debug, PartialEq)]
pub struct Calendar {
    /// Time between two orders.
    pub cycle: f64,
    /// Each product is in every so-many-th of them.
    pub multiples: Vec<u32>,
    /// Money for each unit of time.
    pub cost: f64,
}

/// Cycles that the search starts from.
const STARTS: usize = 400;
/// A product is ordered at least every so-many-th time.
const MULTIPLE_MAX: f64 = 4_096.0;

/// The calendar of least cost; `per_order` is money for an order, whatever is in it.
///
/// From each of many cycles, multiples and cycle are improved in turn; the best end is taken.
///
/// # Errors
///
/// [`PolicyError::OutOfRange`].
pub fn calendar(
    per_order: f64,
    members: &[Member],
    allowed: Multiples,
) -> Result<Calendar, PolicyError> {
    at_least_zero("the cost of an order", per_order)?;
    positive("the number of products", members.len() as f64)?;
    for one in members {
        positive("the cost of a product in an order", one.per_order)?;
        positive("the holding cost", one.holding)?;
        positive("the demand", one.demand)?;
    }
    let ones = vec![1; members.len()];
    let longest = cycle(per_order, members, &ones);
    let mut best =
        Calendar { cycle: longest, cost: cost(per_order, members, &ones), multiples: ones };
    for start in 0..STARTS {
        // No best cycle is longer than that of ordering all at once.
        let mut length = longest * (0.02 + 0.98 * (start as f64 + 0.5) / STARTS as f64);
        let mut multiples = Vec::new();
        loop {
            let next: Vec<u32> = members.iter().map(|one| multiple(one, length, allowed)).collect();
            if next == multiples {
                break;
            }
            multiples = next;
            length = cycle(per_order, members, &multiples);
        }
        let found = cost(per_order, members, &multiples);
        if found < best.cost * (1.0 - 1e-12) {
            best = Calendar { cycle: length, multiples, cost: found };
        }
    }
    Ok(best)
}

/// The best multiple of a product for a cycle: where n(n − 1) ≤ (its own best time / cycle)² ≤ n(n + 1), or for powers of two where
/// n/√2 ≤ the ratio ≤ n·√2.
fn multiple(one: &Member, cycle: f64, allowed: Multiples) -> u32 {
    let ratio = (2.0 * one.per_order / (one.holding * one.demand)).sqrt() / cycle;
    let best = match allowed {
        Multiples::Any => (0.5 * ((1.0 + 4.0 * ratio * ratio).sqrt() - 1.0)).ceil(),
        Multiples::PowersOfTwo => (ratio.log2() - 0.5).ceil().max(0.0).exp2(),
    };
    best.clamp(1.0, MULTIPLE_MAX) as u32
}

fn parts(per_order: f64, members: &[Member], multiples: &[u32]) -> (f64, f64) {
    let (mut fixed, mut held) = (per_order, 0.0);
    for (one, n) in members.iter().zip(multiples) {
        fixed += one.per_order / f64::from(*n);
        held += one.holding * one.demand * f64::from(*n);
    }
    (fixed, held)
}

fn cycle(per_order: f64, members: &[Member], multiples: &[u32]) -> f64 {
    let (fixed, held) = parts(per_order, members, multiples);
    (2.0 * fixed / held).sqrt()
}

fn cost(per_order: f64, members: &[Member], multiples: &[u32]) -> f64 {
    let (fixed, held) = parts(per_order, members, multiples);
    (2.0 * fixed * held).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(holding: f64, list: &[(f64, f64)]) -> Vec<Member> {
        let of = |(per_order, demand): &(f64, f64)| Member {
            per_order: *per_order,
            holding,
            demand: *demand,
        };
        list.iter().map(of).collect()
    }

    /// Silver's example and that of Silver, Pyke and Peterson, as stockpyl 1.0.2 solves them.
    #[test]
    fn matches_the_reference() {
        let silver = [(1.87, 1_736.0), (5.27, 656.0), (7.94, 558.0), (8.19, 170.0), (8.87, 142.0)];
        let (silver, multiples) = (members(0.2, &silver), [1, 1, 1, 3, 3]);
        assert!((cycle(10.0, &silver, &multiples) / 0.281_377_15 - 1.0).abs() < 1e-6);
        assert!((cost(10.0, &silver, &multiples) / 218.686_320_25 - 1.0).abs() < 1e-6);
        // His rule of thumb is not the least: the third product every second time costs 0.2 % less.
        let found = calendar(10.0, &silver, Multiples::Any).unwrap();
        assert_eq!(found.multiples, [1, 1, 2, 3, 3]);
        assert!(found.cost < 218.6 && found.cost > 217.0, "{}", found.cost);
        let spp = [(15.0, 86_000.0), (15.0, 12_500.0), (15.0, 1_400.0), (15.0, 3_000.0)];
        let found = calendar(40.0, &members(0.24, &spp), Multiples::Any).unwrap();
        assert_eq!(found.multiples, [1, 1, 4, 3]);
        assert!((found.cycle / 0.076_173_4 - 1.0).abs() < 1e-6);
        assert!((found.cost / 2_067.650_841 - 1.0).abs() < 1e-6);
    }

    /// Powers of two cost more than any multiples, but at most 6 % more.
    #[test]
    fn powers_of_two_are_near() {
        let mut random = souk_math::Random::new(5);
        for _ in 0..50 {
            let list: Vec<(f64, f64)> = (0..6)
                .map(|_| (1.0 + 20.0 * random.unit64(), 10.0 + 5_000.0 * random.unit64().powi(3)))
                .collect();
            let members = members(0.2, &list);
            let any = calendar(15.0, &members, Multiples::Any).unwrap();
            let powers = calendar(15.0, &members, Multiples::PowersOfTwo).unwrap();
            assert!(powers.multiples.iter().all(|n| n.is_power_of_two()));
            assert!(powers.cost >= any.cost - 1e-9 && powers.cost <= 1.06 * any.cost);
        }
    }

    #[test]
    fn alone_is_the_economic_lot() {
        let one = members(0.225, &[(8.0, 1_300.0)]);
        let found = calendar(0.0, &one, Multiples::Any).unwrap();
        assert!((found.cost - 68.410_525_505_9).abs() < 1e-6 && found.multiples == [1]);
        assert!(calendar(1.0, &[], Multiples::Any).is_err());
        for bad in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
            assert!(calendar(1.0, &members(bad, &[(1.0, 1.0)]), Multiples::Any).is_err());
        }
    }
}
