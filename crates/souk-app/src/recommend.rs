//! Recommendations: who asks, which sources answer, what may be shown, and why it is.

use std::sync::Arc;

use souk_core::rules::SegmentsOf;
use souk_core::{
    Channel, Filter, LocationId, ProductId, ProductMark, Purpose, Purposes, SignalMark, SiteId,
    Timestamp,
};
use souk_privacy::consent::Decision;
use souk_recommend::Item;

use crate::audit::Counted;
use crate::config::RecommendationSettings;
use crate::holdout::{HoldoutArm, impersonal};
use crate::ingest::{AskedIds, ShownTo};
use crate::models::Fitted;
use crate::people::Lens;
use crate::projections::{Use, Views, Whom};
use crate::{App, AppError, AuditOperation, Caller, Operation};

mod candidates;
#[cfg(test)]
mod consent_tests;
mod discover;
mod explore;
mod kin;
mod likeness;
mod listing;
mod merchandise;
mod names;
mod page;
mod plan;
mod preview;
pub(crate) mod range;
mod reason;
#[cfg(test)]
mod rule_tests;
mod select;
mod signals;
mod state;
mod summary;
#[cfg(test)]
mod tests;
mod trials;
mod variety;
mod who;
mod why;
mod words;

pub(crate) use candidates::Proposal;
use candidates::Scene;
use explore::Chance;
use listing::{Answered, Makeup};
pub(crate) use merchandise::{Asked, Hand, Scope};
use plan::{Known, Plan, plan};
use select::Gate;
use summary::{carried_out, explain, personalization};
use variety::Variety;
use words::Tongue;

pub use merchandise::{Moved, RuleNote, Warning};
pub use page::PAGE_PLACEMENTS_MAX;
pub(crate) use preview::{Placed, moves};
pub use preview::{RuleDraft, RuleMove, RulePreview};
pub use why::{WhyCause, WhyNot};

use crate::rules::RuleBook;
use crate::segments::{Membership, SegmentBook};
pub(crate) use discover::{Discoveries, prepare};
pub(crate) use signals::{Drawn, OfShop, is, ln_minor, may_teach};
pub(crate) use state::{Ranking, departures, keep_fresh, keep_lists};
pub(crate) use trials::keep_trials;

/// How candidates are chosen; `Auto` decides by placement and by what is known of the shopper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are those of the contract")]
pub enum Strategy {
    Auto,
    ForYou,
    NextBasket,
    Session,
    Similar,
    BoughtTogether,
    BuyAgain,
    RecentlyViewed,
    Trending,
    Popular,
    New,
}

/// What a shopper is looking at while the answer is made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecommendContext {
    /// `home`, `product`, `cart`, ….
    pub page_type: Option<String>,
    /// The product on the page.
    pub product_id: Option<ProductId>,
    /// What lies in the cart.
    pub cart: Vec<ProductId>,
    /// An explicit visit history, oldest first; `None` means the stored one.
    pub session: Option<Vec<ProductId>>,
    /// What was searched for.
    pub query: Option<String>,
    /// Where the shopper is.
    pub channel: Option<Channel>,
    /// The wanted language, an IETF tag.
    pub locale: Option<String>,
    /// Whose products; `None` is the only or main site.
    pub site: Option<SiteId>,
    /// Whose stock.
    pub location_id: Option<LocationId>,
}

/// A request for recommendations; every value is valid by type.
#[derive(Clone, Debug, PartialEq)]
pub struct RecommendRequest {
    /// The shop's name for the shopper.
    pub user_id: Option<String>,
    /// The browser's name for the shopper.
    pub anonymous_id: Option<String>,
    /// Where on the page the answer goes.
    pub placement: Option<String>,
    /// How to choose.
    pub strategy: Strategy,
    /// How many, 1 to 100.
    pub limit: usize,
    /// What the shopper is looking at.
    pub context: RecommendContext,
    /// What products must satisfy.
    pub filter: Option<Filter>,
    /// What must not be answered.
    pub exclude: Vec<ProductId>,
    /// Whether to say more than the reason: the strategy's choice and counts.
    pub explain: bool,
    /// Products of which to say why they are not in the answer; up to [`Self::WHY_MAX`].
    pub explain_products: Vec<ProductId>,
    /// What the page shows already: neither these nor products of the same title are answered.
    pub shown: Vec<ProductId>,
    /// Whether the request carries Global Privacy Control (`Sec-GPC: 1`).
    pub is_gpc: bool,
}

