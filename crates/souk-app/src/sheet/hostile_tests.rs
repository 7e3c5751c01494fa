#![allow(clippy::unwrap_used)]

use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::bounded::{CutLines, ROW_BYTES_MAX, Unpacking};
use super::{BLOCK_BYTES_MAX, open};
use crate::AppError;

fn file(folder: &TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

/// What came of a whole file: ids in its first column, faults, and what ended it.
fn read(path: &Path) -> (Vec<String>, Vec<(u64, String)>, Option<AppError>) {
    let (mut ids, mut faults) = (Vec::new(), Vec::new());
    let mut sheet = match open(path) {
        Ok(sheet) => sheet,
        Err(error) => return (ids, faults, Some(error)),
    };
    loop {
        match sheet.next_block() {
            Err(error) => return (ids, faults, Some(error)),
            Ok(None) => return (ids, faults, None),
            Ok(Some(block)) => {
                let n_bytes: usize = (0..block.len()).map(|row| cell(&block, row).len()).sum();
                assert!(n_bytes <= 2 * BLOCK_BYTES_MAX, "a block of {n_bytes} bytes");
                assert!(block.faults.len() <= super::BLOCK_ROWS, "{} faults", block.faults.len());
                faults.extend(block.faults.iter().map(|f| (f.line, f.reason.clone())));
                ids.extend((0..block.len()).map(|row| cell(&block, row)));
            }
        }
    }
}

fn cell(block: &super::Block, row: usize) -> String {
    block.cell(row, 0).text().unwrap_or_default().into_owned()
}

/// A row that is far too long between two good ones, in each kind of file.
#[test]
fn an_endless_row_is_a_fault_and_its_neighbours_are_kept() {
    let folder = TempDir::new().unwrap();
    let long = "x".repeat(5 * ROW_BYTES_MAX);
    let files = [
        ("a.csv", format!("id,title\n1,a\n2,{long}\n3,c\n")),
        ("b.csv", format!("id,title\n1,a\n{}\n3,c\n", ",".repeat(5 * ROW_BYTES_MAX))),
        ("c.tsv", format!("id\ttitle\n1\ta\n2\t\"{long}\"\n3\tc\n")),
        ("d.jsonl", format!("{{\"id\":1,\"a\":2}}\n{{\"id\":\"{long}\"}}\n{{\"id\":3,\"a\":2}}\n")),
    ];
    for (name, text) in files {
        let path = file(&folder, name);
        std::fs::write(&path, text).unwrap();
        let (ids, faults, end) = read(&path);
        assert!(end.is_none(), "{name}: {end:?}");
        // A quotation mark that is cut off before its end takes the next row with it.
        let kept: &[&str] = if name == "c.tsv" { &["1"] } else { &["1", "3"] };
        assert_eq!(ids, kept, "{name}");
        assert!(faults.len() == 1 && faults[0].1.contains("over 1"), "{name}: {faults:?}");
    }
}

#[test]
fn a_quotation_mark_that_never_closes_ends_the_file_and_says_so() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.csv");
    let lines = "2,b\n".repeat(3 * ROW_BYTES_MAX);
    std::fs::write(&path, format!("id,title\n1,\"a\n{lines}")).unwrap();
    let (_, _, end) = read(&path);
    let said = chain(&end.unwrap());
    assert!(said.contains("quotation mark"), "{said}");
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

#[test]
fn a_gzip_bomb_is_told_from_a_table() {
    let folder = TempDir::new().unwrap();
    for (name, head) in [("a.csv.gz", "id,title\n1,a\n"), ("b.jsonl.gz", "{\"id\":1}\n")] {
        let path = file(&folder, name);
        let mut packed = GzEncoder::new(std::fs::File::create(&path).unwrap(), Compression::fast());
        packed.write_all(head.as_bytes()).unwrap();
        let zeros = vec![b'0'; 1 << 20];
        (0..80).for_each(|_| packed.write_all(&zeros).unwrap());
        packed.finish().unwrap();
        let (_, _, end) = read(&path);
        let said = chain(&end.unwrap());
        assert!(said.contains("times its size") && said.contains("unpack it"), "{name}: {said}");
    }
}

#[test]
fn an_unpacking_reader_ends_at_its_bound_whatever_comes() {
    let mut reader = Unpacking::new(std::io::repeat(0), 1_000_000);
    let mut seen = 0;
    let mut buffer = vec![0; 1 << 20];
    let end = loop {
        match reader.read(&mut buffer) {
            Ok(n_read) => seen += n_read,
            Err(error) => break error,
        }
    };
    assert!(seen <= 200_000_000 && seen > 198_000_000, "{seen}");
    assert!(end.to_string().contains("200000000"), "{end}");
}

#[test]
fn lines_are_cut_one_byte_behind_their_bound() {
    let input = BufReader::new(std::io::Cursor::new(
        [vec![b'x'; 3 << 20], b"\nab\n\ncd".to_vec()].concat(),
    ));
    let (mut lines, record) = CutLines::new(input);
    let mut seen = Vec::new();
    let mut buffer = [0; 8_192];
    loop {
        let n_read = lines.read(&mut buffer).unwrap();
        record.row_is_whole();
        if n_read == 0 {
            break;
        }
        seen.extend_from_slice(&buffer[..n_read]);
    }
    assert_eq!(seen.len(), ROW_BYTES_MAX + 1 + 7);
    assert!(seen.ends_with(b"\nab\n\ncd"));
}

#[test]
fn deep_json_is_a_fault_of_its_line() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.jsonl");
    let deep = format!("{{\"id\":{}", "[".repeat(100_000));
    std::fs::write(&path, format!("{{\"id\":1}}\n{deep}\n{{\"id\":3}}\n")).unwrap();
    let (ids, faults, end) = read(&path);
    assert!(end.is_none() && ids == ["1", "3"], "{ids:?}");
    assert!(faults.len() == 1 && faults[0].0 == 2, "{faults:?}");
}

