//! Search: the engine's hits, what the shopper is known to like, and the merchant's rules, which have the
//! last word.
//!
//! The engine ([`souk_search`]) holds what is searched and nothing else; hits become products from the catalogue
//! at the end, so that an answer never shows what the catalogue has not. Indexes are kept by [`keeper`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use souk_core::rules::SegmentsOf;
use souk_core::{Filter, ProductId, Purpose, Purposes, SignalMark, SiteId, Timestamp};
use souk_search::{
    Facet, Language, Meaning, Note, Relaxation, ScoreParts, SearchAnswer, SearchError,
    SearchRequest, Understood,
};

use crate::config::{EmbedderSetting, SearchLearning, SearchSettings};
use crate::holdout::HoldoutArm;
use crate::ingest::AskedIds;
use crate::projections::{Use, Views, Whom};
use crate::recommend::{Asked, Hand, Moved, RecommendContext, Scope, random_id};
use crate::rules::RuleBook;
use crate::segments::Membership;
use crate::{App, AppError, Caller, Operation};

mod compare;
mod follow;
mod html;
mod json;
mod keeper;
mod learned;
#[cfg(test)]
mod learned_tests;
mod meaning;
mod merge;
mod messages;
mod nearby;
mod noted;
mod ordered;
mod personal;
mod pool;
mod query;
mod ranked;
mod shelf;
mod suggest;
mod synonyms;
#[cfg(test)]
mod tests;
mod trial;

pub use compare::{ComparedSearch, SearchComparison, SearchSide};
pub use json::{merged_to_json, search_to_json, suggested_to_json};
pub(crate) use keeper::keep_search;
pub(crate) use learned::keep_learned;
pub use merge::{Merge, MergedFound, MergedHit, MergedPlace, merge_places};
pub use messages::Banner;
pub use nearby::{AroundQuery, Nearest};
pub use query::{SearchMode, SearchQuery};
pub(crate) use shelf::Searching;
pub use suggest::{SuggestQuery, Suggested, SuggestedProduct, SuggestedQuery};
pub use synonyms::{SYNONYMS_MAX, SynonymSet};

use html::highlighted;
use learned::LearnedQuery;
use messages::Messages;
use nearby::Nearby;
use noted::{Answered, Turn, Within};
use ordered::{Learning, Told};
use personal::Taste;
use pool::Page;
use ranked::Ranked;

/// How rules name a list that search made.
pub const SEARCH_STRATEGY: &str = "search";

/// Fields of every catalogue that hits can be sorted by, even where no product has one yet.
const SORTED_BY: [&str; 4] = ["price", "list_price", "published_at", "perishable_days"];

/// A product that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundProduct {
    /// Which product.
    pub product_id: ProductId,
    /// Comparable within this answer only, and falling in it unless it is sorted or rules reorder it.
    pub score: f64,
    /// See [`souk_search::Hit::fit`]; 0 for what the search did not find.
    pub fit: f64,
    /// The product as JSON text, without its cost.
    pub product: Arc<str>,
    /// The title with the words of the query between `<em>` and `</em>`, all else escaped as HTML; `None` where it
    /// has none of them.
    pub title_highlight: Option<String>,
    /// What the score is made of, for a hit of the search; rules alone bring others.
    pub parts: Option<ScoreParts>,
    /// By what the shopper's own purchases multiplied the score.
    pub personal: f64,
    /// By what others' clicks after this query multiplied it.
    pub clicks: f64,
    /// How many people took it up after this query, of a product that its words do not find.
    pub brought_by: Option<u32>,
    /// By what the order that shoppers' choices taught multiplied it.
    pub learned: f64,
    /// What rules did to its place, where asked and any hold.
    pub moved: Option<Moved>,
    /// The nearest place where it can be had, in a search around one.
    pub nearest: Option<Nearest>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchFound {
    /// Names the answer in later events.
    pub request_id: String,
    /// The hits of this page.
    pub hits: Vec<FoundProduct>,
    /// Products found, all pages together.
    pub total: usize,
    /// What was counted, as asked.
    pub facets: Vec<Facet>,
    /// The query as it was probably meant, where it differs.
    pub corrected: Option<String>,
    /// The language that its words were read in.
    pub language: Language,
    /// What was read out of its words.
    pub understood: Vec<Understood>,
    /// What was given up to find anything.
    pub relaxed: Vec<Relaxation>,
    /// What of the request was passed over.
    pub notes: Vec<SearchNote>,
    /// Where the shop sends who searches for this, rather than to the hits.
    pub redirect: Option<Box<str>>,
    /// What the shop says above the hits.
    pub banners: Vec<Banner>,
    /// How long it took.
    pub took: Duration,
    /// Where the next page begins; none after the last.
    pub cursor: Option<String>,
    /// Whether it was asked what scores are made of, by somebody who may know: factors tell what sells.
    pub is_explained: bool,
    /// What was known of the hits, for what is recorded of a sample of the answers.
    pub signals: Option<SignalMark>,
}

