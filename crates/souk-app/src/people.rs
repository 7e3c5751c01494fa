//! What is known of single people, told to those who may hear it, and the figures of the shop that people
//! are measured against.
//!
//! A profile is made when it is asked for, from the one history that there is. What is kept between two
//! questions is about nobody: see [`standing`].

use std::ops::Range;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use rustc_hash::FxHashMap;
use souk_core::{Currency, Purpose, Purposes, SiteId, SubjectId};
use souk_recommend::audience::Audience;

use crate::audit::Counted;
use crate::consent::kind_and_name;
use crate::ingest::IdKind;
use crate::models::is_stale;
use crate::projections::{Use, Views, Whom};
use crate::recommend::departures;
use crate::segments::SegmentBook;
use crate::threads::aside;
use crate::{App, AppError, AuditAct, AuditOperation, Caller, Operation};

mod audience;
pub(crate) mod fields;
mod habits;
mod json;
mod person;
mod profile;
mod standing;
mod taste;
#[cfg(test)]
pub(crate) mod tests;

pub use audience::{AUDIENCE_MAX, Prospect, Prospects, Wish};
pub use json::profile_to_json;
pub(crate) use person::{Lens, Person};
pub use profile::{
    Affinity, BrandLoyalty, Figure, Finding, Habit, NextOrder, Ordered, PriceBand, Profile,
    Replenishment, Rfm,
};
pub(crate) use standing::Standing;

use standing::{Crowd, Fit};

/// How often to look whether there is something to do.
const LOOK_PAUSE: Duration = Duration::from_secs(5);
/// How long after a start the figures are fitted: a start has better things to do.
const FIT_DELAY: Duration = Duration::from_secs(20);
/// How long readers and the fold may wait for one slice of people.
const SLICE: Duration = Duration::from_micros(500);
/// People of a shop for whom a question may wait for the first fit; chosen: half a second of work.
const FIT_AT_ONCE_MAX: u32 = 50_000;

/// After a fit, how long a shop that grows quickly waits for the next: an import of a year is over in less than a minute
/// (chosen).
const GROWTH_PAUSE: Duration = Duration::from_secs(10);

/// What the figures in service were fitted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fitted {
    /// When the fit began.
    began: Instant,
    /// How often somebody had left by then.
    left: u64,
    /// The orders by then.
    n_orders: usize,
}

impl Fitted {
    /// Whether there are so many more orders that shares and fifths of then say little: a fifth more (chosen), so that a
    /// shop of any size fits the more rarely the longer it grows.
    fn has_outgrown(self, n_orders: usize) -> bool {
        n_orders > self.n_orders + self.n_orders / 5
    }
}

/// Who wants what, and the fit in whose time it was learned.
type Wished = (Option<Fitted>, Arc<Audience>);

/// The figures in service.
#[derive(Debug, Default)]
pub(crate) struct People {
    standings: RwLock<FxHashMap<SiteId, Arc<Standing>>>,
    fitted: Mutex<Option<Fitted>>,
    /// Held while figures are fitted.
    working: tokio::sync::Mutex<()>,
    /// Who wants what, by site, each with the fit in whose time it was learned.
    audiences: RwLock<FxHashMap<SiteId, Wished>>,
    /// Held while that is learned.
    audience_working: tokio::sync::Mutex<()>,
}

impl People {
    /// The figures of a site; `None` before the first fit.
    pub(crate) fn standing(&self, site: &SiteId) -> Option<Arc<Standing>> {
        self.standings.read().get(site).cloned()
    }
}

/// By what people of a site are put into segments at one moment.
#[derive(Debug)]
pub(crate) struct PeopleNow {
    site: SiteId,
    standing: Option<Arc<Standing>>,
    book: Arc<SegmentBook>,
    place: (Currency, jiff::tz::TimeZone),
}

impl PeopleNow {
    /// The segments, and what people are looked at with.
    pub(crate) fn with<'a>(
        &'a self,
        app: &'a App,
        views: &'a Views,
    ) -> (&'a SegmentBook, Lens<'a>) {
        let place = (&self.site, self.place.0, &self.place.1);
        (&self.book, app.lens((views, self.standing.as_deref()), place))
    }
}

