//! The tree over its rows: what is kept in memory, what is stored, and how both are made from each
//! other.

use std::ops::Range;

use souk_core::Timestamp;
use souk_ports::{Condition, TableRange, TableStore, Write, WriteChange};
use souk_privacy::audit::{CompactRange, Node, TreeHash, complete_nodes, join};

use super::{AuditFault, audit_now};

/// Entries: hash of the leaf, then the canonical bytes, by number.
pub(super) const ENTRIES: &str = "audit";
/// Roots of complete blocks, by number.
pub(super) const BLOCKS: &str = "audit-blocks";
/// The leaf hashes of blocks whose entries were removed by their term, by the number of the block.
pub(super) const PRUNED: &str = "audit-pruned";
/// The tree's size and hashes, and the newest signed head.
pub(super) const STATE: &str = "audit-state";
/// Signed heads, by size.
pub(super) const HEADS: &str = "audit-heads";
/// The row of [`STATE`] that holds size and hashes.
pub(super) const STATE_TREE: &str = "tree";
/// The row of [`STATE`] that holds the newest signed head.
pub(super) const STATE_HEAD: &str = "head";
/// The row of [`STATE`] that holds how many blocks were removed; absent before the first.
pub(super) const STATE_PRUNED: &str = "pruned";

/// Leaves of a block, whose root is kept in memory: 32 bytes for 256 entries, 4 MB for a hundred
/// million. Chosen; a proof reads at most two blocks.
pub(super) const BLOCK: u64 = 256;
const BLOCK_LEVEL: u32 = BLOCK.ilog2();
/// Entries in one write: with block, state and a spare below the store's limit of 100.
pub(super) const APPEND_MAX: usize = 90;
/// Rows read at once.
pub(super) const PAGE_ROWS: u32 = 1_000;
const HASH_BYTES: usize = 32;
const STATE_VERSION: u8 = 1;

/// The sort key of a number: as text in the order of numbers.
pub(super) fn row_key(number: u64) -> String {
    format!("{number:016x}")
}

/// The tree as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredTree {
    /// Random, made with the first entry: tells this tree from any other.
    pub(super) id: [u8; 8],
    pub(super) range: CompactRange,
}

impl StoredTree {
    pub(super) fn origin(&self) -> String {
        origin(&self.id)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![STATE_VERSION];
        bytes.extend(self.id);
        bytes.extend(self.range.size().to_be_bytes());
        self.range.nodes().iter().for_each(|node| bytes.extend(node.0));
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<StoredTree> {
        let (version, rest) = bytes.split_first()?;
        let (id, rest) = rest.split_first_chunk::<8>()?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let (nodes, []) = rest.as_chunks::<HASH_BYTES>() else { return None };
        let nodes = nodes.iter().copied().map(TreeHash).collect();
        let range = CompactRange::from_parts(u64::from_be_bytes(*size), nodes)?;
        (*version == STATE_VERSION).then_some(StoredTree { id: *id, range })
    }
}

pub(super) fn origin(id: &[u8; 8]) -> String {
    format!("souk/{:016x}", u64::from_be_bytes(*id))
}

/// The row of an entry.
pub(super) fn entry_row(leaf: TreeHash, bytes: &[u8]) -> Vec<u8> {
    [&leaf.0[..], bytes].concat()
}

/// Takes the row of an entry apart.
pub(super) fn split_row(row: &[u8]) -> Option<(TreeHash, &[u8])> {
    row.split_first_chunk::<HASH_BYTES>().map(|(leaf, bytes)| (TreeHash(*leaf), bytes))
}

/// The leaf hashes of a block as one row.
pub(super) fn pack_leaves(leaves: &[TreeHash]) -> Vec<u8> {
    leaves.iter().flat_map(|leaf| leaf.0).collect()
}

/// Takes the row of a removed block apart.
pub(super) fn unpack_leaves(row: &[u8]) -> Option<Vec<TreeHash>> {
    let (leaves, rest) = row.as_chunks::<HASH_BYTES>();
    let is_whole = rest.is_empty() && leaves.len() as u64 == BLOCK;
    is_whole.then(|| leaves.iter().copied().map(TreeHash).collect())
}

/// How many blocks the row says were removed.
pub(super) fn read_pruned(row: &[u8]) -> Option<u64> {
    row.try_into().ok().map(u64::from_be_bytes)
}

/// How many blocks were removed by their term.
pub(super) async fn pruned_blocks(tables: &dyn TableStore) -> Result<u64, AuditFault> {
    let Some(row) = tables.get(STATE, STATE_PRUNED, audit_now()).await? else { return Ok(0) };
    read_pruned(&row.value)
        .ok_or_else(|| AuditFault::damaged("what was removed by its term has no known form"))
}

/// The tree in memory.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) id: [u8; 8],
    /// The roots of complete blocks.
    blocks: Vec<TreeHash>,
    /// The same, as far as the tree's root needs it.
    block_range: CompactRange,
    /// The hashes of the leaves after the last complete block.
    tail: Vec<TreeHash>,
    /// The version of the stored state; `None` before the first entry.
    version: Option<u64>,
}

