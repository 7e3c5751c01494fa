//! Meilisearch's filters in ours. The languages differ in how values and names are written, in `TO` and in
//! lists of conditions; what ours has not is refused, with the character at which it stands.

use serde_json::Value;
use souk_core::filter::foreign::{
    Escapes, Scanner, Token, Tree, TreeFault, attribute_name, quoted, read_tree,
};
use souk_core::{Filter, GeoPoint};

use super::error::{Meili, MeiliError};

/// A filter in our form.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Translated {
    /// In our language; of `_geoRadius` something that every product fulfils stands in it.
    pub(crate) text: String,
    /// What `_geoRadius` asks for, which our language has not: it stands beside all other conditions.
    pub(crate) radius: Option<Radius>,
}

/// A place, and how far off hits may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Radius {
    pub(crate) point: GeoPoint,
    pub(crate) metres: f64,
}

/// A condition in our language, or one that stands beside all others.
enum Condition {
    Text(String),
    Near(Radius),
}

/// Reads a filter: a text, or a list of conditions that must all hold, in which a list is of conditions of
/// which one must hold.
pub(crate) fn read(filter: &Value) -> Meili<(Option<Filter>, Option<Radius>)> {
    let tree = match filter {
        Value::Null => return Ok((None, None)),
        Value::String(text) if text.trim().is_empty() => return Ok((None, None)),
        Value::String(text) => tree_of(text)?,
        Value::Array(all) => Tree::All(all.iter().map(any_of).collect::<Meili<_>>()?),
        _ => return Err(wrong("must be a text or a list of texts".to_owned())),
    };
    let Translated { text, radius } = translated(tree)?;
    if text.is_empty() {
        return Ok((None, radius));
    }
    let filter = Filter::parse(&text).map_err(|error| {
        // What it finds stands in the translated text, so only a limit can be told.
        wrong(error.to_string())
    })?;
    Ok((Some(filter), radius))
}

/// Reads a filter where nothing is looked for around a place.
pub(crate) fn read_plain(filter: &Value) -> Meili<Option<Filter>> {
    match read(filter)? {
        (filter, None) => Ok(filter),
        (_, Some(_)) => Err(wrong("Souk takes `_geoRadius` in searches alone".to_owned())),
    }
}

const BESIDE: &str =
    "Souk takes `_geoRadius` beside all other conditions, joined by `AND`, not under `OR` or `NOT`";

fn wrong(what: String) -> Box<MeiliError> {
    MeiliError::new("invalid_search_filter", format!("Filter: {what}"))
}

fn any_of(condition: &Value) -> Meili<Tree<Condition>> {
    match condition {
        Value::String(text) => tree_of(text),
        Value::Array(any) => {
            let each = any.iter().map(|one| match one {
                Value::String(text) => tree_of(text),
                _ => Err(wrong("a list within a list must hold texts".to_owned())),
            });
            let each = each.collect::<Meili<Vec<_>>>()?;
            // An empty list asks for nothing.
            Ok(if each.is_empty() { Tree::All(each) } else { Tree::one_or(each, Tree::Any) })
        }
        _ => Err(wrong("a list must hold texts, or lists of texts".to_owned())),
    }
}

/// A filter's text in our language.
#[cfg(test)]
pub(crate) fn translate(text: &str) -> Meili<Translated> {
    translated(tree_of(text)?)
}

fn translated(tree: Tree<Condition>) -> Meili<Translated> {
    let mut radius = None;
    let tree = beside(tree, &mut |near| match radius.replace(near) {
        // Hits are looked for around one place.
        Some(_) => Err(wrong("Souk looks around one place; name one `_geoRadius`".to_owned())),
        None => Ok(()),
    })?;
    Ok(Translated { text: tree.to_string(), radius })
}

