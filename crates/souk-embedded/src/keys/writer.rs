//! The one thread that writes the key store: calls that wait while a commit runs share the next one.

use std::path::PathBuf;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use parking_lot::RwLock;
use rusqlite::{Connection, OptionalExtension, params};
use souk_core::SubjectId;
use souk_ports::{IdHash, KeyStoreError};
use souk_privacy::seal::{MasterKey, SecretKey, WRAPPED_BYTES, WrappedKey};
use tokio::sync::oneshot;

use super::copies::{Mended, Pending};
use super::masters::{self, Masters};
use super::rows::{Entry, Rows};
use super::schema::checkpoint;
use super::{key_error, random};
use crate::sqlite::Failure;

/// The write-ahead log is copied into the database after this many new rows.
const CHECKPOINT_ROWS: usize = 20_000;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, KeyStoreError>>;

/// One call that writes.
pub(super) enum Job {
    Resolve { ids: Vec<IdHash>, reply: Reply<Vec<SubjectId>> },
    Forget { subject: SubjectId, reply: Reply<u32> },
    Secret { name: String, reply: Reply<SecretKey> },
    DestroySecrets { prefix: String, kept: Vec<String>, reply: Reply<()> },
    BeginRotation { keys: Vec<MasterKey>, reply: Reply<()> },
    Rewrap { from: usize, reply: Reply<Option<usize>> },
    EndRotation { reply: Reply<()> },
    RegisterCopy { folder: PathBuf, reply: Reply<()> },
    PendingCopies { reply: Reply<Pending> },
    NoteMended { folder: PathBuf, subjects: Vec<SubjectId>, mended: Mended, reply: Reply<()> },
}

/// Answers one call: with what it asked for, or with what went wrong for its whole group.
type Answer = Box<dyn FnOnce(Result<(), &Failure>)>;

/// Answers with `value`, or with what went wrong. A caller that went away needs no answer.
fn answer<T: 'static>(reply: Reply<T>, value: T) -> Answer {
    Box::new(|outcome| {
        drop(reply.send(match outcome {
            Ok(()) => Ok(value),
            Err(failure) => Err(key_error(failure.clone())),
        }));
    })
}

/// What a group of calls did, to be shown to readers once it is durable.
#[derive(Default)]
pub(super) struct Staged {
    added: HashMap<IdHash, Entry>,
    removed: HashSet<SubjectId>,
    pub(super) rewrapped: Vec<(SubjectId, WrappedKey)>,
    pub(super) masters: Option<Vec<MasterKey>>,
    /// Something was destroyed: the group is only answered once it is out of the log file too.
    pub(super) is_destroyed: bool,
}

/// The state of the writing thread.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) rows: Arc<RwLock<Rows>>,
    pub(super) masters: Masters,
    rows_since_checkpoint: usize,
    /// What was committed, and still has to leave the log file.
    must_checkpoint: bool,
}

impl Writer {
    pub(super) fn new(connection: Connection, shared: (Arc<RwLock<Rows>>, Masters)) -> Writer {
        let (rows, masters) = shared;
        Writer { connection, rows, masters, rows_since_checkpoint: 0, must_checkpoint: false }
    }

    /// Gives keys to rows of the first layout, and wraps its secrets.
    pub(super) fn complete_rows(&mut self, bare: &[(IdHash, SubjectId)]) -> Result<(), Failure> {
        let mut staged = Staged::default();
        self.transact(|writer| {
            writer.note_master()?;
            writer.wrap_bare_secrets()?;
            let sql = "UPDATE subject_row SET key = ?2 WHERE id = ?1";
            for (id, subject) in bare {
                let entry = writer.new_entry(*id, *subject)?;
                writer.connection.prepare_cached(sql)?.execute(params![id.0, entry.key.0])?;
                staged.added.insert(*id, entry);
            }
            Ok(())
        })?;
        staged.is_destroyed = !bare.is_empty();
        self.publish(staged)
    }

