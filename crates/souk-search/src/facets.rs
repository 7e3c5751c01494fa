//! Counting values of what was found.

use crate::chunk::Chunk;
use crate::document::CATEGORY_TREE;
use crate::index::SearchIndex;
use crate::lexicon::Values;
use crate::request::{
    Facet, FacetRequest, FacetValue, NumberFacet, RangeCount, SearchError, SearchRequest,
};
use crate::retrieve::Row;
use crate::text::fold;

/// No facet's field.
const NONE: u8 = u8::MAX;

/// Counts by value for each facet of a request.
#[derive(Debug)]
pub(crate) struct Counter {
    /// Which facet counts a field, by field.
    slots: Vec<u8>,
    fields: Vec<u16>,
    counts: Vec<Vec<u32>>,
    buffer: Vec<u32>,
}

/// The number of a field that a shopper named.
pub(crate) fn find_field(index: &SearchIndex, name: &str) -> Option<u16> {
    let lexicon = &index.lexicon;
    match name {
        "category" | "categories" => lexicon.field(CATEGORY_TREE),
        _ if name.starts_with("attributes.") => lexicon.field(name),
        _ => {
            let own = (name != CATEGORY_TREE).then(|| lexicon.field(name)).flatten();
            own.or_else(|| lexicon.field(&format!("attributes.{name}")))
        }
    }
}

impl SearchIndex {
    /// The names of all fields that can be counted, in the order of the alphabet; attributes by their own names, unless
    /// a field of products is called so too.
    pub fn countable_fields(&self) -> Vec<String> {
        let keys = (0..self.lexicon.fields.len() as u32).map(|n| self.lexicon.fields.text(n));
        let name = |key: &str| match key.strip_prefix("attributes.") {
            Some(own) if find_field(self, own) == self.lexicon.field(key) => own.to_owned(),
            _ => key.to_owned(),
        };
        let mut names: Vec<String> = keys.filter(|key| *key != CATEGORY_TREE).map(name).collect();
        names.sort_unstable();
        names
    }
}

impl Counter {
    pub(crate) fn new(
        index: &SearchIndex,
        facets: &[FacetRequest],
    ) -> Result<Counter, SearchError> {
        check(facets)?;
        let mut counter = Counter {
            slots: vec![NONE; index.lexicon.values.len()],
            fields: Vec::with_capacity(facets.len()),
            counts: Vec::with_capacity(facets.len()),
            buffer: Vec::new(),
        };
        for (slot, facet) in facets.iter().enumerate() {
            let field = find_field(index, &facet.field)
                .ok_or_else(|| SearchError::UnknownField { field: facet.field.clone() })?;
            counter.slots[usize::from(field)] = slot as u8;
            counter.fields.push(field);
            counter.counts.push(vec![0; index.lexicon.values[usize::from(field)].len()]);
        }
        Ok(counter)
    }

