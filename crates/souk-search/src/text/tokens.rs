//! Tokens: words, numbers, measures and codes, with what they are also known as.

use super::Language;
use super::fold::fold;
use super::units::{unit, write_measure};

/// What a token is; only words are looked for with typing errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Letters alone.
    Word,
    /// Digits, perhaps with a decimal point.
    Number,
    /// A number with its unit.
    Measure,
    /// Letters and digits: a model number, a size such as `2x4`.
    Code,
}

/// What stands between two tokens: whether they are of one phrase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    /// A space or a hyphen, or nothing.
    #[default]
    None,
    /// A slash without spaces: another word in the same place.
    Slash,
    /// A comma or the like: another phrase of the same kind.
    Comma,
    /// A dash or a bracket: something else.
    Dash,
}

impl Gap {
    /// Whether the gap after a word ends its phrase, by the gap after the word that follows. A slash does
    /// between two things (`Pita/Tortillas`), and not between two that say which (`Tortilla/Nacho Chips`).
    pub(crate) fn ends_phrase(self, next: Option<Gap>) -> bool {
        match self {
            Gap::None => false,
            Gap::Slash => next.is_none_or(|next| next != Gap::None),
            Gap::Comma | Gap::Dash => true,
        }
    }

    fn of(between: &str) -> Gap {
        let is_dash = |char| matches!(char, '(' | ')' | '[' | ']' | '|' | '\u{2022}');
        if between.contains(is_dash) || between.contains(" - ") {
            Gap::Dash
        } else if between.contains([',', ';', ':'])
            || (between.contains(' ') && between.contains(['&', '+', '.', '/']))
        {
            Gap::Comma
        } else if between.contains('/') {
            Gap::Slash
        } else {
            Gap::None
        }
    }
}

/// One token of a [`Tokens`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    start: u32,
    end: u32,
    /// What it is.
    pub(crate) kind: TokenKind,
    /// What stands between the token before and this one.
    pub(crate) gap: Gap,
    /// Whether it only says in another way what other tokens say: the parts of a code, a compound
    /// with its hyphen left out. Products are found by them; a query does not ask for them.
    pub(crate) is_extra: bool,
}

/// The tokens of one text; kept and filled again, because texts are many.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    folded: String,
    out: String,
    tokens: Vec<Token>,
    /// What stands before the run that is being read.
    gap: Gap,
}

impl Tokens {
    /// Takes a text apart, in place of the last one.
    pub(crate) fn read(&mut self, text: &str) -> &[Token] {
        self.folded.clear();
        self.out.clear();
        self.tokens.clear();
        let mut folded = std::mem::take(&mut self.folded);
        fold(text, &mut folded);
        Scan { text: &folded, into: self, before: None }.run();
        self.folded = folded;
        &self.tokens
    }

    /// The tokens read last.
    pub(crate) fn all(&self) -> &[Token] {
        &self.tokens
    }

    /// A token's text.
    pub(crate) fn text(&self, token: &Token) -> &str {
        &self.out[token.start as usize..token.end as usize]
    }

    fn push(&mut self, text: &str, kind: TokenKind, is_extra: bool) {
        let start = self.out.len() as u32;
        self.out.push_str(text);
        let end = self.out.len() as u32;
        self.tokens.push(Token { start, end, kind, gap: self.gap, is_extra });
    }
}

/// A run of letters and digits in the folded text.
#[derive(Clone, Copy)]
struct Run<'a> {
    text: &'a str,
    start: usize,
    end: usize,
}

struct Scan<'a> {
    text: &'a str,
    into: &'a mut Tokens,
    /// The run just before, where only a hyphen or `&` stands between.
    before: Option<Run<'a>>,
}

/// The longest token in bytes; longer ones are cut, for nobody types them.
const TOKEN_BYTES_MAX: usize = 64;

impl<'a> Scan<'a> {
    fn run(mut self) {
        let mut at = 0;
        while let Some(run) = next_run(self.text, at) {
            self.into.gap = Gap::of(&self.text[at..run.start]);
            at = self.take(run);
        }
    }

