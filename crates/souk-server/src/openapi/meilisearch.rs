//! The calls of Meilisearch's clients. Their shapes are Meilisearch's, read leniently, so no derived shape fits.

use serde_json::{Map, Value, json};
use souk_core::SiteId;

/// The prefix that stands for Meilisearch's host.
pub(super) const PREFIX: &str = "/meilisearch/";

/// One call.
struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    /// The shape of its body, if it has one.
    body: Option<Value>,
    /// The status of an answer, and its shape.
    answer: (&'static str, Value),
    /// The names of its parameters in the URL, each a text or a count.
    query: &'static [(&'static str, &'static str)],
}

const TEXT: &str = "string";
const COUNT: &str = "integer";
const TRUTH: &str = "boolean";
const SEARCH: &[(&str, &str)] = &[
    ("q", TEXT),
    ("offset", COUNT),
    ("limit", COUNT),
    ("page", COUNT),
    ("hitsPerPage", COUNT),
    ("filter", TEXT),
    ("facets", TEXT),
    ("attributesToRetrieve", TEXT),
    ("attributesToHighlight", TEXT),
    ("attributesToCrop", TEXT),
    ("cropLength", COUNT),
    ("cropMarker", TEXT),
    ("highlightPreTag", TEXT),
    ("highlightPostTag", TEXT),
    ("sort", TEXT),
    ("matchingStrategy", TEXT),
    ("showMatchesPosition", TRUTH),
    ("showRankingScore", TRUTH),
    ("distinct", TEXT),
];
const LISTING: &[(&str, &str)] =
    &[("offset", COUNT), ("limit", COUNT), ("fields", TEXT), ("filter", TEXT), ("ids", TEXT)];
const TASKS: &[(&str, &str)] = &[
    ("limit", COUNT),
    ("from", COUNT),
    ("uids", TEXT),
    ("statuses", TEXT),
    ("types", TEXT),
    ("indexUids", TEXT),
];

