//! Every parser that faces the network or a file, fed with inputs that are almost right.
//!
//! Each target takes its seeds, and every file in `testdata/fuzz/TARGET` (each a finding that must not
//! come back), and then mutations of them. It must not panic, must not hang, and must not fill memory.
//!
//! `SOUK_FUZZ_SECONDS` gives each target so many seconds and a seed of the day instead of a fixed number
//! of inputs; `SOUK_FUZZ_SEED` names the seed of a run that is to be repeated.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod files;
mod formats;
mod http;
mod mutate;
mod runner;
mod stored;

use runner::Target;

fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/fuzz")
}
