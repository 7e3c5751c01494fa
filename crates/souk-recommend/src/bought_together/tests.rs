use super::*;
use crate::checkerboard;
use crate::types::Shopper;
use crate::visits::{VisitEvent, VisitId, VisitLimits};

fn index_of(baskets: &[(u32, &[u32])]) -> VisitIndex {
    let mut index = VisitIndex::new(VisitLimits::default());
    for (basket, (shopper, items)) in baskets.iter().enumerate() {
        for &item in *items {
            index.push(VisitEvent {
                visit: VisitId(basket as u64),
                shopper: Some(Shopper(*shopper)),
                item: Item(item),
                time: basket as i64,
            });
        }
    }
    index
}

fn ask(index: &VisitIndex, anchors: &[u32], params: &TogetherParams) -> Vec<Companion> {
    let anchors: Vec<Item> = anchors.iter().map(|&number| Item(number)).collect();
    let query = TogetherQuery { anchors: &anchors, limit: 20 };
    bought_together(index, &query, params, &mut TogetherScratch::default())
}

fn pasta_shop() -> VisitIndex {
    // 1 pasta, 2 sauce, 3 bread (in nearly every basket), 4 cheese.
    index_of(&[
        (1, &[1, 2, 3]),
        (1, &[1, 2, 3]),
        (2, &[1, 2]),
        (3, &[1, 3, 4]),
        (3, &[3]),
        (4, &[3, 2, 4]),
        (5, &[3]),
        (6, &[3, 5]),
    ])
}

#[test]
fn hand_computed_lift() {
    let params = TogetherParams { support_min: 2, prior: 1.0, ..TogetherParams::default() };
    let answer = ask(&pasta_shop(), &[1], &params);
    // Sauce: 3 common of 4 baskets of pasta, chance 4 · 4/8 = 2: ln(4/3). Bread: 3 common, chance
    // 4 · 7/8 = 3.5, lift below 1. Cheese: 1 common, too few.
    assert_eq!(answer.len(), 1);
    let sauce = &answer[0];
    assert_eq!(sauce.scored.item, Item(2));
    assert!((sauce.scored.score.get() - (4.0f32 / 3.0).ln()).abs() < 1e-6);
    assert_eq!(sauce.scored.evidence, Evidence { items: vec![Item(1)], support: 3 });
    assert_eq!(sauce.shoppers, 2);
}

#[test]
fn anchors_add_up_and_stay_out() {
    let params = TogetherParams { support_min: 1, prior: 1.0, ..TogetherParams::default() };
    let answer = ask(&pasta_shop(), &[1, 2, 1], &params);
    // Cheese: with pasta 1 of chance 4 · 2/8 = 1, lift 1 (no evidence); with sauce the same.
    assert_eq!(answer, []);
    assert_eq!(ask(&pasta_shop(), &[1, 1], &params), ask(&pasta_shop(), &[1], &params));
    let answer = ask(&pasta_shop(), &[4, 1], &params);
    // Sauce: with cheese 1 of chance 2 · 4/8 = 1; with pasta as above. Bread: with cheese 2 of
    // 2 · 7/8 = 1.75: ln(3/2.75).
    let found: Vec<_> = answer
        .iter()
        .map(|c| (c.scored.item.0, c.scored.evidence.items[0].0, c.scored.evidence.support))
        .collect();
    assert_eq!(found, [(2, 1, 3), (3, 4, 2)]);
}

#[test]
fn evidence_names_the_strongest_anchor_first() {
    let index = index_of(&[
        (1, &[1, 2, 9]),
        (2, &[1, 2, 9]),
        (3, &[1, 9]),
        (4, &[2]),
        (5, &[5]),
        (6, &[6]),
        (7, &[7]),
    ]);
    let params = TogetherParams { support_min: 1, prior: 1.0, ..TogetherParams::default() };
    let answer = ask(&index, &[1, 2], &params);
    assert_eq!(answer[0].scored.item, Item(9));
    let evidence = Evidence { items: vec![Item(1), Item(2)], support: 3 };
    assert_eq!((&answer[0].scored.evidence, answer[0].shoppers), (&evidence, 3));
}

#[test]
fn forgetting_a_shopper_changes_the_counts_at_once() {
    let mut index = pasta_shop();
    index.forget(Shopper(1));
    let params = TogetherParams { support_min: 1, prior: 1.0, ..TogetherParams::default() };
    let fresh = index_of(&[
        (2, &[1, 2]),
        (3, &[1, 3, 4]),
        (3, &[3]),
        (4, &[3, 2, 4]),
        (5, &[3]),
        (6, &[3, 5]),
    ]);
    for anchor in 1..6 {
        assert_eq!(ask(&index, &[anchor], &params), ask(&fresh, &[anchor], &params));
    }
}

#[test]
fn completes_the_checkerboard() {
    let index = checkerboard::index();
    for shopper in 0..checkerboard::SIDE {
        let anchors: Vec<u32> = checkerboard::items_of(shopper).iter().map(|i| i.0).collect();
        let answer = ask(&index, &anchors, &TogetherParams::default());
        let found: Vec<u32> = answer.iter().map(|c| c.scored.item.0).collect();
        assert_eq!(found, [shopper]);
    }
}

#[test]
fn no_anchor_no_answer() {
    assert_eq!(ask(&pasta_shop(), &[], &TogetherParams::default()), []);
    assert_eq!(ask(&pasta_shop(), &[77], &TogetherParams::default()), []);
}
