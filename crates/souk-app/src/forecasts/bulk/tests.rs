#![allow(clippy::unwrap_used)]

use std::path::Path;

use souk_core::Purpose;

use super::*;
use crate::demand::tests::{open, place, sales, send, stock, today};
use crate::test_shop::{Shop, caller, noon};
use crate::{ExportKind, NewOverride, Role, Silent};

/// Tea and milk are sold; tea is also known at another place.
async fn shop() -> Shop {
    let shop = open("").await;
    send(&shop, sales(|_, wanted| wanted)).await;
    send(&shop, vec![stock("Stock Counted", ("tea", 40), "2026-01-14T22:30:00Z")]).await;
    shop
}

fn asked(after: Option<String>, limit: usize) -> KeptAsked {
    KeptAsked { location: None, after, limit }
}

async fn fair(shop: &Shop) {
    let (from, until) = (today(), Day::from_number(today().number() + 1));
    let fair: NewOverride = serde_json::from_value(serde_json::json!({"product_id": "tea",
        "location_id": "berlin", "from": from.to_string(), "until": until.to_string(),
        "units_per_day": 100.0, "reason": "a fair"}))
    .unwrap();
    shop.app.put_override("fair", fair, &caller(Role::Planner)).await.unwrap();
}

#[tokio::test]
async fn what_plans_go_by_is_listed_a_page_at_a_time() {
    let shop = shop().await;
    let planner = caller(Role::Planner);
    let page = |asked: &KeptAsked| shop.app.kept_forecast_page(asked, &planner).unwrap();
    assert_eq!(page(&asked(None, 9)).forecasts, [], "nothing is made by asking");
    shop.app.refresh_outlooks().await.unwrap();
    fair(&shop).await;
    let all = page(&asked(None, 9));
    let names: Vec<&str> = all.forecasts.iter().map(|one| one.product.as_str()).collect();
    assert_eq!((names, all.after), (vec!["milk", "tea"], None));
    let first = page(&asked(None, 1));
    assert_eq!(first.forecasts, all.forecasts[..1]);
    let second = page(&asked(first.after, 1));
    assert_eq!((&second.forecasts[..], second.after), (&all.forecasts[1..], None));
    let tea = &all.forecasts[1];
    assert_eq!((tea.days.len(), tea.days[0].date, tea.fitted_at), (56, today(), noon()));
    assert!(tea.model.contains('%'), "{}", tea.model);
    // A planner's word counts, and what the model said stands beside it.
    assert!(tea.days[0].mean == 100.0 && tea.days[0].model_mean < 20.0, "{:?}", tea.days[0]);
    assert_eq!(tea.days[2].mean, tea.days[2].model_mean);
    let key = shop.app.series_key((&SiteId::main(), &tea.product), Some(&place())).unwrap();
    let outlook = shop.app.forecasts.get(key).unwrap();
    for (idx, day) in tea.days.iter().enumerate().skip(2) {
        let total = outlook.over(day.date, 1.0);
        assert_eq!((day.mean, day.quantiles[3]), (total.mean, total.quantile(0.95)), "{idx}");
        let (low, high) = day.intervals[0];
        assert!(low <= total.quantile(0.1) && high >= total.quantile(0.9), "{idx}");
        assert!(low < day.mean && day.mean < high && low.fract() == 0.0, "{idx}: {low} {high}");
    }
    // Only what the key may see.
    let mut bound = caller(Role::Planner);
    let locations = vec![LocationId::new("paris").unwrap()];
    bound.places = Arc::new(crate::Places { sites: Vec::new(), locations });
    assert_eq!(shop.app.kept_forecast_page(&asked(None, 9), &bound).unwrap().forecasts, []);
    let berlin = KeptAsked { location: Some(place()), ..asked(None, 9) };
    assert_eq!(page(&berlin).forecasts.len(), 2);
    assert!(shop.app.kept_forecast_page(&berlin, &bound).is_err());
    let analyst = shop.app.kept_forecast_page(&berlin, &caller(Role::Analyst));
    assert!(matches!(analyst, Err(AppError::Denied { .. })));
}

