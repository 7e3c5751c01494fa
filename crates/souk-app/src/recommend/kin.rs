//! What is like a product by its category, for products of which views do not say enough: what is bought with one
//! need not be like it, so categories say what is, and purchases only in which order.

use rustc_hash::FxHashSet;
use souk_recommend::{Evidence, Item, Score, Scored};

use crate::recommend::candidates::Scene;
use crate::recommend::likeness::Looks;

/// What is bought with a product that is looked through for its like, the most bound to it (chosen): in a
/// grocer's shop most of it is something else.
pub(crate) const COMPANIONS_MAX: usize = 1_000;
/// Products of a category that are looked at, however few want them (chosen). Of a larger one there are enough
/// among what is popular.
const MEMBERS_MAX: usize = 2_000;

/// Products that nobody bought yet, of which it is looked how like they are, at most (chosen: a tenth of a millisecond).
const COMPARED_MAX: usize = 300;

/// Of what is bought with a product, what is of a category near by; then the others of these categories, first
/// what sells most now, then what is in most baskets, then what looks most alike. The nearest categories come first. What nobody bought
/// with it has no support.
///
/// A score is the share of the category's levels that both have, the last level counted by the order within it:
/// from a half to a whole for what is bought with it (more by the cosine), under a half for the others.
pub(crate) fn kin(scene: &Scene<'_>, item: Item, bought: Vec<Scored>) -> Vec<Scored> {
    let kinds = scene.views.catalogue.kinds();
    let n_levels = kinds.n_common(item, item);
    // A category of the top holds half a shop; where there are none below, it has to do.
    let common_min = n_levels.saturating_sub(1).max(1);
    let score = |other: Item, within: f32| {
        let n_above = kinds.n_common(item, other).saturating_sub(1) as f32;
        Score::new((n_above + within) / n_levels.max(1) as f32)
    };
    let is_kin = |other: Item| other != item && kinds.n_common(item, other) >= common_min;
    let bought = bought.into_iter().filter(|one| is_kin(one.item));
    let mut all: Vec<Scored> = bought
        .map(|one| Scored {
            score: score(one.item, 0.5 + 0.5 * one.score.get().clamp(0.0, 1.0)),
            ..one
        })
        .collect();
    let mut known: FxHashSet<Item> = all.iter().map(|one| one.item).collect();
    known.insert(item);
    let others = others(scene, (item, common_min), &mut known);
    all.extend(others.into_iter().enumerate().map(|(place, other)| Scored {
        item: other,
        score: score(other, 0.5 / (place as f32 + 2.0)),
        evidence: Evidence { items: vec![item], support: 0 },
    }));
    // Equals keep their order.
    all.sort_by(|a, b| b.score.get().total_cmp(&a.score.get()));
    all.truncate(scene.proposals_max);
    all
}

/// The other products of the near categories, those first that are most wanted.
fn others(
    scene: &Scene<'_>,
    (item, common_min): (Item, usize),
    known: &mut FxHashSet<Item>,
) -> Vec<Item> {
    let catalogue = &scene.views.catalogue;
    let kinds = catalogue.kinds();
    let Some(own) = kinds.of(item) else { return Vec::new() };
    let popular = scene.ranking.popular(scene);
    let popular = popular.iter().map(|one| one.item);
    let mut others: Vec<Item> = popular
        .filter(|&other| kinds.n_common(item, other) >= common_min && known.insert(other))
        .collect();
    let near = (kinds.n_common(item, item) > common_min).then(|| kinds.above(own)).flatten();
    let members = kinds.members(own).chain(near.into_iter().flat_map(|near| kinds.members(near)));
    let more =
        members.filter(|&other| catalogue.site_number(other) == scene.site && known.insert(other));
    let baskets = scene.views.crowd().baskets;
    let mut more: Vec<(u32, Item)> =
        more.take(MEMBERS_MAX).map(|other| (baskets.n_visits_with(other), other)).collect();
    more.sort_unstable_by_key(|&(n_baskets, other)| (std::cmp::Reverse(n_baskets), other));
    let n_bought = more.partition_point(|&(n_baskets, _)| n_baskets > 0);
    if others.len() + n_bought < scene.proposals_max
        && let Some(looks) = catalogue.product(item).map(|one| Looks::of(one))
    {
        by_likeness(&looks, scene, &mut more[n_bought..]);
    }
    others.extend(more.into_iter().map(|(_, other)| other));
    others
}

/// Puts first what is most like a product; the nearer category stays before.
fn by_likeness(looks: &Looks<'_>, scene: &Scene<'_>, unsold: &mut [(u32, Item)]) {
    let catalogue = &scene.views.catalogue;
    let n_compared = unsold.len().min(COMPARED_MAX);
    let mut compared: Vec<(f32, (u32, Item))> = unsold[..n_compared]
        .iter()
        .map(|&other| (catalogue.product(other.1).map_or(0.0, |one| looks.likeness(one)), other))
        .collect();
    // Equals keep their order.
    compared.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (place, (_, other)) in unsold.iter_mut().zip(compared) {
        *place = other;
    }
}
