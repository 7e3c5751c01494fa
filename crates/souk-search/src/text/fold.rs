//! Folding: one spelling for what readers take for the same letters.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Appends `text` in lower case, without accents and with ligatures written out.
///
/// Only the accents of Latin, Greek and Cyrillic letters go (U+0300 to U+036F): in other scripts such
/// marks are vowels. Signs of trade marks and of copyright say nothing and go too, before the compatible
/// letters are taken, which would make `tm` of one of them.
pub fn fold(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.extend(text.chars().map(|char| char.to_ascii_lowercase()));
        return;
    }
    let mut chars = text.chars().peekable();
    let said = std::iter::from_fn(|| {
        loop {
            let char = chars.next()?;
            if !is_legal_sign(char) {
                return Some(char);
            }
            // It still parts the words around it.
            if chars.peek().is_some_and(|next| next.is_alphanumeric()) {
                return Some(' ');
            }
        }
    });
    let plain = said.nfkd().filter(|char| !matches!(char, '\u{300}'..='\u{36f}')).nfc();
    for char in plain.flat_map(char::to_lowercase) {
        match char {
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' | 'ð' => out.push('d'),
            'þ' => out.push_str("th"),
            'ı' => out.push('i'),
            '×' => out.push('x'),
            // Decomposing makes two primes of a double one.
            '\u{2018}' | '\u{2019}' | '\u{2032}' | '\u{2bc}' | '`' | '´' => out.push('\''),
            '\u{201c}' | '\u{201d}' => out.push('"'),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => out.push('-'),
            // Decomposing makes two spellings of `½` and `⅓`: a fraction slash is a slash.
            '\u{2044}' => out.push('/'),
            other => out.push(other),
        }
    }
}

/// Whether it is one of `™`, `℠`, `®`, `©`.
fn is_legal_sign(char: char) -> bool {
    matches!(char, '\u{2122}' | '\u{2120}' | '\u{ae}' | '\u{a9}')
}

/// Calls `take` with each word of letters that is not written as it is folded: the word folded, and in lower case.
pub(crate) fn each_accented(text: &str, take: &mut dyn FnMut(&str, &str)) {
    if text.is_ascii() {
        return;
    }
    let is_part = |char: char| char.is_alphabetic() || is_combining_mark(char);
    let (mut folded, mut written) = (String::new(), String::new());
    for word in text.split(|char: char| !is_part(char)).filter(|word| !word.is_ascii()) {
        folded.clear();
        fold(word, &mut folded);
        written.clear();
        written.extend(word.nfc().flat_map(char::to_lowercase));
        if folded != written {
            take(&folded, &written);
        }
    }
}