    /// The fields as filters name them.
    pub(crate) fn keys(&self, index: &SearchIndex) -> Vec<String> {
        let key = |field: &u16| match index.lexicon.fields.text(u32::from(*field)) {
            CATEGORY_TREE => "categories".to_owned(),
            other => other.to_owned(),
        };
        self.fields.iter().map(key).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Counts rows of a chunk, which rise, in every facet.
    pub(crate) fn count(&mut self, chunk: &Chunk, hits: &[Row]) {
        for (slot, field) in self.fields.iter().enumerate() {
            // Of two facets of one field the last counts.
            if usize::from(self.slots[usize::from(*field)]) == slot {
                let into = (&mut self.counts[slot][..], &mut self.buffer);
                chunk.facts.field(*field).count(hits.iter().map(|hit| hit.row), into);
            }
        }
    }

    /// Counts rows of a chunk, which rise, in one facet.
    pub(crate) fn count_in(&mut self, slot: usize, chunk: &Chunk, rows: &[u16]) {
        let into = (&mut self.counts[slot][..], &mut self.buffer);
        chunk.facts.field(self.fields[slot]).count(rows.iter().copied(), into);
    }

    /// Takes the counts of everything that there is.
    pub(crate) fn count_all(&mut self, index: &SearchIndex) {
        for (field, counts) in self.fields.iter().zip(&mut self.counts) {
            let values = &index.lexicon.values[usize::from(*field)];
            for (value, count) in counts.iter_mut().enumerate() {
                *count = values.live(value as u32);
            }
        }
    }

    pub(crate) fn into_facets(self, index: &SearchIndex, requests: &[FacetRequest]) -> Vec<Facet> {
        let all = requests.iter().enumerate();
        all.map(|(slot, request)| {
            // Two requests may name one field; it is counted for the last.
            let field = self.fields[slot];
            let counts = &self.counts[usize::from(self.slots[usize::from(field)])];
            facet(request, &index.lexicon.values[usize::from(field)], counts)
        })
        .collect()
    }
}

fn check(facets: &[FacetRequest]) -> Result<(), SearchError> {
    let out_of_range =
        |field, value, max| Err(SearchError::OutOfRange { field, value, min: 0, max });
    if facets.len() > SearchRequest::FACETS_MAX {
        return out_of_range("facets", facets.len(), SearchRequest::FACETS_MAX);
    }
    match facets.iter().find(|facet| facet.limit > FacetRequest::VALUES_MAX) {
        Some(facet) => out_of_range("facets/limit", facet.limit, FacetRequest::VALUES_MAX),
        None => Ok(()),
    }
}

fn facet(request: &FacetRequest, values: &Values, counts: &[u32]) -> Facet {
    let mut search = String::new();
    fold(request.search.as_deref().unwrap_or_default().trim(), &mut search);
    let mut buffer = String::new();
    let counted = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let mut found: Vec<(u32, u32)> = counted
        .map(|(value, count)| (value as u32, *count))
        .filter(|(value, _)| {
            search.is_empty() || has_word(values.text(*value), &search, &mut buffer)
        })
        .collect();
    let n_values = found.len();
    let numbers = numbers(values, &found, &request.bounds);
    let by_count = |left: &(u32, u32), right: &(u32, u32)| {
        let numbers = (values.number(left.0), values.number(right.0));
        let by_value = || match numbers.0.is_finite() && numbers.1.is_finite() {
            true => numbers.0.total_cmp(&numbers.1),
            false => values.text(left.0).cmp(values.text(right.0)),
        };
        right.1.cmp(&left.1).then_with(by_value)
    };
    if found.len() > request.limit && request.limit > 0 {
        found.select_nth_unstable_by(request.limit - 1, by_count);
    }
    found.truncate(request.limit);
    found.sort_unstable_by(by_count);
    let value = |(value, count): &(u32, u32)| FacetValue {
        value: values.text(*value).to_owned(),
        count: *count as usize,
    };
    let values = found.iter().map(value).collect();
    Facet { field: request.field.clone(), values, n_values, numbers }
}

/// Whether the text, or a word in it, begins with a folded text.
pub(crate) fn has_word(text: &str, search: &str, buffer: &mut String) -> bool {
    buffer.clear();
    fold(text, buffer);
    buffer
        .match_indices(search)
        .any(|(at, _)| !buffer[..at].chars().next_back().is_some_and(char::is_alphanumeric))
}

/// Ranges that a shopper is shown; chosen.
const RANGES: f64 = 8.0;
/// Ranges at most: rounding may make the steps some more than wanted.
const RANGES_MAX: usize = 32;

fn numbers(values: &Values, found: &[(u32, u32)], bounds: &[f64]) -> Option<NumberFacet> {
    let counted: Vec<(f64, u32)> = found
        .iter()
        .map(|(value, count)| (values.number(*value), *count))
        .filter(|(number, _)| number.is_finite())
        .collect();
    let all = counted.iter().map(|(number, _)| *number);
    let (min, max) = (all.clone().min_by(f64::total_cmp)?, all.max_by(f64::total_cmp)?);
    let bounds = match bounds {
        [] => suitable(counted.clone(), (min, max)),
        given => given.to_vec(),
    };
    let n_ranges = bounds.len().saturating_sub(1);
    let mut ranges: Vec<RangeCount> =
        bounds.windows(2).map(|pair| RangeCount { from: pair[0], to: pair[1], count: 0 }).collect();
    for (number, count) in counted {
        // The range that begins at or below the number; the last one also has its end.
        let above = bounds.partition_point(|bound| *bound <= number);
        let is_end = above == bounds.len() && bounds.last() == Some(&number);
        let range = if is_end { n_ranges } else { above };
        if range > 0 && range <= n_ranges {
            ranges[range - 1].count += count as usize;
        }
    }
    Some(NumberFacet { min, max, ranges })
}

/// Round bounds, some eight ranges, with the dearest twentieth in one: a few luxuries must not press all
/// else into the first range.
fn suitable(counted: Vec<(f64, u32)>, (min, max): (f64, f64)) -> Vec<f64> {
    let high = high_of(counted);
    if high <= min {
        return vec![min, max.max(min)];
    }
    let rough = (high - min) / RANGES;
    if !rough.is_normal() {
        // As far apart, or as near, as numbers can be.
        return vec![min, max];
    }
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough);
    let step = step.unwrap_or(10.0 * power);
    let mut bounds = vec![((min / step).floor() * step).min(min)];
    let mut last = bounds[0];
    while last < high && bounds.len() < RANGES_MAX {
        let next = last + step;
        if next <= last {
            // The step is finer than numbers of this size are.
            break;
        }
        bounds.push(next);
        last = next;
    }
    if last < max {
        bounds.push(max);
    }
    bounds
}

/// The least number below or at which 19 of 20 are: found by halving, for sorting all takes longer.
fn high_of(mut counted: Vec<(f64, u32)>) -> f64 {
    let count = |some: &[(f64, u32)]| some.iter().map(|(_, count)| u64::from(*count)).sum::<u64>();
    let total = count(&counted[..]);
    let is_enough = |seen: u64| seen * 20 >= total * 19;
    let (mut rest, mut below) = (&mut counted[..], 0);
    loop {
        let middle = rest.len() / 2;
        let (left, at, right) =
            rest.select_nth_unstable_by(middle, |left, right| left.0.total_cmp(&right.0));
        let of_left = below + count(&*left);
        let with_middle = of_left + u64::from(at.1);
        if is_enough(of_left) && !left.is_empty() {
            rest = left;
        } else if is_enough(with_middle) || right.is_empty() {
            return at.0;
        } else {
            (rest, below) = (right, with_middle);
        }
    }
}

#[cfg(test)]
mod tests;
