//! Meilisearch's calls as its clients make them; the clients themselves are in `tests/clients`.

use serde_json::{Value, json};
use souk_app::Role;

use crate::http::{call, get, post};
use crate::shop::{Setup, Shop};

const SITE: &str = "sites: [{id: movies, currency: USD}]";

fn films() -> Shop {
    let shop = Shop::with(Setup { settings: SITE, ..Setup::default() });
    let films = json!([
        {"id": 1, "title": "Carol", "genres": ["Romance", "Drama"], "price": 9.5, "overview": "A clerk falls in love."},
        {"id": 2, "title": "Wonder Woman", "genres": ["Action", "Adventure"], "price": 12},
        {"id": 3, "title": "Life of Pi", "genres": ["Adventure", "Drama"], "price": 7},
        {"id": 4, "title": "Mad Max: Fury Road", "genres": ["Adventure", "Action"], "price": 15},
    ]);
    let task = shop.admin(post("/meilisearch/indexes/movies/documents", &films)).expect(202).json();
    assert_eq!(
        (&task["status"], &task["type"]),
        (&json!("enqueued"), &json!("documentAdditionOrUpdate"))
    );
    let uid = &task["taskUid"];
    let task = shop.admin(get(&format!("/meilisearch/tasks/{uid}"))).expect(200).json();
    assert_eq!(
        (&task["status"], &task["details"]["indexedDocuments"]),
        (&json!("succeeded"), &json!(4))
    );
    shop
}

#[track_caller]
fn search(shop: &Shop, body: &Value) -> Value {
    shop.admin(post("/meilisearch/indexes/movies/search", body)).expect(200).json()
}

fn titles(answer: &Value) -> Vec<&str> {
    answer["hits"].as_array().unwrap().iter().map(|hit| hit["title"].as_str().unwrap()).collect()
}

#[test]
fn documents_are_found_as_soon_as_their_task_is_over() {
    let shop = films();
    let answer = search(&shop, &json!({"q": "wondr wom"}));
    assert_eq!(titles(&answer), ["Wonder Woman"]);
    let hit = &answer["hits"][0];
    assert_eq!((&hit["id"], &hit["genres"]), (&json!("2"), &json!(["Action", "Adventure"])));
    assert_eq!(
        (&answer["limit"], &answer["offset"], &answer["estimatedTotalHits"]),
        (&json!(20), &json!(0), &json!(1))
    );
    assert_eq!(answer["query"], "wondr wom");
}

#[test]
fn all_words_can_be_asked_for_and_all_attributes_counted() {
    let shop = films();
    let ask = |body: Value| search(&shop, &body);
    assert_eq!(titles(&ask(json!({"q": "carol purple"}))), ["Carol"]);
    let none = ask(json!({"q": "carol purple", "matchingStrategy": "all"}));
    assert_eq!(titles(&none), [] as [&str; 0]);
    assert_eq!(titles(&ask(json!({"q": "carol", "matchingStrategy": "all"}))), ["Carol"]);
    // As dynamic widgets ask.
    let counted = ask(json!({"q": "carol", "facets": ["*"]}));
    let counts = &counted["facetDistribution"];
    assert_eq!(counts["genres"], json!({"Romance": 1, "Drama": 1}));
    assert_eq!(counts["price"], json!({"9.5": 1}));
    assert_eq!(counts["*"], Value::Null);
    assert_eq!(counted["facetStats"]["price"], json!({"min": 9.5, "max": 9.5}));
    // As many values as there, not the twenty of our own searches.
    let many: Vec<Value> = (0..60)
        .map(|n| json!({"id": format!("m{n}"), "title": "Short", "studio": format!("s{n}")}))
        .collect();
    shop.admin(post("/meilisearch/indexes/movies/documents", &json!(many))).expect(202);
    let counted = ask(json!({"q": "short", "facets": ["studio"]}));
    assert_eq!(counted["facetDistribution"]["studio"].as_object().unwrap().len(), 60);
}

