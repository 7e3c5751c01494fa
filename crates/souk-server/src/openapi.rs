//! The OpenAPI document: utoipa reads it off the handlers and shapes, this file adds what both share.

use serde_json::{Map, Value, json};
use souk_core::Currency;
use utoipa::OpenApi;

use crate::routes::{health, keys, products, recommend, segment};

/// What utoipa collects from the code.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Souk",
        description = "Retail AI that a shop runs itself: facts in, recommendations out.",
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
        keys::list,
        keys::create,
        keys::revoke,
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
        (name = "Keys", description = "Who may call."),
        (name = "Operation", description = "How the server is.")
    )
)]
struct Document;

/// Objects that take no other fields than theirs.
const CLOSED: [&str; 6] =
    ["MoneyBody", "ProductBody", "ProductChange", "VariantBody", "TranslationBody", "ListQuery"];

/// The document as JSON text.
pub(crate) fn document_text() -> String {
    serde_json::to_string(&document()).expect("a JSON value always serialises")
}

/// The document.
pub(crate) fn document() -> Value {
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
    refine_schemas(&mut document["components"]["schemas"]);
    let paths = document["paths"].as_object_mut().expect("a document has paths");
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().expect("a path has operations") {
            refine_operation(path, method, operation);
        }
    }
    document
}

/// Adds what the derive macros cannot say: patterns, limits of lists, closed objects.
fn refine_schemas(schemas: &mut Value) {
    for name in CLOSED {
        if let Some(schema) = schemas.get_mut(name) {
            schema["additionalProperties"] = false.into();
        }
    }
    let id = json!({ "minLength": 1, "maxLength": 255 });
    let ids =
        json!({ "items": { "type": "string", "minLength": 1, "maxLength": 255 }, "maxItems": 500 });
    let time = json!({ "format": "date-time", "pattern": TIME_PATTERN });
    let filter = json!({ "format": "souk-filter", "maxLength": 4_096, "pattern": FILTER_PATTERN });
    let origins = json!({
        "items": { "type": "string", "pattern": "^https?://[a-z0-9.-]+(:[0-9]{1,5})?$" },
        "maxItems": 100
    });
    let currencies = json!({ "enum": currencies() });
    let additions = [
        ("RecommendBody", "filter", &filter),
        ("RecommendBody", "exclude", &ids),
        ("ContextBody", "product_id", &id),
        ("ContextBody", "site", &id),
        ("ContextBody", "location_id", &id),
        ("ContextBody", "cart", &ids),
        ("ContextBody", "session", &ids),
        ("MoneyBody", "currency", &currencies),
        ("ProductBody", "published_at", &time),
        ("ProductChange", "published_at", &time),
        ("NewKeyBody", "expires_at", &time),
        ("NewKeyBody", "origins", &origins),
    ];
    for (schema, property, addition) in additions {
        let place = schemas
            .pointer_mut(&format!("/{schema}/properties/{property}"))
            .unwrap_or_else(|| panic!("{schema} has no {property}; correct the table above"));
        merge(place, addition);
    }
}

/// Times from 1970 to 9999, in upper case.
const TIME_PATTERN: &str = "^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T\
([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?Z$";

/// Comparisons joined by `AND` and `OR`, each perhaps with `NOT`: what the whole language reads.
/// Deeper parentheses are read too, but no regular expression can say so.
const FILTER_PATTERN: &str = "^(NOT )?[a-z_]+ ((=|!=|<|<=|>|>=) ([0-9]{1,9}|'[A-Za-z0-9 ]*')|\
(NOT )?IN \\['[A-Za-z0-9 ]*'(, '[A-Za-z0-9 ]*')*\\]|EXISTS)\
( (AND|OR) (NOT )?[a-z_]+ (=|!=|<|<=|>|>=) ([0-9]{1,9}|'[A-Za-z0-9 ]*'))*$";

/// The codes that the program knows, found by asking it for each that could be one.
fn currencies() -> Vec<String> {
    let letters = || b'A'..=b'Z';
    let all = letters().flat_map(|a| {
        letters().flat_map(move |b| letters().map(move |c| [a, b, c].map(char::from)))
    });
    all.map(|code| code.iter().collect())
        .filter(|code: &String| Currency::parse(code).is_ok())
        .collect()
}

fn merge(place: &mut Value, addition: &Value) {
    let place = place.as_object_mut().expect("a schema is an object");
    let addition = addition.as_object().expect("an addition is an object");
    place.extend(addition.iter().map(|(key, value)| (key.clone(), value.clone())));
}

/// Adds what every operation shares: failures, headers, parameters.
fn refine_operation(path: &str, method: &str, operation: &mut Value) {
    let is_open = operation.get("security") == Some(&json!([{}]));
    let has_body = operation.get("requestBody").is_some();
    if let Some(body) = operation.get_mut("requestBody") {
        body["required"] = true.into();
    }
    if let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) {
        for parameter in parameters {
            refine_parameter(parameter);
        }
    }
    if path == "/v1/products" && method == "put" {
        let product = json!({ "type": "string", "description": "One product a line." });
        operation["requestBody"]["content"]["application/x-ndjson"] = json!({ "schema": product });
    }
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
    if has_body && !is_segment(path) || path.contains("/products") {
        failures.push(("422", "The request is well formed and wrong; `errors` say where."));
    }
    if path.contains("{id}") {
        failures.push(("404", "There is none such."));
    }
    for (status, description) in failures {
        responses.insert(status.to_owned(), failure(description));
    }
    for (_, response) in responses.iter_mut() {
        response["headers"] = json!({ "x-request-id": {
            "description": "Names the request in the server's log; taken over from the request.",
            "required": true,
            "schema": { "type": "string" }
        }});
    }
}

fn is_segment(path: &str) -> bool {
    ["track", "identify", "page", "screen", "group", "alias"]
        .iter()
        .any(|name| path.strip_prefix("/v1/") == Some(name))
        || path == "/v1/batch"
}

fn refine_parameter(parameter: &mut Value) {
    let addition = match parameter["name"].as_str() {
        Some("filter") => json!({ "format": "souk-filter", "pattern": FILTER_PATTERN }),
        Some("cursor") => json!({ "pattern": "^([0-9a-f]{2}){1,255}$" }),
        _ => return,
    };
    merge(&mut parameter["schema"], &addition);
}

fn failure(description: &str) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/ProblemDocument" });
    let content = json!({ "application/problem+json": { "schema": schema } });
    let mut response = Map::new();
    response.insert("description".to_owned(), description.into());
    response.insert("content".to_owned(), content);
    Value::Object(response)
}

#[cfg(test)]
mod tests;
