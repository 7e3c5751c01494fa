//! Rules as JSON, the same in requests, files and the table store.

use serde_json::{Map, Number, Value, json};

use super::faults::{Faults, FieldError, show};
use crate::rules::{
    CapBy, Condition, Hours, Message, Moment, Rule, RuleAction, RuleId, Schedule, Selection,
    Weekday,
};
use crate::{Channel, Filter, ProductId, SiteId, Timestamp};

const RULE_FIELDS: [&str; 7] = ["id", "name", "enabled", "priority", "when", "select", "action"];
const WHEN_FIELDS: [&str; 13] = [
    "placements",
    "strategies",
    "page_types",
    "product_ids",
    "categories",
    "queries",
    "channels",
    "sites",
    "segments",
    "from",
    "until",
    "days",
    "hours",
];

/// Reads a rule. `id` is the one it has when it names none; `created_at` is not part of the shape.
///
/// # Errors
///
/// Every fault, each with a JSON pointer from the rule's own root.
pub fn rule_from_json(
    value: &Value,
    id: Option<&RuleId>,
    created_at: Timestamp,
) -> Result<Rule, Vec<FieldError>> {
    let mut faults = Faults::default();
    let rule = read_rule(&mut faults, value, (id, created_at));
    if !faults.found.is_empty() {
        return Err(faults.found);
    }
    let rule = rule.expect("a rule that was not read left a fault");
    rule.validate().map(|()| rule).map_err(|errors| {
        let fault = |error: crate::rules::RuleError| FieldError {
            pointer: error.field.to_owned(),
            detail: error.detail,
        };
        errors.into_iter().map(fault).collect()
    })
}

fn read_rule(
    faults: &mut Faults,
    value: &Value,
    (id, created_at): (Option<&RuleId>, Timestamp),
) -> Option<Rule> {
    let object = faults.object(value, "a rule", &RULE_FIELDS)?;
    let own_id = given(object, "id").map(|value| {
        faults.at("id", |faults| {
            let text = faults.text(value)?;
            RuleId::new(&text).map_err(|error| faults.fault::<()>(error.to_string())).ok()
        })
    });
    let id = match (own_id, id) {
        (Some(own), _) => own,
        (None, Some(id)) => Some(id.clone()),
        (None, None) => faults.missing("id", "every rule needs a text such as \"own-brand-first\""),
    };
    let name = given(object, "name")
        .map_or(Some(String::new()), |value| faults.at("name", |faults| faults.text(value)));
    let is_on = given(object, "enabled").map_or(Some(true), |value| {
        faults.at("enabled", |faults| {
            let refuse = |faults: &mut Faults| {
                faults.fault(format!("is {}; must be true or false", show(value)))
            };
            value.as_bool().or_else(|| refuse(faults))
        })
    });
    let priority = given(object, "priority").map_or(Some(0), |value| {
        faults.at("priority", |faults| whole(faults, value, (-1_000, 1_000)))
    });
    let when = given(object, "when").map_or(Some(Condition::default()), |value| {
        faults.at("when", |faults| read_when(faults, value))
    });
    let selection = given(object, "select").map_or(Some(Selection::All), |value| {
        faults.at("select", |faults| read_selection(faults, value))
    });
    let action = match given(object, "action") {
        Some(value) => faults.at("action", |faults| {
            let action = read_action(faults, value)?;
            Some((action, read_message(faults, (action, value))?))
        }),
        None => faults.missing("action", "every rule needs one such as {\"type\": \"hide\"}"),
    };
    let (action, message) = action?;
    Some(Rule {
        id: id?,
        name: name?,
        is_on: is_on?,
        priority: i16::try_from(priority?).ok()?,
        when: when?,
        selection: selection?.without_repetitions(),
        action,
        message,
        created_at,
    })
}

/// A field that is there; `null` is no value of any.
fn given<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object.get(name)
}

fn whole(faults: &mut Faults, value: &Value, (low, high): (i64, i64)) -> Option<i64> {
    let number = value.as_f64().filter(|number| number.fract() == 0.0);
    match number {
        Some(number) if (low as f64..=high as f64).contains(&number) => Some(number as i64),
        _ => faults
            .fault(format!("is {}; must be a whole number between {low} and {high}", show(value))),
    }
}

