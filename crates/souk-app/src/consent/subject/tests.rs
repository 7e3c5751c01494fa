#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use souk_core::{Fact, ProductId};
use souk_privacy::consent::Reason;

use super::*;
use crate::projections::Use;
use crate::recommend::{RecommendAnswer, RecommendRequest, Strategy};
use crate::test_shop::{Shop, caller};
use crate::{IngestCall, IngestRequest, Role};

fn set(purposes: &[Purpose]) -> Purposes {
    purposes.iter().copied().collect()
}

fn update(granted: &[Purpose], denied: &[Purpose]) -> ConsentUpdate {
    ConsentUpdate { granted: set(granted), denied: set(denied), notice: None }
}

fn view(user: &str, product: &str, number: u32) -> Value {
    json!({"type": "track", "event": "Product Viewed", "userId": user, "messageId": format!("{user}-{number}"),
        "properties": {"product_id": product}})
}

impl Shop {
    async fn stock(&self, ids: &[&str]) {
        let products = ids.iter().map(|id| {
            let id_of = ProductId::new(*id).unwrap();
            souk_core::Product::new(id_of, SiteId::main(), format!("Title {id}"))
        });
        self.app.put_products(products.collect(), &caller(Role::Admin)).await.unwrap();
    }

    async fn folded(&self) {
        self.app.wait_for(&self.app.parts.log.end().await.unwrap()).await.unwrap();
    }

    async fn batch(&self, events: Vec<Value>) {
        let count = events.len();
        let body = json!({ "batch": events });
        let answer = self.send(Role::IngestServer, IngestCall::Batch, body).await;
        assert_eq!(answer.accepted + answer.duplicates, count, "{answer:?}");
        self.folded().await;
    }

    async fn choose(&self, id: &str, update: ConsentUpdate) -> ConsentState {
        let site = SiteId::main();
        let shop = caller(Role::StorefrontServer);
        self.app.change_consents((id, &site), update, &shop).await.unwrap()
    }

    async fn ask(&self, request: &RecommendRequest) -> RecommendAnswer {
        self.app.recommend(request, &caller(Role::StorefrontServer)).await.unwrap()
    }

    async fn viewed(&self, user: &str) -> RecommendAnswer {
        let mut request = RecommendRequest::new(Strategy::RecentlyViewed, 10);
        request.user_id = Some(user.to_owned());
        self.ask(&request).await
    }
}

fn allowed(state: &ConsentState, purpose: Purpose) -> (bool, Reason) {
    let found = state.purposes.iter().find(|one| one.purpose == purpose).unwrap();
    (found.decision.is_allowed, found.decision.reason)
}

#[tokio::test]
async fn nothing_personal_before_a_yes_and_at_once_after_it() {
    let shop = Shop::open_in("eu").await;
    shop.stock(&["a", "b"]).await;
    shop.batch(vec![view("u1", "a", 1)]).await;
    assert!(shop.viewed("u1").await.recommendations.is_empty());
    let state = shop.choose("u1", update(&[Purpose::Personalization], &[])).await;
    assert_eq!(allowed(&state, Purpose::Personalization), (true, Reason::Granted));
    assert_eq!(allowed(&state, Purpose::Marketing), (false, Reason::Unasked));
    assert_eq!(shop.viewed("u1").await.recommendations.len(), 1);
    let state = shop.choose("u1", update(&[], &[Purpose::Personalization])).await;
    assert_eq!(allowed(&state, Purpose::Personalization), (false, Reason::Denied));
    assert!(shop.viewed("u1").await.recommendations.is_empty());
    assert_eq!(state.history.len(), 2);
    assert_eq!(state.history[0].origin, ConsentOrigin::Shop);
}

