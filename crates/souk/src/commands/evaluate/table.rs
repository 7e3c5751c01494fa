//! The rows of an evaluation file, with ids as dense numbers.

use std::path::Path;

use anyhow::{Result, anyhow};
use souk_app::sheet::{self, Columns};
use souk_core::Timestamp;

use crate::failure::Failure;

/// The names of columns that a protocol needs; the first of each is our own.
pub(super) const SESSION: &[&str] = &["session_id", "session", "visitor_id", "anonymous_id"];
pub(super) const USER: &[&str] = &["user_id", "user", "customer_id", "household_id", "reviewer_id"];
pub(super) const BASKET: &[&str] = &["basket_id", "order_id", "invoice_no", "transaction_id"];
pub(super) const ITEM: &[&str] = &["item_id", "item", "product_id", "sku", "asin", "parent_asin"];
pub(super) const TIME: &[&str] = &["timestamp", "time", "transaction_timestamp", "date"];

/// Calls `take` with the ids in `columns` and the time of each row.
pub(super) fn read<const N: usize>(
    path: &Path,
    columns: [&[&str]; N],
    take: &mut dyn FnMut([&str; N], Timestamp),
) -> Result<()> {
    read_rows(path, (columns, Some(TIME)), &mut |texts, at| {
        take(texts, at.expect("a time was asked for"));
    })
}

/// Calls `take` with the ids in `columns` of each row of a file without times.
pub(super) fn read_untimed<const N: usize>(
    path: &Path,
    columns: [&[&str]; N],
    take: &mut dyn FnMut([&str; N]),
) -> Result<()> {
    read_rows(path, (columns, None), &mut |texts, _| take(texts))
}

fn read_rows<const N: usize>(
    path: &Path,
    (columns, time): ([&[&str]; N], Option<&[&str]>),
    take: &mut dyn FnMut([&str; N], Option<Timestamp>),
) -> Result<()> {
    let mut file = sheet::open(path)?;
    let found = Columns::new(file.columns());
    let mut places = [0usize; N];
    for (place, synonyms) in places.iter_mut().zip(columns) {
        *place = found.need(synonyms)?;
    }
    let time = time.map(|synonyms| found.need(synonyms)).transpose()?;
    while let Some(block) = file.next_block()? {
        if let Some(fault) = block.faults.first() {
            return Err(wrong(path, fault.line, &fault.reason));
        }
        for row in 0..block.len() {
            let texts = places.map(|place| block.cell(row, place).text().unwrap_or_default());
            if let Some(empty) = texts.iter().position(|text| text.is_empty()) {
                let reason = format!("column `{}` is empty", columns[empty][0]);
                return Err(wrong(path, block.line(row), &reason));
            }
            let at = time.map(|time| {
                let at = block.cell(row, time).time();
                let at = at.map_err(|reason| wrong(path, block.line(row), &reason))?;
                at.ok_or_else(|| wrong(path, block.line(row), "column `timestamp` is empty"))
            });
            take(std::array::from_fn(|idx| &*texts[idx]), at.transpose()?);
        }
    }
    for note in file.notes() {
        crate::term::say(&note);
    }
    Ok(())
}

fn wrong(path: &Path, line: u64, reason: &str) -> anyhow::Error {
    anyhow!(Failure::usage(format!("{} line {line}: {reason}", path.display())))
}
