#![allow(clippy::unwrap_used)]

use super::*;
use crate::lost_sales::draw;

fn poisson(mean: f64, count: usize) -> f64 {
    (1..=count).fold((-mean).exp(), |chance, k| chance * mean / k as f64)
}

fn at_most(mean: f64, count: usize) -> f64 {
    (0..=count).map(|k| poisson(mean, k)).sum()
}

fn after(expired: f64, stretches: &[(f64, f64)], dispersion: f64) -> Gone {
    let stretches =
        stretches.iter().map(|(demand, ended)| Stretch { demand: *demand, ended: *ended });
    Gone::after(expired, &stretches.collect::<Vec<_>>(), (dispersion, Grain::Pieces)).unwrap()
}

#[test]
fn without_lots_that_end_it_is_the_demand() {
    let total = CountDistribution::of_moments(14.0, 2.5);
    let gone = after(0.0, &[(9.0, 0.0), (4.0, 0.0), (1.0, 0.0)], 2.5);
    for chance in [0.05, 0.5, 0.9, 0.95, 0.99] {
        assert_eq!(gone.quantile(chance), total.quantiles(&[chance])[0], "{chance}");
    }
    assert!((gone.left_of(100.0) - 86.0).abs() < 1e-6);
    assert!((gone.short_of(6.0) - gone.left_of(6.0) - 8.0).abs() < 1e-6);
}

#[test]
fn a_lot_serves_the_days_until_its_last_one() {
    // 30 until the first seven days are over, in which 1.05 are wanted, and 0.15 on the one after: nothing but that day is open.
    let gone = after(0.0, &[(1.05, 30.0), (0.15, 30.0)], 1.0);
    assert_eq!((gone.quantile(0.8), gone.quantile(0.95), gone.quantile(0.995)), (30.0, 31.0, 32.0));
    // By hand: max(D1, 3) + D2 with means 2 and 1.
    let gone = after(0.0, &[(2.0, 3.0), (1.0, 3.0)], 1.0);
    let by_hand = |n: usize| -> f64 {
        let first = |k: usize| if k == 3 { at_most(2.0, 3) } else { poisson(2.0, k) };
        (3..=n).map(|k| first(k) * at_most(1.0, n - k)).sum()
    };
    for n in 3..=9 {
        let chance = by_hand(n);
        assert_eq!(gone.quantile(chance - 1e-6), n as f64);
        assert_eq!(gone.quantile(chance + 1e-6), n as f64 + 1.0);
    }
    // What is past its last day is gone at once and serves nobody.
    let (none, past) = (after(0.0, &[(4.0, 0.0)], 1.0), after(7.0, &[(4.0, 7.0)], 1.0));
    assert_eq!(past.quantile(0.95), none.quantile(0.95) + 7.0);
    // Of a lot that is surely sold nothing goes off.
    assert_eq!(
        after(0.0, &[(60.0, 3.0), (4.0, 3.0)], 1.0).quantile(0.95),
        after(0.0, &[(64.0, 0.0)], 1.0).quantile(0.95)
    );
}

/// Lots that are sold day by day, the first to end first, and thrown away after their last day.
#[test]
fn it_is_what_selling_lots_day_by_day_says() {
    let daily = 1.2;
    let chances = CountDistribution::of_moments(daily, 1.0).chances(1e-12);
    let (n, days) = (40_000, 7);
    let demand = draw(&chances, n * days);
    // 4 units for two days, 3 for five, and fresh ones that last.
    let lots = [(4usize, 2usize), (3, 5)];
    let gone = after(0.0, &[(2.0 * daily, 4.0), (3.0 * daily, 7.0), (2.0 * daily, 7.0)], 1.0);
    for fresh in [2usize, 4, 6, 8] {
        let (mut n_served, mut left) = (0, 0.0);
        for week in demand.chunks(days) {
            let mut stock = [lots[0].0, lots[1].0, fresh];
            let mut is_short = false;
            for (day, wanted) in week.iter().enumerate() {
                let mut wanted = *wanted;
                for (units, last) in stock.iter_mut().zip([lots[0].1, lots[1].1, days]) {
                    if day >= last {
                        *units = 0;
                    }
                    let taken = wanted.min(*units);
                    *units -= taken;
                    wanted -= taken;
                }
                is_short |= wanted > 0;
            }
            n_served += usize::from(!is_short);
            left += stock[2] as f64;
        }
        let held = 7.0 + fresh as f64;
        let share = n_served as f64 / n as f64;
        let told = 1.0 - gone.chance_above(held);
        assert!((share - told).abs() < 0.01, "{fresh}: {share} and {told}");
        // Where it falls short nothing is left, so means agree as well.
        let left = left / n as f64;
        assert!(
            (left - gone.left_of(held)).abs() < 0.03,
            "{fresh}: {left} and {}",
            gone.left_of(held)
        );
    }
}

#[test]
fn what_is_measured_or_much_goes_by_steps() {
    let much = |demand: &[(f64, f64)], grain| {
        let stretches =
            demand.iter().map(|(demand, ended)| Stretch { demand: *demand, ended: *ended });
        Gone::after(0.0, &stretches.collect::<Vec<_>>(), (4.0, grain)).unwrap()
    };
    // Normal with mean 900 and deviation 60: the 95 % quantile is 998.7.
    for grain in [Grain::Pieces, Grain::Measured] {
        let gone = much(&[(700.0, 100.25), (200.0, 100.25)], grain);
        assert!((gone.quantile(0.95) - 998.7).abs() < 2.0, "{}", gone.quantile(0.95));
        assert!((gone.left_of(1_500.0) - 600.0).abs() < 0.5, "{}", gone.left_of(1_500.0));
        // 5,000.5 until the first stretch is over: the second one alone is open, with mean 200 and deviation 28.3.
        let gone = much(&[(700.0, 5_000.5), (200.0, 5_000.5)], grain);
        assert!((gone.quantile(0.95) - 5_000.5 - 246.5).abs() < 2.0, "{}", gone.quantile(0.95));
    }
    let few = much(&[(0.4, 0.25), (0.0, 0.25)], Grain::Measured);
    assert!(few.quantile(0.5) >= 0.25 && few.quantile(0.5) < 0.6, "{}", few.quantile(0.5));
    let wrong = Stretch { demand: f64::NAN, ended: 0.0 };
    assert!(Gone::after(0.0, &[wrong], (1.0, Grain::Pieces)).is_err());
}
