//! `learning` of the settings: whose acts no statistic is made of.

use serde::{Deserialize, Serialize};

use super::text;

/// Whose acts are kept and not learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LearningSettings {
    /// Words in `context.userAgent` that name further crawlers, in any case.
    pub crawlers: Vec<String>,
    /// Different products that one visitor looks at within an hour; beyond, it is no shopper. None is
    /// without limit.
    #[serde(deserialize_with = "text::within_optional::<10, 190, _>")]
    pub views_per_hour_max: Option<u64>,
    /// The same within 24 hours.
    #[serde(deserialize_with = "text::within_optional::<10, 190, _>")]
    pub views_per_day_max: Option<u64>,
    /// User ids of the shop's own people.
    pub staff: Vec<String>,
    /// The trait that says that somebody is one of the shop's own people.
    pub staff_trait: String,
    /// Units of one product in an order; beyond, it is a bulk order. None is without limit.
    #[serde(deserialize_with = "text::within_optional::<1, 1_000_000, _>")]
    pub order_units_max: Option<u64>,
    /// Different products in an order; beyond, it is a bulk order. None is without limit.
    #[serde(deserialize_with = "text::within_optional::<1, 2_000, _>")]
    pub order_products_max: Option<u64>,
}

impl Default for LearningSettings {
    fn default() -> LearningSettings {
        LearningSettings {
            crawlers: Vec::new(),
            views_per_hour_max: Some(100),
            views_per_day_max: Some(180),
            staff: Vec::new(),
            staff_trait: "staff".to_owned(),
            order_units_max: Some(100),
            order_products_max: Some(200),
        }
    }
}
