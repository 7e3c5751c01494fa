//! Numbers that several engines share. Nothing here knows products, money or time.

pub mod counts;
pub mod gamma;
pub mod normal;
pub mod parallel;
pub mod random;

pub use random::Random;

/// The arithmetic mean; 0 of nothing.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}
