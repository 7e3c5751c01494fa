//! The order of hits that shoppers' choices taught: of all queries together, so that those profit which nobody asked
//! before. What each query teaches of itself is in [`super::learned`].
//!
//! What is recorded with a sample of the answers and what the order is asked with are the same bytes, of the same first hits
//! whatever page is shown, so pages agree with one another.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use souk_core::{AttributeValue, Currency, Product, ProductId, SignalMark};
use souk_recommend::Item;
use souk_recommend::impressions::ImpressionOrder;
use souk_recommend::impressions::signals::{Signal, SignalRow, around, count, share};
use souk_search::{SearchAnswer, Typing};

use super::{Asking, Ranked, SearchMode, Turn, pool};
use crate::config::SearchLearning;
use crate::holdout::HoldoutArm;
use crate::projections::Views;
use crate::recommend::range::RATINGS;
use crate::recommend::{Drawn, OfShop, is, ln_minor, may_teach};

/// Hits that are put in order; chosen: a page of most shops. What stands behind them was hardly ever looked at.
const WINDOW: usize = 24;
/// Prices e³ times the middle one are as much as any beyond; likewise factors of a score of e².
const PRICE_SPAN: f64 = 3.0;
const FACTOR_SPAN: f64 = 2.0;

/// A hit with how much of the query it lacks.
pub(super) type Known = (usize, Item, Ranked);

/// What an answer has to do with the learned order.
#[derive(Clone, Debug, Default)]
pub(super) struct Learning {
    /// In which order the first hits stand; `None` for that of the stages.
    order: Option<Arc<ImpressionOrder>>,
    /// Whether what was known of them is recorded.
    drawn: Drawn,
}

impl Learning {
    /// Whether the order stays that of the stages and nothing is recorded.
    pub(super) fn is_idle(&self) -> bool {
        self.order.is_none() && self.drawn == Drawn::Not
    }

    /// Whether later pages must stand as the stages give them too.
    pub(super) fn is_as_given(&self) -> bool {
        self.drawn == Drawn::AsGiven
    }
}

/// What was known of the hits of an answer that is recorded.
#[derive(Debug, Default)]
pub(super) struct Told(FxHashMap<ProductId, SignalRow>);

impl Told {
    /// Row by row of what is shown; what a rule picked, and what stood further down, tells nothing.
    pub(super) fn mark<'a>(
        &self,
        shown: impl Iterator<Item = &'a ProductId>,
    ) -> Option<SignalMark> {
        let rows = shown.map(|id| self.0.get(id).copied().unwrap_or_default());
        let (codes, rows) = SignalRow::encode(&rows.collect::<Vec<SignalRow>>());
        (!codes.is_empty()).then_some(SignalMark { codes, rows })
    }
}

impl Asking<'_> {
    /// What the answer has to do with the learned order: nothing for those who are held out, under an order by a number, where
    /// words or meaning alone are asked for, and where nothing is recorded that could judge it.
    pub(super) fn learning(&self, views: &Views, arm: Option<HoldoutArm>) -> Learning {
        let (app, query) = (self.app, self.query);
        let per_hour = app.config.recommendations.model.signals_per_hour;
        let is_out = per_hour == 0
            || self.may_learn == SearchLearning::None
            || arm == Some(HoldoutArm::Holdout)
            || !query.sort.is_empty()
            || query.mode != SearchMode::Auto
            || query.query.trim().is_empty()
            || query.cursor.as_deref().is_some_and(pool::is_as_given);
        if is_out {
            return Learning::default();
        }
        let admitted = self.admitted;
        let may_teach = || {
            query.typing == Typing::Finished
                && query.cursor.is_none()
                && self.turn == Turn::Alone
                && may_teach(views, (admitted.whom, &admitted.site, admitted.withheld))
        };
        let rate = (per_hour, admitted.now);
        let drawn = app.ranking.search_sample.draw(&self.request_id, rate, may_teach);
        let model = app.models.serving().filter(|_| drawn != Drawn::AsGiven);
        Learning { order: model.and_then(|model| model.orders.searches.clone()), drawn }
    }

    /// Puts the first hits, which stand as the stages give them, into the learned order, and tells what was known of them where
    /// that is recorded. Scores keep their places, so they fall as before; by how much a hit's own was changed is its share.
    pub(super) fn put_in_order(
        &self,
        known: &mut [Known],
        learning: &Learning,
        (views, answer): (&Views, &SearchAnswer),
    ) -> Told {
        let mut told = Told::default();
        if learning.is_idle() || known.is_empty() {
            return told;
        }
        let n_first = WINDOW.min(known.len());
        let first = &mut known[..n_first];
        let rows = self.rows(first, (views, answer));
        if learning.drawn != Drawn::Not {
            let ids = first.iter().map(|(_, _, ranked)| ranked.id.clone());
            told.0 = ids.zip(rows.iter().copied()).collect();
        }
        let Some(order) = &learning.order else { return told };
        let scores: Vec<f64> = first.iter().map(|(_, _, ranked)| ranked.score).collect();
        let ordered: Vec<Known> =
            order.order(&rows).into_iter().map(|idx| first[idx].clone()).collect();
        for ((place, hit), score) in first.iter_mut().zip(ordered).zip(scores) {
            *place = hit;
            let ranked = &mut place.2;
            if ranked.score > 0.0 {
                ranked.learned = score / ranked.score;
            }
            ranked.score = score;
        }
        told
    }

    /// What is known of hits, in the order of the stages.
    fn rows(&self, first: &[Known], (views, answer): (&Views, &SearchAnswer)) -> Vec<SignalRow> {
        let of_shop = OfShop {
            views,
            trials: self.app.ranking.trials(),
            now: self.admitted.now,
            location: self.context.location_id.as_ref(),
        };
        let of_query = self.of_query(answer);
        let others = Others::of(first, views);
        let row = |(rank, (n_missing, item, ranked)): (usize, &Known)| {
            let mut row = of_query;
            row.set_rank(rank);
            row.set_missing(*n_missing);
            of_shop.tell_demand(*item, &mut row);
            of_shop.tell_product(*item, &mut row);
            tell_stages(ranked, &others, &mut row);
            if let Some(product) = views.catalogue.product(*item) {
                others.tell(product, &mut row);
            }
            row
        };
        first.iter().enumerate().map(row).collect()
    }

    /// What all hits of an answer share.
    fn of_query(&self, answer: &SearchAnswer) -> SignalRow {
        let mut row = SignalRow::default();
        row.set(Signal::QueryWords, count(self.query.query.split_whitespace().count() as f64));
        row.set(Signal::Hits, count(answer.total as f64));
        row.set(Signal::IsCorrected, is(|| answer.corrected.is_some()));
        row.set(Signal::IsRelaxed, is(|| !answer.relaxed.is_empty()));
        row.set(Signal::IsUnderstood, is(|| !answer.understood.is_empty()));
        row
    }
}

