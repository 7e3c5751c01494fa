//! The product export of Magento 2 and Adobe Commerce. Every size of a product is a row of its own, and
//! the product that shows them all names them in one cell; so nothing is known before the file's end.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use souk_core::{
    AttributeValue, Availability, Money, Product, ProductId, Timestamp, Translation, Variant,
    VariantId,
};

use super::Moving;
use super::header::{Header, Row};
use super::text::{plain, time};
use crate::AppError;
use crate::import::orders::{Fault, fault, id_text};
use crate::import::{Draft, DraftFact, ImportOptions, Mapper, each_row};
use crate::sheet::{Block, Columns, RowFault};

/// Products of one file, which are held in memory; chosen: about 2 GB.
const PRODUCTS_MAX: usize = 1_000_000;
/// Attributes of `additional_attributes` that have a field of their own.
const BRAND: [&str; 2] = ["brand", "manufacturer"];
const GTIN: [&str; 4] = ["gtin", "ean", "upc", "barcode"];

/// A row as it stands in the file.
struct Item {
    line: u64,
    product: Product,
    /// Whether a shopper can find it by itself; sizes of a product mostly cannot.
    is_visible: bool,
    /// Its sizes and colours: number, and what sets it apart.
    variations: Vec<(String, BTreeMap<String, String>)>,
}

/// Rows of products.
pub(super) struct ProductMapper {
    header: Arc<Header>,
    options: ImportOptions,
    moving: Arc<Moving>,
    items: Vec<Item>,
    places: FxHashMap<ProductId, usize>,
    now: Timestamp,
}

impl ProductMapper {
    pub(super) fn new(
        columns: &Columns,
        (options, now): (&ImportOptions, Timestamp),
        moving: &Arc<Moving>,
    ) -> ProductMapper {
        ProductMapper {
            header: Arc::new(Header::new(columns)),
            options: options.clone(),
            moving: Arc::clone(moving),
            items: Vec::new(),
            places: FxHashMap::default(),
            now,
        }
    }

    fn item(&self, row: Row<'_>) -> Result<Item, Fault> {
        let sku = id_text(row.cell(&["sku"]), "sku")?;
        let id = ProductId::new(sku.as_ref()).map_err(|error| fault("sku", error))?;
        let name = row.text(&["name"]);
        let name = name.ok_or_else(|| fault("name", "is empty; every product needs one"))?;
        let mut product = Product::new(id, self.options.site.clone(), name.into_owned());
        let html = row.text(&["description"]).or_else(|| row.text(&["short_description"]));
        product.description = html.and_then(|html| plain(&html));
        product.categories = row.text(&["categories"]).map_or_else(Vec::new, |text| paths(&text));
        self.set_prices(row, &mut product)?;
        for column in ["base_image", "additional_images"] {
            let text = row.text(&[column]).unwrap_or_default();
            // Others are paths inside Magento's own media folder, which say nothing to a page.
            let urls = text.split(',').map(str::trim).filter(|url| url.starts_with("http"));
            product.image_urls.extend(urls.map(str::to_owned));
        }
        let extra = row.text(&["additional_attributes"]).unwrap_or_default();
        for (name, value) in pairs(&extra) {
            if BRAND.contains(&name.as_str()) && product.brand.is_none() {
                product.brand = Some(value);
            } else if GTIN.contains(&name.as_str()) && product.gtin.is_none() {
                product.gtin = Some(value);
            } else if name == "cost" {
                let cost = value
                    .parse()
                    .ok()
                    .map(|cost: f64| Money::from_major(cost, self.options.currency));
                product.cost = cost.transpose().map_err(|error| fault("cost", error))?;
            } else if product.attributes.len() < Product::ATTRIBUTES_MAX {
                product.attributes.insert(name, attribute(&value));
            }
        }
        let published = row.text(&["new_from_date"]).or_else(|| row.text(&["created_at"]));
        product.published_at = published.as_deref().and_then(|text| time(text).ok());
        product.availability = self.availability(row, product.id.as_str())?;
        let visibility = row.text(&["visibility"]).unwrap_or_default().to_lowercase();
        let variations = row.text(&["configurable_variations"]).unwrap_or_default();
        Ok(Item {
            line: row.line(),
            product,
            is_visible: !visibility.contains("not visible"),
            variations: variations.split('|').filter_map(variation).collect(),
        })
    }

