use super::*;
use crate::demand::{DayDemand, Grain};

fn outlook(days: &[DayDemand]) -> Outlook<'_> {
    Outlook::Days { days, level_error: 0.0, grain: Grain::Pieces }
}

/// By hand: one unit with one day left is wasted when nobody asks: e⁻¹; of two units e⁻¹ more lose the second at demand 1.
#[test]
fn one_lot_is_exact() {
    let days = [DayDemand { mean: 1.0, dispersion: 1.0 }; 5];
    let none = (-1.0_f64).exp();
    let found = risks(&outlook(&days), &[Lot { units: 1.0, days_left: 1 }]).unwrap();
    assert!((found[0].wasted - none).abs() < 1e-9 && (found[0].chance - none).abs() < 1e-9);
    let found = risks(&outlook(&days), &[Lot { units: 2.0, days_left: 1 }]).unwrap();
    assert!((found[0].wasted - 3.0 * none).abs() < 1e-9);
    assert!((found[0].chance - 2.0 * none).abs() < 1e-9);
}

/// Against counting through many days of demand, lot by lot.
#[test]
fn several_lots_are_near_a_simulation() {
    let days = [DayDemand { mean: 2.0, dispersion: 1.0 }; 5];
    let lots = [
        Lot { units: 6.0, days_left: 4 },
        Lot { units: 4.0, days_left: 1 },
        Lot { units: 3.0, days_left: 2 },
    ];
    let found = risks(&outlook(&days), &lots).unwrap();
    let chances = crate::poisson(2.0).unwrap();
    let mut random = souk_math::Random::new(2);
    let (mut wasted, n) = ([0.0; 3], 100_000);
    for _ in 0..n {
        let mut left = lots.map(|lot| lot.units);
        for day in 1..=4 {
            let mut point = random.unit64();
            let reach = |chance: &f64| {
                point -= chance;
                point < 0.0
            };
            let mut demand = chances.iter().position(reach).unwrap_or(0) as f64;
            for idx in [1, 2, 0] {
                if lots[idx].days_left >= day {
                    let sold = left[idx].min(demand);
                    (left[idx], demand) = (left[idx] - sold, demand - sold);
                }
            }
            for idx in 0..3 {
                if lots[idx].days_left == day {
                    wasted[idx] += left[idx];
                }
            }
        }
    }
    for idx in 0..3 {
        let mean = wasted[idx] / f64::from(n);
        assert!((found[idx].wasted - mean).abs() < 0.25, "{idx}: {} {mean}", found[idx].wasted);
    }
}

#[test]
fn edges_are_sound() {
    let days = [DayDemand { mean: 1.0, dispersion: 1.0 }; 3];
    let gone = risks(&outlook(&days), &[Lot { units: 2.0, days_left: 0 }]).unwrap();
    assert_eq!((gone[0].wasted, gone[0].chance), (2.0, 1.0));
    assert_eq!(risks(&outlook(&days), &[]).unwrap(), []);
    assert!(risks(&outlook(&days), &[Lot { units: 1.0, days_left: 9 }]).is_err());
    assert!(risks(&outlook(&days), &[Lot { units: f64::NAN, days_left: 1 }]).is_err());
}

/// 10 units at 4: a markdown of 25 % sells 8 of them, and 6 that would have sold anyway cost 1 each: 8 · 3 − 6 = 18. Another place
/// sells 7 of them at full price, for .5 each and 3 for the trip: 7 · 3.5 − 3 = 21.5.
#[test]
fn proposals_by_hand() {
    let markdown = Some(Markdown { off: 0.25, sold: 0.8, anyway: 6.0 });
    let transfer = Some(Transfer { room: 7.0, per_unit: 0.5, per_trip: 3.0 });
    let both = Options { units: 10.0, price: 4.0, salvage: 0.0, markdown, transfer };
    assert_eq!(propose(&both).unwrap(), Proposal::Move { units: 7.0, gain: 21.5 });
    let here = Options { transfer: None, ..both };
    assert_eq!(propose(&here).unwrap(), Proposal::MarkDown { off: 0.25, gain: 18.0 });
    let few = Options { units: 1.0, ..here };
    assert_eq!(propose(&few).unwrap(), Proposal::Keep);
    assert!(propose(&Options { price: f64::NAN, ..both }).is_err());
    let mad = Some(Markdown { off: 1.5, sold: 0.8, anyway: 6.0 });
    assert!(propose(&Options { markdown: mad, ..both }).is_err());
}
