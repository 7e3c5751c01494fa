use std::io::Read;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use futures::StreamExt;

use crate::problem::{Answer, Problem};
use crate::work::Work;

/// Bytes of a refused body that are read and thrown away, so that the client gets to see the answer
/// instead of a connection that was reset while it was still sending; chosen.
const DRAIN_BYTES_MAX: usize = 4 << 20;
/// Above this, unpacking leaves the threads that answer requests; chosen: about a millisecond.
const INLINE_UNPACK_BYTES_MAX: usize = 64 << 10;
/// Bytes that one byte of deflate can stand for (RFC 1951: 258 from two bits, so just below 1,032).
const DEFLATE_RATIO_MAX: usize = 1_032;

/// Reads a body of at most `limit` bytes, also after unpacking it.
pub(crate) async fn read(
    (headers, work): (&HeaderMap, &Work),
    body: Body,
    limit: usize,
) -> Answer<Bytes> {
    let is_gzip = is_gzip(headers)?;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok());
    if announced.and_then(|text| text.parse::<usize>().ok()).is_some_and(|bytes| bytes > limit) {
        drain(body).await;
        return Err(too_large(limit));
    }
    let packed = collect(body, work, limit).await?;
    if !is_gzip {
        return Ok(packed);
    }
    let whole_max = packed.len().saturating_mul(DEFLATE_RATIO_MAX).min(limit + 1);
    work.keep_bytes(whole_max)?;
    let whole = unpack(packed, limit).await?;
    work.keep_only(whole.len());
    Ok(whole)
}

/// Reads on and forgets, so that a client in the middle of sending hears the answer.
pub(crate) async fn drain(body: Body) {
    let mut stream = body.into_data_stream();
    let mut seen = 0;
    while let Some(Ok(chunk)) = stream.next().await {
        seen += chunk.len();
        if seen > DRAIN_BYTES_MAX {
            break;
        }
    }
}

async fn collect(body: Body, work: &Work, limit: usize) -> Answer<Bytes> {
    let mut stream = body.into_data_stream();
    let Some(first) = stream.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(|_| broken())?;
    if first.len() > limit {
        return Err(too_large(limit));
    }
    work.keep_bytes(first.len())?;
    let Some(second) = stream.next().await else { return Ok(first) };
    let mut whole = BytesMut::from(first);
    let mut next = Some(second);
    while let Some(chunk) = next {
        let chunk = chunk.map_err(|_| broken())?;
        if whole.len() + chunk.len() > limit {
            drain(Body::from_stream(stream)).await;
            return Err(too_large(limit));
        }
        work.keep_bytes(chunk.len())?;
        whole.extend_from_slice(&chunk);
        next = stream.next().await;
    }
    Ok(whole.freeze())
}

fn is_gzip(headers: &HeaderMap) -> Answer<bool> {
    match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(false),
        Some(b"gzip" | b"x-gzip") => Ok(true),
        Some(_) => {
            let detail = "this content encoding is not known; send gzip or none";
            let problem =
                Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_encoding", detail);
            Err(problem.with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip")))
        }
    }
}

async fn unpack(packed: Bytes, limit: usize) -> Answer<Bytes> {
    if packed.len() <= INLINE_UNPACK_BYTES_MAX && limit <= 8 * INLINE_UNPACK_BYTES_MAX {
        return unpack_now(&packed, limit);
    }
    let task = tokio::task::spawn_blocking(move || unpack_now(&packed, limit));
    task.await.expect("unpacking does not panic")
}

fn unpack_now(packed: &[u8], limit: usize) -> Answer<Bytes> {
    let mut whole = Vec::with_capacity(packed.len().saturating_mul(4).min(limit));
    let bound = u64::try_from(limit).expect("a limit fits") + 1;
    let outcome = MultiGzDecoder::new(packed).take(bound).read_to_end(&mut whole);
    if whole.len() > limit {
        return Err(too_large(limit));
    }
    outcome.map_err(|error| {
        let detail = format!("the body is not gzip: {error}");
        Problem::new(StatusCode::BAD_REQUEST, "malformed_gzip", detail)
    })?;
    Ok(Bytes::from(whole))
}

fn too_large(limit: usize) -> Box<Problem> {
    let detail = format!("the body is over {limit} bytes; send it in several requests");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

fn broken() -> Box<Problem> {
    let detail = "the body ended before its announced length, or its framing is broken";
    Problem::new(StatusCode::BAD_REQUEST, "broken_body", detail)
}

/// Refuses a body that says it is something else than JSON; silence counts as JSON.
pub(crate) fn expect_json(headers: &HeaderMap) -> Answer<()> {
    match media_type(headers) {
        None => Ok(()),
        Some(kind) if kind == "application/json" || kind.ends_with("+json") => Ok(()),
        Some(kind) => Err(wrong_media_type(&kind, "application/json")),
    }
}

/// The media type of the body in lower case, without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    (!kind.is_empty()).then_some(kind)
}

pub(crate) fn wrong_media_type(sent: &str, wanted: &str) -> Box<Problem> {
    let detail = format!("the body is `{sent}`; send `Content-Type: {wanted}`");
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", detail)
}
