//! What of a record concerns searches.

use souk_core::{Impressions, Purpose, SearchMark, SubjectId};
use xxhash_rust::xxh3::xxh3_64;

use super::super::{Head, Views};
use super::{SHOWN_MAX, Said, UNKNOWN, query_key};

impl Views {
    /// Takes in a search that was answered here. One that must not be used for reports is counted as one by nobody
    /// known.
    pub(in super::super) fn fold_answered(
        &mut self,
        head: &Head<'_>,
        (subject, shown, search): (Option<SubjectId>, &Impressions, &SearchMark),
    ) {
        let subject = subject.filter(|_| !head.event.withheld.contains(Purpose::Analytics));
        let Some(subject) = subject else {
            self.searches.note_unnamed((head.at, head.site), search.n_found);
            return;
        };
        let Some(key) = query_key(&search.query) else { return };
        let products = shown.products.iter().enumerate();
        let request = xxh3_64(shown.request_id.as_bytes());
        let looked_at = products.filter(|(idx, _)| search.place(*idx) < SHOWN_MAX);
        let items = looked_at.map(|(_, id)| self.catalogue.intern(head.site, id));
        let shown = items.collect();
        let places = search.places.iter().copied();
        let places = places.filter(|place| usize::from(*place) < SHOWN_MAX);
        let said = Said {
            at: head.at,
            request,
            n_found: search.n_found.min(UNKNOWN - 1),
            took_us: search.took_us,
            shown,
            places: places.collect(),
        };
        self.searches.note(subject, (head.site, &key), said);
    }

    /// Takes in a search that an event tells of, whoever answered it.
    pub(in super::super) fn fold_searched(
        &mut self,
        head: &Head<'_>,
        (subject, query): (SubjectId, &str),
    ) {
        if !self.may_analyse(head, subject) {
            return;
        }
        let Some(key) = query_key(query) else { return };
        let said = Said {
            at: head.at,
            request: xxh3_64(&head.event_id.0),
            n_found: UNKNOWN,
            took_us: 0,
            shown: Box::default(),
            places: Box::default(),
        };
        self.searches.note(subject, (head.site, &key), said);
    }
}
