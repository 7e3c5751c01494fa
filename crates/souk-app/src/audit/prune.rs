//! Entries whose time is over: their texts go, the hashes of their leaves stay.
//!
//! Only whole blocks of 256 go, the oldest first. Their leaf hashes move into one row of 8 KB, so every head
//! that was ever signed, every proof and every text that somebody kept of a removed entry can still be
//! checked. What goes is said first, by an entry of the tree under a signed head: entries that are gone
//! without such an entry were taken away by somebody else, and `souk audit verify` says so.

use souk_core::Timestamp;
use souk_ports::{Condition, TableRange, TableStore, Write, WriteChange};
use souk_privacy::audit::{AuditEntry, TreeHash};

use super::tree::{
    APPEND_MAX, BLOCK, ENTRIES, PRUNED, STATE, STATE_PRUNED, Tree, pack_leaves, pruned_blocks, put,
    row_key, split_row,
};
use super::{AuditAct, AuditFault, AuditOperation, audit_now};
use crate::{App, AppError, Caller};

/// The detail of an entry that says which entries are removed: all before this number.
pub(super) const ENTRIES_BEFORE: &str = "entries_before";
/// Blocks that one run removes (chosen: a million entries; what is left goes in the next run).
const BLOCKS_MAX: u64 = 4_096;
const DAY_MS: i64 = 86_400_000;

impl App {
    /// Removes the texts of entries that are past `audit.entries_days`, and returns how many went. What a
    /// crash left half removed goes too.
    ///
    /// # Errors
    ///
    /// As [`App::audit`]; the next run goes on.
    pub(crate) async fn prune_audit(&self) -> Result<u64, AppError> {
        let _alone = self.door.retention.lock().await;
        let tables = &*self.parts.tables;
        self.door.audit.with_tree(self, async |_| remove_pruned(tables).await).await?;
        let Some(days) = self.config.audit.entries_days else { return Ok(0) };
        let days = i64::try_from(days).unwrap_or(i64::MAX / DAY_MS);
        let before = audit_now().plus_ms(-days * DAY_MS);
        let log = &self.door.audit;
        let due =
            log.with_tree(self, async |tree| due_blocks(tree, (tables, before)).await).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let act = AuditAct::new(AuditOperation::AuditPrune)
            .with(ENTRIES_BEFORE, due.end * BLOCK)
            .with("older_than", before);
        self.audit(&Caller::local_admin(), act).await?;
        // What is said is signed, and published, before anything goes.
        self.publish_audit_head().await?;
        let n_entries = (due.end - due.start) * BLOCK;
        for block in due {
            log.with_tree(self, async |tree| prune_block(tree, (tables, block)).await).await?;
        }
        tracing::info!(n_entries, "entries of the audit log were removed by their term");
        Ok(n_entries)
    }
}

/// The oldest blocks whose every entry is from before a moment.
async fn due_blocks(
    tree: &Tree,
    (tables, before): (&dyn TableStore, Timestamp),
) -> Result<std::ops::Range<u64>, AuditFault> {
    let first = pruned_blocks(tables).await?;
    let end = (tree.size() / BLOCK).min(first + BLOCKS_MAX);
    for block in first..end {
        for (_, bytes) in rows_of(tables, block).await? {
            let entry = AuditEntry::from_bytes(&bytes);
            let entry = entry.map_err(|error| AuditFault::Damaged(error.to_string()))?;
            if entry.at >= before {
                return Ok(first..block);
            }
        }
    }
    Ok(first..end)
}

/// Hashes and texts of a block's entries, checked against each other.
async fn rows_of(
    tables: &dyn TableStore,
    block: u64,
) -> Result<Vec<(TreeHash, Vec<u8>)>, AuditFault> {
    let first = block * BLOCK;
    let after = first.checked_sub(1).map(row_key);
    let limit = u32::try_from(BLOCK).expect("a block is small");
    let range = TableRange { partition_key: ENTRIES, prefix: "", after: after.as_deref(), limit };
    let rows = tables.range(range, audit_now()).await?;
    let mut entries = Vec::with_capacity(rows.len());
    for (number, row) in (first..).zip(&rows) {
        match split_row(&row.value) {
            Some((leaf, bytes))
                if row.sort_key == row_key(number) && TreeHash::of_leaf(bytes) == leaf =>
            {
                entries.push((leaf, bytes.to_vec()));
            }
            _ => return Err(AuditFault::Damaged(format!("entry {number} is missing or changed"))),
        }
    }
    match entries.len() as u64 == BLOCK {
        true => Ok(entries),
        false => Err(AuditFault::Damaged(format!("an entry of block {block} is missing"))),
    }
}

/// Puts the hashes of a block where its entries were. From the first write on the block counts as removed.
async fn prune_block(
    tree: &Tree,
    (tables, block): (&dyn TableStore, u64),
) -> Result<(), AuditFault> {
    let leaves: Vec<TreeHash> =
        rows_of(tables, block).await?.into_iter().map(|(leaf, _)| leaf).collect();
    if !tree.is_block(block, &leaves) {
        return Err(AuditFault::Damaged(format!("block {block} is another than its entries")));
    }
    let is_first = block == 0;
    let condition = if is_first { Condition::Absent } else { Condition::Any };
    let writes = [
        put(PRUNED, row_key(block), (Condition::Absent, pack_leaves(&leaves))),
        put(STATE, STATE_PRUNED.to_owned(), (condition, (block + 1).to_be_bytes().to_vec())),
    ];
    tables.write(&writes, audit_now()).await?;
    remove_pruned(tables).await
}

/// Removes what is left of the entries of removed blocks.
async fn remove_pruned(tables: &dyn TableStore) -> Result<(), AuditFault> {
    let end = pruned_blocks(tables).await? * BLOCK;
    if end == 0 {
        return Ok(());
    }
    let (end, limit) = (row_key(end), u32::try_from(APPEND_MAX).expect("a write is small"));
    loop {
        let range = TableRange { partition_key: ENTRIES, prefix: "", after: None, limit };
        let rows = tables.range(range, audit_now()).await?;
        let writes: Vec<Write> = rows
            .into_iter()
            .filter(|row| row.sort_key < end)
            .map(|row| Write {
                partition_key: ENTRIES.to_owned(),
                sort_key: row.sort_key,
                condition: Condition::Any,
                change: WriteChange::Delete,
            })
            .collect();
        if writes.is_empty() {
            return Ok(());
        }
        tables.write(&writes, audit_now()).await?;
    }
}