#[test]
fn filters_facets_sort_and_pages_are_those_of_meilisearch() {
    let shop = films();
    let asked = json!({"filter": ["genres = Adventure", ["price > 10", "title = 'Life of Pi'"]],
        "facets": ["genres", "price"], "sort": ["price:desc"], "attributesToRetrieve": ["title"]});
    let answer = search(&shop, &asked);
    assert_eq!(titles(&answer), ["Mad Max: Fury Road", "Wonder Woman", "Life of Pi"]);
    assert_eq!(answer["hits"][0], json!({"title": "Mad Max: Fury Road"}));
    // Every condition counts for every facet.
    assert_eq!(
        answer["facetDistribution"]["genres"],
        json!({"Adventure": 3, "Action": 2, "Drama": 1})
    );
    assert_eq!(answer["facetStats"]["price"], json!({"min": 7.0, "max": 15.0}));
    let answer = search(&shop, &json!({"page": 2, "hitsPerPage": 3, "sort": ["price:asc"]}));
    assert_eq!(titles(&answer), ["Mad Max: Fury Road"]);
    assert_eq!(
        (&answer["totalPages"], &answer["totalHits"], &answer["page"]),
        (&json!(2), &json!(4), &json!(2))
    );
    let answer = search(&shop, &json!({"offset": 1, "limit": 2, "sort": ["price:asc"]}));
    assert_eq!(titles(&answer), ["Carol", "Wonder Woman"]);
    let path = "/meilisearch/indexes/movies/search?q=&filter=price%20%3C%208&facets=genres&limit=5";
    let answer = shop.admin(get(path)).expect(200).json();
    assert_eq!(titles(&answer), ["Life of Pi"]);
    let body = json!({"facetName": "genres", "facetQuery": "adv"});
    let found =
        shop.admin(post("/meilisearch/indexes/movies/facet-search", &body)).expect(200).json();
    assert_eq!(found["facetHits"], json!([{"value": "Adventure", "count": 3}]));
    // As the adapter of InstantSearch asks, with all parameters of the search on the page.
    let body = json!({"facetName": "genres", "facetQuery": "adv", "q": "", "facets": ["genres"],
        "attributesToHighlight": ["*"], "attributesToCrop": ["*"], "highlightPreTag": "__ais-highlight__",
        "highlightPostTag": "__/ais-highlight__", "hitsPerPage": 20, "page": 1, "limit": 21, "offset": 0,
        "sort": ["price:asc"], "distinct": "studio", "placeholderSearch": true});
    let found =
        shop.admin(post("/meilisearch/indexes/movies/facet-search", &body)).expect(200).json();
    assert_eq!(found["facetHits"], json!([{"value": "Adventure", "count": 3}]));
}

#[test]
fn documents_are_sorted_by_several_attributes_and_told_apart_by_one() {
    let shop = films();
    let more = json!([
        {"id": 5, "title": "Up", "genres": ["Adventure"], "price": 7, "studio": "Pixar", "year": 2009},
        {"id": 6, "title": "Brave", "genres": ["Adventure"], "price": 9.5, "studio": "Pixar", "award": null,
            "note": "", "year": 2012},
    ]);
    shop.admin(post("/meilisearch/indexes/movies/documents", &more)).expect(202);
    let found = |body: Value| -> Vec<String> {
        titles(&search(&shop, &body)).into_iter().map(str::to_owned).collect()
    };
    let films = ["Up", "Life of Pi", "Brave", "Carol", "Wonder Woman", "Mad Max: Fury Road"];
    assert_eq!(found(json!({"sort": ["price:asc", "year:desc"]})), films);
    let path = "/meilisearch/indexes/movies/search?sort=price:desc,year:asc&distinct=studio";
    let answer = shop.admin(get(path)).expect(200).json();
    let apart = ["Mad Max: Fury Road", "Wonder Woman", "Brave", "Carol", "Life of Pi"];
    assert_eq!(titles(&answer), apart);
    assert_eq!(answer["estimatedTotalHits"], 5);
    // A null is not kept, so it is the same as nothing.
    let others = found(json!({"filter": "studio IS NULL", "sort": ["price:asc"]}));
    assert_eq!(others, ["Life of Pi", "Carol", "Wonder Woman", "Mad Max: Fury Road"]);
    assert_eq!(found(json!({"filter": "award IS NULL AND studio IS NOT NULL"})).len(), 2);
    assert_eq!(found(json!({"filter": "note IS EMPTY AND studio IS NOT EMPTY"})).len(), 2);
    assert_eq!(
        found(json!({"filter": "title CONTAINS max OR title STARTS WITH 'car'",
        "sort": ["price:asc"]})),
        ["Carol", "Mad Max: Fury Road"]
    );
}

