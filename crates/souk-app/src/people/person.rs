//! One person, looked at when somebody asks: what was bought, what follows from it. Nothing here is kept.
//!
//! What costs more than adding up orders is found out when it is first asked for, so that a question about
//! the number of orders does not pay for affinities.

use std::cell::OnceCell;

use jiff::tz::TimeZone;
use souk_core::{Currency, Timestamp};
use souk_recommend::lifetime::bg_nbd::Visits;
use souk_recommend::lifetime::rfm::{RfmName, RfmScores};

use super::habits::Habits;
use super::standing::{Figures, Standing, rfm, spending};
use super::taste::Tastes;
use crate::config::ProfileSettings;
use crate::projections::{Consented, PaidLine, Purchase, Sharing, Touch, Views};

const DAY_MS: i64 = 86_400_000;

/// Whole and parts of days between two moments; never below 0.
pub(super) fn days_between(earlier: Timestamp, later: Timestamp) -> f64 {
    later.ms_since(earlier).max(0) as f64 / DAY_MS as f64
}

/// What people are looked at with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lens<'a> {
    pub(crate) views: &'a Views,
    /// The shop's figures, once they are fitted.
    pub(crate) standing: Option<&'a Standing>,
    pub(crate) settings: &'a ProfileSettings,
    /// The number of the site; `None` where it has no product yet.
    pub(crate) site: Option<u32>,
    pub(crate) currency: Currency,
    pub(crate) zone: &'a TimeZone,
    pub(crate) now: Timestamp,
}

/// Sums over a person's orders.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Basics {
    pub(super) orders: u32,
    /// Different days with an order: two orders of a day are one errand.
    pub(super) days: u32,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// Orders whose amount is known, and all of their amounts in minor units.
    pub(super) paid: (u32, f64),
    now: Timestamp,
}

impl Basics {
    /// Of orders, oldest first; `None` of none.
    pub(super) fn of(purchases: &[Purchase], now: Timestamp) -> Option<Basics> {
        let (first, last) = (purchases.first()?.at, purchases.last()?.at);
        let mut basics = Basics { orders: 0, days: 0, first, last, paid: (0, 0.0), now };
        let mut day = None;
        for purchase in purchases {
            basics.orders += 1;
            // Days since the first order, so that the clock of the site makes no difference.
            let this = purchase.at.ms_since(first).div_euclid(DAY_MS);
            basics.days += u32::from(day != Some(this));
            day = Some(this);
            if let Some(minor) = purchase.minor {
                basics.paid.0 += 1;
                basics.paid.1 += minor as f64;
            }
        }
        Some(basics)
    }

    /// As the model of coming back takes them, in days.
    pub(super) fn visits(&self) -> Visits {
        let repeats = self.days - 1;
        let last = if repeats == 0 { 0.0 } else { days_between(self.first, self.last) };
        // Somebody who came this very moment has been a customer for an instant.
        let age = days_between(self.first, self.now.max(self.last)).max(1e-3);
        Visits { repeats, last, age }
    }

    pub(super) fn figures(&self) -> Figures {
        Figures { visits: self.visits(), orders: self.orders, last: self.last, paid: self.paid }
    }
}

/// What is to be expected of a person; `None` where the shop's figures or the person's are too thin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Outlook {
    pub(super) alive: Option<f64>,
    pub(super) orders: Option<f64>,
    /// That nothing is bought within the horizon.
    pub(super) churn_risk: Option<f64>,
    /// Days until the next order, with probability one half before.
    pub(super) next_days: Option<f64>,
    /// Minor units of one order.
    pub(super) order_value: Option<f64>,
    /// Minor units within the horizon.
    pub(super) value: Option<f64>,
}

/// One person.
#[derive(Debug)]
pub(crate) struct Person<'a> {
    pub(super) lens: Lens<'a>,
    consented: &'a Consented<'a>,
    pub(super) purchases: Vec<Purchase>,
    pub(super) lines: Vec<PaidLine>,
    pub(super) basics: Option<Basics>,
    touches: OnceCell<Vec<Touch>>,
    outlook: OnceCell<Outlook>,
    tastes: OnceCell<Tastes<'a>>,
    habits: OnceCell<Habits>,
}

