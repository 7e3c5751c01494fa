//! A whole shop from one seed: virtual clock, seeded shoppers, the real application on real storage,
//! crashes, restarts and forgetting at any step; and beside it a model in plain maps that must agree.
//!
//! Not here: the HTTP server and the process boundary ([`crate::crash`] kills the real program), nor
//! lost writes (the storage adapters have a file layer of their own for that).

mod acts;
mod audit;
mod keys;
mod messages;
mod model;
mod questions;
mod shop;
mod stock;
mod world;

use std::path::Path;

use anyhow::{Context, Result};

use crate::Random;
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
pub struct SimPlan {
    /// Everything random follows from it.
    pub seed: u64,
    /// Acts; the clock moves on about two hours with each.
    pub acts: u32,
}

/// What was simulated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimReport {
    /// Acts.
    pub acts: u32,
    /// Messages that were acknowledged as new.
    pub messages: u64,
    /// Messages that were acknowledged as known.
    pub duplicates: u64,
    /// Starts after an orderly end.
    pub restarts: u32,
    /// Starts after a crash.
    pub crashes: u32,
    /// People forgotten.
    pub forgotten: u32,
    /// Times that the whole state was compared with the model and with a rebuild.
    pub audits: u32,
    /// Recommended products that were checked.
    pub recommended: u64,
    /// The state at the end, by [`souk_app::Views::fingerprint`].
    pub fingerprint: String,
}

/// Lives through `plan` in `folder`, which must be empty.
///
/// # Errors
///
/// At the first thing that is not as it should be; the message names the seed and the act.
pub fn run(plan: SimPlan, folder: &Path) -> Result<SimReport> {
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
