//! Personal data in free text is taken out here, before anything is stored: the one place for queries,
//! names of pages, properties and traits of every door.
//!
//! A search query or a short value is looked at for forms alone, so that brands and titles stay; a
//! review or message also for names and addresses.

use rustc_hash::FxHashSet;
use serde_json::{Map, Value};
use souk_privacy::pii::redact::{HashKey, Policies, TokenKey, redact};
use souk_privacy::pii::{Detector, EntityKind, Reading};
use souk_privacy::seal::SecretKey;

use super::IncomingFact;
use crate::AppError;
use crate::config::PiiSettings;
use crate::sealing::Nonces;

/// Parts of a property's name by which its value is taken for sentences.
const PROSE_NAMES: &[&str] = &[
    "body",
    "chat",
    "comment",
    "complaint",
    "feedback",
    "instruction",
    "message",
    "note",
    "question",
    "reason",
    "review",
];

/// The depth to which properties nest, as the door allows it; chosen: deeper ones are left out.
const DEPTH_MAX: usize = 64;

/// How much longer a byte of sentences takes than one of a query; measured: 30 and 3.3 MiB a second.
const PROSE_EFFORT: usize = 9;

/// Whose texts are read, for the policy `tokenise`, and how much reading they were.
pub(crate) struct Pass<'a> {
    /// The person's data key with nonces; `None` where no person is known.
    owner: Option<(&'a SecretKey, &'a mut Nonces)>,
    /// Made at the first token.
    tokens: Option<TokenKey>,
    effort: usize,
}

impl<'a> Pass<'a> {
    /// A pass over the texts of one event.
    pub(crate) fn new(owner: Option<(&'a SecretKey, &'a mut Nonces)>) -> Pass<'a> {
        Pass { owner, tokens: None, effort: 0 }
    }

    /// How much was read, in bytes of a query; sentences count several times.
    pub(crate) fn effort(&self) -> usize {
        self.effort
    }

    /// A token; `None` without a person, and when the system gives no random numbers.
    fn seal(&mut self, kind: EntityKind, data: &str) -> Option<String> {
        let (key, nonces) = self.owner.as_mut()?;
        let tokens = self.tokens.get_or_insert_with(|| TokenKey::of_subject(key));
        Some(tokens.seal(kind, data, nonces.draw().ok()?))
    }
}

/// Takes personal data out of what comes in.
pub(crate) struct Redactor {
    detector: Detector<'static>,
    policies: Policies,
    key: HashKey,
    kept_traits: FxHashSet<String>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("policies", &self.policies).finish_non_exhaustive()
    }
}

impl Redactor {
    /// A redactor that hashes with `secret`.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] for settings that name no kind.
    pub(crate) fn new(settings: &PiiSettings, secret: [u8; 32]) -> Result<Redactor, AppError> {
        Ok(Redactor {
            detector: Detector::builtin(),
            policies: settings.policies()?,
            key: HashKey::new(secret),
            kept_traits: settings.kept_traits.iter().map(|name| plain(name)).collect(),
        })
    }

    /// Takes personal data out of the texts of a fact.
    pub(crate) fn apply(&self, fact: &mut IncomingFact<'_>, pass: &mut Pass<'_>) {
        match fact {
            IncomingFact::Searched { query } => self.text(query, pass),
            IncomingFact::PageSeen { name, path } => {
                [name, path].into_iter().flatten().for_each(|text| self.text(text, pass))
            }
            IncomingFact::Custom { properties, .. } => self.properties(properties, pass),
            IncomingFact::Interaction(interaction) => self.properties(&mut interaction.extra, pass),
            IncomingFact::Order(order) => self.properties(&mut order.extra, pass),
            IncomingFact::Identified { traits } | IncomingFact::Grouped { traits, .. } => {
                self.traits(traits, pass)
            }
            IncomingFact::Alias { .. }
            | IncomingFact::Consent(_)
            | IncomingFact::Stock(_)
            | IncomingFact::Price(_)
            | IncomingFact::Promotion(_) => {}
        }
    }

    /// Takes personal data out of a search that was answered here.
    pub(crate) fn query(&self, query: &mut Box<str>) {
        self.text(query, &mut Pass::new(None));
    }

    fn text(&self, text: &mut Box<str>, pass: &mut Pass<'_>) {
        if let Some(clean) = self.clean(text, Reading::Terse, pass) {
            *text = clean.into();
        }
    }

    fn clean(&self, text: &str, reading: Reading, pass: &mut Pass<'_>) -> Option<String> {
        pass.effort += match reading {
            Reading::Terse => text.len(),
            Reading::Prose => text.len() * PROSE_EFFORT,
        };
        let found = self.detector.detect(text, reading);
        let seal = &mut |kind, data: &str| pass.seal(kind, data);
        redact(text, &found, (&self.policies, &self.key), seal)
    }

    fn properties(&self, json: &mut Option<Box<str>>, pass: &mut Pass<'_>) {
        self.rewrite(json, &|_| false, pass);
    }

    fn traits(&self, json: &mut Option<Box<str>>, pass: &mut Pass<'_>) {
        self.rewrite(json, &|name| self.kept_traits.contains(&plain(name)), pass);
    }

    /// Cleans the values of a JSON object but those whose name is kept. What is no JSON stays, for
    /// the door has read it as JSON before.
    fn rewrite(
        &self,
        json: &mut Option<Box<str>>,
        is_kept: &dyn Fn(&str) -> bool,
        pass: &mut Pass<'_>,
    ) {
        let Some(text) = json else { return };
        let Ok(mut object) = serde_json::from_str::<Map<String, Value>>(text) else { return };
        let mut is_changed = false;
        for (name, value) in object.iter_mut().filter(|(name, _)| !is_kept(name)) {
            is_changed |= self.value((name, value), 0, pass);
        }
        if is_changed {
            let clean = serde_json::to_string(&object).expect("a map of texts is JSON");
            *text = clean.into();
        }
    }

    /// Cleans a value; whether anything changed.
    fn value(&self, (name, value): (&str, &mut Value), depth: usize, pass: &mut Pass<'_>) -> bool {
        if depth > DEPTH_MAX {
            *value = Value::Null;
            return true;
        }
        match value {
            Value::String(text) => {
                let clean = self.clean(text, reading_of(name), pass);
                clean.map(|clean| *value = Value::String(clean)).is_some()
            }
            // A card's number sent as a number is one all the same.
            Value::Number(number) => {
                let clean = self.clean(&number.to_string(), Reading::Terse, pass);
                clean.map(|clean| *value = Value::String(clean)).is_some()
            }
            Value::Array(list) => list
                .iter_mut()
                .fold(false, |changed, one| self.value((name, one), depth + 1, pass) | changed),
            Value::Object(fields) => fields.iter_mut().fold(false, |changed, (name, one)| {
                self.value((name, one), depth + 1, pass) | changed
            }),
            Value::Null | Value::Bool(_) => false,
        }
    }
}

/// How closely a property is looked at.
fn reading_of(name: &str) -> Reading {
    let name = name.to_lowercase();
    if PROSE_NAMES.iter().any(|part| name.contains(part)) { Reading::Prose } else { Reading::Terse }
}

/// A trait's name without case and separators: `first_name` is `firstName`.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
