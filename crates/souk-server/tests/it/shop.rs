//! A real server on a free port, over real storage in a folder that goes away with it.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use souk_app::{App, Caller, Clock, Config, NewKey, Parts, Role};
use souk_embedded::{Embedded, EmbeddedOptions};
use souk_server::{Limits, ServeError, Server, ServerConfig, TlsFiles};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::http::{Call, Reply, call, post};

pub struct Shop {
    pub runtime: Runtime,
    pub app: Arc<App>,
    pub address: SocketAddr,
    pub admin: String,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<Result<(), ServeError>>>,
    _embedded: Embedded,
    _folder: TempDir,
}

/// How a shop differs from the usual one.
#[derive(Default)]
pub struct Setup {
    pub settings: &'static str,
    /// Whose law applies; without one it is that of a state where only a no forbids.
    pub jurisdiction: Option<&'static str>,
    pub limits: Limits,
    pub tls: Option<TlsFiles>,
}

impl Shop {
    pub fn open() -> Shop {
        Shop::with(Setup::default())
    }

    pub fn with(setup: Setup) -> Shop {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let embedded = souk_embedded::open(folder.path(), &EmbeddedOptions::default()).unwrap();
        let parts = Parts {
            log: Arc::clone(&embedded.log) as _,
            tables: Arc::clone(&embedded.tables) as _,
            keys: Arc::clone(&embedded.keys) as _,
            cache: Arc::clone(&embedded.cache) as _,
            blobs: Arc::clone(&embedded.blobs),
        };
        let mut config = Config::parse(setup.settings, []).unwrap();
        let jurisdiction = setup.jurisdiction.unwrap_or("us").to_owned();
        config.privacy.default_jurisdiction.get_or_insert(jurisdiction);
        let (app, server) = runtime.block_on(async {
            let app = App::open(parts, config, Clock::system()).await.unwrap();
            app.wait_ready().await.unwrap();
            let mut config = ServerConfig::at("127.0.0.1:0".parse().unwrap());
            config.limits = setup.limits;
            config.tls = setup.tls;
            let server = Server::bind(Arc::clone(&app), config).await.unwrap();
            (app, server)
        });
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel();
        let running = runtime.spawn(server.run(async move {
            let _ = stopped.await;
        }));
        let mut shop = Shop {
            runtime,
            app,
            address,
            admin: String::new(),
            stop: Some(stop),
            running: Some(running),
            _embedded: embedded,
            _folder: folder,
        };
        shop.admin = shop.key(Role::Admin);
        shop
    }

    pub fn key(&self, role: Role) -> String {
        self.key_for(role, &[])
    }

    pub fn key_for(&self, role: Role, origins: &[&str]) -> String {
        let origins = origins.iter().map(|&origin| origin.to_owned()).collect();
        let new = NewKey { origins, ..NewKey::of(role) };
        self.runtime.block_on(self.app.create_key(new, &Caller::local_admin())).unwrap()
    }

    pub fn send(&self, call: &Call) -> Reply {
        call.send(self.address)
    }

    /// Sends with the admin's key.
    pub fn admin(&self, call: Call) -> Reply {
        call.key(&self.admin).send(self.address)
    }

    #[track_caller]
    pub fn put_products(&self, products: &Value) -> Value {
        let body = json!({ "products": products });
        self.admin(call("PUT", "/v1/products").json(&body)).expect(200).json()
    }

    #[track_caller]
    pub fn recommend(&self, body: &Value) -> Value {
        self.admin(post("/v1/recommendations", body)).expect(200).json()
    }

    /// Waits until every shopper's answers rest on all that was sent so far.
    pub fn wait_folded(&self) {
        let folded = async {
            while self.app.lag().await.unwrap().records > 0 {
                tokio::task::yield_now().await;
            }
        };
        self.runtime.block_on(folded);
    }

    /// Asks the server to stop; it goes on with what is in work.
    pub fn ask_to_stop(&mut self) {
        let _ = self.stop.take().expect("asked once").send(());
    }

    pub fn wait_stopped(&mut self) -> Result<(), ServeError> {
        self.runtime.block_on(self.running.take().expect("waited for once")).unwrap()
    }
}

impl Drop for Shop {
    /// The folder must not go away under a fold that still runs.
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(running) = self.running.take() {
            let _ = self.runtime.block_on(running);
        }
    }
}
