//! The shop's own model of who will like what: learned from what everybody's allowed acts make together,
//! judged before it serves, and taken back when it disappoints.
//!
//! What is kept of a model is its *recipe*: sources, parameters, weights, the trees that put next baskets
//! and running visits in order, and how good it was on what it had not learned from. No number of it is about a person.
//! What is fitted by a recipe lives in memory alone, is the same bytes after every fit of the same
//! facts, and is made anew at a start, once in a while, and soon after somebody left or took back what
//! others may learn from them.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use souk_core::Timestamp;
use souk_recommend::impressions::ImpressionOrder;
use souk_recommend::next_basket::BasketRanker;
use souk_recommend::session::SessionMixture;
use souk_recommend::sources::ListCurves;
use tokio::sync::OwnedMutexGuard;

use crate::projections::Views;
use crate::recommend::{Discoveries, departures, prepare};
use crate::threads::{aside, at_leisure};
use crate::{App, AppError, AuditAct, AuditObject, AuditOperation, Caller, Operation, Outcome};

mod baskets;
mod breaks;
mod learning;
mod lists;
mod material;
mod order;
mod record;
mod sessions;
#[cfg(test)]
mod tests;

pub use learning::JudgedOrders;
pub use material::BoughtAgain;
pub(crate) use material::HISTORY_MAX;
pub use order::ModelOrder;
pub use record::{Model, ModelState};
pub use souk_recommend::evaluate::ratings::Search;

use learning::{InService, fit, is_affordable, learn};
use material::Material;

/// How often to look whether there is something to do.
const LOOK_PAUSE: Duration = Duration::from_secs(5);
/// How long after a start the first model is learned: a start has better things to do.
const LEARN_DELAY: Duration = Duration::from_secs(60);
/// How long after a fit the next one may be made because somebody left: several share one.
const DEPARTURE_PAUSE: Duration = Duration::from_secs(60);
/// How long after one that failed, or found too little to learn from, the next is tried.
const RETRY_PAUSE: Duration = Duration::from_secs(600);
/// How long learning waits for a calm moment, in which the process uses less than this share of the machine: it
/// takes a core for some minutes, and the same hour tomorrow is as good (chosen).
const CALM_WAIT_MAX: Duration = Duration::from_secs(6 * 3_600);
const CALM_SHARE_MAX: f64 = 0.4;
/// How much worse than the serving one a model may be judged: less is noise of a few hundred judges
/// (chosen).
const WORSE_MAX: f64 = 0.01;
/// Rows up to which parameters are searched for by the daily run, which fits sources a hundred times.
const SEARCH_ROWS_MAX: usize = 1_000_000;
const HOUR_MS: i64 = 3_600_000;

/// What a model puts lists in order by, beside its recipe; each is `None` where the model has no better order than
/// a shop begins with.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Orders {
    /// Next baskets.
    pub(crate) baskets: Option<BasketRanker>,
    /// What a running visit leads to.
    pub(crate) sessions: Option<Arc<SessionMixture>>,
    /// The candidates of a list.
    pub(crate) lists: Option<Arc<ImpressionOrder>>,
    /// The first hits of a search.
    pub(crate) searches: Option<Arc<ImpressionOrder>>,
}

/// A recipe fitted on the shop's facts.
pub(crate) struct Fitted {
    /// Of which model.
    pub(crate) number: u64,
    pub(crate) orders: Orders,
    pub(crate) curves: ListCurves,
    pub(crate) again: BoughtAgain,
    /// What it proposes.
    pub(crate) discoveries: Arc<Discoveries>,
    made: Instant,
    departures: u64,
}

impl Fitted {
    /// Whether nobody left since its facts were copied.
    pub(crate) fn knows_all_departures(&self, views: &Views) -> bool {
        self.departures == departures(views)
    }

    /// Drops what is at hand of people once one of them left.
    pub(crate) fn let_go(&self, views: &Views) {
        if !self.knows_all_departures(views) {
            self.discoveries.close();
        }
    }
}

impl fmt::Debug for Fitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fitted").field("number", &self.number).finish_non_exhaustive()
    }
}

