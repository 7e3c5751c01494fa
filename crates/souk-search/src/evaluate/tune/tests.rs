use std::collections::HashMap;
use std::sync::Arc;

use souk_core::ProductId;

use super::*;
use crate::test_shop::titles;
use crate::{MeaningUse, VectorSpace, Vectors};

const WORDS: [&str; 12] = [
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett",
    "kilo", "lima",
];

/// For each word a product that has it and means it somewhat, and one without it that means it wholly; the second comes
/// first from a share of 1 / 1.55 on.
fn shop() -> SearchIndex {
    let names: Vec<String> =
        WORDS.iter().flat_map(|word| [format!("{word} lamp"), "settee".to_owned()]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut index = titles(&names);
    let mut vectors = Vectors::new(VectorSpace { dimensions: 24, version: 1 });
    for number in 0..24 {
        // What a word means has a number, and everything else about its first product another.
        let (word, is_first) = (number / 2 * 2, number % 2 == 0);
        let mut vector = [0.0; 24];
        (vector[word], vector[word + 1]) = if is_first { (0.45, 0.893) } else { (1.0, 0.0) };
        vectors.put(&ProductId::new(number.to_string()).unwrap(), 0, &vector);
    }
    index.set_vectors(Some(Arc::new(vectors)));
    index
}

/// Queries with the grades of the product that has the word and of the other.
fn queries(grades: (u32, u32)) -> Vec<RatedQuery> {
    let rated = |(number, word): (usize, &&str)| RatedQuery {
        id: word.to_string(),
        text: word.to_string(),
        grades: HashMap::from([
            ((number * 2).to_string(), grades.0),
            ((number * 2 + 1).to_string(), grades.1),
        ]),
    };
    WORDS.iter().enumerate().map(rated).collect()
}

fn tuned(queries: &[RatedQuery]) -> Option<TunedMeaning> {
    let rated = queries.iter().enumerate().map(|(number, query)| {
        let mut vector = [0.0; 24];
        vector[number * 2] = 1.0;
        let meaning = Meaning::new(Arc::from(vector), -1.0, MeaningUse::Beside);
        RatedMeaning { query, meaning }
    });
    let mut index = shop();
    let tuned = tune_meaning(&mut index, &rated.collect::<Vec<_>>(), (10, 1));
    assert_eq!(index.settings().ranking.meaning, MeaningShares::default());
    tuned
}

#[test]
fn a_share_that_is_better_on_other_queries_too_is_found() {
    let tuned = tuned(&queries((1, 3))).unwrap();
    assert_eq!((tuned.n_queries, tuned.default.shares), (12, MeaningShares::default()));
    assert!(tuned.best.shares.thin >= 0.65, "{tuned:?}");
    assert!(tuned.best.ndcg > tuned.default.ndcg + 0.05, "{tuned:?}");
    assert!(tuned.is_better() && tuned.over_default.low > 0.0, "{tuned:?}");
}

#[test]
fn where_nothing_is_better_the_defaults_stay() {
    let tuned = tuned(&queries((3, 0))).unwrap();
    assert_eq!(tuned.best, tuned.default);
    assert!(!tuned.is_better(), "{tuned:?}");
}

#[test]
fn too_few_queries_teach_nothing() {
    assert_eq!(tuned(&queries((1, 3))[..9]), None);
    assert_eq!(tuned(&queries((0, 0))), None);
}
