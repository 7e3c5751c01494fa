//! A key store whose random numbers follow from a seed, so that a run can be repeated to the last bit.
//!
//! It outlives every crash of the simulated machine: what a crash does to the real one is its own
//! tests' business.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use async_trait::async_trait;
use souk_core::SubjectId;
use souk_ports::{IdHash, KeyStore, KeyStoreError};
use souk_privacy::seal::SecretKey;

use souk_sim::Random;

#[derive(Debug)]
pub(crate) struct SeededKeys {
    seed: u64,
    rows: Mutex<Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    subjects: HashMap<IdHash, SubjectId>,
    /// How often an id was forgotten: its next subject is another one.
    lives: HashMap<IdHash, u64>,
    /// The subjects that have a key.
    known: HashSet<SubjectId>,
    /// How often a secret was destroyed: the next one of its name is another.
    secrets: HashMap<String, u64>,
}

impl SeededKeys {
    pub(crate) fn new(seed: u64) -> SeededKeys {
        SeededKeys { seed, rows: Mutex::default() }
    }

    /// The subject's key, whether or not it was destroyed: the tests know everything.
    pub(crate) fn key(&self, subject: SubjectId) -> SecretKey {
        SecretKey::new(self.bytes(&subject.0, 1 << 32))
    }

    /// Random bytes that follow from the seed and what they are for, in whatever order they are made.
    fn bytes<const N: usize>(&self, what: &[u8], life: u64) -> [u8; N] {
        let mut state = self.seed ^ life.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for byte in what {
            state = Random::new(state ^ u64::from(*byte)).bits();
        }
        let mut random = Random::new(state);
        std::array::from_fn(|_| random.bits() as u8)
    }
}

#[async_trait]
impl KeyStore for SeededKeys {
    async fn resolve(&self, ids: &[IdHash]) -> Result<Vec<SubjectId>, KeyStoreError> {
        let mut rows = self.rows.lock().expect("no holder panics");
        let resolved = ids.iter().map(|id| {
            let life = rows.lives.get(id).copied().unwrap_or(0);
            let fresh = || SubjectId(self.bytes(&id.0, life));
            let subject = *rows.subjects.entry(*id).or_insert_with(fresh);
            rows.known.insert(subject);
            subject
        });
        Ok(resolved.collect())
    }

    async fn find(&self, ids: &[IdHash]) -> Result<Vec<Option<SubjectId>>, KeyStoreError> {
        let rows = self.rows.lock().expect("no holder panics");
        Ok(ids.iter().map(|id| rows.subjects.get(id).copied()).collect())
    }

    async fn forget(&self, subject: SubjectId) -> Result<u32, KeyStoreError> {
        let mut rows = self.rows.lock().expect("no holder panics");
        let forgotten: Vec<IdHash> = rows
            .subjects
            .iter()
            .filter(|(_, known)| **known == subject)
            .map(|(id, _)| *id)
            .collect();
        for id in &forgotten {
            rows.subjects.remove(id);
            *rows.lives.entry(*id).or_insert(0) += 1;
        }
        rows.known.remove(&subject);
        Ok(u32::try_from(forgotten.len()).expect("rows are few"))
    }

    async fn keys(&self, subjects: &[SubjectId]) -> Result<Vec<Option<SecretKey>>, KeyStoreError> {
        let rows = self.rows.lock().expect("no holder panics");
        let key = |subject: &SubjectId| {
            let is_known = rows.known.contains(subject);
            is_known.then(|| self.key(*subject))
        };
        Ok(subjects.iter().map(key).collect())
    }

    async fn secret(&self, name: &str) -> Result<SecretKey, KeyStoreError> {
        let mut rows = self.rows.lock().expect("no holder panics");
        let life = *rows.secrets.entry(name.to_owned()).or_insert(0);
        Ok(SecretKey::new(self.bytes(name.as_bytes(), (1 << 48) + life)))
    }

    async fn destroy_secrets(&self, prefix: &str, kept: &[String]) -> Result<(), KeyStoreError> {
        let mut rows = self.rows.lock().expect("no holder panics");
        let of_prefix = rows.secrets.iter_mut().filter(|(name, _)| name.starts_with(prefix));
        of_prefix.filter(|(name, _)| !kept.contains(name)).for_each(|(_, life)| *life += 1);
        Ok(())
    }
}
