//! `souk forecast --plot`: history, forecast, intervals and what was on, as a picture.

use souk_forecast::{Forecast, Settings};

use super::percent;
use super::table::{Input, Known};
use crate::chart::{BLUE, Band, DARK, GREEN, Line, ORANGE, Panel, Stripe, Stroke, YELLOW, svg};

/// Panels of one picture; more would be no picture.
pub(super) const PANELS_MAX: usize = 12;
/// Models that are named.
const MODELS_MAX: usize = 3;
/// Steps of history beside a horizon, by horizons and seasons, and at least.
const HORIZONS: usize = 3;
const SEASONS: usize = 4;
const STEPS_MIN: usize = 30;

/// The first series of a file, each in a panel.
pub(super) fn picture(input: &Input, forecasts: &[Forecast], settings: &Settings) -> String {
    let all = input.series.iter().zip(forecasts).take(PANELS_MAX);
    let panels: Vec<Panel> =
        all.map(|(known, forecast)| panel((input, known), forecast, settings)).collect();
    svg(&panels)
}

fn panel((input, known): (&Input, &Known), forecast: &Forecast, settings: &Settings) -> Panel {
    let (n, horizon) = (known.series.y.len(), forecast.mean.len());
    let season = known.series.frequency.season_length();
    let shown = (HORIZONS * horizon).max(SEASONS * season).max(STEPS_MIN).min(n);
    let first = n - shown;
    let history = (first..n).map(|idx| (idx as f64, known.series.y[idx])).collect();
    // The forecast begins where the history ends.
    let last = known.series.y.last().map(|y| ((n - 1) as f64, *y));
    let ahead = |idx: usize| (n + idx) as f64;
    let mean = forecast.mean.iter().enumerate().map(|(idx, mean)| (ahead(idx), *mean));
    let mut levels: Vec<_> = settings.levels.iter().copied().zip(&forecast.intervals).collect();
    // The widest one first, so that the others lie upon it.
    levels.sort_by(|a, b| b.0.total_cmp(&a.0));
    let bands = levels.iter().enumerate().map(|(place, (level, (low, high)))| Band {
        label: format!("{} % of futures", percent(*level)),
        colour: BLUE,
        opacity: (0.16 + 0.12 * place as f64).min(0.6),
        points: (0..horizon).map(|idx| (ahead(idx), low[idx], high[idx])).collect(),
    });
    let moments = (first..n + horizon).filter_map(|idx| {
        let at = known.series.moment_at(idx)?;
        Some((idx as f64, at.to_string()))
    });
    Panel {
        title: known.id.clone(),
        subtitle: format!("{horizon} steps ahead; weight of its models: {}", models(forecast)),
        x_label: "date, or number of the step".to_owned(),
        y_label: format!("units per {}", step_name(known)),
        x_names: moments.collect(),
        stripes: stripes(input, known, first),
        bands: bands.collect(),
        lines: vec![
            Line {
                label: "history".to_owned(),
                colour: DARK,
                points: history,
                stroke: Stroke::Thin,
            },
            Line {
                label: "forecast".to_owned(),
                colour: BLUE,
                points: last.into_iter().chain(mean).collect(),
                stroke: Stroke::Thick,
            },
        ],
    }
}

/// The models that weigh most.
fn models(forecast: &Forecast) -> String {
    let mut models: Vec<&(String, f64)> = forecast.models.iter().collect();
    models.sort_by(|a, b| b.1.total_cmp(&a.1));
    let named = models.iter().take(MODELS_MAX);
    let named = named.map(|(name, weight)| format!("{name} {:.0} %", 100.0 * weight));
    let mut words: Vec<String> = named.collect();
    if let Some(more) = models.len().checked_sub(MODELS_MAX + 1) {
        words.push(format!("{} more", more + 1));
    }
    words.join(", ")
}

fn step_name(known: &Known) -> &'static str {
    match known.series.frequency.letter() {
        "H" => "hour",
        "D" => "day",
        "W" => "week",
        "M" => "month",
        "Q" => "quarter",
        "Y" => "year",
        _ => "step",
    }
}

/// Where columns that are mostly 0 are not: promotions, events, holidays.
fn stripes(input: &Input, known: &Known, first: usize) -> Vec<Stripe> {
    let columns = input.columns(known);
    let seldom = columns.into_iter().filter(|(_, values)| {
        let n_on = values.iter().filter(|value| **value != 0.0).count();
        n_on > 0 && 2 * n_on <= values.len()
    });
    let colours = [YELLOW, ORANGE, GREEN];
    let with_colour = seldom.zip(colours);
    let stripe = with_colour.map(|((name, values), colour)| {
        let on = |idx: &usize| values[*idx] != 0.0;
        let steps: Vec<usize> = (first..values.len()).filter(on).collect();
        let spans = steps.chunk_by(|a, b| a + 1 == *b);
        Stripe {
            label: format!("`{name}` is not 0"),
            colour,
            spans: spans
                .map(|span| (span[0] as f64 - 0.5, span[span.len() - 1] as f64 + 0.5))
                .collect(),
        }
    });
    stripe.collect()
}
