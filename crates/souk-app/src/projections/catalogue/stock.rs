use std::cmp::Reverse;

use rustc_hash::FxHashMap;
use souk_core::wire::{Reader, WireError, Writer};
use souk_core::{Day, StockChange, StockMovement, Timestamp, VariantId};
use souk_recommend::Item;

use crate::projections::shoppers::read_u32;

/// What stands where: the last count of each place, plus what came and went since.
///
/// A place that was never counted and never received anything has no row: what left such a place
/// says nothing about what is still there. A movement older than the place's last count changes
/// nothing, because the count has seen it already; nor does a count older than the last one, or one of a lot that is
/// older than the last one of all lots together. Such a lot stays known, though: it says how the later count divides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stock {
    rows: FxHashMap<Item, Vec<StockRow>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StockRow {
    pub(crate) location: u32,
    pub(crate) variant: Option<Box<str>>,
    pub(crate) lot: Option<Box<str>>,
    pub(crate) milli: i64,
    /// When it was counted last.
    pub(crate) counted_at: Timestamp,
    /// Whether a later count of all lots together holds these units: then they only say how that one divides, see
    /// [`Stock::split`], and add nothing to it.
    pub(crate) is_within: bool,
    /// Of a count of all lots: what came without a lot since it, which is of none of those before.
    pub(crate) loose_milli: i64,
}

/// Lots that a count of all of them is divided by at most, those that were heard of last (chosen).
const WITHIN_MAX: usize = 20;

/// A change at one place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StockStep<'a> {
    pub(crate) item: Item,
    pub(crate) location: u32,
    pub(crate) variant: Option<&'a str>,
    pub(crate) lot: Option<&'a str>,
    pub(crate) milli: i64,
    pub(crate) at: Timestamp,
}

impl<'a> StockStep<'a> {
    pub(crate) fn of(
        (item, location): (Item, u32),
        change: &'a StockChange,
        at: Timestamp,
    ) -> StockStep<'a> {
        StockStep {
            item,
            location,
            variant: change.variant.as_ref().map(VariantId::as_str),
            lot: change.lot.as_deref().filter(|lot| !lot.is_empty()),
            milli: change.quantity.milli(),
            at,
        }
    }
}

impl StockRow {
    fn is_at(&self, step: &StockStep<'_>) -> bool {
        self.location == step.location && self.variant.as_deref() == step.variant
    }

    fn is_of(&self, step: &StockStep<'_>) -> bool {
        self.is_at(step) && self.lot.as_deref() == step.lot
    }
}

impl Stock {
    /// Whether nothing was ever counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What stands at `location`, in thousandths; `None` when that is not known.
    pub(crate) fn at(&self, item: Item, location: u32) -> Option<i64> {
        let rows = self.rows.get(&item)?.iter().filter(|row| row.location == location);
        rows.filter(|row| !row.is_within).map(|row| row.milli).reduce(i64::saturating_add)
    }

    /// What stands everywhere, in thousandths; `None` when no place is known.
    pub(crate) fn total(&self, item: Item) -> Option<i64> {
        let rows = self.rows.get(&item)?.iter().filter(|row| !row.is_within);
        rows.map(|row| row.milli).reduce(i64::saturating_add)
    }

    /// The rows of an item.
    pub(crate) fn rows(&self, item: Item) -> &[StockRow] {
        self.rows.get(&item).map_or(&[], Vec::as_slice)
    }

    /// The rows of an item that add up to what there is, with lots that were known before a count of all of them. What that
    /// count did not find is taken to be of the lots whose last day comes first, since they are sold first; what it found beyond
    /// the lots is of none.
    pub(crate) fn split(
        &self,
        item: Item,
        last_day: impl Fn(&StockRow) -> Option<Day>,
    ) -> Vec<StockRow> {
        let (mut within, mut found): (Vec<&StockRow>, Vec<&StockRow>) =
            self.rows(item).iter().partition(|row| row.is_within);
        within.sort_by_key(|row| (Reverse(last_day(row).map_or(i32::MAX, Day::number)), &row.lot));
        let mut split = Vec::with_capacity(found.len());
        for whole in found.drain(..) {
            let mut whole = whole.clone();
            if whole.lot.is_none() {
                let is_its = |row: &&&StockRow| {
                    (row.location, &row.variant) == (whole.location, &whole.variant)
                };
                let mut left = (whole.milli - whole.loose_milli).max(0);
                for lot in within.iter().filter(is_its) {
                    let milli = lot.milli.clamp(0, left);
                    if milli > 0 {
                        split.push(StockRow { milli, is_within: false, ..(*lot).clone() });
                        (whole.milli, left) = (whole.milli - milli, left - milli);
                    }
                }
            }
            split.push(whole);
        }
        split
    }

