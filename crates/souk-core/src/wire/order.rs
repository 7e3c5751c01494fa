//! Orders and sales as bytes. The commonest line (one piece, in the order's currency) costs one
//! flag byte, the product's number and the amount.

use super::bytes::{Reader, WireError, Writer};
use super::event::{
    LastCurrency, flag, read_flags, read_location, read_product_id, read_variant_id,
};
use crate::{CustomerOrder, OrderChange, OrderId, OrderLine, OrderRef, Quantity, Sale};

const LINE_VARIANT: u8 = 1;
const LINE_QUANTITY: u8 = 2;
const LINE_AMOUNT: u8 = 4;
const LINE_SAME_CURRENCY: u8 = 8;
const LINE_PROMOTION: u8 = 16;

const CHANGE_MASK: u8 = 3;
const HAS_LOCATION: u8 = 4;
const HAS_TOTAL: u8 = 8;
const HAS_EXTRA: u8 = 16;

pub(super) fn write_order(order: &CustomerOrder, w: &mut Writer) {
    w.u8(order.change as u8
        | flag(order.location.is_some(), HAS_LOCATION)
        | flag(order.total.is_some(), HAS_TOTAL)
        | flag(order.extra.is_some(), HAS_EXTRA));
    w.raw(&order.order.0);
    w.id(order.order_id.as_str());
    if let Some(location) = &order.location {
        w.id(location.as_str());
    }
    let mut last = LastCurrency::default();
    if let Some(total) = order.total {
        last.write(total, w);
    }
    write_lines(&order.lines, last, w);
    if let Some(extra) = &order.extra {
        w.text(extra);
    }
}

pub(super) fn read_order(r: &mut Reader<'_>) -> Result<CustomerOrder, WireError> {
    let (change, flags) = read_change(r, CHANGE_MASK | HAS_LOCATION | HAS_TOTAL | HAS_EXTRA)?;
    let order = OrderRef(r.array16()?);
    let id_at = r.position();
    let order_id = OrderId::new(r.id()?)
        .map_err(|_| WireError::Malformed { at: id_at, expected: "an order id" })?;
    let location = if flags & HAS_LOCATION == 0 { None } else { Some(read_location(r)?) };
    let mut last = LastCurrency::default();
    let total = if flags & HAS_TOTAL == 0 { None } else { Some(last.read(0, 1, r)?) };
    let lines = read_lines(last, r)?;
    let extra = if flags & HAS_EXTRA == 0 { None } else { Some(r.text()?.into()) };
    Ok(CustomerOrder { order, order_id, change, location, total, lines, extra })
}

pub(super) fn write_sale(sale: &Sale, w: &mut Writer) {
    w.u8(sale.change as u8 | flag(sale.location.is_some(), HAS_LOCATION));
    w.raw(&sale.order.0);
    if let Some(location) = &sale.location {
        w.id(location.as_str());
    }
    w.day(sale.day);
    write_lines(&sale.lines, LastCurrency::default(), w);
}

pub(super) fn read_sale(r: &mut Reader<'_>) -> Result<Sale, WireError> {
    let (change, flags) = read_change(r, CHANGE_MASK | HAS_LOCATION)?;
    Ok(Sale {
        change,
        order: OrderRef(r.array16()?),
        location: if flags & HAS_LOCATION == 0 { None } else { Some(read_location(r)?) },
        day: r.day()?,
        lines: read_lines(LastCurrency::default(), r)?,
    })
}

fn read_change(r: &mut Reader<'_>, known: u8) -> Result<(OrderChange, u8), WireError> {
    let at = r.position();
    let flags = read_flags(r, known, "flags of an order")?;
    OrderChange::ALL
        .get(usize::from(flags & CHANGE_MASK))
        .map(|change| (*change, flags))
        .ok_or(WireError::Malformed { at, expected: "a known change of an order" })
}

fn write_lines(lines: &[OrderLine], mut last: LastCurrency, w: &mut Writer) {
    w.count(lines.len());
    for line in lines {
        let one_piece = line.quantity == Quantity::each(1);
        let same = line.amount.is_some_and(|amount| last.is_of(amount));
        w.u8(flag(line.variant.is_some(), LINE_VARIANT)
            | flag(!one_piece, LINE_QUANTITY)
            | flag(line.amount.is_some(), LINE_AMOUNT)
            | flag(same, LINE_SAME_CURRENCY)
            | flag(line.promotion.is_some(), LINE_PROMOTION));
        w.id(line.product.as_str());
        if let Some(variant) = &line.variant {
            w.id(variant.as_str());
        }
        if !one_piece {
            w.quantity(line.quantity);
        }
        if let Some(amount) = line.amount {
            last.write(amount, w);
        }
        if let Some(promotion) = &line.promotion {
            w.id(promotion);
        }
    }
}

fn read_lines(mut last: LastCurrency, r: &mut Reader<'_>) -> Result<Vec<OrderLine>, WireError> {
    r.list(|r| read_line(&mut last, r))
}

fn read_line(last: &mut LastCurrency, r: &mut Reader<'_>) -> Result<OrderLine, WireError> {
    let flags = read_flags(r, 31, "flags of an order line")?;
    let has = |bit: u8| flags & bit != 0;
    Ok(OrderLine {
        product: read_product_id(r)?,
        variant: if has(LINE_VARIANT) { Some(read_variant_id(r)?) } else { None },
        quantity: if has(LINE_QUANTITY) { r.quantity()? } else { Quantity::each(1) },
        amount: if has(LINE_AMOUNT) {
            Some(last.read(flags, LINE_SAME_CURRENCY, r)?)
        } else {
            None
        },
        promotion: if has(LINE_PROMOTION) { Some(r.id()?) } else { None },
    })
}
