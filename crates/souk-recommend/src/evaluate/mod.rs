//! Offline evaluation: the protocols and measures behind `souk evaluate`.
//!
//! Rankings are always full (never against sampled negatives, which rank models inconsistently:
//! Krichene and Rendle, KDD 2020). Nothing here reads a file or a clock.

pub mod audience;
pub mod baskets;
pub mod bootstrap;
pub mod metrics;
pub mod ratings;
pub mod sessions;
pub mod verdict;
