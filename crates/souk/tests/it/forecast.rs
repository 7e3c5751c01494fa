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

/// Days and months without hyphens are dates, as long as all of them are.
#[test]
fn dates_without_hyphens_are_dates() {
    let folder = TempDir::new().unwrap();
    let first_ahead = |rows: Vec<String>, more: &[&str]| {
        let text = format!("unique_id,ds,y\n{}\n", rows.join("\n"));
        std::fs::write(folder.path().join("sales.csv"), text).unwrap();
        let args = ["forecast", "--input", "sales.csv", "--horizon", "1"];
        let (code, out, err) = texts(&souk(folder.path(), &[&args[..], more].concat()));
        assert_eq!(code, Some(0), "{err}");
        (out.lines().nth(1).unwrap().split(',').nth(1).unwrap().to_owned(), err)
    };
    let days = || {
        let april = (1..=30).map(|day| 20_260_400 + day);
        april.map(|ds| format!("a,{ds},{}", 5 + ds % 7)).collect::<Vec<_>>()
    };
    let (ahead, err) = first_ahead(days(), &[]);
    assert_eq!(ahead, "2026-05-01");
    assert!(err.contains("`ds` holds dates like 20260401"), "{err}");
    assert_eq!(first_ahead(days(), &["--freq", "1"]).0, "20260431");
    let months = (2023..=2025).flat_map(|year| (1..=12).map(move |month| year * 100 + month));
    let months = months.map(|ds| format!("a,{ds},{}", 5 + ds % 7)).collect();
    assert_eq!(first_ahead(months, &[]).0, "2026-01-01");
    let steps = (202_300..202_330).map(|ds| format!("a,{ds},{}", 5 + ds % 7)).collect();
    assert_eq!(first_ahead(steps, &[]).0, "202330");
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
    // A day without a row is not judged, and the days behind it are.
    test.remove(2);
    write("test.csv", &test);
    let (_, out, err) = texts(&souk(folder.path(), &json));
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["measures"][0]["values"], 7, "{err}");
    test.insert(2, "a,23,33,0".to_owned());
    write("test.csv", &test);

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

/// Groups and the whole are forecast beside the series, add up, and are drawn.
#[test]
fn sums_add_up_and_are_drawn() {
    let folder = TempDir::new().unwrap();
    let mut sales = "unique_id,ds,y,Category\n".to_owned();
    for day in 0..84 {
        for (number, (id, group)) in
            [("a", "tea"), ("b", "tea"), ("c", "rye"), ("late", "rye")].into_iter().enumerate()
        {
            if id != "late" || day > 30 {
                let y = 10 * (number + 1) + day % 7 + (day * (number + 3)) % 5;
                sales.push_str(&format!("{id},{day},{y},{group}\n"));
            }
        }
    }
    for day in 0..79 {
        sales.push_str(&format!("early,{day},8,rye\n"));
    }
    sales.push_str("over,0,5,tea\nover,1,5,tea\ntwo,82,1,tea\ntwo,83,1,rye\nnone,83,1,\n");
    std::fs::write(folder.path().join("sales.csv"), sales).unwrap();
    let input = ["forecast", "--input", "sales.csv", "--horizon", "7", "--season-length", "7"];
    let more = ["--hierarchy", "category", "--plot", "sales.svg", "--output", "json"];
    let (code, out, err) = texts(&souk(folder.path(), &[&input[..], &more].concat()));
    assert_eq!(code, Some(0), "{err}");
    for fault in [
        "2 series end before most (83), `early` by 5 steps",
        "own forecast for 1 of them, and 0 for 1 that end more than 7 steps before",
        "series `two` is in `tea` and in `rye`",
        "series `none` has a row without a group",
        "all adds up by `",
    ] {
        assert!(err.contains(fault), "{fault}: {err}");
    }
    let result: serde_json::Value = serde_json::from_str(&out).unwrap();
    let means = |id: &str| -> Vec<f64> {
        let series = result["series"].as_array().unwrap();
        let one = series.iter().find(|one| one["unique_id"] == id).unwrap();
        let steps = one["forecast"].as_array().unwrap();
        steps.iter().map(|step| step["mean"].as_f64().unwrap()).collect()
    };
    let sum = |ids: &[&str]| -> Vec<f64> {
        (0..7).map(|step| ids.iter().map(|id| means(id)[step]).sum()).collect()
    };
    let close = |a: Vec<f64>, b: Vec<f64>| a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(close(means("category=tea"), sum(&["a", "b", "over"])));
    assert!(close(means("category=rye"), sum(&["c", "late", "early"])));
    assert!(close(means("total"), sum(&["a", "b", "over", "c", "late", "early"])));
    assert!(means("total").iter().all(|mean| (98.0..158.0).contains(mean)));
    // What ends early goes on from its own end, and what is sold no more is not made up.
    assert!(means("early").iter().all(|mean| (7.0..9.0).contains(mean)), "{:?}", means("early"));
    assert!(means("over").iter().all(|mean| mean.abs() < 0.5), "{:?}", means("over"));
    let completed = &result["hierarchy"]["completed"];
    assert_eq!(
        completed[0],
        serde_json::json!({"unique_id": "early", "steps": 5, "by": "own_forecast"})
    );
    assert_eq!(completed[1], serde_json::json!({"unique_id": "over", "steps": 82, "by": "zero"}));
    let hierarchy = &result["hierarchy"];
    assert_eq!(hierarchy["windows"], 3);
    let trials = hierarchy["trials"].as_array().unwrap();
    // Seven ways, two levels of sums that can be kept, a mix, and the chosen one with the way by which levels count alike.
    let is_alone = hierarchy["method"] == "wls_levels";
    assert_eq!(trials.len(), if is_alone { 10 } else { 11 });
    assert!(hierarchy["shares"]["wls_levels"].as_f64().unwrap() >= 0.5, "{hierarchy}");
    let worst = |trial: &serde_json::Value| -> f64 {
        let ratios = trial["error_over_base"].as_object().unwrap();
        assert_eq!(ratios.len(), 3);
        ratios.values().map(|ratio| ratio.as_f64().unwrap()).fold(0.0, f64::max)
    };
    let chosen = trials.iter().find(|trial| trial["method"] == hierarchy["method"]).unwrap();
    // What is said of the way that is used is what its figures say.
    let keeps_all = worst(chosen) <= 1.01;
    assert_eq!(hierarchy["keeps_all_levels"], keeps_all);
    assert_eq!(err.contains("which made some level"), !keeps_all, "{err}");
    let drawn = std::fs::read_to_string(folder.path().join("sales.svg")).unwrap();
    for words in
        [">category=tea</text>", ">95 % of futures</text>", ">history</text>", "units per step"]
    {
        assert!(drawn.contains(words), "{words}");
    }
    assert_eq!(drawn.matches("<polygon").count(), 2 * 9);
    let (code, _, err) =
        texts(&souk(folder.path(), &[&input[..], &["--hierarchy", "brand"]].concat()));
    assert_eq!(code, Some(2));
    assert!(err.contains("there is no column `brand`; the columns are"), "{err}");
}

