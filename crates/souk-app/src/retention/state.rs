//! What is on record about runs: one row of the tables.

use serde_json::{Value, json};
use souk_core::Timestamp;
use souk_ports::{Condition, Write, WriteChange};

use super::{OtherTerm, PersonalKind};
use crate::projections::destroy_snapshots;
use crate::{AppError, Parts};

const PARTITION: &str = "retention";
const ROW: &str = "state";

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionOutcome {
    /// Nothing was to be removed, only counted.
    DryRun,
    /// What was past its term is gone.
    Done,
    /// More than `privacy.retention.share_max` of all or of one kind was past its term: nothing was removed.
    Stopped,
}

impl RetentionOutcome {
    const ALL: [RetentionOutcome; 3] =
        [RetentionOutcome::DryRun, RetentionOutcome::Done, RetentionOutcome::Stopped];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            RetentionOutcome::DryRun => "dry_run",
            RetentionOutcome::Done => "done",
            RetentionOutcome::Stopped => "stopped",
        }
    }
}

/// Records of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindCount {
    /// Which kind.
    pub kind: PersonalKind,
    /// How many there were before the run.
    pub held: u64,
    /// How many of them were past their term.
    pub due: u64,
}

/// What a run found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionRun {
    /// When it began, by the shop's clock.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: RetentionOutcome,
    /// By kind, in the order of [`PersonalKind::ALL`].
    pub kinds: Vec<KindCount>,
    /// How long it took, in milliseconds of real time.
    pub ms: u64,
}

impl RetentionRun {
    /// Records of all kinds that were past their term.
    pub fn n_due(&self) -> u64 {
        self.kinds.iter().map(|count| count.due).sum()
    }

    /// The run as JSON.
    pub fn to_json(&self) -> Value {
        let kind = |count: &KindCount| json!({"kind": count.kind.as_str(), "held": count.held, "due": count.due});
        json!({
            "at": self.at.to_string(),
            "outcome": self.outcome.as_str(),
            "kinds": self.kinds.iter().map(kind).collect::<Vec<_>>(),
            "ms": self.ms,
        })
    }

    fn from_json(value: &Value) -> Option<RetentionRun> {
        let outcome = value["outcome"].as_str()?;
        let kinds = value["kinds"].as_array()?.iter();
        Some(RetentionRun {
            at: Timestamp::parse(value["at"].as_str()?).ok()?,
            outcome: RetentionOutcome::ALL.into_iter().find(|one| one.as_str() == outcome)?,
            kinds: kinds.map(kind_from_json).collect::<Option<_>>()?,
            ms: value["ms"].as_u64()?,
        })
    }
}

fn kind_from_json(value: &Value) -> Option<KindCount> {
    let name = value["kind"].as_str()?;
    Some(KindCount {
        kind: PersonalKind::ALL.into_iter().find(|kind| kind.as_str() == name)?,
        held: value["held"].as_u64()?,
        due: value["due"].as_u64()?,
    })
}

/// What can be seen of retention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionState {
    /// Days that each kind is kept; `None` is for good.
    pub terms: Vec<(PersonalKind, Option<u64>)>,
    /// What is kept beside the log.
    pub others: Vec<OtherTerm>,
    /// The last run that was no dry run.
    pub last: Option<RetentionRun>,
    /// When the next one is; `None` while no kind has a term.
    pub next_at: Option<Timestamp>,
    /// Whether one is under way, or was broken off and will go on.
    pub is_running: bool,
}

/// The stored row.
#[derive(Clone, Debug, Default)]
pub(super) struct Noted {
    pub(super) running_since: Option<Timestamp>,
    /// Whether the run under way was confirmed.
    pub(super) is_confirmed: bool,
    pub(super) last: Option<RetentionRun>,
}

pub(super) async fn read(parts: &Parts, now: Timestamp) -> Result<Noted, AppError> {
    let Some(row) = parts.tables.get(PARTITION, ROW, now).await? else {
        return Ok(Noted::default());
    };
    let value: Value = serde_json::from_slice(&row.value)
        .map_err(|_| AppError::Bug("the row of retention cannot be read".to_owned()))?;
    let since = value["running_since"].as_str();
    Ok(Noted {
        running_since: since.and_then(|text| Timestamp::parse(text).ok()),
        is_confirmed: value["is_confirmed"].as_bool().unwrap_or(false),
        last: RetentionRun::from_json(&value["last"]),
    })
}

async fn write(parts: &Parts, noted: &Noted, now: Timestamp) -> Result<(), AppError> {
    let value = json!({
        "version": 1,
        "running_since": noted.running_since.map(|at| at.to_string()),
        "is_confirmed": noted.is_confirmed,
        "last": noted.last.as_ref().map(RetentionRun::to_json),
    });
    let change = WriteChange::Put { value: value.to_string().into_bytes(), expires_at: None };
    let (partition_key, sort_key) = (PARTITION.to_owned(), ROW.to_owned());
    let write = Write { partition_key, sort_key, condition: Condition::Any, change };
    parts.tables.write(&[write], now).await?;
    Ok(())
}

/// Notes that records are about to be emptied: from here on no snapshot can be trusted.
pub(super) async fn begin(
    parts: &Parts,
    (is_confirmed, now): (bool, Timestamp),
) -> Result<(), AppError> {
    let noted = read(parts, now).await?;
    write(parts, &Noted { running_since: Some(now), is_confirmed, ..noted }, now).await
}

/// Notes that the run is over.
pub(super) async fn finish(
    parts: &Parts,
    (run, now): (&RetentionRun, Timestamp),
) -> Result<(), AppError> {
    let noted = Noted { last: Some(run.clone()), ..Noted::default() };
    write(parts, &noted, now).await
}

/// After a run that was broken off, destroys all snapshots: they may rest on what the log no longer says.
pub(crate) async fn forget_stale_snapshots(parts: &Parts, now: Timestamp) -> Result<(), AppError> {
    if read(parts, now).await?.running_since.is_none() {
        return Ok(());
    }
    tracing::warn!("a run of retention was broken off; the start folds the whole log anew");
    destroy_snapshots(&*parts.keys).await
}
