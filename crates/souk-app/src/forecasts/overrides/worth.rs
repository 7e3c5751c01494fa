use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use souk_core::{Day, LocationId, ProductId, SiteId};

use super::{ForecastOverride, day_of, wanted_on};
use crate::threads::aside;
use crate::{App, AppError, Caller, Operation};

/// An override and what it was worth so far.
#[derive(Clone, Debug, PartialEq)]
pub struct OverrideWorth {
    /// What was said.
    pub said: ForecastOverride,
    /// Whether plans of today listen to it.
    pub is_heard: bool,
    /// Of the days that are over.
    pub sum: WorthSum,
}

/// Absolute errors with and without overrides.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WorthSum {
    /// Overrides of which some day is over.
    pub n_judged: usize,
    /// Those whose error was smaller than the model's.
    pub n_better: usize,
    /// Days that are over.
    pub days: usize,
    /// Units that were wanted on them.
    pub wanted: f64,
    /// Units by which the planner was wrong, up or down, added up over days.
    pub error_with: f64,
    /// Units by which the model alone was.
    pub error_without: f64,
}

impl WorthSum {
    /// Forecast value added, in units: above 0 where the planner knew better.
    pub fn value_added(&self) -> f64 {
        self.error_without - self.error_with
    }

    fn add(&mut self, other: &WorthSum) {
        self.n_judged += other.n_judged;
        self.n_better += other.n_better;
        self.days += other.days;
        self.wanted += other.wanted;
        self.error_with += other.error_with;
        self.error_without += other.error_without;
    }
}

/// Overrides with their worth: each, by author, and all.
#[derive(Clone, Debug, PartialEq)]
pub struct OverrideReport {
    /// In the order of their ids.
    pub overrides: Vec<OverrideWorth>,
    /// By who made them.
    pub by_author: BTreeMap<String, WorthSum>,
    /// Of all.
    pub all: WorthSum,
}

impl App {
    /// The overrides that the caller may see, with what each was worth on its days that are over.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role or at a place of others.
    pub async fn overrides(
        self: &Arc<App>,
        location: Option<&LocationId>,
        caller: &Caller,
    ) -> Result<OverrideReport, AppError> {
        caller.check(Operation::ReadPlanning)?;
        self.check_ready()?;
        self.noted(caller, caller.check_location(location))?;
        let all = self.overrides.all();
        let is_asked = |one: &&ForecastOverride| {
            location.is_none_or(|location| one.location_id == location.as_str())
                && self.may_see(one, caller)
        };
        let asked: Vec<ForecastOverride> = all.values().filter(is_asked).cloned().collect();
        let app = Arc::clone(self);
        let work = move || asked.into_iter().map(|one| app.worth_of(one)).collect::<Vec<_>>();
        let overrides = aside("judging", work).await?;
        let mut report =
            OverrideReport { overrides, by_author: BTreeMap::new(), all: WorthSum::default() };
        for one in &report.overrides {
            report.by_author.entry(one.said.author.clone()).or_default().add(&one.sum);
            report.all.add(&one.sum);
        }
        Ok(report)
    }

    fn worth_of(&self, said: ForecastOverride) -> OverrideWorth {
        let ids = (
            SiteId::new(said.site.as_str()),
            ProductId::new(said.product_id.as_str()),
            LocationId::new(said.location_id.as_str()),
        );
        let (Ok(site), Ok(product), Ok(location)) = ids else {
            return OverrideWorth { said, is_heard: false, sum: WorthSum::default() };
        };
        let today = self.place_clock(&site, Some(&location)).day(self.clock.now());
        let series = self.demand((&site, &product), Some(&location), 1).unwrap_or_default();
        let sum = judged(&said, wanted_on(&series));
        OverrideWorth { is_heard: said.is_heard(today), sum, said }
    }
}

/// Both forecasts of the days that are over, against what was wanted. A day on which it was ended already, or no
/// longer listened to, is not judged.
pub(super) fn judged(said: &ForecastOverride, wanted: impl Fn(Day) -> Option<f64>) -> WorthSum {
    let (from, _) = said.days();
    let mut sum = WorthSum::default();
    for (idx, model) in said.model.iter().enumerate() {
        let day = Day::from_number(from.number() + idx as i32);
        let is_ended = said.ended_on.as_deref().is_some_and(|ended| day >= day_of(ended));
        if is_ended || day > day_of(&said.expires_on) {
            break;
        }
        let (Some(wanted), Some(planner)) = (wanted(day), said.says(day, *model)) else { continue };
        sum.days += 1;
        sum.wanted += wanted;
        sum.error_with += (planner - wanted).abs();
        sum.error_without += (model - wanted).abs();
    }
    sum.n_judged = usize::from(sum.days > 0);
    sum.n_better = usize::from(sum.value_added() > 0.0);
    sum
}

/// The report as the contract writes it.
pub fn overrides_to_json(report: &OverrideReport) -> Value {
    let authors = report.by_author.iter().map(|(author, sum)| {
        let mut row = sum_to_json(sum);
        row["author"] = json!(author);
        row
    });
    json!({
        "overrides": report.overrides.iter().map(override_to_json).collect::<Vec<_>>(),
        "authors": authors.collect::<Vec<_>>(),
        "all": sum_to_json(&report.all),
    })
}

fn override_to_json(one: &OverrideWorth) -> Value {
    let said = &one.said;
    json!({
        "id": said.id,
        "site": said.site,
        "product_id": said.product_id,
        "location_id": said.location_id,
        "from": said.from,
        "until": said.until,
        "units_per_day": said.units_per_day,
        "factor": said.factor,
        "reason": said.reason,
        "author": said.author,
        "made_at": said.made_at,
        "expires_on": said.expires_on,
        "ended_on": said.ended_on,
        "is_heard": one.is_heard,
        "worth": sum_to_json(&one.sum),
    })
}

fn sum_to_json(sum: &WorthSum) -> Value {
    let round = |value: f64| (value * 1_000.0).round() / 1_000.0;
    json!({
        "judged": sum.n_judged,
        "better": sum.n_better,
        "days": sum.days,
        "wanted": round(sum.wanted),
        "error_with": round(sum.error_with),
        "error_without": round(sum.error_without),
        "value_added": round(sum.value_added()),
    })
}
