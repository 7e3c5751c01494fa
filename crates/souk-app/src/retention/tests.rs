#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use souk_core::{Event, SubjectId};
use souk_embedded::{Embedded, EmbeddedOptions, open};
use souk_ports::{Cursor, Position};
use tempfile::TempDir;

use super::*;
use crate::sealing::open_all;
use crate::test_shop::{caller, files, noon, parts_of};
use crate::{Clock, Config, IngestCall, IngestRequest, Role};

const TERMS: &str = "
privacy:
  default_jurisdiction: us
  retention: {share_max: 1.0, browsing_days: 30, searches_days: 10, orders_days: 90, shown_days: 20,
    traits_days: 60, links_days: 60, consents_days: 60, requests_days: 40}
";

/// A shop whose storage can be looked at from outside, closed and opened again.
struct Desk {
    app: Arc<App>,
    stored: Arc<Embedded>,
    folder: TempDir,
    hand: &'static AtomicI64,
    settings: &'static str,
    n_sent: u64,
}

type Held = Vec<(Position, SubjectId, Event)>;

impl Desk {
    async fn open(settings: &'static str) -> Desk {
        let hand: &'static AtomicI64 = Box::leak(Box::new(AtomicI64::new(noon().as_ms())));
        Desk::open_in(TempDir::new().unwrap(), hand, settings).await
    }

    async fn open_in(folder: TempDir, hand: &'static AtomicI64, settings: &'static str) -> Desk {
        let data = folder.path().join("data");
        let stored = Arc::new(open(&data, &EmbeddedOptions::default()).unwrap());
        let mut config = Config::parse(settings, []).unwrap();
        config.snapshots.after_erasure_s = 0;
        let app = App::open(parts_of(&stored), config, Clock::by_hand(hand)).await.unwrap();
        app.wait_ready().await.unwrap();
        let desk = Desk { app, stored, folder, hand, settings, n_sent: 0 };
        desk.wait_for_the_job().await;
        desk
    }

    /// The job runs at the start if its time has come; a test goes on once it has ended.
    async fn wait_for_the_job(&self) {
        let now = self.app.clock().now();
        let ended = async {
            loop {
                let state = self.app.retention_state(&caller(Role::Privacy)).await.unwrap();
                let is_over = |at| at > now && !state.is_running;
                if state.next_at.is_none_or(is_over) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), ended).await.unwrap();
    }

    async fn reopen(self) -> Desk {
        let Desk { app, stored, folder, hand, settings, n_sent } = self;
        app.close().await.unwrap();
        let weak = Arc::downgrade(&app);
        drop(app);
        while weak.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
        drop(stored);
        let desk = Desk::open_in(folder, hand, settings).await;
        Desk { n_sent, ..desk }
    }

    fn pass_days(&self, days: i64) {
        self.hand.fetch_add(days * DAY_MS, Ordering::SeqCst);
    }

    /// Sends a message that happened some days ago.
    async fn send(&mut self, mut message: Value, days_ago: i64) {
        self.n_sent += 1;
        let at = self.app.clock().now().plus_ms(-days_ago * DAY_MS);
        message["messageId"] = format!("m{}", self.n_sent).into();
        message["timestamp"] = at.to_string().into();
        let body = json!({"batch": [message]}).to_string();
        let caller = caller(Role::IngestServer);
        let (call, body) = (IngestCall::Batch, body.as_bytes());
        let request = IngestRequest::new(call, body, &caller);
        let answer = self.app.ingest(request).await.unwrap();
        assert!(answer.rejected.is_empty(), "{:?}", answer.rejected);
        let end = self.app.parts.log.end().await.unwrap();
        self.app.wait_for(&end).await.unwrap();
    }

    async fn run(&self, mode: RetentionMode) -> RetentionRun {
        self.app.run_retention(&caller(Role::Privacy), mode).await.unwrap()
    }

    /// Every personal record that can be read.
    async fn held(&self) -> Held {
        let records = self.app.parts.log.read(&Cursor::START, 10_000).await.unwrap();
        let opened = open_all(&*self.app.parts.keys, records).await.unwrap();
        opened
            .into_iter()
            .filter_map(|one| {
                let event = one.event?;
                PersonalKind::of(&event.fact)?;
                Some((one.position, one.subject?, event))
            })
            .collect()
    }

    async fn assert_views_are_those_of_a_rebuild(&self) {
        let check = self.app.check_views().await.unwrap();
        assert!(check.differing.is_empty(), "{:?}", check.differing);
    }

