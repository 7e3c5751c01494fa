//! A seeded synthetic shop, a small HTTP client and a load generator, for tests and measurements.
//!
//! Nothing here is part of the product; what is random comes from a seed that is printed.

pub mod crash;
pub mod http;
pub mod load;
mod random;
pub mod server;
pub mod shop;
pub mod simulation;

pub use random::Random;
