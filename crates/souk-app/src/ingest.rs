use crate::{App, AppError, Caller};

/// Which of Segment's routes was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are those of the contract")]
pub enum IngestCall {
    Track,
    Identify,
    Page,
    Screen,
    Group,
    Alias,
    Batch,
}

/// A request to take in events.
#[derive(Clone, Copy, Debug)]
pub struct IngestRequest<'a> {
    /// Which route.
    pub call: IngestCall,
    /// The body as it came.
    pub body: &'a [u8],
    /// Who sends it.
    pub caller: &'a Caller,
    /// Whether the request carried `Sec-GPC: 1`.
    pub is_gpc: bool,
}

/// One event that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngestRejection {
    /// Its place in the batch.
    pub index: usize,
    /// Why, with field, value and remedy.
    pub detail: String,
}

/// What became of the events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngestAnswer {
    /// New and durable.
    pub accepted: usize,
    /// Known before.
    pub duplicates: usize,
    /// Not kept.
    pub rejected: Vec<IngestRejection>,
}

impl App {
    /// Takes in one event or a batch; returns once all that is accepted is durable.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] for malformed JSON or a body over the limits: nothing is kept.
    pub async fn ingest(&self, request: IngestRequest<'_>) -> Result<IngestAnswer, AppError> {
        let _ = request;
        Err(AppError::NotReady("ingest".to_owned()))
    }
}
