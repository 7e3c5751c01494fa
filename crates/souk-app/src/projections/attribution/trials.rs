//! What came of showing each product, for those who decide what is tried out.

use std::ops::Range;

use rustc_hash::FxHashMap;
use souk_core::{Purpose, Purposes, SiteId, SubjectId};
use souk_recommend::Item;

use super::super::{Use, Views, Whom};
use super::person::Person;
use super::{Answer, Did, day_of};

/// Answers in which one product counts for one subject, at most (chosen): nobody alone makes a product's
/// worth.
const ANSWERS_EACH_MAX: u8 = 3;

/// What came of showing a product once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tried {
    /// How far its place was looked at, 0 to 1.
    pub(crate) shown: f64,
    /// What was done with it, if anything.
    pub(crate) did: Option<Did>,
    /// How many days ago.
    pub(crate) days: i32,
}

/// How often the product in a place, from 0, is looked at, the first one always: as NDCG takes it.
fn examined(place: usize) -> f64 {
    1.0 / ((place + 2) as f64).log2()
}

impl Views {
    /// How many rows [`Views::each_trial`] can go through.
    pub(crate) fn n_trial_rows(&self) -> u32 {
        u32::try_from(self.attribution.people.len()).unwrap_or(u32::MAX)
    }

    /// What came of showing products in the kept answers of some subjects: clicks, carts and orders for looks at
    /// a place. Crawlers and the shop's own people are left out, and whoever does not let others learn from them
    /// or refuses reports.
    pub(crate) fn each_trial(&self, rows: Range<u32>, mut take: impl FnMut(Item, Tried)) {
        let rows = rows.start as usize..rows.end as usize;
        let people = self.attribution.people.get(rows).unwrap_or(&[]);
        for person in people {
            let Some(subject) = person.subject.filter(|one| !self.is_no_shopper(*one)) else {
                continue;
            };
            self.trials_of((subject, person), &mut take);
        }
    }

    fn trials_of(
        &self,
        (subject, person): (SubjectId, &Person),
        take: &mut impl FnMut(Item, Tried),
    ) {
        let today = self.attribution.day;
        let mut counted: FxHashMap<Item, u8> = FxHashMap::default();
        let mut allowed: Option<(u32, bool)> = None;
        let kept = person.answers.iter().rev();
        for answer in kept.filter(|answer| Person::keeps_answer(answer, today)) {
            let site = self.attribution.cells[usize::from(answer.cell)].site;
            let is_allowed = match allowed {
                Some((known, is_allowed)) if known == site => is_allowed,
                _ => self.may_learn(subject, site),
            };
            allowed = Some((site, is_allowed));
            for (place, &item) in answer.items.iter().enumerate().filter(|_| is_allowed) {
                let n = counted.entry(item).or_default();
                if *n < ANSWERS_EACH_MAX {
                    *n += 1;
                    let did = person.took_up((subject, answer), item);
                    let days = today - day_of(answer.at);
                    take(item, Tried { shown: examined(place), did, days });
                }
            }
        }
    }

    pub(super) fn may_learn(&self, subject: SubjectId, site: u32) -> bool {
        let Ok(site) = SiteId::new(self.catalogue.site_name(site)) else { return false };
        let allows = |purpose| {
            let purpose = Use { purpose, site: &site, withheld: Purposes::NONE };
            self.allows(Whom::known(subject), purpose)
        };
        allows(Purpose::ModelTraining) && allows(Purpose::Analytics)
    }
}

impl Person {
    /// The most that the subject did with a product of an answer of its own, if anything.
    fn took_up(&self, (subject, answer): (SubjectId, &Answer), item: Item) -> Option<Did> {
        let did = self.credits.iter().filter(|credit| {
            credit.did != Did::Saw
                && credit.item == Some(item)
                && credit.request == answer.request
                && credit.owner == subject
                && credit.is_shown
        });
        did.map(|credit| credit.did).max()
    }
}