#[tokio::test]
async fn a_shopper_without_consent_gets_what_a_stranger_gets() {
    let shop = Shop::open_in("eu").await;
    shop.stock(&["a", "b", "c"]).await;
    let views = (0..6).flat_map(|n| {
        let user = format!("crowd-{n}");
        [view(&user, "a", 1), view(&user, "b", 2)]
    });
    for n in 0..6 {
        shop.choose(&format!("crowd-{n}"), update(&[Purpose::ModelTraining], &[])).await;
    }
    shop.batch(views.collect()).await;
    shop.batch(vec![view("quiet", "a", 1)]).await;
    for strategy in Strategy::ALL {
        let request = RecommendRequest::new(strategy, 10);
        let known = RecommendRequest { user_id: Some("quiet".into()), ..request.clone() };
        let (known, stranger) = (shop.ask(&known).await, shop.ask(&request).await);
        assert_eq!(known.recommendations, stranger.recommendations, "{strategy:?}");
        assert!(known.personalization_score.abs() < f32::EPSILON);
    }
    // The visit that the request itself tells still serves.
    let mut request = RecommendRequest::new(Strategy::Session, 10);
    request.user_id = Some("quiet".into());
    request.context.session = Some(vec![ProductId::new("a").unwrap()]);
    request.explain = true;
    let answer = shop.ask(&request).await;
    assert_eq!(answer.recommendations[0].product_id.as_str(), "b");
    assert!(answer.explanation.unwrap().contains("nothing that was done before is used (unasked)"));
}

#[tokio::test]
async fn gpc_holds_for_the_request_that_carries_it_and_is_recorded_once() {
    let shop = Shop::open().await;
    shop.stock(&["a", "b"]).await;
    shop.batch(vec![view("u1", "a", 1)]).await;
    let mut request = RecommendRequest::new(Strategy::RecentlyViewed, 10);
    request.user_id = Some("u1".into());
    let with = RecommendRequest { is_gpc: true, ..request.clone() };
    assert_eq!(shop.ask(&request).await.recommendations.len(), 1);
    assert!(shop.ask(&with).await.recommendations.is_empty());
    shop.folded().await;
    assert!(shop.ask(&with).await.recommendations.is_empty());
    assert_eq!(shop.ask(&request).await.recommendations.len(), 1, "the next one carries none");
    let is_gpc = |fact: &Fact| {
        matches!(fact, Fact::Consent(change) if change.origin == ConsentOrigin::Gpc
            && change.denied == set(&[Purpose::Marketing]))
    };
    let log = shop.log().await;
    assert_eq!(log.iter().filter(|(_, event)| is_gpc(&event.fact)).count(), 1);
    let site = SiteId::main();
    let admin = caller(Role::Privacy);
    let state = shop.app.consents(("u1", &site), &admin).await.unwrap();
    assert_eq!(allowed(&state, Purpose::Marketing), (false, Reason::Denied));
    assert_eq!(allowed(&state, Purpose::Personalization), (true, Reason::NotOptedOut));
    // A yes that is given where consents are managed stands; the signal still holds for its request.
    shop.choose("u1", update(&[Purpose::Marketing], &[])).await;
    assert!(shop.ask(&with).await.recommendations.is_empty());
    let state = shop.app.consents(("u1", &site), &admin).await.unwrap();
    assert_eq!(allowed(&state, Purpose::Marketing), (true, Reason::Granted));
}

#[tokio::test]
async fn an_event_with_gpc_is_never_used_for_others_or_for_its_shopper() {
    let shop = Shop::open().await;
    shop.stock(&["a", "b"]).await;
    let body = json!({"batch": [view("u1", "a", 1)]}).to_string();
    let admin = caller(Role::IngestServer);
    let request = IngestRequest {
        call: IngestCall::Batch,
        body: body.as_bytes(),
        caller: &admin,
        is_gpc: true,
        basis: None,
    };
    shop.app.ingest(request).await.unwrap();
    shop.folded().await;
    assert!(shop.viewed("u1").await.recommendations.is_empty());
    assert_eq!(shop.app.with_views(|views| views.sizes().visit_events), 0);
    let withheld = shop.log().await.into_iter().map(|(_, event)| event.withheld);
    let signalled = set(&[Purpose::Personalization, Purpose::Marketing, Purpose::ModelTraining]);
    assert!(withheld.into_iter().any(|of| of == signalled));
    shop.batch(vec![view("u1", "b", 2)]).await;
    let seen = shop.viewed("u1").await;
    assert_eq!(seen.recommendations.len(), 1);
    assert_eq!(seen.recommendations[0].product_id.as_str(), "b");
}

