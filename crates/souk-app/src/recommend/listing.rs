//! From a plan to a list: candidates, then whatever reorders them, then the merchant's rules, which have the
//! last word; and what is to be said about it.

use std::sync::Arc;

use souk_core::rules::RuleId;
use souk_core::{ProductId, SiteId, Timestamp};
use souk_recommend::Item;
use souk_recommend::impressions::ImpressionOrder;
use souk_search::Note;

use crate::App;
use crate::recommend::candidates::{Proposal, Scene, propose};
use crate::recommend::explore::Chance;
use crate::recommend::merchandise::{Hand, Listed, Warning};
use crate::recommend::plan::{Known, Plan, Source};
use crate::recommend::select::{Gate, Places};
use crate::recommend::signals::{Given, put_in_order};
use crate::recommend::state::with_scratches;
use crate::recommend::variety::Variety;
use crate::recommend::why::{Explainer, WhyNot};
use crate::recommend::{Detail, RecommendAnswer, RecommendRequest, Strategy};

/// Proposals of one source when the first were not enough: a filter may keep one in a hundred.
const PROPOSALS_MAX: usize = 2_000;
/// Candidates among which a product that was asked about is looked for.
const WHY_POOL: usize = 300;
/// Rules that a warning names.
const NAMED_MAX: usize = 10;
/// The best candidates that are looked at to find the rules that emptied a list.
const BLAMED_FROM: usize = 100;

/// What is asked, and what products must satisfy.
pub(crate) struct Question<'a> {
    pub(crate) request: &'a RecommendRequest,
    pub(crate) plan: &'a Plan,
    pub(crate) gate: &'a Gate<'a>,
    pub(crate) makeup: &'a Makeup,
}

/// What a list is made with beside its sources and rules.
#[derive(Clone, Debug)]
pub(crate) struct Makeup {
    pub(crate) variety: Variety,
    /// What is tried out; `None` for nothing.
    pub(crate) chance: Option<Chance>,
    pub(crate) learning: Learning,
}

/// What a list has to do with the order that is learned from lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learning {
    /// In which order its candidates stand; `None` for that of sources.
    pub(crate) order: Option<Arc<ImpressionOrder>>,
    /// Whether what was known of its products is recorded.
    pub(crate) is_told: bool,
}

/// A list with what is to be said about it.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) listed: Listed,
    pub(crate) why_not: Vec<WhyNot>,
    /// The rules that took everything out and were set aside for it.
    pub(crate) brake: Option<Vec<RuleId>>,
}

/// An answer, and the rules that were set aside for it.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) answer: RecommendAnswer,
    pub(crate) brake: Option<Vec<RuleId>>,
    /// The strategy that was to be carried out; never `Auto`.
    pub(crate) planned: Strategy,
}

/// Makes the list. Where rules leave nothing, those that no product list backs are set aside.
pub(crate) fn make(scene: &mut Scene<'_>, question: &Question<'_>) -> Made {
    let hand = question.gate.hand;
    let listed = list(scene, question);
    // A request that narrows the list itself must not be able to pull the brake: it would show what is hidden.
    let is_narrowed = question.request.filter.is_some()
        || !question.request.exclude.is_empty()
        || !question.request.shown.is_empty();
    if !listed.taken.is_empty() || !hand.removes() || is_narrowed {
        let why_not = explained(scene, question, &listed);
        return Made { listed, why_not, brake: None };
    }
    let spare = hand.sparing();
    let gate = question.gate.under(&spare);
    let spared = Question { gate: &gate, ..*question };
    let listed_then = list(scene, &spared);
    let why_not = explained(scene, &spared, &listed_then);
    if listed_then.taken.is_empty() {
        // There was nothing to be taken out: the rules are not to blame.
        let why_not = explained(scene, question, &listed);
        return Made { listed, why_not, brake: None };
    }
    let items = listed_then.taken.iter().map(|one| one.item);
    let brake = Some(blamed(hand, items));
    Made { listed: listed_then, why_not, brake }
}

