#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::Role;
use crate::demand::tests::{open, place, sale, sales, send, stock, tea, today, wanted};
use crate::test_shop::{Shop, caller};

/// The shop as it is after it was ended and begun again.
async fn again(shop: &Shop) -> Arc<App> {
    shop.app.close().await.unwrap();
    let app = &shop.app;
    let app = App::open(app.parts.clone(), app.config.clone(), app.clock).await.unwrap();
    app.wait_ready().await.unwrap();
    app
}

/// A shop that knows two forecasts.
async fn known() -> Shop {
    let shop = open("").await;
    send(&shop, sales(|_, wanted| wanted)).await;
    send(&shop, vec![stock("Stock Counted", ("tea", 40), "2026-01-14T22:30:00Z")]).await;
    assert_eq!(shop.app.refresh_outlooks().await.unwrap(), 2);
    shop
}

fn tea_key(app: &App) -> SeriesKey {
    app.series_key((&SiteId::main(), &tea()), Some(&place())).unwrap()
}

#[tokio::test]
async fn what_was_forecast_before_a_stop_serves_at_once_after_it() {
    let shop = known().await;
    let before = shop.app.forecasts.get(tea_key(&shop.app)).unwrap();
    // Sold after the forecast was made, and before the stop.
    let mut late = sale(2, &[("milk", 5)]);
    late["messageId"] = json!("late");
    late["properties"]["order_id"] = json!("late");
    send(&shop, vec![late]).await;
    let app = again(&shop).await;
    app.take_up_outlooks();
    assert_eq!(app.kept_forecasts(), 2);
    assert_eq!(app.forecasts.get(tea_key(&app)).unwrap(), before);
    let ids = (&SiteId::main(), &place());
    let plan = app.replenishment(ids, &caller(Role::Planner)).await.unwrap();
    assert_eq!((plan.n_pending, plan.lines[0].forecast_from), (0, today()));
    // Of milk more was sold than its forecast knew, and nothing is new of tea.
    assert_eq!(app.refresh_outlooks().await.unwrap(), 1);
    assert_eq!(app.refresh_outlooks().await.unwrap(), 0);
}

#[tokio::test]
async fn a_day_later_it_still_says_from_when_it_is() {
    let shop = known().await;
    // Two days pass, and the first one's sales came in late, after the stop.
    let app = again(&shop).await;
    shop.hand.fetch_add(2 * 86_400_000, std::sync::atomic::Ordering::SeqCst);
    let ids = (&SiteId::main(), &place());
    let plan = app.replenishment(ids, &caller(Role::Planner)).await.unwrap();
    let line = &plan.lines[0];
    assert_eq!((plan.today.number() - 2, line.forecast_from), (today().number(), today()));
    // Its days are those from today on.
    let truth: f64 = (2..16).map(|ahead| wanted(-ahead) as f64).sum();
    assert!((line.demand_mean / truth - 1.0).abs() < 0.2, "{} for {truth}", line.demand_mean);
}

#[tokio::test]
async fn a_file_that_cannot_be_trusted_is_made_anew() {
    let shop = known().await;
    let path = Path::from(FILE);
    shop.app.save_outlooks().await;
    let whole = shop.app.parts.blobs.get(&path).await.unwrap().bytes().await.unwrap().to_vec();
    assert_eq!(read(&whole).unwrap().len(), 2);
    // Nothing is written twice.
    shop.app.parts.blobs.delete(&path).await.unwrap();
    shop.app.save_outlooks().await;
    assert!(shop.app.parts.blobs.get(&path).await.is_err());
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(read(&damaged).unwrap_err(), "their file is damaged");
    assert_eq!(read(&whole[..20]).unwrap_err(), "their file is damaged");
    assert_eq!(read(b"souk outlooks 1\n").unwrap_err(), "their file is of another version");
    // What another program forecast serves until this one has done so itself.
    let mut body = Writer::new();
    body.text("another");
    let known = Reader::new(&whole[MAGIC.len() + 8..]).text().unwrap().len() + 1;
    body.raw(&whole[MAGIC.len() + 8 + known..]);
    let body = body.into_bytes();
    let other = [MAGIC, &xxh3_64(&body).to_le_bytes(), &body].concat();
    for (file, n_served) in [(damaged, 0), (other, 2)] {
        shop.app.parts.blobs.put(&path, PutPayload::from(file)).await.unwrap();
        let app = again(&shop).await;
        app.take_up_outlooks();
        assert_eq!(app.kept_forecasts(), n_served);
        assert_eq!(app.refresh_outlooks().await.unwrap(), 2);
    }
}

#[tokio::test]
async fn whoever_comes_while_they_are_taken_up_waits_for_all() {
    let shop = known().await;
    let app = again(&shop).await;
    // While somebody holds the views the first one cannot go on.
    let held = app.views.write();
    std::thread::scope(|scope| {
        let take_up = || {
            app.forecasts.take_up(&app.views);
            app.kept_forecasts()
        };
        let first = scope.spawn(take_up);
        while !app.forecasts.stored.lock().is_empty() {
            std::thread::yield_now();
        }
        assert!(app.forecasts.taking_up.is_locked());
        let second = scope.spawn(take_up);
        drop(held);
        assert_eq!((first.join().unwrap(), second.join().unwrap()), (2, 2));
    });
}
