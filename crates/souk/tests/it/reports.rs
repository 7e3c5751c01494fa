//! Reports and off-policy estimates as a person asks for them.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn souk(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_souk")).current_dir(folder).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A log of 400 answers with one slot: two products at even odds, of which the second is clicked twice as
/// often as the first; the other policy always shows the second.
fn log(columns: &str, row: impl Fn(usize) -> String) -> String {
    let rows: Vec<String> = (0..400).map(row).collect();
    format!("{columns}\n{}\n", rows.join("\n"))
}

fn clicked(n: usize) -> (u8, u8) {
    // Whether it was the second product, and whether it was clicked: one in five and two in five.
    let (second, turn) = (n % 2, n / 2 % 5);
    (second as u8, u8::from(turn < 1 + second))
}

#[test]
fn another_policy_is_estimated_from_a_log() {
    let folder = TempDir::new().unwrap();
    let columns =
        "answer_id,propensity,target_probability,reward,predicted_reward,predicted_target_reward";
    let rows = log(columns, |n| {
        let (second, reward) = clicked(n);
        let model = [0.25, 0.35][usize::from(second)];
        format!("a{n},0.5,{second},{reward},{model},0.35")
    });
    std::fs::write(folder.path().join("log.csv"), rows).unwrap();
    let args = ["evaluate", "policy", "--log", "log.csv", "--output", "json"];
    let output = souk(folder.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let estimates = result["estimates"].as_array().unwrap();
    let names: Vec<&str> = estimates.iter().map(|one| one["estimate"].as_str().unwrap()).collect();
    assert_eq!(names, ["logged", "ips", "snips", "doubly_robust"]);
    for (one, expected) in estimates.iter().zip([0.3, 0.4, 0.4, 0.4]) {
        assert!((one["value"].as_f64().unwrap() - expected).abs() < 1e-9, "{one}");
        assert!(
            one["low"].as_f64().unwrap() < expected && one["high"].as_f64().unwrap() > expected
        );
    }
    assert!((result["effective_slots"].as_f64().unwrap() - 200.0).abs() < 1e-9);
    assert_eq!(result["is_odd"], false);
    let shown = souk(folder.path(), &["evaluate", "policy", "--log", "log.csv"]);
    let shown = text(&shown.stdout);
    assert!(shown.contains("doubly robust") && shown.contains("worth 200"), "{shown}");
}

#[test]
fn a_log_that_says_nothing_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let refused = |rows: String, part: &str| {
        std::fs::write(folder.path().join("log.csv"), rows).unwrap();
        let output = souk(folder.path(), &["evaluate", "policy", "--log", "log.csv"]);
        assert_eq!(output.status.code(), Some(2), "{part}: {}", text(&output.stdout));
        assert!(text(&output.stderr).contains(part), "{part} is not in {}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    };
    let columns = "propensity,target_probability,reward";
    refused(log(columns, |_| "0.5,0.001,1".to_owned()) + "0.5,1,1\n", "is worth 2 slots");
    refused(
        log(columns, |n| format!("0.5,{},1", f64::from(u8::from(n < 40)))),
        "is worth 40 slots",
    );
    refused(log(columns, |n| format!("{},0.5,1", if n == 7 { "0" } else { "0.5" })), "line 9");
    refused(log(columns, |n| format!("0.5,{},1", if n == 0 { "many" } else { "0.5" })), "`many`");
    refused("propensity,reward\n0.5,1\n".to_owned(), "target_probability");
    refused(format!("{columns}\n0.5,0.5,1\n"), "1 answers are logged; at least 100");
    let half = "propensity,target_probability,reward,predicted_reward";
    refused(log(half, |_| "0.5,0.5,1,0.2".to_owned()), "belong together");
}

#[test]
fn reports_of_a_new_shop_say_what_to_do() {
    let folder = TempDir::new().unwrap();
    let answers = souk(folder.path(), &["report", "recommendations", "--data", "data"]);
    assert_eq!(answers.status.code(), Some(0), "{}", text(&answers.stderr));
    assert!(text(&answers.stdout).contains("no answers are recorded from "));
    let holdout = souk(folder.path(), &["report", "holdout", "--data", "data"]);
    assert!(text(&holdout.stdout).contains("set `holdout.share`"), "{}", text(&holdout.stdout));
    let wrong = souk(folder.path(), &["report", "recommendations", "--from", "soon"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("--from"), "{}", text(&wrong.stderr));
}
