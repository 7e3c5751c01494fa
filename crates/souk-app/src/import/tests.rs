#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use souk_core::{Action, ConsentOrigin, Fact, LegalBasis, OrderChange, ProductId, Purpose, SiteId};
use tempfile::TempDir;

use super::kind::ImportKind;
use super::{ImportOptions, ImportReport, Progress, Silent, Usable};
use crate::export::file::{ExportFile, Field};
use crate::test_shop::{Shop, rejected_rows};
use crate::{AppError, ExportKind};

/// A shop and a folder for its files.
pub(super) struct Desk {
    pub(super) shop: Shop,
    pub(super) folder: TempDir,
}

impl Desk {
    pub(super) async fn open() -> Desk {
        Desk::of(Shop::open().await)
    }

    pub(super) fn of(shop: Shop) -> Desk {
        Desk { shop, folder: TempDir::new().unwrap() }
    }

    pub(super) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(super) async fn import(&self, name: &str, bytes: impl AsRef<[u8]>) -> ImportReport {
        let path = self.file(name, bytes.as_ref());
        self.shop.app.import(&path, &ImportOptions::default(), &Silent).await.unwrap()
    }

    pub(super) async fn refused(
        &self,
        name: &str,
        bytes: impl AsRef<[u8]>,
        options: &ImportOptions,
    ) -> AppError {
        let path = self.file(name, bytes.as_ref());
        self.shop.app.import(&path, options, &Silent).await.unwrap_err()
    }

    async fn n_records(&self) -> usize {
        self.shop.log().await.len()
    }

    pub(super) fn rejected(&self, name: &str) -> Vec<Vec<String>> {
        rejected_rows(self.folder.path(), name)
    }
}

const ORDERS: &str = "\
Order ID,SKU,Qty,Line Total,Household ID,Store,Date
1,a,2,5.00,h1,s1,2026-01-10T10:00:00Z
2,b,1,3.20,h2,s1,2026-01-10T11:00:00Z
1,b,1,3.20,h1,s1,2026-01-10T10:00:00Z
3,a,-1,-2.50,h1,s1,2026-01-11T10:00:00Z
";

#[tokio::test]
async fn rows_of_one_order_become_one_order_wherever_they_stand() {
    let desk = Desk::open().await;
    let report = desk.import("o.csv", ORDERS).await;
    assert_eq!((report.kind, report.accepted, report.rejected), (ImportKind::Orders, 3, 0));
    let orders: Vec<_> = desk
        .shop
        .log()
        .await
        .into_iter()
        .filter_map(|(_, event)| {
            let Fact::Order(order) = event.fact else { return None };
            Some((order.order_id.to_string(), order.change, order.lines.len()))
        })
        .collect();
    assert_eq!(
        orders,
        [
            ("1".to_owned(), OrderChange::Placed, 2),
            ("2".to_owned(), OrderChange::Placed, 1),
            ("3".to_owned(), OrderChange::Refunded, 1),
        ]
    );
}

#[tokio::test]
async fn a_repeated_renamed_or_sorted_file_adds_nothing() {
    let desk = Desk::open().await;
    desk.import("o.csv", ORDERS).await;
    let before = desk.n_records().await;
    assert!(desk.import("o.csv", ORDERS).await.was_known);
    assert!(desk.import("renamed.csv", ORDERS).await.was_known);
    let mut lines: Vec<&str> = ORDERS.lines().collect();
    lines[1..].reverse();
    // Within order 1 the lines keep their own order, because that is what the order says.
    lines.swap(2, 4);
    let report = desk.import("sorted.csv", &format!("{}\n", lines.join("\n"))).await;
    assert_eq!((report.accepted, report.duplicates), (0, 3));
    assert_eq!(desk.n_records().await, before);
}

/// Breaks an import off when it has seen so many events.
struct BreakAt(std::sync::atomic::AtomicU64, Arc<tokio::sync::Notify>);

impl Progress for BreakAt {
    fn begin(&self, _what: &str, _total: Option<u64>) {}
    fn advance(&self, steps: u64) {
        if self.0.fetch_add(steps, std::sync::atomic::Ordering::Relaxed) > 30_000 {
            self.1.notify_one();
        }
    }
    fn note(&self, _text: &str) {}
    fn end(&self) {}
}

