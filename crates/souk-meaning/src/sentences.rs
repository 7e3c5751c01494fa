//! A sentence encoder: all-MiniLM-L6-v2.

use std::path::Path;

use souk_ports::{Embedder, EmbedderModel};

use crate::file::{Weights, WeightsError};
use crate::math::{Linear, Normaliser, add_product, gelu, softmax, to_unit};
use crate::pieces::Pieces;

const WIDTH: usize = 384;
const INNER: usize = 1_536;
const LAYERS: usize = 6;
const HEADS: usize = 12;
const HEAD_WIDTH: usize = WIDTH / HEADS;
const PLACES: usize = 512;
const EPSILON: f32 = 1e-12;
/// Pieces of a text that are read; chosen: title, brand and the start of a description. Twice as many take
/// twice the time.
const PIECES_MAX: usize = 64;
/// Pieces that go through a layer together; chosen: more do not get faster.
const BATCH: usize = 256;
/// One of two hundred pairs of a query and a product of a grocer's lies above, and no nonsense; measured.
const RELATED_FROM: f32 = 0.4;
/// How texts are read; goes up whenever that changes.
const METHOD: u64 = 1;

/// Reads a text as a whole: six layers of attention, then the mean over its pieces (Reimers and Gurevych 2019,
/// "Sentence-BERT"; Wang et al. 2020, "MiniLM").
pub struct SentenceEncoder {
    pieces: Pieces,
    words: Vec<f32>,
    places: Vec<f32>,
    first: Normaliser,
    layers: Vec<Layer>,
    model: EmbedderModel,
}

impl std::fmt::Debug for SentenceEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SentenceEncoder").field("model", &self.model).finish_non_exhaustive()
    }
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    joined: Linear,
    after_attention: Normaliser,
    inner: Linear,
    outer: Linear,
    after_all: Normaliser,
}

/// Arrays that every layer uses again.
#[derive(Default)]
struct Scratch {
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    mixed: Vec<f32>,
    inner: Vec<f32>,
    out: Vec<f32>,
    head: Head,
}

/// One text in one head.
#[derive(Default)]
struct Head {
    query: Vec<f32>,
    key: Vec<f32>,
    shares: Vec<f32>,
}

impl SentenceEncoder {
    /// Reads `model.safetensors` and `vocab.txt` in a folder.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] for a file that is missing or not what its name says.
    pub fn read(folder: &Path) -> Result<SentenceEncoder, WeightsError> {
        let pieces = Pieces::read(&folder.join("vocab.txt"))?;
        SentenceEncoder::of(pieces, &Weights::read(&folder.join("model.safetensors"))?)
    }

    fn of(pieces: Pieces, weights: &Weights) -> Result<SentenceEncoder, WeightsError> {
        let at = |rest: &str| format!("embeddings.{rest}");
        let words = weights.array(&at("word_embeddings.weight"), &[pieces.len(), WIDTH])?;
        let mut places = weights.array(&at("position_embeddings.weight"), &[PLACES, WIDTH])?;
        // Every text is the first and only one, so what says so is the same everywhere.
        let kind = weights.array(&at("token_type_embeddings.weight"), &[2, WIDTH])?;
        for place in places.chunks_exact_mut(WIDTH) {
            place.iter_mut().zip(&kind).for_each(|(x, kind)| *x += kind);
        }
        let first = normaliser(weights, "embeddings.LayerNorm")?;
        let layers = (0..LAYERS).map(|number| Layer::read(weights, number));
        let layers = layers.collect::<Result<_, _>>()?;
        let model = EmbedderModel {
            name: "all-MiniLM-L6-v2".to_owned(),
            dimensions: WIDTH,
            version: weights.version() ^ METHOD,
            language: "en".to_owned(),
            related_from: RELATED_FROM,
        };
        Ok(SentenceEncoder { pieces, words, places, first, layers, model })
    }

    /// The vectors of some texts, given as pieces, one text after the other.
    fn encode(&self, texts: &[Vec<u32>], scratch: &mut Scratch, out: &mut Vec<f32>) {
        let mut rows = Vec::with_capacity(texts.iter().map(Vec::len).sum::<usize>() * WIDTH);
        for text in texts {
            for (piece, place) in text.iter().zip(self.places.chunks_exact(WIDTH)) {
                let word = &self.words[*piece as usize * WIDTH..][..WIDTH];
                rows.extend(word.iter().zip(place).map(|(word, place)| word + place));
            }
        }
        self.first.apply(&mut rows);
        let lengths: Vec<usize> = texts.iter().map(Vec::len).collect();
        self.layers.iter().for_each(|layer| layer.apply(&mut rows, &lengths, scratch));
        let mut rest = rows.as_slice();
        for length in lengths {
            let (own, others) = rest.split_at(length * WIDTH);
            let mut mean = vec![0.0; WIDTH];
            for row in own.chunks_exact(WIDTH) {
                mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
            to_unit(&mut mean);
            out.append(&mut mean);
            rest = others;
        }
    }
}

impl Embedder for SentenceEncoder {
    fn model(&self) -> &EmbedderModel {
        &self.model
    }

