//! Texts as dense numbers, given in the order of first sight and never taken back.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use souk_core::wire::{Reader, WireError, Writer};

/// Numbers for texts that recur: sites, locations, the ids of a file.
#[derive(Clone, Debug, Default)]
pub struct Names {
    texts: Vec<Box<str>>,
    by_text: HashTable<u32>,
}

impl Names {
    /// The number of `text`, a new one at its first sight.
    pub fn intern(&mut self, text: &str) -> u32 {
        // Events of one place come in runs, so the last answer is mostly the next one too.
        if let Some(number) = self.find(text) {
            return number;
        }
        let number = u32::try_from(self.texts.len()).expect("names are far fewer than 2^32");
        self.texts.push(text.into());
        let texts = &self.texts;
        let hash = |&number: &u32| FxBuildHasher.hash_one(&*texts[number as usize]);
        self.by_text.insert_unique(FxBuildHasher.hash_one(text), number, hash);
        number
    }

    /// The number of `text`, if it was ever seen.
    pub(crate) fn find(&self, text: &str) -> Option<u32> {
        let is_it = |&number: &u32| *self.texts[number as usize] == *text;
        self.by_text.find(FxBuildHasher.hash_one(text), is_it).copied()
    }

    /// The text of a number that was given out.
    pub fn text(&self, number: u32) -> &str {
        &self.texts[number as usize]
    }

    /// Every text, in the order of the numbers.
    pub(crate) fn texts(&self) -> impl ExactSizeIterator<Item = &str> {
        self.texts.iter().map(|text| &**text)
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.count(self.texts.len());
        self.texts.iter().for_each(|text| w.text(text));
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Names, WireError> {
        let mut names = Names::default();
        for _ in 0..r.count()? {
            names.intern(r.text()?);
        }
        Ok(names)
    }
}
