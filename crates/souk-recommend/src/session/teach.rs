//! Learns how a shop's sessions are to be read, from its own visits.
//!
//! Visits are gone through in the order of time. Each of the later ones asks, at every step, what comes next of
//! an index of all that began before, as a request does, and then becomes part of it. The last visits teach
//! nothing: they judge, and those before them say when to stop.

use super::{MixtureLessons, MixtureScratch, SessionMixture, SessionParams, SessionQuery};
use super::{SessionScorer, SessionScratch};
use crate::evaluate::verdict::OrderVerdict;
use crate::parallel::Rests;
use crate::trees::{Objective, TreeParams};
use crate::types::{Item, Shopper};
use crate::visits::{VisitEvent, VisitId, VisitIndex, VisitLimits};
use rustc_hash::FxHashMap;
use souk_math::parallel::for_chunks;

#[cfg(test)]
mod tests;

/// Of all visits, where those begin that teach, those that say when to stop, and those that judge (chosen).
const TEACH_FROM: f64 = 0.60;
const STOP_FROM: f64 = 0.84;
const JUDGE_FROM: f64 = 0.90;
/// Steps that teach, and that judge, at most: evenly spread visits are taken.
const TEACH_STEPS_MAX: usize = 30_000;
const JUDGE_STEPS_MAX: usize = 10_000;
/// Steps that teach, and people who judge, without whom nothing is said (chosen).
const TEACH_STEPS_MIN: usize = 500;
const JUDGES_MIN: usize = 100;
/// Visits after which the index takes in what was asked meanwhile.
const VISITS_AT_ONCE: usize = 64;
/// Visits that one thread asks at a time.
const VISITS_EACH: usize = 8;
/// Places that are judged.
const PLACES: usize = 20;
const SEED: u64 = 0x7669_7369;

/// Trees over the next items of a list, chosen on the shop clicks' validation part.
pub(crate) fn tree_params() -> TreeParams {
    TreeParams { objective: Objective::Softmax, n_trees: 200, ..TreeParams::default() }
}

/// What is learned from, and how.
#[derive(Clone, Copy, Debug)]
pub struct SessionTeaching<'a> {
    /// Events of visits; those of one visit together and in order, the visit that began first in front.
    pub events: &'a [VisitEvent],
    /// The usual reading.
    pub params: SessionParams,
    /// Events of a running visit that requests look at, the last ones.
    pub seen_max: usize,
    /// How many threads; the result does not depend on it.
    pub threads: usize,
    /// Called every few visits, and after each tree.
    pub rests: Rests<'a>,
}

/// A visit of which something is asked.
#[derive(Clone, Debug)]
struct Asked {
    visit: VisitId,
    shopper: Option<Shopper>,
    items: Vec<Item>,
    times: Vec<i64>,
}

impl Asked {
    fn of(events: &[VisitEvent]) -> Asked {
        Asked {
            visit: events[0].visit,
            shopper: events[0].shopper,
            items: events.iter().map(|event| event.item).collect(),
            times: events.iter().map(|event| event.time).collect(),
        }
    }

    /// Every step but the last, with what comes next. Times are kept back: a request need not know them.
    fn steps(&self, seen_max: usize) -> impl Iterator<Item = (SessionQuery<'_>, Item)> {
        (1..self.items.len()).map(move |step| {
            let items = &self.items[step.saturating_sub(seen_max)..step];
            let now = self.times[step - 1];
            (SessionQuery { items, now, own: None, exclude: &[], limit: PLACES }, self.items[step])
        })
    }
}

/// What a request and a lesson know of the times of a session's items: nothing.
const NO_TIMES: &[i64] = &[];

/// Reciprocal ranks of one judge's steps, by each order that is judged.
type Ranks = Vec<[f64; 3]>;