impl Tree {
    /// Reads the stored tree, and checks that blocks and tail lead to the stored state.
    pub(super) async fn load(tables: &dyn TableStore, now: Timestamp) -> Result<Tree, AuditFault> {
        let Some(row) = tables.get(STATE, STATE_TREE, now).await? else {
            let range = TableRange { partition_key: ENTRIES, prefix: "", after: None, limit: 1 };
            if tables.range(range, now).await?.is_empty() {
                return Tree::new();
            }
            return Err(AuditFault::damaged("there are entries and no tree"));
        };
        let stored = StoredTree::decode(&row.value)
            .ok_or_else(|| AuditFault::damaged("the stored tree has no known form"))?;
        let mut tree = Tree {
            id: stored.id,
            blocks: Vec::new(),
            block_range: CompactRange::default(),
            tail: Vec::new(),
            version: Some(row.version),
        };
        let n_blocks = stored.range.size() / BLOCK;
        let mut after: Option<String> = None;
        while (tree.blocks.len() as u64) < n_blocks {
            let range = TableRange {
                partition_key: BLOCKS,
                prefix: "",
                after: after.as_deref(),
                limit: PAGE_ROWS,
            };
            let rows = tables.range(range, now).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.sort_key.clone());
            for row in &rows {
                let root = row.value.as_slice().try_into().map(TreeHash);
                let root = root.map_err(|_| AuditFault::damaged("a block has no known form"))?;
                tree.blocks.push(root);
                tree.block_range.push(root);
            }
        }
        tree.tail = leaves(tables, n_blocks * BLOCK..stored.range.size(), now).await?;
        if tree.range() != Some(stored.range) {
            return Err(AuditFault::damaged("its newest entries do not lead to the stored tree"));
        }
        Ok(tree)
    }

    fn new() -> Result<Tree, AuditFault> {
        let mut id = [0; 8];
        getrandom::fill(&mut id).map_err(|_| AuditFault::NoRandomness)?;
        Ok(Tree {
            id,
            blocks: Vec::new(),
            block_range: CompactRange::default(),
            tail: Vec::new(),
            version: None,
        })
    }

    /// Entries in the tree.
    pub(super) fn size(&self) -> u64 {
        self.blocks.len() as u64 * BLOCK + self.tail.len() as u64
    }

    /// Whether these are the leaves of a complete block.
    pub(super) fn is_block(&self, block: u64, leaves: &[TreeHash]) -> bool {
        let known = usize::try_from(block).ok().and_then(|idx| self.blocks.get(idx));
        known.is_some_and(|known| *known == root_of(leaves))
    }

    pub(super) fn root(&self) -> TreeHash {
        self.range().expect("a tree in memory is whole").root()
    }

    fn range(&self) -> Option<CompactRange> {
        compact(self.size(), &self.block_range, &self.tail)
    }

    /// Stores up to [`APPEND_MAX`] entries, and returns the number of the first.
    ///
    /// They become visible whole or not at all, together with the tree's new size. After an error
    /// the outcome may be unknown, and the tree must be loaded again.
    pub(super) async fn append(
        &mut self,
        entries: &[Vec<u8>],
        (tables, now): (&dyn TableStore, Timestamp),
    ) -> Result<u64, AuditFault> {
        debug_assert!(entries.len() <= APPEND_MAX);
        let first = self.size();
        let mut writes = Vec::with_capacity(entries.len() + 2);
        let mut tail = self.tail.clone();
        let mut block_range = self.block_range.clone();
        let mut new_block = None;
        for (number, bytes) in (first..).zip(entries) {
            let leaf = TreeHash::of_leaf(bytes);
            writes.push(put(ENTRIES, row_key(number), (Condition::Absent, entry_row(leaf, bytes))));
            tail.push(leaf);
            if tail.len() as u64 == BLOCK {
                let root = root_of(&tail);
                let value = (Condition::Absent, root.0.to_vec());
                writes.push(put(BLOCKS, row_key(block_range.size()), value));
                block_range.push(root);
                new_block = Some(root);
                tail.clear();
            }
        }
        let size = first + entries.len() as u64;
        let range = compact(size, &block_range, &tail).expect("the new tree is whole");
        let state = StoredTree { id: self.id, range }.encode();
        let condition = self.version.map_or(Condition::Absent, Condition::Version);
        writes.push(put(STATE, STATE_TREE.to_owned(), (condition, state)));
        let versions = tables.write(&writes, now).await?;
        self.version = versions.last().copied();
        self.blocks.extend(new_block);
        (self.tail, self.block_range) = (tail, block_range);
        Ok(first)
    }

    /// The hash of a subtree of the tree; of all entries up to a size with `0..size`.
    pub(super) async fn hash_of(
        &self,
        range: Range<u64>,
        (tables, now): (&dyn TableStore, Timestamp),
    ) -> Result<TreeHash, AuditFault> {
        let mut hashes = Vec::new();
        for node in complete_nodes(range) {
            hashes.push(self.hash_of_node(node, (tables, now)).await?);
        }
        Ok(join(&hashes).unwrap_or_else(TreeHash::of_nothing))
    }

    async fn hash_of_node(
        &self,
        node: Node,
        (tables, now): (&dyn TableStore, Timestamp),
    ) -> Result<TreeHash, AuditFault> {
        let at = node.leaves();
        if node.level >= BLOCK_LEVEL {
            let place = |leaf: u64| usize::try_from(leaf / BLOCK).expect("blocks are in memory");
            return Ok(root_of(&self.blocks[place(at.start)..place(at.end)]));
        }
        let tail_start = self.blocks.len() as u64 * BLOCK;
        if at.start >= tail_start {
            let place = |leaf: u64| usize::try_from(leaf - tail_start).expect("a tail is short");
            return Ok(root_of(&self.tail[place(at.start)..place(at.end)]));
        }
        Ok(root_of(&leaves(tables, at, now).await?))
    }
}

