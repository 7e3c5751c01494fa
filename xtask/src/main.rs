//! Chores of the workspace.
//!
//! `cargo xtask tidy` checks what no compiler checks: floors, file sizes, links, stray paths,
//! provenance of test data, ways around the gate to personal data. `cargo xtask pii-train` makes the
//! weights by which names and addresses are found in text, or measures them across templates.
//! `cargo xtask sbom` lists what the binary is built of.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a chore reports to a terminal")]

mod asvs;
mod floors;
mod gate;
mod pii;
mod sbom;
mod sources;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

fn main() -> Result<ExitCode> {
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => tidy(),
        Some("pii-train") => pii::train(std::env::args().skip(2)),
        Some("sbom") => sbom::write(&root(), std::env::args().skip(2)).map(|()| ExitCode::SUCCESS),
        other => bail!("unknown chore {other:?}; there are tidy, sbom and pii-train"),
    }
}

fn tidy() -> Result<ExitCode> {
    let root = root();
    let files = tracked_files(&root)?;
    let mut faults = floors::check(&root)?;
    faults.extend(sources::check(&root, &files)?);
    faults.extend(asvs::check(&root));
    for fault in &faults {
        eprintln!("tidy: {fault}");
    }
    println!("tidy: {} files read, {} faults", files.len(), faults.len());
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("the crate lies in the workspace").to_owned()
}

/// The files git knows or would add, relative to the root.
fn tracked_files(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("git ls-files")?;
    let text = String::from_utf8(output.stdout)?;
    let exists = |name: &&str| root.join(name).is_file();
    Ok(text.lines().filter(exists).map(str::to_owned).collect())
}
