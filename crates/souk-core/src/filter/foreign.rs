//! Filters of other engines: what their languages have in common, which is how conditions are joined, and how words and
//! quotes are told apart. What a condition is differs, and is read by whoever knows the language.

use std::fmt;

use super::Filter;

/// A piece of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// Letters and signs up to a blank, a quote, an operator or a sign of the language.
    Word(&'a str),
    /// In quotes, of either kind.
    Quoted(String),
    /// `=`, `!=`, `<`, `<=`, `>` or `>=`.
    Op(&'static str),
    /// A sign of the language.
    Sign(char),
    /// A quote that is never closed.
    Unclosed,
    /// The end.
    End,
}

/// What a backslash does in quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escapes {
    /// It goes, and what comes behind it is part of the text.
    Anything,
    /// The same before the quote that would close the text and before another backslash; else it is part of the text.
    Quotes,
}

/// Reads one piece after another.
#[derive(Clone, Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    signs: &'static str,
    escapes: Escapes,
}

impl<'a> Scanner<'a> {
    /// Begins with the first piece of a text; `(` and `)` must be among the signs.
    pub fn new(text: &'a str, signs: &'static str, escapes: Escapes) -> Scanner<'a> {
        Scanner { text, at: 0, signs, escapes }
    }

    /// The next piece.
    pub fn peek(&self) -> Token<'a> {
        self.token().0
    }

    /// Goes on to the piece after the next.
    pub fn advance(&mut self) {
        self.at = self.token().1;
    }

    /// Whether the next piece is a word, in upper or lower case.
    pub fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    /// The same, and goes on if it is.
    pub fn take_word(&mut self, word: &str) -> bool {
        let is_next = self.is_word(word);
        if is_next {
            self.advance();
        }
        is_next
    }

    /// Whether the next piece is a sign, and goes on if it is.
    pub fn take_sign(&mut self, sign: char) -> bool {
        let is_next = self.peek() == Token::Sign(sign);
        if is_next {
            self.advance();
        }
        is_next
    }

    /// Which character the next piece begins with, counted from 1.
    pub fn character(&self) -> usize {
        self.text[..self.start()].chars().count() + 1
    }

    /// The next piece, as an error tells of it.
    pub fn found(&self) -> String {
        let (token, end) = self.token();
        match token {
            Token::End => "the end".to_owned(),
            Token::Unclosed => "a quote that is not closed".to_owned(),
            _ => {
                let whole = &self.text[self.start()..end];
                format!("`{}`", whole.chars().take(40).collect::<String>())
            }
        }
    }

    fn start(&self) -> usize {
        self.text.len() - self.text[self.at..].trim_start().len()
    }

    /// The next piece and where it ends.
    fn token(&self) -> (Token<'a>, usize) {
        let start = self.start();
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else { return (Token::End, start) };
        for op in ["!=", ">=", "<=", "=", ">", "<"] {
            if rest.starts_with(op) {
                return (Token::Op(op), start + op.len());
            }
        }
        match first {
            '\'' | '"' => self.quote(start, first),
            _ if self.signs.contains(first) => (Token::Sign(first), start + first.len_utf8()),
            _ => {
                let ends =
                    |c: char| c.is_whitespace() || "=!<>'\"".contains(c) || self.signs.contains(c);
                // A lone `!` begins nothing.
                let end = rest.find(ends).unwrap_or(rest.len()).max(first.len_utf8());
                (Token::Word(&rest[..end]), start + end)
            }
        }
    }

    fn quote(&self, start: usize, mark: char) -> (Token<'a>, usize) {
        let mut text = String::new();
        let mut letters = self.text[start + 1..].char_indices();
        while let Some((place, letter)) = letters.next() {
            match letter {
                '\\' => match (letters.next(), self.escapes) {
                    (Some((_, escaped)), Escapes::Anything) => text.push(escaped),
                    (Some((_, escaped)), _) if escaped == mark || escaped == '\\' => {
                        text.push(escaped);
                    }
                    (Some((_, other)), Escapes::Quotes) => text.extend(['\\', other]),
                    (None, _) => {}
                },
                _ if letter == mark => return (Token::Quoted(text), start + 1 + place + 1),
                _ => text.push(letter),
            }
        }
        (Token::Unclosed, self.text.len())
    }
}

/// Conditions and how they are joined.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree<C> {
    /// One condition.
    One(C),
    /// What does not hold.
    Not(Box<Tree<C>>),
    /// All must hold; none of them is the same as no condition.
    All(Vec<Tree<C>>),
    /// One must hold.
    Any(Vec<Tree<C>>),
}

