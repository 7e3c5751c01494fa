use std::collections::BTreeMap;

use crate::{Money, ProductId, SiteId, Timestamp, VariantId};

/// Whether a product can be sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Availability {
    /// It can be bought now.
    #[default]
    InStock,
    /// It cannot be bought now, and is not recommended.
    OutOfStock,
    /// It can be ordered ahead.
    Preorder,
    /// It will not come back, and is not recommended.
    Discontinued,
}

impl Availability {
    /// Every state, in the order of their wire codes.
    pub const ALL: [Availability; 4] = [
        Availability::InStock,
        Availability::OutOfStock,
        Availability::Preorder,
        Availability::Discontinued,
    ];

    /// The name in requests and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Availability::InStock => "in_stock",
            Availability::OutOfStock => "out_of_stock",
            Availability::Preorder => "preorder",
            Availability::Discontinued => "discontinued",
        }
    }

    /// Reads the name in requests and files.
    pub fn parse(text: &str) -> Option<Availability> {
        Availability::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether it may be shown as something to buy.
    pub fn is_sellable(self) -> bool {
        matches!(self, Availability::InStock | Availability::Preorder)
    }
}

/// What an attribute holds.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue {
    /// A word or phrase.
    Text(String),
    /// A finite number.
    Number(f64),
    /// Several words.
    Texts(Vec<String>),
}

/// Why a product is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProductError {
    /// A limit of [`Product`] is broken.
    #[error("{field} has {value}; the limit is {limit}")]
    TooLarge {
        /// Which field, as in requests.
        field: &'static str,
        /// What it has.
        value: usize,
        /// What it may have.
        limit: usize,
    },
    /// A required text has no characters.
    #[error("{field} is empty; every product needs one")]
    Empty {
        /// Which field, as in requests.
        field: &'static str,
    },
    /// A price below nothing.
    #[error("{field} is {amount}; it must be at least 0")]
    NegativePrice {
        /// Which field, as in requests.
        field: &'static str,
        /// What it says, in minor units.
        amount: i64,
    },
    /// An attribute that is not a finite number.
    #[error("attribute `{name}` is not a finite number")]
    NotFinite {
        /// Which attribute.
        name: String,
    },
}

/// One thing the shop sells, on one site.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// The shop's own name for it; unique in its site.
    pub id: ProductId,
    /// Where it is sold.
    pub site: SiteId,
    /// What a shopper reads.
    pub title: String,
    /// More to read.
    pub description: Option<String>,
    /// The maker or label.
    pub brand: Option<String>,
    /// Paths from wide to narrow: `Grocery > Bakery > Bread`.
    pub categories: Vec<String>,
    /// What it costs now.
    pub price: Option<Money>,
    /// What it cost before a reduction.
    pub list_price: Option<Money>,
    /// What the shop pays; never shown to a shopper.
    pub cost: Option<Money>,
    /// Whether it can be sold.
    pub availability: Availability,
    /// Pictures.
    pub image_urls: Vec<String>,
    /// Everything else that filters can name.
    pub attributes: BTreeMap<String, AttributeValue>,
    /// The shop's own labels.
    pub tags: Vec<String>,
    /// The global trade item number.
    pub gtin: Option<String>,
    /// Sizes and colours.
    pub variants: Vec<Variant>,
    /// Texts in other languages, by IETF tag.
    pub translations: BTreeMap<String, Translation>,
    /// When it was first offered.
    pub published_at: Option<Timestamp>,
    /// Days until it spoils.
    pub perishable_days: Option<u32>,
}

/// A product's size or colour.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// The shop's own name for it.
    pub id: VariantId,
    /// What sets it apart.
    pub title: Option<String>,
    /// What filters can name.
    pub attributes: BTreeMap<String, AttributeValue>,
    /// What it costs, where it differs.
    pub price: Option<Money>,
    /// Whether it can be sold.
    pub availability: Availability,
}

/// A product's texts in another language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Translation {
    /// What a shopper reads.
    pub title: Option<String>,
    /// More to read.
    pub description: Option<String>,
}

