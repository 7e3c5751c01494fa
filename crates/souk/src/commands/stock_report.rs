//! `souk report stock`.

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use souk_app::{Caller, ClassFilter, StockReportQuery, stock_report_to_json};
use souk_core::{Currency, Money};

use super::planning::{list, money, number, place, short};
use crate::cli::{Output, StockReportArgs};
use crate::failure::Failure;
use crate::job::{Job, Shop};
use crate::settings::Settings;
use crate::term::{self, columns};

/// What is asked, as it crosses the socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    location: String,
    site: Option<String>,
    days: u32,
    class: Option<String>,
    limit: usize,
}

pub(crate) async fn run(args: StockReportArgs, settings: &Settings) -> Result<()> {
    let (location, site, days, class) = (args.location, args.site, args.days, args.class);
    let job = Job::ReportStock(Asked { location, site, days, class, limit: args.limit });
    let result = super::perform(settings, &job).await?;
    let result = if settings.output == Output::Csv { flat(&result) } else { result };
    term::print_result(settings.output, &result, text)?;
    Ok(())
}

pub(crate) async fn answer(shop: &Shop, asked: &Asked) -> Result<Value> {
    let (site, location) = place(shop, asked.site.as_deref(), Some(&asked.location))?;
    let class = asked.class.as_deref().map(|text| {
        ClassFilter::parse(text).ok_or_else(|| {
            let detail = format!(
                "--class: `{text}` is no class; take A, B or C, X, Y or Z, or both as in AX"
            );
            anyhow!(Failure::usage(detail))
        })
    });
    let query = StockReportQuery {
        site,
        location,
        days: asked.days,
        class: class.transpose()?.unwrap_or_default(),
        after: None,
        limit: asked.limit,
    };
    let report = shop.app.stock_report(query, &Caller::local_admin()).await?;
    Ok(stock_report_to_json(&report, None))
}

/// The products with their amounts as plain numbers, for a table without nested values.
fn flat(result: &Value) -> Value {
    let plain = |value: &Value| {
        let (amount, code) = (value["amount"].as_i64(), value["currency"].as_str());
        let currency = code.and_then(|code| Currency::parse(code).ok());
        amount.zip(currency).map(|(amount, currency)| {
            let text = Money::from_minor(amount, currency).to_string();
            let text = text.split(' ').next().unwrap_or_default().to_owned();
            Value::String(text)
        })
    };
    let row = |row: &Value| {
        let fields = row.as_object().into_iter().flatten();
        let mut flat: Map<String, Value> = fields
            .map(|(name, value)| (name.clone(), plain(value).unwrap_or_else(|| value.clone())))
            .collect();
        flat.insert("currency".to_owned(), result["currency"].clone());
        Value::Object(flat)
    };
    json!({"products": list(result, "products").iter().map(row).collect::<Vec<_>>()})
}

fn percent(value: &Value) -> String {
    value.as_f64().map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

fn text(result: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let heads = [
        "class",
        "products",
        "revenue",
        "share",
        "on hand",
        "turns",
        "days",
        "in stock",
        "served",
        "lost",
        "wasted",
        "value added",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    let mut add = |name: &str, sums: &Value| {
        rows.push(vec![
            name.to_owned(),
            sums["products"].to_string(),
            money(&sums["revenue"]),
            percent(&sums["revenue_share"]),
            money(&sums["on_hand_cost"]),
            number(&sums["turns"], 1),
            number(&sums["days_of_supply"], 1),
            percent(&sums["availability"]),
            percent(&sums["fill_rate"]),
            money(&sums["lost_revenue"]),
            money(&sums["written_off_cost"]),
            percent(&sums["forecast_value_added"]),
        ]);
    };
    let classes = result["classes"].as_object().into_iter().flatten();
    classes.for_each(|(name, sums)| add(name, sums));
    add("all", &result["all"]);
    let mut said = columns(&rows);
    let heads = [
        "product",
        "title",
        "class",
        "sold",
        "revenue",
        "on hand",
        "mean",
        "turns",
        "days",
        "in stock",
        "lost",
        "wasted",
        "value added",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for one in list(result, "products") {
        rows.push(vec![
            word(&one["product_id"]),
            short(&one["title"]),
            word(&one["class"]),
            number(&one["units_sold"], 1),
            money(&one["revenue"]),
            number(&one["on_hand"], 1),
            number(&one["mean_stock"], 1),
            number(&one["turns"], 1),
            number(&one["days_of_supply"], 1),
            percent(&one["availability"]),
            number(&one["lost_units"], 1),
            number(&one["written_off_units"], 1),
            percent(&one["forecast_value_added"]),
        ]);
    }
    said.push('\n');
    said.push_str(&columns(&rows));
    let listed = rows.len() - 1;
    said.push_str(&format!(
        "{listed} of {} products, {} to {}; A, B and C by revenue, X, Y and Z by how its weeks vary; `days` of supply from what is \
         on hand now, `turns` from what stood there on average; sums of stock are at cost\n",
        result["total_products"],
        word(&result["from"]),
        word(&result["to"]),
    ));
    for note in list(result, "notes") {
        said.push_str(&format!("note: {}\n", word(note)));
    }
    said
}
