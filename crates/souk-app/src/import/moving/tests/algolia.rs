use expect_test::expect;
use souk_core::{AttributeValue, Availability, Money};

use super::{Desk, check};
use crate::import::{ImportOptions, MoveMode, Silent, System};
use crate::test_shop::caller;
use crate::{Role, SearchQuery, SynonymSet};

const FILES: [&str; 4] = ["rules.json", "synonyms.json", "records.json", "records.jsonl"];

#[tokio::test]
async fn algolias_records_become_products() {
    let desk = Desk::open(System::Algolia).await;
    let report = desk.move_in(&["records.json", "records.jsonl"], MoveMode::Import).await;
    let lamp = desk.product("5477500");
    assert_eq!(lamp.title, "Lamp \"Arc\" {tall}");
    assert_eq!(lamp.description.as_deref(), Some("Stands by itself."));
    assert_eq!(lamp.brand.as_deref(), Some("Lumen"));
    assert_eq!(lamp.categories, ["Living > Lamps > Floor lamps", "Office"]);
    assert_eq!(lamp.price.map(Money::minor), Some(12_950));
    assert_eq!(lamp.list_price.map(Money::minor), Some(15_900));
    assert_eq!(lamp.image_urls, ["https://example.com/arc.jpg"]);
    assert_eq!(lamp.tags, ["new", "outlet"]);
    assert_eq!(lamp.published_at.unwrap().to_string(), "2026-01-01T00:00:00.000Z");
    let attributes: Vec<String> =
        lamp.attributes.iter().map(|(name, value)| format!("{name} = {value:?}\n")).collect();
    check(
        &attributes.concat(),
        expect![[r#"
            _geo.lat = Number(48.2)
            _geo.lng = Number(16.37)
            dimensions.colour = Text("black")
            dimensions.height.cm = Number(180.0)
            free_shipping = Text("true")
            rating = Number(4.5)
            sizes.eu = Texts(["42", "43"])
            sizes.stock = Texts(["1", "0"])
        "#]],
    );
    let mug = desk.product("77");
    assert_eq!((mug.title.as_str(), mug.availability), ("Mug", Availability::OutOfStock));
    assert_eq!(mug.price.map(Money::minor), Some(1_100), "the price of the shop's currency");
    assert_eq!(
        (mug.brand.as_deref(), &mug.categories[..]),
        (Some("Claywork"), &["Kitchen".to_owned()][..])
    );
    assert_eq!(mug.attributes["manufacturer"], AttributeValue::Text("Claywork".into()));
    assert_eq!(desk.product("bulb").categories, ["Lamps > Bulbs"]);
    assert_eq!(desk.product("line-3").title, "Third");
    let rows = [desk.rejected("records.json"), desk.rejected("records.jsonl")].concat().join("\n");
    check(
        &rows,
        expect![[r#"
        25 | _geoloc | has several places; name them as locations with their stock
        34 | price | is no amount of USD; the product comes without
        40 | objectID | product id is empty; give 1 to 255 bytes of text
        41 | _geoloc | is no place; give lat (-90 to 90) and lng (-180 to 180)
        2 |  | the object that begins here never ends"#]],
    );
    assert_eq!(report.readiness.products.count, 6);
    assert_eq!(report.readiness.products.without_title, 1);
}

#[tokio::test]
async fn algolias_rules_and_synonyms_hold_in_searches() {
    let desk = Desk::open(System::Algolia).await;
    let report = desk.move_in(&FILES, MoveMode::Import).await;
    let main = souk_core::SiteId::main();
    desk.shop.app.wait_for_search(&main).await.unwrap();
    let admin = caller(Role::Admin);
    let rules = desk.shop.app.list_rules(&admin).unwrap();
    let rules: Vec<String> = rules
        .iter()
        .map(|stored| format!("{}\n", souk_core::wire::json::rule_to_json(&stored.rule)))
        .collect();
    check(
        &rules.concat(),
        expect![[r#"
        {"id":"a-openinghours-9c03d36153df72c8","name":"","enabled":true,"priority":0,"when":{"strategies":["search"],"queries":["^opening hours$"],"sites":["main"]},"select":{},"action":{"type":"redirect","url":"https://example.com/stores"}}
        {"id":"banner","name":"","enabled":true,"priority":0,"when":{"strategies":["search"],"sites":["main"]},"select":{},"action":{"type":"banner","url":"/tea","title":"Tea week","image_url":"https://example.com/b.jpg"}}
        {"id":"qr-1700000000-1.1","name":"Lamps of ours first","enabled":true,"priority":0,"when":{"strategies":["search"],"queries":["lamp","^floor light$"],"sites":["main"]},"select":{"product_ids":["5477500"]},"action":{"type":"pin","position":1}}
        {"id":"qr-1700000000-1.2","name":"Lamps of ours first","enabled":true,"priority":0,"when":{"strategies":["search"],"queries":["lamp","^floor light$"],"sites":["main"]},"select":{"product_ids":["bulb"]},"action":{"type":"pin","position":2}}
        {"id":"qr-1700000000-1.3","name":"Lamps of ours first","enabled":true,"priority":0,"when":{"strategies":["search"],"queries":["lamp","^floor light$"],"sites":["main"]},"select":{"product_ids":["77"]},"action":{"type":"pin","position":5}}
        {"id":"qr-1700000000-1.4","name":"Lamps of ours first","enabled":true,"priority":0,"when":{"strategies":["search"],"queries":["lamp","^floor light$"],"sites":["main"]},"select":{"product_ids":["far"]},"action":{"type":"hide"}}
        {"id":"qr-1700000000-1.5","name":"Lamps of ours first","enabled":true,"priority":0,"when":{"placements":["mobile"],"strategies":["search"],"queries":["light$"],"sites":["main"]},"select":{"product_ids":["5477500"]},"action":{"type":"pin","position":1}}
        {"id":"qr-1700000000-1.6","name":"Lamps of ours first","enabled":true,"priority":0,"when":{"placements":["mobile"],"strategies":["search"],"queries":["light$"],"sites":["main"]},"select":{"product_ids":["bulb"]},"action":{"type":"pin","position":2}}
        {"id":"qr-1700000000-1.7","name":"Lamps of ours first","enabled":true,"priority":0,"when":{"placements":["mobile"],"strategies":["search"],"queries":["light$"],"sites":["main"]},"select":{"product_ids":["77"]},"action":{"type":"pin","position":5}}
        {"id":"qr-1700000000-1.8","name":"Lamps of ours first","enabled":true,"priority":0,"when":{"placements":["mobile"],"strategies":["search"],"queries":["light$"],"sites":["main"]},"select":{"product_ids":["far"]},"action":{"type":"hide"}}
        {"id":"sale.1","name":"","enabled":false,"priority":0,"when":{"strategies":["search"],"queries":["^cheap"],"sites":["main"],"from":"2027-01-15T08:00:00.000Z","until":"2027-01-15T09:00:00.000Z"},"select":{"filter":"brand = 'Lumen'"},"action":{"type":"boost","factor":10.0}}
        {"id":"sale.2","name":"","enabled":false,"priority":0,"when":{"strategies":["search"],"queries":["^cheap"],"sites":["main"],"from":"2027-01-15T08:00:00.000Z","until":"2027-01-15T09:00:00.000Z"},"select":{"filter":"attributes.category = 'Kitchen' OR NOT attributes.category EXISTS AND categories = 'Kitchen'"},"action":{"type":"boost","factor":5.0}}
        {"id":"sale.3","name":"","enabled":false,"priority":0,"when":{"strategies":["search"],"queries":["^cheap"],"sites":["main"],"from":"2027-01-15T08:00:00.000Z","until":"2027-01-15T09:00:00.000Z"},"select":{"filter":"attributes.dimensions.colour = 'black'"},"action":{"type":"bury"}}
        {"id":"sale.4","name":"","enabled":false,"priority":0,"when":{"strategies":["search"],"queries":["^cheap"],"sites":["main"],"from":"2027-01-15T08:00:00.000Z","until":"2027-01-15T09:00:00.000Z"},"select":{"filter":"NOT (((brand = 'Lumen' OR tags = 'outlet') AND NOT categories = 'Office' AND price < 200) AND ((brand = 'Lumen' OR NOT brand = 'Other') AND attributes.free_shipping = true))"},"action":{"type":"hide"}}
    "#]],
    );
    check(
        &desk.rejected("rules.json").join("\n"),
        expect![[r#"
        2 | conditions.alternatives | takes plurals, synonyms and typing errors of its words; rules compare words as they are typed: add the others to when.queries (rule `qr-1700000000-1`)
        2 | consequence.params.query | changes what was typed; Souk's rules leave the words alone. Where one word should find what another finds, put a one-way synonym; words that find too little are given up by themselves (rule `qr-1700000000-1`)
        2 | consequence.params.hitsPerPage | changes how one search is answered; send it with the request (rule `qr-1700000000-1`)
        38 | consequence.params.renderingContent.facetOrdering | says in which order a page shows facets; the page decides that (rule `banner`)
        51 | conditions.pattern | filters by a facet that is named in the query; Souk reads brands, colours, sizes, prices and categories out of the words by itself (rule `brand-filter`)
        51 | consequence.params.automaticFacetFilters | filters by a facet that is named in the query; Souk reads brands, colours, sizes, prices and categories out of the words by itself (rule `brand-filter`)
        56 | conditions.filters | asks which filter the search has; Souk's rules do not see it. Let the page name a placement where it sets that filter, and put it into when.placements (rule `category-page`)
        56 | consequence.filterPromotes | is not said; taken as true: a pin never shows what filters take out (rule `category-page`)
        61 | consequence.params.filters | cannot be read at character 18: expected an attribute, NOT or a bracket (rule `broken`)
        61 | consequence.userData | is handed to the page as it is; of that, Souk's answers have redirects (redirect) and banners (title, banner or image, link) (rule `broken`)"#]],
    );
    check(
        &desk.rejected("synonyms.json").join("\n"),
        expect![[r#"
        6 | type | a placeholder stands for many words within records; Souk has none: give records the words themselves, or a one-way synonym for each (set `streets`)
        7 | words | has 1 entries; give 2 to 50 (set `lonely`)"#]],
    );
    let one_way = |from: &str, to: &[&str]| SynonymSet::OneWay {
        from: from.into(),
        to: to.iter().map(|word| (*word).to_owned()).collect(),
    };
    let sets = desk.shop.app.synonyms(&main, &admin).unwrap();
    assert_eq!(
        sets[0],
        SynonymSet::TwoWay { words: ["sofa", "couch", "settee"].map(Into::into).into() }
    );
    assert_eq!(
        sets[1..],
        [
            one_way("phone", &["iphone", "pixel"]),
            one_way("tee", &["shirt"]),
            one_way("grey", &["gray"]),
        ]
    );
    let found = |query: &'static str| {
        let (app, admin) = (&desk.shop.app, &admin);
        async move { app.search(&SearchQuery::new(query, 10), admin).await.unwrap() }
    };
    let lamps = found("lamp").await;
    let ids: Vec<&str> = lamps.hits.iter().map(|hit| hit.product_id.as_str()).collect();
    assert_eq!(ids[..2], ["5477500", "bulb"], "both are pinned");
    assert_eq!(
        found("opening hours").await.redirect.as_deref(),
        Some("https://example.com/stores")
    );
    assert_eq!(found("mug").await.banners[0].url.as_deref(), Some("/tea"));
    let kinds: Vec<(&str, u64, u64)> = report
        .files
        .iter()
        .map(|file| (file.kind.as_str(), file.accepted, file.duplicates))
        .collect();
    assert_eq!(kinds[2..], [("rules", 14, 0), ("synonyms", 4, 0)]);
}

#[tokio::test]
async fn a_file_that_was_moved_adds_nothing_and_takes_nothing_away() {
    let desk = Desk::open(System::Algolia).await;
    let admin = caller(Role::Admin);
    let main = souk_core::SiteId::main();
    let own = SynonymSet::TwoWay { words: vec!["tea".into(), "chai".into()] };
    desk.shop.app.put_synonyms((&main, vec![own.clone()]), &admin).await.unwrap();
    let dry = desk.move_in(&FILES, MoveMode::DryRun).await;
    assert!(dry.files.is_empty());
    let read: Vec<(&str, u64, u64)> = dry
        .readiness
        .files
        .iter()
        .map(|file| (file.label, file.facts, file.n_rejected()))
        .collect();
    assert_eq!(read[2..], [("Algolia rules", 14, 10), ("Algolia synonyms", 4, 2)]);
    assert_eq!(desk.shop.app.list_rules(&admin).unwrap(), [], "a dry run stores nothing");
    assert_eq!(desk.shop.app.synonyms(&main, &admin).unwrap(), std::slice::from_ref(&own));
    desk.move_in(&FILES, MoveMode::Import).await;
    let (rules, synonyms) =
        (desk.shop.app.list_rules(&admin).unwrap(), desk.shop.app.synonyms(&main, &admin).unwrap());
    assert_eq!(synonyms[0], own, "the shop's own words stay");
    let again = desk.move_in(&FILES, MoveMode::Import).await;
    for file in &again.files[2..] {
        assert_eq!((file.accepted, file.duplicates > 0), (0, true), "{}", file.kind.as_str());
    }
    assert_eq!(desk.shop.app.list_rules(&admin).unwrap(), rules);
    assert_eq!(desk.shop.app.synonyms(&main, &admin).unwrap(), synonyms);
}

#[tokio::test]
async fn a_file_that_is_none_of_algolias_is_refused_with_what_would_be_read() {
    let desk = Desk::open(System::Algolia).await;
    for (name, text, part) in [
        ("x.json", "{\"hits\": [{\"objectID\": \"1\"}]}", "give the list in its `hits`"),
        ("x.json", "[{\"id\": 1}]", "no object with an `objectID`"),
        ("x.csv", "objectID,name\n1,a\n", "no .json"),
    ] {
        let path = desk.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let options = ImportOptions { from: Some(System::Algolia), ..ImportOptions::default() };
        let moved = desk.shop.app.move_in(&[path], (&options, MoveMode::DryRun), &Silent).await;
        let error = moved.unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("rules (objectID, consequence)"), "{error}");
    }
}
