//! Rules in the tables: a row of JSON for each, by its id.

use serde_json::{Value, json};
use souk_core::Timestamp;
use souk_core::rules::{Rule, RuleId};
use souk_core::wire::json::{rule_from_json, rule_to_json};
use souk_ports::{Condition, Row, TableStore, Write, WriteChange};

use super::StoredRule;
use crate::AppError;

const PARTITION: &str = "rules";
/// The version of a row's form.
const FORM: u64 = 1;

/// The write that stores a rule.
pub(super) fn write(rule: &Rule, (now, condition): (Timestamp, Condition)) -> Write {
    let value = json!({
        "v": FORM,
        "created_at_ms": rule.created_at.as_ms(),
        "updated_at_ms": now.as_ms(),
        "rule": rule_to_json(rule),
    });
    Write {
        partition_key: PARTITION.to_owned(),
        sort_key: rule.id.as_str().to_owned(),
        condition,
        change: WriteChange::Put { value: value.to_string().into_bytes(), expires_at: None },
    }
}

fn read(row: &Row) -> Option<StoredRule> {
    let value: Value = serde_json::from_slice(&row.value).ok()?;
    if value["v"].as_u64()? != FORM {
        return None;
    }
    let time = |name: &str| Timestamp::from_ms(value[name].as_i64()?).ok();
    let id = RuleId::new(&row.sort_key).ok()?;
    let rule = rule_from_json(&value["rule"], Some(&id), time("created_at_ms")?).ok()?;
    let is_its_own = rule.id == id;
    let (version, updated_at) = (row.version, time("updated_at_ms")?);
    is_its_own.then_some(StoredRule { rule, version, updated_at })
}

/// Every stored rule, and the ids of those that cannot be read.
pub(super) async fn load(
    tables: &dyn TableStore,
    now: Timestamp,
) -> Result<(Vec<StoredRule>, Vec<String>), AppError> {
    crate::stored::load((tables, PARTITION), now, read).await
}
