//! What products mean, as vectors, and which of them lie nearest to a query's.
//!
//! Up to some 100,000, every vector is looked at, which finds the nearest ones for certain and takes some milliseconds. Of more, a
//! graph finds them, which is drawn beside the searches; what it does not know yet is looked at. Each number takes a
//! byte.

mod codes;
mod graph;

use std::cmp::Ordering;
use std::sync::Arc;

use hashbrown::HashTable;
use souk_core::wire::{Reader, Writer};
use souk_core::{Product, ProductId};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use codes::Codes;
pub(crate) use codes::Query;
use graph::{Graph, Scratch};

use crate::index::SnapshotError;

const MAGIC: &[u8; 8] = b"SOUKVECS";
/// Goes up when the bytes change.
const VERSION: u8 = 2;
const HEAD: usize = 8 + 1 + 16;
/// Rows that a search of the graph keeps on its way at least; measured (decision 44): of 300,000 vectors half as many find
/// 97 of 100 of the nearest ten, and these find 98.6.
const BREADTH_MIN: usize = 1_024;

/// Characters of a description that a vector is made of; chosen: what follows is details, and doubles the time.
const DESCRIPTION_CHARS: usize = 200;

/// What the vector of a product is made of: brand, title, the last step of its first category, and the start of
/// its description.
pub fn text_for_vector(product: &Product) -> String {
    let mut text = String::new();
    let title = product.title.to_lowercase();
    let mut add = |part: &str, between: &str| {
        if !part.is_empty() {
            text.push_str(if text.is_empty() { "" } else { between });
            text.push_str(part);
        }
    };
    let brand = product.brand.as_deref().unwrap_or_default();
    if !title.contains(&brand.to_lowercase()) {
        add(brand, " ");
    }
    add(&product.title, " ");
    let category = product.categories.first().and_then(|path| path.rsplit('>').next());
    add(category.unwrap_or_default().trim(), ". ");
    let description = product.description.as_deref().unwrap_or_default();
    let end = description.char_indices().nth(DESCRIPTION_CHARS).map(|(end, _)| end);
    add(&description[..end.unwrap_or(description.len())], ". ");
    text
}

/// Which model made vectors: those of two cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VectorSpace {
    /// Numbers of a vector, up to [`VectorSpace::DIMENSIONS_MAX`].
    pub dimensions: usize,
    /// The model's version.
    pub version: u64,
}

impl VectorSpace {
    /// The most numbers of a vector.
    pub const DIMENSIONS_MAX: usize = 8_192;
}

/// The vectors of products.
///
/// A graph is drawn beside them: [`Vectors::draft`] says what of, [`Draft::draw`] takes as long as it takes, on any
/// thread, and [`Vectors::adopt`] puts it in service. Rows that came since are linked by [`Vectors::link`], a few at a
/// time, or drawn into a copy in the same way as the first ones.
#[derive(Clone, Debug)]
pub struct Vectors {
    space: VectorSpace,
    rows: HashTable<u32>,
    /// Empty where the row's product has another by now.
    ids: Vec<Box<str>>,
    /// Of each row, the hash of the text that it was made of.
    texts: Vec<u64>,
    codes: Codes,
    graph: Option<Graph>,
    /// What is being drawn, if it is still of use.
    drawing: Option<Arc<()>>,
    /// Goes up with each change.
    n_changes: u64,
}

/// What a graph is to be drawn of.
#[derive(Debug)]
pub struct Draft {
    codes: Codes,
    graph: Graph,
    drawing: Arc<()>,
}

/// A graph of vectors.
#[derive(Debug)]
pub struct Drawn {
    graph: Graph,
    drawing: Arc<()>,
}

impl Draft {
    /// Links what is not yet: some tenths of a millisecond for each vector. Ends early where nobody waits for it any more.
    pub fn draw(mut self) -> Drawn {
        let scratch = &mut Scratch::default();
        while self.graph.len() < self.codes.len() && Arc::strong_count(&self.drawing) > 1 {
            self.graph.link(&self.codes, scratch);
        }
        Drawn { graph: self.graph, drawing: self.drawing }
    }
}

impl Vectors {
    /// Vectors from which a graph is worth its memory: up to here comparing all takes some milliseconds.
    pub const GRAPH_FROM: usize = 100_000;

    /// None yet.
    ///
    /// # Panics
    ///
    /// When vectors have no numbers, or more than [`VectorSpace::DIMENSIONS_MAX`].
    pub fn new(space: VectorSpace) -> Vectors {
        let possible = 1..=VectorSpace::DIMENSIONS_MAX;
        assert!(possible.contains(&space.dimensions), "{} dimensions", space.dimensions);
        Vectors {
            space,
            rows: HashTable::new(),
            ids: Vec::new(),
            texts: Vec::new(),
            codes: Codes::new(space.dimensions),
            graph: None,
            drawing: None,
            n_changes: 0,
        }
    }

    /// Which model made them.
    pub fn space(&self) -> VectorSpace {
        self.space
    }

