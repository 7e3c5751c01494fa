//! How much of each item was bought or viewed, per scope and time: what popularity and trends read.
//!
//! Counts are integers in buckets of an hour and of a day, so that adding and subtracting commute:
//! the state is a pure function of the multiset of changes and of the retention horizon, whatever
//! the order of arrival. A late event falls into its own old bucket and never looks new. *Not* for
//! distinct shoppers: a caller who caps one shopper's weight does so before adding.

use crate::types::Item;
use crate::wire::{Kind, Reader, SnapshotError, Writer};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

#[cfg(test)]
mod tests;

pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

const KIND: Kind = Kind { magic: *b"WNDW", version: 1 };

/// A part of the shop that is counted on its own, for instance a site and channel; the caller's
/// number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(pub u32);

/// One count to add, or with a negative weight to take back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Where it happened.
    pub scope: Scope,
    /// What it happened to.
    pub item: Item,
    /// When, Unix milliseconds.
    pub time: i64,
    /// How much: units, views, or 1 per basket.
    pub weight: i64,
}

/// What was counted of one item in one bucket of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketSum {
    /// Where.
    pub scope: Scope,
    /// Which item.
    pub item: Item,
    /// When the bucket begins, Unix milliseconds.
    pub from: i64,
    /// How long the bucket is, in milliseconds.
    pub width: i64,
    /// The sum of the weights.
    pub weight: i64,
}

type Bucket = FxHashMap<Item, i64>;

/// Buckets of one width, by the number of the bucket since 1970.
type Buckets = BTreeMap<i64, Bucket>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts {
    hours: Buckets,
    days: Buckets,
}

/// Counts per scope, item and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    scopes: BTreeMap<Scope, Counts>,
    /// Buckets before these times are not kept, Unix milliseconds.
    hours_from: i64,
    days_from: i64,
}

impl Default for Windows {
    fn default() -> Windows {
        Windows { scopes: BTreeMap::new(), hours_from: i64::MIN, days_from: i64::MIN }
    }
}

impl Windows {
    /// Adds a count; one from before the retention horizon is dropped, as it would be by now. The same count of the
    /// opposite weight takes it back, as if it had never been.
    pub fn add(&mut self, count: Count) {
        let counts = self.scopes.entry(count.scope).or_default();
        if count.time >= self.hours_from {
            add_to(&mut counts.hours, count.time.div_euclid(HOUR_MS), count);
        }
        if count.time >= self.days_from {
            add_to(&mut counts.days, count.time.div_euclid(DAY_MS), count);
        }
        self.drop_empty(count.scope);
    }

    /// Drops hours before `hours_from` and days before `days_from`, both rounded down to whole
    /// buckets. The horizon never moves back.
    ///
    /// It is an argument and not "N days before the newest count": else taking back the newest count
    /// could not restore what its arrival had dropped.
    pub fn retain_from(&mut self, hours_from: i64, days_from: i64) {
        let floor = |time: i64, width: i64| time.saturating_sub(time.rem_euclid(width));
        self.hours_from = self.hours_from.max(floor(hours_from, HOUR_MS));
        self.days_from = self.days_from.max(floor(days_from, DAY_MS));
        let (hour, day) = (self.hours_from.div_euclid(HOUR_MS), self.days_from.div_euclid(DAY_MS));
        self.scopes.retain(|_, counts| {
            counts.hours = counts.hours.split_off(&hour);
            counts.days = counts.days.split_off(&day);
            !counts.hours.is_empty() || !counts.days.is_empty()
        });
    }

    /// The hours `first..last` (numbers since 1970), oldest first.
    pub(crate) fn hours(&self, scope: Scope, span: (i64, i64)) -> impl Iterator<Item = &Bucket> {
        let counts = self.scopes.get(&scope).map(|counts| &counts.hours);
        between(counts, span).map(|(_, bucket)| bucket)
    }

    /// The days `first..last` (numbers since 1970), oldest first.
    pub(crate) fn days(
        &self,
        scope: Scope,
        span: (i64, i64),
    ) -> impl Iterator<Item = (i64, &Bucket)> {
        between(self.scopes.get(&scope).map(|counts| &counts.days), span)
    }

