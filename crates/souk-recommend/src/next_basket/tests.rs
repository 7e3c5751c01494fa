#![allow(clippy::unwrap_used)]
use super::*;
use crate::checkerboard::{SIDE, items_of};
use crate::types::{Item, Shopper};
use crate::wire::SnapshotError;
use proptest::prelude::*;

const DAY: i64 = 86_400_000;

/// A change to the holder.
#[derive(Clone, Debug)]
enum Change {
    Add(u32, u64, i64, Vec<u32>),
    Remove(u32, u64),
    Forget(u32),
}

fn basket(key: u64, day: i64, items: &[u32]) -> Basket {
    Basket::new(key, day * DAY, &items.iter().copied().map(Item).collect::<Vec<_>>())
}

fn change() -> impl Strategy<Value = Change> {
    let items = prop::collection::vec(0..12_u32, 0..6);
    prop_oneof![
        6 => (0..6_u32, 0..9_u64, 0..60_i64, items).prop_map(|(s, k, d, i)| Change::Add(s, k, d, i)),
        1 => (0..6_u32, 0..9_u64).prop_map(|(s, k)| Change::Remove(s, k)),
        1 => (0..6_u32).prop_map(Change::Forget),
    ]
}

fn apply(to: &mut BasketVectors, change: &Change) {
    match change {
        Change::Add(s, key, day, items) => to.add_basket(Shopper(*s), basket(*key, *day, items)),
        Change::Remove(s, key) => {
            to.remove_basket(Shopper(*s), *key);
        }
        Change::Forget(s) => to.forget(Shopper(*s)),
    }
}

fn all_baskets(of: &BasketVectors) -> Vec<(Shopper, Basket)> {
    let shoppers = (0..of.n_shoppers() as u32).map(Shopper);
    shoppers.flat_map(|s| of.baskets(s).iter().map(move |b| (s, b.clone()))).collect()
}

fn answers(of: &BasketVectors, now: i64) -> Vec<Vec<Scored>> {
    let (mut scratch, params) = (Scratch::default(), Params::default());
    let market = Market::at(of, now);
    let answer = |s: u32| {
        let neighbourhood = of.neighbourhood((Shopper(s), now), &params, &mut scratch);
        let query = BasketQuery {
            own: of.baskets(Shopper(s)),
            now,
            market: &market,
            neighbourhood: &neighbourhood,
        };
        next_basket(&query, &params, &mut scratch)
    };
    (0..7).map(answer).collect()
}

proptest! {
    /// Whatever happened, state and answers are those of a holder built from what is left.
    #[test]
    fn changes_equal_a_rebuild(changes in prop::collection::vec(change(), 0..60)) {
        let mut lived = BasketVectors::default();
        changes.iter().for_each(|change| apply(&mut lived, change));
        let rebuilt = BasketVectors::build(all_baskets(&lived));
        prop_assert_eq!(&lived, &rebuilt);
        prop_assert_eq!(lived.encode(), rebuilt.encode());
        prop_assert_eq!(answers(&lived, 61 * DAY), answers(&rebuilt, 61 * DAY));
    }

    #[test]
    fn forgetting_equals_never_having_seen(
        changes in prop::collection::vec(change(), 0..60), gone in 0..6_u32
    ) {
        let (mut with, mut without) = (BasketVectors::default(), BasketVectors::default());
        for change in &changes {
            apply(&mut with, change);
            let (Change::Add(s, ..) | Change::Remove(s, _) | Change::Forget(s)) = change;
            if *s != gone {
                apply(&mut without, change);
            }
        }
        with.forget(Shopper(gone));
        prop_assert_eq!(&with, &without);
        prop_assert_eq!(answers(&with, 61 * DAY), answers(&without, 61 * DAY));
    }

    #[test]
    fn snapshot_round_trips(changes in prop::collection::vec(change(), 0..60)) {
        let mut lived = BasketVectors::default();
        changes.iter().for_each(|change| apply(&mut lived, change));
        prop_assert_eq!(&BasketVectors::decode(&lived.encode()).unwrap(), &lived);
    }

    /// Baskets after `now` change nothing but who counts as similar: no candidate comes from them.
    #[test]
    fn the_future_is_not_proposed(day in 0..60_i64) {
        let state = BasketVectors::build(vec![
            (Shopper(0), basket(1, day, &[1, 2])),
            (Shopper(0), basket(2, day + 1, &[3])),
        ]);
        let items: Vec<u32> = answers(&state, day * DAY)[0].iter().map(|s| s.item.0).collect();
        prop_assert!(!items.contains(&3) && items.len() == 2);
    }
}

#[test]
fn later_duplicates_of_a_key_replace() {
    let (old, new) = (basket(7, 1, &[1, 2]), basket(7, 3, &[2, 5]));
    let built = BasketVectors::build(vec![(Shopper(0), old.clone()), (Shopper(0), new.clone())]);
    let mut added = BasketVectors::default();
    added.add_basket(Shopper(0), old);
    added.add_basket(Shopper(0), new.clone());
    assert_eq!(built, added);
    assert_eq!(built.baskets(Shopper(0)), [new]);
    assert_eq!(built.n_baskets(), 1);
}

#[test]
fn damage_is_noticed() {
    let state = BasketVectors::build(vec![(Shopper(0), basket(7, 1, &[1, 2]))]);
    let mut bytes = state.encode();
    bytes[20] ^= 4;
    assert_eq!(BasketVectors::decode(&bytes), Err(SnapshotError::Damaged));
}

