#![allow(clippy::unwrap_used)]

use souk_core::{Day, Fact, LocationId, ProductId, SiteId, Timestamp};

use super::kind::ImportKind;
use super::tests::Desk;
use super::{ImportOptions, ImportReport};
use crate::Config;
use crate::test_shop::Shop;

const PLACES: &str = "privacy: {default_jurisdiction: us}\n\
    sites: [{id: main, currency: USD, time_zone: Europe/Berlin}]\n\
    locations: [{id: ny, time_zone: America/New_York}, {id: bar, time_zone: Europe/Berlin, day_cut_minutes: 240}]";

async fn placed() -> Desk {
    Desk::of(Shop::open_with(Config::parse(PLACES, []).unwrap()).await)
}

/// Orders as they are in the log: name, time, how many products, units of the first.
async fn orders(desk: &Desk) -> Vec<(String, String, usize, f64)> {
    let log = desk.shop.log().await;
    let orders = log.into_iter().filter_map(|(_, event)| {
        let Fact::Order(order) = event.fact else { return None };
        let units = order.lines[0].quantity.milli() as f64 / 1_000.0;
        Some((order.order_id.to_string(), event.at.to_string(), order.lines.len(), units))
    });
    orders.collect()
}

async fn counts(desk: &Desk) -> Vec<(String, f64, Option<Day>)> {
    let log = desk.shop.log().await;
    let counts = log.into_iter().filter_map(|(_, event)| {
        let Fact::Stock(change) = event.fact else { return None };
        let units = change.quantity.milli() as f64 / 1_000.0;
        Some((event.at.to_string(), units, change.expires_on))
    });
    counts.collect()
}

fn first(report: &ImportReport) -> (ImportKind, u64, u64) {
    (report.kind, report.accepted, report.rejected)
}

#[tokio::test]
async fn what_was_sold_in_a_day_is_no_count_and_no_basket() {
    let desk = placed().await;
    let text = "date,store,sku,name,units,revenue\n\
                2026-01-12,ny,a,Tea,3,6.00\n2026-01-12,ny,b,Milk,2,1.80\n\
                2026-01-13,ny,a,Tea,0,0\n2026-01-13,bar,a,Tea,1,2.00\n";
    let report = desk.import("by-day.csv", text).await;
    assert_eq!(first(&report), (ImportKind::Sales, 3, 0));
    // A day that is sent again, with another name and what was late, is the same day.
    let report = desk.import("again.csv", &text.replace("bar,a,Tea,1", "bar,a,Tea,1.0")).await;
    assert_eq!((report.accepted, report.duplicates), (0, 3));
    // What was late counts as it is told later, whichever units are more.
    for units in [9, 1, 4] {
        let text = format!("date,store,sku,units,revenue\n2026-01-12,ny,b,{units},1.80\n");
        assert_eq!(desk.import(&format!("late{units}.csv"), &text).await.accepted, 1);
        desk.shop.hand.fetch_add(60_000, std::sync::atomic::Ordering::SeqCst);
        let key = (&SiteId::main(), &ProductId::new("b").unwrap());
        let place = LocationId::new("ny").unwrap();
        let sold = desk.shop.app.demand(key, Some(&place), 7).unwrap().sold;
        assert_eq!(sold.iter().sum::<f64>(), f64::from(units), "{sold:?}");
    }
    let report = desk
        .import(
            "back.csv",
            "date,store,sku,units,revenue\n2026-01-12,ny,b,-2,0\n2026-01-12,ny,c,1,1\n",
        )
        .await;
    assert_eq!((report.accepted, report.rejected), (1, 1));
    // Other words for it; where a column says what was sold, no place or amount is needed.
    let report =
        desk.import("words.csv", "business_date,product_id,units_sold\n2026-01-12,a,4\n").await;
    assert_eq!(first(&report), (ImportKind::Sales, 1, 0));
    let days = "date,store,sku,quantity\n2026-01-12,ny,a,3\n2026-01-13,ny,a,5\n";
    let said = desk.refused("which.csv", days, &ImportOptions::default()).await.to_string();
    assert!(said.contains("names `a` at `ny` on 2026-01-12 and on 2026-01-13"), "{said}");
    assert!(said.contains("--kind stock") && said.contains("--kind sales"), "{said}");
    let sales = ImportOptions { kind: Some(ImportKind::Sales), ..ImportOptions::default() };
    let path = desk.file("said.csv", days.as_bytes());
    let report = desk.shop.app.import(&path, &sales, &super::Silent).await.unwrap();
    assert_eq!(first(&report), (ImportKind::Sales, 2, 0));
    assert!(counts(&desk).await.is_empty());
    // One day of several places is a count as before.
    let report = desk
        .import("count.csv", "date,store,sku,quantity\n2026-01-13,ny,a,3\n2026-01-13,bar,a,5\n")
        .await;
    assert_eq!(first(&report), (ImportKind::Stock, 2, 0));
}

