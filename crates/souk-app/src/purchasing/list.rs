//! Purchase orders, a page at a time.

use souk_core::LocationId;
use souk_ports::TableRange;

use super::store::{CLOSED, read};
use super::{PurchaseOrder, PurchaseState};
use crate::{App, AppError, Caller, Operation};

/// Orders of a page at most.
pub const ORDERS_PAGE_MAX: usize = 1_000;
/// Closed orders that are looked at for one page: of a place with few of them a page is shorter (chosen: some megabytes).
const LOOKED_AT_MAX: usize = 5_000;

/// Which purchase orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrdersAsked {
    /// Only those for this place.
    pub location: Option<LocationId>,
    /// Only those in this state; `None` is all that are open.
    pub state: Option<PurchaseState>,
    /// Those after this id.
    pub after: Option<String>,
    /// Orders of the page, 1 to [`ORDERS_PAGE_MAX`].
    pub limit: usize,
}

/// A page of purchase orders, in the order of their ids.
#[derive(Clone, Debug, PartialEq)]
pub struct OrdersPage {
    /// The orders; of closed ones a page can be short and still have one after it.
    pub orders: Vec<PurchaseOrder>,
    /// The id after which the next page begins; `None` at the end.
    pub after: Option<String>,
}

impl App {
    /// Purchase orders that the caller may see: the open ones, or those in one state.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role or for a place that is not the caller's; as the tables.
    pub async fn purchase_orders(
        &self,
        asked: &OrdersAsked,
        caller: &Caller,
    ) -> Result<OrdersPage, AppError> {
        if asked.state.is_some_and(|state| !state.is_open()) {
            return self.closed_purchase_orders(asked, caller).await;
        }
        let mut orders = self.open_purchase_orders(asked.location.as_ref(), caller)?;
        orders.retain(|order| {
            let is_after = asked.after.as_ref().is_none_or(|after| order.id > *after);
            is_after && asked.state.is_none_or(|state| order.state == state)
        });
        let is_more = orders.len() > asked.limit;
        orders.truncate(asked.limit);
        let after = orders.last().filter(|_| is_more).map(|last| last.id.clone());
        Ok(OrdersPage { orders, after })
    }

    async fn closed_purchase_orders(
        &self,
        asked: &OrdersAsked,
        caller: &Caller,
    ) -> Result<OrdersPage, AppError> {
        caller.check(Operation::ReadPlanning)?;
        self.noted(caller, caller.check_location(asked.location.as_ref()))?;
        let (mut orders, mut after, mut n_seen) = (Vec::new(), asked.after.clone(), 0);
        let now = self.clock.now();
        loop {
            let range = TableRange {
                partition_key: CLOSED,
                prefix: "",
                after: after.as_deref(),
                limit: ORDERS_PAGE_MAX as u32,
            };
            let rows = self.parts.tables.range(range, now).await?;
            if rows.is_empty() {
                return Ok(OrdersPage { orders, after: None });
            }
            for row in &rows {
                if orders.len() == asked.limit {
                    return Ok(OrdersPage { orders, after });
                }
                after = Some(row.sort_key.clone());
                let Some(order) = read::<PurchaseOrder>(row) else { continue };
                let is_there = |place: &LocationId| order.location_id == place.as_str();
                let is_asked = asked.location.as_ref().is_none_or(is_there)
                    && asked.state == Some(order.state);
                if is_asked && self.is_in_place(&order, caller) {
                    orders.push(order);
                }
            }
            n_seen += rows.len();
            if n_seen >= LOOKED_AT_MAX {
                return Ok(OrdersPage { orders, after });
            }
        }
    }
}
