//! Documents: put, changed, read and removed as products.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use souk_app::{Caller, Operation, PAGE_PRODUCTS_MAX, PUT_PRODUCTS_MAX, Role};
use souk_core::wire::json::Audience;
use souk_core::{Filter, Product, ProductId, SiteId};

use super::answer::Pairs;
use super::document::{self, Home};
use super::error::{Meili, MeiliError};
use super::tasks::Begun;
use super::{admit, filter, site_of};
use crate::body::media_type;
use crate::edge::Edge;
use crate::routes::json;

/// Documents of one page, at most; chosen as for our own pages.
const PAGE_MAX: usize = PAGE_PRODUCTS_MAX;
const KIND: &str = "documentAdditionOrUpdate";
const REMOVAL: &str = "documentDeletion";

/// Whether a document takes the place of the one before, or changes some of its fields.
#[derive(Clone, Copy, PartialEq)]
enum Taking {
    Replace,
    Update,
}

/// `POST /indexes/{uid}/documents`
pub(crate) async fn add(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    take(&edge, index, (request, Taking::Replace)).await
}

/// `PUT /indexes/{uid}/documents`
pub(crate) async fn update(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    take(&edge, index, (request, Taking::Update)).await
}

async fn take(edge: &Arc<Edge>, index: String, (request, taking): (Request, Taking)) -> Meili {
    let key = Pairs::of(request.uri()).text("primaryKey").map(str::to_owned);
    let (caller, call) = admit(edge, request, Operation::WriteCatalogue).await?;
    let site = site_of(edge, &index)?;
    let kind = media_type(&call.headers).unwrap_or_default();
    let documents = read(&call.body, &kind)?;
    let begun = Begun::new(edge, &index, KIND);
    let n_received = documents.len();
    let products = {
        let (edge, site) = (Arc::clone(edge), site.clone());
        let convert = move || products_of(&edge, &site, (documents, key.as_deref(), taking));
        tokio::task::spawn_blocking(convert).await.expect("reading documents does not panic")
    };
    let done = match products {
        Ok(products) => put(edge, (&site, products), &caller).await,
        Err(error) => Err(error),
    };
    let details = |n| json!({"receivedDocuments": n_received, "indexedDocuments": n});
    Ok(begun.end(edge, done.map(details)))
}

/// Documents out of a body: a list, one by itself, or one a line.
fn read(body: &Bytes, kind: &str) -> Meili<Vec<Map<String, Value>>> {
    let not_object = || {
        let message = "The `json` payload provided is malformed: a document must be an object.";
        MeiliError::new("malformed_payload", message)
    };
    let object = |value: Value| match value {
        Value::Object(document) => Ok(document),
        _ => Err(not_object()),
    };
    match kind {
        "application/x-ndjson" => {
            let lines = body.split(|byte| *byte == b'\n');
            let lines = lines.filter(|line| !line.trim_ascii().is_empty());
            lines.map(|line| object(crate::json::parse(line)?)).collect()
        }
        "" | "application/json" => match crate::json::parse(body)? {
            Value::Array(list) => list.into_iter().map(object).collect(),
            one => Ok(vec![object(one)?]),
        },
        other => {
            let shown: String = other.chars().take(80).collect();
            let message = format!(
                "The Content-Type `{shown}` is invalid. Accepted values for the Content-Type header are: \
                 `application/json`, `application/x-ndjson`"
            );
            Err(MeiliError::new("invalid_content_type", message))
        }
    }
}

/// Turns documents into products: all of them, or none where one cannot be.
fn products_of(
    edge: &Edge,
    site: &SiteId,
    (documents, key, taking): (Vec<Map<String, Value>>, Option<&str>, Taking),
) -> Meili<Vec<Product>> {
    let currency = edge.currency_of(site).unwrap_or(souk_core::Currency::USD);
    let home = Home { site, currency };
    let Some(first) = documents.first() else { return Ok(Vec::new()) };
    let fault = |place: usize, why: String| {
        MeiliError::new(
            "invalid_document_fields",
            format!("The document at position {place} {why}."),
        )
    };
    let key = document::primary_key(first, key).map_err(|why| {
        MeiliError::new(
            "index_primary_key_no_candidate_found",
            format!("The first document {why}."),
        )
    })?;
    let mut products: Vec<Product> = Vec::with_capacity(documents.len());
    // Of a document that comes twice, the second changes what the first made of it.
    let mut made: rustc_hash::FxHashMap<ProductId, usize> = rustc_hash::FxHashMap::default();
    for (place, document) in documents.into_iter().enumerate() {
        let read = |document: &Map<String, Value>| {
            document::to_product(document, &key, &home).map_err(|why| fault(place, why))
        };
        let mut product = read(&document)?;
        if taking == Taking::Update {
            let earlier = made.get(&product.id).map(|at| products[*at].clone());
            let known = earlier.or_else(|| {
                let known = edge.app.product(site, &product.id);
                known.map(|known| Product::clone(&known))
            });
            if let Some(known) = known {
                let mut merged = document::of_product(&known, Audience::Shop);
                document::merge(&mut merged, document);
                product = read(&merged)?;
            }
        }
        made.insert(product.id.clone(), products.len());
        products.push(product);
    }
    Ok(products)
}

