//! [`KeyStore`] on SQLite: a file of its own, outside every backup of the data.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use hashbrown::{HashMap, HashSet};
use parking_lot::RwLock;
use rusqlite::{Connection, OptionalExtension, params};
use souk_core::SubjectId;
use souk_ports::{IdHash, KeyStore, KeyStoreError, RESOLVE_MAX};
use tokio::sync::oneshot;

use crate::group::GroupWriter;
use crate::sqlite::{DatabaseFile, Failure, SyncMode};

/// Calls that share a commit at most.
const GROUP_CALLS_MAX: usize = 256;
/// The write-ahead log is copied into the database after this many new rows.
const CHECKPOINT_ROWS: usize = 20_000;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS subject_row (
        id BLOB PRIMARY KEY, subject BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
";

/// All rows, in memory: 32 bytes each and the table's overhead of one eighth to a half.
type Rows = HashMap<IdHash, SubjectId>;

/// The key store. Known ids are answered from memory; new rows of many callers share a commit.
#[derive(Debug)]
pub struct SqliteKeyStore {
    file: DatabaseFile,
    rows: Arc<RwLock<Rows>>,
    writer: GroupWriter<Job>,
}

enum Job {
    Resolve { ids: Vec<IdHash>, reply: oneshot::Sender<Result<Vec<SubjectId>, KeyStoreError>> },
    Forget { subject: SubjectId, reply: oneshot::Sender<Result<u32, KeyStoreError>> },
    Secret { name: String, reply: oneshot::Sender<Result<[u8; 32], KeyStoreError>> },
}

impl SqliteKeyStore {
    /// Opens the file, or makes it, readable by its owner alone.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Unavailable`] when the file cannot be opened or is not a key store.
    pub fn open(path: &Path) -> Result<SqliteKeyStore, KeyStoreError> {
        let file = DatabaseFile { path: path.to_owned(), vfs: None, sync: SyncMode::Full };
        let (connection, rows) = open_connection(&file).map_err(key_error)?;
        let rows = Arc::new(RwLock::new(rows));
        let mut writer = Writer { connection, rows: Arc::clone(&rows), rows_since_checkpoint: 0 };
        let writer = GroupWriter::start("souk-keys", GROUP_CALLS_MAX, move |jobs| writer.run(jobs))
            .map_err(|error| KeyStoreError::Unavailable(Box::new(error)))?;
        Ok(SqliteKeyStore { file, rows, writer })
    }

    pub(crate) fn file(&self) -> &DatabaseFile {
        &self.file
    }

    fn find_known(&self, ids: &[IdHash]) -> Vec<Option<SubjectId>> {
        let rows = self.rows.read();
        ids.iter().map(|id| rows.get(id).copied()).collect()
    }
}

fn open_connection(file: &DatabaseFile) -> Result<(Connection, Rows), Failure> {
    restrict_to_owner(&file.path).map_err(|error| Failure::Other(error.to_string()))?;
    let connection = file.open_writer()?;
    // A deleted row is overwritten with zeros, not only unlinked.
    connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    connection.execute_batch(SCHEMA)?;
    checkpoint(&connection)?;
    let mut rows = Rows::new();
    {
        let mut select = connection.prepare("SELECT id, subject FROM subject_row")?;
        let mut found = select.query([])?;
        while let Some(row) = found.next()? {
            rows.insert(IdHash(row.get(0)?), SubjectId(row.get(1)?));
        }
    }
    Ok((connection, rows))
}

/// Creates the file with mode 0600; SQLite gives its write-ahead log the same mode.
fn restrict_to_owner(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = options.mode(0o600).open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))
    }
    #[cfg(not(unix))]
    options.open(path).map(drop)
}

/// Copies the write-ahead log into the database and empties it, so no deleted row stays in it.
fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

struct Writer {
    connection: Connection,
    rows: Arc<RwLock<Rows>>,
    rows_since_checkpoint: usize,
}

/// What a group of calls did, to be shown to readers once it is durable.
#[derive(Default)]
struct Staged {
    added: HashMap<IdHash, SubjectId>,
    removed: HashSet<IdHash>,
}

enum Answer {
    Subjects(Vec<SubjectId>),
    Removed(u32),
    Secret([u8; 32]),
}

impl Writer {
    fn run(&mut self, jobs: Vec<Job>) {
        let answers = self.try_group(&jobs);
        if answers.is_err() && !self.connection.is_autocommit() {
            // What is rolled back was never acknowledged; a failure here ends the transaction too.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        let failed = |failure: &Failure| key_error(failure.clone());
        let mut answers = answers.map(Vec::into_iter);
        for job in jobs {
            let answer = match &mut answers {
                Ok(answers) => Ok(answers.next().expect("one answer for each job")),
                Err(failure) => Err(failed(failure)),
            };
            job.reply(answer);
        }
    }

    fn try_group(&mut self, jobs: &[Job]) -> Result<Vec<Answer>, Failure> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut staged = Staged::default();
        let mut answers = Vec::with_capacity(jobs.len());
        for job in jobs {
            answers.push(match job {
                Job::Resolve { ids, .. } => Answer::Subjects(self.resolve(ids, &mut staged)?),
                Job::Forget { subject, .. } => Answer::Removed(self.forget(*subject, &mut staged)?),
                Job::Secret { name, .. } => Answer::Secret(self.secret(name)?),
            });
        }
        self.connection.execute_batch("COMMIT")?;
        self.publish(staged)?;
        Ok(answers)
    }

