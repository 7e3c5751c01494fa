//! `souk simulate stock`.

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use souk_app::{
    Assortment, Caller, PolicyRow, Replay, SimulationReport, SimulationRequest, simulate_file,
};
use souk_core::Day;

use super::planning::{list, number, place};
use crate::chart::{self, Line, Panel, Stroke};
use crate::cli::SimulateCommand;
use crate::job::{Job, Shop};
use crate::settings::Settings;
use crate::term::{self, columns};

/// What `souk simulate stock` is to replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Replayed {
    pub(crate) location: String,
    pub(crate) site: Option<String>,
    pub(crate) is_offered_only: bool,
    pub(crate) days: usize,
    pub(crate) until: Option<String>,
    pub(crate) products: usize,
    pub(crate) services: Vec<f64>,
    pub(crate) lead_time_days: Option<u64>,
    pub(crate) review_days: Option<u64>,
}

impl Replayed {
    fn how(&self) -> Result<Replay> {
        let until = self.until.as_deref().map(Day::parse).transpose();
        Ok(Replay {
            days: self.days,
            until: until.map_err(|error| anyhow!("--until: {error}; write 2026-11-30"))?,
            products: self.products,
            services: self.services.clone(),
            lead_time_days: self.lead_time_days,
            review_days: self.review_days,
        })
    }
}

pub(crate) async fn simulate(what: SimulateCommand, settings: &Settings) -> Result<()> {
    let SimulateCommand::Stock(args) = what;
    let what = Replayed {
        location: args.location.unwrap_or_default(),
        site: args.site,
        is_offered_only: args.offered,
        days: args.days,
        until: args.until,
        products: args.products,
        services: args.services,
        lead_time_days: args.lead_time_days,
        review_days: args.review_days,
    };
    let result = match args.input {
        None => super::perform(settings, &Job::SimulateStock(Box::new(what))).await?,
        Some(path) => {
            let inventory = settings.config.inventory.clone();
            let how = what.how()?;
            let replay = move || simulate_file(&path, &how, &inventory);
            replayed_to_json(&tokio::task::spawn_blocking(replay).await??)
        }
    };
    if let Some(path) = args.plot {
        super::forecast::write_whole(&path, &chart::svg(&[stock_panel(&result)]))?;
    }
    Ok(term::print_result(settings.output, &result, said_of_simulation)?)
}

/// A replay as a picture: what stock buys, by policy.
pub(super) fn stock_panel(result: &Value) -> Panel {
    let policies = [
        ("forecast", "Souk's forecasts", chart::BLUE),
        ("forecast_fill", "the same, told the fill rate", chart::DARK),
        ("ses_normal", "exponential smoothing, normal safety stock", chart::ORANGE),
        ("two_weeks", "two weeks of sales", chart::GREEN),
    ];
    let line = |(policy, label, colour): (&str, &str, &'static str)| {
        let rows = list(result, "rows").iter().filter(|row| row["policy"] == policy);
        let point =
            |row: &Value| Some((100.0 * row["fill_rate"].as_f64()?, row["stock"].as_f64()?));
        let mut points: Vec<(f64, f64)> = rows.filter_map(point).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Line { label: label.to_owned(), colour, points, stroke: Stroke::Dotted }
    };
    Panel {
        title: "Stock that a fill rate costs".to_owned(),
        subtitle: format!(
            "{} products, {} to {}; a dot for each aim; lower is better",
            result["products"],
            result["from"].as_str().unwrap_or_default(),
            result["to"].as_str().unwrap_or_default()
        ),
        x_label: "fill rate: share of demand that was served from stock, in percent".to_owned(),
        y_label: "units in stock on average".to_owned(),
        lines: policies.into_iter().map(line).collect(),
        ..Panel::default()
    }
}

/// What `souk simulate stock` prints.
pub(crate) async fn simulated(shop: &Shop, what: &Replayed) -> Result<Value> {
    let (site, location) = place(shop, what.site.as_deref(), Some(&what.location))?;
    let assortment = match what.is_offered_only {
        true => Assortment::Offered,
        false => Assortment::Sold,
    };
    let request = SimulationRequest { site, location, assortment, replay: what.how()? };
    let report = shop.app.simulate_stock(request, &Caller::local_admin()).await?;
    Ok(replayed_to_json(&report))
}

