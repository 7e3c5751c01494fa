//! Carries webhooks to other systems: one POST, to an address that was looked at when connecting.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use hyper::{Request, header};
use souk_app::config::WebhookSettings;
use souk_app::{HookCall, HookSender};
use tokio_rustls::TlsConnector;

use crate::ServeError;
use crate::address::Addresses;
use crate::client::{Target, connector, exchange};

/// What receivers see of the sender.
const AGENT: &str = concat!("souk/", env!("CARGO_PKG_VERSION"));

/// What carries webhooks; `None` while the settings name no endpoint.
pub(crate) fn sender(
    settings: &WebhookSettings,
) -> Result<Option<Arc<dyn HookSender>>, ServeError> {
    let mut tls = None;
    for (idx, endpoint) in settings.endpoints.iter().enumerate() {
        let target = Target::parse(&endpoint.url).map_err(|why| ServeError::Webhooks {
            setting: format!("privacy.webhooks.endpoints[{idx}].url"),
            why,
        })?;
        if target.is_tls() && tls.is_none() {
            let connector = connector(settings.ca_file.as_deref());
            tls = Some(connector.map_err(|why| ServeError::Webhooks {
                setting: "privacy.webhooks.ca_file".to_owned(),
                why,
            })?);
        }
    }
    if settings.endpoints.is_empty() {
        return Ok(None);
    }
    let setting = "privacy.webhooks.allowed_networks";
    let addresses = Addresses::Public { allowed: settings.networks(), setting };
    Ok(Some(Arc::new(HttpHooks { tls, addresses, allows_http: settings.allow_http })))
}

/// Carries webhooks over HTTP.
struct HttpHooks {
    tls: Option<TlsConnector>,
    addresses: Addresses,
    allows_http: bool,
}

impl std::fmt::Debug for HttpHooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpHooks").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

#[async_trait]
impl HookSender for HttpHooks {
    async fn post(&self, call: HookCall<'_>) -> Result<u16, String> {
        let target = Target::parse(call.url)?;
        if !target.is_tls() && !self.allows_http {
            return Err("http:// is not allowed by `privacy.webhooks.allow_http`".to_owned());
        }
        let mut request = Request::post("/")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, AGENT);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Body::from(call.body)).map_err(|error| error.to_string())?;
        let asking = exchange(&target, (self.tls.as_ref(), &self.addresses), request);
        match tokio::time::timeout(call.timeout, asking).await {
            // What it says beside the status is of no use, and may be endless: it is not read.
            Ok(exchange) => exchange.map(|exchange| exchange.answer.status().as_u16()),
            Err(_) => Err(format!("no answer within {} ms", call.timeout.as_millis())),
        }
    }
}
