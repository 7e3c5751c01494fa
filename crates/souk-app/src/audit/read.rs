//! Reading the audit log: entries by page, proofs, the signed head.

use souk_core::Timestamp;
use souk_ports::{TableRange, TableStore};
use souk_privacy::audit::{
    AuditEntry, SignedTreeHead, TreeHash, consistency_ranges, inclusion_ranges,
};

use crate::{App, AppError, Caller, Operation};

use super::tree::{BLOCK, ENTRIES, PAGE_ROWS, Tree, pruned_blocks, row_key, split_row};
use super::{AuditAct, AuditFault, AuditOperation, Counted, audit_now};

/// Entries in a page at most.
const PAGE_MAX: usize = 1_000;
/// Entries that one question looks at; chosen: a fraction of a second.
const LOOKED_AT_MAX: u64 = 20_000;

/// Which entries to show; nothing set means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Not before this time.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Of this operation, or of all that begin so before a dot: `key`.
    pub operation: Option<String>,
    /// By this key's public part.
    pub key_id: Option<String>,
    /// On this object.
    pub object: Option<String>,
}

impl AuditFilter {
    fn matches(&self, entry: &AuditEntry) -> bool {
        let is_operation = |wanted: &String| {
            let rest = entry.operation.strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.since.is_none_or(|since| entry.at >= since)
            && self.until.is_none_or(|until| entry.at < until)
            && self.operation.as_ref().is_none_or(is_operation)
            && self.key_id.as_ref().is_none_or(|key| entry.who == *key)
            && self.object.as_ref().is_none_or(|on| entry.object.as_ref() == Some(on))
    }
}

/// One entry with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditItem {
    /// Its place in the tree, from 0.
    pub number: u64,
    /// What it says.
    pub entry: AuditEntry,
    /// The very text that the tree hashes.
    pub leaf: String,
}

/// A page of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// The newest first.
    pub items: Vec<AuditItem>,
    /// Where to go on: entries below this number; `None` at the end.
    pub before: Option<u64>,
}

/// A proof with what it proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditProof {
    /// The tree that the proof leads to.
    pub size: u64,
    /// Its root.
    pub root: TreeHash,
    /// The root of the earlier tree, of a proof of consistency.
    pub earlier_root: Option<TreeHash>,
    /// The entry, of a proof of inclusion; `None` for one whose text was removed by its term.
    pub item: Option<AuditItem>,
    /// The hashes, as RFC 6962 orders them.
    pub hashes: Vec<TreeHash>,
}

/// The tree as it is, signed.
pub type AuditHead = SignedTreeHead;

impl App {
    /// A page of entries, the newest first, below `before`. A page may be short, or empty, and still
    /// have a successor: one call looks at 20,000 entries at most.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role; as [`App::audit`].
    pub async fn audit_entries(
        &self,
        caller: &Caller,
        filter: &AuditFilter,
        (before, limit): (Option<u64>, usize),
    ) -> Result<AuditPage, AppError> {
        caller.check(Operation::ReadAudit)?;
        // Who reads the log is in the log, before the answer.
        self.audit(caller, AuditAct::new(AuditOperation::AuditRead)).await?;
        let limit = limit.clamp(1, PAGE_MAX);
        let size = self.audit_size().await?;
        let end = before.map_or(size, |before| before.min(size));
        loop {
            let first = self.first_audit_entry().await?;
            let page = self.audit_page(filter, (first, end), limit).await;
            // Entries may have been removed by their term in the middle of the look.
            if page.is_ok() || self.first_audit_entry().await? == first {
                return page;
            }
        }
    }

    /// The number of the oldest entry whose text is still there.
    async fn first_audit_entry(&self) -> Result<u64, AppError> {
        Ok(pruned_blocks(&*self.parts.tables).await?.saturating_mul(BLOCK))
    }

    /// Entries from `first` to below `end`.
    async fn audit_page(
        &self,
        filter: &AuditFilter,
        (first, mut end): (u64, u64),
        limit: usize,
    ) -> Result<AuditPage, AppError> {
        let stop = end.saturating_sub(LOOKED_AT_MAX).max(first);
        let mut items = Vec::new();
        while end > stop {
            let start = end.saturating_sub(u64::from(PAGE_ROWS)).max(stop);
            let page = read_items(&*self.parts.tables, (start, end)).await?;
            for item in page.into_iter().rev() {
                end = item.number;
                if filter.matches(&item.entry) {
                    items.push(item);
                    if items.len() == limit {
                        return Ok(AuditPage { items, before: (end > first).then_some(end) });
                    }
                }
            }
        }
        Ok(AuditPage { items, before: (end > first).then_some(end) })
    }