/// What a reason rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are those of the contract")]
pub enum ReasonKind {
    BoughtTogether,
    BoughtBefore,
    SimilarShoppers,
    SimilarProduct,
    ViewedTogether,
    RecentlyViewed,
    Trending,
    Popular,
    New,
    Range,
    Picked,
}

/// Why one product is in the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// What it rests on.
    pub kind: ReasonKind,
    /// A sentence for the shopper.
    pub text: String,
    /// The products that spoke for this one.
    pub evidence: Vec<ProductId>,
}

/// One product of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation {
    /// Which product.
    pub product_id: ProductId,
    /// Its place, from 1.
    pub rank: u32,
    /// Comparable within this answer only.
    pub score: f32,
    /// The product as JSON text, without its cost.
    pub product: Arc<str>,
    /// Why.
    pub reason: Reason,
    /// What rules did to its place, where asked and any hold.
    pub moved: Option<Moved>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct RecommendAnswer {
    /// Names the answer in later events.
    pub request_id: String,
    /// When it was made.
    pub timestamp: Timestamp,
    /// What chose most of it.
    pub strategy: Strategy,
    /// Which state of which program made it.
    pub model_version: String,
    /// Best first.
    pub recommendations: Vec<Recommendation>,
    /// How far and how surely it departs from a stranger's, 0 to 1: docs/profiles.md.
    pub personalization_score: f32,
    /// One sentence on how the answer came about; empty unless asked.
    pub explanation: Option<String>,
    /// Why products are not in it, for those that the request names.
    pub why_not: Vec<WhyNot>,
    /// What its reader should know; mostly nothing.
    pub warnings: Vec<Warning>,
    /// The part of the holdout that the shopper is in.
    pub holdout: Option<HoldoutArm>,
    /// What chance did to each place, for what is recorded of the answer; empty where it had no part.
    pub marks: Vec<ProductMark>,
    /// What was known of the products, for what is recorded of a sample of the answers.
    pub signals: Option<SignalMark>,
}

impl RecommendRequest {
    /// Recommendations in one answer at most.
    pub const LIMIT_MAX: usize = 100;
    /// Products that one request can ask about; chosen: more than a person compares.
    pub const WHY_MAX: usize = 20;

    /// A request that names nothing but a strategy and a number.
    pub fn new(strategy: Strategy, limit: usize) -> RecommendRequest {
        RecommendRequest {
            user_id: None,
            anonymous_id: None,
            placement: None,
            strategy,
            limit,
            context: RecommendContext::default(),
            filter: None,
            exclude: Vec::new(),
            explain: false,
            explain_products: Vec::new(),
            shown: Vec::new(),
            is_gpc: false,
        }
    }
}

/// A request that was let in: for whom, where and when to answer.
#[derive(Clone, Debug)]
struct Admitted {
    whom: Whom,
    ids: AskedIds,
    site: SiteId,
    withheld: Purposes,
    now: Timestamp,
    detail: Detail,
    aim: Aim,
}

/// What an answer is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// To be shown, so chance may have a part in it.
    Show,
    /// To be compared with another one.
    Compare,
}

/// How much of the merchant's rules the caller may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    /// A page that anybody can read: that something was set aside, and no names.
    Public,
    /// The shop's own people and servers.
    Shop,
}

impl App {
    /// Answers one request; an unknown shopper gets a non-personal answer, never an error.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] when the caller's role may not ask, [`AppError::NotReady`] before the
    /// views have caught up.
    pub async fn recommend(
        &self,
        request: &RecommendRequest,
        caller: &Caller,
    ) -> Result<RecommendAnswer, AppError> {
        let admitted = self.admit_question(request, caller).await?;
        let book = self.merchandising.book();
        let (answer, may_analyse) = self.answer_by((request, &admitted), (&book, admitted.now));
        let Admitted { whom, ids, site, withheld, now, .. } = &admitted;
        if let Some(brake) = &answer.brake {
            self.note_brake(*now, brake);
        }
        let answer = answer.answer;
        let subject = whom.known.or(whom.alone);
        if request.is_gpc
            && let Some(subject) = subject
        {
            self.record_gpc(subject, site).await;
        }
        let to = if may_analyse { ShownTo::of(*whom, *ids) } else { ShownTo::Nobody };
        self.note_impressions((request, &answer), (to, *withheld));
        if let Some(subject) = subject {
            self.tally(caller, Counted::of_subject(AuditOperation::Recommend, subject));
        }
        Ok(answer)
    }

