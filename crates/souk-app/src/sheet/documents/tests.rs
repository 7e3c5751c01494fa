#![allow(clippy::unwrap_used)]

use tempfile::TempDir;

use super::Documents;
use crate::sheet::IsGzip;

fn read(bytes: &[u8]) -> Vec<(u64, Result<String, String>)> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.json");
    std::fs::write(&path, bytes).unwrap();
    let (mut documents, _) = Documents::open(&path, IsGzip::No).unwrap();
    let mut all = Vec::new();
    while let Some((line, read)) = documents.next_document().unwrap() {
        all.push((line, read.map_err(|fault| fault.reason)));
    }
    all
}

fn texts(bytes: &[u8]) -> Vec<(u64, String)> {
    read(bytes).into_iter().map(|(line, read)| (line, read.unwrap())).collect()
}

#[test]
fn a_list_lines_and_spread_objects_are_read_alike() {
    let expected = |lines: [u64; 2]| vec![(lines[0], r#"{"a":1}"#), (lines[1], r#"{"a":[{}]}"#)];
    for (text, lines) in [
        ("[{\"a\":1},{\"a\":[{}]}]", [1, 1]),
        ("[\n  {\"a\":1},\n  {\"a\":[{}]}\n]\n", [2, 3]),
        ("{\"a\":1}\n\n{\"a\":[{}]}\n", [1, 3]),
        ("{\"a\":1} {\"a\":[{}]}", [1, 1]),
    ] {
        let found = texts(text.as_bytes());
        let found: Vec<(u64, &str)> = found.iter().map(|(n, text)| (*n, text.as_str())).collect();
        assert_eq!(found, expected(lines), "{text}");
    }
    assert_eq!(texts(b"[{\n\"a\"\n:1}, {}]"), [(1, "{\n\"a\"\n:1}".into()), (3, "{}".into())]);
    assert_eq!(texts(b"[]"), []);
}

#[test]
fn braces_and_quotes_within_texts_do_not_count() {
    let text = r#"{"a":"} \" ] {","b":"\\"}"#;
    assert_eq!(texts(format!("[{text},{text}]").as_bytes()).len(), 2);
}

#[test]
fn one_object_at_fault_costs_that_one_alone() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    let text = format!("{{\"a\":1}}\nno object\n{long}\n{{\"never\":\n{{\"b\":2}}\n{{\"c\":");
    let found = read(text.as_bytes());
    let reasons: Vec<(u64, &str)> = found
        .iter()
        .map(|(line, read)| (*line, read.as_ref().map_or_else(|why| why.as_str(), |_| "read")))
        .collect();
    assert_eq!(
        reasons,
        [
            (1, "read"),
            (2, "there is no JSON object here"),
            (3, "the object is over 1 MiB"),
            (4, "the object that begins here never ends"),
            (5, "read"),
            (6, "the object that begins here never ends"),
        ]
    );
    assert_eq!(
        read(b"{\"a\":\"\xff\"}")[0].1.as_ref().unwrap_err(),
        "the object is not UTF-8, as JSON must be"
    );
}

#[test]
fn what_is_no_object_in_a_list_costs_no_other() {
    let kinds = |text: &str| {
        let found = read(text.as_bytes()).into_iter();
        found
            .map(|(line, read)| format!("{line} {}", read.unwrap_or_else(|_| "-".into())))
            .collect::<Vec<String>>()
    };
    let (a, b) = ("1 {\"a\":1}", "1 {\"b\":2}");
    assert_eq!(kinds("[{\"a\":1},null,{\"b\":2}]"), [a, "1 -", b]);
    assert_eq!(kinds("[{\"a\":1},\"x, {\\\" [\",7,{\"b\":2}]"), [a, "1 -", "1 -", b]);
    assert_eq!(kinds("null {\"a\":1}"), ["1 -", a]);
    assert_eq!(kinds("[null,\n\"never closed, {}\n,{\"b\":2}]"), ["1 -", "2 -", "3 {\"b\":2}"]);
    // Of lines each stands by itself.
    assert_eq!(kinds("{\"a\":1}\nnull, {\"b\":2}\n{}\n"), [a, "2 -", "3 {}"]);
}
