use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use souk_app::{Caller, Idempotent, Kept};

use crate::edge::{Call, Edge};
use crate::problem::{Answer, Problem};
use crate::routes::json_text;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Runs `work` once for each `Idempotency-Key` of the caller, and answers repetitions from memory.
///
/// A failure is not kept: what was wrong with a request may have been mended when it comes again.
pub(crate) async fn idempotent(
    edge: &Edge,
    who: (&Caller, &Call),
    target: &str,
    work: impl AsyncFnOnce() -> Answer<(StatusCode, Vec<u8>)>,
) -> Answer {
    // What is made holds a secret that is shown once: it must not lie in a table.
    run(edge, who, (target, Kept::InMemory), work).await
}

/// The same for answers that hold no secret: they are kept over a restart.
pub(crate) async fn idempotent_stored(
    edge: &Edge,
    who: (&Caller, &Call),
    target: &str,
    work: impl AsyncFnOnce() -> Answer<(StatusCode, Vec<u8>)>,
) -> Answer {
    run(edge, who, (target, Kept::Stored), work).await
}

async fn run(
    edge: &Edge,
    (caller, call): (&Caller, &Call),
    (target, kept): (&str, Kept),
    work: impl AsyncFnOnce() -> Answer<(StatusCode, Vec<u8>)>,
) -> Answer {
    let Some(key) = call.headers.get(KEY) else {
        let (status, body) = work().await?;
        return Ok(answer(status, body));
    };
    let key = key.to_str().map_err(|_| {
        let detail = "Idempotency-Key may have visible ASCII characters only";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_idempotency_key", detail)
    })?;
    let ticket = match edge.app.idempotent(caller, key, (target, &call.body)).await? {
        Idempotent::Start(ticket) => ticket,
        Idempotent::Replay { status, body } => {
            let status = StatusCode::from_u16(status).expect("it was answered once");
            let mut response = answer(status, body);
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            return Ok(response);
        }
    };
    match work().await {
        Ok((status, body)) => {
            edge.app.idempotent_finish(ticket, (status.as_u16(), &body), kept).await?;
            Ok(answer(status, body))
        }
        Err(problem) => {
            edge.app.idempotent_abandon(ticket).await?;
            Err(problem)
        }
    }
}

fn answer(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = json_text(body);
    *response.status_mut() = status;
    response
}