    /// The price of now, and the one before where a special price holds today.
    fn set_prices(&self, row: Row<'_>, product: &mut Product) -> Result<(), Fault> {
        let currency = self.options.currency;
        product.price = row.money(&["price"], currency)?;
        let Some(special) = row.money(&["special_price"], currency)? else { return Ok(()) };
        let day = |column: &str| row.text(&[column]).and_then(|text| time(&text).ok());
        let (from, until) = (day("special_price_from_date"), day("special_price_to_date"));
        // The last day is meant as a whole.
        let has_ended = until.is_some_and(|until| self.now.ms_since(until) >= 86_400_000);
        if from.is_some_and(|from| from > self.now) || has_ended {
            return Ok(());
        }
        product.list_price = product.price.filter(|price| price.minor() > special.minor());
        product.price = Some(special);
        Ok(())
    }

    fn availability(&self, row: Row<'_>, sku: &str) -> Result<Availability, Fault> {
        let stock = row.number(&["qty"])?;
        if stock.is_some_and(|stock| stock < 0.0) {
            self.moving.negative_stock(sku);
        }
        // 1 is enabled; disabled is 2 in the database and 0 or 2 in files.
        if row.number(&["product_online", "status"])?.is_some_and(|state| (state - 1.0).abs() > 0.5)
        {
            return Ok(Availability::OutOfStock);
        }
        let is_in_stock = row.is_yes(&["is_in_stock"]);
        Ok(if is_in_stock == Some(false) {
            Availability::OutOfStock
        } else {
            Availability::InStock
        })
    }

    /// A row of a store view says how the product is called there.
    fn translate(&mut self, row: Row<'_>, view: &str) -> Result<(), Fault> {
        let Some(tag) = language_of(view) else {
            self.moving.pass_over(
                "texts of store views whose code names no language, such as `en` or `de_ch`",
            );
            return Ok(());
        };
        let sku = id_text(row.cell(&["sku"]), "sku")?;
        let id = ProductId::new(sku.as_ref()).map_err(|error| fault("sku", error))?;
        let translation = Translation {
            title: row.text(&["name"]).map(Into::into),
            description: row.text(&["description"]).and_then(|html| plain(&html)),
        };
        if translation == Translation::default() {
            return Ok(());
        }
        let place = self.places.get(&id);
        let place = place.ok_or_else(|| {
            fault("sku", "has a row of a store view before its own row; sort the file by sku")
        })?;
        self.items[*place].product.translations.insert(tag, translation);
        Ok(())
    }

    fn take_row(&mut self, row: Row<'_>) -> Result<(), Fault> {
        if let Some(view) = row.text(&["store_view_code"]) {
            return self.translate(row, &view);
        }
        let item = self.item(row)?;
        self.places.insert(item.product.id.clone(), self.items.len());
        self.items.push(item);
        Ok(())
    }

    /// Gives the products their sizes, which are rows of their own.
    fn join(&mut self) {
        let mut is_taken = vec![false; self.items.len()];
        for idx in 0..self.items.len() {
            let variations = std::mem::take(&mut self.items[idx].variations);
            let mut variants = Vec::with_capacity(variations.len());
            let mut prices = Vec::new();
            for (sku, options) in variations {
                let Ok(id) = VariantId::new(sku.as_str()) else { continue };
                let place = ProductId::new(sku.as_str()).ok();
                let place = place.and_then(|id| self.places.get(&id).copied());
                let own = place.map(|place| &self.items[place]);
                if let (Some(place), Some(own)) = (place, own)
                    && !own.is_visible
                {
                    is_taken[place] = true;
                }
                prices.extend(own.and_then(|own| own.product.price));
                let texts: Vec<&str> = options.values().map(String::as_str).collect();
                variants.push(Variant {
                    id,
                    title: (!texts.is_empty()).then(|| texts.join(" / ")),
                    price: own.and_then(|own| own.product.price),
                    availability: own.map_or(Availability::InStock, |own| own.product.availability),
                    attributes: options
                        .into_iter()
                        .map(|(name, value)| (name, AttributeValue::Text(value)))
                        .collect(),
                });
            }
            adopt(&mut self.items[idx].product, variants, &prices);
        }
        let mut taken = is_taken.into_iter();
        self.items.retain(|_| !taken.next().unwrap_or(false));
        for item in &mut self.items {
            if !item.is_visible {
                item.product.availability = Availability::OutOfStock;
            }
        }
    }
}

