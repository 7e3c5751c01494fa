#![allow(clippy::unwrap_used)]
use serde_json::json;

use crate::test_shop::{ask, ids, product};
use crate::{Effect, Relaxation, SearchIndex, SearchRequest, Settings, Structure};

fn shop() -> SearchIndex {
    let item =
        |id: &str, (title, brand): (&str, &str), (price, size, colour): (u32, &str, &str)| {
            let price = json!({"amount": price * 100, "currency": "USD"});
            let attributes = json!({"size": size, "colour": colour});
            let fields = json!({"title": title, "brand": brand, "price": price,
            "attributes": attributes, "categories": ["Sport > Running Shoes"]});
            product(id, fields)
        };
    let products = [
        item("1", ("Running Shoes", "Fleet"), (40, "42", "Red")),
        item("2", ("Running Shoes", "Gazelle"), (60, "42", "Red")),
        item("3", ("Running Shoes", "Fleet"), (45, "43", "Blue")),
        item("4", ("Apple Juice", "Orchard"), (3, "1 l", "Yellow")),
        item("5", ("Phone Case", "Apple"), (20, "S", "Red")),
    ];
    SearchIndex::build(Settings::default(), &products, 1)
}

fn meanings(query: &str) -> Vec<(String, Effect)> {
    let understood = ask(&shop(), query).understood;
    understood.into_iter().map(|one| (one.meaning, one.effect)).collect()
}

#[test]
fn prices_and_sizes_become_filters() {
    let answer = ask(&shop(), "running shoes under 50 size 42");
    assert_eq!(ids(&answer), ["1"]);
    let filtered = |text: &str| (text.to_owned(), Effect::Filtered);
    let said = meanings("running shoes under 50 size 42");
    assert!(said.contains(&filtered("price <= 50")), "{said:?}");
    assert!(said.contains(&filtered("attributes.'size' = '42'")), "{said:?}");
    assert!(
        meanings("shoes between 40 and 50 euros")
            .contains(&filtered("price >= 40 AND price <= 50"))
    );
    assert_eq!(ids(&ask(&shop(), "running shoes between 42 and 50 euros")), ["3"]);
    assert!(meanings("case more than 10").contains(&filtered("price >= 10")));
}

#[test]
fn names_are_preferences() {
    let answer = ask(&shop(), "red running shoes");
    assert_eq!(answer.understood[0].effect, Effect::Preferred);
    let meanings = meanings("fleet running shoes");
    assert!(meanings.contains(&("brand = 'Fleet'".into(), Effect::Preferred)), "{meanings:?}");
    assert!(meanings.iter().any(|(m, _)| m == "categories = 'Sport > Running Shoes'"));
    // An apple may be a juice as well.
    assert_eq!(ask(&shop(), "apple").total, 2);
}

#[test]
fn a_category_that_is_named_by_the_way_is_no_preference() {
    let named = |query: &str| meanings(query).iter().any(|(m, _)| m.starts_with("categories"));
    assert!(named("fleet running shoes") && named("running shoes for kids"));
    assert!(!named("running shoes case"));
    assert!(!named("case for running shoes"));
}

#[test]
fn cheap_is_a_wish() {
    let answer = ask(&shop(), "cheap running shoes");
    assert_eq!(ids(&answer)[..3], ["1", "3", "2"]);
    for word in ["billige", "preiswerter", "günstigste", "preisgünstigen"] {
        let found = ask(&shop(), &format!("{word} running shoes"));
        assert_eq!((ids(&found), found.relaxed.len()), (ids(&answer), 0), "{word}");
    }
    assert_eq!(meanings("günstigkeit shoes").iter().filter(|(m, _)| m == "price:asc").count(), 0);
}

#[test]
fn what_was_understood_can_be_undone() {
    let mut request = SearchRequest::new("running shoes under 50");
    request.structure = Structure::Literal;
    let answer = shop().search(&request).unwrap();
    assert!(answer.understood.is_empty());
    assert_eq!(answer.total, 5, "all are of the category, at any price");
}

