//! One writer thread for a store: what waits while a commit runs goes into the next one together.

use std::fmt;
use std::thread::JoinHandle;

use tokio::sync::mpsc;

/// Jobs that wait at most; senders wait beyond it.
const QUEUE_JOBS_MAX: usize = 1_024;

/// The thread that alone writes to a database, so writers never wait for a lock of SQLite's.
pub(crate) struct GroupWriter<J> {
    jobs: Option<mpsc::Sender<J>>,
    thread: Option<JoinHandle<()>>,
}

impl<J: Send + 'static> GroupWriter<J> {
    /// Starts the thread; `work` gets at least one and at most `group_max` jobs at a time.
    pub(crate) fn start(
        name: &str,
        group_max: usize,
        mut work: impl FnMut(Vec<J>) + Send + 'static,
    ) -> std::io::Result<GroupWriter<J>> {
        let (jobs, mut queue) = mpsc::channel::<J>(QUEUE_JOBS_MAX);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut group = Vec::new();
            while queue.blocking_recv_many(&mut group, group_max) > 0 {
                work(std::mem::take(&mut group));
            }
        })?;
        Ok(GroupWriter { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Queues a job; `false` when the thread has ended.
    pub(crate) async fn send(&self, job: J) -> bool {
        let jobs = self.jobs.as_ref().expect("the sender lives until drop");
        jobs.send(job).await.is_ok()
    }
}

impl<J> fmt::Debug for GroupWriter<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupWriter").field("thread", &self.thread).finish_non_exhaustive()
    }
}

impl<J> Drop for GroupWriter<J> {
    /// Waits for the thread, so that the database file is closed when the store is gone.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}
