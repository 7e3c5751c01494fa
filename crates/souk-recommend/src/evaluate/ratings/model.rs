//! Weighted item-to-item co-occurrence over ordered histories.

use super::{RatingRow, Seen, Wanted};
use crate::numbering::Numbering;
use crate::random::Random;
use crate::types::{Item, Shopper};
use rustc_hash::{FxHashMap, FxHashSet};

/// Pairs further apart than this in a history do not count when pairs are weighted by distance.
const LAG_MAX: usize = 10;
/// How many similar items are kept per item: a bound on memory, far above what a list needs.
const SIMILAR_MAX: usize = 500;
/// Attributes carried by more items than this say too little to make two items similar.
const CARRIERS_MAX: usize = 500;

/// What the model does with a history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatingParams {
    /// How strongly a long history weighs less per pair: each pair counts 1 / length^this.
    pub length_power: f32,
    /// A co-occurrence is divided by the frequency of the item in the history to this power,
    pub from_power: f32,
    /// and by that of the item proposed to this one; ½ and ½ is the cosine.
    pub to_power: f32,
    /// How much each older item of a history counts relative to the next younger one, in 0..=1.
    pub recency: f32,
    /// How much a pair counts per place that lies between, in 0..=1; 1 counts all pairs alike.
    pub distance: f32,
    /// How much a pair counts against the order in which it was taken, in 0..=1.
    pub backward: f32,
    /// How much the similarity of attributes counts beside co-occurrence.
    pub attributes: f32,
}

impl Default for RatingParams {
    /// The cosine, without any notion of order.
    fn default() -> RatingParams {
        RatingParams {
            length_power: 0.5,
            from_power: 0.5,
            to_power: 0.5,
            recency: 1.0,
            distance: 1.0,
            backward: 1.0,
            attributes: 0.0,
        }
    }
}

impl RatingParams {
    /// How many parameters there are to try.
    pub(super) const N: usize = 7;

    /// Where the search starts: taste without order, and sequences.
    pub(super) fn starts() -> [RatingParams; 2] {
        let taste = RatingParams::default();
        let sequences = RatingParams {
            from_power: 0.3,
            to_power: 0.3,
            recency: 0.7,
            distance: 0.8,
            backward: 0.8,
            ..taste
        };
        [taste, sequences]
    }

    /// Other values of one parameter.
    pub(super) fn neighbours(self, parameter: usize, no_attributes: bool) -> Vec<RatingParams> {
        let values: &[f32] = match parameter {
            0 => &[0.0, 0.5, 1.0],
            1 => &[0.1, 0.3, 0.5, 0.7],
            2 => &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
            3 => &[0.5, 0.7, 0.85, 0.95, 0.99, 1.0],
            4 => &[0.6, 0.8, 0.9, 1.0],
            5 => &[0.3, 0.6, 0.8, 1.0],
            _ if no_attributes => &[],
            _ => &[0.0, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0],
        };
        let with = |&value: &f32| {
            let mut changed = self;
            *match parameter {
                0 => &mut changed.length_power,
                1 => &mut changed.from_power,
                2 => &mut changed.to_power,
                3 => &mut changed.recency,
                4 => &mut changed.distance,
                5 => &mut changed.backward,
                _ => &mut changed.attributes,
            } = value;
            changed
        };
        values.iter().map(with).filter(|changed| *changed != self).collect()
    }
}

/// Each shopper's items in the order they were first taken, without repetitions.
#[derive(Clone, Debug, Default)]
pub(super) struct Histories {
    by_shopper: FxHashMap<Shopper, Vec<Item>>,
    frequency: Vec<u32>,
}

impl Histories {
    pub(super) fn new(rows: &[RatingRow]) -> Histories {
        let mut rows = rows.to_vec();
        rows.sort_by_key(|row| (row.shopper, row.time));
        let chunks = rows.chunk_by(|a, b| a.shopper == b.shopper);
        Histories::of(chunks.map(|rows| {
            let mut seen = FxHashSet::default();
            let items = rows.iter().map(|row| row.item).filter(|item| seen.insert(*item));
            (rows[0].shopper, items.collect())
        }))
    }

    fn of(histories: impl Iterator<Item = (Shopper, Vec<Item>)>) -> Histories {
        let by_shopper: FxHashMap<Shopper, Vec<Item>> = histories.collect();
        let mut frequency = Vec::new();
        for item in by_shopper.values().flatten() {
            let at = item.0 as usize;
            if at >= frequency.len() {
                frequency.resize(at + 1, 0);
            }
            frequency[at] += 1;
        }
        Histories { by_shopper, frequency }
    }

