use serde_json::json;
use souk_app::Role;

use crate::http::{Reply, get, post};
use crate::shop::Shop;

fn policy(reply: &Reply) -> &str {
    reply.header("content-security-policy").expect("every answer has a policy")
}

#[test]
fn every_answer_tells_browsers_to_do_nothing_with_it() {
    let shop = Shop::open();
    let answers = [
        shop.send(&get("/livez")),
        shop.send(&get("/openapi.json")),
        shop.send(&get("/nowhere")),
        shop.send(&get("/v1/keys")),
        shop.admin(get("/v1/keys")),
        shop.admin(post("/v1/recommendations", &json!({"limit": "x"}))),
    ];
    for reply in answers {
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(policy(&reply), "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(reply.header("strict-transport-security"), None, "this server speaks no TLS");
    }
}

#[test]
fn the_page_of_documentation_runs_its_own_script_and_is_shown_in_no_other_page() {
    let shop = Shop::open();
    let page = shop.send(&get("/docs")).expect(200);
    let policy = policy(&page);
    for part in
        ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
    {
        assert!(policy.contains(part), "{part}: {policy}");
    }
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn what_may_be_personal_is_stored_by_nobody_on_the_way() {
    let shop = Shop::open();
    let key = shop.key(Role::StorefrontServer);
    let answers = [
        shop.send(&post("/v1/recommendations", &json!({"user_id": "u"})).key(&key)),
        shop.admin(get("/v1/subjects/u/consents")),
        shop.admin(get("/v1/audit")),
        shop.admin(get("/v1/privacy/requests")),
        shop.send(&get("/v1/audit")),
    ];
    for reply in answers {
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{}", reply.status);
    }
    assert_eq!(shop.send(&get("/version")).header("cache-control"), None);
}
