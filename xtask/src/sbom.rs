//! The list of what the binary is built of (a software bill of materials), as CycloneDX 1.6.
//!
//! It comes from what cargo itself resolved and from `Cargo.lock`, needs no network, and is the same
//! bytes for the same lock file: it has no time and no random serial number.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// The crate whose parts are listed.
const BINARY: &str = "souk";
/// Where `cargo xtask sbom` writes, below the root.
const FILE: &str = "target/souk.cdx.json";

/// Writes the list for `--target TRIPLE`, or for this machine.
pub(crate) fn write(root: &Path, mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let target = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => host()?,
        (Some("--target"), Some(target)) => target,
        (other, _) => bail!("unknown argument {other:?}; there is `--target TRIPLE`"),
    };
    let bom = document(root, &target)?;
    let text = serde_json::to_string_pretty(&bom)? + "\n";
    let path = root.join(FILE);
    std::fs::create_dir_all(path.parent().expect("the file lies in a folder"))?;
    std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    let count = bom["components"].as_array().map_or(0, Vec::len);
    println!("sbom: {count} components of {BINARY} for {target}, in {FILE}");
    Ok(())
}

/// The document for one kind of machine.
fn document(root: &Path, target: &str) -> Result<Value> {
    let metadata = metadata(root, target)?;
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("Cargo.lock")?;
    Ok(describe(&Graph::of(&metadata)?, &checksums(&lock), target))
}

fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc -vV")?;
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("rustc does not say what machine this is")?.to_owned())
}

fn metadata(root: &Path, target: &str) -> Result<Value> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", target])
        .current_dir(root)
        .output()
        .context("cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata")
}

type ById<'a> = BTreeMap<&'a str, &'a Value>;

/// The packages that the binary needs, and who needs whom.
#[derive(Debug)]
struct Graph<'a> {
    root: &'a str,
    packages: ById<'a>,
    needs: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// Those whose code is in the binary; the others only take part in building it.
    shipped: BTreeSet<&'a str>,
}

impl<'a> Graph<'a> {
    fn of(metadata: &'a Value) -> Result<Graph<'a>> {
        let packages: ById<'a> =
            list(&metadata["packages"]).map(|package| (text(&package["id"]), package)).collect();
        let nodes: ById<'a> =
            list(&metadata["resolve"]["nodes"]).map(|node| (text(&node["id"]), node)).collect();
        let is_root = |(_, package): &(&&str, &&Value)| package["name"] == BINARY;
        let (root, _) = packages.iter().find(is_root).context("the binary is no package")?;
        let mut graph = Graph {
            root,
            packages: BTreeMap::new(),
            needs: BTreeMap::new(),
            shipped: BTreeSet::new(),
        };
        // What is shipped is walked first, so that a package that does both counts as shipped.
        graph.shipped = graph.walk((&packages, &nodes), &[Value::Null])?;
        graph.walk((&packages, &nodes), &[Value::Null, json!("build")])?;
        // Macros run while the compiler does; nothing of them or of what they need is in the binary.
        graph.leave_out_macros();
        Ok(graph)
    }

    /// Everything that the binary needs through dependencies of these kinds.
    fn walk(
        &mut self,
        (packages, nodes): (&ById<'a>, &ById<'a>),
        kinds: &[Value],
    ) -> Result<BTreeSet<&'a str>> {
        let mut open = vec![self.root];
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let package = packages.get(id).with_context(|| format!("{id} is no package"))?;
            self.packages.insert(id, package);
            let node = nodes.get(id).with_context(|| format!("{id} was not resolved"))?;
            let is_meant = |dependency: &&Value| {
                list(&dependency["dep_kinds"]).any(|kind| kinds.contains(&kind["kind"]))
            };
            for needed in list(&node["deps"]).filter(is_meant).map(|one| text(&one["pkg"])) {
                self.needs.entry(id).or_default().insert(needed);
                open.push(needed);
            }
        }
        Ok(seen)
    }

    fn leave_out_macros(&mut self) {
        let is_macro = |id: &str| {
            list(&self.packages[id]["targets"])
                .any(|target| list(&target["kind"]).any(|kind| kind == "proc-macro"))
        };
        let mut reached = BTreeSet::new();
        let mut open = vec![self.root];
        while let Some(id) = open.pop() {
            if !is_macro(id) && self.shipped.contains(id) && reached.insert(id) {
                open.extend(self.needs.get(id).into_iter().flatten());
            }
        }
        self.shipped = reached;
    }
}

