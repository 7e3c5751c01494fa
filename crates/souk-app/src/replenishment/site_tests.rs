//! Two sites of one shop, also at one place: what one sells, holds and orders says nothing of the other's.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use souk_core::Currency;
use souk_core::wire::json::product_from_json;

use super::*;
use crate::demand::tests::{place, sales, send, stock, tea, today};
use crate::purchasing::tests::{supplier, to};
use crate::purchasing::{NewPurchaseOrder, PurchaseState};
use crate::test_shop::{Shop, caller};
use crate::{Config, ForecastRequest, Role, forecast_to_json};

fn annex() -> SiteId {
    SiteId::new("annex").unwrap()
}

/// A shop of two sites that both sell tea and milk; only the first one's facts are told.
async fn two_sites() -> Shop {
    let settings = "privacy: {default_jurisdiction: us}\nsites: [{id: main}, {id: annex}]\n\
        locations: [{id: berlin, time_zone: Europe/Berlin}, {id: hamburg, site: annex, time_zone: Europe/Berlin}]\n\
        inventory: {fill_rate: 0.97, auto_reorder: true, approval_amount_max: 100000, confidence_threshold: 0.5}";
    let shop = Shop::open_with(Config::parse(settings, []).unwrap()).await;
    let mut products = Vec::new();
    for site in [SiteId::main(), annex()] {
        for (id, price) in [("tea", 500), ("milk", 120)] {
            let product = json!({"id": id, "title": format!("Good {id}"), "availability": "in_stock",
                "cost": {"amount": price / 2, "currency": "USD"}, "price": {"amount": price, "currency": "USD"}});
            products.push(product_from_json(&product, &site, Currency::USD).unwrap());
        }
    }
    shop.app.put_products(products, &caller(Role::Admin)).await.unwrap();
    send(&shop, sales(|_, wanted| wanted)).await;
    send(
        &shop,
        vec![
            stock("Stock Counted", ("tea", 40), "2026-01-14T22:30:00Z"),
            stock("Stock Counted", ("milk", 90), "2026-01-14T22:30:00Z"),
        ],
    )
    .await;
    shop.app
        .put_suppliers(vec![supplier("leaf", json!({}))], &caller(Role::Planner))
        .await
        .unwrap();
    shop
}

/// The same facts as the annex would tell them, so many times as much, of a place.
fn of_annex(told: Vec<Value>, place: &str, times: i64) -> Vec<Value> {
    let mut told = told;
    for (number, fact) in told.iter_mut().enumerate() {
        fact["messageId"] = json!(format!("annex-{place}-{number}-{}", fact["messageId"]));
        fact["context"]["site"] = json!("annex");
        let props = &mut fact["properties"];
        props["location_id"] = json!(place);
        if let Some(order) = props["order_id"].as_str() {
            props["order_id"] = json!(format!("annex-{place}-{order}"));
        }
        if let Some(quantity) = props["quantity"].as_i64() {
            props["quantity"] = json!(times * quantity);
        }
        for line in props["products"].as_array_mut().into_iter().flatten() {
            line["quantity"] = json!(times * line["quantity"].as_i64().unwrap());
        }
    }
    told
}

/// Everything that the planning of a site says at a place.
async fn said(shop: &Shop, site: &SiteId, location: &LocationId) -> Value {
    let planner = caller(Role::Planner);
    let plan = shop.app.replenishment((site, location), &planner).await.unwrap();
    let waste = shop.app.waste((site, location), &planner).await.unwrap();
    let mut forecasts = Vec::new();
    for location in [Some(location.clone()), None] {
        let request = ForecastRequest {
            site: site.clone(),
            product: tea(),
            location,
            horizon_days: 14,
            levels: vec![0.8],
        };
        let answer = shop.app.forecast(request, &planner).await.unwrap();
        forecasts.push(forecast_to_json(&answer));
    }
    json!({"plan": plan_to_json(&plan), "waste": waste_to_json(&waste), "forecasts": forecasts})
}

