//! One act after the other: what happens to the shop and to its machine.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, ensure};
use souk_core::wire::{encode_event, record_kind};
use souk_core::{
    Availability, Currency, Event, EventId, Fact, LinkBasis, Money, Product, ProductId,
    ProductPatch, SiteId, Source, SubjectId,
};
use souk_ports::{Partition, Record, RecordKind};

use super::messages::{Message, batch};
use super::model::{Basis, KnownProduct, Model, Sku, Who};
use super::shop::{SimShop, moment};
use super::world::{PRODUCTS, World};
use super::{DAY_MS, HOUR_MS, SITES, SimReport};

/// Within this time a repetition is recognised for certain.
const REPEAT_MS_MAX: i64 = 6 * DAY_MS;
const AVAILABILITIES: [&str; 6] =
    ["in_stock", "in_stock", "in_stock", "preorder", "out_of_stock", "discontinued"];

/// The shop, what should be true of it, and what happens next.
pub(crate) struct Acts {
    pub(crate) shop: SimShop,
    pub(crate) world: World,
    pub(crate) model: Model,
    pub(crate) report: SimReport,
    /// Messages that were taken in, and when.
    pub(crate) taken: BTreeMap<String, i64>,
    /// The same messages, for those who send them again.
    sent: Vec<Message>,
    next_night: i64,
    n_facts: u64,
}

impl Acts {
    pub(crate) fn new(shop: SimShop, world: World, model: Model) -> Acts {
        let next_night = shop.now() + DAY_MS + 3 * HOUR_MS;
        let (report, taken, sent) = (SimReport::default(), BTreeMap::new(), Vec::new());
        Acts { shop, world, model, report, taken, sent, next_night, n_facts: 0 }
    }

    /// Most of the catalogue.
    pub(crate) fn stock_the_shelves(&mut self) -> Result<()> {
        for site in 0..SITES.len() {
            let skus: Vec<Sku> =
                (0..PRODUCTS).filter(|n| n % 9 != 8).map(|number| Sku { site, number }).collect();
            self.put(&skus)?;
        }
        Ok(())
    }

    /// The next thing that happens.
    pub(crate) fn act(&mut self) -> Result<()> {
        self.shop.advance(1 + self.world.random.below(4 * HOUR_MS as u64) as i64);
        let now = self.shop.now();
        if now >= self.next_night {
            self.next_night += DAY_MS;
            let file = self.world.nightly(now);
            for part in file.chunks(40) {
                self.send(part.to_vec()).context("nightly file")?;
            }
        }
        match self.world.random.below(100) {
            0..=27 => self.happen(World::browse).context("browse"),
            28..=42 => self.happen(World::buy).context("buy"),
            43..=48 => self.happen(World::join).context("join"),
            49..=55 => self.happen(World::stock).context("stock"),
            56..=59 => self.happen(World::price).context("price"),
            60..=64 => self.happen(World::change_order).context("change of an order"),
            65..=67 => self.happen(World::junk).context("junk"),
            68..=71 => self.repeat().context("repetition"),
            72..=74 => self.put_some().context("put"),
            75..=77 => self.patch().context("patch"),
            78..=79 => self.delete().context("delete"),
            80..=81 => self.unlink().context("unlink"),
            82..=83 => self.forget().context("forget"),
            84..=85 => self.snapshot().context("snapshot"),
            86 => self.restart().context("restart"),
            87..=88 => self.crash().context("crash"),
            89 => self.archive().context("archive"),
            _ => self.ask().context("recommend"),
        }
    }

    fn happen(&mut self, what: impl FnOnce(&mut World, i64) -> Vec<Message>) -> Result<()> {
        let messages = what(&mut self.world, self.shop.now());
        self.send(messages)
    }

    /// Sends a batch, now and then one that crosses a crash and is sent again.
    fn send(&mut self, mut messages: Vec<Message>) -> Result<()> {
        if messages.is_empty() {
            return Ok(());
        }
        if self.world.chance(5) {
            // A client that repeats itself within one batch.
            let again = self.world.random.below(messages.len() as u64) as usize;
            messages.push(messages[again].clone());
        }
        let body = batch(&messages);
        let mut outcome_is_open = false;
        if self.world.chance(3) {
            let polls = self.world.random.below(60);
            self.shop.crash_during(&body, polls);
            self.shop.open().context("open after a crash in a request")?;
            self.report.crashes += 1;
            outcome_is_open = true;
        }
        let answer = self.shop.ingest(&body)?;
        let refused = messages.iter().filter(|message| message.is_refused).count();
        ensure!(answer.rejected.len() == refused, "{} refused, {answer:?}: {body}", refused);
        let mut fresh = 0;
        for message in messages {
            if !message.is_refused && !self.taken.contains_key(&message.id) {
                fresh += 1;
                self.taken.insert(message.id.clone(), self.shop.now());
                self.model.take(&message.effects);
                self.sent.push(message);
            }
        }
        if !outcome_is_open {
            ensure!(answer.accepted == fresh, "{fresh} are new, {answer:?}: {body}");
            self.report.duplicates += answer.duplicates as u64;
        }
        self.report.messages += fresh as u64;
        Ok(())
    }

