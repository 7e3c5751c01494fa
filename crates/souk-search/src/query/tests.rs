#![allow(clippy::unwrap_used)]
use serde_json::json;

use crate::test_shop::{ask, found, ids, index_in, product, titles};
use crate::{
    Language, Relaxation, SearchIndex, SearchRequest, Settings, Synonym, Tolerance, Typing,
};

const SHOP: &[&str] = &[
    "Wireless Headphones Black",
    "Gaming Laptop 15.6\" 16GB RAM",
    "Laptop Sleeve",
    "GeForce RTX2060 Graphics Card",
    "GeForce RTX 2070 Graphics Card",
    "Oat Milk 1.5 l",
    "Whole Milk 500 ml",
    "Calendar 2025",
    "Chocolate Cookies",
    "Wi-Fi Router",
];

#[test]
fn typing_errors_are_forgiven_by_the_length_of_the_word() {
    for (typed, title) in [
        ("laptpo", "Laptop Sleeve"),
        ("chocolete cokies", "Chocolate Cookies"),
        ("wirelss headphons", "Wireless Headphones Black"),
        ("chcolatte", "Chocolate Cookies"),
    ] {
        assert!(found(SHOP, typed).contains(&title), "{typed}");
    }
    // Four letters have no error, and a wrong first letter is two.
    assert!(found(SHOP, "mulk").is_empty());
    assert!(found(SHOP, "kaptop").is_empty());
}

#[test]
fn numbers_and_codes_are_never_guessed() {
    assert!(found(SHOP, "2024").is_empty());
    assert!(found(SHOP, "rtx2080").is_empty());
    assert_eq!(found(SHOP, "calendar 2025"), ["Calendar 2025"]);
}

#[test]
fn words_are_split_and_joined() {
    assert_eq!(found(SHOP, "head phones")[0], "Wireless Headphones Black");
    assert_eq!(found(SHOP, "oatmilk")[0], "Oat Milk 1.5 l");
    assert_eq!(found(SHOP, "rtx 2060")[0], "GeForce RTX2060 Graphics Card");
    assert_eq!(found(SHOP, "rtx2070")[0], "GeForce RTX 2070 Graphics Card");
    assert_eq!(found(SHOP, "wifi"), ["Wi-Fi Router"]);
    assert_eq!(found(SHOP, "wi fi"), ["Wi-Fi Router"]);
}

#[test]
fn words_are_joined_before_those_that_say_nothing_are_dropped() {
    let shop =
        ["Apple Juice", "Red Onion", "Ion Lens", "Case on Wheels", "Onion Rings", "Onion Soup"];
    let index = titles(&shop);
    for (typed, meant) in [("a pple juice", "apple juice"), ("on ion soup", "onion soup")] {
        assert_eq!(ask(&index, typed).corrected.as_deref(), Some(meant));
    }
    assert_eq!(ids(&ask(&index, "a pple")), ["0"]);
    // What stands apart in products was meant apart.
    assert_eq!(ask(&index, "case on wheels").corrected, None);
}

#[test]
fn words_are_split_only_where_products_have_both_parts() {
    let shop = ["Mac and Cheese", "Cook Book", "Phone Case", "Sound Proof Foam", "Gold Bar"];
    assert!(found(&shop, "macbook").is_empty());
    assert!(found(&shop, "soundbar").is_empty());
    assert_eq!(found(&shop, "phonecase"), ["Phone Case"]);
    // A measure is no word.
    assert_eq!(ask(&titles(&["5 in 1 Tool", "5in Screen"]), "55 inch tv").corrected, None);
}

#[test]
fn a_word_is_read_as_what_goes_with_the_others_and_stands_in_titles() {
    let mut shop: Vec<String> = (0..40).map(|n| format!("Male Shaver {n}")).collect();
    shop.extend((0..4).map(|n| format!("Pancake Syrup {n}")));
    let shop: Vec<&str> = shop.iter().map(String::as_str).collect();
    let answer = ask(&titles(&shop), "maple syrup");
    assert_eq!(answer.corrected, None, "no product has `male` and `syrup`");
    assert_eq!(ids(&answer), ["40", "41", "42", "43"]);
}

