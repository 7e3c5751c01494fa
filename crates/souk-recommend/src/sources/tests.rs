#![allow(clippy::unwrap_used)]

use super::*;
use crate::checkerboard::{SIDE, items_of};
use crate::types::Shopper;
use proptest::prelude::*;
use rustc_hash::FxHashSet;

fn checkerboard() -> Histories {
    let rows = |s| items_of(s).into_iter().map(move |item| (Shopper(s), item, 0));
    Histories::of((0..SIDE).flat_map(rows))
}

fn histories(events: &[(u32, u32, i64)]) -> Histories {
    Histories::of(events.iter().map(|&(s, item, time)| (Shopper(s), Item(item), time)))
}

fn all() -> Vec<SourceParams> {
    let als = AlsParams { n_factors: 8, ..AlsParams::default() };
    vec![
        SourceParams::Company(CompanyParams::default()),
        SourceParams::Rules(RulesParams::default()),
        SourceParams::Ease(EaseParams { penalty: 1.0, ..EaseParams::default() }),
        SourceParams::Als(als),
        SourceParams::Content(ContentParams::default()),
    ]
}

/// Scores by item, ascending.
fn scored(source: &dyn Source, history: &[u32]) -> Vec<(u32, f32)> {
    let history: Vec<Item> = history.iter().map(|&item| Item(item)).collect();
    let mut scores = Scores::default();
    source.score(&history, &mut scores);
    let mut held: Vec<u32> = scores.held().iter().map(|item| item.0).collect();
    held.sort_unstable();
    held.into_iter().map(|item| (item, scores.get(Item(item)).unwrap())).collect()
}

#[test]
fn every_source_completes_the_checkerboard() {
    let histories = checkerboard();
    // An item says its colour, and something that is its own.
    let tokens: Vec<Vec<u32>> = (0..SIDE).map(|item| vec![item % 2, 100 + item]).collect();
    for params in all() {
        let source = params.fit(&histories, &tokens, 1);
        for shopper in 0..SIDE {
            // Rules know an order, so the last item of a row has nobody who took it later.
            if matches!(params, SourceParams::Rules(_)) && shopper < 2 {
                continue;
            }
            let own = histories.items(Shopper(shopper));
            let (mut scores, mut top) = (Scores::default(), Vec::new());
            source.score(own, &mut scores);
            scores.top(1, &|item| own.contains(&item), &mut top);
            assert_eq!(top[0].1, Item(shopper), "{}", source.name());
        }
    }
}

#[test]
fn threads_change_no_byte() {
    let mut random = souk_math::Random::new(5);
    let events: Vec<(u32, u32, i64)> =
        (0..6_000).map(|at| (random.below(700) as u32, random.below(400) as u32, at)).collect();
    let histories = histories(&events);
    let tokens: Vec<Vec<u32>> = (0..400).map(|item| vec![item % 7, item % 11 + 20]).collect();
    let recipe = Recipe::new(all());
    let blends = [1, 2, 3].map(|threads| {
        let fit = |params: &SourceParams| {
            let source = params.fit(&histories, &tokens, threads);
            let bits = |(item, score): (u32, f32)| (item, score.to_bits());
            scored(&*source, &[3, 77, 12]).into_iter().map(bits).collect::<Vec<_>>()
        };
        recipe.sources.iter().map(fit).collect::<Vec<_>>()
    });
    assert_eq!(blends[0], blends[1]);
    assert_eq!(blends[0], blends[2]);
}

#[test]
fn company_is_the_cosine_by_hand() {
    // Items 1 and 2 share two of three histories with 1; 1 and 3 share one.
    let histories = histories(&[(0, 1, 0), (0, 2, 1), (1, 1, 0), (1, 2, 1), (2, 1, 0), (2, 3, 1)]);
    let params = CompanyParams { length_power: 0.0, ..CompanyParams::default() };
    let company = Company::fit(&histories, params, 1);
    let found = scored(&company, &[1]);
    assert_eq!(found.len(), 2);
    assert!((found[0].1 - 2.0 / 6.0_f32.sqrt()).abs() < 1e-6, "{found:?}");
    assert!((found[1].1 - 1.0 / 3.0_f32.sqrt()).abs() < 1e-6, "{found:?}");
    // The older item of a history counts `recency` as much: 2 speaks for 1 with 2/√6.
    let params = CompanyParams { recency: 0.25, ..params };
    let found = scored(&Company::fit(&histories, params, 1), &[2, 3]);
    let expected = 1.0 / 3.0_f32.sqrt() + 0.25 * 2.0 / 6.0_f32.sqrt();
    assert_eq!(found[0].0, 1);
    assert!((found[0].1 - expected).abs() < 1e-6, "{found:?}");
}

