//! Reads JSON values one by one, and collects every fault with its place.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use crate::{IdError, Product};

/// One fault in a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// A JSON pointer (RFC 6901) to the value, empty for the whole document.
    pub pointer: String,
    /// What is wrong with it and what it must be.
    pub detail: String,
}

impl FieldError {
    /// The same fault in a document that holds this one at `prefix`, for example `/products/3`.
    #[must_use]
    pub fn under(self, prefix: &str) -> FieldError {
        FieldError { pointer: format!("{prefix}{}", self.pointer), ..self }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            f.write_str(&self.detail)
        } else {
            write!(f, "{} {}", self.pointer, self.detail)
        }
    }
}

/// Faults kept of one document; chosen: more than anyone reads, few enough for an answer.
const FAULTS_MAX: usize = 100;

/// The faults found so far, and where the reader stands. `None` from its methods means that a fault
/// was added.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) found: Vec<FieldError>,
    pointer: String,
    /// Lengths of the pointer to return to.
    entered: Vec<usize>,
}

impl Faults {
    pub(super) fn fault<T>(&mut self, detail: impl Into<String>) -> Option<T> {
        if self.found.len() < FAULTS_MAX {
            self.found.push(FieldError { pointer: self.pointer.clone(), detail: detail.into() });
        }
        None
    }

    pub(super) fn missing<T>(&mut self, name: &str, remedy: &str) -> Option<T> {
        self.at(name, |faults| faults.fault(format!("is missing; {remedy}")))
    }

    pub(super) fn enter(&mut self, name: &str) {
        self.entered.push(self.pointer.len());
        self.pointer.push('/');
        self.pointer.push_str(name);
    }

    pub(super) fn leave(&mut self) {
        let length = self.entered.pop().expect("leave follows enter");
        self.pointer.truncate(length);
    }

    /// Reads with the pointer one step further; `name` is one of ours and needs no escape.
    pub(super) fn at<T>(&mut self, name: &str, read: impl FnOnce(&mut Faults) -> T) -> T {
        self.enter(name);
        let read = read(self);
        self.leave();
        read
    }

    /// An object of which every field is known; unknown ones are faults, the rest is still read.
    pub(super) fn object<'v>(
        &mut self,
        value: &'v Value,
        what: &str,
        known: &[&str],
    ) -> Option<&'v Map<String, Value>> {
        let Value::Object(object) = value else {
            return self.fault(format!("is {}; {what} is an object", show(value)));
        };
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            let shown: String = name.chars().take(64).collect();
            let known = known.join(", ");
            self.at(&escape(name), |faults| {
                faults.fault::<()>(format!("unknown field `{shown}`; {what} has {known}"))
            });
        }
        Some(object)
    }

    /// An object with names of the client's own.
    pub(super) fn map<T>(
        &mut self,
        value: &Value,
        limit: usize,
        mut read: impl FnMut(&mut Faults, &Value) -> Option<T>,
    ) -> Option<BTreeMap<String, T>> {
        let Value::Object(object) = value else {
            return self.fault(format!("is {}; must be an object", show(value)));
        };
        if object.len() > limit {
            return self.fault(format!("has {} entries; the limit is {limit}", object.len()));
        }
        let entries = object.iter().map(|(name, value)| {
            self.at(&escape(name), |faults| {
                if name.is_empty() {
                    return faults.fault("has an empty name; give it one");
                }
                Some((name.clone(), read(faults, value)?))
            })
        });
        all(entries)
    }

    pub(super) fn list<T>(
        &mut self,
        value: &Value,
        mut read: impl FnMut(&mut Faults, &Value) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::Array(values) = value else {
            return self.fault(format!("is {}; must be a list", show(value)));
        };
        if values.len() > Product::LIST_MAX {
            let limit = Product::LIST_MAX;
            return self.fault(format!("has {} entries; the limit is {limit}", values.len()));
        }
        let entries = values
            .iter()
            .enumerate()
            .map(|(place, value)| self.at(&place.to_string(), |faults| read(faults, value)));
        all(entries)
    }

    pub(super) fn text(&mut self, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) => {
                self.fault(format!("is the number {value}; must be a text, \"{value}\" in quotes"))
            }
            _ => self.fault(format!("is {}; must be a text", show(value))),
        }
    }

    pub(super) fn text_up_to(&mut self, value: &Value, limit: usize) -> Option<String> {
        let text = self.text(value)?;
        if text.len() > limit {
            return self.fault(format!("has {} bytes; the limit is {limit}", text.len()));
        }
        Some(text)
    }

    pub(super) fn id<T>(
        &mut self,
        name: &str,
        value: &Value,
        make: impl FnOnce(String) -> Result<T, IdError>,
    ) -> Option<T> {
        self.at(name, |faults| {
            let text = faults.text(value)?;
            make(text).map_err(|error| faults.fault::<()>(error.to_string())).ok()
        })
    }
}

/// Collects every entry, reading on after a fault so that all of them are named.
fn all<T, C: FromIterator<T>>(entries: impl Iterator<Item = Option<T>>) -> Option<C> {
    let entries: Vec<Option<T>> = entries.collect();
    entries.into_iter().collect()
}

/// A value as an error names it: what it is and how it begins.
pub(super) fn show(value: &Value) -> String {
    let shorten = |text: &str| match text.char_indices().nth(40) {
        Some((place, _)) => format!("{}…", &text[..place]),
        None => text.to_owned(),
    };
    match value {
        Value::Null => "null".into(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text `{}`", shorten(text)),
        Value::Array(values) => format!("a list of {}", values.len()),
        Value::Object(_) => format!("the object {}", shorten(&value.to_string())),
    }
}

/// Escapes a step of a JSON pointer (RFC 6901, section 3).
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
