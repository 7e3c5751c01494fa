//! The arguments of `souk privacy`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

/// People's requests about their data, and personal data in texts.
#[derive(Debug, Subcommand)]
pub(crate) enum Privacy {
    /// Print the personal data of each text as a JSON line; needs no server
    ///
    /// Kinds are named as in Amazon Comprehend's DetectPiiEntities, offsets count characters.
    #[command(after_help = "\
Example:
  souk privacy detect --input texts.jsonl")]
    Detect(DetectArgs),
    /// Erase a person: every id that is linked to this one
    ///
    /// Destroys the person's keys, so that their records are noise in the log, in snapshots and in all
    /// backups of the data; sales without persons stay. Ends when nothing rests on the person any more;
    /// older snapshots follow within a minute, then `souk privacy requests` shows the signed receipt.
    #[command(after_help = "\
Examples:
  souk privacy erase anna@shop.example
  souk privacy erase anonymous:5f3c9a")]
    Erase {
        /// A user id, `anonymous:ID` or `loyalty_card:ID`
        id: String,
    },
    /// Write a copy of all that is held of a person, and why
    #[command(after_help = "\
Examples:
  souk privacy export anna@shop.example --out anna.jsonl
  souk privacy export anna@shop.example --out anna.html")]
    Export {
        /// A user id, `anonymous:ID` or `loyalty_card:ID`
        id: String,
        /// Where; a name that ends in .html gets a page for people, others JSON lines
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        out: PathBuf,
    },
    /// List the requests, newest first, or show one with its receipt
    Requests {
        /// Only this one
        request_id: Option<String>,
    },
    /// Remove personal data that is past its term (privacy.retention), or say what would go
    ///
    /// The server does so by itself. A run that would remove more than privacy.retention.share_max of all
    /// personal records stops; look at it with --dry-run, then let it go on with --confirm.
    #[command(after_help = "\
Examples:
  souk privacy retention --dry-run
  souk privacy retention --confirm")]
    Retention {
        /// Only count
        #[arg(long, conflicts_with = "confirm")]
        dry_run: bool,
        /// Remove however much it is
        #[arg(long)]
        confirm: bool,
    },
    /// List messages to other systems (privacy.webhooks) that wait or were given up, or send them again
    #[command(after_help = "\
Examples:
  souk privacy webhooks
  souk privacy webhooks --resend all")]
    Webhooks {
        /// Send again what was given up: the id of one message as the list shows it, or all
        #[arg(long, value_name = "ID")]
        resend: Option<String>,
    },
    /// Check the signature of a receipt
    ///
    /// The file holds the receipt as an answer or `souk privacy requests ID --output json` shows it.
    #[command(after_help = "\
Examples:
  souk privacy verify-receipt receipt.json
  souk privacy verify-receipt receipt.json --public-key 6d21…")]
    VerifyReceipt {
        /// The receipt, or a request that has one, as JSON
        file: PathBuf,
        /// The public key of the installation [default: that of this data folder]
        #[arg(long, value_name = "HEX")]
        public_key: Option<String>,
    },
}

#[derive(Args, Clone, Debug)]
pub(crate) struct DetectArgs {
    /// JSON lines of {"text": …}
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) input: PathBuf,
    /// The texts' language. All four are recognised at once, so this only checks that it is one of them
    #[arg(long, value_enum, default_value_t = TextLanguage::En)]
    pub(crate) language: TextLanguage,
    /// Look for forms alone (numbers, addresses of machines), as in search queries: no names, no places
    #[arg(long)]
    pub(crate) terse: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextLanguage {
    /// English
    En,
    /// Spanish
    Es,
    /// French
    Fr,
    /// German
    De,
}
