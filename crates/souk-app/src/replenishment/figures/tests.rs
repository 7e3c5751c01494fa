#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::Role;
use crate::demand::tests::{open, open_with, place, send, stock, tea, today};
use crate::test_shop::{Shop, caller};

/// A sale so many days before today, of these products and quantities, each unit for 5.00.
fn sold(ago: i32, products: &[(&str, f64)], currency: &str) -> Value {
    let day = Day::from_number(today().number() - ago);
    let lines: Vec<Value> = products
        .iter()
        .map(|(id, quantity)| json!({"product_id": id, "quantity": quantity, "price": 5}))
        .collect();
    let name = format!("{ago}{}{currency}", products[0].0);
    json!({"type": "track", "event": "Order Completed", "userId": "u", "messageId": format!("m{name}"),
        "timestamp": format!("{day}T10:30:00Z"), "properties": {"order_id": format!("o{name}"),
        "location_id": "berlin", "currency": currency, "products": lines}})
}

fn told(ago: i32, event: &str, what: (&str, i64), hour: &str) -> Value {
    let day = Day::from_number(today().number() - ago);
    stock(event, what, &format!("{day}T{hour}:00Z"))
}

fn asked(days: u32) -> StockReportQuery {
    StockReportQuery {
        site: SiteId::main(),
        location: place(),
        days,
        class: ClassFilter::default(),
        after: None,
        limit: 100,
    }
}

async fn report(shop: &Shop, query: StockReportQuery) -> StockReport {
    shop.app.stock_report(query, &caller(Role::Planner)).await.unwrap()
}

/// Fifty-six days. Tea, which costs 2.50: eight a day; 300 are counted 28 days ago; ten days ago the shelf is found empty before
/// the doors open, and filled with 200 before they open on the next day; two are thrown away five days ago. Milk, which costs 0.60,
/// without a count: 10.5 litres in each second week of the last five. Rice, which is in no catalogue: 40 counted 20 days ago.
async fn small_shop() -> Shop {
    let shop = open("").await;
    let mut facts = Vec::new();
    for ago in (1..=56).rev() {
        match ago {
            28 => facts.push(told(28, "Stock Counted", ("tea", 300), "06:00")),
            20 => facts.push(told(20, "Stock Counted", ("rice", 40), "06:00")),
            10 => facts.push(told(10, "Stock Counted", ("tea", 0), "05:00")),
            9 => facts.push(told(9, "Stock Received", ("tea", 200), "05:00")),
            5 => facts.push(told(5, "Stock Written Off", ("tea", 2), "08:00")),
            _ => {}
        }
        if ago != 10 {
            facts.push(sold(ago, &[("tea", 8.0)], "USD"));
        }
        if [35, 16, 3].contains(&ago) {
            facts.push(sold(ago, &[("milk", 10.5)], "USD"));
        }
    }
    send(&shop, facts).await;
    shop
}

fn near(found: Option<f64>, wanted: f64) {
    let found = found.unwrap();
    assert!((found / wanted - 1.0).abs() < 1e-6, "{found} for {wanted}");
}

#[tokio::test]
async fn a_small_shop_is_reckoned_by_hand() {
    let shop = small_shop().await;
    let report = report(&shop, asked(35)).await;
    let day = |ago: i32| Day::from_number(today().number() - ago);
    assert_eq!((report.from, report.to, report.days()), (day(35), day(1), 35.0));
    let [tea, milk, rice] = &report.products[..] else { panic!("{:?}", report.products) };
    // 34 days of eight, 5.00 each.
    assert_eq!((tea.sold, tea.revenue, tea.on_hand), (272.0, 136_000.0, Some(126.0)));
    // Evenings: 292 down to 156 in eights on 18 days, nothing, 192 down to 168 on four, 158 down to 126 on five: 4,032 + 720 + 710.
    // The report begins a week before the first count, and stock is known of the 28 days since. Weeks of the sums begin on
    // Thursdays, as the first counted day does.
    let mean = 5_462.0 / 28.0;
    near(tea.mean_stock, mean);
    near(tea.turns(35.0), 272.0 * 365.0 / 35.0 / mean);
    near(tea.days_of_supply(35.0), 126.0 * 35.0 / 272.0);
    assert_eq!((tea.n_stock_days, tea.n_empty_days), (28, 1));
    near(tea.availability(), 27.0 / 28.0);
    // On the empty day eight are usual; they would have brought 40.00, over 20.00 that they cost.
    assert_eq!(
        (tea.lost, tea.lost_revenue(), tea.lost_margin()),
        (Some(8.0), Some(4e3), Some(2e3))
    );
    // Of the 28 days of which stock is known: what was missing before them nobody knows.
    near(tea.fill_rate(35.0), 216.0 / 224.0);
    assert_eq!((tea.written_off, tea.written_off_cost()), (2.0, Some(500.0)));
    near(tea.waste_share(35.0), 2.0 / 274.0);
    // Four of five weeks are whole, and all alike: X. Of 151,750 it has the first 90 %: A.
    assert_eq!((tea.n_weeks, tea.class.as_text().as_str()), (4, "AX"));
    // Weeks of 10.5, 0, 10.5, 0, 10.5: the mean is 6.3, the deviation √26.46 = 5.14, 0.82 of it: Y. Its stock is not known.
    assert_eq!((milk.n_weeks, milk.class.as_text().as_str()), (5, "BY"));
    assert_eq!((milk.sold, milk.revenue, milk.is_measured), (31.5, 15_750.0, true));
    assert_eq!((milk.on_hand, milk.mean_stock, milk.availability()), (None, None, None));
    assert_eq!((milk.turns(35.0), milk.fill_rate(35.0), milk.lost), (None, None, None));
    // Two whole weeks are too few to be steady; what never sells lasts for ever.
    assert_eq!((rice.n_weeks, rice.class.as_text().as_str(), &rice.title), (2, "CZ", &None));
    // Twenty days of known stock are too few for turns.
    assert_eq!((rice.on_hand, rice.turns(35.0)), (Some(40.0), None));
    assert_eq!((rice.days_of_supply(35.0), rice.on_hand_cost()), (None, None));
    assert_eq!((rice.n_stock_days, rice.n_empty_days), (20, 0));
}

