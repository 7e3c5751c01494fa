//! `souk export`.

use std::path::Path;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use souk_app::{ExportKind, Progress};

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
    }
}

pub(crate) async fn run(
    shop: &Shop,
    kind: &str,
    (out, progress): (&Path, &dyn Progress),
) -> Result<Value> {
    let kind = ExportKind::parse(kind)
        .ok_or_else(|| anyhow!(Failure::usage(format!("there is no kind `{kind}`"))))?;
    let exported = shop.app.export(kind, out, progress).await?;
    Ok(json!({
        "kind": kind.as_str(),
        "file": out.display().to_string(),
        "rows": exported.rows,
        "records": exported.records,
    }))
}

pub(crate) fn text(result: &Value) -> String {
    format!(
        "{}: {} rows of {}",
        result["file"].as_str().unwrap_or_default(),
        thousands(result["rows"].as_u64().unwrap_or(0)),
        result["kind"].as_str().unwrap_or_default(),
    )
}
