//! The next item of a running session, from the most similar recent visits.
//!
//! Candidates are sampled as in VMIS-kNN: of every item of the session the most recent visits, of
//! those the most similar. Scores follow VSTAN: what lies close behind the matching item in a recent,
//! similar visit counts most. Two parts are added: a second step over shared visits, which finds
//! items for rare sessions, and a model of returns to items of the session itself.
//!
//! Sources: Kersbergen, Sprangers and Schelter, *Serenade*, SIGMOD 2022 (VMIS-kNN); Garg et al., *STAN*,
//! SIGIR 2019; Ludewig, Mauro, Latifi and Jannach, UMUAI 31, 2021 (VSTAN).
//!
//! *Not* for a shopper's long-term taste, and not for an empty session.

use crate::cooccurrence::{NONE as NOBODY, VISITS_OF_ONE_MAX};
use crate::numbering::Numbering;
use crate::types::{Evidence, Item, Score, Scored};
use crate::visits::{Packed, VisitId, VisitIndex};
use std::cmp::Ordering;

mod mixture;
mod params;
mod teach;
#[cfg(test)]
mod tests;

pub use mixture::{MIXTURE_SIGNALS, MixtureLessons, MixtureScratch, SessionMixture, item_signals};
pub use params::{EVENTS_MAX, RepeatParams, SecondStep, SessionParams};
pub use teach::SessionTeaching;
pub(crate) use teach::tree_params;

/// A question for the next items of a session.
#[derive(Clone, Copy, Debug)]
pub struct SessionQuery<'a> {
    /// The session's items, the latest last; that one is on screen and never in the answer.
    pub items: &'a [Item],
    /// The present, in Unix milliseconds.
    pub now: i64,
    /// The session's own visit when the index may hold it: it must not speak for itself.
    pub own: Option<VisitId>,
    /// Further items to leave out.
    pub exclude: &'a [Item],
    /// At most so many items.
    pub limit: usize,
}

/// A proposed item, without allocated evidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proposal {
    /// What is proposed.
    pub item: Item,
    /// How strongly.
    pub score: f32,
    /// How many neighbour visits hold it; 0 when it rests on the second step or on the session alone.
    pub support: u32,
    /// Which anchors spoke for it, one bit each.
    spoke: u32,
    /// The last neighbour that was counted as support, from 1.
    counted: u32,
}

/// Working memory of session queries; make one per thread and use it again: no query allocates then.
#[derive(Debug, Clone, Default)]
pub struct SessionScratch {
    anchors: Vec<Anchor>,
    slots: Numbering,
    neighbours: Vec<Neighbour>,
    /// Known shoppers of the neighbours, and how many visits of each were kept.
    shoppers: Numbering,
    heard: Vec<u32>,
    items: Numbering,
    proposals: Vec<Proposal>,
    steps: Vec<Proposal>,
    scores: Vec<(f32, Item)>,
}

/// A different item of the session.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    item: Item,
    /// Steps from its last event to the session's last.
    distance: usize,
}

#[derive(Debug, Clone, Copy)]
struct Neighbour {
    slot: u32,
    weight: f32,
    /// Which anchors it holds, one bit each.
    matched: u32,
}

/// Scores sessions by one set of parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionScorer {
    params: SessionParams,
    position: Decay,
    ahead: Decay,
    behind: Decay,
    /// Weight of a neighbour by its number of events.
    length: Vec<f32>,
}

/// A table of `weight · exp(-n / decay)`.
#[derive(Debug, Clone, PartialEq)]
struct Decay {
    weights: Vec<f32>,
    /// Distances beyond weigh next to nothing.
    reach: usize,
}

/// Distances from here on weigh the same.
const DISTANCES: usize = 64;
/// Visits that are found before they are read (chosen: what a core fetches at once, and some).
const VISITS_AT_ONCE: usize = 16;
/// Lengths from here on weigh the same.
const LENGTHS: usize = 256;
/// What weighs less is not read: a grocer's basket goes on for a hundred products (chosen; which places of
/// a list it moves was not measured).
const WEIGHT_MIN: f32 = 0.01;
const DAY_MS: f32 = 86_400_000.0;

