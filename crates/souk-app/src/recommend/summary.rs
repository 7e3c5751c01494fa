//! What is said of an answer as a whole.

use souk_privacy::consent::Decision;

use super::candidates::Proposal;
use super::plan::Known;
use super::words::{Language, Summary};
use super::{ReasonKind, Strategy};

/// What the answer came to: a strategy of which nothing is left was not carried out.
pub(super) fn carried_out(planned: Strategy, taken: &[Proposal]) -> Strategy {
    // What the shop itself picked says nothing of what was carried out.
    let found = || taken.iter().filter(|proposal| proposal.kind != ReasonKind::Picked);
    let is_only = |kinds: &[ReasonKind]| {
        found().next().is_some() && found().all(|proposal| kinds.contains(&proposal.kind))
    };
    match planned {
        Strategy::New => planned,
        // What the shop has fills a list of what sells where nothing was sold yet, and is no list of what is new.
        _ if is_only(&[ReasonKind::Range]) => Strategy::Popular,
        _ if is_only(&[ReasonKind::New, ReasonKind::Range]) => Strategy::New,
        _ if is_only(&[ReasonKind::Popular, ReasonKind::New, ReasonKind::Range]) => {
            Strategy::Popular
        }
        _ => planned,
    }
}

/// How far, and how surely, the answer departs from a stranger's: the share of places that follow from
/// what the shopper did, weighed by 1/log2(rank+1) as in NDCG, each as sure as the acts behind it. 0 for a
/// stranger, towards 1 when every place rests on many acts.
pub(super) fn personalization(taken: &[Proposal]) -> f32 {
    let weight = |idx: usize| 1.0 / ((idx + 2) as f32).log2();
    let all: f32 = (0..taken.len()).map(weight).sum();
    let personal = taken.iter().enumerate().filter(|(_, proposal)| proposal.is_personal);
    let own: f32 = personal.map(|(idx, proposal)| weight(idx) * sureness(proposal)).sum();
    // The sum of nothing is -0.
    if own > 0.0 { own / all } else { 0.0 }
}

/// One act may be chance, each further one halves the doubt (chosen).
fn sureness(proposal: &Proposal) -> f32 {
    let acts = proposal.support.max(proposal.evidence.len() as u32).max(1);
    1.0 - (-(acts as f32)).exp2()
}

/// How the answer came about, in one sentence, by the kinds of the reasons that were given.
pub(super) fn explain(
    language: Language,
    strategy: Strategy,
    (known, decision): (Known, Decision),
    mut given: Vec<ReasonKind>,
) -> String {
    given.sort_unstable();
    let alike = given.chunk_by(|a, b| a == b);
    let reasons: Vec<_> = alike.map(|kinds| (kinds[0], kinds.len())).collect();
    language.sum_up(&Summary {
        strategy,
        n_baskets: known.baskets,
        n_seen: known.seen,
        is_ordered: known.is_ordered,
        reasons: &reasons,
        is_allowed: decision.is_allowed,
        because: decision.reason.as_str(),
    })
}
