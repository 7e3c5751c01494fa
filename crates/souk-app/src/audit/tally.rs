//! Counting what machines do, without slowing them down.
//!
//! Each thread counts in a sheet of its own, behind a lock that nobody else holds but once a minute.
//! A crash loses the counts of the running minute; that is the price of not waiting for a disk in
//! every answer.

use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::{Equivalent, HashMap};
use hmac::{Hmac, Mac};
use parking_lot::Mutex;
use sha2::Sha256;
use souk_core::{SubjectId, Timestamp};
use souk_privacy::audit::{AuditEntry, Outcome, Tally};

use crate::{Caller, Role};

use super::{AuditOperation, AuditPurpose};

const MINUTE_MS: i64 = 60_000;
/// Sheets; chosen: more than threads that answer requests on the machines this is meant for.
const SHEETS: usize = 16;
/// Lines of one sheet at most, while the log cannot be written; beyond, acts are counted under no
/// key's name. Chosen: 4 MB in all.
const LINES_MAX: usize = 4_096;

/// Acts of a machine that are counted together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) operation: AuditOperation,
    pub(crate) purpose: AuditPurpose,
    pub(crate) outcome: Outcome,
    /// How many.
    pub(crate) count: u64,
    /// Whom they concerned, if anybody who is known.
    pub(crate) subject: Option<SubjectId>,
}

impl Counted {
    /// One act on a person who is known, for its usual purpose.
    pub(crate) fn of_subject(operation: AuditOperation, subject: SubjectId) -> Counted {
        Counted { subject: Some(subject), ..Counted::many(operation, 1) }
    }

    /// So many acts, for their usual purpose.
    pub(crate) fn many(operation: AuditOperation, count: u64) -> Counted {
        let (purpose, outcome) = (operation.usual_purpose(), Outcome::Done);
        Counted { operation, purpose, outcome, count, subject: None }
    }

    /// The same for another purpose.
    pub(crate) fn for_purpose(self, purpose: AuditPurpose) -> Counted {
        Counted { purpose, ..self }
    }

    /// An attempt that was refused.
    pub(super) fn denied() -> Counted {
        Counted { outcome: Outcome::Denied, ..Counted::many(AuditOperation::AccessDenied, 1) }
    }
}

/// What a line counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct LineKey {
    minute: i64,
    key_id: String,
    role: Role,
    operation: AuditOperation,
    purpose: AuditPurpose,
    outcome: Outcome,
    /// Of refusals: where. Empty for all else.
    route: String,
}

/// The same without owning the key's name, so that counting on allocates nothing.
#[derive(Hash)]
struct LineRef<'a> {
    minute: i64,
    key_id: &'a str,
    role: Role,
    operation: AuditOperation,
    purpose: AuditPurpose,
    outcome: Outcome,
    route: &'a str,
}

impl Equivalent<LineKey> for LineRef<'_> {
    fn equivalent(&self, key: &LineKey) -> bool {
        self.minute == key.minute
            && self.key_id == key.key_id
            && self.role == key.role
            && self.operation == key.operation
            && self.purpose == key.purpose
            && self.outcome == key.outcome
            && self.route == key.route
    }
}

impl From<&LineRef<'_>> for LineKey {
    fn from(line: &LineRef<'_>) -> LineKey {
        LineKey {
            minute: line.minute,
            key_id: line.key_id.to_owned(),
            role: line.role,
            operation: line.operation,
            purpose: line.purpose,
            outcome: line.outcome,
            route: line.route.to_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    count: u64,
    /// The sum of the subjects' hashes, modulo 2^128.
    digest: u128,
    has_subjects: bool,
}

impl Line {
    fn merge(&mut self, other: Line) {
        self.count += other.count;
        self.digest = self.digest.wrapping_add(other.digest);
        self.has_subjects |= other.has_subjects;
    }
}

/// What was counted and is not written yet.
#[derive(Debug)]
pub(super) struct TallySheet {
    sheets: [Mutex<HashMap<LineKey, Line>>; SHEETS],
}

impl Default for TallySheet {
    fn default() -> TallySheet {
        TallySheet { sheets: std::array::from_fn(|_| Mutex::default()) }
    }
}

/// This thread's sheet.
fn sheet_idx() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHEETS;
    }
    MINE.with(|mine| *mine)
}

