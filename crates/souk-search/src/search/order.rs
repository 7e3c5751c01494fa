//! The order of hits: by a number, or by relevance with a closer look at the best.

use std::cmp::Ordering;
use std::ops::Range;

use rustc_hash::FxHashMap;
use souk_core::ProductId;

use super::{Found, Match};
use crate::chunk::{Chunk, FieldFacts, Place};
use crate::distance::{ChunkDistances, Distances};
use crate::facets::find_field;
use crate::fusion::Nearness;
use crate::index::{SearchIndex, id_at};
use crate::lexicon::Values;
use crate::query::Plan;
use crate::rank::{CategoryRank, Demand, TitleRank, availability_factor};
use crate::request::{Hit, ScoreParts, SearchError, SearchRequest, SortBy, SortOrder};
use crate::retrieve::Slot;
use crate::understand::Preference;

/// Hits that are looked at closely: their titles, and what the shopper prefers. Chosen: a few pages, at
/// some 40 µs.
const WINDOW: usize = 256;

/// What an order by number goes by.
pub(super) struct Key<'a> {
    by: By<'a>,
    order: SortOrder,
}

/// Whose number it is.
enum By<'a> {
    Field(u16, &'a Values),
    /// The square of the way, as [`ChunkDistances::square`] has it.
    Distance(Distances<'a>),
}

/// A [`Key`] for the rows of one chunk.
struct ChunkKey<'a> {
    by: ChunkBy<'a>,
    order: SortOrder,
}

enum ChunkBy<'a> {
    Field(FieldFacts<'a>, &'a Values),
    Distance(ChunkDistances<'a>),
}

impl<'a> Key<'a> {
    /// The orders that a request asks for, each for what is equal by those before; none is by relevance.
    pub(super) fn of_request(
        index: &'a SearchIndex,
        request: &'a SearchRequest,
    ) -> Result<Vec<Key<'a>>, SearchError> {
        request.sort.iter().map(|sort| Key::of_sort(index, (request, sort))).collect()
    }

    fn of_sort(
        index: &'a SearchIndex,
        (request, sort): (&'a SearchRequest, &SortBy),
    ) -> Result<Key<'a>, SearchError> {
        let by = match &request.around {
            Some(around) if sort.field == SortBy::DISTANCE => {
                By::Distance(Distances::new(index, around))
            }
            _ => {
                let field = number_field(index, &sort.field)?;
                By::Field(field, &index.lexicon.values[usize::from(field)])
            }
        };
        Ok(Key { by, order: sort.order })
    }

    fn within<'c>(&self, chunk: &'c Chunk) -> ChunkKey<'c>
    where
        'a: 'c,
    {
        let by = match &self.by {
            By::Field(field, values) => ChunkBy::Field(chunk.facts.field(*field), values),
            By::Distance(distances) => ChunkBy::Distance(distances.within(chunk)),
        };
        ChunkKey { by, order: self.order }
    }
}