async fn put(
    edge: &Edge,
    (site, mut products): (&SiteId, Vec<Product>),
    caller: &Caller,
) -> Meili<usize> {
    let count = products.len();
    while !products.is_empty() {
        let rest = products.split_off(products.len().min(PUT_PRODUCTS_MAX));
        let answer = edge.app.put_products(products, caller).await?;
        if let Some(rejected) = answer.rejected.first() {
            let message = format!(
                "{} of the documents were not stored; the first: {}",
                answer.rejected.len(),
                rejected.detail
            );
            return Err(MeiliError::new("invalid_document_fields", message));
        }
        products = rest;
    }
    edge.app.wait_for_search(site).await?;
    Ok(count)
}

/// `GET /indexes/{uid}/documents/{id}`
pub(crate) async fn get(
    State(edge): State<Arc<Edge>>,
    Path((index, id)): Path<(String, String)>,
    request: Request,
) -> Meili {
    let fields = Pairs::of(request.uri()).list("fields");
    let (caller, _) = admit(&edge, request, Operation::ReadCatalogue).await?;
    let site = site_of(&edge, &index)?;
    edge.app.noted(&caller, caller.check_site(&site))?;
    let known = ProductId::new(id.as_str()).ok().and_then(|id| edge.app.product(&site, &id));
    let shown: String = id.chars().take(80).collect();
    let known = known.ok_or_else(|| {
        MeiliError::new("document_not_found", format!("Document `{shown}` not found."))
    })?;
    let document = document::of_product(&known, audience(&caller));
    Ok(json(&match fields {
        Some(fields) => document::only(&document, &fields),
        None => document,
    }))
}

/// Which documents to list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Listing {
    offset: usize,
    limit: Option<usize>,
    fields: Option<Vec<String>>,
    filter: Value,
    ids: Option<Vec<Value>>,
    sort: Option<Value>,
    retrieve_vectors: bool,
}

/// `GET /indexes/{uid}/documents`
pub(crate) async fn list(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    let pairs = Pairs::of(request.uri());
    let (caller, _) = admit(&edge, request, Operation::ReadCatalogue).await?;
    let listing = Listing {
        offset: pairs.number("offset", 0)?,
        limit: Some(pairs.number("limit", 20)?),
        fields: pairs.list("fields"),
        filter: pairs.text("filter").map_or(Value::Null, Value::from),
        ids: pairs.list("ids").map(|ids| ids.into_iter().map(Value::from).collect()),
        ..Listing::default()
    };
    page(&edge, (&index, listing), &caller).await
}

/// `POST /indexes/{uid}/documents/fetch`
pub(crate) async fn fetch(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    let (caller, call) = admit(&edge, request, Operation::ReadCatalogue).await?;
    let listing: Listing = crate::json::parse_object(&call.body)?;
    page(&edge, (&index, listing), &caller).await
}

async fn page(edge: &Arc<Edge>, (index, listing): (&str, Listing), caller: &Caller) -> Meili {
    let site = site_of(edge, index)?;
    edge.app.noted(caller, caller.check_site(&site))?;
    if listing.sort.is_some() || listing.retrieve_vectors {
        return Err(MeiliError::not_supported("`sort` or `retrieveVectors` for documents"));
    }
    let filter = filter::read_plain(&listing.filter)?;
    let audience = audience(caller);
    let edge = Arc::clone(edge);
    // The whole catalogue may be gone through, which must keep no other request waiting.
    let read = move || {
        let limit = listing.limit.unwrap_or(20).min(PAGE_MAX);
        let (mut results, mut total) = (Vec::new(), 0);
        let mut keep = |product: &Product| {
            total += 1;
            if total > listing.offset && results.len() < limit {
                let document = document::of_product(product, audience);
                results.push(match &listing.fields {
                    Some(fields) => document::only(&document, fields),
                    None => document,
                });
            }
        };
        match &listing.ids {
            Some(ids) => {
                let ids: BTreeSet<ProductId> = ids_of(ids).into_iter().collect();
                let named = ids.iter().filter_map(|id| edge.app.product(&site, id));
                let is_let_through =
                    |product: &Product| filter.as_ref().is_none_or(|f| f.matches(product));
                named.filter(|product| is_let_through(product)).for_each(|one| keep(&one));
            }
            None => each_product(&edge, (&site, filter.as_ref()), &mut keep),
        }
        let offset = listing.offset;
        json!({"results": results, "offset": offset, "limit": limit, "total": total})
    };
    let read = tokio::task::spawn_blocking(read).await;
    Ok(json(&read.expect("reading the catalogue does not panic")))
}

