//! `souk orders`.

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use souk_app::{
    Caller, LineChange, LinesChange, MoneyText, ORDERS_PAGE_MAX, OrderChangeRequest, OrdersAsked,
    PurchaseOrder, PurchaseState, ReceivedLine,
};
use souk_core::{Currency, LocationId, Money};

use super::planning::{list, money, units};
use crate::cli::OrdersCommand;
use crate::failure::Failure;
use crate::job::{Job, Shop};
use crate::settings::Settings;
use crate::term::columns;

/// What is asked of purchase orders, as it crosses the socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum OrdersJob {
    List { location: Option<String>, state: Option<String> },
    Show { id: String },
    Change { id: String, lines: Vec<Wanted>, version: Option<u64> },
    Move { id: String, change: OrderChangeRequest },
}

/// A line as it is to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    product: String,
    units: f64,
    /// Of one, in the order's currency.
    price: Option<f64>,
}

impl Wanted {
    fn read(text: &str) -> Result<Wanted> {
        // Both signs may stand in a product's name, so the last ones count.
        let tail = text.rsplit_once('=').map_or("", |(_, tail)| tail);
        let (text, price) = match tail.rsplit_once('@') {
            None => (text, None),
            Some((_, price)) => {
                let read = price.parse().ok().filter(|price: &f64| price.is_finite());
                let detail = || {
                    format!("`{text}`: `{price}` is no price of one unit, such as `tea=12@1.95`")
                };
                let read: f64 = read.ok_or_else(|| anyhow!(Failure::usage(detail())))?;
                (&text[..text.len() - price.len() - 1], Some(read))
            }
        };
        let (product, units) = read_units("", text)?;
        Ok(Wanted { product, units, price })
    }

    fn change(&self, currency: &str) -> Result<LineChange> {
        let money = |price: f64| -> Result<MoneyText> {
            let money = Money::from_major(price, Currency::parse(currency)?)?;
            Ok(MoneyText { amount: money.minor(), currency: currency.to_owned() })
        };
        let unit_price = self.price.map(money).transpose()?;
        Ok(LineChange { product_id: self.product.clone(), quantity: self.units, unit_price })
    }
}

pub(crate) async fn run(what: OrdersCommand, settings: &Settings) -> Result<()> {
    let to = |id, state, on, received| OrdersJob::Move {
        id,
        change: OrderChangeRequest { state, on, received, version: None },
    };
    let job = match what {
        OrdersCommand::List { location, state } => OrdersJob::List { location, state },
        OrdersCommand::Show { id } => OrdersJob::Show { id },
        OrdersCommand::Change { id, lines, version } => {
            let lines = lines.iter().map(|text| Wanted::read(text));
            OrdersJob::Change { id, lines: lines.collect::<Result<Vec<Wanted>>>()?, version }
        }
        OrdersCommand::Approve { id } => to(id, PurchaseState::Approved, None, None),
        OrdersCommand::Send(order) => to(order.id, PurchaseState::Sent, order.on, None),
        OrdersCommand::Cancel { id } => to(id, PurchaseState::Cancelled, None, None),
        OrdersCommand::Receive(args) => {
            let lines = args.lines.iter().map(|text| read_line(text, args.meant));
            let lines = lines.collect::<Result<Vec<ReceivedLine>>>()?;
            let received = Some(lines).filter(|lines| !lines.is_empty());
            to(args.order.id, PurchaseState::Received, args.order.on, received)
        }
    };
    super::finish(settings, &Job::Orders(Box::new(job)), text).await
}

fn read_line(text: &str, is_meant: bool) -> Result<ReceivedLine> {
    let (product_id, quantity) = read_units("--line: ", text)?;
    Ok(ReceivedLine { product_id, quantity, is_meant })
}

/// A product and how many units of it.
fn read_units(argument: &str, text: &str) -> Result<(String, f64)> {
    // A product's name may have the sign itself.
    let read = text.rsplit_once('=').and_then(|(product, units)| {
        let quantity: f64 = units.parse().ok()?;
        (quantity.is_finite() && !product.is_empty()).then(|| (product.to_owned(), quantity))
    });
    let detail = || format!("{argument}`{text}` is no product with its units, such as `tea=12`");
    read.ok_or_else(|| anyhow!(Failure::usage(detail())))
}

