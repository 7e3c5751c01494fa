//! Hands messages over: one task for each endpoint, so that a slow one holds up nobody else.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::{Value, json};
use souk_core::Timestamp;
use souk_ports::TableError;

use super::rows::{CLASSES, Delivery, WAITING, first};
use super::{Endpoint, HookCall, HookSender, hook_now};
use crate::{App, AppError, AuditAct, AuditObject, AuditOperation, Caller, Outcome};

/// How long a task sleeps when nothing is due and nobody wakes it.
const PAUSE: Duration = Duration::from_secs(60);
/// How soon to look again after a failure of the storage, or before the start is over.
const TROUBLE_PAUSE: Duration = Duration::from_secs(5);
/// Messages of one read: an erasure waits for so many others at most.
const AT_ONCE: u32 = 16;
/// What a receiver answers that wants nothing more of this kind.
const GONE: u16 = 410;

/// Starts what delivers and tidies; it ends with the application.
pub(crate) fn start_delivery(app: &Arc<App>) {
    for idx in 0..app.door.outbox.endpoints.len() {
        tokio::spawn(keep_delivering(Arc::downgrade(app), idx));
    }
    tokio::spawn(super::tidy::keep_tidy(Arc::downgrade(app)));
}

async fn keep_delivering(app: Weak<App>, idx: usize) {
    loop {
        let Some(strong) = app.upgrade() else { return };
        let pause = match strong.deliver_due(idx).await {
            Ok(Some(next)) => {
                let ms = u64::try_from(next.ms_since(hook_now())).unwrap_or(0);
                Duration::from_millis(ms).min(PAUSE)
            }
            Ok(None) => PAUSE,
            Err(error) => {
                tracing::warn!(%error, "webhooks cannot be delivered; it is tried again");
                TROUBLE_PAUSE
            }
        };
        let woken = Arc::clone(&strong.door.outbox.endpoints[idx].woken);
        drop(strong);
        let _ = tokio::time::timeout(pause, woken.notified()).await;
    }
}

/// Whether a row was as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// It is written.
    Done,
    /// Somebody else wrote it; nothing was written.
    Changed,
}

/// What became of an attempt.
enum Attempt {
    Taken,
    /// It failed, and may work later.
    Failed(String),
    /// It cannot work any more.
    Hopeless(String),
}

impl App {
    /// Tries every message of the endpoint that is due, and returns when the next one is.
    ///
    /// Reads a few at a time from the head of what is due, erasures first, so that news of an erasure
    /// waits for a few others at most.
    async fn deliver_due(&self, idx: usize) -> Result<Option<Timestamp>, AppError> {
        let outbox = &self.door.outbox;
        let (Some(sender), endpoint) = (outbox.sender.get(), &outbox.endpoints[idx]) else {
            return Ok(None);
        };
        loop {
            let (mut due, mut next) = (Vec::new(), None);
            for class in CLASSES {
                let (now_due, later) = self.due_of(&endpoint.name, class).await?;
                next = [next, later].into_iter().flatten().min();
                due = now_due;
                if !due.is_empty() {
                    break;
                }
            }
            if due.is_empty() {
                return Ok(next);
            }
            for delivery in due {
                if self.deliver((endpoint, &**sender), delivery).await? == Settled::Changed {
                    return Ok(Some(hook_now().plus_ms(TROUBLE_PAUSE.as_millis() as i64)));
                }
            }
        }
    }

    /// The first messages of a class that are due, or else when the first of it is. What cannot be read
    /// is set aside.
    async fn due_of(
        &self,
        endpoint: &str,
        class: &str,
    ) -> Result<(Vec<Delivery>, Option<Timestamp>), AppError> {
        let mut due = Vec::new();
        let prefix = format!("{endpoint}/{class}/");
        loop {
            let rows = first(&self.parts, (WAITING, &prefix), AT_ONCE).await?;
            let mut n_aside = 0;
            for row in rows {
                match Delivery::read(WAITING, &row) {
                    None => {
                        self.set_aside(WAITING, &row).await?;
                        n_aside += 1;
                    }
                    Some(delivery) if delivery.next_at <= hook_now() => due.push(delivery),
                    Some(delivery) if due.is_empty() => return Ok((due, Some(delivery.next_at))),
                    Some(_) => return Ok((due, None)),
                }
            }
            // A page of nothing but bad rows says nothing of what is behind it.
            if n_aside == 0 || !due.is_empty() {
                return Ok((due, None));
            }
        }
    }

    /// Tries a message and writes down what became of it.
    async fn deliver(
        &self,
        (endpoint, sender): (&Endpoint, &dyn HookSender),
        mut delivery: Delivery,
    ) -> Result<Settled, AppError> {
        let attempt = self.attempt((endpoint, sender), &delivery).await?;
        delivery.attempts += 1;
        let error = match attempt {
            Attempt::Taken => {
                endpoint.delivered.fetch_add(1, Relaxed);
                *endpoint.last_error.lock() = None;
                // Whom the id was handed to is on record before the message is forgotten.
                if delivery.ids.is_some() {
                    self.note_delivery(AuditOperation::WebhookDeliver, &delivery, Outcome::Done)
                        .await?;
                }
                let settled = self.settle(&delivery.done()).await?;
                if let Some(owner) = &delivery.ids {
                    self.release_ids(owner).await?;
                }
                return Ok(settled);
            }
            Attempt::Failed(error)
                if delivery.attempts < self.door.outbox.settings.attempts_max =>
            {
                let pause = self.pause_after(delivery.attempts)?;
                delivery.next_at = hook_now().plus_ms(pause);
                self.count_failure(endpoint, &error);
                delivery.error = Some(error);
                return self.settle(&delivery.wait_again()).await;
            }
            Attempt::Failed(error) | Attempt::Hopeless(error) => error,
        };
        self.count_failure(endpoint, &error);
        self.bury(delivery, error).await
    }

