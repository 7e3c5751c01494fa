use serde::{Deserialize, Serialize};

use super::text;

/// How products whose worth is not known yet are tried out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExplorationSettings {
    /// The share of answers in which a last place is given to such a product; each place is drawn by itself.
    #[serde(deserialize_with = "text::share")]
    pub share: f64,
    /// How many of a list's last places, at most one in five.
    #[serde(deserialize_with = "text::within::<1, 3, _>")]
    pub places: u64,
}

impl Default for ExplorationSettings {
    fn default() -> ExplorationSettings {
        ExplorationSettings { share: 0.0, places: 1 }
    }
}

impl ExplorationSettings {
    /// # Errors
    ///
    /// The setting and what is wrong with it.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if self.share > 0.5 {
            let detail = format!(
                "{} tries products out more often than it shows the best known; give at most 0.5, for \
                 example 0.05",
                self.share
            );
            return Err(("recommendations.exploration.share", detail));
        }
        Ok(())
    }
}
