//! A disk in memory for SQLite, for tests only: power cuts lose what was not synced, space runs out,
//! and stored bytes can be damaged.
//!
//! A killed process loses nothing that it wrote, because the system still holds it; only a power cut
//! shows whether an acknowledged write was synced. `disk` is the model, `glue` ties it to SQLite.

mod disk;
mod glue;

pub use disk::Loss;
pub use glue::SimDisk;
