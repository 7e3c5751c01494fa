//! The one way to what is known of persons: every use names its purpose and gets what may be used.
//!
//! The personal folds are private to this folder, so a use case cannot read them past the gate; the
//! compiler sees to that, and `cargo xtask tidy` to the words that could open another way. What all
//! make together is gated when it is folded: an act enters it only while its person lets others learn
//! from it, so it can be read by whoever asks.

use std::borrow::Cow;

use souk_core::{ConsentOrigin, LegalBasis, Purpose, Purposes, SiteId, SubjectId, Timestamp};
use souk_privacy::consent::{Decision, decide};
use souk_recommend::next_basket::{Basket, BasketVectors};
use souk_recommend::visits::{Visit, VisitEvent, VisitId, VisitIndex};
use souk_recommend::{Item, Shopper};

mod purchases;

pub(crate) use purchases::{PaidLine, Purchase, Sharing};

use super::consents::Statement;
use super::{History, Touch, VISIT_GAP_MS, Views};

/// Whose data a use asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Whom {
    /// A subject who is proven, with every subject that is the same person.
    pub(crate) known: Option<SubjectId>,
    /// A subject by itself: what it was joined with may bind it, and is not shown for it.
    pub(crate) alone: Option<SubjectId>,
    /// Of a user id that is proven, or that the shop's own server names, the subject and none that it was joined
    /// with: whose own words may be said back to them.
    pub(crate) user: Option<SubjectId>,
}

impl Whom {
    /// One subject with every subject that is the same person.
    pub(crate) fn known(subject: SubjectId) -> Whom {
        Whom { known: Some(subject), ..Whom::default() }
    }
}

/// What a use is for, where, and what the request at hand withholds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) site: &'a SiteId,
    pub(crate) withheld: Purposes,
}

/// What is known of a person, as far as one use may look at it: nothing where the use is not allowed.
#[derive(Debug)]
pub(crate) struct Consented<'a> {
    views: &'a Views,
    decision: Decision,
    shoppers: Vec<Shopper>,
    /// Sites whose own law does not let the person's acts there be used so; mostly none.
    barred: Vec<u32>,
}

/// Whose word on the use of their data counts for one person.
#[derive(Debug, Default)]
struct Voices {
    own: Vec<SubjectId>,
    /// Whose no counts alone, see `Identity::beside`.
    beside: Vec<SubjectId>,
}

impl Views {
    /// What may be used of these persons' data for this purpose.
    pub(crate) fn for_purpose(&self, whom: Whom, purpose: Use<'_>) -> Consented<'_> {
        let mut subjects = Vec::new();
        if let Some(known) = whom.known {
            subjects = self.identity.members(known);
        }
        let voices = self.voices(&subjects, whom.alone);
        let decision = self.decision(&voices, purpose);
        let mut barred = Vec::new();
        if decision.is_allowed {
            barred = self.barred(&voices, purpose);
        }
        subjects.extend(whom.alone);
        if !decision.is_allowed {
            subjects.clear();
        }
        let mut shoppers: Vec<Shopper> =
            subjects.iter().filter_map(|subject| self.shoppers.shopper(*subject)).collect();
        shoppers.sort_unstable();
        shoppers.dedup();
        Consented { views: self, decision, shoppers, barred }
    }

    /// The sites on which the same purpose is not allowed: who said nothing is used in one place and not in
    /// another.
    fn barred(&self, voices: &Voices, purpose: Use<'_>) -> Vec<u32> {
        let others = self.catalogue.sites().filter(|site| *site != purpose.site);
        let barred =
            others.filter(|site| !self.decision(voices, Use { site, ..purpose }).is_allowed);
        barred.filter_map(|site| self.catalogue.find_site(site)).collect()
    }

    /// Whether these persons' data may be used for this purpose.
    pub(crate) fn allows(&self, whom: Whom, purpose: Use<'_>) -> bool {
        let known = whom.known.filter(|_| self.consents.len() > 0);
        let members = known.map_or_else(Vec::new, |known| self.identity.members(known));
        self.decision(&self.voices(&members, whom.alone), purpose).is_allowed
    }

    /// Whose word counts for the ids of one person: none while nobody said anything. Those that the one asked for alone was
    /// joined with count too.
    fn voices(&self, members: &[SubjectId], alone: Option<SubjectId>) -> Voices {
        if self.consents.len() == 0 {
            return Voices::default();
        }
        let mut own = members.to_vec();
        own.extend(alone.into_iter().flat_map(|alone| self.identity.members(alone)));
        Voices { beside: self.identity.beside(&own), own }
    }

    /// Decides by what was said. A yes must be the person's own.
    fn decision(&self, voices: &Voices, purpose: Use<'_>) -> Decision {
        let regime = &self.rules.place(purpose.site).regime;
        let asked = (purpose.purpose, purpose.withheld);
        let denies = |one: &&SubjectId| self.consents.is_denied(**one, purpose.purpose);
        let all = voices.own.iter().chain(voices.beside.iter().filter(denies));
        decide(regime, all.filter_map(|subject| self.consents.choices(*subject)), asked)
    }

    /// What a user searched for under their own id, the latest first, as far as it may be used for this purpose and for
    /// analytics, for which it is kept. What was typed under an id that is joined with it is left out: others share a
    /// loyalty card or a browser.
    pub(crate) fn searches_for(&self, whom: Whom, purpose: Use<'_>) -> Vec<&str> {
        let site = self.catalogue.find_site(purpose.site);
        let (Some(user), Some(site)) = (whom.user, site) else { return Vec::new() };
        let kept_for = Use { purpose: Purpose::Analytics, ..purpose };
        match self.allows(whom, purpose) && self.allows(whom, kept_for) {
            true => self.searches.latest(user, site),
            false => Vec::new(),
        }
    }

    /// What everybody's allowed acts make together.
    pub(crate) fn crowd(&self) -> CrowdView<'_> {
        CrowdView { visits: &self.visits, baskets: &self.baskets, vectors: &self.basket_vectors }
    }

