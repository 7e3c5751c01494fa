//! What searches teach: what shoppers take up after a query, and which queries are asked for.
//!
//! Counted anew now and then from what is kept of searches ([`crate::projections::Sought`]), of people who let
//! others learn from them. A person counts once for a query, however often they asked it, and nothing is learned of a query
//! that fewer than `privacy.statistics.people_min` people asked. Once somebody is erased or takes their word back, the
//! counts are no longer used until they are made anew.

#[cfg(test)]
mod tests;

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rustc_hash::{FxHashMap, FxHashSet};
use souk_core::SiteId;
use souk_recommend::Item;
use souk_recommend::clicks::{ClickParams, Examination, Shown, liked, unshown};
use souk_search::{SearchIndex, SearchRequest};
use xxhash_rust::xxh3::xxh3_64;

use super::shelf::Shelf;
use crate::App;
use crate::config::{SearchLearning, SearchSettings};
use crate::people::in_slices;
use crate::projections::{Sought, Taken, Views, Windows, query_key};
use crate::recommend::departures;

/// How old counts may be: clicks weigh for a season.
const AGE_MAX: Duration = Duration::from_secs(600);
/// How often to look whether they are due.
const LOOK_PAUSE: Duration = Duration::from_secs(5);

/// Queries that are learned from, those of most people; chosen: with all their products some ten megabytes.
const QUERIES_MAX: usize = 10_000;
/// Queries of a site that may be suggested.
const POPULAR_MAX: usize = 2_000;
/// Queries that are suggested before anything is typed, and how many are looked at for them.
const UNPROMPTED_MAX: usize = 20;
const UNPROMPTED_READ: usize = 200;
/// Products that a query brings though its words do not find them, at most.
const GUESTS_MAX: usize = 3;
/// People with an order who must be among those who asked a query (chosen, as for a figure in a reason): ids that were made
/// up on a page have none.
const BUYERS_MIN: u32 = 5;
/// Products of a query that are looked at for that; most of them are found by its words as well.
const WANTED_MAX: usize = 10;
/// The share of a query's people who must have wanted such a product (chosen).
const WANTED_SHARE: f64 = 0.1;
/// Factors nearer to that of products nobody was shown move nothing, and are not kept.
const FACTOR_MARGIN: f64 = 0.01;

/// Days that count as now, and those before that they are held against.
const NOW_DAYS: i32 = 7;
const BEFORE_DAYS: i32 = 28;
/// A query trends when it is asked so many times as often in a day as before; a person counts once a day, and a query
/// that nobody asked before counts as one asked once a week.
const TREND_MIN: f64 = 1.5;

/// What is learned of one query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LearnedQuery {
    /// By what the scores of products are multiplied, by product in ascending order; those that have what others have
    /// are left out.
    factors: Box<[(Item, f32)]>,
    /// By what those of all others are.
    of_others: f32,
    /// Products that people took up after it, or after typing anew, with how many; most wanted first.
    wanted: Box<[(Item, u32)]>,
}

impl LearnedQuery {
    /// By what a product's score is multiplied.
    pub(super) fn factor(&self, item: Item) -> f64 {
        self.own_factor(item).unwrap_or_else(|| f64::from(self.of_others))
    }

    /// What is known of a product itself.
    pub(super) fn own_factor(&self, item: Item) -> Option<f64> {
        let found = self.factors.binary_search_by_key(&item, |(of, _)| *of).ok()?;
        Some(f64::from(self.factors[found].1))
    }

    /// How many people took a product up after this query; the products that come with it though words do
    /// not find them are among these.
    pub(super) fn wanted(&self) -> &[(Item, u32)] {
        &self.wanted
    }

    /// The products among the wanted ones that `is_outside`, as many as may come.
    pub(super) fn guests(&self, is_outside: impl Fn(Item) -> bool) -> Vec<Item> {
        let items = self.wanted.iter().map(|(item, _)| *item);
        items.filter(|item| is_outside(*item)).take(GUESTS_MAX).collect()
    }
}

/// A query that enough people asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PopularQuery {
    pub(crate) text: String,
    /// Different people in what is kept.
    pub(crate) people: u32,
    /// How many times as often it was asked lately as before, where that is more.
    pub(crate) trend: Option<f64>,
}

/// What is learned of one site.
#[derive(Clone, Debug, Default)]
struct OfSite {
    queries: FxHashMap<Box<str>, Arc<LearnedQuery>>,
    popular: Vec<PopularQuery>,
    /// Those that are suggested before anything is typed.
    unprompted: Vec<PopularQuery>,
}

