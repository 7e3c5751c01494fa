//! `souk doctor`.

use anyhow::Result;
use serde_json::{Value, json};
use souk_app::Weight;

use crate::job::Shop;
use crate::term::columns;

pub(crate) async fn run(shop: &Shop) -> Result<Value> {
    let mut findings = shop.app.examine().await?;
    // Reads every record, so that damage is found before it is needed.
    match shop.embedded.log.verify().await {
        Ok(records) => findings.push(souk_app::Finding {
            weight: Weight::Fine,
            subject: "log",
            detail: format!("{records} records read, every checksum right"),
        }),
        Err(error) => findings.push(souk_app::Finding {
            weight: Weight::Trouble,
            subject: "log",
            detail: format!("{error}; restore a backup"),
        }),
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.weight));
    let list: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let weight = match finding.weight {
                Weight::Fine => "fine",
                Weight::Notice => "notice",
                Weight::Trouble => "trouble",
            };
            json!({"weight": weight, "about": finding.subject, "detail": finding.detail})
        })
        .collect();
    Ok(json!({"findings": list}))
}

pub(crate) fn text(result: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows: Vec<Vec<String>> = result["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| vec![word(&one["weight"]), word(&one["about"]), word(&one["detail"])])
        .collect();
    columns(&rows)
}