    /// How many products have one.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many there are, with those of which the product has another by now.
    pub fn n_rows(&self) -> usize {
        self.ids.len()
    }

    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        let ids: usize = self.ids.iter().map(|id| id.len() + 16).sum();
        let graph = self.graph.as_ref().map_or(0, Graph::bytes);
        self.codes.bytes() + graph + ids + self.n_rows() * 8 + self.rows.capacity() * 5
    }

    /// The hash of the text that a product's vector was made of.
    pub fn text_of(&self, id: &str) -> Option<u64> {
        self.row(id).map(|row| self.texts[row])
    }

    /// Takes in the vector of a product, in place of the one that it had.
    ///
    /// # Panics
    ///
    /// When it has not as many numbers as the space has dimensions.
    pub fn put(&mut self, id: &ProductId, text: u64, vector: &[f32]) {
        assert_eq!(vector.len(), self.space.dimensions, "vectors of one space are of one length");
        self.n_changes += 1;
        let known = self.row(id.as_str());
        // A graph's links are those of the vector that was: the row stays as it is, and nobody's.
        let is_drawn = self.graph.is_some() || self.drawing.is_some();
        match known {
            Some(row) if !is_drawn => {
                self.codes.set(row, vector);
                self.texts[row] = text;
                return;
            }
            Some(row) => self.strike(row),
            None => {}
        }
        self.add(id.as_str(), text);
        self.codes.push(vector);
    }

    fn add(&mut self, id: &str, text: u64) {
        let row = self.ids.len() as u32;
        self.ids.push(id.into());
        self.texts.push(text);
        if !id.is_empty() {
            let ids = &self.ids;
            let hasher = |row: &u32| xxh3_64(ids[*row as usize].as_bytes());
            self.rows.insert_unique(xxh3_64(id.as_bytes()), row, hasher);
        }
    }

    fn strike(&mut self, row: usize) {
        let hash = xxh3_64(self.ids[row].as_bytes());
        if let Ok(entry) = self.rows.find_entry(hash, |known| *known as usize == row) {
            entry.remove();
        }
        self.ids[row] = Box::default();
    }

    /// Takes out the vectors of products that the shop has no more, and numbers the rest anew, without a graph; returns
    /// how many went.
    pub fn retain(&mut self, is_kept: &mut dyn FnMut(&str) -> bool) -> usize {
        let is_kept: Vec<bool> = self.ids.iter().map(|id| !id.is_empty() && is_kept(id)).collect();
        let n_gone = is_kept.iter().filter(|is_kept| !**is_kept).count();
        if n_gone > 0 {
            let mut kept = Vectors::new(self.space);
            kept.n_changes = self.n_changes + 1;
            for row in (0..self.n_rows()).filter(|row| is_kept[*row]) {
                kept.add(&self.ids[row], self.texts[row]);
                let (codes, scale) = self.codes.row(row);
                kept.codes.extend(scale, codes.iter().copied());
            }
            *self = kept;
        }
        n_gone
    }

    /// The row of a product.
    pub(crate) fn row(&self, id: &str) -> Option<usize> {
        let found = self.rows.find(xxh3_64(id.as_bytes()), |row| *self.ids[*row as usize] == *id);
        found.map(|row| *row as usize)
    }

    /// The product of a row; empty for one that is nobody's.
    pub(crate) fn id(&self, row: usize) -> &str {
        &self.ids[row]
    }

    /// Changes when any vector or link does.
    pub(crate) fn n_changes(&self) -> u64 {
        self.n_changes
    }

    /// How near a vector is to a query's: the cosine of their angle, for vectors of length 1.
    pub(crate) fn likeness(&self, row: usize, query: &Query) -> f32 {
        self.codes.likenesses(query, row..row + 1)[0]
    }

    /// The same of every vector, by row.
    pub(crate) fn likenesses(&self, query: &Query) -> Vec<f32> {
        self.codes.likenesses(query, 0..self.codes.len())
    }

    /// The rows nearest to a query, the nearest first: `n` or more, fewer where there are no more; `None` without a
    /// graph.
    pub(crate) fn nearest_rows(&self, query: &Query, n: usize) -> Option<Vec<(u32, f32)>> {
        let graph = self.graph.as_ref()?;
        let found = graph.nearest(&self.codes, query, n.max(BREADTH_MIN));
        let found = found.into_iter().map(|near| (near.row, near.likeness));
        let unlinked = graph.len()..self.codes.len();
        let rest = self.codes.likenesses(query, unlinked.clone());
        let rest = unlinked.map(|row| row as u32).zip(rest);
        let mut found: Vec<(u32, f32)> = found.chain(rest).collect();
        found.retain(|(row, _)| !self.ids[*row as usize].is_empty());
        found.sort_unstable_by(|left, right| self.order(left, right));
        Some(found)
    }

    /// The nearer one first; of two as near, by their ids.
    fn order(&self, (left_row, left): &(u32, f32), (right_row, right): &(u32, f32)) -> Ordering {
        let by_id = || self.ids[*left_row as usize].cmp(&self.ids[*right_row as usize]);
        right.total_cmp(left).then_with(by_id)
    }

    /// The products nearest to a vector of this space, the nearest first, at most `n`: by the graph, or of all where there
    /// is none.
    pub fn nearest(&self, vector: &[f32], n: usize) -> Vec<(&str, f32)> {
        let query = Query::new(vector);
        let mut found = self.nearest_rows(&query, n).unwrap_or_else(|| {
            let mut all: Vec<(u32, f32)> = (0..).zip(self.likenesses(&query)).collect();
            all.retain(|(row, _)| !self.ids[*row as usize].is_empty());
            if n < all.len() {
                all.select_nth_unstable_by(n, |left, right| self.order(left, right));
                all.truncate(n);
            }
            all.sort_unstable_by(|left, right| self.order(left, right));
            all
        });
        found.truncate(n);
        found.into_iter().map(|(row, likeness)| (self.id(row as usize), likeness)).collect()
    }

    /// How many vectors the graph does not know yet; `None` where there is none.
    pub fn n_unlinked(&self) -> Option<usize> {
        Some(self.codes.len() - self.graph.as_ref()?.len())
    }

    /// What a graph of all vectors is to be drawn of, on top of the one that is there. Until it is adopted or another
    /// is asked for, nothing is linked here.
    pub fn draft(&mut self) -> Draft {
        let drawing = Arc::new(());
        self.drawing = Some(Arc::clone(&drawing));
        let graph = self.graph.clone().unwrap_or_default();
        Draft { codes: self.codes.clone(), graph, drawing }
    }

    /// Puts a graph in service; one that is of rows before [`Vectors::retain`], or of other vectors, is dropped.
    pub fn adopt(&mut self, drawn: Drawn) {
        if self.drawing.as_ref().is_some_and(|own| Arc::ptr_eq(own, &drawn.drawing)) {
            self.drawing = None;
            self.graph = Some(drawn.graph);
            self.n_changes += 1;
        }
    }

    /// Links at most `n` vectors that the graph does not know yet; some tenths of a millisecond each.
    pub fn link(&mut self, n: usize) {
        let Some(graph) = self.graph.as_mut().filter(|_| self.drawing.is_none()) else { return };
        let scratch = &mut Scratch::default();
        for _ in 0..n.min(self.codes.len() - graph.len()) {
            graph.link(&self.codes, scratch);
            self.n_changes += 1;
        }
    }

    /// The vectors as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.varint(self.space.dimensions as u64);
        w.varint(self.space.version);
        w.varint(self.n_rows() as u64);
        let mut all = Vec::with_capacity(self.n_rows() * self.space.dimensions);
        for (row, (id, text)) in self.ids.iter().zip(&self.texts).enumerate() {
            let (codes, scale) = self.codes.row(row);
            w.text(id);
            w.varint(*text);
            w.f64(f64::from(scale));
            all.extend(codes.iter().map(|code| code.cast_unsigned()));
        }
        w.bytes(&all);
        w.u8(u8::from(self.graph.is_some()));
        if let Some(graph) = &self.graph {
            graph.write(&mut w);
        }
        let body = w.into_bytes();
        let mut file = Vec::with_capacity(body.len() + HEAD);
        file.extend_from_slice(MAGIC);
        file.push(VERSION);
        file.extend_from_slice(&xxh3_128(&body).to_le_bytes());
        file.extend_from_slice(&body);
        file
    }

    /// Reads vectors that [`Vectors::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`] for bytes that are none, are damaged, or of another version or model.
    pub fn from_bytes(bytes: &[u8], space: VectorSpace) -> Result<Vectors, SnapshotError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(SnapshotError::NotOne)?;
        let (version, rest) = rest.split_first().ok_or(SnapshotError::Damaged)?;
        if *version != VERSION {
            return Err(SnapshotError::Version { found: *version });
        }
        let (sum, body) = rest.split_first_chunk::<16>().ok_or(SnapshotError::Damaged)?;
        if xxh3_128(body).to_le_bytes() != *sum {
            return Err(SnapshotError::Damaged);
        }
        let mut r = Reader::new(body);
        let found = VectorSpace { dimensions: r.varint()? as usize, version: r.varint()? };
        if found != space {
            return Err(SnapshotError::Settings);
        }
        let mut vectors = Vectors::new(space);
        let n = r.count()?;
        let mut scales = Vec::with_capacity(n);
        for _ in 0..n {
            let id = r.text()?;
            vectors.add(id, r.varint()?);
            scales.push(r.f64()? as f32);
        }
        let codes = r.bytes()?;
        if codes.len() != n * space.dimensions {
            return Err(SnapshotError::Damaged);
        }
        for (scale, codes) in scales.into_iter().zip(codes.chunks_exact(space.dimensions)) {
            vectors.codes.extend(scale, codes.iter().map(|code| code.cast_signed()));
        }
        vectors.graph = match r.u8()? {
            0 => None,
            _ => Some(Graph::read(&mut r, n)?),
        };
        r.end()?;
        Ok(vectors)
    }
}

#[cfg(test)]
mod tests;
