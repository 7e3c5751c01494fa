//! Proposals of each source, with what they rest on.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use souk_core::{Channel, Filter, SiteId, Timestamp};
use souk_recommend::bought_together::{TogetherParams, TogetherQuery, bought_together};
use souk_recommend::buy_again::{BuyAgainParams, buy_again};
use souk_recommend::next_basket::{Basket, BasketQuery, Params, next_basket};
use souk_recommend::recently_viewed::{View, ViewedQuery, recently_viewed};
use souk_recommend::session::SessionQuery;
use souk_recommend::similar::{SimilarParams, SimilarQuery, similar};
use souk_recommend::visits::VisitIndex;
use souk_recommend::{Item, Score, Scored};

use crate::models::Fitted;
use crate::projections::{Consented, Views};
use crate::recommend::ReasonKind;
use crate::recommend::discover::discover;
use crate::recommend::explore::NEW_DAYS;
use crate::recommend::kin::{COMPANIONS_MAX, kin};
use crate::recommend::plan::Source;
use crate::recommend::range::RangeBy;
use crate::recommend::state::{HabitOf, Ranking, Scratches, VisitOf};

/// Recently viewed products that are still worth showing: thirty days.
const VIEWED_AGE_MS_MAX: i64 = 30 * 86_400_000;
/// Common visits from which views say more about likeness than baskets do (chosen).
const VISITS_MIN: u32 = 5;

/// A product that a source proposes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Proposal {
    pub item: Item,
    /// From 0 to 1, by the source's own scale.
    pub score: f32,
    pub kind: ReasonKind,
    /// The products that spoke for it, the strongest first.
    pub evidence: Vec<Item>,
    /// How many purchases, baskets or visits support it.
    pub support: u32,
    /// Whether it follows from what the shopper did before this request.
    pub is_personal: bool,
    /// Its place by its source, from 0.
    pub place: usize,
}

/// What the sources look at.
pub(crate) struct Scene<'a> {
    pub views: &'a Views,
    pub ranking: &'a Ranking,
    /// The shop's own model, once there is one.
    pub model: Option<&'a Fitted>,
    pub now: Timestamp,
    /// The site's number.
    pub site: u32,
    pub site_id: &'a SiteId,
    pub channel: Option<Channel>,
    /// What may be used of the shopper's past; nothing for a stranger.
    pub personal: &'a Consented<'a>,
    /// The shopper's baskets among it, oldest first.
    pub own: &'a [Basket],
    /// The products of this visit, oldest first.
    pub seen: &'a [Item],
    /// Whether `seen` was stored and not given with the request.
    pub is_seen_stored: bool,
    /// The product on the page and the cart, the latest last.
    pub anchors: &'a [Item],
    /// What the request asks products to satisfy.
    pub filter: Option<&'a Filter>,
    /// Proposals that one source makes at most.
    pub proposals_max: usize,
}

/// What one source proposes, best first. A proposal is put together once it is taken: most never are.
pub(crate) struct List<'a> {
    len: usize,
    next: usize,
    source: Listing<'a>,
}

enum Listing<'a> {
    Scored(Labelled<'a>),
    /// Put together before, for the same person.
    Kept(Arc<Vec<Proposal>>),
}

/// What an item rests on, and whether on what the shopper did before this request.
type Naming<'a> = dyn Fn(&Scored) -> (ReasonKind, bool) + 'a;

/// Scored items, and how to name what each rests on.
struct Labelled<'a> {
    scored: Arc<Vec<Scored>>,
    /// The scores that become 1 and 0.
    span: (f32, f32),
    kind: Box<Naming<'a>>,
}

