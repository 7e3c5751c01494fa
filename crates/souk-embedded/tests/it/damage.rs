//! Damaged bytes: named by their position and refused, never passed over.

use souk_core::{SubjectId, Timestamp};
use souk_embedded::SyncMode;
use souk_ports::{Cursor, EventLog, LogError, Partition, Position};
use souk_sim_vfs::SimDisk;

use crate::records::{NOW_MS, open_real, open_simulated, read_all, record, records};

/// A log of 120 records: two closed segments of 50 and an open one, closed cleanly.
async fn filled(folder: &std::path::Path, disk: &SimDisk) -> Vec<Position> {
    let log = open_simulated(folder, disk, SyncMode::Full).unwrap();
    let appended = log.append(records(0..120)).await.unwrap();
    appended.into_iter().map(|a| a.position).collect()
}

fn position_of(error: &LogError) -> Position {
    match error {
        LogError::Corrupt { position, .. } => *position,
        other => panic!("expected damage, got {other:?}"),
    }
}

#[tokio::test]
async fn damaged_body_is_named_and_refused() {
    for n in [0_u64, 17, 49, 50, 99] {
        let folder = tempfile::tempdir().unwrap();
        let disk = SimDisk::register();
        let positions = filled(folder.path(), &disk).await;
        let path = folder.path().join("log.db");
        assert!(disk.damage(path.to_str().unwrap(), &record(n).body) > 0, "record {n} is there");
        let log = open_simulated(folder.path(), &disk, SyncMode::Full).unwrap();
        let error = read_all(&log).await.unwrap_err();
        assert_eq!(position_of(&error), positions[usize::try_from(n).unwrap()]);
        let text = error.to_string();
        let offset = positions[usize::try_from(n).unwrap()].offset;
        assert!(text.contains(&format!("offset {offset}")), "{text}");
        assert_eq!(position_of(&log.verify().await.unwrap_err()).offset, offset);
        // What comes after it can still be read by who decides to.
        let mut cursor = Cursor::START;
        cursor.advance(positions[usize::try_from(n).unwrap()]);
        let rest = log.read(&cursor, 1_000).await.unwrap();
        assert_eq!(rest.len() as u64, 119 - n);
    }
}

#[tokio::test]
async fn damage_in_the_newest_part_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SimDisk::register();
    let positions = filled(folder.path(), &disk).await;
    let path = folder.path().join("log.db");
    assert!(disk.damage(path.to_str().unwrap(), &record(110).body) > 0);
    let error = open_simulated(folder.path(), &disk, SyncMode::Full).unwrap_err();
    assert_eq!(position_of(&error), positions[110]);
}

#[tokio::test]
async fn missing_row_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_real(folder.path()).unwrap();
    log.append(records(0..30)).await.unwrap();
    log.append(records(30..60)).await.unwrap();
    log.append(records(60..120)).await.unwrap();
    drop(log);
    let file = rusqlite::Connection::open(folder.path().join("log.db")).unwrap();
    let second = "DELETE FROM block WHERE id = (SELECT id FROM block ORDER BY id LIMIT 1 OFFSET 1)";
    assert_eq!(file.execute(second, []).unwrap(), 1);
    drop(file);
    let log = open_real(folder.path()).unwrap();
    let error = read_all(&log).await.unwrap_err();
    assert_eq!(position_of(&error), Position { partition: Partition(0), offset: 31 });
}

#[tokio::test]
async fn damaged_index_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_real(folder.path()).unwrap();
    log.append(records(0..120)).await.unwrap();
    drop(log);
    let indexes = folder.path().join("log.index");
    let mut n_files = 0;
    for entry in std::fs::read_dir(&indexes).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        std::fs::write(&path, bytes).unwrap();
        n_files += 1;
    }
    assert_eq!(n_files, 2);
    let log = open_real(folder.path()).unwrap();
    assert!(log.append(records(0..120)).await.unwrap().iter().all(|a| a.is_duplicate));
    let found = log.read_subject(SubjectId([3; 16]), &Cursor::START, 100).await.unwrap();
    assert_eq!(found.len(), (0..120).filter(|n| n % 3 == 0 && n % 7 == 3).count());
}

#[tokio::test]
async fn damaged_archive_is_named_and_refused() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_real(folder.path()).unwrap();
    log.append(records(0..100)).await.unwrap();
    let mut late = record(100);
    late.received_at = Timestamp::from_ms(NOW_MS + 400 * 86_400_000).unwrap();
    log.append(vec![late]).await.unwrap();
    let before = Timestamp::from_ms(NOW_MS + 86_400_000).unwrap();
    assert_eq!(log.archive(before).await.unwrap(), 100);
    assert_eq!(log.verify().await.unwrap(), 101);
    drop(log);
    let folder_of_files = folder.path().join("log/archive");
    let mut files: Vec<_> =
        std::fs::read_dir(&folder_of_files).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 2);
    let mut bytes = std::fs::read(&files[1]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&files[1], bytes).unwrap();
    let log = open_real(folder.path()).unwrap();
    let error = read_all(&log).await.unwrap_err();
    assert_eq!(position_of(&error), Position { partition: Partition(0), offset: 51 });
    std::fs::remove_file(&files[1]).unwrap();
    assert_eq!(position_of(&read_all(&log).await.unwrap_err()).offset, 51);
}
