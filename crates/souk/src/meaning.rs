//! Which model searches go by, besides words.

use std::path::Path;

use anyhow::Result;
use souk_app::{EmbedderSetting, SearchSettings};
use souk_meaning::{Choice, OpenError, find, open};
use souk_ports::Embedder;

use crate::job::Shop;

/// Gives the shop the model of its settings. One that was asked for by name must be there and whole; one that is
/// merely found and damaged is left alone, with a warning.
pub(crate) async fn equip(shop: &Shop) -> Result<()> {
    let settings = shop.settings.config.search.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let choice = choice(&settings);
        match open(choice, Path::new(&settings.models)) {
            Err(error) if choice == Choice::Auto => {
                tracing::warn!(%error, "searches go by words alone");
                Ok(None)
            }
            opened => opened,
        }
    });
    if let Some(model) = opened.await?? {
        say(&*model);
        shop.app.equip_meaning(model);
    }
    Ok(())
}

/// The same in the background, so that searches by words need not wait for it. One that was asked for by name must be
/// there; one that is damaged is told of once it is read.
///
/// # Errors
///
/// [`OpenError::Missing`] for a model that is asked for by name and not installed.
pub(crate) fn equip_later(shop: &Shop) -> Result<(), OpenError> {
    let settings = shop.settings.config.search.clone();
    let Some(found) = find(choice(&settings), Path::new(&settings.models))? else { return Ok(()) };
    shop.app.open_meaning(move || match found.read(Path::new(&settings.models)) {
        Ok(model) => {
            say(&*model);
            Some(model)
        }
        Err(error) => {
            tracing::error!(%error, "searches go by words alone");
            None
        }
    });
    Ok(())
}

fn say(model: &dyn Embedder) {
    tracing::info!(model = model.model().name, "searches go by meaning too");
}

/// The model that the settings ask for.
pub(crate) fn choice(settings: &SearchSettings) -> Choice {
    match settings.embedder {
        EmbedderSetting::Auto => Choice::Auto,
        EmbedderSetting::Minilm => Choice::MiniLm,
        EmbedderSetting::Static => Choice::Static,
        EmbedderSetting::None => Choice::Off,
    }
}