#[tokio::test]
async fn a_site_plans_as_if_the_other_were_not_there() {
    let shop = two_sites().await;
    let before = said(&shop, &SiteId::main(), &place()).await;
    assert_eq!(before["plan"]["lines"].as_array().unwrap().len(), 2);
    assert_eq!(before["plan"]["proposals"][0]["approved_by_rule"], true, "{}", before["plan"]);
    // The annex sells nine times as much, at its own place and at the other's, today too, counts a factor too much, and
    // wrote much off.
    for there in ["hamburg", "berlin"] {
        let mut told = of_annex(sales(|_, wanted| 2 * wanted), there, 9);
        let mut today_too = crate::demand::tests::sale(0, &[("tea", 70)]);
        today_too["timestamp"] = json!("2026-01-15T10:30:00Z");
        told.extend(of_annex(
            vec![
                today_too,
                stock("Stock Counted", ("tea", 300), "2026-01-13T20:00:00Z"),
                stock("Stock Counted", ("tea", 9_000), "2026-01-14T20:00:00Z"),
                stock("Stock Written Off", ("tea", 20), "2026-01-14T21:00:00Z"),
            ],
            there,
            9,
        ));
        send(&shop, told).await;
    }
    let planner = caller(Role::Planner);
    let order = json!({"id": "annex-1", "supplier_id": "leaf", "location_id": "berlin", "site": "annex",
        "lines": [{"product_id": "tea", "quantity": 600}]});
    let order: NewPurchaseOrder = serde_json::from_value(order).unwrap();
    shop.app.create_purchase_order(order, &planner).await.unwrap();
    shop.app
        .change_purchase_order("annex-1", to(PurchaseState::Approved, None), &planner)
        .await
        .unwrap();
    let said_otherwise = json!({"site": "annex", "product_id": "tea", "location_id": "berlin", "from": today().to_string(),
        "until": today().to_string(), "units_per_day": 999, "reason": "a fair"});
    let said_otherwise = serde_json::from_value(said_otherwise).unwrap();
    shop.app.put_override("fair", said_otherwise, &planner).await.unwrap();
    let after = said(&shop, &SiteId::main(), &place()).await;
    assert_eq!(after, before);
    // And the annex has its own.
    let own = said(&shop, &annex(), &place()).await;
    let mean = |said: &Value| said["forecasts"][0]["predicted_demand"]["total"].as_f64().unwrap();
    assert!(mean(&own) > 10.0 * mean(&before), "{}", own["forecasts"][0]);
    assert_eq!(own["plan"]["so_far"]["sold"], 630.0);
    assert_eq!(own["waste"]["figures"]["written_off"], 180.0);
    assert_eq!(own["plan"]["alarms"][0]["kind"], "factor", "{}", own["plan"]["alarms"]);
    let alarms: Vec<(String, String)> = shop
        .app
        .feed_alarms()
        .into_iter()
        .map(|alarm| (alarm.site.to_string(), alarm.location.to_string()))
        .collect();
    assert!(!alarms.is_empty() && alarms.iter().all(|(site, _)| site == "annex"), "{alarms:?}");
}

#[tokio::test]
async fn sales_that_stop_at_one_site_are_late_though_the_other_sells_at_the_same_place() {
    let shop = two_sites().await;
    // The annex told nothing of the last four days, the first site did.
    let told = of_annex(sales(|ago, wanted| if ago <= 4 { -1 } else { wanted }), "berlin", 1);
    let mut told = told;
    told.extend(of_annex(
        vec![stock("Stock Counted", ("tea", 40), "2026-01-14T22:30:00Z")],
        "berlin",
        1,
    ));
    send(&shop, told).await;
    let own = said(&shop, &annex(), &place()).await;
    let late: Vec<&Value> = own["plan"]["alarms"].as_array().unwrap().iter().collect();
    assert_eq!((&late[0]["feed"], &late[0]["kind"]), (&json!("sales"), &json!("late")), "{late:?}");
    // The days that were not told are no days without demand.
    assert_eq!(
        own["forecasts"][0]["predicted_demand"]["daily"][0]["date"], "2026-01-11",
        "{}",
        own["forecasts"][0]
    );
    let main = said(&shop, &SiteId::main(), &place()).await;
    assert_eq!(main["plan"]["alarms"], json!([]));
    assert_eq!(main["forecasts"][0]["predicted_demand"]["daily"][0]["date"], "2026-01-15");
}

