//! Making a data folder from a backup.

use std::path::Path;

use super::{BackupError, BackupReport, Draft, KEYS_FILE, MANIFEST_FILE};
use super::{FileEntry, Manifest, io_at, restrict_to_owner};

/// Makes a data folder at `target` from the backup in `source`.
///
/// Every checksum is compared before the folder appears under its name; a crash leaves nothing that
/// could be taken for it. The key store is restored by [`restore_keys`].
///
/// # Errors
///
/// [`BackupError::NotEmpty`] when the target holds something; [`BackupError::Damaged`] names the file
/// whose checksum does not match.
pub fn restore(source: &Path, target: &Path) -> Result<BackupReport, BackupError> {
    let manifest = read_manifest(source)?;
    if !manifest.files.iter().any(|file| file.path == "log.db") {
        let detail = "it has no log; is it a backup of keys?".to_owned();
        return Err(BackupError::NotABackup { folder: source.to_owned(), detail });
    }
    let draft = Draft::begin(target)?;
    for file in &manifest.files {
        copy_checked(source, &draft, file)?;
    }
    let report = manifest.report();
    draft.publish()?;
    Ok(report)
}

/// Puts the key store from `source` into the data folder `target`, which must have none.
///
/// # Errors
///
/// [`BackupError::NotEmpty`] when the folder has keys already; [`BackupError::Damaged`] when the copy
/// does not match its checksum.
pub fn restore_keys(source: &Path, target: &Path) -> Result<BackupReport, BackupError> {
    let manifest = read_manifest(source)?;
    let Some(file) = manifest.files.iter().find(|file| file.path == KEYS_FILE) else {
        let detail = "it has no keys; is it a backup of the data?".to_owned();
        return Err(BackupError::NotABackup { folder: source.to_owned(), detail });
    };
    let draft = Draft::begin(&target.join("keys"))?;
    restrict_to_owner(&draft.folder)?;
    copy_checked(source, &draft, file)?;
    let report = manifest.report();
    draft.publish()?;
    Ok(report)
}

pub(super) fn read_manifest(source: &Path) -> Result<Manifest, BackupError> {
    let path = source.join(MANIFEST_FILE);
    let not_a_backup =
        |detail: String| BackupError::NotABackup { folder: source.to_owned(), detail };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| not_a_backup(format!("cannot read {MANIFEST_FILE}: {error}")))?;
    Manifest::parse(&text).map_err(not_a_backup)
}

/// Copies a file and compares the copy, so that damage on either disk is found.
fn copy_checked(source: &Path, draft: &Draft, file: &FileEntry) -> Result<(), BackupError> {
    let from = source.join(&file.path);
    if !from.is_file() {
        return Err(BackupError::Damaged { file: from, detail: "the file is missing".into() });
    }
    let copied = draft.copy_file(&from, &file.path)?;
    if copied.bytes != file.bytes {
        let detail = format!("it has {} bytes, and the manifest says {}", copied.bytes, file.bytes);
        return Err(BackupError::Damaged { file: from, detail });
    }
    if copied.checksum != file.checksum {
        let detail = "its checksum is not the one in the manifest".to_owned();
        return Err(BackupError::Damaged { file: from, detail });
    }
    // A restored database is written to: the copy must not inherit a read-only mode.
    let path = draft.folder.join(&file.path);
    let mut permissions = std::fs::metadata(&path).map_err(io_at(&path))?.permissions();
    if permissions.readonly() {
        set_writable(&mut permissions);
        std::fs::set_permissions(&path, permissions).map_err(io_at(&path))?;
    }
    Ok(())
}

#[cfg(unix)]
fn set_writable(permissions: &mut std::fs::Permissions) {
    use std::os::unix::fs::PermissionsExt;
    permissions.set_mode(permissions.mode() | 0o600);
}

#[cfg(not(unix))]
fn set_writable(permissions: &mut std::fs::Permissions) {
    permissions.set_readonly(false);
}
