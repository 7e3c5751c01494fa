#![allow(clippy::unwrap_used)]

use super::*;
use crate::Role;
use crate::demand::tests::{open, place, sales, send};
use crate::test_shop::caller;

fn product(wanted: Vec<f64>) -> Product {
    let series = DemandSeries { sold: wanted.clone(), ..DemandSeries::default() };
    Product { series, wanted, is_count: true, cost: 2.0, price: 3.0 }
}

#[test]
fn one_product_by_hand() {
    // Two a day, orders every second day arrive a day later, up to six.
    let steady = product(vec![2.0; 10]);
    let ran = run(&steady, |_| 6.0, (6, (1.0, 2.0)));
    // Ends of days: 4, 2, 0, 2, 0, 2 (six at first; four are ordered on days 2 and 4 and come a day later).
    assert_eq!((ran.wanted, ran.lost, ran.orders), (12.0, 0.0, 2));
    assert!((ran.stock - 10.0 / 6.0).abs() < 1e-12, "{}", ran.stock);
    assert_eq!((ran.cycles, ran.good_cycles), (2, 2));
    // Up to three: three at first, 2 sold; 1 left and lost 1, …
    let ran = run(&steady, |_| 3.0, (4, (1.0, 2.0)));
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
        row("ses_normal", 0.9, 0.90, 90.0),
        row("forecast", 0.99, 0.999, 200.0),
        row("ses_normal", 0.99, 0.98, 170.0),
    ];
    // At 95 % the rival would hold 140; its rows do not reach 99.9 %.
    let found = saved(&rows);
    assert_eq!(found.len(), 1);
    assert!((found[0].1 - (1.0 - 80.0 / 140.0)).abs() < 1e-9, "{found:?}");
}

#[tokio::test]
async fn a_replay_compares_policies_on_the_shops_own_days() {
    let shop = open("lead_time_days: 3").await;
    send(&shop, sales(|_, wanted| wanted)).await;
    let request = SimulationRequest {
        site: SiteId::main(),
        location: place(),
        days: 56,
        products: 10,
        services: vec![0.9, 0.98],
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
            ("ses_normal", 0.9),
            ("forecast", 0.98),
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
        report.rows[2].stock > report.rows[0].stock && report.rows[2].lost <= report.rows[0].lost
    );
    let short = SimulationRequest { days: 100, ..request.clone() };
    let text = shop.app.simulate_stock(short, &planner).await.unwrap_err().to_string();
    assert_eq!(text, "no product at `berlin` has 156 days of sales; replay fewer days");
    let odd = SimulationRequest { services: vec![1.0], ..request };
    let text = shop.app.simulate_stock(odd, &planner).await.unwrap_err().to_string();
    assert_eq!(text, "1 must lie between 0.5 and 0.9999");
}
