//! What of a setting may be shown: never a password, a token, or a key that was written where the
//! place of a key belongs.

use serde_yaml_ng::Value;

/// Stands for what is not shown.
const HIDDEN: &str = "…";
/// Parts of names of settings and of a URL's parameters that hold a secret.
const SECRET_NAMES: [&str; 6] =
    ["secret", "password", "passphrase", "token", "credential", "master_key"];

/// Replaces every secret in a tree of settings. It goes by form and name and not by a list of
/// settings, so that a new one is covered before anybody thinks of it.
pub(super) fn hide(name: &str, value: &mut Value) {
    match value {
        Value::Mapping(settings) => {
            for (key, value) in settings.iter_mut() {
                let key = key.as_str().unwrap_or_default().to_owned();
                hide(&key, value);
            }
        }
        Value::Sequence(items) => items.iter_mut().for_each(|item| hide(name, item)),
        Value::String(text) => {
            let shown = if is_secret(name) { shown_place(text) } else { shown_url(text) };
            *text = shown;
        }
        _ => {}
    }
}

/// Where a secret is (`file:PATH`, `env:NAME`) may be shown, the secret itself not.
pub fn shown_place(text: &str) -> String {
    let is_place = text.is_empty() || text.starts_with("file:") || text.starts_with("env:");
    if is_place { text.to_owned() } else { HIDDEN.to_owned() }
}

/// A URL without its password, and without parameters that hold one; other texts as they are, but
/// for a key in PEM.
pub fn shown_url(url: &str) -> String {
    if url.contains("PRIVATE KEY-----") {
        return HIDDEN.to_owned();
    }
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, format!("?{}", shown_query(query))),
        None => (rest, String::new()),
    };
    match rest.rsplit_once('@') {
        // A name alone may be a token: NATS has them there.
        Some((user, host)) => match user.split_once(':') {
            Some((name, _)) if !name.is_empty() => {
                format!("{scheme}://{name}:{HIDDEN}@{host}{query}")
            }
            _ => format!("{scheme}://{HIDDEN}@{host}{query}"),
        },
        None => format!("{scheme}://{rest}{query}"),
    }
}

fn shown_query(query: &str) -> String {
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((name, _)) if is_secret_parameter(name) => format!("{name}={HIDDEN}"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("&")
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// Parameters of URLs are shorter: `key`, `sig`, `pwd`.
fn is_secret_parameter(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    is_secret(&name) || ["key", "sig", "pass", "pwd", "auth"].iter().any(|part| name.contains(part))
}
