//! The second order of a session's next items: trees over what several readings of the session say.
//!
//! One set of parameters is one reading: close to the last item, or to the whole session. Trees learn
//! from the shop's own sessions which to believe where, beside how an item is visited today, and what the
//! session has done so far.

use super::{SessionParams, SessionQuery, SessionScorer, SessionScratch};
use crate::parallel::Rests;
use crate::trees::{Groups, Lesson, TreeParams, Trees};
use crate::types::Item;
use crate::visits::VisitIndex;
use rustc_hash::FxHashMap;

/// Readings of a session.
const N_READINGS: usize = 3;
/// What each signal is called.
pub const MIXTURE_SIGNALS: [&str; N_SIGNALS] = [
    "usual_share",
    "usual_rank",
    "usual_support",
    "last_share",
    "last_rank",
    "last_support",
    "wide_share",
    "wide_rank",
    "wide_support",
    "visits",
    "visits_1_day",
    "visits_3_days",
    "visits_7_days",
    "days_since_visit",
    "events",
    "different_items",
    "share_of_returns",
    "seconds_on_last",
    "seconds_per_event",
    "times_in_session",
    "events_since",
    "items_since",
    "led_to_last",
];
const N_SIGNALS: usize = 23;
/// Proposals of each reading (chosen: some times a list).
const PROPOSED: usize = 60;
/// Visits of an item that are looked at for its days (chosen: more make a popular item no likelier).
const VISITS_MAX: usize = 200;
const DAY_MS: i64 = 86_400_000;

/// Several readings of a session and the trees that join them.
#[derive(Debug, Clone)]
pub struct SessionMixture {
    readings: [SessionScorer; N_READINGS],
    trees: Trees,
}

/// Working memory; make one per thread and use it again.
#[derive(Debug, Clone, Default)]
pub struct MixtureScratch {
    session: SessionScratch,
    candidates: Vec<Item>,
    places: FxHashMap<Item, usize>,
    rows: Vec<f32>,
    scores: Vec<f32>,
    ranked: Vec<(f32, Item)>,
}

/// What next items teach, as they would have been foreseen.
#[derive(Debug, Clone)]
pub struct MixtureLessons {
    readings: [SessionScorer; N_READINGS],
    groups: Groups,
    scratch: MixtureScratch,
}

/// The usual reading, one that hardly looks beyond the last item, and one that takes all of a session
/// and of a visit alike. The changes are chosen; trees decide how much they count.
fn readings(params: SessionParams) -> [SessionScorer; N_READINGS] {
    let last = SessionParams { events_max: 1, ahead_decay: 0.6, behind_weight: 0.3, ..params };
    let wide = SessionParams {
        position_decay: 4.0,
        ahead_decay: 5.0,
        behind_decay: 5.0,
        behind_weight: 0.9,
        visits_per_item: 1_000,
        neighbours: 500,
        ..params
    };
    [params, last, wide].map(SessionScorer::new)
}

impl SessionMixture {
    /// The most likely next items, best first; at most `query.limit`.
    pub fn top<'s>(
        &self,
        index: &VisitIndex,
        (query, times): (&SessionQuery<'_>, &[i64]),
        scratch: &'s mut MixtureScratch,
    ) -> &'s [(f32, Item)] {
        fill(&self.readings, index, (query, times), scratch);
        scratch.scores.clear();
        scratch.scores.resize(scratch.candidates.len(), 0.0);
        self.trees.add_to(&scratch.rows, &mut scratch.scores);
        scratch.ranked.clear();
        let scored = scratch.scores.iter().copied().zip(scratch.candidates.iter().copied());
        scratch.ranked.extend(scored);
        // A stable sort: what the trees do not tell apart stays in the order of the readings.
        scratch.ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        scratch.ranked.truncate(query.limit);
        &scratch.ranked
    }

    /// The trees, for what they rest on.
    pub fn trees(&self) -> &Trees {
        &self.trees
    }
}

impl MixtureLessons {
    /// No lessons yet, on readings around these parameters.
    pub fn new(params: SessionParams) -> MixtureLessons {
        let (groups, scratch) = (Groups::new(N_SIGNALS), MixtureScratch::default());
        MixtureLessons { readings: readings(params), groups, scratch }
    }

