use super::*;
use crate::checkerboard::{SIDE, items_of};
use crate::sources::{CompanyParams, ContentParams, RulesParams, SourceParams, Weights};
use proptest::prelude::*;

fn row(shopper: u32, item: u32, time: i64) -> RatingRow {
    RatingRow { shopper: Shopper(shopper), item: Item(item), time }
}

/// The cosine alone.
fn cosine() -> Recipe {
    Recipe::new(vec![SourceParams::Company(CompanyParams::default())])
}

fn task<'a>(train: &'a [RatingRow], test: &'a [RatingRow], recipe: &'a Recipe) -> RatingTask<'a> {
    RatingTask {
        train,
        test,
        ks: &[1, 3],
        seen: Seen::Exclude,
        tuning: RatingTuning::Fixed,
        attributes: &[],
        recipe,
        diversity: None,
        threads: 1,
        against: None,
    }
}

#[test]
fn completes_the_checkerboard() {
    let rows_of = |s: u32| items_of(s).into_iter().map(move |item| row(s, item.0, 0));
    let train: Vec<_> = (0..SIDE).flat_map(rows_of).collect();
    let test: Vec<_> = (0..SIDE).map(|s| row(s, s, 1)).collect();
    let report = evaluate_ratings(&task(&train, &test, &cosine()), &|| 0);
    assert_eq!((report.model[0].all.recall, report.model[0].all.ndcg), (1.0, 1.0));
    assert_eq!(report.model[0].coverage, 1.0);
    assert!(report.popularity[0].all.recall < 0.2);
}

#[test]
fn attributes_reach_items_that_nobody_took() {
    let train = [row(0, 0, 0), row(1, 2, 0), row(2, 2, 0), row(3, 3, 0)];
    let test = [row(0, 1, 1)];
    let attributes = [vec![7], vec![7], vec![8], vec![9], vec![10]];
    let mut recipe = Recipe::new(vec![
        SourceParams::Content(ContentParams::default()),
        SourceParams::Popularity,
    ]);
    recipe.weights.0[0] = 2.0;
    let task = RatingTask { attributes: &attributes, ..task(&train, &test, &recipe) };
    let report = evaluate_ratings(&task, &|| 0);
    assert_eq!(report.predictions[0].1[..2], [Item(1), Item(2)]);
    let at_1 = &report.model[0];
    assert_eq!((at_1.all.recall, at_1.cold.recall, at_1.cold.n_shoppers), (1.0, 1.0, 1));
    // Nobody of the training part took item 1, so the catalogue that is covered does not hold it.
    assert_eq!((at_1.coverage, report.model[1].coverage), (0.0, 2.0 / 3.0));
}

#[test]
fn repeats_and_new_items_are_told_apart() {
    let train = [row(0, 1, 0), row(0, 2, 1), row(1, 1, 0), row(1, 2, 1), row(1, 3, 2)];
    let test = [row(0, 1, 2), row(0, 3, 2)];
    let recipe = cosine();
    let excluded = evaluate_ratings(&task(&train, &test, &recipe), &|| 0);
    assert_eq!(excluded.predictions[0].1, [Item(3)]);
    let one = &excluded.model[1];
    assert_eq!((one.all.recall, one.repeat.recall, one.new.recall), (0.5, 0.0, 1.0));
    assert_eq!((one.repeat.n_shoppers, one.new.n_shoppers, one.cold.n_shoppers), (1, 1, 0));
    let mut recipe = cosine();
    // Nothing against what was taken before.
    recipe.weights = Weights([&[1.0][..], &[0.0; 12]].concat());
    let include = RatingTask { seen: Seen::Include, ..task(&train, &test, &recipe) };
    let included = evaluate_ratings(&include, &|| 0);
    assert_eq!(included.model[1].repeat.recall, 1.0);
}

#[test]
fn novelty_and_diversity_by_hand() {
    // Of four shoppers two took item 1 and one took item 2.
    let train = [row(0, 0, 0), row(1, 1, 0), row(2, 1, 0), row(3, 2, 0)];
    let test = [row(0, 1, 1)];
    let recipe = Recipe::new(vec![SourceParams::Popularity]);
    let attributes = [vec![], vec![5, 6], vec![5, 7]];
    let with = RatingTask { attributes: &attributes, ..task(&train, &test, &recipe) };
    let report = evaluate_ratings(&with, &|| 0);
    assert_eq!(report.predictions[0].1, [Item(1), Item(2)]);
    assert_eq!((report.model[0].novelty, report.model[1].novelty), (1.0, 1.5));
    // They share one of three attributes; without attributes, no taker.
    assert!((report.model[1].diversity - 2.0 / 3.0).abs() < 1e-6);
    let without = evaluate_ratings(&task(&train, &test, &recipe), &|| 0);
    assert_eq!(without.model[1].diversity, 1.0);
}

