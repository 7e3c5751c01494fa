//! Meilisearch's filters in ours. The languages differ in how values and names are written, in `TO` and in
//! lists of conditions; what ours has not is refused, with the character at which it stands.

use serde_json::Value;
use souk_core::{Filter, GeoPoint};

use super::error::{Meili, MeiliError};

/// Levels of parentheses and `NOT`; those of [`Filter`].
const DEPTH_MAX: usize = Filter::DEPTH_MAX;

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

/// Reads a filter: a text, or a list of conditions that must all hold, in which a list is of conditions of
/// which one must hold.
pub(crate) fn read(filter: &Value) -> Meili<(Option<Filter>, Option<Radius>)> {
    let Translated { text, radius } = match filter {
        Value::Null => return Ok((None, None)),
        Value::String(text) if text.trim().is_empty() => return Ok((None, None)),
        Value::String(text) => translate(text)?,
        Value::Array(all) => joined(all, " AND ", any_of)?,
        _ => return Err(wrong("must be a text or a list of texts".to_owned())),
    };
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

/// Refuses a second radius: hits are looked for around one place.
fn one_radius(left: Option<Radius>, right: Option<Radius>) -> Meili<Option<Radius>> {
    match (left, right) {
        (Some(_), Some(_)) => {
            Err(wrong("Souk looks around one place; name one `_geoRadius`".to_owned()))
        }
        (left, right) => Ok(left.or(right)),
    }
}

const BESIDE: &str =
    "Souk takes `_geoRadius` beside all other conditions, joined by `AND`, not under `OR` or `NOT`";

fn wrong(what: String) -> Box<MeiliError> {
    MeiliError::new("invalid_search_filter", format!("Filter: {what}"))
}

fn any_of(condition: &Value) -> Meili<Translated> {
    match condition {
        Value::String(text) => translate(text),
        Value::Array(any) => joined(any, " OR ", |one| match one {
            Value::String(text) => translate(text),
            _ => Err(wrong("a list within a list must hold texts".to_owned())),
        }),
        _ => Err(wrong("a list must hold texts, or lists of texts".to_owned())),
    }
}

fn joined(
    list: &[Value],
    join: &str,
    each: impl Fn(&Value) -> Meili<Translated>,
) -> Meili<Translated> {
    let mut parts = Vec::with_capacity(list.len());
    let mut radius = None;
    for part in list {
        let part = each(part)?;
        radius = one_radius(radius, part.radius)?;
        parts.extend(Some(part.text).filter(|text| !text.is_empty()));
    }
    if radius.is_some() && join == " OR " && parts.len() > 1 {
        return Err(wrong(BESIDE.to_owned()));
    }
    let text = match parts.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        many => {
            let many: Vec<String> = many.iter().map(|one| format!("({one})")).collect();
            many.join(join)
        }
    };
    Ok(Translated { text, radius })
}

