#![allow(clippy::unwrap_used)]

use serde_json::json;
use souk_core::ErrorKind;

use super::*;
use crate::Role;
use crate::demand::tests::{
    DAYS, open, open_with, place, sale, sales, send, stock, tea, today, wanted,
};
use crate::purchasing::tests::supplier;
use crate::test_shop::{Shop, caller};

fn ask(horizon_days: u32) -> ForecastRequest {
    ForecastRequest {
        site: SiteId::main(),
        product: tea(),
        location: Some(place()),
        horizon_days,
        levels: vec![0.8, 0.95],
    }
}

async fn answer(shop: &Shop, request: ForecastRequest) -> ForecastAnswer {
    shop.app.forecast(request, &caller(Role::Planner)).await.unwrap()
}

#[tokio::test]
async fn how_much_stock_to_hold_does_not_depend_on_the_horizon_that_is_asked_for() {
    let shop = open("").await;
    send(&shop, sales(|_, wanted| wanted)).await;
    send(&shop, vec![stock("Stock Counted", ("tea", 40), "2026-01-14T22:30:00Z")]).await;
    let (day, fortnight) = (answer(&shop, ask(1)).await, answer(&shop, ask(14)).await);
    assert_eq!((day.daily.len(), fortnight.daily.len()), (1, 14));
    assert_eq!(day.total, day.daily[0].mean);
    assert_eq!(day.optimal, fortnight.optimal);
    // Two weeks of demand, not fourteen times the one day that was asked for.
    let truth: f64 = (0..14).map(|ahead| wanted(-ahead) as f64).sum();
    let level = day.optimal.order_up_to;
    assert!(level > truth * 0.9 && level < truth * 1.6, "{level} for {truth}");
    assert_eq!(answer(&shop, ask(28)).await.optimal, day.optimal);
}

#[tokio::test]
async fn a_forecast_follows_the_week_and_says_how_sure_it_is() {
    let shop = open("").await;
    send(&shop, sales(|_, wanted| wanted)).await;
    let found = answer(&shop, ask(28)).await;
    assert_eq!((found.from, found.daily.len()), (today(), 28));
    let of = |day: &DayAhead| wanted(today().number() - day.date.number()) as f64;
    let off: f64 = found.daily.iter().map(|day| (day.mean - of(day)).abs()).sum::<f64>() / 28.0;
    assert!(off < 2.0, "{off} a day");
    for day in &found.daily {
        let [(low80, high80), (low95, high95)] = day.intervals[..] else { panic!("two levels") };
        assert!(low95 <= low80 && low80 <= day.mean && day.mean <= high80 && high80 <= high95);
    }
    let total: f64 = found.daily.iter().map(of).sum();
    let (level, (low, high)) = found.total_interval;
    assert!(level == 0.95 && low <= total && total <= high, "{low} {total} {high}");
    let sum: f64 = found.daily.iter().map(|day| day.mean).sum();
    assert!((found.total - sum).abs() < 1e-9);
    let backtest = found.backtest.unwrap();
    assert!(backtest.wape.unwrap() < 0.3 && backtest.days == 84, "{backtest:?}");
    let weekday = found.key_factors.iter().find(|factor| factor.factor == "weekday").unwrap();
    assert!(
        weekday.text.starts_with("Saturday") || weekday.text.starts_with("Sunday"),
        "{weekday:?}"
    );
    // Nothing is known of stock, so nothing is proposed.
    assert_eq!(found.recommendations[0].action, "count_stock");
    assert!(found.risks.is_empty());
    let optimal = found.optimal;
    assert!(
        optimal.order_up_to > optimal.reorder_point && optimal.safety_stock > 0.0,
        "{optimal:?}"
    );
    // 7 days of lead time and 7 to the next order, by the settings.
    assert_eq!((optimal.lead_time_days, optimal.protection_days), (7.0, 14.0));
    // As the contract names it.
    let json = forecast_to_json(&found);
    for name in [
        "product_id",
        "forecast_period",
        "predicted_demand",
        "confidence_interval",
        "key_factors",
        "recommendations",
        "risk_assessment",
        "optimal_inventory",
        "model",
        "backtest",
    ] {
        assert!(!json[name].is_null(), "{name} is missing");
    }
    assert!(json["predicted_demand"]["daily"][0]["intervals"]["0.8"].is_array());
}

