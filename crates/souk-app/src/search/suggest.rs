//! Suggestions while a shopper types.

use std::sync::Arc;

use souk_core::{ProductId, Purpose, SiteId};
use souk_search::{Language, SearchIndex, SearchRequest, SuggestRequest, Suggestion};

use super::learned::PopularQuery;
use super::{Admitted, Ruled, SearchQuery, highlighted, refused};
use crate::audit::Counted;
use crate::holdout::HoldoutArm;
use crate::ingest::AskedIds;
use crate::projections::{Use, Whom, query_key};
use crate::recommend::{Asked, Hand, RecommendContext};
use crate::{App, AppError, AuditOperation, Caller};

/// Queries of other shoppers that are looked at for one answer; the engine counts products for each.
const POPULAR_READ: usize = 50;

/// Hits among which those are counted that have all words, before anything is typed.
const HITS_COUNTED: usize = 100;

/// What is asked for suggestions; every value is valid by type.
#[derive(Clone, Debug)]
pub struct SuggestQuery {
    /// What stands in the box so far.
    pub text: String,
    /// Suggestions of each kind, 1 to 20.
    pub limit: usize,
    /// Whose products; `None` is the only or main site.
    pub site: Option<SiteId>,
    /// The wanted language, an IETF tag.
    pub locale: Option<String>,
    /// The shop's name for the shopper.
    pub user_id: Option<String>,
    /// The browser's name for the shopper.
    pub anonymous_id: Option<String>,
    /// Whether the request carries Global Privacy Control (`Sec-GPC: 1`).
    pub is_gpc: bool,
}

impl SuggestQuery {
    /// What suits everybody.
    pub fn new(text: &str, limit: usize) -> SuggestQuery {
        SuggestQuery {
            text: text.to_owned(),
            limit,
            site: None,
            locale: None,
            user_id: None,
            anonymous_id: None,
            is_gpc: false,
        }
    }
}

/// A product that is suggested.
#[derive(Clone, Debug, PartialEq)]
pub struct SuggestedProduct {
    /// Which product.
    pub product_id: ProductId,
    /// The product as JSON text, without its cost.
    pub product: Arc<str>,
    /// As [`super::FoundProduct::title_highlight`].
    pub title_highlight: Option<String>,
}

/// A query that is suggested.
#[derive(Clone, Debug, PartialEq)]
pub struct SuggestedQuery {
    /// Its words.
    pub text: String,
    /// Products that have all of them.
    pub count: usize,
    /// Whether it is what the shopper searched for.
    pub is_recent: bool,
    /// How many people asked it lately, of one that comes from other shoppers; rounded down to steps of
    /// `privacy.statistics.people_min`.
    pub people: Option<u32>,
    /// How many times as often it is asked this week as in the four before, where that is clearly more.
    pub trend: Option<f64>,
}

/// What a shopper may want to go on with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suggested {
    /// Whole queries.
    pub queries: Vec<SuggestedQuery>,
    /// Category paths.
    pub categories: Vec<Suggestion>,
    /// Brands.
    pub brands: Vec<Suggestion>,
    /// Products.
    pub products: Vec<SuggestedProduct>,
}

impl App {
    /// Suggests what a shopper may be about to type: what they searched for themselves, where that may be shown, then
    /// what suits everybody.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] when the caller's role may not, [`AppError::NotReady`] before the first index is built; as
    /// the key store.
    pub async fn suggest(
        &self,
        query: &SuggestQuery,
        caller: &Caller,
    ) -> Result<Suggested, AppError> {
        let asked = SearchQuery {
            user_id: query.user_id.clone(),
            anonymous_id: query.anonymous_id.clone(),
            is_gpc: query.is_gpc,
            context: RecommendContext { site: query.site.clone(), ..RecommendContext::default() },
            ..SearchQuery::new(&query.text, query.limit)
        };
        let admitted = self.admit_search(&asked, caller).await?;
        let recent = self.recent_searches(&admitted, &beginning(&query.text));
        if let Some(subject) = admitted.whom.user.filter(|_| !recent.is_empty()) {
            self.tally(caller, Counted::of_subject(AuditOperation::Search, subject));
        }
        // What rules hide from everybody's searches for this text is not suggested either.
        let (whom, ids) = (Whom::default(), AskedIds::default());
        let nobody = Admitted { whom, ids, may_know_rules: false, ..admitted };
        self.suggested(query, &nobody, &recent)
    }

    /// What a shopper searched for lately that begins so, the latest first.
    fn recent_searches(&self, admitted: &Admitted, begun: &str) -> Vec<String> {
        let Admitted { whom, ids, site, withheld, .. } = admitted;
        let most = self.config.search.recent_searches as usize;
        if most == 0 || whom.user.is_none() {
            return Vec::new();
        }
        let views = self.views.read();
        let arm = self.holdout_arm(&views, (*whom, *ids), (site, *withheld));
        if arm == Some(HoldoutArm::Holdout) {
            return Vec::new();
        }
        let purpose = Use { purpose: Purpose::Personalization, site, withheld: *withheld };
        let found = views.searches_for(*whom, purpose).into_iter();
        found.filter(|text| text.starts_with(begun)).take(most).map(str::to_owned).collect()
    }

