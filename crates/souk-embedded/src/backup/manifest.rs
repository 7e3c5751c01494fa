//! What a backup consists of.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::{Value, json};
use souk_ports::{Cursor, Partition, Position};
use xxhash_rust::xxh3::Xxh3Default;

use super::BackupReport;

/// The manifest's own version.
const VERSION: u64 = 1;

/// The files of a backup.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) log_end: Cursor,
    pub(super) files: Vec<FileEntry>,
}

/// One file, by its path inside the backup.
#[derive(Debug)]
pub(super) struct FileEntry {
    pub(super) path: String,
    pub(super) bytes: u64,
    /// XXH3 with 128 bits, in hexadecimal: finds damage, not forgery.
    pub(super) checksum: String,
}

impl FileEntry {
    /// Reads the file and takes its checksum.
    pub(super) fn of(file: &Path, path: &str) -> io::Result<FileEntry> {
        let mut file = File::open(file)?;
        let mut hasher = Xxh3Default::new();
        let mut buffer = vec![0; 1 << 20];
        let mut bytes = 0;
        loop {
            let n = file.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            hasher.update(&buffer[..n]);
            bytes += n as u64;
        }
        let checksum = format!("{:032x}", hasher.digest128());
        Ok(FileEntry { path: path.to_owned(), bytes, checksum })
    }
}

impl Manifest {
    pub(super) fn new(log_end: Cursor, files: Vec<FileEntry>) -> Manifest {
        Manifest { log_end, files }
    }

    pub(super) fn report(&self) -> BackupReport {
        BackupReport {
            files: self.files.len() as u64,
            bytes: self.files.iter().map(|file| file.bytes).sum(),
            log_end: self.log_end.clone(),
        }
    }

    pub(super) fn to_json(&self) -> String {
        let end = self.log_end.positions();
        let end: Vec<Value> =
            end.map(|p| json!({"partition": p.partition.0, "offset": p.offset})).collect();
        let files = self.files.iter();
        let files: Vec<Value> = files
            .map(|f| json!({"path": f.path, "bytes": f.bytes, "xxh3_128": f.checksum}))
            .collect();
        format!("{:#}\n", json!({"version": VERSION, "log_end": end, "files": files}))
    }

    /// Reads a manifest; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Manifest, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match json["version"].as_u64() {
            Some(VERSION) => {}
            Some(newer) => {
                return Err(format!("the manifest has version {newer}; use a newer program"));
            }
            None => return Err("the manifest has no version".into()),
        }
        let mut log_end = Cursor::START;
        for position in list(&json, "log_end")? {
            let partition = position["partition"].as_u64().and_then(|p| u16::try_from(p).ok());
            let (Some(partition), Some(offset)) = (partition, position["offset"].as_u64()) else {
                return Err("the manifest's `log_end` is no list of positions".into());
            };
            log_end.advance(Position { partition: Partition(partition), offset });
        }
        let mut files = Vec::new();
        for file in list(&json, "files")? {
            let text = |name: &str| file[name].as_str().map(str::to_owned);
            let (Some(path), Some(bytes), Some(checksum)) =
                (text("path"), file["bytes"].as_u64(), text("xxh3_128"))
            else {
                return Err("the manifest's `files` is no list of files".into());
            };
            if !is_inside(&path) {
                return Err(format!("the manifest names `{path}`, which is outside of the backup"));
            }
            files.push(FileEntry { path, bytes, checksum });
        }
        Ok(Manifest { log_end, files })
    }
}

fn list<'a>(json: &'a Value, name: &str) -> Result<&'a Vec<Value>, String> {
    json[name].as_array().ok_or_else(|| format!("the manifest has no `{name}`"))
}

/// Whether a path stays below the folder it is joined to.
fn is_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    !path.is_empty() && parts.all(|part| matches!(part, std::path::Component::Normal(_)))
}
