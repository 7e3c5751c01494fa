//! Products and their changes as bytes: a set of flags for the fields that are there, then those
//! fields in the order of the flags.

use std::collections::BTreeMap;

use super::bytes::{Reader, WireError, Writer};
use super::event::read_variant_id;
use super::event::{flag, read_flags, read_product_id, read_rest, read_site, read_u32, write_rest};
use crate::{AttributeValue, Availability, Product, ProductPatch, Translation, Variant};

/// Fields of a product or patch, as bits of its flags. The common ones come first.
mod field {
    pub(super) const BRAND: u64 = 1;
    pub(super) const CATEGORIES: u64 = 1 << 1;
    pub(super) const PRICE: u64 = 1 << 2;
    pub(super) const ATTRIBUTES: u64 = 1 << 3;
    pub(super) const DESCRIPTION: u64 = 1 << 4;
    pub(super) const IMAGE_URLS: u64 = 1 << 5;
    pub(super) const TAGS: u64 = 1 << 6;
    pub(super) const LIST_PRICE: u64 = 1 << 7;
    pub(super) const COST: u64 = 1 << 8;
    pub(super) const GTIN: u64 = 1 << 9;
    pub(super) const VARIANTS: u64 = 1 << 10;
    pub(super) const TRANSLATIONS: u64 = 1 << 11;
    pub(super) const PUBLISHED_AT: u64 = 1 << 12;
    pub(super) const PERISHABLE_DAYS: u64 = 1 << 13;
    /// Not the default: in stock.
    pub(super) const AVAILABILITY: u64 = 1 << 14;
    /// In a product: the site is not `main`. In a patch: the title.
    pub(super) const SITE_OR_TITLE: u64 = 1 << 15;
    pub(super) const ALL: u64 = (1 << 16) - 1;
    /// Fields that a patch can clear and not only replace.
    pub(super) const CLEARABLE: u64 =
        BRAND | PRICE | DESCRIPTION | LIST_PRICE | COST | GTIN | PUBLISHED_AT | PERISHABLE_DAYS;
}

fn bit(condition: bool, bit: u64) -> u64 {
    if condition { bit } else { 0 }
}

/// A product as bytes, with the version before it.
pub fn encode_product(product: &Product) -> Vec<u8> {
    let mut w = Writer::over(Vec::with_capacity(128));
    w.u8(super::VERSION);
    write_product(product, &mut w);
    w.into_bytes()
}

/// Reads what [`encode_product`] wrote, of any version that was ever released.
///
/// # Errors
///
/// [`WireError`] for any other bytes, also when some are left at the end.
pub fn decode_product(bytes: &[u8]) -> Result<Product, WireError> {
    let mut r = Reader::new(bytes);
    r.version()?;
    let product = read_product(&mut r)?;
    r.end()?;
    Ok(product)
}

/// A product inside something that names its own version.
pub fn write_product(product: &Product, w: &mut Writer) {
    let other_site = product.site.as_str() != "main";
    let flags = bit(product.brand.is_some(), field::BRAND)
        | bit(!product.categories.is_empty(), field::CATEGORIES)
        | bit(product.price.is_some(), field::PRICE)
        | bit(!product.attributes.is_empty(), field::ATTRIBUTES)
        | bit(product.description.is_some(), field::DESCRIPTION)
        | bit(!product.image_urls.is_empty(), field::IMAGE_URLS)
        | bit(!product.tags.is_empty(), field::TAGS)
        | bit(product.list_price.is_some(), field::LIST_PRICE)
        | bit(product.cost.is_some(), field::COST)
        | bit(product.gtin.is_some(), field::GTIN)
        | bit(!product.variants.is_empty(), field::VARIANTS)
        | bit(!product.translations.is_empty(), field::TRANSLATIONS)
        | bit(product.published_at.is_some(), field::PUBLISHED_AT)
        | bit(product.perishable_days.is_some(), field::PERISHABLE_DAYS)
        | bit(product.availability != Availability::InStock, field::AVAILABILITY)
        | bit(other_site, field::SITE_OR_TITLE);
    w.varint(flags);
    w.id(product.id.as_str());
    w.text(&product.title);
    if other_site {
        w.id(product.site.as_str());
    }
    write_fields(flags, &FieldsOf::product(product), w);
}

/// Reads what [`write_product`] wrote.
///
/// # Errors
///
/// [`WireError`] for any other bytes.
pub fn read_product(r: &mut Reader<'_>) -> Result<Product, WireError> {
    let flags = read_wide_flags(r, field::ALL, "flags of a product")?;
    let id = read_product_id(r)?;
    let title = r.text()?.to_owned();
    let site = match flags & field::SITE_OR_TITLE {
        0 => crate::SiteId::main(),
        _ => read_site(r)?,
    };
    let mut product = Product::new(id, site, title);
    product.apply(read_fields(flags & !field::SITE_OR_TITLE, r)?);
    Ok(product)
}