    /// Checks what the caller may ask, and finds out for whom to answer.
    async fn admit_question(
        &self,
        request: &RecommendRequest,
        caller: &Caller,
    ) -> Result<Admitted, AppError> {
        caller.check(Operation::Recommend)?;
        let site = request.context.site.clone().unwrap_or_else(|| self.config.main_site());
        let place = caller.check_site(&site);
        let place =
            place.and_then(|()| caller.check_location(request.context.location_id.as_ref()));
        self.noted(caller, place)?;
        let may_know =
            caller.may(Operation::ReadRules) || caller.may(Operation::RecommendAnyShopper);
        if !may_know && !request.explain_products.is_empty() {
            let what = "ask why products are missing, which rules may say";
            return self.noted(caller, Err(AppError::Denied { role: caller.role.as_str(), what }));
        }
        let named = request.user_id.as_deref().or(request.anonymous_id.as_deref());
        self.check_shopper_rate(caller, named)?;
        self.check_ready()?;
        let named = (&request.user_id, &request.anonymous_id);
        let (whom, ids) = self.asked_for(named, caller).await?;
        let withheld = if request.is_gpc { self.rules.gpc() } else { Purposes::NONE };
        let detail = if may_know { Detail::Shop } else { Detail::Public };
        Ok(Admitted { whom, ids, site, withheld, now: self.clock.now(), detail, aim: Aim::Show })
    }

    /// Answers under the rules of a book as they hold at a time; and says whether reports may name the
    /// person.
    fn answer_by(
        &self,
        (request, admitted): (&RecommendRequest, &Admitted),
        (book, rules_at): (&RuleBook, Timestamp),
    ) -> (Answered, bool) {
        let Admitted { whom, ids, site, withheld, now, detail, aim } = admitted;
        let unknown_fields = self.unknown_fields((request, site));
        let views = self.views.read();
        self.let_go_of_departed(&views);
        let people_min = self.config.privacy.statistics.reason_people_min;
        let arm = self.holdout_arm(&views, (*whom, *ids), (site, *withheld));
        let unknown = (arm == Some(HoldoutArm::Holdout)).then(|| impersonal(request));
        // Whoever left does not speak through what was learned from them, not even until it is fitted anew;
        // and after views were replaced, numbers of products may mean others.
        let model = self.models.serving().filter(|model| model.knows_all_departures(&views));
        let people = book.set.segments().next().map(|_| self.people_now(site));
        let asker = Asker {
            views: &views,
            people: people.as_ref().map(|people| people.with(self, &views)),
            ranking: &self.ranking,
            model: model.as_deref(),
            now: *now,
            whom: if unknown.is_some() { Whom::default() } else { *whom },
            site,
            withheld: *withheld,
            people_min: usize::try_from(people_min).unwrap_or(usize::MAX),
            book,
            rules_at,
            detail: *detail,
            tongue: self.tongue((request, site)),
            settings: &self.config.recommendations,
            aim: *aim,
            arm,
        };
        let analytics = Use { purpose: Purpose::Analytics, site, withheld: *withheld };
        let may_analyse = views.allows(*whom, analytics);
        let mut answered = asker.answer(unknown.as_ref().unwrap_or(request));
        answered.answer.holdout = arm;
        answered.answer.warnings.extend(unknown_fields);
        if unknown.is_some() && request.explain {
            let strategy = answered.answer.strategy.as_str();
            answered.answer.explanation = Some(self.explain_holdout(strategy));
        }
        (answered, may_analyse)
    }
}