#[tokio::test]
async fn stock_turns_into_advice_and_risks() {
    let shop = open("").await;
    send(&shop, sales(|_, wanted| wanted)).await;
    send(&shop, vec![stock("Stock Counted", ("tea", 20), "2026-01-14T22:00:00Z")]).await;
    let leaf = supplier("leaf", json!({"lead_time_days": 4}));
    shop.app.put_suppliers(vec![leaf], &caller(Role::Planner)).await.unwrap();
    let found = answer(&shop, ask(14)).await;
    let order = &found.recommendations[0];
    assert_eq!(order.action, "order");
    let planner = caller(Role::Planner);
    let plan = shop.app.replenishment((&SiteId::main(), &place()), &planner).await.unwrap();
    let line = plan.lines.iter().find(|line| line.product == tea()).unwrap();
    // As the plan says it, in sixes.
    assert_eq!((order.quantity, &order.text), (Some(line.quantity), &line.text));
    assert_eq!(line.quantity % 6.0, 0.0);
    assert_eq!((found.optimal.lead_time_days, found.optimal.protection_days), (4.0, 11.0));
    let risk = found.risks.iter().find(|risk| risk.risk == "stock_out").unwrap();
    // Some 40 are wanted in four days, and 20 are there.
    assert!(risk.probability > 0.9 && risk.effect_units < -10.0, "{risk:?}");
    send(&shop, vec![stock("Stock Counted", ("tea", 2_000), "2026-01-15T05:00:00Z")]).await;
    let found = answer(&shop, ask(14)).await;
    let level = found.optimal.order_up_to;
    let [reduce] = &found.recommendations[..] else { panic!("{:?}", found.recommendations) };
    assert_eq!((reduce.action, reduce.quantity), ("reduce_stock", Some((2_000.0 - level).floor())));
    let risk = found.risks.iter().find(|risk| risk.risk == "stock_out").unwrap();
    assert!(risk.probability < 0.01, "{risk:?}");
    // Nothing missing is 0, not -0.
    let text = forecast_to_json(&found).to_string();
    assert!(text.contains("\"effect_units\":0.0") && !text.contains("-0.0,"), "{text}");
}

#[tokio::test]
async fn an_empty_shelf_does_not_lower_what_is_expected() {
    let gone = |ago: i32, wanted: i64| if (1..=9).contains(&ago) { 0 } else { wanted };
    let blind = open("").await;
    send(&blind, sales(gone)).await;
    let seeing = open("").await;
    send(&seeing, sales(gone)).await;
    send(&seeing, vec![stock("Stock Counted", ("tea", 0), "2026-01-05T20:00:00Z")]).await;
    let (blind, seeing) = (answer(&blind, ask(14)).await, answer(&seeing, ask(14)).await);
    let truth: f64 = (0..14).map(|ahead| wanted(-ahead) as f64).sum();
    assert!((seeing.total / truth - 1.0).abs() < 0.15, "{} for {truth}", seeing.total);
    assert!(blind.total < 0.9 * seeing.total, "{} and {}", blind.total, seeing.total);
    assert!(seeing.key_factors.iter().any(|factor| factor.factor == "stock_outs"));
}