    /// Whether answers for the shopper of this number may be prepared before they ask.
    pub(crate) fn preparable(&self, number: u32, site: &SiteId) -> Option<Shopper> {
        let shopper = Shopper(number);
        let subject = self.shoppers.subject(shopper)?;
        let purpose = Use { purpose: Purpose::Personalization, site, withheld: Purposes::NONE };
        let consented = self.for_purpose(Whom::known(subject), purpose);
        (consented.decision.is_allowed && !self.basket_vectors.baskets(shopper).is_empty())
            .then_some(shopper)
    }

    /// The numbers that came last, each as one to ask [`Views::again_for`] by.
    pub(crate) fn latest_numbers(&self, n_max: usize) -> Vec<Box<[Shopper]>> {
        let end = self.shoppers.end();
        let numbers = end.saturating_sub(u32::try_from(n_max).unwrap_or(u32::MAX))..end;
        numbers.map(|number| Box::from([Shopper(number)])).collect()
    }

    /// What may be used of somebody who was asked for by these numbers before; `None` where they would be asked
    /// for by others now.
    pub(crate) fn again_for(&self, numbers: &[Shopper], purpose: Use<'_>) -> Option<Consented<'_>> {
        let subject = self.shoppers.subject(*numbers.first()?)?;
        let consented = self.for_purpose(Whom::known(subject), purpose);
        (consented.shoppers == numbers).then_some(consented)
    }

    /// The decision for each purpose, and what was said; about consent itself, so no consent is asked.
    pub(crate) fn consent_state(
        &self,
        whom: Whom,
        site: &SiteId,
    ) -> (Vec<(Purpose, Decision)>, Vec<Statement>) {
        let members = whom.known.map_or_else(Vec::new, |known| self.identity.members(known));
        let voices = self.voices(&members, whom.alone);
        let of = |purpose| {
            let purpose = Use { purpose, site, withheld: Purposes::NONE };
            self.decision(&voices, purpose)
        };
        let decisions = Purpose::ALL.into_iter().map(|purpose| (purpose, of(purpose))).collect();
        let subjects = members.iter().chain(&whom.alone);
        let mut said: Vec<Statement> =
            subjects.flat_map(|subject| self.consents.history(*subject)).cloned().collect();
        said.sort_by_key(|statement| (statement.at, statement.seq));
        // One act of a person with several ids is one statement for each of them.
        said.dedup_by(|a, b| a.at == b.at && a.change == b.change);
        (decisions, said)
    }

    /// The subjects that a person's own word binds: all that are the same person.
    pub(crate) fn bound_by(&self, subject: SubjectId) -> Vec<SubjectId> {
        self.identity.members(subject)
    }

    /// The subjects that are the same person, at most `max` of them: for what a person asks of their
    /// own data, which no consent is needed for.
    pub(crate) fn union_of(&self, subject: SubjectId, max: usize) -> Vec<SubjectId> {
        self.identity.union(subject, max)
    }

    /// All that is kept of a person, for the copy that they are owed, whatever they allow.
    pub(crate) fn held_of(&self, subjects: &[SubjectId]) -> History {
        let shoppers = subjects.iter().filter_map(|subject| self.shoppers.shopper(*subject));
        self.histories.of(&shoppers.collect::<Vec<_>>())
    }

    /// Whether Global Privacy Control changes what a subject said of marketing: not once they refused,
    /// and not against a yes that was given where consents are managed, which knew of the signal.
    pub(crate) fn heeds_gpc(&self, subject: SubjectId) -> bool {
        let choices = self.consents.choices(subject);
        let said = choices.and_then(|choices| choices.of(Purpose::Marketing));
        said.is_none_or(|choice| {
            choice.is_granted
                && !matches!(choice.origin, ConsentOrigin::Shopper | ConsentOrigin::Shop)
        })
    }

    /// Whether a basis for what was imported of a subject is known.
    pub(crate) fn has_stated(&self, subject: SubjectId, basis: LegalBasis) -> bool {
        self.consents.choices(subject).is_some_and(|choices| choices.basis == Some(basis))
    }

    /// What a subject's own latest word allows and refuses.
    pub(crate) fn last_word(&self, subject: SubjectId) -> (Purposes, Purposes) {
        let Some(choices) = self.consents.choices(subject) else {
            return (Purposes::NONE, Purposes::NONE);
        };
        let said = |is_granted| {
            Purposes::OPTIONAL
                .iter()
                .filter(|purpose| {
                    choices.of(*purpose).is_some_and(|choice| choice.is_granted == is_granted)
                })
                .collect()
        };
        (said(true), said(false))
    }

    /// Everything of everybody, for comparing a state with a model of it. Tests only: `cargo xtask
    /// tidy` refuses it anywhere else.
    #[doc(hidden)]
    pub fn audit(&self) -> Audit<'_> {
        Audit(self)
    }
}

