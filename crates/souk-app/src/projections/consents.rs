use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use souk_core::wire::{Reader, WireError, Writer, decode_event, encode_event};
use souk_core::{
    ConsentChange, ConsentOrigin, Event, Fact, Purpose, Purposes, SiteId, Source, SubjectId,
    Timestamp,
};
use souk_privacy::consent::{Choice, Choices};

use super::snapshots::LoadError;
use crate::consent::ConsentRules;

/// Statements kept of one subject, the newest; chosen: a banner that asks each month for two years
/// stays visible. The choices themselves never fall out.
const HISTORY_MAX: usize = 24;

/// What subjects said about the use of their data.
///
/// Choices order by the time at which they were made, never later than the time of receipt: a
/// client's fast clock cannot make a yes outlast a later no.
#[derive(Clone, Debug, Default)]
pub(crate) struct Consents {
    persons: FxHashMap<SubjectId, Person>,
    /// Subjects who refuse that others learn from them.
    n_untrainable: usize,
}

#[derive(Clone, Debug, Default)]
struct Person {
    choices: Choices,
    history: VecDeque<Statement>,
}

/// One statement of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// When it was made.
    pub at: Timestamp,
    /// Orders statements of one moment.
    pub(crate) seq: u64,
    /// What was said.
    pub change: ConsentChange,
}

impl Consents {
    /// What a subject chose; `None` when they said nothing.
    #[inline]
    pub(crate) fn choices(&self, subject: SubjectId) -> Option<&Choices> {
        if self.persons.is_empty() {
            return None;
        }
        self.persons.get(&subject).map(|person| &person.choices)
    }

    /// The newest statements of a subject, oldest first.
    pub(crate) fn history(&self, subject: SubjectId) -> impl Iterator<Item = &Statement> {
        self.persons.get(&subject).into_iter().flat_map(|person| &person.history)
    }

    /// How many subjects said anything.
    pub(crate) fn len(&self) -> usize {
        self.persons.len()
    }

    /// Whether anybody refuses that others learn from them.
    #[inline]
    pub(crate) fn has_untrainable(&self) -> bool {
        self.n_untrainable > 0
    }

    /// Whether the subject said no to a purpose.
    pub(crate) fn is_denied(&self, subject: SubjectId, purpose: Purpose) -> bool {
        self.choices(subject).is_some_and(|choices| choices.is_denied(purpose))
    }

    /// Takes a statement in.
    pub(crate) fn apply(&mut self, subject: SubjectId, said: Statement, rules: &ConsentRules) {
        let was_untrainable = self.is_denied(subject, Purpose::ModelTraining);
        let person = self.persons.entry(subject).or_default();
        say(&mut person.choices, &said, rules);
        let rank = (said.at, said.seq);
        let place = person.history.partition_point(|known| (known.at, known.seq) <= rank);
        person.history.insert(place, said);
        if person.history.len() > HISTORY_MAX {
            person.history.pop_front();
        }
        let is_untrainable = person.choices.is_denied(Purpose::ModelTraining);
        match (was_untrainable, is_untrainable) {
            (false, true) => self.n_untrainable += 1,
            (true, false) => self.n_untrainable -= 1,
            _ => {}
        }
    }

    /// Drops a subject.
    pub(crate) fn forget(&mut self, subject: SubjectId) {
        if let Some(person) = self.persons.remove(&subject) {
            self.n_untrainable -= usize::from(person.choices.is_denied(Purpose::ModelTraining));
        }
    }

    /// Every subject with their choices and statements, for digests.
    pub(crate) fn iter(
        &self,
    ) -> impl Iterator<Item = (SubjectId, &Choices, impl Iterator<Item = &Statement>)> {
        self.persons
            .iter()
            .map(|(subject, person)| (*subject, &person.choices, person.history.iter()))
    }

    pub(crate) fn bytes(&self) -> usize {
        let statements: usize = self.persons.values().map(|p| p.history.capacity()).sum();
        self.persons.capacity() * (17 + size_of::<Person>()) + statements * size_of::<Statement>()
    }
}

