//! The ids that receivers need, sealed until they have them.
//!
//! The key is one of the key store's own, like that of a person: to destroy it leaves no byte of it, and
//! rewrites the registered copies of the key store as well.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use souk_core::Timestamp;
use souk_ports::{Condition, Row, Write, WriteChange};
use souk_privacy::seal;

use super::rows::{HOLDS, Pages, WAITING_BEFORE, first};
use super::{Message, hook_now};
use crate::privacy::waits_for_identity;
use crate::sealing::Nonces;
use crate::{App, AppError, IdKind};

/// Sealed ids, by what they belong to.
const IDS: &str = "outbox-ids";

/// An id of a person, as a message says it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ShopperId {
    pub(crate) kind: IdKind,
    pub(crate) id: String,
}

impl std::fmt::Debug for ShopperId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ShopperId(…)")
    }
}

impl ShopperId {
    fn to_json(&self) -> Value {
        let kind = match self.kind {
            IdKind::User | IdKind::Claimed => "user",
            IdKind::Anonymous => "anonymous",
            IdKind::LoyaltyCard => "loyalty_card",
        };
        json!({"type": kind, "id": self.id})
    }
}

impl App {
    /// The write that keeps a person's ids, sealed, for the messages about `owner`.
    ///
    /// The key is durable before the row is: a crash in between leaves a key that opens nothing.
    ///
    /// # Errors
    ///
    /// As the key store.
    pub(crate) async fn seal_ids(&self, owner: &str, ids: &[ShopperId]) -> Result<Write, AppError> {
        let keys = &self.parts.keys;
        let subject = keys.resolve(&[self.door.hasher.sealed_ids(owner)]).await?[0];
        let key = keys.keys(&[subject]).await?.into_iter().next().flatten();
        let key = key.ok_or_else(|| AppError::Bug("a new key is not there".to_owned()))?;
        let plain = Value::from(ids.iter().map(ShopperId::to_json).collect::<Vec<_>>()).to_string();
        let sealed = seal::seal_blob(&key, owner, Nonces::for_records(1).draw()?, plain.as_bytes());
        let value = json!({
            "version": 1,
            "made_at": hook_now().to_string(),
            "sealed": STANDARD.encode(sealed),
        });
        Ok(Write {
            partition_key: IDS.to_owned(),
            sort_key: owner.to_owned(),
            condition: Condition::Any,
            change: WriteChange::Put { value: value.to_string().into_bytes(), expires_at: None },
        })
    }

    /// The ids that were sealed for `owner`; `None` once they are gone.
    pub(super) async fn open_ids(&self, owner: &str) -> Result<Option<Value>, AppError> {
        let Some(row) = self.parts.tables.get(IDS, owner, hook_now()).await? else {
            return Ok(None);
        };
        let keys = &self.parts.keys;
        let found = keys.find(&[self.door.hasher.sealed_ids(owner)]).await?;
        let Some(subject) = found.into_iter().next().flatten() else { return Ok(None) };
        let Some(key) = keys.keys(&[subject]).await?.into_iter().next().flatten() else {
            return Ok(None);
        };
        let value: Option<Value> = serde_json::from_slice(&row.value).ok();
        let sealed = value.and_then(|value| STANDARD.decode(value["sealed"].as_str()?).ok());
        let opened = sealed.and_then(|sealed| seal::open_blob(&key, owner, &sealed).ok());
        Ok(opened.and_then(|plain| serde_json::from_slice(&plain).ok()))
    }

    /// Destroys sealed ids that no message needs any more: each was delivered, or given up and dropped.
    /// Those of a request whose person nobody vouched for are kept for `kept_days`. Can be done again.
    pub(super) async fn release_ids(&self, owner: &str) -> Result<(), AppError> {
        let Some(row) = self.parts.tables.get(IDS, owner, hook_now()).await? else {
            return Ok(());
        };
        // Asked first: what ends the waiting writes the holds in the same step, so they are seen below.
        if !self.is_past_keeping(made_at(&row)) && waits_for_identity(self, owner).await? {
            return Ok(());
        }
        if !first(&self.parts, (HOLDS, &format!("{owner}/")), 1).await?.is_empty() {
            return Ok(());
        }
        // What an earlier version wrote has no holds until it is adopted, and may need these ids.
        if !first(&self.parts, (WAITING_BEFORE, ""), 1).await?.is_empty() {
            return Ok(());
        }
        let keys = &self.parts.keys;
        let found = keys.find(&[self.door.hasher.sealed_ids(owner)]).await?;
        if let Some(subject) = found.into_iter().next().flatten() {
            keys.forget(subject).await?;
        }
        let write = Write {
            partition_key: IDS.to_owned(),
            sort_key: owner.to_owned(),
            condition: Condition::Any,
            change: WriteChange::Delete,
        };
        self.parts.tables.write(&[write], hook_now()).await?;
        Ok(())
    }

    /// Releases what nobody needs, wherever a crash left it.
    pub(super) async fn release_all_ids(&self) -> Result<(), AppError> {
        let mut pages = Pages::of(&self.parts, IDS);
        while let Some(page) = pages.next().await? {
            for row in page {
                self.release_ids(&row.sort_key).await?;
            }
        }
        Ok(())
    }

    /// Whether something of this age is kept no longer.
    pub(super) fn is_past_keeping(&self, since: Timestamp) -> bool {
        let days = i64::try_from(self.door.outbox.settings.kept_days).unwrap_or(i64::MAX);
        hook_now().ms_since(since) >= days.saturating_mul(86_400_000)
    }

    /// Writes a message of its own, which goes with no other state, and the person's ids beside it.
    pub(crate) async fn send_message(
        &self,
        mut message: Message,
        ids: &[ShopperId],
    ) -> Result<(), AppError> {
        if !self.door.outbox.wants(message.kind) {
            return Ok(());
        }
        let owner = super::new_id("ids", hook_now())?;
        message.ids = Some(owner.clone());
        let mut writes = self.door.outbox.writes(&message)?;
        writes.push(self.seal_ids(&owner, ids).await?);
        self.parts.tables.write(&writes, hook_now()).await?;
        self.door.outbox.written(&writes);
        Ok(())
    }
}

/// When the ids were sealed; a row that cannot be read is from long ago.
fn made_at(row: &Row) -> Timestamp {
    let value: Option<Value> = serde_json::from_slice(&row.value).ok();
    let at = value.and_then(|value| Timestamp::parse(value["made_at"].as_str()?).ok());
    at.unwrap_or(Timestamp::EPOCH)
}
