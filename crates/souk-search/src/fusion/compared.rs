//! Which products that may be hits are nearest to a query.
//!
//! Where all vectors are compared, filters are asked of the nearest ones, then of more, until there are enough. A graph
//! knows a few hundred at a time: under a filter that lets most through, some more are asked of it; under a narrow one, the products
//! that it lets through are compared, all of them. So a filter never hides what is near.

use std::sync::{Arc, OnceLock};

use crate::chunk::Place;
use crate::index::SearchIndex;
use crate::narrow::{Judge, Narrow, Verdict};
use crate::vectors::{Query, Vectors};

/// Rows that a graph is asked for at first; chosen: enough for a page of hits when a third of them is filtered out.
const FIRST: usize = 512;
/// Rows that it is asked for at most: from here on, comparing what a filter lets through takes no longer.
const MOST: usize = 4_096;
/// The share of all products that a filter lets through up to which they are compared one by one; a product's vector takes longer to
/// find than the next one in a row.
const FEW_SHARE: usize = 8;

/// What was compared for a query, whatever the filters.
#[derive(Debug)]
pub(crate) enum Compared {
    /// How near each row is.
    All(Vec<f32>),
    /// The nearest rows, by a graph.
    Nearest(Vec<(u32, f32)>),
}

/// What was compared for a query: several searches of one answer differ in their filters alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remembered(Arc<OnceLock<(u64, Arc<Compared>)>>);

impl PartialEq for Remembered {
    /// It says nothing that the query and the index do not.
    fn eq(&self, _: &Remembered) -> bool {
        true
    }
}

impl Remembered {
    pub(super) fn of(&self, vectors: &Vectors, query: &Query) -> Arc<Compared> {
        let compare = || {
            let nearest = vectors.nearest_rows(query, FIRST).map(Compared::Nearest);
            Arc::new(nearest.unwrap_or_else(|| Compared::All(vectors.likenesses(query))))
        };
        let (of, compared) = self.0.get_or_init(|| (vectors.n_changes(), compare()));
        if *of == vectors.n_changes() { Arc::clone(compared) } else { compare() }
    }
}

/// Vectors seen through filters.
pub(super) struct Sight<'a> {
    pub(super) index: &'a SearchIndex,
    pub(super) vectors: &'a Vectors,
    pub(super) narrow: &'a Narrow,
    pub(super) query: &'a Query,
}

impl Sight<'_> {
    /// The `n` nearest products that may be hits, the nearest first.
    pub(super) fn nearest(&self, compared: &Compared, n: usize) -> Vec<(Place, f32)> {
        match compared {
            Compared::All(likenesses) => self.among_all(likenesses, n),
            Compared::Nearest(rows) => self.by_graph(rows, n),
        }
    }

    fn by_graph(&self, rows: &[(u32, f32)], n: usize) -> Vec<(Place, f32)> {
        let found = self.allowed(rows, n);
        if found.len() >= n || rows.len() >= self.vectors.len() {
            return found;
        }
        let likely = rows.len() * n / found.len().max(1);
        let n_more = likely + likely / 2;
        if n_more <= MOST
            && let Some(more) = self.vectors.nearest_rows(self.query, n_more)
        {
            let found = self.allowed(&more, n);
            if found.len() >= n {
                return found;
            }
        }
        self.of_few(n).unwrap_or_else(|| self.among_all(&self.vectors.likenesses(self.query), n))
    }

    /// Those of some rows that may be hits.
    fn allowed(&self, rows: &[(u32, f32)], n: usize) -> Vec<(Place, f32)> {
        let mut gate = Gate::new(self);
        let rows = rows.iter().copied();
        rows.filter_map(|(row, likeness)| Some((gate.pass(row)?, likeness))).take(n).collect()
    }

    /// Compares what the filters let through, if that is not much.
    fn of_few(&self, n: usize) -> Option<Vec<(Place, f32)>> {
        if self.narrow.is_all() {
            return None;
        }
        let owners = self.narrow.owners(&[]);
        let mut places = Vec::new();
        for (number, chunk) in (0..).zip(&self.index.chunks) {
            let mut judge = self.narrow.within(self.index, (chunk, number), chunk.len());
            let live = (0..chunk.len()).filter(|row| chunk.live.get(*row)).map(|row| row as u16);
            let hits = live.filter(|row| judge.verdict(*row, &owners) == Verdict::Hit);
            places.extend(hits.map(|row| Place { chunk: number, row }));
        }
        if places.len() > self.index.len() / FEW_SHARE {
            return None;
        }
        let near = places.into_iter().filter_map(|place| {
            let id = crate::index::id_at(&self.index.chunks, place);
            Some((place, self.vectors.likeness(self.vectors.row(id)?, self.query)))
        });
        let mut near: Vec<(Place, f32)> = near.collect();
        let id = |place: &Place| crate::index::id_at(&self.index.chunks, *place);
        near.sort_unstable_by(|(left_place, left), (right_place, right)| {
            right.total_cmp(left).then_with(|| id(left_place).cmp(id(right_place)))
        });
        near.truncate(n);
        Some(near)
    }

    fn among_all(&self, likenesses: &[f32], n: usize) -> Vec<(Place, f32)> {
        let vectors = self.vectors;
        let by_nearness = |left: &u32, right: &u32| {
            let [left, right] = [left, right].map(|row| *row as usize);
            let by_id = || vectors.id(left).cmp(vectors.id(right));
            likenesses[right].total_cmp(&likenesses[left]).then_with(by_id)
        };
        let mut rows: Vec<u32> = (0..likenesses.len() as u32).collect();
        let mut rest = rows.as_mut_slice();
        let (mut nearest, mut gate) = (Vec::new(), Gate::new(self));
        // Filters mostly let enough of the first ones through; only where they do not, more are asked.
        let mut n_next = n;
        while nearest.len() < n && !rest.is_empty() {
            n_next = (n_next * 4).min(rest.len());
            if n_next < rest.len() {
                rest.select_nth_unstable_by(n_next - 1, by_nearness);
            }
            let (part, others) = rest.split_at_mut(n_next);
            part.sort_unstable_by(by_nearness);
            let room = n - nearest.len();
            let passed =
                part.iter().filter_map(|row| Some((gate.pass(*row)?, likenesses[*row as usize])));
            nearest.extend(passed.take(room));
            rest = others;
        }
        nearest
    }
}

/// Asks filters about rows of vectors.
struct Gate<'a> {
    sight: &'a Sight<'a>,
    owners: Vec<Option<usize>>,
    /// By chunk, once one of its rows was asked about.
    judges: Vec<Option<Judge<'a>>>,
}

impl<'a> Gate<'a> {
    fn new(sight: &'a Sight<'a>) -> Gate<'a> {
        let judges = sight.index.chunks.iter().map(|_| None).collect();
        Gate { sight, owners: sight.narrow.owners(&[]), judges }
    }

    /// Where the product of a row is, if it may be a hit.
    fn pass(&mut self, row: u32) -> Option<Place> {
        let Sight { index, vectors, narrow, .. } = self.sight;
        let place = index.place(vectors.id(row as usize))?;
        let chunk = (&index.chunks[place.chunk as usize], place.chunk);
        let judge = &mut self.judges[place.chunk as usize];
        let judge = judge.get_or_insert_with(|| narrow.within(index, chunk, FIRST));
        (judge.verdict(place.row, &self.owners) == Verdict::Hit).then_some(place)
    }
}
