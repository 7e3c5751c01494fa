//! People's requests about their data.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use souk_app::{CopyForm, Operation, RequestKind, RequestState, SubjectCopy, Who};

use crate::dto::privacy::{
    ConfirmationBody, PrivacyRequestAnswer, PrivacyRequestList, PrivacyRequestQuery,
    SubjectRequestBody,
};
use crate::edge::{Call, Edge};
use crate::problem::{Answer, Problem};
use crate::routes::{PathPart, QueryOf, json, path_part, query_of, unbroken};

/// Bytes of a request; chosen.
const REQUEST_BYTES_MAX: usize = 64 << 10;
/// Requests in one answer.
const LIMIT_MAX: u32 = 200;
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// The page has a style of its own and nothing else.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);
const LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// Erases a person: every id that is linked to this one.
///
/// `{id}` is a user id, `anonymous:ID` or `loyalty_card:ID`. When the answer comes, keys are destroyed
/// and no answer rests on the person any more; the request is `complete`, with a signed receipt, once
/// older snapshots are destroyed too, within a minute. Send `{"identity": "unverified"}` for a request
/// that must wait until somebody has made sure who asks.
#[utoipa::path(
    post,
    path = "/v1/subjects/{id}/erasure",
    tag = "Privacy",
    summary = "Erase a person",
    params(("id" = String, Path, description = "A user id, or `anonymous:ID`.", min_length = 1)),
    request_body(content = SubjectRequestBody),
    responses((status = 202, description = "The request.", body = PrivacyRequestAnswer))
)]
pub(crate) async fn erase(State(edge): State<Arc<Edge>>, id: PathPart, request: Request) -> Answer {
    let (caller, call) =
        edge.admit(request, Operation::HandleSubjectRequests, REQUEST_BYTES_MAX).await?;
    let body = body_of(&call)?;
    let who = Who::parse(&path_part(id)?)?;
    let request = edge.app.request_erasure(&caller, &who, body.identity()).await?;
    Ok(accepted(PrivacyRequestAnswer::from(request)))
}

/// Gives a copy of all that is held of a person, and why.
///
/// JSON lines, or with `Accept: text/html` a page for people. The copy is in the answer and stored
/// nowhere. An `unverified` request is answered 202; once verified, its verification gives the copy.
#[utoipa::path(
    post,
    path = "/v1/subjects/{id}/export",
    tag = "Privacy",
    summary = "Copy a person's data",
    params(("id" = String, Path, description = "A user id, or `anonymous:ID`.", min_length = 1)),
    request_body(content = SubjectRequestBody),
    responses(
        (status = 200, description = "The copy.", body = String, content_type = "application/x-ndjson"),
        (status = 202, description = "The request waits.", body = PrivacyRequestAnswer)
    )
)]
pub(crate) async fn export(
    State(edge): State<Arc<Edge>>,
    id: PathPart,
    request: Request,
) -> Answer {
    let (caller, call) =
        edge.admit(request, Operation::HandleSubjectRequests, REQUEST_BYTES_MAX).await?;
    let body = body_of(&call)?;
    let who = Who::parse(&path_part(id)?)?;
    let form = form_of(&call.headers);
    let copy = edge.app.request_copy(&caller, &who, (body.identity(), form)).await?;
    Ok(copy_answer(copy, form))
}

/// Lists requests, newest first.
#[utoipa::path(
    get,
    path = "/v1/privacy/requests",
    tag = "Privacy",
    summary = "List people's requests",
    params(
        ("before" = Option<String>, Query, description = "`next_before` of the page before."),
        ("limit" = Option<u32>, Query, description = "1 to 200, else 50.", minimum = 1, maximum = 200)
    ),
    responses((status = 200, description = "Newest first.", body = PrivacyRequestList))
)]
pub(crate) async fn list(
    State(edge): State<Arc<Edge>>,
    query: QueryOf<PrivacyRequestQuery>,
    request: Request,
) -> Answer {
    let (caller, _) =
        edge.admit(request, Operation::HandleSubjectRequests, REQUEST_BYTES_MAX).await?;
    let query = query_of(query)?;
    let limit = query.limit.unwrap_or(50);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let detail = format!("limit is {limit}; it must lie between 1 and {LIMIT_MAX}");
        return Err(Problem::field("limit".to_owned(), detail));
    }
    let page = (query.before.as_deref(), limit);
    let requests = edge.app.privacy_requests(&caller, page).await?;
    let is_full = requests.len() == limit as usize;
    let last = requests.last().map(|request| request.request_id.clone());
    let requests = requests.into_iter().map(PrivacyRequestAnswer::from).collect();
    Ok(json(&PrivacyRequestList { requests, next_before: last.filter(|_| is_full) }))
}