/// A filter's text in our language.
pub(crate) fn translate(text: &str) -> Meili<Translated> {
    let out = String::with_capacity(text.len() + 16);
    let mut parser = Parser { text, at: 0, depth: 0, out, radius: None };
    parser.or()?;
    match parser.peek() {
        Token::End => Ok(Translated { text: parser.out, radius: parser.radius }),
        _ => Err(parser.unexpected("`AND`, `OR` or the end")),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token<'a> {
    /// Letters and signs up to a blank, a bracket, a comma or an operator.
    Word(&'a str),
    /// In quotes, of either kind.
    Quoted(String),
    Op(&'static str),
    Sign(char),
    /// A quote that is never closed.
    Open,
    End,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    out: String,
    radius: Option<Radius>,
}

impl<'a> Parser<'a> {
    fn or(&mut self) -> Meili<()> {
        let before = self.radius;
        self.and()?;
        let mut has_choice = false;
        while self.take_word("OR") {
            has_choice = true;
            self.out.push_str(" OR ");
            self.and()?;
        }
        match has_choice && self.radius != before {
            true => Err(wrong(BESIDE.to_owned())),
            false => Ok(()),
        }
    }

    fn and(&mut self) -> Meili<()> {
        self.not()?;
        while self.take_word("AND") {
            self.out.push_str(" AND ");
            self.not()?;
        }
        Ok(())
    }

    fn not(&mut self) -> Meili<()> {
        let is_not = self.peek_is_word("NOT");
        if !is_not && self.peek() != Token::Sign('(') {
            return self.condition();
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let place = self.character();
            return Err(wrong(format!(
                "character {place}: over {DEPTH_MAX} levels of `NOT` and `(`"
            )));
        }
        if is_not {
            let before = self.radius;
            self.next();
            self.out.push_str("NOT ");
            self.not()?;
            if self.radius != before {
                return Err(wrong(BESIDE.to_owned()));
            }
        } else {
            self.next();
            self.out.push('(');
            self.or()?;
            self.expect(&Token::Sign(')'), "`AND`, `OR` or `)`")?;
            self.out.push(')');
        }
        self.depth -= 1;
        Ok(())
    }

    fn condition(&mut self) -> Meili<()> {
        let field = match self.peek() {
            Token::Word("_geoRadius") => return self.geo_radius(),
            Token::Word(word) if word.starts_with("_geo") => {
                let place = self.character();
                return Err(wrong(format!(
                    "character {place}: Souk does not support `{word:.40}`; use `_geoRadius`"
                )));
            }
            Token::Word(word) if !is_key_word(word) => word.to_owned(),
            Token::Quoted(name) => name,
            _ => return Err(self.unexpected("an attribute, `NOT` or `(`")),
        };
        self.next();
        let field = field_name(&field);
        if let Token::Op(op) = self.peek() {
            self.next();
            let value = self.value()?;
            self.out.push_str(&format!("{field} {op} {value}"));
            return Ok(());
        }
        let is_not = self.take_word("NOT");
        if self.take_word("IN") {
            return self.list(&field, if is_not { "NOT IN" } else { "IN" });
        }
        if self.take_word("EXISTS") {
            let exists = if is_not { "NOT EXISTS" } else { "EXISTS" };
            self.out.push_str(&format!("{field} {exists}"));
            return Ok(());
        }
        for unknown in ["IS", "CONTAINS", "STARTS"] {
            if self.peek_is_word(unknown) {
                let place = self.character();
                return Err(wrong(format!(
                    "character {place}: Souk does not support `{unknown}`; use `EXISTS`, `=` or `IN`"
                )));
            }
        }
        if is_not {
            return Err(self.unexpected("`IN` or `EXISTS`"));
        }
        // `price 10 TO 20`.
        let low = match self.peek() {
            Token::Word(word) if !is_key_word(word) => self.value()?,
            Token::Quoted(_) => self.value()?,
            _ => return Err(self.unexpected(AN_OP)),
        };
        if !self.take_word("TO") {
            return Err(self.unexpected("`TO`"));
        }
        let high = self.value()?;
        self.out.push_str(&format!("({field} >= {low} AND {field} <= {high})"));
        Ok(())
    }

    /// `_geoRadius(latitude, longitude, metres)`; a fourth number, which says how round the circle is there, changes
    /// nothing here.
    fn geo_radius(&mut self) -> Meili<()> {
        let place = self.character();
        self.next();
        self.expect(&Token::Sign('('), "`(` and latitude, longitude and metres")?;
        let mut numbers = Vec::new();
        loop {
            let number = match self.peek() {
                Token::Word(word) => word.parse::<f64>().ok(),
                Token::Quoted(text) => text.trim().parse().ok(),
                _ => None,
            };
            numbers.extend(number.filter(|number| number.is_finite()));
            if number.is_none() {
                return Err(self.unexpected("a number"));
            }
            self.next();
            if self.peek() != Token::Sign(',') {
                break;
            }
            self.next();
        }
        self.expect(&Token::Sign(')'), "`,` or `)`")?;
        let ([latitude, longitude, metres] | [latitude, longitude, metres, _]) = numbers[..] else {
            let message = "`_geoRadius` takes latitude, longitude and metres";
            return Err(wrong(format!("character {place}: {message}")));
        };
        let point = GeoPoint::new(latitude, longitude)
            .map_err(|error| wrong(format!("character {place}: {error}")))?;
        self.radius = one_radius(self.radius, Some(Radius { point, metres }))?;
        // Every product has an id.
        self.out.push_str("id EXISTS");
        Ok(())
    }

    fn list(&mut self, field: &str, word: &str) -> Meili<()> {
        self.expect(&Token::Sign('['), "`[` and a list of values")?;
        let mut values = Vec::new();
        // An empty list, and a comma at its end, are allowed.
        while self.peek() != Token::Sign(']') {
            values.push(self.value()?);
            if self.peek() == Token::Sign(',') {
                self.next();
            } else if self.peek() != Token::Sign(']') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
        self.next();
        if values.is_empty() {
            // Nothing is in an empty list; every product has an id.
            self.out.push_str(if word == "IN" { "id NOT EXISTS" } else { "id EXISTS" });
        } else {
            self.out.push_str(&format!("{field} {word} [{}]", values.join(", ")));
        }
        Ok(())
    }

    fn value(&mut self) -> Meili<String> {
        let value = match self.peek() {
            Token::Word(word) if word.eq_ignore_ascii_case("true") => "true".to_owned(),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => "false".to_owned(),
            Token::Word(word) if is_number(word) => word.to_owned(),
            Token::Word(word) if !is_key_word(word) => quoted(word),
            Token::Quoted(text) => quoted(&text),
            _ => return Err(self.unexpected("a value: a number, a word, or a 'text' in quotes")),
        };
        self.next();
        Ok(value)
    }

    fn expect(&mut self, token: &Token<'_>, what: &str) -> Meili<()> {
        if self.peek() != *token {
            return Err(self.unexpected(what));
        }
        self.next();
        Ok(())
    }

    fn peek_is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_next = self.peek_is_word(word);
        if is_next {
            self.next();
        }
        is_next
    }

    fn peek(&self) -> Token<'a> {
        self.token().0
    }

    fn next(&mut self) {
        self.at = self.token().1;
    }

    /// The next token and where it ends.
    fn token(&self) -> (Token<'a>, usize) {
        let rest = &self.text[self.at..];
        let start = self.at + rest.len() - rest.trim_start().len();
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else { return (Token::End, start) };
        for op in ["!=", ">=", "<=", "=", ">", "<"] {
            if rest.starts_with(op) {
                return (Token::Op(op), start + op.len());
            }
        }
        match first {
            '(' | ')' | '[' | ']' | ',' => (Token::Sign(first), start + 1),
            '\'' | '"' => self.quote(start, first),
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "()[],=!<>'\"".contains(c));
                // A lone `!` begins nothing.
                let end = end.unwrap_or(rest.len()).max(first.len_utf8());
                (Token::Word(&rest[..end]), start + end)
            }
        }
    }

    fn quote(&self, start: usize, mark: char) -> (Token<'a>, usize) {
        let mut text = String::new();
        let mut chars = self.text[start + 1..].char_indices();
        while let Some((place, letter)) = chars.next() {
            if letter == '\\' {
                match chars.next() {
                    Some((_, escaped)) if escaped == mark || escaped == '\\' => text.push(escaped),
                    Some((_, other)) => text.extend(['\\', other]),
                    None => text.push('\\'),
                }
            } else if letter == mark {
                return (Token::Quoted(text), start + 1 + place + 1);
            } else {
                text.push(letter);
            }
        }
        (Token::Open, self.text.len())
    }

    fn character(&self) -> usize {
        let rest = &self.text[self.at..];
        let start = self.at + rest.len() - rest.trim_start().len();
        self.text[..start].chars().count() + 1
    }

    fn unexpected(&self, expected: &str) -> Box<MeiliError> {
        let (token, end) = self.token();
        let found = match token {
            Token::End => "the end".to_owned(),
            Token::Open => "a quote that is not closed".to_owned(),
            _ => {
                let whole = self.text[self.at..end].trim_start();
                format!("`{}`", whole.chars().take(40).collect::<String>())
            }
        };
        wrong(format!("character {}: expected {expected}, found {found}", self.character()))
    }
}

const AN_OP: &str = "`=`, `!=`, `>`, `>=`, `<`, `<=`, `TO`, `IN` or `EXISTS`";

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

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn field_name(name: &str) -> String {
    let begins = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let is_plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let is_word = ["true", "false"].iter().any(|word| name.eq_ignore_ascii_case(word));
    match begins && is_plain && !is_word && !is_key_word(name) && !name.starts_with("attributes.") {
        true => name.to_owned(),
        false => format!("attributes.{}", quoted(name)),
    }
}
