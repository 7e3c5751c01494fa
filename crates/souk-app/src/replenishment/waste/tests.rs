#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::Role;
use crate::demand::tests::{open, place, sale, sales, send, stock, today, wanted};
use crate::purchasing::tests::supplier;
use crate::replenishment::shelf::tests::{keeps, lot, selling};
use crate::test_shop::{Shop, caller};

async fn waste(shop: &Shop) -> WasteReport {
    let ids = (&SiteId::main(), &place());
    shop.app.waste(ids, &caller(Role::Planner)).await.unwrap()
}

fn money(minor: i64) -> Money {
    Money::from_minor(minor, souk_core::Currency::USD)
}

/// Much tea of which the last day is the 19th.
fn too_much() -> Vec<serde_json::Value> {
    vec![lot("Stock Received", ("old", 200), "2026-01-19")]
}

#[tokio::test]
async fn a_lot_at_risk_is_told_with_its_loss_and_nothing_is_claimed_without_a_past() {
    let shop = selling("", json!({})).await;
    send(&shop, too_much()).await;
    send(&shop, vec![stock("Stock Written Off", ("milk", 10), "2026-01-14T09:00:00Z")]).await;
    let found = waste(&shop).await;
    assert_eq!((found.lots.len(), found.n_pending), (1, 0));
    let risk = &found.lots[0];
    let sold: f64 = (0..5).map(|ahead| wanted(-ahead) as f64).sum();
    assert_eq!((risk.days_left, risk.units, risk.lot.as_deref()), (5, 200.0, Some("old")));
    assert!((risk.unsold - (200.0 - sold)).abs() < 10.0, "{} of {sold}", risk.unsold);
    assert!(risk.chance > 0.99);
    assert_eq!(risk.value, Some(money((risk.unsold * 250.0).round() as i64)));
    let LotAdvice::Keep { text } = &risk.advice else { panic!("{:?}", risk.advice) };
    assert!(text.contains("no lower price was ever seen here"), "{text}");
    let figures = &found.figures;
    assert_eq!((figures.written_off, figures.value), (10.0, risk.value));
    let sold: f64 = (1..=27).map(|ago| wanted(ago) as f64 + 30.0).sum();
    assert_eq!(figures.sold, sold);
    assert_eq!(figures.rate(), Some(10.0 / (10.0 + sold)));
    // What is past its last day is written off.
    send(&shop, vec![lot("Stock Received", ("gone", 7), "2026-01-14")]).await;
    let found = waste(&shop).await;
    let gone = found.lots.iter().find(|one| one.lot.as_deref() == Some("gone")).unwrap();
    assert_eq!((gone.advice.clone(), gone.unsold), (LotAdvice::WriteOff, 7.0));
    assert_eq!(found.figures.expired, 7.0);
}

#[tokio::test]
async fn a_loss_is_told_by_the_cost_or_the_least_offer_and_is_unknown_without_either() {
    let shop = open("").await;
    send(&shop, sales(|_, wanted| wanted)).await;
    let told =
        json!({"id": "tea", "title": "Good tea", "price": {"amount": 500, "currency": "USD"}});
    let told =
        souk_core::wire::json::product_from_json(&told, &SiteId::main(), souk_core::Currency::USD);
    shop.app.put_products(vec![told.unwrap()], &caller(Role::Admin)).await.unwrap();
    assert_eq!(waste(&shop).await.figures.value, Some(money(0)), "nothing is lost");
    send(&shop, too_much()).await;
    let unknown = waste(&shop).await;
    assert_eq!((unknown.lots[0].value, unknown.figures.value), (None, None));
    let offers = [("leaf", 200, "USD"), ("hill", 150, "USD"), ("far", 1, "EUR")];
    let suppliers = offers.map(|(id, amount, currency)| {
        let price = json!({"amount": amount, "currency": currency});
        supplier(id, json!({"offers": [{"product_id": "tea", "price": price}]}))
    });
    shop.app.put_suppliers(suppliers.to_vec(), &caller(Role::Planner)).await.unwrap();
    let known = waste(&shop).await;
    let risk = &known.lots[0];
    assert_eq!(risk.value, Some(money((risk.unsold * 150.0).round() as i64)));
    assert_eq!(known.figures.value, risk.value);
}

