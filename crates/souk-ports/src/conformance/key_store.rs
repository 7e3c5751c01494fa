//! The contract of [`KeyStore`], line by line.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;

use souk_core::SubjectId;
use souk_privacy::seal::SecretKey;

use super::{Case, cases, shared_cases};
use crate::{IdHash, KeyStore, KeyStoreError, RESOLVE_MAX};

/// Cases with one caller.
pub const CASES: &[Case<dyn KeyStore>] = cases![dyn KeyStore;
    id_keeps_its_subject,
    ids_get_subjects_of_their_own,
    id_twice_in_call_is_one,
    known_and_new_ids_mix,
    find_creates_nothing,
    no_ids_no_subjects,
    largest_call_is_taken,
    too_many_ids_are_refused,
    forgotten_id_gets_new_subject,
    forget_leaves_others,
    forget_of_unknown_is_zero,
    subject_has_one_key,
    forgotten_subject_has_no_key,
    unknown_subject_has_no_key,
    too_many_keys_are_refused,
    secret_is_made_once,
    destroyed_secret_is_made_anew,
];

/// Cases with many callers at once.
pub const CONCURRENT_CASES: &[Case<dyn KeyStore>] = shared_cases![dyn KeyStore;
    callers_agree_on_new_ids,
    callers_agree_on_secret,
];

fn id(n: u64) -> IdHash {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    IdHash(bytes)
}

fn ids(range: std::ops::Range<u64>) -> Vec<IdHash> {
    range.map(id).collect()
}

async fn subject_of(store: &dyn KeyStore, n: u64) -> SubjectId {
    store.resolve(&[id(n)]).await.unwrap()[0]
}

async fn id_keeps_its_subject(store: &dyn KeyStore) {
    let first = subject_of(store, 1).await;
    assert_eq!(subject_of(store, 1).await, first);
    assert_eq!(store.find(&[id(1)]).await.unwrap(), [Some(first)]);
}

async fn ids_get_subjects_of_their_own(store: &dyn KeyStore) {
    let subjects = store.resolve(&ids(0..500)).await.unwrap();
    assert_eq!(subjects.iter().collect::<BTreeSet<_>>().len(), 500);
    assert!(subjects.iter().all(|subject| subject.0 != [0; 16]));
    assert_eq!(store.resolve(&ids(0..500)).await.unwrap(), subjects);
}

async fn id_twice_in_call_is_one(store: &dyn KeyStore) {
    let subjects = store.resolve(&[id(1), id(2), id(1)]).await.unwrap();
    assert_eq!(subjects[0], subjects[2]);
    assert_ne!(subjects[0], subjects[1]);
}

async fn known_and_new_ids_mix(store: &dyn KeyStore) {
    let known = subject_of(store, 2).await;
    let subjects = store.resolve(&ids(1..4)).await.unwrap();
    assert_eq!(subjects[1], known);
    assert_eq!(subjects[0], subject_of(store, 1).await);
    assert_eq!(subjects[2], subject_of(store, 3).await);
}

async fn find_creates_nothing(store: &dyn KeyStore) {
    let known = subject_of(store, 2).await;
    assert_eq!(store.find(&ids(1..4)).await.unwrap(), [None, Some(known), None]);
}

async fn no_ids_no_subjects(store: &dyn KeyStore) {
    assert!(store.resolve(&[]).await.unwrap().is_empty());
    assert!(store.find(&[]).await.unwrap().is_empty());
}

async fn largest_call_is_taken(store: &dyn KeyStore) {
    let all = ids(0..RESOLVE_MAX as u64);
    assert_eq!(store.resolve(&all).await.unwrap().len(), RESOLVE_MAX);
    assert!(store.find(&all).await.unwrap().iter().all(Option::is_some));
}

async fn too_many_ids_are_refused(store: &dyn KeyStore) {
    let all = ids(0..RESOLVE_MAX as u64 + 1);
    assert!(matches!(store.resolve(&all).await, Err(KeyStoreError::TooLarge(_))));
    assert!(matches!(store.find(&all).await, Err(KeyStoreError::TooLarge(_))));
    assert!(store.find(&all[1..]).await.unwrap().iter().all(Option::is_none));
}

async fn forgotten_id_gets_new_subject(store: &dyn KeyStore) {
    let old = subject_of(store, 1).await;
    assert_eq!(store.forget(old).await.unwrap(), 1);
    assert_eq!(store.find(&[id(1)]).await.unwrap(), [None]);
    let new = subject_of(store, 1).await;
    assert_ne!(new, old);
    assert_eq!(store.find(&[id(1)]).await.unwrap(), [Some(new)]);
}

