#![allow(clippy::unwrap_used)]

use super::signals::{ListKind, Signal, share};
use super::simulated::{ImpressionShop, Looks, ShopParams, Wishes};
use super::simulated_search::{Cares, Finds, SearchShop, SearchShopParams};
use super::*;

/// People of a made-up shop, who click some two thousand times.
const PEOPLE: u64 = 1_500;

fn teaching(lists: &[ShownList], threads: usize) -> ImpressionTeaching<'_> {
    let kind = lists.first().map_or(ListKind::Recommended, ShownList::kind);
    ImpressionTeaching { lists, kind, threads, rests: Rests::NONE }
}

#[test]
fn what_is_learned_brings_more_clicks_than_the_order_of_sources() {
    let shop = ImpressionShop::new(ShopParams::default(), 11);
    let lists = shop.shown(PEOPLE);
    let (order, verdict) = teaching(&lists, 1).learn(None).unwrap();
    assert!(verdict.n_judges >= JUDGES_MIN && verdict.is_surely_better(), "{verdict:?}");
    let [usual, learned, best] = shop.clicks(&order);
    assert!(learned > usual + 0.5 * (best - usual), "{usual} {learned} {best}");
    // What is known of shoppers and products carries it, not chance.
    let gained = |of: Signal| {
        order.trees().importances().find(|(name, _)| *name == of.name()).map_or(0.0, |(_, n)| n)
    };
    assert!(gained(Signal::ClickRate) > 3.0 * gained(Signal::Stock));

    let (again, beside) = teaching(&lists, 2).learn(Some(&order)).unwrap();
    assert_eq!(again, order, "on any number of threads");
    let (serving, serving_gain) = (Some(verdict.learned), Some(verdict.gain.mean));
    assert_eq!(beside, OrderVerdict { serving, serving_gain, ..verdict });
    assert!(!beside.is_serving_outdated());
    assert_eq!(ImpressionOrder::decode(&order.encode(), ListKind::Recommended).unwrap(), order);
    assert!(ImpressionOrder::decode(&order.encode(), ListKind::Found).is_err(), "of other lists");
}

/// Clicks that follow places alone.
fn wishless(looks: Looks, seed: u64) -> OrderVerdict {
    let params = ShopParams { wishes: Wishes::None, looks, ..ShopParams::default() };
    let lists = ImpressionShop::new(params, seed).shown(1_000);
    teaching(&lists, 2).learn(None).unwrap().1
}

/// However places are looked at. How often of 300 shops of each kind: `cargo bench -p souk-recommend --bench impressions -- praise`.
#[test]
fn clicks_that_say_nothing_of_products_praise_hardly_any_order() {
    let halved = |each: f64| Looks::Halved { each };
    let looks = [Looks::Alike, halved(3.0), halved(1.0), Looks::Power(0.25), Looks::Middle];
    let shops = looks.into_iter().flat_map(|looks| (21..25).map(move |seed| (looks, seed)));
    let praised = shops.filter(|(looks, seed)| wishless(*looks, *seed).is_surely_better()).count();
    assert!(praised <= 1, "{praised} of 20");
}

/// Sources that know nearly everything: turning their order around must not be learned where places that are thought
/// to be hardly seen are seen by all.
#[test]
fn a_good_order_is_not_turned_around_where_all_places_are_looked_at() {
    let params = ShopParams { looks: Looks::Alike, knowing: 3.0, ..ShopParams::default() };
    let shop = ImpressionShop::new(params, 41);
    let lists = shop.shown(PEOPLE);
    let (order, _) = teaching(&lists, 2).learn(None).unwrap();
    let falling = ShopParams { looks: ShopParams::default().looks, ..params };
    let [usual, learned, _] = ImpressionShop::new(falling, 41).clicks(&order);
    assert!(learned > 0.97 * usual, "{usual} {learned}");
}

#[test]
fn those_who_judge_and_the_last_days_teach_nothing() {
    let shop = ImpressionShop::new(ShopParams::default(), 12);
    let lists = shop.shown(PEOPLE);
    let (order, verdict) = teaching(&lists, 2).learn(None).unwrap();
    let mut times: Vec<i64> = lists.iter().map(|list| list.time).collect();
    times.sort_unstable();
    let until = times[times.len() * 9 / 10];
    let mut other = lists;
    let kept_out = |list: &&mut ShownList| list.is_of_judge() || list.time >= until;
    // How far places are looked at is learned from whether anything was taken up, which stays.
    for list in other.iter_mut().filter(kept_out) {
        list.products.iter_mut().filter(|one| one.worth > 0.0).for_each(|one| one.worth = 2.0);
    }
    let (same, judged) = teaching(&other, 2).learn(None).unwrap();
    assert_eq!(same, order);
    assert_eq!(judged.n_judges, verdict.n_judges);
}

