//! `souk-search`, as the server uses it.

use std::path::Path;

use souk_core::Product;
use souk_search::{FacetRequest, SearchIndex, SearchRequest, Settings};

use crate::{Asked, Engine, FACETS};

pub(crate) fn build(products: &[Product], folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let index = SearchIndex::build(Settings::default(), products, 2);
    std::fs::write(folder.join("index"), index.to_bytes())?;
    Ok(())
}

pub(crate) fn open(folder: &Path) -> Result<SearchIndex, Box<dyn std::error::Error>> {
    let bytes = std::fs::read(folder.join("index"))?;
    Ok(SearchIndex::from_bytes(&bytes, &Settings::default())?)
}

impl Engine for SearchIndex {
    fn search(&self, query: &str, asked: Asked) -> usize {
        let mut request = SearchRequest::new(query);
        if asked != Asked::Hits {
            request.facets = FACETS.map(FacetRequest::new).to_vec();
        }
        SearchIndex::search(self, &request).map_or(0, |answer| answer.total)
    }

    fn change(&mut self, product: &Product) {
        self.upsert(&[product]);
    }
}
