//! Likeness of attributes and text: the source that knows items nobody has taken yet.

use super::{Histories, Kin, Scores, Source};
use crate::types::Item;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// What each item says of itself, by item number: numbers that equal words and attributes share.
pub type Tokens = [Vec<u32>];

/// How likeness is measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContentParams {
    /// A token of `d` among `n` items weighs `ln(n / d)^rarity`.
    pub rarity: f32,
    /// How much each older item of the history counts relative to the next younger one, in 0..=1.
    pub recency: f32,
    /// A score is divided by the item's own length to this power; 1 makes it a cosine.
    pub length_power: f32,
}

impl Default for ContentParams {
    /// The usual cosine of TF-IDF vectors; recency is a start for the search on validation data.
    fn default() -> ContentParams {
        ContentParams { rarity: 1.0, recency: 0.7, length_power: 1.0 }
    }
}

/// Items like those of the history in their words and attributes.
///
/// `score(j) = Σᵢ r^age(i) · cos(vᵢ, vⱼ)` with `v` the TF-IDF vector of an item; a token counts once per item, as
/// titles rarely repeat a word on purpose. Nothing of a person is kept, so there is nothing to forget.
///
/// Source: Salton and Buckley, Information Processing & Management 24(5), 1988 (weights `b` `f` `c`).
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    params: ContentParams,
    /// Each item's tokens with their weights, the vector of length 1.
    vectors: Vec<Vec<(u32, f32)>>,
    /// Where each token stands.
    carriers: FxHashMap<u32, Vec<(Item, f32)>>,
    rarity: FxHashMap<u32, f32>,
    n_items: usize,
}

/// A token carried by a larger share of the items tells nothing (chosen) and would cost the most.
const CARRIERS_SHARE_MAX: f32 = 0.5;
/// So does one that is carried by so many (chosen): each is added to at every question.
const CARRIERS_MAX: u32 = 5_000;
/// Additions for one history, the heaviest tokens first: what is left out is common and old, so it moves little,
/// and each takes some nanoseconds. Chosen on the validation part of Amazon's toys: NDCG@10 is the same to three
/// places with and without it.
const ADDED_MAX: usize = 40_000;
/// Tokens that are read of one item (chosen: a page of text).
const TOKENS_MAX: usize = 512;

impl Content {
    /// Weighs all tokens.
    pub fn fit(tokens: &Tokens, params: ContentParams) -> Content {
        let mut counts: FxHashMap<u32, u32> = FxHashMap::default();
        for token in tokens.iter().flat_map(|tokens| different(tokens)) {
            *counts.entry(token).or_default() += 1;
        }
        let n_items = tokens.iter().filter(|tokens| !tokens.is_empty()).count();
        let rarity = counts.into_iter().map(|(token, n)| {
            let share = n as f32 / n_items.max(1) as f32;
            let is_common = share > CARRIERS_SHARE_MAX || n > CARRIERS_MAX;
            let told = if is_common { 0.0 } else { -share.ln() };
            (token, if told > 0.0 { told.powf(params.rarity) } else { 0.0 })
        });
        let mut content = Content {
            rarity: rarity.collect(),
            vectors: Vec::new(),
            carriers: FxHashMap::default(),
            params,
            n_items,
        };
        for (item, tokens) in (0_u32..).zip(tokens) {
            content.update(Item(item), tokens);
        }
        content
    }

    /// Takes in a new or changed item. Rarities stay those of the last `fit`; a token that was unknown
    /// then counts as one carried by a single item.
    pub fn update(&mut self, item: Item, tokens: &[u32]) {
        let at = item.0 as usize;
        if at >= self.vectors.len() {
            self.vectors.resize(at + 1, Vec::new());
        }
        for (token, _) in std::mem::take(&mut self.vectors[at]) {
            if let Some(carriers) = self.carriers.get_mut(&token) {
                carriers.retain(|&(carrier, _)| carrier != item);
            }
        }
        let unknown = (self.n_items.max(2) as f32).ln().powf(self.params.rarity);
        let weighed = different(tokens).into_iter().map(|token| {
            let rarity = self.rarity.get(&token).copied().unwrap_or(unknown);
            (token, rarity)
        });
        let mut vector: Vec<(u32, f32)> = weighed.filter(|&(_, weight)| weight > 0.0).collect();
        let length = vector.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
        let scale = length.powf(-self.params.length_power);
        for (token, weight) in &mut vector {
            let carriers = self.carriers.entry(*token).or_default();
            let place = carriers.partition_point(|&(carrier, _)| carrier < item);
            carriers.insert(place, (item, *weight * scale));
            *weight /= length;
        }
        self.vectors[at] = vector;
    }
}

