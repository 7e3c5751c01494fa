//! What a shop takes along from Algolia: records, synonyms and rules, as its dashboard, clients and command line
//! export them.
//!
//! A record becomes a product, a set of synonyms a set of synonyms, a rule as many rules of Souk's own as it has
//! consequences. What has no counterpart is a [`RowFault`] of its own, with what to do instead.

mod fields;
mod filter;
mod record;
mod rule;
mod synonym;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};
use souk_core::Timestamp;
use tokio::sync::mpsc::Sender;

use super::{Export, Moving, System, files_of};
use crate::AppError;
use crate::import::{CHUNK, Draft, DraftFact, ImportOptions, Plan, Read};
use crate::sheet::{Documents, IsGzip, Layout, RowFault};

pub(super) use rule::rules_of;
pub(super) use synonym::sets_of;

/// Objects looked at to tell what a file holds; chosen: the first that can be read decides.
const HEAD_OBJECTS: usize = 100;

/// One object of an export.
pub(super) type Object = Map<String, Value>;

/// Tells which export a file is by its first object.
pub(super) fn export_of(path: &Path, (layout, gzip): (Layout, IsGzip)) -> Result<Export, AppError> {
    let unknown = |why: &str| {
        let files = files_of(System::Algolia);
        let detail = format!("file `{}` {why}; what is read of Algolia: {files}", path.display());
        AppError::invalid("unknown_export", "path", detail)
    };
    if layout != Layout::JsonLines {
        return Err(unknown("is no .json, .jsonl or .ndjson file"));
    }
    let (mut documents, _) = Documents::open(path, gzip)?;
    for _ in 0..HEAD_OBJECTS {
        let Some((line, text)) = documents.next_document()? else { break };
        let Ok(object) = text.and_then(|text| object(line, &text)) else { continue };
        if object.contains_key("hits") && !object.contains_key("objectID") {
            return Err(unknown("is an answer of a search; give the list in its `hits`"));
        }
        if object.contains_key("consequence") {
            return Ok(Export::AlgoliaRules);
        }
        if synonym::is_one(&object) {
            return Ok(Export::AlgoliaSynonyms);
        }
        if object.contains_key("objectID") {
            return Ok(Export::AlgoliaRecords);
        }
    }
    Err(unknown("has no object with an `objectID`"))
}

fn object(line: u64, text: &str) -> Result<Object, RowFault> {
    let fault = |reason: String| RowFault { line, column: String::new(), reason };
    // The parser's message may quote the file, so only the place is told.
    serde_json::from_str(text).map_err(|error| {
        let (below, column) = (error.line().saturating_sub(1), error.column());
        fault(format!("is no JSON object: fault {below} lines below, at column {column}"))
    })
}

/// Reads every object of a file of synonyms or rules: `each` gets its line and what it is, or why it is nothing.
pub(super) fn each_object(
    (path, gzip): (&Path, IsGzip),
    mut each: impl FnMut(u64, Result<Object, RowFault>) -> Result<(), AppError>,
) -> Result<Option<String>, AppError> {
    let (mut documents, note) = Documents::open(path, gzip)?;
    while let Some((line, text)) = documents.next_document()? {
        each(line, text.and_then(|text| object(line, &text)))?;
    }
    Ok(note)
}

/// Reads a file of records.
pub(super) fn read_records(
    (plan, moving): (&Plan, &Arc<Moving>),
    (options, now): (&ImportOptions, Timestamp),
    send: &Sender<Read>,
) -> Result<(), AppError> {
    let (mut documents, note) = Documents::open(&plan.path, plan.gzip)?;
    let (mut drafts, mut faults) = (Vec::with_capacity(CHUNK), Vec::new());
    loop {
        let next = documents.next_document()?;
        let is_end = next.is_none();
        if let Some((line, text)) = next {
            let read = text.and_then(|text| object(line, &text));
            let read = read.and_then(|record| record::product_of(&record, options, line));
            match read {
                Ok(read) => {
                    if read.is_untitled {
                        moving.untitled();
                    }
                    faults.extend(read.left_out);
                    let fact = DraftFact::Product(Box::new(read.product));
                    drafts.push((line, Draft::new(now, fact)));
                }
                Err(fault) => faults.push(fault),
            }
        }
        if (drafts.len() + faults.len() >= CHUNK || is_end)
            && !moving.pass_on((&mut drafts, &mut faults), send)
        {
            return Ok(());
        }
        if is_end {
            let _ = send.blocking_send(Read::Notes(note.into_iter().collect()));
            return Ok(());
        }
    }
}
