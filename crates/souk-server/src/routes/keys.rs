use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use souk_app::{OVERLAP_S_DEFAULT, Operation};

use crate::body::expect_json;
use crate::dto::keys::{
    KeyAnswer, KeyList, NewKeyAnswer, NewKeyBody, RotateBody, RotatedKeyAnswer,
};
use crate::edge::Edge;
use crate::idempotency::idempotent;
use crate::problem::Answer;
use crate::routes::{PathPart, body_of, json, no_content, path_part};

/// Bytes of a request for a key; chosen.
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// Lists the keys, without their secrets.
#[utoipa::path(
    get,
    path = "/v1/keys",
    tag = "Keys",
    summary = "List keys",
    responses((status = 200, description = "Oldest first.", body = KeyList))
)]
pub(crate) async fn list(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, _) = edge.admit(request, Operation::WriteKeys, REQUEST_BYTES_MAX).await?;
    let keys = edge.app.list_keys(&caller).await?;
    Ok(json(&KeyList { keys: keys.into_iter().map(KeyAnswer::from).collect() }))
}

/// Makes a key. The answer is the only place where it can ever be seen.
///
/// The header `Idempotency-Key` (1 to 255 visible characters of your choice) makes a repetition safe:
/// the same key and body give the same answer once more, with `Idempotent-Replayed: true`, for a day;
/// with another body the answer is 422, and 409 while the first request is still in work.
#[utoipa::path(
    post,
    path = "/v1/keys",
    tag = "Keys",
    summary = "Make a key",
    request_body(content = NewKeyBody),
    responses((status = 201, description = "The key, shown once.", body = NewKeyAnswer))
)]
pub(crate) async fn create(State(edge): State<Arc<Edge>>, request: Request) -> Answer {
    let (caller, call) = edge.admit(request, Operation::WriteKeys, REQUEST_BYTES_MAX).await?;
    expect_json(&call.headers)?;
    idempotent(&edge, (&caller, &call), "POST /v1/keys", async || {
        let new = crate::json::parse_object::<NewKeyBody>(&call.body)?.parse()?;
        let role = new.role;
        let key = edge.app.create_key(new, &caller).await?;
        let id = edge.app.authenticate(&key, None)?.key_id;
        Ok((StatusCode::CREATED, body_of(&NewKeyAnswer { key, id, role: role.into() })))
    })
    .await
}

/// Replaces a key without a gap: the new one works at once, the old one for a while longer. The answer
/// is the only place where the new one can ever be seen; `Idempotency-Key` works as for a new key.
#[utoipa::path(
    post,
    path = "/v1/keys/{id}/rotate",
    tag = "Keys",
    summary = "Replace a key",
    params(("id" = String, Path, description = "The key's public part.", min_length = 1)),
    request_body(content = RotateBody),
    responses((status = 201, description = "The new key, shown once.", body = RotatedKeyAnswer))
)]
pub(crate) async fn rotate(
    State(edge): State<Arc<Edge>>,
    id: PathPart,
    request: Request,
) -> Answer {
    let (caller, call) = edge.admit(request, Operation::WriteKeys, REQUEST_BYTES_MAX).await?;
    expect_json(&call.headers)?;
    let id = path_part(id)?;
    let target = format!("POST /v1/keys/{id}/rotate");
    idempotent(&edge, (&caller, &call), &target, async || {
        let body = crate::json::parse_object::<RotateBody>(&call.body)?;
        let overlap_s = body.overlap_s.map_or(OVERLAP_S_DEFAULT, u64::from);
        let rotated = edge.app.rotate_key((&id, overlap_s), &caller).await?;
        Ok((StatusCode::CREATED, body_of(&RotatedKeyAnswer::from(rotated))))
    })
    .await
}

/// Ends a key at once.
#[utoipa::path(
    delete,
    path = "/v1/keys/{id}",
    tag = "Keys",
    summary = "Revoke a key",
    params(("id" = String, Path, description = "The key's public part.", min_length = 1)),
    responses((status = 204, description = "The key no longer works."))
)]
pub(crate) async fn revoke(
    State(edge): State<Arc<Edge>>,
    id: PathPart,
    request: Request,
) -> Answer {
    let (caller, _) = edge.admit(request, Operation::WriteKeys, REQUEST_BYTES_MAX).await?;
    edge.app.revoke_key(&path_part(id)?, &caller).await?;
    Ok(no_content())
}
