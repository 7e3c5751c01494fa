//! How fast the views fold, how much memory they hold, how long snapshots and restarts take.
//!
//! A seeded shop of a grocer's size: 92,000 products and 156,000 orders of 1.47 million lines by 2,469
//! shoppers over a year, then a million clicks by 200,000 shoppers and a million answers of ten products to them.
//! Everything goes through the real
//! log in a temporary folder. `cargo bench -p souk-app --bench fold` prints one line per figure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use souk_app::{App, Clock, Config, FoldParams, Parts};
use souk_core::wire::{encode_event, record_kind};
use souk_core::{
    Action, Channel, Currency, CustomerOrder, Day, Event, EventId, Fact, Impressions, Interaction,
    LocationId, Marks, Money, OrderChange, OrderId, OrderLine, OrderRef, Product, ProductId,
    ProductMention, Purposes, Quantity, Sale, SiteId, Source, SubjectId, Timestamp,
};
use souk_embedded::{Embedded, EmbeddedOptions};
use souk_ports::{EventLog, IdHash, KeyStore, Partition, Record, RecordKind};
use souk_privacy::seal::{BodyContext, seal_body};

const PRODUCTS: u64 = 92_331;
const ORDERS: u64 = 155_848;
const SHOPPERS: u64 = 2_469;
const CLICKS: u64 = 1_000_000;
const START_MS: i64 = 1_483_228_800_000;
const YEAR_MS: i64 = 365 * 86_400_000;

/// SplitMix64 (Steele, Lea and Flood 2014): small, seeded, good enough for a workload.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A product, the popular ones more often: roughly Zipf's law.
    fn product(&mut self) -> ProductId {
        let uniform = self.next() as f64 / u64::MAX as f64;
        let rank = (PRODUCTS as f64).powf(uniform) as u64;
        ProductId::new((1_000_000 + rank * 7_919 % PRODUCTS).to_string()).expect("not empty")
    }
}

fn sixteen(kind: u8, number: u64) -> [u8; 16] {
    let mut bytes = [kind; 16];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    bytes
}

fn record(id: (u8, u64), subject: Option<u64>, (at_ms, fact): (i64, Fact)) -> Record {
    let at = Timestamp::from_ms(at_ms).expect("a time in range");
    let event = Event {
        at,
        site: SiteId::main(),
        channel: Some(Channel::Store),
        source: Source::Ledger,
        message_id: None,
        withheld: Purposes::NONE,
        fact,
    };
    Record {
        partition: Partition(0),
        subject: subject.map(|number| SubjectId(sixteen(9, number))),
        event_id: EventId(sixteen(id.0, id.1)),
        received_at: Timestamp::from_ms(START_MS + YEAR_MS).expect("a time in range"),
        kind: RecordKind(record_kind(&event.fact)),
        body: encode_event(&event),
    }
}

fn product(number: u64) -> Record {
    let id = ProductId::new((1_000_000 + number).to_string()).expect("not empty");
    let title = format!("Brand {} Product {} 16 oz", number % 500, number % 19_353);
    let mut product = Product::new(id, SiteId::main(), title);
    product.brand = Some("National".to_owned());
    product.categories =
        vec![format!("Grocery > Department {} > Type {}", number % 30, number % 300)];
    product.price = Some(Money::from_minor((number % 900) as i64 + 99, Currency::USD));
    record((1, number), None, (START_MS, Fact::ProductPut(Box::new(product))))
}

