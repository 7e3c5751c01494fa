//! One run of a feed: fetch, look, decide, write.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashSet;
use souk_core::{ProductId, SiteId};

use super::quality::Inspector;
use super::{FeedCall, FeedMode, FeedOutcome, FeedQuality, FeedRun, Fetched, Validators};
use crate::config::{FeedKind, FeedSettings};
use crate::import::elapsed_ms;
use crate::sheet::file_error;
use crate::{
    App, AppError, AuditAct, AuditObject, AuditOperation, Caller, ImportOptions, Operation,
    Outcome, PUT_PRODUCTS_MAX, Progress,
};

/// What a look at the whole file told.
struct Surveyed {
    run: FeedRun,
    /// Products of the site that the file does not name.
    absent: FxHashSet<ProductId>,
    /// Products of the site before the run.
    n_known: usize,
}

impl App {
    /// Runs a feed now.
    ///
    /// # Errors
    ///
    /// [`AppError::Denied`] without the role; [`AppError::Invalid`] for an unknown feed or a file that is no
    /// catalogue; [`AppError::File`], or [`AppError::NotReady`] where it cannot be fetched. What was not refused
    /// before the first change may have been written in part; the next run completes it.
    pub async fn run_feed(
        self: &Arc<App>,
        (name, mode): (&str, FeedMode),
        caller: &Caller,
        progress: &dyn Progress,
    ) -> Result<FeedRun, AppError> {
        caller.check(Operation::RunImports)?;
        let source = self.feed(name)?;
        let _alone = self.feeds.running.lock().await;
        let at = self.clock.now();
        let mut row = self.feed_row(name).await?;
        progress.begin(&format!("Reading feed {name}"), None);
        let ended = self.run_source((source, mode), &mut row.validators, progress).await;
        progress.end();
        if mode == FeedMode::DryRun {
            return ended;
        }
        row.note(at, &ended);
        if ended.is_err() {
            // What was not taken in must be fetched again.
            row.validators = Validators::default();
        }
        self.put_feed_row(name, &row).await?;
        self.note_feed(name, &ended, caller).await?;
        ended
    }

    /// Writes down what a run did; one that found nothing new did nothing.
    async fn note_feed(
        &self,
        name: &str,
        ended: &Result<FeedRun, AppError>,
        caller: &Caller,
    ) -> Result<(), AppError> {
        let act = AuditAct::new(AuditOperation::FeedRun).on(AuditObject::of("feed", name));
        let act = match ended {
            Ok(run) if run.outcome == FeedOutcome::Unchanged => return Ok(()),
            Ok(run) => {
                let is_refused = run.outcome == FeedOutcome::Refused;
                act.ending(if is_refused { Outcome::Failed } else { Outcome::Done })
                    .with("outcome", run.outcome.as_str())
                    .with("products", run.products)
                    .with("new", run.new)
                    .with("changed", run.changed)
                    .with("absent", run.absent)
                    .with("removed", run.removed)
            }
            Err(error) => act.ending(Outcome::Failed).with("code", error.code()),
        };
        self.audit(caller, act).await?;
        Ok(())
    }

    async fn run_source(
        self: &Arc<App>,
        (source, mode): (&FeedSettings, FeedMode),
        validators: &mut Validators,
        progress: &dyn Progress,
    ) -> Result<FeedRun, AppError> {
        let started = Instant::now();
        let (path, is_fetched) = match (&source.file, &source.url) {
            (Some(file), _) => (PathBuf::from(file), false),
            (None, Some(url)) => {
                // Whoever looks, or overrides what was refused, wants the file whether it changed or not.
                let asked = match mode {
                    FeedMode::Run => validators.clone(),
                    _ => Validators::default(),
                };
                match self.fetch_feed((&source.name, url), &asked).await? {
                    Some((path, found)) => {
                        *validators = found;
                        (path, true)
                    }
                    None => {
                        let elapsed_ms = elapsed_ms(started);
                        return Ok(FeedRun { elapsed_ms, ..empty(FeedOutcome::Unchanged) });
                    }
                }
            }
            (None, None) => return Err(AppError::Bug("the settings were checked".to_owned())),
        };
        let ran = self.run_file((source, &path), mode, progress).await;
        if is_fetched {
            let _ = std::fs::remove_file(&path);
        }
        let mut run = ran?;
        if run.outcome == FeedOutcome::Refused {
            *validators = Validators::default();
        }
        run.elapsed_ms = elapsed_ms(started);
        Ok(run)
    }

