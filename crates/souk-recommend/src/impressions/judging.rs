//! What people who never teach say of an order of lists.
//!
//! The measure is how near to the top what they took up would have stood, 1/log2(place + 1) as in NDCG: the mean over all acts
//! by their weights, which are the fourth root of the inverse of how far a place is looked at. Whole inverse weights would
//! praise any order for turning the shown one around where places are looked at more evenly than is believed, and no
//! weights would blame any for not leaving it.
//!
//! A root of what is believed is believed too, so an order has a second rival beside the order of sources: itself, were
//! the acts in each place to fall on any of the products that stood there. What it brings beyond that rests on products and
//! not on places, however far each place is looked at: where clicks follow places alone it is nothing, in the mean. An
//! order is as good as the nearer of its rivals lets it be.
//!
//! Only lists speak that stood as sources gave them: what stood in a learned order speaks for that order.
//!
//! Sources: Swaminathan and Joachims, NIPS 2015 (self-normalised estimates); that covariance with what is at
//! random given the place is nothing: Rosenbaum, *Journal of the American Statistical Association* 79, 1984 (permutation within
//! strata), here with its expectation in place of draws.

use std::collections::BTreeMap;

use super::signals::SignalRow;
use super::{ImpressionOrder, JUDGES_SEED, ShownList};
use crate::clicks::Examination;
use crate::evaluate::bootstrap::{Difference, paired_bootstrap};
use crate::evaluate::metrics::{discount, mean};
use crate::evaluate::verdict::OrderVerdict;

/// The power of examination by which judges weigh acts (decision 42).
const CAUTION: f64 = 0.25;
/// Tiers that are told apart in each place; those that lack more are as the last.
const N_TIERS: usize = 8;
/// Where a candidate stood, and in which tier, since no order mixes two.
const N_CELLS: usize = N_TIERS << u8::BITS;

/// A list of somebody who judges: its candidates in the order that sources gave.
struct Ballot {
    person: u64,
    rows: Vec<SignalRow>,
    cells: Vec<usize>,
    /// What came of each, weighed.
    acts: Vec<f64>,
}

impl Ballot {
    fn of(list: &ShownList, examination: &Examination) -> Ballot {
        let candidates = list.candidates();
        let cell = |place: u8, row: &SignalRow| {
            N_TIERS * usize::from(place) + usize::from(row.tier()).min(N_TIERS - 1)
        };
        Ballot {
            person: list.person,
            rows: candidates.iter().map(|(_, one)| one.row).collect(),
            cells: candidates.iter().map(|(place, one)| cell(*place, &one.row)).collect(),
            acts: candidates
                .iter()
                .map(|(place, one)| f64::from(one.worth) / examination.at(*place).powf(CAUTION))
                .collect(),
        }
    }

    fn by_cell<'a>(&'a self, values: &'a [f64]) -> impl Iterator<Item = (usize, f64)> + 'a {
        self.cells.iter().copied().zip(values.iter().copied())
    }
}

/// Those who judge, with their lists.
pub(super) struct Judges {
    ballots: Vec<Ballot>,
    /// How much was taken up in each cell, for each time that something stood there.
    rates: Vec<f64>,
    /// What all judges took up, the mean over them.
    acts: f64,
}

/// What an order brings each judge, in shares of what the mean judge took up.
struct Brought {
    nearness: Vec<f64>,
    /// Beyond what it would bring if acts fell on any product of their place.
    beyond: Vec<f64>,
}

impl Brought {
    /// How much better than the nearer of its rivals it is: the order of sources, and itself without what it knows of products.
    fn gain(&self, usual: &[f64]) -> Difference {
        let over_sources = paired_bootstrap(&self.nearness, usual, JUDGES_SEED);
        let over_places = paired_bootstrap(&self.beyond, &vec![0.0; usual.len()], JUDGES_SEED);
        if over_sources.low <= over_places.low { over_sources } else { over_places }
    }
}

