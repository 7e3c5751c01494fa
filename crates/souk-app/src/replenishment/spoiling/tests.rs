#![allow(clippy::unwrap_used)]

use serde_json::json;
use souk_core::SiteId;

use crate::demand::tests::{place, send, stock};
use crate::purchasing::tests::to;
use crate::purchasing::{LineChange, LinesChange, PurchaseState};
use crate::replenishment::shelf::tests::{keeps, selling};
use crate::replenishment::tests::order;
use crate::test_shop::{Shop, caller};
use crate::{PurchaseOrder, Role};

async fn drafted(shop: &Shop, id: &str, units: i64) -> PurchaseOrder {
    shop.app.create_purchase_order(order(id, units), &caller(Role::Planner)).await.unwrap()
}

/// The units, those that go off on average, and the most, as a warning has them.
fn figures(warning: &str) -> (f64, f64, f64) {
    let words: Vec<&str> = warning.split(' ').collect();
    let after = |word: &str| {
        let at = words.iter().position(|one| *one == word).unwrap();
        words[at + 1].parse().unwrap()
    };
    (after("of"), after("`tea`"), after("than"))
}

#[tokio::test]
async fn more_than_sells_before_it_goes_off_is_told_by_the_plans_figures() {
    let price = json!({"amount": 200, "currency": "USD"});
    let offers = json!([{"product_id": "tea", "price": price}]);
    let shop = selling("", json!({"lead_time_days": 0, "offers": offers})).await;
    keeps(&shop, 5).await;
    send(&shop, vec![stock("Stock Counted", ("tea", 10), "2026-01-14T22:30:00Z")]).await;
    let planner = caller(Role::Planner);
    let ids = (&SiteId::main(), &place());
    let planned = shop.app.replenishment(ids, &planner).await.unwrap();
    let most = planned.lines[0].most.unwrap();
    // What the plan proposes is fine, and the last unit that is fine too.
    let kept = drafted(&shop, "a", most.floor() as i64).await;
    assert_eq!(shop.app.purchase_order_warnings(&kept).await, [] as [&str; 0]);
    let lines =
        vec![LineChange { product_id: "tea".to_owned(), quantity: 200.0, unit_price: None }];
    let change = LinesChange { version: None, lines };
    let changed = shop.app.change_purchase_lines("a", change, &planner).await.unwrap();
    let said = shop.app.purchase_order_warnings(&changed).await;
    let (units, waste, bound) = figures(&said[0]);
    // The order itself is none of what comes.
    assert_eq!((units, bound), (200.0, most), "{said:?}");
    let sold: f64 = (0..5).map(|ahead| crate::demand::tests::wanted(-ahead) as f64).sum();
    assert!((waste - (210.0 - sold)).abs() < 12.0, "{waste} of 210 where {sold} sell: {said:?}");
    // At 2.00 for one.
    let told = said[0].split_once('(').unwrap().1.split_once(" USD)").unwrap().0;
    let cost: f64 = told.parse().unwrap();
    assert!((cost - waste * 2.0).abs() <= 0.2, "{said:?}");
    assert!(said[0].contains("for 5 days from today only"), "{said:?}");
    assert!(said[0].ends_with("with a chance above 50 % (`waste_chance`)"), "{said:?}");
    // What else comes takes its place.
    let second = drafted(&shop, "b", 30).await;
    let said = shop.app.purchase_order_warnings(&second).await;
    assert_eq!(figures(&said[0]).2, 0.0, "{said:?}");
    // A person approves it all the same, and nothing is said of it any more.
    let approve = to(PurchaseState::Approved, None);
    let approved = shop.app.change_purchase_order("a", approve, &planner).await.unwrap();
    assert_eq!(shop.app.purchase_order_warnings(&approved).await, [] as [&str; 0]);
    // What keeps for ever can be had in any quantity.
    keeps(&shop, 730).await;
    assert_eq!(shop.app.purchase_order_warnings(&second).await, [] as [&str; 0]);
}
