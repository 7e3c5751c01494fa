//! What somebody likes: brands and categories by decayed acts, prices against those of the category,
//! faithfulness to a brand, and the rhythm in which products are bought again.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;
use souk_core::{Action, Timestamp};
use souk_recommend::Item;
use souk_recommend::lifetime::rhythm::Rhythm;

use super::person::{Person, days_between};

/// Leanings that a profile names.
pub(super) const NAMED_MAX: usize = 10;
/// Acts below which there is no affinity; chosen: one purchase may have been a gift.
pub(super) const ACTS_MIN: u32 = 2;
/// The share of all weight from which on somebody has an affinity; chosen: a grocer's regular buys from some
/// hundred categories, and leads with two in a hundred.
pub(super) const SHARE_MIN: f64 = 0.01;
/// Lines with a price that has a place, below which there is no price band; chosen.
pub(super) const PRICED_MIN: usize = 5;
/// Lines of products with a brand, below which loyalty is not spoken of; chosen.
pub(super) const BRANDED_MIN: u32 = 5;
/// Products that a profile names as bought in a rhythm.
pub(super) const CYCLES_MAX: usize = 20;

/// A leaning to a brand or category.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Leaning<'a> {
    pub(super) name: &'a str,
    /// Of the weight of everything, 0 to 1.
    pub(super) share: f64,
    /// The share against that of the whole shop; `None` where that is not known.
    pub(super) lift: Option<f64>,
    pub(super) purchases: u32,
    pub(super) views: u32,
    pub(super) last: Timestamp,
}

impl Leaning<'_> {
    /// Whether it is more than chance and more than what everybody buys.
    pub(super) fn is_affinity(&self) -> bool {
        self.purchases + self.views >= ACTS_MIN
            && self.share >= SHARE_MIN
            && self.lift.is_none_or(|lift| lift >= 1.0)
    }
}

/// Where the prices that somebody pays stand among those of their categories, 0 the lowest, 1 the highest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PriceBand {
    pub(super) low: f64,
    pub(super) middle: f64,
    pub(super) high: f64,
    pub(super) lines: usize,
}

/// How faithful somebody is to a brand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Loyalty<'a> {
    pub(super) brand: &'a str,
    /// Of the lines with a brand.
    pub(super) share: f64,
    /// Herfindahl's index: the sum of squared shares, 1 for one brand alone.
    pub(super) concentration: f64,
    pub(super) brands: usize,
    pub(super) lines: u32,
}

/// A product that is bought in a rhythm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cycle {
    pub(super) item: Item,
    pub(super) rhythm: Rhythm,
}

/// What follows from products.
#[derive(Debug, Default)]
pub(super) struct Tastes<'a> {
    /// The strongest first.
    pub(super) brands: Vec<Leaning<'a>>,
    pub(super) categories: Vec<Leaning<'a>>,
    pub(super) price_band: Option<PriceBand>,
    pub(super) loyalty: Option<Loyalty<'a>>,
    /// All that go on, those first that are due nearest to now.
    pub(super) cycles: Vec<Cycle>,
    /// Lines with a brand.
    pub(super) branded: u32,
    /// Lines whose price has a place.
    pub(super) priced: usize,
}

#[derive(Clone, Copy, Debug)]
struct Sum {
    weight: f64,
    purchases: u32,
    views: u32,
    last: Timestamp,
}

/// What an act weighs against a purchase; chosen.
fn weight_of(action: Action) -> Option<f64> {
    use Action::{AddedToCart, AddedToWishlist, Clicked, Viewed, WishlistAddedToCart};
    match action {
        Viewed | Clicked => Some(0.1),
        AddedToCart | AddedToWishlist | WishlistAddedToCart => Some(0.3),
        _ => None,
    }
}

