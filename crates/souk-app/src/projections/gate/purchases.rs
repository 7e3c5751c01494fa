//! What persons bought and paid: one person at a time, for a purpose that the person allows.

use souk_core::{Channel, Currency, SubjectId, Timestamp};
use souk_recommend::{Item, Shopper};

use super::{Consented, Use, Views, Whom};
use crate::projections::orders::{Effective, Report};
use crate::projections::personal_currency;
use crate::projections::uses::Uses;

/// Which acts may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Those that may speak in what is said of their own person.
    Own,
    /// Those that others may learn from.
    Others,
}

impl Sharing {
    fn admits(self, uses: Uses) -> bool {
        match self {
            Sharing::Own => uses.is_personal(),
            Sharing::Others => uses.is_shared(),
        }
    }
}

/// An order that stands, without what came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Purchase {
    pub(crate) at: Timestamp,
    pub(crate) channel: Option<Channel>,
    /// What was paid, in minor units of the currency that was asked for; `None` where no line says.
    pub(crate) minor: Option<i64>,
    /// The lines behind [`Consented::purchases`]'s second list: from here, up to `end`.
    pub(crate) first: u32,
    pub(crate) end: u32,
}

/// One product of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PaidLine {
    pub(crate) item: Item,
    /// Thousandths of the product's unit.
    pub(crate) milli: i64,
    /// Minor units for all of it, in the currency that was asked for.
    pub(crate) minor: Option<i64>,
}

impl Consented<'_> {
    /// The person's orders on a site, oldest first, and the lines of all of them. An order that came back
    /// whole is none.
    pub(crate) fn purchases(
        &self,
        sharing: Sharing,
        (site, currency): (u32, Currency),
    ) -> (Vec<Purchase>, Vec<PaidLine>) {
        let (mut purchases, mut lines) = (Vec::new(), Vec::new());
        for &shopper in &self.shoppers {
            for (uses, order) in self.views.histories.placed(shopper) {
                if sharing.admits(uses)
                    && let Some(placed) = order.placed
                    && order.whole_refund().is_none()
                {
                    self.add((&order, placed), (site, currency), (&mut purchases, &mut lines));
                }
            }
        }
        purchases.sort_by_key(|purchase| (purchase.at, purchase.first));
        (purchases, lines)
    }

    fn add(
        &self,
        (order, placed): (&Effective<'_>, &Report),
        (site, currency): (u32, Currency),
        (purchases, lines): (&mut Vec<Purchase>, &mut Vec<PaidLine>),
    ) {
        let (catalogue, wanted) = (&self.views.catalogue, personal_currency(currency));
        let first = lines.len() as u32;
        let mut minor = None;
        let here = placed.lines.iter().filter(|line| catalogue.site_number(line.item) == site);
        for line in here.filter(|line| line.milli > 0) {
            let paid = (line.currency == wanted).then_some(line.minor);
            if let Some(paid) = paid {
                *minor.get_or_insert(0) += paid;
            }
            lines.push(PaidLine { item: line.item, milli: line.milli, minor: paid });
        }
        let end = lines.len() as u32;
        if first == end {
            return;
        }
        let back = order.refunds.iter().flat_map(|refund| refund.lines.iter());
        let back = back.filter(|line| catalogue.site_number(line.item) == site);
        let back: i64 = back.filter(|line| line.currency == wanted).map(|line| line.minor).sum();
        let channel = usize::from(placed.channel).checked_sub(1);
        purchases.push(Purchase {
            at: placed.first.0,
            channel: channel.and_then(|code| Channel::ALL.get(code).copied()),
            minor: minor.map(|minor: i64| (minor - back.abs()).max(0)),
            first,
            end,
        });
    }
}

impl Views {
    /// The end of the numbers to ask [`Views::person_at`] for.
    pub(crate) fn people_end(&self) -> u32 {
        self.shoppers.end()
    }

    /// The person whose first number this is, as far as the purpose allows; `None` for a number that is
    /// free, that stands behind another of the same person, or whose person does not allow it.
    pub(crate) fn person_at(
        &self,
        number: u32,
        purpose: Use<'_>,
    ) -> Option<(SubjectId, Consented<'_>)> {
        let shopper = Shopper(number);
        let subject = self.shoppers.subject(shopper)?;
        let consented = self.for_purpose(Whom::known(subject), purpose);
        let is_first = consented.shoppers.first() == Some(&shopper);
        is_first.then_some((subject, consented))
    }
}