/// The rules that take these products out, each once.
fn blamed(hand: &Hand<'_>, items: impl Iterator<Item = Item>) -> Vec<RuleId> {
    let removals = items.take(BLAMED_FROM).filter_map(|item| hand.removal(item));
    let mut rules: Vec<RuleId> = removals.map(|removal| hand.note(removal.rule()).id).collect();
    rules.sort_unstable();
    rules.dedup();
    rules.truncate(NAMED_MAX);
    rules
}

fn list(scene: &mut Scene<'_>, question: &Question<'_>) -> Listed {
    let Question { request, plan, gate, makeup } = *question;
    let (hand, limit) = (gate.hand, request.limit);
    let chance = makeup.chance.as_ref();
    let tried = chance.map_or(limit, |chance| chance.pool(question));
    let places =
        Places::pool(hand.pool(limit), limit).with_room_for(makeup.variety.pool(limit).max(tried));
    let (mut pool, n_found) = fill(scene, plan, (places, gate));
    let given = makeup.learning.is_told.then(|| Given::of((&pool, n_found), limit));
    let order = makeup.learning.order.as_deref();
    if let Some(order) = order {
        put_in_order((&mut pool, n_found), order, (scene, question));
    }
    // What makes lists varied knows nothing of rules, and rules come after it.
    let of_shop = (gate.catalogue, scene.views.crowd(), scene.own);
    let mut pool = makeup.variety.reorder((pool, n_found), limit, of_shop);
    if hand.is_short_of_reserved(&pool, limit) {
        let more = reserved(scene, question, &pool);
        pool.extend(more);
    }
    let guests = hand.guests(limit, |item| gate.admits(item));
    let mut listed = hand.list(pool, &guests, limit);
    let spare = listed.taken.split_off(limit.min(listed.taken.len()));
    if let Some(chance) = chance {
        chance.try_out(&mut listed, &spare, (question, scene.now));
    }
    listed.is_ordered = order.is_some();
    listed.signals = given.and_then(|given| given.told(&listed.taken, (scene, question)));
    listed
}

