use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use souk_sim::Random;
use souk_sim::crash::{CrashPlan, check_health, kill_and_count};

use super::{json_lines, shop};

fn cycles(usual: u32) -> u32 {
    std::env::var("SOUK_CRASH_CYCLES").map_or(usual, |text| text.parse().unwrap())
}

fn seed() -> u64 {
    std::env::var("SOUK_CRASH_SEED").map_or(1, |text| text.parse().unwrap())
}

/// Kills under full ingest; every third while a backup runs, and nearly all while snapshots are made.
#[test]
fn a_killed_server_loses_nothing_and_doubles_nothing() {
    let (_folder, shop) = shop();
    let cycles = cycles(30);
    let plan = CrashPlan { cycles, seed: seed(), verify_every: 15 };
    let report = kill_and_count(&shop, plan).unwrap();
    println!("{report:?}");
    assert_eq!(report.kills, cycles);
    assert!(report.acknowledged > 1_000, "{report:?}");
}

/// An import that is killed again and again brings in every row once.
#[test]
fn a_killed_import_goes_on_where_it_stopped() {
    let (folder, shop) = shop();
    let file = folder.path().join("orders.csv");
    let mut rows =
        String::from("order_id,product_id,timestamp,quantity,amount,user_id,location_id\n");
    let (orders, mut total) = (12_000u64, 0i64);
    for order in 0..orders {
        for line in 0..2 {
            let minor = 1 + (order * 7 + line * 13) % 5_000;
            total += minor as i64;
            let (day, product) = (1 + order % 28, (order + line * 31) % 300);
            let _ = writeln!(
                rows,
                "o{order},p{product},2026-01-{day:02}T12:00:00Z,{},{}.{:02},u{},tills",
                1 + line,
                minor / 100,
                minor % 100,
                order % 400
            );
        }
    }
    std::fs::write(&file, rows).unwrap();
    let mut random = Random::new(seed());
    let import = ["import".as_ref(), file.as_os_str()];
    for _ in 0..cycles(30).div_ceil(4) {
        let mut child = shop.start(&import).unwrap();
        std::thread::sleep(Duration::from_millis(20 + random.below(900)));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    shop.run(&import).unwrap();
    let again =
        shop.run(&["import".as_ref(), "--output".as_ref(), "json".as_ref(), file.as_os_str()]);
    let again: serde_json::Value = serde_json::from_str(&again.unwrap()).unwrap();
    assert_eq!(again["files"][0]["accepted"], 0, "{again}");
    let out = folder.path().join("orders.jsonl");
    shop.export("orders", &out).unwrap();
    let mut seen: HashMap<String, u32> = HashMap::new();
    for order in json_lines(&out) {
        *seen.entry(order["order_id"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    assert_eq!(seen.len() as u64, orders);
    // A row for each line.
    assert!(seen.values().all(|times| *times == 2));
    let out = folder.path().join("sales.jsonl");
    shop.export("sales", &out).unwrap();
    assert_eq!(super::orders::sold_minor(&json_lines(&out)), total);
    check_health(&shop).unwrap();
}
