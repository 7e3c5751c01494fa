//! What events, signals and imports say of consent, besides what they are about.

use rustc_hash::FxHashMap;
use serde_json::Value;
use souk_core::{
    ConsentChange, ConsentOrigin, Event, EventId, Fact, Purpose, Purposes, SiteId, Source,
    SubjectId,
};
use souk_ports::{Appended, Record};

use super::ConsentRules;
use crate::ingest::record;
use crate::{App, AppError, IncomingConsent};

/// Reads Segment's `context.consent`: what `categoryPreferences` allows and refuses. Only `true` and
/// `false` say something; of two categories with one purpose the refusal counts.
pub(crate) fn preferences(text: &str, rules: &ConsentRules) -> (Purposes, Purposes) {
    let (mut granted, mut denied) = (Purposes::NONE, Purposes::NONE);
    let value: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    for (name, choice) in value["categoryPreferences"].as_object().into_iter().flatten() {
        match choice {
            Value::Bool(true) => granted = granted.union(rules.category(name)),
            Value::Bool(false) => denied = denied.union(rules.category(name)),
            _ => {}
        }
    }
    (granted.without(denied), denied)
}

/// What people said in the events of one request so far: what they allow and refuse.
pub(crate) type LastWords = FxHashMap<SubjectId, (Purposes, Purposes)>;

impl App {
    /// What an event adds to what its person said: nothing that is known already, from the views or
    /// from an earlier event of the request. While the views have not folded the last word of anybody,
    /// all is said again: a refusal must not be taken for known that a later yes has ended.
    pub(crate) fn consent_news(
        &self,
        subject: SubjectId,
        said: &IncomingConsent,
        words: &mut LastWords,
    ) -> Vec<ConsentChange> {
        if *said == IncomingConsent::default() {
            return Vec::new();
        }
        let mut news = Vec::new();
        let mut say = |granted, denied, origin| {
            news.push(ConsentChange { granted, denied, origin, notice: None });
        };
        let views = self.views.read();
        let is_folded = views.cursor.covers(&self.door.consents_at.lock());
        let known = match is_folded {
            true => views.last_word(subject),
            false => (Purposes::NONE, Purposes::NONE),
        };
        let (allowed, refused) = *words.entry(subject).or_insert(known);
        // A banner's yes to marketing does not outlast the signal that came with it.
        let signalled = match said.signal {
            Some(_) => Purposes::NONE.with(Purpose::Marketing),
            None => Purposes::NONE,
        };
        let granted = said.granted.without(signalled).without(allowed);
        let denied = said.denied.without(refused);
        if !granted.union(denied).is_empty() {
            say(granted, denied, ConsentOrigin::Banner);
        }
        let is_refused =
            refused.contains(Purpose::Marketing) && !granted.contains(Purpose::Marketing);
        let mut refused_now = denied;
        if said.signal.is_some() && views.heeds_gpc(subject) && !is_refused {
            say(Purposes::NONE, signalled, ConsentOrigin::Gpc);
            refused_now = denied.union(signalled);
        }
        let allowed = allowed.union(granted).without(refused_now);
        words.insert(subject, (allowed, refused.without(granted).union(refused_now)));
        if let Some(basis) = said.basis.filter(|basis| !views.has_stated(subject, *basis)) {
            say(Purposes::NONE, Purposes::NONE, ConsentOrigin::Stated(basis));
        }
        news
    }

    /// Records the opt-out that Global Privacy Control asks for, for good, the first time a known
    /// shopper sends it. The signal holds for its own request whether or not this succeeds.
    pub(crate) async fn record_gpc(&self, subject: SubjectId, site: &SiteId) {
        if !self.views.read().heeds_gpc(subject) {
            return;
        }
        let change = ConsentChange {
            granted: Purposes::NONE,
            denied: Purposes::NONE.with(Purpose::Marketing),
            origin: ConsentOrigin::Gpc,
            notice: None,
        };
        let outcome = match self.consent_record(subject, site, change) {
            Ok(record) => self.append_sealed(vec![record]).await.map(|appended| {
                self.note_consents(&appended);
            }),
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "an opt-out by Sec-GPC could not be recorded; the next tries again");
        }
    }

    /// Remembers how far the log holds what people said, for [`App::consent_news`].
    pub(crate) fn note_consents(&self, appended: &[Appended]) {
        let mut cursor = self.door.consents_at.lock();
        appended.iter().for_each(|one| cursor.advance(one.position));
    }

    /// A statement as a record. Each is a fact of its own, so its id is random.
    pub(crate) fn consent_record(
        &self,
        subject: SubjectId,
        site: &SiteId,
        change: ConsentChange,
    ) -> Result<Record, AppError> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)
            .map_err(|_| AppError::NotReady("the system gives no random numbers".to_owned()))?;
        let now = self.clock.now();
        let event = Event {
            at: now,
            site: site.clone(),
            channel: None,
            source: Source::Server,
            message_id: None,
            withheld: Purposes::NONE,
            fact: Fact::Consent(change),
        };
        Ok(record(&event, (Some(subject), EventId(id)), now))
    }
}
