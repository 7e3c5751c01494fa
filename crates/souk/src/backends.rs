//! Which storage serves which port: a URL names it. Floors 3 and 4 meet only here.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use souk_app::Parts;
use souk_app::config::{shown_place, shown_url};
use souk_embedded::{Embedded, EmbeddedOptions, FolderError, KeyFile, MemoryMasterKey, OpenError};
use souk_ports::MasterKeySource;

use crate::failure::Failure;
use crate::settings::Settings;

/// What became of opening a data folder.
#[derive(Debug)]
pub(crate) enum Opened {
    /// It is ours now.
    Owned(Arc<Embedded>),
    /// Another process owns it; the text says which.
    InUse(String),
}

/// Opens the back ends that the settings name.
pub(crate) fn open(settings: &Settings) -> Result<Opened> {
    let data = &settings.config.data;
    let stores = [
        ("data.log", &data.log, &["sqlite:log.db"][..]),
        ("data.tables", &data.tables, &["sqlite:tables.db"]),
        ("data.keys", &data.keys, &["sqlite:keys.db", "sqlite:keys/keys.db"]),
    ];
    for (setting, url, known) in stores {
        if !known.contains(&url.as_str()) {
            return Err(usage(format!(
                "setting `{setting}` is `{}`; this build serves only `{}`",
                shown_url(url),
                known[0]
            )));
        }
    }
    let master_key = Some(master_key(&data.master_key, &settings.folder)?);
    let mut options = EmbeddedOptions { master_key, ..EmbeddedOptions::default() };
    if data.blobs != "file:blobs" {
        options.blobs = Some(blobs(&data.blobs, &settings.folder)?);
    }
    match souk_embedded::open(&settings.folder, &options) {
        Ok(embedded) => Ok(Opened::Owned(Arc::new(embedded))),
        Err(OpenError::Folder(locked @ FolderError::Locked { .. })) => {
            Ok(Opened::InUse(locked.to_string()))
        }
        Err(error) => Err(Failure::because(error.kind(), &error).into()),
    }
}

/// Whether the data folder holds a shop.
pub(crate) fn has_shop(settings: &Settings) -> bool {
    settings.folder.join("log.db").exists()
}

/// Opens a shop that is gone with its folder: its keys are nowhere but in memory.
pub(crate) fn open_for_now(folder: &Path) -> Result<Opened> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let digits = souk_core::hexadecimal(&key);
    let given = MemoryMasterKey::given("memory", &[&digits])?;
    let options =
        EmbeddedOptions { master_key: Some(Arc::new(given)), ..EmbeddedOptions::default() };
    let embedded = souk_embedded::open(folder, &options);
    let embedded = embedded.map_err(|error| Failure::because(error.kind(), &error))?;
    Ok(Opened::Owned(Arc::new(embedded)))
}

/// The ports for the application.
pub(crate) fn parts(embedded: &Embedded) -> Parts {
    Parts {
        log: Arc::clone(&embedded.log) as _,
        tables: Arc::clone(&embedded.tables) as _,
        keys: Arc::clone(&embedded.keys) as _,
        cache: Arc::clone(&embedded.cache) as _,
        blobs: Arc::clone(&embedded.blobs),
    }
}

/// Where the setting says that the master key is.
pub(crate) fn master_key(url: &str, folder: &Path) -> Result<Arc<dyn MasterKeySource>> {
    if let Some(path) = url.strip_prefix("file:").filter(|path| !path.is_empty()) {
        return Ok(Arc::new(KeyFile::at(folder.join(path.strip_prefix("//").unwrap_or(path)))));
    }
    let Some(name) = url.strip_prefix("env:").filter(|name| !name.is_empty()) else {
        let message = format!(
            "setting `data.master_key` is `{}`; write `file:PATH` or `env:NAME` of a variable",
            shown_place(url)
        );
        return Err(usage(message));
    };
    let Ok(current) = std::env::var(name) else {
        return Err(usage(format!(
            "setting `data.master_key` names the variable {name}, which is not set; give it 64 \
             hexadecimal digits, for example from `openssl rand -hex 32`, and keep a copy of them"
        )));
    };
    let previous = std::env::var(format!("{name}_PREVIOUS")).ok();
    let texts: Vec<&str> =
        [Some(current.as_str()), previous.as_deref()].into_iter().flatten().collect();
    let given = MemoryMasterKey::given(&format!("environment variable {name}"), &texts);
    given.map(|key| Arc::new(key) as _).map_err(|error| usage(error.to_string()))
}

/// A folder elsewhere for snapshots and archive.
fn blobs(url: &str, folder: &Path) -> Result<Arc<dyn ObjectStore>> {
    let path = url.strip_prefix("file:").filter(|path| !path.is_empty());
    let path = path.ok_or_else(|| {
        let shown = shown_url(url);
        usage(format!("setting `data.blobs` is `{shown}`; this build serves only `file:FOLDER`"))
    })?;
    let path = folder.join(path.strip_prefix("//").unwrap_or(path));
    let about = || format!("folder {}", path.display());
    std::fs::create_dir_all(&path).with_context(about)?;
    Ok(Arc::new(LocalFileSystem::new_with_prefix(&path).with_context(about)?.with_fsync(true)))
}

fn usage(message: String) -> anyhow::Error {
    anyhow!(Failure::usage(message))
}