/// Decimal commas are read, what cannot be read is unknown and said, and so are rows that were averaged and series that ended.
#[test]
fn what_was_not_read_as_it_stands_is_said() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, rows: &str| std::fs::write(folder.path().join(name), rows).unwrap();
    let mut german = "unique_id;ds;y\n".to_owned();
    let mut torn = "unique_id,ds,y\n".to_owned();
    let mut lines = "unique_id,ds,y\n".to_owned();
    for day in 1..=28 {
        german += &format!("a;2024-01-{day:02};12,5\n");
        let value = if day % 2 == 0 { "\"1,050\"" } else { "12.5" };
        torn += &format!("a,2024-01-{day:02},{value}\n");
        lines += &format!("a,2024-01-{day:02},5\na,2024-01-{day:02},7\n");
        if day < 11 {
            lines += &format!("over,2024-01-{day:02},3\n");
        }
    }
    write("german.csv", &german);
    write("torn.csv", &torn);
    write("lines.csv", &lines);
    let first_mean = |args: &[&str]| -> (f64, String) {
        let base = ["forecast", "--horizon", "2", "--levels", "0.8", "--model", "mean", "--input"];
        let (code, out, err) = texts(&souk(folder.path(), &[&base, args].concat()));
        assert_eq!(code, Some(0), "{err}");
        let row = out.lines().nth(1).unwrap();
        (row.split(',').nth(2).unwrap().parse().unwrap(), err)
    };
    let (mean, err) = first_mean(&["german.csv"]);
    assert!((mean - 12.5).abs() < 1e-6 && !err.contains("have no number"), "{mean} {err}");
    for gaps in ["guess", "zero", "between"] {
        let (mean, err) = first_mean(&["torn.csv", "--gaps", gaps]);
        assert!((mean - 12.5).abs() < 1e-6, "{gaps}: {mean}");
        assert!(
            err.contains("14 rows of torn.csv have no number in `y`, the first in line 3: `1,050`"),
            "{err}"
        );
    }
    let (mean, err) = first_mean(&["lines.csv"]);
    assert!((mean - 6.0).abs() < 1e-6, "{mean}");
    assert!(err.contains("28 rows repeat a date") && err.contains("--repeats sum"), "{err}");
    assert!(
        err.contains("1 series end long before others") && err.contains("`over` at 2024-01-10"),
        "{err}"
    );
    let (mean, err) = first_mean(&["lines.csv", "--repeats", "sum"]);
    assert!((mean - 12.0).abs() < 1e-6 && !err.contains("were averaged"), "{mean} {err}");
}