#[tokio::test]
async fn a_planned_promotion_raises_what_is_expected() {
    let shop = open("").await;
    let promoted =
        |ago: i32| (20..25).contains(&ago) || (60..65).contains(&ago) || (100..105).contains(&ago);
    send(&shop, sales(|ago, wanted| if promoted(ago) { 2 * wanted } else { wanted })).await;
    let plain = answer(&shop, ask(7)).await;
    let day = |ago: i32| Day::from_number(today().number() - ago).to_string();
    let plan = |id: &str, from: i32, until: i32| {
        json!({"type": "track", "event": "Promotion Planned", "messageId": id, "timestamp": "2025-09-01T09:00:00Z",
            "properties": {"promotion_id": id, "product_ids": ["tea"], "starts_on": day(from), "ends_on": day(until),
            "discount_percent": 25}})
    };
    let past = [("a", 24, 20), ("b", 64, 60), ("c", 104, 100)]
        .map(|(id, from, until)| plan(id, from, until));
    send(&shop, past.to_vec()).await;
    send(&shop, vec![plan("next", 0, -6)]).await;
    let found = answer(&shop, ask(7)).await;
    assert!(found.total > 1.5 * plain.total, "{} and {}", found.total, plain.total);
    let factor = found.key_factors.iter().find(|factor| factor.factor == "promotion").unwrap();
    assert!(factor.effect_units > 0.3 * found.total, "{factor:?}");
    assert!(factor.text.contains("a discount of 10 % changes demand by"), "{}", factor.text);
    // What promotions add is no trend, neither behind nor ahead.
    let trend = |answer: &ForecastAnswer| {
        let mut factors = answer.key_factors.iter();
        factors.find(|factor| factor.factor == "trend").map_or(0.0, |factor| factor.effect_units)
    };
    assert!(trend(&found).abs() < 0.1 * plain.total, "{} of {}", trend(&found), plain.total);
}

#[tokio::test]
async fn a_promotion_that_tells_no_discount_is_told_as_none() {
    let shop = open("").await;
    let promoted = |ago: i32| (20..25).contains(&ago) || (60..65).contains(&ago);
    send(&shop, sales(|ago, wanted| if promoted(ago) { 2 * wanted } else { wanted })).await;
    let day = |ago: i32| Day::from_number(today().number() - ago).to_string();
    let leaflets = [("a", 24, 20), ("b", 64, 60), ("next", 0, -6)].map(|(id, from, until)| {
        json!({"type": "track", "event": "Promotion Planned", "messageId": id, "timestamp": "2025-09-01T09:00:00Z",
            "properties": {"promotion_id": id, "product_ids": ["tea"], "starts_on": day(from), "ends_on": day(until)}})
    });
    send(&shop, leaflets.to_vec()).await;
    let found = answer(&shop, ask(7)).await;
    let factor = found.key_factors.iter().find(|factor| factor.factor == "promotion").unwrap();
    assert!(factor.effect_units > 0.2 * found.total, "it is listened to all the same: {factor:?}");
    assert!(factor.text.contains("of which no discount is told, changes demand by"), "{factor:?}");
    // Nor is it a lower price that goods at risk could be given.
    let key = shop.app.series_key((&SiteId::main(), &tea()), Some(&place())).unwrap();
    assert_eq!(shop.app.forecasts.get(key).unwrap().lower_price, None);
}

