use std::sync::Arc;

use souk_core::{
    LocationId, Money, PriceChange, ProductId, Promotion, PromotionPhase, Quantity, StockChange,
    StockMovement, Timestamp, Unit, VariantId,
};

use super::kind::names;
use super::orders::{Fault, currency_of, fault, id_text};
use super::{Clocks, Draft, DraftFact, ImportKind, ImportOptions, Mapper, each_row};
use crate::AppError;
use crate::sheet::{Block, Cell, Columns, Moment, RowFault};

/// Rows about the shop itself: counted stock, prices, promotions.
pub(crate) struct ShopMapper {
    options: ImportOptions,
    kind: ImportKind,
    columns: Columns,
    clocks: Arc<Clocks>,
    /// The time of rows that name none.
    now: Timestamp,
}

impl ShopMapper {
    pub(crate) fn new(
        columns: &Columns,
        kind: ImportKind,
        (options, clocks, now): (&ImportOptions, &Arc<Clocks>, Timestamp),
    ) -> Result<ShopMapper, AppError> {
        match kind {
            ImportKind::Stock | ImportKind::Lots => {
                if kind == ImportKind::Lots {
                    columns.need(names::LOT)?;
                }
                columns.need(names::PRODUCT)?;
                columns.need(names::LOCATION)?;
                columns.need(names::QUANTITY)?;
            }
            ImportKind::Prices => {
                columns.need(names::PRODUCT)?;
                columns.need(names::PRICE)?;
            }
            _ => {
                columns.need(names::PROMOTION)?;
                columns.need(names::FROM)?;
            }
        }
        let (options, columns, clocks) = (options.clone(), columns.clone(), Arc::clone(clocks));
        Ok(ShopMapper { options, kind, columns, clocks, now })
    }

    fn draft(&self, block: &Block, row: usize) -> Result<Draft, Fault> {
        let cell = |synonyms: &[&str]| {
            self.columns.find(synonyms).map_or(Cell::Empty, |column| block.cell(row, column))
        };
        let place = cell(names::LOCATION).text();
        let at = self.clocks.time(cell(names::TIME), place.as_deref())?;
        let product = match self.kind {
            ImportKind::Promotions if cell(names::PRODUCT).is_empty() => None,
            _ => {
                let text = id_text(cell(names::PRODUCT), "product_id")?;
                Some(ProductId::new(text.as_ref()).map_err(|e| fault("product_id", e))?)
            }
        };
        let fact = match (self.kind, product) {
            (ImportKind::Stock, Some(product)) => DraftFact::Stock(stock(&cell, product)?),
            (ImportKind::Lots, Some(product)) => {
                let lot = id_text(cell(names::LOT), "lot")?;
                let expires_on = day("expires_on", cell(names::EXPIRES))?;
                let stock = stock(&cell, product)?;
                DraftFact::Stock(StockChange {
                    lot: Some(lot.as_ref().into()),
                    expires_on,
                    ..stock
                })
            }
            (ImportKind::Prices, Some(product)) => {
                DraftFact::Price(price(&cell, product, &self.options)?)
            }
            (_, product) => DraftFact::Promotion(promotion(&cell, product)?),
        };
        Ok(Draft::new(at.unwrap_or(self.now), fact))
    }
}

fn stock<'a>(
    cell: &impl Fn(&[&str]) -> Cell<'a>,
    product: ProductId,
) -> Result<StockChange, Fault> {
    let place = id_text(cell(names::LOCATION), "location_id")?;
    let count = cell(names::QUANTITY).number().map_err(|e| fault("quantity", e))?;
    let count = count.ok_or_else(|| fault("quantity", "is empty; write the counted number"))?;
    if count < 0.0 {
        return Err(fault("quantity", "is below 0; a count is at least 0"));
    }
    let variant = cell(names::VARIANT).text().map(|id| VariantId::new(id.as_ref())).transpose();
    Ok(StockChange {
        movement: StockMovement::Counted,
        product,
        variant: variant.map_err(|e| fault("variant_id", e))?,
        location: LocationId::new(place.as_ref()).map_err(|e| fault("location_id", e))?,
        to: None,
        quantity: Quantity::from_f64(count, Unit::Each).map_err(|e| fault("quantity", e))?,
        lot: None,
        expires_on: None,
    })
}

