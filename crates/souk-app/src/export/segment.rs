//! Events in the shape in which Segment's clients send them.

use serde_json::{Map, Value, json};
use souk_core::wire::json::money_to_json;
use souk_core::{
    Event, Fact, Interaction, LinkBasis, OrderChange, OrderLine, PriceChange, ProductMention,
    Promotion, PromotionPhase, Quantity, StockChange, StockMovement, Unit,
};

use super::file::Field;

/// The columns of a Parquet file of events.
pub(super) const FIELDS: &[Field] = &[
    Field::text("message_id"),
    Field::text("type"),
    Field::text("event"),
    Field::text("user_id"),
    Field::time("timestamp"),
    Field::text("site"),
    Field::text("channel"),
    Field::text("source"),
    Field::text("json"),
];

/// The name of a change of an order.
pub(super) fn change_name(change: OrderChange) -> &'static str {
    match change {
        OrderChange::Placed => "placed",
        OrderChange::Refunded => "refunded",
        OrderChange::Cancelled => "cancelled",
    }
}

/// The event as a client would send it; `None` for what has no such shape: the catalogue and
/// consents, which have exports of their own, what the shop showed, and the person-free copy of a known shopper's order.
pub(crate) fn message(event: &Event, subject: Option<&str>) -> Option<Value> {
    let track = |name: &str, properties: Value| json!({"type": "track", "event": name, "properties": properties});
    let mut message = match &event.fact {
        Fact::Interaction(interaction) => {
            track(interaction.action.as_str(), interaction_properties(interaction))
        }
        Fact::Searched { query } => track("Products Searched", json!({"query": query})),
        Fact::PageSeen { name, path } => json!({
            "type": "page", "name": name, "properties": {"path": path},
        }),
        Fact::Custom { name, properties } => track(name, parsed(properties.as_deref())),
        Fact::Identified { traits } => {
            json!({"type": "identify", "traits": parsed(traits.as_deref())})
        }
        Fact::Grouped { group_id, traits } => {
            json!({"type": "group", "groupId": group_id, "traits": parsed(traits.as_deref())})
        }
        Fact::Linked {
            other,
            basis: LinkBasis::Alias | LinkBasis::Identify | LinkBasis::LoyaltyCard,
        } => {
            json!({"type": "alias", "previousId": other.to_string()})
        }
        Fact::Order(order) => {
            let mut properties = parsed(order.extra.as_deref());
            properties["order_id"] = order.order_id.as_str().into();
            properties["location_id"] = order.location.as_ref().map(|id| id.as_str()).into();
            properties["total"] = order.total.map(money_to_json).into();
            properties["products"] = order.lines.iter().map(line).collect();
            track(order_event(order.change), properties)
        }
        // With a person known, the order itself is exported; without one, this is all there is.
        Fact::Sale(sale) if event.message_id.is_some() => {
            let mut properties = json!({"order_id": sale.order.to_string()});
            properties["location_id"] = sale.location.as_ref().map(|id| id.as_str()).into();
            properties["products"] = sale.lines.iter().map(line).collect();
            track(order_event(sale.change), properties)
        }
        Fact::Stock(change) => track(stock_event(change.movement), stock(change)),
        Fact::Price(change) => track("Price Changed", price(change)),
        Fact::Promotion(one) => track(promotion_event(one.phase), promotion(one)),
        Fact::Sale(_)
        | Fact::Unlinked { .. }
        | Fact::Impressions(_)
        | Fact::Consent(_)
        | Fact::ProductPut(_)
        | Fact::ProductPatched { .. }
        | Fact::ProductDeleted { .. }
        | Fact::Forgotten { .. } => return None,
    };
    message["messageId"] = event.message_id.as_deref().into();
    if let Some(subject) = subject {
        message["userId"] = subject.into();
    }
    message["timestamp"] = event.at.to_string().into();
    message["context"] = json!({
        "site": event.site.as_str(),
        "channel": event.channel.map(|channel| channel.as_str()),
        "source": event.source.as_str(),
    });
    prune(&mut message);
    Some(message)
}

