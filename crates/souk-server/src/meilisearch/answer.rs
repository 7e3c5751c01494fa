//! What handlers share: parameters of a URL, and answers with another status.

use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde_json::Value;

use super::error::{Meili, MeiliError};
use crate::routes::json;

/// The parameters of a URL.
pub(crate) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Reads them, percent-decoded.
    pub(crate) fn of(uri: &Uri) -> Pairs {
        let read = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
        Pairs(read.map(|axum::extract::Query(pairs)| pairs).unwrap_or_default())
    }

    /// The first value of a name.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Its values, parted by commas.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<String>> {
        let text = self.text(name)?;
        Some(
            text.split(',')
                .map(|one| one.trim().to_owned())
                .filter(|one| !one.is_empty())
                .collect(),
        )
    }

    /// A count, or what holds without one.
    pub(crate) fn number(&self, name: &str, otherwise: usize) -> Meili<usize> {
        let Some(text) = self.text(name) else { return Ok(otherwise) };
        text.parse().map_err(|_| {
            let shown: String = text.chars().take(40).collect();
            let message =
                format!("Invalid value in parameter `{name}`: `{shown}` is no whole number");
            MeiliError::new("bad_request", message)
        })
    }

    /// `true` or `false`.
    pub(crate) fn truth(&self, name: &str) -> Meili<Option<bool>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            let shown: String = text.chars().take(40).collect();
            let message = format!(
                "Invalid value in parameter `{name}`: `{shown}` is neither `true` nor `false`"
            );
            MeiliError::new("bad_request", message)
        })
    }

    /// Every name.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// JSON with a status of its own.
pub(crate) fn status_json(status: StatusCode, value: &Value) -> Response {
    let mut response = json(value);
    *response.status_mut() = status;
    response
}