/// What searches teach.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    /// How many had left when it was counted.
    departures: u64,
    sites: FxHashMap<SiteId, OfSite>,
}

impl Learned {
    /// What is known of a query as it was typed.
    pub(super) fn query(&self, site: &SiteId, typed: &str) -> Option<Arc<LearnedQuery>> {
        self.sites.get(site)?.queries.get(query_key(typed)?.as_str()).cloned()
    }

    /// Queries of a site that enough people asked, those of most people first.
    pub(super) fn popular(&self, site: &SiteId) -> &[PopularQuery] {
        self.sites.get(site).map_or(&[], |of| &of.popular)
    }

    /// What is suggested before anything is typed: what trends, then what most people ask, of what finds anything.
    pub(super) fn unprompted(&self, site: &SiteId) -> &[PopularQuery] {
        self.sites.get(site).map_or(&[], |of| &of.unprompted)
    }

    /// Leaves out queries that the shop does not want to see suggested, and chooses those to begin with.
    fn choose(&mut self, (settings, shelves): (&SearchSettings, &FxHashMap<SiteId, Arc<Shelf>>)) {
        let never = settings.never_suggested.iter().filter_map(|words| query_key(words));
        let never: Vec<String> = never.map(|words| format!(" {words} ")).collect();
        for (site, of_site) in &mut self.sites {
            of_site.popular.retain(|one| {
                let text = format!(" {} ", one.text);
                settings.learning == SearchLearning::All
                    && !never.iter().any(|words| text.contains(words))
            });
            let Some(shelf) = shelves.get(site) else { continue };
            of_site.unprompted = first_suggested(&of_site.popular, &shelf.index.read());
        }
    }
}

/// What is counted of one query.
#[derive(Debug, Default)]
struct Asked {
    site: u32,
    text: Box<str>,
    people: u32,
    people_now: u32,
    /// A person counts once a day in these.
    asked_now: u32,
    asked_before: u32,
}

/// The sums of the second pass.
#[derive(Debug, Default)]
struct Counting {
    /// The numbers of the queries that are learned from, by [`name_of`].
    numbers: FxHashMap<u64, u32>,
    asked: Vec<Asked>,
    /// By query, product and place: showings, clicks, worth.
    shown: FxHashMap<(u32, Item, u8), [f64; 3]>,
    wanted: FxHashMap<(u32, Item), u32>,
    /// Days since the oldest search that counts.
    n_days: i32,
}

