//! What a planner knows better than the model: a forecast of their own for some days of a product at a place, with
//! a reason and an end, and what it was worth once the days are over.
//!
//! Overrides stand in the tables, because nothing is derived from them but plans. Beside each stands what the model
//! said of its days when it was made, so that both are judged by what was known then.
//!
//! Source: Gilliland, *The Business Forecasting Deal*, Wiley 2010, ch. 4 (forecast value added: the error without a step
//! less the error with it).

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use souk_core::{Day, LocationId, ProductId, SiteId, Timestamp};
use souk_math::normal;
use souk_ports::{Condition, Row, TableStore, Write, WriteChange};

use super::KeyFactor;
use super::ahead::Ahead;
use super::outlook::Closely;
use crate::demand::{DemandSeries, SeriesKey};
use crate::purchasing::{invalid, shown};
use crate::stored::load;
use crate::threads::aside;
use crate::{App, AppError, AuditAct, AuditObject, AuditOperation, Caller, Operation};

#[cfg(test)]
mod tests;
mod worth;

pub use worth::{OverrideReport, OverrideWorth, WorthSum, overrides_to_json};

const PARTITION: &str = "forecast_overrides";
/// The version of a row's form, before its JSON.
const FORM: u8 = b'1';
/// Overrides of one installation, past ones too (chosen).
const OVERRIDES_MAX: usize = 20_000;
/// Days of one override.
const DAYS_MAX: i32 = 366;
/// Days ahead that one may begin.
const AHEAD_MAX: i32 = 730;
/// Days after its last one for which an override is kept, to learn what it was worth.
const KEPT_DAYS: i32 = 730;
/// How many times the model's forecast one may be (chosen: more is a mistake of units).
const FACTOR_MAX: f64 = 20.0;
/// Units of one day.
const UNITS_MAX: f64 = 1e9;
const REASON_BYTES_MAX: usize = 500;

/// A planner's own forecast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForecastOverride {
    /// Its name.
    pub id: String,
    /// For which site.
    pub site: String,
    /// Of which product.
    pub product_id: String,
    /// At which place.
    pub location_id: String,
    /// The first day, as an ISO date.
    pub from: String,
    /// The last day.
    pub until: String,
    /// Units wanted on each day; `None` with a factor.
    pub units_per_day: Option<f64>,
    /// How many times the model's forecast; `None` with units.
    pub factor: Option<f64>,
    /// Why.
    pub reason: String,
    /// The key that made it.
    pub author: String,
    /// When it was made.
    pub made_at: String,
    /// The last day on which plans listen to it.
    pub expires_on: String,
    /// The day on which somebody ended it.
    pub ended_on: Option<String>,
    /// What the model said of each of its days when it was made.
    pub model: Vec<f64>,
}

/// An override to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOverride {
    /// For which site; the first one when left out.
    #[serde(default)]
    pub site: Option<String>,
    /// Of which product.
    pub product_id: String,
    /// At which place.
    pub location_id: String,
    /// The first day, as an ISO date, today or later.
    pub from: String,
    /// The last day.
    pub until: String,
    /// Units wanted on each day; or a factor.
    #[serde(default)]
    pub units_per_day: Option<f64>,
    /// How many times the model's forecast; or units.
    #[serde(default)]
    pub factor: Option<f64>,
    /// Why.
    pub reason: String,
    /// The last day on which plans listen to it; its last day when left out.
    #[serde(default)]
    pub expires_on: Option<String>,
}

/// The overrides of the running application.
#[derive(Debug)]
pub(crate) struct Overrides {
    kept: ArcSwap<BTreeMap<String, ForecastOverride>>,
    /// Held while anything changes, so that tables and memory change in one order.
    changing: tokio::sync::Mutex<()>,
}

