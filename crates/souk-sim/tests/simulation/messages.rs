//! Messages as a shop's systems send them, each with what it should do.

use serde_json::{Map, Value, json};

use super::model::{Basis, Change, Effect, Line, Report, Sku, Touch, Who};
use super::shop::moment;
use super::{PLACES, SITES};

/// Names of sources, by their strength.
pub(crate) const SOURCES: [&str; 4] = ["browser", "server", "pos", "erp"];
pub(crate) const SERVER: u8 = 1;
pub(crate) const TILL: u8 = 2;
pub(crate) const LEDGER: u8 = 3;

/// An event on its way, with what it should do.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) body: Value,
    pub(crate) effects: Vec<Effect>,
    /// Whether the door must turn it away.
    pub(crate) is_refused: bool,
}

/// The body of a batch.
pub(crate) fn batch(messages: &[Message]) -> String {
    let batch: Vec<&Value> = messages.iter().map(|message| &message.body).collect();
    json!({ "batch": batch }).to_string()
}

fn amount(minor: i64) -> f64 {
    minor as f64 / 100.0
}

fn quantity(milli: i64) -> f64 {
    milli as f64 / 1_000.0
}

/// How a line says what it cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pricing {
    /// The price of one, in minor units, for each line.
    Each,
    /// The amount of the line.
    Whole,
}

/// A line with the price of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PricedLine {
    pub(crate) line: Line,
    pub(crate) each_minor: i64,
}

impl PricedLine {
    /// A line whose amount is price by quantity, rounded half up once.
    pub(crate) fn new(number: u64, milli: i64, each_minor: i64) -> PricedLine {
        let minor = (each_minor * milli + 500).div_euclid(1_000);
        PricedLine { line: Line { number, milli, minor }, each_minor }
    }

    fn json(self, pricing: Pricing) -> Value {
        let Line { number, milli, minor } = self.line;
        let unit = if milli % 1_000 == 0 { "each" } else { "kg" };
        let mut line = json!({
            "product_id": format!("p{number}"), "quantity": quantity(milli), "unit": unit,
        });
        match pricing {
            Pricing::Each => line["price"] = json!(amount(self.each_minor)),
            Pricing::Whole => line["amount"] = json!(amount(minor)),
        }
        line
    }
}

fn track(id: &str, event: &str, (at, site): (i64, usize)) -> Map<String, Value> {
    let event = json!({
        "type": "track", "event": event, "messageId": id, "timestamp": moment(at).to_string(),
        "context": {"site": SITES[site].id},
    });
    let Value::Object(event) = event else { unreachable!("written above") };
    event
}

fn name(body: &mut Map<String, Value>, who: Who) {
    let key = match who {
        Who::User(_) => "userId",
        Who::Browser(_) | Who::Shade(_) => "anonymousId",
        Who::Card(_) => return,
    };
    body.insert(key.to_owned(), json!(who.id()));
}

/// Somebody did something with a product.
pub(crate) fn touch(id: String, touch: Touch) -> Message {
    let mut body = track(&id, touch.name, (touch.at, touch.sku.site));
    name(&mut body, touch.who);
    body.insert("properties".into(), json!({"product_id": touch.sku.id()}));
    Message { id, body: body.into(), effects: vec![Effect::Touch(touch)], is_refused: false }
}

/// What an order's report says, and the card that was shown with it.
pub(crate) struct OrderWords<'a> {
    pub(crate) event: &'a str,
    pub(crate) report: Report,
    pub(crate) card: Option<Who>,
    pub(crate) lines: &'a [PricedLine],
    pub(crate) pricing: Pricing,
}

/// A report of an order.
pub(crate) fn order(id: String, words: OrderWords<'_>) -> Message {
    let OrderWords { event, mut report, card, lines, pricing } = words;
    let mut body = track(&id, event, (report.at, report.site));
    report.lines = lines.iter().map(|line| line.line).collect();
    let mut properties = json!({
        "order_id": format!("o{}", report.order), "currency": SITES[report.site].currency,
    });
    if report.change == Change::Placed || !lines.is_empty() {
        properties["products"] = lines.iter().map(|line| line.json(pricing)).collect();
    }
    if let Some(place) = report.place {
        properties["location_id"] = json!(PLACES[place].id);
    }
    let mut effects = Vec::new();
    match (report.who, card) {
        (Some(who), Some(card)) if who != card => {
            name(&mut body, who);
            properties["loyalty_card_id"] = json!(card.id());
            effects.push(Effect::Link(who, card, Basis::LoyaltyCard));
        }
        (Some(who @ Who::Card(_)), _) => properties["loyalty_card_id"] = json!(who.id()),
        (Some(who), _) => name(&mut body, who),
        (None, _) => {}
    }
    body.insert("properties".into(), properties);
    body["context"]["source"] = json!(SOURCES[usize::from(report.source)]);
    body["context"]["channel"] = json!(if report.source == SERVER { "web" } else { "store" });
    effects.insert(0, Effect::Order(report));
    Message { id, body: body.into(), effects, is_refused: false }
}

