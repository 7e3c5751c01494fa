use super::*;

fn items(numbers: &[u32]) -> Vec<Item> {
    numbers.iter().map(|&number| Item(number)).collect()
}

fn set(numbers: &[u32]) -> FxHashSet<Item> {
    numbers.iter().map(|&number| Item(number)).collect()
}

fn assert_close(actual: f64, expected: f64) {
    assert!((actual - expected).abs() < 1e-12, "{actual} is not {expected}");
}

#[test]
fn hand_computed_list() {
    // Hits at ranks 2 and 4; item 9 is never found.
    let ranked = items(&[5, 1, 6, 2, 7]);
    let relevant = set(&[1, 2, 9]);
    assert_close(recall(&ranked, &relevant, 4), 2.0 / 3.0);
    assert_close(recall(&ranked, &relevant, 3), 1.0 / 3.0);
    assert_close(precision(&ranked, &relevant, 4), 0.5);
    assert_close(precision(&ranked, &relevant, 10), 0.2);
    assert_close(reciprocal_rank(&ranked, &relevant, 4), 0.5);
    assert_close(average_precision(&ranked, &relevant, 5), (0.5 + 0.5) / 3.0);
    // 1/log2(3) + 1/log2(5) over 1 + 1/log2(3) + 1/2.
    let gained = 0.630_929_753_571_457_4 + 0.430_676_558_073_393_05;
    assert_close(ndcg(&ranked, &relevant, 5), gained / 2.130_929_753_571_457_4);
}

#[test]
fn items_of_one_score_share_their_places() {
    let scored = |list: &[(f32, bool)]| -> Vec<(Score, bool)> {
        list.iter().map(|&(score, is_wanted)| (Score::new(score), is_wanted)).collect()
    };
    // Without ties it is the plain measure, whichever way they would have been broken.
    let plain = [(5.0, false), (4.0, true), (3.0, false), (2.0, true), (1.0, false)];
    let list = ndcg(&items(&[5, 1, 6, 2, 7]), &set(&[1, 2, 9]), 5);
    assert_close(ndcg_of_tied(&scored(&plain), 3, 5), list);
    // One of three items that share the places 2 to 4 is wanted; only 2 and 3 count.
    let tied = [(9.0, false), (4.0, true), (4.0, false), (4.0, false)];
    let discount = |rank: f64| 1.0 / (rank + 1.0).log2();
    assert_close(ndcg_of_tied(&scored(&tied), 1, 3), (discount(2.0) + discount(3.0)) / 3.0);
    let turned = [(9.0, false), (4.0, false), (4.0, false), (4.0, true)];
    assert_eq!(ndcg_of_tied(&scored(&turned), 1, 3), ndcg_of_tied(&scored(&tied), 1, 3));
    assert_eq!(ndcg_of_tied(&scored(&tied), 0, 3), 0.0);
}

#[test]
fn ranks_one_and_two_differ() {
    let relevant = set(&[1]);
    assert_close(ndcg(&items(&[1, 2]), &relevant, 20), 1.0);
    assert!(ndcg(&items(&[2, 1]), &relevant, 20) < 0.7);
}

#[test]
fn cut_off_excludes_the_place_after_k() {
    let ranked = items(&[3, 4, 1]);
    let relevant = set(&[1]);
    assert_close(hit(&ranked, &relevant, 2), 0.0);
    assert_close(hit(&ranked, &relevant, 3), 1.0);
    assert_close(reciprocal_rank(&ranked, &relevant, 2), 0.0);
    assert_close(ndcg(&ranked, &relevant, 2), 0.0);
}

#[test]
fn perfect_list_has_one_everywhere() {
    let ranked = items(&[1, 2, 3]);
    let relevant = set(&[3, 2, 1]);
    for measure in [recall, precision, hit, reciprocal_rank, ndcg, average_precision] {
        assert_close(measure(&ranked, &relevant, 3), 1.0);
    }
    // More relevant items than places: the ideal list is as short as the real one.
    assert_close(ndcg(&ranked, &relevant, 2), 1.0);
    assert_close(average_precision(&ranked, &relevant, 2), 1.0);
}

#[test]
fn nothing_relevant_or_no_places_is_zero() {
    let ranked = items(&[1, 2]);
    for measure in [recall, precision, hit, reciprocal_rank, ndcg, average_precision] {
        assert_close(measure(&ranked, &set(&[]), 2), 0.0);
        assert_close(measure(&ranked, &set(&[1]), 0), 0.0);
        assert_close(measure(&[], &set(&[1]), 5), 0.0);
    }
}

#[test]
fn percentiles_by_nearest_rank() {
    let values = [50, 15, 35, 20, 40];
    assert_eq!(percentile(&values, 5.0), 15);
    assert_eq!(percentile(&values, 30.0), 20);
    assert_eq!(percentile(&values, 50.0), 35);
    assert_eq!(percentile(&values, 100.0), 50);
    assert_eq!(percentile(&values, 0.0), 15);
    assert_eq!(percentile(&[], 50.0), 0);
    assert_close(mean(&[]), 0.0);
    assert_close(mean(&[1.0, 2.0]), 1.5);
}