    /// Emits a run with what belongs to it; returns where to go on.
    fn take(&mut self, run: Run<'a>) -> usize {
        let glued = self.before.take();
        if is_ideographic(run.text) {
            self.into.push(run.text, TokenKind::Word, false);
            return run.end;
        }
        if is_number(run.text) {
            return self.take_number(run);
        }
        if let Some((number, name)) = split_number(run.text)
            && let Some(unit) = unit(name)
            && self.measure(number, unit)
        {
            self.into.push(number, TokenKind::Number, true);
            return run.end;
        }
        let kind = kind(run.text);
        self.into.push(run.text, kind, false);
        if kind == TokenKind::Code
            && let Some((left, right)) = code_parts(run.text)
        {
            self.into.push(left, self::kind(left), true);
            self.into.push(right, self::kind(right), true);
        }
        if let Some(number) = number_of(self.text, run) {
            self.into.push(&format!("{}{number}", run.text), TokenKind::Code, true);
        }
        if let Some(before) = glued {
            let whole = format!("{}{}", before.text, run.text);
            if whole.len() <= TOKEN_BYTES_MAX {
                self.into.push(&whole, self::kind(&whole), true);
            }
        }
        self.before = Some(run).filter(|run| is_glue(self.text, run.end));
        run.end
    }

    /// A number, with the unit or the second side that follows it.
    fn take_number(&mut self, run: Run<'a>) -> usize {
        if let Some(fraction) = fraction(self.text, run) {
            return self.take_fraction(run, &fraction);
        }
        let number = decimal(run.text);
        let rest = &self.text[run.end..];
        let sign = if is_quoted(self.text, run.start) { None } else { length_sign(rest) };
        if let Some((name, length)) = sign
            && self.measure(&number, (name, 1.0))
        {
            self.into.push(&number, TokenKind::Number, true);
            return run.end + length;
        }
        let next = beside(self.text, run.end);
        // `2 x 4` is `2x4`.
        if let Some(next) = next.filter(|next| next.text == "x")
            && let Some(last) = next_run(self.text, next.end).filter(|last| is_number(last.text))
        {
            let whole = format!("{number}x{}", decimal(last.text));
            self.into.push(&whole, TokenKind::Code, false);
            return last.end;
        }
        // `1 1/2 lb` is `1.5 lb`; what has halves beside it is not found by them.
        if let Some(next) = next
            && let Some(fraction) = fraction(self.text, next)
            && let Some(unit) = unit_after(self.text, fraction.end)
            && let Ok(whole) = number.parse::<f64>()
            && self.measure(&(whole + fraction.amount).to_string(), unit.unit)
        {
            return unit.end;
        }
        if let Some(unit) = unit_after(self.text, run.end)
            && self.measure(&number, unit.unit)
        {
            self.into.push(&number, TokenKind::Number, true);
            unit.word.iter().for_each(|word| self.into.push(word, TokenKind::Word, true));
            return unit.end;
        }
        self.into.push(&number, TokenKind::Number, false);
        run.end
    }

    /// A fraction is one word: `2%` milk is not found by the `2` of `1/2`. A product for both sides (`iPhone 7/8`) is found
    /// by either.
    fn take_fraction(&mut self, above: Run<'a>, fraction: &Fraction) -> usize {
        let written = &self.text[above.start..fraction.end];
        if let Some(unit) = unit_after(self.text, fraction.end)
            && self.measure(&fraction.amount.to_string(), unit.unit)
        {
            self.into.push(written, TokenKind::Measure, true);
            unit.word.iter().for_each(|word| self.into.push(word, TokenKind::Word, true));
            return unit.end;
        }
        self.into.push(written, TokenKind::Measure, false);
        for side in written.split('/') {
            self.into.push(side, TokenKind::Number, true);
        }
        fraction.end
    }

    fn measure(&mut self, number: &str, unit: (&str, f64)) -> bool {
        let mut whole = String::new();
        let written = write_measure(&decimal(number), unit, &mut whole).is_some();
        if written {
            self.into.push(&whole, TokenKind::Measure, false);
        }
        written
    }
}

/// The unit of a number.
struct UnitAfter<'a> {
    unit: (&'static str, f64),
    /// None for a sign.
    word: Option<&'a str>,
    /// Where it ends.
    end: usize,
}

