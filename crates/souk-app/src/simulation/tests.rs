#![allow(clippy::unwrap_used)]

use super::*;
use crate::Role;
use crate::demand::tests::{open, place, sales, send};
use crate::test_shop::caller;

fn product(wanted: Vec<f64>) -> Product {
    let series = DemandSeries { sold: wanted.clone(), ..DemandSeries::default() };
    Product { series, wanted, is_count: true, cost: 2.0, price: 3.0 }
}

/// One product through some days, up to a level.
fn up_to(product: Product, level: f64, (days, times): (usize, (f64, f64))) -> Ran {
    let how = Checked { days, services: Vec::new(), of_each: 0.0, times };
    let position = |shelves: &[Shelf]| shelves[0].position();
    let orders = |_, shelves: Option<&[Shelf]>| vec![level - shelves.map_or(0.0, position)];
    run(&[product], &how, orders).remove(0)
}

#[test]
fn one_product_by_hand() {
    // Two a day, orders every second day arrive a day later, up to six.
    let ran = up_to(product(vec![2.0; 10]), 6.0, (6, (1.0, 2.0)));
    // Ends of days: 4, 2, 0, 2, 0, 2 (six at first; four are ordered on days 2 and 4 and come a day later).
    assert_eq!((ran.wanted, ran.lost, ran.orders), (12.0, 0.0, 2));
    assert!((ran.stock - 10.0 / 6.0).abs() < 1e-12, "{}", ran.stock);
    assert_eq!((ran.cycles, ran.good_cycles), (2, 2));
    // Up to three: three at first, 2 sold; 1 left and lost 1, …
    let ran = up_to(product(vec![2.0; 10]), 3.0, (4, (1.0, 2.0)));
    // Days: sold 2, 1, 0 (an order of 3 comes a day later), 2.
    assert_eq!((ran.wanted, ran.lost, ran.orders), (8.0, 3.0, 1));
    assert_eq!((ran.cycles, ran.good_cycles), (1, 0));
}

#[test]
fn what_is_saved_is_told_at_the_same_fill_rate() {
    let row = |policy, service, fill_rate, stock| PolicyRow {
        policy,
        service,
        fill_rate,
        stock,
        ..PolicyRow::default()
    };
    let rows = [
        row("forecast", 0.9, 0.95, 80.0),
        row("forecast_fill", 0.93, 0.90, 100.0),
        row("two_weeks", 0.0, 0.95, 400.0),
        row("forecast", 0.99, 0.999, 200.0),
    ];
    let rival = [row("ses_normal", 0.99, 0.98, 170.0), row("ses_normal", 0.9, 0.90, 90.0)];
    // At 95 % the rival would hold 140, at 90 % 90; its rows do not reach 99.9 %.
    let found = saved(&rows, &rival);
    let told: Vec<_> = found.iter().map(|one| (one.policy, one.service)).collect();
    assert_eq!(told, [("forecast", 0.9), ("forecast_fill", 0.93)]);
    assert!((found[0].share - (1.0 - 80.0 / 140.0)).abs() < 1e-9, "{found:?}");
    assert!((found[1].share - (1.0 - 100.0 / 90.0)).abs() < 1e-9, "{found:?}");
}

#[tokio::test]
async fn a_replay_compares_policies_on_the_shops_own_days() {
    let shop = open("lead_time_days: 3").await;
    send(&shop, sales(|_, wanted| wanted)).await;
    let request = SimulationRequest {
        site: SiteId::main(),
        location: place(),
        assortment: Assortment::Offered,
        replay: Replay {
            days: 56,
            until: None,
            products: 10,
            services: vec![0.9, 0.98],
            lead_time_days: None,
            review_days: None,
        },
    };
    let planner = caller(Role::Planner);
    let report = shop.app.simulate_stock(request.clone(), &planner).await.unwrap();
    assert_eq!((report.n_products, report.n_skipped, report.times), (2, 0, (3.0, 7.0)));
    assert_eq!(report.days.1, Day::parse("2026-01-14").unwrap());
    let names: Vec<_> = report.rows.iter().map(|row| (row.policy, row.service)).collect();
    assert_eq!(
        names,
        [
            ("forecast", 0.9),
            ("forecast_fill", 0.9),
            ("ses_normal", 0.9),
            ("forecast", 0.98),
            ("forecast_fill", 0.98),
            ("ses_normal", 0.98),
            ("two_weeks", 0.0)
        ]
    );
    for row in &report.rows {
        assert_eq!(row.wanted, report.rows[0].wanted);
        assert!(row.fill_rate > 0.9 && row.stock > 0.0 && row.stock_value > row.stock, "{row:?}");
        assert!((row.fill_rate - (1.0 - row.lost / row.wanted)).abs() < 1e-12);
    }
    // A higher aim holds more and loses less.
    assert!(
        report.rows[3].stock > report.rows[0].stock && report.rows[3].lost <= report.rows[0].lost
    );
    // A share to serve takes less than the same number as a chance to suffice.
    assert!(report.rows[1].stock < report.rows[0].stock, "{:?}", report.rows);
    let other = |change: fn(&mut Replay)| {
        let mut other = request.clone();
        change(&mut other.replay);
        other
    };
    let short = other(|replay| replay.days = 100);
    let text = shop.app.simulate_stock(short, &planner).await.unwrap_err().to_string();
    assert_eq!(text, "no product at `berlin` has 156 days of sales; replay fewer days");
    for (odd, said) in [
        (other(|replay| replay.services = vec![1.0]), "1 must lie between 0.5 and 0.9999"),
        (other(|replay| replay.lead_time_days = Some(366)), "366 days must lie between 0 and 365"),
        (other(|replay| replay.review_days = Some(0)), "0 days must lie between 1 and 90"),
    ] {
        let text = shop.app.simulate_stock(odd, &planner).await.unwrap_err().to_string();
        assert_eq!(text, said);
    }
    let quick = other(|replay| (replay.lead_time_days, replay.review_days) = (Some(1), Some(2)));
    let quick = shop.app.simulate_stock(quick, &planner).await.unwrap();
    assert_eq!(quick.times, (1.0, 2.0));
    assert!(quick.rows[0].stock < report.rows[0].stock, "{:?}", quick.rows[0]);
    // Nothing that a page offers is left of a shop that gave tea and milk up.
    let mut products = Vec::new();
    for id in ["tea", "milk"] {
        let id = souk_core::ProductId::new(id).unwrap();
        let mut product = (*shop.app.product(&SiteId::main(), &id).unwrap()).clone();
        product.availability = souk_core::Availability::OutOfStock;
        products.push(product);
    }
    shop.app.put_products(products, &caller(Role::Admin)).await.unwrap();
    crate::people::tests::folded(&shop).await;
    let text = shop.app.simulate_stock(request.clone(), &planner).await.unwrap_err().to_string();
    assert_eq!(text, "no product at `berlin` has 112 days of sales; replay fewer days");
    let sold = SimulationRequest { assortment: Assortment::Sold, ..request };
    assert_eq!(shop.app.simulate_stock(sold, &planner).await.unwrap().n_products, 2);
}

