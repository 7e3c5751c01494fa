//! Answers with what was known of their products and what came of it, for those who learn the order of lists.

use std::ops::Range;

use souk_core::SubjectId;
use souk_recommend::impressions::signals::SignalRow;
use souk_recommend::impressions::{ShownList, ShownProduct};
use xxhash_rust::xxh3::xxh3_64;

use super::super::Views;
use super::super::searches::{Taken, Windows};
use super::Lesson;
use super::person::Person;

impl Views {
    /// What each person was shown in answers whose signals were recorded, and what came of it. Crawlers and the shop's
    /// own people are left out, and whoever does not let others learn from them or refuses reports. A person has a number
    /// that follows from their ids, so that a new fold gives the same, and by which nobody finds them.
    pub(crate) fn each_lesson(
        &self,
        (rows, windows): (Range<u32>, Windows),
        mut take: impl FnMut(ShownList),
    ) {
        let rows = rows.start as usize..rows.end as usize;
        let people = self.attribution.people.get(rows).unwrap_or(&[]);
        for person in people.iter().filter(|person| !person.lessons.is_empty()) {
            let Some(subject) = person.subject else { continue };
            let members = self.identity.members(subject);
            if members.iter().any(|one| self.is_no_shopper(*one)) {
                continue;
            }
            let number = members.iter().min().map_or(0, |first| xxh3_64(&first.0));
            self.lessons_of((subject, person), (&members, windows), &mut |list| {
                take(ShownList { person: number, ..list });
            });
        }
    }

    fn lessons_of(
        &self,
        (subject, person): (SubjectId, &Person),
        (members, windows): (&[SubjectId], Windows),
        take: &mut dyn FnMut(ShownList),
    ) {
        let today = self.attribution.day;
        let taker = self.taker(members, windows);
        let mut allowed: Option<(u32, bool)> = None;
        for lesson in person.lessons.iter().filter(|one| Person::keeps_lesson(one, today)) {
            let site = self.attribution.cells[usize::from(lesson.cell)].site;
            let is_allowed = match allowed {
                Some((known, is_allowed)) if known == site => is_allowed,
                _ => self.may_learn(subject, site),
            };
            allowed = Some((site, is_allowed));
            if is_allowed {
                take(lesson.list(&taker.of(subject, lesson.request)));
            }
        }
    }
}

impl Lesson {
    fn list(&self, taken: &[Taken]) -> ShownList {
        let codes = &self.signals.codes;
        let rows = self.signals.rows.chunks_exact(codes.len().max(1));
        let products = self.items.iter().zip(rows).map(|(item, levels)| {
            let did = taken.iter().find(|taken| taken.item == *item).map(|taken| taken.did);
            let worth = did.map_or(0.0, |did| did.worth() as f32);
            ShownProduct { row: SignalRow::decode(codes, levels), worth }
        });
        let (time, is_seen) = (self.at.as_ms(), self.is_seen);
        ShownList { person: 0, time, is_seen, products: products.collect() }
    }
}
