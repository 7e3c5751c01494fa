//! What went wrong, as the shell sees it.

use std::fmt;

use serde::{Deserialize, Serialize};
use souk_app::AppError;
use souk_core::ErrorKind;

/// A failure with its exit code, as it crosses the socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) exit_code: u8,
    pub(crate) message: String,
}

impl Failure {
    /// Bad usage or bad input.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure { exit_code: ErrorKind::InvalidInput.exit_code(), message: message.into() }
    }

    /// An error whose kind is known, with what caused it.
    pub(crate) fn because(kind: ErrorKind, error: &(dyn std::error::Error + 'static)) -> Failure {
        let causes = std::iter::successors(Some(error), |error| error.source());
        Failure { exit_code: kind.exit_code(), message: joined(causes.map(ToString::to_string)) }
    }

    /// Tells the exit code from the error, and joins the messages of its chain.
    pub(crate) fn of(error: &anyhow::Error) -> Failure {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return failure.clone();
        }
        let kind =
            error.chain().find_map(|cause| cause.downcast_ref::<AppError>().map(AppError::kind));
        let exit_code = kind.map_or(1, ErrorKind::exit_code);
        let mut message = joined(error.chain().map(ToString::to_string));
        if let Some(AppError::Invalid { errors, .. }) =
            error.chain().find_map(|cause| cause.downcast_ref::<AppError>())
            && errors.len() > 1
        {
            for fault in errors {
                message.push_str(&format!("\n  {}: {}", fault.pointer, fault.detail));
            }
        }
        Failure { exit_code, message }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The messages of a chain of errors, one after the other.
fn joined(causes: impl Iterator<Item = String>) -> String {
    let mut message = String::new();
    for cause in causes {
        // A transparent error says what its source says.
        if message.ends_with(&cause) {
            continue;
        }
        if !message.is_empty() {
            message.push_str(": ");
        }
        message.push_str(&cause);
    }
    message
}