/// The unit that follows a number which ends at `at`.
fn unit_after(text: &str, at: usize) -> Option<UnitAfter<'_>> {
    let rest = &text[at..];
    if rest.starts_with('"') {
        return Some(UnitAfter { unit: ("in", 1.0), word: None, end: at + 1 });
    }
    if rest.starts_with('%') || rest.starts_with(" %") {
        let end = at + rest.find('%')? + 1;
        return Some(UnitAfter { unit: ("%", 1.0), word: None, end });
    }
    let next = beside(text, at)?;
    // `5 in 1` is no length.
    let is_of =
        next.text == "in" && next_run(text, next.end).is_some_and(|after| is_number(after.text));
    let unit = unit(next.text).filter(|_| !is_of)?;
    Some(UnitAfter { unit, word: Some(next.text), end: next.end })
}

/// The run that follows what ends at `at`, with a space, a hyphen or nothing between.
fn beside(text: &str, at: usize) -> Option<Run<'_>> {
    next_run(text, at).filter(|next| matches!(&text[at..next.start], " " | "-" | ""))
}

/// What is below the line in what shops write as fractions.
const DENOMINATORS: [u32; 8] = [2, 3, 4, 5, 8, 16, 32, 64];

/// A number over another.
struct Fraction {
    amount: f64,
    /// Where the lower number ends.
    end: usize,
}

/// The fraction whose upper number `above` may be: less than one, in lowest terms. `6/12 oz` are six packs of 12 oz.
fn fraction(text: &str, above: Run<'_>) -> Option<Fraction> {
    let is_side = |at: usize| text[..at].ends_with('/');
    let below = next_run(text, above.end).filter(|below| {
        text[above.end..below.start] == *"/" && !text[below.end..].starts_with('/')
    })?;
    let (n_above, n_below): (u32, u32) = (above.text.parse().ok()?, below.text.parse().ok()?);
    let is_lowest = match n_below {
        3 | 5 => true,
        _ => n_above % 2 == 1,
    };
    (!is_side(above.start)
        && (1..n_below).contains(&n_above)
        && DENOMINATORS.contains(&n_below)
        && is_lowest)
        .then(|| Fraction { amount: f64::from(n_above) / f64::from(n_below), end: below.end })
}

/// The next run at or after `from`.
fn next_run(text: &str, from: usize) -> Option<Run<'_>> {
    let start = from + text[from..].find(char::is_alphanumeric)?;
    let first = text[start..].chars().next()?;
    if is_ideograph(first) {
        let end = start + first.len_utf8();
        return Some(Run { text: &text[start..end], start, end });
    }
    let mut end = start;
    let mut chars = text[start..].char_indices().peekable();
    while let Some((idx, char)) = chars.next() {
        let is_in = (char.is_alphanumeric() && !is_ideograph(char)) || is_mark(char);
        let next_is_digit = chars.peek().is_some_and(|(_, next)| next.is_ascii_digit());
        let is_point = matches!(char, '.' | ',')
            && next_is_digit
            && text[start..start + idx]
                .bytes()
                .all(|b| b.is_ascii_digit() || b == b'.' || b == b',');
        if !is_in && !is_point {
            break;
        }
        end = start + idx + char.len_utf8();
    }
    // `men's` is `men`, `l'eau` is `eau`.
    let run = &text[start..end];
    let rest = &text[end..];
    if let Some(after) = rest.strip_prefix('\'') {
        let letters = after.find(|c: char| !c.is_alphanumeric()).unwrap_or(after.len());
        let after = &after[..letters];
        if after == "s" {
            return Some(Run { text: cut(run), start, end: end + 2 });
        }
        let is_elision = matches!(run, "l" | "d" | "j" | "n" | "s" | "m" | "t" | "c" | "qu");
        if is_elision && !after.is_empty() {
            return next_run(text, end + 1);
        }
    }
    Some(Run { text: cut(run), start, end })
}

fn cut(run: &str) -> &str {
    let mut end = run.len().min(TOKEN_BYTES_MAX);
    while !run.is_char_boundary(end) {
        end -= 1;
    }
    &run[..end]
}

