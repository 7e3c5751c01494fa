//! Pages: a cursor says how far the last one went, and of which request it was.

use xxhash_rust::xxh3::xxh3_64;

use crate::request::{SearchError, SearchRequest};

/// Where the page begins.
pub(super) fn skip(request: &SearchRequest) -> Result<usize, SearchError> {
    let Some(cursor) = &request.cursor else { return Ok(0) };
    let (skip, of) = cursor.split_once('.').ok_or(SearchError::Cursor)?;
    let skip = usize::from_str_radix(skip, 16).map_err(|_| SearchError::Cursor)?;
    let is_ours = u64::from_str_radix(of, 16) == Ok(fingerprint(request));
    if is_ours && skip <= u32::MAX as usize { Ok(skip) } else { Err(SearchError::Cursor) }
}

/// The cursor of the page that begins after `skip` hits.
pub(super) fn cursor(request: &SearchRequest, skip: usize) -> String {
    format!("{skip:x}.{:016x}", fingerprint(request))
}

/// What makes the order of hits; the number of them on a page does not.
fn fingerprint(request: &SearchRequest) -> u64 {
    let filter = request.filter.as_ref().map(ToString::to_string);
    let asked = format!(
        "{:?}",
        (
            &request.query,
            filter,
            (&request.sort, &request.distinct),
            request.language,
            (request.typing, request.tolerance, request.wanted, request.structure),
            request.meaning.as_ref().map(|meaning| meaning.used),
            request.around.as_ref().map(|around| (around.origin, around.radius_km)),
        )
    );
    xxh3_64(asked.as_bytes())
}