/// The different tokens of an item, ascending.
fn different(tokens: &[u32]) -> Vec<u32> {
    let mut tokens = tokens[..tokens.len().min(TOKENS_MAX)].to_vec();
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

impl Source for Content {
    fn name(&self) -> &'static str {
        "content"
    }

    fn score(&self, history: &[Item], into: &mut Scores) {
        let mut profile: Vec<(u32, f32)> = Vec::new();
        let mut recency = 1.0_f32;
        for item in history.iter().rev() {
            let vector = self.vectors.get(item.0 as usize).into_iter().flatten();
            profile.extend(vector.map(|&(token, weight)| (token, weight * recency)));
            recency *= self.params.recency;
            if recency < 1e-3 {
                break;
            }
        }
        // A stable sort: the sum of a token's weights must not depend on how equal ones are moved.
        profile.sort_by_key(|&(token, _)| token);
        let mut words: Vec<(f32, u32)> = profile
            .chunk_by(|a, b| a.0 == b.0)
            .map(|same| (same.iter().map(|(_, weight)| weight).sum(), same[0].0))
            .collect();
        words.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut n_added = 0;
        for (weight, token) in words {
            let carriers = self.carriers.get(&token).map_or(&[][..], Vec::as_slice);
            n_added += carriers.len();
            if n_added > ADDED_MAX {
                break;
            }
            for &(item, of_item) in carriers {
                into.add(item, weight * of_item);
            }
        }
    }

    fn because(&self, history: &[Item], item: Item) -> Option<Item> {
        let of = |item: Item| self.vectors.get(item.0 as usize).map_or(&[][..], Vec::as_slice);
        let likeness = |held: Item| likeness(of(held), of(item));
        let alike = history.iter().rev().map(|&held| (likeness(held), held));
        let best = alike.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.filter(|&(likeness, _)| likeness > 0.0).map(|(_, held)| held)
    }

    /// A new item's kin are those most like it, by the cosine. Items that say the same have the same kin.
    fn kin(&self, histories: &Histories) -> Option<Kin> {
        let is_known = |item: Item| !histories.takers(item).is_empty();
        let known: FxHashMap<u32, Vec<(Item, f32)>> = self
            .carriers
            .iter()
            .map(|(&token, all)| (token, all.iter().copied().filter(|c| is_known(c.0)).collect()))
            .collect();
        let items = (0_u32..).zip(&self.vectors).map(|(item, vector)| (vector, Item(item)));
        let mut new: Vec<(&Vec<(u32, f32)>, Item)> =
            items.filter(|(vector, item)| !vector.is_empty() && !is_known(*item)).collect();
        new.sort_unstable_by(|a, b| says(a.0).cmp(says(b.0)).then(a.1.cmp(&b.1)));
        let (mut scores, mut nearest) = (Scores::default(), Vec::new());
        let groups = new.chunk_by(|a, b| says(a.0).eq(says(b.0)));
        let mut rows: Vec<(Item, Vec<(Item, f32)>)> = Vec::with_capacity(new.len());
        for group in groups {
            scores.clear();
            for &(token, weight) in group[0].0 {
                for &(other, of_other) in known.get(&token).into_iter().flatten() {
                    scores.add(other, weight * of_other);
                }
            }
            scores.top(Kin::KEPT_MAX, &|_| false, &mut nearest);
            let kin: Vec<_> = nearest.iter().map(|&(likeness, other)| (other, likeness)).collect();
            rows.extend(group.iter().map(|&(_, item)| (item, kin.clone())));
        }
        rows.sort_unstable_by_key(|&(item, _)| item);
        Some(Kin::new(rows.into_iter()))
    }
}

/// The tokens of a vector, ascending.
fn says(vector: &[(u32, f32)]) -> impl Iterator<Item = u32> + '_ {
    vector.iter().map(|&(token, _)| token)
}

/// The product of two vectors whose tokens ascend.
fn likeness(a: &[(u32, f32)], b: &[(u32, f32)]) -> f32 {
    let (mut i, mut j, mut sum) = (0, 0, 0.0);
    while let (Some(&(left, x)), Some(&(right, y))) = (a.get(i), b.get(j)) {
        if left == right {
            sum += x * y;
        }
        i += usize::from(left <= right);
        j += usize::from(right <= left);
    }
    sum
}
