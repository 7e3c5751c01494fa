//! Series through the engine: means, how spread totals are, intervals, and how good earlier forecasts were.
//!
//! What must be bridged is a total, so the mean of a day is a level made for totals ([`souk_forecast::totals`]) and the
//! engine's forecast, each as far as totals of earlier days bear it out.

use souk_core::{Day, Timestamp};
use souk_forecast::drivers::Drivers;
use souk_forecast::measures::seasonal_scale;
use souk_forecast::totals::{Grain, History, Span, Totals, totals};
use souk_forecast::{Forecast, Model, Settings, Task, forecast_with};

use super::BacktestFigures;
use super::answer::model_text;
use super::outside::{self, Heard, Past};
use crate::demand::DemandSeries;

pub(crate) use price::LowerPrice;

mod price;
mod stored;
#[cfg(test)]
mod tests;

/// Days in a season.
const WEEK: usize = 7;
/// Days that one look back of an outlook judges, and how many such looks there are.
const LOOK_DAYS: usize = 14;
const LOOKS: usize = 2;
/// Days before now that looks back of an outlook judge.
pub(super) const JUDGED_DAYS: i32 = (LOOKS * LOOK_DAYS) as i32;
/// Looks back of a single question, each of at most so many days and at least [`LOOK_DAYS`].
const CLOSE_LOOKS: usize = 3;
const CLOSE_DAYS_MAX: usize = 28;
/// Days of history that a look back needs before it.
const BEFORE_MIN: usize = 28;
/// Days of the totals that are to be right: what a weekly order with a lead time of three days must bridge.
pub(super) const TOTAL_DAYS: usize = 10;
/// Looks back that outweigh, of the engine's share in the mean, what all series of a call together say (chosen).
const SHARED_LOOKS: f64 = 4.0;
/// By how much, before anything is known, the level is believed rather than the engine: as much as a look back
/// at which they lay a standard deviation apart and the level was right (chosen).
const DOUBT: f64 = 1.0;

/// What is expected of one series, as short as can be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outlook {
    /// Of which series.
    pub(crate) fingerprint: u64,
    /// The first day ahead.
    pub(crate) first: Day,
    pub(crate) mean: Vec<f32>,
    pub(crate) spread: Spread,
    pub(crate) is_count: bool,
    /// One less the share by which totals over two weeks were missed, where that was tried, each with the engine's share
    /// that the other looks back bear out.
    pub(crate) confidence: Option<f64>,
    /// By how much the same totals were missed, where that was tried.
    pub(crate) misses: Option<Misses>,
    /// The most that was ever sold on a day before the last week, and in the last week.
    pub(crate) peaks: (f64, f64),
    /// What lower prices did, where the product ever had one here.
    pub(crate) lower_price: Option<LowerPrice>,
    /// The engine's models with their shares, in words.
    pub(crate) model: String,
    /// When it was made; whoever keeps it says so.
    pub(crate) fitted_at: Timestamp,
}

/// By how many units totals over two weeks were missed, all looks back together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Misses {
    /// By the forecasts, each with the engine's share that the other looks back bear out.
    pub(crate) forecast: f64,
    /// By repeating the week before.
    pub(crate) last_week: f64,
}

/// How spread totals are around their mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    /// Of a day: its variance over its mean.
    pub(crate) dispersion: f64,
    /// Days that the mean rests on.
    pub(crate) known_days: f64,
}

impl Spread {
    /// The variance of a total, by its mean and its days.
    pub(crate) fn variance(&self, mean: f64, days: f64) -> f64 {
        let made = Totals { mean: Vec::new(), dispersion: self.dispersion, known: self.known_days };
        made.variance(mean, days)
    }
}

/// What was expected at one look back, and what came.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Look {
    actual: f64,
    /// By the level and by the engine.
    level: f64,
    engine: f64,
    variance: f64,
}