impl Decay {
    fn new(weight: f32, decay: f32) -> Decay {
        // A decay of 0 leaves distance 0 alone, by exp(-∞).
        let at = |n: usize| if n == 0 { weight } else { weight * (-(n as f32) / decay).exp() };
        let weights: Vec<f32> = (0..DISTANCES).map(at).collect();
        let reach = match weights.iter().rposition(|&weight| weight >= WEIGHT_MIN) {
            Some(last) if last < DISTANCES - 1 => last,
            Some(_) => usize::MAX,
            None => 0,
        };
        Decay { weights, reach }
    }

    fn at(&self, distance: usize) -> f32 {
        self.weights[distance.min(DISTANCES - 1)]
    }
}

impl SessionScorer {
    /// Prepares the tables for these parameters.
    pub fn new(params: SessionParams) -> SessionScorer {
        let length = |n: usize| (n.max(1) as f32).powf(-params.length_exponent);
        SessionScorer {
            position: Decay::new(1.0, params.position_decay),
            ahead: Decay::new(1.0, params.ahead_decay),
            behind: Decay::new(params.behind_weight, params.behind_decay),
            length: (0..LENGTHS).map(length).collect(),
            params,
        }
    }

    /// The parameters it was made with.
    pub fn params(&self) -> &SessionParams {
        &self.params
    }

    /// The most likely next items, best first, with evidence.
    ///
    /// Evidence items are those of the session that a neighbour holds beside the item, the latest
    /// first; there are none where only the second step leads to the item.
    pub fn recommend(
        &self,
        index: &VisitIndex,
        query: &SessionQuery<'_>,
        scratch: &mut SessionScratch,
    ) -> Vec<Scored> {
        self.top(index, query, scratch);
        let scored = scratch.proposals.iter().map(|proposal| Scored {
            item: proposal.item,
            score: Score::new(proposal.score),
            evidence: Evidence {
                items: spoke_for(&scratch.anchors, (proposal.item, proposal.spoke)),
                support: proposal.support,
            },
        });
        scored.collect()
    }

