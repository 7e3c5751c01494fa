//! The arguments of `souk rules`.

use std::path::PathBuf;

use clap::{Subcommand, ValueHint};

use super::RecommendArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// List the rules
    List,
    /// Write every rule to stdout, one JSON object a line, as `souk rules put` reads them
    #[command(after_help = "\
Example:
  souk rules export > rules.jsonl")]
    Export,
    /// Store the rules of a file of JSON lines, replacing those with the same ids
    ///
    /// All of them are checked first; none is stored when one is wrong. They take effect together.
    #[command(after_help = "\
Example:
  echo '{\"id\": \"own-first\", \"select\": {\"filter\": \"brand = \'Own\'\"}, \"action\": {\"type\": \"boost\", \"factor\": 1.5}}' > r.jsonl
  souk rules put r.jsonl")]
    Put {
        /// JSON lines, one rule each
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Try the rule of a file (one JSON object) on a request or, with --query, on a search: the list before and after
    #[command(after_help = "\
Example:
  souk rules preview r.json --placement home --strategy popular
  souk rules preview r.json --query 'garden chair'")]
    Preview {
        /// The rule
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// At which time the rules are looked at, RFC 3339 [default: now]
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Try it on a search for these words
        #[arg(long, value_name = "WORDS", conflicts_with_all = ["strategy", "product", "cart", "session", "exclude", "why"])]
        query: Option<String>,
        #[command(flatten)]
        request: Box<RecommendArgs>,
    },
    /// Delete a rule
    Delete {
        /// As `souk rules list` shows it
        id: String,
    },
}
