//! Reads the identity provider's public keys over the network: one GET, no redirects, no cookies.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Uri, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use souk_app::config::OidcSettings;
use souk_app::{KEY_SET_BYTES_MAX, KeySetSource};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::ServeError;

/// How long the whole exchange may take; chosen: a person waits for it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the settings say that the keys are; `None` where they say a file, or nothing.
pub(crate) fn source(settings: &OidcSettings) -> Result<Option<Arc<dyn KeySetSource>>, ServeError> {
    let Some(url) = settings.jwks.as_deref().filter(|url| !url.starts_with("file:")) else {
        return Ok(None);
    };
    let wrong = |why: &str| ServeError::SignIn { setting: "access.oidc.jwks", why: why.to_owned() };
    let uri: Uri = url.parse().map_err(|_| wrong("this is no URL; write https://host/path"))?;
    let host =
        uri.host().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it names no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let is_tls = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let tls = match is_tls {
        true => Some((connector(settings.ca_file.as_deref())?, server_name(&host)?)),
        false => None,
    };
    Ok(Some(Arc::new(HttpKeySet { uri, host, port, tls })))
}

fn server_name(host: &str) -> Result<ServerName<'static>, ServeError> {
    ServerName::try_from(host.to_owned()).map_err(|_| ServeError::SignIn {
        setting: "access.oidc.jwks",
        why: format!("`{host}` is no host name"),
    })
}

fn connector(ca_file: Option<&str>) -> Result<TlsConnector, ServeError> {
    let wrong = |why: String| ServeError::SignIn { setting: "access.oidc.ca_file", why };
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let read = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let found = read.map_err(|error| wrong(format!("{path}: {error}")))?;
            for certificate in found {
                roots.add(certificate).map_err(|error| wrong(format!("{path}: {error}")))?;
            }
        }
        // One odd certificate in the system's store must not close the door.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        let why = "no authority is known that could vouch for the host; name a PEM file of them";
        return Err(wrong(why.to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// A key set behind a URL.
struct HttpKeySet {
    uri: Uri,
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl std::fmt::Debug for HttpKeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpKeySet").field("uri", &self.uri).finish_non_exhaustive()
    }
}

#[async_trait]
impl KeySetSource for HttpKeySet {
    async fn fetch(&self) -> Result<Vec<u8>, String> {
        let outcome = tokio::time::timeout(FETCH_TIMEOUT, self.exchange()).await;
        let seconds = FETCH_TIMEOUT.as_secs();
        let outcome = outcome.unwrap_or_else(|_| Err(format!("no answer within {seconds} s")));
        outcome.map_err(|error| format!("{}: {error}", self.uri))
    }
}

impl HttpKeySet {
    async fn exchange(&self) -> Result<Vec<u8>, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(|error| error.to_string())?;
        match &self.tls {
            None => self.ask(stream).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await;
                self.ask(stream.map_err(|error| error.to_string())?).await
            }
        }
    }

    async fn ask<S>(&self, stream: S) -> Result<Vec<u8>, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let shaken = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.map_err(|error| error.to_string())?;
        let running = AbortOnDrop(tokio::spawn(connection));
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let authority = self.uri.authority().map(hyper::http::uri::Authority::as_str);
        let request = Request::get(path)
            .header(header::HOST, authority.unwrap_or(&self.host))
            .header(header::ACCEPT, "application/json")
            .body(axum::body::Body::empty())
            .map_err(|error| error.to_string())?;
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        // A redirect would let whoever answers choose another host.
        if answer.status() != hyper::StatusCode::OK {
            return Err(format!("answered {}", answer.status()));
        }
        let body = collect(answer.into_body()).await;
        drop(running);
        body
    }
}

async fn collect(body: Incoming) -> Result<Vec<u8>, String> {
    let too_long = || format!("over {KEY_SET_BYTES_MAX} bytes");
    if body.size_hint().lower() > KEY_SET_BYTES_MAX as u64 {
        return Err(too_long());
    }
    let mut stream = axum::body::Body::new(body).into_data_stream();
    let mut whole = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk: Bytes = chunk.map_err(|error| error.to_string())?;
        if whole.len() + chunk.len() > KEY_SET_BYTES_MAX {
            return Err(too_long());
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}

/// A connection ends with the question, also when nobody waits for the answer any more.
struct AbortOnDrop(tokio::task::JoinHandle<hyper::Result<()>>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
