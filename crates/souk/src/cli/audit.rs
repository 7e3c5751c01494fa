//! The arguments of `souk audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Show entries, the newest first
    #[command(after_help = "\
Examples:
  souk audit list
  souk audit list --operation key --since 2026-01-01T00:00:00Z
  souk audit list --key 91f2a6c4d0e8 --output csv")]
    List(AuditListArgs),
    /// Say under which name the acts of a person who signs in are written down
    #[command(after_help = "\
Example:
  souk audit list --key \"$(souk audit person 8f14e45f-ceea-467f-a8f1-2c6d4e8b0c11)\"")]
    Person {
        /// Whom: `sub` of the identity provider's tokens
        sub: String,
    },
    /// Compute the tree anew from every entry, and compare it with all heads that were signed
    ///
    /// Needs no server and no key store: it reads the data folder, a copy of it or a backup, also
    /// while a server writes to it, and changes nothing. Exit codes: 0 nothing was changed, 1
    /// something was (the first bad entry is named), 2 there is no audit log to read.
    #[command(after_help = "\
Examples:
  souk audit verify --heads /mnt/elsewhere/souk-heads.jsonl
  souk audit verify --data /backups/souk-2026-01-31 --heads souk-heads.jsonl")]
    Verify {
        /// The file of published heads [default: `audit.heads_file` of the settings]
        ///
        /// Without one, only what is stored is compared with itself: whoever owns the machine could
        /// have made all of it anew.
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        heads: Option<PathBuf>,
        /// The only key that may have signed, as a head names it: 64 hexadecimal digits
        #[arg(long, value_name = "HEX")]
        public_key: Option<String>,
    },
}

#[derive(Args, Clone, Debug)]
pub(crate) struct AuditListArgs {
    /// Not before this time, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Before this time, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// What was done: key.create, or all that begins so: key
    #[arg(long, value_name = "NAME")]
    pub(crate) operation: Option<String>,
    /// Who did it: a key as `souk keys list` shows it, a person as `souk audit person` does, or local
    #[arg(long, value_name = "KEY_ID")]
    pub(crate) key: Option<String>,
    /// What it was done to, as entries show it
    #[arg(long, value_name = "OBJECT")]
    pub(crate) object: Option<String>,
    /// How many, 1 to 1000
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) limit: u32,
    /// Only entries below this number, to read on
    #[arg(long, value_name = "NUMBER")]
    pub(crate) before: Option<u64>,
}
