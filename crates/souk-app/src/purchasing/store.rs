//! Suppliers and purchase orders in the tables: a row of JSON for each, by its id.

use std::collections::BTreeMap;

use serde::Serialize;
use souk_core::Timestamp;
use souk_ports::{Condition, Row, TableStore, Write, WriteChange};

use super::{PurchaseOrder, Receipt, StoredSupplier, Supplier, SupplierRecord};
use crate::AppError;
use crate::stored::load;

const SUPPLIERS: &str = "suppliers";
const RECORDS: &str = "supplier_records";
const OPEN: &str = "purchase_orders";
/// Those that were received or cancelled: read one by one only.
pub(super) const CLOSED: &str = "purchase_orders_closed";
const SWITCHES: &str = "replenishment";
const STOP: &str = "stop";
/// By place: what was received there last.
const RECEIPTS: &str = "replenishment_receipts";
/// The version of a row's form, before its JSON.
const FORM: u8 = b'1';

fn put(partition: &str, id: &str, (value, condition): (&impl Serialize, Condition)) -> Write {
    let mut bytes = vec![FORM];
    serde_json::to_writer(&mut bytes, value).expect("plain data is written to memory");
    Write {
        partition_key: partition.to_owned(),
        sort_key: id.to_owned(),
        condition,
        change: WriteChange::Put { value: bytes, expires_at: None },
    }
}

fn delete(partition: &str, id: &str) -> Write {
    Write {
        partition_key: partition.to_owned(),
        sort_key: id.to_owned(),
        condition: Condition::Any,
        change: WriteChange::Delete,
    }
}

pub(super) fn read<T: serde::de::DeserializeOwned>(row: &Row) -> Option<T> {
    let (form, json) = row.value.split_first()?;
    (*form == FORM).then(|| serde_json::from_slice(json).ok())?
}

pub(super) fn write_supplier(supplier: &Supplier) -> Write {
    put(SUPPLIERS, &supplier.id, (supplier, Condition::Any))
}

pub(super) fn write_record(stored: &StoredSupplier) -> Write {
    put(RECORDS, &stored.supplier.id, (&stored.record, Condition::Any))
}

/// The writes that store an order where its state belongs, and take it away from where it stood.
pub(super) fn write_order(order: &PurchaseOrder, condition: Condition) -> Vec<Write> {
    if order.state.is_open() {
        return vec![put(OPEN, &order.id, (order, condition))];
    }
    vec![put(CLOSED, &order.id, (order, condition)), delete(OPEN, &order.id)]
}

pub(super) async fn load_suppliers(
    tables: &dyn TableStore,
    now: Timestamp,
) -> Result<BTreeMap<String, StoredSupplier>, AppError> {
    let (suppliers, unreadable) = load((tables, SUPPLIERS), now, read::<Supplier>).await?;
    say(SUPPLIERS, &unreadable);
    let pair = |row: &Row| Some((row.sort_key.clone(), read::<SupplierRecord>(row)?));
    let (records, unreadable) = load((tables, RECORDS), now, pair).await?;
    say(RECORDS, &unreadable);
    let records: BTreeMap<String, SupplierRecord> = records.into_iter().collect();
    let stored = suppliers.into_iter().map(|supplier| {
        let record = records.get(&supplier.id).copied().unwrap_or_default();
        (supplier.id.clone(), StoredSupplier { supplier, record })
    });
    Ok(stored.collect())
}

pub(super) async fn load_open(
    tables: &dyn TableStore,
    now: Timestamp,
) -> Result<BTreeMap<String, PurchaseOrder>, AppError> {
    let (orders, unreadable) = load((tables, OPEN), now, read::<PurchaseOrder>).await?;
    say(OPEN, &unreadable);
    Ok(orders.into_iter().map(|order| (order.id.clone(), order)).collect())
}

/// An order that was received or cancelled.
pub(super) async fn closed(
    tables: &dyn TableStore,
    (id, now): (&str, Timestamp),
) -> Result<Option<PurchaseOrder>, AppError> {
    if id.is_empty() || id.len() > 80 {
        return Ok(None);
    }
    let row = tables.get(CLOSED, id, now).await?;
    Ok(row.as_ref().and_then(read))
}

pub(super) fn write_stop(since: Option<Timestamp>) -> Write {
    match since {
        Some(since) => put(SWITCHES, STOP, (&since.as_ms(), Condition::Any)),
        None => delete(SWITCHES, STOP),
    }
}

pub(super) async fn load_stop(
    tables: &dyn TableStore,
    now: Timestamp,
) -> Result<Option<Timestamp>, AppError> {
    let Some(row) = tables.get(SWITCHES, STOP, now).await? else { return Ok(None) };
    // A switch that cannot be read stops: the other way round it would order.
    let since = read::<i64>(&row).and_then(|ms| Timestamp::from_ms(ms).ok());
    Ok(Some(since.unwrap_or(now)))
}

pub(super) fn write_receipt(location: &str, receipt: &Receipt) -> Write {
    put(RECEIPTS, location, (receipt, Condition::Any))
}

pub(super) async fn load_receipts(
    tables: &dyn TableStore,
    now: Timestamp,
) -> Result<BTreeMap<String, Receipt>, AppError> {
    let pair = |row: &Row| {
        // One that cannot be read holds the rules at its place until the next stock fact.
        let receipt = read::<Receipt>(row).unwrap_or_else(|| Receipt::unread(now));
        Some((row.sort_key.clone(), receipt))
    };
    Ok(load((tables, RECEIPTS), now, pair).await?.0.into_iter().collect())
}

fn say(partition: &str, unreadable: &[String]) {
    for id in unreadable {
        tracing::error!(partition, id, "a stored row cannot be read and has no effect");
    }
}
