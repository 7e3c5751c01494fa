use serde::{Deserialize, Serialize};

use super::text;

/// What an answer is credited with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttributionSettings {
    /// Days from an answer to a click on a product of it, or its way into a cart, that does not name it.
    #[serde(deserialize_with = "text::within::<1, 14, _>")]
    pub click_days: u64,
    /// Days from an answer, or from a click on it, to an order of the product.
    #[serde(deserialize_with = "text::within::<1, 14, _>")]
    pub order_days: u64,
}

impl Default for AttributionSettings {
    fn default() -> AttributionSettings {
        AttributionSettings { click_days: 1, order_days: 7 }
    }
}

/// Who gets the shop without personalization, so that what it brings is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HoldoutSettings {
    /// The share of known people who are held out; 0 holds nobody out.
    #[serde(deserialize_with = "text::share")]
    pub share: f64,
    /// What the draw is made with; another name draws anew and begins a new measurement.
    pub name: String,
    /// Days after a person was first met in which what they do counts.
    #[serde(deserialize_with = "text::within::<1, 90, _>")]
    pub outcome_days: u64,
}

impl Default for HoldoutSettings {
    fn default() -> HoldoutSettings {
        HoldoutSettings { share: 0.0, name: "holdout-1".to_owned(), outcome_days: 14 }
    }
}

impl HoldoutSettings {
    /// The name under which the measurement is recorded: another share is another one, because people
    /// who were met under different shares must not be compared.
    pub fn experiment(&self) -> String {
        format!("{}/{}", self.name, self.share)
    }

    /// # Errors
    ///
    /// The setting and what is wrong with it.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.len() > 40 || !self.name.chars().all(is_plain) {
            let detail = format!(
                "`{}` is not 1 to 40 letters, digits, hyphens, dots and underscores",
                self.name.chars().take(60).collect::<String>()
            );
            return Err(("holdout.name", detail));
        }
        if self.share > 0.5 {
            let detail = format!(
                "{} holds out more people than it lets in; give at most 0.5, for example 0.05",
                self.share
            );
            return Err(("holdout.share", detail));
        }
        Ok(())
    }
}