    /// Does `work` in a transaction, which is rolled back when it fails.
    pub(super) fn transact<T>(
        &mut self,
        work: impl FnOnce(&mut Writer) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let outcome = work(self).and_then(|value| {
            self.connection.execute_batch("COMMIT")?;
            Ok(value)
        });
        if outcome.is_err() && !self.connection.is_autocommit() {
            // What is rolled back was never acknowledged; a failure here ends the transaction too.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        outcome
    }

    pub(super) fn run(&mut self, jobs: Vec<Job>) {
        let mut staged = Staged::default();
        let mut answers = Vec::with_capacity(jobs.len());
        let mut outcome = self.transact(|writer| {
            let mut first_failure = Ok(());
            for job in jobs {
                if first_failure.is_err() {
                    // The rest is only told of it: the transaction is lost anyway.
                    answers.push(job.refuse());
                    continue;
                }
                let (answer, outcome) = writer.work(job, &mut staged);
                answers.push(answer);
                first_failure = outcome;
            }
            first_failure
        });
        if outcome.is_ok() {
            outcome = self.publish(staged);
        }
        for answer in answers {
            answer(outcome.as_ref().copied());
        }
    }

    fn work(&self, job: Job, staged: &mut Staged) -> (Answer, Result<(), Failure>) {
        fn told<T: Default + 'static>(
            reply: Reply<T>,
            done: Result<T, Failure>,
        ) -> (Answer, Result<(), Failure>) {
            match done {
                Ok(value) => (answer(reply, value), Ok(())),
                Err(failure) => (answer(reply, T::default()), Err(failure)),
            }
        }
        match job {
            Job::Resolve { ids, reply } => told(reply, self.resolve(&ids, staged)),
            Job::Forget { subject, reply } => told(reply, self.forget(subject, staged)),
            Job::Secret { name, reply } => match self.secret(&name) {
                Ok(secret) => (answer(reply, secret), Ok(())),
                Err(failure) => (answer(reply, SecretKey::new([0; 32])), Err(failure)),
            },
            Job::DestroySecrets { prefix, kept, reply } => {
                told(reply, self.destroy_secrets(&prefix, &kept, staged))
            }
            Job::BeginRotation { keys, reply } => told(reply, self.begin_rotation(keys, staged)),
            Job::Rewrap { from, reply } => told(reply, self.rewrap(from, staged)),
            Job::EndRotation { reply } => told(reply, self.end_rotation(staged)),
            Job::RegisterCopy { folder, reply } => told(reply, self.register_copy(&folder)),
            Job::PendingCopies { reply } => told(reply, self.pending_copies()),
            Job::NoteMended { folder, subjects, mended, reply } => {
                told(reply, self.note_mended((&folder, &subjects), mended, staged))
            }
        }
    }

