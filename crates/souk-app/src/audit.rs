//! The audit log: who did what, to which object, what for and when, in a form that cannot be changed
//! unseen.
//!
//! An act of a person is an entry of its own, durable before the act is answered
//! ([`App::audit`]). What machines do thousands of times a second is counted, one entry for each
//! key, operation, purpose and minute ([`tally`]). Entries are the leaves of a Merkle tree
//! ([`souk_privacy::audit`]) in the table store; its signed heads are published outside of the
//! machine ([`heads`]), because whoever owns the machine could otherwise make the whole tree anew.
//! Entries hold no personal data but pseudonyms. `docs/audit.md` is the page for users.

mod act;
mod heads;
mod prune;
mod read;
mod tally;
mod tree;
mod verify;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use souk_core::{SubjectId, Timestamp};
use souk_ports::{KeyStore, TableError, TableStore};
use souk_privacy::audit::{EntryError, HeadSigner};

use crate::{App, AppError, Caller, Clock};

pub use act::{AuditAct, AuditObject, AuditOperation, AuditPurpose};
pub use read::{AuditFilter, AuditHead, AuditItem, AuditPage, AuditProof};
pub use souk_privacy::audit::{AuditEntry, Outcome, SignedTreeHead, TreeHash};
pub use verify::{AuditCheck, AuditProblem, verify_audit};

pub(crate) use act::hashed;
pub(crate) use heads::{HEAD_MESSAGE, keep_publishing};
pub(crate) use tally::Counted;

use heads::Publisher;
use tally::TallySheet;
use tree::{APPEND_MAX, Tree};

/// The audit log goes by the machine's own time: a clock that stands still for sample data must not
/// date an act.
fn audit_now() -> Timestamp {
    Clock::system().now()
}

