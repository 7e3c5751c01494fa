//! A graph of neighbours, by which the nearest of very many vectors are found without comparing all.
//!
//! A hierarchical navigable small world (Malkov and Yashunin 2018, "Efficient and robust approximate nearest neighbor
//! search using hierarchical navigable small world graphs"): every vector is linked to others near it, in several
//! directions; a search goes from neighbour to neighbour towards the query and keeps the nearest that it meets. A
//! sixteenth of the vectors are also on a layer above, with longer links, a sixteenth of those on the next.
//!
//! Rows are linked one after the other and never unlinked: what went stays as a step on the way, until all rows
//! are numbered anew. The same rows in the same order make the same graph.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;
use souk_core::wire::{Reader, Writer};
use xxhash_rust::xxh3::xxh3_64;

use super::codes::{Codes, Query};
use crate::index::SnapshotError;

/// Neighbours that a new row is linked to on each layer, and at most on layers above the lowest. Sixteen, so that the
/// share of rows on the next layer (the paper's 1/M) is four bits of a hash.
const LINKS: usize = 16;
/// Neighbours at most on the lowest layer: twice as many, as the paper has it.
const LINKS_LOWEST: usize = 2 * LINKS;
/// Rows that are kept while a new row's neighbours are looked for.
const BREADTH_BUILD: usize = 128;
/// Rows that are kept while one of the very same numbers is looked for; chosen: as many links as a row has.
const BREADTH_TWIN: usize = LINKS;
/// No neighbour.
const NONE: u32 = u32::MAX;
/// The highest layer: 16⁸ rows would have it.
const LAYERS_MAX: usize = 8;

/// The links of rows; see the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    /// On the lowest layer: [`LINKS_LOWEST`] of each row, then [`NONE`].
    lowest: Vec<u32>,
    /// On each layer above, of those rows that are on it.
    upper: Vec<FxHashMap<u32, Vec<u32>>>,
    /// Where searches begin: a row of the highest layer.
    entry: Option<u32>,
    /// Of rows with links, those after it that have the very same numbers and no links: many that lie in one place would
    /// fill one another's links and hide each other.
    twins: FxHashMap<u32, Vec<u32>>,
}

/// A row, and how near it is to what is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Near {
    pub(crate) likeness: f32,
    pub(crate) row: u32,
}

impl Eq for Near {}

impl Ord for Near {
    /// The nearer one is greater; of two as near, the earlier row.
    fn cmp(&self, other: &Near) -> Ordering {
        self.likeness.total_cmp(&other.likeness).then_with(|| other.row.cmp(&self.row))
    }
}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Near) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What a search uses again and again.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Rows that were met, as bits.
    met: Vec<u64>,
    batch: Vec<u32>,
    likenesses: Vec<f32>,
}

impl Scratch {
    fn forget(&mut self, n_rows: usize) {
        self.met.clear();
        self.met.resize(n_rows.div_ceil(64), 0);
    }