#[test]
fn rules_go_forward_and_fade() {
    let histories = histories(&[(0, 1, 0), (0, 2, 1), (0, 3, 2), (1, 2, 0), (1, 1, 1)]);
    let params =
        RulesParams { distance: 0.5, lag_max: 2, from_power: 1.0, to_power: 0.0, recency: 0.5 };
    // Of two who took 1, one took 2 directly after it and 3 with one place between.
    assert_eq!(scored(&Rules::fit(&histories, params, 1), &[1]), [(2, 0.5), (3, 0.25)]);
    let near = RulesParams { lag_max: 1, ..params };
    assert_eq!(scored(&Rules::fit(&histories, near, 1), &[1]), [(2, 0.5)]);
    assert_eq!(scored(&Rules::fit(&histories, near, 1), &[9]), []);
}

/// Two items, taken by 2 and 1, together once: `G = [[2, 1], [1, 1]]`, λ = 1, `P = [[2, -1], [-1, 3]] / 5`, so
/// `B₁₂ = 1/3` and `B₂₁ = 1/2`.
#[test]
fn ease_matches_the_equation() {
    let histories = histories(&[(0, 0, 0), (0, 1, 1), (1, 0, 0)]);
    let params = EaseParams { penalty: 1.0, ..EaseParams::default() };
    let ease = Ease::fit(&histories, params, 1);
    let close = |found: &[(u32, f32)], item: u32, score: f32| {
        assert_eq!((found.len(), found[0].0), (1, item));
        assert!((found[0].1 - score).abs() < 1e-6, "{found:?}");
    };
    close(&scored(&ease, &[0]), 1, 1.0 / 3.0);
    close(&scored(&ease, &[1]), 0, 0.5);
    // Near pairs count twice where they stand and 1 + 1/e one place apart: `G + I = [[5, 1 + 1/e], [1 + 1/e, 3]]`.
    let near = Ease::fit(&histories, EaseParams { nearness: 1.0, reach: 1.0, ..params }, 1);
    let pair = 1.0 + (-1.0_f32).exp();
    close(&scored(&near, &[0]), 1, pair / 5.0);
    close(&scored(&near, &[1]), 0, pair / 3.0);
    // With room for one item only, the rarer one is not modelled.
    let small = Ease::fit(&histories, EaseParams { items_max: 1, ..params }, 1);
    assert_eq!(scored(&small, &[0]), []);
}

#[test]
fn als_lowers_its_loss_and_folds_in_new_items() {
    let histories = checkerboard();
    let params = AlsParams { n_factors: 8, n_epochs: 1, ..AlsParams::default() };
    let losses = [1, 2, 4, 8]
        .map(|n_epochs| Als::fit(&histories, AlsParams { n_epochs, ..params }, 1).loss(&histories));
    assert!(losses.windows(2).all(|pair| pair[1] < pair[0]), "{losses:?}");
    // A new item of the even shoppers is for them, and not for the odd ones.
    let mut als = Als::fit(&histories, AlsParams { n_epochs: 8, ..params }, 1);
    let mut histories = histories;
    for shopper in [0, 2, 4] {
        histories.update(Shopper(shopper), Item(SIDE), 1);
    }
    als.update(&histories, Item(SIDE));
    let of = |shopper| {
        let own: Vec<u32> = items_of(shopper).iter().map(|item| item.0).collect();
        scored(&als, &own).into_iter().find(|&(item, _)| item == SIDE).map_or(0.0, |found| found.1)
    };
    assert!(of(6) > 0.2 && of(7) < of(6) / 4.0, "{} {}", of(6), of(7));
}

#[test]
fn content_knows_items_that_nobody_took() {
    let mut content = Content::fit(
        &[vec![1, 2, 9], vec![1, 3, 9], vec![4, 5, 9], vec![6, 9], vec![7, 9]],
        ContentParams::default(),
    );
    // What all carry tells nothing; what two share does.
    let found = scored(&content, &[0]);
    assert_eq!(found.iter().map(|&(item, _)| item).collect::<Vec<_>>(), [0, 1]);
    assert!((found[0].1 - 1.0).abs() < 1e-6 && found[1].1 < 0.5, "{found:?}");
    content.update(Item(5), &[2, 2, 1]);
    let found = scored(&content, &[0]);
    assert!(found[2].0 == 5 && (found[2].1 - 1.0).abs() < 1e-6, "{found:?}");
    // What changed its description speaks by the new one only.
    content.update(Item(5), &[7]);
    assert_eq!(scored(&content, &[0]).len(), 2);
}

