//! Messages as rows of the tables: those that wait, and those that were given up.

use serde_json::{Value, json};
use souk_core::Timestamp;
use souk_ports::{Condition, Row, TableRange, Write, WriteChange};

use super::hook_now;
use crate::{AppError, Parts};

/// Messages that wait for an attempt, by message and endpoint.
pub(super) const WAITING: &str = "outbox";
/// Messages that were given up.
pub(super) const DEAD: &str = "outbox-dead";
/// Rows in one read.
const PAGE: u32 = 1_000;

/// A message to one receiver.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    /// The same for every receiver and attempt.
    pub(super) message_id: String,
    pub(super) endpoint: String,
    pub(super) what: String,
    pub(super) at: Timestamp,
    pub(super) facts: Value,
    /// Where the person's ids are sealed.
    pub(super) ids: Option<String>,
    pub(super) attempts: u64,
    /// When it is tried next; of one that was given up, when that was.
    pub(super) next_at: Timestamp,
    pub(super) error: Option<String>,
    pub(super) version: u64,
}

impl Delivery {
    fn key(&self) -> String {
        format!("{}/{}", self.message_id, self.endpoint)
    }

    fn value(&self) -> Vec<u8> {
        let value = json!({
            "version": 1,
            "what": self.what,
            "at": self.at.to_string(),
            "facts": self.facts,
            "ids": self.ids,
            "attempts": self.attempts,
            "next_at": self.next_at.to_string(),
            "error": self.error,
        });
        value.to_string().into_bytes()
    }

    /// Reads the stored form.
    pub(super) fn read(row: &Row) -> Result<Delivery, AppError> {
        let read = || {
            let value: Value = serde_json::from_slice(&row.value).ok()?;
            let (message_id, endpoint) = row.sort_key.split_once('/')?;
            let text = |name: &str| value[name].as_str().map(str::to_owned);
            let time = |name: &str| Timestamp::parse(value[name].as_str()?).ok();
            Some(Delivery {
                message_id: message_id.to_owned(),
                endpoint: endpoint.to_owned(),
                what: text("what")?,
                at: time("at")?,
                facts: value["facts"].clone(),
                ids: text("ids"),
                attempts: value["attempts"].as_u64()?,
                next_at: time("next_at")?,
                error: text("error"),
                version: row.version,
            })
        };
        read().ok_or_else(|| AppError::Bug(format!("webhook {} cannot be read", row.sort_key)))
    }

    fn write(&self, partition: &str, (condition, change): (Condition, WriteChange)) -> Write {
        let (partition_key, sort_key) = (partition.to_owned(), self.key());
        Write { partition_key, sort_key, condition, change }
    }

    fn put(&self) -> WriteChange {
        WriteChange::Put { value: self.value(), expires_at: None }
    }

    fn is_mine(&self) -> Condition {
        Condition::Version(self.version)
    }

    /// It is new and waits.
    pub(super) fn wait(&self) -> Write {
        self.write(WAITING, (Condition::Any, self.put()))
    }

    /// It failed and waits again.
    pub(super) fn wait_again(&self) -> [Write; 1] {
        [self.write(WAITING, (self.is_mine(), self.put()))]
    }

    /// The receiver has it.
    pub(super) fn done(&self) -> [Write; 1] {
        [self.write(WAITING, (self.is_mine(), WriteChange::Delete))]
    }

    /// It is given up.
    pub(super) fn bury(&self) -> [Write; 2] {
        let gone = self.write(WAITING, (self.is_mine(), WriteChange::Delete));
        [gone, self.write(DEAD, (Condition::Any, self.put()))]
    }

    /// It was given up and waits once more.
    pub(super) fn revive(&self) -> [Write; 2] {
        let gone = self.write(DEAD, (self.is_mine(), WriteChange::Delete));
        [gone, self.write(WAITING, (Condition::Any, self.put()))]
    }

    /// It was given up long ago.
    pub(super) fn forget(&self) -> [Write; 1] {
        [self.write(DEAD, (self.is_mine(), WriteChange::Delete))]
    }
}

/// Every row of a partition, oldest first.
pub(super) async fn all(parts: &Parts, partition_key: &str) -> Result<Vec<Row>, AppError> {
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let after = rows.last().map(|row| row.sort_key.clone());
        let range = TableRange { partition_key, prefix: "", after: after.as_deref(), limit: PAGE };
        let page = parts.tables.range(range, hook_now()).await?;
        let is_last = page.len() < PAGE as usize;
        rows.extend(page);
        if is_last {
            return Ok(rows);
        }
    }
}
