use super::*;
use souk_math::Random;

/// People with likelihoods spread over an S, of whom the share `truth` of each likelihood buys.
fn people(n: usize, truth: impl Fn(f64) -> f64) -> Vec<Outcome> {
    let mut random = Random::new(11);
    let person = |idx: usize| {
        let likelihood = 1.0 / (1.0 + (4.0 - 6.0 * (idx as f64 / n as f64)).exp());
        let shopper = Shopper(idx as u32);
        Outcome { shopper, likelihood, has_bought: random.unit64() < truth(likelihood) }
    };
    (0..n).map(person).collect()
}

fn expected(curve: &Curve, people: &[Outcome]) -> f64 {
    people.iter().map(|one| curve.of(one.likelihood)).sum()
}

fn bought(people: &[Outcome]) -> f64 {
    people.iter().filter(|one| one.has_bought).count() as f64
}

#[test]
fn what_nearly_all_buy_is_said_to_be_bought_by_nearly_all() {
    // Whoever is said to buy with 0.6 does so with 0.97.
    let truth = |likelihood: f64| Curve { unlikely: 1.3, likely: 3.0, shift: 1.4 }.of(likelihood);
    let some = people(2_000, truth);
    let curve = Curve::learn(&some);
    for likelihood in [0.1, 0.3, 0.5, 0.7, 0.85] {
        let (said, is) = (curve.of(likelihood), truth(likelihood));
        assert!((said - is).abs() < 0.05, "{likelihood}: {said} for {is}");
    }
    let (all, buyers) = (expected(&curve, &some), bought(&some));
    assert!((all - buyers).abs() < 0.02 * buyers, "{all} of {buyers}");
    assert!(expected(&Curve::STRAIGHT, &some) < 0.8 * buyers, "the model itself is far off");
}

#[test]
fn a_curve_never_changes_the_order() {
    // The likelier by the model, the less it was bought.
    let curve = Curve::learn(&people(2_000, |likelihood| 1.0 - likelihood));
    let steps: Vec<f64> = (1..100).map(|step| curve.of(f64::from(step) / 100.0)).collect();
    assert!(steps.is_sorted() && steps.iter().all(|one| (0.0..=1.0).contains(one)), "{steps:?}");
}

#[test]
fn few_buyers_bend_little_and_a_good_model_stays_as_it_is() {
    // Five times as many bought as was said, of two people and of two thousand.
    let half = |n: u32| {
        let one =
            |idx| Outcome { shopper: Shopper(idx), likelihood: 0.1, has_bought: idx % 2 == 0 };
        Curve::fit(&(0..n).map(one).collect::<Vec<Outcome>>()).of(0.1)
    };
    let (few, many) = (half(2), half(2_000));
    assert!((0.15..0.35).contains(&few), "{few}");
    assert!((0.49..0.51).contains(&many), "{many}");
    let right = Curve::learn(&people(4_000, |likelihood| likelihood));
    for likelihood in [0.05, 0.2, 0.5, 0.8] {
        assert!((right.of(likelihood) - likelihood).abs() < 0.05, "{right:?}");
    }
    assert_eq!(Curve::learn(&[]), Curve::STRAIGHT);
    let nobody = |idx| Outcome { shopper: Shopper(idx), likelihood: 0.001, has_bought: false };
    let nobody: Vec<Outcome> = (0..40).map(nobody).collect();
    assert!((0.0005..0.001_001).contains(&Curve::learn(&nobody).of(0.001)));
}
