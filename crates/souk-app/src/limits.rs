//! How often a key may call: token buckets in memory.
//!
//! Each server process counts for itself. A bucket belongs to a key, and for browser keys also to
//! each client and to each shopper: one page's key is used by everybody, and one of them must not use
//! it up, nor find out much about one shopper from many addresses.

use std::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;
use parking_lot::Mutex;
use souk_core::Timestamp;

use crate::config::{LimitSettings, Rate};
use crate::{App, AppError, Caller, Role};

/// Buckets of clients; chosen: 1 MB, far more than clients at one time. Two clients that share one
/// by chance share its rate; which ones do cannot be chosen, because the hash has a random key.
const CLIENT_BUCKETS: usize = 1 << 16;
/// Buckets of keys; beyond, keys share.
const KEY_BUCKETS: usize = 1 << 12;

/// Where a caller stands, for the `RateLimit` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateState {
    /// Requests at once after a rest.
    pub limit: u64,
    /// Requests that are left now.
    pub remaining: u64,
    /// Seconds after which the bucket is full again.
    pub reset_s: u64,
    /// Seconds in which an empty bucket fills.
    pub window_s: u64,
}

/// What a call costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Requests that it holds.
    n: u64,
    /// Those of them that were taken before.
    n_taken: u64,
}

impl Cost {
    const ONE: Cost = Cost { n: 1, n_taken: 0 };
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// When it was last looked at, in milliseconds.
    at_ms: i64,
    /// Thousandths of a request that are used up.
    used_milli: u64,
}

/// The buckets of all keys and clients.
#[derive(Debug)]
pub(crate) struct Limits {
    settings: LimitSettings,
    hasher: DefaultHashBuilder,
    keys: Box<[Mutex<Bucket>]>,
    clients: Box<[Mutex<Bucket>]>,
    shoppers: Box<[Mutex<Bucket>]>,
}

impl Limits {
    pub(crate) fn new(settings: LimitSettings) -> Limits {
        let buckets = |count| (0..count).map(|_| Mutex::default()).collect();
        Limits {
            settings,
            hasher: DefaultHashBuilder::default(),
            keys: buckets(KEY_BUCKETS),
            clients: buckets(CLIENT_BUCKETS),
            shoppers: buckets(CLIENT_BUCKETS),
        }
    }

    /// Takes one request of a shopper's budget under a browser key.
    fn take_shopper(&self, caller: &Caller, id: &str, now: Timestamp) -> Result<(), AppError> {
        let slot = self.hasher.hash_one((&caller.key_id, id)) as usize % CLIENT_BUCKETS;
        take(&self.shoppers[slot], self.settings.browser_shopper, (Cost::ONE, now)).map(drop)
    }

    /// Takes what a call costs of the caller's budget.
    pub(crate) fn take(
        &self,
        caller: &Caller,
        client: Option<&str>,
        (cost, now): (Cost, Timestamp),
    ) -> Result<RateState, AppError> {
        let is_browser = matches!(caller.role, Role::IngestBrowser | Role::StorefrontBrowser);
        if let Some(client) = client.filter(|_| is_browser) {
            let slot = self.hasher.hash_one((&caller.key_id, client)) as usize % CLIENT_BUCKETS;
            take(&self.clients[slot], self.settings.browser_client, (cost, now))?;
        }
        let slot = self.hasher.hash_one(&caller.key_id) as usize % KEY_BUCKETS;
        take(&self.keys[slot], self.settings.of(caller.role), (cost, now))
    }
}

fn take(
    bucket: &Mutex<Bucket>,
    rate: Rate,
    (cost, now): (Cost, Timestamp),
) -> Result<RateState, AppError> {
    let mut bucket = bucket.lock();
    // A clock that goes back refills nothing and takes nothing away.
    let passed_ms = u64::try_from(now.as_ms() - bucket.at_ms).unwrap_or(0);
    // Requests a second are thousandths of a request a millisecond.
    let refilled = passed_ms.saturating_mul(rate.per_s);
    bucket.used_milli = bucket.used_milli.saturating_sub(refilled);
    bucket.at_ms = now.as_ms();
    let window_s = rate.burst.div_ceil(rate.per_s);
    // More than a bucket holds costs all of it, or it could never be had.
    let more = cost.n.min(rate.burst).saturating_sub(cost.n_taken);
    let used_after = bucket.used_milli + more * 1_000;
    if used_after > rate.burst * 1_000 {
        let missing = used_after - rate.burst * 1_000;
        let retry_after_s = missing.div_ceil(rate.per_s * 1_000).max(1);
        return Err(AppError::RateLimited { retry_after_s, limit: rate.burst, window_s });
    }
    bucket.used_milli = used_after;
    Ok(RateState {
        limit: rate.burst,
        remaining: (rate.burst * 1_000 - used_after) / 1_000,
        reset_s: used_after.div_ceil(rate.per_s * 1_000),
        window_s,
    })
}

impl App {
    /// Takes one request of the caller's budget; `client` tells the users of a browser key apart, for
    /// example by network address, and is not kept.
    ///
    /// # Errors
    ///
    /// [`AppError::RateLimited`] with the numbers for `Retry-After` and `RateLimit`.
    pub fn check_rate(&self, caller: &Caller, client: Option<&str>) -> Result<RateState, AppError> {
        self.door.limits.take(caller, client, (Cost::ONE, self.clock.now()))
    }

    /// Takes the rest of the budget of a call that holds `n` requests, of which [`App::check_rate`] took one.
    ///
    /// # Errors
    ///
    /// As [`App::check_rate`].
    pub fn check_rate_of_batch(
        &self,
        caller: &Caller,
        client: Option<&str>,
        n: usize,
    ) -> Result<(), AppError> {
        let cost = Cost { n: n as u64, n_taken: 1 };
        if n <= 1 {
            return Ok(());
        }
        self.door.limits.take(caller, client, (cost, self.clock.now())).map(drop)
    }
}

impl App {
    /// Takes one request of the budget of the shopper for whom a browser key asks: the one of the
    /// token, else the one that the request names. The id is hashed and not kept.
    ///
    /// # Errors
    ///
    /// [`AppError::RateLimited`].
    pub(crate) fn check_shopper_rate(
        &self,
        caller: &Caller,
        named: Option<&str>,
    ) -> Result<(), AppError> {
        match caller.shopper.as_deref().or(named) {
            Some(id) if caller.role.is_browser() => {
                self.door.limits.take_shopper(caller, id, self.clock.now())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
