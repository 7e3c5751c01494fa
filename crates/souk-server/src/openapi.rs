//! The OpenAPI document: utoipa reads it off the handlers and shapes, this file adds what both share.

use serde_json::{Map, Value, json};
use souk_app::SearchReportKind;
use souk_core::SiteId;
use utoipa::OpenApi;

mod meilisearch;
mod schemas;

use schemas::{DAY_PATTERN, FILTER_PATTERN, ID_PATTERN, OVERRIDE_ID_PATTERN, merge};

use crate::routes::{
    audit, consents, health, keys, models, people, planning, privacy, products, recommend, reports,
    retention, rules, search, segment, webhooks,
};

/// What utoipa collects from the code.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Souk",
        description = "Retail AI that a shop runs itself: facts in, recommendations and search results out.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        segment::track,
        segment::identify,
        segment::page,
        segment::screen,
        segment::group,
        segment::alias,
        segment::batch,
        segment::settings,
        products::put,
        products::list,
        products::get,
        products::patch,
        products::delete,
        recommend::recommend,
        recommend::batch,
        models::list,
        models::learn,
        models::serve,
        people::profile,
        people::list,
        people::create,
        people::get,
        people::put,
        people::delete,
        people::members,
        people::audience,
        people::audience_of_category,
        recommend::page,
        search::search,
        search::batch,
        search::suggest,
        search::analytics,
        search::synonyms,
        search::put_synonyms,
        rules::list,
        rules::create,
        rules::get,
        rules::put,
        rules::delete,
        rules::preview,
        consents::get,
        consents::put,
        consents::gpc,
        keys::list,
        keys::create,
        keys::rotate,
        keys::revoke,
        privacy::erase,
        privacy::export,
        privacy::list,
        privacy::get,
        privacy::verify,
        privacy::confirm,
        retention::get,
        retention::run,
        webhooks::shopify,
        reports::recommendations,
        reports::holdout,
        reports::stock,
        planning::forecast,
        planning::forecasts,
        planning::overrides,
        planning::put_override,
        planning::end_override,
        planning::signals,
        planning::put_signals,
        planning::stock,
        planning::waste,
        planning::suppliers,
        planning::put_suppliers,
        planning::replenishment,
        planning::switch,
        planning::orders,
        planning::create_order,
        planning::order,
        planning::change_order,
        planning::move_order,
        audit::list,
        audit::proof,
        audit::head,
        health::live,
        health::ready,
        health::version,
        health::metrics,
        health::openapi
    ),
    components(schemas(
        crate::dto::common::ProblemDocument,
        crate::dto::recommend::ReasonName,
        crate::dto::products::ProductAnswer
    )),
    tags(
        (name = "Events", description = "Facts in: Segment's tracking API. `userId`, `anonymousId` and \
            `messageId` are texts or numbers. Limits: 32 KB an event, 500 KB and 2,500 events a batch."),
        (name = "Catalogue", description = "What the shop sells. At most 5,000 products a call."),
        (name = "Recommendations", description = "Products for a shopper and a place."),
        (name = "Search", description = "Products that a shopper looks for."),
        (name = "Meilisearch", description = "The same for Meilisearch's clients, which need no more than another host."),
        (name = "Models", description = "The shop's own models of who likes what: learned, judged, put in service."),
        (name = "Rules", description = "The merchant's hand over every list."),
        (name = "People", description = "What is known of single shoppers, and groups of them."),
        (name = "Reports", description = "What became of recommendations, and what personalization brings."),
        (name = "Planning", description = "Demand ahead, stock, suppliers, and what to order. Nothing here is about shoppers."),
        (name = "Keys", description = "Who may call."),
        (name = "Privacy", description = "What people allow, and their requests about their data. `Sec-GPC: 1` on any \
             request for events or recommendations is honoured for that very request."),
        (name = "Audit", description = "Who did what, in a log that cannot be changed unseen."),
        (name = "Operation", description = "How the server is.")
    )
)]
struct Document;

/// The document as JSON text, for a shop of these sites.
pub(crate) fn document_text(sites: &[SiteId]) -> String {
    serde_json::to_string(&document(sites)).expect("a JSON value always serialises")
}

/// The document.
fn document(sites: &[SiteId]) -> Value {
    let mut document = serde_json::to_value(Document::openapi()).expect("utoipa writes JSON");
    document["openapi"] = "3.1.0".into();
    document["servers"] = json!([{ "url": "/" }]);
    document["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http", "scheme": "bearer",
            "description": "A key of the role that the route needs."
        },
        "basic": {
            "type": "http", "scheme": "basic",
            "description": "The key as user name, with any password, as Segment's clients send it."
        },
    });
    let shapes = document["components"]["schemas"].as_object_mut().expect("there are schemas");
    schemas::refine(shapes, sites);
    meilisearch::add_schemas(shapes);
    let paths = document["paths"].as_object_mut().expect("a document has paths");
    meilisearch::add_paths(paths, sites);
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().expect("a path has operations") {
            refine_operation((path, method), operation, sites);
        }
    }
    document
}

