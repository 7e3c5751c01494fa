//! Profiles of single people, segments, and who is in them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use souk_app::{Caller, MembersAsked, Operation, SegmentPrecondition, Wish, profile_to_json};
use souk_core::{ProductId, SiteId};

use crate::body::expect_json;
use crate::dto::people::{
    AudienceAnswer, AudienceQuery, CategoryQuery, MembersAnswer, MembersQuery, ProfileAnswer,
    SegmentAnswer, SegmentBody, SegmentChange, SegmentsAnswer, SiteQuery, cursor_of,
};
use crate::edge::Edge;
use crate::idempotency::idempotent_stored;
use crate::problem::{Answer, Problem};
use crate::routes::{PathPart, QueryOf, body_of, json, no_content, path_part, query_of, unbroken};

/// Bytes of a request; chosen.
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// What is known of a shopper on a site: each statement with the figures that it rests on, or with the reason
/// why there is none. Nothing is said of somebody who does not allow `personalization`.
///
/// A key in a page asks for the shopper of its token, or for the browser's own id.
#[utoipa::path(
    get,
    path = "/v1/subjects/{id}/profile",
    tag = "People",
    summary = "Read a shopper's profile",
    params(
        ("id" = String, Path, description = "A user id, or `anonymous:` and the browser's id.",
            min_length = 1),
        SiteQuery
    ),
    responses((status = 200, description = "As of now.", body = ProfileAnswer))
)]
pub(crate) async fn profile(
    State(edge): State<Arc<Edge>>,
    id: PathPart,
    query: QueryOf<SiteQuery>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadProfiles, REQUEST_BYTES_MAX).await?;
    let (id, query) = (path_part(id)?, query_of(query)?);
    let site = site_of(&edge, query.site)?;
    let profile = edge.app.profile((&id, &site), &caller).await?;
    Ok(json(&profile_to_json(&profile, &id)))
}

/// The segments that every shop has and those of its own, with how many people are in each.
#[utoipa::path(
    get,
    path = "/v1/segments",
    tag = "People",
    summary = "List segments",
    params(SiteQuery),
    responses((status = 200, description = "In the order of their keys.", body = SegmentsAnswer))
)]
pub(crate) async fn list(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<SiteQuery>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadSegments, REQUEST_BYTES_MAX).await?;
    let site = site_of(&edge, query_of(query)?.site)?;
    let segments = edge.app.list_segments(&site, &caller)?;
    Ok(json(&SegmentsAnswer::from(segments)))
}

/// Makes a segment: whoever fulfils its filter at the moment of a question is in it. One of the same key is
/// a conflict. `Idempotency-Key` works as for a new key.
#[utoipa::path(
    post,
    path = "/v1/segments",
    tag = "People",
    summary = "Make a segment",
    request_body(content = SegmentBody),
    responses(
        (status = 201, description = "It was made; people are counted within seconds.", body = SegmentAnswer),
        (status = 409, description = "There is one of this key.")
    )
)]
pub(crate) async fn create(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::WriteSegments, REQUEST_BYTES_MAX).await?;
    expect_json(&call.headers)?;
    idempotent_stored(&edge, (&caller, &call), "POST /v1/segments", async || {
        let segment = crate::json::parse_object::<SegmentBody>(&call.body)?.segment()?;
        let (app, caller) = (Arc::clone(&edge.app), caller.clone());
        let put = async move { app.put_segment(segment, SegmentPrecondition::New, &caller).await };
        let stored = unbroken(put).await?;
        Ok((StatusCode::CREATED, body_of(&SegmentAnswer::from(&stored))))
    })
    .await
}

/// Reads a segment.
#[utoipa::path(
    get,
    path = "/v1/segments/{key}",
    tag = "People",
    summary = "Read a segment",
    params(("key" = String, Path, description = "The segment's key.", min_length = 1), SiteQuery),
    responses(
        (status = 200, description = "With how many people are in it.", body = SegmentAnswer),
        (status = 404, description = "There is none such.")
    )
)]
pub(crate) async fn get(
    State(edge): State<Arc<Edge>>,
    key: PathPart,
    query: QueryOf<SiteQuery>,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadSegments, REQUEST_BYTES_MAX).await?;
    let (key, query) = (path_part(key)?, query_of(query)?);
    let site = site_of(&edge, query.site)?;
    let segment = edge.app.segment((&key, &site), &caller)?;
    Ok(json(&SegmentAnswer::from(&segment)))
}

/// Makes a segment or replaces the one of this key.
#[utoipa::path(
    put,
    path = "/v1/segments/{key}",
    tag = "People",
    summary = "Store a segment",
    params(("key" = String, Path, description = "The segment's key.", min_length = 1)),
    request_body(content = SegmentChange),
    responses(
        (status = 200, description = "As it is stored.", body = SegmentAnswer),
        (status = 409, description = "Every shop has it, and it cannot be changed.")
    )
)]
pub(crate) async fn put(State(edge): State<Arc<Edge>>, key: PathPart, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::WriteSegments, REQUEST_BYTES_MAX).await?;
    let key = path_part(key)?;
    let segment = call.json::<SegmentChange>()?.segment(&key)?;
    let app = Arc::clone(&edge.app);
    let put = async move { app.put_segment(segment, SegmentPrecondition::Any, &caller).await };
    Ok(json(&SegmentAnswer::from(&unbroken(put).await?)))
}

