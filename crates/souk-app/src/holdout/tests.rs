#![allow(clippy::unwrap_used)]

use super::*;

fn settings(share: f64) -> HoldoutSettings {
    HoldoutSettings { share, ..HoldoutSettings::default() }
}

fn id(number: u32) -> IdHash {
    IdHash(xxhash_rust::xxh3::xxh3_128(&number.to_le_bytes()).to_le_bytes())
}

#[test]
fn the_draw_keeps_its_share_and_its_people() {
    let held = |settings: &HoldoutSettings| -> Vec<u32> {
        (0..20_000).filter(|n| draw(settings, id(*n)) == HoldoutArm::Holdout).collect()
    };
    let twentieth = held(&settings(0.05));
    // Four standard deviations of a binomial.
    assert!((877..=1_123).contains(&twentieth.len()), "{}", twentieth.len());
    // A larger share holds out the same people and more, another name others.
    let tenth = held(&settings(0.1));
    assert!(twentieth.iter().all(|n| tenth.contains(n)));
    let renamed = held(&HoldoutSettings { name: "holdout-2".to_owned(), ..settings(0.05) });
    let both = renamed.iter().filter(|n| twentieth.contains(n)).count();
    assert!((20..=90).contains(&both), "{both} of both draws; 50 are expected");
    assert!(held(&settings(0.0)).is_empty());
}

#[test]
fn another_share_is_another_measurement() {
    assert_eq!(settings(0.05).experiment(), "holdout-1/0.05");
    assert_ne!(settings(0.05).experiment(), settings(0.1).experiment());
}
