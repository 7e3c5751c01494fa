//! Last places of a list for products whose worth is not known yet, each with how likely it was to stand
//! there, so that what came of it can be judged honestly. docs/measuring.md.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use souk_core::{ProductMark, Propensity, Timestamp};
use souk_recommend::Item;
use souk_recommend::explore::{Belief, ExploreParams, draw};
use xxhash_rust::xxh3::xxh3_64;

use crate::config::ExplorationSettings;
use crate::recommend::candidates::Proposal;
use crate::recommend::listing::Question;
use crate::recommend::merchandise::Listed;
use crate::recommend::select::Gate;
use crate::recommend::trials::Trials;
use crate::recommend::{ReasonKind, Strategy};

/// Places of a list of which one may be tried with.
const PLACES_EACH: usize = 5;
/// Candidates of one place: those that sources proposed behind the list, and as many new products.
const EACH_MAX: usize = 10;
/// Of the newest products, how many are looked at.
const NEWEST_MAX: usize = 100;
/// Days for which a product is new.
pub(super) const NEW_DAYS: i64 = 30;
/// Looks from which a new product has had its chance, and is proposed by its own merits (chosen: at a chance of
/// three in a hundred, one taker is likely by then).
const CHANCE_LOOKS: f64 = 50.0;

/// What chance does to one answer.
#[derive(Clone, Debug)]
pub(crate) struct Chance {
    settings: ExplorationSettings,
    /// What the draws are made from: the answer's own name.
    seed: u64,
    trials: Option<Arc<Trials>>,
}

impl Chance {
    /// The chance in an answer of this name; none where nothing is tried out or the answer has no name.
    pub(crate) fn new(
        settings: ExplorationSettings,
        request_id: &str,
        trials: impl FnOnce() -> Option<Arc<Trials>>,
    ) -> Option<Chance> {
        let is_on = settings.share > 0.0 && !request_id.is_empty();
        is_on.then(|| Chance { settings, seed: xxh3_64(request_id.as_bytes()), trials: trials() })
    }

    /// How many of the last places may be tried with. None in lists that answer a plain question, and none that
    /// rules reorder: the last word is theirs.
    pub(crate) fn n_places(&self, question: &Question<'_>) -> usize {
        let is_open = matches!(
            question.plan.strategy,
            Strategy::ForYou | Strategy::Popular | Strategy::Session | Strategy::Trending
        );
        match is_open && !question.gate.hand.reorders() {
            true => (self.settings.places as usize).min(question.request.limit / PLACES_EACH),
            false => 0,
        }
    }

    /// How many candidates are wanted for so many places.
    pub(crate) fn pool(&self, question: &Question<'_>) -> usize {
        question.request.limit + self.n_places(question) * EACH_MAX
    }

    /// Draws for each of the last places. `spare` are the candidates behind the list; a place for which there
    /// are none is no matter of chance. Each place has candidates of its own, so that draws are independent and
    /// what is said of one place does not depend on another.
    pub(crate) fn try_out(
        &self,
        listed: &mut Listed,
        spare: &[Proposal],
        (question, now): (&Question<'_>, Timestamp),
    ) {
        let (limit, n_places) = (question.request.limit, self.n_places(question));
        if n_places == 0 || spare.is_empty() || listed.taken.len() < limit {
            return;
        }
        let params = ExploreParams::of_share(self.settings.share);
        let mut marks = vec![ProductMark::default(); limit];
        let shelf = Shelf { gate: question.gate, spare, trials: self.trials.as_deref(), now };
        // Found before any place is changed: what one draw shows is no other's candidate.
        let mut newcomers: Option<Vec<Proposal>> = None;
        let mut changes = Vec::new();
        for (nth, place) in (limit - n_places..limit).enumerate().take(spare.len()) {
            let mut candidates = Vec::new();
            let beliefs = || {
                let newcomers = newcomers.get_or_insert_with(|| shelf.newcomers(&listed.taken));
                let dealt = |from: &[Proposal]| -> Vec<Proposal> {
                    from.iter().skip(nth).step_by(n_places).take(EACH_MAX).cloned().collect()
                };
                candidates = dealt(newcomers);
                candidates.extend(dealt(spare));
                candidates.iter().map(|one| shelf.belief(one.item)).collect()
            };
            let seed = self.seed.wrapping_add(nth as u64);
            let drawn = draw(beliefs, seed, &params);
            marks[place] = ProductMark {
                propensity: Propensity::new(drawn.propensity),
                is_explored: drawn.tried.is_some(),
                team: None,
            };
            changes.extend(drawn.tried.map(|tried| (place, candidates.swap_remove(tried))));
        }
        for (place, tried) in changes {
            let score = listed.taken[place].score.min(tried.score);
            listed.taken[place] = Proposal { score, ..tried };
        }
        listed.marks = marks;
    }
}

/// Where candidates come from.
struct Shelf<'a> {
    gate: &'a Gate<'a>,
    spare: &'a [Proposal],
    trials: Option<&'a Trials>,
    now: Timestamp,
}

impl Shelf<'_> {
    fn belief(&self, item: Item) -> Belief {
        let catalogue = self.gate.catalogue;
        match self.trials {
            Some(trials) => trials.belief(item, catalogue),
            None => Trials::default().belief(item, catalogue),
        }
    }

    /// New products that had no chance yet and may be shown, of titles that are in nobody's place.
    fn newcomers(&self, taken: &[Proposal]) -> Vec<Proposal> {
        let catalogue = self.gate.catalogue;
        let beside = taken.iter().chain(self.spare);
        let mut titles: FxHashSet<u32> =
            beside.map(|one| catalogue.title_group(one.item)).collect();
        let had_chance =
            |item| self.trials.is_some_and(|trials| trials.shown(item) >= CHANCE_LOOKS);
        let newest = catalogue.newest(self.gate.site, NEWEST_MAX).into_iter();
        let new = newest.take_while(|item| catalogue.is_new(*item, (self.now, NEW_DAYS)));
        let open = new.filter(|item| {
            !had_chance(*item)
                && self.gate.admits(*item)
                && titles.insert(catalogue.title_group(*item))
        });
        let proposal = |item| Proposal {
            item,
            score: 0.0,
            kind: ReasonKind::New,
            evidence: Vec::new(),
            support: 0,
            is_personal: false,
            place: 0,
        };
        open.map(proposal).collect()
    }
}

#[cfg(test)]
mod tests;
