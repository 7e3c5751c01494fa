//! The master key: where it may lie, what is told when it is gone, and how another takes its place.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use souk_core::SubjectId;
use souk_embedded::{
    EmbeddedOptions, FolderError, KeyFile, MemoryMasterKey, OpenError, SqliteKeyStore, open,
    restore_keys, secret_of,
};
use souk_ports::{IdHash, KeyStore, KeyStoreError, MasterKeyError, MasterKeySource};
use souk_privacy::seal::{MasterKey, SecretKey};

fn id(n: u16) -> IdHash {
    let mut bytes = [7; 16];
    bytes[..2].copy_from_slice(&n.to_le_bytes());
    IdHash(bytes)
}

fn ids(n: u16) -> Vec<IdHash> {
    (0..n).map(id).collect()
}

fn open_keys(folder: &Path) -> Result<SqliteKeyStore, KeyStoreError> {
    let source = KeyFile::at(folder.join("master.key"));
    SqliteKeyStore::open(&folder.join("keys.db"), Arc::new(source))
}

async fn all_keys(store: &SqliteKeyStore, n: u16) -> (Vec<SubjectId>, Vec<SecretKey>) {
    let subjects = store.resolve(&ids(n)).await.unwrap();
    let keys: Option<Vec<_>> = store.keys(&subjects).await.unwrap().into_iter().collect();
    (subjects, keys.unwrap())
}

#[cfg(unix)]
#[test]
fn key_file_is_made_for_its_owner_and_refused_when_others_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    drop(open_keys(folder.path()).unwrap());
    let path = folder.path().join("master.key");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    for mode in [0o640, 0o604, 0o660] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let refused = open_keys(folder.path()).unwrap_err();
        let is_it = matches!(refused, KeyStoreError::Master(MasterKeyError::TooOpen { .. }));
        assert!(is_it && refused.to_string().contains("chmod 600"), "{refused}");
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    open_keys(folder.path()).unwrap();
}

#[tokio::test]
async fn lost_or_other_master_key_says_what_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_keys(folder.path()).unwrap();
    let (subjects, keys) = all_keys(&store, 5).await;
    let id = store.master_key_id().to_string();
    drop(store);
    let path = folder.path().join("master.key");
    let safe = folder.path().join("safe");
    std::fs::rename(&path, &safe).unwrap();
    let lost = open_keys(folder.path()).unwrap_err().to_string();
    for part in [id.as_str(), "5 subjects cannot be opened", "holds none", "from its copy"] {
        assert!(lost.contains(part), "{part}: {lost}");
    }
    assert!(!path.exists(), "no other key may take its place unasked");
    KeyFile::at(&path).store(&[MasterKey::new([1; 32])]).unwrap();
    let other = open_keys(folder.path()).unwrap_err();
    assert!(matches!(other, KeyStoreError::MasterKeyLost { .. }), "{other}");
    assert!(other.to_string().contains("holds another one"), "{other}");
    std::fs::write(&path, "souk-master-key-1 not a key\n").unwrap();
    let damaged = open_keys(folder.path()).unwrap_err().to_string();
    assert!(damaged.contains("line 1") && !damaged.contains("not a key"), "{damaged}");
    std::fs::rename(&safe, &path).unwrap();
    let store = open_keys(folder.path()).unwrap();
    assert_eq!(
        store.keys(&subjects).await.unwrap(),
        keys.into_iter().map(Some).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotation_keeps_every_key_while_the_store_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open_keys(folder.path()).unwrap());
    // More than two steps of re-wrapping.
    let many: Vec<IdHash> = (0..12_000).map(id).collect();
    for ids in many.chunks(6_000) {
        store.resolve(ids).await.unwrap();
    }
    let (subjects, keys) = all_keys(&store, 100).await;
    let secret = store.secret("ids").await.unwrap();
    let before = store.master_key_id();
    let is_over = Arc::new(AtomicBool::new(false));
    let going_on = {
        let (store, is_over) = (Arc::clone(&store), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut n = 20_000;
            while !is_over.load(Ordering::Relaxed) {
                let subject = store.resolve(&[id(n)]).await.unwrap()[0];
                assert!(store.keys(&[subject]).await.unwrap()[0].is_some());
                store.forget(subject).await.unwrap();
                n += 1;
            }
            n - 20_000
        })
    };
    let after = store.rotate_master().await.unwrap();
    is_over.store(true, Ordering::Relaxed);
    assert!(going_on.await.unwrap() > 0);
    assert_ne!(before, after);
    assert_eq!(store.master_key_id(), after);
    assert_eq!(all_keys(&store, 100).await, (subjects.clone(), keys.clone()));
    drop(store);
    let text = std::fs::read_to_string(folder.path().join("master.key")).unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with("souk-master-key-1")).count(), 1);
    let store = open_keys(folder.path()).unwrap();
    assert_eq!(store.master_key_id(), after);
    assert_eq!(all_keys(&store, 100).await, (subjects, keys));
    assert_eq!(store.secret("ids").await.unwrap(), secret);
}

