//! A digest of the whole state by the shop's own names, whatever numbers were given to them.

use souk_core::wire::{Writer, encode_product};
use souk_core::{SubjectId, Timestamp};
use souk_recommend::visits::VisitIndex;
use souk_recommend::{Item, Shopper};
use xxhash_rust::xxh3::xxh3_128;

use super::attribution::{Cell, Entry};
use super::orders::{NONE, OrderFold};
use super::searches::SearchEntry;
use super::{Popularity, Views};

/// Adds up the hashes of all entries, so that the order of visiting them does not matter.
#[derive(Debug, Default)]
struct Digest(u128);

impl Digest {
    fn add(&mut self, what: &str, write: impl FnOnce(&mut Writer)) {
        let mut w = Writer::new();
        w.text(what);
        write(&mut w);
        self.0 = self.0.wrapping_add(xxh3_128(&w.into_bytes()));
    }
}

/// Items and shoppers by the names that do not depend on the order of first sight.
struct Names<'a> {
    views: &'a Views,
    items: Vec<u128>,
}

impl Names<'_> {
    fn item(&self, item: Item, w: &mut Writer) {
        w.raw(&self.items[item.0 as usize].to_le_bytes());
    }

    fn shopper(&self, shopper: Option<Shopper>, w: &mut Writer) {
        let subject = shopper.and_then(|shopper| self.views.shoppers.subject(shopper));
        w.raw(&subject.map_or([0; 16], |SubjectId(bytes)| bytes));
    }

    fn location(&self, number: u32, w: &mut Writer) {
        w.text(if number == NONE { "" } else { self.views.catalogue.location(number) });
    }
}

impl Views {
    /// A digest of all projections: equal for states that answer every question alike.
    ///
    /// It does not depend on the dense numbers of items and shoppers, nor on what is not a fold of
    /// facts (how many records there were). Reads everything: for tests, `doctor` and rebuilds.
    pub fn fingerprint(&self) -> String {
        let parts = self.fingerprints();
        let sum = parts.iter().fold(0u128, |sum, (_, part)| sum.wrapping_add(*part));
        format!("{sum:032x}")
    }

    /// The digests of what all make together, for tests that ask thousands of times.
    #[cfg(test)]
    pub(crate) fn crowd_fingerprints(&self) -> [u128; 4] {
        let names = self.names();
        [
            digest_visits(&self.visits, &names),
            digest_visits(&self.baskets, &names),
            self.digest_vectors(&names),
            self.digest_popularity(&names),
        ]
    }

