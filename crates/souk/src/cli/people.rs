//! The arguments of `souk profile`, `souk segments` and `souk evaluate audience`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

#[derive(Args, Clone, Debug)]
pub(crate) struct AudienceArgs {
    /// What is known
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) train: PathBuf,
    /// What was bought later
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) test: PathBuf,
    /// How many people are picked, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "100,1000", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) k: Vec<u32>,
    /// Products that judge at most
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) products: u32,
    /// Products, from the most to the least bought, whose likelihoods are held against what happened
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) reliability: u32,
}

#[derive(Args, Debug)]
pub(crate) struct ProfileArgs {
    /// A user id, or `anonymous:` and a browser's id
    #[arg(value_name = "USER")]
    pub(crate) id: String,
    /// On which site [default: the first]
    #[arg(long)]
    pub(crate) site: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SegmentsCommand {
    /// List the segments with how many people are in each
    List {
        /// On which site [default: the first]
        #[arg(long)]
        site: Option<String>,
    },
    /// Store a segment: a filter over the fields of docs/profiles.md
    #[command(after_help = "\
Example:
  souk segments put sleepy \"orders >= 3 AND days_since_order > 60\" --name 'Used to come'")]
    Put {
        /// Its name for programs
        key: String,
        /// Who is in it
        filter: String,
        /// Its name for people
        #[arg(long, default_value = "")]
        name: String,
    },
    /// Delete a segment that no rule asks for
    Delete {
        /// As `souk segments list` shows it
        key: String,
    },
    /// List people of a segment who allow marketing and personalization
    #[command(after_help = "\
Example:
  souk segments members likely_to_churn --traits email --limit 100")]
    Members {
        /// As `souk segments list` shows it
        key: String,
        /// On which site [default: the first]
        #[arg(long)]
        site: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Traits to tell of each, parted by commas
        #[arg(long, value_delimiter = ',')]
        traits: Vec<String>,
    },
}
