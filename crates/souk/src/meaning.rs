//! Which model searches go by, besides words.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use souk_app::EmbedderSetting;
use souk_meaning::{Choice, OpenError};
use souk_ports::Embedder;

use crate::job::Shop;

/// Gives the shop the model of its settings. One that was asked for by name must be there and whole; one that is
/// merely found and damaged is left alone, with a warning.
pub(crate) async fn equip(shop: &Shop) -> Result<()> {
    let settings = shop.settings.config.search.clone();
    let opened = tokio::task::spawn_blocking(move || open(&settings)).await??;
    if let Some(model) = opened {
        tracing::info!(model = model.model().name, "searches go by meaning too");
        shop.app.equip_meaning(model);
    }
    Ok(())
}

fn open(settings: &souk_app::SearchSettings) -> Result<Option<Arc<dyn Embedder>>, OpenError> {
    let choice = match settings.embedder {
        EmbedderSetting::Auto => Choice::Auto,
        EmbedderSetting::Minilm => Choice::MiniLm,
        EmbedderSetting::Static => Choice::Static,
        EmbedderSetting::None => Choice::Off,
    };
    match souk_meaning::open(choice, Path::new(&settings.models)) {
        Err(error) if choice == Choice::Auto => {
            tracing::warn!(%error, "searches go by words alone");
            Ok(None)
        }
        opened => opened,
    }
}
