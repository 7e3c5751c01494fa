//! The arguments of `souk report`.

use clap::Subcommand;

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
    /// What personalization brings, against the shoppers who are held out of it
    ///
    /// Conversion, orders, revenue, order value and margin of both groups, with intervals that stay true
    /// however often one looks. It needs `holdout.share`; docs/measuring.md explains it.
    Holdout,
}
