//! What ranking keeps between requests: slowly changing parts of the models, and working memory.

use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use rustc_hash::{FxHashMap, FxHasher};
use souk_core::wire::record_kind;
use souk_core::{Fact, SubjectId, Timestamp};
use souk_ports::RecordKind;
use souk_recommend::bought_together::TogetherScratch;
use souk_recommend::buy_again::BuyAgainScratch;
use souk_recommend::diversity::VarietyScratch;
use souk_recommend::next_basket::{self, Basket, BasketVectors, Market, Neighbourhood};
use souk_recommend::session::{
    MixtureScratch, SessionParams, SessionQuery, SessionScorer, SessionScratch,
};
use souk_recommend::sources::BlendScratch;
use souk_recommend::visits::VisitId;
use souk_recommend::{CoScratch, Item, Scored, Shopper};

use crate::App;
use crate::projections::Views;
use crate::recommend::ReasonKind;
use crate::recommend::candidates::Scene;
use crate::recommend::range::Ranges;
use crate::recommend::reason::Joined;
use crate::recommend::signals::Sample;
use crate::recommend::trials::Trials;

#[cfg(test)]
mod tests;

/// How old a list of popular products may be: a fact shows in everybody's answers within a second.
const LIST_AGE_MAX: Duration = Duration::from_millis(900);
/// How often the lists in use are made anew beside the requests.
const LIST_PAUSE: Duration = Duration::from_millis(400);
/// How old the answer to a running visit may be, for the same reason; and where nothing was added to what it was
/// made from: ages in it are days.
const VISIT_AGE_MAX: Duration = Duration::from_millis(800);
const SETTLED_AGE_MAX: Duration = Duration::from_secs(60);
/// How often the counts of what everyone buys are made anew; they weigh weeks and months.
const MARKET_PAUSE: Duration = Duration::from_secs(10);
/// Rest between two shoppers while neighbourhoods are prepared, so that requests come first.
const WARM_PAUSE: Duration = Duration::from_micros(500);
/// How soon to look again whether the start is over.
const START_PAUSE: Duration = Duration::from_millis(200);
/// Products in a list of popular ones; a filter takes its share from them.
const LIST_MAX: usize = 2_000;
/// Neighbourhoods kept; beyond it all are dropped and made anew as shoppers come (about 40 MB).
const NEIGHBOURHOODS_MAX: usize = 20_000;

/// How old a kept habit may be: the ages in it are days.
const HABIT_AGE_MAX: Duration = Duration::from_secs(60);
/// Questions of running visits whose answers are kept (about 30 MB).
const VISITS_MAX: usize = 4_096;
/// Products in a kept answer; longer ones are asked for by filters that refuse most (chosen).
const KEPT_LIMIT_MAX: usize = 100;

/// How often somebody was forgotten, or took back what others may learn from them.
pub(crate) fn departures(views: &Views) -> u64 {
    views.counters.of_kind(forgotten_kind()) + views.withdrawals()
}

/// The kind of record that asks for a person to be forgotten.
fn forgotten_kind() -> RecordKind {
    // Which person makes no difference to the kind.
    RecordKind(record_kind(&Fact::Forgotten { subject: SubjectId([0; 16]) }))
}

/// Working memory of one thread.
#[derive(Debug, Default)]
pub(crate) struct Scratches {
    pub next_basket: next_basket::Scratch,
    pub session: SessionScratch,
    pub mixture: MixtureScratch,
    pub together: TogetherScratch,
    pub counts: CoScratch,
    pub buy_again: BuyAgainScratch,
    pub blend: BlendScratch,
    pub variety: VarietyScratch,
}

thread_local! {
    static SCRATCHES: RefCell<Scratches> = RefCell::default();
}

/// Lends the thread's working memory.
pub(crate) fn with_scratches<T>(use_them: impl FnOnce(&mut Scratches) -> T) -> T {
    SCRATCHES.with_borrow_mut(use_them)
}

/// A list of products for everybody.
#[derive(Debug)]
struct List {
    made: Instant,
    /// Whether anybody asked for it since.
    is_asked: AtomicBool,
    products: Arc<Vec<Scored>>,
}

