//! What a rule would do, before it does it.

use std::sync::Arc;

use souk_core::rules::{Rule, RuleAction, SegmentsOf};
use souk_core::{ProductId, Purpose, Purposes, SiteId, Timestamp};

use crate::audit::Counted;
use crate::projections::{LOOKED_AT_ONCE, Use, Whom};
use crate::recommend::{Admitted, Aim, Asked, RecommendAnswer, RecommendRequest, RuleNote};
use crate::rules::{RuleBook, StoredRule};
use crate::search::SEARCH_STRATEGY;
use crate::segments::Membership;
use crate::{App, AppError, AuditOperation, Caller, Operation};

/// Said of a rule for searches that is tried on a list of recommendations.
const TRY_ON_SEARCH: &str = "the rule is for searches; try it on one, with `search` in place of `request`, or \
                             `souk rules preview --query`";

/// A rule to be tried on a request: for recommendations, or a [search](crate::SearchQuery).
#[derive(Clone, Debug, PartialEq)]
pub struct RuleDraft<R = RecommendRequest> {
    /// The rule; it takes the place of the stored one with its id.
    pub rule: Rule,
    /// What to try it on.
    pub request: R,
    /// At which time the rules are looked at; `None` is now.
    pub at: Option<Timestamp>,
}

/// What a rule would do to an answer: to a list of recommendations, or to a [search](crate::SearchFound).
#[derive(Clone, Debug, PartialEq)]
pub struct RulePreview<A = RecommendAnswer> {
    /// How many products of the site it means; `None` of a redirect or banner, which mean none.
    pub matches: Option<usize>,
    /// Fields that its filter asks for and no product has.
    pub warnings: Vec<String>,
    /// Why it does not hold for the request, by the name of its field; `None` when it holds.
    pub unmet: Option<&'static str>,
    /// What to do to see its effect, where a request like this never shows it.
    pub remedy: Option<&'static str>,
    /// The answer under the rules as they are.
    pub before: A,
    /// The answer with the rule.
    pub after: A,
    /// The products whose place changes, by their new place; those that go come last.
    pub moves: Vec<RuleMove>,
}

/// A product whose place a rule would change.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleMove {
    /// Which product.
    pub product_id: ProductId,
    /// Its place before.
    pub from: Option<u32>,
    /// Its place with the rule.
    pub to: Option<u32>,
    /// The rules that moved it; none where it only makes way.
    pub rules: Vec<RuleNote>,
    /// Why, in words.
    pub detail: String,
}

/// A product in its place, with the rules that moved it there.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) product_id: ProductId,
    pub(crate) rank: u32,
    pub(crate) rules: Vec<RuleNote>,
}

/// What moved between two lists; `why_gone` tells which rules took a product out, and says so in words.
pub(crate) fn moves(
    before: &[Placed],
    after: &[Placed],
    why_gone: &dyn Fn(&ProductId) -> (Vec<RuleNote>, String),
) -> Vec<RuleMove> {
    let place = |list: &[Placed], id: &ProductId| {
        list.iter().find(|one| one.product_id == *id).map(|one| one.rank)
    };
    let stayed = after.iter().filter_map(|one| {
        let from = place(before, &one.product_id);
        let rules = one.rules.clone();
        let detail = match (&rules[..], from) {
            ([], None) => "it moves up into the list".to_owned(),
            ([], Some(from)) if from > one.rank => "it moves up".to_owned(),
            ([], Some(_)) => "it makes way".to_owned(),
            (rules, _) => {
                let names: Vec<String> = rules
                    .iter()
                    .map(|rule| format!("{} of rule `{}`", rule.effect, rule.id))
                    .collect();
                names.join(", ")
            }
        };
        let (product_id, to) = (one.product_id.clone(), Some(one.rank));
        (from != to).then_some(RuleMove { product_id, from, to, rules, detail })
    });
    let gone = before.iter().filter(|one| place(after, &one.product_id).is_none());
    let gone = gone.map(|one| {
        let (rules, detail) = why_gone(&one.product_id);
        RuleMove {
            product_id: one.product_id.clone(),
            from: Some(one.rank),
            to: None,
            rules,
            detail,
        }
    });
    stayed.chain(gone).collect()
}

/// The products of a list of recommendations.
fn placed(answer: &RecommendAnswer) -> Vec<Placed> {
    let placed = answer.recommendations.iter().map(|one| Placed {
        product_id: one.product_id.clone(),
        rank: one.rank,
        rules: one.moved.as_ref().map_or(Vec::new(), |moved| moved.rules.clone()),
    });
    placed.collect()
}

/// Whether a rule has no effect but on searches.
fn is_for_searches(rule: &Rule) -> bool {
    let strategies = &rule.when.strategies;
    says_something(rule)
        || !strategies.is_empty() && strategies.iter().all(|name| name == SEARCH_STRATEGY)
}

