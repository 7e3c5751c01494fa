use std::fmt;

use async_trait::async_trait;

/// Bounded, expiring, forgetful memory shared by requests.
///
/// # Contract
///
/// - `get` answers what the last `put` of the key stored, or nothing: it may forget at any time.
/// - Nothing is answered after its time to live.
/// - `add` counts up from zero within a window and answers the sum, for rate limits.
#[async_trait]
pub trait Cache: fmt::Debug + Send + Sync {
    /// Reads a value.
    async fn get(&self, key: &str) -> Option<Vec<u8>>;

    /// Stores a value for `ttl_ms`.
    async fn put(&self, key: &str, value: Vec<u8>, ttl_ms: u64);

    /// Removes a value.
    async fn remove(&self, key: &str);

    /// Adds to a counter that lives for `ttl_ms` from its first addition, and answers the sum.
    async fn add(&self, key: &str, amount: u64, ttl_ms: u64) -> u64;
}
