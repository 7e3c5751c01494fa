//! Work on items or rows that do not depend on one another, so that threads cannot change a result.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// `work` of every item, in the order of the items, made on so many threads.
pub fn map<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if threads <= 1 || items.len() < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(|| {
                let mut own = Vec::new();
                loop {
                    let idx = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(idx) else { break };
                    own.push((idx, work(item)));
                }
                done.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(idx, _)| *idx);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Calls `work` on `(state, number of the first row, rows)` for all rows, `chunk` at a time, on
/// `threads` threads, each with a state of its own from `state`.
pub fn for_chunks<T: Send, S>(
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
    fn keeps_the_order_of_the_items() {
        let items: Vec<usize> = (0..100).collect();
        for threads in [0, 1, 2, 7] {
            let doubled = map(&items, threads, |item| item * 2);
            assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        }
    }

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
