//! Personal data whose time is over: found, and removed from the log, the views and the snapshots.
//!
//! A run looks at every personal record, by when the thing happened and by the shop's clock. What is past
//! its term is emptied in the log: its place and its id stay, so that cursors hold and nothing is taken
//! in twice. Then the views are folded anew from what is left, which is exact by construction, and no
//! older snapshot survives. A crash in between leaves a note: the next start trusts no snapshot and the
//! next run goes on. Sales, stock and prices name nobody and have no term.

mod others;
mod plan;
mod state;

use std::sync::Weak;
use std::time::{Duration, Instant};

use souk_core::{Fact, Timestamp};
use souk_ports::STRIP_MAX;

use crate::config::RetentionSettings;
use crate::privacy::{Count, remove_completed};
use crate::{App, AppError, AuditAct, AuditObject, AuditOperation, Caller, Operation, Outcome};

pub use others::OtherTerm;
pub use state::{KindCount, RetentionOutcome, RetentionRun, RetentionState};

pub(crate) use plan::subjects_of_the_log;
pub(crate) use state::forget_stale_snapshots;

use plan::Plan;

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// Records of one kind that may go whatever share of the kind they are, as long as the share of all is
/// kept; chosen: one of three searches is no accident, a hundred orders may be.
const SMALL_KIND: u64 = 100;
/// How often to look whether a run is due.
const LOOK_PAUSE: Duration = Duration::from_secs(60);
/// How soon to look again whether the start is over.
const START_PAUSE: Duration = Duration::from_millis(500);

/// A kind of personal data with a term of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "souk.yaml says what each is")]
pub enum PersonalKind {
    Browsing,
    Searches,
    Shown,
    Orders,
    Traits,
    Links,
    Consents,
    Requests,
}

impl PersonalKind {
    /// Every kind, in the order of the settings.
    pub const ALL: [PersonalKind; 8] = [
        PersonalKind::Browsing,
        PersonalKind::Searches,
        PersonalKind::Shown,
        PersonalKind::Orders,
        PersonalKind::Traits,
        PersonalKind::Links,
        PersonalKind::Consents,
        PersonalKind::Requests,
    ];

    /// The name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            PersonalKind::Browsing => "browsing",
            PersonalKind::Searches => "searches",
            PersonalKind::Shown => "shown",
            PersonalKind::Orders => "orders",
            PersonalKind::Traits => "traits",
            PersonalKind::Links => "links",
            PersonalKind::Consents => "consents",
            PersonalKind::Requests => "requests",
        }
    }

    /// The kind of a fact; `None` for one about nobody.
    fn of(fact: &Fact) -> Option<PersonalKind> {
        Some(match fact {
            Fact::Interaction(_) | Fact::PageSeen { .. } | Fact::Custom { .. } => {
                PersonalKind::Browsing
            }
            Fact::Searched { .. } => PersonalKind::Searches,
            Fact::Impressions(_) => PersonalKind::Shown,
            Fact::Order(_) => PersonalKind::Orders,
            Fact::Identified { .. } | Fact::Grouped { .. } => PersonalKind::Traits,
            Fact::Linked { .. } | Fact::Unlinked { .. } => PersonalKind::Links,
            Fact::Consent(_) => PersonalKind::Consents,
            _ => return None,
        })
    }

    /// Days that the settings give it; `None` is for good.
    fn days(self, settings: &RetentionSettings) -> Option<u64> {
        match self {
            PersonalKind::Browsing => settings.browsing_days,
            PersonalKind::Searches => settings.searches_days,
            PersonalKind::Shown => settings.shown_days,
            PersonalKind::Orders => settings.orders_days,
            PersonalKind::Traits => settings.traits_days,
            PersonalKind::Links => settings.links_days,
            PersonalKind::Consents => settings.consents_days,
            PersonalKind::Requests => settings.requests_days,
        }
    }
}

/// The moments before which data of each kind is past its term.
#[derive(Clone, Copy, Debug)]
struct Terms([Option<Timestamp>; 8]);

impl Terms {
    fn of(settings: &RetentionSettings, now: Timestamp) -> Terms {
        Terms(PersonalKind::ALL.map(|kind| {
            let days = kind.days(settings)?;
            Some(now.plus_ms(-i64::try_from(days).unwrap_or(i64::MAX / DAY_MS) * DAY_MS))
        }))
    }

    fn before(&self, kind: PersonalKind) -> Option<Timestamp> {
        self.0[kind as usize]
    }

