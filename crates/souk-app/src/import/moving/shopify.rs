//! Shopify's product and inventory exports. Shopify writes a product as several rows under one handle:
//! the first has its texts, each further one a variant, an image, or both.

use std::sync::Arc;

use souk_core::{
    AttributeValue, Availability, LocationId, Product, ProductId, Quantity, StockChange,
    StockMovement, Timestamp, Unit, Variant, VariantId,
};

use super::Moving;
use super::header::{Header, Row};
use super::rows::ReadWith;
use super::text::{plain, unquoted};
use crate::import::orders::{Fault, fault, id_text};
use crate::import::{Draft, DraftFact, ImportOptions, Mapper};
use crate::sheet::{Block, Columns, RowFault};

// Shopify renamed the columns of products; exports of both times are in use. The older name comes first.
const HANDLE: &[&str] = &["handle", "url_handle"];
const BODY: &[&str] = &["body_html", "description"];
const SKU: &[&str] = &["variant_sku", "sku"];
const BARCODE: &[&str] = &["variant_barcode", "barcode"];
const PRICE: &[&str] = &["variant_price", "price"];
const COMPARE_AT: &[&str] = &["variant_compare_at_price", "compare_at_price"];
const PUBLISHED: &[&str] = &["published", "published_on_online_store"];
const TRACKER: &[&str] = &["variant_inventory_tracker", "inventory_tracker"];
const INVENTORY: &[&str] = &["variant_inventory_qty", "inventory_quantity"];
const OVERSELL: &[&str] = &["variant_inventory_policy", "continue_selling_when_out_of_stock"];
const IMAGE: &[&str] = &["image_src", "product_image_url"];
/// Names and values of the three options.
const OPTIONS: [(&str, &str); 3] = [
    ("option1_name", "option1_value"),
    ("option2_name", "option2_value"),
    ("option3_name", "option3_value"),
];
/// Shopify's value of the only variant of a product without options.
const NO_OPTION: &str = "Default Title";
/// What stands between a metafield's label and its key in the name of its column.
const METAFIELD: &str = "_product_metafields_";

/// The rows of one handle so far.
struct Open {
    line: u64,
    product: Product,
    option_names: [Option<String>; 3],
    /// Rows with a fault of their own: what they say of a variant is left out.
    n_lost: u64,
}

/// Rows of products.
pub(super) struct ProductMapper {
    header: Arc<Header>,
    options: ImportOptions,
    moving: Arc<Moving>,
    open: Option<Open>,
    now: Timestamp,
}

impl ProductMapper {
    pub(super) fn new(
        columns: &Columns,
        (options, now): (&ImportOptions, Timestamp),
        moving: &Arc<Moving>,
    ) -> ProductMapper {
        let (header, options) = (Arc::new(Header::new(columns)), options.clone());
        ProductMapper { header, options, moving: Arc::clone(moving), open: None, now }
    }

    /// Ends the open product.
    fn close(&mut self, faults: &mut Vec<RowFault>) -> Option<(u64, Draft)> {
        let Open { line, mut product, n_lost, .. } = self.open.take()?;
        if n_lost > 0 && product.variants.is_empty() {
            // Each row that told what it costs has its fault already.
            return None;
        }
        settle(&mut product);
        if let Err(reasons) = product.validate() {
            let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
            faults.push(fault("", reasons.join("; ")).at(line));
            return None;
        }
        Some((line, Draft::new(self.now, DraftFact::Product(Box::new(product)))))
    }

