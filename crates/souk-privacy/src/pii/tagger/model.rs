//! The weights: how they lie in memory and in a file.

use std::io::{Read, Write};
use std::sync::OnceLock;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::LABELS;
use super::signals::ROWS;

/// The weights that come with the program.
static PACKED: &[u8] = include_bytes!("../../../data/pii/tagger.bin.z");

/// Names the format in the file's first bytes.
const MAGIC: &[u8; 8] = b"souktag1";

/// Why weights could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the tagger's weights are damaged ({what}); make them again with `cargo xtask pii-train`")]
pub struct ModelError {
    what: &'static str,
}

/// The weights of the tagger, one byte for each signal and label.
pub struct TaggerModel {
    weights: Vec<[i8; LABELS]>,
}

impl std::fmt::Debug for TaggerModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaggerModel").field("rows", &self.weights.len()).finish_non_exhaustive()
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
    pub(super) fn quantise(trained: &[[f32; LABELS]]) -> TaggerModel {
        let largest = trained.iter().flatten().fold(f32::MIN_POSITIVE, |max, w| max.max(w.abs()));
        let scale = 127.0 / largest;
        let round = |row: &[f32; LABELS]| row.map(|weight| (weight * scale).round() as i8);
        TaggerModel { weights: trained.iter().map(round).collect() }
    }

    pub(super) fn row(&self, row: u32) -> &[i8; LABELS] {
        &self.weights[row as usize]
    }

    /// Packs the rows that are not all zero.
    ///
    /// # Errors
    ///
    /// As writing to memory: none in practice.
    pub fn encode(&self) -> std::io::Result<Vec<u8>> {
        let mut out = ZlibEncoder::new(MAGIC.to_vec(), Compression::best());
        let mut skipped = 0u32;
        for row in &self.weights {
            if row.iter().all(|weight| *weight == 0) {
                skipped += 1;
                continue;
            }
            while skipped >= 255 {
                out.write_all(&[255])?;
                skipped -= 255;
            }
            out.write_all(&[skipped as u8])?;
            out.write_all(&row.map(|weight| weight as u8))?;
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
        // A row takes ten bytes at most, so that a crafted file cannot fill the memory.
        let most = (ROWS * (LABELS + 2)) as u64;
        let read = ZlibDecoder::new(packed).take(most).read_to_end(&mut plain);
        read.map_err(|_| ModelError { what: "not unpackable" })?;
        let mut weights = vec![[0i8; LABELS]; ROWS];
        let mut rest = plain.as_slice();
        let mut row = 0usize;
        while let Some((skip, tail)) = rest.split_first() {
            row += usize::from(*skip);
            rest = tail;
            if *skip == 255 {
                continue;
            }
            let (values, tail) =
                rest.split_at_checked(LABELS).ok_or(ModelError { what: "cut off" })?;
            let slot = weights.get_mut(row).ok_or(ModelError { what: "too many rows" })?;
            for (weight, value) in slot.iter_mut().zip(values) {
                *weight = *value as i8;
            }
            row += 1;
            rest = tail;
        }
        Ok(TaggerModel { weights })
    }
}
