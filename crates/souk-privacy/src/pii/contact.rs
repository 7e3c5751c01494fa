//! E-mail and web addresses.

use super::EntityKind;
use super::found::Found;
use super::view::{View, is_word};

/// Bytes of a local part (RFC 5321, 4.5.3.1.1) and of a domain (4.5.3.1.2).
const LOCAL_MAX: usize = 64;
const DOMAIN_MAX: usize = 255;
/// Bytes of a web address; chosen, longer ones are cut.
const URL_MAX: usize = 2_048;

/// Endings by which a bare `name.tld` is taken for an address; others need a scheme or `www.`.
const TLDS: &[&str] = &[
    "com", "net", "org", "info", "biz", "de", "fr", "es", "it", "nl", "be", "ch", "eu", "us", "ca",
    "cn", "ru", "jp", "uk", "co.uk", "com.br", "com.mx", "pl", "se", "dk", "fi", "cz", "hu", "pt",
    "ie", "shop", "store", "app", "dev", "edu", "gov",
];

/// An address around the `@` at the view.
pub(super) fn email(view: View<'_>) -> Option<Found> {
    let bytes = view.text.as_bytes();
    let local = bytes[..view.at]
        .iter()
        .rev()
        .take(LOCAL_MAX)
        .take_while(|byte| is_word(**byte) || **byte >= 0x80 || b"._%+-'&".contains(byte))
        .count();
    let mut begin = view.at - local;
    while begin < view.at
        && (b".'-&%+".contains(&bytes[begin]) || (0x80..0xC0).contains(&bytes[begin]))
    {
        begin += 1;
    }
    let end = domain_end(view, view.at + 1)?;
    (begin < view.at).then(|| Found::new(EntityKind::Email, begin..end, 0.99))
}

/// The end of a domain name with at least two labels and a top one of letters.
fn domain_end(view: View<'_>, from: usize) -> Option<usize> {
    let bytes = view.text.as_bytes();
    let mut end = from;
    let mut label = from;
    for (pos, byte) in bytes.iter().enumerate().skip(from).take(DOMAIN_MAX) {
        match byte {
            b'.' if pos > label => {
                label = pos + 1;
            }
            byte if is_word(*byte) || *byte >= 0x80 => {}
            b'-' if pos > label => {}
            _ => break,
        }
        end = pos + 1;
    }
    while end > from && b".-".contains(&bytes[end - 1]) {
        end -= 1;
    }
    let top = view.text.get(from..end)?.rsplit_once('.')?.1;
    (top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic() || byte >= 0x80))
        .then_some(end)
}

/// `scheme://…` around the `:` at the view.
pub(super) fn url(view: View<'_>) -> Option<Found> {
    let rest = view.text.as_bytes().get(view.at..)?;
    if !rest.starts_with(b"://") {
        return None;
    }
    let scheme = ["https", "http", "ftp", "ftps", "sftp", "wss", "ws"]
        .into_iter()
        .find(|scheme| ends_with(view.text, view.at, scheme))?;
    let begin = view.at - scheme.len();
    let end = url_end(view, view.at + 3);
    let found = Found::new(EntityKind::Url, begin..end, 0.99);
    (view.begins_at(begin) && end > view.at + 3).then_some(found)
}

/// `www.…` or a bare domain with a well-known ending around the `.` at the view.
pub(super) fn bare_domain(view: View<'_>) -> Option<Found> {
    let bytes = view.text.as_bytes();
    if !is_word(view.before(view.at)) || !is_word(view.byte(view.at + 1)) {
        return None;
    }
    let label = bytes[..view.at]
        .iter()
        .rev()
        .take(LOCAL_MAX)
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
        .count();
    let begin = view.at - label;
    if label == 0 || is_word(view.before(begin)) || b"@._/".contains(&view.before(begin)) {
        return None;
    }
    let end = domain_end(view, begin)?;
    let name = &view.text[begin..end];
    let is_www = name.len() > 4 && name.as_bytes()[..4].eq_ignore_ascii_case(b"www.");
    let top = name.split_once('.').map_or("", |(_, top)| top);
    // "it.The next" is a missing space: the ending is lower case in an address.
    let is_known = label >= 3 && TLDS.iter().any(|tld| is_top(top, tld));
    (is_www || is_known).then(|| Found::new(EntityKind::Url, begin..url_end(view, end), 0.9))
}

/// The end of an address without the punctuation of the sentence around it.
fn url_end(view: View<'_>, from: usize) -> usize {
    let bytes = view.text.as_bytes();
    let is_part =
        |byte: &u8| !byte.is_ascii_whitespace() && !b"<>\"'`{}|\\^".contains(byte) && *byte > 0x20;
    let mut end =
        from + bytes[from..].iter().take(URL_MAX).take_while(|byte| is_part(byte)).count();
    while !view.text.is_char_boundary(end) {
        end -= 1;
    }
    while end > from && b".,;:!?)]*".contains(&bytes[end - 1]) {
        end -= 1;
    }
    end
}

/// Whether the labels behind the first one are this ending or end in it.
fn is_top(labels: &str, ending: &str) -> bool {
    labels.strip_suffix(ending).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn ends_with(text: &str, at: usize, word: &str) -> bool {
    at >= word.len() && text.as_bytes()[at - word.len()..at].eq_ignore_ascii_case(word.as_bytes())
}
