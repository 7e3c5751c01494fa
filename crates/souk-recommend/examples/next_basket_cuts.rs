//! Next baskets at several cut dates of one file: how good what a shop would learn before each date is at everybody's first
//! basket after it, and whether another program does it better.
//!
//! usage: next_basket_cuts BASKETS.csv DATES OUT [AGAINST]
//!
//! `BASKETS.csv` is a training part (columns user_id,basket_id,item_id,timestamp in Unix seconds), `DATES` are Unix
//! seconds with commas between them. At each date everything before it is known, and the first baskets of the 31 days from
//! then on of shoppers with three baskets before it are judged. Each list's NDCG@10 and recall@10 are written to `OUT`; the mean
//! differences to those of `AGAINST`, which an earlier run wrote, have 95 % intervals over shoppers.

#![allow(clippy::print_stdout, reason = "its figures are its result")]

use rustc_hash::{FxHashMap, FxHashSet};
use souk_recommend::evaluate::bootstrap::paired_bootstrap;
use souk_recommend::evaluate::metrics::{mean, ndcg, recall};
use souk_recommend::next_basket::{
    Basket, BasketQuery, BasketVectors, Market, Params, Scratch, TeachParams, Teaching, next_basket,
};
use souk_recommend::{Item, Rests, Shopper};
use std::collections::BTreeMap;
use std::fmt::Write;

const PLACES: usize = 10;
const WINDOW_MS: i64 = 31 * 86_400_000;
const BASKETS_MIN: usize = 3;

/// By cut and shopper: NDCG and recall.
type Values = BTreeMap<(i64, u32), [f64; 2]>;

fn read(path: &str) -> Vec<(Shopper, Basket)> {
    let text = std::fs::read_to_string(path).expect("the file can be read");
    let (mut shoppers, mut items) = (FxHashMap::default(), FxHashMap::default());
    let mut baskets: BTreeMap<(u32, u64), (i64, Vec<Item>)> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let mut fields = line.split(',');
        let mut field = || fields.next().expect("four columns");
        let (n_shoppers, n_items) = (shoppers.len() as u32, items.len() as u32);
        let shopper = *shoppers.entry(field().to_owned()).or_insert(n_shoppers);
        let basket = field().parse().expect("numbers of baskets");
        let item = Item(*items.entry(field().to_owned()).or_insert(n_items));
        let time = 1_000 * field().parse::<i64>().expect("seconds");
        let (first, lines) = baskets.entry((shopper, basket)).or_insert((time, Vec::new()));
        *first = time.min(*first);
        lines.push(item);
    }
    let basket = |((shopper, key), (time, lines)): ((u32, u64), (i64, Vec<Item>))| {
        (Shopper(shopper), Basket::new(key, time, &lines))
    };
    baskets.into_iter().map(basket).collect()
}

/// What a shop would show at a date, judged by what came.
fn judge(baskets: &[(Shopper, Basket)], cut: i64, values: &mut Values) {
    let (before, after): (Vec<_>, Vec<_>) =
        baskets.iter().cloned().partition(|(_, basket)| basket.time < cut);
    let teaching = Teaching { baskets: &before, threads: 2, rests: Rests::NONE };
    let learned = teaching.learn(&TeachParams::default(), None);
    let (ranker, verdict) = learned.expect("enough shoppers before the date");
    let now = before.iter().map(|(_, basket)| basket.time).max().expect("baskets before the date");
    let state = BasketVectors::build(before);
    let market = Market::at(&state, now);
    let n_trees = ranker.trees.as_ref().map_or(0, |trees| trees.n_trees());
    let params = Params { limit: PLACES, ranker, ..Params::default() };
    let mut first: BTreeMap<u32, &Basket> = BTreeMap::new();
    for (shopper, basket) in after.iter().filter(|(_, basket)| basket.time < cut + WINDOW_MS) {
        let earliest = first.entry(shopper.0).or_insert(basket);
        if (basket.time, basket.key) < (earliest.time, earliest.key) {
            *earliest = basket;
        }
    }
    let mut scratch = Scratch::default();
    let (mut gained, mut recalled) = (Vec::new(), Vec::new());
    for (shopper, basket) in first {
        let own = state.baskets(Shopper(shopper));
        if own.len() < BASKETS_MIN {
            continue;
        }
        let neighbourhood = &state.neighbourhood((Shopper(shopper), now), &params, &mut scratch);
        let query = BasketQuery { own, now, market: &market, neighbourhood };
        let list: Vec<Item> =
            next_basket(&query, &params, &mut scratch).into_iter().map(|one| one.item).collect();
        let wanted: FxHashSet<Item> = basket.items().iter().copied().collect();
        let found = [ndcg(&list, &wanted, PLACES), recall(&list, &wanted, PLACES)];
        gained.push(found[0]);
        recalled.push(found[1]);
        values.insert((cut, shopper), found);
    }
    println!(
        "{}: {} shoppers, {n_trees} trees, NDCG@10 {:.4}, recall@10 {:.4}; its judges say {:+.4}",
        cut / 1_000,
        gained.len(),
        mean(&gained),
        mean(&recalled),
        verdict.gain.mean,
    );
}

/// The means of each shopper over the dates, by shopper.
fn by_shopper(values: &Values, measure: usize) -> Vec<f64> {
    let mut of: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for ((_, shopper), found) in values {
        of.entry(*shopper).or_default().push(found[measure]);
    }
    of.values().map(|values| mean(values)).collect()
}

fn compare(values: &Values, against: &str) {
    let text = std::fs::read_to_string(against).expect("the file can be read");
    let mut others = Values::new();
    for line in text.lines() {
        let mut fields = line.split(' ').map(|field| field.parse::<f64>().expect("numbers"));
        let mut field = || fields.next().expect("four fields");
        let key = (field() as i64, field() as u32);
        others.insert(key, [field(), field()]);
    }
    assert!(others.keys().eq(values.keys()), "both were judged on the same lists");
    for (measure, name) in ["NDCG@10", "recall@10"].into_iter().enumerate() {
        let (own, other) = (by_shopper(values, measure), by_shopper(&others, measure));
        let gain = paired_bootstrap(&own, &other, 1);
        println!("{name} {:+.4} ({:+.4} to {:+.4})", gain.mean, gain.low, gain.high);
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, dates, out, against @ ..] = &arguments[..] else {
        println!("usage: next_basket_cuts BASKETS.csv DATES OUT [AGAINST]");
        return;
    };
    let baskets = read(path);
    let mut values = Values::new();
    for date in dates.split(',') {
        judge(&baskets, 1_000 * date.parse::<i64>().expect("Unix seconds"), &mut values);
    }
    let mut text = String::new();
    for ((cut, shopper), [ndcg, recall]) in &values {
        writeln!(text, "{cut} {shopper} {ndcg} {recall}").expect("texts can be written to");
    }
    std::fs::write(out, text).expect("the file can be written");
    if let Some(against) = against.first() {
        compare(&values, against);
    }
}
