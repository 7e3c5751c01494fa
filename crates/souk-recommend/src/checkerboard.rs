//! The checkerboard: a shop so regular that every recommender must complete it.
//!
//! Shopper `u` wants the items of the same parity as `u`, and has had all of them but item `u`. The
//! idea is the conformance suite of the `implicit` library.

use crate::types::{Item, Shopper};
use crate::visits::{VisitEvent, VisitId, VisitIndex, VisitLimits};

/// Shoppers, and items.
pub(crate) const SIDE: u32 = 20;

/// What the shopper has had; item `shopper` is withheld.
pub(crate) fn items_of(shopper: u32) -> Vec<Item> {
    (0..SIDE).filter(|&item| item % 2 == shopper % 2 && item != shopper).map(Item).collect()
}

/// One visit per shopper, all of the same time.
pub(crate) fn index() -> VisitIndex {
    let mut index = VisitIndex::new(VisitLimits::default());
    for shopper in 0..SIDE {
        for item in items_of(shopper) {
            index.push(VisitEvent {
                visit: VisitId(u64::from(shopper)),
                shopper: Some(Shopper(shopper)),
                item,
                time: 0,
            });
        }
    }
    index
}
