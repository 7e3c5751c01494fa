//! The catalogue: stored as facts in the log, read from the views.

mod shopify;

use std::sync::Arc;

use rustc_hash::FxHashSet;
use souk_core::{
    Event, EventId, Fact, Filter, Product, ProductError, ProductId, ProductPatch, Purposes, SiteId,
    Source,
};
use souk_ports::{Appended, BATCH_BYTES_MAX, BATCH_RECORDS_MAX, Record};

pub(crate) use shopify::ProductTopic;

use crate::audit::Counted;
use crate::import::as_the_shops;
use crate::ingest::record;
use crate::projections::LOOKED_AT_ONCE;
use crate::{App, AppError, AuditOperation, Caller, FieldError, Operation};

/// Products in one call, as the contract says.
pub const PUT_PRODUCTS_MAX: usize = 5_000;
/// Products in a page.
pub const PAGE_PRODUCTS_MAX: usize = 1_000;

/// One product that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutRejection {
    /// Its place in the request.
    pub index: usize,
    /// Its id, where it has one.
    pub id: Option<String>,
    /// Why, with field, value and remedy.
    pub detail: String,
}

/// What became of the products.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutAnswer {
    /// Durable and visible.
    pub accepted: usize,
    /// Not kept.
    pub rejected: Vec<PutRejection>,
}

/// A page of the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductPage {
    /// In the order of their ids.
    pub products: Vec<Arc<Product>>,
    /// Where to go on; `None` at the end.
    pub cursor: Option<ProductId>,
}

impl App {
    /// Stores or replaces up to [`PUT_PRODUCTS_MAX`] products; answers once they are durable and reads
    /// see them. Of a product that is there twice, the later one stays.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role, [`AppError::Invalid`] for too many products.
    pub async fn put_products(
        &self,
        products: Vec<Product>,
        caller: &Caller,
    ) -> Result<PutAnswer, AppError> {
        caller.check(Operation::WriteCatalogue)?;
        if products.len() > PUT_PRODUCTS_MAX {
            let detail = format!(
                "{} products; the limit is {PUT_PRODUCTS_MAX}; send them in several calls",
                products.len()
            );
            return Err(AppError::invalid("too_many_products", "/products", detail));
        }
        let mut answer = PutAnswer::default();
        let mut records = Vec::with_capacity(products.len());
        for (index, product) in products.into_iter().enumerate() {
            let place = self.noted(caller, caller.check_site(&product.site));
            let place = place.map_err(|error| error.to_string());
            if let Err(detail) = place.and_then(|()| self.check_product(&product)) {
                let id = Some(product.id.to_string());
                answer.rejected.push(PutRejection { index, id, detail });
                continue;
            }
            let site = product.site.clone();
            records.push(self.catalogue_record(site, Fact::ProductPut(Box::new(product)))?);
        }
        answer.accepted = records.len();
        self.append_and_see(records).await?;
        if answer.accepted > 0 {
            self.tally_catalogue(caller, answer.accepted as u64);
        }
        Ok(answer)
    }

    /// Changes some fields of a product and returns the result. What was taken from events is the shop's own from then on.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`] when there is none such, [`AppError::Invalid`] when the result would
    /// break a limit, [`AppError::Denied`] without the role.
    pub async fn patch_product(
        &self,
        site: &SiteId,
        id: &ProductId,
        (patch, caller): (ProductPatch, &Caller),
    ) -> Result<Arc<Product>, AppError> {
        caller.check(Operation::WriteCatalogue)?;
        self.noted(caller, caller.check_site(site))?;
        let known = self.product(site, id).ok_or_else(|| not_found(id))?;
        let patch = as_the_shops(&known, patch);
        let mut changed = Product::clone(&known);
        changed.apply(patch.clone());
        if let Err(faults) = changed.validate() {
            return Err(AppError::Invalid {
                code: "invalid_product",
                detail: one_line(&faults),
                errors: faults.iter().map(field_error).collect(),
            });
        }
        let fact = Fact::ProductPatched { product: id.clone(), patch: Box::new(patch) };
        self.append_and_see(vec![self.catalogue_record(site.clone(), fact)?]).await?;
        self.tally_catalogue(caller, 1);
        // Another request may have deleted it in the meantime.
        self.product(site, id).ok_or_else(|| not_found(id))
    }

    /// Removes a product from the catalogue; its history stays.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`] when there is none such, [`AppError::Denied`] without the role.
    pub async fn delete_product(
        &self,
        site: &SiteId,
        id: &ProductId,
        caller: &Caller,
    ) -> Result<(), AppError> {
        caller.check(Operation::WriteCatalogue)?;
        self.noted(caller, caller.check_site(site))?;
        self.product(site, id).ok_or_else(|| not_found(id))?;
        let fact = Fact::ProductDeleted { product: id.clone() };
        self.append_and_see(vec![self.catalogue_record(site.clone(), fact)?]).await?;
        self.tally_catalogue(caller, 1);
        Ok(())
    }

