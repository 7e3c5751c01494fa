//! Reasons: what a proposal rests on, in words. Every number and title in a text was counted.

use souk_core::ProductId;
use souk_recommend::Item;

use crate::projections::Catalogue;
use crate::recommend::candidates::Proposal;
use crate::recommend::{Reason, ReasonKind};

/// Products named as evidence at most.
const EVIDENCE_MAX: usize = 3;

/// Puts a proposal's evidence into words.
pub(crate) fn reason(proposal: &Proposal, catalogue: &Catalogue) -> Reason {
    // Habits span a company's sites, answers do not: what speaks for a product may be sold elsewhere.
    let site = catalogue.site(proposal.item);
    let here = || proposal.evidence.iter().filter(|&&item| catalogue.site(item) == site);
    let evidence: Vec<ProductId> =
        here().take(EVIDENCE_MAX).map(|&item| catalogue.product_id(item).clone()).collect();
    let anchor = here().find_map(|&item| title(catalogue, item));
    let text = match (proposal.kind, anchor) {
        (ReasonKind::BoughtTogether, Some(title)) => format!("Bought with {title}"),
        (ReasonKind::BoughtTogether, None) => "Often bought together".to_owned(),
        (ReasonKind::BoughtBefore, _) => match proposal.support {
            0 | 1 => "You bought it before".to_owned(),
            times => format!("You bought it {times} times"),
        },
        (ReasonKind::SimilarShoppers, Some(title)) => {
            format!("Bought by shoppers who also buy {title}")
        }
        (ReasonKind::SimilarShoppers, None) => "Bought by shoppers like you".to_owned(),
        (ReasonKind::ViewedTogether, Some(title)) => format!("Seen together with {title}"),
        (ReasonKind::ViewedTogether, None) => "Often seen together".to_owned(),
        (ReasonKind::RecentlyViewed, _) => "You looked at it recently".to_owned(),
        (ReasonKind::Trending, _) => "In demand right now".to_owned(),
        (ReasonKind::Popular, _) => "Popular in this shop".to_owned(),
        (ReasonKind::New, _) => "New in this shop".to_owned(),
    };
    Reason { kind: proposal.kind, text, evidence }
}

fn title(catalogue: &Catalogue, item: Item) -> Option<&str> {
    catalogue.product(item).map(|product| product.title.as_str())
}
