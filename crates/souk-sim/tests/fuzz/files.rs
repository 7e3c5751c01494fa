//! Files that a shop reads: tables to import, backups to restore.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, GzipLevel};
use parquet::data_type::{ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use souk_app::{ImportOptions, Silent, System, sheet};
use souk_embedded::EmbeddedOptions;
use souk_ports::{IdHash, KeyStore as _};

use crate::Target;
use crate::http::Desk;

const ORDERS: &str = "Order ID,SKU,Qty,Line Total,Household ID,Store,Date\n\
    1,a,2,5.00,h1,s1,2026-01-10T10:00:00Z\n2,\"b \"\"x\"\"\",1,3.20,h2,s1,2026-01-10\n";
const MESSAGES: &str = "{\"type\":\"track\",\"event\":\"Product Viewed\",\"userId\":\"u\",\
    \"messageId\":\"m\",\"properties\":{\"product_id\":\"p\"}}\n{\"type\":\"page\",\"anonymousId\":\"a\"}\n";

/// Opens the bytes as a file of this name and reads it to its end.
fn read(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    let Ok(mut sheet) = sheet::open(&path) else { return };
    let n_columns = sheet.columns().len();
    while let Ok(Some(block)) = sheet.next_block() {
        for row in 0..block.len() {
            for column in 0..n_columns {
                let cell = block.cell(row, column);
                let _ = (cell.text(), cell.number(), cell.time());
            }
        }
    }
    let _ = sheet.notes();
}

fn run(name: &'static str, (file, inputs): (&str, u64), seeds: Vec<Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    Target { name, inputs, seeds }.run(|input| read(folder.path(), file, input));
}

fn utf16(text: &str) -> Vec<u8> {
    [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn csv() {
    let semicolons = ORDERS.replace(',', ";").into_bytes();
    run("csv", ("a.csv", 1_500), vec![ORDERS.into(), semicolons, utf16(ORDERS)]);
}

#[test]
fn tsv() {
    run("tsv", ("a.tsv", 1_000), vec![ORDERS.replace(',', "\t").into_bytes()]);
}

#[test]
fn json_lines() {
    let flat = b"{\"id\":1,\"title\":\"a\",\"price\":1.5,\"x\":[1]}\n{\"id\":2}\n".to_vec();
    run("json_lines", ("a.jsonl", 1_500), vec![flat, MESSAGES.into()]);
}

#[test]
fn gzip() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(ORDERS.repeat(40).as_bytes()).unwrap();
    run("gzip", ("a.csv.gz", 300), vec![packed.finish().unwrap()]);
}

fn parquet_file(compression: Compression, has_dictionary: bool) -> Vec<u8> {
    let schema = "message orders { required byte_array order_id (utf8); optional byte_array sku (utf8); \
                  required int64 date (timestamp_millis); required double price; }";
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_dictionary_enabled(has_dictionary)
        .build();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
    for _ in 0..2 {
        let mut group = file.next_row_group().unwrap();
        let ids: Vec<_> = (0..50).map(|n| format!("o{}", n % 20).as_str().into()).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&ids, None, None).unwrap();
        column.close().unwrap();
        let levels: Vec<i16> = (0..50).map(|n| n % 2).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&ids[..25], Some(&levels), None).unwrap();
        column.close().unwrap();
        let times: Vec<i64> = (0..50).map(|n| 1_700_000_000_000 + n).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&times, None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&[1.5; 50], None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    file.close().unwrap();
    bytes
}

#[test]
fn parquet() {
    let gzip = Compression::GZIP(GzipLevel::default());
    let seeds = vec![
        parquet_file(Compression::UNCOMPRESSED, true),
        parquet_file(Compression::UNCOMPRESSED, false),
        parquet_file(Compression::SNAPPY, true),
        parquet_file(gzip, false),
    ];
    run("parquet", ("a.parquet", 1_500), seeds);
}

/// The whole way of a file into the log or the tables, not only its reading.
#[test]
fn import() {
    let desk = Desk::open();
    let products = "id,title,price\np1,Tea,1.50\n";
    let consents = "user_id,purpose,decision,at\nu1,marketing,granted,2026-01-01\n";
    let mut seeds: Vec<Vec<u8>> =
        [ORDERS, MESSAGES, products, consents].map(|text| text.as_bytes().to_vec()).to_vec();
    // Suppliers, purchase orders, stock, promotions: what a planner brings.
    seeds.extend(heads_of("planning"));
    Target { name: "import", inputs: 250, seeds }.run(|input| bring_in(&desk, input, None));
}

/// Another system's own exports.
#[test]
fn moving_in() {
    let desk = Desk::open();
    for (system, inputs) in System::ALL.into_iter().zip([60; System::ALL.len()]) {
        let (name, seeds) = (system.as_str(), heads_of(&format!("moving/{}", system.as_str())));
        Target { name, inputs, seeds }.run(|input| bring_in(&desk, input, Some(system)));
    }
}

fn bring_in(desk: &Desk, input: &[u8], from: Option<System>) {
    let name = if input.starts_with(b"{") { "a.jsonl" } else { "a.csv" };
    let path = desk.folder.path().join(name);
    std::fs::write(&path, input).unwrap();
    let options = ImportOptions { from, ..ImportOptions::default() };
    let _ = desk.runtime.block_on(desk.app.import(&path, &options, &Silent));
}

/// The first lines of each table of a folder in `testdata`.
fn heads_of(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(folder);
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "csv" || kind == "json"));
    paths.sort();
    let head = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        text.split_inclusive('\n').take(8).collect::<String>().into_bytes()
    };
    paths.iter().map(head).collect()
}

