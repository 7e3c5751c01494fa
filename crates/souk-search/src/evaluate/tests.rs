#![allow(clippy::unwrap_used)]
use std::collections::HashMap;

use super::*;
use crate::test_shop::{titled, titles};

fn grades(pairs: &[(&str, u32)]) -> HashMap<String, u32> {
    pairs.iter().map(|(id, grade)| ((*id).to_owned(), *grade)).collect()
}

fn ranking(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// Worked by hand: gains 7, 3, 1 over the logarithms of 2, 3, 4 to base 2.
#[test]
fn ndcg_by_hand() {
    let grades = grades(&[("a", 3), ("b", 2), ("c", 1), ("d", 0)]);
    let ideal = 7.0 + 3.0 / 3f64.log2() + 1.0 / 2.0;
    let found = quality(&ranking(&["x", "b", "a", "d"]), &grades, 3);
    let full = 3.0 / 3f64.log2() + 7.0 / 2.0;
    let condensed = 3.0 + 7.0 / 3f64.log2();
    assert!((found.full - full / ideal).abs() < 1e-12);
    assert!((found.condensed - condensed / ideal).abs() < 1e-12);
    assert!((found.judged - 2.0 / 3.0).abs() < 1e-12);
    let perfect = quality(&ranking(&["a", "b", "c"]), &grades, 3);
    assert_eq!((perfect.full, perfect.condensed, perfect.judged), (1.0, 1.0, 1.0));
    assert_eq!(quality(&[], &grades, 3), Quality::default());
}

#[test]
fn queries_without_a_fitting_product_do_not_count() {
    let query = |id: &str, pairs: &[(&str, u32)]| RatedQuery {
        id: id.into(),
        text: id.into(),
        grades: grades(pairs),
    };
    let queries = [query("q", &[("a", 1)]), query("r", &[("a", 0)])];
    let summary = summarise(&queries, 10, &mut |_| ranking(&["a"]));
    assert_eq!((summary.n_queries, summary.mean.full), (1, 1.0));
}

#[test]
fn intervals_hold_the_mean_and_tell_luck_from_gain() {
    let theirs = vec![0.5; 40];
    let ours: Vec<f64> = (0..40).map(|n| 0.5 + 0.01 * f64::from(n % 5)).collect();
    let gain = paired_difference(&ours, &theirs, 7);
    assert!((gain.mean - 0.02).abs() < 1e-9 && gain.low > 0.0 && gain.high < 0.04);
    let luck: Vec<f64> = (0..40).map(|n| if n % 2 == 0 { 0.6 } else { 0.4 }).collect();
    let luck = paired_difference(&luck, &theirs, 7);
    assert!(luck.low < 0.0 && luck.high > 0.0);
    assert_eq!(paired_difference(&[], &[], 1).mean, 0.0);
}

#[test]
fn the_baseline_ranks_by_rare_words() {
    let products =
        [titled("1", "red shoes"), titled("2", "red hats and shoes"), titled("3", "blue shoe")];
    let plain = PlainBm25::new(&products);
    assert_eq!(plain.rank("blue shoes"), ["3", "1", "2"]);
    assert!(plain.rank("nothing").is_empty());
}

#[test]
fn misspelled_queries_are_found_again() {
    let index = titles(&["wireless headphones", "gaming keyboard", "chocolate biscuits"]);
    let queries = ["wireless headphones", "gaming keyboard", "chocolate", "tea"];
    let outcome = misspelled(&index, &queries, (60, 3));
    assert_eq!(outcome.n_queries, 60);
    assert!(outcome.recall > 0.9, "{outcome:?}");
    // Only errors that are to be forgiven are made, and always the same ones.
    assert_eq!(outcome, misspelled(&index, &queries, (60, 3)));
    assert!(outcome.lost.iter().all(|(right, wrong)| right != wrong));
}