#[test]
fn a_word_is_not_read_as_one_that_hardly_goes_with_the_others() {
    let by_the_way = "unlocks with a finger as long as it is charged and switched on";
    let phone = |id: &str| product(id, json!({"title": "Flip Phone", "description": by_the_way}));
    let mut shop: Vec<_> = ["0", "1"].map(phone).into();
    let finger = json!({"title": "Finger Grip", "description": "for any phone"});
    shop.extend([product("2", finger), product("3", json!({"title": "Key Ring"}))]);
    let index = SearchIndex::build(Settings::default(), &shop, 1);
    let answer = ask(&index, "key finder");
    assert_eq!(answer.corrected, None);
    assert_eq!(ids(&answer)[0], "3");
    let dogs = ["Hot Dog Bread", "Dog Food", "Small Plate"];
    assert_eq!(ask(&titles(&dogs), "dog food small breed").corrected, None, "dogs eat no bread");
    assert_eq!(ask(&index, "finder grip").corrected.as_deref(), Some("finger grip"));
    assert_eq!(ask(&index, "finder").corrected.as_deref(), Some("finger"), "nothing else to go by");
}

#[test]
fn what_the_shop_does_not_have_is_no_typing_error() {
    let aside =
        json!({"title": "Waterproof Case", "description": "keeps phones dry above your head"});
    let case = |id: &str| product(id, aside.clone());
    let mut shop: Vec<_> = ["0", "a", "b"].map(case).into();
    let titles =
        ["Headphones Black", "Headphones Red", "Headphones Blue", "Head Lamp", "Phone Case"];
    let titled = titles.iter().zip(1..);
    shop.extend(titled.map(|(title, id)| product(&format!("{id}"), json!({"title": title}))));
    let index = SearchIndex::build(Settings::default(), &shop, 1);
    assert_eq!(ask(&index, "waterproof headphones").corrected, None);
    assert_eq!(ask(&index, "waterproof case").corrected, None);
}

#[test]
fn a_typing_error_in_the_number_that_the_shop_does_not_use_is_forgiven() {
    let shop = ["Strawberries", "Chip Dip", "Berry Bowl"];
    let corrected = |typed| ask(&titles(&shop), typed).corrected;
    assert_eq!(corrected("strawbery").as_deref(), Some("strawberries"));
    assert_eq!(corrected("berrry bowls").as_deref(), Some("berry bowls"));
    assert_eq!(found(&["Broccoli Crowns"], "brocolli"), ["Broccoli Crowns"]);
}

#[test]
fn words_that_ask_say_nothing() {
    let shop =
        ["Fish Tank Needs", "Taco Shells", "Pancake Mix", "Best Foods Mayo", "What Magazine"];
    for (question, title) in [
        ("what do I need for tacos", "Taco Shells"),
        ("how to make pancakes", "Pancake Mix"),
        ("best foods mayo", "Best Foods Mayo"),
        ("what", "What Magazine"),
    ] {
        let answer = ask(&titles(&shop), question);
        assert_eq!(ids(&answer).len(), 1, "{question}");
        assert_eq!(found(&shop, question), [title], "{question}");
        assert!(answer.relaxed.is_empty(), "{question}");
    }
    let german = index_in(Language::German, &["Reis rund", "Ich und Du"]);
    let request =
        |query| SearchRequest { language: Some(Language::German), ..SearchRequest::new(query) };
    assert_eq!(german.search(&request("was brauche ich für Reis")).unwrap().total, 1);
    // Small words of other languages say nothing where no product has them.
    let answer = ask(&titles(&["Case for Phone", "Les Mills Mat"]), "case für phone");
    assert!(answer.relaxed.is_empty() && answer.total == 1);
    let answer = ask(&titles(&["Mills Mat", "Les Mills Mat"]), "les mills");
    assert_eq!(ids(&answer)[0], "1");
    assert_eq!(answer.relaxed, [Relaxation::Words { needed: 1, of: 2 }]);
}

