//! For whom an answer is made, and whose past it may rest on.

use souk_core::{Impressions, Marks, Purposes};

use crate::ingest::{AskedIds, IdKind, ShownTo};
use crate::projections::Whom;
use crate::recommend::{RecommendAnswer, RecommendRequest};
use crate::{App, AppError, Caller, Operation, Shown};

impl App {
    /// Finds out for whom to answer, and under which ids it is asked. A browser key speaks for a user only with that user's token;
    /// without it the user id counts for nothing.
    ///
    /// A browser's own anonymous id stands for what was done under it, not for what it was joined with
    /// later: whoever learns the id could read the joined shopper's habits out of the answers.
    pub(crate) async fn asked_for(
        &self,
        (user_id, anonymous_id): (&Option<String>, &Option<String>),
        caller: &Caller,
    ) -> Result<(Whom, AskedIds), AppError> {
        let is_trusted = caller.may(Operation::RecommendAnyShopper);
        let user = match (user_id, &caller.shopper) {
            (Some(user), _) if is_trusted => Some(user),
            (Some(user), Some(proven)) if user == proven => Some(user),
            (None, Some(proven)) => Some(proven),
            _ => None,
        };
        let user = user.map(|user| self.door.hasher.id(IdKind::User, user));
        let kind = |id| if is_trusted { IdKind::Anonymous } else { IdKind::by_browser(id) };
        let anonymous = anonymous_id.as_ref().map(|id| self.door.hasher.id(kind(id), id));
        let asked = AskedIds { user, anonymous };
        let ids: Vec<_> = asked.all().collect();
        let mut found = self.parts.keys.find(&ids).await?.into_iter();
        let known = user.and_then(|_| found.next().flatten());
        let alone = anonymous.and_then(|_| found.next().flatten());
        if is_trusted && known.is_none() {
            // The shop's own server may ask for a visitor that it knows by the anonymous id alone.
            return Ok((Whom { known: alone, ..Whom::default() }, asked));
        }
        Ok((Whom { known, alone, user: known }, asked))
    }

    /// Leaves the impression for the background; never waits. It names the subject, or waits for one, only where reports
    /// of what they do are allowed.
    pub(crate) fn note_impressions(
        &self,
        (request, answer): (&RecommendRequest, &RecommendAnswer),
        (to, withheld): (ShownTo, Purposes),
    ) {
        let products = answer.recommendations.iter().map(|one| one.product_id.clone()).collect();
        let is_to_somebody = to != ShownTo::Nobody;
        let arm = answer.holdout.filter(|_| is_to_somebody);
        let arms = arm.map(|arm| arm.mark(&self.config.holdout)).into_iter().collect();
        let signals = answer.signals.clone().filter(|_| is_to_somebody);
        self.note_shown(
            to,
            Shown {
                subject: None,
                site: request.context.site.clone().unwrap_or_else(|| self.config.main_site()),
                channel: request.context.channel,
                at: answer.timestamp,
                withheld,
                impressions: Impressions {
                    request_id: answer.request_id.as_str().into(),
                    placement: request.placement.as_deref().map(Into::into),
                    strategy: answer.strategy.as_str().into(),
                    products,
                    marks: Marks { arms, products: answer.marks.clone(), search: None, signals },
                },
            },
        );
    }
}
