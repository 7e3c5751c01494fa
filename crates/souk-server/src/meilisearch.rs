//! A façade with Meilisearch's calls, under `/meilisearch`, so that its JavaScript client and its InstantSearch
//! adapter need nothing but another host.
//!
//! It turns each call into one that this server has anyway, and the answer back. An index is a site, by the
//! site's id; documents are its products. What cannot be done says so in an error of Meilisearch's shape. *Not*
//! here: any state but the list of what was asked for (`/tasks`), which ends with the process.

pub(crate) mod answer;
pub(crate) mod document;
pub(crate) mod documents;
pub(crate) mod error;
mod federation;
pub(crate) mod filter;
pub(crate) mod format;
pub(crate) mod query;
pub(crate) mod search;
pub(crate) mod settings;
pub(crate) mod tasks;
#[cfg(test)]
mod tests;

use axum::extract::Request;
use axum::http::header;
use souk_app::{Caller, Operation};
use souk_core::SiteId;

use crate::edge::{Call, Edge};

use error::{Meili, MeiliError};

/// Lets a request in, or refuses it as Meilisearch does.
pub(crate) async fn admit(
    edge: &Edge,
    request: Request,
    operation: Operation,
) -> Meili<(Caller, Call)> {
    let has_key = request.headers().contains_key(header::AUTHORIZATION);
    let limit = edge.config.limits.body_bytes_max;
    let admitted = edge.admit(request, operation, limit).await;
    admitted.map_err(|problem| match has_key {
        true => Box::<MeiliError>::from(problem),
        false => Box::<MeiliError>::from(problem).without_key(),
    })
}

/// The site that an index is.
pub(crate) fn site_of(edge: &Edge, index: &str) -> Meili<SiteId> {
    let site = SiteId::new(index).ok().filter(|site| edge.app.config().site(site).is_some());
    site.ok_or_else(|| {
        let known: Vec<String> = edge.app.config().sites().map(|site| site.id.to_string()).collect();
        let shown: String = index.chars().take(80).collect();
        MeiliError::new(
            "index_not_found",
            format!(
                "Index `{shown}` not found: an index is a site of this shop, by its id ({}); name it so \
                 under `sites` in souk.yaml.",
                known.join(", ")
            ),
        )
    })
}
