//! Reads the identity provider's public keys over the network: one GET.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use hyper::body::{Body, Incoming};
use hyper::{Request, StatusCode, header};
use souk_app::config::OidcSettings;
use souk_app::{KEY_SET_BYTES_MAX, KeySetSource};
use tokio_rustls::TlsConnector;

use crate::ServeError;
use crate::address::Addresses;
use crate::client::{Exchange, Target, connector, exchange};

/// How long the whole exchange may take; chosen: a person waits for it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the settings say that the keys are; `None` where they say a file, or nothing.
pub(crate) fn source(settings: &OidcSettings) -> Result<Option<Arc<dyn KeySetSource>>, ServeError> {
    let Some(url) = settings.jwks.as_deref().filter(|url| !url.starts_with("file:")) else {
        return Ok(None);
    };
    let wrong = |setting: &'static str| move |why: String| ServeError::SignIn { setting, why };
    let target = Target::parse(url).map_err(wrong("access.oidc.jwks"))?;
    let tls = match target.is_tls() {
        true => {
            let connector = connector(settings.ca_file.as_deref());
            Some(connector.map_err(wrong("access.oidc.ca_file"))?)
        }
        false => None,
    };
    Ok(Some(Arc::new(HttpKeySet { url: url.to_owned(), target, tls })))
}

/// A key set behind a URL.
struct HttpKeySet {
    url: String,
    target: Target,
    tls: Option<TlsConnector>,
}

impl std::fmt::Debug for HttpKeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpKeySet").field("url", &self.url).finish_non_exhaustive()
    }
}

#[async_trait]
impl KeySetSource for HttpKeySet {
    async fn fetch(&self) -> Result<Vec<u8>, String> {
        let outcome = tokio::time::timeout(FETCH_TIMEOUT, self.ask()).await;
        let seconds = FETCH_TIMEOUT.as_secs();
        let outcome = outcome.unwrap_or_else(|_| Err(format!("no answer within {seconds} s")));
        outcome.map_err(|error| format!("{}: {error}", self.url))
    }
}

impl HttpKeySet {
    async fn ask(&self) -> Result<Vec<u8>, String> {
        let request = Request::get("/")
            .header(header::ACCEPT, "application/json")
            .body(axum::body::Body::empty())
            .map_err(|error| error.to_string())?;
        // The provider often stands in the shop's own network.
        let by = (self.tls.as_ref(), &Addresses::Any);
        let exchange = exchange(&self.target, by, request).await?;
        if exchange.answer.status() != StatusCode::OK {
            return Err(format!("answered {}", exchange.answer.status()));
        }
        let Exchange { answer, running } = exchange;
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
