use super::*;
use crate::demand::{DayDemand, Grain, Outlook};

fn told(wanted: f64, rounding: &Rounding) -> (f64, Vec<String>) {
    let found = round(wanted, rounding).unwrap();
    (found.units, found.steps.iter().map(ToString::to_string).collect())
}

#[test]
fn each_step_says_why() {
    let cases = Rounding { multiple: 12.0, minimum: 30.0, maximum: 100.0, ..Rounding::FREE };
    assert_eq!(told(0.0, &cases), (0.0, vec![]));
    assert_eq!(told(36.0, &cases), (36.0, vec![]));
    assert_eq!(told(40.0, &cases), (48.0, vec!["40 up to 48: whole cases of 12".into()]));
    let long = vec!["15.236 up to 24: whole cases of 12".into()];
    assert_eq!(told(15.236_185_728_278_093, &Rounding { minimum: 0.0, ..cases }), (24.0, long));
    assert_eq!(told(5.0, &cases), (36.0, vec!["5 up to 36: the smallest order".into()]));
    let (units, steps) = told(97.0, &cases);
    assert_eq!(units, 96.0);
    assert_eq!(
        steps,
        ["97 up to 108: whole cases of 12", "108 down to 96: the most that is possible"]
    );
    let fresh = Rounding { sellable: 50.0, ..cases };
    assert_eq!(
        told(90.0, &fresh),
        (
            48.0,
            vec![
                "90 up to 96: whole cases of 12".into(),
                "96 down to 48: 50 can be sold before they expire".into(),
            ]
        )
    );
    let (units, steps) = told(5.0, &Rounding { sellable: 20.0, ..cases });
    assert_eq!(units, 0.0);
    assert_eq!(steps[2], "nothing: the smallest order is 36, and 20 are possible");
    // A case that is no whole number, and one that division does not hit exactly.
    assert_eq!(round(0.3, &Rounding { multiple: 0.1, ..Rounding::FREE }).unwrap().steps, []);
}

/// Poisson demand of 6: at most 3 with a chance of .151, so 3 units are sold with chance 1 − P(D ≤ 2) = .938.
#[test]
fn shelf_life_asks_for_the_low_quantile() {
    let days = [DayDemand { mean: 2.0, dispersion: 1.0 }; 3];
    let outlook = Outlook::Days { days: &days, level_error: 0.0, grain: Grain::Pieces };
    let demand = Total::of_days(&outlook, 3).unwrap();
    assert_eq!(sellable(&demand, 0.0, 0.9).unwrap(), 3.0);
    assert_eq!(sellable(&demand, 2.0, 0.9).unwrap(), 1.0);
    assert_eq!(sellable(&demand, 20.0, 0.9).unwrap(), 0.0);
    assert!(1.0 - demand.at_most(2.0) >= 0.9 && 1.0 - demand.at_most(3.0) < 0.9);
    assert!(sellable(&demand, f64::NAN, 0.9).is_err() && sellable(&demand, 0.0, 1.0).is_err());
}

#[test]
fn bad_numbers_are_named() {
    for bad in [f64::NAN, -1.0] {
        assert!(round(bad, &Rounding::FREE).is_err());
        assert!(round(1.0, &Rounding { multiple: bad, ..Rounding::FREE }).is_err());
        assert!(round(1.0, &Rounding { minimum: bad, ..Rounding::FREE }).is_err());
        assert!(round(1.0, &Rounding { maximum: bad, ..Rounding::FREE }).is_err());
        assert!(round(1.0, &Rounding { sellable: bad, ..Rounding::FREE }).is_err());
    }
    assert!(round(f64::INFINITY, &Rounding::FREE).is_err());
    assert!(round(1.0, &Rounding { multiple: 0.0, ..Rounding::FREE }).is_err());
}
