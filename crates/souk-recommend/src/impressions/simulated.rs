//! A made-up shop whose shoppers' wishes are known, with lists that are clicked the less the further down: what is learned
//! from its lists can be held against the truth.
//!
//! For tests and `cargo bench -p souk-recommend --bench impressions`; nothing that serves uses it.

use souk_math::Random;

use super::signals::{Signal, SignalRow, around, count, share};
use super::{ImpressionOrder, ShownList, ShownProduct};

/// Products of the shop, candidates of a list, and its places.
const PRODUCTS: usize = 400;
const PLACES: usize = 12;
/// Of the last places of a list, up to so many only fill it up, with any products.
const FILLERS_MAX: usize = 5;
/// One in so many lists stands as sources gave it, where an order serves.
const AS_GIVEN_EACH: usize = 4;
/// Kinds of products; a shopper likes one.
const KINDS: usize = 5;
/// How long lists are shown: a month, in milliseconds.
const SHOWN_MS: f64 = 30.0 * 86_400_000.0;

/// What makes shoppers click what they look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wishes {
    /// How good a product is, whether it is of the liked kind, and how near its price is to the usual one.
    Planted,
    /// As planted, but what was good is disliked now: an order that was learned before is stale.
    Turned,
    /// Nothing: every product is clicked alike.
    None,
}

/// How far each place of a list is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Looks {
    /// All places alike.
    Alike,
    /// After so many places half of the shoppers look on.
    Halved {
        /// How many places.
        each: f64,
    },
    /// The n-th place is looked at n to the power of minus this as much as the first.
    Power(f64),
    /// The fifth place most, as in the middle of a strip, and the others the less the further from it.
    Middle,
}

impl Looks {
    pub(super) fn at(self, place: usize) -> f64 {
        let place = place as f64;
        match self {
            Looks::Alike => 1.0,
            Looks::Halved { each } => (-place / each).exp2(),
            Looks::Power(power) => (place + 1.0).powf(-power),
            Looks::Middle => (-(place - 4.0).abs() / 2.0).exp2(),
        }
    }
}

/// Numbers for a part of a made-up shop.
pub(super) fn numbers(seed: u64) -> Random {
    Random::new(Random::new(seed).bits())
}

/// When a list is shown, in Unix milliseconds.
pub(super) fn moment(random: &mut Random) -> i64 {
    (random.unit64() * SHOWN_MS) as i64
}

/// What somebody makes of a list of products, each with the chance that it is clicked where it is looked at.
pub(super) fn clicked(
    products: impl Iterator<Item = (f64, SignalRow)>,
    (looks, random): (Looks, &mut Random),
) -> Vec<ShownProduct> {
    let clicked = |(place, (chance, row)): (usize, (f64, SignalRow))| {
        let is_clicked = random.unit64() < looks.at(place) * chance;
        ShownProduct { row, worth: if is_clicked { 1.0 } else { 0.0 } }
    };
    products.enumerate().map(clicked).collect()
}

/// What a made-up shop is like.
#[derive(Clone, Copy, Debug)]
pub struct ShopParams {
    /// What makes shoppers click.
    pub wishes: Wishes,
    /// How far places are looked at.
    pub looks: Looks,
    /// How far sources know what is good, from 0 for not at all.
    pub knowing: f64,
}

impl Default for ShopParams {
    /// Sources that know somewhat, and places that are looked at less from one to the next.
    fn default() -> ShopParams {
        let looks = Looks::Halved { each: 3.0 };
        ShopParams { wishes: Wishes::Planted, looks, knowing: 0.5 }
    }
}

/// A product: its quality, kind and price, each as far as shoppers care.
#[derive(Clone, Copy, Debug)]
struct Product {
    quality: f64,
    /// What counts say of the quality.
    rate: f64,
    kind: usize,
    price: f64,
}

#[derive(Clone, Copy, Debug)]
struct Shopper {
    kind: usize,
    price: f64,
}

/// A made-up shop.
#[derive(Clone, Debug)]
pub struct ImpressionShop {
    params: ShopParams,
    products: Vec<Product>,
    seed: u64,
}

impl ImpressionShop {
    /// A shop of this seed.
    pub fn new(params: ShopParams, seed: u64) -> ImpressionShop {
        let mut random = numbers(seed);
        let product = |_| {
            let quality = random.normal();
            let rate = quality + 0.5 * random.normal();
            Product { quality, rate, kind: random.below(KINDS), price: random.normal() }
        };
        let products = (0..PRODUCTS).map(product).collect();
        ImpressionShop { params, products, seed }
    }

    fn shopper(&self, person: u64) -> Shopper {
        let mut random = numbers(self.seed ^ person << 20);
        Shopper { kind: random.below(KINDS), price: random.normal() }
    }

