//! Shopify's product webhooks: a product as its admin interface writes it, and a product that is gone.
//!
//! A product has the id that an import of Shopify's files gives it, its handle. What is gone is told by Shopify's
//! own number alone, which is therefore kept as the attribute `shopify_id`.

use serde::Deserialize;
use souk_core::{
    AttributeValue, Availability, Currency, Field, FieldValue, Fields, Money, Product, ProductId,
    SiteId, Variant, VariantId,
};

use crate::import::plain_text;
use crate::sheet::normal_name;
use crate::{App, AppError, Caller, Role};

/// The attribute that holds Shopify's number of a product.
const NUMBER: &str = "shopify_id";
/// Shopify's value of the only variant of a product without options.
const NO_OPTION: &str = "Default Title";

/// What a webhook says of products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProductTopic {
    /// `products/create` and `products/update`.
    Put,
    /// `products/delete`.
    Delete,
}

impl ProductTopic {
    /// Reads a topic; `None` for one that is not about products.
    pub(crate) fn parse(topic: &str) -> Option<ProductTopic> {
        match topic {
            "products/create" | "products/update" => Some(ProductTopic::Put),
            "products/delete" => Some(ProductTopic::Delete),
            _ => None,
        }
    }
}

/// The body of a webhook; what is not named here is not needed.
#[derive(Debug, Deserialize)]
struct Body {
    id: u64,
    /// `products/delete` has the number alone.
    handle: Option<String>,
    title: Option<String>,
    body_html: Option<String>,
    vendor: Option<String>,
    product_type: Option<String>,
    category: Option<Category>,
    tags: Option<String>,
    status: Option<String>,
    published_at: Option<String>,
    #[serde(default)]
    options: Vec<OptionBody>,
    #[serde(default)]
    images: Vec<ImageBody>,
    #[serde(default)]
    variants: Vec<VariantBody>,
}

#[derive(Debug, Deserialize)]
struct Category {
    full_name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct OptionBody {
    name: String,
}

#[derive(Debug, Deserialize)]
struct ImageBody {
    src: Option<String>,
}

#[derive(Debug, Deserialize)]
struct VariantBody {
    id: Option<u64>,
    sku: Option<String>,
    price: Option<String>,
    compare_at_price: Option<String>,
    barcode: Option<String>,
    inventory_quantity: Option<i64>,
    inventory_policy: Option<String>,
    inventory_management: Option<String>,
    option1: Option<String>,
    option2: Option<String>,
    option3: Option<String>,
}

impl App {
    /// Puts or removes the product of a webhook whose signature was right.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] for a body that is not one of this topic, or no product.
    pub(crate) async fn take_shopify_product(
        &self,
        topic: ProductTopic,
        body: &[u8],
    ) -> Result<(), AppError> {
        let invalid = |detail: String| AppError::invalid("invalid_webhook", "", detail);
        let body: Body = serde_json::from_slice(body)
            .map_err(|_| invalid("the body is not one that shopify documents".to_owned()))?;
        // The signature covers the body and not the topic: a captured update must not remove anything.
        let is_put = body.title.is_some();
        if is_put != (topic == ProductTopic::Put) {
            let detail = "the body is one of another topic than X-Shopify-Topic names";
            return Err(AppError::invalid("other_topic", "/X-Shopify-Topic", detail));
        }
        let site = self.config.main_site();
        let caller = Caller::new("shopify", Role::Merchandiser);
        let known = self.shopify_products(&site, body.id);
        if topic == ProductTopic::Delete {
            self.delete_products((&site, &known), &caller).await?;
            return Ok(());
        }
        let currency = self.config.site(&site).map_or(Currency::USD, |site| site.currency);
        let product = product(&body, &site, currency).map_err(invalid)?;
        // One whose handle changed has left its former id.
        let former: Vec<ProductId> = known.into_iter().filter(|id| *id != product.id).collect();
        let answer = self.put_products(vec![product], &caller).await?;
        if let Some(rejected) = answer.rejected.first() {
            return Err(invalid(rejected.detail.clone()));
        }
        self.delete_products((&site, &former), &caller).await?;
        Ok(())
    }

