#![allow(clippy::unwrap_used)]

use souk_math::Random;

use super::*;

/// Demand that grows day by day, which the engine follows and a level does not.
fn growing(days: usize) -> DemandSeries {
    let sold: Vec<f64> = (0..days).map(|day| (10 + 3 * day + day % 7) as f64).collect();
    DemandSeries {
        first: Day::from_number(20_000),
        returned: vec![0.0; days],
        is_censored: vec![false; days],
        is_empty_at_end: Vec::new(),
        missed: Vec::new(),
        opening: Vec::new(),
        closed_ahead: Vec::new(),
        promotion: vec![0.0; days],
        discount: Vec::new(),
        price: vec![500.0; days],
        promotion_ahead: Vec::new(),
        signals: Vec::new(),
        everywhere: Vec::new(),
        taught: None,
        sold,
    }
}

/// The only look back of a series, and what the level and the engine said there.
fn only_look(series: &DemandSeries) -> (Look, Found, Vec<f64>) {
    let (wanted, _) = series.wanted();
    let until = wanted.len() - LOOK_DAYS;
    let cut = Cut { series, wanted: &wanted, until };
    let found = run(&[cut], (LOOK_DAYS, &[]), &[], 1).remove(0);
    let look = Look::of(&wanted[until..], &found);
    // Else nothing below says anything: the look itself calls for the engine, and what that changes is large.
    let share = engine_share(Evidence::of([&look]), None);
    assert!(share > 0.2, "{look:?} gives a share of {share}");
    (look, found, wanted)
}

#[test]
fn a_look_back_is_not_judged_by_a_share_that_knows_what_came() {
    let series = growing(BEFORE_MIN + LOOK_DAYS);
    let (look, found, wanted) = only_look(&series);
    // Without it there is no look at all, so nothing speaks for the engine.
    let missed = 1.0 - (look.level - look.actual).abs() / look.actual;
    let made = &outlooks(&[&series], 14, 1)[0];
    assert!((made.confidence.unwrap() - missed).abs() < 1e-9, "{:?}", made.confidence);
    let told = closely(&series, (14, 14), &[0.8]).backtest.unwrap();
    let mut sums = Sums::default();
    let until = wanted.len() - LOOK_DAYS;
    sums.add(&wanted[..until], &wanted[until..], &blended(&found, 0.0));
    assert_eq!(told, sums.figures().unwrap());
}

#[test]
fn a_share_that_judges_is_the_one_of_all_other_looks() {
    let look = |actual, engine| Look { actual, level: 100.0, engine, variance: 50.0 };
    let (a, b, c) = (look(120.0, 110.0), look(90.0, 95.0), look(130.0, 140.0));
    let near = |found: &[f64], wanted: &[f64]| {
        assert_eq!(found.len(), wanted.len());
        let is_near = found.iter().zip(wanted).all(|(one, other)| (one - other).abs() < 1e-12);
        assert!(is_near, "{found:?} for {wanted:?}");
    };
    let share =
        |own: &[Look], all: &[Look]| engine_share(Evidence::of(own), Some(Evidence::of(all)));
    let shared = Some(Evidence::of(&[a, b, c]));
    near(&judging_shares(&[a, b], shared), &[share(&[b], &[b, c]), share(&[a], &[a, c])]);
    // By hand: 10 · 5 / 50 = 1 with b and, of all, 1 + 24; squares of 0.5 and, of all, 0.5 + 32.
    near(&judging_shares(&[a, b], shared)[..1], &[26.0 / 34.0]);
    near(&judging_shares(&[c], None), &[0.0]);
    near(&judging_shares(&[], shared), &[]);
}

#[test]
fn an_engine_that_knows_nothing_lends_no_confidence() {
    let mut random = Random::new(7);
    let (mut judged, mut level, mut fitted) = (0.0, 0.0, 0.0);
    for _ in 0..2_000 {
        // What came and what the engine said have nothing to do with each other.
        let mut noise = || 60.0 * (random.unit64() - 0.5);
        let looks: Vec<Look> = (0..LOOKS)
            .map(|_| Look {
                actual: 100.0 + noise(),
                level: 100.0,
                engine: 100.0 + noise(),
                variance: 100.0,
            })
            .collect();
        judged += confidence(&looks, &judging_shares(&looks, None)).unwrap();
        level += confidence(&looks, &[0.0; LOOKS]).unwrap();
        let share = engine_share(Evidence::of(&looks), None);
        fitted += confidence(&looks, &[share; LOOKS]).unwrap();
    }
    assert!(fitted > level, "a share that knows what came seems to help");
    assert!(judged < level, "{judged} of {level}");
}

/// Fourteen units of each week but the third last, which has 35, and the fifth last, which has 7. The latest look back missed 28 by
/// ten and the one before 49 by ten as well; who repeats the week says 70 of the one, and 14 of the other.
#[test]
fn what_looks_back_missed_is_reckoned_by_hand() {
    let weeks = [14.0, 14.0, 7.0, 14.0, 35.0, 14.0, 14.0];
    let wanted: Vec<f64> = weeks.iter().flat_map(|units| [units / 7.0; 7]).collect();
    let look = |actual: f64, level: f64| Look { actual, level, engine: level, variance: 1.0 };
    let looks = [look(28.0, 38.0), look(49.0, 39.0)];
    let found = Misses::of(&looks, &[0.5, 0.5], &wanted).unwrap();
    assert_eq!(found, Misses { forecast: 20.0, last_week: 42.0 + 35.0 });
    assert_eq!(Misses::of(&[], &[], &wanted), None);
}
