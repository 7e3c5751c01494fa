#![allow(clippy::unwrap_used)]

use super::*;
use crate::Config;
use crate::test_shop::Shop;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_700_000_000_000 + ms).unwrap()
}

fn caller(role: Role) -> Caller {
    Caller::new("k", role)
}

fn limits() -> Limits {
    Limits::new(LimitSettings {
        analyst: Rate { per_s: 2, burst: 4 },
        ingest_browser: Rate { per_s: 100, burst: 100 },
        browser_client: Rate { per_s: 1, burst: 2 },
        ..LimitSettings::default()
    })
}

#[test]
fn burst_then_steady_rate() {
    let limits = limits();
    let analyst = caller(Role::Analyst);
    for left in (0..4).rev() {
        let state = limits.take(&analyst, None, (Cost::ONE, at(0))).unwrap();
        assert_eq!((state.limit, state.remaining, state.window_s), (4, left, 2));
    }
    let refused = limits.take(&analyst, None, (Cost::ONE, at(0))).unwrap_err();
    let AppError::RateLimited { retry_after_s, limit, window_s } = refused else { panic!() };
    assert_eq!((retry_after_s, limit, window_s), (1, 4, 2));
    // Half a second brings one request of two a second, and no more.
    assert!(limits.take(&analyst, None, (Cost::ONE, at(500))).is_ok());
    assert!(limits.take(&analyst, None, (Cost::ONE, at(500))).is_err());
    // A long rest fills the bucket once.
    for _ in 0..4 {
        assert!(limits.take(&analyst, None, (Cost::ONE, at(1_000_000))).is_ok());
    }
    assert!(limits.take(&analyst, None, (Cost::ONE, at(1_000_000))).is_err());
}

#[test]
fn one_client_of_a_page_does_not_use_up_the_key() {
    let limits = limits();
    let page = caller(Role::IngestBrowser);
    assert!(limits.take(&page, Some("a"), (Cost::ONE, at(0))).is_ok());
    assert!(limits.take(&page, Some("a"), (Cost::ONE, at(0))).is_ok());
    assert!(limits.take(&page, Some("a"), (Cost::ONE, at(0))).is_err());
    // 1 in 65,536 runs would put both clients into one bucket; several ones cannot all share it.
    assert!(
        ["b", "c", "d"]
            .iter()
            .any(|client| limits.take(&page, Some(client), (Cost::ONE, at(0))).is_ok())
    );
    // Servers have no clients that could be told apart.
    let server = caller(Role::IngestServer);
    assert!((0..10).all(|_| limits.take(&server, Some("a"), (Cost::ONE, at(0))).is_ok()));
}

#[test]
fn clock_that_goes_back_gives_nothing() {
    let limits = limits();
    let analyst = caller(Role::Analyst);
    for _ in 0..4 {
        limits.take(&analyst, None, (Cost::ONE, at(10_000))).unwrap();
    }
    assert!(limits.take(&analyst, None, (Cost::ONE, at(0))).is_err());
    assert!(limits.take(&analyst, None, (Cost::ONE, at(400))).is_err());
    assert!(limits.take(&analyst, None, (Cost::ONE, at(500))).is_ok());
}

#[test]
fn a_batch_costs_what_it_holds() {
    let limits = limits();
    let analyst = caller(Role::Analyst);
    assert_eq!(
        limits.take(&analyst, None, (Cost { n: 3, n_taken: 0 }, at(0))).unwrap().remaining,
        1
    );
    assert!(
        limits.take(&analyst, None, (Cost { n: 2, n_taken: 0 }, at(0))).is_err(),
        "what is refused takes nothing"
    );
    assert!(limits.take(&analyst, None, (Cost::ONE, at(0))).is_ok());
    // A batch above the burst costs all of it, so a rest lets it in.
    assert_eq!(
        limits.take(&analyst, None, (Cost { n: 100, n_taken: 0 }, at(60_000))).unwrap().remaining,
        0
    );
}

#[tokio::test]
async fn a_batch_above_the_burst_is_let_in_after_a_rest() {
    let settings = "limits: {storefront_server: {per_s: 1, burst: 4}}";
    let shop = Shop::open_with(Config::parse(settings, []).unwrap()).await;
    let server = caller(Role::StorefrontServer);
    let batch = |n: usize| {
        let first = shop.app.check_rate(&server, None);
        first.and_then(|_| shop.app.check_rate_of_batch(&server, None, n))
    };
    for n in [10, 4, 5] {
        batch(n).unwrap();
        assert!(shop.app.check_rate(&server, None).is_err(), "{n} cost all there was");
        shop.hand.fetch_add(4_000, std::sync::atomic::Ordering::Relaxed);
    }
    batch(3).unwrap();
    assert_eq!(shop.app.check_rate(&server, None).unwrap().remaining, 0);
}