impl App {
    /// Drops what is at hand of people who left.
    pub(crate) fn let_go_of_departed(&self, views: &Views) {
        if self.ranking.keep_up(views)
            && let Some(model) = self.models.serving()
        {
            model.let_go(views);
        }
    }

    /// The language of an answer: the one asked for, else the site's.
    fn tongue(&self, (request, site): (&RecommendRequest, &SiteId)) -> Tongue {
        let known = self.door.sites.iter().find(|known| known.id == *site);
        let of_site = known.map_or(&[][..], |known| &known.languages);
        Tongue::choose(request.context.locale.as_deref(), of_site)
    }
}

/// A name for an answer that nobody can guess: 128 random bits.
pub(crate) fn random_id() -> String {
    let mut bits = [0; 16];
    // Without randomness from the system the name only stays empty; the answer is as good.
    match getrandom::fill(&mut bits) {
        Ok(()) => format!("{:032x}", u128::from_le_bytes(bits)),
        Err(_) => String::new(),
    }
}

/// One request with everything that it is answered from.
struct Asker<'a> {
    views: &'a Views,
    /// By what people are put into segments, where a rule asks for any.
    people: Option<(&'a SegmentBook, Lens<'a>)>,
    ranking: &'a Ranking,
    /// The shop's own model, once there is one.
    model: Option<&'a Fitted>,
    now: Timestamp,
    whom: Whom,
    site: &'a SiteId,
    /// What the request itself withholds.
    withheld: Purposes,
    /// Different people behind what a reason says of others.
    people_min: usize,
    book: &'a RuleBook,
    /// When the rules are looked at.
    rules_at: Timestamp,
    detail: Detail,
    /// In which language reasons are given.
    tongue: Tongue,
    settings: &'a RecommendationSettings,
    aim: Aim,
    arm: Option<HoldoutArm>,
}

