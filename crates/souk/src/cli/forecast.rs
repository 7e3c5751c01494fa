//! The arguments of `souk forecast` and `souk evaluate forecast`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use souk_forecast::Model;
use souk_forecast::calendar::Frequency;

/// What both commands take.
#[derive(Args, Clone, Debug)]
pub(crate) struct SeriesArgs {
    /// Sales: columns `unique_id,ds,y`, and any numeric columns that --future gives too
    ///
    /// Rows in any order. `ds` is a date or an integer step.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) input: PathBuf,
    /// How far apart values are: H, D, W, M, Q, Y, or 1 for integers [default: told from each series]
    #[arg(long, value_name = "LETTER")]
    pub(crate) freq: Option<Frequency>,
    /// Values in a season [default: 24, 7, 52, 12, 4 by frequency; 1 for years and integers]
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) season_length: Option<u32>,
    /// `auto`, or one model by name: an unknown name lists them
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub(crate) model: Model,
    /// Coverages of intervals, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "0.8,0.95", value_parser = share)]
    pub(crate) levels: Vec<f64>,
    /// Shares of quantiles, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = share)]
    pub(crate) quantiles: Vec<f64>,
    /// Means only: with one model by name this also spares its backtest
    #[arg(long)]
    pub(crate) no_intervals: bool,
    /// What a step without a row means
    #[arg(long, value_enum, default_value_t = GapRule::Guess)]
    pub(crate) gaps: GapRule,
    /// What rows of one series and date with different values are together
    #[arg(long, value_enum, default_value_t = RepeatRule::Mean)]
    pub(crate) repeats: RepeatRule,
    /// Threads; the result does not depend on it
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: u16,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct ForecastArgs {
    #[command(flatten)]
    pub(crate) series: SeriesArgs,
    /// Steps ahead
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) horizon: u32,
    /// What is known of the time ahead: `unique_id,ds` and numeric columns that the input has too
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) future: Option<PathBuf>,
    /// Text columns whose values are groups: the whole and every group are forecast too, and all adds up
    ///
    /// A level for each combination of columns. How it is made to add up is chosen by earlier days.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', conflicts_with = "future")]
    pub(crate) hierarchy: Vec<String>,
    /// Where to write the forecasts, as CSV [default: stdout]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
    /// Where to draw history, forecast, intervals and promotions of the first 12 series, as SVG
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) plot: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct EvaluateForecastArgs {
    #[command(flatten)]
    pub(crate) series: SeriesArgs,
    /// What came after the input, of the same columns; its other numeric columns count as known before
    #[arg(long, value_name = "FILE", conflicts_with = "horizon", required_unless_present = "horizon",
        value_hint = ValueHint::FilePath)]
    pub(crate) test: Option<PathBuf>,
    /// Hold the last values of the input back instead: so many at each origin
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) horizon: Option<u32>,
    /// Origins, each a horizon before the next
    #[arg(long, value_name = "N", default_value_t = 1, requires = "horizon", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) windows: u32,
    /// Text columns whose values are groups: errors of each level as it is and as it adds up are told too
    ///
    /// Measures are then over sums and series together.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', requires = "horizon")]
    pub(crate) hierarchy: Vec<String>,
    /// Forget all columns but `unique_id,ds,y`, to see what the others bring
    #[arg(long)]
    pub(crate) no_covariates: bool,
}

/// What a step without a row means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GapRule {
    /// 0 for what sells in fits and starts, else between its neighbours.
    Guess,
    /// Nothing was sold.
    Zero,
    /// A value between its neighbours.
    Between,
    /// The series is refused.
    Refuse,
}

/// What rows of one moment are together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RepeatRule {
    /// Their mean; equal ones count once.
    Mean,
    /// Their sum: the lines of several sales.
    Sum,
}

/// A share above 0 and below 1.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share: &f64| *share > 0.0 && *share < 1.0);
    share.ok_or_else(|| "not a number above 0 and below 1; write e.g. 0.95".to_owned())
}
