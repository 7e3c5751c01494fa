//! The folds of the log that requests read.

/// Every projection, as one value that one writer folds into.
#[derive(Debug, Default)]
pub struct Views {}
