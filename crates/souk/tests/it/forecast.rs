//! `souk forecast` and `souk evaluate forecast` as a person meets them.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn souk(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_souk")).current_dir(folder).args(args).output().unwrap()
}

fn texts(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A good series among bad ones is forecast, and each bad one is named with the reason.
#[test]
fn good_series_are_forecast_beside_bad_ones() {
    let folder = TempDir::new().unwrap();
    let rows = "unique_id,ds,y\na,2024-01-03,5\na,2024-01-01,3\na,2024-01-02,4\na,2024-01-02,4\n\
        b,1,2\nb,2024-01-01,3\nc,2024-01-01,\nd,soon,4\n\"f,g\",2024-01-01,7\n";
    std::fs::write(folder.path().join("sales.csv"), rows).unwrap();
    let args = ["forecast", "--input", "sales.csv", "--horizon", "2", "--levels", "0.8"];
    let (code, out, err) = texts(&souk(folder.path(), &args));
    assert_eq!(code, Some(0), "{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "unique_id,ds,mean,lo-80,hi-80");
    assert!(lines[1].starts_with("a,2024-01-04,") && lines[2].starts_with("a,2024-01-05,"));
    assert!(lines[3].starts_with("\"f,g\",2024-01-02,7,"), "{out}");
    assert_eq!(lines.len(), 5);
    for fault in
        ["series `b` mixes frequencies", "series `c` has no value", "series `d` has no date"]
    {
        assert!(err.contains(fault), "{fault}: {err}");
    }
    for (args, fault) in [
        (&["--horizon", "0"][..], "not in 1..="),
        (&["--horizon", "2", "--model", "prophet"][..], "there is no model `prophet`"),
        (&["--horizon", "2", "--freq", "X"][..], "there is no frequency `X`"),
    ] {
        let all = [&["forecast", "--input", "sales.csv"], args].concat();
        let (code, _, err) = texts(&souk(folder.path(), &all));
        assert_eq!(code, Some(2));
        assert!(err.contains(fault), "{err}");
    }
}

/// A planned promotion raises the forecast; a future file that does not match is refused with the reason.
#[test]
fn a_planned_promotion_counts() {
    let folder = TempDir::new().unwrap();
    let (mut sales, mut future) =
        ("unique_id,ds,y,promo\n".to_owned(), "unique_id,ds,promo\n".to_owned());
    for t in 0..120 {
        let promo = u32::from(t % 11 == 3);
        sales.push_str(&format!("a,{t},{},{promo}\n", 50 + 7 * (t % 3) + 60 * promo));
    }
    for t in 120..126 {
        future.push_str(&format!("a,{t},{}\n", u32::from(t == 122)));
    }
    std::fs::write(folder.path().join("sales.csv"), sales).unwrap();
    std::fs::write(folder.path().join("future.csv"), future).unwrap();
    let args = ["forecast", "--input", "sales.csv", "--future", "future.csv", "--horizon", "6"];
    let (code, out, err) = texts(&souk(folder.path(), &args));
    assert_eq!(code, Some(0), "{err}");
    let means: Vec<f64> =
        out.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse().unwrap()).collect();
    assert!(means[2] > 1.5 * means[5], "{means:?}");
    let args = ["forecast", "--input", "sales.csv", "--future", "future.csv", "--horizon", "7"];
    let (code, _, err) = texts(&souk(folder.path(), &args));
    assert_eq!(code, Some(2));
    assert!(err.contains("has no `promo` at 126 in the future file"), "{err}");
}

/// Held-back values are judged: naive forecasts of a line miss by the mean of 1, 2 and 3 steps.
#[test]
fn evaluation_by_hand() {
    let folder = TempDir::new().unwrap();
    let rows: Vec<String> = (1..=20).map(|t| format!("a,{t},{}", 2 * t)).collect();
    let text = format!("unique_id,ds,y\n{}\n", rows.join("\n"));
    std::fs::write(folder.path().join("sales.csv"), text).unwrap();
    let args = ["evaluate", "forecast", "--input", "sales.csv", "--horizon", "3"];
    let args = [&args[..], &["--model", "naive", "--output", "json"]].concat();
    let (code, out, err) = texts(&souk(folder.path(), &args));
    assert_eq!(code, Some(0), "{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["measures"][0]["mase"], 2.0);
    assert_eq!(report["measures"][3]["mase"], 3.0);
}

/// A shorter series is judged by what its test rows say, one of which stands there twice; texts drive nothing.
#[test]
fn every_series_is_judged_by_its_own_rows() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, rows: &[String]| {
        let text = format!("unique_id,ds,y,promo\n{}\n", rows.join("\n"));
        std::fs::write(folder.path().join(name), text).unwrap();
    };
    let train = |id: &'static str| (1..=20).map(move |t| format!("{id},{t},{},0", 10 + t));
    write("train.csv", &train("a").chain(train("b")).collect::<Vec<_>>());
    let mut test: Vec<String> = (21..=26).map(|t| format!("a,{t},{},0", 10 + t)).collect();
    test.extend(["b,21,31,0", "b,21,33,0", "b,22,32,0"].map(str::to_owned));
    write("test.csv", &test);
    let args = ["evaluate", "forecast", "--input", "train.csv", "--test", "test.csv"];
    let json = [&args[..], &["--model", "naive", "--output", "json"]].concat();
    let (code, out, err) = texts(&souk(folder.path(), &json));
    assert_eq!(code, Some(0), "{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let all = &report["measures"][0];
    assert_eq!((&all["series"], &all["values"]), (&2.into(), &8.into()), "{out}");

    let text = std::fs::read_to_string(folder.path().join("train.csv")).unwrap();
    std::fs::write(folder.path().join("train.csv"), text.replace(",0\n", ",never\n")).unwrap();
    let (code, _, err) = texts(&souk(folder.path(), &args));
    assert_eq!(code, Some(2));
    assert!(err.contains("column `promo` holds no number"), "{err}");
}

/// A series that the later file spoils is refused once, and one whose calendar ends is refused too.
#[test]
fn what_a_later_file_spoils_is_refused_once() {
    let folder = TempDir::new().unwrap();
    let rows = "unique_id,ds,y\na,1,3\na,2,4\nb,1,3\nb,2,4\nc,9999-12-28,1\nc,9999-12-29,2\n";
    std::fs::write(folder.path().join("sales.csv"), rows).unwrap();
    std::fs::write(folder.path().join("future.csv"), "unique_id,ds\na,3\nb,soon\n").unwrap();
    let args = ["forecast", "--input", "sales.csv", "--future", "future.csv", "--horizon", "5"];
    let (code, out, err) = texts(&souk(folder.path(), &args));
    assert_eq!(code, Some(0), "{err}");
    assert!(out.lines().skip(1).all(|line| line.starts_with("a,")), "{out}");
    assert_eq!(err.matches("series `b`").count(), 1, "{err}");
    assert!(err.contains("series `c` has no date so far ahead"), "{err}");
}