fn say(choices: &mut Choices, said: &Statement, rules: &ConsentRules) {
    let change = &said.change;
    if let ConsentOrigin::Stated(basis) = change.origin {
        choices.state(basis);
        return;
    }
    let is_outdated = rules.notices().is_outdated(change.notice.as_deref());
    for purpose in change.granted.union(change.denied).iter() {
        let is_granted = !change.denied.contains(purpose);
        let origin = change.origin;
        choices
            .say(purpose, Choice { is_granted, at: said.at, seq: said.seq, origin, is_outdated });
    }
}

impl Consents {
    pub(crate) const NAME: &'static str = "consents";
    pub(crate) const VERSION: u16 = 1;

    /// The state as bytes, with a digest of the rules: under other rules the log says something else.
    pub(crate) fn snapshot(&self, rules: &ConsentRules) -> Vec<u8> {
        let mut w = Writer::new();
        w.raw(&rules.digest().to_le_bytes());
        w.count(self.persons.len());
        for (subject, person) in &self.persons {
            w.raw(&subject.0);
            w.u8(person.choices.basis.map_or(0, |basis| basis as u8 + 1));
            for purpose in Purposes::OPTIONAL.iter() {
                write_choice(person.choices.of(purpose), &mut w);
            }
            w.count(person.history.len());
            for said in &person.history {
                w.timestamp(said.at);
                w.varint(said.seq);
                w.bytes(&encode_event(&as_event(said.change.clone(), said.at)));
            }
        }
        w.into_bytes()
    }

    pub(crate) fn restore(bytes: &[u8], rules: &ConsentRules) -> Result<Consents, LoadError> {
        let mut r = Reader::new(bytes);
        if r.raw(8)? != rules.digest().to_le_bytes() {
            return Err(LoadError::OtherRules);
        }
        let mut consents = Consents::default();
        for _ in 0..r.count()? {
            let subject = SubjectId(r.array16()?);
            let mut person = Person::default();
            let basis = usize::from(r.u8()?);
            person.choices.basis = match basis.checked_sub(1) {
                None => None,
                Some(idx) => match souk_core::LegalBasis::ALL.get(idx) {
                    Some(basis) => Some(*basis),
                    None => return Err(r.fault("a known legal basis").into()),
                },
            };
            for purpose in Purposes::OPTIONAL.iter() {
                if let Some(choice) = read_choice(&mut r)? {
                    person.choices.say(purpose, choice);
                }
            }
            for _ in 0..r.count()? {
                let (at, seq) = (r.timestamp()?, r.varint()?);
                let Fact::Consent(change) = decode_event(r.bytes()?)?.fact else {
                    return Err(r.fault("a consent").into());
                };
                person.history.push_back(Statement { at, seq, change });
            }
            consents.n_untrainable += usize::from(person.choices.is_denied(Purpose::ModelTraining));
            consents.persons.insert(subject, person);
        }
        r.end()?;
        Ok(consents)
    }
}

/// A statement in the one wire form that there is for it.
fn as_event(change: ConsentChange, at: Timestamp) -> Event {
    Event {
        at,
        site: SiteId::main(),
        channel: None,
        source: Source::Server,
        message_id: None,
        withheld: Purposes::NONE,
        fact: Fact::Consent(change),
    }
}

fn write_choice(choice: Option<Choice>, w: &mut Writer) {
    let Some(choice) = choice else { return w.u8(0) };
    w.u8(1 | u8::from(choice.is_granted) << 1 | u8::from(choice.is_outdated) << 2);
    w.timestamp(choice.at);
    w.varint(choice.seq);
    // Origins are few; the place in this list is their code in snapshots.
    w.u8(ORIGINS.iter().position(|origin| *origin == choice.origin).unwrap_or(0) as u8);
}

/// The origins of choices; a stated basis is none.
const ORIGINS: [ConsentOrigin; 5] = [
    ConsentOrigin::Shopper,
    ConsentOrigin::Shop,
    ConsentOrigin::Banner,
    ConsentOrigin::Gpc,
    ConsentOrigin::File,
];

fn read_choice(r: &mut Reader<'_>) -> Result<Option<Choice>, WireError> {
    let flags = r.u8()?;
    if flags == 0 {
        return Ok(None);
    }
    let (at, seq) = (r.timestamp()?, r.varint()?);
    let origin = r.one_of(&ORIGINS, "a known origin of a choice")?;
    Ok(Some(Choice { is_granted: flags & 2 != 0, is_outdated: flags & 4 != 0, at, seq, origin }))
}
