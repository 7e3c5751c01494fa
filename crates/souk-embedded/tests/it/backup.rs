//! Backups made while the shop goes on, and restores that check before they trust.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use object_store::path::Path as BlobPath;
use object_store::{ObjectStoreExt, PutPayload};
use souk_core::Timestamp;
use souk_embedded::{BackupError, Embedded, EmbeddedOptions, open, restore, restore_keys, verify};
use souk_ports::{Condition, EventLog, IdHash, KeyStore, TableStore, Write, WriteChange};

use crate::records::{read_all, records};

fn open_folder(path: &Path) -> Embedded {
    open(path, &EmbeddedOptions::default()).unwrap()
}

fn row(n: u64) -> Write {
    Write {
        partition_key: "batches".into(),
        sort_key: "last".into(),
        condition: Condition::Any,
        change: WriteChange::Put { value: n.to_le_bytes().to_vec(), expires_at: None },
    }
}

async fn last_batch(folder: &Embedded) -> u64 {
    let row = folder.tables.get("batches", "last", Timestamp::EPOCH).await.unwrap().unwrap();
    u64::from_le_bytes(row.value.try_into().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backup_while_writing_restores_whole() {
    let root = tempfile::tempdir().unwrap();
    let shop = Arc::new(open_folder(&root.path().join("data")));
    let blob = BlobPath::from("snapshots/1");
    shop.blobs.put(&blob, PutPayload::from_static(b"a snapshot")).await.unwrap();
    let subject = shop.keys.resolve(&[IdHash([1; 16])]).await.unwrap()[0];
    shop.log.append(records(0..10)).await.unwrap();
    shop.tables.write(&[row(0)], Timestamp::EPOCH).await.unwrap();

    let is_over = Arc::new(AtomicBool::new(false));
    let writer = {
        let (shop, is_over) = (Arc::clone(&shop), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut n = 1;
            while !is_over.load(Ordering::Relaxed) {
                shop.log.append(records(n * 10..n * 10 + 10)).await.unwrap();
                shop.tables.write(&[row(n)], Timestamp::EPOCH).await.unwrap();
                n += 1;
            }
            n
        })
    };
    let target = root.path().join("backup");
    let report = shop.backup(&target).await.unwrap();
    is_over.store(true, Ordering::Relaxed);
    let n_batches = writer.await.unwrap();
    assert!(n_batches > 1);
    assert!(!target.join("keys").exists() && !target.join("keys.db").exists());
    let keys_target = root.path().join("keys-backup");
    shop.backup_keys(&keys_target).await.unwrap();
    let master = shop.folder.master_key();
    for copy in [&target, &keys_target] {
        let copied = std::fs::read_dir(copy).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(copied.into_iter().all(|name| name != "master.key"), "no backup takes it along");
    }
    drop(shop);

    let restored = root.path().join("restored");
    assert_eq!(restore(&target, &restored).unwrap(), report);
    restore_keys(&keys_target, &restored).unwrap();
    let lost = open(&restored, &EmbeddedOptions::default()).unwrap_err();
    assert!(lost.to_string().contains("1 subjects cannot be opened"), "{lost}");
    std::fs::copy(master, restored.join("keys/master.key")).unwrap();
    let copy = open_folder(&restored);
    let read = read_all(&copy.log).await.unwrap();
    assert_eq!(read.len() % 10, 0, "a batch is whole or not there");
    assert_eq!(copy.log.end().await.unwrap(), report.log_end);
    // A row tells of a batch only after it is in the log, and the copy keeps that order.
    assert!((last_batch(&copy).await + 1) * 10 <= read.len() as u64);
    assert_eq!(copy.blobs.get(&blob).await.unwrap().bytes().await.unwrap(), &b"a snapshot"[..]);
    assert_eq!(copy.keys.find(&[IdHash([1; 16])]).await.unwrap(), [Some(subject)]);
    // What the copy missed is sent again and arrives once.
    copy.log.append(records(0..n_batches * 10)).await.unwrap();
    assert_eq!(read_all(&copy.log).await.unwrap().len() as u64, n_batches * 10);
    drop(copy);
    let verified = verify(&restored).await.unwrap();
    assert_eq!((verified.records, verified.problems.len()), (n_batches * 10, 0));
}

#[tokio::test]
async fn targets_that_hold_something_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let shop = open_folder(&root.path().join("data"));
    let target = root.path().join("backup");
    std::fs::create_dir(&target).unwrap();
    std::fs::write(target.join("precious"), b"x").unwrap();
    let refused = shop.backup(&target).await.unwrap_err();
    assert!(matches!(refused, BackupError::NotEmpty(_)), "{refused}");
    assert!(refused.to_string().contains("is not empty"), "{refused}");
    std::fs::remove_file(target.join("precious")).unwrap();
    shop.backup(&target).await.unwrap();
    let refused = restore(&target, &root.path().join("data")).unwrap_err();
    assert!(matches!(refused, BackupError::NotEmpty(_)), "{refused}");
    let refused = restore_keys(&target, &root.path().join("data")).unwrap_err();
    assert!(matches!(refused, BackupError::NotABackup { .. }), "{refused}");
    assert!(!root.path().join("backup.partial").exists());
}

#[tokio::test]
async fn damaged_backup_is_refused_whole() {
    let root = tempfile::tempdir().unwrap();
    let shop = open_folder(&root.path().join("data"));
    shop.log.append(records(0..100)).await.unwrap();
    let source = root.path().join("backup");
    shop.backup(&source).await.unwrap();
    let restored = root.path().join("restored");
    for name in ["log.db", "tables.db", "FORMAT"] {
        let path = source.join(name);
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        for wrong in [Some(bad), Some(good[..good.len() - 1].to_vec()), None] {
            match wrong {
                Some(bytes) => std::fs::write(&path, bytes).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            let refused = restore(&source, &restored).unwrap_err();
            assert!(matches!(refused, BackupError::Damaged { .. }), "{name}: {refused}");
            assert!(refused.to_string().contains(name), "{refused}");
            assert!(!restored.exists(), "nothing may look like a data folder");
        }
        std::fs::write(&path, good).unwrap();
    }
    std::fs::write(source.join("manifest.json"), "{\"version\": 9}").unwrap();
    let refused = restore(&source, &restored).unwrap_err();
    assert!(refused.to_string().contains("newer program"), "{refused}");
    assert!(matches!(restore(root.path(), &restored), Err(BackupError::NotABackup { .. })));
}

#[tokio::test]
async fn verify_names_what_is_damaged() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    let shop = open_folder(&data);
    shop.log.append(records(0..100)).await.unwrap();
    drop(shop);
    let path = data.join("log.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let body = crate::records::record(42).body;
    // Every copy: a page that was split leaves a stale one behind.
    let windows = bytes.windows(body.len()).enumerate();
    let places: Vec<usize> = windows.filter(|(_, w)| *w == body).map(|(at, _)| at).collect();
    places.into_iter().for_each(|at| bytes[at] ^= 1);
    std::fs::write(&path, bytes).unwrap();
    let verified = verify(&data).await.unwrap();
    assert_eq!(verified.problems.len(), 1, "{:?}", verified.problems);
    assert!(verified.problems[0].contains("partition 0 offset 43"), "{:?}", verified.problems);
}
