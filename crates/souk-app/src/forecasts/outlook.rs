//! Series through the engine: means, variances, intervals, and how good earlier forecasts were.

use souk_core::Day;
use souk_forecast::drivers::Drivers;
use souk_forecast::measures::seasonal_scale;
use souk_forecast::{Forecast, Model, Settings, Task, forecast_with};

use super::BacktestFigures;
use crate::demand::DemandSeries;

/// Days in a season.
const WEEK: usize = 7;
/// Days that one look back of an outlook judges, and how many such looks there are.
const LOOK_DAYS: usize = 14;
const LOOKS: usize = 2;
/// Looks back of a single question, each of at most so many days and at least [`LOOK_DAYS`].
const CLOSE_LOOKS: usize = 3;
const CLOSE_DAYS_MAX: usize = 28;
/// Days of history that a look back needs before it.
const BEFORE_MIN: usize = 28;
/// How much larger than under independent days the variance of a total is taken to be before anything is known
/// (chosen: errors of neighbouring days go together), and how many looks back that counts like.
const INFLATION: f64 = 1.5;
const INFLATION_LOOKS: f64 = 4.0;
const INFLATION_MAX: f64 = 12.0;
/// One surprise counts as three standard deviations at most: a slow mover that sold for once must not make all
/// others look wild.
const RATIO_MAX: f64 = 9.0;
/// Looks back over all series of a call from which on they tell the usual inflation.
const POOLED_MIN: usize = 20;
/// The coverage whose upper end gives a day's variance, and its normal quantile.
const SPREAD_LEVEL: f64 = 0.8;
const SPREAD_Z: f64 = 1.281_552;

/// What is expected of one series, as short as can be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outlook {
    /// Of which series.
    pub(crate) fingerprint: u64,
    /// The first day ahead.
    pub(crate) first: Day,
    pub(crate) mean: Vec<f32>,
    /// Of each day by itself.
    pub(crate) variance: Vec<f32>,
    /// By what the variance of a total is larger than the sum of those of its days.
    pub(crate) inflation: f64,
    pub(crate) is_count: bool,
    /// One less the share by which totals over two weeks were missed, where that was tried.
    pub(crate) confidence: Option<f64>,
    /// The most that was ever sold on a day before the last week, and in the last week.
    pub(crate) peaks: (f64, f64),
    /// What lower prices did, where the product ever had one here.
    pub(crate) lower_price: Option<LowerPrice>,
}

/// What a lower price did to demand in the past, by promotions or, without any, by prices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LowerPrice {
    beta: f64,
    lever: Lever,
    /// The largest share off that was tried.
    pub(crate) deepest: f64,
    /// Days on which some share was off.
    pub(crate) days: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lever {
    /// Demand moves by exp(β·share off).
    Promotion,
    /// Demand moves by (price over the usual one)^β.
    Price,
}

impl LowerPrice {
    /// How many times as much is wanted with this share off.
    pub(crate) fn factor(&self, off: f64) -> f64 {
        match self.lever {
            Lever::Promotion => (self.beta * off).exp(),
            Lever::Price => (1.0 - off).powf(self.beta),
        }
    }

    /// What the effects of a forecast say of a series, where promotions or prices stand among them as `has_drivers`
    /// of all series of the call says.
    fn of(
        cut: &Cut<'_>,
        effects: &[f64],
        (promotions, prices): (bool, bool),
    ) -> Option<LowerPrice> {
        let (own_promotions, own_prices) = has_drivers(cut.series);
        let (beta, lever, off): (f64, Lever, Vec<f64>) = if promotions && own_promotions {
            (*effects.first()?, Lever::Promotion, cut.series.promotion.clone())
        } else if prices && own_prices {
            let beta = *effects.get(usize::from(promotions))?;
            let off = self::prices(cut).iter().map(|log| 1.0 - log.exp()).collect();
            (beta, Lever::Price, off)
        } else {
            return None;
        };
        let deepest = off.iter().copied().fold(0.0, f64::max);
        let days = off.iter().filter(|off| **off > 0.005).count();
        (days > 0).then_some(LowerPrice { beta, lever, deepest, days })
    }
}

