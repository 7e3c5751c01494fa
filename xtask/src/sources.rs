//! What every file must keep to.

use std::path::Path;

use anyhow::Result;

/// Lines of a Rust file. Longer ones hide their parts.
const LINES_MAX: usize = 600;

/// Bytes of any file. The largest of the project's own is a packed list of names; what is larger was
/// downloaded by mistake and would stay in the history for ever.
const BYTES_MAX: u64 = 4 << 20;

/// Beginnings of paths that exist on one machine only. Split, so that this file passes itself.
const STRAY_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

const TEXT: &[&str] =
    &["rs", "md", "toml", "yaml", "yml", "py", "sh", "js", "mjs", "ts", "json", "html", "txt"];

pub(crate) fn check(root: &Path, files: &[String]) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for name in files {
        if name.starts_with("testdata/") {
            faults.extend(check_provenance(root, name));
        }
        faults.extend(check_size(root, name)?);
        let extension = name.rsplit('.').next().unwrap_or_default();
        let is_script = matches!(name.as_str(), "Makefile" | ".ci/run" | "Dockerfile");
        if !TEXT.contains(&extension) && !is_script {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(root.join(name)) else { continue };
        let is_generated = name.ends_with("package-lock.json") || name == "Cargo.lock";
        if !is_generated {
            faults.extend(check_paths(name, &text));
        }
        if extension == "rs" {
            faults.extend(crate::gate::check(name, &text));
        }
        match extension {
            "rs" if text.lines().count() > LINES_MAX => {
                let lines = text.lines().count();
                faults.push(format!("{name} has {lines} lines; the limit is {LINES_MAX}"));
            }
            "md" => faults.extend(check_links(root, name, &text)),
            "toml" if name.ends_with("/Cargo.toml") && !text.contains("[lints") => {
                faults.push(format!("{name} does not take the workspace's lints"));
            }
            _ => {}
        }
    }
    Ok(faults)
}

fn check_size(root: &Path, name: &str) -> Result<Option<String>> {
    let bytes = std::fs::metadata(root.join(name))?.len();
    Ok((bytes > BYTES_MAX).then(|| format!("{name} has {bytes} bytes; the limit is {BYTES_MAX}")))
}

fn check_paths(name: &str, text: &str) -> Vec<String> {
    let stray = |line: &str| STRAY_PATHS.iter().any(|path| line.contains(path));
    let lines = text.lines().enumerate().filter(|(_, line)| stray(line));
    lines.map(|(idx, _)| format!("{name}:{} names a path of one machine", idx + 1)).collect()
}

/// Links to files must lead somewhere; links to the web are not followed.
fn check_links(root: &Path, name: &str, text: &str) -> Vec<String> {
    let folder = root.join(name).parent().expect("a file lies in a folder").to_owned();
    let mut faults = Vec::new();
    for (start, _) in text.match_indices("](") {
        let rest = &text[start + 2..];
        let target = &rest[..rest.find(')').unwrap_or(0)];
        let path = target.split('#').next().unwrap_or_default();
        if path.is_empty() || target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        if !folder.join(path).exists() {
            faults.push(format!("{name} links to {target}, which does not exist"));
        }
    }
    faults
}

/// Every folder of reference data says where it is from.
fn check_provenance(root: &Path, name: &str) -> Option<String> {
    let folder = name.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
    let path = root.join(&folder);
    (path.is_dir() && !path.join("PROVENANCE.md").is_file())
        .then(|| format!("{name} lies in {folder}, which has no PROVENANCE.md"))
}
