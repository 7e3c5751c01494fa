//! Searches over 20,000 products of the made-up catalogue, seed 7: as typed, misspelled, with five facets,
//! filtered; and one change.

use criterion::{Criterion, criterion_group, criterion_main};
use souk_core::{Filter, Product};
use souk_search::{FacetRequest, SearchIndex, SearchRequest, Settings};
use souk_sim::catalogue::catalogue_product;

fn search(c: &mut Criterion) {
    let products: Vec<Product> = (0..20_000).map(|n| catalogue_product(7, n)).collect();
    let index = SearchIndex::build(Settings::default(), &products, 2);
    let plain = SearchRequest::new("wireless headphones");
    let misspelled = SearchRequest::new("wirelss haedphones");
    let facets = ["brand", "categories", "price", "colour", "material"].map(FacetRequest::new);
    let faceted = SearchRequest { facets: facets.to_vec(), ..plain.clone() };
    let filter = Filter::parse("price <= 100 AND colour = 'Black'").ok();
    let filtered = SearchRequest { filter, ..faceted.clone() };
    let browsed = SearchRequest { query: String::new(), ..faceted.clone() };
    for (name, request) in [
        ("as typed", plain),
        ("misspelled", misspelled),
        ("five facets", faceted),
        ("five facets, filtered", filtered),
        ("everything, five facets", browsed),
    ] {
        c.bench_function(name, |b| b.iter(|| index.search(&request)));
    }
    let mut changing = SearchIndex::build(Settings::default(), &products, 2);
    c.bench_function("one change", |b| {
        b.iter(|| {
            changing.upsert(&products[..1]);
            while changing.maintain() {}
        })
    });
    c.bench_function("2,000 products", |b| {
        b.iter(|| SearchIndex::build(Settings::default(), &products[..2_000], 2))
    });
}

criterion_group!(benches, search);
criterion_main!(benches);