#[tokio::test]
async fn a_banner_says_it_with_the_event_and_only_news_are_kept() {
    let shop = Shop::open_in("eu").await;
    shop.stock(&["a"]).await;
    let yes =
        json!({"consent": {"categoryPreferences": {"Functional": true, "DataSharing": true}}});
    let with = |number: u32, context: &Value| {
        let mut event = view("u1", "a", number);
        event["context"] = context.clone();
        event
    };
    shop.batch(vec![with(1, &yes)]).await;
    shop.batch(vec![with(2, &yes), with(3, &yes)]).await;
    assert_eq!(shop.viewed("u1").await.recommendations.len(), 1);
    assert_eq!(shop.app.with_views(|views| views.sizes().visit_events), 3, "the first one too");
    let said = |log: &[(Option<souk_core::SubjectId>, souk_core::Event)]| {
        log.iter().filter(|(_, event)| matches!(event.fact, Fact::Consent(_))).count()
    };
    assert_eq!(said(&shop.log().await), 1);
    let no =
        json!({"consent": {"categoryPreferences": {"Functional": false, "DataSharing": false}}});
    shop.batch(vec![with(4, &no)]).await;
    assert!(shop.viewed("u1").await.recommendations.is_empty());
    assert_eq!(shop.app.with_views(|views| views.sizes().visit_events), 0);
    assert_eq!(said(&shop.log().await), 2);
}

/// A client that was offline sends a yes and a no in one batch: the no came last and holds.
#[tokio::test]
async fn a_no_after_a_yes_in_one_batch_holds() {
    let shop = Shop::open_in("eu").await;
    let said = |number: u32, choice: bool| {
        let mut event = view("u1", "p1", number);
        event["context"] = json!({"consent": {"categoryPreferences": {"Personalization": choice}}});
        event
    };
    let (site, admin) = (SiteId::main(), caller(Role::Admin));
    shop.batch(vec![said(0, false)]).await;
    shop.batch(vec![said(1, true), said(2, false), said(3, false)]).await;
    let state = shop.app.consents(("u1", &site), &admin).await.unwrap();
    assert!(!allowed(&state, Purpose::Personalization).0);
    assert_eq!(state.history.len(), 3, "what is said again is no news");
}

#[tokio::test]
async fn a_no_binds_every_id_of_a_person_and_a_yes_can_be_given_again_in_one_act() {
    let shop = Shop::open().await;
    shop.stock(&["a", "b"]).await;
    let mut tab = view("ignored", "a", 1);
    tab.as_object_mut().unwrap().remove("userId");
    tab["anonymousId"] = "tab".into();
    shop.batch(vec![tab, view("u1", "b", 1)]).await;
    shop.choose("anonymous:tab", update(&[], &[Purpose::Personalization, Purpose::ModelTraining]))
        .await;
    assert_eq!(shop.viewed("u1").await.recommendations.len(), 1, "two people so far");
    let join = json!({"type": "identify", "userId": "u1", "anonymousId": "tab", "messageId": "i"});
    shop.batch(vec![join]).await;
    assert!(shop.viewed("u1").await.recommendations.is_empty(), "one person, who said no");
    assert_eq!(shop.app.with_views(|views| views.sizes().visit_events), 0);
    let purposes = [Purpose::Personalization, Purpose::ModelTraining];
    let state = shop.choose("u1", update(&purposes, &[])).await;
    assert_eq!(allowed(&state, Purpose::Personalization), (true, Reason::Granted));
    assert_eq!(shop.viewed("u1").await.recommendations.len(), 2);
    // What u1 did before comes back; what the tab's own no had taken out stays out.
    assert_eq!(shop.app.with_views(|views| views.sizes().visit_events), 1);
}

