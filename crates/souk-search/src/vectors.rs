//! What products mean, as vectors, and which of them lie nearest to a query's.
//!
//! Every vector is looked at, which finds the nearest ones for certain: a hundred thousand take some
//! milliseconds. Each number takes a byte; a query's is kept finer, so what is lost is the products' share alone.

use hashbrown::HashTable;
use souk_core::wire::{Reader, Writer};
use souk_core::{Product, ProductId};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::index::SnapshotError;

const MAGIC: &[u8; 8] = b"SOUKVECS";
/// Goes up when the bytes change.
const VERSION: u8 = 1;
const HEAD: usize = 8 + 1 + 16;
/// The largest number of a stored vector.
const CODE_MAX: f32 = 127.0;
/// The largest number of a query's vector; chosen: as fine as sums over
/// [`VectorSpace::DIMENSIONS_MAX`] products still fit in 32 bits.
const QUERY_MAX: f32 = 2_047.0;

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
#[derive(Debug)]
pub struct Vectors {
    space: VectorSpace,
    rows: HashTable<u32>,
    ids: Vec<Box<str>>,
    /// Of each row, the hash of the text that it was made of.
    texts: Vec<u64>,
    /// What a row's numbers are multiplied by.
    scales: Vec<f32>,
    codes: Vec<i8>,
}

impl Vectors {
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
            scales: Vec::new(),
            codes: Vec::new(),
        }
    }

    /// Which model made them.
    pub fn space(&self) -> VectorSpace {
        self.space
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        let ids: usize = self.ids.iter().map(|id| id.len() + 16).sum();
        self.codes.capacity() + ids + self.len() * 12 + self.rows.capacity() * 5
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
        let row = self.row(id.as_str()).unwrap_or_else(|| self.add(id.as_str()));
        let most = vector.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let scale = if most > 0.0 { most / CODE_MAX } else { 1.0 };
        let own = row * self.space.dimensions..(row + 1) * self.space.dimensions;
        for (code, x) in self.codes[own].iter_mut().zip(vector) {
            *code = (x / scale).round() as i8;
        }
        (self.scales[row], self.texts[row]) = (scale, text);
    }

    fn add(&mut self, id: &str) -> usize {
        let row = self.ids.len();
        self.ids.push(id.into());
        let ids = &self.ids;
        let hasher = |row: &u32| xxh3_64(ids[*row as usize].as_bytes());
        self.rows.insert_unique(xxh3_64(id.as_bytes()), row as u32, hasher);
        self.texts.push(0);
        self.scales.push(1.0);
        self.codes.resize(self.codes.len() + self.space.dimensions, 0);
        row
    }

    /// Takes out the vectors of products that the shop has no more; returns how many.
    pub fn retain(&mut self, is_kept: &mut dyn FnMut(&str) -> bool) -> usize {
        let dimensions = self.space.dimensions;
        let before = self.len();
        let mut kept = Vectors::new(self.space);
        for row in 0..before {
            if is_kept(&self.ids[row]) {
                let own = kept.add(&self.ids[row]);
                (kept.scales[own], kept.texts[own]) = (self.scales[row], self.texts[row]);
                kept.codes[own * dimensions..]
                    .copy_from_slice(&self.codes[row * dimensions..(row + 1) * dimensions]);
            }
        }
        let n_gone = before - kept.len();
        if n_gone > 0 {
            *self = kept;
        }
        n_gone
    }

    /// The row of a product.
    pub(crate) fn row(&self, id: &str) -> Option<usize> {
        let found = self.rows.find(xxh3_64(id.as_bytes()), |row| *self.ids[*row as usize] == *id);
        found.map(|row| *row as usize)
    }

    /// How near every vector is to a query's, by row: the cosine of their angle, for vectors of length 1.
    pub(crate) fn likenesses(&self, query: &[f32]) -> Vec<f32> {
        let (query, scale) = finer(query);
        let rows = self.codes.chunks_exact(self.space.dimensions);
        let mut all = vec![0.0; self.len()];
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for ((likeness, codes), own) in all.iter_mut().zip(rows).zip(&self.scales) {
                    *likeness = dot(codes, &query) as f32 * own * scale;
                }
            },
        );
        all
    }

    /// The product of a row.
    pub(crate) fn id(&self, row: usize) -> &str {
        &self.ids[row]
    }

    /// The vectors as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.varint(self.space.dimensions as u64);
        w.varint(self.space.version);
        w.varint(self.len() as u64);
        for ((id, text), scale) in self.ids.iter().zip(&self.texts).zip(&self.scales) {
            w.text(id);
            w.varint(*text);
            w.f64(f64::from(*scale));
        }
        let codes: Vec<u8> = self.codes.iter().map(|code| code.cast_unsigned()).collect();
        w.bytes(&codes);
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
        let n = r.varint()?;
        for _ in 0..n {
            let row = vectors.add(r.text()?);
            vectors.texts[row] = r.varint()?;
            vectors.scales[row] = r.f64()? as f32;
        }
        let codes = r.bytes()?;
        if codes.len() != vectors.codes.len() {
            return Err(SnapshotError::Damaged);
        }
        vectors.codes = codes.iter().map(|code| code.cast_signed()).collect();
        Ok(vectors)
    }
}

/// A query's vector as whole numbers, and what they are multiplied by.
fn finer(query: &[f32]) -> (Vec<i16>, f32) {
    let most = query.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    let scale = if most > 0.0 { most / QUERY_MAX } else { 1.0 };
    (query.iter().map(|x| (x / scale).round() as i16).collect(), scale)
}

/// Written so that the compiler takes as many at a time as the processor can.
#[inline(always)]
fn dot(codes: &[i8], query: &[i16]) -> i32 {
    codes.iter().zip(query).map(|(code, x)| i32::from(*code) * i32::from(*x)).sum()
}

#[cfg(test)]
mod tests;