/// Errors of one look back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Backtest {
    error: f64,
    actual: f64,
    variance: f64,
}

impl Backtest {
    fn of(actual: &[f64], mean: &[f64], variance: &[f64]) -> Backtest {
        let sum = |values: &[f64]| values.iter().take(actual.len()).sum::<f64>();
        let wanted = actual.iter().sum::<f64>();
        Backtest { error: sum(mean) - wanted, actual: wanted, variance: sum(variance) }
    }

    fn ratio(&self) -> Option<f64> {
        (self.variance > 1e-9).then(|| (self.error * self.error / self.variance).min(RATIO_MAX))
    }
}

/// A series cut off after so many days.
struct Cut<'a> {
    series: &'a DemandSeries,
    wanted: &'a [f64],
    until: usize,
}

/// Outlooks of many series, whose errors calibrate each other.
pub(crate) fn outlooks(all: &[&DemandSeries], horizon: usize) -> Vec<Outlook> {
    let wanted: Vec<Vec<f64>> = all.iter().map(|series| series.wanted().0).collect();
    let mut looks: Vec<Vec<Backtest>> = vec![Vec::new(); all.len()];
    for look in 1..=LOOKS {
        let back = look * LOOK_DAYS;
        let able: Vec<usize> =
            (0..all.len()).filter(|idx| all[*idx].len() >= BEFORE_MIN + back).collect();
        let cuts: Vec<Cut<'_>> = able
            .iter()
            .map(|idx| Cut {
                series: all[*idx],
                wanted: &wanted[*idx],
                until: all[*idx].len() - back,
            })
            .collect();
        let found = run(&cuts, LOOK_DAYS, &[SPREAD_LEVEL]);
        for ((idx, cut), forecast) in able.iter().zip(&cuts).zip(&found) {
            let actual = &cut.wanted[cut.until..cut.until + LOOK_DAYS];
            let variance = variances(forecast, 0, is_count(cut.wanted));
            looks[*idx].push(Backtest::of(actual, &forecast.mean, &variance));
        }
    }
    let ratios: Vec<f64> = looks.iter().flatten().filter_map(Backtest::ratio).collect();
    let usual = match ratios.len() {
        n if n >= POOLED_MIN => ratios.iter().sum::<f64>() / n as f64,
        _ => INFLATION,
    };
    let cuts: Vec<Cut<'_>> = all
        .iter()
        .zip(&wanted)
        .map(|(series, wanted)| Cut { series, wanted, until: wanted.len() })
        .collect();
    let found = run(&cuts, horizon, &[SPREAD_LEVEL]);
    let drivers = all.iter().map(|series| has_drivers(series));
    let drivers = drivers.fold((false, false), |a, b| (a.0 || b.0, a.1 || b.1));
    let made = cuts.iter().zip(&found).zip(&looks).map(|((cut, forecast), looks)| {
        let is_count = is_count(cut.wanted);
        let narrow = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
        let recent = cut.wanted.len().saturating_sub(WEEK);
        let peak = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        Outlook {
            fingerprint: cut.series.fingerprint(),
            first: Day::from_number(cut.series.last().number() + 1),
            mean: narrow(&forecast.mean),
            variance: narrow(&variances(forecast, 0, is_count)),
            inflation: inflation(looks, usual),
            is_count,
            confidence: confidence(looks),
            peaks: (peak(&cut.series.sold[..recent]), peak(&cut.series.sold[recent..])),
            lower_price: LowerPrice::of(cut, &forecast.effects, drivers),
        }
    });
    made.collect()
}

