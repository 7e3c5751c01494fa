use std::path::{Path, PathBuf};

use souk_sim::crash::check_health;
use souk_sim::server::Shop;

use super::{ask, shop};

/// A shop that took in some thousand events and ended in order.
fn lived_in(shop: &Shop) {
    let key = shop.create_key("ingest_server").unwrap();
    let server = shop.serve().unwrap();
    for part in 0..10 {
        let events: Vec<String> = (0..300)
            .map(|n| {
                let (id, user, product) = (part * 300 + n, n % 40, n % 90);
                format!(
                    r#"{{"type":"track","event":"Product Viewed","messageId":"d{id}","userId":"u{user}","timestamp":"2026-01-02T03:04:05Z","properties":{{"product_id":"p{product}"}}}}"#
                )
            })
            .collect();
        let body = format!(r#"{{"batch":[{}]}}"#, events.join(","));
        let (status, text) = ask(&server, ("POST", "/v1/batch", &key), &body);
        assert_eq!(status, 200, "{text}");
    }
    server.stop().unwrap();
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

/// Turns some bytes of a file over, beginning at a share of its length.
fn damage(file: &Path, (share, count): (f64, usize)) {
    let mut bytes = std::fs::read(file).unwrap();
    let first = (bytes.len() as f64 * share) as usize;
    bytes.iter_mut().skip(first).take(count).for_each(|byte| *byte ^= 0xff);
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn damaged_snapshots_are_noticed_and_rebuilt() {
    let (_folder, shop) = shop();
    lived_in(&shop);
    let mut snapshots = Vec::new();
    files_below(&shop.folder().join("blobs/snapshots"), &mut snapshots);
    assert!(!snapshots.is_empty(), "an orderly end leaves a snapshot");
    snapshots.iter().for_each(|file| damage(file, (0.5, 4)));
    let server = shop.serve().unwrap();
    server.stop().unwrap();
    let log = std::fs::read_to_string(shop.log_file()).unwrap();
    let warning = log.lines().find(|line| line.contains("WARN") && line.contains("snapshot"));
    assert!(warning.is_some(), "{log}");
    check_health(&shop).unwrap();
}

/// A damaged record is named by its position, and nothing after it is answered from.
#[test]
fn a_damaged_log_is_named_and_refused() {
    let (_folder, shop) = shop();
    lived_in(&shop);
    // Without snapshots the start reads the whole log.
    std::fs::remove_dir_all(shop.folder().join("blobs/snapshots")).unwrap();
    damage(&shop.folder().join("log.db"), (0.45, 200));
    let said = shop.run(&["doctor", "--output", "json"]);
    let said = said.unwrap_or_else(|error| error.to_string());
    assert!(said.contains("partition 0 offset"), "{said}");
    let refused = shop.serve().unwrap_err().to_string();
    assert!(refused.contains("partition 0 offset"), "{refused}");
}
