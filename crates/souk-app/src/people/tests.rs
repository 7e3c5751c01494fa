#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use souk_core::wire::json::product_from_json;
use souk_core::{Currency, ProductId, SiteId};

use super::*;
use crate::test_shop::{Shop, caller};
use crate::{ConsentUpdate, IngestCall, Role};

/// Shoppers of the test shop.
pub(crate) const SHOPPERS: usize = 120;

/// An order of shopper `n` so many days before noon of 15 January 2026.
pub(crate) fn order(shopper: &str, days_ago: usize, lines: &[(&str, u32)]) -> Value {
    let day = souk_core::Day::parse("2026-01-15").unwrap().number() - days_ago as i32;
    let day = souk_core::Day::from_number(day);
    let products: Vec<Value> = lines
        .iter()
        .map(|(id, price)| json!({"product_id": id, "quantity": 1, "price": price}))
        .collect();
    json!({"type": "track", "event": "Order Completed", "userId": shopper,
        "messageId": format!("{shopper}-{days_ago}"), "timestamp": format!("{day}T10:30:00Z"),
        "context": {"channel": "store"},
        "properties": {"order_id": format!("{shopper}-{days_ago}"), "currency": "USD", "products": products}})
}

/// A shop of tea, coffee and one of each of ten kinds of biscuit, whose shoppers come every `n` days with
/// n from 5 to 44, the later ones until long ago only.
pub(crate) async fn shop_of(jurisdiction: &str) -> Shop {
    let shop = Shop::open_in(jurisdiction).await;
    let mut products =
        vec![("tea", "Leaf", "Drinks > Tea", 500), ("coffee", "Bean", "Drinks > Coffee", 900)];
    let biscuits: Vec<String> = (0..10).map(|n| format!("biscuit{n}")).collect();
    for (n, id) in biscuits.iter().enumerate() {
        products.push((id, if n < 5 { "Own" } else { "Fine" }, "Food > Biscuits", 100 + 100 * n));
    }
    let products = products.into_iter().map(|(id, brand, category, price)| {
        let product = json!({"id": id, "title": id, "brand": brand, "categories": [category],
            "price": {"amount": price, "currency": "USD"}, "availability": "in_stock"});
        product_from_json(&product, &SiteId::main(), Currency::USD).unwrap()
    });
    shop.app.put_products(products.collect(), &caller(Role::Admin)).await.unwrap();
    let mut batch = Vec::new();
    for n in 0..SHOPPERS {
        let (gap, until) = (5 + n % 40, if n < 80 { 1 } else { 150 });
        let mut days_ago = 200 + n % 7;
        while days_ago >= until {
            let biscuit = format!("biscuit{}", n % 10);
            let mut lines = vec![("tea", 5)];
            if days_ago % 2 == 0 {
                lines.push((biscuit.as_str(), 1 + (n % 10) as u32));
            }
            batch.push(order(&format!("u{n}"), days_ago, &lines));
            days_ago = match days_ago.checked_sub(gap) {
                Some(next) if next > 0 => next,
                _ => break,
            };
        }
    }
    for some in batch.chunks(500) {
        shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": some})).await;
    }
    folded(&shop).await;
    shop
}

pub(crate) async fn folded(shop: &Shop) {
    shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
}

pub(crate) async fn profile(shop: &Shop, id: &str) -> Profile {
    shop.app.profile((id, &SiteId::main()), &caller(Role::StorefrontServer)).await.unwrap()
}

