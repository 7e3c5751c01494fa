//! Sets of synonyms: of Algolia's five types, four have a counterpart.

use serde_json::Value;

use super::Object;
use crate::SynonymSet;
use crate::sheet::RowFault;

/// Words of one set of ours.
const PHRASES_MAX: usize = SynonymSet::PHRASES_MAX;

/// Whether an object is a set of synonyms: a record may have a `type` too.
pub(super) fn is_one(object: &Object) -> bool {
    let lists = ["synonyms", "corrections", "replacements"];
    object.get("type").is_some_and(Value::is_string)
        && lists.iter().any(|name| object.get(*name).is_some_and(Value::is_array))
}

/// The sets that one of Algolia's becomes: one whose list is long becomes several.
pub(in crate::import::moving) fn sets_of(
    object: &Object,
    line: u64,
) -> Result<Vec<SynonymSet>, RowFault> {
    let id = object.get("objectID").and_then(Value::as_str).unwrap_or_default();
    let fault = |column: &str, reason: &str| RowFault {
        line,
        column: column.to_owned(),
        reason: format!("{reason} (set `{id}`)"),
    };
    let text = |names: &[&str]| {
        let found = names.iter().find_map(|name| object.get(*name)?.as_str());
        found.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let list = |names: &[&str]| -> Vec<String> {
        let found = names.iter().find_map(|name| object.get(*name)?.as_array());
        let texts = found.into_iter().flatten().filter_map(Value::as_str);
        texts.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
    };
    let one_way = |from: Option<String>, to: Vec<String>, column: &str| {
        let from = from.ok_or_else(|| fault(column, "is empty; it is what shoppers type"))?;
        let parts = to.chunks(PHRASES_MAX);
        Ok(parts.map(|to| SynonymSet::OneWay { from: from.clone(), to: to.to_vec() }).collect())
    };
    let sets: Vec<SynonymSet> = match text(&["type"]).unwrap_or_default().to_lowercase().as_str() {
        "synonym" => vec![SynonymSet::TwoWay { words: list(&["synonyms"]) }],
        "onewaysynonym" => one_way(text(&["input"]), list(&["synonyms"]), "input")?,
        // They count as a typing error or two there; here as synonyms, which come behind the word itself too.
        "altcorrection1" | "altcorrection2" => {
            one_way(text(&["word", "input"]), list(&["corrections", "synonyms"]), "word")?
        }
        "placeholder" => {
            let reason = "a placeholder stands for many words within records; Souk has none: give records the words \
                          themselves, or a one-way synonym for each";
            return Err(fault("type", reason));
        }
        _ => {
            let known = "synonym, oneWaySynonym, altCorrection1, altCorrection2, placeholder";
            return Err(fault("type", &format!("is none of {known}")));
        }
    };
    if sets.is_empty() {
        return Err(fault("synonyms", "is an empty list"));
    }
    match sets.iter().find_map(SynonymSet::fault) {
        Some((field, why)) => Err(fault(field, &why)),
        None => Ok(sets),
    }
}