impl Look {
    fn of(actual: &[f64], found: &Found) -> Look {
        let sum = |values: &[f64]| values.iter().take(actual.len()).sum::<f64>();
        let level = sum(&found.totals.mean);
        Look {
            actual: actual.iter().sum(),
            level,
            engine: sum(&found.forecast.mean),
            variance: found.totals.variance(level, actual.len() as f64).max(1e-9),
        }
    }

    fn error(&self, share: f64) -> f64 {
        self.level + share * (self.engine - self.level) - self.actual
    }
}

/// What looks back say of the engine's share, all of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Evidence {
    /// How the engine's departure from the level goes with what the level missed.
    with: f64,
    /// The square of that departure.
    square: f64,
    n: f64,
}

impl Evidence {
    fn of<'a>(looks: impl IntoIterator<Item = &'a Look>) -> Evidence {
        let mut sums = Evidence::default();
        for look in looks {
            let apart = look.engine - look.level;
            sums.with += (look.actual - look.level) * apart / look.variance;
            sums.square += apart * apart / look.variance;
            sums.n += 1.0;
        }
        sums
    }

    /// The same without some of its looks.
    fn without(self, some: Evidence) -> Evidence {
        Evidence {
            with: self.with - some.with,
            // What rounding leaves below 0 is nothing.
            square: (self.square - some.square).max(0.0),
            n: self.n - some.n,
        }
    }
}

/// The engine's share in the mean: the least squares of past totals, those of one series drawn to those of all
/// (Bates and Granger, Operational Research Quarterly 20(4), 1969).
fn engine_share(own: Evidence, all: Option<Evidence>) -> f64 {
    let all = all.unwrap_or_default();
    let weight = SHARED_LOOKS / f64::max(all.n, SHARED_LOOKS);
    let with = own.with + weight * all.with;
    let square = own.square + weight * all.square + DOUBT;
    (with / square).clamp(0.0, 1.0)
}

/// The shares by which a series' looks back are judged: each is fitted to the other looks, because a share that knows
/// what came says nothing of what is to come. `all` holds the series' own looks too.
fn judging_shares(own: &[Look], all: Option<Evidence>) -> Vec<f64> {
    let sums = Evidence::of(own);
    let share = |look: &Look| {
        let judged = Evidence::of([look]);
        engine_share(sums.without(judged), all.map(|all| all.without(judged)))
    };
    own.iter().map(share).collect()
}

/// A day's mean by both.
fn blended(found: &Found, share: f64) -> Vec<f64> {
    let pairs = found.totals.mean.iter().zip(&found.forecast.mean);
    pairs.map(|(level, engine)| (level + share * (engine - level)).max(0.0)).collect()
}

/// With nothing on days on which the place will be closed.
fn opened(series: &DemandSeries, mut mean: Vec<f64>) -> Vec<f64> {
    let pairs = mean.iter_mut().zip(&series.closed_ahead);
    pairs.filter(|(_, is_closed)| **is_closed).for_each(|(mean, _)| *mean = 0.0);
    mean
}

/// A day's mean by both alike, before anything is known of how far to believe which.
pub(super) fn expected(found: &Found) -> Vec<f64> {
    blended(found, 0.5)
}

/// What the engine and the level say of one series.
pub(super) struct Found {
    forecast: Forecast,
    totals: Totals,
}

/// A series cut off after so many days.
pub(super) struct Cut<'a> {
    pub(super) series: &'a DemandSeries,
    pub(super) wanted: &'a [f64],
    pub(super) until: usize,
}

impl Cut<'_> {
    /// What other series say that the level is to be multiplied by.
    fn factor(&self) -> f64 {
        let taught = self.series.taught.as_ref();
        taught.map_or(1.0, |taught| taught.factor(self.series, &self.wanted[..self.until]))
    }
}