    fn begin(&self, row: Row<'_>, handle: &str) -> Result<Open, Fault> {
        let id = ProductId::new(handle).map_err(|error| fault("handle", error))?;
        let title = row.text(&["title"]);
        let title = title.ok_or_else(|| fault("title", "is empty on the handle's first row"))?;
        let mut product = Product::new(id, self.options.site.clone(), title.into_owned());
        product.description = row.text(BODY).and_then(|html| plain(&html));
        product.brand = row.text(&["vendor"]).map(Into::into);
        let kind = row.text(&["type"]);
        // Shopify's own taxonomy is a path; the shop's type serves where that was never filled in.
        let category = row.text(&["product_category"]).or_else(|| kind.clone());
        product.categories = category.map(Into::into).into_iter().collect();
        if let Some(kind) = kind {
            product.attributes.insert("type".to_owned(), AttributeValue::Text(kind.into()));
        }
        let tags = row.text(&["tags"]).unwrap_or_default();
        product.tags =
            tags.split(',').map(str::trim).filter(|t| !t.is_empty()).map(Into::into).collect();
        for (name, value) in row.filled() {
            let name = match name.split_once(METAFIELD) {
                Some((label, _)) => label,
                None => match name.strip_prefix("google_shopping_") {
                    Some(name @ ("gender" | "age_group" | "condition")) => name,
                    _ => continue,
                },
            };
            product.attributes.insert(name.to_owned(), AttributeValue::Text(value.into()));
        }
        let status = row.text(&["status"]).unwrap_or_default().to_lowercase();
        product.availability = match (status.as_str(), row.is_yes(PUBLISHED)) {
            ("archived", _) => Availability::Discontinued,
            ("draft", _) | (_, Some(false)) => Availability::OutOfStock,
            _ => Availability::InStock,
        };
        let option_names = OPTIONS.map(|(name, _)| row.text(&[name]).map(Into::into));
        Ok(Open { line: row.line(), product, option_names, n_lost: 0 })
    }

    /// Adds what a row says of a variant or an image.
    fn add(&self, open: &mut Open, row: Row<'_>) -> Result<(), Fault> {
        if let Some(image) = row.text(IMAGE)
            && open.product.image_urls.len() < Product::LIST_MAX
        {
            open.product.image_urls.push(image.into());
        }
        let values = OPTIONS.map(|(_, value)| row.text(&[value]));
        let price = row.money(PRICE, self.options.currency)?;
        if price.is_some_and(|price| price.minor() < 0) {
            return Err(fault(PRICE[0], "is below 0"));
        }
        if values[0].is_none() && price.is_none() && row.text(SKU).is_none() {
            return Ok(());
        }
        let handle = open.product.id.as_str();
        let named: Vec<(&str, String)> = values
            .iter()
            .enumerate()
            .filter_map(|(idx, value)| {
                let value = value.as_deref().filter(|value| *value != NO_OPTION)?;
                Some((open.option_names[idx].as_deref().unwrap_or("option"), value.to_owned()))
            })
            .collect();
        let sku = row.text(SKU);
        let sku = sku.as_deref().map(unquoted).filter(|sku| !sku.is_empty());
        let id = match sku {
            Some(sku) => sku.to_owned(),
            None if named.is_empty() => handle.to_owned(),
            None => {
                let values: Vec<&str> = named.iter().map(|(_, value)| value.as_str()).collect();
                format!("{handle}/{}", values.join("/"))
            }
        };
        let stock = row.number(INVENTORY)?;
        if stock.is_some_and(|stock| stock < 0.0) {
            self.moving.negative_stock(handle);
        }
        // A variant whose stock nobody tracks can always be sold, whatever number stands there.
        let is_tracked = row.text(TRACKER).is_some();
        let oversells = row
            .text(OVERSELL)
            .is_some_and(|policy| matches!(&*policy.to_lowercase(), "continue" | "true" | "yes"));
        let is_out = is_tracked && !oversells && stock.is_some_and(|stock| stock <= 0.0);
        let list_price = row.money(COMPARE_AT, self.options.currency)?;
        if open.product.variants.is_empty() {
            open.product.price = price;
            open.product.list_price =
                list_price.filter(|list| price.is_none_or(|price| list.minor() > price.minor()));
            open.product.cost = row.money(&["cost_per_item"], self.options.currency)?;
            open.product.gtin = row.text(BARCODE).map(|code| unquoted(&code).to_owned());
        }
        let texts: Vec<&str> = named.iter().map(|(_, value)| value.as_str()).collect();
        open.product.variants.push(Variant {
            id: VariantId::new(id).map_err(|error| fault("variant_sku", error))?,
            title: (!texts.is_empty()).then(|| texts.join(" / ")),
            attributes: named
                .iter()
                .map(|(name, value)| {
                    let name = crate::sheet::normal_name(name);
                    (name, AttributeValue::Text(value.clone()))
                })
                .collect(),
            price,
            availability: if is_out { Availability::OutOfStock } else { Availability::InStock },
        });
        Ok(())
    }
}