impl Overrides {
    pub(crate) async fn open(
        tables: &dyn TableStore,
        now: Timestamp,
    ) -> Result<Overrides, AppError> {
        let (kept, unreadable) = load((tables, PARTITION), now, read).await?;
        for id in unreadable {
            tracing::error!(id, "a forecast override cannot be read and has no effect");
        }
        let kept: BTreeMap<_, _> = kept.into_iter().map(|one| (one.id.clone(), one)).collect();
        let (kept, changing) = (ArcSwap::from_pointee(kept), tokio::sync::Mutex::default());
        Ok(Overrides { kept, changing })
    }

    /// Every one, in the order of their ids.
    pub(crate) fn all(&self) -> Arc<BTreeMap<String, ForecastOverride>> {
        self.kept.load_full()
    }
}

fn read(row: &Row) -> Option<ForecastOverride> {
    let (form, json) = row.value.split_first()?;
    (*form == FORM).then(|| serde_json::from_slice(json).ok())?
}

fn write(one: &ForecastOverride) -> Write {
    let mut bytes = vec![FORM];
    serde_json::to_writer(&mut bytes, one).expect("plain data is written to memory");
    Write {
        partition_key: PARTITION.to_owned(),
        sort_key: one.id.clone(),
        condition: Condition::Any,
        change: WriteChange::Put { value: bytes, expires_at: None },
    }
}

fn forget(id: &str) -> Write {
    Write {
        partition_key: PARTITION.to_owned(),
        sort_key: id.to_owned(),
        condition: Condition::Any,
        change: WriteChange::Delete,
    }
}

fn day_of(text: &str) -> Day {
    // The door checks what is written.
    Day::parse(text).unwrap_or_default()
}

impl ForecastOverride {
    /// Its first and last day.
    pub(crate) fn days(&self) -> (Day, Day) {
        (day_of(&self.from), day_of(&self.until))
    }

    /// Whether plans of a day listen to it.
    pub(crate) fn is_heard(&self, today: Day) -> bool {
        self.ended_on.is_none() && today <= day_of(&self.expires_on)
    }

    fn is_of(&self, (site, product): (&SiteId, &ProductId), location: &LocationId) -> bool {
        self.site == site.as_str()
            && self.product_id == product.as_str()
            && self.location_id == location.as_str()
    }

    /// What it says of a day, where the model says `model`; `None` outside its days.
    pub(crate) fn says(&self, day: Day, model: f64) -> Option<f64> {
        let (from, until) = self.days();
        if day < from || day > until {
            return None;
        }
        self.units_per_day.or_else(|| self.factor.map(|factor| factor * model))
    }

    /// What it says, in words.
    pub(crate) fn text(&self) -> String {
        let what = match (self.units_per_day, self.factor) {
            (Some(units), _) => format!("{units} units a day"),
            (None, factor) => format!("{} times the model's", factor.unwrap_or(1.0)),
        };
        let (author, from, until) = (&self.author, &self.from, &self.until);
        format!("`{author}` expects {what} from {from} to {until}: {}", self.reason)
    }
}

impl Ahead {
    /// Takes in what planners say of days from `today` on. Totals keep the ratio of their variance to their mean.
    pub(crate) fn hear(&mut self, today: Day, overrides: &[ForecastOverride]) {
        let last = overrides.iter().map(|one| one.days().1.number()).max();
        let Some(last) = last else { return };
        // A week beyond, so that what goes on after the end is the model's.
        let n = usize::try_from(last - today.number() + 8).unwrap_or(0);
        self.reach(n);
        for (idx, of_day) in self.days.iter_mut().enumerate() {
            let day = Day::from_number(today.number() + idx as i32);
            if let Some(said) = overrides.iter().find_map(|one| one.says(day, *of_day)) {
                *of_day = said;
            }
        }
    }
}

