//! What the derive macros cannot say about shapes: patterns, closed objects, and what the readers in
//! `souk-core` and `souk-app` demand.

use serde_json::{Map, Value, json};
use souk_core::{Currency, SiteId};

/// Objects that take no other fields than theirs.
const CLOSED: [&str; 9] = [
    "MoneyBody",
    "ProductBody",
    "ProductChange",
    "VariantBody",
    "TranslationBody",
    "RuleWhen",
    "RuleSelect",
    "RuleHours",
    "RuleActionBody",
];

/// Days from 1970 to 9999 that there are, a leap year's 29 February among them. A macro, because `concat!` takes no constants.
macro_rules! day {
    () => {
        "((19[7-9][0-9]|[2-9][0-9]{3})-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|\
02-(0[1-9]|1[0-9]|2[0-8]))|(19(7[26]|8[048]|9[26])|[2-9][0-9](0[48]|[2468][048]|[13579][26])|\
([2468][048]|[3579][26])00)-02-29)"
    };
}

/// Times from 1970 to 9999 in UTC.
pub(super) const TIME_PATTERN: &str =
    concat!("^", day!(), "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?Z$");

/// Days from 1970 to 9999.
pub(super) const DAY_PATTERN: &str = concat!("^", day!(), "$");

/// Comparisons joined by `AND` and `OR`. Parentheses and attributes in quotes are read too, but a
/// regular expression cannot say that they must be balanced.
pub(super) const FILTER_PATTERN: &str = "^(NOT )?[a-z]{2,20} ((=|!=|<|<=|>|>=) ([0-9]{1,9}|\
'[A-Za-z0-9 ]{0,20}')|(NOT )?IN \\['[A-Za-z0-9 ]{0,20}'(, '[A-Za-z0-9 ]{0,20}'){0,9}\\]|EXISTS)\
( (AND|OR) (NOT )?[a-z]{4,20} (=|!=|<|<=|>|>=) ([0-9]{1,9}|'[A-Za-z0-9 ]{0,20}')){0,9}$";

/// Up to 255 bytes: as many ASCII characters, or as few of any kind as always fit.
pub(super) const ID_PATTERN: &str = "^([\\x01-\\x7f]{1,255}|[\\s\\S]{1,63})$";
const OPTIONAL_ID_PATTERN: &str = "^([\\x01-\\x7f]{0,255}|[\\s\\S]{0,63})$";
/// One to 200 bytes.
const VERSION_PATTERN: &str = "^([\\x01-\\x7f]{1,200}|[\\s\\S]{1,50})$";
/// Up to 200 bytes.
const LABEL_PATTERN: &str = "^([\\x01-\\x7f]{0,200}|[\\s\\S]{0,50})$";

/// Up to 500 bytes without control characters and not of spaces alone.
const REASON_PATTERN: &str =
    "^([\\x20-\\x7e]{0,499}[\\x21-\\x7e]|[^\\x00-\\x1f\\x7f-\\x9f\\s]{1,125})$";
/// The name of a forecast override.
pub(super) const OVERRIDE_ID_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$";

const PURPOSES: [&str; 4] = ["personalization", "analytics", "marketing", "model_training"];