    fn names(&self) -> Names<'_> {
        let catalogue = &self.catalogue;
        let items = (0..catalogue.n_items() as u32).map(|number| {
            let mut w = Writer::new();
            w.text(catalogue.site(Item(number)).as_str());
            w.text(catalogue.product_id(Item(number)).as_str());
            xxh3_128(&w.into_bytes())
        });
        Names { views: self, items: items.collect() }
    }

    /// The digest of each projection, to tell where two states part.
    pub fn fingerprints(&self) -> Vec<(&'static str, u128)> {
        let names = self.names();
        vec![
            ("catalogue", self.digest_catalogue(&names)),
            ("identity", self.digest_identity()),
            ("consents", self.digest_consents()),
            ("touches", self.digest_touches(&names)),
            ("orders", digest_orders(&self.histories.orders, &names)),
            ("visits", digest_visits(&self.visits, &names)),
            ("baskets", digest_visits(&self.baskets, &names)),
            ("vectors", self.digest_vectors(&names)),
            ("popularity", self.digest_popularity(&names)),
            ("sale orders", digest_orders(&self.sales.orders, &names)),
            ("sales", self.digest_sales(&names)),
            ("supply", self.digest_supply(&names)),
            ("attribution", self.digest_attribution(&names)),
            ("searches", self.digest_searches(&names)),
        ]
    }

    fn digest_catalogue(&self, names: &Names<'_>) -> u128 {
        let mut digest = Digest::default();
        for number in 0..self.catalogue.n_items() as u32 {
            let item = Item(number);
            if let Some(product) = self.catalogue.product(item) {
                digest.add("product", |w| w.bytes(&encode_product(product)));
            }
            for row in self.catalogue.stock().rows(item) {
                digest.add("stock", |w| {
                    names.item(item, w);
                    names.location(row.location, w);
                    w.text(row.variant.as_deref().unwrap_or(""));
                    w.text(row.lot.as_deref().unwrap_or(""));
                    w.zigzag(row.milli);
                    w.timestamp(row.counted_at);
                    w.u8(u8::from(row.is_within));
                    w.zigzag(row.loose_milli);
                });
            }
        }
        digest.0
    }

    fn digest_supply(&self, names: &Names<'_>) -> u128 {
        let mut digest = Digest::default();
        self.supply.entries(&mut |item, location, text| {
            digest.add("supply", |w| {
                item.into_iter().for_each(|item| names.item(item, w));
                location.into_iter().for_each(|location| names.location(location, w));
                w.text(&text);
            });
        });
        digest.0
    }

    fn digest_identity(&self) -> u128 {
        let mut digest = Digest::default();
        for (a, b, bases) in self.identity.pairs() {
            digest.add("link", |w| {
                w.raw(&a.0);
                w.raw(&b.0);
                w.u8(bases);
            });
        }
        digest.0
    }

    fn digest_consents(&self) -> u128 {
        let mut digest = Digest::default();
        for (subject, choices, said) in self.consents.iter() {
            for said in said {
                digest.add("said", |w| {
                    w.raw(&subject.0);
                    w.timestamp(said.at);
                    w.text(&format!("{:?}", said.change));
                });
            }
            digest.add("choices", |w| {
                w.raw(&subject.0);
                w.text(&format!("{choices:?}"));
            });
        }
        digest.0
    }

    fn digest_touches(&self, names: &Names<'_>) -> u128 {
        let mut digest = Digest::default();
        for shopper in self.shoppers.numbers() {
            for (idx, touch) in self.histories.touches(shopper).iter().enumerate() {
                digest.add("touch", |w| {
                    names.shopper(Some(shopper), w);
                    w.count(idx);
                    w.timestamp(touch.at);
                    names.item(touch.item, w);
                    w.u8(touch.action as u8);
                    w.u8(touch.channel.map_or(0, |channel| channel as u8 + 1));
                    w.u8(touch.uses.bits());
                });
            }
        }
        digest.0
    }

    fn digest_vectors(&self, names: &Names<'_>) -> u128 {
        let mut digest = Digest::default();
        for shopper in self.shoppers.numbers() {
            for basket in self.basket_vectors.baskets(shopper) {
                for item in basket.items() {
                    digest.add("bought", |w| {
                        names.shopper(Some(shopper), w);
                        w.varint(basket.key);
                        w.zigzag(basket.time);
                        names.item(*item, w);
                    });
                }
            }
        }
        digest.0
    }

    fn digest_popularity(&self, names: &Names<'_>) -> u128 {
        let mut digest = Digest::default();
        for sum in self.popularity.windows().sums() {
            let (site, channel) = Popularity::parts_of(sum.scope);
            digest.add("demand", |w| {
                w.text(self.catalogue.site_name(site));
                w.varint(u64::from(channel));
                w.zigzag(sum.from);
                w.zigzag(sum.width);
                names.item(sum.item, w);
                w.zigzag(sum.weight);
            });
        }
        digest.0
    }

    fn digest_attribution(&self, names: &Names<'_>) -> u128 {
        let mut digest = Digest::default();
        let place = |cell: &Cell, w: &mut Writer| {
            w.text(self.catalogue.site_name(cell.site));
            w.text(cell.placement.as_deref().unwrap_or(""));
            w.text(&cell.strategy);
        };
        self.attribution.entries(&mut |subject, entry| {
            digest.add("owed", |w| {
                w.raw(&subject.map_or([0; 16], |subject| subject.0));
                match entry {
                    Entry::Unnamed { day, cell, answers } => {
                        w.zigzag(i64::from(day));
                        place(cell, w);
                        w.varint(answers);
                    }
                    Entry::Answer { at, request, cell, is_seen, items } => {
                        w.zigzag(at);
                        w.varint(request);
                        place(cell, w);
                        w.u8(u8::from(is_seen));
                        items.iter().for_each(|item| names.item(*item, w));
                    }
                    Entry::Lesson { at, request, cell, items, told } => {
                        w.zigzag(at);
                        w.varint(request);
                        place(cell, w);
                        items.iter().for_each(|item| names.item(*item, w));
                        told.iter().for_each(|bytes| w.bytes(bytes));
                    }
                    Entry::Row { day, cell, counts } => {
                        w.zigzag(i64::from(day));
                        place(cell, w);
                        counts.iter().for_each(|count| w.varint(u64::from(*count)));
                    }
                    Entry::Credit { parts, cell, item, ids } => {
                        parts.iter().for_each(|part| w.zigzag(*part));
                        cell.into_iter().for_each(|cell| place(cell, w));
                        item.into_iter().for_each(|item| names.item(item, w));
                        ids.iter().for_each(|id| w.raw(id));
                    }
                    Entry::Order { ids, at } => {
                        ids.iter().for_each(|id| w.raw(id));
                        w.zigzag(at);
                    }
                    Entry::Exposure { mark, at } => {
                        w.text(&mark.experiment);
                        w.text(&mark.arm);
                        w.zigzag(at);
                    }
                }
            });
        });
        digest.0
    }

    fn digest_searches(&self, names: &Names<'_>) -> u128 {
        let mut digest = Digest::default();
        self.searches.entries(&mut |entry| {
            digest.add("sought", |w| match entry {
                SearchEntry::Unnamed { day, site, counts } => {
                    w.zigzag(i64::from(day));
                    w.text(self.catalogue.site_name(site));
                    counts.iter().for_each(|count| w.varint(*count));
                }
                SearchEntry::Search { subject, site, key, parts, shown } => {
                    w.raw(&subject.0);
                    w.text(self.catalogue.site_name(site));
                    w.text(key);
                    parts.iter().for_each(|part| w.zigzag(*part));
                    shown.0.iter().for_each(|item| names.item(*item, w));
                    w.bytes(shown.1);
                }
            });
        });
        digest.0
    }

    fn digest_sales(&self, names: &Names<'_>) -> u128 {
        let mut digest = Digest::default();
        for (item, [day, location, currency, is_return, milli, minor, orders]) in self.sales.cells()
        {
            digest.add("cell", |w| {
                names.item(item, w);
                names.location(u32::try_from(location).unwrap_or(NONE), w);
                let currency = u8::try_from(currency).unwrap_or(0);
                let code = self.sales.currencies.get(currency);
                w.text(code.as_ref().map_or("", |currency| currency.as_str()));
                [day, is_return, milli, minor, orders].iter().for_each(|part| w.zigzag(*part));
            });
        }
        digest.0
    }
}