/// A source that loses power at the `n`-th time that it is told to keep keys.
#[derive(Debug)]
struct Failing {
    file: KeyFile,
    left: std::sync::atomic::AtomicI32,
}

impl MasterKeySource for Failing {
    fn load(&self) -> Result<Vec<MasterKey>, MasterKeyError> {
        self.file.load()
    }

    fn store(&self, keys: &[MasterKey]) -> Result<(), MasterKeyError> {
        if self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(MasterKeyError::ReadOnly { place: "a place without power".into() });
        }
        self.file.store(keys)
    }

    fn place(&self) -> String {
        self.file.place()
    }
}

/// Wherever a rotation ends, the next start has every key, and one master key in the end.
#[tokio::test]
async fn broken_off_rotation_is_ended_by_the_next_start() {
    // A rotation stops before anything, at its end, and in between (by dropping the call).
    for stop in ["before", "at the end", "begun", "half-way"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.db");
        let file = KeyFile::at(folder.path().join("master.key"));
        let many: Vec<IdHash> = (0..9_000).map(id).collect();
        let store = open_keys(folder.path()).unwrap();
        store.resolve(&many).await.unwrap();
        let (subjects, keys) = all_keys(&store, 50).await;
        let secret = store.secret("ids").await.unwrap();
        let first = store.master_key_id();
        drop(store);
        let left = if stop == "before" { 0 } else { 1 };
        let source = Failing { file: file.clone(), left: left.into() };
        match stop {
            "before" | "at the end" => {
                let store = SqliteKeyStore::open(&path, Arc::new(source)).unwrap();
                assert!(store.rotate_master().await.is_err(), "{stop}");
            }
            "begun" => {
                // Only the file has been written: power went before the store heard of it.
                let mut keys = file.load().unwrap();
                keys.insert(0, MasterKey::new([3; 32]));
                file.store(&keys).unwrap();
            }
            _ => {
                let store = SqliteKeyStore::open(&path, Arc::new(source)).unwrap();
                let mut rotating = Box::pin(store.rotate_master());
                // Polled until the first step was committed, then dropped as by a crash.
                for _ in 0..2 {
                    let slice = std::time::Duration::from_millis(15);
                    let _ = tokio::time::timeout(slice, &mut rotating).await;
                }
                drop(rotating);
            }
        }
        let store = open_keys(folder.path()).unwrap();
        assert_eq!(all_keys(&store, 50).await, (subjects, keys), "{stop}");
        assert_eq!(store.secret("ids").await.unwrap(), secret, "{stop}");
        let masters = file.load().unwrap();
        assert_eq!(masters.len(), 1, "{stop}");
        assert_eq!(masters[0].id(), store.master_key_id(), "{stop}");
        assert_eq!(store.master_key_id() == first, stop == "before", "{stop}");
    }
}

#[tokio::test]
async fn environment_rotates_by_the_operator() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.db");
    let (old, new) = ("1".repeat(64), "2".repeat(64));
    let given = |keys: &[&str]| Arc::new(MemoryMasterKey::given("variable KEY", keys).unwrap());
    let store = SqliteKeyStore::open(&path, given(&[&old])).unwrap();
    let (subjects, keys) = all_keys(&store, 20).await;
    let refused = store.rotate_master().await.unwrap_err().to_string();
    assert!(refused.contains("variable KEY") && refused.contains("restart"), "{refused}");
    drop(store);
    assert!(SqliteKeyStore::open(&path, given(&[&new])).is_err());
    drop(SqliteKeyStore::open(&path, given(&[&new, &old])).unwrap());
    let store = SqliteKeyStore::open(&path, given(&[&new])).unwrap();
    assert_eq!(all_keys(&store, 20).await, (subjects, keys));
    let none = MemoryMasterKey::given("variable KEY", &["secret text"]).unwrap_err().to_string();
    assert!(!none.contains("secret text"), "{none}");
}

