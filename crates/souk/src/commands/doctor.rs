//! `souk doctor`.

use anyhow::Result;
use serde_json::{Value, json};
use souk_app::Weight;

use crate::job::Shop;
use crate::term::columns;

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Depth {
    /// Sizes, ages, and every checksum of the log.
    Look,
    /// Also whether the views equal a fold of the whole log.
    Rebuild,
}

pub(crate) async fn run(shop: &Shop, depth: Depth) -> Result<Value> {
    let mut findings = shop.app.examine().await?;
    if depth == Depth::Rebuild {
        let differing = shop.app.check_views().await?.differing;
        let (weight, detail) = match differing.is_empty() {
            true => (Weight::Fine, "equal to a fold of the whole log".to_owned()),
            false => (
                Weight::Trouble,
                format!(
                    "{} differ from a fold of the whole log; stop the server, remove the folder \
                     `snapshots` among the blobs, start again, and please report it",
                    differing.join(", ")
                ),
            ),
        };
        findings.push(souk_app::Finding { weight, subject: "views", detail });
    }
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
