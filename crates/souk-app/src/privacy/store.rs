//! Requests and erasures as rows of the tables.

use souk_core::{SubjectId, Timestamp};
use souk_ports::{Condition, Row, TableRange, WRITES_MAX, Write, WriteChange};

use super::news;
use super::request::{PrivacyRequest, parse_subject};
use crate::outbox::ShopperId;
use crate::{App, AppError, Parts};

/// All requests, by id, which sorts by age.
const REQUESTS: &str = "privacy-requests";
/// The ids of erasures that are not complete.
const OPEN: &str = "privacy-open";
/// Subjects that were erased, for good: whoever is restored from an old copy goes again.
const ERASED: &str = "privacy-erased";
/// Rows in one read.
const PAGE: u32 = 1_000;

/// Writes the request, notes whether it is open, and what other systems are to be told of it, in one
/// step.
pub(super) async fn put(app: &App, request: &mut PrivacyRequest) -> Result<(), AppError> {
    put_with(app, request, Vec::new()).await
}

/// As [`put`], of a new request, with the ids that other systems need to find the person, and with writes
/// that happen in the same step or not at all.
pub(super) async fn put_new(
    app: &App,
    request: &mut PrivacyRequest,
    (ids, mut more): (&[ShopperId], Vec<Write>),
) -> Result<(), AppError> {
    more.extend(news::seal(app, request, ids).await?);
    put_with(app, request, more).await
}

async fn put_with(
    app: &App,
    request: &mut PrivacyRequest,
    more: Vec<Write>,
) -> Result<(), AppError> {
    let condition = match request.version {
        0 => Condition::Absent,
        version => Condition::Version(version),
    };
    let value = request.to_json().to_string().into_bytes();
    let row = |partition: &str, condition, change| Write {
        partition_key: partition.to_owned(),
        sort_key: request.request_id.clone(),
        condition,
        change,
    };
    let open = match request.is_open() {
        true => WriteChange::Put { value: Vec::new(), expires_at: None },
        false => WriteChange::Delete,
    };
    let mut writes = vec![
        row(REQUESTS, condition, WriteChange::Put { value, expires_at: None }),
        row(OPEN, Condition::Any, open),
    ];
    writes.extend(news::writes(app, request)?);
    writes.extend(more);
    let versions = app.parts.tables.write(&writes, app.clock.now()).await?;
    request.version = versions[0];
    request.told = news::Stages::of(request);
    app.door.outbox.written(&writes);
    Ok(())
}

pub(super) async fn get(app: &App, request_id: &str) -> Result<PrivacyRequest, AppError> {
    let row = match request_id.len() {
        0..=100 => app.parts.tables.get(REQUESTS, request_id, app.clock.now()).await?,
        _ => None,
    };
    let id: String = request_id.chars().take(40).collect();
    row.map(|row| read(&row)).transpose()?.ok_or(AppError::NotFound { what: "privacy request", id })
}

fn read(row: &Row) -> Result<PrivacyRequest, AppError> {
    let value = serde_json::from_slice(&row.value).ok();
    let request =
        value.and_then(|value| PrivacyRequest::from_json(&row.sort_key, &value, row.version));
    request.ok_or_else(|| AppError::Bug(format!("privacy request {} cannot be read", row.sort_key)))
}

/// Up to `limit` requests older than `before`, newest first.
pub(super) async fn list(
    app: &App,
    (before, limit): (Option<&str>, u32),
) -> Result<Vec<PrivacyRequest>, AppError> {
    // Tables range upwards, and requests are few: those of a year fit into a page or two.
    let rows = all_rows(&app.parts, REQUESTS, app.clock.now()).await?;
    let rows = rows.iter().rev();
    let older = rows.filter(|row| before.is_none_or(|before| row.sort_key.as_str() < before));
    older.take(limit as usize).map(read).collect()
}

/// The erasures that are not complete, oldest first.
pub(super) async fn open(app: &App) -> Result<Vec<PrivacyRequest>, AppError> {
    let rows = all_rows(&app.parts, OPEN, app.clock.now()).await?;
    let mut requests = Vec::with_capacity(rows.len());
    for row in rows {
        requests.push(get(app, &row.sort_key).await?);
    }
    Ok(requests)
}

/// Removes requests that were completed before `before`, and returns how many there are (`Count::Only`:
/// and removes none).
pub(crate) async fn remove_completed(
    app: &App,
    (before, count): (Timestamp, Count),
) -> Result<u64, AppError> {
    let now = app.clock.now();
    let mut doomed = Vec::new();
    for row in all_rows(&app.parts, REQUESTS, now).await? {
        let is_due = read(&row)?.complete_at.is_some_and(|at| at < before);
        if is_due {
            doomed.push(row);
        }
    }
    for rows in doomed.chunks(WRITES_MAX).filter(|_| count == Count::AndRemove) {
        let writes: Vec<Write> = rows
            .iter()
            .map(|row| Write {
                partition_key: REQUESTS.to_owned(),
                sort_key: row.sort_key.clone(),
                condition: Condition::Version(row.version),
                change: WriteChange::Delete,
            })
            .collect();
        app.parts.tables.write(&writes, now).await?;
    }
    Ok(doomed.len() as u64)
}

/// Whether rows are looked at or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    Only,
    AndRemove,
}

/// Notes for good that these subjects are erased.
pub(super) async fn note_erased(app: &App, subjects: &[SubjectId]) -> Result<(), AppError> {
    for subjects in subjects.chunks(WRITES_MAX) {
        let writes: Vec<Write> = subjects
            .iter()
            .map(|subject| Write {
                partition_key: ERASED.to_owned(),
                sort_key: subject.to_string(),
                condition: Condition::Any,
                change: WriteChange::Put { value: Vec::new(), expires_at: None },
            })
            .collect();
        app.parts.tables.write(&writes, app.clock.now()).await?;
    }
    Ok(())
}

/// Every subject that was ever erased.
pub(super) async fn erased(parts: &Parts, now: Timestamp) -> Result<Vec<SubjectId>, AppError> {
    let rows = all_rows(parts, ERASED, now).await?;
    Ok(rows.iter().filter_map(|row| parse_subject(&row.sort_key)).collect())
}

async fn all_rows(
    parts: &Parts,
    partition_key: &str,
    now: Timestamp,
) -> Result<Vec<Row>, AppError> {
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let after = rows.last().map(|row| row.sort_key.clone());
        let range = TableRange { partition_key, prefix: "", after: after.as_deref(), limit: PAGE };
        let page = parts.tables.range(range, now).await?;
        let is_last = page.len() < PAGE as usize;
        rows.extend(page);
        if is_last {
            return Ok(rows);
        }
    }
}