/// The root of leaves, or of subtrees of one size.
fn root_of(hashes: &[TreeHash]) -> TreeHash {
    let mut range = CompactRange::default();
    hashes.iter().for_each(|hash| range.push(*hash));
    range.root()
}

/// A whole tree's range from that of its blocks and the leaves after them.
fn compact(size: u64, blocks: &CompactRange, tail: &[TreeHash]) -> Option<CompactRange> {
    let mut rest = CompactRange::default();
    tail.iter().for_each(|leaf| rest.push(*leaf));
    CompactRange::from_parts(size, [blocks.nodes(), rest.nodes()].concat())
}

/// The stored hashes of the leaves in a range of at most a block.
async fn leaves(
    tables: &dyn TableStore,
    at: Range<u64>,
    now: Timestamp,
) -> Result<Vec<TreeHash>, AuditFault> {
    let after = at.start.checked_sub(1).map(row_key);
    let count = at.end - at.start;
    if count == 0 {
        return Ok(Vec::new());
    }
    let range = TableRange {
        partition_key: ENTRIES,
        prefix: "",
        after: after.as_deref(),
        limit: u32::try_from(count).expect("a block at most"),
    };
    let rows = tables.range(range, now).await?;
    if rows.first().is_none_or(|row| row.sort_key != row_key(at.start))
        && let Some(row) = tables.get(PRUNED, &row_key(at.start / BLOCK), now).await?
    {
        return of_removed(&row.value, at);
    }
    let mut leaves = Vec::with_capacity(rows.len());
    for (number, row) in at.clone().zip(&rows) {
        match split_row(&row.value) {
            Some((leaf, _)) if row.sort_key == row_key(number) => leaves.push(leaf),
            _ => return Err(AuditFault::damaged(&format!("entry {number} is missing"))),
        }
    }
    if leaves.len() as u64 != count {
        return Err(AuditFault::damaged(&format!("an entry before {} is missing", at.end)));
    }
    Ok(leaves)
}

/// The leaf hashes of a part of a removed block.
fn of_removed(row: &[u8], at: Range<u64>) -> Result<Vec<TreeHash>, AuditFault> {
    let all = unpack_leaves(row)
        .ok_or_else(|| AuditFault::damaged("the hashes of a removed block have no known form"))?;
    let place = |leaf: u64| usize::try_from(leaf % BLOCK).expect("a block is small");
    let (start, n_leaves) = (place(at.start), place(at.end - at.start - 1) + 1);
    let part = all.get(start..start + n_leaves).map(<[TreeHash]>::to_vec);
    part.ok_or_else(|| AuditFault::damaged("a part of two blocks was asked for"))
}

/// The row of a signed head: the size of the head before it, so that none can be taken out, and its
/// line.
pub(super) fn head_row(before: u64, line: &str) -> Vec<u8> {
    format!("{before:016x} {line}").into_bytes()
}

/// Takes the row of a head apart.
pub(super) fn split_head(row: &[u8]) -> Option<(u64, &str)> {
    let (before, line) = std::str::from_utf8(row).ok()?.split_once(' ')?;
    let size = u64::from_str_radix(before, 16).ok()?;
    (row_key(size) == before).then_some((size, line))
}

pub(super) fn put(
    partition: &str,
    sort_key: String,
    (condition, value): (Condition, Vec<u8>),
) -> Write {
    let change = WriteChange::Put { value, expires_at: None };
    Write { partition_key: partition.to_owned(), sort_key, condition, change }
}