#[tokio::test]
async fn a_markdown_claims_what_past_promotions_did_and_no_more() {
    let shop = open("").await;
    // Five promotions of four days, 20 % off, on which twice as much was sold.
    let is_promoted = |ago: i32| (20..=110).contains(&ago) && (ago / 4) % 5 == 0;
    send(&shop, sales(|ago, wanted| if is_promoted(ago) { 2 * wanted } else { wanted })).await;
    let mut promotions = Vec::new();
    for (n, ago) in (20..=110).rev().filter(|ago| is_promoted(*ago) && ago % 4 == 3).enumerate() {
        let day = |ago: i32| Day::from_number(today().number() - ago).to_string();
        promotions.push(json!({"type": "track", "event": "Promotion Planned", "messageId": format!("p{n}"),
            "timestamp": "2025-09-01T09:00:00Z", "properties": {"promotion_id": format!("p{n}"),
            "product_ids": ["tea"], "starts_on": day(ago), "ends_on": day(ago - 3), "discount_percent": 20}}));
    }
    assert_eq!(promotions.len(), 5);
    send(&shop, promotions).await;
    keeps(&shop, 60).await;
    send(&shop, too_much()).await;
    let found = waste(&shop).await;
    let risk = &found.lots[0];
    let LotAdvice::MarkDown { off, price, sold, gain, text } = &risk.advice else {
        panic!("{:?}", risk.advice)
    };
    assert!((0.1..=0.2).contains(off), "{off}");
    assert_eq!(*price, money((500.0 * (1.0 - off)).round() as i64));
    // Twice as much at 20 % off, less at a smaller share.
    let usual = 200.0 - risk.unsold;
    let most = usual * (2.0f64.powf(off / 0.2) - 1.0);
    assert!((sold / most - 1.0).abs() < 0.25, "{sold} for {most}");
    let by_hand = sold * 500.0 * (1.0 - off) - usual * 500.0 * off;
    assert!((gain.minor() as f64 - by_hand).abs() < 2.0, "{gain} for {by_hand}");
    assert!(text.contains("20 days with a lower price here"), "{text}");
}

/// Twenty of tea are sold in Oslo each day, and 15 are there.
async fn sells_in_oslo(shop: &Shop) {
    let there = (1..=60).map(|ago| {
        let mut event = sale(ago, &[("tea", 20)]);
        event["messageId"] = json!(format!("oslo{ago}"));
        event["properties"]["order_id"] = json!(format!("oslo{ago}"));
        event["properties"]["location_id"] = json!("oslo");
        event
    });
    send(shop, there.collect()).await;
    let mut counted = stock("Stock Counted", ("tea", 15), "2026-01-14T22:30:00Z");
    counted["properties"]["location_id"] = json!("oslo");
    counted["messageId"] = json!("oslo");
    send(shop, vec![counted]).await;
}

#[tokio::test]
async fn what_another_place_would_sell_is_sent_there() {
    for (settings, is_moved) in
        [("", true), ("transfer_cost: 90000", false), ("transfer_days: 5", false)]
    {
        let shop = selling(settings, json!({})).await;
        sells_in_oslo(&shop).await;
        send(&shop, too_much()).await;
        let found = waste(&shop).await;
        let advice = &found.lots[0].advice;
        if !is_moved {
            assert!(matches!(advice, LotAdvice::Keep { .. }), "{settings}: {advice:?}");
            continue;
        }
        let LotAdvice::Move { to, units, gain, text } = advice else { panic!("{advice:?}") };
        // Four days of 20, less the 15 that are there.
        assert!(to.as_str() == "oslo" && (units - 65.0).abs() < 5.0, "{advice:?}");
        assert_eq!(units.fract(), 0.0, "a piece is sent whole: {advice:?}");
        assert!((gain.minor() as f64 - units * 500.0).abs() < 1.0, "{gain}");
        assert!(text.contains("before freight"), "{text}");
        // Who may not look there is not told.
        let mut bound = caller(Role::Planner);
        let locations = vec![place()];
        bound.places = std::sync::Arc::new(crate::Places { sites: Vec::new(), locations });
        let found = shop.app.waste((&SiteId::main(), &place()), &bound).await.unwrap();
        assert!(matches!(found.lots[0].advice, LotAdvice::Keep { .. }));
        let oslo = LocationId::new("oslo").unwrap();
        assert!(shop.app.waste((&SiteId::main(), &oslo), &bound).await.is_err());
    }
}

