//! Signed tree heads: made every few minutes and at the end, kept in the tables, and published where
//! whoever owns this machine cannot take them back.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::Weak;
use std::time::Duration;

use parking_lot::Mutex;
use souk_ports::Condition;
use souk_privacy::audit::{SignedTreeHead, TreeHead};
use tokio::sync::OnceCell;

use crate::config::WebhookKind;
use crate::outbox::Message;
use crate::threads::aside;
use crate::{App, AppError, Caller};

use super::tree::{HEADS, STATE, STATE_HEAD, Tree, head_row, put, row_key, split_head};
use super::{AuditAct, AuditFault, AuditLog, AuditOperation, audit_now};

/// How often what was counted is written down.
const FLUSH_PAUSE: Duration = Duration::from_secs(60);
/// Bytes at the end of the published file in which its last lines are looked for.
const TAIL_BYTES: u64 = 64 << 10;
/// Published heads that a start looks back on; `souk audit verify` looks at all.
const LOOK_BACK: usize = 16;

/// What messages to other systems that bring a head are called.
pub(crate) const HEAD_MESSAGE: &str = "audit.head";

/// A head for other systems: the very line that stands in the file of heads.
fn head_message(line: &str) -> Message {
    let facts = serde_json::json!({ "line": line });
    Message { kind: WebhookKind::AuditHead, what: HEAD_MESSAGE, facts, ids: None }
}

/// Where heads go.
#[derive(Debug)]
pub(super) struct Publisher {
    file: Option<PathBuf>,
    /// The size of the newest head that is in the file; `None` before the first.
    published: Mutex<Option<u64>>,
    /// What did not fit when it was compared: the published past is another than the stored one.
    differs: Mutex<Option<String>>,
    /// Set once the published past was compared: nothing is published before.
    compared: OnceCell<()>,
}

impl Publisher {
    pub(super) fn new(file: Option<&str>) -> Publisher {
        Publisher {
            file: file.map(PathBuf::from),
            published: Mutex::default(),
            differs: Mutex::default(),
            compared: OnceCell::new(),
        }
    }

    async fn publish(&self, line: &str) -> Result<(), String> {
        let Some(path) = self.file.clone() else { return Ok(()) };
        let line = format!("{line}\n");
        let shown = path.display().to_string();
        let written = tokio::task::spawn_blocking(move || append_line(&path, &line)).await;
        let written = written.map_err(|error| error.to_string())?;
        written.map_err(|error| format!("{shown}: {error}"))
    }
}

/// Appends a line, durable when it returns.
fn append_line(path: &std::path::Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    let bytes = file.metadata()?.len();
    let mut last = [b'\n'];
    if bytes > 0 {
        file.seek(SeekFrom::Start(bytes - 1))?;
        file.read_exact(&mut last)?;
    }
    // A crash may have cut the last line; the next one must not become a part of it.
    let line = if last == *b"\n" { line.to_owned() } else { format!("\n{line}") };
    file.write_all(line.as_bytes())?;
    file.sync_data()
}

/// The last whole lines of the published file, the newest first.
fn last_lines(path: &std::path::Path) -> std::io::Result<Vec<String>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let bytes = file.metadata()?.len();
    file.seek(SeekFrom::Start(bytes.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut tail)?;
    let text = String::from_utf8_lossy(&tail);
    // A line that ends in the middle was cut by a crash, or by where this reading begins.
    let whole = |line: &&str| line.starts_with('{') && line.ends_with('}');
    Ok(text.lines().rev().filter(whole).take(LOOK_BACK).map(str::to_owned).collect())
}

impl AuditLog {
    /// Runs `work` on the tree, which is loaded when it is not in memory.
    pub(super) async fn with_tree<T>(
        &self,
        app: &App,
        work: impl AsyncFnOnce(&Tree) -> Result<T, AuditFault>,
    ) -> Result<T, AuditFault> {
        let mut held = self.tree.lock().await;
        if held.is_none() {
            *held = Some(Tree::load(&*app.parts.tables, audit_now()).await?);
        }
        work(held.as_ref().expect("it was just loaded")).await
    }

    fn sign(&self, tree: &Tree) -> SignedTreeHead {
        self.signer.sign(TreeHead {
            origin: super::tree::origin(&tree.id),
            size: tree.size(),
            root: tree.root(),
            at: audit_now(),
        })
    }
}

impl App {
    /// The tree as it is now, signed.
    ///
    /// # Errors
    ///
    /// As [`App::audit`].
    pub(super) async fn sign_audit_head(&self) -> Result<SignedTreeHead, AppError> {
        let log = &self.door.audit;
        Ok(log.with_tree(self, async |tree| Ok(log.sign(tree))).await?)
    }

    /// Signs, stores and publishes a head if entries came since the last one.
    pub(crate) async fn publish_audit_head(&self) -> Result<(), AppError> {
        let publisher = &self.door.audit.publisher;
        self.compare_with_published().await?;
        let signed = self.sign_audit_head().await?;
        let size = signed.head.size;
        if size == 0 || *publisher.published.lock() == Some(size) {
            return Ok(());
        }
        let line = signed.to_line();
        let (before, is_new) = match self.stored_head().await? {
            // The same tree, signed once more because it could not be published: its place is taken.
            Some((before, last)) if last.head.size == size => (before, false),
            Some((_, last)) => (last.head.size, true),
            None => (0, true),
        };
        let value = || (Condition::Any, head_row(before, &line));
        let mut writes =
            vec![put(HEADS, row_key(size), value()), put(STATE, STATE_HEAD.to_owned(), value())];
        if is_new {
            writes.extend(self.door.outbox.writes(&head_message(&line))?);
        }
        self.parts.tables.write(&writes, audit_now()).await?;
        self.door.outbox.written(&writes);
        match publisher.publish(&line).await {
            Ok(()) => *publisher.published.lock() = Some(size),
            Err(error) => {
                tracing::error!(%error, "a head of the audit log could not be published");
            }
        }
        Ok(())
    }