fn inflation(looks: &[Backtest], usual: f64) -> f64 {
    let own: Vec<f64> = looks.iter().filter_map(Backtest::ratio).collect();
    let n = own.len() as f64;
    let drawn = (own.iter().sum::<f64>() + INFLATION_LOOKS * usual) / (n + INFLATION_LOOKS);
    drawn.clamp(1.0, INFLATION_MAX)
}

fn confidence(looks: &[Backtest]) -> Option<f64> {
    let wanted: f64 = looks.iter().map(|look| look.actual).sum();
    let missed: f64 = looks.iter().map(|look| look.error.abs()).sum();
    (wanted > 0.0).then(|| (1.0 - missed / wanted).max(0.0))
}

/// One question's forecast with all that is said about it.
pub(crate) struct Closely {
    pub(crate) forecast: Forecast,
    pub(crate) variance: Vec<f64>,
    pub(crate) inflation: f64,
    pub(crate) is_count: bool,
    pub(crate) backtest: Option<BacktestFigures>,
    /// What the empty shelf's days add to the history.
    pub(crate) added: f64,
    pub(crate) wanted: Vec<f64>,
}

/// Forecasts one series so many days ahead, and looks back at how good that was for a horizon.
pub(crate) fn closely(
    series: &DemandSeries,
    (horizon, reach): (usize, usize),
    levels: &[f64],
) -> Closely {
    let (wanted, added) = series.wanted();
    let is_count = is_count(&wanted);
    // A shorter look would say little of how errors of neighbouring days go together.
    let span = horizon.clamp(LOOK_DAYS, CLOSE_DAYS_MAX);
    let mut cuts = Vec::new();
    for look in 1..=CLOSE_LOOKS {
        if wanted.len() >= BEFORE_MIN + look * span {
            cuts.push(Cut { series, wanted: &wanted, until: wanted.len() - look * span });
        }
    }
    let mut looks = Vec::new();
    let mut sums = Sums::default();
    for cut in &cuts {
        // Each by itself: one must not calibrate by values after its own end.
        let found = run(std::slice::from_ref(cut), span, &[SPREAD_LEVEL]);
        let actual = &wanted[cut.until..cut.until + span];
        let variance = variances(&found[0], 0, is_count);
        looks.push(Backtest::of(actual, &found[0].mean, &variance));
        sums.add(&wanted[..cut.until], actual, &found[0].mean);
    }
    let mut asked = levels.to_vec();
    asked.push(SPREAD_LEVEL);
    let cut = Cut { series, wanted: &wanted, until: wanted.len() };
    let mut found = run(&[cut], reach, &asked);
    let mut forecast = found.remove(0);
    let variance = variances(&forecast, levels.len(), is_count);
    forecast.intervals.truncate(levels.len());
    let inflation = inflation(&looks, INFLATION);
    Closely { forecast, variance, inflation, is_count, backtest: sums.figures(), added, wanted }
}

#[derive(Default)]
struct Sums {
    scaled: f64,
    n_scaled: usize,
    absolute: f64,
    signed: f64,
    actual: f64,
    days: usize,
}

impl Sums {
    fn add(&mut self, before: &[f64], actual: &[f64], mean: &[f64]) {
        let errors: Vec<f64> = actual.iter().zip(mean).map(|(y, f)| f - y).collect();
        let absolute: f64 = errors.iter().map(|error| error.abs()).sum();
        if let Some(scale) = seasonal_scale(before, WEEK) {
            self.scaled += absolute / actual.len() as f64 / scale;
            self.n_scaled += 1;
        }
        self.absolute += absolute;
        self.signed += errors.iter().sum::<f64>();
        self.actual += actual.iter().sum::<f64>();
        self.days += actual.len();
    }

    fn figures(&self) -> Option<BacktestFigures> {
        let share = |value: f64| (self.actual > 0.0).then(|| value / self.actual);
        (self.days > 0).then(|| BacktestFigures {
            mase: (self.n_scaled > 0).then(|| self.scaled / self.n_scaled as f64),
            wape: share(self.absolute),
            bias: share(self.signed),
            days: self.days,
        })
    }
}

