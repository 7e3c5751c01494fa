//! The real program: killed, damaged, filled up, and fed the same order twice.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod abuse;
mod audit;
mod commands;
mod crashes;
mod damage;
mod desk;
mod forecast;
mod full_disk;
mod moving;
mod orders;
mod reports;
mod webhooks;

use std::path::Path;

use souk_sim::http::{Connection, Request};
use souk_sim::server::{Server, Shop};
use tempfile::TempDir;

/// Takes snapshots as often as it can, so that kills hit them.
const SETTINGS: &str = "\
snapshots: {every_s: 1, every_records: 1000}
privacy: {default_jurisdiction: us}
locations:
  - {id: tills, time_zone: Etc/GMT+5, day_cut_minutes: 120}
";

/// An empty shop in a folder of its own.
fn shop() -> (TempDir, Shop) {
    shop_with("")
}

/// The same with more settings.
fn shop_with(more: &str) -> (TempDir, Shop) {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("souk.yaml");
    std::fs::write(&settings, format!("{SETTINGS}{more}")).unwrap();
    let shop = Shop::new(env!("CARGO_BIN_EXE_souk"), folder.path().join("data"));
    (folder, shop.with_config(settings))
}

/// Sends one request and returns status and body.
fn ask(server: &Server, (method, path, key): (&str, &str, &str), body: &str) -> (u16, String) {
    let request = Request { method, path, key: Some(key), body: body.as_bytes() };
    let answer = Connection::new(server.address).send(request).unwrap();
    (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
}

/// The lines of a file as JSON.
fn json_lines(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
