//! Messages to other systems, which must not be lost: a row in the tables for each message and receiver,
//! written in the same step as the state that it tells of, and removed once the receiver has it.
//!
//! A message holds no plaintext of a person. The shopper's id, which a receiver needs to erase the same
//! person, is sealed beside it with a key of its own in the key store, and that key is destroyed as soon
//! as every receiver has the message, or was given up `kept_days` ago, and not before. What stays in the tables, in
//! backups and in copies of the key store is noise from then on. `docs/webhooks.md` is the page for
//! users.

mod counts;
mod deliver;
mod ids;
mod list;
mod rows;
mod sign;
mod tidy;

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;
use souk_core::Timestamp;
use souk_ports::Write;
use tokio::sync::Notify;

use crate::config::{WebhookEndpoint, WebhookKind, WebhookSettings};
use crate::{App, AppError, Clock};

pub(crate) use deliver::start_delivery;
pub(crate) use ids::ShopperId;
pub use list::{DeliveryState, WebhookDelivery, WebhookPage};

use counts::Counts;
use rows::Delivery;
use sign::HookSecrets;

/// Receivers check how old a message is by their own clocks, so sample data's standing clock must not
/// date one.
fn hook_now() -> Timestamp {
    Clock::system().now()
}

/// One attempt to hand over a message.
#[derive(Debug)]
pub struct HookCall<'a> {
    /// Where to.
    pub url: &'a str,
    /// What signs it, by the name of the header.
    pub headers: [(&'static str, String); 3],
    /// A JSON object.
    pub body: Vec<u8>,
    /// How long it may take, from the look-up of the name to the head of the answer.
    pub timeout: Duration,
}

/// What carries messages over the network.
#[async_trait]
pub trait HookSender: Debug + Send + Sync {
    /// Posts a message and returns the status of the answer; follows no redirect, and connects to no
    /// address that the settings do not allow.
    ///
    /// # Errors
    ///
    /// What went wrong, for the log; nothing of the body.
    async fn post(&self, call: HookCall<'_>) -> Result<u16, String>;
}

/// A message before it has receivers.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// Which endpoints want it.
    pub(crate) kind: WebhookKind,
    /// What happened, as `privacy_request.verified`.
    pub(crate) what: &'static str,
    /// What there is to know, without the person.
    pub(crate) facts: Value,
    /// Where the person's ids are sealed; `None` for a message that needs none.
    pub(crate) ids: Option<String>,
}

/// One that is told.
#[derive(Debug)]
struct Endpoint {
    name: String,
    url: String,
    kinds: Vec<WebhookKind>,
    secrets: HookSecrets,
    woken: Arc<Notify>,
    delivered: AtomicU64,
    failed: AtomicU64,
    last_error: Mutex<Option<String>>,
}

/// What the settings say of receivers, and what became of messages since the start.
#[derive(Debug)]
pub(crate) struct Outbox {
    settings: WebhookSettings,
    endpoints: Vec<Endpoint>,
    counts: Counts,
    sender: OnceLock<Arc<dyn HookSender>>,
}

/// How messages to one receiver stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookState {
    /// The endpoint's name; of one that left the settings, too, while it has messages.
    pub endpoint: String,
    /// Messages that wait for their next attempt.
    pub pending: u64,
    /// Messages that were given up.
    pub dead: u64,
    /// Messages whose rows cannot be read and were set aside.
    pub unreadable: u64,
    /// Messages that it took since the start.
    pub delivered: u64,
    /// Attempts that failed since the start.
    pub failed: u64,
    /// Why the last attempt failed, if the last one did.
    pub last_error: Option<String>,
}

