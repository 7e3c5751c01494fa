//! A disk that fills up: a clear refusal, nothing half written, and recovery without a restart.

use souk_embedded::SyncMode;
use souk_ports::{EventLog, LogError};
use souk_sim_vfs::SimDisk;

use crate::records::{Seeded, open_simulated, read_all, records};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_disk_refuses_and_recovers() {
    for seed in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let disk = SimDisk::register();
        let log = open_simulated(folder.path(), &disk, SyncMode::Full).unwrap();
        let mut random = Seeded(seed);
        let mut kept = Vec::new();
        let mut next = 0;
        for _ in 0..3 {
            let space = disk.used() + usize::try_from(random.below(200_000)).unwrap();
            disk.set_space(Some(space));
            let refused = loop {
                let batch = records(next..next + 40);
                next += 40;
                match log.append(batch.clone()).await {
                    Ok(_) => kept.extend(batch),
                    Err(error) => break error,
                }
            };
            assert!(matches!(refused, LogError::Full), "seed {seed}: {refused}");
            assert!(refused.to_string().contains("full"), "{refused}");
            let read = read_all(&log).await.unwrap();
            assert_eq!(read.into_iter().map(|r| r.record).collect::<Vec<_>>(), kept, "seed {seed}");
            // Space comes back, and the same log goes on, with the same batch.
            disk.set_space(None);
            let again = records(next - 40..next);
            assert!(log.append(again.clone()).await.unwrap().iter().all(|a| !a.is_duplicate));
            kept.extend(again);
        }
        drop(log);
        let log = open_simulated(folder.path(), &disk, SyncMode::Full).unwrap();
        let read = read_all(&log).await.unwrap();
        assert_eq!(read.into_iter().map(|r| r.record).collect::<Vec<_>>(), kept, "seed {seed}");
    }
}