#[tokio::test]
async fn a_profile_says_what_the_orders_say() {
    let shop = shop_of("us").await;
    let lines = [("biscuit0", 1), ("biscuit9", 10)];
    let batch = [
        order("new", 40, &[("coffee", 9), lines[0]]),
        order("new", 26, &[("coffee", 9), lines[1]]),
        order("new", 12, &[("coffee", 9)]),
        order("new", 5, &[("tea", 5)]),
        order("new", 4, &[("coffee", 9)]),
    ];
    shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": batch})).await;
    folded(&shop).await;
    let found = profile(&shop, "new").await;
    let orders = found.orders.unwrap();
    assert_eq!(orders.count, 5);
    assert_eq!(orders.spend.unwrap(), souk_core::Money::from_minor(5_200, Currency::USD));
    assert_eq!(orders.last_at.to_string(), "2026-01-11T10:30:00.000Z");
    // Coffee after 14, 14 and 8 days.
    let cycles = found.replenishment.value.unwrap();
    assert_eq!(cycles.len(), 1);
    assert_eq!(cycles[0].product_id, ProductId::new("coffee").unwrap());
    assert_eq!((cycles[0].every_days, cycles[0].spread_days, cycles[0].gaps), (14.0, 0.0, 3));
    assert_eq!(cycles[0].due_at.to_string(), "2026-01-25T10:30:00.000Z");
    // Seven lines: four of Bean, one each of Leaf, Own and Fine.
    let loyalty = found.brand_loyalty.value.unwrap();
    assert_eq!((loyalty.brand.as_str(), loyalty.brands), ("Bean", 4));
    assert!(
        (loyalty.share - 4.0 / 7.0).abs() < 1e-9
            && (loyalty.concentration - 19.0 / 49.0).abs() < 1e-9
    );
    let categories = found.categories.value.unwrap();
    assert_eq!(categories[0].name, "Drinks > Coffee");
    let weights: f64 =
        [40, 26, 12, 4].iter().map(|d| (-(f64::from(*d) + 0.0625) / 90.0).exp2()).sum();
    let all = weights
        + [40.0, 26.0, 5.0].iter().map(|d: &f64| (-(d + 0.0625) / 90.0).exp2()).sum::<f64>();
    assert!((categories[0].share - weights / all).abs() < 1e-9, "{}", categories[0].share);
    assert!(categories[0].is_affinity && categories[0].lift.is_none(), "nobody else buys coffee");
    let channel = found.channel.value.unwrap();
    assert_eq!((channel.most.as_str(), channel.share), ("store", 1.0));
    assert_eq!(found.hour.value.unwrap().most, "10:00");
    // Too thin, and says so: two biscuits have prices that can be compared.
    assert_eq!(found.price_band.value, None);
    assert!(found.price_band.reason.unwrap().contains("2 lines"));
    // Against the shop.
    let alive = found.probability_alive;
    assert!(alive.value.unwrap() > 0.5, "{alive:?}");
    assert!(alive.evidence.contains(&("repeat_days", Figure::Number(4.0))), "{alive:?}");
    assert!(found.expected_orders.value.unwrap() > 1.0);
    assert!(found.expected_value.value.unwrap().minor() > 0);
    assert!(found.next_order.value.unwrap().in_days > 0.0);
    assert_eq!(found.rfm.value.unwrap().recency, 5);
}

#[tokio::test]
async fn those_who_stay_away_are_told_from_those_who_come() {
    let shop = shop_of("us").await;
    let (regular, lapsed) = (profile(&shop, "u0").await, profile(&shop, "u80").await);
    let risk = |profile: &Profile| profile.churn_risk.value.unwrap();
    assert!(risk(&regular) < 0.2 && risk(&lapsed) > 0.8, "{} {}", risk(&regular), risk(&lapsed));
    assert!(regular.segments.contains(&"champions".to_owned()), "{:?}", regular.segments);
    assert!(lapsed.segments.contains(&"likely_to_churn".to_owned()), "{:?}", lapsed.segments);
    assert!(lapsed.next_order.value.is_none());
    assert!(lapsed.next_order.reason.unwrap().contains("any more"));
    // Twelve of a hundred and twenty are the highest tenth.
    let mut high = 0;
    for n in 0..SHOPPERS {
        let segments = profile(&shop, &format!("u{n}")).await.segments;
        high += usize::from(segments.contains(&"high_value".to_owned()));
    }
    assert!((12..=14).contains(&high), "{high}");
}

#[tokio::test]
async fn who_does_not_allow_it_is_not_shown_and_teaches_nothing() {
    let shop = shop_of("us").await;
    let denied = |purposes: &[Purpose]| ConsentUpdate {
        denied: purposes.iter().copied().collect(),
        ..ConsentUpdate::default()
    };
    let admin = caller(Role::Admin);
    let main = SiteId::main();
    shop.app
        .change_consents(("u0", &main), denied(&[Purpose::Personalization]), &admin)
        .await
        .unwrap();
    let found = profile(&shop, "u0").await;
    assert!(!found.consent.is_allowed && found.orders.is_none() && found.segments.is_empty());
    assert_eq!(found.rfm.reason.as_deref(), Some("personalization is not allowed"));
    // Others learn from whoever lets them.
    let people = || shop.app.people.standing(&main).unwrap().n_people;
    shop.app.fit_people().await.unwrap();
    assert_eq!(people(), SHOPPERS);
    let update = denied(&[Purpose::ModelTraining]);
    shop.app.change_consents(("u1", &main), update, &admin).await.unwrap();
    shop.app.fit_people().await.unwrap();
    assert_eq!(people(), SHOPPERS - 1);
    assert!(profile(&shop, "u1").await.orders.is_some(), "own answers are another purpose");
    // Where a yes is needed and nobody gave it, there is nothing at all.
    let unasked = shop_of("eu").await;
    let found = profile(&unasked, "u0").await;
    assert_eq!(found.consent.reason.as_str(), "unasked");
    assert_eq!(unasked.app.people.standing(&main).unwrap().n_people, 0);
}

