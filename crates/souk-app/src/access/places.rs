//! Where a key may be used: the sites and locations that it is bound to.

use souk_core::{LocationId, SiteId};

use crate::{App, AppError, Caller};

use super::{NewKey, PLACES_MAX};

/// The places of a key; an empty list means all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Sites.
    pub sites: Vec<SiteId>,
    /// Locations.
    pub locations: Vec<LocationId>,
}

impl Places {
    fn has_site(&self, site: &SiteId) -> bool {
        self.sites.is_empty() || self.sites.contains(site)
    }

    fn has_location(&self, location: &LocationId) -> bool {
        self.locations.is_empty() || self.locations.contains(location)
    }
}

impl Caller {
    /// Whether the key may be used for this site.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] when it is bound to others.
    pub fn check_site(&self, site: &SiteId) -> Result<(), AppError> {
        let what = "act for this site with this key, which is bound to others";
        if self.places.has_site(site) { Ok(()) } else { Err(self.denied(what)) }
    }

    /// Whether the key may be used for this location; `None` where what is asked concerns none.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] when it is bound to others.
    pub fn check_location(&self, location: Option<&LocationId>) -> Result<(), AppError> {
        let what = "act for this location with this key, which is bound to others";
        let is_in = location.is_none_or(|location| self.places.has_location(location));
        if is_in { Ok(()) } else { Err(self.denied(what)) }
    }

    /// Whether the key may report at this location: one that is bound must name its own.
    pub(crate) fn may_report_at(&self, location: Option<&LocationId>) -> bool {
        match location {
            Some(location) => self.places.has_location(location),
            None => self.places.locations.is_empty(),
        }
    }

    pub(crate) fn denied(&self, what: &'static str) -> AppError {
        AppError::Denied { role: self.role.as_str(), what }
    }
}

impl App {
    /// Checks the places that a new key shall be bound to.
    pub(super) fn check_places(&self, new: &NewKey) -> Result<(), AppError> {
        let refuse =
            |pointer: &str, detail: String| Err(AppError::invalid("invalid_key", pointer, detail));
        for (pointer, count) in
            [("/sites", new.places.sites.len()), ("/locations", new.places.locations.len())]
        {
            if count > PLACES_MAX {
                return refuse(pointer, format!("{count} places; the limit is {PLACES_MAX}"));
            }
        }
        for (idx, site) in new.places.sites.iter().enumerate() {
            if self.config.site(site).is_none() {
                let detail = format!(
                    "`{site}` is not a site of this shop; add it to `sites` in souk.yaml first"
                );
                return refuse(&format!("/sites/{idx}"), detail);
            }
        }
        Ok(())
    }
}