#[test]
fn hits_say_how_well_they_fit_and_where() {
    let shop = films();
    let asked = json!({"q": "fury drama", "showRankingScore": true, "showMatchesPosition": true,
        "attributesToRetrieve": ["title"]});
    let answer = search(&shop, &asked);
    let hits = answer["hits"].as_array().unwrap();
    let scores: Vec<f64> = hits.iter().map(|hit| hit["_rankingScore"].as_f64().unwrap()).collect();
    assert!(scores.len() > 2 && scores.is_sorted_by(|left, right| left >= right), "{scores:?}");
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)), "{scores:?}");
    let of = |title: &str| hits.iter().find(|hit| hit["title"] == title).unwrap();
    let max = of("Mad Max: Fury Road");
    assert_eq!(max["_matchesPosition"], json!({"title": [{"start": 9, "length": 4}]}));
    let drama = json!({"genres": [{"start": 0, "length": 5, "indices": [1]}]});
    assert_eq!(of("Carol")["_matchesPosition"], drama);
    let plain = search(&shop, &json!({"q": "carol"}));
    assert_eq!(plain["hits"][0]["_rankingScore"], Value::Null);
    let path =
        "/meilisearch/indexes/movies/search?q=&showRankingScore=true&showMatchesPosition=true";
    let browsed = shop.admin(get(path)).expect(200).json();
    assert_eq!(browsed["hits"][0]["_rankingScore"], 1.0);
    assert_eq!(browsed["hits"][0]["_matchesPosition"], json!({}));
    let wrong = "/meilisearch/indexes/movies/search?showRankingScore=yes";
    assert_eq!(shop.admin(get(wrong)).expect(400).json()["code"], "bad_request");
}

#[test]
fn hits_beyond_a_hundred_are_reached() {
    let shop = Shop::with(Setup { settings: SITE, ..Setup::default() });
    let many: Vec<Value> = (0..250).map(|n| json!({"id": n, "title": "Film", "n": n})).collect();
    shop.admin(post("/meilisearch/indexes/movies/documents", &json!(many))).expect(202);
    let answer = search(&shop, &json!({"offset": 195, "limit": 20, "sort": ["n:asc"]}));
    let ids: Vec<u64> =
        answer["hits"].as_array().unwrap().iter().map(|hit| hit["n"].as_u64().unwrap()).collect();
    assert_eq!(ids, (195..215).collect::<Vec<u64>>());
    assert_eq!(search(&shop, &json!({"limit": 0}))["hits"], json!([]));
}

#[test]
fn found_words_are_tagged_and_long_texts_cut() {
    let shop = films();
    let asked = json!({"q": "lov", "attributesToHighlight": ["overview"], "attributesToCrop": ["overview:3"],
        "highlightPreTag": "__", "highlightPostTag": "__"});
    let answer = search(&shop, &asked);
    assert_eq!(answer["hits"][0]["_formatted"]["overview"], "…falls in __love__.");
    assert_eq!(answer["hits"][0]["overview"], "A clerk falls in love.");
}

