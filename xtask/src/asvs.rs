//! Keeps `docs/security/asvs.md` true: each item of OWASP ASVS 5.0.0 at levels 1 and 2 has a row, and
//! what a row names exists.
//!
//! A row is `| ID | what is asked | verdict | evidence |`. The id is one item (`v5.0.0-1.2.3`), a
//! whole section (`v5.0.0-4.3.*`) or a whole chapter (`v5.0.0-17.*`). Verdicts are `test`, `design`,
//! `exempt` and `open`. Evidence names tests as `` `path.rs::function` `` and files as `` `path` ``.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const DOCUMENT: &str = "docs/security/asvs.md";
const PREFIX: &str = "v5.0.0-";

/// The levels of each section's items in order, as ASVS 5.0.0 of May 2025 numbers them.
const SECTIONS: &[(&str, &str)] = &[
    ("1.1", "22"),
    ("1.2", "1111122223"),
    ("1.3", "112222222223"),
    ("1.4", "222"),
    ("1.5", "123"),
    ("2.1", "122"),
    ("2.2", "112"),
    ("2.3", "12223"),
    ("2.4", "23"),
    ("3.1", "3"),
    ("3.2", "113"),
    ("3.3", "12223"),
    ("3.4", "11222233"),
    ("3.5", "11122333"),
    ("3.6", "3"),
    ("3.7", "22333"),
    ("4.1", "12233"),
    ("4.2", "23333"),
    ("4.3", "22"),
    ("4.4", "1222"),
    ("5.1", "2"),
    ("5.2", "112333"),
    ("5.3", "113"),
    ("5.4", "222"),
    ("6.1", "122"),
    ("6.2", "111111112222"),
    ("6.3", "11223333"),
    ("6.4", "112233"),
    ("6.5", "22222333"),
    ("6.6", "2223"),
    ("6.7", "33"),
    ("6.8", "2222"),
    ("7.1", "222"),
    ("7.2", "1111"),
    ("7.3", "22"),
    ("7.4", "11222"),
    ("7.5", "223"),
    ("7.6", "22"),
    ("8.1", "1233"),
    ("8.2", "1123"),
    ("8.3", "133"),
    ("8.4", "23"),
    ("9.1", "111"),
    ("9.2", "1222"),
    ("10.1", "22"),
    ("10.2", "223"),
    ("10.3", "22223"),
    ("10.4", "1111122222233333"),
    ("10.5", "22222"),
    ("10.6", "22"),
    ("10.7", "222"),
    ("11.1", "2233"),
    ("11.2", "22233"),
    ("11.3", "11233"),
    ("11.4", "1222"),
    ("11.5", "23"),
    ("11.6", "23"),
    ("11.7", "33"),
    ("12.1", "12233"),
    ("12.2", "11"),
    ("12.3", "22223"),
    ("13.1", "2333"),
    ("13.2", "222223"),
    ("13.3", "2233"),
    ("13.4", "1222233"),
    ("14.1", "22"),
    ("14.2", "12223333"),
    ("14.3", "122"),
    ("15.1", "12233"),
    ("15.2", "12233"),
    ("15.3", "1222222"),
    ("15.4", "3333"),
    ("16.1", "2"),
    ("16.2", "22222"),
    ("16.3", "2222"),
    ("16.4", "222"),
    ("16.5", "2223"),
    ("17.1", "23"),
    ("17.2", "22223333"),
    ("17.3", "22"),
];

/// What is wrong with the table, and with the names in the threat model beside it.
pub(crate) fn check(root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for name in [DOCUMENT, "docs/security/threat-model.md"] {
        match std::fs::read_to_string(root.join(name)) {
            Ok(text) => {
                faults.extend(check_names(root, name, &text));
                if name == DOCUMENT {
                    faults.extend(check_rows(&text));
                }
            }
            Err(error) => faults.push(format!("{name}: {error}")),
        }
    }
    faults
}

