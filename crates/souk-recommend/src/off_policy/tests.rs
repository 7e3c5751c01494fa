#![allow(clippy::unwrap_used)]

use super::*;
use crate::simulated::PolicyWorld;

fn slot(answer: u32, (propensity, target, reward): (f64, f64, f64)) -> Logged {
    Logged { answer, propensity, target, reward, predicted: None }
}

fn lenient() -> Bounds {
    Bounds { effective_min: 0.0, answers_min: 2, largest_share_max: 1.0, ..Bounds::default() }
}

/// Four slots worked out by hand: weights 2, ½, 1 and 0.
#[test]
fn matches_a_log_worked_out_by_hand() {
    let model = |of_action, of_target| Some(Predicted { of_action, of_target });
    let log = [
        Logged { predicted: model(0.5, 0.6), ..slot(1, (0.25, 0.5, 1.0)) },
        Logged { predicted: model(0.2, 0.3), ..slot(2, (0.5, 0.25, 0.0)) },
        Logged { predicted: model(0.4, 0.4), ..slot(3, (0.5, 0.5, 1.0)) },
        Logged { predicted: model(0.1, 0.2), ..slot(4, (0.5, 0.0, 1.0)) },
    ];
    let value = evaluate_policy(&log, &lenient()).unwrap();
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}");
    close(value.logged.value, 0.75);
    close(value.ips.value, (2.0 + 1.0) / 4.0);
    close(value.snips.value, 3.0 / 3.5);
    let robust = [0.6 + 2.0 * 0.5, 0.3 - 0.5 * 0.2, 0.4 + 0.6, 0.2];
    close(value.doubly_robust.unwrap().value, robust.iter().sum::<f64>() / 4.0);
    close(value.support.effective, 3.5 * 3.5 / (4.0 + 0.25 + 1.0));
    close(value.support.weight_mean, 3.5 / 4.0);
    // The deviation of 2, 0, 1, 0 is √(11/12); of a mean of four half of that.
    close(value.ips.error, (11.0_f64 / 12.0).sqrt() / 2.0);
}

#[test]
fn slots_of_one_answer_are_one_case() {
    let single: Vec<Logged> = (0..100).map(|n| slot(n, (0.5, 0.5, f64::from(n % 2)))).collect();
    // The same slot four times in each answer adds nothing to what is known.
    let fourfold: Vec<Logged> = single.iter().flat_map(|slot| [*slot; 4]).collect();
    let of = |log: &[Logged]| evaluate_policy(log, &lenient()).unwrap();
    let (one, four) = (of(&single), of(&fourfold));
    for (a, b) in [(one.ips, four.ips), (one.snips, four.snips), (one.logged, four.logged)] {
        assert!((a.value - b.value).abs() < 1e-12 && (a.error - b.error).abs() < 1e-12);
    }
}

#[test]
fn what_is_no_probability_is_named() {
    let refusal = |values| {
        evaluate_policy(&[slot(1, (0.5, 0.5, 1.0)), slot(2, values)], &lenient())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refusal((0.0, 0.5, 1.0)),
        "slot 1: propensity 0 is not a probability above 0 and at most 1: what was logged had a chance"
    );
    assert_eq!(
        refusal((0.5, 1.5, 1.0)),
        "slot 1: target probability 1.5 is not a probability from 0 to 1"
    );
    assert_eq!(refusal((0.5, 0.5, f64::NAN)), "slot 1: reward NaN is not a finite number");
    assert!(refusal((f64::NAN, 0.5, 1.0)).contains("propensity NaN"));
}

#[test]
fn thin_logs_are_refused() {
    let of = |log: &[Logged], bounds: &Bounds| evaluate_policy(log, bounds).unwrap_err();
    let few: Vec<Logged> = (0..99).map(|n| slot(n, (0.5, 0.5, 1.0))).collect();
    assert_eq!(of(&few, &Bounds::default()), PolicyError::Answers { have: 99, need: 100 });
    assert!(matches!(evaluate_policy(&[], &lenient()), Err(PolicyError::Answers { have: 0, .. })));
    // A thousand slots of which the policy in question would have filled a hundred.
    let far: Vec<Logged> =
        (0..1_000).map(|n| slot(n, (0.5, if n < 100 { 0.5 } else { 0.0 }, 1.0))).collect();
    let PolicyError::Effective { have, need } = of(&far, &Bounds::default()) else { panic!() };
    assert!((have - 100.0).abs() < 1e-9 && need == 200.0);
    let mut one: Vec<Logged> = (0..1_000).map(|n| slot(n, (0.5, 0.5, 1.0))).collect();
    one[0].propensity = 0.005;
    let PolicyError::OneSlot { percent, .. } =
        of(&one, &Bounds { effective_min: 0.0, ..Bounds::default() })
    else {
        panic!()
    };
    assert!((percent - 100.0 * 100.0 / 1_099.0).abs() < 1e-9);
    // A cap makes it sound, and is counted.
    let capped = Bounds { weight_max: 5.0, ..Bounds::default() };
    assert_eq!(evaluate_policy(&one, &capped).unwrap().support.capped, 1);
}

#[test]
fn wrong_propensities_are_noticed() {
    let world = PolicyWorld::new(5, 8, (0.5, 3));
    let mut log = world.log(2_000, (1, 9));
    assert!(!evaluate_policy(&log, &Bounds::default()).unwrap().support.is_odd());
    log.iter_mut().for_each(|slot| slot.propensity = (slot.propensity * 0.7).min(1.0));
    assert!(evaluate_policy(&log, &Bounds::default()).unwrap().support.is_odd());
}

/// Intervals cover the truth as often as they say. `cargo bench --bench honesty` does it 2,000 times.
#[test]
fn intervals_cover_the_truth() {
    for slots in [1, 4] {
        let world = PolicyWorld::new(5, 8, (0.6, 17));
        let truth = world.truth();
        let (n, mut covered) = (400, [0u32; 3]);
        for seed in 0..n {
            let value =
                evaluate_policy(&world.log(1_000, (slots, 1_000 + seed)), &Bounds::default());
            let value = value.unwrap();
            let estimates = [value.ips, value.snips, value.doubly_robust.unwrap()];
            for (count, one) in covered.iter_mut().zip(estimates) {
                *count += u32::from(one.low() <= truth && truth <= one.high());
            }
        }
        for (name, count) in ["ips", "snips", "doubly robust"].iter().zip(covered) {
            let share = f64::from(count) / n as f64;
            assert!((0.92..=0.98).contains(&share), "{name} with {slots} slots: {share}");
        }
    }
}
