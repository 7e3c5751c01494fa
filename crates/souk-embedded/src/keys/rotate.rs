//! Another master key, while the store goes on.
//!
//! First the source keeps both keys, then every wrapped key is wrapped anew in steps that other calls
//! go between, then the store and the source let go of the former key. A crash anywhere leaves a store
//! that opens with the keys of the source, and the next open ends what was begun.

use rusqlite::params;
use souk_ports::{KeyStoreError, MasterKeyError, MasterKeySource};
use souk_privacy::seal::{MasterKey, MasterKeyId, SecretKey};

use super::masters;
use super::writer::{Job, Staged, Writer};
use super::{SqliteKeyStore, key_error, new_master};
use crate::sqlite::Failure;

/// Keys that are wrapped in one commit; chosen: some twenty milliseconds.
const STEP_KEYS: usize = 5_000;

impl SqliteKeyStore {
    /// Makes a new master key, wraps every key with it and forgets the former one; returns its id.
    /// Other calls go on meanwhile. A rotation that failed half-way is ended instead.
    ///
    /// # Errors
    ///
    /// [`MasterKeyError::ReadOnly`] when only the operator can change the key: nothing was changed.
    pub async fn rotate_master(&self) -> Result<MasterKeyId, KeyStoreError> {
        let _one_at_a_time = self.rotating.lock().await;
        let mut keys = self.masters.read().clone();
        if keys.len() == 1 {
            keys.insert(0, new_master().map_err(key_error)?);
            self.source.store(&keys)?;
        }
        let current = keys[0].clone();
        self.ask(|reply| Job::BeginRotation { keys, reply }).await?;
        let mut place = Some(0);
        while let Some(from) = place {
            place = self.ask(|reply| Job::Rewrap { from, reply }).await?;
        }
        self.ask(|reply| Job::EndRotation { reply }).await?;
        self.source.store(std::slice::from_ref(&current))?;
        Ok(current.id())
    }

    /// Which master key wraps what is stored.
    pub fn master_key_id(&self) -> MasterKeyId {
        self.masters.read()[0].id()
    }
}

impl Writer {
    /// Ends a rotation that a crash broke off, or that the operator began in the environment.
    pub(super) fn finish_rotation(
        &mut self,
        source: &dyn MasterKeySource,
    ) -> Result<(), KeyStoreError> {
        let current: Vec<MasterKey> = self.masters.read().iter().take(1).cloned().collect();
        if !self.is_rotating().map_err(key_error)? && self.masters.read().len() == 1 {
            return Ok(());
        }
        self.finish_rewrapping().map_err(key_error)?;
        match source.store(&current) {
            // The operator takes the former key away.
            Ok(()) | Err(MasterKeyError::ReadOnly { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether anything may still be wrapped by a former master key.
    fn is_rotating(&self) -> Result<bool, Failure> {
        let sql = "SELECT COUNT(*) FROM master";
        let count: i64 = self.connection.query_row(sql, [], |row| row.get(0))?;
        Ok(count > 1)
    }

    fn finish_rewrapping(&mut self) -> Result<(), Failure> {
        let mut place = Some(0);
        while let Some(from) = place {
            let mut staged = Staged::default();
            place = self.transact(|writer| writer.rewrap(from, &mut staged))?;
            self.publish(staged)?;
        }
        let mut staged = Staged::default();
        self.transact(|writer| writer.end_rotation(&mut staged))?;
        self.publish(staged)
    }

    /// From here on new keys are wrapped by the first of `keys`.
    pub(super) fn begin_rotation(
        &self,
        keys: Vec<MasterKey>,
        staged: &mut Staged,
    ) -> Result<(), Failure> {
        let sql = "INSERT OR IGNORE INTO master VALUES (?1)";
        self.connection.execute(sql, params![keys[0].id().0])?;
        staged.masters = Some(keys);
        Ok(())
    }

    /// Wraps the keys of one step anew; the place to go on from, `None` at the end.
    pub(super) fn rewrap(
        &self,
        from: usize,
        staged: &mut Staged,
    ) -> Result<Option<usize>, Failure> {
        let (part, next) = self.rows.read().part(from, STEP_KEYS);
        let masters = self.masters.read().clone();
        let mut update =
            self.connection.prepare_cached("UPDATE subject_row SET key = ?2 WHERE id = ?1")?;
        for entry in part {
            if masters[0].unwrap(&entry.subject.0, &entry.key).is_ok() {
                continue;
            }
            let key = masters::unwrap(&masters, &entry.subject.0, &entry.key)?;
            let wrapped = self.wrap(&entry.subject.0, &key)?;
            // A row that was forgotten in this very commit stays away.
            update.execute(params![entry.id.0, wrapped.0])?;
            staged.rewrapped.push((entry.subject, wrapped));
        }
        Ok(next)
    }

    /// Wraps the secrets anew and lets go of former master keys.
    pub(super) fn end_rotation(&self, staged: &mut Staged) -> Result<(), Failure> {
        let masters = self.masters.read().clone();
        for name in self.secret_names()? {
            let secret: SecretKey = self.secret(&name)?;
            self.write_secret(&name, &secret)?;
        }
        let current = masters[0].clone();
        self.connection.execute("DELETE FROM master WHERE id <> ?1", params![current.id().0])?;
        staged.masters = Some(vec![current]);
        staged.is_destroyed = true;
        Ok(())
    }
}
