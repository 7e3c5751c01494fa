use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};
use souk_core::LegalBasis;
use souk_ports::{Condition, Write, WriteChange};

use super::ImportOptions;
use crate::sheet::file_error;
use crate::{App, AppError};

/// Events after which the ledger is written anew: what a broken import would read twice.
const STEP: u64 = 20_000;
const PARTITION: &str = "import-ledger";

/// How far a file has been brought in, by its content: name and place do not matter.
pub(crate) struct Ledger {
    key: String,
    units_done: u64,
    units_written: u64,
    is_complete: bool,
    /// Why the shop says that it may use the file; for whoever asks later.
    basis: Option<&'static str>,
}

impl Ledger {
    /// Looks the file up. The same file read with other options is another import.
    pub(crate) async fn open(
        app: &App,
        hash: &str,
        options: &ImportOptions,
    ) -> Result<Ledger, AppError> {
        let basis = options.basis.map(LegalBasis::as_str);
        // Without a basis or a system the text is that of programs that knew none, so that their imports count.
        let options =
            format!("{options:?}").replace(", basis: None", "").replace(", from: None", "");
        let options = xxhash_rust::xxh3::xxh3_64(options.as_bytes());
        let key = format!("{hash}-{options:016x}");
        let row = app.parts.tables.get(PARTITION, &key, app.clock().now()).await?;
        let state: Value = row
            .and_then(|row| serde_json::from_slice(&row.value).ok())
            .unwrap_or_else(|| json!({"units": 0, "complete": false}));
        let units_done = state["units"].as_u64().unwrap_or(0);
        let is_complete = state["complete"].as_bool().unwrap_or(false);
        Ok(Ledger { key, units_done, units_written: units_done, is_complete, basis })
    }

    pub(crate) fn units_done(&self) -> u64 {
        self.units_done
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Notes that the first `units` events of the file are durable.
    pub(crate) async fn advance(&mut self, app: &App, units: u64) -> Result<(), AppError> {
        self.units_done = units;
        if units < self.units_written + STEP {
            return Ok(());
        }
        self.write(app).await
    }

    /// Notes that the whole file is durable.
    pub(crate) async fn complete(&mut self, app: &App) -> Result<(), AppError> {
        self.is_complete = true;
        self.write(app).await
    }

    async fn write(&mut self, app: &App) -> Result<(), AppError> {
        let now = app.clock().now();
        let state = json!({
            "units": self.units_done,
            "complete": self.is_complete,
            "basis": self.basis,
            "at": now.to_string(),
        });
        let write = Write {
            partition_key: PARTITION.to_owned(),
            sort_key: self.key.clone(),
            condition: Condition::Any,
            change: WriteChange::Put { value: state.to_string().into_bytes(), expires_at: None },
        };
        app.parts.tables.write(&[write], now).await?;
        self.units_written = self.units_done;
        Ok(())
    }
}

/// A 128-bit hash of the file's bytes.
pub(crate) fn hash_file(path: &Path) -> Result<String, AppError> {
    let mut file = std::fs::File::open(path).map_err(|source| file_error(path, source))?;
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    let mut buffer = vec![0u8; 1 << 20];
    loop {
        let n_read = file.read(&mut buffer).map_err(|source| file_error(path, source))?;
        if n_read == 0 {
            return Ok(format!("{:032x}", hash.digest128()));
        }
        hash.update(&buffer[..n_read]);
    }
}
