//! [`KeyStore`] on SQLite: a file of its own, outside every backup of the data.
//!
//! Keys lie in the file and in memory wrapped by the master key, and are unwrapped for each use: that
//! costs a sixth of a microsecond, and no list of bare keys lies about in memory.

mod copies;
mod masters;
mod rotate;
mod rows;
mod schema;
pub(crate) mod secret;
mod writer;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::RwLock;
use souk_core::SubjectId;
use souk_ports::{IdHash, KeyStore, KeyStoreError, MasterKeySource, RESOLVE_MAX};
use souk_privacy::seal::{MasterKey, SecretKey};
use tokio::sync::oneshot;

use crate::group::GroupWriter;
use crate::sqlite::{DatabaseFile, Failure, SyncMode};
use masters::Masters;
use rows::Rows;
use writer::{Job, Reply, Writer};

pub(crate) use copies::strip;
pub use masters::{KeyFile, MemoryMasterKey};

/// Calls that share a commit at most.
const GROUP_CALLS_MAX: usize = 256;

/// The key store. Known ids are answered from memory; new rows of many callers share a commit.
#[derive(Debug)]
pub struct SqliteKeyStore {
    file: DatabaseFile,
    rows: Arc<RwLock<Rows>>,
    masters: Masters,
    source: Arc<dyn MasterKeySource>,
    writer: GroupWriter<Job>,
    /// Held by the one rotation that may go on.
    rotating: tokio::sync::Mutex<()>,
    /// Held by the one that rewrites copies.
    mending: tokio::sync::Mutex<()>,
}

impl SqliteKeyStore {
    /// Opens the file, or makes it, readable by its owner alone; its keys are wrapped by the master
    /// key of `source`, which gets one when it has none and the store holds nothing yet.
    ///
    /// A rotation of the master key that was broken off is ended here.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Unavailable`] when the file cannot be opened or is not a key store,
    /// [`KeyStoreError::Master`] and [`KeyStoreError::MasterKeyLost`] when it cannot be unwrapped.
    pub fn open(
        path: &Path,
        source: Arc<dyn MasterKeySource>,
    ) -> Result<SqliteKeyStore, KeyStoreError> {
        let file = DatabaseFile { path: path.to_owned(), vfs: None, sync: SyncMode::Full };
        let (connection, stored) = schema::open(&file).map_err(key_error)?;
        let masters = Masters::load(&*source, &stored)?;
        let rows = Arc::new(RwLock::new(stored.rows));
        let mut writer = Writer::new(connection, (Arc::clone(&rows), masters.clone()));
        writer.complete_rows(&stored.bare).map_err(key_error)?;
        writer.finish_rotation(&*source)?;
        writer.mend_copies().map_err(key_error)?;
        let writer = GroupWriter::start("souk-keys", GROUP_CALLS_MAX, move |jobs| writer.run(jobs))
            .map_err(|error| KeyStoreError::Unavailable(Box::new(error)))?;
        let (rotating, mending) = Default::default();
        Ok(SqliteKeyStore { file, rows, masters, source, writer, rotating, mending })
    }

    pub(crate) fn file(&self) -> &DatabaseFile {
        &self.file
    }

    /// Subjects that have a key.
    pub fn count(&self) -> u64 {
        self.rows.read().len() as u64
    }

    /// Notes that a copy of this store is made in `folder`, so that erasures reach it.
    pub(crate) async fn register_copy(&self, folder: &Path) -> Result<(), KeyStoreError> {
        let folder = folder.to_owned();
        self.ask(|reply| Job::RegisterCopy { folder, reply }).await
    }

