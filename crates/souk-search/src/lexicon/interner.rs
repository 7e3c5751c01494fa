//! Texts by number and numbers by text, in two allocations instead of one for each text.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// Texts one after another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    bytes: String,
    ends: Vec<u32>,
}

impl Texts {
    pub(crate) fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends
            .push(u32::try_from(self.bytes.len()).expect("texts of one index stay below 4 GiB"));
    }

    #[inline]
    pub(crate) fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] as usize };
        &self.bytes[start..self.ends[number] as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 4
    }

    /// The texts in one, and where each ends.
    pub(crate) fn parts(&self) -> (&str, &[u32]) {
        (&self.bytes, &self.ends)
    }

    /// Puts [`Texts::parts`] together again; `None` when the ends do not fit the text.
    pub(crate) fn from_parts(bytes: &str, ends: Vec<u32>) -> Option<Texts> {
        let mut last = 0;
        for end in &ends {
            if *end < last || !bytes.is_char_boundary(*end as usize) {
                return None;
            }
            last = *end;
        }
        (last as usize == bytes.len()).then(|| Texts { bytes: bytes.to_owned(), ends })
    }
}

/// A set of texts, each with a number from 0 in the order of their coming.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interner {
    texts: Texts,
    table: HashTable<u32>,
}

impl Interner {
    /// A text's number, if it has one.
    #[inline]
    pub(crate) fn get(&self, text: &str) -> Option<u32> {
        let hash = xxh3_64(text.as_bytes());
        self.table.find(hash, |number| self.texts.get(*number) == text).copied()
    }

    /// A text's number, old or new.
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        let hash = xxh3_64(text.as_bytes());
        if let Some(number) = self.table.find(hash, |number| self.texts.get(*number) == text) {
            return *number;
        }
        let number = self.texts.len() as u32;
        self.texts.push(text);
        let texts = &self.texts;
        self.table.insert_unique(hash, number, |number| xxh3_64(texts.get(*number).as_bytes()));
        number
    }

    #[inline]
    pub(crate) fn text(&self, number: u32) -> &str {
        self.texts.get(number)
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.texts.bytes() + self.table.capacity() * 5
    }

    pub(crate) fn texts(&self) -> &Texts {
        &self.texts
    }

    /// Numbers texts by their places; `None` when one stands there twice.
    pub(crate) fn from_texts(texts: Texts) -> Option<Interner> {
        let mut table = HashTable::with_capacity(texts.len());
        for number in 0..texts.len() as u32 {
            let text = texts.get(number);
            let hash = xxh3_64(text.as_bytes());
            if table.find(hash, |other: &u32| texts.get(*other) == text).is_some() {
                return None;
            }
            table.insert_unique(hash, number, |other| xxh3_64(texts.get(*other).as_bytes()));
        }
        Some(Interner { texts, table })
    }
}
