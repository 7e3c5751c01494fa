//! The command line as a person meets it: what it prints where, and how it ends.

use std::path::Path;
use std::process::{Command, Output};

use souk_sim::server::Shop;
use tempfile::TempDir;

fn souk(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_souk")).current_dir(folder).args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[test]
fn every_command_explains_itself() {
    let folder = TempDir::new().unwrap();
    for args in [
        &["--help"][..],
        &["serve", "--help"],
        &["demo", "--help"],
        &["import", "--help"],
        &["recommend", "--help"],
        &["search", "--help"],
        &["evaluate", "baskets", "--help"],
        &["evaluate", "policy", "--help"],
        &["report", "recommendations", "--help"],
        &["keys", "create", "--help"],
        &["rules", "put", "--help"],
        &["export", "--help"],
    ] {
        let output = souk(folder.path(), args);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(stdout(&output).contains("souk"), "{args:?}");
    }
    let bad = souk(folder.path(), &["serve", "--prot", "1"]);
    assert_eq!(bad.status.code(), Some(2));
    assert!(stdout(&bad).is_empty());
    let script = souk(folder.path(), &["completions", "bash"]);
    assert!(stdout(&script).contains("complete"));
}

#[test]
fn a_key_stands_alone_on_stdout() {
    let folder = TempDir::new().unwrap();
    let made = souk(folder.path(), &["keys", "create", "--role", "ingest_server"]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let key = stdout(&made);
    assert!(key.starts_with("souk_is_") && key.lines().count() == 1, "{key}");
    let listed = stdout(&souk(folder.path(), &["keys", "list", "--output", "json"]));
    assert!(listed.contains("ingest_server") && !listed.contains(key.trim()), "{listed}");
    let wrong = souk(folder.path(), &["keys", "create", "--role", "boss"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("ingest_browser"), "{}", stderr(&wrong));
}

#[test]
fn bad_input_ends_with_two_and_a_remedy() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "empty.csv", "");
    write(folder.path(), "bad.yaml", "server:\n  listne: 127.0.0.1:1\n");
    for (args, part) in [
        (&["import", "empty.csv"][..], "is empty"),
        (&["import", "missing.csv"], "missing.csv"),
        (&["import", "--kind", "weather", "empty.csv"], "there is no kind `weather`"),
        (&["config", "check", "--config", "bad.yaml"], "listne"),
        (&["recommend", "--strategy", "best"], "strategy"),
        (&["recommend", "--filter", "price <"], "filter"),
        (&["export", "--kind", "events", "--out", "x.xlsx"], ".parquet"),
        (&["demo", "--sample", "nowhere"], "--generated"),
        (&["evaluate", "sessions", "--train", "empty.csv", "--test", "empty.csv"], "is empty"),
    ] {
        let output = souk(folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(part), "{args:?}: {}", stderr(&output));
        assert!(stdout(&output).is_empty(), "{args:?}");
    }
}

#[test]
fn parameters_are_chosen_and_written_as_settings() {
    let folder = TempDir::new().unwrap();
    let mut rows = "session_id,item_id,timestamp\n".to_owned();
    for visit in 0..60 {
        for step in 0..4 {
            let (item, minute) = ((visit % 7) * 3 + step, visit * 10 + step);
            let time = format!(
                "2026-01-{:02}T{:02}:{:02}:00Z",
                1 + minute / 1440,
                minute / 60 % 24,
                minute % 60
            );
            rows += &format!("v{visit},i{item},{time}\n");
        }
    }
    write(folder.path(), "visits.csv", &rows);
    let tune = ["tune", "sessions", "--train", "visits.csv", "--configs", "12", "--out"];
    let made = souk(folder.path(), &[&tune[..], &["one.yaml"]].concat());
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    assert!(
        stdout(&made).contains("12 configurations on 18 predictions: MRR@20"),
        "{}",
        stdout(&made)
    );
    souk(folder.path(), &[&tune[..], &["two.yaml"]].concat());
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("one.yaml"), read("two.yaml"), "the same files choose the same");
    let checked = souk(folder.path(), &["config", "check", "--config", "one.yaml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", stderr(&checked));
    write(folder.path(), "short.csv", "session_id,item_id,timestamp\nv,i,2026-01-01T00:00:00Z\n");
    let short = souk(folder.path(), &["tune", "sessions", "--train", "short.csv"]);
    assert!(stderr(&short).contains("nothing to judge by"), "{}", stderr(&short));
}

#[test]
fn files_go_in_once_and_come_back_as_recommendations() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "p.csv", "sku,name\na,Tea\nb,Rice\n");
    write(
        folder.path(),
        "o.csv",
        "order_id,sku,user_id,quantity,date\n1,a,u,1,2026-01-10\n2,a,u,1,2026-01-11\n3,b,v,0,2026-01-11\n",
    );
    let first = souk(folder.path(), &["import", "p.csv", "o.csv"]);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    assert!(stdout(&first).contains("2 products new"), "{}", stdout(&first));
    assert!(folder.path().join("o.csv.rejected.csv").is_file());
    let again = stdout(&souk(folder.path(), &["import", "p.csv", "o.csv"]));
    assert_eq!(again.matches("nothing was added").count(), 2, "{again}");
    let answer = souk(folder.path(), &["recommend", "--user", "u", "--output", "csv"]);
    let text = stdout(&answer);
    assert!(text.starts_with("product_id,") && text.contains("\na,"), "{text}");
    let found = stdout(&souk(folder.path(), &["search", "ri", "ce", "--explain"]));
    assert!(found.contains("Rice") && found.contains("1 products in"), "{found}");
    let found = stdout(&souk(folder.path(), &["search", "tea", "--output", "csv"]));
    assert!(found.starts_with("product_id,") && found.contains("\na,"), "{found}");
    let report = stdout(&souk(folder.path(), &["doctor"]));
    assert!(report.contains("every checksum right"), "{report}");
}