/// Something of a request that was passed over, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchNote {
    /// By the engine.
    #[error(transparent)]
    Engine(#[from] Note),
    /// It is asked for a place that nobody has told of, so rules that hold at places do not hold.
    #[error("{0}")]
    UnknownPlace(String),
}

/// A search that was let in.
#[derive(Debug)]
struct Admitted {
    whom: Whom,
    /// Under which ids it is asked.
    ids: AskedIds,
    site: SiteId,
    withheld: Purposes,
    now: Timestamp,
    /// Whether the caller may be told of rules.
    may_know_rules: bool,
}

/// What is known before the index is asked, under the views' lock.
#[derive(Debug, Default)]
struct Prepared {
    taste: Taste,
    learned: Option<Arc<LearnedQuery>>,
    learning: Learning,
    hidden: Option<(Vec<Filter>, Vec<ProductId>)>,
    reorders: bool,
    messages: Messages,
    arm: Option<HoldoutArm>,
    may_analyse: bool,
}

impl App {
    /// The fields of a site's products that can be counted, in the order of the alphabet.
    ///
    /// # Errors
    ///
    /// [`AppError::NotReady`] before the first index is built.
    pub fn countable_fields(&self, site: &SiteId) -> Result<Vec<String>, AppError> {
        Ok(self.searching.shelf(site)?.index.read().countable_fields())
    }

    /// Searches a site. An unknown shopper gets a non-personal answer, never an error.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] when the caller's role may not ask, [`AppError::NotReady`] before the views have
    /// caught up or the first index is built, [`AppError::Invalid`] for an order by a field that no product has, a cursor of another search, or
    /// meaning alone without a model.
    pub async fn search(
        &self,
        query: &SearchQuery,
        caller: &Caller,
    ) -> Result<SearchFound, AppError> {
        let answered = self.answer_search((query, Turn::Alone), caller).await?;
        Ok(self.note_answer((query, answered), Within::Itself, caller).await)
    }

    /// Finds products for several searches, in their order. Nothing of them is noted where one is refused.
    ///
    /// # Errors
    ///
    /// As [`App::search`], with the place of the search that is refused.
    pub async fn search_all(
        &self,
        queries: &[SearchQuery],
        caller: &Caller,
    ) -> Result<Vec<SearchFound>, (usize, AppError)> {
        let answered = self.answer_all((queries, Turn::Alone), caller).await?;
        let mut found = Vec::with_capacity(queries.len());
        for each in queries.iter().zip(answered) {
            found.push(self.note_answer(each, Within::Itself, caller).await);
        }
        Ok(found)
    }

    async fn answer_all(
        &self,
        (queries, turn): (&[SearchQuery], Turn),
        caller: &Caller,
    ) -> Result<Vec<Answered>, (usize, AppError)> {
        let mut answered = Vec::with_capacity(queries.len());
        for (idx, query) in queries.iter().enumerate() {
            let answer = self.answer_search((query, turn), caller).await;
            answered.push(answer.map_err(|error| (idx, error))?);
            // Others must not wait for all of them.
            tokio::task::yield_now().await;
        }
        Ok(answered)
    }

    async fn answer_search(
        &self,
        (query, turn): (&SearchQuery, Turn),
        caller: &Caller,
    ) -> Result<Answered, AppError> {
        self.answer_as((query, turn), &self.config.search, caller).await
    }