#[test]
fn what_is_undone_takes_its_words_with_it() {
    let undone = |query: &str| {
        let request = SearchRequest { structure: Structure::Undone, ..SearchRequest::new(query) };
        shop().search(&request).unwrap()
    };
    let answer = undone("phone case under 10");
    assert_eq!((ids(&answer), answer.relaxed.len()), (vec!["5"], 0));
    assert!(answer.understood.is_empty());
    // Preferences go too, and with `cheap` its word.
    let answer = undone("cheap fleet running shoes");
    assert_eq!(answer.understood, []);
    assert!(answer.relaxed.iter().all(|how| matches!(how, Relaxation::Words { of: 3, .. })));
    // Where there are no others, the words are what is looked for.
    let answer = undone("size 42");
    assert_eq!((ids(&answer)[0], answer.total), ("1", 2));
}

#[test]
fn what_was_understood_is_said_in_the_words_that_were_typed() {
    for (query, words) in [
        ("case $20 or less", "$20 or less"),
        ("Juice Under $15.50", "Under $15.50"),
        ("shoes 40-50 dollars", "40-50 dollars"),
        ("shoes $40 - $50", "$40 - $50"),
        ("case under 20 \u{20ac}", "under 20 \u{20ac}"),
        ("running shoes, Size:  42", "Size:  42"),
        ("under 20 -leather case", "under 20"),
        ("shoes under 50 size 42", "under 50"),
    ] {
        let filtered = |one: &crate::Understood| one.effect == Effect::Filtered;
        let understood = ask(&shop(), query).understood;
        let first = understood.iter().find(|one| filtered(one)).unwrap();
        assert_eq!(first.words, words, "{query}");
    }
    let understood = ask(&shop(), "RED running shoes").understood;
    let preferred = understood.iter().find(|one| one.meaning == "attributes.colour = 'Red'");
    assert_eq!(preferred.unwrap().words, "RED");
}

#[test]
fn categories_are_named_in_either_number_and_in_corrected_words() {
    let titled = |id: usize, title: &str, category: &str| {
        product(
            &id.to_string(),
            json!({"title": title, "brand": "Apple", "categories": [category]}),
        )
    };
    let mut shop: Vec<_> =
        (0..4).map(|id| titled(id, "Beef Hot Dogs", "Meat > Hot Dogs")).collect();
    shop.extend((4..8).map(|id| titled(id, "Ground Coffee", "Drinks > Coffee")));
    shop.push(titled(8, "Apple Battery", "Power > Battery"));
    let index = SearchIndex::build(Settings::default(), &shop, 1);
    let meant = |query: &str| {
        let understood = ask(&index, query).understood;
        understood.into_iter().map(|one| (one.words, one.meaning)).collect::<Vec<_>>()
    };
    let named = |words: &str, meaning: &str| vec![(words.to_owned(), meaning.to_owned())];
    assert_eq!(meant("hot dog"), named("hot dog", "categories = 'Meat > Hot Dogs'"));
    assert_eq!(meant("hot dogs"), named("hot dogs", "categories = 'Meat > Hot Dogs'"));
    assert_eq!(meant("batteries"), named("batteries", "categories = 'Power > Battery'"));
    assert_eq!(ask(&index, "ground cofee").corrected.as_deref(), Some("ground coffee"));
    assert_eq!(meant("ground cofee"), named("coffee", "categories = 'Drinks > Coffee'"));
    // Brands are names, not things: apples are of no such make.
    assert_eq!(meant("apples"), []);
    assert_eq!(meant("apple").len(), 1);
}

#[test]
fn a_filter_that_leaves_nothing_is_given_up() {
    let answer = ask(&shop(), "running shoes under 1");
    assert_eq!(answer.relaxed[0], Relaxation::Understood);
    assert!(answer.total > 0);
    assert!(answer.understood.is_empty());
}

#[test]
fn words_that_only_look_so_are_left_alone() {
    assert_eq!(meanings("over ear headphones"), []);
    assert_eq!(meanings("size matters"), []);
}

