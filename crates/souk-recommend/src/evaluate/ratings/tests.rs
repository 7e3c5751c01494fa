use super::*;
use crate::checkerboard::{SIDE, items_of};
use proptest::prelude::*;

fn row(shopper: u32, item: u32, time: i64) -> RatingRow {
    RatingRow { shopper: Shopper(shopper), item: Item(item), time }
}

fn task<'a>(train: &'a [RatingRow], test: &'a [RatingRow]) -> RatingTask<'a> {
    RatingTask {
        train,
        test,
        ks: &[1, 3],
        seen: Seen::Exclude,
        tuning: RatingTuning::Fixed(RatingParams::default()),
        attributes: &[],
    }
}

#[test]
fn completes_the_checkerboard() {
    let rows_of = |s: u32| items_of(s).into_iter().map(move |item| row(s, item.0, 0));
    let train: Vec<_> = (0..SIDE).flat_map(rows_of).collect();
    let test: Vec<_> = (0..SIDE).map(|s| row(s, s, 1)).collect();
    let report = evaluate_ratings(&task(&train, &test), &|| 0);
    assert_eq!((report.model[0].recall, report.model[0].ndcg), (1.0, 1.0));
    assert_eq!(report.model[0].coverage, 1.0);
    assert!(report.popularity[0].recall < 0.2);
}

#[test]
fn matches_the_cosine_by_hand() {
    // Items 1 and 2 share two of three histories with 1; 1 and 3 share one. Histories of length 2.
    let train =
        [row(0, 1, 0), row(0, 2, 1), row(1, 1, 0), row(1, 2, 1), row(2, 1, 0), row(2, 3, 1)];
    let histories = Histories::new(&train);
    let params = RatingParams { length_power: 0.0, ..RatingParams::default() };
    let model = Model::new(&histories, &[], params);
    let mut scratch = Numbering::default();
    // Shopper 2 had 1 and 3: only 2 is left, then nothing popular that is not seen.
    assert_eq!(model.rank(Shopper(2), (Seen::Exclude, 9), &mut scratch), [Item(2)]);
    // With seen items, by cosine: 2 scores 2/√6 = .816 from item 1, 1 scores 1/√3 = .577 from 3, and
    // 3 the same from 1.
    let all = model.rank(Shopper(2), (Seen::Include, 9), &mut scratch);
    assert_eq!(all, [Item(2), Item(1), Item(3)]);
}

#[test]
fn backward_pairs_can_be_silenced() {
    let train = [row(0, 1, 0), row(0, 2, 1), row(1, 3, 0), row(1, 1, 1), row(2, 1, 0)];
    let histories = Histories::new(&train);
    let params = RatingParams { backward: 0.0, ..RatingParams::default() };
    let model = Model::new(&histories, &[], params);
    // After item 1 comes item 2; item 3 came before it and is only popular.
    let list = model.rank(Shopper(2), (Seen::Exclude, 1), &mut Numbering::default());
    assert_eq!(list, [Item(2)]);
}

#[test]
fn attributes_reach_items_that_nobody_took_together() {
    let train = [row(0, 0, 0), row(1, 1, 0), row(2, 2, 0), row(3, 2, 0)];
    let test = [row(0, 1, 1)];
    let attributes = [vec![7], vec![7], vec![8]];
    let params = RatingParams { attributes: 1.0, ..RatingParams::default() };
    let tuning = RatingTuning::Fixed(params);
    let task = RatingTask { attributes: &attributes, tuning, ..task(&train, &test) };
    assert_eq!(evaluate_ratings(&task, &|| 0).model[0].recall, 1.0);
}

#[test]
fn seen_items_are_proposed_only_when_included() {
    let train = [row(0, 1, 0), row(0, 2, 1), row(1, 1, 0), row(1, 2, 1)];
    let test = [row(0, 1, 2)];
    assert_eq!(evaluate_ratings(&task(&train, &test), &|| 0).predictions[0].1, []);
    let include = RatingTask { seen: Seen::Include, ..task(&train, &test) };
    assert_eq!(evaluate_ratings(&include, &|| 0).model[1].recall, 1.0);
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
        let report = evaluate_ratings(&RatingTask { tuning, ..task(&[], &[]) }, &|| 0);
        assert_eq!((report.model[0].ndcg, report.model[0].coverage), (0.0, 0.0));
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
        let whole = Histories::new(&rows);
        for (kept, held) in [whole.split_tail(), whole.split_sample(seed)] {
            let n_held: usize = held.iter().map(|(_, items)| items.len()).sum();
            let n_kept: u32 = kept.frequencies().iter().sum();
            prop_assert_eq!(n_held as u32 + n_kept, whole.frequencies().iter().sum::<u32>());
        }
        let reversed: Vec<_> = rows.iter().rev().copied().collect();
        let (_, held) = Histories::new(&reversed).split_sample(seed);
        prop_assert_eq!(held, whole.split_sample(seed).1);
    }
}
