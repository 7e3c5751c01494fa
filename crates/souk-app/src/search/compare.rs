//! Two configurations side by side, on what people really search for.

use souk_core::{ProductId, SiteId};

use super::noted::{Answered, Turn};
use super::{SearchFound, SearchQuery};
use crate::config::{EmbedderSetting, SearchLearning, SearchSettings};
use crate::recommend::RecommendContext;
use crate::{App, AppError, Caller, QueryFigures, SearchReportQuery};

/// The queries of a report, answered twice.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchComparison {
    /// Those of most weight first, as in the report.
    pub queries: Vec<ComparedSearch>,
    /// How many of the first products of each answer were compared.
    pub k: usize,
}

/// One query, answered twice.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedSearch {
    /// Site, query, and how often it was asked.
    pub figures: QueryFigures,
    /// As the shop answers it now.
    pub now: SearchSide,
    /// As it would with the other settings.
    pub other: SearchSide,
    /// The share of the first products that both have, whatever their places; 1 where neither finds anything.
    pub overlap: f64,
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchSide {
    /// The first products with their titles.
    pub products: Vec<(ProductId, String)>,
    /// Products found.
    pub total: usize,
    /// How near to the top stands what people took up after this query, whether or not its answer had it: the mean over people of
    /// one over log2(place + 1), 0 for what is not among the first. `None` where nothing is known of what they took up.
    /// People take up what they are shown, so this favours the order that was shown to them.
    pub taken_up: Option<f64>,
}

impl ComparedSearch {
    /// Whether the first products or their order differ.
    pub fn differs(&self) -> bool {
        self.now.products != self.other.products
    }
}

impl App {
    /// Answers the queries of a report as the shop does and as it would with other settings of search: other shares of
    /// meaning, none at all (`embedder: none`), or without what clicks teach (`learning: none`). Nothing of it is noted
    /// as an answer, and it is nobody's: what shoppers like stays out of both.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] and [`AppError::Invalid`] as [`App::search_report`]; [`AppError::Invalid`] too where the other
    /// settings differ in what an index must be made anew for, [`AppError::NotReady`] as [`App::search`].
    pub async fn compare_searches(
        &self,
        (query, k): (&SearchReportQuery, usize),
        other: &SearchSettings,
        caller: &Caller,
    ) -> Result<SearchComparison, AppError> {
        self.check_comparable(other)?;
        let report = self.search_report(query, caller).await?;
        let mut queries = Vec::with_capacity(report.queries.len());
        for figures in report.queries {
            let asked = asked(&figures, k)?;
            let now = self.answer_as((&asked, Turn::Merged), &self.config.search, caller).await?;
            let then = self.answer_as((&asked, Turn::Merged), other, caller).await?;
            let [now, other] = [now, then].map(|answered| self.side((&asked, answered)));
            let shared = other.products.iter().filter(|one| now.products.contains(one)).count();
            let most = now.products.len().max(other.products.len());
            let overlap = if most == 0 { 1.0 } else { shared as f64 / most as f64 };
            queries.push(ComparedSearch { figures, now, other, overlap });
        }
        Ok(SearchComparison { queries, k })
    }

    /// Refuses what cannot be seen without another model or other counts.
    fn check_comparable(&self, other: &SearchSettings) -> Result<(), AppError> {
        let own = &self.config.search;
        let is_model_known = [own.embedder, EmbedderSetting::None, EmbedderSetting::Auto];
        if !is_model_known.contains(&other.embedder) {
            let detail = "the other settings name another model, whose vectors of the products are not there; compare models on rated \
                          queries with `souk evaluate search --embedder`";
            return Err(AppError::invalid("invalid_settings", "search.embedder", detail));
        }
        if own.learning == SearchLearning::None && other.learning != SearchLearning::None {
            let detail = "the shop learns nothing from searches, so nothing is known that the other settings could use; set \
                          `search.learning` in souk.yaml and give it some days";
            return Err(AppError::invalid("invalid_settings", "search.learning", detail));
        }
        Ok(())
    }

    fn side(&self, (asked, answered): (&SearchQuery, Answered)) -> SearchSide {
        let Answered { found, admitted, .. } = answered;
        let SearchFound { hits, total, .. } = found;
        let views = self.views.read();
        let learned = self.learned(&views);
        let learned = learned.and_then(|learned| learned.query(&admitted.site, &asked.query));
        let wanted = learned.as_ref().map_or(&[][..], |learned| learned.wanted());
        let (mut sum, mut people) = (0.0, 0.0);
        for (item, n) in wanted {
            let of = |id: &ProductId| views.catalogue.item(&admitted.site, id) == Some(*item);
            let place = hits.iter().position(|hit| of(&hit.product_id));
            let worth = place.map_or(0.0, |place| (place as f64 + 2.0).log2().recip());
            sum += f64::from(*n) * worth;
            people += f64::from(*n);
        }
        let title = |id: &ProductId| {
            let item = views.catalogue.item(&admitted.site, id)?;
            Some(views.catalogue.product(item)?.title.clone())
        };
        let products = hits.iter().map(|hit| {
            let id = hit.product_id.clone();
            let title = title(&id).unwrap_or_default();
            (id, title)
        });
        SearchSide {
            products: products.collect(),
            total,
            taken_up: (people > 0.0).then(|| sum / people),
        }
    }
}

/// The query as it was asked, of nobody.
fn asked(figures: &QueryFigures, k: usize) -> Result<SearchQuery, AppError> {
    let site = SiteId::new(figures.site.as_str());
    let site =
        site.map_err(|error| AppError::invalid("invalid_site", "site", error.to_string()))?;
    let context = RecommendContext { site: Some(site), ..RecommendContext::default() };
    Ok(SearchQuery { context, ..SearchQuery::new(&figures.query, k) })
}

#[cfg(test)]
mod tests;