/// Every item is answered once, with a verdict and a reason.
fn check_rows(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut answered: BTreeMap<String, usize> = BTreeMap::new();
    let rows = text.lines().enumerate().filter(|(_, line)| line.starts_with("| v"));
    for (idx, line) in rows {
        let place = format!("{DOCUMENT}:{}", idx + 1);
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [id, _, verdict, evidence] = cells[..] else {
            faults.push(format!("{place} has {} cells; a row has 4", cells.len()));
            continue;
        };
        if !["test", "design", "exempt", "open"].contains(&verdict) {
            faults
                .push(format!("{place}: verdict `{verdict}`; it is test, design, exempt or open"));
        }
        if verdict == "test" && !evidence.contains("::") {
            faults.push(format!("{place} names no test"));
        }
        if evidence.len() < 10 {
            faults.push(format!("{place} gives no evidence"));
        }
        let items = items_of(id);
        if items.is_empty() {
            faults.push(format!("{place}: {id} is no item of levels 1 and 2"));
        }
        for item in items {
            *answered.entry(item).or_default() += 1;
        }
    }
    for item in items_of(&format!("{PREFIX}*")) {
        match answered.get(&item) {
            None => faults.push(format!("{DOCUMENT} does not answer {PREFIX}{item}")),
            Some(1) => {}
            Some(times) => faults.push(format!("{DOCUMENT} answers {PREFIX}{item} {times} times")),
        }
    }
    faults
}

/// The items of levels 1 and 2 that an id means.
fn items_of(id: &str) -> BTreeSet<String> {
    let Some(id) = id.strip_prefix(PREFIX) else { return BTreeSet::new() };
    let mut items = BTreeSet::new();
    for (section, levels) in SECTIONS {
        for (idx, _) in levels.chars().enumerate().filter(|(_, level)| *level != '3') {
            let item = format!("{section}.{}", idx + 1);
            let is_meant = match id.strip_suffix('*') {
                Some(part) => item.starts_with(part),
                None => item == id,
            };
            if is_meant {
                items.insert(item);
            }
        }
    }
    items
}

/// Every `` `file` `` and `` `file::test` `` exists.
fn check_names(root: &Path, document: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (idx, line) in text.lines().enumerate() {
        for quoted in line.split('`').skip(1).step_by(2) {
            let (file, function) = match quoted.split_once("::") {
                Some((file, function)) => (file, Some(function)),
                None => (quoted, None),
            };
            if !is_file_name(file) {
                continue;
            }
            let place = format!("{document}:{}", idx + 1);
            match (std::fs::read_to_string(root.join(file)), function) {
                (Err(_), _) => faults.push(format!("{place} names {file}, which does not exist")),
                (Ok(code), Some(function)) if !has_test(&code, function) => {
                    faults.push(format!("{place}: {file} has no test {function}"));
                }
                _ => {}
            }
        }
    }
    faults
}

/// Whether a quoted text means a file of the project.
fn is_file_name(text: &str) -> bool {
    let folders =
        ["crates/", "xtask/", "docs/", "scripts/", "tests/", "testdata/", "fuzz/", ".ci/"];
    let files = ["souk.yaml", "deny.toml", "Cargo.lock", "Cargo.toml", "Dockerfile", "Makefile"];
    (folders.iter().any(|folder| text.starts_with(folder)) || files.contains(&text))
        && !text.contains([' ', '*', '<'])
}

/// Whether the file has a function of this name that runs as a test, or a shell test of this name.
fn has_test(code: &str, name: &str) -> bool {
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let is_shell = lines.first().is_some_and(|line| line.starts_with("#!/"));
    lines.iter().enumerate().any(|(idx, line)| {
        if is_shell {
            return line.starts_with(&format!("{name}()"));
        }
        let words = line.trim_start_matches("async ").strip_prefix("fn ");
        let is_it = words
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with('('));
        // The attributes stand right above, comments and other attributes between them.
        let above = lines[..idx].iter().rev().take_while(|line| line.starts_with(['#', '/']));
        is_it && above.into_iter().any(|line| line.contains("test]") || line.contains("test("))
    })
}

#[cfg(test)]
mod tests;
