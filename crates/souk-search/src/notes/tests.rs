#![allow(clippy::unwrap_used)]
use serde_json::json;
use souk_core::Filter;

use crate::test_shop::product;
use crate::{SearchIndex, SearchRequest, Settings};

#[test]
fn a_field_that_no_product_has_is_told_with_the_nearest() {
    let fields =
        json!({"title": "Shoe", "brand": "Fleet", "attributes": {"size": "42", "in.sole": "x"}});
    let index = SearchIndex::build(Settings::default(), &[product("1", fields)], 1);
    let notes = |filter: &str| {
        let filter = Some(Filter::parse(filter).unwrap());
        let answer = index.search(&SearchRequest { filter, ..SearchRequest::new("shoe") }).unwrap();
        answer.notes.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        notes("brnd = 'Fleet' OR brnd = 'x'"),
        ["no product has a field `brnd`, which the filter asks for; `brand` is one"]
    );
    assert_eq!(
        notes("attributes.sizes = '42' AND zzz EXISTS"),
        [
            "no product has a field `sizes`, which the filter asks for; `size` is one",
            "no product has a field `zzz`, which the filter asks for"
        ]
    );
    assert!(notes("titel = 'x'")[0].ends_with("; `title` is one"));
    // A product's own fields are known, whether or not any has them.
    let none: [&str; 0] = [];
    assert_eq!(notes("brand = 'x' AND size = 'y' AND published_at EXISTS AND gtin = '1'"), none);
}