#[tokio::test]
async fn a_stranger_has_an_empty_profile_and_a_page_sees_its_own_shopper_alone() {
    let shop = shop_of("us").await;
    let found = profile(&shop, "nobody").await;
    assert!(found.orders.is_none() && found.segments.is_empty());
    assert_eq!(found.rfm.reason.as_deref(), Some("no order is known"));
    let main = SiteId::main();
    let mut page = caller(Role::StorefrontBrowser);
    let denied = shop.app.profile(("u1", &main), &page).await.unwrap_err();
    assert!(matches!(denied, AppError::Denied { .. }), "{denied}");
    page.shopper = Some("u1".to_owned());
    assert!(shop.app.profile(("u1", &main), &page).await.unwrap().orders.is_some());
    for role in [Role::Analyst, Role::Merchandiser, Role::Planner, Role::IngestServer] {
        let denied = shop.app.profile(("u1", &main), &caller(role)).await.unwrap_err();
        assert!(matches!(denied, AppError::Denied { .. }), "{denied}");
    }
}

#[tokio::test]
async fn several_ids_of_a_person_are_one_and_refunds_come_off() {
    let shop = shop_of("us").await;
    let view = json!({"type": "track", "event": "Product Viewed", "anonymousId": "b1",
        "messageId": "v1", "timestamp": "2026-01-14T10:00:00Z", "properties": {"product_id": "coffee"}});
    let identify =
        json!({"type": "identify", "userId": "u2", "anonymousId": "b1", "messageId": "i1"});
    let refund = json!({"type": "track", "event": "Order Refunded", "userId": "u3", "messageId": "r1",
        "timestamp": "2026-01-14T11:00:00Z", "properties": {"order_id": "u3-203"}});
    let before = profile(&shop, "u3").await.orders.unwrap();
    let batch = json!({"batch": [view, identify, refund]});
    shop.send(Role::IngestServer, IngestCall::Batch, batch).await;
    folded(&shop).await;
    let brands = profile(&shop, "u2").await.brands.value.unwrap();
    let bean = brands.iter().find(|brand| brand.name == "Bean").unwrap();
    assert_eq!((bean.views, bean.purchases), (1, 0));
    let after = profile(&shop, "u3").await.orders.unwrap();
    assert_eq!(after.count, before.count - 1, "an order that came back whole is none");
}

/// Whoever logs in at a kiosk is no one person with all others who did.
#[tokio::test]
async fn users_of_one_browser_stay_apart() {
    let shop = Shop::open_in("us").await;
    let identify = |user: &str| json!({"type": "identify", "userId": user, "anonymousId": "kiosk", "messageId": user});
    let bought = |user: &str, days_ago| order(user, days_ago, &[("tea", 5)]);
    let send = async |batch: Vec<Value>| {
        let body = json!({ "batch": batch });
        let answer = shop.send(Role::IngestServer, IngestCall::Batch, body).await;
        assert!(answer.rejected.is_empty(), "{answer:?}");
        folded(&shop).await;
    };
    let n_orders =
        async |user: &str| profile(&shop, user).await.orders.map_or(0, |ordered| ordered.count);
    // Before the login in the browser, after it in the user's own name.
    let mut before = bought("nobody", 9);
    before.as_object_mut().unwrap().remove("userId");
    before["anonymousId"] = json!("kiosk");
    send(vec![before, identify("mom"), bought("mom", 8)]).await;
    assert_eq!(n_orders("mom").await, 2, "what was done before a login is joined at once");
    let shared = || shop.app.views.read().sizes().shared_browsers;
    assert_eq!(shared(), 0);
    send(vec![identify("dad"), bought("dad", 7), bought("dad", 6), identify("kid")]).await;
    assert_eq!([n_orders("mom").await, n_orders("dad").await, n_orders("kid").await], [1, 2, 0]);
    assert_eq!(shared(), 1);
    // One of them leaves, and the others keep what is theirs.
    let (who, privacy) = (crate::Who::parse("mom").unwrap(), caller(Role::Privacy));
    shop.app.request_erasure(&privacy, &who, crate::IdentityCheck::Verified).await.unwrap();
    folded(&shop).await;
    assert_eq!([n_orders("mom").await, n_orders("dad").await], [0, 2]);
}

#[test]
fn a_shop_that_grows_by_a_fifth_is_fitted_anew() {
    let fitted = |n_orders| Fitted { began: std::time::Instant::now(), left: 0, n_orders };
    assert!(fitted(0).has_outgrown(1) && !fitted(0).has_outgrown(0));
    assert!(!fitted(1_000).has_outgrown(1_200) && fitted(1_000).has_outgrown(1_201));
}

