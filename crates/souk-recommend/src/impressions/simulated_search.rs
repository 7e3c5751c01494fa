//! A made-up shop that is searched: whether what clicks taught helps queries that nobody asked before, of products that were
//! met before and of others, can be held against the truth.
//!
//! For tests and `cargo run --release -p souk-recommend --example search_order`; nothing that serves uses it.

use rustc_hash::FxHashSet;
use souk_math::Random;

use super::signals::{Signal, SignalRow, around, chance, count, share};
use super::simulated::{Looks, clicked, moment, numbers};
use super::{ImpressionOrder, ShownList};
use crate::evaluate::metrics::{discount, mean};

/// Products that the shop's searches find, and those that none found yet.
const MET: usize = 2_000;
const UNMET: usize = 500;
/// Hits of a page.
const PLACES: usize = 24;
/// Half of all searches ask one of a few queries; as good as each of the others is asked once.
const USUAL_QUERIES: usize = 100;
const QUERIES: u64 = 1 << 40;
/// Of the hits of a query, up to so many lack a word.
const LACKING_MAX: usize = 8;
const DAY_MS: f64 = 86_400_000.0;
/// How long products are offered, in days.
const OFFERED_DAYS: f64 = 720.0;
/// The chance of a click where nothing is known, and how many looks it counts as.
const ANY: (f64, f64) = (0.03, 20.0);

/// What searchers go by, beside how well a hit fits their words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cares {
    /// Low prices.
    Price,
    /// Good ratings.
    Rating,
    /// What is new.
    Freshness,
    /// The words alone, as stages do.
    Words,
    /// Nothing: every hit is clicked alike, by its place.
    Nothing,
}

/// Which products a query finds that nobody asked before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finds {
    /// Those that other queries found too.
    Met,
    /// Products that nobody was shown before.
    Unmet,
    /// As many of these as of those.
    Both,
}

impl Finds {
    fn product(self, random: &mut Random) -> usize {
        match self {
            Finds::Met => random.below(MET),
            Finds::Unmet => MET + random.below(UNMET),
            Finds::Both if random.below(2) == 0 => random.below(MET),
            Finds::Both => MET + random.below(UNMET),
        }
    }
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

/// What came of showing a product until now.
#[derive(Clone, Debug, Default)]
struct Demand {
    /// How often it was probably looked at.
    looks: f64,
    /// When it was clicked, in Unix milliseconds.
    clicks: Vec<i64>,
}

impl Demand {
    fn tell(&self, now: i64, row: &mut SignalRow) {
        let (chance_of_any, looks_of_any) = ANY;
        let rate = |clicks: f64| {
            chance(
                (clicks + chance_of_any * looks_of_any) / (self.looks.max(clicks) + looks_of_any),
            )
        };
        row.set(Signal::ClickRate, rate(self.clicks.len() as f64));
        row.set(Signal::Looks, count(self.looks));
        let days_since = |at: &i64| (now - at) as f64 / DAY_MS;
        let within =
            |days: f64| count(self.clicks.iter().filter(|at| days_since(at) < days).count() as f64);
        row.set(Signal::VisitsOfDay, within(1.0));
        row.set(Signal::VisitsOfWeek, within(7.0));
        row.set(Signal::VisitAge, self.clicks.last().map_or(0, |at| count(days_since(at))));
    }
}

/// A hit: the number of the product, how well it really fits the words, and what is known of it beside its demand.
type Hit = (usize, f64, SignalRow);

/// A made-up shop.
#[derive(Clone, Debug)]
pub struct SearchShop {
    params: SearchShopParams,
    products: Vec<Product>,
    demand: Vec<Demand>,
    now: i64,
    seed: u64,
}

impl SearchShop {
    /// A shop of this seed, where nobody searched yet.
    pub fn new(params: SearchShopParams, seed: u64) -> SearchShop {
        let mut random = numbers(seed);
        let product = |number| Product {
            price: random.normal(),
            rating: random.normal(),
            age_days: OFFERED_DAYS * random.unit64(),
            popularity: if number < MET { random.unit64() } else { 0.0 },
        };
        let products: Vec<Product> = (0..MET + UNMET).map(product).collect();
        let demand = vec![Demand::default(); products.len()];
        SearchShop { params, products, demand, now: 0, seed }
    }

    /// How likely who looks at a hit opens it.
    fn chance(&self, product: usize, fit: f64) -> f64 {
        let Product { price, rating, age_days, .. } = self.products[product];
        let of_product = match self.params.cares {
            Cares::Price => -1.7 * price,
            Cares::Rating => 1.7 * rating,
            Cares::Freshness => 2.5 - 8.0 * age_days / OFFERED_DAYS,
            Cares::Words => 0.0,
            Cares::Nothing => return 0.15,
        };
        1.0 / (1.0 + (2.5 - fit - of_product).exp())
    }

