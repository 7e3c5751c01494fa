use std::collections::BTreeMap;

use super::*;
use crate::pii::{Detector, Reading};

const TEXT: &str = "write to jane@example.org or call +49 30 1234567, thanks";

fn with(policy: Policy, seal: Seal<'_>) -> Option<String> {
    let policies = Policies { otherwise: policy, kinds: BTreeMap::new() };
    let entities = Detector::builtin().detect(TEXT, Reading::Terse);
    redact(TEXT, &entities, (&policies, &HashKey::new([7; 32])), seal)
}

fn no_key(_: EntityKind, _: &str) -> Option<String> {
    None
}

#[test]
fn each_policy_leaves_no_data() {
    assert_eq!(with(Policy::Keep, &mut no_key), None);
    assert_eq!(with(Policy::Drop, &mut no_key).unwrap(), "write to or call , thanks");
    assert_eq!(
        with(Policy::Mask, &mut no_key).unwrap(),
        "write to [EMAIL] or call [PHONE], thanks"
    );
    let hashed = with(Policy::Hash, &mut no_key).unwrap();
    assert!(hashed.starts_with("write to [EMAIL:") && !hashed.contains("jane"), "{hashed}");
    assert_eq!(with(Policy::Tokenise, &mut no_key), with(Policy::Mask, &mut no_key));
}

#[test]
fn hashes_join_equal_data_under_one_key_alone() {
    let (one, other) = (HashKey::new([1; 32]), HashKey::new([2; 32]));
    let of = |key: &HashKey, kind, data| key.hash(kind, data);
    assert_eq!(
        of(&one, EntityKind::Email, "Jane@Example.org"),
        of(&one, EntityKind::Email, "jane@example.org")
    );
    assert_ne!(
        of(&one, EntityKind::Email, "jane@example.org"),
        of(&other, EntityKind::Email, "jane@example.org")
    );
    assert_ne!(of(&one, EntityKind::Email, "1"), of(&one, EntityKind::Phone, "1"));
}

#[test]
fn kinds_have_policies_of_their_own() {
    let kinds = BTreeMap::from([(EntityKind::Phone, Policy::Keep)]);
    let policies = Policies { otherwise: Policy::Mask, kinds };
    let entities = Detector::builtin().detect(TEXT, Reading::Terse);
    let out = redact(TEXT, &entities, (&policies, &HashKey::new([7; 32])), &mut no_key).unwrap();
    assert_eq!(out, "write to [EMAIL] or call +49 30 1234567, thanks");
}

#[test]
fn tokens_open_with_their_key_alone() {
    let key = TokenKey::new([3; 32]);
    let mut nonce = 0u8;
    let mut seal = |kind, data: &str| {
        nonce += 1;
        Some(key.seal(kind, data, [nonce; 12]))
    };
    let hidden = with(Policy::Tokenise, &mut seal).unwrap();
    assert!(!hidden.contains("jane") && !hidden.contains("1234567"), "{hidden}");
    assert_eq!(reveal(&hidden, &mut |kind, token| key.open(kind, token).ok()), TEXT);
    let other = TokenKey::new([4; 32]);
    assert_eq!(reveal(&hidden, &mut |kind, token| other.open(kind, token).ok()), hidden);
    let token = key.seal(EntityKind::Email, "jane@example.org", [9; 12]);
    assert_eq!(key.open(EntityKind::Phone, &token), Err(TokenError), "the kind is bound");
    for place in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(key.open(EntityKind::Email, &changed).is_err() || changed == token, "byte {place}");
    }
}

#[test]
fn brackets_that_are_no_tokens_stay() {
    let text = "a [b] [EMAIL] [EMAIL:tok_] [EMAIL:tok_x] [";
    assert_eq!(reveal(text, &mut |_, _| None), text);
}