/// Writes a change: which fields, which of them are cleared, then the others' values.
pub(super) fn write_patch(patch: &ProductPatch, w: &mut Writer) {
    let named = bit(patch.brand.is_some(), field::BRAND)
        | bit(patch.categories.is_some(), field::CATEGORIES)
        | bit(patch.price.is_some(), field::PRICE)
        | bit(patch.attributes.is_some(), field::ATTRIBUTES)
        | bit(patch.description.is_some(), field::DESCRIPTION)
        | bit(patch.image_urls.is_some(), field::IMAGE_URLS)
        | bit(patch.tags.is_some(), field::TAGS)
        | bit(patch.list_price.is_some(), field::LIST_PRICE)
        | bit(patch.cost.is_some(), field::COST)
        | bit(patch.gtin.is_some(), field::GTIN)
        | bit(patch.variants.is_some(), field::VARIANTS)
        | bit(patch.translations.is_some(), field::TRANSLATIONS)
        | bit(patch.published_at.is_some(), field::PUBLISHED_AT)
        | bit(patch.perishable_days.is_some(), field::PERISHABLE_DAYS)
        | bit(patch.availability.is_some(), field::AVAILABILITY)
        | bit(patch.title.is_some(), field::SITE_OR_TITLE);
    let cleared = bit(patch.brand == Some(None), field::BRAND)
        | bit(patch.price == Some(None), field::PRICE)
        | bit(patch.description == Some(None), field::DESCRIPTION)
        | bit(patch.list_price == Some(None), field::LIST_PRICE)
        | bit(patch.cost == Some(None), field::COST)
        | bit(patch.gtin == Some(None), field::GTIN)
        | bit(patch.published_at == Some(None), field::PUBLISHED_AT)
        | bit(patch.perishable_days == Some(None), field::PERISHABLE_DAYS);
    w.varint(named);
    w.varint(cleared);
    if let Some(title) = &patch.title {
        w.text(title);
    }
    write_fields(named & !cleared, &FieldsOf::patch(patch), w);
}

/// Reads what [`write_patch`] wrote.
pub(super) fn read_patch(r: &mut Reader<'_>) -> Result<ProductPatch, WireError> {
    let named = read_wide_flags(r, field::ALL, "flags of a product's change")?;
    let cleared = read_wide_flags(r, named & field::CLEARABLE, "flags of cleared fields")?;
    let title = match named & field::SITE_OR_TITLE {
        0 => None,
        _ => Some(r.text()?.to_owned()),
    };
    let mut patch = read_fields(named & !cleared & !field::SITE_OR_TITLE, r)?;
    patch.title = title;
    macro_rules! clear {
        ($($name:ident $flag:ident),*) => {
            $(if cleared & field::$flag != 0 { patch.$name = Some(None); })*
        };
    }
    clear!(
        brand BRAND, price PRICE, description DESCRIPTION, list_price LIST_PRICE, cost COST,
        gtin GTIN, published_at PUBLISHED_AT, perishable_days PERISHABLE_DAYS
    );
    Ok(patch)
}

/// The fields that product and patch share, borrowed from either.
struct FieldsOf<'a> {
    brand: Option<&'a str>,
    categories: &'a [String],
    price: Option<crate::Money>,
    attributes: Option<&'a BTreeMap<String, AttributeValue>>,
    description: Option<&'a str>,
    image_urls: &'a [String],
    tags: &'a [String],
    list_price: Option<crate::Money>,
    cost: Option<crate::Money>,
    gtin: Option<&'a str>,
    variants: &'a [Variant],
    translations: Option<&'a BTreeMap<String, Translation>>,
    published_at: Option<crate::Timestamp>,
    perishable_days: Option<u32>,
    availability: Availability,
}