/// The model in service.
#[derive(Debug, Default)]
pub(crate) struct Models {
    serving: RwLock<Option<Arc<Fitted>>>,
    /// Held while something is learned or fitted.
    working: Arc<tokio::sync::Mutex<()>>,
    /// Why the last one that was asked for was not learned.
    failure: Mutex<Option<String>>,
}

impl Models {
    /// What answers are made with; `None` until there is one.
    pub(crate) fn serving(&self) -> Option<Arc<Fitted>> {
        self.serving.read().clone()
    }
}

/// The models on record.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelsState {
    /// The oldest first.
    pub models: Vec<Model>,
    /// The number of the one in service.
    pub serving: Option<u64>,
    /// Whether it is fitted and speaks in answers: not in the first moments after a start.
    pub is_fitted: bool,
    /// Whether one is being learned or fitted now.
    pub is_working: bool,
    /// Why the last one that was asked for was not learned.
    pub last_failure: Option<String>,
    /// When the next one is learned by itself; `None` if that is switched off.
    pub next_at: Option<Timestamp>,
}

impl App {
    /// The models on record, and which one serves.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the operation; as the tables.
    pub async fn models(&self, caller: &Caller) -> Result<ModelsState, AppError> {
        caller.check(Operation::ReadAggregates)?;
        self.state_of_models().await
    }

    async fn state_of_models(&self) -> Result<ModelsState, AppError> {
        let now = self.clock.now();
        let models = record::list(&self.parts, now).await?;
        Ok(ModelsState {
            serving: record::serving(&self.parts, now).await?,
            is_fitted: self.models.serving().is_some(),
            is_working: self.models.working.try_lock().is_err(),
            last_failure: self.models.failure.lock().clone(),
            next_at: self.next_model(models.last()),
            models,
        })
    }

    fn next_model(&self, last: Option<&Model>) -> Option<Timestamp> {
        let hours = i64::try_from(self.config.recommendations.model.learn_every_hours).ok()?;
        if hours == 0 {
            return None;
        }
        let next = last.map(|last| last.made_at.plus_ms(hours.saturating_mul(HOUR_MS)));
        Some(next.unwrap_or_else(|| self.clock.now()))
    }

    /// Learns a model, judges it, and puts it in service unless it is worse than the one there is, or
    /// than what is popular.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the operation, [`AppError::Conflict`] while another is learned,
    /// [`AppError::NotReady`] when too little is known yet; as the tables.
    pub async fn learn_model(&self, caller: &Caller, search: Search) -> Result<Model, AppError> {
        caller.check(Operation::ManageModels)?;
        self.check_ready()?;
        let alone = self.alone()?;
        self.learn_alone((caller, alone), search).await
    }

    /// As [`App::learn_model`], but returns once it has begun; [`App::models`] tells what came of it.
    ///
    /// # Errors
    ///
    /// As [`App::learn_model`], as far as it is known at the beginning.
    pub async fn begin_model(
        self: &Arc<Self>,
        caller: &Caller,
        search: Search,
    ) -> Result<ModelsState, AppError> {
        caller.check(Operation::ManageModels)?;
        self.check_ready()?;
        let alone = self.alone()?;
        let (app, caller_of_it) = (Arc::clone(self), caller.clone());
        tokio::spawn(async move {
            let learned = app.learn_alone((&caller_of_it, alone), search).await;
            *app.models.failure.lock() = learned.err().map(|error| error.to_string());
        });
        let mut state = self.state_of_models().await?;
        state.is_working = true;
        Ok(state)
    }

    fn alone(&self) -> Result<OwnedMutexGuard<()>, AppError> {
        Arc::clone(&self.models.working).try_lock_owned().map_err(|_| is_busy())
    }