/// Whether a rule says something beside the hits, which only searches show.
fn says_something(rule: &Rule) -> bool {
    matches!(rule.action, RuleAction::Redirect | RuleAction::Banner)
}

impl App {
    /// Answers a request with and without a rule. Nothing is stored or shown to anybody.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role, [`AppError::Invalid`] for a site or strategy that there is
    /// not; as [`App::recommend`].
    pub async fn preview_rule(
        &self,
        draft: &RuleDraft,
        caller: &Caller,
    ) -> Result<RulePreview, AppError> {
        caller.check(Operation::WriteRules)?;
        self.check_rule(&draft.rule, caller)?;
        let mut request = draft.request.clone();
        request.explain = true;
        let admitted = self.admit_question(&request, caller).await?;
        let admitted = Admitted { aim: Aim::Compare, ..admitted };
        let rule = &draft.rule;
        let (book, drafted) = self.books_with(rule, admitted.now).await;
        let at = draft.at.unwrap_or(admitted.now);
        let (before, _) = self.answer_by((&request, &admitted), (&book, at));
        let ids = before.answer.recommendations.iter().map(|one| one.product_id.clone());
        request.explain_products.extend(ids);
        let (after, _) = self.answer_by((&request, &admitted), (&drafted, at));
        if let Some(subject) = admitted.whom.known.or(admitted.whom.alone) {
            self.tally(caller, Counted::of_subject(AuditOperation::Recommend, subject));
        }
        let asked = Asked { placement: request.placement.as_deref(), context: &request.context };
        let Admitted { whom, site, withheld, .. } = &admitted;
        let unmet =
            self.unmet((rule, at), (asked, after.planned.as_str()), (*whom, site, *withheld));
        let why_gone = |id: &ProductId| {
            let why = after.answer.why_not.iter().find(|why| why.product_id == *id);
            let detail = why.map(|why| why.detail.clone());
            let rules = why.and_then(|why| why.rule.clone()).into_iter().collect();
            (rules, detail.unwrap_or_else(|| "others took its place".to_owned()))
        };
        Ok(RulePreview {
            matches: self.count_matches(rule, site).await,
            warnings: self.rule_warnings(rule),
            unmet: unmet.or_else(|| says_something(rule).then_some("action")),
            remedy: is_for_searches(rule).then_some(TRY_ON_SEARCH),
            moves: moves(&placed(&before.answer), &placed(&after.answer), &why_gone),
            before: before.answer,
            after: after.answer,
        })
    }

    /// The rules as they are, and with one that is tried.
    pub(crate) async fn books_with(
        &self,
        rule: &Rule,
        now: Timestamp,
    ) -> (Arc<RuleBook>, RuleBook) {
        let book = self.merchandising.book();
        let known = book.find(&rule.id);
        let created_at = known.map_or(now, |known| known.rule.created_at);
        let rule = Rule { created_at, ..rule.clone() };
        let stored = StoredRule { rule, version: 0, updated_at: now };
        let as_is = Arc::clone(&book);
        let made = tokio::task::spawn_blocking(move || as_is.with([stored]));
        (book, made.await.expect("compiling rules does not panic"))
    }

    /// Why a rule does not hold for what was asked.
    pub(crate) fn unmet(
        &self,
        (rule, at): (&Rule, Timestamp),
        (asked, strategy): (Asked<'_>, &str),
        (whom, site, withheld): (Whom, &SiteId, Purposes),
    ) -> Option<&'static str> {
        if !rule.is_on {
            return Some("enabled");
        }
        let zone = self.merchandising.book().zone(site);
        if !rule.when.schedule.holds(at, &zone) {
            return Some("schedule");
        }
        let views = self.views.read();
        let people = self.people_now(site);
        let purpose = Use { purpose: Purpose::Personalization, site, withheld };
        let personal = views.for_purpose(whom, purpose);
        let (book, lens) = people.with(self, &views);
        let membership = Membership::of(book, (&personal, lens));
        let is_in = |key: &str| membership.is_in(key);
        let segments = SegmentsOf::by(&is_in);
        rule.when.unmet(&asked.rule_context(strategy, (&views.catalogue, site), segments))
    }

    /// How many products of a site a rule means.
    pub(crate) async fn count_matches(&self, rule: &Rule, site: &SiteId) -> Option<usize> {
        if says_something(rule) {
            return None;
        }
        let (mut n, mut after): (usize, Option<ProductId>) = (0, None);
        loop {
            {
                let views = self.views.read();
                let catalogue = &views.catalogue;
                let next = catalogue.iter_site_after(site, after.as_ref());
                let some: Vec<_> = next.take(LOOKED_AT_ONCE).collect();
                let Some(&last) = some.last() else { return Some(n) };
                let products = some.iter().filter_map(|item| catalogue.product(*item));
                n += products.filter(|product| rule.selection.selects(&***product)).count();
                after = Some(catalogue.product_id(last).clone());
            }
            tokio::task::yield_now().await;
        }
    }
}