#[test]
fn a_blend_learns_whom_to_trust() {
    let histories = checkerboard();
    // Descriptions that lie: they name the other colour.
    let tokens: Vec<Vec<u32>> = (0..SIDE).map(|item| vec![item / 2 % 2, 100 + item / 2]).collect();
    let sources = [
        SourceParams::Content(ContentParams::default()),
        SourceParams::Company(CompanyParams::default()),
    ];
    let mut recipe = Recipe::new(sources.to_vec());
    let mut scratch = BlendScratch::default();
    let mut n_right = |recipe: &Recipe| {
        let blend = recipe.fit(&histories, &tokens, 1);
        let is_right = |shopper: u32| {
            let own = histories.items(Shopper(shopper));
            let is_hidden = |item| own.contains(&item);
            blend.rank(own, (1, &is_hidden), &mut scratch) == [Item(shopper)]
        };
        (0..SIDE).map(is_right).filter(|right| *right).count()
    };
    recipe.weights = Weights([&[5.0, 0.0, 0.0, 0.1, 0.0, 0.0][..], &[0.0; 10]].concat());
    let before = n_right(&recipe);
    let blend = recipe.fit(&histories, &tokens, 1);
    let mut lessons = LessonBook::default();
    for shopper in 0..SIDE {
        let own = histories.items(Shopper(shopper));
        let taken = FxHashSet::from_iter([Item(shopper)]);
        lessons.add(&blend, (own, &taken), &|item| own.contains(&item));
    }
    recipe.weights = lessons.fit().unwrap();
    assert!(before < SIDE as usize, "{before}");
    assert_eq!(n_right(&recipe), SIDE as usize);
    assert_eq!(LessonBook::default().fit(), None);
}

/// Of items beyond the board, which nobody took, each says its colour: kin and likeness must find the
/// right ones, and may cost known items only what is allowed.
#[test]
fn new_items_find_their_place() {
    let histories = checkerboard();
    let tokens: Vec<Vec<u32>> = (0..SIDE + 8).map(|item| vec![item % 2]).collect();
    let sources = [
        SourceParams::Company(CompanyParams::default()),
        SourceParams::Content(ContentParams::default()),
    ];
    let recipe = Recipe::new(sources.to_vec());
    let mut blend = recipe.fit(&histories, &tokens, 1);
    let mut lessons = LessonBook::default();
    for shopper in 0..SIDE {
        let own = histories.items(Shopper(shopper));
        // Most take the known item that is left; every fifth a new one of the colour.
        let next = if shopper / 2 % 5 == 0 { SIDE + shopper % 2 } else { shopper };
        let taken = FxHashSet::from_iter([Item(next)]);
        lessons.add(&blend, (own, &taken), &|item| own.contains(&item));
    }
    let mut scratch = BlendScratch::default();
    let mut list = |blend: &Blend, shopper: u32| {
        let own = histories.items(Shopper(shopper));
        blend.rank(own, (5, &|item| own.contains(&item)), &mut scratch)
    };
    let anywhere = NewPlaces { limit: 5, share: 1.0, cost_max: 0.0 };
    blend.set_weights(lessons.fit_new(&recipe.weights, &anywhere));
    for shopper in 0..SIDE {
        let found = list(&blend, shopper);
        assert_eq!(found[0], Item(shopper), "no known item may lose");
        let is_kin = |item: &Item| item.0 >= SIDE && item.0 % 2 == shopper % 2;
        assert!(found[1..].iter().all(is_kin), "{found:?}");
    }
    let any_price = NewPlaces { cost_max: 1.0, ..anywhere };
    blend.set_weights(lessons.fit_new(&recipe.weights, &any_price));
    assert!((0..SIDE).all(|shopper| list(&blend, shopper)[0].0 >= SIDE));
    // Whatever their weights, a share of the places holds.
    blend.set_new_share(0.4);
    let n_new = |found: &[Item]| found.iter().filter(|item| item.0 >= SIDE).count();
    for shopper in 0..SIDE {
        let found = list(&blend, shopper);
        assert_eq!((n_new(&found[..1]), n_new(&found)), (0, found.len().min(3) - 1), "{found:?}");
    }
    let none = LessonBook::default().fit_new(&recipe.weights, &anywhere);
    assert_eq!(none, recipe.weights);
}

