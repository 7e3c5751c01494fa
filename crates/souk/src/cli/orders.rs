//! The arguments of `souk orders`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum OrdersCommand {
    /// List the open ones, or those in one state
    List {
        /// For one place
        #[arg(long, value_name = "ID")]
        location: Option<String>,
        /// Those in one state: draft, approved, sent, received or cancelled [default: all that are open]
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
    },
    /// Show one with its lines, and what the supplier's terms and what goes off before it sells say against a draft
    Show {
        /// The order's id
        id: String,
    },
    /// Change quantities and lines of a draft; its supplier and place stay
    ///
    /// Products that are not named stay as they are. A price that was agreed on stays, one of the supplier's offer is that of
    /// the new quantity. No rule approves a draft that a person changed.
    #[command(after_help = "\
Examples:
  souk orders change po-1 tea=96 coffee=0     # 96 of tea, no coffee
  souk orders change po-1 figs=20@1.35        # at a price that was agreed on
  souk orders change po-1 jam=12 --version 1  # only if nobody changed it meanwhile")]
    Change {
        /// The order's id
        id: String,
        /// What to order of a product: a new line where there is none, 0 takes it away; `@` and the price of one where the
        /// supplier offers none or another was agreed on
        #[arg(required = true, value_name = "PRODUCT=UNITS[@PRICE]")]
        lines: Vec<String>,
        /// The version that was looked at [default: whichever it has]
        #[arg(long, value_name = "NUMBER")]
        version: Option<u64>,
    },
    /// Approve a draft, and show what speaks against it; nothing is sent by it
    Approve {
        /// The order's id
        id: String,
    },
    /// Say that an approved order was sent to its supplier; Souk sends nothing itself
    Send(OnDay),
    /// Say that a sent order came: all of it, or what `--line` says
    ///
    /// It teaches the supplier's lead time and reliability, and books no stock: what came must be told as a receipt too.
    #[command(after_help = "\
Examples:
  souk orders receive po-1
  souk orders receive po-1 --on 2026-12-03 --line tea=12 --line coffee=70")]
    Receive(ReceiveArgs),
    /// Cancel an order that has not come
    Cancel {
        /// The order's id
        id: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct OnDay {
    /// The order's id
    pub(crate) id: String,
    /// The day it happened [default: today]
    #[arg(long, value_name = "DATE")]
    pub(crate) on: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct ReceiveArgs {
    #[command(flatten)]
    pub(crate) order: OnDay,
    /// What came of a product; of products that are not named nothing came
    #[arg(long = "line", value_name = "PRODUCT=UNITS")]
    pub(crate) lines: Vec<String>,
    /// More than twice what was ordered of a line is meant
    #[arg(long, requires = "lines")]
    pub(crate) meant: bool,
}
