//! What the shop's own model proposes that the shopper does not have yet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use rustc_hash::{FxHashMap, FxHashSet};
use souk_recommend::sources::{Blend, BlendScratch};
use souk_recommend::{Item, Shopper};

use super::candidates::{Proposal, Scene};
use super::{ReasonKind, state::Scratches};
use crate::models::{Fitted, HISTORY_MAX};

/// How old kept proposals may be. What a shopper just did speaks at once through the visit and through habits,
/// and is never proposed; the model's view of them changes slowly, and costs milliseconds (chosen).
const KEPT_AGE_MAX: Duration = Duration::from_secs(20);
/// Shoppers whose proposals are kept (about 40 MB).
const KEPT_MAX: usize = 20_000;
/// Proposals beyond which a list is not kept (chosen).
const KEPT_LIMIT_MAX: usize = 100;

/// Proposals, and what they were made from.
#[derive(Debug)]
struct Discovery {
    made: Instant,
    /// Which fit made it.
    fit_number: u64,
    limit: usize,
    proposals: Arc<Vec<Proposal>>,
}

/// Proposals of the last moments, by shopper: the places of one page ask one after the other.
#[derive(Debug, Default)]
pub(crate) struct Discoveries(RwLock<FxHashMap<Shopper, Discovery>>);

impl Discoveries {
    pub(crate) fn clear(&self) {
        self.0.write().clear();
    }

    fn get(
        &self,
        shopper: Shopper,
        (model, limit): (&Fitted, usize),
    ) -> Option<Arc<Vec<Proposal>>> {
        let kept = self.0.read();
        let known = kept.get(&shopper)?;
        let is_same = known.fit_number == model.fit_number
            && known.limit == limit
            && known.made.elapsed() < KEPT_AGE_MAX;
        is_same.then(|| Arc::clone(&known.proposals))
    }

    fn put(&self, shopper: Shopper, discovery: Discovery) {
        let mut kept = self.0.write();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(shopper, discovery);
    }
}

/// What the model proposes; nothing without a model or without a past.
pub(crate) fn discover(scene: &Scene<'_>, scratches: &mut Scratches) -> Vec<Proposal> {
    let Some(model) = scene.model else { return Vec::new() };
    let limit = scene.proposals_max;
    // What a request tells of a visit that the shop does not store is nobody's.
    let keeper = scene.personal.lone_shopper().filter(|_| limit <= KEPT_LIMIT_MAX);
    let keeper = keeper.filter(|_| scene.is_seen_stored);
    if let Some(shopper) = keeper
        && let Some(kept) = scene.ranking.discoveries.get(shopper, (model, limit))
    {
        let new = kept.iter().filter(|proposal| !has_had(scene, proposal.item));
        return new.cloned().collect();
    }
    let history = past(scene);
    if history.is_empty() {
        return Vec::new();
    }
    let proposals = made(scene, (&model.blend, &history), &mut scratches.blend);
    if let Some(shopper) = keeper {
        let (made, fit_number) = (Instant::now(), model.fit_number);
        let proposals = Arc::new(proposals.clone());
        scene.ranking.discoveries.put(shopper, Discovery { made, fit_number, limit, proposals });
    }
    proposals
}

/// Whether the shopper bought a product, or met it of late.
fn has_had(scene: &Scene<'_>, item: Item) -> bool {
    scene.personal.has_bought(item, scene.own)
        || scene.personal.touches().any(|touch| touch.item == item && touch.action.is_visit())
}

/// The latest different products of a shopper, the youngest last: what they did before, then what the
/// request says of this visit.
fn past(scene: &Scene<'_>) -> Vec<Item> {
    let touched = scene.personal.touches().filter(|touch| touch.action.is_visit());
    let mut dated: Vec<(i64, Item)> = touched.map(|touch| (touch.at.as_ms(), touch.item)).collect();
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
    (blend, history): (&Blend, &[Item]),
    scratch: &mut BlendScratch,
) -> Vec<Proposal> {
    let had: FxHashSet<Item> =
        scene.own.iter().flat_map(|basket| basket.items()).chain(history).copied().collect();
    let proposed =
        blend.propose(history, (scene.proposals_max, &|item| had.contains(&item)), scratch);
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
