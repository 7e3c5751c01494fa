//! `souk audit`.

use std::path::Path;

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use souk_app::{AuditCheck, AuditFilter, AuditItem, Caller, verify_audit};
use souk_core::Timestamp;
use souk_embedded::ReadOnlyTables;

use crate::cli::{AuditCommand, AuditListArgs};
use crate::failure::Failure;
use crate::job::{Job, Shop};
use crate::settings::Settings;
use crate::term::{self, columns, thousands};

/// Bytes of a file of heads; chosen: a head each minute for four years.
const HEADS_BYTES_MAX: u64 = 1 << 30;

/// Which entries to list, as it crosses the socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Listing {
    since: Option<String>,
    until: Option<String>,
    operation: Option<String>,
    key: Option<String>,
    object: Option<String>,
    limit: u32,
    before: Option<u64>,
}

impl From<AuditListArgs> for Listing {
    fn from(args: AuditListArgs) -> Listing {
        Listing {
            since: args.since,
            until: args.until,
            operation: args.operation,
            key: args.key,
            object: args.object,
            limit: args.limit,
            before: args.before,
        }
    }
}

pub(crate) async fn run(what: AuditCommand, settings: &Settings) -> Result<()> {
    match what {
        AuditCommand::List(args) => {
            let job = Job::AuditList(Box::new(args.into()));
            super::finish(settings, &job, text).await
        }
        AuditCommand::Person { sub } => {
            let who = |result: &Value| format!("{}\n", result["who"].as_str().unwrap_or_default());
            super::finish(settings, &Job::AuditPerson { sub }, who).await
        }
        AuditCommand::Verify { heads, public_key } => {
            verify(settings, (heads.as_deref(), public_key.as_deref())).await
        }
    }
}

pub(crate) async fn list(shop: &Shop, listing: &Listing) -> Result<Value> {
    let time = |text: &Option<String>| {
        let read = text.as_deref().map(Timestamp::parse).transpose();
        read.map_err(|error| anyhow!(Failure::usage(error.to_string())))
    };
    let filter = AuditFilter {
        since: time(&listing.since)?,
        until: time(&listing.until)?,
        operation: listing.operation.clone(),
        key_id: listing.key.clone(),
        object: listing.object.clone(),
    };
    let page = (listing.before, listing.limit as usize);
    let page = shop.app.audit_entries(&Caller::local_admin(), &filter, page).await?;
    let entries: Vec<Value> = page.items.iter().map(json_of).collect();
    Ok(json!({"entries": entries, "before": page.before}))
}

/// The name under which the acts of a person who signs in are written down.
pub(crate) fn person(shop: &Shop, sub: &str) -> Result<Value> {
    let who = shop.app.audit_person(sub).ok_or_else(|| {
        let message = "nobody signs in here: `access.oidc.issuer` is not set";
        anyhow!(Failure::usage(message.to_owned()))
    })?;
    Ok(json!({ "who": who }))
}

/// One entry, in the words of the HTTP interface.
fn json_of(item: &AuditItem) -> Value {
    let entry = &item.entry;
    let details: Map<String, Value> =
        entry.details.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    json!({
        "number": item.number,
        "at": entry.at.to_string(),
        "who": entry.who,
        "role": entry.role,
        "operation": entry.operation,
        "object": entry.object,
        "purpose": entry.purpose,
        "outcome": entry.outcome.as_str(),
        "request_id": entry.request_id,
        "count": entry.tally.map(|tally| tally.count),
        "details": details,
    })
}

fn text(result: &Value) -> String {
    let word = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let heading = ["entry", "at", "who", "role", "operation", "outcome", "count", "object", ""];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for entry in result["entries"].as_array().into_iter().flatten() {
        let names = ["number", "at", "who", "role", "operation", "outcome", "count", "object"];
        let mut row: Vec<String> = names.iter().map(|name| word(&entry[*name])).collect();
        let details = entry["details"].as_object().into_iter().flatten();
        let details: Vec<String> =
            details.map(|(name, value)| format!("{name}={}", word(value))).collect();
        row.push(details.join(" "));
        rows.push(row);
    }
    let mut text = columns(&rows);
    if let Some(before) = result["before"].as_u64() {
        text.push_str(&format!("older ones: --before {before}\n"));
    }
    text
}

