//! What moves demand from outside the shop: weather, a competitor's price, the economy, as named numbers by day, of one
//! place or of all of a site.
//!
//! They stand in the tables, because they are no facts about the shop and the newest word on a day is the only one
//! that counts: tomorrow's weather is told anew every day. Nothing is about persons. Whether one moves the demand of a product is
//! for the forecast to find out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use souk_core::{Day, LocationId, SiteId, Timestamp};
use souk_ports::{Condition, Row, TableStore, Write, WriteChange};
use xxhash_rust::xxh3::xxh3_128;

use crate::demand::DemandSeries;
use crate::purchasing::{invalid, shown};
use crate::stored::load;
use crate::{App, AppError, AuditAct, AuditObject, AuditOperation, Caller, Operation};

#[cfg(test)]
mod tests;

/// Values of one call (chosen).
pub const PUT_SIGNALS_MAX: usize = 10_000;
/// Signals of a place, and of a site beside its places: each is tried on every product (chosen).
pub const SIGNALS_MAX: usize = 8;
/// Days of one signal, the latest ones: those of a series, and two years ahead (chosen).
const DAYS_MAX: usize = 1_900;
/// Signals of one installation (chosen).
const ALL_MAX: usize = 5_000;
/// The largest value, whichever its sign (chosen).
const VALUE_MAX: f64 = 1e12;
/// Rows of one write to the tables (chosen: a megabyte).
const WRITES_AT_ONCE: usize = 20;
const NAME_BYTES_MAX: usize = 64;
const PARTITION: &str = "signals";
/// The version of a row's form, before its JSON.
const FORM: u8 = b'1';

/// What a signal is on a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSignal {
    /// For which site; the first one when left out.
    #[serde(default)]
    pub site: Option<String>,
    /// At which place; all of the site when left out.
    #[serde(default)]
    pub location_id: Option<String>,
    /// Which: small letters, digits, `_`, `-` and `.`.
    pub name: String,
    /// The day, as an ISO date.
    pub date: String,
    /// Its value; `None` takes the day's value away.
    pub value: Option<f64>,
}

/// A signal and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalKnown {
    /// Of which site.
    pub site: String,
    /// Of which place; `None` is all of the site.
    pub location_id: Option<String>,
    /// Which.
    pub name: String,
    /// The first and the last day with a value.
    pub days: (Day, Day),
    /// How many days have one.
    pub n_days: usize,
    /// The last day's value.
    pub last: f64,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalsStored {
    /// Values that are new or others than before.
    pub changed: usize,
    /// Values that were known.
    pub known: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Key {
    site: String,
    location_id: Option<String>,
    name: String,
}

type Values = BTreeMap<i32, f64>;

/// A signal beside a series: its value on each day of it, and on the days ahead.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalColumn {
    /// Which.
    pub name: String,
    /// From the series' first day on; `None` where it is not known.
    pub values: Vec<Option<f64>>,
}

/// The signals of the running application.
#[derive(Debug)]
pub(crate) struct Signals {
    kept: ArcSwap<BTreeMap<Key, Values>>,
    /// Held while anything changes, so that tables and memory change in one order.
    changing: tokio::sync::Mutex<()>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    key: Key,
    values: Vec<(i32, f64)>,
}

fn read(row: &Row) -> Option<Stored> {
    let (form, json) = row.value.split_first()?;
    (*form == FORM).then(|| serde_json::from_slice(json).ok())?
}

fn write(key: &Key, values: &Values) -> Write {
    // Names and places may hold any separator, so the row is found by a digest of all three.
    let name = serde_json::to_vec(key).expect("plain data is written to memory");
    let sort_key = format!("{:032x}", xxh3_128(&name));
    let change = match values.is_empty() {
        true => WriteChange::Delete,
        false => {
            let stored = Stored { key: key.clone(), values: values.clone().into_iter().collect() };
            let mut value = vec![FORM];
            serde_json::to_writer(&mut value, &stored).expect("plain data is written to memory");
            WriteChange::Put { value, expires_at: None }
        }
    };
    Write { partition_key: PARTITION.to_owned(), sort_key, condition: Condition::Any, change }
}

