//! A sentence encoder: all-MiniLM-L6-v2.

use std::path::Path;

use souk_ports::{Embedder, EmbedderModel};

use crate::file::{Weights, WeightsError};
use crate::math::{Normaliser, gelu, softmax, to_unit};
use crate::pieces::Pieces;
use crate::whole::{Linear, Rounded};

const WIDTH: usize = 384;
const INNER: usize = 1_536;
const LAYERS: usize = 6;
const HEAD_WIDTH: usize = WIDTH / 12;
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
const METHOD: u64 = 2;

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
    rounded: Rounded,
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
    keys: Vec<f32>,
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
            Ok::<_, WeightsError>((
                weights.array(&at("weight"), &[outputs, inputs])?,
                weights.array(&at("bias"), &[outputs])?,
            ))
        };
        let whole = |(weights, bias): (Vec<f32>, Vec<f32>)| Linear::new(&weights, bias);
        let normaliser =
            |name: &str| normaliser(weights, &format!("encoder.layer.{number}.{name}.LayerNorm"));
        let square = (WIDTH, WIDTH);
        let mut query = linear("attention.self.query", square)?;
        // Attention divides by the square root of a head's width; here it is done once and for all.
        let scale = 1.0 / (HEAD_WIDTH as f32).sqrt();
        query.0.iter_mut().chain(&mut query.1).for_each(|x| *x *= scale);
        Ok(Layer {
            query: whole(query),
            key: whole(linear("attention.self.key", square)?),
            value: whole(linear("attention.self.value", square)?),
            joined: whole(linear("attention.output.dense", square)?),
            after_attention: normaliser("attention.output")?,
            inner: whole(linear("intermediate.dense", (WIDTH, INNER))?),
            outer: whole(linear("output.dense", (INNER, WIDTH))?),
            after_all: normaliser("output")?,
        })
    }

    fn apply(&self, rows: &mut [f32], lengths: &[usize], scratch: &mut Scratch) {
        scratch.rounded.set(rows, WIDTH);
        self.query.apply(&scratch.rounded, &mut scratch.query);
        self.key.apply(&scratch.rounded, &mut scratch.key);
        self.value.apply(&scratch.rounded, &mut scratch.value);
        scratch.attend(lengths);
        scratch.rounded.set(&scratch.mixed, WIDTH);
        self.joined.apply(&scratch.rounded, &mut scratch.out);
        add(rows, &scratch.out);
        self.after_attention.apply(rows);
        scratch.rounded.set(rows, WIDTH);
        self.inner.apply(&scratch.rounded, &mut scratch.inner);
        gelu(&mut scratch.inner);
        scratch.rounded.set(&scratch.inner, INNER);
        self.outer.apply(&scratch.rounded, &mut scratch.out);
        add(rows, &scratch.out);
        self.after_all.apply(rows);
    }
}

impl Scratch {
    /// Mixes the values of each text's pieces, each with those that it attends to (Vaswani et al. 2017, "Attention
    /// is all you need").
    fn attend(&mut self, lengths: &[usize]) {
        let Scratch { query, key, value, mixed, head, .. } = self;
        mixed.clear();
        mixed.resize(query.len(), 0.0);
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let mut rest = (&query[..], &key[..], &value[..], &mut mixed[..]);
                for length in lengths {
                    let n = length * WIDTH;
                    let (query, queries) = rest.0.split_at(n);
                    let (key, keys) = rest.1.split_at(n);
                    let (value, values) = rest.2.split_at(n);
                    let (mixed, others) = std::mem::take(&mut rest.3).split_at_mut(n);
                    for start in (0..WIDTH).step_by(HEAD_WIDTH) {
                        head.attend((query, key, value), start, mixed);
                    }
                    rest = (queries, keys, values, others);
                }
            },
        );
    }
}

impl Head {
    /// One text, in the head whose numbers begin at `start` of each row.
    #[inline(always)]
    fn attend(
        &mut self,
        (query, key, value): (&[f32], &[f32], &[f32]),
        start: usize,
        mixed: &mut [f32],
    ) {
        let n = query.len() / WIDTH;
        let part = |all: &[f32], piece: usize| -> [f32; HEAD_WIDTH] {
            let part = all[piece * WIDTH + start..].first_chunk();
            *part.expect("a row has all heads")
        };
        // Number by number, so that those of all pieces lie side by side.
        self.keys.clear();
        self.keys.resize(HEAD_WIDTH * n, 0.0);
        for piece in 0..n {
            let numbers = part(key, piece);
            (0..HEAD_WIDTH).for_each(|at| self.keys[at * n + piece] = numbers[at]);
        }
        for piece in 0..n {
            self.shares.clear();
            self.shares.resize(n, 0.0);
            for (x, keys) in part(query, piece).into_iter().zip(self.keys.chunks_exact(n)) {
                self.shares.iter_mut().zip(keys).for_each(|(share, key)| *share += x * key);
            }
            softmax(&mut self.shares);
            let mut sums = [0.0; HEAD_WIDTH];
            for (other, share) in self.shares.iter().enumerate() {
                let numbers = part(value, other);
                sums.iter_mut().zip(numbers).for_each(|(sum, x)| *sum += share * x);
            }
            mixed[piece * WIDTH + start..][..HEAD_WIDTH].copy_from_slice(&sums);
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
