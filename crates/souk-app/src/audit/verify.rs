//! Checking a stored audit log from its rows alone, with nothing of the running program: the tree is
//! computed anew from every entry and compared with all that was ever said about it.

use std::collections::BTreeMap;

use souk_ports::{Row, TableError, TableRange, TableStore};
use souk_privacy::audit::{AuditEntry, CompactRange, SignedTreeHead, TreeHash};

use super::prune::ENTRIES_BEFORE;
use super::tree::{
    BLOCK, BLOCKS, ENTRIES, HEADS, PAGE_ROWS, PRUNED, STATE, STATE_HEAD, STATE_PRUNED, STATE_TREE,
    StoredTree, read_pruned, row_key, split_head, split_row, unpack_leaves,
};
use super::{AuditOperation, audit_now};

/// Problems that are listed; what follows from the first ones would only hide them.
const PROBLEMS_MAX: usize = 20;

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditProblem {
    /// The first entry that it concerns, where that is known.
    pub entry: Option<u64>,
    /// What it is.
    pub detail: String,
}

/// What was checked, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditCheck {
    /// Which log it is.
    pub origin: Option<String>,
    /// Entries of the tree: those whose bytes were hashed, and before them those of `pruned`.
    pub entries: u64,
    /// Entries whose texts were removed by their term; their hashes were checked.
    pub pruned: u64,
    /// The newest entry that says which entries are removed.
    pub pruned_by: Option<u64>,
    /// The root of the tree that they make.
    pub root: TreeHash,
    /// Signed heads in the store that fit.
    pub stored_heads: u64,
    /// Published heads that fit.
    pub published_heads: u64,
    /// Entries that the newest published head vouches for.
    pub published_entries: u64,
    /// The keys that signed, the first one first.
    pub public_keys: Vec<String>,
    /// Published lines that end in the middle, as after a crash; they count for nothing.
    pub cut_lines: u64,
    /// Restores of a backup that the log tells of, by entry.
    pub restores: Vec<u64>,
    /// What does not fit; empty when nothing was changed.
    pub problems: Vec<AuditProblem>,
}

/// A head, with the words that name it.
struct Claim {
    head: SignedTreeHead,
    is_published: bool,
}

struct Check {
    report: AuditCheck,
    range: CompactRange,
    /// The entries since the last complete block.
    block: CompactRange,
    claims: BTreeMap<u64, Vec<Claim>>,
    blocks: Vec<Row>,
    last_good: u64,
    /// Entries that the log itself says are removed.
    said_pruned: u64,
}

/// Checks the audit log in `tables` against the heads that were published (the lines of the file, if
/// there is one) and, if given, the only key that may have signed (64 hexadecimal digits).
///
/// A server may go on writing meanwhile.
///
/// # Errors
///
/// As the table store, when rows cannot be read at all: that is damage too.
pub async fn verify_audit(
    tables: &dyn TableStore,
    published: Option<&str>,
    trusted_key: Option<&str>,
) -> Result<AuditCheck, TableError> {
    let mut state = rows(tables, STATE).await?;
    loop {
        let report = verify_once(tables, &state, (published, trusted_key)).await?;
        let now = rows(tables, STATE).await?;
        // What does not fit may have been written in the middle of the look.
        if report.problems.is_empty() || now == state {
            return Ok(report);
        }
        state = now;
    }
}

async fn verify_once(
    tables: &dyn TableStore,
    state: &[Row],
    (published, trusted_key): (Option<&str>, Option<&str>),
) -> Result<AuditCheck, TableError> {
    let tree = state.iter().find(|row| row.sort_key == STATE_TREE);
    let stored = tree.and_then(|row| StoredTree::decode(&row.value));
    let mut check = Check::new(stored.as_ref());
    if tree.is_some() && stored.is_none() {
        check.fault(None, "the stored tree has no known form");
    }
    check.blocks = rows(tables, BLOCKS).await?;
    let heads = rows(tables, HEADS).await?;
    let mut all = state.iter().chain(&heads).chain(&check.blocks);
    if all.any(|row| row.expires_at.is_some()) {
        check.fault(None, "a row of the tree was given an end");
    }
    check.read_stored_heads((state, &heads));
    check.read_published(published.unwrap_or_default());
    check.judge_heads(trusted_key);
    let size = stored.as_ref().map_or(0, |stored| stored.range.size());
    check.read_pruned(tables, (state, size)).await?;
    check.walk(tables, size).await?;
    check.judge_pruned();
    check.conclude(stored.as_ref());
    check.look_beyond(tables, size).await?;
    Ok(check.report)
}

