//! A whole shop from one seed: virtual clock, seeded shoppers, the real application on real storage,
//! crashes, restarts and forgetting at any step; and beside it a model in plain maps that must agree.
//!
//! The log lies on a simulated disk whose power cuts lose what was not synced. Not here: the HTTP server
//! and the process boundary (`souk_sim::crash` kills the real program).
//!
//! Fixed seeds gate; `SOUK_SIM_SEED` replays one, `SOUK_SIM_SEEDS` lives through more.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod acts;
mod audit;
mod keys;
mod messages;
mod model;
mod questions;
mod shop;
mod stock;
mod world;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result};
use souk_sim::Random;

use acts::Acts;
use model::Model;
use shop::SimShop;
use world::World;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// 2026-03-01T00:00:00Z.
const START_MS: i64 = 1_772_323_200_000;

/// A site of the simulated company.
struct SitePlan {
    id: &'static str,
    currency: &'static str,
    offset_minutes: i64,
}

const SITES: [SitePlan; 2] = [
    SitePlan { id: "main", currency: "USD", offset_minutes: 0 },
    SitePlan { id: "nord", currency: "EUR", offset_minutes: 120 },
];

/// A shop or warehouse of the simulated company.
struct PlacePlan {
    id: &'static str,
    site: usize,
    /// Whether the settings name it; else it follows its site.
    is_configured: bool,
    offset_minutes: i64,
    cut_minutes: i64,
}

const PLACES: [PlacePlan; 4] = [
    PlacePlan { id: "north", site: 0, is_configured: true, offset_minutes: -300, cut_minutes: 120 },
    PlacePlan { id: "harbour", site: 0, is_configured: false, offset_minutes: 0, cut_minutes: 0 },
    PlacePlan { id: "oslo", site: 1, is_configured: true, offset_minutes: 60, cut_minutes: 0 },
    PlacePlan { id: "depot", site: 1, is_configured: false, offset_minutes: 120, cut_minutes: 0 },
];

/// What to simulate.
#[derive(Clone, Copy, Debug)]
struct SimPlan {
    /// Everything random follows from it.
    seed: u64,
    /// Acts; the clock moves on about two hours with each.
    acts: u32,
}

/// What was simulated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct SimReport {
    /// Acts.
    acts: u32,
    /// Messages that were acknowledged as new.
    messages: u64,
    /// Messages that were acknowledged as known.
    duplicates: u64,
    /// Starts after an orderly end.
    restarts: u32,
    /// Starts after a crash.
    crashes: u32,
    /// People forgotten.
    forgotten: u32,
    /// Times that the whole state was compared with the model and with a rebuild.
    audits: u32,
    /// Recommended products that were checked.
    recommended: u64,
    /// The state at the end, by [`souk_app::Views::fingerprint`].
    fingerprint: String,
}

/// Lives through `plan` in `folder`, which must be empty.
///
/// # Errors
///
/// At the first thing that is not as it should be; the message names the seed and the act.
fn run(plan: SimPlan, folder: &Path) -> Result<SimReport> {
    let mut random = Random::new(plan.seed);
    let shop = SimShop::new(folder, random.bits(), START_MS).context("open")?;
    let world = World::new(Random::new(random.bits()));
    let mut acts = Acts::new(shop, world, Model::default());
    acts.stock_the_shelves().context("the first catalogue")?;
    for act in 1..=plan.acts {
        let seed = plan.seed;
        acts.act().with_context(|| format!("replay with SOUK_SIM_SEED={seed}; act {act}"))?;
    }
    acts.finish().with_context(|| format!("replay with SOUK_SIM_SEED={}; the end", plan.seed))?;
    let mut report = acts.report;
    report.acts = plan.acts;
    Ok(report)
}

/// Acts of one life: about a month.
const ACTS: u32 = 350;
const SEEDS: u64 = 20;

/// Memory instead of a disk, where the system has such a folder: nothing here depends on syncs.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { PathBuf::from(memory) } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("souk-sim-").tempdir_in(parent).unwrap()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

fn live(seed: u64, acts: u32) -> SimReport {
    let folder = scratch();
    match run(SimPlan { seed, acts }, folder.path()) {
        Ok(report) => report,
        Err(error) => panic!("{error:#}"),
    }
}

/// Lives through seeds on two threads and adds the reports up.
fn live_all(seeds: Vec<u64>, acts: u32) -> SimReport {
    let (queue, sum) = (Mutex::new(seeds), Mutex::new(SimReport::default()));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(seed) = { queue.lock().unwrap().pop() } {
                    let report = live(seed, acts);
                    let mut sum = sum.lock().unwrap();
                    sum.acts += report.acts;
                    sum.messages += report.messages;
                    sum.duplicates += report.duplicates;
                    sum.restarts += report.restarts;
                    sum.crashes += report.crashes;
                    sum.forgotten += report.forgotten;
                    sum.audits += report.audits;
                    sum.recommended += report.recommended;
                }
            });
        }
    });
    sum.into_inner().unwrap()
}

#[test]
fn every_fixed_seed_agrees_with_the_model() {
    let (seeds, acts) = match (number("SOUK_SIM_SEED"), number("SOUK_SIM_SEEDS")) {
        (Some(seed), _) => (vec![seed], ACTS),
        (None, Some(count)) => ((0..count).collect(), 2 * ACTS),
        (None, None) => ((0..SEEDS).collect(), ACTS),
    };
    let is_alone = seeds.len() == 1;
    let report = live_all(seeds, acts);
    println!("{report:?}");
    // A simulation in which nothing happens agrees with everything.
    assert!(report.messages > 300 && report.audits > 0, "{report:?}");
    if !is_alone {
        assert!(
            report.recommended > 100 && report.forgotten > 0 && report.crashes > 0,
            "{report:?}"
        );
    }
}

#[test]
fn a_seed_replays_to_the_last_bit() {
    assert_eq!(live(7, 120), live(7, 120));
}
