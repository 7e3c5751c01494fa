//! The arguments of `souk evaluate`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::{AudienceArgs, EvaluateForecastArgs, PolicyArgs, SearchEvaluateArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum Evaluate {
    /// Next item of a visit: MRR, HR, precision, recall, MAP, coverage, latency
    ///
    /// Columns `session_id,item_id,timestamp`. After each event of each test session but its last,
    /// the next items are predicted; only the current item is left out.
    #[command(after_help = "\
Example:
  souk evaluate sessions --train train.csv --valid valid.csv --test test.csv --k 20")]
    Sessions(EvaluateArgs),
    /// Next basket of a household: recall, NDCG and HR, for repeated and for new items too
    ///
    /// Columns `user_id,basket_id,item_id,timestamp`. Each user's first test basket is predicted.
    #[command(after_help = "\
Example:
  souk evaluate baskets --train train.csv --test test.csv --k 10,20 --out predictions.csv")]
    Baskets(EvaluateArgs),
    /// Who will want a product: lift of the people that are picked, against picking by frequency
    ///
    /// Columns `user_id,basket_id,item_id,timestamp`. Learned before the test file begins; each
    /// product that enough people bought in it judges.
    #[command(after_help = "\
Example:
  souk evaluate audience --train train.csv --test test.csv --k 100,1000")]
    Audience(AudienceArgs),
    /// Items of a user: recall, NDCG, coverage, novelty, diversity, from ratings or purchases
    ///
    /// Columns `user_id,item_id,timestamp`, one row for each item taken; leave-one-out files are of
    /// this shape. All items are ranked. Repeated, new and never taken items are also told apart.
    #[command(
        visible_alias = "sequences",
        after_help = "\
Examples:
  souk evaluate ratings --train train.csv --test test.csv --items products.jsonl --out a.csv
  souk evaluate ratings --train train.csv --test test.csv --sources company --against a.csv
  souk evaluate ratings --train train.csv --test test.csv --global-time 0.2"
    )]
    Ratings(RatingArgs),
    /// Demand: MASE, sMAPE, WAPE, bias, pinball and interval coverage, by horizon third
    ///
    /// Columns `unique_id,ds,y`. Nothing after a series' end is looked at to forecast it. Other numeric
    /// columns that both files have count as known before.
    #[command(after_help = "\
Examples:
  souk evaluate forecast --input train.csv --test test.csv --season-length 12
  souk evaluate forecast --input sales.csv --horizon 28 --windows 3 --model ets")]
    Forecast(EvaluateForecastArgs),
    /// Answers to rated queries: NDCG full and condensed, what was judged, beside plain BM25
    ///
    /// Unrated products are worth nothing in the full figure and are left out in the condensed one.
    #[command(after_help = "\
Example:
  souk evaluate search --products products.jsonl --queries queries.csv --judgments judgments.csv")]
    Search(SearchEvaluateArgs),
    /// Personal data in texts: precision and recall by kind and of all kinds together
    ///
    /// A found span counts as a marked one of its kind if their overlap is at least half of their
    /// union. Labels are mapped by the fixed table in docs/pii.md.
    #[command(after_help = "\
Example:
  souk evaluate pii --input check.jsonl --expected check_expected.jsonl")]
    Pii(PiiArgs),
    /// What another policy would have brought, from a log with propensities: IPS, SNIPS, doubly robust
    ///
    /// One row for each slot that was filled. Columns `propensity` (how likely the product was to stand
    /// there), `target_probability` (how likely the other policy would have put it there) and `reward`
    /// (what came of it: 1 for a click, or an amount); `answer_id` where an answer has several slots, and
    /// for the doubly robust estimate `predicted_reward` (of what stood there) and
    /// `predicted_target_reward` (of the other policy). Says nothing where the log is too thin.
    #[command(after_help = "\
Example:
  souk evaluate policy --log log.csv --output json")]
    Policy(PolicyArgs),
}

#[derive(Args, Clone, Debug)]
pub(crate) struct PiiArgs {
    /// JSON lines of {"text": …}
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) input: PathBuf,
    /// JSON lines of {"spans": [{"type", "begin_offset", "end_offset"}]}, one for each text
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) expected: PathBuf,
    /// JSON lines of {"entities": […]} that another program found, instead of Souk's own
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) found: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct EvaluateArgs {
    /// What is known
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) train: PathBuf,
    /// What parameters are chosen on [default: the last tenth of the training part by time]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) valid: Option<PathBuf>,
    /// What is predicted
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) test: PathBuf,
    /// Lengths of the list, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "10,20", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) k: Vec<u32>,
    /// Where to write the predictions
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
    /// Take the default parameters instead of choosing some on the validation part
    #[arg(long)]
    pub(crate) no_tune: bool,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct RatingArgs {
    #[command(flatten)]
    pub(crate) files: EvaluateArgs,
    /// Titles and attributes of the items, in the catalogue's JSON shape
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) items: Option<PathBuf>,
    /// Whether items of the user's own training rows may be predicted
    #[arg(long, value_enum, default_value_t = Seen::Exclude)]
    pub(crate) seen: Seen,
    /// The sources to blend, separated by commas [default: all that fit the data]
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) sources: Vec<SourceName>,
    /// Predictions of another run (its --out), to be compared user by user
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) against: Option<PathBuf>,
    /// Split all rows at one moment instead: the newest SHARE of them is the test
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) global_time: Option<f64>,
    /// Put variety into the lists: the share of its expected NDCG that a list may give for it, e.g. 0.02
    #[arg(long, value_name = "SHARE", value_parser = price)]
    pub(crate) diversity: Option<f32>,
    /// Take every row of the newest SHARE of the items out of the training part first
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) cold: Option<f64>,
    /// Threads to fit the models on; the result does not depend on it
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) threads: u16,
}

/// A share from 0 to 1.
fn price(text: &str) -> Result<f32, String> {
    let price = text.parse().ok().filter(|price: &f32| (0.0..=1.0).contains(price));
    price.ok_or_else(|| "not a number from 0 to 1; write e.g. 0.02".to_owned())
}

/// A share above 0 and below 1.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share: &f64| *share > 0.0 && *share < 1.0);
    share.ok_or_else(|| "not a number above 0 and below 1; write e.g. 0.1".to_owned())
}

/// A candidate source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SourceName {
    /// Items taken by those who took the same.
    Company,
    /// What is taken soon after.
    Rules,
    /// Likeness of attributes and text.
    Content,
    /// The linear model EASE^R; up to some 20,000 items.
    Ease,
    /// Matrix factors.
    Als,
    /// What most take.
    Popularity,
}

/// Whether known items are predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Seen {
    /// Only new items.
    Exclude,
    /// Any item.
    Include,
}
