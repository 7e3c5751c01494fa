//! The arguments of `souk replenish`, `souk overrides` and `souk simulate`.

use clap::{Args, Subcommand};

/// What to order, and the stop switch.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("act").args(["draft", "waste", "stop", "resume"]).multiple(false))]
pub(crate) struct ReplenishArgs {
    /// The place to order for
    #[arg(long, value_name = "ID", required_unless_present_any = ["stop", "resume"])]
    pub(crate) location: Option<String>,
    /// Whose [default: the first site of the settings]
    #[arg(long, value_name = "ID")]
    pub(crate) site: Option<String>,
    /// Make a draft of a purchase order for each supplier; nothing is approved or sent by it
    #[arg(long)]
    pub(crate) draft: bool,
    /// Show what will go off before it is sold, and what could be done about it
    #[arg(long)]
    pub(crate) waste: bool,
    /// Set the stop switch: nothing is approved by rule, also after a restart
    #[arg(long)]
    pub(crate) stop: bool,
    /// Release the stop switch
    #[arg(long)]
    pub(crate) resume: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SimulateCommand {
    /// Replay stock policies on the demand of the past: stock, service and money side by side
    ///
    /// Each policy sees only what was known on the day; what is not in stock is lost. Each begins with its own level in stock.
    #[command(after_help = "\
Examples:
  souk simulate stock --location berlin --days 91
  souk simulate stock --location berlin --products 50 --services 0.9,0.95,0.99 --output csv
  souk simulate stock --input sales.csv --lead-time-days 3")]
    Stock(SimulateStockArgs),
}

#[derive(Args, Debug)]
pub(crate) struct SimulateStockArgs {
    /// The place whose days are replayed
    #[arg(long, value_name = "ID", required_unless_present = "input", conflicts_with = "input")]
    pub(crate) location: Option<String>,
    /// Whose [default: the first site of the settings]
    #[arg(long, value_name = "ID", conflicts_with = "input")]
    pub(crate) site: Option<String>,
    /// Daily sales to replay instead: columns `unique_id,ds,y`, and `promotion` and `price` if known
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) input: Option<std::path::PathBuf>,
    /// Only products that a page can offer, without fuel and what the shop has given up
    #[arg(long, conflicts_with = "input")]
    pub(crate) offered: bool,
    /// Days until an order is there [default: `inventory.lead_time_days`]
    #[arg(long, value_name = "N")]
    pub(crate) lead_time_days: Option<u64>,
    /// Days between two orders [default: `inventory.review_days`]
    #[arg(long, value_name = "N")]
    pub(crate) review_days: Option<u64>,
    /// The last so many days, 14 to 730
    #[arg(long, value_name = "N", default_value_t = 91)]
    pub(crate) days: usize,
    /// The last of them [default: the last day of which sales are known]
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
    /// The products that sold most before them, at most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) products: usize,
    /// Aims that are tried: chances to suffice, and for `forecast_fill` shares to serve
    #[arg(long, value_name = "SHARES", value_delimiter = ',', default_values_t = [0.8, 0.9, 0.95, 0.98, 0.99])]
    pub(crate) services: Vec<f64>,
    /// Where to draw stock over fill rate, a line for each policy, as SVG
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) plot: Option<std::path::PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OverridesCommand {
    /// List them, with what each was worth on its days that are over: the model's error less the planner's
    List {
        /// At one place
        #[arg(long, value_name = "ID")]
        location: Option<String>,
    },
    /// Store one: forecasts and proposals listen to it in the place of the model's until it ends
    #[command(after_help = "\
Examples:
  souk overrides set fair --product tea --location berlin --from 2026-12-04 --until 2026-12-06 --factor 2 --reason 'a fair in town'
  souk overrides set opening --product tea --location berlin --from 2026-12-10 --until 2026-12-10 --units 40 --reason 'reopening'")]
    Set(Box<OverrideArgs>),
    /// End one: its days so far are still judged
    End {
        /// Its id
        id: String,
    },
}

#[derive(Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("amount").args(["units", "factor"]).required(true))]
pub(crate) struct OverrideArgs {
    /// Its id
    pub(crate) id: String,
    /// Of which product
    #[arg(long, value_name = "ID")]
    pub(crate) product: String,
    /// At which place
    #[arg(long, value_name = "ID")]
    pub(crate) location: String,
    /// Whose [default: the first site of the settings]
    #[arg(long, value_name = "ID")]
    pub(crate) site: Option<String>,
    /// The first day, today or later
    #[arg(long, value_name = "DATE")]
    pub(crate) from: String,
    /// The last day
    #[arg(long, value_name = "DATE")]
    pub(crate) until: String,
    /// Units wanted on each day
    #[arg(long, value_name = "UNITS")]
    pub(crate) units: Option<f64>,
    /// How many times the model's forecast
    #[arg(long, value_name = "TIMES")]
    pub(crate) factor: Option<f64>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// The last day on which plans listen to it [default: its last day]
    #[arg(long, value_name = "DATE")]
    pub(crate) expires: Option<String>,
}
