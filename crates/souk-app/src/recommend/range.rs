//! What a shop has, in an order for when nothing is known of what sells: on its first day a catalogue came all at once, and
//! the order of its file means nothing.
//!
//! The shop's own figures come first where the catalogue has them (popularity, a rank of sales, ratings), and dates where they
//! differ; what is alike by these is spread over the categories, the largest first, each beginning with what can be had and has
//! a picture. It says what there is, and is no statement that anybody wants it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use rustc_hash::FxHashMap;
use souk_core::{AttributeValue, Product, SiteId, Timestamp};
use souk_recommend::Item;

use crate::projections::Catalogue;

/// Products that are looked at, the latest; chosen: some milliseconds.
const LOOKED_AT: usize = 20_000;
/// How long an order is kept at least; after that until the catalogue changes. What came since stands before it.
const AGE_MIN: Duration = Duration::from_secs(2);
/// Attributes that say how much a product is wanted, more is better; and ranks, of which less is.
const WANTED: [&str; 5] = ["popularity", "popularity_score", "units_sold", "sales", "sold"];
const RANKS: [&str; 4] = ["sales_rank", "bestseller_rank", "best_seller_rank", "salesrank"];
/// What shops call the rating of a product (the first that is a number counts), and how many ratings there are.
pub(crate) const RATINGS: [&str; 3] = ["rating", "average_rating", "rating_average"];
const COUNTS: [&str; 4] = ["rating_count", "ratings_count", "review_count", "reviews_count"];
/// Ratings that count as much as the mean of all (chosen): one of five stars says little.
const RATINGS_PRIOR: f64 = 10.0;
const DAY_MS: i64 = 86_400_000;

/// What decides first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RangeBy {
    /// When a product was offered first.
    Date,
    /// The shop's own figures.
    Figure,
}

#[derive(Clone, Debug)]
struct Kept {
    made: Instant,
    /// The changes of the catalogue when it was made.
    n_changes: u64,
    /// The latest offer that was there.
    last: Option<(Timestamp, Item)>,
    items: Arc<Vec<Item>>,
}

impl Kept {
    fn is_fresh(&self, catalogue: &Catalogue) -> bool {
        self.made.elapsed() < AGE_MIN || self.n_changes == catalogue.n_changes()
    }

    /// What came since, the latest first, and the order.
    fn with_later(&self, (catalogue, site): (&Catalogue, &SiteId)) -> (Vec<Item>, Arc<Vec<Item>>) {
        let since = catalogue.offers(site).take_while(|offer| Some(*offer) > self.last);
        let since = since.take(LOOKED_AT).map(|(_, item)| item);
        (since.collect(), Arc::clone(&self.items))
    }
}

/// Orders that were made before, by site.
#[derive(Debug, Default)]
pub(crate) struct Ranges {
    kept: RwLock<FxHashMap<(SiteId, RangeBy), Kept>>,
    /// Held by whoever makes one: the others go on with the order before.
    making: Mutex<()>,
}

impl Ranges {
    /// The products of a site in order, and those that came since the order was made, the latest first.
    pub(crate) fn of(&self, at: (&Catalogue, &SiteId), by: RangeBy) -> (Vec<Item>, Arc<Vec<Item>>) {
        let (catalogue, site) = at;
        let key = (site.clone(), by);
        let known = || self.kept.read().get(&key).cloned();
        let _making = match known() {
            Some(kept) if kept.is_fresh(catalogue) => return kept.with_later(at),
            Some(kept) => match self.making.try_lock() {
                Some(making) => making,
                None => return kept.with_later(at),
            },
            None => self.making.lock(),
        };
        // Another may have made it a moment ago.
        if let Some(kept) = known().filter(|kept| kept.is_fresh(catalogue)) {
            return kept.with_later(at);
        }
        let last = catalogue.offers(site).next();
        let items = Arc::new(order(catalogue, site, by));
        let (made, n_changes) = (Instant::now(), catalogue.n_changes());
        let kept = Kept { made, n_changes, last, items: Arc::clone(&items) };
        self.kept.write().insert(key, kept);
        (Vec::new(), items)
    }

    /// Drops all: numbers of products may mean others.
    pub(crate) fn clear(&self) {
        self.kept.write().clear();
    }
}

/// A product with what it is put in order by.
struct Row<'a> {
    item: Item,
    has_price: bool,
    day: f64,
    figure: f64,
    category: Option<&'a str>,
    can_be_had: bool,
    has_picture: bool,
}

impl<'a> Row<'a> {
    fn of(
        catalogue: &Catalogue,
        (item, product): (Item, &'a Product),
        (day, figure): (f64, f64),
    ) -> Row<'a> {
        Row {
            item,
            has_price: catalogue.is_priced(item),
            day,
            figure,
            category: product.categories.first().map(String::as_str),
            can_be_had: catalogue.is_servable(item, None),
            has_picture: !product.image_urls.is_empty(),
        }
    }
}

