//! A made-up shop whose products' worth for each query is known, with shoppers who click: what is learned from
//! clicks can be held against it.
//!
//! Shoppers go down a list and end after each place with the same chance, so that half of them are left after
//! every three; what they look at they click the more likely the better it fits, and after a click three in
//! ten end. One in ten clicks anywhere. The cascade with ends: Craswell et al., "An experimental comparison of click
//! position-bias models", WSDM 2008; Guo et al., "Efficient multiple-click models in web search", WSDM 2009.

use rustc_hash::FxHashMap;
use souk_math::Random;

use super::{ClickParams, Examination, PLACES, Shown, liked, unshown};
use crate::Item;
use crate::evaluate::metrics::{discount, mean};

/// How likely a click is of what is looked at, by how well it fits, from 0 (chosen: even what does not fit is
/// clicked at times, and what fits is not always).
const CLICKED: [f64; 4] = [0.03, 0.15, 0.4, 0.7];
/// How many of a query's products fit that well (chosen: most do not).
const FITTING: [f64; 4] = [0.6, 0.2, 0.13, 0.07];
/// So many keep what fits where hardly anybody looks, so that it is clicked in a smaller share of its showings than
/// they are.
const PLANTED: usize = 8;
const STOPS_AFTER_CLICK: f64 = 0.3;
const AT_RANDOM: f64 = 0.1;
/// Clicks after which the lists are made anew, as a shop counts now and then.
const CLICKS_EACH: usize = 1_000;
/// Places that NDCG counts.
const NDCG_PLACES: usize = 10;

/// Which estimate makes the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimator {
    /// Clicks by looks, places as assumed.
    Assumed,
    /// Clicks by looks, places as learned.
    Learned,
    /// Clicks by showings: what falls prey to places.
    Naive,
}

/// What a made-up shop is like.
#[derive(Clone, Copy, Debug)]
pub struct ShopParams {
    /// Queries; the first is asked for most.
    pub n_queries: usize,
    /// Products that the words of each query find.
    pub n_found: usize,
    /// Standard deviation of the text's score beside how well a product fits, as logarithm: the greater, the less
    /// words know.
    pub noise: f64,
    /// Whether products that hardly fit have the best text scores.
    pub trap: Trap,
}

/// Whether products that hardly fit are planted in the first places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// None are.
    Absent,
    /// Eight for each query.
    Planted,
}

