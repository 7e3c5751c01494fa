//! The merchant's rules over one answer: which hold, what they take out, and the list that they make of
//! the pool of candidates. What rules mean is [`souk_core::rules`].

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use souk_core::rules::{
    ActiveRules, Candidate, Effect, PinHit, Rule, RuleAction, RuleContext, RuleId, RuleNo, RuleRow,
    SegmentsOf, Selection, Shelf, Taken, arrange,
};
use souk_core::{
    Day, Filter, LocationId, Product, ProductId, ProductMark, SignalMark, SiteId, Timestamp,
};
use souk_recommend::Item;
use souk_recommend::next_basket::Basket;

use crate::projections::{Catalogue, Views};
use crate::recommend::candidates::Proposal;
use crate::recommend::{ReasonKind, RecommendContext};
use crate::rules::{KnownRow, RuleBook};

const DAY_MS: i64 = 86_400_000;
/// Candidates among which rules choose, for each place; chosen, so that a cap or a reserved share finds
/// others.
const POOL_PER_PLACE: usize = 10;
/// Candidates at least and at most.
const POOL: (usize, usize) = (100, 300);
/// Days of sales that say how fast a product sells.
const SALES_DAYS: i32 = 28;
/// Products of a pin's list that are looked at.
const PIN_PRODUCTS_MAX: usize = 50;

/// A rule as an answer names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleNote {
    /// Its id.
    pub id: RuleId,
    /// Its name for people.
    pub name: String,
    /// What it does: `pin`, `boost`, ….
    pub effect: &'static str,
}

impl RuleNote {
    fn of(rule: &Rule) -> RuleNote {
        RuleNote { id: rule.id.clone(), name: rule.name.clone(), effect: rule.action.as_str() }
    }
}

/// What rules did to a product's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The place that it would have without them, from 1; `None` where a pin alone brought it.
    pub from_rank: Option<u32>,
    /// The rules that moved it; none where it only made way.
    pub rules: Vec<RuleNote>,
}

/// Something about an answer that its reader should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// A stable slug.
    pub code: &'static str,
    /// What happened, and what it means.
    pub detail: String,
    /// The rules that did it.
    pub rules: Vec<RuleId>,
}

/// Which rule takes a product out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    Hidden(RuleNo),
    /// With the days since the shopper bought it.
    Bought(RuleNo, i64),
}

impl Removal {
    pub(crate) fn rule(self) -> RuleNo {
        match self {
            Removal::Hidden(rule) | Removal::Bought(rule, _) => rule,
        }
    }
}

/// What an answer is made under.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) views: &'a Views,
    pub(crate) book: &'a RuleBook,
    pub(crate) site: &'a SiteId,
    /// When rules are looked at: now, but for a preview.
    pub(crate) at: Timestamp,
    pub(crate) now: Timestamp,
    /// Which segments the shopper is in, found out when a rule asks.
    pub(crate) segments: SegmentsOf<'a>,
}

/// The rules that hold for one answer.
#[derive(Debug)]
pub(crate) struct Hand<'a> {
    scope: Scope<'a>,
    location: Option<&'a LocationId>,
    active: ActiveRules,
    /// When the shopper last bought what, where rules ask.
    bought: FxHashMap<Item, i64>,
}

/// The products of an answer, and what rules did to them.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) taken: Vec<Proposal>,
    /// By place: what moved it; empty where no rule reorders.
    pub(crate) moved: Vec<Moved>,
    /// By place: what chance did; empty where it had no part.
    pub(crate) marks: Vec<ProductMark>,
    /// What was known of each, where it is recorded.
    pub(crate) signals: Option<SignalMark>,
    /// Whether candidates stood in a learned order before rules.
    pub(crate) is_ordered: bool,
    /// Candidates without a place, by their rank from 0, with the cap that kept them out.
    pub(crate) left: Vec<(usize, Item, Option<RuleNo>)>,
}

/// What of a request decides which rules hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// Where the list goes.
    pub(crate) placement: Option<&'a str>,
    /// What the shopper is looking at.
    pub(crate) context: &'a RecommendContext,
}

impl<'a> Asked<'a> {
    /// What the conditions of rules look at.
    pub(crate) fn rule_context(
        self,
        strategy: &'a str,
        (catalogue, site): (&'a Catalogue, &'a SiteId),
        segments: SegmentsOf<'a>,
    ) -> RuleContext<'a> {
        let page = self.context.product_id.as_ref();
        let item = page.and_then(|id| catalogue.item(site, id));
        let product = item.and_then(|item| catalogue.product(item));
        RuleContext {
            placement: self.placement,
            strategy,
            page_type: self.context.page_type.as_deref(),
            page_product: page,
            page_categories: product.map_or(&[], |product| &product.categories),
            query: self.context.query.as_deref(),
            channel: self.context.channel,
            site,
            segments,
        }
    }
}