    async fn last(&self) -> Option<RetentionRun> {
        self.app.retention_state(&caller(Role::Privacy)).await.unwrap().last
    }
}

fn view(user: &str, product: u64) -> Value {
    json!({"type": "track", "userId": user, "event": "Product Viewed",
        "properties": {"product_id": format!("p{product}")}})
}

fn order(user: &str, number: u64) -> Value {
    json!({"type": "track", "userId": user, "event": "Order Completed", "properties": {
        "order_id": format!("o{number}"), "products": [
            {"product_id": "p1", "quantity": 1, "price": 3.5},
            {"product_id": format!("p{}", number % 5), "quantity": 2, "price": 1}]}})
}

fn search(user: &str, words: &str) -> Value {
    json!({"type": "track", "userId": user, "event": "Products Searched",
        "properties": {"query": words}})
}

fn identify(user: &str, browser: &str) -> Value {
    json!({"type": "identify", "userId": user, "anonymousId": browser, "traits": {"plan": "a"}})
}

fn consent(user: &str, marketing: &str) -> Value {
    let said = json!({"categoryPreferences": {"Marketing": marketing == "yes"}});
    json!({"type": "track", "userId": user, "event": "Seen", "context": {"consent": said}})
}

/// The same rules, slowly: which records stay.
fn model(held: &Held, terms: &Terms, received_at: impl Fn(Position) -> Timestamp) -> Held {
    let is_over = |(at, _, event): &(Position, SubjectId, Event)| {
        let kind = PersonalKind::of(&event.fact).unwrap();
        terms.is_over((kind, &event.fact), event.at.min(received_at(*at)))
    };
    let is_link =
        |event: &Event| matches!(&event.fact, Fact::Linked { .. } | Fact::Unlinked { .. });
    let is_bound = |event: &Event| match &event.fact {
        Fact::Consent(change) => change.denied.is_empty(),
        _ => is_link(event),
    };
    let is_no =
        |event: &Event| matches!(&event.fact, Fact::Consent(said) if !said.denied.is_empty());
    // Whoever has something, and everybody they were ever linked with, step by step.
    let mut alive: Vec<SubjectId> = held
        .iter()
        .filter(|one| is_no(&one.2) || (!is_link(&one.2) && !is_over(one)))
        .map(|one| one.1)
        .collect();
    loop {
        let mut more = Vec::new();
        for (_, subject, event) in held {
            let (Fact::Linked { other, .. } | Fact::Unlinked { other, .. }) = &event.fact else {
                continue;
            };
            for (one, its_other) in [(subject, other), (other, subject)] {
                if alive.contains(one) && !alive.contains(its_other) {
                    more.push(*its_other);
                }
            }
        }
        if more.is_empty() {
            break;
        }
        alive.extend(more);
    }
    let stays = |one: &&(Position, SubjectId, Event)| {
        !is_over(one) || is_no(&one.2) || (is_bound(&one.2) && alive.contains(&one.1))
    };
    held.iter().filter(stays).cloned().collect()
}

async fn check_against_the_model(desk: &Desk) {
    let before = desk.held().await;
    let records = desk.app.parts.log.read(&Cursor::START, 10_000).await.unwrap();
    let received_at = |position: Position| {
        records.iter().find(|one| one.position == position).unwrap().record.received_at
    };
    let terms = Terms::of(&desk.app.config.privacy.retention, desk.app.clock().now());
    let wanted = model(&before, &terms, received_at);
    let sold = desk.app.with_views(|views| views.sales.n_orders());
    let run = desk.run(RetentionMode::Enforce).await;
    assert_eq!(run.n_due(), (before.len() - wanted.len()) as u64);
    assert_eq!(desk.held().await, wanted);
    assert_eq!(desk.app.with_views(|views| views.sales.n_orders()), sold, "sales name nobody");
    desk.assert_views_are_those_of_a_rebuild().await;
}

