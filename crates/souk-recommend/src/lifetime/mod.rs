//! How shoppers come back: whether they still will, how often, for how much, and in which rhythm.
//!
//! Everything here takes plain numbers about purchases and gives plain numbers back. What it does *not*
//! know: who a shopper is, what was bought, which calendar the shop lives by.
//!
//! - [`bg_nbd`]: whether somebody is still a customer and how often they will buy.
//! - [`gamma_gamma`]: how much they will spend each time.
//! - [`rfm`]: recency, frequency and amount against the rest of the shop.
//! - [`rhythm`]: after how many days something is done again.

pub mod bg_nbd;
pub mod gamma_gamma;
pub mod rfm;
pub mod rhythm;
mod special;
#[cfg(test)]
mod tests;
