//! Which differences and which order a series wants.

use std::collections::HashSet;

use super::difference::difference;
use super::{Arima, Constant, Expected, Order};
use crate::mstl::seasonal_strength;
use crate::numbers::{akaike_weights, is_constant, mean};

/// How far the search may go (the defaults of Hyndman and Khandakar 2008).
const NEAR_MAX: usize = 5;
const SEASONAL_MAX: usize = 2;
const MODELS_MAX: usize = 94;
/// Seasons beyond this are not differenced nor modelled: the state would be as long as a season.
const SEASON_MAX: usize = 60;

impl Arima {
    /// Chooses differences by tests, walks over orders from the best model to better neighbours, and says by AICc what
    /// each model that was passed counts for; the best first, the weights add up to 1.
    ///
    /// Empty when the series has fewer than three values or none of the models fits.
    pub fn weighed(y: &[f64], season_length: usize) -> Vec<(Arima, f64)> {
        if y.len() < 3 || y.iter().any(|value| !value.is_finite()) {
            return Vec::new();
        }
        let m = if season_length <= SEASON_MAX { season_length.max(1) } else { 1 };
        let seasonal = n_seasonal_differences(y, m);
        let after = if seasonal > 0 { difference(y, m) } else { y.to_vec() };
        let near = n_differences(&after);
        let mut after = after;
        for _ in 0..near {
            after = difference(&after, 1);
        }
        let constant = if near + seasonal > 1 { Constant::Absent } else { Constant::Present };
        if is_constant(&after) {
            let order = Order {
                near: [0, near, 0],
                seasonal: [0, seasonal, 0],
                season_length: m,
                constant,
            };
            return Arima::fit(y, order).map(|model| (model, 1.0)).into_iter().collect();
        }
        let seasonal_max = if m > 1 { SEASONAL_MAX.min(after.len() / (3 * m)) } else { 0 };
        let near_max = NEAR_MAX.min(after.len() / 3);
        let walk = Walk { y, season_length: m, d: [near, seasonal], max: [near_max, seasonal_max] };
        walk.models(constant)
    }
}

/// A walk over orders (p, q, P, Q).
struct Walk<'a> {
    y: &'a [f64],
    season_length: usize,
    d: [usize; 2],
    max: [usize; 2],
}

type Place = ([usize; 4], Constant);

impl Walk<'_> {
    fn models(&self, constant: Constant) -> Vec<(Arima, f64)> {
        let mut seen: HashSet<Place> = HashSet::new();
        // The best one last, and all that were passed before it.
        let mut found: Vec<Arima> = Vec::new();
        let s = usize::from(self.season_length > 1);
        let starts = [[2, 2, s, s], [0, 0, 0, 0], [1, 0, s, 0], [0, 1, 0, s]];
        for start in starts {
            self.try_out((self.inside(start), constant), &mut seen, &mut found);
        }
        if constant == Constant::Present {
            self.try_out(([0; 4], Constant::Absent), &mut seen, &mut found);
        }
        while let Some(at) = found.last().map(Arima::order) {
            let place = place_of(&at);
            let moved = neighbours(place, constant)
                .into_iter()
                .any(|next| self.is_inside(next.0) && self.try_out(next, &mut seen, &mut found));
            if !moved || seen.len() >= MODELS_MAX {
                break;
            }
        }
        if found.is_empty() {
            found.extend(self.model(([0; 4], Constant::Absent)));
        }
        found.sort_by(|a, b| a.aicc().total_cmp(&b.aicc()));
        let criteria: Vec<f64> = found.iter().map(Arima::aicc).collect();
        let finite = criteria.iter().all(|criterion| criterion.is_finite());
        let weights = if finite { akaike_weights(&criteria) } else { vec![1.0; found.len()] };
        found.into_iter().zip(weights).filter(|pair| pair.1 > 0.0).collect()
    }

    fn inside(&self, [p, q, sp, sq]: [usize; 4]) -> [usize; 4] {
        let [near, seasonal] = self.max;
        [p.min(near), q.min(near), sp.min(seasonal), sq.min(seasonal)]
    }

    fn is_inside(&self, at: [usize; 4]) -> bool {
        self.inside(at) == at
    }

    fn model(&self, ([p, q, sp, sq], constant): Place) -> Option<Arima> {
        let order = Order {
            near: [p, self.d[0], q],
            seasonal: [sp, self.d[1], sq],
            season_length: self.season_length,
            constant,
        };
        Arima::fit_with(self.y, (order, Expected::Moderate))
    }

    /// Fits a model that was not seen yet; true when it is the best one so far.
    fn try_out(&self, place: Place, seen: &mut HashSet<Place>, found: &mut Vec<Arima>) -> bool {
        if !seen.insert(place) {
            return false;
        }
        let sound = |model: &Arima| model.aicc().is_finite() && model.coefficients.is_well_inside();
        let Some(model) = self.model(place).filter(sound) else { return false };
        let is_better = found.last().is_none_or(|best| model.aicc() < best.aicc() - 1e-9);
        let behind = found.len().saturating_sub(usize::from(!is_better));
        found.insert(behind, model);
        is_better
    }
}

