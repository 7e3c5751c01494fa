use serde_json::Value;
use souk_core::{ProductId, Timestamp};

use super::{CHUNK, Draft, DraftFact, ImportKind, ImportOptions, Plan, Read};
use crate::AppError;
use crate::sheet::{Lines, RowFault};

/// Bytes of lines in one message from reader to writer, besides the last.
const CHUNK_BYTES_MAX: usize = 4 << 20;

/// Reads JSON lines in the shapes of the HTTP interface: products of the catalogue, or events as
/// Segment's clients send them and `souk export` writes them.
pub(super) fn read(
    plan: &Plan,
    options: &ImportOptions,
    now: Timestamp,
    send: &tokio::sync::mpsc::Sender<Read>,
) -> Result<(), AppError> {
    let (mut lines, note) = Lines::open(&plan.path, plan.gzip)?;
    let mut drafts = Vec::with_capacity(CHUNK);
    let (mut faults, mut named) = (Vec::new(), Vec::new());
    let mut n_bytes = 0;
    while let Some((line, text)) = lines.next_line()? {
        n_bytes += text.as_ref().map_or(0, String::len);
        let read = text.and_then(|text| {
            let read = draft(plan.kind, &text, options, (line, now));
            read.inspect_err(|_| named.extend(id_of(&text)))
        });
        match read {
            Ok(draft) => drafts.push((line, draft)),
            Err(fault) => faults.push(fault),
        }
        if drafts.len() + faults.len() < CHUNK && n_bytes < CHUNK_BYTES_MAX {
            continue;
        }
        n_bytes = 0;
        plan.hear(&drafts, &faults);
        if !(super::send_faults(send, std::mem::take(&mut faults))
            && super::send_named(send, std::mem::take(&mut named))
            && super::send_drafts(send, std::mem::take(&mut drafts)))
        {
            return Ok(());
        }
    }
    plan.hear(&drafts, &faults);
    if super::send_faults(send, faults)
        && super::send_named(send, named)
        && super::send_drafts(send, drafts)
    {
        let _ = send.blocking_send(Read::Notes(note.into_iter().collect()));
    }
    Ok(())
}

/// The id of a product that could not be read as a whole.
fn id_of(text: &str) -> Option<ProductId> {
    let value: Value = serde_json::from_str(text).ok()?;
    ProductId::new(value.get("id")?.as_str()?).ok()
}

fn draft(
    kind: ImportKind,
    text: &str,
    options: &ImportOptions,
    (line, now): (u64, Timestamp),
) -> Result<Draft, RowFault> {
    let fault = |column: &str, reason: String| RowFault { line, column: column.to_owned(), reason };
    // The parser's message may quote the line, so only its place is told.
    let value: Value = serde_json::from_str(text).map_err(|error| {
        fault("", format!("the line is no JSON: fault at column {}", error.column()))
    })?;
    if kind != ImportKind::Products {
        return Ok(Draft::new(now, DraftFact::Message(text.trim().into())));
    }
    let product = souk_core::wire::json::product_from_json(&value, &options.site, options.currency)
        .map_err(|faults| {
            let first = faults.first().map(|f| f.pointer.clone()).unwrap_or_default();
            let reasons: Vec<String> = faults.iter().map(|f| f.detail.clone()).collect();
            fault(&first, reasons.join("; "))
        })?;
    Ok(Draft::new(now, DraftFact::Product(Box::new(product))))
}