impl Signals {
    pub(crate) async fn open(tables: &dyn TableStore, now: Timestamp) -> Result<Signals, AppError> {
        let (rows, unreadable) = load((tables, PARTITION), now, read).await?;
        for id in unreadable {
            tracing::error!(id, "a signal cannot be read and has no effect");
        }
        let kept = rows.into_iter().map(|row| (row.key, row.values.into_iter().collect()));
        let (kept, changing) = (kept.collect(), tokio::sync::Mutex::default());
        Ok(Signals { kept: ArcSwap::from_pointee(kept), changing })
    }

    /// Puts what is known of a place beside a series, its own word before that of the whole site. `horizon` days ahead.
    pub(crate) fn attach(
        &self,
        series: &mut DemandSeries,
        (site, location): (&SiteId, Option<&LocationId>),
        horizon: usize,
    ) {
        let kept = self.kept.load();
        let of_site = kept.iter().filter(|(key, _)| key.site == site.as_str());
        let mut found: BTreeMap<&str, &Values> = BTreeMap::new();
        // Those of no place come first, and give way.
        for (key, values) in of_site {
            let is_here = match key.location_id.as_deref() {
                None => true,
                Some(of) => location.is_some_and(|location| location.as_str() == of),
            };
            if is_here {
                found.insert(&key.name, values);
            }
        }
        let first = series.first.number();
        let days = first..first + (series.len() + horizon) as i32;
        let column = |(name, values): (&str, &Values)| SignalColumn {
            name: name.to_owned(),
            values: days.clone().map(|day| values.get(&day).copied()).collect(),
        };
        series.signals = found.into_iter().map(column).collect();
    }
}

impl App {
    /// Stores values of signals, each in the place of what was said of its day before.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role or at a place of others, [`AppError::Invalid`] naming the field of the
    /// first value that is wrong, [`AppError::Conflict`] where there would be too many signals; nothing is stored then.
    pub async fn put_signals(
        &self,
        new: Vec<NewSignal>,
        caller: &Caller,
    ) -> Result<SignalsStored, AppError> {
        caller.check(Operation::WritePlanning)?;
        self.check_ready()?;
        if new.is_empty() || new.len() > PUT_SIGNALS_MAX {
            let detail = format!("{} signals; send 1 to {PUT_SIGNALS_MAX} in a call", new.len());
            return Err(invalid("/signals", detail));
        }
        let mut said = Vec::with_capacity(new.len());
        for (idx, one) in new.into_iter().enumerate() {
            said.push(self.checked_signal(idx, one, caller)?);
        }
        let now = self.clock.now();
        let stored = {
            let _changing = self.signals.changing.lock().await;
            let mut kept = BTreeMap::clone(&self.signals.kept.load());
            let mut stored = SignalsStored::default();
            let mut changed = BTreeSet::new();
            for (key, day, value) in said {
                let values = kept.entry(key.clone()).or_default();
                let before = match value {
                    Some(value) => values.insert(day, value),
                    None => values.remove(&day),
                };
                if before == value {
                    stored.known += 1;
                    continue;
                }
                stored.changed += 1;
                if values.len() > DAYS_MAX {
                    values.pop_first();
                }
                changed.insert(key);
            }
            bounded(&kept)?;
            let rows: Vec<Write> = changed.iter().map(|key| write(key, &kept[key])).collect();
            for some in rows.chunks(WRITES_AT_ONCE) {
                self.parts.tables.write(some, now).await?;
            }
            kept.retain(|_, values| !values.is_empty());
            self.signals.kept.store(Arc::new(kept));
            stored
        };
        if stored.changed > 0 {
            let act = AuditAct::new(AuditOperation::SignalChange).on(AuditObject::data("signals"));
            self.audit(caller, act.with("values", stored.changed)).await?;
        }
        Ok(stored)
    }

