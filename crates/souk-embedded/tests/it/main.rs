//! What happens to stored data when things go wrong: one binary, so it links once.
#![allow(clippy::unwrap_used)]

mod backup;
mod damage;
mod folder;
mod full_disk;
mod keys;
mod model;
mod power_loss;
mod records;
