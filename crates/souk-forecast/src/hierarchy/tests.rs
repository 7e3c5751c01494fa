#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const REFERENCE: &str = include_str!("../../testdata/hierarchy/reference.csv");

fn rows(what: &str) -> Vec<Vec<f64>> {
    let mine = REFERENCE.lines().filter_map(|line| line.strip_prefix(&format!("{what},")));
    let values = |line: &str| line.split(',').skip(1).map(|cell| cell.parse().unwrap()).collect();
    mine.map(values).collect()
}

fn grocer() -> Hierarchy {
    let groups: Vec<Vec<String>> =
        [("a", "x"), ("a", "y"), ("a", "z"), ("b", "x"), ("b", "y"), ("b", "z")]
            .map(|(group, place)| vec![group.to_owned(), place.to_owned()])
            .to_vec();
    Hierarchy::of_groups(&["group".to_owned(), "place".to_owned()], &groups).unwrap()
}

fn means(rows: &[Vec<f64>]) -> Vec<f64> {
    rows.iter().map(|row| row.iter().sum::<f64>() / row.len() as f64).collect()
}

#[test]
fn levels_are_the_whole_and_what_columns_part() {
    let made = grocer();
    let names: Vec<&str> = made.levels().iter().map(|level| level.name.as_str()).collect();
    // Group and place together part it into single series, which are there anyway.
    assert_eq!(names, ["total", "group", "place", "series"]);
    assert_eq!(made.names(), ["total", "group=a", "group=b", "place=x", "place=y", "place=z"]);
    assert_eq!(made.sums(&vec![vec![1.0]; 6])[..7].concat(), [6.0, 3.0, 3.0, 2.0, 2.0, 2.0, 1.0]);
    let columns: Vec<String> = ["shop", "land"].map(str::to_owned).to_vec();
    let of = |rows: &[(&str, &str)]| {
        let rows: Vec<Vec<String>> =
            rows.iter().map(|(a, b)| vec![(*a).to_owned(), (*b).to_owned()]).collect();
        Hierarchy::of_groups(&columns, &rows)
    };
    // A shop lies in one land, so shop and land together part as the shop alone.
    let nested =
        of(&[("1", "n"), ("1", "n"), ("2", "n"), ("2", "n"), ("3", "s"), ("3", "s")]).unwrap();
    let names: Vec<&str> = nested.levels().iter().map(|level| level.name.as_str()).collect();
    assert_eq!(names, ["total", "shop", "land", "series"]);
    assert_eq!(of(&[("1", "n")]), Err(HierarchyError::TooFew(1)));
    let five = vec!["c".to_owned(); 5];
    let rows = vec![five.clone(), five.clone()];
    assert_eq!(Hierarchy::of_groups(&five, &rows), Err(HierarchyError::TooManyColumns(5)));
    let many: Vec<Vec<String>> = (0..8_000).map(|idx| vec![(idx / 2).to_string()]).collect();
    let error = Hierarchy::of_groups(&columns[..1], &many).unwrap_err();
    assert_eq!(error, HierarchyError::TooManySums(4_001));
}

#[test]
fn reference_values_of_every_method() {
    let (made, base, errors) = (grocer(), rows("base"), rows("errors"));
    let bottom_means = means(&rows("bottom"));
    let past = Past { bottom_means: &bottom_means, errors: &errors, sign: Sign::Any };
    for method in Method::COMMON {
        let (found, known) = (made.reconcile(&base, method, &past), rows(&made.name_of(method)));
        assert_eq!(known.len(), 12);
        for (found, known) in found.iter().flatten().zip(known.iter().flatten()) {
            // The reference adds 2e-8 to deviations before it shrinks.
            assert!(
                (found - known).abs() < 2e-6 * known.abs().max(1.0),
                "{method:?} {found} {known}"
            );
        }
    }
}

#[test]
fn what_adds_up_already_stays() {
    let (made, errors, bottom) = (grocer(), rows("errors"), rows("bottom"));
    let base = made.sums(&bottom);
    let bottom_means = means(&bottom);
    let past = Past { bottom_means: &bottom_means, errors: &errors, sign: Sign::Any };
    for method in made.methods().into_iter().filter(|method| *method != Method::TopDown) {
        let found = made.reconcile(&base, method, &past);
        for (found, base) in found.iter().flatten().zip(base.iter().flatten()) {
            assert!((found - base).abs() < 1e-9, "{method:?}");
        }
    }
}

