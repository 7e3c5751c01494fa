//! *Simulation*: fixed seeds gate; `SOUK_SIM_SEED` replays one, `SOUK_SIM_SEEDS` lives through more.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use souk_sim::simulation::{SimPlan, SimReport, run};

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