/// Which list of popular products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ListKey {
    scope: u32,
    is_trend: bool,
}

impl ListKey {
    fn products(self, views: &Views, now: Timestamp) -> Vec<Scored> {
        match self.is_trend {
            true => views.popularity.trending(self.scope, now, LIST_MAX),
            false => views.popularity.popular(self.scope, now, LIST_MAX),
        }
    }
}

/// What a shopper will likely buy next, and what that was made from.
#[derive(Debug)]
struct Habit {
    made: Instant,
    from: HabitOf,
    neighbourhood: Arc<Neighbourhood>,
    limit: usize,
    scored: Arc<Vec<Scored>>,
}

/// What must be the same for a kept habit to serve again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HabitOf {
    /// From the person's baskets.
    own: u64,
    /// The number of the model whose trees put it in order.
    model: Option<u64>,
}

impl HabitOf {
    pub(crate) fn new(own: &[Basket], model: Option<u64>) -> HabitOf {
        let mut hasher = FxHasher::default();
        for basket in own {
            (basket.key, basket.time, basket.items()).hash(&mut hasher);
        }
        HabitOf { own: hasher.finish(), model }
    }
}

impl Habit {
    /// Whether it says what would be made now, or nearly so: what all buy may have been counted anew since.
    fn serves(&self, (from, limit): (HabitOf, usize), neighbourhood: &Arc<Neighbourhood>) -> bool {
        self.from == from
            && (self.limit >= limit || self.scored.len() < self.limit)
            && self.made.elapsed() < HABIT_AGE_MAX
            && Arc::ptr_eq(&self.neighbourhood, neighbourhood)
    }
}

/// What a running visit leads to, and what was asked.
#[derive(Debug)]
struct VisitAnswer {
    made: Instant,
    from: VisitOf,
    seen: Vec<Item>,
    excluded: Vec<Item>,
    limit: usize,
    scored: Arc<Vec<Scored>>,
}

/// What an answer to a running visit is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VisitOf {
    /// What the visits say of likeness.
    pub(crate) kind: ReasonKind,
    /// The number of the model by which it is put in order, if any.
    pub(crate) model: Option<u64>,
    /// Of the visits that it is made from.
    pub(crate) n_changes: u64,
}

impl VisitAnswer {
    fn age_max(&self, from: VisitOf) -> Duration {
        match (self.from.kind, self.from.model) == (from.kind, from.model) {
            true if self.from.n_changes == from.n_changes => SETTLED_AGE_MAX,
            true => VISIT_AGE_MAX,
            false => Duration::ZERO,
        }
    }
}

/// What ranking keeps between requests. All of it can be lost at any time.
#[derive(Debug)]
pub(crate) struct Ranking {
    pub session: SessionScorer,
    market: RwLock<Option<Arc<Market>>>,
    neighbourhoods: RwLock<FxHashMap<Shopper, Arc<Neighbourhood>>>,
    /// Held by the request that finds a shopper's neighbours.
    searching: Mutex<()>,
    habits: RwLock<FxHashMap<Shopper, Habit>>,
    visits: RwLock<FxHashMap<VisitId, VisitAnswer>>,
    lists: RwLock<FxHashMap<ListKey, List>>,
    pub(super) joined: Joined,
    /// What sites have, in an order for when nothing is known of what sells.
    pub(super) ranges: Ranges,
    /// What came of showing products, where any are tried out or their order is learned.
    trials: RwLock<Option<Arc<Trials>>>,
    /// Which answers have their signals recorded.
    pub(super) sample: Sample,
    /// The same of the answers to searches.
    pub(crate) search_sample: Sample,
    /// Erasures and withdrawals that nothing made before them may be put in after.
    forgotten: AtomicU64,
    /// Erasures and withdrawals that the rest holds no trace of.
    cleared: AtomicU64,
    /// Held while the rest is cleared.
    clearing: Mutex<()>,
}

impl Default for Ranking {
    fn default() -> Ranking {
        Ranking::new(SessionParams::default())
    }
}

