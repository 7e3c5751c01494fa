//! Signals from outside as drivers of demand, as far as earlier days bear them out.
//!
//! Anything goes with sales for a while, so a signal is only listened to when it would have helped: at each look
//! back its effect is learned from the days before, and put on what was expected of the days after. A signal stays when errors
//! shrank by more than chance explains, day by day, at five in a hundred shared by all signals that were tried
//! (one-sided paired test; Bonferroni). The look back takes the signal's own values for what was foretold of it.

use souk_forecast::drivers::effects;
use souk_math::normal;

use super::KeyFactor;
use super::outlook::{Cut, Found, expected, tasks_of, with_drivers};
use crate::demand::DemandSeries;

#[cfg(test)]
mod tests;

/// The share of the recent past that must be known (chosen).
const KNOWN_MIN: f64 = 0.8;
/// Days of the recent past.
const RECENT: usize = 364;
/// Values beyond so many standard deviations count as that (chosen).
const FAR: f64 = 4.0;
/// The chance that signals that do nothing are listened to.
const DOUBT: f64 = 0.05;
/// Days that must have been looked back at.
const DAYS_MIN: usize = 28;

/// One look back of some series.
pub(super) struct Past<'a> {
    pub(super) cuts: &'a [Cut<'a>],
    pub(super) found: &'a [Found],
    /// Days that it judges.
    pub(super) days: usize,
}

/// A signal that a forecast listens to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    name: String,
    /// By how much the log of demand moves for a standard deviation more.
    beta: f64,
    usual: f64,
    deviation: f64,
    /// Its value on each day ahead, where it is known.
    ahead: Vec<Option<f64>>,
}

/// What is usual, and the standard deviation; `None` where too little is known, or nothing ever changed.
fn spread_of(values: &[Option<f64>]) -> Option<(f64, f64)> {
    let recent = &values[values.len().saturating_sub(RECENT)..];
    let n_recent = recent.iter().flatten().count();
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let is_enough = !recent.is_empty() && n_recent as f64 >= KNOWN_MIN * recent.len() as f64;
    let usual = souk_math::mean(&known);
    let square = known.iter().map(|value| (value - usual).powi(2)).sum::<f64>();
    let deviation = (square / known.len().max(1) as f64).sqrt();
    (is_enough && deviation > 1e-9 * usual.abs().max(1e-9)).then_some((usual, deviation))
}

/// A signal in standard deviations off what is usual, on each day before a cut and on days after it; 0 where it is not
/// known.
pub(super) fn column(
    series: &DemandSeries,
    (name, until, horizon): (&str, usize, usize),
) -> (Vec<f64>, Vec<f64>) {
    let signal = series.signals.iter().find(|signal| signal.name == name);
    let values = signal.map_or(&[][..], |signal| &signal.values);
    let past = &values[..until.min(values.len())];
    let Some((usual, deviation)) = spread_of(past) else {
        return (vec![0.0; until], vec![0.0; horizon]);
    };
    let of_day = |idx: usize| {
        let value = values.get(idx).copied().flatten();
        value.map_or(0.0, |value| ((value - usual) / deviation).clamp(-FAR, FAR))
    };
    ((0..until).map(of_day).collect(), (until..until + horizon).map(of_day).collect())
}

