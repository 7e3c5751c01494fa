//! What a rule would do to a search, before it does it.

use souk_core::ProductId;
use souk_core::rules::RuleAction;

use super::noted::Turn;
use super::{Admitted, SEARCH_STRATEGY, SearchFound, SearchQuery, Under};
use crate::audit::Counted;
use crate::holdout::HoldoutArm;
use crate::projections::Whom;
use crate::recommend::{Asked, Placed, RecommendContext, moves};
use crate::{App, AppError, AuditOperation, Caller, Operation, RuleDraft, RuleNote, RulePreview};

/// The hits of a page in their places.
fn placed(found: &SearchFound) -> Vec<Placed> {
    let placed = (1..).zip(&found.hits).map(|(rank, hit)| Placed {
        product_id: hit.product_id.clone(),
        rank,
        rules: hit.moved.as_ref().map_or(Vec::new(), |moved| moved.rules.clone()),
    });
    placed.collect()
}

impl App {
    /// Answers a search with and without a rule. Nothing is stored, noted or shown to anybody.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role, [`AppError::Invalid`] for a site or strategy that there is not; as
    /// [`App::search`].
    pub async fn preview_rule_in_search(
        &self,
        draft: &RuleDraft<SearchQuery>,
        caller: &Caller,
    ) -> Result<RulePreview<SearchFound>, AppError> {
        caller.check(Operation::WriteRules)?;
        let rule = &draft.rule;
        self.check_rule(rule, caller)?;
        let query = SearchQuery { explain: true, ..draft.request.clone() };
        let admitted = self.admit_search(&query, caller).await?;
        let (book, drafted) = self.books_with(rule, admitted.now).await;
        let at = draft.at.unwrap_or(admitted.now);
        // What is tried is recorded nowhere, and so teaches nothing.
        let asked = (&query, Turn::Merged, &admitted);
        let under = Under { book: &book, at, settings: &self.config.search };
        let (before, prepared) = self.answer_under(asked, under, caller).await?;
        let under = Under { book: &drafted, ..under };
        let (after, _) = self.answer_under(asked, under, caller).await?;
        if let Some(subject) = admitted.whom.known.or(admitted.whom.alone) {
            self.tally(caller, Counted::of_subject(AuditOperation::Search, subject));
        }
        let context =
            RecommendContext { query: Some(query.query.clone()), ..query.context.clone() };
        let placement = query.placement.as_deref().or(Some(SEARCH_STRATEGY));
        let asked = (Asked { placement, context: &context }, SEARCH_STRATEGY);
        let Admitted { whom, site, withheld, .. } = &admitted;
        let is_out = prepared.arm == Some(HoldoutArm::Holdout);
        let whom = if is_out { Whom::default() } else { *whom };
        let unmet = self.unmet((rule, at), asked, (whom, site, *withheld));
        let hides = matches!(rule.action, RuleAction::Hide) && unmet.is_none();
        let note = || RuleNote {
            id: rule.id.clone(),
            name: rule.name.clone(),
            effect: rule.action.as_str(),
        };
        let is_meant = |id: &ProductId| {
            let views = self.views.read();
            let item = views.catalogue.item(site, id);
            let product = item.and_then(|item| views.catalogue.product(item));
            product.is_some_and(|product| rule.selection.selects(&**product))
        };
        let why_gone = |id: &ProductId| match hides && is_meant(id) {
            true => (vec![note()], format!("hide of rule `{}`", rule.id)),
            false => (Vec::new(), "others took its place".to_owned()),
        };
        Ok(RulePreview {
            matches: self.count_matches(rule, site).await,
            warnings: self.rule_warnings(rule),
            unmet,
            remedy: None,
            moves: moves(&placed(&before), &placed(&after), &why_gone),
            before,
            after,
        })
    }
}
