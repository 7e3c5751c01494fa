#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{Cell, Layout, RowFault, normal_name, open};

fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// All rows as text, the faults, and the notes.
fn read(name: &str, bytes: &[u8]) -> (Vec<Vec<String>>, Vec<RowFault>, Vec<String>) {
    let folder = TempDir::new().unwrap();
    let mut sheet = open(&file(&folder, name, bytes)).unwrap();
    let n_columns = sheet.columns().len();
    let mut rows = vec![sheet.columns().to_vec()];
    let mut faults = Vec::new();
    while let Some(block) = sheet.next_block().unwrap() {
        faults.extend(block.faults.clone());
        for row in 0..block.len() {
            let cell = |column| block.cell(row, column).text().unwrap_or_default().into_owned();
            rows.push((0..n_columns).map(cell).collect());
        }
    }
    (rows, faults, sheet.notes())
}

fn error(name: &str, bytes: &[u8]) -> String {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, name, bytes);
    let mut sheet = match open(&path) {
        Err(error) => return error.to_string(),
        Ok(sheet) => sheet,
    };
    loop {
        match sheet.next_block() {
            Err(error) => return error.to_string(),
            Ok(None) => panic!("the file was read"),
            Ok(Some(_)) => {}
        }
    }
}

#[test]
fn separators_are_found_in_the_first_line() {
    for (name, text) in [
        ("a.csv", "id,title\n1,x\n"),
        ("a.csv", "id;title\n1;x\n"),
        ("a.csv", "id\ttitle\n1\tx\n"),
        ("a.txt", "id|title\n1|x\n"),
        ("a.tsv", "id\ttitle\n1\tx\n"),
        ("a.csv", "\"id\";\"title\"\n1;x"),
    ] {
        let (rows, faults, _) = read(name, text.as_bytes());
        assert_eq!(rows, [["id", "title"], ["1", "x"]], "{text:?}");
        assert!(faults.is_empty());
    }
}

#[test]
fn quotes_hold_separators_and_line_breaks() {
    let (rows, faults, _) = read("a.csv", b"id,title\n1,\"two\nlines, one\"\"quote\"\n2,x\n");
    assert_eq!(rows[1][1], "two\nlines, one\"quote");
    assert_eq!(rows[2], ["2", "x"]);
    assert!(faults.is_empty());
}

#[test]
fn a_ragged_row_is_a_fault_with_its_line_and_the_rest_goes_on() {
    let (rows, faults, _) = read("a.csv", b"id,title\n1,x,extra\n2\n3,y\n4,z,,\n");
    assert_eq!(rows[1..], [["3", "y"], ["4", "z"]]);
    let lines: Vec<u64> = faults.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [2, 3]);
    assert!(faults[0].reason.contains("3 fields"), "{}", faults[0].reason);
}

#[test]
fn latin_1_is_read_and_said() {
    let (rows, _, notes) = read("a.csv", b"id,title\n1,Caf\xe9\n2,plain\n");
    assert_eq!(rows[1][1], "Caf\u{e9}");
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("Windows-1252"), "{}", notes[0]);
    let (rows, _, notes) = read("a.csv", "id,title\n1,Caf\u{e9}\n".as_bytes());
    assert_eq!(rows[1][1], "Caf\u{e9}");
    assert!(notes.is_empty());
}

#[test]
fn byte_order_marks_are_honoured() {
    let (rows, _, _) = read("a.csv", b"\xef\xbb\xbfid,title\n1,x\n");
    assert_eq!(rows[0][0], "id");
    let mut wide = vec![0xff, 0xfe];
    wide.extend("id,title\n1,\u{e9}\n".encode_utf16().flat_map(u16::to_le_bytes));
    let (rows, _, notes) = read("a.csv", &wide);
    assert_eq!(rows[1], ["1", "\u{e9}"]);
    assert!(notes[0].contains("UTF-16"), "{}", notes[0]);
}

#[test]
fn gzip_is_unpacked() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"id,title\n1,x\n").unwrap();
    let (rows, _, _) = read("a.csv.gz", &packed.finish().unwrap());
    assert_eq!(rows[1], ["1", "x"]);
}

