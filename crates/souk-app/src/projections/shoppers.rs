use rustc_hash::FxHashMap;
use souk_core::SubjectId;
use souk_core::wire::{Reader, WireError, Writer};
use souk_recommend::Shopper;

use super::Projection;

/// Dense numbers for the subjects that did something. A forgotten subject's number is used again.
#[derive(Clone, Debug, Default)]
pub struct Shoppers {
    by_subject: FxHashMap<SubjectId, u32>,
    subjects: Vec<Option<SubjectId>>,
    free: Vec<u32>,
}

impl Shoppers {
    /// The number of a subject that did something.
    pub fn shopper(&self, subject: SubjectId) -> Option<Shopper> {
        self.by_subject.get(&subject).copied().map(Shopper)
    }

    /// Whose number it is; `None` for one that is free.
    pub fn subject(&self, shopper: Shopper) -> Option<SubjectId> {
        self.subjects.get(shopper.0 as usize).copied().flatten()
    }

    /// The end of the numbers, free ones included.
    pub(crate) fn end(&self) -> u32 {
        self.subjects.len() as u32
    }

    /// How many subjects did something.
    pub fn len(&self) -> usize {
        self.by_subject.len()
    }

    /// Whether nobody did anything yet.
    pub fn is_empty(&self) -> bool {
        self.by_subject.is_empty()
    }

    /// All numbers in use.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = Shopper> + '_ {
        self.by_subject.values().copied().map(Shopper)
    }

    /// The subject's number, a new one at its first act.
    pub(crate) fn intern(&mut self, subject: SubjectId) -> Shopper {
        if let Some(number) = self.by_subject.get(&subject) {
            return Shopper(*number);
        }
        let number = self.free.pop().unwrap_or_else(|| {
            self.subjects.push(None);
            u32::try_from(self.subjects.len() - 1).expect("shoppers are fewer than 2^32")
        });
        self.subjects[number as usize] = Some(subject);
        self.by_subject.insert(subject, number);
        Shopper(number)
    }

    /// Takes the number back.
    pub(crate) fn release(&mut self, subject: SubjectId) {
        if let Some(number) = self.by_subject.remove(&subject) {
            self.subjects[number as usize] = None;
            self.free.push(number);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.by_subject.capacity() * 21 + self.subjects.capacity() * 17 + self.free.capacity() * 4
    }
}

impl Projection for Shoppers {
    const NAME: &'static str = "shoppers";
    const VERSION: u16 = 1;

    fn snapshot(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.count(self.subjects.len());
        for subject in &self.subjects {
            w.u8(u8::from(subject.is_some()));
            if let Some(subject) = subject {
                w.raw(&subject.0);
            }
        }
        // The order in which free numbers are used again is part of the state.
        w.count(self.free.len());
        self.free.iter().for_each(|number| w.varint(u64::from(*number)));
        w.into_bytes()
    }

    fn restore(bytes: &[u8]) -> Result<Shoppers, WireError> {
        let mut r = Reader::new(bytes);
        let mut shoppers = Shoppers::default();
        let count = r.count()?;
        shoppers.by_subject.reserve(count);
        for number in 0..count as u32 {
            let subject = match r.u8()? {
                0 => None,
                _ => Some(SubjectId(r.array16()?)),
            };
            if let Some(subject) = subject {
                shoppers.by_subject.insert(subject, number);
            }
            shoppers.subjects.push(subject);
        }
        for _ in 0..r.count()? {
            shoppers.free.push(read_u32(&mut r)?);
        }
        r.end()?;
        Ok(shoppers)
    }
}

/// A number of 32 bits.
pub(crate) fn read_u32(r: &mut Reader<'_>) -> Result<u32, WireError> {
    let value = r.varint()?;
    u32::try_from(value).map_err(|_| r.fault("a number of 32 bits"))
}