    /// [`SessionScorer::recommend`] without evidence and without allocating.
    pub fn top<'s>(
        &self,
        index: &VisitIndex,
        query: &SessionQuery<'_>,
        scratch: &'s mut SessionScratch,
    ) -> &'s [Proposal] {
        scratch.start(query, self.params.events_max);
        if query.limit > 0 {
            self.sample(index, query, scratch);
            self.select(index, query, scratch);
            self.credit(index, scratch);
            self.step_on(index, query, scratch);
            self.damp_popular(index, query, scratch);
            self.add_returns(query, scratch);
            scratch.finish(query);
        }
        &scratch.proposals
    }

    /// Collects the recent visits of every anchor.
    fn sample(&self, index: &VisitIndex, query: &SessionQuery<'_>, scratch: &mut SessionScratch) {
        let own = query.own.and_then(|id| index.slot_of(id));
        let n_visits = index.n_visits() as f32;
        for (bit, anchor) in scratch.anchors.iter().enumerate() {
            let slots = index.slots_with(anchor.item);
            // Never 0, so that an item of every visit still matches when nothing better does.
            let rarity = (n_visits / slots.len().max(1) as f32).ln().max(0.05);
            let weight =
                self.position.at(anchor.distance) * rarity.powf(self.params.rarity_exponent);
            let recent = slots.iter().rev().filter(|&&slot| Some(slot) != own);
            for &slot in recent.take(self.params.visits_per_item) {
                let number = scratch.slots.number(slot);
                if number == scratch.neighbours.len() {
                    scratch.neighbours.push(Neighbour { slot, weight: 0.0, matched: 0 });
                }
                let neighbour = &mut scratch.neighbours[number];
                neighbour.weight += weight;
                neighbour.matched |= 1 << bit;
            }
        }
    }

    /// Keeps the most similar visits; of equals, the youngest.
    fn select(&self, index: &VisitIndex, query: &SessionQuery<'_>, scratch: &mut SessionScratch) {
        let per_ms = 1.0 / (self.params.recency_days * DAY_MS);
        for neighbour in &mut scratch.neighbours {
            let age_ms = query.now.saturating_sub(index.last_time_at(neighbour.slot)).max(0);
            let len = index.len_at(neighbour.slot);
            neighbour.weight *=
                (-(age_ms as f32) * per_ms).exp() * self.length[len.min(LENGTHS - 1)];
        }
        let order = |a: &Neighbour, b: &Neighbour| {
            let age = |of: &Neighbour| (index.last_time_at(of.slot), index.rank_at(of.slot));
            b.weight.total_cmp(&a.weight).then_with(|| age(b).cmp(&age(a)))
        };
        let k = self.params.neighbours.max(1);
        if scratch.neighbours.len() > k {
            scratch.neighbours.select_nth_unstable_by(k - 1, order);
            scratch.neighbours.truncate(k);
        }
        // Sums of floats depend on their order, so that must not come from the order of slots.
        scratch.neighbours.sort_unstable_by(order);
        scratch.keep_of_each(index);
    }

    /// Lets each neighbour speak for its items, by their distance from the match.
    fn credit(&self, index: &VisitIndex, scratch: &mut SessionScratch) {
        for idx in 0..scratch.neighbours.len() {
            let Neighbour { slot, weight, matched } = scratch.neighbours[idx];
            let latest = scratch.anchors[matched.trailing_zeros() as usize].item;
            for (item, share) in self.within_reach(index.items_at(slot), latest) {
                let proposal = scratch.proposal(item);
                proposal.score += weight * share;
                proposal.spoke |= matched;
                // A visit that holds the item twice supports it once.
                if proposal.counted != idx as u32 + 1 {
                    proposal.counted = idx as u32 + 1;
                    proposal.support += 1;
                }
            }
        }
    }

    /// Lets the best items found speak for the items of their own recent visits.
    fn step_on(&self, index: &VisitIndex, query: &SessionQuery<'_>, scratch: &mut SessionScratch) {
        let SecondStep { items: n_items, visits, weight } = self.params.second_step;
        if n_items == 0 || visits == 0 {
            return;
        }
        let own = query.own.and_then(|id| index.slot_of(id));
        let mut steps = std::mem::take(&mut scratch.steps);
        steps.clear();
        steps.extend_from_slice(&scratch.proposals);
        keep_best(&mut steps, n_items);
        for step in &steps {
            let slots = index.slots_with(step.item);
            let share = weight * step.score / slots.len().min(visits) as f32;
            let mut recent = slots.iter().rev().filter(|&&slot| Some(slot) != own).take(visits);
            // Found a handful at a time before any is read: visits lie all over memory, and the
            // processor fetches those of one loop at once.
            let mut found = [Packed::default(); VISITS_AT_ONCE];
            loop {
                let mut n_found = 0;
                for (place, &slot) in found.iter_mut().zip(&mut recent) {
                    *place = index.items_at(slot);
                    n_found += 1;
                }
                fetch(&found[..n_found]);
                for &items in &found[..n_found] {
                    self.step_into(items, (step.item, share), scratch);
                }
                if n_found < VISITS_AT_ONCE {
                    break;
                }
            }
        }
        scratch.steps = steps;
    }

    /// Lets one item speak for the others of a visit.
    fn step_into(
        &self,
        items: Packed<'_>,
        (from, share): (Item, f32),
        scratch: &mut SessionScratch,
    ) {
        for (item, weight) in self.within_reach(items, from).filter(|&(item, _)| item != from) {
            // It leaves no evidence: no visit need hold this item and the session's.
            scratch.proposal(item).score += share * weight;
        }
    }

    /// The items of a visit around the last `from` in it, each with the weight of its distance.
    fn within_reach(&self, items: Packed<'_>, from: Item) -> impl Iterator<Item = (Item, f32)> {
        let at = items.iter().rposition(|item| item == from.0);
        let at = at.expect("the visit is in the list of the item that it matched");
        let first = at.saturating_sub(self.behind.reach);
        let end = at.saturating_add(self.ahead.reach).saturating_add(1).min(items.len());
        (first..end).map(move |idx| (Item(items.get(idx)), self.distance_weight(at, idx)))
    }

    /// Multiplies each score by a power of the item's visits.
    ///
    /// A look at each item's visits would be a quarter of a query's time, so what cannot reach the
    /// answer goes first: no factor is above 1, so an item whose score is under what the last place will
    /// have stays under it. The session's own items and those to leave out take no place from others.
    fn damp_popular(
        &self,
        index: &VisitIndex,
        query: &SessionQuery<'_>,
        scratch: &mut SessionScratch,
    ) {
        let exponent = -self.params.popularity_exponent;
        let SessionScratch { anchors, proposals, scores, items, .. } = scratch;
        let factor = |item: Item| (index.n_visits_with(item).max(1) as f32).powf(exponent);
        let n_places = query.limit + anchors.len() + query.exclude.len();
        let bar = match exponent <= 0.0 && proposals.len() > n_places {
            true => bar_of(proposals, n_places, (scores, factor)),
            false => 0.0,
        };
        let mut own = [(0, 0.0); EVENTS_MAX];
        let numbers = anchors.iter().filter_map(|anchor| items.get(anchor.item.0));
        for (kept, number) in own.iter_mut().zip(numbers) {
            *kept = (number, proposals[number].score);
        }
        for proposal in proposals.iter_mut() {
            let is_in_reach = proposal.score >= bar;
            proposal.score *= if is_in_reach { factor(proposal.item) } else { 0.0 };
        }
        // Even a weak score of the session's own items counts on: returns are added to it.
        for (number, score) in own.into_iter().filter(|&(_, score)| score < bar && score > 0.0) {
            proposals[number].score = score * factor(proposals[number].item);
        }
    }

    /// Weighs returns to items of the session; see [`RepeatParams`].
    fn add_returns(&self, query: &SessionQuery<'_>, scratch: &mut SessionScratch) {
        let repeats = &self.params.repeats;
        let anchors = std::mem::take(&mut scratch.anchors);
        let is_new = |proposal: &&Proposal| anchors.iter().all(|a| a.item != proposal.item);
        let new = scratch.proposals.iter().filter(is_new);
        let top = new.map(|proposal| proposal.score).fold(0.0, f32::max);
        // With nothing new to compare with, any scale ranks the session's items.
        let top = if top > 0.0 { top } else { 1.0 };
        let session = last_events(query.items, self.params.events_max);
        let share = 1.0 - anchors.len() as f32 / session.len().max(1) as f32;
        let scale = repeats.prior * top * (repeats.habit * share).exp();
        for (distance, anchor) in anchors.iter().enumerate().skip(1) {
            let into = [anchor.item, anchors[0].item];
            let leads = session.windows(2).filter(|&pair| pair == into).take(2).count();
            let decay = (-((distance - 1) as f32) / repeats.decay).exp();
            let proposal = scratch.proposal(anchor.item);
            proposal.score = repeats.kept * proposal.score
                + scale * decay * (1.0 + repeats.lead_gain * leads as f32);
        }
        scratch.anchors = anchors;
    }

    /// Weight of position `idx` in a visit that matches at position `at`.
    fn distance_weight(&self, at: usize, idx: usize) -> f32 {
        if idx > at { self.ahead.at(idx - at) } else { self.behind.at(at - idx) }
    }
}

