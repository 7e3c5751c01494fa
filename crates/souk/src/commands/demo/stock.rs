//! What the demo's busiest shop would have held in stock, had it ordered by Souk's forecasts.
//!
//! Sales are those of the sample. It knows neither stock nor suppliers nor costs: they are made up, and the report says so.

use std::fmt::Write;

use anyhow::{Error, Result};
use serde_json::{Value, json};
use souk_app::AppError;

use super::super::planning::list;
use super::super::simulation::{Replayed, missed_points, said_of_demand, simulated, stock_panel};
use crate::chart;
use crate::job::Shop;
use crate::term::columns;

/// Products that sell most there; chosen: some ten seconds of a processor.
const PRODUCTS: usize = 60;
/// A quarter of a year.
const DAYS: usize = 91;
/// Made up: days until an order is there, and between two orders.
const TIMES: (u64, u64) = (3, 7);
/// Shares to serve that are tried.
const AIMS: [f64; 4] = [0.90, 0.95, 0.97, 0.98];
/// Letters of the longest bar.
const BAR: f64 = 40.0;
/// Where the picture is written, in the demo's own folder.
const PICTURE: &str = "stock.svg";

/// Replays the last quarter of a place; a shop that is too young for that says so.
pub(super) async fn replay(shop: &Shop, place: String) -> Result<Value> {
    let what = Replayed {
        location: place.clone(),
        site: None,
        is_offered_only: true,
        days: DAYS,
        until: None,
        products: PRODUCTS,
        services: AIMS.to_vec(),
        lead_time_days: Some(TIMES.0),
        review_days: Some(TIMES.1),
    };
    let mut result = match simulated(shop, &what).await {
        Ok(result) => result,
        Err(error) => json!({"why_not": too_young(error)?}),
    };
    if result["why_not"].is_null() {
        let picture = shop.embedded.folder.root().join(PICTURE);
        std::fs::write(&picture, chart::svg(&[stock_panel(&result)]))?;
        result["picture"] = picture.display().to_string().into();
    }
    result["place"] = place.into();
    Ok(result)
}

fn too_young(error: Error) -> Result<String> {
    match error.downcast::<AppError>()? {
        AppError::NotReady(why) => Ok(why),
        other => Err(other.into()),
    }
}

/// The same for people.
pub(super) fn text(stock: &Value, text: &mut String) {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| value.as_f64().unwrap_or(0.0);
    let Some(place) = stock["place"].as_str() else { return };
    if let Some(why) = stock["why_not"].as_str() {
        let _ = writeln!(text, "\nStock of shop {place}: no replay: {why}");
        return;
    }
    let _ = writeln!(
        text,
        "\nStock of shop {place}, had it ordered by Souk: {} products from {} to {}\n  \
         Sales are real. Stock, deliveries ({} days after an order), an order every {} days and costs (the price) are\n  \
         GENERATED; what is not in stock counts as lost. Both see only what was known on each day.",
        stock["products"],
        word(&stock["from"]),
        word(&stock["to"]),
        number(&stock["lead_time_days"]),
        number(&stock["review_days"]),
    );
    let heads = ["  to serve", "served", "souk holds", "smoothing holds", "less stock"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    let mut bars = Vec::new();
    for row in list(stock, "rows").iter().filter(|row| row["policy"] == "forecast_fill") {
        let is_its =
            |one: &&Value| one["policy"] == row["policy"] && one["service"] == row["service"];
        let saved = list(stock, "saved").iter().find(is_its);
        let share = saved.map(|one| number(&one["less_stock_than_ses"]));
        let held = number(&row["stock"]);
        let rival = share.map(|share| held / (1.0 - share));
        let percent = |value: f64| format!("{:.1} %", 100.0 * value);
        let told = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        rows.push(vec![
            format!("  {}", percent(number(&row["service"]))),
            percent(number(&row["fill_rate"])),
            format!("{held:.0}"),
            told(rival.map(|units| format!("{units:.0}"))),
            told(share.map(percent)),
        ]);
        bars.push((percent(number(&row["fill_rate"])), held, rival));
    }
    text.push_str(&columns(&rows));
    let longest = bars.iter().map(|(_, held, rival)| held.max(rival.unwrap_or(0.0)));
    let longest = longest.fold(1.0, f64::max);
    let bar = |units: f64| "█".repeat((BAR * units / longest).round() as usize);
    text.push_str("  Units in stock on average, at the same share served\n");
    for (served, held, rival) in &bars {
        let _ = writeln!(text, "  {served:>7}  souk       {} {held:.0}", bar(*held));
        if let Some(rival) = rival {
            let _ = writeln!(text, "           smoothing  {} {rival:.0}", bar(*rival));
        }
    }
    let missed = missed_points(stock).unwrap_or_default();
    let _ = writeln!(
        text,
        "  Served and aimed at differ by {missed:.1} points of a hundred at most: {}.\n  \
         Smoothing is exponential, with normal safety stock. As a picture: {}",
        said_of_demand(stock),
        word(&stock["picture"])
    );
}
