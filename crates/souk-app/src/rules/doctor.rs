//! What is odd about the rules: those that mean nothing, are over, cannot be read, or emptied a list.

use rustc_hash::FxHashSet;
use souk_core::Timestamp;
use souk_core::rules::RuleId;
use souk_recommend::Item;

use super::RuleBook;
use crate::{App, Finding, Weight};

/// Products that are looked at while the views are held; chosen: a few milliseconds.
const PRODUCTS_AT_ONCE: usize = 500;
/// Rules that a finding names.
const NAMED_MAX: usize = 5;

/// How often rules took every product out of a list, so that they were set aside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Brake {
    pub(crate) n: u64,
    pub(crate) last_at: Timestamp,
    /// The rules that took most out of the last list.
    pub(crate) rules: Vec<RuleId>,
}

impl App {
    /// Looks at the rules.
    pub(crate) async fn look_at_rules(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut find =
            |weight, detail: String| findings.push(Finding { weight, subject: "rules", detail });
        let unreadable = &self.merchandising.unreadable;
        if !unreadable.is_empty() {
            let names = named(unreadable.iter().map(String::as_str));
            find(
                Weight::Trouble,
                format!("{names} cannot be read and has no effect; store it again"),
            );
        }
        let book = self.merchandising.book();
        if book.len() == 0 {
            return findings;
        }
        let now = self.clock.now();
        let n_on = book.set.len();
        find(Weight::Fine, format!("{} rules, {n_on} of them switched on", book.len()));
        let meant = self.meant_rules(&book).await;
        let rules = || book.set.iter().map(|(_, rule)| rule);
        let idle: Vec<&str> = rules()
            .map(|rule| &rule.id)
            .filter(|id| !meant.contains(*id))
            .map(RuleId::as_str)
            .collect();
        if !idle.is_empty() {
            let names = named(idle.into_iter());
            find(
                Weight::Notice,
                format!("{names} means no product of the catalogue; see its `select`"),
            );
        }
        let is_over = |rule: &&souk_core::rules::Rule| {
            let main = self.config.main_site();
            let zone = book.zone(rule.when.sites.first().unwrap_or(&main));
            rule.when.schedule.is_over(now, &zone)
        };
        let over: Vec<&str> = rules().filter(is_over).map(|rule| rule.id.as_str()).collect();
        if !over.is_empty() {
            find(
                Weight::Notice,
                format!("{} is over; delete it or give it another end", named(over.into_iter())),
            );
        }
        let brake = self.merchandising.brake.lock().clone();
        if brake.n > 0 {
            let names = named(brake.rules.iter().map(RuleId::as_str));
            find(
                Weight::Trouble,
                format!(
                    "rules took every product out of {} lists since the start, the last at {}, and were \
                     set aside for them: {names}",
                    brake.n, brake.last_at
                ),
            );
        }
        findings
    }

    /// The rules that mean any product of the catalogue.
    async fn meant_rules(&self, book: &RuleBook) -> FxHashSet<RuleId> {
        let mut meant = FxHashSet::default();
        let mut next = 0;
        loop {
            {
                let views = self.views.read();
                let catalogue = &views.catalogue;
                let n_items = catalogue.n_items();
                let until = (next + PRODUCTS_AT_ONCE).min(n_items);
                for number in next..until {
                    let item = Item(number as u32);
                    if let Some(product) = catalogue.product(item) {
                        let known = book.row(item, product);
                        book.set.each_of_row(&known.row, |rule| {
                            let id = &book.set.rule(rule).id;
                            if !meant.contains(id) {
                                meant.insert(id.clone());
                            }
                        });
                    }
                }
                next = until;
                if next >= n_items || meant.len() == book.set.len() {
                    return meant;
                }
            }
            tokio::task::yield_now().await;
        }
    }
}

/// The first of some names, and how many more there are.
fn named<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    let first: Vec<String> = names.iter().take(NAMED_MAX).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(NAMED_MAX) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
