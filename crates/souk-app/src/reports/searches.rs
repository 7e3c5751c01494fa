//! What is searched for, and what becomes of it.
//!
//! A search is counted once for a person, a query and a day, so that nobody alone makes a query important. Searches are
//! parted into those that found nothing, those that found something and were left, those of which a product was
//! opened or put into a cart, and those of which one was ordered; each figure is a branch of this tree, and is
//! told where it and the rest of what it is a part of have enough people, or nobody ([`super::telling`]).

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use souk_core::{Day, SiteId, Timestamp};

use super::telling::{Asked, Cell, Crowd, joined, stretch};
use super::{ReportDays, range};
use crate::projections::{Did, LATE_DAYS, SEARCH_DAYS, Sought, Views, Windows, day_of};
use crate::{App, AppError, Caller, Operation};

/// Which queries are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SearchReportKind {
    /// Those asked most.
    #[default]
    Top,
    /// Those that found nothing, most often first.
    NoResults,
    /// Those that found something that nobody opened.
    NoClicks,
}

impl SearchReportKind {
    /// Every kind.
    pub const ALL: [SearchReportKind; 3] =
        [SearchReportKind::Top, SearchReportKind::NoResults, SearchReportKind::NoClicks];

    /// Its name in requests.
    pub fn as_str(self) -> &'static str {
        match self {
            SearchReportKind::Top => "top",
            SearchReportKind::NoResults => "no_results",
            SearchReportKind::NoClicks => "no_clicks",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<SearchReportKind> {
        SearchReportKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What is asked of searches.
#[derive(Clone, Debug, Default)]
pub struct SearchReportQuery {
    /// Which days.
    pub days: ReportDays,
    /// Which queries are listed.
    pub kind: SearchReportKind,
    /// Whose; `None` is every site that the caller may see.
    pub site: Option<SiteId>,
    /// Queries that are listed, 1 to 1,000.
    pub limit: usize,
}

impl SearchReportQuery {
    /// Queries of one report.
    pub const LIMIT_MAX: usize = 1_000;
    /// Queries of a report that names no number.
    pub const LIMIT: usize = 50;
}

/// What became of the searches for one query, or for all; `None` where too few people stand behind a figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryFigures {
    /// Whose; empty for all.
    pub site: String,
    /// The words in lower case, those of products as most of them write them; empty for all.
    pub query: String,
    /// Searches; a person counts once a day.
    pub searches: Option<i64>,
    /// Those that found nothing; `None` also where another engine answered all of them.
    pub no_results: Option<i64>,
    /// Of those that found something: how many have a product that was opened, put into a cart, or ordered. A
    /// share of the days of which both are told.
    pub click_through: Option<f64>,
    /// The same, ordered.
    pub conversion: Option<f64>,
}

/// What is searched for.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchReport {
    /// The first day.
    pub from: Day,
    /// The last day.
    pub to: Day,
    /// When it was made.
    pub made_at: Timestamp,
    /// Figures with fewer people behind them are left out.
    pub people_min: u64,
    /// The share of answers that are recorded: figures are of these.
    pub sample: f64,
    /// Of all queries of one site together, also those of few people; nothing where several sites were asked for, so
    /// that none can be worked out from the others.
    pub all: QueryFigures,
    /// Searches by nobody known, likewise; what they were for is not kept.
    pub anonymous_searches: Option<i64>,
    /// Half, 95 and 99 of a hundred answers took less, in milliseconds.
    pub latency_ms: Option<[f64; 3]>,
    /// The queries that were asked for.
    pub queries: Vec<QueryFigures>,
}

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Nothing,
    Left,
    Clicked,
    Ordered,
    /// Another engine answered, and what it found is not known.
    Unknown,
}

const N_OUTCOMES: usize = 5;

impl Outcome {
    fn of(one: &Sought<'_>) -> Outcome {
        match one.taken.iter().map(|taken| taken.did).max() {
            Some(Did::Ordered) => Outcome::Ordered,
            Some(_) => Outcome::Clicked,
            None => match one.n_found {
                None => Outcome::Unknown,
                Some(0) => Outcome::Nothing,
                Some(_) => Outcome::Left,
            },
        }
    }
}

/// Searches of one day with one outcome.
#[derive(Clone, Debug, Default)]
struct Leaf {
    n: i64,
    /// Who they are, by numbers of this count alone, until they are a crowd.
    few: Vec<u32>,
}