impl<'a> List<'a> {
    /// Proposals as they were put together before.
    pub(crate) fn kept(proposals: Arc<Vec<Proposal>>, limit: usize) -> List<'a> {
        List { len: proposals.len().min(limit), next: 0, source: Listing::Kept(proposals) }
    }

    fn empty() -> List<'a> {
        List::kept(Arc::default(), 0)
    }

    /// How many are left.
    pub(crate) fn n_left(&self) -> usize {
        self.len - self.next
    }

    /// Takes the next one whose item is wanted; the others before it are passed over.
    pub(crate) fn take(&mut self, is_wanted: impl Fn(Item) -> bool) -> Option<Proposal> {
        while self.next < self.len {
            let place = self.next;
            self.next += 1;
            let item = match &self.source {
                Listing::Scored(labelled) => labelled.scored[place].item,
                Listing::Kept(proposals) => proposals[place].item,
            };
            if is_wanted(item) {
                let proposal = match &self.source {
                    Listing::Scored(labelled) => labelled.proposal(place),
                    Listing::Kept(proposals) => proposals[place].clone(),
                };
                return Some(Proposal { place, ..proposal });
            }
        }
        None
    }
}

impl Labelled<'_> {
    fn proposal(&self, place: usize) -> Proposal {
        let scored = &self.scored[place];
        let (kind, is_personal) = (self.kind)(scored);
        let (best, worst) = self.span;
        let span = (best - worst).max(f32::MIN_POSITIVE);
        Proposal {
            item: scored.item,
            score: ((scored.score.get() - worst) / span).clamp(0.0, 1.0),
            kind,
            evidence: scored.evidence.items.clone(),
            support: scored.evidence.support,
            is_personal,
            place,
        }
    }
}

/// Asks one source.
pub(crate) fn propose<'s>(
    source: Source,
    scene: &'s Scene<'_>,
    scratches: &mut Scratches,
) -> List<'s> {
    let limit = scene.proposals_max;
    match source {
        Source::NextBasket => likely_next(scene, scratches),
        Source::BuyAgain => bought_before(scene, scratches),
        Source::Session => session(scene, scratches),
        Source::Similar => similar_to_last(scene, scratches),
        Source::BoughtTogether => together(scene, scratches),
        Source::RecentlyViewed => viewed(scene),
        Source::Trending => {
            label(scene.ranking.trending(scene), limit, |_| (ReasonKind::Trending, false))
        }
        Source::Popular => {
            label(scene.ranking.popular(scene), limit, |_| (ReasonKind::Popular, false))
        }
        Source::Model => discover(scene, scratches),
        Source::New => newest(scene, RangeBy::Date),
        Source::Range => newest(scene, RangeBy::Figure),
    }
}

/// Names what scored items rest on, and brings the scores into 0 to 1.
fn label<'s>(
    scored: impl Into<Arc<Vec<Scored>>>,
    limit: usize,
    kind: impl Fn(&Scored) -> (ReasonKind, bool) + 's,
) -> List<'s> {
    let scored = scored.into();
    let len = scored.len().min(limit);
    let best = scored.first().map_or(0.0, |first| first.score.get());
    let worst = scored[..len].last().map_or(0.0, |last| last.score.get()).min(0.0);
    let labelled = Labelled { scored, span: (best, worst), kind: Box::new(kind) };
    List { len, next: 0, source: Listing::Scored(labelled) }
}

fn bought_before<'s>(scene: &'s Scene<'_>, scratches: &mut Scratches) -> List<'s> {
    let params = BuyAgainParams { limit: scene.proposals_max, ..BuyAgainParams::default() };
    let scored = buy_again(scene.own, scene.now.as_ms(), &params, &mut scratches.buy_again);
    label(scored, scene.proposals_max, |_| (ReasonKind::BoughtBefore, true))
}