fn decimal(faults: &mut Faults, value: &Value) -> Option<f32> {
    match value.as_f64() {
        Some(number) => Some(number as f32),
        None => faults.fault(format!("is {}; must be a number", show(value))),
    }
}

fn read_when(faults: &mut Faults, value: &Value) -> Option<Condition> {
    let object = faults.object(value, "`when`", &WHEN_FIELDS)?;
    let texts = |faults: &mut Faults, name: &str| {
        let Some(value) = given(object, name) else { return Some(Vec::new()) };
        faults.at(name, |faults| faults.list(value, Faults::text))
    };
    let placements = texts(faults, "placements");
    let strategies = texts(faults, "strategies");
    let page_types = texts(faults, "page_types");
    let page_categories = texts(faults, "categories");
    let queries = texts(faults, "queries");
    let segments = texts(faults, "segments");
    let page_products = ids(faults, (object, "product_ids"), ProductId::new);
    let sites = ids(faults, (object, "sites"), SiteId::new);
    let known = Channel::ALL.map(Channel::as_str).join(", ");
    let channels = words(faults, (object, "channels"), (Channel::parse, &known));
    let known = Weekday::ALL.map(Weekday::as_str).join(", ");
    let days = words(faults, (object, "days"), (Weekday::parse, &known));
    let moment = |faults: &mut Faults, name: &str| {
        let Some(value) = given(object, name) else { return Some(None) };
        faults.at(name, |faults| {
            let text = faults.text(value)?;
            let read = Moment::parse(&text);
            read.map_err(|error| faults.fault::<()>(error.to_string())).ok().map(Some)
        })
    };
    let (from, until) = (moment(faults, "from"), moment(faults, "until"));
    let hours = match given(object, "hours") {
        None => Some(None),
        Some(value) => faults.at("hours", |faults| read_hours(faults, value)).map(Some),
    };
    let schedule = Schedule { from: from?, until: until?, days: days?, hours: hours? };
    Some(Condition {
        placements: placements?,
        strategies: strategies?,
        page_types: page_types?,
        page_products: page_products?,
        page_categories: page_categories?,
        queries: queries?,
        channels: channels?,
        sites: sites?,
        segments: segments?,
        schedule,
    })
}

fn ids<T>(
    faults: &mut Faults,
    (object, name): (&Map<String, Value>, &str),
    make: fn(String) -> Result<T, crate::IdError>,
) -> Option<Vec<T>> {
    let Some(value) = given(object, name) else { return Some(Vec::new()) };
    faults.at(name, |faults| {
        faults.list(value, |faults, value| {
            let text = faults.text(value)?;
            make(text).map_err(|error| faults.fault::<()>(error.to_string())).ok()
        })
    })
}

fn words<T>(
    faults: &mut Faults,
    (object, name): (&Map<String, Value>, &str),
    (parse, known): (fn(&str) -> Option<T>, &str),
) -> Option<Vec<T>> {
    let Some(value) = given(object, name) else { return Some(Vec::new()) };
    faults.at(name, |faults| {
        faults.list(value, |faults, value| {
            let text = faults.text(value)?;
            parse(&text).or_else(|| faults.fault(format!("is `{text}`; must be one of {known}")))
        })
    })
}

fn read_hours(faults: &mut Faults, value: &Value) -> Option<Hours> {
    let object = faults.object(value, "`hours`", &["from", "until"])?;
    let mut minute = |name: &str| match object.get(name) {
        None => faults.missing(name, "write a time of day such as \"08:30\""),
        Some(value) => faults.at(name, |faults| {
            let text = faults.text(value)?;
            Hours::minute(&text)
                .or_else(|| faults.fault(format!("is `{text}`; write a time of day such as 08:30")))
        }),
    };
    let (from, until) = (minute("from"), minute("until"));
    // Until 00:00 is until the day's end.
    Some(Hours { from: from?, until: if until? == 0 { 1_440 } else { until? } })
}

