mod point;

use jiff::tz::TimeZone;

use crate::{Currency, Day, LocationId, SiteId, Timestamp};

pub use point::{GeoPoint, GeoPointError};

/// A brand or country: its own currency, languages and clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The name in `context.site`.
    pub id: SiteId,
    /// The currency of its prices.
    pub currency: Currency,
    /// The clock of events that name no location.
    pub time_zone: TimeZone,
    /// IETF tags, the preferred one first.
    pub languages: Vec<String>,
}

impl Site {
    /// The calendar day of `at` by the site's clock.
    pub fn day(&self, at: Timestamp) -> Day {
        Day::of(at, &self.time_zone, 0)
    }
}

/// A shop or warehouse: where stock stands and days begin.
#[derive(Clone, Debug, PartialEq)]
pub struct Location {
    /// The name in requests and files.
    pub id: LocationId,
    /// The site it sells for.
    pub site: SiteId,
    /// Its clock.
    pub time_zone: TimeZone,
    /// Minutes after midnight at which a business day begins: sales at 01:30 belong to yesterday
    /// where it is 120.
    pub day_cut_minutes: u16,
    /// Where it is.
    pub point: Option<GeoPoint>,
}

impl Location {
    /// The business day of `at` here.
    pub fn day(&self, at: Timestamp) -> Day {
        Day::of(at, &self.time_zone, self.day_cut_minutes)
    }
}

#[cfg(test)]
mod tests;
