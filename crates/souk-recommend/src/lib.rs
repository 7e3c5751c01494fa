//! Recommenders: data in, ranked items with evidence out.
//!
//! Everything here is pure. Items and shoppers are dense numbers that the caller assigns, times are
//! arguments, and the same input gives the same list on every machine. What this crate does *not*
//! know: product ids, stock, filters, consent, storage.

pub mod audience;
pub mod bought_together;
pub mod buy_again;
#[cfg(test)]
mod checkerboard;
pub mod clicks;
pub mod confidence;
mod cooccurrence;
pub mod diversity;
pub mod evaluate;
pub mod explore;
pub mod impressions;
pub mod lifetime;
mod minimise;
pub mod next_basket;
mod numbering;
pub mod off_policy;
mod parallel;
pub mod popular;
pub mod recently_viewed;
pub mod session;
pub mod similar;
pub mod simulated;
pub mod sources;
pub mod trees;
pub mod trending;
mod types;
pub mod visits;
pub mod windows;
mod wire;

pub use cooccurrence::CoScratch;
pub use parallel::Rests;
pub use types::{Evidence, Item, Score, Scored, Shopper, rank};
pub use wire::SnapshotError;
