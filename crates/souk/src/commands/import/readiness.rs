//! The report on what there is to learn from.

use serde_json::{Value, json};
use souk_app::{FileRead, PartReady, ReadinessReport, Sufficiency, Weight};
use souk_core::ProductId;

use crate::term::{columns, thousands};

pub(super) fn json_of(readiness: &ReadinessReport) -> Value {
    let ReadinessReport { files, products, orders, events, people, findings, parts } = readiness;
    let day = |day: Option<souk_core::Day>| day.map(|day| day.to_string());
    let named: Vec<&str> = orders.unknown_named.iter().map(ProductId::as_str).collect();
    let gap = orders.longest_gap.map(|(first, last)| json!([first.to_string(), last.to_string()]));
    let findings: Vec<Value> = findings
        .iter()
        .map(
            |one| json!({"weight": weight(one.weight), "about": one.subject, "detail": one.detail}),
        )
        .collect();
    json!({
        "files": files.iter().map(file).collect::<Vec<_>>(),
        "products": {
            "count": products.count,
            "variants": products.variants,
            "twice": products.twice,
            "without_price": products.without_price,
            "without_category": products.without_category,
            "without_description": products.without_description,
            "without_image": products.without_image,
            "without_title": products.without_title,
            "prices_in_other_currency": products.foreign_prices,
            "not_sellable": products.not_sellable,
            "negative_stock": products.negative_stock,
        },
        "orders": {
            "count": orders.count,
            "lines": orders.lines,
            "with_several_products": orders.with_several_products,
            "cancelled": orders.cancelled,
            "refunds": orders.refunds,
            "without_person": orders.without_person,
            "twice": orders.twice,
            "lines_without_price": orders.lines_without_price,
            "lines_in_other_currency": orders.foreign_lines,
            "first_day": day(orders.first_day),
            "last_day": day(orders.last_day),
            "days_without_sales": orders.days_without_sales,
            "longest_gap": gap,
            "unknown_products": orders.unknown_products,
            "unknown_named": named,
        },
        "events": {
            "count": events.count,
            "views": events.views,
            "carts": events.carts,
            "searches": events.searches,
            "twice": events.twice,
            "unknown_products": events.unknown_products,
            "unknown_kinds": events.unknown_kinds,
        },
        "people": {
            "active": people.active,
            "with_one_order": people.with_one_order,
            "with_two_orders": people.with_two_orders,
            "with_five_orders": people.with_five_orders,
            "with_views": people.with_views,
            "described": people.described,
            "said_yes_to_marketing": people.said_yes_to_marketing,
            "said_no_to_marketing": people.said_no_to_marketing,
        },
        "findings": findings,
        "parts": parts.iter().map(part).collect::<Vec<_>>(),
    })
}

fn file(file: &FileRead) -> Value {
    json!({
        "path": file.path.display().to_string(),
        "read_as": file.label,
        "facts": file.facts,
        "passed_over": file.passed_over,
        "rejected": file.rejected,
        "refused": file.refused,
        "rejected_file": file.listed.as_ref().map(|path| path.display().to_string()),
    })
}

fn part(part: &PartReady) -> Value {
    let verdict = match part.verdict {
        Sufficiency::Missing => "missing",
        Sufficiency::Thin => "thin",
        Sufficiency::Ready => "ready",
    };
    json!({"part": part.part, "verdict": verdict, "detail": part.detail})
}

fn weight(weight: Weight) -> &'static str {
    match weight {
        Weight::Fine => "fine",
        Weight::Notice => "notice",
        Weight::Trouble => "trouble",
    }
}

/// The report for people.
pub(super) fn text(readiness: &Value) -> String {
    let mut text = String::from("\nWhat was read\n");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for file in list(&readiness["files"]) {
        let count = thousands(file["facts"].as_u64().unwrap_or(0));
        text.push_str(&format!(
            "  {}: {} facts as {}\n",
            word(&file["path"]),
            count,
            word(&file["read_as"])
        ));
        for (what, reasons) in
            [("left out", &file["rejected"]), ("passed over", &file["passed_over"])]
        {
            for (reason, count) in reasons.as_object().into_iter().flatten() {
                let count = thousands(count.as_u64().unwrap_or(0));
                text.push_str(&format!("    {what} {count}: {reason}\n"));
            }
        }
        if let Some(path) = file["rejected_file"].as_str() {
            text.push_str(&format!("    by line and column: {path}\n"));
        }
    }
    text.push_str("\nWhat it holds\n");
    let rows: Vec<Vec<String>> = ["products", "orders", "events", "people"]
        .iter()
        .map(|section| vec![format!("  {section}"), counts(&readiness[*section])])
        .collect();
    text.push_str(&columns(&rows));
    let findings = list(&readiness["findings"]);
    if !findings.is_empty() {
        text.push_str("\nWhat is odd, and what to do\n");
        let row = |one: &Value| {
            vec![format!("  {}", word(&one["weight"])), word(&one["about"]), word(&one["detail"])]
        };
        text.push_str(&columns(&findings.iter().map(row).collect::<Vec<_>>()));
    }
    text.push_str("\nWhat each part can do with it\n");
    let row = |one: &Value| {
        vec![format!("  {}", word(&one["part"])), word(&one["verdict"]), word(&one["detail"])]
    };
    text.push_str(&columns(&list(&readiness["parts"]).iter().map(row).collect::<Vec<_>>()));
    text
}

/// The counts of a section that are not 0, in one line.
fn counts(section: &Value) -> String {
    let shown = |(name, value): (&String, &Value)| {
        let name = name.replace('_', " ");
        match value {
            Value::Number(number) => {
                let count = number.as_u64().filter(|count| *count > 0)?;
                match name.as_str() {
                    "count" => Some(thousands(count)),
                    name => Some(format!("{name} {}", thousands(count))),
                }
            }
            Value::String(text) => Some(format!("{name} {text}")),
            Value::Array(all) if !all.is_empty() => {
                let all: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
                Some(format!("{name} {}", all.join(" to ")))
            }
            _ => None,
        }
    };
    let shown: Vec<String> = section.as_object().into_iter().flatten().filter_map(shown).collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
