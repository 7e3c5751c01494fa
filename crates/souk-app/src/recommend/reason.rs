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
use souk_recommend::next_basket::Basket;

use crate::projections::{Bond, Catalogue, CrowdView, Kind};
use crate::recommend::candidates::Proposal;
use crate::recommend::words::{Phrase, Tongue};
use crate::recommend::{Reason, ReasonKind};

/// Products named as evidence at most.
const EVIDENCE_MAX: usize = 3;

/// How old an answer to whether enough people joined two products may be. That they were enough stays true until
/// somebody leaves, when all answers are dropped, or what they did is old enough to be passed over.
const JOINED_AGE_MAX: Duration = Duration::from_secs(600);
const NOT_JOINED_AGE_MAX: Duration = Duration::from_secs(60);
/// Such answers that are kept (about 20 MB).
const JOINED_MAX: usize = 400_000;

/// What a product is joined with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum With {
    Item(Item),
    Kind(Kind),
}

/// How which product is joined with what.
type Pair = (Bond, Item, With);

/// Whether enough people joined a product with another, or with a kind: found a moment ago, for the same
/// pairs come in many answers. It is emptied whenever somebody leaves.
#[derive(Debug, Default)]
pub(crate) struct Joined(RwLock<FxHashMap<Pair, (bool, Instant)>>);

impl Joined {
    pub(crate) fn clear(&self) {
        self.0.write().clear();
    }

    fn ask(&self, key: Pair, count: impl FnOnce() -> bool) -> bool {
        if let Some(&(is_joined, found)) = self.0.read().get(&key)
            && found.elapsed() < if is_joined { JOINED_AGE_MAX } else { NOT_JOINED_AGE_MAX }
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

/// What is the shopper's own in an answer: a reason may always say it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own<'a> {
    /// What was bought, as far as it may be used.
    pub(crate) baskets: &'a [Basket],
    /// The product on the page.
    pub(crate) page: Option<Item>,
    /// That and what lies in the cart.
    pub(crate) anchors: &'a [Item],
    /// What was looked at in this visit.
    pub(crate) seen: &'a [Item],
}

/// What reasons are made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sayer<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) crowd: CrowdView<'a>,
    pub(crate) joined: &'a Joined,
    /// Different people behind what a reason says of others.
    pub(crate) people_min: usize,
    /// In which language.
    pub(crate) tongue: &'a Tongue,
    pub(crate) own: Own<'a>,
}

impl Sayer<'_> {
    /// Puts a proposal's evidence into words.
    pub(crate) fn reason(&self, proposal: &Proposal) -> Reason {
        // Habits span a company's sites, answers do not: what speaks for a product may be sold elsewhere.
        let site = self.catalogue.site(proposal.item);
        // Nor does it read well that buyers of fuel or of bags buy milk, however true: what no page can offer is not named as
        // others' habit.
        let is_nameable = |item: Item| {
            proposal.kind != ReasonKind::SimilarShoppers
                || self.catalogue.product(item).is_some_and(|one| one.availability.is_sellable())
        };
        let is_here =
            move |item: &&Item| self.catalogue.site(**item) == site && is_nameable(**item);
        let here = || proposal.evidence.iter().filter(is_here);
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
        let kind_of = |&spoke: &Item| self.kind_of((bond, proposal.item), spoke);
        let name = anchor.or_else(|| here().next().and_then(kind_of));
        let is_of_others = bond == Bond::SamePeople || kind != proposal.kind;
        if name.is_none()
            && !is_of_others
            && let Some(own) = self.bought(proposal.item)
        {
            return own;
        }
        let phrase = match (kind, name) {
            (ReasonKind::BoughtTogether, Some(name)) => Phrase::BoughtWith(name),
            (ReasonKind::BoughtTogether, None) => self.beside(here().next()),
            (ReasonKind::SimilarShoppers, Some(name)) => Phrase::BoughtByBuyersOf(name),
            (ReasonKind::SimilarShoppers, None) => Phrase::BoughtByShoppersLikeYou,
            (_, Some(name)) => Phrase::SeenWith(name),
            // The same people looked at both, but not in one visit.
            (_, None) if kind != proposal.kind => Phrase::SeenByShoppersLikeYou,
            (_, None) => Phrase::SeenTogether,
        };
        let text = self.tongue.language.say(phrase);
        Reason { kind, text, evidence: self.ids(evidence) }
    }

    /// A reason that says nothing of others than that they are many.
    fn of_own(&self, proposal: &Proposal, evidence: Vec<ProductId>) -> Reason {
        let phrase = match proposal.kind {
            ReasonKind::BoughtBefore => bought_times(proposal.support),
            ReasonKind::RecentlyViewed => Phrase::LookedAtLately,
            ReasonKind::Trending => Phrase::InDemand,
            ReasonKind::New => Phrase::New,
            ReasonKind::Range => Phrase::FromRange,
            ReasonKind::SimilarProduct => {
                match proposal.evidence.first().and_then(|&item| self.title(item)) {
                    Some(title) => Phrase::SimilarTo(title),
                    None => Phrase::SimilarToKnown,
                }
            }
            ReasonKind::Picked => Phrase::Picked,
            _ => Phrase::Popular,
        };
        let text = self.tongue.language.say(phrase);
        Reason { kind: proposal.kind, text, evidence }
    }

    /// That the shopper bought it: where too few people stand behind what others did, it says more than that they did
    /// something.
    fn bought(&self, item: Item) -> Option<Reason> {
        let holds = |basket: &&Basket| basket.items().binary_search(&item).is_ok();
        let times = self.own.baskets.iter().filter(holds).count();
        (times > 0).then(|| Reason {
            kind: ReasonKind::BoughtBefore,
            text: self.tongue.language.say(bought_times(times as u32)),
            evidence: Vec::new(),
        })
    }

    /// What a product goes with, where nothing may be said of who bought both: what of the shopper's own spoke for it.
    fn beside(&self, spoke: Option<&Item>) -> Phrase<'static> {
        let Own { page, anchors, seen, .. } = self.own;
        match spoke {
            Some(&item) if page == Some(item) => Phrase::GoesWithPage,
            Some(item) if anchors.contains(item) => Phrase::GoesWithCart,
            Some(item) if seen.contains(item) => Phrase::GoesWithSeen,
            _ => Phrase::BoughtTogether,
        }
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
        self.catalogue.product(item).map(|product| self.tongue.title(product))
    }

    fn ids(&self, items: impl IntoIterator<Item = Item>) -> Vec<ProductId> {
        items.into_iter().map(|item| self.catalogue.product_id(item).clone()).collect()
    }
}

fn bought_times(times: u32) -> Phrase<'static> {
    if times > 1 { Phrase::BoughtTimes(times) } else { Phrase::BoughtBefore }
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
        | ReasonKind::Range
        | ReasonKind::Picked => None,
    }
}