fn place_of(order: &Order) -> Place {
    let ([p, _, q], [sp, _, sq]) = (order.near, order.seasonal);
    ([p, q, sp, sq], order.constant)
}

/// One step in one direction, or the same step in two that belong together; the seasonal ones first.
fn neighbours((at, constant): Place, allowed: Constant) -> Vec<Place> {
    const STEPS: [[i8; 4]; 16] = [
        [0, 0, -1, 0],
        [0, 0, 0, -1],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [0, 0, -1, -1],
        [0, 0, -1, 1],
        [0, 0, 1, -1],
        [0, 0, 1, 1],
        [-1, 0, 0, 0],
        [0, -1, 0, 0],
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [-1, -1, 0, 0],
        [-1, 1, 0, 0],
        [1, -1, 0, 0],
        [1, 1, 0, 0],
    ];
    let moved = |step: &[i8; 4]| {
        let mut to = at;
        for (to, by) in to.iter_mut().zip(step) {
            *to = to.checked_add_signed(isize::from(*by))?;
        }
        Some((to, constant))
    };
    let mut places: Vec<Place> = STEPS.iter().filter_map(moved).collect();
    if allowed == Constant::Present {
        let other =
            if constant == Constant::Present { Constant::Absent } else { Constant::Present };
        places.push((at, other));
    }
    places
}

/// How many first differences make the level stationary, at most two: the test of Kwiatkowski, Phillips,
/// Schmidt and Shin is repeated until it no longer objects.
pub fn n_differences(y: &[f64]) -> usize {
    let mut values = y.to_vec();
    for taken in 0..2 {
        if values.len() < 4 || is_constant(&values) || is_level_stationary(&values) {
            return taken;
        }
        values = difference(&values, 1);
        if is_constant(&values) {
            return taken + 1;
        }
    }
    2
}

/// True unless the test of Kwiatkowski, Phillips, Schmidt and Shin (Journal of Econometrics 54, 1992)
/// rejects a stationary level at 5 %.
///
/// Bartlett weights up to lag 3√n/13; the critical value is 0.463 (their table 1).
pub fn is_level_stationary(y: &[f64]) -> bool {
    let n = y.len() as f64;
    let centre = mean(y);
    let rest: Vec<f64> = y.iter().map(|value| value - centre).collect();
    let lags = (3.0 * n.sqrt() / 13.0).floor() as usize;
    let product = |lag: usize| rest.iter().zip(&rest[lag..]).map(|(a, b)| a * b).sum::<f64>() / n;
    let weight = |lag: usize| 1.0 - lag as f64 / (lags as f64 + 1.0);
    let long_run = product(0) + 2.0 * (1..=lags).map(|lag| weight(lag) * product(lag)).sum::<f64>();
    let mut sum = 0.0;
    let mut squares = 0.0;
    for value in &rest {
        sum += value;
        squares += sum * sum;
    }
    long_run <= 0.0 || squares / (n * n * long_run) <= 0.463
}

/// 1 when the season is so strong that it wants a seasonal difference, else 0: the variance that it
/// explains of the series without its trend is above 64 % (Wang, Smith and Hyndman 2006; the bound is
/// that of the R package `forecast`).
pub fn n_seasonal_differences(y: &[f64], m: usize) -> usize {
    if m < 2 || y.len() < 2 * m + 2 || is_constant(y) {
        return 0;
    }
    usize::from(seasonal_strength(y, m) > 0.64)
}
