//! Weights as the `safetensors` format keeps them: the length of a head, a head of JSON that says where each
//! array lies, and the arrays.

use std::path::Path;

use serde_json::Value;

/// Why weights cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file cannot be read.
    #[error("cannot read {file}; install the models again with `make models`")]
    Unreadable {
        /// Which.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error(
        "{file} is no file of this model: {reason}; install the models again with `make models`"
    )]
    Wrong {
        /// Which.
        file: String,
        /// What is wrong.
        reason: String,
    },
}

/// A file of named arrays.
pub(crate) struct Weights {
    name: String,
    bytes: Vec<u8>,
    head: Value,
    start: usize,
}

/// Reads a file whole.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, WeightsError> {
    let unreadable = |source| WeightsError::Unreadable { file: shown(path), source };
    std::fs::read(path).map_err(unreadable)
}

/// How messages name a file: by its own name, which says enough and nothing about the machine.
pub(crate) fn shown(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

impl Weights {
    pub(crate) fn read(path: &Path) -> Result<Weights, WeightsError> {
        Weights::of(shown(path), read(path)?)
    }

    /// Takes the bytes of a file.
    pub(crate) fn of(name: String, bytes: Vec<u8>) -> Result<Weights, WeightsError> {
        let wrong =
            |reason: &str| WeightsError::Wrong { file: name.clone(), reason: reason.into() };
        let length = bytes.first_chunk::<8>().ok_or_else(|| wrong("it is cut short"))?;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let start = length.saturating_add(8);
        let head = bytes.get(8..start).ok_or_else(|| wrong("it is cut short"))?;
        let head = serde_json::from_slice(head).map_err(|_| wrong("its head is not JSON"))?;
        Ok(Weights { name, bytes, head, start })
    }

    /// A number that changes with any weight.
    pub(crate) fn version(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&self.bytes)
    }

    pub(crate) fn wrong(&self, reason: String) -> WeightsError {
        WeightsError::Wrong { file: self.name.clone(), reason }
    }

    /// An array of these dimensions, row by row.
    pub(crate) fn array(&self, key: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let entry = &self.head[key];
        let found: Vec<usize> = entry["shape"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|size| size.as_u64().map_or(0, |size| size as usize))
            .collect();
        if found != shape {
            return Err(self.wrong(format!("`{key}` has dimensions {found:?}, not {shape:?}")));
        }
        let offset = |at: usize| entry["data_offsets"][at].as_u64().map(|offset| offset as usize);
        let bytes = offset(0).zip(offset(1)).and_then(|(from, to)| {
            self.bytes.get(self.start.checked_add(from)?..self.start.checked_add(to)?)
        });
        let bytes = bytes.ok_or_else(|| self.wrong("it is cut short".to_owned()))?;
        let numbers: Vec<f32> = match entry["dtype"].as_str() {
            Some("F32") => bytes.as_chunks().0.iter().map(|raw| f32::from_le_bytes(*raw)).collect(),
            Some("F16") => {
                bytes.as_chunks().0.iter().map(|raw| from_half(u16::from_le_bytes(*raw))).collect()
            }
            _ => return Err(self.wrong(format!("`{key}` is neither F32 nor F16"))),
        };
        if numbers.len() != shape.iter().product::<usize>()
            || !numbers.iter().all(|x| x.is_finite())
        {
            return Err(self.wrong(format!("`{key}` is damaged")));
        }
        Ok(numbers)
    }
}

/// A number of half precision (IEEE 754 binary16).
fn from_half(half: u16) -> f32 {
    let sign = u32::from(half >> 15) << 31;
    let exponent = u32::from(half >> 10) & 0x1f;
    let fraction = u32::from(half) & 0x3ff;
    match exponent {
        // Fractions of 2^-14, too small for an exponent of their own.
        0 => f32::from_bits(sign | (fraction as f32 / 16_777_216.0).to_bits()),
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests;