#[test]
fn documents_are_found_by_distance() {
    let shop = Shop::with(Setup { settings: SITE, ..Setup::default() });
    let places = json!([
        {"id": 1, "title": "Near", "_geo": {"lat": 48.01, "lng": 16}},
        {"id": 2, "title": "Far", "_geo": {"lat": "49", "lng": 16}},
        {"id": 3, "title": "Middle", "_geo": {"lat": 48.5, "lng": 16.0}},
        {"id": 4, "title": "Nowhere"},
    ]);
    shop.admin(post("/meilisearch/indexes/movies/documents", &places)).expect(202);
    let asked = json!({"filter": "_geoRadius(48, 16, 60000)", "sort": ["_geoPoint(48, 16):desc"]});
    let answer = search(&shop, &asked);
    assert_eq!(titles(&answer), ["Middle", "Near"]);
    let near = &answer["hits"][1];
    assert_eq!((&near["_geo"]["lat"], &near["_geoDistance"]), (&json!(48.01), &json!(1112)));
    let path =
        "/meilisearch/indexes/movies/search?sort=_geoPoint(48,16):asc&attributesToRetrieve=title";
    assert_eq!(titles(&shop.admin(get(path)).expect(200).json())[..2], ["Near", "Middle"]);
    let refused = |body: Value| {
        shop.admin(post("/meilisearch/indexes/movies/search", &body)).expect(400).json()["code"]
            .clone()
    };
    let two = json!({"filter": "_geoRadius(48, 16, 6)", "sort": ["_geoPoint(48, 17):asc"]});
    assert_eq!(refused(two), "invalid_search_sort");
    assert_eq!(refused(json!({"sort": ["_geoPoint(48):asc"]})), "invalid_search_sort");
    assert_eq!(
        refused(json!({"filter": "_geoBoundingBox([1, 2], [3, 4])"})),
        "invalid_search_filter"
    );
}

#[test]
fn several_searches_answer_in_one() {
    let shop = films();
    let queries = json!({"queries": [{"indexUid": "movies", "q": "carol"}, {"indexUid": "movies", "limit": 1}]});
    let answer = shop.admin(post("/meilisearch/multi-search", &queries)).expect(200).json();
    assert_eq!(answer["results"][0]["indexUid"], "movies");
    assert_eq!(titles(&answer["results"][0]), ["Carol"]);
    assert_eq!(answer["results"][1]["hits"].as_array().unwrap().len(), 1);
    let queries = json!({"queries": [{"indexUid": "movies"}, {"indexUid": "books"}]});
    let refused = shop.admin(post("/meilisearch/multi-search", &queries)).expect(404).json();
    assert_eq!(refused["code"], "index_not_found");
    assert!(refused["message"].as_str().unwrap().starts_with("Inside `.queries[1]`"), "{refused}");
}

#[test]
fn several_searches_become_one_list() {
    let shop = films();
    let ask = |queries: Value, federation: Value| {
        let body = json!({"queries": queries, "federation": federation});
        shop.admin(post("/meilisearch/multi-search", &body))
    };
    let dear = json!({"indexUid": "movies", "filter": "price > 10", "sort": ["price:desc"]});
    let drama = json!({"indexUid": "movies", "filter": "genres = Drama", "sort": ["price:asc"],
        "federationOptions": {"weight": 3}, "attributesToRetrieve": ["title"]});
    let answer = ask(json!([dear, drama]), json!({})).expect(200).json();
    assert_eq!(titles(&answer), ["Life of Pi", "Carol", "Mad Max: Fury Road", "Wonder Woman"]);
    assert_eq!(
        answer["hits"][0],
        json!({"title": "Life of Pi",
            "_federation": {"indexUid": "movies", "queriesPosition": 1, "weightedRankingScore": 3.0}})
    );
    assert_eq!((&answer["estimatedTotalHits"], &answer["limit"]), (&json!(4), &json!(20)));
    let answer = ask(json!([dear, drama]), json!({"offset": 1, "limit": 2})).expect(200).json();
    assert_eq!(titles(&answer), ["Carol", "Mad Max: Fury Road"]);
    // A product that both find counts for both, and once.
    let answer = ask(json!([dear, {"indexUid": "movies", "q": "wonder"}]), json!({})).expect(200);
    assert_eq!(titles(&answer.json()), ["Wonder Woman", "Mad Max: Fury Road"]);
    for (query, code) in [
        (json!({"indexUid": "movies", "limit": 3}), "invalid_multi_search_query_pagination"),
        (json!({"indexUid": "movies", "facets": ["genres"]}), "invalid_multi_search_query_facets"),
        (
            json!({"indexUid": "movies", "federationOptions": {"weight": -1}}),
            "invalid_multi_search_weight",
        ),
        (
            json!({"indexUid": "movies", "federationOptions": {"remote": "x"}}),
            "feature_not_enabled",
        ),
    ] {
        let refused = ask(json!([dear, query]), json!({})).expect(400).json();
        assert_eq!(refused["code"], code, "{refused}");
        assert!(refused["message"].as_str().unwrap().starts_with("Inside `.queries[1]`"));
    }
    // What an index is searched for once is counted, by index or as one.
    let asked = json!({"facetsByIndex": {"movies": ["genres", "price"]}});
    let answer = ask(json!([dear]), asked.clone()).expect(200).json();
    let counts = json!({"genres": {"Action": 2, "Adventure": 2}, "price": {"12": 1, "15": 1}});
    let stats = json!({"price": {"min": 12.0, "max": 15.0}});
    assert_eq!(
        answer["facetsByIndex"],
        json!({"movies": {"distribution": counts, "stats": stats}})
    );
    let mut merged = asked.clone();
    merged["mergeFacets"] = json!({"maxValuesPerFacet": 1});
    let answer = ask(json!([dear]), merged).expect(200).json();
    assert_eq!(answer["facetDistribution"]["genres"], json!({"Action": 2}));
    assert_eq!((&answer["facetStats"], &answer["facetsByIndex"]), (&stats, &Value::Null));
    for (queries, facets) in [(json!([dear, drama]), "movies"), (json!([dear]), "books")] {
        let asked = json!({"facetsByIndex": {facets: ["genres"]}});
        let refused = ask(queries, asked).expect(400).json();
        assert_eq!(refused["code"], "invalid_multi_search_facets_by_index", "{refused}");
    }
}

