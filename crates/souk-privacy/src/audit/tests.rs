#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use souk_core::Timestamp;

use super::*;

mod vectors;

/// The root by the definition of RFC 6962, section 2.1, word by word: MTH(D[n]).
fn naive_root(leaves: &[Vec<u8>]) -> TreeHash {
    match leaves {
        [] => TreeHash::of_nothing(),
        [leaf] => TreeHash::of_leaf(leaf),
        _ => {
            let k = leaves.len().next_power_of_two() / 2;
            TreeHash::of_node(naive_root(&leaves[..k]), naive_root(&leaves[k..]))
        }
    }
}

/// PATH(m, D[n]) by the definition.
fn naive_path(m: usize, leaves: &[Vec<u8>]) -> Vec<TreeHash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (mut path, other) = if m < k {
        (naive_path(m, &leaves[..k]), naive_root(&leaves[k..]))
    } else {
        (naive_path(m - k, &leaves[k..]), naive_root(&leaves[..k]))
    };
    path.push(other);
    path
}

/// SUBPROOF(m, D[n], b) by the definition.
fn naive_subproof(m: usize, leaves: &[Vec<u8>], is_root: bool) -> Vec<TreeHash> {
    if m == leaves.len() {
        return if is_root { Vec::new() } else { vec![naive_root(leaves)] };
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (mut proof, other) = if m <= k {
        (naive_subproof(m, &leaves[..k], is_root), naive_root(&leaves[k..]))
    } else {
        (naive_subproof(m - k, &leaves[k..], false), naive_root(&leaves[..k]))
    };
    proof.push(other);
    proof
}

fn root(leaves: &[Vec<u8>]) -> TreeHash {
    let mut range = CompactRange::default();
    leaves.iter().for_each(|leaf| range.push(TreeHash::of_leaf(leaf)));
    assert_eq!(range.size(), leaves.len() as u64);
    range.root()
}

/// The hashes of ranges as a store makes them: from complete subtrees.
fn hashes(ranges: &[std::ops::Range<u64>], leaves: &[Vec<u8>]) -> Vec<TreeHash> {
    let of_node = |node: Node| {
        let at = node.leaves();
        naive_root(&leaves[at.start as usize..at.end as usize])
    };
    let of_range = |range: &std::ops::Range<u64>| {
        let nodes: Vec<_> = complete_nodes(range.clone()).into_iter().map(of_node).collect();
        join(&nodes).unwrap()
    };
    ranges.iter().map(of_range).collect()
}

fn some_leaves(n: usize) -> Vec<Vec<u8>> {
    (0..n).map(|number| format!("entry {number}").into_bytes()).collect()
}

#[test]
fn every_small_tree_equals_the_definition() {
    let leaves = some_leaves(35);
    for n in 0..=leaves.len() {
        let leaves = &leaves[..n];
        let now = root(leaves);
        assert_eq!(now, naive_root(leaves), "{n}");
        for m in 0..n {
            let ranges = inclusion_ranges(m as u64, n as u64).unwrap();
            let proof = hashes(&ranges, leaves);
            assert_eq!(proof, naive_path(m, leaves), "{m} of {n}");
            let leaf = TreeHash::of_leaf(&leaves[m]);
            check_inclusion((leaf, m as u64), (now, n as u64), &proof).unwrap();
        }
        for m in 1..=n {
            let ranges = consistency_ranges(m as u64, n as u64).unwrap();
            let proof = hashes(&ranges, leaves);
            assert_eq!(proof, naive_subproof(m, leaves, true), "{m} to {n}");
            let before = root(&leaves[..m]);
            check_consistency((before, m as u64), (now, n as u64), &proof).unwrap();
        }
    }
    assert_eq!(inclusion_ranges(3, 3), None);
    assert_eq!(consistency_ranges(4, 3), None);
    let nothing = (TreeHash::of_nothing(), 0);
    check_consistency(nothing, (root(&leaves), 35), &[]).unwrap();
}

#[test]
fn a_stored_range_goes_on() {
    let leaves = some_leaves(40);
    for n in 0..leaves.len() {
        let mut range = CompactRange::default();
        leaves[..n].iter().for_each(|leaf| range.push(TreeHash::of_leaf(leaf)));
        let stored = CompactRange::from_parts(range.size(), range.nodes().to_vec()).unwrap();
        assert_eq!(stored, range);
        assert!(CompactRange::from_parts(n as u64 + 1, vec![]).is_none());
        let mut stored = stored;
        leaves[n..].iter().for_each(|leaf| stored.push(TreeHash::of_leaf(leaf)));
        assert_eq!(stored.root(), root(&leaves));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// No other leaf, place, size, root or proof passes for the right one.
    #[test]
    fn a_changed_proof_proves_nothing(
        n in 1usize..300, at in any::<prop::sample::Index>(), flip in any::<(prop::sample::Index, u8)>()
    ) {
        let leaves = some_leaves(n);
        let m = at.index(n);
        let now = root(&leaves);
        let proof = hashes(&inclusion_ranges(m as u64, n as u64).unwrap(), &leaves);
        let leaf = TreeHash::of_leaf(&leaves[m]);
        let right = ((leaf, m as u64), (now, n as u64));
        prop_assert!(check_inclusion(right.0, right.1, &proof).is_ok());
        let mut changed = proof.clone();
        if !changed.is_empty() {
            let step = flip.0.index(changed.len());
            changed[step].0[usize::from(flip.1) % 32] ^= 1 << (flip.1 % 8);
            prop_assert!(check_inclusion(right.0, right.1, &changed).is_err());
            prop_assert!(check_inclusion(right.0, right.1, &proof[1..]).is_err());
        }
        let mut longer = proof.clone();
        longer.push(now);
        prop_assert!(check_inclusion(right.0, right.1, &longer).is_err());
        let other = TreeHash::of_leaf(b"other");
        prop_assert!(check_inclusion((other, m as u64), right.1, &proof).is_err());
        prop_assert!(check_inclusion(right.0, (other, n as u64), &proof).is_err());
        prop_assert!(check_inclusion((leaf, n as u64), right.1, &proof).is_err());
        if n > 1 {
            prop_assert!(check_inclusion((leaf, (m as u64) ^ 1), right.1, &proof).is_err());
        }
    }

    /// A tree whose past was rewritten is not consistent with what it was.
    #[test]
    fn a_rewritten_past_is_not_consistent(
        n in 2usize..200, m in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()
    ) {
        let before = some_leaves(n);
        let m = 1 + m.index(n - 1);
        let mut after = before.clone();
        after[at.index(m)] = b"rewritten".to_vec();
        let proof = hashes(&consistency_ranges(m as u64, n as u64).unwrap(), &after);
        let (earlier, later) = (root(&before[..m]), root(&after));
        prop_assert!(check_consistency((earlier, m as u64), (later, n as u64), &proof).is_err());
        let honest = root(&after[..m]);
        prop_assert!(check_consistency((honest, m as u64), (later, n as u64), &proof).is_ok());
    }
}

fn head() -> TreeHead {
    let at = Timestamp::parse("2026-01-15T12:00:00Z").unwrap();
    TreeHead { origin: "souk/00ff".to_owned(), size: 8, root: root(&some_leaves(8)), at }
}

#[test]
fn a_signed_head_is_read_back_and_no_byte_of_it_can_change() {
    let signed = HeadSigner::new(&[7; 32]).sign(head());
    let line = signed.to_line();
    assert_eq!(SignedTreeHead::from_line(&line).unwrap(), signed);
    for idx in 0..line.len() {
        for change in [1, 2, 8, 32, 128] {
            let mut bytes = line.clone().into_bytes();
            bytes[idx] ^= change;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            assert!(SignedTreeHead::from_line(&text).is_err(), "{text}");
        }
    }
    assert!(SignedTreeHead::from_line(&line.replace(",\"at\"", ", \"at\"")).is_err());
    let newer = line.replace("\"v\":1", "\"v\":2");
    assert_eq!(SignedTreeHead::from_line(&newer), Err(HeadError::Version(2)));
    let other = HeadSigner::new(&[8; 32]);
    let forged = SignedTreeHead { public_key: other.public_key(), ..signed };
    assert_eq!(forged.check(), Err(HeadError::Signature));
    assert!(!format!("{other:?}").contains('8'));
}

/// The first two of RFC 8032, section 7.1: seed, public key; the signature of the empty message is
/// checked through ring itself, because a head is never empty.
#[test]
fn keys_of_rfc_8032() {
    for (seed, key) in [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        ),
    ] {
        let signer = HeadSigner::new(&TreeHash::parse(seed).unwrap().0);
        assert_eq!(TreeHash(signer.public_key()).to_string(), key);
    }
}

fn entry() -> AuditEntry {
    AuditEntry {
        at: Timestamp::parse("2026-01-15T12:00:00Z").unwrap(),
        who: "91f2a6c4d0e8".to_owned(),
        role: "admin".to_owned(),
        operation: "key.create".to_owned(),
        object: Some("key:0a1b2c3d4e5f".to_owned()),
        purpose: "administration".to_owned(),
        outcome: Outcome::Done,
        request_id: Some("4f1d6a7be2c09835".to_owned()),
        tally: None,
        details: BTreeMap::from([("role".to_owned(), "analyst".to_owned())]),
    }
}

fn tally() -> AuditEntry {
    AuditEntry {
        operation: "recommend".to_owned(),
        object: None,
        purpose: "personalization".to_owned(),
        request_id: None,
        tally: Some(Tally { count: 1_234, subjects: Some([0xAB; 16]) }),
        details: BTreeMap::new(),
        ..entry()
    }
}

#[test]
fn an_entry_is_read_back_and_any_other_byte_is_damage() {
    for entry in [entry(), tally()] {
        let bytes = entry.to_bytes().unwrap();
        assert_eq!(AuditEntry::from_bytes(&bytes).unwrap(), entry);
        for idx in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[idx] = b' ';
            assert!(AuditEntry::from_bytes(&changed).is_err(), "byte {idx}");
        }
    }
}