impl Default for ShopParams {
    fn default() -> ShopParams {
        ShopParams { n_queries: 100, n_found: 40, noise: 0.5, trap: Trap::Absent }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learned {
    /// Mean NDCG in ten places of the text alone.
    pub text: f64,
    /// The same after learning.
    pub learned: f64,
    /// The share of queries in which a planted product is first after learning; without a trap it says nothing.
    pub trapped: f64,
}

/// A made-up shop.
#[derive(Clone, Debug)]
pub struct ClickShop {
    /// Of each query the products: how well each fits, and its text score.
    queries: Vec<Vec<(usize, f64)>>,
    /// How often each query is asked for, added up.
    asked: Vec<f64>,
    random: Random,
}

impl ClickShop {
    /// A shop of this seed.
    pub fn new(params: &ShopParams, seed: u64) -> ClickShop {
        let mut random = Random::new(seed);
        let mut product = || {
            let mut left = random.unit64();
            let grade = FITTING.iter().position(|share| {
                left -= share;
                left < 0.0
            });
            let grade = grade.unwrap_or(0);
            (grade, (0.25 * grade as f64 + params.noise * random.normal()).exp())
        };
        let mut queries: Vec<Vec<(usize, f64)>> = (0..params.n_queries)
            .map(|_| (0..params.n_found).map(|_| product()).collect())
            .collect();
        if params.trap == Trap::Planted {
            for products in &mut queries {
                let best = products.iter().map(|(_, score)| *score).fold(0.0, f64::max);
                for (idx, one) in products.iter_mut().take(PLANTED).enumerate() {
                    *one = (1, (1.1 + 0.02 * idx as f64) * best);
                }
            }
        }
        let mut sum = 0.0;
        let asked = (0..params.n_queries).map(|idx| {
            sum += 1.0 / (idx as f64 + 1.0).sqrt();
            sum
        });
        ClickShop { queries, asked: asked.collect(), random: Random::new(seed ^ 0x5eed) }
    }

    /// Lets shoppers click until there are so many clicks, the lists being made anew now and then.
    pub fn learn(mut self, n_clicks: usize, (by, params): (Estimator, &ClickParams)) -> Learned {
        let mut lists: Vec<Vec<usize>> =
            (0..self.queries.len()).map(|query| self.ranked(query, &|_| 1.0)).collect();
        let text = self.ndcg(&lists);
        let mut seen: FxHashMap<(u32, Item, u8), (f64, f64)> = FxHashMap::default();
        let (mut clicks, mut due) = (0, CLICKS_EACH);
        while clicks < n_clicks {
            clicks += self.visit(&lists, &mut seen);
            if clicks >= due {
                due += CLICKS_EACH;
                lists = self.relisted(&seen, (by, params));
            }
        }
        let lists = self.relisted(&seen, (by, params));
        let trapped =
            lists.iter().filter(|list| list[0] < PLANTED).count() as f64 / lists.len() as f64;
        Learned { text, learned: self.ndcg(&lists), trapped }
    }

    fn relisted(
        &self,
        seen: &FxHashMap<(u32, Item, u8), (f64, f64)>,
        (by, params): (Estimator, &ClickParams),
    ) -> Vec<Vec<usize>> {
        let shown = seen.iter().map(|(&(query, item, place), &(shown, clicks))| Shown {
            query,
            item,
            place: if by == Estimator::Naive { 0 } else { place },
            shown,
            clicks,
            worth: clicks,
        });
        let mut shown: Vec<Shown> = shown.collect();
        // Sums of floats come out the same whatever the order of the map.
        shown.sort_by_key(|one| (one.query, one.item, one.place));
        let examination = match by {
            Estimator::Learned => Examination::estimated(&shown),
            _ => Examination::assumed(),
        };
        let mut factors: FxHashMap<(u32, Item), f64> = FxHashMap::default();
        let mut of_others: FxHashMap<u32, f64> = FxHashMap::default();
        let liked = liked(&shown, &examination, params);
        for of_query in liked.chunk_by(|left, right| left.query == right.query) {
            of_others.insert(of_query[0].query, unshown(of_query));
            factors.extend(of_query.iter().map(|one| ((one.query, one.item), one.factor)));
        }
        let factor_of = |query: usize, product: usize| {
            let query = query as u32;
            let own = factors.get(&(query, Item(product as u32))).or(of_others.get(&query));
            own.copied().unwrap_or(1.0)
        };
        let queries = 0..self.queries.len();
        queries.map(|query| self.ranked(query, &|product| factor_of(query, product))).collect()
    }

    fn ranked(&self, query: usize, factor: &dyn Fn(usize) -> f64) -> Vec<usize> {
        let products = &self.queries[query];
        let score = |product: &usize| products[*product].1 * factor(*product);
        let mut list: Vec<usize> = (0..products.len()).collect();
        list.sort_by(|a, b| score(b).total_cmp(&score(a)));
        list
    }

    /// One shopper; says how many clicks there were.
    fn visit(
        &mut self,
        lists: &[Vec<usize>],
        seen: &mut FxHashMap<(u32, Item, u8), (f64, f64)>,
    ) -> usize {
        let point = self.random.unit64() * self.asked.last().copied().unwrap_or_default();
        let query = self.asked.partition_point(|sum| *sum <= point).min(lists.len() - 1);
        let list = &lists[query][..PLACES.min(lists[query].len())];
        let mut clicked = vec![false; list.len()];
        if self.random.unit64() < AT_RANDOM {
            clicked[self.random.below(list.len())] = true;
        } else {
            let goes_on = (-1.0_f64 / 3.0).exp2();
            for (place, product) in list.iter().enumerate() {
                let (grade, _) = self.queries[query][*product];
                clicked[place] = self.random.unit64() < CLICKED[grade];
                let ends = clicked[place] && self.random.unit64() < STOPS_AFTER_CLICK;
                if ends || self.random.unit64() >= goes_on {
                    break;
                }
            }
        }
        for (place, (product, is_clicked)) in list.iter().zip(&clicked).enumerate() {
            let key = (query as u32, Item(*product as u32), place as u8);
            let (shown, clicks) = seen.entry(key).or_default();
            *shown += 1.0;
            *clicks += f64::from(u8::from(*is_clicked));
        }
        clicked.iter().filter(|is_clicked| **is_clicked).count()
    }

    /// Mean NDCG of lists, gains 2^fit - 1.
    fn ndcg(&self, lists: &[Vec<usize>]) -> f64 {
        let gain = |grade: usize| f64::from((1u32 << grade) - 1);
        let dcg = |grades: &mut dyn Iterator<Item = usize>| -> f64 {
            let places = grades.take(NDCG_PLACES).enumerate();
            places.map(|(place, grade)| gain(grade) * discount(place)).sum()
        };
        let of_query = |(products, list): (&Vec<(usize, f64)>, &Vec<usize>)| {
            let mut best: Vec<usize> = products.iter().map(|(grade, _)| *grade).collect();
            best.sort_unstable_by(|a, b| b.cmp(a));
            let ideal = dcg(&mut best.into_iter());
            let own = dcg(&mut list.iter().map(|product| products[*product].0));
            if ideal > 0.0 { own / ideal } else { 1.0 }
        };
        mean(&self.queries.iter().zip(lists).map(of_query).collect::<Vec<f64>>())
    }
}