    /// Holds out the last tenth of each history, at least one item, of those with three or more.
    pub(super) fn split_tail(&self) -> (Histories, Wanted) {
        self.split(|_, items| match items.len() {
            n @ ..3 => vec![false; n],
            n => (0..n).map(|place| place >= n - n.div_ceil(10)).collect(),
        })
    }

    /// Holds out about a fifth of the items, drawn at random.
    pub(super) fn split_sample(&self, seed: u64) -> (Histories, Wanted) {
        self.split(|shopper, items| {
            let mut random = Random::new(seed ^ (u64::from(shopper.0) << 20));
            items.iter().map(|_| random.below(5) == 0).collect()
        })
    }

    /// Splits histories by a mark for each item.
    fn split(&self, is_held: impl Fn(Shopper, &[Item]) -> Vec<bool>) -> (Histories, Wanted) {
        let mut held_out = Wanted::new();
        let kept = self.by_shopper.iter().map(|(&shopper, items)| {
            let marks = is_held(shopper, items);
            let part = |held: bool| {
                let marked = items.iter().zip(&marks).filter(move |(_, mark)| **mark == held);
                marked.map(|(item, _)| *item)
            };
            let held: FxHashSet<Item> = part(true).collect();
            if !held.is_empty() {
                held_out.push((shopper, held));
            }
            (shopper, part(false).collect())
        });
        let kept = Histories::of(kept);
        held_out.sort_unstable_by_key(|(shopper, _)| *shopper);
        (kept, held_out)
    }

    pub(super) fn n_distinct_items(&self) -> usize {
        self.frequency.iter().filter(|&&n| n > 0).count()
    }

    /// In how many histories each item is.
    #[cfg(test)]
    pub(super) fn frequencies(&self) -> &[u32] {
        &self.frequency
    }

    fn of_shopper(&self, shopper: Shopper) -> &[Item] {
        self.by_shopper.get(&shopper).map_or(&[], Vec::as_slice)
    }
}

/// The most similar items of each item, with their similarity.
pub(super) struct Model<'a> {
    histories: &'a Histories,
    similar: Vec<Vec<(Item, f32)>>,
    popular: Vec<Item>,
    params: RatingParams,
}

impl<'a> Model<'a> {
    pub(super) fn new(
        histories: &'a Histories,
        attributes: &[Vec<u32>],
        params: RatingParams,
    ) -> Model<'a> {
        let n_items = histories.frequency.len().max(attributes.len());
        // Where each item stands: (history, place). Rows of co-occurrence are then made one by one,
        // so that the whole matrix never exists.
        let mut takers: Vec<Vec<(u32, u32)>> = vec![Vec::new(); n_items];
        let mut shoppers: Vec<Shopper> = histories.by_shopper.keys().copied().collect();
        shoppers.sort_unstable();
        let lists: Vec<&[Item]> = shoppers.iter().map(|&s| histories.of_shopper(s)).collect();
        for (number, list) in (0_u32..).zip(&lists) {
            for (place, item) in (0_u32..).zip(*list) {
                takers[item.0 as usize].push((number, place));
            }
        }
        let carriers = carriers(attributes);
        let mut row = Row { sums: vec![0.0; n_items], touched: Vec::new() };
        let similar = (0..n_items as u32).map(|item| {
            let item = Item(item);
            for &(number, place) in &takers[item.0 as usize] {
                row.add_history(lists[number as usize], place as usize, &params);
            }
            row.normalise(item, (&histories.frequency, &params));
            if params.attributes > 0.0 {
                row.add_attributes(item, (attributes, &carriers), params.attributes);
            }
            row.take(item)
        });
        let similar = similar.collect();
        let mut popular: Vec<Item> = (0..histories.frequency.len() as u32).map(Item).collect();
        popular.retain(|item| histories.frequency[item.0 as usize] > 0);
        popular.sort_unstable_by_key(|item| {
            (std::cmp::Reverse(histories.frequency[item.0 as usize]), *item)
        });
        Model { histories, similar, popular, params }
    }

    /// Ranks by the sum of similarities to the history, the youngest item counting most; what is
    /// missing to `limit` is filled up with popular items.
    pub(super) fn rank(
        &self,
        shopper: Shopper,
        (seen, limit): (Seen, usize),
        scratch: &mut Numbering,
    ) -> Vec<Item> {
        scratch.clear();
        let mut sums: Vec<(f32, Item)> = Vec::new();
        let mut weight = 1.0;
        let own = self.histories.of_shopper(shopper);
        for &item in own.iter().rev() {
            for &(other, similarity) in &self.similar[item.0 as usize] {
                let at = scratch.number(other.0);
                if at == sums.len() {
                    sums.push((0.0, other));
                }
                sums[at].0 += weight * similarity;
            }
            weight *= self.params.recency;
        }
        let own_set: FxHashSet<Item> = own.iter().copied().collect();
        sums.retain(|(_, item)| seen == Seen::Include || !own_set.contains(item));
        let order = |a: &(f32, Item), b: &(f32, Item)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if sums.len() > limit && limit > 0 {
            sums.select_nth_unstable_by(limit - 1, order);
        }
        sums.truncate(limit);
        sums.sort_unstable_by(order);
        let ranked: Vec<Item> = sums.into_iter().map(|(_, item)| item).collect();
        if ranked.len() < limit { self.popular(shopper, (seen, limit), &ranked) } else { ranked }
    }

    /// `first`, then the most popular items.
    pub(super) fn popular(
        &self,
        shopper: Shopper,
        (seen, limit): (Seen, usize),
        first: &[Item],
    ) -> Vec<Item> {
        let mut taken: FxHashSet<Item> = first.iter().copied().collect();
        if seen == Seen::Exclude {
            taken.extend(self.histories.of_shopper(shopper));
        }
        let others = self.popular.iter().copied().filter(|item| !taken.contains(item));
        first.iter().copied().chain(others).take(limit).collect()
    }
}