#[test]
fn what_could_be_personal_has_no_place() {
    let odd = ["ann@shop.example", "Ann Lee", "", "a\"b", "é", &"x".repeat(129)];
    for text in odd.map(str::to_owned) {
        let with = |change: &dyn Fn(&mut AuditEntry)| {
            let mut entry = entry();
            change(&mut entry);
            entry.to_bytes().unwrap_err()
        };
        let object = with(&|entry| entry.object = Some(text.clone()));
        assert_eq!(object, EntryError::Text { field: "object" });
        let who = with(&|entry| entry.who = text.clone());
        assert_eq!(who, EntryError::Text { field: "who" });
        let id = with(&|entry| entry.request_id = Some(text.clone()));
        assert_eq!(id, EntryError::Text { field: "request_id" });
        let detail = with(&|entry| drop(entry.details.insert("name".into(), text.clone())));
        assert_eq!(detail, EntryError::Text { field: "details" });
    }
    let mut largest = entry();
    let text = |idx: usize| format!("{idx:0128}");
    for field in [&mut largest.who, &mut largest.role, &mut largest.operation, &mut largest.purpose]
    {
        *field = text(1);
    }
    (largest.object, largest.request_id) = (Some(text(2)), Some(text(3)));
    largest.details = (0..DETAILS_MAX).map(|idx| (text(idx), text(9))).collect();
    assert!(largest.to_bytes().unwrap().len() <= ENTRY_BYTES_MAX);
    largest.details.insert("more".to_owned(), "x".to_owned());
    assert_eq!(largest.to_bytes(), Err(EntryError::TooMany(DETAILS_MAX + 1)));
}

/// Bytes that were once hashed must stay what they are: see `testdata/audit/PROVENANCE.md`.
#[test]
fn frozen_bytes_are_written_and_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/audit/v1/");
    for (name, entry) in [("entry.json", entry()), ("tally.json", tally())] {
        let frozen = std::fs::read(format!("{folder}{name}")).unwrap();
        assert_eq!(AuditEntry::from_bytes(&frozen).unwrap(), entry, "{name}");
        assert_eq!(entry.to_bytes().unwrap(), frozen, "{name}");
    }
    let line = std::fs::read_to_string(format!("{folder}head.json")).unwrap();
    assert_eq!(HeadSigner::new(&[7; 32]).sign(head()).to_line(), line);
    assert_eq!(SignedTreeHead::from_line(&line).unwrap().head, head());
}
