//! What products are believed to be worth, counted anew now and then from what became of answers.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use souk_recommend::Item;
use souk_recommend::explore::{Belief, Tries};

use crate::App;
use crate::config::RecommendationSettings;
use crate::people::in_slices;
use crate::projections::{Catalogue, Did, Kind, Tried, Views};

/// How old counts may be; they weigh two weeks.
const AGE_MAX: Duration = Duration::from_secs(600);
/// How often to look whether they are due.
const LOOK_PAUSE: Duration = Duration::from_secs(5);

/// The chance to be taken up where nothing is known, and how many tries it counts as; chosen, and of no weight
/// once a shop has some thousand answers.
const ANY: (f64, f64) = (0.03, 100.0);
/// How many tries the mean of a site counts as beside those of a kind, and that of a kind beside those of a
/// product (chosen).
const OF_SITE: f64 = 100.0;
const OF_KIND: f64 = 20.0;

/// Days that count as lately (chosen: long enough for some hundred looks at what sells).
const LATE_DAYS: i32 = 3;
/// The chance to be ordered where nothing is known, as of [`ANY`].
const ANY_ORDER: (f64, f64) = (0.002, 100.0);

/// What came of showing something.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    all: Tries,
    lately: Tries,
    /// How often it was ordered.
    orders: f64,
}

impl Counts {
    fn of(tried: Tried) -> Counts {
        let wins = if tried.did.is_some() { 1.0 } else { 0.0 };
        let all = Tries { shown: tried.shown, wins };
        let lately = if tried.days <= LATE_DAYS { all } else { Tries::default() };
        let orders = if tried.did == Some(Did::Ordered) { 1.0 } else { 0.0 };
        Counts { all, lately, orders }
    }

    fn add(&mut self, other: Counts) {
        self.all.add(other.all);
        self.lately.add(other.lately);
        self.orders += other.orders;
    }

    fn orders(self) -> Tries {
        Tries { shown: self.all.shown, wins: self.orders }
    }
}

/// What is believed of a product's chances where it is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rates {
    /// To be taken up.
    pub(crate) click: f64,
    /// The same lately.
    pub(crate) lately: f64,
    /// To be ordered.
    pub(crate) order: f64,
    /// How often it was looked at.
    pub(crate) looks: f64,
}

/// What came of showing products, their kinds, and all of a site.
#[derive(Debug, Default)]
pub(crate) struct Trials {
    items: FxHashMap<Item, Counts>,
    kinds: FxHashMap<Kind, Tries>,
    sites: FxHashMap<u32, Counts>,
}

impl Trials {
    /// Sums products up by kind and site.
    fn of(items: FxHashMap<Item, Counts>, catalogue: &Catalogue) -> Trials {
        let mut kinds: FxHashMap<Kind, Tries> = FxHashMap::default();
        let mut sites: FxHashMap<u32, Counts> = FxHashMap::default();
        for (&item, &counts) in &items {
            sites.entry(catalogue.site_number(item)).or_default().add(counts);
            if let Some(kind) = catalogue.kinds().of(item) {
                kinds.entry(kind).or_default().add(counts.all);
            }
        }
        Trials { items, kinds, sites }
    }

    /// How often a product was shown, as far as it was looked at.
    pub(crate) fn shown(&self, item: Item) -> f64 {
        self.items.get(&item).map_or(0.0, |counts| counts.all.shown)
    }

    /// What is believed of a product: its own tries, drawn to the mean of its kind, and that to the site's.
    pub(crate) fn belief(&self, item: Item, catalogue: &Catalogue) -> Belief {
        let known = |tries: Option<&Tries>| tries.copied().unwrap_or_default();
        let site = self.sites.get(&catalogue.site_number(item)).map(|counts| &counts.all);
        let site = Belief::new(known(site), ANY).mean();
        let kind = catalogue.kinds().of(item).and_then(|kind| self.kinds.get(&kind));
        let kind = Belief::new(known(kind), (site, OF_SITE)).mean();
        Belief::new(known(self.items.get(&item).map(|counts| &counts.all)), (kind, OF_KIND))
    }

    /// The chances of a product: what happened lately is drawn to all that did, and orders to the mean of the site.
    pub(crate) fn rates(&self, item: Item, catalogue: &Catalogue) -> Rates {
        let own = self.items.get(&item).copied().unwrap_or_default();
        let site = self.sites.get(&catalogue.site_number(item)).copied().unwrap_or_default();
        let click = self.belief(item, catalogue).mean();
        let order = Belief::new(site.orders(), ANY_ORDER).mean();
        Rates {
            click,
            lately: Belief::new(own.lately, (click, OF_KIND)).mean(),
            order: Belief::new(own.orders(), (order, OF_SITE)).mean(),
            looks: own.all.shown,
        }
    }
}

impl App {
    /// Counts what came of showing products; false when somebody left meanwhile.
    pub(crate) async fn count_trials(&self) -> bool {
        let forgotten = self.ranking.n_forgotten();
        let views = Arc::clone(&self.views);
        let work = move || {
            let mut items: FxHashMap<Item, Counts> = FxHashMap::default();
            in_slices((&views, Views::n_trial_rows), |views, rows| {
                let mut count = |item, tried| {
                    items.entry(item).or_default().add(Counts::of(tried));
                };
                views.each_trial(rows, &mut count);
            });
            Trials::of(items, &views.read().catalogue)
        };
        let Ok(trials) = tokio::task::spawn_blocking(work).await else { return false };
        self.ranking.put_trials(trials, forgotten)
    }
}

/// Keeps the counts fresh while products are tried out or the order of lists is learned, until the application is gone. After somebody left there
/// are none until they are counted anew; where somebody leaves during each count, it is tried less and less often.
pub(crate) async fn keep_trials(app: Weak<App>) {
    let (mut counted, mut pause) = (None::<Instant>, LOOK_PAUSE);
    loop {
        tokio::time::sleep(pause).await;
        let Some(app) = app.upgrade() else { return };
        let RecommendationSettings { exploration, model, .. } = &app.config.recommendations;
        if exploration.share <= 0.0 && model.signals_per_hour == 0 {
            return;
        }
        let is_fresh =
            app.ranking.trials().is_some() && counted.is_some_and(|at| at.elapsed() < AGE_MAX);
        if !is_fresh && app.check_ready().is_ok() {
            counted = app.count_trials().await.then(Instant::now);
            pause = if counted.is_some() { LOOK_PAUSE } else { (2 * pause).min(AGE_MAX) };
        }
    }
}
