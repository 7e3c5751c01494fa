use serde_json::{Map, Value, json};
use souk_core::Currency;

use super::{ForecastWorth, StockFigures, StockReport, StockSums};

fn round(value: f64) -> f64 {
    // Nothing is 0, not -0.
    (value * 1_000.0).round() / 1_000.0 + 0.0
}

fn share(value: Option<f64>) -> Option<f64> {
    value.map(|value| (value * 1e4).round() / 1e4 + 0.0)
}

fn money(minor: f64, currency: Currency) -> Value {
    json!({"amount": minor.round() as i64, "currency": currency.as_str()})
}

/// A report as the contract writes it, with the page's cursor as `cursor`.
pub fn stock_report_to_json(report: &StockReport, cursor: Option<String>) -> Value {
    let classes: Map<String, Value> = report
        .classes
        .iter()
        .map(|(class, sums)| (class.as_text(), sums_to_json(sums, report.currency)))
        .collect();
    json!({
        "site": report.site.as_str(),
        "location_id": report.location.as_str(),
        "today": report.today.to_string(),
        "from": report.from.to_string(),
        "to": report.to.to_string(),
        "days": report.days() as i64,
        "currency": report.currency.as_str(),
        "products": report.products.iter().map(|one| row(one, report)).collect::<Vec<_>>(),
        "total_products": report.n_products,
        "cursor": cursor,
        "all": sums_to_json(&report.all, report.currency),
        "classes": classes,
        "notes": report.notes,
    })
}

fn row(one: &StockFigures, report: &StockReport) -> Value {
    let amount = |minor: f64| money(minor, report.currency);
    let days = report.days();
    let [abc, xyz] = one.class.letters();
    let note = match one.worth {
        ForecastWorth::NotYet => Some("it is not forecast yet"),
        ForecastWorth::TooShort => Some("its history is too short to look back two weeks"),
        ForecastWorth::Judged { by_last_week, .. } if by_last_week <= 0.0 => {
            Some("repeating the week before was never wrong")
        }
        ForecastWorth::Judged { .. } => None,
    };
    json!({
        "product_id": one.product.as_str(),
        "title": one.title,
        "class": one.class.as_text(),
        "abc": abc,
        "xyz": xyz,
        "weeks": one.n_weeks,
        "counted_in": if one.is_measured { "measure" } else { "pieces" },
        "units_sold": round(one.sold),
        "units_returned": round(one.returned),
        "revenue": amount(one.revenue),
        "on_hand": one.on_hand.map(round),
        "unit_cost": one.unit_cost.map(amount),
        "on_hand_cost": one.on_hand_cost().map(amount),
        "mean_stock": one.mean_stock.map(round),
        "turns": one.turns(days).map(round),
        "days_of_supply": one.days_of_supply(days).map(round),
        "stock_days": one.n_stock_days,
        "empty_days": one.n_empty_days,
        "availability": share(one.availability()),
        "lost_units": one.lost.map(round),
        "lost_revenue": one.lost_revenue().map(amount),
        "lost_margin": one.lost_margin().map(amount),
        "fill_rate": share(one.fill_rate(days)),
        "written_off_units": round(one.written_off),
        "written_off_cost": one.written_off_cost().map(amount),
        "waste_share": share(one.waste_share(days)),
        "forecast_value_added": share(one.worth.value_added()),
        "forecast_note": note,
    })
}

fn sums_to_json(sums: &StockSums, currency: Currency) -> Value {
    let amount = |minor: f64| money(minor, currency);
    json!({
        "products": sums.n_products,
        "products_with_cost": sums.n_costed,
        "pieces_sold": round(sums.pieces_sold),
        "revenue": amount(sums.revenue),
        "revenue_share": share(sums.revenue_share),
        "cost_of_sales": amount(sums.cost_of_sales),
        "on_hand_cost": sums.on_hand_cost.map(amount),
        "mean_stock_cost": sums.mean_stock_cost.map(amount),
        "turns": sums.turns.map(round),
        "days_of_supply": sums.days_of_supply.map(round),
        "availability": share(sums.availability),
        "fill_rate": share(sums.fill_rate),
        "lost_revenue": sums.lost_revenue.map(amount),
        "lost_margin": sums.lost_margin.map(amount),
        "written_off_cost": amount(sums.written_off_cost),
        "waste_share": share(sums.waste_share),
        "forecast_value_added": share(sums.value_added),
    })
}
