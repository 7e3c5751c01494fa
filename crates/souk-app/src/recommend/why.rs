//! Why a product is *not* in an answer: the first thing that kept it out, in the order in which an answer
//! is made.

use rustc_hash::FxHashMap;
use souk_core::ProductId;
use souk_recommend::Item;

use crate::recommend::listing::Makeup;
use crate::recommend::merchandise::{Hand, Listed, Removal, RuleNote};
use crate::recommend::select::Gate;
use crate::recommend::{Proposal, RecommendRequest};

/// Why a product is not in an answer, or where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyCause {
    /// It is in the answer.
    Shown,
    /// The catalogue of this site does not have it.
    UnknownProduct,
    /// The request names it in `exclude`.
    Exclude,
    /// It is the product on the page or in the cart.
    OnPage,
    /// A placement above on the same page shows it, or another product of its title.
    ShownAbove,
    /// It is out of stock or not sold.
    Stock,
    /// It does not fulfil the request's filter.
    Filter,
    /// A rule took it out or put it behind.
    Rule,
    /// Another product of the same title is in the answer.
    SameTitle,
    /// It was a candidate, and others were better.
    Outranked,
    /// No source of the strategy proposed it.
    NotProposed,
}

impl WhyCause {
    /// The name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            WhyCause::Shown => "shown",
            WhyCause::UnknownProduct => "unknown_product",
            WhyCause::Exclude => "exclude",
            WhyCause::OnPage => "on_page",
            WhyCause::ShownAbove => "shown_above",
            WhyCause::Stock => "stock",
            WhyCause::Filter => "filter",
            WhyCause::Rule => "rule",
            WhyCause::SameTitle => "same_title",
            WhyCause::Outranked => "outranked",
            WhyCause::NotProposed => "not_proposed",
        }
    }
}

/// What kept one product out of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyNot {
    /// Which product was asked about.
    pub product_id: ProductId,
    /// What kept it out.
    pub cause: WhyCause,
    /// In words.
    pub detail: String,
    /// The rule, where it was one.
    pub rule: Option<RuleNote>,
}

/// What answers are explained from.
pub(crate) struct Explainer<'a> {
    pub(crate) request: &'a RecommendRequest,
    pub(crate) gate: &'a Gate<'a>,
    pub(crate) hand: &'a Hand<'a>,
    pub(crate) makeup: &'a Makeup,
    pub(crate) listed: &'a Listed,
    /// More candidates than places, where rules did not ask for them.
    pub(crate) deeper: &'a [Proposal],
}