#[tokio::test]
async fn events_wait_for_a_thousand_names_at_most() {
    let shop = shop().await;
    shop.app.refresh_outlooks().await.unwrap();
    let of = |id: &ProductId| shop.app.series_key((&SiteId::main(), id), Some(&place())).unwrap();
    let outlook = shop.app.forecasts.get(of(&ProductId::new("tea").unwrap())).unwrap();
    let ids: Vec<String> = (0..1_200).map(|idx| format!("p{:04}", idx * 7 % 1_200)).collect();
    let usd = souk_core::Currency::USD;
    let product = |id: &String| {
        let product = json!({"id": id, "title": id});
        souk_core::wire::json::product_from_json(&product, &SiteId::main(), usd).unwrap()
    };
    for some in ids.chunks(400) {
        let products = some.iter().map(product).collect();
        shop.app.put_products(products, &caller(Role::Admin)).await.unwrap();
    }
    for id in &ids {
        shop.app.forecasts.keep(of(&ProductId::new(id.as_str()).unwrap()), Arc::clone(&outlook));
    }
    let app = &shop.app;
    let n_seen = std::sync::atomic::AtomicUsize::new(0);
    let seen = || n_seen.load(std::sync::atomic::Ordering::SeqCst);
    // Somebody wants to change the views while the first one is looked at.
    let (all, n_before) = std::thread::scope(|scope| {
        let writer = std::cell::Cell::new(None);
        let all = app.named_forecasts(&asked(None, usize::MAX), |_, _| {
            if seen() == 0 {
                writer.set(Some(scope.spawn(|| {
                    let _held = app.views.write();
                    seen()
                })));
                while app.views.try_read().is_some() {
                    std::thread::yield_now();
                }
            }
            n_seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            true
        });
        (all, writer.take().unwrap().join().unwrap())
    });
    assert_eq!((all.len(), n_before), (1_202, LOOKED_AT_ONCE));
    let names = |all: &[Named]| all.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
    assert!(names(&all).is_sorted());
    // Page by page they are the same.
    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let mut page = app.named_forecasts(&asked(after, 97), |_, _| true);
        let is_more = page.len() > 97;
        page.truncate(97);
        paged.extend(names(&page));
        after = paged.last().cloned();
        if !is_more {
            break;
        }
    }
    assert_eq!(paged, names(&all));
}

async fn export(shop: &Shop, path: &Path) -> (u64, u64) {
    let kind = (ExportKind::Forecasts, Purpose::Analytics);
    let done = shop.app.export(kind, path, &Silent).await.unwrap();
    (done.rows, done.records)
}

#[tokio::test]
async fn all_of_them_are_written_as_lines_a_table_or_columns() {
    let shop = shop().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // What is missing is made first.
    assert_eq!(export(&shop, &path("f.csv")).await, (112, 2));
    let table = std::fs::read_to_string(path("f.csv")).unwrap();
    let mut lines = table.lines();
    let head = "site,product_id,location_id,date,mean,model_mean,lo-80,hi-80,lo-95,hi-95,\
        q-0.5,q-0.75,q-0.9,q-0.95,q-0.99,model,fitted_at";
    assert_eq!(lines.next(), Some(head));
    let first = lines.next().unwrap();
    assert!(first.starts_with(&format!("main,milk,berlin,{},", today())), "{first}");
    assert_eq!((lines.count(), table.contains("NaN")), (111, false));
    assert_eq!(export(&shop, &path("f.jsonl")).await, (112, 2));
    let rows = std::fs::read_to_string(path("f.jsonl")).unwrap();
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_tea: Vec<&Value> = rows.iter().filter(|row| row["product_id"] == "tea").collect();
    let all = shop.app.kept_forecast_page(&asked(None, 9), &caller(Role::Planner)).unwrap();
    let tea = all.forecasts[1].to_json();
    assert_eq!(of_tea.len(), 56);
    for (row, day) in of_tea.iter().zip(tea["daily"].as_array().unwrap()) {
        assert_eq!((&row["date"], &row["mean"]), (&day["date"], &day["mean"]));
        assert_eq!(
            (&row["lo-80"], &row["hi-95"]),
            (&day["intervals"]["0.8"][0], &day["intervals"]["0.95"][1])
        );
        assert_eq!(row["q-0.99"], day["quantiles"]["0.99"]);
    }
    // A model's name has a comma, so its cell is quoted, and packed or as columns it is the same.
    for name in ["f.csv.gz", "f.parquet"] {
        assert_eq!(export(&shop, &path(name)).await, (112, 2), "{name}");
    }
    let packed = std::fs::File::open(path("f.csv.gz")).unwrap();
    let unpacked = std::io::read_to_string(flate2::read::GzDecoder::new(packed)).unwrap();
    assert_eq!(unpacked, table);
    assert!(!path("f.csv.partial").exists());
}

#[test]
fn a_column_stands_for_each_figure() {
    let names: Vec<String> = FIELDS.iter().map(|field| format!("{field:?}")).collect();
    let columns = LEVELS.iter().flat_map(|(_, _, pair)| *pair);
    for column in columns.chain(QUANTILES.iter().map(|(_, _, column)| *column)) {
        assert!(names.iter().any(|name| name.contains(&format!("\"{column}\""))), "{column}");
    }
}