    async fn learn_alone(
        &self,
        (caller, _alone): (&Caller, OwnedMutexGuard<()>),
        search: Search,
    ) -> Result<Model, AppError> {
        let (now, began) = (self.clock.now(), Instant::now());
        let known = record::list(&self.parts, now).await?;
        let serving = self.in_service(&known, now).await?;
        let number = known.last().map_or(1, |last| last.number + 1);
        let copy = |views: &Views| Material::copy(views, departures(views)).with_lessons(views);
        let mut material = self.projector.inspect(copy).await?;
        let (views, windows) = (Arc::clone(&self.views), self.search_windows());
        let how = (*self.ranking.session.params(), threads());
        material.lists = aside("copying lists", move || lists::copy(&views, windows)).await?;
        let learned = at_leisure(move || learn(material, (serving, search), how)).await?;
        let Some(learned) = learned else {
            return Err(AppError::NotReady(
                "too few shoppers took three different products yet: forty are needed to learn a model".to_owned(),
            ));
        };
        let model = Model {
            number,
            made_at: now,
            state: learned.state,
            recipe: learned.recipe,
            verdict: learned.verdict,
            orders: learned.judged,
            again: learned.again,
            n_shoppers: learned.n_shoppers,
            ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let act = AuditAct::new(AuditOperation::ModelLearn)
            .on(AuditObject::data("models"))
            .with("number", number)
            .with("state", model.state.as_str())
            .ending(Outcome::Done);
        self.audit(caller, act).await?;
        record::add(&self.parts, (&model, &learned.orders), now).await?;
        if let Some(fitted) = learned.fitted {
            let number = learned.fitted_number.unwrap_or(number);
            let fitted = Fitted { number, ..fitted };
            self.put_in_service(fitted).await?;
        }
        Ok(model)
    }

    /// Puts a model on record in service, whatever it was judged: also how one is taken back.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the operation, [`AppError::NotFound`] for an unknown number,
    /// [`AppError::Conflict`] while another is learned; as the tables.
    pub async fn serve_model(&self, caller: &Caller, number: u64) -> Result<Model, AppError> {
        caller.check(Operation::ManageModels)?;
        self.check_ready()?;
        let _alone = self.alone()?;
        let now = self.clock.now();
        let known = record::list(&self.parts, now).await?;
        let model = known.into_iter().find(|model| model.number == number);
        let id = number.to_string();
        let model = model.ok_or(AppError::NotFound { what: "model", id })?;
        let act = AuditAct::new(AuditOperation::ModelServe)
            .on(AuditObject::data("models"))
            .with("number", number)
            .ending(Outcome::Done);
        self.audit(caller, act).await?;
        record::set_serving(&self.parts, number, now).await?;
        self.fit(&model).await?;
        Ok(model)
    }

    /// Fits a model on the facts as they are and puts the result in service.
    async fn fit(&self, model: &Model) -> Result<(), AppError> {
        let orders = record::orders(&self.parts, model.number, self.clock.now()).await?;
        let copy = |views: &Views| Material::copy(views, departures(views));
        let material = self.projector.inspect(copy).await?;
        let (recipe, number, threads) = (model.recipe.clone(), model.number, threads());
        let fitted = at_leisure(move || {
            let mut material = material;
            let histories = material.histories();
            let tokens = material.tokens();
            is_affordable(&recipe, &histories)
                .then(|| fit(&recipe, (&histories, &tokens), (&material, number), threads))
                .map(|fitted| Fitted { orders, ..fitted })
        });
        let fitted = fitted.await?;
        let Some(fitted) = fitted else {
            *self.models.serving.write() = None;
            return Err(AppError::NotReady(format!(
                "the shop has outgrown model {number}, whose sources take too long by now; learn another one"
            )));
        };
        self.put_in_service(fitted).await
    }

    /// Lets answers be made with a fit from now on.
    async fn put_in_service(&self, fitted: Fitted) -> Result<(), AppError> {
        prepare(self, &fitted).await?;
        let fitted = Arc::new(fitted);
        *self.models.serving.write() = Some(Arc::clone(&fitted));
        fitted.let_go(&self.views.read());
        Ok(())
    }

    async fn in_service(
        &self,
        known: &[Model],
        now: Timestamp,
    ) -> Result<Option<InService>, AppError> {
        let number = record::serving(&self.parts, now).await?;
        let Some(model) = known.iter().find(|model| Some(model.number) == number) else {
            return Ok(None);
        };
        let orders = record::orders(&self.parts, model.number, now).await?;
        Ok(Some(InService { number: model.number, recipe: model.recipe.clone(), orders }))
    }

    /// Does what is due: fits what serves, or learns anew, but not before `learn_at`.
    async fn tend_models(&self, learn_at: Instant, pace: Pace) -> Result<(), AppError> {
        let state = self.state_of_models().await?;
        if state.is_working {
            return Ok(());
        }
        let serving = state.models.iter().find(|model| Some(model.number) == state.serving);
        let mut is_outgrown = false;
        if let Some(model) = serving
            && self.is_fit_due()
        {
            let fitted = {
                let _alone = self.alone()?;
                self.fit(model).await
            };
            is_outgrown = matches!(fitted, Err(AppError::NotReady(_)));
            if !is_outgrown {
                return fitted;
            }
        }
        let is_due = is_outgrown || state.next_at.is_some_and(|at| at <= self.clock.now());
        if !is_due || Instant::now() < learn_at {
            return Ok(());
        }
        if pace == Pace::Busy && learn_at.elapsed() < CALM_WAIT_MAX {
            return Ok(());
        }
        // The first one soon, by what is known of such shops; parameters are searched for in later ones.
        let n_events = { self.views.read().sizes().visit_events };
        let is_bearable = usize::try_from(n_events).is_ok_and(|n| n <= SEARCH_ROWS_MAX);
        let search = match serving {
            Some(_) if is_bearable && !is_outgrown => Search::Parameters,
            _ => Search::Weights,
        };
        let model = self.learn_model(&Caller::local_admin(), search).await?;
        tracing::info!(number = model.number, state = model.state.as_str(), "a model was learned");
        Ok(())
    }

    fn is_fit_due(&self) -> bool {
        let Some(fitted) = self.models.serving() else { return true };
        let minutes = self.config.recommendations.model.fit_every_minutes;
        let age_max = Duration::from_secs(minutes.saturating_mul(60));
        let has_someone_left = !fitted.knows_all_departures(&self.views.read());
        is_stale((fitted.made.elapsed(), age_max), has_someone_left)
    }
}

/// Whether what serves must be fitted anew: it is old, or somebody left.
pub(crate) fn is_stale((age, age_max): (Duration, Duration), has_someone_left: bool) -> bool {
    age >= age_max || has_someone_left && age >= DEPARTURE_PAUSE
}

/// Half of the machine: the other half answers.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get().div_ceil(2))
}

