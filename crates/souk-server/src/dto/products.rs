use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Products in one call.
pub(crate) const PUT_MAX: usize = 5_000;
/// Products in one page of the list.
pub(crate) const PAGE_MAX: u32 = 1_000;

/// An amount of money.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_core::wire::json` reads and writes")]
pub(crate) struct MoneyBody {
    /// Minor units: 1299 with USD is $12.99.
    #[schema(minimum = 0, maximum = 10_000_000_000_000_000_i64, example = 1299)]
    amount: i64,
    /// ISO 4217; left out, it is the site's.
    #[schema(required = false)]
    currency: String,
}

macro_rules! product_schema {
    ($(#[$doc:meta])* $name:ident { $($(#[$first:meta])* $id:ident: $id_type:ty),* }) => {
        $(#[$doc])*
        #[derive(Debug, ToSchema)]
        #[allow(dead_code, reason = "documents what `souk_core::wire::json` reads and writes")]
        pub(crate) struct $name {
            $($(#[$first])* $id: $id_type,)*
            /// More to read.
            description: Option<String>,
            /// The maker or label.
            brand: Option<String>,
            /// Paths from wide to narrow.
            #[schema(max_items = 500, example = json!(["Grocery > Bakery > Bread"]))]
            categories: Option<Vec<String>>,
            /// What it costs now.
            price: Option<MoneyBody>,
            /// What it cost before a reduction.
            list_price: Option<MoneyBody>,
            /// What the shop pays; never shown to a shopper.
            cost: Option<MoneyBody>,
            /// Whether it can be sold; `in_stock` when left out.
            availability: Option<AvailabilityName>,
            /// Pictures.
            #[schema(max_items = 500)]
            image_urls: Option<Vec<String>>,
            /// Everything else that filters can name.
            attributes: Option<BTreeMap<String, AttributeBody>>,
            /// The shop's own labels.
            #[schema(max_items = 500)]
            tags: Option<Vec<String>>,
            /// The global trade item number.
            gtin: Option<String>,
            /// Sizes and colours.
            variants: Option<Vec<VariantBody>>,
            /// Texts in other languages, by IETF tag.
            translations: Option<BTreeMap<String, TranslationBody>>,
            /// When it was first offered.
            published_at: Option<String>,
            /// Days until it spoils.
            #[schema(minimum = 0)]
            perishable_days: Option<u32>,
        }
    };
}

product_schema! {
    /// A product as the shop describes it.
    ProductBody {
        /// The shop's own name for it; unique in its site. At most 255 bytes.
        #[schema(min_length = 1, example = "p1")]
        id: String,
        /// Where it is sold; the first site when left out.
        #[schema(min_length = 1)]
        site: Option<String>,
        /// What a shopper reads. At most 1,000 bytes.
        #[schema(min_length = 1, pattern = "\\S", example = "Rye Bread")]
        title: String
    }
}

product_schema! {
    /// A change: a field that is not there stays, `null` clears it.
    ProductChange {
        /// What a shopper reads. At most 1,000 bytes.
        #[schema(min_length = 1, pattern = "\\S", required = false)]
        title: String
    }
}

product_schema! {
    /// A product as it stands in the catalogue. `cost` is there for `merchandiser`, `planner`,
    /// `analyst` and `admin` only.
    ProductAnswer {
        id: String,
        site: String,
        title: String
    }
}

/// Whether a product can be sold.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "documents what `souk_core::wire::json` reads and writes")]
pub(crate) enum AvailabilityName {
    InStock,
    OutOfStock,
    Preorder,
    Discontinued,
}

/// A text, a number or several texts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "documents what `souk_core::wire::json` reads and writes")]
pub(crate) enum AttributeBody {
    Text(String),
    Number(f64),
    Texts(Vec<String>),
}

/// A product's size or colour.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_core::wire::json` reads and writes")]
pub(crate) struct VariantBody {
    /// The shop's own name for it.
    #[schema(min_length = 1)]
    id: String,
    /// What sets it apart.
    title: Option<String>,
    /// What filters can name.
    attributes: Option<BTreeMap<String, AttributeBody>>,
    /// What it costs, where it differs.
    price: Option<MoneyBody>,
    /// Whether it can be sold.
    availability: Option<AvailabilityName>,
}

/// A product's texts in another language.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what `souk_core::wire::json` reads and writes")]
pub(crate) struct TranslationBody {
    title: Option<String>,
    description: Option<String>,
}

/// Products to store or replace.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutProductsBody {
    /// At most 5,000.
    #[schema(max_items = 5000, value_type = Vec<ProductBody>)]
    pub(crate) products: Vec<serde_json::Value>,
}

/// What became of the products.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PutProductsAnswer {
    /// Durable, and seen by every answer from now on.
    pub(crate) accepted: usize,
    /// Not kept.
    pub(crate) rejected: Vec<RejectedProduct>,
}

/// A product that was not kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RejectedProduct {
    /// Its place in the request, from 0; for NDJSON the number of the line, from 0.
    pub(crate) index: usize,
    /// Its id, where it has one.
    #[schema(required)]
    pub(crate) id: Option<String>,
    /// Field, value and remedy.
    pub(crate) detail: String,
}

/// A page of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProductList {
    /// In the order of their ids.
    #[schema(value_type = Vec<ProductAnswer>)]
    pub(crate) products: Vec<serde_json::Value>,
    /// Where the next page begins; `null` at the end.
    #[schema(required)]
    pub(crate) cursor: Option<String>,
}

/// Which products to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Whose products; the first site's when left out.
    #[param(min_length = 1, required = false, nullable = false)]
    pub(crate) site: Option<String>,
    /// What they must satisfy.
    #[param(required = false, nullable = false)]
    pub(crate) filter: Option<String>,
    /// The `cursor` of the page before.
    #[param(required = false, nullable = false)]
    pub(crate) cursor: Option<String>,
    /// Products in the page.
    #[param(minimum = 1, maximum = 1000, required = false, nullable = false, default = 100)]
    pub(crate) limit: Option<u32>,
}

/// Which site a product belongs to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SiteQuery {
    /// Whose product; the first site's when left out.
    #[param(min_length = 1, required = false, nullable = false)]
    pub(crate) site: Option<String>,
}