impl ChunkKey<'_> {
    /// What to sort a row by, so that the least comes first, and what has no number last.
    #[inline]
    fn of(&self, row: u16) -> f64 {
        match &self.by {
            ChunkBy::Distance(distances) => self.first_of(distances.square(row).into_iter()),
            ChunkBy::Field(facts, values) => {
                let numbers = facts.get(row).iter().map(|value| values.number(*value));
                self.first_of(numbers.filter(|number| number.is_finite()))
            }
        }
    }

    fn first_of(&self, numbers: impl Iterator<Item = f64>) -> f64 {
        match self.order {
            SortOrder::Ascending => numbers.fold(f64::INFINITY, f64::min),
            SortOrder::Descending => -numbers.fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

/// Texts of products that stand in no column.
const TEXTS: [&str; 2] = ["title", "description"];

/// The number of a field that has numbers.
fn number_field(index: &SearchIndex, name: &str) -> Result<u16, SearchError> {
    let field = find_field(index, name);
    let values = field.map(|field| &index.lexicon.values[usize::from(field)]);
    let has_numbers = values.is_some_and(|values| {
        let mut all = 0..values.len() as u32;
        values.len() == 0 || all.any(|value| values.number(value).is_finite())
    });
    match field {
        Some(field) if has_numbers => Ok(field),
        None if !TEXTS.contains(&name) => Err(SearchError::UnknownField { field: name.to_owned() }),
        _ => Err(SearchError::NoNumbers { field: name.to_owned() }),
    }
}

/// A hit with the number that it is ordered by first.
type Keyed = (f64, Match);

pub(super) struct Order<'a> {
    pub(super) index: &'a SearchIndex,
    pub(super) plan: Option<&'a Plan<'a>>,
    /// Each orders what is equal by those before.
    pub(super) sort: Vec<Key<'a>>,
    pub(super) nearness: Option<Nearness>,
    /// What being wanted is worth to these hits.
    pub(super) demand: Demand,
}

/// What scores are held against to say how well hits fit.
struct Scale {
    /// The highest conceivable score; 0 where nothing is looked for.
    most: f64,
    /// The parts of all words; 0 where meaning has its say.
    whole: usize,
}

impl Scale {
    fn of(order: &Order<'_>) -> Scale {
        let ranking = &order.index.settings.ranking;
        if order.nearness.is_some() {
            return Scale { most: 1.0, whole: 0 };
        }
        let Some(plan) = order.plan else { return Scale { most: 0.0, whole: 0 } };
        let slots = plan.slots_with_head();
        let words: f32 = slots.iter().map(|slot| slot.weight).sum();
        let others = TitleRank::factor_max(ranking)
            * CategoryRank::factor_max(ranking)
            * (1.0 + ranking.preference);
        let wanted = order.demand.factor_max();
        Scale { most: f64::from(wanted * words * others), whole: Slot::whole(&slots) }
    }

    fn fit(&self, hit: &Hit) -> f64 {
        if self.most <= 0.0 {
            return 1.0;
        }
        let share = (hit.score / self.most).clamp(0.0, 1.0);
        let n_parts = self.whole.saturating_sub(hit.n_missing) as f64;
        (n_parts + share) / (self.whole as f64 + 1.0)
    }
}

/// The `n_first` first of all, in their order, which must leave no two equal.
fn first_of<T: Copy>(
    all: impl Iterator<Item = T>,
    n_first: usize,
    order: impl Fn(&T, &T) -> Ordering,
) -> Vec<T> {
    if n_first == 0 {
        return Vec::new();
    }
    // What comes after the last of the first that are known so far is not looked at again.
    let (mut kept, mut last): (Vec<T>, Option<T>) = (Vec::new(), None);
    for this in all {
        if last.as_ref().is_some_and(|last| order(&this, last).is_ge()) {
            continue;
        }
        kept.push(this);
        if kept.len() >= n_first.saturating_mul(2) {
            kept.select_nth_unstable_by(n_first - 1, &order);
            kept.truncate(n_first);
            last = kept.last().copied();
        }
    }
    kept.sort_unstable_by(order);
    kept.truncate(n_first);
    kept
}

impl Order<'_> {
    /// The hits of one page.
    pub(super) fn page(
        &self,
        found: &Found,
        page: Range<usize>,
        preferences: &[Preference],
    ) -> Vec<Hit> {
        let mut hits = self.in_order(found, page, preferences);
        let scale = Scale::of(self);
        hits.iter_mut().for_each(|hit| hit.fit = scale.fit(hit));
        hits
    }

    fn in_order(&self, found: &Found, page: Range<usize>, preferences: &[Preference]) -> Vec<Hit> {
        let page = page.start.min(found.total)..page.end.min(found.total);
        if !self.sort.is_empty() {
            let sorted = first_of(self.keyed(found), page.end, self.by_numbers());
            return sorted[page].iter().map(|(_, found)| self.hit(*found)).collect();
        }
        let nearest = self.nearness.as_ref();
        let is_near = |found: &Match| nearest.is_some_and(|of| of.is_near(found.place));
        let n_window = WINDOW + nearest.map_or(0, Nearness::n_near);
        let matches = first_of(found.matches(), page.end.max(n_window), |left, right| {
            is_near(right).cmp(&is_near(left)).then_with(|| self.by_score(left, right))
        });
        let n_window = n_window.min(matches.len());
        let window = &matches[..n_window];
        let mut best = self.look_closely(window, preferences);
        if let Some(nearness) = nearest {
            let n_words = self.plan.map_or(0, |plan| plan.slots.len());
            nearness.fuse(self.index, &mut best, n_words);
        }
        best.sort_by(|(left, left_found), (right, right_found)| {
            let by_missing = left_found.missing.cmp(&right_found.missing);
            by_missing
                .then_with(|| right.score.total_cmp(&left.score))
                .then_with(|| self.coming(left_found).cmp(&self.coming(right_found)))
        });
        let of_window = best.into_iter().map(|(hit, _)| hit);
        let beyond = matches[n_window..].iter().map(|found| self.hit(*found));
        of_window.chain(beyond).skip(page.start).take(page.len()).collect()
    }

    /// What has more of the words first, then by score; equals in the order in which they first came,
    /// which is the same however chunks are joined between two pages.
    #[inline]
    fn by_score(&self, left: &Match, right: &Match) -> Ordering {
        let by_missing = left.missing.cmp(&right.missing);
        by_missing
            .then_with(|| right.score.total_cmp(&left.score))
            .then_with(|| self.coming(left).cmp(&self.coming(right)))
    }

    #[inline]
    fn coming(&self, found: &Match) -> u32 {
        let Place { chunk, row } = found.place;
        self.index.chunks[chunk as usize].coming[usize::from(row)]
    }

    /// Each hit with the number that it is ordered by first; 0 without an order by numbers.
    fn keyed<'f>(&'f self, found: &'f Found) -> impl Iterator<Item = Keyed> + 'f {
        found.parts.iter().flat_map(|part| {
            let chunk = &self.index.chunks[part.chunk as usize];
            let key = self.sort.first().map(|key| key.within(chunk));
            let number =
                move |found: &Match| key.as_ref().map_or(0.0, |key| key.of(found.place.row));
            part.matches().map(move |found| (number(&found), found))
        })
    }

    /// By numbers, where an order by them is asked for, then by score.
    fn by_numbers(&self) -> impl Fn(&Keyed, &Keyed) -> Ordering {
        let others = self.sort.iter().skip(1);
        let others = others.map(|key| self.index.chunks.iter().map(|chunk| key.within(chunk)));
        let others: Vec<Vec<ChunkKey<'_>>> = others.map(Iterator::collect).collect();
        move |left: &Keyed, right: &Keyed| {
            let of =
                |keys: &[ChunkKey<'_>], Place { chunk, row }: Place| keys[chunk as usize].of(row);
            let by_other = |keys: &Vec<ChunkKey<'_>>| {
                of(keys, left.1.place).total_cmp(&of(keys, right.1.place))
            };
            let by_first = left.0.total_cmp(&right.0);
            let by_all = by_first.then_with(|| {
                others.iter().map(by_other).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            });
            by_all.then_with(|| self.by_score(&left.1, &right.1))
        }
    }

    /// Keeps of the hits with the same value of a field the first one.
    pub(super) fn keep_distinct(&self, found: &mut Found, field: Option<u16>) {
        let Some(field) = field else { return };
        let value_of = |Place { chunk, row }: Place| {
            self.index.chunks[chunk as usize].facts.of(row, field).next()
        };
        let order = self.by_numbers();
        let mut first: FxHashMap<u32, Keyed> = FxHashMap::default();
        for this in self.keyed(found) {
            let Some(value) = value_of(this.1.place) else { continue };
            let known = first.entry(value).or_insert(this);
            if order(&this, known).is_lt() {
                *known = this;
            }
        }
        found.retain(|place| {
            value_of(place)
                .is_none_or(|value| first.get(&value).is_some_and(|first| first.1.place == place))
        });
    }

    fn look_closely(&self, window: &[Match], preferences: &[Preference]) -> Vec<(Hit, Match)> {
        let titles = self.plan.map(|plan| TitleRank::new(self.index, plan));
        let weight = self.index.settings.ranking.preference;
        let preferred: Vec<Vec<f32>> =
            preferences.iter().map(|preference| self.shares(window, preference)).collect();
        let look = |(number, found): (usize, &Match)| {
            let chunk = &self.index.chunks[found.place.chunk as usize];
            let title = titles.as_ref().map_or(1.0, |title| title.factor(chunk, found.place.row));
            let preference =
                1.0 + weight * preferred.iter().map(|shares| shares[number]).sum::<f32>();
            let mut hit = self.hit(*found);
            hit.parts.title = f64::from(title);
            hit.parts.preference = f64::from(preference);
            hit.score *= hit.parts.title * hit.parts.preference;
            (hit, *found)
        };
        let mut hits: Vec<(Hit, Match)> = window.iter().enumerate().map(look).collect();
        if let Some(titles) = titles.as_ref().filter(|_| window.len() > 1) {
            CategoryRank::new(self.index, titles).lift(&mut hits);
        }
        hits
    }

    /// How far each of the hits is what is preferred, from 0 to 1.
    fn shares(&self, window: &[Match], preference: &Preference) -> Vec<f32> {
        match preference {
            Preference::Values { field, values } => {
                let has = |found: &Match| {
                    let chunk = &self.index.chunks[found.place.chunk as usize];
                    let has = chunk.facts.of(found.place.row, *field).any(|v| values.contains(&v));
                    f32::from(u8::from(has))
                };
                window.iter().map(has).collect()
            }
            Preference::Cheap => {
                let Some(field) = self.index.lexicon.field("price") else {
                    return vec![0.0; window.len()];
                };
                let values = &self.index.lexicon.values[usize::from(field)];
                let key = Key { by: By::Field(field, values), order: SortOrder::Ascending };
                let price = |found: &Match| {
                    key.within(&self.index.chunks[found.place.chunk as usize]).of(found.place.row)
                };
                let prices: Vec<f64> = window.iter().map(price).collect();
                let mut sorted = prices.clone();
                sorted.sort_unstable_by(f64::total_cmp);
                let share = |price: &f64| {
                    let dearer = sorted.len() - sorted.partition_point(|other| other <= price);
                    dearer as f32 / sorted.len() as f32
                };
                prices.iter().map(share).collect()
            }
        }
    }

    fn hit(&self, found: Match) -> Hit {
        let chunk = &self.index.chunks[found.place.chunk as usize];
        let availability = availability_factor(chunk.availability(found.place.row));
        let popularity = chunk.popularity[usize::from(found.place.row)];
        let popularity = self.demand.factor(popularity);
        let id = ProductId::new(id_at(&self.index.chunks, found.place));
        Hit {
            id: id.expect("ids come from products, which have valid ones"),
            score: f64::from(found.score),
            parts: ScoreParts {
                text: f64::from(found.score / (availability * popularity)),
                title: 1.0,
                availability: f64::from(availability),
                popularity: f64::from(popularity),
                preference: 1.0,
                category: 1.0,
                meaning: 1.0,
            },
            n_missing: usize::from(found.missing),
            fit: 1.0,
        }
    }
}

#[cfg(test)]
mod tests;
