use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use souk_core::{ProductId, Timestamp};

use super::PurchaseOrder;

/// What purchase orders brought to a place since the last fact about its stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    /// When the last of them was received, in milliseconds.
    at_ms: i64,
    /// The products of all of them.
    products: BTreeSet<String>,
}

impl Receipt {
    /// That of an order, after one that is in no book yet either.
    pub(super) fn of(order: &PurchaseOrder, at: Timestamp, before: Option<Receipt>) -> Receipt {
        let mut products = before.map(|before| before.products).unwrap_or_default();
        let came = order.lines.iter().filter(|line| line.received > Some(0.0));
        products.extend(came.map(|line| line.product_id.clone()));
        Receipt { at_ms: at.as_ms(), products }
    }

    /// One of which nothing but its time is known.
    pub(super) fn unread(at: Timestamp) -> Receipt {
        Receipt { at_ms: at.as_ms(), products: BTreeSet::new() }
    }

    /// When the last of them was received.
    pub(crate) fn at(&self) -> Timestamp {
        Timestamp::from_ms(self.at_ms).unwrap_or_default()
    }

    /// Whether some of a product came.
    pub(crate) fn has(&self, product: &ProductId) -> bool {
        self.products.contains(product.as_str())
    }

    /// What is said while no fact about stock follows.
    pub(crate) fn text(&self) -> String {
        format!(
            "a purchase order was received at {}, and no fact about stock has come since; send `Stock Received` or a \
             count",
            self.at()
        )
    }
}