impl Closely {
    /// Takes in what planners say of days from `from` on; intervals move with their day's mean. Answers what each changed
    /// within the horizon.
    pub(super) fn hear(
        &mut self,
        (from, horizon): (Day, usize),
        levels: &[f64],
        overrides: &[ForecastOverride],
    ) -> Vec<KeyFactor> {
        let mut found = Vec::new();
        for one in overrides {
            let (mut effect, mut model, mut days) = (0.0, 0.0, 0);
            for idx in 0..self.forecast.mean.len() {
                let mean = self.forecast.mean[idx];
                let day = Day::from_number(from.number() + idx as i32);
                let Some(said) = one.says(day, mean) else { continue };
                if idx < horizon {
                    (effect, model, days) = (effect + said - mean, model + mean, days + 1);
                }
                self.forecast.mean[idx] = said;
                let ratio = if mean > 0.0 { said / mean } else { 0.0 };
                let variance = self.spread.variance(said, 1.0);
                for ((low, high), level) in self.forecast.intervals.iter_mut().zip(levels) {
                    // Where the model expects nothing there is no interval to move: that of one day's total.
                    let half = normal::quantile(0.5 + level / 2.0) * variance.sqrt();
                    (low[idx], high[idx]) = match mean > 0.0 {
                        true => (low[idx] * ratio, high[idx] * ratio),
                        false => ((said - half).max(0.0), said + half),
                    };
                }
            }
            if days > 0 {
                let text = format!(
                    "{}; the model alone says {model:.1} units for {days} of the horizon’s days",
                    one.text()
                );
                found.push(KeyFactor { factor: "override", effect_units: effect, text });
            }
        }
        found
    }
}

impl App {
    /// Stores an override, in the place of one of the same id.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role or at a place of others, [`AppError::NotFound`] for an unknown product or
    /// place, [`AppError::Invalid`] for days that are over or contradict, a missing reason or two amounts,
    /// [`AppError::Conflict`] where another one says something of the same days.
    pub async fn put_override(
        self: &Arc<App>,
        id: &str,
        new: NewOverride,
        caller: &Caller,
    ) -> Result<ForecastOverride, AppError> {
        caller.check(Operation::WritePlanning)?;
        self.check_ready()?;
        let (site, product, location) = self.ids_of(&new)?;
        let places = caller.check_site(&site).and_then(|()| caller.check_location(Some(&location)));
        self.noted(caller, places)?;
        let key = self.series_key((&site, &product), Some(&location))?;
        let now = self.clock.now();
        let today = self.place_clock(&site, Some(&location)).day(now);
        let (from, until, expires_on) = checked(id, &new, today)?;
        let app = Arc::clone(self);
        let (of_site, span) = (site.clone(), (today, from, until));
        let model = aside("a forecast", move || app.model_says(key, &of_site, span)).await?;
        let made = ForecastOverride {
            id: id.to_owned(),
            site: site.to_string(),
            product_id: product.to_string(),
            location_id: location.to_string(),
            from: from.to_string(),
            until: until.to_string(),
            units_per_day: new.units_per_day,
            factor: new.factor,
            reason: new.reason.trim().to_owned(),
            author: caller.key_id.clone(),
            made_at: now.to_string(),
            expires_on: expires_on.to_string(),
            ended_on: None,
            model,
        };
        {
            let _changing = self.overrides.changing.lock().await;
            let mut kept = BTreeMap::clone(&self.overrides.all());
            check_place(&kept, &made, (today, from, until))?;
            let old = |one: &ForecastOverride| one.days().1.number() + KEPT_DAYS < today.number();
            let past: Vec<String> =
                kept.values().filter(|one| old(one)).map(|one| one.id.clone()).take(50).collect();
            past.iter().for_each(|id| drop(kept.remove(id)));
            if kept.len() >= OVERRIDES_MAX && !kept.contains_key(id) {
                let detail = format!("there are {OVERRIDES_MAX} overrides, which is the limit");
                return Err(AppError::Conflict(detail));
            }
            let mut writes = vec![write(&made)];
            writes.extend(past.iter().map(|id| forget(id)));
            self.parts.tables.write(&writes, now).await?;
            kept.insert(made.id.clone(), made.clone());
            self.overrides.kept.store(Arc::new(kept));
        }
        self.audit(caller, act_on(&made, "set")).await?;
        Ok(made)
    }

