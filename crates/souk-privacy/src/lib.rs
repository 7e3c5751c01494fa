//! Privacy as pure functions: data, time and entropy in, data out.

pub mod audit;
pub mod consent;
pub mod pii;
pub mod receipt;
pub mod seal;
