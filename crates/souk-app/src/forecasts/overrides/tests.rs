#![allow(clippy::unwrap_used)]

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use souk_core::ErrorKind;

use super::*;
use crate::demand::tests::{open, open_with, place, sale, sales, send, stock, tea, today, wanted};
use crate::forecasts::{ForecastAnswer, ForecastRequest};
use crate::purchasing::tests::supplier;
use crate::test_shop::{Shop, caller};
use crate::{AuditFilter, Role};

fn day(ahead: i32) -> String {
    Day::from_number(today().number() + ahead).to_string()
}

fn wish(more: Value) -> NewOverride {
    let mut value = json!({"product_id": "tea", "location_id": "berlin", "from": day(1), "until": day(4),
        "reason": "a fair in town"});
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(value).unwrap()
}

async fn stocked() -> Shop {
    let shop = open("").await;
    send(&shop, sales(|_, wanted| wanted)).await;
    send(&shop, vec![stock("Stock Counted", ("tea", 40), "2026-01-14T22:30:00Z")]).await;
    let leaf = supplier("leaf", json!({}));
    shop.app.put_suppliers(vec![leaf], &caller(Role::Planner)).await.unwrap();
    shop
}

async fn expected(shop: &Shop) -> (f64, String) {
    let ids = (&SiteId::main(), &place());
    let plan = shop.app.replenishment(ids, &caller(Role::Planner)).await.unwrap();
    let line = plan.lines.iter().find(|line| line.product == tea()).unwrap();
    (line.demand_mean, line.text.clone())
}

async fn forecast(shop: &Shop) -> ForecastAnswer {
    let request = ForecastRequest {
        site: SiteId::main(),
        product: tea(),
        location: Some(place()),
        horizon_days: 10,
        levels: vec![0.8],
    };
    shop.app.forecast(request, &caller(Role::Planner)).await.unwrap()
}

#[tokio::test]
async fn plans_listen_to_a_planner_until_it_ends() {
    let shop = stocked().await;
    let planner = caller(Role::Planner);
    let ((before, _), model) = (expected(&shop).await, forecast(&shop).await);
    let made = shop.app.put_override("fair", wish(json!({"factor": 3})), &planner).await.unwrap();
    assert_eq!((made.model.len(), made.author.as_str()), (4, planner.key_id.as_str()));
    let (after, text) = expected(&shop).await;
    // Ten days are bridged, and four of them were tripled.
    let more: f64 = 2.0 * made.model.iter().sum::<f64>();
    assert!((after - before - more).abs() < 0.01, "{before} {after} {more}");
    assert!(
        text.contains("expects 3 times the model's from 2026-01-16 to 2026-01-19: a fair in town")
    );
    let found = forecast(&shop).await;
    let own = model.daily[1].mean;
    assert!((found.daily[1].mean - 3.0 * own).abs() < 1e-9 && found.daily[0] == model.daily[0]);
    // Both in whole pieces, each up to the next.
    let (tripled, of_model) = (found.daily[1].intervals[0].1, model.daily[1].intervals[0].1);
    assert!(tripled.fract() == 0.0 && (0.0..3.0).contains(&(3.0 * of_model - tripled)));
    let factor = found.key_factors.iter().find(|one| one.factor == "override").unwrap();
    let by_hand: f64 = 2.0 * model.daily[1..5].iter().map(|day| day.mean).sum::<f64>();
    assert!((factor.effect_units - by_hand).abs() < 1e-9, "{}", factor.effect_units);
    assert!((found.total - model.total - by_hand).abs() < 1e-9);
    // A restart does not forget it; the end does.
    let reread = Overrides::open(&*shop.app.parts.tables, shop.app.clock.now()).await.unwrap();
    assert_eq!(reread.all().get("fair"), Some(&made));
    shop.app.end_override("fair", &planner).await.unwrap();
    shop.app.end_override("fair", &planner).await.unwrap();
    assert_eq!(expected(&shop).await.0, before);
    let filter =
        AuditFilter { operation: Some("forecast.override".to_owned()), ..AuditFilter::default() };
    let page = shop.app.audit_entries(&caller(Role::Privacy), &filter, (None, 10)).await.unwrap();
    let states: Vec<String> =
        page.items.iter().rev().map(|item| item.entry.details["state"].clone()).collect();
    assert_eq!(states, ["set", "ended"]);
    // One that lapses is not heard beyond its day, and units need no model.
    let lapsing = wish(json!({"units_per_day": 100, "expires_on": day(0)}));
    shop.app.put_override("guess", lapsing, &planner).await.unwrap();
    assert!(expected(&shop).await.0 > before + 4.0 * 80.0);
    shop.hand.fetch_add(86_400_000, Ordering::SeqCst);
    assert!(expected(&shop).await.0 < before + 20.0);
}