/// Outlooks of many series, whose errors calibrate each other, on so many threads.
pub(crate) fn outlooks(all: &[&DemandSeries], horizon: usize, threads: usize) -> Vec<Outlook> {
    let wanted: Vec<Vec<f64>> = all.iter().map(|series| series.wanted().0).collect();
    let mut looks: Vec<Vec<Look>> = vec![Vec::new(); all.len()];
    let mut pasts = Vec::new();
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
        let found = run(&cuts, (LOOK_DAYS, &[]), &[], threads);
        for ((idx, cut), found) in able.iter().zip(&cuts).zip(&found) {
            let actual = &cut.wanted[cut.until..cut.until + LOOK_DAYS];
            looks[*idx].push(Look::of(actual, found));
        }
        pasts.push((cuts, found));
    }
    let judged: Vec<Past<'_>> =
        pasts.iter().map(|(cuts, found)| Past { cuts, found, days: LOOK_DAYS }).collect();
    let kept = outside::helpful(&judged);
    let cuts: Vec<Cut<'_>> = all
        .iter()
        .zip(&wanted)
        .map(|(series, wanted)| Cut { series, wanted, until: wanted.len() })
        .collect();
    let found = run(&cuts, (horizon, &kept), &[], threads);
    let drivers = all.iter().map(|series| has_drivers(series));
    let drivers = drivers.fold((false, false), |a, b| (a.0 || b.0, a.1 || b.1));
    let shared = Some(Evidence::of(looks.iter().flatten()));
    let made = cuts.iter().zip(&found).zip(&looks).map(|((cut, found), own)| {
        let share = engine_share(Evidence::of(own), shared);
        let shares = judging_shares(own, shared);
        let recent = cut.wanted.len().saturating_sub(WEEK);
        let peak = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        Outlook {
            fingerprint: cut.series.fingerprint(),
            first: Day::from_number(cut.series.last().number() + 1),
            mean: opened(cut.series, blended(found, share))
                .into_iter()
                .map(|value| value as f32)
                .collect(),
            spread: Spread::of(found),
            is_count: is_count(cut.wanted),
            confidence: confidence(own, &shares),
            misses: Misses::of(own, &shares, cut.wanted),
            peaks: (peak(&cut.series.sold[..recent]), peak(&cut.series.sold[recent..])),
            lower_price: LowerPrice::of(cut, &found.forecast.effects, drivers),
            model: model_text(&found.forecast.models),
            fitted_at: Timestamp::default(),
        }
    });
    made.collect()
}

/// One less the share by which looks back were missed, each with its share of the engine.
fn confidence(looks: &[Look], shares: &[f64]) -> Option<f64> {
    let wanted: f64 = looks.iter().map(|look| look.actual).sum();
    let missed: f64 = looks.iter().zip(shares).map(|(look, share)| look.error(*share).abs()).sum();
    (wanted > 0.0).then(|| (1.0 - missed / wanted).max(0.0))
}

impl Misses {
    /// Of looks back over a history, the latest first.
    fn of(looks: &[Look], shares: &[f64], wanted: &[f64]) -> Option<Misses> {
        let missed = looks.iter().zip(shares).map(|(look, share)| look.error(*share).abs());
        let before = (1..).map(|look| {
            let until = wanted.len() - look * LOOK_DAYS;
            wanted[until - WEEK..until].iter().sum::<f64>() * (LOOK_DAYS / WEEK) as f64
        });
        let repeated = looks.iter().zip(before).map(|(look, twice)| (twice - look.actual).abs());
        let misses = Misses { forecast: missed.sum(), last_week: repeated.sum() };
        (!looks.is_empty()).then_some(misses)
    }
}

impl Spread {
    fn of(found: &Found) -> Spread {
        Spread { dispersion: found.totals.dispersion, known_days: found.totals.known }
    }
}

/// One question's forecast with all that is said about it.
pub(crate) struct Closely {
    pub(crate) forecast: Forecast,
    pub(crate) spread: Spread,
    pub(crate) is_count: bool,
    pub(crate) backtest: Option<BacktestFigures>,
    /// What the empty shelf's days add to the history.
    pub(crate) added: f64,
    pub(crate) wanted: Vec<f64>,
    /// Signals that it listens to.
    pub(crate) heard: Vec<Heard>,
    /// What other series say that its level is to be multiplied by.
    pub(crate) taught: f64,
}

