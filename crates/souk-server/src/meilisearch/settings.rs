//! Indexes, their settings and their sizes. Every attribute can be filtered, counted and sorted by here without
//! being set up, so a wish for that is granted at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use souk_app::{Caller, Operation, SynonymSet};
use souk_core::SiteId;

use super::error::{Meili, MeiliError};
use super::tasks::Begun;
use super::{admit, site_of};
use crate::edge::Edge;
use crate::routes::json;

const KIND: &str = "settingsUpdate";
/// Bytes of an index's name, as there.
const UID_BYTES_MAX: usize = 400;
/// Settings that hold anyway.
const GRANTED: [&str; 2] = ["filterableAttributes", "sortableAttributes"];

/// `GET /health`
pub(crate) async fn health() -> Meili {
    Ok(json(&json!({"status": "available"})))
}

/// `GET /version`
pub(crate) async fn version() -> Meili {
    let version = concat!("souk-", env!("CARGO_PKG_VERSION"));
    Ok(json(&json!({"commitSha": version, "commitDate": "unknown", "pkgVersion": version})))
}

fn index_json(edge: &Edge, site: &SiteId) -> Value {
    let at = edge.app.clock().now().to_string();
    json!({"uid": site.as_str(), "primaryKey": "id", "createdAt": at, "updatedAt": at})
}

/// `GET /indexes`
pub(crate) async fn indexes(State(edge): State<Arc<Edge>>, request: Request) -> Meili {
    let (caller, _) = admit(&edge, request, Operation::ReadCatalogue).await?;
    let sites = edge.app.config().sites().filter(|site| caller.check_site(&site.id).is_ok());
    let results: Vec<Value> = sites.map(|site| index_json(&edge, &site.id)).collect();
    let total = results.len();
    Ok(json(&json!({"results": results, "offset": 0, "limit": total, "total": total})))
}

/// `GET /indexes/{uid}`
pub(crate) async fn index(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    let (caller, _) = admit(&edge, request, Operation::ReadCatalogue).await?;
    let site = site_of(&edge, &index)?;
    edge.app.noted(&caller, caller.check_site(&site))?;
    Ok(json(&index_json(&edge, &site)))
}

/// An index that is asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewIndex {
    uid: String,
    /// Souk tells it from each document.
    #[serde(default, rename = "primaryKey")]
    _primary_key: Option<String>,
}

/// `POST /indexes`
pub(crate) async fn create(State(edge): State<Arc<Edge>>, request: Request) -> Meili {
    let (_, call) = admit(&edge, request, Operation::WriteCatalogue).await?;
    let NewIndex { uid, .. } = crate::json::parse_object(&call.body)?;
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if uid.is_empty() || uid.len() > UID_BYTES_MAX || !uid.bytes().all(is_plain) {
        let shown: String = uid.chars().take(80).collect();
        let message = format!(
            "`{shown}` is not a valid index uid: give 1 to {UID_BYTES_MAX} letters, digits, hyphens or underscores"
        );
        return Err(MeiliError::new("invalid_index_uid", message));
    }
    let begun = Begun::new(&edge, &uid, "indexCreation");
    let done = site_of(&edge, &uid).and_then(|_| {
        let message = format!("Index `{uid}` already exists.");
        Err(MeiliError::new("index_already_exists", message))
    });
    Ok(begun.end(&edge, done))
}

fn stats_json(edge: &Edge, site: &SiteId) -> Value {
    json!({"numberOfDocuments": edge.app.n_products(site), "isIndexing": false})
}

/// `GET /indexes/{uid}/stats`
pub(crate) async fn stats(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    let (caller, _) = admit(&edge, request, Operation::ReadCatalogue).await?;
    let site = site_of(&edge, &index)?;
    edge.app.noted(&caller, caller.check_site(&site))?;
    Ok(json(&stats_json(&edge, &site)))
}

/// `GET /stats`
pub(crate) async fn all_stats(State(edge): State<Arc<Edge>>, request: Request) -> Meili {
    let (caller, _) = admit(&edge, request, Operation::ReadCatalogue).await?;
    let sites = edge.app.config().sites().filter(|site| caller.check_site(&site.id).is_ok());
    let indexes: Map<String, Value> =
        sites.map(|site| (site.id.to_string(), stats_json(&edge, &site.id))).collect();
    Ok(json(&json!({"indexes": indexes})))
}

/// `GET /indexes/{uid}/settings/synonyms`
pub(crate) async fn synonyms(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    let (caller, _) = admit(&edge, request, Operation::ReadRules).await?;
    let site = site_of(&edge, &index)?;
    Ok(json(&map_of(edge.app.synonyms(&site, &caller)?)))
}

/// `GET /indexes/{uid}/settings`
pub(crate) async fn settings(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    let (caller, _) = admit(&edge, request, Operation::ReadRules).await?;
    let site = site_of(&edge, &index)?;
    let synonyms = map_of(edge.app.synonyms(&site, &caller)?);
    Ok(json(&json!({
        "filterableAttributes": ["*"],
        "sortableAttributes": ["*"],
        "synonyms": synonyms,
    })))
}