impl<'a> Consented<'a> {
    /// Whether the use is allowed, and why.
    pub(crate) fn decision(&self) -> Decision {
        self.decision
    }

    /// The person's subjects that did something, ascending.
    pub(crate) fn numbers(&self) -> &[Shopper] {
        &self.shoppers
    }

    /// The person's subjects that did something, the one with most baskets first.
    pub(crate) fn shoppers(&self) -> Vec<Shopper> {
        let vectors = &self.views.basket_vectors;
        let mut shoppers = self.shoppers.clone();
        shoppers.sort_by_key(|shopper| std::cmp::Reverse(vectors.baskets(*shopper).len()));
        shoppers
    }

    /// The person's baskets, oldest first; copied only where there are several subjects, or some
    /// baskets that others must not learn from.
    pub(crate) fn baskets(&self) -> Cow<'a, [Basket]> {
        let Views { histories, basket_vectors, .. } = self.views;
        if let [shopper] = self.shoppers[..]
            && histories.is_even(shopper)
            && self.barred.is_empty()
        {
            return Cow::Borrowed(basket_vectors.baskets(shopper));
        }
        let of = |shopper: &Shopper| match histories.is_even(*shopper) {
            true => basket_vectors.baskets(*shopper).to_vec(),
            false => histories.baskets(*shopper),
        };
        let mut baskets: Vec<Basket> = self.shoppers.iter().flat_map(of).collect();
        // The products of an order are those of one site.
        baskets.retain(|basket| basket.items().first().is_none_or(|&item| self.may_use(item)));
        baskets.sort_by_key(|basket| (basket.time, basket.key));
        Cow::Owned(baskets)
    }

    /// Whether an item is in one of the person's baskets; `own` are those of [`Consented::baskets`].
    pub(crate) fn has_bought(&self, item: Item, own: &[Basket]) -> bool {
        let Views { histories, basket_vectors, .. } = self.views;
        let is_even = self.shoppers.iter().all(|&shopper| histories.is_even(shopper));
        if is_even && self.barred.is_empty() {
            return self.shoppers.iter().any(|&s| basket_vectors.n_bought(s, item) > 0);
        }
        own.iter().any(|basket| basket.items().binary_search(&item).is_ok())
    }

    /// What the person did lately, subject by subject, each oldest first.
    pub(crate) fn touches(&self) -> impl Iterator<Item = &'a Touch> {
        let histories = &self.views.histories;
        let touches = self.shoppers.iter().flat_map(|&shopper| histories.touches(shopper));
        touches.filter(|touch| touch.uses.is_personal() && self.may_use(touch.item))
    }

    /// Whether what was done with a product may be used, by the law of its site.
    fn may_use(&self, item: Item) -> bool {
        self.barred.is_empty() || !self.barred.contains(&self.views.catalogue.site_number(item))
    }

    /// The products of the stored visit that goes on now, oldest first.
    pub(crate) fn current_visit(&self, now: Timestamp) -> Vec<Item> {
        let mut touches: Vec<Touch> = self.touches().copied().collect();
        touches.sort_by_key(|touch| touch.at);
        History { touches, baskets: Vec::new() }.current_visit(now)
    }

    /// The stored visit that goes on: it must not speak for itself.
    pub(crate) fn open_visit(&self, now: Timestamp) -> Option<VisitId> {
        let visits = self.shoppers.iter().flat_map(|&s| self.views.visits.visits_of(s));
        let last = visits.max_by_key(Visit::last_time)?;
        (now.as_ms() - last.last_time() <= VISIT_GAP_MS).then(|| last.id())
    }
}

