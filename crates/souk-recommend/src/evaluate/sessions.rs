//! Next-item prediction inside sessions: the protocol of `souk evaluate sessions`.
//!
//! After each event of each test session but its last, the recommender sees the session so far and
//! names `k` items; the item on screen is never named. The next event is the target of hit rate and
//! reciprocal rank, all remaining items that of precision, recall and average precision. Means are
//! over predictions, not over sessions. Targets that were in the session already are far easier, so
//! results are also given apart for these and for the others. The index holds the training part only
//! and learns nothing from test sessions.

use super::metrics;
use crate::session::{
    MixtureScratch, SessionMixture, SessionParams, SessionQuery, SessionScorer, SessionScratch,
};
use crate::types::{Item, Shopper};
use crate::visits::{VisitEvent, VisitId, VisitIndex, VisitLimits};
use rustc_hash::FxHashSet;

mod mix;
#[cfg(test)]
mod tests;
mod tune;

pub use mix::learn_mixture;
pub use tune::{SessionTuning, TuneBudget, tune_sessions};

/// One event of a session file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionRow {
    /// The session, as a number of the caller.
    pub session: u32,
    /// The item.
    pub item: u32,
    /// Unix seconds.
    pub time: f64,
}

/// What an evaluation needs to know.
#[derive(Clone, Copy, Debug)]
pub struct SessionProtocol<'a> {
    /// How the recommender is set.
    pub params: SessionParams,
    /// What puts the proposals of several readings in order; none to take those of `params` as they are.
    pub mixture: Option<&'a SessionMixture>,
    /// How many items it names.
    pub k: usize,
}

/// Means over predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SessionScores {
    /// How many predictions there were.
    pub n: u32,
    /// Mean reciprocal rank of the next item.
    pub mrr: f64,
    /// Share of predictions that name the next item.
    pub hit_rate: f64,
    /// Share of the `k` places that hold a remaining item.
    pub precision: f64,
    /// Share of the remaining items that are named.
    pub recall: f64,
    /// Mean average precision over the remaining items.
    pub map: f64,
}

/// Time per query, in nanoseconds of the caller's timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Half of the queries took at most this.
    pub p50: u64,
    /// Nine of ten did.
    pub p90: u64,
    /// 99 of 100 did.
    pub p99: u64,
    /// The slowest.
    pub max: u64,
}

/// The result of an evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionReport {
    /// Over all predictions.
    pub all: SessionScores,
    /// Where the next item was in the session already.
    pub repeat: SessionScores,
    /// Where it was not.
    pub new: SessionScores,
    /// Share of the training items that were named at least once.
    pub coverage: f64,
    /// How many items the training part has.
    pub n_items: u32,
    /// How many test sessions had at least two events.
    pub n_sessions: u32,
    /// Time per query.
    pub latency: Latency,
    /// Mean reciprocal rank by session, for comparisons of two recommenders on the same sessions.
    pub mrr_by_session: Vec<f64>,
    /// The same where the next item was not in the session yet, of sessions with such steps.
    pub new_mrr_by_session: Vec<f64>,
    /// Every list, in the order of the sessions' numbers.
    pub predictions: Vec<SessionPrediction>,
}

/// One place of one list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPrediction {
    /// The session.
    pub session: u32,
    /// How many of its events were seen, from 1.
    pub step: u32,
    /// The place, from 1.
    pub rank: u32,
    /// The item named.
    pub item: u32,
}

/// A session in order of time.
#[derive(Clone, Debug)]
struct Session {
    number: u32,
    items: Vec<Item>,
    /// Unix milliseconds.
    times: Vec<i64>,
}

/// Trains on `train` and predicts the next items of `test`.
///
/// Rows may be in any order; those of one session and time stay in theirs. This floor reads no clock:
/// `timer` returns nanoseconds from any origin and is called before and after each query.
pub fn evaluate_sessions(
    train: &[SessionRow],
    test: &[SessionRow],
    protocol: &SessionProtocol<'_>,
    timer: &mut dyn FnMut() -> u64,
) -> SessionReport {
    let index = index_of(&sessions_of(train));
    let tests = sessions_of(test);
    let scorer = SessionScorer::new(protocol.params);
    let mut tally = Tally { k: protocol.k, ..Tally::default() };
    let (mut scratch, mut mixing) = (SessionScratch::default(), MixtureScratch::default());
    let mut list = Vec::new();
    for session in &tests {
        for step in 1..session.items.len() {
            let query = session.query(step, protocol.k);
            list.clear();
            let start = timer();
            if let Some(mixture) = protocol.mixture {
                let top = mixture.top(&index, (&query, &session.times[..step]), &mut mixing);
                list.extend(top.iter().map(|&(_, item)| item));
            } else {
                let top = scorer.top(&index, &query, &mut scratch);
                list.extend(top.iter().map(|proposal| proposal.item));
            }
            tally.latencies.push(timer().saturating_sub(start));
            tally.add(session, step, &list);
        }
        tally.by_session.iter_mut().for_each(BySession::end);
    }
    let n_items = train.iter().map(|row| row.item).collect::<FxHashSet<_>>().len();
    let n_sessions = tests.iter().filter(|session| session.items.len() > 1).count();
    tally.report(n_items as u32, n_sessions as u32)
}