#[tokio::test]
async fn a_broken_import_goes_on_where_it_stopped() {
    let desk = Desk::open().await;
    let mut text = String::from("user_id,item_id,timestamp\n");
    for n in 0..60_000 {
        text.push_str(&format!("u{},p{},{}\n", n % 50, n % 70, 1_767_000_000 + n));
    }
    let path = desk.file("e.csv", text.as_bytes());
    let stop = Arc::new(tokio::sync::Notify::new());
    let progress = BreakAt(0.into(), Arc::clone(&stop));
    let options = ImportOptions::default();
    tokio::select! {
        _ = desk.shop.app.import(&path, &options, &progress) => panic!("it was not broken off"),
        () = stop.notified() => {}
    }
    let report = desk.shop.app.import(&path, &options, &Silent).await.unwrap();
    assert!(report.resumed_from >= 20_000, "{}", report.resumed_from);
    let status = desk.shop.app.log_status().await.unwrap();
    assert_eq!(status.records, 60_000, "every row once, whatever was on its way at the break");
}

#[tokio::test]
async fn bad_rows_are_listed_without_what_belongs_to_a_person() {
    let desk = Desk::open().await;
    let long = "secret-".repeat(60);
    let text = format!(
        "order_id,sku,quantity,price,user_id,timestamp,currency\n\
         1,a,1,2.50,anna,2026-01-10,USD\n\
         2,a,none,2.50,anna,2026-01-10,USD\n\
         3,a,0,2.50,anna,2026-01-10,USD\n\
         4,a,1,-2.50,anna,2026-01-10,USD\n\
         5,a,1,2.50,{long},2026-01-10,USD\n\
         6,a,1,2.50,anna,,USD\n\
         7,a,1,2.50,anna,2026-01-10,XXQ\n\
         8,a,1,NaN,anna,2026-01-10,USD\n\
         9,a,1,2.50,anna,2999-01-01,USD\n\
         ,a,1,2.50,anna,2026-01-10,USD\n\
         11,a\n\
         12,a,1,2.50,2026-01-10,the `secret` of anna,USD\n"
    );
    let report = desk.import("o.csv", &text).await;
    assert_eq!((report.accepted, report.rejected), (1, 11));
    let mut rows: Vec<(String, String)> =
        desk.rejected("o.csv").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    rows.sort();
    let expected = [
        ("10", "timestamp"),
        ("11", "order_id"),
        ("12", ""),
        ("13", "timestamp"),
        ("3", "quantity"),
        ("4", "quantity"),
        ("5", "price"),
        ("6", "user_id"),
        ("7", "timestamp"),
        ("8", "currency"),
        ("9", "price"),
    ];
    assert_eq!(rows, expected.map(|(line, column)| (line.to_owned(), column.to_owned())));
    let listed = std::fs::read_to_string(report.rejected_file.unwrap()).unwrap();
    assert!(!listed.contains("anna") && !listed.contains("secret"), "{listed}");
}

#[tokio::test]
async fn kinds_are_told_from_the_columns() {
    let desk = Desk::open().await;
    for (text, kind, n) in [
        ("sku,name,price\na,Tea,2.50\n", ImportKind::Products, 1),
        ("session_id,item_id,timestamp\ns,a,1767000000\n", ImportKind::Events, 1),
        ("user_id,event,item_id,time\nu,addtocart,a,1767000000\n", ImportKind::Events, 1),
        ("sku,store_id,quantity\na,s1,4\n", ImportKind::Stock, 1),
        ("sku,price\na,3.10\n", ImportKind::Prices, 1),
        ("promotion_id,from,until,sku\nx,2026-01-01,2026-01-31,a\n", ImportKind::Promotions, 1),
        ("customer_id,tier\nu,gold\n", ImportKind::Customers, 1),
    ] {
        let report = desk.import(&format!("{kind}.csv"), text).await;
        assert_eq!((report.kind, report.accepted), (kind, n), "{text}");
    }
    let added = desk.shop.log().await.into_iter().any(|(_, event)| {
        matches!(event.fact, Fact::Interaction(one) if one.action == Action::AddedToCart)
    });
    assert!(added);
}

#[tokio::test]
async fn refusals_name_what_is_wrong_and_the_remedy() {
    let desk = Desk::open().await;
    let plain = ImportOptions::default();
    for (name, text, part) in [
        ("a.csv", "", "is empty"),
        ("b.csv", "one,two\n1,2\n", "--kind"),
        ("c.xls", "x", ".csv"),
        ("d.csv", "user_id,item_id\nu,a\n", "no column `timestamp`"),
    ] {
        let said = desk.refused(name, text, &plain).await;
        assert_eq!(said.kind(), souk_core::ErrorKind::InvalidInput);
        assert!(said.to_string().contains(part), "{said}");
    }
    let orders = ImportOptions { kind: Some(ImportKind::Orders), ..plain };
    let said = desk.refused("e.csv", "sku,name\na,b\n", &orders).await.to_string();
    assert!(said.contains("no column `order_id`"), "{said}");
}