/// A long list is pages of twenty: of each the last places may go to new items, and it is the beginning of
/// every longer one.
#[test]
fn new_items_have_places_on_every_page() {
    // Eighty items that somebody took, then forty that nobody did.
    let events: Vec<_> = (0..81_u32).flat_map(|s| [(s, 0, 0), (s, 1 + s.min(79), 1)]).collect();
    let histories = histories(&events);
    let tokens: Vec<Vec<u32>> = (0..121).map(|item| vec![item % 2]).collect();
    let sources = [
        SourceParams::Company(CompanyParams::default()),
        SourceParams::Content(ContentParams::default()),
    ];
    let recipe = Recipe::new(sources.to_vec());
    let mut blend = recipe.fit(&histories, &tokens, 1);
    // New items are liked best of all, so only their share keeps them back.
    let mut weights = recipe.weights.clone();
    weights.0.iter_mut().rev().take(6).for_each(|weight| *weight = 100.0);
    blend.set_weights(weights);
    blend.set_new_share(0.3);
    let mut scratch = BlendScratch::default();
    let mut list = |limit: usize| blend.propose(&[Item(0)], (limit, &|_| false), &mut scratch);
    let long = list(60);
    let news: Vec<bool> = long.iter().map(|one| one.item.0 > 80).collect();
    let page: Vec<bool> = (0..20).map(|place| place >= 14).collect();
    assert_eq!(news, page.repeat(3), "{long:?}");
    assert!(long.is_sorted_by(|a, b| a.score >= b.score), "{long:?}");
    let mut items: Vec<Item> = long.iter().map(|one| one.item).collect();
    assert_eq!(list(40), long[..40]);
    items.sort_unstable();
    items.dedup();
    assert_eq!(items.len(), 60, "nothing stands twice");
}

#[test]
fn kin_of_new_items_by_hand() {
    let histories = histories(&[(0, 0, 0), (0, 1, 1), (0, 2, 2)]);
    // Item 3 is as much like 0 as like 1, and not at all like 2; item 4 says nothing.
    let tokens = [vec![7], vec![7], vec![8], vec![7], vec![]];
    let content = Content::fit(&tokens, ContentParams { rarity: 0.0, ..ContentParams::default() });
    let kin = content.kin(&histories).unwrap();
    assert_eq!(kin.of(Item(0)), [], "a token of three in four tells nothing");
    let tokens = [vec![7], vec![7], vec![8], vec![7], vec![], vec![9], vec![9]];
    let content = Content::fit(&tokens, ContentParams { rarity: 0.0, ..ContentParams::default() });
    let kin = content.kin(&histories).unwrap();
    assert_eq!((kin.of(Item(0)), kin.of(Item(1))), (&[(Item(3), 0.5)][..], &[(Item(3), 0.5)][..]));
    assert_eq!(kin.of(Item(2)), []);
    assert!(Company::fit(&histories, CompanyParams::default(), 1).kin(&histories).is_none());
}

proptest! {
    /// After any events and departures, counts are those of a fit of what is left, to the last bit.
    #[test]
    fn updates_and_departures_are_exact(
        events in prop::collection::vec((0..6_u32, 0..8_u32, 0..5_i64), 1..60),
        gone in prop::collection::vec(0..6_u32, 0..4),
    ) {
        let company = CompanyParams { distance: 0.7, backward: 0.5, ..CompanyParams::default() };
        let empty = Histories::default();
        let mut live = empty.clone();
        let mut by_update = (
            Company::fit(&empty, company, 1), Rules::fit(&empty, RulesParams::default(), 1)
        );
        for &(shopper, item, time) in &events {
            live.update(Shopper(shopper), Item(item), time);
            by_update.0.update(&live, Shopper(shopper));
            by_update.1.update(&live, Shopper(shopper));
        }
        for &shopper in &gone {
            let items = live.forget(Shopper(shopper));
            by_update.0.forget(&live, &items);
            by_update.1.forget(&live, &items);
        }
        let left = events.iter().copied().filter(|(shopper, ..)| !gone.contains(shopper));
        let left = histories(&left.collect::<Vec<_>>());
        prop_assert_eq!(&live, &left);
        prop_assert_eq!(Popularity::fit(&live), Popularity::fit(&left));
        prop_assert_eq!(by_update.0, Company::fit(&left, company, 1));
        prop_assert_eq!(by_update.1, Rules::fit(&left, RulesParams::default(), 1));
    }
}
