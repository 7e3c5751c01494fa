//! Products as JSON, the same in requests, imports and exports.
//!
//! Reading is strict and names all faults at once: an unknown field is more often a spelling
//! mistake than something to ignore. An amount is an integer of minor units; its currency may be
//! left out on the site whose currency is the default.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    AttributeValue, Availability, Currency, Money, Product, ProductError, ProductId, ProductPatch,
    SiteId, Timestamp, Translation, Variant,
};

mod faults;
mod rules;

pub use faults::FieldError;
use faults::{Faults, show};
pub use rules::{rule_from_json, rule_to_json};

/// Every field of a product, in the order of the documentation.
pub const PRODUCT_FIELDS: [&str; 18] = [
    "id",
    "site",
    "title",
    "description",
    "brand",
    "categories",
    "price",
    "list_price",
    "cost",
    "availability",
    "image_urls",
    "attributes",
    "tags",
    "gtin",
    "variants",
    "translations",
    "published_at",
    "perishable_days",
];

/// Who reads a product: what the shop pays is for the shop alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Anyone: without `cost`.
    Shopper,
    /// The shop's own people and exports: everything.
    Shop,
}

/// Reads a product. `site` is where it is sold when it does not say, and `currency` the one of
/// amounts on that site that do not say.
///
/// # Errors
///
/// Every fault, each with a JSON pointer from the product's own root.
pub fn product_from_json(
    value: &Value,
    site: &SiteId,
    currency: Currency,
) -> Result<Product, Vec<FieldError>> {
    let mut faults = Faults::default();
    let Some(object) = faults.object(value, "a product", &PRODUCT_FIELDS) else {
        return Err(faults.found);
    };
    let own_site = match object.get("site") {
        None | Some(Value::Null) => Some(site.clone()),
        Some(value) => faults.id("site", value, SiteId::new),
    };
    let default_currency = Some(currency).filter(|_| own_site.as_ref() == Some(site));
    let id = match object.get("id") {
        None => faults.missing("id", "every product needs a text such as \"p1\""),
        Some(value) => faults.id("id", value, ProductId::new),
    };
    let mut fields = Fields { faults: &mut faults, default_currency, mode: Mode::Product };
    let mut patch = fields.read(object);
    if !object.contains_key("title") {
        faults.missing::<()>("title", "every product needs a text");
    }
    let (Some(id), Some(site), Some(title)) = (id, own_site, patch.title.take()) else {
        return Err(faults.found);
    };
    let mut product = Product::new(id, site, title);
    product.apply(patch);
    // Prices and texts were checked above with their pointers; this adds what only the whole shows.
    if faults.found.is_empty()
        && let Err(errors) = product.validate()
    {
        faults.found.extend(errors.iter().map(from_product_error));
    }
    if faults.found.is_empty() { Ok(product) } else { Err(faults.found) }
}

fn from_product_error(error: &ProductError) -> FieldError {
    let field = match error {
        ProductError::TooLarge { field, .. }
        | ProductError::Empty { field }
        | ProductError::NegativePrice { field, .. } => field,
        ProductError::NotFinite { .. } => "attributes",
    };
    FieldError { pointer: format!("/{field}"), detail: error.to_string() }
}

/// Reads a change of a product: a field that is not there stays, `null` clears it. A list or map
/// replaces the old one as a whole. Amounts without a currency are in `currency`; `None` makes
/// naming it a duty.
///
/// # Errors
///
/// Every fault, each with a JSON pointer from the change's own root.
pub fn patch_from_json(
    value: &Value,
    currency: Option<Currency>,
) -> Result<ProductPatch, Vec<FieldError>> {
    let mut faults = Faults::default();
    // `id` and `site` say which product is meant, so they cannot change.
    let Some(object) = faults.object(value, "a change", &PRODUCT_FIELDS[2..]) else {
        return Err(faults.found);
    };
    let mut fields = Fields { faults: &mut faults, default_currency: currency, mode: Mode::Patch };
    let patch = fields.read(object);
    if faults.found.is_empty() { Ok(patch) } else { Err(faults.found) }
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Product,
    Patch,
}

/// Reads the fields that a product and a change share.
struct Fields<'a> {
    faults: &'a mut Faults,
    default_currency: Option<Currency>,
    mode: Mode,
}