#[tokio::test]
async fn a_page_speaks_for_its_own_shopper_alone() {
    let shop = Shop::open().await;
    let site = SiteId::main();
    let mut page = caller(Role::StorefrontBrowser);
    let no = || update(&[], &[Purpose::Marketing]);
    let denied = shop.app.change_consents(("u1", &site), no(), &page).await.unwrap_err();
    assert_eq!(denied.code(), "denied");
    page.shopper = Some("u2".to_owned());
    let foreign = shop.app.consents(("u1", &site), &page).await.unwrap_err();
    assert_eq!(foreign.code(), "denied");
    page.shopper = Some("u1".to_owned());
    let own = shop.app.change_consents(("u1", &site), no(), &page).await.unwrap();
    assert_eq!(own.history[0].origin, ConsentOrigin::Shopper);
    let tab = shop.app.change_consents(("anonymous:t", &site), no(), &page).await.unwrap();
    assert_eq!(allowed(&tab, Purpose::Marketing), (false, Reason::Denied));
    for role in [Role::Analyst, Role::IngestBrowser, Role::Merchandiser, Role::Planner] {
        let other = shop.app.consents(("u1", &site), &caller(role)).await.unwrap_err();
        assert_eq!(other.code(), "denied", "{role:?}");
    }
}

#[tokio::test]
async fn a_change_of_nothing_or_of_what_is_essential_is_refused() {
    let shop = Shop::open().await;
    let (site, admin) = (SiteId::main(), caller(Role::Admin));
    for update in [update(&[], &[]), update(&[], &[Purpose::Essential])] {
        let error = shop.app.change_consents(("u1", &site), update, &admin).await.unwrap_err();
        assert_eq!(error.code(), "invalid");
    }
    assert!(shop.app.consents(("anonymous:", &site), &admin).await.is_err());
}

#[tokio::test]
async fn a_yes_under_an_old_notice_holds_until_one_asks_again() {
    let text = |notices: &str| {
        let head = "privacy: {default_jurisdiction: eu, notices: ";
        crate::Config::parse(&format!("{head}[{notices}]}}"), []).unwrap()
    };
    for (later, holds) in [("{version: b}", true), ("{version: b, asks_again: true}", false)] {
        let shop = Shop::open_with(text(&format!("{{version: a}}, {later}"))).await;
        let yes = update(&[Purpose::Personalization], &[]);
        let old = ConsentUpdate { notice: Some("a".into()), ..yes.clone() };
        let state = shop.choose("u1", old).await;
        assert_eq!(allowed(&state, Purpose::Personalization).0, holds, "{later}");
        assert_eq!(state.notice.as_deref(), Some("b"));
        let state = shop.choose("u1", yes).await;
        assert_eq!(allowed(&state, Purpose::Personalization), (true, Reason::Granted));
        assert_eq!(state.history[1].notice.as_deref(), Some("b"));
    }
}

/// What demand and stock are made of names nobody, so nobody's choice changes it.
#[tokio::test]
async fn forecast_inputs_are_the_same_with_and_without_consent() {
    let mut sums = Vec::new();
    for (jurisdiction, granted) in [("eu", false), ("eu", true), ("us", false), ("us", true)] {
        let shop = Shop::open_in(jurisdiction).await;
        shop.stock(&["a", "b"]).await;
        for n in 0..4 {
            let all: Vec<Purpose> = Purposes::OPTIONAL.iter().collect();
            let (yes, no) = if granted { (&all[..], &[][..]) } else { (&[][..], &all[..]) };
            shop.choose(&format!("u{n}"), update(yes, no)).await;
        }
        let orders = (0..8).map(|n| {
            json!({"type": "track", "event": "Order Completed", "userId": format!("u{}", n % 4),
                "messageId": format!("o{n}"), "properties": {"order_id": format!("o{n}"),
                "currency": "USD", "products": [{"product_id": if n % 3 == 0 { "a" } else { "b" },
                "quantity": n + 1, "price": 2}]}})
        });
        shop.batch(orders.collect()).await;
        let sales = shop.app.with_views(|views| {
            let parts = views.fingerprints().into_iter();
            // Orders have names of their own in each installation; what was sold has not.
            parts.filter(|(name, _)| *name == "sales").collect::<Vec<_>>()
        });
        let baskets = shop.app.with_views(|views| views.sizes().baskets);
        assert_eq!(baskets, if granted { 8 } else { 0 }, "consent does change the rest");
        sums.push(sales);
    }
    assert!(sums.iter().all(|sales| *sales == sums[0] && !sales.is_empty()));
}