impl<'a> Tastes<'a> {
    pub(super) fn of(person: &Person<'a>) -> Tastes<'a> {
        let lens = person.lens;
        let half_life = lens.settings.affinity_half_life_days as f64;
        let decay = |at: Timestamp| (-days_between(at, lens.now) / half_life).exp2();
        let mut items: FxHashMap<Item, Sum> = FxHashMap::default();
        let mut times: Vec<(Item, i64)> = Vec::with_capacity(person.lines.len());
        let mut places: Vec<f64> = Vec::new();
        for purchase in &person.purchases {
            let weight = decay(purchase.at);
            for line in person.lines_of(purchase) {
                add(
                    &mut items,
                    line.item,
                    Sum { weight, purchases: 1, views: 0, last: purchase.at },
                );
                times.push((line.item, purchase.at.as_ms()));
                places.extend(place_of(person, (line.item, line.milli, line.minor)));
            }
        }
        for touch in person.touches() {
            if let Some(weight) = weight_of(touch.action) {
                let sum = Sum {
                    weight: weight * decay(touch.at),
                    purchases: 0,
                    views: 1,
                    last: touch.at,
                };
                add(&mut items, touch.item, sum);
            }
        }
        let (mut brands, mut categories) = (FxHashMap::default(), FxHashMap::default());
        for (&item, &sum) in &items {
            let Some(product) = lens.views.catalogue.product(item) else { continue };
            if let Some(brand) = &product.brand {
                add(&mut brands, brand.as_str(), sum);
            }
            if let Some(kind) = lens.views.catalogue.kinds().of(item) {
                add(&mut categories, lens.views.catalogue.kinds().path(kind), sum);
            }
        }
        let shares = lens.standing.map(|standing| &standing.shares);
        let loyalty = loyalty(&brands);
        let branded = brands.values().map(|sum| sum.purchases).sum();
        let priced = places.len();
        Tastes {
            brands: leanings(brands, |name| shares?.brands.get(name).copied()),
            categories: leanings(categories, |name| shares?.categories.get(name).copied()),
            price_band: band(places),
            loyalty,
            cycles: cycles(times, lens.now),
            branded,
            priced,
        }
    }
}

fn add<K: std::hash::Hash + Eq>(sums: &mut FxHashMap<K, Sum>, key: K, sum: Sum) {
    match sums.entry(key) {
        Entry::Vacant(free) => drop(free.insert(sum)),
        Entry::Occupied(mut known) => {
            let known = known.get_mut();
            known.weight += sum.weight;
            known.purchases += sum.purchases;
            known.views += sum.views;
            known.last = known.last.max(sum.last);
        }
    }
}

/// Where the price of a line stands in its category.
fn place_of(person: &Person<'_>, (item, milli, minor): (Item, i64, Option<i64>)) -> Option<f64> {
    let lens = person.lens;
    let kinds = lens.views.catalogue.kinds();
    let prices = lens.standing?.shares.prices.get(kinds.path(kinds.of(item)?))?;
    let unit = minor? as f64 * 1_000.0 / milli as f64;
    // Half of those that cost the same are cheaper: of products of one price each stands in the middle.
    let below = prices.partition_point(|price| (*price as f64) < unit);
    let up_to = prices.partition_point(|price| *price as f64 <= unit);
    Some((below + up_to) as f64 / 2.0 / prices.len() as f64)
}

fn leanings<'a>(
    sums: FxHashMap<&'a str, Sum>,
    of_shop: impl Fn(&str) -> Option<f32>,
) -> Vec<Leaning<'a>> {
    let all: f64 = sums.values().map(|sum| sum.weight).sum();
    if all <= 0.0 {
        return Vec::new();
    }
    let mut leanings: Vec<Leaning<'a>> = sums
        .into_iter()
        .map(|(name, sum)| {
            let share = sum.weight / all;
            let lift = of_shop(name).filter(|of_shop| *of_shop > 0.0);
            let lift = lift.map(|of_shop| share / f64::from(of_shop));
            let Sum { purchases, views, last, .. } = sum;
            Leaning { name, share, lift, purchases, views, last }
        })
        .collect();
    leanings.sort_unstable_by(|a, b| b.share.total_cmp(&a.share).then(a.name.cmp(b.name)));
    leanings
}

fn loyalty<'a>(brands: &FxHashMap<&'a str, Sum>) -> Option<Loyalty<'a>> {
    let bought = brands.iter().filter(|(_, sum)| sum.purchases > 0);
    let lines: u32 = bought.clone().map(|(_, sum)| sum.purchases).sum();
    if lines < BRANDED_MIN {
        return None;
    }
    let share = |sum: &Sum| f64::from(sum.purchases) / f64::from(lines);
    let concentration = bought.clone().map(|(_, sum)| share(sum).powi(2)).sum();
    let brands = bought.clone().count();
    // Of equal ones the first by name.
    let (brand, sum) =
        bought.max_by_key(|(name, sum)| (sum.purchases, std::cmp::Reverse(**name)))?;
    Some(Loyalty { brand, share: share(sum), concentration, brands, lines })
}

fn band(mut places: Vec<f64>) -> Option<PriceBand> {
    if places.len() < PRICED_MIN {
        return None;
    }
    places.sort_unstable_by(f64::total_cmp);
    let at = |quarter: usize| places[(places.len() - 1) * quarter / 4];
    Some(PriceBand { low: at(1), middle: at(2), high: at(3), lines: places.len() })
}

/// Rhythms that go on: what stayed away for two of its gaps was given up (chosen).
fn cycles(mut times: Vec<(Item, i64)>, now: Timestamp) -> Vec<Cycle> {
    times.sort_unstable();
    let of_item = |own: &[(Item, i64)]| {
        let times: Vec<i64> = own.iter().map(|(_, time)| *time).collect();
        let rhythm = Rhythm::of(&times)?;
        let since = (now.as_ms() - rhythm.last_ms) as f64 / 86_400_000.0;
        (since <= 2.0 * rhythm.median_days).then_some(Cycle { item: own[0].0, rhythm })
    };
    let often = times.chunk_by(|a, b| a.0 == b.0).filter(|own| own.len() > 2);
    let mut cycles: Vec<Cycle> = often.filter_map(of_item).collect();
    let distance = |cycle: &Cycle| cycle.rhythm.due_ms().abs_diff(now.as_ms());
    cycles.sort_unstable_by_key(|cycle| (distance(cycle), cycle.item));
    cycles
}