    /// Ends an override: plans no longer listen to it, and its days so far are still judged.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`], [`AppError::NotFound`]; as the tables.
    pub async fn end_override(&self, id: &str, caller: &Caller) -> Result<(), AppError> {
        caller.check(Operation::WritePlanning)?;
        let ended = {
            let _changing = self.overrides.changing.lock().await;
            let mut kept = BTreeMap::clone(&self.overrides.all());
            let known = kept.get_mut(id).filter(|one| self.may_see(one, caller));
            let Some(known) = known else {
                return Err(AppError::NotFound { what: "override", id: shown(id) });
            };
            if known.ended_on.is_some() {
                return Ok(());
            }
            let now = self.clock.now();
            let site = SiteId::new(known.site.as_str()).ok();
            let location = LocationId::new(known.location_id.as_str()).ok();
            let site = site.unwrap_or_else(|| self.config.main_site());
            let today = self.place_clock(&site, location.as_ref()).day(now);
            known.ended_on = Some(today.to_string());
            let ended = known.clone();
            self.parts.tables.write(&[write(&ended)], now).await?;
            self.overrides.kept.store(Arc::new(kept));
            ended
        };
        self.audit(caller, act_on(&ended, "ended")).await.map(drop)
    }

    /// What planners say of a series, as plans of a day hear it.
    pub(crate) fn heard(
        &self,
        (site, product): (&SiteId, &ProductId),
        location: Option<&LocationId>,
        today: Day,
    ) -> Vec<ForecastOverride> {
        let Some(location) = location else { return Vec::new() };
        let all = self.overrides.all();
        let is_mine = |one: &&ForecastOverride| {
            one.is_of((site, product), location) && one.is_heard(today) && one.days().1 >= today
        };
        all.values().filter(is_mine).cloned().collect()
    }

    fn may_see(&self, one: &ForecastOverride, caller: &Caller) -> bool {
        let site = SiteId::new(one.site.as_str());
        let location = LocationId::new(one.location_id.as_str());
        let (Ok(site), Ok(location)) = (site, location) else { return false };
        caller.check_site(&site).is_ok() && caller.check_location(Some(&location)).is_ok()
    }

    fn ids_of(&self, new: &NewOverride) -> Result<(SiteId, ProductId, LocationId), AppError> {
        let site = match &new.site {
            Some(site) => {
                SiteId::new(site.as_str()).map_err(|error| invalid("/site", error.to_string()))?
            }
            None => self.config.main_site(),
        };
        let product = ProductId::new(new.product_id.as_str())
            .map_err(|error| invalid("/product_id", error.to_string()))?;
        let location = LocationId::new(new.location_id.as_str())
            .map_err(|error| invalid("/location_id", error.to_string()))?;
        Ok((site, product, location))
    }

    /// What the model says of each day from `from` to `until`; zeros of a product that was never sold there.
    fn model_says(
        &self,
        key: SeriesKey,
        site: &SiteId,
        (today, from, until): (Day, Day, Day),
    ) -> Vec<f64> {
        self.refresh_some(&[(key, site.clone())], 1);
        let n = usize::try_from(until.number() - from.number() + 1).unwrap_or(0);
        let Some(outlook) = self.forecasts.get(key) else { return vec![0.0; n] };
        let skip = usize::try_from(from.number() - today.number()).unwrap_or(0);
        let mut ahead = Ahead::of(&outlook, today);
        ahead.reach(skip + n);
        ahead.days[skip..skip + n].to_vec()
    }
}

