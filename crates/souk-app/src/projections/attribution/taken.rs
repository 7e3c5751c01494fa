//! What was done with the products of answers, by the answer's name, as reports credit it.

use rustc_hash::FxHashMap;
use souk_core::{OrderRef, SubjectId};
use souk_recommend::Item;

use super::super::Views;
use super::super::searches::{Taken, Windows, most};
use super::person::Person;
use super::{Credit, DAY_MS, Did, NO_CELL};

/// What one person, under all their ids, did with the answers of each id.
#[derive(Debug, Default)]
pub(in super::super) struct Taker(FxHashMap<(SubjectId, u64), Vec<Taken>>);

impl Taker {
    /// What was done with the answer of this name: each product once, with the most that was done.
    pub(in super::super) fn of(&self, owner: SubjectId, request: u64) -> Vec<Taken> {
        self.0.get(&(owner, request)).cloned().map_or_else(Vec::new, most)
    }

    fn add(&mut self, credit: &Credit) {
        if let Some(item) = credit.item {
            let taken = self.0.entry((credit.owner, credit.request)).or_default();
            taken.push(Taken { item, did: credit.did });
        }
    }
}

impl Views {
    /// What these subjects, who are one person, did with answers.
    pub(in super::super) fn taker(&self, members: &[SubjectId], windows: Windows) -> Taker {
        let mut taker = Taker::default();
        let today = self.attribution.day;
        for &actor in members {
            let Some(person) = self.attribution.person(actor) else { continue };
            let of_answers = |credit: &&Credit| {
                credit.cell != NO_CELL && credit.is_shown && Person::keeps_credit(credit, today)
            };
            let credits = person.credits.iter().filter(of_answers);
            let mut best: FxHashMap<(OrderRef, Option<Item>), &Credit> = FxHashMap::default();
            for credit in credits {
                let days = if credit.did == Did::Ordered {
                    windows.order_days
                } else {
                    windows.click_days
                };
                let is_near = credit.at.ms_since(credit.touched) <= days * DAY_MS;
                if credit.did == Did::Ordered {
                    // Each line of an order is credited once: to the last answer that was clicked, else shown.
                    let rank =
                        |one: &Credit| (one.is_clicked, one.touched, one.answered, one.request);
                    let known = best.entry((credit.order, credit.item)).or_insert(credit);
                    if is_near && rank(credit) > rank(known) {
                        *known = credit;
                    }
                } else if credit.did != Did::Saw && (is_near || credit.is_named) {
                    taker.add(credit);
                }
            }
            let window = windows.order_days * DAY_MS;
            for ((order, item), credit) in best {
                let is_near = credit.at.ms_since(credit.touched) <= window;
                let is_theirs = self.buyer(order) == Some(actor);
                if is_near && is_theirs && self.sold(order, item).milli > 0 {
                    taker.add(credit);
                }
            }
        }
        taker
    }
}