impl Fields<'_> {
    fn read(&mut self, object: &Map<String, Value>) -> ProductPatch {
        let mut patch = ProductPatch::default();
        for (name, value) in object {
            match name.as_str() {
                "title" => patch.title = self.title(value),
                "description" => {
                    patch.description = self.clearable(name, value, |faults, value| {
                        faults.text_up_to(value, Product::DESCRIPTION_BYTES_MAX)
                    });
                }
                "brand" => patch.brand = self.clearable(name, value, Faults::text),
                "gtin" => patch.gtin = self.clearable(name, value, Faults::text),
                "categories" => patch.categories = self.texts(name, value),
                "image_urls" => patch.image_urls = self.texts(name, value),
                "tags" => patch.tags = self.texts(name, value),
                "price" => patch.price = self.money(name, value),
                "list_price" => patch.list_price = self.money(name, value),
                "cost" => patch.cost = self.money(name, value),
                "availability" => patch.availability = self.availability(value),
                "attributes" => {
                    patch.attributes = self
                        .emptiable(name, value, |fields, value| fields.faults.attributes(value));
                }
                "variants" => patch.variants = self.emptiable(name, value, Self::variants),
                "translations" => {
                    patch.translations = self
                        .emptiable(name, value, |fields, value| fields.faults.translations(value));
                }
                "published_at" => {
                    patch.published_at = self.clearable(name, value, Faults::timestamp);
                }
                "perishable_days" => {
                    patch.perishable_days = self.clearable(name, value, Faults::u32);
                }
                // `id` and `site` were read before, unknown names reported.
                _ => {}
            }
        }
        patch
    }

    fn title(&mut self, value: &Value) -> Option<String> {
        self.faults.at("title", |faults| {
            let title = faults.text_up_to(value, Product::TITLE_BYTES_MAX)?;
            if title.trim().is_empty() {
                return faults.fault("is empty; give a text that a shopper can read");
            }
            Some(title)
        })
    }

    fn availability(&mut self, value: &Value) -> Option<Availability> {
        if value.is_null() && self.mode == Mode::Product {
            return None;
        }
        self.faults.at("availability", |faults| faults.availability(value))
    }

    /// A value, or `null` for none.
    fn clearable<T>(
        &mut self,
        name: &str,
        value: &Value,
        read: impl FnOnce(&mut Faults, &Value) -> Option<T>,
    ) -> Option<Option<T>> {
        if value.is_null() {
            return Some(None);
        }
        self.faults.at(name, |faults| read(faults, value)).map(Some)
    }

    /// A list or map, or `null` for an empty one.
    fn emptiable<T: Default>(
        &mut self,
        name: &str,
        value: &Value,
        read: impl FnOnce(&mut Self, &Value) -> Option<T>,
    ) -> Option<T> {
        if value.is_null() {
            return Some(T::default());
        }
        self.faults.enter(name);
        let read = read(self, value);
        self.faults.leave();
        read
    }

    fn texts(&mut self, name: &str, value: &Value) -> Option<Vec<String>> {
        self.emptiable(name, value, |fields, value| {
            fields.faults.list(value, |faults, value| {
                let text = faults.text(value)?;
                if text.is_empty() { faults.fault("is empty; leave it out") } else { Some(text) }
            })
        })
    }

    fn money(&mut self, name: &str, value: &Value) -> Option<Option<Money>> {
        let currency = self.default_currency;
        self.clearable(name, value, |faults, value| faults.money(value, currency))
    }

    fn variants(&mut self, value: &Value) -> Option<Vec<Variant>> {
        let currency = self.default_currency;
        let variants =
            self.faults.list(value, |faults, value| read_variant(faults, value, currency))?;
        let mut seen = std::collections::BTreeSet::new();
        let twice = variants.iter().position(|variant| !seen.insert(&variant.id));
        if let Some(place) = twice {
            let detail = format!("`{}` stands twice among the variants", variants[place].id);
            return self.faults.at(&format!("{place}/id"), |faults| faults.fault(detail));
        }
        Some(variants)
    }
}