#[test]
fn commands_reach_the_server_that_owns_the_folder() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "p.csv", "sku,name\na,Tea\n");
    let data = folder.path().join("data");
    let shop = Shop::new(env!("CARGO_BIN_EXE_souk"), &data);
    let server = shop.serve().unwrap();
    let key = shop.create_key("admin").unwrap();
    let imported = souk(folder.path(), &["import", "p.csv"]);
    assert!(stdout(&imported).contains("1 products new"), "{}", stderr(&imported));
    let mut connection = souk_sim::http::Connection::new(server.address);
    let path = "/v1/products/a";
    let request = souk_sim::http::Request { method: "GET", path, key: Some(&key), body: b"" };
    assert_eq!(connection.send(request).unwrap().status, 200);
    let missing = souk(folder.path(), &["import", "missing.csv"]);
    assert_eq!(missing.status.code(), Some(2), "the exit code crosses the socket");
    let backup = souk(folder.path(), &["backup", "--to", "copy"]);
    assert_eq!(backup.status.code(), Some(0), "{}", stderr(&backup));
    server.stop().unwrap();
    let restored = souk(folder.path(), &["restore", "--from", "copy", "--data", "fresh"]);
    assert_eq!(restored.status.code(), Some(0), "{}", stderr(&restored));
    let report = stdout(&souk(folder.path(), &["doctor", "--data", "fresh"]));
    assert!(report.contains("1 products"), "{report}");
}

#[test]
fn rules_go_in_are_tried_and_come_out_as_lines() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "p.csv", "sku,name,brand\na,Tea,Big\nb,Rice,Own\nc,Salt,Big\n");
    souk(folder.path(), &["import", "p.csv"]);
    // Over several lines, as people write it.
    let rule = "{\"id\": \"own\", \"select\": {\"filter\": \"brand = 'Own'\"},\n \"action\": {\"type\": \"pin\", \"position\": 1}}\n";
    write(folder.path(), "r.json", rule);
    let args = ["rules", "preview", "r.json", "--strategy", "new", "--output", "json"];
    let tried = souk(folder.path(), &args);
    assert_eq!(tried.status.code(), Some(0), "{}", stderr(&tried));
    let preview: serde_json::Value = serde_json::from_str(&stdout(&tried)).unwrap();
    assert_eq!(preview["matches"], 1);
    assert_eq!(preview["after"]["recommendations"][0]["product_id"], "b");
    assert!(stdout(&souk(folder.path(), &["rules", "list"])).contains("there are no rules"));
    let put = souk(folder.path(), &["rules", "put", "r.json"]);
    assert_eq!(put.status.code(), Some(0), "{}", stderr(&put));
    let answer = souk(
        folder.path(),
        &["recommend", "--strategy", "new", "--limit", "1", "--explain", "--why", "a,c"],
    );
    assert!(stdout(&answer).contains("Rice"), "{}", stdout(&answer));
    assert!(stdout(&answer).contains("a: its rank was"), "{}", stdout(&answer));
    let exported = stdout(&souk(folder.path(), &["rules", "export"]));
    assert_eq!(exported.lines().count(), 1);
    write(folder.path(), "again.jsonl", &exported);
    assert_eq!(souk(folder.path(), &["rules", "put", "again.jsonl"]).status.code(), Some(0));
    assert_eq!(stdout(&souk(folder.path(), &["rules", "export"])), exported);
    write(folder.path(), "bad.jsonl", &format!("{exported}{{\"id\": \"x\"}}\n"));
    let bad = souk(folder.path(), &["rules", "put", "bad.jsonl"]);
    assert_eq!(bad.status.code(), Some(2));
    assert!(stderr(&bad).contains("line 2: /action"), "{}", stderr(&bad));
    assert!(stdout(&souk(folder.path(), &["doctor"])).contains("1 rules, 1 of them"));
    assert_eq!(souk(folder.path(), &["rules", "delete", "own"]).status.code(), Some(0));
    assert_eq!(souk(folder.path(), &["rules", "delete", "own"]).status.code(), Some(1));
}

#[test]
fn a_server_without_keys_stays_on_this_machine() {
    let folder = TempDir::new().unwrap();
    let output = souk(folder.path(), &["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("souk keys create"), "{}", stderr(&output));
}

#[test]
fn the_demo_needs_nothing_and_is_quicker_the_second_time() {
    let folder = TempDir::new().unwrap();
    let args = ["demo", "--generated", "--products", "300", "--shoppers", "60", "--report-only"];
    let first = souk(folder.path(), &args);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    for part in
        ["300 products", "Recall@10", "For shopper", "over HTTP", "Stock of shop ", "GENERATED"]
    {
        assert!(stdout(&first).contains(part), "{part}: {}", stdout(&first));
    }
    let text = stdout(&first);
    let picture = text.lines().find_map(|line| line.split_once("As a picture: "));
    let picture =
        std::fs::read_to_string(folder.path().join(picture.expect("a replay has a picture").1))
            .unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("fill rate"), "{picture}");
    let second = souk(folder.path(), &args);
    assert!(stderr(&second).contains("ready again in"), "{}", stderr(&second));
}
