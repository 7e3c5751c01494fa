//! `souk export`.

use std::path::Path;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use souk_app::{ExportKind, Progress};
use souk_core::Purpose;

use crate::cli::ExportKindArg;
use crate::failure::Failure;
use crate::job::Shop;
use crate::term::thousands;

pub(crate) fn kind_name(kind: ExportKindArg) -> &'static str {
    match kind {
        ExportKindArg::Events => "events",
        ExportKindArg::Orders => "orders",
        ExportKindArg::Products => "products",
        ExportKindArg::Sales => "sales",
        ExportKindArg::Consents => "consents",
        ExportKindArg::Impressions => "impressions",
        ExportKindArg::Forecasts => "forecasts",
    }
}

pub(crate) async fn run(
    shop: &Shop,
    (kind, purpose): (&str, &str),
    (out, progress): (&Path, &dyn Progress),
) -> Result<Value> {
    let kind = ExportKind::parse(kind)
        .ok_or_else(|| anyhow!(Failure::usage(format!("there is no kind `{kind}`"))))?;
    let purpose = Purpose::parse(purpose)
        .ok_or_else(|| anyhow!(Failure::usage(format!("there is no purpose `{purpose}`"))))?;
    let exported = shop.app.export((kind, purpose), out, progress).await?;
    Ok(json!({
        "kind": kind.as_str(),
        "file": out.display().to_string(),
        "rows": exported.rows,
        "records": exported.records,
        "purpose": purpose.as_str(),
        "withheld": exported.withheld,
    }))
}

pub(crate) fn text(result: &Value) -> String {
    let withheld = match result["withheld"].as_u64().unwrap_or(0) {
        0 => String::new(),
        count => format!(
            "; {} records of people who do not allow {} were left out",
            thousands(count),
            result["purpose"].as_str().unwrap_or_default()
        ),
    };
    format!(
        "{}: {} rows of {}{withheld}",
        result["file"].as_str().unwrap_or_default(),
        thousands(result["rows"].as_u64().unwrap_or(0)),
        result["kind"].as_str().unwrap_or_default(),
    )
}