/// The names of all signals that some series knows enough of.
fn names_of(cuts: &[Cut<'_>]) -> Vec<String> {
    let known = cuts.iter().flat_map(|cut| {
        let enough = |values: &[Option<f64>]| spread_of(&values[..cut.until.min(values.len())]);
        cut.series.signals.iter().filter(move |signal| enough(&signal.values).is_some())
    });
    let mut names: Vec<String> = known.map(|signal| signal.name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The signals that would have helped at these looks back.
pub(super) fn helpful(looks: &[Past<'_>]) -> Vec<String> {
    let Some(first) = looks.first() else { return Vec::new() };
    let names = names_of(first.cuts);
    let least = normal::quantile(1.0 - DOUBT / names.len().max(1) as f64);
    let helps = |name: &String| {
        let gains: Vec<f64> = looks.iter().flat_map(|look| gains(look, name)).collect();
        let mean = souk_math::mean(&gains);
        let square = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>();
        let deviation = (square / (gains.len().max(2) - 1) as f64).sqrt();
        gains.len() >= DAYS_MIN && mean * (gains.len() as f64).sqrt() > least * deviation
    };
    names.into_iter().filter(helps).collect()
}

/// By day of a look back: how much smaller errors were with a signal, over each series' usual demand.
fn gains(look: &Past<'_>, name: &str) -> Vec<f64> {
    let drivers = with_drivers(look.cuts, look.days, &[name.to_owned()]);
    let betas = effects(&tasks_of(look.cuts), &drivers);
    let mut gains = vec![0.0; look.days];
    for ((cut, found), (drivers, betas)) in
        look.cuts.iter().zip(look.found).zip(drivers.iter().zip(&betas))
    {
        let (Some(ahead), Some(beta)) = (drivers.ahead.last(), betas.last()) else { continue };
        let usual = souk_math::mean(&cut.wanted[..cut.until]);
        if usual <= 0.0 {
            continue;
        }
        let actual = &cut.wanted[cut.until..cut.until + look.days];
        for (day, (actual, base)) in actual.iter().zip(expected(found)).enumerate() {
            let with = base * (beta * ahead[day]).exp();
            gains[day] += ((actual - base).abs() - (actual - with).abs()) / usual;
        }
    }
    gains
}

/// The signals of one series that its forecast listens to, by their effects.
pub(super) fn heard(series: &DemandSeries, kept: &[String], effects: &[f64]) -> Vec<Heard> {
    let from = effects.len().saturating_sub(kept.len());
    let of = |(name, beta): (&String, &f64)| {
        let signal = series.signals.iter().find(|signal| signal.name == *name)?;
        let (past, ahead) = signal.values.split_at(series.len().min(signal.values.len()));
        let (usual, deviation) = spread_of(past)?;
        let (name, ahead) = (name.clone(), ahead.to_vec());
        Some(Heard { name, beta: *beta, usual, deviation, ahead })
    };
    kept.iter().zip(&effects[from..]).filter_map(of).collect()
}

impl Heard {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its value on days ahead, where it is known.
    fn known(&self, horizon: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let days = self.ahead.iter().take(horizon).enumerate();
        days.filter_map(|(day, value)| Some((day, (*value)?)))
    }

    /// What it does to the days of a horizon.
    pub(super) fn factor(&self, mean: &[f64], horizon: usize) -> Option<KeyFactor> {
        let n = self.known(horizon).count();
        if n == 0 {
            return None;
        }
        let effect = self.known(horizon).filter_map(|(day, value)| {
            let off = ((value - self.usual) / self.deviation).clamp(-FAR, FAR);
            Some(mean.get(day)? * (1.0 - (-self.beta * off).exp()))
        });
        let there = self.known(horizon).map(|(_, value)| value).sum::<f64>() / n as f64;
        let text = format!(
            "`{}` is {there:.2} on average on {n} days of the horizon, where {:.2} is usual; {:.2} more changed demand by {:+.0} %",
            self.name,
            self.usual,
            self.deviation,
            (self.beta.exp() - 1.0) * 100.0
        );
        Some(KeyFactor { factor: "signal", effect_units: effect.sum(), text })
    }

    /// What is not known of a horizon.
    pub(super) fn note(&self, horizon: usize) -> Option<String> {
        let missing = horizon - self.known(horizon).count();
        (missing > 0).then(|| {
            format!(
                "signal `{}` has no value for {missing} of the {horizon} days ahead, which count as usual ones; send them to POST \
                 /v1/signals",
                self.name
            )
        })
    }
}
