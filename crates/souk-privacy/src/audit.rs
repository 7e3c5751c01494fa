//! The audit tree: entries that nobody can change, drop or reorder unseen.
//!
//! An append-only Merkle tree as in RFC 6962, section 2: a head of 32 bytes stands for every entry
//! before it, a proof of a few hashes shows that an entry is in it ([`inclusion_ranges`]) or that a
//! later tree only added to an earlier one ([`consistency_ranges`]), and a signature ties a head to an
//! installation ([`HeadSigner`]). Not here: where entries and hashes are stored, and what time it is.

mod entry;
mod head;
mod proof;
mod tree;

pub use entry::{
    AuditEntry, DETAILS_MAX, ENTRY_BYTES_MAX, EntryError, Outcome, TEXT_BYTES_MAX, Tally, is_plain,
    is_slug,
};
pub use head::{HeadError, HeadSigner, SignedTreeHead, TreeHead};
pub use proof::{
    ProofError, check_consistency, check_inclusion, consistency_ranges, inclusion_ranges,
};
pub use tree::{CompactRange, Node, TreeHash, complete_nodes, join};

#[cfg(test)]
mod tests;