/// Each word with those that it also finds: all others of its set.
fn map_of(sets: Vec<SynonymSet>) -> BTreeMap<String, Vec<String>> {
    let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |from: &str, to: &str| {
        let known = map.entry(from.to_owned()).or_default();
        if from != to && !known.iter().any(|one| one == to) {
            known.push(to.to_owned());
        }
    };
    for set in sets {
        match set {
            SynonymSet::TwoWay { words } => {
                for from in &words {
                    words.iter().for_each(|to| add(from, to));
                }
            }
            SynonymSet::OneWay { from, to } => to.iter().for_each(|to| add(&from, to)),
        }
    }
    map
}

/// Reads a map of words with those that each also finds.
fn sets_of(map: &Value) -> Meili<Vec<SynonymSet>> {
    let wrong = || {
        let message = "Invalid value type at `.synonyms`: expected an object of lists of texts";
        MeiliError::new("invalid_settings_synonyms", message)
    };
    let object = match map {
        Value::Null => return Ok(Vec::new()),
        Value::Object(object) => object,
        _ => return Err(wrong()),
    };
    let mut sets = Vec::new();
    for (from, to) in object {
        let to: Option<Vec<String>> = to
            .as_array()
            .and_then(|to| to.iter().map(|one| Some(one.as_str()?.to_owned())).collect());
        let to = to.ok_or_else(wrong)?;
        if !to.is_empty() {
            sets.push(SynonymSet::OneWay { from: from.clone(), to });
        }
    }
    Ok(sets)
}

/// `PUT /indexes/{uid}/settings/synonyms`
pub(crate) async fn put_synonyms(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    let (caller, call) = admit(&edge, request, Operation::WriteRules).await?;
    let map: Value = crate::json::parse(&call.body)?;
    store(&edge, (&index, map), &caller).await
}

/// `DELETE /indexes/{uid}/settings/synonyms`
pub(crate) async fn delete_synonyms(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    let (caller, _) = admit(&edge, request, Operation::WriteRules).await?;
    store(&edge, (&index, Value::Null), &caller).await
}

async fn store(edge: &Edge, (index, map): (&str, Value), caller: &Caller) -> Meili {
    let site = site_of(edge, index)?;
    let sets = sets_of(&map)?;
    let begun = Begun::new(edge, index, KIND);
    let done = edge.app.put_synonyms((&site, sets), caller).await;
    let done = done.map(|()| json!({"synonyms": map})).map_err(Box::<MeiliError>::from);
    Ok(begun.end(edge, done))
}

/// `PATCH /indexes/{uid}/settings`
pub(crate) async fn put_settings(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    let (caller, call) = admit(&edge, request, Operation::WriteRules).await?;
    let settings: Map<String, Value> = crate::json::parse_object(&call.body)?;
    let unknown = settings.iter().find(|(name, value)| {
        !value.is_null() && *name != "synonyms" && !GRANTED.contains(&name.as_str())
    });
    if let Some((name, _)) = unknown {
        let shown: String = name.chars().take(80).collect();
        return Err(MeiliError::not_supported(format!("the setting `{shown}`")));
    }
    let site = site_of(&edge, &index)?;
    match settings.get("synonyms") {
        Some(map) => store(&edge, (&index, map.clone()), &caller).await,
        None => {
            edge.app.noted(&caller, caller.check_site(&site))?;
            let details = Value::Object(settings);
            Ok(Begun::new(&edge, &index, KIND).end(&edge, Ok(details)))
        }
    }
}

/// `PUT /indexes/{uid}/settings/filterable-attributes`, and the same of sortable ones.
pub(crate) async fn granted(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    let (caller, call) = admit(&edge, request, Operation::WriteRules).await?;
    // Whatever is wished for is granted, if it is JSON at all.
    crate::json::parse::<Value>(&call.body)?;
    let site = site_of(&edge, &index)?;
    edge.app.noted(&caller, caller.check_site(&site))?;
    Ok(Begun::new(&edge, &index, KIND).end(&edge, Ok(json!({}))))
}

/// `GET /indexes/{uid}/settings/filterable-attributes`, and the same of sortable ones.
pub(crate) async fn all_granted(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    admit(&edge, request, Operation::ReadRules).await?;
    site_of(&edge, &index)?;
    Ok(json(&json!(["*"])))
}

/// A path of Meilisearch with a method that it has not here.
pub(crate) async fn wrong_method(request: Request) -> Meili {
    unknown(request).await.map_err(MeiliError::of_method)
}

/// Every other call of Meilisearch.
pub(crate) async fn unknown(request: Request) -> Meili {
    let path: String = request.uri().path().chars().take(200).collect();
    let what = format!("`{} {path}`", request.method());
    Err(MeiliError::not_supported(what))
}
