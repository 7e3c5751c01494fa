use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use souk_app::{App, AppError, Caller};

use crate::problem::Problem;

/// The header of a shopper token.
pub(crate) const SHOPPER: &str = "x-souk-shopper";

/// Who a request says it is, found once by the edge; handlers decide what it may do.
#[derive(Clone, Debug)]
pub(crate) enum Login {
    /// The headers carry no key; Segment's routes may still find one in the body.
    NoKey,
    /// The key is known.
    Known(Caller),
    /// The key or the shopper token is wrong.
    Refused(Box<Problem>),
}

impl Login {
    /// Reads key and shopper token from the headers; `None` for a person's token, which takes longer.
    pub(crate) fn by_key(app: &App, headers: &HeaderMap) -> Option<Login> {
        let found = match key_of(headers) {
            Ok(None) => return Some(Login::NoKey),
            Ok(Some(token)) if is_signed_token(&token) => return None,
            Ok(Some(key)) => authenticate(app, &key, headers),
            Err(error) => Err(error),
        };
        Some(Login::from(found))
    }

    /// Reads a person's token: the provider may have to be asked for its keys.
    pub(crate) async fn by_token(app: &App, headers: &HeaderMap) -> Login {
        match key_of(headers) {
            Ok(Some(token)) => Login::from(app.sign_in(&token).await),
            Ok(None) => Login::NoKey,
            Err(error) => Login::Refused(error.into()),
        }
    }

    /// Whether a page of another origin may read the answer: with a browser key, or none at all.
    pub(crate) fn is_for_pages(&self) -> bool {
        match self {
            Login::NoKey => true,
            Login::Known(caller) => caller.role.is_browser(),
            Login::Refused(_) => false,
        }
    }
}

impl From<Result<Caller, AppError>> for Login {
    fn from(found: Result<Caller, AppError>) -> Login {
        match found {
            Ok(caller) => Login::Known(caller),
            Err(error) => Login::Refused(error.into()),
        }
    }
}

/// Whether this is a person's token (RFC 7519: three parts) and no key, which has no dots.
fn is_signed_token(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// Finds the caller of a key, wherever the key was found.
pub(crate) fn authenticate(app: &App, key: &str, headers: &HeaderMap) -> Result<Caller, AppError> {
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
    let mut caller = app.authenticate(key, origin)?;
    if let Some(token) = headers.get(SHOPPER) {
        let token = token.to_str().map_err(|_| AppError::Unauthenticated)?;
        caller.shopper = Some(app.shopper_of_token(token)?);
    }
    Ok(caller)
}

/// The key of `Authorization: Bearer KEY`, or the user name of `Basic`, as Segment's clients send it.
fn key_of(headers: &HeaderMap) -> Result<Option<String>, AppError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let value = value.to_str().map_err(|_| AppError::Unauthenticated)?;
    let (scheme, rest) = value.split_once(' ').ok_or(AppError::Unauthenticated)?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Some(rest.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(AppError::Unauthenticated);
    }
    let pair = STANDARD.decode(rest).map_err(|_| AppError::Unauthenticated)?;
    let pair = String::from_utf8(pair).map_err(|_| AppError::Unauthenticated)?;
    Ok(Some(pair.split(':').next().unwrap_or_default().to_owned()))
}