impl<'a> FieldsOf<'a> {
    fn product(product: &'a Product) -> FieldsOf<'a> {
        FieldsOf {
            brand: product.brand.as_deref(),
            categories: &product.categories,
            price: product.price,
            attributes: Some(&product.attributes),
            description: product.description.as_deref(),
            image_urls: &product.image_urls,
            tags: &product.tags,
            list_price: product.list_price,
            cost: product.cost,
            gtin: product.gtin.as_deref(),
            variants: &product.variants,
            translations: Some(&product.translations),
            published_at: product.published_at,
            perishable_days: product.perishable_days,
            availability: product.availability,
        }
    }

    fn patch(patch: &'a ProductPatch) -> FieldsOf<'a> {
        fn text(field: Option<&Option<String>>) -> Option<&str> {
            field.and_then(Option::as_deref)
        }
        FieldsOf {
            brand: text(patch.brand.as_ref()),
            categories: patch.categories.as_deref().unwrap_or_default(),
            price: patch.price.flatten(),
            attributes: patch.attributes.as_ref(),
            description: text(patch.description.as_ref()),
            image_urls: patch.image_urls.as_deref().unwrap_or_default(),
            tags: patch.tags.as_deref().unwrap_or_default(),
            list_price: patch.list_price.flatten(),
            cost: patch.cost.flatten(),
            gtin: text(patch.gtin.as_ref()),
            variants: patch.variants.as_deref().unwrap_or_default(),
            translations: patch.translations.as_ref(),
            published_at: patch.published_at.flatten(),
            perishable_days: patch.perishable_days.flatten(),
            availability: patch.availability.unwrap_or_default(),
        }
    }
}

/// Writes the fields that `flags` names, in the order of their bits. A field without a value is
/// never named: the flags were made from the same values.
fn write_fields(flags: u64, fields: &FieldsOf<'_>, w: &mut Writer) {
    let named = |bit: u64| flags & bit != 0;
    if let Some(brand) = fields.brand {
        w.text(brand);
    }
    if named(field::CATEGORIES) {
        write_texts(fields.categories, w);
    }
    if let Some(price) = fields.price {
        w.money(price);
    }
    if let Some(attributes) = fields.attributes.filter(|_| named(field::ATTRIBUTES)) {
        write_attributes(attributes, w);
    }
    if let Some(description) = fields.description {
        w.text(description);
    }
    if named(field::IMAGE_URLS) {
        write_texts(fields.image_urls, w);
    }
    if named(field::TAGS) {
        write_texts(fields.tags, w);
    }
    for money in [fields.list_price, fields.cost].into_iter().flatten() {
        w.money(money);
    }
    if let Some(gtin) = fields.gtin {
        w.id(gtin);
    }
    if named(field::VARIANTS) {
        w.count(fields.variants.len());
        fields.variants.iter().for_each(|variant| write_variant(variant, w));
    }
    if let Some(translations) = fields.translations.filter(|_| named(field::TRANSLATIONS)) {
        write_translations(translations, w);
    }
    if let Some(at) = fields.published_at {
        w.timestamp(at);
    }
    if let Some(days) = fields.perishable_days {
        w.varint(u64::from(days));
    }
    if named(field::AVAILABILITY) {
        w.u8(fields.availability as u8);
    }
}

/// Reads the fields that `flags` names as a patch that sets them.
fn read_fields(flags: u64, r: &mut Reader<'_>) -> Result<ProductPatch, WireError> {
    let mut patch = ProductPatch::default();
    macro_rules! read {
        ($($name:ident $flag:ident $value:expr;)*) => {
            $(if flags & field::$flag != 0 { patch.$name = Some($value); })*
        };
    }
    read! {
        brand BRAND Some(r.text()?.to_owned());
        categories CATEGORIES r.list(read_text)?;
        price PRICE Some(r.money()?);
        attributes ATTRIBUTES read_attributes(r)?;
        description DESCRIPTION Some(r.text()?.to_owned());
        image_urls IMAGE_URLS r.list(read_text)?;
        tags TAGS r.list(read_text)?;
        list_price LIST_PRICE Some(r.money()?);
        cost COST Some(r.money()?);
        gtin GTIN Some(r.id()?.into_string());
        variants VARIANTS r.list(read_variant)?;
        translations TRANSLATIONS read_translations(r)?;
        published_at PUBLISHED_AT Some(r.timestamp()?);
        perishable_days PERISHABLE_DAYS Some(read_u32(r)?);
        availability AVAILABILITY r.one_of(&Availability::ALL, "a known availability")?;
    }
    Ok(patch)
}

fn read_wide_flags(
    r: &mut Reader<'_>,
    known: u64,
    expected: &'static str,
) -> Result<u64, WireError> {
    let at = r.position();
    let flags = r.varint()?;
    if flags & !known == 0 { Ok(flags) } else { Err(WireError::Malformed { at, expected }) }
}

fn write_texts(texts: &[String], w: &mut Writer) {
    w.count(texts.len());
    texts.iter().for_each(|text| w.text(text));
}

fn read_text(r: &mut Reader<'_>) -> Result<String, WireError> {
    r.text().map(str::to_owned)
}

/// What kind of value an attribute has.
mod attribute {
    pub(super) const TEXT: u8 = 0;
    pub(super) const NUMBER: u8 = 1;
    pub(super) const TEXTS: u8 = 2;
    /// A whole number, written short.
    pub(super) const WHOLE: u8 = 3;
}

fn write_attributes(attributes: &BTreeMap<String, AttributeValue>, w: &mut Writer) {
    w.count(attributes.len());
    for (name, value) in attributes {
        w.text(name);
        match value {
            AttributeValue::Text(text) => {
                w.u8(attribute::TEXT);
                w.text(text);
            }
            AttributeValue::Number(number) => match whole(*number) {
                Some(integer) => {
                    w.u8(attribute::WHOLE);
                    w.zigzag(integer);
                }
                None => {
                    w.u8(attribute::NUMBER);
                    w.f64(*number);
                }
            },
            AttributeValue::Texts(texts) => {
                w.u8(attribute::TEXTS);
                write_texts(texts, w);
            }
        }
    }
}

/// The integer that `number` is exactly, bit for bit (negative zero is none).
fn whole(number: f64) -> Option<i64> {
    // Beyond 2^48 the eight bytes are no longer than the integer.
    let integer = number as i64;
    let is_exact = (integer as f64).to_bits() == number.to_bits();
    (is_exact && integer.unsigned_abs() < 1 << 48).then_some(integer)
}

fn read_attributes(r: &mut Reader<'_>) -> Result<BTreeMap<String, AttributeValue>, WireError> {
    read_map(r, |r| {
        let at = r.position();
        Ok(match r.u8()? {
            attribute::TEXT => AttributeValue::Text(read_text(r)?),
            attribute::NUMBER => AttributeValue::Number(r.f64()?),
            attribute::TEXTS => AttributeValue::Texts(r.list(read_text)?),
            attribute::WHOLE => AttributeValue::Number(r.zigzag()? as f64),
            _ => return Err(WireError::Malformed { at, expected: "a known kind of attribute" }),
        })
    })
}

fn read_map<T>(
    r: &mut Reader<'_>,
    mut value: impl FnMut(&mut Reader<'_>) -> Result<T, WireError>,
) -> Result<BTreeMap<String, T>, WireError> {
    let count = r.count()?;
    let mut map = BTreeMap::new();
    for _ in 0..count {
        let at = r.position();
        let name = read_text(r)?;
        if map.insert(name, value(r)?).is_some() {
            return Err(WireError::Malformed { at, expected: "a name that is not there twice" });
        }
    }
    Ok(map)
}

const VARIANT_TITLE: u8 = 4;
const VARIANT_ATTRIBUTES: u8 = 8;
const VARIANT_PRICE: u8 = 16;

/// The flag byte's two low bits are the availability.
fn write_variant(variant: &Variant, w: &mut Writer) {
    w.u8(variant.availability as u8
        | flag(variant.title.is_some(), VARIANT_TITLE)
        | flag(!variant.attributes.is_empty(), VARIANT_ATTRIBUTES)
        | flag(variant.price.is_some(), VARIANT_PRICE));
    w.id(variant.id.as_str());
    if let Some(title) = &variant.title {
        w.text(title);
    }
    if !variant.attributes.is_empty() {
        write_attributes(&variant.attributes, w);
    }
    if let Some(price) = variant.price {
        w.money(price);
    }
}

fn read_variant(r: &mut Reader<'_>) -> Result<Variant, WireError> {
    let flags = read_flags(r, 31, "flags of a variant")?;
    let has = |bit: u8| flags & bit != 0;
    Ok(Variant {
        availability: Availability::ALL[usize::from(flags & 3)],
        id: read_variant_id(r)?,
        title: if has(VARIANT_TITLE) { Some(read_text(r)?) } else { None },
        attributes: if has(VARIANT_ATTRIBUTES) { read_attributes(r)? } else { BTreeMap::new() },
        price: if has(VARIANT_PRICE) { Some(r.money()?) } else { None },
    })
}

fn write_translations(translations: &BTreeMap<String, Translation>, w: &mut Writer) {
    w.count(translations.len());
    for (language, translation) in translations {
        w.text(language);
        write_rest(translation.title.as_deref(), w);
        write_rest(translation.description.as_deref(), w);
    }
}

fn read_translations(r: &mut Reader<'_>) -> Result<BTreeMap<String, Translation>, WireError> {
    read_map(r, |r| {
        Ok(Translation {
            title: read_rest(r)?.map(str::into_string),
            description: read_rest(r)?.map(str::into_string),
        })
    })
}
