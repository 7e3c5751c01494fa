//! A whole shop in a temporary folder, for tests of use cases.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use souk_core::{Event, SubjectId, Timestamp};
use souk_embedded::{EmbeddedOptions, open};
use souk_ports::Cursor;
use tempfile::TempDir;

use crate::sealing::open_all;
use crate::{App, Caller, Clock, Config, IngestAnswer, IngestCall, IngestRequest, Parts, Role};

/// An application on storage of its own, with a clock that stands until it is moved.
pub(crate) struct Shop {
    pub(crate) app: Arc<App>,
    pub(crate) hand: &'static AtomicI64,
    _folder: TempDir,
}

/// The time that the clock shows at first: 2026-01-15T12:00:00Z.
pub(crate) fn noon() -> Timestamp {
    Timestamp::parse("2026-01-15T12:00:00Z").unwrap()
}

impl Shop {
    /// A shop that a shopper's no binds: most tests look at what is made of everybody's acts.
    pub(crate) async fn open() -> Shop {
        Shop::open_in("us").await
    }

    /// A shop under the law of this jurisdiction.
    pub(crate) async fn open_in(jurisdiction: &str) -> Shop {
        let settings = format!("privacy: {{default_jurisdiction: {jurisdiction}}}");
        Shop::open_with(Config::parse(&settings, []).unwrap()).await
    }

    pub(crate) async fn open_with(config: Config) -> Shop {
        let folder = TempDir::new().unwrap();
        let hand: &'static AtomicI64 = Box::leak(Box::new(AtomicI64::new(noon().as_ms())));
        let stored = open(&folder.path().join("data"), &EmbeddedOptions::default()).unwrap();
        let parts = Parts {
            log: stored.log,
            tables: stored.tables,
            keys: stored.keys,
            cache: stored.cache,
            blobs: stored.blobs,
        };
        let app = App::open(parts, config, Clock::by_hand(hand)).await.unwrap();
        app.wait_ready().await.unwrap();
        Shop { app, hand, _folder: folder }
    }

    /// Sends a body to a route.
    pub(crate) async fn send(
        &self,
        role: Role,
        call: IngestCall,
        body: serde_json::Value,
    ) -> IngestAnswer {
        let caller = caller(role);
        let body = body.to_string();
        let request = IngestRequest {
            call,
            body: body.as_bytes(),
            caller: &caller,
            is_gpc: false,
            basis: None,
        };
        self.app.ingest(request).await.unwrap()
    }

    /// Everything in the log, in order.
    pub(crate) async fn log(&self) -> Vec<(Option<SubjectId>, Event)> {
        let records = self.app.parts.log.read(&Cursor::START, 10_000).await.unwrap();
        let opened = open_all(&*self.app.parts.keys, records).await.unwrap();
        let readable =
            opened.into_iter().filter_map(|one| one.event.map(|event| (one.subject, event)));
        readable.collect()
    }
}

/// A caller of this role without a shopper token.
pub(crate) fn caller(role: Role) -> Caller {
    Caller::new(format!("test-{}", role.as_str()), role)
}
