//! Words that hits must not have: those behind a minus.

use super::{Plan, words_of};
use crate::index::SearchIndex;
use crate::lexicon::Term;

/// What hits must not have: none may have all words of a group, each of which may be any of its terms.
pub(crate) type Unwanted = Vec<Vec<Vec<Term>>>;

/// A query without the words behind a minus, and those. A minus counts at the beginning of a word of letters, so that
/// `wi-fi` and `-20` are what they were.
pub(crate) fn split(query: &str) -> (String, Vec<&str>) {
    let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
    for part in query.split_whitespace() {
        match part.strip_prefix('-').filter(|rest| rest.starts_with(char::is_alphabetic)) {
            Some(rest) => unwanted.push(rest),
            None => wanted.push(part),
        }
    }
    (wanted.join(" "), unwanted)
}

/// The terms of words that are not wanted; what no product has needs no mention.
pub(crate) fn unwanted(index: &SearchIndex, groups: &[&str], language: usize) -> Unwanted {
    let terms = |group: &&str| {
        let plan = Plan::new(index, words_of(group), language);
        let words = plan.words.iter().map(|word| plan.terms(&word.text));
        let words: Vec<Vec<Term>> = words.collect();
        (!words.is_empty() && words.iter().all(|terms| !terms.is_empty())).then_some(words)
    };
    groups.iter().filter_map(terms).collect()
}
