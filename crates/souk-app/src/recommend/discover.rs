//! What the shop's own model proposes that the shopper does not have yet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use rustc_hash::{FxHashMap, FxHashSet};
use souk_core::{Purpose, Purposes};
use souk_recommend::sources::{Blend, BlendScratch};
use souk_recommend::{Item, Shopper};

use super::ReasonKind;
use super::candidates::{List, Proposal, Scene};
use super::state::{Scratches, with_scratches};
use crate::App;
use crate::models::{Fitted, HISTORY_MAX};
use crate::projections::{Touch, Use};

/// How old kept proposals may be before they are made anew. What a shopper just did speaks at once through the
/// visit and through habits, and is never proposed; the model's view of them changes slowly, and costs a
/// millisecond (chosen).
const KEPT_AGE_MAX: Duration = Duration::from_secs(60);
/// How many times as long as old proposals took to make anew, the next ones are left alone: an eighth of a core at
/// most goes into them (chosen).
const RENEWING_REST: u32 = 7;
/// People whose proposals are kept (about 70 MB).
const KEPT_MAX: usize = 20_000;
/// Proposals that are kept of each, and how many may be asked for to be answered with them: the model fills at
/// most as many places as a page has, and longer lists are asked for by filters that refuse most (chosen).
const KEPT_LEN: usize = 100;
const KEPT_FOR_MAX: usize = 2 * KEPT_LEN;
/// How long a new model may be prepared before it serves, and the rest between two people.
const PREPARE_MAX: Duration = Duration::from_secs(20);
const PREPARE_PAUSE: Duration = Duration::from_millis(1);

/// What was proposed to somebody.
#[derive(Clone, Debug)]
struct Discovery {
    made: Instant,
    proposals: Arc<Vec<Proposal>>,
}

/// What one fit proposed in the last moments, by person (the numbers that they are asked for by): the places of
/// one page ask one after the other.
#[derive(Debug, Default)]
pub(crate) struct Discoveries {
    kept: RwLock<FxHashMap<Box<[Shopper]>, Discovery>>,
    /// Held by the request that makes old proposals anew, with the moment from which the next may: when many are
    /// old at once, all others go on with theirs instead of queueing up behind each other.
    renewing: Mutex<Option<Instant>>,
}

impl Discoveries {
    pub(crate) fn clear(&self) {
        self.kept.write().clear();
    }

    /// Who has asked.
    fn people(&self) -> Vec<Box<[Shopper]>> {
        self.kept.read().keys().cloned().collect()
    }

    fn of(&self, person: &[Shopper], make: impl FnOnce() -> Vec<Proposal>) -> Arc<Vec<Proposal>> {
        let known = self.kept.read().get(person).cloned();
        let Some(known) = known else { return self.make(person, make) };
        if known.made.elapsed() < KEPT_AGE_MAX {
            return known.proposals;
        }
        let Some(mut next_at) = self.renewing.try_lock() else { return known.proposals };
        let began = Instant::now();
        if next_at.is_some_and(|at| began < at) {
            return known.proposals;
        }
        let proposals = self.make(person, make);
        *next_at = Some(Instant::now() + began.elapsed() * RENEWING_REST);
        proposals
    }

    fn make(&self, person: &[Shopper], make: impl FnOnce() -> Vec<Proposal>) -> Arc<Vec<Proposal>> {
        let discovery = Discovery { made: Instant::now(), proposals: Arc::new(make()) };
        let proposals = Arc::clone(&discovery.proposals);
        let mut kept = self.kept.write();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(person.into(), discovery);
        proposals
    }
}

/// What the model proposes; nothing without a model or without a past.
pub(crate) fn discover<'s>(scene: &'s Scene<'_>, scratches: &mut Scratches) -> List<'s> {
    let Some(model) = scene.model else { return List::kept(Arc::default(), 0) };
    let limit = scene.proposals_max;
    let mut make = |limit| made(scene, (&model.blend, limit), &mut scratches.blend);
    let person = scene.personal.numbers();
    // What a request tells of a visit that the shop does not store is nobody's.
    let is_kept = scene.is_seen_stored && !person.is_empty() && limit <= KEPT_FOR_MAX;
    if !is_kept {
        return List::kept(Arc::new(make(limit)), limit);
    }
    let kept = model.discoveries.of(person, || make(KEPT_LEN));
    let met: FxHashSet<Item> = visited(scene).map(|touch| touch.item).collect();
    let has_had = |item| met.contains(&item) || scene.personal.has_bought(item, scene.own);
    match kept.iter().take(limit).any(|one| has_had(one.item)) {
        true => {
            let new = kept.iter().filter(|one| !has_had(one.item)).take(limit);
            List::kept(Arc::new(new.cloned().collect()), limit)
        }
        false => List::kept(kept, limit),
    }
}

/// Makes the proposals of a fit that does not serve yet for those who asked lately, so that they do not all
/// wait for them at once.
pub(crate) async fn prepare(app: &App, fitted: &Fitted) {
    let mut people = app.models.serving().map_or_else(Vec::new, |fit| fit.discoveries.people());
    if people.is_empty() {
        // The first fit since the start: of those who are known, the latest.
        let n_shoppers = app.views.read().sizes().subjects;
        let numbers = n_shoppers.saturating_sub(KEPT_MAX / 2)..n_shoppers;
        people = numbers.map(|number| Box::from([Shopper(number as u32)])).collect();
    }
    let began = Instant::now();
    for person in people {
        if began.elapsed() > PREPARE_MAX {
            return;
        }
        prepare_for(&person, app, fitted);
        tokio::time::sleep(PREPARE_PAUSE).await;
    }
}

