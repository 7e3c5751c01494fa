#![allow(clippy::unwrap_used)]
use serde_json::json;
use souk_core::{Filter, GeoPoint, Product};

use crate::test_shop::{ask, ids, product, titles};
use crate::{
    Around, FacetRequest, Places, Relaxation, SearchError, SearchIndex, SearchRequest, Settings,
    SortBy,
};

fn shoes() -> SearchIndex {
    let shoe = |id: &str, title: &str, (brand, price, size): (&str, u32, &str)| {
        let price = json!({"amount": price * 100, "currency": "USD"});
        let attributes = json!({"size": size});
        product(
            id,
            json!({"title": title, "brand": brand, "price": price, "attributes": attributes}),
        )
    };
    let products = [
        shoe("1", "Running Shoes Red", ("Fleet", 40, "42")),
        shoe("2", "Running Shoes Blue", ("Fleet", 60, "42")),
        shoe("3", "Trail Running Shoes", ("Gazelle", 80, "43")),
        shoe("4", "Leather Shoes", ("Gazelle", 120, "42")),
        shoe("5", "Shoe Polish", ("Shine", 5, "S")),
    ];
    SearchIndex::build(Settings::default(), &products, 1)
}

#[test]
fn a_word_that_was_a_beginning_is_said_to_be_one() {
    let index = titles(&["Wall Paint", "Paint Brush", "Canned Soup"]);
    let answer = ask(&index, "pain");
    assert_eq!((answer.total, answer.corrected.as_deref()), (2, None));
    assert_eq!(answer.relaxed, [Relaxation::Beginning]);
    let answer = ask(&index, "wall paimt");
    assert_eq!(answer.corrected.as_deref(), Some("wall paint"));
    assert_eq!(answer.relaxed[0], Relaxation::Spelling);
}

#[test]
fn signs_that_say_nothing_find_nothing() {
    let index = shoes();
    let total = |query: &str| ask(&index, query).total;
    assert_eq!((total("\u{1f600}"), total(" ?! ")), (0, 0));
    assert_eq!((total(""), total("  "), total("*"), total("-polish")), (5, 5, 5, 4));
}

fn with_filter(query: &str, filter: &str) -> SearchRequest {
    SearchRequest { filter: Some(Filter::parse(filter).unwrap()), ..SearchRequest::new(query) }
}

#[test]
fn filters_let_through_what_fulfils_them() {
    let index = shoes();
    for (filter, expected) in [
        ("price < 100", vec!["1", "2", "3", "5"]),
        ("brand = 'gazelle'", vec!["3", "4"]),
        ("brand = 'gazelle' OR size = '42'", vec!["1", "2", "3", "4"]),
        ("NOT brand = 'gazelle' AND price >= 40", vec!["1", "2"]),
        ("id IN ['2', '5']", vec!["2", "5"]),
        ("title = 'leather shoes'", vec!["4"]),
        ("missing EXISTS", vec![]),
        ("missing != 'x' AND in_stock = true", vec!["1", "2", "3", "4", "5"]),
    ] {
        let answer = index.search(&with_filter("", filter)).unwrap();
        let mut found = ids(&answer);
        found.sort_unstable();
        assert_eq!(found, expected, "{filter}");
    }
}

#[test]
fn facets_count_as_if_their_own_condition_were_not() {
    let index = shoes();
    let mut request = with_filter("shoes", "brand = 'Fleet' AND price <= 50");
    request.facets = ["brand", "price", "size"].map(FacetRequest::new).to_vec();
    let answer = index.search(&request).unwrap();
    assert_eq!(ids(&answer), ["1"]);
    let values = |facet: usize| {
        let values = answer.facets[facet].values.iter();
        values.map(|value| (value.value.as_str(), value.count)).collect::<Vec<_>>()
    };
    // Of all brands up to 50, of all prices of Fleet, of sizes with both conditions.
    assert_eq!(values(0), [("Fleet", 1), ("Shine", 1)]);
    assert_eq!(values(1), [("40", 1), ("60", 1)]);
    assert_eq!(values(2), [("42", 1)]);
}

