//! Pages of a list that is not the engine's own: the best hits are put in another order, all that come
//! after them stay as they are.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use souk_core::ProductId;
use souk_recommend::Item;
use souk_search::{Effect, SearchAnswer, SearchIndex, SearchRequest};
use xxhash_rust::xxh3::xxh3_64;

use super::{Asking, LearnedQuery, Learning, Prepared, Ranked, Told, refused};
use crate::AppError;
use crate::projections::Views;
use crate::recommend::{Hand, Proposal, ReasonKind};

/// Hits that rules and a shopper's past reorder; chosen: as many as the engine itself looks at closely.
pub(super) const POOL: usize = 256;

/// The hit, from 0, that a product which only others' clicks bring is as good as; chosen: seen, and not first.
const GUEST_RANK: usize = 2;

/// What cursors of reordered hits begin with; those of the engine are hexadecimal.
const OWN: char = 'p';

/// What follows it where the first page stood as the stages gave it, whatever order was learned, as all further ones must.
const AS_GIVEN: char = 'g';

/// Whether a cursor follows a page of that kind.
pub(super) fn is_as_given(cursor: &str) -> bool {
    cursor.strip_prefix(OWN).is_some_and(|rest| rest.starts_with(AS_GIVEN))
}

/// Whether a cursor is one of reordered hits.
pub(super) fn is_own(cursor: &str) -> bool {
    cursor.starts_with(OWN)
}

/// A page of reordered hits.
pub(super) struct Page {
    pub(super) answer: SearchAnswer,
    pub(super) hits: Vec<Ranked>,
    pub(super) cursor: Option<String>,
    pub(super) told: Told,
}