/// The conditions in our language; `near` takes the radius that stands beside them.
fn beside(tree: Tree<Condition>, near: &mut dyn FnMut(Radius) -> Meili<()>) -> Meili<Tree<String>> {
    let within = |part| beside(part, &mut |_| Err(wrong(BESIDE.to_owned())));
    Ok(match tree {
        Tree::One(Condition::Text(text)) => Tree::One(text),
        Tree::One(Condition::Near(radius)) => {
            near(radius)?;
            // Every product has an id.
            Tree::One("id EXISTS".to_owned())
        }
        Tree::Not(inner) => Tree::Not(Box::new(within(*inner)?)),
        Tree::Any(parts) => Tree::Any(parts.into_iter().map(within).collect::<Meili<_>>()?),
        Tree::All(parts) => {
            let parts = parts.into_iter().map(|part| beside(part, near));
            let asks = |part: &Tree<String>| !matches!(part, Tree::All(none) if none.is_empty());
            let parts = parts.collect::<Meili<Vec<_>>>()?.into_iter().filter(asks);
            Tree::one_or(parts.collect(), Tree::All)
        }
    })
}

fn tree_of(text: &str) -> Meili<Tree<Condition>> {
    let mut scanner = Scanner::new(text, "()[],", Escapes::Quotes);
    let mut condition = |scanner: &mut Scanner<'_>| Parser { scanner }.condition();
    read_tree(&mut scanner, &mut condition, &|scanner, fault| match fault {
        TreeFault::Expected(what) => unexpected(scanner, what),
        TreeFault::TooDeep => {
            let (place, most) = (scanner.character(), Filter::DEPTH_MAX);
            wrong(format!("character {place}: over {most} levels of `NOT` and `(`"))
        }
    })
}

fn unexpected(scanner: &Scanner<'_>, expected: &str) -> Box<MeiliError> {
    let (place, found) = (scanner.character(), scanner.found());
    wrong(format!("character {place}: expected {expected}, found {found}"))
}

/// Reads one condition.
struct Parser<'r, 'a> {
    scanner: &'r mut Scanner<'a>,
}

impl Parser<'_, '_> {
    fn condition(&mut self) -> Meili<Condition> {
        let field = match self.scanner.peek() {
            Token::Word("_geoRadius") => return self.geo_radius().map(Condition::Near),
            Token::Word(word) if word.starts_with("_geo") => {
                let place = self.scanner.character();
                return Err(wrong(format!(
                    "character {place}: Souk does not support `{word:.40}`; use `_geoRadius`"
                )));
            }
            Token::Word(word) if !is_key_word(word) => word.to_owned(),
            Token::Quoted(name) => name,
            _ => return Err(self.unexpected("an attribute, `NOT` or `(`")),
        };
        self.scanner.advance();
        self.about(&attribute_name(&field, |_| false)).map(Condition::Text)
    }

    /// What is asked of a field.
    fn about(&mut self, field: &str) -> Meili<String> {
        if let Token::Op(op) = self.scanner.peek() {
            self.scanner.advance();
            return Ok(format!("{field} {op} {}", self.value()?));
        }
        let not = if self.scanner.take_word("NOT") { "NOT " } else { "" };
        if self.scanner.take_word("IN") {
            return self.list(field, not);
        }
        if self.scanner.take_word("EXISTS") {
            return Ok(format!("{field} {not}EXISTS"));
        }
        if self.scanner.take_word("CONTAINS") {
            return Ok(format!("{field} {not}CONTAINS {}", self.part()?));
        }
        if self.scanner.take_word("STARTS") {
            if !self.scanner.take_word("WITH") {
                return Err(self.unexpected("`WITH`"));
            }
            return Ok(format!("{field} {not}STARTS WITH {}", self.part()?));
        }
        if !not.is_empty() {
            return Err(self.unexpected("`IN`, `EXISTS`, `CONTAINS` or `STARTS WITH`"));
        }
        if self.scanner.take_word("IS") {
            return self.state(field);
        }
        // `price 10 TO 20`.
        let low = match self.scanner.peek() {
            Token::Word(word) if !is_key_word(word) => self.value()?,
            Token::Quoted(_) => self.value()?,
            _ => return Err(self.unexpected(AN_OP)),
        };
        if !self.scanner.take_word("TO") {
            return Err(self.unexpected("`TO`"));
        }
        let high = self.value()?;
        Ok(format!("({field} >= {low} AND {field} <= {high})"))
    }

    /// A text that is a part of a value.
    fn part(&mut self) -> Meili<String> {
        let part = match self.scanner.peek() {
            Token::Word(part) if !is_key_word(part) => quoted(part),
            Token::Quoted(text) => quoted(&text),
            _ => return Err(self.unexpected("a word, or a 'text' in quotes")),
        };
        self.scanner.advance();
        Ok(part)
    }