    /// What is known of signals, by site, place and name.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role, or at a place of others.
    pub fn signals(
        &self,
        location: Option<&LocationId>,
        caller: &Caller,
    ) -> Result<Vec<SignalKnown>, AppError> {
        caller.check(Operation::ReadPlanning)?;
        self.noted(caller, caller.check_location(location))?;
        let kept = self.signals.kept.load();
        let is_asked = |key: &Key| {
            let own = key.location_id.as_deref();
            let site = SiteId::new(key.site.as_str());
            let place = own.map(LocationId::new).transpose();
            let (Ok(site), Ok(place)) = (site, place) else { return false };
            location.is_none_or(|asked| own.is_none_or(|own| own == asked.as_str()))
                && caller.check_site(&site).is_ok()
                && caller.check_location(place.as_ref()).is_ok()
        };
        let known = kept.iter().filter(|(key, _)| is_asked(key)).filter_map(|(key, values)| {
            let (first, (last, value)) = (values.keys().next()?, values.iter().next_back()?);
            Some(SignalKnown {
                site: key.site.clone(),
                location_id: key.location_id.clone(),
                name: key.name.clone(),
                days: (Day::from_number(*first), Day::from_number(*last)),
                n_days: values.len(),
                last: *value,
            })
        });
        Ok(known.collect())
    }

    /// What is wrong with a value, before any is stored.
    pub(crate) fn check_signal(&self, new: &NewSignal, caller: &Caller) -> Result<(), AppError> {
        self.checked_signal(0, new.clone(), caller).map(|_| ())
    }

    fn checked_signal(
        &self,
        idx: usize,
        new: NewSignal,
        caller: &Caller,
    ) -> Result<(Key, i32, Option<f64>), AppError> {
        let at = |field: &str| format!("/signals/{idx}/{field}");
        let site = match new.site.as_deref() {
            None => self.config.main_site(),
            Some(id) => {
                let site =
                    SiteId::new(id).map_err(|error| invalid(&at("site"), error.to_string()))?;
                if self.config.site(&site).is_none() {
                    let detail = format!("site `{site}` is not in the settings");
                    return Err(invalid(&at("site"), detail));
                }
                site
            }
        };
        let location = new.location_id.as_deref().map(LocationId::new).transpose();
        let location = location.map_err(|error| invalid(&at("location_id"), error.to_string()))?;
        // What counts for a whole site counts at the places of others, too.
        let places = caller.check_site(&site).and_then(|()| match &location {
            Some(location) => caller.check_location(Some(location)),
            None if caller.places.locations.is_empty() => Ok(()),
            None => {
                Err(caller.denied("tell of a whole site with this key, which is bound to places"))
            }
        });
        self.noted(caller, places)?;
        if let Some(location) = &location {
            self.check_place(location).map_err(|detail| invalid(&at("location_id"), detail))?;
        }
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c);
        let name = &new.name;
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(is_plain) {
            let detail = format!(
                "`{}` is no name of a signal; write 1 to {NAME_BYTES_MAX} small letters, digits, `_`, `-` or `.`, \
                 for example temperature_c",
                shown(name)
            );
            return Err(invalid(&at("name"), detail));
        }
        let day = Day::parse(&new.date).map_err(|error| invalid(&at("date"), error.to_string()))?;
        if let Some(value) = new.value.filter(|value| !value.is_finite() || value.abs() > VALUE_MAX)
        {
            let detail = format!("{value} must lie between -{VALUE_MAX:e} and {VALUE_MAX:e}");
            return Err(invalid(&at("value"), detail));
        }
        let location_id = location.map(|location| location.to_string());
        let key = Key { site: site.to_string(), location_id, name: new.name };
        Ok((key, day.number(), new.value))
    }
}

/// Refuses more signals than are tried.
fn bounded(kept: &BTreeMap<Key, Values>) -> Result<(), AppError> {
    let mut counts: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
    let known = kept.iter().filter(|(_, values)| !values.is_empty());
    for (key, _) in known.clone() {
        *counts.entry((&key.site, key.location_id.as_deref())).or_insert(0) += 1;
    }
    let full = counts.iter().find(|(_, count)| **count > SIGNALS_MAX);
    if let Some(((_, location), count)) = full {
        let whose = location.map_or("the whole site".to_owned(), |id| format!("place `{id}`"));
        return Err(AppError::Conflict(format!(
            "that would make {count} signals of {whose}, and {SIGNALS_MAX} are possible; take one away by sending `null` for \
             all of its days"
        )));
    }
    if known.count() > ALL_MAX {
        return Err(AppError::Conflict(format!("that would make more than {ALL_MAX} signals")));
    }
    Ok(())
}
