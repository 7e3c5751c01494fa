//! What stands where: counted stock less what was sold since, with lots and their last days.

use souk_core::{Day, LocationId, ProductId, SiteId, Timestamp};

use crate::{App, AppError, Caller, Operation};

/// Rows of a page at most.
pub const STOCK_PAGE_MAX: usize = 1_000;

/// Which rows.
#[derive(Clone, Debug, PartialEq)]
pub struct StockQuery {
    /// Whose.
    pub site: SiteId,
    /// One place; all when left out.
    pub location: Option<LocationId>,
    /// One product; all when left out.
    pub product: Option<ProductId>,
    /// Only products after this one.
    pub after: Option<ProductId>,
    /// Products of the page.
    pub limit: usize,
}

/// Stock of a product at a place.
#[derive(Clone, Debug, PartialEq)]
pub struct StockLevel {
    /// Which product.
    pub product: ProductId,
    /// Which size or colour.
    pub variant: Option<String>,
    /// Which lot.
    pub lot: Option<String>,
    /// Where.
    pub location: String,
    /// Units; below 0 where more was sold than counted.
    pub quantity: f64,
    /// When it was counted last; `None` where it never was.
    pub counted_at: Option<Timestamp>,
    /// The last day the lot may be sold.
    pub expires_on: Option<Day>,
}

/// A page of stock, in the order of products.
#[derive(Clone, Debug, PartialEq)]
pub struct StockPage {
    /// The rows.
    pub levels: Vec<StockLevel>,
    /// Where to go on; `None` at the end.
    pub cursor: Option<ProductId>,
}

impl App {
    /// Stock by product and place.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role or at a place of others.
    pub fn stock(&self, query: &StockQuery, caller: &Caller) -> Result<StockPage, AppError> {
        caller.check(Operation::ReadPlanning)?;
        let places = caller
            .check_site(&query.site)
            .and_then(|()| caller.check_location(query.location.as_ref()));
        self.noted(caller, places)?;
        let views = self.views.read();
        let catalogue = &views.catalogue;
        let limit = query.limit.clamp(1, STOCK_PAGE_MAX);
        let items: Box<dyn Iterator<Item = _>> = match &query.product {
            Some(product) => Box::new(catalogue.item(&query.site, product).into_iter()),
            None => Box::new(catalogue.iter_site_after(&query.site, query.after.as_ref())),
        };
        let is_mine = |location: &str| {
            let is_asked = query.location.as_ref().is_none_or(|asked| asked.as_str() == location);
            let id = LocationId::new(location).ok();
            is_asked && caller.check_location(id.as_ref()).is_ok()
        };
        let mut page = StockPage { levels: Vec::new(), cursor: None };
        let mut n_products = 0;
        for item in items {
            let rows = views.stock_rows(item);
            let mine: Vec<_> =
                rows.iter().filter(|row| is_mine(catalogue.location(row.location))).collect();
            if mine.is_empty() {
                continue;
            }
            if n_products == limit {
                page.cursor = page.levels.last().map(|level: &StockLevel| level.product.clone());
                break;
            }
            n_products += 1;
            page.levels.extend(mine.into_iter().map(|row| {
                StockLevel {
                    product: catalogue.product_id(item).clone(),
                    variant: row.variant.as_deref().map(str::to_owned),
                    lot: row.lot.as_deref().map(str::to_owned),
                    location: catalogue.location(row.location).to_owned(),
                    quantity: row.milli as f64 / 1_000.0,
                    counted_at: Some(row.counted_at).filter(|at| *at > Timestamp::EPOCH),
                    expires_on: row
                        .lot
                        .as_deref()
                        .and_then(|lot| views.supply.expires((item, row.location), lot)),
                }
            }));
        }
        Ok(page)
    }
}