#[test]
fn nothing_is_learned_from_few_lists() {
    let shop = ImpressionShop::new(ShopParams::default(), 13);
    assert_eq!(teaching(&shop.shown(100), 1).learn(None), None);
    assert_eq!(teaching(&[], 1).learn(None), None);
}

#[test]
fn what_fills_a_list_up_and_what_was_no_candidate_stay_where_they_are() {
    let shop = ImpressionShop::new(ShopParams::default(), 14);
    let lists = shop.shown(PEOPLE);
    let (order, _) = teaching(&lists, 2).learn(None).unwrap();
    let list = lists.iter().find(|list| list.products.len() > 4).unwrap();
    let mut rows: Vec<SignalRow> = list.products.iter().map(|one| one.row).collect();
    for row in &mut rows[4..] {
        row.set(Signal::IsFound, share(0.0));
    }
    let ordered = order.order(&rows);
    let (mut found, mut filled) = (ordered[..4].to_vec(), ordered[4..].to_vec());
    found.sort_unstable();
    filled.sort_unstable();
    assert_eq!(found, [0, 1, 2, 3]);
    assert_eq!(filled, (4..rows.len()).collect::<Vec<_>>());
    let picked = ShownProduct { row: SignalRow::default(), worth: 1.0 };
    let with = ShownList { products: vec![picked; 3], ..ShownList::default() };
    assert!(!with.is_taken_up() && with.candidates().is_empty());
}

/// Lists that were served and never looked at say nothing of places, where the shop tells which were.
#[test]
fn lists_that_nobody_looked_at_say_nothing_of_places() {
    let shop = ImpressionShop::new(ShopParams::default(), 15);
    let mut seen = shop.shown(400);
    seen.iter_mut().for_each(|list| list.is_seen = true);
    let unseen = shop.shown(400).into_iter().map(|list| {
        let products = list.products.into_iter();
        let products = products.map(|one| ShownProduct { worth: 0.0, ..one }).collect();
        ShownList { products, ..list }
    });
    let both: Vec<ShownList> = seen.iter().cloned().chain(unseen).collect();
    assert_eq!(teaching(&both, 1).examination(), teaching(&seen, 1).examination());
}

/// An order that was learned when shoppers wished for something else.
fn stale(seed: u64) -> ImpressionOrder {
    let lists = ImpressionShop::new(ShopParams::default(), seed).shown(PEOPLE);
    teaching(&lists, 2).learn(None).unwrap().0
}

/// Three in four lists stand in an order that nobody wished for: what is clicked for its place alone speaks neither for that
/// order nor for one that learned to be like it.
#[test]
fn lists_that_stood_in_a_learned_order_do_not_speak_for_it() {
    let (mut praised, mut above) = (0, 0.0);
    for seed in 51..56 {
        let serving = stale(seed);
        // Places are looked at less than anybody believes.
        let params = ShopParams {
            wishes: Wishes::None,
            looks: Looks::Halved { each: 1.0 },
            ..ShopParams::default()
        };
        let lists = ImpressionShop::new(params, seed).shown_in(Some(&serving), 4_000);
        let (_, verdict) = teaching(&lists, 2).learn(Some(&serving)).unwrap();
        praised += u32::from(verdict.is_surely_better());
        above += verdict.serving.unwrap() - verdict.usual;
    }
    assert!(praised <= 1 && above < 0.0, "{praised} of 5, {above}");
}

/// What was learned when shoppers wished for something says nothing where they wish for nothing any more, however places are
/// looked at.
#[test]
fn an_order_that_nobody_wishes_for_any_more_is_seen_to_be_outdated() {
    let mut outdated = 0;
    for (looks, seed) in [(Looks::Alike, 81), (Looks::Power(0.25), 82), (Looks::Alike, 83)] {
        let serving = stale(seed);
        let params = ShopParams { wishes: Wishes::None, looks, ..ShopParams::default() };
        let lists = ImpressionShop::new(params, seed).shown_in(Some(&serving), 4_000);
        let (_, verdict) = teaching(&lists, 2).learn(Some(&serving)).unwrap();
        outdated += u32::from(verdict.is_serving_outdated());
        assert!(verdict.serving_gain.unwrap() < 0.01, "{verdict:?}");
    }
    assert!(outdated > 0, "it brings nothing, so each is as likely to be below zero as above");
}

/// Sources' order is far from what is wished for now, and the one in service further.
#[test]
fn a_stale_order_makes_way_for_what_is_learned_anew() {
    let params = ShopParams { wishes: Wishes::Turned, ..ShopParams::default() };
    for seed in 61..63 {
        let serving = stale(seed);
        let shop = ImpressionShop::new(params, seed);
        let lists = shop.shown_in(Some(&serving), 4_000);
        let (order, verdict) = teaching(&lists, 2).learn(Some(&serving)).unwrap();
        assert!(verdict.is_surely_better(), "{verdict:?}");
        assert!(verdict.serving.unwrap() < verdict.usual, "{verdict:?}");
        assert!(verdict.is_serving_outdated(), "{verdict:?}");
        let [usual, learned, _] = shop.clicks(&order);
        assert!(learned > usual, "{usual} {learned}");
    }
}

