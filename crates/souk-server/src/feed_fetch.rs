//! Fetches feeds: one GET, written to a file, from an address that was looked at when connecting.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt;
use hyper::{HeaderMap, Request, StatusCode, header};
use souk_app::config::FeedsSettings;
use souk_app::{FeedCall, FeedFetcher, Fetched, Validators};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;

use crate::ServeError;
use crate::address::Addresses;
use crate::client::{Exchange, Target, connector, exchange};

/// What servers see of the program.
const AGENT: &str = concat!("souk/", env!("CARGO_PKG_VERSION"));
/// Bytes of a mark that are kept; chosen: servers use some ten.
const VALIDATOR_BYTES_MAX: usize = 1_000;

/// What fetches the feeds of the settings over HTTP.
///
/// # Errors
///
/// [`ServeError::Feeds`] for a URL or a file of authorities that cannot be used.
pub fn feed_fetcher(settings: &FeedsSettings) -> Result<Arc<dyn FeedFetcher>, ServeError> {
    let mut tls = None;
    for (idx, source) in settings.sources.iter().enumerate() {
        let Some(url) = &source.url else { continue };
        let target = Target::parse(url).map_err(|why| ServeError::Feeds {
            setting: format!("feeds.sources[{idx}].url"),
            why,
        })?;
        if target.is_tls() && tls.is_none() {
            let connector = connector(settings.ca_file.as_deref());
            let setting = "feeds.ca_file".to_owned();
            tls = Some(connector.map_err(|why| ServeError::Feeds { setting, why })?);
        }
    }
    let addresses =
        Addresses::Public { allowed: settings.networks(), setting: "feeds.allowed_networks" };
    Ok(Arc::new(HttpFeeds { tls, addresses, allows_http: settings.allow_http }))
}

/// Fetches feeds over HTTP.
struct HttpFeeds {
    tls: Option<TlsConnector>,
    addresses: Addresses,
    allows_http: bool,
}

impl std::fmt::Debug for HttpFeeds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpFeeds").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

#[async_trait]
impl FeedFetcher for HttpFeeds {
    async fn fetch(&self, call: FeedCall<'_>, to: &Path) -> Result<Fetched, String> {
        let seconds = call.timeout.as_secs();
        let outcome = tokio::time::timeout(call.timeout, self.ask(call, to)).await;
        outcome.unwrap_or_else(|_| Err(format!("it was not there within {seconds} s")))
    }
}

impl HttpFeeds {
    async fn ask(&self, call: FeedCall<'_>, to: &Path) -> Result<Fetched, String> {
        let target = Target::parse(call.url)?;
        if !target.is_tls() && !self.allows_http {
            return Err("http:// is not allowed by `feeds.allow_http`".to_owned());
        }
        let mut request = Request::get("/")
            .header(header::USER_AGENT, AGENT)
            .header(header::ACCEPT_ENCODING, "identity");
        if let Some(etag) = &call.validators.etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        if let Some(date) = &call.validators.last_modified {
            request = request.header(header::IF_MODIFIED_SINCE, date);
        }
        let request = request.body(Body::empty()).map_err(|error| error.to_string())?;
        let Exchange { answer, running } =
            exchange(&target, (self.tls.as_ref(), &self.addresses), request).await?;
        let validators = validators(answer.headers());
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if *call.validators != Validators::default() => {
                return Ok(Fetched::Unchanged);
            }
            status if status.is_redirection() => {
                return Err(format!(
                    "answered {status}; redirects are not followed: name the file's own URL"
                ));
            }
            status => return Err(format!("answered {status}")),
        }
        if let Some(encoding) = answer.headers().get(header::CONTENT_ENCODING)
            && encoding != "identity"
        {
            return Err("answered in a content encoding that was not asked for".to_owned());
        }
        let body = Body::new(answer.into_body());
        write(body, to, call.bytes_max).await?;
        drop(running);
        Ok(Fetched::Whole(validators))
    }
}

fn validators(headers: &HeaderMap) -> Validators {
    let text = |name| {
        let value = headers.get(name)?.to_str().ok()?;
        (value.len() <= VALIDATOR_BYTES_MAX).then(|| value.to_owned())
    };
    Validators { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) }
}

async fn write(body: Body, to: &Path, bytes_max: u64) -> Result<(), String> {
    let of_file = |error: std::io::Error| format!("cannot write {}: {error}", to.display());
    let mut file = tokio::fs::File::create(to).await.map_err(of_file)?;
    let mut stream = body.into_data_stream();
    let mut n_bytes = 0;
    while let Some(chunk) = stream.next().await {
        let chunk: Bytes = chunk.map_err(|error| format!("it broke off: {error}"))?;
        n_bytes += chunk.len() as u64;
        if n_bytes > bytes_max {
            return Err(format!("it is over {bytes_max} bytes, the limit of `feeds.bytes_max`"));
        }
        file.write_all(&chunk).await.map_err(of_file)?;
    }
    file.flush().await.map_err(of_file)?;
    Ok(())
}
