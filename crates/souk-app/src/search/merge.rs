//! One list of the hits of several searches.
//!
//! Scores of two searches cannot be held against each other, and rules move hits whatever their scores are. So a
//! list is merged by places: a hit in place *r* of a search is worth that search's weight / log2(*r* + 1), as a boost
//! of the [rules](souk_core::rules) counts places, and a product that several searches found is worth the sum. At a
//! weight of 2 the third of one search stands beside the first of another.

use std::collections::HashMap;

use souk_core::{ProductId, SiteId};

use super::noted::{Turn, Within};
use super::{FoundProduct, SearchFound, SearchQuery};
use crate::{App, AppError, Caller};

/// How the hits of several searches become one list.
#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// What the places of each search are worth, in the order of the searches, each at least 0.
    pub weights: Vec<f64>,
    /// Hits of the list that are wanted.
    pub limit: usize,
    /// How many come before them.
    pub offset: usize,
}

/// A place of a merged list.
#[derive(Clone, Debug, PartialEq)]
pub struct MergedPlace {
    /// The searches that found the product, rising; never empty.
    pub searches: Vec<usize>,
    /// Its place, from 0, in the first of them.
    pub place: usize,
    /// What its places are worth together; falling in the list.
    pub score: f64,
}

/// A hit of a merged list.
#[derive(Clone, Debug, PartialEq)]
pub struct MergedHit {
    /// The searches that found it, rising.
    pub searches: Vec<usize>,
    /// What its places are worth together.
    pub score: f64,
    /// The hit as the first of them has it.
    pub hit: FoundProduct,
}

/// A merged list, and what else there is to say of each search.
#[derive(Clone, Debug, PartialEq)]
pub struct MergedFound {
    /// The page that was asked for.
    pub hits: Vec<MergedHit>,
    /// Different products in the whole list.
    pub total: usize,
    /// Each search without its hits.
    pub answers: Vec<SearchFound>,
}

/// Merges lists of hits, each of a site and with a weight. The same lists make the same order: what is worth the same
/// stands in the order of the searches.
pub fn merge_places(lists: &[(&SiteId, &[FoundProduct], f64)]) -> Vec<MergedPlace> {
    let mut places: Vec<MergedPlace> = Vec::new();
    let mut known: HashMap<(&SiteId, &ProductId), usize> = HashMap::new();
    for (search, (site, hits, weight)) in lists.iter().enumerate() {
        for (place, hit) in hits.iter().enumerate() {
            let worth = weight / (place as f64 + 2.0).log2();
            let number = *known.entry((*site, &hit.product_id)).or_insert_with(|| {
                places.push(MergedPlace { searches: Vec::new(), place, score: 0.0 });
                places.len() - 1
            });
            places[number].searches.push(search);
            places[number].score += worth;
        }
    }
    // Stable, so what is worth the same stays in the order of the searches and their places.
    places.sort_by(|left, right| right.score.total_cmp(&left.score));
    places
}

impl App {
    /// Searches several times and makes one list of it. On its first page each search is noted as asked.
    ///
    /// # Errors
    ///
    /// As [`App::search_all`].
    pub async fn search_merged(
        &self,
        (queries, merge): (&[SearchQuery], &Merge),
        caller: &Caller,
    ) -> Result<MergedFound, (usize, AppError)> {
        let answered = self.answer_all((queries, Turn::Merged), caller).await?;
        let weights = merge.weights.iter().copied().chain(std::iter::repeat(1.0));
        let lists = answered.iter().zip(weights);
        let lists: Vec<_> = lists
            .map(|(one, weight)| (&one.admitted.site, one.found.hits.as_slice(), weight))
            .collect();
        let places = merge_places(&lists);
        let total = places.len();
        let page = places.into_iter().skip(merge.offset).take(merge.limit);
        let hits: Vec<MergedHit> = page
            .map(|MergedPlace { searches, place, score }| {
                let hit = answered[searches[0]].found.hits[place].clone();
                MergedHit { searches, score, hit }
            })
            .collect();
        let is_further = merge.offset > 0;
        let mut answers = Vec::with_capacity(queries.len());
        for (search, (query, answered)) in queries.iter().zip(answered).enumerate() {
            let within = if is_further { Within::FurtherPage } else { stood(&hits, search) };
            let mut found = self.note_answer((query, answered), within, caller).await;
            (found.hits, found.cursor) = (Vec::new(), None);
            if is_further {
                // Further pages repeat nothing.
                (found.redirect, found.banners) = (None, Vec::new());
            }
            answers.push(found);
        }
        Ok(MergedFound { hits, total, answers })
    }
}

/// What of the first page is told of under the name of a search: the hits that it was the first to find, where they stand.
fn stood(hits: &[MergedHit], search: usize) -> Within {
    let places = hits.iter().zip((0..=u8::MAX).chain(std::iter::repeat(u8::MAX)));
    let own = places.filter(|(hit, _)| hit.searches[0] == search);
    Within::MergedList(own.map(|(hit, place)| (hit.hit.product_id.clone(), place)).collect())
}

#[cfg(test)]
mod tests;
