//! How large the views are.

use super::histories::Out;
use super::{
    Attribution, Catalogue, Consents, DailySales, Histories, Identity, Projection, Searches,
    Shoppers, Supply, Views,
};

/// How much memory the views hold, for metrics. Bytes are estimates of what structures reserve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ViewSizes {
    pub products: usize,
    pub items: usize,
    pub subjects: usize,
    pub links: usize,
    /// Browsers in which several users were identified.
    pub shared_browsers: usize,
    pub visits: u64,
    pub visit_events: u64,
    pub orders: usize,
    pub baskets: usize,
    pub sales_cells: usize,
    pub bytes: usize,
    /// Visitors whose pace is no shopper's, the shop's own people, and bulk orders: kept, and not learned
    /// from.
    pub floods: usize,
    pub staff: usize,
    pub bulk_orders: usize,
    /// By projection.
    pub bytes_by_projection: Vec<(&'static str, usize)>,
}

impl Views {
    /// Sizes and estimated memory.
    pub fn sizes(&self) -> ViewSizes {
        let bytes_by_projection = vec![
            (Catalogue::NAME, self.catalogue.bytes()),
            (Identity::NAME, self.identity.bytes()),
            (Shoppers::NAME, self.shoppers.bytes()),
            (Consents::NAME, self.consents.bytes()),
            (Histories::NAME, self.histories.bytes()),
            ("visits", self.visits.bytes()),
            ("baskets", self.baskets.bytes()),
            (DailySales::NAME, self.sales.bytes()),
            (Supply::NAME, self.supply.bytes()),
            (Attribution::NAME, self.attribution.bytes()),
            (Searches::NAME, self.searches.bytes()),
        ];
        ViewSizes {
            products: self.catalogue.len(),
            items: self.catalogue.n_items(),
            subjects: self.shoppers.len(),
            links: self.identity.n_links(),
            shared_browsers: self.identity.n_shared(),
            visits: u64::from(self.visits.n_visits()),
            visit_events: self.visits.n_events(),
            orders: self.sales.n_orders(),
            baskets: self.basket_vectors.n_baskets(),
            sales_cells: self.sales.n_cells(),
            bytes: bytes_by_projection.iter().map(|(_, bytes)| bytes).sum(),
            floods: self.histories.n_out(Out::FLOOD),
            staff: self.histories.n_out(Out::STAFF),
            bulk_orders: self.popularity.n_kept_out(),
            bytes_by_projection,
        }
    }
}