fn read_selection(faults: &mut Faults, value: &Value) -> Option<Selection> {
    let object = faults.object(value, "`select`", &["filter", "product_ids"])?;
    match (given(object, "filter"), given(object, "product_ids")) {
        (Some(_), Some(_)) => faults.fault("has both `filter` and `product_ids`; give one of them"),
        (None, None) => Some(Selection::All),
        (Some(value), None) => faults.at("filter", |faults| {
            let text = faults.text(value)?;
            let filter = Filter::parse(&text);
            filter
                .map_err(|error| faults.fault::<()>(error.to_string()))
                .ok()
                .map(Selection::Filter)
        }),
        (None, Some(_)) => {
            ids(faults, (object, "product_ids"), ProductId::new).map(Selection::Products)
        }
    }
}

/// The kinds of action, each with the fields that it has besides its type.
const ACTIONS: [(&str, &[&str]); 12] = [
    ("pin", &["position"]),
    ("boost", &["factor"]),
    ("bury", &[]),
    ("hide", &[]),
    ("reserve", &["share"]),
    ("cap_brand", &["max"]),
    ("cap_category", &["max", "depth"]),
    ("exclude_bought", &["days"]),
    ("margin", &["weight"]),
    ("stock", &["weight"]),
    ("redirect", &["url"]),
    ("banner", &["title", "text", "url", "image_url"]),
];

/// What a redirect or banner says; `Some(None)` of any other action.
fn read_message(
    faults: &mut Faults,
    (action, value): (RuleAction, &Value),
) -> Option<Option<Message>> {
    let (true, Value::Object(object)) = (action.is_message(), value) else { return Some(None) };
    let mut text = |name: &str| match given(object, name) {
        None => Some(None),
        Some(value) => {
            faults.at(name, |faults| faults.text(value)).map(|text| Some(text.into_boxed_str()))
        }
    };
    let [url, title, words, image_url] = ["url", "title", "text", "image_url"].map(&mut text);
    Some(Some(Message { url: url?, title: title?, text: words?, image_url: image_url? }))
}

fn read_action(faults: &mut Faults, value: &Value) -> Option<RuleAction> {
    let Value::Object(object) = value else {
        return faults.fault(format!("is {}; `action` is an object", show(value)));
    };
    let kinds = ACTIONS.map(|(name, _)| name).join(", ");
    let Some(kind) = object.get("type") else {
        return faults.missing("type", &format!("give one of {kinds}"));
    };
    let kind = faults.at("type", |faults| faults.text(kind))?;
    let Some((_, own)) = ACTIONS.iter().find(|(name, _)| *name == kind) else {
        return faults
            .at("type", |faults| faults.fault(format!("is `{kind}`; must be one of {kinds}")));
    };
    let known: Vec<&str> = std::iter::once("type").chain(own.iter().copied()).collect();
    faults.object(value, &format!("the action `{kind}`"), &known)?;
    let mut count = |name: &str, high: i64| match given(object, name) {
        None => faults.missing(name, &format!("give a whole number from 1 to {high}")),
        Some(value) => faults.at(name, |faults| whole(faults, value, (1, high))),
    };
    let max = |count: Option<i64>| count.and_then(|count| u16::try_from(count).ok());
    Some(match kind.as_str() {
        "pin" => {
            RuleAction::Pin { position: max(count("position", i64::from(Rule::POSITION_MAX)))? }
        }
        "bury" => RuleAction::Bury,
        "hide" => RuleAction::Hide,
        "redirect" => RuleAction::Redirect,
        "banner" => RuleAction::Banner,
        "cap_brand" => RuleAction::Cap { by: CapBy::Brand, max: max(count("max", 100))? },
        "cap_category" => {
            let depth = match object.contains_key("depth") {
                true => Some(u8::try_from(count("depth", 10)?).ok()?),
                false => None,
            };
            RuleAction::Cap { by: CapBy::Category { depth }, max: max(count("max", 100))? }
        }
        "exclude_bought" => {
            RuleAction::ExcludeBought { days: max(count("days", i64::from(Rule::DAYS_MAX)))? }
        }
        other => {
            let name = own[0];
            let number = match given(object, name) {
                None => faults.missing(name, "give a number"),
                Some(value) => faults.at(name, |faults| decimal(faults, value)),
            }?;
            match other {
                "boost" => RuleAction::Boost { factor: number },
                "reserve" => RuleAction::Reserve { share: number },
                "margin" => RuleAction::Margin { weight: number },
                _ => RuleAction::Stock { weight: number },
            }
        }
    })
}

