use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use souk_app::{App, AppError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::edge::{Edge, Peer};
use crate::patient::Patient;
use crate::seats::{Seat, Seats};
use crate::{ServerConfig, hooks, key_set, routes, tls};

/// Pause after a failed `accept`, which mostly means that file handles have run out; chosen.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Bytes of a request's head, beyond which it is answered 431; chosen: twice what common proxies pass on.
/// It also bounds what a connection can make the server keep before anybody knows who it is.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Fields of a request's head, beyond which it is answered 431; chosen.
const HEAD_FIELDS_MAX: usize = 64;

/// Why the server cannot start or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, foreign, or needs rights.
    #[error("cannot listen on {address}; choose another with --listen")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Other machines could reach the server, and nothing would keep them out.
    #[error(
        "refusing to listen on {0}, which other machines can reach, while there are no keys; make \
         one with `souk keys create --role admin`, or listen on 127.0.0.1"
    )]
    NoKeys(SocketAddr),
    /// A certificate or key cannot be used.
    #[error("cannot use {path} for TLS: {why}")]
    Tls {
        /// Which file.
        path: String,
        /// Why.
        why: String,
    },
    /// The identity provider's keys cannot be asked for.
    #[error("`{setting}`: {why}")]
    SignIn {
        /// The setting that is wrong.
        setting: &'static str,
        /// Why.
        why: String,
    },
    /// Webhooks cannot be carried.
    #[error("`{setting}`: {why}")]
    Webhooks {
        /// The setting that is wrong.
        setting: String,
        /// Why.
        why: String,
    },
    /// Feeds cannot be fetched.
    #[error("`{setting}`: {why}")]
    Feeds {
        /// The setting that is wrong.
        setting: String,
        /// Why.
        why: String,
    },
    /// The application failed while opening or closing.
    #[error(transparent)]
    App(#[from] AppError),
}

/// A server that has its address and waits to run.
pub struct Server {
    edge: Arc<Edge>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
}

/// Listens and serves until `shutdown` completes, then drains, and closes the application.
///
/// # Errors
///
/// [`ServeError`] when it cannot start, or when the application cannot write its last snapshot.
pub async fn serve(
    app: Arc<App>,
    config: ServerConfig,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    Server::bind(app, config).await?.run(shutdown).await
}

/// Whether an address is safe to open with this many keys: loopback is, anything else needs a key.
///
/// # Errors
///
/// [`ServeError::NoKeys`] when other machines could reach a server that has no keys.
pub fn check_exposure(address: SocketAddr, n_keys: usize) -> Result<(), ServeError> {
    let ip = address.ip();
    let is_local = ip.is_loopback()
        || matches!(ip, IpAddr::V6(v6) if
        v6.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback()));
    if is_local || n_keys > 0 { Ok(()) } else { Err(ServeError::NoKeys(address)) }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("listener", &self.listener).finish_non_exhaustive()
    }
}

impl Server {
    /// Takes the address and reads the certificate.
    ///
    /// # Errors
    ///
    /// [`ServeError`], which names the remedy.
    pub async fn bind(app: Arc<App>, config: ServerConfig) -> Result<Server, ServeError> {
        // Whoever the identity provider vouches for needs no key.
        let n_keys = app.known_keys().await?.len() + usize::from(app.has_sign_in());
        check_exposure(config.listen, n_keys)?;
        if let Some(source) = key_set::source(&app.config().access.oidc)? {
            app.set_key_set_source(source);
        }
        if let Some(sender) = hooks::sender(&app.config().privacy.webhooks)? {
            app.set_webhook_sender(sender);
        }
        let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
        let address = config.listen;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| ServeError::Listen { address, source })?;
        Ok(Server { edge: Edge::new(app, config), listener, tls })
    }

    /// The address, with the real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr().expect("a bound listener has an address")
    }

    /// Serves until `shutdown` completes, waits for requests in work, and closes the application.
    ///
    /// # Errors
    ///
    /// As [`App::close`].
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let Server { edge, listener, tls } = self;
        let graceful = GracefulShutdown::new();
        let accepting = accept(&edge, (listener, tls), &graceful);
        tokio::select! {
            () = accepting => {}
            () = shutdown => {}
        }
        let drain = edge.config.limits.drain_timeout;
        if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
            tracing::warn!(seconds = drain.as_secs(), "some requests did not end in time");
        }
        edge.app.close().await?;
        Ok(())
    }
}

async fn accept(
    edge: &Arc<Edge>,
    (listener, tls): (TcpListener, Option<TlsAcceptor>),
    graceful: &GracefulShutdown,
) {
    let router = routes::router(Arc::clone(edge));
    let limits = &edge.config.limits;
    let seats = Seats::new(limits.connections_max, limits.connections_per_address_max);
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                let Some(seat) = seats.take(address.ip()).await else { continue };
                let guest = Guest { edge: Arc::clone(edge), peer: address.ip(), seat };
                let task =
                    connect((stream, tls.clone()), guest, (router.clone(), graceful.watcher()));
                tokio::spawn(task);
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "cannot accept");
                seats.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Who is at the other end, and where it sits.
struct Guest {
    edge: Arc<Edge>,
    peer: IpAddr,
    seat: Arc<Seat>,
}

async fn connect(
    (stream, tls): (TcpStream, Option<TlsAcceptor>),
    guest: Guest,
    (router, watcher): (Router, Watcher),
) {
    // Answers are small and latency is the promise: nothing may wait for the next acknowledgement.
    let _ = stream.set_nodelay(true);
    match tls {
        None => talk(stream, guest, (router, watcher)).await,
        Some(tls) => {
            let limit = guest.edge.config.limits.header_timeout;
            let greeted = tokio::select! {
                greeted = tokio::time::timeout(limit, tls.accept(stream)) => greeted,
                // Who has not even greeted makes room first.
                () = guest.seat.asked_to_leave() => return,
            };
            if let Ok(Ok(stream)) = greeted {
                talk(stream, guest, (router, watcher)).await;
            }
        }
    }
}

async fn talk<S>(stream: S, guest: Guest, (router, watcher): (Router, Watcher))
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (edge, limits) = (&guest.edge, &guest.edge.config.limits);
    edge.metrics.connected();
    let (peer, seat) = (Peer(guest.peer), Arc::clone(&guest.seat));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(Arc::clone(&seat));
        let answering = router.clone().oneshot(request);
        async move { Ok::<_, Infallible>(answering.await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(HEAD_FIELDS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(Patient::new(stream, limits.body_timeout)), service);
    tokio::select! {
        ended = watcher.watch(connection) => if let Err(error) = ended {
            // A client that went away is not an event of this shop.
            tracing::trace!(error = &error as &dyn std::error::Error, "a connection ended early");
        },
        () = guest.seat.asked_to_leave() => {}
    }
    edge.metrics.disconnected();
}
