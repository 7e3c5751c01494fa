use souk_core::{Channel, Filter, LocationId, ProductId, SiteId};

use crate::{App, AppError, Caller};

/// How candidates are chosen; `Auto` decides by placement and by what is known of the shopper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are those of the contract")]
pub enum Strategy {
    Auto,
    ForYou,
    NextBasket,
    Session,
    Similar,
    BoughtTogether,
    BuyAgain,
    RecentlyViewed,
    Trending,
    Popular,
    New,
}

/// What a shopper is looking at while the answer is made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecommendContext {
    /// `home`, `product`, `cart`, ….
    pub page_type: Option<String>,
    /// The product on the page.
    pub product_id: Option<ProductId>,
    /// What lies in the cart.
    pub cart: Vec<ProductId>,
    /// An explicit visit history, oldest first; `None` means the stored one.
    pub session: Option<Vec<ProductId>>,
    /// What was searched for.
    pub query: Option<String>,
    /// Where the shopper is.
    pub channel: Option<Channel>,
    /// The wanted language, an IETF tag.
    pub locale: Option<String>,
    /// Whose products; `None` is the only or main site.
    pub site: Option<SiteId>,
    /// Whose stock.
    pub location_id: Option<LocationId>,
}

/// A request for recommendations; every value is valid by type.
#[derive(Clone, Debug, PartialEq)]
pub struct RecommendRequest {
    /// The shop's name for the shopper.
    pub user_id: Option<String>,
    /// The browser's name for the shopper.
    pub anonymous_id: Option<String>,
    /// Where on the page the answer goes.
    pub placement: Option<String>,
    /// How to choose.
    pub strategy: Strategy,
    /// How many, 1 to 100.
    pub limit: usize,
    /// What the shopper is looking at.
    pub context: RecommendContext,
    /// What products must satisfy.
    pub filter: Option<Filter>,
    /// What must not be answered.
    pub exclude: Vec<ProductId>,
    /// Whether to say more than the reason: the strategy's choice and counts.
    pub explain: bool,
}

/// What a reason rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are those of the contract")]
pub enum ReasonKind {
    BoughtTogether,
    BoughtBefore,
    SimilarShoppers,
    ViewedTogether,
    RecentlyViewed,
    Trending,
    Popular,
    New,
}

/// Why one product is in the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// What it rests on.
    pub kind: ReasonKind,
    /// A sentence for the shopper.
    pub text: String,
    /// The products that spoke for this one.
    pub evidence: Vec<ProductId>,
}

/// One product of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation {
    /// Which product.
    pub product_id: ProductId,
    /// Its place, from 1.
    pub rank: u32,
    /// Comparable within this answer only.
    pub score: f32,
    /// The product as JSON text, without its cost.
    pub product: Box<str>,
    /// Why.
    pub reason: Reason,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct RecommendAnswer {
    /// Names the answer in later events.
    pub request_id: String,
    /// When it was made.
    pub timestamp: souk_core::Timestamp,
    /// What chose most of it.
    pub strategy: Strategy,
    /// Which state of which program made it.
    pub model_version: String,
    /// Best first.
    pub recommendations: Vec<Recommendation>,
    /// 0 when nothing of the shopper was used, up to 1.
    pub personalization_score: f32,
    /// One sentence on how the answer came about; empty unless asked.
    pub explanation: Option<String>,
}

impl App {
    /// Answers one request; an unknown shopper gets a non-personal answer, never an error.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] when the caller's role may not ask, [`AppError::NotReady`] before the
    /// views have caught up.
    pub fn recommend(
        &self,
        request: &RecommendRequest,
        caller: &Caller,
    ) -> Result<RecommendAnswer, AppError> {
        let _ = (request, caller);
        Err(AppError::NotReady("recommendations are not served yet".to_owned()))
    }
}
