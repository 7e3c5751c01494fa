//! The lists as bytes, and what they hold in names that do not depend on numbers.

use souk_core::SubjectId;
use souk_core::wire::{Reader, WireError, Writer};
use souk_recommend::Item;

use super::super::attribution::{read_day, read_hash, read_item};
use super::super::shoppers::read_u32;
use super::{Query, SEARCH_DAYS, SEARCHES_MAX, Said, Searches, Unnamed};

impl Searches {
    pub(crate) const NAME: &'static str = "searches";
    pub(crate) const VERSION: u16 = 2;

    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let mut w = Writer::over(Vec::with_capacity(self.bytes() / 3));
        w.zigzag(i64::from(self.day));
        w.count(self.queries.len());
        for Query { site, key, .. } in &self.queries {
            w.varint(u64::from(*site));
            w.text(key);
        }
        let mut unnamed: Vec<_> = self.unnamed.iter().collect();
        unnamed.sort_unstable_by_key(|(of, _)| **of);
        w.count(unnamed.len());
        for ((day, site), Unnamed { searches, empty }) in unnamed {
            w.zigzag(i64::from(*day));
            w.varint(u64::from(*site));
            w.varint(*searches);
            w.varint(*empty);
        }
        let people = self.people.iter().filter_map(|person| Some((person.subject?, person)));
        w.count(people.clone().count());
        for (subject, person) in people {
            w.raw(&subject.0);
            w.count(person.searches.len());
            for search in &person.searches {
                w.timestamp(search.at);
                w.raw(&search.request.to_le_bytes());
                w.varint(u64::from(search.query));
                w.varint(u64::from(search.n_found));
                w.varint(u64::from(search.took_us));
                w.count(search.shown.len());
                search.shown.iter().for_each(|item| w.varint(u64::from(item.0)));
                w.bytes(&search.places);
            }
        }
        w.into_bytes()
    }

    /// Reads what [`Searches::snapshot`] wrote, for a catalogue of `n_items`.
    pub(crate) fn restore(bytes: &[u8], n_items: usize) -> Result<Searches, WireError> {
        let mut r = Reader::new(bytes);
        let mut all = Searches { day: read_day(&mut r)?, ..Searches::default() };
        let queries = r.list(|r| Ok((read_u32(r)?, r.text()?)))?;
        for _ in 0..r.count()? {
            let of = (read_day(&mut r)?, read_u32(&mut r)?);
            all.unnamed.insert(of, Unnamed { searches: r.varint()?, empty: r.varint()? });
        }
        for _ in 0..r.count()? {
            let subject = SubjectId(r.array16()?);
            let n_searches = r.count()?;
            if n_searches > SEARCHES_MAX {
                return Err(r.fault("fewer searches"));
            }
            for _ in 0..n_searches {
                let (at, request) = (r.timestamp()?, read_hash(&mut r)?);
                let query = queries.get(read_u32(&mut r)? as usize);
                let Some((site, key)) = query else { return Err(r.fault("a known query")) };
                let (n_found, took_us) = (read_u32(&mut r)?, read_u32(&mut r)?);
                let shown: Box<[Item]> = r.list(|r| read_item(r, n_items))?.into();
                let places: Box<[u8]> = r.bytes()?.into();
                if !places.is_empty() && places.len() != shown.len() {
                    return Err(r.fault("a place for each product"));
                }
                let said = Said { at, request, n_found, took_us, shown, places };
                all.note(subject, (*site, key), said);
            }
        }
        r.end()?;
        Ok(all)
    }
}

/// One thing that is kept, in names that are the same in every rebuild.
pub(crate) enum SearchEntry<'a> {
    Unnamed {
        day: i32,
        site: u32,
        counts: [u64; 2],
    },
    Search {
        subject: SubjectId,
        site: u32,
        key: &'a str,
        parts: [i64; 4],
        shown: (&'a [Item], &'a [u8]),
    },
}

impl Searches {
    /// Everything that counts, whatever was not swept away yet.
    pub(crate) fn entries(&self, see: &mut dyn FnMut(SearchEntry<'_>)) {
        for ((day, site), Unnamed { searches, empty }) in &self.unnamed {
            if self.day - *day <= SEARCH_DAYS {
                see(SearchEntry::Unnamed { day: *day, site: *site, counts: [*searches, *empty] });
            }
        }
        for subject in self.people.iter().filter_map(|person| person.subject) {
            for search in self.of(subject) {
                let Query { site, key, .. } = &self.queries[search.query as usize];
                let numbers = [i64::from(search.n_found), i64::from(search.took_us)];
                let [n_found, took_us] = numbers;
                let parts = [search.at.as_ms(), search.request as i64, n_found, took_us];
                let shown = (&*search.shown, &*search.places);
                see(SearchEntry::Search { subject, site: *site, key, parts, shown });
            }
        }
    }
}
