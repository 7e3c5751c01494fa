//! The demo's report for people.

use std::fmt::Write;
use std::net::SocketAddr;

use serde_json::Value;

use super::super::evaluate::baskets::shared_text;
use crate::term::{columns, thousands};

/// The whole report.
pub(super) fn text(report: &Value) -> String {
    let mut text = String::new();
    let line = |text: &mut String, one: &str| {
        text.push_str(one);
        text.push('\n');
    };
    line(&mut text, &format!("\nLoaded: {}", word(&report["source"])));
    loaded(&report["loaded"], &mut text);
    let jurisdiction = word(&report["jurisdiction"]);
    line(
        &mut text,
        &format!(
            "\nConsent: this shop stands in `{jurisdiction}`; in the United States shoppers are learnt from \
             until they\nsay no (PUT /v1/subjects/ID/consents, Sec-GPC). Elsewhere set \
             privacy.default_jurisdiction;\nwithout it, nothing personal is used before a yes."
        ),
    );
    line(&mut text, "\nRough spots of the data, and what was decided");
    for decision in list(&report["decisions"]) {
        line(&mut text, &format!("  - {}", word(decision)));
    }
    accuracy(&report["next_basket"], &mut text);
    for shown in list(&report["measured"]["answers"]) {
        line(&mut text, &format!("\nFor shopper {}", word(&shown["user_id"])));
        let mut rows = Vec::new();
        for one in list(&shown["answer"]["recommendations"]) {
            rows.push(vec![
                format!("  {}", one["rank"]),
                word(&one["product"]["title"]).chars().take(56).collect(),
                word(&one["reason"]["text"]),
            ]);
        }
        text.push_str(&columns(&rows));
    }
    super::searches::text(&report["searches"], &mut text);
    super::stock::text(&report["stock"], &mut text);
    latency(&report["measured"], &mut text);
    text
}

fn loaded(loaded: &Value, text: &mut String) {
    let count = |name: &str| thousands(loaded[name].as_u64().unwrap_or(0));
    let (events, seconds) = (number(&loaded["events"]), number(&loaded["durable_s"]));
    let _ = writeln!(
        text,
        "  {} products, {} orders with {} lines and {} views of {} shoppers",
        count("products"),
        count("orders"),
        count("lines"),
        count("views"),
        count("shoppers"),
    );
    let _ = writeln!(
        text,
        "  read in {:.1} s; durable in the log {:.1} s later ({} events/s); every view ready after \
         {:.1} s",
        number(&loaded["read_s"]),
        seconds,
        thousands((events / seconds.max(0.001)) as u64),
        number(&loaded["folded_s"]),
    );
    let (records, bytes) = (number(&loaded["log_records"]), number(&loaded["log_bytes"]));
    let _ = writeln!(
        text,
        "  the log: {} records in {:.1} MB, {:.0} bytes each",
        count("log_records"),
        bytes / 1e6,
        bytes / records.max(1.0),
    );
}

fn accuracy(result: &Value, text: &mut String) {
    let users = &result["model"][0]["all"]["users"];
    let _ = writeln!(text, "\nNext basket: the first one after the cut, of {users} shoppers");
    let mut rows = vec![["", "Recall@10", "NDCG@10", "HR@10"].map(str::to_owned).to_vec()];
    for (name, label) in [
        ("popularity", "  what sells most"),
        ("personal_frequency", "  what the shopper bought most"),
        ("model", "  souk"),
    ] {
        let scores = &result[name][0]["all"];
        let mut row = vec![label.to_owned()];
        row.extend(["recall", "ndcg", "hit_rate"].map(|m| format!("{:.4}", number(&scores[m]))));
        rows.push(row);
    }
    text.push_str(&columns(&rows));
    text.push_str("\nThe same if lists rested only on pairs of products that so many people bought together\n");
    text.push_str(&shared_text(result));
}

fn latency(measured: &Value, text: &mut String) {
    let ms = |of: &str, at: &str| number(&measured[of][at]) / 1_000.0;
    let _ = writeln!(
        text,
        "\nTime of an answer, one after the other: the first one of {} shoppers, then {} more",
        thousands(measured["shoppers"].as_u64().unwrap_or(0)),
        thousands(measured["asked"].as_u64().unwrap_or(0))
    );
    let ways = [
        ("first_us", "in this process, first"),
        ("in_process_us", "in this process, then "),
        ("over_http_us", "over HTTP             "),
    ];
    for (of, label) in ways {
        let _ = writeln!(
            text,
            "  {label}  p50 {:.2} ms   p90 {:.2} ms   p99 {:.2} ms",
            ms(of, "p50"),
            ms(of, "p90"),
            ms(of, "p99")
        );
    }
    let _ = writeln!(
        text,
        "  a sync of this disk: p50 {:.2} ms, p99 {:.2} ms; memory in use: {} MB",
        ms("sync_us", "p50"),
        ms("sync_us", "p99"),
        measured["memory_mb"],
    );
}

/// What to try next.
pub(super) fn invitation(report: &Value, address: SocketAddr, key: &str) -> String {
    let answer = &report["measured"]["answers"][0];
    let user = word(&answer["user_id"]);
    let product = word(&answer["answer"]["recommendations"][0]["product_id"]);
    format!(
        "\nServing on http://{address} until Ctrl-C. Try, in another terminal:\n\n\
         export KEY={key}\n\
         curl -s http://{address}/v1/recommendations -H \"Authorization: Bearer $KEY\" \\\n  \
         -H 'content-type: application/json' -d '{{\"user_id\": \"{user}\", \"limit\": 5, \"explain\": true}}'\n\n\
         curl -s http://{address}/v1/recommendations -H \"Authorization: Bearer $KEY\" \\\n  \
         -H 'content-type: application/json' \\\n  \
         -d '{{\"strategy\": \"bought_together\", \"context\": {{\"product_id\": \"{product}\"}}, \"limit\": 5}}'\n\n\
         curl -s http://{address}/v1/search -H \"Authorization: Bearer $KEY\" \\\n  \
         -H 'content-type: application/json' \\\n  \
         -d '{{\"query\": \"orgnic banana\", \"facets\": [\"brand\"], \"user_id\": \"{user}\", \"limit\": 5}}'\n\n\
         curl -s http://{address}/v1/track -H \"Authorization: Bearer $KEY\" \\\n  \
         -H 'content-type: application/json' \\\n  \
         -d '{{\"userId\": \"{user}\", \"event\": \"Product Viewed\", \"messageId\": \"m-1\", \
         \"properties\": {{\"product_id\": \"{product}\"}}}}'\n\n\
         Read on: http://{address}/docs\n"
    )
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(0.0)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
