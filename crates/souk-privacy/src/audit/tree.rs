use std::fmt;
use std::ops::Range;

use sha2::{Digest, Sha256};

/// The hash of a leaf, a node or a whole tree: SHA-256 with the prefixes of RFC 6962, section 2.1,
/// which keep a leaf from being passed off as a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TreeHash(pub [u8; 32]);

impl TreeHash {
    /// The hash of an entry: `SHA-256(0x00 || entry)`.
    pub fn of_leaf(entry: &[u8]) -> TreeHash {
        TreeHash(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
    }

    /// The hash of two neighbours: `SHA-256(0x01 || left || right)`.
    pub fn of_node(left: TreeHash, right: TreeHash) -> TreeHash {
        let hasher = Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0);
        TreeHash(hasher.finalize().into())
    }

    /// The root of a tree without leaves: `SHA-256()`.
    pub fn of_nothing() -> TreeHash {
        TreeHash(Sha256::digest([]).into())
    }

    /// Reads 64 hexadecimal digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<TreeHash> {
        from_hex(text).map(TreeHash)
    }
}

impl fmt::Display for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads exactly `N` bytes in lower-case hexadecimal digits, so that a text has one form only.
pub(super) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let text = text.as_bytes();
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// What a tree of any size must remember to grow and to tell its root: one hash for each complete
/// subtree, the largest first (one for each set bit of the size).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompactRange {
    size: u64,
    nodes: Vec<TreeHash>,
}

impl CompactRange {
    /// Puts a stored range together again; `None` when the number of hashes does not fit the size.
    pub fn from_parts(size: u64, nodes: Vec<TreeHash>) -> Option<CompactRange> {
        (nodes.len() == size.count_ones() as usize).then_some(CompactRange { size, nodes })
    }

    /// Leaves in the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the complete subtrees, the largest first.
    pub fn nodes(&self) -> &[TreeHash] {
        &self.nodes
    }

    /// Adds a leaf by its hash.
    pub fn push(&mut self, leaf: TreeHash) {
        let mut hash = leaf;
        // Each trailing one of the size is a complete subtree that this leaf completes to a larger.
        for _ in 0..self.size.trailing_ones() {
            let left = self.nodes.pop().expect("a hash for each set bit of the size");
            hash = TreeHash::of_node(left, hash);
        }
        self.nodes.push(hash);
        self.size += 1;
    }

    /// The root of the tree: MTH of RFC 6962.
    pub fn root(&self) -> TreeHash {
        join(&self.nodes).unwrap_or_else(TreeHash::of_nothing)
    }
}

/// A complete subtree: the `2^level` leaves from `index * 2^level` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Its height; 0 is a leaf.
    pub level: u32,
    /// Its place among the nodes of its level.
    pub index: u64,
}

impl Node {
    /// The leaves below it.
    pub fn leaves(self) -> Range<u64> {
        self.index << self.level..(self.index + 1) << self.level
    }
}

/// The complete subtrees, left to right, of which a subtree of the tree consists; [`join`] makes its
/// hash of theirs. Ranges come from the functions of this module: they start where a subtree does.
pub fn complete_nodes(range: Range<u64>) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let level = (range.end - at).ilog2();
        debug_assert_eq!(at % (1 << level), 0, "a subtree starts at a multiple of its size");
        nodes.push(Node { level, index: at >> level });
        at += 1 << level;
    }
    nodes
}

/// The hash of neighbouring complete subtrees, the largest first; `None` of none.
pub fn join(hashes: &[TreeHash]) -> Option<TreeHash> {
    hashes.iter().rev().copied().reduce(|right, left| TreeHash::of_node(left, right))
}