    /// Compares, once, the stored log with the newest heads that were published, and with the key that
    /// signed the last one. What does not fit is an entry itself, and a finding of `souk doctor`.
    pub(crate) async fn compare_with_published(&self) -> Result<(), AppError> {
        let compared = &self.door.audit.publisher.compared;
        compared.get_or_try_init(|| self.check_published_head()).await.map(drop)
    }

    async fn check_published_head(&self) -> Result<(), AppError> {
        let publisher = &self.door.audit.publisher;
        if let Some((_, stored)) = self.stored_head().await? {
            let current = self.door.audit.signer.public_key();
            *publisher.published.lock() = publisher.file.is_none().then_some(stored.head.size);
            if stored.public_key != current {
                let act = AuditAct::new(AuditOperation::AuditKeyChanged)
                    .with("from", short(&stored.public_key))
                    .with("to", short(&current));
                self.audit(&Caller::local_admin(), act).await?;
            }
        }
        let Some(path) = publisher.file.clone() else { return Ok(()) };
        let shown = path.display().to_string();
        let lines = aside("reading heads", move || last_lines(&path)).await?;
        let lines = lines.map_err(|error| AppError::NotReady(format!("{shown}: {error}")))?;
        for (idx, line) in lines.iter().enumerate() {
            let (size, fault) = match SignedTreeHead::from_line(line) {
                Ok(published) => (published.head.size, self.fault_of(&published).await?),
                Err(error) => (0, Some(format!("a line {error}"))),
            };
            let Some(fault) = fault else {
                if idx == 0 {
                    *publisher.published.lock() = Some(size);
                }
                continue;
            };
            let detail = format!("{shown} and the stored log differ: {fault}");
            tracing::error!(detail, "the audit log is not the one that was published");
            *publisher.differs.lock() = Some(detail);
            // An older one was written down by the start that found it first.
            if idx == 0 {
                let act =
                    AuditAct::new(AuditOperation::AuditHeadsDiffer).with("published_size", size);
                self.audit(&Caller::local_admin(), act).await?;
            }
            return Ok(());
        }
        Ok(())
    }

    /// The newest stored head, with the size of the one before it.
    async fn stored_head(&self) -> Result<Option<(u64, SignedTreeHead)>, AppError> {
        let row = self.parts.tables.get(STATE, STATE_HEAD, audit_now()).await?;
        let Some(row) = row else { return Ok(None) };
        let read = split_head(&row.value).and_then(|(before, line)| {
            SignedTreeHead::from_line(line).ok().map(|head| (before, head))
        });
        let damaged = || AuditFault::damaged("its newest head has no known form");
        Ok(Some(read.ok_or_else(damaged)?))
    }

    /// Why a published head is none of the stored tree.
    async fn fault_of(&self, published: &SignedTreeHead) -> Result<Option<String>, AppError> {
        let head = &published.head;
        let tables = &*self.parts.tables;
        let found = self.door.audit.with_tree(self, async |tree| {
            if super::tree::origin(&tree.id) != head.origin {
                return Ok(Some(format!("it is of the log {}", head.origin)));
            }
            if head.size > tree.size() {
                return Ok(Some(format!(
                    "{} entries were published, and {} are stored",
                    head.size,
                    tree.size()
                )));
            }
            let root = tree.hash_of(0..head.size, (tables, audit_now())).await?;
            Ok((root != head.root).then(|| format!("the first {} entries changed", head.size)))
        });
        Ok(found.await?)
    }

    /// What is wrong between the published heads and the stored log, as found at the start.
    pub(crate) fn audit_difference(&self) -> Option<String> {
        self.door.audit.publisher.differs.lock().clone()
    }

    /// Writes down all that was counted and publishes a last head.
    pub(crate) async fn close_audit(&self) {
        self.flush_tally(None).await;
        if let Err(error) = self.publish_audit_head().await {
            tracing::error!(%error, "the last head of the audit log could not be signed");
        }
    }
}

fn short(key: &[u8; 32]) -> String {
    souk_core::hexadecimal(&key[..8])
}

/// Runs beside requests: checks the published heads once, then writes down and publishes.
pub(crate) async fn keep_publishing(app: Weak<App>, every: Duration) {
    {
        let Some(app) = app.upgrade() else { return };
        if let Err(error) = app.compare_with_published().await {
            tracing::error!(%error, "the published heads of the audit log could not be checked");
        }
    }
    let mut since_head = Duration::ZERO;
    let pause = FLUSH_PAUSE.min(every);
    loop {
        tokio::time::sleep(pause).await;
        let Some(app) = app.upgrade() else { return };
        app.flush_tally(Some(audit_now())).await;
        since_head += pause;
        if since_head >= every {
            since_head = Duration::ZERO;
            if let Err(error) = app.publish_audit_head().await {
                tracing::error!(%error, "a head of the audit log could not be signed");
            }
        }
    }
}
