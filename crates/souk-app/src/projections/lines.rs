//! The lines of an order in a few bytes each, because a shop has tens of millions of them.

use rustc_hash::FxHashMap;
use souk_core::Money;
use souk_core::wire::{Reader, Writer};
use souk_recommend::Item;

/// The lines of one product in one currency, added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) item: Item,
    /// Thousandths of the product's unit.
    pub(crate) milli: i64,
    /// Minor units.
    pub(crate) minor: i64,
    /// See [`Currencies`]; 0 where the line names no amount.
    pub(crate) currency: u8,
}

/// Lines as bytes: item with two flags, then currency, quantity and amount where they differ from
/// the usual. Never stored beside another version's, so the form needs no version of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines(Box<[u8]>);

const ONE_PIECE: u64 = 1;
const SAME_CURRENCY: u64 = 2;

impl Lines {
    /// Packs lines in the order of first mention, those of one product and currency added up.
    pub(crate) fn pack(lines: impl Iterator<Item = Line>) -> Lines {
        let mut merged: Vec<Line> = Vec::with_capacity(lines.size_hint().0);
        let mut places: FxHashMap<(Item, u8), usize> = FxHashMap::default();
        for line in lines {
            let place = *places.entry((line.item, line.currency)).or_insert(merged.len());
            match merged.get_mut(place) {
                None => merged.push(line),
                Some(known) => {
                    known.milli = known.milli.wrapping_add(line.milli);
                    known.minor = known.minor.wrapping_add(line.minor);
                }
            }
        }
        let mut w = Writer::over(Vec::with_capacity(merged.len() * 10));
        let mut currency = 0;
        for line in merged {
            let one = if line.milli == 1_000 { ONE_PIECE } else { 0 };
            let same = if line.currency == currency { SAME_CURRENCY } else { 0 };
            w.varint(u64::from(line.item.0) << 2 | one | same);
            if same == 0 {
                currency = line.currency;
                w.u8(currency);
            }
            if one == 0 {
                w.zigzag(line.milli);
            }
            if currency != 0 {
                w.zigzag(line.minor);
            }
        }
        Lines(w.into_bytes().into())
    }

    /// Takes bytes that [`Lines::bytes`] gave; `None` when they are no lines of these items.
    pub(crate) fn from_bytes(bytes: &[u8], n_items: usize) -> Option<Lines> {
        let mut reader = LinesReader { r: Reader::new(bytes), currency: 0 };
        while reader.r.remaining() > 0 {
            reader.step().filter(|line| (line.item.0 as usize) < n_items)?;
        }
        Some(Lines(bytes.into()))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Line> + '_ {
        LinesReader { r: Reader::new(&self.0), currency: 0 }
    }

    /// The products with a quantity above nothing, each once, with their quantities in thousandths.
    pub(crate) fn bought(&self) -> Vec<(Item, i64)> {
        let mut bought: Vec<(Item, i64)> = Vec::with_capacity(self.0.len() / 4);
        let mut currencies = None;
        for line in self.iter() {
            // Lines of one currency are merged already, and two in one order are rare.
            let is_mixed = *currencies.get_or_insert(line.currency) != line.currency;
            let known = bought.iter_mut().find(|(item, _)| is_mixed && *item == line.item);
            match known {
                Some((_, milli)) => *milli = milli.wrapping_add(line.milli),
                None => bought.push((line.item, line.milli)),
            }
        }
        bought.retain(|(_, milli)| *milli > 0);
        bought
    }
}

struct LinesReader<'a> {
    r: Reader<'a>,
    currency: u8,
}

impl LinesReader<'_> {
    fn step(&mut self) -> Option<Line> {
        let head = self.r.varint().ok()?;
        let item = Item(u32::try_from(head >> 2).ok()?);
        if head & SAME_CURRENCY == 0 {
            self.currency = self.r.u8().ok()?;
        }
        let milli = if head & ONE_PIECE == 0 { self.r.zigzag().ok()? } else { 1_000 };
        let minor = if self.currency == 0 { 0 } else { self.r.zigzag().ok()? };
        Some(Line { item, milli, minor, currency: self.currency })
    }
}

impl Iterator for LinesReader<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        if self.r.remaining() == 0 { None } else { self.step() }
    }
}

/// Numbers from 1 for the currencies that amounts came in; ISO 4217 has fewer than 200.
#[derive(Clone, Debug, Default)]
pub(crate) struct Currencies(Vec<souk_core::Currency>);

impl Currencies {
    pub(crate) fn intern(&mut self, money: Money) -> u8 {
        let currency = money.currency();
        let idx = self.0.iter().position(|known| *known == currency).unwrap_or_else(|| {
            self.0.push(currency);
            self.0.len() - 1
        });
        u8::try_from(idx + 1).expect("there are fewer than 255 currencies")
    }

    pub(crate) fn get(&self, number: u8) -> Option<souk_core::Currency> {
        self.0.get(usize::from(number).checked_sub(1)?).copied()
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.count(self.0.len());
        self.0.iter().for_each(|currency| w.currency(*currency));
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Currencies, souk_core::wire::WireError> {
        r.list(Reader::currency).map(Currencies)
    }
}
