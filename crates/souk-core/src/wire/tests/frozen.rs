//! Bytes that were once written must be read for good: see `testdata/wire/PROVENANCE.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::{decode_event, encode_event, record_kind};
use super::samples::samples;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/wire/v1")
}

fn to_hex(bytes: &[u8]) -> String {
    let rows = bytes.chunks(32).map(|row| row.iter().map(|byte| format!("{byte:02x}")).collect());
    rows.collect::<Vec<String>>().join("\n") + "\n"
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// Writes the samples that are new, if asked to; never one that is there.
fn write_new_samples() {
    if std::env::var_os("SOUK_WRITE_SAMPLES").is_none() {
        return;
    }
    fs::create_dir_all(folder()).unwrap();
    for (name, event) in samples() {
        let path = folder().join(name).with_extension("hex");
        if !path.exists() {
            fs::write(&path, to_hex(&encode_event(&event))).unwrap();
            fs::write(path.with_extension("txt"), format!("{event:#?}\n")).unwrap();
        }
    }
}

#[test]
fn old_bytes_are_still_read() {
    write_new_samples();
    let mut kinds = BTreeSet::new();
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "hex") {
            continue;
        }
        let bytes = from_hex(&fs::read_to_string(&path).unwrap());
        let event = decode_event(&bytes).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let expected = fs::read_to_string(path.with_extension("txt")).unwrap();
        assert_eq!(format!("{event:#?}\n"), expected, "{path:?}");
        assert_eq!(encode_event(&event), bytes, "{path:?}");
        kinds.insert(record_kind(&event.fact));
        names.insert(path.file_stem().unwrap().to_string_lossy().into_owned());
    }
    for (name, event) in samples() {
        assert!(names.contains(name), "no file for {name}; run with SOUK_WRITE_SAMPLES=1");
        assert!(kinds.contains(&record_kind(&event.fact)), "{name}");
    }
}
