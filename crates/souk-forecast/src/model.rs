//! Every model by its name, behind one call.

use std::fmt;
use std::str::FromStr;

use crate::arima::Arima;
use crate::ces::Ces;
use crate::ets::{Ets, Spec};
use crate::guard::Bounds;
use crate::mstl::Mstl;
use crate::profile::profile;
use crate::theta::{Form, Theta};
use crate::{intermittent, naive};

/// A single forecaster, or the automatic choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Model {
    /// A combination chosen by backtest.
    Auto,
    /// The last value.
    Naive,
    /// The last season.
    SeasonalNaive,
    /// The line through the first and the last value.
    Drift,
    /// The mean of all values.
    Mean,
    /// Simple exponential smoothing.
    Ses,
    /// Holt's linear trend.
    Holt,
    /// A damped trend.
    Damped,
    /// Holt and Winters, additive season.
    HoltWinters,
    /// Exponential smoothing of fifteen kinds, weighed by AICc.
    Ets,
    /// The best theta form by squared error.
    Theta,
    /// The standard theta method.
    StandardTheta,
    /// The optimised theta method.
    OptimisedTheta,
    /// The dynamic standard theta method.
    DynamicTheta,
    /// The dynamic optimised theta method.
    DynamicOptimisedTheta,
    /// The best complex exponential smoothing by AICc.
    Ces,
    /// Seasonal ARIMA, weighed by AICc.
    Arima,
    /// Decomposition, then smoothing.
    Mstl,
    /// A level times the season's profile.
    Profile,
    /// Croston's method.
    Croston,
    /// Syntetos and Boylan's approximation.
    Sba,
    /// Teunter, Syntetos and Babai's method.
    Tsb,
    /// One aggregation.
    Adida,
    /// Several aggregations.
    Imapa,
}

const NAMES: &[(Model, &str)] = &[
    (Model::Auto, "auto"),
    (Model::Naive, "naive"),
    (Model::SeasonalNaive, "seasonal_naive"),
    (Model::Drift, "drift"),
    (Model::Mean, "mean"),
    (Model::Ses, "ses"),
    (Model::Holt, "holt"),
    (Model::Damped, "damped"),
    (Model::HoltWinters, "holt_winters"),
    (Model::Ets, "ets"),
    (Model::Theta, "theta"),
    (Model::StandardTheta, "standard_theta"),
    (Model::OptimisedTheta, "optimised_theta"),
    (Model::DynamicTheta, "dynamic_theta"),
    (Model::DynamicOptimisedTheta, "dynamic_optimised_theta"),
    (Model::Ces, "ces"),
    (Model::Arima, "arima"),
    (Model::Mstl, "mstl"),
    (Model::Profile, "profile"),
    (Model::Croston, "croston"),
    (Model::Sba, "sba"),
    (Model::Tsb, "tsb"),
    (Model::Adida, "adida"),
    (Model::Imapa, "imapa"),
];

impl Model {
    /// Every model, the automatic choice first.
    pub fn all() -> impl Iterator<Item = Model> {
        NAMES.iter().map(|(model, _)| *model)
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(model, _)| model == self).map_or("", |(_, name)| *name);
        f.write_str(name)
    }
}

/// No model has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no model `{0}`; take one of {known}", known = known_names())]
pub struct UnknownModel(pub String);

fn known_names() -> String {
    NAMES.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

impl FromStr for Model {
    type Err = UnknownModel;

    fn from_str(text: &str) -> Result<Model, UnknownModel> {
        let found = NAMES.iter().find(|(_, name)| *name == text);
        found.map(|(model, _)| *model).ok_or_else(|| UnknownModel(text.to_owned()))
    }
}

/// What one model says of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// The means of the next values.
    pub mean: Vec<f64>,
    /// The very model, or the one that counts most: `ets MAdM and 2 more`, `ARIMA(0,1,1)`.
    pub detail: String,
}

impl Outlook {
    fn plain(model: Model, mean: Vec<f64>) -> Outlook {
        Outlook { mean, detail: model.to_string() }
    }

    fn flat(model: Model, level: f64, horizon: usize) -> Outlook {
        Outlook::plain(model, vec![level; horizon])
    }
}