/// Puts the products of a site in order.
fn order(catalogue: &Catalogue, site: &SiteId, by: RangeBy) -> Vec<Item> {
    let mut items: Vec<Item> = catalogue.newest(site, LOOKED_AT);
    // As the shop's own file has them.
    items.reverse();
    let known = items.iter().filter_map(|&item| Some((item, &**catalogue.product(item)?)));
    let known: Vec<(Item, &Product)> = known.collect();
    let has_dates = is_most(
        known.iter().filter(|(_, product)| product.published_at.is_some()).count(),
        known.len(),
    );
    let figures = figures(&known);
    let day = |(item, product): (Item, &Product)| {
        let seen = || Some(catalogue.first_seen(item));
        let at = if has_dates { product.published_at } else { seen() };
        at.map_or(f64::NEG_INFINITY, |at| at.as_ms().div_euclid(DAY_MS) as f64)
    };
    let of = |(&known, figure)| Row::of(catalogue, known, (day(known), figure));
    let mut rows: Vec<Row<'_>> = known.iter().zip(figures).map(of).collect();
    let key = |row: &Row<'_>| match by {
        RangeBy::Date => (row.day, row.figure),
        RangeBy::Figure => (row.figure, row.day),
    };
    let compare = |a: &Row<'_>, b: &Row<'_>| {
        let ((a_first, a_then), (b_first, b_then)) = (key(a), key(b));
        let by_key = b_first.total_cmp(&a_first).then(b_then.total_cmp(&a_then));
        b.has_price.cmp(&a.has_price).then(by_key)
    };
    // Stable: what is alike stays as the shop's own file has it.
    rows.sort_by(compare);
    let alike = rows.chunk_by(|a, b| compare(a, b).is_eq());
    alike.flat_map(spread).collect()
}

/// Products that are alike, one of each category in turn.
fn spread(rows: &[Row<'_>]) -> Vec<Item> {
    let mut categories: BTreeMap<Option<&str>, Vec<&Row<'_>>> = BTreeMap::new();
    for row in rows {
        categories.entry(row.category).or_default().push(row);
    }
    let mut categories: Vec<(Option<&str>, Vec<&Row<'_>>)> = categories.into_iter().collect();
    for (_, rows) in &mut categories {
        rows.sort_by_key(|row| (!row.can_be_had, !row.has_picture));
    }
    // Those of no category come last; of equal sizes the name decides.
    categories.sort_by_key(|(name, rows)| (name.is_none(), std::cmp::Reverse(rows.len())));
    let most = categories.iter().map(|(_, rows)| rows.len()).max().unwrap_or_default();
    let turn = |n: usize| categories.iter().filter_map(move |(_, rows)| Some(rows.get(n)?.item));
    (0..most).flat_map(turn).collect()
}

fn is_most(n: usize, all: usize) -> bool {
    n > 0 && 2 * n >= all
}

/// The figure of each product by which it is better than others, where the catalogue has one of most; else 0 of all.
fn figures(known: &[(Item, &Product)]) -> Vec<f64> {
    let of = |names: &[&str]| -> Option<Vec<Option<f64>>> {
        names.iter().find_map(|name| {
            let values: Vec<Option<f64>> =
                known.iter().map(|(_, product)| number(product, name)).collect();
            is_most(values.iter().flatten().count(), known.len()).then_some(values)
        })
    };
    let worst = |values: Vec<Option<f64>>| -> Vec<f64> {
        values.into_iter().map(|value| value.unwrap_or(f64::NEG_INFINITY)).collect()
    };
    if let Some(wanted) = of(&WANTED) {
        return worst(wanted);
    }
    if let Some(ranks) = of(&RANKS) {
        return worst(ranks.into_iter().map(|rank| rank.map(|rank| -rank)).collect());
    }
    let Some(ratings) = of(&RATINGS) else { return vec![0.0; known.len()] };
    let n_rated = ratings.iter().flatten().count() as f64;
    let mean = ratings.iter().flatten().sum::<f64>() / n_rated;
    let rated = known.iter().zip(ratings).map(|((_, product), rating)| {
        let count = COUNTS.iter().find_map(|name| number(product, name));
        // Without a count a rating is taken as it is.
        let weight = count.map_or(1.0, |count| count.max(0.0) / (count.max(0.0) + RATINGS_PRIOR));
        rating.map_or(mean, |rating| mean + weight * (rating - mean))
    });
    rated.collect()
}

fn number(product: &Product, name: &str) -> Option<f64> {
    match product.attributes.get(name)? {
        AttributeValue::Number(number) => Some(*number),
        // Columns of a CSV file are texts.
        AttributeValue::Text(text) => text.trim().parse().ok(),
        AttributeValue::Texts(_) => None,
    }
    .filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests;
