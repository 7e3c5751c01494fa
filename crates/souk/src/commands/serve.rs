//! `souk serve`.

use std::future::Future;
use std::sync::Arc;

use anyhow::{Result, bail};
use souk_server::{Limits, Server};
use tokio::signal::unix::{SignalKind, signal};

use crate::backends::{self, Opened};
use crate::cli::ServeArgs;
use crate::control;
use crate::job::Shop;
use crate::settings::Settings;
use crate::term::say;

pub(crate) async fn run(args: ServeArgs, mut settings: Settings) -> Result<()> {
    if let Some(listen) = args.listen {
        settings.config.server.listen = listen;
    }
    let shop = open(settings).await?;
    let is_local = shop.settings.config.server.listen.ip().is_loopback();
    // Beyond this machine there is no first key: it would be printed where others may read along,
    // and until it is known nobody could tell who used it first.
    if is_local && let Some(key) = shop.app.ensure_first_key().await? {
        say(&format!(
            "This is the first start. The admin key is shown only now; only its hash is kept:\n\n  {key}\n"
        ));
    }
    serve(Arc::new(shop)).await
}

/// Opens the shop, or says who has its data folder.
pub(crate) async fn open(settings: Settings) -> Result<Shop> {
    match backends::open(&settings)? {
        Opened::Owned(embedded) => super::open(embedded, settings).await,
        Opened::InUse(why) => bail!("{why}"),
    }
}

/// Answers requests until the process is told to end.
pub(crate) async fn serve(shop: Arc<Shop>) -> Result<()> {
    let shutdown = told_to_end()?;
    if let Err(error) = crate::meaning::equip_later(&shop) {
        shop.app.close().await?;
        return Err(error.into());
    }
    let mut config = shop.settings.server();
    fit_connections(&mut config.limits);
    let server = match Server::bind(Arc::clone(&shop.app), config).await {
        Ok(server) => server,
        Err(error) => {
            shop.app.close().await?;
            return Err(error.into());
        }
    };
    tokio::spawn(souk_app::keep_feeds(Arc::downgrade(&shop.app)));
    let folder = shop.embedded.folder.root();
    let _socket = control::listen(folder, Arc::clone(&shop))?;
    let scheme = if shop.settings.config.server.tls_cert.is_some() { "https" } else { "http" };
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        data = %folder.display(),
        address = %format!("{scheme}://{}", server.local_addr()),
        "listening"
    );
    server.run(shutdown).await?;
    tracing::info!("ended");
    Ok(())
}

/// Files that the program itself keeps open: databases, their write-ahead logs, listeners; chosen.
const OWN_FILES: u64 = 256;

/// Raises the soft limit of open files to the hard one, and takes no more connections than it allows.
fn fit_connections(limits: &mut Limits) {
    let files = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => files,
        Err(error) => {
            tracing::warn!(%error, "cannot raise the limit of open files");
            return;
        }
    };
    let fitting = usize::try_from(files.saturating_sub(OWN_FILES)).unwrap_or(usize::MAX).max(1);
    if limits.connections_max > fitting {
        tracing::warn!(
            connections_max = limits.connections_max,
            files,
            "the system allows fewer open files than server.connections_max needs; taking at most \
             {fitting} connections (raise it with `ulimit -Hn` or LimitNOFILE)"
        );
        limits.connections_max = fitting;
    }
}

/// Completes at SIGTERM, SIGINT or Ctrl-C.
pub(crate) fn told_to_end() -> Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