/// Whatever a backup says, restoring it panics nowhere and writes nowhere but into its target.
#[test]
fn backup() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let embedded = souk_embedded::open(&data, &EmbeddedOptions::default()).unwrap();
    let source = folder.path().join("backup");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(embedded.backup(&source)).unwrap();
    let manifest = std::fs::read_dir(&source).unwrap().map(|entry| entry.unwrap().path());
    let manifest = manifest.into_iter().find(|path| path.extension().is_some_and(|e| e == "json"));
    let manifest = manifest.expect("a backup has a manifest");
    let whole = std::fs::read(&manifest).unwrap();
    let text = String::from_utf8(whole.clone()).unwrap();
    let seeds = vec![
        whole,
        text.replace("log.db", "../log.db").into_bytes(),
        text.replace("log.db", "/tmp/log.db").into_bytes(),
    ];
    let room = folder.path().join("room");
    let entries = |at: &Path| std::fs::read_dir(at).unwrap().count();
    let around = entries(folder.path());
    Target { name: "backup", inputs: 200, seeds }.run(|input| {
        std::fs::write(&manifest, input).unwrap();
        std::fs::create_dir_all(&room).unwrap();
        let is_whole = souk_embedded::restore(&source, &room.join("new")).is_ok();
        assert!(entries(&room) <= usize::from(is_whole), "something lies beside the target");
        std::fs::remove_dir_all(&room).unwrap();
        assert_eq!(entries(folder.path()), around, "something lies outside");
    });
}

/// An application in which shoppers did something.
pub(crate) fn busy_desk() -> Desk {
    let desk = Desk::open();
    let path = desk.folder.path().join("a.jsonl");
    std::fs::write(&path, MESSAGES).unwrap();
    let options = ImportOptions::default();
    desk.runtime.block_on(desk.app.import(&path, &options, &Silent)).unwrap();
    desk
}

/// Whatever stands in the key store's rows, opening it is an error or works.
#[test]
fn key_rows() {
    let Desk { folder, app, embedded, runtime } = busy_desk();
    drop((app, runtime, embedded));
    let whole = folder.path().join("data");
    let rows = std::fs::read(whole.join("keys/keys.db")).unwrap();
    let room = folder.path().join("room");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    Target { name: "key_rows", inputs: 60, seeds: vec![rows] }.run(|input| {
        let _ = std::fs::remove_dir_all(&room);
        copy_folder(&whole, &room);
        std::fs::write(room.join("keys/keys.db"), input).unwrap();
        let Ok(embedded) = souk_embedded::open(&room, &EmbeddedOptions::default()) else { return };
        let _ = runtime.block_on(embedded.keys.find(&[IdHash([7; 16])]));
        let _ = runtime.block_on(embedded.keys.resolve(&[IdHash([8; 16])]));
    });
}

/// Whatever stands in a backup's files, restoring and opening it is an error or works.
#[test]
fn restored() {
    let desk = busy_desk();
    let backup = desk.folder.path().join("backup");
    desk.runtime.block_on(desk.embedded.backup(&backup)).unwrap();
    let log = backup.join("log.db");
    let seeds = vec![std::fs::read(&log).unwrap()];
    let room = desk.folder.path().join("room");
    Target { name: "restored", inputs: 60, seeds }.run(|input| {
        let _ = std::fs::remove_dir_all(&room);
        std::fs::write(&log, input).unwrap();
        if souk_embedded::restore(&backup, &room).is_ok() {
            let _ = souk_embedded::open(&room, &EmbeddedOptions::default());
        }
    });
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy_folder(&path, &target),
            false => drop(std::fs::copy(&path, &target).unwrap()),
        }
    }
}