#[test]
fn two_configurations_are_compared_shopper_by_shopper() {
    let rows_of = |s: u32| items_of(s).into_iter().map(move |item| row(s, item.0, 0));
    let train: Vec<_> = (0..SIDE).flat_map(rows_of).collect();
    let test: Vec<_> = (0..SIDE).map(|s| row(s, s, 1)).collect();
    let recipe = cosine();
    // The other one is right for the first half and silent for the rest.
    let others: Vec<_> = (0..SIDE / 2).map(|s| (Shopper(s), vec![Item(s)])).collect();
    let against = RatingTask { against: Some(&others), ..task(&train, &test, &recipe) };
    let report = evaluate_ratings(&against, &|| 0);
    let found = report.over_other[0];
    assert_eq!((found.mean, found.n), (0.5, SIDE as usize));
    assert!(found.low > 0.2 && found.high < 0.8, "{found:?}");
    assert_eq!(report.over_popularity.len(), 2);
}

#[test]
fn the_newest_go_to_the_test() {
    let rows = [row(0, 1, 5), row(1, 1, 1), row(1, 2, 9), row(2, 3, 5), row(2, 4, 7)];
    let (train, test) = split_at_time(&rows, 0.4);
    assert_eq!(train, [rows[0], rows[1], rows[3]]);
    assert_eq!(test, [rows[2], rows[4]]);
    assert_eq!(split_at_time(&rows, 1.0).0, []);
    assert_eq!(split_at_time(&[], 0.5), (vec![], vec![]));
    assert_eq!(newest_items(&rows, 0.5), FxHashSet::from_iter([Item(2), Item(4)]));
}

#[test]
fn weights_and_parameters_are_chosen_on_what_was_held_out() {
    // Item n + 1 follows item n; the cosine cannot tell it from the item before.
    let train: Vec<_> = (0..60_u32)
        .flat_map(|s| (0..4).map(move |at| row(s, (s + at) % 30, i64::from(at))))
        .collect();
    let test: Vec<_> = (0..60).map(|s| row(s, (s + 4) % 30, 9)).collect();
    let recipe = Recipe::new(vec![
        SourceParams::Company(CompanyParams::default()),
        SourceParams::Rules(RulesParams::default()),
    ]);
    let tuned = RatingTask { tuning: RatingTuning::TrainTail, ..task(&train, &test, &recipe) };
    let report = evaluate_ratings(&tuned, &|| 0);
    assert_eq!(report.model[0].all.recall, 1.0);
    assert_ne!(report.recipe.weights, recipe.weights);
}

/// Shoppers who take eight of the twelve items of a colour, in an order that says nothing.
fn colours(n_shoppers: u32) -> Vec<RatingRow> {
    let mut random = souk_math::Random::new(4);
    let mut rows = Vec::new();
    for shopper in 0..n_shoppers {
        let mut left: Vec<u32> = (0..12).map(|item| 3 * item + shopper % 3).collect();
        for at in 0..8 {
            rows.push(row(shopper, left.swap_remove(random.below(left.len())), at));
        }
    }
    rows
}

#[test]
fn new_items_are_found_when_lessons_held_items_out() {
    let mut train = colours(300);
    // Items 0 to 5 appear in the test alone.
    train.retain(|row| row.item.0 > 5);
    let test: Vec<_> = (0..300).map(|s| row(s, s % 6, 99)).collect();
    let attributes: Vec<Vec<u32>> = (0..36).map(|item| vec![item % 3, 10 + item]).collect();
    let recipe = Recipe::new(vec![
        SourceParams::Company(CompanyParams::default()),
        SourceParams::Content(ContentParams::default()),
    ]);
    let tuned = RatingTask {
        attributes: &attributes,
        ks: &[10],
        tuning: RatingTuning::TrainTail,
        ..task(&train, &test, &recipe)
    };
    let report = evaluate_ratings(&tuned, &|| 0);
    // Ten places hold the five that are left of the colour, and the two new ones of it.
    assert!(report.model[0].cold.recall > 0.8, "{:?}", report.model[0].cold);
}

#[test]
fn threads_change_no_list() {
    let train = colours(200);
    let test: Vec<_> = (0..200).map(|s| row(s, (7 * s) % 36, 99)).collect();
    let attributes: Vec<Vec<u32>> = (0..36).map(|item| vec![item % 3, 10 + item / 5]).collect();
    let als = crate::sources::AlsParams { n_factors: 8, n_epochs: 3, ..Default::default() };
    let recipe = Recipe::new(vec![
        SourceParams::Company(CompanyParams::default()),
        SourceParams::Rules(RulesParams::default()),
        SourceParams::Content(ContentParams::default()),
        SourceParams::Als(als),
        SourceParams::Popularity,
    ]);
    let reports = [1, 2].map(|threads| {
        let tuned = RatingTask {
            attributes: &attributes,
            ks: &[20],
            tuning: RatingTuning::TrainTail,
            threads,
            ..task(&train, &test, &recipe)
        };
        evaluate_ratings(&tuned, &|| 0)
    });
    assert_eq!(reports[0].predictions.len(), 200);
    assert_eq!(reports[0], reports[1], "lists, parameters and weights");
}

