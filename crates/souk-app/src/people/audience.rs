//! Who is likely to want a product, or anything of a category: for messages to people who allow them.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use parking_lot::RwLock;
use souk_core::{ProductId, Purpose, Purposes, SiteId, SubjectId};
use souk_recommend::Item;
use souk_recommend::audience::{
    Audience, CURVE_WINDOWS, Curve, Quality, WINDOW_DAYS, Wanted, WantedThen,
};
use souk_recommend::evaluate::audience::examples;
use souk_recommend::next_basket::BasketVectors;
use xxhash_rust::xxh3::xxh3_64;

use super::{in_slices, slices};
use crate::projections::{Use, Views, Whom};
use crate::threads::aside;
use crate::{App, AppError, AuditAct, AuditObject, AuditOperation, Caller, Operation};

/// People in one answer at most.
pub const AUDIENCE_MAX: usize = 1_000;
/// Products that are learned from.
const EXAMPLES_MAX: usize = 90;
/// Buyers, about, of whom it is looked who bought what is wanted within the last windows; chosen.
const OUTCOMES_MAX: usize = 20_000;
const DAY_MS: i64 = 86_400_000;
/// Products of a category that are looked for, those with most buyers; chosen.
const CATEGORY_ITEMS_MAX: usize = 2_000;

/// What may be wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// One product.
    Product(ProductId),
    /// Any product of a category: a whole path, its beginning, or one of its steps.
    Category(String),
}

/// Somebody who may want it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prospect {
    /// The random number by which exports name the person too.
    pub subject: SubjectId,
    /// The probability of buying it within four weeks, as far as the shop's past says: by the model of all products, and by
    /// how far that was off for this one within the last four weeks.
    pub likelihood: f64,
}

/// People by how likely they want something.
#[derive(Clone, Debug, PartialEq)]
pub struct Prospects {
    /// The likeliest first.
    pub people: Vec<Prospect>,
    /// Shoppers who bought it so far; `None` for fewer than `privacy.statistics.people_min`.
    pub buyers: Option<u64>,
    /// How good such lists were on the last four weeks.
    pub quality: Quality,
}

/// A person in the heap of the best so far: the worst is on top.
#[derive(Debug, PartialEq)]
struct Kept(f64, SubjectId);

impl Eq for Kept {}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Kept) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kept {
    fn cmp(&self, other: &Kept) -> Ordering {
        other.0.total_cmp(&self.0).then(self.1.cmp(&other.1))
    }
}

impl App {
    /// The people who are most likely to want something within four weeks, of those who allow marketing and
    /// personalization; written into the audit log before it is answered.
    ///
    /// # Errors
    ///
    /// [`AppError::NotFound`] for a product or category that there is not, [`AppError::NotReady`] where too
    /// little was sold to learn from, [`AppError::Denied`] without the role; as the audit log.
    pub async fn audience(
        &self,
        (wish, site): (&Wish, &SiteId),
        limit: usize,
        caller: &Caller,
    ) -> Result<Prospects, AppError> {
        caller.check(Operation::ReadSegmentMembers)?;
        self.noted(caller, caller.check_site(site))?;
        self.check_ready()?;
        if !(1..=AUDIENCE_MAX).contains(&limit) {
            let detail = format!("limit is {limit}; must be between 1 and {AUDIENCE_MAX}");
            return Err(AppError::invalid("invalid_limit", "limit", detail));
        }
        let items = items_of(&self.views.read(), (wish, site));
        if items.is_empty() {
            return Err(match wish {
                Wish::Product(id) => AppError::NotFound { what: "product", id: id.to_string() },
                Wish::Category(path) => {
                    let id = path.chars().take(80).collect();
                    AppError::NotFound { what: "category", id }
                }
            });
        }
        let audience = self.audience_model(site).await?;
        let now = self.clock.now().as_ms();
        let (views, of, model) = (Arc::clone(&self.views), site.clone(), Arc::clone(&audience));
        let rank = move || {
            let curve = curve(&model, &views, (&items, now));
            let wanted = Wanted::of(&items, views.read().crowd().vectors);
            let mut best: BinaryHeap<Kept> = BinaryHeap::with_capacity(limit + 1);
            slices(&views, |views, numbers| -> Vec<()> {
                for number in numbers {
                    let Some((subject, consented)) = views.person_at(number, marketing(&of)) else {
                        continue;
                    };
                    if !views.allows(Whom::known(subject), personal(&of)) {
                        continue;
                    }
                    let likelihood = model.likelihood(&consented.baskets(), &wanted, now);
                    best.push(Kept(likelihood, subject));
                    if best.len() > limit {
                        best.pop();
                    }
                }
                Vec::new()
            });
            let people = best.into_sorted_vec();
            let people = people.into_iter();
            let of =
                |Kept(likelihood, subject)| Prospect { subject, likelihood: curve.of(likelihood) };
            let people: Vec<Prospect> = people.map(of).collect();
            (people, wanted.n_buyers as u64)
        };
        let (people, buyers) = aside("ranking people", rank).await?;
        let object = match wish {
            Wish::Product(id) => AuditObject::of("product", id.as_str()),
            Wish::Category(_) => AuditObject::data("category"),
        };
        let act = AuditAct::new(AuditOperation::SegmentMembers).on(object);
        self.audit(caller, act.with("rows", people.len())).await?;
        let people_min = self.config.privacy.statistics.people_min;
        let buyers = Some(buyers).filter(|n| *n >= people_min);
        Ok(Prospects { people, buyers, quality: audience.quality })
    }