#[test]
fn a_condition_that_is_given_up_takes_its_words_with_it() {
    let titled = |id: &str, title: &str| {
        let price = json!({"amount": 2_000, "currency": "USD"});
        product(id, json!({"title": title, "price": price}))
    };
    let shop = [titled("1", "Flip Over Case 1000"), titled("2", "Laptop Bag")];
    let index = SearchIndex::build(Settings::default(), &shop, 1);
    let answer = ask(&index, "laptop over 1000");
    assert_eq!(ids(&answer), ["2"]);
    assert_eq!(answer.relaxed, [Relaxation::Understood]);
    // Where there is no other word, they are all that there is to go by.
    assert_eq!(ids(&ask(&index, "over 1000")), ["1"]);
}

#[test]
fn prices_are_read_in_the_ways_that_people_write_them() {
    for (query, condition) in [
        ("case between 50 and 20", "price >= 20 AND price <= 50"),
        ("case between $10 and $30", "price >= 10 AND price <= 30"),
        ("case 10-30 dollars", "price >= 10 AND price <= 30"),
        ("case $10 - $30", "price >= 10 AND price <= 30"),
        ("case 10 to 30 dollars", "price >= 10 AND price <= 30"),
        ("case 100 dollars or less", "price <= 100"),
        ("case $20 or more", "price >= 20"),
        ("case under 20 bucks", "price <= 20"),
        ("case at most 30 dollars", "price <= 30"),
        ("case no more than 30", "price <= 30"),
        ("case at least 10 dollars", "price >= 10"),
        ("case from 10 to 30", "price >= 10 AND price <= 30"),
        ("case from $10 to $30", "price >= 10 AND price <= 30"),
        ("from 30 to 10 euros case", "price >= 10 AND price <= 30"),
        ("case von 10 bis 30 euro", "price >= 10 AND price <= 30"),
        ("case zwischen 10 und 30 euro", "price >= 10 AND price <= 30"),
        ("case entre 10 et 30 euros", "price >= 10 AND price <= 30"),
        ("case ab 10 euro", "price >= 10"),
        ("case ab \u{20ac}10", "price >= 10"),
        ("case à partir de 10 euros", "price >= 10"),
    ] {
        let filtered = (condition.to_owned(), Effect::Filtered);
        assert!(meanings(query).contains(&filtered), "{query}: {:?}", meanings(query));
    }
    for query in [
        "case 5-10",
        "pages 5 10 dollars",
        "2 or more players",
        "case 5 to 10",
        "trains from 9 to 5 case",
        "case for ages from 3 to 6",
        "case ab 3 jahren",
    ] {
        assert!(meanings(query).iter().all(|(_, effect)| *effect != Effect::Filtered), "{query}");
    }
}

#[test]
fn a_price_in_another_currency_is_no_limit_and_says_so() {
    let asked = |query: &str| {
        let currency = Some(souk_core::Currency::USD);
        let request = SearchRequest { currency, ..SearchRequest::new(query) };
        shop().search(&request).unwrap()
    };
    for query in ["case under 10 euros", "case under \u{20ac}10", "case \u{a3}5-\u{a3}10"] {
        let answer = asked(query);
        assert_eq!((ids(&answer), answer.relaxed.len()), (vec!["5"], 0), "{query}");
        assert!(answer.understood.iter().all(|one| one.effect != Effect::Filtered), "{query}");
        assert!(answer.notes[0].to_string().contains("prices here are in USD"), "{query}");
    }
    let note = asked("case under 10 euros").notes[0].to_string();
    assert_eq!(note, "`under 10 euros` is no limit, for prices here are in USD and not in EUR");
    for query in ["case under 30", "case under 30 dollars", "case under $30"] {
        let answer = asked(query);
        assert_eq!((answer.notes.len(), &*answer.understood[0].meaning), (0, "price <= 30"));
    }
}

#[test]
fn a_word_of_many_things_names_no_category() {
    let titled = |id: usize, title: &str, category: &str| {
        product(&id.to_string(), json!({"title": title, "categories": [category]}))
    };
    let mut shop = vec![titled(0, "Leg", "Meat > Lamb > Organic")];
    shop.extend((1..8).map(|id| titled(id, "Organic Apples", "Produce > Apples")));
    let index = SearchIndex::build(Settings::default(), &shop, 1);
    assert_eq!(ask(&index, "organic").understood, []);
    assert_eq!(ask(&index, "apples").understood[0].meaning, "categories = 'Produce > Apples'");
}
