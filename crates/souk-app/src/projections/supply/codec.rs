//! The fold as bytes, for snapshots.

use souk_core::wire::{Reader, WireError, Writer};
use souk_core::{Day, Timestamp};
use souk_recommend::Item;

use super::{Feed, Losses, Past, Priced, Run, SalesDay, Shelf, StockDay, Supply};
use crate::projections::shoppers::read_u32;

fn write_time(w: &mut Writer, at: Option<Timestamp>) {
    w.u8(u8::from(at.is_some()));
    at.into_iter().for_each(|at| w.timestamp(at));
}

fn read_time(r: &mut Reader<'_>) -> Result<Option<Timestamp>, WireError> {
    if r.u8()? == 0 { Ok(None) } else { r.timestamp().map(Some) }
}

fn write_day(w: &mut Writer, day: Option<Day>) {
    w.u8(u8::from(day.is_some()));
    day.into_iter().for_each(|day| w.day(day));
}

fn read_day(r: &mut Reader<'_>) -> Result<Option<Day>, WireError> {
    if r.u8()? == 0 { Ok(None) } else { r.day().map(Some) }
}

fn write_place(w: &mut Writer, (item, location): (Item, u32)) {
    w.varint(u64::from(item.0));
    w.varint(u64::from(location.wrapping_add(1)));
}

fn read_place(r: &mut Reader<'_>, n_items: usize) -> Result<(Item, u32), WireError> {
    let item = read_item(r, n_items)?;
    Ok((item, read_u32(r)?.wrapping_sub(1)))
}

fn read_item(r: &mut Reader<'_>, n_items: usize) -> Result<Item, WireError> {
    let item = read_u32(r)?;
    if (item as usize) < n_items { Ok(Item(item)) } else { Err(r.fault("a known item")) }
}

pub(super) fn read_i32(r: &mut Reader<'_>) -> Result<i32, WireError> {
    i32::try_from(r.zigzag()?).map_err(|_| r.fault("a day"))
}

impl Supply {
    pub(crate) const NAME: &'static str = "supply";
    pub(crate) const VERSION: u16 = 6;

    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.count(self.shelves.len());
        for (place, shelf) in &self.shelves {
            write_place(&mut w, *place);
            write_time(&mut w, shelf.since);
            w.count(shelf.outs.len());
            for (from, until) in &shelf.outs {
                w.timestamp(*from);
                w.timestamp(*until);
            }
        }
        w.count(self.prices.len());
        for (item, prices) in &self.prices {
            w.varint(u64::from(item.0));
            w.count(prices.len());
            for price in prices {
                w.timestamp(price.from);
                w.zigzag(price.minor);
                w.currency(price.currency);
            }
        }
        w.count(self.promotions.len());
        for ((site, id), runs) in &self.promotions {
            w.varint(u64::from(*site));
            w.text(id);
            w.count(runs.len());
            runs.iter().for_each(|run| write_run(&mut w, run));
        }
        w.count(self.lots.len());
        for (place, lots) in &self.lots {
            write_place(&mut w, *place);
            w.count(lots.len());
            for (lot, day) in lots {
                w.text(lot);
                w.day(*day);
            }
        }
        w.count(self.losses.len());
        for (place, losses) in &self.losses {
            write_place(&mut w, *place);
            losses.write(&mut w);
        }
        w.count(self.past.len());
        for (place, past) in &self.past {
            write_place(&mut w, *place);
            past.write(&mut w);
        }
        w.count(self.feeds.len());
        for ((site, location), feed) in &self.feeds {
            w.varint(u64::from(*site));
            w.varint(u64::from(location.wrapping_add(1)));
            write_feed(&mut w, feed);
        }
        w.into_bytes()
    }

    pub(crate) fn restore(bytes: &[u8], n_items: usize) -> Result<Supply, WireError> {
        let mut r = Reader::new(bytes);
        let mut supply = Supply::default();
        for _ in 0..r.count()? {
            let place = read_place(&mut r, n_items)?;
            let since = read_time(&mut r)?;
            let outs = r.list(|r| Ok((r.timestamp()?, r.timestamp()?)))?;
            supply.shelves.insert(place, Shelf { since, outs });
        }
        for _ in 0..r.count()? {
            let item = read_item(&mut r, n_items)?;
            let prices = r.list(|r| {
                let from = r.timestamp()?;
                Ok(Priced { from, minor: r.zigzag()?, currency: r.currency()? })
            })?;
            supply.prices.insert(item, prices);
        }
        for _ in 0..r.count()? {
            let key = (read_u32(&mut r)?, r.text()?.into());
            let runs = r.list(|r| read_run(r, n_items))?;
            supply.promotions.insert(key, runs);
        }
        for _ in 0..r.count()? {
            let place = read_place(&mut r, n_items)?;
            let lots = r.list(|r| Ok((r.text()?.into(), r.day()?)))?;
            supply.lots.insert(place, lots);
        }
        for _ in 0..r.count()? {
            let place = read_place(&mut r, n_items)?;
            supply.losses.insert(place, Losses::read(&mut r)?);
        }
        for _ in 0..r.count()? {
            let place = read_place(&mut r, n_items)?;
            supply.past.insert(place, Past::read(&mut r)?);
        }
        for _ in 0..r.count()? {
            let place = (read_u32(&mut r)?, read_u32(&mut r)?.wrapping_sub(1));
            supply.feeds.insert(place, read_feed(&mut r)?);
        }
        r.end()?;
        Ok(supply)
    }
}

