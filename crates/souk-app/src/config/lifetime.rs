//! `privacy.retention` and `privacy.shopify` of the settings.

use serde::{Deserialize, Serialize};

use super::text;

/// How long each kind of personal data is kept; a term that is not set never ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionSettings {
    /// Hours between two runs, by the shop's clock.
    #[serde(deserialize_with = "text::within::<1, 8_760, _>")]
    pub every_hours: u64,
    /// The share of all personal records that one run removes without being told to, 0.0 to 1.0.
    #[serde(deserialize_with = "text::share")]
    pub share_max: f64,
    /// Views, clicks, carts, pages, events of the shop's own.
    #[serde(deserialize_with = "text::within_optional::<1, 36_500, _>")]
    pub browsing_days: Option<u64>,
    /// Words that were searched for.
    #[serde(deserialize_with = "text::within_optional::<1, 36_500, _>")]
    pub searches_days: Option<u64>,
    /// What was shown to a person.
    #[serde(deserialize_with = "text::within_optional::<1, 36_500, _>")]
    pub shown_days: Option<u64>,
    /// Which person ordered; what was sold, without the person, is kept.
    #[serde(deserialize_with = "text::within_optional::<1, 36_500, _>")]
    pub orders_days: Option<u64>,
    /// Traits and groups.
    #[serde(deserialize_with = "text::within_optional::<1, 36_500, _>")]
    pub traits_days: Option<u64>,
    /// Which ids are one person.
    #[serde(deserialize_with = "text::within_optional::<1, 36_500, _>")]
    pub links_days: Option<u64>,
    /// What was allowed.
    #[serde(deserialize_with = "text::within_optional::<1, 36_500, _>")]
    pub consents_days: Option<u64>,
    /// Completed requests of people, with their receipts.
    #[serde(deserialize_with = "text::within_optional::<1, 36_500, _>")]
    pub requests_days: Option<u64>,
}

impl Default for RetentionSettings {
    fn default() -> RetentionSettings {
        RetentionSettings {
            every_hours: 24,
            share_max: 0.2,
            browsing_days: None,
            searches_days: None,
            shown_days: None,
            orders_days: None,
            traits_days: None,
            links_days: None,
            consents_days: None,
            requests_days: None,
        }
    }
}

/// Shopify's privacy webhooks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShopifySettings {
    /// Where the app's client secret is: `file:PATH` or `env:NAME`; null is off.
    pub secret: Option<String>,
    /// The one shop that is meant, as `name.myshopify.com`; null is every one that the app is in.
    pub shop_domain: Option<String>,
    /// What a user id is in this shop.
    pub identify_by: Vec<ShopifyId>,
    /// What stands before a customer id in user ids.
    pub id_prefix: String,
}

/// What of Shopify's customer is a user id here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of the contract")]
pub enum ShopifyId {
    CustomerId,
    Email,
}

impl Default for ShopifySettings {
    fn default() -> ShopifySettings {
        ShopifySettings {
            secret: None,
            shop_domain: None,
            identify_by: vec![ShopifyId::CustomerId],
            id_prefix: String::new(),
        }
    }
}
