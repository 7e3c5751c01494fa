//! Searches that a rule names, compared word by word.

/// Words of a search that are looked at; chosen, as search itself reads no more of them.
const WORDS_MAX: usize = 10;
/// Words of the longest entry that is found inside a longer search; chosen.
const PHRASE_MAX: usize = 6;

/// The words of a text in lower case; whatever is no letter or digit stands between words.
fn words(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// An entry of a rule as it is compared; `None` without a word.
///
/// `garden chair` is meant to stand anywhere in the search, `^garden chair` at its beginning, `chair$` at
/// its end, and `^chair$` is the whole search.
pub(super) fn query_key(entry: &str) -> Option<String> {
    let entry = entry.trim();
    let (is_start, rest) = (entry.starts_with('^'), entry.trim_start_matches('^'));
    let is_end = rest.ends_with('$');
    let phrase = words(rest).join(" ");
    let (start, end) = (if is_start { "^" } else { "" }, if is_end { "$" } else { "" });
    (!phrase.is_empty()).then(|| format!("{start}{phrase}{end}"))
}

/// Every entry of a rule that a search fulfils, as it is compared.
///
/// A search is cut after ten words. Entries of up to six words are found anywhere in it, longer ones only
/// where they are the whole of it.
pub fn query_forms(search: &str, each: &mut dyn FnMut(&str)) {
    let mut words = words(search);
    words.truncate(WORDS_MAX);
    let n = words.len();
    for start in 0..n {
        for end in start + 1..=n {
            if end - start > PHRASE_MAX && end - start < n {
                continue;
            }
            let phrase = words[start..end].join(" ");
            each(&phrase);
            if start == 0 {
                each(&format!("^{phrase}"));
            }
            if end == n {
                each(&format!("{phrase}$"));
            }
            if (start, end) == (0, n) {
                each(&format!("^{phrase}$"));
            }
        }
    }
}
