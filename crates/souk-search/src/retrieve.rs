//! Which rows of a chunk have the words of a query, and how much the words say about them.

use crate::chunk::{Chunk, List};
use crate::lexicon::Term;

/// A word of the query, with all that it may stand for.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) alternatives: Vec<Alternative>,
    /// What a hit of it is worth: rare words say more.
    pub(crate) weight: f32,
    /// How much it is of what is asked for, where not all words are: [`Slot::PLAIN`], or more.
    pub(crate) part: u8,
}

impl Slot {
    /// The part of an ordinary word.
    pub(crate) const PLAIN: u8 = 2;

    /// What all of some slots are.
    pub(crate) fn whole(slots: &[Slot]) -> usize {
        slots.iter().map(|slot| usize::from(slot.part)).sum()
    }
}

impl Default for Slot {
    fn default() -> Slot {
        Slot { alternatives: Vec::new(), weight: 0.0, part: Slot::PLAIN }
    }
}

/// Something that a word may stand for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alternative {
    /// All of them must be there: several for a word that is split.
    pub(crate) terms: Vec<Term>,
    /// What it is worth beside the word as typed.
    pub(crate) factor: f32,
}

/// Arrays by row, kept from chunk to chunk; all zero in between.
#[derive(Debug)]
pub(crate) struct Scratch {
    layout: Layout,
    sums: Vec<f32>,
    /// The parts of the slots that each row has, and above [`HIT`] how many slots.
    hits: Vec<u16>,
}

/// The lists of one slot laid out by row.
#[derive(Debug)]
struct Layout {
    /// The impacts of an only list.
    impacts: Vec<u8>,
    /// The best of several lists.
    best: Vec<f32>,
    /// Rows of several lists.
    seen: Vec<u64>,
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch {
            layout: Layout {
                impacts: vec![0; Chunk::ROWS_MAX],
                best: vec![0.0; Chunk::ROWS_MAX],
                seen: vec![0; Chunk::ROWS_MAX / 64],
            },
            sums: Vec::new(),
            hits: Vec::new(),
        }
    }
}

/// The lists of one slot in one chunk.
struct Lists<'a> {
    borrowed: Vec<(List<'a>, f32)>,
    /// Of alternatives with several terms.
    owned: Vec<(Vec<u16>, Vec<u8>, f32)>,
    weight: f32,
}

impl<'a> Lists<'a> {
    fn new(chunk: &'a Chunk, slot: &Slot) -> Lists<'a> {
        let (mut borrowed, mut owned) = (Vec::new(), Vec::new());
        for alternative in &slot.alternatives {
            match alternative.terms.as_slice() {
                [term] => {
                    if let Some(list) = chunk.list(*term) {
                        borrowed.push((list, alternative.factor));
                    }
                }
                terms => {
                    if let Some((rows, impacts)) = together(chunk, terms) {
                        owned.push((rows, impacts, alternative.factor));
                    }
                }
            }
        }
        Lists { borrowed, owned, weight: slot.weight }
    }

    fn each(&self) -> impl Iterator<Item = (List<'_>, f32)> {
        let owned = self.owned.iter();
        self.borrowed
            .iter()
            .copied()
            .chain(owned.map(|(rows, impacts, factor)| (List { rows, impacts }, *factor)))
    }

    fn n_rows(&self) -> usize {
        self.each().map(|(list, _)| list.rows.len()).sum()
    }

    /// The list, if there is one alone.
    fn only(&self) -> Option<(List<'_>, f32)> {
        if self.n_lists() == 1 { self.each().next() } else { None }
    }

    fn n_lists(&self) -> usize {
        self.borrowed.len() + self.owned.len()
    }
}

/// Rows that have all of the terms, dead ones among them.
pub(crate) fn n_together(chunks: &[Chunk], terms: &[Term]) -> usize {
    chunks.iter().filter_map(|chunk| together(chunk, terms)).map(|(rows, _)| rows.len()).sum()
}

/// Rows that have all of the terms, rising, dead ones among them.
pub(crate) fn rows_with(chunk: &Chunk, terms: &[Term]) -> Vec<u16> {
    together(chunk, terms).map(|(rows, _)| rows).unwrap_or_default()
}

/// Rows that have all of the terms, each with the least of the impacts.
fn together(chunk: &Chunk, terms: &[Term]) -> Option<(Vec<u16>, Vec<u8>)> {
    let mut lists: Vec<List<'_>> =
        terms.iter().map(|term| chunk.list(*term)).collect::<Option<_>>()?;
    lists.sort_unstable_by_key(|list| list.rows.len());
    let (first, others) = lists.split_first()?;
    let (mut rows, mut impacts) = (Vec::new(), Vec::new());
    let mut at = vec![0; others.len()];
    'rows: for (row, impact) in first.rows.iter().zip(first.impacts) {
        let mut least = *impact;
        for (list, at) in others.iter().zip(&mut at) {
            *at = gallop(list.rows, *at, *row);
            if list.rows.get(*at) != Some(row) {
                continue 'rows;
            }
            least = least.min(list.impacts[*at]);
        }
        rows.push(*row);
        impacts.push(least);
    }
    (!rows.is_empty()).then_some((rows, impacts))
}

