//! Two rankings in one list: which one do people click more?
//!
//! Every shopper sees products of both, so a few hundred clicks tell what a split of the shoppers needs
//! thousands of orders for. It compares rankings, and says nothing of revenue: what wins here is worth a
//! proper experiment.
//!
//! Source: Radlinski, Kurup and Joachims, "How does clickthrough data reflect retrieval quality?", CIKM
//! 2008, algorithm 2 (team-draft interleaving) and its credit assignment.

use std::cmp::Ordering;

use rustc_hash::FxHashSet;

use crate::Item;
use souk_math::Random;

/// Whose pick a product was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Team {
    /// The first ranking's.
    A,
    /// The second ranking's.
    B,
}

/// One place of an interleaved list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Which product.
    pub item: Item,
    /// Whose pick it was; `None` where only one ranking had anything left, so that no pick was fair.
    pub team: Option<Team>,
}

/// Interleaves two rankings as captains pick players: the one with fewer picks goes next, a coin decides
/// when they have equally many, and each picks its best product that is not in the list yet.
///
/// Once one ranking has nothing left the other one fills the places, without credit. The same seed gives
/// the same list; give each answer another one.
pub fn team_draft(a: &[Item], b: &[Item], (limit, seed): (usize, u64)) -> Vec<Pick> {
    let mut random = Random::new(seed);
    draft((a, b), limit, &mut || random.bits() >> 63 == 1)
}

fn draft(
    (a, b): (&[Item], &[Item]),
    limit: usize,
    is_a_first: &mut dyn FnMut() -> bool,
) -> Vec<Pick> {
    let mut taken: FxHashSet<Item> = FxHashSet::default();
    let mut picks: Vec<Pick> = Vec::with_capacity(limit);
    let (mut rest_a, mut rest_b) = (a.iter().copied().peekable(), b.iter().copied().peekable());
    let (mut n_a, mut n_b) = (0, 0);
    while picks.len() < limit {
        while rest_a.next_if(|item| taken.contains(item)).is_some() {}
        while rest_b.next_if(|item| taken.contains(item)).is_some() {}
        let (item, team) = match (rest_a.peek().copied(), rest_b.peek().copied()) {
            (None, None) => break,
            (Some(item), None) | (None, Some(item)) => (item, None),
            (Some(of_a), Some(of_b)) => {
                let is_a = match n_a.cmp(&n_b) {
                    Ordering::Less => true,
                    Ordering::Greater => false,
                    Ordering::Equal => is_a_first(),
                };
                n_a += usize::from(is_a);
                n_b += usize::from(!is_a);
                if is_a { (of_a, Some(Team::A)) } else { (of_b, Some(Team::B)) }
            }
        };
        taken.insert(item);
        picks.push(Pick { item, team });
    }
    picks
}

/// Which ranking an answer's clicks speak for: `Greater` for the first, `Equal` for neither. Several clicks
/// on one product count once, and products that are nobody's pick do not count.
pub fn preference(picks: &[Pick], clicked: &[Item]) -> Ordering {
    let credit = |team: Team| {
        picks.iter().filter(|pick| pick.team == Some(team) && clicked.contains(&pick.item)).count()
    };
    credit(Team::A).cmp(&credit(Team::B))
}

/// Answers that spoke for each ranking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// For the first.
    pub a: u64,
    /// For the second.
    pub b: u64,
    /// For neither.
    pub ties: u64,
}

impl Score {
    /// Takes in an answer's [`preference`].
    pub fn add(&mut self, preference: Ordering) {
        match preference {
            Ordering::Greater => self.a += 1,
            Ordering::Less => self.b += 1,
            Ordering::Equal => self.ties += 1,
        }
    }

    /// How far the first is ahead, from -½ to ½: (wins + ties/2) / answers - ½, as in the source.
    pub fn lead(&self) -> f64 {
        let all = (self.a + self.b + self.ties) as f64;
        if all == 0.0 { 0.0 } else { (self.a as f64 + self.ties as f64 / 2.0) / all - 0.5 }
    }
}

#[cfg(test)]
mod tests;
