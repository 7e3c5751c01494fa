//! The sample data of `souk demo`, mapped onto the same facts as any user's data.
//!
//! Reading and deciding only: what comes out are drafts for [`App::import_drafts`](crate::App), which
//! takes them through the same door as files and requests.

mod complete_journey;
#[cfg(test)]
mod tests;
mod titles;

use souk_core::{Channel, Money, Product, Quantity, Timestamp};
use souk_recommend::evaluate::baskets::BasketRow;
use souk_recommend::{Item, Shopper};

use crate::import::orders::{OrderRow, OrderTable};
use crate::{Draft, DraftFact};

pub use complete_journey::read_complete_journey;

/// A shop read from sample data.
#[derive(Debug)]
pub struct SampleShop {
    /// The catalogue.
    pub products: Vec<Product>,
    /// Whole orders, not yet drafts.
    pub(crate) orders: OrderTable,
    /// The time of the last event.
    pub last_event: Timestamp,
    /// What was found rough and what was done about it, for people.
    pub decisions: Vec<String>,
    /// Lines of the source.
    pub n_lines: u64,
    /// What shoppers looked at.
    pub views: Vec<Draft>,
    /// From when on baskets are predicted.
    pub cut: Timestamp,
}

/// An order of sample data.
#[derive(Clone, Copy, Debug)]
pub struct SampleOrder<'a> {
    /// Its name.
    pub id: &'a str,
    /// Whose it is.
    pub user: &'a str,
    /// When it was placed.
    pub at: Timestamp,
    /// Where the shopper met the shop.
    pub channel: Channel,
    /// In which shop.
    pub location: &'a str,
    /// Product, quantity, and what the line cost.
    pub lines: &'a [(&'a str, Quantity, Money)],
}

impl SampleShop {
    /// A shop with a catalogue and nothing sold yet.
    pub fn new(products: Vec<Product>, cut: Timestamp) -> SampleShop {
        SampleShop {
            products,
            orders: OrderTable::default(),
            last_event: Timestamp::EPOCH,
            decisions: Vec::new(),
            n_lines: 0,
            views: Vec::new(),
            cut,
        }
    }

    /// Adds an order.
    pub fn add_order(&mut self, order: SampleOrder<'_>) {
        self.last_event = self.last_event.max(order.at);
        for (product, quantity, amount) in order.lines {
            self.n_lines += 1;
            self.orders.add(OrderRow {
                order: order.id,
                product,
                at: order.at,
                user: Some(order.user),
                card: None,
                location: Some(order.location),
                promotion: None,
                channel: order.channel,
                is_cancelled: false,
                quantity: *quantity,
                amount: Some(*amount),
                line: self.n_lines,
            });
        }
    }

    /// Adds something that a shopper looked at.
    pub fn add_view(&mut self, view: Draft) {
        self.last_event = self.last_event.max(view.at);
        self.views.push(view);
    }

    /// How many orders there are.
    pub fn n_orders(&self) -> usize {
        self.orders.heads.len()
    }

    /// How many shoppers there are.
    pub fn n_shoppers(&self) -> usize {
        self.orders.n_people()
    }

    /// The place with the most lines; the first by name of several.
    pub fn busiest_place(&self) -> Option<String> {
        self.orders.busiest_place().map(str::to_owned)
    }

    /// Shoppers with at least `n_orders_min` orders, by their number of orders, then by id.
    pub fn shoppers(&self, n_orders_min: usize) -> Vec<String> {
        let mut counts: Vec<(usize, String)> = Vec::new();
        for (person, count) in self.orders.orders_by_person() {
            if count >= n_orders_min {
                counts.push((count, person.to_owned()));
            }
        }
        counts.sort();
        counts.into_iter().map(|(_, id)| id).collect()
    }

    /// The lines for an evaluation of the next basket: those before the cut, and those after it of
    /// shoppers with at least three baskets before it. A product counts once in a basket.
    pub fn basket_rows(&self) -> (Vec<BasketRow>, Vec<BasketRow>) {
        let cut = self.cut;
        let (mut train, mut test) = (Vec::new(), Vec::new());
        let mut n_before = vec![0u32; self.orders.n_people()];
        for head in &self.orders.heads {
            if let Some(user) = head.user.filter(|_| head.at < cut) {
                n_before[user as usize] += 1;
            }
        }
        for line in &self.orders.lines {
            let head = &self.orders.heads[line.order as usize];
            let Some(user) = head.user else { continue };
            let row = BasketRow {
                shopper: Shopper(user),
                basket: u64::from(line.order),
                item: Item(line.product),
                time: head.at.as_ms(),
            };
            if head.at < cut {
                train.push(row);
            } else if n_before[user as usize] >= 3 {
                test.push(row);
            }
        }
        (train, test)
    }

    /// The catalogue as drafts, at the time of the first event.
    pub fn product_drafts(&self) -> impl Iterator<Item = Draft> + Send + '_ {
        let first = self.orders.heads.iter().map(|head| head.at).min().unwrap_or_default();
        self.products
            .iter()
            .map(move |product| Draft::new(first, DraftFact::Product(Box::new(product.clone()))))
    }

    /// Views and orders as drafts, by time.
    pub fn into_drafts(self) -> impl Iterator<Item = Draft> + Send {
        let mut views = self.views;
        views.sort_by_key(|view| view.at);
        let mut views = views.into_iter().peekable();
        let mut orders = self.orders.into_drafts().map(|(_, draft)| draft).peekable();
        std::iter::from_fn(move || match (views.peek(), orders.peek()) {
            (Some(view), Some(order)) if view.at <= order.at => views.next(),
            (_, Some(_)) => orders.next(),
            (_, None) => views.next(),
        })
    }
}
