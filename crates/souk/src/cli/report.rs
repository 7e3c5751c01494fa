//! The arguments of `souk report`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use serde::{Deserialize, Serialize};

#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// What became of answers: served, seen, clicked, ordered, revenue and margin
    ///
    /// By day, site, placement and strategy, over four weeks unless days are given. A credit is no effect:
    /// some would have bought anyway. `souk report holdout` tells the effect.
    #[command(after_help = "\
Examples:
  souk report recommendations
  souk report recommendations --from 2026-01-01 --to 2026-01-31 --by-day --output csv")]
    Recommendations {
        /// The first day, in UTC
        #[arg(long, value_name = "DAY")]
        from: Option<String>,
        /// The last day, in UTC [default: today]
        #[arg(long, value_name = "DAY")]
        to: Option<String>,
        /// Show each day by itself
        #[arg(long)]
        by_day: bool,
    },
    /// What is searched for: top queries, queries that find nothing, queries that nobody clicks
    ///
    /// Over four weeks unless days are given. Only queries of many people are told; docs/search.md says how the
    /// figures are counted.
    #[command(after_help = "\
Examples:
  souk report searches
  souk report searches --kind no-results --limit 20
  souk report searches --from 2026-01-01 --to 2026-01-31 --output csv
  souk report searches --against other.yaml --places 5")]
    Searches {
        /// The first day, in UTC
        #[arg(long, value_name = "DAY")]
        from: Option<String>,
        /// The last day, in UTC [default: today]
        #[arg(long, value_name = "DAY")]
        to: Option<String>,
        /// Which queries are listed
        #[arg(long, value_enum, default_value = "top")]
        kind: SearchKind,
        /// Whose [default: every site]
        #[arg(long)]
        site: Option<String>,
        /// How many queries
        #[arg(long, default_value = "50")]
        limit: usize,
        /// Answer these queries as now and as with the section `search` of another settings file, side by side: other
        /// shares of meaning, `embedder: none`, or `learning: none`
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        against: Option<PathBuf>,
        /// How many of the first products are compared, 1 to 100
        #[arg(long, default_value_t = 10, requires = "against", value_parser = clap::value_parser!(u8).range(1..=100))]
        places: u8,
    },
    /// What personalization brings, against the shoppers who are held out of it
    ///
    /// Conversion, orders, revenue, order value and margin of both groups, with intervals that stay true
    /// however often one looks. It needs `holdout.share`; docs/measuring.md explains it.
    Holdout,
    /// How the stock of a place did: sales, turns, days of supply, empty days, lost sales, waste, and what forecasts were worth
    ///
    /// By class (ABC by revenue, XYZ by how weeks vary) and by product, those of the most revenue first, over the last whole
    /// business days. docs/replenishment.md says how the figures are reckoned.
    #[command(after_help = "\
Examples:
  souk report stock --location berlin
  souk report stock --location berlin --days 182 --class AX
  souk report stock --location berlin --limit 100000 --output csv")]
    Stock(StockReportArgs),
}

#[derive(Args, Debug)]
pub(crate) struct StockReportArgs {
    /// The place
    #[arg(long, value_name = "ID")]
    pub(crate) location: String,
    /// Whose [default: the first site of the settings]
    #[arg(long, value_name = "ID")]
    pub(crate) site: Option<String>,
    /// The last so many whole business days, 28 to 366
    #[arg(long, value_name = "N", default_value_t = souk_app::STOCK_REPORT_DAYS)]
    pub(crate) days: u32,
    /// Only products of a class: `AX`, or `A`, or `X`; sums are of all
    #[arg(long, value_name = "CLASS")]
    pub(crate) class: Option<String>,
    /// How many products
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
}

/// Which queries a report lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SearchKind {
    /// Those asked most
    Top,
    /// Those that found nothing
    NoResults,
    /// Those of which nothing was opened
    NoClicks,
}