/// Fills the places: the first sources in turn, then the others one after the other. Says how many came from
/// the first.
fn fill(
    scene: &mut Scene<'_>,
    plan: &Plan,
    (mut places, gate): (Places, &Gate<'_>),
) -> (Vec<Proposal>, usize) {
    let asked = places.asked;
    with_scratches(|scratches| {
        let rounds =
            std::iter::once(&plan.first[..]).chain(plan.fill.iter().map(std::slice::from_ref));
        let mut n_found = None;
        for sources in rounds {
            for proposals_max in [asked, PROPOSALS_MAX] {
                scene.proposals_max = proposals_max;
                let lists = sources.iter().map(|&source| propose(source, scene, scratches));
                let mut lists: Vec<_> = lists.collect();
                let is_cut = lists.iter().any(|list| list.n_left() >= proposals_max);
                places.take_in_turn(&mut lists, gate);
                if places.has_enough() || !is_cut {
                    break;
                }
            }
            let n_found = *n_found.get_or_insert(places.n_taken());
            if places.has_enough() {
                return (places.into_taken(), n_found);
            }
        }
        (places.into_taken(), n_found.unwrap_or_default())
    })
}

/// More candidates for reserved shares: from the plan's sources, then from what is popular or new.
fn reserved(scene: &mut Scene<'_>, question: &Question<'_>, pool: &[Proposal]) -> Vec<Proposal> {
    let Question { request, plan, gate, .. } = *question;
    let gate = Gate { is_for_reserved: true, ..gate.under(gate.hand) };
    let mut fill_from = plan.fill.clone();
    for source in [Source::Popular, Source::Range] {
        if !plan.first.contains(&source) && !fill_from.contains(&source) {
            fill_from.push(source);
        }
    }
    let plan = Plan { fill: fill_from, ..plan.clone() };
    let places = Places::beside(pool, gate.catalogue, request.limit);
    let last = pool.last().map_or(0.0, |last| last.score);
    let (mut more, _) = fill(scene, &plan, (places, &gate));
    // They come behind all that was proposed, whatever their source says of them.
    more.iter_mut().for_each(|proposal| proposal.score = proposal.score.min(last));
    more
}

fn explained(scene: &mut Scene<'_>, question: &Question<'_>, listed: &Listed) -> Vec<WhyNot> {
    let Question { request, plan, gate, makeup } = *question;
    if request.explain_products.is_empty() {
        return Vec::new();
    }
    // Without rules that reorder there are no more candidates than places: look deeper, for this alone.
    let deeper = match listed.left.is_empty() {
        true => fill(scene, plan, (Places::pool(WHY_POOL, request.limit), gate)).0,
        false => Vec::new(),
    };
    Explainer { request, gate, hand: gate.hand, makeup, listed, deeper: &deeper }.all()
}

/// What the reader of an answer should know, as far as the reader may.
pub(crate) fn warnings(
    made: &Made,
    detail: Detail,
    (question, known): (&Question<'_>, Known),
) -> Vec<Warning> {
    let warn = |rules: &Vec<RuleId>| Warning {
        code: "rules_hid_everything",
        detail:
            "rules would have left nothing to show, so those without a product list were set aside"
                .to_owned(),
        rules: if detail == Detail::Shop { rules.clone() } else { Vec::new() },
    };
    made.brake.iter().map(warn).chain(missing_product(question, known)).collect()
}

/// That a list about a product has no product to be about.
fn missing_product(question: &Question<'_>, known: Known) -> Option<Warning> {
    use Strategy::{Auto, BoughtTogether, Similar};
    let (request, gate) = (question.request, question.gate);
    let is_unknown = |id: &&ProductId| gate.catalogue.item(gate.site, id).is_none();
    let unknown = request.context.product_id.as_ref().filter(is_unknown);
    let rests_on_nothing = known.seen == 0 && !known.has_product && !known.has_cart;
    let instead = match (request.strategy, rests_on_nothing) {
        (Auto, _) => "the strategy was chosen without it",
        (_, false) => "the list is about the cart or what was looked at last",
        (BoughtTogether, true) => "the list is empty",
        (_, true) => "the list is of popular products",
    };
    let (code, detail) = match (request.strategy, unknown) {
        (Auto | Similar | BoughtTogether, Some(id)) => {
            ("unknown_product", format!("site `{}` has no product `{id}`: {instead}", gate.site))
        }
        (Similar | BoughtTogether, None) if rests_on_nothing => {
            let strategy = request.strategy.as_str();
            let what = "`context.product_id` or a product in `context.cart`";
            ("no_product", format!("`{strategy}` needs {what}: {instead}"))
        }
        _ => return None,
    };
    Some(Warning { code, detail, rules: Vec::new() })
}

impl App {
    /// Fields that a request's filter asks for and no product of the site has: likely a typing error, which would otherwise
    /// only show as a list with nothing in it. Nothing before the site has its index.
    pub(crate) fn unknown_fields(
        &self,
        (request, site): (&RecommendRequest, &SiteId),
    ) -> Vec<Warning> {
        let Some(filter) = &request.filter else { return Vec::new() };
        let notes = self.searching.unknown_fields(site, filter).unwrap_or_default();
        let warn = |note: &Note| {
            let detail = note.to_string();
            Warning { code: "unknown_field", detail, rules: Vec::new() }
        };
        notes.iter().map(warn).collect()
    }

    /// Remembers for the doctor that rules had to be set aside.
    pub(crate) fn note_brake(&self, at: Timestamp, rules: &[RuleId]) {
        let mut brake = self.merchandising.brake.lock();
        brake.n += 1;
        brake.last_at = at;
        brake.rules = rules.to_vec();
    }
}