impl Asking<'_> {
    /// The page that was asked for, of the reordered best hits and what follows them.
    pub(super) fn pooled(
        &self,
        index: &SearchIndex,
        mut request: SearchRequest,
        prepared: &Prepared,
    ) -> Result<Page, AppError> {
        let limit = request.limit;
        let offset = match request.cursor.as_deref() {
            None => Some(0),
            Some(cursor) => self.own_offset(cursor)?,
        };
        let guests = self.guests(prepared);
        let brings_none = |learned: &Arc<LearnedQuery>| learned.wanted().is_empty();
        if offset.is_none()
            && guests.is_empty()
            && prepared.learned.as_ref().is_none_or(brings_none)
        {
            return self.beyond(index, request);
        }
        let asked = SearchRequest { limit: POOL, cursor: None, ..request.clone() };
        let mut answer = index.search(&asked).map_err(refused)?;
        // What a pin or others' clicks bring from behind the best hits, or from nowhere, must not come again
        // further on.
        let is_best = |id: &ProductId| answer.hits.iter().any(|hit| hit.id == *id);
        let mut outsiders: Vec<ProductId> = guests.into_iter().filter(|id| !is_best(id)).collect();
        let wanted = self.wanted(&answer, prepared);
        outsiders.extend(wanted.iter().map(|(id, _)| id).filter(|id| !is_best(id)).cloned());
        outsiders.sort_unstable();
        outsiders.dedup();
        if !outsiders.is_empty() {
            request.exclude.extend_from_slice(&outsiders);
            let exclude = request.exclude.clone();
            answer = index.search(&SearchRequest { exclude, ..asked }).map_err(refused)?;
            answer.total += outsiders.len();
        }
        let Some(offset) = offset else {
            let page = self.beyond(index, request)?;
            return Ok(Page {
                answer: SearchAnswer { total: answer.total, ..page.answer },
                ..page
            });
        };
        let rest = answer.cursor.clone();
        let (all, told) = self.reordered(&mut answer, (prepared, wanted));
        let n_all = all.len();
        let mut hits: Vec<Ranked> = all.into_iter().skip(offset).take(limit).collect();
        let end = offset + hits.len();
        let cursor = if end < n_all {
            Some(self.own_cursor(end, &prepared.learning))
        } else if hits.len() < limit && rest.is_some() {
            let more = SearchRequest { limit: limit - hits.len(), cursor: rest, ..request };
            let more = self.beyond(index, more)?;
            hits.extend(more.hits);
            more.cursor
        } else {
            rest
        };
        Ok(Page { answer, hits, cursor, told })
    }

    /// The products that pins bring wherever they stand.
    fn guests(&self, prepared: &Prepared) -> Vec<ProductId> {
        if !prepared.reorders {
            return Vec::new();
        }
        let views = self.app.views.read();
        let guests = self.with_hand(&views, prepared.arm, |hand| {
            hand.guests(POOL, |item| self.may_come_in(item, (&views, hand)))
        });
        guests.into_iter().map(|item| views.catalogue.product_id(item).clone()).collect()
    }

    /// A page after the reordered hits.
    fn beyond(&self, index: &SearchIndex, request: SearchRequest) -> Result<Page, AppError> {
        let answer = index.search(&request).map_err(refused)?;
        let hits = answer.hits.iter().map(Ranked::of).collect();
        let cursor = answer.cursor.clone();
        Ok(Page { answer, hits, cursor, told: Told::default() })
    }

    /// The products that others took up after this query and its words do not find, with how many did; none
    /// where words were read as conditions, which clicks know nothing of.
    fn wanted(&self, answer: &SearchAnswer, prepared: &Prepared) -> Vec<(ProductId, u32)> {
        let Some(learned) = &prepared.learned else { return Vec::new() };
        if answer.understood.iter().any(|one| one.effect == Effect::Filtered) {
            return Vec::new();
        }
        let views = self.app.views.read();
        let catalogue = &views.catalogue;
        let guests = self.with_hand(&views, prepared.arm, |hand| {
            learned.guests(|item| {
                let is_found = answer.hits.iter().any(|hit| hit.id == *catalogue.product_id(item));
                !is_found && self.may_come_in(item, (&views, hand))
            })
        });
        let people_of = |item| learned.wanted().iter().find(|(of, _)| *of == item);
        let guests = guests.into_iter().filter_map(people_of);
        guests.map(|(item, people)| (catalogue.product_id(*item).clone(), *people)).collect()
    }

    /// The hits with the factors of clicks and of the shopper, the first of them in the learned order, in the order that rules
    /// make of that; and what was known of them, where it is recorded.
    fn reordered(
        &self,
        answer: &mut SearchAnswer,
        (prepared, wanted): (&Prepared, Vec<(ProductId, u32)>),
    ) -> (Vec<Ranked>, Told) {
        let views = self.app.views.read();
        let (catalogue, site) = (&views.catalogue, &self.admitted.site);
        // What others bring comes in behind the second hit at best, until it is clicked there itself.
        let behind = answer.hits.get(GUEST_RANK).or(answer.hits.last());
        let (score, n_missing) = behind.map_or((1.0, 0), |hit| (hit.score, hit.n_missing));
        let guests = wanted.into_iter().map(|(id, people)| {
            let ranked = Ranked { score, brought_by: Some(people), ..Ranked::unranked(id) };
            (n_missing, ranked)
        });
        let hits: Vec<(usize, Ranked)> =
            answer.hits.drain(..).map(|hit| (hit.n_missing, Ranked::of(&hit))).collect();
        let with_factors = |(n_missing, mut ranked): (usize, Ranked)| {
            let item = catalogue.item(site, &ranked.id)?;
            ranked.personal = prepared.taste.factor(item, catalogue);
            ranked.clicks = match (&prepared.learned, ranked.brought_by) {
                (Some(learned), None) => learned.factor(item),
                (Some(learned), Some(_)) => learned.own_factor(item).unwrap_or(1.0),
                (None, _) => 1.0,
            };
            ranked.score *= ranked.personal * ranked.clicks;
            Some((n_missing, item, ranked))
        };
        let mut known: Vec<_> = hits.into_iter().chain(guests).filter_map(with_factors).collect();
        // What has more of the words stays in front, whatever anybody likes.
        known.sort_by(|(left_missing, _, left), (right_missing, _, right)| {
            left_missing.cmp(right_missing).then(right.score.total_cmp(&left.score))
        });
        let told = self.put_in_order(&mut known, &prepared.learning, (&views, answer));
        if !prepared.reorders {
            return (known.into_iter().map(|(_, _, ranked)| ranked).collect(), told);
        }
        let pool = known.iter().map(|(_, item, ranked)| Proposal {
            item: *item,
            score: ranked.score as f32,
            kind: ReasonKind::Picked,
            evidence: Vec::new(),
            support: 0,
            is_personal: false,
            place: 0,
        });
        let pool: Vec<Proposal> = pool.collect();
        let mut of_item: FxHashMap<Item, Ranked> =
            known.into_iter().map(|(_, item, ranked)| (item, ranked)).collect();
        let listed = self.with_hand(&views, prepared.arm, |hand| {
            let guests = hand.guests(POOL, |item| self.may_come_in(item, (&views, hand)));
            let places = pool.len() + guests.len();
            hand.list(pool, &guests, places)
        });
        // What a cap keeps off its place comes after all that has one: it was found, and is counted.
        let held_back = listed.left.iter().map(|(_, item, _)| *item);
        let items = listed.taken.iter().map(|proposal| proposal.item).chain(held_back);
        let mut moved = listed.moved.into_iter();
        let ranked = items.map(|item| {
            let known = of_item.remove(&item);
            let ranked =
                known.unwrap_or_else(|| Ranked::unranked(catalogue.product_id(item).clone()));
            Ranked { moved: moved.next(), ..ranked }
        });
        (ranked.collect(), told)
    }

    /// Whether a pin may bring a product that the words did not find.
    fn may_come_in(&self, item: Item, (views, hand): (&Views, &Hand<'_>)) -> bool {
        let location = self.context.location_id.as_ref();
        let filter = self.query.filter.as_ref();
        let nearby = self.nearby.as_ref();
        views.catalogue.is_servable(item, location)
            && nearby.is_none_or(|nearby| nearby.lets_through(item, &views.catalogue))
            && hand.removal(item).is_none()
            && filter.is_none_or(|filter| {
                views.catalogue.product(item).is_some_and(|product| filter.matches(&**product))
            })
    }

    fn own_cursor(&self, offset: usize, learning: &Learning) -> String {
        // A page that follows one of these is asked for with a cursor that says so, and so is the one behind it.
        let was_given = self.query.cursor.as_deref().is_some_and(is_as_given);
        let given =
            if was_given || learning.is_as_given() { AS_GIVEN.to_string() } else { String::new() };
        format!("{OWN}{given}{offset:x}.{:016x}", self.fingerprint())
    }

    /// Where a page of the reordered hits begins; `None` for a page after them.
    fn own_offset(&self, cursor: &str) -> Result<Option<usize>, AppError> {
        let Some(own) = cursor.strip_prefix(OWN) else { return Ok(None) };
        let own = own.strip_prefix(AS_GIVEN).unwrap_or(own);
        let wrong = || refused(souk_search::SearchError::Cursor);
        let (offset, of) = own.split_once('.').ok_or_else(wrong)?;
        let offset = usize::from_str_radix(offset, 16).map_err(|_| wrong())?;
        let is_ours = u64::from_str_radix(of, 16) == Ok(self.fingerprint());
        if is_ours && offset <= 2 * POOL { Ok(Some(offset)) } else { Err(wrong()) }
    }

    /// What makes the order; the shopper is not part of it, so a page stays a page after a login.
    fn fingerprint(&self) -> u64 {
        let query = self.query;
        let filter = query.filter.as_ref().map(ToString::to_string);
        let locale = &query.context.locale;
        let meant = self.meaning.as_ref().map(|meaning| meaning.used);
        let how = (query.typing, query.wanted, query.structure, meant);
        let order = (&query.sort, &query.distinct, &query.around);
        let asked = (&query.query, filter, locale, how, order);
        xxh3_64(format!("{asked:?}").as_bytes())
    }
}