    /// A client did not see the answer and sends what it sent some days ago.
    fn repeat(&mut self) -> Result<()> {
        let since = self.shop.now() - REPEAT_MS_MAX;
        let first = self.sent.partition_point(|message| self.taken[&message.id] < since);
        let count = (self.sent.len() - first) as u64;
        if count == 0 {
            return Ok(());
        }
        let mut again = Vec::new();
        for _ in 0..1 + self.world.random.below(6) {
            let idx = first + self.world.random.below(count) as usize;
            again.push(self.sent[idx].clone());
        }
        let before = self.report.messages;
        self.send(again)?;
        ensure!(self.report.messages == before, "a repetition counted as new");
        Ok(())
    }

    fn put_some(&mut self) -> Result<()> {
        let count = 1 + self.world.random.below(4);
        let mut skus: Vec<Sku> = (0..count).map(|_| self.world.sku()).collect();
        skus.sort();
        skus.dedup();
        skus.retain(|sku| sku.number < PRODUCTS);
        self.put(&skus)
    }

    fn put(&mut self, skus: &[Sku]) -> Result<()> {
        if skus.is_empty() {
            return Ok(());
        }
        let now = self.shop.now();
        let known: Vec<(Sku, KnownProduct)> =
            skus.iter().map(|sku| (*sku, self.product(*sku, now))).collect();
        let products = known.iter().map(|(sku, known)| as_product(*sku, known)).collect();
        let answer = self.shop.run(self.shop.app().put_products(products, &self.shop.caller))?;
        ensure!(answer.accepted == skus.len(), "{answer:?}");
        self.model.products.extend(known);
        Ok(())
    }

    fn product(&mut self, sku: Sku, now: i64) -> KnownProduct {
        KnownProduct {
            // Two products each share a title, so that only one of them may be shown.
            title: format!("Thing {}", sku.number / 2),
            brand: self.world.one_in(&["Private", "Acme", "Nordwind"]).to_owned(),
            price_minor: 1 + self.world.random.below(4_000) as i64,
            availability: self.world.one_in(&AVAILABILITIES),
            priced_at: now,
        }
    }

    fn patch(&mut self) -> Result<()> {
        let (sku, now) = (self.world.sku(), self.shop.now());
        let changed = self.product(sku, now);
        let mut patch = ProductPatch::default();
        let is_price = self.world.chance(50);
        if is_price {
            patch.price = Some(Some(money(sku.site, changed.price_minor)));
        } else {
            patch.availability = Availability::parse(changed.availability);
        }
        let (site, id) = names(sku);
        let call = self.shop.app().patch_product(&site, &id, (patch, &self.shop.caller));
        let answer = self.shop.run(call);
        let Some(known) = self.model.products.get_mut(&sku) else {
            ensure!(answer.is_err(), "{sku:?} is not known and was patched");
            return Ok(());
        };
        answer?;
        if is_price {
            (known.price_minor, known.priced_at) = (changed.price_minor, now);
        } else {
            known.availability = changed.availability;
        }
        Ok(())
    }

    fn delete(&mut self) -> Result<()> {
        let sku = self.world.sku();
        let (site, id) = names(sku);
        let call = self.shop.app().delete_product(&site, &id, &self.shop.caller);
        let answer = self.shop.run(call);
        if self.model.products.remove(&sku).is_some() {
            answer?;
        } else {
            ensure!(answer.is_err(), "{sku:?} is not known and was deleted");
        }
        Ok(())
    }

    /// One statement that two names are one person's is taken back.
    fn unlink(&mut self) -> Result<()> {
        let count = self.model.links.len() as u64;
        if count == 0 {
            return Ok(());
        }
        let nth = self.world.random.below(count) as usize;
        let link = *self.model.links.iter().nth(nth).expect("counted above");
        let (a, b, basis) = link;
        let subject = self.shop.subject(a)?.context("a linked name has a subject")?;
        let other = self.shop.subject(b)?.context("a linked name has a subject")?;
        let basis = match basis {
            Basis::Identify => LinkBasis::Identify,
            Basis::Alias => LinkBasis::Alias,
            Basis::LoyaltyCard => LinkBasis::LoyaltyCard,
        };
        self.append(Some(subject), Fact::Unlinked { other, basis })?;
        self.model.links.remove(&link);
        Ok(())
    }

    /// Somebody wants one of their names forgotten.
    fn forget(&mut self) -> Result<()> {
        let who: Who = self.world.anybody();
        let Some(subject) = self.shop.subject(who)? else { return Ok(()) };
        self.shop.run(self.shop.parts().keys.forget(subject))?;
        self.append(None, Fact::Forgotten { subject })?;
        self.model.forget(who);
        self.report.forgotten += 1;
        Ok(())
    }