#[tokio::test]
async fn sums_are_of_money_and_of_what_is_known() {
    let shop = small_shop().await;
    let report = report(&shop, asked(35)).await;
    let all = report.all;
    assert_eq!((all.n_products, all.n_costed, report.n_products), (3, 2, 3));
    // Litres are no pieces.
    assert_eq!((all.pieces_sold, all.revenue, all.revenue_share), (272.0, 151_750.0, Some(1.0)));
    // 272 at 2.50 and 31.5 at 0.60; 126 at 2.50.
    assert_eq!((all.cost_of_sales, all.on_hand_cost), (69_890.0, Some(31_500.0)));
    // Milk's stock is not known, so what it sold turns none and is held by none.
    near(all.turns, 272.0 * 365.0 / 35.0 / (5_462.0 / 28.0));
    near(all.days_of_supply, 126.0 * 35.0 / 272.0);
    near(all.availability, 47.0 / 48.0);
    near(all.fill_rate, 216.0 / 224.0);
    assert_eq!(
        (all.lost_revenue, all.lost_margin, all.written_off_cost),
        (Some(4e3), Some(2e3), 500.0)
    );
    near(all.waste_share, 500.0 / 70_390.0);
    let of = |class: &str| {
        let found = report.classes.iter().find(|(one, _)| one.as_text() == class);
        found.unwrap().1
    };
    assert_eq!(report.classes.len(), 9);
    assert_eq!((of("AX").n_products, of("BY").n_products, of("CZ").n_products), (1, 1, 1));
    near(of("BY").revenue_share, 15_750.0 / 151_750.0);
    assert_eq!(of("BX"), StockSums { revenue_share: Some(0.0), ..StockSums::default() });
    let starts = [
        "1 of 3 products have no known cost",
        "1 of 3 products had no known stock",
        "1 of 3 products had known stock on fewer than 24 open days",
        "3 of 3 products are not forecast yet",
    ];
    assert_eq!(report.notes.len(), starts.len(), "{:?}", report.notes);
    for (note, start) in report.notes.iter().zip(starts) {
        assert!(note.starts_with(start), "{note}");
    }
}

#[tokio::test]
async fn pages_and_classes_divide_the_list() {
    let shop = small_shop().await;
    let ids = |report: &StockReport| {
        report.products.iter().map(|one| one.product.to_string()).collect::<Vec<_>>()
    };
    let page = |after: Option<&str>| {
        let after = after.map(|id| ProductId::new(id).unwrap());
        StockReportQuery { after, limit: 2, ..asked(35) }
    };
    let first = report(&shop, page(None)).await;
    assert_eq!(
        (ids(&first), first.after),
        (vec!["tea".to_owned(), "milk".to_owned()], ProductId::new("milk").ok())
    );
    let second = report(&shop, page(Some("milk"))).await;
    assert_eq!((ids(&second), second.after), (vec!["rice".to_owned()], None));
    // What fell out of the report had sold nothing, so it stood among the last, by its name.
    assert_eq!(ids(&report(&shop, page(Some("oats"))).await), ["rice"]);
    assert!(ids(&report(&shop, page(Some("salt"))).await).is_empty());
    let only =
        |class: &str| StockReportQuery { class: ClassFilter::parse(class).unwrap(), ..asked(35) };
    let b = report(&shop, only("B")).await;
    assert_eq!((ids(&b), b.n_products, b.all.n_products), (vec!["milk".to_owned()], 1, 3));
    assert_eq!(ids(&report(&shop, only("X")).await), ["tea"]);
    assert!(ids(&report(&shop, only("AZ")).await).is_empty());
    for wrong in ["", "D", "XA", "AXX", "a", "AA", "Ä"] {
        assert_eq!(ClassFilter::parse(wrong), None, "{wrong}");
    }
}

