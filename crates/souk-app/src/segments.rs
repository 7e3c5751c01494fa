//! Segments: names for groups of people, by a rule over their profiles. Nobody is put into one: whether
//! somebody is in it follows from their history at the moment of the question.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use souk_core::{Purpose, Purposes, SiteId, Timestamp};
use souk_ports::{Condition, TableError, TableStore};

use crate::people::{Person, slices};
use crate::projections::{Use, Whom};
use crate::{App, AppError, AuditAct, AuditObject, AuditOperation, Caller, Operation};

mod book;
mod members;
mod store;
#[cfg(test)]
mod tests;

pub use book::Segment;
pub(crate) use book::{Membership, SegmentBook};
pub use members::{MEMBERS_MAX, Member, MemberPage, MembersAsked};

/// Segments in one installation, those that every shop has not counted; chosen: the number for which a
/// shopper's memberships are measured.
pub const SEGMENTS_MAX: usize = 1_000;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 50;
/// How soon after a change segments are counted.
const COUNT_PAUSE: Duration = Duration::from_secs(5);

/// What must hold for a segment to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentPrecondition {
    /// There is none of this key.
    New,
    /// Nothing.
    Any,
}

/// How many people are in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentSize {
    /// How many; `None` for fewer than `privacy.statistics.people_min`.
    pub people: Option<u64>,
    /// When it was counted.
    pub at: Timestamp,
}

/// A segment with its size on a site.
#[derive(Clone, Debug, PartialEq)]
pub struct SizedSegment {
    /// The segment.
    pub segment: Segment,
    /// `None` before it was counted.
    pub size: Option<SegmentSize>,
}

/// How many people are in each segment, and when they were counted.
type Sizes = FxHashMap<String, (u64, Timestamp)>;

/// The segments of the running application.
#[derive(Debug)]
pub(crate) struct Segments {
    book: ArcSwap<SegmentBook>,
    /// Held while segments change, so that tables and memory change in one order.
    changing: tokio::sync::Mutex<()>,
    sizes: Mutex<FxHashMap<SiteId, Sizes>>,
    /// When something changed that was not counted yet.
    changed: Mutex<Option<Instant>>,
}

impl Segments {
    pub(crate) async fn open(
        tables: &dyn TableStore,
        now: Timestamp,
    ) -> Result<Segments, AppError> {
        let (stored, unreadable) = store::load(tables, now).await?;
        for key in &unreadable {
            tracing::error!(key, "a stored segment cannot be read; nobody is in it");
        }
        Ok(Segments {
            book: ArcSwap::from_pointee(SegmentBook::of(stored)),
            changing: tokio::sync::Mutex::default(),
            sizes: Mutex::default(),
            changed: Mutex::default(),
        })
    }

    /// The segments of this moment.
    pub(crate) fn book(&self) -> Arc<SegmentBook> {
        self.book.load_full()
    }

    pub(crate) fn is_count_due(&self) -> bool {
        self.changed.lock().is_some_and(|at| at.elapsed() >= COUNT_PAUSE)
    }

    fn swap(&self, book: SegmentBook) {
        self.book.store(Arc::new(book));
        self.changed.lock().get_or_insert_with(Instant::now);
    }
}

impl App {
    /// Every segment in the order of keys, with its size on a site.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role.
    pub fn list_segments(
        &self,
        site: &SiteId,
        caller: &Caller,
    ) -> Result<Vec<SizedSegment>, AppError> {
        caller.check(Operation::ReadSegments)?;
        self.noted(caller, caller.check_site(site))?;
        let book = self.segments.book();
        Ok(book.iter().map(|segment| self.sized(segment, site)).collect())
    }

    /// One segment, with its size on a site.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`] when there is none such, [`AppError::Denied`] without the role.
    pub fn segment(
        &self,
        (key, site): (&str, &SiteId),
        caller: &Caller,
    ) -> Result<SizedSegment, AppError> {
        caller.check(Operation::ReadSegments)?;
        self.noted(caller, caller.check_site(site))?;
        let book = self.segments.book();
        let segment = book.find(key).ok_or_else(|| not_found(key))?;
        Ok(self.sized(segment, site))
    }

    fn sized(&self, segment: &Segment, site: &SiteId) -> SizedSegment {
        let sizes = self.segments.sizes.lock();
        let size = sizes.get(site).and_then(|of_site| of_site.get(&segment.key)).copied();
        let people_min = self.config.privacy.statistics.people_min;
        // In steps: the difference of two sizes must not tell of one person.
        let rounded = |n: u64| Some(n - n % people_min.max(1)).filter(|n| *n >= people_min);
        let size = size.map(|(n, at)| SegmentSize { people: rounded(n), at });
        SizedSegment { segment: segment.clone(), size }
    }

