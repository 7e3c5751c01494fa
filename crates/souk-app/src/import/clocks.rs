//! The clocks by which times without an offset are read.

use rustc_hash::FxHashMap;
use souk_core::{SiteId, Timestamp};

use super::orders::{Fault, fault};
use crate::App;
use crate::demand::PlaceClock;
use crate::sheet::Cell;

/// The clocks of the places that the settings name, and that of the site for all others.
#[derive(Clone, Debug)]
pub(crate) struct Clocks {
    places: FxHashMap<String, PlaceClock>,
    site: PlaceClock,
}

impl Default for Clocks {
    fn default() -> Clocks {
        Clocks { places: FxHashMap::default(), site: PlaceClock::utc() }
    }
}

impl Clocks {
    /// The clock of a place, or of the site.
    pub(super) fn of(&self, location: Option<&str>) -> &PlaceClock {
        location.and_then(|id| self.places.get(id)).unwrap_or(&self.site)
    }

    /// When something was at a place.
    pub(super) fn time(
        &self,
        cell: Cell<'_>,
        location: Option<&str>,
    ) -> Result<Option<Timestamp>, Fault> {
        let told = cell.moment_of_trade().map_err(|error| fault("timestamp", error))?;
        let at = told.map(|told| self.of(location).moment(told)).transpose();
        at.map_err(|error| fault("timestamp", error))
    }
}

impl App {
    /// The clocks of a site's places.
    pub(super) fn clocks(&self, site: &SiteId) -> Clocks {
        let places = self
            .config
            .locations()
            .map(|place| (place.id.to_string(), self.place_clock(&place.site, Some(&place.id))));
        Clocks { places: places.collect(), site: self.place_clock(site, None) }
    }
}
