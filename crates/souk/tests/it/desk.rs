//! The planner's desk from the command line, beside a server that runs and without one.

use std::path::Path;

use serde_json::{Value, json};
use souk_sim::server::Shop;

use super::{ask, shop_with};

const PRODUCTS: &str = "product_id,title,price,cost,currency
tea,Green tea,4.99,2.10,USD
coffee,Coffee beans,14.90,8.20,USD
";
const SUPPLIERS: &str =
    "supplier_id,lead_time_days,minimum_order,product_id,cost,minimum,multiple,currency
leaf,3,50,tea,2.10,12,6,USD
leaf,3,50,coffee,8.20,,4,USD
";

/// Products and a supplier of two of them, in a shop with a place of the settings.
fn stocked(folder: &Path, shop: &Shop) {
    for (name, rows) in [("products.csv", PRODUCTS), ("suppliers.csv", SUPPLIERS)] {
        let file = folder.join(name);
        std::fs::write(&file, rows).unwrap();
        shop.run(&["import".as_ref(), file.as_os_str()]).unwrap();
    }
}

fn listed(shop: &Shop, args: &[&str]) -> Vec<(String, String)> {
    let text = shop.run(&[&["orders", "list", "--output", "json"], args].concat()).unwrap();
    let result: Value = serde_json::from_str(&text).unwrap();
    let word = |order: &Value, name: &str| order[name].as_str().unwrap().to_owned();
    let orders = result["purchase_orders"].as_array().unwrap();
    orders.iter().map(|order| (word(order, "id"), word(order, "state"))).collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(id, state)| ((*id).to_owned(), (*state).to_owned())).collect()
}

#[test]
fn purchase_orders_are_changed_and_moved_on_beside_the_server() {
    let (folder, shop) = shop_with("");
    stocked(folder.path(), &shop);
    let key = shop.create_key("planner").unwrap();
    let server = shop.serve().unwrap();
    for id in ["po-1", "po-2"] {
        let order = json!({"id": id, "supplier_id": "leaf", "location_id": "tills", "lines": [
            {"product_id": "tea", "quantity": 24}, {"product_id": "coffee", "quantity": 8}]});
        let call = ("POST", "/v1/purchase_orders", key.as_str());
        let (status, text) = ask(&server, call, &order.to_string());
        assert_eq!(status, 201, "{text}");
    }
    let text = shop.run(&["orders", "list"]).unwrap();
    assert!(text.contains("po-1  leaf      tills  draft"), "{text}");
    assert!(text.contains("116.00 USD"), "{text}");
    // 20 is no multiple of 6: told, and done.
    let text = shop.run(&["orders", "change", "po-1", "tea=20", "coffee=0"]).unwrap();
    assert!(
        text.starts_with("`po-1` is draft: 42.00 USD at leaf for tills, version 2\n"),
        "{text}"
    );
    assert!(text.contains("! 20 of `tea` is no whole multiple of 6; 18 or 24 are"), "{text}");
    assert!(text.contains("! 42.00 USD is below the least order of `leaf`, 50.00 USD"), "{text}");
    assert!(!text.contains("coffee"), "{text}");
    let fails = |args: &[&str], part: &str| {
        let said = shop.run(args).unwrap_err().to_string();
        assert!(said.contains(part), "{args:?}: {said}");
    };
    fails(&["orders", "change", "po-1", "tea=24", "--version", "1"], "has version 2 now");
    fails(&["orders", "change", "po-1", "tea"], "is no product with its units");
    fails(&["orders", "change", "po-1"], "required");
    fails(&["orders", "change", "po-9", "tea=6"], "purchase order `po-9` does not exist");
    fails(&["orders", "send", "po-1"], "it cannot become sent");
    fails(&["orders", "list", "--state", "lost"], "`lost` is no state");
    let text = shop.run(&["orders", "change", "po-1", "tea=24", "--version", "2"]).unwrap();
    assert!(text.contains("50.40 USD") && !text.contains('!'), "{text}");
    let text = shop.run(&["orders", "approve", "po-1"]).unwrap();
    assert_eq!(text, "`po-1` is approved: 50.40 USD at leaf\n");
    fails(&["orders", "change", "po-1", "tea=30"], "only a draft can be changed");
    assert_eq!(listed(&shop, &[]), pairs(&[("po-1", "approved"), ("po-2", "draft")]));
    // A price that was agreed on; who approves sees what speaks against it.
    fails(&["orders", "change", "po-2", "coffee=8@dear"], "`dear` is no price of one unit");
    let text = shop.run(&["orders", "change", "po-2", "coffee=8@8.00"]).unwrap();
    assert!(text.contains("coffee       8  8.00 USD"), "{text}");
    let text = shop.run(&["orders", "approve", "po-2"]).unwrap();
    let warned = "! `coffee` costs 8.20 by the offer, 8.00 here\n";
    assert_eq!(text, format!("`po-2` is approved: 114.40 USD at leaf\n{warned}"));
    shop.run(&["orders", "send", "po-1", "--on", "2026-11-02"]).unwrap();
    shop.run(&["orders", "cancel", "po-2"]).unwrap();
    assert_eq!(listed(&shop, &["--location", "tills"]), pairs(&[("po-1", "sent")]));
    assert_eq!(listed(&shop, &["--state", "cancelled"]), pairs(&[("po-2", "cancelled")]));
    fails(&["orders", "receive", "po-1", "--line", "tea=99"], "more than twice the 24");
    let receive = ["orders", "receive", "po-1", "--on", "2026-11-05", "--line", "tea=23"];
    let text = shop.run(&receive).unwrap();
    assert_eq!(text, "`po-1` is received: 50.40 USD at leaf\n");
    // HTTP sees the same order, and what is done is kept without the server.
    let (_, read) = ask(&server, ("GET", "/v1/purchase_orders/po-1", &key), "");
    let read: Value = serde_json::from_str(&read).unwrap();
    assert_eq!((&read["received_on"], &read["version"]), (&json!("2026-11-05"), &json!(6)));
    assert_eq!(
        (&read["changed_by"], &read["lines"][0]["received"]),
        (&json!("local"), &json!(23.0))
    );
    server.stop().unwrap();
    let text = shop.run(&["orders", "show", "po-1"]).unwrap();
    assert!(
        text.starts_with("`po-1` is received: 50.40 USD at leaf for tills, version 6\n"),
        "{text}"
    );
    assert!(text.contains("tea         24  2.10 USD    23"), "{text}");
    let none = "; `souk replenish --draft` makes drafts of what to order\n";
    let text = shop.run(&["orders", "list"]).unwrap();
    assert_eq!(text, format!("there are no open purchase orders{none}"));
    let text = shop.run(&["orders", "list", "--state", "draft", "--location", "tills"]).unwrap();
    assert_eq!(text, format!("there are no draft purchase orders for `tills`{none}"));
}