#[test]
fn facets_of_everything_equal_those_counted_one_by_one() {
    let index = shoes();
    let facets = ["brand", "size", "price"].map(FacetRequest::new).to_vec();
    let all = SearchRequest { facets: facets.clone(), ..SearchRequest::new("") };
    let one_by_one = SearchRequest { facets, ..with_filter("", "title EXISTS OR x = 1") };
    let one_by_one = index.search(&one_by_one).unwrap();
    assert_eq!(index.search(&all).unwrap().facets, one_by_one.facets);
    assert_eq!(one_by_one.facets[0].values[0].count, 2);
}

#[test]
fn orders_go_by_numbers_and_end_with_those_that_have_none() {
    let mut index = shoes();
    index.upsert(&[product("6", json!({"title": "Shoe Tree"}))]);
    let sorted = |order: &str| {
        let sort = SortBy::parse_all(order).unwrap();
        let answer = index.search(&SearchRequest { sort, ..SearchRequest::new("shoe") }).unwrap();
        ids(&answer).iter().map(|id| (*id).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(sorted("price:asc"), ["5", "1", "2", "3", "4", "6"]);
    assert_eq!(sorted("price:desc"), ["4", "3", "2", "1", "5", "6"]);
    assert!(matches!(SortBy::parse("price:up"), Err(SearchError::Sort { .. })));
    let sort = vec![SortBy::parse("weight").unwrap()];
    let error = index.search(&SearchRequest { sort, ..SearchRequest::new("") }).unwrap_err();
    assert_eq!(error, SearchError::UnknownField { field: "weight".into() });
    for field in ["brand", "title"] {
        let sort = Some(SortBy::parse(field).unwrap());
        let error = index
            .search(&SearchRequest { sort: sort.into_iter().collect(), ..SearchRequest::new("") })
            .unwrap_err();
        assert_eq!(error, SearchError::NoNumbers { field: field.into() });
    }
}

#[test]
fn a_second_order_is_for_what_the_first_leaves_equal() {
    let shoe = |id: &str, (size, price): (u32, u32), colour: &str| {
        let price = json!({"amount": price * 100, "currency": "USD"});
        let title = format!("{colour} Shoe");
        product(id, json!({"title": title, "price": price, "attributes": {"size": size}}))
    };
    let mut shoes = vec![
        shoe("1", (42, 40), "Red"),
        shoe("2", (42, 60), "Blue"),
        shoe("3", (43, 80), "Red"),
        shoe("4", (42, 90), "Red"),
    ];
    shoes.push(product("5", json!({"title": "Shoe Polish"})));
    let index = SearchIndex::build(Settings::default(), &shoes, 1);
    let sorted = |query: &str, order: &str| {
        let sort = SortBy::parse_all(order).unwrap();
        let request = SearchRequest { sort, ..SearchRequest::new(query) };
        index
            .search(&request)
            .map(|answer| ids(&answer).iter().map(|id| (*id).to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(sorted("", "size:desc, price:desc").unwrap(), ["3", "4", "2", "1", "5"]);
    assert_eq!(sorted("", "size:asc,price:asc").unwrap(), ["1", "2", "4", "3", "5"]);
    // By how the words fit, where all numbers are equal.
    assert_eq!(sorted("blue shoes", "size:asc").unwrap()[0], "2");
    assert!(matches!(SortBy::parse_all("price,"), Err(SearchError::Sort { .. })));
    let nine = ["price"; 9].join(",");
    assert!(matches!(sorted("", &nine), Err(SearchError::OutOfRange { field: "sort", .. })));
}

#[test]
fn of_hits_with_one_value_the_first_is_kept() {
    let index = shoes();
    let request = |query: &str, order: &str| SearchRequest {
        distinct: Some("brand".into()),
        sort: if order.is_empty() { Vec::new() } else { SortBy::parse_all(order).unwrap() },
        facets: vec![FacetRequest::new("brand")],
        ..SearchRequest::new(query)
    };
    let answer = index.search(&request("", "price:desc")).unwrap();
    assert_eq!((ids(&answer), answer.total), (vec!["4", "2", "5"], 3));
    assert!(answer.facets[0].values.iter().all(|value| value.count == 1), "{answer:?}");
    let answer = index.search(&request("trail running shoes", "")).unwrap();
    assert_eq!((ids(&answer)[0], answer.total), ("3", 2));
    // The second page is one of the same list, and of no other.
    let one = SearchRequest { limit: 1, ..request("", "price:desc") };
    let first = index.search(&one).unwrap();
    let next = |request: SearchRequest| SearchRequest { cursor: first.cursor.clone(), ..request };
    assert_eq!(ids(&index.search(&next(one.clone())).unwrap()), ["2"]);
    let all = SearchRequest { distinct: None, ..one.clone() };
    assert_eq!(index.search(&next(all)).unwrap_err(), SearchError::Cursor);
    // What has none of it, and a field that nothing has, leave nothing out.
    let none = SearchRequest { distinct: Some("colour".into()), ..SearchRequest::new("") };
    assert_eq!(index.search(&none).unwrap().total, 5);
}

#[test]
fn how_well_hits_fit_falls_with_their_places_and_holds_between_answers() {
    let index = shoes();
    let fits = |query: &str| {
        let answer = ask(&index, query);
        answer.hits.iter().map(|hit| hit.fit).collect::<Vec<_>>()
    };
    for query in ["shoes", "red running shoes", "leather running shoes purple", "trail"] {
        let fits = fits(query);
        assert!(fits.is_sorted_by(|left, right| left >= right), "{query}: {fits:?}");
        assert!(fits.iter().all(|fit| *fit > 0.0 && *fit < 1.0), "{query}: {fits:?}");
    }
    let (whole, half) = (fits("running shoes"), fits("running socks"));
    assert!(whole[2] > half[0], "{whole:?} {half:?}");
    assert_eq!(fits(""), [1.0; 5]);
}

/// Rows move when chunks are joined, and the dead no longer count; a shopper on page two sees neither.
#[test]
fn pages_stay_as_they_are_when_chunks_are_joined_between_them() {
    let title = |n: usize| match n % 3 {
        0 => format!("Shoe {}", n % 7),
        1 => format!("Shoe box {}", n % 5),
        _ => "Shoe".to_owned(),
    };
    let of = |range: std::ops::Range<usize>| -> Vec<Product> {
        range.map(|n| product(&format!("p{n}"), json!({"title": title(n)}))).collect()
    };
    let mut index = SearchIndex::new(Settings::default());
    for range in [0..300, 300..500, 500..900] {
        index.take_pieces(&of(range), 1);
    }
    // Rows die unevenly: more boxes than shoes.
    let changed: Vec<Product> =
        of(0..900).into_iter().filter(|product| product.title.contains("box")).step_by(2).collect();
    index.upsert(&changed);
    for query in ["shoe", "shoe box", ""] {
        let whole = SearchRequest { limit: 1_000, ..SearchRequest::new(query) };
        let whole: Vec<_> = index.search(&whole).unwrap().hits.into_iter().map(|h| h.id).collect();
        let mut request = SearchRequest { limit: 150, ..SearchRequest::new(query) };
        let mut joined = Vec::new();
        loop {
            let page = index.search(&request).unwrap();
            joined.extend(page.hits.into_iter().map(|hit| hit.id));
            index.maintain();
            request.cursor = page.cursor;
            if request.cursor.is_none() {
                break;
            }
        }
        assert_eq!(joined, whole, "{query}");
    }
    assert_eq!(index.size().dead, 0, "there was something to join");
}

#[test]
fn pages_join_to_the_whole_list() {
    let all: Vec<String> = (0..700).map(|n| format!("Shoe model {}", n % 13)).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let index = titles(&all);
    let whole = SearchRequest { limit: 1_000, ..SearchRequest::new("shoe model") };
    let whole = index.search(&whole).unwrap();
    assert_eq!((whole.total, whole.cursor.as_deref()), (700, None));
    let mut request = SearchRequest { limit: 97, ..SearchRequest::new("shoe model") };
    let mut joined = Vec::new();
    loop {
        let page = index.search(&request).unwrap();
        joined.extend(page.hits);
        request.cursor = page.cursor;
        if request.cursor.is_none() {
            break;
        }
    }
    assert_eq!(joined, whole.hits);
}

#[test]
fn a_cursor_belongs_to_its_request() {
    let index = shoes();
    let first = index.search(&SearchRequest { limit: 1, ..SearchRequest::new("shoes") }).unwrap();
    for cursor in [first.cursor.unwrap(), "7".into(), "zz.0".into(), String::new()] {
        let request = SearchRequest { cursor: Some(cursor), ..SearchRequest::new("boots") };
        assert_eq!(index.search(&request), Err(SearchError::Cursor));
    }
}

#[test]
fn words_are_given_up_only_when_there_is_too_little() {
    let answer = ask(&shoes(), "purple running shoes");
    assert_eq!(answer.relaxed, [Relaxation::Words { needed: 2, of: 3 }]);
    let mut found = ids(&answer);
    found.sort_unstable();
    assert_eq!(found, ["1", "2", "3"], "one word of three is not what was asked for");
    let answer = ask(&shoes(), "purple polish remover");
    assert_eq!(answer.relaxed, [Relaxation::Words { needed: 1, of: 3 }], "better than nothing");
    assert_eq!(ids(&answer), ["5"]);
    let twelve: Vec<String> = (0..12).map(|n| format!("Red shoe {n}")).collect();
    let twelve: Vec<&str> = twelve.iter().map(String::as_str).chain(["Blue shoe"]).collect();
    let answer = ask(&titles(&twelve), "red shoe");
    assert_eq!((answer.total, answer.relaxed.as_slice()), (12, &[][..]));
}

#[test]
fn what_has_more_of_the_words_comes_first_however_much_the_rest_is_wanted() {
    let mut index = titles(&[
        "Sugar Free Pie",
        "Free Range Pasta",
        "Gluten Free Bread",
        "Gluten",
        "Pasta Gluten Free And Many Words More That Make It Long",
    ]);
    let id = |id: &str| souk_core::ProductId::new(id).unwrap();
    index.set_popularity([(&id("2"), 1.0), (&id("3"), 1.0)]);
    let answer = ask(&index, "gluten free pasta");
    assert_eq!(ids(&answer), ["4", "1", "2"], "then what has the word that says what it is");
}

#[test]
fn what_cannot_be_bought_comes_later() {
    let lamp =
        |id: &str, state: &str| product(id, json!({"title": "Desk Lamp", "availability": state}));
    let products: Vec<Product> =
        vec![lamp("gone", "discontinued"), lamp("out", "out_of_stock"), lamp("in", "in_stock")];
    let index = SearchIndex::build(Settings::default(), &products, 1);
    assert_eq!(ids(&ask(&index, "lamp")), ["in", "out", "gone"]);
}

#[test]
fn what_is_wanted_comes_first_among_equals() {
    let mut index = titles(&["Desk Lamp", "Desk Lamp", "Desk Lamp Green Metal With Long Cable"]);
    let id = |id: &str| souk_core::ProductId::new(id).unwrap();
    index.set_popularity([(&id("1"), 0.8), (&id("unknown"), 1.0)]);
    assert_eq!(ids(&ask(&index, "desk lamp")), ["1", "0", "2"]);
}

/// `milk` names a kind, and whoever types it wants the milk that sells, however its title goes on.
#[test]
fn of_very_many_with_all_words_what_sells_comes_first() {
    let other = "Milk White From The Farm Next Door Whole";
    let first = |n_canned: usize, query: &str| {
        let canned = (0..n_canned).map(|n| format!("Canned Milk {n}"));
        let shop: Vec<String> = canned.chain([other.to_owned()]).collect();
        let shop: Vec<&str> = shop.iter().map(String::as_str).collect();
        let mut index = titles(&shop);
        let id = |n: usize| souk_core::ProductId::new(n.to_string()).unwrap();
        index.set_popularity([(&id(n_canned), 1.0), (&id(3), 0.3)]);
        ids(&ask(&index, query))[0].to_owned()
    };
    assert_eq!(first(1_000, "milk"), "1000");
    assert_eq!(first(5, "milk"), "3", "of few, the words say which");
    assert_eq!(first(1_000, "canned milk"), "3", "it is not canned");
}

#[test]
fn a_share_is_not_half_of_a_measure() {
    let shop = ["Chocolate Milk 1/2 gal", "Milk 2%", "Milk Whole", "Case for Phone 7/8"];
    let index = titles(&shop);
    assert_eq!(ids(&ask(&index, "2% milk"))[0], "1");
    assert_eq!(ids(&ask(&index, "milk 1/2 gallon"))[0], "0");
    assert_eq!(ids(&ask(&index, "phone 7 case")), ["3"]);
    // Where no product is of two per cent, the two of a half gallon is none.
    let index = titles(&[shop[0], "Whole Milk"]);
    assert_eq!(ids(&ask(&index, "2% milk")), ["1", "0"]);
}

#[test]
fn what_it_is_comes_before_what_it_is_for() {
    let index = titles(&[
        "AC Power Adapter for laptop",
        "Laptop Bag Brown Leather",
        "Laptop Sleeve Black Leather",
        "Gaming Laptop 15.6\" 16GB",
        "Tablet with laptop dock",
    ]);
    assert_eq!(ids(&ask(&index, "laptop"))[0], "3");
    assert_eq!(ids(&ask(&index, "laptop bag"))[0], "1");
    assert_eq!(ids(&ask(&index, "adapter for laptop"))[0], "0");
    let spanish = crate::test_shop::index_in(
        crate::Language::Spanish,
        &["Funda para portátil", "Portátil 15 pulgadas"],
    );
    assert_eq!(ids(&ask(&spanish, "portatil"))[0], "1");
}

#[test]
fn the_name_of_a_category_says_what_things_are() {
    let item = |id: &str, title: &str, path: &str| {
        let description = "A laptop needs it.";
        product(id, json!({"title": title, "categories": [path], "description": description}))
    };
    let products = [
        item("bag", "Laptop Bag", "Accessories > Bags"),
        item("book", "ProBook 450", "Computers > Laptops"),
    ];
    let index = SearchIndex::build(Settings::default(), &products, 1);
    let answer = ask(&index, "laptops");
    assert_eq!(ids(&answer), ["book", "bag"]);
    assert!(answer.hits[0].parts.category > answer.hits[1].parts.category);
}

/// Both say `stand` in the same way; most of what does is furniture.
#[test]
fn the_category_of_most_of_the_best_hits_comes_first() {
    let item = |id: usize, title: &str, path: &str| {
        product(&id.to_string(), json!({"title": title, "categories": [path]}))
    };
    let mut products = vec![item(0, "Corner stand", "Toys")];
    products.extend((1..8).map(|n| item(n, "Corner stand", "Furniture")));
    let index = SearchIndex::build(Settings::default(), &products, 1);
    let answer = ask(&index, "corner stand");
    assert_eq!(ids(&answer).last(), Some(&"0"));
}

#[test]
fn score_parts_multiply_to_the_score() {
    for hit in ask(&shoes(), "running shoes fleet").hits {
        let p = hit.parts;
        let product = p.text * p.title * p.category * p.availability * p.popularity * p.preference;
        assert!((product - hit.score).abs() < 1e-6, "{hit:?}");
        assert!(p.title > 1.0);
    }
}

#[test]
fn limits_are_named() {
    let index = shoes();
    for limit in [0, 1_001] {
        let error = index.search(&SearchRequest { limit, ..SearchRequest::new("x") }).unwrap_err();
        assert_eq!(error.to_string(), format!("limit is {limit}; it must be from 1 to 1000"));
    }
}

#[test]
fn variants_are_one_hit() {
    let variants = json!([
        {"id": "v1", "title": "Small", "attributes": {"colour": "crimson"}},
        {"id": "v2", "title": "Large", "attributes": {"colour": "azure"}}
    ]);
    let shirt = product("1", json!({"title": "T-Shirt", "variants": variants}));
    let index = SearchIndex::build(Settings::default(), &[shirt], 1);
    for query in ["shirt", "crimson shirt", "azure", "large tshirt"] {
        assert_eq!(ids(&ask(&index, query)), ["1"], "{query}");
    }
    let answer = index.search(&with_filter("", "colour = 'azure'")).unwrap();
    assert_eq!(answer.total, 1);
}

/// Where products are themselves, and what is had elsewhere.
#[test]
fn a_product_is_where_its_fields_say_and_where_else_it_can_be_had() {
    let placed =
        |id: &str, attributes| product(id, json!({"title": "Shoe", "attributes": attributes}));
    let shoes = [
        placed("2", json!({"lat": 0.01, "lng": 0.0})),
        placed("4", json!({"lat": " 0.02", "lng": "0"})),
        placed("6", json!({"lat": 91.0, "lng": 0.0})),
        placed("8", json!({"lat": 0.001})),
        placed("3", json!({"lat": 0.0, "lng": 0.05})),
        placed("5", json!({"lat": 0.0, "lng": 0.01})),
    ];
    let index = SearchIndex::build(Settings::default(), &shoes, 1);
    let around = |radius_km, places: bool| SearchRequest {
        around: Some(Around {
            origin: GeoPoint::new(0.0, 0.0).unwrap(),
            radius_km,
            fields: ["lat", "lng"],
            places: places.then(|| std::sync::Arc::new(ById) as std::sync::Arc<dyn Places>),
        }),
        sort: vec![SortBy::parse("distance:asc").unwrap()],
        ..SearchRequest::new("shoe")
    };
    let found = |radius_km, places| {
        let answer = index.search(&around(radius_km, places)).unwrap();
        answer.hits.iter().map(|hit| hit.id.to_string()).collect::<Vec<_>>()
    };
    // A hundredth of a degree is 1.112 km. 5 is nearer itself than elsewhere, 3 the other way round.
    assert_eq!(found(Some(6.0), false), ["2", "5", "4", "3"]);
    assert_eq!(found(Some(5.0), false), ["2", "5", "4"]);
    assert_eq!(found(Some(5.0), true), ["2", "5", "4", "3"]);
    assert_eq!(found(Some(1.112), false), ["2", "5"]);
    assert_eq!(found(Some(1.111), false), [] as [&str; 0]);
    assert_eq!(found(None, true), ["2", "5", "4", "3", "6", "8"], "what is nowhere comes last");
}

/// So many kilometres as the id says; what has an even id is nowhere.
#[derive(Debug)]
struct ById;

impl Places for ById {
    fn km(&self, id: &str) -> Option<f64> {
        id.parse().ok().filter(|id: &f64| id % 2.0 == 1.0)
    }
}

#[test]
fn what_is_too_far_is_no_hit_and_the_nearest_comes_first() {
    let index = shoes();
    let around = |query: &str, radius_km| {
        let places = std::sync::Arc::new(ById);
        let origin = GeoPoint::new(0.0, 0.0).unwrap();
        SearchRequest {
            around: Some(Around {
                origin,
                radius_km,
                fields: ["lat", "lng"],
                places: Some(places),
            }),
            sort: vec![SortBy::parse("distance:asc").unwrap()],
            facets: vec![FacetRequest::new("brand")],
            ..SearchRequest::new(query)
        }
    };
    let answer = index.search(&around("", Some(3.0))).unwrap();
    assert_eq!((ids(&answer), answer.total), (vec!["1", "3"], 2));
    assert_eq!(answer.facets[0].n_values, 2);
    let answer = index.search(&around("shoes", None)).unwrap();
    assert_eq!(ids(&answer)[..2], ["1", "3"]);
    assert_eq!(
        answer.total, 5,
        "without a radius nothing is left out, and what is nowhere comes last"
    );
    let mut far = around("", Some(3.0));
    far.sort = vec![SortBy::parse("distance:desc").unwrap()];
    assert_eq!(ids(&index.search(&far).unwrap()), ["3", "1"]);
    let without = SearchRequest { around: None, ..around("", None) };
    assert!(matches!(index.search(&without), Err(SearchError::UnknownField { .. })));
}

/// No product says `2%`, so lacking it says nothing: what sells of milk comes first, as for `milk`.
#[test]
fn a_word_that_no_product_has_tells_no_hits_apart() {
    let canned = (0..1_000).map(|n| format!("Canned Milk {n}"));
    let shop: Vec<String> = canned.chain(["Fluid Milk White Only".to_owned()]).collect();
    let shop: Vec<&str> = shop.iter().map(String::as_str).collect();
    let mut index = titles(&shop);
    index.set_popularity([(&souk_core::ProductId::new("1000").unwrap(), 1.0)]);
    assert_eq!(ids(&ask(&index, "milk"))[0], "1000");
    assert_eq!(ids(&ask(&index, "2% milk"))[0], "1000");
    // What some product has, the others lack: then sales do not outweigh what the things are.
    let more: Vec<&str> = shop.iter().copied().chain(["Candle 2%"]).collect();
    let mut index = titles(&more);
    index.set_popularity([(&souk_core::ProductId::new("1000").unwrap(), 1.0)]);
    assert_ne!(ids(&ask(&index, "2% milk"))[0], "1000");
}
