//! Event names and what their properties mean: Segment's e-commerce spec v2, and the shop's own
//! facts about stock, prices and promotions.

use std::borrow::Cow;

use serde_json::value::RawValue;
use souk_core::{
    Action, Currency, Interaction, LocationId, OrderChange, OrderId, OrderLine, PriceChange,
    ProductId, ProductMention, Promotion, PromotionPhase, Quantity, StockChange, StockMovement,
    VariantId,
};

use super::incoming::{IncomingFact, IncomingIds, IncomingLine, IncomingOrder};
use super::props::{Place, Price, Props};
use super::refusal::Refusal;
use super::scalar::{Scalar, compact, scalar};
use crate::Operation;

/// Bytes of a search query; chosen: longer ones are pasted pages.
const QUERY_BYTES_MAX: usize = 1_000;
/// Bytes of names and labels.
const NAME_BYTES_MAX: usize = 255;

/// What an event of this name is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum TrackKind {
    Interaction(Action),
    Searched,
    Order(OrderKind),
    Stock(StockMovement),
    Price,
    Promotion(PromotionPhase),
    Custom,
}

/// Segment's four order events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum OrderKind {
    Completed,
    Updated,
    Refunded,
    Cancelled,
}

impl TrackKind {
    pub(super) fn of(name: &str) -> TrackKind {
        match name {
            "Products Searched" => TrackKind::Searched,
            "Order Completed" => TrackKind::Order(OrderKind::Completed),
            "Order Updated" => TrackKind::Order(OrderKind::Updated),
            "Order Refunded" => TrackKind::Order(OrderKind::Refunded),
            "Order Cancelled" => TrackKind::Order(OrderKind::Cancelled),
            "Stock Counted" => TrackKind::Stock(StockMovement::Counted),
            "Stock Received" => TrackKind::Stock(StockMovement::Received),
            "Stock Moved" => TrackKind::Stock(StockMovement::Moved),
            "Stock Written Off" => TrackKind::Stock(StockMovement::WrittenOff),
            "Price Changed" => TrackKind::Price,
            "Promotion Planned" => TrackKind::Promotion(PromotionPhase::Planned),
            "Promotion Started" => TrackKind::Promotion(PromotionPhase::Started),
            "Promotion Ended" => TrackKind::Promotion(PromotionPhase::Ended),
            _ => Action::parse(name).map_or(TrackKind::Custom, TrackKind::Interaction),
        }
    }

    pub(super) fn operation(self) -> Operation {
        match self {
            TrackKind::Interaction(_) | TrackKind::Searched | TrackKind::Custom => {
                Operation::SendBehaviour
            }
            TrackKind::Order(_) => Operation::SendOrders,
            TrackKind::Stock(_) => Operation::SendStock,
            TrackKind::Price | TrackKind::Promotion(_) => Operation::SendPrices,
        }
    }
}

/// Reads a `track` event; `ids` gains the loyalty card that its properties name.
pub(super) fn read_track<'a>(
    name: &str,
    properties: Option<&'a RawValue>,
    ids: &mut IncomingIds<'a>,
    of_site: Currency,
) -> Result<IncomingFact<'a>, Refusal> {
    let kind = TrackKind::of(name);
    let mut props = Props::read(properties, Place::of("properties"))?;
    if kind == TrackKind::Custom {
        ids.loyalty_card_id = props.id("loyalty_card_id")?;
        return custom(name, properties);
    }
    if matches!(kind.operation(), Operation::SendBehaviour | Operation::SendOrders) {
        ids.loyalty_card_id = props.id("loyalty_card_id")?;
    }
    match kind {
        TrackKind::Interaction(action) => interaction(action, props, of_site),
        TrackKind::Searched => {
            let query = props.text("query", QUERY_BYTES_MAX)?;
            let query = query.ok_or_else(|| props.missing("query", "send the words as typed"))?;
            Ok(IncomingFact::Searched { query: query.into() })
        }
        TrackKind::Order(kind) => order(kind, props, of_site),
        TrackKind::Stock(movement) => stock(movement, props),
        TrackKind::Price => price(props, of_site),
        TrackKind::Promotion(phase) => promotion(phase, props),
        TrackKind::Custom => unreachable!("returned above"),
    }
}

fn custom<'a>(name: &str, properties: Option<&RawValue>) -> Result<IncomingFact<'a>, Refusal> {
    if name.len() > NAME_BYTES_MAX {
        let detail = format!("event has {} bytes; the limit is {NAME_BYTES_MAX}", name.len());
        return Err(Refusal::malformed(detail));
    }
    Ok(IncomingFact::Custom {
        name: name.into(),
        properties: json_object(properties, "properties")?,
    })
}

/// An object as compact text; `None` when there is none or it is empty.
pub(super) fn json_object(
    raw: Option<&RawValue>,
    field: &'static str,
) -> Result<Option<Box<str>>, Refusal> {
    let Some(raw) = raw else { return Ok(None) };
    if !raw.get().starts_with('{') {
        return match scalar(raw, &field)? {
            Scalar::Absent => Ok(None),
            found => Err(Refusal::malformed(format!("{field} is {found}; must be an object"))),
        };
    }
    let mut text = String::with_capacity(raw.get().len());
    compact(raw, &field, &mut text)?;
    Ok((text != "{}").then(|| text.into()))
}

