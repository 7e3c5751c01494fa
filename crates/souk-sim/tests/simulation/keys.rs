//! A key store whose random numbers follow from a seed, so that a run can be repeated to the last bit.
//!
//! It outlives every crash of the simulated machine: what a crash does to the real one is its own
//! tests' business.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use souk_core::SubjectId;
use souk_ports::{IdHash, KeyStore, KeyStoreError};

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
}

impl SeededKeys {
    pub(crate) fn new(seed: u64) -> SeededKeys {
        SeededKeys { seed, rows: Mutex::default() }
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
            *rows.subjects.entry(*id).or_insert_with(|| SubjectId(self.bytes(&id.0, life)))
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
        Ok(u32::try_from(forgotten.len()).expect("rows are few"))
    }

    async fn secret(&self, name: &str) -> Result<[u8; 32], KeyStoreError> {
        Ok(self.bytes(name.as_bytes(), u64::MAX))
    }

    async fn count(&self) -> Result<u64, KeyStoreError> {
        Ok(self.rows.lock().expect("no holder panics").subjects.len() as u64)
    }
}
