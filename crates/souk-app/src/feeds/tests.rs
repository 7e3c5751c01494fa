#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use async_trait::async_trait;
use parking_lot::Mutex;
use souk_core::{ProductId, SiteId};
use tempfile::TempDir;

use super::quality::is_gtin;
use super::{FeedCall, FeedFetcher, FeedMode, FeedOutcome, FeedRun, Fetched, Validators};
use crate::test_shop::{Shop, caller};
use crate::{AppError, AuditFilter, Caller, Config, Outcome, Role, Silent, Weight};

struct Desk {
    shop: Shop,
    folder: TempDir,
}

impl Desk {
    /// A shop with a feed `f` of these settings, `FILE` being its file.
    async fn open(fields: &str) -> Desk {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("feed.csv");
        let fields = fields.replace("FILE", &file.display().to_string());
        let settings = format!(
            "privacy: {{default_jurisdiction: us}}\nfeeds: {{sources: [{{name: f, {fields}}}]}}"
        );
        let shop = Shop::open_with(Config::parse(&settings, []).unwrap()).await;
        Desk { shop, folder }
    }

    fn write(&self, text: &str) {
        std::fs::write(self.folder.path().join("feed.csv"), text).unwrap();
    }

    async fn run(&self, mode: FeedMode) -> FeedRun {
        self.try_run(mode).await.unwrap()
    }

    async fn try_run(&self, mode: FeedMode) -> Result<FeedRun, AppError> {
        self.shop.app.run_feed(("f", mode), &Caller::local_admin(), &Silent).await
    }

    fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> =
            self.shop.app.product_ids(&SiteId::main()).iter().map(ToString::to_string).collect();
        ids.sort();
        ids
    }

    async fn trouble(&self) -> Vec<String> {
        let findings = self.shop.app.examine().await.unwrap();
        let feeds =
            findings.into_iter().filter(|f| f.subject == "feeds" && f.weight == Weight::Trouble);
        feeds.map(|finding| finding.detail).collect()
    }
}

/// A catalogue of so many products, each at this price.
fn catalogue(count: usize, price: &str) -> String {
    let rows = (0..count).map(|n| format!("p{n:02},Product {n},{price},c,https://i/{n}.jpg\n"));
    format!("id,title,price,category,image_url\n{}", rows.collect::<String>())
}

#[tokio::test]
async fn a_full_feed_makes_the_catalogue_as_the_file_says() {
    let desk = Desk::open("file: 'FILE', full: true").await;
    desk.write(&catalogue(20, "10.00"));
    let run = desk.run(FeedMode::Run).await;
    assert_eq!((run.outcome, run.products, run.new, run.removed), (FeedOutcome::Done, 20, 20, 0));
    let changed = catalogue(19, "10.00").replace("p03,Product 3,10.00", "p03,Product 3,11.00");
    desk.write(&changed);
    let run = desk.run(FeedMode::Run).await;
    assert_eq!((run.new, run.changed, run.absent, run.removed), (0, 1, 1, 1));
    assert_eq!(desk.ids().len(), 19);
    let before = desk.shop.log().await.len();
    let run = desk.run(FeedMode::Run).await;
    assert_eq!((run.changed, run.removed), (0, 0));
    assert_eq!(desk.shop.log().await.len(), before, "the same file once more writes nothing");
}

#[tokio::test]
async fn a_feed_of_signals_brings_values_and_touches_no_product() {
    let desk = Desk::open("file: 'FILE', kind: signals, full: true").await;
    let product = serde_json::json!({"id": "tea", "title": "Tea"});
    let product = souk_core::wire::json::product_from_json(
        &product,
        &SiteId::main(),
        souk_core::Currency::USD,
    );
    desk.shop.app.put_products(vec![product.unwrap()], &caller(Role::Admin)).await.unwrap();
    crate::people::tests::folded(&desk.shop).await;
    let days = |last: &str| format!("name,date,value\nrain,2026-01-14,3\nrain,2026-01-15,{last}\n");
    desk.write(&days("1"));
    assert_eq!(desk.run(FeedMode::DryRun).await.outcome, FeedOutcome::Looked);
    let admin = Caller::local_admin();
    assert!(desk.shop.app.signals(None, &admin).unwrap().is_empty());
    let run = desk.run(FeedMode::Run).await;
    assert_eq!((run.outcome, run.products, run.removed), (FeedOutcome::Done, 0, 0));
    assert_eq!(run.notes, ["2 values of signals are new or others than before, 0 were known"]);
    desk.write(&days("2"));
    let run = desk.run(FeedMode::Run).await;
    assert_eq!(run.notes, ["1 values of signals are new or others than before, 1 were known"]);
    assert_eq!(desk.shop.app.signals(None, &admin).unwrap()[0].last, 2.0);
    assert_eq!(desk.ids(), ["tea"]);
}

