//! Meilisearch's calls that have an answer here; every other one is told so.

use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get, post};

use crate::edge::Edge;
use crate::meilisearch::{documents, search, settings, tasks};

/// The routes under the prefix that stands for Meilisearch's host.
pub(crate) fn routes() -> Router<Arc<Edge>> {
    Router::new()
        .route("/meilisearch/health", get(settings::health))
        .route("/meilisearch/version", get(settings::version))
        .route("/meilisearch/stats", get(settings::all_stats))
        .route("/meilisearch/indexes", get(settings::indexes).post(settings::create))
        .route("/meilisearch/indexes/{uid}", get(settings::index))
        .route("/meilisearch/indexes/{uid}/stats", get(settings::stats))
        .route(
            "/meilisearch/indexes/{uid}/documents",
            get(documents::list)
                .post(documents::add)
                .put(documents::update)
                .delete(documents::delete_all),
        )
        .route("/meilisearch/indexes/{uid}/documents/fetch", post(documents::fetch))
        .route("/meilisearch/indexes/{uid}/documents/delete", post(documents::delete_by_filter))
        .route("/meilisearch/indexes/{uid}/documents/delete-batch", post(documents::delete_batch))
        .route(
            "/meilisearch/indexes/{uid}/documents/{id}",
            get(documents::get).delete(documents::delete),
        )
        .route("/meilisearch/indexes/{uid}/search", get(search::get).post(search::post))
        .route("/meilisearch/indexes/{uid}/facet-search", post(search::facet_search))
        .route("/meilisearch/multi-search", post(search::several))
        .route(
            "/meilisearch/indexes/{uid}/settings",
            get(settings::settings).patch(settings::put_settings),
        )
        .route(
            "/meilisearch/indexes/{uid}/settings/synonyms",
            get(settings::synonyms).put(settings::put_synonyms).delete(settings::delete_synonyms),
        )
        .route(
            "/meilisearch/indexes/{uid}/settings/filterable-attributes",
            get(settings::all_granted).put(settings::granted),
        )
        .route(
            "/meilisearch/indexes/{uid}/settings/sortable-attributes",
            get(settings::all_granted).put(settings::granted),
        )
        .route("/meilisearch/tasks", get(tasks::list))
        .route("/meilisearch/tasks/{uid}", get(tasks::get))
        .route("/meilisearch/{*call}", any(settings::unknown))
        .method_not_allowed_fallback(settings::wrong_method)
}
