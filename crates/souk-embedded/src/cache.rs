//! [`Cache`] in this process's memory.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use moka::Expiry;
use moka::ops::compute::Op;
use moka::sync::Cache as Moka;
use souk_ports::Cache;

/// Bytes of keys and values that the cache holds by default.
pub const CACHE_BYTES_DEFAULT: u64 = 64 << 20;
/// Counters at most; chosen: a rate limit of a million addresses.
const COUNTERS_MAX: u64 = 1_000_000;

/// A bounded, expiring cache; it forgets what is used least.
#[derive(Debug)]
pub struct MokaCache {
    values: Moka<String, Entry<Vec<u8>>>,
    counters: Moka<String, Entry<u64>>,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    value: T,
    expires_at: Instant,
}

impl MokaCache {
    /// A cache of at most `bytes` of keys and values.
    pub fn new(bytes: u64) -> MokaCache {
        let weigh = |key: &String, entry: &Entry<Vec<u8>>| {
            u32::try_from(key.len() + entry.value.len() + 64).unwrap_or(u32::MAX)
        };
        let values = Moka::builder().max_capacity(bytes).weigher(weigh).expire_after(AtItsTime);
        let counters = Moka::builder().max_capacity(COUNTERS_MAX).expire_after(AtItsTime);
        MokaCache { values: values.build(), counters: counters.build() }
    }
}

impl Default for MokaCache {
    fn default() -> MokaCache {
        MokaCache::new(CACHE_BYTES_DEFAULT)
    }
}

#[async_trait]
impl Cache for MokaCache {
    async fn get(&self, key: &str) -> Option<Vec<u8>> {
        let entry = self.values.get(key)?;
        (Instant::now() < entry.expires_at).then_some(entry.value)
    }

    async fn put(&self, key: &str, value: Vec<u8>, ttl_ms: u64) {
        self.values.insert(key.to_owned(), Entry { value, expires_at: end_of(ttl_ms) });
    }

    async fn remove(&self, key: &str) {
        self.values.invalidate(key);
    }

    async fn add(&self, key: &str, amount: u64, ttl_ms: u64) -> u64 {
        let mut sum = amount;
        let now = Instant::now();
        self.counters.entry_by_ref(key).and_compute_with(|found| {
            let live = found.map(moka::Entry::into_value).filter(|entry| now < entry.expires_at);
            let entry = match live {
                Some(entry) => Entry { value: entry.value.saturating_add(amount), ..entry },
                None => Entry { value: amount, expires_at: end_of(ttl_ms) },
            };
            sum = entry.value;
            Op::Put(entry)
        });
        sum
    }
}

/// Beyond a year is as good as never, and cannot overflow the clock.
fn end_of(ttl_ms: u64) -> Instant {
    Instant::now() + Duration::from_millis(ttl_ms.min(366 * 86_400_000))
}

/// Lets each entry live as long as it says itself.
struct AtItsTime;

impl<T> Expiry<String, Entry<T>> for AtItsTime {
    fn expire_after_create(&self, _: &String, entry: &Entry<T>, now: Instant) -> Option<Duration> {
        Some(entry.expires_at.saturating_duration_since(now))
    }

    fn expire_after_update(
        &self,
        _: &String,
        entry: &Entry<T>,
        now: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.expires_at.saturating_duration_since(now))
    }
}