#[tokio::test]
async fn an_erased_person_leaves_the_figures_and_is_nobody() {
    let shop = shop_of("us").await;
    let main = SiteId::main();
    shop.app.fit_people().await.unwrap();
    let privacy = caller(Role::Privacy);
    let who = crate::Who::parse("u5").unwrap();
    shop.app.request_erasure(&privacy, &who, crate::IdentityCheck::Verified).await.unwrap();
    folded(&shop).await;
    assert!(profile(&shop, "u5").await.orders.is_none());
    assert!(shop.app.are_figures_stale_for_test());
    shop.app.fit_people().await.unwrap();
    assert_eq!(shop.app.people.standing(&main).unwrap().n_people, SHOPPERS - 1);
}

#[tokio::test]
async fn a_profile_is_cheap() {
    let shop = shop_of("us").await;
    shop.app.fit_people().await.unwrap();
    let main = SiteId::main();
    let hash = shop.app.door.hasher.id(IdKind::User, "u0");
    let subject = shop.app.parts.keys.find(&[hash]).await.unwrap()[0].unwrap();
    let began = std::time::Instant::now();
    for _ in 0..100 {
        shop.app.profile_of(Whom::known(subject), &main).unwrap();
    }
    // Forty orders; without optimisation and on a busy machine still far below this.
    assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn who_may_want_a_product_is_told_to_the_admin_alone_and_only_of_those_who_allow_it() {
    let shop = shop_of("us").await;
    let (main, admin) = (SiteId::main(), caller(Role::Admin));
    let wish = Wish::Product(ProductId::new("biscuit0").unwrap());
    let found = shop.app.audience((&wish, &main), 10, &admin).await;
    match found {
        Ok(found) => {
            assert_eq!(found.people.len(), 10);
            assert!(found.people.is_sorted_by(|a, b| a.likelihood >= b.likelihood));
        }
        // Ten products are few to learn from.
        Err(error) => assert!(matches!(error, AppError::NotReady(_)), "{error}"),
    }
    let unknown = Wish::Product(ProductId::new("nothing").unwrap());
    let error = shop.app.audience((&unknown, &main), 10, &admin).await.unwrap_err();
    assert!(matches!(error, AppError::NotFound { .. }), "{error}");
    for role in [Role::Merchandiser, Role::Analyst, Role::Privacy, Role::StorefrontServer] {
        let error = shop.app.audience((&wish, &main), 10, &caller(role)).await.unwrap_err();
        assert!(matches!(error, AppError::Denied { .. }), "{error}");
    }
}

/// One model serves all products; what nearly everybody buys is another matter than what it learned from.
#[tokio::test]
async fn as_many_are_said_to_buy_as_bought_within_the_last_four_weeks() {
    let shop = Shop::open_in("us").await;
    let main = SiteId::main();
    let others: Vec<String> = (0..24).map(|n| format!("other{n}")).collect();
    let products = others.iter().map(String::as_str).chain(["bread"]).map(|id| {
        let product = json!({"id": id, "title": id, "price": {"amount": 100, "currency": "USD"}});
        product_from_json(&product, &main, Currency::USD).unwrap()
    });
    shop.app.put_products(products.collect(), &caller(Role::Admin)).await.unwrap();
    // Of the rest everybody takes a third of what they like as it comes; all but ten of a hundred buy bread every third
    // week without fail.
    let mut batch = Vec::new();
    for (week, person) in (0..26_usize).flat_map(|week| (0..100).map(move |one| (week, one))) {
        let taken = |n: &usize| {
            let draw = xxhash_rust::xxh3::xxh3_64(format!("{week} {person} {n}").as_bytes()) % 120;
            draw < if person % 3 == n % 3 { 40 } else { 3 }
        };
        let mut lines: Vec<(&str, u32)> =
            (0..24).filter(taken).map(|n| (others[n].as_str(), 1)).collect();
        lines.extend((person >= 10 && (week + person) % 3 == 0).then_some(("bread", 1)));
        batch.push(order(&format!("p{person}"), 1 + 7 * week + person % 7, &lines));
    }
    for some in batch.chunks(500) {
        shop.send(Role::IngestServer, IngestCall::Batch, json!({"batch": some})).await;
    }
    folded(&shop).await;
    let ask = async |id: &str| {
        let wish = Wish::Product(ProductId::new(id).unwrap());
        let found = shop.app.audience((&wish, &main), 1_000, &caller(Role::Admin)).await.unwrap();
        found.people.iter().map(|one| one.likelihood).collect::<Vec<f64>>()
    };
    let said = ask("bread").await;
    let sum: f64 = said.iter().sum();
    assert!(said.len() == 100 && said.is_sorted_by(|a, b| a >= b));
    assert!((82.0..=98.0).contains(&sum), "{sum} of 90 who buy it within any four weeks");
}