impl Explainer<'_> {
    /// Explains every product that the request asks about.
    pub(crate) fn all(&self) -> Vec<WhyNot> {
        let places: FxHashMap<Item, usize> =
            self.listed.taken.iter().map(|one| one.item).zip(1..).collect();
        let asked = self.request.explain_products.iter();
        asked.map(|id| self.one(id, &places)).collect()
    }

    fn one(&self, id: &ProductId, places: &FxHashMap<Item, usize>) -> WhyNot {
        let (cause, detail, rule) = self.cause(id, places);
        WhyNot { product_id: id.clone(), cause, detail, rule }
    }

    fn cause(
        &self,
        id: &ProductId,
        places: &FxHashMap<Item, usize>,
    ) -> (WhyCause, String, Option<RuleNote>) {
        let plain = |cause, detail: &str| (cause, detail.to_owned(), None);
        let catalogue = self.gate.catalogue;
        let item = catalogue.item(self.gate.site, id);
        let Some((item, product)) = item.and_then(|item| Some((item, catalogue.product(item)?)))
        else {
            return plain(WhyCause::UnknownProduct, "the catalogue of this site does not have it");
        };
        if let Some(place) = places.get(&item) {
            return (WhyCause::Shown, format!("it is in place {place}"), None);
        }
        let context = &self.request.context;
        if self.request.exclude.contains(id) {
            return plain(WhyCause::Exclude, "the request names it in `exclude`");
        }
        if context.product_id.as_ref() == Some(id) || context.cart.contains(id) {
            return plain(WhyCause::OnPage, "it is the product on the page or in the cart");
        }
        if self.gate.is_shown_above(item) {
            let detail = "a placement above shows it, or another product of its title";
            return plain(WhyCause::ShownAbove, detail);
        }
        if !product.availability.is_sellable() {
            let detail = format!("its availability is `{}`", product.availability.as_str());
            return (WhyCause::Stock, detail, None);
        }
        if !catalogue.is_servable(item, self.gate.location) {
            return plain(WhyCause::Stock, "nothing of it is in stock there");
        }
        if let Some(filter) = self.gate.filter.filter(|filter| !filter.matches(&**product)) {
            return (WhyCause::Filter, format!("it does not fulfil the filter {filter}"), None);
        }
        if let Some(removal) = self.hand.removal(item) {
            let note = self.hand.note(removal.rule());
            let detail = match removal {
                Removal::Hidden(_) => format!("rule `{}` hides it", note.id),
                Removal::Bought(_, 0) => format!("rule `{}`: it was bought today", note.id),
                Removal::Bought(_, 1) => format!("rule `{}`: it was bought a day ago", note.id),
                Removal::Bought(_, days) => {
                    format!("rule `{}`: it was bought {days} days ago", note.id)
                }
            };
            return (WhyCause::Rule, detail, Some(note));
        }
        self.cause_of_rank(item)
    }

    /// For a product that may be shown.
    fn cause_of_rank(&self, item: Item) -> (WhyCause, String, Option<RuleNote>) {
        let catalogue = self.gate.catalogue;
        let group = catalogue.title_group(item);
        let sibling = self.listed.taken.iter().find(|one| catalogue.title_group(one.item) == group);
        if let Some(sibling) = sibling {
            let other = catalogue.product_id(sibling.item);
            let detail = format!("product `{other}` has the same title and is in the answer");
            return (WhyCause::SameTitle, detail, None);
        }
        let left = self.listed.left.iter().find(|(_, one, _)| *one == item);
        let rank = match left {
            Some((_, _, Some(cap))) => {
                let note = self.hand.note(*cap);
                let detail =
                    format!("rule `{}`: the list has as many of its kind as it may", note.id);
                return (WhyCause::Rule, detail, Some(note));
            }
            Some((rank, ..)) => Some(rank + 1),
            None => {
                let place = self.deeper.iter().position(|one| one.item == item);
                place.map(|place| place + 1)
            }
        };
        let Some(rank) = rank else {
            let detail = "no source of this strategy proposed it for this request";
            return (WhyCause::NotProposed, detail.to_owned(), None);
        };
        if let Some(rule) = self.hand.buried_by(item) {
            let note = self.hand.note(rule);
            let detail = format!("rule `{}` puts it behind others; its rank was {rank}", note.id);
            return (WhyCause::Rule, detail, Some(note));
        }
        let limit = self.request.limit;
        if rank > limit {
            let detail = format!("its rank was {rank}, and the answer has {limit} places");
            return (WhyCause::Outranked, detail, None);
        }
        if left.is_some() {
            return self.cause_of_displacement(item, rank);
        }
        let detail = if self.listed.is_ordered {
            "others come first in the order that was learned from lists".to_owned()
        } else if self.makeup.variety.is_at_work() {
            format!("its rank was {rank}; its place went to one less like the others")
        } else if !self.listed.marks.is_empty() {
            format!("its rank was {rank}; its place went to one that is tried out")
        } else {
            "others were better".to_owned()
        };
        (WhyCause::Outranked, detail, None)
    }

    /// For a product that would have a place if no rule reordered the list: the rule of the first product that
    /// came from behind it, else the rule that moved the product itself.
    fn cause_of_displacement(
        &self,
        item: Item,
        rank: usize,
    ) -> (WhyCause, String, Option<RuleNote>) {
        let listed = self.listed.taken.iter().zip(&self.listed.moved);
        let is_behind = |from: Option<u32>| from.is_none_or(|from| from as usize > rank);
        let mut from_behind = listed.filter(|(_, moved)| is_behind(moved.from_rank));
        let winner = from_behind.find_map(|(one, moved)| Some((one.item, moved.rules.first()?)));
        if let Some((winner, note)) = winner {
            let winner = self.gate.catalogue.product_id(winner);
            let detail = format!(
                "its rank was {rank}; the {} of rule `{}` gave `{winner}` a place before it",
                note.effect, note.id
            );
            return (WhyCause::Rule, detail, Some(note.clone()));
        }
        let Some(note) = self.hand.moved_by(item).into_iter().next() else {
            let detail = format!("its rank was {rank}, and rules put others before it");
            return (WhyCause::Rule, detail, None);
        };
        let detail =
            format!("its rank was {rank}; the {} of rule `{}` put it back", note.effect, note.id);
        (WhyCause::Rule, detail, Some(note))
    }
}
