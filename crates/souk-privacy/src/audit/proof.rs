use std::ops::Range;

use super::TreeHash;

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The entry or the earlier tree lies outside of the tree.
    #[error("{asked} is not within a tree of {size} entries")]
    OutOfRange {
        /// The entry's place, or the earlier size.
        asked: u64,
        /// Entries in the tree.
        size: u64,
    },
    /// The number of hashes does not fit.
    #[error("the proof has {found} hashes, and this one needs {needed}")]
    Length {
        /// Hashes in the proof.
        found: usize,
        /// Hashes that such a proof has.
        needed: usize,
    },
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// The largest power of two below `n`, for `n` above 1: where RFC 6962 splits a tree.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// The subtrees whose hashes prove that entry `index` is in the tree of `size` entries, in the order
/// of the proof: `PATH(m, D[n])` of RFC 6962, section 2.1.1. `None` when there is no such entry.
pub fn inclusion_ranges(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if index >= size {
        return None;
    }
    let mut ranges = Vec::new();
    let mut within = 0..size;
    while within.end - within.start > 1 {
        let middle = within.start + split(within.end - within.start);
        if index < middle {
            ranges.push(middle..within.end);
            within.end = middle;
        } else {
            ranges.push(within.start..middle);
            within.start = middle;
        }
    }
    ranges.reverse();
    Some(ranges)
}

/// The subtrees whose hashes prove that the tree of `to` entries begins with that of `from`, in the
/// order of the proof: `PROOF(m, D[n])` of RFC 6962, section 2.1.2. `None` unless `from <= to`.
pub fn consistency_ranges(from: u64, to: u64) -> Option<Vec<Range<u64>>> {
    if from > to {
        return None;
    }
    if from == 0 || from == to {
        return Some(Vec::new());
    }
    let mut ranges = Vec::new();
    let mut within = 0..to;
    // Whether the subtree at hand is the whole earlier tree, whose root the verifier knows.
    let mut is_earlier_root = true;
    while from != within.end {
        let middle = within.start + split(within.end - within.start);
        if from <= middle {
            ranges.push(middle..within.end);
            within.end = middle;
        } else {
            ranges.push(within.start..middle);
            within.start = middle;
            is_earlier_root = false;
        }
    }
    if !is_earlier_root {
        ranges.push(within);
    }
    ranges.reverse();
    Some(ranges)
}

/// Checks that the leaf is entry `index` of the tree of `size` entries with this root.
///
/// The algorithm of RFC 9162, section 2.1.3.2; it shares no code with the making of proofs.
///
/// # Errors
///
/// [`ProofError`] says what does not fit.
pub fn check_inclusion(
    (leaf, index): (TreeHash, u64),
    (root, size): (TreeHash, u64),
    proof: &[TreeHash],
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange { asked: index, size });
    }
    let too = |needed| ProofError::Length { found: proof.len(), needed };
    let (mut at, mut last) = (index, size - 1);
    let mut hash = leaf;
    for (used, step) in proof.iter().enumerate() {
        if last == 0 {
            return Err(too(used));
        }
        if at & 1 == 1 || at == last {
            hash = TreeHash::of_node(*step, hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = TreeHash::of_node(hash, *step);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(too(proof.len() + 1));
    }
    if hash == root { Ok(()) } else { Err(ProofError::Root) }
}

/// Checks that the later tree begins with the earlier one: nothing was changed, dropped or put
/// between.
///
/// The algorithm of RFC 9162, section 2.1.4.2. An empty tree is the beginning of every other.
///
/// # Errors
///
/// [`ProofError`] says what does not fit.
pub fn check_consistency(
    (earlier, from): (TreeHash, u64),
    (later, to): (TreeHash, u64),
    proof: &[TreeHash],
) -> Result<(), ProofError> {
    if from > to {
        return Err(ProofError::OutOfRange { asked: from, size: to });
    }
    if from == to || from == 0 {
        if !proof.is_empty() {
            return Err(ProofError::Length { found: proof.len(), needed: 0 });
        }
        let fits = if from == to { earlier == later } else { earlier == TreeHash::of_nothing() };
        return if fits { Ok(()) } else { Err(ProofError::Root) };
    }
    let too = |needed| ProofError::Length { found: proof.len(), needed };
    // An earlier tree that is complete is itself the first hash of the path.
    let start = from.is_power_of_two().then_some(earlier);
    let mut steps = start.into_iter().chain(proof.iter().copied());
    let first = steps.next().ok_or_else(|| too(1))?;
    let (mut at, mut last) = (from - 1, to - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut old, mut new) = (first, first);
    for step in steps {
        if last == 0 {
            return Err(too(proof.len() - 1));
        }
        if at & 1 == 1 || at == last {
            old = TreeHash::of_node(step, old);
            new = TreeHash::of_node(step, new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            new = TreeHash::of_node(new, step);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(too(proof.len() + 1));
    }
    if old == earlier && new == later { Ok(()) } else { Err(ProofError::Root) }
}
