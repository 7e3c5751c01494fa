use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use souk_app::Operation;
use souk_core::SiteId;

use crate::dto::consents::{ConsentsAnswer, ConsentsBody, ConsentsQuery, GpcSupport};
use crate::edge::Edge;
use crate::problem::{Answer, Problem};
use crate::routes::{PathPart, QueryOf, json, path_part, query_of};

/// Bytes of a change of consents; chosen.
const REQUEST_BYTES_MAX: usize = 64 << 10;
/// When the support of Global Privacy Control was last changed.
const GPC_CHANGED: &str = "2026-11-27";

/// What a person allows, what each decision rests on, and what was said.
///
/// A key in a page asks for the shopper of its token, or for the browser's own id.
#[utoipa::path(
    get,
    path = "/v1/subjects/{id}/consents",
    tag = "Privacy",
    summary = "Read a person's consents",
    params(
        ("id" = String, Path, description = "A user id, or `anonymous:` and the browser's id.",
            min_length = 1),
        ConsentsQuery
    ),
    responses((status = 200, description = "By purpose.", body = ConsentsAnswer))
)]
pub(crate) async fn get(
    State(edge): State<Arc<Edge>>,
    id: PathPart,
    query: QueryOf<ConsentsQuery>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::Consents, REQUEST_BYTES_MAX).await?;
    let (id, query) = (path_part(id)?, query_of(query)?);
    let site = site_of(&edge, query.site, "site")?;
    let state = edge.app.consents((&id, &site), &caller).await?;
    Ok(json(&ConsentsAnswer::new(id, state)))
}

/// Changes what a person allows. Refusing takes the same one call as allowing, and is in force for
/// every request after the answer.
#[utoipa::path(
    put,
    path = "/v1/subjects/{id}/consents",
    tag = "Privacy",
    summary = "Change a person's consents",
    params(("id" = String, Path, description = "A user id, or `anonymous:` and the browser's id.",
        min_length = 1)),
    request_body(content = ConsentsBody),
    responses((status = 200, description = "As they stand now.", body = ConsentsAnswer))
)]
pub(crate) async fn put(State(edge): State<Arc<Edge>>, id: PathPart, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::Consents, REQUEST_BYTES_MAX).await?;
    let id = path_part(id)?;
    // Whether the caller may is told before whether the body is well made.
    edge.app.check_consents_of(&id, &caller)?;
    let mut body: ConsentsBody = call.json()?;
    let site = site_of(&edge, body.site.take(), "/site")?;
    let state = edge.app.change_consents((&id, &site), body.into_update(), &caller).await?;
    Ok(json(&ConsentsAnswer::new(id, state)))
}

fn site_of(edge: &Edge, name: Option<String>, pointer: &str) -> Answer<SiteId> {
    let Some(name) = name else { return Ok(edge.home().0) };
    let site = SiteId::new(name).map_err(|e| Problem::field(pointer.to_owned(), e.to_string()))?;
    edge.check_site(&site, pointer)?;
    Ok(site)
}

/// That `Sec-GPC: 1` is honoured.
#[utoipa::path(
    get,
    path = "/.well-known/gpc.json",
    tag = "Privacy",
    summary = "Support of Global Privacy Control",
    responses((status = 200, description = "It is honoured.", body = GpcSupport)),
    security(())
)]
pub(crate) async fn gpc() -> Response {
    json(&GpcSupport { gpc: true, last_update: GPC_CHANGED })
}
