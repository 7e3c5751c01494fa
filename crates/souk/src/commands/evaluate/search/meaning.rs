//! Meaning in an evaluation: a model, and the vectors of all products.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use souk_app::SearchSettings;
use souk_core::{Product, ProductId};
use souk_meaning::{Choice, open};
use souk_ports::Embedder;
use souk_search::evaluate::{rank_with, rank_with_meaning};
use souk_search::{
    Meaning, MeaningUse, SearchIndex, Tolerance, VectorSpace, Vectors, text_for_vector,
};
use xxhash_rust::xxh3::xxh3_64;

use crate::cli::RatedArgs;
use crate::failure::Failure;

/// Products whose vectors are made in one go.
const BATCH: usize = 64;

/// What is asked for: what arguments leave out, the shop's settings say.
pub(super) struct Asked<'a> {
    pub(super) args: &'a RatedArgs,
    pub(super) mode: &'a str,
    pub(super) settings: &'a SearchSettings,
}

/// How queries are answered.
pub(super) struct Meant {
    model: Option<Arc<dyn Embedder>>,
    used: MeaningUse,
    seconds: f64,
}

impl Meant {
    /// Opens the model that is asked for and gives the index its vectors.
    pub(super) fn of(
        Asked { args, mode, settings }: &Asked<'_>,
        (products, index): (&[Product], &mut SearchIndex),
    ) -> Result<Meant> {
        let used = if *mode == "semantic" { MeaningUse::Alone } else { MeaningUse::Beside };
        let choice = match args.embedder.as_deref() {
            _ if *mode == "lexical" => Choice::Off,
            Some("minilm") => Choice::MiniLm,
            Some("static") => Choice::Static,
            Some("none") => Choice::Off,
            Some(_) => Choice::Auto,
            None => crate::meaning::choice(settings),
        };
        let folder = args.models.as_deref().unwrap_or(Path::new(&settings.models));
        let model = open(choice, folder);
        let model = model.map_err(|error| anyhow!(Failure::usage(error.to_string())))?;
        if model.is_none() && used == MeaningUse::Alone {
            let message = "--mode semantic needs a model; run `make models`, or name the folder of one with --models";
            return Err(anyhow!(Failure::usage(message.to_owned())));
        }
        let start = Instant::now();
        if let Some(model) = &model {
            let vectors = vectors(products, &**model, args.vectors.as_deref())?;
            index.set_vectors(Some(Arc::new(vectors)));
        }
        Ok(Meant { model, used, seconds: start.elapsed().as_secs_f64() })
    }

    pub(super) fn is_used(&self) -> bool {
        self.model.is_some()
    }

    /// What a query means, without a model nothing.
    pub(super) fn read(&self, query: &str) -> Option<Meaning> {
        let model = self.model.as_ref()?;
        let vector = Arc::from(model.embed(&[query]));
        Some(Meaning::new(vector, model.model().related_from, self.used))
    }

    /// The answer to a query, 200 deep.
    pub(super) fn rank(&self, index: &SearchIndex, query: &str) -> Vec<String> {
        match self.read(query) {
            Some(meaning) => rank_with_meaning(index, query, meaning),
            None => rank_with(index, query, Tolerance::Forgiving),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let name = self.model.as_ref().map(|model| model.model().name.as_str());
        json!({"name": name, "seconds": self.seconds})
    }
}

/// The vectors of all products: those that a file keeps, and the others made by as many threads as there are
/// processors.
fn vectors(products: &[Product], model: &dyn Embedder, kept: Option<&Path>) -> Result<Vectors> {
    let own = model.model();
    let space = VectorSpace { dimensions: own.dimensions, version: own.version };
    let read = kept.and_then(|kept| std::fs::read(kept).ok());
    let read = read.and_then(|bytes| Vectors::from_bytes(&bytes, space).ok());
    let mut vectors = read.unwrap_or_else(|| Vectors::new(space));
    let texts = products.iter().map(|product| (product, text_for_vector(product)));
    let texts = texts.map(|(product, text)| (&product.id, xxh3_64(text.as_bytes()), text));
    let lacking: Vec<(&ProductId, u64, String)> =
        texts.filter(|(id, hash, _)| vectors.text_of(id.as_str()) != Some(*hash)).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = lacking.len().div_ceil(threads).max(1);
    let parts: Vec<Vec<f32>> = std::thread::scope(|scope| {
        let work = |part: &[(&ProductId, u64, String)]| {
            let texts: Vec<&str> = part.iter().map(|(.., text)| text.as_str()).collect();
            texts.chunks(BATCH).flat_map(|some| model.embed(some)).collect::<Vec<f32>>()
        };
        let threads: Vec<_> =
            lacking.chunks(share).map(|part| scope.spawn(move || work(part))).collect();
        let done = threads.into_iter().map(|thread| thread.join());
        done.map(|part| part.expect("a model does not panic")).collect()
    });
    let all = parts.iter().flat_map(|part| part.chunks_exact(own.dimensions));
    lacking.iter().zip(all).for_each(|((id, hash, _), vector)| vectors.put(id, *hash, vector));
    if let Some(kept) = kept.filter(|_| !lacking.is_empty()) {
        std::fs::write(kept, vectors.to_bytes()).with_context(|| kept.display().to_string())?;
    }
    Ok(vectors)
}
