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

/// How much variety, and what it may cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VarietyParams {
    /// The share of a list's expected NDCG that may be given up for it, 0 to 1; 0 changes nothing.
    pub price: f32,
    /// What an item that nobody else is shown counts beside one that is like nothing in the list.
    pub rarity_weight: f32,
    /// What a place counts by which the list comes nearer to the shopper's own mix.
    pub mix_weight: f32,
    /// Candidates that may enter the list: the best so many.
    pub depth: usize,
}

impl Default for VarietyParams {
    /// See docs/decisions/0028-variety.md.
    fn default() -> VarietyParams {
        VarietyParams { price: 0.02, rarity_weight: 1.0, mix_weight: 0.5, depth: 100 }
    }
}

/// What is known of the candidates, by their rank from 0.
#[derive(Clone, Copy)]
pub struct Candidates<'a> {
    /// How likely each is wanted, the best first; only their ratios matter.
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
    /// What it brings for what it costs.
    worth: f32,
}

/// What costs less than this share of a list's NDCG costs as much: nothing is free, so that what brings
/// most comes first.
const COST_MIN: f32 = 1e-4;

/// The first `limit` candidates with variety among them: their ranks, ascending.
///
/// Takes `limit · depth` distances, and a `depth` more for each exchange, of which there are at most `limit`.
pub fn vary<'s>(
    candidates: &Candidates<'_>,
    (limit, params): (usize, &VarietyParams),
    scratch: &'s mut VarietyScratch,
) -> &'s [usize] {
    let n = candidates.relevance.len().min(params.depth.max(limit));
    let limit = limit.min(n);
    scratch.list.clear();
    scratch.list.extend(0..limit);
    // A single item is like nothing else, and without more candidates than places there is no choice.
    if limit < 2 || limit == n || params.price <= 0.0 {
        return &scratch.list;
    }
    scratch.begin(candidates, (n, limit));
    let whole = scratch.expected(candidates);
    let (mut left, least) = (params.price * whole, COST_MIN * whole);
    for _ in 0..limit {
        scratch.weigh(candidates);
        let found = scratch.best(candidates, (left, least), params);
        let Some(exchange) = found else { break };
        left -= scratch.make(candidates, exchange);
    }
    &scratch.list
}

impl VarietyScratch {
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

    /// By how many places the list comes nearer to a mix (total variation) if one candidate comes for another.
    fn nearer(&self, mix: &Mix<'_>, (goes, comes): (usize, usize)) -> f32 {
        let (goes, comes) = (mix.groups[goes], mix.groups[comes]);
        if goes == comes {
            return 0.0;
        }
        let places = self.list.len() as f32;
        let change = |group: usize, by: f32| match (self.held.get(group), mix.shares.get(group)) {
            (Some(held), Some(share)) => {
                (held - share * places).abs() - (held + by - share * places).abs()
            }
            _ => 0.0,
        };
        (change(goes, -1.0) + change(comes, 1.0)) / 2.0
    }

    /// The discounted relevance of the list.
    fn expected(&self, candidates: &Candidates<'_>) -> f32 {
        let of = |(place, candidate): (usize, &usize)| {
            discount(place) * candidates.relevance[*candidate]
        };
        self.list.iter().enumerate().map(of).sum()
    }

    /// Works out what taking out each place would lose.
    fn weigh(&mut self, candidates: &Candidates<'_>) {
        let relevance = |place: usize| candidates.relevance[self.list[place]];
        let last = self.list.len() - 1;
        self.removal.resize(self.list.len(), 0.0);
        self.removal[last] = discount(last) * relevance(last);
        for place in (0..last).rev() {
            let moved = discount(place) * (relevance(place) - relevance(place + 1));
            self.removal[place] = moved + self.removal[place + 1];
        }
    }

    /// The exchange that brings most for what it costs, among those that bring anything and cost no more
    /// than `left`; of equals, the one that changes the last place, and the better candidate.
    fn best(
        &self,
        candidates: &Candidates<'_>,
        (left, least): (f32, f32),
        params: &VarietyParams,
    ) -> Option<Exchange> {
        let limit = self.list.len();
        let pairs = (limit - 1) as f32;
        let weight = params.rarity_weight;
        let own =
            |candidate: usize| self.sums[candidate] / pairs + weight * candidates.rarity[candidate];
        let mut best: Option<Exchange> = None;
        for place in (0..limit).rev() {
            let goes = own(self.list[place]);
            for candidate in (0..self.is_listed.len()).filter(|one| !self.is_listed[*one]) {
                // What comes takes the last place: in between there is nothing that is worse.
                let placed = discount(limit - 1) * candidates.relevance[candidate];
                let cost = self.removal[place] - placed;
                if cost > left {
                    continue;
                }
                let comes = own(candidate) - self.distances[candidate * limit + place] / pairs;
                let nearer = candidates
                    .mix
                    .map_or(0.0, |mix| self.nearer(&mix, (self.list[place], candidate)));
                let brings = comes - goes + params.mix_weight * nearer;
                let worth = brings / cost.max(least);
                if worth > best.map_or(0.0, |best| best.worth) {
                    best = Some(Exchange { place, candidate, worth });
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