#[test]
fn drawing_to_the_diagonal_does_not_need_the_matrix() {
    let errors = rows("errors");
    let shrunk = Shrunk::of(&errors);
    let (n, days) = (errors.len(), errors[0].len() as f64);
    let centre: Vec<Vec<f64>> = errors
        .iter()
        .map(|own| {
            let mean = own.iter().sum::<f64>() / days;
            own.iter().map(|e| e - mean).collect()
        })
        .collect();
    let share = shrinkage::share(&centre);
    assert!((0.05..0.95).contains(&share), "{share}");
    // Pair by pair, as the paper has it.
    let deviation = |own: &Vec<f64>| (own.iter().map(|e| e * e).sum::<f64>() / days).sqrt();
    let (mut variances, mut correlations) = (0.0, 0.0);
    for a in 0..n {
        for b in (0..n).filter(|b| *b != a) {
            let scale = deviation(&centre[a]) * deviation(&centre[b]);
            let w: Vec<f64> =
                centre[a].iter().zip(&centre[b]).map(|(a, b)| a * b / scale).collect();
            let mean = w.iter().sum::<f64>() / days;
            correlations += mean * mean;
            variances += w.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / (days * (days - 1.0));
        }
    }
    assert!((share - variances / correlations).abs() < 1e-12, "{share}");
    for a in 0..n {
        let unit: Vec<f64> = (0..n).map(|idx| f64::from(u8::from(idx == a))).collect();
        let column = shrunk.times(&unit);
        for b in 0..n {
            let full =
                centre[a].iter().zip(&centre[b]).map(|(a, b)| a * b).sum::<f64>() / (days - 1.0);
            let known = if a == b { full } else { (1.0 - share) * full };
            assert!((column[b] - known).abs() < 1e-9, "{a} {b}");
        }
    }
}

#[test]
fn nothing_below_zero_where_nothing_ever_was() {
    let made = grocer();
    let mut base = rows("base");
    base[0] = vec![-500.0; 3];
    let bottom_means = means(&rows("bottom"));
    let errors = rows("errors");
    let past = |sign| Past { bottom_means: &bottom_means, errors: &errors, sign };
    let any = made.reconcile(&base, Method::Ols, &past(Sign::Any));
    assert!(any.iter().flatten().any(|y| *y < 0.0));
    let found = made.reconcile(&base, Method::Ols, &past(Sign::NotNegative));
    assert!(found.iter().flatten().all(|y| *y >= 0.0));
    assert_eq!(found, made.sums(&found[6..]));
}

