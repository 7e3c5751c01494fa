//! What is like a product in a shop that knows no views: what is bought with it need not be like it, so
//! categories say what is, and purchases only in which order.

use rustc_hash::FxHashSet;
use souk_recommend::{Evidence, Item, Score, Scored};

use crate::recommend::candidates::Scene;

/// Of what is bought with a product, what is of a category near by; then what sells most of these. The nearest
/// categories come first. What nobody bought with it has no support.
pub(crate) fn kin(scene: &Scene<'_>, item: Item, bought: Vec<Scored>) -> Vec<Scored> {
    let kinds = scene.views.catalogue.kinds();
    // A category of the top holds half a shop; where there are none below, it has to do.
    let common_min = kinds.n_common(item, item).saturating_sub(1).max(1);
    let is_kin = |other: Item| other != item && kinds.n_common(item, other) >= common_min;
    let mut all: Vec<Scored> = bought.into_iter().filter(|one| is_kin(one.item)).collect();
    let known: FxHashSet<Item> = all.iter().map(|one| one.item).collect();
    let popular = scene.ranking.popular(scene);
    let more = popular.iter().map(|one| one.item);
    let more = more.filter(|other| !known.contains(other) && is_kin(*other));
    let more = more.take(scene.proposals_max.saturating_sub(all.len()));
    all.extend(more.map(|other| Scored {
        item: other,
        score: Score::new(0.0),
        evidence: Evidence { items: vec![item], support: 0 },
    }));
    all.sort_by_key(|one| std::cmp::Reverse(kinds.n_common(item, one.item)));
    all
}