fn order(number: u64, random: &mut Random) -> [Record; 2] {
    let at_ms = START_MS + (number as i64) * (YEAR_MS / ORDERS as i64);
    let shopper = random.below(SHOPPERS);
    let count = 1 + random.below(9) + random.below(9);
    let lines: Vec<OrderLine> = (0..count)
        .map(|_| OrderLine {
            product: random.product(),
            variant: None,
            quantity: Quantity::each(1 + (random.below(5) / 4) as i32),
            amount: Some(Money::from_minor(99 + random.below(900) as i64, Currency::USD)),
            promotion: None,
        })
        .collect();
    let reference = OrderRef(sixteen(2, number));
    let location = LocationId::new((300 + random.below(450)).to_string()).expect("not empty");
    let sale = Sale {
        order: reference,
        change: OrderChange::Placed,
        location: Some(location.clone()),
        day: Day::from_number((at_ms / 86_400_000) as i32),
        lines: lines.clone(),
    };
    let order = CustomerOrder {
        order: reference,
        order_id: OrderId::new(number.to_string()).expect("not empty"),
        change: OrderChange::Placed,
        location: Some(location),
        total: None,
        lines,
        extra: None,
    };
    [
        record((3, number), None, (at_ms, Fact::Sale(sale))),
        record((4, number), Some(shopper), (at_ms, Fact::Order(order))),
    ]
}

fn click(number: u64, random: &mut Random) -> Record {
    let mention =
        ProductMention { product: random.product(), variant: None, quantity: None, price: None };
    let interaction = Interaction {
        action: Action::Viewed,
        products: vec![mention],
        request_id: None,
        extra: None,
    };
    let at_ms = START_MS + YEAR_MS + number as i64 * 10;
    let shopper = 1_000_000 + random.below(200_000);
    record((5, number), Some(shopper), (at_ms, Fact::Interaction(interaction)))
}

fn answer(number: u64, random: &mut Random) -> Record {
    let shown = Impressions {
        request_id: format!("{:032x}", u128::from(random.next()) << 64 | u128::from(number)).into(),
        placement: Some("home".into()),
        strategy: "for_you".into(),
        products: (0..10).map(|_| random.product()).collect(),
        marks: Marks::default(),
    };
    let at_ms = START_MS + YEAR_MS + number as i64 * 10;
    let shopper = 1_000_000 + random.below(200_000);
    record((6, number), Some(shopper), (at_ms, Fact::Impressions(shown)))
}

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[allow(clippy::print_stdout, reason = "a benchmark prints")]
fn say(what: &str, figure: impl std::fmt::Display) {
    println!("{what:<48} {figure}");
}

async fn append_all(store: &Embedded, records: impl Iterator<Item = Record>) {
    let mut batch = Vec::new();
    for record in records {
        batch.push(record);
        if batch.len() == 5_000 {
            append_sealed(store, std::mem::take(&mut batch)).await;
        }
    }
    if !batch.is_empty() {
        append_sealed(store, batch).await;
    }
}

async fn append_sealed(store: &Embedded, batch: Vec<Record>) {
    let sealed = seal_all(store, batch).await;
    store.log.append(sealed).await.expect("the log takes it");
}

/// Gives the records of shoppers real subjects and seals them, as the door does.
async fn seal_all(store: &Embedded, mut batch: Vec<Record>) -> Vec<Record> {
    let ids: Vec<IdHash> = batch.iter().filter_map(|r| r.subject.map(|s| IdHash(s.0))).collect();
    let subjects = store.keys.resolve(&ids).await.expect("it answers");
    let keys = store.keys.keys(&subjects).await.expect("it answers");
    let mut persons = subjects.into_iter().zip(keys);
    for record in batch.iter_mut().filter(|record| record.subject.is_some()) {
        let (subject, key) = persons.next().expect("one for each");
        record.subject = Some(subject);
        let context = BodyContext { subject, event_id: record.event_id };
        let nonce = *record.event_id.0.first_chunk().expect("16 bytes have 12");
        record.body = seal_body(&key.expect("it was just made"), context, nonce, &record.body);
    }
    batch
}

fn parts(embedded: &Embedded) -> Parts {
    Parts {
        log: embedded.log.clone(),
        tables: embedded.tables.clone(),
        keys: embedded.keys.clone(),
        cache: embedded.cache.clone(),
        blobs: embedded.blobs.clone(),
    }
}

