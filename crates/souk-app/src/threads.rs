//! Where work runs that would hold up answers.

use crate::AppError;

/// Does some milliseconds of work beside the threads that answer; should it panic, the error says what ended.
pub(crate) async fn aside<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AppError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| AppError::Bug(format!("{what} ended: {error}")))
}

/// Threads while somebody waits: all that there are.
pub(crate) fn all_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Does long work on a thread that the system lets run when nobody else wants to, so that answers do not
/// wait for it. The work must hold no lock that a request waits for.
pub(crate) async fn at_leisure<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AppError> {
    let (done, result) = tokio::sync::oneshot::channel();
    let run = move || {
        yield_to_others();
        // Nobody waits any more only when the process ends.
        drop(done.send(work()));
    };
    let thread = std::thread::Builder::new().name("souk-models".to_owned()).spawn(run);
    thread.map_err(|error| AppError::Bug(format!("no thread to learn on: {error}")))?;
    result.await.map_err(|source| AppError::Bug(format!("learning ended: {source}")))
}

/// Gives this thread, and those that it starts, the lowest priority.
pub(crate) fn yield_to_others() {
    // Of a thread, and not of the whole process, only on Linux. Where it is refused, learning only disturbs more.
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::setpriority_process(Some(rustix::thread::gettid()), LOWEST_PRIORITY)
    {
        tracing::debug!(%error, "learning runs at normal priority");
    }
}

/// The nice value of what should only run when nothing else does.
#[cfg(target_os = "linux")]
const LOWEST_PRIORITY: i32 = 19;
