//! How good answers are, against ratings by people.
//!
//! Most products that a query could bring were never rated. So every figure comes twice: *full*, with an
//! unrated product worth nothing, and *condensed*, over the rated ones alone; and beside both what share
//! of the first places was rated at all (Sakai 2007, "Alternatives to bpref").

mod baseline;
mod bootstrap;
mod gains;
mod misspell;
mod tune;

pub use baseline::PlainBm25;
pub use bootstrap::{Interval, paired_difference};
pub use gains::{Quality, quality};
pub use misspell::{Misspelled, misspelled};
pub use tune::{RatedMeaning, SharesQuality, TunedMeaning, tune_meaning};

use crate::{Meaning, SearchIndex, SearchRequest, Tolerance};

/// A query with its ratings.
#[derive(Clone, Debug, PartialEq)]
pub struct RatedQuery {
    /// Its id in files.
    pub id: String,
    /// What was typed.
    pub text: String,
    /// Product ids and grades, 0 for one that does not fit.
    pub grades: std::collections::HashMap<String, u32>,
}

/// What all queries together come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Queries with at least one product of a grade above 0; the others cannot tell rankings apart.
    pub n_queries: usize,
    /// The mean of each measure.
    pub mean: Quality,
    /// Of each query that counts, in their order.
    pub each: Vec<Quality>,
}

/// Measures a ranking on all queries at depth `k`.
pub fn summarise(
    queries: &[RatedQuery],
    k: usize,
    rank: &mut dyn FnMut(&RatedQuery) -> Vec<String>,
) -> Summary {
    let counted = queries.iter().filter(|query| query.grades.values().any(|grade| *grade > 0));
    let each: Vec<Quality> = counted.map(|query| quality(&rank(query), &query.grades, k)).collect();
    let mean_of = |measure: fn(&Quality) -> f64| {
        each.iter().map(measure).sum::<f64>() / each.len().max(1) as f64
    };
    let mean = Quality {
        full: mean_of(|quality| quality.full),
        condensed: mean_of(|quality| quality.condensed),
        judged: mean_of(|quality| quality.judged),
    };
    Summary { n_queries: each.len(), mean, each }
}

/// Ranks with an index, 200 deep.
pub fn rank_with(index: &SearchIndex, query: &str, tolerance: Tolerance) -> Vec<String> {
    rank(index, SearchRequest { tolerance, ..SearchRequest::new(query) })
}

/// Ranks by words and meaning, or by meaning alone, 200 deep; the index must have vectors.
pub fn rank_with_meaning(index: &SearchIndex, query: &str, meaning: Meaning) -> Vec<String> {
    rank(index, SearchRequest { meaning: Some(meaning), ..SearchRequest::new(query) })
}

fn rank(index: &SearchIndex, mut request: SearchRequest) -> Vec<String> {
    request.limit = 200;
    match index.search(&request) {
        Ok(answer) => answer.hits.into_iter().map(|hit| hit.id.as_str().to_owned()).collect(),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
