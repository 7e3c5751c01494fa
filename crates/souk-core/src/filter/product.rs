//! Filters on products.

use super::{Field, FieldValue, Fields};
use crate::{AttributeValue, Availability, Product};

impl Fields for Product {
    /// A product without a price of its own has those of its variants; an attribute has the
    /// product's value and those of its variants.
    fn any_value(&self, field: &Field, test: &mut dyn FnMut(FieldValue<'_>) -> bool) -> bool {
        let mut text =
            |text: Option<&String>| text.is_some_and(|text| test(FieldValue::Text(text)));
        match field {
            Field::Id => test(FieldValue::Text(self.id.as_str())),
            Field::Title => text(Some(&self.title)),
            Field::Brand => text(self.brand.as_ref()),
            Field::Gtin => text(self.gtin.as_ref()),
            Field::Tags => self.tags.iter().any(|tag| text(Some(tag))),
            Field::Price => match self.price {
                Some(price) => test(FieldValue::Number(price.as_major())),
                None => {
                    let mut prices = self.variants.iter().filter_map(|variant| variant.price);
                    prices.any(|price| test(FieldValue::Number(price.as_major())))
                }
            },
            Field::ListPrice => {
                self.list_price.is_some_and(|price| test(FieldValue::Number(price.as_major())))
            }
            Field::Availability => test(FieldValue::Text(self.availability.as_str())),
            Field::InStock => test(FieldValue::Bool(self.availability == Availability::InStock)),
            Field::Categories => self.categories.iter().any(|path| test(FieldValue::Path(path))),
            Field::PublishedAt => self.published_at.is_some_and(|at| test(FieldValue::Time(at))),
            Field::PerishableDays => {
                self.perishable_days.is_some_and(|days| test(FieldValue::Number(f64::from(days))))
            }
            Field::Attribute(name) => {
                let own = self.attributes.get(&**name).into_iter();
                let variants = self.variants.iter();
                own.chain(variants.filter_map(|variant| variant.attributes.get(&**name)))
                    .any(|value| any_of_attribute(value, test))
            }
        }
    }
}

fn any_of_attribute(value: &AttributeValue, test: &mut dyn FnMut(FieldValue<'_>) -> bool) -> bool {
    match value {
        AttributeValue::Text(text) => test(FieldValue::Text(text)),
        AttributeValue::Number(number) => test(FieldValue::Number(*number)),
        AttributeValue::Texts(texts) => texts.iter().any(|text| test(FieldValue::Text(text))),
    }
}
