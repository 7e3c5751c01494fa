#![allow(clippy::unwrap_used)]

use super::*;

const DAY: i64 = 86_400_000;

fn row(shopper: u32, basket: u64, day: i64, item: u32) -> BasketRow {
    BasketRow { shopper: Shopper(shopper), basket, item: Item(item), time: day * DAY }
}

/// Shopper 0 buys item 1 three times and item 2 once, shopper 1 only item 3.
fn train() -> Vec<BasketRow> {
    vec![
        row(0, 1, 1, 1),
        row(0, 2, 2, 1),
        row(0, 2, 2, 2),
        row(0, 3, 3, 1),
        row(1, 4, 3, 3),
        row(1, 5, 4, 3),
        row(2, 6, 4, 3),
        row(2, 7, 5, 3),
    ]
}

fn evaluate(test: &[BasketRow], tuning: Tuning<'_>) -> BasketReport {
    let train = train();
    let task = BasketTask { train: &train, test, ks: &[1, 2], tuning };
    let ticks = std::cell::Cell::new(0);
    evaluate_baskets(&task, &|| {
        ticks.set(ticks.get() + 5);
        ticks.get()
    })
}

#[test]
fn judges_the_first_test_basket_only() {
    // Two baskets at one time: the smaller number is the first; the later basket is not judged.
    let test = [row(0, 11, 9, 1), row(0, 10, 9, 2), row(0, 10, 9, 7), row(0, 12, 10, 1)];
    let report = evaluate(&test, Tuning::Fixed(Weights::default()));
    let frequency = &report.personal_frequency;
    assert_eq!((frequency[0].k, frequency[0].all.recall), (1, 0.0));
    assert_eq!(frequency[1].all.recall, 0.5);
    // Item 2 is a repeat and found at place two; item 7 is new and nowhere.
    assert_eq!((frequency[1].repeat.recall, frequency[1].new.recall), (1.0, 0.0));
    let gain = 1.0 / 3.0_f64.log2();
    assert_eq!(frequency[1].repeat.ndcg, gain);
    assert!((frequency[1].all.ndcg - gain / (1.0 + gain)).abs() < 1e-12);
    assert_eq!((report.predictions.len(), report.latencies), (1, vec![5]));
}

#[test]
fn popularity_is_the_same_for_all_and_counts_baskets() {
    let report = evaluate(&[row(0, 10, 9, 3), row(1, 11, 9, 1)], Tuning::Fixed(Weights::default()));
    // Item 3 is in four baskets, item 1 in three.
    assert_eq!(report.popularity[0].all.recall, 0.5);
    assert_eq!(report.popularity[1].all.recall, 1.0);
    assert_eq!(report.popularity[1].new.n_shoppers, 2);
    assert_eq!(report.popularity[1].repeat.n_shoppers, 0);
}

#[test]
fn an_unknown_shopper_still_gets_a_list() {
    let report = evaluate(&[row(9, 10, 9, 3)], Tuning::TrainTail);
    assert_eq!(report.predictions[0].0, Shopper(9));
    assert_eq!(report.predictions[0].1.len(), 2);
}

#[test]
fn a_validation_part_moves_the_weights() {
    let valid = [row(0, 20, 8, 2)];
    let report = evaluate(&[row(0, 10, 9, 2)], Tuning::Valid(&valid));
    assert_ne!(report.ranker.weights, Weights::default());
    assert_eq!(report.model[0].all.recall, 1.0);
}

/// Everyone buys item 1 for five days, then 2 for five, and 3 and 4 by turns. What was in the last basket
/// comes again if it is of the first two and does not if it is of the others, which no weight can say.
fn two_rhythms(n_shoppers: u32, days: std::ops::Range<i64>) -> Vec<BasketRow> {
    let mut rows = Vec::new();
    for shopper in 0..n_shoppers {
        for day in days.clone() {
            let basket = u64::from(shopper) << 32 | day as u64;
            let at = day + i64::from(shopper);
            rows.push(row(shopper, basket, day, if at / 5 % 2 == 0 { 1 } else { 2 }));
            rows.push(row(shopper, basket, day, if at % 2 == 0 { 3 } else { 4 }));
        }
    }
    rows
}

#[test]
fn trees_learn_what_a_sum_cannot_and_repeat() {
    let train = two_rhythms(330, 0..80);
    let test = two_rhythms(330, 80..81);
    let task = BasketTask { train: &train, test: &test, ks: &[2], tuning: Tuning::TrainTail };
    let report = evaluate_baskets(&task, &|| 0);
    let trees = report.ranker.trees.clone().expect("there is something to learn");
    let verdict = report.verdict.unwrap();
    assert!(trees.n_trees() > 0 && verdict.gain.low > 0.02, "{verdict:?}");
    let (with, without) = (report.model[0].all.ndcg, report.weighted_sum[0].all.ndcg);
    // Right after the last order even a sum foresees it all; trees must not do worse there.
    assert!(with >= without && with > 0.95, "{with} {without}");
    assert_eq!(report, evaluate_baskets(&task, &|| 0), "two threads and no chance");
}

#[test]
fn nothing_to_judge_is_zero_not_a_panic() {
    let task = BasketTask { train: &[], test: &[], ks: &[], tuning: Tuning::TrainTail };
    assert_eq!(evaluate_baskets(&task, &|| 0).predictions, []);
}

/// Item 0 and 1 are bought together by six people, 0 and 2 by four, one of them ten times over; item 3
/// stands alone.
fn crowd() -> Vec<BasketRow> {
    let mut rows = Vec::new();
    for shopper in 0..6 {
        rows.extend([0, 1].map(|item| row(shopper, u64::from(shopper), 1, item)));
    }
    for shopper in 0..4 {
        rows.extend([0, 2].map(|item| row(shopper, 10 + u64::from(shopper), 2, item)));
    }
    for n in 0..10 {
        rows.extend([0, 2].map(|item| row(0, 20 + n, 3, item)));
    }
    rows.extend([row(7, 40, 3, 3), row(8, 41, 3, 0)]);
    rows
}

#[test]
fn what_few_people_share_is_left_out_and_one_person_counts_once() {
    let train = crowd();
    // Shopper 8 owns item 0 and buys 1 (six people), 2 (four) and 0 again.
    let test = [row(8, 50, 9, 0), row(8, 50, 9, 1), row(8, 50, 9, 2)];
    let weights = Tuning::Fixed(Weights::default());
    let task = BasketTask { train: &train, test: &test, ks: &[4], tuning: weights };
    let report = evaluate_baskets(&task, &|| 0);
    let told: Vec<(u32, f64)> =
        report.shared_by.iter().map(|at| (at.people_min, at.pairs)).collect();
    // Two pairs in all: fourteen baskets of one of them do not make five people.
    assert_eq!(told, [(1, 1.0), (5, 0.5), (20, 0.0)]);
    let recall: Vec<f64> = report.shared_by.iter().map(|at| at.model[0].all.recall).collect();
    assert_eq!(recall, [1.0, 2.0 / 3.0, 1.0 / 3.0], "an own item stays in any case");
    assert_eq!(report.shared_by[0].model, report.model, "one person is enough for everything");
}