    /// The products that have this number.
    fn shopify_products(&self, site: &SiteId, number: u64) -> Vec<ProductId> {
        let field = Field::Attribute(NUMBER.into());
        let number = number.to_string();
        let mut after = None;
        let mut found = Vec::new();
        loop {
            let slice = self.products_after(site, after.as_ref());
            let Some(last) = slice.last() else { return found };
            after = Some(last.id.clone());
            let is_it = |value: FieldValue<'_>| value == FieldValue::Text(&number);
            let named = slice.iter().filter(|one| one.any_value(&field, &mut { is_it }));
            found.extend(named.map(|one| one.id.clone()));
        }
    }
}

fn product(body: &Body, site: &SiteId, currency: Currency) -> Result<Product, String> {
    let filled = |text: &Option<String>| {
        text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let handle = filled(&body.handle).ok_or("`handle` is empty")?;
    let title = filled(&body.title).ok_or("`title` is empty")?;
    let id = ProductId::new(handle.as_str()).map_err(|error| format!("`handle`: {error}"))?;
    let mut product = Product::new(id, site.clone(), title);
    product.description = body.body_html.as_deref().and_then(plain_text);
    product.brand = filled(&body.vendor);
    let taxonomy = body.category.as_ref().and_then(|category| filled(&category.full_name));
    product.categories = taxonomy.or_else(|| filled(&body.product_type)).into_iter().collect();
    if let Some(kind) = filled(&body.product_type) {
        product.attributes.insert("type".to_owned(), AttributeValue::Text(kind));
    }
    let number = AttributeValue::Text(body.id.to_string());
    product.attributes.insert(NUMBER.to_owned(), number);
    let tags = body.tags.as_deref().unwrap_or_default();
    product.tags =
        tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
    product.image_urls = body.images.iter().filter_map(|image| filled(&image.src)).collect();
    let money = |name: &str, text: &Option<String>| {
        let Some(text) = filled(text) else { return Ok(None) };
        let amount: f64 = text.parse().map_err(|_| format!("`{name}` is no number"))?;
        Money::from_major(amount, currency).map(Some).map_err(|error| format!("`{name}`: {error}"))
    };
    for one in &body.variants {
        let price = money("price", &one.price)?;
        if product.variants.is_empty() {
            product.price = price;
            let list = money("compare_at_price", &one.compare_at_price)?;
            product.list_price =
                list.filter(|list| price.is_none_or(|price| list.minor() > price.minor()));
            product.gtin = filled(&one.barcode).filter(|_| body.variants.len() == 1);
        }
        let variant = variant(&product, one, (&body.options, price))?;
        product.variants.push(variant);
    }
    let sellable = product.variants.iter().any(|one| one.availability.is_sellable());
    product.availability = match body.status.as_deref() {
        Some("archived") => Availability::Discontinued,
        Some("draft") => Availability::OutOfStock,
        _ if body.published_at.is_none() => Availability::OutOfStock,
        _ if !product.variants.is_empty() && !sellable => Availability::OutOfStock,
        _ => Availability::InStock,
    };
    // A price that is the product's own need not be told again.
    let price = product.price;
    product.variants.iter_mut().filter(|one| one.price == price).for_each(|one| one.price = None);
    Ok(product)
}

fn variant(
    product: &Product,
    body: &VariantBody,
    (options, price): (&[OptionBody], Option<Money>),
) -> Result<Variant, String> {
    let values = [&body.option1, &body.option2, &body.option3];
    let named: Vec<(String, String)> = values
        .iter()
        .enumerate()
        .filter_map(|(idx, value)| {
            let value = value.as_deref().filter(|value| *value != NO_OPTION)?;
            let name = options.get(idx).map_or("option", |option| option.name.as_str());
            Some((normal_name(name), value.to_owned()))
        })
        .collect();
    let texts: Vec<&str> = named.iter().map(|(_, value)| value.as_str()).collect();
    // The same ids as an import of Shopify's files makes.
    let sku = body.sku.as_deref().map(str::trim).filter(|sku| !sku.is_empty());
    let handle = product.id.as_str();
    let id = match (sku, texts.is_empty()) {
        (Some(sku), _) => sku.to_owned(),
        (None, true) => handle.to_owned(),
        (None, false) => format!("{handle}/{}", texts.join("/")),
    };
    // What nobody tracks can always be sold, whatever number stands there.
    let is_out = body.inventory_management.is_some()
        && body.inventory_policy.as_deref() != Some("continue")
        && body.inventory_quantity.is_some_and(|quantity| quantity <= 0);
    let title = (!texts.is_empty()).then(|| texts.join(" / "));
    let mut attributes: std::collections::BTreeMap<String, AttributeValue> =
        named.into_iter().map(|(name, value)| (name, AttributeValue::Text(value))).collect();
    if let Some(number) = body.id {
        let number = AttributeValue::Text(number.to_string());
        attributes.insert("shopify_variant_id".to_owned(), number);
    }
    Ok(Variant {
        id: VariantId::new(id).map_err(|error| format!("`sku`: {error}"))?,
        title,
        attributes,
        price,
        availability: if is_out { Availability::OutOfStock } else { Availability::InStock },
    })
}
