//! Reasons: what a proposal rests on, in words. Every number and title in a text was counted.
//!
//! What a reason says of others needs several different people behind it. Where the product that spoke
//! for another has too few, its type is named, then the category above, then nothing: the list itself
//! stays as it is.

use std::time::{Duration, Instant};

use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use souk_core::ProductId;
use souk_recommend::Item;

use crate::projections::{Bond, Catalogue, CrowdView, Kind};
use crate::recommend::candidates::Proposal;
use crate::recommend::{Reason, ReasonKind};

/// Products named as evidence at most.
const EVIDENCE_MAX: usize = 3;

/// How old an answer to whether enough people joined two products may be.
const JOINED_AGE_MAX: Duration = Duration::from_secs(30);
/// Such answers that are kept (about 10 MB).
const JOINED_MAX: usize = 200_000;

/// What a product is joined with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum With {
    Item(Item),
    Kind(Kind),
}

/// Whether enough people joined a product with another, or with a kind: found a moment ago, for the same
/// pairs come in many answers. It is emptied whenever somebody leaves.
#[derive(Debug, Default)]
pub(crate) struct Joined(RwLock<FxHashMap<(Bond, Item, With), (bool, Instant)>>);

impl Joined {
    pub(crate) fn clear(&self) {
        self.0.write().clear();
    }

    fn ask(&self, key: (Bond, Item, With), count: impl FnOnce() -> bool) -> bool {
        if let Some(&(is_joined, found)) = self.0.read().get(&key)
            && found.elapsed() < JOINED_AGE_MAX
        {
            return is_joined;
        }
        let is_joined = count();
        let mut kept = self.0.write();
        if kept.len() >= JOINED_MAX {
            kept.clear();
        }
        kept.insert(key, (is_joined, Instant::now()));
        is_joined
    }
}

/// What reasons are made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sayer<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) crowd: CrowdView<'a>,
    pub(crate) joined: &'a Joined,
    /// Different people behind what a reason says of others.
    pub(crate) people_min: usize,
}

impl Sayer<'_> {
    /// Puts a proposal's evidence into words.
    pub(crate) fn reason(&self, proposal: &Proposal) -> Reason {
        // Habits span a company's sites, answers do not: what speaks for a product may be sold elsewhere.
        let site = self.catalogue.site(proposal.item);
        let here = || proposal.evidence.iter().filter(|&&item| self.catalogue.site(item) == site);
        let kind = match proposal.kind {
            // Nobody bought it yet, so nobody like the shopper did.
            ReasonKind::SimilarShoppers if self.crowd.baskets.n_visits_with(proposal.item) == 0 => {
                ReasonKind::ViewedTogether
            }
            kind => kind,
        };
        let Some(bond) = bond_of(kind) else {
            let evidence = here().take(EVIDENCE_MAX);
            return self.of_own(proposal, self.ids(evidence.copied()));
        };
        let is_spoken_of = |&item: &Item| {
            self.joined.ask((bond, proposal.item, With::Item(item)), || {
                self.crowd.is_joined_by(bond, (item, proposal.item), self.people_min)
            })
        };
        let evidence: Vec<Item> = here().take(EVIDENCE_MAX).copied().filter(is_spoken_of).collect();
        let anchor = evidence.iter().find_map(|&item| self.title(item));
        let name = match (anchor, here().next()) {
            (None, Some(&spoke)) => self.kind_of((bond, proposal.item), spoke),
            (anchor, _) => anchor,
        };
        let text = match (kind, name) {
            (ReasonKind::BoughtTogether, Some(name)) => format!("Bought with {name}"),
            (ReasonKind::BoughtTogether, None) => "Often bought together".to_owned(),
            (ReasonKind::SimilarShoppers, Some(name)) => {
                format!("Bought by shoppers who also buy {name}")
            }
            (ReasonKind::SimilarShoppers, None) => "Bought by shoppers like you".to_owned(),
            (_, Some(name)) => format!("Seen together with {name}"),
            // The same people looked at both, but not in one visit.
            (_, None) if kind != proposal.kind => "Seen by shoppers like you".to_owned(),
            (_, None) => "Often seen together".to_owned(),
        };
        Reason { kind, text, evidence: self.ids(evidence) }
    }

    /// A reason that says nothing of others than that they are many.
    fn of_own(&self, proposal: &Proposal, evidence: Vec<ProductId>) -> Reason {
        let text = match proposal.kind {
            ReasonKind::BoughtBefore => match proposal.support {
                0 | 1 => "You bought it before".to_owned(),
                times => format!("You bought it {times} times"),
            },
            ReasonKind::RecentlyViewed => "You looked at it recently".to_owned(),
            ReasonKind::Trending => "In demand right now".to_owned(),
            ReasonKind::New => "New in this shop".to_owned(),
            ReasonKind::SimilarProduct => {
                match proposal.evidence.first().and_then(|&item| self.title(item)) {
                    Some(title) => format!("Similar to {title}"),
                    None => "Similar to products you know".to_owned(),
                }
            }
            ReasonKind::Picked => "Picked by the shop".to_owned(),
            _ => "Popular in this shop".to_owned(),
        };
        Reason { kind: proposal.kind, text, evidence }
    }

    /// The type of the product that spoke, or the category above it, where enough people joined it
    /// with the proposed one.
    fn kind_of(&self, (bond, item): (Bond, Item), spoke: Item) -> Option<&str> {
        let kinds = self.catalogue.kinds();
        let is_spoken_of = |&kind: &Kind| {
            let is_of_kind = |other| kinds.is_of(other, kind);
            self.joined.ask((bond, item, With::Kind(kind)), || {
                self.crowd.is_joined_with_kind((bond, item), self.people_min, is_of_kind)
            })
        };
        let own = kinds.of(spoke)?;
        let kind = [Some(own), kinds.above(own)].into_iter().flatten().find(is_spoken_of)?;
        Some(kinds.name(kind))
    }

    fn title(&self, item: Item) -> Option<&str> {
        self.catalogue.product(item).map(|product| product.title.as_str())
    }

    fn ids(&self, items: impl IntoIterator<Item = Item>) -> Vec<ProductId> {
        items.into_iter().map(|item| self.catalogue.product_id(item).clone()).collect()
    }
}

/// How people joined what a reason names with what it recommends; `None` for reasons that name nothing
/// that others did.
fn bond_of(kind: ReasonKind) -> Option<Bond> {
    match kind {
        ReasonKind::BoughtTogether => Some(Bond::Bought),
        ReasonKind::SimilarShoppers => Some(Bond::SamePeople),
        ReasonKind::ViewedTogether => Some(Bond::Viewed),
        ReasonKind::BoughtBefore
        | ReasonKind::RecentlyViewed
        | ReasonKind::SimilarProduct
        | ReasonKind::Trending
        | ReasonKind::Popular
        | ReasonKind::New
        | ReasonKind::Picked => None,
    }
}