fn is_ideograph(char: char) -> bool {
    matches!(char, '\u{2e80}'..='\u{2fdf}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}')
}

fn is_ideographic(text: &str) -> bool {
    text.chars().next().is_some_and(is_ideograph)
}

/// Vowel signs of scripts that write them as marks.
fn is_mark(char: char) -> bool {
    !char.is_ascii() && unicode_normalization::char::is_combining_mark(char)
}

/// The number that a letter or two stand before: `Galaxy S 4` is a `Galaxy S4`. Small words of any language have none: `a 4`.
fn number_of<'a>(text: &'a str, run: Run<'_>) -> Option<&'a str> {
    const DIGITS_MAX: usize = 4;
    let is_name = run.text.chars().count() <= 2
        && run.text.chars().all(char::is_alphabetic)
        && Language::ALL.iter().all(|language| !language.is_stop_word(run.text));
    let rest = text[run.end..].strip_prefix([' ', '-']).filter(|_| is_name)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let next = next_run(rest, 0).filter(|next| next.start == 0 && next.end == digits)?;
    (1..=DIGITS_MAX).contains(&digits).then_some(next.text)
}

/// The unit that signs directly behind a number say, and their length: `6'` is six feet, `6"` and `6''` are six inches, as in
/// `5'6"` and `6'x4'`. `10'er` and `1'000` are no lengths.
fn length_sign(rest: &str) -> Option<(&'static str, usize)> {
    if rest.starts_with('"') {
        return Some(("in", 1));
    }
    let after = rest.strip_prefix('\'')?;
    let (name, length, after) = match after.strip_prefix('\'') {
        Some(after) => ("in", 2, after),
        None => ("ft", 1, after),
    };
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    let is_letter = |char: char| char.is_alphabetic() && char != 'x';
    let is_word = after.starts_with(is_letter) || digits > 2;
    (!is_word).then_some((name, length))
}

/// Whether a quotation mark opens before `at`: one behind a digit is a sign of length.
fn is_quoted(text: &str, at: usize) -> bool {
    let before = text[..at].strip_suffix(['\'', '"']);
    before.is_some_and(|before| {
        !before.ends_with(['\'', '"']) && !before.ends_with(|char: char| char.is_ascii_digit())
    })
}

/// Whether a hyphen or `&` with a letter or digit after it stands at `at`.
fn is_glue(text: &str, at: usize) -> bool {
    let mut rest = text[at..].chars();
    matches!(rest.next(), Some('-' | '&')) && rest.next().is_some_and(char::is_alphanumeric)
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',')
}

pub(super) fn kind(text: &str) -> TokenKind {
    if is_number(text) {
        TokenKind::Number
    } else if text.bytes().any(|byte| byte.is_ascii_digit()) {
        TokenKind::Code
    } else {
        TokenKind::Word
    }
}

/// `1,5` is `1.5`, and `1,000` is `1000`.
fn decimal(number: &str) -> String {
    let Some((whole, part)) = number.split_once(',') else { return number.to_owned() };
    let is_thousands = part
        .split(',')
        .all(|group| group.split('.').next().is_some_and(|digits| digits.len() == 3));
    if is_thousands {
        number.replace(',', "")
    } else {
        format!("{whole}.{}", part.replace(',', ""))
    }
}

/// A number at the beginning, and letters after it to the end.
fn split_number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|char: char| !(char.is_ascii_digit() || char == '.' || char == ','))?;
    let (number, rest) = text.split_at(end);
    (!number.is_empty() && rest.chars().all(char::is_alphabetic)).then_some((number, rest))
}

/// `rtx2060` as `rtx` and `2060`: letters (three or more) and digits, once each.
pub(crate) fn code_parts(code: &str) -> Option<(&str, &str)> {
    let is_digit = |char: char| char.is_ascii_digit();
    let begins_with_digit = code.starts_with(is_digit);
    let border = code.find(|char| is_digit(char) != begins_with_digit)?;
    let (left, right) = code.split_at(border);
    let (letters, digits) = if begins_with_digit { (right, left) } else { (left, right) };
    (letters.chars().count() >= 3
        && letters.chars().all(char::is_alphabetic)
        && digits.chars().all(is_digit))
    .then_some((left, right))
}
