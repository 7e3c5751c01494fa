#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::demand::tests::{DAYS, open, place, sales, send, tea, today};
use crate::forecasts::outlooks;
use crate::test_shop::{Shop, caller};
use crate::{ForecastAnswer, ForecastRequest, Role};

fn one(change: Value) -> NewSignal {
    let mut one = json!({"name": "temperature_c", "date": "2026-01-15", "value": 4.5});
    one.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    serde_json::from_value(one).unwrap()
}

async fn put(shop: &Shop, all: Vec<NewSignal>) -> Result<SignalsStored, AppError> {
    shop.app.put_signals(all, &caller(Role::Planner)).await
}

/// How far from usual a day is, −10 to 10, without any week in it.
fn off(day: i32) -> f64 {
    f64::from((i64::from(day) * 7_919 % 21) as i32 - 10)
}

/// A signal from the first day of sales to so many days ahead.
fn signal(name: &str, ahead: i32, value: impl Fn(i32) -> f64) -> Vec<NewSignal> {
    let days = today().number() - DAYS..today().number() + ahead;
    days.map(|day| {
        one(json!({"name": name, "date": Day::from_number(day).to_string(), "value": value(day)}))
    })
    .collect()
}

/// A shop whose tea goes with the weather.
async fn warm_tea() -> Shop {
    let shop = open("").await;
    let sold = |ago: i32| (20.0 * (0.04 * off(today().number() - ago)).exp()).round() as i64;
    send(&shop, sales(|ago, _| sold(ago))).await;
    shop
}

async fn forecast(shop: &Shop) -> ForecastAnswer {
    let request = ForecastRequest {
        site: SiteId::main(),
        product: tea(),
        location: Some(place()),
        horizon_days: 14,
        levels: vec![0.9],
    };
    shop.app.forecast(request, &caller(Role::Planner)).await.unwrap()
}