    /// `NULL` and `EMPTY`. Neither a null nor an empty list is kept, so a field that is null is one that is missing, and
    /// an empty one is missing or an empty text.
    fn state(&mut self, field: &str) -> Meili<String> {
        let is_not = self.scanner.take_word("NOT");
        if self.scanner.take_word("NULL") {
            return Ok(format!("{field} {}", if is_not { "EXISTS" } else { "NOT EXISTS" }));
        }
        if !self.scanner.take_word("EMPTY") {
            return Err(self.unexpected("`NULL` or `EMPTY`"));
        }
        Ok(match is_not {
            true => format!("({field} EXISTS AND {field} != '')"),
            false => format!("({field} NOT EXISTS OR {field} = '')"),
        })
    }

    /// `_geoRadius(latitude, longitude, metres)`; a fourth number, which says how round the circle is there, changes
    /// nothing here.
    fn geo_radius(&mut self) -> Meili<Radius> {
        let place = self.scanner.character();
        self.scanner.advance();
        self.expect('(', "`(` and latitude, longitude and metres")?;
        let mut numbers = Vec::new();
        loop {
            let number = match self.scanner.peek() {
                Token::Word(word) => word.parse::<f64>().ok(),
                Token::Quoted(text) => text.trim().parse().ok(),
                _ => None,
            };
            numbers.extend(number.filter(|number| number.is_finite()));
            if number.is_none() {
                return Err(self.unexpected("a number"));
            }
            self.scanner.advance();
            if !self.scanner.take_sign(',') {
                break;
            }
        }
        self.expect(')', "`,` or `)`")?;
        let ([latitude, longitude, metres] | [latitude, longitude, metres, _]) = numbers[..] else {
            let message = "`_geoRadius` takes latitude, longitude and metres";
            return Err(wrong(format!("character {place}: {message}")));
        };
        let point = GeoPoint::new(latitude, longitude)
            .map_err(|error| wrong(format!("character {place}: {error}")))?;
        Ok(Radius { point, metres })
    }

    fn list(&mut self, field: &str, not: &str) -> Meili<String> {
        self.expect('[', "`[` and a list of values")?;
        let mut values = Vec::new();
        // An empty list, and a comma at its end, are allowed.
        while self.scanner.peek() != Token::Sign(']') {
            values.push(self.value()?);
            if !self.scanner.take_sign(',') && self.scanner.peek() != Token::Sign(']') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
        self.scanner.advance();
        Ok(match (values.is_empty(), not) {
            // Nothing is in an empty list; every product has an id.
            (true, "") => "id NOT EXISTS".to_owned(),
            (true, _) => "id EXISTS".to_owned(),
            (false, not) => format!("{field} {not}IN [{}]", values.join(", ")),
        })
    }

    fn value(&mut self) -> Meili<String> {
        let value = match self.scanner.peek() {
            Token::Word(word) if word.eq_ignore_ascii_case("true") => "true".to_owned(),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => "false".to_owned(),
            Token::Word(word) if is_number(word) => word.to_owned(),
            Token::Word(word) if !is_key_word(word) => quoted(word),
            Token::Quoted(text) => quoted(&text),
            _ => return Err(self.unexpected("a value: a number, a word, or a 'text' in quotes")),
        };
        self.scanner.advance();
        Ok(value)
    }

    fn expect(&mut self, sign: char, what: &str) -> Meili<()> {
        if self.scanner.take_sign(sign) { Ok(()) } else { Err(self.unexpected(what)) }
    }

    fn unexpected(&self, expected: &str) -> Box<MeiliError> {
        unexpected(self.scanner, expected)
    }
}

const AN_OP: &str =
    "`=`, `!=`, `>`, `>=`, `<`, `<=`, `TO`, `IN`, `EXISTS`, `IS`, `CONTAINS` or `STARTS WITH`";

fn is_key_word(word: &str) -> bool {
    let words = ["AND", "OR", "NOT", "IN", "TO", "EXISTS"];
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Whether our language reads a word as a number; ids with leading zeros are texts.
fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix('-').unwrap_or(word);
    let begins = digits.starts_with(|c: char| c.is_ascii_digit());
    let is_padded = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    let is_plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    begins && is_plain && !is_padded && word.parse::<f64>().is_ok()
}
