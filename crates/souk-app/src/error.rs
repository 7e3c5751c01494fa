use souk_core::ErrorKind;
use souk_ports::{KeyStoreError, LogError, TableError};

/// One fault of a request: where it is, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// A JSON pointer into the request (`/products/3/price/amount`), or a column name.
    pub pointer: String,
    /// What is wrong, with the value and the remedy.
    pub detail: String,
}

/// Why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The request is wrong.
    #[error("{detail}")]
    Invalid {
        /// A stable slug, for example `invalid_filter`.
        code: &'static str,
        /// The whole fault in one sentence.
        detail: String,
        /// Each fault by itself.
        errors: Vec<FieldError>,
    },
    /// What the request names does not exist.
    #[error("{what} `{id}` does not exist")]
    NotFound {
        /// Which kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The request contradicts the present state.
    #[error("{0}")]
    Conflict(String),
    /// The request rests on a version of what it changes that is none any more.
    #[error("{0}")]
    Stale(String),
    /// No key, or none that is known.
    #[error("a valid key is needed; send `Authorization: Bearer KEY`")]
    Unauthenticated,
    /// The key's role does not allow it.
    #[error("role `{role}` may not {what}")]
    Denied {
        /// The caller's role.
        role: &'static str,
        /// What was tried.
        what: &'static str,
    },
    /// Too many requests.
    #[error("too many requests; try again in {retry_after_s} s")]
    RateLimited {
        /// When to try again, in seconds.
        retry_after_s: u64,
        /// How many are allowed in a window.
        limit: u64,
        /// The window in seconds.
        window_s: u64,
    },
    /// Not enough is known yet, or the program is still starting.
    #[error("{0}")]
    NotReady(String),
    /// The log refused or failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The tables refused or failed.
    #[error(transparent)]
    Tables(#[from] TableError),
    /// The key store refused or failed.
    #[error(transparent)]
    Keys(#[from] KeyStoreError),
    /// The blob store failed.
    #[error("the blob store does not answer")]
    Blobs(#[from] object_store::Error),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The program is wrong.
    #[error("{0}; this is a defect in souk, please report it")]
    Bug(String),
}

impl AppError {
    /// A wrong request with one fault.
    pub fn invalid(code: &'static str, pointer: &str, detail: impl Into<String>) -> AppError {
        let detail = detail.into();
        let error = FieldError { pointer: pointer.to_owned(), detail: detail.clone() };
        AppError::Invalid { code, detail, errors: vec![error] }
    }

    /// What HTTP status, exit code and retry derive from.
    pub fn kind(&self) -> ErrorKind {
        match self {
            AppError::Invalid { .. } => ErrorKind::InvalidInput,
            AppError::NotFound { .. } => ErrorKind::NotFound,
            AppError::Conflict(_) | AppError::Stale(_) => ErrorKind::Conflict,
            AppError::Unauthenticated => ErrorKind::Unauthenticated,
            AppError::Denied { .. } => ErrorKind::Denied,
            AppError::RateLimited { .. } => ErrorKind::RateLimited,
            AppError::NotReady(_) => ErrorKind::NotReady,
            AppError::Log(source) => source.kind(),
            AppError::Tables(source) => source.kind(),
            AppError::Keys(source) => source.kind(),
            AppError::Blobs(_) => ErrorKind::Unavailable,
            AppError::File { .. } => ErrorKind::InvalidInput,
            AppError::Bug(_) => ErrorKind::Bug,
        }
    }

    /// The stable slug of a problem document.
    pub fn code(&self) -> &'static str {
        match self {
            AppError::Invalid { code, .. } => code,
            AppError::File { .. } => "file",
            AppError::Stale(_) => "precondition_failed",
            _ => match self.kind() {
                ErrorKind::InvalidInput => "invalid_input",
                ErrorKind::NotFound => "not_found",
                ErrorKind::Conflict => "conflict",
                ErrorKind::Unauthenticated => "unauthenticated",
                ErrorKind::Denied => "denied",
                ErrorKind::RateLimited => "rate_limited",
                ErrorKind::NotReady => "not_ready",
                ErrorKind::Unavailable => "unavailable",
                ErrorKind::StorageFull => "storage_full",
                ErrorKind::Bug => "internal",
            },
        }
    }
}