    /// Adds one step of a session: what was seen at `times`, and the `next` item. The index must not hold
    /// the session.
    pub fn add(
        &mut self,
        index: &VisitIndex,
        (query, times): (&SessionQuery<'_>, &[i64]),
        next: Item,
    ) {
        fill(&self.readings, index, (query, times), &mut self.scratch);
        let gain = |&item: &Item| if item == next { 1.0 } else { 0.0 };
        let gains: Vec<f32> = self.scratch.candidates.iter().map(gain).collect();
        if gains.contains(&1.0) {
            self.groups.push(&self.scratch.rows, &gains, &[]);
        }
    }

    /// How many steps were added whose next item any reading proposed.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// True before the first such step.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Takes the lessons of another on the same readings.
    pub fn extend(&mut self, other: &MixtureLessons) {
        self.groups.extend(&other.groups);
    }

    /// Grows trees; `valid` says when to stop.
    pub fn fit(
        &self,
        valid: Option<&MixtureLessons>,
        (params, threads): (&TreeParams, usize),
    ) -> SessionMixture {
        let valid = valid.map(|valid| &valid.groups);
        let (names, rests) = (&MIXTURE_SIGNALS, Rests::NONE);
        let lesson = Lesson { names, groups: &self.groups, valid, threads, rests };
        SessionMixture { readings: self.readings.clone(), trees: Trees::fit(&lesson, params) }
    }
}

/// Collects the candidates and their rows of signals.
fn fill(
    readings: &[SessionScorer],
    index: &VisitIndex,
    (query, times): (&SessionQuery<'_>, &[i64]),
    scratch: &mut MixtureScratch,
) {
    let MixtureScratch { session, candidates, places, rows, .. } = scratch;
    candidates.clear();
    places.clear();
    rows.clear();
    let wide = SessionQuery { limit: PROPOSED, ..*query };
    for (number, reading) in readings.iter().enumerate() {
        let top = reading.top(index, &wide, session);
        let best = top.first().map_or(1.0, |proposal| proposal.score);
        for (rank, proposal) in (0_u16..).zip(top) {
            let place = *places.entry(proposal.item).or_insert_with(|| {
                candidates.push(proposal.item);
                rows.extend([f32::NAN; N_SIGNALS]);
                candidates.len() - 1
            });
            let said = &mut rows[place * N_SIGNALS + 3 * number..][..3];
            said[0] = proposal.score / best;
            said[1] = f32::from(rank);
            said[2] = proposal.support as f32;
        }
    }
    let of_session = session_signals(query.items, times);
    for (row, &item) in rows.chunks_exact_mut(N_SIGNALS).zip(&*candidates) {
        let at = 3 * readings.len();
        row[at..at + 5].copy_from_slice(&item_signals(index, item, query.now));
        row[at + 5..at + 10].copy_from_slice(&of_session);
        row[at + 10..].copy_from_slice(&return_signals(query.items, item));
    }
}

/// How an item is visited now.
fn item_signals(index: &VisitIndex, item: Item, now: i64) -> [f32; 5] {
    let mut days = [0.0; 3];
    let mut last = f32::NAN;
    for visit in index.visits_with(item).take(VISITS_MAX) {
        let age = now.saturating_sub(visit.last_time()).max(0);
        if last.is_nan() {
            last = age as f32 / DAY_MS as f32;
        }
        if age >= 7 * DAY_MS {
            break;
        }
        for (count, reach) in days.iter_mut().zip([1, 3, 7]) {
            *count += if age < reach * DAY_MS { 1.0 } else { 0.0 };
        }
    }
    let [day, days_3, days_7] = days;
    [index.n_visits_with(item) as f32, day, days_3, days_7, last]
}

/// What the session has been like.
fn session_signals(items: &[Item], times: &[i64]) -> [f32; 5] {
    let mut different: Vec<Item> = items.to_vec();
    different.sort_unstable();
    different.dedup();
    let n = items.len() as f32;
    let seconds = |from: i64, to: i64| to.saturating_sub(from) as f32 / 1_000.0;
    let last = match times {
        [.., before, last] => seconds(*before, *last),
        _ => f32::NAN,
    };
    let mean = match times {
        [first, .., last] => seconds(*first, *last) / (n - 1.0),
        _ => f32::NAN,
    };
    [n, different.len() as f32, 1.0 - different.len() as f32 / n.max(1.0), last, mean]
}

/// Whether and how an item was in the session.
fn return_signals(items: &[Item], item: Item) -> [f32; 4] {
    let n = items.iter().filter(|&&seen| seen == item).count();
    let Some(at) = items.iter().rposition(|&seen| seen == item) else {
        return [0.0, f32::NAN, f32::NAN, 0.0];
    };
    let mut since = items[at + 1..].to_vec();
    since.sort_unstable();
    since.dedup();
    let last = items.last().copied();
    let led = items.windows(2).filter(|pair| pair[0] == item && Some(pair[1]) == last).count();
    [n as f32, (items.len() - 1 - at) as f32, since.len() as f32, led as f32]
}
