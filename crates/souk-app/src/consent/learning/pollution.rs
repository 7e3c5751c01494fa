//! One seeded shop three times: clean, polluted, and polluted with every limit off. Crawlers, floods, the
//! shop's own people and bulk orders must move no list; with the limits off they must, or the test would
//! prove nothing.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use souk_core::wire::json::product_from_json;
use souk_core::{Currency, Product, ProductId, SiteId, Timestamp};

use crate::test_shop::{Shop, caller, noon};
use crate::{Config, IngestCall, RecommendRequest, Role, Strategy};

const N_PRODUCTS: u64 = 400;
const N_SHOPPERS: u64 = 1_200;
/// Lists that are compared, beside trending and popular: what goes with these products.
const ANCHORS: [u64; 6] = [0, 1, 2, 5, 9, 20];
const DAY_MS: i64 = 86_400_000;
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";
const CRAWLER: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

/// SplitMix64.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }

    /// Small numbers far more often than large ones.
    fn skewed(&mut self, n: u64) -> u64 {
        let unit = self.below(1 << 20) as f64 / f64::from(1 << 20);
        ((n as f64) * unit * unit * unit) as u64
    }
}

fn product(value: &Value) -> Product {
    product_from_json(value, &SiteId::main(), Currency::USD).unwrap()
}

/// Who an event is of.
#[derive(Clone, Copy)]
enum Who<'a> {
    Known(&'a str),
    Browser(&'a str, &'a str),
}

