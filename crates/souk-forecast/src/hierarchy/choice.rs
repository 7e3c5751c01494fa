//! Which reconciliation is used: the one that was best at earlier days without spoiling any level.

use std::ops::Range;

use super::mix::{Tried, shares};
use super::{Hierarchy, Method, Past, Sign};

/// By how much a level may become worse at earlier days.
const WORSE_MAX: f64 = 1.01;

/// Nodes that part the bottom series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// The columns that part it, `total` or `series`.
    pub name: String,
    /// Places of its nodes among all.
    pub nodes: Range<usize>,
}

/// A stretch of earlier days.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// By node: base forecasts from what was known before.
    pub base: Vec<Vec<f64>>,
    /// By bottom series: what came.
    pub actual: Vec<Vec<f64>>,
    /// By bottom series: its mean before.
    pub bottom_means: Vec<f64>,
}

/// Errors by node and step.
pub(super) type Misses = Vec<Vec<f64>>;

/// How a way did.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// What it is called.
    pub name: String,
    /// Of which methods it is made, with their shares.
    pub shares: Vec<(Method, f64)>,
    /// By level: its absolute error over that of the base forecasts.
    pub by_level: Vec<f64>,
}

impl Trial {
    /// The worst level.
    pub fn worst(&self) -> f64 {
        self.by_level.iter().copied().fold(0.0, f64::max)
    }

    fn mean(&self) -> f64 {
        self.by_level.iter().sum::<f64>() / self.by_level.len() as f64
    }
}

/// What was chosen, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// What it is called.
    pub name: String,
    /// Of which methods it is made, with their shares.
    pub shares: Vec<(Method, f64)>,
    /// Whether no level was more than 1 % worse than its base forecasts.
    pub keeps_all: bool,
    /// All that were tried.
    pub trials: Vec<Trial>,
    /// By node: errors of the base forecasts on all windows.
    pub errors: Vec<Vec<f64>>,
}

