//! A made-up shop that is searched, mostly for what nobody searched for before: whether what clicks after other queries
//! taught helps these can be held against the truth.
//!
//! For tests and `cargo bench -p souk-recommend --bench impressions -- search`; nothing that serves uses it.

use super::signals::{Signal, SignalRow, around, count, share};
use super::simulated::{Looks, clicked, moment, numbers};
use super::{ImpressionOrder, ShownList};
use crate::evaluate::metrics::{discount, mean};

/// Products of the shop, hits of a page, and different queries: as good as each is asked once.
const PRODUCTS: usize = 2_000;
const PLACES: usize = 24;
const QUERIES: u64 = 1 << 40;
/// Of the hits of a query, up to so many lack a word.
const LACKING_MAX: usize = 8;
/// How long products are offered, in days.
const OFFERED_DAYS: f64 = 720.0;

/// What searchers go by, beside how well a hit fits their words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cares {
    /// Low prices and good ratings.
    PriceAndRating,
    /// What is new.
    Freshness,
    /// The words alone, as stages do.
    Words,
    /// Nothing: every hit is clicked alike, by its place.
    Nothing,
}

/// What a made-up shop is like.
#[derive(Clone, Copy, Debug)]
pub struct SearchShopParams {
    /// What searchers go by.
    pub cares: Cares,
    /// How far places are looked at.
    pub looks: Looks,
}

#[derive(Clone, Copy, Debug)]
struct Product {
    price: f64,
    rating: f64,
    age_days: f64,
    popularity: f64,
}

/// A hit: which, how well it really fits the words, and what is known of it.
type Hit = (Product, f64, SignalRow);

/// A made-up shop.
#[derive(Clone, Debug)]
pub struct SearchShop {
    params: SearchShopParams,
    products: Vec<Product>,
    seed: u64,
}

impl SearchShop {
    /// A shop of this seed.
    pub fn new(params: SearchShopParams, seed: u64) -> SearchShop {
        let mut random = numbers(seed);
        let product = |_| Product {
            price: random.normal(),
            rating: random.normal(),
            age_days: OFFERED_DAYS * random.unit64(),
            popularity: random.unit64(),
        };
        let products = (0..PRODUCTS).map(product).collect();
        SearchShop { params, products, seed }
    }

    /// How likely who looks at a hit opens it.
    fn chance(&self, product: Product, fit: f64) -> f64 {
        let of_product = match self.params.cares {
            Cares::PriceAndRating => 1.2 * product.rating - 1.2 * product.price,
            Cares::Freshness => 2.5 - 8.0 * product.age_days / OFFERED_DAYS,
            Cares::Words => 0.0,
            Cares::Nothing => return 0.15,
        };
        1.0 / (1.0 + (2.5 - fit - of_product).exp())
    }

    /// The first hits of a query in the order of stages, always the same.
    fn hits(&self, query: u64) -> Vec<Hit> {
        let mut random = numbers(self.seed ^ query.rotate_left(20));
        let n_whole = PLACES - random.below(LACKING_MAX + 1);
        let n_words = 1 + random.below(4);
        let mut hits: Vec<(usize, f64, Product, f64)> = (0..PLACES)
            .map(|number| {
                let product = self.products[random.below(PRODUCTS)];
                let n_missing = 2 * usize::from(number >= n_whole);
                let fit = random.normal() - n_missing as f64;
                // Words tell somewhat of what fits, and what is sold is lifted.
                let score = (0.3 * (fit + random.normal()) + 0.3 * product.popularity).exp();
                (n_missing, score, product, fit)
            })
            .collect();
        hits.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        let best = hits.iter().map(|hit| hit.1).fold(0.0, f64::max);
        let mut prices: Vec<f64> = hits.iter().map(|hit| hit.2.price).collect();
        prices.sort_unstable_by(f64::total_cmp);
        let row =
            |(rank, (n_missing, score, product, fit)): (usize, (usize, f64, Product, f64))| {
                let mut row = SignalRow::default();
                row.set_rank(rank);
                row.set_missing(n_missing);
                row.set(Signal::ScoreToBest, share(score / best));
                row.set(Signal::TextToBest, share(score / best / (1.0 + product.popularity)));
                row.set(Signal::Popularity, share(product.popularity));
                row.set(Signal::PriceToHits, around(product.price - prices[PLACES / 2], 3.0));
                row.set(Signal::RatingToHits, share((product.rating + 3.0) / 6.0));
                row.set(Signal::Age, count(product.age_days));
                row.set(Signal::QueryWords, count(n_words as f64));
                row.set(Signal::Hits, count((query % 997) as f64));
                row.set(Signal::Stock, count(100.0 * random.unit64()));
                (product, fit, row)
            };
        hits.into_iter().enumerate().map(row).collect()
    }

    /// What `people` made of three searches each, whose hits stood as stages gave them.
    pub fn shown(&self, people: u64) -> Vec<ShownList> {
        let mut random = numbers(self.seed ^ 0x7365_656b);
        let mut lists = Vec::new();
        for person in 0..people {
            for _ in 0..3 {
                let time = moment(&mut random);
                let hits = self.hits(random.bits() % QUERIES).into_iter();
                let hits = hits.map(|(product, fit, row)| (self.chance(product, fit), row));
                let products = clicked(hits, (self.params.looks, &mut random));
                lists.push(ShownList { person, time, is_seen: false, products });
            }
        }
        lists
    }

    /// NDCG@10 of queries that nobody asked before, whose gains are the chances that a hit is opened where it is looked at: in
    /// the order of stages, in a learned one, and in the best one that leaves what lacks words behind.
    pub fn ndcg(&self, learned: &ImpressionOrder) -> [f64; 3] {
        const ASKED: u64 = 1_000;
        let of_query = |number: u64| -> [f64; 3] {
            let hits = self.hits(QUERIES + number);
            let chance = |idx: usize| self.chance(hits[idx].0, hits[idx].1);
            let dcg = |order: &[usize]| -> f64 {
                let first = order.iter().take(10).enumerate();
                first.map(|(at, idx)| chance(*idx) * discount(at)).sum()
            };
            let rows: Vec<SignalRow> = hits.iter().map(|hit| hit.2).collect();
            let usual: Vec<usize> = (0..rows.len()).collect();
            let (mut ideal, mut best) = (usual.clone(), usual.clone());
            ideal.sort_by(|a, b| chance(*b).total_cmp(&chance(*a)));
            best.sort_by(|a, b| {
                rows[*a].tier().cmp(&rows[*b].tier()).then(chance(*b).total_cmp(&chance(*a)))
            });
            let most = dcg(&ideal).max(f64::MIN_POSITIVE);
            [usual, learned.order(&rows), best].map(|order| dcg(&order) / most)
        };
        let all: Vec<[f64; 3]> = (0..ASKED).map(of_query).collect();
        std::array::from_fn(|of| mean(&all.iter().map(|figures| figures[of]).collect::<Vec<_>>()))
    }
}
