use serde::Serialize;
use souk_app::FieldError;
use souk_core::IdError;
use utoipa::ToSchema;

/// Faults found while a request is read; all of them are answered at once.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) found: Vec<FieldError>,
}

impl Faults {
    pub(crate) fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.found.push(FieldError { pointer: pointer.into(), detail: detail.into() });
    }

    /// Makes an id, or notes why it is none.
    pub(crate) fn id<T>(
        &mut self,
        pointer: &str,
        text: String,
        make: impl FnOnce(String) -> Result<T, IdError>,
    ) -> Option<T> {
        make(text).map_err(|error| self.add(pointer, error.to_string())).ok()
    }
}

/// A failure, as RFC 9457 describes it.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what `Problem` writes")]
pub(crate) struct ProblemDocument {
    /// `urn:souk:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:souk:problem:invalid_input")]
    kind: String,
    /// The status in words.
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong with this very request, and what to do about it.
    detail: String,
    /// The path that was called.
    instance: String,
    /// A stable slug for programs.
    code: String,
    /// The same as in the header `x-request-id` and in the server's log.
    request_id: String,
    /// Each fault by itself, for wrong input.
    #[schema(required = false)]
    errors: Vec<Fault>,
    /// The products that were refused, where all of them were.
    #[schema(required = false)]
    rejected: Vec<crate::dto::products::RejectedProduct>,
}

/// One fault of a request.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "documents what `Problem` writes")]
pub(crate) struct Fault {
    /// A JSON pointer into the request, or the name of a query parameter.
    #[schema(example = "/products/3/price/amount")]
    pointer: String,
    /// What is wrong and what it must be.
    detail: String,
}

/// Name and version of the program.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Version {
    /// Always `souk`.
    pub(crate) name: &'static str,
    /// Semantic version.
    #[schema(example = "0.1.0")]
    pub(crate) version: &'static str,
}

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok` or `ready`.
    pub(crate) status: &'static str,
}