impl TallySheet {
    /// Counts.
    pub(super) fn add(
        &self,
        caller: &Caller,
        what: Counted,
        (names, now): (&Hmac<Sha256>, Timestamp),
    ) {
        let minute = now.as_ms().div_euclid(MINUTE_MS);
        let mut counted = Line { count: what.count, ..Line::default() };
        if let Some(subject) = what.subject {
            counted.digest = hash_in_minute(names, subject, minute);
            counted.has_subjects = true;
        }
        let route = caller.route.as_deref().filter(|_| what.outcome == Outcome::Denied);
        let line = LineRef {
            minute,
            key_id: &caller.key_id,
            role: caller.role,
            operation: what.operation,
            purpose: what.purpose,
            outcome: what.outcome,
            route: route.unwrap_or_default(),
        };
        let mut sheet = self.sheets[sheet_idx()].lock();
        if let Some(known) = sheet.get_mut(&line) {
            known.merge(counted);
            return;
        }
        let mut key = LineKey::from(&line);
        if sheet.len() >= LINES_MAX {
            "many".clone_into(&mut key.key_id);
            key.route.clear();
        }
        sheet.entry(key).or_default().merge(counted);
    }

    /// Takes the lines of all minutes before that of `upto`, or all, as entries in order.
    pub(super) fn take(&self, upto: Option<Timestamp>) -> Vec<AuditEntry> {
        let end = upto.map_or(i64::MAX, |time| time.as_ms().div_euclid(MINUTE_MS));
        let mut lines: HashMap<LineKey, Line> = HashMap::new();
        for sheet in &self.sheets {
            for (key, line) in sheet.lock().extract_if(|key, _| key.minute < end) {
                lines.entry(key).or_default().merge(line);
            }
        }
        let mut lines: Vec<(LineKey, Line)> = lines.into_iter().collect();
        lines.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        lines.into_iter().map(|(key, line)| entry(key, line)).collect()
    }

    /// Counts entries again that could not be written.
    pub(super) fn put_back(&self, entries: &[AuditEntry]) {
        let mut sheet = self.sheets[sheet_idx()].lock();
        for entry in entries {
            let (Some(key), Some(tally)) = (key_of(entry), entry.tally) else { continue };
            let digest = tally.subjects.map_or(0, u128::from_be_bytes);
            let line = Line { count: tally.count, digest, has_subjects: tally.subjects.is_some() };
            sheet.entry(key).or_default().merge(line);
        }
    }
}

/// A subject's hash in one minute: two minutes cannot be compared without the key.
fn hash_in_minute(names: &Hmac<Sha256>, subject: SubjectId, minute: i64) -> u128 {
    let mut mac = names.clone();
    mac.update(b"minute");
    mac.update(&minute.to_be_bytes());
    mac.update(&subject.0);
    let hash = mac.finalize().into_bytes();
    u128::from_be_bytes(hash[..16].try_into().expect("a hash has 32 bytes"))
}

/// The detail of a refusal that says where it was.
const ROUTE: &str = "route";

fn entry(key: LineKey, line: Line) -> AuditEntry {
    let route = Some(key.route).filter(|route| !route.is_empty());
    let subjects = line.has_subjects.then(|| line.digest.to_be_bytes());
    AuditEntry {
        at: Timestamp::EPOCH.plus_ms(key.minute * MINUTE_MS),
        who: key.key_id,
        role: key.role.as_str().to_owned(),
        operation: key.operation.as_str().to_owned(),
        object: None,
        purpose: key.purpose.as_str().to_owned(),
        outcome: key.outcome,
        request_id: None,
        tally: Some(Tally { count: line.count, subjects }),
        details: route.map(|route| (ROUTE.to_owned(), route)).into_iter().collect(),
    }
}

fn key_of(entry: &AuditEntry) -> Option<LineKey> {
    Some(LineKey {
        minute: entry.at.as_ms().div_euclid(MINUTE_MS),
        key_id: entry.who.clone(),
        role: Role::parse(&entry.role)?,
        operation: AuditOperation::parse(&entry.operation)?,
        purpose: AuditPurpose::parse(&entry.purpose)?,
        outcome: entry.outcome,
        route: entry.details.get(ROUTE).cloned().unwrap_or_default(),
    })
}