/// Whether the action is about one product, which it must name.
fn needs_product(action: Action) -> bool {
    matches!(
        action,
        Action::Viewed
            | Action::Clicked
            | Action::AddedToCart
            | Action::RemovedFromCart
            | Action::AddedToWishlist
            | Action::RemovedFromWishlist
            | Action::WishlistAddedToCart
            | Action::Shared
            | Action::Reviewed
    )
}

fn interaction<'a>(
    action: Action,
    mut props: Props<'a>,
    of_site: Currency,
) -> Result<IncomingFact<'a>, Refusal> {
    let currency = props.currency(of_site)?;
    let mut products = Vec::new();
    if let Some(mention) = mention(&mut props, currency)? {
        products.push(mention);
    }
    for (idx, raw) in props.array("products")?.unwrap_or_default().into_iter().enumerate() {
        products.push(listed_mention(raw, idx, currency)?);
    }
    if products.is_empty() && needs_product(action) {
        return Err(props.missing("product_id", "send the product's id"));
    }
    let request_id = props.text("request_id", NAME_BYTES_MAX)?.map(Box::from);
    let extra = props.rest()?;
    Ok(IncomingFact::Interaction(Interaction { action, products, request_id, extra }))
}

/// The product's own id, or its `sku` where that is all there is.
fn product_id(props: &mut Props<'_>) -> Result<Option<ProductId>, Refusal> {
    let id = match props.id("product_id")? {
        Some(id) => Some(id),
        None => props.id("sku")?,
    };
    id.map(|id| ProductId::new(id).map_err(|e| Refusal::malformed(e.to_string()))).transpose()
}

fn variant_id(props: &mut Props<'_>) -> Result<Option<VariantId>, Refusal> {
    let id = match props.id("variant_id")? {
        Some(id) => Some(id),
        None => props.id("variant")?,
    };
    id.map(|id| VariantId::new(id).map_err(|e| Refusal::malformed(e.to_string()))).transpose()
}

fn location_id(props: &mut Props<'_>, key: &str) -> Result<Option<LocationId>, Refusal> {
    let id = props.id(key)?;
    id.map(|id| LocationId::new(id).map_err(|e| Refusal::malformed(e.to_string()))).transpose()
}

/// The product that the object names; `None` when it names none.
fn mention(props: &mut Props<'_>, currency: Currency) -> Result<Option<ProductMention>, Refusal> {
    let Some(product) = product_id(props)? else { return Ok(None) };
    let variant = variant_id(props)?;
    let quantity = not_negative(props.quantity()?, props)?;
    let price = props.money("price", currency)?;
    Ok(Some(ProductMention { product, variant, quantity, price }))
}

fn not_negative(
    quantity: Option<Quantity>,
    props: &Props<'_>,
) -> Result<Option<Quantity>, Refusal> {
    match quantity {
        Some(quantity) if quantity.milli() < 0 => Err(props.out_of_range(
            "quantity",
            &quantity.as_f64(),
            "must be at least 0; send what came back as `Order Refunded`",
        )),
        quantity => Ok(quantity),
    }
}

/// An element of `products`: an object, or the bare id.
fn listed_mention(
    raw: &RawValue,
    idx: usize,
    currency: Currency,
) -> Result<ProductMention, Refusal> {
    let place = Place { object: "properties.products", idx: Some(idx) };
    if !raw.get().starts_with('{') {
        let id = scalar(raw, &place)?.id(&place)?;
        let id = id.ok_or_else(|| Refusal::malformed(format!("{place} is empty; send an id")))?;
        let product =
            ProductId::new(id).map_err(|e| Refusal::malformed(format!("{place}: {e}")))?;
        return Ok(ProductMention { product, variant: None, quantity: None, price: None });
    }
    let mut props = Props::read(Some(raw), place)?;
    let found = mention(&mut props, currency)?;
    found.ok_or_else(|| props.missing("product_id", "send the product's id"))
}

fn order<'a>(
    kind: OrderKind,
    mut props: Props<'a>,
    of_site: Currency,
) -> Result<IncomingFact<'a>, Refusal> {
    let currency = props.currency(of_site)?;
    let order_id = props.id("order_id")?;
    let order_id = order_id.ok_or_else(|| props.missing("order_id", "send the order's number"))?;
    let listed = props.array("products")?;
    if listed.is_none() && matches!(kind, OrderKind::Completed | OrderKind::Updated) {
        // Without lines an update would empty the order.
        return Err(props.missing("products", "send the order's lines, or an empty array"));
    }
    let lines: Result<Vec<IncomingLine>, Refusal> = listed
        .unwrap_or_default()
        .into_iter()
        .enumerate()
        .map(|(idx, raw)| order_line(raw, idx, currency))
        .collect();
    let total = match props.money("total", currency)? {
        Some(total) => Some(total),
        None => props.money("revenue", currency)?,
    };
    let change = match kind {
        OrderKind::Completed | OrderKind::Updated => OrderChange::Placed,
        OrderKind::Refunded => OrderChange::Refunded,
        OrderKind::Cancelled => OrderChange::Cancelled,
    };
    Ok(IncomingFact::Order(IncomingOrder {
        order_id: OrderId::new(order_id).map_err(|e| Refusal::malformed(e.to_string()))?,
        change,
        location: location_id(&mut props, "location_id")?,
        total,
        lines: lines?,
        extra: props.rest()?,
    }))
}