/// Withdrawn in one place of the fold, gone from every answer's sources; a start from a snapshot and
/// a rebuild say the same.
#[tokio::test]
async fn a_withdrawal_equals_never_having_been_learnt_from() {
    let shop = Shop::open().await;
    shop.stock(&["a", "b", "c"]).await;
    let others = vec![view("u2", "a", 1), view("u2", "c", 2), view("u3", "b", 1)];
    shop.batch(others.clone()).await;
    let crowd = |shop: &Shop| {
        shop.app.with_views(|views| {
            let parts = views.fingerprints().into_iter();
            let shared = ["visits", "baskets", "vectors", "popularity"];
            parts.filter(|(name, _)| shared.contains(name)).collect::<Vec<_>>()
        })
    };
    let without = crowd(&shop);
    shop.batch(vec![view("u1", "a", 1), view("u1", "b", 2)]).await;
    assert_ne!(crowd(&shop), without);
    shop.choose("u1", update(&[], &[Purpose::ModelTraining])).await;
    assert_eq!(crowd(&shop), without);
    shop.choose("u1", update(&[Purpose::ModelTraining], &[])).await;
    assert_eq!(crowd(&shop), without, "what was taken back does not return by itself");
    shop.batch(vec![view("u1", "c", 3)]).await;
    assert_ne!(crowd(&shop), without, "what comes after the yes counts");
    assert_eq!(shop.app.check_views().await.unwrap().differing, Vec::<&str>::new());
}

#[tokio::test]
async fn an_export_leaves_out_whom_the_purpose_is_withheld_from() {
    let shop = Shop::open().await;
    shop.stock(&["a"]).await;
    shop.batch(vec![view("u1", "a", 1), view("u2", "a", 1)]).await;
    shop.choose("u1", update(&[], &[Purpose::Analytics])).await;
    let folder = tempfile::TempDir::new().unwrap();
    let export = async |kind, purpose, name: &str| {
        let path = folder.path().join(name);
        shop.app.export((kind, purpose), &path, &crate::Silent).await.unwrap()
    };
    use crate::ExportKind::{Consents, Events};
    let out = export(Events, Purpose::Analytics, "a.jsonl").await;
    assert_eq!((out.rows, out.withheld), (1, 2), "the view and the consent of u1");
    let out = export(Events, Purpose::Essential, "e.jsonl").await;
    assert_eq!((out.rows, out.withheld), (2, 0));
    assert_eq!(export(Consents, Purpose::Analytics, "c.jsonl").await.rows, 1);
}

#[tokio::test]
async fn impressions_name_their_shopper_where_reports_are_allowed() {
    let shop = Shop::open().await;
    shop.stock(&["a"]).await;
    shop.batch(vec![view("u1", "a", 1)]).await;
    let shown = async || {
        shop.viewed("u1").await;
        shop.app.flush_impressions().await;
        let log = shop.log().await;
        let last = log.iter().rfind(|(_, event)| matches!(event.fact, Fact::Impressions(_)));
        last.unwrap().0
    };
    assert!(shown().await.is_some());
    shop.choose("u1", update(&[], &[Purpose::Analytics])).await;
    assert!(shown().await.is_none());
}

#[tokio::test]
async fn the_gate_lets_essential_uses_through() {
    let shop = Shop::open_in("eu").await;
    shop.stock(&["a"]).await;
    shop.batch(vec![view("u1", "a", 1)]).await;
    let subject = shop.app.find_subject(IdKind::User, "u1").await.unwrap().unwrap();
    shop.app.with_views(|views| {
        let site = SiteId::main();
        let of = |purpose| {
            let purpose = Use { purpose, site: &site, withheld: Purposes::NONE };
            views.for_purpose(Whom::known(subject), purpose).touches().count()
        };
        assert_eq!(of(Purpose::Essential), 1);
        assert_eq!(of(Purpose::Personalization), 0);
    });
}
