//! The parser: recursive descent over tokens that are read on demand.

use std::borrow::Cow;

use super::{Expr, Field, FieldKind, Filter, FilterError, Literal, Op};

const A_FIELD: &str = "a field such as `price` or `attributes.size`, `NOT` or `(`";
const AN_OP: &str = "`=`, `!=`, `<`, `<=`, `>`, `>=`, `IN`, `EXISTS`, `CONTAINS` or `STARTS WITH`";
const A_WORD: &str = "`IN`, `EXISTS`, `CONTAINS` or `STARTS WITH`";
const A_NUMBER_OP: &str =
    "`=`, `!=`, `<`, `<=`, `>`, `>=`, `IN` or `EXISTS`, for this field has numbers alone";
const A_NUMBER_WORD: &str = "`IN` or `EXISTS`, for this field has numbers alone";
const A_TEXT: &str = "a 'text' in single quotes";
const A_VALUE: &str = "a number, a 'text' in single quotes, `true` or `false`";
const A_NUMBER: &str = "a number, for this field has no other values";
const A_JOIN: &str = "`AND`, `OR` or the end";
const A_CLOSE: &str = "`AND`, `OR` or `)`";
const A_LIST: &str = "`[` and a list of values";
const A_LIST_GOES_ON: &str = "`,` or `]`";

/// Reads a filter, on these fields alone if there are any.
pub(super) fn parse<'a>(
    text: &'a str,
    fields: Option<&'a [(&'a str, FieldKind)]>,
) -> Result<Expr, FilterError> {
    if text.len() > Filter::BYTES_MAX {
        return Err(FilterError::TooLong { bytes: text.len() });
    }
    let next = (0, Token::End);
    let mut parser = Parser { text, fields, at: 0, next, depth: 0, n_terms: 0 };
    parser.advance()?;
    let root = parser.or()?;
    match parser.next.1 {
        Token::End => Ok(root),
        _ => Err(parser.unexpected(A_JOIN)),
    }
}

/// Whether a character may stand in a name without quotes.
pub(super) fn is_name_char(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '-' | '.')
}

#[derive(Clone, Debug, PartialEq)]
enum Token<'a> {
    Name(&'a str),
    /// `attributes.'odd name'`.
    QuotedAttribute(Cow<'a, str>),
    Text(Cow<'a, str>),
    Number(f64),
    Op(Op),
    Open,
    Close,
    ListOpen,
    ListClose,
    Comma,
    /// A character that begins nothing.
    Stray,
    End,
}

struct Parser<'a> {
    text: &'a str,
    /// The fields that there are; `None` where any name may be an attribute.
    fields: Option<&'a [(&'a str, FieldKind)]>,
    /// Bytes read, the next token among them.
    at: usize,
    /// The next token and where it begins.
    next: (usize, Token<'a>),
    depth: usize,
    n_terms: usize,
}

impl<'a> Parser<'a> {
    fn or(&mut self) -> Result<Expr, FilterError> {
        let mut parts = vec![self.and()?];
        while self.take_word("OR")? {
            parts.push(self.and()?);
        }
        Ok(one_or(parts, Expr::Or))
    }

    fn and(&mut self) -> Result<Expr, FilterError> {
        let mut parts = vec![self.not()?];
        while self.take_word("AND")? {
            parts.push(self.not()?);
        }
        Ok(one_or(parts, Expr::And))
    }

    fn not(&mut self) -> Result<Expr, FilterError> {
        let start = self.next.0;
        let is_not = self.take_word("NOT")?;
        if !is_not && self.next.1 != Token::Open {
            return self.term();
        }
        self.depth += 1;
        if self.depth > Filter::DEPTH_MAX {
            return Err(FilterError::TooDeep { character: self.character(start) });
        }
        let inner = if is_not {
            Expr::Not(Box::new(self.not()?))
        } else {
            self.advance()?;
            let inner = self.or()?;
            self.take(&Token::Close, A_CLOSE)?;
            inner
        };
        self.depth -= 1;
        Ok(inner)
    }

