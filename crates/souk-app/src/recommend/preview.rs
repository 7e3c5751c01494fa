//! What a rule would do, before it does it.

use std::sync::Arc;

use souk_core::rules::{Rule, RuleContext, SegmentsOf};
use souk_core::{ProductId, Purpose, SiteId, Timestamp};

use crate::audit::Counted;
use crate::projections::Use;
use crate::recommend::{Admitted, Aim, RecommendAnswer, RecommendRequest, RuleNote, Strategy};
use crate::rules::StoredRule;
use crate::segments::Membership;
use crate::{App, AppError, AuditOperation, Caller, Operation};

/// Products that are looked at while the views are held.
const PRODUCTS_AT_ONCE: usize = 1_000;

/// A rule to be tried on a request.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleDraft {
    /// The rule; it takes the place of the stored one with its id.
    pub rule: Rule,
    /// What to try it on.
    pub request: RecommendRequest,
    /// At which time the rules are looked at; `None` is now.
    pub at: Option<Timestamp>,
}

/// What a rule would do.
#[derive(Clone, Debug, PartialEq)]
pub struct RulePreview {
    /// How many products of the site it means.
    pub matches: usize,
    /// Why it does not hold for the request, by the name of its field; `None` when it holds.
    pub unmet: Option<&'static str>,
    /// The answer under the rules as they are.
    pub before: RecommendAnswer,
    /// The answer with the rule.
    pub after: RecommendAnswer,
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

/// What moved between two answers; `after` explains the products of `before`.
fn moves(before: &RecommendAnswer, after: &RecommendAnswer) -> Vec<RuleMove> {
    let place = |answer: &RecommendAnswer, id: &ProductId| {
        answer.recommendations.iter().find(|one| one.product_id == *id).map(|one| one.rank)
    };
    let stayed = after.recommendations.iter().filter_map(|one| {
        let from = place(before, &one.product_id);
        let rules = one.moved.as_ref().map_or(Vec::new(), |moved| moved.rules.clone());
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
    let gone = before.recommendations.iter().filter_map(|one| {
        if place(after, &one.product_id).is_some() {
            return None;
        }
        let why = after.why_not.iter().find(|why| why.product_id == one.product_id);
        Some(RuleMove {
            product_id: one.product_id.clone(),
            from: Some(one.rank),
            to: None,
            rules: why.and_then(|why| why.rule.clone()).into_iter().collect(),
            detail: why
                .map_or_else(|| "others took its place".to_owned(), |why| why.detail.clone()),
        })
    });
    stayed.chain(gone).collect()
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
        let book = self.merchandising.book();
        let known = book.find(&draft.rule.id);
        let created_at = known.map_or(admitted.now, |known| known.rule.created_at);
        let rule = Rule { created_at, ..draft.rule.clone() };
        let stored = StoredRule { rule: rule.clone(), version: 0, updated_at: admitted.now };
        let drafted = {
            let book = Arc::clone(&book);
            let made = tokio::task::spawn_blocking(move || book.with([stored]));
            made.await.expect("compiling rules does not panic")
        };
        let at = draft.at.unwrap_or(admitted.now);
        let (before, _) = self.answer_by((&request, &admitted), (&book, at));
        let ids = before.answer.recommendations.iter().map(|one| one.product_id.clone());
        request.explain_products.extend(ids);
        let (after, _) = self.answer_by((&request, &admitted), (&drafted, at));
        if let Some(subject) = admitted.whom.known.or(admitted.whom.alone) {
            self.tally(caller, Counted::of_subject(AuditOperation::Recommend, subject));
        }
        Ok(RulePreview {
            matches: self.count_matches(&rule, &admitted.site).await,
            unmet: self.unmet((&rule, at), (&request, after.planned), &admitted),
            moves: moves(&before.answer, &after.answer),
            before: before.answer,
            after: after.answer,
        })
    }

    /// Why a rule does not hold for a request.
    fn unmet(
        &self,
        (rule, at): (&Rule, Timestamp),
        (request, strategy): (&RecommendRequest, Strategy),
        admitted: &Admitted,
    ) -> Option<&'static str> {
        let Admitted { whom, site, withheld, .. } = admitted;
        if !rule.is_on {
            return Some("enabled");
        }
        let zone = self.merchandising.book().zone(site);
        if !rule.when.schedule.holds(at, &zone) {
            return Some("schedule");
        }
        let views = self.views.read();
        let page = request.context.product_id.as_ref();
        let item = page.and_then(|id| views.catalogue.item(site, id));
        let product = item.and_then(|item| views.catalogue.product(item));
        let people = self.people_now(site);
        let purpose = Use { purpose: Purpose::Personalization, site, withheld: *withheld };
        let personal = views.for_purpose(*whom, purpose);
        let (book, lens) = people.with(self, &views);
        let membership = Membership::of(book, (&personal, lens));
        let is_in = |key: &str| membership.is_in(key);
        rule.when.unmet(&RuleContext {
            placement: request.placement.as_deref(),
            strategy: strategy.as_str(),
            page_type: request.context.page_type.as_deref(),
            page_product: page,
            page_categories: product.map_or(&[], |product| &product.categories),
            query: request.context.query.as_deref(),
            channel: request.context.channel,
            site,
            segments: SegmentsOf::by(&is_in),
        })
    }

    /// How many products of a site a rule means.
    async fn count_matches(&self, rule: &Rule, site: &SiteId) -> usize {
        let (mut n, mut after): (usize, Option<ProductId>) = (0, None);
        loop {
            {
                let views = self.views.read();
                let catalogue = &views.catalogue;
                let some: Vec<_> = match &after {
                    None => catalogue.iter_site(site).take(PRODUCTS_AT_ONCE).collect(),
                    Some(after) => {
                        catalogue.iter_site_after(site, after).take(PRODUCTS_AT_ONCE).collect()
                    }
                };
                let Some(&last) = some.last() else { return n };
                let products = some.iter().filter_map(|item| catalogue.product(*item));
                n += products.filter(|product| rule.selection.selects(&***product)).count();
                after = Some(catalogue.product_id(last).clone());
            }
            tokio::task::yield_now().await;
        }
    }
}