#[tokio::test]
async fn it_is_for_planners_and_for_some_weeks() {
    let shop = open("").await;
    let ask = async |query: StockReportQuery, role: Role| {
        shop.app.stock_report(query, &caller(role)).await
    };
    assert!(matches!(ask(asked(91), Role::Analyst).await, Err(AppError::Denied { .. })));
    for days in [0, 27, 367, u32::MAX] {
        let refused = ask(asked(days), Role::Planner).await;
        assert!(matches!(refused, Err(AppError::Invalid { .. })), "{days}: {refused:?}");
    }
    let nowhere = LocationId::new("mars").unwrap();
    let nowhere = ask(StockReportQuery { location: nowhere, ..asked(91) }, Role::Planner).await;
    assert!(matches!(nowhere, Err(AppError::NotFound { .. })), "{nowhere:?}");
    // A place of the settings without a fact is an empty one.
    let empty = ask(asked(28), Role::Planner).await.unwrap();
    assert_eq!((empty.products.len(), empty.all.revenue_share), (0, None));
    assert!(!stock_report_to_json(&empty, None).to_string().contains("-0.0"));
}

#[tokio::test]
async fn closed_days_are_none_of_its_days_and_other_money_is_not_added() {
    // Six days of each of the last two weeks.
    let closed: Vec<String> = (1..=14)
        .filter(|ago| ago % 7 != 1)
        .map(|ago| format!("\"{}\"", Day::from_number(today().number() - ago)))
        .collect();
    let settings = format!(
        "privacy: {{default_jurisdiction: us}}\n\
         locations: [{{id: berlin, time_zone: Europe/Berlin, closed: [{}]}}]",
        closed.join(", ")
    );
    let shop = open_with(&settings).await;
    let mut facts = vec![told(57, "Stock Counted", ("tea", 900), "06:00")];
    let open_days = (1..=56).rev().filter(|ago| *ago > 14 || ago % 7 == 1);
    facts.extend(open_days.map(|ago| sold(ago, &[("tea", 8.0)], "USD")));
    facts.push(sold(1, &[("tea", 1.0)], "EUR"));
    send(&shop, facts).await;
    let report = report(&shop, asked(28)).await;
    let one = &report.products[0];
    // Fourteen open days of two weeks, one of each of the others.
    assert_eq!((one.n_stock_days, one.n_empty_days), (16, 0));
    // Sixteen days of eight, and one more for euros, which bring no dollars.
    assert_eq!((one.sold, one.revenue), (129.0, 64_000.0));
    assert!(report.notes.iter().any(|note| note.starts_with("sales in EUR")), "{:?}", report.notes);
    // Its weeks are 63, 56, 56 and 56 by their open days; 9, 8, 56 and 56 would be Y.
    assert_eq!((one.n_weeks, one.class.as_text().as_str()), (4, "AX"));
}

#[tokio::test]
async fn a_forecast_is_judged_beside_repeating_the_week() {
    let shop = small_shop().await;
    let number = shop.app.views.read().catalogue.location_number(&place());
    let key = |product: &ProductId| {
        let item = shop.app.views.read().catalogue.item(&SiteId::main(), product).unwrap();
        SeriesKey { item, location: number }
    };
    let milk = ProductId::new("milk").unwrap();
    shop.app.make_at_once(&SiteId::main(), [key(&tea()), key(&milk)].into_iter(), 2);
    let even = report(&shop, asked(35)).await;
    let worths: Vec<ForecastWorth> = even.products.iter().map(|one| one.worth).collect();
    // Tea is eight each day, the empty one too: who repeats the week is never wrong. Milk has 35 days, and a look back takes 42.
    assert!(matches!(worths[0], ForecastWorth::Judged { by_last_week: 0.0, .. }), "{worths:?}");
    assert_eq!(worths[1..], [ForecastWorth::TooShort, ForecastWorth::NotYet]);
    assert_eq!((worths[0].value_added(), even.all.value_added), (None, None));
    let notes = stock_report_to_json(&even, None);
    let note = |idx: usize| notes["products"][idx]["forecast_note"].as_str().unwrap().to_owned();
    assert!(note(0).contains("never wrong") && note(1).contains("too short"), "{notes}");
    // As another history would have it: 20 units missed of tea in the place of 50, 9 of milk in the place of 10, a unit of each 5.00.
    for (product, (forecast, last_week)) in [(tea(), (20.0, 50.0)), (milk, (9.0, 10.0))] {
        let kept = shop.app.forecasts.get(key(&product)).unwrap();
        let misses = Some(Misses { forecast, last_week });
        shop.app
            .forecasts
            .keep(key(&product), Arc::new(crate::forecasts::Outlook { misses, ..(*kept).clone() }));
    }
    let judged = report(&shop, asked(35)).await;
    near(judged.products[0].worth.value_added(), 0.6);
    near(judged.products[1].worth.value_added(), 0.1);
    near(judged.all.value_added, 1.0 - 29.0 / 60.0);
}
