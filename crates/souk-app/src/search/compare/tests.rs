#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::super::learned_tests::{CROWD, crowd, learn, regulars};
use super::super::tests::{ask, ids, tea_shop};
use super::*;
use crate::config::MeaningSettings;
use crate::test_shop::{Shop, caller};
use crate::{Config, IngestCall, Role};

async fn compared(shop: &Shop, other: &str) -> Result<SearchComparison, AppError> {
    let other = Config::parse(other, []).unwrap().search;
    let query = SearchReportQuery { limit: 10, ..SearchReportQuery::default() };
    shop.app.compare_searches((&query, 3), &other, &caller(Role::Admin)).await
}

#[tokio::test]
async fn what_people_ask_is_answered_with_both_settings_and_noted_with_none() {
    let shop = tea_shop().await;
    regulars(&shop).await;
    let words = ids(&ask(&shop, &SearchQuery::new("tea", 3)).await);
    let (wanted, liked) = (words[0].clone(), words[2].clone());
    // By what sells another one would stand first.
    for number in 0..2 * CROWD {
        let order = json!({"event": "Order Completed", "userId": format!("u{number}"), "properties": {
            "order_id": format!("w{number}"),
            "products": [{"product_id": wanted, "price": 1, "quantity": 1}]}});
        shop.send(Role::IngestServer, IngestCall::Track, order).await;
    }
    crowd(&shop, (0, 2 * CROWD), ("tea", &[("Product Clicked", liked.as_str())])).await;
    crowd(&shop, (0, CROWD), ("hovercraft", &[])).await;
    learn(&shop).await;
    let comparison = compared(&shop, "search: {learning: none}").await.unwrap();
    let [tea, hovercraft] = comparison.queries.as_slice() else { panic!("{comparison:?}") };
    let places = |side: &SearchSide| -> Vec<String> {
        side.products.iter().map(|(id, _)| id.as_str().to_owned()).collect()
    };
    assert_eq!(places(&tea.now)[0], liked);
    assert_eq!(places(&tea.other)[0], wanted);
    assert!(tea.differs() && tea.overlap == 1.0, "the same three in another order");
    assert_eq!(tea.now.taken_up, Some(1.0));
    assert!(tea.other.taken_up.unwrap() < 0.7, "1 / log2(place + 1)");
    assert!(tea.now.products.iter().all(|(_, title)| !title.is_empty()));
    assert!(!hovercraft.differs());
    assert_eq!((hovercraft.overlap, hovercraft.now.taken_up), (1.0, None));
    let again = compared(&shop, "search: {learning: none}").await.unwrap();
    assert_eq!(again, comparison, "a comparison is no search");
    let same = compared(&shop, "").await.unwrap();
    assert!(same.queries.iter().all(|one| !one.differs()));
}

#[tokio::test]
async fn what_cannot_be_seen_is_refused_by_name() {
    let shop = tea_shop().await;
    let refused = compared(&shop, "search: {embedder: static}").await.unwrap_err().to_string();
    assert!(refused.contains("another model"), "{refused}");
    let shop = Shop::open_with(Config::parse("search: {learning: none}", []).unwrap()).await;
    let refused = compared(&shop, "").await.unwrap_err().to_string();
    assert!(refused.contains("learns nothing"), "{refused}");
}

#[test]
fn shares_reach_the_engine_as_they_are() {
    let shares = MeaningSettings { full: 0.25, thin: 0.75 }.to_engine();
    assert_eq!((shares.full, shares.thin), (0.25, 0.75));
}
