//! Secrets that settings name the place of.

use crate::AppError;

/// A secret that a setting keeps out of souk.yaml, at `file:PATH` or `env:NAME`.
pub(crate) struct SecretAt<'a> {
    /// The setting's name, for errors.
    pub(crate) setting: &'a str,
    /// What stands there.
    pub(crate) place: &'a str,
}

impl SecretAt<'_> {
    /// Reads it, without blanks around.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] for another kind of place or a variable that is not set, [`AppError::File`].
    pub(crate) fn read(&self) -> Result<String, AppError> {
        let text = match self.place.split_once(':') {
            Some(("file", path)) => std::fs::read_to_string(path)
                .map_err(|source| AppError::File { path: path.to_owned(), source })?,
            Some(("env", name)) => std::env::var(name)
                .map_err(|_| self.refuse(&format!("the variable {name} is not set; set it")))?,
            // What stands there may be the secret itself, so it is not repeated.
            _ => return Err(self.refuse("write file:PATH or env:NAME, not the secret itself")),
        };
        Ok(text.trim().to_owned())
    }

    /// Why the secret is of no use.
    pub(crate) fn refuse(&self, why: &str) -> AppError {
        AppError::invalid("invalid_setting", self.setting, format!("`{}`: {why}", self.setting))
    }
}