#[test]
fn what_is_looked_for_is_more_than_what_is_said_of_it() {
    let mut shop = vec!["Galaxy S7 Phone Black by Samsung"; 12];
    shop.extend(["Samsung Charger", "Car Charger", "Sugar Free Pie", "Chewing Gum", "Mint Gum"]);
    assert!(found(&shop, "sugar free gum")[..2].iter().all(|title| title.ends_with("Gum")));
    let chargers = found(&shop, "samsung galaxy s7 charger");
    assert!(chargers[..2].contains(&"Samsung Charger"), "{chargers:?}");
    // A code says which one it is.
    let bands = ["Wrist Strap for Gear S3", "Band for Gear S2", "Band for Watch"];
    assert_eq!(found(&bands, "gear s3 band")[..2], ["Band for Gear S2", "Wrist Strap for Gear S3"]);
}

#[test]
fn the_word_that_says_what_is_looked_for() {
    let index = titles(&["Case for iPhone", "iPhone 7 Case", "Red Shirt"]);
    let head = |query: &str| {
        let plan = super::Plan::new(&index, super::words_of(query), 0);
        plan.head.map(|head| plan.words[head].text.clone())
    };
    for (query, expected) in [
        ("iphone 7 case", "case"),
        ("case for iphone 7", "case"),
        ("snacks for kids lunch", "snacks"),
        ("rtx 2060", "rtx"),
        ("for men", "men"),
        ("iphone", "iphone"),
    ] {
        assert_eq!(head(query).as_deref(), Some(expected), "{query}");
    }
    assert_eq!(head("2060"), None);
}

#[test]
fn measures_meet_across_units() {
    assert_eq!(found(SHOP, "milk 1500ml")[0], "Oat Milk 1.5 l");
    assert_eq!(found(SHOP, "0,5 litre milk")[0], "Whole Milk 500 ml");
    assert_eq!(found(SHOP, "laptop 15.6 inch")[0], "Gaming Laptop 15.6\" 16GB RAM");
}

#[test]
fn what_was_meant_is_shown() {
    let index = titles(SHOP);
    assert_eq!(ask(&index, "wirelss headphones").corrected.as_deref(), Some("wireless headphones"));
    assert_eq!(ask(&index, "head phnes").corrected, None, "nothing is near `phnes`");
    assert_eq!(ask(&index, "wire less").corrected.as_deref(), Some("wireless"));
    assert_eq!(ask(&index, "oatmilk").corrected.as_deref(), Some("oat milk"));
    assert_eq!(ask(&index, "laptop").corrected, None);
}

#[test]
fn strict_searches_forgive_nothing() {
    let index = titles(SHOP);
    let mut request = SearchRequest::new("laptpo");
    request.tolerance = Tolerance::Strict;
    assert_eq!(index.search(&request).unwrap().total, 0);
}

#[test]
fn what_is_typed_comes_before_what_is_guessed() {
    let shop = ["Printed Shirt", "Printer Paper", "Printer"];
    assert_eq!(found(&shop, "printer")[..2], ["Printer", "Printer Paper"]);
    assert_eq!(found(&shop, "printed")[0], "Printed Shirt");
}

#[test]
fn the_last_word_may_be_a_beginning() {
    let index = titles(SHOP);
    let mut request = SearchRequest::new("graphics ca");
    request.typing = Typing::Going;
    assert_eq!(ids(&index.search(&request).unwrap())[..2], ["3", "4"]);
    request.query = "wire".into();
    assert_eq!(ids(&index.search(&request).unwrap()), ["0"]);
    // Only the last.
    request.query = "graph cards".into();
    request.tolerance = Tolerance::Strict;
    assert!(!index.search(&request).unwrap().relaxed.is_empty());
}

