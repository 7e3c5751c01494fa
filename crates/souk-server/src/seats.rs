//! Who may stay connected: a bounded number of connections, of which those that wait for their client
//! make room for new ones, the longest waiting first.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::sync::Notify;

/// All seats of a server.
#[derive(Debug)]
pub(crate) struct Seats {
    max: usize,
    per_address_max: usize,
    taken: Mutex<Taken>,
    /// Told when a seat becomes free, or its connection may be dismissed; only the accepting loop waits for it.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    count: usize,
    by_address: FxHashMap<IpAddr, usize>,
    /// Connections on which nothing is in work, by the turn at which they began to wait.
    waiting: BTreeMap<u64, Arc<Notify>>,
    next_turn: u64,
}

/// One connection's seat; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    address: IpAddr,
    /// Its place among the waiting; `None` while a request of it is in work.
    turn: Mutex<Option<u64>>,
    leave: Arc<Notify>,
}

impl Seats {
    /// So many seats, of which one address may take `per_address_max`.
    pub(crate) fn new(max: usize, per_address_max: Option<usize>) -> Arc<Seats> {
        let per_address_max = per_address_max.unwrap_or(usize::MAX);
        Arc::new(Seats { max, per_address_max, taken: Mutex::default(), freed: Notify::new() })
    }

    /// A seat, once there is one; `None` for an address that has all it may have.
    pub(crate) async fn take(self: &Arc<Seats>, address: IpAddr) -> Option<Arc<Seat>> {
        let address = address.to_canonical();
        // One leaves for one that comes, however often this wakes up.
        let mut has_dismissed = false;
        loop {
            {
                let mut taken = self.taken.lock();
                if taken.by_address.get(&address).is_some_and(|n| *n >= self.per_address_max) {
                    return None;
                }
                if taken.count < self.max {
                    return Some(self.sit(&mut taken, address));
                }
                has_dismissed = has_dismissed || dismiss_longest_waiting(&mut taken);
            }
            self.freed.notified().await;
        }
    }

    /// Asks the connection that has waited longest for its client to end.
    pub(crate) fn make_room(&self) {
        dismiss_longest_waiting(&mut self.taken.lock());
    }

    fn sit(self: &Arc<Seats>, taken: &mut Taken, address: IpAddr) -> Arc<Seat> {
        taken.count += 1;
        *taken.by_address.entry(address).or_default() += 1;
        let leave = Arc::new(Notify::new());
        let turn = wait(taken, &leave);
        Arc::new(Seat { seats: Arc::clone(self), address, turn: Mutex::new(Some(turn)), leave })
    }
}

/// Whether there was one to dismiss.
fn dismiss_longest_waiting(taken: &mut Taken) -> bool {
    let longest = taken.waiting.pop_first();
    longest.iter().for_each(|(_, leave)| leave.notify_one());
    longest.is_some()
}

fn wait(taken: &mut Taken, leave: &Arc<Notify>) -> u64 {
    let turn = taken.next_turn;
    taken.next_turn += 1;
    taken.waiting.insert(turn, Arc::clone(leave));
    turn
}

impl Seat {
    /// A request of this connection is in work: it is not asked to leave until [`Seat::rest`].
    pub(crate) fn work(&self) {
        if let Some(turn) = self.turn.lock().take() {
            self.seats.taken.lock().waiting.remove(&turn);
        }
    }

    /// Nothing is in work; whatever comes next is the client's to do.
    pub(crate) fn rest(&self) {
        let mut turn = self.turn.lock();
        if turn.is_none() {
            *turn = Some(wait(&mut self.seats.taken.lock(), &self.leave));
            // Whoever waits for a seat while all are at work may dismiss this one now.
            self.seats.freed.notify_one();
        }
    }

    /// Completes when the seat is needed for somebody else.
    pub(crate) async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        {
            let mut taken = self.seats.taken.lock();
            if let Some(turn) = self.turn.get_mut().take() {
                taken.waiting.remove(&turn);
            }
            taken.count -= 1;
            let address_is_gone = taken.by_address.get_mut(&self.address).is_none_or(|count| {
                *count -= 1;
                *count == 0
            });
            if address_is_gone {
                taken.by_address.remove(&self.address);
            }
        }
        self.seats.freed.notify_one();
    }
}

#[cfg(test)]
mod tests;
