//! Messages as rows of the tables: those that wait, those that were given up, and those that nobody can
//! read.
//!
//! A row that waits is found by its receiver and by when it is tried, erasures first, so that a delivery
//! reads what is due and nothing else, however much waits. A message that needs a person's ids has a
//! second row, its hold, from the step in which it is written to the step in which it is forgotten: the
//! ids live as long as there is one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use souk_core::Timestamp;
use souk_ports::{Condition, Row, TableRange, VALUE_BYTES_MAX, Write, WriteChange};

use super::hook_now;
use crate::{AppError, Parts};

/// Messages that wait for an attempt: `ENDPOINT/CLASS/DUE/MESSAGE`.
pub(super) const WAITING: &str = "outbox-waiting";
/// Messages that wait, as versions before this order wrote them: `MESSAGE/ENDPOINT`.
pub(super) const WAITING_BEFORE: &str = "outbox";
/// Messages that were given up: `MESSAGE/ENDPOINT`.
pub(super) const DEAD: &str = "outbox-dead";
/// Rows that could not be read: `ENDPOINT/MESSAGE`.
pub(super) const UNREADABLE: &str = "outbox-unreadable";
/// Who needs sealed ids: `OWNER/MESSAGE/ENDPOINT`.
pub(super) const HOLDS: &str = "outbox-holds";
/// In which order messages that are due are tried: erasures, then all else.
pub(super) const CLASSES: [&str; 2] = ["0", "1"];
/// Rows in one read.
const PAGE: u32 = 500;
/// Of a row that cannot be read, so much is kept to be looked at.
const RAW_BYTES_MAX: usize = VALUE_BYTES_MAX / 2;

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
    /// Where it is stored, and in which version; of a new one, nowhere.
    pub(super) stored: (String, u64),
}

/// Message and endpoint of a row's key; `None` for a key that is none of the partition's.
pub(super) fn names_of<'a>(partition: &str, key: &'a str) -> Option<(&'a str, &'a str)> {
    let mut parts = key.split('/');
    let (first, last) = (parts.next()?, parts.next_back()?);
    match partition {
        WAITING | UNREADABLE => Some((last, first)),
        _ => Some((first, last)),
    }
}

impl Delivery {
    /// What operators call it: the same whether it waits or was given up.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.message_id, self.endpoint)
    }

    fn place(&self) -> String {
        let due = self.next_at.as_ms().max(0);
        format!("{}/{}/{due:012x}/{}", self.endpoint, self.class(), self.message_id)
    }

    /// A person who is to be forgotten elsewhere waits for nobody's news.
    fn class(&self) -> &'static str {
        let is_request = self.what.starts_with("privacy_request.");
        let is_erasure = matches!(self.facts["kind"].as_str(), Some("erasure" | "shop_erasure"));
        CLASSES[usize::from(!(is_request && is_erasure))]
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

    /// Reads the stored form; `None` for what is none.
    pub(super) fn read(partition: &str, row: &Row) -> Option<Delivery> {
        let value: Value = serde_json::from_slice(&row.value).ok()?;
        let (message_id, endpoint) = names_of(partition, &row.sort_key)?;
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
            stored: (row.sort_key.clone(), row.version),
        })
    }

    /// Removes the row that was read, unless it changed since.
    fn take(&self, partition: &str) -> Write {
        let condition = Condition::Version(self.stored.1);
        write(partition, self.stored.0.clone(), (condition, WriteChange::Delete))
    }

    fn put_waiting(&self) -> Write {
        write(WAITING, self.place(), (Condition::Absent, put(self.value())))
    }

    /// What keeps the person's ids alive for this message.
    pub(super) fn hold(&self) -> Option<Write> {
        self.holding(put(Vec::new()))
    }

    fn holding(&self, change: WriteChange) -> Option<Write> {
        let owner = self.ids.as_ref()?;
        let key = format!("{owner}/{}/{}", self.message_id, self.endpoint);
        Some(write(HOLDS, key, (Condition::Any, change)))
    }

    /// It is new and waits.
    pub(super) fn wait(&self) -> Vec<Write> {
        [self.put_waiting()].into_iter().chain(self.hold()).collect()
    }

    /// It failed and waits again, until a time after the one it waited for.
    pub(super) fn wait_again(&self) -> Vec<Write> {
        vec![self.take(WAITING), self.put_waiting()]
    }

    /// The receiver has it.
    pub(super) fn done(&self) -> Vec<Write> {
        [self.take(WAITING)].into_iter().chain(self.holding(WriteChange::Delete)).collect()
    }

    /// It is given up.
    pub(super) fn bury(&self) -> Vec<Write> {
        let dead = write(DEAD, self.name(), (Condition::Any, put(self.value())));
        vec![self.take(WAITING), dead]
    }

    /// It was given up and waits once more.
    pub(super) fn revive(&self) -> Vec<Write> {
        vec![self.take(DEAD), self.put_waiting()]
    }

    /// It was given up long ago.
    pub(super) fn forget(&self) -> Vec<Write> {
        [self.take(DEAD)].into_iter().chain(self.holding(WriteChange::Delete)).collect()
    }

    /// It was written by an earlier version and moves to where it is looked for.
    pub(super) fn adopt(&self) -> Vec<Write> {
        [self.take(WAITING_BEFORE), self.put_waiting()].into_iter().chain(self.hold()).collect()
    }
}

