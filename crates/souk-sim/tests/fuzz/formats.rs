//! Texts and bytes that are read in memory.

use std::path::Path;

use serde_json::{Value, json};
use souk_app::{Config, Receipt, SignedTreeHead, TreeHash, check_receipt};
use souk_core::wire::json::{patch_from_json, product_from_json};
use souk_core::wire::{decode_event, decode_product, encode_event, encode_product};
use souk_core::{Currency, EventId, Filter, SiteId, SubjectId, Timestamp};
use souk_privacy::audit::{AuditEntry, HeadSigner, TreeHead, check_consistency, check_inclusion};
use souk_privacy::pii::tagger::{
    Example, MarkedSpan, SpanClass, TaggerModel, TrainSettings, train,
};
use souk_privacy::pii::{Detector, Reading};
use souk_privacy::receipt::ReceiptKey;
use souk_privacy::seal::{BodyContext, SecretKey, open_blob, open_body, seal_blob, seal_body};
use souk_recommend::next_basket::{Basket, BasketVectors};
use souk_recommend::visits::{VisitEvent, VisitId, VisitIndex};
use souk_recommend::windows::Windows;
use souk_recommend::{Item, Shopper};

use crate::Target;

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
fn filter() {
    let seeds = texts(&[
        "brand = 'Acme' and price < 20",
        "not (category in ['a', 'b'] or available = true) and price >= 1.5",
        "title = \"it's\" or id != 'x\\'y'",
        "((((((((brand = 'a'))))))))",
    ]);
    Target { name: "filter", inputs: 20_000, seeds }.run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return };
        let _ = Filter::parse(text);
    });
}

fn product() -> Value {
    json!({
        "id": "p1", "title": "A tea", "brand": "Acme", "price": {"amount": 1250, "currency": "EUR"},
        "categories": ["Food > Tea"], "availability": "in_stock", "image_urls": ["https://x/y.jpg"],
        "attributes": {"colour": "green", "weight": 5.5}, "variants": [{"id": "v1", "title": "L"}],
        "translations": {"de": {"title": "Ein Tee"}}
    })
}

#[test]
fn product_json() {
    let seeds = texts(&[&product().to_string(), "{\"id\":\"a\",\"title\":\"b\"}"]);
    let site = SiteId::main();
    Target { name: "product_json", inputs: 5_000, seeds }.run(|input| {
        let Ok(value) = serde_json::from_slice::<Value>(input) else { return };
        if let Ok(product) = product_from_json(&value, &site, Currency::USD) {
            // What was read must survive being stored.
            assert_eq!(decode_product(&encode_product(&product)), Ok(product));
        }
        let _ = patch_from_json(&value, Some(Currency::USD));
    });
}

/// The frozen events, as the log holds them.
fn frozen_events() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/wire/v1");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "hex"));
    paths.sort();
    let read = |path| {
        let digits: Vec<u8> = std::fs::read_to_string(path).unwrap().bytes().collect();
        let digits: Vec<u8> = digits.into_iter().filter(u8::is_ascii_hexdigit).collect();
        let byte =
            |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    };
    paths.iter().map(read).collect()
}

#[test]
fn event_record() {
    Target { name: "event_record", inputs: 20_000, seeds: frozen_events() }.run(|input| {
        if let Ok(event) = decode_event(input) {
            // By their bytes: a number that is none equals nothing.
            let written = encode_event(&event);
            assert_eq!(encode_event(&decode_event(&written).unwrap()), written);
        }
    });
}

#[test]
fn product_record() {
    let product = product_from_json(&product(), &SiteId::main(), Currency::USD).unwrap();
    let minimal = json!({"id": "a", "title": "b"});
    let minimal = product_from_json(&minimal, &SiteId::main(), Currency::USD).unwrap();
    let seeds = vec![encode_product(&minimal), encode_product(&product)];
    Target { name: "product_record", inputs: 20_000, seeds }.run(|input| {
        let _ = decode_product(input);
    });
}

/// Snapshots of the recommenders, as they are met. Behind a right checksum they trust the sizes that
/// they wrote themselves, so that is not put right after a mutation.
#[test]
fn snapshot() {
    let mut visits = VisitIndex::new(souk_recommend::visits::VisitLimits::default());
    let mut baskets = BasketVectors::default();
    for n in 0..60u32 {
        let (shopper, item, time) = (Shopper(n % 7), Item(n % 11), i64::from(n) * 60_000);
        let visit = VisitId(u64::from(n % 9));
        visits.push(VisitEvent { visit, shopper: Some(shopper), item, time });
        baskets.add_basket(shopper, Basket::new(u64::from(n), time, &[item, Item(3)]));
    }
    let seeds = vec![visits.encode(), baskets.encode(), Windows::default().encode()];
    Target { name: "snapshot", inputs: 20_000, seeds }.run(|input| {
        let _ = VisitIndex::decode(input);
        let _ = BasketVectors::decode(input);
        let _ = Windows::decode(input);
    });
}

#[test]
fn sealed() {
    let key = SecretKey::new([7; 32]);
    let context = BodyContext { subject: SubjectId([1; 16]), event_id: EventId([2; 16]) };
    let whole = seal_body(&key, context, [9; 12], b"what a shopper did");
    let blob = seal_blob(&key, "visits", [8; 12], b"a part of a snapshot");
    let seeds = vec![whole.clone(), blob.clone()];
    let mut out = Vec::new();
    Target { name: "sealed", inputs: 10_000, seeds }.run(|input| {
        let is_open = open_body(&key, context, input, &mut out).is_ok();
        assert_eq!(is_open, input == whole, "a changed body opens");
        assert_eq!(open_blob(&key, "visits", input).is_ok(), input == blob);
    });
}