#[tokio::test]
async fn what_it_was_worth_is_the_error_without_less_the_error_with() {
    let shop = stocked().await;
    let planner = caller(Role::Planner);
    let made =
        shop.app.put_override("fair", wish(json!({"units_per_day": 30})), &planner).await.unwrap();
    let report = shop.app.overrides(None, &planner).await.unwrap();
    assert_eq!((report.all, report.overrides[0].is_heard), (WorthSum::default(), true));
    // The fair came: 28 a day on the first three days; the fourth is not over.
    shop.hand.fetch_add(4 * 86_400_000, Ordering::SeqCst);
    // A shelf that sold out would have wanted more.
    let mut sold = vec![stock("Stock Received", ("tea", 200), "2026-01-15T05:00:00Z")];
    sold.push(sale(0, &[("tea", wanted(0))]));
    sold.extend((1..=3).map(|ahead| sale(-ahead, &[("tea", 28)])));
    send(&shop, sold).await;
    let report = shop.app.overrides(Some(&place()), &planner).await.unwrap();
    let sum = report.overrides[0].sum;
    assert_eq!((sum.days, sum.wanted, sum.error_with), (3, 84.0, 6.0));
    let alone: f64 = made.model[..3].iter().map(|model| (model - 28.0).abs()).sum();
    assert!((sum.error_without - alone).abs() < 1e-9 && alone > 20.0);
    assert_eq!((sum.n_judged, sum.n_better), (1, 1));
    assert_eq!(report.by_author[&planner.key_id], sum);
    let written = overrides_to_json(&report);
    assert_eq!(written["overrides"][0]["worth"]["error_with"], 6.0);
    assert!(written["all"]["value_added"].as_f64().unwrap() > 14.0);
    // Ended on its third day, two days are judged.
    let ended = ForecastOverride { ended_on: Some(day(3)), ..made };
    let demand = shop.app.demand((&SiteId::main(), &tea()), Some(&place()), 1).unwrap();
    assert_eq!(worth::judged(&ended, wanted_on(&demand)).days, 2);
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let shop = stocked().await;
    let planner = caller(Role::Planner);
    let invalid = [
        json!({"units_per_day": 3, "factor": 2}),
        json!({}),
        json!({"factor": 21}),
        json!({"units_per_day": -1}),
        json!({"factor": 2, "from": day(-1)}),
        json!({"factor": 2, "until": day(0)}),
        json!({"factor": 2, "until": day(400)}),
        json!({"factor": 2, "reason": " "}),
        json!({"factor": 2, "expires_on": day(-1)}),
    ];
    let put = async |id: &str, wish: NewOverride, caller: &Caller| {
        shop.app.put_override(id, wish, caller).await.map(drop).map_err(|error| error.kind())
    };
    for case in invalid {
        let said = case.to_string();
        assert_eq!(put("a", wish(case), &planner).await, Err(ErrorKind::InvalidInput), "{said}");
    }
    let double = || wish(json!({"factor": 2}));
    for id in ["a b", "", "..", &"a".repeat(81)] {
        assert_eq!(put(id, double(), &planner).await, Err(ErrorKind::InvalidInput), "{id}");
    }
    let unknown = wish(json!({"factor": 2, "product_id": "none"}));
    assert_eq!(put("a", unknown, &planner).await, Err(ErrorKind::NotFound));
    assert_eq!(put("a", double(), &caller(Role::Analyst)).await, Err(ErrorKind::Denied));
    let mut bound = caller(Role::Planner);
    let locations = vec![LocationId::new("oslo").unwrap()];
    bound.places = Arc::new(crate::Places { sites: Vec::new(), locations });
    assert_eq!(put("a", double(), &bound).await, Err(ErrorKind::Denied));
    put("a", double(), &planner).await.unwrap();
    // The same one may be changed before it begins; another one may not say something of its days.
    put("a", wish(json!({"factor": 1.5})), &planner).await.unwrap();
    assert_eq!(put("b", double(), &planner).await, Err(ErrorKind::Conflict));
    put("b", wish(json!({"factor": 2, "from": day(5), "until": day(6)})), &planner).await.unwrap();
    assert!(shop.app.overrides(None, &bound).await.unwrap().overrides.is_empty());
    assert!(shop.app.end_override("a", &bound).await.is_err());
}

#[tokio::test]
async fn a_place_that_only_the_settings_name_takes_overrides_and_forecasts() {
    let settings = "privacy: {default_jurisdiction: us}\nlocations: [{id: berlin}, {id: tokyo}]";
    let shop = open_with(settings).await;
    send(&shop, sales(|_, wanted| wanted)).await;
    let planner = caller(Role::Planner);
    let at = |id: &str| wish(json!({"units_per_day": 5, "location_id": id}));
    let made = shop.app.put_override("opening", at("tokyo"), &planner).await.unwrap();
    // The model expects nothing where nothing was ever sold, and nobody else's sales.
    assert_eq!(made.model, [0.0; 4]);
    let unknown = shop.app.put_override("typo", at("tokio"), &planner).await;
    assert_eq!(unknown.unwrap_err().to_string(), "location `tokio` does not exist");
    let tokyo = LocationId::new("tokyo").unwrap();
    let request = ForecastRequest {
        site: SiteId::main(),
        product: tea(),
        location: Some(tokyo),
        horizon_days: 10,
        levels: vec![0.8],
    };
    let found = shop.app.forecast(request, &planner).await.unwrap();
    let means: Vec<f64> = found.daily.iter().map(|day| day.mean).collect();
    assert_eq!(means, [0.0, 5.0, 5.0, 5.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}