    /// How likely a shopper clicks what they look at.
    fn chance(&self, shopper: Shopper, product: Product) -> f64 {
        let odds = match self.params.wishes {
            Wishes::None => -1.5,
            wishes => {
                let is_liked = if product.kind == shopper.kind { 1.0 } else { 0.0 };
                let apart = (product.price - shopper.price).abs();
                let turn = if wishes == Wishes::Turned { -1.0 } else { 1.0 };
                -1.8 + turn * product.quality + 1.2 * is_liked - 0.7 * apart
            }
        };
        1.0 / (1.0 + (-odds).exp())
    }

    /// A list of a shopper in the order of sources, with what is known of its products.
    fn list(&self, shopper: Shopper, random: &mut Random) -> Vec<(Product, SignalRow)> {
        let knowing = self.params.knowing;
        let mut scored: Vec<(f64, Product)> = (0..3 * PLACES)
            .map(|_| {
                let product = self.products[random.below(PRODUCTS)];
                (knowing * product.quality + random.normal(), product)
            })
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let n_found = PLACES - random.below(FILLERS_MAX + 1);
        scored.truncate(n_found);
        scored.resize_with(PLACES, || (0.0, self.products[random.below(PRODUCTS)]));
        let row = |(rank, (score, product)): (usize, (f64, Product))| {
            let mut row = SignalRow::default();
            row.set_rank(rank);
            row.set(Signal::IsFound, share(if rank < n_found { 1.0 } else { 0.0 }));
            row.set(Signal::Score, around(score, 4.0));
            row.set(Signal::ClickRate, around(product.rate, 4.0));
            let is_liked = if product.kind == shopper.kind { 0.6 } else { 0.1 };
            row.set(Signal::OwnKind, share(is_liked + 0.1 * random.normal()));
            row.set(Signal::PriceToHabit, around(product.price - shopper.price, 4.0));
            row.set(Signal::Stock, count(100.0 * random.unit64()));
            (product, row)
        };
        scored.into_iter().enumerate().map(row).collect()
    }

    /// What `people` made of three lists each, which stood as sources gave them.
    pub fn shown(&self, people: u64) -> Vec<ShownList> {
        self.shown_in(None, people)
    }

    /// The same where most lists stood in the order in service, if there is one.
    pub fn shown_in(&self, serving: Option<&ImpressionOrder>, people: u64) -> Vec<ShownList> {
        let mut random = numbers(self.seed ^ 0x6c69_7374);
        let mut lists = Vec::new();
        for person in 0..people {
            let shopper = self.shopper(person);
            for _ in 0..3 {
                let time = moment(&mut random);
                let given = self.list(shopper, &mut random);
                let serving = serving.filter(|_| random.below(AS_GIVEN_EACH) > 0);
                let rows: Vec<SignalRow> = given.iter().map(|(_, row)| *row).collect();
                let order =
                    serving.map_or_else(|| (0..PLACES).collect(), |serving| serving.order(&rows));
                let products = order.into_iter().map(|idx| {
                    let (product, row) = given[idx];
                    (self.chance(shopper, product), row)
                });
                let products = clicked(products, (self.params.looks, &mut random));
                lists.push(ShownList { person, time, is_seen: false, products });
            }
        }
        lists
    }

    /// Clicks on a list that is really looked at, the mean over people who were never shown one: in the order of sources, in a
    /// learned one, and in the best possible one.
    pub fn clicks(&self, learned: &ImpressionOrder) -> [f64; 3] {
        let mut random = numbers(self.seed ^ 0x6672_6573);
        let mut sums = [0.0; 3];
        const PEOPLE: u64 = 4_000;
        for person in 0..PEOPLE {
            let shopper = self.shopper(person + (1 << 32));
            let list = self.list(shopper, &mut random);
            let chances: Vec<f64> =
                list.iter().map(|(one, _)| self.chance(shopper, *one)).collect();
            let rows: Vec<SignalRow> = list.iter().map(|(_, row)| *row).collect();
            let mut best: Vec<usize> = (0..list.len()).collect();
            best.sort_by(|a, b| {
                let found_first = rows[*b].is_found().cmp(&rows[*a].is_found());
                found_first.then(chances[*b].total_cmp(&chances[*a]))
            });
            let orders = [(0..list.len()).collect(), learned.order(&rows), best];
            for (sum, order) in sums.iter_mut().zip(orders) {
                let placed = order.into_iter().enumerate();
                *sum +=
                    placed.map(|(at, idx)| self.params.looks.at(at) * chances[idx]).sum::<f64>();
            }
        }
        sums.map(|sum| sum / PEOPLE as f64)
    }
}
