//! Documents and products. A document is any JSON object; a product has fields of its own, and everything else
//! becomes attributes. What a field only lends its meaning to (`name` as the title) stays an attribute as well, so
//! that a document comes back with all its fields.

use serde_json::{Map, Value, json};
use souk_core::Currency;
use souk_core::wire::json::{Audience, PRODUCT_FIELDS, product_from_json, product_to_json};
use souk_core::{Product, SiteId};

/// Whether a document may have a field of a product as it is.
fn is_own(name: &str) -> bool {
    PRODUCT_FIELDS.contains(&name) && !matches!(name, "id" | "site" | "attributes")
}

/// Other names under which documents have a title, and pictures.
const TITLES: [&str; 3] = ["name", "product_name", "label"];
const IMAGES: [&str; 5] = ["image", "image_url", "image_link", "images", "thumbnail"];
/// Objects inside of each other.
const DEPTH_MAX: usize = 8;

/// Whose documents they are.
pub(crate) struct Home<'a> {
    pub(crate) site: &'a SiteId,
    pub(crate) currency: Currency,
}

/// The field that names documents: the one that was asked for, `id`, or the only one whose name ends so.
pub(crate) fn primary_key(
    document: &Map<String, Value>,
    asked: Option<&str>,
) -> Result<String, String> {
    if let Some(asked) = asked {
        return Ok(asked.to_owned());
    }
    if document.contains_key("id") {
        return Ok("id".to_owned());
    }
    let ends = |name: &&String| name.to_lowercase().ends_with("id");
    let found: Vec<&String> = document.keys().filter(ends).collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err("has no field whose name ends in `id`; name one with `primaryKey`".to_owned()),
        _ => {
            Err("has several fields whose names end in `id`; name one with `primaryKey`".to_owned())
        }
    }
}

/// Reads a document.
pub(crate) fn to_product(
    document: &Map<String, Value>,
    key: &str,
    home: &Home<'_>,
) -> Result<Product, String> {
    let id = match document.get(key) {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) if id.is_i64() || id.is_u64() => id.to_string(),
        Some(_) => return Err(format!("has a `{key}` that is neither a text nor a whole number")),
        None => return Err(format!("has no `{key}`")),
    };
    let mut product = Map::new();
    let mut attributes = Map::new();
    for (name, value) in document {
        match (name.as_str(), value) {
            (_, Value::Null) => {}
            ("id", _) => {}
            ("site", _) if key != "site" => {}
            ("in_stock", Value::Bool(yes)) => {
                let state = if *yes { "in_stock" } else { "out_of_stock" };
                product.entry("availability").or_insert_with(|| state.into());
            }
            ("price" | "list_price" | "cost", _) => {
                product.insert(name.clone(), money(value, home.currency));
            }
            ("categories" | "tags" | "image_urls", Value::String(one)) => {
                product.insert(name.clone(), json!([one]));
            }
            ("published_at", Value::Number(seconds)) => {
                let at = seconds.as_i64().and_then(|s| s.checked_mul(1_000));
                let at = at.and_then(|ms| souk_core::Timestamp::from_ms(ms).ok());
                product.insert(name.clone(), at.map_or(value.clone(), |at| at.to_string().into()));
            }
            (_, _) if is_own(name) => {
                product.insert(name.clone(), value.clone());
            }
            _ => flatten(name, value, 0, &mut attributes)?,
        }
    }
    let text = |names: &[&str]| {
        let found = names.iter().find_map(|name| document.get(*name)?.as_str());
        found.filter(|text| !text.trim().is_empty()).map(str::to_owned)
    };
    if !product.contains_key("title") {
        product.insert("title".to_owned(), text(&TITLES).unwrap_or_else(|| id.clone()).into());
    }
    if !product.contains_key("image_urls")
        && let Some(images) = IMAGES.iter().find_map(|name| urls(document.get(*name)?))
    {
        product.insert("image_urls".to_owned(), images);
    }
    if !product.contains_key("categories")
        && let Some(category) = document.get("category").and_then(texts)
    {
        product.insert("categories".to_owned(), category);
    }
    product.insert("id".to_owned(), id.into());
    product.insert("attributes".to_owned(), Value::Object(attributes));
    let read = product_from_json(&Value::Object(product), home.site, home.currency);
    read.map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        format!("cannot be a product: {}", faults.join("; "))
    })
}

/// A number in major units as an amount; anything else is left to the reader of products.
fn money(value: &Value, currency: Currency) -> Value {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let money = number.and_then(|number| souk_core::Money::from_major(number, currency).ok());
    match money {
        Some(money) => json!({"amount": money.minor(), "currency": currency.as_str()}),
        None => value.clone(),
    }
}

fn texts(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) if !text.is_empty() => Some(json!([text])),
        Value::Array(list) if list.iter().all(Value::is_string) && !list.is_empty() => {
            Some(value.clone())
        }
        _ => None,
    }
}

