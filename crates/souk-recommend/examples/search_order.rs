//! Whether the order of hits that searches teach does good and no harm, on made-up shops whose truth is known.
//!
//! `cargo run --release -p souk-recommend --example search_order -- [harm|good] [--seed 1001] [--shops 120]`
//!
//! First shops where clicks follow places alone, each sixth of them looked at in another way: in how many an order serves,
//! which must be one in twenty at most. Then half as many shops whose searchers go by price, by rating or by what is new: NDCG@10 of
//! queries that nobody asked before, where the order that was learned serves, beside the order of stages. Seeds follow one another from
//! the given one; nothing was tuned on those from 1001. Fails where harm is done in more than one of twenty, or the gain is not
//! surely above nothing.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use std::process::ExitCode;

use souk_math::mean;
use souk_recommend::Rests;
use souk_recommend::evaluate::bootstrap::paired_bootstrap;
use souk_recommend::impressions::signals::ListKind;
use souk_recommend::impressions::simulated::Looks;
use souk_recommend::impressions::simulated_search::{Cares, Finds, SearchShop, SearchShopParams};
use souk_recommend::impressions::{ImpressionTeaching, ShownList};

/// Searchers of a shop, with three searches each.
const PEOPLE: u64 = 1_500;
/// In how many of the shops an order may serve that brings nothing.
const HARM_MAX: f64 = 0.05;
const LOOKS: [Looks; 6] = [
    Looks::Alike,
    Looks::Power(0.25),
    Looks::Power(1.0),
    Looks::Halved { each: 3.0 },
    Looks::Halved { each: 1.0 },
    Looks::Middle,
];

fn teaching(lists: &[ShownList]) -> ImpressionTeaching<'_> {
    ImpressionTeaching { lists, kind: ListKind::Found, threads: 2, rests: Rests::NONE }
}

/// The share with its 95 % interval. Source: Wilson, *Journal of the American Statistical Association* 22, 1927.
fn wilson(n_of: usize, n: usize) -> [f64; 3] {
    const Z: f64 = 1.959_964;
    let (share, n) = (n_of as f64 / n as f64, n as f64);
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    [share, ((middle - half) / scale).max(0.0), (middle + half) / scale]
}

/// Whether an order serves in one of twenty shops at most where clicks follow places alone.
fn does_no_harm(seed: u64, n_shops: u64) -> bool {
    println!("Clicks that follow places alone, {PEOPLE} searchers, seeds from {seed}:");
    let (mut n_served, mut n_all) = (0, 0);
    for (idx, looks) in LOOKS.into_iter().enumerate() {
        let of_kind = (0..n_shops).filter(|shop| *shop as usize % LOOKS.len() == idx);
        let (mut served, mut silent, mut n) = (0, 0, 0);
        for shop in of_kind {
            let params = SearchShopParams { cares: Cares::Nothing, looks };
            let lists = SearchShop::new(params, seed + shop).shown(PEOPLE);
            n += 1;
            match teaching(&lists).learn(None) {
                Some((_, verdict)) => served += usize::from(verdict.is_surely_better()),
                None => silent += 1,
            }
        }
        println!("  {looks:?}: {served} of {n} serve, {silent} say nothing");
        n_served += served;
        n_all += n;
    }
    let [share, low, high] = wilson(n_served, n_all).map(|share| share * 100.0);
    println!("  {n_served} of {n_all} serve: {share:.1} %, 95 % interval {low:.1} to {high:.1} %");
    n_served as f64 <= HARM_MAX * n_all as f64
}

/// Whether queries that nobody asked before surely profit in shops whose searchers go by something.
fn does_good(seed: u64, n_shops: u64) -> bool {
    println!("Searchers who go by something, {PEOPLE} of each shop, seeds from {seed}:");
    const FINDS: [Finds; 3] = [Finds::Met, Finds::Both, Finds::Unmet];
    let mut is_good = true;
    let mut of_all: [[Vec<f64>; 3]; FINDS.len()] = Default::default();
    let cares = [Cares::Price, Cares::Rating, Cares::Freshness];
    let (mut n_served, mut n_all) = (0, 0);
    for (idx, cares) in cares.into_iter().enumerate() {
        let (mut served, mut n) = (0, 0);
        for shop in (0..n_shops).filter(|shop| *shop as usize % 3 == idx) {
            let looks = Looks::Halved { each: 3.0 };
            let mut made_up = SearchShop::new(SearchShopParams { cares, looks }, seed + shop);
            let lists = made_up.shown(PEOPLE);
            let learned = teaching(&lists).learn(None);
            let Some((order, verdict)) = learned else { continue };
            let serves = verdict.is_surely_better();
            n += 1;
            served += usize::from(serves);
            for (finds, of) in FINDS.into_iter().zip(&mut of_all) {
                let [usual, learned, best] = made_up.ndcg(&order, finds);
                let given = if serves { learned } else { usual };
                of.iter_mut().zip([usual, given, best]).for_each(|(of, ndcg)| of.push(ndcg));
            }
        }
        println!("  {cares:?}: {served} of {n} serve");
        n_served += served;
        n_all += n;
    }
    let [share, low, high] = wilson(n_served, n_all).map(|share| share * 100.0);
    println!("  {n_served} of {n_all} serve: {share:.1} %, 95 % interval {low:.1} to {high:.1} %");
    for (finds, [usual, given, best]) in FINDS.into_iter().zip(&of_all) {
        let gain = paired_bootstrap(given, usual, seed);
        let worse = given.iter().zip(usual).filter(|(given, usual)| given < usual).count();
        println!(
            "  NDCG@10 of new queries that find products {finds:?}: {:.3} -> {:.3} (the best {:.3}), {:+.3}, 95 % \
             interval {:+.3} to {:+.3}; worse in {worse} of {} shops",
            mean(usual),
            mean(given),
            mean(best),
            gain.mean,
            gain.low,
            gain.high,
            gain.n,
        );
        is_good &= gain.low > 0.0;
    }
    is_good
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_asked = |what: &str| arguments.iter().any(|argument| argument == what);
    let number = |name: &str, usual: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(usual)
    };
    let (seed, shops) = (number("--seed", 1_001), number("--shops", 120));
    let harmless = is_asked("good") || does_no_harm(seed, shops);
    let good = is_asked("harm") || does_good(seed, shops / 2);
    if harmless && good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
