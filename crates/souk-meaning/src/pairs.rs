//! Texts as Llama takes them apart: spaces become `▁`, and pairs of neighbours are joined in the order in which
//! training found them frequent (Sennrich, Haddow and Birch 2016, "Neural machine translation of rare
//! words with subword units").

use std::path::Path;

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::file::{WeightsError, read, shown};

const SPACE: char = '▁';

/// The tokens that a model knows, and which of them join.
#[derive(Debug)]
pub(crate) struct Pairs {
    chars: FxHashMap<char, u32>,
    /// What stands for a byte of a character that has no token.
    bytes: Vec<u32>,
    /// Two neighbours: how early they join, and what they become.
    joins: FxHashMap<(u32, u32), (u32, u32)>,
}

impl Pairs {
    /// Reads the file that Hugging Face's `tokenizers` writes.
    pub(crate) fn read(path: &Path) -> Result<Pairs, WeightsError> {
        Pairs::from_bytes(&shown(path), &read(path)?)
    }

    /// Takes the bytes of such a file.
    fn from_bytes(name: &str, bytes: &[u8]) -> Result<Pairs, WeightsError> {
        let wrong = |reason: &str| WeightsError::Wrong { file: name.into(), reason: reason.into() };
        let file: Value = serde_json::from_slice(bytes).map_err(|_| wrong("it is not JSON"))?;
        let model = &file["model"];
        let tokens = model["vocab"].as_object().ok_or_else(|| wrong("it has no vocabulary"))?;
        let find = |token: &str| {
            let number = tokens.get(token).and_then(Value::as_u64);
            number.map(|number| number as u32)
        };
        let mut chars = FxHashMap::default();
        for token in tokens.keys() {
            let mut letters = token.chars();
            if let (Some(only), None, Some(number)) = (letters.next(), letters.next(), find(token))
            {
                chars.insert(only, number);
            }
        }
        let bytes = (0..=255).map(|byte| find(&format!("<0x{byte:02X}>")));
        let bytes = bytes.collect::<Option<_>>().ok_or_else(|| wrong("it has no bytes"))?;
        let mut joins = FxHashMap::default();
        for (rank, pair) in model["merges"].as_array().into_iter().flatten().enumerate() {
            let halves = match pair {
                Value::String(pair) => pair.split_once(' '),
                pair => pair[0].as_str().zip(pair[1].as_str()),
            };
            let joined = halves.and_then(|(left, right)| {
                Some(((find(left)?, find(right)?), find(&format!("{left}{right}"))?))
            });
            let (pair, whole) = joined.ok_or_else(|| wrong(&format!("{pair} cannot be joined")))?;
            joins.insert(pair, (rank as u32, whole));
        }
        Ok(Pairs { chars, bytes, joins })
    }

    /// The tokens of a text, at most `n_max`.
    pub(crate) fn of(&self, text: &str, n_max: usize) -> Vec<u32> {
        let mut all = Vec::new();
        let mut run = Vec::new();
        let mut before = SPACE;
        let spaced = text.chars().map(|char| if char == ' ' { SPACE } else { char });
        let first = (!text.is_empty()).then_some(SPACE);
        for char in first.into_iter().chain(spaced) {
            // No token has a space after a letter, so nothing joins across such a place.
            if char == SPACE && before != SPACE {
                self.join(&mut run, &mut all);
                if all.len() >= n_max {
                    break;
                }
            }
            before = char;
            match self.chars.get(&char) {
                Some(number) => run.push(*number),
                None => {
                    let mut buffer = [0; 4];
                    let bytes = char.encode_utf8(&mut buffer).bytes().map(usize::from);
                    run.extend(bytes.map(|byte| self.bytes[byte]));
                }
            }
        }
        self.join(&mut run, &mut all);
        all.truncate(n_max);
        all
    }

    /// Joins neighbours, those first that join earliest, leftmost first, and moves what is left.
    fn join(&self, run: &mut Vec<u32>, all: &mut Vec<u32>) {
        loop {
            let joins = run.windows(2).enumerate().filter_map(|(at, pair)| {
                let (rank, whole) = self.joins.get(&(pair[0], pair[1]))?;
                Some((*rank, at, *whole))
            });
            let Some((_, at, whole)) = joins.min() else { break };
            run[at] = whole;
            run.remove(at + 1);
        }
        all.append(run);
    }
}

#[cfg(test)]
mod tests;