/// Writes a rule, without what is at its default but for `enabled` and `priority`.
pub fn rule_to_json(rule: &Rule) -> Value {
    let mut object = Map::new();
    object.insert("id".into(), rule.id.as_str().into());
    object.insert("name".into(), rule.name.as_str().into());
    object.insert("enabled".into(), rule.is_on.into());
    object.insert("priority".into(), rule.priority.into());
    object.insert("when".into(), when_to_json(&rule.when));
    let selection = match &rule.selection {
        Selection::All => json!({}),
        Selection::Filter(filter) => json!({ "filter": filter.to_string() }),
        Selection::Products(ids) => {
            json!({ "product_ids": ids.iter().map(ProductId::as_str).collect::<Vec<_>>() })
        }
    };
    object.insert("select".into(), selection);
    let mut action = action_to_json(rule.action);
    if let (Some(message), Value::Object(action)) = (&rule.message, &mut action) {
        let Message { url, title, text, image_url } = message;
        let parts = [("url", url), ("title", title), ("text", text), ("image_url", image_url)];
        for (name, part) in parts {
            part.iter().for_each(|part| {
                action.insert(name.into(), (**part).into());
            });
        }
    }
    object.insert("action".into(), action);
    Value::Object(object)
}

fn when_to_json(when: &Condition) -> Value {
    let mut object = Map::new();
    let mut list = |name: &str, values: Vec<Value>| {
        if !values.is_empty() {
            object.insert(name.into(), values.into());
        }
    };
    let texts = |texts: &[String]| texts.iter().map(|text| text.as_str().into()).collect();
    list("placements", texts(&when.placements));
    list("strategies", texts(&when.strategies));
    list("page_types", texts(&when.page_types));
    list("product_ids", when.page_products.iter().map(|id| id.as_str().into()).collect());
    list("categories", texts(&when.page_categories));
    list("queries", texts(&when.queries));
    list("channels", when.channels.iter().map(|one| one.as_str().into()).collect());
    list("sites", when.sites.iter().map(|one| one.as_str().into()).collect());
    list("segments", texts(&when.segments));
    list("days", when.schedule.days.iter().map(|one| one.as_str().into()).collect());
    for (name, moment) in [("from", when.schedule.from), ("until", when.schedule.until)] {
        if let Some(moment) = moment {
            object.insert(name.into(), moment.to_string().into());
        }
    }
    if let Some(hours) = when.schedule.hours {
        let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        object.insert(
            "hours".into(),
            json!({ "from": time(hours.from), "until": time(hours.until) }),
        );
    }
    Value::Object(object)
}

fn action_to_json(action: RuleAction) -> Value {
    let kind = action.as_str();
    // 1.1 as the nearest `f32` is meant as 1.1.
    let short = |value: f32| -> Value {
        let number: Option<f64> = value.to_string().parse().ok();
        number.and_then(Number::from_f64).map_or(Value::Null, Value::Number)
    };
    match action {
        RuleAction::Pin { position } => json!({ "type": kind, "position": position }),
        RuleAction::Boost { factor } => json!({ "type": kind, "factor": short(factor) }),
        RuleAction::Bury | RuleAction::Hide | RuleAction::Redirect | RuleAction::Banner => {
            json!({ "type": kind })
        }
        RuleAction::Reserve { share } => json!({ "type": kind, "share": short(share) }),
        RuleAction::Cap { by: CapBy::Category { depth: Some(depth) }, max } => {
            json!({ "type": kind, "max": max, "depth": depth })
        }
        RuleAction::Cap { max, .. } => json!({ "type": kind, "max": max }),
        RuleAction::ExcludeBought { days } => json!({ "type": kind, "days": days }),
        RuleAction::Margin { weight } | RuleAction::Stock { weight } => {
            json!({ "type": kind, "weight": short(weight) })
        }
    }
}
