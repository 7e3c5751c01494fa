//! Segments in the tables: a row of JSON for each, by its key.

use serde_json::{Value, json};
use souk_core::Timestamp;
use souk_ports::{Condition, Row, TableStore, Write, WriteChange};

use super::Segment;
use crate::AppError;

const PARTITION: &str = "segments";
/// The version of a row's form.
const FORM: u64 = 1;

/// The write that stores a segment.
pub(super) fn write(segment: &Segment, condition: Condition) -> Write {
    let value = json!({
        "v": FORM,
        "created_at_ms": segment.created_at.as_ms(),
        "name": segment.name,
        "filter": segment.filter,
    });
    let value = value.to_string().into_bytes();
    row(&segment.key, (condition, WriteChange::Put { value, expires_at: None }))
}

/// The write that removes one.
pub(super) fn delete(key: &str) -> Write {
    row(key, (Condition::Any, WriteChange::Delete))
}

fn row(key: &str, (condition, change): (Condition, WriteChange)) -> Write {
    let (partition_key, sort_key) = (PARTITION.to_owned(), key.to_owned());
    Write { partition_key, sort_key, condition, change }
}

fn read(row: &Row) -> Option<Segment> {
    let value: Value = serde_json::from_slice(&row.value).ok()?;
    if value["v"].as_u64()? != FORM {
        return None;
    }
    let created_at = Timestamp::from_ms(value["created_at_ms"].as_i64()?).ok()?;
    let (name, filter) = (value["name"].as_str()?, value["filter"].as_str()?);
    let segment = Segment::new(&row.sort_key, name, filter).ok()?;
    Some(Segment { created_at, ..segment })
}

/// Every stored segment, and the keys of those that cannot be read.
pub(super) async fn load(
    tables: &dyn TableStore,
    now: Timestamp,
) -> Result<(Vec<Segment>, Vec<String>), AppError> {
    crate::stored::load((tables, PARTITION), now, read).await
}