async fn forget_leaves_others(store: &dyn KeyStore) {
    let subjects = store.resolve(&ids(0..20)).await.unwrap();
    store.forget(subjects[7]).await.unwrap();
    let found = store.find(&ids(0..20)).await.unwrap();
    for (idx, (found, subject)) in found.into_iter().zip(subjects).enumerate() {
        assert_eq!(found, (idx != 7).then_some(subject));
    }
}

async fn forget_of_unknown_is_zero(store: &dyn KeyStore) {
    let subject = subject_of(store, 1).await;
    assert_eq!(store.forget(SubjectId([1; 16])).await.unwrap(), 0);
    assert_eq!(store.forget(subject).await.unwrap(), 1);
    assert_eq!(store.forget(subject).await.unwrap(), 0);
}

async fn key_of(store: &dyn KeyStore, subject: SubjectId) -> Option<SecretKey> {
    store.keys(&[subject]).await.unwrap().remove(0)
}

async fn subject_has_one_key(store: &dyn KeyStore) {
    let subjects = store.resolve(&ids(0..200)).await.unwrap();
    let keys = store.keys(&subjects).await.unwrap();
    let bytes = keys.iter().map(|key| *key.as_ref().unwrap().bytes());
    assert_eq!(bytes.collect::<BTreeSet<_>>().len(), 200);
    assert!(keys.iter().flatten().all(|key| key.bytes() != &[0; 32]));
    store.resolve(&ids(0..300)).await.unwrap();
    assert_eq!(store.keys(&subjects).await.unwrap(), keys);
    assert_eq!(key_of(store, subjects[7]).await, keys[7]);
}

async fn forgotten_subject_has_no_key(store: &dyn KeyStore) {
    let subjects = store.resolve(&ids(0..3)).await.unwrap();
    let keys = store.keys(&subjects).await.unwrap();
    store.forget(subjects[1]).await.unwrap();
    let left = store.keys(&subjects).await.unwrap();
    assert_eq!(left, [keys[0].clone(), None, keys[2].clone()]);
    let again = subject_of(store, 1).await;
    assert_ne!(key_of(store, again).await, keys[1]);
    assert_eq!(key_of(store, subjects[1]).await, None);
}

async fn unknown_subject_has_no_key(store: &dyn KeyStore) {
    assert_eq!(key_of(store, SubjectId([9; 16])).await, None);
    assert!(store.keys(&[]).await.unwrap().is_empty());
}

async fn too_many_keys_are_refused(store: &dyn KeyStore) {
    let subjects = vec![SubjectId([1; 16]); RESOLVE_MAX + 1];
    assert!(matches!(store.keys(&subjects).await, Err(KeyStoreError::TooLarge(_))));
}

async fn secret_is_made_once(store: &dyn KeyStore) {
    let one = store.secret("one").await.unwrap();
    let two = store.secret("two").await.unwrap();
    assert_ne!(one, two);
    assert_ne!(one.bytes(), &[0; 32]);
    assert_eq!(store.secret("one").await.unwrap(), one);
    let subject = subject_of(store, 1).await;
    store.forget(subject).await.unwrap();
    assert_eq!(store.secret("two").await.unwrap(), two);
}

async fn destroyed_secret_is_made_anew(store: &dyn KeyStore) {
    let names = ["set/1", "set/2", "set/3", "other"];
    let mut before = Vec::new();
    for name in names {
        before.push(store.secret(name).await.unwrap());
    }
    store.destroy_secrets("set/", &["set/2".to_owned()]).await.unwrap();
    for (name, before) in names.into_iter().zip(before) {
        let is_kept = name == "set/2" || name == "other";
        assert_eq!(store.secret(name).await.unwrap() == before, is_kept, "{name}");
    }
    store.destroy_secrets("none/", &[]).await.unwrap();
}

async fn callers_agree_on_new_ids(store: Arc<dyn KeyStore>) {
    let tasks: Vec<_> = (0..32_u64)
        .map(|task| {
            let store = Arc::clone(&store);
            // Overlapping ranges: 0..10, 5..15, and so on.
            tokio::spawn(async move {
                let ids = ids(task % 4 * 5..task % 4 * 5 + 10);
                (store.resolve(&ids).await.unwrap(), ids)
            })
        })
        .collect();
    for task in tasks {
        let (subjects, ids) = task.await.unwrap();
        assert_eq!(store.resolve(&ids).await.unwrap(), subjects);
    }
}

async fn callers_agree_on_secret(store: Arc<dyn KeyStore>) {
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.secret("shared").await.unwrap() })
        })
        .collect();
    let mut seen = BTreeSet::new();
    for task in tasks {
        seen.insert(*task.await.unwrap().bytes());
    }
    assert_eq!(seen.len(), 1);
}