#[test]
fn synonyms_go_the_way_they_are_told() {
    let mut index = titles(&["Sofa Bed", "Couch Table", "iPhone X", "Phone Case", "TV Stand"]);
    let texts = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    index.set_synonyms(&[
        Synonym::TwoWay(texts(&["sofa", "couch"])),
        Synonym::OneWay { from: "phone".into(), to: texts(&["iphone"]) },
        Synonym::OneWay { from: "television set".into(), to: texts(&["tv"]) },
    ]);
    assert_eq!(ids(&ask(&index, "sofa")), ["0", "1"]);
    assert_eq!(ids(&ask(&index, "couch")), ["1", "0"]);
    assert_eq!(ids(&ask(&index, "phone")), ["3", "2"]);
    assert_eq!(ids(&ask(&index, "iphone")), ["2"]);
    assert_eq!(ids(&ask(&index, "television set")), ["4"]);
}

#[test]
fn german_compounds_are_found_by_their_parts() {
    let shop = ["Laufschuhe Herren", "Schuhe Damen", "Lauf Shirt", "Schuhputzmittel"];
    let index = index_in(Language::German, &shop);
    let answer = ask(&index, "Schuh");
    assert!(ids(&answer).contains(&"0"), "the head of a compound");
    assert_eq!(ids(&answer)[0], "1", "the word itself comes first");
    let index = index_in(Language::German, &["Schuhe zum Laufen", "Lauf Schuhe", "Hose"]);
    assert_eq!(ids(&ask(&index, "Laufschuhe")), ["1", "0"]);
    // The first part may be the stem of a verb.
    let shop =
        ["Laufschuhe Herren", "Schuhe zum Laufen", "Wanderschuhe Damen", "Wandern mit Kindern"];
    let index = index_in(Language::German, &shop);
    let found = ask(&index, "schuh");
    assert_eq!((ids(&found)[0], found.total), ("1", 3));
    assert_eq!(ids(&ask(&index, "laufschuhe")), ["0", "1"]);
}

#[test]
fn every_language_has_its_plurals_and_small_words() {
    let spanish = index_in(Language::Spanish, &["Zapatillas para correr", "Cámara de fotos"]);
    assert_eq!(ids(&ask(&spanish, "zapatilla")), ["0"]);
    assert_eq!(ids(&ask(&spanish, "camaras")), ["1"]);
    let french = index_in(Language::French, &["Huile d'olive", "Journaux"]);
    assert_eq!(ids(&ask(&french, "l'huile")), ["0"]);
    assert_eq!(ids(&ask(&french, "journal")), ["1"]);
    let other = index_in(Language::Other, &["Żółte buty", "東京 tea"]);
    assert_eq!(ids(&ask(&other, "zółte")), ["0"]);
    assert_eq!(ids(&ask(&other, "東京")), ["1"]);
}

#[test]
fn odd_queries_are_answered() {
    let index = titles(SHOP);
    for query in ["", "   ", "!!!", "the of", "\u{0}", "-", "'s", "\"", "x".repeat(5_000).as_str()]
    {
        ask(&index, query);
    }
    assert_eq!(ask(&index, "").total, SHOP.len());
    assert_eq!(ask(&index, "the").total, 0, "words are looked for when there are no others");
}

#[test]
fn what_only_descriptions_say_by_the_way_is_no_correction() {
    let described = |id: &str, title: &str, description: &str| {
        product(id, json!({"title": title, "description": description}))
    };
    let shop = [
        described("0", "Phone Case", "Well done, and makes a good present."),
        described("1", "Charging Cable", "Route it behind the desk; well done."),
        described("2", "Coffee Maker", "Makes coffee."),
    ];
    let index = SearchIndex::build(Settings::default(), &shop, 1);
    for typed in ["drone", "router"] {
        let answer = ask(&index, typed);
        assert_eq!((answer.total, answer.corrected), (0, None), "{typed}");
    }
    assert_eq!(ask(&index, "cofee maler").corrected.as_deref(), Some("coffee maker"));
}

