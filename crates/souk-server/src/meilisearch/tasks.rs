//! What was asked for, as Meilisearch lists it. Here a change is done when it is answered, so a task is over
//! before anybody can ask for it; the list is kept because clients wait for tasks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use parking_lot::Mutex;
use serde_json::{Value, json};
use souk_app::Operation;
use souk_core::Timestamp;

use super::admit;
use super::answer::{Pairs, status_json};
use super::error::{Meili, MeiliError};
use crate::edge::Edge;
use crate::routes::json;

/// Tasks that are kept; chosen: clients ask for theirs within seconds.
const KEPT: usize = 1_000;

/// The last tasks, the newest at the end.
#[derive(Debug)]
pub(crate) struct Tasks(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    next: u64,
    tasks: VecDeque<Task>,
}

/// One task.
#[derive(Clone, Debug)]
struct Task {
    uid: u64,
    index: String,
    kind: &'static str,
    details: Value,
    error: Option<Value>,
    at: Timestamp,
    took: Duration,
}

/// Something that is being done.
pub(crate) struct Begun {
    index: String,
    kind: &'static str,
    at: Timestamp,
    started: Instant,
}

impl Begun {
    /// Begins a task.
    pub(crate) fn new(edge: &Edge, index: &str, kind: &'static str) -> Begun {
        Begun { index: index.to_owned(), kind, at: edge.app.clock().now(), started: Instant::now() }
    }

    /// Ends it, and answers what Meilisearch answers when it begins one.
    pub(crate) fn end(self, edge: &Edge, done: Result<Value, Box<MeiliError>>) -> Response {
        let (details, error) = match done {
            Ok(details) => (details, None),
            Err(error) => (Value::Null, Some(error.to_json())),
        };
        let (at, took) = (self.at, self.started.elapsed());
        let Begun { index, kind, .. } = self;
        let uid =
            edge.tasks.add(Task { uid: 0, index: index.clone(), kind, details, error, at, took });
        let answer = json!({
            "taskUid": uid,
            "indexUid": index,
            "status": "enqueued",
            "type": kind,
            "enqueuedAt": at.to_string(),
        });
        status_json(StatusCode::ACCEPTED, &answer)
    }
}

impl Task {
    fn status(&self) -> &'static str {
        if self.error.is_some() { "failed" } else { "succeeded" }
    }

    fn to_json(&self) -> Value {
        let end = self.at.plus_ms(i64::try_from(self.took.as_millis()).unwrap_or(i64::MAX));
        json!({
            "uid": self.uid,
            "batchUid": self.uid,
            "indexUid": self.index,
            "status": self.status(),
            "type": self.kind,
            "canceledBy": null,
            "details": self.details,
            "error": self.error,
            "duration": format!("PT{:.6}S", self.took.as_secs_f64()),
            "enqueuedAt": self.at.to_string(),
            "startedAt": self.at.to_string(),
            "finishedAt": end.to_string(),
        })
    }
}

impl Tasks {
    /// An empty list. Numbers go on from the time, so that those of an earlier process are not given again.
    pub(crate) fn new(now: Timestamp) -> Tasks {
        let next = u64::try_from(now.as_ms() / 1_000).unwrap_or(0);
        Tasks(Mutex::new(Kept { next, tasks: VecDeque::new() }))
    }

    fn add(&self, mut task: Task) -> u64 {
        let mut kept = self.0.lock();
        task.uid = kept.next;
        kept.next += 1;
        if kept.tasks.len() == KEPT {
            kept.tasks.pop_front();
        }
        let uid = task.uid;
        kept.tasks.push_back(task);
        uid
    }

    fn find(&self, uid: u64) -> Option<Task> {
        self.0.lock().tasks.iter().find(|task| task.uid == uid).cloned()
    }
}

/// `GET /tasks/{uid}`
pub(crate) async fn get(
    State(edge): State<Arc<Edge>>,
    Path(uid): Path<String>,
    request: Request,
) -> Meili {
    admit(&edge, request, Operation::WriteCatalogue).await?;
    let task = uid.parse().ok().and_then(|uid| edge.tasks.find(uid));
    let shown: String = uid.chars().take(40).collect();
    let missing = || {
        let message =
            format!("Task `{shown}` not found; the last {KEPT} are kept while the server runs.");
        MeiliError::new("task_not_found", message)
    };
    Ok(json(&task.ok_or_else(missing)?.to_json()))
}

/// `GET /tasks`
pub(crate) async fn list(State(edge): State<Arc<Edge>>, request: Request) -> Meili {
    let pairs = Pairs::of(request.uri());
    admit(&edge, request, Operation::WriteCatalogue).await?;
    let limit = pairs.number("limit", 20)?.min(KEPT);
    let from = pairs.number("from", usize::MAX)? as u64;
    let is_in = |name: &str, value: &str| {
        let wanted = pairs.list(name);
        wanted.is_none_or(|wanted| wanted.iter().any(|one| one == value || one == "*"))
    };
    let kept = edge.tasks.0.lock();
    let wanted = kept.tasks.iter().rev().filter(|task| {
        is_in("uids", &task.uid.to_string())
            && is_in("statuses", task.status())
            && is_in("types", task.kind)
            && is_in("indexUids", &task.index)
    });
    let total = wanted.clone().count();
    let mut page: Vec<&Task> = wanted.filter(|task| task.uid <= from).take(limit + 1).collect();
    let next = page.get(limit).map(|task| task.uid);
    page.truncate(limit);
    let results: Vec<Value> = page.iter().map(|task| task.to_json()).collect();
    let from = page.first().map(|task| task.uid);
    Ok(json(
        &json!({"results": results, "total": total, "limit": limit, "from": from, "next": next}),
    ))
}
