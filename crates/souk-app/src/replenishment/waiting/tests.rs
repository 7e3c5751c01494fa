#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use crate::Role;
use crate::demand::tests::{send, stock, wanted};
use crate::purchasing::tests::supplier;
use crate::replenishment::tests::{ON, objections, plan, stocked, tea_line};
use crate::test_shop::{Shop, caller};

/// A supplier with a price and days until it is there.
fn asks(id: &str, (price, lead_time_days): (i64, u32)) -> crate::purchasing::Supplier {
    let price = json!({"amount": price, "currency": "USD"});
    supplier(
        id,
        json!({"lead_time_days": lead_time_days, "offers": [{"product_id": "tea", "price": price}]}),
    )
}

async fn offered(settings: &str, (cheap, days): (i64, u32)) -> Shop {
    let shop = stocked(settings).await;
    let both = vec![asks("leaf", (200, 1)), asks("mill", (cheap, days))];
    shop.app.put_suppliers(both, &caller(Role::Planner)).await.unwrap();
    send(&shop, vec![stock("Stock Counted", ("tea", 20), "2026-01-14T22:45:00Z")]).await;
    shop
}

#[tokio::test]
async fn what_is_missing_until_the_cheap_one_delivers_is_a_cost_of_it() {
    // Twenty are there; ten days later some eighty are missing, whose margin is 320 each.
    let shop = offered(ON, (180, 10)).await;
    let found = plan(&shop).await;
    let line = tea_line(&found);
    let [leaf, mill] = &line.candidates[..] else { panic!("{line:?}") };
    assert_eq!((leaf.supplier_id.as_str(), mill.supplier_id.as_str()), ("leaf", "mill"));
    assert!(mill.cost_per_unit < leaf.cost_per_unit, "{line:?}");
    let missing = (0..10).map(|ahead| wanted(-ahead) as f64).sum::<f64>() - 20.0;
    assert!((mill.missing - missing).abs() < 0.15 * missing, "{} for {missing}", mill.missing);
    assert!(leaf.missing < 0.5 && leaf.lost_margin.minor() == 0, "{leaf:?}");
    let by_hand = (mill.missing - leaf.missing) * 320.0;
    assert!((mill.lost_margin.minor() as f64 - by_hand).abs() <= 1.0, "{by_hand} {mill:?}");
    assert!(line.warnings.is_empty() && line.notes.is_empty(), "{line:?}");
    // In time with both: the cheaper one.
    let shop = offered(ON, (180, 1)).await;
    let found = plan(&shop).await;
    assert_eq!(tea_line(&found).supplier().unwrap().supplier_id, "mill");
}

#[tokio::test]
async fn who_is_so_cheap_that_it_pays_to_wait_is_still_for_a_person_to_approve() {
    let shop = offered(ON, (1, 6)).await;
    let found = plan(&shop).await;
    let line = tea_line(&found);
    let chosen = line.supplier().unwrap();
    assert_eq!(chosen.supplier_id, "mill", "{line:?}");
    let words = format!(
        "{:.1} units are missing on average until `mill` delivers on 2026-01-21; `leaf` would be there on \
         2026-01-16",
        chosen.missing
    );
    assert!(line.warnings[0].starts_with(&words), "{:?}", line.warnings);
    assert!(objections(&found).contains("are missing on average"), "{}", objections(&found));
    // Where nobody is there before it must not wait for a person.
    let shop = stocked(ON).await;
    let mill =
        vec![asks("mill", (1, 6)), supplier("leaf", json!({"offers": Value::Array(Vec::new())}))];
    shop.app.put_suppliers(mill, &caller(Role::Planner)).await.unwrap();
    send(&shop, vec![stock("Stock Counted", ("tea", 20), "2026-01-14T22:45:00Z")]).await;
    let found = plan(&shop).await;
    let line = tea_line(&found);
    assert!(line.warnings.is_empty() && line.notes[0].contains("nobody who offers it"), "{line:?}");
}