impl Outbox {
    pub(crate) fn open(settings: &WebhookSettings) -> Result<Outbox, AppError> {
        let endpoint = |(idx, endpoint): (usize, &WebhookEndpoint)| {
            Ok(Endpoint {
                name: endpoint.name.clone(),
                url: endpoint.url.clone(),
                kinds: endpoint.kinds.clone(),
                secrets: HookSecrets::open(idx, endpoint)?,
                woken: Arc::default(),
                delivered: AtomicU64::new(0),
                failed: AtomicU64::new(0),
                last_error: Mutex::default(),
            })
        };
        let endpoints = settings.endpoints.iter().enumerate().map(endpoint);
        let endpoints = endpoints.collect::<Result<_, AppError>>()?;
        let counts = Counts::default();
        Ok(Outbox { settings: settings.clone(), endpoints, counts, sender: OnceLock::new() })
    }

    /// Whether anybody is told of this.
    pub(crate) fn wants(&self, kind: WebhookKind) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.kinds.contains(&kind))
    }

    /// The writes by which a message waits for each of its receivers. They belong into the same write as
    /// the state that it tells of; then call [`Outbox::written`].
    pub(crate) fn writes(&self, message: &Message) -> Result<Vec<Write>, AppError> {
        let wanting = self.endpoints.iter().filter(|one| one.kinds.contains(&message.kind));
        let mut writes = Vec::new();
        let mut message_id = None;
        for endpoint in wanting {
            let id = match &message_id {
                Some(id) => id,
                None => message_id.insert(new_id("msg", hook_now())?),
            };
            let delivery = Delivery {
                message_id: id.clone(),
                endpoint: endpoint.name.clone(),
                what: message.what.to_owned(),
                at: hook_now(),
                facts: message.facts.clone(),
                ids: message.ids.clone(),
                attempts: 0,
                next_at: hook_now(),
                error: None,
                stored: (String::new(), 0),
            };
            writes.extend(delivery.wait());
        }
        Ok(writes)
    }

    /// Takes note of writes that were written and wakes the deliveries.
    pub(crate) fn written(&self, writes: &[Write]) {
        self.counts.note(writes);
        self.wake();
    }

    /// Tells the deliveries that there is something to do.
    fn wake(&self) {
        self.endpoints.iter().for_each(|endpoint| endpoint.woken.notify_one());
    }
}

/// A name that nobody had before and that sorts by age.
pub(crate) fn new_id(head: &str, at: Timestamp) -> Result<String, AppError> {
    let mut random = [0u8; 10];
    crate::sealing::fill_random(&mut random)?;
    Ok(format!("{head}_{:012x}{}", at.as_ms(), souk_core::hexadecimal(&random)))
}

impl App {
    /// Says what carries webhooks over the network; until then they wait. The first call counts.
    pub fn set_webhook_sender(&self, sender: Arc<dyn HookSender>) {
        let _ = self.door.outbox.sender.set(sender);
        self.door.outbox.wake();
    }

    /// How messages stand, by endpoint.
    ///
    /// # Errors
    ///
    /// As the tables.
    pub async fn webhook_states(&self) -> Result<Vec<WebhookState>, AppError> {
        let mut counts = self.outbox_counts().await?;
        let mut states = Vec::new();
        for endpoint in &self.door.outbox.endpoints {
            let mut state = state_of(&endpoint.name, counts.remove(&endpoint.name));
            state.delivered = endpoint.delivered.load(Relaxed);
            state.failed = endpoint.failed.load(Relaxed);
            state.last_error = endpoint.last_error.lock().clone();
            states.push(state);
        }
        let others = counts.into_iter().filter(|(_, numbers)| numbers.iter().any(|n| *n > 0));
        states.extend(others.map(|(name, numbers)| state_of(&name, Some(numbers))));
        Ok(states)
    }
}

fn state_of(endpoint: &str, numbers: Option<counts::Numbers>) -> WebhookState {
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    let [pending, dead, unreadable] = numbers.unwrap_or_default().map(count);
    WebhookState {
        endpoint: endpoint.to_owned(),
        pending,
        dead,
        unreadable,
        delivered: 0,
        failed: 0,
        last_error: None,
    }
}

#[cfg(test)]
mod tests;