/// Candidates with their products.
struct Pool<'a> {
    catalogue: &'a Catalogue,
    pool: &'a [Proposal],
}

impl Pool<'_> {
    fn product(&self, candidate: usize) -> Option<&Product> {
        self.catalogue.product(self.pool[candidate].item).map(|product| &**product)
    }
}

impl Shelf for Pool<'_> {
    fn id(&self, candidate: usize) -> &ProductId {
        self.catalogue.product_id(self.pool[candidate].item)
    }

    fn brand(&self, candidate: usize) -> Option<&str> {
        self.product(candidate)?.brand.as_deref()
    }

    fn category(&self, candidate: usize) -> Option<&str> {
        self.product(candidate)?.categories.first().map(String::as_str)
    }
}

impl<'a> Hand<'a> {
    /// Finds the rules that hold for a list that is made so.
    pub(crate) fn of(
        scope: Scope<'a>,
        (asked, strategy): (Asked<'a>, &str),
        own: &[Basket],
    ) -> Hand<'a> {
        let Scope { views, book, site, at, .. } = scope;
        let mut active = ActiveRules::default();
        if !book.set.is_empty() {
            let context = asked.rule_context(strategy, (&views.catalogue, site), scope.segments);
            active = book.set.active(&book.in_force(site, at), &context);
        }
        let mut bought = FxHashMap::default();
        if active.asks_purchases() {
            for basket in own {
                for &item in basket.items() {
                    let last = bought.entry(item).or_insert(basket.time);
                    *last = basket.time.max(*last);
                }
            }
        }
        Hand { scope, location: asked.context.location_id.as_ref(), active, bought }
    }

