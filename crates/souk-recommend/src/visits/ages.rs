//! All visits from the oldest to the youngest.

use super::{Entry, Rank};
use std::collections::VecDeque;

/// Slots in a piece at most (chosen: two kilobytes are moved in no time, and a million visits are two thousand pieces).
const PIECE_SLOTS: usize = 512;

/// Slots in ascending rank of their visits, in pieces, none of which is empty.
///
/// Visits mostly begin after all others and end as the oldest, at both ends of the list, where nothing is searched.
/// A heap would need a place of each visit beside it, twice the memory, and would have to be sorted for every snapshot.
#[derive(Debug, Clone, Default)]
pub(super) struct Ages {
    pieces: VecDeque<Vec<u32>>,
}

impl Ages {
    /// The slot of the oldest visit.
    pub(super) fn first(&self) -> Option<u32> {
        self.pieces.front().map(|piece| piece[0])
    }

    /// All slots, that of the oldest visit first.
    pub(super) fn slots(&self) -> impl Iterator<Item = u32> {
        self.pieces.iter().flatten().copied()
    }

    pub(super) fn bytes(&self) -> usize {
        let slots: usize = self.pieces.iter().map(Vec::capacity).sum();
        4 * slots + self.pieces.capacity() * size_of::<Vec<u32>>()
    }

    /// Adds a slot whose entry is already in `entries`.
    pub(super) fn add(&mut self, slot: u32, entries: &[Entry]) {
        let rank = entries[slot as usize].rank();
        let is_newest = self.pieces.back().is_none_or(|piece| last_rank(piece, entries) < rank);
        if is_newest {
            match self.pieces.back_mut().filter(|piece| piece.len() < PIECE_SLOTS) {
                Some(piece) => piece.push(slot),
                None => self.pieces.push_back(vec![slot]),
            }
            return;
        }
        let (mut piece, mut idx) = self.find(rank, entries);
        if self.pieces[piece].len() == PIECE_SLOTS {
            let behind = self.pieces[piece].split_off(PIECE_SLOTS / 2);
            self.pieces.insert(piece + 1, behind);
            (piece, idx) = self.find(rank, entries);
        }
        self.pieces[piece].insert(idx, slot);
    }

    /// Takes out a slot whose entry still has its rank.
    pub(super) fn remove(&mut self, slot: u32, entries: &[Entry]) {
        let (number, idx) = self.find(entries[slot as usize].rank(), entries);
        let piece = &mut self.pieces[number];
        let removed = piece.remove(idx);
        debug_assert_eq!(removed, slot);
        if piece.is_empty() {
            self.pieces.remove(number);
        } else if piece.len() < piece.capacity() / 4 {
            piece.shrink_to(piece.len() * 2);
        }
    }

    /// The piece and the position in it of the first visit that is not older; there is one.
    fn find(&self, rank: Rank, entries: &[Entry]) -> (usize, usize) {
        let number = self.pieces.partition_point(|piece| last_rank(piece, entries) < rank);
        let piece = &self.pieces[number];
        (number, piece.partition_point(|&slot| entries[slot as usize].rank() < rank))
    }
}

fn last_rank(piece: &[u32], entries: &[Entry]) -> Rank {
    entries[*piece.last().expect("no piece is empty") as usize].rank()
}
