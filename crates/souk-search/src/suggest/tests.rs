#![allow(clippy::unwrap_used)]
use serde_json::json;

use super::*;
use crate::Settings;
use crate::test_shop::product;

fn shop() -> SearchIndex {
    let titles = [
        ("Wireless Mouse", "Logi"),
        ("Wireless Mouse Pad", "Logi"),
        ("Wireless Mouse Mini", "Trust"),
        ("Wireless Keyboard", "Logi"),
        ("Wired Mouse", "Trust"),
        ("Wine Glass", "Winea"),
        ("Wine Glasses Set", "Winea"),
    ];
    let products: Vec<_> = titles
        .iter()
        .enumerate()
        .map(|(idx, (title, brand))| {
            let categories = json!(["Office > Mice and Keyboards"]);
            let fields = json!({"title": title, "brand": brand, "categories": categories});
            product(&idx.to_string(), fields)
        })
        .collect();
    SearchIndex::build(Settings::default(), &products, 1)
}

fn suggest(text: &str, popular: &[String]) -> Suggestions {
    let request =
        SuggestRequest { text, limit: 5, language: None, popular, without: &[], exclude: &[] };
    shop().suggest(&request).unwrap()
}

fn texts(suggestions: &[Suggestion]) -> Vec<(&str, usize)> {
    suggestions.iter().map(|one| (one.text.as_str(), one.count)).collect()
}

#[test]
fn queries_are_completed_with_what_follows() {
    let suggestions = suggest("wir", &[]);
    let queries = texts(&suggestions.queries);
    // All are in the category of mice and keyboards.
    assert_eq!(queries, [("wireless", 4), ("wireless mouse", 4), ("wired", 1)]);
    assert_eq!(texts(&suggest("wireless k", &[]).queries), [("wireless keyboard", 4)]);
    // The number of a noun makes no other suggestion.
    let wine = suggest("wine g", &[]);
    assert_eq!(texts(&wine.queries).len(), 1);
}

#[test]
fn whole_categories_are_suggested_first() {
    let item = |n: usize, title: &str, category: &str| {
        product(&format!("{title}{n}"), json!({"title": title, "categories": [category]}))
    };
    let mut shop: Vec<_> = (0..9).map(|n| item(n, "Frozen Peas", "Frozen > Vegetables")).collect();
    shop.extend((0..4).map(|n| item(n, "Frozen Pizza", "Frozen > Frozen Pizzas")));
    let index = SearchIndex::build(Settings::default(), &shop, 1);
    let text = "frozen p";
    let request =
        SuggestRequest { text, limit: 5, language: None, popular: &[], without: &[], exclude: &[] };
    let suggestions = index.suggest(&request).unwrap();
    assert_eq!(texts(&suggestions.queries), [("frozen pizza", 4), ("frozen peas", 9)]);
}

#[test]
fn what_others_asked_comes_first_if_it_finds_something() {
    let popular = ["Wired Mouse".to_owned(), "wig".to_owned(), "pad".to_owned()];
    let suggestions = suggest("wi", &popular);
    assert_eq!(texts(&suggestions.queries)[0], ("wired mouse", 1));
    assert!(texts(&suggestions.queries).iter().all(|(text, _)| *text != "wig"));
}

#[test]
fn categories_brands_and_products_stand_beside() {
    let suggestions = suggest("key", &[]);
    assert_eq!(texts(&suggestions.categories), [("Office > Mice and Keyboards", 7)]);
    assert_eq!(suggestions.products[0].id.as_str(), "3");
    assert_eq!(texts(&suggest("log", &[]).brands), [("Logi", 3)]);
    assert_eq!(suggest("  ", &[]), Suggestions::default());
}

#[test]
fn what_sells_is_suggested_first_and_no_word_of_another_phrase() {
    let mut titles: Vec<String> = (0..4).map(|n| format!("Primal, no. {n}")).collect();
    titles.extend((0..5).map(|n| format!("Bandana {n}")));
    titles.push("Bananas".into());
    let products: Vec<_> = titles
        .iter()
        .enumerate()
        .map(|(idx, title)| product(&idx.to_string(), json!({"title": title})))
        .collect();
    let mut index = SearchIndex::build(Settings::default(), &products, 1);
    let queries = |index: &SearchIndex, text: &str| {
        let request = SuggestRequest {
            text,
            limit: 5,
            language: None,
            popular: &[],
            without: &[],
            exclude: &[],
        };
        let found = index.suggest(&request).unwrap().queries;
        found.into_iter().map(|one| one.text).collect::<Vec<_>>()
    };
    assert_eq!(queries(&index, "pri"), ["primal"]);
    assert_eq!(queries(&index, "ban"), ["bandana", "bananas"]);
    index.set_popularity([(&ProductId::new("9").unwrap(), 1.0)]);
    assert_eq!(queries(&index, "ban"), ["bananas", "bandana"]);
}

#[test]
fn categories_that_begin_so_come_first_then_what_sells() {
    let item = |n: usize, category: &str| {
        product(&format!("{category}{n}"), json!({"title": "Thing", "categories": [category]}))
    };
    let mut shop: Vec<_> = (0..9).map(|n| item(n, "Hair > Head Bands")).collect();
    shop.extend((0..5).map(|n| item(n, "Health > Bandages")));
    shop.extend((0..2).map(|n| item(n, "Fruit > Bananas")));
    let mut index = SearchIndex::build(Settings::default(), &shop, 1);
    let categories = |index: &SearchIndex| {
        let request = SuggestRequest {
            text: "ban",
            limit: 5,
            language: None,
            popular: &[],
            without: &[],
            exclude: &[],
        };
        let found = index.suggest(&request).unwrap().categories;
        found.into_iter().map(|one| one.text).collect::<Vec<_>>()
    };
    assert_eq!(categories(&index), ["Health > Bandages", "Fruit > Bananas", "Hair > Head Bands"]);
    index.set_popularity([(&ProductId::new("Fruit > Bananas1").unwrap(), 1.0)]);
    assert_eq!(categories(&index), ["Fruit > Bananas", "Health > Bandages", "Hair > Head Bands"]);
}