/// What `souk orders` prints.
pub(crate) async fn answer(shop: &Shop, what: &OrdersJob) -> Result<Value> {
    let admin = Caller::local_admin();
    let usage = |detail: String| anyhow!(Failure::usage(detail));
    let (location, state) = match what {
        OrdersJob::Move { id, change } => {
            // Of what is approved nothing is said any more, and who approves should have read it.
            let warnings = match change.state {
                PurchaseState::Approved => {
                    let order = shop.app.purchase_order(id, &admin).await?;
                    shop.app.purchase_order_warnings(&order).await
                }
                _ => Vec::new(),
            };
            let moved = shop.app.change_purchase_order(id, change.clone(), &admin).await?;
            return Ok(json!({"moved": serde_json::to_value(moved)?, "warnings": warnings}));
        }
        OrdersJob::Show { id } => {
            return shown(shop, &shop.app.purchase_order(id, &admin).await?).await;
        }
        OrdersJob::Change { id, lines, version } => {
            let known = shop.app.purchase_order(id, &admin).await?;
            let lines = lines.iter().map(|line| line.change(&known.total.currency));
            let lines = lines.collect::<Result<Vec<LineChange>>>()?;
            let change = LinesChange { version: *version, lines };
            let changed = shop.app.change_purchase_lines(id, change, &admin).await?;
            return shown(shop, &changed).await;
        }
        OrdersJob::List { location, state } => (location, state),
    };
    let location_text = location.as_deref();
    let location = location_text.map(LocationId::new).transpose();
    let state = state.as_deref().map(|name| {
        PurchaseState::parse(name).ok_or_else(|| {
            usage(format!(
                "--state: `{name}` is no state; take draft, approved, sent, received or cancelled"
            ))
        })
    });
    let mut asked = OrdersAsked {
        location: location.map_err(|error| usage(format!("--location: {error}")))?,
        state: state.transpose()?,
        after: None,
        limit: ORDERS_PAGE_MAX,
    };
    let mut orders = Vec::new();
    loop {
        let page = shop.app.purchase_orders(&asked, &admin).await?;
        for order in &page.orders {
            orders.push(serde_json::to_value(order)?);
        }
        asked.after = page.after;
        if asked.after.is_none() {
            let state = asked.state.map(PurchaseState::as_str);
            let of = json!({"location_id": location_text, "state": state});
            return Ok(json!({"purchase_orders": orders, "of": of}));
        }
    }
}

/// One order with what speaks against it.
async fn shown(shop: &Shop, order: &PurchaseOrder) -> Result<Value> {
    let warnings = shop.app.purchase_order_warnings(order).await;
    let mut value = serde_json::to_value(order)?;
    value["warnings"] = json!(warnings);
    Ok(value)
}

fn text(result: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    if result["lines"].is_array() {
        let heads = ["product", "units", "price", "came"].map(str::to_owned);
        let rows = list(result, "lines").iter().map(|line| {
            vec![
                word(&line["product_id"]),
                units(&line["quantity"]),
                money(&line["unit_price"]),
                units(&line["received"]),
            ]
        });
        let rows: Vec<Vec<String>> = std::iter::once(heads.to_vec()).chain(rows).collect();
        let (id, state) = (word(&result["id"]), word(&result["state"]));
        let (total, supplier) = (money(&result["total"]), word(&result["supplier_id"]));
        let (place, version) = (word(&result["location_id"]), &result["version"]);
        let mut said =
            format!("`{id}` is {state}: {total} at {supplier} for {place}, version {version}\n");
        said.push_str(&columns(&rows));
        for warning in list(result, "warnings") {
            said.push_str(&format!("! {}\n", word(warning)));
        }
        return said;
    }
    let moved = &result["moved"];
    if moved.is_object() {
        let (id, state) = (word(&moved["id"]), word(&moved["state"]));
        let (total, supplier) = (money(&moved["total"]), word(&moved["supplier_id"]));
        let mut said = format!("`{id}` is {state}: {total} at {supplier}\n");
        for warning in list(result, "warnings") {
            said.push_str(&format!("! {}\n", word(warning)));
        }
        return said;
    }
    let heads =
        ["id", "supplier", "for", "state", "lines", "total", "sent", "expected", "received"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for order in list(result, "purchase_orders") {
        rows.push(vec![
            word(&order["id"]),
            word(&order["supplier_id"]),
            word(&order["location_id"]),
            word(&order["state"]),
            list(order, "lines").len().to_string(),
            money(&order["total"]),
            word(&order["sent_on"]),
            word(&order["expected_on"]),
            word(&order["received_on"]),
        ]);
    }
    if rows.len() == 1 {
        let of = &result["of"];
        let state = of["state"].as_str().unwrap_or("open");
        let place = of["location_id"].as_str().map_or(String::new(), |id| format!(" for `{id}`"));
        return format!(
            "there are no {state} purchase orders{place}; `souk replenish --draft` makes drafts of what to order\n"
        );
    }
    columns(&rows)
}

#[cfg(test)]
mod tests;