fn replayed_to_json(report: &SimulationReport) -> Value {
    let saved = report.saved.iter().map(|one| {
        json!({"policy": one.policy, "service": one.service, "less_stock_than_ses": one.share})
    });
    json!({
        "from": report.days.0.to_string(),
        "to": report.days.1.to_string(),
        "products": report.n_products,
        "skipped": report.n_skipped,
        "lead_time_days": report.times.0,
        "review_days": report.times.1,
        "daily": {"before": report.daily.0, "replayed": report.daily.1},
        "rows": report.rows.iter().map(policy).collect::<Vec<_>>(),
        "saved": saved.collect::<Vec<_>>(),
    })
}

fn policy(row: &PolicyRow) -> Value {
    json!({
        "policy": row.policy,
        "service": row.service,
        "wanted": row.wanted,
        "fill_rate": row.fill_rate,
        "cycle_service": row.cycle_service,
        "stock": row.stock,
        "stock_value": row.stock_value,
        "lost": row.lost,
        "lost_value": row.lost_value,
        "orders": row.orders,
    })
}

pub(super) fn said_of_simulation(result: &Value) -> String {
    let heads =
        ["policy", "aim", "fill rate", "cycles", "stock", "worth", "lost", "lost sales", "orders"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    let major =
        |value: &Value| value.as_f64().map_or("-".to_owned(), |one| format!("{:.0}", one / 100.0));
    for row in list(result, "rows") {
        rows.push(vec![
            row["policy"].as_str().unwrap_or_default().to_owned(),
            number(&row["service"], 3),
            number(&row["fill_rate"], 4),
            number(&row["cycle_service"], 3),
            number(&row["stock"], 1),
            major(&row["stock_value"]),
            number(&row["lost"], 0),
            major(&row["lost_value"]),
            row["orders"].to_string(),
        ]);
    }
    let mut said = format!(
        "{} products from {} to {}; {} days of lead time, an order every {} days; {} have too little history\n",
        result["products"],
        result["from"].as_str().unwrap_or_default(),
        result["to"].as_str().unwrap_or_default(),
        result["lead_time_days"],
        result["review_days"],
        result["skipped"],
    );
    said.push_str(&columns(&rows));
    for one in list(result, "saved") {
        let share = one["less_stock_than_ses"].as_f64().unwrap_or_default();
        let word = if share < 0.0 { "more" } else { "less" };
        said.push_str(&format!(
            "`{}` at {} holds {:.1} % {word} stock than exponential smoothing at the same fill rate\n",
            one["policy"].as_str().unwrap_or_default(),
            one["service"],
            share.abs() * 100.0
        ));
    }
    if let Some(points) = missed_points(result) {
        let demand = said_of_demand(result);
        said.push_str(&format!(
            "`forecast_fill` served its aim within {points:.1} points of a hundred; {demand}\n"
        ));
    }
    said
}

/// How demand went on, which no policy could know.
pub(super) fn said_of_demand(result: &Value) -> String {
    let of = |name: &str| result["daily"][name].as_f64().unwrap_or_default();
    let (before, replayed) = (of("before"), of("replayed"));
    let change = if before > 0.0 { 100.0 * (replayed / before - 1.0) } else { 0.0 };
    format!(
        "{replayed:.1} units a day were wanted, {before:.1} in the eight weeks before ({change:+.0} %)"
    )
}

/// By how much the shares that were served missed those that were aimed at, at most; in hundredths.
pub(super) fn missed_points(result: &Value) -> Option<f64> {
    let rows = list(result, "rows").iter().filter(|row| row["policy"] == "forecast_fill");
    let missed =
        |row: &Value| Some(100.0 * (row["fill_rate"].as_f64()? - row["service"].as_f64()?).abs());
    rows.filter_map(missed).reduce(f64::max)
}
