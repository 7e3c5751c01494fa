//! What the model proposed to each person in the last moments, and how old proposals are made anew beside the
//! requests.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use rustc_hash::{FxHashMap, FxHashSet};
use souk_recommend::sources::{Blend, BlendScratch, Proposed};
use souk_recommend::{Item, Shopper};

use crate::recommend::ReasonKind;
use crate::recommend::candidates::Proposal;
use crate::threads::at_leisure;

/// How old kept proposals may be before they are made anew. What a shopper just did speaks at once through the
/// visit and through habits, and is never proposed; the model's view of them changes slowly, and costs
/// milliseconds (chosen).
pub(super) const KEPT_AGE_MAX: Duration = Duration::from_secs(60);
/// People whose proposals are kept (about 70 MB).
pub(super) const KEPT_MAX: usize = 20_000;
/// Proposals that are kept of each, and how many may be asked for to be answered with them: the model fills at
/// most as many places as a page has, and longer lists are asked for by filters that refuse most (chosen).
pub(super) const KEPT_LEN: usize = 100;
pub(super) const KEPT_FOR_MAX: usize = 2 * KEPT_LEN;
/// People who wait for theirs to be made anew at most; others are asked about again by their next request.
const WAITING_MAX: usize = 256;
/// How many times as long as proposals took to make beside the requests, the next ones are left alone.
const RENEWING_REST: u32 = 3;
/// What requests may spend on proposals that are not kept: so much at once, and this part of a core in the long
/// run (chosen). Beyond it they are answered without, or with what is kept.
const ALLOWANCE_MAX_US: i64 = 200_000;
const ALLOWANCE_SHARE: i64 = 8;

/// What somebody's proposals are made from.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// The latest different products, the youngest last.
    pub history: Vec<Item>,
    /// What is never proposed: they have it.
    pub had: FxHashSet<Item>,
}

/// What was proposed to somebody.
#[derive(Clone, Debug)]
struct Discovery {
    made: Instant,
    proposals: Arc<Vec<Proposal>>,
}

type ByPerson = FxHashMap<Box<[Shopper]>, Discovery>;

/// Younger and older proposals: what is full becomes the older, so that no more than half goes at once.
#[derive(Debug, Default)]
struct Kept {
    young: ByPerson,
    old: ByPerson,
    /// Whether somebody in them left, so that nothing may be added any more.
    is_closed: bool,
}

/// People whose proposals are to be made anew.
#[derive(Debug, Default)]
struct Waiting {
    queue: VecDeque<(Box<[Shopper]>, Past)>,
    people: FxHashSet<Box<[Shopper]>>,
    /// Whether a task makes them.
    is_served: bool,
}

/// Time that may be spent: it comes back as time goes by, and debts are paid first.
#[derive(Debug)]
struct Allowance {
    left_us: i64,
    counted: Instant,
}

/// A blend of sources as it was fitted, and what it proposed in the last moments, by person (the numbers that
/// they are asked for by): the places of one page ask one after the other.
pub(crate) struct Discoveries {
    blend: Blend,
    kept: RwLock<Kept>,
    waiting: Mutex<Waiting>,
    allowance: Mutex<Allowance>,
}

impl Discoveries {
    pub(crate) fn of_blend(blend: Blend) -> Arc<Discoveries> {
        Arc::new(Discoveries {
            blend,
            kept: RwLock::default(),
            waiting: Mutex::default(),
            allowance: Mutex::new(Allowance { left_us: ALLOWANCE_MAX_US, counted: Instant::now() }),
        })
    }

    /// Drops everything and keeps nothing from now on: somebody left of whom something may be in it.
    pub(crate) fn close(&self) {
        let closed = Kept { is_closed: true, ..Kept::default() };
        let gone = std::mem::replace(&mut *self.kept.write(), closed);
        self.waiting.lock().queue.clear();
        drop(gone);
    }

    /// Who has asked.
    pub(super) fn people(&self) -> Vec<Box<[Shopper]>> {
        let kept = self.kept.read();
        kept.young.keys().chain(kept.old.keys()).cloned().collect()
    }

    /// What is proposed to a person. Old proposals are answered with while new ones are made beside the requests; so is
    /// somebody without any, with nothing, while too many of them ask.
    pub(super) fn of(
        self: &Arc<Self>,
        person: &[Shopper],
        past: impl FnOnce() -> Past,
        scratch: &mut BlendScratch,
    ) -> Arc<Vec<Proposal>> {
        let known = self.find(person);
        match known {
            Some(known) if known.made.elapsed() < KEPT_AGE_MAX => known.proposals,
            None if self.may_spend() => {
                self.spending(|| self.keep(person, self.propose(&past(), KEPT_LEN, scratch)))
            }
            old => {
                self.renew_later(person, past);
                old.map(|known| known.proposals).unwrap_or_default()
            }
        }
    }

    /// Proposals that are not kept: more than are, or for nobody's visit; `None` while too many of them are asked
    /// for.
    pub(super) fn afford(
        &self,
        (past, limit): (impl FnOnce() -> Past, usize),
        scratch: &mut BlendScratch,
    ) -> Option<Vec<Proposal>> {
        let propose = || self.propose(&past(), limit, scratch);
        self.may_spend().then(|| self.spending(propose))
    }

    fn may_spend(&self) -> bool {
        self.allowance.lock().has_some(Instant::now())
    }

