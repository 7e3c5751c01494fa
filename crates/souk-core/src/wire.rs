//! Serialised forms: the binary codec of stored records and snapshots, and the JSON shapes of the
//! catalogue.
//!
//! Written by hand rather than derived, because these bytes outlive the types: a renamed or moved
//! field must never change them. Every stored form begins with a version byte; samples of each
//! version stay in `testdata/wire/` and must be read for good. Nothing here does I/O, and no reader
//! panics or allocates beyond what its input's length allows, whatever the bytes.

mod bytes;
mod event;
pub mod json;
mod marks;
mod order;
mod product;

pub use bytes::{Reader, WireError, Writer};
pub use event::{decode_event, encode_event, encode_event_into, is_personal_kind, record_kind};
pub use product::{decode_product, encode_product, read_product, write_product};

/// The version that this program writes: the first byte of each encoded event and product.
pub const VERSION: u8 = 1;

#[cfg(test)]
mod tests;
