//! A seeded synthetic shop, a small HTTP client and a load generator, for tests and measurements.
//!
//! Of all this only the made-up shop is part of the product, for `souk demo --generated`. What is
//! random comes from a seed that is printed.

pub mod abuse;
pub mod catalogue;
pub mod crash;
pub mod http;
pub mod load;
mod random;
pub mod scan;
pub mod server;
pub mod shop;

pub use random::Random;
