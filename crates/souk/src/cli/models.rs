//! The arguments of `souk models`.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// Show the models, how good each was on what it had not learned from, and which one serves
    List,
    /// Learn a model now; it serves unless it is worse than the one before, or than what is popular
    #[command(after_help = "\
Examples:
  souk models learn
  souk models learn --search      # the sources' parameters too: minutes instead of seconds")]
    Learn {
        /// Search for each source's parameters too
        #[arg(long)]
        search: bool,
    },
    /// Put a model of the list in service, whatever it was judged
    #[command(after_help = "\
Example:
  souk models serve 4             # take back what was learned after it")]
    Serve {
        /// Its number in the list
        number: u64,
    },
}
