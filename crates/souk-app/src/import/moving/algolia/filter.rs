//! Algolia's filters in ours: `brand:Apple AND (price < 10 OR NOT color:'dark red')`, and the lists of
//! `facetFilters` and the like, in which a list within a list says "one of these".

use serde_json::Value;
use souk_core::{Availability, Currency, Filter};

use super::fields::{Became, availability_of, became, seconds_of};

/// Levels of parentheses and `NOT`; those of [`Filter`].
const DEPTH_MAX: usize = Filter::DEPTH_MAX;
/// Names that mean a field of every product here, and nothing but an attribute in records.
const OWN_NAMES: [&str; 3] = ["id", "category", "perishable_days"];

/// Reads `filters` of records whose prices are in `currency`.
///
/// # Errors
///
/// What stands where, without a value.
pub(super) fn read(text: &str, currency: Currency) -> Result<String, String> {
    let out = String::with_capacity(text.len() + 16);
    let mut parser = Parser { text, currency, at: 0, depth: 0, out };
    parser.or()?;
    match parser.token().0 {
        Token::End => checked(parser.out),
        _ => Err(parser.unexpected("AND, OR or the end")),
    }
}

fn checked(text: String) -> Result<String, String> {
    match Filter::parse(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads `facetFilters`, `tagFilters` or `numericFilters`: a text, or a list of texts and lists.
pub(super) fn read_list(
    list: &Value,
    kind: ListKind,
    currency: Currency,
) -> Result<String, String> {
    let one = |value: &Value| match value {
        Value::String(text) => kind.condition(text, currency),
        _ => Err("has something that is no text".to_owned()),
    };
    let any = |value: &Value| match value {
        Value::Array(any) => joined(any, " OR ", one),
        other => one(other),
    };
    checked(match list {
        Value::Array(all) => joined(all, " AND ", any)?,
        other => one(other)?,
    })
}

fn joined(
    list: &[Value],
    join: &str,
    each: impl Fn(&Value) -> Result<String, String>,
) -> Result<String, String> {
    let parts = list.iter().map(each).collect::<Result<Vec<String>, String>>()?;
    match parts.as_slice() {
        [] => Err("has an empty list".to_owned()),
        [one] => Ok(one.clone()),
        many => {
            let many: Vec<String> = many.iter().map(|one| format!("({one})")).collect();
            Ok(many.join(join))
        }
    }
}

/// What the texts of a list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListKind {
    /// `brand:Apple`, `brand:-Apple`; the value goes to the end, whatever is in it.
    Facets,
    /// `published`, `-hidden`.
    Tags,
    /// `price < 10`, `price: 10 TO 20`.
    Numbers,
}

impl ListKind {
    fn condition(self, text: &str, currency: Currency) -> Result<String, String> {
        let (name, value) = match self {
            ListKind::Numbers => return read(text, currency),
            ListKind::Tags => ("_tags", text),
            ListKind::Facets => text.split_once(':').ok_or("has an entry without a colon")?,
        };
        let (value, is_not) = match value.trim().strip_prefix('-') {
            Some(rest) => (rest, true),
            None => (value.trim(), false),
        };
        // A value that begins with a hyphen is written `\-`.
        let value = value.strip_prefix('\\').filter(|rest| rest.starts_with('-')).unwrap_or(value);
        let holds = condition(name.trim(), value, currency)?;
        Ok(if is_not { format!("NOT {holds}") } else { holds })
    }
}

/// One entry of `optionalFilters`: the condition, whether it is wanted or unwanted, and its score.
pub(super) struct Wish {
    pub(super) filter: String,
    pub(super) is_wanted: bool,
    pub(super) score: f64,
}

/// Reads one entry of `optionalFilters`: `brand:Apple<score=2>`, `brand:-Apple`.
pub(super) fn read_wish(text: &str, currency: Currency) -> Result<Wish, String> {
    let (text, score) = match text.rsplit_once("<score=") {
        Some((text, score)) => {
            let score = score.trim_end_matches('>').trim().parse();
            (text, score.map_err(|_| "has a score that is no number".to_owned())?)
        }
        None => (text, 1.0),
    };
    let filter = checked(ListKind::Facets.condition(text, currency)?)?;
    Ok(match filter.strip_prefix("NOT ") {
        Some(filter) => Wish { filter: filter.to_owned(), is_wanted: false, score },
        None => Wish { filter, is_wanted: true, score },
    })
}

/// What a field is compared with.
struct Operand {
    /// As our language has it.
    written: String,
    text: String,
    number: Option<f64>,
}

impl Operand {
    fn text(text: &str) -> Operand {
        let written = match text.to_ascii_lowercase().as_str() {
            word @ ("true" | "false") => word.to_owned(),
            // Paths of Magento's hierarchy are written in our way.
            _ => quoted(&text.replace(" /// ", " > ")),
        };
        let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
        Operand { written, text: text.to_owned(), number }
    }

    fn number(number: f64) -> Operand {
        Operand { written: number.to_string(), text: number.to_string(), number: Some(number) }
    }

    /// As a field of ours is compared with it: a time is one of seconds.
    fn of(&self, own: &str) -> String {
        match self.number {
            Some(number) if own == "published_at" => seconds_of(number).to_string(),
            _ => self.written.clone(),
        }
    }
}

/// A comparison of what a field has become.
fn comparison(
    (name, op): (&str, &str),
    value: &Operand,
    currency: Currency,
) -> Result<String, String> {
    Ok(match became(name, currency) {
        Became::Own(own) => format!("{own} {op} {}", value.of(own)),
        Became::Attribute => format!("{} {op} {}", attribute(name), value.written),
        // Nothing has a value that is not equal, so that is the opposite of one that is.
        Became::Moved(_) if op == "!=" => {
            format!("NOT {}", comparison((name, "="), value, currency)?)
        }
        Became::Moved(own) => {
            let (theirs, written) = (attribute(name), &value.written);
            let ours = format!("{own} {op} {}", value.of(own));
            format!("({theirs} {op} {written} OR {theirs} NOT EXISTS AND {ours})")
        }
        Became::InStock => {
            let truth = availability_of(&value.text).map(Availability::is_sellable);
            let holds = |is_in: bool| match (op, value.number, truth) {
                ("=", None, Some(truth)) => truth == is_in,
                ("!=", None, Some(truth)) => truth != is_in,
                (_, Some(number), _) => compare(f64::from(u8::from(is_in)), op, number),
                _ => false,
            };
            match (holds(true), holds(false)) {
                (true, false) => "in_stock = true".to_owned(),
                (false, true) => "in_stock = false".to_owned(),
                _ => {
                    return Err(format!(
                        "asks for more than whether something can be bought, of `{name}`"
                    ));
                }
            }
        }
        Became::Availability => match availability_of(&value.text) {
            Some(state) if ["=", "!="].contains(&op) => {
                format!("availability {op} '{}'", state.as_str())
            }
            _ => return Err("asks for an availability in a word that names none".to_owned()),
        },
        Became::Unseen => {
            return Err(format!("asks for what products cannot be filtered by here, `{name}`"));
        }
    })
}

fn compare(left: f64, op: &str, right: f64) -> bool {
    match op {
        "=" => left == right,
        "!=" => left != right,
        "<" => left < right,
        "<=" => left <= right,
        ">" => left > right,
        _ => left >= right,
    }
}

fn condition(name: &str, value: &str, currency: Currency) -> Result<String, String> {
    comparison((name, "="), &Operand::text(value), currency)
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// An attribute's name, so that it is read as one.
fn attribute(name: &str) -> String {
    let begins = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let is_plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let is_taken = OWN_NAMES.contains(&name) || name.starts_with("attributes.");
    match begins && is_plain && !is_key_word(name) {
        true if is_taken => format!("attributes.{name}"),
        true => name.to_owned(),
        false => format!("attributes.{}", quoted(name)),
    }
}

fn is_key_word(word: &str) -> bool {
    let words = ["AND", "OR", "NOT", "IN", "TO", "EXISTS", "TRUE", "FALSE"];
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

#[derive(Clone, Debug, PartialEq)]
enum Token<'a> {
    /// Letters and signs up to a blank, a bracket, a colon or an operator.
    Word(&'a str),
    /// In quotes, of either kind.
    Quoted(String),
    Op(&'static str),
    Colon,
    Open,
    Close,
    /// A quote that is never closed.
    Unclosed,
    End,
}

struct Parser<'a> {
    text: &'a str,
    currency: Currency,
    at: usize,
    depth: usize,
    out: String,
}

impl<'a> Parser<'a> {
    fn or(&mut self) -> Result<(), String> {
        self.and()?;
        while self.take_word("OR") {
            self.out.push_str(" OR ");
            self.and()?;
        }
        Ok(())
    }

    fn and(&mut self) -> Result<(), String> {
        self.not()?;
        while self.take_word("AND") {
            self.out.push_str(" AND ");
            self.not()?;
        }
        Ok(())
    }

    fn not(&mut self) -> Result<(), String> {
        let is_not = self.is_word("NOT");
        if !is_not && self.token().0 != Token::Open {
            return self.condition();
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("has over {DEPTH_MAX} levels of NOT and brackets"));
        }
        self.next();
        if is_not {
            self.out.push_str("NOT ");
            self.not()?;
        } else {
            self.out.push('(');
            self.or()?;
            if self.token().0 != Token::Close {
                return Err(self.unexpected("AND, OR or a closing bracket"));
            }
            self.next();
            self.out.push(')');
        }
        self.depth -= 1;
        Ok(())
    }

    fn condition(&mut self) -> Result<(), String> {
        let name = self.text_token("an attribute, NOT or a bracket")?;
        match self.token().0 {
            Token::Op(op) => {
                self.next();
                let number = Operand::number(self.number()?);
                self.out.push_str(&comparison((&name, op), &number, self.currency)?);
            }
            Token::Colon => {
                self.next();
                let value = self.text_token("a value")?;
                if !self.take_word("TO") {
                    self.out.push_str(&condition(&name, &value, self.currency)?);
                    return Ok(());
                }
                let low: f64 = value.parse().map_err(|_| self.unexpected("a number before TO"))?;
                let high = self.number()?;
                let limit =
                    |op, number| comparison((&name, op), &Operand::number(number), self.currency);
                let both = format!("({} AND {})", limit(">=", low)?, limit("<=", high)?);
                self.out.push_str(&both);
            }
            // A word alone is a tag.
            _ => self.out.push_str(&condition("_tags", &name, self.currency)?),
        }
        Ok(())
    }

    fn text_token(&mut self, what: &str) -> Result<String, String> {
        let text = match self.token().0 {
            Token::Word(word) if !["AND", "OR", "NOT", "TO"].contains(&word) => word.to_owned(),
            Token::Quoted(text) => text,
            _ => return Err(self.unexpected(what)),
        };
        self.next();
        Ok(text)
    }

    fn number(&mut self) -> Result<f64, String> {
        let Token::Word(word) = self.token().0 else { return Err(self.unexpected("a number")) };
        let number = word.parse().map_err(|_| self.unexpected("a number"))?;
        self.next();
        Ok(number)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.token().0, Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_next = self.is_word(word);
        if is_next {
            self.next();
        }
        is_next
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
            '(' => (Token::Open, start + 1),
            ')' => (Token::Close, start + 1),
            ':' => (Token::Colon, start + 1),
            '\'' | '"' => self.quote(start, first),
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "():=!<>'\"".contains(c));
                let end = end.unwrap_or(rest.len()).max(first.len_utf8());
                (Token::Word(&rest[..end]), start + end)
            }
        }
    }

    fn quote(&self, start: usize, mark: char) -> (Token<'a>, usize) {
        let mut text = String::new();
        let mut letters = self.text[start + 1..].char_indices();
        while let Some((place, letter)) = letters.next() {
            match letter {
                '\\' => text.extend(letters.next().map(|(_, escaped)| escaped)),
                _ if letter == mark => return (Token::Quoted(text), start + 1 + place + 1),
                _ => text.push(letter),
            }
        }
        (Token::Unclosed, self.text.len())
    }

    fn unexpected(&self, expected: &str) -> String {
        let rest = &self.text[self.at..];
        let start = self.at + rest.len() - rest.trim_start().len();
        let character = self.text[..start].chars().count() + 1;
        format!("cannot be read at character {character}: expected {expected}")
    }
}