async fn verify(
    settings: &Settings,
    (heads, public_key): (Option<&Path>, Option<&str>),
) -> Result<()> {
    let usage = |message: String| anyhow!(Failure::usage(message));
    let path = settings.folder.join("tables.db");
    if !path.is_file() {
        return Err(usage(format!(
            "{} is not there; name a data folder or a backup with --data",
            path.display()
        )));
    }
    if public_key.is_some_and(|key| souk_app::TreeHash::parse(key).is_none()) {
        return Err(usage("--public-key must be 64 hexadecimal digits in lower case".to_owned()));
    }
    let from_settings = settings.config.audit.heads_file.as_ref().map(Path::new);
    let heads = heads.or(from_settings);
    let published = heads.map(read_heads).transpose()?;
    let tables = ReadOnlyTables::open(&path);
    let damaged = |error: &(dyn std::error::Error + 'static)| {
        anyhow!(Failure {
            exit_code: 1,
            message: format!(
                "{} cannot be read: {}",
                path.display(),
                Failure::because(souk_core::ErrorKind::Bug, error).message
            ),
        })
    };
    let tables = tables.map_err(|error| damaged(&error))?;
    let check = verify_audit(&tables, published.as_deref(), public_key).await;
    let check = check.map_err(|error| damaged(&error))?;
    term::print_result(settings.output, &json_of_check(&check), |_| said(&check, heads))?;
    match check.problems.first() {
        None => Ok(()),
        Some(first) => Err(anyhow!(Failure {
            exit_code: 1,
            message: format!("the audit log was changed: {}", first.detail),
        })),
    }
}

fn read_heads(path: &Path) -> Result<String> {
    let usage = |why: String| anyhow!(Failure::usage(format!("{}: {why}", path.display())));
    let bytes = std::fs::metadata(path).map_err(|error| usage(error.to_string()))?.len();
    if bytes > HEADS_BYTES_MAX {
        return Err(usage(format!("{bytes} bytes; the limit is {HEADS_BYTES_MAX}")));
    }
    let bytes = std::fs::read(path).map_err(|error| usage(error.to_string()))?;
    // A line that is no text is found as a line that is no head.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn json_of_check(check: &AuditCheck) -> Value {
    let problems: Vec<Value> = check
        .problems
        .iter()
        .map(|problem| json!({"entry": problem.entry, "detail": problem.detail}))
        .collect();
    json!({
        "origin": check.origin,
        "entries": check.entries,
        "pruned": check.pruned,
        "pruned_by": check.pruned_by,
        "root": check.root.to_string(),
        "stored_heads": check.stored_heads,
        "published_heads": check.published_heads,
        "published_entries": check.published_entries,
        "cut_lines": check.cut_lines,
        "public_keys": check.public_keys,
        "restores": check.restores,
        "problems": problems,
    })
}

fn said(check: &AuditCheck, heads: Option<&Path>) -> String {
    let mut lines = vec![
        format!("log      {}", check.origin.as_deref().unwrap_or("none yet")),
        format!("entries  {} hashed", thousands(check.entries.saturating_sub(check.pruned))),
        format!("root     {}", check.root),
        format!("stored   {} signed heads fit", thousands(check.stored_heads)),
    ];
    if let (true, Some(by)) = (check.pruned > 0, check.pruned_by) {
        let pruned = thousands(check.pruned);
        lines.insert(
            2,
            format!(
                "pruned   {pruned} older ones by their term, as entry {by} says; their hashes fit"
            ),
        );
    }
    lines.push(match heads {
        Some(path) => format!(
            "outside  {} published heads of {} fit; they vouch for the first {} entries",
            thousands(check.published_heads),
            path.display(),
            thousands(check.published_entries)
        ),
        None => "outside  no published heads were given: what is stored was compared with itself \
                 alone"
            .to_owned(),
    });
    lines.extend(check.public_keys.iter().map(|key| format!("key      {key}")));
    if check.cut_lines > 0 {
        let cut = format!("note     {} published lines end in the middle", check.cut_lines);
        lines.push(format!("{cut}, as after a crash; they count for nothing"));
    }
    lines.extend(
        check.restores.iter().map(|at| format!("note     entry {at}: a backup was restored")),
    );
    for problem in &check.problems {
        let at = problem.entry.map_or(String::new(), |entry| format!(" at entry {entry}"));
        lines.push(format!("CHANGED{at}: {}", problem.detail));
    }
    if check.problems.is_empty() {
        lines.push("nothing was changed".to_owned());
    }
    lines.push(String::new());
    lines.join("\n")
}
