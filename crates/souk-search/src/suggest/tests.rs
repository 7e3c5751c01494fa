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

fn suggested(index: &SearchIndex, text: &str) -> Vec<String> {
    let request =
        SuggestRequest { text, limit: 9, language: None, popular: &[], without: &[], exclude: &[] };
    index.suggest(&request).unwrap().queries.into_iter().map(|one| one.text).collect()
}

#[test]
fn no_query_ends_with_a_word_that_says_nothing_or_has_one_twice() {
    let titles = vec!["Phone Cell Phones with Stand and Wireless Charger for Android"; 4];
    let index = crate::test_shop::titles(&titles);
    assert_eq!(suggested(&index, "wi"), ["wireless", "wireless charger"]);
    assert_eq!(suggested(&index, "an"), ["android"]);
    assert_eq!(suggested(&index, "phone c"), ["phone cell", "phone charger"]);
    assert_eq!(suggested(&index, "phone p"), Vec::<String>::new());
}

#[test]
fn words_follow_in_the_order_of_titles() {
    let mut titles = vec!["Samsung Galaxy S7 Case"; 5];
    titles.extend(["Samsung Galaxy Silver", "Silicone Case for Samsung Galaxy", "Silicone Galaxy"]);
    let index = crate::test_shop::titles(&titles);
    let words =
        ["galaxy s7", "galaxy s7 case", "galaxy silver", "galaxy samsung", "galaxy silicone"];
    assert_eq!(suggested(&index, "galaxy s"), words);
}

#[test]
fn suggestions_are_written_as_the_catalogue_writes_them() {
    let titles =
        ["K\u{e4}se gerieben", "K\u{e4}se gerieben", "K\u{e4}se gerieben", "Handyh\u{fc}lle"];
    let index = crate::test_shop::index_in(crate::Language::German, &titles);
    let words = ["k\u{e4}se", "k\u{e4}se gerieben"];
    assert_eq!(suggested(&index, "k\u{e4}"), words);
    assert_eq!(suggested(&index, "Kas"), words);
    assert_eq!(suggested(&index, "K\u{e4}se g"), ["k\u{e4}se gerieben"]);
    let popular = ["handyhulle".to_owned()];
    let request = SuggestRequest {
        text: "handy",
        limit: 5,
        language: None,
        popular: &popular,
        without: &[],
        exclude: &[],
    };
    assert_eq!(index.suggest(&request).unwrap().queries[0].text, "handyh\u{fc}lle");
}