#[tokio::test]
async fn a_forecast_is_the_plans_whatever_its_horizon() {
    let shop = open("").await;
    // Alone, tea is forecast in another way than together with what sells twice a week.
    send(&shop, sales(|ago, wanted| if ago % 3 == 0 { 2 * wanted } else { wanted / 2 })).await;
    let counted = [("tea", 20), ("milk", 20)];
    let counted = counted.map(|of| stock("Stock Counted", of, "2026-01-14T22:30:00Z"));
    send(&shop, counted.to_vec()).await;
    let planner = caller(Role::Planner);
    let offers = json!({"offers": [
        {"product_id": "tea", "price": {"amount": 200, "currency": "USD"}},
        {"product_id": "milk", "price": {"amount": 50, "currency": "USD"}}]});
    shop.app.put_suppliers(vec![supplier("leaf", offers)], &planner).await.unwrap();
    let plan = shop.app.replenishment((&SiteId::main(), &place()), &planner).await.unwrap();
    let line = plan.lines.iter().find(|line| line.product == tea()).unwrap();
    let month = answer(&shop, ask(30)).await;
    for horizon in [1, 5, 10, 14, 30, 90] {
        let found = answer(&shop, ask(horizon)).await;
        for (day, of_month) in found.daily.iter().zip(&month.daily) {
            assert_eq!(day.mean, of_month.mean, "{horizon} {}", day.date);
        }
        assert_eq!(found.optimal.order_up_to, line.order_up_to, "{horizon}");
        assert_eq!(found.optimal, month.optimal, "{horizon}");
        if horizon == line.protection_days as u32 {
            assert!((found.total - line.demand_mean).abs() < 1e-9, "{}", found.total);
        }
    }
    // Of all places together there is no plan, and still its days are the same.
    let all = |horizon| ForecastRequest { location: None, ..ask(horizon) };
    let (week, month) = (answer(&shop, all(7)).await, answer(&shop, all(30)).await);
    for (day, of_month) in week.daily.iter().zip(&month.daily) {
        assert_eq!(day.mean, of_month.mean, "{}", day.date);
    }
}

#[tokio::test]
async fn weekday_and_trend_are_the_forecasts_own() {
    // A Tuesday on which ten times as much was sold, and a month of half as much.
    type Change = fn(i32, i64) -> i64;
    let changes: [(&str, Change); 3] = [
        ("steady", |_, wanted| wanted),
        ("once much", |ago, wanted| if ago == 16 { 200 } else { wanted }),
        ("less of late", |ago, wanted| if ago <= 28 { wanted / 3 } else { wanted }),
    ];
    for (name, change) in changes {
        let shop = open("").await;
        send(&shop, sales(change)).await;
        let found = answer(&shop, ask(14)).await;
        let of = |slug: &str| found.key_factors.iter().find(|factor| factor.factor == slug);
        let by_weekday = |shift: usize| found.daily[shift].mean + found.daily[shift + 7].mean;
        let most = (0..7).max_by(|a, b| by_weekday(*a).total_cmp(&by_weekday(*b))).unwrap();
        let weekday = of("weekday").unwrap();
        let strongest = match found.daily[most].date.number().rem_euclid(7) {
            0 => "Thursday",
            1 => "Friday",
            2 => "Saturday",
            3 => "Sunday",
            4 => "Monday",
            5 => "Tuesday",
            _ => "Wednesday",
        };
        assert!(weekday.text.starts_with(strongest), "{name}: {strongest}, {weekday:?}");
        let above = by_weekday(most) - 2.0 * found.total / 14.0;
        assert!((weekday.effect_units - above).abs() < 1e-6, "{name}: {above}, {weekday:?}");
        let before = (1..=56).map(|ago| change(ago, wanted(ago)) as f64).sum::<f64>() / 56.0;
        let trend = found.total - 14.0 * before;
        let told = of("trend").map_or(0.0, |factor| factor.effect_units);
        assert!((told - trend).abs() < 0.02 * found.total, "{name}: {trend}, {told}");
    }
}

