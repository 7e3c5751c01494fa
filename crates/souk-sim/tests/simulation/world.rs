//! What happens in the shop: seeded shoppers, tills, the nightly file, the stockroom.

use super::messages::{self, LEDGER, Message, OrderWords, PricedLine, Pricing, SERVER, TILL};
use super::model::{Change, Effect, Line, Report, Sku, Touch, Who};
use super::{DAY_MS, HOUR_MS, MINUTE_MS, PLACES, SITES};
use souk_sim::Random;

const USERS: u64 = 10;
const BROWSERS: u64 = 14;
const CARDS: u64 = 5;
/// Products of each site; ids are the same in both, so that only the site tells them apart.
pub(crate) const PRODUCTS: u64 = 40;
/// Some ids are never put into the catalogue.
const UNKNOWN_PRODUCTS: u64 = 3;

/// An order as it really was, for those who report it later.
#[derive(Clone, Debug)]
struct Bought {
    report: Report,
    lines: Vec<PricedLine>,
    /// When the ledger knows of it.
    ledger_due: Option<i64>,
    is_in_ledger: bool,
}

pub(crate) struct World {
    pub(crate) random: Random,
    n_messages: u64,
    bought: Vec<Bought>,
}

impl World {
    pub(crate) fn new(random: Random) -> World {
        World { random, n_messages: 0, bought: Vec::new() }
    }

    fn message_id(&mut self) -> String {
        self.n_messages += 1;
        format!("m{}", self.n_messages)
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.random.below(100) < percent
    }

