//! Moving in from another system, as a person types it.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const FILES: [&str; 4] =
    ["orders_export.csv", "products_export.csv", "customers_export.csv", "inventory_export.csv"];

fn souk(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_souk")).current_dir(folder).args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/moving/shopify");
    for name in FILES {
        std::fs::copy(from.join(name), folder.path().join(name)).unwrap();
    }
    folder
}

fn import<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["import", "--from", "shopify"], more, &FILES[..]].concat()
}

/// A dry run tells what would come of it; the import brings it in, and a repetition adds nothing.
#[test]
fn files_of_another_system_are_reported_on_and_then_brought_in() {
    let folder = folder();
    let told = stdout(&souk(folder.path(), &import(&["--dry-run"])));
    println!("{told}");
    for part in [
        "What was read",
        "orders_export.csv: 6 facts as Shopify orders",
        "left out 1: lineitem_sku: is empty",
        "1 sold products have no row in the catalogue (RH-9)",
        "bought_together",
        "Nothing was written",
    ] {
        assert!(told.contains(part), "{part} is missing in {told}");
    }
    let args = import(&["--output", "json", "--consent-basis", "contract"]);
    let done = stdout(&souk(folder.path(), &args));
    let done: serde_json::Value = serde_json::from_str(&done).unwrap();
    assert_eq!(done["files"].as_array().unwrap().len(), 4);
    assert_eq!(done["readiness"]["products"]["count"], 4);
    assert_eq!(done["readiness"]["orders"]["unknown_named"][0], "RH-9");
    assert_eq!(done["is_dry_run"], false);
    let again = stdout(&souk(folder.path(), &import(&["--consent-basis", "contract"])));
    assert!(again.contains("known already, nothing was added"), "{again}");
    assert!(again.contains("What each part can do with it"), "{again}");
    let args =
        ["recommend", "--strategy", "new", "--limit", "1", "--locale", "fr-CA", "--output", "json"];
    let answer = stdout(&souk(folder.path(), &args));
    assert!(answer.contains("De l’assortiment de cette boutique"), "{answer}");
}

#[test]
fn a_dry_run_where_there_is_no_shop_makes_none() {
    let folder = folder();
    let names = || -> Vec<String> {
        let all = std::fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<String> =
            all.map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let before = names();
    for args in [
        import(&["--dry-run", "--data", "nowhere"]),
        import(&["--dry-run"]),
        vec!["import", "--dry-run", "--kind", "orders", "none.csv"],
    ] {
        std::fs::write(folder.path().join("none.csv"), "order_id,product_id,quantity\n").unwrap();
        let output = souk(folder.path(), &args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("master"), "{said}");
        std::fs::remove_file(folder.path().join("none.csv")).unwrap();
    }
    let listed = |name: &String| !name.ends_with(".rejected.csv");
    let after: Vec<String> = names().into_iter().filter(|name| listed(name)).collect();
    assert_eq!(after, before);
}

#[test]
fn a_system_that_is_not_read_is_refused_with_those_that_are() {
    let folder = folder();
    let output = souk(folder.path(), &["import", "--from", "woo", "orders_export.csv"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("shopify, magento, ga4, personalize, algolia"), "{error}");
}