#[tokio::test]
async fn limits_are_said_in_the_sites_currency_and_what_nobody_offers_costs_nothing() {
    let shop = two_sites().await;
    let planner = caller(Role::Planner);
    let euros =
        json!({"offers": [{"product_id": "tea", "price": {"amount": 500_000, "currency": "EUR"}}]});
    shop.app.put_suppliers(vec![supplier("leaf", euros)], &planner).await.unwrap();
    let plan = shop.app.replenishment((&SiteId::main(), &place()), &planner).await.unwrap();
    let Decision::Ask(reasons) = &plan.proposals[0].decision else { panic!("{plan:?}") };
    assert!(reasons.iter().any(|one| one.contains("in another currency than the site's")));
    assert!(!reasons.iter().any(|one| one.contains("approval_amount_max")), "{reasons:?}");
    let milk = plan.lines.iter().find(|line| line.product.as_str() == "milk").unwrap();
    assert!(milk.supplier().is_none() && milk.cost.is_none(), "{milk:?}");
}

#[tokio::test]
async fn a_place_of_the_settings_exists_before_any_fact_is_told_of_it() {
    let shop = two_sites().await;
    let planner = caller(Role::Planner);
    let hamburg = LocationId::new("hamburg").unwrap();
    // Sales without a place belong to none of them.
    let mut nowhere = crate::demand::tests::sale(3, &[("tea", 9)]);
    nowhere["messageId"] = json!("nowhere");
    nowhere["properties"]["order_id"] = json!("nowhere");
    nowhere["properties"].as_object_mut().unwrap().remove("location_id");
    send(&shop, vec![nowhere]).await;
    for site in [SiteId::main(), annex()] {
        let plan = shop.app.replenishment((&site, &hamburg), &planner).await.unwrap();
        assert_eq!((plan.n_considered, plan.lines.len()), (0, 0), "{plan:?}");
        let waste = shop.app.waste((&site, &hamburg), &planner).await.unwrap();
        assert!(waste.lots.is_empty() && waste.figures.sold == 0.0, "{waste:?}");
    }
    let mars = LocationId::new("mars").unwrap();
    assert!(shop.app.replenishment((&annex(), &mars), &planner).await.is_err());
    let signal = |place: &str| {
        let told = json!({"name": "sun", "date": "2026-01-14", "value": 1, "location_id": place});
        serde_json::from_value::<crate::NewSignal>(told).unwrap()
    };
    shop.app.put_signals(vec![signal("hamburg")], &planner).await.unwrap();
    let refused = shop.app.put_signals(vec![signal("mars")], &planner).await.unwrap_err();
    assert!(refused.to_string().starts_with("`mars` is no place"), "{refused}");
}

#[tokio::test]
async fn what_to_hold_goes_by_an_offer_in_the_sites_currency() {
    let shop = two_sites().await;
    let planner = caller(Role::Planner);
    // It comes first by name, and the plan compares it with none; there is enough, so no line names a supplier.
    let abroad = json!({"lead_time_days": 40, "offers": [
        {"product_id": "tea", "price": {"amount": 1, "currency": "EUR"}}]});
    let near = json!({"lead_time_days": 3, "offers": [
        {"product_id": "tea", "price": {"amount": 300, "currency": "USD"}}]});
    let suppliers = vec![supplier("abroad", abroad), supplier("leaf", near)];
    shop.app.put_suppliers(suppliers, &planner).await.unwrap();
    send(&shop, vec![stock("Stock Counted", ("tea", 5_000), "2026-01-14T22:45:00Z")]).await;
    let request = ForecastRequest {
        site: SiteId::main(),
        product: tea(),
        location: Some(place()),
        horizon_days: 7,
        levels: vec![0.8],
    };
    let optimal = shop.app.forecast(request, &planner).await.unwrap().optimal;
    assert_eq!(optimal.lead_time_days, 3.0, "{optimal:?}");
}