#[test]
fn documents_are_changed_read_and_removed() {
    let shop = films();
    let at = |path: &str| format!("/meilisearch/indexes/movies/documents{path}");
    let put = |body: &Value| shop.admin(call("PUT", &at("")).json(body)).expect(202);
    put(&json!([{"id": 1, "price": 8}, {"id": 1, "year": 2015}]));
    let carol = shop.admin(get(&at("/1"))).expect(200).json();
    assert_eq!(
        (&carol["title"], &carol["price"], &carol["year"]),
        (&json!("Carol"), &json!(8), &json!(2015))
    );
    let post_at = |path: &str, body: &Value| shop.admin(post(&at(path), body));
    post_at("", &json!({"id": 1, "title": "Carol, anew"})).expect(202);
    let carol = shop.admin(get(&at("/1?fields=id,price,title"))).expect(200).json();
    assert_eq!(
        carol,
        json!({"id": "1", "title": "Carol, anew"}),
        "what is put takes the place of the whole"
    );
    let page = shop.admin(get(&at("?limit=2&offset=1&fields=id"))).expect(200).json();
    assert_eq!(
        page,
        json!({"results": [{"id": "2"}, {"id": "3"}], "offset": 1, "limit": 2, "total": 4})
    );
    let found = post_at("/fetch", &json!({"filter": "genres = Action", "fields": ["id"]}))
        .expect(200)
        .json();
    assert_eq!(found["total"], 2);
    post_at("/delete", &json!({"filter": "genres = Action"})).expect(202);
    post_at("/delete-batch", &json!([3, "9"])).expect(202);
    assert_eq!(titles(&search(&shop, &json!({}))), ["Carol, anew"]);
    shop.admin(call("DELETE", &at("/1"))).expect(202);
    shop.admin(get(&at("/1"))).expect(404);
    put(&json!([{"id": 5, "title": "Up"}]));
    let stats = shop.admin(get("/meilisearch/indexes/movies/stats")).expect(200).json();
    assert_eq!(stats, json!({"numberOfDocuments": 1, "isIndexing": false}));
    shop.admin(call("DELETE", &at(""))).expect(202);
    assert_eq!(search(&shop, &json!({}))["hits"], json!([]));
    let tasks =
        shop.admin(get("/meilisearch/tasks?limit=2&types=documentDeletion")).expect(200).json();
    assert_eq!((&tasks["total"], tasks["results"].as_array().unwrap().len()), (&json!(4), 2));
    assert!(tasks["next"].is_u64(), "{tasks}");
}

