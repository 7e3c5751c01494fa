//! Which products changed since somebody last looked: for what is kept beside the catalogue.

use parking_lot::Mutex;
use souk_recommend::Item;

/// Changes that are kept one by one; chosen: beyond, whoever follows does better to begin anew.
const KEPT_MAX: usize = 1 << 18;

/// What changed in a catalogue. One reader alone may follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    /// Anything: the catalogue is new to the reader.
    Anything,
    /// These, the earliest first, some more than once.
    Products(Vec<Item>),
}

/// The changes of a catalogue that nobody took yet, and how many there ever were.
#[derive(Debug)]
pub(super) struct Changes {
    untaken: Mutex<Changed>,
    count: u64,
}

impl Default for Changes {
    fn default() -> Changes {
        Changes { untaken: Mutex::new(Changed::Anything), count: 0 }
    }
}

impl Changes {
    pub(super) fn note(&mut self, item: Item) {
        self.count += 1;
        let kept = self.untaken.get_mut();
        if let Changed::Products(items) = kept
            && items.last() != Some(&item)
        {
            if items.len() == KEPT_MAX {
                *kept = Changed::Anything;
            } else {
                items.push(item);
            }
        }
    }

    /// Counts every change since the catalogue was begun or read.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(&*self.untaken.lock(), Changed::Products(items) if items.is_empty())
    }

    pub(super) fn take(&self) -> Changed {
        std::mem::replace(&mut *self.untaken.lock(), Changed::Products(Vec::new()))
    }
}