    /// Answers as with other settings: the shares of meaning, whether there is any, and whether clicks count.
    async fn answer_as(
        &self,
        (query, turn): (&SearchQuery, Turn),
        settings: &SearchSettings,
        caller: &Caller,
    ) -> Result<Answered, AppError> {
        let started = Instant::now();
        let admitted = self.admit_search(query, caller).await?;
        let book = self.merchandising.book();
        let under = Under { book: &book, at: admitted.now, settings };
        let (found, prepared) = self.answer_under((query, turn, &admitted), under, caller).await?;
        let found = SearchFound { took: started.elapsed(), ..found };
        let (arm, may_analyse) = (prepared.arm, prepared.may_analyse);
        Ok(Answered { found, admitted, arm, may_analyse })
    }

    async fn answer_under(
        &self,
        (query, turn, admitted): (&SearchQuery, Turn, &Admitted),
        Under { book, at, settings }: Under<'_>,
        caller: &Caller,
    ) -> Result<(SearchFound, Prepared), AppError> {
        let shelf = self.searching.shelf(&admitted.site)?;
        let is_by_words =
            query.mode == SearchMode::Auto && settings.embedder == EmbedderSetting::None;
        let mut meaning = if is_by_words { None } else { self.meaning_of(query, &shelf).await? };
        if let Some(meaning) = &mut meaning {
            meaning.shares = Some(settings.meaning.to_engine());
        }
        let context =
            RecommendContext { query: Some(query.query.clone()), ..query.context.clone() };
        let nearby = query.around.map(|around| Nearby::new(self, (&admitted.site, caller), around));
        let asking = Asking {
            app: self,
            query,
            turn,
            request_id: random_id(),
            admitted,
            book,
            at,
            context,
            meaning,
            nearby: nearby.map(Arc::new),
            may_learn: settings.learning,
        };
        let mut prepared = asking.prepare();
        let found = asking.ask(&shelf, &prepared)?;
        let is_explained = query.explain && admitted.may_know_rules;
        let Messages { redirect, banners } = std::mem::take(&mut prepared.messages);
        let mut found = SearchFound { is_explained, redirect, banners, ..found };
        let location = query.context.location_id.as_ref();
        let unknown = location.and_then(|location| self.check_place(location).err());
        found.notes.extend(unknown.map(SearchNote::UnknownPlace));
        Ok((found, prepared))
    }

    async fn admit_search(
        &self,
        query: &SearchQuery,
        caller: &Caller,
    ) -> Result<Admitted, AppError> {
        caller.check(Operation::Search)?;
        let site = query.context.site.clone().unwrap_or_else(|| self.config.main_site());
        let place = caller.check_site(&site);
        let place = place.and_then(|()| caller.check_location(query.context.location_id.as_ref()));
        self.noted(caller, place)?;
        let named = query.user_id.as_deref().or(query.anonymous_id.as_deref());
        self.check_shopper_rate(caller, named)?;
        self.check_ready()?;
        let (whom, ids) = self.asked_for((&query.user_id, &query.anonymous_id), caller).await?;
        let withheld = if query.is_gpc { self.rules.gpc() } else { Purposes::NONE };
        let may_know_rules =
            caller.may(Operation::ReadRules) || caller.may(Operation::RecommendAnyShopper);
        Ok(Admitted { whom, ids, site, withheld, now: self.clock.now(), may_know_rules })
    }
}

/// What a search is answered under.
#[derive(Clone, Copy, Debug)]
struct Under<'a> {
    book: &'a RuleBook,
    /// When rules are looked at: now, but for a preview.
    at: Timestamp,
    settings: &'a SearchSettings,
}

/// What rules are asked about.
struct Ruled<'a> {
    app: &'a App,
    admitted: &'a Admitted,
    book: &'a RuleBook,
    /// When rules are looked at.
    at: Timestamp,
    /// Its placement is the request's own, if it names one.
    asked: Asked<'a>,
}

impl Ruled<'_> {
    /// Does something with the rules that hold.
    fn with_hand<T>(
        &self,
        views: &Views,
        arm: Option<HoldoutArm>,
        then: impl FnOnce(&Hand<'_>) -> T,
    ) -> T {
        let Admitted { whom, site, withheld, now, .. } = self.admitted;
        let whom = if arm == Some(HoldoutArm::Holdout) { Whom::default() } else { *whom };
        let people = self.book.set.segments().next().map(|_| self.app.people_now(site));
        let purpose = Use { purpose: Purpose::Personalization, site, withheld: *withheld };
        let personal = views.for_purpose(whom, purpose);
        let membership = people.as_ref().map(|people| {
            let (segments, lens) = people.with(self.app, views);
            Membership::of(segments, (&personal, lens))
        });
        let is_in = |key: &str| membership.as_ref().is_some_and(|of| of.is_in(key));
        let segments = SegmentsOf::by(&is_in);
        let scope = Scope { views, book: self.book, site, at: self.at, now: *now, segments };
        let placement = self.asked.placement.or(Some(SEARCH_STRATEGY));
        let asked = Asked { placement, ..self.asked };
        then(&Hand::of(scope, (asked, SEARCH_STRATEGY), &[]))
    }
}