/// Sales of two products: three on each day and a fourth on Mondays, and one every fifth day.
fn sales_file(change: impl Fn(i32, &str) -> Option<String>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "unique_id,ds,y,promotion,price\n".to_owned();
    for number in 0..120 {
        let day = Day::from_number(Day::parse("2026-01-01").unwrap().number() + number);
        let steady = 3 + i32::from(number % 7 == 4);
        let row = format!("steady,{day},{steady},{},2.50\n", i32::from(number % 30 == 0));
        text.push_str(&change(number, "steady").unwrap_or(row));
        if number % 5 == 0 {
            text.push_str(&format!("slow,{day},1,0,9\n"));
        }
    }
    std::fs::write(folder.path().join("sales.csv"), text).unwrap();
    folder
}

#[test]
fn sales_from_a_file_are_replayed() {
    let how = Replay {
        days: 56,
        until: None,
        products: 10,
        services: vec![0.9],
        lead_time_days: Some(2),
        review_days: Some(7),
    };
    let replayed = |folder: &tempfile::TempDir| {
        simulate_file(&folder.path().join("sales.csv"), &how, &InventorySettings::default())
    };
    let report = replayed(&sales_file(|_, _| None)).unwrap();
    assert_eq!((report.n_products, report.times), (2, (2.0, 7.0)));
    assert_eq!(report.days.1, Day::parse("2026-04-30").unwrap());
    // Eight weeks of 22 pieces, and every fifth of 56 days one.
    assert_eq!(report.rows[0].wanted, 8.0 * 22.0 + 11.0);
    // The eight weeks before: three a day and eight Mondays; every fifth day one.
    let (before, during) = report.daily;
    assert!((56.0 * before - 187.0).abs() < 1e-9 && (56.0 * during - 187.0).abs() < 1e-9);
    // Up to a day before the last one, nobody knows what came after it.
    let earlier = Replay { until: Some(Day::parse("2026-04-10").unwrap()), ..how.clone() };
    let path = sales_file(|_, _| None);
    let file = path.path().join("sales.csv");
    let settings = InventorySettings::default();
    let earlier = simulate_file(&file, &Replay { days: 40, ..earlier }, &settings).unwrap();
    assert_eq!(earlier.days.1, Day::parse("2026-04-10").unwrap());
    let doubled = sales_file(|number, _| {
        let day = Day::from_number(Day::parse("2026-01-01").unwrap().number() + number);
        (number > 100).then(|| format!("steady,{day},60,0,2\n"))
    });
    let until = Some(Day::parse("2026-04-10").unwrap());
    let replay = Replay { until, days: 40, ..how.clone() };
    let file = doubled.path().join("sales.csv");
    assert_eq!(simulate_file(&file, &replay, &settings).unwrap().rows, earlier.rows);
    // In cents.
    assert!(report.rows[0].stock_value >= 250.0 * report.rows[0].stock, "{:?}", report.rows[0]);
    for (row, said) in [
        ("steady,2026-01-04,-1,0,2\n", "line 6: y -1 is below 0; write what was sold"),
        (
            "steady,2026-01-03,1,0,2\n",
            "line 6: ds 2026-01-03 is there twice for this series; add its units up",
        ),
        (",2026-01-04,1,0,2\n", "line 6: unique_id is empty; name the product"),
    ] {
        let folder = sales_file(|number, _| (number == 3).then(|| row.to_owned()));
        assert_eq!(replayed(&folder).unwrap_err().to_string(), said);
    }
}
