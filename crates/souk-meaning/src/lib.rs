//! What texts mean, as vectors.
//!
//! Two adapters of [`Embedder`](souk_ports::Embedder): [`WordVectors`] averages a vector for each piece of a
//! text, thousands of texts a second; [`SentenceEncoder`] is a small transformer that reads the text as a
//! whole, some hundreds a second. Both read weights that others trained from a folder, which `make models` fills;
//! nothing here knows a network.

mod file;
mod math;
mod open;
mod pairs;
mod pieces;
mod sentences;
#[cfg(test)]
mod test_numbers;
mod whole;
mod words;

pub use file::WeightsError;
pub use open::{Choice, Installed, OpenError, find, open};
pub use sentences::SentenceEncoder;
pub use words::WordVectors;