/// Completes what was derived.
pub(super) fn refine(schemas: &mut Map<String, Value>, sites: &[SiteId]) {
    for name in CLOSED {
        schemas[name]["additionalProperties"] = false.into();
    }
    let sites: Vec<&str> = sites.iter().map(SiteId::as_str).collect();
    let optional_site =
        json!({ "enum": sites.iter().copied().map(Some).chain([None]).collect::<Vec<_>>() });
    let site_names = json!({ "enum": sites });
    let ids = json!({ "items": { "type": "string", "pattern": ID_PATTERN }, "maxItems": 500 });
    let id = json!({ "pattern": ID_PATTERN });
    let texts = json!({ "items": { "type": "string", "minLength": 1 } });
    let filter = json!({ "format": "souk-filter", "maxLength": 4_096, "pattern": FILTER_PATTERN });
    let origins = json!({
        "items": { "type": "string", "pattern": "^https?://[^/* ]+$" },
        "maxItems": 100
    });
    let additions = [
        ("SearchBody", "filter", filter.clone()),
        ("SearchBody", "site", optional_site.clone()),
        ("SearchBody", "location_id", id.clone()),
        ("SearchBody", "sort", json!({ "enum": ["price:asc", "price:desc", null] })),
        ("SearchBody", "cursor", json!({ "enum": [null] })),
        ("RecommendBody", "filter", filter),
        ("RecommendBody", "exclude", ids.clone()),
        ("ForecastBody", "product_id", id.clone()),
        ("ForecastBody", "location_id", id.clone()),
        ("ForecastBody", "site", optional_site.clone()),
        (
            "ForecastBody",
            "levels",
            json!({ "items": { "type": "number", "minimum": 0.01, "maximum": 0.999 }, "uniqueItems": true }),
        ),
        ("SignalBody", "location_id", id.clone()),
        ("SignalBody", "site", optional_site.clone()),
        ("SignalBody", "date", day()),
        ("OverrideBody", "product_id", id.clone()),
        ("OverrideBody", "location_id", id.clone()),
        ("OverrideBody", "site", optional_site.clone()),
        ("OverrideBody", "from", day()),
        ("OverrideBody", "until", day()),
        ("OverrideBody", "expires_on", day()),
        ("OverrideBody", "reason", json!({ "pattern": REASON_PATTERN })),
        ("PurchaseOrderBody", "id", id.clone()),
        ("PurchaseOrderBody", "site", optional_site.clone()),
        ("PurchaseOrderBody", "supplier_id", id.clone()),
        ("PurchaseOrderBody", "location_id", id.clone()),
        ("PurchaseLineBody", "product_id", id.clone()),
        ("ContextBody", "product_id", id.clone()),
        ("ContextBody", "location_id", id.clone()),
        ("ProductBody", "id", id.clone()),
        ("VariantBody", "id", id),
        ("NewKeyBody", "label", json!({ "pattern": LABEL_PATTERN })),
        ("ContextBody", "site", optional_site.clone()),
        ("ContextBody", "cart", ids.clone()),
        ("ContextBody", "session", ids),
        ("MoneyBody", "currency", currency()),
        ("PriceBody", "currency", json!({ "enum": currencies() })),
        ("ProductBody", "site", optional_site.clone()),
        ("ProductAnswer", "site", site_names),
        ("ConsentsBody", "site", optional_site.clone()),
        ("ConsentsBody", "notice_version", json!({ "pattern": VERSION_PATTERN })),
        ("NewKeyBody", "expires_at", time()),
        ("NewKeyBody", "origins", origins),
    ];
    for (schema, property, addition) in additions {
        merge(property_of(schemas, schema, property), &addition);
    }
    for schema in ["ProductBody", "ProductChange"] {
        merge(property_of(schemas, schema, "published_at"), &time());
        merge(property_of(schemas, schema, "perishable_days"), &json!({ "maximum": u32::MAX }));
        for property in ["categories", "image_urls", "tags"] {
            merge(property_of(schemas, schema, property), &texts);
        }
        for property in ["attributes", "translations"] {
            let named = json!({ "propertyNames": { "minLength": 1 } });
            merge(property_of(schemas, schema, property), &named);
        }
    }
    let named = json!({ "propertyNames": { "minLength": 1 } });
    merge(property_of(schemas, "VariantBody", "attributes"), &named);
    // A product always has a state, so it can be changed and not cleared.
    let state = json!({ "$ref": "#/components/schemas/AvailabilityName" });
    *property_of(schemas, "ProductChange", "availability") = state;
    // One good product is enough: the others are refused by themselves.
    let product = json!({ "$ref": "#/components/schemas/ProductBody" });
    *property_of(schemas, "PutProductsBody", "products") = json!({
        "type": "array", "maxItems": 5_000, "items": {},
        "anyOf": [{ "maxItems": 0 }, { "contains": product }],
        "description": "At most 5,000 products. Each is taken or refused by itself; when none is \
            good, the answer is 422."
    });
    // Each phrase needs a letter or digit.
    let phrase = json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9 ]{0,60}$" });
    for shape in schemas["SynonymBody"]["oneOf"].as_array_mut().into_iter().flatten() {
        shape["additionalProperties"] = json!(false);
    }
    schemas["SynonymBody"]["oneOf"][0]["properties"]["words"]["items"] = phrase.clone();
    for (field, list) in [("from", None), ("to", Some("items"))] {
        let shape = &mut schemas["SynonymBody"]["oneOf"][1]["properties"][field];
        match list {
            Some(items) => shape[items] = phrase.clone(),
            None => merge(shape, &phrase),
        }
    }
    // A change of nothing is refused.
    let some = PURPOSES
        .map(|name| json!({ "required": [name], "properties": { name: { "type": "boolean" } } }));
    schemas["ChoicesBody"]["anyOf"] = json!(some);
    // Units of their own or a multiple of the model's, never both.
    let (number, none) = (json!({ "type": "number" }), json!({ "type": "null" }));
    schemas["OverrideBody"]["oneOf"] = json!([
        { "required": ["units_per_day"], "properties": { "units_per_day": number, "factor": none } },
        { "required": ["factor"], "properties": { "factor": number, "units_per_day": none } },
    ]);
    // Servers have no origin.
    schemas["NewKeyBody"]["anyOf"] = json!([
        { "properties": { "role": { "enum": ["ingest_browser", "storefront_browser"] } } },
        { "properties": { "origins": { "maxItems": 0 } } },
    ]);
    refine_rules(schemas, &sites);
    add_events(schemas, &optional_site);
    schemas.values_mut().for_each(drop_widths);
}