    pub(crate) fn one_in<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.random.below(choices.len() as u64) as usize]
    }

    pub(crate) fn sku(&mut self) -> Sku {
        let site = usize::from(self.chance(25));
        let number = self.random.skewed(PRODUCTS + UNKNOWN_PRODUCTS);
        Sku { site, number }
    }

    fn sku_of(&mut self, site: usize) -> Sku {
        Sku { site, ..self.sku() }
    }

    pub(crate) fn place_of(&mut self, site: usize) -> usize {
        loop {
            let place = self.random.below(PLACES.len() as u64) as usize;
            if PLACES[place].site == site {
                return place;
            }
        }
    }

    pub(crate) fn anybody(&mut self) -> Who {
        match self.random.below(5) {
            0 | 1 => Who::User(self.random.below(USERS)),
            2 | 3 => Who::Browser(self.random.below(BROWSERS)),
            _ => Who::Card(self.random.below(CARDS)),
        }
    }

    /// A time at or before now: mostly now, sometimes days ago.
    fn past(&mut self, now: i64) -> i64 {
        match self.random.below(10) {
            0 => now - self.random.below(4 * DAY_MS as u64) as i64,
            1 => now - self.random.below(3 * HOUR_MS as u64) as i64,
            _ => now,
        }
    }

    /// Somebody looks around; now and then a client's clock runs ahead, by less than a day.
    pub(crate) fn browse(&mut self, now: i64) -> Vec<Message> {
        let (who, count) = match self.random.below(100) {
            // A screen in the shop that everybody uses: beyond what is kept of one subject.
            0..=11 => (Who::Browser(0), 20 + self.random.below(30)),
            12..=55 => (Who::User(self.random.below(USERS)), 1 + self.random.below(8)),
            _ => (Who::Browser(self.random.below(BROWSERS)), 1 + self.random.below(8)),
        };
        let site = usize::from(self.chance(25));
        let mut at = self.past(now);
        if self.chance(3) {
            at = now + self.random.below(20 * HOUR_MS as u64) as i64;
        }
        (0..count)
            .map(|_| {
                let names =
                    ["Product Viewed", "Product Viewed", "Product Clicked", "Product Added"];
                let mut name = self.one_in(&names);
                if self.chance(5) {
                    name = "Product Removed";
                }
                let sku = self.sku_of(site);
                // Back in time, so that the whole visit lies in the past of its last event.
                at -= self.random.below(12 * MINUTE_MS as u64) as i64;
                let touch = Touch { who, sku, name, at };
                messages::touch(self.message_id(), touch)
            })
            .collect()
    }

    fn lines(&mut self, site: usize) -> Vec<PricedLine> {
        let count = 1 + self.random.below(5);
        (0..count)
            .map(|_| {
                let milli = match self.chance(20) {
                    true => 5 + 5 * self.random.below(600) as i64,
                    false => 1_000 * (1 + self.random.below(4) as i64),
                };
                let number = self.sku_of(site).number;
                PricedLine::new(number, milli, 1 + self.random.below(3_000) as i64)
            })
            .collect()
    }

    /// An order: on the web, at a till, or one that only the ledger will ever tell of.
    pub(crate) fn buy(&mut self, now: i64) -> Vec<Message> {
        let site = usize::from(self.chance(25));
        let (source, who) = match self.random.below(10) {
            0..=5 => (SERVER, Some(Who::User(self.random.below(USERS)))),
            6 => (TILL, None),
            7 => (TILL, Some(Who::Card(self.random.below(CARDS)))),
            8 => (TILL, Some(Who::User(self.random.below(USERS)))),
            _ => (LEDGER, Some(Who::User(self.random.below(USERS)))),
        };
        let place = (source != SERVER || self.chance(30)).then(|| self.place_of(site));
        let late = self.random.below(3 * DAY_MS as u64) as i64;
        let ledger_due = (source == LEDGER || self.chance(85)).then_some(now + late);
        let order = self.bought.len() as u64;
        let at = self.past(now);
        let change = Change::Placed;
        let report = Report { site, order, who, source, change, place, at, lines: Vec::new() };
        let lines = self.lines(site);
        let bought = Bought { report, lines, ledger_due, is_in_ledger: false };
        let message = (source != LEDGER).then(|| self.report_of(&bought, "Order Completed"));
        self.bought.push(bought);
        message.into_iter().collect()
    }

    fn report_of(&mut self, bought: &Bought, event: &str) -> Message {
        let card = match bought.report.who {
            Some(Who::User(_)) if self.chance(15) => Some(Who::Card(self.random.below(CARDS))),
            _ => None,
        };
        let pricing = if self.chance(50) { Pricing::Each } else { Pricing::Whole };
        let report = bought.report.clone();
        let words = OrderWords { event, report, card, lines: &bought.lines, pricing };
        messages::order(self.message_id(), words)
    }

    /// The nightly file: orders of whose turn it is, in any order, some with corrected lines.
    pub(crate) fn nightly(&mut self, now: i64) -> Vec<Message> {
        let mut due: Vec<usize> = (0..self.bought.len())
            .filter(|idx| {
                let bought = &self.bought[*idx];
                !bought.is_in_ledger && bought.ledger_due.is_some_and(|due| due <= now)
            })
            .collect();
        let mut file = Vec::new();
        while !due.is_empty() {
            let idx = due.swap_remove(self.random.below(due.len() as u64) as usize);
            self.bought[idx].is_in_ledger = true;
            let mut told = self.bought[idx].clone();
            told.report.source = LEDGER;
            if self.chance(15) {
                told.lines = self.corrected(&told.lines, told.report.site);
            }
            if self.chance(10) {
                // The ledger may not know who it was.
                told.report.who = None;
            }
            file.push(self.report_of(&told, "Order Completed"));
        }
        file
    }

    fn corrected(&mut self, lines: &[PricedLine], site: usize) -> Vec<PricedLine> {
        let mut lines = lines.to_vec();
        match self.random.below(3) {
            0 => lines.extend(self.lines(site).into_iter().take(1)),
            1 if lines.len() > 1 => drop(lines.pop()),
            _ => {
                let Line { number, milli, .. } = lines[0].line;
                lines[0] =
                    PricedLine::new(number, milli + 1_000, 1 + self.random.below(900) as i64);
            }
        }
        lines
    }

    /// A correction, a refund or a cancellation of some order, by the shop's server or the ledger.
    pub(crate) fn change_order(&mut self, now: i64) -> Vec<Message> {
        if self.bought.is_empty() {
            return Vec::new();
        }
        let idx = self.random.below(self.bought.len() as u64) as usize;
        let mut told = self.bought[idx].clone();
        told.report.at = now;
        let own = told.report.source;
        told.report.source = if self.chance(40) { LEDGER } else { own };
        let event = match self.random.below(6) {
            0 | 1 => {
                told.lines = self.corrected(&told.lines, told.report.site);
                "Order Updated"
            }
            2 => {
                told.report.change = Change::Cancelled;
                told.lines.clear();
                "Order Cancelled"
            }
            3 => {
                told.report.change = Change::Refunded;
                told.lines.clear();
                "Order Refunded"
            }
            _ => {
                told.report.change = Change::Refunded;
                told.lines.truncate(1);
                "Order Refunded"
            }
        };
        vec![self.report_of(&told, event)]
    }

    /// Two names turn out to be one person's.
    pub(crate) fn join(&mut self, now: i64) -> Vec<Message> {
        let user = self.random.below(USERS);
        let message = match self.random.below(3) {
            0 => {
                let previous = self.random.below(USERS);
                if previous == user {
                    return Vec::new();
                }
                messages::alias(self.message_id(), now, user, previous)
            }
            n => {
                let browser = Who::Browser(self.random.below(BROWSERS));
                let card = (n == 1).then(|| Who::Card(self.random.below(CARDS)));
                messages::identify(self.message_id(), now, (Who::User(user), browser), card)
            }
        };
        vec![message]
    }

    /// Counts and movements in the stockroom, some told late.
    pub(crate) fn stock(&mut self, now: i64) -> Vec<Message> {
        let count = 1 + self.random.below(4);
        (0..count)
            .map(|_| {
                let sku = self.sku();
                let place = self.place_of(sku.site);
                let at = self.past(now);
                let milli = 1_000 * self.random.below(12) as i64;
                let effect = match self.random.below(8) {
                    0..=3 => Effect::Counted { sku, place, milli, at },
                    4 | 5 => Effect::Received { sku, place, milli, at },
                    6 => Effect::WrittenOff { sku, place, milli, at },
                    _ => {
                        let to = self.place_of(sku.site);
                        Effect::Moved { sku, place, to, milli, at }
                    }
                };
                messages::shop_fact(self.message_id(), effect)
            })
            .collect()
    }

    pub(crate) fn price(&mut self, now: i64) -> Vec<Message> {
        let (sku, at) = (self.sku(), self.past(now));
        let minor = 1 + self.random.below(4_000) as i64;
        vec![messages::shop_fact(self.message_id(), Effect::Price { sku, minor, at })]
    }

    /// A good batch with events in it that nobody can use.
    pub(crate) fn junk(&mut self, now: i64) -> Vec<Message> {
        let mut messages = self.browse(now);
        let which = self.random.bits();
        let place = self.random.below(messages.len() as u64 + 1) as usize;
        messages.insert(place, messages::junk(self.message_id(), now, which));
        messages
    }

    /// A site's name, for requests.
    pub(crate) fn site(&mut self) -> usize {
        self.random.below(SITES.len() as u64) as usize
    }
}
