//! What people of each part of an experiment did after they were first met.

use std::collections::BTreeMap;

use souk_core::{Currency, OrderRef, Purpose, Purposes, SiteId, SubjectId, Timestamp};

use super::super::{Use, Views, Whom};

/// Which experiment, and what counts as an outcome.
#[derive(Clone, Debug)]
pub(crate) struct OutcomeQuery {
    pub(crate) experiment: String,
    /// Now, by the shop's clock.
    pub(crate) now: Timestamp,
    /// What is done within so many milliseconds of the first meeting counts.
    pub(crate) window_ms: i64,
    /// The shop's sites: whoever refuses reports on all of them is left out.
    pub(crate) sites: Vec<SiteId>,
}

/// What one person did in the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PersonOutcome {
    /// Which part of the experiment, by its name.
    pub(crate) arm: Box<str>,
    /// Orders that brought anything, net of what came back.
    pub(crate) orders: u32,
    /// Revenue, margin, and the revenue that the margin is of, in minor units.
    pub(crate) money: Vec<(Currency, [i64; 3])>,
}

/// What everybody did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcomes {
    /// People whose window is over, in the order in which it ended.
    pub(crate) people: Vec<PersonOutcome>,
    /// Everybody who was met, by part, also those whose window goes on.
    pub(crate) met: BTreeMap<Box<str>, u64>,
    /// People who met both parts, before two of their ids were joined; they count where they were first.
    pub(crate) n_mixed: u64,
    /// When the first of all was met.
    pub(crate) since: Option<Timestamp>,
}

impl Views {
    /// The part of an experiment that a person is in already: where the first of their ids was met first.
    pub(crate) fn arm_of(&self, whom: Whom, experiment: &str) -> Option<&str> {
        let known = whom.known.map_or_else(Vec::new, |known| self.identity.members(known));
        let first = self.first_exposure(known.iter().chain(&whom.alone), experiment);
        first.map(|(_, arm)| arm)
    }

    fn first_exposure<'a>(
        &self,
        subjects: impl Iterator<Item = &'a SubjectId>,
        experiment: &str,
    ) -> Option<(Timestamp, &str)> {
        let exposures = subjects.flat_map(|subject| self.exposures(*subject, experiment));
        exposures.min_by_key(|(at, arm)| (*at, *arm))
    }

    fn exposures(
        &self,
        subject: SubjectId,
        experiment: &str,
    ) -> impl Iterator<Item = (Timestamp, &str)> {
        let person = self.attribution.person(subject);
        let exposures = person.map_or(&[][..], |person| &person.exposures);
        exposures.iter().filter_map(move |exposure| {
            let mark = &self.attribution.arms[usize::from(exposure.arm)];
            (&*mark.experiment == experiment).then_some((exposure.at, &*mark.arm))
        })
    }

    /// What the people of an experiment did within a window after they were first met.
    ///
    /// People who refuse reports now are left out.
    pub(crate) fn outcomes(&self, query: &OutcomeQuery) -> Outcomes {
        let mut outcomes = Outcomes::default();
        let mut people = Vec::new();
        for subjects in self.measured_people() {
            let met = self.first_exposure(subjects.iter(), &query.experiment);
            let Some((at, arm)) = met else { continue };
            if !self.is_measurable(subjects[0], query) {
                continue;
            }
            outcomes.since = Some(outcomes.since.map_or(at, |since| since.min(at)));
            let others = subjects.iter().flat_map(|one| self.exposures(*one, &query.experiment));
            outcomes.n_mixed += u64::from(others.into_iter().any(|(_, other)| other != arm));
            let end = at.plus_ms(query.window_ms);
            *outcomes.met.entry(arm.into()).or_default() += 1;
            if end > query.now {
                continue;
            }
            let mut outcome = self.outcome(&subjects, (at, end));
            outcome.arm = arm.into();
            people.push(((end, subjects[0]), outcome));
        }
        people.sort_by_key(|(end, _)| *end);
        outcomes.people = people.into_iter().map(|(_, outcome)| outcome).collect();
        outcomes
    }

    fn is_measurable(&self, subject: SubjectId, query: &OutcomeQuery) -> bool {
        query.sites.iter().any(|site| {
            let purpose = Purpose::Analytics;
            let analytics = Use { purpose, site, withheld: Purposes::NONE };
            self.allows(Whom::known(subject), analytics)
        })
    }

    fn outcome(
        &self,
        subjects: &[SubjectId],
        (from, until): (Timestamp, Timestamp),
    ) -> PersonOutcome {
        let all = subjects.iter().filter_map(|subject| self.attribution.person(*subject));
        let mut orders: Vec<OrderRef> = all
            .flat_map(|person| person.orders.iter())
            .filter(|noted| (from..until).contains(&noted.at))
            .map(|noted| noted.order)
            .collect();
        orders.sort_unstable_by_key(|order| order.0);
        orders.dedup();
        let mut outcome = PersonOutcome { arm: "".into(), orders: 0, money: Vec::new() };
        for order in orders {
            if !self.buyer(order).is_some_and(|buyer| subjects.contains(&buyer)) {
                continue;
            }
            let sold = self.sold(order, None);
            outcome.orders += u32::from(sold.milli > 0);
            for (currency, parts) in sold.money {
                match outcome.money.iter_mut().find(|(known, _)| *known == currency) {
                    Some((_, sums)) => {
                        sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
                    }
                    None => outcome.money.push((currency, parts)),
                }
            }
        }
        outcome
    }
}
