use souk_math::Random;

use super::*;

const SPAN: usize = 10;

/// A year of Poisson demand with a mean of each day.
fn demand(random: &mut Random, n: usize, mean: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut day = |idx: usize| {
        let (limit, mut product, mut count) = ((-mean(idx)).exp(), random.unit64(), 0.0);
        while product > limit {
            product *= random.unit64();
            count += 1.0;
        }
        count
    };
    (0..n).map(&mut day).collect()
}

fn sums<'a>(all: impl Iterator<Item = &'a Vec<f64>>, n: usize) -> Vec<f64> {
    let mut total = vec![0.0; n];
    all.for_each(|one| total.iter_mut().zip(one).for_each(|(sum, value)| *sum += value));
    total
}

/// Of products each at five places, what came over what the level alone expected and over what the lesson makes of it.
fn judged(all: &[Vec<Vec<f64>>], until: usize) -> (f64, f64) {
    let n = all[0][0].len();
    let whole = sums(all.iter().flatten(), n);
    let everywhere: Vec<Vec<f64>> = all.iter().map(|places| sums(places.iter(), n)).collect();
    let each = || {
        all.iter()
            .zip(&everywhere)
            .flat_map(|(places, sum)| places.iter().map(move |one| (one, sum)))
    };
    let mut found = Vec::new();
    for (own, sum) in each() {
        let one = Beside { own: &own[..until], everywhere: &sum[..until], of_all: &whole[..until] };
        found.extend(cases(&one, SPAN));
    }
    let lesson = Lesson::of(&found).unwrap();
    let (mut came, mut level, mut taught) = (0.0, 0.0, 0.0);
    for (own, sum) in each() {
        let one = Beside { own: &own[..until], everywhere: &sum[..until], of_all: &whole[..until] };
        let mut expected = 0.0;
        each_known(&one, SPAN, |n| n == until, |_, known| expected = known.expected);
        if expected >= TEACHES_FROM {
            came += own[until..until + SPAN].iter().sum::<f64>();
            level += expected;
            taught += expected * lesson.factor(&one, SPAN);
        }
    }
    (came / level, came / taught)
}

/// Products each at five places, whose demand moves as `mean` says of a product's number and a day.
fn shop(mean: impl Fn(usize, usize) -> f64, seed: u64) -> Vec<Vec<Vec<f64>>> {
    let mut random = Random::new(seed);
    let mut places = |product: usize| -> Vec<Vec<f64>> {
        (0..5).map(|_| demand(&mut random, 330, |day| mean(product, day))).collect()
    };
    (0..60).map(&mut places).collect()
}

#[test]
fn who_was_picked_by_sales_sells_less() {
    // Demand lives for some weeks and then moves on to another product, as fashions do: whatever sells now will sell less.
    let mean = |product: usize, day: usize| match (day + product * 37) % 240 {
        0..60 => 1.2,
        _ => 0.1,
    };
    let (mut level, mut taught) = (0.0, 0.0);
    for until in [260, 290, 315] {
        let found = judged(&shop(mean, 7), until);
        (level, taught) = (level + found.0 / 3.0, taught + found.1 / 3.0);
    }
    assert!(level < 0.93, "{level}");
    assert!((taught - 1.0).abs() < 0.06, "{taught}");
}

#[test]
fn what_is_steady_stays() {
    let found = judged(&shop(|product, _| 0.3 + 0.02 * product as f64, 8), 300);
    assert!((found.0 - 1.0).abs() < 0.03, "{found:?}");
    assert!((found.1 - 1.0).abs() < 0.03, "{found:?}");
}

#[test]
fn a_share_that_falls_everywhere_falls_here() {
    // Every tenth week a sixth of the products is given up everywhere within three weeks, and comes back ten weeks later.
    let mean = |product: usize, day: usize| {
        let at = (day + (product % 6) * 35) % 210;
        match at {
            0..21 => 1.0 - at as f64 / 21.0,
            21..100 => 0.02,
            _ => 1.0,
        }
    };
    let all = shop(mean, 9);
    let until = 301;
    let n = 330;
    let whole = sums(all.iter().flatten(), n);
    let (mut of_level, mut of_lesson) = (0.0, 0.0);
    let mut found = Vec::new();
    let everywhere: Vec<Vec<f64>> = all.iter().map(|places| sums(places.iter(), n)).collect();
    let each =
        || all.iter().zip(&everywhere).flat_map(|(own, sum)| own.iter().map(move |own| (own, sum)));
    let cut = |own: &Vec<f64>| own[..until].to_vec();
    for (own, sum) in each() {
        let (own, sum) = (cut(own), cut(sum));
        found.extend(cases(&Beside { own: &own, everywhere: &sum, of_all: &whole[..until] }, SPAN));
    }
    let lesson = Lesson::of(&found).unwrap();
    for (whole_own, sum) in each() {
        let (own, sum) = (cut(whole_own), cut(sum));
        let one = Beside { own: &own, everywhere: &sum, of_all: &whole[..until] };
        let came: f64 = whole_own[until..until + SPAN].iter().sum();
        each_known(
            &one,
            SPAN,
            |n| n == until,
            |_, known| {
                of_level += (known.expected - came).abs();
                of_lesson += (known.expected * lesson.factor(&one, SPAN) - came).abs();
            },
        );
    }
    assert!(of_lesson < 0.8 * of_level, "{of_lesson} {of_level}");
}

#[test]
fn few_totals_teach_nothing() {
    let own = vec![1.0; 200];
    let found = cases(&Beside { own: &own, everywhere: &own, of_all: &own }, SPAN);
    // Days 42, 50, 60 ... 190 of 200, each ten steps before the last.
    assert_eq!(found.len(), 15);
    assert_eq!(Lesson::of(&found), None);
    assert!(cases(&Beside { own: &own[..45], everywhere: &own, of_all: &own }, SPAN).is_empty());
    assert!(cases(&Beside { own: &[], everywhere: &[], of_all: &[] }, SPAN).is_empty());
}

#[test]
fn odd_lengths_and_values_are_borne() {
    let own: Vec<f64> = (0..120).map(|day| f64::from(day % 3)).collect();
    let one = Beside { own: &own, everywhere: &own[..50], of_all: &own };
    let many: Vec<Case> = (0..40).flat_map(|_| cases(&one, SPAN)).collect();
    let lesson = Lesson::of(&many).unwrap();
    assert_eq!(lesson.n_cases(), many.len());
    for beside in [
        one,
        Beside { own: &own, everywhere: &[], of_all: &[] },
        Beside { own: &[0.0; 60], everywhere: &own, of_all: &[0.0; 120] },
        Beside { own: &[1e12; 60], everywhere: &own, of_all: &own },
    ] {
        let factor = lesson.factor(&beside, SPAN);
        assert!((0.25..=2.0).contains(&factor), "{factor}");
    }
    assert_eq!(lesson.factor(&Beside { own: &own[..27], ..one }, SPAN), 1.0);
}