    fn spending<T>(&self, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = work();
        self.allowance.lock().spend(began.elapsed());
        done
    }

    fn find(&self, person: &[Shopper]) -> Option<Discovery> {
        let kept = self.kept.read();
        kept.young.get(person).or_else(|| kept.old.get(person)).cloned()
    }

    /// Keeps a person's proposals, unless somebody left meanwhile.
    pub(super) fn keep(&self, person: &[Shopper], proposals: Vec<Proposal>) -> Arc<Vec<Proposal>> {
        let proposals = Arc::new(proposals);
        let discovery = Discovery { made: Instant::now(), proposals: Arc::clone(&proposals) };
        let mut gone = FxHashMap::default();
        {
            let mut kept = self.kept.write();
            if kept.is_closed {
                return proposals;
            }
            if kept.young.len() >= KEPT_MAX / 2 {
                let full = std::mem::take(&mut kept.young);
                gone = std::mem::replace(&mut kept.old, full);
            }
            kept.young.insert(person.into(), discovery);
        }
        // Thousands of lists take a while to drop: not under the lock.
        drop(gone);
        proposals
    }

    /// The best `limit` proposals for a past; nothing without one.
    pub(super) fn propose(
        &self,
        past: &Past,
        limit: usize,
        scratch: &mut BlendScratch,
    ) -> Vec<Proposal> {
        if past.history.is_empty() {
            return Vec::new();
        }
        let is_hidden = |item| past.had.contains(&item);
        let proposed = self.blend.propose(&past.history, (limit, &is_hidden), scratch);
        let best = proposed.first().map_or(0.0, |first| first.score);
        let worst = proposed.last().map_or(0.0, |last| last.score);
        let span = (best - worst).max(f32::MIN_POSITIVE);
        proposed.iter().map(|one| named(one, (one.score - worst) / span)).collect()
    }

    fn renew_later(self: &Arc<Self>, person: &[Shopper], past: impl FnOnce() -> Past) {
        let is_full = |waiting: &Waiting| {
            waiting.queue.len() >= WAITING_MAX || waiting.people.contains(person)
        };
        if is_full(&self.waiting.lock()) {
            return;
        }
        let past = past();
        let mut waiting = self.waiting.lock();
        if is_full(&waiting) {
            return;
        }
        waiting.people.insert(person.into());
        waiting.queue.push_back((person.into(), past));
        if waiting.is_served {
            return;
        }
        waiting.is_served = true;
        tokio::spawn(Arc::clone(self).renew());
    }

    /// Makes anew what waits, with rests. The work is done on a thread of the lowest priority, which may stand
    /// still for long and therefore takes no lock that a request waits for: what it made is put in here.
    async fn renew(self: Arc<Self>) {
        let mut scratch = BlendScratch::default();
        loop {
            let next = {
                let mut waiting = self.waiting.lock();
                let next = waiting.queue.pop_front();
                if next.is_none() {
                    waiting.is_served = false;
                    waiting.people.clear();
                }
                next
            };
            let Some((person, past)) = next else { return };
            let (began, discoveries) = (Instant::now(), Arc::clone(&self));
            let mut lent = std::mem::take(&mut scratch);
            let make = move || (discoveries.propose(&past, KEPT_LEN, &mut lent), lent);
            match at_leisure(make).await {
                Ok((proposals, lent)) => {
                    scratch = lent;
                    self.keep(&person, proposals);
                }
                Err(error) => tracing::debug!(%error, "proposals were not made anew"),
            }
            self.waiting.lock().people.remove(&person);
            tokio::time::sleep(began.elapsed() * RENEWING_REST).await;
        }
    }

    /// Lets everything kept be too old.
    #[cfg(test)]
    pub(super) fn age(&self) {
        let mut kept = self.kept.write();
        let Kept { young, old, .. } = &mut *kept;
        for discovery in young.values_mut().chain(old.values_mut()) {
            discovery.made = discovery.made.checked_sub(KEPT_AGE_MAX).expect("an hour after 1970");
        }
    }

    /// Leaves requests no time for people without proposals.
    #[cfg(test)]
    pub(super) fn spend_all(&self) {
        self.allowance.lock().spend(Duration::from_secs(3_600));
    }
}

impl Allowance {
    fn has_some(&mut self, now: Instant) -> bool {
        let earned = in_us(now.saturating_duration_since(self.counted)) / ALLOWANCE_SHARE;
        if earned > 0 {
            self.left_us = (self.left_us + earned).min(ALLOWANCE_MAX_US);
            self.counted = now;
        }
        self.left_us > 0
    }

    fn spend(&mut self, time: Duration) {
        self.left_us = self.left_us.saturating_sub(in_us(time));
    }
}

fn in_us(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

impl std::fmt::Debug for Discoveries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Discoveries").field("kept", &self.kept).finish_non_exhaustive()
    }
}

fn named(one: &Proposed, score: f32) -> Proposal {
    let (kind, evidence) = match one.spoke {
        Some(spoke) if spoke.source == "content" => {
            (ReasonKind::SimilarProduct, vec![spoke.because])
        }
        Some(spoke) => (ReasonKind::SimilarShoppers, vec![spoke.because]),
        None => (ReasonKind::Popular, Vec::new()),
    };
    let is_personal = one.spoke.is_some();
    Proposal { item: one.item, score, kind, evidence, support: 0, is_personal, place: 0 }
}
