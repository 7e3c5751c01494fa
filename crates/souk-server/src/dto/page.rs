use serde::Deserialize;
use utoipa::ToSchema;

use crate::dto::recommend::{ContextBody, RecommendBody, RecommendationsAnswer};
use crate::json::Object;

/// The placements of one page. What is said of the shopper and the page holds for each placement that does
/// not say it itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageBody {
    /// The shop's name for the shopper.
    #[serde(default)]
    user_id: Option<String>,
    /// The browser's name for the shopper.
    #[serde(default)]
    anonymous_id: Option<String>,
    /// What the shopper is looking at.
    #[serde(default)]
    #[schema(value_type = Option<ContextBody>)]
    context: Option<Object<ContextBody>>,
    /// One to 20, the most important one first: it may choose first.
    #[schema(min_items = 1, max_items = 20, value_type = Vec<RecommendBody>)]
    placements: Vec<Object<RecommendBody>>,
}

impl PageBody {
    /// The placements, each with what the page says.
    pub(crate) fn placements(self) -> Vec<RecommendBody> {
        let PageBody { user_id, anonymous_id, context, placements } = self;
        let filled = placements.into_iter().map(|Object(mut placement)| {
            if placement.user_id.is_none() && placement.anonymous_id.is_none() {
                placement.user_id.clone_from(&user_id);
                placement.anonymous_id.clone_from(&anonymous_id);
            }
            if placement.context.is_none() {
                placement.context.clone_from(&context);
            }
            placement
        });
        filled.collect()
    }
}

/// The answers of a page's placements, in their order.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "documents what the page route writes")]
pub(crate) struct PageAnswer {
    placements: Vec<RecommendationsAnswer>,
}
