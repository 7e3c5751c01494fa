use super::*;
use crate::checkerboard::{SIDE, items_of};
use crate::types::Item;

const DAY: i64 = 86_400_000;

fn basket(day: i64, items: &[u32]) -> Basket {
    let items: Vec<Item> = items.iter().copied().map(Item).collect();
    Basket::new(day as u64, day * DAY, &items)
}

fn run(baskets: &[Basket], now_day: i64) -> Vec<(u32, f32, u32)> {
    let params = BuyAgainParams::default();
    let scored = buy_again(baskets, now_day * DAY, &params, &mut BuyAgainScratch::default());
    scored.iter().map(|s| (s.item.0, s.score.get(), s.evidence.support)).collect()
}

#[test]
fn matches_the_formula_by_hand() {
    // Day 0 is 120 days ago: frequency 1/2, deliberateness 1/4 over √4; day 120 is now: 1 and 1.
    let baskets = [basket(0, &[1, 2, 3, 4]), basket(120, &[1])];
    let ranked = run(&baskets, 120);
    assert_eq!(ranked[0], (1, 1.5 * 1.125, 2));
    assert_eq!(ranked[1], (2, 0.5 * 0.125, 1));
    assert_eq!(ranked.len(), 4);
}

#[test]
fn baskets_after_now_do_not_count() {
    assert_eq!(run(&[basket(0, &[1]), basket(9, &[2])], 5).len(), 1);
    assert_eq!(run(&[], 5), []);
}

#[test]
fn extreme_times_stay_finite() {
    let baskets = [Basket::new(0, i64::MIN, &[Item(1)]), Basket::new(1, i64::MAX, &[Item(2)])];
    let params = BuyAgainParams::default();
    let scored = buy_again(&baskets, i64::MAX, &params, &mut BuyAgainScratch::default());
    assert_eq!(scored[0].item, Item(2));
}

/// Of a checkerboard it can only return what the shopper had, and must return all of that.
#[test]
fn completes_its_half_of_the_checkerboard() {
    for shopper in 0..SIDE {
        let baskets = [Basket::new(0, 0, &items_of(shopper))];
        let mut items: Vec<u32> = run(&baskets, 1).iter().map(|r| r.0).collect();
        items.sort_unstable();
        let expected: Vec<u32> = items_of(shopper).iter().map(|item| item.0).collect();
        assert_eq!(items, expected);
    }
}
