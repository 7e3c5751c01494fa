//! Searches with what came of them, person by person, for those who count.

use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};
use souk_core::{Purpose, Purposes, SiteId, SubjectId};
use souk_recommend::Item;

use super::super::attribution::Taker;
use super::super::{Did, Use, Views, Whom, day_of};
use super::{Search, UNKNOWN, Unnamed};

/// A search without a click is continued by the next one within so long (chosen: who types anew at once did not
/// find what was meant).
const ANEW_MS: i64 = 10 * 60_000;
/// Searches within so long of one another were asked together, as a merged list asks them: nobody types anew so fast
/// (chosen).
const TOGETHER_MS: i64 = 1_000;
/// An event that tells of a search within so long of an answer to the same query tells of that answer (chosen: a page
/// sends it when the answer comes, a slow one somewhat later).
const TOLD_MS: i64 = 60_000;

/// How long after an answer an act is owed to it, in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    pub(crate) click_days: i64,
    pub(crate) order_days: i64,
}

/// What was done with a product of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) item: Item,
    pub(crate) did: Did,
}

/// What one person did with one query on one day: the first search of it that came to anything, else the first.
#[derive(Clone, Debug)]
pub(crate) struct Sought<'a> {
    pub(crate) site: u32,
    /// See [`super::query_key`].
    pub(crate) key: &'a str,
    /// In days since 1970, UTC.
    pub(crate) day: i32,
    /// Products found; `None` where another engine answered.
    pub(crate) n_found: Option<u32>,
    pub(crate) took_us: u32,
    /// What was shown, first place first.
    pub(crate) shown: &'a [Item],
    /// Where that stood in a list of several searches; empty for a list of its own.
    pub(crate) places: &'a [u8],
    /// What came of that.
    pub(crate) taken: Vec<Taken>,
    /// What came of the next search, where this one came to nothing.
    pub(crate) found_anew: Vec<Taken>,
    /// Whether others may learn from it, not only count it.
    pub(crate) may_learn: bool,
    /// Whether who searched has an order, which no page's key can invent.
    pub(crate) has_bought: bool,
}

impl Views {
    /// How many rows [`Views::each_searcher`] can go through.
    pub(crate) fn n_search_rows(&self) -> u32 {
        u32::try_from(self.searches.people.len()).unwrap_or(u32::MAX)
    }

    /// Searches by nobody known, by day and site.
    pub(crate) fn unnamed_searches(&self) -> impl Iterator<Item = ((i32, u32), Unnamed)> {
        self.searches.unnamed.iter().map(|(of, counted)| (*of, *counted))
    }