fn viewed((who, number): (Who<'_>, &mut u64), at: Timestamp, product: u64) -> Value {
    *number += 1;
    let mut event = json!({"type": "track", "event": "Product Viewed", "messageId": format!("v{number}"),
        "timestamp": at.to_string(), "properties": {"product_id": format!("p{product}")}});
    match who {
        Who::Known(user) => event["userId"] = user.into(),
        Who::Browser(id, agent) => {
            event["anonymousId"] = id.into();
            event["context"] = json!({"userAgent": agent});
        }
    }
    event
}

fn ordered(user: &str, (order, at): (u64, Timestamp), lines: &[(u64, u64)]) -> Value {
    let line = |(product, quantity): &(u64, u64)| json!({"product_id": format!("p{product}"), "quantity": quantity, "price": 2});
    json!({"type": "track", "event": "Order Completed", "userId": user, "messageId": format!("o{order}"),
        "timestamp": at.to_string(), "properties": {"order_id": format!("o{order}"), "currency": "USD",
        "products": lines.iter().map(line).collect::<Vec<_>>()}})
}

/// What shoppers do in thirty days: visits of a few products, an order after one in four.
fn clean() -> Vec<Value> {
    let mut random = Random(7);
    let (mut events, mut number) = (Vec::new(), 0);
    for shopper in 0..N_SHOPPERS {
        let name = format!("s{shopper}");
        for visit in 0..2 + random.below(2) {
            let mut at = noon().plus_ms(-(random.below(30 * DAY_MS as u64) as i64));
            let mut seen = Vec::new();
            for _ in 0..2 + random.below(6) {
                // What is in demand wanders through the catalogue, so that there are trends.
                let day = at.ms_since(noon().plus_ms(-30 * DAY_MS)).max(0) as u64 / DAY_MS as u64;
                let product = (random.skewed(N_PRODUCTS) + day * 3) % N_PRODUCTS;
                events.push(viewed((Who::Browser(&name, BROWSER), &mut number), at, product));
                seen.push((product, 1 + random.below(3)));
                at = at.plus_ms(40_000);
            }
            if random.below(4) == 0 && at < noon() {
                seen.sort_unstable();
                seen.dedup_by_key(|line| line.0);
                let order = shopper * 10 + visit;
                events.push(ordered(&format!("u{shopper}"), (order, at), &seen));
            }
        }
    }
    events
}

/// Five percent of crawlers, one of which hides its name; staff who look at one product all day and buy
/// it; and an order of 10,000 units of each of forty products that hardly anybody wants.
fn pollution(n_clean: usize) -> Vec<Value> {
    let mut random = Random(11);
    let (mut events, mut number) = (Vec::new(), 1_000_000);
    let today = noon().plus_ms(-20 * 3_600_000);
    for step in 0..n_clean as u64 / 40 {
        // A crawler throws its cookies away: each look is one of somebody new.
        let name = format!("crawler{step}");
        let product = 350 + random.below(20);
        let at = today.plus_ms(step as i64 * 60_000 % (18 * 3_600_000));
        events.push(viewed((Who::Browser(&name, CRAWLER), &mut number), at, product));
    }
    for step in 0..n_clean as u64 / 40 {
        // Another keeps them, hides its name, and reads the catalogue from end to end.
        let at = today.plus_ms(step as i64 * 12_000);
        let name = format!("scraper{}", step / 380);
        let product = 399 - step % 380;
        events.push(viewed((Who::Browser(&name, BROWSER), &mut number), at, product));
    }
    for day in 0..60 {
        let at = today.plus_ms(day * 600_000);
        let clerk = format!("clerk{}", day % 20);
        events.push(viewed((Who::Known(&clerk), &mut number), at, 390));
        events.push(ordered(&clerk, (900_000 + day as u64, at), &[(390, 1), (0, 1)]));
    }
    let bulk: Vec<(u64, u64)> = (0..40).map(|idx| (300 + idx, 10_000)).collect();
    events.push(ordered("wholesaler", (990_000, today), &bulk));
    events.push(ordered("wholesaler", (990_001, today), &[(395, 10_000), (1, 1)]));
    events
}

/// The clerks are known as staff: ten by a trait, ten by the settings.
fn staff_words() -> Vec<Value> {
    let word = |idx: u64| {
        json!({"type": "identify", "userId": format!("clerk{idx}"), "messageId": format!("i{idx}"),
            "timestamp": noon().plus_ms(-2 * DAY_MS).to_string(), "traits": {"staff": true}})
    };
    (0..10).map(word).collect()
}

const PROTECTED: &str = "{staff: [clerk10, clerk11, clerk12, clerk13, clerk14, clerk15, clerk16, clerk17, clerk18, clerk19]}";
const OPEN: &str = "{views_per_hour_max: null, views_per_day_max: null, order_units_max: null, order_products_max: null, staff_trait: \"\"}";

async fn shop(learning: &str, parts: &[Vec<Value>]) -> Shop {
    let settings = format!("privacy: {{default_jurisdiction: us}}\nlearning: {learning}");
    let shop = Shop::open_with(Config::parse(&settings, []).unwrap()).await;
    let row = |idx: u64| {
        product(&json!({"id": format!("p{idx}"), "title": format!("Product {idx}"),
            "price": {"amount": 200, "currency": "USD"}}))
    };
    let products = (0..N_PRODUCTS).map(row).collect();
    shop.app.put_products(products, &caller(Role::Admin)).await.unwrap();
    for part in parts {
        for batch in part.chunks(500) {
            let body = json!({"batch": batch});
            let answer = shop.send(Role::IngestServer, IngestCall::Batch, body).await;
            assert_eq!(answer.rejected, []);
        }
        shop.app.wait_for(&shop.app.parts.log.end().await.unwrap()).await.unwrap();
    }
    shop
}

/// The best twenty of every list.
async fn lists(shop: &Shop) -> Vec<(String, Vec<String>)> {
    let mut asked = vec![(Strategy::Trending, None), (Strategy::Popular, None)];
    for anchor in ANCHORS {
        asked.extend([(Strategy::BoughtTogether, Some(anchor)), (Strategy::Similar, Some(anchor))]);
    }
    let mut lists = Vec::new();
    for (strategy, anchor) in asked {
        let mut request = RecommendRequest::new(strategy, 20);
        request.context.product_id = anchor.map(|idx| ProductId::new(format!("p{idx}")).unwrap());
        let answer = shop.app.recommend(&request, &caller(Role::StorefrontServer)).await.unwrap();
        let ids = answer.recommendations.iter().map(|one| one.product_id.to_string()).collect();
        let name = anchor.map_or(String::new(), |idx| format!(" with p{idx}"));
        lists.push((format!("{}{name}", strategy.as_str()), ids));
    }
    lists
}

/// Check 10: 5 % crawler traffic and an order of 10,000 units move no top-20 list.
#[tokio::test]
async fn crawlers_staff_and_bulk_orders_move_no_list() {
    let acts = clean();
    let dirt = pollution(acts.len());
    let share = dirt.len() as f64 / (acts.len() + dirt.len()) as f64;
    println!(
        "{} events of shoppers, {} of others ({:.1} %)",
        acts.len(),
        dirt.len(),
        share * 100.0
    );
    assert!(share >= 0.05);
    let pure = shop(PROTECTED, std::slice::from_ref(&acts)).await;
    let words = staff_words();
    let polluted = shop(PROTECTED, &[words.clone(), acts.clone(), dirt.clone()]).await;
    let plain: Vec<Value> = dirt
        .into_iter()
        .map(|mut event| {
            event.as_object_mut().unwrap().remove("context");
            event
        })
        .collect();
    let open = shop(OPEN, &[words, acts, plain]).await;
    let (expected, found, moved) = (lists(&pure).await, lists(&polluted).await, lists(&open).await);
    let mut n_moved = 0;
    for ((name, expected), ((_, found), (_, moved))) in
        expected.iter().zip(found.iter().zip(&moved))
    {
        let differing =
            |other: &[String]| other.iter().zip(expected).filter(|(a, b)| a != b).count();
        println!(
            "{name}: {} places, {} moved; without limits {}",
            expected.len(),
            differing(found),
            differing(moved)
        );
        n_moved += usize::from(expected != moved);
        assert_eq!(found, expected, "{name}");
    }
    assert!(n_moved >= 4, "without limits only {n_moved} lists moved: the pollution is too weak");
    let sizes = polluted.app.view_sizes();
    let counts = polluted.app.ingest_counts();
    println!(
        "kept out: {} floods, {} staff, {} bulk orders; {} events of crawlers, {} of staff",
        sizes.floods, sizes.staff, sizes.bulk_orders, counts.crawlers, counts.staff
    );
    assert!(sizes.floods >= 1 && sizes.staff == 10 && sizes.bulk_orders == 2 + 60);
    assert!(counts.crawlers > 100 && counts.staff >= 60);
    let found = polluted.app.examine().await.unwrap();
    assert!(found.iter().any(|finding| finding.subject == "learning"), "{found:?}");
    // Nothing is lost, and a fold of the whole log is the same state.
    assert_eq!(polluted.app.check_views().await.unwrap().differing, Vec::<&str>::new());
}