#[tokio::test]
async fn what_cannot_be_forecast_is_named() {
    let shop = open("").await;
    send(&shop, vec![sale(3, &[("milk", 2)])]).await;
    let planner = caller(Role::Planner);
    let refused = async |request: ForecastRequest| {
        let error = shop.app.forecast(request, &planner).await.unwrap_err();
        (error.kind(), error.to_string())
    };
    let bad = |text: &str| (ErrorKind::InvalidInput, text.to_owned());
    assert_eq!(refused(ask(0)).await, bad("horizon_days 0 must lie between 1 and 730"));
    assert_eq!(refused(ask(731)).await, bad("horizon_days 731 must lie between 1 and 730"));
    let levels = |levels: Vec<f64>| ForecastRequest { levels, ..ask(7) };
    assert_eq!(
        refused(levels(vec![1.5])).await,
        bad("level 1.5 must lie between 0.01 and 0.999, for example 0.8")
    );
    assert_eq!(refused(levels(vec![f64::NAN])).await.0, ErrorKind::InvalidInput);
    assert_eq!(refused(levels(vec![0.8, 0.8])).await, bad("level 0.8 is there twice"));
    assert_eq!(refused(levels(vec![])).await, bad("0 levels; give 1 to 10"));
    let unknown = ForecastRequest { product: ProductId::new("x").unwrap(), ..ask(7) };
    let missing = (ErrorKind::NotFound, "product `x` does not exist".to_owned());
    assert_eq!(refused(unknown).await, missing);
    let nowhere = ForecastRequest { location: Some(LocationId::new("mars").unwrap()), ..ask(7) };
    assert_eq!(refused(nowhere).await.0, ErrorKind::NotFound);
    // What was never sold, and what was sold once, have an answer.
    let never = answer(&shop, ask(7)).await;
    assert_eq!(never.total, 0.0);
    assert!(never.notes.iter().any(|note| note.contains("never sold")), "{:?}", never.notes);
    let milk = ForecastRequest { product: ProductId::new("milk").unwrap(), ..ask(7) };
    let once = answer(&shop, milk).await;
    assert!(once.total > 0.0 && once.backtest.is_none());
}

#[tokio::test]
async fn outlooks_are_made_anew_for_what_changed_alone() {
    let shop = open("").await;
    send(&shop, sales(|_, wanted| wanted)).await;
    assert_eq!(shop.app.refresh_outlooks().await.unwrap(), 2);
    assert_eq!(shop.app.refresh_outlooks().await.unwrap(), 0);
    let key = shop.app.series_key((&SiteId::main(), &tea()), Some(&place())).unwrap();
    let before = shop.app.forecasts.get(key).unwrap();
    let truth: f64 = (0..14).map(|ahead| wanted(-ahead) as f64).sum();
    let total = before.over(today(), 14.0);
    assert!((total.mean / truth - 1.0).abs() < 0.15, "{total:?} for {truth}");
    assert!(total.chance_above(truth * 1.5) < 0.02 && total.quantile(0.95) > total.mean);
    // A late sale of milk changes milk.
    send(
        &shop,
        vec![{
            let mut late = sale(2, &[("milk", 5)]);
            late["messageId"] = json!("late");
            late["properties"]["order_id"] = json!("late");
            late
        }],
    )
    .await;
    assert_eq!(shop.app.refresh_outlooks().await.unwrap(), 1);
    assert_eq!(shop.app.forecasts.get(key).unwrap(), before);
    // The next day all of them do.
    shop.hand.fetch_add(86_400_000, std::sync::atomic::Ordering::SeqCst);
    send(&shop, vec![sale(0, &[("tea", 9), ("milk", 30)])]).await;
    assert_eq!(shop.app.refresh_outlooks().await.unwrap(), 2);
    assert_eq!(shop.app.kept_forecasts(), 2);
    assert_eq!(DAYS, 140);
}

#[tokio::test]
async fn the_advice_is_that_of_the_plan_of_the_place() {
    // Between the reorder point, which lasts until an order is there, and the level, which lasts until the next one is.
    for inventory in ["", "fill_rate: 0.97"] {
        let shop = open(inventory).await;
        send(&shop, sales(|_, wanted| wanted)).await;
        send(&shop, vec![stock("Stock Counted", ("tea", 80), "2026-01-14T22:00:00Z")]).await;
        let planner = caller(Role::Planner);
        let leaf = supplier("leaf", json!({"lead_time_days": 4}));
        shop.app.put_suppliers(vec![leaf], &planner).await.unwrap();
        let found = answer(&shop, ask(14)).await;
        assert!((found.optimal.reorder_point..found.optimal.order_up_to).contains(&80.0));
        let plan = shop.app.replenishment((&SiteId::main(), &place()), &planner).await.unwrap();
        let line = plan.lines.iter().find(|line| line.product == tea()).unwrap();
        let said = &found.recommendations[0];
        assert_eq!(
            (said.action, said.quantity, &said.text),
            ("order", Some(line.quantity), &line.text)
        );
        // What is ordered need not be ordered again.
        let order = serde_json::from_value(
            json!({"id": "a", "supplier_id": "leaf", "location_id": "berlin",
            "lines": [{"product_id": "tea", "quantity": line.quantity}]}),
        );
        shop.app.create_purchase_order(order.unwrap(), &planner).await.unwrap();
        let found = answer(&shop, ask(14)).await;
        let said = &found.recommendations[0];
        assert_eq!(said.action, "hold", "{said:?}");
        assert!(said.text.starts_with("80 on hand and "), "{said:?}");
    }
}