#[test]
fn settings() {
    let yaml =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../souk.yaml")).unwrap();
    let small = b"server: {listen: 127.0.0.1:1}\nsites: [{id: a}]\nprivacy: &a {notices: []}\n";
    Target { name: "settings", inputs: 400, seeds: vec![yaml, small.to_vec()] }.run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return };
        if let Ok(config) = Config::parse(text, []) {
            let _ = (config.check(), config.print());
        }
    });
}

#[test]
fn receipt() {
    let key = ReceiptKey::from_seed(&SecretKey::new([5; 32]));
    let public = key.public().to_string();
    let statement = "{\"erased\":1}".to_owned();
    let signature = key.sign(&statement).to_string();
    let receipt = Receipt { statement, signature, public_key: public.clone() };
    let seeds = vec![receipt.to_json().to_string().into_bytes()];
    Target { name: "receipt", inputs: 20_000, seeds }.run(|input| {
        let Ok(value) = serde_json::from_slice::<Value>(input) else { return };
        if let Some(read) = Receipt::from_json(&value)
            && check_receipt(&read, &public).is_ok()
        {
            assert_eq!(read.statement, receipt.statement, "another statement is vouched for");
        }
    });
}

#[test]
fn audit_entry() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/audit/v1");
    let mut seeds = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        seeds.extend(bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
        seeds.push(bytes);
    }
    Target { name: "audit_entry", inputs: 10_000, seeds }.run(|input| {
        if let Ok(entry) = AuditEntry::from_bytes(input) {
            assert_eq!(AuditEntry::from_bytes(&entry.to_bytes().unwrap()), Ok(entry));
        }
    });
}

#[test]
fn audit_head() {
    let head = TreeHead {
        origin: "souk/test".to_owned(),
        size: 12,
        root: TreeHash::of_nothing(),
        at: Timestamp::from_ms(1_700_000_000_000).unwrap(),
    };
    let line = HeadSigner::new(&[4; 32]).sign(head).to_line();
    Target { name: "audit_head", inputs: 20_000, seeds: vec![line.clone().into_bytes()] }.run(
        |input| {
            let Ok(text) = std::str::from_utf8(input) else { return };
            if let Ok(read) = SignedTreeHead::from_line(text) {
                let _ = (read.check(), read.to_line());
            }
        },
    );
}

#[test]
fn audit_proof() {
    let seeds = vec![vec![1; 16 + 32 * 5], vec![0; 16], vec![0xff; 16 + 32 * 70]];
    Target { name: "audit_proof", inputs: 20_000, seeds }.run(|input| {
        let Some((numbers, hashes)) = input.split_at_checked(16) else { return };
        let number = |from| u64::from_le_bytes(numbers[from..from + 8].try_into().unwrap());
        let hash = |bytes: &[u8]| TreeHash::of_leaf(bytes);
        let proof: Vec<TreeHash> = hashes.chunks(32).map(hash).collect();
        let (one, other) = (TreeHash::of_leaf(b"a"), TreeHash::of_leaf(b"b"));
        assert!(check_inclusion((one, number(0)), (other, number(8)), &proof).is_err());
        let _ = check_consistency((one, number(0)), (other, number(8)), &proof);
    });
}

#[test]
fn pii() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/pii");
    let mut seeds = texts(&["my card 4111 1111 1111 1111, iban DE89370400440532013000, a@b.co"]);
    for name in ["de.txt", "es.txt", "fr.txt", "queries.txt"] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        seeds.extend(text.lines().take(60).map(|line| line.as_bytes().to_vec()));
    }
    let detector = Detector::builtin();
    Target { name: "pii", inputs: 300, seeds }.run(|input| {
        let text = String::from_utf8_lossy(input);
        for reading in [Reading::Prose, Reading::Terse] {
            for entity in detector.detect(&text, reading) {
                assert!(text.get(entity.begin..entity.end).is_some(), "{entity:?}");
            }
        }
    });
}

/// Weights of the tagger, as a file of one's own would hold them.
#[test]
fn tagger() {
    let example = Example {
        text: "Please call Ann Lee in Paris".to_owned(),
        spans: vec![MarkedSpan { class: SpanClass::Name, begin: 12, end: 19 }],
        forget_percent: 0,
        group: 0,
    };
    let settings = TrainSettings {
        passes: 2,
        seed: 1,
        groups_min: 1,
        margin: 1.0,
        margin_outside: 1.0,
        drop_percent: 0,
        outside_gain: 0.0,
    };
    let packed = train(&[example], settings).encode().unwrap();
    let builtin =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../souk-privacy/data/pii/tagger.bin.z");
    let seeds = vec![packed, std::fs::read(builtin).unwrap()];
    Target { name: "tagger", inputs: 300, seeds }.run(|input| {
        if let Ok(model) = TaggerModel::decode(input) {
            let detector = Detector::with_model(&model);
            let _ = detector.detect("Dear Mr. Lee, Rue de la Paix 5, 75002 Paris", Reading::Prose);
        }
    });
}