/// Every shopper had all items of their half but one, and the neighbours know that one.
#[test]
fn completes_the_checkerboard() {
    let baskets =
        (0..SIDE).map(|s| (Shopper(s), Basket::new(u64::from(s), 0, &items_of(s)))).collect();
    let state = BasketVectors::build(baskets);
    let (mut scratch, now) = (Scratch::default(), DAY);
    let params = Params { limit: SIDE as usize, buyers_share_max: 1.0, ..Params::default() };
    let market = Market::at(&state, now);
    for shopper in 0..SIDE {
        let near = state.neighbourhood((Shopper(shopper), now), &params, &mut scratch);
        let own = state.baskets(Shopper(shopper));
        let query = BasketQuery { own, now, market: &market, neighbourhood: &near };
        let list = next_basket(&query, &params, &mut scratch);
        let own = items_of(shopper);
        let new: Vec<&Scored> = list.iter().filter(|s| !own.contains(&s.item)).collect();
        assert_eq!(new[0].item, Item(shopper));
        assert_eq!(new[0].evidence.support, SIDE / 2 - 1);
        assert!(new[0].evidence.items.iter().all(|item| own.contains(item)));
        assert!(!new[0].evidence.items.is_empty());
    }
}

#[test]
fn evidence_of_an_own_item_is_the_number_of_own_baskets() {
    let state = BasketVectors::build(vec![
        (Shopper(0), basket(1, 1, &[1, 2])),
        (Shopper(0), basket(2, 2, &[1])),
        (Shopper(1), basket(3, 2, &[9])),
    ]);
    let list = &answers(&state, 3 * DAY)[0];
    assert_eq!((list[0].item, list[0].evidence.support), (Item(1), 2));
    // A stranger's item is popular with one shopper, and rests on no item.
    let popular = list.iter().find(|scored| scored.item == Item(9)).unwrap();
    assert_eq!(popular.evidence, Evidence { items: Vec::new(), support: 1 });
}

#[test]
fn market_counts_shoppers_once_per_window() {
    let state = BasketVectors::build(vec![
        (Shopper(0), basket(1, 390, &[1])),
        (Shopper(0), basket(2, 399, &[1])),
        (Shopper(1), basket(3, 380, &[1, 2])),
        (Shopper(2), basket(4, 10, &[1])),
        (Shopper(3), basket(5, 500, &[3])),
    ]);
    let market = Market::at(&state, 400 * DAY);
    // Two active shoppers: one bought item 1 this week, both this month.
    let ln = |x: f32| x.ln();
    let item = market.item(Item(1));
    assert_eq!(item.ln_share, [ln(2.0 / 3.0), ln(1.0), ln(1.0)]);
    assert_eq!((item.n_recent, item.ln_repeat), (2, ln(1.3 / 5.0)));
    assert_eq!(market.popular(), [Item(1), Item(2)]);
}

#[test]
fn a_neighbourhood_is_stale_after_an_own_basket_or_a_day() {
    let mut state = BasketVectors::build(vec![(Shopper(0), basket(1, 1, &[1]))]);
    let params = Params::default();
    let made = state.neighbourhood((Shopper(0), DAY), &params, &mut Scratch::default());
    assert!(made.is_fresh(&state, Shopper(0), 2 * DAY));
    assert!(!made.is_fresh(&state, Shopper(0), 2 * DAY + 1));
    state.add_basket(Shopper(1), basket(2, 1, &[1]));
    assert!(made.is_fresh(&state, Shopper(0), DAY));
    state.add_basket(Shopper(0), basket(3, 1, &[1]));
    assert!(!made.is_fresh(&state, Shopper(0), DAY));
}

/// Shoppers take the item they bought last; the fit must prefer it to what they bought long ago.
#[test]
fn fit_learns_that_recent_items_return() {
    let mut baskets = Vec::new();
    for s in 0..40_u32 {
        baskets.push((Shopper(s), basket(u64::from(2 * s), 1, &[s % 5])));
        baskets.push((Shopper(s), basket(u64::from(2 * s + 1), 90, &[5 + s % 5])));
    }
    let state = BasketVectors::build(baskets);
    let (now, mut scratch, mut lessons) = (100 * DAY, Scratch::default(), Lessons::default());
    let market = Market::at(&state, now);
    for s in 0..40 {
        let next = std::iter::once(Item(5 + s % 5)).collect();
        let shopper = Shopper(s);
        let own = state.baskets(shopper);
        lessons.add(&state, &Lesson { shopper, now, own, market: &market, next: &next });
    }
    let weights = lessons.fit().unwrap();
    let ranker = BasketRanker { weights, trees: None };
    let params = Params { ranker, limit: 1, ..Params::default() };
    for s in 0..40 {
        let near = state.neighbourhood((Shopper(s), now), &params, &mut scratch);
        let own = state.baskets(Shopper(s));
        let query = BasketQuery { own, now, market: &market, neighbourhood: &near };
        let list = next_basket(&query, &params, &mut scratch);
        assert_eq!(list[0].item, Item(5 + s % 5));
    }
    assert_eq!(Lessons::default().fit(), None);
}

/// Items out of order would be entered into lists that are as long as the last one says.
#[test]
fn a_snapshot_whose_items_are_out_of_order_is_damaged() {
    let kind = crate::wire::Kind { magic: *b"BSKT", version: 1 };
    let read = |items: &[u32]| {
        let mut to = crate::wire::Writer::new(kind, 64);
        to.u64(1);
        to.u32(0);
        to.u64(7);
        to.i64(1_000);
        to.u32(items.len() as u32);
        to.words(items.iter().copied());
        BasketVectors::decode(&to.finish()).err()
    };
    assert_eq!(read(&[3, 259]), None);
    assert_eq!(read(&[259, 3]), Some(crate::SnapshotError::Damaged));
    assert_eq!(read(&[3, 3]), Some(crate::SnapshotError::Damaged));
}