fn read_variant(faults: &mut Faults, value: &Value, currency: Option<Currency>) -> Option<Variant> {
    let known = ["id", "title", "attributes", "price", "availability"];
    let object = faults.object(value, "a variant", &known)?;
    let id = match object.get("id") {
        None => faults.missing("id", "every variant needs a text such as \"v1\""),
        Some(value) => faults.id("id", value, crate::VariantId::new),
    };
    let optional = |name: &str| object.get(name).filter(|value| !value.is_null());
    let (title, attributes) = (optional("title"), optional("attributes"));
    let (price, availability) = (optional("price"), optional("availability"));
    let title = title.map(|value| faults.at("title", |faults| faults.text(value)));
    let attributes =
        attributes.map(|value| faults.at("attributes", |faults| faults.attributes(value)));
    let price = price.map(|value| faults.at("price", |faults| faults.money(value, currency)));
    let availability =
        availability.map(|value| faults.at("availability", |faults| faults.availability(value)));
    Some(Variant {
        id: id?,
        title: title.flatten(),
        attributes: attributes.flatten().unwrap_or_default(),
        price: price.flatten(),
        availability: availability.flatten().unwrap_or_default(),
    })
}

/// A whole number. JSON has one kind of number, so 12.0 is as whole as 12; above 2^53 digits are lost.
fn whole(value: &Value) -> Option<i64> {
    let from_float = |number: f64| {
        let is_whole = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
        is_whole.then_some(number as i64)
    };
    value.as_i64().or_else(|| value.as_f64().filter(|_| value.is_f64()).and_then(from_float))
}

impl Faults {
    fn availability(&mut self, value: &Value) -> Option<Availability> {
        let known = value.as_str().and_then(Availability::parse);
        known.or_else(|| {
            let names = Availability::ALL.map(Availability::as_str).join(", ");
            self.fault(format!("is {}; must be one of {names}", show(value)))
        })
    }

    fn timestamp(&mut self, value: &Value) -> Option<Timestamp> {
        let text = self.text(value)?;
        Timestamp::parse(&text).map_err(|error| self.fault::<()>(error.to_string())).ok()
    }

    fn u32(&mut self, value: &Value) -> Option<u32> {
        let number = whole(value).and_then(|number| u32::try_from(number).ok());
        number.or_else(|| {
            self.fault(format!("is {}; must be an integer from 0 to {}", show(value), u32::MAX))
        })
    }

    fn money(&mut self, value: &Value, default: Option<Currency>) -> Option<Money> {
        let object = self.object(value, "an amount", &["amount", "currency"])?;
        let currency = match object.get("currency") {
            None | Some(Value::Null) => match default {
                Some(currency) => Some(currency),
                None => self.missing("currency", "write for example \"USD\""),
            },
            Some(value) => self.at("currency", |faults| {
                let code = faults.text(value)?;
                Currency::parse(&code).map_err(|error| faults.fault::<()>(error.to_string())).ok()
            }),
        };
        let minor = match object.get("amount") {
            None => self.missing("amount", "write minor units, 1299 for 12.99"),
            Some(value) => self.at("amount", |faults| faults.minor(value)),
        };
        Some(Money::from_minor(minor?, currency?))
    }

    fn minor(&mut self, value: &Value) -> Option<i64> {
        match whole(value) {
            Some(minor @ 0..=Money::MINOR_MAX) => Some(minor),
            Some(minor) if minor < 0 => self.fault(format!("is {minor}; must be at least 0")),
            _ if value.is_number() && !value.is_f64() => {
                self.fault(format!("is {value}; the limit is {}", Money::MINOR_MAX))
            }
            _ => self.fault(format!(
                "is {}; must be an integer of minor units, 1299 for 12.99",
                show(value)
            )),
        }
    }

    fn attributes(&mut self, value: &Value) -> Option<BTreeMap<String, AttributeValue>> {
        self.map(value, Product::ATTRIBUTES_MAX, |faults, value| match value {
            Value::String(text) => Some(AttributeValue::Text(text.clone())),
            Value::Number(number) => number.as_f64().map(AttributeValue::Number),
            Value::Array(_) => faults.list(value, Faults::text).map(AttributeValue::Texts),
            _ => faults
                .fault(format!("is {}; must be a text, a number or a list of texts", show(value))),
        })
    }