#[tokio::test]
async fn times_without_an_offset_are_by_the_clock_of_their_place() {
    let desk = placed().await;
    let text = "user_id,order_id,date,store,sku,quantity,amount\n\
                u,1,2026-01-12,ny,a,1,2\nu,2,2026-01-12 23:30:00,ny,a,1,2\nu,3,2026-01-12,bar,a,1,2\n\
                u,4,2026-01-12 02:00,bar,a,1,2\nu,5,2026-01-12T10:00:00Z,ny,a,1,2\nu,6,2026-01-12,else,a,1,2\n";
    assert_eq!(first(&desk.import("o.csv", text).await), (ImportKind::Orders, 6, 0));
    let told: Vec<String> =
        orders(&desk).await.into_iter().map(|(id, at, ..)| id + " " + &at).collect();
    // In New York it is five hours earlier than in UTC, in Berlin one later; the bar's day begins at four.
    for one in [
        "1 2026-01-12T05:00:00.000Z",
        "2 2026-01-13T04:30:00.000Z",
        "3 2026-01-12T03:00:00.000Z",
        "4 2026-01-12T01:00:00.000Z",
        "5 2026-01-12T10:00:00.000Z",
        "6 2026-01-11T23:00:00.000Z",
    ] {
        assert!(told.contains(&one.to_owned()), "{one}: {told:?}");
    }
    let clock = desk.shop.app.place_clock(&SiteId::main(), Some(&LocationId::new("ny").unwrap()));
    for at in ["2026-01-12T05:00:00Z", "2026-01-13T04:30:00Z"] {
        assert_eq!(clock.day(Timestamp::parse(at).unwrap()), Day::parse("2026-01-12").unwrap());
    }
    desk.import("s.csv", "sku,store,quantity,counted_at\na,ny,4,2026-01-12 08:00\n").await;
    assert_eq!(counts(&desk).await[0].0, "2026-01-12T13:00:00.000Z");
}

#[tokio::test]
async fn a_date_in_digits_is_one_and_a_spreadsheets_number_is_none() {
    let desk = Desk::open().await;
    let text = "user_id,order_id,date,sku,quantity\nu,1,20260112,a,1\nu,2,12.01.2026,a,1\nu,3,46034,a,1\n\
                u,4,12.1.2026 18:30,a,1\nu,5,01/12/2026,a,1\nu,6,1768176000,a,1\nu,7,1768176000000,a,1\n";
    assert_eq!(first(&desk.import("o.csv", text).await), (ImportKind::Orders, 4, 3));
    let days: Vec<String> =
        orders(&desk).await.into_iter().map(|(id, at, ..)| format!("{id} {}", &at[..16])).collect();
    for one in
        ["1 2026-01-12T00:00", "2 2026-01-12T00:00", "4 2026-01-12T18:30", "6 2026-01-12T00:00"]
    {
        assert!(days.contains(&one.to_owned()), "{one}: {days:?}");
    }
    let rejected = desk.rejected("o.csv");
    assert!(rejected[0][2].contains("would be 1970-01-01 as Unix seconds"), "{rejected:?}");
    // A last day that was taken for one of 1970 would write the lot off.
    let lots =
        "sku,store,quantity,lot,expires_on\na,s,5,x,46060\na,s,5,y,20260215\na,s,5,z,15.02.2026\n";
    assert_eq!(first(&desk.import("l.csv", lots).await), (ImportKind::Lots, 2, 1));
    let day = Some(Day::parse("2026-02-15").unwrap());
    let ends: Vec<Option<Day>> = counts(&desk).await.into_iter().map(|(_, _, day)| day).collect();
    assert_eq!(ends, [day, day]);
}

