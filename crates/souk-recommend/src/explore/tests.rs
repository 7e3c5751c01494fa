use super::*;
use crate::off_policy::{Bounds, Logged, evaluate_policy};

fn beta(wins: f64, losses: f64) -> Belief {
    Belief { wins, losses }
}

/// How likely the second of two Beta variables is the larger, by the finite sum for whole parameters (Miller,
/// "Formulas for Bayesian A/B testing", 2014), computed in Python with `math.lgamma`.
#[test]
fn odds_of_two_match_a_table() {
    let table = [
        ((1.0, 1.0), (1.0, 1.0), 0.5),
        ((1.0, 1.0), (2.0, 1.0), 0.666_667),
        ((2.0, 3.0), (3.0, 2.0), 0.757_143),
        ((5.0, 95.0), (8.0, 92.0), 0.813_726),
        ((20.0, 380.0), (30.0, 370.0), 0.930_180),
        ((1.0, 20.0), (3.0, 40.0), 0.696_457),
        ((100.0, 900.0), (110.0, 890.0), 0.767_578),
        ((1.0, 99.0), (20.0, 380.0), 0.989_223),
    ];
    for ((a, b), (c, d), expected) in table {
        let found = odds(&[beta(a, b), beta(c, d)], 0.0);
        assert!((found[1] - expected).abs() < 1e-3, "({a}, {b}) and ({c}, {d}): {found:?}");
        assert!((found[0] + found[1] - 1.0).abs() < 1e-12);
    }
}

/// Mean and variance of Beta(3, 97), by their formulas: .03, and .03 · .97 / 101.
#[test]
fn tries_are_drawn_towards_the_mean_of_their_kind() {
    let belief = Belief::new(Tries { shown: 80.0, wins: 2.0 }, (0.05, 20.0));
    assert!((belief.mean() - 0.03).abs() < 1e-12);
    assert!((belief.std_dev() - (0.03_f64 * 0.97 / 101.0).sqrt()).abs() < 1e-12);
    let nothing = Belief::new(Tries::default(), (0.05, 20.0));
    assert!((nothing.mean() - 0.05).abs() < 1e-12 && nothing.std_dev() > belief.std_dev());
    // More wins than tries, or a mean that is no chance, is still a belief.
    for odd in [(0.0, 20.0), (1.0, 20.0), (2.0, 0.0)] {
        let belief = Belief::new(Tries { shown: 1.0, wins: 3.0 }, odd);
        assert!(belief.mean() > 0.0 && belief.mean() < 1.0 && belief.std_dev().is_finite());
    }
}

#[test]
fn what_nobody_saw_is_tried_before_what_is_known_to_be_poor() {
    let known = |shown: f64, wins: f64| Belief::new(Tries { shown, wins }, (0.05, 20.0));
    let found = odds(&[known(0.0, 0.0), known(1_000.0, 20.0), known(1_000.0, 50.0)], 0.1);
    // Half of its belief lies below its mean, which the third is sure to reach.
    assert!(found[0] > 0.3 && found[0] < found[2] && found[0] > 5.0 * found[1], "{found:?}");
    assert!(found[1] >= 0.1 / 3.0, "the even part is everybody's: {found:?}");
    assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert_eq!(odds(&[], 0.1), Vec::<f64>::new());
    assert_eq!(odds(&[known(0.0, 0.0)], 0.1), [1.0]);
}

/// What is said of the odds is what happens: each frequency within four standard errors of 40,000 draws.
#[test]
fn frequencies_are_the_stated_propensities() {
    let beliefs = || vec![beta(1.0, 19.0), beta(3.0, 60.0), beta(8.0, 100.0), beta(0.5, 30.0)];
    let params = ExploreParams { share: 0.3, even: 0.1 };
    let n = 40_000_u64;
    let mut counts = [(0_u64, 0.0); 5];
    for seed in 0..n {
        let drawn = draw(beliefs, seed, &params);
        let slot = drawn.tried.map_or(4, |tried| tried);
        counts[slot] = (counts[slot].0 + 1, drawn.propensity);
        assert_eq!(drawn, draw(beliefs, seed, &params), "the same seed draws the same");
    }
    let stated: f64 = counts.iter().map(|(_, propensity)| propensity).sum();
    assert!((stated - 1.0).abs() < 1e-9, "{counts:?}");
    for (count, propensity) in counts {
        let frequency = count as f64 / n as f64;
        let error = (propensity * (1.0 - propensity) / n as f64).sqrt();
        assert!((frequency - propensity).abs() < 4.0 * error, "{counts:?}");
    }
}

#[test]
fn nothing_is_tried_where_there_is_nothing() {
    let params = ExploreParams { share: 1.0, even: 0.1 };
    assert_eq!(draw(Vec::new, 1, &params), Drawn { tried: None, propensity: 1.0 });
    let never = ExploreParams { share: 0.0, even: 0.1 };
    let one = || vec![beta(1.0, 1.0)];
    assert!((0..1_000).all(|seed| draw(one, seed, &never).tried.is_none()));
}

/// A made-up shop whose last place is tried out with: the log of what was served says what another policy
/// would have brought, its intervals hold the truth as often as they say, and they lean to no side.
#[test]
fn off_policy_estimates_find_the_truth_of_a_made_up_shop() {
    // The first is what stands there unless something is tried.
    let chances = [0.10, 0.02, 0.05, 0.16, 0.08];
    let params = ExploreParams { share: 0.5, even: 0.1 };
    // The policy in question: the third is always shown, but for one answer in five.
    let target = |place: usize| match place {
        3 => 0.8,
        0 => 0.2,
        _ => 0.0,
    };
    let truth: f64 = (0..chances.len()).map(|place| target(place) * chances[place]).sum();
    let (shops, mut covered, mut sum) = (150, 0, 0.0);
    for shop in 0..shops {
        let mut random = Random::new(Random::new(shop).bits());
        let mut tries = [Tries::default(); 5];
        let mut log = Vec::new();
        for answer in 0..2_000_u32 {
            // What was learned by the hour before is what is drawn by: propensities change along the log.
            let known = tries;
            let beliefs = || known[1..].iter().map(|&one| Belief::new(one, (0.08, 20.0))).collect();
            let drawn = draw(beliefs, random.bits(), &params);
            let place = drawn.tried.map_or(0, |tried| tried + 1);
            let reward = f64::from(u8::from(random.unit64() < chances[place]));
            tries[place].add(Tries { shown: 1.0, wins: reward });
            let (propensity, target) = (drawn.propensity, target(place));
            log.push(Logged { answer, propensity, target, reward, predicted: None });
        }
        let found = evaluate_policy(&log, &Bounds::default()).unwrap();
        assert!(!found.support.is_odd(), "{:?}", found.support);
        covered += u32::from(found.ips.low() <= truth && truth <= found.ips.high());
        sum += found.ips.value;
    }
    let mean = sum / f64::from(shops as u32);
    assert!((mean - truth).abs() < 0.004, "{mean} and {truth}");
    let share = f64::from(covered) / f64::from(shops as u32);
    assert!((0.90..=0.99).contains(&share), "{share} of the intervals hold the truth");
}