impl Closely {
    /// Goes by the outlook that plans go by, so that both say the same of the same days. Days beyond it are as high beside its
    /// last four weeks as they were.
    pub(super) fn follow(&mut self, outlook: &Outlook) {
        let own = &self.forecast.mean;
        let n = outlook.mean.len().min(own.len());
        let recent = n.saturating_sub(4 * WEEK)..n;
        let planned: f64 = outlook.mean[recent.clone()].iter().map(|mean| f64::from(*mean)).sum();
        let of_own: f64 = own[recent].iter().sum();
        let factor = if of_own > 0.0 { planned / of_own } else { 1.0 };
        let days = outlook.mean[..n].iter().map(|mean| f64::from(*mean));
        let mean = days.chain(own[n..].iter().map(|mean| mean * factor)).collect();
        move_to(&mut self.forecast, mean);
        (self.spread, self.is_count) = (outlook.spread, outlook.is_count);
    }
}

/// Cuts of a series before each of the last spans of so many days, with what was found there. Each is forecast by itself: one
/// must not calibrate by values after its own end.
fn looks_back<'a>(
    series: &'a DemandSeries,
    wanted: &'a [f64],
    span: usize,
) -> Vec<(Cut<'a>, Found)> {
    let looks = (1..=CLOSE_LOOKS).filter(|look| wanted.len() >= BEFORE_MIN + look * span);
    let cuts = looks.map(|look| Cut { series, wanted, until: wanted.len() - look * span });
    let with = |cut: Cut<'a>| {
        let found = run(std::slice::from_ref(&cut), (span, &[]), &[], 1).remove(0);
        (cut, found)
    };
    cuts.map(with).collect()
}