/// Adds what every operation shares: keys, failures, headers, parameters. A handler names its `security` only where it
/// needs no key, and of its own failures only the status and when.
fn refine_operation((path, method): (&str, &str), operation: &mut Value, sites: &[SiteId]) {
    if operation.get("security").is_none() {
        operation["security"] = json!([{ "bearer": [] }, { "basic": [] }]);
    }
    let is_open = operation["security"] == json!([{}]);
    let has_body = operation.get("requestBody").is_some();
    if let Some(body) = operation.get_mut("requestBody") {
        // A request about a person says all that it must in its path, and a run of the terms needs nothing.
        let is_optional =
            path.starts_with("/v1/subjects/") && method != "put" || path == "/v1/privacy/retention";
        body["required"] = (!is_optional).into();
    }
    if let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) {
        for parameter in parameters {
            refine_parameter(path, parameter, sites);
        }
    }
    if let Some(message) = message_of(path) {
        let schema = json!({ "$ref": format!("#/components/schemas/{message}") });
        operation["requestBody"]["content"] = json!({ "application/json": { "schema": schema } });
    }
    if path == "/v1/products" && method == "put" {
        let product = json!({ "type": "string", "description": "One product a line." });
        operation["requestBody"]["content"]["application/x-ndjson"] = json!({ "schema": product });
    }
    let is_facade = path.starts_with(meilisearch::PREFIX);
    let responses = operation["responses"].as_object_mut().expect("an operation has responses");
    let mut failures = vec![("default", "Any other failure.")];
    if !is_open {
        failures.push(("401", "No key, or none that is known."));
        failures.push(("403", "The key's role may not do this."));
        failures.push(("429", "Too many requests; `Retry-After` says when to try again."));
    }
    if has_body {
        failures.push(("400", "The body is not JSON, or not whole."));
        failures.push(("413", "The body is too large."));
        failures.push(("415", "The body is of another media type or encoding."));
    }
    if !is_facade && has_body && message_of(path).is_none() || path.contains("/products") {
        failures.push(("422", "The request is well formed and wrong; `errors` say where."));
    }
    if path.contains("{id}") || is_facade {
        failures.push(("404", "There is none such."));
    }
    for (status, description) in failures {
        responses.insert(status.to_owned(), failure(path, description));
    }
    for (status, response) in responses.iter_mut() {
        if status.starts_with('4') && response.get("content").is_none() {
            *response = failure(path, response["description"].as_str().unwrap_or_default());
        }
        response["headers"] = json!({ "x-request-id": {
            "description": "Names the request in the server's log; taken over from the request.",
            "required": true,
            "schema": { "type": "string" }
        }});
    }
}

/// The shape that one of Segment's routes takes.
fn message_of(path: &str) -> Option<&'static str> {
    Some(match path {
        "/v1/track" => "TrackMessage",
        "/v1/identify" => "IdentifyMessage",
        "/v1/page" => "PageMessage",
        "/v1/screen" => "ScreenMessage",
        "/v1/group" => "GroupMessage",
        "/v1/alias" => "AliasMessage",
        "/v1/batch" => "MessageBatch",
        _ => return None,
    })
}

fn refine_parameter(path: &str, parameter: &mut Value, sites: &[SiteId]) {
    if path.starts_with(meilisearch::PREFIX) {
        // Meilisearch's filters and ids are of another form.
        return;
    }
    let addition = match parameter["name"].as_str() {
        Some("filter") => json!({ "format": "souk-filter", "pattern": FILTER_PATTERN }),
        // Eight bytes in base64, of whose last digit four bits are used.
        Some("cursor") if path == "/v1/audit" => {
            json!({ "pattern": "^[A-Za-z0-9_-]{10}[AEIMQUYcgkosw048]$" })
        }
        Some("cursor") if path.ends_with("/members") => json!({ "pattern": "^[0-9a-f]{8}$" }),
        Some("cursor") => json!({ "pattern": "^([0-9a-f]{2}){1,255}$" }),
        Some("from" | "to") if path.starts_with("/v1/reports/") || path.ends_with("/analytics") => {
            json!({ "format": "date", "pattern": DAY_PATTERN })
        }
        Some("kind") if path.ends_with("/analytics") => {
            json!({ "enum": SearchReportKind::ALL.map(SearchReportKind::as_str) })
        }
        Some("id") if path.starts_with("/v1/forecasts/overrides/") => {
            json!({ "pattern": OVERRIDE_ID_PATTERN })
        }
        Some("id" | "location_id" | "product_id") => json!({ "pattern": ID_PATTERN }),
        Some("site") => json!({ "enum": sites.iter().map(SiteId::as_str).collect::<Vec<_>>() }),
        _ => return,
    };
    merge(&mut parameter["schema"], &addition);
}

/// A failure as problems are told, or as Meilisearch tells them.
fn failure(path: &str, description: &str) -> Value {
    let (kind, shape) = match path.starts_with(meilisearch::PREFIX) {
        true => ("application/json", "MeiliError"),
        false => ("application/problem+json", "ProblemDocument"),
    };
    let schema = json!({ "$ref": format!("#/components/schemas/{shape}") });
    let content = json!({ kind: { "schema": schema } });
    let mut response = Map::new();
    response.insert("description".to_owned(), description.into());
    response.insert("content".to_owned(), content);
    Value::Object(response)
}

#[cfg(test)]
mod tests;