impl Judges {
    /// The judges of these lists, as far as anything was taken up of them.
    pub(super) fn of<'a>(
        lists: impl Iterator<Item = &'a ShownList>,
        examination: &Examination,
    ) -> Judges {
        let taken_up = lists.filter(|list| list.is_taken_up());
        let ballots: Vec<Ballot> = taken_up.map(|list| Ballot::of(list, examination)).collect();
        let rates = means(ballots.iter().flat_map(|ballot| ballot.by_cell(&ballot.acts)));
        let mut judges = Judges { ballots, rates, acts: 1.0 };
        let each = judges.by_judge(judges.ballots.iter().map(|ballot| ballot.acts.iter().sum()));
        judges.acts = mean(&each).max(f64::MIN_POSITIVE);
        judges
    }

    /// What they say of an order that was learned and of the one in service.
    pub(super) fn verdict(
        &self,
        learned: &ImpressionOrder,
        serving: Option<&ImpressionOrder>,
    ) -> OrderVerdict {
        let usual = self.brought(|rows| (0..rows.len()).collect()).nearness;
        let learned = self.brought(|rows| learned.order(rows));
        let serving = serving.map(|serving| self.brought(|rows| serving.order(rows)));
        OrderVerdict {
            n_judges: usual.len(),
            learned: mean(&learned.nearness),
            usual: mean(&usual),
            gain: learned.gain(&usual),
            serving: serving.as_ref().map(|serving| mean(&serving.nearness)),
            serving_gain: serving.as_ref().map(|serving| serving.gain(&usual).mean),
        }
    }

    fn brought(&self, order: impl Fn(&[SignalRow]) -> Vec<usize>) -> Brought {
        let near = |ballot: &Ballot| nearness(order(&ballot.rows));
        let near: Vec<Vec<f64>> = self.ballots.iter().map(near).collect();
        let lists = || self.ballots.iter().zip(&near);
        // What is usual in a place is common to all that stood there, and so no part of what sets them apart.
        let usual = means(lists().flat_map(|(ballot, near)| ballot.by_cell(near)));
        let sum = |(ballot, near): (&Ballot, &Vec<f64>)| -> f64 {
            ballot.acts.iter().zip(near).map(|(acts, near)| acts * near).sum()
        };
        Brought {
            nearness: self.by_judge(lists().map(sum)),
            beyond: self
                .by_judge(lists().map(|(ballot, near)| self.beyond(ballot, (near, &usual)))),
        }
    }

    /// What an order brings a list beyond what it would bring if what was taken up of each tier fell on its places as usual.
    fn beyond(&self, ballot: &Ballot, (nearness, usual): (&[f64], &[f64])) -> f64 {
        let mut begin = 0;
        let of_tier = |rows: &[SignalRow]| {
            let tier = begin..begin + rows.len();
            begin = tier.end;
            let acts: f64 = ballot.acts[tier.clone()].iter().sum();
            let rate: f64 = ballot.cells[tier.clone()].iter().map(|cell| self.rates[*cell]).sum();
            let beyond = tier.map(|idx| {
                let cell = ballot.cells[idx];
                let expected = acts * self.rates[cell] / rate.max(f64::MIN_POSITIVE);
                (ballot.acts[idx] - expected) * (nearness[idx] - usual[cell])
            });
            beyond.sum::<f64>()
        };
        ballot.rows.chunk_by(|a, b| a.tier() == b.tier()).map(of_tier).sum()
    }

    /// The sums of what each list says, by judge, as shares of what the mean judge took up.
    fn by_judge(&self, of_lists: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut sums: BTreeMap<u64, f64> = BTreeMap::new();
        for (ballot, value) in self.ballots.iter().zip(of_lists) {
            *sums.entry(ballot.person).or_default() += value / self.acts;
        }
        sums.into_values().collect()
    }
}

/// How near to the top an order brings each candidate.
fn nearness(order: Vec<usize>) -> Vec<f64> {
    let mut nearness = vec![0.0; order.len()];
    for (place, idx) in order.into_iter().enumerate() {
        nearness[idx] = discount(place);
    }
    nearness
}

/// The mean by cell.
fn means(values: impl Iterator<Item = (usize, f64)>) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); N_CELLS];
    for (cell, value) in values {
        sums[cell].0 += value;
        sums[cell].1 += 1.0;
    }
    sums.into_iter().map(|(sum, n)| sum / f64::max(n, 1.0)).collect()
}

#[cfg(test)]
mod tests;
