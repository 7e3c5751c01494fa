use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use souk_app::{
    AppError, Operation, RecommendRequest, RuleDraft, RulePrecondition, SearchQuery, Strategy,
};
use souk_core::rules::RuleId;

use crate::body::expect_json;
use crate::dto::rules::{
    PreviewAnswer, PreviewBody, RuleAnswer, RuleBody, RuleList, preview_text, read_rule,
    rule_answer, stored_answer,
};
use crate::edge::Edge;
use crate::etag::{IfMatch, with_etag, with_etag_of_body};
use crate::idempotency::idempotent_stored;
use crate::problem::{Answer, Problem};
use crate::routes::recommend::parse_request;
use crate::routes::search::parse as parse_search;
use crate::routes::{
    PathPart, body_of, json as json_answer, json_text, no_content, path_part, unbroken,
};

/// Bytes of one rule; chosen: every list at its limit fits.
const RULE_BYTES_MAX: usize = 512 << 10;
/// Bytes of a rule with a request to try it on.
const PREVIEW_BYTES_MAX: usize = 1 << 20;

/// Lists the rules that concern the key's sites.
#[utoipa::path(
    get,
    path = "/v1/rules",
    tag = "Rules",
    summary = "List rules",
    responses((status = 200, description = "In the order of their ids.", body = RuleList))
)]
pub(crate) async fn list(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadRules, RULE_BYTES_MAX).await?;
    let rules: Vec<Value> = edge.app.list_rules(&caller)?.iter().map(rule_answer).collect();
    Ok(json_answer(&json!({ "rules": rules })))
}

/// Makes a rule; it holds for every request after the answer. One of the same id is a conflict.
///
/// `Idempotency-Key` works as for a new key.
#[utoipa::path(
    post,
    path = "/v1/rules",
    tag = "Rules",
    summary = "Make a rule",
    request_body(content = RuleBody),
    responses((status = 201, description = "As it is stored; `ETag` has its version.", body = RuleAnswer))
)]
pub(crate) async fn create(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::WriteRules, RULE_BYTES_MAX).await?;
    expect_json(&call.headers)?;
    let response = idempotent_stored(&edge, (&caller, &call), "POST /v1/rules", async || {
        let value: Value = crate::json::parse(&call.body)?;
        let has_id = value.get("id").is_some_and(|id| !id.is_null());
        let made = if has_id { None } else { Some(random_id()?) };
        let rule = read_rule(value, ("", made.as_ref()))?;
        let (app, caller) = (Arc::clone(&edge.app), caller.clone());
        let put = async move { app.put_rule(rule, RulePrecondition::New, &caller).await };
        let stored = unbroken(put).await?;
        let warnings = edge.app.rule_warnings(&stored.rule);
        Ok((StatusCode::CREATED, body_of(&stored_answer(&stored, warnings))))
    })
    .await?;
    Ok(with_etag_of_body(response).await)
}

/// Reads a rule.
#[utoipa::path(
    get,
    path = "/v1/rules/{id}",
    tag = "Rules",
    summary = "Read a rule",
    params(("id" = String, Path, description = "The rule's id.", min_length = 1)),
    responses((status = 200, description = "`ETag` has its version.", body = RuleAnswer))
)]
pub(crate) async fn get(State(edge): State<Arc<Edge>>, id: PathPart, request: Request) -> Answer {
    let (caller, _) = edge.admit(request, Operation::ReadRules, RULE_BYTES_MAX).await?;
    let stored = edge.app.rule(&known_id(&path_part(id)?)?, &caller)?;
    Ok(with_etag(json_answer(&rule_answer(&stored)), stored.version))
}

/// Makes a rule or replaces it. To replace one, send `If-Match` with its `ETag` (or `*`): 428 without it,
/// 412 when the rule changed since it was read.
#[utoipa::path(
    put,
    path = "/v1/rules/{id}",
    tag = "Rules",
    summary = "Store a rule",
    params(
        ("id" = String, Path, description = "The rule's id.", min_length = 1),
        ("If-Match" = Option<String>, Header, description = "The version that was read, as `ETag` says it.")
    ),
    request_body(content = RuleBody),
    responses(
        (status = 200, description = "As it is stored; `ETag` has its version.", body = RuleAnswer),
        (status = 201, description = "It was made.", body = RuleAnswer)
    )
)]
pub(crate) async fn put(State(edge): State<Arc<Edge>>, id: PathPart, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::WriteRules, RULE_BYTES_MAX).await?;
    expect_json(&call.headers)?;
    let id = path_part(id)?;
    let id = RuleId::new(&id)
        .map_err(|error| Problem::field("/id", error.to_string()).with_code("invalid_rule"))?;
    let rule = read_rule(crate::json::parse(&call.body)?, ("", Some(&id)))?;
    let precondition = precondition(&call.headers, RulePrecondition::New);
    let app = Arc::clone(&edge.app);
    let stored = unbroken(async move { app.put_rule(rule, precondition, &caller).await }).await;
    let stored = stored.map_err(|error| refused(error, &call.headers))?;
    let answer = stored_answer(&stored, edge.app.rule_warnings(&stored.rule));
    let mut response = with_etag(json_answer(&answer), stored.version);
    if precondition == RulePrecondition::New {
        *response.status_mut() = StatusCode::CREATED;
    }
    Ok(response)
}

