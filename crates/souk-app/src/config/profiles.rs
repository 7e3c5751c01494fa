//! `profiles` of the settings.

use serde::{Deserialize, Serialize};

use super::text;

/// How shoppers' profiles are made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProfileSettings {
    /// Days after which an act weighs half in affinities.
    #[serde(deserialize_with = "text::within::<1, 3_650, _>")]
    pub affinity_half_life_days: u64,
    /// Days that expectations look ahead.
    #[serde(deserialize_with = "text::within::<1, 730, _>")]
    pub horizon_days: u64,
    /// Minutes from one fit of the shop's figures to the next.
    #[serde(deserialize_with = "text::within::<1, 1_440, _>")]
    pub fit_every_minutes: u64,
    /// The share of shoppers with the highest expected value who count as `high_value`.
    #[serde(deserialize_with = "text::share")]
    pub high_value_share: f64,
}

impl Default for ProfileSettings {
    fn default() -> ProfileSettings {
        ProfileSettings {
            affinity_half_life_days: 90,
            horizon_days: 90,
            fit_every_minutes: 60,
            high_value_share: 0.1,
        }
    }
}
