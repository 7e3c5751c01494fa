//! A person's copy as a page that people can read: no script, nothing loaded from elsewhere.

use std::fmt::Write as _;

use serde_json::Value;

const HEAD: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>All that is held about you</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #bbb; padding: .3rem .6rem; text-align: left; vertical-align: top; }
th { width: 14rem; font-weight: 600; }
</style></head><body>
<h1>All that is held about you</h1>
";

/// The page of these lines.
pub(super) fn of(lines: &[Value]) -> String {
    let mut page = HEAD.to_owned();
    for line in lines {
        let title = match line["kind"].as_str() {
            Some("about") => "What this is",
            Some("event") => line["message"]["event"]
                .as_str()
                .unwrap_or_else(|| line["message"]["type"].as_str().unwrap_or("Event")),
            Some("shown") => "Products that were shown",
            Some("link") => "Two ids were found to be one person's",
            Some("derived") => "What is kept to choose products for you",
            _ => "Record",
        };
        page.push_str("<h2>");
        escape(title, &mut page);
        page.push_str("</h2>\n<table>");
        add_rows("", line, &mut page);
        page.push_str("</table>\n");
    }
    page.push_str("</body></html>\n");
    page
}

/// A row for each value, named by its path.
fn add_rows(path: &str, value: &Value, page: &mut String) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path =
                    if path.is_empty() { name.clone() } else { format!("{path} › {name}") };
                add_rows(&path.replace('_', " "), value, page);
            }
        }
        Value::Array(values) if values.iter().any(|value| value.is_object()) => {
            for (idx, value) in values.iter().enumerate() {
                add_rows(&format!("{path} {}", idx + 1), value, page);
            }
        }
        Value::Null => {}
        value => {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Array(values) => {
                    let texts =
                        values.iter().map(|v| v.as_str().map_or(v.to_string(), str::to_owned));
                    texts.collect::<Vec<_>>().join(", ")
                }
                other => other.to_string(),
            };
            page.push_str("<tr><th>");
            escape(path, page);
            page.push_str("</th><td>");
            escape(&text, page);
            page.push_str("</td></tr>");
        }
    }
}

/// Writes text that is no mark-up, whatever it holds.
fn escape(text: &str, page: &mut String) {
    for character in text.chars() {
        match character {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            other => {
                let _ = write!(page, "{other}");
            }
        }
    }
}
