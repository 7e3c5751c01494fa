#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn errors_say_what_to_do() {
    let folder = PathBuf::from("shop");
    let locked = FolderError::Locked { folder: folder.clone(), pid: "42".into() };
    assert_eq!(
        locked.to_string(),
        "data folder shop is in use by process 42; stop it, or name another folder"
    );
    assert_eq!(locked.kind(), ErrorKind::Conflict);
    let newer = FolderError::Newer { folder, found: 7 };
    assert!(newer.to_string().contains("format 7"), "{newer}");
    assert_eq!(newer.kind(), ErrorKind::InvalidInput);
}

#[test]
fn folder_that_cannot_be_made_is_named() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    let refused = DataFolder::open(&file.join("data")).unwrap_err();
    assert!(matches!(refused, FolderError::Io { .. }), "{refused}");
}
