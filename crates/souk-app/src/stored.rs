//! Everything of one partition of the tables, read at a start or after a change.

use souk_core::Timestamp;
use souk_ports::{Row, TableRange, TableStore};

use crate::AppError;

const PAGE: u32 = 1_000;

/// Every row of a partition that `read` understands, in the order of their keys, and the keys of the others.
///
/// # Errors
///
/// As the tables.
pub(crate) async fn load<T>(
    (tables, partition_key): (&dyn TableStore, &str),
    now: Timestamp,
    read: impl Fn(&Row) -> Option<T>,
) -> Result<(Vec<T>, Vec<String>), AppError> {
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    let mut after: Option<String> = None;
    loop {
        let range = TableRange { partition_key, prefix: "", after: after.as_deref(), limit: PAGE };
        let rows = tables.range(range, now).await?;
        let Some(last) = rows.last() else { return Ok((found, unreadable)) };
        after = Some(last.sort_key.clone());
        for row in &rows {
            match read(row) {
                Some(one) => found.push(one),
                None => unreadable.push(row.sort_key.clone()),
            }
        }
    }
}
