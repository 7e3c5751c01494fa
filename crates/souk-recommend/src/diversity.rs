//! Variety in a list, at a bounded price: what is much like the rest of the list, or what everybody is
//! shown anyway, makes way for near equals that are not.
//!
//! A list is taken as its candidates are ranked, and candidates are exchanged while that brings variety: each
//! time the exchange that brings most for what it costs, as long as the expected NDCG of the list stays above a
//! set share of what it was. So lists whose candidates are about equally good become varied, and lists that
//! are sure of themselves hardly change; last places change before the first ones.
//!
//! Sources: the trade-off is that of Carbonell and Goldstein, *The Use of MMR*, SIGIR 1998, with a bound on the
//! loss in the place of a weight (as Zhang and Hurley, "Avoiding monotony", RecSys 2008, maximise diversity
//! under a bound on relevance); the price of popularity is that of Steck, "Item popularity and recommendation
//! accuracy", RecSys 2011; nearness to a shopper's own mix is that of Steck, "Calibrated recommendations", RecSys
//! 2018, with the total variation in the place of a divergence that has no value for groups a list lacks.

mod curve;

pub use curve::{RankCounts, RankHits, RelevanceCurve};

/// How much variety, and what it may cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VarietyParams {
    /// The share of a list's expected NDCG that may be given up for it, 0 to 1; 0 changes nothing.
    pub price: f32,
    /// What an item that nobody else is shown counts beside one that is like nothing in the list.
    pub rarity_weight: f32,
    /// What a place counts by which the list comes nearer to the shopper's own mix.
    pub mix_weight: f32,
    /// Candidates behind the list that may enter it: the next best so many. Further down nearly everybody costs more
    /// than there is to spend, and each takes its time.
    pub behind: usize,
}

impl Default for VarietyParams {
    /// See docs/decisions/0064-relevance-curves.md.
    fn default() -> VarietyParams {
        VarietyParams { price: 0.02, rarity_weight: 1.0, mix_weight: 0.5, behind: 20 }
    }
}

/// What is known of the candidates, by their rank from 0.
#[derive(Clone, Copy)]
pub struct Candidates<'a> {
    /// How likely each is wanted, never rising; only their ratios matter ([`RelevanceCurve`]).
    pub relevance: &'a [f32],
    /// How seldom each is shown or taken, in 0..=1.
    pub rarity: &'a [f32],
    /// How far apart two of them are, in 0..=1; the same both ways.
    pub distance: &'a dyn Fn(usize, usize) -> f32,
    /// The mix that the list should come near to; `None` where none is known.
    pub mix: Option<Mix<'a>>,
}

/// A shopper's own mix.
#[derive(Clone, Copy, Debug)]
pub struct Mix<'a> {
    /// By candidate: its group, or one beyond the last for those of none.
    pub groups: &'a [usize],
    /// By group: its share in what the shopper takes.
    pub shares: &'a [f32],
}

/// Working memory; what it holds is nobody's.
#[derive(Debug, Default)]
pub struct VarietyScratch {
    /// Distances of each candidate from each item of the list: rows of `limit`.
    distances: Vec<f32>,
    /// By candidate: the sum of its row.
    sums: Vec<f32>,
    /// The list: ranks of candidates, ascending.
    list: Vec<usize>,
    is_listed: Vec<bool>,
    /// By group of a mix: how many items of the list are of it.
    held: Vec<f32>,
    /// By place: what is lost when its item is taken out and all below move up, the last place left empty.
    removal: Vec<f32>,
    /// By place, from 0: what it counts.
    discounts: Vec<f32>,
    /// The candidates that are not listed, with what each would bring into the list and add in the last place.
    waiting: Vec<Waiting>,
    /// By group of a mix, and one more for none: what it brings to take one of it out, and to put one in.
    swings: Vec<(f32, f32)>,
}

/// A candidate that has no place.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    candidate: usize,
    brings: f32,
    adds: f32,
    /// Its group in the mix.
    group: usize,
}

/// What a place of a list counts, from 0.
fn discount(place: usize) -> f32 {
    1.0 / ((place + 2) as f32).log2()
}

