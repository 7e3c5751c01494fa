use std::path::Path;
use std::process::{Command, Output};

use souk_sim::server::Shop;
use tempfile::TempDir;

fn souk(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_souk"));
    command.args(args).current_dir(folder).env("SOUK_AUDIT_HEADS_FILE", "heads.jsonl");
    command.output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn verify(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = souk(folder, &[&["audit", "verify"], args].concat());
    (output.status.code(), stdout(&output) + &String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_log_of_a_shop_is_verified_by_file_alone_and_a_changed_letter_is_named() {
    let folder = TempDir::new().unwrap();
    assert_eq!(verify(folder.path(), &["--heads", "none"]).0, Some(2), "there is nothing to read");
    std::fs::write(folder.path().join("p.csv"), "sku,name\na,Tea\n").unwrap();
    souk(folder.path(), &["keys", "create", "--role", "analyst"]);
    souk(folder.path(), &["import", "p.csv"]);
    souk(folder.path(), &["export", "--kind", "products", "--out", "p.jsonl"]);
    let listed = stdout(&souk(folder.path(), &["audit", "list", "--output", "json"]));
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let told: Vec<(String, String)> = listed["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let word = |name: &str| one[name].as_str().unwrap().to_owned();
            (word("operation"), word("outcome"))
        })
        .collect();
    let told: Vec<(&str, &str)> = told.iter().map(|(a, b)| (&**a, &**b)).collect();
    let expected = [
        ("audit.read", "done"),
        ("data.export", "done"),
        ("data.export", "begun"),
        ("catalogue.change", "done"),
        ("data.import", "done"),
        ("data.import", "begun"),
        ("key.create", "done"),
    ];
    assert_eq!(told, expected);
    let (code, said) = verify(folder.path(), &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("nothing was changed") && said.contains("7 hashed"), "{said}");

    // The same while a server writes, and for a backup.
    let shop = Shop::new(env!("CARGO_BIN_EXE_souk"), folder.path().join("data"));
    let server = shop.serve().unwrap();
    assert_eq!(verify(folder.path(), &[]).0, Some(0));
    server.stop().unwrap();
    souk(folder.path(), &["backup", "--to", "copy"]);
    assert_eq!(verify(folder.path(), &["--data", "copy"]).0, Some(1), "the backup is older");
    std::fs::rename(folder.path().join("heads.jsonl"), folder.path().join("old.jsonl")).unwrap();
    assert_eq!(souk(folder.path(), &["audit", "verify", "--heads", "x"]).status.code(), Some(2));

    // One letter of an entry, in the file.
    let path = folder.path().join("copy/tables.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let word = b"data.export";
    // Everywhere, for the database keeps old copies in parts of pages that it has no use for.
    let at = |bytes: &[u8]| bytes.windows(word.len()).position(|part| part == word);
    while let Some(place) = at(&bytes) {
        bytes[place] = b'c';
    }
    std::fs::write(&path, bytes).unwrap();
    std::fs::write(folder.path().join("none.jsonl"), "").unwrap();
    let (code, said) = verify(folder.path(), &["--data", "copy", "--heads", "none.jsonl"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("CHANGED at entry "), "{said}");
    let odd = verify(folder.path(), &["--heads", "none.jsonl", "--public-key", "XY"]);
    assert_eq!(odd.0, Some(2), "{}", odd.1);
}

#[test]
fn a_restore_is_an_entry_and_verify_tells_what_was_lost() {
    let folder = TempDir::new().unwrap();
    souk(folder.path(), &["keys", "create", "--role", "analyst"]);
    souk(folder.path(), &["backup", "--to", "copy"]);
    souk(folder.path(), &["backup", "--keys", "--to", "keys"]);
    souk(folder.path(), &["keys", "create", "--role", "planner"]);
    let master_key = folder.path().join("master.key");
    std::fs::copy(folder.path().join("data/keys/master.key"), master_key).unwrap();
    std::fs::remove_dir_all(folder.path().join("data")).unwrap();
    let with = ["restore", "--from", "copy", "--keys", "keys", "--master-key", "master.key"];
    let restored = souk(folder.path(), &with);
    assert_eq!(restored.status.code(), Some(0), "{restored:?}");
    let listed = stdout(&souk(folder.path(), &["audit", "list", "--operation", "data.restore"]));
    assert!(listed.contains("key_store=restored"), "{listed}");
    let (code, said) = verify(folder.path(), &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("a backup was restored"), "{said}");
    let doctor = stdout(&souk(folder.path(), &["doctor"]));
    assert!(doctor.contains("trouble  audit"), "{doctor}");
    assert!(doctor.contains("entries changed") || doctor.contains("are stored"), "{doctor}");
}

#[test]
fn a_key_is_rotated_on_the_command_line() {
    let folder = TempDir::new().unwrap();
    souk(folder.path(), &["keys", "create", "--role", "analyst", "--site", "main"]);
    let list = || {
        let list = stdout(&souk(folder.path(), &["keys", "list", "--output", "json"]));
        serde_json::from_str::<serde_json::Value>(&list).unwrap()["keys"].clone()
    };
    let id = list()[0]["key_id"].as_str().unwrap().to_owned();
    let rotated = souk(folder.path(), &["keys", "rotate", &id, "--overlap", "12h"]);
    assert!(stdout(&rotated).starts_with("souk_an_"), "{rotated:?}");
    let keys = list();
    let old = keys.as_array().unwrap().iter().find(|key| key["key_id"] == *id).unwrap();
    assert!(old["replaced_by"].is_string() && old["expires_at"].is_string(), "{keys}");
    assert_eq!(keys[0]["sites"], keys[1]["sites"]);
    let odd = souk(folder.path(), &["keys", "rotate", &id, "--overlap", "soon"]);
    assert_eq!(odd.status.code(), Some(2));
}
