//! What operators see of messages, and sending again what was given up.

use souk_core::Timestamp;
use souk_ports::TableError;

use super::deliver::Settled;
use super::hook_now;
use super::rows::{DEAD, Delivery, Pages, UNREADABLE, WAITING, names_of, set_aside_at};
use crate::{App, AppError, AuditAct, AuditObject, AuditOperation, Caller, Operation};

/// How a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It was given up.
    Dead,
    /// It cannot be read.
    Unreadable,
    /// It waits for its next attempt.
    Waiting,
}

/// In the order of the list: what needs somebody comes first.
const LISTED: [(DeliveryState, &str); 3] = [
    (DeliveryState::Dead, DEAD),
    (DeliveryState::Unreadable, UNREADABLE),
    (DeliveryState::Waiting, WAITING),
];

impl DeliveryState {
    /// The name in lists and figures.
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryState::Dead => "dead",
            DeliveryState::Unreadable => "unreadable",
            DeliveryState::Waiting => "waiting",
        }
    }
}

/// A message that waits or was given up, without what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// Names message and endpoint.
    pub id: String,
    /// How it stands.
    pub state: DeliveryState,
    /// What it tells of; empty where that cannot be read.
    pub what: String,
    /// When that was, or when it was found unreadable.
    pub at: Timestamp,
    /// Attempts so far.
    pub attempts: u64,
    /// When it is tried next; `None` for one that is not.
    pub next_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// A part of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookPage {
    /// Dead ones, then unreadable ones, then those that wait, each in the order of their age or turn.
    pub items: Vec<WebhookDelivery>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
}

impl App {
    /// Messages that wait or were given up, a page at a time: `after` is a former page's `next`.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the operation; [`AppError::NotFound`] for an `after` that no page said;
    /// as the tables.
    pub async fn webhook_deliveries(
        &self,
        caller: &Caller,
        after: Option<&str>,
    ) -> Result<WebhookPage, AppError> {
        caller.check(Operation::HandleSubjectRequests)?;
        let (from, key) = match after {
            None => (0, None),
            Some(after) => {
                let (name, key) = after.split_once(':').unwrap_or((after, ""));
                let from = LISTED.iter().position(|(state, _)| state.as_str() == name);
                let id = || after.chars().take(100).collect();
                let from = from.ok_or_else(|| AppError::NotFound { what: "page", id: id() })?;
                (from, Some(key).filter(|key| !key.is_empty()))
            }
        };
        let mut key = key;
        for (state, partition) in LISTED.into_iter().skip(from) {
            if let Some(rows) = Pages::of(&self.parts, partition).after(key.take()).next().await? {
                let next = rows.last().map(|row| format!("{}:{}", state.as_str(), row.sort_key));
                let items = rows.iter().map(|row| entry((state, partition), row)).collect();
                return Ok(WebhookPage { items, next });
            }
        }
        Ok(WebhookPage { items: Vec::new(), next: None })
    }

    /// Sends a message again that was given up, or all of them, under the same id; returns how many.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`] for an id that names none; [`AppError::Denied`] without the operation; as
    /// the tables, a conflict when somebody else sent this one again or dropped it meanwhile.
    pub async fn resend_webhooks(
        &self,
        caller: &Caller,
        id: Option<&str>,
    ) -> Result<u64, AppError> {
        caller.check(Operation::HandleSubjectRequests)?;
        let mut n_again = 0;
        if let Some(id) = id {
            let row = match id.len() {
                1..=300 => self.parts.tables.get(DEAD, id, hook_now()).await?,
                _ => None,
            };
            let shown = id.chars().take(100).collect();
            let none = AppError::NotFound { what: "webhook that was given up", id: shown };
            let delivery = row.and_then(|row| Delivery::read(DEAD, &row)).ok_or(none)?;
            let (partition_key, sort_key) = (DEAD.to_owned(), id.to_owned());
            if self.resend(caller, delivery).await? == Settled::Changed {
                return Err(TableError::Conflict { partition_key, sort_key }.into());
            }
            n_again = 1;
        } else {
            let mut pages = Pages::of(&self.parts, DEAD);
            while let Some(page) = pages.next().await? {
                for delivery in page.iter().filter_map(|row| Delivery::read(DEAD, row)) {
                    let settled = self.resend(caller, delivery).await?;
                    n_again += u64::from(settled == Settled::Done);
                }
            }
        }
        self.door.outbox.wake();
        Ok(n_again)
    }

    async fn resend(&self, caller: &Caller, mut delivery: Delivery) -> Result<Settled, AppError> {
        let act = AuditAct::new(AuditOperation::WebhookResend)
            .on(AuditObject::of("webhook", &delivery.message_id))
            .with("endpoint", &delivery.endpoint);
        self.audit(caller, act).await?;
        (delivery.attempts, delivery.next_at, delivery.error) = (0, hook_now(), None);
        self.settle(&delivery.revive()).await
    }
}

fn entry((state, partition): (DeliveryState, &str), row: &souk_ports::Row) -> WebhookDelivery {
    if let Some(delivery) = Delivery::read(partition, row).filter(|_| partition != UNREADABLE) {
        return WebhookDelivery {
            id: delivery.name(),
            state,
            what: delivery.what,
            at: delivery.at,
            attempts: delivery.attempts,
            next_at: (state == DeliveryState::Waiting).then_some(delivery.next_at),
            error: delivery.error,
        };
    }
    let (message_id, endpoint) = names_of(partition, &row.sort_key).unwrap_or(("?", "?"));
    WebhookDelivery {
        id: format!("{message_id}/{endpoint}"),
        state: DeliveryState::Unreadable,
        what: String::new(),
        at: set_aside_at(row),
        attempts: 0,
        next_at: None,
        error: Some("its row cannot be read".to_owned()),
    }
}
