//! A product as clients see it: without its cost.

use serde_json::{Map, Value, json};
use souk_core::{AttributeValue, Money, Product, Variant};

/// The product as JSON text in the shape of the catalogue's contract, without its cost.
pub(super) fn public_json(product: &Product) -> String {
    let mut map = Map::new();
    map.insert("id".into(), product.id.as_str().into());
    map.insert("title".into(), product.title.as_str().into());
    put_text(&mut map, "description", product.description.as_deref());
    put_text(&mut map, "brand", product.brand.as_deref());
    put_list(&mut map, "categories", &product.categories);
    put_money(&mut map, "price", product.price);
    put_money(&mut map, "list_price", product.list_price);
    map.insert("availability".into(), product.availability.as_str().into());
    put_list(&mut map, "image_urls", &product.image_urls);
    if !product.attributes.is_empty() {
        map.insert("attributes".into(), attributes(&product.attributes));
    }
    put_list(&mut map, "tags", &product.tags);
    put_text(&mut map, "gtin", product.gtin.as_deref());
    if !product.variants.is_empty() {
        map.insert("variants".into(), product.variants.iter().map(variant).collect());
    }
    if !product.translations.is_empty() {
        let texts = product.translations.iter().map(|(language, translation)| {
            let mut map = Map::new();
            put_text(&mut map, "title", translation.title.as_deref());
            put_text(&mut map, "description", translation.description.as_deref());
            (language.clone(), Value::Object(map))
        });
        map.insert("translations".into(), Value::Object(texts.collect()));
    }
    put_text(&mut map, "published_at", product.published_at.map(|at| at.to_string()).as_deref());
    if let Some(days) = product.perishable_days {
        map.insert("perishable_days".into(), days.into());
    }
    Value::Object(map).to_string()
}

fn variant(variant: &Variant) -> Value {
    let mut map = Map::new();
    map.insert("id".into(), variant.id.as_str().into());
    put_text(&mut map, "title", variant.title.as_deref());
    if !variant.attributes.is_empty() {
        map.insert("attributes".into(), attributes(&variant.attributes));
    }
    put_money(&mut map, "price", variant.price);
    map.insert("availability".into(), variant.availability.as_str().into());
    Value::Object(map)
}

fn attributes(attributes: &std::collections::BTreeMap<String, AttributeValue>) -> Value {
    let values = attributes.iter().map(|(name, value)| {
        let value = match value {
            AttributeValue::Text(text) => json!(text),
            AttributeValue::Number(number) => json!(number),
            AttributeValue::Texts(texts) => json!(texts),
        };
        (name.clone(), value)
    });
    Value::Object(values.collect())
}

fn put_text(map: &mut Map<String, Value>, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        map.insert(name.to_owned(), text.into());
    }
}

fn put_list(map: &mut Map<String, Value>, name: &str, texts: &[String]) {
    if !texts.is_empty() {
        map.insert(name.to_owned(), json!(texts));
    }
}

fn put_money(map: &mut Map<String, Value>, name: &str, money: Option<Money>) {
    if let Some(money) = money {
        let value = json!({"amount": money.minor(), "currency": money.currency().as_str()});
        map.insert(name.to_owned(), value);
    }
}