#[tokio::test]
async fn only_what_is_on_hand_can_be_marked_down() {
    let shop = open("").await;
    send(&shop, sales(|_, wanted| wanted)).await;
    let planner = caller(Role::Planner);
    let leaf = supplier("leaf", json!({"lead_time_days": 4}));
    shop.app.put_suppliers(vec![leaf], &planner).await.unwrap();
    let order =
        serde_json::from_value(json!({"id": "a", "supplier_id": "leaf", "location_id": "berlin",
        "lines": [{"product_id": "tea", "quantity": 2_000}]}));
    shop.app.create_purchase_order(order.unwrap(), &planner).await.unwrap();
    for (on_hand, at) in [(30, "2026-01-14T22:00:00Z"), (900, "2026-01-15T05:00:00Z")] {
        send(&shop, vec![stock("Stock Counted", ("tea", on_hand), at)]).await;
        let found = answer(&shop, ask(14)).await;
        let level = found.optimal.order_up_to;
        let said: Vec<_> =
            found.recommendations.iter().map(|one| (one.action, one.quantity.unwrap())).collect();
        let here = (on_hand as f64 - level).floor();
        match on_hand {
            30 => assert_eq!(said, [("cancel_order", (2_030.0 - level).floor())]),
            _ => assert_eq!(said, [("reduce_stock", here), ("cancel_order", 2_000.0)]),
        }
    }
}

#[tokio::test]
async fn days_of_a_slow_seller_have_whole_pieces() {
    let shop = open("").await;
    // One in some ten days.
    send(&shop, sales(|ago, _| i64::from(ago * 7919 % 10 == 3))).await;
    let found = answer(&shop, ask(14)).await;
    for day in &found.daily {
        assert!(day.mean > 0.02 && day.mean < 0.4, "{day:?}");
        let [(low80, high80), (low95, high95)] = day.intervals[..] else { panic!("two levels") };
        // Nothing is likeliest on each day, and a whole piece is what else may be sold.
        assert_eq!((low80, low95), (0.0, 0.0), "{day:?}");
        assert!(day.mean <= high80 && high80 <= high95 && high95 < 4.0, "{day:?}");
        assert_eq!((high80.fract(), high95.fract()), (0.0, 0.0), "{day:?}");
    }
    let (_, (low, high)) = found.total_interval;
    assert_eq!((low.fract(), high.fract()), (0.0, 0.0));
}

