//! Any interleaving of calls and restarts equals a model that is a plain list.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use souk_core::{SubjectId, Timestamp};
use souk_embedded::{MemoryMasterKey, SqliteKeyStore, SqliteLog};
use souk_ports::{
    Cursor, DEDUP_WINDOW_MS, EventLog, IdHash, KeyStore, Partition, Position, Record, Recorded,
};

use crate::records::{NOW_MS, open_real, record};

#[derive(Clone, Debug)]
enum Step {
    /// Appends events by number; few numbers, so that many are duplicates.
    Append {
        numbers: Vec<u64>,
        hours: i64,
    },
    Read {
        after: u64,
        limit: u32,
    },
    ReadSubject {
        who: u8,
        after: u64,
    },
    Archive {
        hours: i64,
    },
    Reopen,
    Resolve(Vec<u8>),
    Forget(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (vec(0..90_u64, 1..40), 0..30_i64)
            .prop_map(|(numbers, hours)| Step::Append { numbers, hours }),
        2 => (0..400_u64, 1..60_u32).prop_map(|(after, limit)| Step::Read { after, limit }),
        1 => (0..7_u8, 0..400_u64).prop_map(|(who, after)| Step::ReadSubject { who, after }),
        1 => (-400..0_i64).prop_map(|hours| Step::Archive { hours }),
        1 => Just(Step::Reopen),
        2 => vec(0..20_u8, 0..6).prop_map(Step::Resolve),
        1 => (0..20_u8).prop_map(Step::Forget),
    ]
}

/// What log and key store must equal.
#[derive(Debug, Default)]
struct Model {
    log: Vec<Record>,
    subjects: BTreeMap<IdHash, SubjectId>,
}

impl Model {
    /// The offset of each record: of its own or of the copy that counts.
    fn append(&mut self, batch: &[Record]) -> Vec<u64> {
        let mut offsets = Vec::new();
        for record in batch {
            let since = record.received_at.as_ms() - DEDUP_WINDOW_MS;
            let copy = self.log.iter().rposition(|old| {
                old.event_id == record.event_id && old.received_at.as_ms() >= since
            });
            let idx = copy.unwrap_or_else(|| {
                self.log.push(record.clone());
                self.log.len() - 1
            });
            offsets.push(idx as u64 + 1);
        }
        offsets
    }

    fn after(&self, offset: u64) -> impl Iterator<Item = Recorded> {
        let all = self.log.iter().enumerate().skip(usize::try_from(offset).unwrap());
        all.map(|(idx, record)| {
            let position = Position { partition: Partition(0), offset: idx as u64 + 1 };
            Recorded { position, record: record.clone() }
        })
    }
}

fn cursor_at(offset: u64) -> Cursor {
    let mut cursor = Cursor::START;
    if offset > 0 {
        cursor.advance(Position { partition: Partition(0), offset });
    }
    cursor
}

fn id(n: u8) -> IdHash {
    IdHash([n; 16])
}

async fn check(folder: &std::path::Path, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let master = Arc::new(MemoryMasterKey::fresh());
    let open = || {
        let keys = SqliteKeyStore::open(&folder.join("keys.db"), Arc::clone(&master) as _).unwrap();
        (open_real(folder).unwrap(), keys)
    };
    let (mut log, mut keys) = open();
    let mut model = Model::default();
    let mut clock_ms = NOW_MS;
    for step in steps {
        match step {
            Step::Reopen => {
                drop((log, keys));
                (log, keys) = open();
            }
            Step::Append { numbers, hours } => {
                clock_ms += hours * 3_600_000;
                append(&log, &mut model, &numbers, clock_ms).await?;
            }
            Step::Read { after, limit } => {
                let after = after.min(model.log.len() as u64);
                let read = log.read(&cursor_at(after), limit).await.unwrap();
                prop_assert!(read.len() <= limit as usize);
                prop_assert_eq!(read.is_empty(), after == model.log.len() as u64);
                let expected: Vec<_> = model.after(after).take(read.len()).collect();
                prop_assert_eq!(read, expected);
            }
            Step::ReadSubject { who, after } => {
                let subject = SubjectId([who; 16]);
                let read = log.read_subject(subject, &cursor_at(after), 1_000).await.unwrap();
                let theirs = model.after(after.min(model.log.len() as u64));
                let theirs: Vec<_> = theirs.filter(|r| r.record.subject == Some(subject)).collect();
                prop_assert_eq!(read, theirs);
            }
            Step::Archive { hours } => {
                let before = Timestamp::from_ms(clock_ms + hours * 3_600_000).unwrap();
                log.archive(before).await.unwrap();
            }
            Step::Resolve(ids) => resolve(&keys, &mut model, &ids).await?,
            Step::Forget(n) => {
                let expected = model.subjects.remove(&id(n));
                let subject = expected.unwrap_or(SubjectId([n; 16]));
                let removed = keys.forget(subject).await.unwrap();
                prop_assert_eq!(removed, u32::from(expected.is_some()));
            }
        }
    }
    let end = log.end().await.unwrap();
    let expected = cursor_at(model.log.len() as u64);
    prop_assert_eq!(end, expected);
    let all = crate::records::read_all(&log).await.unwrap();
    prop_assert_eq!(all, model.after(0).collect::<Vec<_>>());
    Ok(())
}

async fn append(
    log: &SqliteLog,
    model: &mut Model,
    numbers: &[u64],
    clock_ms: i64,
) -> Result<(), TestCaseError> {
    let received_at = Timestamp::from_ms(clock_ms).unwrap();
    let batch: Vec<Record> = numbers.iter().map(|n| Record { received_at, ..record(*n) }).collect();
    let before = model.log.len() as u64;
    let expected = model.append(&batch);
    let appended = log.append(batch).await.unwrap();
    let offsets: Vec<u64> = appended.iter().map(|a| a.position.offset).collect();
    prop_assert_eq!(&offsets, &expected);
    let mut newest = before;
    for appended in appended {
        prop_assert_eq!(appended.is_duplicate, appended.position.offset <= newest);
        newest = newest.max(appended.position.offset);
    }
    Ok(())
}

async fn resolve(
    keys: &SqliteKeyStore,
    model: &mut Model,
    ids: &[u8],
) -> Result<(), TestCaseError> {
    let ids: Vec<IdHash> = ids.iter().map(|n| id(*n)).collect();
    let found = keys.find(&ids).await.unwrap();
    for (id, found) in ids.iter().zip(found) {
        prop_assert_eq!(found, model.subjects.get(id).copied());
    }
    let subjects = keys.resolve(&ids).await.unwrap();
    for (id, subject) in ids.iter().zip(subjects) {
        prop_assert_eq!(*model.subjects.entry(*id).or_insert(subject), subject);
    }
    prop_assert_eq!(keys.count(), model.subjects.len() as u64);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_equals_the_model(steps in vec(step(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        runtime.block_on(check(folder.path(), steps))?;
    }
}