    fn publish(&mut self, staged: Staged) -> Result<(), Failure> {
        let has_removed = !staged.removed.is_empty();
        self.rows_since_checkpoint += staged.added.len();
        {
            let mut rows = self.rows.write();
            for id in &staged.removed {
                rows.remove(id);
            }
            rows.extend(staged.added);
        }
        if has_removed || self.rows_since_checkpoint >= CHECKPOINT_ROWS {
            self.rows_since_checkpoint = 0;
            // An erasure is only answered when the deleted row is gone from the log file too.
            checkpoint(&self.connection)?;
        }
        Ok(())
    }

    fn resolve(&self, ids: &[IdHash], staged: &mut Staged) -> Result<Vec<SubjectId>, Failure> {
        let mut insert =
            self.connection.prepare_cached("INSERT INTO subject_row VALUES (?1, ?2)")?;
        let mut subjects = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(subject) = self.known(id, staged) {
                subjects.push(subject);
                continue;
            }
            let subject = SubjectId(random()?);
            insert.execute(params![id.0, subject.0])?;
            staged.added.insert(*id, subject);
            subjects.push(subject);
        }
        Ok(subjects)
    }

    fn known(&self, id: &IdHash, staged: &Staged) -> Option<SubjectId> {
        if let Some(subject) = staged.added.get(id) {
            return Some(*subject);
        }
        if staged.removed.contains(id) { None } else { self.rows.read().get(id).copied() }
    }

    /// Looks through all rows, because an erasure is rare and an index by subject is not free.
    fn forget(&self, subject: SubjectId, staged: &mut Staged) -> Result<u32, Failure> {
        let mut ids: HashSet<IdHash> = {
            let rows = self.rows.read();
            let of_subject = rows.iter().filter(|(_, s)| **s == subject).map(|(id, _)| *id);
            of_subject.filter(|id| !staged.removed.contains(id)).collect()
        };
        ids.extend(staged.added.iter().filter(|(_, s)| **s == subject).map(|(id, _)| *id));
        let mut delete = self.connection.prepare_cached("DELETE FROM subject_row WHERE id = ?1")?;
        for id in &ids {
            delete.execute(params![id.0])?;
            staged.added.remove(id);
            staged.removed.insert(*id);
        }
        Ok(u32::try_from(ids.len()).unwrap_or(u32::MAX))
    }

    fn secret(&self, name: &str) -> Result<[u8; 32], Failure> {
        let mut select =
            self.connection.prepare_cached("SELECT value FROM secret WHERE name = ?1")?;
        if let Some(value) = select.query_row([name], |row| row.get(0)).optional()? {
            return Ok(value);
        }
        let value = random()?;
        self.connection
            .prepare_cached("INSERT INTO secret VALUES (?1, ?2)")?
            .execute(params![name, value])?;
        Ok(value)
    }
}

impl Job {
    fn reply(self, answer: Result<Answer, KeyStoreError>) {
        // A caller that went away needs no answer.
        match (self, answer) {
            (Job::Resolve { reply, .. }, Ok(Answer::Subjects(subjects))) => {
                drop(reply.send(Ok(subjects)));
            }
            (Job::Forget { reply, .. }, Ok(Answer::Removed(n))) => drop(reply.send(Ok(n))),
            (Job::Secret { reply, .. }, Ok(Answer::Secret(secret))) => drop(reply.send(Ok(secret))),
            (Job::Resolve { reply, .. }, Err(error)) => drop(reply.send(Err(error))),
            (Job::Forget { reply, .. }, Err(error)) => drop(reply.send(Err(error))),
            (Job::Secret { reply, .. }, Err(error)) => drop(reply.send(Err(error))),
            (_, Ok(_)) => unreachable!("each job gets the answer of its kind"),
        }
    }
}

#[async_trait]
impl KeyStore for SqliteKeyStore {
    async fn resolve(&self, ids: &[IdHash]) -> Result<Vec<SubjectId>, KeyStoreError> {
        if ids.len() > RESOLVE_MAX {
            return Err(KeyStoreError::TooLarge(ids.len()));
        }
        let known: Option<Vec<SubjectId>> = self.find_known(ids).into_iter().collect();
        if let Some(subjects) = known {
            return Ok(subjects);
        }
        let (reply, answer) = oneshot::channel();
        self.writer.send(Job::Resolve { ids: ids.to_vec(), reply }).await;
        answer.await.unwrap_or_else(|_| Err(key_error(stopped())))
    }

    async fn find(&self, ids: &[IdHash]) -> Result<Vec<Option<SubjectId>>, KeyStoreError> {
        if ids.len() > RESOLVE_MAX {
            return Err(KeyStoreError::TooLarge(ids.len()));
        }
        Ok(self.find_known(ids))
    }

    async fn forget(&self, subject: SubjectId) -> Result<u32, KeyStoreError> {
        let (reply, answer) = oneshot::channel();
        self.writer.send(Job::Forget { subject, reply }).await;
        answer.await.unwrap_or_else(|_| Err(key_error(stopped())))
    }

    async fn secret(&self, name: &str) -> Result<[u8; 32], KeyStoreError> {
        let (reply, answer) = oneshot::channel();
        self.writer.send(Job::Secret { name: name.to_owned(), reply }).await;
        answer.await.unwrap_or_else(|_| Err(key_error(stopped())))
    }

    async fn count(&self) -> Result<u64, KeyStoreError> {
        let rows = self.rows.read();
        let subjects: HashSet<&SubjectId> = rows.values().collect();
        Ok(subjects.len() as u64)
    }
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