    /// Whether a fact of a kind is past its term. What a search showed tells the search as well, so it goes with the
    /// first of both.
    fn is_over(&self, (kind, fact): (PersonalKind, &Fact), at: Timestamp) -> bool {
        let is_before = |kind| self.before(kind).is_some_and(|before| at < before);
        let tells_search = matches!(fact, Fact::Impressions(shown) if shown.marks.search.is_some());
        is_before(kind) || tells_search && is_before(PersonalKind::Searches)
    }
}

/// How far a run may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionMode {
    /// Only counts.
    DryRun,
    /// Removes, unless it were more than `privacy.retention.share_max` of all or of one kind.
    Enforce,
    /// Removes, however much it is.
    Confirmed,
}

impl App {
    /// Terms, the last run, and when the next one is.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the operation; as the tables.
    pub async fn retention_state(&self, caller: &Caller) -> Result<RetentionState, AppError> {
        caller.check(Operation::HandleSubjectRequests)?;
        let noted = state::read(&self.parts, self.clock.now()).await?;
        let settings = &self.config.privacy.retention;
        let terms = PersonalKind::ALL.map(|kind| (kind, kind.days(settings)));
        let next_at = self.next_retention(noted.last.as_ref());
        let is_running = noted.running_since.is_some();
        let (terms, others) = (terms.to_vec(), self.other_terms());
        Ok(RetentionState { terms, others, last: noted.last, next_at, is_running })
    }

    /// When the job runs next; `None` while no kind has a term.
    fn next_retention(&self, last: Option<&RetentionRun>) -> Option<Timestamp> {
        let settings = &self.config.privacy.retention;
        PersonalKind::ALL.iter().find_map(|kind| kind.days(settings))?;
        let pause = i64::try_from(settings.every_hours).unwrap_or(i64::MAX / HOUR_MS) * HOUR_MS;
        Some(last.map_or(self.clock.now(), |last| last.at.plus_ms(pause)))
    }

    /// Removes personal data that is past its term, or says what would go.
    ///
    /// When it returns, no view and no readable snapshot rests on what was removed.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the operation; as the storage, and then the next run goes on.
    pub async fn run_retention(
        &self,
        caller: &Caller,
        mode: RetentionMode,
    ) -> Result<RetentionRun, AppError> {
        caller.check(Operation::HandleSubjectRequests)?;
        self.check_ready()?;
        let _alone = self.door.retention.lock().await;
        let (now, began) = (self.clock.now(), Instant::now());
        let terms = Terms::of(&self.config.privacy.retention, now);
        let mut plan = Plan::make(&self.parts, &terms).await?;
        let requests = self.due_requests(&terms, Count::Only).await?;
        let mut kinds = plan.counts();
        kinds.push(KindCount { kind: PersonalKind::Requests, held: requests.0, due: requests.1 });
        let noted = state::read(&self.parts, now).await?;
        let was_broken_off = noted.running_since.is_some();
        // Whoever confirmed a run confirmed all of it.
        let is_confirmed = mode == RetentionMode::Confirmed || was_broken_off && noted.is_confirmed;
        let outcome = match mode {
            RetentionMode::DryRun => RetentionOutcome::DryRun,
            _ if !is_confirmed && self.is_too_much(&kinds) => RetentionOutcome::Stopped,
            RetentionMode::Enforce | RetentionMode::Confirmed => RetentionOutcome::Done,
        };
        let mut run = RetentionRun { at: now, outcome, kinds, ms: 0 };
        if mode == RetentionMode::DryRun {
            return Ok(run);
        }
        // The job tries one that was broken off again each minute; that it began is on record.
        let goes_on = was_broken_off && mode == RetentionMode::Enforce;
        if (run.n_due() > 0 || was_broken_off) && !goes_on {
            self.note_retention(caller, (&run, Outcome::Begun)).await?;
        }
        if outcome == RetentionOutcome::Done && !plan.is_empty() {
            state::begin(&self.parts, (is_confirmed, now)).await?;
            self.strip(&mut plan, &terms).await?;
            self.refold().await?;
        } else if was_broken_off {
            // The start folded the log anew, and nothing older may survive it.
            self.refold().await?;
        }
        if outcome == RetentionOutcome::Done {
            self.due_requests(&terms, Count::AndRemove).await?;
        }
        run.ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        state::finish(&self.parts, (&run, now)).await?;
        if run.n_due() > 0 || was_broken_off {
            let outcome = match run.outcome {
                RetentionOutcome::Stopped => Outcome::Denied,
                _ => Outcome::Done,
            };
            self.note_retention(caller, (&run, outcome)).await?;
        }
        Ok(run)
    }