/// A user logs in on a browser, perhaps with a card.
pub(crate) fn identify(
    id: String,
    at: i64,
    (user, browser): (Who, Who),
    card: Option<Who>,
) -> Message {
    let mut body = json!({
        "type": "identify", "messageId": id, "userId": user.id(), "anonymousId": browser.id(),
        "timestamp": moment(at).to_string(),
    });
    let mut effects = vec![Effect::Link(user, browser, Basis::Identify)];
    if let Some(card) = card {
        body["traits"] = json!({"loyalty_card_id": card.id()});
        effects.push(Effect::Link(user, card, Basis::LoyaltyCard));
    }
    Message { id, body, effects, is_refused: false }
}

/// A user was known under another number before.
pub(crate) fn alias(id: String, at: i64, user: u64, previous: u64) -> Message {
    let body = json!({
        "type": "alias", "messageId": id, "userId": Who::User(user).id(),
        "previousId": Who::User(previous).id(), "timestamp": moment(at).to_string(),
    });
    let link = |other| Effect::Link(Who::User(user), other, Basis::Alias);
    let effects = vec![link(Who::Shade(previous)), link(Who::User(previous))];
    Message { id, body, effects, is_refused: false }
}

/// A count or a movement of stock, or a price.
pub(crate) fn shop_fact(id: String, effect: Effect) -> Message {
    let (event, sku, at) = match &effect {
        Effect::Counted { sku, at, .. } => ("Stock Counted", *sku, *at),
        Effect::Received { sku, at, .. } => ("Stock Received", *sku, *at),
        Effect::WrittenOff { sku, at, .. } => ("Stock Written Off", *sku, *at),
        Effect::Moved { sku, at, .. } => ("Stock Moved", *sku, *at),
        Effect::Price { sku, at, .. } => ("Price Changed", *sku, *at),
        Effect::Touch(_) | Effect::Order(_) | Effect::Link(..) => {
            unreachable!("these have their own words")
        }
    };
    let mut body = track(&id, event, (at, sku.site));
    let mut properties = json!({"product_id": sku.id()});
    match &effect {
        Effect::Price { minor, .. } => {
            properties["price"] = json!(amount(*minor));
            properties["currency"] = json!(SITES[sku.site].currency);
        }
        Effect::Counted { place, milli, .. }
        | Effect::Received { place, milli, .. }
        | Effect::WrittenOff { place, milli, .. } => {
            properties["location_id"] = json!(PLACES[*place].id);
            properties["quantity"] = json!(quantity(*milli));
        }
        Effect::Moved { place, to, milli, .. } => {
            properties["location_id"] = json!(PLACES[*place].id);
            properties["to_location_id"] = json!(PLACES[*to].id);
            properties["quantity"] = json!(quantity(*milli));
        }
        Effect::Touch(_) | Effect::Order(_) | Effect::Link(..) => {}
    }
    body.insert("properties".into(), properties);
    Message { id, body: body.into(), effects: vec![effect], is_refused: false }
}

/// Events that must be turned away, each for another reason.
pub(crate) fn junk(id: String, at: i64, which: u64) -> Message {
    let sku = Sku { site: 0, number: 1 };
    let day_ms = 86_400_000;
    let body = match which % 7 {
        0 => {
            let mut body = track(&id, "Product Viewed", (at, 0));
            body.insert("userId".into(), json!("u1"));
            Value::Object(body)
        }
        1 => json!({"type": "track", "event": "Product Viewed", "messageId": id,
            "properties": {"product_id": sku.id()}}),
        2 => json!({"type": "track", "event": "Order Completed", "messageId": id, "userId": "u1",
            "properties": {"order_id": "bad", "products": [
                {"product_id": sku.id(), "quantity": 1, "price": -1.5}]}}),
        3 => json!({"type": "track", "event": "Product Viewed", "messageId": id, "userId": "u1",
            "timestamp": moment(at + day_ms + 60_000).to_string(),
            "properties": {"product_id": sku.id()}}),
        4 => json!({"type": "track", "event": "Order Completed", "messageId": id, "userId": "u1",
            "properties": {"order_id": "bad", "currency": "XXY", "products": []}}),
        5 => json!({"type": "track", "event": "Stock Moved", "messageId": id,
            "properties": {"product_id": sku.id(), "location_id": "north", "quantity": 3}}),
        _ => json!({"type": "track", "event": "Product Viewed", "messageId": id, "userId": "u1",
            "context": {"site": "elsewhere"}, "properties": {"product_id": sku.id()}}),
    };
    Message { id, body, effects: Vec::new(), is_refused: true }
}
