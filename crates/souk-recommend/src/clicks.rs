//! What clicks say of products that were found, freed of where they stood.
//!
//! What stands first is looked at most and so is clicked most, whatever it is. A click is taken as in the
//! position-based model: somebody looks at the place, and what stands there pleases. Dividing clicks by looks
//! in place of showings takes the place out again, as weighting each click by the inverse of its place's
//! examination does, with less variance where places are looked at seldom. How far each place is looked at is
//! assumed, and learned from products that stood in several places: the same product, clicked less further
//! down, tells of the place.
//!
//! Sources: position-based model and inverse weights: Joachims, Swaminathan and Schnabel, "Unbiased
//! learning-to-rank with biased feedback", WSDM 2017; examination from the same product in several places: Agarwal
//! et al., "Estimating position bias without intrusive interventions", WSDM 2019, here by alternating maximum
//! likelihood as in Wang et al., "Position bias estimation for unbiased learning to rank in personal search", WSDM
//! 2018; clicks over expected clicks: Zhang and Jones, "Comparing click logs and editorial labels", WWW 2007, with a
//! Gamma prior as in Efron and Morris, *JASA* 70, 1975;
//! reading clicks as preferences at all: Radlinski and Joachims, KDD 2005. *Not* here: who may be learned from, and
//! what a score is made of.

use rustc_hash::FxHashMap;

use crate::Item;

pub mod simulated;
#[cfg(test)]
mod tests;

/// Places that are told apart; what stands further down is looked at as the last one is.
pub const PLACES: usize = 20;
/// Places in which examination halves, where nothing else is known (chosen: between eye-tracking of result
/// pages, which halves it in two to three places, and lists of products, which are scanned further).
const HALVED_EACH: f64 = 3.0;
/// No place counts as looked at less. Chosen, as inverse weights are cut everywhere: a click by chance far
/// down would otherwise count a hundredfold.
const EXAMINED_MIN: f64 = 0.1;
/// Expected clicks that the assumed examination of a place counts as beside what was seen (chosen: a place
/// needs some hundred clicks to speak against it).
const ASSUMED_CLICKS: f64 = 100.0;
/// Rounds of the alternation; it moves by less than a hundredth after some twenty.
const ROUNDS: usize = 40;

/// How often one product stood in one place of a query's answers, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// Which query, by a number of the caller's.
    pub query: u32,
    /// Which product.
    pub item: Item,
    /// The place, from 0.
    pub place: u8,
    /// How often it stood there.
    pub shown: f64,
    /// How often it was clicked there.
    pub clicks: f64,
    /// What that was worth: a click 1, what followed it more.
    pub worth: f64,
}

/// How far each place is looked at, the first one always.
#[derive(Clone, Debug, PartialEq)]
pub struct Examination([f64; PLACES]);

impl Default for Examination {
    fn default() -> Examination {
        Examination::assumed()
    }
}

impl Examination {
    /// What is assumed where nothing was seen: half after every three places.
    pub fn assumed() -> Examination {
        Examination(std::array::from_fn(|place| (-(place as f64) / HALVED_EACH).exp2()))
    }

    /// The share of those who were shown a place, from 0, who looked at it; never less than a tenth.
    pub fn at(&self, place: u8) -> f64 {
        self.0[usize::from(place).min(PLACES - 1)].max(EXAMINED_MIN)
    }

    /// What products that stood in several places say, drawn to what is assumed, and falling from place to place.
    pub fn estimated(shown: &[Shown]) -> Examination {
        let mut places: FxHashMap<(u32, Item), (u32, u32)> = FxHashMap::default();
        let mut pairs: Vec<(u32, &Shown)> = Vec::with_capacity(shown.len());
        for one in shown.iter().filter(|one| one.shown > 0.0) {
            let number = places.len() as u32;
            let known = places.entry((one.query, one.item)).or_insert((number, 0));
            known.1 |= 1 << usize::from(one.place).min(PLACES - 1);
            pairs.push((known.0, one));
        }
        // What stood in one place alone says nothing of it: that it was clicked seldom may be its own fault.
        let mut moved = vec![false; places.len()];
        places.values().for_each(|(number, seen)| moved[*number as usize] = seen.count_ones() > 1);
        pairs.retain(|(number, _)| moved[*number as usize]);
        let Examination(assumed) = Examination::assumed();
        if pairs.is_empty() {
            return Examination(assumed);
        }
        let mut of_place = assumed;
        let mut clicks = vec![0.0; moved.len()];
        pairs.iter().for_each(|(number, one)| clicks[*number as usize] += one.clicks);
        for _ in 0..ROUNDS {
            let mut looks = vec![0.0; moved.len()];
            for (number, one) in &pairs {
                looks[*number as usize] += one.shown * of_place[place_of(one)];
            }
            let mut sums = [(0.0, 0.0); PLACES];
            for (number, one) in &pairs {
                let number = *number as usize;
                let (seen, expected) = &mut sums[place_of(one)];
                *seen += one.clicks;
                *expected += one.shown * clicks[number] / looks[number];
            }
            let drawn = |place: usize| {
                let (seen, expected) = sums[place];
                (seen + ASSUMED_CLICKS * assumed[place]) / (expected + ASSUMED_CLICKS)
            };
            let weights = std::array::from_fn(|place| sums[place].1 + ASSUMED_CLICKS);
            of_place = falling(std::array::from_fn(drawn), weights);
            let first = of_place[0];
            of_place.iter_mut().for_each(|place| *place /= first);
        }
        Examination(of_place)
    }
}