impl SessionScratch {
    /// Empties everything and finds the session's different items, the latest first.
    fn start(&mut self, query: &SessionQuery<'_>, events_max: usize) {
        self.anchors.clear();
        self.slots.clear();
        self.neighbours.clear();
        self.items.clear();
        self.proposals.clear();
        let events = last_events(query.items, events_max);
        for (distance, &item) in events.iter().rev().enumerate() {
            if self.anchors.iter().all(|anchor| anchor.item != item) {
                self.anchors.push(Anchor { item, distance });
            }
        }
    }

    /// Of each known shopper keeps the most similar visits, so that nobody's habit is everybody's next step.
    /// Unknown ones cannot be told apart.
    fn keep_of_each(&mut self, index: &VisitIndex) {
        let SessionScratch { neighbours, shoppers, heard, .. } = self;
        shoppers.clear();
        heard.clear();
        neighbours.retain(|neighbour| {
            let shopper = index.shopper_at(neighbour.slot);
            if shopper == NOBODY {
                return true;
            }
            let number = shoppers.number(shopper);
            if number == heard.len() {
                heard.push(0);
            }
            heard[number] += 1;
            heard[number] <= VISITS_OF_ONE_MAX
        });
    }

    /// The proposal of an item, made when it is new.
    fn proposal(&mut self, item: Item) -> &mut Proposal {
        let number = self.items.number(item.0);
        if number == self.proposals.len() {
            self.proposals.push(Proposal { item, score: 0.0, support: 0, spoke: 0, counted: 0 });
        }
        &mut self.proposals[number]
    }