#[test]
fn variety_is_measured_beside_the_lists_as_ranked() {
    let train = colours(100);
    let test: Vec<_> = (0..100).map(|s| row(s, (7 * s) % 36, 99)).collect();
    // Neighbours in number are alike.
    let attributes: Vec<Vec<u32>> = (0..36).map(|item| vec![item / 6]).collect();
    let recipe = cosine();
    let plain = RatingTask { attributes: &attributes, ks: &[3], ..task(&train, &test, &recipe) };
    let diversity =
        Some(VarietyParams { price: 0.5, rarity_weight: 0.0, mix_weight: 0.0, behind: 27 });
    let report = evaluate_ratings(&RatingTask { diversity, ..plain }, &|| 0);
    assert_eq!(report.as_ranked, evaluate_ratings(&plain, &|| 0).model);
    assert!(report.model[0].diversity > report.as_ranked[0].diversity, "{report:?}");
    assert_eq!(report.over_as_ranked.len(), 1);
}

/// How fast relevance falls is learned where parameters are: without a look at the test, and not where they are fixed.
#[test]
fn the_curve_is_learned_on_what_parameters_are_tried_on() {
    let train = colours(100);
    let test = |shift: u32| -> Vec<RatingRow> {
        (0..100).map(|s| row(s, (7 * s + shift) % 36, 99)).collect()
    };
    let (test, other) = (test(0), test(5));
    let recipe = cosine();
    let diversity = Some(VarietyParams::default());
    let curves = |task: &RatingTask<'_>| evaluate_ratings(task, &|| 0).recipe.curves;
    let fixed = RatingTask { diversity, ..task(&train, &test, &recipe) };
    assert_eq!(curves(&fixed), ListCurves::default());
    let tuned = RatingTask { tuning: RatingTuning::TrainTail, ..fixed };
    let learned = curves(&tuned);
    assert!(learned.blend != ListCurves::default().blend, "{learned:?}");
    assert_eq!(curves(&RatingTask { test: &other, ..tuned }), learned);
    assert_eq!(curves(&RatingTask { diversity: None, ..tuned }), ListCurves::default());
}

/// Of two that were wanted each is worth as much as it adds: 1 / (1 + 1/log2(3)).
#[test]
fn hits_count_by_what_they_add() {
    let wanted = FxHashSet::from_iter([Item(1), Item(4)]);
    let worth: Vec<f64> = relevance::worth(&[Item(4), Item(2), Item(1)], &wanted, 10).collect();
    let each = 1.0 / (1.0 + 1.0 / 3.0_f64.log2());
    assert!((worth[0] - each).abs() < 1e-12 && (worth[2] - each).abs() < 1e-12, "{worth:?}");
    assert_eq!(worth[1], 0.0);
}

#[test]
fn some_items_are_taken_away_whole() {
    let whole = histories_of(&colours(100));
    let left = split::without_some_items(&whole, 1);
    let takers = |of: &Histories, item| of.takers(Item(item)).len();
    let gone =
        (0..120).filter(|&item| takers(&left, item) == 0 && takers(&whole, item) > 0).count();
    assert!((1..10).contains(&gone), "about a tenth of 36: {gone}");
    let is_whole = |item| matches!(takers(&left, item), n if n == 0 || n == takers(&whole, item));
    assert!((0..36).all(is_whole));
}

#[test]
fn the_hold_out_is_made_as_the_test_was() {
    let train = [row(0, 1, 0), row(0, 2, 10)];
    let after = RatingTuning::like_the_test(&train, &[row(0, 3, 11)]);
    assert_eq!(after, RatingTuning::TrainTail);
    let between = RatingTuning::like_the_test(&train, &[row(0, 3, 5)]);
    assert_eq!(between, RatingTuning::TrainSample(0));
}

#[test]
fn nothing_to_judge_is_zero_not_a_panic() {
    for tuning in [RatingTuning::TrainTail, RatingTuning::TrainSample(1), RatingTuning::Valid(&[])]
    {
        let report = evaluate_ratings(&RatingTask { tuning, ..task(&[], &[], &cosine()) }, &|| 0);
        assert_eq!((report.model[0].all.ndcg, report.model[0].coverage), (0.0, 0.0));
    }
}

proptest! {
    /// Splits lose and invent nothing, and do not depend on the order of the rows.
    #[test]
    fn splits_partition_each_history(
        rows in prop::collection::vec((0..5_u32, 0..9_u32), 0..60), seed in 0..9_u64
    ) {
        let rows: Vec<_> =
            rows.iter().enumerate().map(|(at, &(s, i))| row(s, i, at as i64)).collect();
        let whole = histories_of(&rows);
        let count = |of: &Histories| of.events().count();
        for (kept, held) in [split::hold_out_tail(&whole), split::hold_out_sample(&whole, seed)] {
            let n_held: usize = held.iter().map(|(_, items)| items.len()).sum();
            prop_assert_eq!(n_held + count(&kept), count(&whole));
        }
        let reversed: Vec<_> = rows.iter().rev().copied().collect();
        let (_, held) = split::hold_out_sample(&histories_of(&reversed), seed);
        prop_assert_eq!(held, split::hold_out_sample(&whole, seed).1);
    }
}