/// One exchange.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    /// The place from which an item goes.
    place: usize,
    /// Who comes.
    candidate: usize,
}

/// What costs less than this share of a list's NDCG costs as much: nothing is free, so that what brings
/// most comes first.
const COST_MIN: f32 = 1e-4;

/// The first `limit` candidates with variety among them: their ranks, ascending.
///
/// Takes the distances between the list and all that may stand in it, and one more of each for every exchange, of which
/// there are at most `limit`.
pub fn vary<'s>(
    candidates: &Candidates<'_>,
    (limit, params): (usize, &VarietyParams),
    scratch: &'s mut VarietyScratch,
) -> &'s [usize] {
    let n = candidates.relevance.len().min(limit + params.behind);
    let limit = limit.min(n);
    scratch.list.clear();
    scratch.list.extend(0..limit);
    // A single item is like nothing else, and without more candidates than places there is no choice.
    if limit < 2 || limit == n || params.price <= 0.0 {
        return &scratch.list;
    }
    scratch.take_discounts(limit);
    let whole = scratch.expected(candidates);
    let (mut left, least) = (params.price * whole, COST_MIN * whole);
    // Whoever enters costs at least what it is below the last of the list, in the last place.
    let (last, relevance) = (scratch.discounts[limit - 1], candidates.relevance);
    let is_within = |relevance_of: &f32| last * (relevance[limit - 1] - relevance_of) <= left;
    let n_within = relevance[limit..n].partition_point(is_within);
    if n_within == 0 {
        return &scratch.list;
    }
    scratch.begin(candidates, (limit + n_within, limit));
    for _ in 0..limit {
        scratch.weigh(candidates);
        let found = scratch.best(candidates, (left, least), params);
        let Some(exchange) = found else { break };
        left -= scratch.make(candidates, exchange);
    }
    &scratch.list
}

impl VarietyScratch {
    /// What so many places count; the same whatever the list.
    fn take_discounts(&mut self, limit: usize) {
        let known = self.discounts.len();
        self.discounts.extend((known..limit).map(discount));
    }

    fn begin(&mut self, candidates: &Candidates<'_>, (n, limit): (usize, usize)) {
        self.held.clear();
        if let Some(mix) = candidates.mix {
            self.held.resize(mix.shares.len(), 0.0);
            (0..limit).for_each(|candidate| self.hold(&mix, (candidate, 1.0)));
        }
        self.is_listed.clear();
        self.is_listed.extend((0..n).map(|candidate| candidate < limit));
        self.distances.clear();
        self.sums.clear();
        for candidate in 0..n {
            let to = |&other: &usize| match other == candidate {
                true => 0.0,
                false => (candidates.distance)(candidate, other),
            };
            self.distances.extend(self.list.iter().map(to));
            self.sums.push(self.distances[candidate * limit..].iter().sum());
        }
    }

    /// Counts a candidate in or out of the groups that the list holds.
    fn hold(&mut self, mix: &Mix<'_>, (candidate, by): (usize, f32)) {
        if let Some(held) = self.held.get_mut(mix.groups[candidate]) {
            *held += by;
        }
    }

    /// Works out by how many places the list comes nearer to a mix (total variation) when a group loses an item,
    /// and when it gains one.
    fn swing(&mut self, mix: &Mix<'_>) {
        let places = self.list.len() as f32;
        let change = |(held, share): (&f32, &f32), by: f32| {
            ((held - share * places).abs() - (held + by - share * places).abs()) / 2.0
        };
        self.swings.clear();
        let groups = self.held.iter().zip(mix.shares);
        self.swings.extend(groups.map(|group| (change(group, -1.0), change(group, 1.0))));
        self.swings.push((0.0, 0.0));
    }

    /// The discounted relevance of the list.
    fn expected(&self, candidates: &Candidates<'_>) -> f32 {
        let of = |(place, candidate): (usize, &usize)| {
            self.discounts[place] * candidates.relevance[*candidate]
        };
        self.list.iter().enumerate().map(of).sum()
    }