/// One search with everything that it is answered from.
struct Asking<'a> {
    app: &'a App,
    query: &'a SearchQuery,
    turn: Turn,
    request_id: String,
    admitted: &'a Admitted,
    book: &'a RuleBook,
    /// When rules are looked at: now, but for a preview.
    at: Timestamp,
    context: RecommendContext,
    meaning: Option<Meaning>,
    nearby: Option<Arc<Nearby>>,
    may_learn: SearchLearning,
}

impl Asking<'_> {
    /// What the shopper likes and which rules hold; the views are let go of before the index is asked.
    fn prepare(&self) -> Prepared {
        let Admitted { whom, ids, site, withheld, .. } = self.admitted;
        let views = self.app.views.read();
        let arm = self.app.holdout_arm(&views, (*whom, *ids), (site, *withheld));
        let analytics = Use { purpose: Purpose::Analytics, site, withheld: *withheld };
        let may_analyse = views.allows(*whom, analytics);
        let is_sorted = !self.query.sort.is_empty();
        let is_impersonal = is_sorted || arm == Some(HoldoutArm::Holdout);
        let taste = if is_impersonal { Taste::default() } else { self.taste(&views) };
        let is_taught = !is_sorted && self.may_learn != SearchLearning::None;
        let learned = self.app.learned(&views).filter(|_| is_taught);
        let learned = learned.and_then(|learned| learned.query(site, &self.query.query));
        let learning = self.learning(&views, arm);
        let (hidden, reorders, messages) = self.with_hand(&views, arm, |hand| {
            let reorders = hand.reorders() && !is_sorted;
            (hand.hidden(), reorders, Messages::of(hand, self.query))
        });
        Prepared { taste, learned, learning, hidden, reorders, messages, arm, may_analyse }
    }

    fn taste(&self, views: &Views) -> Taste {
        let Admitted { whom, site, withheld, now, .. } = self.admitted;
        let purpose = Use { purpose: Purpose::Personalization, site, withheld: *withheld };
        Taste::of(&views.for_purpose(*whom, purpose), (&views.catalogue, *now))
    }

    /// Does something with the rules that hold.
    fn with_hand<T>(
        &self,
        views: &Views,
        arm: Option<HoldoutArm>,
        then: impl FnOnce(&Hand<'_>) -> T,
    ) -> T {
        let Asking { app, admitted, book, at, context, query, .. } = self;
        let placement = query.placement.as_deref();
        let ruled = Ruled { app, admitted, book, at: *at, asked: Asked { placement, context } };
        ruled.with_hand(views, arm, then)
    }

    fn ask(&self, shelf: &shelf::Shelf, prepared: &Prepared) -> Result<SearchFound, AppError> {
        let Some(hidden) = &prepared.hidden else { return Ok(self.nothing()) };
        let index = shelf.index.read();
        self.nearby.iter().try_for_each(|nearby| nearby.check(&index))?;
        nearby::check_sort((&self.query.sort, self.query.around.as_ref()), &index)?;
        let mut request = self.request(hidden);
        // A field that no product has any more is no reason to show a shopper an error.
        request.facets.retain(|facet| index.has_field(&facet.field));
        request.sort.retain(|sort| {
            index.has_field(&sort.field) || !SORTED_BY.contains(&sort.field.as_str())
        });
        let is_own_page = self.query.cursor.as_deref().is_some_and(pool::is_own);
        let is_plain = !prepared.reorders
            && prepared.taste.is_empty()
            && prepared.learned.is_none()
            && prepared.learning.is_idle();
        if is_plain && !is_own_page {
            let answer = index.search(&request).map_err(refused)?;
            let cursor = answer.cursor.clone();
            let hits = answer.hits.iter().map(Ranked::of).collect();
            return Ok(self.found((&index, answer), hits, cursor));
        }
        let Page { answer, hits, cursor, told } = self.pooled(&index, request, prepared)?;
        let found = self.found((&index, answer), hits, cursor);
        let signals = told.mark(found.hits.iter().map(|hit| &hit.product_id));
        Ok(SearchFound { signals, ..found })
    }

    fn request(&self, (without, exclude): &(Vec<Filter>, Vec<ProductId>)) -> SearchRequest {
        let query = self.query;
        SearchRequest {
            filter: query.filter.clone(),
            without: without.clone(),
            exclude: exclude.clone(),
            facets: query.facets.clone(),
            sort: query.sort.clone(),
            distinct: query.distinct.clone(),
            limit: query.limit,
            cursor: query.cursor.clone(),
            language: self.context.locale.as_deref().map(Language::from_tag),
            currency: self.app.config.site(&self.admitted.site).map(|site| site.currency),
            typing: query.typing,
            wanted: query.wanted,
            structure: query.structure,
            meaning: self.meaning.clone(),
            around: self.nearby.as_ref().map(Nearby::for_engine),
            ..SearchRequest::new(query.query.clone())
        }
    }

    /// What was counted, with nothing for fields that no product has.
    fn all_facets(&self, mut counted: Vec<Facet>) -> Vec<Facet> {
        let asked = self.query.facets.iter().map(|asked| {
            let place = counted.iter().position(|facet| facet.field == asked.field);
            place.map_or_else(
                || Facet {
                    field: asked.field.clone(),
                    values: Vec::new(),
                    n_values: 0,
                    numbers: None,
                },
                |place| counted.remove(place),
            )
        });
        asked.collect()
    }

    fn nothing(&self) -> SearchFound {
        SearchFound {
            request_id: self.request_id.clone(),
            hits: Vec::new(),
            total: 0,
            facets: self.all_facets(Vec::new()),
            corrected: None,
            language: Language::Other,
            understood: Vec::new(),
            relaxed: Vec::new(),
            notes: Vec::new(),
            redirect: None,
            banners: Vec::new(),
            took: Duration::ZERO,
            cursor: None,
            is_explained: false,
            signals: None,
        }
    }

    /// Hits as products; what left the catalogue meanwhile is left out.
    fn found(
        &self,
        (index, answer): (&souk_search::SearchIndex, SearchAnswer),
        hits: Vec<Ranked>,
        cursor: Option<String>,
    ) -> SearchFound {
        let meant = answer.corrected.as_deref().unwrap_or(&self.query.query);
        let highlighter = index.highlighter(meant, (answer.language, self.query.typing));
        let views = self.app.views.read();
        let catalogue = &views.catalogue;
        let says_moves = self.query.explain && self.admitted.may_know_rules;
        let product = |ranked: Ranked| {
            let Ranked { id, parts, score, fit, personal, clicks, brought_by, learned, moved } =
                ranked;
            let item = catalogue.item(&self.admitted.site, &id)?;
            let title = &catalogue.product(item)?.title;
            Some(FoundProduct {
                score,
                fit,
                title_highlight: highlighted(title, &highlighter.find(title)),
                product: catalogue.product_json(item),
                nearest: self.nearby.as_ref().and_then(|nearby| nearby.nearest(item, catalogue)),
                parts,
                personal,
                clicks,
                brought_by,
                learned,
                moved: moved.filter(|_| says_moves),
                product_id: id,
            })
        };
        SearchFound {
            request_id: self.request_id.clone(),
            hits: hits.into_iter().filter_map(product).collect(),
            total: answer.total,
            facets: self.all_facets(answer.facets),
            corrected: answer.corrected,
            language: answer.language,
            understood: answer.understood,
            relaxed: answer.relaxed,
            notes: answer.notes.into_iter().map(SearchNote::Engine).collect(),
            redirect: None,
            banners: Vec::new(),
            took: Duration::ZERO,
            cursor,
            is_explained: false,
            signals: None,
        }
    }
}

/// What the engine refuses, by the field of the request.
fn refused(error: SearchError) -> AppError {
    let pointer = match &error {
        SearchError::OutOfRange { field, .. } => format!("/{field}"),
        SearchError::Sort { .. }
        | SearchError::UnknownField { .. }
        | SearchError::NoNumbers { .. } => "/sort".to_owned(),
        SearchError::Cursor => "/cursor".to_owned(),
    };
    AppError::invalid("invalid_search", &pointer, error.to_string())
}