/// Any order of acts, days and runs leaves what a slow model of the rules says, and views that equal a
/// rebuild from it, also after the program was started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_interleaving_equals_a_model() {
    // The job would run beside the test whenever a day has passed and a minute gone by.
    let rarely = TERMS.replace("share_max", "every_hours: 8760, share_max");
    let rarely: &'static str = Box::leak(rarely.into_boxed_str());
    for seed in 1..=5_u64 {
        println!("seed {seed}");
        let mut desk = Desk::open(rarely).await;
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut draw = |n: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % n
        };
        for step in 0..60 {
            let user = format!("u{}", draw(4));
            let days_ago = if draw(3) == 0 { i64::try_from(draw(120)).unwrap() } else { 0 };
            match draw(12) {
                0..=2 => desk.send(view(&user, draw(5)), days_ago).await,
                3 => desk.send(order(&user, step), days_ago).await,
                4 => desk.send(search(&user, "red hat"), days_ago).await,
                5 => desk.send(identify(&user, &format!("b{}", draw(3))), days_ago).await,
                6 => desk.send(consent(&user, ["yes", "no"][draw(2) as usize]), days_ago).await,
                7 | 8 => desk.pass_days(i64::try_from(draw(40)).unwrap()),
                9 => desk = desk.reopen().await,
                _ => check_against_the_model(&desk).await,
            }
        }
        check_against_the_model(&desk).await;
        desk.pass_days(400);
        check_against_the_model(&desk).await;
    }
}