#[tokio::test]
async fn the_newest_word_on_a_day_counts_and_survives_a_restart() {
    let shop = open("").await;
    let here = json!({"location_id": "berlin", "value": 1});
    let stored = put(&shop, vec![one(json!({})), one(here), one(json!({"date": "2026-01-16"}))]);
    assert_eq!(stored.await.unwrap(), SignalsStored { changed: 3, known: 0 });
    let again = vec![one(json!({})), one(json!({"date": "2026-01-16", "value": 7}))];
    assert_eq!(put(&shop, again).await.unwrap(), SignalsStored { changed: 1, known: 1 });
    let planner = caller(Role::Planner);
    let known = shop.app.signals(None, &planner).unwrap();
    let told: Vec<_> = known.iter().map(|k| (k.location_id.clone(), k.n_days, k.last)).collect();
    assert_eq!(told, [(None, 2, 7.0), (Some("berlin".to_owned()), 1, 1.0)]);
    let elsewhere = LocationId::new("mars").unwrap();
    assert_eq!(shop.app.signals(Some(&elsewhere), &planner).unwrap().len(), 1);
    let reopened = Signals::open(&*shop.app.parts.tables, shop.app.clock.now()).await.unwrap();
    assert_eq!(**reopened.kept.load(), **shop.app.signals.kept.load());
    // Its place's own word comes before that of the whole site.
    let mut series = DemandSeries { first: today(), sold: vec![1.0], ..DemandSeries::default() };
    reopened.attach(&mut series, (&SiteId::main(), Some(&place())), 1);
    assert_eq!(series.signals[0].values, [Some(1.0), None]);
    reopened.attach(&mut series, (&SiteId::main(), None), 1);
    assert_eq!(series.signals[0].values, [Some(4.5), Some(7.0)]);
    // `null` takes a day away, and the last day the signal.
    put(&shop, vec![one(json!({"location_id": "berlin", "value": null}))]).await.unwrap();
    assert_eq!(shop.app.signals(None, &planner).unwrap().len(), 1);
    let reopened = Signals::open(&*shop.app.parts.tables, shop.app.clock.now()).await.unwrap();
    assert_eq!(reopened.kept.load().len(), 1);
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_stored() {
    let shop = open("").await;
    for (change, pointer, said) in [
        (json!({"name": "Temp °C"}), "/signals/1/name", "`Temp °C` is no name of a signal"),
        (json!({"name": ""}), "/signals/1/name", "for example temperature_c"),
        (json!({"date": "tomorrow"}), "/signals/1/date", "tomorrow"),
        (json!({"value": 1e13}), "/signals/1/value", "10000000000000 must lie between"),
        (json!({"site": "moon"}), "/signals/1/site", "site `moon` is not in the settings"),
    ] {
        let error = put(&shop, vec![one(json!({})), one(change)]).await.unwrap_err();
        let AppError::Invalid { detail, errors, .. } = &error else { panic!("{error:?}") };
        assert_eq!(errors[0].pointer, pointer);
        assert!(detail.contains(said), "{detail}");
    }
    assert!(put(&shop, Vec::new()).await.is_err());
    let nine = (0..9).map(|n| one(json!({"name": format!("s{n}")}))).collect();
    let error = put(&shop, nine).await.unwrap_err();
    assert!(matches!(&error, AppError::Conflict(_)), "{error:?}");
    assert!(error.to_string().starts_with("that would make 9 signals of the whole site"));
    let planner = caller(Role::Planner);
    assert_eq!(shop.app.signals(None, &planner).unwrap(), []);
    let refused = shop.app.put_signals(vec![one(json!({}))], &caller(Role::Analyst)).await;
    assert!(matches!(refused, Err(AppError::Denied { .. })));
    // A key of one place may not speak of the whole site.
    let mut bound = caller(Role::Planner);
    bound.places = Arc::new(crate::Places { sites: Vec::new(), locations: vec![place()] });
    assert!(shop.app.put_signals(vec![one(json!({}))], &bound).await.is_err());
    let here = vec![one(json!({"location_id": "berlin"}))];
    assert_eq!(shop.app.put_signals(here, &bound).await.unwrap().changed, 1);
}

#[tokio::test]
async fn a_forecast_listens_to_what_earlier_days_bear_out() {
    let shop = warm_tea().await;
    let deaf = forecast(&shop).await;
    assert!(deaf.key_factors.iter().all(|one| one.factor != "signal"));
    let noise = |day: i32| f64::from(i64::from(day).pow(3).rem_euclid(97) as i32);
    put(&shop, signal("noise", 20, noise)).await.unwrap();
    // Ten hot days are foretold, and no more.
    let hot = |day: i32| if day < today().number() { off(day) } else { 10.0 };
    put(&shop, signal("temperature_c", 10, hot)).await.unwrap();
    let warm = forecast(&shop).await;
    let factor = warm.key_factors.iter().find(|one| one.factor == "signal").unwrap();
    assert!(factor.text.starts_with("`temperature_c` is 10"), "{}", factor.text);
    assert!(factor.effect_units > 0.2 * warm.total, "{factor:?} of {}", warm.total);
    assert!((warm.total - deaf.total - factor.effect_units).abs() < 0.1 * warm.total, "{factor:?}");
    let notes = warm.notes.join("\n");
    assert!(notes.contains("no value for 4 of the 14 days ahead"), "{notes}");
    assert!(notes.contains("not listened to") && notes.contains("`noise`"), "{notes}");
    // 20·e^0.4 is 30 a day while it is hot, and 20 or so after.
    let mean = |days: std::ops::Range<usize>| {
        let n = days.len() as f64;
        warm.daily[days].iter().map(|day| day.mean).sum::<f64>() / n
    };
    assert!((mean(0..10) / 29.8 - 1.0).abs() < 0.1, "{}", mean(0..10));
    assert!((mean(10..14) / 20.6 - 1.0).abs() < 0.12, "{}", mean(10..14));
    // So does what is kept for plans.
    let total = |shop: &Shop| {
        let views = shop.app.views.read();
        let item = views.catalogue.item(&SiteId::main(), &tea()).unwrap();
        let location = views.catalogue.location_number(&place());
        drop(views);
        let key = crate::demand::SeriesKey { item, location };
        let series = shop.app.read_series(key, &SiteId::main()).unwrap();
        outlooks(&[&series], 14, 1).remove(0).over(today(), 10.0).mean
    };
    let hot = total(&shop);
    let cold = |day: i32| if day < today().number() { off(day) } else { -10.0 };
    put(&shop, signal("temperature_c", 10, cold)).await.unwrap();
    assert!(hot > 1.8 * total(&shop), "{hot} and {}", total(&shop));
}
