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

#[cfg(test)]
mod tests;

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
    /// Younger and older ones: what is full becomes the older, so that no more than half goes at once.
    kept: RwLock<[FxHashMap<Box<[Shopper]>, Discovery>; 2]>,
    /// Held by the request that makes old proposals anew, with the moment from which the next may: when many are
    /// old at once, all others go on with theirs instead of queueing up behind each other.
    renewing: Mutex<Option<Instant>>,
}

impl Discoveries {
    pub(crate) fn clear(&self) {
        let gone = std::mem::take(&mut *self.kept.write());
        drop(gone);
    }

    /// Who has asked.
    fn people(&self) -> Vec<Box<[Shopper]>> {
        self.kept.read().iter().flat_map(|some| some.keys().cloned()).collect()
    }

    fn of(&self, person: &[Shopper], make: impl FnOnce() -> Vec<Proposal>) -> Arc<Vec<Proposal>> {
        let known = self.kept.read().iter().find_map(|some| some.get(person)).cloned();
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
        let mut gone = FxHashMap::default();
        {
            let mut kept = self.kept.write();
            if kept[0].len() >= KEPT_MAX / 2 {
                kept.swap(0, 1);
                gone = std::mem::take(&mut kept[0]);
            }
            kept[0].insert(person.into(), discovery);
        }
        // Thousands of lists take a while to drop: not under the lock.
        drop(gone);
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
        people = app.views.read().latest_numbers(KEPT_MAX / 2);
    }
    let began = Instant::now();
    for person in people {
        if began.elapsed() > PREPARE_MAX || !prepare_for(&person, app, fitted) {
            return;
        }
        tokio::time::sleep(PREPARE_PAUSE).await;
    }
}

/// False once there is no more use in it: somebody left, so the fit will not serve.
fn prepare_for(person: &[Shopper], app: &App, fitted: &Fitted) -> bool {
    let views = app.views.read();
    if !fitted.knows_all_departures(&views) {
        return false;
    }
    let site = app.config.main_site();
    let purpose = Use { purpose: Purpose::Personalization, site: &site, withheld: Purposes::NONE };
    let Some(number) = views.catalogue.find_site(&site) else { return false };
    let Some(personal) = views.again_for(person, purpose) else { return true };
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
    true
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
