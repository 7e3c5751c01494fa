//! What the attributes of an item say of a product.

use std::collections::BTreeMap;

use souk_core::{
    AttributeValue, Availability, Currency, Money, Product, ProductId, Timestamp, Variant,
    VariantId,
};

use super::fault;
use super::item::Item;
use crate::import::ImportOptions;
use crate::import::moving::text::{plain, time};
use crate::import::orders::Fault;
use crate::sheet::normal_name;

/// Attributes by which the items of a group differ, in the order of the specification.
pub(super) const VARIED: [&str; 8] =
    ["color", "size", "pattern", "material", "gender", "age_group", "size_type", "size_system"];

/// Attributes with a field of their own, or that say nothing of the product.
const TAKEN: [&str; 32] = [
    "id",
    "guid",
    "title",
    "structured_title",
    "description",
    "structured_description",
    "summary",
    "content",
    "updated",
    "pub_date",
    "mobile_link",
    "image_link",
    "additional_image_link",
    "lifestyle_image_link",
    "virtual_model_link",
    "availability",
    "price",
    "sale_price",
    "sale_price_effective_date",
    "cost_of_goods_sold",
    "expiration_date",
    "brand",
    "gtin",
    "google_product_category",
    "product_type",
    "item_group_id",
    "product_detail",
    "product_highlight",
    "ads_redirect",
    "shipping",
    "tax",
    "pause",
];

/// The product that an item belongs to, where at least that can be read.
pub(super) fn id_of(item: &Item) -> Option<ProductId> {
    ProductId::new(item.text("item_group_id").or_else(|| item.text("id"))?).ok()
}

/// The group that an item belongs to, and itself as a product, with what sets it apart among the attributes.
pub(super) fn read(
    item: &Item,
    (options, now): (&ImportOptions, Timestamp),
) -> Result<(Option<ProductId>, Product), Fault> {
    let id = item.text("id").ok_or_else(|| fault("id", "is empty; every item needs one"))?;
    let id = ProductId::new(id).map_err(|error| fault("id", error))?;
    let group = item.text("item_group_id").map(ProductId::new).transpose();
    let group = group.map_err(|error| fault("item_group_id", error))?;
    let title = item.text("title").or_else(|| item.part("structured_title", "content"));
    let title = title.ok_or_else(|| fault("title", "is empty; every item needs one"))?;
    let mut product = Product::new(id, options.site.clone(), unescaped(title));
    let description = ["description", "content", "summary"].iter().find_map(|n| item.text(n));
    let description = description.or_else(|| item.part("structured_description", "content"));
    product.description = description.and_then(plain);
    product.brand = item.text("brand").map(unescaped);
    product.gtin = item.text("gtin").map(str::to_owned);
    product.image_urls = images(item);
    product.availability = availability(item, now)?;
    prices(item, &mut product, (options.currency, now))?;
    product.attributes = attributes(item);
    categories(item, &mut product);
    match product.validate() {
        Ok(()) => Ok((group, product)),
        Err(faults) => {
            let reasons: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Err(fault("", reasons.join("; ")))
        }
    }
}

/// A size or colour out of an item that belongs to a group.
pub(super) fn variant(product: &mut Product) -> Result<Variant, Fault> {
    let id = VariantId::new(product.id.as_str()).map_err(|error| fault("id", error))?;
    let mut attributes = BTreeMap::new();
    for name in VARIED.iter().chain(&["mpn"]) {
        attributes.extend(product.attributes.remove_entry(*name));
    }
    // The number of one size is not that of the product.
    if let Some(gtin) = product.gtin.take() {
        attributes.insert("gtin".to_owned(), AttributeValue::Text(gtin));
    }
    Ok(Variant {
        id,
        title: None,
        attributes,
        price: product.price,
        availability: product.availability,
    })
}

