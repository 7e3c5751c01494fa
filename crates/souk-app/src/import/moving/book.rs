use rustc_hash::FxHashMap;
use souk_core::{Channel, LocationId, OrderChange, OrderId, OrderLine, Timestamp};

use crate::AppError;
use crate::import::orders::{Fault, ORDER_LINES_MAX};
use crate::import::{Draft, DraftFact};
use crate::sheet::RowFault;

/// Lines of one file; chosen: about 1 GB of memory. A larger file is to be cut, for example by month.
const LINES_MAX: usize = 6_000_000;

/// What became of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OrderState {
    #[default]
    Kept,
    /// All of it came back.
    Refunded,
    Cancelled,
}

/// What an export says of one order.
#[derive(Clone, Debug)]
pub(super) struct BookedOrder {
    pub(super) at: Timestamp,
    pub(super) user: Option<Box<str>>,
    pub(super) anonymous: Option<Box<str>>,
    pub(super) location: Option<LocationId>,
    pub(super) channel: Channel,
    pub(super) state: OrderState,
    pub(super) lines: Vec<OrderLine>,
    pub(super) returned: Vec<OrderLine>,
    /// Where it begins in the file.
    pub(super) line: u64,
}

/// Orders under collection: rows of one order may stand anywhere in the file.
#[derive(Debug, Default)]
pub(super) struct OrderBook {
    places: FxHashMap<OrderId, usize>,
    orders: Vec<(OrderId, BookedOrder)>,
    n_lines: usize,
}

impl OrderBook {
    /// The order of this id, a new one made by `open` at its first row.
    pub(super) fn order(
        &mut self,
        id: &OrderId,
        open: impl FnOnce() -> BookedOrder,
    ) -> &mut BookedOrder {
        let place = *self.places.entry(id.clone()).or_insert_with(|| {
            self.orders.push((id.clone(), open()));
            self.orders.len() - 1
        });
        self.n_lines += 1;
        &mut self.orders[place].1
    }

    pub(super) fn check(&self) -> Result<(), AppError> {
        if self.n_lines <= LINES_MAX {
            return Ok(());
        }
        let detail =
            format!("the file has over {LINES_MAX} order lines; cut it, for example by month");
        Err(AppError::invalid("file_too_large", "path", detail))
    }

    /// The orders as events, by time and then by id, so that the same rows in another order make the
    /// same events.
    pub(super) fn into_drafts(
        mut self,
        faults: &mut Vec<RowFault>,
    ) -> impl Iterator<Item = (u64, Draft)> + Send + use<> {
        self.orders.retain(|(_, order)| {
            let count = order.lines.len() + order.returned.len();
            if count > ORDER_LINES_MAX {
                let reason = format!(
                    "the order has {count} rows; the limit is {ORDER_LINES_MAX}, so it was left out"
                );
                faults.push(Fault { column: "order_id".to_owned(), reason }.at(order.line));
            }
            count <= ORDER_LINES_MAX
        });
        self.orders.sort_by(|a, b| (a.1.at, a.0.as_str()).cmp(&(b.1.at, b.0.as_str())));
        self.orders.into_iter().flat_map(|(id, order)| drafts_of(&id, order))
    }
}

/// An order becomes one event, and a second one for what came back.
pub(super) fn drafts_of(id: &OrderId, mut order: BookedOrder) -> Vec<(u64, Draft)> {
    let (lines, returned) = (std::mem::take(&mut order.lines), std::mem::take(&mut order.returned));
    let mut reports = Vec::with_capacity(1);
    if !lines.is_empty() {
        let change = match order.state {
            OrderState::Cancelled => OrderChange::Cancelled,
            _ => OrderChange::Placed,
        };
        reports.push((change, lines));
    }
    match order.state {
        // A refund without lines takes everything back.
        OrderState::Refunded => reports.push((OrderChange::Refunded, Vec::new())),
        OrderState::Cancelled if reports.is_empty() => {
            reports.push((OrderChange::Cancelled, Vec::new()));
        }
        _ if !returned.is_empty() => reports.push((OrderChange::Refunded, returned)),
        _ => {}
    }
    let draft = |(change, lines)| {
        let (order_id, location) = (id.clone(), order.location.clone());
        let mut draft =
            Draft::new(order.at, DraftFact::Order { order_id, change, location, lines });
        draft.user_id.clone_from(&order.user);
        draft.anonymous_id.clone_from(&order.anonymous);
        draft.channel = Some(order.channel);
        (order.line, draft)
    };
    reports.into_iter().map(draft).collect()
}