/// Whether demand comes in whole pieces.
fn is_count(wanted: &[f64]) -> bool {
    // What an empty shelf adds is no whole number, so a few may be none.
    let n_whole = wanted.iter().filter(|value| value.fract() == 0.0).count();
    n_whole * 10 >= wanted.len() * 8
}

/// The variance of each day, from the upper end of its interval: the lower one of slow movers is cut at 0.
fn variances(forecast: &Forecast, level_idx: usize, is_count: bool) -> Vec<f64> {
    let Some((_, high)) = forecast.intervals.get(level_idx) else { return Vec::new() };
    let of_day = |(mean, high): (&f64, &f64)| {
        let spread = ((high - mean) / SPREAD_Z).max(0.0).powi(2);
        // Pieces vary at least as Poisson's do.
        if is_count { spread.max(mean.max(0.0)) } else { spread }
    };
    forecast.mean.iter().zip(high).map(of_day).collect()
}

/// Forecasts series from where they are cut off, with promotions and prices where those ever changed.
fn run(cuts: &[Cut<'_>], horizon: usize, levels: &[f64]) -> Vec<Forecast> {
    if cuts.is_empty() {
        return Vec::new();
    }
    let tasks: Vec<Task> = cuts
        .iter()
        .map(|cut| Task {
            id: String::new(),
            y: cut.wanted[..cut.until].to_vec(),
            season_length: WEEK,
        })
        .collect();
    let columns: Vec<(Vec<f64>, Vec<f64>)> =
        cuts.iter().map(|cut| (promotions(cut), prices(cut))).collect();
    let is_moving =
        |column: &[f64], until: usize| column[..until].windows(2).any(|pair| pair[0] != pair[1]);
    let has_promotions =
        cuts.iter().zip(&columns).any(|(cut, (column, _))| is_moving(column, cut.until));
    let has_prices =
        cuts.iter().zip(&columns).any(|(cut, (_, column))| is_moving(column, cut.until));
    let drivers: Vec<Drivers> = cuts
        .iter()
        .zip(&columns)
        .map(|(cut, (promotions, prices))| {
            let mut drivers = Drivers::default();
            for (is_used, column) in [(has_promotions, promotions), (has_prices, prices)] {
                if is_used {
                    let ahead = (0..horizon).map(|step| {
                        column.get(cut.until + step).or(column.last()).copied().unwrap_or(0.0)
                    });
                    drivers.past.push(column[..cut.until].to_vec());
                    drivers.ahead.push(ahead.collect());
                }
            }
            drivers
        })
        .collect();
    let settings = Settings {
        model: Model::Auto,
        horizon,
        levels: levels.to_vec(),
        quantiles: Vec::new(),
        threads: 1,
    };
    forecast_with(&tasks, &drivers, &settings)
}

/// How deep promotions are on each day of the history and ahead of it.
fn promotions(cut: &Cut<'_>) -> Vec<f64> {
    let series = cut.series;
    series.promotion.iter().chain(&series.promotion_ahead).copied().collect()
}

/// The log of the price over the usual one, on each day of the history; ahead the last one stays.
fn prices(cut: &Cut<'_>) -> Vec<f64> {
    let known: Vec<f64> = cut.series.price.iter().copied().filter(|price| *price > 0.0).collect();
    if known.is_empty() {
        return vec![0.0; cut.series.len()];
    }
    let usual = known.iter().sum::<f64>() / known.len() as f64;
    let of = |price: &f64| if *price > 0.0 { (price / usual).ln() } else { 0.0 };
    cut.series.price.iter().map(of).collect()
}

/// Whether promotions and prices stand among the effects of a forecast, in this order.
pub(crate) fn has_drivers(series: &DemandSeries) -> (bool, bool) {
    let moves = |column: &[f64]| column.windows(2).any(|pair| pair[0] != pair[1]);
    (moves(&series.promotion), moves(&series.price))
}