#[test]
fn packing_is_not_what_is_looked_for_where_nothing_has_all_words() {
    let shop = [
        "Sandwich Bags",
        "Freezer Bags",
        "Spinach Salad",
        "Red Grapes",
        "Watermelon Seedless Whole",
        "Seedless Raisins Organic",
        "Trash Bags",
    ];
    assert_eq!(found(&shop, "spinach bag")[0], "Spinach Salad");
    assert_eq!(found(&shop, "grapes seedless")[0], "Red Grapes");
    // Where a product has both words, the bag is what was looked for.
    assert_eq!(found(&shop, "sandwich bag")[0], "Sandwich Bags");
}

#[test]
fn a_slash_parts_things_and_not_what_says_which() {
    let shop = ["Tortillas/Nacho Chips", "Salt/Water Conditioners", "Bread: Pita/Tortillas"];
    assert_eq!(found(&shop, "tortillas")[0], "Bread: Pita/Tortillas");
    assert_eq!(found(&shop, "nacho chips")[0], "Tortillas/Nacho Chips");
}

#[test]
fn of_two_readings_the_one_that_is_wanted_is_meant() {
    let mut shop = vec!["Bandana Red"; 9];
    shop.push("Banana");
    let mut index = titles(&shop);
    assert_eq!(ask(&index, "bannana").corrected.as_deref(), Some("bandana"));
    index.set_popularity([(&souk_core::ProductId::new("9").unwrap(), 1.0)]);
    assert_eq!(ask(&index, "bannana").corrected.as_deref(), Some("banana"));
}

