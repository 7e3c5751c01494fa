//! The weights: how they lie in memory and in a file.

use std::io::{Read, Write};
use std::sync::OnceLock;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::LABELS;
use super::decode::{Scores, Weights};
use super::signals::{ROWS, STEP_BLOCKS, step_row};

/// The weights that come with the program.
static PACKED: &[u8] = include_bytes!("../../../data/pii/tagger.bin.z");

/// Names the format in the file's first bytes.
const MAGIC: &[u8; 8] = b"souktag2";

/// Bytes of a row in memory: labels and some zeros, so that a row is one load and never in two lines of the cache.
const WIDTH: usize = 16;

/// How many rows a file has: those of tokens, then those of steps, one for each label before.
pub(super) const ALL_ROWS: usize = ROWS + STEP_BLOCKS * LABELS;

/// Why weights could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the tagger's weights are damaged ({what}); make them again with `cargo xtask pii-train`")]
pub struct ModelError {
    what: &'static str,
}

/// The weights of one signal, a byte for each label.
#[derive(Clone, Copy, PartialEq)]
#[repr(align(16))]
struct Row([i8; WIDTH]);

impl Row {
    const ZERO: Row = Row([0; WIDTH]);

    fn new(weights: &[i8]) -> Row {
        let mut row = Row::ZERO;
        row.0[..LABELS].copy_from_slice(weights);
        row
    }

    fn add_to(&self, sums: &mut [i16; WIDTH]) {
        for (sum, weight) in sums.iter_mut().zip(self.0) {
            *sum += i16::from(weight);
        }
    }
}

/// The weights of the tagger.
pub struct TaggerModel {
    rows: Vec<Row>,
}

impl std::fmt::Debug for TaggerModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaggerModel").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

impl Weights for TaggerModel {
    fn add_token(&self, rows: &[u32], scores: &mut Scores) {
        // 255 rows of bytes could not overflow, and there are fewer signals.
        let mut sums = [0i16; WIDTH];
        rows.iter().for_each(|row| self.rows[*row as usize].add_to(&mut sums));
        scores.iter_mut().zip(sums).for_each(|(score, sum)| *score += f32::from(sum));
    }

    fn add_step(&self, blocks: &[u32], before: u8, scores: &mut Scores) {
        let mut sums = [0i16; WIDTH];
        blocks.iter().for_each(|block| self.rows[step_row(*block, before)].add_to(&mut sums));
        scores.iter_mut().zip(sums).for_each(|(score, sum)| *score += f32::from(sum));
    }
}

impl TaggerModel {
    /// The weights that come with the program; unpacked at the first use.
    pub fn builtin() -> &'static TaggerModel {
        static BUILTIN: OnceLock<TaggerModel> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            TaggerModel::decode(PACKED).expect("a test reads the weights that come along")
        })
    }

    /// Rounds trained weights to bytes; the largest becomes 127, because only ratios matter.
    pub(super) fn quantise(trained: &[Scores]) -> TaggerModel {
        let largest = trained.iter().flatten().fold(f32::MIN_POSITIVE, |max, w| max.max(w.abs()));
        let scale = 127.0 / largest;
        let round = |row: &Scores| Row::new(&row.map(|weight| (weight * scale).round() as i8));
        TaggerModel { rows: trained.iter().map(round).collect() }
    }

    /// Packs the rows that are not all zero.
    ///
    /// # Errors
    ///
    /// As writing to memory: none in practice.
    pub fn encode(&self) -> std::io::Result<Vec<u8>> {
        let mut out = ZlibEncoder::new(MAGIC.to_vec(), Compression::best());
        let mut skipped = 0u32;
        for row in &self.rows {
            if *row == Row::ZERO {
                skipped += 1;
                continue;
            }
            while skipped >= 255 {
                out.write_all(&[255])?;
                skipped -= 255;
            }
            out.write_all(&[skipped as u8])?;
            let weights: [u8; LABELS] = std::array::from_fn(|label| row.0[label] as u8);
            out.write_all(&weights)?;
            skipped = 0;
        }
        out.finish()
    }

    /// Reads what [`encode`](TaggerModel::encode) wrote.
    ///
    /// # Errors
    ///
    /// [`ModelError`] for bytes of another format or damaged ones.
    pub fn decode(bytes: &[u8]) -> Result<TaggerModel, ModelError> {
        let packed = bytes.strip_prefix(MAGIC).ok_or(ModelError { what: "another format" })?;
        let mut plain = Vec::new();
        // A row takes eleven bytes at most, so that a crafted file cannot fill the memory.
        let most = (ALL_ROWS * (LABELS + 2)) as u64;
        let read = ZlibDecoder::new(packed).take(most).read_to_end(&mut plain);
        read.map_err(|_| ModelError { what: "not unpackable" })?;
        let mut rows = vec![Row::ZERO; ALL_ROWS];
        let mut rest = plain.as_slice();
        let mut at = 0usize;
        while let Some((skip, tail)) = rest.split_first() {
            at += usize::from(*skip);
            rest = tail;
            if *skip == 255 {
                continue;
            }
            let (values, tail) =
                rest.split_at_checked(LABELS).ok_or(ModelError { what: "cut off" })?;
            let slot = rows.get_mut(at).ok_or(ModelError { what: "too many rows" })?;
            let weights: [i8; LABELS] = std::array::from_fn(|label| values[label] as i8);
            *slot = Row::new(&weights);
            at += 1;
            rest = tail;
        }
        Ok(TaggerModel { rows })
    }
}
