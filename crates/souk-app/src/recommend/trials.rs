//! What products are believed to be worth, counted anew now and then from what became of answers.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use souk_recommend::Item;
use souk_recommend::explore::{Belief, Tries};

use crate::App;
use crate::people::in_slices;
use crate::projections::{Catalogue, Kind, Views};

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

/// What came of showing products, their kinds, and all of a site.
#[derive(Debug, Default)]
pub(crate) struct Trials {
    items: FxHashMap<Item, Tries>,
    kinds: FxHashMap<Kind, Tries>,
    sites: FxHashMap<u32, Tries>,
}

impl Trials {
    /// Sums products up by kind and site.
    fn of(items: FxHashMap<Item, Tries>, catalogue: &Catalogue) -> Trials {
        let (mut kinds, mut sites) = (FxHashMap::default(), FxHashMap::default());
        for (&item, &tries) in &items {
            let add = |to: &mut Tries| to.add(tries);
            add(sites.entry(catalogue.site_number(item)).or_default());
            if let Some(kind) = catalogue.kinds().of(item) {
                add(kinds.entry(kind).or_default());
            }
        }
        Trials { items, kinds, sites }
    }

    /// How often a product was shown, as far as it was looked at.
    pub(crate) fn shown(&self, item: Item) -> f64 {
        self.items.get(&item).map_or(0.0, |tries| tries.shown)
    }

    /// What is believed of a product: its own tries, drawn to the mean of its kind, and that to the site's.
    pub(crate) fn belief(&self, item: Item, catalogue: &Catalogue) -> Belief {
        let known = |tries: Option<&Tries>| tries.copied().unwrap_or_default();
        let site = Belief::new(known(self.sites.get(&catalogue.site_number(item))), ANY).mean();
        let kind = catalogue.kinds().of(item).and_then(|kind| self.kinds.get(&kind));
        let kind = Belief::new(known(kind), (site, OF_SITE)).mean();
        Belief::new(known(self.items.get(&item)), (kind, OF_KIND))
    }
}

impl App {
    /// Counts what came of showing products; false when somebody left meanwhile.
    pub(crate) async fn count_trials(&self) -> bool {
        let forgotten = self.ranking.n_forgotten();
        let views = Arc::clone(&self.views);
        let work = move || {
            let mut items: FxHashMap<Item, Tries> = FxHashMap::default();
            in_slices((&views, Views::n_trial_rows), |views, rows| {
                views.each_trial(rows, |item, tries| items.entry(item).or_default().add(tries));
            });
            Trials::of(items, &views.read().catalogue)
        };
        let Ok(trials) = tokio::task::spawn_blocking(work).await else { return false };
        self.ranking.put_trials(trials, forgotten)
    }
}

/// Keeps the counts fresh while products are tried out, until the application is gone. After somebody left there
/// are none until they are counted anew; where somebody leaves during each count, it is tried less and less often.
pub(crate) async fn keep_trials(app: Weak<App>) {
    let (mut counted, mut pause) = (None::<Instant>, LOOK_PAUSE);
    loop {
        tokio::time::sleep(pause).await;
        let Some(app) = app.upgrade() else { return };
        if app.config.recommendations.exploration.share <= 0.0 {
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