/// Fits a model and forecasts; `None` when the series is too short for it, or not of its kind.
///
/// `season_length` is 1 without a season. [`Model::Auto`] is not a single model and gives `None`: see
/// [`crate::forecast`].
pub fn outlook(model: Model, y: &[f64], season_length: usize, horizon: usize) -> Option<Outlook> {
    if y.is_empty() || y.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let m = season_length.max(1);
    let plain = |mean: Option<Vec<f64>>| mean.map(|mean| Outlook::plain(model, mean));
    let flat = |level: f64| Some(Outlook::flat(model, level, horizon));
    let found = match model {
        Model::Auto => None,
        Model::Naive => plain(naive::naive(y, horizon)),
        Model::SeasonalNaive => plain(naive::seasonal_naive(y, m, horizon)),
        Model::Drift => plain(naive::drift(y, horizon)),
        Model::Mean => plain(naive::historic_mean(y, horizon)),
        Model::Ses => smoothing(model, Ets::fit(y, m, Spec::SES), horizon),
        Model::Holt => smoothing(model, Ets::fit(y, m, Spec::HOLT), horizon),
        Model::Damped => smoothing(model, Ets::fit(y, m, Spec::DAMPED), horizon),
        Model::HoltWinters => smoothing(model, Ets::fit(y, m, Spec::HOLT_WINTERS), horizon),
        Model::Ets => {
            let found = Ets::weighed(y, m).into_iter().map(|(ets, weight)| {
                (ets.forecast(horizon), format!("ets {}", ets.spec().name()), weight)
            });
            blend(found.collect(), &Bounds::of(y))
        }
        Model::Theta => theta(Theta::fit_best(y, m), horizon),
        Model::StandardTheta => theta(Theta::fit(y, m, Form::Standard), horizon),
        Model::OptimisedTheta => theta(Theta::fit(y, m, Form::Optimised), horizon),
        Model::DynamicTheta => theta(Theta::fit(y, m, Form::DynamicStandard), horizon),
        Model::DynamicOptimisedTheta => theta(Theta::fit(y, m, Form::DynamicOptimised), horizon),
        Model::Ces => Ces::fit_best(y, m).map(|ces| Outlook {
            mean: ces.forecast(horizon),
            detail: format!("ces {:?}", ces.form()).to_lowercase(),
        }),
        Model::Arima => {
            let found = Arima::weighed(y, m).into_iter();
            let found = found
                .map(|(arima, weight)| (arima.forecast(horizon), arima.order().name(), weight));
            blend(found.collect(), &Bounds::of(y))
        }
        Model::Mstl => Mstl::fit(y, &[m])
            .map(|mstl| Outlook { mean: mstl.forecast(horizon), detail: "mstl".to_owned() }),
        Model::Profile => plain(profile(y, m, horizon)),
        Model::Croston => flat(intermittent::croston(y)),
        Model::Sba => flat(intermittent::sba(y)),
        Model::Tsb => flat(intermittent::tsb(y, 0.2, 0.2)),
        Model::Adida => flat(intermittent::adida(y)),
        Model::Imapa => flat(intermittent::imapa(y)),
    };
    found.filter(|outlook| outlook.mean.iter().all(|value| value.is_finite()))
}

/// The weighed mean of forecasts, the best first, without those that leave the bounds of the history; the best one alone
/// where all do.
fn blend(found: Vec<(Vec<f64>, String, f64)>, bounds: &Bounds) -> Option<Outlook> {
    let (best, name, _) = found.first()?;
    let mut mean = vec![0.0; best.len()];
    let (mut total, mut n_kept) = (0.0, 0);
    for (values, _, weight) in found.iter().filter(|(values, ..)| bounds.admit(values)) {
        mean.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
        total += weight;
        n_kept += 1;
    }
    let detail = if n_kept > 1 { format!("{name} and {} more", n_kept - 1) } else { name.clone() };
    if n_kept == 0 {
        return Some(Outlook { mean: best.clone(), detail });
    }
    mean.iter_mut().for_each(|value| *value /= total);
    Some(Outlook { mean, detail })
}

fn smoothing(model: Model, ets: Option<Ets>, horizon: usize) -> Option<Outlook> {
    let ets = ets?;
    Some(Outlook { mean: ets.forecast(horizon), detail: format!("{model} {}", ets.spec().name()) })
}

fn theta(theta: Option<Theta>, horizon: usize) -> Option<Outlook> {
    let theta = theta?;
    let name = match theta.form() {
        Form::Standard => "standard theta",
        Form::Optimised => "optimised theta",
        Form::DynamicStandard => "dynamic theta",
        Form::DynamicOptimised => "dynamic optimised theta",
    };
    Some(Outlook { mean: theta.forecast(horizon), detail: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for model in Model::all() {
            assert_eq!(model.to_string().parse(), Ok(model));
        }
        let error = "prophet".parse::<Model>().unwrap_err();
        assert!(error.to_string().starts_with("there is no model `prophet`; take one of auto, "));
    }

    /// On a pure season with a slope every seasonal model beats the naive one by far.
    #[test]
    fn seasonal_models_learn_a_pure_season() {
        let value = |t: usize| 50.0 + 0.2 * t as f64 + 10.0 * [0.0, 1.0, 3.0, -2.0][t % 4];
        let y: Vec<f64> = (0..48).map(value).collect();
        let error = |model: Model| {
            let found = outlook(model, &y, 4, 8).unwrap();
            let off = |(step, mean): (usize, &f64)| (mean - value(48 + step)).abs();
            found.mean.iter().enumerate().map(off).sum::<f64>() / 8.0
        };
        let naive = error(Model::Naive);
        for model in [
            Model::HoltWinters,
            Model::Ets,
            Model::Theta,
            Model::DynamicOptimisedTheta,
            Model::Arima,
            Model::Ces,
            Model::Mstl,
        ] {
            assert!(error(model) < 0.1 * naive, "{model}: {} beside {naive}", error(model));
        }
    }
}