/// The fields that each type of action has, and what the words of a condition are.
fn refine_rules(schemas: &mut Map<String, Value>, sites: &[&str]) {
    let own = [
        ("pin", "position"),
        ("boost", "factor"),
        ("reserve", "share"),
        ("cap_brand", "max"),
        ("cap_category", "max"),
        ("exclude_bought", "days"),
        ("margin", "weight"),
        ("stock", "weight"),
    ];
    let action = &mut schemas["RuleActionBody"];
    let shapes = action["properties"].clone();
    let of_type = |kind: &str, fields: &[&str], required: &[&str]| {
        let mut properties = json!({ "type": { "const": kind } });
        for field in fields {
            properties[*field] = shapes[*field].clone();
        }
        let required: Vec<&str> = std::iter::once("type").chain(required.iter().copied()).collect();
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    };
    let mut kinds = vec![of_type("bury", &[], &[]), of_type("hide", &[], &[])];
    kinds.extend(own.map(|(kind, field)| match kind {
        "cap_category" => of_type(kind, &[field, "depth"], &[field]),
        _ => of_type(kind, &[field], &[field]),
    }));
    *action = json!({ "description": "What a rule does: its type, and what the type needs.", "oneOf": kinds });
    let select = &mut schemas["RuleSelect"];
    select["not"] = json!({ "required": ["filter", "product_ids"] });
    let ids = json!({ "items": { "type": "string", "pattern": ID_PATTERN } });
    // Answers hold filters in full, of which a pattern covers little.
    let filter = json!({ "format": "souk-filter", "maxLength": 4_096 });
    merge(property_of(schemas, "RuleSelect", "filter"), &filter);
    let few = json!({ "items": { "type": "string", "pattern": ID_PATTERN }, "maxItems": 20 });
    merge(property_of(schemas, "RecommendBody", "explain_products"), &few);
    merge(property_of(schemas, "RuleSelect", "product_ids"), &ids);
    merge(property_of(schemas, "RuleWhen", "product_ids"), &ids);
    merge(property_of(schemas, "RuleWhen", "sites"), &json!({ "items": { "enum": sites } }));
    for name in ["placements", "page_types", "categories"] {
        let words = json!({ "items": { "type": "string", "minLength": 1, "maxLength": 120 } });
        merge(property_of(schemas, "RuleWhen", name), &words);
    }
    // An entry needs a letter or digit, which a faithful pattern would not say of every script.
    let queries = json!({ "items": { "type": "string", "pattern": "^[a-z]{1,40}$" } });
    merge(property_of(schemas, "RuleWhen", "queries"), &queries);
    let strategies = souk_app::Strategy::ALL[1..].iter().map(|one| one.as_str());
    let strategies: Vec<&str> = strategies.chain([souk_app::SEARCH_STRATEGY]).collect();
    merge(
        property_of(schemas, "RuleWhen", "strategies"),
        &json!({ "items": { "enum": strategies } }),
    );
    // The keys that every shop has: others are its own affair.
    let segments =
        json!({ "items": { "type": "string", "pattern": "^(champions|loyal|at_risk|lost)$" } });
    merge(property_of(schemas, "RuleWhen", "segments"), &segments);
    for name in ["from", "until"] {
        merge(property_of(schemas, "RuleWhen", name), &time());
    }
}

/// Drops `int32` and `int64`: a width is how this program holds a number, not what the number may be.
fn drop_widths(value: &mut Value) {
    match value {
        Value::Object(object) => {
            let is_width = |format: &Value| format == "int32" || format == "int64";
            if object.get("format").is_some_and(is_width) {
                object.remove("format");
            }
            object.values_mut().for_each(drop_widths);
        }
        Value::Array(values) => values.iter_mut().for_each(drop_widths),
        _ => {}
    }
}

fn property_of<'a>(schemas: &'a mut Map<String, Value>, schema: &str, name: &str) -> &'a mut Value {
    let place = schemas.get_mut(schema).and_then(|schema| schema["properties"].get_mut(name));
    place.unwrap_or_else(|| panic!("{schema} has no {name}; correct the table in schemas.rs"))
}

fn time() -> Value {
    json!({ "format": "date-time", "pattern": TIME_PATTERN })
}

fn day() -> Value {
    json!({ "format": "date", "pattern": DAY_PATTERN })
}

fn currency() -> Value {
    let codes = currencies().into_iter().map(Value::from).chain([Value::Null]);
    json!({ "enum": codes.collect::<Vec<_>>(), "type": ["string", "null"] })
}