impl Check {
    fn new(stored: Option<&StoredTree>) -> Check {
        let report = AuditCheck {
            origin: stored.map(StoredTree::origin),
            entries: 0,
            pruned: 0,
            pruned_by: None,
            root: TreeHash::of_nothing(),
            stored_heads: 0,
            published_heads: 0,
            published_entries: 0,
            public_keys: Vec::new(),
            cut_lines: 0,
            restores: Vec::new(),
            problems: Vec::new(),
        };
        Check {
            report,
            range: CompactRange::default(),
            block: CompactRange::default(),
            claims: BTreeMap::new(),
            blocks: Vec::new(),
            last_good: 0,
            said_pruned: 0,
        }
    }

    fn fault(&mut self, entry: Option<u64>, detail: impl Into<String>) {
        if self.report.problems.len() < PROBLEMS_MAX {
            self.report.problems.push(AuditProblem { entry, detail: detail.into() });
        }
    }

    fn claim(&mut self, head: SignedTreeHead, is_published: bool) {
        self.claims.entry(head.head.size).or_default().push(Claim { head, is_published });
    }

    fn read_stored_heads(&mut self, (state, heads): (&[Row], &[Row])) {
        let mut last = 0;
        for row in heads {
            match line_of(row) {
                Ok((_, head)) if row.sort_key != row_key(head.head.size) => {
                    self.fault(None, format!("the head {} stands elsewhere", row.sort_key));
                }
                Ok((before, _)) if before != last => self.fault(
                    None,
                    format!("a head of {before} entries was taken out before {}", row.sort_key),
                ),
                Ok((_, head)) => {
                    last = head.head.size;
                    self.claim(head, false);
                }
                Err(why) => self.fault(None, format!("the stored head {} {why}", row.sort_key)),
            }
        }
        for row in state {
            match row.sort_key.as_str() {
                STATE_TREE | STATE_PRUNED => {}
                STATE_HEAD if heads.last().is_some_and(|last| last.value == row.value) => {}
                STATE_HEAD => self.fault(None, "the newest head is not among the stored ones"),
                other => self.fault(None, format!("there is a row `{other}` that is none of ours")),
            }
        }
        if !heads.is_empty() && !state.iter().any(|row| row.sort_key == STATE_HEAD) {
            self.fault(None, "the newest head is missing");
        }
    }

    fn read_published(&mut self, text: &str) {
        for (idx, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            // A receiver of webhooks may have kept their bodies as they came.
            let of_webhook = line_of_webhook(line);
            match SignedTreeHead::from_line(of_webhook.as_deref().unwrap_or(line)) {
                Ok(head) => self.claim(head, true),
                Err(_) if !line.ends_with('}') => self.report.cut_lines += 1,
                Err(why) => self.fault(None, format!("line {} of the heads {why}", idx + 1)),
            }
        }
    }