fn urls(value: &Value) -> Option<Value> {
    let is_url =
        |url: &Value| url.as_str().is_some_and(|url| url.contains("//") || url.starts_with('/'));
    texts(value).filter(|list| list.as_array().is_some_and(|list| list.iter().all(is_url)))
}

/// Writes a value as attributes; those of an object are named `object.attribute`, as filters name them.
fn flatten(
    name: &str,
    value: &Value,
    depth: usize,
    attributes: &mut Map<String, Value>,
) -> Result<(), String> {
    let scalar = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    };
    match value {
        Value::Null => {}
        Value::Number(_) | Value::String(_) => {
            attributes.insert(name.to_owned(), value.clone());
        }
        Value::Bool(yes) => {
            attributes.insert(name.to_owned(), yes.to_string().into());
        }
        Value::Array(list) => {
            let texts: Option<Vec<String>> = list.iter().map(scalar).collect();
            let texts = texts.ok_or_else(|| {
                format!(
                    "has a list of objects or lists in `{name}`, which Souk does not support; send the values as \
                     lists of their own"
                )
            })?;
            if !texts.is_empty() {
                attributes.insert(name.to_owned(), texts.into());
            }
        }
        Value::Object(_) if depth == DEPTH_MAX => {
            return Err(format!("has objects over {DEPTH_MAX} deep in `{name}`"));
        }
        Value::Object(object) => {
            for (inner, value) in object {
                flatten(&format!("{name}.{inner}"), value, depth + 1, attributes)?;
            }
        }
    }
    Ok(())
}

/// A product as the document that it came from, with the fields that Souk adds.
pub(crate) fn of_product(product: &Product, audience: Audience) -> Map<String, Value> {
    of_json(product_to_json(product, audience))
}

/// The same, from the JSON of a product.
pub(crate) fn of_json(product: Value) -> Map<String, Value> {
    let Value::Object(mut document) = product else { return Map::new() };
    let attributes = document.remove("attributes");
    document.remove("site");
    for name in ["price", "list_price", "cost"] {
        if let Some(amount) = document.get(name).and_then(major) {
            document.insert(name.to_owned(), amount);
        }
    }
    if let Some(Value::Object(attributes)) = attributes {
        for (name, value) in attributes {
            let value = match value.as_str() {
                Some("true") => Value::Bool(true),
                Some("false") => Value::Bool(false),
                _ => value,
            };
            nest(&mut document, &name, value);
        }
    }
    document
}

fn major(money: &Value) -> Option<Value> {
    let currency = Currency::parse(money.get("currency")?.as_str()?).ok()?;
    let major = souk_core::Money::from_minor(money.get("amount")?.as_i64()?, currency).as_major();
    // Whole amounts without a point, as they are usually written.
    Some(if major.fract() == 0.0 && major.abs() < 1e15 {
        json!(major as i64)
    } else {
        json!(major)
    })
}

/// Puts `a.b` into the object `a`.
fn nest(document: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        Some((outer, inner)) if !outer.is_empty() && !inner.is_empty() => {
            let place = document.entry(outer.to_owned()).or_insert_with(|| json!({}));
            match place {
                Value::Object(object) => nest(object, inner, value),
                _ => {
                    document.entry(name.to_owned()).or_insert(value);
                }
            }
        }
        _ => {
            document.entry(name.to_owned()).or_insert(value);
        }
    }
}

/// Changes some fields of a document; what one of them lent its meaning to is read anew.
pub(crate) fn merge(known: &mut Map<String, Value>, change: Map<String, Value>) {
    let lent: [(&str, &[&str]); 4] = [
        ("title", &TITLES),
        ("image_urls", &IMAGES),
        ("categories", &["category"]),
        ("availability", &["in_stock"]),
    ];
    for (own, lenders) in lent {
        if !change.contains_key(own) && lenders.iter().any(|name| change.contains_key(*name)) {
            known.remove(own);
        }
    }
    known.extend(change);
}

/// The parts of a document that were asked for; `*` is all of them.
pub(crate) fn only(document: &Map<String, Value>, fields: &[String]) -> Map<String, Value> {
    if fields.iter().any(|field| field == "*") {
        return document.clone();
    }
    let mut kept = Map::new();
    for field in fields {
        let outer = field.split('.').next().unwrap_or_default();
        match (document.get(field), document.get(outer)) {
            (Some(value), _) => {
                kept.insert(field.clone(), value.clone());
            }
            (None, Some(Value::Object(inner))) => {
                let rest = field[outer.len()..].trim_start_matches('.').to_owned();
                let inner = Value::Object(only(inner, &[rest]));
                match kept.get_mut(outer) {
                    Some(Value::Object(known)) => {
                        known.extend(inner.as_object().cloned().unwrap_or_default());
                    }
                    _ => {
                        kept.insert(outer.to_owned(), inner);
                    }
                }
            }
            _ => {}
        }
    }
    kept
}
