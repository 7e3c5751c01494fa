//! Folding: one spelling for what readers take for the same letters.

use unicode_normalization::UnicodeNormalization;

/// Appends `text` in lower case, without accents and with ligatures written out.
///
/// Only the accents of Latin, Greek and Cyrillic letters go (U+0300 to U+036F): in other scripts such
/// marks are vowels.
pub fn fold(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.extend(text.chars().map(|char| char.to_ascii_lowercase()));
        return;
    }
    let plain = text.nfkd().filter(|char| !matches!(char, '\u{300}'..='\u{36f}')).nfc();
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
            '\u{2018}' | '\u{2019}' | '\u{2bc}' | '`' | '´' => out.push('\''),
            '\u{201c}' | '\u{201d}' | '\u{2033}' => out.push('"'),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => out.push('-'),
            // Decomposing makes two spellings of `½` and `⅓`: a fraction slash is a slash.
            '\u{2044}' => out.push('/'),
            other => out.push(other),
        }
    }
}
