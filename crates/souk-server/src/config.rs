use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use souk_app::config::ServerSettings;

/// Where and how to listen.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The address; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Certificate and key; `None` speaks plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Bounds on time, size and number.
    pub limits: Limits,
}

/// PEM files for TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, then those that vouch for it.
    pub certificate: PathBuf,
    /// The private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
}

/// Bounds that keep one client from taking what the others need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open connections. For more, those are closed that have waited longest for their clients.
    pub connections_max: usize,
    /// Open connections of one network address; more are closed at once. `None` sets no bound, because
    /// a proxy in front has one address for all.
    pub connections_per_address_max: Option<usize>,
    /// Requests in work at once; more are answered 503 with `Retry-After`. One whose body still arrives
    /// does not count.
    pub requests_max: usize,
    /// Time for the head of a request, and for a connection to stay idle between two.
    pub header_timeout: Duration,
    /// Time for a whole body to arrive, and for a client to take the next bytes of an answer.
    pub body_timeout: Duration,
    /// Time for a whole request.
    pub request_timeout: Duration,
    /// Time that a shutdown waits for requests in work.
    pub drain_timeout: Duration,
    /// Bytes of a body on routes that take lists; Segment's routes have their own limit.
    pub body_bytes_max: usize,
    /// Bytes of all bodies in memory at once; beyond, requests are answered 503.
    pub bodies_bytes_max: usize,
}

impl ServerConfig {
    /// The defaults, at this address.
    pub fn at(listen: SocketAddr) -> ServerConfig {
        let limits = Limits::default();
        ServerConfig { listen, tls: None, limits }
    }

    /// What the section `server` of the settings says.
    pub fn from_settings(settings: &ServerSettings) -> ServerConfig {
        let tls = settings.tls_cert.as_ref().zip(settings.tls_key.as_ref());
        let limits = Limits {
            connections_max: count(settings.connections_max),
            connections_per_address_max: settings.connections_per_address_max.map(count),
            header_timeout: Duration::from_millis(settings.header_timeout_ms),
            body_timeout: Duration::from_millis(settings.body_timeout_ms),
            request_timeout: Duration::from_millis(settings.request_timeout_ms),
            drain_timeout: Duration::from_millis(settings.shutdown_timeout_ms),
            body_bytes_max: count(settings.body_bytes_max),
            bodies_bytes_max: count(settings.bodies_bytes_max),
            ..Limits::default()
        };
        let files = |(certificate, key): (&String, &String)| TlsFiles {
            certificate: certificate.into(),
            key: key.into(),
        };
        ServerConfig { listen: settings.listen, tls: tls.map(files), limits }
    }
}

/// A count as this machine counts; more than it can hold is as good as no bound.
fn count(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 4_096,
            connections_per_address_max: None,
            requests_max: 1_024,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(20),
            request_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(10),
            body_bytes_max: 32 << 20,
            bodies_bytes_max: 256 << 20,
        }
    }
}
