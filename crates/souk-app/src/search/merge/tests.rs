#![allow(clippy::unwrap_used)]

use serde_json::json;
use souk_core::{Fact, Impressions, ProductId, SiteId};

use super::{Merge, merge_places};
use crate::search::tests::{rule, tea_shop};
use crate::search::{FoundProduct, SearchFound, SearchQuery};
use crate::test_shop::caller;
use crate::{Role, search_to_json};

fn hits(ids: &[&str]) -> Vec<FoundProduct> {
    let hit = |id: &&str| FoundProduct {
        product_id: ProductId::new(*id).unwrap(),
        score: 1.0,
        fit: 1.0,
        product: "{}".into(),
        title_highlight: None,
        parts: None,
        personal: 1.0,
        learned: 1.0,
        clicks: 1.0,
        brought_by: None,
        moved: None,
        nearest: None,
    };
    ids.iter().map(hit).collect()
}

/// The ids of a merged list of one site, with what they are worth.
fn merged(lists: &[(&[&str], f64)]) -> Vec<(String, f64)> {
    let site = SiteId::main();
    let lists: Vec<_> = lists.iter().map(|(ids, weight)| (hits(ids), *weight)).collect();
    let asked: Vec<_> =
        lists.iter().map(|(hits, weight)| (&site, hits.as_slice(), *weight)).collect();
    let places = merge_places(&asked).into_iter();
    let id = |search: usize, place: usize| lists[search].0[place].product_id.to_string();
    places.map(|one| (id(one.searches[0], one.place), (one.score * 1e4).round() / 1e4)).collect()
}

fn ids(list: &[(String, f64)]) -> Vec<&str> {
    list.iter().map(|(id, _)| id.as_str()).collect()
}

#[test]
fn places_are_worth_their_weight_and_add_up() {
    let list = merged(&[(&["a", "b", "c"], 1.0), (&["x", "y", "b"], 1.0)]);
    // b: 1/log2(3) + 1/log2(4).
    let expected = [("b", 1.1309), ("a", 1.0), ("x", 1.0), ("y", 0.6309), ("c", 0.5)];
    let expected: Vec<(String, f64)> =
        expected.iter().map(|(id, score)| ((*id).to_owned(), *score)).collect();
    assert_eq!(list, expected);
}

#[test]
fn a_weight_of_two_brings_the_third_beside_the_first() {
    let list = merged(&[(&["a", "b", "c"], 1.0), (&["x", "y", "z"], 2.0)]);
    assert_eq!(ids(&list), ["x", "y", "a", "z", "b", "c"]);
    assert_eq!(
        (list[2].1, list[3].1),
        (1.0, 1.0),
        "what is worth the same keeps the order of the searches"
    );
    let list = merged(&[(&["a", "b"], 0.0), (&["x"], 1.0)]);
    assert_eq!(ids(&list), ["x", "a", "b"], "what weighs nothing comes last");
}

#[test]
fn one_id_on_two_sites_is_two_products() {
    let (main, other) = (SiteId::main(), SiteId::new("other").unwrap());
    let (left, right) = (hits(&["a"]), hits(&["a"]));
    let places = merge_places(&[(&main, &left, 1.0), (&other, &right, 1.0)]);
    assert_eq!(places.len(), 2);
}

#[tokio::test]
async fn a_merged_list_is_paged_and_noted_once() {
    let shop = tea_shop().await;
    // Rules have the last word in each search, and so in the list.
    let pin = json!({"when": {"queries": ["pot"]}, "select": {"product_ids": ["mint"]}, "action": {"type": "pin", "position": 1}});
    rule(&shop, "pin", pin).await;
    let banner =
        json!({"when": {"queries": ["pot"]}, "action": {"type": "banner", "title": "Pots"}});
    rule(&shop, "banner", banner).await;
    let away =
        json!({"when": {"queries": ["green"]}, "action": {"type": "redirect", "url": "/green"}});
    rule(&shop, "away", away).await;
    let queries = [SearchQuery::new("green", 10), SearchQuery::new("pot", 10)];
    let server = caller(Role::StorefrontServer);
    let merge = Merge { weights: vec![1.0, 0.9], limit: 2, offset: 0 };
    let found = shop.app.search_merged((&queries, &merge), &server).await.unwrap();
    let ids: Vec<&str> = found.hits.iter().map(|one| one.hit.product_id.as_str()).collect();
    assert_eq!(ids, ["green", "mint"]);
    assert_eq!(found.total, 3);
    assert_eq!(found.hits[1].searches, [1]);
    assert!(found.answers.iter().all(|answer| answer.hits.is_empty() && answer.cursor.is_none()));
    assert_eq!(found.answers[0].redirect.as_deref(), Some("/green"));
    assert_eq!(found.answers[1].banners.len(), 1);
    let merge = Merge { offset: 2, ..merge };
    let rest = shop.app.search_merged((&queries, &merge), &server).await.unwrap();
    assert_eq!(rest.hits.len(), 1);
    assert_eq!(rest.hits[0].hit.product_id.as_str(), "pot");
    assert!(search_to_json(&rest.answers[0]).contains("\"hits\":[]"));
    let is_silent = |answer: &SearchFound| answer.redirect.is_none() && answer.banners.is_empty();
    assert!(rest.answers.iter().all(is_silent), "further pages repeat nothing");
    shop.app.flush_impressions().await;
    let shown: Vec<Impressions> = shop
        .log()
        .await
        .into_iter()
        .filter_map(|(_, event)| match event.fact {
            Fact::Impressions(shown) => Some(shown),
            _ => None,
        })
        .collect();
    let asked: Vec<&str> = shown.iter().map(|one| &*one.request_id).collect();
    let first_page: Vec<&str> =
        found.answers.iter().map(|answer| answer.request_id.as_str()).collect();
    assert_eq!(asked, first_page, "a further page is no new search");
    let stood = |one: &Impressions| {
        let places = one.marks.search.as_ref().map(|search| search.places.to_vec());
        (one.products.iter().map(ToString::to_string).collect::<Vec<_>>(), places)
    };
    let stood: Vec<_> = shown.iter().map(stood).collect();
    let of = |id: &str, place| (vec![id.to_owned()], Some(vec![place]));
    assert_eq!(stood, [of("green", 0), of("mint", 1)], "each by the search that found it first");
    let wrong = SearchQuery { cursor: Some("x".into()), ..SearchQuery::new("tea", 5) };
    let (place, _) =
        shop.app.search_merged((&[queries[0].clone(), wrong], &merge), &server).await.unwrap_err();
    assert_eq!(place, 1);
}
