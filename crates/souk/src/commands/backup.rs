//! `souk backup` and `souk restore`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};
use souk_app::{AuditAct, AuditOperation, audit_restore};
use souk_embedded::{BackupError, BackupReport, KeyFile, SqliteTables};
use souk_ports::MasterKeySource;

use crate::backends;
use crate::failure::Failure;
use crate::job::Shop;
use crate::settings::Settings;
use crate::term::{self, thousands};

/// Whether the key store is meant instead of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum IsKeys {
    Yes,
    No,
}

pub(crate) async fn run(shop: &Shop, to: &Path, is_keys: IsKeys) -> Result<Value> {
    let copied = match is_keys {
        IsKeys::Yes => shop.embedded.backup_keys(to).await,
        IsKeys::No => shop.embedded.backup(to).await,
    };
    Ok(json_of(to, &copied.map_err(failure)?))
}

/// Which keys are restored with the data.
pub(crate) struct WithKeys {
    pub(crate) keys: Option<PathBuf>,
    pub(crate) master_key: Option<PathBuf>,
}

/// Puts a backup into an empty data folder.
pub(crate) async fn restore(settings: &Settings, from: &Path, with: &WithKeys) -> Result<()> {
    let folder = &settings.folder;
    let keys = with.keys.as_deref();
    let report = souk_embedded::restore(from, folder).map_err(failure)?;
    if let Some(keys) = keys {
        souk_embedded::restore_keys(keys, folder).map_err(failure)?;
    }
    if let Some(copy) = &with.master_key {
        let target = backends::master_key(&settings.config.data.master_key, folder)?;
        let keys = KeyFile::at(copy).load().and_then(|keys| target.store(&keys));
        keys.map_err(|error| Failure::because(error.kind(), &error))?;
    }
    write_down(folder, (&report, keys)).await?;
    let mut result = json_of(folder, &report);
    result["with_keys"] = keys.is_some().into();
    term::print_result(settings.output, &result, |result| {
        let about_keys = match keys {
            Some(_) => "with its key store",
            None => {
                "without a key store: until one is restored with --keys, shoppers are not \
                 recognised, and what they did cannot be read"
            }
        };
        format!("{} ({about_keys})", text(result))
    })?;
    Ok(())
}

/// The restore is the first entry after those of the backup: what came between is not there any more,
/// and the published heads tell how much that was.
async fn write_down(folder: &Path, (report, keys): (&BackupReport, Option<&Path>)) -> Result<()> {
    let tables = SqliteTables::open(&folder.join("tables.db"));
    let tables = tables.map_err(|error| Failure::because(error.kind(), &error))?;
    let act = AuditAct::new(AuditOperation::DataRestore)
        .with("files", report.files)
        .with("key_store", if keys.is_some() { "restored" } else { "none" });
    audit_restore(&tables, act).await?;
    Ok(())
}

fn failure(error: BackupError) -> anyhow::Error {
    Failure::because(error.kind(), &error).into()
}

fn json_of(folder: &Path, report: &BackupReport) -> Value {
    json!({
        "folder": folder.display().to_string(),
        "files": report.files,
        "bytes": report.bytes,
    })
}

pub(crate) fn text(result: &Value) -> String {
    format!(
        "{}: {} files, {} bytes",
        result["folder"].as_str().unwrap_or_default(),
        thousands(result["files"].as_u64().unwrap_or(0)),
        thousands(result["bytes"].as_u64().unwrap_or(0)),
    )
}
