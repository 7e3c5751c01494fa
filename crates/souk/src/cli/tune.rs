//! The arguments of `souk tune`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::SearchTuneArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Tune {
    /// How running visits are read: which earlier visits speak for what comes next, and how much
    ///
    /// Columns `session_id,item_id,timestamp`. Configurations are drawn, tried on the validation part, and the best
    /// is written as a part of souk.yaml. The same files, seed and number of configurations give the same result.
    #[command(after_help = "\
Examples:
  souk tune sessions --train train.csv --valid valid.csv --out tuned.yaml
  souk tune sessions --train visits.csv --minutes 30 --configs 2000")]
    Sessions(TuneArgs),
    /// How much meaning counts beside words, by rated queries
    ///
    /// Every pair of shares is tried on all queries. The best one is written as a part of souk.yaml, unless the defaults
    /// are as good on queries that it was not chosen on.
    #[command(after_help = "\
Examples:
  souk tune search --products products.jsonl --queries queries.csv --judgments judgments.csv
  souk tune search --folder rated --embedder static --out tuned.yaml")]
    Search(SearchTuneArgs),
}

#[derive(Args, Clone, Debug)]
pub(crate) struct TuneArgs {
    /// What is known
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) train: PathBuf,
    /// What parameters are chosen on [default: the last tenth of the training part by time]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) valid: Option<PathBuf>,
    /// Where to write the settings; a file that is there is replaced [default: they are printed]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
    /// Configurations that are tried, the default one included
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) configs: u32,
    /// Minutes after which the search ends with the best so far
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1_440))]
    pub(crate) minutes: u64,
    /// Predictions that each configuration is judged by at most
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub(crate) predictions: u32,
    /// The same seed tries the same configurations
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}
