use souk_math::Random;

use super::*;

fn stage(holding: f64, time: u32) -> Stage {
    Stage {
        holding,
        time,
        inbound: 0,
        promise_max: None,
        mean: 0.0,
        deviation: 0.0,
        safety_factor: 1.0,
    }
}

fn links(pairs: &[(usize, usize)]) -> Vec<Link> {
    pairs.iter().map(|(from, to)| Link { from: *from, to: *to, units: 1.0 }).collect()
}

fn with_factor(factor: f64, stages: &mut [Stage]) {
    stages.iter_mut().for_each(|stage| stage.safety_factor = factor);
}

/// Example 6.5 and figure 6.14 of Snyder and Shen, as stockpyl 1.0.2 solves them.
#[test]
fn trees_of_the_reference() {
    let mut stages = [stage(1.0, 2), stage(3.0, 1), stage(2.0, 1), stage(3.0, 1)];
    stages[0].inbound = 1;
    (stages[1].promise_max, stages[1].deviation) = (Some(0), 1.0);
    (stages[3].promise_max, stages[3].deviation) = (Some(1), 1.0);
    let found = place(&stages, &links(&[(0, 2), (2, 1), (2, 3)])).unwrap();
    let promises: Vec<u32> = found.stages.iter().map(|one| one.promise).collect();
    assert_eq!(promises, [0, 0, 0, 1]);
    assert!((found.cost / 8.277_916_9 - 1.0).abs() < 1e-6, "{}", found.cost);

    let mut stages = [
        stage(0.01, 2),
        stage(0.03, 3),
        stage(0.04, 2),
        stage(0.06, 4),
        stage(0.12, 2),
        stage(0.13, 3),
        stage(0.2, 6),
        stage(0.08, 4),
        stage(0.04, 3),
        stage(0.5, 2),
    ];
    with_factor(1.644_853_626_951_472_2, &mut stages);
    (stages[9].promise_max, stages[9].deviation) = (Some(2), 10.0);
    let joined = links(&[(0, 1), (1, 2), (2, 4), (3, 4), (4, 5), (5, 9), (6, 9), (7, 9), (8, 9)]);
    let found = place(&stages, &joined).unwrap();
    assert!((found.cost / 18.824_004_5 - 1.0).abs() < 1e-6, "{}", found.cost);
}

/// Examples and problems 6.3, 6.7, 6.8 and 6.9 of the same book.
#[test]
fn chains_of_the_reference() {
    let mut stages = [stage(2.0, 1), stage(4.0, 0), stage(7.0, 1)];
    stages[0].inbound = 1;
    (stages[2].promise_max, stages[2].deviation) = (Some(1), 1.0);
    let found = place(&stages, &links(&[(0, 1), (1, 2)])).unwrap();
    assert!((found.cost / 2.828_427_1 - 1.0).abs() < 1e-6, "{}", found.cost);

    let mut stages = [stage(2.0, 1), stage(3.0, 1), stage(4.0, 2)];
    with_factor(4.0, &mut stages);
    stages[0].inbound = 1;
    (stages[2].promise_max, stages[2].mean, stages[2].deviation) = (Some(0), 45.0, 10.0);
    let found = place(&stages, &links(&[(0, 1), (1, 2)])).unwrap();
    assert!((found.cost / 357.770_876_4 - 1.0).abs() < 1e-6, "{}", found.cost);
    // All is held at the end: five periods of demand and 4·10·√5 more.
    let last = found.stages[2];
    assert_eq!((last.promise, last.wait), (0, 3));
    assert!((last.base_stock - (5.0 * 45.0 + 40.0 * 5.0_f64.sqrt())).abs() < 1e-9);

    let list = [
        (0.87, 5),
        (0.98, 1),
        (1.1, 5),
        (1.15, 9),
        (2.37, 5),
        (2.47, 8),
        (2.93, 15),
        (3.04, 2),
        (4.56, 10),
        (5.73, 5),
    ];
    let mut stages: Vec<Stage> = list.iter().map(|(h, time)| stage(*h, *time)).collect();
    with_factor(2.053_748_910_631_822_5, &mut stages);
    stages[0].inbound = 7;
    (stages[9].promise_max, stages[9].deviation) = (Some(3), 15.8);
    let row: Vec<(usize, usize)> = (0..9).map(|place| (place, place + 1)).collect();
    let found = place(&stages, &links(&row)).unwrap();
    assert!((found.cost / 1_378.302_036_9 - 1.0).abs() < 1e-6, "{}", found.cost);

    // Holding costs are 44, 28, 18, 1, 4 and 1.5 a year of 365 days.
    let list = [(44.0, 7), (28.0, 7), (18.0, 21), (1.0, 3), (4.0, 8), (1.5, 2)];
    let mut stages: Vec<Stage> = list.iter().map(|(h, time)| stage(*h / 365.0, *time)).collect();
    with_factor(4.0, &mut stages);
    (stages[0].promise_max, stages[0].deviation) = (Some(3), 4.1);
    (stages[1].promise_max, stages[1].deviation) = (Some(3), 6.2);
    let found = place(&stages, &links(&[(2, 0), (2, 1), (3, 2), (4, 2), (5, 4)])).unwrap();
    assert!((found.cost / 15.649_530_2 - 1.0).abs() < 1e-6, "{}", found.cost);
}