type Days = BTreeMap<i32, [Leaf; N_OUTCOMES]>;

/// Everything that is counted for a report.
#[derive(Debug, Default)]
struct Counts {
    all: Days,
    queries: FxHashMap<(u32, Box<str>), Days>,
    sites: FxHashMap<u32, String>,
    unnamed: BTreeMap<i32, u64>,
    took_us: Vec<u32>,
    timed_people: u64,
}

/// Which searches are counted.
#[derive(Clone, Debug)]
struct Counting {
    /// The days asked for, and those around them that decide what can be told.
    days: (i32, i32),
    days_around: (i32, i32),
    sites: Vec<SiteId>,
    windows: Windows,
    people_min: usize,
}

impl Counting {
    fn count(&self, views: &Views) -> Counts {
        let mut counts = Counts::default();
        let is_asked = |site: u32| {
            let name = views.catalogue.site_name(site);
            self.sites.is_empty() || self.sites.iter().any(|asked| asked.as_str() == name)
        };
        let within = |(from, to): (i32, i32), day: i32| (from..=to).contains(&day);
        let mut number = 0;
        views.each_searcher((0..views.n_search_rows(), self.windows), |person| {
            number += 1;
            let mut is_timed = false;
            let mut days: FxHashSet<(i32, usize)> = FxHashSet::default();
            for one in person.iter().filter(|one| is_asked(one.site)) {
                if !within(self.days_around, one.day) {
                    continue;
                }
                let outcome = Outcome::of(one) as usize;
                let add = |leaf: &mut Leaf, is_new: bool| {
                    leaf.n += 1;
                    if is_new && leaf.few.len() < self.people_min {
                        leaf.few.push(number);
                    }
                };
                let is_new = days.insert((one.day, outcome));
                add(&mut counts.all.entry(one.day).or_default()[outcome], is_new);
                let key = (one.site, Box::from(one.key));
                let of_query = counts.queries.entry(key).or_default();
                add(&mut of_query.entry(one.day).or_default()[outcome], true);
                let name = || views.catalogue.site_name(one.site).to_owned();
                counts.sites.entry(one.site).or_insert_with(name);
                if one.took_us > 0 && within(self.days, one.day) {
                    counts.took_us.push(one.took_us);
                    is_timed = true;
                }
            }
            counts.timed_people += u64::from(is_timed);
        });
        for ((day, site), unnamed) in views.unnamed_searches() {
            if is_asked(site) && within(self.days_around, day) {
                let name = || views.catalogue.site_name(site).to_owned();
                counts.sites.entry(site).or_insert_with(name);
                *counts.unnamed.entry(day).or_default() += unnamed.searches;
            }
        }
        counts
    }
}

/// What is told of one query.
struct Telling<'a> {
    days: &'a Days,
    /// For what is final with the search, and for what may be credited to it later.
    asked: &'a Asked,
    asked_later: &'a Asked,
}