fn named(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn operations() -> Vec<Operation> {
    let call = |method, path, summary| Operation {
        method,
        path,
        summary,
        body: None,
        answer: ("200", json!({ "type": "object" })),
        query: &[],
    };
    let get = |path, summary, schema: Value| Operation {
        answer: ("200", schema),
        ..call("get", path, summary)
    };
    let change = |method, path, summary, body: Option<Value>| Operation {
        body,
        answer: ("202", named("MeiliTaskBegun")),
        ..call(method, path, summary)
    };
    let ask = |path, summary, body: &str, answer: &str| Operation {
        body: Some(named(body)),
        answer: ("200", named(answer)),
        ..call("post", path, summary)
    };
    let documents = "/indexes/{uid}/documents";
    let synonyms = "/indexes/{uid}/settings/synonyms";
    let keyed: &[(&str, &str)] = &[("primaryKey", TEXT)];
    // Whatever it names is granted.
    let granted = || Some(json!({}));
    let all = || json!({ "type": "array", "items": { "const": "*" } });
    vec![
        get("/health", "Say that the server is there", named("MeiliHealth")),
        get("/version", "Say which server it is", named("MeiliVersion")),
        get("/stats", "Count the documents of every index", named("MeiliStats")),
        get("/indexes", "List the indexes: the sites", named("MeiliIndexes")),
        change(
            "post",
            "/indexes",
            "Ask for an index; a site is one already",
            Some(named("MeiliNewIndex")),
        ),
        get("/indexes/{uid}", "Read what an index is", named("MeiliIndex")),
        get("/indexes/{uid}/stats", "Count the documents of an index", named("MeiliIndexStats")),
        Operation { query: LISTING, ..get(documents, "List documents", named("MeiliDocuments")) },
        Operation {
            query: keyed,
            ..change("post", documents, "Put documents", Some(named("MeiliDocumentBody")))
        },
        Operation {
            query: keyed,
            ..change("put", documents, "Change documents", Some(named("MeiliDocumentBody")))
        },
        change("delete", documents, "Remove all documents", None),
        ask("/indexes/{uid}/documents/fetch", "List documents", "MeiliListing", "MeiliDocuments"),
        change(
            "post",
            "/indexes/{uid}/documents/delete",
            "Remove what a filter lets through",
            Some(named("MeiliFilterBody")),
        ),
        change(
            "post",
            "/indexes/{uid}/documents/delete-batch",
            "Remove documents by their ids",
            Some(json!({ "type": "array", "items": {} })),
        ),
        Operation {
            query: &[("fields", TEXT)],
            ..get("/indexes/{uid}/documents/{id}", "Read a document", json!({ "type": "object" }))
        },
        change("delete", "/indexes/{uid}/documents/{id}", "Remove a document", None),
        Operation {
            query: SEARCH,
            ..get("/indexes/{uid}/search", "Search an index", named("MeiliSearchAnswer"))
        },
        ask("/indexes/{uid}/search", "Search an index", "MeiliSearch", "MeiliSearchAnswer"),
        ask(
            "/indexes/{uid}/facet-search",
            "Search the values of a facet",
            "MeiliFacetSearch",
            "MeiliFacetAnswer",
        ),
        ask("/multi-search", "Search several times", "MeiliMultiSearch", "MeiliMultiAnswer"),
        get("/indexes/{uid}/settings", "Read the settings", named("MeiliSettings")),
        change(
            "patch",
            "/indexes/{uid}/settings",
            "Change the settings",
            Some(named("MeiliSettingsBody")),
        ),
        get(synonyms, "Read the synonyms", named("MeiliSynonyms")),
        change("put", synonyms, "Replace the synonyms", Some(named("MeiliSynonymsBody"))),
        change("delete", synonyms, "Remove the synonyms", None),
        get("/indexes/{uid}/settings/filterable-attributes", "Read what can be filtered by", all()),
        change(
            "put",
            "/indexes/{uid}/settings/filterable-attributes",
            "Wish what can be filtered by; everything can",
            granted(),
        ),
        get("/indexes/{uid}/settings/sortable-attributes", "Read what can be sorted by", all()),
        change(
            "put",
            "/indexes/{uid}/settings/sortable-attributes",
            "Wish what can be sorted by; everything can",
            granted(),
        ),
        Operation { query: TASKS, ..get("/tasks", "List the last tasks", named("MeiliTasks")) },
        get("/tasks/{uid}", "Read a task", named("MeiliTask")),
    ]
}

/// Adds the calls to the paths of a document.
pub(super) fn add_paths(paths: &mut Map<String, Value>, sites: &[SiteId]) {
    let indexes: Vec<&str> = sites.iter().map(SiteId::as_str).collect();
    for Operation { method, path, summary, body, answer, query } in operations() {
        let (status, schema) = answer;
        let mut parameters: Vec<Value> = Vec::new();
        let mut in_path = |name: &str, schema: Value| {
            if path.contains(&format!("{{{name}}}")) {
                parameters.push(
                    json!({ "name": name, "in": "path", "required": true, "schema": schema }),
                );
            }
        };
        let is_task = path.starts_with("/tasks");
        let uid = if is_task {
            json!({ "type": "integer", "minimum": 0 })
        } else {
            json!({ "enum": indexes })
        };
        in_path("uid", uid);
        in_path("id", json!({ "type": "string", "minLength": 1 }));
        parameters.extend(query.iter().map(|(name, kind)| {
            let mut schema = json!({ "type": kind });
            if *kind == COUNT {
                schema["minimum"] = 0.into();
            }
            json!({ "name": name, "in": "query", "required": false, "schema": schema })
        }));
        let is_open = matches!(path, "/health" | "/version");
        let mut operation = json!({
            "tags": ["Meilisearch"],
            "summary": summary,
            "operationId": format!("meilisearch {method} {path}").replace(['/', '{', '}', '-', ' '], "_"),
            "parameters": parameters,
            "responses": { status: {
                "description": if status == "202" { "The task, which is over." } else { "As Meilisearch answers." },
                "content": { "application/json": { "schema": schema } }
            }},
        });
        if is_open {
            operation["security"] = json!([{}]);
        }
        if let Some(body) = body {
            operation["requestBody"] =
                json!({ "content": { "application/json": { "schema": body } } });
        }
        let item = paths.entry(format!("/meilisearch{path}")).or_insert_with(|| json!({}));
        item[method] = operation;
    }
}

/// Adds the shapes of the calls.
pub(super) fn add_schemas(schemas: &mut Map<String, Value>) {
    let text = json!({ "type": "string" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let texts = json!({ "type": ["array", "null"], "items": { "type": "string" } });
    let flag = json!({ "type": ["boolean", "null"] });
    let maybe_text = json!({ "type": ["string", "null"] });
    let maybe_count = json!({ "type": ["integer", "null"], "minimum": 0 });
    let list = |of: &str| json!({ "type": "array", "items": named(of) });
    let object = |properties: Value, required: &[&str]| json!({ "type": "object", "properties": properties, "required": required });
    let closed = |properties: Value, required: &[&str]| {
        let mut schema = object(properties, required);
        schema["additionalProperties"] = false.into();
        schema
    };
    let filter = json!({
        "description": "`genres = Action AND price < 10`, or a list of such that must all hold; in it a list says \
            that one must hold. `_geoRadius(lat, lng, metres)` may stand beside the others.",
        "type": ["string", "array", "null"]
    });
    let hits = json!({ "type": "array", "items": { "type": "object" } });
    let mut search = json!({
        "indexUid": maybe_text, "q": maybe_text, "offset": maybe_count, "limit": maybe_count, "page": maybe_count,
        "hitsPerPage": maybe_count, "filter": filter, "facets": texts, "attributesToRetrieve": texts,
        "attributesToHighlight": texts, "attributesToCrop": texts, "cropLength": maybe_count,
        "cropMarker": maybe_text, "highlightPreTag": maybe_text, "highlightPostTag": maybe_text, "sort": texts,
        "matchingStrategy": { "enum": ["last", "frequency", null] }, "locales": texts, "attributesToSearchOn": texts,
        "showMatchesPosition": flag, "showRankingScore": flag, "showRankingScoreDetails": flag,
        "distinct": maybe_text,
        "retrieveVectors": flag
    });
    let one_search = closed(search.clone(), &[]);
    search["federationOptions"] = json!({
        "type": ["object", "null"], "additionalProperties": false,
        "properties": { "weight": { "type": "number", "minimum": 0 } }
    });
    let federation = json!({
        "type": ["object", "null"], "additionalProperties": false,
        "description": "Makes one list of all hits: places are weighed, as in `merge` of `/v1/search/batch`.",
        "properties": {
            "limit": maybe_count, "offset": maybe_count,
            "facetsByIndex": { "type": ["object", "null"], "additionalProperties": texts },
            "mergeFacets": {
                "type": ["object", "null"], "additionalProperties": false,
                "properties": { "maxValuesPerFacet": maybe_count }
            }
        }
    });
    let synonyms = json!({ "type": "array", "items": { "type": "string" } });
    let map = |nullable: bool| {
        json!({
            "type": if nullable { json!(["object", "null"]) } else { json!("object") },
            "description": "Each word with those that it also finds.",
            "additionalProperties": synonyms
        })
    };
    let task = json!({
        "uid": count, "indexUid": text, "status": { "enum": ["succeeded", "failed"] }, "type": text,
        "details": {}, "error": { "anyOf": [named("MeiliError"), { "type": "null" }] },
        "enqueuedAt": { "type": "string", "format": "date-time" }
    });
    let own = [
        (
            "MeiliError",
            object(
                json!({
                    "message": text, "code": text, "type": { "enum": ["invalid_request", "internal", "auth", "system"] },
                    "link": text
                }),
                &["message", "code", "type", "link"],
            ),
        ),
        ("MeiliHealth", object(json!({ "status": { "const": "available" } }), &["status"])),
        (
            "MeiliVersion",
            object(
                json!({ "pkgVersion": text, "commitSha": text, "commitDate": text }),
                &["pkgVersion", "commitSha", "commitDate"],
            ),
        ),
        ("MeiliIndex", object(json!({ "uid": text, "primaryKey": text }), &["uid", "primaryKey"])),
        (
            "MeiliIndexes",
            object(json!({ "results": list("MeiliIndex"), "total": count }), &["results", "total"]),
        ),
        (
            "MeiliNewIndex",
            closed(
                json!({ "uid": { "type": "string",
            "pattern": "^[A-Za-z0-9_-]{1,400}$" }, "primaryKey": maybe_text }),
                &["uid"],
            ),
        ),
        (
            "MeiliIndexStats",
            object(
                json!({ "numberOfDocuments": count, "isIndexing": { "type": "boolean" } }),
                &["numberOfDocuments", "isIndexing"],
            ),
        ),
        (
            "MeiliStats",
            object(
                json!({ "indexes": { "type": "object",
            "additionalProperties": named("MeiliIndexStats") } }),
                &["indexes"],
            ),
        ),
        (
            "MeiliDocuments",
            object(
                json!({ "results": hits, "offset": count, "limit": count, "total": count }),
                &["results", "offset", "limit", "total"],
            ),
        ),
        (
            "MeiliDocumentBody",
            json!({ "description": "Documents, or one by itself.", "oneOf": [
                { "type": "object" }, { "type": "array", "items": { "type": "object" } }
            ]}),
        ),
        (
            "MeiliListing",
            closed(
                json!({
                    "offset": count, "limit": maybe_count, "fields": texts, "filter": filter,
                    "ids": { "type": ["array", "null"], "items": {} }, "retrieveVectors": { "const": false }
                }),
                &[],
            ),
        ),
        (
            "MeiliFilterBody",
            closed(json!({ "filter": { "type": ["string", "array"] } }), &["filter"]),
        ),
        ("MeiliSearch", one_search),
        ("MeiliQuery", closed(search, &[])),
        (
            "MeiliMultiSearch",
            closed(
                json!({
                    "queries": { "type": "array", "maxItems": 20, "items": named("MeiliQuery") },
                    "federation": federation
                }),
                &["queries"],
            ),
        ),
        (
            "MeiliSearchAnswer",
            object(
                json!({
                    "hits": hits, "query": text, "processingTimeMs": count, "limit": count, "offset": count,
                    "estimatedTotalHits": count, "hitsPerPage": count, "page": count, "totalPages": count, "totalHits": count,
                    "facetDistribution": { "type": "object" }, "facetStats": { "type": "object" }
                }),
                &["hits", "query", "processingTimeMs"],
            ),
        ),
        (
            "MeiliMergedAnswer",
            object(
                json!({
                    "hits": hits, "processingTimeMs": count, "limit": count, "offset": count, "estimatedTotalHits": count
                }),
                &["hits", "processingTimeMs", "limit", "offset", "estimatedTotalHits"],
            ),
        ),
        (
            "MeiliMultiAnswer",
            json!({ "anyOf": [
                object(json!({ "results": list("MeiliSearchAnswer") }), &["results"]), named("MeiliMergedAnswer")
            ]}),
        ),
        (
            "MeiliFacetSearch",
            object(
                json!({
                    "facetName": text, "facetQuery": maybe_text, "q": maybe_text, "filter": filter,
                    "matchingStrategy": { "enum": ["last", "frequency", null] }, "attributesToSearchOn": texts
                }),
                &["facetName"],
            ),
        ),
        (
            "MeiliFacetAnswer",
            object(
                json!({ "facetHits": { "type": "array", "items": object(
            json!({ "value": text, "count": count }), &["value", "count"]) }, "facetQuery": maybe_text,
            "processingTimeMs": count }),
                &["facetHits", "facetQuery", "processingTimeMs"],
            ),
        ),
        ("MeiliSynonyms", map(false)),
        ("MeiliSynonymsBody", map(true)),
        ("MeiliSettings", object(json!({ "synonyms": map(false) }), &["synonyms"])),
        (
            "MeiliSettingsBody",
            json!({
                "type": "object", "additionalProperties": { "type": "null" },
                "properties": { "synonyms": map(true), "filterableAttributes": {}, "sortableAttributes": {} }
            }),
        ),
        (
            "MeiliTaskBegun",
            object(
                json!({
                    "taskUid": count, "indexUid": text, "status": { "const": "enqueued" }, "type": text,
                    "enqueuedAt": { "type": "string", "format": "date-time" }
                }),
                &["taskUid", "indexUid", "status", "type", "enqueuedAt"],
            ),
        ),
        (
            "MeiliTask",
            object(task, &["uid", "indexUid", "status", "type", "details", "error", "enqueuedAt"]),
        ),
        (
            "MeiliTasks",
            object(
                json!({ "results": list("MeiliTask"), "total": count, "limit": count,
            "from": maybe_count, "next": maybe_count }),
                &["results", "total", "limit", "from", "next"],
            ),
        ),
    ];
    schemas.extend(own.map(|(name, schema)| (name.to_owned(), schema)));
}
