use souk_core::{AttributeValue, Availability, Money, Product, ProductId, Timestamp};

use super::kind::names;
use super::orders::{Fault, currency_of, fault, id_text};
use super::{Draft, DraftFact, ImportOptions, Mapper};
use crate::AppError;
use crate::sheet::{Block, Cell, Columns, RowFault};

/// Rows of a catalogue. Columns without a meaning of their own become attributes.
pub(crate) struct ProductMapper {
    options: ImportOptions,
    columns: Columns,
    id: usize,
    title: usize,
    /// The columns that become attributes.
    attributes: Vec<usize>,
    now: Timestamp,
    /// Products of rows that could not be read.
    named: Vec<ProductId>,
}

impl ProductMapper {
    pub(crate) fn new(
        columns: &Columns,
        options: &ImportOptions,
        now: Timestamp,
    ) -> Result<ProductMapper, AppError> {
        let known: [&[&str]; 15] = [
            names::PRODUCT,
            names::TITLE,
            names::DESCRIPTION,
            names::BRAND,
            names::CATEGORY,
            names::PRICE,
            names::LIST_PRICE,
            names::COST,
            names::CURRENCY,
            names::AVAILABILITY,
            names::IMAGE,
            names::TAGS,
            names::GTIN,
            names::PUBLISHED,
            names::PERISHABLE,
        ];
        let used: Vec<usize> = known.iter().filter_map(|synonyms| columns.find(synonyms)).collect();
        let attributes = (0..columns.names().len()).filter(|idx| !used.contains(idx)).collect();
        Ok(ProductMapper {
            options: options.clone(),
            id: columns.need(names::PRODUCT)?,
            title: columns.need(names::TITLE)?,
            columns: columns.clone(),
            attributes,
            now,
            named: Vec::new(),
        })
    }

    fn product(&self, block: &Block, row: usize) -> Result<Product, Fault> {
        let cell = |synonyms: &[&str]| {
            self.columns.find(synonyms).map_or(Cell::Empty, |column| block.cell(row, column))
        };
        let text = |synonyms: &[&str]| cell(synonyms).text().map(|text| text.into_owned());
        let list = |synonyms: &[&str], separator: char| -> Vec<String> {
            let text = cell(synonyms).text().unwrap_or_default();
            text.split(separator)
                .map(str::trim)
                .filter(|s| !s.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let id = id_text(block.cell(row, self.id), "product_id")?;
        let id = ProductId::new(id.as_ref()).map_err(|error| fault("product_id", error))?;
        let title = block.cell(row, self.title).text();
        let title = title.ok_or_else(|| fault("title", "is empty; every product needs one"))?;
        let currency = currency_of(cell(names::CURRENCY), self.options.currency)?;
        let money = |column: &'static str, synonyms: &[&str]| {
            let amount = cell(synonyms).number().map_err(|error| fault(column, error))?;
            let money = amount.map(|amount| Money::from_major(amount, currency)).transpose();
            money.map_err(|error| fault(column, error))
        };
        let mut product = Product::new(id, self.options.site.clone(), title.into_owned());
        product.description = text(names::DESCRIPTION);
        product.brand = text(names::BRAND);
        product.categories = list(names::CATEGORY, '|');
        product.price = money("price", names::PRICE)?;
        product.list_price = money("list_price", names::LIST_PRICE)?;
        product.cost = money("cost", names::COST)?;
        product.availability = availability(cell(names::AVAILABILITY))?;
        product.image_urls = list(names::IMAGE, '|');
        product.tags = list(names::TAGS, ',');
        product.gtin = text(names::GTIN);
        product.published_at =
            cell(names::PUBLISHED).time().map_err(|error| fault("published_at", error))?;
        let days = cell(names::PERISHABLE).number().map_err(|e| fault("perishable_days", e))?;
        product.perishable_days = days.map(|days| days.clamp(0.0, 36_500.0) as u32);
        for column in &self.attributes {
            let value = match block.cell(row, *column) {
                Cell::Empty => continue,
                Cell::Int(number) => AttributeValue::Number(number as f64),
                Cell::Float(number) => AttributeValue::Number(number),
                other => AttributeValue::Text(other.text().unwrap_or_default().into_owned()),
            };
            product.attributes.insert(self.columns.names()[*column].clone(), value);
        }
        match product.validate() {
            Ok(()) => Ok(product),
            Err(faults) => {
                let reasons: Vec<String> = faults.iter().map(ToString::to_string).collect();
                Err(fault("", reasons.join("; ")))
            }
        }
    }
}

fn availability(cell: Cell<'_>) -> Result<Availability, Fault> {
    let Some(text) = cell.text() else { return Ok(Availability::InStock) };
    let name = text.trim().to_lowercase().replace([' ', '-'], "_");
    match name.as_str() {
        "instock" | "true" | "1" | "yes" | "available" => Ok(Availability::InStock),
        "outofstock" | "false" | "0" | "no" | "sold_out" => Ok(Availability::OutOfStock),
        name => Availability::parse(name).ok_or_else(|| {
            let reason =
                format!("`{text}` is none; write in_stock, out_of_stock, preorder or discontinued");
            fault("availability", reason)
        }),
    }
}

impl Mapper for ProductMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        let mut drafts = Vec::with_capacity(block.len());
        for row in 0..block.len() {
            match self.product(block, row) {
                Ok(product) => drafts.push((
                    block.line(row),
                    Draft::new(self.now, DraftFact::Product(Box::new(product))),
                )),
                Err(fault) => {
                    let id = block.cell(row, self.id).text();
                    self.named.extend(id.and_then(|id| ProductId::new(id.as_ref()).ok()));
                    faults.push(fault.at(block.line(row)));
                }
            }
        }
        drafts
    }

    fn named(&mut self) -> Vec<ProductId> {
        std::mem::take(&mut self.named)
    }
}