/// Whether an override may stand beside the others from its first to its last day.
fn check_place(
    kept: &BTreeMap<String, ForecastOverride>,
    made: &ForecastOverride,
    (today, from, until): (Day, Day, Day),
) -> Result<(), AppError> {
    let is_same_series = |one: &ForecastOverride| {
        (&one.site, &one.product_id, &one.location_id)
            == (&made.site, &made.product_id, &made.location_id)
    };
    if let Some(known) = kept.get(&made.id)
        && (!is_same_series(known) || known.days().0 < today)
    {
        return Err(AppError::Conflict(format!(
            "override `{}` is of another product or place, or its days have begun and are judged; end it, and give the \
             new one an id of its own",
            made.id
        )));
    }
    let overlaps = |one: &&ForecastOverride| {
        let (other_from, other_until) = one.days();
        one.id != made.id
            && one.is_heard(today)
            && is_same_series(one)
            && other_from <= until
            && from <= other_until
    };
    match kept.values().find(overlaps) {
        Some(other) => Err(AppError::Conflict(format!(
            "`{}` says something of the days from {} to {} already; end it, or choose other days",
            other.id, other.from, other.until
        ))),
        None => Ok(()),
    }
}

/// The first, last and expiry day of a wish.
fn checked(id: &str, new: &NewOverride, today: Day) -> Result<(Day, Day, Day), AppError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_begun_well = id.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !is_begun_well || id.len() > 80 || !id.chars().all(is_plain) {
        let detail = format!(
            "`{}` is not a letter or digit and up to 79 letters, digits, dots, hyphens and underscores",
            shown(id)
        );
        return Err(invalid("id", detail));
    }
    let day = |pointer: &str, text: &str| {
        Day::parse(text).map_err(|error| invalid(pointer, error.to_string()))
    };
    let (from, until) = (day("/from", &new.from)?, day("/until", &new.until)?);
    if from < today || from.number() > today.number() + AHEAD_MAX {
        let detail = format!("{from} must lie between today, {today}, and {AHEAD_MAX} days ahead");
        return Err(invalid("/from", detail));
    }
    if until < from || until.number() - from.number() >= DAYS_MAX {
        let detail = format!("{until} must lie between {from} and {DAYS_MAX} days from then");
        return Err(invalid("/until", detail));
    }
    let expires_on = match &new.expires_on {
        Some(text) => day("/expires_on", text)?,
        None => until,
    };
    if expires_on < today {
        let detail = format!("{expires_on} is before today, {today}, so nothing would hear it");
        return Err(invalid("/expires_on", detail));
    }
    match (new.units_per_day, new.factor) {
        (Some(units), None) if !(0.0..=UNITS_MAX).contains(&units) => {
            let detail = format!("{units} must lie between 0 and {UNITS_MAX} units");
            return Err(invalid("/units_per_day", detail));
        }
        (None, Some(factor)) if !(0.0..=FACTOR_MAX).contains(&factor) => {
            let detail = format!("{factor} must lie between 0 and {FACTOR_MAX}; 1.2 is 20 % more");
            return Err(invalid("/factor", detail));
        }
        (Some(_), None) | (None, Some(_)) => {}
        _ => {
            let detail = "give either `units_per_day` or `factor`";
            return Err(invalid("/units_per_day", detail));
        }
    }
    let reason = new.reason.trim();
    if reason.is_empty() || reason.len() > REASON_BYTES_MAX || reason.chars().any(char::is_control)
    {
        let detail = format!("must be 1 to {REASON_BYTES_MAX} bytes of plain text; say why");
        return Err(invalid("/reason", detail));
    }
    Ok((from, until, expires_on))
}

fn act_on(one: &ForecastOverride, state: &'static str) -> AuditAct {
    AuditAct::new(AuditOperation::ForecastOverride)
        .on(AuditObject::of("forecast_override", &one.id))
        .with("state", state)
}

/// What was wanted on each day of a series, by its day.
fn wanted_on(series: &DemandSeries) -> impl Fn(Day) -> Option<f64> {
    let (wanted, _) = series.wanted();
    let first = series.first.number();
    move |day: Day| {
        let idx = usize::try_from(day.number() - first).ok()?;
        wanted.get(idx).copied()
    }
}
