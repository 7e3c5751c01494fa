//! A whole shop in a temporary folder, for tests of use cases.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use souk_core::{Event, SubjectId, Timestamp};
use souk_embedded::{Embedded, EmbeddedOptions, open};
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
        let app = App::open(parts_of(&stored), config, Clock::by_hand(hand)).await.unwrap();
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
        let request = IngestRequest::new(call, body.as_bytes(), &caller);
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

/// The rows that an import listed beside a file, without the heading.
pub(crate) fn rejected_rows(folder: &Path, name: &str) -> Vec<Vec<String>> {
    let path = folder.join(format!("{name}.rejected.csv"));
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Every file below a folder with its bytes.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path, bytes));
        }
    }
    found
}

/// Storage as an application takes it; whoever keeps `stored` can look at it from outside.
pub(crate) fn parts_of(stored: &Embedded) -> Parts {
    Parts {
        log: Arc::clone(&stored.log) as _,
        tables: Arc::clone(&stored.tables) as _,
        keys: Arc::clone(&stored.keys) as _,
        cache: Arc::clone(&stored.cache) as _,
        blobs: Arc::clone(&stored.blobs),
    }
}