#[test]
fn a_document_that_cannot_be_kept_fails_its_task_and_nothing_is_kept() {
    let shop = films();
    let bad =
        json!([{"id": 8, "title": "Good"}, {"id": 9, "title": "Bad", "cast": [{"name": "x"}]}]);
    let task = shop.admin(post("/meilisearch/indexes/movies/documents", &bad)).expect(202).json();
    let uid = &task["taskUid"];
    let task = shop.admin(get(&format!("/meilisearch/tasks/{uid}"))).expect(200).json();
    assert_eq!(
        (&task["status"], &task["error"]["code"]),
        (&json!("failed"), &json!("invalid_document_fields"))
    );
    let message = task["error"]["message"].as_str().unwrap();
    assert!(message.contains("position 1") && message.contains("`cast`"), "{message}");
    shop.admin(get("/meilisearch/indexes/movies/documents/8")).expect(404);
}

#[test]
fn synonyms_are_put_read_and_removed() {
    let shop = films();
    let path = "/meilisearch/indexes/movies/settings/synonyms";
    let map = json!({"superheroine": ["wonder woman"], "desert": ["fury road"]});
    shop.admin(call("PUT", path).json(&map)).expect(202);
    assert_eq!(
        shop.admin(get(path)).expect(200).json(),
        json!({"desert": ["fury road"], "superheroine": ["wonder woman"]})
    );
    assert_eq!(titles(&search(&shop, &json!({"q": "superheroine"}))), ["Wonder Woman"]);
    let two_way = json!({"synonyms": [{"words": ["sofa", "couch"]}]});
    shop.admin(call("PUT", "/v1/search/synonyms").json(&two_way)).expect(204);
    assert_eq!(
        shop.admin(get(path)).expect(200).json(),
        json!({"couch": ["sofa"], "sofa": ["couch"]})
    );
    shop.admin(call("DELETE", path)).expect(202);
    assert_eq!(shop.admin(get(path)).expect(200).json(), json!({}));
    let all = "/meilisearch/indexes/movies/settings";
    let granted = json!({"filterableAttributes": ["genres"], "synonyms": {"a": ["b"]}});
    shop.admin(call("PATCH", all).json(&granted)).expect(202);
    assert_eq!(shop.admin(get(all)).expect(200).json()["synonyms"], json!({"a": ["b"]}));
    let refused =
        shop.admin(call("PATCH", all).json(&json!({"rankingRules": ["words"]}))).expect(400).json();
    assert_eq!(refused["message"], "Souk does not support the setting `rankingRules`");
}

#[test]
fn errors_have_the_shape_of_meilisearch() {
    let shop = films();
    let at = "/meilisearch/indexes/movies/search";
    let refused = |status: u16, reply: crate::http::Reply| {
        let error = reply.expect(status).json();
        let names: Vec<&String> = error.as_object().unwrap().keys().collect();
        assert_eq!(names, ["message", "code", "type", "link"]);
        let text = |name: &str| error[name].as_str().unwrap().to_owned();
        assert!(text("link").ends_with(&text("code")));
        (text("code"), text("type"), text("message"))
    };
    let is = |found: (String, String, String), code: &str, kind: &str, words: &str| {
        assert_eq!((found.0.as_str(), found.1.as_str()), (code, kind), "{}", found.2);
        assert!(found.2.contains(words), "{}", found.2);
    };
    let ask = |body: Value| refused(400, shop.admin(post(at, &body)));
    is(
        ask(json!({"filter": "genres ="})),
        "invalid_search_filter",
        "invalid_request",
        "character 9",
    );
    is(ask(json!({"sort": ["price:up"]})), "invalid_search_sort", "invalid_request", "up");
    is(ask(json!({"sort": ["a:asc", "b:asc"]})), "invalid_search_sort", "invalid_request", "`a`");
    is(
        ask(json!({"hybrid": {"embedder": "x"}})),
        "feature_not_enabled",
        "invalid_request",
        "`hybrid`",
    );
    is(ask(json!({"matchingStrategy": "any"})), "feature_not_enabled", "invalid_request", "`any`");
    is(ask(json!({"querry": "x"})), "bad_request", "invalid_request", "querry");
    is(
        refused(400, shop.admin(call("POST", at).text("application/json", "{"))),
        "malformed_payload",
        "invalid_request",
        "JSON",
    );
    let missing = shop.send(&post(at, &json!({})));
    is(refused(401, missing), "missing_authorization_header", "auth", "Authorization");
    let wrong = shop.send(&post(at, &json!({})).key("souk_wrong"));
    is(refused(403, wrong), "invalid_api_key", "auth", "");
    let analyst = shop.key(Role::Analyst);
    is(
        refused(403, shop.send(&post(at, &json!({})).key(&analyst))),
        "invalid_api_key",
        "auth",
        "analyst",
    );
    let books = shop.admin(post("/meilisearch/indexes/books/search", &json!({})));
    is(refused(404, books), "index_not_found", "invalid_request", "(movies)");
    is(
        refused(404, shop.admin(get("/meilisearch/tasks/7"))),
        "task_not_found",
        "invalid_request",
        "7",
    );
    for (method, path, status) in [
        ("GET", "/meilisearch/dumps", 400),
        ("POST", "/meilisearch/keys", 400),
        ("DELETE", "/meilisearch/tasks", 405),
    ] {
        let reply = shop.admin(call(method, path));
        assert_eq!(reply.header("allow").is_some(), status == 405, "{method} {path}");
        is(refused(status, reply), "feature_not_enabled", "invalid_request", path);
    }
    assert_eq!(
        shop.send(&get("/meilisearch/health")).expect(200).json(),
        json!({"status": "available"})
    );
}

