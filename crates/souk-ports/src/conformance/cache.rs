//! The contract of [`Cache`], line by line, as far as something that may forget can be held to it.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Case, cases, shared_cases};
use crate::Cache;

/// Cases with one caller.
pub const CASES: &[Case<dyn Cache>] = cases![dyn Cache;
    absent_is_none,
    put_is_read_back,
    put_replaces,
    remove_removes,
    value_expires,
    add_sums,
    counters_are_apart,
    counter_starts_again_after_its_time,
];

/// Cases with many callers at once.
pub const CONCURRENT_CASES: &[Case<dyn Cache>] = shared_cases![dyn Cache; add_loses_nothing];

const MINUTE_MS: u64 = 60_000;

async fn absent_is_none(cache: &dyn Cache) {
    assert_eq!(cache.get("k").await, None);
    cache.remove("k").await;
}

async fn put_is_read_back(cache: &dyn Cache) {
    for (key, value) in [("", vec![1]), ("k", Vec::new()), ("é\0", vec![0; 10_000])] {
        cache.put(key, value.clone(), MINUTE_MS).await;
        assert_eq!(cache.get(key).await, Some(value));
    }
}

async fn put_replaces(cache: &dyn Cache) {
    cache.put("k", vec![1], MINUTE_MS).await;
    cache.put("k", vec![2], MINUTE_MS).await;
    assert_eq!(cache.get("k").await, Some(vec![2]));
}

async fn remove_removes(cache: &dyn Cache) {
    cache.put("k", vec![1], MINUTE_MS).await;
    cache.remove("k").await;
    assert_eq!(cache.get("k").await, None);
}

/// Waits on the clock that the cache itself reads: there is no other way to see it pass.
async fn pass(ms: u64) {
    let end = Instant::now() + Duration::from_millis(ms);
    while Instant::now() <= end {
        tokio::task::yield_now().await;
    }
}

async fn value_expires(cache: &dyn Cache) {
    cache.put("at once", vec![1], 0).await;
    assert_eq!(cache.get("at once").await, None);
    cache.put("soon", vec![1], 2).await;
    cache.put("late", vec![1], MINUTE_MS).await;
    cache.put("late", vec![2], 2).await;
    pass(3).await;
    assert_eq!(cache.get("soon").await, None);
    assert_eq!(cache.get("late").await, None);
}

async fn add_sums(cache: &dyn Cache) {
    assert_eq!(cache.add("n", 1, MINUTE_MS).await, 1);
    assert_eq!(cache.add("n", 4, MINUTE_MS).await, 5);
    assert_eq!(cache.add("n", 0, MINUTE_MS).await, 5);
}

async fn counters_are_apart(cache: &dyn Cache) {
    cache.add("a", 3, MINUTE_MS).await;
    assert_eq!(cache.add("b", 1, MINUTE_MS).await, 1);
}

async fn counter_starts_again_after_its_time(cache: &dyn Cache) {
    cache.add("n", 5, 2).await;
    pass(3).await;
    assert_eq!(cache.add("n", 1, MINUTE_MS).await, 1);
}

async fn add_loses_nothing(cache: Arc<dyn Cache>) {
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let cache = Arc::clone(&cache);
            tokio::spawn(async move {
                for _ in 0..50 {
                    cache.add("n", 1, MINUTE_MS).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(cache.add("n", 0, MINUTE_MS).await, 1_600);
}