#[test]
fn more_columns_than_a_table_has_are_refused() {
    let folder = TempDir::new().unwrap();
    let names: Vec<String> = (0..1_001).map(|n| format!("c{n}")).collect();
    let object: Vec<String> = names.iter().map(|name| format!("\"{name}\":1")).collect();
    for (name, text) in [
        ("a.csv", format!("{}\n", names.join(","))),
        ("a.jsonl", format!("{{{}}}\n", object.join(","))),
    ] {
        let path = file(&folder, name);
        std::fs::write(&path, text).unwrap();
        let said = read(&path).2.unwrap().to_string();
        assert!(said.contains("over 1000 columns"), "{name}: {said}");
    }
}

/// Faults alone must come in blocks too, or a long file of nonsense would fill the memory.
#[test]
fn a_file_of_faults_comes_in_blocks() {
    let folder = TempDir::new().unwrap();
    for (name, head, line) in [("a.csv", "id,title\n", "1\n"), ("a.jsonl", "{\"id\":1}\n", "x\n")] {
        let path = file(&folder, name);
        std::fs::write(&path, format!("{head}{}", line.repeat(50_000))).unwrap();
        let (_, faults, end) = read(&path);
        assert!(end.is_none());
        assert_eq!(faults.len(), 50_000, "{name}");
    }
}

/// A Parquet file of one text column with these values, each as often as asked.
fn parquet_of(path: &Path, values: &[(String, usize)]) {
    use parquet::data_type::{ByteArray, ByteArrayType};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    let schema = parse_message_type("message m { required byte_array id (utf8); }").unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut file =
        SerializedFileWriter::new(file, std::sync::Arc::new(schema), Default::default()).unwrap();
    let mut group = file.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let rows: Vec<ByteArray> = values
        .iter()
        .flat_map(|(value, times)| vec![ByteArray::from(value.as_str()); *times])
        .collect();
    column.typed::<ByteArrayType>().write_batch(&rows, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    file.close().unwrap();
}

#[test]
fn a_value_that_is_far_too_long_is_a_fault_and_its_neighbours_are_kept() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.parquet");
    let long = "x".repeat(2 * ROW_BYTES_MAX);
    parquet_of(&path, &[("a".to_owned(), 1), (long, 1), ("c".to_owned(), 1)]);
    let (ids, faults, end) = read(&path);
    assert!(end.is_none() && ids == ["a", "", "c"], "{end:?}");
    assert!(faults.len() == 1 && faults[0].0 == 2, "{faults:?}");
}

/// One long value of a dictionary, named by thousands of rows: a small file, and gigabytes in memory.
#[test]
fn a_dictionary_bomb_ends_at_the_bound_of_a_block() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.parquet");
    parquet_of(&path, &[("x".repeat(64 << 10), super::BLOCK_ROWS)]);
    assert!(std::fs::metadata(&path).unwrap().len() < 1 << 20, "it is no bomb");
    let (ids, _, end) = read(&path);
    let said = end.unwrap().to_string();
    assert!(ids.is_empty() && said.contains("column `id` has over"), "{said}");
}