/// A tree of stages that are joined either way, with customers anywhere.
fn any_tree(random: &mut Random) -> (Vec<Stage>, Vec<Link>) {
    let n = 2 + (random.unit64() * 4.0) as usize;
    let mut whole = |most: f64| (random.unit64() * (most + 1.0)) as u32;
    let mut stages = Vec::new();
    let mut joined = Vec::new();
    for place in 0..n {
        let mut one = stage(f64::from(1 + whole(9.0)), whole(2.0));
        one.inbound = whole(1.0);
        one.mean = f64::from(whole(5.0));
        one.deviation = f64::from(whole(3.0));
        one.promise_max = (one.deviation > 0.0).then(|| whole(3.0));
        one.safety_factor = 0.5 + f64::from(whole(4.0)) / 2.0;
        if place > 0 {
            let other = whole(place as f64 - 1.0) as usize;
            let (from, to) = if whole(1.0) == 0 { (other, place) } else { (place, other) };
            joined.push(Link { from, to, units: f64::from(1 + whole(2.0)) });
        }
        stages.push(one);
    }
    (stages, joined)
}

/// The least cost of all promises there are, each tried.
fn tried(stages: &[Stage], joined: &[Link]) -> f64 {
    let n = stages.len();
    let most: u32 = stages.iter().map(|one| one.time).sum::<u32>() + 1;
    let mut promises = vec![0; n];
    let mut best = f64::INFINITY;
    // Customers settle their suppliers' demand: as often as there are stages is enough.
    let own: Vec<f64> = stages.iter().map(|one| one.deviation.powi(2)).collect();
    let mut variance = own.clone();
    for _ in 0..n {
        let mut next = own.clone();
        joined.iter().for_each(|link| next[link.from] += link.units.powi(2) * variance[link.to]);
        variance = next;
    }
    loop {
        let cost: f64 = (0..n)
            .map(|place| {
                let suppliers = joined.iter().filter(|link| link.to == place);
                let wait = suppliers.map(|link| promises[link.from]).max().unwrap_or(0);
                let one = &stages[place];
                let promise = promises[place];
                let covered = (wait.max(one.inbound) + one.time).checked_sub(promise);
                let is_kept = one.promise_max.is_none_or(|most| promise <= most);
                let units = one.holding * one.safety_factor * variance[place].sqrt();
                match covered.filter(|_| is_kept) {
                    Some(covered) => units * f64::from(covered).sqrt(),
                    None => f64::INFINITY,
                }
            })
            .sum();
        best = best.min(cost);
        let Some(place) = promises.iter().position(|promise| *promise < most) else { break best };
        promises[..place].fill(0);
        promises[place] += 1;
    }
}

#[test]
fn no_promises_cost_less() {
    let mut random = Random::new(11);
    let mut n_later = 0;
    for _ in 0..100 {
        let (stages, joined) = any_tree(&mut random);
        let (found, least) = (place(&stages, &joined).unwrap(), tried(&stages, &joined));
        let about = || format!("{} {least} {stages:?} {joined:?}", found.cost);
        assert!((found.cost - least).abs() < 1e-9 * least.max(1.0), "{}", about());
        n_later += usize::from(found.stages.iter().any(|one| one.promise > 0));
    }
    assert!(n_later > 30, "{n_later} of them promise a time");
}

#[test]
fn what_is_no_tree_is_refused() {
    let one = stage(1.0, 1);
    for (n, pairs) in [(0, vec![]), (2, vec![]), (3, vec![(0, 1), (1, 0)]), (2, vec![(0, 2)])] {
        let error = place(&vec![one; n], &links(&pairs)).unwrap_err();
        assert!(matches!(error, PolicyError::Chain { .. }), "{error}");
    }
    let error = place(&[one, one], &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "0 links do not join 2 stages into one tree; give a link fewer than stages, without circles"
    );
    for bad in [f64::NAN, -1.0, f64::INFINITY] {
        assert!(place(&[Stage { holding: bad, ..one }], &[]).is_err());
        assert!(place(&[Stage { deviation: bad, ..one }], &[]).is_err());
        let link = Link { from: 0, to: 1, units: bad };
        assert!(place(&[one, one], &[link]).is_err());
    }
    let slow = Stage { time: 1_500, ..one };
    assert!(place(&[slow, slow], &links(&[(0, 1)])).is_err());
    assert_eq!(place(&[one], &[]).unwrap().cost, 0.0);
}