/// Why the audit log does not take or give an entry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditFault {
    #[error(
        "the audit log is damaged: {0}; `souk audit verify` says where; restore a backup of the data"
    )]
    Damaged(String),
    #[error("the system gives no random numbers")]
    NoRandomness,
    #[error(transparent)]
    Tables(#[from] TableError),
    #[error(transparent)]
    Entry(#[from] EntryError),
}

impl AuditFault {
    fn damaged(what: &str) -> AuditFault {
        AuditFault::Damaged(what.to_owned())
    }
}

impl From<AuditFault> for AppError {
    fn from(fault: AuditFault) -> AppError {
        match fault {
            AuditFault::Tables(error) => error.into(),
            AuditFault::Entry(error) => AppError::Bug(error.to_string()),
            other => AppError::NotReady(other.to_string()),
        }
    }
}

/// The open audit log.
#[derive(Debug)]
pub(crate) struct AuditLog {
    /// `None` until it is needed, and after a write whose outcome is unknown.
    tree: tokio::sync::Mutex<Option<Tree>>,
    signer: HeadSigner,
    /// The key of pseudonyms and digests.
    names: Hmac<Sha256>,
    tally: TallySheet,
    publisher: Publisher,
}

impl AuditLog {
    pub(crate) async fn open(
        keys: &dyn KeyStore,
        heads_file: Option<&str>,
    ) -> Result<AuditLog, AppError> {
        let names = Hmac::new_from_slice(keys.secret("audit-names").await?.bytes())
            .expect("HMAC takes keys of any length");
        Ok(AuditLog {
            tree: tokio::sync::Mutex::default(),
            signer: HeadSigner::new(keys.secret("audit-signing").await?.bytes()),
            tally: TallySheet::default(),
            names,
            publisher: Publisher::new(heads_file),
        })
    }

    /// Appends entries and returns the number of the last one, once all are durable.
    async fn append(
        &self,
        tables: &dyn TableStore,
        entries: &[AuditEntry],
    ) -> Result<u64, AuditFault> {
        let bytes = entries.iter().map(AuditEntry::to_bytes).collect::<Result<Vec<_>, _>>()?;
        let mut held = self.tree.lock().await;
        let now = audit_now();
        let mut last = 0;
        for chunk in bytes.chunks(APPEND_MAX) {
            let mut tree = match held.take() {
                Some(tree) => tree,
                None => Tree::load(tables, now).await?,
            };
            last = tree.append(chunk, (tables, now)).await? + chunk.len() as u64 - 1;
            *held = Some(tree);
        }
        Ok(last)
    }

    /// A pseudonym of a subject, the same in every entry of this installation. Neither the subject
    /// nor the person's id can be told from it without the key store.
    fn pseudonym(&self, subject: SubjectId) -> AuditObject {
        AuditObject::from(self.name("subject", &[&subject.0]))
    }

    /// A pseudonym of a person who signs in, likewise. Nobody else's can be made to equal it: the issuer's
    /// length comes first.
    pub(crate) fn person(&self, issuer: &str, sub: &str) -> String {
        let length = (issuer.len() as u64).to_be_bytes();
        self.name("person", &[&length, issuer.as_bytes(), sub.as_bytes()])
    }

    fn name(&self, kind: &str, parts: &[&[u8]]) -> String {
        let mut mac = self.names.clone();
        mac.update(kind.as_bytes());
        parts.iter().for_each(|part| mac.update(part));
        let hash = mac.finalize().into_bytes();
        format!("{kind}:{}", souk_core::hexadecimal(&hash[..16]))
    }
}

impl App {
    /// Writes down an act; durable when it returns, so call it before the act is answered. Returns
    /// the entry's number.
    ///
    /// ```ignore
    /// let act = AuditAct::new(AuditOperation::SubjectErasure).on(app.audit_subject(subject));
    /// app.audit(&caller, act.with("request", request_number)).await?;
    /// ```
    ///
    /// # Errors
    ///
    /// As the table store; [`AppError::NotReady`] when the stored log is damaged. An act that cannot
    /// be written down must not be answered.
    pub async fn audit(&self, caller: &Caller, act: AuditAct) -> Result<u64, AppError> {
        let entry = act.entry(caller, audit_now());
        Ok(self.door.audit.append(&*self.parts.tables, &[entry]).await?)
    }

    /// The pseudonym under which acts on a person's data are written down.
    pub fn audit_subject(&self, subject: SubjectId) -> AuditObject {
        self.door.audit.pseudonym(subject)
    }

    /// Counts acts of a machine: one entry for each caller, kind of act and minute, written in the
    /// background. Never waits.
    pub(crate) fn tally(&self, caller: &Caller, what: Counted) {
        self.door.audit.tally.add(caller, what, (&self.door.audit.names, audit_now()));
    }

    /// Counts an attempt that the caller's role forbids.
    pub fn tally_denied(&self, caller: &Caller) {
        self.tally(caller, Counted::denied());
    }

    /// Hands an answer on, and counts it if it is a refusal by role, place or person.
    ///
    /// # Errors
    ///
    /// That of the answer.
    pub fn noted<T>(&self, caller: &Caller, answer: Result<T, AppError>) -> Result<T, AppError> {
        if matches!(answer, Err(AppError::Denied { .. })) {
            self.tally_denied(caller);
        }
        answer
    }

    /// Writes down what was counted in minutes that are over; all of it at the end.
    pub(crate) async fn flush_tally(&self, upto: Option<Timestamp>) {
        let log = &self.door.audit;
        let entries = log.tally.take(upto);
        if entries.is_empty() {
            return;
        }
        for (idx, some) in entries.chunks(APPEND_MAX).enumerate() {
            if let Err(error) = log.append(&*self.parts.tables, some).await {
                tracing::error!(%error, "counts for the audit log could not be written; trying again");
                // What was written before must not be counted twice.
                log.tally.put_back(&entries[idx * APPEND_MAX..]);
                return;
            }
        }
    }
}

/// Writes down, in tables that no application has open, that a backup was restored into them.
///
/// # Errors
///
/// As [`App::audit`].
pub async fn audit_restore(tables: &dyn TableStore, act: AuditAct) -> Result<u64, AppError> {
    let now = audit_now();
    let mut tree = Tree::load(tables, now).await?;
    let entry = act.entry(&Caller::local_admin(), now).to_bytes().map_err(AuditFault::from)?;
    Ok(tree.append(&[entry], (tables, now)).await?)
}

#[cfg(test)]
mod tests;