fn place_of(one: &Shown) -> usize {
    usize::from(one.place).min(PLACES - 1)
}

/// The nearest values, by weighted squares, that do not rise: pools neighbours that do (Ayer et al., *Annals of
/// Mathematical Statistics* 26, 1955).
fn falling(values: [f64; PLACES], weights: [f64; PLACES]) -> [f64; PLACES] {
    let mut pools: Vec<(f64, f64, usize)> = Vec::with_capacity(PLACES);
    for (value, weight) in values.into_iter().zip(weights) {
        let mut pool = (value, weight, 1);
        while let Some(before) = pools.pop_if(|before| before.0 < pool.0) {
            let weight = before.1 + pool.1;
            let mean = (before.0 * before.1 + pool.0 * pool.1) / weight;
            pool = (mean, weight, before.2 + pool.2);
        }
        pools.push(pool);
    }
    let mut fallen = pools.into_iter().flat_map(|(value, _, n)| std::iter::repeat_n(value, n));
    std::array::from_fn(|_| fallen.next().unwrap_or_default())
}

/// How clicks become a factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClickParams {
    /// Expected clicks that each product is drawn to its query's mean by. In clicks and not in looks, so that one click
    /// weighs the same where much is clicked and where little is.
    pub clicks: f64,
    /// Clicks that a query's mean is drawn to that of all queries by.
    pub clicks_of_query: f64,
    /// The power of what a product is worth beside the query's mean.
    pub power: f64,
    /// The factor lies between this and its inverse.
    pub factor_max: f64,
}

impl Default for ClickParams {
    /// Power and bounds chosen on the simulated shops of seeds 1 to 5 (`cargo bench -p souk-recommend --bench clicks
    /// -- tune`). They like one or two clicks a little better than five (NDCG .778 against .765), with which no
    /// single click makes a fifth of a difference.
    fn default() -> ClickParams {
        ClickParams { clicks: 5.0, clicks_of_query: 10.0, power: 1.0, factor_max: 3.0 }
    }
}

/// What clicks say of one product for one query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Liked {
    /// Which query.
    pub query: u32,
    /// Which product.
    pub item: Item,
    /// How often it was looked at.
    pub looks: f64,
    /// How often it was clicked.
    pub clicks: f64,
    /// By what its score is multiplied: above 1 where it is taken up more often than others of the query in
    /// the same place.
    pub factor: f64,
}

/// What clicks say, by query and product in ascending order.
pub fn liked(shown: &[Shown], examination: &Examination, params: &ClickParams) -> Vec<Liked> {
    #[derive(Clone, Copy, Default)]
    struct Sums {
        looks: f64,
        clicks: f64,
        worth: f64,
    }
    let mut pairs: FxHashMap<(u32, Item), Sums> = FxHashMap::default();
    let mut queries: FxHashMap<u32, Sums> = FxHashMap::default();
    let mut all = Sums::default();
    for one in shown {
        let looks = one.shown * examination.at(one.place);
        let pair = pairs.entry((one.query, one.item)).or_default();
        for sums in [pair, queries.entry(one.query).or_default(), &mut all] {
            sums.looks += looks;
            sums.clicks += one.clicks;
            sums.worth += one.worth;
        }
    }
    if all.worth <= 0.0 || all.looks <= 0.0 {
        return Vec::new();
    }
    let mean_of_all = all.worth / all.looks;
    let of = |((query, item), sums): ((u32, Item), Sums)| {
        let of_query = queries[&query];
        let mean = (of_query.worth + params.clicks_of_query)
            / (of_query.looks + params.clicks_of_query / mean_of_all);
        let expected = sums.looks * mean;
        let factor = ((sums.worth + params.clicks) / (expected + params.clicks)).powf(params.power);
        let factor = factor.clamp(1.0 / params.factor_max, params.factor_max);
        Liked { query, item, looks: sums.looks, clicks: sums.clicks, factor }
    };
    let mut liked: Vec<Liked> = pairs.into_iter().map(of).collect();
    liked.sort_by_key(|one| (one.query, one.item));
    liked
}

/// By what the scores of a query's products that were never shown are multiplied, given all that were: what the middle
/// one of those has, by looks, and 1 at most.
///
/// A query's mean is that of what shoppers were shown, and where one product gets all clicks, all others are far
/// below it. That says nothing for what nobody saw: it would come before products that fit better, for not having been
/// looked at. Of the middle one, one product in front is no part, whatever it gets.
pub fn unshown(of_query: &[Liked]) -> f64 {
    let mut sorted: Vec<(f64, f64)> =
        of_query.iter().map(|one| (one.factor, one.looks)).filter(|one| one.1 > 0.0).collect();
    sorted.sort_by(|left, right| left.0.total_cmp(&right.0));
    let half = sorted.iter().map(|(_, looks)| looks).sum::<f64>() / 2.0;
    let mut looks = 0.0;
    let middle = sorted.iter().find(|(_, own)| {
        looks += own;
        looks >= half
    });
    middle.map_or(1.0, |(factor, _)| factor.min(1.0))
}