impl Ranking {
    /// Nothing kept yet; visits will be read so.
    pub(crate) fn new(session: SessionParams) -> Ranking {
        Ranking {
            session: SessionScorer::new(session),
            market: RwLock::default(),
            neighbourhoods: RwLock::default(),
            searching: Mutex::new(()),
            habits: RwLock::default(),
            visits: RwLock::default(),
            lists: RwLock::default(),
            ranges: Ranges::default(),
            joined: Joined::default(),
            trials: RwLock::default(),
            sample: Sample::default(),
            search_sample: Sample::default(),
            forgotten: AtomicU64::new(0),
            cleared: AtomicU64::new(0),
            clearing: Mutex::new(()),
        }
    }
}

impl Ranking {
    /// What everyone buys; [`keep_fresh`] makes it anew beside the requests, the first request itself.
    pub(crate) fn market(&self, baskets: &BasketVectors, now: Timestamp) -> Arc<Market> {
        if let Some(kept) = self.market.read().as_ref() {
            return Arc::clone(kept);
        }
        let made = Arc::new(Market::at(baskets, now.as_ms()));
        *self.market.write() = Some(Arc::clone(&made));
        made
    }

    /// What similar shoppers buy, made anew when the shopper's own baskets changed.
    ///
    /// One request at a time makes one anew. Whoever comes meanwhile gets the one before, or none: after a
    /// start, or once enough baskets changed, everybody's is old at once, and thousands of requests that
    /// make theirs would keep all others waiting for seconds.
    pub(crate) fn neighbourhood(
        &self,
        asked: (Shopper, Timestamp),
        baskets: &BasketVectors,
        scratch: &mut next_basket::Scratch,
    ) -> Arc<Neighbourhood> {
        let (shopper, now) = asked;
        let kept = self.neighbourhoods.read().get(&shopper).map(Arc::clone);
        let old = match kept {
            Some(kept) if kept.is_fresh(baskets, shopper, now.as_ms()) => return kept,
            old => old.unwrap_or_default(),
        };
        match self.searching.try_lock() {
            Some(_alone) => self.search(asked, baskets, scratch),
            None => old,
        }
    }

    /// Finds a shopper's neighbours before they ask, unless they did already.
    fn prepare(
        &self,
        asked: (Shopper, Timestamp),
        baskets: &BasketVectors,
        scratch: &mut next_basket::Scratch,
    ) {
        if !self.neighbourhoods.read().contains_key(&asked.0) {
            self.search(asked, baskets, scratch);
        }
    }

    /// Finds a shopper's neighbours and keeps them.
    fn search(
        &self,
        (shopper, now): (Shopper, Timestamp),
        baskets: &BasketVectors,
        scratch: &mut next_basket::Scratch,
    ) -> Arc<Neighbourhood> {
        let params = self.next_basket_params(0);
        let made = Arc::new(baskets.neighbourhood((shopper, now.as_ms()), &params, scratch));
        let mut kept = self.neighbourhoods.write();
        if kept.len() >= NEIGHBOURHOODS_MAX {
            kept.clear();
        }
        kept.insert(shopper, Arc::clone(&made));
        made
    }

    /// What a shopper will likely buy next, kept for a moment while neither their baskets nor the model change:
    /// the pages of one visit ask again and again. At least `limit` items where there are so many.
    ///
    /// What all buy is counted anew every few seconds in a busy shop, which moves weeks by seconds, so a kept
    /// answer outlives it. Whoever left is in none: all are dropped then.
    pub(crate) fn habit(
        &self,
        (shopper, from): (Shopper, HabitOf),
        (neighbourhood, limit): (&Arc<Neighbourhood>, usize),
        make: impl FnOnce() -> Vec<Scored>,
    ) -> Arc<Vec<Scored>> {
        if limit > KEPT_LIMIT_MAX {
            return Arc::new(make());
        }
        if let Some(kept) = self.habits.read().get(&shopper)
            && kept.serves((from, limit), neighbourhood)
        {
            return Arc::clone(&kept.scored);
        }
        let scored = Arc::new(make());
        let habit = Habit {
            made: Instant::now(),
            from,
            neighbourhood: Arc::clone(neighbourhood),
            limit,
            scored: Arc::clone(&scored),
        };
        let mut kept = self.habits.write();
        if kept.len() >= NEIGHBOURHOODS_MAX {
            kept.clear();
        }
        kept.insert(shopper, habit);
        scored
    }