    /// Everything that is counted, in no particular order: for audits of the whole state.
    pub fn sums(&self) -> impl Iterator<Item = BucketSum> + '_ {
        self.scopes.iter().flat_map(|(&scope, counts)| {
            let widths = [(&counts.hours, HOUR_MS), (&counts.days, DAY_MS)];
            widths.into_iter().flat_map(move |(buckets, width)| {
                buckets.iter().flat_map(move |(&number, bucket)| {
                    let from = number * width;
                    bucket.iter().map(move |(&item, &weight)| BucketSum {
                        scope,
                        item,
                        from,
                        width,
                        weight,
                    })
                })
            })
        })
    }

    /// Writes a snapshot; equal states give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::new(KIND, 1024);
        to.i64(self.hours_from);
        to.i64(self.days_from);
        to.u32(self.scopes.len() as u32);
        for (scope, counts) in &self.scopes {
            to.u32(scope.0);
            encode_buckets(&counts.hours, &mut to);
            encode_buckets(&counts.days, &mut to);
        }
        to.finish()
    }

    /// Reads what [`Windows::encode`] wrote.
    ///
    /// # Errors
    ///
    /// Any [`SnapshotError`]; the remedy is to rebuild from the events.
    pub fn decode(bytes: &[u8]) -> Result<Windows, SnapshotError> {
        let mut from = Reader::new(KIND, bytes)?;
        let (hours_from, days_from) = (from.i64()?, from.i64()?);
        let mut scopes = BTreeMap::new();
        for _ in 0..from.u32()? {
            let scope = Scope(from.u32()?);
            let hours = decode_buckets(&mut from)?;
            let days = decode_buckets(&mut from)?;
            scopes.insert(scope, Counts { hours, days });
        }
        from.finish()?;
        Ok(Windows { scopes, hours_from, days_from })
    }

    /// A scope without counts is as if never seen.
    fn drop_empty(&mut self, scope: Scope) {
        let empty = |counts: &Counts| counts.hours.is_empty() && counts.days.is_empty();
        if self.scopes.get(&scope).is_some_and(empty) {
            self.scopes.remove(&scope);
        }
    }
}

/// Sums by item in one query; reused between queries, one per thread.
#[derive(Clone, Debug, Default)]
pub struct WindowScratch {
    sums: Vec<f32>,
    touched: Vec<Item>,
}

impl WindowScratch {
    /// Adds to an item's sum. Items are dense, so an array beats a hash table.
    #[inline]
    pub(crate) fn add(&mut self, item: Item, weight: f32) {
        let at = item.0 as usize;
        if at >= self.sums.len() {
            self.sums.resize((at + 1).next_power_of_two(), f32::NAN);
        }
        // NaN marks an untouched item: a sum may well pass through zero.
        if self.sums[at].is_nan() {
            self.touched.push(item);
            self.sums[at] = weight;
        } else {
            self.sums[at] += weight;
        }
    }

    pub(crate) fn get(&self, item: Item) -> f32 {
        let sum = self.sums.get(item.0 as usize).copied().unwrap_or(f32::NAN);
        if sum.is_nan() { 0.0 } else { sum }
    }

    /// Empties the memory and hands out each item with its sum.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (Item, f32)> {
        let sums = &mut self.sums;
        self.touched
            .drain(..)
            .map(move |item| (item, std::mem::replace(&mut sums[item.0 as usize], f32::NAN)))
    }
}

fn add_to(buckets: &mut Buckets, number: i64, count: Count) {
    let bucket = buckets.entry(number).or_default();
    let sum = bucket.entry(count.item).or_default();
    // Wrapping keeps adding and subtracting exact inverses at any value.
    *sum = sum.wrapping_add(count.weight);
    if *sum == 0 {
        bucket.remove(&count.item);
        if bucket.is_empty() {
            buckets.remove(&number);
        }
    }
}

fn between(
    buckets: Option<&Buckets>,
    (first, end): (i64, i64),
) -> impl Iterator<Item = (i64, &Bucket)> {
    let range = buckets.filter(|_| first < end).map(|buckets| buckets.range(first..end));
    range.into_iter().flatten().map(|(&number, bucket)| (number, bucket))
}

fn encode_buckets(buckets: &Buckets, to: &mut Writer) {
    to.u32(buckets.len() as u32);
    for (&number, bucket) in buckets {
        let mut sums: Vec<(Item, i64)> = bucket.iter().map(|(&item, &sum)| (item, sum)).collect();
        sums.sort_unstable();
        to.i64(number);
        to.u32(sums.len() as u32);
        for (item, sum) in sums {
            to.u32(item.0);
            to.i64(sum);
        }
    }
}

fn decode_buckets(from: &mut Reader<'_>) -> Result<Buckets, SnapshotError> {
    let mut buckets = Buckets::new();
    for _ in 0..from.u32()? {
        let number = from.i64()?;
        let mut bucket = Bucket::default();
        for _ in 0..from.u32()? {
            bucket.insert(Item(from.u32()?), from.i64()?);
        }
        buckets.insert(number, bucket);
    }
    Ok(buckets)
}