/// The first place at or after `from` whose row is not below `row`.
#[inline]
fn gallop(rows: &[u16], from: usize, row: u16) -> usize {
    if rows.get(from).is_none_or(|first| *first >= row) {
        return from;
    }
    let mut step = 1;
    let mut low = from;
    while rows.get(low + step).is_some_and(|next| *next < row) {
        low += step;
        step *= 2;
    }
    let high = (low + step).min(rows.len());
    low + rows[low..high].partition_point(|other| *other < row)
}

/// What an impact of 255 is worth before the word's weight.
const FULL: f32 = 1.0 / 255.0;

impl Scratch {
    /// The rows that have every slot, rising, each with its text score.
    pub(crate) fn all(&mut self, chunk: &Chunk, slots: &[Slot]) -> Vec<Row> {
        let mut lists: Vec<Lists<'_>> = Vec::with_capacity(slots.len());
        for slot in slots {
            let of_slot = Lists::new(chunk, slot);
            if of_slot.n_lists() == 0 {
                return Vec::new();
            }
            lists.push(of_slot);
        }
        lists.sort_by_key(Lists::n_rows);
        let Some((first, others)) = lists.split_first() else { return Vec::new() };
        let mut found = Vec::with_capacity(first.n_rows());
        self.layout.each_row(first, &mut |row, score| {
            found.push(Row { row, score, missing: 0, n_missing: 0 })
        });
        for slot in others {
            match slot.only() {
                // A list that is far longer than what is left is leapt through, others are laid out flat.
                Some(only) if only.0.rows.len() > 8 * found.len() => {
                    leap(only, slot.weight, &mut found);
                }
                Some(only) => self.layout.keep_of_one(only, slot.weight, &mut found),
                None => self.layout.keep_of_some(slot, &mut found),
            }
        }
        found
    }

    /// The rows that have slots of at least so many parts, and so many slots, rising, each with its text score and
    /// with what it lacks.
    pub(crate) fn some(
        &mut self,
        chunk: &Chunk,
        slots: &[Slot],
        (parts_min, slots_min): (usize, usize),
    ) -> Vec<Row> {
        self.sums.resize(Chunk::ROWS_MAX, 0.0);
        self.hits.resize(Chunk::ROWS_MAX, 0);
        let (sums, hits) = (&mut self.sums, &mut self.hits);
        for slot in slots {
            self.layout.each_row(&Lists::new(chunk, slot), &mut |row, score| {
                sums[usize::from(row)] += score;
                hits[usize::from(row)] += HIT + u16::from(slot.part);
            });
        }
        let whole = Slot::whole(slots);
        let mut found = Vec::new();
        for (block, hits) in hits.chunks_exact_mut(8).take(chunk.len().div_ceil(8)).enumerate() {
            if *hits == [0; 8] {
                continue;
            }
            for (idx, hits) in hits.iter_mut().enumerate() {
                let row = block * 8 + idx;
                let sum = std::mem::take(&mut sums[row]);
                let hits = std::mem::take(hits);
                let (n_hits, parts) = (hits / HIT, hits % HIT);
                if usize::from(n_hits) >= slots_min.max(1) && usize::from(parts) >= parts_min {
                    let missing = whole as u8 - parts as u8;
                    let n_missing = (slots.len() - usize::from(n_hits)) as u8;
                    let n_plain = f32::from(missing) / f32::from(Slot::PLAIN);
                    let score = sum * MISSING_WORTH.powf(n_plain);
                    found.push(Row { row: row as u16, score, missing, n_missing });
                }
            }
        }
        found
    }
}