/// Why a text is no tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeFault {
    /// Something else stands where this may stand.
    Expected(&'static str),
    /// `NOT` and parentheses lie deeper than [`Filter::DEPTH_MAX`].
    TooDeep,
}

/// Reads conditions joined by `AND`, `OR`, `NOT` and parentheses, to the end of the text.
///
/// # Errors
///
/// Those of `condition`, and what `fault` makes of a [`TreeFault`] at the next piece.
pub fn read_tree<'a, C, E>(
    scanner: &mut Scanner<'a>,
    condition: &mut dyn FnMut(&mut Scanner<'a>) -> Result<C, E>,
    fault: &dyn Fn(&Scanner<'a>, TreeFault) -> E,
) -> Result<Tree<C>, E> {
    let mut reader = Reader { scanner, condition, fault, depth: 0 };
    let tree = reader.any()?;
    match reader.scanner.peek() {
        Token::End => Ok(tree),
        _ => Err(reader.fault(TreeFault::Expected("`AND`, `OR` or the end"))),
    }
}

struct Reader<'r, 'a, C, E> {
    scanner: &'r mut Scanner<'a>,
    condition: &'r mut dyn FnMut(&mut Scanner<'a>) -> Result<C, E>,
    fault: &'r dyn Fn(&Scanner<'a>, TreeFault) -> E,
    depth: usize,
}

impl<C, E> Reader<'_, '_, C, E> {
    fn any(&mut self) -> Result<Tree<C>, E> {
        let mut parts = vec![self.all()?];
        while self.scanner.take_word("OR") {
            parts.push(self.all()?);
        }
        Ok(Tree::one_or(parts, Tree::Any))
    }

    fn all(&mut self) -> Result<Tree<C>, E> {
        let mut parts = vec![self.not()?];
        while self.scanner.take_word("AND") {
            parts.push(self.not()?);
        }
        Ok(Tree::one_or(parts, Tree::All))
    }

    fn not(&mut self) -> Result<Tree<C>, E> {
        let is_not = self.scanner.is_word("NOT");
        if !is_not && self.scanner.peek() != Token::Sign('(') {
            return (self.condition)(self.scanner).map(Tree::One);
        }
        self.depth += 1;
        if self.depth > Filter::DEPTH_MAX {
            return Err(self.fault(TreeFault::TooDeep));
        }
        self.scanner.advance();
        let tree = if is_not {
            Tree::Not(Box::new(self.not()?))
        } else {
            let inner = self.any()?;
            if !self.scanner.take_sign(')') {
                return Err(self.fault(TreeFault::Expected("`AND`, `OR` or `)`")));
            }
            inner
        };
        self.depth -= 1;
        Ok(tree)
    }

    fn fault(&self, fault: TreeFault) -> E {
        (self.fault)(self.scanner, fault)
    }
}

impl<C> Tree<C> {
    /// The part alone, or some joined.
    pub fn one_or(mut parts: Vec<Tree<C>>, join: fn(Vec<Tree<C>>) -> Tree<C>) -> Tree<C> {
        if parts.len() == 1 { parts.remove(0) } else { join(parts) }
    }
}

/// Conditions in our language as one filter of it. Each must stand by itself: what it joins is in parentheses.
impl fmt::Display for Tree<String> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tree::One(condition) => f.write_str(condition),
            Tree::Not(inner) => match **inner {
                Tree::All(_) | Tree::Any(_) => write!(f, "NOT ({inner})"),
                _ => write!(f, "NOT {inner}"),
            },
            Tree::All(parts) => join(f, parts, " AND "),
            Tree::Any(parts) => join(f, parts, " OR "),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, parts: &[Tree<String>], separator: &str) -> fmt::Result {
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            f.write_str(separator)?;
        }
        match part {
            Tree::Any(_) => write!(f, "({part})")?,
            _ => write!(f, "{part}")?,
        }
    }
    Ok(())
}

/// A text as a literal of our language.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// An attribute's name as our language reads it, as an attribute in any case where it is `taken`.
pub fn attribute_name(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let begins = name.starts_with(|char: char| char.is_alphabetic() || char == '_');
    let is_plain = begins && name.chars().all(super::parse::is_name_char);
    match is_plain && !super::parse::is_key_word(name) {
        true if is_taken(name) || name.starts_with("attributes.") => format!("attributes.{name}"),
        true => name.to_owned(),
        false => format!("attributes.{}", quoted(name)),
    }
}
