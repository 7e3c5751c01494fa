//! Choosing the session parameters without looking at the test part.

use super::{Session, SessionRow, index_of, sessions_of};
use crate::session::{RepeatParams, SessionParams, SessionScorer, SessionScratch};
use crate::visits::VisitIndex;
use souk_math::Random;

/// How long to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TuneBudget {
    /// How many configurations are tried, the default one included.
    pub configs: u32,
    /// The same seed tries the same configurations.
    pub seed: u64,
    /// How many predictions each is judged by, at most: evenly spread sessions of the validation part.
    pub predictions_max: u32,
}

impl Default for TuneBudget {
    /// 200 configurations on at most 4,000 predictions: some ten seconds on the shop clicks.
    fn default() -> TuneBudget {
        TuneBudget { configs: 200, seed: 1, predictions_max: 4000 }
    }
}

/// What a search found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionTuning {
    /// The best parameters; the defaults when nothing beat them.
    pub params: SessionParams,
    /// Their mean reciprocal rank at 20 on the validation part.
    pub mrr: f64,
    /// That of the defaults.
    pub default_mrr: f64,
    /// How many predictions each configuration was judged by.
    pub n_predictions: u32,
}

/// The rank down to which a configuration is judged.
const K: usize = 20;

/// Searches parameters that predict `valid` best after training on `train`.
///
/// Without `valid`, the last tenth of the training sessions by time of their last event serves, and the
/// index is of the other nine tenths. Half of the search looks anywhere, half around the best so far,
/// because good settings lie close together (a simple form of local search after Bergstra and
/// Bengio's random search, JMLR 13, 2012). Deterministic, unless `go_on` ends it: that is asked before
/// each further configuration with the number tried so far, for progress and for a limit of time.
pub fn tune_sessions(
    train: &[SessionRow],
    valid: Option<&[SessionRow]>,
    budget: &TuneBudget,
    go_on: &mut dyn FnMut(u32) -> bool,
) -> SessionTuning {
    let mut train = sessions_of(train);
    let valid = match valid {
        Some(valid) => sessions_of(valid),
        None => split_last_tenth(&mut train),
    };
    let valid = spread(valid, budget.predictions_max as usize);
    let index = index_of(&train);
    let mut random = Random::new(budget.seed);
    let default_mrr = mrr(&index, &valid, SessionParams::default());
    let mut best = (default_mrr, SessionParams::default());
    for config in 1..budget.configs {
        if !go_on(config) {
            break;
        }
        let params =
            if config % 2 == 0 { draw(&mut random) } else { neighbour_of(best.1, &mut random) };
        let found = mrr(&index, &valid, params);
        if found > best.0 {
            best = (found, params);
        }
    }
    let n_predictions: usize = valid.iter().map(Session::n_predictions).sum();
    SessionTuning { params: best.1, mrr: best.0, default_mrr, n_predictions: n_predictions as u32 }
}

impl Session {
    fn n_predictions(&self) -> usize {
        self.items.len() - 1
    }
}

/// Takes the last tenth of the sessions away, by time of the last event, then number.
fn split_last_tenth(train: &mut Vec<Session>) -> Vec<Session> {
    train.sort_by_key(|session| (session.times.last().copied(), session.number));
    train.split_off(train.len() - train.len() / 10)
}

/// Evenly spread sessions with at most `predictions_max` predictions together.
fn spread(sessions: Vec<Session>, predictions_max: usize) -> Vec<Session> {
    let n: usize = sessions.iter().map(Session::n_predictions).sum();
    let stride = n.div_ceil(predictions_max.max(1)).max(1);
    sessions.into_iter().step_by(stride).collect()
}

/// Mean reciprocal rank of the next items.
fn mrr(index: &VisitIndex, sessions: &[Session], params: SessionParams) -> f64 {
    let scorer = SessionScorer::new(params);
    let mut scratch = SessionScratch::default();
    let (mut sum, mut n) = (0.0, 0u32);
    for session in sessions {
        for step in 1..session.items.len() {
            let top = scorer.top(index, &session.query(step, K), &mut scratch);
            let place = top.iter().position(|proposal| proposal.item == session.items[step]);
            sum += place.map_or(0.0, |idx| 1.0 / (idx + 1) as f64);
            n += 1;
        }
    }
    sum / f64::from(n.max(1))
}

/// How many settings [`set`] knows.
const SETTINGS: usize = 17;

/// A configuration from anywhere.
fn draw(random: &mut Random) -> SessionParams {
    let mut params = SessionParams::default();
    for setting in 0..SETTINGS {
        set(&mut params, setting, random);
    }
    params
}

/// A configuration that differs in one to three settings.
fn neighbour_of(mut params: SessionParams, random: &mut Random) -> SessionParams {
    for _ in 0..=random.below(3) {
        let setting = random.below(SETTINGS);
        set(&mut params, setting, random);
    }
    params
}

/// Draws one setting anew. Ranges (chosen) reach well beyond what was best on the shop clicks and what
/// Ludewig et al. report for other shops, and stay within the latency that a request may take.
fn set(params: &mut SessionParams, setting: usize, random: &mut Random) {
    let RepeatParams { kept, prior, decay, lead_gain, habit } = &mut params.repeats;
    match setting {
        0 => params.events_max = pick(&[2, 4, 6, 10, 20], random),
        1 => params.visits_per_item = pick(&[100, 250, 500, 1000, 2500], random),
        2 => params.neighbours = pick(&[50, 100, 200, 500, 1000], random),
        3 => params.position_decay = between(0.4, 10.0, random),
        4 => params.recency_days = between(2.0, 300.0, random),
        5 => params.length_exponent = short(random.unit()),
        6 => params.rarity_exponent = short(2.0 * random.unit()),
        7 => params.ahead_decay = between(0.4, 10.0, random),
        8 => params.behind_decay = between(0.4, 10.0, random),
        9 => params.behind_weight = between(0.2, 1.0, random),
        10 => params.popularity_exponent = short(0.5 * random.unit()),
        11 => params.second_step.weight = pick(&[0.0, 0.2, 0.5, 1.0, 2.0], random),
        12 => *kept = between(0.1, 2.0, random),
        13 => *prior = pick(&[0.0, 0.1, 0.3, 0.5, 0.7, 1.0, 2.0], random),
        14 => *decay = between(0.5, 10.0, random),
        15 => *lead_gain = pick(&[0.0, 0.5, 1.0, 2.0, 4.0], random),
        _ => *habit = pick(&[0.0, 1.0, 2.0, 3.0, 4.0], random),
    }
}

fn pick<T: Copy>(values: &[T], random: &mut Random) -> T {
    values[random.below(values.len())]
}

/// Uniform in the logarithm.
fn between(low: f32, high: f32, random: &mut Random) -> f32 {
    short(low * (high / low).powf(random.unit()))
}

/// To three decimals, so that what is written to a file is what was tried, and people can read it.
fn short(value: f32) -> f32 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_tenth_is_by_time() {
        // Session n ends at 100 - n seconds, so the smallest numbers are the last.
        let row = |session: u32, time: f64| SessionRow { session, item: 1, time };
        let rows: Vec<SessionRow> = (0..20)
            .flat_map(|n| [row(n, 90.0 - f64::from(n)), row(n, 100.0 - f64::from(n))])
            .collect();
        let mut train = sessions_of(&rows);
        let valid = split_last_tenth(&mut train);
        assert_eq!(valid.iter().map(|session| session.number).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(train.len(), 18);
    }
}
