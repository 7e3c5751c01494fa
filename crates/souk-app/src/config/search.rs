//! `search` of the settings: which model says what texts mean.

use serde::{Deserialize, Serialize};

/// How searches are answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchSettings {
    /// Which model says what texts mean.
    pub embedder: EmbedderSetting,
    /// The folder of the models that are installed.
    pub models: String,
}

impl Default for SearchSettings {
    fn default() -> SearchSettings {
        SearchSettings { embedder: EmbedderSetting::Auto, models: ".cache/models".to_owned() }
    }
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
