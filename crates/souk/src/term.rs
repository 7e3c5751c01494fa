//! The terminal: results on stdout, everything else on stderr.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use souk_app::Progress;

use crate::cli::Output;

/// Writes a result in the wanted form. `table` names the list inside `result` that is a table.
pub(crate) fn print_result(
    output: Output,
    result: &Value,
    text: impl FnOnce(&Value) -> String,
) -> io::Result<()> {
    let text = match output {
        Output::Text => text(result),
        Output::Json => serde_json::to_string_pretty(result)?,
        Output::Csv => csv(result),
    };
    print_line(&text)
}

/// Writes a text to stdout; a reader that went away (`| head`) is no failure.
pub(crate) fn print_line(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let newline = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    match write!(stdout, "{text}{newline}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a text to stderr.
pub(crate) fn say(text: &str) {
    // A closed stderr must not end the work.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// The first list of objects in a result, as comma-separated values (RFC 4180); without one, its plain fields. What is inside
/// an object stands in columns of its own (`cost_amount`), plain values of a list in one cell with `|` between them, and
/// a list of objects as JSON.
fn csv(result: &Value) -> String {
    let rows = match result {
        Value::Array(rows) => rows.clone(),
        Value::Object(fields) => fields
            .values()
            .find_map(Value::as_array)
            .cloned()
            .unwrap_or_else(|| vec![result.clone()]),
        other => vec![other.clone()],
    };
    let mut columns: Vec<String> = Vec::new();
    let mut flat: Vec<BTreeMap<String, String>> = Vec::new();
    for row in &rows {
        let mut cells = Vec::new();
        flatten("", row, &mut cells);
        for (name, _) in &cells {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        flat.push(cells.into_iter().collect());
    }
    // What is an object in one row and nothing in another is the object's columns.
    let is_parent = |name: &String| {
        let inner = format!("{name}_");
        flat.iter().all(|row| row.get(name).is_none_or(String::is_empty))
            && columns.iter().any(|other| other.starts_with(&inner))
    };
    let kept: Vec<&String> = columns.iter().filter(|name| !is_parent(name)).collect();
    let line = |cells: Vec<String>| cells.join(",") + "\n";
    let mut text = line(kept.iter().map(|name| quoted(name)).collect());
    for row in &flat {
        let cell = |name: &&String| row.get(*name).map(|cell| quoted(cell)).unwrap_or_default();
        text.push_str(&line(kept.iter().map(cell).collect()));
    }
    text
}

fn flatten(name: &str, value: &Value, cells: &mut Vec<(String, String)>) {
    let Value::Object(fields) = value else {
        return cells.push((name.to_owned(), cell(value)));
    };
    for (inner, value) in fields {
        let name = if name.is_empty() { inner.clone() } else { format!("{name}_{inner}") };
        flatten(&name, value, cells);
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.iter().any(|one| one.is_object() || one.is_array()) => {
            value.to_string()
        }
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join("|"),
        other => other.to_string(),
    }
}

fn quoted(cell: &str) -> String {
    match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}

/// Rows of text in columns, the first row as heading; numbers stand right.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..n_columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let is_number = cell.trim().replace(',', "").parse::<f64>().is_ok();
            let fill = " ".repeat(width - cell.chars().count());
            let (before, after) =
                if is_number { (fill, String::new()) } else { (String::new(), fill) };
            line.push_str(&format!("{before}{cell}{after}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A number with its thousands apart.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A progress bar on stderr; on anything but a terminal only notes appear.
#[derive(Debug)]
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    pub(crate) fn new() -> Bar {
        let bar = if io::stderr().is_terminal() {
            ProgressBar::no_length()
        } else {
            ProgressBar::hidden()
        };
        Bar { bar }
    }
}

impl Progress for Bar {
    fn begin(&self, what: &str, total: Option<u64>) {
        let template = match total {
            Some(_) => "{msg} [{bar:30}] {human_pos}/{human_len} ({per_sec}, {eta} left)",
            None => "{spinner} {msg}: {human_pos} ({per_sec})",
        };
        let style = ProgressStyle::with_template(template).expect("the template is fixed");
        self.bar.set_style(style.progress_chars("=> "));
        self.bar.reset();
        if let Some(total) = total {
            self.bar.set_length(total);
        }
        self.bar.set_message(what.to_owned());
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    fn advance(&self, steps: u64) {
        self.bar.inc(steps);
    }

    fn note(&self, text: &str) {
        self.bar.suspend(|| say(text));
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests;
