//! The second order of a session's next items: trees over what several readings of the session say.
//!
//! One set of parameters is one reading: close to the last item, or to the whole session. Trees learn
//! from the shop's own sessions which to believe where, beside how an item is visited today, and what the
//! session has done so far.

use super::{Anchor, Proposal, SessionParams, SessionQuery, SessionScorer, SessionScratch};
use crate::parallel::Rests;
use crate::trees::{Groups, Lesson, TreeParams, Trees};
use crate::types::{Evidence, Item, Score, Scored};
use crate::visits::VisitIndex;
use crate::wire::{Kind, Reader, SnapshotError, Writer};
use rustc_hash::FxHashMap;

const KIND: Kind = Kind { magic: *b"SMIX", version: 1 };

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
/// Visits of an item that are counted for its days at most (chosen: more make a popular item no likelier).
const VISITS_MAX: usize = 200;
const DAY_MS: i64 = 86_400_000;

/// Several readings of a session and the trees that join them.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionMixture {
    readings: [SessionScorer; N_READINGS],
    trees: Trees,
}

/// Working memory; make one per thread and use it again.
#[derive(Debug, Clone, Default)]
pub struct MixtureScratch {
    session: SessionScratch,
    candidates: Vec<Candidate>,
    places: FxHashMap<Item, usize>,
    /// What the usual reading proposes beyond what the trees put in order.
    rest: Vec<Proposal>,
    rows: Vec<f32>,
    scores: Vec<f32>,
    /// Scores, and the places of the candidates.
    ranked: Vec<(f32, usize)>,
    top: Vec<(f32, Item)>,
}

/// An item that any reading proposes.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    item: Item,
    /// Which items of the session spoke for it, one bit each, in the reading that says most.
    spoke: u32,
    support: u32,
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
    /// The most likely next items, best first; at most `query.limit`. `times` of the session's items in Unix
    /// milliseconds; empty where they are not known.
    pub fn top<'s>(
        &self,
        index: &VisitIndex,
        (query, times): (&SessionQuery<'_>, &[i64]),
        scratch: &'s mut MixtureScratch,
    ) -> &'s [(f32, Item)] {
        self.rank(index, (query, times), scratch);
        let MixtureScratch { ranked, candidates, top, .. } = scratch;
        top.clear();
        top.extend(ranked.iter().map(|&(score, place)| (score, candidates[place].item)));
        top
    }

    /// The same with evidence, as [`SessionScorer::recommend`] gives it; where more items are wanted than the
    /// trees put in order, what the usual reading proposes beyond them follows.
    pub fn recommend(
        &self,
        index: &VisitIndex,
        (query, times): (&SessionQuery<'_>, &[i64]),
        scratch: &mut MixtureScratch,
    ) -> Vec<Scored> {
        self.rank(index, (query, times), scratch);
        let MixtureScratch { ranked, candidates, places, rest, session, .. } = scratch;
        let last = ranked.last().map_or(0.0, |&(score, _)| score);
        let placed = ranked.iter().map(|&(score, place)| (score, candidates[place]));
        // Their own scores are of another scale: they share the last one.
        let others = rest.iter().filter(|one| !places.contains_key(&one.item));
        let others = others.map(|one| (last, Candidate::of(one)));
        let n_others = query.limit - ranked.len();
        let scored = placed.chain(others.take(n_others)).map(|(score, candidate)| Scored {
            item: candidate.item,
            score: Score::new(score),
            evidence: candidate.evidence(&session.anchors),
        });
        scored.collect()
    }

    /// Puts the candidates in order.
    fn rank(
        &self,
        index: &VisitIndex,
        (query, times): (&SessionQuery<'_>, &[i64]),
        scratch: &mut MixtureScratch,
    ) {
        fill(&self.readings, index, (query, times), scratch);
        scratch.scores.clear();
        scratch.scores.resize(scratch.candidates.len(), 0.0);
        self.trees.add_to(&scratch.rows, &mut scratch.scores);
        scratch.ranked.clear();
        scratch.ranked.extend(scratch.scores.iter().copied().zip(0..));
        // A stable sort: what the trees do not tell apart stays in the order of the readings.
        scratch.ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        scratch.ranked.truncate(query.limit);
    }

    /// The trees, for what they rest on.
    pub fn trees(&self) -> &Trees {
        &self.trees
    }

    /// The parameters of the usual reading.
    pub fn params(&self) -> &SessionParams {
        self.readings[0].params()
    }

    /// Writes it; equal mixtures give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let body = postcard::to_allocvec(&(self.params(), self.trees.encode()));
        let body = body.expect("numbers can be written");
        let mut to = Writer::new(KIND, body.len());
        to.bytes(&body);
        to.finish()
    }

    /// Reads what [`SessionMixture::encode`] wrote.
    ///
    /// # Errors
    ///
    /// Any [`SnapshotError`], also for trees over other signals; the remedy is to learn again.
    pub fn decode(bytes: &[u8]) -> Result<SessionMixture, SnapshotError> {
        let body = Reader::new(KIND, bytes)?.rest();
        let (params, trees): (SessionParams, Vec<u8>) =
            postcard::from_bytes(body).map_err(|_| SnapshotError::Damaged)?;
        let trees = Trees::decode(&trees)?;
        match trees.names().iter().eq(&MIXTURE_SIGNALS) {
            true => Ok(SessionMixture { readings: readings(params), trees }),
            false => Err(SnapshotError::OtherKind),
        }
    }
}