    /// Empties the doomed records in the log, portion by portion.
    async fn strip(&self, plan: &mut Plan, terms: &Terms) -> Result<(), AppError> {
        loop {
            for positions in plan.doomed.chunks(STRIP_MAX) {
                self.parts.log.strip(positions).await?;
            }
            if plan.is_whole {
                return self.strip_bound(plan, terms).await;
            }
            *plan = Plan::make(&self.parts, terms).await?;
        }
    }

    /// Empties the links and consents that nothing needs any more. Nothing comes in while a portion is
    /// looked at and emptied: the first act of a person who comes back must find their links.
    async fn strip_bound(&self, plan: &mut Plan, terms: &Terms) -> Result<(), AppError> {
        loop {
            let _alone = self.door.appends.write().await;
            let Some(positions) = plan.next_bound(&self.parts, terms).await? else { return Ok(()) };
            if !positions.is_empty() {
                self.parts.log.strip(&positions).await?;
            }
        }
    }

    /// Whether the brake holds the run: more than the settings' share of all records would go, or of one
    /// kind, because a slip in the term of a rare kind hardly shows in the sum.
    fn is_too_much(&self, kinds: &[KindCount]) -> bool {
        let share_max = self.config.privacy.retention.share_max;
        let is_over = |held: u64, due: u64| due as f64 > held as f64 * share_max;
        let sum = |of: fn(&KindCount) -> u64| kinds.iter().map(of).sum();
        is_over(sum(|kind| kind.held), sum(|kind| kind.due))
            || kinds.iter().any(|kind| kind.due >= SMALL_KIND && is_over(kind.held, kind.due))
    }

    /// Completed requests that are held and those past their term.
    async fn due_requests(&self, terms: &Terms, count: Count) -> Result<(u64, u64), AppError> {
        let held =
            remove_completed(self, (Timestamp::EPOCH.plus_ms(i64::MAX), Count::Only)).await?;
        let due = match terms.before(PersonalKind::Requests) {
            Some(before) => remove_completed(self, (before, count)).await?,
            None => 0,
        };
        Ok((held, due))
    }

    async fn note_retention(
        &self,
        caller: &Caller,
        (run, outcome): (&RetentionRun, Outcome),
    ) -> Result<(), AppError> {
        tracing::info!(due = run.n_due(), outcome = run.outcome.as_str(), "retention");
        let mut act = AuditAct::new(AuditOperation::RetentionRun)
            .on(AuditObject::data("personal"))
            .ending(outcome)
            .with("outcome", run.outcome.as_str());
        for count in run.kinds.iter().filter(|count| count.due > 0) {
            act = act.with(count.kind.as_str(), count.due);
        }
        self.audit(caller, act).await?;
        Ok(())
    }

    /// Whether the job should run now: its time has come, or one was broken off.
    async fn is_retention_due(&self) -> Result<bool, AppError> {
        let now = self.clock.now();
        let noted = state::read(&self.parts, now).await?;
        let is_time = self.next_retention(noted.last.as_ref()).is_some_and(|at| at <= now);
        Ok(is_time || noted.running_since.is_some())
    }
}

/// Enforces the terms in the background, until the application is gone.
pub(crate) async fn keep_retention(app: Weak<App>) {
    let mut pruned: Option<Instant> = None;
    loop {
        let Some(strong) = app.upgrade() else { return };
        let is_ready = strong.check_ready().is_ok();
        if is_ready {
            match strong.is_retention_due().await {
                Ok(false) => {}
                Ok(true) => run_job(&strong).await,
                Err(error) => tracing::warn!(%error, "retention could not be looked at"),
            }
            let every = Duration::from_secs(strong.config.privacy.retention.every_hours * 3_600);
            if pruned.is_none_or(|last| last.elapsed() >= every) {
                pruned = Some(Instant::now());
                if let Err(error) = strong.prune_audit().await {
                    tracing::warn!(%error, "old entries of the audit log stay until the next run");
                }
            }
        }
        drop(strong);
        tokio::time::sleep(if is_ready { LOOK_PAUSE } else { START_PAUSE }).await;
    }
}

async fn run_job(app: &App) {
    match app.run_retention(&Caller::local_admin(), RetentionMode::Enforce).await {
        Ok(run) if run.outcome == RetentionOutcome::Stopped => tracing::warn!(
            due = run.n_due(),
            "retention would remove more than privacy.retention.share_max and waits; look with \
             `souk privacy retention --dry-run`, then run it with `--confirm`"
        ),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "retention is not complete; it is tried again"),
    }
}

#[cfg(test)]
mod tests;
