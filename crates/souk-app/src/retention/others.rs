//! What is kept beside the log, and until when: terms that no run enforces.

use crate::App;

/// Something that is kept, and what ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherTerm {
    /// What, in one word.
    pub what: &'static str,
    /// Days that it is kept at most; `None` where no clock ends it.
    pub days: Option<u64>,
    /// What ends it, and what it tells of people until then.
    pub ends: &'static str,
}

impl App {
    pub(super) fn other_terms(&self) -> Vec<OtherTerm> {
        let webhooks = self.config.privacy.webhooks.kept_days;
        let idempotency = u64::try_from(crate::idempotency::KEPT_MS).unwrap_or(0) / 86_400_000;
        let term = |what, days, ends| OtherTerm { what, days, ends };
        vec![
            term("idempotency_answers", Some(idempotency), "by itself, a day after the answer"),
            term(
                "webhook_ids",
                Some(webhooks),
                "as soon as every receiver has the message; so many days after it was given up",
            ),
            term(
                "rejected_rows",
                None,
                "somebody deletes FILE.rejected.csv; of rows about people it repeats no value",
            ),
            term(
                "exports",
                None,
                "somebody deletes what `souk export` and `souk privacy export` wrote: an erasure does not know \
                 where it went",
            ),
            term(
                "backups",
                None,
                "somebody deletes them; erased people are noise in them, other terms do not reach them",
            ),
            term(
                "key_copies",
                None,
                "somebody deletes them; each erasure takes its people out of registered ones",
            ),
            term(
                "audit_entries",
                self.config.audit.entries_days,
                "by audit.entries_days; they hold pseudonyms alone, and their hashes stay",
            ),
            term("erased_subjects", None, "nothing; random numbers, so that nobody comes back"),
        ]
    }
}
