//! The arguments of `souk evaluate policy`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

#[derive(Args, Clone, Debug)]
pub(crate) struct PolicyArgs {
    /// The log: CSV, TSV, JSON lines or Parquet
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) log: PathBuf,
    /// Cut weights (target / propensity) down to this, which makes estimates steadier and err towards what
    /// was logged [default: none is cut]
    #[arg(long, value_name = "WEIGHT", value_parser = at_least_one)]
    pub(crate) weight_max: Option<f64>,
    /// Effective slots below which nothing is said
    #[arg(long, value_name = "SLOTS", default_value_t = 200.0, value_parser = at_least_one)]
    pub(crate) effective_min: f64,
}

fn at_least_one(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 1.0);
    number.ok_or_else(|| "give a number from 1".to_owned())
}
