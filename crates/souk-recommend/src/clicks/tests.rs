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
