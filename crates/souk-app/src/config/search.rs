//! `search` of the settings: which model says what texts mean, and what searches may teach.

use serde::{Deserialize, Serialize};

use super::text;

/// How searches are answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchSettings {
    /// Which model says what texts mean.
    pub embedder: EmbedderSetting,
    /// The folder of the models that are installed.
    pub models: String,
    /// What may be learned from what people search for and take up.
    pub learning: SearchLearning,
    /// Words that no suggestion of other people's queries may hold, as they stand or folded.
    pub never_suggested: Vec<String>,
    /// How many of a shopper's own searches are suggested to them; 0 is none.
    #[serde(deserialize_with = "text::within::<0, 20, _>")]
    pub recent_searches: u64,
}

impl Default for SearchSettings {
    fn default() -> SearchSettings {
        SearchSettings {
            embedder: EmbedderSetting::Auto,
            models: ".cache/models".to_owned(),
            learning: SearchLearning::All,
            never_suggested: Vec::new(),
            recent_searches: 3,
        }
    }
}

/// What may be learned from searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchLearning {
    /// The order of hits, and which queries of others are suggested.
    All,
    /// The order of hits.
    Order,
    /// Nothing.
    None,
}

/// Which model says what texts mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbedderSetting {
    /// The best one that is installed, if any is.
    Auto,
    /// The sentence encoder all-MiniLM-L6-v2.
    Minilm,
    /// WordLlama's static word vectors.
    Static,
    /// None: searches go by words.
    None,
}