#[tokio::test]
async fn products_keep_their_other_columns_as_attributes() {
    let desk = Desk::open().await;
    let text = "sku,name,categories,price,colour,weight\n\
                a,Tea,Drinks > Tea|Gifts,2.50,green,0.5\n";
    let report = desk.import("p.csv", text).await;
    assert_eq!(report.accepted, 1);
    let product = desk.shop.app.product(&SiteId::main(), &ProductId::new("a").unwrap()).unwrap();
    assert_eq!(product.categories, ["Drinks > Tea", "Gifts"]);
    assert_eq!(product.price.unwrap().minor(), 250);
    assert_eq!(product.attributes.keys().collect::<Vec<_>>(), ["colour", "weight"]);
}

#[tokio::test]
async fn a_product_that_is_there_already_is_not_put_again() {
    let desk = Desk::open().await;
    desk.import("p.csv", "sku,name\na,Tea\nb,Rice\n").await;
    let report = desk.import("q.csv", "name,sku\nRice,b\nGreen tea,a\nTea,a\n").await;
    assert_eq!((report.accepted, report.duplicates), (2, 1));
    let product = desk.shop.app.product(&SiteId::main(), &ProductId::new("a").unwrap()).unwrap();
    assert_eq!(product.title, "Tea", "the later of two rows stays");
}

