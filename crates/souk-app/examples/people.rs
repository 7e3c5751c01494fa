//! What profiles and segments cost on a data folder: `people FOLDER USER...`, for example a copy of the folder of
//! `souk demo`. Nothing is written but the figures, on stdout; the folder's own settings do not count.
//!
//! Prints the fit of the shop's figures, one profile (with the look-up of the id), and the memberships of one
//! shopper in 1,000 segments more: the difference of two profiles.
#![allow(clippy::unwrap_used, reason = "a tool for developers may fail where it stands")]
#![allow(clippy::print_stdout, reason = "its result")]

use std::path::Path;
use std::time::{Duration, Instant};

use souk_app::{App, Caller, Clock, Config, Parts, Role, Segment, SegmentPrecondition};
use souk_core::{SiteId, Timestamp};
use souk_embedded::{EmbeddedOptions, open};

const ROUNDS: usize = 2_000;

fn median(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

async fn profiles(app: &App, users: &[String]) -> (Duration, Duration) {
    let caller = Caller::new("bench", Role::StorefrontServer);
    let mut times = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let began = Instant::now();
        let user = &users[round % users.len()];
        let profile = app.profile((user, &SiteId::main()), &caller).await.unwrap();
        times.push(began.elapsed());
        assert!(profile.orders.is_some(), "user {user} is not known; name others");
    }
    median(times)
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("name a data folder and some users of it");
    let users: Vec<String> = arguments.collect();
    let stored = open(Path::new(&folder), &EmbeddedOptions::default()).unwrap();
    let parts = Parts {
        log: stored.log,
        tables: stored.tables,
        keys: stored.keys,
        cache: stored.cache,
        blobs: stored.blobs,
    };
    let settings = "privacy: {default_jurisdiction: us}";
    let config = Config::parse(settings, []).unwrap();
    let clock = Clock::standing_at(Timestamp::parse("2018-01-01T05:00:00Z").unwrap());
    let app = App::open(parts, config, clock).await.unwrap();
    app.wait_ready().await.unwrap();
    let began = Instant::now();
    app.fit_people().await.unwrap();
    println!("fit of the shop's figures, people gone through: {:?}", began.elapsed());
    let began = Instant::now();
    app.count_segments().await;
    println!("sizes of the built-in segments: {:?}", began.elapsed());
    println!("a profile, p50 and p99: {:?}", profiles(&app, &users).await);
    let admin = Caller::local_admin();
    for n in 0..1_000 {
        let filter = format!(
            "orders >= {} AND days_since_order > {} AND affinity.category = 'Kind {n}' OR spend < {}",
            n % 50,
            n % 30,
            n % 10
        );
        let segment = Segment::new(&format!("bench-{n}"), "", &filter).unwrap();
        app.put_segment(segment, SegmentPrecondition::Any, &admin).await.unwrap();
    }
    println!("the same with 1,000 segments more: {:?}", profiles(&app, &users).await);
}
