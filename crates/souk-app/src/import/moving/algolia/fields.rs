//! What fields of records become: one table for what reads records and for what translates filters on them, so that
//! no filter asks for a field that its records no longer have.

use souk_core::{Availability, Currency};

/// The names under which records have what a product has; the first that is filled counts, and the others stay
/// attributes.
pub(super) const TITLE: [&str; 5] = ["title", "name", "product_name", "product_title", "label"];
pub(super) const DESCRIPTION: [&str; 4] =
    ["description", "short_description", "body_html_safe", "body"];
pub(super) const IMAGES: [&str; 8] = [
    "image_urls",
    "images",
    "image",
    "image_url",
    "imageUrl",
    "product_image",
    "thumbnail",
    "thumbnail_url",
];
pub(super) const GTIN: [&str; 4] = ["gtin", "ean", "upc", "barcode"];
pub(super) const IN_STOCK: [&str; 4] =
    ["in_stock", "inStock", "is_in_stock", "inventory_available"];
pub(super) const PRICE: [&str; 1] = ["price"];
pub(super) const LIST_PRICE: [&str; 5] =
    ["list_price", "compare_at_price", "regular_price", "original_price", "msrp"];
pub(super) const PUBLISHED: [&str; 2] = ["published_at", "created_at"];
/// What the shop pays. No field of these names becomes an attribute, for attributes are public.
pub(super) const COST: [&str; 8] = [
    "cost",
    "cost_price",
    "purchase_price",
    "wholesale_price",
    "costPrice",
    "purchasePrice",
    "wholesalePrice",
    "cost_per_item",
];
/// These stay attributes as well.
pub(super) const BRAND: [&str; 4] = ["brand", "manufacturer", "vendor", "brand_name"];
pub(super) const CATEGORY: [&str; 3] = ["categories", "category", "product_type"];

/// Moments above this are milliseconds: as seconds they would lie in the year 5138.
const SECONDS_MAX: f64 = 1e11;

/// What a field has become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    /// A field of every product, by its name here.
    Own(&'static str),
    /// That field, but for records that have several of its names: of these it may have stayed an attribute.
    Moved(&'static str),
    /// Whether the product can be bought.
    InStock,
    /// In which state it is.
    Availability,
    /// An attribute of the same name.
    Attribute,
    /// Nothing that filters see.
    Unseen,
}

/// What a field of records has become, where their prices are in `currency`.
pub(super) fn became(name: &str, currency: Currency) -> Became {
    let last = name.rsplit('.').next().unwrap_or_default();
    let name = match name.split_once('.') {
        Some((price, of)) if is_price(price) => match of.strip_suffix(".default").unwrap_or(of) {
            of if of == currency.as_str() => price,
            _ => return Became::Unseen,
        },
        _ => name,
    };
    let groups: [(&'static str, &[&str]); 5] = [
        ("title", &TITLE),
        ("gtin", &GTIN),
        ("price", &PRICE),
        ("list_price", &LIST_PRICE),
        ("published_at", &PUBLISHED),
    ];
    if let Some((own, _)) = groups.iter().find(|(_, names)| names.contains(&name)) {
        return if name == *own { Became::Own(own) } else { Became::Moved(own) };
    }
    match name {
        "objectID" => Became::Own("id"),
        "_tags" | "tags" => Became::Own("tags"),
        "brand" => Became::Own("brand"),
        "categories" => Became::Own("categories"),
        "category" => Became::Moved("categories"),
        "availability" => Became::Availability,
        _ if level_of(last).is_some() => Became::Own("categories"),
        _ if IN_STOCK.contains(&name) => Became::InStock,
        _ if DESCRIPTION.contains(&name) || IMAGES.contains(&name) => Became::Unseen,
        _ if COST.contains(&last) => Became::Unseen,
        _ => Became::Attribute,
    }
}

fn is_price(name: &str) -> bool {
    PRICE.contains(&name) || LIST_PRICE.contains(&name)
}

/// The level that a field of a hierarchy is named after: `lvl0`, and `level0` in Magento's.
pub(super) fn level_of(name: &str) -> Option<u8> {
    let digits = name.strip_prefix("lvl").or_else(|| name.strip_prefix("level"))?;
    digits.parse().ok()
}

/// Whether something can be bought, in the words, signs and counts that records have for it.
pub(super) fn availability_of(written: &str) -> Option<Availability> {
    // `https://schema.org/InStock` and `in stock` are both in use.
    let word = written.trim().rsplit('/').next()?.to_lowercase().replace([' ', '_', '-'], "");
    let named = Availability::ALL.into_iter().find(|one| one.as_str().replace('_', "") == word);
    let meant = match word.as_str() {
        "true" | "yes" | "available" => Some(Availability::InStock),
        "false" | "no" | "soldout" | "unavailable" | "notavailable" => {
            Some(Availability::OutOfStock)
        }
        _ => word.parse().ok().filter(|count: &f64| count.is_finite()).map(|count| match count {
            count if count > 0.0 => Availability::InStock,
            _ => Availability::OutOfStock,
        }),
    };
    named.or(meant)
}

/// The seconds of a moment that is written in seconds or milliseconds.
pub(super) fn seconds_of(written: f64) -> f64 {
    if written.abs() > SECONDS_MAX { written / 1_000.0 } else { written }
}
