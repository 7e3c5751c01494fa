//! The figures of the whole shop that single people are measured against: fitted on the acts of those who
//! let others learn from them, by a job beside the requests, and held in memory alone.
//!
//! No figure is about a person: four numbers of how people come back, three of what they spend, borders of
//! fifths, shares of brands, prices of categories. Each rests on at least fifty people, or on the catalogue.

use std::time::Instant;

use rustc_hash::FxHashMap;
use souk_core::{Purpose, Purposes, SiteId, Timestamp};
use souk_recommend::Item;
use souk_recommend::lifetime::bg_nbd::{BgNbdFit, Visits};
use souk_recommend::lifetime::gamma_gamma::{GammaGammaFit, Spending};
use souk_recommend::lifetime::rfm::{Rfm, RfmCuts};

use super::person::{Basics, days_between};
use crate::projections::{Sharing, Use, Views};

/// Orders of a brand or category in the whole shop below which its share is not known.
const ORDERS_MIN: u32 = 20;
/// Priced products of a category below which a price in it has no place.
pub(super) const PRICES_MIN: usize = 5;

/// A person among the others: no name, no products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figures {
    pub(super) visits: Visits,
    pub(super) orders: u32,
    pub(super) last: Timestamp,
    /// Orders whose amount is known, and all of their amounts in minor units.
    pub(super) paid: (u32, f64),
}

/// What the shop's figures are fitted on.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    pub(super) people: Vec<Figures>,
    pub(super) shares: Shares,
}

/// How often brands and categories are bought, and what a category's products cost.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares {
    pub(super) brands: FxHashMap<Box<str>, f32>,
    /// By whole path.
    pub(super) categories: FxHashMap<Box<str>, f32>,
    /// By whole path: prices in minor units, ascending.
    pub(super) prices: FxHashMap<Box<str>, Vec<i64>>,
}

/// The figures of one site.
#[derive(Debug)]
pub(crate) struct Standing {
    /// When they were fitted, by the shop's clock.
    pub(crate) made_at: Timestamp,
    /// People they were fitted on.
    pub(crate) n_people: usize,
    /// How long the fit took, in milliseconds of real time.
    pub(crate) ms: u64,
    pub(super) buying: Option<BgNbdFit>,
    pub(super) spending: Option<GammaGammaFit>,
    pub(super) rfm: Option<RfmCuts>,
    /// The expected value from which on somebody is of high value, in minor units.
    pub(super) high_value_from: Option<f64>,
    pub(super) shares: Shares,
}

/// Where a fit looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    pub(super) now: Timestamp,
    pub(super) horizon_days: f64,
    pub(super) high_value_share: f64,
}

impl Views {
    /// The figures of the people with these numbers, as far as others may learn from them.
    pub(super) fn figures(
        &self,
        numbers: std::ops::Range<u32>,
        (site, currency): (&SiteId, souk_core::Currency),
        now: Timestamp,
    ) -> Vec<Figures> {
        let Some(site_no) = self.catalogue.find_site(site) else { return Vec::new() };
        let purpose = Use { purpose: Purpose::ModelTraining, site, withheld: Purposes::NONE };
        let people = numbers.filter_map(|number| self.person_at(number, purpose));
        let figures = people.filter_map(|(_, consented)| {
            let (purchases, _) = consented.purchases(Sharing::Others, (site_no, currency));
            let basics = Basics::of(&purchases, now)?;
            let (orders, last) = (basics.orders, basics.last);
            Some(Figures { visits: basics.visits(), orders, last, paid: basics.paid })
        });
        figures.collect()
    }

    /// Shares and prices of a site.
    pub(super) fn shares(&self, site: &SiteId) -> Shares {
        let Some(site_no) = self.catalogue.find_site(site) else { return Shares::default() };
        let (mut brands, mut kinds) = (FxHashMap::default(), FxHashMap::default());
        let mut shares = Shares::default();
        let (mut of_brands, mut of_kinds) = (0_u32, 0_u32);
        let crowd = self.crowd();
        for item in (0..self.catalogue.n_items() as u32).map(Item) {
            let Some(product) = self.catalogue.product(item) else { continue };
            if self.catalogue.site_number(item) != site_no {
                continue;
            }
            let n = crowd.baskets.n_visits_with(item);
            if let Some(brand) = &product.brand {
                *brands.entry(brand.as_str()).or_insert(0) += n;
                of_brands += n;
            }
            let Some(kind) = self.catalogue.kinds().of(item) else { continue };
            *kinds.entry(kind).or_insert(0) += n;
            of_kinds += n;
            if let Some(price) = product.price {
                let path = self.catalogue.kinds().path(kind);
                match shares.prices.get_mut(path) {
                    Some(known) => known.push(price.minor()),
                    None => drop(shares.prices.insert(path.into(), vec![price.minor()])),
                }
            }
        }
        let known = |n: u32| n >= ORDERS_MIN;
        let brands = brands.into_iter().filter(|(_, n)| known(*n));
        shares.brands =
            brands.map(|(brand, n)| (brand.into(), n as f32 / of_brands as f32)).collect();
        let kinds = kinds.into_iter().filter(|(_, n)| known(*n));
        let path = |kind| self.catalogue.kinds().path(kind);
        shares.categories =
            kinds.map(|(kind, n)| (path(kind).into(), n as f32 / of_kinds as f32)).collect();
        shares.prices.retain(|_, prices| prices.len() >= PRICES_MIN);
        shares.prices.values_mut().for_each(|prices| prices.sort_unstable());
        shares
    }
}

impl Standing {
    /// Fits the figures. Takes a second for a hundred thousand people.
    pub(super) fn of(crowd: Crowd, fit: Fit) -> Standing {
        let began = Instant::now();
        let Crowd { people, shares } = crowd;
        let visits: Vec<Visits> = people.iter().map(|one| one.visits).collect();
        let buying = BgNbdFit::of(&visits);
        let spent: Vec<Spending> = people.iter().filter_map(spending).collect();
        let spending_fit = GammaGammaFit::of(&spent);
        let rfm: Vec<Rfm> = people.iter().map(|one| rfm(one, fit.now)).collect();
        let mut standing = Standing {
            made_at: fit.now,
            n_people: people.len(),
            ms: 0,
            buying,
            spending: spending_fit,
            rfm: RfmCuts::of(&rfm),
            high_value_from: None,
            shares,
        };
        standing.high_value_from = standing.value_border(&people, fit);
        standing.ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        standing
    }

    fn value_border(&self, people: &[Figures], fit: Fit) -> Option<f64> {
        let values = people.iter().filter_map(|one| {
            let orders = self.buying?.model.expected(&one.visits, fit.horizon_days)?;
            Some(orders * self.spending?.model.expected(&spending(one)?)?)
        });
        let mut values: Vec<f64> = values.collect();
        if values.is_empty() || fit.high_value_share <= 0.0 {
            return None;
        }
        values.sort_unstable_by(|a, b| b.total_cmp(a));
        let n =
            ((values.len() as f64 * fit.high_value_share).ceil() as usize).clamp(1, values.len());
        Some(values[n - 1])
    }
}

pub(super) fn spending(one: &Figures) -> Option<Spending> {
    let (purchases, minor) = one.paid;
    (purchases > 0 && minor > 0.0)
        .then(|| Spending { purchases, mean: minor / f64::from(purchases) })
}

pub(super) fn rfm(one: &Figures, now: Timestamp) -> Rfm {
    Rfm {
        recency_days: days_between(one.last, now),
        orders: f64::from(one.orders),
        spend: one.paid.1,
    }
}
