#![allow(clippy::unwrap_used)]
use super::simulated::{ClickShop, Estimator, ShopParams, Trap};
use super::*;

fn shown(item: u32, place: u8, (n, clicks): (f64, f64)) -> Shown {
    Shown { query: 0, item: Item(item), place, shown: n, clicks, worth: clicks }
}

fn factor_of(liked: &[Liked], item: u32) -> f64 {
    liked.iter().find(|one| one.item == Item(item)).unwrap().factor
}

#[test]
fn what_stands_first_is_not_better_for_being_clicked_there() {
    // A third as many look at the fifth place as at the first, and a third as many clicked there.
    let looks = Examination::assumed().at(5);
    let rows = [shown(1, 0, (1_000.0, 200.0)), shown(2, 5, (1_000.0, 200.0 * looks))];
    let liked = liked(&rows, &Examination::assumed(), &ClickParams::default());
    assert!((factor_of(&liked, 1) - 1.0).abs() < 0.01, "{liked:?}");
    assert!((factor_of(&liked, 2) - 1.0).abs() < 0.01, "{liked:?}");
}

#[test]
fn a_product_clicked_twice_as_often_in_its_place_has_about_twice_the_factor() {
    let rows = [
        shown(1, 0, (5_000.0, 500.0)),
        shown(2, 0, (5_000.0, 1_000.0)),
        shown(3, 0, (5_000.0, 500.0)),
    ];
    let liked = liked(&rows, &Examination::assumed(), &ClickParams::default());
    let ratio = factor_of(&liked, 2) / factor_of(&liked, 1);
    assert!((ratio - 2.0).abs() < 0.05, "{ratio}");
}

#[test]
fn one_click_moves_little_and_none_is_beyond_the_bounds() {
    let rows =
        [shown(1, 0, (1_000.0, 100.0)), shown(2, 1, (1.0, 1.0)), shown(3, 0, (2_000.0, 0.0))];
    let params = ClickParams::default();
    let liked = liked(&rows, &Examination::assumed(), &params);
    let single = factor_of(&liked, 2);
    assert!(single > 1.1 && single < 1.25, "{single}");
    assert!((factor_of(&liked, 3) - 1.0 / params.factor_max).abs() < 1e-12);
}

#[test]
fn what_nobody_was_shown_does_not_come_before_what_fits_for_that() {
    // Thirty people were shown ten products and all ordered the third.
    let rows = |n: f64| -> Vec<Shown> {
        let row = |place: u8| match place {
            2 => Shown { worth: 3.0 * n, ..shown(2, 2, (n, n)) },
            _ => shown(u32::from(place), place, (n, 0.0)),
        };
        (0..10).map(row).collect()
    };
    for n in [30.0, 300.0] {
        let liked = liked(&rows(n), &Examination::assumed(), &ClickParams::default());
        let others = unshown(&liked);
        assert!(factor_of(&liked, 2) > 2.0);
        for item in [0, 1, 3, 9] {
            let against = factor_of(&liked, item) / others;
            assert!(against > 0.8, "{n} {item}: {against}");
        }
    }
    // Where most are taken up alike, what nobody saw may be as good.
    let alike: Vec<Shown> = (0..10_u8)
        .map(|place| {
            let clicks = 20.0 * Examination::assumed().at(place);
            shown(u32::from(place), place, (100.0, if place == 0 { 0.0 } else { clicks }))
        })
        .collect();
    let liked = liked(&alike, &Examination::assumed(), &ClickParams::default());
    assert!(unshown(&liked) > 0.95 && factor_of(&liked, 0) < 0.6 * unshown(&liked));
    assert!((unshown(&[]) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn nothing_shown_or_nothing_clicked_says_nothing() {
    let params = ClickParams::default();
    assert_eq!(liked(&[], &Examination::assumed(), &params), []);
    let rows = [shown(1, 0, (10.0, 0.0))];
    assert_eq!(liked(&rows, &Examination::assumed(), &params), []);
    assert_eq!(Examination::estimated(&[]), Examination::assumed());
}

#[test]
fn places_are_learned_from_products_that_moved() {
    // Here examination halves with every place, faster than is assumed; products of unlike worth stood in each.
    let truth = |place: u8| 0.5_f64.powi(i32::from(place));
    let mut rows = Vec::new();
    for item in 0..30_u32 {
        let worth = 0.1 + 0.02 * f64::from(item);
        for place in 0..6_u8 {
            rows.push(shown(item, place, (2_000.0, 2_000.0 * truth(place) * worth)));
        }
    }
    let learned = Examination::estimated(&rows);
    for place in 0..4_u8 {
        assert!((learned.at(place) - truth(place)).abs() < 0.02, "{place}: {}", learned.at(place));
    }
    // Nobody saw the seventeenth place: it is as assumed, but no better than what is above it.
    assert!(learned.at(16) <= learned.at(5));
}

#[test]
fn what_never_moved_says_nothing_of_places() {
    let rows: Vec<Shown> =
        (0..6).map(|place| shown(u32::from(place), place, (10_000.0, 100.0))).collect();
    assert_eq!(Examination::estimated(&rows), Examination::assumed());
}

#[test]
fn rising_neighbours_are_pooled() {
    let mut values = [0.0; PLACES];
    values[..4].copy_from_slice(&[1.0, 0.2, 0.4, 0.1]);
    let fallen = falling(values, [1.0; PLACES]);
    for (found, wanted) in fallen.iter().zip([1.0, 0.3, 0.3, 0.1, 0.0]) {
        assert!((found - wanted).abs() < 1e-12, "{fallen:?}");
    }
}

#[test]
fn lists_get_better_by_a_tenth_and_more() {
    for seed in [11, 12] {
        for by in [Estimator::Assumed, Estimator::Learned] {
            let shop = ClickShop::new(&ShopParams::default(), seed);
            let learned = shop.learn(20_000, (by, &ClickParams::default()));
            assert!(learned.learned >= 1.1 * learned.text, "{seed} {by:?}: {learned:?}");
        }
    }
}

#[test]
fn bad_products_planted_first_do_not_stay_there() {
    let params = ShopParams { trap: Trap::Planted, ..ShopParams::default() };
    let learn = |by| ClickShop::new(&params, 13).learn(20_000, (by, &ClickParams::default()));
    let learned = learn(Estimator::Learned);
    assert!(learned.trapped <= 0.3 && learned.learned >= 1.1 * learned.text, "{learned:?}");
    // The world is one in which places deceive: by showings alone far more stay.
    let naive = learn(Estimator::Naive);
    assert!(naive.trapped > 2.0 * learned.trapped, "{naive:?}");
}