#[tokio::test]
async fn less_than_a_piece_is_not_sent() {
    let shop = selling("", json!({})).await;
    sells_in_oslo(&shop).await;
    // As many as are likely to be sold in five days, give or take a piece.
    let sold: i64 = (0..5).map(|ahead| wanted(-ahead)).sum();
    let mut n_small = 0;
    for (n, units) in (sold - 12..=sold).enumerate() {
        let mut counted = lot("Stock Counted", ("old", units), "2026-01-19");
        counted["timestamp"] = json!(format!("2026-01-14T22:{:02}:00Z", 30 + n));
        send(&shop, vec![counted]).await;
        let found = waste(&shop).await;
        let Some(risk) = found.lots.first() else { continue };
        match &risk.advice {
            LotAdvice::Move { units, .. } => {
                assert!(*units >= 1.0 && units.fract() == 0.0 && *units <= risk.unsold, "{risk:?}");
            }
            other => assert!(risk.unsold < 1.0, "{other:?} {risk:?}"),
        }
        n_small += usize::from(risk.unsold < 1.0);
    }
    assert!(n_small > 0, "some lot loses less than a piece");
}

#[tokio::test]
async fn what_was_sold_today_leaves_more_of_a_lot() {
    let shop = selling("", json!({})).await;
    send(&shop, too_much()).await;
    let before = waste(&shop).await.lots[0].clone();
    // As much as today was to sell: what goes off at the end stays.
    let sold = wanted(0);
    send(&shop, vec![sale(0, &[("tea", sold)])]).await;
    let after = waste(&shop).await.lots[0].clone();
    assert_eq!(after.units, before.units - sold as f64);
    assert!((after.unsold - before.unsold).abs() < 2.0, "{before:?} {after:?}");
}

#[tokio::test]
async fn no_two_lots_are_sent_into_one_room() {
    // Four days of 20 less the 15 that are there; on the 20th there is one day more.
    for (second_ends, room_of_second) in [("2026-01-19", 0.0), ("2026-01-20", 20.0)] {
        let shop = selling("", json!({})).await;
        sells_in_oslo(&shop).await;
        let lots = vec![
            lot("Stock Received", ("first", 150), "2026-01-19"),
            lot("Stock Received", ("second", 150), second_ends),
        ];
        send(&shop, lots).await;
        let found = waste(&shop).await;
        let sent = |name: &str| {
            let lot = found.lots.iter().find(|one| one.lot.as_deref() == Some(name)).unwrap();
            // Each alone has more than Oslo has room for.
            assert!(lot.unsold > 86.0, "{lot:?}");
            match &lot.advice {
                LotAdvice::Move { units, .. } => *units,
                LotAdvice::Keep { text } => {
                    assert!(text.contains("no other place would sell one more"), "{text}");
                    0.0
                }
                other => panic!("{other:?}"),
            }
        };
        assert!((sent("first") - 65.0).abs() < 5.0, "{found:?}");
        assert!((sent("second") - room_of_second).abs() < 3.0, "{found:?}");
    }
}

#[tokio::test]
async fn the_rate_is_of_pieces_whose_stock_is_known() {
    let shop = selling("", json!({})).await;
    send(&shop, too_much()).await;
    // Thirty of milk are sold a day, and nobody ever told of its stock: that may be fuel at a pump.
    let tea: f64 = (1..=27).map(|ago| wanted(ago) as f64).sum();
    let figures = waste(&shop).await.figures;
    assert_eq!((figures.sold, figures.n_measured), (tea, 0));
    let mut weighed = stock("Stock Counted", ("milk", 2), "2026-01-14T22:30:00Z");
    weighed["properties"]["quantity"] = json!(2.5);
    send(&shop, vec![weighed]).await;
    let figures = waste(&shop).await.figures;
    assert_eq!((figures.sold, figures.n_measured), (tea, 1));
}

#[tokio::test]
async fn what_goes_off_is_ordered_as_far_as_its_margin_bears() {
    let shop = open("").await;
    let chance = |more: serde_json::Value| {
        let mut product = json!({"id": "tea", "title": "Tea", "perishable_days": 5,
            "price": {"amount": 500, "currency": "USD"}});
        product.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let usd = souk_core::Currency::USD;
        let product = souk_core::wire::json::product_from_json(&product, &SiteId::main(), usd);
        shop.app.waste_chance(&SiteId::main(), &product.unwrap(), 0.95)
    };
    let cost = |amount: i64, currency: &str| {
        chance(json!({"cost": {"amount": amount, "currency": currency}}))
    };
    assert_eq!(cost(100, "USD"), 0.8);
    assert_eq!((cost(450, "USD"), cost(700, "USD")), (WASTE_CHANCE_MIN, WASTE_CHANCE_MIN));
    assert_eq!(cost(5, "USD"), 0.95, "no more than the service level");
    assert_eq!((cost(100, "EUR"), chance(json!({}))), (WASTE_CHANCE, WASTE_CHANCE));
    assert_eq!(chance(json!({"perishable_days": null})), 0.95);
    // Without a cost of its own it is what the least offer asks.
    let leaf = supplier("leaf", json!({}));
    shop.app.put_suppliers(vec![leaf], &caller(Role::Planner)).await.unwrap();
    assert_eq!(chance(json!({})), 0.6);
    let dear =
        json!({"offers": [{"product_id": "tea", "price": {"amount": 175, "currency": "USD"}}]});
    shop.app.put_suppliers(vec![supplier("leaf", dear)], &caller(Role::Planner)).await.unwrap();
    assert_eq!(chance(json!({})), 0.65);
}

