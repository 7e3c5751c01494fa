//! Privacy as pure functions: data, time and entropy in, data out.

pub mod pii;