impl Candidate {
    fn of(proposal: &Proposal) -> Candidate {
        let Proposal { item, spoke, support, .. } = *proposal;
        Candidate { item, spoke, support }
    }

    /// Of what another reading says too, what rests on more visits stays.
    fn hear(&mut self, proposal: &Proposal) {
        if proposal.support > self.support {
            *self = Candidate::of(proposal);
        }
    }

    fn evidence(&self, anchors: &[Anchor]) -> Evidence {
        Evidence {
            items: super::spoke_for(anchors, (self.item, self.spoke)),
            support: self.support,
        }
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
        let gain = |one: &Candidate| if one.item == next { 1.0 } else { 0.0 };
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
        (params, threads, rests): (&TreeParams, usize, Rests<'_>),
    ) -> SessionMixture {
        let valid = valid.map(|valid| &valid.groups);
        let names = &MIXTURE_SIGNALS;
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
    let MixtureScratch { session, candidates, places, rest, rows, .. } = scratch;
    candidates.clear();
    places.clear();
    rest.clear();
    rows.clear();
    for (number, reading) in readings.iter().enumerate() {
        let limit = if number == 0 { PROPOSED.max(query.limit) } else { PROPOSED };
        let top = reading.top(index, &SessionQuery { limit, ..*query }, session);
        let best = top.first().map_or(1.0, |proposal| proposal.score);
        let (top, more) = top.split_at(top.len().min(PROPOSED));
        rest.extend_from_slice(more);
        for (rank, proposal) in (0_u16..).zip(top) {
            let place = *places.entry(proposal.item).or_insert_with(|| {
                candidates.push(Candidate::of(proposal));
                rows.extend([f32::NAN; N_SIGNALS]);
                candidates.len() - 1
            });
            candidates[place].hear(proposal);
            let said = &mut rows[place * N_SIGNALS + 3 * number..][..3];
            said[0] = proposal.score / best;
            said[1] = f32::from(rank);
            said[2] = proposal.support as f32;
        }
    }
    let own = query.own.and_then(|id| index.slot_of(id));
    let of_session = session_signals(query.items, times);
    for (row, candidate) in rows.chunks_exact_mut(N_SIGNALS).zip(&*candidates) {
        let at = 3 * readings.len();
        row[at..at + 5].copy_from_slice(&item_signals(index, (candidate.item, own), query.now));
        row[at + 5..at + 10].copy_from_slice(&of_session);
        row[at + 10..].copy_from_slice(&return_signals(query.items, candidate.item));
    }
}

/// How an item is visited now, by the visits that began before; the session's own one, if any, is none of them: visits in
/// all, in the last one, three and seven days, and days since the last (no number where there is none).
pub fn item_signals(index: &VisitIndex, (item, own): (Item, Option<u32>), now: i64) -> [f32; 5] {
    let slots = index.slots_with(item);
    let recent = &slots[slots.len().saturating_sub(VISITS_MAX + 1)..];
    let own = own.filter(|own| recent.contains(own));
    let n = slots.len() - usize::from(own.is_some());
    let n_since = |days: i64| {
        // Found by halving: one look at each of two hundred visits would be most of a question's time.
        let begin = now.saturating_sub(days * DAY_MS);
        let before = recent.partition_point(|&slot| index.rank_at(slot).0 <= begin);
        let is_own_among = own.is_some_and(|own| index.rank_at(own).0 > begin);
        (recent.len() - before - usize::from(is_own_among)).min(VISITS_MAX) as f32
    };
    let last = recent.iter().rev().find(|&&slot| Some(slot) != own);
    let last = last.map_or(f32::NAN, |&slot| {
        now.saturating_sub(index.last_time_at(slot)).max(0) as f32 / DAY_MS as f32
    });
    [n as f32, n_since(1), n_since(3), n_since(7), last]
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