    /// Fetches a file; `None` where it is as it was.
    async fn fetch_feed(
        &self,
        (name, url): (&str, &str),
        validators: &Validators,
    ) -> Result<Option<(PathBuf, Validators)>, AppError> {
        let Some(equipment) = self.feeds.equipment.get() else {
            return Err(AppError::NotReady("nothing fetches files here".to_owned()));
        };
        let folder = &equipment.folder;
        std::fs::create_dir_all(folder).map_err(|source| file_error(folder, source))?;
        let fetched = folder.join(format!("{name}.fetched"));
        let settings = &self.config.feeds;
        let timeout = Duration::from_secs(settings.timeout_s);
        let call = FeedCall { url, validators, bytes_max: settings.bytes_max, timeout };
        match equipment.fetcher.fetch(call, &fetched).await {
            Ok(Fetched::Unchanged) => Ok(None),
            Ok(Fetched::Whole(found)) => {
                let named = folder.join(format!("{name}.{}", extension(&fetched)?));
                let renamed = std::fs::rename(&fetched, &named);
                renamed.map_err(|source| file_error(&named, source))?;
                Ok(Some((named, found)))
            }
            Err(why) => {
                let _ = std::fs::remove_file(&fetched);
                Err(AppError::NotReady(format!("feed `{name}` cannot be fetched: {why}")))
            }
        }
    }

    async fn run_file(
        self: &Arc<App>,
        (source, path): (&FeedSettings, &Path),
        mode: FeedMode,
        progress: &dyn Progress,
    ) -> Result<FeedRun, AppError> {
        let site = source.site.clone().unwrap_or_else(|| self.config.main_site());
        let settings =
            self.config.site(&site).ok_or_else(|| AppError::Bug("checked".to_owned()))?;
        let options = ImportOptions {
            kind: source.kind.map(|kind| kind.import_kind()),
            site: site.clone(),
            currency: settings.currency,
            ..ImportOptions::default()
        };
        if source.kind == Some(FeedKind::Signals) {
            return self.run_signals(path, (&options, progress), mode).await;
        }
        let surveyed = self.survey_feed((source, path), (&options, progress)).await?;
        let Surveyed { mut run, mut absent, n_known } = surveyed;
        let share = run.absent as f64 / n_known.max(1) as f64;
        if share > source.removal_share_max && mode != FeedMode::AllowRemovals {
            run.notes.push(format!(
                "{} of {n_known} products would be removed, {:.1} % where `removal_share_max` allows {:.1} %; if \
                 that is right, run `souk feeds run {} --allow-removals`",
                run.absent,
                share * 100.0,
                source.removal_share_max * 100.0,
                source.name
            ));
            run.outcome = FeedOutcome::Refused;
        }
        if mode == FeedMode::DryRun || run.outcome == FeedOutcome::Refused {
            return Ok(run);
        }
        run.outcome = FeedOutcome::Done;
        // The file may have been replaced since it was looked at: what it names now stays, too.
        let put = self.put_catalogue(path, (&options, progress), |product| {
            absent.remove(&product.id);
        });
        put.await?;
        run.removed = self.remove_absent(&site, absent).await?;
        Ok(run)
    }

    /// Takes in a file of signals, which no product is named in. A dry run only fetches it.
    async fn run_signals(
        self: &Arc<App>,
        path: &Path,
        (options, progress): (&ImportOptions, &dyn Progress),
        mode: FeedMode,
    ) -> Result<FeedRun, AppError> {
        if mode == FeedMode::DryRun {
            return Ok(empty(FeedOutcome::Looked));
        }
        let report = self.import(path, options, progress).await?;
        let notes = vec![format!(
            "{} values of signals are new or others than before, {} were known",
            report.accepted, report.duplicates
        )];
        let (rejected, rejected_file) = (report.rejected, report.rejected_file);
        Ok(FeedRun { rejected, rejected_file, notes, ..empty(FeedOutcome::Done) })
    }