    pub(super) fn publish(&mut self, staged: Staged) -> Result<(), Failure> {
        self.rows_since_checkpoint += staged.added.len() + staged.rewrapped.len();
        self.must_checkpoint |= staged.is_destroyed;
        if let Some(masters) = staged.masters {
            self.masters.replace(masters);
        }
        {
            let mut rows = self.rows.write();
            for subject in &staged.removed {
                rows.remove(subject);
            }
            staged.added.into_values().for_each(|entry| rows.insert(entry));
            for (subject, key) in staged.rewrapped {
                rows.set_key(&subject, key);
            }
        }
        if self.must_checkpoint || self.rows_since_checkpoint >= CHECKPOINT_ROWS {
            match checkpoint(&self.connection) {
                Ok(()) => (self.rows_since_checkpoint, self.must_checkpoint) = (0, false),
                // An erasure is only answered when the deleted row is gone from the log file too.
                Err(failure) if self.must_checkpoint => return Err(failure),
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn resolve(&self, ids: &[IdHash], staged: &mut Staged) -> Result<Vec<SubjectId>, Failure> {
        let sql = "INSERT INTO subject_row (id, subject, key) VALUES (?1, ?2, ?3)";
        let mut insert = self.connection.prepare_cached(sql)?;
        let mut subjects = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(subject) = self.known(id, staged) {
                subjects.push(subject);
                continue;
            }
            let subject = SubjectId(random()?);
            let entry = self.new_entry(*id, subject)?;
            insert.execute(params![id.0, subject.0, entry.key.0])?;
            staged.added.insert(*id, entry);
            subjects.push(subject);
        }
        Ok(subjects)
    }

    /// A row with a key of its own.
    fn new_entry(&self, id: IdHash, subject: SubjectId) -> Result<Entry, Failure> {
        let key = SecretKey::new(random()?);
        Ok(Entry { id, subject, key: self.wrap(&subject.0, &key)? })
    }

    pub(super) fn wrap(&self, owner: &[u8], key: &SecretKey) -> Result<WrappedKey, Failure> {
        Ok(self.masters.read()[0].wrap(owner, random()?, key))
    }

    fn known(&self, id: &IdHash, staged: &Staged) -> Option<SubjectId> {
        if let Some(entry) = staged.added.get(id) {
            return Some(entry.subject);
        }
        let known = self.rows.read().subject(id);
        known.filter(|subject| !staged.removed.contains(subject))
    }

    fn forget(&self, subject: SubjectId, staged: &mut Staged) -> Result<u32, Failure> {
        let fresh = staged.added.values().find(|entry| entry.subject == subject);
        let id = match fresh {
            Some(entry) => Some(entry.id),
            None if staged.removed.contains(&subject) => None,
            None => self.rows.read().id(&subject),
        };
        // Also when there is no row: a call before may have failed after its commit.
        staged.is_destroyed = true;
        self.note_for_copies(subject)?;
        let Some(id) = id else { return Ok(0) };
        let mut delete = self.connection.prepare_cached("DELETE FROM subject_row WHERE id = ?1")?;
        delete.execute(params![id.0])?;
        if staged.added.remove(&id).is_none() {
            staged.removed.insert(subject);
        }
        Ok(1)
    }

    pub(super) fn secret(&self, name: &str) -> Result<SecretKey, Failure> {
        if let Some(wrapped) = self.wrapped_secret(name)? {
            return masters::unwrap(&self.masters.read(), &secret_owner(name), &wrapped);
        }
        let secret = SecretKey::new(random()?);
        self.write_secret(name, &secret)?;
        Ok(secret)
    }

    fn wrapped_secret(&self, name: &str) -> Result<Option<WrappedKey>, Failure> {
        let mut select =
            self.connection.prepare_cached("SELECT value FROM secret WHERE name = ?1")?;
        Ok(select.query_row([name], |row| row.get(0)).optional()?.map(WrappedKey))
    }

    /// Wraps a secret with the current master key and stores it in place of what was there.
    pub(super) fn write_secret(&self, name: &str, secret: &SecretKey) -> Result<(), Failure> {
        let wrapped = self.wrap(&secret_owner(name), secret)?;
        let sql = "INSERT OR REPLACE INTO secret (name, value) VALUES (?1, ?2)";
        self.connection.prepare_cached(sql)?.execute(params![name, wrapped.0])?;
        Ok(())
    }

    pub(super) fn secret_names(&self) -> Result<Vec<String>, Failure> {
        let mut select = self.connection.prepare_cached("SELECT name FROM secret")?;
        let names = select.query_map([], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    fn destroy_secrets(
        &self,
        prefix: &str,
        kept: &[String],
        staged: &mut Staged,
    ) -> Result<(), Failure> {
        let mut delete = self.connection.prepare_cached("DELETE FROM secret WHERE name = ?1")?;
        for name in self.secret_names()? {
            if name.starts_with(prefix) && !kept.contains(&name) {
                delete.execute(params![name])?;
            }
        }
        staged.is_destroyed = true;
        Ok(())
    }

    /// Notes that the current master key wraps what this store holds.
    pub(super) fn note_master(&self) -> Result<(), Failure> {
        let id = self.masters.read()[0].id();
        self.connection.execute("INSERT OR IGNORE INTO master VALUES (?1)", params![id.0])?;
        Ok(())
    }

    /// Secrets of the first layout stand bare; their 32 bytes tell them.
    fn wrap_bare_secrets(&self) -> Result<(), Failure> {
        for name in self.secret_names()? {
            let sql = "SELECT value FROM secret WHERE name = ?1";
            let value: Vec<u8> = self.connection.query_row(sql, [&name], |row| row.get(0))?;
            if value.len() == WRAPPED_BYTES {
                continue;
            }
            let bytes: [u8; 32] = value.try_into().map_err(|_| {
                Failure::Damaged(
                    "a secret has neither 32 nor 60 bytes; restore the key store".into(),
                )
            })?;
            self.write_secret(&name, &SecretKey::new(bytes))?;
        }
        Ok(())
    }
}

impl Job {
    /// An answer for a call whose group is lost.
    fn refuse(self) -> Answer {
        match self {
            Job::Resolve { reply, .. } => answer(reply, Vec::new()),
            Job::Forget { reply, .. } => answer(reply, 0),
            Job::Secret { reply, .. } => answer(reply, SecretKey::new([0; 32])),
            Job::DestroySecrets { reply, .. } => answer(reply, ()),
            Job::BeginRotation { reply, .. } => answer(reply, ()),
            Job::Rewrap { reply, .. } => answer(reply, None),
            Job::EndRotation { reply } => answer(reply, ()),
            Job::RegisterCopy { reply, .. } => answer(reply, ()),
            Job::PendingCopies { reply } => answer(reply, Pending::new()),
            Job::NoteMended { reply, .. } => answer(reply, ()),
        }
    }
}

/// What a secret is wrapped for: no subject has so long a name.
pub(super) fn secret_owner(name: &str) -> Vec<u8> {
    [b"secret/", name.as_bytes()].concat()
}