    fn embed(&self, texts: &[&str]) -> Vec<f32> {
        let mut out = Vec::with_capacity(texts.len() * WIDTH);
        let (mut scratch, mut batch, mut n_pieces) = (Scratch::default(), Vec::new(), 0);
        for text in texts {
            let pieces = self.pieces.of(text, PIECES_MAX);
            if n_pieces + pieces.len() > BATCH {
                self.encode(&batch, &mut scratch, &mut out);
                (n_pieces, batch) = (0, Vec::new());
            }
            n_pieces += pieces.len();
            batch.push(pieces);
        }
        self.encode(&batch, &mut scratch, &mut out);
        for (text, vector) in texts.iter().zip(out.chunks_exact_mut(WIDTH)) {
            if text.trim().is_empty() {
                vector.fill(0.0);
            }
        }
        out
    }
}

impl Layer {
    fn read(weights: &Weights, number: usize) -> Result<Layer, WeightsError> {
        let linear = |name: &str, (inputs, outputs): (usize, usize)| {
            let at = |rest: &str| format!("encoder.layer.{number}.{name}.{rest}");
            Ok::<_, WeightsError>(Linear {
                weights: weights.array(&at("weight"), &[outputs, inputs])?,
                bias: weights.array(&at("bias"), &[outputs])?,
            })
        };
        let normaliser =
            |name: &str| normaliser(weights, &format!("encoder.layer.{number}.{name}.LayerNorm"));
        let square = (WIDTH, WIDTH);
        let mut query = linear("attention.self.query", square)?;
        // Attention divides by the square root of a head's width; here it is done once and for all.
        let scale = 1.0 / (HEAD_WIDTH as f32).sqrt();
        query.weights.iter_mut().chain(&mut query.bias).for_each(|x| *x *= scale);
        Ok(Layer {
            query,
            key: linear("attention.self.key", square)?,
            value: linear("attention.self.value", square)?,
            joined: linear("attention.output.dense", square)?,
            after_attention: normaliser("attention.output")?,
            inner: linear("intermediate.dense", (WIDTH, INNER))?,
            outer: linear("output.dense", (INNER, WIDTH))?,
            after_all: normaliser("output")?,
        })
    }

    fn apply(&self, rows: &mut [f32], lengths: &[usize], scratch: &mut Scratch) {
        self.query.apply(rows, &mut scratch.query);
        self.key.apply(rows, &mut scratch.key);
        self.value.apply(rows, &mut scratch.value);
        scratch.mixed.clear();
        scratch.mixed.resize(rows.len(), 0.0);
        let mut start = 0;
        for length in lengths {
            for head in 0..HEADS {
                scratch.attend(start..start + length, head);
            }
            start += length;
        }
        self.joined.apply(&scratch.mixed, &mut scratch.out);
        add(rows, &scratch.out);
        self.after_attention.apply(rows);
        self.inner.apply(rows, &mut scratch.inner);
        gelu(&mut scratch.inner);
        self.outer.apply(&scratch.inner, &mut scratch.out);
        add(rows, &scratch.out);
        self.after_all.apply(rows);
    }
}

impl Scratch {
    /// Mixes the values of a text's pieces, each with those that it attends to (Vaswani et al. 2017, "Attention is
    /// all you need").
    fn attend(&mut self, pieces: std::ops::Range<usize>, head: usize) {
        let Scratch { query, key, value, mixed, head: own, .. } = self;
        let part = |piece: usize| piece * WIDTH + head * HEAD_WIDTH;
        own.query.clear();
        own.key.clear();
        for piece in pieces.clone() {
            own.query.extend_from_slice(&query[part(piece)..][..HEAD_WIDTH]);
            own.key.extend_from_slice(&key[part(piece)..][..HEAD_WIDTH]);
        }
        own.shares.clear();
        own.shares.resize(pieces.len() * pieces.len(), 0.0);
        add_product(&own.query, &own.key, HEAD_WIDTH, &mut own.shares);
        for (piece, shares) in pieces.clone().zip(own.shares.chunks_exact_mut(pieces.len())) {
            softmax(shares);
            let mixed = &mut mixed[part(piece)..][..HEAD_WIDTH];
            for (other, share) in pieces.clone().zip(shares.iter()) {
                let value = &value[part(other)..][..HEAD_WIDTH];
                mixed.iter_mut().zip(value).for_each(|(sum, x)| *sum += share * x);
            }
        }
    }
}

fn add(rows: &mut [f32], others: &[f32]) {
    rows.iter_mut().zip(others).for_each(|(x, other)| *x += other);
}

fn normaliser(weights: &Weights, name: &str) -> Result<Normaliser, WeightsError> {
    Ok(Normaliser {
        gain: weights.array(&format!("{name}.weight"), &[WIDTH])?,
        shift: weights.array(&format!("{name}.bias"), &[WIDTH])?,
        epsilon: EPSILON,
    })
}

#[cfg(test)]
mod tests;
