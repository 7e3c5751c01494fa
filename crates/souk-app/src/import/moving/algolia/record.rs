//! A record becomes a product.

use std::collections::BTreeMap;

use serde_json::Value;
use souk_core::{AttributeValue, Availability, Money, Product, ProductId, Timestamp};

use super::Object;
use super::fields::{
    BRAND, CATEGORY, COST, DESCRIPTION, GTIN, IMAGES, IN_STOCK, LIST_PRICE, PRICE, PUBLISHED,
    TITLE, availability_of, level_of, seconds_of,
};
use crate::import::ImportOptions;
use crate::import::moving::text;
use crate::sheet::RowFault;

/// What a search adds to a record, which is none of its own.
const OF_ANSWERS: [&str; 5] =
    ["_highlightResult", "_snippetResult", "_rankingInfo", "_distinctSeqID", "__queryID"];
/// Objects inside of each other.
const DEPTH_MAX: usize = 8;

/// A product, and what of its record is not in it.
pub(super) struct ReadRecord {
    pub(super) product: Product,
    pub(super) left_out: Vec<RowFault>,
    /// Whether its id had to serve as the title.
    pub(super) is_untitled: bool,
}

/// Reads a record.
pub(super) fn product_of(
    record: &Object,
    options: &ImportOptions,
    line: u64,
) -> Result<ReadRecord, RowFault> {
    let fault = |column: &str, reason: String| RowFault { line, column: column.to_owned(), reason };
    let id = record.get("objectID").and_then(scalar).unwrap_or_default();
    let id = ProductId::new(id).map_err(|error| fault("objectID", error.to_string()))?;
    let mut reader = Reader { record, options, line, used: Vec::new(), left_out: Vec::new() };
    reader.used.extend(["objectID", "_tags", "_geoloc"]);
    reader.used.extend(OF_ANSWERS);
    let title = reader.text(&TITLE).map(|title| text::entities(&title));
    let is_untitled = title.is_none();
    let title = title.unwrap_or_else(|| id.as_str().to_owned());
    let mut product = Product::new(id, options.site.clone(), title);
    product.description = reader.text(&DESCRIPTION).and_then(|html| text::plain(&html));
    product.brand = named(record, &BRAND).and_then(|(_, value)| texts(value).into_iter().next());
    product.brand = product.brand.map(|brand| text::entities(&brand));
    product.categories = reader.categories();
    product.price = reader.money(&PRICE);
    product.list_price = reader.list_price(product.price);
    product.cost = reader.money(&COST);
    reader.used.extend(COST);
    product.availability = reader.availability();
    product.image_urls = reader.images();
    product.gtin = reader.text(&GTIN);
    product.published_at = reader.time();
    let tags = ["_tags", "tags"].iter().filter_map(|name| record.get(*name)).flat_map(texts);
    for tag in tags {
        if !product.tags.contains(&tag) {
            product.tags.push(tag);
        }
    }
    reader.used.push("tags");
    if product.brand.is_some() {
        reader.used.push("brand");
    }
    product.attributes = reader.attributes();
    product.validate().map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        fault("", faults.join("; "))
    })?;
    Ok(ReadRecord { product, left_out: reader.left_out, is_untitled })
}

/// One record under reading.
struct Reader<'a> {
    record: &'a Object,
    options: &'a ImportOptions,
    line: u64,
    /// Fields that are no attributes.
    used: Vec<&'a str>,
    left_out: Vec<RowFault>,
}

/// The first of these fields that is filled.
fn named<'a>(record: &'a Object, names: &[&'a str]) -> Option<(&'a str, &'a Value)> {
    let is_filled = |value: &&Value| match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    };
    names.iter().find_map(|name| Some((*name, record.get(*name).filter(is_filled)?)))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