fn price<'a>(
    cell: &impl Fn(&[&str]) -> Cell<'a>,
    product: ProductId,
    options: &ImportOptions,
) -> Result<PriceChange, Fault> {
    let currency = currency_of(cell(names::CURRENCY), options.currency)?;
    let money = |column: &str, cell: Cell<'_>| {
        let amount = cell.number().map_err(|error| fault(column, error))?;
        if amount.is_some_and(|amount| amount < 0.0) {
            return Err(fault(column, "is below 0; a price is at least 0"));
        }
        let money = amount.map(|amount| Money::from_major(amount, currency)).transpose();
        money.map_err(|error| fault(column, error))
    };
    let price = money("price", cell(names::PRICE))?;
    let variant = cell(names::VARIANT).text().map(|id| VariantId::new(id.as_ref())).transpose();
    Ok(PriceChange {
        product,
        variant: variant.map_err(|e| fault("variant_id", e))?,
        price: price.ok_or_else(|| fault("price", "is empty; write for example 12.50"))?,
        list_price: money("list_price", cell(names::LIST_PRICE))?,
    })
}

fn promotion<'a>(
    cell: &impl Fn(&[&str]) -> Cell<'a>,
    product: Option<ProductId>,
) -> Result<Promotion, Fault> {
    let id = id_text(cell(names::PROMOTION), "promotion_id")?;
    let told = cell(names::DISCOUNT);
    let percent = match told.text().as_deref().and_then(|text| text.strip_suffix('%')) {
        Some(text) => Cell::Text(text.trim()).number(),
        None => told.number(),
    };
    let percent = percent.map_err(|e| fault("discount_percent", e))?;
    if percent.is_some_and(|percent| 0.0 < percent && percent < 1.0) {
        return Err(fault("discount_percent", "is less than 1 percent; write 20 for a fifth off"));
    }
    if percent.is_some_and(|percent| !(0.0..=100.0).contains(&percent)) {
        return Err(fault("discount_percent", "lies outside 0 to 100"));
    }
    let (from, until) = (day("from", cell(names::FROM))?, day("until", cell(names::UNTIL))?);
    if let (Some(from), Some(until)) = (from, until)
        && until < from
    {
        return Err(fault(
            "until",
            format!("{until} is before `from`, {from}; swap or correct them"),
        ));
    }
    Ok(Promotion {
        promotion_id: id.as_ref().into(),
        phase: PromotionPhase::Planned,
        products: product.into_iter().collect(),
        from,
        until,
        discount_bp: percent.map(|percent| (percent * 100.0).round() as u32),
    })
}

/// A day, as it is written; of a moment by the calendar of UTC.
pub(super) fn day(column: &str, cell: Cell<'_>) -> Result<Option<souk_core::Day>, Fault> {
    let told = cell.moment_of_trade().map_err(|error| fault(column, error))?;
    Ok(told.map(Moment::date))
}

impl Mapper for ShopMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        each_row(block, faults, |row| self.draft(block, row).map(Some))
    }
}

/// Rows about customers: each column but the ids becomes a trait.
pub(crate) struct CustomerMapper {
    columns: Columns,
    user: usize,
    now: Timestamp,
}

impl CustomerMapper {
    pub(crate) fn new(columns: &Columns, now: Timestamp) -> Result<CustomerMapper, AppError> {
        Ok(CustomerMapper { columns: columns.clone(), user: columns.need(names::USER)?, now })
    }

    fn draft(&self, block: &Block, row: usize) -> Result<Draft, Fault> {
        let user = id_text(block.cell(row, self.user), "user_id")?;
        check(&user)?;
        let (time, card) = (self.columns.find(names::TIME), self.columns.find(names::CARD));
        let at = match time {
            Some(column) => block.cell(row, column).time().map_err(|e| fault("timestamp", e))?,
            None => None,
        };
        let mut traits = serde_json::Map::new();
        for (idx, name) in self.columns.names().iter().enumerate() {
            let is_id = idx == self.user || Some(idx) == card || Some(idx) == time;
            if let Some(text) = block.cell(row, idx).text().filter(|_| !is_id) {
                traits.insert(name.clone(), text.into_owned().into());
            }
        }
        let traits = serde_json::Value::Object(traits).to_string();
        let mut draft = Draft::new(at.unwrap_or(self.now), DraftFact::Identified(traits.into()));
        draft.user_id = Some(user.as_ref().into());
        draft.loyalty_card =
            card.and_then(|column| block.cell(row, column).text()).map(|id| id.as_ref().into());
        Ok(draft)
    }
}

fn check(user: &str) -> Result<(), Fault> {
    super::orders::check_person("user_id", Some(user))
}

impl Mapper for CustomerMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        each_row(block, faults, |row| self.draft(block, row).map(Some))
    }
}