    /// The first hits of a query in the order of stages, always the same.
    fn hits(&self, query: u64, finds: Finds) -> Vec<Hit> {
        let mut random = numbers(self.seed ^ query.rotate_left(20));
        let n_whole = PLACES - random.below(LACKING_MAX + 1);
        let n_words = 1 + random.below(4);
        let mut found: FxHashSet<usize> = FxHashSet::default();
        let mut hits: Vec<(usize, f64, usize, f64)> = (0..PLACES)
            .map(|place| {
                let product = loop {
                    let product = finds.product(&mut random);
                    if found.insert(product) {
                        break product;
                    }
                };
                let n_missing = 2 * usize::from(place >= n_whole);
                let fit = random.normal() - n_missing as f64;
                // Words tell somewhat of what fits, and what is sold is lifted.
                let popularity = self.products[product].popularity;
                let score = (0.3 * (fit + random.normal()) + 0.3 * popularity).exp();
                (n_missing, score, product, fit)
            })
            .collect();
        hits.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        let best = hits.iter().map(|hit| hit.1).fold(0.0, f64::max);
        let mut prices: Vec<f64> = hits.iter().map(|hit| self.products[hit.2].price).collect();
        prices.sort_unstable_by(f64::total_cmp);
        let row = |(rank, (n_missing, score, number, fit)): (usize, (usize, f64, usize, f64))| {
            let Product { price, rating, age_days, popularity } = self.products[number];
            let mut row = SignalRow::default();
            row.set_rank(rank);
            row.set_missing(n_missing);
            row.set(Signal::ScoreToBest, share(score / best));
            row.set(Signal::TextToBest, share(score / best / (1.0 + popularity)));
            row.set(Signal::Popularity, share(popularity));
            row.set(Signal::PriceToHits, around(price - prices[PLACES / 2], 3.0));
            row.set(Signal::RatingToHits, share((rating + 3.0) / 6.0));
            row.set(Signal::Age, count(age_days));
            row.set(Signal::QueryWords, count(n_words as f64));
            row.set(Signal::Hits, count((query % 997) as f64));
            row.set(Signal::Stock, count(100.0 * random.unit64()));
            (number, fit, row)
        };
        hits.into_iter().enumerate().map(row).collect()
    }

    /// Adds what is known of the demand for hits at a moment.
    fn with_demand(&self, mut hits: Vec<Hit>, now: i64) -> Vec<Hit> {
        hits.iter_mut().for_each(|(number, _, row)| self.demand[*number].tell(now, row));
        hits
    }

    /// What `people` made of three searches each, whose hits stood as stages gave them. What is told of their demand is what
    /// was known when they were shown.
    pub fn shown(&mut self, people: u64) -> Vec<ShownList> {
        let mut random = numbers(self.seed ^ 0x7365_656b);
        let persons = (0..people).flat_map(|person| [person; 3]);
        let mut searches: Vec<(i64, u64)> =
            persons.map(|person| (moment(&mut random), person)).collect();
        searches.sort_unstable();
        searches
            .into_iter()
            .map(|(time, person)| self.search((time, person), &mut random))
            .collect()
    }

    fn search(&mut self, (time, person): (i64, u64), random: &mut Random) -> ShownList {
        let query = match random.below(2) {
            0 => random.below(USUAL_QUERIES) as u64,
            _ => USUAL_QUERIES as u64 + random.bits() % QUERIES,
        };
        let hits = self.with_demand(self.hits(query, Finds::Met), time);
        let chances = hits.iter().map(|(number, fit, row)| (self.chance(*number, *fit), *row));
        let products = clicked(chances, (self.params.looks, random));
        for (place, ((number, ..), shown)) in hits.iter().zip(&products).enumerate() {
            let demand = &mut self.demand[*number];
            demand.looks += Looks::Halved { each: 3.0 }.at(place);
            demand.clicks.extend((shown.worth > 0.0).then_some(time));
        }
        self.now = time;
        ShownList { person, time, is_seen: false, products }
    }

    /// NDCG@10 of queries that nobody asked before, whose gains are the chances that a hit is opened where it is looked at: in
    /// the order of stages, in a learned one, and in the best one that leaves what lacks words behind.
    pub fn ndcg(&self, learned: &ImpressionOrder, finds: Finds) -> [f64; 3] {
        const ASKED: u64 = 1_000;
        let of_query = |number: u64| -> [f64; 3] {
            let hits = self.hits(2 * QUERIES + number, finds);
            let hits = self.with_demand(hits, self.now);
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