/// A query of a site in eight bytes.
fn name_of(one: &Sought<'_>) -> u64 {
    xxh3_64(one.key.as_bytes()) ^ u64::from(one.site).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Counting {
    /// A count of the queries that most people asked, by their names.
    fn of(people: FxHashMap<u64, [u32; 2]>, people_min: u32) -> Counting {
        let enough = people.into_iter().filter_map(|(name, [people, buyers])| {
            (people >= people_min && buyers >= BUYERS_MIN.min(people_min)).then_some((name, people))
        });
        let mut known: Vec<(u64, u32)> = enough.collect();
        known.sort_unstable_by_key(|(name, people)| (std::cmp::Reverse(*people), *name));
        known.truncate(QUERIES_MAX);
        let numbers = (0u32..).zip(&known).map(|(number, (name, _))| (*name, number));
        let asked = known.iter().map(|_| Asked::default()).collect();
        Counting { numbers: numbers.collect(), asked, ..Counting::default() }
    }

    /// Adds what one person did.
    fn add(&mut self, person: &[Sought<'_>], today: i32) {
        let mut seen: FxHashSet<(u32, u8)> = FxHashSet::default();
        let mut wanted: FxHashSet<(u32, Item)> = FxHashSet::default();
        let mut known: Vec<(u32, &Sought<'_>)> = Vec::with_capacity(person.len());
        let mut times: FxHashMap<u32, f64> = FxHashMap::default();
        for one in person.iter().filter(|one| one.may_learn) {
            self.n_days = self.n_days.max(today - one.day);
            if let Some(&number) = self.numbers.get(&name_of(one)) {
                known.push((number, one));
                *times.entry(number).or_default() += 1.0;
            }
        }
        for (number, one) in known {
            // Who asks the same day after day weighs as much as who asked once.
            let weight = times[&number].recip();
            let asked = &mut self.asked[number as usize];
            if asked.text.is_empty() {
                (asked.site, asked.text) = (one.site, one.key.into());
            }
            let age = today - one.day;
            let mut once = |window: u8| u32::from(seen.insert((number, window)));
            asked.people += once(0);
            match age {
                ..NOW_DAYS => {
                    asked.people_now += once(1);
                    asked.asked_now += 1;
                }
                age if age < NOW_DAYS + BEFORE_DAYS => asked.asked_before += 1,
                _ => {}
            }
            for (idx, item) in (0u8..).zip(one.shown) {
                let place = one.places.get(usize::from(idx)).copied().unwrap_or(idx);
                let [shown, clicks, worth] = self.shown.entry((number, *item, place)).or_default();
                *shown += weight;
                if let Some(Taken { did, .. }) = one.taken.iter().find(|taken| taken.item == *item)
                {
                    *clicks += weight;
                    *worth += weight * did.worth();
                }
            }
            for taken in one.taken.iter().chain(&one.found_anew) {
                if wanted.insert((number, taken.item)) {
                    *self.wanted.entry((number, taken.item)).or_default() += 1;
                }
            }
        }
    }

    /// What follows from the sums.
    fn learned(self, people_min: u32) -> Vec<(Asked, LearnedQuery)> {
        let shown = self.shown.into_iter().map(|((query, item, place), [shown, clicks, worth])| {
            Shown { query, item, place, shown, clicks, worth }
        });
        let mut shown: Vec<Shown> = shown.collect();
        shown.sort_unstable_by_key(|one| (one.query, one.item, one.place));
        let examination = Examination::estimated(&shown);
        let mut factors = vec![(Vec::new(), 1.0_f32); self.asked.len()];
        let liked = liked(&shown, &examination, &ClickParams::default());
        for of_query in liked.chunk_by(|left, right| left.query == right.query) {
            let others = unshown(of_query);
            let own = of_query.iter().filter(|one| (one.factor - others).abs() > FACTOR_MARGIN);
            let own: Vec<(Item, f32)> = own.map(|one| (one.item, one.factor as f32)).collect();
            factors[of_query[0].query as usize] = (own, others as f32);
        }
        let mut wanted: Vec<Vec<(Item, u32)>> = vec![Vec::new(); self.asked.len()];
        for ((query, item), people) in self.wanted {
            let share = f64::from(people) / f64::from(self.asked[query as usize].people.max(1));
            if people >= people_min && share >= WANTED_SHARE {
                wanted[query as usize].push((item, people));
            }
        }
        let learned = self.asked.into_iter().zip(factors).zip(wanted);
        let learned = learned.map(|((asked, (factors, of_others)), mut wanted)| {
            wanted.sort_unstable_by_key(|(item, people)| (std::cmp::Reverse(*people), *item));
            wanted.truncate(WANTED_MAX);
            (asked, LearnedQuery { factors: factors.into(), of_others, wanted: wanted.into() })
        });
        learned.collect()
    }
}

impl Asked {
    /// What is told of the query, given the days since the oldest search: nothing can be told to rise of which
    /// it is not known how often it was asked before.
    fn popular(&self, people_min: u32, n_days: i32) -> Option<PopularQuery> {
        let before = (f64::from(self.asked_before) / f64::from(BEFORE_DAYS)).max(1.0 / 7.0);
        let trend = f64::from(self.asked_now) / f64::from(NOW_DAYS) / before;
        let has_before = n_days >= NOW_DAYS + BEFORE_DAYS - 1;
        let is_told = has_before && self.people_now >= people_min && trend >= TREND_MIN;
        let popular = PopularQuery {
            text: self.text.to_string(),
            // In steps, so that nobody is seen to leave.
            people: self.people - self.people % people_min.max(1),
            trend: is_told.then_some((trend * 10.0).round() / 10.0),
        };
        (!self.text.is_empty() && self.people >= people_min).then_some(popular)
    }
}

impl App {
    /// What searches teach, unless somebody left since it was counted.
    pub(super) fn learned(&self, views: &Views) -> Option<Arc<Learned>> {
        let learned = self.searching.learned.load_full()?;
        (learned.departures == departures(views)).then_some(learned)
    }

    /// Counts what searches teach; false when somebody left meanwhile, or an index was not built yet.
    pub(crate) async fn learn_from_searches(&self) -> bool {
        let views = Arc::clone(&self.views);
        let windows = self.search_windows();
        let people_min = self.config.privacy.statistics.people_min;
        let people_min = u32::try_from(people_min).unwrap_or(u32::MAX);
        let today = crate::projections::day_of(self.clock.now());
        let settings = self.config.search.clone();
        let shelves = self.searching.shelves();
        let work = move || {
            let before = departures(&views.read());
            let mut people: FxHashMap<u64, [u32; 2]> = FxHashMap::default();
            let rows = (&*views, Views::n_search_rows);
            in_slices(rows, |views, rows| {
                views.each_searcher((rows, windows), |person| {
                    let own = person.iter().filter(|one| one.may_learn).map(name_of);
                    let own: FxHashSet<u64> = own.collect();
                    let has_bought = person.iter().any(|one| one.has_bought);
                    for name in own {
                        let [all, buyers] = people.entry(name).or_default();
                        *all += 1;
                        *buyers += u32::from(has_bought);
                    }
                });
            });
            let mut counting = Counting::of(people, people_min);
            in_slices(rows, |views, rows| {
                views.each_searcher((rows, windows), |person| counting.add(person, today));
            });
            let n_days = counting.n_days;
            let learned = counting.learned(people_min);
            let mut learned = by_site((&views.read(), before), learned, (people_min, n_days))?;
            learned.choose((&settings, &shelves));
            let has_all = learned.sites.keys().all(|site| shelves.contains_key(site));
            Some((learned, has_all))
        };
        let Ok(Some((learned, has_all))) = tokio::task::spawn_blocking(work).await else {
            return false;
        };
        self.searching.learned.store(Some(Arc::new(learned)));
        has_all
    }

    /// How long after an answer acts are owed to it.
    pub(crate) fn search_windows(&self) -> Windows {
        let settings = self.config.attribution;
        Windows { click_days: settings.click_days as i64, order_days: settings.order_days as i64 }
    }
}

/// Sorts what was learned by site; `None` when somebody left since it was begun.
fn by_site(
    (views, before): (&Views, u64),
    learned: Vec<(Asked, LearnedQuery)>,
    (people_min, n_days): (u32, i32),
) -> Option<Learned> {
    if departures(views) != before {
        return None;
    }
    let mut all = Learned { departures: before, ..Learned::default() };
    for (asked, query) in learned {
        let Ok(site) = SiteId::new(views.catalogue.site_name(asked.site)) else { continue };
        // Who left a query between the passes may have left it to too few.
        let Some(popular) = asked.popular(people_min, n_days) else { continue };
        let of_site = all.sites.entry(site).or_default();
        of_site.popular.push(popular);
        of_site.queries.insert(asked.text, Arc::new(query));
    }
    for of_site in all.sites.values_mut() {
        of_site.popular.sort_by(|a, b| b.people.cmp(&a.people).then_with(|| a.text.cmp(&b.text)));
        of_site.popular.truncate(POPULAR_MAX);
    }
    Some(all)
}

/// The queries that are suggested before anything is typed.
fn first_suggested(popular: &[PopularQuery], index: &SearchIndex) -> Vec<PopularQuery> {
    let mut ordered: Vec<&PopularQuery> = popular.iter().collect();
    ordered.sort_by(|a, b| b.trend.unwrap_or(0.0).total_cmp(&a.trend.unwrap_or(0.0)));
    let finds_anything = |one: &&PopularQuery| {
        let asked = SearchRequest { limit: 1, ..SearchRequest::new(&one.text) };
        let answer = index.search(&asked);
        answer.is_ok_and(|answer| answer.hits.first().is_some_and(|hit| hit.n_missing == 0))
    };
    let looked_at = ordered.into_iter().take(UNPROMPTED_READ).filter(finds_anything);
    looked_at.take(UNPROMPTED_MAX).cloned().collect()
}

/// Keeps what was learned fresh until the application is gone. After somebody left nothing is used until it is
/// counted anew; where somebody leaves during each count, it is tried less and less often.
pub(crate) async fn keep_learned(app: Weak<App>) {
    let (mut counted, mut pause) = (None::<Instant>, LOOK_PAUSE);
    loop {
        tokio::time::sleep(pause).await;
        let Some(app) = app.upgrade() else { return };
        if app.config.search.learning == SearchLearning::None {
            return;
        }
        let is_usable = app.learned(&app.views.read()).is_some();
        let is_fresh = is_usable && counted.is_some_and(|at| at.elapsed() < AGE_MAX);
        if !is_fresh && app.check_ready().is_ok() {
            counted = app.learn_from_searches().await.then(Instant::now);
            pause = if counted.is_some() { LOOK_PAUSE } else { (2 * pause).min(AGE_MAX) };
        }
    }
}