/// The codes that the program knows, found by asking it for each that could be one.
fn currencies() -> Vec<String> {
    let letters = || (b'A'..=b'Z').map(char::from);
    let pairs = letters().flat_map(|a| letters().map(move |b| [a, b]));
    let codes = pairs.flat_map(|[a, b]| letters().map(move |c| String::from_iter([a, b, c])));
    codes.filter(|code| Currency::parse(code).is_ok()).collect()
}

pub(super) fn merge(place: &mut Value, addition: &Value) {
    let place = place.as_object_mut().expect("a schema is an object");
    let addition = addition.as_object().expect("an addition is an object");
    place.extend(addition.iter().map(|(key, value)| (key.clone(), value.clone())));
}

/// Segment's messages, as the door in `souk-app` reads them: leniently, so no derived shape fits.
fn add_events(schemas: &mut Map<String, Value>, sites: &Value) {
    let id = |description: &str| {
        json!({ "description": description, "anyOf": [
            { "type": "string", "pattern": OPTIONAL_ID_PATTERN },
            { "type": "integer", "minimum": i64::MIN, "maximum": i64::MAX },
            { "type": "null" }
        ]})
    };
    let mut site = json!({ "description": "Whose site; the first one when left out." });
    merge(&mut site, sites);
    let context = json!({
        "type": ["object", "null"],
        "description": "Where it happened. Everything else that Segment's clients put here is not kept.",
        "properties": {
            "channel": { "enum": ["web", "mobile", "store", "email", "call_center", null] },
            "source": { "enum": ["browser", "server", "pos", "erp", null],
                "description": "Which system reports it; the closest to the money wins." },
            "site": site
        }
    });
    let object =
        |description: &str| json!({ "type": ["object", "null"], "description": description });
    let name =
        |description: &str| json!({ "type": ["string", "null"], "description": description });
    let event = json!({ "type": "string", "minLength": 1, "description":
        "One of the e-commerce events of Segment's spec v2, `Order Updated`, `Stock Counted`, \
         `Stock Received`, `Stock Moved`, `Stock Written Off`, `Price Changed`, `Promotion Planned`, \
         `Promotion Started`, `Promotion Ended`, or any name of your own. At most 1,000 bytes." });
    let kinds = [
        (
            "TrackMessage",
            vec![("event", event), ("properties", object("What the event is about."))],
        ),
        ("IdentifyMessage", vec![("traits", object("What is known of the shopper."))]),
        (
            "PageMessage",
            vec![("name", name("The page's name.")), ("properties", object("`path`, `title`, …."))],
        ),
        (
            "ScreenMessage",
            vec![("name", name("The screen's name.")), ("properties", object("Anything."))],
        ),
        ("GroupMessage", vec![("groupId", id("The group's id.")), ("traits", object("Anything."))]),
        ("AliasMessage", vec![("previousId", id("The former id."))]),
    ];
    for (schema, own) in kinds {
        let mut properties = Map::new();
        properties.insert("messageId".into(), id("Names the message: the same one is kept once."));
        properties.insert("userId".into(), id("The shop's name for the shopper."));
        properties.insert("anonymousId".into(), id("The browser's name for the shopper."));
        properties.insert("context".into(), context.clone());
        properties.extend(own.into_iter().map(|(name, schema)| (name.to_owned(), schema)));
        schemas.insert(schema.into(), message(schema, properties));
    }
    schemas.insert("MessageBatch".into(), json!({
        "type": "object", "required": ["batch"],
        "properties": { "batch": { "type": "array", "maxItems": 2_500, "items": {}, "description":
            "At most 2,500 messages, each with its `type`: track, identify, page, screen, group or \
             alias. One that is wrong is `rejected`, the rest is kept." } }
    }));
}

/// A message of these properties; who it is about must be there, under one name or the other.
fn message(schema: &str, properties: Map<String, Value>) -> Value {
    let given = |name: &str| {
        json!({ "required": [name], "properties": { name: { "anyOf": [
            { "type": "string", "pattern": ID_PATTERN }, { "type": "integer" }
        ]}}})
    };
    let mut message = json!({
        "type": "object",
        "description": "A message of Segment's tracking API. `timestamp`, `originalTimestamp` and \
            `sentAt` (RFC 3339) correct the client's clock. Other keys are ignored and counted.",
        "properties": properties,
        "anyOf": [given("userId"), given("anonymousId")]
    });
    match schema {
        "TrackMessage" => message["required"] = json!(["event"]),
        "GroupMessage" => message["allOf"] = json!([given("groupId")]),
        "AliasMessage" => {
            message["anyOf"] = json!([given("userId")]);
            message["allOf"] = json!([given("previousId")]);
        }
        _ => {}
    }
    message
}