    fn suggested(
        &self,
        query: &SuggestQuery,
        admitted: &Admitted,
        recent: &[String],
    ) -> Result<Suggested, AppError> {
        let site = &admitted.site;
        let shelf = self.searching.shelf(site)?;
        let context = RecommendContext { query: Some(query.text.clone()), ..Default::default() };
        let book = self.merchandising.book();
        let asked = Asked { placement: None, context: &context };
        let ruled = Ruled { app: self, admitted, book: &book, at: admitted.now, asked };
        let hidden = ruled.with_hand(&self.views.read(), None, |hand: &Hand<'_>| hand.hidden());
        let Some((without, exclude)) = hidden else { return Ok(Suggested::default()) };
        let learned = self.learned(&self.views.read());
        let popular = learned.as_deref().map_or(&[][..], |learned| learned.popular(site));
        let index = shelf.index.read();
        let language = query.locale.as_deref().map(Language::from_tag);
        let begun = beginning(&query.text);
        if begun.is_empty() {
            let narrowed = SearchRequest { without, exclude, ..SearchRequest::new("") };
            let first = learned.as_deref().map_or(&[][..], |learned| learned.unprompted(site));
            let queries = unprompted(&index, (recent, first), (narrowed, query.limit))?;
            return Ok(Suggested { queries, ..Suggested::default() });
        }
        let begins = popular.iter().filter(|one| one.text.starts_with(&begun));
        let texts = begins.take(POPULAR_READ).map(|one| &one.text);
        let texts: Vec<String> = recent.iter().chain(texts).cloned().collect();
        let asked = SuggestRequest {
            text: &query.text,
            limit: query.limit,
            language,
            popular: &texts,
            without: &without,
            exclude: &exclude,
        };
        let found = index.suggest(&asked).map_err(refused)?;
        let language = language.unwrap_or(index.settings().languages[0]);
        let highlighter = index.highlighter(&query.text, (language, souk_search::Typing::Going));
        let views = self.views.read();
        let products = found.products.into_iter().filter_map(|hit| {
            let item = views.catalogue.item(site, &hit.id)?;
            let title = &views.catalogue.product(item)?.title;
            Some(SuggestedProduct {
                title_highlight: highlighted(title, &highlighter.find(title)),
                product: views.catalogue.product_json(item),
                product_id: hit.id,
            })
        });
        let products = products.collect();
        let queries = found.queries.into_iter().map(|one| {
            let key = query_key(&one.text).unwrap_or_default();
            let known = popular.iter().find(|popular| popular.text == key);
            SuggestedQuery {
                count: one.count,
                is_recent: recent.contains(&key),
                people: known.map(|known| known.people),
                trend: known.and_then(|known| known.trend),
                text: one.text,
            }
        });
        let (queries, categories) = (queries.collect(), found.categories);
        Ok(Suggested { queries, categories, brands: found.brands, products })
    }
}

/// What was typed as queries of others begin: folded, but with the space after a finished word.
fn beginning(text: &str) -> String {
    let mut begun = query_key(text).unwrap_or_default();
    if !begun.is_empty() && text.ends_with(char::is_whitespace) {
        begun.push(' ');
    }
    begun
}

/// What is suggested before anything is typed, with the products of each that the shop does not hide: what the
/// shopper searched for, then what many do.
fn unprompted(
    index: &SearchIndex,
    (recent, first): (&[String], &[PopularQuery]),
    (narrowed, limit): (SearchRequest, usize),
) -> Result<Vec<SuggestedQuery>, AppError> {
    let own = recent.iter().map(|text| (text, first.iter().find(|one| one.text == *text), true));
    let of_others = first.iter().filter(|one| !recent.contains(&one.text)).take(limit);
    let of_others = of_others.map(|one| (&one.text, Some(one), false));
    let mut suggested = Vec::new();
    for (text, known, is_recent) in own.chain(of_others) {
        if suggested.len() == limit {
            break;
        }
        let asked = SearchRequest { query: text.clone(), limit: HITS_COUNTED, ..narrowed.clone() };
        let answer = index.search(&asked).map_err(refused)?;
        // What lacks a word comes behind what has them all, and does not count.
        let n_whole = answer.hits.iter().take_while(|hit| hit.n_missing == 0).count();
        let count = if n_whole == answer.hits.len() { answer.total } else { n_whole };
        if count > 0 {
            suggested.push(SuggestedQuery {
                text: index.as_written(text, narrowed.language),
                count,
                is_recent,
                people: known.map(|known| known.people),
                trend: known.and_then(|known| known.trend),
            });
        }
    }
    Ok(suggested)
}

#[cfg(test)]
mod tests;