async fn open(embedded: &Embedded, what: &str) -> Arc<App> {
    let clock = Clock::standing_at(Timestamp::from_ms(START_MS + YEAR_MS).expect("in range"));
    let since = Instant::now();
    // No snapshot in between: it would be counted as folding.
    let params = FoldParams {
        snapshot_records: u64::MAX,
        snapshot_interval: Duration::from_secs(3_600),
        ..FoldParams::default()
    };
    let config = Config::parse("privacy: {default_jurisdiction: us}", []).expect("it is valid");
    let app = App::open_with(parts(embedded), (config, clock), params).await.expect("it opens");
    app.wait_ready().await.expect("it folds");
    say(&format!("{what}: start to ready, s"), format!("{:.2}", since.elapsed().as_secs_f64()));
    say(&format!("{what}: resident, MB"), resident_mb());
    app
}

async fn close(app: Arc<App>, what: &str) {
    let since = Instant::now();
    app.snapshot_now().await.expect("it is stored");
    say(&format!("{what}: snapshot stored, s"), format!("{:.2}", since.elapsed().as_secs_f64()));
    let since = Instant::now();
    let fingerprint = app.views_fingerprint().await.expect("it answers");
    say(
        &format!("{what}: fingerprint {fingerprint}, s"),
        format!("{:.2}", since.elapsed().as_secs_f64()),
    );
    for (name, bytes) in app.view_sizes().bytes_by_projection {
        say(&format!("{what}: {name}, MB"), bytes >> 20);
    }
    app.close().await.expect("it closes");
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let embedded =
        souk_embedded::open(folder.path(), &EmbeddedOptions::default()).expect("it opens");
    let mut random = Random(42);
    append_all(&embedded, (0..PRODUCTS).map(product)).await;
    append_all(&embedded, (0..ORDERS).flat_map(|n| order(n, &mut random))).await;
    say("before folding: resident, MB", resident_mb());
    let app = open(&embedded, "fold products and orders").await;
    close(app, "products and orders").await;
    let app = open(&embedded, "from the snapshot").await;
    let since = Instant::now();
    append_all(&embedded, (0..CLICKS).map(|n| click(n, &mut random))).await;
    let end = embedded.log.end().await.expect("it answers");
    app.wait_for(&end).await.expect("it folds");
    let rate = CLICKS as f64 / since.elapsed().as_secs_f64();
    say("clicks appended and folded, 1/s", format!("{rate:.0}"));
    say("with clicks: resident, MB", resident_mb());
    drop(app);
    let app = open(&embedded, "products, orders from snapshot, clicks folded").await;
    close(app, "with clicks").await;
    append_all(&embedded, (0..CLICKS).map(|n| answer(n, &mut random))).await;
    let app = open(&embedded, "all from the snapshot, a million answers folded").await;
    for (name, bytes) in app.view_sizes().bytes_by_projection {
        say(&format!("with answers: {name}, MB"), bytes >> 20);
    }
    visibility(&app, (&embedded, &mut random)).await;
}

/// The time until an append is durable, and until it is seen as well, with the fold otherwise idle.
async fn visibility(app: &App, (store, random): (&Embedded, &mut Random)) {
    let (mut durable, mut seen) = (Vec::new(), Vec::new());
    for number in 0..2_000 {
        let sealed = seal_all(store, vec![click(CLICKS + number, random)]).await;
        let since = Instant::now();
        let appended = app.append(sealed).await.expect("the log takes it");
        durable.push(since.elapsed());
        app.wait_for_appended(&appended).await.expect("it folds");
        seen.push(since.elapsed());
    }
    for (what, mut times) in [("durable", durable), ("durable and seen", seen)] {
        times.sort_unstable();
        say(&format!("{what}, µs p50"), times[times.len() / 2].as_micros());
        say(&format!("{what}, µs p99"), times[times.len() * 99 / 100].as_micros());
    }
}