/// Shows every product of a site that a filter lets through, in the order of their ids.
fn each_product(
    edge: &Edge,
    (site, filter): (&SiteId, Option<&Filter>),
    show: &mut dyn FnMut(&Product),
) {
    let mut after = None;
    loop {
        let page = edge.app.list_products(site, (filter, after.as_ref()), PAGE_PRODUCTS_MAX);
        page.products.iter().for_each(|product| show(product));
        after = page.cursor;
        if after.is_none() {
            return;
        }
    }
}

fn ids_of(values: &[Value]) -> Vec<ProductId> {
    let text = |value: &Value| match value {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    };
    values.iter().filter_map(|value| ProductId::new(text(value)?).ok()).collect()
}

/// What the shop pays is for those who plan and price, as in our own lists.
fn audience(caller: &Caller) -> Audience {
    match caller.role {
        Role::Merchandiser | Role::Planner | Role::Analyst | Role::Admin => Audience::Shop,
        _ => Audience::Shopper,
    }
}

/// `DELETE /indexes/{uid}/documents/{id}`
pub(crate) async fn delete(
    State(edge): State<Arc<Edge>>,
    Path((index, id)): Path<(String, String)>,
    request: Request,
) -> Meili {
    let (caller, _) = admit(&edge, request, Operation::WriteCatalogue).await?;
    remove(&edge, (&index, ids_of(&[id.into()]), Value::Null), &caller).await
}

/// `POST /indexes/{uid}/documents/delete-batch`
pub(crate) async fn delete_batch(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    let (caller, call) = admit(&edge, request, Operation::WriteCatalogue).await?;
    let ids: Vec<Value> = crate::json::parse(&call.body)?;
    remove(&edge, (&index, ids_of(&ids), Value::Null), &caller).await
}

/// `DELETE /indexes/{uid}/documents`
pub(crate) async fn delete_all(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    let (caller, _) = admit(&edge, request, Operation::WriteCatalogue).await?;
    let site = site_of(&edge, &index)?;
    let ids: Vec<ProductId> = edge.app.product_ids(&site).into_iter().collect();
    remove(&edge, (&index, ids, Value::Null), &caller).await
}

/// What to remove.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ByFilter {
    filter: Value,
}

/// `POST /indexes/{uid}/documents/delete`
pub(crate) async fn delete_by_filter(
    State(edge): State<Arc<Edge>>,
    Path(index): Path<String>,
    request: Request,
) -> Meili {
    let (caller, call) = admit(&edge, request, Operation::WriteCatalogue).await?;
    let ByFilter { filter } = crate::json::parse_object(&call.body)?;
    let site = site_of(&edge, &index)?;
    let read = filter::read_plain(&filter)?.ok_or_else(|| {
        // An empty filter would mean everything, which has a call of its own.
        MeiliError::new("invalid_document_filter", "Sending an empty filter is forbidden.")
    })?;
    edge.app.noted(&caller, caller.check_site(&site))?;
    let mut ids = Vec::new();
    each_product(&edge, (&site, Some(&read)), &mut |product| ids.push(product.id.clone()));
    remove(&edge, (&index, ids, filter), &caller).await
}

async fn remove(
    edge: &Edge,
    (index, ids, filter): (&str, Vec<ProductId>, Value),
    caller: &Caller,
) -> Meili {
    let site = site_of(edge, index)?;
    let begun = Begun::new(edge, index, REMOVAL);
    let mut removed = 0;
    let mut failed = None;
    for ids in ids.chunks(PUT_PRODUCTS_MAX) {
        match edge.app.delete_products((&site, ids), caller).await {
            Ok(count) => removed += count,
            Err(error) => {
                failed = Some(Box::<MeiliError>::from(error));
                break;
            }
        }
    }
    if failed.is_none() {
        edge.app.wait_for_search(&site).await?;
    }
    let details =
        json!({"providedIds": ids.len(), "deletedDocuments": removed, "originalFilter": filter});
    Ok(begun.end(edge, failed.map_or(Ok(details), Err)))
}
