//! What a filter asks of one field at least, so that many filters can be looked up by a product's
//! values instead of being tried one by one.
//!
//! `brand = 'Own' AND price < 5` can only hold for products of the brand `own`: that is its anchor. A
//! filter without one (`price < 5`, anything under `NOT`) must be tried on every product. An anchor
//! never promises that the filter holds, only that without it the filter does not.

use super::{Expr, Field, FieldValue, Fields, Filter, Literal, Op};

/// A field with one of its values, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Anchor {
    pub(crate) field: Field,
    pub(crate) value: Box<str>,
}

impl Filter {
    /// Anchors of which a product must have one to fulfil the filter; `None` when there are none such.
    pub(crate) fn anchors(&self) -> Option<Vec<Anchor>> {
        of(&self.root)
    }
}

fn of(expr: &Expr) -> Option<Vec<Anchor>> {
    match expr {
        Expr::Compare(field, Op::Eq, literal) => Some(vec![anchor(field, literal)?]),
        Expr::In(field, literals) => {
            literals.iter().map(|literal| anchor(field, literal)).collect()
        }
        // One part is enough, and the fewer anchors the better.
        Expr::And(parts) => parts.iter().filter_map(of).min_by_key(Vec::len),
        // Every part must have some.
        Expr::Or(parts) => {
            let parts: Option<Vec<Vec<Anchor>>> = parts.iter().map(of).collect();
            parts.map(|parts| parts.into_iter().flatten().collect())
        }
        Expr::Compare(..) | Expr::Exists(_) | Expr::Not(_) => None,
    }
}

fn anchor(field: &Field, literal: &Literal) -> Option<Anchor> {
    let Literal::Text { text, number, .. } = literal else { return None };
    let value = match field {
        Field::Id | Field::Title | Field::Brand | Field::Tags | Field::Gtin => lower(text),
        Field::Categories => path_key(text),
        // A text that is a number also equals values that are numbers, in any spelling.
        Field::Attribute(_) if number.is_none() => lower(text),
        _ => return None,
    };
    Some(Anchor { field: field.clone(), value: value.into() })
}

fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// A path as it is compared: steps without spaces around them, in lower case.
pub(crate) fn path_key(text: &str) -> String {
    let steps: Vec<String> = text.split('>').map(|step| lower(step.trim())).collect();
    steps.join(">")
}

/// Names every anchor that the values of `field` have.
pub(crate) fn each_anchor<F: Fields + ?Sized>(
    fields: &F,
    field: &Field,
    each: &mut dyn FnMut(&str),
) {
    fields.any_value(field, &mut |value| {
        match value {
            FieldValue::Text(text) => each(&lower(text)),
            FieldValue::Path(text) => each_of_path(text, each),
            FieldValue::Number(_) | FieldValue::Bool(_) | FieldValue::Time(_) => {}
        }
        false
    });
}

/// Each step of a path, and each of its beginnings.
pub(crate) fn each_of_path(text: &str, each: &mut dyn FnMut(&str)) {
    let path = path_key(text);
    for (idx, step) in path.split('>').enumerate() {
        if idx > 0 {
            each(step);
        }
    }
    let ends = path.match_indices('>').map(|(end, _)| end).chain([path.len()]);
    for end in ends {
        each(&path[..end]);
    }
}