/// One line: `quantity` is 1 where it is not said, and 0 is kept, because tills report voided lines
/// and coupons so. `amount` is the price of the whole line; without it, `price` by quantity.
fn order_line(raw: &RawValue, idx: usize, currency: Currency) -> Result<IncomingLine, Refusal> {
    let place = Place { object: "properties.products", idx: Some(idx) };
    let mut props = Props::read(Some(raw), place)?;
    let product = product_id(&mut props)?;
    let product = product.ok_or_else(|| props.missing("product_id", "send the product's id"))?;
    let variant = variant_id(&mut props)?;
    let quantity = not_negative(props.quantity()?, &props)?.unwrap_or(Quantity::each(1));
    let price: Option<Price> = props.price("price", currency)?;
    let amount = match (props.money("amount", currency)?, price) {
        (Some(amount), _) => Some(amount),
        (None, Some(price)) => Some(price.times(quantity, &format_args!("{place}.price"))?),
        (None, None) => None,
    };
    let label = |text: Option<Cow<'_, str>>| text.map(Box::<str>::from);
    let promotion = label(props.text("promotion_id", NAME_BYTES_MAX)?);
    let coupon = label(props.text("coupon", NAME_BYTES_MAX)?);
    Ok(IncomingLine { line: OrderLine { product, variant, quantity, amount, promotion }, coupon })
}

fn stock<'a>(movement: StockMovement, mut props: Props<'a>) -> Result<IncomingFact<'a>, Refusal> {
    let product = product_id(&mut props)?;
    let product = product.ok_or_else(|| props.missing("product_id", "send the product's id"))?;
    let location = location_id(&mut props, "location_id")?;
    let location = location.ok_or_else(|| props.missing("location_id", "send where it stands"))?;
    let to = match location_id(&mut props, "to_location_id")? {
        None if movement == StockMovement::Moved => {
            return Err(props.missing("to_location_id", "send where it went"));
        }
        to => to.filter(|_| movement == StockMovement::Moved),
    };
    let quantity = props.quantity()?;
    let quantity = quantity.ok_or_else(|| props.missing("quantity", "send how much"))?;
    // A count may lie below zero: books run ahead of shelves. A movement may not.
    if movement != StockMovement::Counted && quantity.milli() < 0 {
        let shown = quantity.as_f64();
        return Err(props.out_of_range("quantity", &shown, "must be at least 0"));
    }
    Ok(IncomingFact::Stock(StockChange {
        movement,
        product,
        variant: variant_id(&mut props)?,
        location,
        to,
        quantity,
        lot: props.text("lot", NAME_BYTES_MAX)?.map(Box::from),
        expires_on: props.day("expires_on")?,
    }))
}

fn price<'a>(mut props: Props<'a>, of_site: Currency) -> Result<IncomingFact<'a>, Refusal> {
    let currency = props.currency(of_site)?;
    let product = product_id(&mut props)?;
    let product = product.ok_or_else(|| props.missing("product_id", "send the product's id"))?;
    let price = props.money("price", currency)?;
    let price = price.ok_or_else(|| props.missing("price", "send what it costs now"))?;
    let list_price = props.money("list_price", currency)?;
    let variant = variant_id(&mut props)?;
    Ok(IncomingFact::Price(PriceChange { product, variant, price, list_price }))
}

fn promotion<'a>(phase: PromotionPhase, mut props: Props<'a>) -> Result<IncomingFact<'a>, Refusal> {
    let id = props.id("promotion_id")?;
    let id = id.ok_or_else(|| props.missing("promotion_id", "send the promotion's id"))?;
    let listed = match props.array("product_ids")? {
        Some(listed) => listed,
        None => props.array("products")?.unwrap_or_default(),
    };
    let products: Result<Vec<ProductId>, Refusal> = listed
        .into_iter()
        .enumerate()
        .map(|(idx, raw)| Ok(listed_mention(raw, idx, Currency::USD)?.product))
        .collect();
    let discount_bp = match props.number("discount_percent")? {
        None => None,
        Some(percent) if (0.0..=100.0).contains(&percent) => Some((percent * 100.0).round() as u32),
        Some(percent) => {
            return Err(props.out_of_range("discount_percent", &percent, "must be 0 to 100"));
        }
    };
    Ok(IncomingFact::Promotion(Promotion {
        promotion_id: id.into(),
        phase,
        products: products?,
        from: props.day("starts_on")?,
        until: props.day("ends_on")?,
        discount_bp,
    }))
}
