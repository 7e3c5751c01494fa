//! How much meaning is to count beside words, chosen on rated queries.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{Interval, RatedQuery, paired_difference, quality, rank_with_meaning};
use crate::{Meaning, MeaningShares, SearchIndex};

/// Shares that are tried where the words found a page of hits: what reorders good answers is tried finely.
const FULL: [f32; 9] = [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5];
/// Shares that are tried where they found less.
const THIN: [f32; 11] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
/// Parts of the queries, each of which judges what was chosen on the others.
const FOLDS: usize = 10;

/// A rated query with what it means.
#[derive(Debug)]
pub struct RatedMeaning<'a> {
    /// The query with its ratings.
    pub query: &'a RatedQuery,
    /// What it means, weighed with its words.
    pub meaning: Meaning,
}

/// Shares, and how good answers are with them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SharesQuality {
    /// The shares.
    pub shares: MeaningShares,
    /// The mean of NDCG full and condensed over all queries: the one alone is for what nobody rated, the other against
    /// it.
    pub ndcg: f64,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TunedMeaning {
    /// Queries that could tell answers apart.
    pub n_queries: usize,
    /// The best shares on all queries; their figure flatters them.
    pub best: SharesQuality,
    /// Those that a shop has without choosing.
    pub default: SharesQuality,
    /// By how much shares were better than the defaults on queries that they were not chosen on: each tenth of the queries by
    /// what was best on the others.
    pub over_default: Interval,
}

impl TunedMeaning {
    /// Whether choosing is worth it on queries that were not chosen on; with few queries it often is not.
    pub fn is_better(&self) -> bool {
        self.over_default.mean > 0.0
    }
}

/// Tries shares on rated queries, `k` places deep, and leaves the index with the default ones. `None` for fewer than
/// ten queries that can tell answers apart.
pub fn tune_meaning(
    index: &mut SearchIndex,
    rated: &[RatedMeaning<'_>],
    (k, seed): (usize, u64),
) -> Option<TunedMeaning> {
    let counts = |rated: &&RatedMeaning<'_>| rated.query.grades.values().any(|grade| *grade > 0);
    let rated: Vec<&RatedMeaning<'_>> = rated.iter().filter(counts).collect();
    if rated.len() < FOLDS {
        return None;
    }
    // The defaults come first, so that they stay where nothing is better.
    let all = FULL.iter().flat_map(|full| THIN.iter().map(|thin| (*full, *thin)));
    let all = all.map(|(full, thin)| MeaningShares { full, thin });
    let all: Vec<MeaningShares> = std::iter::once(MeaningShares::default()).chain(all).collect();
    let each: Vec<Vec<f64>> = all
        .iter()
        .map(|shares| {
            index.set_meaning_shares(*shares);
            let of = |rated: &&RatedMeaning<'_>| {
                let ranking = rank_with_meaning(index, &rated.query.text, rated.meaning.clone());
                let quality = quality(&ranking, &rated.query.grades, k);
                (quality.full + quality.condensed) / 2.0
            };
            rated.iter().map(of).collect()
        })
        .collect();
    index.set_meaning_shares(MeaningShares::default());
    let mut order: Vec<usize> = (0..rated.len()).collect();
    order.sort_by_key(|at| xxh3_64_with_seed(rated[*at].query.id.as_bytes(), seed));
    let mut fold_of = vec![0; rated.len()];
    order.iter().enumerate().for_each(|(place, at)| fold_of[*at] = place % FOLDS);
    // No fold is left out of the last choice.
    let chosen: Vec<usize> = (0..=FOLDS)
        .map(|fold| {
            let sum = |shares: usize| -> f64 {
                let rows = each[shares].iter().zip(&fold_of);
                rows.filter(|(_, of)| **of != fold).map(|(quality, _)| quality).sum()
            };
            (1..all.len()).fold(0, |best, other| if sum(other) > sum(best) { other } else { best })
        })
        .collect();
    let held_out: Vec<f64> =
        fold_of.iter().enumerate().map(|(at, fold)| each[chosen[*fold]][at]).collect();
    let of = |shares: usize| SharesQuality {
        shares: all[shares],
        ndcg: each[shares].iter().sum::<f64>() / rated.len() as f64,
    };
    Some(TunedMeaning {
        n_queries: rated.len(),
        best: of(chosen[FOLDS]),
        default: of(0),
        over_default: paired_difference(&held_out, &each[0], seed),
    })
}

#[cfg(test)]
mod tests;
