//! The arguments of `souk feeds`.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum FeedsCommand {
    /// Show how the feeds of the settings stand, and what their products lack
    List,
    /// Run a feed now, whether it is due or not
    #[command(after_help = "\
Examples:
  souk feeds run google --dry-run           # what it would change, and what its products lack
  souk feeds run google --allow-removals    # after half of the range was taken out for good")]
    Run {
        /// As `feeds.sources` in souk.yaml names it
        name: String,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
        /// Remove whatever the file lacks, however much it is
        #[arg(long, conflicts_with = "dry_run")]
        allow_removals: bool,
    },
}