    fn term(&mut self) -> Result<Expr, FilterError> {
        let start = self.next.0;
        let field = self.field()?;
        self.n_terms += 1;
        if self.n_terms > Filter::TERMS_MAX {
            return Err(FilterError::TooManyTerms { character: self.character(start) });
        }
        if let Token::Op(op) = self.next.1 {
            self.advance()?;
            let value = self.value(self.kind_of(&field))?;
            return Ok(Expr::Compare(field, op, value));
        }
        let is_not = self.take_word("NOT")?;
        let has_texts = self.kind_of(&field) != FieldKind::Number;
        let term = if self.take_word("IN")? {
            let values = self.list(self.kind_of(&field))?;
            Expr::In(field, values)
        } else if self.take_word("EXISTS")? {
            Expr::Exists(field)
        } else if has_texts && self.take_word("CONTAINS")? {
            Expr::Compare(field, Op::Contains, self.text()?)
        } else if has_texts && self.take_word("STARTS")? {
            if !self.take_word("WITH")? {
                return Err(self.unexpected("`WITH`"));
            }
            Expr::Compare(field, Op::Starts, self.text()?)
        } else {
            return Err(self.unexpected(match (is_not, has_texts) {
                (false, true) => AN_OP,
                (true, true) => A_WORD,
                (false, false) => A_NUMBER_OP,
                (true, false) => A_NUMBER_WORD,
            }));
        };
        Ok(if is_not { Expr::Not(Box::new(term)) } else { term })
    }

    fn field(&mut self) -> Result<Field, FilterError> {
        let field = match &self.next.1 {
            Token::Name(name) if !is_key_word(name) => match name.strip_prefix("attributes.") {
                Some("") => return Err(self.unexpected("a name after `attributes.`")),
                Some(attribute) => Field::Attribute(attribute.into()),
                None => Field::from_name(name),
            },
            Token::QuotedAttribute(name) => Field::Attribute(name.as_ref().into()),
            _ => return Err(self.unexpected(A_FIELD)),
        };
        if let Some(known) = self.fields
            && !known.iter().any(|(name, _)| *name == field.name())
        {
            return Err(FilterError::UnknownField {
                character: self.character(self.next.0),
                field: shorten(field.name()).into_owned(),
                known: known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
            });
        }
        self.advance()?;
        Ok(field)
    }

    fn kind_of(&self, field: &Field) -> FieldKind {
        let Some(known) = self.fields else { return field.kind() };
        let found = known.iter().find(|(name, _)| *name == field.name());
        found.map_or(FieldKind::Other, |(_, kind)| *kind)
    }

    fn value(&mut self, kind: FieldKind) -> Result<Literal, FilterError> {
        let literal = match &self.next.1 {
            Token::Text(text) => Literal::text(text),
            Token::Number(number) => Literal::Number(*number),
            Token::Name(name) if name.eq_ignore_ascii_case("true") => Literal::Bool(true),
            Token::Name(name) if name.eq_ignore_ascii_case("false") => Literal::Bool(false),
            _ => return Err(self.unexpected(A_VALUE)),
        };
        if kind == FieldKind::Number && !literal.is_number() {
            return Err(self.unexpected(A_NUMBER));
        }
        self.advance()?;
        Ok(literal)
    }

    fn text(&mut self) -> Result<Literal, FilterError> {
        let Token::Text(text) = &self.next.1 else { return Err(self.unexpected(A_TEXT)) };
        let literal = Literal::text(text);
        self.advance()?;
        Ok(literal)
    }

    fn list(&mut self, kind: FieldKind) -> Result<Vec<Literal>, FilterError> {
        self.take(&Token::ListOpen, A_LIST)?;
        let mut literals = Vec::new();
        loop {
            if literals.len() == Filter::VALUES_MAX {
                let character = self.character(self.next.0);
                return Err(FilterError::TooManyValues { character });
            }
            literals.push(self.value(kind)?);
            if self.next.1 != Token::Comma {
                break;
            }
            self.advance()?;
        }
        self.take(&Token::ListClose, A_LIST_GOES_ON)?;
        Ok(literals)
    }

    fn take(&mut self, token: &Token<'_>, expected: &'static str) -> Result<(), FilterError> {
        if self.next.1 == *token { self.advance() } else { Err(self.unexpected(expected)) }
    }

    fn take_word(&mut self, word: &str) -> Result<bool, FilterError> {
        let is_next = matches!(self.next.1, Token::Name(name) if name.eq_ignore_ascii_case(word));
        if is_next {
            self.advance()?;
        }
        Ok(is_next)
    }

    fn unexpected(&self, expected: &'static str) -> FilterError {
        let (start, token) = &self.next;
        let found = match token {
            Token::End => "the end".to_owned(),
            Token::Stray => {
                format!("`{}`", self.text[*start..].chars().next().unwrap_or_default())
            }
            // Long texts are cut: the place says the rest.
            _ => format!("`{}`", shorten(&self.text[*start..self.at])),
        };
        self.syntax(*start, expected, found)
    }

