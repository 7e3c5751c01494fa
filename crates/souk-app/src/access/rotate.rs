//! Replacing a key without a gap: the new one works at once, the old one for a while longer.

use souk_core::Timestamp;
use souk_ports::{Condition, Write, WriteChange};

use crate::{App, AppError, AuditAct, AuditObject, AuditOperation, Caller};

use super::{KEYS_MAX, KEYS_PARTITION, KeyInfo, Operation, access_now, keys, random_key};

/// Seconds for which a replaced key goes on working unless told otherwise: a week.
pub const OVERLAP_S_DEFAULT: u64 = 7 * 86_400;
/// Seconds of overlap at most: 90 days.
pub const OVERLAP_S_MAX: u64 = 90 * 86_400;

/// A key that replaces another.
#[derive(Clone, Debug, PartialEq)]
pub struct RotatedKey {
    /// The new key: the only time it can be seen.
    pub key: String,
    /// What is known of it.
    pub info: KeyInfo,
    /// When the old one ends.
    pub old_ends_at: Timestamp,
}

impl App {
    /// Makes a key with the same rights, lifetime and origins, and ends the old one after
    /// `overlap_s` seconds; 0 ends it at once.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role, [`AppError::NotFound`] when there is no such key,
    /// [`AppError::Conflict`] when it was replaced before or has ended.
    pub async fn rotate_key(
        &self,
        (key_id, overlap_s): (&str, u64),
        caller: &Caller,
    ) -> Result<RotatedKey, AppError> {
        caller.check(Operation::WriteKeys)?;
        if overlap_s > OVERLAP_S_MAX {
            let detail = format!("{overlap_s} seconds; the limit is {OVERLAP_S_MAX}");
            return Err(AppError::invalid("invalid_overlap", "/overlap_s", detail));
        }
        let rotated = self.replace_key((key_id, overlap_s)).await?;
        let act = AuditAct::new(AuditOperation::KeyRotate)
            .on(AuditObject::key(key_id))
            .with("new", &rotated.info.key_id)
            .with("role", rotated.info.role.as_str())
            .with("overlap_s", overlap_s);
        self.audit(caller, act).await?;
        Ok(rotated)
    }

    async fn replace_key(&self, (key_id, overlap_s): (&str, u64)) -> Result<RotatedKey, AppError> {
        let now = access_now();
        let _changing = self.door.access.changing.lock().await;
        let row = self.parts.tables.get(KEYS_PARTITION, key_id, now).await?;
        let row = row.ok_or_else(|| AppError::NotFound { what: "key", id: key_id.to_owned() })?;
        let (old_hash, old) = keys::decode(key_id, &row.value)?;
        check_replaceable(&old, now)?;
        if self.door.access.keys.list().len() >= KEYS_MAX {
            let detail = format!("there are {KEYS_MAX} keys, which is the limit; revoke some");
            return Err(AppError::Conflict(detail));
        }
        let (key, hash) = random_key(old.role)?;
        // A key that lives for a year is replaced by one that lives for a year.
        let lifetime = old.expires_at.map(|end| end.ms_since(old.created_at));
        let info = KeyInfo {
            key_id: keys::key_id(&hash),
            created_at: now,
            expires_at: lifetime.map(|ms| now.plus_ms(ms)),
            ..old.clone()
        };
        let overlap_ms = i64::try_from(overlap_s * 1_000).expect("the limit is far below");
        let overlap_end = now.plus_ms(overlap_ms);
        let old_ends_at = old.expires_at.map_or(overlap_end, |end| end.min(overlap_end));
        let replaced = KeyInfo {
            expires_at: Some(old_ends_at),
            replaced_by: Some(info.key_id.clone()),
            ..old
        };
        let write = |key_id: &str, condition, value| Write {
            partition_key: KEYS_PARTITION.to_owned(),
            sort_key: key_id.to_owned(),
            condition,
            change: WriteChange::Put { value, expires_at: None },
        };
        let new_row = keys::encode(&hash, &info);
        let old_row = keys::encode(&old_hash, &replaced);
        let writes = [
            write(&info.key_id, Condition::Absent, new_row),
            write(key_id, Condition::Version(row.version), old_row),
        ];
        self.parts.tables.write(&writes, now).await?;
        self.door.access.keys.insert(hash, info.clone());
        self.door.access.keys.insert(old_hash, replaced);
        Ok(RotatedKey { key, info, old_ends_at })
    }
}

fn check_replaceable(old: &KeyInfo, now: Timestamp) -> Result<(), AppError> {
    if let Some(by) = &old.replaced_by {
        let detail = format!("key {} was replaced by {by} already; rotate that one", old.key_id);
        return Err(AppError::Conflict(detail));
    }
    if old.expires_at.is_some_and(|end| end <= now) {
        let detail = format!("key {} has ended; make a new one", old.key_id);
        return Err(AppError::Conflict(detail));
    }
    Ok(())
}
