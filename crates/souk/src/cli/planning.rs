//! The arguments of `souk replenish` and `souk simulate`.

use clap::{Args, Subcommand};

/// What to order, and the stop switch.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("act").args(["draft", "stop", "resume"]).multiple(false))]
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
    /// Lead time and review period are those of the settings (`inventory`). Each policy sees only what was known
    /// on the day; what is not in stock is lost.
    #[command(after_help = "\
Examples:
  souk simulate stock --location berlin --days 91
  souk simulate stock --location berlin --products 50 --services 0.9,0.95,0.99 --output csv")]
    Stock(SimulateStockArgs),
}

#[derive(Args, Debug)]
pub(crate) struct SimulateStockArgs {
    /// The place whose days are replayed
    #[arg(long, value_name = "ID")]
    pub(crate) location: String,
    /// Whose [default: the first site of the settings]
    #[arg(long, value_name = "ID")]
    pub(crate) site: Option<String>,
    /// The last so many days, 14 to 730
    #[arg(long, value_name = "N", default_value_t = 91)]
    pub(crate) days: usize,
    /// The products that sell most, at most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) products: usize,
    /// Chances to suffice that are tried
    #[arg(long, value_name = "SHARES", value_delimiter = ',', default_values_t = [0.8, 0.9, 0.95, 0.98, 0.99])]
    pub(crate) services: Vec<f64>,
}