#[tokio::test]
async fn a_proposal_says_what_of_it_will_go_off() {
    let shop = selling("", json!({})).await;
    send(&shop, vec![stock("Stock Counted", ("tea", 0), "2026-01-14T22:30:00Z")]).await;
    keeps(&shop, 2).await;
    let ids = (&SiteId::main(), &place());
    let plan = shop.app.replenishment(ids, &caller(Role::Planner)).await.unwrap();
    let line = &plan.lines[0];
    assert!(line.waste > 0.5, "{line:?}");
    assert_eq!(line.waste_chance, Some(0.5));
    let worth = (line.waste * 200.0).round() as i64;
    assert_eq!(plan.proposals[0].waste, money(worth));
    let written = crate::plan_to_json(&plan);
    assert_eq!(written["proposals"][0]["waste"]["amount"], worth);
}

#[tokio::test]
async fn what_sells_too_slowly_for_its_life_is_not_left_out_without_a_word() {
    let shop = selling("", json!({})).await;
    let usd = souk_core::Currency::USD;
    let product = |id: &str, days: u32| {
        let product = json!({"id": id, "title": id, "perishable_days": days,
            "price": {"amount": 500, "currency": "USD"}});
        souk_core::wire::json::product_from_json(&product, &SiteId::main(), usd).unwrap()
    };
    let products = ["brie", "feta"].map(|id| product(id, 2)).to_vec();
    shop.app.put_products(products, &caller(Role::Admin)).await.unwrap();
    let sold = |ago: i32| {
        let mut one = sale(ago, &[("brie", 1), ("feta", 1)]);
        one["messageId"] = json!(format!("slow{ago}"));
        one["properties"]["order_id"] = json!(format!("slow{ago}"));
        one
    };
    send(&shop, (1..90).step_by(15).map(sold).collect()).await;
    let counted = |id: &str, units: i64, minute: u32| {
        stock("Stock Counted", (id, units), &format!("2026-01-14T22:{minute}:00Z"))
    };
    send(&shop, vec![counted("brie", 0, 30), counted("feta", 0, 31)]).await;
    let price = json!({"amount": 200, "currency": "USD"});
    let offers = ["brie", "feta"].map(|id| json!({"product_id": id, "price": price}));
    let dairy = supplier("dairy", json!({"lead_time_days": 1, "offers": offers}));
    shop.app.put_suppliers(vec![dairy], &caller(Role::Planner)).await.unwrap();
    let ids = (&SiteId::main(), &place());
    let plan = shop.app.replenishment(ids, &caller(Role::Planner)).await.unwrap();
    let is_slow = |id: &str| ["brie", "feta"].contains(&id);
    assert!(!plan.lines.iter().any(|line| is_slow(line.product.as_str())), "{:?}", plan.lines);
    let slow: Vec<_> = plan.exceptions.iter().filter(|one| one.kind == "shelf_life").collect();
    assert_eq!((slow.len(), slow[0].n_products), (1, 2), "{slow:?}");
    let said = "can be sold for 3 days from today only, in which 0 are not exceeded with a chance of 60 %, and of what is there or comes 0 keep until then";
    assert!(slow[0].text.contains("missing and nothing is ordered at `dairy`"), "{}", slow[0].text);
    assert!(slow[0].text.contains(said), "{}", slow[0].text);
    // What keeps for two months is ordered.
    let products = ["brie", "feta"].map(|id| product(id, 60)).to_vec();
    shop.app.put_products(products, &caller(Role::Admin)).await.unwrap();
    let plan = shop.app.replenishment(ids, &caller(Role::Planner)).await.unwrap();
    assert!(!plan.exceptions.iter().any(|one| one.kind == "shelf_life"), "{:?}", plan.exceptions);
    assert_eq!(plan.lines.iter().filter(|line| is_slow(line.product.as_str())).count(), 2);
}