impl Layout {
    /// Calls `take` with each row of a slot, rising, and what the slot says about it.
    fn each_row(&mut self, slot: &Lists<'_>, take: &mut impl FnMut(u16, f32)) {
        let weight = slot.weight * FULL;
        if let Some((list, factor)) = slot.only() {
            for (row, impact) in list.rows.iter().zip(list.impacts) {
                take(*row, f32::from(*impact) * factor * weight);
            }
            return;
        }
        self.lay_out(slot);
        for (list, _) in slot.each() {
            for row in list.rows {
                self.seen[usize::from(*row) / 64] |= 1 << (row % 64);
            }
        }
        let best = &self.best;
        drain(&mut self.seen, |row| take(row, best[usize::from(row)] * weight));
        self.clear(slot);
    }

    /// Keeps of `found` what stands in a list.
    fn keep_of_one(&mut self, (list, factor): (List<'_>, f32), weight: f32, found: &mut Vec<Row>) {
        for (row, impact) in list.rows.iter().zip(list.impacts) {
            self.impacts[usize::from(*row)] = *impact;
        }
        // No posting has an impact of 0.
        found.retain_mut(|found| {
            let impact = self.impacts[usize::from(found.row)];
            found.score += f32::from(impact) * factor * weight * FULL;
            impact > 0
        });
        list.rows.iter().for_each(|row| self.impacts[usize::from(*row)] = 0);
    }

    /// Keeps of `found` what stands in a slot's lists.
    fn keep_of_some(&mut self, slot: &Lists<'_>, found: &mut Vec<Row>) {
        self.lay_out(slot);
        found.retain_mut(|found| {
            let best = self.best[usize::from(found.row)];
            found.score += best * slot.weight * FULL;
            best > 0.0
        });
        self.clear(slot);
    }

    fn lay_out(&mut self, slot: &Lists<'_>) {
        for (list, factor) in slot.each() {
            for (row, impact) in list.rows.iter().zip(list.impacts) {
                let best = &mut self.best[usize::from(*row)];
                *best = best.max(f32::from(*impact) * factor);
            }
        }
    }

    fn clear(&mut self, slot: &Lists<'_>) {
        for (list, _) in slot.each() {
            list.rows.iter().for_each(|row| self.best[usize::from(*row)] = 0.0);
        }
    }
}

/// One slot more of a row.
const HIT: u16 = 1 << 8;

/// A row that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) row: u16,
    pub(crate) score: f32,
    /// The parts of the words that it lacks. Hits that lack less come first.
    pub(crate) missing: u8,
    /// How many words those are.
    pub(crate) n_missing: u8,
}

/// What a score is worth for each ordinary word that is missing; chosen. Their order is strict anyway.
const MISSING_WORTH: f32 = 0.5;

/// Keeps of `found` what stands in a long list.
fn leap((list, factor): (List<'_>, f32), weight: f32, found: &mut Vec<Row>) {
    let weight = factor * weight * FULL;
    let mut at = 0;
    found.retain_mut(|found| {
        at = gallop(list.rows, at, found.row);
        let is_there = list.rows.get(at) == Some(&found.row);
        if is_there {
            found.score += f32::from(list.impacts[at]) * weight;
        }
        is_there
    });
}

/// Calls `take` with the place of each set bit, rising, and clears them.
fn drain(bits: &mut [u64], mut take: impl FnMut(u16)) {
    for (idx, word) in bits.iter_mut().enumerate() {
        let mut left = std::mem::take(word);
        while left != 0 {
            take((idx * 64) as u16 + left.trailing_zeros() as u16);
            left &= left - 1;
        }
    }
}

#[cfg(test)]
mod tests;
