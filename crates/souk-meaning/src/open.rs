//! Which model is used.

use std::path::Path;
use std::sync::Arc;

use souk_ports::Embedder;

use crate::{SentenceEncoder, WeightsError, WordVectors};

/// Which model is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The best one that is installed, if any is.
    Auto,
    /// [`SentenceEncoder`].
    MiniLm,
    /// [`WordVectors`].
    Static,
    /// None.
    Off,
}

/// A model that can be installed, and the folder that it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installed {
    /// [`SentenceEncoder`].
    MiniLm,
    /// [`WordVectors`].
    Static,
}

impl Installed {
    fn folder(self) -> &'static str {
        match self {
            Installed::MiniLm => "minilm",
            Installed::Static => "static",
        }
    }

    /// Reads it; that takes a second or some.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] for files that are missing or damaged.
    pub fn read(self, models: &Path) -> Result<Arc<dyn Embedder>, WeightsError> {
        let folder = models.join(self.folder());
        Ok(match self {
            Installed::MiniLm => Arc::new(SentenceEncoder::read(&folder)?),
            Installed::Static => Arc::new(WordVectors::read(&folder)?),
        })
    }
}

/// Why there is no embedder.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The one that was asked for is not there.
    #[error(
        "search.embedder is `{0}`, and the model is not installed; run `make models`, or say `auto` or `none`"
    )]
    Missing(&'static str),
    /// It is there and cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

/// Finds the model of a choice in the folder that `make models` fills.
///
/// # Errors
///
/// [`OpenError::Missing`] for a model that is asked for by name and not installed.
pub fn find(choice: Choice, models: &Path) -> Result<Option<Installed>, OpenError> {
    let is_there = |model: &Installed| models.join(model.folder()).is_dir();
    let named = match choice {
        Choice::Off => return Ok(None),
        Choice::Auto => {
            return Ok([Installed::MiniLm, Installed::Static].into_iter().find(is_there));
        }
        Choice::MiniLm => Installed::MiniLm,
        Choice::Static => Installed::Static,
    };
    if is_there(&named) { Ok(Some(named)) } else { Err(OpenError::Missing(named.folder())) }
}

/// Finds and reads the model of a choice.
///
/// # Errors
///
/// [`OpenError`] for a model that is asked for by name and not installed, or one whose files are damaged.
pub fn open(choice: Choice, models: &Path) -> Result<Option<Arc<dyn Embedder>>, OpenError> {
    let found = find(choice, models)?;
    Ok(found.map(|found| found.read(models)).transpose()?)
}