    fn translations(&mut self, value: &Value) -> Option<BTreeMap<String, Translation>> {
        self.map(value, Product::LIST_MAX, |faults, value| {
            let object = faults.object(value, "a translation", &["title", "description"])?;
            let mut text = |name: &str, limit| match object.get(name) {
                None | Some(Value::Null) => None,
                Some(value) => faults.at(name, |faults| faults.text_up_to(value, limit)),
            };
            Some(Translation {
                title: text("title", Product::TITLE_BYTES_MAX),
                description: text("description", Product::DESCRIPTION_BYTES_MAX),
            })
        })
    }
}

/// A product as JSON, without the fields that it does not have.
pub fn product_to_json(product: &Product, audience: Audience) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            object.insert(name.to_owned(), value);
        }
    };
    let cost = product.cost.filter(|_| audience == Audience::Shop);
    put("id", Some(product.id.as_str().into()));
    put("site", Some(product.site.as_str().into()));
    put("title", Some(product.title.as_str().into()));
    put("description", product.description.as_deref().map(Value::from));
    put("brand", product.brand.as_deref().map(Value::from));
    put("categories", non_empty(&product.categories));
    put("price", product.price.map(money_to_json));
    put("list_price", product.list_price.map(money_to_json));
    put("cost", cost.map(money_to_json));
    put("availability", Some(product.availability.as_str().into()));
    put("image_urls", non_empty(&product.image_urls));
    put("attributes", attributes_to_json(&product.attributes));
    put("tags", non_empty(&product.tags));
    put("gtin", product.gtin.as_deref().map(Value::from));
    put("variants", variants_to_json(&product.variants));
    put("translations", translations_to_json(&product.translations));
    put("published_at", product.published_at.map(|at| at.to_string().into()));
    put("perishable_days", product.perishable_days.map(Value::from));
    Value::Object(object)
}

/// An amount as JSON: minor units and currency.
pub fn money_to_json(money: Money) -> Value {
    json!({ "amount": money.minor(), "currency": money.currency().as_str() })
}

fn non_empty(texts: &[String]) -> Option<Value> {
    (!texts.is_empty()).then(|| texts.into())
}

fn attributes_to_json(attributes: &BTreeMap<String, AttributeValue>) -> Option<Value> {
    let value = |value: &AttributeValue| match value {
        AttributeValue::Text(text) => text.as_str().into(),
        AttributeValue::Number(number) => number_to_json(*number),
        AttributeValue::Texts(texts) => texts.as_slice().into(),
    };
    let object: Map<String, Value> =
        attributes.iter().map(|(name, held)| (name.clone(), value(held))).collect();
    (!object.is_empty()).then_some(Value::Object(object))
}

/// Whole numbers without a point, as they are usually written.
fn number_to_json(number: f64) -> Value {
    let integer = number as i64;
    // Up to 2^53 every integer is exact.
    if integer as f64 == number && integer.unsigned_abs() <= 1 << 53 {
        return integer.into();
    }
    number.into()
}

fn variants_to_json(variants: &[Variant]) -> Option<Value> {
    let one = |variant: &Variant| {
        let mut object = Map::new();
        object.insert("id".into(), variant.id.as_str().into());
        let fields = [
            ("title", variant.title.as_deref().map(Value::from)),
            ("attributes", attributes_to_json(&variant.attributes)),
            ("price", variant.price.map(money_to_json)),
            ("availability", Some(variant.availability.as_str().into())),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                object.insert(name.into(), value);
            }
        }
        Value::Object(object)
    };
    (!variants.is_empty()).then(|| variants.iter().map(one).collect())
}

fn translations_to_json(translations: &BTreeMap<String, Translation>) -> Option<Value> {
    let one = |translation: &Translation| {
        let fields = [("title", &translation.title), ("description", &translation.description)];
        let present = fields.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?)));
        present.map(|(name, text)| (name.to_owned(), text.as_str().into())).collect()
    };
    let object: Map<String, Value> =
        translations.iter().map(|(tag, held)| (tag.clone(), Value::Object(one(held)))).collect();
    (!object.is_empty()).then_some(Value::Object(object))
}

#[cfg(test)]
mod tests;
