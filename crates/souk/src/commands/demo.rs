//! `souk demo`: sample data in, a report, then a server to try.

mod latency;
mod report;
mod sample;
mod searches;
mod stock;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use souk_app::demo::SampleShop;
use souk_app::{App, Caller, Clock, Fed, ImportOptions, NewKey, Progress, Role};
use souk_core::Timestamp;
use souk_embedded::Embedded;
use souk_ports::{Condition, EventLog, TableStore, Write, WriteChange};
use souk_recommend::evaluate::baskets::{BasketTask, Tuning, evaluate_baskets};
use souk_recommend::next_basket::Weights;
use souk_server::Server;

use super::evaluate::baskets;
use crate::backends::{self, Opened};
use crate::cli::{DemoArgs, Output};
use crate::control;
use crate::job::Shop;
use crate::settings::Settings;
use crate::term::{self, Bar, say};

/// Where the demo notes what it has done in a data folder.
const PARTITION: &str = "demo";
const ROW: &str = "report";
/// The label of the demo's own key.
const KEY_LABEL: &str = "souk demo";
/// The clock stands so long after the last event.
const AFTER_MS: i64 = 3_600_000;
/// Shoppers shown in the report.
const N_SHOWN: usize = 3;
/// Whose privacy law the demo shop lives under, unless the settings say otherwise.
const JURISDICTION: &str = "us";
/// Orders that a shown shopper has at least; chosen: enough to be recognised by.
const ORDERS_MIN: usize = 10;
/// Shoppers whose answers are timed.
const N_ASKED_MAX: usize = 1_000;

pub(crate) async fn run(args: DemoArgs, mut settings: Settings) -> Result<()> {
    let source = sample::Source::of(&args);
    if settings.named_folder.is_none() {
        settings.folder = settings.folder.join(source.folder_name());
    }
    settings.config.server.listen =
        if args.report_only { SocketAddr::from(([127, 0, 0, 1], 0)) } else { args.listen };
    // The sample shoppers are Americans whom nobody can ask: the law of a state counts their no.
    let privacy = &mut settings.config.privacy;
    privacy.default_jurisdiction.get_or_insert(JURISDICTION.to_owned());
    let embedded = match backends::open(&settings)? {
        Opened::Owned(embedded) => embedded,
        Opened::InUse(why) => bail!("{why}"),
    };
    let started = Instant::now();
    let (shop, mut report) = match noted(&embedded).await? {
        Some(noted) => {
            let shop = open(embedded, settings, last_event(&noted)?).await?;
            super::until_ready(&shop.app).await?;
            say(&format!(
                "loaded and measured before; ready again in {:.2} s",
                started.elapsed().as_secs_f64()
            ));
            (shop, noted)
        }
        None => first_start(embedded, settings, source).await?,
    };
    let shop = Arc::new(shop);
    let key = fresh_key(&shop.app).await?;
    let server = Server::bind(Arc::clone(&shop.app), shop.settings.server()).await?;
    let address = server.local_addr();
    let _socket = control::listen(shop.embedded.folder.root(), Arc::clone(&shop))?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let told = super::serve::told_to_end()?;
    let is_report_only = args.report_only;
    let serving = tokio::spawn(server.run(async move {
        let asked = async {
            // A dropped sender means that the report failed, and serving on would hide it.
            let _ = stopped.await;
        };
        tokio::select! { () = told => {}, () = asked => {} }
    }));
    let measured = async {
        let _unrecorded = shop.app.unrecorded();
        let measured = latency::measure(&shop, (address, &key), &report).await?;
        anyhow::Ok((measured, searches::measure(&shop).await?))
    };
    let (measured, searched) = match measured.await {
        Ok(measured) => measured,
        Err(error) => {
            drop(stop);
            serving.await??;
            return Err(error);
        }
    };
    report["measured"] = measured;
    report["searches"] = searched;
    report["jurisdiction"] = shop.settings.config.privacy.default_jurisdiction.clone().into();
    term::print_result(shop.settings.output, &report, report::text)?;
    // Kept until the end while serving: nothing but a signal asks the server to end then.
    let stop = (!is_report_only).then_some(stop);
    if stop.is_some() && shop.settings.output == Output::Text {
        term::print_line(&report::invitation(&report, address, &key))?;
    }
    serving.await??;
    Ok(())
}

/// What an earlier start noted in the folder.
async fn noted(embedded: &Embedded) -> Result<Option<Value>> {
    let now = Clock::system().now();
    let row = embedded.tables.get(PARTITION, ROW, now).await?;
    if let Some(row) = row {
        return Ok(Some(serde_json::from_slice(&row.value)?));
    }
    Ok(None)
}

fn last_event(noted: &Value) -> Result<Timestamp> {
    Ok(Timestamp::parse(noted["last_event"].as_str().unwrap_or_default())?)
}

async fn open(embedded: Arc<Embedded>, mut settings: Settings, last: Timestamp) -> Result<Shop> {
    settings.config.clock.standing_at = Some(last.plus_ms(AFTER_MS));
    super::open(embedded, settings).await
}