    /// What a running visit leads to by one kind of likeness, kept for a moment while it does not go on, and for
    /// longer while no other visit does either: the places of one page ask one after the other. A visit that
    /// the shop does not store is not kept.
    pub(crate) fn visit_answer(
        &self,
        from: VisitOf,
        query: &SessionQuery<'_>,
        make: impl FnOnce() -> Vec<Scored>,
    ) -> Arc<Vec<Scored>> {
        let Some(visit) = query.own.filter(|_| query.limit <= KEPT_LIMIT_MAX) else {
            return Arc::new(make());
        };
        if let Some(kept) = self.visits.read().get(&visit)
            && kept.made.elapsed() < kept.age_max(from)
            && kept.limit == query.limit
            && (&kept.seen[..], &kept.excluded[..]) == (query.items, query.exclude)
        {
            return Arc::clone(&kept.scored);
        }
        let answer = VisitAnswer {
            made: Instant::now(),
            from,
            seen: query.items.to_vec(),
            excluded: query.exclude.to_vec(),
            limit: query.limit,
            scored: Arc::new(make()),
        };
        let scored = Arc::clone(&answer.scored);
        let mut kept = self.visits.write();
        if kept.len() >= VISITS_MAX {
            kept.clear();
        }
        kept.insert(visit, answer);
        scored
    }

    pub(crate) fn next_basket_params(&self, limit: usize) -> next_basket::Params {
        next_basket::Params { limit, ..next_basket::Params::default() }
    }

    /// The products in most demand, in the channel if it is known, else in the site.
    pub(crate) fn popular(&self, scene: &Scene<'_>) -> Arc<Vec<Scored>> {
        self.list(scene, |scope| ListKey { scope, is_trend: false })
    }

    /// The products whose demand grows most.
    pub(crate) fn trending(&self, scene: &Scene<'_>) -> Arc<Vec<Scored>> {
        self.list(scene, |scope| ListKey { scope, is_trend: true })
    }

    fn list(&self, scene: &Scene<'_>, key: impl Fn(u32) -> ListKey) -> Arc<Vec<Scored>> {
        let scoped = scene.views.popularity.scope(scene.site, scene.channel);
        let list = self.scope_list(scene, key(scoped));
        if !list.is_empty() || scene.channel.is_none() {
            return list;
        }
        // Nothing happened in this channel yet: what the whole site wants is still true.
        self.scope_list(scene, key(scene.views.popularity.scope(scene.site, None)))
    }

    fn scope_list(&self, scene: &Scene<'_>, key: ListKey) -> Arc<Vec<Scored>> {
        if let Some(kept) = self.lists.read().get(&key)
            && kept.made.elapsed() < LIST_AGE_MAX
        {
            kept.is_asked.store(true, Ordering::Relaxed);
            return Arc::clone(&kept.products);
        }
        let products = Arc::new(key.products(scene.views, scene.now));
        self.put_list((key, self.forgotten.load(Ordering::Acquire)), Arc::clone(&products));
        products
    }

    /// Keeps a list, unless somebody was forgotten since so many had been.
    fn put_list(&self, (key, forgotten): (ListKey, u64), products: Arc<Vec<Scored>>) {
        let list = List { made: Instant::now(), is_asked: AtomicBool::new(false), products };
        let mut lists = self.lists.write();
        if self.forgotten.load(Ordering::Acquire) == forgotten {
            lists.insert(key, list);
        }
    }

    /// What came of showing products, as far as it is known.
    pub(crate) fn trials(&self) -> Option<Arc<Trials>> {
        self.trials.read().clone()
    }