    /// Appends a fact for which there is no door yet.
    fn append(&mut self, subject: Option<SubjectId>, fact: Fact) -> Result<()> {
        self.n_facts += 1;
        let at = moment(self.shop.now());
        let (kind, site) = (RecordKind(record_kind(&fact)), SiteId::main());
        let (channel, source, message_id) = (None, Source::Server, None);
        let withheld = souk_core::Purposes::NONE;
        let event = Event { at, site, channel, source, message_id, withheld, fact };
        let record = Record {
            partition: Partition(0),
            subject,
            event_id: EventId(u128::from(self.n_facts).to_le_bytes()),
            received_at: at,
            kind,
            body: encode_event(&event),
        };
        self.shop.run(self.shop.app().append(vec![record]))?;
        Ok(())
    }

    fn snapshot(&mut self) -> Result<()> {
        Ok(self.shop.run(self.shop.app().snapshot_now())?)
    }

    /// Old records move to the archive.
    fn archive(&mut self) -> Result<()> {
        let before = moment(self.shop.now() - 8 * DAY_MS);
        self.shop.run(self.shop.parts().log.archive(before))?;
        Ok(())
    }

    fn restart(&mut self) -> Result<()> {
        self.shop.settle()?;
        let (before, end) = (self.fingerprints(), self.shop.log_end()?);
        self.shop.close()?;
        let is_damaged = self.world.chance(30) && {
            let at = self.world.random.bits();
            self.shop.damage_newest_snapshot(at)?
        };
        self.shop.open()?;
        self.report.restarts += 1;
        if end != self.shop.log_end()? {
            // Impressions that waited were written at the end; they move the log's time on.
            return self.audit();
        }
        let after = self.fingerprints();
        let pairs = before.iter().zip(&after).filter(|(before, after)| before != after);
        let differing: Vec<&str> = pairs.map(|(before, _)| before.0).collect();
        ensure!(
            differing.is_empty(),
            "{differing:?} differ after a restart (damaged snapshot: {is_damaged})"
        );
        self.audit()
    }

    fn crash(&mut self) -> Result<()> {
        self.shop.crash();
        self.shop.open()?;
        self.report.crashes += 1;
        self.audit()
    }

    fn fingerprints(&self) -> Vec<(&'static str, u128)> {
        self.shop.app().with_views(|views| views.fingerprints())
    }

    /// Of all that a seed decides: answers have random names, by which what became of them is kept.
    fn fingerprint(&self) -> String {
        let parts = self.fingerprints().into_iter().filter(|(name, _)| *name != "attribution");
        let sum = parts.fold(0_u128, |sum, (_, part)| sum.wrapping_add(part));
        format!("{sum:032x}")
    }

    /// The last look: every message is in the log once, and everything agrees.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.crash()?;
        self.check_log()?;
        self.report.fingerprint = self.fingerprint();
        Ok(())
    }

    /// Reads the whole log: each acknowledged message stands there once, and no other.
    fn check_log(&self) -> Result<()> {
        let mut seen: HashMap<String, u32> = HashMap::new();
        let mut cursor = souk_ports::Cursor::START;
        loop {
            let read = self.shop.run(self.shop.parts().log.read(&cursor, 1_000))?;
            let Some(last) = read.last() else { break };
            cursor.advance(last.position);
            for recorded in &read {
                let event = self.shop.open_record(&recorded.record)?;
                if let Some(id) = event.message_id {
                    *seen.entry(id.into()).or_insert(0) += 1;
                }
            }
        }
        for id in self.taken.keys() {
            ensure!(seen.contains_key(id), "{id} was acknowledged and is not in the log");
        }
        for (id, times) in seen {
            ensure!(self.taken.contains_key(&id), "{id} was never acknowledged");
            let is_alias =
                self.sent.iter().any(|sent| sent.id == id && sent.body["type"] == "alias");
            ensure!(times == 1 || is_alias, "{id} is in the log {times} times");
        }
        Ok(())
    }
}

/// Site and id in the vocabulary's types.
pub(crate) fn names(sku: Sku) -> (SiteId, ProductId) {
    let site = SiteId::new(SITES[sku.site].id).expect("the plan's ids are short");
    (site, ProductId::new(sku.id()).expect("a number is a short id"))
}

pub(crate) fn money(site: usize, minor: i64) -> Money {
    let currency = Currency::parse(SITES[site].currency).expect("the plan's currencies exist");
    Money::from_minor(minor, currency)
}

fn as_product(sku: Sku, known: &KnownProduct) -> Product {
    let (site, id) = names(sku);
    let mut product = Product::new(id, site, known.title.clone());
    product.brand = Some(known.brand.clone());
    product.price = Some(money(sku.site, known.price_minor));
    product.availability = Availability::parse(known.availability).expect("one of the list");
    product
}