/// Loads the sample, measures what needs the whole sample, and notes it.
async fn first_start(
    embedded: Arc<Embedded>,
    settings: Settings,
    source: sample::Source,
) -> Result<(Shop, Value)> {
    let bar = Bar::new();
    let name = source.to_string();
    let reading = Instant::now();
    let sample = tokio::task::spawn_blocking(move || source.read()).await??;
    let read_s = reading.elapsed().as_secs_f64();
    let shop = open(embedded, settings, sample.last_event).await?;
    super::until_ready(&shop.app).await?;
    if shop.embedded.log.status().await?.records > 0 && !is_interrupted_demo(&shop, &name).await? {
        shop.app.close().await?;
        bail!(
            "the data folder {} holds something else; give the demo another with --data",
            shop.settings.folder.display()
        );
    }
    note(&shop, "begun", &json!({"source": name})).await?;
    let mut report = json!({
        "source": name,
        "last_event": sample.last_event.to_string(),
        "decisions": sample.decisions,
        "shoppers": shown(&sample),
        "asked": asked(&sample),
    });
    let rows = sample.basket_rows();
    let place = sample.busiest_place();
    report["loaded"] = load(&shop, sample, (&bar, read_s)).await?;
    bar.begin("Predicting the next basket", None);
    report["next_basket"] = tokio::task::spawn_blocking(move || accuracy(&rows)).await?;
    bar.end();
    if let Some(place) = place {
        bar.begin("Replaying a shop's orders", None);
        report["stock"] = stock::replay(&shop, place).await?;
        bar.end();
    }
    shop.app.snapshot_now().await?;
    note(&shop, ROW, &report).await?;
    Ok((shop, report))
}

/// Whether an earlier start of the same demo was broken off: loading again adds only what is missing.
async fn is_interrupted_demo(shop: &Shop, name: &str) -> Result<bool> {
    let row = shop.embedded.tables.get(PARTITION, "begun", Clock::system().now()).await?;
    let begun: Option<Value> = row.and_then(|row| serde_json::from_slice(&row.value).ok());
    Ok(begun.is_some_and(|begun| begun["source"] == *name))
}

async fn note(shop: &Shop, sort_key: &str, value: &Value) -> Result<()> {
    let write = Write {
        partition_key: PARTITION.to_owned(),
        sort_key: sort_key.to_owned(),
        condition: Condition::Any,
        change: WriteChange::Put { value: value.to_string().into_bytes(), expires_at: None },
    };
    shop.embedded.tables.write(&[write], Clock::system().now()).await?;
    Ok(())
}

/// Three shoppers at a quarter, half and three quarters of the list by number of orders.
fn shown(sample: &SampleShop) -> Vec<String> {
    let shoppers = sample.shoppers(ORDERS_MIN);
    let at = |part: usize| shoppers.get(shoppers.len() * part / (N_SHOWN + 1)).cloned();
    (1..=N_SHOWN).filter_map(at).collect()
}

/// Shoppers whose answers are timed: evenly spread, so that no cache serves them all.
fn asked(sample: &SampleShop) -> Vec<String> {
    let shoppers = sample.shoppers(1);
    let step = shoppers.len().div_ceil(N_ASKED_MAX).max(1);
    shoppers.into_iter().step_by(step).collect()
}

/// Brings catalogue, views and orders in and says how fast.
async fn load(shop: &Shop, sample: SampleShop, (bar, read_s): (&Bar, f64)) -> Result<Value> {
    let options = ImportOptions { site: shop.settings.config.main_site(), ..Default::default() };
    let (n_products, n_orders) = (sample.products.len(), sample.n_orders());
    let (n_lines, n_shoppers, n_views) = (sample.n_lines, sample.n_shoppers(), sample.views.len());
    let begun = Instant::now();
    bar.begin("Products", Some(n_products as u64));
    let drafts: Vec<_> = sample.product_drafts().collect();
    let products = shop.app.import_drafts(drafts.into_iter(), &options, bar).await?;
    bar.end();
    let products_s = begun.elapsed().as_secs_f64();
    bar.begin("Orders and views", Some((n_orders + n_views) as u64));
    let rest = shop.app.import_drafts(sample.into_drafts(), &options, bar).await?;
    bar.end();
    let durable_s = begun.elapsed().as_secs_f64();
    super::until_ready(&shop.app).await?;
    let end = shop.embedded.log.end().await?;
    shop.app.wait_for(&end).await?;
    let status = shop.embedded.log.status().await?;
    Ok(json!({
        "products": n_products,
        "orders": n_orders,
        "lines": n_lines,
        "views": n_views,
        "shoppers": n_shoppers,
        "events": sum(products, rest),
        "known_before": products.duplicates + rest.duplicates,
        "refused": products.rejected + rest.rejected,
        "read_s": read_s,
        "products_s": products_s,
        "durable_s": durable_s,
        "folded_s": begun.elapsed().as_secs_f64(),
        "log_records": status.records,
        "log_bytes": status.bytes,
        "sync_us_p50": status.sync_us_p50,
        "sync_us_p99": status.sync_us_p99,
    }))
}

fn sum(a: Fed, b: Fed) -> u64 {
    a.accepted + b.accepted + a.duplicates + b.duplicates
}

/// The first baskets after the cut, predicted from those before it.
fn accuracy(rows: &(Vec<BasketRowOf>, Vec<BasketRowOf>)) -> Value {
    let start = Instant::now();
    let task = BasketTask {
        train: &rows.0,
        test: &rows.1,
        ks: &[10],
        tuning: Tuning::Fixed(Weights::default()),
    };
    let timer = || u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    baskets::json_of(&evaluate_baskets(&task, &timer))
}

type BasketRowOf = souk_recommend::evaluate::baskets::BasketRow;

/// A key for this start; those of earlier starts end, because only their hashes are known.
async fn fresh_key(app: &App) -> Result<String> {
    for old in app.known_keys().await?.into_iter().filter(|key| key.label == KEY_LABEL) {
        app.revoke_key(&old.key_id, &caller()).await?;
    }
    let key = NewKey {
        role: Role::Admin,
        label: KEY_LABEL.to_owned(),
        origins: Vec::new(),
        expires_at: None,
        places: Default::default(),
    };
    Ok(app.create_key(key, &caller()).await?)
}

/// The caller of the report's own questions.
fn caller() -> Caller {
    Caller::local_admin()
}