#[test]
fn the_method_is_that_of_earlier_days_and_spoils_no_level() {
    let made = grocer();
    let bottom = rows("bottom");
    let bottom_means = means(&bottom);
    let window = |from: usize, noise: &dyn Fn(usize, usize) -> f64| {
        let actual: Vec<Vec<f64>> = bottom.iter().map(|own| own[from..from + 5].to_vec()).collect();
        let mut base = made.sums(&actual);
        for (node, values) in base.iter_mut().enumerate() {
            values.iter_mut().enumerate().for_each(|(step, y)| *y += noise(node, from + step));
        }
        Window { base, actual, bottom_means: bottom_means.clone() }
    };
    let windows = |noise: &dyn Fn(usize, usize) -> f64| {
        [window(0, noise), window(5, noise), window(10, noise)]
    };
    // Single series are known well and sums badly: adding up is best.
    let sums_err = |node: usize, day: usize| match node < 6 {
        true => 20.0 * ((node * 7 + day * 5) % 11) as f64 - 100.0,
        false => 0.01 * ((node * 3 + day) % 5) as f64 - 0.02,
    };
    let found = choose(&made, &windows(&sums_err), Sign::Any);
    let of = |name: &str| found.trials.iter().find(|trial| trial.name == name).unwrap();
    assert!(found.keeps_all && of(&found.name).worst() <= 1.01, "{found:?}");
    assert!(of("ols").worst() > 10.0 && found.name != "ols");
    assert!((of("bottom_up").by_level[3] - 1.0).abs() < 1e-12);
    assert!((of("keep place").by_level[2] - 1.0).abs() < 1e-12);
    assert_eq!((found.errors.len(), found.errors[0].len()), (12, 15));
    assert!((found.errors[1][0] - sums_err(1, 0)).abs() < 1e-9);
    // All are equally bad without anything in common: moving together helps every level.
    let equal =
        |node: usize, day: usize| ((node * 31 + day * 17 + node * day * 7) % 13) as f64 - 6.0;
    let found = choose(&made, &windows(&equal), Sign::Any);
    assert!(
        found.keeps_all && found.trials[2].by_level.iter().all(|ratio| *ratio < 1.0),
        "{found:?}"
    );
    // Perfect sums of one level and bad ones elsewhere, and perfect series that do not add up with them: none keeps all.
    let none = |node: usize, _: usize| if node == 0 { 1.0 } else { 0.0 };
    let found = choose(&made, &windows(&none), Sign::Any);
    assert_eq!((found.name.as_str(), found.keeps_all), ("half bottom_up, half wls_levels", true));
    let of = |method| {
        let own = found.shares.iter().filter(|(one, _)| *one == method);
        own.map(|(_, share)| share).sum::<f64>()
    };
    assert_eq!((of(Method::BottomUp), of(Method::WlsLevels)), (0.5, 0.5));
    let (even, half) = (&found.trials[5], &found.trials[found.trials.len() - 1]);
    assert_eq!((even.name.as_str(), &half.name), ("wls_levels", &found.name));
    assert!(half.by_level.iter().zip(&even.by_level).all(|(half, even)| half <= even));
}

/// Errors of two ways that cancel: each spoils a level, their mean none.
#[test]
fn a_mix_keeps_what_no_way_keeps() {
    let made = grocer();
    let n_nodes = made.n_nodes();
    let levels: Vec<std::ops::Range<usize>> =
        made.levels().iter().map(|level| level.nodes.clone()).collect();
    let all = |miss: f64| vec![vec![miss; 4]; n_nodes];
    let (over, under, base) = (all(1.5), all(-1.5), all(1.0));
    let (misses, far) = ([over.clone(), under], [over, all(9.0)]);
    let found = mix::shares(&[mix::Tried { misses: &misses, base: &base }], &levels, 2);
    assert!(
        (found[0] - 0.5).abs() < 0.02 && (found[0] + found[1] - 1.0).abs() < 1e-12,
        "{found:?}"
    );
    // Of ways that err alike the better one is left.
    let found = mix::shares(&[mix::Tried { misses: &far, base: &base }], &levels, 2);
    assert!(found[0] > 0.98, "{found:?}");
    assert_eq!(mix::shares(&[], &levels, 2), [0.5, 0.5]);
}

proptest! {
    #[test]
    fn all_of_it_adds_up(
        values in prop::collection::vec(0.0f64..1e4, 24),
        errors in prop::collection::vec(prop::collection::vec(-50.0f64..50.0, 8), 12),
        is_flat in any::<bool>(),
    ) {
        let made = grocer();
        let base: Vec<Vec<f64>> = values.chunks(2).map(<[f64]>::to_vec).collect();
        let bottom_means = vec![3.0; 6];
        // Errors that never differ leave no variance at all.
        let errors = if is_flat { vec![vec![0.0; 8]; 12] } else { errors };
        let past = Past { bottom_means: &bottom_means, errors: &errors, sign: Sign::NotNegative };
        let even = 1.0 / made.methods().len() as f64;
        let mix: Vec<(Method, f64)> = made.methods().iter().map(|one| (*one, even)).collect();
        let ways = made.methods().into_iter().map(|one| vec![(one, 1.0)]).chain([mix]);
        for shares in ways {
            let found = made.mixed(&base, &shares, &past);
            let sums = made.sums(&found[6..]);
            for (found, sum) in found.iter().flatten().zip(sums.iter().flatten()) {
                prop_assert!(found.is_finite() && (found - sum).abs() <= 1e-9, "{:?}", shares);
            }
        }
    }
}
