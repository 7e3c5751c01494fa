//! Who may use whom: a crate uses only floors below its own, and storage meets the application only
//! in the binary. ARCHITECTURE.md draws the picture.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

/// Each crate's floor. A crate that is missing here is a fault: a new crate is a decision.
const FLOORS: &[(&str, u8)] = &[
    ("souk-core", 0),
    ("souk-math", 0),
    ("souk-forecast", 1),
    ("souk-inventory", 1),
    ("souk-privacy", 1),
    ("souk-recommend", 1),
    ("souk-search", 1),
    ("souk-ports", 2),
    ("souk-embedded", 3),
    ("souk-meaning", 3),
    ("souk-app", 4),
    ("souk-server", 5),
    ("souk", 6),
];

/// Tests and chores: they may use anything, and nothing may use them but tests.
const BESIDE: &[&str] = &["souk-sim", "souk-sim-vfs", "xtask"];

/// Crates that only the doors may use.
const DOOR_ONLY: &[&str] = &["axum", "clap", "hyper", "hyper-util", "utoipa"];

pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .context("cargo metadata")?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let floors: BTreeMap<&str, u8> = FLOORS.iter().copied().collect();
    let mut faults = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        if BESIDE.contains(&name) {
            continue;
        }
        let Some(&floor) = floors.get(name) else {
            faults.push(format!("crate {name} has no floor; give it one in xtask/src/floors.rs"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if dependency["kind"].is_null() {
                let used = dependency["name"].as_str().unwrap_or_default();
                faults.extend(judge((name, floor), used, &floors));
            }
        }
    }
    Ok(faults)
}

fn judge((name, floor): (&str, u8), used: &str, floors: &BTreeMap<&str, u8>) -> Option<String> {
    // The generated demo shop is the same that the tests live in.
    if BESIDE.contains(&used) && (name, used) != ("souk", "souk-sim") {
        return Some(format!("{name} uses {used}, which is for tests alone"));
    }
    if DOOR_ONLY.contains(&used) && floor < 5 {
        return Some(format!("{name} uses {used}, which belongs to the doors"));
    }
    let below = *floors.get(used)?;
    if below >= floor {
        return Some(format!("{name} (floor {floor}) uses {used} (floor {below})"));
    }
    // The application sees storage only through the ports.
    (matches!(floor, 4 | 5) && below == 3)
        .then(|| format!("{name} uses {used}; adapters meet the application only in the binary"))
}