/// A title out of which a shop's program made markup that stands for characters.
fn unescaped(text: &str) -> String {
    match text.contains('&') {
        true => plain(text).unwrap_or_else(|| text.to_owned()),
        false => text.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

fn images(item: &Item) -> Vec<String> {
    let mut urls: Vec<String> = item.text("image_link").map(str::to_owned).into_iter().collect();
    for list in item.texts("additional_image_link") {
        // In tables several stand in one cell; a comma within a URL is written `%2C`.
        for url in list.split(',').map(str::trim).filter(|url| !url.is_empty()) {
            if urls.len() < Product::LIST_MAX && !urls.iter().any(|known| known == url) {
                urls.push(url.to_owned());
            }
        }
    }
    urls
}

fn availability(item: &Item, now: Timestamp) -> Result<Availability, Fault> {
    let ends = item.text("expiration_date").map(moment).transpose();
    if ends.map_err(|why| fault("expiration_date", why))?.is_some_and(|ends| ends <= now) {
        return Ok(Availability::OutOfStock);
    }
    let Some(text) = item.text("availability") else { return Ok(Availability::InStock) };
    match normal_name(text).as_str() {
        "in_stock" | "available_for_order" => Ok(Availability::InStock),
        "out_of_stock" => Ok(Availability::OutOfStock),
        "preorder" | "pre_order" | "backorder" | "back_order" => Ok(Availability::Preorder),
        "discontinued" => Ok(Availability::Discontinued),
        _ => {
            let shown: String = text.chars().take(40).collect();
            let reason =
                format!("`{shown}` is none; write in_stock, out_of_stock, preorder or backorder");
            Err(fault("availability", reason))
        }
    }
}

fn prices(
    item: &Item,
    product: &mut Product,
    (currency, now): (Currency, Timestamp),
) -> Result<(), Fault> {
    let money = |name: &str| {
        let text = item.text(name).map(|text| money(text, currency)).transpose();
        text.map_err(|why| fault(name, why))
    };
    let (price, sale) = (money("price")?, money("sale_price")?);
    product.cost = money("cost_of_goods_sold")?;
    let effective = item.text("sale_price_effective_date").map(interval).transpose();
    let effective = effective.map_err(|why| fault("sale_price_effective_date", why))?;
    let is_on = effective.is_none_or(|(from, until)| from <= now && now < until);
    let sale = sale.filter(|sale| {
        is_on
            && price.is_none_or(|price| {
                price.currency() == sale.currency() && sale.minor() < price.minor()
            })
    });
    product.price = sale.or(price);
    product.list_price = price.filter(|_| sale.is_some());
    Ok(())
}

/// `15.00 USD`, as the specification writes it; also with the code first, or without one.
pub(super) fn money(text: &str, default: Currency) -> Result<Money, String> {
    let shown: String = text.chars().take(40).collect();
    let wrong = || format!("`{shown}` is no price; write for example 15.00 {default}");
    let is_letter = |c: char| c.is_ascii_alphabetic();
    let amount = text.trim_matches(|c: char| is_letter(c) || c.is_whitespace());
    let code = text.replacen(amount, "", 1);
    let currency = match code.trim() {
        "" => default,
        code => Currency::parse(&code.to_ascii_uppercase()).map_err(|error| error.to_string())?,
    };
    let amount: f64 = amount.parse().map_err(|_| wrong())?;
    if !amount.is_finite() || amount < 0.0 {
        return Err(wrong());
    }
    Money::from_major(amount, currency).map_err(|error| error.to_string())
}

/// `2026-01-01T13:00-0800/2026-01-31T15:30-0800` (ISO 8601).
fn interval(text: &str) -> Result<(Timestamp, Timestamp), String> {
    let (from, until) = text.split_once('/').ok_or("is no interval; write START/END")?;
    Ok((moment(from)?, moment(until)?))
}

fn moment(text: &str) -> Result<Timestamp, String> {
    match text.trim().parse::<jiff::Timestamp>() {
        Ok(at) => Timestamp::from_ms(at.as_millisecond()).map_err(|error| error.to_string()),
        Err(_) => time(text),
    }
}

/// The shop's own path goes before Google's, because it is the one that the shop is built by.
fn categories(item: &Item, product: &mut Product) {
    for path in item.texts("product_type") {
        if product.categories.len() < Product::LIST_MAX {
            product.categories.push(unescaped(path));
        }
    }
    let Some(google) = item.text("google_product_category") else { return };
    let is_path = google.parse::<u64>().is_err();
    if product.categories.is_empty() && is_path {
        product.categories.push(unescaped(google));
    } else {
        let google = AttributeValue::Text(unescaped(google));
        product.attributes.insert("google_product_category".to_owned(), google);
    }
}

fn attributes(item: &Item) -> BTreeMap<String, AttributeValue> {
    let mut attributes = BTreeMap::new();
    for field in &item.fields {
        let (name, value) = (field.name.as_str(), field.value.trim());
        if TAKEN.contains(&name) || !field.parts.is_empty() || value.is_empty() {
            continue;
        }
        let value = match name {
            "link" => AttributeValue::Text(value.to_owned()),
            // Up to three colours or materials of one thing, the main one first.
            "color" | "material" if value.contains('/') => {
                let each = value.split('/').map(unescaped).filter(|text| !text.is_empty());
                AttributeValue::Texts(each.collect())
            }
            _ => AttributeValue::Text(unescaped(value)),
        };
        attributes.entry(name.to_owned()).or_insert(value);
    }
    let highlights: Vec<String> = item.texts("product_highlight").map(unescaped).collect();
    if !highlights.is_empty() {
        attributes.insert("product_highlight".to_owned(), AttributeValue::Texts(highlights));
    }
    for (name, value) in details(item) {
        attributes.entry(name).or_insert(AttributeValue::Text(value));
    }
    attributes
}

/// `product_detail`: section, name and value, as parts in XML and as `section:name:value` in tables.
fn details(item: &Item) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for field in item.fields.iter().filter(|field| field.name == "product_detail") {
        let part = |name: &str| {
            let part = field.parts.iter().find(|(own, _)| own == name);
            part.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
        };
        if let (Some(name), Some(value)) = (part("attribute_name"), part("attribute_value")) {
            found.push((normal_name(name), unescaped(value)));
        }
        for detail in field.value.split(',') {
            let mut parts = detail.splitn(3, ':').map(str::trim);
            if let (Some(_), Some(name), Some(value)) = (parts.next(), parts.next(), parts.next()) {
                found.push((normal_name(name), unescaped(value)));
            }
        }
    }
    found.retain(|(name, value)| !name.is_empty() && !value.is_empty());
    found
}