    fn count_failure(&self, endpoint: &Endpoint, error: &str) {
        endpoint.failed.fetch_add(1, Relaxed);
        tracing::warn!(endpoint = endpoint.name, error, "a webhook was not delivered");
        *endpoint.last_error.lock() = Some(error.to_owned());
    }

    /// Gives a message up.
    pub(super) async fn bury(
        &self,
        mut delivery: Delivery,
        error: String,
    ) -> Result<Settled, AppError> {
        delivery.next_at = hook_now();
        delivery.error = Some(error);
        tracing::error!(
            message_id = delivery.message_id,
            endpoint = delivery.endpoint,
            what = delivery.what,
            attempts = delivery.attempts,
            "a webhook is given up; `souk privacy webhooks` lists it and sends it again"
        );
        // An entry about a head would make another head, and so on for ever.
        if delivery.what != crate::audit::HEAD_MESSAGE {
            self.note_delivery(AuditOperation::WebhookDeliver, &delivery, Outcome::Failed).await?;
        }
        self.settle(&delivery.bury()).await
    }

    /// Writes what became of a message, unless somebody else did meanwhile.
    pub(super) async fn settle(&self, writes: &[souk_ports::Write]) -> Result<Settled, AppError> {
        match self.parts.tables.write(writes, hook_now()).await {
            Ok(_) => {
                self.door.outbox.counts.note(writes);
                Ok(Settled::Done)
            }
            Err(TableError::Conflict { .. }) => Ok(Settled::Changed),
            Err(error) => Err(error.into()),
        }
    }

    async fn attempt(
        &self,
        (endpoint, sender): (&Endpoint, &dyn HookSender),
        delivery: &Delivery,
    ) -> Result<Attempt, AppError> {
        let mut data = delivery.facts.clone();
        if let Some(owner) = &delivery.ids {
            let Some(ids) = self.open_ids(owner).await? else {
                let why = "the person's id is no longer kept, so the receiver would not know whom";
                return Ok(Attempt::Hopeless(why.to_owned()));
            };
            data["subject"] = json!({"ids": ids});
        }
        let body = body_of((&delivery.what, delivery.at), data);
        let seconds = hook_now().as_ms() / 1_000;
        let headers = [
            ("webhook-id", delivery.message_id.clone()),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", endpoint.secrets.sign(&delivery.message_id, seconds, &body)),
        ];
        let timeout = Duration::from_millis(self.door.outbox.settings.timeout_ms);
        let call = HookCall { url: &endpoint.url, headers, body, timeout };
        Ok(match sender.post(call).await {
            Ok(200..=299) => Attempt::Taken,
            Ok(GONE) => Attempt::Hopeless("answered 410: it wants no more of these".to_owned()),
            Ok(status @ 300..=399) => {
                Attempt::Failed(format!("answered {status}; redirects are not followed"))
            }
            Ok(status) => Attempt::Failed(format!("answered {status}")),
            Err(error) => Attempt::Failed(error),
        })
    }

    /// Milliseconds before the attempt after this many: four times as long each time, at most
    /// `retry_max_s`, less a random part of up to a half, so that what failed together does not come back
    /// together.
    fn pause_after(&self, attempts: u64) -> Result<i64, AppError> {
        let settings = &self.door.outbox.settings;
        let doublings = u32::try_from(attempts.saturating_sub(1).min(20) * 2).unwrap_or(40);
        let longest = settings.retry_max_s * 1_000;
        let pause = settings.retry_first_ms.saturating_mul(1 << doublings).min(longest);
        let mut random = [0u8; 2];
        crate::sealing::fill_random(&mut random)?;
        let less = pause / 2 * u64::from(u16::from_be_bytes(random)) / u64::from(u16::MAX);
        Ok(i64::try_from(pause - less).unwrap_or(i64::MAX))
    }

    pub(super) async fn note_delivery(
        &self,
        operation: AuditOperation,
        delivery: &Delivery,
        outcome: Outcome,
    ) -> Result<(), AppError> {
        let mut act = AuditAct::new(operation)
            .on(AuditObject::of("webhook", &delivery.message_id))
            .ending(outcome)
            .with("endpoint", &delivery.endpoint)
            .with("what", &delivery.what)
            .with("attempts", delivery.attempts);
        if let Some(request) = delivery.facts["request_id"].as_str() {
            act = act.with("request", request);
        }
        self.audit(&Caller::local_admin(), act).await?;
        Ok(())
    }
}

/// The body of a message: the same bytes at every attempt.
fn body_of((what, at): (&str, Timestamp), data: Value) -> Vec<u8> {
    json!({"type": what, "timestamp": at.to_string(), "data": data}).to_string().into_bytes()
}
