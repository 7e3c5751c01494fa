//! From proposals to places: what may be shown, each title once, in turn from several sources.

use rustc_hash::FxHashSet;
use souk_core::{Filter, LocationId, SiteId};
use souk_recommend::Item;

use crate::projections::Catalogue;
use crate::recommend::candidates::{List, Proposal};
use crate::recommend::merchandise::Hand;

/// Proposals of one source for each place, at first: enough when little is refused (chosen).
const PROPOSALS_PER_PLACE: usize = 5;

/// What a product must satisfy to take a place.
#[derive(Debug)]
pub(crate) struct Gate<'a> {
    /// What is known of products.
    pub catalogue: &'a Catalogue,
    /// Whose products.
    pub site: &'a SiteId,
    /// Whose stock.
    pub location: Option<&'a LocationId>,
    /// The request's filter.
    pub filter: Option<&'a Filter>,
    /// What must not be shown.
    pub excluded: FxHashSet<Item>,
    /// Titles that the page shows already.
    pub titles: FxHashSet<u32>,
    /// The rules that hold.
    pub hand: &'a Hand<'a>,
    /// Whether only what fills a reserved share is wanted.
    pub is_for_reserved: bool,
}

impl Gate<'_> {
    pub(crate) fn admits(&self, item: Item) -> bool {
        !self.excluded.contains(&item)
            && self.catalogue.site(item) == self.site
            && self.catalogue.is_servable(item, self.location)
            && self.filter.is_none_or(|filter| {
                self.catalogue.product(item).is_some_and(|product| filter.matches(&**product))
            })
            && !self.is_shown_above(item)
            && self.hand.removal(item).is_none()
            && (!self.is_for_reserved || self.hand.is_reserved(item))
    }

    /// Whether the page shows it already, or another product of its title.
    pub(crate) fn is_shown_above(&self, item: Item) -> bool {
        !self.titles.is_empty() && self.titles.contains(&self.catalogue.title_group(item))
    }

    /// The same under other rules.
    pub(crate) fn under<'b>(&'b self, hand: &'b Hand<'b>) -> Gate<'b> {
        Gate {
            catalogue: self.catalogue,
            site: self.site,
            location: self.location,
            filter: self.filter,
            excluded: self.excluded.clone(),
            titles: self.titles.clone(),
            hand,
            is_for_reserved: self.is_for_reserved,
        }
    }
}

/// The places of an answer while it is being made.
#[derive(Debug)]
pub(crate) struct Places {
    limit: usize,
    /// From so many on nobody needs to look deeper, or at what only fills up.
    enough: usize,
    /// Proposals that one source is asked for at first.
    pub asked: usize,
    taken: Vec<Proposal>,
    items: FxHashSet<Item>,
    titles: FxHashSet<u32>,
}

impl Places {
    pub(crate) fn new(limit: usize) -> Places {
        Places {
            limit,
            enough: limit,
            asked: limit * PROPOSALS_PER_PLACE + 10,
            taken: Vec::with_capacity(limit),
            items: FxHashSet::default(),
            titles: FxHashSet::default(),
        }
    }

    /// Places that know what is taken already, so that it is not taken again.
    pub(crate) fn beside(taken: &[Proposal], catalogue: &Catalogue, limit: usize) -> Places {
        let mut places = Places::new(limit);
        for proposal in taken {
            places.items.insert(proposal.item);
            places.titles.insert(catalogue.title_group(proposal.item));
        }
        places
    }

    /// Room for `pool` candidates of which `limit` will have a place.
    pub(crate) fn pool(pool: usize, limit: usize) -> Places {
        let asked = Places::new(limit).asked.max(pool);
        Places { asked, ..Places::new(pool) }
    }

    /// The same, with room for more candidates that are taken where they are at hand.
    pub(crate) fn with_room_for(self, pool: usize) -> Places {
        Places { limit: self.limit.max(pool), asked: self.asked.max(pool), ..self }
    }

    pub(crate) fn n_taken(&self) -> usize {
        self.taken.len()
    }

    pub(crate) fn has_enough(&self) -> bool {
        self.taken.len() >= self.enough
    }

    pub(crate) fn is_full(&self) -> bool {
        self.taken.len() >= self.limit
    }

    /// Takes products from the lists in turn, best first, until the places are full or the lists end.
    pub(crate) fn take_in_turn(&mut self, lists: &mut [List<'_>], gate: &Gate<'_>) {
        while !self.is_full() && lists.iter().any(|list| list.n_left() > 0) {
            for list in &mut *lists {
                if self.is_full() {
                    return;
                }
                // One admitted product from each list and round; what is refused costs no turn.
                if let Some(proposal) = list.take(|item| self.is_new(item, gate)) {
                    self.items.insert(proposal.item);
                    self.titles.insert(gate.catalogue.title_group(proposal.item));
                    self.taken.push(proposal);
                }
            }
        }
    }

    fn is_new(&self, item: Item, gate: &Gate<'_>) -> bool {
        !self.items.contains(&item)
            && gate.admits(item)
            && !self.titles.contains(&gate.catalogue.title_group(item))
    }

    pub(crate) fn into_taken(self) -> Vec<Proposal> {
        self.taken
    }
}