    /// The same without the rules that take products out for no reason of their own.
    pub(crate) fn sparing(&self) -> Hand<'a> {
        Hand {
            scope: self.scope,
            location: self.location,
            active: self.scope.book.set.without_broad_removals(&self.active),
            bought: FxHashMap::default(),
        }
    }

    pub(crate) fn removes(&self) -> bool {
        self.active.removes()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.active.is_empty()
    }

    /// Whether rules do more than taking products out.
    pub(crate) fn reorders(&self) -> bool {
        self.active.reorders()
    }

    /// How many candidates are wanted for so many places.
    pub(crate) fn pool(&self, limit: usize) -> usize {
        let (least, most) = POOL;
        match self.reorders() {
            true => (limit * POOL_PER_PLACE).clamp(least, most).max(limit),
            false => limit,
        }
    }

    /// The segments that rules ask for and the shopper is in.
    pub(crate) fn segments(&self) -> Vec<&str> {
        let asked = self.scope.book.set.segments();
        let mut those: Vec<&str> = asked.filter(|key| self.scope.segments.has(key)).collect();
        those.sort_unstable();
        those
    }

    /// The redirects and banners that hold, those first that win.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &'a Rule> {
        let set = &self.scope.book.set;
        self.active.messages().iter().map(move |rule| set.rule(*rule))
    }

    pub(crate) fn note(&self, rule: RuleNo) -> RuleNote {
        RuleNote::of(self.scope.book.set.rule(rule))
    }

    fn effect(&self, item: Item, (candidate, pins): (u32, &mut Vec<PinHit>)) -> Effect {
        let Some(product) = self.scope.views.catalogue.product(item) else { return Effect::NONE };
        let known = self.scope.book.row(item, product);
        self.scope.book.set.effect((&self.active, &known.row), candidate, pins)
    }

    /// The same of all candidates of a pool, whose rows are fetched together.
    fn effects(&self, pool: &[Proposal], pins: &mut Vec<PinHit>) -> Vec<Effect> {
        let (book, catalogue) = (&self.scope.book, &self.scope.views.catalogue);
        let known = pool.iter().map(|proposal| {
            let product = catalogue.product(proposal.item)?;
            Some(book.row(proposal.item, product))
        });
        let known: Vec<Option<Arc<KnownRow>>> = known.collect();
        let none = RuleRow::default();
        let rows: Vec<&RuleRow> =
            known.iter().map(|known| known.as_ref().map_or(&none, |known| &known.row)).collect();
        book.set.effects((&self.active, &rows), pins)
    }

    /// What rules hide: by filters, and by name; `None` where they hide everything.
    pub(crate) fn hidden(&self) -> Option<(Vec<Filter>, Vec<ProductId>)> {
        let (mut filters, mut listed) = (Vec::new(), Vec::new());
        for rule in self.scope.book.set.hiding(&self.active) {
            match &self.scope.book.set.rule(rule).selection {
                Selection::All => return None,
                Selection::Filter(filter) => filters.push(filter.clone()),
                Selection::Products(ids) => listed.extend_from_slice(ids),
            }
        }
        Some((filters, listed))
    }

    /// The rule that takes the product out.
    pub(crate) fn removal(&self, item: Item) -> Option<Removal> {
        if !self.active.removes() {
            return None;
        }
        let effect = self.effect(item, (0, &mut Vec::new()));
        let hidden = effect.hidden_by.map(Removal::Hidden);
        hidden.or_else(|| {
            let (days, rule) = effect.bought?;
            let last = *self.bought.get(&item)?;
            let age_ms = self.scope.now.as_ms() - last;
            (age_ms < i64::from(days) * DAY_MS).then_some(Removal::Bought(rule, age_ms / DAY_MS))
        })
    }

    /// The products that pins bring although nobody proposed them: of each pin the first that may be
    /// shown.
    pub(crate) fn guests(&self, limit: usize, is_admitted: impl Fn(Item) -> bool) -> Vec<Item> {
        let catalogue = &self.scope.views.catalogue;
        let (mut guests, mut titles) = (Vec::new(), FxHashSet::default());
        let mut positions = FxHashSet::default();
        for &pin in self.active.pins() {
            let rule = self.scope.book.set.rule(pin);
            let (RuleAction::Pin { position }, Selection::Products(ids)) =
                (rule.action, &rule.selection)
            else {
                continue;
            };
            if usize::from(position) > limit || positions.contains(&position) {
                continue;
            }
            let items = ids
                .iter()
                .take(PIN_PRODUCTS_MAX)
                .filter_map(|id| catalogue.item(self.scope.site, id));
            let first = items
                .into_iter()
                .find(|item| is_admitted(*item) && !titles.contains(&catalogue.title_group(*item)));
            if let Some(item) = first {
                positions.insert(position);
                titles.insert(catalogue.title_group(item));
                guests.push(item);
            }
        }
        guests
    }

    /// Which reserved shares have fewer candidates in the pool than places; none for most answers.
    pub(crate) fn is_short_of_reserved(&self, pool: &[Proposal], limit: usize) -> bool {
        let reserves = self.active.reserves();
        if reserves.is_empty() {
            return false;
        }
        let mut filled = vec![0_usize; reserves.len()];
        for effect in self.effects(pool, &mut Vec::new()) {
            for (idx, filled) in filled.iter_mut().enumerate() {
                *filled += usize::from(effect.reserves >> idx & 1 == 1);
            }
        }
        filled.iter().zip(reserves).any(|(filled, rule)| {
            let RuleAction::Reserve { share } = self.scope.book.set.rule(*rule).action else {
                return false;
            };
            (*filled as f32) < (share * limit as f32).round().max(1.0)
        })
    }

    /// Whether the product fills a reserved share.
    pub(crate) fn is_reserved(&self, item: Item) -> bool {
        self.effect(item, (0, &mut Vec::new())).reserves != 0
    }

    /// Makes the list of the pool, which is in the order of rank; `guests` can be placed by pins alone.
    pub(crate) fn list(&self, mut pool: Vec<Proposal>, guests: &[Item], limit: usize) -> Listed {
        if !self.active.reorders() {
            return Listed { taken: pool, ..Listed::default() };
        }
        let n_ranked = self.seat(&mut pool, guests);
        let mut pins = Vec::new();
        let effects = self.effects(&pool, &mut pins).into_iter().zip(&pool);
        let candidates: Vec<Candidate> = effects
            .enumerate()
            .map(|(number, (effect, proposal))| Candidate {
                effect,
                margin: self.margin(proposal.item),
                stock: self.stock(proposal.item),
                is_guest: number >= n_ranked,
            })
            .collect();
        let set = &self.scope.book.set;
        let shelf = Pool { catalogue: &self.scope.views.catalogue, pool: &pool };
        let made = arrange((set, &self.active), (&candidates, &shelf), &pins, limit);
        let is_placed: FxHashSet<usize> = made.placed.iter().map(|one| one.candidate).collect();
        let scores = place_scores(&pool[..n_ranked], &is_placed);
        let mut listed = Listed::default();
        for (place, placed) in made.placed.iter().enumerate() {
            let score = scores.get(place).or(scores.last()).copied().unwrap_or(0.0);
            let proposal = Proposal { score, ..pool[placed.candidate].clone() };
            let from_rank = (placed.candidate < n_ranked).then_some(placed.candidate as u32 + 1);
            let rules = self.movers(proposal.item, placed.taken);
            listed.moved.push(Moved { from_rank, rules });
            listed.taken.push(proposal);
        }
        let cap = |idx: usize| {
            let found = made.capped.binary_search_by_key(&idx, |(candidate, _)| *candidate);
            found.ok().map(|at| made.capped[at].1)
        };
        let left = (0..n_ranked).filter(|idx| !is_placed.contains(idx));
        listed.left = left.map(|idx| (idx, pool[idx].item, cap(idx))).collect();
        listed
    }

    /// Adds the guests to the pool; returns how many of it have a rank. One title stays one title.
    fn seat(&self, pool: &mut Vec<Proposal>, guests: &[Item]) -> usize {
        let catalogue = &self.scope.views.catalogue;
        let known: FxHashSet<Item> = pool.iter().map(|proposal| proposal.item).collect();
        let new: Vec<Item> = guests.iter().copied().filter(|item| !known.contains(item)).collect();
        let titles: FxHashSet<u32> = new.iter().map(|item| catalogue.title_group(*item)).collect();
        pool.retain(|proposal| !titles.contains(&catalogue.title_group(proposal.item)));
        let n_ranked = pool.len();
        pool.extend(new.into_iter().map(|item| Proposal {
            item,
            score: 0.0,
            kind: ReasonKind::Picked,
            evidence: Vec::new(),
            support: 0,
            is_personal: false,
            place: 0,
        }));
        n_ranked
    }

    /// The rules that moved a product to its place.
    fn movers(&self, item: Item, taken: Taken) -> Vec<RuleNote> {
        let mut rules = match taken {
            Taken::ByPin(rule) => return vec![self.note(rule)],
            Taken::ByReserve(rule) => vec![self.note(rule)],
            Taken::ByWeight => Vec::new(),
        };
        rules.extend(self.moved_by(item));
        rules
    }

    /// The rules that change the product's weight.
    pub(crate) fn moved_by(&self, item: Item) -> Vec<RuleNote> {
        let mut rules = Vec::new();
        let Some(product) = self.product(item) else { return rules };
        let set = &self.scope.book.set;
        let known = self.scope.book.row(item, product);
        set.each_touching(&self.active, &known.row, |rule| {
            use RuleAction::{Boost, Bury, Margin, Stock};
            if matches!(set.rule(rule).action, Boost { .. } | Bury | Margin { .. } | Stock { .. }) {
                rules.push(self.note(rule));
            }
        });
        rules
    }

    /// The rules that keep a candidate behind: the one that buries it, or none.
    pub(crate) fn buried_by(&self, item: Item) -> Option<RuleNo> {
        self.effect(item, (0, &mut Vec::new())).buried_by
    }

    fn product(&self, item: Item) -> Option<&'a std::sync::Arc<Product>> {
        self.scope.views.catalogue.product(item)
    }

    /// The share of the price that the shop keeps, where rules ask for it and it is known.
    fn margin(&self, item: Item) -> Option<f32> {
        if !self.active.asks_margins() {
            return None;
        }
        let product = self.product(item)?;
        let (price, cost) = (product.price?, product.cost?);
        let is_comparable = price.currency() == cost.currency() && price.minor() > 0;
        is_comparable.then(|| (price.minor() - cost.minor()) as f32 / price.minor() as f32)
    }

    /// How long the stock lasts at the pace of the last four weeks, from −1 (a week or less) over 0 (four
    /// weeks) to 1 (sixteen or more); 0 where rules do not ask or nothing is known. Chosen: a month is what
    /// most suppliers deliver within.
    fn stock(&self, item: Item) -> f32 {
        if !self.active.asks_stock() {
            return 0.0;
        }
        let Scope { views, book, site, now, .. } = self.scope;
        let Some(milli) = views.catalogue.stock_milli(item, self.location) else { return 0.0 };
        let today = Day::of(now, &book.zone(site), 0).number();
        let days = (Day::from_number(today - SALES_DAYS + 1), Day::from_number(today));
        let here = |location: Option<&str>| {
            self.location.is_none_or(|wanted| location == Some(wanted.as_str()))
        };
        let sales = views.sales.of(item, days, &views.catalogue);
        let sold: i64 = sales
            .filter(|sale| !sale.is_return && here(sale.location))
            .map(|sale| sale.quantity_milli)
            .sum();
        match (milli, sold) {
            (..=0, _) => -1.0,
            (_, ..=0) => 1.0,
            (milli, sold) => ((milli as f32 / sold as f32).log2() / 2.0).clamp(-1.0, 1.0),
        }
    }
}

/// Scores by place, falling: the numbers say how sure the list is, place by place, and the order is now the
/// merchant's. A product that was only picked has none, so its place counts for the best one that made way.
fn place_scores(ranked: &[Proposal], is_placed: &FxHashSet<usize>) -> Vec<f32> {
    let mut last = f32::INFINITY;
    let falling = ranked.iter().map(|one| {
        last = one.score.min(last);
        last
    });
    let (mut scores, left): (Vec<_>, Vec<_>) =
        falling.enumerate().partition(|(candidate, _)| is_placed.contains(candidate));
    let n_picked = is_placed.len() - scores.len();
    scores.extend(left.into_iter().take(n_picked));
    let mut scores: Vec<f32> = scores.into_iter().map(|(_, score)| score).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    scores
}