    /// Leaves out what must not be shown and keeps the best.
    fn finish(&mut self, query: &SessionQuery<'_>) {
        for item in query.exclude.iter().chain(query.items.last()) {
            if let Some(number) = self.items.get(item.0) {
                self.proposals[number].score = 0.0;
            }
        }
        self.proposals.retain(|proposal| proposal.score > 0.0);
        keep_best(&mut self.proposals, query.limit);
    }
}

/// The items of the session whose bits are set, without the item itself.
fn spoke_for(anchors: &[Anchor], (item, spoke): (Item, u32)) -> Vec<Item> {
    let those = anchors.iter().enumerate();
    let those = those.filter(|&(bit, anchor)| spoke >> bit & 1 == 1 && anchor.item != item);
    those.map(|(_, anchor)| anchor.item).collect()
}

/// A score that at least `n_places` proposals reach after multiplication by their factors: the best
/// twice as many before it, looked at.
fn bar_of(
    proposals: &[Proposal],
    n_places: usize,
    (scores, factor): (&mut Vec<(f32, Item)>, impl Fn(Item) -> f32),
) -> f32 {
    let best_first = |a: &(f32, Item), b: &(f32, Item)| b.0.total_cmp(&a.0);
    scores.clear();
    scores.extend(proposals.iter().map(|proposal| (proposal.score, proposal.item)));
    let n_looked_at = (2 * n_places).min(scores.len());
    scores.select_nth_unstable_by(n_looked_at - 1, best_first);
    scores.truncate(n_looked_at);
    for (score, item) in scores.iter_mut() {
        *score *= factor(*item);
    }
    scores.select_nth_unstable_by(n_places - 1, best_first).1.0
}

/// Looks into each list once, so that the processor fetches all of them at the same time.
fn fetch(lists: &[Packed<'_>]) {
    std::hint::black_box(lists.iter().fold(0, |all, items| all ^ items.touch()));
}

fn last_events(items: &[Item], events_max: usize) -> &[Item] {
    &items[items.len().saturating_sub(events_max.clamp(1, EVENTS_MAX))..]
}

/// Sorts best first and keeps `limit` ≥ 1; ties go to the smaller item number.
fn keep_best(proposals: &mut Vec<Proposal>, limit: usize) {
    let order = |a: &Proposal, b: &Proposal| -> Ordering {
        b.score.total_cmp(&a.score).then(a.item.cmp(&b.item))
    };
    if proposals.len() > limit {
        proposals.select_nth_unstable_by(limit - 1, order);
        proposals.truncate(limit);
    }
    proposals.sort_unstable_by(order);
}