fn digest_visits(visits: &VisitIndex, names: &Names<'_>) -> u128 {
    let mut digest = Digest::default();
    for visit in visits.visits() {
        digest.add("visit", |w| {
            names.shopper(visit.shopper(), w);
            // Products of one moment have no order of their own: an order's lines.
            let mut events: Vec<(i64, u128)> =
                visit.events().map(|(item, time)| (time, names.items[item.0 as usize])).collect();
            events.sort_unstable();
            for (time, item) in events {
                w.zigzag(time);
                w.raw(&item.to_le_bytes());
            }
        });
    }
    digest.0
}

fn digest_orders(orders: &OrderFold, names: &Names<'_>) -> u128 {
    let mut digest = Digest::default();
    for slot in orders.slots() {
        for report in orders.reports(slot) {
            digest.add("report", |w| {
                w.raw(&orders.order(slot).0);
                w.u8(report.source as u8);
                w.u8(report.change as u8);
                w.u8(report.channel);
                names.shopper(Some(Shopper(report.shopper)), w);
                w.raw(&report.event_id.0);
                let (first, day): (Timestamp, _) = report.first;
                w.timestamp(report.at);
                w.timestamp(first);
                w.day(day);
                names.location(report.location, w);
                w.u8(report.uses.bits());
                for line in report.lines.iter() {
                    names.item(line.item, w);
                    w.zigzag(line.milli);
                    w.zigzag(line.minor);
                }
            });
        }
    }
    digest.0
}