/// A change of some fields; `None` leaves a field, `Some(None)` clears it.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the fields mean what they mean in `Product`")]
pub struct ProductPatch {
    pub title: Option<String>,
    pub description: Option<Option<String>>,
    pub brand: Option<Option<String>>,
    pub categories: Option<Vec<String>>,
    pub price: Option<Option<Money>>,
    pub list_price: Option<Option<Money>>,
    pub cost: Option<Option<Money>>,
    pub availability: Option<Availability>,
    pub image_urls: Option<Vec<String>>,
    pub attributes: Option<BTreeMap<String, AttributeValue>>,
    pub tags: Option<Vec<String>>,
    pub gtin: Option<Option<String>>,
    pub variants: Option<Vec<Variant>>,
    pub translations: Option<BTreeMap<String, Translation>>,
    pub published_at: Option<Option<Timestamp>>,
    pub perishable_days: Option<Option<u32>>,
}

impl Product {
    /// Bytes of a title; chosen: Google Merchant takes 150 characters, feeds carry more.
    pub const TITLE_BYTES_MAX: usize = 1_000;
    /// Bytes of a description.
    pub const DESCRIPTION_BYTES_MAX: usize = 20_000;
    /// Entries of each list (categories, images, tags, variants, translations).
    pub const LIST_MAX: usize = 500;
    /// Attributes.
    pub const ATTRIBUTES_MAX: usize = 200;

    /// A product with an id and a title and nothing else.
    pub fn new(id: ProductId, site: SiteId, title: impl Into<String>) -> Product {
        Product {
            id,
            site,
            title: title.into(),
            description: None,
            brand: None,
            categories: Vec::new(),
            price: None,
            list_price: None,
            cost: None,
            availability: Availability::InStock,
            image_urls: Vec::new(),
            attributes: BTreeMap::new(),
            tags: Vec::new(),
            gtin: None,
            variants: Vec::new(),
            translations: BTreeMap::new(),
            published_at: None,
            perishable_days: None,
        }
    }

    /// Checks what types alone cannot: limits, prices, numbers. Returns every fault.
    ///
    /// # Errors
    ///
    /// One [`ProductError`] for each broken rule.
    pub fn validate(&self) -> Result<(), Vec<ProductError>> {
        let mut faults = Vec::new();
        if self.title.trim().is_empty() {
            faults.push(ProductError::Empty { field: "title" });
        }
        let sizes = [
            ("title", self.title.len(), Product::TITLE_BYTES_MAX),
            (
                "description",
                self.description.as_ref().map_or(0, String::len),
                Product::DESCRIPTION_BYTES_MAX,
            ),
            ("categories", self.categories.len(), Product::LIST_MAX),
            ("image_urls", self.image_urls.len(), Product::LIST_MAX),
            ("tags", self.tags.len(), Product::LIST_MAX),
            ("variants", self.variants.len(), Product::LIST_MAX),
            ("translations", self.translations.len(), Product::LIST_MAX),
            ("attributes", self.attributes.len(), Product::ATTRIBUTES_MAX),
        ];
        for (field, value, limit) in sizes {
            if value > limit {
                faults.push(ProductError::TooLarge { field, value, limit });
            }
        }
        for (field, price) in
            [("price", self.price), ("list_price", self.list_price), ("cost", self.cost)]
        {
            if let Some(price) = price.filter(|price| price.minor() < 0) {
                faults.push(ProductError::NegativePrice { field, amount: price.minor() });
            }
        }
        for variant in &self.variants {
            if let Some(price) = variant.price.filter(|price| price.minor() < 0) {
                faults.push(ProductError::NegativePrice {
                    field: "variants/price",
                    amount: price.minor(),
                });
            }
        }
        let attributes =
            self.attributes.iter().chain(self.variants.iter().flat_map(|v| &v.attributes));
        for (name, value) in attributes {
            if matches!(value, AttributeValue::Number(number) if !number.is_finite()) {
                faults.push(ProductError::NotFinite { name: name.clone() });
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Applies a change.
    pub fn apply(&mut self, patch: ProductPatch) {
        macro_rules! take {
            ($($field:ident),*) => { $(if let Some(value) = patch.$field { self.$field = value; })* };
        }
        take!(
            title,
            description,
            brand,
            categories,
            price,
            list_price,
            cost,
            availability,
            image_urls,
            attributes,
            tags,
            gtin,
            variants,
            translations,
            published_at,
            perishable_days
        );
    }
}

#[cfg(test)]
mod tests;