#[tokio::test]
async fn what_is_exported_can_be_imported() {
    let desk = Desk::open().await;
    desk.import("o.csv", ORDERS).await;
    desk.import("p.csv", "sku,name,price\na,Tea,2.50\nb,Rice,3.20\n").await;
    desk.import("v.csv", "user_id,event,item_id,time\nh1,view,a,1768000000\n").await;
    for (kind, name, rows) in [
        (ExportKind::Events, "events.jsonl", 4),
        (ExportKind::Products, "products.jsonl.gz", 2),
        (ExportKind::Orders, "orders.parquet", 4),
        (ExportKind::Sales, "sales.parquet", 4),
        (ExportKind::Events, "events.parquet", 4),
    ] {
        let path = desk.folder.path().join(name);
        assert_eq!(
            desk.shop.app.export((kind, Purpose::Analytics), &path, &Silent).await.unwrap().rows,
            rows,
            "{name}"
        );
    }
    let other = Desk::open().await;
    for (name, accepted) in [("events.jsonl", 4), ("products.jsonl.gz", 2)] {
        let path = desk.folder.path().join(name);
        let report =
            other.shop.app.import(&path, &ImportOptions::default(), &Silent).await.unwrap();
        assert_eq!((report.accepted, report.rejected), (accepted, 0), "{name}");
    }
    // The same orders by another file: known by their message ids and order ids.
    let again = desk.folder.path().join("again.jsonl");
    let events = (ExportKind::Events, Purpose::Analytics);
    other.shop.app.export(events, &again, &Silent).await.unwrap();
    let ids = |path: &std::path::Path| -> Vec<String> {
        let text = std::fs::read_to_string(path).unwrap();
        let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        text.lines().map(|text| line(text)["messageId"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&desk.folder.path().join("events.jsonl")), ids(&again));
    let parquet = desk.folder.path().join("orders.parquet");
    let third = Desk::open().await;
    let report = third.shop.app.import(&parquet, &ImportOptions::default(), &Silent).await.unwrap();
    assert_eq!((report.kind, report.rejected), (ImportKind::Orders, 0));
}

#[tokio::test]
async fn a_file_of_another_kind_is_refused() {
    let desk = Desk::open().await;
    desk.import("o.csv", ORDERS).await;
    let path = desk.folder.path().join("sales.parquet");
    let sales = (ExportKind::Sales, Purpose::Analytics);
    desk.shop.app.export(sales, &path, &Silent).await.unwrap();
    let orders = ImportOptions { kind: Some(ImportKind::Orders), ..ImportOptions::default() };
    let said = desk.shop.app.import(&path, &orders, &Silent).await.unwrap_err().to_string();
    assert!(said.contains("no column `order_id`"), "{said}");
}

#[tokio::test]
async fn parquet_columns_of_another_type_are_read_or_rejected_row_by_row() {
    const FIELDS: &[Field] = &[
        Field::number("order_id"),
        Field::text("sku"),
        Field::text("quantity"),
        Field::number("timestamp"),
        Field::text("price"),
    ];
    let desk = Desk::open().await;
    let path = desk.folder.path().join("o.parquet");
    let mut file = ExportFile::create(&path, FIELDS).unwrap();
    for (quantity, price) in [("2", "1.50"), ("two", "1.50"), ("1", "free")] {
        let row = json!({
            "order_id": 7.0, "sku": "a", "quantity": quantity, "timestamp": 1.7675e9, "price": price,
        });
        file.write(&row, || row.clone()).unwrap();
    }
    file.finish().unwrap();
    let options = ImportOptions::default();
    let report = desk.shop.app.import(&path, &options, &Silent).await.unwrap();
    assert_eq!((report.accepted, report.rejected), (1, 2));
    let columns: Vec<String> =
        desk.rejected("o.parquet").into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(columns, ["quantity", "price"]);
    let log = desk.shop.log().await;
    let Fact::Sale(sale) = &log[0].1.fact else { panic!("no sale without a person") };
    assert_eq!((sale.lines.len(), sale.lines[0].amount.unwrap().minor()), (1, 300));
}

#[tokio::test]
async fn a_file_of_consents_is_read_and_what_may_be_used_is_told() {
    let desk = Desk { shop: Shop::open_in("eu").await, folder: TempDir::new().unwrap() };
    let consents = "\
user_id,purpose,granted,at,notice_version
h1,personalization,yes,2026-01-02T10:00:00Z,a
h2,marketing,withdrawn,2026-01-02T10:00:00Z,
h3,ads,yes,,
h4,analytics,maybe,,
";
    let report = desk.import("consents.csv", consents).await;
    assert_eq!((report.kind, report.accepted, report.rejected), (ImportKind::Consents, 2, 2));
    let columns: Vec<String> =
        desk.rejected("consents.csv").into_iter().map(|row| row[1].clone()).collect();
    assert_eq!(columns, ["purpose", "granted"]);
    let usable = desk.import("orders.csv", ORDERS).await.usable.unwrap();
    assert_eq!(usable.persons, 2);
    assert_eq!(persons(&usable, Purpose::Personalization), 1);
    assert_eq!(persons(&usable, Purpose::ModelTraining), 0);
    assert_eq!(desk.shop.app.view_sizes().baskets, 0);
}

#[tokio::test]
async fn a_stated_basis_is_recorded_for_each_person_and_outweighed_by_their_no() {
    let desk = Desk { shop: Shop::open_in("eu").await, folder: TempDir::new().unwrap() };
    desk.import("consents.csv", "user_id,purpose,granted\nh2,model_training,no\n").await;
    let path = desk.file("orders.csv", ORDERS.as_bytes());
    let basis = Some(LegalBasis::LegitimateInterest);
    let options = ImportOptions { basis, ..ImportOptions::default() };
    let usable = desk.shop.app.import(&path, &options, &Silent).await.unwrap().usable.unwrap();
    assert_eq!((usable.basis, usable.persons), (basis, 2));
    assert_eq!(persons(&usable, Purpose::ModelTraining), 1);
    assert_eq!(persons(&usable, Purpose::Analytics), 2);
    assert_eq!(persons(&usable, Purpose::Personalization), 0);
    assert_eq!(desk.shop.app.view_sizes().baskets, 1, "that of h1, whose statement came before it");
    let log = desk.shop.log().await;
    let stated = log.iter().filter(|(_, event)| {
        matches!(&event.fact, Fact::Consent(change)
            if change.origin == ConsentOrigin::Stated(LegalBasis::LegitimateInterest))
    });
    assert_eq!(stated.count(), 2, "one for each person");
}

fn persons(usable: &Usable, purpose: Purpose) -> u64 {
    usable.by_purpose.iter().find(|(of, ..)| *of == purpose).unwrap().1
}

const SUPPLIERS: &str = "\
supplier_id,supplier_name,lead_time_days,order_weekdays,product_id,cost,multiple,minimum_order,currency,holidays
leaf,Leaf Ltd,3,mon|thu,a,2.50,12,100,USD,2026-12-25|2027-01-01
leaf,Leaf Ltd,3,mon|thu,b,1.25,1,100,USD,
milkman,,1,,b,1.10,,,USD,
bad,,,,a,1,1,,USD,
milkman,,1,,b,1.00,,,USD,
closed,,1,,b,1.00,,,USD,Christmas
leaf,Leaf Ltd,9,mon|thu,c,1.00,1,100,USD,
";

const OPEN_ORDERS: &str = "\
purchase_order_id,supplier_id,location_id,product_id,quantity,sent_on,expected_on,state
4711,leaf,s1,a,24,2026-01-12,2026-01-16,
4711,leaf,s1,b,10,2026-01-12,2026-01-16,
4712,milkman,s1,b,6,,,approved
4713,nobody,s1,b,6,,,
";

#[tokio::test]
async fn suppliers_and_open_orders_come_in_once() {
    let desk = Desk::open().await;
    desk.import("p.csv", "product_id,title\na,Tea\nb,Milk\n").await;
    let report = desk.import("suppliers.csv", SUPPLIERS).await;
    assert_eq!((report.kind, report.accepted, report.rejected), (ImportKind::Suppliers, 2, 4));
    let reasons: Vec<String> = desk
        .rejected("suppliers.csv")
        .into_iter()
        .map(|row| format!("{} {}", row[0], row[1]))
        .collect();
    assert_eq!(reasons, ["5 lead_time_days", "7 holidays", "6 product_id", "8 lead_time_days"]);
    let app = &desk.shop.app;
    let admin = crate::Caller::local_admin();
    let suppliers = app.suppliers(&admin).unwrap();
    let leaf = &suppliers[0].supplier;
    assert_eq!(
        (leaf.offers.len(), leaf.offers[0].price.amount, leaf.offers[0].multiple),
        (2, 250, 12.0)
    );
    assert_eq!(leaf.minimum_order.as_ref().unwrap().amount, 10_000);
    assert_eq!(leaf.holidays, ["2026-12-25", "2027-01-01"]);
    let report = desk.import("orders-open.csv", OPEN_ORDERS).await;
    assert_eq!((report.kind, report.accepted, report.rejected), (ImportKind::PurchaseOrders, 2, 1));
    let open = app.open_purchase_orders(None, &admin).unwrap();
    let told: Vec<_> = open
        .iter()
        .map(|order| {
            (order.id.as_str(), order.state.as_str(), order.lines.len(), order.sent_on.as_deref())
        })
        .collect();
    assert_eq!(told, [("4711", "sent", 2, Some("2026-01-12")), ("4712", "approved", 1, None)]);
    // Reading them again adds nothing; a new price of one supplier is one change.
    for (name, text) in [("suppliers.csv", SUPPLIERS), ("orders-open.csv", OPEN_ORDERS)] {
        let report = desk.import(name, text).await;
        assert_eq!((report.accepted, report.duplicates), (0, 2), "{name}");
    }
    // What stands otherwise here, or belongs to two places, is said and not guessed at.
    let moved = desk.import("orders-moved.csv", &OPEN_ORDERS.replace("approved", "received")).await;
    assert_eq!((moved.accepted, moved.duplicates, moved.rejected), (0, 1, 2));
    let reasons = desk.rejected("orders-moved.csv");
    assert!(
        reasons.iter().any(|row| row[2].contains("`4712` is here as `approved`")),
        "{reasons:?}"
    );
    let report = desk.import("suppliers-2.csv", &SUPPLIERS.replace("2.50", "2.60")).await;
    assert_eq!((report.accepted, report.duplicates), (1, 1));
}

#[tokio::test]
async fn a_promotion_that_ends_before_it_begins_is_refused() {
    let desk = Desk::open().await;
    desk.import("p.csv", "product_id,title\na,Tea\n").await;
    let text =
        "promotion_id,from,until,sku\nx,2026-01-20,2026-01-10,a\ny,2026-01-10,2026-01-10,a\n";
    let report = desk.import("promotions.csv", text).await;
    assert_eq!((report.kind, report.accepted, report.rejected), (ImportKind::Promotions, 1, 1));
    let row = &desk.rejected("promotions.csv")[0];
    assert_eq!((&*row[0], &*row[1]), ("2", "until"));
    assert!(row[2].contains("2026-01-10 is before `from`, 2026-01-20"), "{row:?}");
}

#[tokio::test]
async fn signals_come_in_by_day_and_what_is_no_value_is_said() {
    let desk = Desk::open().await;
    let text = "name,date,value,location_id\ntemperature_c,2026-01-14,3.5,s1\ntemperature_c,2026-01-15,,s1\n\
                Temp,2026-01-15,4,s1\nindex,2026-01-15,101.2,\ntemperature_c,2026-01-16,5,s1\n";
    let report = desk.import("weather.csv", text).await;
    assert_eq!((report.kind, report.accepted, report.rejected), (ImportKind::Signals, 3, 2));
    let reasons = desk.rejected("weather.csv");
    assert_eq!((&*reasons[0][0], &*reasons[0][1]), ("3", "value"));
    assert_eq!(&reasons[1][0], "4");
    assert!(reasons[1][2].contains("`Temp` is no name of a signal"), "{reasons:?}");
    let known = desk.shop.app.signals(None, &crate::Caller::local_admin()).unwrap();
    let brief = |one: &crate::SignalKnown| {
        (one.location_id.clone(), one.name.clone(), one.n_days, one.last)
    };
    let told: Vec<_> = known.iter().map(brief).collect();
    let row = |place: Option<&str>, name: &str, n_days, last| {
        (place.map(str::to_owned), name.to_owned(), n_days, last)
    };
    assert_eq!(told, [row(None, "index", 1, 101.2), row(Some("s1"), "temperature_c", 2, 5.0)]);
    let report = desk.import("weather.csv", &text.replace(",5,s1", ",6,s1")).await;
    assert_eq!((report.accepted, report.duplicates), (1, 2));
}

#[tokio::test]
async fn lots_come_in_with_their_last_day() {
    let desk = Desk::open().await;
    desk.import("p.csv", "product_id,title\na,Tea\n").await;
    let lots = "product_id,location_id,lot,quantity,expires_on\na,s1,L1,5,2026-03-01\na,s1,L2,7,2026-04-01\n";
    let report = desk.import("lots.csv", lots).await;
    assert_eq!((report.kind, report.accepted), (ImportKind::Lots, 2));
    crate::people::tests::folded(&desk.shop).await;
    let query = crate::StockQuery {
        site: SiteId::main(),
        location: None,
        product: None,
        after: None,
        limit: 10,
    };
    let page = desk.shop.app.stock(&query, &crate::Caller::local_admin()).unwrap();
    let rows: Vec<_> = page
        .levels
        .iter()
        .map(|level| {
            (level.lot.as_deref().unwrap(), level.quantity, level.expires_on.unwrap().to_string())
        })
        .collect();
    assert_eq!(rows, [("L1", 5.0, "2026-03-01".to_owned()), ("L2", 7.0, "2026-04-01".to_owned())]);
}

#[tokio::test]
async fn a_json_list_is_read_like_lines_of_json() {
    let desk = Desk::open().await;
    let list = "[\n  {\"id\": \"a\", \"title\": \"Tea\"},\n  {\"id\": \"b\",\n   \"title\": \"Mug\"},\n  {\"title\": 1}]";
    let options = ImportOptions { kind: Some(ImportKind::Products), ..ImportOptions::default() };
    let path = desk.file("list.json", list.as_bytes());
    let report = desk.shop.app.import(&path, &options, &Silent).await.unwrap();
    assert_eq!((report.accepted, report.rejected), (2, 1));
    assert_eq!(desk.rejected("list.json")[0][0], "5");
    // Its fields tell what it is, as of any other table.
    let report = desk.import("known.json", "[{\"id\":\"c\",\"title\":\"Pot\"}]").await;
    assert_eq!((report.accepted, report.kind), (1, ImportKind::Products));
    let stock = "[{\"product_id\":\"a\",\"location_id\":\"s1\",\"on_hand\":4}]";
    let report = desk.import("stock.json", stock).await;
    assert_eq!((report.accepted, report.kind), (1, ImportKind::Stock));
}

#[tokio::test]
async fn a_file_of_which_no_row_can_be_read_is_refused() {
    let desk = Desk::open().await;
    let options = ImportOptions { kind: Some(ImportKind::Products), ..ImportOptions::default() };
    let text = "{\"id\": 1}\n\n{\"id\": 2}\n";
    for _ in 0..2 {
        let error = desk.refused("bad.jsonl", text, &options).await;
        let detail = error.to_string();
        assert!(detail.contains("none of its 2 rows could be read as products"), "{detail}");
        assert!(detail.contains("bad.jsonl.rejected.csv"), "{detail}");
        assert_eq!(error.kind(), souk_core::ErrorKind::InvalidInput);
    }
    // One good row is enough.
    let report = desk.import("mixed.jsonl", "{\"id\":\"a\",\"title\":\"Tea\"}\n{\"id\":2}\n").await;
    assert_eq!((report.accepted, report.rejected), (1, 1));
}