/// One request, with its receipt once it is complete.
#[utoipa::path(
    get,
    path = "/v1/privacy/requests/{request_id}",
    tag = "Privacy",
    summary = "Look at a person's request",
    params(("request_id" = String, Path, description = "The request's id.", min_length = 1)),
    responses((status = 200, description = "The request.", body = PrivacyRequestAnswer))
)]
pub(crate) async fn get(
    State(edge): State<Arc<Edge>>,
    request_id: PathPart,
    request: Request,
) -> Answer {
    let (caller, _) =
        edge.admit(request, Operation::HandleSubjectRequests, REQUEST_BYTES_MAX).await?;
    let found = edge.app.privacy_request(&caller, &path_part(request_id)?).await?;
    Ok(json(&PrivacyRequestAnswer::from(found)))
}

/// Vouches for the person, so that a request that waited goes on.
///
/// An erasure is answered 202 with the request, an export 200 with the copy.
#[utoipa::path(
    post,
    path = "/v1/privacy/requests/{request_id}/verification",
    tag = "Privacy",
    summary = "Verify who asked",
    params(("request_id" = String, Path, description = "The request's id.", min_length = 1)),
    responses(
        (status = 200, description = "The copy.", body = String, content_type = "application/x-ndjson"),
        (status = 202, description = "The request.", body = PrivacyRequestAnswer)
    )
)]
pub(crate) async fn verify(
    State(edge): State<Arc<Edge>>,
    request_id: PathPart,
    request: Request,
) -> Answer {
    let (caller, call) =
        edge.admit(request, Operation::HandleSubjectRequests, REQUEST_BYTES_MAX).await?;
    let request = edge.app.verify_request(&caller, &path_part(request_id)?).await?;
    let is_copy = request.kind == RequestKind::Export && request.state == RequestState::InProgress;
    if !is_copy {
        return Ok(accepted(PrivacyRequestAnswer::from(request)));
    }
    let form = form_of(&call.headers);
    let copy = edge.app.copy_of_request(&caller, (&request.request_id, form)).await?;
    Ok(copy_answer(copy, form))
}

/// Confirms that everybody of a shop be erased, which Shopify's `shop/redact` asked for.
///
/// `subjects` must be how many there are; 409 tells the number and changes nothing, so send 0 to see what
/// would go. It cannot be taken back.
#[utoipa::path(
    post,
    path = "/v1/privacy/requests/{request_id}/confirmation",
    tag = "Privacy",
    summary = "Confirm a shop's erasure",
    params(("request_id" = String, Path, description = "The request's id.", min_length = 1)),
    request_body(content = ConfirmationBody),
    responses((status = 202, description = "The request.", body = PrivacyRequestAnswer))
)]
pub(crate) async fn confirm(
    State(edge): State<Arc<Edge>>,
    request_id: PathPart,
    request: Request,
) -> Answer {
    let (caller, call) =
        edge.admit(request, Operation::HandleSubjectRequests, REQUEST_BYTES_MAX).await?;
    let body: ConfirmationBody = call.json()?;
    let (id, app) = (path_part(request_id)?, Arc::clone(&edge.app));
    let confirmed = async move { app.confirm_shop_erasure(&caller, (&id, body.subjects)).await };
    let request = unbroken(confirmed).await?;
    Ok(accepted(PrivacyRequestAnswer::from(request)))
}

/// The body, which may be left out.
fn body_of(call: &Call) -> Answer<SubjectRequestBody> {
    if call.body.is_empty() {
        return Ok(SubjectRequestBody::default());
    }
    call.json()
}

fn form_of(headers: &HeaderMap) -> CopyForm {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    match accept.unwrap_or_default().trim_start().starts_with("text/html") {
        true => CopyForm::Html,
        false => CopyForm::JsonLines,
    }
}

fn accepted(request: PrivacyRequestAnswer) -> Response {
    let mut response = json(&request);
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

fn copy_answer(copy: SubjectCopy, form: CopyForm) -> Response {
    let SubjectCopy { request, text } = copy;
    let Some(text) = text else { return accepted(PrivacyRequestAnswer::from(request)) };
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    let kind = if form == CopyForm::Html { HTML } else { LINES };
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if form == CopyForm::Html {
        headers.insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    }
    if let Ok(id) = HeaderValue::from_str(&request.request_id) {
        headers.insert("x-privacy-request-id", id);
    }
    response
}
