use std::collections::BTreeSet;

use serde_json::Value;

use super::{checksums, document, host, list, spdx, text};

fn bom() -> Value {
    document(&crate::root(), &host().unwrap()).unwrap()
}

/// What the CycloneDX 1.6 schema asks of the parts that are written here.
#[test]
fn the_document_keeps_to_the_schema() {
    let bom = bom();
    assert_eq!((&bom["bomFormat"], &bom["specVersion"]), (&"CycloneDX".into(), &"1.6".into()));
    let mut refs = BTreeSet::from([text(&bom["metadata"]["component"]["bom-ref"])]);
    for component in list(&bom["components"]) {
        for field in ["type", "bom-ref", "name", "version", "scope", "purl"] {
            assert!(!text(&component[field]).is_empty(), "{field} of {component}");
        }
        assert!(refs.insert(text(&component["bom-ref"])), "{component} is there twice");
        let licence = &component["licenses"][0];
        let said = text(&licence["expression"]).len() + text(&licence["license"]["id"]).len();
        assert!(said > 2 && !text(&licence["expression"]).contains('/'), "{component}");
        for hash in list(&component["hashes"]) {
            let sum = text(&hash["content"]);
            assert!(sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit()), "{component}");
        }
    }
    let nodes: Vec<&str> = list(&bom["dependencies"]).map(|node| text(&node["ref"])).collect();
    assert_eq!(nodes.iter().copied().collect::<BTreeSet<_>>(), refs, "each part, and no other");
    assert_eq!(nodes.len(), refs.len());
    for node in list(&bom["dependencies"]) {
        for needed in list(&node["dependsOn"]) {
            assert!(refs.contains(text(needed)), "{node} needs what is not listed");
        }
    }
}

#[test]
fn what_is_shipped_and_what_only_builds_are_told_apart() {
    let bom = bom();
    let scope = |name: &str| {
        list(&bom["components"]).find(|part| part["name"] == name).map(|part| text(&part["scope"]))
    };
    assert_eq!(scope("rustls"), Some("required"));
    assert_eq!(scope("souk-core"), Some("required"));
    assert_eq!(scope("serde_derive"), Some("excluded"));
    assert_eq!(scope("cc"), Some("excluded"));
    // For tests alone, so no part at all.
    assert_eq!(scope("criterion"), None);
    let sqlite = list(&bom["components"]).find(|part| part["name"] == "sqlite").unwrap();
    assert!(text(&sqlite["version"]).starts_with("3."), "{sqlite}");
    let unsigned: Vec<&str> = list(&bom["components"])
        .filter(|part| part["hashes"].is_null() && text(&part["purl"]).starts_with("pkg:cargo"))
        .map(|part| text(&part["name"]))
        .collect();
    assert!(unsigned.iter().all(|name| name.starts_with("souk")), "{unsigned:?} lack a checksum");
}

#[test]
fn the_same_lock_file_gives_the_same_bytes() {
    assert_eq!(bom().to_string(), bom().to_string());
}

#[test]
fn old_licences_and_the_lock_file_are_read() {
    assert_eq!(spdx("MIT/Apache-2.0"), "MIT OR Apache-2.0");
    assert_eq!(spdx("Apache-2.0 / MIT"), "Apache-2.0 OR MIT");
    let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"ff\"\n\n\
                [[package]]\nname = \"b\"\nversion = \"2.0.0\"\n";
    let sums = checksums(lock);
    assert_eq!(sums.len(), 1);
    assert_eq!(sums["a 1.0.0"], "ff");
}