/// One row of similarities while it is made.
struct Row {
    sums: Vec<f32>,
    touched: Vec<Item>,
}

impl Row {
    fn add(&mut self, item: Item, weight: f32) {
        let sum = &mut self.sums[item.0 as usize];
        if *sum == 0.0 {
            self.touched.push(item);
        }
        *sum += weight;
    }

    /// Adds the company of the item at `place` of a history.
    fn add_history(&mut self, list: &[Item], place: usize, params: &RatingParams) {
        let share = (list.len() as f32).powf(-params.length_power);
        let lag_max = if params.distance < 1.0 { LAG_MAX } else { list.len() };
        let mut weight = share;
        for &later in list[place + 1..].iter().take(lag_max) {
            self.add(later, weight);
            weight *= params.distance;
        }
        let mut weight = share * params.backward;
        for &earlier in list[..place].iter().rev().take(lag_max) {
            self.add(earlier, weight);
            weight *= params.distance;
        }
    }

    fn normalise(&mut self, item: Item, (frequency, params): (&[u32], &RatingParams)) {
        let n = |item: Item| frequency.get(item.0 as usize).copied().unwrap_or(0).max(1) as f32;
        let from = n(item).powf(-params.from_power);
        for &other in &self.touched {
            self.sums[other.0 as usize] *= from * n(other).powf(-params.to_power);
        }
    }

    /// Adds the cosine of the attribute sets, each attribute weighing 1 / √carriers.
    fn add_attributes(
        &mut self,
        item: Item,
        (attributes, carriers): (&[Vec<u32>], &FxHashMap<u32, Vec<Item>>),
        weight: f32,
    ) {
        let n = |item: Item| attributes.get(item.0 as usize).map_or(0, Vec::len).max(1) as f32;
        for attribute in attributes.get(item.0 as usize).into_iter().flatten() {
            let Some(items) = carriers.get(attribute) else { continue };
            let share = weight / (items.len() as f32).sqrt() / n(item).sqrt();
            for &other in items.iter().filter(|&&other| other != item) {
                self.add(other, share / n(other).sqrt());
            }
        }
    }

    /// Hands out the most similar items and empties the row.
    fn take(&mut self, item: Item) -> Vec<(Item, f32)> {
        let sums = &mut self.sums;
        let mut row: Vec<(Item, f32)> = self
            .touched
            .drain(..)
            .map(|other| (other, std::mem::take(&mut sums[other.0 as usize])))
            .filter(|(other, _)| *other != item)
            .collect();
        let order = |a: &(Item, f32), b: &(Item, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if row.len() > SIMILAR_MAX {
            row.select_nth_unstable_by(SIMILAR_MAX, order);
            row.truncate(SIMILAR_MAX);
        }
        row.sort_unstable_by(order);
        row
    }
}

/// The items that carry each attribute, ascending; attributes that too many carry are left out.
fn carriers(attributes: &[Vec<u32>]) -> FxHashMap<u32, Vec<Item>> {
    let mut carriers: FxHashMap<u32, Vec<Item>> = FxHashMap::default();
    for (item, attributes) in (0_u32..).zip(attributes) {
        for &attribute in attributes {
            carriers.entry(attribute).or_default().push(Item(item));
        }
    }
    carriers.retain(|_, items| items.len() <= CARRIERS_MAX);
    carriers
}
