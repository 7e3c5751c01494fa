//! Consent: what shoppers allow, where it is asked, and how it is read and changed.

mod learning;
mod rules;
mod sources;
mod subject;

pub(crate) use learning::Learning;
pub(crate) use rules::{ConsentRules, Place};
pub(crate) use sources::{LastWords, preferences};
pub(crate) use subject::kind_and_name;
pub use subject::{ConsentPurpose, ConsentState, ConsentStatement, ConsentUpdate};