fn likely_next<'s>(scene: &'s Scene<'_>, scratches: &mut Scratches) -> List<'s> {
    let Some(&shopper) = scene.personal.shoppers().first() else { return List::empty() };
    let baskets = scene.views.crowd().vectors;
    let market = scene.ranking.market(baskets, scene.now);
    let neighbourhood =
        scene.ranking.neighbourhood((shopper, scene.now), baskets, &mut scratches.next_basket);
    let ordered_by =
        scene.model.and_then(|model| Some((model.number, model.orders.baskets.clone()?)));
    let (model, ranker) = ordered_by.map_or_else(Default::default, |(n, ranker)| (Some(n), ranker));
    let params = Params { ranker, ..scene.ranking.next_basket_params(scene.proposals_max) };
    let query = BasketQuery {
        own: scene.own,
        now: scene.now.as_ms(),
        market: &market,
        neighbourhood: &neighbourhood,
    };
    let scored = scene.ranking.habit(
        (shopper, HabitOf::new(scene.own, model)),
        (&neighbourhood, params.limit),
        || next_basket(&query, &params, &mut scratches.next_basket),
    );
    label(scored, params.limit, |scored| {
        if !scored.evidence.items.is_empty() {
            (ReasonKind::SimilarShoppers, true)
        } else if scene.personal.has_bought(scored.item, scene.own) {
            (ReasonKind::BoughtBefore, true)
        } else {
            (ReasonKind::Popular, false)
        }
    })
}

fn session<'s>(scene: &'s Scene<'_>, scratches: &mut Scratches) -> List<'s> {
    if scene.seen.is_empty() {
        return List::empty();
    }
    let index = scene.index_for(scene.seen);
    let query = SessionQuery {
        items: scene.seen,
        now: scene.now.as_ms(),
        own: scene.personal.open_visit(scene.now),
        exclude: scene.anchors,
        limit: scene.proposals_max,
    };
    let ranking = scene.ranking;
    // It learned from visits, and knows nothing of how baskets are read.
    let is_learned = index.kind == ReasonKind::ViewedTogether;
    let model = scene.model.filter(|_| is_learned);
    let mixture = model.and_then(|model| Some((model.number, model.orders.sessions.as_ref()?)));
    let from = VisitOf {
        kind: index.kind,
        model: mixture.map(|(number, _)| number),
        n_changes: index.visits.n_changes(),
    };
    let scored = ranking.visit_answer(from, &query, || match mixture {
        Some((_, mixture)) => {
            mixture.recommend(index.visits, (&query, &[]), &mut scratches.mixture)
        }
        None => ranking.session.recommend(index.visits, &query, &mut scratches.session),
    });
    let (is_stored, bond) = (scene.is_seen_stored, index.kind);
    label(scored, scene.proposals_max, move |scored| {
        // Back to something of this visit: it rests on the visit and on nobody else.
        let kind = if scene.seen.contains(&scored.item) && scored.evidence.items.is_empty() {
            ReasonKind::RecentlyViewed
        } else {
            bond
        };
        (kind, is_stored)
    })
}

fn similar_to_last<'s>(scene: &'s Scene<'_>, scratches: &mut Scratches) -> List<'s> {
    let Some(&item) = scene.anchors.last().or(scene.seen.last()) else { return List::empty() };
    let index = scene.index_for(&[item]);
    let bond = index.kind;
    let has_kin = scene.views.catalogue.kinds().of(item).is_some();
    let is_by_kin = has_kin && bond == ReasonKind::BoughtTogether;
    let n_companions = if is_by_kin { COMPANIONS_MAX } else { 0 };
    let limit = scene.proposals_max.max(n_companions);
    let query = SimilarQuery { item, limit };
    let mut scored = similar(index.visits, query, &SimilarParams::default(), &mut scratches.counts);
    if is_by_kin {
        scored = kin(scene, item, scored);
    } else if has_kin && scored.len() < scene.proposals_max {
        // Nobody looks at a new product yet, and few at most others: what is of their category comes behind.
        let worst = scored.last().map_or(1.0, |last| last.score.get());
        let known: FxHashSet<Item> = scored.iter().map(|one| one.item).collect();
        let behind = kin(scene, item, Vec::new()).into_iter();
        let behind = behind.filter(|one| !known.contains(&one.item));
        scored
            .extend(behind.map(|one| Scored { score: Score::new(one.score.get() * worst), ..one }));
    }
    let is_stored = scene.anchors.is_empty() && scene.is_seen_stored;
    label(scored, scene.proposals_max, move |one| match one.evidence.support {
        0 => (ReasonKind::SimilarProduct, is_stored),
        _ => (bond, is_stored),
    })
}

