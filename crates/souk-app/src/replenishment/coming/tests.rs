#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::super::tests::{ON, objections, order, plan, stocked, tea_line};
use super::super::{Advised, Decision};
use super::*;
use crate::Role;
use crate::demand::tests::{place, send, stock, tea, today};
use crate::purchasing::NewPurchaseOrder;
use crate::purchasing::tests::supplier;
use crate::test_shop::{Shop, caller};

fn expected(id: &str, units: i64, in_days: i32) -> NewPurchaseOrder {
    let day = Day::from_number(today().number() + in_days);
    NewPurchaseOrder { expected_on: Some(day.to_string()), ..order(id, units) }
}

async fn make(shop: &Shop, new: NewPurchaseOrder) {
    shop.app.create_purchase_order(new, &caller(Role::Planner)).await.unwrap();
}

#[tokio::test]
async fn an_order_counts_where_it_comes_in_time_and_while_it_is_hardly_late() {
    let shop = stocked(ON).await;
    let before = plan(&shop).await;
    let need = tea_line(&before).need;
    assert_eq!(before.proposals[0].decision, Decision::Approve);
    // Ten days must be bridged.
    make(&shop, expected("soon", 6, 2)).await;
    make(&shop, expected("last-day", 6, 10)).await;
    make(&shop, expected("yesterday", 6, -1)).await;
    make(&shop, order("undated", 6)).await;
    let found = plan(&shop).await;
    assert_eq!(need - tea_line(&found).need, 24.0);
    assert!(found.exceptions.is_empty(), "{:?}", found.exceptions);
    make(&shop, expected("later", 30, 11)).await;
    let found = plan(&shop).await;
    let position = tea_line(&found).position;
    assert_eq!((position.on_order, position.later, position.overdue), (24.0, 30.0, 0.0));
    assert!(found.exceptions.is_empty() && tea_line(&found).warnings.is_empty(), "{found:?}");
    assert_eq!(found.proposals[0].decision, Decision::Approve);
    make(&shop, expected("lost", 48, -26)).await;
    let found = plan(&shop).await;
    let line = tea_line(&found);
    assert_eq!((line.position.on_order, line.position.overdue), (24.0, 48.0));
    assert_eq!(need - line.need, 24.0);
    let words = "24.0 on order (48.0 are overdue, 30.0 come later and do not count) − 0.0 reserved";
    assert!(line.text.contains(words), "{}", line.text);
    let lost = "order `lost` at `leaf` was expected on 2025-12-20 and has not come";
    assert!(found.exceptions[0].text.contains(lost), "{:?}", found.exceptions);
    assert!(line.warnings[0].contains(lost), "{:?}", line.warnings);
    assert!(objections(&found).contains(lost), "{}", objections(&found));
    let findings = shop.app.examine().await.unwrap();
    let told: Vec<_> = findings.iter().filter(|one| one.subject == "orders").collect();
    assert!(told.len() == 1 && told[0].detail.contains(lost), "{told:?}");
}

#[tokio::test]
async fn a_supplier_whose_times_spread_is_waited_for_longer() {
    let shop = stocked("").await;
    let uneven = supplier("leaf", json!({"lead_time_sd_days": 6}));
    shop.app.put_suppliers(vec![uneven], &caller(Role::Planner)).await.unwrap();
    make(&shop, expected("late", 12, -6)).await;
    make(&shop, expected("lost", 30, -7)).await;
    let position = tea_line(&plan(&shop).await).position;
    assert_eq!((position.on_order, position.overdue), (12.0, 30.0));
}

#[tokio::test]
async fn a_forecast_does_not_trust_what_has_not_come() {
    let shop = stocked("").await;
    // Enough for half a week, and twice the level on an order that was lost.
    make(&shop, expected("lost", 600, -26)).await;
    let request = crate::ForecastRequest {
        site: SiteId::main(),
        product: tea(),
        location: Some(place()),
        horizon_days: 14,
        levels: vec![0.8],
    };
    let planner = caller(Role::Planner);
    let answer = shop.app.forecast(request.clone(), &planner).await.unwrap();
    assert_eq!(answer.recommendations[0].action, "order", "{:?}", answer.recommendations);
    send(&shop, vec![stock("Stock Counted", ("tea", 10), "2026-01-15T06:00:00Z")]).await;
    let answer = shop.app.forecast(request, &planner).await.unwrap();
    let risk = answer.risks.iter().find(|risk| risk.risk == "stock_out").unwrap();
    assert!(risk.probability > 0.9 && risk.text.contains("600.0 are overdue"), "{risk:?}");
    // With enough on the shelf it is still for a person to look at.
    send(&shop, vec![stock("Stock Counted", ("tea", 200), "2026-01-15T07:00:00Z")]).await;
    let ids = (&SiteId::main(), &tea());
    let Ok(Advised::Look(text)) = shop.app.advised(ids, (&place(), today())) else {
        panic!("an order that has not come is not worth a look")
    };
    assert!(text.contains("`lost`"), "{text}");
}

#[tokio::test]
async fn what_comes_with_the_next_order_fills_no_shelf_before_it() {
    let shop = stocked("").await;
    send(&shop, vec![stock("Stock Counted", ("tea", 12), "2026-01-14T22:45:00Z")]).await;
    let ask = async || {
        let request = crate::ForecastRequest {
            site: SiteId::main(),
            product: tea(),
            location: Some(place()),
            horizon_days: 14,
            levels: vec![0.8],
        };
        let found = shop.app.forecast(request, &caller(Role::Planner)).await.unwrap();
        found.risks.into_iter().find(|risk| risk.risk == "stock_out").unwrap()
    };
    let before = ask().await;
    assert!(before.probability > 0.9 && before.effect_units < -8.0, "{before:?}");
    // Three days are to be waited for it, whether it is asked for or ordered.
    make(&shop, expected("asked", 160, 3)).await;
    let ordered = ask().await;
    assert_eq!(
        (ordered.probability, ordered.effect_units),
        (before.probability, before.effect_units)
    );
    // What comes tomorrow does, and what is missing before it is told of it.
    make(&shop, expected("tomorrow", 160, 1)).await;
    let sooner = ask().await;
    assert!(sooner.effect_units > -2.0 && sooner.probability < 0.5, "{sooner:?}");
    send(&shop, vec![stock("Stock Counted", ("tea", 1), "2026-01-14T22:50:00Z")]).await;
    let empty = ask().await;
    assert!(empty.text.contains("in the 1.0 days until more is there; 1 are on hand"), "{empty:?}");
    assert!(empty.probability > 0.9, "{empty:?}");
}