/// Chooses a way by earlier days, each window with errors of the others alone.
///
/// Every method is tried, and a mix of all whose shares are found on the other windows. Of those that make no level more
/// than 1 % worse than its base forecasts the one with the least mean error is taken; without any, the one whose worst level
/// is best. Three stretches tell little of which way will be best, so the mean of the chosen way and of the one by which every
/// level counts alike is used (docs/decisions/0059-levels-count-alike.md: on new days its worst level was no worse in any set, and better in most).
/// One window has no others, so nothing can be told of errors: then they count as equal, and so do shares.
///
/// # Panics
///
/// When a window has not every node.
pub fn choose(hierarchy: &Hierarchy, windows: &[Window], sign: Sign) -> Choice {
    let methods = hierarchy.methods();
    let actual: Vec<Misses> = windows.iter().map(|window| hierarchy.sums(&window.actual)).collect();
    let base: Vec<Misses> =
        windows.iter().zip(&actual).map(|(window, came)| missed(&window.base, came)).collect();
    let joined = |without: Option<usize>| -> Vec<Vec<f64>> {
        let others = || base.iter().enumerate().filter(|(idx, _)| Some(*idx) != without);
        let of_node =
            |node: usize| others().flat_map(|(_, misses)| misses[node].iter().copied()).collect();
        (0..hierarchy.n_nodes()).map(of_node).collect()
    };
    // By window and method.
    let tried: Vec<Vec<Misses>> = windows
        .iter()
        .enumerate()
        .map(|(idx, window)| {
            let errors = &joined(Some(idx));
            let past = Past { bottom_means: &window.bottom_means, errors, sign };
            let miss = |method: &Method| {
                missed(&hierarchy.reconcile(&window.base, *method, &past), &actual[idx])
            };
            methods.iter().map(miss).collect()
        })
        .collect();
    let levels: Vec<Range<usize>> =
        hierarchy.levels().iter().map(|level| level.nodes.clone()).collect();
    let learned = |without: Option<usize>| -> Vec<f64> {
        let others = (0..windows.len()).filter(|idx| Some(*idx) != without);
        let parts: Vec<Tried<'_>> =
            others.map(|idx| Tried { misses: &tried[idx], base: &base[idx] }).collect();
        shares(&parts, &levels, methods.len())
    };
    let of_base = by_level(base.iter(), &levels);
    let trial = |name: String, shares: Vec<(Method, f64)>, misses: &[&Misses]| {
        // Where base forecasts were perfect, only perfect ones are as good.
        let ratio = |(own, base): (f64, &f64)| match *base > 0.0 {
            true => own / base,
            false => 1.0 + own,
        };
        let own = by_level(misses.iter().copied(), &levels);
        Trial { name, shares, by_level: own.into_iter().zip(&of_base).map(ratio).collect() }
    };
    let mut trials: Vec<Trial> = methods
        .iter()
        .enumerate()
        .map(|(number, method)| {
            let misses: Vec<&Misses> = tried.iter().map(|ways| &ways[number]).collect();
            trial(hierarchy.name_of(*method), vec![(*method, 1.0)], &misses)
        })
        .collect();
    let mixes: Vec<Misses> =
        tried.iter().enumerate().map(|(idx, ways)| mean(ways, &learned(Some(idx)))).collect();
    let shares = methods.iter().copied().zip(learned(None));
    let shares = shares.filter(|(_, share)| *share >= SHARE_MIN);
    let shares: Vec<(Method, f64)> = shares.collect();
    let whole: f64 = shares.iter().map(|(_, share)| share).sum();
    let shares = shares.into_iter().map(|(method, share)| (method, share / whole)).collect();
    trials.push(trial("mix".to_owned(), shares, &mixes.iter().collect::<Vec<_>>()));
    let places = || 0..trials.len();
    let sound = places().filter(|place| trials[*place].worst() <= WORSE_MAX);
    let best = sound.min_by(|a, b| trials[*a].mean().total_cmp(&trials[*b].mean()));
    let least_bad = || places().min_by(|a, b| trials[*a].worst().total_cmp(&trials[*b].worst()));
    let chosen = best.or_else(least_bad).expect("there are methods");
    let even = methods.iter().position(|method| *method == Method::WlsLevels);
    let even = even.expect("it is among the common methods");
    let mut taken = chosen;
    if chosen != even && !windows.is_empty() {
        let half = |(ways, mix): (&Vec<Misses>, &Misses)| {
            let own = ways.get(chosen).unwrap_or(mix);
            mean(&[own.clone(), ways[even].clone()], &[0.5, 0.5])
        };
        let misses: Vec<Misses> = tried.iter().zip(&mixes).map(half).collect();
        let name = format!("half {}, half {}", trials[chosen].name, trials[even].name);
        let shares = halved(&trials[chosen].shares);
        taken = trials.len();
        trials.push(trial(name, shares, &misses.iter().collect::<Vec<_>>()));
    }
    let taken = &trials[taken];
    let (name, shares, keeps_all) =
        (taken.name.clone(), taken.shares.clone(), taken.worst() <= WORSE_MAX);
    Choice { name, shares, keeps_all, trials, errors: joined(None) }
}

/// Half of some shares, and half for the way by which every level counts alike.
fn halved(shares: &[(Method, f64)]) -> Vec<(Method, f64)> {
    let mut halved: Vec<(Method, f64)> =
        shares.iter().map(|(method, share)| (*method, 0.5 * share)).collect();
    match halved.iter_mut().find(|(method, _)| *method == Method::WlsLevels) {
        Some((_, share)) => *share += 0.5,
        None => halved.push((Method::WlsLevels, 0.5)),
    }
    halved
}

/// Shares below this are left out of a mix (chosen: they change nothing).
const SHARE_MIN: f64 = 0.01;

fn by_level<'a>(
    all: impl Iterator<Item = &'a Misses> + Clone,
    levels: &[Range<usize>],
) -> Vec<f64> {
    let level = |nodes: &Range<usize>| {
        let misses = all.clone().flat_map(|misses| misses[nodes.clone()].iter().flatten());
        misses.map(|miss| miss.abs()).sum()
    };
    levels.iter().map(level).collect()
}

/// Errors of a mean of ways.
fn mean(ways: &[Misses], shares: &[f64]) -> Misses {
    let node = |node: usize| {
        let step =
            |step: usize| ways.iter().zip(shares).map(|(way, share)| share * way[node][step]).sum();
        (0..ways[0][node].len()).map(step).collect()
    };
    (0..ways[0].len()).map(node).collect()
}

fn missed(forecast: &[Vec<f64>], actual: &[Vec<f64>]) -> Misses {
    let one = |(f, y): (&Vec<f64>, &Vec<f64>)| f.iter().zip(y).map(|(f, y)| f - y).collect();
    forecast.iter().zip(actual).map(one).collect()
}
