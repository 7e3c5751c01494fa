//! `search` of the settings: which model says what texts mean, and what searches may teach.

use std::collections::BTreeMap;

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
    /// How much meaning counts beside words.
    pub meaning: MeaningSettings,
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
            meaning: MeaningSettings::default(),
            learning: SearchLearning::All,
            never_suggested: Vec::new(),
            recent_searches: 3,
        }
    }
}

impl SearchSettings {
    /// What cannot be: the setting, and why.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        let MeaningSettings { full, thin } = self.meaning;
        for (setting, share) in [("search.meaning.full", full), ("search.meaning.thin", thin)] {
            if !(0.0..=1.0).contains(&share) {
                return Err((setting, format!("{share} is no share; give a number from 0 to 1")));
            }
        }
        Ok(())
    }
}

/// The share of meaning in a hit's score, from 0 (none) to 1 (nothing else counts).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MeaningSettings {
    /// Where the words found a page of hits.
    pub full: f64,
    /// Where they found less.
    pub thin: f64,
}

impl MeaningSettings {
    /// As the engine takes them.
    pub fn to_engine(self) -> souk_search::MeaningShares {
        souk_search::MeaningShares { full: self.full as f32, thin: self.thin as f32 }
    }

    /// These settings alone, as a part of souk.yaml.
    pub fn to_yaml(&self) -> String {
        let part = BTreeMap::from([("search", BTreeMap::from([("meaning", self)]))]);
        serde_yaml_ng::to_string(&part).expect("every setting is plain data")
    }
}

impl Default for MeaningSettings {
    /// As the engine has it: docs/decisions/0036-meaning-in-search.md.
    fn default() -> MeaningSettings {
        MeaningSettings { full: 0.15, thin: 0.6 }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Config;

    #[test]
    fn shares_are_read_as_they_are_written_and_what_is_none_is_refused_by_name() {
        let meaning = MeaningSettings { full: 0.05, thin: 0.7 };
        let config = Config::parse(&meaning.to_yaml(), []).unwrap();
        assert_eq!(config.search.meaning, meaning);
        for (text, setting) in
            [("{full: 1.1}", "full"), ("{thin: -0.1}", "thin"), ("{thin: .nan}", "thin")]
        {
            let refused = Config::parse(&format!("search: {{meaning: {text}}}"), []).unwrap_err();
            assert!(
                refused.to_string().contains(&format!("search.meaning.{setting}")),
                "{refused}"
            );
        }
    }

    /// What the engine is measured with is what a shop gets.
    #[test]
    fn defaults_are_those_of_the_engine() {
        let (own, engine) = (MeaningSettings::default(), souk_search::MeaningShares::default());
        assert_eq!((own.full as f32, own.thin as f32), (engine.full, engine.thin));
    }
}
