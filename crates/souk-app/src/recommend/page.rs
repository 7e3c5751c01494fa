//! Several placements of one page in one call: no product is on it twice.

use souk_core::ProductId;

use crate::recommend::{RecommendAnswer, RecommendRequest};
use crate::{App, AppError, Caller};

/// Placements of one page; chosen: more than any page has.
pub const PAGE_PLACEMENTS_MAX: usize = 20;

impl App {
    /// Answers the placements of a page in their order. A product that one shows, or another of its title,
    /// no later one shows; so name the most important placement first.
    ///
    /// # Errors
    ///
    /// As [`App::recommend`]; [`AppError::Invalid`] for more than [`PAGE_PLACEMENTS_MAX`] placements.
    pub async fn recommend_page(
        &self,
        placements: &[RecommendRequest],
        caller: &Caller,
    ) -> Result<Vec<RecommendAnswer>, AppError> {
        if placements.len() > PAGE_PLACEMENTS_MAX {
            let n = placements.len();
            let detail = format!("{n} placements; the limit is {PAGE_PLACEMENTS_MAX}");
            return Err(AppError::invalid("too_many_items", "/placements", detail));
        }
        if placements.is_empty() {
            let detail = "no placement is named; name at least one";
            return Err(AppError::invalid("too_few_items", "/placements", detail));
        }
        let mut shown: Vec<ProductId> = Vec::new();
        let mut answers = Vec::with_capacity(placements.len());
        for placement in placements {
            let mut request = placement.clone();
            request.shown.extend(shown.iter().cloned());
            let answer = self.recommend(&request, caller).await?;
            shown.extend(answer.recommendations.iter().map(|one| one.product_id.clone()));
            answers.push(answer);
            // Twenty answers are milliseconds: others have their turn between them.
            tokio::task::yield_now().await;
        }
        Ok(answers)
    }
}