impl Asker<'_> {
    fn answer(&self, request: &RecommendRequest) -> Answered {
        let site = self.site;
        let purpose = Purpose::Personalization;
        let personal =
            self.views.for_purpose(self.whom, Use { purpose, site, withheld: self.withheld });
        let catalogue = &self.views.catalogue;
        let item = |id: &ProductId| catalogue.item(site, id);
        let anchors: Vec<Item> = request
            .context
            .cart
            .iter()
            .chain(&request.context.product_id)
            .filter_map(item)
            .collect();
        let own = personal.baskets();
        let stored = request.context.session.is_none();
        let mut seen: Vec<Item> = match &request.context.session {
            Some(explicit) => explicit.iter().filter_map(item).collect(),
            None => personal.current_visit(self.now),
        };
        seen.drain(..seen.len().saturating_sub(SEEN_MAX));
        let known = Known {
            baskets: own.len(),
            seen: seen.len(),
            has_product: request.context.product_id.as_ref().and_then(item).is_some(),
            has_cart: !request.context.cart.is_empty() && !anchors.is_empty(),
            has_model: self.model.is_some(),
            again_share: self.model.and_then(|model| model.again.share()),
            is_ordered: false,
        };
        let plan = plan(request, known);
        let Asker { views, book, now, rules_at: at, .. } = *self;
        let membership =
            self.people.map(|(segments, lens)| Membership::of(segments, (&personal, lens)));
        let is_in = |key: &str| membership.as_ref().is_some_and(|of| of.is_in(key));
        let segments = SegmentsOf::by(&is_in);
        let scope = Scope { views, book, site, at, now, segments };
        let asked = Asked { placement: request.placement.as_deref(), context: &request.context };
        let hand = Hand::of(scope, (asked, plan.strategy.as_str()), &own);
        let excluded = request.exclude.iter().filter_map(item).chain(anchors.iter().copied());
        let shown = request.shown.iter().filter_map(item);
        let gate = Gate {
            catalogue,
            site,
            location: request.context.location_id.as_ref(),
            filter: request.filter.as_ref(),
            excluded: excluded.collect(),
            titles: shown.map(|item| catalogue.title_group(item)).collect(),
            hand: &hand,
            is_for_reserved: false,
        };
        let scene = catalogue.find_site(site).map(|number| Scene {
            views: self.views,
            ranking: self.ranking,
            model: self.model,
            now: self.now,
            site: number,
            site_id: site,
            channel: request.context.channel,
            personal: &personal,
            own: &own,
            seen: &seen,
            is_seen_stored: stored,
            anchors: &anchors,
            filter: request.filter.as_ref(),
            proposals_max: 0,
        });
        let request_id = random_id();
        let makeup = self.makeup(&plan, &request_id);
        let question = listing::Question { request, plan: &plan, gate: &gate, makeup: &makeup };
        let made =
            scene.map_or_else(Default::default, |mut scene| listing::make(&mut scene, &question));
        let page = request.context.product_id.as_ref().and_then(item);
        let past = reason::Own { baskets: &own, page, anchors: &anchors, seen: &seen };
        let answer = self.compose(&question, (known, personal.decision()), (&made, past));
        let answer = RecommendAnswer { request_id, ..answer };
        Answered { answer, brake: made.brake, planned: plan.strategy }
    }

    /// What the settings ask for beside sources and rules.
    fn makeup(&self, plan: &Plan, request_id: &str) -> Makeup {
        let RecommendationSettings { diversity, exploration, .. } = *self.settings;
        let chance = || Chance::new(exploration, request_id, || self.ranking.trials());
        Makeup {
            variety: Variety::of(plan, diversity, self.model.map(|model| model.curves)),
            chance: if self.aim == Aim::Show { chance() } else { None },
            learning: self.learning(plan.strategy, request_id),
        }
    }

    /// Which program, which state of the views, and which model made an answer.
    fn model_version(&self) -> String {
        let (version, generation) = (env!("CARGO_PKG_VERSION"), self.views.generation);
        match self.model {
            Some(model) => format!("{version}-{generation}-m{}", model.number),
            None => format!("{version}-{generation}"),
        }
    }

    fn compose(
        &self,
        question: &listing::Question<'_>,
        (known, decision): (Known, Decision),
        (made, own): (&listing::Made, reason::Own<'_>),
    ) -> RecommendAnswer {
        let (request, plan, taken) = (question.request, question.plan, &made.listed.taken[..]);
        let catalogue = &self.views.catalogue;
        let (crowd, people_min) = (self.views.crowd(), self.people_min);
        let joined = &self.ranking.joined;
        let tongue = &self.tongue;
        let sayer = reason::Sayer { catalogue, crowd, joined, people_min, tongue, own };
        let mut last_score = f32::INFINITY;
        let mut moved = made.listed.moved.iter().cloned();
        let says_moves =
            request.explain && self.detail == Detail::Shop && !question.gate.hand.is_idle();
        let recommendations: Vec<Recommendation> = taken
            .iter()
            .zip(1..)
            .map(|(proposal, rank)| {
                last_score = proposal.score.min(last_score);
                Recommendation {
                    product_id: catalogue.product_id(proposal.item).clone(),
                    rank,
                    score: last_score,
                    product: catalogue.product_json(proposal.item),
                    reason: sayer.reason(proposal),
                    moved: moved.next().filter(|_| says_moves),
                }
            })
            .collect();
        let known = Known { is_ordered: made.listed.is_ordered, ..known };
        let strategy = carried_out(plan.strategy, taken);
        let language = self.tongue.language;
        let explanation = request.explain.then(|| {
            let given = recommendations.iter().map(|one| one.reason.kind).collect();
            let said = explain(language, strategy, (known, decision), given);
            match (self.detail, &question.gate.hand.segments()[..]) {
                (Detail::Public, _) | (_, []) => said,
                (Detail::Shop, segments) => {
                    format!("{said}; rules ask for: {}", segments.join(", "))
                }
            }
        });
        RecommendAnswer {
            request_id: String::new(),
            timestamp: self.now,
            strategy,
            model_version: self.model_version(),
            recommendations,
            personalization_score: personalization(taken),
            explanation,
            why_not: made.why_not.clone(),
            warnings: listing::warnings(made, self.detail, (question, known)),
            holdout: None,
            marks: made.listed.marks.clone(),
            signals: made.listed.signals.clone(),
        }
    }
}

/// Products of a visit that are looked at, the last: before, the weight is under 1/200 of theirs (`SessionParams::position_decay`).
pub(crate) const SEEN_MAX: usize = 5;
