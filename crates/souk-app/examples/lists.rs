//! Lists of real shoppers to be read by a person: `lists FOLDER N`, for example on a copy of the folder of
//! `souk demo`. For N shoppers with baskets, spread over all, prints what they buy again and again, then each
//! list over `auto`, `for_you`, `next_basket`, `bought_together` and `similar` (the latter two beside what they
//! most likely buy again), each product with its reason. At the end come counts of what can be counted. The
//! variable SETTINGS adds settings, as `recommendations: {diversity: 0.0}`.
//!
//! What a silly list is: docs/decisions/0028-variety.md.
#![allow(clippy::unwrap_used, reason = "a tool for developers may fail where it stands")]
#![allow(clippy::print_stdout, reason = "its result")]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde_json::Value;
use souk_app::{
    App, Caller, Clock, Config, Parts, RecommendAnswer, RecommendRequest, Role, Strategy,
};
use souk_core::{ProductId, SiteId, Timestamp};
use souk_embedded::{EmbeddedOptions, open};

const STRATEGIES: [Strategy; 5] = [
    Strategy::Auto,
    Strategy::ForYou,
    Strategy::NextBasket,
    Strategy::BoughtTogether,
    Strategy::Similar,
];

/// A product of a list.
struct Shown {
    title: String,
    category: String,
    reason: String,
    kind: &'static str,
}

impl Shown {
    fn of(answer: &RecommendAnswer) -> Vec<Shown> {
        let one = |one: &souk_app::Recommendation| {
            let product: Value = serde_json::from_str(&one.product).unwrap();
            Shown {
                title: product["title"].as_str().unwrap_or("").to_owned(),
                category: product["categories"][0].as_str().unwrap_or("").to_owned(),
                reason: one.reason.text.clone(),
                kind: one.reason.kind.as_str(),
            }
        };
        answer.recommendations.iter().map(one).collect()
    }
}

/// What can be counted without reading.
fn count(list: &[Shown], counts: &mut BTreeMap<String, usize>) {
    let mut add = |what: &str, n: usize| *counts.entry(what.to_owned()).or_default() += n;
    add("lists", 1);
    add("products", list.len());
    let mut kinds: HashMap<&str, usize> = HashMap::new();
    for one in list {
        *kinds.entry(&one.category).or_default() += 1;
        add(&format!("reason: {}", one.kind), 1);
    }
    let most = kinds.values().copied().max().unwrap_or(0);
    add("lists with more than three products of one kind", usize::from(most > 3));
    add("kinds", kinds.len());
    for word in ["FUEL", "GASOLINE", "COUPON", "MISC", "BAG", "CIGARETTES", "NO SUBCOMMODITY"] {
        let has = |one: &&Shown| one.category.to_uppercase().contains(word);
        add(&format!("products of a kind with `{word}`"), list.iter().filter(has).count());
    }
}

async fn shop(folder: &str) -> std::sync::Arc<App> {
    let stored = open(Path::new(folder), &EmbeddedOptions::default()).unwrap();
    let parts = Parts {
        log: stored.log,
        tables: stored.tables,
        keys: stored.keys,
        cache: stored.cache,
        blobs: stored.blobs,
    };
    let settings = std::env::var("SETTINGS").unwrap_or_default();
    let settings = format!("privacy: {{default_jurisdiction: us}}\n{settings}");
    let config = Config::parse(&settings, []).unwrap();
    let clock = Clock::standing_at(Timestamp::parse("2018-01-01T05:00:00Z").unwrap());
    let app = App::open(parts, config, clock).await.unwrap();
    app.wait_ready().await.unwrap();
    app
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("name a data folder and how many shoppers");
    let n: usize = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(40);
    let app = shop(&folder).await;
    let caller = Caller::new("reader", Role::StorefrontServer);
    let mut counts: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    // The households of the sample are numbered up to 2,500; those without baskets are passed over.
    let step = (2_400 / n).max(1);
    for household in (1..=n).map(|nth| (nth * step).to_string()) {
        let mut before = RecommendRequest::new(Strategy::BuyAgain, 8);
        before.user_id = Some(household.clone());
        let habits = app.recommend(&before, &caller).await.unwrap();
        let Some(first) = habits.recommendations.first() else { continue };
        let anchor: ProductId = first.product_id.clone();
        let titles: Vec<String> = Shown::of(&habits).into_iter().map(|one| one.title).collect();
        println!("\n== household {household}: {}", titles.join(" | "));
        for strategy in STRATEGIES {
            let mut request = RecommendRequest::new(strategy, 10);
            request.user_id = Some(household.clone());
            request.context.site = Some(SiteId::main());
            if matches!(strategy, Strategy::BoughtTogether | Strategy::Similar) {
                request.context.product_id = Some(anchor.clone());
            }
            let answer = app.recommend(&request, &caller).await.unwrap();
            let list = Shown::of(&answer);
            count(&list, counts.entry(strategy.as_str()).or_default());
            println!("{}:", strategy.as_str());
            for one in &list {
                println!("   {} [{}] — {}", one.title, one.category, one.reason);
            }
        }
    }
    println!();
    for (strategy, counts) in counts {
        for (what, n) in counts {
            println!("{strategy}: {what}: {n}");
        }
    }
}