impl App {
    /// What is known of a person on a site, with what it rests on. The id is a user id, or `anonymous:` and
    /// a browser's. Of somebody unknown, or who does not allow personalization, nothing is said.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] when the role may not, or a browser asks for somebody else;
    /// [`AppError::NotReady`] before the views have caught up; as the key store and the audit log.
    pub async fn profile(
        &self,
        (id, site): (&str, &SiteId),
        caller: &Caller,
    ) -> Result<Profile, AppError> {
        let (kind, name) = self.noted(caller, asked(id, caller))?;
        self.noted(caller, caller.check_site(site))?;
        self.check_ready()?;
        let hash = self.door.hasher.id(kind, name);
        let subject = self.parts.keys.find(&[hash]).await?.into_iter().next().flatten();
        if let Some(subject) = subject {
            self.note_profile_read(subject, caller).await?;
        }
        self.fit_if_new().await?;
        // A key in a page speaks for the browser's id alone, not for what it was joined with.
        let is_alone = kind != IdKind::User && !caller.may(Operation::ProfileOfAnyShopper);
        let whom = match (subject, is_alone) {
            (Some(subject), false) => Whom::known(subject),
            (subject, _) => Whom { alone: subject, ..Whom::default() },
        };
        self.profile_of(whom, site)
    }

    fn profile_of(&self, whom: Whom, site: &SiteId) -> Result<Profile, AppError> {
        let (currency, zone) = self.place_of(site)?;
        let (standing, book) = (self.people.standing(site), self.segments.book());
        let views = self.views.read();
        let purpose = Use { purpose: Purpose::Personalization, site, withheld: Purposes::NONE };
        let consented = views.for_purpose(whom, purpose);
        let lens = self.lens((&views, standing.as_deref()), (site, currency, &zone));
        let person = Person::of(&consented, lens);
        let segments = book.of_person(&person);
        Ok(Profile::of(&person, (site.clone(), consented.decision()), segments))
    }

    /// By what people of a site are put into segments now. An unknown site has nobody.
    pub(crate) fn people_now(&self, site: &SiteId) -> PeopleNow {
        let place = self.place_of(site).unwrap_or((Currency::USD, jiff::tz::TimeZone::UTC));
        let (site, standing) = (site.clone(), self.people.standing(site));
        PeopleNow { site, standing, book: self.segments.book(), place }
    }

    /// The currency and the clock of a site.
    pub(crate) fn place_of(
        &self,
        site: &SiteId,
    ) -> Result<(Currency, jiff::tz::TimeZone), AppError> {
        let settings = self.config.site(site).ok_or_else(|| {
            let detail = format!(
                "`{site}` is not a site of this shop; add it to `sites` in souk.yaml first"
            );
            AppError::invalid("unknown_site", "/site", detail)
        })?;
        Ok((settings.currency, self.merchandising.book().zone(site)))
    }

    /// What people of a site are looked at with.
    pub(crate) fn lens<'a>(
        &'a self,
        (views, standing): (&'a Views, Option<&'a Standing>),
        (site, currency, zone): (&SiteId, Currency, &'a jiff::tz::TimeZone),
    ) -> Lens<'a> {
        Lens {
            views,
            standing,
            settings: &self.config.profiles,
            site: views.catalogue.find_site(site),
            currency,
            zone,
            now: self.clock.now(),
        }
    }

    /// People who look at somebody are written down one by one, machines are counted.
    async fn note_profile_read(&self, subject: SubjectId, caller: &Caller) -> Result<(), AppError> {
        if caller.is_person() || caller.may(Operation::HandleSubjectRequests) {
            let act = AuditAct::new(AuditOperation::ProfileRead).on(self.audit_subject(subject));
            return self.audit(caller, act).await.map(drop);
        }
        self.tally(caller, Counted::of_subject(AuditOperation::ProfileRead, subject));
        Ok(())
    }

    /// Fits the figures of every site on the facts as they are.
    ///
    /// # Errors
    ///
    /// [`AppError::Bug`] when the fit broke off.
    pub async fn fit_people(&self) -> Result<(), AppError> {
        let _alone = self.people.working.lock().await;
        self.fit_alone().await
    }

    /// The first fit of a small shop, for which a question may wait.
    async fn fit_if_new(&self) -> Result<(), AppError> {
        if self.people.fitted.lock().is_some() || self.views.read().people_end() > FIT_AT_ONCE_MAX {
            return Ok(());
        }
        let _alone = self.people.working.lock().await;
        // Whoever waited here finds it done.
        if self.people.fitted.lock().is_some() { Ok(()) } else { self.fit_alone().await }
    }

    async fn fit_alone(&self) -> Result<(), AppError> {
        let fitted = {
            let views = self.views.read();
            let (left, n_orders) = (departures(&views), views.sales.n_orders());
            Fitted { began: Instant::now(), left, n_orders }
        };
        let settings = self.config.profiles;
        let fit = Fit {
            now: self.clock.now(),
            horizon_days: settings.horizon_days as f64,
            high_value_share: settings.high_value_share,
        };
        let sites: Vec<(SiteId, Currency)> =
            self.config.sites.iter().map(|site| (site.id.clone(), site.currency)).collect();
        for (site, currency) in sites {
            let (views, of) = (Arc::clone(&self.views), site.clone());
            let work = move || {
                let people = slices(&views, |views, numbers| {
                    views.figures(numbers, (&of, currency), fit.now)
                });
                let shares = views.read().shares(&of);
                Standing::of(Crowd { people, shares }, fit)
            };
            let standing = aside("the shop's figures", work).await?;
            self.people.standings.write().insert(site, Arc::new(standing));
        }
        *self.people.fitted.lock() = Some(fitted);
        Ok(())
    }

    /// Whether somebody left since the figures were fitted.
    #[cfg(test)]
    pub(crate) fn are_figures_stale_for_test(&self) -> bool {
        let fitted = *self.people.fitted.lock();
        fitted.is_some_and(|fitted| departures(&self.views.read()) != fitted.left)
    }

    fn are_figures_due(&self) -> bool {
        let Some(fitted) = *self.people.fitted.lock() else { return true };
        let age_max =
            Duration::from_secs(self.config.profiles.fit_every_minutes.saturating_mul(60));
        let age = fitted.began.elapsed();
        let views = self.views.read();
        let has_grown = fitted.has_outgrown(views.sales.n_orders()) && age >= GROWTH_PAUSE;
        has_grown || is_stale((age, age_max), departures(&views) != fitted.left)
    }
}