/// Fillers that are taken up beside what was found and was not: what is learned of both stays as large as scores are.
#[test]
fn fillers_that_are_taken_up_teach_among_themselves() {
    let shop = ImpressionShop::new(ShopParams::default(), 16);
    let lists = shop.shown(PEOPLE);
    let (order, _) = teaching(&lists, 2).learn(None).unwrap();
    for list in &lists {
        let rows: Vec<SignalRow> = list.products.iter().map(|one| one.row).collect();
        let n_found = rows.iter().filter(|row| row.is_found()).count();
        let ordered = order.order(&rows);
        assert!(ordered[..n_found].iter().all(|idx| *idx < n_found), "{ordered:?}");
        let (mut signals, mut scores) = (Vec::new(), vec![0.0; rows.len()]);
        rows.iter().for_each(|row| row.extend(ListKind::Recommended, &mut signals));
        order.trees().add_to(&signals, &mut scores);
        assert!(scores.iter().all(|score| score.abs() < 10.0), "{scores:?}");
    }
}

fn search_shop(cares: Cares, seed: u64) -> SearchShop {
    let looks = Looks::Halved { each: 3.0 };
    SearchShop::new(SearchShopParams { cares, looks }, seed)
}

/// Shops that go by other things learn other orders, for queries that nobody asked before, also of products that nobody met
/// before. How often and how much in 60 shops: `cargo run --release -p souk-recommend --example search_order -- good`.
#[test]
fn queries_that_nobody_asked_profit_from_what_is_clicked_after_others() {
    let planted = [Signal::PriceToHits, Signal::RatingToHits, Signal::Age];
    let shops = [(Cares::Price, 11), (Cares::Rating, 12), (Cares::Freshness, 13)];
    for ((cares, seed), wanted) in shops.into_iter().zip(planted) {
        let mut shop = search_shop(cares, seed);
        let lists = shop.shown(PEOPLE);
        assert!(lists.iter().all(|list| list.kind() == ListKind::Found));
        let (order, verdict) = teaching(&lists, 1).learn(None).unwrap();
        assert!(verdict.is_surely_better(), "{verdict:?}");
        for finds in [Finds::Met, Finds::Both, Finds::Unmet] {
            let [usual, learned, best] = shop.ndcg(&order, finds);
            let is_better = learned > usual + 0.6 * (best - usual) && learned <= best;
            assert!(is_better, "{cares:?} {finds:?}: {usual} {learned} {best}");
        }
        let gained = |of: Signal| {
            order.trees().importances().find(|(name, _)| *name == of.name()).map_or(0.0, |(_, n)| n)
        };
        for other in planted.into_iter().filter(|other| *other != wanted) {
            assert!(gained(wanted) > 5.0 * gained(other), "{cares:?} by {other:?}");
        }
        assert_eq!(teaching(&lists, 2).learn(None).unwrap().0, order, "on any number of threads");
        assert_eq!(ImpressionOrder::decode(&order.encode(), ListKind::Found).unwrap(), order);
        assert!(ImpressionOrder::decode(&order.encode(), ListKind::Recommended).is_err());
    }
}

/// What was known of demand when hits were shown tells nothing of products where clicks follow places alone. How often of 120
/// shops: `cargo run --release -p souk-recommend --example search_order -- harm`.
#[test]
fn searches_that_are_clicked_by_place_alone_praise_hardly_any_order() {
    let praised = |looks, seed| {
        let mut shop = SearchShop::new(SearchShopParams { cares: Cares::Nothing, looks }, seed);
        let lists = shop.shown(1_000);
        teaching(&lists, 2).learn(None).is_some_and(|(_, verdict)| verdict.is_surely_better())
    };
    let looks = [Looks::Alike, Looks::Halved { each: 3.0 }, Looks::Power(0.25), Looks::Middle];
    let shops = looks.into_iter().flat_map(|looks| (31..36).map(move |seed| (looks, seed)));
    let n_praised = shops.filter(|(looks, seed)| praised(*looks, *seed)).count();
    assert!(n_praised <= 1, "{n_praised} of 20");
}

#[test]
fn a_hit_that_lacks_words_stays_behind_those_that_have_them() {
    let mut shop = search_shop(Cares::Price, 14);
    let lists = shop.shown(PEOPLE);
    let (order, _) = teaching(&lists, 2).learn(None).unwrap();
    let mut n_moved = 0;
    for list in &lists {
        let rows: Vec<SignalRow> = list.products.iter().map(|one| one.row).collect();
        let ordered = order.order(&rows);
        assert!(ordered.iter().map(|idx| rows[*idx].tier()).is_sorted(), "{ordered:?}");
        n_moved += usize::from(!ordered.is_sorted());
    }
    assert!(n_moved > lists.len() / 2);
}