#[test]
fn json_lines_are_rows_of_their_plain_fields() {
    let text = b"{\"id\": 1, \"inStock\": true}\n\n{\"id\": \"b\", \"tags\": [1]}\nnonsense\n[1]\n";
    let (rows, faults, _) = read("a.jsonl", text);
    assert_eq!(rows, [["id", "in_stock", "tags"], ["1", "true", ""], ["b", "", ""]]);
    let lines: Vec<u64> = faults.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [4, 5]);
    assert!(!faults[0].reason.contains("nonsense"), "a fault never repeats the line");
}

#[test]
fn refused_files_say_why() {
    for (name, bytes, part) in [
        ("a.csv", &b""[..], "is empty"),
        ("a.csv", b" \n\n", "is empty"),
        ("a.jsonl", b"", "is empty"),
        ("a.xlsx", b"x", "ends in `.xlsx`"),
        ("a.parquet", b"not parquet at all", "cannot be read as Parquet"),
        ("a.csv.gz", b"not packed", "a.csv.gz"),
    ] {
        let said = error(name, bytes);
        assert!(said.contains(part), "{name}: {said}");
    }
}

#[test]
fn cells_know_numbers_and_times() {
    let number = |text| Cell::Text(text).number();
    assert_eq!(number("12.50"), Ok(Some(12.5)));
    assert!(number("NaN").is_err() && number("inf").is_err() && number("1,5").is_err());
    assert_eq!(Cell::Empty.number(), Ok(None));
    let ms = |cell: Cell<'_>| cell.time().map(|at| at.unwrap().as_ms());
    let noon = 1_767_268_800_000;
    assert_eq!(ms(Cell::Text("2026-01-01T12:00:00Z")), Ok(noon));
    assert_eq!(ms(Cell::Text("2026-01-01 12:00:00")), Ok(noon));
    assert_eq!(ms(Cell::Text("2026-01-01")), Ok(noon - 43_200_000));
    assert_eq!(ms(Cell::Text("1767268800")), Ok(noon));
    for day in ["20260101", "01.01.2026", "1.1.2026"] {
        assert_eq!(ms(Cell::Text(day)), Ok(noon - 43_200_000), "{day}");
    }
    assert_eq!(ms(Cell::Text("01.01.2026 12:00")), Ok(noon));
    assert_eq!(ms(Cell::Int(20_260_101)), Ok(noon - 43_200_000));
    // No date: seconds.
    assert_eq!(ms(Cell::Int(20_261_301)), Ok(20_261_301_000));
    assert_eq!(ms(Cell::Float(1_767_268_800.5)), Ok(noon + 500));
    for wrong in [Cell::Text("soon"), Cell::Int(-1), Cell::Text("1e300"), Cell::Flag(true)] {
        assert!(wrong.time().is_err(), "{wrong:?}");
    }
}

#[test]
fn ids_read_as_floats_lose_their_fraction() {
    assert_eq!(Cell::Float(123.0).text().unwrap(), "123");
    assert_eq!(Cell::Int(-7).text().unwrap(), "-7");
}

#[test]
fn names_are_one_in_any_spelling() {
    for name in ["order_id", "Order ID", "orderId", " order-id ", "Order.Id", "ORDER_ID"] {
        assert_eq!(normal_name(name), "order_id", "{name}");
    }
    assert_eq!(normal_name("InvoiceNo"), "invoice_no");
    assert_eq!(normal_name("SKU"), "sku");
}

#[test]
fn layouts_are_told_by_name() {
    for name in ["a.csv", "b.TSV", "c.parquet.gz", "d.ndjson"] {
        assert!(Layout::of(std::path::Path::new(name)).is_ok(), "{name}");
    }
    assert!(Layout::of(std::path::Path::new("README")).is_err());
}

#[test]
fn a_decimal_comma_is_read_where_it_can_be_one() {
    let read = |text: &str| Cell::Text(text).number_with_comma();
    for (text, number) in
        [("12,5", 12.5), ("-0,25", -0.25), ("1.050,5", 1050.5), ("7", 7.0), ("1.5", 1.5)]
    {
        assert_eq!(read(text), Ok(Some(number)), "{text}");
    }
    for text in ["1,050,000", "12.5,5", "a,5", "1,5e3", "1,x"] {
        assert!(read(text).is_err(), "{text}");
    }
    let folder = TempDir::new().unwrap();
    for (rows, has_commas) in [("a;b\n1;2,5\n", true), ("a,b\n1,\"2,5\"\n", false)] {
        let sheet = open(&file(&folder, "x.csv", rows.as_bytes())).unwrap();
        assert_eq!(sheet.has_decimal_commas(), has_commas, "{rows}");
    }
}