/// The shop of docs/replenishment.md, on the day of its transcript.
fn corner() -> (tempfile::TempDir, Shop) {
    let (folder, shop) = shop_with("clock: {standing_at: \"2026-11-29T12:00:00Z\"}\n");
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/planning");
    let names =
        ["products", "promotions", "counted-before", "orders", "stock", "suppliers", "open"];
    let paths = names.map(|name| files.join(format!("{name}.csv")));
    let args = std::iter::once("import".as_ref()).chain(paths.iter().map(|path| path.as_os_str()));
    let args: Vec<&std::ffi::OsStr> = args.collect();
    shop.run(&args).unwrap();
    (folder, shop)
}

#[test]
fn a_plan_is_an_order_list_and_forecasts_come_out_whole() {
    let (folder, shop) = corner();
    let table = shop.run(&["replenish", "--location", "berlin", "--output", "csv"]).unwrap();
    let mut lines = table.lines();
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    for column in ["product_id", "title", "quantity", "supplier_id", "position_on_hand"] {
        assert!(head.contains(&column), "{column}: {head:?}");
    }
    for column in ["unit_price_amount", "cost_amount", "cost_currency", "expected_on"] {
        assert!(head.contains(&column), "{column}: {head:?}");
    }
    let tea = lines.find(|line| line.starts_with("tea,")).unwrap();
    assert!(tea.starts_with("tea,Green tea 250 g,46.0,"), "{tea}");
    assert!(tea.contains(",USD,") && !tea.contains("{\"amount"), "{tea}");
    let text = shop.run(&["replenish", "--location", "berlin"]).unwrap();
    assert!(text.starts_with("product  title"), "{text}");
    assert!(text.contains("coffee   Coffee beans 1 kg"), "{text}");
    let out = folder.path().join("forecasts.csv");
    let args = ["export", "--kind", "forecasts", "--out", out.to_str().unwrap()];
    let said = shop.run(&args).unwrap();
    assert!(said.contains("280 rows of forecasts"), "{said}");
    let rows = std::fs::read_to_string(&out).unwrap();
    assert_eq!(rows.lines().count(), 281);
    assert!(rows.lines().nth(1).unwrap().starts_with("main,coffee,berlin,2026-11-29,"), "{rows}");
}