/// Moves a row that cannot be read out of the way of all others, with its bytes.
pub(super) fn set_aside(partition: &str, row: &Row) -> Vec<Write> {
    let (message_id, endpoint) = names_of(partition, &row.sort_key).unwrap_or((&row.sort_key, "?"));
    let raw = &row.value[..row.value.len().min(RAW_BYTES_MAX)];
    let value = json!({
        "version": 1,
        "set_aside_at": hook_now().to_string(),
        "from": partition,
        "row": STANDARD.encode(raw),
    });
    let name = format!("{endpoint}/{message_id}");
    let gone = (Condition::Version(row.version), WriteChange::Delete);
    let kept = (Condition::Any, put(value.to_string().into_bytes()));
    vec![write(partition, row.sort_key.clone(), gone), write(UNREADABLE, name, kept)]
}

/// When a row was set aside; one that does not say so was long ago.
pub(super) fn set_aside_at(row: &Row) -> Timestamp {
    let value: Option<Value> = serde_json::from_slice(&row.value).ok();
    let at = value.and_then(|value| Timestamp::parse(value["set_aside_at"].as_str()?).ok());
    at.unwrap_or(Timestamp::EPOCH)
}

/// Removes a row unless it changed since.
pub(super) fn remove(partition: &str, row: &Row) -> Write {
    let gone = (Condition::Version(row.version), WriteChange::Delete);
    write(partition, row.sort_key.clone(), gone)
}

fn write(
    partition: &str,
    sort_key: String,
    (condition, change): (Condition, WriteChange),
) -> Write {
    Write { partition_key: partition.to_owned(), sort_key, condition, change }
}

fn put(value: Vec<u8>) -> WriteChange {
    WriteChange::Put { value, expires_at: None }
}

/// The first rows of a partition whose keys begin with a prefix.
pub(super) async fn first(
    parts: &Parts,
    (partition_key, prefix): (&str, &str),
    limit: u32,
) -> Result<Vec<Row>, AppError> {
    let range = TableRange { partition_key, prefix, after: None, limit };
    Ok(parts.tables.range(range, hook_now()).await?)
}

/// Reads a partition a page at a time, in the order of its keys.
pub(super) struct Pages<'a> {
    parts: &'a Parts,
    partition_key: &'a str,
    after: Option<String>,
    is_over: bool,
}

impl<'a> Pages<'a> {
    pub(super) fn of(parts: &'a Parts, partition_key: &'a str) -> Pages<'a> {
        Pages { parts, partition_key, after: None, is_over: false }
    }

    /// Goes on after a key.
    pub(super) fn after(self, key: Option<&str>) -> Pages<'a> {
        Pages { after: key.map(str::to_owned), ..self }
    }

    /// The next page; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Row>>, AppError> {
        if self.is_over {
            return Ok(None);
        }
        let Pages { partition_key, after, .. } = &*self;
        let range = TableRange { partition_key, prefix: "", after: after.as_deref(), limit: PAGE };
        let page = self.parts.tables.range(range, hook_now()).await?;
        self.is_over = page.len() < PAGE as usize;
        self.after = page.last().map(|row| row.sort_key.clone());
        Ok((!page.is_empty()).then_some(page))
    }
}

/// Every row of a partition.
#[cfg(test)]
pub(super) async fn all(parts: &Parts, partition_key: &str) -> Result<Vec<Row>, AppError> {
    let (mut rows, mut pages) = (Vec::new(), Pages::of(parts, partition_key));
    while let Some(page) = pages.next().await? {
        rows.extend(page);
    }
    Ok(rows)
}