#[test]
fn bread_around_a_fish_is_not_what_is_looked_for() {
    let item = |id: usize, title: &str, category: &str| {
        product(&id.to_string(), json!({"title": title, "categories": [category]}))
    };
    let mut shop: Vec<_> =
        (0..9).map(|id| item(id, "Multigrain Wheat Slices", "Bakery > Baked Bread")).collect();
    shop.extend((9..12).map(|id| item(id, "Bread Whole Fillets", "Frozen > Fish")));
    shop.push(item(12, "Whole Milk", "Dairy > Milk"));
    shop.push(item(13, "Wheat Flour", "Baking > Flour"));
    let index = SearchIndex::build(Settings::default(), &shop, 1);
    let answer = ask(&index, "whole wheat bread");
    assert_eq!(ids(&answer)[..9], ["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
}

#[test]
fn a_word_behind_a_minus_is_not_wanted() {
    let shop = ["Chocolate Milk", "Milk Chocolates", "Whole Milk", "Gluten Free Milk", "Free Milk"];
    assert_eq!(found(&shop, "milk -chocolate"), ["Whole Milk", "Free Milk", "Gluten Free Milk"]);
    // Words that hang together must all be there.
    let found_of = found(&shop, "milk -gluten-free -chocolate");
    assert_eq!(found_of, ["Whole Milk", "Free Milk"]);
    assert_eq!(found(&shop, "-milk"), [] as [&str; 0]);
    let answer = ask(&titles(&shop), "millk -chocolate");
    assert_eq!(answer.corrected.as_deref(), Some("milk -chocolate"));
    // A hyphen is no minus.
    assert_eq!(found(&["Wi-Fi Router", "Router"], "router wi-fi")[0], "Wi-Fi Router");
    assert_eq!(found(&["T-Shirt -20"], "t-shirt -20").len(), 1);
}

#[test]
fn a_short_word_alone_is_read_only_as_a_word_of_several_products() {
    let corrected = |n_towers: usize, query: &str| {
        let others = (0..2_600).map(|n| format!("Cable {n}"));
        let towers = (0..n_towers).map(|n| format!("Tower {n} Go Pro Floodlights"));
        let shop: Vec<String> = others.chain(towers).collect();
        let shop: Vec<&str> = shop.iter().map(String::as_str).collect();
        ask(&titles(&shop), query).corrected
    };
    for (query, meant) in [("toner", "tower"), ("gopro", "go pro")] {
        assert_eq!(corrected(4, query), None, "{query}");
        assert_eq!(corrected(5, query).as_deref(), Some(meant));
    }
    assert_eq!(corrected(1, "flodlights").as_deref(), Some("floodlights"), "a long word");
}

#[test]
fn words_that_the_catalogue_has_are_not_corrected_away() {
    let mut shop: Vec<String> = (0..60).map(|n| format!("Case in Styles {n}")).collect();
    shop.extend(["LG Stylo with Stylus", "Alarms", "Clock Alarm S"].map(str::to_owned));
    let shop: Vec<&str> = shop.iter().map(String::as_str).collect();
    let index = titles(&shop);
    let answer = ask(&index, "stylus");
    assert_eq!((ids(&answer), &answer.corrected), (vec!["60"], &None));
    let answer = ask(&index, "alarms");
    assert_eq!(
        (answer.total, &answer.corrected),
        (2, &None),
        "no word is split but for one letter"
    );
    // A word that none has is read as before.
    assert_eq!(ask(&index, "stylis").corrected.as_deref(), Some("styles"));
}

#[test]
fn of_a_word_that_is_far_likelier_an_error_what_has_it_as_typed_comes_first() {
    let about = json!({"title": "Phone Holder", "description": "for the galxy and any other, too"});
    let mut shop = vec![product("typed", about)];
    let phone = |n: usize| product(&n.to_string(), json!({"title": "Galaxy", "brand": "Galaxy"}));
    shop.extend((0..2_000).map(phone));
    let answer = ask(&SearchIndex::build(Settings::default(), &shop, 1), "galxy");
    assert_eq!((answer.corrected.as_deref(), answer.total), (Some("galaxy"), 2_001));
    assert_eq!(ids(&answer)[0], "typed");
}

#[test]
fn words_and_codes_meet_split_and_joined_where_the_catalogue_has_both() {
    let shop = [
        "Case for Samsung Galaxy S 4",
        "Samsung Galaxy S4 Cover",
        "Samsung Galaxy S7 Phone",
        "Samsung Galaxy A5 Phone",
    ];
    for query in ["galaxy s4", "galaxy s 4", "Galaxy S-4"] {
        let mut first = found(&shop, query)[..2].to_vec();
        first.sort_unstable();
        assert_eq!(first, shop[..2], "{query}");
    }
    let shop =
        ["Oatmilk", "Oat Milk Vanilla", "Oat Milk", "Milk from Oat", "Gopro Stick", "Go Play Pro"];
    let milk = found(&shop, "oatmilk");
    assert_eq!((milk[0], milk.len()), ("Oatmilk", 4), "{milk:?}");
    assert_eq!(ask(&titles(&shop), "oatmilk").corrected, None);
    // What no title has side by side is not the same thing.
    assert_eq!(found(&shop, "gopro"), ["Gopro Stick"]);
}

#[test]
fn corrections_are_written_as_the_catalogue_writes_them() {
    let shop =
        ["Br\u{f6}tchen", "K\u{e4}se", "Kase", "Creme", "Creme", "Cr\u{e8}me", "Wei\u{df}brot"];
    let index = index_in(Language::German, &shop);
    assert_eq!(ask(&index, "brotchn").corrected.as_deref(), Some("br\u{f6}tchen"));
    let written = "br\u{f6}tchen k\u{e4}se creme wei\u{df}brot nirgends";
    let again = SearchIndex::from_bytes(&index.to_bytes(), index.settings()).unwrap();
    for index in [&index, &again] {
        let folded = "brotchen kase creme weissbrot nirgends";
        assert_eq!(index.as_written(folded, Some(Language::German)), written);
    }
}