    /// Erasures and withdrawals that nothing counted before them may be put in after.
    pub(super) fn n_forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Acquire)
    }

    /// Keeps counts, unless somebody was forgotten since so many had been; says whether it did.
    pub(super) fn put_trials(&self, trials: Trials, forgotten: u64) -> bool {
        let mut kept = self.trials.write();
        let is_good = self.n_forgotten() == forgotten;
        if is_good {
            *kept = Some(Arc::new(trials));
        }
        is_good
    }

    /// The lists that were asked for since they were made.
    fn asked_lists(&self) -> Vec<ListKey> {
        let lists = self.lists.read();
        let asked = lists.iter().filter(|(_, list)| list.is_asked.load(Ordering::Relaxed));
        asked.map(|(key, _)| *key).collect()
    }

    /// Drops everything that may hold a trace of a shopper who was forgotten since the last answer, or
    /// whom others must no longer learn from; true when there was such a shopper.
    pub(crate) fn keep_up(&self, views: &Views) -> bool {
        let forgotten = departures(views);
        if self.cleared.load(Ordering::Acquire) == forgotten {
            return false;
        }
        // Who comes meanwhile waits: an answer must not rest on what is being cleared.
        let _clearing = self.clearing.lock();
        if self.cleared.load(Ordering::Acquire) == forgotten {
            return false;
        }
        self.forgotten.store(forgotten, Ordering::Release);
        self.neighbourhoods.write().clear();
        self.habits.write().clear();
        self.visits.write().clear();
        *self.market.write() = None;
        self.lists.write().clear();
        self.joined.clear();
        self.ranges.clear();
        *self.trials.write() = None;
        self.cleared.store(forgotten, Ordering::Release);
        true
    }
}

/// Makes the lists anew that are asked for, so that no request waits for one: a list takes milliseconds,
/// in which the requests on all cores would wait for the same one.
pub(crate) async fn keep_lists(app: Weak<App>) {
    loop {
        tokio::time::sleep(LIST_PAUSE).await;
        let Some(app) = app.upgrade() else { return };
        // Who left is let go of without waiting for somebody to ask.
        app.let_go_of_departed(&app.views.read());
        for key in app.ranking.asked_lists() {
            let now = app.clock.now();
            let forgotten = app.ranking.forgotten.load(Ordering::Acquire);
            let make = move |views: &Views| Arc::new(key.products(views, now));
            if let Ok(products) = app.projector.inspect(make).await {
                app.ranking.put_list((key, forgotten), products);
            }
        }
    }
}

/// Keeps the slow parts of ranking ready, so that no request waits for them: counts what everyone buys
/// while the fold pauses, and once after the start finds each shopper's neighbours.
pub(crate) async fn keep_fresh(app: Weak<App>) {
    let mut counted = None;
    loop {
        let Some(strong) = app.upgrade() else { return };
        let now = strong.clock.now();
        let seen = counted;
        let count = move |views: &Views| {
            let vectors = views.crowd().vectors;
            let changes = (vectors.n_changes(), now.as_ms() / 3_600_000);
            (seen != Some(changes)).then(|| (changes, Market::at(vectors, now.as_ms())))
        };
        let is_ready = strong.check_ready().is_ok();
        let forgotten = strong.ranking.forgotten.load(Ordering::Acquire);
        if is_ready && let Ok(Some((changes, market))) = strong.projector.inspect(count).await {
            let mut kept = strong.ranking.market.write();
            if strong.ranking.forgotten.load(Ordering::Acquire) == forgotten {
                *kept = Some(Arc::new(market));
            }
            drop(kept);
            if counted.replace(changes).is_none() {
                let app = app.clone();
                drop(tokio::task::spawn_blocking(move || warm_neighbourhoods(&app)));
            }
        }
        drop(strong);
        tokio::time::sleep(if is_ready { MARKET_PAUSE } else { START_PAUSE }).await;
    }
}

/// Finds the neighbours of the shoppers with baskets, one by one with rests.
fn warm_neighbourhoods(app: &Weak<App>) {
    for number in 0..NEIGHBOURHOODS_MAX as u32 {
        let Some(app) = app.upgrade() else { return };
        let views = app.views.read();
        let baskets = views.crowd().vectors;
        if number as usize >= baskets.n_shoppers() {
            return;
        }
        if let Some(shopper) = views.preparable(number, &app.config.main_site()) {
            let asked = (shopper, app.clock.now());
            with_scratches(|scratches| {
                app.ranking.prepare(asked, baskets, &mut scratches.next_basket);
            });
        }
        drop(views);
        std::thread::sleep(WARM_PAUSE);
    }
}