/// What program versions before sealing left: rows without keys, bare secrets.
#[tokio::test]
async fn store_of_the_first_layout_gets_keys() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("keys")).unwrap();
    std::fs::write(root.path().join("FORMAT"), "1\n").unwrap();
    let path = root.path().join("keys/keys.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(
        "CREATE TABLE subject_row (id BLOB PRIMARY KEY, subject BLOB NOT NULL) WITHOUT ROWID;
         CREATE TABLE secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;",
    )
    .unwrap();
    let bare = [0xabu8; 32];
    old.execute("INSERT INTO secret VALUES ('ids', ?1)", [bare]).unwrap();
    for n in 0..40u8 {
        let subject = [n + 1; 16];
        old.execute("INSERT INTO subject_row VALUES (?1, ?2)", (id(n.into()).0, subject)).unwrap();
    }
    drop(old);
    let shop = open(root.path(), &EmbeddedOptions::default()).unwrap();
    let (subjects, keys) = all_keys(&shop.keys, 40).await;
    assert_eq!(subjects[3], SubjectId([4; 16]));
    assert_eq!(shop.keys.secret("ids").await.unwrap().bytes(), &bare);
    drop(shop);
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(32).any(|window| window == bare), "the bare secret is still there");
    let shop = open(root.path(), &EmbeddedOptions::default()).unwrap();
    assert_eq!(all_keys(&shop.keys, 40).await, (subjects, keys));
    assert_eq!(std::fs::read_to_string(root.path().join("FORMAT")).unwrap(), "2\n");
}

/// Copies that `backup_keys` made lose whom the store forgets, also when they cannot be reached at once.
#[tokio::test]
async fn copies_lose_erased_people_too() {
    let root = tempfile::tempdir().unwrap();
    let shop = open(&root.path().join("data"), &EmbeddedOptions::default()).unwrap();
    let (subjects, _) = all_keys(&shop.keys, 30).await;
    shop.keys.secret("snapshot/1").await.unwrap();
    let (safe, disk) = (root.path().join("safe"), root.path().join("disk/copy"));
    std::fs::create_dir(disk.parent().unwrap()).unwrap();
    shop.backup_keys(&safe).await.unwrap();
    shop.backup_keys(&disk).await.unwrap();
    let holds = |folder: &Path, part: &[u8]| {
        let bytes = std::fs::read(folder.join("keys.db")).unwrap();
        bytes.windows(part.len()).any(|window| window == part)
    };
    assert!(holds(&safe, &subjects[4].0) && !holds(&safe, b"snapshot/1"));
    // The disk is taken away, and comes back later.
    let away = root.path().join("away");
    std::fs::rename(root.path().join("disk"), &away).unwrap();
    shop.keys.forget(subjects[4]).await.unwrap();
    assert!(!holds(&safe, &subjects[4].0) && holds(&safe, &subjects[5].0));
    assert!(holds(&away.join("copy"), &subjects[4].0));
    std::fs::rename(&away, root.path().join("disk")).unwrap();
    drop(shop);
    let shop = open(&root.path().join("data"), &EmbeddedOptions::default()).unwrap();
    assert!(!holds(&disk, &subjects[4].0) && holds(&disk, &subjects[5].0));
    // A copy that somebody removed is not looked for again, and the store goes on.
    std::fs::remove_dir_all(&safe).unwrap();
    shop.keys.forget(subjects[6]).await.unwrap();
    assert!(!holds(&disk, &subjects[6].0));
    // What is left is a good copy: its checksum was written anew.
    let restored = root.path().join("restored");
    std::fs::create_dir(&restored).unwrap();
    restore_keys(&disk, &restored).unwrap();
    std::fs::copy(shop.folder.master_key(), restored.join("keys/master.key")).unwrap();
    let copy = open(&restored, &EmbeddedOptions::default()).unwrap();
    assert_eq!(
        copy.keys.find(&[id(4), id(5), id(6)]).await.unwrap(),
        [None, Some(subjects[5]), None]
    );
}

/// A secret is read without the rows, of a folder that nobody has open, and nothing is made by asking.
#[tokio::test]
async fn one_secret_is_read_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let master_key = KeyFile::at(data.join("keys/master.key"));
    assert!(secret_of(&data, &master_key, "receipt").unwrap().is_none());
    assert!(!data.exists());
    let shop = open(&data, &EmbeddedOptions::default()).unwrap();
    let secret = shop.keys.secret("receipt").await.unwrap();
    let in_use = secret_of(&data, &master_key, "receipt").unwrap_err();
    assert!(matches!(in_use, OpenError::Folder(FolderError::Locked { .. })), "{in_use}");
    drop(shop);
    assert_eq!(secret_of(&data, &master_key, "receipt").unwrap(), Some(secret));
    assert!(secret_of(&data, &master_key, "other").unwrap().is_none());
    // Damage to a row of a subject is not even met; another master key opens nothing.
    let other = MemoryMasterKey::fresh();
    assert!(secret_of(&data, &other, "receipt").is_err());
}