    /// Takes erased subjects out of the copies that can be reached; the others wait.
    pub(crate) async fn mend_copies(&self) -> Result<(), KeyStoreError> {
        let _one_at_a_time = self.mending.lock().await;
        for (folder, subjects) in self.ask(|reply| Job::PendingCopies { reply }).await? {
            let (at, gone) = (folder.clone(), subjects.clone());
            let mended = tokio::task::spawn_blocking(move || copies::mend(&at, &gone)).await;
            match mended.unwrap_or_else(|error| Err(Failure::Other(error.to_string()))) {
                Ok(mended) => {
                    self.ask(|reply| Job::NoteMended { folder, subjects, mended, reply }).await?;
                }
                Err(error) => copies::warn(&folder, &error),
            }
        }
        Ok(())
    }

    fn find_known(&self, ids: &[IdHash]) -> Vec<Option<SubjectId>> {
        let rows = self.rows.read();
        ids.iter().map(|id| rows.subject(id)).collect()
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, KeyStoreError> {
        let (reply, answer) = oneshot::channel();
        self.writer.send(job(reply)).await;
        answer.await.unwrap_or_else(|_| Err(key_error(stopped())))
    }
}

#[async_trait]
impl KeyStore for SqliteKeyStore {
    async fn resolve(&self, ids: &[IdHash]) -> Result<Vec<SubjectId>, KeyStoreError> {
        check_count(ids.len())?;
        let known: Option<Vec<SubjectId>> = self.find_known(ids).into_iter().collect();
        match known {
            Some(subjects) => Ok(subjects),
            None => self.ask(|reply| Job::Resolve { ids: ids.to_vec(), reply }).await,
        }
    }

    async fn find(&self, ids: &[IdHash]) -> Result<Vec<Option<SubjectId>>, KeyStoreError> {
        check_count(ids.len())?;
        Ok(self.find_known(ids))
    }

    async fn keys(&self, subjects: &[SubjectId]) -> Result<Vec<Option<SecretKey>>, KeyStoreError> {
        check_count(subjects.len())?;
        // Held from before the rows are read, so that the master key that wraps them is still known.
        let masters = self.masters.read();
        // Copied first: opening takes longer, and nobody who writes should wait for it.
        let wrapped: Vec<_> = {
            let rows = self.rows.read();
            subjects.iter().map(|subject| rows.key(subject)).collect()
        };
        let unwrapped = subjects.iter().zip(wrapped).map(|(subject, wrapped)| {
            wrapped.map(|wrapped| masters::unwrap(&masters, &subject.0, &wrapped)).transpose()
        });
        unwrapped.collect::<Result<_, Failure>>().map_err(key_error)
    }

    async fn forget(&self, subject: SubjectId) -> Result<u32, KeyStoreError> {
        let n_rows = self.ask(|reply| Job::Forget { subject, reply }).await?;
        self.mend_copies().await?;
        Ok(n_rows)
    }

    async fn secret(&self, name: &str) -> Result<SecretKey, KeyStoreError> {
        self.ask(|reply| Job::Secret { name: name.to_owned(), reply }).await
    }

    async fn destroy_secrets(&self, prefix: &str, kept: &[String]) -> Result<(), KeyStoreError> {
        let (prefix, kept) = (prefix.to_owned(), kept.to_vec());
        self.ask(|reply| Job::DestroySecrets { prefix, kept, reply }).await
    }
}

fn check_count(count: usize) -> Result<(), KeyStoreError> {
    if count > RESOLVE_MAX { Err(KeyStoreError::TooLarge(count)) } else { Ok(()) }
}

/// A master key of fresh random bits.
fn new_master() -> Result<MasterKey, Failure> {
    let bytes = zeroize::Zeroizing::new(random::<32>()?);
    Ok(MasterKey::new(*bytes))
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::Other(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}

fn key_error(failure: Failure) -> KeyStoreError {
    match failure {
        Failure::Full => KeyStoreError::Full,
        Failure::Damaged(detail) | Failure::Other(detail) => {
            KeyStoreError::Unavailable(Failure::boxed(&detail))
        }
    }
}

fn stopped() -> Failure {
    Failure::Other("the writer of the key store has stopped".into())
}
