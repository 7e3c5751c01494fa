//! What of a shelf is past its last day or will be before it is sold, as the plan of the place counts it.

use souk_core::Day;

use super::{Advice, Ahead, ForecastRequest, Risk};
use crate::App;
use crate::replenishment::shelf;

/// Lots of a product at a place that go off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Going {
    /// Units that are past their last day and still in the books.
    pub(super) expired: f64,
    /// Units that go off unsold, these among them, on average.
    left: f64,
    /// The chance that some do.
    chance: f64,
    /// The last day of the first lot that may still be sold, and its units.
    next: Option<(Day, f64)>,
}

impl Going {
    /// Of what is asked, by the demand from now on; `None` for all places together and where nothing goes off.
    pub(super) fn of(
        app: &App,
        request: &ForecastRequest,
        (today, ahead): (Day, &Ahead),
    ) -> Option<Going> {
        let ids = (&request.site, &request.product);
        let location = request.location.as_ref()?;
        let key = app.series_key(ids, Some(location)).ok()?;
        let product = app.product(ids.0, ids.1)?;
        let lots = {
            let views = app.views.read();
            shelf::lots(&views, (key.item, key.location?), (today, &product))
        };
        let risks = shelf::expected(ahead, &lots);
        let past = lots.iter().filter(|lot| lot.days_left == 0);
        let expired = past.fold(0.0, |sum, lot| sum + lot.units);
        let next = lots.iter().find(|lot| lot.days_left > 0);
        (!lots.is_empty()).then(|| Going {
            expired,
            left: risks.iter().map(|risk| risk.wasted).sum(),
            chance: risks.iter().map(|risk| risk.chance).fold(0.0, f64::max),
            next: next.map(|lot| (lot.expires_on, lot.units)),
        })
    }

    pub(super) fn risk(&self) -> Risk {
        let mut parts = Vec::new();
        if self.expired > 0.0 {
            parts.push(format!("{:.0} units are past their last day", self.expired));
        }
        if let Some((day, units)) = self.next {
            parts.push(format!("the next {units:.0} may be sold until {day}"));
        }
        let text = format!(
            "{}; {:.1} units of all lots will go off unsold on average",
            parts.join("; "),
            self.left
        );
        Risk { risk: "expiry", probability: self.chance, effect_units: self.left, text }
    }

    /// What to do with what is past its last day.
    pub(super) fn advice(&self) -> Option<Advice> {
        let text = format!(
            "{:.0} units are past their last day and still in the books; they do not count as stock here",
            self.expired
        );
        let quantity = Some(self.expired);
        (self.expired > 0.0).then_some(Advice { action: "write_off", quantity, text })
    }
}