#[test]
fn a_page_of_the_shop_may_search_and_nothing_else() {
    let shop = films();
    let origin = "https://shop.example";
    let key = shop.key_for(Role::StorefrontBrowser, &[origin]);
    let ask = |path: &str| {
        shop.send(&post(path, &json!({"queries": []})).key(&key).header("origin", origin))
    };
    let reply = ask("/meilisearch/multi-search").expect(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
    ask("/meilisearch/indexes/movies/documents").expect(403);
}

#[test]
fn what_the_shop_pays_is_not_told_to_a_page() {
    let shop = films();
    let film = json!([{"id": 5, "title": "Brazil", "price": 12, "cost": 4.5}]);
    shop.admin(post("/meilisearch/indexes/movies/documents", &film)).expect(202);
    let origin = "https://shop.example";
    let key = shop.key_for(Role::StorefrontBrowser, &[origin]);
    let path = "/meilisearch/indexes/movies/documents/5";
    assert_eq!(shop.admin(get(path)).expect(200).json()["cost"], 4.5);
    let of_page = shop.send(&get(path).key(&key).header("origin", origin)).expect(200).json();
    assert_eq!((&of_page["price"], of_page.get("cost")), (&json!(12), None));
    let dear = json!({"filter": "cost > 4"});
    let fetch = post("/meilisearch/indexes/movies/documents/fetch", &dear);
    let found = shop.send(&fetch.key(&key).header("origin", origin)).expect(200).json();
    assert_eq!(found["total"], 0, "a filter must not tell it either");
}

#[test]
fn documents_are_listed_by_id_filter_and_place() {
    let shop = films();
    let fetch = |body: Value| {
        let answer = shop.admin(post("/meilisearch/indexes/movies/documents/fetch", &body));
        let answer = answer.expect(200).json();
        let ids = answer["results"].as_array().unwrap().iter().map(|one| one["id"].clone());
        (Value::from_iter(ids), answer["total"].clone())
    };
    assert_eq!(fetch(json!({"ids": [3, "1", 3, "none"]})), (json!(["1", "3"]), json!(2)));
    let dear = json!({"ids": [1, 2, 3], "filter": "price > 8"});
    assert_eq!(fetch(dear), (json!(["1", "2"]), json!(2)));
    let page = json!({"offset": 1, "limit": 2, "fields": ["id"]});
    assert_eq!(fetch(page), (json!(["2", "3"]), json!(4)));
}

#[test]
fn one_call_holds_a_bounded_number_of_searches() {
    let shop = films();
    let of = |n: usize| json!({"queries": vec![json!({"indexUid": "movies", "q": "carol"}); n]});
    let answer = shop.admin(post("/meilisearch/multi-search", &of(20))).expect(200).json();
    assert_eq!(answer["results"].as_array().unwrap().len(), 20);
    let refused = shop.admin(post("/meilisearch/multi-search", &of(21))).expect(400).json();
    assert!(refused["message"].as_str().unwrap().contains("the limit is 20"), "{refused}");
}
