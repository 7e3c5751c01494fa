//! What is noted of an answer: what was shown to whom, and that it was asked.

use souk_core::{Impressions, Marks, ProductId, SearchMark};
use souk_search::Typing;

use super::{Admitted, SEARCH_STRATEGY, SearchFound, SearchQuery};
use crate::audit::Counted;
use crate::holdout::HoldoutArm;
use crate::ingest::ShownTo;
use crate::{App, AuditOperation, Caller, Shown};

/// An answer of which nothing is noted yet.
pub(super) struct Answered {
    pub(super) found: SearchFound,
    pub(super) admitted: Admitted,
    pub(super) arm: Option<HoldoutArm>,
    pub(super) may_analyse: bool,
}

/// Whether hits are shown as they are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// In a list of their own.
    Alone,
    /// Among the hits of other searches.
    Merged,
}

/// What the hits of an answer are shown in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Within {
    /// A list of their own.
    Itself,
    /// The first page of a list of several searches: its products that stand there and are known by this answer's name,
    /// each with its place.
    MergedList(Vec<(ProductId, u8)>),
    /// A further page of such a list.
    FurtherPage,
}

/// Products that were shown, and their places where they are not each after the other.
#[derive(Default)]
struct Stood {
    products: Vec<ProductId>,
    places: Box<[u8]>,
}

impl App {
    /// Notes what was answered, and of whom.
    pub(super) async fn note_answer(
        &self,
        (query, answered): (&SearchQuery, Answered),
        within: Within,
        caller: &Caller,
    ) -> SearchFound {
        let Answered { found, admitted, arm, may_analyse } = answered;
        let subject = admitted.whom.known.or(admitted.whom.alone);
        if query.is_gpc
            && let Some(subject) = subject
        {
            self.record_gpc(subject, &admitted.site).await;
        }
        // What is asked anew with each letter is looked at by nobody; what is gone on with, neither.
        let is_further = query.cursor.is_some() || within == Within::FurtherPage;
        if query.typing == Typing::Finished && !is_further {
            let Admitted { whom, ids, .. } = admitted;
            let to = if may_analyse { ShownTo::of(whom, ids) } else { ShownTo::Nobody };
            let stood = match within {
                Within::Itself => {
                    let ids = found.hits.iter().map(|hit| hit.product_id.clone());
                    Stood { products: ids.collect(), places: Box::default() }
                }
                Within::MergedList(stood) => {
                    let (products, places): (_, Vec<u8>) = stood.into_iter().unzip();
                    Stood { products, places: places.into() }
                }
                Within::FurtherPage => Stood::default(),
            };
            self.note_found((query, &found, stood), (to, &admitted), arm);
        }
        if let Some(subject) = subject {
            self.tally(caller, Counted::of_subject(AuditOperation::Search, subject));
        }
        found
    }

    /// Leaves what was shown for the background; never waits.
    fn note_found(
        &self,
        (query, found, stood): (&SearchQuery, &SearchFound, Stood),
        (to, admitted): (ShownTo, &Admitted),
        arm: Option<HoldoutArm>,
    ) {
        let arms = arm.filter(|_| to != ShownTo::Nobody).map(|arm| arm.mark(&self.config.holdout));
        let small = |number: u128| u32::try_from(number).unwrap_or(u32::MAX);
        // Browsing a category without words is no search.
        let search = (!query.query.trim().is_empty()).then(|| SearchMark {
            query: query.query.as_str().into(),
            n_found: small(found.total as u128),
            took_us: small(found.took.as_micros()),
            places: stood.places,
        });
        self.note_shown(
            to,
            Shown {
                subject: None,
                site: admitted.site.clone(),
                channel: query.context.channel,
                at: admitted.now,
                withheld: admitted.withheld,
                impressions: Impressions {
                    request_id: found.request_id.as_str().into(),
                    placement: Some(query.placement.as_deref().unwrap_or(SEARCH_STRATEGY).into()),
                    strategy: SEARCH_STRATEGY.into(),
                    products: stood.products,
                    marks: Marks {
                        arms: arms.into_iter().collect(),
                        search,
                        signals: found.signals.clone(),
                        ..Marks::default()
                    },
                },
            },
        );
    }
}