fn write_run(w: &mut Writer, run: &Run) {
    w.count(run.items.len());
    run.items.iter().for_each(|item| w.varint(u64::from(item.0)));
    write_day(w, run.from);
    write_day(w, run.until);
    write_time(w, run.began);
    write_time(w, run.ended);
    w.varint(run.discount_bp.map_or(0, |bp| u64::from(bp) + 1));
}

fn read_run(r: &mut Reader<'_>, n_items: usize) -> Result<Run, WireError> {
    Ok(Run {
        items: r.list(|r| read_item(r, n_items))?,
        from: read_day(r)?,
        until: read_day(r)?,
        began: read_time(r)?,
        ended: read_time(r)?,
        discount_bp: read_u32(r)?.checked_sub(1),
    })
}

fn write_feed(w: &mut Writer, feed: &Feed) {
    w.count(feed.sales.len());
    for (day, sums) in &feed.sales {
        w.zigzag(i64::from(*day));
        w.zigzag(sums.lines);
        w.zigzag(sums.milli);
    }
    w.count(feed.stock.len());
    for (day, sums) in &feed.stock {
        w.zigzag(i64::from(*day));
        let (counts, receipts, repeats) = (sums.counts, sums.receipts, sums.repeats);
        [counts, receipts, repeats].iter().for_each(|count| w.varint(u64::from(*count)));
        let millis =
            [sums.counted_milli, sums.believed_milli, sums.fresh_milli, sums.received_milli];
        millis.iter().for_each(|milli| w.zigzag(*milli));
        w.zigzag(sums.written_off_milli);
    }
    write_time(w, feed.stock_at);
    w.count(feed.seen.len());
    feed.seen.iter().for_each(|hash| w.raw(&hash.to_le_bytes()));
}

fn read_feed(r: &mut Reader<'_>) -> Result<Feed, WireError> {
    let sales =
        r.list(|r| Ok((read_i32(r)?, SalesDay { lines: r.zigzag()?, milli: r.zigzag()? })))?;
    let stock = r.list(|r| {
        let day = read_i32(r)?;
        let (counts, receipts, repeats) = (read_u32(r)?, read_u32(r)?, read_u32(r)?);
        let (counted_milli, believed_milli) = (r.zigzag()?, r.zigzag()?);
        let (fresh_milli, received_milli) = (r.zigzag()?, r.zigzag()?);
        let sums = StockDay {
            counts,
            counted_milli,
            believed_milli,
            fresh_milli,
            receipts,
            received_milli,
            repeats,
            written_off_milli: r.zigzag()?,
        };
        Ok((day, sums))
    })?;
    let stock_at = read_time(r)?;
    let seen =
        r.list(|r| Ok(u64::from_le_bytes(r.raw(8)?.try_into().expect("8 bytes were taken"))))?;
    let (sales, stock) = (sales.into_iter().collect(), stock.into_iter().collect());
    Ok(Feed { sales, stock, stock_at, seen: seen.into_iter().collect() })
}
