//! Messages to other systems, which must not be lost: a row in the tables for each message and receiver,
//! written in the same step as the state that it tells of, and removed once the receiver has it.
//!
//! A message holds no plaintext of a person. The shopper's id, which a receiver needs to erase the same
//! person, is sealed beside it with a key of its own in the key store, and that key is destroyed as soon
//! as every receiver has the message, or has been given up for `kept_days`. What stays in the tables, in
//! backups and in copies of the key store is noise from then on. `docs/webhooks.md` is the page for
//! users.

mod deliver;
mod ids;
mod rows;
mod sign;

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
use crate::{App, AppError, AuditAct, AuditObject, AuditOperation, Caller, Clock, Operation};

pub(crate) use deliver::start_delivery;
pub(crate) use ids::ShopperId;

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
    /// Messages that it took since the start.
    pub delivered: u64,
    /// Attempts that failed since the start.
    pub failed: u64,
    /// Why the last attempt failed, if the last one did.
    pub last_error: Option<String>,
}

/// A message that waits or was given up, without what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// Names message and endpoint.
    pub id: String,
    /// What it tells of.
    pub what: String,
    /// When that was.
    pub at: Timestamp,
    /// Attempts so far.
    pub attempts: u64,
    /// When it is tried next; `None` for one that was given up.
    pub next_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub error: Option<String>,
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
        Ok(Outbox { settings: settings.clone(), endpoints, sender: OnceLock::new() })
    }

    /// Whether anybody is told of this.
    pub(crate) fn wants(&self, kind: WebhookKind) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.kinds.contains(&kind))
    }

    /// The writes by which a message waits for each of its receivers. They belong into the same write as
    /// the state that it tells of; then call [`Outbox::wake`].
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
                version: 0,
            };
            writes.push(delivery.wait());
        }
        Ok(writes)
    }

    /// Tells the deliveries that there is something to do.
    pub(crate) fn wake(&self) {
        self.endpoints.iter().for_each(|endpoint| endpoint.woken.notify_one());
    }
}

/// A name that nobody had before and that sorts by age.
pub(crate) fn new_id(head: &str, at: Timestamp) -> Result<String, AppError> {
    let mut random = [0u8; 10];
    crate::sealing::fill_random(&mut random)?;
    let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{head}_{:012x}{random}", at.as_ms()))
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
        let known = self.door.outbox.endpoints.iter().map(|endpoint| WebhookState {
            endpoint: endpoint.name.clone(),
            pending: 0,
            dead: 0,
            delivered: endpoint.delivered.load(Relaxed),
            failed: endpoint.failed.load(Relaxed),
            last_error: endpoint.last_error.lock().clone(),
        });
        let mut states: Vec<WebhookState> = known.collect();
        for (partition, is_dead) in [(rows::WAITING, false), (rows::DEAD, true)] {
            for row in rows::all(&self.parts, partition).await? {
                let name = row.sort_key.split_once('/').map_or("", |(_, name)| name);
                let found = states.iter().position(|state| state.endpoint == name);
                let idx = found.unwrap_or_else(|| {
                    states.push(WebhookState {
                        endpoint: name.to_owned(),
                        pending: 0,
                        dead: 0,
                        delivered: 0,
                        failed: 0,
                        last_error: None,
                    });
                    states.len() - 1
                });
                let state = &mut states[idx];
                if is_dead { state.dead += 1 } else { state.pending += 1 }
            }
        }
        Ok(states)
    }

    /// Messages that wait or were given up, oldest first.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the operation; as the tables.
    pub async fn webhook_deliveries(
        &self,
        caller: &Caller,
    ) -> Result<Vec<WebhookDelivery>, AppError> {
        caller.check(Operation::HandleSubjectRequests)?;
        let mut found = Vec::new();
        for (partition, is_dead) in [(rows::DEAD, true), (rows::WAITING, false)] {
            for row in rows::all(&self.parts, partition).await? {
                let delivery = Delivery::read(&row)?;
                found.push(WebhookDelivery {
                    id: row.sort_key,
                    what: delivery.what,
                    at: delivery.at,
                    attempts: delivery.attempts,
                    next_at: (!is_dead).then_some(delivery.next_at),
                    error: delivery.error,
                });
            }
        }
        Ok(found)
    }

    /// Sends a message again that was given up, or all of them, under the same id; returns how many.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`] for an id that names none; [`AppError::Denied`] without the operation; as
    /// the tables.
    pub async fn resend_webhooks(
        &self,
        caller: &Caller,
        id: Option<&str>,
    ) -> Result<u64, AppError> {
        caller.check(Operation::HandleSubjectRequests)?;
        let mut n_again = 0;
        for row in rows::all(&self.parts, rows::DEAD).await? {
            if id.is_some_and(|id| id != row.sort_key) {
                continue;
            }
            let mut delivery = Delivery::read(&row)?;
            let act = AuditAct::new(AuditOperation::WebhookResend)
                .on(AuditObject::of("webhook", &delivery.message_id))
                .with("endpoint", &delivery.endpoint);
            self.audit(caller, act).await?;
            (delivery.attempts, delivery.next_at, delivery.error) = (0, hook_now(), None);
            self.parts.tables.write(&delivery.revive(), hook_now()).await?;
            n_again += 1;
        }
        if let Some(id) = id.filter(|_| n_again == 0) {
            let id = id.chars().take(100).collect();
            return Err(AppError::NotFound { what: "webhook that was given up", id });
        }
        self.door.outbox.wake();
        Ok(n_again)
    }
}

#[cfg(test)]
mod tests;