impl Telling<'_> {
    fn crowd(&self, day: i32, of: &[Outcome]) -> (i64, Crowd) {
        let (mut sum, mut crowd) = (0, Crowd::nobody());
        let people_min = self.asked.people_min;
        for outcome in of {
            let leaf = &self.days[&day][*outcome as usize];
            sum += leaf.n;
            let people = Crowd::of(leaf.few.iter().copied().map(u64::from), people_min);
            crowd = crowd.with(people, people_min);
        }
        (sum, crowd)
    }

    /// The cells of all searches.
    fn whole(&self, of: &[Outcome]) -> Vec<Cell> {
        let units = self.days.keys().map(|day| {
            let (sum, crowd) = self.crowd(*day, of);
            Cell { days: vec![*day], sum, crowd, rest: Crowd::nobody() }
        });
        joined(units, self.asked)
    }

    /// The cells of a part of what these cells are of.
    fn parts(
        &self,
        whole: &[Cell],
        (of, rest): (&[Outcome], &[Outcome]),
        asked: &Asked,
    ) -> Vec<Cell> {
        let units = whole.iter().map(|cell| {
            let none =
                Cell { days: Vec::new(), sum: 0, crowd: Crowd::nobody(), rest: Crowd::nobody() };
            cell.days.iter().fold(none, |all, day| {
                let (sum, crowd) = self.crowd(*day, of);
                let (_, rest) = self.crowd(*day, rest);
                all.with(Cell { days: vec![*day], sum, crowd, rest }, asked.people_min)
            })
        });
        joined(units, asked)
    }

    /// The cells that lie within the days asked for.
    fn told<'c>(&self, cells: &'c [Cell]) -> impl Iterator<Item = &'c Cell> {
        let (from, to) = self.asked.days;
        cells.iter().filter(move |cell| cell.days.iter().all(|day| (from..=to).contains(day)))
    }

    fn sum(&self, cells: &[Cell]) -> Option<i64> {
        let sums = self.told(cells).map(|cell| cell.sum);
        sums.fold(None, |sum, own| Some(sum.unwrap_or(0) + own))
    }

    /// A part's share of what it is a part of, on the days that are told of it.
    fn share(&self, cells: &[Cell], whole: &[Outcome]) -> Option<f64> {
        let (mut own, mut all) = (0, 0);
        for cell in self.told(cells) {
            own += cell.sum;
            all += cell.days.iter().map(|day| self.crowd(*day, whole).0).sum::<i64>();
        }
        (all > 0).then(|| own as f64 / all as f64)
    }

    fn figures(&self, (site, query): (String, String)) -> QueryFigures {
        use Outcome::{Clicked, Left, Nothing, Ordered, Unknown};
        let searches = self.whole(&[Nothing, Left, Clicked, Ordered, Unknown]);
        let others = [Left, Clicked, Ordered, Unknown];
        let none = self.parts(&searches, (&[Nothing], &others), self.asked);
        // What is told of those that found something has the same cells, with the other side as rest.
        let clicked = self.parts(&none, (&[Clicked, Ordered], &[Left]), self.asked_later);
        let ordered = self.parts(&clicked, (&[Ordered], &[Clicked]), self.asked_later);
        // What another engine found is not known: of its answers alone, it is not known of how many it found nothing.
        let has_own = self.sum(&self.whole(&[Nothing, Left, Clicked, Ordered])) > Some(0);
        QueryFigures {
            site,
            query,
            searches: self.sum(&searches),
            no_results: self.sum(&none).filter(|_| has_own),
            click_through: self.share(&clicked, &[Left, Clicked, Ordered]),
            conversion: self.share(&ordered, &[Left, Clicked, Ordered]),
        }
    }
}

impl SearchReportKind {
    /// Whether a query is listed, and before which others: the greater first.
    fn rank(self, row: &QueryFigures) -> Option<i64> {
        let searches = row.searches?;
        match self {
            SearchReportKind::Top => Some(searches),
            SearchReportKind::NoResults => row.no_results.filter(|none| *none > 0),
            SearchReportKind::NoClicks => {
                let is_left = row.click_through == Some(0.0);
                is_left.then(|| searches - row.no_results.unwrap_or(0))
            }
        }
    }
}

