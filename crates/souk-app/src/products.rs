use std::sync::Arc;

use souk_core::{Filter, Product, ProductId, ProductPatch, SiteId};

use crate::{App, AppError, Caller};

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
    /// Stores or replaces products; answers once they are durable and reads see them.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role.
    pub async fn put_products(
        &self,
        products: Vec<Product>,
        caller: &Caller,
    ) -> Result<PutAnswer, AppError> {
        let _ = (products, caller);
        Err(AppError::NotReady("products".to_owned()))
    }

    /// Changes some fields of a product and returns the result.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`] when there is none such.
    pub async fn patch_product(
        &self,
        site: &SiteId,
        id: &ProductId,
        (patch, caller): (ProductPatch, &Caller),
    ) -> Result<Arc<Product>, AppError> {
        let _ = (site, patch, caller);
        Err(AppError::NotFound { what: "product", id: id.to_string() })
    }

    /// Removes a product from the catalogue; its history stays.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`] when there is none such.
    pub async fn delete_product(
        &self,
        site: &SiteId,
        id: &ProductId,
        caller: &Caller,
    ) -> Result<(), AppError> {
        let _ = (site, caller);
        Err(AppError::NotFound { what: "product", id: id.to_string() })
    }

    /// One product of the catalogue.
    pub fn product(&self, site: &SiteId, id: &ProductId) -> Option<Arc<Product>> {
        let _ = (site, id);
        None
    }

    /// A page of the catalogue, in the order of ids, after `cursor`; a filter narrows it.
    pub fn list_products(
        &self,
        site: &SiteId,
        (filter, cursor): (Option<&Filter>, Option<&ProductId>),
        limit: usize,
    ) -> ProductPage {
        let _ = (site, filter, cursor, limit);
        ProductPage { products: Vec::new(), cursor: None }
    }
}
