//! Words and meaning together.
//!
//! The score is a weighted mean of two that are brought to the same scale: of the words' (all that
//! [`crate::rank`] makes of them) beside the best hit's, and of nearness, from 0 for the [`SCALE`]th nearest
//! product to 1 for the nearest (convex combination: Bruch, Gai and Ingber 2023, "An analysis of fusion
//! functions for hybrid retrieval"). Where the words found a page of hits, meaning has a small share and only reorders
//! them; where they found less, it has a large one and brings what they did not find.

use rustc_hash::FxHashSet;

use crate::chunk::Place;
use crate::index::SearchIndex;
use crate::narrow::{Narrow, Verdict};
use crate::request::{Hit, Meaning, MeaningUse, Relaxation, ScoreParts};
use crate::search::{ENOUGH, Match};

/// The nearest products that the scale of nearness is taken from; measured: 100 ranks worse.
const SCALE: usize = 300;
/// Products that meaning brings; chosen: a few pages.
const BROUGHT: usize = 100;

/// How near products are to what a query means.
pub(crate) struct Nearness {
    /// Of every vector, by its row.
    likenesses: Vec<f32>,
    /// The nearest products that may be hits, the nearest first; never empty.
    nearest: Vec<(Place, f32)>,
    /// Those that are looked at closely whatever the words say.
    near: FxHashSet<Place>,
    /// The share of nearness in the score.
    weight: f64,
}

impl Nearness {
    /// `None` where there is nothing to compare.
    pub(crate) fn new(index: &SearchIndex, narrow: &Narrow, meaning: &Meaning) -> Option<Nearness> {
        let vectors = index.vectors.as_ref()?;
        let says_nothing = meaning.vector.iter().all(|x| *x == 0.0);
        if says_nothing || meaning.vector.len() != vectors.space().dimensions {
            return None;
        }
        let likenesses = vectors.likenesses(&meaning.vector);
        let owners = narrow.owners(&[]);
        let may_be_hit = |row: &u32| {
            let place = index.place(vectors.id(*row as usize))?;
            let chunk = (&index.chunks[place.chunk as usize], place.chunk);
            let verdict = narrow.judge((index, chunk), place.row, &owners);
            (verdict == Verdict::Hit).then_some((place, likenesses[*row as usize]))
        };
        let by_nearness = |left: &u32, right: &u32| {
            let [left, right] = [left, right].map(|row| *row as usize);
            let by_id = || vectors.id(left).cmp(vectors.id(right));
            likenesses[right].total_cmp(&likenesses[left]).then_with(by_id)
        };
        let mut rows: Vec<u32> = (0..likenesses.len() as u32).collect();
        let mut rest = rows.as_mut_slice();
        let mut nearest = Vec::new();
        // Filters mostly let enough of the first ones through; only where they do not, more are asked.
        let mut n_next = SCALE;
        while nearest.len() < SCALE && !rest.is_empty() {
            n_next = (n_next * 4).min(rest.len());
            if n_next < rest.len() {
                rest.select_nth_unstable_by(n_next - 1, by_nearness);
            }
            let (part, others) = rest.split_at_mut(n_next);
            part.sort_unstable_by(by_nearness);
            let room = SCALE - nearest.len();
            nearest.extend(part.iter().filter_map(may_be_hit).take(room));
            rest = others;
        }
        let near = FxHashSet::default();
        (!nearest.is_empty()).then_some(Nearness { likenesses, nearest, near, weight: 0.0 })
    }

    /// Adds what is near and not among the hits, where the words found little or are not to be asked.
    pub(crate) fn widen(
        mut self,
        index: &SearchIndex,
        used: MeaningUse,
        found: (&mut Vec<Match>, &mut Vec<Relaxation>),
    ) -> Nearness {
        let (matches, relaxed) = found;
        let ranking = &index.settings.ranking;
        if used == MeaningUse::Alone {
            matches.clear();
            relaxed.clear();
            self.weight = 1.0;
        } else if matches.iter().filter(|found| found.missing == 0).count() >= ENOUGH {
            self.weight = f64::from(ranking.meaning);
            return self;
        } else {
            self.weight = f64::from(ranking.meaning_when_thin);
        }
        let known: FxHashSet<Place> = matches.iter().map(|found| found.place).collect();
        let n_words = matches.len();
        let brought = if used == MeaningUse::Alone { SCALE } else { BROUGHT };
        for (place, _) in self.nearest.iter().take(brought) {
            self.near.insert(*place);
            if !known.contains(place) {
                matches.push(Match { place: *place, score: 0.0, missing: 0 });
            }
        }
        if used == MeaningUse::Beside && matches.len() > n_words {
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

    /// Weighs the scores of hits with how near they are.
    pub(crate) fn fuse(&self, index: &SearchIndex, hits: &mut [(Hit, Match)]) {
        let Some(vectors) = &index.vectors else { return };
        let most = hits.iter().map(|(hit, _)| hit.score).fold(0.0, f64::max);
        let ends = (self.nearest.first(), self.nearest.last());
        let (Some((_, highest)), Some((_, lowest))) = ends else { return };
        let span = f64::from(highest - lowest);
        for (hit, found) in hits {
            let row = vectors.row(hit.id.as_str());
            let likeness = row.map_or(*lowest, |row| self.likenesses[row]);
            let nearness = match span > 0.0 {
                true => (f64::from(likeness - lowest) / span).clamp(0.0, 1.0),
                false => f64::from(u8::from(likeness >= *highest)),
            };
            let wanted = hit.parts.availability * hit.parts.popularity;
            let by_words = if most > 0.0 { hit.score / most } else { 0.0 };
            let score = (1.0 - self.weight) * by_words + self.weight * nearness * wanted;
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
