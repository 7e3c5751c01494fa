//! For whom an answer is made, and whose past it may rest on.

use souk_core::{Impressions, SubjectId};
use souk_recommend::Shopper;

use crate::ingest::IdKind;
use crate::projections::Views;
use crate::recommend::{RecommendAnswer, RecommendRequest};
use crate::{App, AppError, Caller, Operation, Shown};

/// The subjects that a request names, as far as the caller may use them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Proven to be this shopper: by a server key or by the shopper's own token.
    known: Option<SubjectId>,
    /// A browser's own anonymous id: only what was done under it, not what it was joined with later,
    /// because whoever learns the id could read the joined shopper's habits out of the answers.
    anonymous: Option<SubjectId>,
}

impl Asked {
    /// The subject that impressions are kept for.
    pub(crate) fn subject(&self) -> Option<SubjectId> {
        self.known.or(self.anonymous)
    }

    /// The shoppers in the views whose past may be used.
    pub(crate) fn shoppers(&self, views: &Views) -> Vec<Shopper> {
        let mut subjects = Vec::new();
        if let Some(known) = self.known {
            subjects = views.identity.members(known);
        }
        subjects.extend(self.anonymous);
        let mut shoppers: Vec<Shopper> =
            subjects.into_iter().filter_map(|subject| views.shoppers.shopper(subject)).collect();
        shoppers.sort_unstable();
        shoppers.dedup();
        shoppers
    }
}

impl App {
    /// Finds out for whom to answer. A browser key speaks for a user only with that user's token;
    /// without it the user id counts for nothing.
    pub(crate) async fn asked_for(
        &self,
        request: &RecommendRequest,
        caller: &Caller,
    ) -> Result<Asked, AppError> {
        let is_trusted = caller.may(Operation::RecommendAnyShopper);
        let user = match (&request.user_id, &caller.shopper) {
            (Some(user), _) if is_trusted => Some(user),
            (Some(user), Some(proven)) if user == proven => Some(user),
            (None, Some(proven)) => Some(proven),
            _ => None,
        };
        let user = user.map(|user| self.door.hasher.id(IdKind::User, user));
        let anonymous =
            request.anonymous_id.as_ref().map(|id| self.door.hasher.id(IdKind::Anonymous, id));
        let ids: Vec<_> = user.into_iter().chain(anonymous).collect();
        let mut found = self.parts.keys.find(&ids).await?.into_iter();
        let known = user.and_then(|_| found.next().flatten());
        let anonymous = anonymous.and_then(|_| found.next().flatten());
        if is_trusted && known.is_none() {
            // The shop's own server may ask for a visitor that it knows by the anonymous id alone.
            return Ok(Asked { known: anonymous, anonymous: None });
        }
        Ok(Asked { known, anonymous })
    }

    /// Leaves the impression for the background; never waits.
    pub(crate) fn note_impressions(
        &self,
        (request, asked): (&RecommendRequest, &Asked),
        answer: &RecommendAnswer,
    ) {
        let products = answer.recommendations.iter().map(|one| one.product_id.clone()).collect();
        self.record_impressions(Shown {
            subject: asked.subject(),
            site: request.context.site.clone().unwrap_or_else(|| self.config.main_site()),
            channel: request.context.channel,
            at: answer.timestamp,
            impressions: Impressions {
                request_id: answer.request_id.as_str().into(),
                placement: request.placement.as_deref().map(Into::into),
                strategy: answer.strategy.as_str().into(),
                products,
            },
        });
    }
}