    fn syntax(&self, byte: usize, expected: &'static str, found: String) -> FilterError {
        FilterError::Syntax { byte, character: self.character(byte), expected, found }
    }

    fn character(&self, byte: usize) -> usize {
        self.text[..byte].chars().count() + 1
    }

    /// Reads the token after the next one, which becomes the next.
    fn advance(&mut self) -> Result<(), FilterError> {
        let rest = self.text[self.at..].trim_start();
        let start = self.text.len() - rest.len();
        self.at = start;
        let token = self.token(rest)?;
        self.next = (start, token);
        Ok(())
    }

    fn token(&mut self, rest: &'a str) -> Result<Token<'a>, FilterError> {
        const SYMBOLS: [(&str, Token<'static>); 11] = [
            ("!=", Token::Op(Op::Ne)),
            ("<=", Token::Op(Op::Le)),
            (">=", Token::Op(Op::Ge)),
            ("=", Token::Op(Op::Eq)),
            ("<", Token::Op(Op::Lt)),
            (">", Token::Op(Op::Gt)),
            ("(", Token::Open),
            (")", Token::Close),
            ("[", Token::ListOpen),
            ("]", Token::ListClose),
            (",", Token::Comma),
        ];
        let Some(first) = rest.chars().next() else {
            return Ok(Token::End);
        };
        if let Some((symbol, token)) = SYMBOLS.iter().find(|(symbol, _)| rest.starts_with(symbol)) {
            self.at += symbol.len();
            return Ok(token.clone());
        }
        match first {
            '\'' => Ok(Token::Text(self.quoted()?)),
            '0'..='9' | '-' => self.number(rest),
            _ if first.is_alphabetic() || first == '_' => {
                let name = take_while(rest, is_name_char);
                self.at += name.len();
                if name == "attributes." && self.text[self.at..].starts_with('\'') {
                    return Ok(Token::QuotedAttribute(self.quoted()?));
                }
                Ok(Token::Name(name))
            }
            _ => {
                self.at += first.len_utf8();
                Ok(Token::Stray)
            }
        }
    }

    fn number(&mut self, rest: &'a str) -> Result<Token<'a>, FilterError> {
        let start = self.at;
        let mut previous = ' ';
        let text = take_while(rest, |char| {
            let is_sign = matches!(char, '-' | '+') && matches!(previous, ' ' | 'e' | 'E');
            let is_part = char.is_ascii_digit() || is_sign || matches!(char, '.' | 'e' | 'E');
            previous = char;
            is_part
        });
        self.at += text.len();
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Token::Number(number)),
            _ => Err(self.syntax(start, "a number such as -1.5", format!("`{}`", shorten(text)))),
        }
    }

    /// Reads a text in quotes, of which the first is the next character.
    fn quoted(&mut self) -> Result<Cow<'a, str>, FilterError> {
        let start = self.at;
        let rest = &self.text[start + 1..];
        let mut plain_from = 0;
        let mut text = Cow::Borrowed("");
        let mut chars = rest.char_indices().peekable();
        while let Some((place, char)) = chars.next() {
            let after = chars.peek().map(|(_, char)| *char);
            let is_escape = match char {
                '\'' => after == Some('\''),
                '\\' => matches!(after, Some('\'' | '\\')),
                _ => continue,
            };
            if is_escape {
                text += &rest[plain_from..place];
                plain_from = place + 1;
                chars.next();
            } else if char == '\'' {
                text += &rest[plain_from..place];
                self.at = start + 1 + place + 1;
                return Ok(text);
            }
        }
        Err(self.syntax(start, "a closing quote", format!("`{}`", shorten(&self.text[start..]))))
    }
}

fn one_or(mut parts: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}

pub(super) fn is_key_word(name: &str) -> bool {
    let words = ["AND", "OR", "NOT", "IN", "EXISTS", "TRUE", "FALSE"];
    words.iter().any(|word| name.eq_ignore_ascii_case(word))
}

fn take_while(text: &str, mut is_part: impl FnMut(char) -> bool) -> &str {
    &text[..text.find(|char| !is_part(char)).unwrap_or(text.len())]
}

fn shorten(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(40) {
        Some((place, _)) => format!("{}…", &text[..place]).into(),
        None => text.into(),
    }
}