    pub(crate) fn apply(&mut self, step: StockStep<'_>, movement: StockMovement) {
        match movement {
            StockMovement::Counted => self.count(step),
            StockMovement::Received => self.come(step),
            StockMovement::Moved | StockMovement::WrittenOff => self.leave(step),
        }
    }

    /// Sets what is there.
    ///
    /// A count that names no lot says how many there are of all lots together, in the place of all that was counted before
    /// it; counts of lots of the same moment or later say which of them they are. So they come off it, whichever is heard
    /// first. Lots that were counted before say how it divides.
    pub(crate) fn count(&mut self, step: StockStep<'_>) {
        let rows = self.rows.entry(step.item).or_default();
        let is_later = |row: &StockRow| row.is_at(&step) && row.counted_at > step.at;
        if rows.iter().any(|row| is_later(row) && row.lot.as_deref() == step.lot) {
            return;
        }
        let mut milli = step.milli;
        let mut is_within = false;
        if step.lot.is_none() {
            rows.retain(|row| !(row.is_at(&step) && row.lot.is_none()));
            let mut n_left = if step.milli > 0 { WITHIN_MAX } else { 0 };
            let mut kept = Vec::with_capacity(rows.len());
            for mut row in rows.drain(..).rev() {
                if row.is_at(&step) && (row.is_within || row.counted_at < step.at) {
                    if n_left == 0 || row.milli <= 0 {
                        continue;
                    }
                    n_left -= 1;
                    row.is_within = true;
                }
                kept.push(row);
            }
            rows.extend(kept.into_iter().rev());
            let lots = rows.iter().filter(|row| row.is_at(&step) && !row.is_within);
            let lots = lots.map(|row| row.milli.max(0));
            // What was counted below nothing stays so; lots make nothing less than that.
            milli = (milli - lots.fold(0, i64::saturating_add)).max(milli.min(0));
        } else {
            let known = rows.iter().position(|row| row.is_of(&step));
            let of_known = known.map(|idx| rows.remove(idx));
            let is_additive = of_known.as_ref().is_some_and(|row| !row.is_within);
            let all = rows.iter_mut().find(|row| row.is_at(&step) && row.lot.is_none());
            match all {
                // The later count has seen it.
                Some(all) if all.counted_at > step.at => {
                    if let Some(row) = of_known.filter(|row| !row.is_within) {
                        return rows.push(row);
                    }
                    is_within = true;
                }
                Some(all) if !is_additive => all.milli -= milli.clamp(0, all.milli.max(0)),
                _ => {}
            }
        }
        self.put(StockStep { milli, ..step }, is_within);
    }

    fn put(&mut self, step: StockStep<'_>, is_within: bool) {
        self.rows.entry(step.item).or_default().push(StockRow {
            location: step.location,
            variant: step.variant.map(Into::into),
            lot: step.lot.map(Into::into),
            milli: step.milli,
            counted_at: step.at,
            is_within,
            loose_milli: 0,
        });
    }

    /// What a count of this lot, or without one of all lots, is to find by what is known; `None` when that is not known.
    pub(crate) fn believed(&self, step: &StockStep<'_>) -> Option<i64> {
        let covered = |row: &&StockRow| {
            row.is_at(step) && !row.is_within && (step.lot.is_none() || row.is_of(step))
        };
        let rows = self.rows(step.item).iter().filter(covered);
        rows.map(|row| row.milli).reduce(i64::saturating_add)
    }