impl Session {
    fn query(&self, step: usize, limit: usize) -> SessionQuery<'_> {
        let now = self.times[step - 1];
        SessionQuery { items: &self.items[..step], now, own: None, exclude: &[], limit }
    }
}

/// Sums of an evaluation that is under way.
#[derive(Default)]
struct Tally {
    k: usize,
    repeat: SessionScores,
    new: SessionScores,
    latencies: Vec<u64>,
    predictions: Vec<SessionPrediction>,
    named: FxHashSet<Item>,
    by_session: [BySession; 2],
}

/// Means of one session after the other.
#[derive(Default)]
struct BySession {
    means: Vec<f64>,
    sum: f64,
    n: u32,
}

impl BySession {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.n += 1;
    }

    /// Ends a session.
    fn end(&mut self) {
        if self.n > 0 {
            self.means.push(self.sum / f64::from(self.n));
        }
        (self.sum, self.n) = (0.0, 0);
    }
}

impl Tally {
    /// Adds one list.
    fn add(&mut self, session: &Session, step: usize, list: &[Item]) {
        let (seen, remaining) = session.items.split_at(step);
        let next = remaining[0];
        let target = FxHashSet::from_iter([next]);
        let remaining: FxHashSet<Item> = remaining.iter().copied().collect();
        let sums = if seen.contains(&next) { &mut self.repeat } else { &mut self.new };
        sums.n += 1;
        let reciprocal_rank = metrics::reciprocal_rank(list, &target, self.k);
        sums.mrr += reciprocal_rank;
        self.by_session[0].add(reciprocal_rank);
        if !seen.contains(&next) {
            self.by_session[1].add(reciprocal_rank);
        }
        sums.hit_rate += metrics::hit(list, &target, self.k);
        sums.precision += metrics::precision(list, &remaining, self.k);
        sums.recall += metrics::recall(list, &remaining, self.k);
        sums.map += metrics::average_precision(list, &remaining, self.k);
        for (place, &item) in list.iter().enumerate() {
            self.named.insert(item);
            self.predictions.push(SessionPrediction {
                session: session.number,
                step: step as u32,
                rank: place as u32 + 1,
                item: item.0,
            });
        }
    }

    fn report(mut self, n_items: u32, n_sessions: u32) -> SessionReport {
        let (repeat, new) = (self.repeat, self.new);
        let all = SessionScores {
            n: repeat.n + new.n,
            mrr: repeat.mrr + new.mrr,
            hit_rate: repeat.hit_rate + new.hit_rate,
            precision: repeat.precision + new.precision,
            recall: repeat.recall + new.recall,
            map: repeat.map + new.map,
        };
        self.latencies.sort_unstable();
        let [mrr_by_session, new_mrr_by_session] = self.by_session.map(|by| by.means);
        let percentile = |percent| metrics::percentile_of_sorted(&self.latencies, percent);
        SessionReport {
            all: all.means(),
            repeat: repeat.means(),
            new: new.means(),
            coverage: self.named.len() as f64 / f64::from(n_items.max(1)),
            n_items,
            n_sessions,
            latency: Latency {
                p50: percentile(50.0),
                p90: percentile(90.0),
                p99: percentile(99.0),
                max: percentile(100.0),
            },
            mrr_by_session,
            new_mrr_by_session,
            predictions: self.predictions,
        }
    }
}

impl SessionScores {
    /// Sums to means.
    fn means(self) -> SessionScores {
        let n = f64::from(self.n.max(1));
        SessionScores {
            n: self.n,
            mrr: self.mrr / n,
            hit_rate: self.hit_rate / n,
            precision: self.precision / n,
            recall: self.recall / n,
            map: self.map / n,
        }
    }
}

/// Unix seconds to whole milliseconds; a time that is no number counts as 0.
fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

/// The sessions of some rows, by ascending number, each in order of time.
fn sessions_of(rows: &[SessionRow]) -> Vec<Session> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| (row.session, millis(row.time)));
    let sessions = rows.chunk_by(|a, b| a.session == b.session).map(|rows| Session {
        number: rows[0].session,
        items: rows.iter().map(|row| Item(row.item)).collect(),
        times: rows.iter().map(|row| millis(row.time)).collect(),
    });
    sessions.collect()
}

/// The index of training sessions, without limits.
fn index_of(sessions: &[Session]) -> VisitIndex {
    let limits = VisitLimits { visits_max: u32::MAX, events_per_visit_max: u32::MAX >> 1 };
    let mut index = VisitIndex::new(limits);
    for session in sessions {
        for (&item, &time) in session.items.iter().zip(&session.times) {
            let visit = VisitId(u64::from(session.number));
            let shopper = None::<Shopper>;
            index.push(VisitEvent { visit, shopper, item, time });
        }
    }
    index
}