/// Goes through the numbers of all people in slices that nobody has to wait long for, and collects what
/// `look` finds.
pub(crate) fn slices<T>(
    views: &RwLock<Views>,
    mut look: impl FnMut(&Views, Range<u32>) -> Vec<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    in_slices((views, Views::people_end), |views, numbers| found.extend(look(views, numbers)));
    found
}

/// Goes through numbers up to an end in slices that nobody has to wait long for.
pub(crate) fn in_slices(
    (views, end): (&RwLock<Views>, impl Fn(&Views) -> u32),
    mut look: impl FnMut(&Views, Range<u32>),
) {
    let (mut from, mut size) = (0_u32, 16_u32);
    loop {
        let began = Instant::now();
        {
            let views = views.read();
            let end = end(&views);
            if from >= end {
                return;
            }
            let until = from.saturating_add(size).min(end);
            look(&views, from..until);
            from = until;
        }
        let took = began.elapsed();
        size = match took {
            took if took < SLICE / 2 => size.saturating_mul(2).min(4_096),
            took if took > SLICE => (size / 2).max(1),
            _ => size,
        };
        // Half of a core at most: answers come first.
        std::thread::sleep(took);
    }
}

/// Who may ask for whose profile: systems of the shop for anybody's; a page for that of its token's
/// shopper, or of a browser's own id, which only that browser knows.
fn asked<'a>(id: &'a str, caller: &Caller) -> Result<(IdKind, &'a str), AppError> {
    caller.check(Operation::ReadProfiles)?;
    let (kind, name) = kind_and_name(id)?;
    // The same name that a page sent events under: a claim, where it looks like an address.
    let kind = match kind {
        IdKind::Anonymous if !caller.may(Operation::ProfileOfAnyShopper) => {
            IdKind::by_browser(name)
        }
        kind => kind,
    };
    let is_own = kind != IdKind::User || caller.shopper.as_deref() == Some(name);
    if is_own || caller.may(Operation::ProfileOfAnyShopper) {
        return Ok((kind, name));
    }
    let what = Operation::ProfileOfAnyShopper.as_str();
    Err(AppError::Denied { role: caller.role.as_str(), what })
}

/// Keeps the shop's figures and the sizes of segments fresh, until the application is gone.
pub(crate) async fn keep_people(app: Weak<App>) {
    tokio::time::sleep(FIT_DELAY).await;
    loop {
        let Some(app) = app.upgrade() else { return };
        if app.check_ready().is_ok() && app.are_figures_due() {
            match app.fit_people().await {
                Ok(()) => app.count_segments().await,
                Err(error) => tracing::warn!(%error, "the shop's figures could not be fitted"),
            }
        } else if app.segments.is_count_due() {
            app.count_segments().await;
        }
        drop(app);
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}