    /// Notes that a row was met; whether it was not before.
    #[inline]
    fn meet(&mut self, row: u32) -> bool {
        let (word, bit) = (&mut self.met[row as usize / 64], 1 << (row % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

impl Graph {
    /// Rows that are linked: the first ones.
    pub(crate) fn len(&self) -> usize {
        self.lowest.len() / LINKS_LOWEST
    }

    pub(crate) fn bytes(&self) -> usize {
        let upper: usize = self.upper.iter().map(FxHashMap::len).sum();
        self.lowest.capacity() * 4 + upper * (LINKS * 4 + 40)
    }

    /// The nearest rows to a query that are met when `breadth` are kept on the way, and their twins, in no order.
    pub(crate) fn nearest(&self, codes: &Codes, query: &Query, breadth: usize) -> Vec<Near> {
        let scratch = &mut Scratch::default();
        let Some(start) = self.descend((codes, query), 0, scratch) else { return Vec::new() };
        let mut found = self.explore((codes, query), (&[start], 0, breadth), scratch);
        let twins = found.iter().filter_map(|near| self.twins.get(&near.row)).flatten();
        let twins: Vec<u32> = twins.copied().collect();
        scratch.likenesses.clear();
        codes.likenesses_of(query, &twins, &mut scratch.likenesses);
        let twins = twins.into_iter().zip(&scratch.likenesses);
        found.extend(twins.map(|(row, likeness)| Near { likeness: *likeness, row }));
        found
    }

    /// Links the next row.
    pub(crate) fn link(&mut self, codes: &Codes, scratch: &mut Scratch) {
        let row = self.len() as u32;
        let query = codes.query(row as usize);
        let top = self.upper.len();
        let own_top = layer_of(row);
        self.lowest.resize(self.lowest.len() + LINKS_LOWEST, NONE);
        if let Some(twin) = self.twin((codes, &query), row, scratch) {
            self.twins.entry(twin).or_default().push(row);
            return;
        }
        let mut starts: Vec<Near> =
            self.descend((codes, &query), own_top, scratch).into_iter().collect();
        for layer in (0..=own_top.min(top)).rev() {
            if starts.is_empty() {
                break;
            }
            let found = self.explore((codes, &query), (&starts, layer, BREADTH_BUILD), scratch);
            let own = select(codes, &found, LINKS);
            match layer {
                0 => {
                    let start = row as usize * LINKS_LOWEST;
                    self.lowest[start..start + own.len()].copy_from_slice(&own);
                }
                _ => {
                    self.upper[layer - 1].insert(row, own.clone());
                }
            }
            for other in own {
                self.link_back(codes, (layer, other, row), scratch);
            }
            starts = found;
        }
        if own_top > top || self.entry.is_none() {
            self.entry = Some(row);
            self.upper.resize_with(own_top.max(top), FxHashMap::default);
            for layer in &mut self.upper[top..] {
                layer.insert(row, Vec::new());
            }
        }
    }

    /// The row with links that has the very same numbers, looked for among few: hardly any is nearer to it.
    fn twin(
        &self,
        (codes, query): (&Codes, &Query),
        row: u32,
        scratch: &mut Scratch,
    ) -> Option<u32> {
        let start = self.descend((codes, query), 0, scratch)?;
        let found = self.explore((codes, query), (&[start], 0, BREADTH_TWIN), scratch);
        let (numbers, _) = codes.row(row as usize);
        let is_twin = |other: &u32| codes.row(*other as usize).0 == numbers;
        found.iter().map(|near| near.row).find(is_twin)
    }

    fn links(&self, layer: usize, row: u32) -> &[u32] {
        if layer > 0 {
            return self.upper[layer - 1].get(&row).map_or(&[], Vec::as_slice);
        }
        let own = &self.lowest[row as usize * LINKS_LOWEST..][..LINKS_LOWEST];
        &own[..own.iter().position(|link| *link == NONE).unwrap_or(LINKS_LOWEST)]
    }

    /// Links a row to one that is linked to it; of too many links, those that say least are given up.
    fn link_back(
        &mut self,
        codes: &Codes,
        (layer, row, new): (usize, u32, u32),
        scratch: &mut Scratch,
    ) {
        let links = self.links(layer, row);
        let most = if layer == 0 { LINKS_LOWEST } else { LINKS };
        let mut kept = links.to_vec();
        kept.push(new);
        if kept.len() > most {
            scratch.likenesses.clear();
            codes.likenesses_to(row, &kept, &mut scratch.likenesses);
            let near = kept.iter().zip(&scratch.likenesses);
            let mut near: Vec<Near> =
                near.map(|(row, likeness)| Near { likeness: *likeness, row: *row }).collect();
            near.sort_unstable_by(|left, right| right.cmp(left));
            kept = select(codes, &near, most);
        }
        if layer > 0 {
            self.upper[layer - 1].insert(row, kept);
            return;
        }
        let own = &mut self.lowest[row as usize * LINKS_LOWEST..][..LINKS_LOWEST];
        own[..kept.len()].copy_from_slice(&kept);
        own[kept.len()..].fill(NONE);
    }

    /// Goes down to just above a layer, each time to the neighbour that is nearest; `None` without any row.
    fn descend(
        &self,
        (codes, query): (&Codes, &Query),
        layer: usize,
        scratch: &mut Scratch,
    ) -> Option<Near> {
        let entry = self.entry?;
        scratch.likenesses.clear();
        codes.likenesses_of(query, &[entry], &mut scratch.likenesses);
        let mut at = Near { likeness: scratch.likenesses[0], row: entry };
        for layer in (layer + 1..=self.upper.len()).rev() {
            loop {
                let links = self.links(layer, at.row);
                scratch.likenesses.clear();
                codes.likenesses_of(query, links, &mut scratch.likenesses);
                let all = links.iter().zip(&scratch.likenesses);
                let best = all.map(|(row, likeness)| Near { likeness: *likeness, row: *row }).max();
                match best.filter(|best| *best > at) {
                    Some(best) => at = best,
                    None => break,
                }
            }
        }
        Some(at)
    }

    /// The nearest rows that are met on a layer when `breadth` are kept on the way, the nearest first.
    fn explore(
        &self,
        (codes, query): (&Codes, &Query),
        (starts, layer, breadth): (&[Near], usize, usize),
        scratch: &mut Scratch,
    ) -> Vec<Near> {
        scratch.forget(self.len());
        let mut open: BinaryHeap<Near> = BinaryHeap::new();
        let mut best: BinaryHeap<Reverse<Near>> = BinaryHeap::new();
        for start in starts {
            scratch.meet(start.row);
            open.push(*start);
            best.push(Reverse(*start));
        }
        while let Some(near) = open.pop() {
            if best.len() >= breadth && best.peek().is_some_and(|last| near < last.0) {
                break;
            }
            let mut batch = std::mem::take(&mut scratch.batch);
            batch.clear();
            let links = self.links(layer, near.row).iter().copied();
            batch.extend(links.filter(|link| scratch.meet(*link)));
            scratch.likenesses.clear();
            codes.likenesses_of(query, &batch, &mut scratch.likenesses);
            for (row, likeness) in batch.iter().zip(&scratch.likenesses) {
                let found = Near { likeness: *likeness, row: *row };
                let is_full = best.len() >= breadth;
                if is_full && best.peek().is_some_and(|last| found < last.0) {
                    continue;
                }
                open.push(found);
                best.push(Reverse(found));
                if is_full {
                    best.pop();
                }
            }
            scratch.batch = batch;
        }
        best.into_sorted_vec().into_iter().map(|Reverse(near)| near).collect()
    }

    /// Writes the links.
    pub(crate) fn write(&self, w: &mut Writer) {
        w.varint(self.entry.map_or(0, |entry| u64::from(entry) + 1));
        let lowest: Vec<u8> = self.lowest.iter().flat_map(|link| link.to_le_bytes()).collect();
        w.bytes(&lowest);
        w.count(self.upper.len());
        for rows in self.upper.iter().chain([&self.twins]) {
            let mut rows: Vec<_> = rows.iter().collect();
            rows.sort_unstable();
            w.count(rows.len());
            for (row, others) in rows {
                w.varint(u64::from(*row));
                w.count(others.len());
                others.iter().for_each(|other| w.varint(u64::from(*other)));
            }
        }
    }

    /// Reads what [`Graph::write`] wrote, of no more than so many rows.
    pub(crate) fn read(r: &mut Reader<'_>, n_rows: usize) -> Result<Graph, SnapshotError> {
        let entry = r.varint()?;
        let (lowest, _) = r.bytes()?.as_chunks::<4>();
        let lowest: Vec<u32> = lowest.iter().map(|link| u32::from_le_bytes(*link)).collect();
        let n_linked = lowest.len() / LINKS_LOWEST;
        let row = |row: u64| {
            let row = u32::try_from(row).ok().filter(|row| (*row as usize) < n_linked);
            row.ok_or(SnapshotError::Damaged)
        };
        let is_link = |link: &u32| *link == NONE || (*link as usize) < n_linked;
        let is_whole = lowest.len().is_multiple_of(LINKS_LOWEST) && n_linked <= n_rows;
        if !is_whole || !lowest.iter().all(is_link) || (entry == 0) != (n_linked == 0) {
            return Err(SnapshotError::Damaged);
        }
        let entry = entry.checked_sub(1).map(row).transpose()?;
        let n_layers = r.count()?;
        if n_layers > LAYERS_MAX {
            return Err(SnapshotError::Damaged);
        }
        let mut upper = Vec::with_capacity(n_layers + 1);
        for _ in 0..=n_layers {
            let mut rows = FxHashMap::default();
            for _ in 0..r.count()? {
                let own = row(r.varint()?)?;
                let others = (0..r.count()?).map(|_| row(r.varint()?));
                rows.insert(own, others.collect::<Result<Vec<u32>, _>>()?);
            }
            upper.push(rows);
        }
        let twins = upper.pop().expect("one more than there are layers");
        Ok(Graph { lowest, upper, entry, twins })
    }
}

/// The highest layer of a row, as its number's hash has it.
fn layer_of(row: u32) -> usize {
    (xxh3_64(&row.to_le_bytes()).leading_zeros() as usize / 4).min(LAYERS_MAX)
}

/// Of rows, the nearest first, those that are neighbours to something: each nearer to it than to another neighbour,
/// so that links lead in all directions (the paper's algorithm 4); then, where there is room, the nearest others.
fn select(codes: &Codes, near: &[Near], most: usize) -> Vec<u32> {
    let (mut kept, mut others) = (Vec::with_capacity(most), Vec::new());
    for Near { likeness, row } in near {
        if kept.len() == most {
            break;
        }
        match codes.is_as_near(*row, *likeness, &kept) {
            true => others.push(*row),
            false => kept.push(*row),
        }
    }
    let room = most - kept.len();
    kept.extend(others.into_iter().take(room));
    kept
}

#[cfg(test)]
mod tests;