    /// Proves that an entry is in the tree of `size` entries, or in the newest.
    ///
    /// Questions for proofs and heads are counted by the minute: an entry for each would make the tree
    /// another one than the answer speaks of, and whoever watches the log asks all day.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role, [`AppError::Invalid`] for numbers beyond the tree.
    pub async fn audit_inclusion(
        &self,
        caller: &Caller,
        (number, size): (u64, Option<u64>),
    ) -> Result<AuditProof, AppError> {
        caller.check(Operation::ReadAudit)?;
        self.tally(caller, Counted::many(AuditOperation::AuditRead, 1));
        let tables = (&*self.parts.tables, audit_now());
        let now = self.audit_size().await?;
        let size = size.unwrap_or(now);
        if size > now {
            return Err(beyond("tree_size", size, now));
        }
        let ranges = inclusion_ranges(number, size);
        let ranges = ranges.ok_or_else(|| beyond("entry", number, size))?;
        let found = self.door.audit.with_tree(self, async |tree| {
            let root = tree.hash_of(0..size, tables).await?;
            Ok((root, hashes_of(tree, ranges, tables).await?))
        });
        let (root, hashes) = found.await?;
        let item = match number < self.first_audit_entry().await? {
            true => None,
            false => read_items(tables.0, (number, number + 1)).await?.pop(),
        };
        Ok(AuditProof { size, root, earlier_root: None, item, hashes })
    }

    /// Proves that the tree of `to` entries, or the newest, begins with that of `from`.
    ///
    /// # Errors
    ///
    /// As [`App::audit_inclusion`].
    pub async fn audit_consistency(
        &self,
        caller: &Caller,
        (from, to): (u64, Option<u64>),
    ) -> Result<AuditProof, AppError> {
        caller.check(Operation::ReadAudit)?;
        self.tally(caller, Counted::many(AuditOperation::AuditRead, 1));
        let tables = (&*self.parts.tables, audit_now());
        let now = self.audit_size().await?;
        let to = to.unwrap_or(now);
        if to > now {
            return Err(beyond("to", to, now));
        }
        let ranges = consistency_ranges(from, to).ok_or_else(|| beyond("from", from, to))?;
        let found = self.door.audit.with_tree(self, async |tree| {
            let earlier = tree.hash_of(0..from, tables).await?;
            let root = tree.hash_of(0..to, tables).await?;
            Ok((earlier, root, hashes_of(tree, ranges, tables).await?))
        });
        let (earlier, root, hashes) = found.await?;
        Ok(AuditProof { size: to, root, earlier_root: Some(earlier), item: None, hashes })
    }

    /// The tree as it is now, signed.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role; as [`App::audit`].
    pub async fn audit_head(&self, caller: &Caller) -> Result<AuditHead, AppError> {
        caller.check(Operation::ReadAudit)?;
        self.tally(caller, Counted::many(AuditOperation::AuditRead, 1));
        self.sign_audit_head().await
    }

    async fn audit_size(&self) -> Result<u64, AppError> {
        Ok(self.door.audit.with_tree(self, async |tree| Ok(tree.size())).await?)
    }
}

async fn hashes_of(
    tree: &Tree,
    ranges: Vec<std::ops::Range<u64>>,
    tables: (&dyn TableStore, Timestamp),
) -> Result<Vec<TreeHash>, AuditFault> {
    let mut hashes = Vec::with_capacity(ranges.len());
    for range in ranges {
        hashes.push(tree.hash_of(range, tables).await?);
    }
    Ok(hashes)
}

/// The entries with numbers from `start` to below `end`, at most [`PAGE_ROWS`] of them.
async fn read_items(
    tables: &dyn TableStore,
    (start, end): (u64, u64),
) -> Result<Vec<AuditItem>, AuditFault> {
    let after = start.checked_sub(1).map(row_key);
    let range = TableRange {
        partition_key: ENTRIES,
        prefix: "",
        after: after.as_deref(),
        limit: u32::try_from(end - start).unwrap_or(PAGE_ROWS).min(PAGE_ROWS),
    };
    let mut items = Vec::new();
    for (number, row) in (start..end).zip(tables.range(range, audit_now()).await?) {
        let damaged = |what: &str| AuditFault::Damaged(format!("entry {number}: {what}"));
        if row.sort_key != row_key(number) {
            return Err(damaged("it is missing"));
        }
        let (_, bytes) = split_row(&row.value).ok_or_else(|| damaged("it has no known form"))?;
        let entry = AuditEntry::from_bytes(bytes).map_err(|error| damaged(&error.to_string()))?;
        let leaf = String::from_utf8_lossy(bytes).into_owned();
        items.push(AuditItem { number, entry, leaf });
    }
    if items.len() as u64 != end - start {
        return Err(AuditFault::Damaged(format!("an entry before {end} is missing")));
    }
    Ok(items)
}

fn beyond(name: &str, value: u64, limit: u64) -> AppError {
    let detail =
        format!("`{name}` is {value}, and there are {limit} entries; give a smaller number");
    AppError::invalid("out_of_range", name, detail)
}