#[tokio::test]
async fn what_could_be_ordered_is_forecast_first() {
    let shop = open("").await;
    // Milk was sold yesterday, tea a month ago.
    send(&shop, sales(|ago, wanted| if ago <= 30 { 0 } else { wanted })).await;
    let list = |most: usize| {
        let (keys, n_left) = shop.app.series_keys(most, &FxHashSet::default());
        let views = shop.app.views.read();
        let names = keys.iter().map(|(key, _)| views.catalogue.product_id(key.item).to_string());
        (names.collect::<Vec<_>>().join(" "), n_left)
    };
    let all = |names: &str| (names.to_owned(), 0);
    assert_eq!(list(9), all("milk tea"));
    let leaf = supplier("leaf", json!({"lead_time_days": 4}));
    shop.app.put_suppliers(vec![leaf], &caller(Role::Planner)).await.unwrap();
    assert_eq!(list(9), all("tea milk"));
    send(&shop, vec![stock("Stock Counted", ("milk", 30), "2026-01-14T22:00:00Z")]).await;
    assert_eq!(list(9), all("milk tea"));
    send(&shop, vec![stock("Stock Counted", ("tea", 30), "2026-01-14T22:00:00Z")]).await;
    assert_eq!(list(9), all("tea milk"));
    assert_eq!(list(1), ("tea".to_owned(), 1));
    // What was looked at is not listed again, and takes its room.
    let (keys, _) = shop.app.series_keys(1, &FxHashSet::default());
    let looked: FxHashSet<SeriesKey> = keys.iter().map(|(key, _)| *key).collect();
    let (rest, n_left) = shop.app.series_keys(2, &looked);
    assert_eq!((rest.len(), n_left), (1, 0));
    assert_ne!(rest[0].0, keys[0].0);
    assert_eq!(shop.app.series_keys(1, &looked), (Vec::new(), 1));
}

#[tokio::test]
async fn what_somebody_waits_for_is_kept_when_there_is_no_room() {
    let shop = open("").await;
    send(&shop, sales(|_, wanted| wanted)).await;
    assert_eq!(shop.app.refresh_outlooks().await.unwrap(), 2);
    let forecasts = &shop.app.forecasts;
    let (keys, _) = shop.app.series_keys(1, &FxHashSet::default());
    let one = forecasts.get(keys[0].0).unwrap();
    let other = |number: u32| SeriesKey { item: keys[0].0.item, location: Some(1_000 + number) };
    for number in 0..OUTLOOKS_MAX as u32 {
        forecasts.keep(other(number), Arc::clone(&one));
    }
    assert_eq!(forecasts.len(), OUTLOOKS_MAX);
    assert!(forecasts.get(other(OUTLOOKS_MAX as u32 - 1)).is_some());
    forecasts.keep(keys[0].0, one);
    assert_eq!(forecasts.len(), OUTLOOKS_MAX);
    forecasts.keep_only(&keys);
    assert_eq!(forecasts.len(), 1);
}

#[tokio::test]
async fn nothing_is_expected_of_a_closed_day_and_nothing_learned_from_it() {
    let settings = |closed: &str| {
        format!(
            "privacy: {{default_jurisdiction: us}}\nlocations: [{{id: berlin, time_zone: Europe/Berlin, closed: [{closed}]}}]\n"
        )
    };
    // The tenth of January and the 18th; nothing was told of the first of them.
    let told = || sales(|ago, wanted| if ago == 5 { -1 } else { wanted });
    let stock = stock("Stock Counted", ("tea", 40), "2026-01-14T22:30:00Z");
    let (open, closed) =
        (open_with(&settings("")).await, open_with(&settings("01-10, 01-18")).await);
    for shop in [&open, &closed] {
        send(shop, told()).await;
        send(shop, vec![stock.clone()]).await;
    }
    let (usual, less) = (answer(&open, ask(7)).await, answer(&closed, ask(7)).await);
    let day = |found: &ForecastAnswer| {
        let is_it = |day: &&DayAhead| day.date == Day::parse("2026-01-18").unwrap();
        found.daily.iter().find(is_it).unwrap().clone()
    };
    assert!(day(&usual).mean > 10.0);
    assert_eq!((day(&less).mean, day(&less).intervals), (0.0, vec![(0.0, 0.0); 2]));
    assert!(
        less.notes.contains(&"closed on 2026-01-18, so nothing is expected then".to_owned()),
        "{:?}",
        less.notes
    );
    // What is ordered is so much less, and the day without sales makes the others no poorer.
    let plan = async |shop: &Shop| {
        let ids = (&SiteId::main(), &place());
        shop.app
            .replenishment(ids, &caller(Role::Planner))
            .await
            .unwrap()
            .lines
            .remove(0)
            .demand_mean
    };
    let apart = plan(&open).await - plan(&closed).await;
    assert!((9.0..17.0).contains(&apart), "{apart}");
    let rest = |found: &ForecastAnswer| found.total - day(found).mean;
    assert!(rest(&less) > rest(&usual), "{} and {}", rest(&less), rest(&usual));
    let series = closed.app.demand((&SiteId::main(), &tea()), Some(&place()), 10).unwrap();
    assert_eq!((0..series.len()).filter(|idx| series.is_closed(*idx)).count(), 1);
    // Saturdays sell twice as much, and empty shelves have nothing to do with it.
    let (wanted, added) = series.wanted();
    assert!(wanted[series.len() - 5] > 13.0 && added == 0.0, "{wanted:?}");
}

