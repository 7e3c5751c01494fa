//! What the program wrote itself and reads again: fitted models, the search index, key files, the audit log.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use souk_app::verify_audit;
use souk_core::wire::json::product_from_json;
use souk_core::{Currency, SiteId};
use souk_embedded::{KeyFile, ReadOnlyTables};
use souk_ports::MasterKeySource;
use souk_recommend::Rests;
use souk_recommend::next_basket::BasketRanker;
use souk_recommend::trees::{Groups, Lesson, TreeParams, Trees};
use souk_search::{SearchIndex, SearchRequest, Settings};

use crate::Target;
use crate::files::busy_desk;

/// Bytes of the checksum that ends a model's artefact.
const CHECKSUM_BYTES: usize = 8;

/// A mutated artefact with a right checksum, so that what lies behind the checksum is met.
fn with_checksum(input: &[u8]) -> Vec<u8> {
    let body = &input[..input.len().saturating_sub(CHECKSUM_BYTES)];
    let checksum = xxhash_rust::xxh3::xxh3_64(body).to_le_bytes();
    [body, &checksum].concat()
}

fn some_trees() -> Trees {
    let mut groups = Groups::new(2);
    for n in 0..40_u32 {
        let first = f32::from(u8::try_from(n % 7).unwrap());
        groups.push(&[first, 1.0, 3.0 - first, 0.0], &[f32::from(n % 7 > 3), 1.0], &[0.0, 0.0]);
    }
    let names = &["one", "two"];
    let lesson = Lesson { names, groups: &groups, valid: None, threads: 1, rests: Rests::NONE };
    Trees::fit(&lesson, &TreeParams { n_trees: 5, ..TreeParams::default() })
}

/// A model that a stranger made may be any model, and never more than that.
#[test]
fn model() {
    let trees = some_trees();
    assert!(trees.n_trees() > 0, "a seed that has trees");
    let ranker = BasketRanker::default();
    let seeds = vec![trees.encode(), ranker.encode()];
    let mut scores = [0.0; 2];
    Target { name: "model", inputs: 20_000, seeds }.run(|input| {
        for input in [input.to_vec(), with_checksum(input)] {
            if let Ok(trees) = Trees::decode(&input) {
                let signals = vec![1.0; trees.n_signals() * scores.len()];
                trees.add_to(&signals, &mut scores);
            }
            let _ = BasketRanker::decode(&input);
        }
    });
}

#[test]
fn search_index() {
    let settings = Settings::default();
    let product = |n: u32| {
        let value = serde_json::json!({
            "id": format!("p{n}"), "title": format!("Green tea {n}"), "brand": "Acme",
            "price": {"amount": 100 * n, "currency": "USD"}, "categories": ["Food > Tea"],
            "attributes": {"colour": "green", "weight": n}
        });
        product_from_json(&value, &SiteId::main(), Currency::USD).unwrap()
    };
    let products: Vec<_> = (1..40).map(product).collect();
    let whole = SearchIndex::build(settings.clone(), &products, 1).to_bytes();
    assert!(SearchIndex::from_bytes(&whole, &settings).is_ok());
    Target { name: "search_index", inputs: 5_000, seeds: vec![whole] }.run(|input| {
        if let Ok(index) = SearchIndex::from_bytes(input, &settings) {
            let _ = index.search(&SearchRequest::new("green tee"));
        }
    });
}

/// Whatever a shopper types.
#[test]
fn search_query() {
    let product = serde_json::json!({"id": "p", "title": "Green tea 500 g", "brand": "Acme"});
    let product = product_from_json(&product, &SiteId::main(), Currency::USD).unwrap();
    let index = SearchIndex::build(Settings::default(), &[product], 1);
    let seeds =
        ["green tea under $20", "\"green tea\" -acme 500g", "grün tee 2x4 m²", "a b c d e f g"];
    let seeds = seeds.map(|text| text.as_bytes().to_vec()).to_vec();
    Target { name: "search_query", inputs: 5_000, seeds }.run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return };
        let _ = index.search(&SearchRequest::new(text));
    });
}

/// The file of the master key, as an owner edits it.
#[test]
fn key_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let mut text = "# The master key\nsouk-master-key-1 ".to_owned();
    (0..32).for_each(|byte| write!(text, "{byte:02x}").unwrap());
    let seeds = vec![format!("{text}\n").into_bytes(), format!("{text}\n{text}\n").into_bytes()];
    Target { name: "key_file", inputs: 3_000, seeds }.run(|input| {
        std::fs::write(&path, input).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let _ = KeyFile::at(&path).load();
    });
}

/// The whole store of the audit log: checking one that is damaged in any way ends with a finding or an error.
#[test]
fn audit_store() {
    let desk = busy_desk();
    desk.runtime.block_on(desk.app.close()).unwrap();
    let backup = desk.folder.path().join("backup");
    desk.runtime.block_on(desk.embedded.backup(&backup)).unwrap();
    let whole = std::fs::read(backup.join("tables.db")).unwrap();
    let room = desk.folder.path().join("room");
    std::fs::create_dir(&room).unwrap();
    let look = |path: &Path| {
        let tables = ReadOnlyTables::open(path).ok()?;
        desk.runtime.block_on(verify_audit(&tables, None, None)).ok()
    };
    let path = room.join("tables.db");
    std::fs::write(&path, &whole).unwrap();
    let check = look(&path).expect("an untouched store is read");
    assert_eq!(check.problems, []);
    assert!(check.entries > 0, "something was written down");
    Target { name: "audit_store", inputs: 150, seeds: vec![whole] }.run(|input| {
        for rest in ["tables.db-wal", "tables.db-shm"] {
            let _ = std::fs::remove_file(room.join(rest));
        }
        std::fs::write(&path, input).unwrap();
        let _ = look(&path);
    });
}
