//! Who may use a data folder, and who may read its files.

use std::sync::Arc;

use souk_core::SubjectId;
use souk_embedded::{
    DataFolder, EmbeddedOptions, FolderError, MemoryMasterKey, SqliteKeyStore, open,
};
use souk_ports::{IdHash, KeyStore};

#[test]
fn one_process_owns_a_folder() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path()).unwrap();
    let refused = DataFolder::open(root.path()).unwrap_err();
    assert!(matches!(refused, FolderError::Locked { .. }));
    let text = refused.to_string();
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    drop(folder);
    DataFolder::open(root.path()).unwrap();
}

#[test]
fn newer_and_unknown_formats_are_refused() {
    let root = tempfile::tempdir().unwrap();
    drop(DataFolder::open(root.path()).unwrap());
    let format = root.path().join("FORMAT");
    assert_eq!(std::fs::read_to_string(&format).unwrap(), "2\n");
    std::fs::write(&format, "3\n").unwrap();
    let refused = DataFolder::open(root.path()).unwrap_err();
    assert!(refused.to_string().contains("use a newer program"), "{refused}");
    for text in ["", "one", "0", "-1"] {
        std::fs::write(&format, text).unwrap();
        let refused = DataFolder::open(root.path()).unwrap_err();
        assert!(matches!(refused, FolderError::BadFormat { .. }), "{text}: {refused}");
    }
}

#[test]
fn leftovers_in_tmp_go_at_start() {
    let root = tempfile::tempdir().unwrap();
    let folder = DataFolder::open(root.path()).unwrap();
    std::fs::write(folder.tmp().join("half"), b"x").unwrap();
    drop(folder);
    let folder = DataFolder::open(root.path()).unwrap();
    assert_eq!(std::fs::read_dir(folder.tmp()).unwrap().count(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn keys_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let shop = open(root.path(), &EmbeddedOptions::default()).unwrap();
    shop.keys.resolve(&[IdHash([1; 16])]).await.unwrap();
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&shop.folder.keys_folder()), 0o700);
    for entry in std::fs::read_dir(shop.folder.keys_folder()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
}

/// Nobody else on the machine reads what a shop sells; a folder that was there keeps its rights.
#[cfg(unix)]
#[test]
fn a_new_folder_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let made = parent.path().join("made");
    drop(open(&made, &EmbeddedOptions::default()).unwrap());
    assert_eq!(mode(&made), 0o700);
    let there = parent.path().join("there");
    std::fs::create_dir(&there).unwrap();
    std::fs::set_permissions(&there, std::fs::Permissions::from_mode(0o750)).unwrap();
    drop(open(&there, &EmbeddedOptions::default()).unwrap());
    assert_eq!(mode(&there), 0o750);
}

/// A forgotten row leaves no byte behind, neither in the file nor in its write-ahead log.
#[tokio::test]
async fn forgotten_rows_leave_the_files() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("keys.db");
    let master = Arc::new(MemoryMasterKey::fresh());
    let keys = SqliteKeyStore::open(&path, Arc::clone(&master) as _).unwrap();
    let ids: Vec<IdHash> = (1..=100).map(|n| IdHash([n; 16])).collect();
    let subjects = keys.resolve(&ids).await.unwrap();
    let holds = |subject: SubjectId| {
        let files = std::fs::read_dir(root.path()).unwrap().map(|e| e.unwrap().path());
        files
            .into_iter()
            .any(|file| std::fs::read(file).unwrap().windows(16).any(|window| window == subject.0))
    };
    assert!(holds(subjects[41]));
    keys.forget(subjects[41]).await.unwrap();
    assert!(!holds(subjects[41]));
    assert!(holds(subjects[42]));
    drop(keys);
    let keys = SqliteKeyStore::open(&path, Arc::clone(&master) as _).unwrap();
    assert_eq!(keys.find(&ids[41..43]).await.unwrap(), [None, Some(subjects[42])]);
}
