//! Sales, stock, prices and promotions, into catalogue and supply together.

use souk_core::{OrderRef, PriceChange, ProductId, Promotion, StockChange, Timestamp};

use souk_recommend::Item;

use super::{StockFact, utc_day};
use crate::projections::catalogue::StockRow;
use crate::projections::orders::{NONE, Report};
use crate::projections::{Head, Views};

impl Views {
    /// Takes a sale in, and off the shelf that it was sold from.
    pub(in crate::projections) fn report_sale(
        &mut self,
        order: OrderRef,
        report: Report,
        site: u32,
    ) {
        let Views { sales, popularity, catalogue, supply, histories, .. } = self;
        // What an order takes off the shelf beyond what it took before: a refund, or the same order from another source,
        // takes nothing and must not look as if the shelf had been filled and emptied again.
        let mut sold: Vec<((Item, u32), Timestamp, i64)> = Vec::new();
        sales.report(order, report, |counted, sign| {
            if let Some(kept) = counted.kept() {
                popularity.sold_by((order, &*kept), (site, sign), histories);
            }
            let Some(placed) = counted.placed else { return };
            for line in placed.lines.iter() {
                let place = (catalogue.site_number(line.item), placed.location);
                supply.note_sale((place, placed.first.1), line.milli, sign);
            }
            if catalogue.stock().is_empty() || placed.location == NONE {
                return;
            }
            for line in placed.lines.iter() {
                let (place, at) = ((line.item, placed.location), placed.first.0);
                let milli = line.milli.saturating_mul(sign);
                match sold.iter_mut().find(|one| (one.0, one.1) == (place, at)) {
                    Some(known) => known.2 = known.2.saturating_add(milli),
                    None => sold.push((place, at, milli)),
                }
            }
        });
        for (place, at, milli) in sold.into_iter().filter(|(_, _, milli)| *milli != 0) {
            let day = utc_day(at);
            let before = catalogue.stock().at(place.0, place.1);
            catalogue
                .sell(place, (milli, at), |row| supply.sold_rank(place, row.lot.as_deref(), day));
            let left = catalogue.stock().at(place.0, place.1);
            let is_none = |milli: Option<i64>| milli.is_some_and(|milli| milli <= 0);
            match is_none(before) && is_none(left) {
                true if milli > 0 => supply.note_sold_from_none(place, at),
                true => {}
                // More than the books held was sold, so nobody knows how much is left.
                false if milli > 0 && left.is_some_and(|milli| milli < 0) => {}
                false => supply.note_level(place, left, at),
            }
        }
    }

    pub(in crate::projections) fn fold_stock(&mut self, head: &Head<'_>, change: &StockChange) {
        let item = self.catalogue.intern(head.site, &change.product);
        let location = self.catalogue.intern_location(&change.location);
        let before = self.catalogue.believed((item, location), change);
        self.catalogue.change_stock(head.site, change, head.at);
        let place = (self.catalogue.site_number(item), location);
        self.supply.note_stock(&StockFact { item, place, change, before, at: head.at });
        let to = change.to.as_ref().map(|to| self.catalogue.intern_location(to));
        for location in [Some(location), to].into_iter().flatten() {
            let left = self.catalogue.stock().at(item, location);
            self.supply.note_level((item, location), left, head.at);
        }
    }

    /// What stands where of a product, by lots as far as they are known.
    pub(crate) fn stock_rows(&self, item: Item) -> Vec<StockRow> {
        let last_day = |row: &StockRow| {
            row.lot.as_deref().and_then(|lot| self.supply.expires((item, row.location), lot))
        };
        self.catalogue.stock().split(item, last_day)
    }

    pub(in crate::projections) fn fold_price(
        &mut self,
        site: u32,
        change: &PriceChange,
        at: Timestamp,
    ) {
        if change.variant.is_none() {
            let item = self.catalogue.intern(site, &change.product);
            self.supply.note_price(item, Some(change.price), at);
        }
    }

    /// Notes the price that the catalogue says now.
    pub(in crate::projections) fn note_price(
        &mut self,
        (site, product): (u32, &ProductId),
        at: Timestamp,
    ) {
        let item = self.catalogue.intern(site, product);
        let price = self.catalogue.product(item).and_then(|product| product.price);
        self.supply.note_price(item, price, at);
    }

    pub(in crate::projections) fn fold_promotion(
        &mut self,
        head: &Head<'_>,
        promotion: &Promotion,
    ) {
        let items = promotion.products.iter();
        let items = items.map(|product| self.catalogue.intern(head.site, product)).collect();
        self.supply.note_promotion(head.site, (promotion, items), head.at);
    }
}