    /// Whose the heads are, and by which keys.
    fn judge_heads(&mut self, trusted_key: Option<&str>) {
        let origin = self.report.origin.clone();
        let mut faults = Vec::new();
        let mut keys: Vec<String> = Vec::new();
        for claim in self.claims.values().flatten() {
            let head = &claim.head.head;
            let key = TreeHash(claim.head.public_key).to_string();
            if origin.as_ref().is_some_and(|origin| *origin != head.origin) {
                faults.push(format!(
                    "{} is of the log {}, which is another one",
                    claim.name(),
                    head.origin
                ));
            }
            if trusted_key.is_some_and(|trusted| trusted != key) {
                faults.push(format!("{} is signed by another key: {key}", claim.name()));
            }
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        self.report.public_keys = keys;
        faults.into_iter().for_each(|fault| self.fault(None, fault));
    }

    /// Takes in the hashes of the blocks whose entries were removed.
    async fn read_pruned(
        &mut self,
        tables: &dyn TableStore,
        (state, size): (&[Row], u64),
    ) -> Result<(), TableError> {
        let row = state.iter().find(|row| row.sort_key == STATE_PRUNED);
        let n_blocks = row.map_or(Some(0), |row| read_pruned(&row.value));
        let Some(n_blocks) = n_blocks.filter(|blocks| *blocks <= size / BLOCK) else {
            self.fault(None, "what was removed by its term has no known form");
            return Ok(());
        };
        let rows = rows(tables, PRUNED).await?;
        if rows.len() as u64 != n_blocks {
            let detail = format!("{n_blocks} blocks were removed and {} have hashes", rows.len());
            self.fault(None, detail);
            return Ok(());
        }
        for (block, row) in (0..n_blocks).zip(&rows) {
            if let Err(detail) = self.take_pruned(block, row) {
                self.fault(Some(block * BLOCK), detail);
                return Ok(());
            }
        }
        self.report.pruned = n_blocks * BLOCK;
        // What a crash left of them is removed by the next run; until then it must be what it was.
        let end = row_key(self.report.pruned);
        let range =
            TableRange { partition_key: ENTRIES, prefix: "", after: None, limit: PAGE_ROWS };
        for row in tables.range(range, audit_now()).await?.iter().filter(|row| row.sort_key < end) {
            let is_kept = split_row(&row.value).is_some_and(|(leaf, bytes)| {
                let number = u64::from_str_radix(&row.sort_key, 16).unwrap_or(u64::MAX);
                TreeHash::of_leaf(bytes) == leaf && leaf_of(&rows, number) == Some(leaf)
            });
            if !is_kept {
                self.fault(
                    None,
                    format!("the removed entry `{}` was put back changed", row.sort_key),
                );
            }
        }
        Ok(())
    }

    fn take_pruned(&mut self, block: u64, row: &Row) -> Result<(), String> {
        let leaves = unpack_leaves(&row.value).filter(|_| row.sort_key == row_key(block));
        let leaves = leaves.ok_or(format!("the hashes of removed block {block} are missing"))?;
        if row.expires_at.is_some() {
            return Err(format!("the hashes of removed block {block} were given an end"));
        }
        for leaf in leaves {
            self.range.push(leaf);
            self.compare_block(leaf)?;
            self.compare_heads()?;
        }
        self.report.entries = self.range.size();
        Ok(())
    }

    /// What is removed must be said by an entry of the log itself.
    fn judge_pruned(&mut self) {
        let pruned = self.report.pruned;
        if pruned > self.said_pruned && self.report.problems.is_empty() {
            let detail = format!(
                "{pruned} entries are removed, and the log says so of {}: the others were taken away",
                self.said_pruned
            );
            self.fault(Some(self.said_pruned), detail);
        }
    }

    /// Hashes every entry up to `size`; ends at the first that does not fit.
    async fn walk(&mut self, tables: &dyn TableStore, size: u64) -> Result<(), TableError> {
        if !self.report.problems.is_empty() && self.range.size() != self.report.pruned {
            return Ok(());
        }
        let mut after: Option<String> = self.report.pruned.checked_sub(1).map(row_key);
        while self.range.size() < size {
            let left = u32::try_from(size - self.range.size()).unwrap_or(u32::MAX);
            let range = TableRange {
                partition_key: ENTRIES,
                prefix: "",
                after: after.as_deref(),
                limit: PAGE_ROWS.min(left),
            };
            let page = tables.range(range, audit_now()).await?;
            let Some(last) = page.last() else {
                let number = self.range.size();
                self.fault(Some(number), format!("entry {number} is missing, and all after it"));
                return Ok(());
            };
            after = Some(last.sort_key.clone());
            for row in &page {
                let number = self.range.size();
                if let Err(detail) = self.take(number, row) {
                    self.fault(Some(number), detail);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, number: u64, row: &Row) -> Result<(), String> {
        if row.sort_key != row_key(number) {
            return Err(format!("entry {number} is missing; `{}` follows", row.sort_key));
        }
        if row.expires_at.is_some() {
            return Err(format!("entry {number} was given an end"));
        }
        let (leaf, bytes) =
            split_row(&row.value).ok_or(format!("entry {number} has no known form"))?;
        if TreeHash::of_leaf(bytes) != leaf {
            return Err(format!("entry {number} was changed: its bytes have another hash"));
        }
        let entry = AuditEntry::from_bytes(bytes)
            .map_err(|error| format!("entry {number} was changed: {error}"))?;
        if entry.operation == AuditOperation::DataRestore.as_str() {
            self.report.restores.push(number);
        }
        if entry.operation == AuditOperation::AuditPrune.as_str() {
            let until = entry.details.get(ENTRIES_BEFORE).and_then(|text| text.parse().ok());
            self.said_pruned = self.said_pruned.max(until.unwrap_or(0).min(number));
            self.report.pruned_by = Some(number);
        }
        self.range.push(leaf);
        self.report.entries = self.range.size();
        self.compare_block(leaf)?;
        self.compare_heads()
    }

    /// Compares the root of a block when it is complete.
    fn compare_block(&mut self, leaf: TreeHash) -> Result<(), String> {
        self.block.push(leaf);
        if self.block.size() < BLOCK {
            return Ok(());
        }
        let root = std::mem::take(&mut self.block).root();
        let number = self.range.size() / BLOCK - 1;
        let row = usize::try_from(number).ok().and_then(|idx| self.blocks.get(idx));
        match row {
            Some(row) if row.sort_key == row_key(number) && row.value == root.0 => Ok(()),
            Some(_) => Err(format!("the stored hash of block {number} is not that of its entries")),
            None => Err(format!("the hash of block {number} is missing")),
        }
    }

    /// Compares the tree as it is now with the heads of its size.
    fn compare_heads(&mut self) -> Result<(), String> {
        let size = self.range.size();
        let Some(claims) = self.claims.remove(&size) else { return Ok(()) };
        let root = self.range.root();
        for claim in claims {
            if claim.head.head.root != root {
                return Err(format!(
                    "{} does not fit: an entry from {} to {} was changed, dropped or put between",
                    claim.name(),
                    self.last_good,
                    size - 1
                ));
            }
            if claim.is_published {
                self.report.published_heads += 1;
                self.report.published_entries = size;
            } else {
                self.report.stored_heads += 1;
            }
        }
        self.last_good = size;
        Ok(())
    }

    /// Compares the whole tree with the stored one, and names the heads of entries that are gone.
    fn conclude(&mut self, stored: Option<&StoredTree>) {
        self.report.root = self.range.root();
        if !self.report.problems.is_empty() {
            return;
        }
        if let Some(stored) = stored
            && stored.range != self.range
        {
            let detail = format!(
                "the stored tree is another than that of its entries: one from {} on was changed",
                self.last_good
            );
            self.fault(Some(self.last_good), detail);
        }
        let n_blocks = self.range.size() / BLOCK;
        if self.blocks.len() as u64 != n_blocks {
            self.fault(None, format!("{} block hashes for {n_blocks} blocks", self.blocks.len()));
        }
        let size = self.range.size();
        let missing: Vec<String> = self.claims.values().flatten().map(Claim::name).collect();
        if let (Some(first), Some(last)) = (missing.first(), missing.last()) {
            let detail = match self.report.restores.last() {
                Some(at) => format!(
                    "{first} to {last} tell of more entries than there are ({size}); entry {at} says \
                     that a backup was restored, which would explain it: keep the old file of heads \
                     as the proof of what was lost, and begin a new one"
                ),
                None => format!(
                    "{first} to {last} tell of more entries than there are ({size}): the last ones \
                     were removed"
                ),
            };
            self.fault(Some(size), detail);
        }
    }

    /// Looks for rows after the last entry.
    async fn look_beyond(&mut self, tables: &dyn TableStore, size: u64) -> Result<(), TableError> {
        if !self.report.problems.is_empty() {
            return Ok(());
        }
        let after = size.checked_sub(1).map(row_key);
        let after = after.as_deref();
        let range = TableRange { partition_key: ENTRIES, prefix: "", after, limit: 1 };
        if let Some(row) = tables.range(range, audit_now()).await?.first() {
            self.fault(Some(size), format!("row `{}` is beyond the tree", row.sort_key));
        }
        Ok(())
    }
}

impl Claim {
    fn name(&self) -> String {
        let which = if self.is_published { "published" } else { "stored" };
        format!("the {which} head of {} entries", self.head.head.size)
    }
}

/// The hash of a removed entry, by its number.
fn leaf_of(rows: &[Row], number: u64) -> Option<TreeHash> {
    let row = rows.get(usize::try_from(number / BLOCK).ok()?)?;
    unpack_leaves(&row.value)?.get(usize::try_from(number % BLOCK).ok()?).copied()
}

/// The line of a head in the body of a webhook.
fn line_of_webhook(line: &str) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(line).ok()?;
    let is_head = body["type"] == super::HEAD_MESSAGE;
    body["data"]["line"].as_str().filter(|_| is_head).map(str::to_owned)
}

fn line_of(row: &Row) -> Result<(u64, SignedTreeHead), String> {
    let (before, line) = split_head(&row.value).ok_or("has no known form")?;
    let head = SignedTreeHead::from_line(line).map_err(|error| error.to_string())?;
    Ok((before, head))
}

/// Every row of a partition.
async fn rows(tables: &dyn TableStore, partition_key: &str) -> Result<Vec<Row>, TableError> {
    let mut all: Vec<Row> = Vec::new();
    loop {
        let after = all.last().map(|row| row.sort_key.clone());
        let range =
            TableRange { partition_key, prefix: "", after: after.as_deref(), limit: PAGE_ROWS };
        let page = tables.range(range, audit_now()).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}
