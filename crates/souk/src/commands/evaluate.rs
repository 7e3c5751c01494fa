//! `souk evaluate`: the recommenders on files of one's own, without a server.
//!
//! Parameters are chosen from the training (and validation) file alone; the test file is read for
//! the final measures only.

mod audience;
pub(crate) mod baskets;
mod forecast;
mod pii;
mod policy;
mod ratings;
mod search;
mod sessions;
mod table;
pub(crate) mod tune;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::cli::{Common, Evaluate};
use crate::settings::Settings;

/// Tuning ends after this long, whatever it has found.
const TUNING_MAX: Duration = Duration::from_secs(540);

pub(crate) fn run(what: Evaluate, common: &Common) -> Result<()> {
    let output = common.output;
    match what {
        Evaluate::Sessions(args) => sessions::run(&args, output),
        Evaluate::Audience(args) => audience::run(&args, output),
        Evaluate::Baskets(args) => baskets::run(&args, output),
        Evaluate::Ratings(args) => ratings::run(&args, output),
        Evaluate::Forecast(args) => forecast::run(&args, output),
        Evaluate::Pii(args) => pii::run(&args, output),
        Evaluate::Search(args) => search::run(&args, &Settings::load(common)?),
        Evaluate::Policy(args) => policy::run(&args, output),
    }
}

/// Nanoseconds since `start`.
fn nanoseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Writes predictions as CSV, whole or not at all.
fn write_predictions<'a>(
    path: &Path,
    heading: &str,
    rows: impl Iterator<Item = Vec<std::borrow::Cow<'a, str>>>,
) -> Result<()> {
    let about = || format!("cannot write {}", path.display());
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let mut file = BufWriter::new(File::create(&partial).with_context(about)?);
    writeln!(file, "{heading}").with_context(about)?;
    for row in rows {
        for (idx, cell) in row.iter().enumerate() {
            let comma = if idx == 0 { "" } else { "," };
            if cell.contains([',', '"', '\n', '\r']) {
                write!(file, "{comma}\"{}\"", cell.replace('"', "\"\"")).with_context(about)?;
            } else {
                write!(file, "{comma}{cell}").with_context(about)?;
            }
        }
        writeln!(file).with_context(about)?;
    }
    file.flush().with_context(about)?;
    drop(file);
    std::fs::rename(&partial, path).with_context(about)
}

/// A measure with four decimals.
fn four(value: f64) -> String {
    format!("{value:.4}")
}