impl<'a> Person<'a> {
    /// Looks at what a purpose may see.
    pub(crate) fn of(consented: &'a Consented<'a>, lens: Lens<'a>) -> Person<'a> {
        let (purchases, lines) = match lens.site {
            Some(site) => consented.purchases(Sharing::Own, (site, lens.currency)),
            None => (Vec::new(), Vec::new()),
        };
        let basics = Basics::of(&purchases, lens.now);
        let (touches, outlook) = (OnceCell::new(), OnceCell::new());
        let (tastes, habits) = (OnceCell::new(), OnceCell::new());
        Person { lens, consented, purchases, lines, basics, touches, outlook, tastes, habits }
    }

    /// Whether anything is known of them here.
    pub(crate) fn is_known(&self) -> bool {
        self.basics.is_some() || !self.touches().is_empty()
    }

    /// What the person did on the site besides buying, subject by subject.
    pub(super) fn touches(&self) -> &[Touch] {
        self.touches.get_or_init(|| {
            let catalogue = &self.lens.views.catalogue;
            let is_here =
                |touch: &&Touch| Some(catalogue.site_number(touch.item)) == self.lens.site;
            self.consented.touches().filter(is_here).copied().collect()
        })
    }

    pub(super) fn lines_of(&self, purchase: &Purchase) -> &[PaidLine] {
        &self.lines[purchase.first as usize..purchase.end as usize]
    }

    pub(super) fn tastes(&self) -> &Tastes<'a> {
        self.tastes.get_or_init(|| Tastes::of(self))
    }

    pub(super) fn habits(&self) -> &Habits {
        self.habits.get_or_init(|| Habits::of(self))
    }

    /// Orders within the last days.
    pub(super) fn orders_within(&self, days: f64) -> usize {
        let is_near = |purchase: &&Purchase| days_between(purchase.at, self.lens.now) <= days;
        self.purchases.iter().rev().take_while(is_near).count()
    }

    /// Minor units spent within the last days.
    pub(super) fn spent_within(&self, days: f64) -> i64 {
        let is_near = |purchase: &&Purchase| days_between(purchase.at, self.lens.now) <= days;
        self.purchases.iter().rev().take_while(is_near).filter_map(|one| one.minor).sum()
    }

    /// The standing among the others, with its name.
    pub(super) fn rfm(&self) -> Option<(RfmScores, RfmName)> {
        let cuts = self.lens.standing?.rfm?;
        let scores = cuts.scores(&rfm(&self.basics?.figures(), self.lens.now));
        Some((scores, RfmName::of(scores)))
    }

    pub(super) fn outlook(&self) -> &Outlook {
        self.outlook.get_or_init(|| self.look_ahead().unwrap_or_default())
    }

    fn look_ahead(&self) -> Option<Outlook> {
        let (basics, standing) = (self.basics?, self.lens.standing?);
        let horizon = self.lens.settings.horizon_days as f64;
        let visits = basics.visits();
        let buying = standing.buying.map(|fit| fit.model);
        let orders = buying.and_then(|model| model.expected(&visits, horizon));
        let own = spending(&basics.figures());
        let order_value =
            own.and_then(|own| standing.spending.and_then(|fit| fit.model.expected(&own)));
        Some(Outlook {
            alive: buying.map(|model| model.alive(&visits)),
            orders,
            churn_risk: buying.map(|model| 1.0 - model.buys_within(&visits, horizon)),
            next_days: buying.and_then(|model| model.half_time(&visits)),
            order_value,
            value: orders.zip(order_value).map(|(orders, value)| orders * value),
        })
    }

    /// Whether they are among those with the highest expected value.
    pub(super) fn is_high_value(&self) -> Option<bool> {
        let from = self.lens.standing?.high_value_from?;
        self.outlook().value.map(|value| value >= from)
    }
}