fn is_busy() -> AppError {
    AppError::Conflict("a model is being learned or fitted; wait until it is done".to_owned())
}

/// How much there is to do beside learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Calm,
    Busy,
}

/// Reads how much of the machine the process uses.
#[derive(Debug, Default)]
struct Meter(Option<(Instant, Duration)>);

impl Meter {
    /// Since the last reading; calm at the first one, and on systems that do not tell.
    fn read(&mut self) -> Pace {
        let Some(used) = used_by_process() else { return Pace::Calm };
        let now = Instant::now();
        let before = self.0.replace((now, used));
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let share = before.map_or(0.0, |(then, used_then)| {
            let busy = used.saturating_sub(used_then).as_secs_f64();
            busy / (now.duration_since(then).as_secs_f64() * cores).max(f64::MIN_POSITIVE)
        });
        if share > CALM_SHARE_MAX { Pace::Busy } else { Pace::Calm }
    }
}

/// The processor time that the process has used.
#[cfg(target_os = "linux")]
fn used_by_process() -> Option<Duration> {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(used).ok()
}

/// The processor time that the process has used.
#[cfg(not(target_os = "linux"))]
fn used_by_process() -> Option<Duration> {
    None
}

/// Keeps a model fitted and learns new ones when it is time, until the application is gone.
pub(crate) async fn keep_models(app: Weak<App>) {
    let mut learn_at = Instant::now() + LEARN_DELAY;
    let mut meter = Meter::default();
    loop {
        tokio::time::sleep(LOOK_PAUSE).await;
        let Some(app) = app.upgrade() else { return };
        if app.check_ready().is_err() {
            continue;
        }
        let tended = app.tend_models(learn_at, meter.read()).await;
        // Each try copies what everybody did; without a model nobody waits for the next.
        let is_idle = app.models.serving().is_none();
        drop(app);
        if let Err(error) = tended {
            tracing::debug!(%error, "no model was learned or fitted");
            learn_at = Instant::now() + RETRY_PAUSE;
            if is_idle {
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }
}