    /// What each person searched for, one call for each person and all their ids together. Crawlers and the shop's
    /// own people are left out, and whoever refuses reports.
    pub(crate) fn each_searcher(
        &self,
        (rows, windows): (Range<u32>, Windows),
        mut take: impl FnMut(&[Sought<'_>]),
    ) {
        let rows = rows.start as usize..rows.end as usize;
        for person in self.searches.people.get(rows).unwrap_or(&[]) {
            let Some(subject) = person.subject else { continue };
            let mut members = self.identity.members(subject);
            let is_known = |one: &SubjectId| self.searches.by_subject.contains_key(one);
            // Of ids that are one person, the smallest speaks for all.
            if members.iter().any(|one| *one < subject && is_known(one))
                || members.iter().any(|one| self.is_no_shopper(*one))
            {
                continue;
            }
            members.sort_unstable();
            let sought = self.sought(&members, windows);
            if !sought.is_empty() {
                take(&sought);
            }
        }
    }

    fn sought(&self, members: &[SubjectId], windows: Windows) -> Vec<Sought<'_>> {
        let has_bought = members
            .iter()
            .filter_map(|one| self.shoppers.shopper(*one))
            .any(|shopper| self.histories.placed(shopper).next().is_some());
        let mut taker: Option<Taker> = None;
        let mut searches: Vec<(&Search, SubjectId, bool)> = Vec::new();
        for &subject in members {
            let mut allowed: Option<(u32, [bool; 2])> = None;
            for search in self.searches.of(subject) {
                let site = self.searches.queries[search.query as usize].site;
                let allows = match allowed {
                    Some((known, allows)) if known == site => allows,
                    _ => self.allows_search_use(subject, site),
                };
                allowed = Some((site, allows));
                if let [true, may_learn] = allows {
                    searches.push((search, subject, may_learn));
                }
            }
        }
        searches.sort_by_key(|(search, ..)| (search.at, search.request));
        drop_echoes(&mut searches);
        let mut taken: Vec<Vec<Taken>> = Vec::with_capacity(searches.len());
        for (search, subject, _) in &searches {
            let taker = taker.get_or_insert_with(|| self.taker(members, windows));
            taken.push(taker.of(*subject, search.request));
        }
        let site_of = |search: &Search| self.searches.queries[search.query as usize].site;
        let after = |idx: usize, ms: i64| {
            let since = |one: &(&Search, SubjectId, bool)| one.0.at.ms_since(searches[idx].0.at);
            searches.partition_point(|one| since(one) < ms)
        };
        let anew = |idx: usize| {
            let (this, next_idx) = (searches[idx].0, after(idx, TOGETHER_MS));
            let together = after(idx, 1 - TOGETHER_MS)..next_idx;
            let (next, ..) = searches.get(next_idx)?;
            let is_anew = together.into_iter().all(|idx| taken[idx].is_empty())
                && next.query != this.query
                && site_of(next) == site_of(this)
                && next.at.ms_since(this.at) <= ANEW_MS;
            is_anew.then(|| taken[next_idx].clone())
        };
        let anew: Vec<Vec<Taken>> =
            (0..searches.len()).map(|idx| anew(idx).unwrap_or_default()).collect();
        let mut best: FxHashMap<(u32, i32), usize> = FxHashMap::default();
        for (idx, (search, ..)) in searches.iter().enumerate() {
            let rank = |idx: usize| {
                (!taken[idx].is_empty(), searches[idx].0.n_found != UNKNOWN, std::cmp::Reverse(idx))
            };
            let known = best.entry((search.query, day_of(search.at))).or_insert(idx);
            if rank(idx) > rank(*known) {
                *known = idx;
            }
        }
        let mut chosen: Vec<usize> = best.into_values().collect();
        chosen.sort_unstable();
        let sought = chosen.into_iter().map(|idx| {
            let (search, _, may_learn) = searches[idx];
            let query = &self.searches.queries[search.query as usize];
            Sought {
                site: query.site,
                key: &query.key,
                day: day_of(search.at),
                n_found: (search.n_found != UNKNOWN).then_some(search.n_found),
                took_us: search.took_us,
                shown: &search.shown,
                places: &search.places,
                taken: taken[idx].clone(),
                found_anew: anew[idx].clone(),
                may_learn,
                has_bought,
            }
        });
        sought.collect()
    }

    /// Whether a subject allows reports, and that others learn.
    fn allows_search_use(&self, subject: SubjectId, site: u32) -> [bool; 2] {
        let Ok(site) = SiteId::new(self.catalogue.site_name(site)) else { return [false; 2] };
        [Purpose::Analytics, Purpose::ModelTraining].map(|purpose| {
            let purpose = Use { purpose, site: &site, withheld: Purposes::NONE };
            self.allows(Whom::known(subject), purpose)
        })
    }
}

/// Drops what events tell of answers that are there themselves; in the order of time.
fn drop_echoes(searches: &mut Vec<(&Search, SubjectId, bool)>) {
    let is_near = |(answer, event): (&Search, &Search)| {
        answer.query == event.query && answer.at.ms_since(event.at).abs() <= TOLD_MS
    };
    let answers: Vec<&Search> =
        searches.iter().map(|(one, ..)| *one).filter(|one| one.n_found != UNKNOWN).collect();
    searches.retain(|(one, ..)| {
        one.n_found != UNKNOWN || !answers.iter().any(|answer| is_near((answer, one)))
    });
}

/// Each product once, with the most that was done.
pub(in super::super) fn most(mut taken: Vec<Taken>) -> Vec<Taken> {
    taken.sort_by_key(|one| (one.item, std::cmp::Reverse(one.did)));
    let mut seen = FxHashSet::default();
    taken.retain(|one| seen.insert(one.item));
    taken
}