    /// Adds what came in; at an unknown place that is all that is known to be there.
    pub(crate) fn come(&mut self, step: StockStep<'_>) {
        let mut here = self.rows(step.item).iter().filter(|row| row.is_at(&step));
        let is_counted_since = |row: &StockRow| row.lot.is_none() && row.counted_at > step.at;
        let is_seen = here.clone().any(is_counted_since);
        let is_known = here.any(|row| row.lot.as_deref() == step.lot);
        match (is_seen, is_known) {
            // A later count of all lots has seen it, and divides by it.
            (true, false) if step.lot.is_some() => {
                self.put(StockStep { at: Timestamp::EPOCH, ..step }, true);
            }
            (true, _) => {}
            (false, true) => {
                self.leave(StockStep { milli: -step.milli, ..step });
                let rows = self.rows.get_mut(&step.item).into_iter().flatten();
                let all = rows.filter(|row| row.is_of(&step) && row.lot.is_none());
                for row in all.filter(|row| row.counted_at <= step.at) {
                    row.loose_milli = row.loose_milli.saturating_add(step.milli);
                }
            }
            (false, false) => self.put(StockStep { at: Timestamp::EPOCH, ..step }, false),
        }
    }

    /// Takes off what left, where the place is known and its last count is older.
    pub(crate) fn leave(&mut self, step: StockStep<'_>) {
        let Some(rows) = self.rows.get_mut(&step.item) else { return };
        let of_lot = rows.iter().position(|row| row.is_of(&step));
        let is_additive = |row: &StockRow| row.is_at(&step) && !row.is_within;
        // A lot that was never counted comes off the place's first row.
        let Some(idx) = of_lot.or_else(|| rows.iter().position(is_additive)) else { return };
        let mut take = |idx: usize| {
            let row: &mut StockRow = &mut rows[idx];
            if row.counted_at <= step.at {
                row.milli = row.milli.saturating_sub(step.milli);
            }
            row.is_within
        };
        if !take(idx) {
            return;
        }
        // It is a part of the count of all lots.
        let is_all = |row: &StockRow| row.is_at(&step) && row.lot.is_none();
        if let Some(all) = rows.iter().position(is_all) {
            let row = &mut rows[all];
            if row.counted_at <= step.at {
                row.milli = row.milli.saturating_sub(step.milli);
            }
        }
    }

    /// Takes off what was sold, or puts back what was not sold after all (`milli` below nothing).
    ///
    /// Sales name no lot and mostly no variant, so they come off the rows in the order of `rank`, the lowest first, as
    /// far as each has any; the rest, and what is put back, goes to the first. A row that was counted since has seen the
    /// sale already.
    pub(crate) fn sell(
        &mut self,
        (item, location): (Item, u32),
        (milli, at): (i64, Timestamp),
        rank: impl Fn(&StockRow) -> i32,
    ) {
        let Some(rows) = self.rows.get_mut(&item) else { return };
        let mut here: Vec<&mut StockRow> =
            rows.iter_mut().filter(|row| row.location == location && !row.is_within).collect();
        here.sort_by_key(|row| rank(row));
        let mut left = milli;
        for row in &mut here {
            if row.counted_at > at {
                return;
            }
            let taken = left.clamp(0, row.milli.max(0));
            row.milli -= taken;
            left -= taken;
            if left <= 0 {
                break;
            }
        }
        if let Some(first) = here.first_mut() {
            first.milli = first.milli.saturating_sub(left);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let rows: usize = self.rows.values().map(Vec::capacity).sum();
        rows * size_of::<StockRow>() + self.rows.capacity() * 29
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.count(self.rows.len());
        for (item, rows) in &self.rows {
            w.varint(u64::from(item.0));
            w.count(rows.len());
            for row in rows {
                w.varint(u64::from(row.location));
                w.text(row.variant.as_deref().unwrap_or(""));
                w.text(row.lot.as_deref().unwrap_or(""));
                w.zigzag(row.milli);
                w.timestamp(row.counted_at);
                w.u8(u8::from(row.is_within));
                w.zigzag(row.loose_milli);
            }
        }
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Stock, WireError> {
        fn text(r: &mut Reader<'_>) -> Result<Option<Box<str>>, WireError> {
            r.text().map(|text| Some(text).filter(|text| !text.is_empty()).map(Into::into))
        }
        let mut stock = Stock::default();
        for _ in 0..r.count()? {
            let item = Item(read_u32(r)?);
            let rows = r.list(|r| {
                Ok(StockRow {
                    location: read_u32(r)?,
                    variant: text(r)?,
                    lot: text(r)?,
                    milli: r.zigzag()?,
                    counted_at: r.timestamp()?,
                    is_within: r.u8()? != 0,
                    loose_milli: r.zigzag()?,
                })
            })?;
            stock.rows.insert(item, rows);
        }
        Ok(stock)
    }
}