/// What a look back expected beside what came in its days.
fn judged((cut, found): &(Cut<'_>, Found), span: usize) -> Look {
    Look::of(&cut.wanted[cut.until..cut.until + span], found)
}

/// Forecasts one series so many days ahead, and looks back at how good that was for a horizon.
///
/// The forecast itself does not depend on the horizon.
pub(crate) fn closely(
    series: &DemandSeries,
    (horizon, reach): (usize, usize),
    levels: &[f64],
) -> Closely {
    let (wanted, added) = series.wanted();
    let is_count = is_count(&wanted);
    // A shorter look would say little of how errors of neighbouring days go together.
    let span = horizon.clamp(LOOK_DAYS, CLOSE_DAYS_MAX);
    let near = looks_back(series, &wanted, LOOK_DAYS);
    let far = if span == LOOK_DAYS { None } else { Some(looks_back(series, &wanted, span)) };
    let far = far.as_ref().unwrap_or(&near);
    let looks: Vec<Look> = far.iter().map(|one| judged(one, span)).collect();
    let mut sums = Sums::default();
    for ((cut, found), share) in far.iter().zip(judging_shares(&looks, None)) {
        let after = &wanted[cut.until..cut.until + span];
        sums.add(&wanted[..cut.until], after, &blended(found, share));
    }
    let looks: Vec<Look> = near.iter().map(|one| judged(one, LOOK_DAYS)).collect();
    let share = engine_share(Evidence::of(&looks), None);
    let judged = near.iter().map(|(cut, found)| {
        let (cuts, found) = (std::slice::from_ref(cut), std::slice::from_ref(found));
        Past { cuts, found, days: LOOK_DAYS }
    });
    let judged: Vec<Past<'_>> = judged.collect();
    let kept = outside::helpful(&judged);
    let cut = Cut { series, wanted: &wanted, until: wanted.len() };
    let taught = cut.factor();
    let mut found = run(&[cut], (reach, &kept), levels, 1).remove(0);
    let heard = outside::heard(series, &kept, &found.forecast.effects);
    let mean = opened(series, blended(&found, share));
    let spread = Spread::of(&found);
    move_to(&mut found.forecast, mean);
    shut(&mut found.forecast, series);
    let (forecast, backtest) = (found.forecast, sums.figures());
    Closely { forecast, spread, is_count, backtest, added, wanted, heard, taught }
}

/// Puts other means into a forecast; its intervals go with them.
fn move_to(forecast: &mut Forecast, mean: Vec<f64>) {
    for (low, high) in &mut forecast.intervals {
        for (idx, mean) in mean.iter().enumerate() {
            let by = mean - forecast.mean[idx];
            low[idx] = (low[idx] + by).clamp(0.0, mean.max(0.0));
            high[idx] = (high[idx] + by).max(*mean);
        }
    }
    forecast.mean = mean;
}

/// On a day on which the place will be closed nothing is sold for certain.
fn shut(forecast: &mut Forecast, series: &DemandSeries) {
    for (low, high) in &mut forecast.intervals {
        for idx in (0..high.len()).filter(|idx| series.closed_ahead.get(*idx) == Some(&true)) {
            (low[idx], high[idx]) = (0.0, 0.0);
        }
    }
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

/// Series up to where they are cut off.
pub(super) fn tasks_of(cuts: &[Cut<'_>]) -> Vec<Task> {
    let task = |cut: &Cut<'_>| {
        let y = cut.wanted[..cut.until].to_vec();
        Task { id: String::new(), y, season_length: WEEK }
    };
    cuts.iter().map(task).collect()
}

/// Promotions and prices where those ever changed, and then these signals.
pub(super) fn with_drivers(cuts: &[Cut<'_>], horizon: usize, signals: &[String]) -> Vec<Drivers> {
    let columns: Vec<(Vec<f64>, Vec<f64>)> =
        cuts.iter().map(|cut| (promotions(cut), prices(cut))).collect();
    let is_moving =
        |column: &[f64], until: usize| column[..until].windows(2).any(|pair| pair[0] != pair[1]);
    let has_promotions =
        cuts.iter().zip(&columns).any(|(cut, (column, _))| is_moving(column, cut.until));
    let has_prices =
        cuts.iter().zip(&columns).any(|(cut, (_, column))| is_moving(column, cut.until));
    cuts.iter()
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
            for name in signals {
                let (past, ahead) = outside::column(cut.series, (name, cut.until, horizon));
                drivers.past.push(past);
                drivers.ahead.push(ahead);
            }
            drivers
        })
        .collect()
}

/// Forecasts series from where they are cut off, with promotions and prices, and with signals.
fn run(
    cuts: &[Cut<'_>],
    (horizon, signals): (usize, &[String]),
    levels: &[f64],
    threads: usize,
) -> Vec<Found> {
    if cuts.is_empty() {
        return Vec::new();
    }
    let tasks = tasks_of(cuts);
    let drivers = with_drivers(cuts, horizon, signals);
    let settings = Settings {
        model: Model::Auto,
        horizon,
        levels: levels.to_vec(),
        quantiles: Vec::new(),
        threads,
    };
    let forecasts = forecast_with(&tasks, &drivers, &settings);
    let factors: Vec<Vec<f64>> = drivers
        .iter()
        .zip(&forecasts)
        .map(|(drivers, forecast)| drivers.factors(&forecast.effects))
        .collect();
    let histories: Vec<History<'_>> = cuts
        .iter()
        .zip(&factors)
        .map(|(cut, factors)| {
            let wanted = &cut.wanted[..cut.until];
            let grain = if is_count(wanted) { Grain::Pieces } else { Grain::Measured };
            History { wanted, factors, grain }
        })
        .collect();
    let span = Span { season_length: WEEK, horizon, total: TOTAL_DAYS };
    let made = forecasts.into_iter().zip(totals(&histories, span));
    made.zip(cuts)
        .map(|((forecast, totals), cut)| Found { forecast, totals: totals.times(cut.factor()) })
        .collect()
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
