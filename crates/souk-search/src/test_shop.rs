//! Products for tests.
#![allow(clippy::unwrap_used)]

use souk_core::wire::json::product_from_json;
use souk_core::{Currency, Product, ProductId, SiteId};

use crate::{Language, SearchAnswer, SearchIndex, SearchRequest, Settings};

/// A product from JSON without `id`, which is given.
pub(crate) fn product(id: &str, mut fields: serde_json::Value) -> Product {
    fields["id"] = id.into();
    product_from_json(&fields, &SiteId::main(), Currency::USD).unwrap()
}

/// A product with nothing but a title.
pub(crate) fn titled(id: &str, title: &str) -> Product {
    Product::new(ProductId::new(id).unwrap(), SiteId::main(), title)
}

/// An index of titles, with their places as ids.
pub(crate) fn titles(titles: &[&str]) -> SearchIndex {
    index_in(Language::English, titles)
}

pub(crate) fn index_in(language: Language, titles: &[&str]) -> SearchIndex {
    let products: Vec<Product> =
        titles.iter().enumerate().map(|(idx, title)| titled(&idx.to_string(), title)).collect();
    SearchIndex::build(Settings::new(language, &[]), &products, 1)
}

pub(crate) fn ask(index: &SearchIndex, query: &str) -> SearchAnswer {
    index.search(&SearchRequest::new(query)).unwrap()
}

pub(crate) fn ids(answer: &SearchAnswer) -> Vec<&str> {
    answer.hits.iter().map(|hit| hit.id.as_str()).collect()
}

/// The titles of the hits, of an index made by [`titles`].
pub(crate) fn found<'a>(all: &[&'a str], query: &str) -> Vec<&'a str> {
    let index = titles(all);
    let answer = ask(&index, query);
    ids(&answer).iter().map(|id| all[id.parse::<usize>().unwrap()]).collect()
}
