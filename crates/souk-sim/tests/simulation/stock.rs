//! What stands on which shelf: the last count, and what came and went since.

use std::collections::BTreeMap;

use super::model::Sku;

/// A product at a place.
pub(crate) type Shelf = (Sku, usize);

#[derive(Debug, Default)]
pub(crate) struct ShelfStock {
    /// Thousandths, and the time of the last count.
    shelves: BTreeMap<Shelf, (i64, i64)>,
}

impl ShelfStock {
    pub(crate) fn count(&mut self, shelf: Shelf, milli: i64, at: i64) {
        if self.shelves.get(&shelf).is_none_or(|(_, counted_at)| *counted_at <= at) {
            self.shelves.insert(shelf, (milli, at));
        }
    }

    pub(crate) fn come(&mut self, shelf: Shelf, milli: i64, at: i64) {
        match self.shelves.get_mut(&shelf) {
            Some((stands, counted_at)) if *counted_at <= at => *stands += milli,
            Some(_) => {}
            None => {
                self.shelves.insert(shelf, (milli, 0));
            }
        }
    }

    /// What leaves a shelf that was never counted says nothing of what is left on it.
    pub(crate) fn leave(&mut self, shelf: Shelf, milli: i64, at: i64) {
        if let Some((stands, counted_at)) = self.shelves.get_mut(&shelf)
            && *counted_at <= at
        {
            *stands -= milli;
        }
    }

    pub(crate) fn sell(&mut self, shelf: Shelf, milli: i64, at: i64) {
        self.leave(shelf, milli, at);
    }

    pub(crate) fn at(&self, sku: Sku, place: usize) -> Option<i64> {
        self.shelves.get(&(sku, place)).map(|(milli, _)| *milli)
    }

    pub(crate) fn total(&self, sku: Sku) -> Option<i64> {
        let stands = self.shelves.iter().filter(|((other, _), _)| *other == sku);
        stands.map(|(_, (milli, _))| *milli).reduce(|a, b| a + b)
    }
}