    /// Stores a segment.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] for a key, name or filter that is none, [`AppError::Conflict`] for a key that is
    /// taken or one too many, [`AppError::Denied`] without the role. As the tables and the audit log.
    pub async fn put_segment(
        &self,
        segment: Segment,
        precondition: SegmentPrecondition,
        caller: &Caller,
    ) -> Result<Segment, AppError> {
        caller.check(Operation::WriteSegments)?;
        let now = self.clock.now();
        let segment = {
            let _changing = self.segments.changing.lock().await;
            let book = self.segments.book();
            let known = book.find(&segment.key);
            if known.is_some_and(|known| known.is_built_in) {
                return Err(taken(&segment.key, "is one that every shop has; choose another key"));
            }
            if known.is_some() && precondition == SegmentPrecondition::New {
                return Err(taken(&segment.key, "exists already; replace it with PUT"));
            }
            if known.is_none() && book.n_own() >= SEGMENTS_MAX {
                return Err(AppError::Conflict(format!(
                    "there are {SEGMENTS_MAX} segments, which is the limit; delete some"
                )));
            }
            let created_at = known.map_or(now, |known| known.created_at);
            let segment = Segment { created_at, ..segment };
            let condition = match precondition {
                SegmentPrecondition::New => Condition::Absent,
                SegmentPrecondition::Any => Condition::Any,
            };
            let write = store::write(&segment, condition);
            self.parts.tables.write(&[write], now).await.map_err(|error| match error {
                TableError::Conflict { .. } => taken(&segment.key, "exists already"),
                other => other.into(),
            })?;
            self.segments.swap(book.with(segment.clone()));
            segment
        };
        let act = AuditAct::new(AuditOperation::SegmentChange).on(object(&segment.key));
        self.audit(caller, act).await?;
        Ok(segment)
    }

    /// Removes a segment.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`] when there is none such, [`AppError::Conflict`] for one that every shop has, or
    /// that a rule asks for; [`AppError::Denied`] without the role. As the tables and the audit log.
    pub async fn delete_segment(&self, key: &str, caller: &Caller) -> Result<(), AppError> {
        caller.check(Operation::WriteSegments)?;
        {
            let _changing = self.segments.changing.lock().await;
            let book = self.segments.book();
            let known = book.find(key).ok_or_else(|| not_found(key))?;
            if known.is_built_in {
                return Err(taken(key, "is one that every shop has; it cannot be deleted"));
            }
            let rules = self.merchandising.book();
            let asks = |segments: &[String]| segments.iter().any(|one| one == key);
            if let Some(rule) = rules.stored().find(|one| asks(&one.rule.when.segments)) {
                let id = &rule.rule.id;
                return Err(taken(key, &format!("is asked for by rule `{id}`; change that first")));
            }
            let now = self.clock.now();
            self.parts.tables.write(&[store::delete(key)], now).await?;
            self.segments.swap(book.without(key));
        }
        let act = AuditAct::new(AuditOperation::SegmentDelete).on(object(key));
        self.audit(caller, act).await.map(drop)
    }

    /// Counts who is in which segment, of those who allow that reports count them.
    pub async fn count_segments(&self) {
        *self.segments.changed.lock() = None;
        for site in self.config.sites.iter().map(|site| site.id.clone()) {
            let Ok((currency, zone)) = self.place_of(&site) else { continue };
            let (views, standing) = (Arc::clone(&self.views), self.people.standing(&site));
            let (book, settings, now) =
                (self.segments.book(), self.config.profiles, self.clock.now());
            let of = site.clone();
            let count = move || {
                let mut counts: Sizes =
                    book.iter().map(|segment| (segment.key.clone(), (0, now))).collect();
                slices(&views, |views, numbers| -> Vec<()> {
                    let purpose =
                        Use { purpose: Purpose::Analytics, site: &of, withheld: Purposes::NONE };
                    // Who is told apart by what they did must allow that too, and not only that reports count it.
                    let personal = Use { purpose: Purpose::Personalization, ..purpose };
                    let counted = |n| {
                        let (subject, consented) = views.person_at(n, purpose)?;
                        let is_told_apart = views.allows(Whom::known(subject), personal);
                        (is_told_apart && !views.is_no_shopper(subject)).then_some(consented)
                    };
                    for consented in numbers.filter_map(counted) {
                        let lens = crate::people::Lens {
                            views,
                            standing: standing.as_deref(),
                            settings: &settings,
                            site: views.catalogue.find_site(&of),
                            currency,
                            zone: &zone,
                            now,
                        };
                        let person = Person::of(&consented, lens);
                        for key in book.of_person(&person) {
                            counts.entry(key).or_default().0 += 1;
                        }
                    }
                    Vec::new()
                });
                counts
            };
            if let Ok(counts) = tokio::task::spawn_blocking(count).await {
                self.segments.sizes.lock().insert(site, counts);
            }
        }
    }
}

fn object(key: &str) -> AuditObject {
    AuditObject::of("segment", key)
}

fn not_found(key: &str) -> AppError {
    let id = key.chars().take(80).collect();
    AppError::NotFound { what: "segment", id }
}

fn taken(key: &str, why: &str) -> AppError {
    AppError::Conflict(format!("segment `{key}` {why}"))
}
