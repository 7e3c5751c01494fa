//! Which reconciliation is used: the one that was best at earlier days without spoiling any level.

use std::ops::Range;

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

/// How a method did.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Which.
    pub method: Method,
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
    /// Which.
    pub method: Method,
    /// Whether no level was more than 1 % worse than its base forecasts.
    pub keeps_all: bool,
    /// All that were tried.
    pub trials: Vec<Trial>,
    /// By node: errors of the base forecasts on all windows.
    pub errors: Vec<Vec<f64>>,
}

/// Chooses a method by earlier days, each window with errors of the others alone.
///
/// Of those that make no level more than 1 % worse than its base forecasts the one with the least mean error; without any,
/// the one whose worst level is best. One window has no others, so nothing can be told of errors: then they count as
/// equal.
///
/// # Panics
///
/// When a window has not every node.
pub fn choose(hierarchy: &Hierarchy, windows: &[Window], sign: Sign) -> Choice {
    let actual: Vec<Vec<Vec<f64>>> =
        windows.iter().map(|window| hierarchy.sums(&window.actual)).collect();
    let misses: Vec<Vec<Vec<f64>>> =
        windows.iter().zip(&actual).map(|(window, came)| missed(&window.base, came)).collect();
    let by_level = |all: &[Vec<Vec<f64>>]| -> Vec<f64> {
        let level = |level: &Level| {
            let nodes = all.iter().flat_map(|misses| &misses[level.nodes.clone()]);
            nodes.flatten().map(|miss| miss.abs()).sum()
        };
        hierarchy.levels().iter().map(level).collect()
    };
    let base = by_level(&misses);
    let joined = |without: Option<usize>| -> Vec<Vec<f64>> {
        let others = || misses.iter().enumerate().filter(|(idx, _)| Some(*idx) != without);
        let of_node =
            |node: usize| others().flat_map(|(_, misses)| misses[node].iter().copied()).collect();
        (0..hierarchy.n_nodes()).map(of_node).collect()
    };
    let others: Vec<Vec<Vec<f64>>> = (0..windows.len()).map(|idx| joined(Some(idx))).collect();
    let trials: Vec<Trial> = Method::ALL
        .into_iter()
        .map(|method| {
            let all: Vec<Vec<Vec<f64>>> = (0..windows.len())
                .map(|idx| {
                    let (window, errors) = (&windows[idx], &others[idx]);
                    let past = Past { bottom_means: &window.bottom_means, errors, sign };
                    missed(&hierarchy.reconcile(&window.base, method, &past), &actual[idx])
                })
                .collect();
            // Where base forecasts were perfect, only perfect ones are as good.
            let ratio = |(own, base): (f64, f64)| match base > 0.0 {
                true => own / base,
                false => 1.0 + own,
            };
            let by_level = by_level(&all).into_iter().zip(base.iter().copied()).map(ratio);
            Trial { method, by_level: by_level.collect() }
        })
        .collect();
    let sound = trials.iter().filter(|trial| trial.worst() <= WORSE_MAX);
    let best = sound.min_by(|a, b| a.mean().total_cmp(&b.mean()));
    let least_bad = || trials.iter().min_by(|a, b| a.worst().total_cmp(&b.worst()));
    let chosen = best.or_else(least_bad).expect("there are methods");
    let (method, keeps_all) = (chosen.method, best.is_some());
    Choice { method, keeps_all, trials, errors: joined(None) }
}

fn missed(forecast: &[Vec<f64>], actual: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let one = |(f, y): (&Vec<f64>, &Vec<f64>)| f.iter().zip(y).map(|(f, y)| f - y).collect();
    forecast.iter().zip(actual).map(one).collect()
}