#[tokio::test]
async fn numbers_have_decimal_commas_where_semicolons_separate() {
    let desk = Desk::open().await;
    let text = "sku;store;quantity\na;s;1,5\nb;s;1.050,25\nc;s;7\nd;s;1.050\n";
    assert_eq!(first(&desk.import("s.csv", text).await), (ImportKind::Stock, 4, 0));
    let units: Vec<f64> = counts(&desk).await.into_iter().map(|(_, units, _)| units).collect();
    // Beside numbers with commas a point parts thousands.
    assert_eq!(units, [1.5, 1050.25, 7.0, 1050.0]);
    let text = "supplier_id;lead_time_days;sku;cost;breaks\nleaf;2,5;a;1,20;48:1,10|96:1,05\n";
    assert_eq!(first(&desk.import("l.csv", text).await), (ImportKind::Suppliers, 1, 0));
    let suppliers = desk.shop.app.suppliers(&crate::Caller::local_admin()).unwrap();
    let leaf = &suppliers[0].supplier;
    assert_eq!((leaf.lead_time_days, leaf.offers[0].price.amount), (2.5, 120));
    let breaks: Vec<(f64, i64)> =
        leaf.offers[0].breaks.iter().map(|one| (one.from, one.price.amount)).collect();
    assert_eq!(breaks, [(48.0, 110), (96.0, 105)]);
    // Elsewhere a comma is none.
    let plain = ImportOptions::default();
    let said = desk.refused("c.csv", "sku,store,quantity\na,s,\"1,5\"\n", &plain).await;
    assert!(said.to_string().contains("none of its 1 rows"), "{said}");
}

#[tokio::test]
async fn places_and_products_that_nobody_knew_are_named() {
    let desk = placed().await;
    desk.import("p.csv", "product_id,title\na,Tea\n").await;
    let report = desk.import("s.csv", "sku,store,quantity\na,ny,4\na,nyc,4\nb,bar,1\n").await;
    assert_eq!(
        report.notes,
        [
            "1 place is new, named neither in `locations` of souk.yaml nor by any fact before: nyc",
            "1 product is not in the catalogue: b",
        ]
    );
    // Once it is known nothing is said of it any more.
    let report = desk.import("t.csv", "sku,store,quantity\na,ny,5\na,nyc,5\n").await;
    assert_eq!(report.notes, [] as [&str; 0]);
    let ids = ["c", "d", "e", "f", "g", "h"].map(|id| format!("{id},ny,1\n")).concat();
    let report = desk.import("u.csv", &format!("sku,store,quantity\n{ids}")).await;
    assert_eq!(report.notes, ["6 products are not in the catalogue: c, d, e, f, g, …"]);
    assert!(desk.shop.app.product(&SiteId::main(), &ProductId::new("c").unwrap()).is_none());
}

#[tokio::test]
async fn a_share_is_no_discount_in_percent_and_a_fault_of_a_supplier_names_its_column() {
    let desk = Desk::open().await;
    let text = "promotion_id,sku,from,discount_percent\nx,a,2026-02-01,0.2\ny,a,2026-02-01,20 %\nz,a,2026-02-01,0\n";
    assert_eq!(first(&desk.import("p.csv", text).await), (ImportKind::Promotions, 2, 1));
    let row = &desk.rejected("p.csv")[0];
    assert_eq!((row[0].as_str(), row[1].as_str()), ("2", "discount_percent"));
    assert_eq!(row[2], "is less than 1 percent; write 20 for a fifth off");
    let text = "supplier_id,lead_time_days,sku,cost,multiple,breaks\n\
                a,2,x,1.20,0,\na,-1,x,1.20,6,\na,2,x,1.20,6,much\na,2,x,1.20,6,12:1.10\n";
    assert_eq!(first(&desk.import("s.csv", text).await), (ImportKind::Suppliers, 1, 3));
    let columns: Vec<String> = desk.rejected("s.csv").iter().map(|row| row[1].clone()).collect();
    assert_eq!(columns, ["multiple", "lead_time_days", "breaks"]);
}