/// Removes a rule; `If-Match` makes sure that it is the one that was read.
#[utoipa::path(
    delete,
    path = "/v1/rules/{id}",
    tag = "Rules",
    summary = "Delete a rule",
    params(
        ("id" = String, Path, description = "The rule's id.", min_length = 1),
        ("If-Match" = Option<String>, Header, description = "The version that was read, as `ETag` says it.")
    ),
    responses((status = 204, description = "It has no effect any more."))
)]
pub(crate) async fn delete(
    State(edge): State<Arc<Edge>>,
    id: PathPart,
    request: Request,
) -> Answer {
    let (caller, call) = edge.admit(request, Operation::WriteRules, RULE_BYTES_MAX).await?;
    let id = known_id(&path_part(id)?)?;
    let precondition = precondition(&call.headers, RulePrecondition::Present);
    let app = Arc::clone(&edge.app);
    let deleted = unbroken(async move { app.delete_rule(&id, precondition, &caller).await }).await;
    deleted.map_err(|error| refused(error, &call.headers))?;
    Ok(no_content())
}

/// Tries a rule on a request for recommendations or on a search: the answer before and after, and what moved. Nothing is
/// stored.
#[utoipa::path(
    post,
    path = "/v1/rules/preview",
    tag = "Rules",
    summary = "Preview a rule",
    request_body(content = PreviewBody),
    responses((status = 200, description = "What it would do.", body = PreviewAnswer))
)]
pub(crate) async fn preview(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::WriteRules, PREVIEW_BYTES_MAX).await?;
    let mut body: PreviewBody = call.json()?;
    let at = body.at()?;
    // A draft needs no name.
    let draft = RuleId::new("draft").expect("a plain id");
    let has_id = body.rule.get("id").is_some_and(|id| !id.is_null());
    let rule = read_rule(body.rule.take(), ("/rule", Some(&draft).filter(|_| !has_id)))?;
    let app = &edge.app;
    Ok(json_text(match tried_on(&edge, &mut body)? {
        TriedOn::Recommendations(request) => {
            preview_text(&app.preview_rule(&RuleDraft { rule, request, at }, &caller).await?)
        }
        TriedOn::Search(request) => {
            let draft = RuleDraft { rule, request, at };
            preview_text(&app.preview_rule_in_search(&draft, &caller).await?)
        }
    }))
}

/// What a rule is tried on.
enum TriedOn {
    Recommendations(RecommendRequest),
    Search(SearchQuery),
}

/// What the rule is tried on.
fn tried_on(edge: &Edge, body: &mut PreviewBody) -> Answer<TriedOn> {
    match (body.request.take(), body.search.take()) {
        (Some(_), Some(_)) => {
            let detail = "is there beside `request`; a rule is tried on one of them";
            Err(Problem::field("/search", detail.to_owned()))
        }
        (None, Some(search)) => {
            let query = parse_search(edge, search.0);
            Ok(TriedOn::Search(query.map_err(|problem| problem.below("/search"))?))
        }
        (Some(request), None) => {
            let request = parse_request(edge, request.0);
            let request = request.map_err(|problem| problem.below("/request"))?;
            Ok(TriedOn::Recommendations(request))
        }
        (None, None) => Ok(TriedOn::Recommendations(RecommendRequest::new(Strategy::Auto, 10))),
    }
}

/// The id of a rule that may exist.
fn known_id(text: &str) -> Answer<RuleId> {
    RuleId::new(text).map_err(|_| {
        let shown: String = text.chars().take(80).collect();
        AppError::NotFound { what: "rule", id: shown }.into()
    })
}

/// A name for a rule whose maker gave none.
fn random_id() -> Answer<RuleId> {
    let number = getrandom::u64().map_err(|_| {
        AppError::NotReady("the system gives no random numbers; give the rule an id".to_owned())
    })?;
    Ok(RuleId::new(&format!("rule-{number:016x}")).expect("a plain id"))
}

/// What `If-Match` asks for.
fn precondition(headers: &HeaderMap, without: RulePrecondition) -> RulePrecondition {
    match IfMatch::of(headers) {
        IfMatch::Absent => without,
        IfMatch::Any => RulePrecondition::Present,
        IfMatch::Version(version) => RulePrecondition::Version(version),
    }
}

/// A precondition that does not hold is said in HTTP's own words.
fn refused(error: AppError, headers: &HeaderMap) -> Box<Problem> {
    let is_asked = IfMatch::of(headers) != IfMatch::Absent;
    let is_unmet = matches!(error, AppError::Conflict(_))
        || is_asked && matches!(error, AppError::NotFound { .. });
    let is_full = matches!(&error, AppError::Conflict(text) if text.contains("the limit"));
    let problem: Box<Problem> = error.into();
    match (is_unmet && !is_full, is_asked) {
        (false, _) => problem,
        (true, true) => {
            problem.with_status(StatusCode::PRECONDITION_FAILED).with_code("precondition_failed")
        }
        (true, false) => {
            let detail =
                "there is such a rule already; send `If-Match` with its ETag to replace it";
            Problem::new(StatusCode::PRECONDITION_REQUIRED, "precondition_required", detail)
        }
    }
}
