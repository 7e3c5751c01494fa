use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use souk_app::{App, Clock, Config, IdKind, Parts};
use souk_core::{Day, SiteId};
use souk_sim::crash::check_health;
use souk_sim::server::Shop;

use super::{SETTINGS, ask, shop};

/// Minor units of all rows of an export of sales.
pub(crate) fn sold_minor(rows: &[Value]) -> i64 {
    rows.iter().map(|row| (row["amount"].as_f64().unwrap_or(0.0) * 100.0).round() as i64).sum()
}

/// One line of an order, and who says so.
#[derive(Clone, Copy)]
struct Line {
    order: u32,
    product: u32,
    quantity: i64,
    minor: i64,
}

/// Half past midnight at the tills, whose day ends at two: 05:30 there is 2 January, sold on the 1st.
const SOLD_AT: &str = "2026-01-02T05:30:00Z";
const FIRST_NIGHT: &str = "2026-01-02T09:00:00Z";
/// Later than any repetition is recognised by its message id.
const DAYS_LATER: &str = "2026-01-11T09:00:00Z";

/// Orders 0 to 39 on the web. The ledger has 20 to 59, and corrects every fifth.
fn web_lines() -> Vec<Line> {
    (0..40).flat_map(|order| [line(order, 0, 0), line(order, 1, 0)]).collect()
}

fn ledger_lines() -> Vec<Line> {
    let correction = |order: u32| if order.is_multiple_of(5) { 7 } else { 0 };
    (20..60).flat_map(|o| [line(o, 0, correction(o)), line(o, 1, correction(o))]).collect()
}

fn line(order: u32, nth: u32, correction: i64) -> Line {
    let quantity = 1 + i64::from(order % 3);
    let minor = quantity * (99 + i64::from(order * 31 + nth * 1_013)) + correction;
    Line { order, product: (order + nth * 5) % 11, quantity, minor }
}

/// What must be booked: the ledger's word where there is one.
fn wanted() -> BTreeMap<(String, i64), (i64, i64)> {
    let mut sums = BTreeMap::new();
    let web = web_lines().into_iter().filter(|line| line.order < 20);
    for line in web.chain(ledger_lines()) {
        let day = Day::parse("2026-01-01").unwrap().number();
        let sum: &mut (i64, i64) =
            sums.entry((format!("p{}", line.product), i64::from(day))).or_default();
        *sum = (sum.0 + line.quantity * 1_000, sum.1 + line.minor);
    }
    sums
}

fn web_batch(lines: &[Line]) -> String {
    let mut orders: BTreeMap<u32, Vec<Value>> = BTreeMap::new();
    for line in lines {
        orders.entry(line.order).or_default().push(json!({
            "product_id": format!("p{}", line.product), "quantity": line.quantity,
            "amount": line.minor as f64 / 100.0,
        }));
    }
    let event = |(order, products): (u32, Vec<Value>)| {
        json!({
            "type": "track", "event": "Order Completed", "messageId": format!("web-{order}"),
            "userId": format!("u{}", order % 4), "timestamp": SOLD_AT,
            "properties": {"order_id": format!("o{order}"), "currency": "USD",
                "location_id": "tills", "products": products},
        })
    };
    json!({"batch": orders.into_iter().map(event).collect::<Vec<_>>()}).to_string()
}

fn ledger_file(lines: &[Line]) -> String {
    let mut rows =
        String::from("order_id,product_id,timestamp,quantity,amount,user_id,location_id\n");
    for Line { order, product, quantity, minor } in lines {
        let (whole, part, user) = (minor / 100, minor % 100, order % 4);
        let _ = writeln!(
            rows,
            "o{order},p{product},{SOLD_AT},{quantity},{whole}.{part:02},u{user},tills"
        );
    }
    rows
}

/// What happens at one time.
#[derive(Clone, Copy, PartialEq)]
enum Arrival {
    Web,
    File,
    FileInAnotherOrder,
}

fn arrive(shop: &Shop, settings: &Path, (when, arrivals): (&str, &[Arrival])) {
    std::fs::write(settings, format!("{SETTINGS}clock: {{standing_at: \"{when}\"}}\n")).unwrap();
    let key = shop.create_key("ingest_server").unwrap();
    let server = shop.serve().unwrap();
    for arrival in arrivals {
        if *arrival == Arrival::Web {
            let (status, text) =
                ask(&server, ("POST", "/v1/batch", &key), &web_batch(&web_lines()));
            assert_eq!(status, 200, "{text}");
            continue;
        }
        let mut lines = ledger_lines();
        if *arrival == Arrival::FileInAnotherOrder {
            lines.reverse();
        }
        let file = settings.with_file_name(format!("night-{}.csv", lines[0].order));
        std::fs::write(&file, ledger_file(&lines)).unwrap();
        shop.run(&["import".as_ref(), file.as_os_str()]).unwrap();
    }
    server.stop().unwrap();
}

/// Thousandths and minor units by product and day, and the baskets of each user.
async fn booked(folder: &Path) -> (BTreeMap<(String, i64), (i64, i64)>, Vec<usize>) {
    let open = souk_embedded::open(folder, &souk_embedded::EmbeddedOptions::default()).unwrap();
    let parts = Parts {
        log: Arc::clone(&open.log) as _,
        tables: Arc::clone(&open.tables) as _,
        keys: Arc::clone(&open.keys) as _,
        cache: Arc::clone(&open.cache) as _,
        blobs: Arc::clone(&open.blobs),
    };
    let config = Config::parse(SETTINGS, []).unwrap();
    let app = App::open(parts, config, Clock::system()).await.unwrap();
    app.wait_ready().await.unwrap();
    let mut subjects = Vec::new();
    for user in 0..4 {
        subjects.push(app.find_subject(IdKind::User, &format!("u{user}")).await.unwrap().unwrap());
    }
    let booked = app.with_views(|views| {
        let site = SiteId::main();
        let mut sums = BTreeMap::new();
        for product in 0..11 {
            let id = souk_core::ProductId::new(format!("p{product}")).unwrap();
            let item = views.catalogue.item(&site, &id).unwrap();
            let ever = (Day::from_number(0), Day::from_number(100_000));
            for sale in views.sales.of(item, ever, &views.catalogue) {
                assert_eq!(sale.location, Some("tills"));
                let key = (id.to_string(), i64::from(sale.day.number()));
                let known = sums.insert(key, (sale.quantity_milli, sale.amount_minor));
                assert!(known.is_none());
            }
        }
        let baskets =
            subjects.iter().map(|subject| views.audit().history(&[*subject]).baskets.len());
        (sums, baskets.collect())
    });
    app.close().await.unwrap();
    booked
}

/// The same orders by web event and by nightly file, nine days apart, in either order, both of them
/// repeated: each counts once to the cent, on the business day of the till.
#[test]
fn an_order_that_arrives_twice_counts_once() {
    use Arrival::{File, FileInAnotherOrder, Web};
    let histories: [(&[Arrival], &[Arrival]); 3] = [
        (&[Web], &[File, Web]),
        (&[File], &[Web, FileInAnotherOrder]),
        (&[Web, File], &[File, Web]),
    ];
    for (first_night, days_later) in histories {
        let (folder, shop) = shop();
        let settings = folder.path().join("souk.yaml");
        arrive(&shop, &settings, (FIRST_NIGHT, first_night));
        arrive(&shop, &settings, (DAYS_LATER, days_later));
        check_health(&shop).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (sums, baskets) = runtime.block_on(booked(shop.folder()));
        assert_eq!(sums, wanted());
        assert_eq!(baskets, vec![15; 4]);
    }
}