fn together<'s>(scene: &'s Scene<'_>, scratches: &mut Scratches) -> List<'s> {
    let anchors = if scene.anchors.is_empty() { scene.seen } else { scene.anchors };
    if anchors.is_empty() {
        return List::empty();
    }
    let query = TogetherQuery { anchors, limit: scene.proposals_max };
    let params = TogetherParams::default();
    let baskets = scene.views.crowd().baskets;
    let companions = bought_together(baskets, &query, &params, &mut scratches.together);
    let scored: Vec<_> = companions.into_iter().map(|companion| companion.scored).collect();
    let is_stored = scene.anchors.is_empty() && scene.is_seen_stored;
    label(scored, scene.proposals_max, move |_| (ReasonKind::BoughtTogether, is_stored))
}

fn viewed<'s>(scene: &'s Scene<'_>) -> List<'s> {
    let views: Vec<View> = scene
        .personal
        .touches()
        .filter(|touch| touch.action.is_visit())
        .map(|touch| View { item: touch.item, time: touch.at.as_ms() })
        .collect();
    let query = ViewedQuery {
        now: scene.now.as_ms(),
        age_ms_max: VIEWED_AGE_MS_MAX,
        limit: scene.proposals_max,
    };
    label(recently_viewed(&views, &query), query.limit, |_| (ReasonKind::RecentlyViewed, true))
}

/// What is new, then all else that the shop has.
fn newest<'s>(scene: &'s Scene<'_>, by: RangeBy) -> List<'s> {
    let catalogue = &scene.views.catalogue;
    let is_new = |item: &Item| catalogue.is_new(*item, (scene.now, NEW_DAYS));
    // All that are looked at, before the cut: few of a large catalogue may satisfy the request.
    let is_asked = |item: &Item| {
        scene.filter.is_none_or(|filter| {
            catalogue.product(*item).is_some_and(|product| filter.matches(&**product))
        })
    };
    let offers = catalogue.offers(scene.site_id).map(|(_, item)| item).take_while(is_new);
    let new: Vec<Item> = offers.filter(is_asked).take(scene.proposals_max).collect();
    let n_new = new.len();
    let (since, range) = scene.ranking.ranges.of((catalogue, scene.site_id), by);
    let known: FxHashSet<Item> = new.iter().copied().collect();
    let rest = since.into_iter().chain(range.iter().copied());
    let rest = rest.filter(|one| !known.contains(one) && is_asked(one));
    let items: Vec<Item> = new.iter().copied().chain(rest).take(scene.proposals_max).collect();
    let n = items.len() as f32;
    let proposal = |(place, item): (usize, Item)| Proposal {
        item,
        score: 1.0 - place as f32 / n,
        kind: if place < n_new { ReasonKind::New } else { ReasonKind::Range },
        evidence: Vec::new(),
        support: 0,
        is_personal: false,
        place,
    };
    let proposals: Vec<_> = items.into_iter().enumerate().map(proposal).collect();
    List::kept(Arc::new(proposals), scene.proposals_max)
}

/// The visits that a question is answered from.
struct Index<'a> {
    visits: &'a VisitIndex,
    kind: ReasonKind,
}

impl Scene<'_> {
    /// Click visits where they know the last product well enough, else baskets: a shop without a web
    /// page still has likeness.
    fn index_for(&self, items: &[Item]) -> Index<'_> {
        let crowd = self.views.crowd();
        let last = items.last().map_or(0, |&item| crowd.visits.n_visits_with(item));
        let bought = items.last().map_or(0, |&item| crowd.baskets.n_visits_with(item));
        if last >= VISITS_MIN || last >= bought {
            Index { visits: crowd.visits, kind: ReasonKind::ViewedTogether }
        } else {
            Index { visits: crowd.baskets, kind: ReasonKind::BoughtTogether }
        }
    }
}
