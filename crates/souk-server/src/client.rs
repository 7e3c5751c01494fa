//! The one HTTP client: a single exchange on a connection of its own. No redirects, because whoever
//! answers would choose another host; no cookies, no proxies, nothing kept between two exchanges.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response, Uri, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::address::Addresses;

/// Where a URL points to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    uri: Uri,
    host: String,
    port: u16,
    /// The name that the certificate must have; `None` for `http://`.
    tls_name: Option<ServerName<'static>>,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn parse(url: &str) -> Result<Target, String> {
        let uri: Uri =
            url.parse().map_err(|_| "this is no URL; write https://host/path".to_owned())?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or("it names no host")?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_tls = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let tls_name = match is_tls {
            true => Some(
                ServerName::try_from(host.clone())
                    .map_err(|_| format!("`{host}` is no host name"))?,
            ),
            false => None,
        };
        Ok(Target { uri, host, port, tls_name })
    }

    /// Whether the connection is sealed.
    pub(crate) fn is_tls(&self) -> bool {
        self.tls_name.is_some()
    }

    fn path(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }

    fn authority(&self) -> &str {
        self.uri.authority().map_or(&self.host, |authority| authority.as_str())
    }
}

/// What is trusted to vouch for hosts.
///
/// # Errors
///
/// What is wrong with the file.
pub(crate) fn connector(ca_file: Option<&str>) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let read = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let found = read.map_err(|error| format!("{path}: {error}"))?;
            for certificate in found {
                roots.add(certificate).map_err(|error| format!("{path}: {error}"))?;
            }
        }
        // One odd certificate in the system's store must not close the door.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        let why = "no authority is known that could vouch for the host; name a PEM file of them";
        return Err(why.to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// An answer, whose connection ends with it.
pub(crate) struct Exchange {
    pub(crate) answer: Response<Incoming>,
    pub(crate) running: AbortOnDrop,
}

/// A connection ends with the question, also when nobody waits for the answer any more.
pub(crate) struct AbortOnDrop(tokio::task::JoinHandle<hyper::Result<()>>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Sends a request, whose path and `Host` are those of the target, and returns the head of the answer.
///
/// # Errors
///
/// What went wrong, for the log.
pub(crate) async fn exchange(
    target: &Target,
    (connector, addresses): (Option<&TlsConnector>, &Addresses),
    mut request: Request<Body>,
) -> Result<Exchange, String> {
    *request.uri_mut() = target.path().parse().map_err(|_| "the path is none".to_owned())?;
    let host = header::HeaderValue::from_str(target.authority()).map_err(|e| e.to_string())?;
    request.headers_mut().insert(header::HOST, host);
    let stream = connect(target, addresses).await?;
    match (&target.tls_name, connector) {
        (None, _) => ask(stream, request).await,
        (Some(name), Some(connector)) => {
            let stream = connector.connect(name.clone(), stream).await;
            ask(stream.map_err(|error| error.to_string())?, request).await
        }
        (Some(_), None) => Err("no authority is known that could vouch for the host".to_owned()),
    }
}

/// Looks the name up and connects to the very address that was looked at: a second look-up could be
/// answered otherwise (DNS rebinding).
async fn connect(target: &Target, addresses: &Addresses) -> Result<TcpStream, String> {
    let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await;
    let found: Vec<SocketAddr> = found.map_err(|error| error.to_string())?.collect();
    let mut why = format!("`{}` has no address", target.host);
    for address in found {
        if !addresses.allow(address.ip()) {
            why = addresses.refusal(&target.host, address.ip());
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

async fn ask<S>(stream: S, request: Request<Body>) -> Result<Exchange, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(|error| error.to_string())?;
    let running = AbortOnDrop(tokio::spawn(connection));
    let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
    Ok(Exchange { answer, running })
}
