//! Recommenders: data in, ranked items with evidence out.
//!
//! Everything here is pure. Items and shoppers are dense numbers that the caller assigns, times are
//! arguments, and the same input gives the same list on every machine. What this crate does *not*
//! know: product ids, stock, filters, consent, storage.

pub mod evaluate;
mod numbering;
mod types;
pub mod visits;
mod wire;

pub use types::{Evidence, Item, Score, Scored, Shopper, rank};
pub use wire::SnapshotError;