/// The filled texts of a text or list.
fn texts(value: &Value) -> Vec<String> {
    let one = std::slice::from_ref(value);
    let all = value.as_array().map_or(one, Vec::as_slice);
    all.iter().filter_map(scalar).filter(|text| !text.is_empty()).collect()
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

impl<'a> Reader<'a> {
    fn leave_out(&mut self, column: &str, reason: &str) {
        let (column, reason) = (column.to_owned(), reason.to_owned());
        self.left_out.push(RowFault { line: self.line, column, reason });
    }

    fn text(&mut self, names: &[&'a str]) -> Option<String> {
        let (name, value) = named(self.record, names)?;
        let text = scalar(value)?;
        self.used.push(name);
        Some(text)
    }

    /// A price in major units, by itself or by currency: `{"USD": {"default": 12.5}}`, as the Magento extension
    /// writes it, or `{"USD": 12.5}`.
    fn money(&mut self, names: &[&'a str]) -> Option<Money> {
        let (name, value) = named(self.record, names)?;
        let currency = self.options.currency;
        let own = match value {
            Value::Object(by_currency) => {
                let own = by_currency.get(currency.as_str());
                own.map(|own| own.get("default").unwrap_or(own)).unwrap_or(&Value::Null)
            }
            _ => value,
        };
        let money = number(own).map(|number| Money::from_major(number, currency));
        match money {
            Some(Ok(money)) if money.minor() >= 0 => {
                self.used.push(name);
                Some(money)
            }
            _ => {
                let code = currency.as_str();
                self.leave_out(name, &format!("is no amount of {code}; the product comes without"));
                self.used.push(name);
                None
            }
        }
    }

    /// The price before a reduction; one that is none stays an attribute.
    fn list_price(&mut self, price: Option<Money>) -> Option<Money> {
        let n_used = self.used.len();
        let list = self.money(&LIST_PRICE)?;
        let is_reduced = price.is_none_or(|price| list.minor() > price.minor());
        if !is_reduced {
            self.used.truncate(n_used);
        }
        is_reduced.then_some(list)
    }

    /// Whether it can be bought. What is said of it and cannot be read is told; nothing said is in stock.
    fn availability(&mut self) -> Availability {
        let said = [named(self.record, &["availability"]), named(self.record, &IN_STOCK)];
        for (name, value) in said.into_iter().flatten() {
            self.used.push(name);
            if let Some(known) = scalar(value).and_then(|written| availability_of(&written)) {
                return known;
            }
            let reason = "does not say whether it can be bought; without another word the product counts as in stock. \
                          Say true or false, or in_stock, out_of_stock, preorder, discontinued";
            self.leave_out(name, reason);
        }
        Availability::InStock
    }

    fn images(&mut self) -> Vec<String> {
        let is_url = |url: &String| url.contains("//") || url.starts_with('/');
        for name in IMAGES {
            let urls = self.record.get(name).map(texts).unwrap_or_default();
            if !urls.is_empty() && urls.iter().all(is_url) {
                self.used.push(name);
                return urls.into_iter().take(Product::LIST_MAX).collect();
            }
        }
        Vec::new()
    }

    fn time(&mut self) -> Option<Timestamp> {
        let (name, value) = named(self.record, &PUBLISHED)?;
        let at = match number(value) {
            Some(moment) => Timestamp::from_ms((seconds_of(moment) * 1_000.0) as i64).ok(),
            None => value.as_str().and_then(|written| text::time(written).ok()),
        };
        if at.is_some() {
            self.used.push(name);
        }
        at
    }

    /// The paths of categories: of levels (`lvl0`, `lvl1`, …) the longest, else a list or text.
    fn categories(&mut self) -> Vec<String> {
        let mut paths: Vec<String> = Vec::new();
        for (name, value) in self.record {
            let Value::Object(levels) = value else { continue };
            let mut levels: Vec<(u8, &Value)> =
                levels.iter().filter_map(|(name, value)| Some((level_of(name)?, value))).collect();
            if levels.is_empty() {
                continue;
            }
            self.used.push(name);
            levels.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
            for path in levels.iter().flat_map(|(_, value)| texts(value)) {
                let path = path.replace(" /// ", " > ");
                let begins = |known: &String| {
                    known.strip_prefix(&path).is_some_and(|r| r.is_empty() || r.starts_with(" > "))
                };
                if !paths.iter().any(begins) {
                    paths.push(path);
                }
            }
        }
        if paths.is_empty() {
            let flat = named(self.record, &CATEGORY);
            paths = flat.map(|(_, value)| texts(value)).unwrap_or_default();
        }
        if !paths.is_empty() {
            self.used.push("categories");
        }
        paths.truncate(Product::LIST_MAX);
        paths
    }

    /// Everything else, in objects by `outer.inner`; of a list of objects each inner field is a list.
    fn attributes(&mut self) -> BTreeMap<String, AttributeValue> {
        let mut found = BTreeMap::new();
        for (name, value) in self.record {
            if !self.used.contains(&name.as_str()) && !collect(name, value, (0, false), &mut found)
            {
                self.leave_out(name, "has objects over 8 deep; that part is left out");
            }
        }
        if let Some(place) = self.record.get("_geoloc") {
            self.place(place, &mut found);
        }
        let is_cost = |name: &&String| COST.contains(&name.rsplit('.').next().unwrap_or_default());
        let costs: Vec<String> = found.keys().filter(is_cost).cloned().collect();
        for name in costs {
            found.remove(&name);
            self.leave_out(
                &name,
                "is left out: attributes are public, and this is what the shop pays",
            );
        }
        if found.len() > Product::ATTRIBUTES_MAX {
            let most = Product::ATTRIBUTES_MAX;
            let beyond: Vec<String> = found.keys().skip(most).cloned().collect();
            for name in beyond {
                found.remove(&name);
                self.leave_out(
                    &name,
                    &format!("is left out: a product has up to {most} attributes"),
                );
            }
        }
        found.into_iter().map(|(name, found)| (name, found.into_value())).collect()
    }

    /// Where the product itself is, as searches [around a place](crate::search) look for it.
    fn place(&mut self, place: &Value, found: &mut BTreeMap<String, Found>) {
        let place = match place.as_array().map(Vec::as_slice) {
            Some([one]) => one,
            Some([]) => return,
            Some(_) => {
                let reason = "has several places; name them as locations with their stock";
                return self.leave_out("_geoloc", reason);
            }
            None => place,
        };
        let number = |name: &str| place.get(name).and_then(number);
        match (number("lat"), number("lng")) {
            (Some(lat), Some(lng)) if lat.abs() <= 90.0 && lng.abs() <= 180.0 => {
                for (name, value) in [("_geo.lat", lat), ("_geo.lng", lng)] {
                    let value = AttributeValue::Number(value);
                    found.insert(name.to_owned(), Found { values: vec![value], is_list: false });
                }
            }
            _ => {
                self.leave_out("_geoloc", "is no place; give lat (-90 to 90) and lng (-180 to 180)")
            }
        }
    }
}

/// The values of one attribute.
struct Found {
    values: Vec<AttributeValue>,
    is_list: bool,
}

impl Found {
    fn into_value(mut self) -> AttributeValue {
        if !self.is_list && self.values.len() == 1 {
            return self.values.remove(0);
        }
        let mut texts = Vec::with_capacity(self.values.len());
        for value in self.values {
            let text = match value {
                AttributeValue::Text(text) => text,
                AttributeValue::Number(number) => number.to_string(),
                AttributeValue::Texts(_) => continue,
            };
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        AttributeValue::Texts(texts)
    }
}

/// Collects the values within a field; whether all of them could be.
fn collect(
    name: &str,
    value: &Value,
    (depth, is_list): (usize, bool),
    found: &mut BTreeMap<String, Found>,
) -> bool {
    let mut add = |value| {
        let known = found.entry(name.to_owned());
        let known = known.or_insert_with(|| Found { values: Vec::new(), is_list });
        known.values.push(value);
        true
    };
    match value {
        Value::Null => true,
        Value::Bool(yes) => add(AttributeValue::Text(yes.to_string())),
        Value::String(text) if text.trim().is_empty() => true,
        Value::String(text) => add(AttributeValue::Text(text.clone())),
        Value::Number(number) => add(match number.as_f64().filter(|number| number.is_finite()) {
            Some(number) => AttributeValue::Number(number),
            None => AttributeValue::Text(number.to_string()),
        }),
        Value::Array(_) | Value::Object(_) if depth == DEPTH_MAX => false,
        Value::Array(list) => {
            let each = list.iter().map(|value| collect(name, value, (depth + 1, true), found));
            each.filter(|is_whole| !is_whole).count() == 0
        }
        Value::Object(object) => {
            let each = object.iter().map(|(inner, value)| {
                collect(&format!("{name}.{inner}"), value, (depth + 1, is_list), found)
            });
            each.filter(|is_whole| !is_whole).count() == 0
        }
    }
}
