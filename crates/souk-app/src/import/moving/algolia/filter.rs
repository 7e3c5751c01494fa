//! Algolia's filters in ours: `brand:Apple AND (price < 10 OR NOT color:'dark red')`, and the lists of
//! `facetFilters` and the like, in which a list within a list says "one of these".

use serde_json::Value;
use souk_core::filter::foreign::{
    Escapes, Scanner, Token, Tree, TreeFault, attribute_name, quoted, read_tree,
};
use souk_core::{Availability, Currency, Filter};

use super::fields::{Became, availability_of, became, seconds_of};

/// Names that mean a field of every product here, and nothing but an attribute in records.
const OWN_NAMES: [&str; 3] = ["id", "category", "perishable_days"];

/// Reads `filters` of records whose prices are in `currency`.
///
/// # Errors
///
/// What stands where, without a value.
pub(super) fn read(text: &str, currency: Currency) -> Result<String, String> {
    checked(&tree(text, currency)?)
}

fn tree(text: &str, currency: Currency) -> Result<Tree<String>, String> {
    let mut scanner = Scanner::new(text, "():", Escapes::Anything);
    let mut condition = |scanner: &mut Scanner<'_>| Parser { scanner, currency }.condition();
    read_tree(&mut scanner, &mut condition, &|scanner, fault| match fault {
        TreeFault::Expected(what) => unexpected(scanner, what),
        TreeFault::TooDeep => format!("has over {} levels of NOT and brackets", Filter::DEPTH_MAX),
    })
}

fn checked(tree: &Tree<String>) -> Result<String, String> {
    let text = tree.to_string();
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
        Value::Array(any) => joined(any, Tree::Any, one),
        other => one(other),
    };
    let tree = match list {
        Value::Array(all) => joined(all, Tree::All, any)?,
        other => one(other)?,
    };
    checked(&tree)
}

fn joined(
    list: &[Value],
    join: fn(Vec<Tree<String>>) -> Tree<String>,
    each: impl Fn(&Value) -> Result<Tree<String>, String>,
) -> Result<Tree<String>, String> {
    let parts = list.iter().map(each).collect::<Result<Vec<_>, String>>()?;
    if parts.is_empty() {
        return Err("has an empty list".to_owned());
    }
    Ok(Tree::one_or(parts, join))
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
    fn condition(self, text: &str, currency: Currency) -> Result<Tree<String>, String> {
        let (name, value) = match self {
            ListKind::Numbers => return tree(text, currency),
            ListKind::Tags => ("_tags", text),
            ListKind::Facets => text.split_once(':').ok_or("has an entry without a colon")?,
        };
        let (value, is_not) = match value.trim().strip_prefix('-') {
            Some(rest) => (rest, true),
            None => (value.trim(), false),
        };
        // A value that begins with a hyphen is written `\-`.
        let value = value.strip_prefix('\\').filter(|rest| rest.starts_with('-')).unwrap_or(value);
        let holds = Tree::One(condition(name.trim(), value, currency)?);
        Ok(if is_not { Tree::Not(Box::new(holds)) } else { holds })
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
    Ok(match ListKind::Facets.condition(text, currency)? {
        Tree::Not(filter) => Wish { filter: checked(&filter)?, is_wanted: false, score },
        filter => Wish { filter: checked(&filter)?, is_wanted: true, score },
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

/// An attribute's name, so that it is read as one.
fn attribute(name: &str) -> String {
    attribute_name(name, |name| OWN_NAMES.contains(&name))
}

/// Reads conditions of records whose prices are in `currency`.
struct Parser<'r, 'a> {
    scanner: &'r mut Scanner<'a>,
    currency: Currency,
}

impl Parser<'_, '_> {
    fn condition(&mut self) -> Result<String, String> {
        let name = self.text_token("an attribute, NOT or a bracket")?;
        match self.scanner.peek() {
            Token::Op(op) => {
                self.scanner.advance();
                let number = Operand::number(self.number()?);
                comparison((&name, op), &number, self.currency)
            }
            Token::Sign(':') => {
                self.scanner.advance();
                let value = self.text_token("a value")?;
                if !self.scanner.take_word("TO") {
                    return condition(&name, &value, self.currency);
                }
                let low: f64 = value.parse().map_err(|_| self.unexpected("a number before TO"))?;
                let high = self.number()?;
                let limit =
                    |op, number| comparison((&name, op), &Operand::number(number), self.currency);
                Ok(format!("({} AND {})", limit(">=", low)?, limit("<=", high)?))
            }
            // A word alone is a tag.
            _ => condition("_tags", &name, self.currency),
        }
    }

    fn text_token(&mut self, what: &str) -> Result<String, String> {
        let text = match self.scanner.peek() {
            Token::Word(word) if !["AND", "OR", "NOT", "TO"].contains(&word) => word.to_owned(),
            Token::Quoted(text) => text,
            _ => return Err(self.unexpected(what)),
        };
        self.scanner.advance();
        Ok(text)
    }

    fn number(&mut self) -> Result<f64, String> {
        let Token::Word(word) = self.scanner.peek() else {
            return Err(self.unexpected("a number"));
        };
        let number = word.parse().map_err(|_| self.unexpected("a number"))?;
        self.scanner.advance();
        Ok(number)
    }

    fn unexpected(&self, expected: &str) -> String {
        unexpected(self.scanner, expected)
    }
}

fn unexpected(scanner: &Scanner<'_>, expected: &str) -> String {
    format!("cannot be read at character {}: expected {expected}", scanner.character())
}
