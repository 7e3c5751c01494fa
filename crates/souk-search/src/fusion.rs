//! Words and meaning together.
//!
//! The score is a weighted mean of two that are brought to the same scale: of the words' (all that
//! [`crate::rank`] makes of them) beside the best hit's, and of nearness, from 0 for the [`SCALE`]th nearest
//! product to 1 for the nearest (convex combination: Bruch, Gai and Ingber 2023, "An analysis of fusion
//! functions for hybrid retrieval"). Where the words found a page of hits, meaning has a small share and only reorders
//! them; where they found less, it has a large one and brings what they did not find.

mod compared;

use rustc_hash::FxHashSet;

use crate::chunk::Place;
use crate::index::SearchIndex;
use crate::narrow::Narrow;
use crate::request::{Hit, Meaning, MeaningUse, Relaxation, ScoreParts};
use crate::search::{Found, Match};
use crate::vectors::Query;

pub(crate) use compared::Remembered;
use compared::Sight;

/// The nearest products that the scale of nearness is taken from; measured: 100 ranks worse.
const SCALE: usize = 300;
/// Products that meaning brings; chosen: a few pages.
const BROUGHT: usize = 100;

/// How near products are to what a query means.
pub(crate) struct Nearness {
    query: Query,
    /// The nearest products that may be hits, the nearest first; never empty.
    nearest: Vec<(Place, f32)>,
    /// How many of them have to do with the query.
    n_related: usize,
    /// Those that are looked at closely whatever the words say.
    near: FxHashSet<Place>,
    /// The share of nearness in the score.
    weight: f64,
}

impl Nearness {
    /// `None` where nothing has to do with the query.
    pub(crate) fn new(index: &SearchIndex, narrow: &Narrow, meaning: &Meaning) -> Option<Nearness> {
        let vectors = index.vectors.as_ref()?;
        let says_nothing = meaning.vector.iter().all(|x| *x == 0.0);
        if says_nothing || meaning.vector.len() != vectors.space().dimensions {
            return None;
        }
        let query = Query::new(&meaning.vector);
        let compared = meaning.remembered.of(vectors, &query);
        let nearest = Sight { index, vectors, narrow, query: &query }.nearest(&compared, SCALE);
        let n_related = nearest.partition_point(|(_, likeness)| *likeness >= meaning.related_from);
        let near = FxHashSet::default();
        (n_related > 0).then_some(Nearness { query, nearest, n_related, near, weight: 0.0 })
    }

    /// Adds what is near and not among the hits, where words are not to be asked or found fewer hits than are enough
    /// that have them all.
    pub(crate) fn widen(
        mut self,
        index: &SearchIndex,
        (meaning, n_enough): (&Meaning, usize),
        (found, relaxed): (&mut Found, &mut Vec<Relaxation>),
    ) -> Nearness {
        let used = meaning.used;
        let shares = meaning.shares.unwrap_or(index.settings.ranking.meaning);
        let n_whole = found.matches().filter(|found| found.missing == 0).count();
        if used == MeaningUse::Alone {
            self.weight = 1.0;
        } else if n_whole >= n_enough {
            self.weight = f64::from(shares.full);
            return self;
        } else {
            self.weight = f64::from(shares.thin);
        }
        let most = if used == MeaningUse::Alone { SCALE } else { BROUGHT };
        let near = self.nearest[..most.min(self.n_related)].iter().map(|(place, _)| *place);
        self.near = near.clone().collect();
        if found.bring(near) > 0 && used == MeaningUse::Beside {
            relaxed.push(Relaxation::Meaning);
        }
        self
    }

    /// Whether a hit is to be looked at closely.
    pub(crate) fn is_near(&self, place: Place) -> bool {
        self.near.contains(&place)
    }

    /// Hits that are to be looked at closely besides those with the best words.
    pub(crate) fn n_near(&self) -> usize {
        self.near.len()
    }

    /// Weighs the scores of hits with how near they are, each beside the best of them. What has half of the query's `n_words` counts half: the best
    /// of them is no good hit.
    pub(crate) fn fuse(&self, index: &SearchIndex, hits: &mut [(Hit, Match)], n_words: usize) {
        let Some(vectors) = &index.vectors else { return };
        let most = hits.iter().map(|(hit, _)| hit.score).fold(0.0, f64::max);
        let wanted = |hit: &Hit| hit.parts.availability * hit.parts.popularity;
        let most_wanted = hits.iter().map(|(hit, _)| wanted(hit)).fold(0.0, f64::max);
        let ends = (self.nearest.first(), self.nearest.last());
        let (Some((_, highest)), Some((_, lowest))) = ends else { return };
        let span = f64::from(highest - lowest);
        for (hit, found) in hits {
            let row = vectors.row(hit.id.as_str());
            let likeness = row.map_or(*lowest, |row| vectors.likeness(row, &self.query));
            let nearness = match span > 0.0 {
                true => (f64::from(likeness - lowest) / span).clamp(0.0, 1.0),
                false => f64::from(u8::from(likeness >= *highest)),
            };
            let wanted = wanted(hit);
            let share = 1.0 - f64::from(found.n_missing) / n_words.max(1) as f64;
            let by_words = if most > 0.0 { share * hit.score / most } else { 0.0 };
            let score =
                (1.0 - self.weight) * by_words + self.weight * nearness * wanted / most_wanted;
            if hit.score > 0.0 && self.weight < 1.0 {
                hit.parts.meaning = score / hit.score;
            } else {
                let ScoreParts { availability, popularity, .. } = hit.parts;
                hit.parts = ScoreParts {
                    text: 1.0,
                    title: 1.0,
                    category: 1.0,
                    availability,
                    popularity,
                    preference: 1.0,
                    meaning: score / wanted,
                };
            }
            (hit.score, hit.n_missing, found.missing) = (score, 0, 0);
        }
    }
}

#[cfg(test)]
mod tests;
