//! Work on rows that do not depend on one another, so that threads cannot change a result.

use std::fmt;
use std::sync::{Mutex, PoisonError};

/// What long work calls between its steps, from any of its threads, so that whoever waits can go first.
#[derive(Clone, Copy)]
pub struct Rests<'a>(&'a (dyn Fn() + Sync));

impl<'a> Rests<'a> {
    /// Work that never rests.
    pub const NONE: Rests<'static> = Rests(&|| {});

    /// Calls this between steps of some milliseconds to some tenths of a second.
    pub fn by(rest: &'a (dyn Fn() + Sync)) -> Rests<'a> {
        Rests(rest)
    }

    pub(crate) fn rest(self) {
        (self.0)();
    }
}

impl fmt::Debug for Rests<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rests").finish_non_exhaustive()
    }
}

/// Calls `work` on `(state, number of the first row, rows)` for all rows, `chunk` at a time, on
/// `threads` threads, each with a state of its own from `state`.
pub(crate) fn for_chunks<T: Send, S>(
    rows: &mut [T],
    (threads, chunk): (usize, usize),
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, &mut [T]) + Sync,
) {
    let chunk = chunk.max(1);
    let queue = Mutex::new(rows.chunks_mut(chunk).enumerate());
    let run = || {
        let mut own = state();
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((number, rows)) = next else { return };
            work(&mut own, number * chunk, rows);
        }
    };
    if threads <= 1 {
        return run();
    }
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(run);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_worked_on_once() {
        for (n, threads, chunk) in [(0, 2, 3), (1, 1, 1), (10, 2, 3), (10, 5, 0), (7, 3, 100)] {
            let mut rows = vec![0; n];
            let work = |_: &mut (), first: usize, rows: &mut [usize]| {
                for (idx, row) in rows.iter_mut().enumerate() {
                    *row += first + idx + 1;
                }
            };
            for_chunks(&mut rows, (threads, chunk), || (), work);
            assert_eq!(rows, (1..=n).collect::<Vec<_>>());
        }
    }
}