fn describe(graph: &Graph<'_>, checksums: &BTreeMap<String, String>, target: &str) -> Value {
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for (id, package) in &graph.packages {
        let mut needed: Vec<String> =
            graph.needs.get(id).into_iter().flatten().map(|id| purl(graph.packages[id])).collect();
        if let Some(bundled) = bundled(package) {
            needed.push(text(&bundled["bom-ref"]).to_owned());
            dependencies.push(json!({"ref": bundled["bom-ref"]}));
            components.push(bundled);
        }
        dependencies.push(json!({"ref": purl(package), "dependsOn": needed}));
        if *id != graph.root {
            components.push(component(package, checksums, graph.shipped.contains(id)));
        }
    }
    let mut binary = component(graph.packages[graph.root], checksums, true);
    binary["type"] = "application".into();
    components.sort_by_key(|component| text(&component["bom-ref"]).to_owned());
    dependencies.sort_by_key(|dependency| text(&dependency["ref"]).to_owned());
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "cargo xtask sbom"}]},
            "component": binary,
            "properties": [{"name": "souk:target", "value": target}]
        },
        "components": components,
        "dependencies": dependencies,
    })
}

fn component(package: &Value, checksums: &BTreeMap<String, String>, is_shipped: bool) -> Value {
    let (name, version) = (text(&package["name"]), text(&package["version"]));
    let mut component = json!({
        "type": "library",
        "bom-ref": purl(package),
        "name": name,
        "version": version,
        "scope": if is_shipped { "required" } else { "excluded" },
        "purl": purl(package),
        "licenses": [{"expression": spdx(text(&package["license"]))}],
    });
    if let Some(sum) = checksums.get(&format!("{name} {version}")) {
        component["hashes"] = json!([{"alg": "SHA-256", "content": sum}]);
    }
    if let Some(page) = package["repository"].as_str() {
        component["externalReferences"] = json!([{"type": "vcs", "url": page}]);
    }
    component
}

/// C code that a crate carries with it, which has holes and versions of its own.
fn bundled(package: &Value) -> Option<Value> {
    let (name, version, licence) = match text(&package["name"]) {
        "libsqlite3-sys" => {
            let folder = Path::new(text(&package["manifest_path"])).parent()?;
            let header = std::fs::read_to_string(folder.join("sqlite3/sqlite3.h")).ok()?;
            let line = header.lines().find(|line| line.starts_with("#define SQLITE_VERSION "))?;
            ("sqlite", line.split('"').nth(1)?.to_owned(), "blessing")
        }
        "zstd-sys" => {
            let version = text(&package["version"]).split("+zstd.").nth(1)?;
            ("zstd", version.to_owned(), "BSD-3-Clause")
        }
        _ => return None,
    };
    let purl = format!("pkg:generic/{name}@{version}");
    Some(json!({
        "type": "library", "bom-ref": purl, "name": name, "version": version, "scope": "required",
        "purl": purl, "licenses": [{"license": {"id": licence}}],
        "description": format!("C sources in the crate {}", text(&package["name"])),
    }))
}

/// The package's address in the package-url scheme, in which `+` of a version is escaped.
fn purl(package: &Value) -> String {
    let version = text(&package["version"]).replace('+', "%2B");
    format!("pkg:cargo/{}@{version}", text(&package["name"]))
}

/// Old manifests write `MIT/Apache-2.0` where SPDX says `MIT OR Apache-2.0`.
fn spdx(licence: &str) -> String {
    licence.replace(" / ", "/").replace('/', " OR ")
}

/// The SHA-256 of each package from the registry, by name and version.
fn checksums(lock: &str) -> BTreeMap<String, String> {
    let mut sums = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let field = |name: &str| {
            let lines = package.lines().filter_map(|line| line.split_once(" = "));
            let found = lines.into_iter().find(|(field, _)| *field == name);
            found.map(|(_, value)| value.trim_matches('"').to_owned())
        };
        if let (Some(name), Some(version), Some(sum)) =
            (field("name"), field("version"), field("checksum"))
        {
            sums.insert(format!("{name} {version}"), sum);
        }
    }
    sums
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests;