impl SessionTeaching<'_> {
    /// Learns a mixture and judges it beside the usual reading and the one in service, by MRR@20 of the next items,
    /// the mean of the judges' means; `None` where there is too little to learn from.
    pub fn learn(
        &self,
        serving: Option<&SessionMixture>,
    ) -> Option<(SessionMixture, OrderVerdict)> {
        let visits: Vec<&[VisitEvent]> = self.events.chunk_by(|a, b| a.visit == b.visit).collect();
        let at = |share: f64| (visits.len() as f64 * share) as usize;
        let (teach, stop, judge) = (at(TEACH_FROM), at(STOP_FROM), at(JUDGE_FROM));
        let n_steps =
            |visits: &[&[VisitEvent]]| visits.iter().map(|visit| visit.len() - 1).sum::<usize>();
        if n_steps(&visits[teach..stop]) < TEACH_STEPS_MIN {
            return None;
        }
        // Everything that the shop's own index has had: it drops nothing here that it holds there.
        let limits = VisitLimits { visits_max: u32::MAX, events_per_visit_max: u32::MAX >> 1 };
        let mut index = VisitIndex::new(limits);
        visits[..teach].iter().for_each(|visit| push(&mut index, visit));
        let lessons = self.lessons(&mut index, (&visits[teach..stop], TEACH_STEPS_MAX));
        let valid = self.lessons(&mut index, (&visits[stop..judge], TEACH_STEPS_MAX));
        let growing = (&tree_params(), self.threads, self.rests);
        let mixture = lessons.fit(Some(&valid), growing);
        let verdict = self.judge(&mut index, &visits[judge..], (&mixture, serving));
        (verdict.n_judges >= JUDGES_MIN).then_some((mixture, verdict))
    }

    /// Asks every step of some visits, a handful at a time, after which the index has them. What a thread finds
    /// begins with `none` and is joined in the order of the visits.
    fn ask<T: Clone + Send>(
        &self,
        index: &mut VisitIndex,
        (visits, steps_max): (&[&[VisitEvent]], usize),
        (none, ask, join): (&T, impl Fn(&VisitIndex, &Asked, &mut T) + Sync, fn(&mut T, T)),
    ) -> T {
        let mut all = none.clone();
        let n_steps = visits.iter().map(|visit| visit.len() - 1).sum::<usize>();
        let stride = n_steps.div_ceil(steps_max).max(1);
        for (nth, some) in visits.chunks(VISITS_AT_ONCE).enumerate() {
            let numbered = (nth * VISITS_AT_ONCE..).zip(some);
            let asked = numbered.filter(|(n, visit)| n % stride == 0 && visit.len() > 1);
            let asked: Vec<Asked> = asked.map(|(_, visit)| Asked::of(visit)).collect();
            let parts = asked.chunks(VISITS_EACH).map(|part| (part, none.clone()));
            let mut parts: Vec<(&[Asked], T)> = parts.collect();
            let known: &VisitIndex = index;
            for_chunks(
                &mut parts,
                (self.threads, 1),
                || (),
                |_, _, parts| {
                    for (visits, answer) in parts {
                        visits.iter().for_each(|visit| ask(known, visit, answer));
                    }
                },
            );
            parts.into_iter().for_each(|(_, answer)| join(&mut all, answer));
            some.iter().for_each(|visit| push(index, visit));
            self.rests.rest();
        }
        all
    }

    fn lessons(&self, index: &mut VisitIndex, visits: (&[&[VisitEvent]], usize)) -> MixtureLessons {
        let ask = |index: &VisitIndex, visit: &Asked, lessons: &mut MixtureLessons| {
            for (query, next) in visit.steps(self.seen_max) {
                lessons.add(index, (&query, NO_TIMES), next);
            }
        };
        let none = MixtureLessons::new(self.params);
        self.ask(index, visits, (&none, ask, |all, part| all.extend(&part)))
    }

    fn judge(
        &self,
        index: &mut VisitIndex,
        visits: &[&[VisitEvent]],
        (mixture, serving): (&SessionMixture, Option<&SessionMixture>),
    ) -> OrderVerdict {
        let reading = SessionScorer::new(self.params);
        let ask = |index: &VisitIndex, visit: &Asked, ranks: &mut Vec<(Judge, [f64; 3])>| {
            let (mut mixing, mut reads) = (MixtureScratch::default(), SessionScratch::default());
            let judge = Judge::of(visit);
            for (query, next) in visit.steps(self.seen_max) {
                let mut of = |mixture: &SessionMixture| {
                    let top = mixture.top(index, (&query, NO_TIMES), &mut mixing);
                    reciprocal(top.iter().map(|&(_, item)| item), next)
                };
                let learned = [of(mixture), serving.map_or(0.0, &mut of)];
                let top = reading.top(index, &query, &mut reads);
                let usual = reciprocal(top.iter().map(|proposal| proposal.item), next);
                ranks.push((judge, [learned[0], usual, learned[1]]));
            }
        };
        let join = |all: &mut Vec<_>, mut part: Vec<_>| all.append(&mut part);
        let asked = self.ask(index, (visits, JUDGE_STEPS_MAX), (&Vec::new(), ask, join));
        let (mut places, mut judges) = (FxHashMap::default(), Vec::<Ranks>::new());
        for (judge, ranks) in asked {
            let place = *places.entry(judge).or_insert_with(|| {
                judges.push(Ranks::new());
                judges.len() - 1
            });
            judges[place].push(ranks);
        }
        let [learned, usual, before] = [0, 1, 2].map(|order| -> Vec<f64> {
            let of_judge = |ranks: &Ranks| {
                ranks.iter().map(|ranks| ranks[order]).sum::<f64>() / ranks.len() as f64
            };
            judges.iter().map(of_judge).collect()
        });
        OrderVerdict::of((&learned, &usual, serving.map(|_| &before[..])), SEED)
    }
}

/// Whose steps are judged together: they are no independent cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Judge {
    Shopper(Shopper),
    Visit(VisitId),
}

impl Judge {
    fn of(visit: &Asked) -> Judge {
        visit.shopper.map_or(Judge::Visit(visit.visit), Judge::Shopper)
    }
}

fn push(index: &mut VisitIndex, visit: &[VisitEvent]) {
    visit.iter().for_each(|event| index.push(*event));
}

fn reciprocal(list: impl Iterator<Item = Item>, next: Item) -> f64 {
    list.zip(1..).find(|(item, _)| *item == next).map_or(0.0, |(_, rank)| 1.0 / f64::from(rank))
}
