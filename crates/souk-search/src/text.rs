//! Words out of text, the same way for products and for queries.
//!
//! Letters are folded (case, accents, ligatures), so that what a shopper types without accents finds
//! what is written with them. Not for languages that are written without spaces beyond the plainest
//! rule: each ideograph is a word of its own.

mod fold;
mod language;
mod tokens;
mod units;

pub(crate) use fold::each_accented;
pub use fold::fold;
pub(crate) use language::HeadSide;
pub use language::Language;
pub(crate) use tokens::{Gap, TokenKind, Tokens};

#[cfg(test)]
mod tests;