/// What all make together: made only of acts whose persons let others learn from them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CrowdView<'a> {
    /// Click visits.
    pub(crate) visits: &'a VisitIndex,
    /// Orders of known shoppers as visits.
    pub(crate) baskets: &'a VisitIndex,
    /// Orders of known shoppers as vectors.
    pub(crate) vectors: &'a BasketVectors,
}

impl<'a> CrowdView<'a> {
    /// Who took what and when, to learn from: dense numbers, and nothing by which a person could be found.
    pub(crate) fn acts(self) -> impl Iterator<Item = (Shopper, Item, i64)> + 'a {
        let visits = self.visits.visits().chain(self.baskets.visits());
        visits.filter_map(|visit| Some((visit.shopper()?, visit))).flat_map(|(shopper, visit)| {
            visit.events().map(move |(item, time)| (shopper, item, time))
        })
    }

    /// The baskets of each known buyer, oldest first, with the buyer's number.
    pub(crate) fn each_buyer(self) -> impl Iterator<Item = (Shopper, &'a [Basket])> {
        let buyers = (0..self.vectors.n_shoppers() as u32).map(Shopper);
        buyers.map(move |buyer| (buyer, self.vectors.baskets(buyer)))
    }
}

/// Everything of everybody, for tests.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Audit<'a>(&'a Views);

#[allow(missing_docs, reason = "for tests, which read the code")]
impl<'a> Audit<'a> {
    pub fn visits(self) -> impl Iterator<Item = Visit<'a>> {
        self.0.visits.visits()
    }

    pub fn baskets(self) -> impl Iterator<Item = Visit<'a>> {
        self.0.baskets.visits()
    }

    pub fn subject(self, shopper: Shopper) -> Option<SubjectId> {
        self.0.shoppers.subject(shopper)
    }

    pub fn members(self, subject: SubjectId) -> Vec<SubjectId> {
        self.0.identity.members(subject)
    }

    pub fn history(self, subjects: &[SubjectId]) -> History {
        let numbers = subjects.iter().filter_map(|subject| self.0.shoppers.shopper(*subject));
        self.0.histories.of(&numbers.collect::<Vec<_>>())
    }
}

/// The events of the latest whole visits of what everybody's allowed acts make together, the oldest first; at most
/// `events_max`.
pub(crate) fn latest_visits(index: &VisitIndex, events_max: usize) -> Vec<VisitEvent> {
    let n_events = usize::try_from(index.n_events()).unwrap_or(usize::MAX);
    let mut to_drop = n_events.saturating_sub(events_max);
    let mut events = Vec::with_capacity(n_events.min(events_max));
    for visit in index.visits() {
        if to_drop > 0 {
            to_drop = to_drop.saturating_sub(visit.len());
            continue;
        }
        let (id, shopper) = (visit.id(), visit.shopper());
        let event = |(item, time)| VisitEvent { visit: id, shopper, item, time };
        events.extend(visit.events().map(event));
    }
    events
}