/// Gives a product its variants: it costs what the cheapest costs, and is sold while one of them is.
fn adopt(product: &mut Product, mut variants: Vec<Variant>, prices: &[Money]) {
    if variants.is_empty() {
        return;
    }
    variants.truncate(Product::LIST_MAX);
    if product.price.is_none_or(|price| price.minor() == 0) {
        product.price = prices.iter().copied().min_by_key(|price| price.minor());
    }
    if !variants.iter().any(|variant| variant.availability.is_sellable()) {
        product.availability = Availability::OutOfStock;
    }
    let price = product.price;
    variants.iter_mut().filter(|one| one.price == price).for_each(|one| one.price = None);
    product.variants = variants;
}

/// `Default Category/Gear,Default Category/Gear/Bags`: without the root, and each path once.
fn paths(text: &str) -> Vec<String> {
    let mut paths: Vec<String> = text
        .split(',')
        .filter_map(|path| {
            let levels: Vec<&str> =
                path.split('/').map(str::trim).filter(|l| !l.is_empty()).collect();
            // The root names the store, not what is sold.
            let below = if levels.len() > 1 { &levels[1..] } else { &[][..] };
            (!below.is_empty()).then(|| below.join(" > "))
        })
        .collect();
    // A path says what its beginnings say.
    let all = paths.clone();
    paths.retain(|path| !all.iter().any(|other| other.starts_with(&format!("{path} > "))));
    paths.sort_unstable();
    paths.dedup();
    paths.truncate(Product::LIST_MAX);
    paths
}

/// `color=Red,"material=Cotton, Wool"`: pairs separated by commas, those that hold one in quotation marks.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut parts: Vec<String> = Vec::new();
    let mut part = String::new();
    let mut is_quoted = false;
    for letter in text.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => parts.push(std::mem::take(&mut part)),
            letter => part.push(letter),
        }
    }
    parts.push(part);
    let mut pairs: Vec<(String, String)> = Vec::new();
    for part in parts {
        let name = part.split_once('=').map(|(name, value)| (name.trim(), value.trim()));
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        match name {
            Some((name, value)) if is_name(name) => {
                pairs.push((name.to_owned(), value.to_owned()));
            }
            // A comma inside a value that was not put in quotation marks.
            _ => {
                if let Some((_, value)) = pairs.last_mut() {
                    value.push(',');
                    value.push_str(&part);
                }
            }
        }
    }
    pairs.retain(|(_, value)| !value.is_empty());
    pairs
}

fn attribute(value: &str) -> AttributeValue {
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => AttributeValue::Number(number),
        _ if value.contains('|') => {
            AttributeValue::Texts(value.split('|').map(|one| one.trim().to_owned()).collect())
        }
        _ => AttributeValue::Text(value.to_owned()),
    }
}

/// `sku=WS12-S-Red,size=S,color=Red`.
fn variation(text: &str) -> Option<(String, BTreeMap<String, String>)> {
    let mut options: BTreeMap<String, String> = pairs(text).into_iter().collect();
    let sku = options.remove("sku")?;
    for service in ["price", "display", "image"] {
        options.remove(service);
    }
    Some((sku, options))
}

/// The language of a store view's code, where it names one: `de`, `de_ch`, `store_fr`.
fn language_of(view: &str) -> Option<String> {
    let parts: Vec<String> = view.split(['_', '-']).map(str::to_lowercase).collect();
    let is_code = |part: &String| part.len() == 2 && part.chars().all(|c| c.is_ascii_alphabetic());
    match parts.as_slice() {
        [language] if is_code(language) => Some(language.clone()),
        [language, region] if is_code(language) && is_code(region) => {
            Some(format!("{language}-{}", region.to_uppercase()))
        }
        _ => None,
    }
}

impl Mapper for ProductMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        let header = Arc::clone(&self.header);
        each_row(block, faults, |idx| self.take_row(header.row(block, idx)).map(|()| None))
    }

    fn check(&self) -> Result<(), AppError> {
        if self.items.len() <= PRODUCTS_MAX {
            return Ok(());
        }
        let detail = format!("the file has over {PRODUCTS_MAX} products; export them in parts");
        Err(AppError::invalid("file_too_large", "path", detail))
    }

    fn finish(
        mut self: Box<Self>,
        faults: &mut Vec<RowFault>,
    ) -> Box<dyn Iterator<Item = (u64, Draft)> + Send> {
        self.join();
        let now = self.now;
        let mut drafts = Vec::with_capacity(self.items.len());
        for Item { line, product, .. } in self.items {
            match product.validate() {
                Ok(()) => {
                    drafts.push((line, Draft::new(now, DraftFact::Product(Box::new(product)))));
                }
                Err(reasons) => {
                    let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                    faults
                        .push(Fault { column: String::new(), reason: reasons.join("; ") }.at(line));
                }
            }
        }
        Box::new(drafts.into_iter())
    }
}