/// What the stages say of a hit.
fn tell_stages(ranked: &Ranked, others: &Others, row: &mut SignalRow) {
    let factor = |value: f64| around(value.ln(), FACTOR_SPAN);
    row.set(Signal::ScoreToBest, share(ranked.score / others.score));
    row.set(Signal::QueryClicks, factor(ranked.clicks));
    row.set(Signal::OwnTaste, factor(ranked.personal));
    row.set(Signal::IsBroughtIn, is(|| ranked.brought_by.is_some()));
    let Some(parts) = &ranked.parts else { return };
    row.set(Signal::TextToBest, share(parts.text / others.text));
    row.set(Signal::TitleFit, factor(parts.title));
    row.set(Signal::CategoryFit, factor(parts.category));
    row.set(Signal::MeaningFit, factor(parts.meaning));
    row.set(Signal::PreferenceFit, factor(parts.preference));
    row.set(Signal::Availability, share(parts.availability));
    row.set(Signal::Popularity, factor(parts.popularity));
}

/// What a hit is held against: the others beside it.
struct Others {
    /// The best score, and what words are worth at best.
    score: f64,
    text: f64,
    /// The middle of the logarithms of prices, by the currency of the first.
    price: Option<(Currency, f64)>,
    rating: Option<f64>,
}

impl Others {
    fn of(first: &[Known], views: &Views) -> Others {
        let most = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
        let products: Vec<&Arc<Product>> =
            first.iter().filter_map(|(_, item, _)| views.catalogue.product(*item)).collect();
        let currency = products.iter().find_map(|product| product.price).map(|of| of.currency());
        let prices = products.iter().filter_map(|product| product.price);
        let prices = prices.filter(|price| Some(price.currency()) == currency).map(ln_minor);
        let mut prices: Vec<f64> = prices.collect();
        prices.sort_unstable_by(f64::total_cmp);
        let ratings = products.iter().filter_map(|product| rating(product));
        Others {
            score: most(&mut first.iter().map(|(_, _, ranked)| ranked.score)),
            text: most(&mut first.iter().filter_map(|hit| Some(hit.2.parts.as_ref()?.text))),
            price: currency.zip(prices.get(prices.len() / 2).copied()),
            rating: ratings.reduce(f64::max),
        }
    }

    fn tell(&self, product: &Product, row: &mut SignalRow) {
        if let (Some((currency, middle)), Some(price)) = (self.price, product.price)
            && price.currency() == currency
        {
            row.set(Signal::PriceToHits, around(ln_minor(price) - middle, PRICE_SPAN));
        }
        if let (Some(best), Some(own)) = (self.rating, rating(product)) {
            row.set(Signal::RatingToHits, share(own / best));
        }
    }
}

/// The rating of a product, on whatever scale the shop has.
fn rating(product: &Product) -> Option<f64> {
    let number = |name: &&str| match product.attributes.get(*name) {
        Some(AttributeValue::Number(number)) => Some(*number),
        _ => None,
    };
    RATINGS.iter().find_map(number)
}