#[tokio::test]
async fn a_feed_that_is_not_full_removes_nothing() {
    let desk = Desk::open("file: 'FILE'").await;
    desk.write(&catalogue(20, "10.00"));
    desk.run(FeedMode::Run).await;
    desk.write(&catalogue(1, "10.00"));
    let run = desk.run(FeedMode::Run).await;
    assert_eq!((run.outcome, run.absent, desk.ids().len()), (FeedOutcome::Done, 0, 20));
}

#[tokio::test]
async fn a_file_that_lacks_too_much_changes_nothing_until_somebody_says_so() {
    let desk = Desk::open("file: 'FILE', full: true").await;
    desk.write(&catalogue(20, "10.00"));
    desk.run(FeedMode::Run).await;
    desk.write(&catalogue(17, "12.00"));
    let before = desk.shop.log().await.len();
    let run = desk.run(FeedMode::Run).await;
    assert_eq!((run.outcome, run.absent, run.removed), (FeedOutcome::Refused, 3, 0));
    assert!(run.notes[0].contains("3 of 20 products would be removed, 15.0 %"), "{:?}", run.notes);
    assert_eq!(desk.shop.log().await.len(), before, "not even the new prices are written");
    let trouble = desk.trouble().await;
    assert!(trouble[0].contains("--allow-removals"), "{trouble:?}");
    let looked = desk.run(FeedMode::DryRun).await;
    assert_eq!((looked.outcome, looked.changed), (FeedOutcome::Refused, 17));
    assert_eq!(desk.shop.log().await.len(), before);
    let run = desk.run(FeedMode::AllowRemovals).await;
    assert_eq!((run.outcome, run.removed, desk.ids().len()), (FeedOutcome::Done, 3, 17));
    assert_eq!(desk.trouble().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_dry_run_tells_and_leaves_no_trace() {
    let desk = Desk::open("file: 'FILE', full: true").await;
    desk.write(&catalogue(3, "10.00"));
    let before = desk.shop.log().await.len();
    let run = desk.run(FeedMode::DryRun).await;
    assert_eq!((run.outcome, run.new), (FeedOutcome::Looked, 3));
    assert_eq!((desk.shop.log().await.len(), desk.ids().len()), (before, 0));
    let states = desk.shop.app.feed_states(&Caller::local_admin()).await.unwrap();
    assert_eq!(states[0].last, None);
}

#[tokio::test]
async fn a_product_whose_row_cannot_be_read_is_not_absent() {
    let desk = Desk::open("file: 'FILE', full: true, removal_share_max: 0.5").await;
    desk.write(&catalogue(4, "10.00"));
    desk.run(FeedMode::Run).await;
    desk.write(&catalogue(3, "10.00").replace("p01,Product 1,10.00", "p01,Product 1,cheap"));
    let run = desk.run(FeedMode::Run).await;
    assert_eq!((run.rejected, run.removed), (1, 1));
    assert_eq!(desk.ids(), ["p00", "p01", "p02"]);
    // A row that does not tell its product may be that of any.
    desk.write(&catalogue(3, "10.00").replace("p01,Product 1", ",Product 1"));
    let run = desk.run(FeedMode::Run).await;
    assert_eq!((run.outcome, run.absent, run.removed), (FeedOutcome::Done, 0, 0));
    assert!(run.notes[0].starts_with("1 rows do not tell their product"), "{:?}", run.notes);
    assert_eq!(desk.ids().len(), 3);
}

#[tokio::test]
async fn the_quality_report_counts_what_products_lack() {
    let desk = Desk::open("file: 'FILE'").await;
    desk.write(&catalogue(3, "10.00"));
    desk.run(FeedMode::Run).await;
    desk.write(
        "id,title,price,category,image_url,gtin,description\n\
         p00,Product 0,16.00,c,https://i/0.jpg,4006381333931,Text\n\
         p01,Product 1,14.00,,https://i/1.jpg,4006381333932,Text\n\
         p02,PRODUCT 1,,c,,,\n\
         p03,,1.00,c,,,\n",
    );
    let quality = desk.run(FeedMode::DryRun).await.quality;
    let found: Vec<_> = quality
        .shortcomings()
        .into_iter()
        .map(|(name, found)| (name, found.examples.join(",")))
        .filter(|(_, examples)| !examples.is_empty())
        .collect();
    let expected = [
        ("no GTIN", "p02"),
        ("bad GTIN", "p01"),
        ("duplicate title", "p02"),
        ("no price", "p02"),
        ("price jumped", "p00"),
        ("no image", "p02"),
        ("no category", "p01"),
        ("no description", "p02"),
    ];
    assert_eq!(found, expected.map(|(name, ids)| (name, ids.to_owned())));
    assert_eq!(quality.no_title, 1);
}

#[test]
fn check_digits_are_those_of_gs1() {
    // EAN-13, EAN-8, UPC-A and ITF-14 of the GS1 General Specifications and of everyday goods.
    for right in ["4006381333931", "96385074", "036000291452", "10614141000415", "0614141999996"] {
        assert!(is_gtin(right), "{right}");
    }
    for wrong in ["4006381333932", "4006381333913", "123", "", "400638133393X", "12345678901234567"]
    {
        assert!(!is_gtin(wrong), "{wrong}");
    }
}

#[tokio::test]
async fn orders_are_no_feed_and_a_missing_file_is_told() {
    let desk = Desk::open("file: 'FILE'").await;
    let missing = desk.try_run(FeedMode::Run).await.unwrap_err().to_string();
    assert!(missing.contains("feed.csv"), "{missing}");
    desk.write("order_id,sku,qty,date\n1,a,1,2026-01-01\n");
    let orders = desk.try_run(FeedMode::Run).await.unwrap_err().to_string();
    assert!(orders.contains("holds orders; a feed brings products"), "{orders}");
    assert!(desk.trouble().await[0].contains("failed, last good: never"));
    let app = &desk.shop.app;
    let unknown = app.run_feed(("g", FeedMode::Run), &Caller::local_admin(), &Silent).await;
    assert!(unknown.unwrap_err().to_string().contains("there is no feed `g`; there are f"));
    let denied = app.run_feed(("f", FeedMode::Run), &caller(Role::Merchandiser), &Silent).await;
    assert!(matches!(denied, Err(AppError::Denied { .. })), "{denied:?}");
}

#[tokio::test]
async fn a_run_is_written_down() {
    let desk = Desk::open("file: 'FILE', full: true").await;
    desk.write(&catalogue(2, "10.00"));
    desk.run(FeedMode::Run).await;
    std::fs::remove_file(desk.folder.path().join("feed.csv")).unwrap();
    desk.try_run(FeedMode::Run).await.unwrap_err();
    let filter = AuditFilter { operation: Some("feed".to_owned()), ..AuditFilter::default() };
    let admin = Caller::local_admin();
    let page = desk.shop.app.audit_entries(&admin, &filter, (None, 10)).await.unwrap();
    let entries: Vec<_> = page
        .items
        .iter()
        .map(|item| (item.entry.object.clone().unwrap(), item.entry.outcome))
        .collect();
    let feed = "feed:f".to_owned();
    assert_eq!(entries, [(feed.clone(), Outcome::Failed), (feed, Outcome::Done)]);
    assert_eq!(page.items[1].entry.details["new"], "2");
}

#[tokio::test]
async fn what_is_due_runs_and_what_failed_is_tried_again_soon() {
    let desk = Desk::open("file: 'FILE', every_minutes: 60").await;
    let app = &desk.shop.app;
    let minutes = |n: i64| desk.shop.hand.fetch_add(n * 60_000, Relaxed);
    app.run_due_feeds().await.unwrap();
    desk.write(&catalogue(2, "10.00"));
    minutes(14);
    app.run_due_feeds().await.unwrap();
    assert_eq!(desk.ids().len(), 0, "it failed 14 minutes ago");
    minutes(1);
    app.run_due_feeds().await.unwrap();
    assert_eq!(desk.ids().len(), 2);
    desk.write(&catalogue(3, "10.00"));
    minutes(59);
    app.run_due_feeds().await.unwrap();
    assert_eq!(desk.ids().len(), 2);
    minutes(1);
    app.run_due_feeds().await.unwrap();
    assert_eq!(desk.ids().len(), 3);
}

/// A file on the network, and what was asked of it.
#[derive(Debug, Default)]
struct Net {
    file: Mutex<Vec<u8>>,
    asked: Mutex<Vec<Validators>>,
}

#[async_trait]
impl FeedFetcher for Net {
    async fn fetch(&self, call: FeedCall<'_>, to: &Path) -> Result<Fetched, String> {
        self.asked.lock().push(call.validators.clone());
        let file = self.file.lock().clone();
        let etag = Some(format!("\"{}\"", file.len()));
        if call.validators.etag == etag {
            return Ok(Fetched::Unchanged);
        }
        if file.is_empty() {
            return Err("answered 404".to_owned());
        }
        std::fs::write(to, file).unwrap();
        Ok(Fetched::Whole(Validators { etag, last_modified: None }))
    }
}

async fn net_desk(full: &str) -> (Desk, Arc<Net>, PathBuf) {
    let desk = Desk::open(&format!("url: 'https://shop.example/f', full: {full}")).await;
    let net = Arc::new(Net::default());
    let folder = desk.folder.path().join("feeds");
    desk.shop.app.equip_feeds(Arc::clone(&net) as Arc<dyn FeedFetcher>, folder.clone());
    (desk, net, folder)
}

#[tokio::test]
async fn a_fetched_file_is_known_by_its_content_and_asked_for_only_if_it_changed() {
    let (desk, net, folder) = net_desk("true").await;
    let rss = "<rss><channel><item><id>a</id><title>Lamp</title></item></channel></rss>";
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, rss.as_bytes()).unwrap();
    let files: [(&[u8], &str); 4] = [
        (b"id\ttitle\nt1\tLamp\n", "t1"),
        (rss.as_bytes(), "a"),
        (b"{\"id\": \"j1\", \"title\": \"Lamp\"}\n", "j1"),
        (&packed.finish().unwrap(), "a"),
    ];
    for (file, id) in files {
        *net.file.lock() = file.to_vec();
        desk.run(FeedMode::AllowRemovals).await;
        assert_eq!(desk.ids(), [id]);
        assert_eq!(desk.run(FeedMode::Run).await.outcome, FeedOutcome::Unchanged);
    }
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    let states = desk.shop.app.feed_states(&Caller::local_admin()).await.unwrap();
    assert_eq!(states[0].last.as_ref().unwrap().run.as_ref().unwrap().products, 1);
}

#[tokio::test]
async fn what_was_refused_or_failed_is_fetched_whole_the_next_time() {
    let (desk, net, _) = net_desk("true").await;
    *net.file.lock() = catalogue(20, "10.00").into_bytes();
    desk.run(FeedMode::Run).await;
    *net.file.lock() = catalogue(2, "10.00").into_bytes();
    assert_eq!(desk.run(FeedMode::Run).await.outcome, FeedOutcome::Refused);
    assert_eq!(desk.run(FeedMode::Run).await.outcome, FeedOutcome::Refused, "not `unchanged`");
    *net.file.lock() = b"<rss><channel>".to_vec();
    assert!(
        desk.try_run(FeedMode::Run).await.unwrap_err().to_string().contains("before its last tag")
    );
    *net.file.lock() = Vec::new();
    let error = desk.try_run(FeedMode::Run).await.unwrap_err().to_string();
    assert!(error.contains("feed `f` cannot be fetched: answered 404"), "{error}");
    assert_eq!(desk.ids().len(), 20);
    assert!(net.asked.lock()[2..].iter().all(|asked| *asked == Validators::default()));
}

#[tokio::test]
async fn products_are_removed_in_one_go() {
    let desk = Desk::open("file: 'FILE'").await;
    desk.write(&catalogue(3, "10.00"));
    desk.run(FeedMode::Run).await;
    let id = |id: &str| ProductId::new(id).unwrap();
    let ids = [id("p00"), id("nobody"), id("p02")];
    let app = &desk.shop.app;
    let removed = app.delete_products((&SiteId::main(), &ids), &Caller::local_admin()).await;
    assert_eq!((removed.unwrap(), desk.ids()), (2, vec!["p01".to_owned()]));
    let denied = app.delete_products((&SiteId::main(), &ids), &caller(Role::Analyst)).await;
    assert!(denied.is_err());
}