#[tokio::test]
async fn how_much_to_hold_goes_by_the_supplier_that_the_plan_orders_at() {
    let shop = open("").await;
    send(&shop, sales(|_, wanted| wanted)).await;
    // Enough until the slow one is there, so its lower price decides.
    send(&shop, vec![stock("Stock Counted", ("tea", 110), "2026-01-14T22:30:00Z")]).await;
    let planner = caller(Role::Planner);
    let slow = json!({"lead_time_days": 9, "offers": [
        {"product_id": "tea", "price": {"amount": 150, "currency": "USD"}}]});
    let both = vec![supplier("quick", json!({"lead_time_days": 3})), supplier("slow", slow)];
    shop.app.put_suppliers(both, &planner).await.unwrap();
    let ids = (&SiteId::main(), &place());
    let plan = shop.app.replenishment(ids, &planner).await.unwrap();
    let line = plan.lines.iter().find(|line| line.product == tea()).unwrap();
    assert_eq!(line.supplier().unwrap().supplier_id, "slow");
    let optimal = answer(&shop, ask(7)).await.optimal;
    assert_eq!(
        (optimal.lead_time_days, optimal.protection_days),
        (line.lead_time_days, line.protection_days)
    );
    // Where nothing is to be ordered, by the one that would be asked.
    send(&shop, vec![stock("Stock Counted", ("tea", 900), "2026-01-15T06:00:00Z")]).await;
    assert!(shop.app.replenishment(ids, &planner).await.unwrap().lines.is_empty());
    let optimal = answer(&shop, ask(7)).await.optimal;
    assert_eq!((optimal.lead_time_days, optimal.protection_days), (9.0, 16.0));
}

#[tokio::test]
async fn what_is_past_its_last_day_is_no_stock_and_what_goes_off_is_a_risk() {
    let shop = open("").await;
    send(&shop, sales(|_, wanted| wanted)).await;
    let lots = [("old", 30, "2026-01-10"), ("new", 400, "2026-02-05")].map(|(lot, units, day)| {
        let mut counted = stock("Stock Counted", ("tea", units), "2026-01-14T22:30:00Z");
        counted["properties"]["lot"] = json!(lot);
        counted["properties"]["expires_on"] = json!(day);
        counted
    });
    send(&shop, lots.to_vec()).await;
    let found = answer(&shop, ask(30)).await;
    let risk = found.risks.iter().find(|risk| risk.risk == "expiry").unwrap();
    assert!(risk.text.starts_with("30 units are past their last day; the next 400"), "{risk:?}");
    let waste = shop.app.waste((&SiteId::main(), &place()), &caller(Role::Planner)).await.unwrap();
    assert!((risk.effect_units - waste.figures.unsold).abs() < 0.5, "{risk:?} {waste:?}");
    assert!(risk.effect_units > 150.0 && risk.probability > 0.99, "{risk:?}");
    let advice = |action: &str| found.recommendations.iter().find(|one| one.action == action);
    assert_eq!(advice("write_off").unwrap().quantity, Some(30.0));
    let moved = advice("reduce_stock").unwrap();
    assert!(moved.text.starts_with("400 on hand"), "{moved:?}");
    assert!(moved.quantity.unwrap() <= 400.0 - found.optimal.order_up_to + 1.0, "{moved:?}");
}