/// What follows from the variants together.
fn settle(product: &mut Product) {
    let sellable = product.variants.iter().any(|variant| variant.availability.is_sellable());
    if product.availability == Availability::InStock && !product.variants.is_empty() && !sellable {
        product.availability = Availability::OutOfStock;
    }
    if product.variants.len() != 1 {
        // A number of one size is not that of the product.
        product.gtin = None;
    }
    // A price that is the product's own need not be told again.
    let price = product.price;
    product.variants.iter_mut().filter(|one| one.price == price).for_each(|one| one.price = None);
}

impl Mapper for ProductMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        let mut drafts = Vec::new();
        let header = Arc::clone(&self.header);
        for idx in 0..block.len() {
            let row = header.row(block, idx);
            let handle = match id_text(row.cell(HANDLE), "handle") {
                Ok(handle) => handle.into_owned(),
                Err(fault) => {
                    faults.push(fault.at(row.line()));
                    continue;
                }
            };
            let is_open = self.open.as_ref().is_some_and(|open| open.product.id.as_str() == handle);
            if !is_open {
                drafts.extend(self.close(faults));
                match self.begin(row, &handle) {
                    Ok(open) => self.open = Some(open),
                    Err(fault) => {
                        faults.push(fault.at(row.line()));
                        continue;
                    }
                }
            }
            let Some(mut open) = self.open.take() else { continue };
            if let Err(fault) = self.add(&mut open, row) {
                faults.push(fault.at(row.line()));
                open.n_lost += 1;
            }
            self.open = Some(open);
        }
        drafts
    }

    fn finish(
        mut self: Box<Self>,
        faults: &mut Vec<RowFault>,
    ) -> Box<dyn Iterator<Item = (u64, Draft)> + Send> {
        Box::new(self.close(faults).into_iter())
    }
}

const ON_HAND: &[&str] = &["on_hand_current", "on_hand", "available", "available_not_editable"];

/// A row of counted stock: a variant at a location.
pub(super) fn stock(row: Row<'_>, with: &ReadWith) -> Result<Option<Draft>, Fault> {
    let handle = id_text(row.cell(HANDLE), "handle")?;
    let location = id_text(row.cell(&["location"]), "location")?;
    let text = row.text(ON_HAND).unwrap_or_default();
    if text.eq_ignore_ascii_case("not stocked") || text.is_empty() {
        with.moving.pass_over("rows of products that a location does not stock");
        return Ok(None);
    }
    let count = row.number(ON_HAND)?.unwrap_or(0.0);
    if count < 0.0 {
        with.moving.negative_stock(&handle);
        return Err(fault("on_hand", "is below 0; count the shelf and correct it in Shopify"));
    }
    let sku = row.text(SKU);
    let sku = sku.as_deref().map(unquoted).filter(|sku| !sku.is_empty());
    let change = StockChange {
        movement: StockMovement::Counted,
        product: ProductId::new(handle.as_ref()).map_err(|error| fault("handle", error))?,
        variant: sku.map(VariantId::new).transpose().map_err(|error| fault("sku", error))?,
        location: LocationId::new(location.as_ref()).map_err(|e| fault("location", e))?,
        to: None,
        quantity: Quantity::from_f64(count, Unit::Each).map_err(|e| fault("on_hand", e))?,
        lot: None,
        expires_on: None,
    };
    Ok(Some(Draft::new(with.now, DraftFact::Stock(change))))
}
