//! Suggestions while a shopper types.

use std::sync::Arc;

use souk_core::{ProductId, Purposes, SiteId};
use souk_search::{Language, SuggestRequest, Suggestion};

use super::{Admitted, Asking, SearchQuery, highlighted, refused};
use crate::projections::Whom;
use crate::recommend::{Hand, RecommendContext};
use crate::{App, AppError, Caller, Operation};

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

/// What a shopper may want to go on with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suggested {
    /// Whole queries, with how many products each finds.
    pub queries: Vec<Suggestion>,
    /// Category paths.
    pub categories: Vec<Suggestion>,
    /// Brands.
    pub brands: Vec<Suggestion>,
    /// Products.
    pub products: Vec<SuggestedProduct>,
}

impl App {
    /// Suggests what a shopper may be about to type. The same for everybody.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] when the caller's role may not, [`AppError::NotReady`] before the first index is built.
    pub fn suggest(&self, query: &SuggestQuery, caller: &Caller) -> Result<Suggested, AppError> {
        caller.check(Operation::Search)?;
        let site = query.site.clone().unwrap_or_else(|| self.config.main_site());
        self.noted(caller, caller.check_site(&site))?;
        self.check_ready()?;
        let shelf = self.searching.shelf(&site)?;
        // What rules hide from everybody's searches for this text is not suggested either.
        let asked = SearchQuery::new(&query.text, query.limit);
        let admitted = Admitted {
            whom: Whom::default(),
            site: site.clone(),
            withheld: Purposes::NONE,
            now: self.clock.now(),
            may_know_rules: false,
        };
        let context = RecommendContext { query: Some(query.text.clone()), ..Default::default() };
        let book = self.merchandising.book();
        let asking = Asking { app: self, query: &asked, admitted: &admitted, book: &book, context };
        let hidden = asking.with_hand(&self.views.read(), None, |hand: &Hand<'_>| hand.hidden());
        let Some((without, exclude)) = hidden else { return Ok(Suggested::default()) };
        let index = shelf.index.read();
        let language = query.locale.as_deref().map(Language::from_tag);
        let asked = SuggestRequest {
            text: &query.text,
            limit: query.limit,
            language,
            popular: &[],
            without: &without,
            exclude: &exclude,
        };
        let found = index.suggest(&asked).map_err(refused)?;
        let language = language.unwrap_or(index.settings().languages[0]);
        let highlighter = index.highlighter(&query.text, (language, souk_search::Typing::Going));
        let views = self.views.read();
        let products = found.products.into_iter().filter_map(|hit| {
            let item = views.catalogue.item(&site, &hit.id)?;
            let title = &views.catalogue.product(item)?.title;
            Some(SuggestedProduct {
                title_highlight: highlighted(title, &highlighter.find(title)),
                product: views.catalogue.product_json(item),
                product_id: hit.id,
            })
        });
        let products = products.collect();
        let (queries, categories) = (found.queries, found.categories);
        Ok(Suggested { queries, categories, brands: found.brands, products })
    }
}