fn places_of(folder: &Path, part: &[u8]) -> usize {
    let holds = |bytes: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    files(folder).iter().filter(|(_, bytes)| holds(bytes)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_over_is_in_no_file() {
    let mut desk = Desk::open(TERMS).await;
    desk.send(search("anna", "canary words"), 0).await;
    desk.send(view("anna", 3), 0).await;
    desk.app.snapshot_now().await.unwrap();
    let records = desk.app.parts.log.read(&Cursor::START, 10).await.unwrap();
    let sealed: Vec<Vec<u8>> = records.iter().map(|one| one.record.body.clone()).collect();
    let data = desk.folder.path().join("data");
    assert!(sealed.iter().all(|body| places_of(&data, body) > 0), "the scan sees nothing");
    desk.pass_days(11);
    desk.send(view("bob", 1), 0).await;
    let run = desk.run(RetentionMode::Enforce).await;
    let due: Vec<_> = run.kinds.iter().filter(|count| count.due > 0).collect();
    assert_eq!((due.len(), due[0].kind, due[0].due), (1, PersonalKind::Searches, 1));
    assert_eq!(places_of(&data, &sealed[0]), 0, "the search is still in a file");
    assert!(places_of(&data, &sealed[1]) > 0, "the view was not yet over");
    let desk = desk.reopen().await;
    desk.assert_views_are_those_of_a_rebuild().await;
    assert_eq!(desk.held().await.len(), 2);
    let entries = desk.app.parts.log.read(&Cursor::START, 10).await.unwrap();
    assert_eq!(entries.len(), 3, "places stay");
    assert_eq!(entries[0].record.event_id, records[0].record.event_id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_brake_holds_and_a_dry_run_only_counts() {
    let settings = "privacy: {retention: {share_max: 0.5, searches_days: 10}}";
    let mut desk = Desk::open(settings).await;
    for n in 0..4 {
        desk.send(search("anna", &format!("hat {n}")), 20).await;
    }
    desk.send(view("anna", 1), 20).await;
    // The job may have run once already, on a shop without a record.
    let last = desk.last().await.map(|run| run.at);
    let dry = desk.run(RetentionMode::DryRun).await;
    assert_eq!((dry.outcome, dry.n_due()), (RetentionOutcome::DryRun, 4));
    assert_eq!(desk.last().await.map(|run| run.at), last);
    let stopped = desk.run(RetentionMode::Enforce).await;
    assert_eq!(stopped.outcome, RetentionOutcome::Stopped);
    assert_eq!(desk.held().await.len(), 5, "the brake did not hold");
    assert_eq!(desk.last().await, Some(stopped));
    let done = desk.run(RetentionMode::Confirmed).await;
    assert_eq!((done.outcome, done.n_due()), (RetentionOutcome::Done, 4));
    assert_eq!(desk.held().await.len(), 1);
    let state = desk.app.retention_state(&caller(Role::Privacy)).await.unwrap();
    let next = state.last.unwrap().at.plus_ms(24 * HOUR_MS);
    assert_eq!((state.next_at, state.is_running), (Some(next), false));
    for role in Role::ALL {
        let asked = desk.app.run_retention(&caller(role), RetentionMode::DryRun).await;
        assert_eq!(asked.is_ok(), matches!(role, Role::Privacy | Role::Admin), "{}", role.as_str());
    }
}

/// A slip in the term of a rare kind: hardly anything of all, and everything of one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_brake_looks_at_each_kind() {
    let mut desk = Desk::open("privacy: {retention: {share_max: 0.5, orders_days: 7}}").await;
    for n in 0..SMALL_KIND {
        desk.send(order("anna", n), 20).await;
        desk.send(view("bob", n), 20).await;
        desk.send(view("eve", n), 20).await;
    }
    let stopped = desk.run(RetentionMode::Enforce).await;
    assert_eq!((stopped.outcome, stopped.n_due()), (RetentionOutcome::Stopped, SMALL_KIND));
    assert_eq!(desk.held().await.len() as u64, 3 * SMALL_KIND);
}

/// What was confirmed once goes on without another word after a crash.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirmed_run_stays_confirmed() {
    let mut desk = Desk::open("privacy: {retention: {share_max: 0.1, searches_days: 10}}").await;
    for n in 0..4 {
        desk.send(search("anna", &format!("hat {n}")), 20).await;
    }
    assert_eq!(desk.run(RetentionMode::Enforce).await.outcome, RetentionOutcome::Stopped);
    state::begin(&desk.app.parts, (true, desk.app.clock().now())).await.unwrap();
    let done = desk.run(RetentionMode::Enforce).await;
    assert_eq!((done.outcome, desk.held().await.len()), (RetentionOutcome::Done, 0));
    // The next run is another one.
    for n in 0..4 {
        desk.send(search("anna", &format!("scarf {n}")), 20).await;
    }
    assert_eq!(desk.run(RetentionMode::Enforce).await.outcome, RetentionOutcome::Stopped);
}

/// The worst moment: records are emptied, the old views were saved since, and the program ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_broken_off_goes_on() {
    let mut desk = Desk::open(TERMS).await;
    for n in 0..6 {
        desk.send(view("anna", n), 40).await;
        desk.send(view("bob", n), 0).await;
    }
    let now = desk.app.clock().now();
    state::begin(&desk.app.parts, (false, now)).await.unwrap();
    let doomed: Vec<Position> =
        desk.held().await.iter().filter(|one| one.2.at < now).map(|one| one.0).take(3).collect();
    assert_eq!(desk.app.parts.log.strip(&doomed).await.unwrap(), 3);
    desk.send(view("bob", 9), 0).await;
    desk.app.snapshot_now().await.unwrap();
    // Without terms the next run removes nothing: what is seen is what the start did.
    let desk = Desk { settings: "privacy: {default_jurisdiction: us}", ..desk }.reopen().await;
    desk.assert_views_are_those_of_a_rebuild().await;
    let ended = async {
        while desk.app.retention_state(&caller(Role::Privacy)).await.unwrap().is_running {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended).await.unwrap();
    let desk = Desk { settings: TERMS, ..desk }.reopen().await;
    desk.run(RetentionMode::Enforce).await;
    assert!(desk.held().await.iter().all(|one| one.2.at >= now), "the run did not go on");
    desk.assert_views_are_those_of_a_rebuild().await;
}

/// A person who comes back between the look at the log and its emptying keeps links and consents: a later
/// erasure must find every part of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_meanwhile_keeps_what_protects_them() {
    let mut desk = Desk::open(TERMS).await;
    for (user, browser) in [("anna", "b1"), ("ben", "b2")] {
        desk.send(identify(user, browser), 0).await;
        desk.send(consent(user, "yes"), 0).await;
    }
    desk.pass_days(100);
    let terms = Terms::of(&desk.app.config.privacy.retention, desk.app.clock().now());
    let parts = &desk.app.parts.clone();
    let mut unhurried = Plan::make(parts, &terms).await.unwrap();
    let mut plan = Plan::make(parts, &terms).await.unwrap();
    let all = unhurried.next_bound(parts, &terms).await.unwrap().unwrap();
    // The browser of one of them is back, before anything is emptied.
    let back = json!({"type": "track", "anonymousId": "b1", "event": "Product Viewed",
        "properties": {"product_id": "p1"}});
    desk.send(back, 0).await;
    let free = plan.next_bound(parts, &terms).await.unwrap().unwrap();
    assert_eq!((all.len(), free.len()), (4, 2), "a link and a yes each");
    assert!(plan.next_bound(parts, &terms).await.unwrap().is_none());
    let run = desk.run(RetentionMode::Enforce).await;
    assert_eq!(run.outcome, RetentionOutcome::Done);
    let links =
        desk.held().await.into_iter().filter(|one| matches!(one.2.fact, Fact::Linked { .. }));
    assert_eq!(links.count(), 1);
    desk.assert_views_are_those_of_a_rebuild().await;
}