/// Removes a segment that no rule asks for.
#[utoipa::path(
    delete,
    path = "/v1/segments/{key}",
    tag = "People",
    summary = "Delete a segment",
    params(("key" = String, Path, description = "The segment's key.", min_length = 1)),
    responses(
        (status = 204, description = "It is gone."),
        (status = 404, description = "There is none such."),
        (status = 409, description = "Every shop has it, or a rule asks for it.")
    )
)]
pub(crate) async fn delete(
    State(edge): State<Arc<Edge>>,
    key: PathPart,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::WriteSegments, REQUEST_BYTES_MAX).await?;
    let (key, app) = (path_part(key)?, Arc::clone(&edge.app));
    unbroken(async move { app.delete_segment(&key, &caller).await }).await?;
    Ok(no_content())
}

/// Who is in a segment, of those who allow `marketing` and `personalization`. Each answer is an entry in the
/// audit log. A page can be short and still have a cursor.
#[utoipa::path(
    get,
    path = "/v1/segments/{key}/members",
    tag = "People",
    summary = "List the people of a segment",
    params(("key" = String, Path, description = "The segment's key.", min_length = 1), MembersQuery),
    responses(
        (status = 200, description = "In no order that means anything.", body = MembersAnswer),
        (status = 404, description = "There is none such."),
        (status = 422, description = "The page is too large, or the cursor is none.")
    )
)]
pub(crate) async fn members(
    State(edge): State<Arc<Edge>>,
    key: PathPart,
    query: QueryOf<MembersQuery>,
    request: Request,
) -> Answer {
    let operation = Operation::ReadSegmentMembers;
    let (caller, _) = edge.admit(request, operation, REQUEST_BYTES_MAX).await?;
    let (key, query) = (path_part(key)?, query_of(query)?);
    let asked = MembersAsked {
        key,
        site: site_of(&edge, query.site)?,
        limit: usize::try_from(query.limit.unwrap_or(100)).unwrap_or(usize::MAX),
        after: query.cursor.as_deref().map(cursor_of).transpose()?,
        traits: query.traits.as_deref().map_or_else(Vec::new, |list| {
            list.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
        }),
    };
    let page = edge.app.segment_members(&asked, &caller).await?;
    Ok(json(&MembersAnswer::from(page)))
}

/// The people who are most likely to buy a product within four weeks, of those who allow `marketing` and
/// `personalization`, and how good such lists were on the last four weeks. Each answer is an entry in the
/// audit log.
#[utoipa::path(
    get,
    path = "/v1/products/{id}/audience",
    tag = "People",
    summary = "See who may want a product",
    params(("id" = String, Path, description = "The product's id.", min_length = 1), AudienceQuery),
    responses((status = 200, description = "The likeliest first.", body = AudienceAnswer))
)]
pub(crate) async fn audience(
    State(edge): State<Arc<Edge>>,
    id: PathPart,
    query: QueryOf<AudienceQuery>,
    request: Request,
) -> Answer {
    let operation = Operation::ReadSegmentMembers;
    let (caller, _) = edge.admit(request, operation, REQUEST_BYTES_MAX).await?;
    let (id, query) = (path_part(id)?, query_of(query)?);
    let id = ProductId::new(id).map_err(|e| Problem::field("id".to_owned(), e.to_string()))?;
    answer_audience(&edge, (Wish::Product(id), query), &caller).await
}

/// The same for anything of a category: a whole path, its beginning, or one of its steps.
#[utoipa::path(
    get,
    path = "/v1/audience",
    tag = "People",
    summary = "See who may want something of a category",
    params(("category" = String, Query, description = "Grocery > Bakery, or Bakery."), AudienceQuery),
    responses(
        (status = 200, description = "The likeliest first.", body = AudienceAnswer),
        (status = 404, description = "No product is of this category."),
        (status = 422, description = "The query is not as it must be.")
    )
)]
pub(crate) async fn audience_of_category(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<CategoryQuery>,
    request: Request,
) -> Answer {
    let operation = Operation::ReadSegmentMembers;
    let (caller, _) = edge.admit(request, operation, REQUEST_BYTES_MAX).await?;
    let (category, query) = query_of(query)?.parts();
    answer_audience(&edge, (Wish::Category(category), query), &caller).await
}

async fn answer_audience(
    edge: &Edge,
    (wish, query): (Wish, AudienceQuery),
    caller: &Caller,
) -> Answer {
    let site = site_of(edge, query.site)?;
    let limit = usize::try_from(query.limit.unwrap_or(100)).unwrap_or(usize::MAX);
    let prospects = edge.app.audience((&wish, &site), limit, caller).await?;
    Ok(json(&AudienceAnswer::from(prospects)))
}

fn site_of(edge: &Edge, name: Option<String>) -> Answer<SiteId> {
    let Some(name) = name else { return Ok(edge.home().0) };
    let site = SiteId::new(name).map_err(|e| Problem::field("site".to_owned(), e.to_string()))?;
    edge.check_site(&site, "site")?;
    Ok(site)
}