/// The row of a Parquet file.
pub(super) fn row(event: &Event, subject: Option<&str>, message: &Value) -> Value {
    json!({
        "message_id": event.message_id.as_deref(),
        "type": message["type"],
        "event": message["event"],
        "user_id": subject,
        "timestamp": event.at.to_string(),
        "site": event.site.as_str(),
        "channel": event.channel.map(|channel| channel.as_str()),
        "source": event.source.as_str(),
        "json": message.to_string(),
    })
}

fn interaction_properties(interaction: &Interaction) -> Value {
    let mut properties = parsed(interaction.extra.as_deref());
    properties["request_id"] = interaction.request_id.as_deref().into();
    match interaction.products.as_slice() {
        [] => {}
        [one] => {
            for (name, value) in mention(one).as_object().into_iter().flatten() {
                properties[name.as_str()] = value.clone();
            }
        }
        several => properties["products"] = several.iter().map(mention).collect(),
    }
    properties
}

fn mention(mention: &ProductMention) -> Value {
    let mut value = json!({
        "product_id": mention.product.as_str(),
        "variant_id": mention.variant.as_ref().map(|id| id.as_str()),
        "price": mention.price.map(money_to_json),
    });
    if let Some(quantity) = mention.quantity {
        add_quantity(&mut value, quantity);
    }
    value
}

fn line(line: &OrderLine) -> Value {
    let mut value = json!({
        "product_id": line.product.as_str(),
        "variant_id": line.variant.as_ref().map(|id| id.as_str()),
        "amount": line.amount.map(money_to_json),
        "promotion_id": line.promotion.as_deref(),
    });
    add_quantity(&mut value, line.quantity);
    value
}

fn add_quantity(value: &mut Value, quantity: Quantity) {
    value["quantity"] = quantity.as_f64().into();
    if quantity.unit() != Unit::Each {
        value["unit"] = quantity.unit().as_str().into();
    }
}

fn order_event(change: OrderChange) -> &'static str {
    match change {
        OrderChange::Placed => "Order Completed",
        OrderChange::Refunded => "Order Refunded",
        OrderChange::Cancelled => "Order Cancelled",
    }
}

fn stock_event(movement: StockMovement) -> &'static str {
    match movement {
        StockMovement::Counted => "Stock Counted",
        StockMovement::Received => "Stock Received",
        StockMovement::Moved => "Stock Moved",
        StockMovement::WrittenOff => "Stock Written Off",
    }
}

fn stock(change: &StockChange) -> Value {
    let mut value = json!({
        "product_id": change.product.as_str(),
        "variant_id": change.variant.as_ref().map(|id| id.as_str()),
        "location_id": change.location.as_str(),
        "to_location_id": change.to.as_ref().map(|id| id.as_str()),
        "lot": change.lot.as_deref(),
        "expires_on": change.expires_on.map(|day| day.to_string()),
    });
    add_quantity(&mut value, change.quantity);
    value
}

fn price(change: &PriceChange) -> Value {
    json!({
        "product_id": change.product.as_str(),
        "variant_id": change.variant.as_ref().map(|id| id.as_str()),
        "price": money_to_json(change.price),
        "list_price": change.list_price.map(money_to_json),
    })
}

fn promotion_event(phase: PromotionPhase) -> &'static str {
    match phase {
        PromotionPhase::Planned => "Promotion Planned",
        PromotionPhase::Started => "Promotion Started",
        PromotionPhase::Ended => "Promotion Ended",
    }
}

fn promotion(one: &Promotion) -> Value {
    json!({
        "promotion_id": one.promotion_id,
        "product_ids": one.products.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
        "starts_on": one.from.map(|day| day.to_string()),
        "ends_on": one.until.map(|day| day.to_string()),
        "discount_percent": one.discount_bp.map(|bp| f64::from(bp) / 100.0),
    })
}

/// Stored JSON text as an object.
fn parsed(text: Option<&str>) -> Value {
    let value = text.and_then(|text| serde_json::from_str(text).ok());
    value.filter(Value::is_object).unwrap_or_else(|| Value::Object(Map::new()))
}

/// Takes out what is null: a client would not send it.
fn prune(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(prune);
        }
        Value::Array(values) => values.iter_mut().for_each(prune),
        _ => {}
    }
}