    /// The model of who wants what, learned when it is first asked for and kept until the figures of the
    /// shop are fitted anew. Then the next is learned, and one that is worse than the one before does not serve.
    async fn audience_model(&self, site: &SiteId) -> Result<Arc<Audience>, AppError> {
        let _alone = self.people.audience_working.lock().await;
        let fitted = *self.people.fitted.lock();
        let known = self.people.audiences.read().get(site).cloned();
        if let Some((of, known)) = &known
            && *of == fitted
        {
            return Ok(Arc::clone(known));
        }
        let before = known.map(|(_, known)| known);
        let vectors = self.projector.inspect(|views| views.crowd().vectors.clone()).await?;
        let now = self.clock.now().as_ms();
        let learn = move || {
            let examples = examples(&vectors, EXAMPLES_MAX);
            Audience::learn(&vectors, &examples, (now, before.as_deref()))
        };
        let learned = aside("learning", learn).await?;
        let learned = Arc::new(learned.ok_or_else(|| {
            AppError::NotReady(
                "too few people bought the same products within the last four weeks to learn who wants what"
                    .to_owned(),
            )
        })?);
        let kept = (fitted, Arc::clone(&learned));
        self.people.audiences.write().insert(site.clone(), kept);
        Ok(learned)
    }
}

/// What the model's likelihoods are worth for these items, by who bought them within the last windows. It is made for
/// each question and kept nowhere, so whoever left speaks no more.
fn curve(model: &Audience, views: &RwLock<Views>, (items, now): (&[Item], i64)) -> Curve {
    let end = |views: &Views| views.crowd().vectors.n_shoppers() as u32;
    let sample = Sample::of(views.read().crowd().vectors);
    let mut outcomes = Vec::new();
    for number in 1..=CURVE_WINDOWS {
        let then = now - number * WINDOW_DAYS * DAY_MS;
        let mut wanted = WantedThen::new(items, then, views.read().crowd().vectors);
        in_slices((views, end), |views, numbers| wanted.count(views.crowd().vectors, numbers));
        let wanted = wanted.wanted();
        in_slices((views, end), |views, numbers| {
            let people = numbers.filter(|number| sample.has(*number));
            outcomes.extend(model.outcomes(views.crowd().vectors, people, (&wanted, then)));
        });
    }
    Curve::learn(&outcomes)
}

/// A part of all people, however many of their numbers never bought anything.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// One in so many.
    step: u64,
}

impl Sample {
    /// Enough of those who bought.
    fn of(vectors: &BasketVectors) -> Sample {
        Sample { step: vectors.n_buyers().div_ceil(OUTCOMES_MAX).max(1) as u64 }
    }

    /// By a hash: numbers of browsers and of users often alternate, and [`Curve::learn`] halves people by another one.
    fn has(self, number: u32) -> bool {
        xxh3_64(&number.to_le_bytes()).is_multiple_of(self.step)
    }
}

fn items_of(views: &Views, (wish, site): (&Wish, &SiteId)) -> Vec<Item> {
    let catalogue = &views.catalogue;
    match wish {
        Wish::Product(id) => catalogue.item(site, id).into_iter().collect(),
        Wish::Category(path) => {
            let quoted = path.replace('\\', "\\\\").replace('\'', "''");
            let Ok(filter) = souk_core::Filter::parse(&format!("category = '{quoted}'")) else {
                return Vec::new();
            };
            let is_of = |item: &Item| {
                catalogue.product(*item).is_some_and(|product| filter.matches(&**product))
            };
            let mut items: Vec<Item> = catalogue.iter_site(site).filter(is_of).collect();
            let buyers = |item: &Item| views.crowd().vectors.n_buyers_of(*item);
            items.sort_by_key(|item| std::cmp::Reverse(buyers(item)));
            items.truncate(CATEGORY_ITEMS_MAX);
            items
        }
    }
}

fn marketing(site: &SiteId) -> Use<'_> {
    Use { purpose: Purpose::Marketing, site, withheld: Purposes::NONE }
}

fn personal(site: &SiteId) -> Use<'_> {
    Use { purpose: Purpose::Personalization, site, withheld: Purposes::NONE }
}

#[cfg(test)]
mod tests;