    /// Works out what taking out each place would lose.
    fn weigh(&mut self, candidates: &Candidates<'_>) {
        let relevance = |place: usize| candidates.relevance[self.list[place]];
        let last = self.list.len() - 1;
        self.removal.resize(self.list.len(), 0.0);
        self.removal[last] = self.discounts[last] * relevance(last);
        for place in (0..last).rev() {
            let moved = self.discounts[place] * (relevance(place) - relevance(place + 1));
            self.removal[place] = moved + self.removal[place + 1];
        }
    }

    /// The exchange that brings most for what it costs, among those that bring anything and cost no more
    /// than `left`; of equals, the one that changes the last place, and the better candidate.
    fn best(
        &mut self,
        candidates: &Candidates<'_>,
        (left, least): (f32, f32),
        params: &VarietyParams,
    ) -> Option<Exchange> {
        let limit = self.list.len();
        let each = 1.0 / (limit - 1) as f32;
        let group = |one: usize| candidates.mix.map_or(0, |mix| mix.groups[one]);
        self.swings.clear();
        if let Some(mix) = candidates.mix {
            self.swing(&mix);
        }
        let swing = |group: usize| {
            self.swings.get(group).or(self.swings.last()).copied().unwrap_or_default()
        };
        let own =
            |one: usize| self.sums[one] * each + params.rarity_weight * candidates.rarity[one];
        self.waiting.clear();
        let waiting = (0..self.is_listed.len()).filter(|one| !self.is_listed[*one]);
        self.waiting.extend(waiting.map(|candidate| Waiting {
            candidate,
            brings: own(candidate) + params.mix_weight * swing(group(candidate)).1,
            // What comes takes the last place: in between there is nothing that is worse.
            adds: self.discounts[limit - 1] * candidates.relevance[candidate],
            group: group(candidate),
        }));
        let mut best: Option<Exchange> = None;
        let mut worth_most = 0.0;
        let adds_most = self.waiting.first().map_or(0.0, |one| one.adds);
        for place in (0..limit).rev() {
            // Places cost more the nearer they are to the first, and candidates the further down they stand.
            if self.removal[place] - adds_most > left {
                break;
            }
            let leaves = group(self.list[place]);
            let (out, of_group) = swing(leaves);
            let goes = own(self.list[place]) - params.mix_weight * out;
            // Within one group nothing comes nearer.
            let same = params.mix_weight * (out + of_group);
            for one in &self.waiting {
                let cost = self.removal[place] - one.adds;
                if cost > left {
                    break;
                }
                let near = self.distances[one.candidate * limit + place] * each;
                let unmoved = if one.group == leaves { same } else { 0.0 };
                let worth = (one.brings - near - goes - unmoved) / cost.max(least);
                if worth > worth_most {
                    worth_most = worth;
                    best = Some(Exchange { place, candidate: one.candidate });
                }
            }
        }
        best
    }

    /// Makes an exchange; says what it cost.
    fn make(&mut self, candidates: &Candidates<'_>, exchange: Exchange) -> f32 {
        let Exchange { place, candidate, .. } = exchange;
        let before = self.expected(candidates);
        let limit = self.list.len();
        if let Some(mix) = candidates.mix {
            self.hold(&mix, (self.list[place], -1.0));
            self.hold(&mix, (candidate, 1.0));
        }
        self.is_listed[self.list[place]] = false;
        self.is_listed[candidate] = true;
        // Rows keep the order of the list, which is that of ranks: the items between move by one.
        self.list.remove(place);
        let at = self.list.partition_point(|one| *one < candidate);
        self.list.insert(at, candidate);
        for one in 0..self.is_listed.len() {
            let row = &mut self.distances[one * limit..(one + 1) * limit];
            self.sums[one] -= row[place];
            let distance =
                if one == candidate { 0.0 } else { (candidates.distance)(one, candidate) };
            row.copy_within(place + 1.., place);
            row.copy_within(at..limit - 1, at + 1);
            row[at] = distance;
            self.sums[one] += distance;
        }
        before - self.expected(candidates)
    }
}

#[cfg(test)]
mod tests;
