//! Static word vectors.

use std::path::Path;

use souk_ports::{Embedder, EmbedderModel};

use crate::file::{Weights, WeightsError};
use crate::math::to_unit;
use crate::pairs::Pairs;

/// Tokens of a text that count; chosen: a product's title and the start of its description.
const TOKENS_MAX: usize = 128;
const DIMENSIONS: usize = 256;
const TOKENS: usize = 32_000;
/// One of a thousand pairs of a query and a product of a grocer's lies above, and no nonsense; measured.
const RELATED_FROM: f32 = 0.5;
/// How texts are read; goes up whenever that changes.
const METHOD: u64 = 1;

/// The mean of a vector for each token: WordLlama's, which were taken from large language models and trained
/// on to compare sentences (Miller 2024, <https://github.com/dleemiller/WordLlama>).
#[derive(Debug)]
pub struct WordVectors {
    tokens: Pairs,
    vectors: Vec<f32>,
    model: EmbedderModel,
}

impl WordVectors {
    /// Reads `l2_supercat_256.safetensors` and `l2_supercat_tokenizer_config.json` in a folder.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] for a file that is missing or not what its name says.
    pub fn read(folder: &Path) -> Result<WordVectors, WeightsError> {
        let weights = Weights::read(&folder.join("l2_supercat_256.safetensors"))?;
        let vectors = weights.array("embedding.weight", &[TOKENS, DIMENSIONS])?;
        let tokens = Pairs::read(&folder.join("l2_supercat_tokenizer_config.json"))?;
        let model = EmbedderModel {
            name: "wordllama-l2-supercat-256".to_owned(),
            dimensions: DIMENSIONS,
            version: weights.version() ^ METHOD,
            language: "en".to_owned(),
            related_from: RELATED_FROM,
        };
        Ok(WordVectors { tokens, vectors, model })
    }
}

impl Embedder for WordVectors {
    fn model(&self) -> &EmbedderModel {
        &self.model
    }

    fn embed(&self, texts: &[&str]) -> Vec<f32> {
        let mut all = vec![0.0; texts.len() * DIMENSIONS];
        for (text, sum) in texts.iter().zip(all.chunks_exact_mut(DIMENSIONS)) {
            // A shopper's capitals say nothing, and these vectors would take them for other words.
            for token in self.tokens.of(&text.to_lowercase(), TOKENS_MAX) {
                let start = token as usize % TOKENS * DIMENSIONS;
                let vector = &self.vectors[start..start + DIMENSIONS];
                sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x);
            }
            to_unit(sum);
        }
        all
    }
}