fn prepare_for(person: &[Shopper], app: &App, fitted: &Fitted) {
    let views = app.views.read();
    let site = app.config.main_site();
    let purpose = Use { purpose: Purpose::Personalization, site: &site, withheld: Purposes::NONE };
    let Some(number) = views.catalogue.find_site(&site) else { return };
    let Some(personal) = views.again_for(person, purpose) else { return };
    if !fitted.knows_all_departures(&views) {
        return;
    }
    let scene = Scene {
        views: &views,
        ranking: &app.ranking,
        model: Some(fitted),
        now: app.clock.now(),
        site: number,
        site_id: &site,
        channel: None,
        personal: &personal,
        own: &personal.baskets(),
        seen: &[],
        is_seen_stored: true,
        anchors: &[],
        proposals_max: KEPT_LEN,
    };
    with_scratches(|scratches| drop(discover(&scene, scratches)));
}

fn visited<'a>(scene: &Scene<'a>) -> impl Iterator<Item = &'a Touch> {
    scene.personal.touches().filter(|touch| touch.action.is_visit())
}

/// The latest different products of a shopper, the youngest last: what they did before, then what the
/// request says of this visit.
fn past(scene: &Scene<'_>) -> Vec<Item> {
    let mut dated: Vec<(i64, Item)> =
        visited(scene).map(|touch| (touch.at.as_ms(), touch.item)).collect();
    let baskets = scene.own.iter().rev().take(HISTORY_MAX);
    dated.extend(baskets.flat_map(|basket| basket.items().iter().map(|&item| (basket.time, item))));
    dated.sort_unstable();
    let shown = scene.seen.iter().filter(|_| !scene.is_seen_stored).copied();
    let all: Vec<Item> = dated.into_iter().map(|(_, item)| item).chain(shown).collect();
    let mut latest: Vec<Item> = Vec::with_capacity(HISTORY_MAX);
    for &item in all.iter().rev() {
        if latest.len() == HISTORY_MAX {
            break;
        }
        if !latest.contains(&item) {
            latest.push(item);
        }
    }
    latest.reverse();
    latest
}

fn made(
    scene: &Scene<'_>,
    (blend, limit): (&Blend, usize),
    scratch: &mut BlendScratch,
) -> Vec<Proposal> {
    let history = past(scene);
    if history.is_empty() {
        return Vec::new();
    }
    let had: FxHashSet<Item> =
        scene.own.iter().flat_map(|basket| basket.items()).chain(&history).copied().collect();
    let proposed = blend.propose(&history, (limit, &|item| had.contains(&item)), scratch);
    let best = proposed.first().map_or(0.0, |first| first.score);
    let worst = proposed.last().map_or(0.0, |last| last.score);
    let span = (best - worst).max(f32::MIN_POSITIVE);
    let proposal = |one: &souk_recommend::sources::Proposed| {
        let (kind, evidence) = match one.spoke {
            Some(spoke) if spoke.source == "content" => {
                (ReasonKind::SimilarProduct, vec![spoke.because])
            }
            Some(spoke) => (ReasonKind::SimilarShoppers, vec![spoke.because]),
            None => (ReasonKind::Popular, Vec::new()),
        };
        Proposal {
            item: one.item,
            score: (one.score - worst) / span,
            kind,
            evidence,
            support: 0,
            is_personal: one.spoke.is_some(),
        }
    };
    proposed.iter().map(proposal).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn proposals(support: u32) -> Vec<Proposal> {
        let kind = ReasonKind::Popular;
        let (item, evidence) = (Item(1), Vec::new());
        vec![Proposal { item, score: 1.0, kind, evidence, support, is_personal: false }]
    }

    #[test]
    fn old_proposals_are_made_anew_by_one_request_with_rests() {
        let discoveries = Discoveries::default();
        let ask = |person: u32, n| discoveries.of(&[Shopper(person)], || proposals(n))[0].support;
        assert_eq!((ask(1, 1), ask(1, 2), ask(2, 3)), (1, 1, 3), "kept, each person's own");
        let age = |person: u32| {
            let mut kept = discoveries.kept.write();
            let discovery = kept.get_mut(&[Shopper(person)][..]).unwrap();
            discovery.made = discovery.made.checked_sub(KEPT_AGE_MAX).unwrap();
        };
        age(1);
        let renewing = discoveries.renewing.lock();
        assert_eq!(ask(1, 4), 1, "another request makes some anew");
        drop(renewing);
        let slow = || {
            std::thread::sleep(Duration::from_millis(20));
            proposals(5)
        };
        assert_eq!(discoveries.of(&[Shopper(1)], slow)[0].support, 5);
        age(2);
        assert_eq!(ask(2, 6), 3, "the next ones after a rest");
        *discoveries.renewing.lock() = None;
        assert_eq!(ask(2, 7), 7);
        // Nobody is ever answered with what was made for another set of ids.
        assert_eq!(discoveries.of(&[Shopper(1), Shopper(2)], || proposals(8))[0].support, 8);
    }
}
