use serde::{Deserialize, Serialize};
use souk_app::{OtherTerm, RetentionMode, RetentionRun, RetentionState};
use utoipa::ToSchema;

/// How far a run may go.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionBody {
    /// `dry_run` unless it says otherwise.
    #[serde(default)]
    mode: Option<RetentionModeName>,
}

names_of! {
    RetentionMode:
    /// How far a run may go.
    #[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
    #[serde(rename_all = "snake_case")]
    RetentionModeName {
        DryRun,
        Enforce,
        Confirmed,
    }
}

impl RetentionBody {
    pub(crate) fn mode(&self) -> RetentionMode {
        self.mode.map_or(RetentionMode::DryRun, RetentionMode::from)
    }
}

/// How long data is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetentionAnswer {
    /// By kind of data.
    terms: Vec<RetentionTerm>,
    /// What is kept beside the log, which no run removes.
    others: Vec<RetentionOther>,
    /// The last run that was no dry run.
    #[schema(required)]
    last_run: Option<RetentionRunAnswer>,
    /// When the next one is, by the shop's clock; `null` while no kind has a term.
    #[schema(format = DateTime, required)]
    next_run_at: Option<String>,
    /// Whether one is under way, or was broken off and will go on.
    is_running: bool,
}

/// The term of one kind of data.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetentionTerm {
    /// As in `privacy.retention`, without `_days`.
    kind: &'static str,
    /// Days since it happened; `null` is for good.
    #[schema(required)]
    days: Option<u64>,
}

/// Something that is kept beside the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetentionOther {
    /// In one word, as `backups`.
    what: &'static str,
    /// Days that it is kept at most; `null` where no clock ends it.
    #[schema(required)]
    days: Option<u64>,
    /// What ends it, and what it tells of people until then.
    ends: &'static str,
}

impl From<OtherTerm> for RetentionOther {
    fn from(term: OtherTerm) -> RetentionOther {
        RetentionOther { what: term.what, days: term.days, ends: term.ends }
    }
}

/// What a run found and did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetentionRunAnswer {
    /// When it began, by the shop's clock.
    #[schema(format = DateTime)]
    at: String,
    /// `dry_run`, `done`, or `stopped` by `privacy.retention.share_max`: then nothing was removed.
    outcome: &'static str,
    /// By kind of data.
    kinds: Vec<RetentionCount>,
    /// How long it took.
    ms: u64,
}

/// Records of one kind.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetentionCount {
    /// As in `terms`.
    kind: &'static str,
    /// How many there were before the run.
    held: u64,
    /// How many of them were past their term; removed when the outcome is `done`.
    due: u64,
}

impl From<RetentionRun> for RetentionRunAnswer {
    fn from(run: RetentionRun) -> RetentionRunAnswer {
        let kinds = run.kinds.iter();
        RetentionRunAnswer {
            at: run.at.to_string(),
            outcome: run.outcome.as_str(),
            kinds: kinds
                .map(|count| RetentionCount {
                    kind: count.kind.as_str(),
                    held: count.held,
                    due: count.due,
                })
                .collect(),
            ms: run.ms,
        }
    }
}

impl From<RetentionState> for RetentionAnswer {
    fn from(state: RetentionState) -> RetentionAnswer {
        let terms = state.terms.into_iter();
        RetentionAnswer {
            terms: terms.map(|(kind, days)| RetentionTerm { kind: kind.as_str(), days }).collect(),
            others: state.others.into_iter().map(RetentionOther::from).collect(),
            last_run: state.last.map(RetentionRunAnswer::from),
            next_run_at: state.next_at.map(|at| at.to_string()),
            is_running: state.is_running,
        }
    }
}