    async fn remove_absent(
        &self,
        site: &SiteId,
        absent: FxHashSet<ProductId>,
    ) -> Result<u64, AppError> {
        let mut absent: Vec<ProductId> = absent.into_iter().collect();
        absent.sort();
        let mut removed = 0;
        for ids in absent.chunks(PUT_PRODUCTS_MAX) {
            removed += self.delete_products((site, ids), &Caller::local_admin()).await? as u64;
        }
        Ok(removed)
    }

    /// Reads the whole file and compares it with the catalogue.
    async fn survey_feed(
        &self,
        (source, path): (&FeedSettings, &Path),
        (options, progress): (&ImportOptions, &dyn Progress),
    ) -> Result<Surveyed, AppError> {
        let mut known = self.product_ids(&options.site);
        let n_known = known.len();
        let mut inspector = Inspector::default();
        let mut seen: FxHashSet<ProductId> = FxHashSet::default();
        let (mut new, mut changed, mut repeated) = (0, 0, 0);
        let told = self.survey_catalogue(path, (options, progress), |product| {
            let old = self.product(&product.site, &product.id);
            inspector.look(product, (old.as_deref(), source.price_jump));
            if !seen.insert(product.id.clone()) {
                repeated += 1;
                return;
            }
            match old {
                None => new += 1,
                Some(old) => changed += u64::from(*old != *product),
            }
        });
        let told = told.await?;
        let mut notes = told.notes;
        if repeated > 0 {
            notes
                .push(format!("{repeated} products stand more than once; the last of each counts"));
        }
        known.retain(|id| source.full && !seen.contains(id));
        told.named.iter().for_each(|id| {
            known.remove(id);
        });
        // A row that does not even tell its product may be that of any which seems to be absent.
        let unnamed = told.n_faults.saturating_sub(told.named.len() as u64);
        if unnamed > 0 && !known.is_empty() {
            notes.push(format!(
                "{unnamed} rows do not tell their product, so none of the {} that seem to be absent is removed",
                known.len()
            ));
            known.clear();
        }
        let run = FeedRun {
            outcome: FeedOutcome::Looked,
            products: seen.len() as u64,
            new,
            changed,
            absent: known.len() as u64,
            removed: 0,
            rejected: told.n_faults,
            rejected_file: told.rejected_file,
            quality: inspector.finish(told.n_untitled),
            notes,
            elapsed_ms: 0,
        };
        Ok(Surveyed { run, absent: known, n_known })
    }
}

/// A run that found no product.
fn empty(outcome: FeedOutcome) -> FeedRun {
    FeedRun {
        outcome,
        products: 0,
        new: 0,
        changed: 0,
        absent: 0,
        removed: 0,
        rejected: 0,
        rejected_file: None,
        quality: FeedQuality::default(),
        notes: Vec::new(),
        elapsed_ms: 0,
    }
}

/// How a file must be called to be read as what its first bytes say; addresses often tell nothing.
fn extension(path: &Path) -> Result<&'static str, AppError> {
    let file = std::fs::File::open(path).map_err(|source| file_error(path, source))?;
    let mut head = Vec::new();
    file.take(4_096).read_to_end(&mut head).map_err(|source| file_error(path, source))?;
    if head.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        // A cut stream ends in an error after what could be read of it.
        let _ = flate2::read::MultiGzDecoder::new(&*head).take(512).read_to_end(&mut unpacked);
        return Ok(match kind_of(&unpacked) {
            "xml" => "xml.gz",
            "jsonl" => "jsonl.gz",
            "parquet" => "parquet.gz",
            _ => "txt.gz",
        });
    }
    Ok(kind_of(&head))
}

fn kind_of(head: &[u8]) -> &'static str {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let mut signs =
        text.iter().filter(|b| !b.is_ascii_whitespace() && !matches!(b, 0 | 0xfe | 0xff));
    match signs.next() {
        _ if head.starts_with(b"PAR1") => "parquet",
        Some(b'<') => "xml",
        Some(b'{') => "jsonl",
        _ => "txt",
    }
}
