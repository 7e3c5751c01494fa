//! The one pass over a text that finds everything with a form: no word list, no model.
//!
//! A byte that no form begins with costs one table look-up. At a digit, `@`, `:` or `.` the
//! recognisers look at a bounded stretch around, so the whole is linear in the text.

use super::EntityKind;
use super::found::Found;
use super::view::View;
use super::{contact, dates, ids, network, payment, phone};

/// Bytes at which a form may be recognised.
const TRIGGERS: [bool; 256] = {
    let mut table = [false; 256];
    let mut digit = b'0';
    while digit <= b'9' {
        table[digit as usize] = true;
        digit += 1;
    }
    table[b'@' as usize] = true;
    table[b':' as usize] = true;
    table[b'.' as usize] = true;
    table
};

/// How far the letters before a digit may belong to the same run; chosen: longer than any code.
const RUN_MAX: usize = 34;

/// Everything with a form, in order, without overlaps.
pub(super) fn forms(text: &str) -> Vec<Found> {
    let bytes = text.as_bytes();
    let mut found: Vec<Found> = Vec::new();
    let mut pos = 0;
    while let Some(skip) = bytes[pos..].iter().position(|byte| TRIGGERS[usize::from(*byte)]) {
        let at = pos + skip;
        let view = View { text, at };
        let best = match bytes[at] {
            b'@' => contact::email(view),
            b':' => {
                contact::url(view).or_else(|| network::with_colons(view)).or_else(|| password(view))
            }
            b'.' => contact::bare_domain(view),
            _ => at_digit(view, found.last().map_or(0, |last| last.range.end)),
        };
        pos = match best {
            Some(best) => {
                let end = best.range.end.max(at + 1);
                keep(&mut found, best);
                end
            }
            None if bytes[at].is_ascii_digit() => view.run_end(at),
            None => at + 1,
        };
    }
    found
}

/// Adds what was found; an address that reaches back replaces what it covers.
fn keep(found: &mut Vec<Found>, new: Found) {
    while let Some(last) = found.last() {
        if last.range.end <= new.range.start {
            break;
        }
        if !new.beats(last) {
            return;
        }
        found.pop();
    }
    found.push(new);
}

/// What begins at the run of letters and digits around a digit.
fn at_digit(view: View<'_>, done: usize) -> Option<Found> {
    let bytes = view.text.as_bytes();
    let letters = bytes[done.min(view.at)..view.at]
        .iter()
        .rev()
        .take(RUN_MAX)
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let view = View { text: view.text, at: view.at - letters };
    let groups = view.groups();
    // Four digits without letters are too few for a card, a telephone or a number of a state.
    let is_short =
        groups.len < 4 && (1..=4).contains(&groups.total()) && view.run_end(view.at) - view.at < 5;
    let best = if is_short && !matches!(view.before(view.at), b'(' | b'+') {
        best_of([
            dates::date(view, &groups),
            payment::by_context(view, &groups),
            dates::age(view, &groups),
        ])
    } else {
        best_of([
            network::ipv4(view),
            payment::iban(view),
            payment::card(view, &groups),
            ids::id(view, &groups),
            dates::date(view, &groups),
            phone::phone(view, &groups),
            payment::by_context(view, &groups),
            dates::age(view, &groups),
            bic(view),
        ])
    };
    best.filter(|found| found.range.start >= done)
}

/// The one to be believed; of equals the first.
fn best_of<const N: usize>(candidates: [Option<Found>; N]) -> Option<Found> {
    candidates.into_iter().flatten().reduce(|a, b| if b.beats(&a) { b } else { a })
}

/// A BIC holds a digit only at times, so that a word beside it decides.
fn bic(view: View<'_>) -> Option<Found> {
    let end = view.run_end(view.at);
    let run = &view.text.as_bytes()[view.at..end];
    let fits = matches!(run.len(), 8 | 11)
        && run[..6].iter().all(u8::is_ascii_uppercase)
        && view.ends_at(end);
    (fits && view.follows(&["bic", "swift"]))
        .then(|| Found::new(EntityKind::SwiftCode, view.at..end, 0.9))
}

/// `password: …`, in four languages.
fn password(view: View<'_>) -> Option<Found> {
    let labelled = View { text: view.text, at: view.at };
    let words = &["password", "passwort", "kennwort", "contraseña", "mot de passe", "passcode"];
    // Most colons end a word that no such label ends in.
    if !matches!(view.before(view.at), b'd' | b'D' | b't' | b'T' | b'a' | b'A' | b'e' | b'E' | b' ')
    {
        return None;
    }
    let start = view.at.saturating_sub(14);
    let start = (start..view.at).find(|pos| view.text.is_char_boundary(*pos))?;
    let label = view.text[start..view.at].trim_end().to_lowercase();
    if !words.iter().any(|word| label.ends_with(word)) || !labelled.follows(words) {
        return None;
    }
    let rest = &view.text[view.at + 1..];
    let value = rest.trim_start_matches(' ');
    let begin = view.at + 1 + rest.len() - value.len();
    let length: usize =
        value.chars().take(64).take_while(|c| !c.is_whitespace()).map(char::len_utf8).sum();
    let end = begin + value[..length].trim_end_matches(['.', ',', ';']).len();
    (end - begin >= 4).then(|| Found::new(EntityKind::Password, begin..end, 0.8))
}