    /// Removes up to [`PUT_PRODUCTS_MAX`] products of a site; answers how many there were. Ids that are not
    /// known are passed over.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role, [`AppError::Invalid`] for too many ids.
    pub async fn delete_products(
        &self,
        (site, ids): (&SiteId, &[ProductId]),
        caller: &Caller,
    ) -> Result<usize, AppError> {
        caller.check(Operation::WriteCatalogue)?;
        self.noted(caller, caller.check_site(site))?;
        if ids.len() > PUT_PRODUCTS_MAX {
            let detail = format!("{} ids; the limit is {PUT_PRODUCTS_MAX}", ids.len());
            return Err(AppError::invalid("too_many_products", "/ids", detail));
        }
        let mut records = Vec::new();
        for id in ids.iter().filter(|id| self.product(site, id).is_some()) {
            let fact = Fact::ProductDeleted { product: id.clone() };
            records.push(self.catalogue_record(site.clone(), fact)?);
        }
        let count = records.len();
        self.append_and_see(records).await?;
        if count > 0 {
            self.tally_catalogue(caller, count as u64);
        }
        Ok(count)
    }

    /// How many products a site has.
    pub fn n_products(&self, site: &SiteId) -> usize {
        self.views.read().catalogue.iter_site(site).count()
    }

    /// The ids of every product of a site.
    pub fn product_ids(&self, site: &SiteId) -> FxHashSet<ProductId> {
        let mut ids = FxHashSet::default();
        let mut after = None;
        loop {
            let slice = self.products_after(site, after.as_ref());
            let Some(last) = slice.last() else { return ids };
            after = Some(last.id.clone());
            ids.extend(slice.iter().map(|product| product.id.clone()));
        }
    }

    fn tally_catalogue(&self, caller: &Caller, count: u64) {
        self.tally(caller, Counted::many(AuditOperation::CatalogueChange, count));
    }

    /// One product of the catalogue.
    pub fn product(&self, site: &SiteId, id: &ProductId) -> Option<Arc<Product>> {
        let views = self.views.read();
        let item = views.catalogue.item(site, id)?;
        views.catalogue.product(item).cloned()
    }

    /// A page of the catalogue, in the order of ids, after `cursor`; a filter narrows it.
    pub fn list_products(
        &self,
        site: &SiteId,
        (filter, cursor): (Option<&Filter>, Option<&ProductId>),
        limit: usize,
    ) -> ProductPage {
        let limit = limit.clamp(1, PAGE_PRODUCTS_MAX);
        let mut products: Vec<Arc<Product>> = Vec::new();
        let mut after = cursor.cloned();
        loop {
            let slice = self.products_after(site, after.as_ref());
            let Some(last) = slice.last() else {
                return ProductPage { products, cursor: None };
            };
            after = Some(last.id.clone());
            for product in slice {
                if filter.is_some_and(|filter| !filter.matches(&*product)) {
                    continue;
                }
                if products.len() == limit {
                    // There is one more, so the page has a successor.
                    let cursor = products.last().map(|last| last.id.clone());
                    return ProductPage { products, cursor };
                }
                products.push(product);
            }
        }
    }

    /// The next products of a site, as many as are looked at in one go.
    fn products_after(&self, site: &SiteId, after: Option<&ProductId>) -> Vec<Arc<Product>> {
        let views = self.views.read();
        let catalogue = &views.catalogue;
        let next = catalogue.iter_site_after(site, after);
        next.filter_map(|item| catalogue.product(item).cloned()).take(LOOKED_AT_ONCE).collect()
    }

    fn check_product(&self, product: &Product) -> Result<(), String> {
        if !self.door.sites.iter().any(|site| site.id == product.site) {
            return Err(format!(
                "site `{}` is not a site of this shop; add it to `sites` in souk.yaml, or leave it \
                 out",
                product.site
            ));
        }
        product.validate().map_err(|faults| one_line(&faults))
    }

    /// Each change is a fact of its own, so its id is random: the same product may be stored twice.
    fn catalogue_record(&self, site: SiteId, fact: Fact) -> Result<Record, AppError> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)
            .map_err(|_| AppError::NotReady("the system gives no random numbers".to_owned()))?;
        let now = self.clock.now();
        let source = Source::Server;
        let event = Event {
            at: now,
            site,
            channel: None,
            source,
            message_id: None,
            withheld: Purposes::NONE,
            fact,
        };
        Ok(record(&event, (None, EventId(id)), now))
    }

    /// Appends, in as few batches as the log allows, and waits until reads see it.
    async fn append_and_see(&self, records: Vec<Record>) -> Result<(), AppError> {
        let mut last: Option<Vec<Appended>> = None;
        let mut batch: Vec<Record> = Vec::new();
        let mut bytes = 0;
        for record in records {
            let is_full = batch.len() == BATCH_RECORDS_MAX
                || (bytes + record.body.len() > BATCH_BYTES_MAX && !batch.is_empty());
            if is_full {
                last = Some(self.append(std::mem::take(&mut batch)).await?);
                bytes = 0;
            }
            bytes += record.body.len();
            batch.push(record);
        }
        if !batch.is_empty() {
            last = Some(self.append(batch).await?);
        }
        match last {
            Some(appended) => self.wait_for_appended(&appended).await,
            None => Ok(()),
        }
    }
}

fn not_found(id: &ProductId) -> AppError {
    AppError::NotFound { what: "product", id: id.to_string() }
}

fn one_line(faults: &[ProductError]) -> String {
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    faults.join("; ")
}

fn field_error(fault: &ProductError) -> FieldError {
    let pointer = match fault {
        ProductError::TooLarge { field, .. }
        | ProductError::Empty { field }
        | ProductError::NegativePrice { field, .. } => format!("/{field}"),
        ProductError::NotFinite { .. } => "/attributes".to_owned(),
    };
    FieldError { pointer, detail: fault.to_string() }
}

#[cfg(test)]
mod tests;
