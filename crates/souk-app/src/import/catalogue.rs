//! Files of products, read by a feed: once to look and once to take in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use souk_core::{Product, ProductId};

use super::feeder::{Fed, Feeder};
use super::rejected::RejectedRows;
use super::{DraftFact, ImportKind, ImportOptions, Plan, Progress, Read};
use crate::threads::aside;
use crate::{App, AppError};

/// What a file of products told beside its products.
#[derive(Debug, Default)]
pub(crate) struct CatalogueRead {
    /// Rows that could not be read.
    pub(crate) n_faults: u64,
    /// Those that lack a title.
    pub(crate) n_untitled: u64,
    /// The products whose rows could not be read, where at least that could be told.
    pub(crate) named: Vec<ProductId>,
    /// Where the rows are listed.
    pub(crate) rejected_file: Option<PathBuf>,
    /// What was assumed.
    pub(crate) notes: Vec<String>,
}

impl App {
    /// Reads a file of products, writes nothing but the list of rows with faults, and shows each product.
    ///
    /// # Errors
    ///
    /// As [`App::import`]; [`AppError::Invalid`] where the file holds something else than products.
    pub(crate) async fn survey_catalogue(
        &self,
        path: &Path,
        (options, progress): (&ImportOptions, &dyn Progress),
        mut show: impl FnMut(&Product),
    ) -> Result<CatalogueRead, AppError> {
        let plan = plan(path, options).await?;
        let mut rejected = RejectedRows::beside(&plan.path, plan.kind);
        let mut told = CatalogueRead::default();
        let mut reading = plan.start(options, self.clock().now());
        while let Some(read) = reading.next().await {
            match read {
                Read::Drafts(drafts) => {
                    progress.advance(drafts.len() as u64);
                    for (_, draft) in drafts {
                        if let DraftFact::Product(product) = &draft.fact {
                            show(product);
                        }
                    }
                }
                Read::Faults(faults) => {
                    told.n_faults += faults.len() as u64;
                    let untitled = faults.iter().filter(|fault| fault.column.ends_with("title"));
                    told.n_untitled += untitled.count() as u64;
                    rejected.add(faults)?;
                }
                Read::Named(named) => told.named.extend(named),
                Read::Notes(notes) => told.notes = notes,
            }
        }
        reading.end().await?;
        told.rejected_file = rejected.close()?.1;
        Ok(told)
    }

    /// Reads a file of products and puts those that are new or changed into the catalogue; shows each.
    ///
    /// # Errors
    ///
    /// As [`App::survey_catalogue`]; what was put before stays.
    pub(crate) async fn put_catalogue(
        self: &Arc<App>,
        path: &Path,
        (options, progress): (&ImportOptions, &dyn Progress),
        mut show: impl FnMut(&Product),
    ) -> Result<Fed, AppError> {
        let plan = plan(path, options).await?;
        let mut refused = RejectedRows::in_memory();
        let mut feeder = Feeder::new(self, options);
        let mut reading = plan.start(options, self.clock().now());
        while let Some(read) = reading.next().await {
            let Read::Drafts(drafts) = read else { continue };
            progress.advance(drafts.len() as u64);
            for (_, draft) in &drafts {
                if let DraftFact::Product(product) = &draft.fact {
                    show(product);
                }
            }
            feeder.feed(drafts, &mut refused).await?;
        }
        reading.end().await?;
        feeder.finish(&mut refused).await
    }
}

async fn plan(path: &Path, options: &ImportOptions) -> Result<Plan, AppError> {
    let (path, options) = (path.to_owned(), options.clone());
    let plan = aside("planning an import", move || Plan::of(&path, &options)).await??;
    if matches!(plan.kind, ImportKind::Products | ImportKind::GoogleFeed) {
        return Ok(plan);
    }
    let detail = format!(
        "file `{}` holds {}; a feed brings products; bring it in with `souk import`",
        plan.path.display(),
        plan.kind
    );
    Err(AppError::invalid("unknown_kind", "kind", detail))
}