impl App {
    /// What was searched for in some days, and what became of it.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the operation or for a site that the key is not for, [`AppError::Invalid`] for days
    /// that are none or too many or a limit that is out of range, [`AppError::NotReady`] before the views have caught up.
    pub async fn search_report(
        &self,
        query: &SearchReportQuery,
        caller: &Caller,
    ) -> Result<SearchReport, AppError> {
        caller.check(Operation::ReadReports)?;
        if let Some(site) = &query.site {
            self.noted(caller, caller.check_site(site))?;
        }
        self.check_ready()?;
        if !(1..=SearchReportQuery::LIMIT_MAX).contains(&query.limit) {
            let (limit, most) = (query.limit, SearchReportQuery::LIMIT_MAX);
            let detail = format!("limit is {limit}; give 1 to {most}");
            return Err(AppError::invalid("invalid_limit", "limit", detail));
        }
        let made_at = self.clock.now();
        let today = day_of(made_at);
        let (from, to) = range(query.days, Day::from_number(today))?;
        let people_min = self.config.privacy.statistics.people_min;
        let windows = self.search_windows();
        let counting = Counting {
            days: (from.number(), to.number()),
            days_around: (stretch(from.number()).0, stretch(to.number()).1),
            sites: query
                .site
                .as_ref()
                .map_or_else(|| caller.places.sites.clone(), |site| vec![site.clone()]),
            windows,
            people_min: usize::try_from(people_min).unwrap_or(usize::MAX),
        };
        let days = counting.days;
        let mut counts = self.projector.inspect(move |views| counting.count(views)).await?;
        let [asked, asked_later] = self.asked_of_searches((days, today), windows);
        let tell = |days: &Days, of: (String, String)| {
            Telling { days, asked: &asked, asked_later: &asked_later }.figures(of)
        };
        // The sum of several sites less that of one would be another's, of however few.
        let (mut all, mut anonymous_searches) = (QueryFigures::default(), None);
        if counts.sites.len() <= 1 {
            all = tell(&counts.all, Default::default());
            anonymous_searches = told_unnamed(&counts.unnamed, &asked);
        }
        let rows = counts
            .queries
            .iter()
            .map(|((site, key), days)| tell(days, (counts.sites[site].clone(), key.to_string())));
        let ranked = rows.filter_map(|row| Some((query.kind.rank(&row)?, row)));
        let mut ranked: Vec<(i64, QueryFigures)> = ranked.collect();
        ranked.sort_by(|(a_rank, a), (b_rank, b)| {
            b_rank.cmp(a_rank).then_with(|| (&a.query, &a.site).cmp(&(&b.query, &b.site)))
        });
        ranked.truncate(query.limit);
        // Counted without accents, shown with those that the catalogue has.
        for (_, row) in &mut ranked {
            let shelf = SiteId::new(row.site.as_str()).ok().map(|site| self.searching.shelf(&site));
            if let Some(Ok(shelf)) = shelf {
                row.query = shelf.index.read().as_written(&row.query, None);
            }
        }
        let is_timed = counts.timed_people >= people_min;
        Ok(SearchReport {
            from,
            to,
            made_at,
            people_min,
            sample: self.config.impressions.sample,
            all,
            anonymous_searches,
            latency_ms: latency(&mut counts.took_us).filter(|_| is_timed),
            queries: ranked.into_iter().map(|(_, row)| row).collect(),
        })
    }
}

impl App {
    /// What may be told now of what is final with the search, and of what may be credited to it later.
    fn asked_of_searches(&self, (days, today): ((i32, i32), i32), windows: Windows) -> [Asked; 2] {
        let retention = &self.config.privacy.retention;
        let kept = [retention.shown_days, retention.searches_days].into_iter().flatten().min();
        let kept = kept.and_then(|days| i32::try_from(days).ok()).unwrap_or(i32::MAX);
        let late = i32::try_from(LATE_DAYS).unwrap_or(0);
        let open = i32::try_from(windows.click_days.max(windows.order_days)).unwrap_or(i32::MAX);
        let asked = Asked {
            days,
            people_min: self.config.privacy.statistics.people_min,
            // The very oldest day goes piece by piece.
            oldest: today.saturating_sub(kept.min(SEARCH_DAYS) - 1),
            settled: today - 1 - late,
        };
        [asked, Asked { settled: asked.settled.saturating_sub(open), ..asked }]
    }
}

/// What half, 95 and 99 of a hundred took less than, in milliseconds.
fn latency(took_us: &mut [u32]) -> Option<[f64; 3]> {
    took_us.sort_unstable();
    let last = took_us.len().checked_sub(1)?;
    let took = |share: f64| {
        let idx = ((took_us.len() as f64 * share) as usize).min(last);
        f64::from(took_us[idx]) / 1e3
    };
    Some([0.5, 0.95, 0.99].map(took))
}

/// Searches by nobody known: so many stand for so many people.
fn told_unnamed(unnamed: &BTreeMap<i32, u64>, asked: &Asked) -> Option<i64> {
    let mut number = 0_u64;
    let units = unnamed.iter().map(|(day, searches)| {
        let few = (*searches).min(asked.people_min);
        let people = number..number + few;
        number += few;
        let sum = i64::try_from(*searches).unwrap_or(i64::MAX);
        let crowd = Crowd::of(people, asked.people_min);
        Cell { days: vec![*day], sum, crowd, rest: Crowd::nobody() }
    });
    let cells = joined(units, asked);
    let (from, to) = asked.days;
    let told = cells.iter().filter(|cell| cell.days.iter().all(|day| (from..=to).contains(day)));
    told.map(|cell| cell.sum).fold(None, |sum, own| Some(sum.unwrap_or(0) + own))
}
