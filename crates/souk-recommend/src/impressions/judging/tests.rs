use super::super::signals::Signal;
use super::super::simulated::{ImpressionShop, Looks, ShopParams, Wishes};
use super::*;

const PEOPLE: u64 = 2_000;

/// What people who all judge say of an order, as long as nothing is known of places but what is assumed.
fn said(
    (params, seed): (ShopParams, u64),
    order: impl Fn(&[SignalRow]) -> Vec<usize>,
) -> [Difference; 2] {
    let lists = ImpressionShop::new(params, seed).shown(PEOPLE);
    let judges = Judges::of(lists.iter(), &Examination::assumed());
    let usual = judges.brought(|rows| (0..rows.len()).collect());
    let of_sources = usual.nearness.clone();
    [judges.brought(order).gain(&of_sources), usual.gain(&of_sources)]
}

/// Turns what was found around, and what fills up.
fn turned(rows: &[SignalRow]) -> Vec<usize> {
    let n_found = rows.iter().filter(|row| row.is_found()).count();
    (0..n_found).rev().chain((n_found..rows.len()).rev()).collect()
}

/// Somewhat by how near the price is to the usual one, and more by stock, which nobody cares about.
fn by_price_and_chance(rows: &[SignalRow]) -> Vec<usize> {
    let told = |row: &SignalRow, signal| f64::from(row.level(signal) - 1) / 254.0;
    let score = |row: &SignalRow| {
        let apart = 8.0 * (told(row, Signal::PriceToHabit) - 0.5).abs();
        let stock = (told(row, Signal::Stock) * 1e6_f64.ln_1p()).exp_m1();
        0.02 * stock - 0.3 * apart
    };
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| {
        let found_first = rows[*b].is_found().cmp(&rows[*a].is_found());
        found_first.then(score(&rows[*b]).total_cmp(&score(&rows[*a])))
    });
    order
}

/// Where all places are looked at alike and are believed not to be, turning lists around looks like a gain that is
/// none: it rests on no product.
#[test]
fn turning_lists_around_is_no_gain_whatever_is_believed_of_places() {
    for looks in [Looks::Alike, Looks::Power(0.25), Looks::Power(1.0), Looks::Middle] {
        let params = ShopParams { wishes: Wishes::None, looks, ..ShopParams::default() };
        let [gain, nothing] = said((params, 71), turned);
        assert!(gain.low <= 0.0 && gain.mean < 0.01, "{looks:?}: {gain:?}");
        assert!(nothing.mean.abs() < 1e-9, "the order of sources over itself: {nothing:?}");
    }
}

/// It knows something of products and less than sources do: by whole inverse weights it would be praised where all places
/// are looked at alike and are believed not to be.
#[test]
fn an_order_that_knows_less_than_sources_is_not_praised() {
    let params = ShopParams { looks: Looks::Alike, knowing: 3.0, ..ShopParams::default() };
    let [gain, _] = said((params, 72), by_price_and_chance);
    assert!(gain.low < 0.0 && gain.mean < 0.0, "{gain:?}");
}
