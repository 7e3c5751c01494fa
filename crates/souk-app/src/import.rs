//! Files into the log: each row becomes an event and goes through the same door as any other.
//!
//! Good rows go in and bad rows are listed, with line and reason, in a file beside the input. A file
//! is known by its content: reading it again adds nothing, and an import that was broken off goes on
//! where it stopped. Rows are known by their content too, so a renamed or re-sorted file adds
//! nothing while the log remembers event ids.

mod catalogue;
mod clocks;
mod consents;
mod draft;
mod events;
mod feeder;
mod kind;
mod ledger;
mod merchant;
mod messages;
mod moving;
pub(crate) mod orders;
mod planning;
mod products;
mod readiness;
mod rejected;
#[cfg(test)]
mod sales_tests;
mod shop;
mod strangers;
#[cfg(test)]
mod tests;
mod usable;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use souk_core::{Channel, Currency, LegalBasis, ProductId, SiteId, Source, Timestamp};

use crate::sheet::{self, Block, Columns, IsGzip, Layout, RowFault};
use crate::threads::aside;
use crate::{App, AppError};

pub use draft::{Draft, DraftFact};
pub use feeder::Fed;
pub use kind::ImportKind;
pub use moving::{MoveMode, MoveReport, System};
pub use readiness::{
    EventsRead, FileRead, OrdersRead, PartReady, PeopleRead, ProductsRead, ReadinessReport,
    Sufficiency,
};
pub use usable::Usable;

pub(crate) use moving::items::as_the_shops;
pub(crate) use moving::text::plain as plain_text;

use clocks::Clocks;
use feeder::Feeder;
use kind::{check_counts, names};
use ledger::Ledger;
use orders::Fault;
use rejected::RejectedRows;
use strangers::Strangers;
use usable::Persons;

/// Hears how far a long piece of work has come. The command line draws a bar of it.
pub trait Progress: Send + Sync {
    /// Begins a piece of work of `total` steps, where that is known.
    fn begin(&self, what: &str, total: Option<u64>);
    /// So many steps more are done.
    fn advance(&self, steps: u64);
    /// Something that a person should read.
    fn note(&self, text: &str);
    /// The piece of work is done.
    fn end(&self);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _what: &str, _total: Option<u64>) {}
    fn advance(&self, _steps: u64) {}
    fn note(&self, _text: &str) {}
    fn end(&self) {}
}

/// What a file does not say of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportOptions {
    /// What the rows are; `None` tells it from the columns.
    pub kind: Option<ImportKind>,
    /// Whose rows they are.
    pub site: SiteId,
    /// The currency of amounts that name none.
    pub currency: Currency,
    /// The channel of orders that name none.
    pub channel: Channel,
    /// The channel of events that name none.
    pub event_channel: Channel,
    /// Which system the rows come from.
    pub source: Source,
    /// Why persons' data in the file may be used; `None` states nothing.
    pub basis: Option<LegalBasis>,
    /// Whose own export the file is; `None` means Souk's columns.
    pub from: Option<System>,
}

impl Default for ImportOptions {
    fn default() -> ImportOptions {
        ImportOptions {
            kind: None,
            site: SiteId::main(),
            currency: Currency::USD,
            channel: Channel::Store,
            event_channel: Channel::Web,
            source: Source::Ledger,
            basis: None,
            from: None,
        }
    }
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportReport {
    /// Which file.
    pub path: PathBuf,
    /// What its rows were taken for.
    pub kind: ImportKind,
    /// Events that are new and durable.
    pub accepted: u64,
    /// Events that the log held already.
    pub duplicates: u64,
    /// Rows that were left out.
    pub rejected: u64,
    /// Where those are listed.
    pub rejected_file: Option<PathBuf>,
    /// Events passed over because an earlier run of this very file had brought them in.
    pub resumed_from: u64,
    /// Whether an earlier run had read the whole file.
    pub was_known: bool,
    /// How much of it may be used for what; `None` where no row names a person by columns.
    pub usable: Option<Usable>,
    /// What was assumed.
    pub notes: Vec<String>,
    /// The time it took.
    pub elapsed_ms: u64,
}

impl ImportReport {
    /// Whether there were rows, and none of them could be read.
    fn is_in_vain(&self) -> bool {
        let n_read = self.accepted + self.duplicates + self.resumed_from;
        self.rejected > 0 && n_read == 0
    }

    fn in_vain(&self) -> AppError {
        let path = self.path.display();
        let listed = match &self.rejected_file {
            Some(file) => format!("; the reasons are in `{}`", file.display()),
            None => String::new(),
        };
        let (kind, n_rows) = (self.kind, self.rejected);
        let detail = format!(
            "file `{path}`: none of its {n_rows} rows could be read as {kind}, so nothing was added{listed}"
        );
        AppError::invalid("nothing_read", "", detail)
    }
}

/// Turns blocks of rows into drafts.
pub(crate) trait Mapper: Send {
    /// The events of a block that are complete, each with the line it stands on.
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)>;

    /// Whether the mapper can still hold what it has taken.
    fn check(&self) -> Result<(), AppError> {
        Ok(())
    }

    /// Products that rows name which could not be read: their absence says nothing.
    fn named(&mut self) -> Vec<ProductId> {
        Vec::new()
    }

    /// The events that only the end of the file completes.
    fn finish(
        self: Box<Self>,
        faults: &mut Vec<RowFault>,
    ) -> Box<dyn Iterator<Item = (u64, Draft)> + Send> {
        let _ = faults;
        Box::new(std::iter::empty())
    }
}

/// Reads every row of a block by one function.
fn each_row<D: IntoIterator<Item = Draft>>(
    block: &Block,
    faults: &mut Vec<RowFault>,
    mut read: impl FnMut(usize) -> Result<D, Fault>,
) -> Vec<(u64, Draft)> {
    let mut drafts = Vec::with_capacity(block.len());
    for row in 0..block.len() {
        let line = block.line(row);
        match read(row) {
            Ok(read) => drafts.extend(read.into_iter().map(|draft| (line, draft))),
            Err(fault) => faults.push(fault.at(line)),
        }
    }
    drafts
}

/// What the reading half sends to the writing half.
enum Read {
    Drafts(Vec<(u64, Draft)>),
    Faults(Vec<RowFault>),
    /// Products whose rows are among the faults.
    Named(Vec<ProductId>),
    Notes(Vec<String>),
}

/// Drafts in one message from reader to writer.
const CHUNK: usize = 1_000;

impl App {
    /// Brings a file in; answers once all its good rows are durable.
    ///
    /// # Errors
    ///
    /// [`AppError::File`] when it cannot be read, [`AppError::Invalid`] when it is no table, its
    /// columns do not fit the kind, or no row of it could be read; what was brought in before stays, and a repeat goes on there.
    pub async fn import(
        self: &Arc<App>,
        path: &Path,
        options: &ImportOptions,
        progress: &dyn Progress,
    ) -> Result<ImportReport, AppError> {
        let planned = {
            let (path, options) = (path.to_owned(), options.clone());
            let plan = move || -> Result<_, AppError> {
                Ok((ledger::hash_file(&path)?, Plan::of(&path, &options)?))
            };
            aside("planning an import", plan).await??
        };
        let report = if planned.1.kind.is_of_tables() {
            self.import_planning((&planned.1.path, planned.1.kind), options, progress).await?
        } else {
            self.import_plan(planned, options, progress).await?
        };
        if report.is_in_vain() {
            return Err(report.in_vain());
        }
        Ok(report)
    }

    /// Brings in a file of which it is known how to read it.
    async fn import_plan(
        self: &Arc<App>,
        (hash, mut plan): (String, Plan),
        options: &ImportOptions,
        progress: &dyn Progress,
    ) -> Result<ImportReport, AppError> {
        let started = std::time::Instant::now();
        plan.clocks = Arc::new(self.clocks(&options.site));
        let (kind, path) = (plan.kind, plan.path.clone());
        let mut ledger = Ledger::open(self, &hash, options).await?;
        let mut report = ImportReport {
            path: path.clone(),
            kind,
            accepted: 0,
            duplicates: 0,
            rejected: 0,
            rejected_file: None,
            resumed_from: ledger.units_done(),
            was_known: ledger.is_complete(),
            usable: None,
            notes: Vec::new(),
            elapsed_ms: 0,
        };
        if report.was_known {
            report.elapsed_ms = elapsed_ms(started);
            return Ok(report);
        }
        progress.begin(&format!("Importing {kind} from {}", path.display()), None);
        let fed = self.feed_file(plan, (&mut ledger, &mut report), (options, progress)).await;
        progress.end();
        let (fed, persons) = fed?;
        report.usable = self.usable(persons, options).await?;
        report.accepted = fed.accepted;
        report.duplicates = fed.duplicates;
        // A repeat of a file of which nothing could be read says so again.
        if !report.is_in_vain() {
            ledger.complete(self).await?;
        }
        report.elapsed_ms = elapsed_ms(started);
        Ok(report)
    }

    async fn feed_file(
        self: &Arc<App>,
        plan: Plan,
        (ledger, report): (&mut Ledger, &mut ImportReport),
        (options, progress): (&ImportOptions, &dyn Progress),
    ) -> Result<(Fed, Persons), AppError> {
        let (path, kind) = (plan.path.clone(), plan.kind);
        let mut reading = plan.start(options, self.clock().now());
        let mut feeder = Feeder::new(self, options);
        let mut rejected = RejectedRows::beside(&path, kind);
        let (mut persons, mut strangers) = (Persons::default(), Strangers::default());
        // What files before this one told is known.
        self.wait_for(&self.parts.log.end().await?).await?;
        let mut to_skip = report.resumed_from;
        while let Some(read) = reading.next().await {
            match read {
                Read::Drafts(mut drafts) => {
                    let skipped = to_skip.min(drafts.len() as u64);
                    to_skip -= skipped;
                    drafts.drain(..usize::try_from(skipped).expect("it is at most the length"));
                    progress.advance(drafts.len() as u64);
                    for (_, draft) in &drafts {
                        persons.count(self, draft);
                        strangers.hear(self, draft);
                    }
                    feeder.feed(drafts, &mut rejected).await?;
                    ledger.advance(self, report.resumed_from + feeder.units_done()).await?;
                }
                Read::Faults(faults) => rejected.add(faults)?,
                Read::Named(_) => {}
                Read::Notes(notes) => report.notes.extend(notes),
            }
        }
        reading.end().await?;
        let fed = feeder.finish(&mut rejected).await?;
        self.wait_for(&self.parts.log.end().await?).await?;
        report.notes.extend(strangers.notes(self, &options.site));
        (report.rejected, report.rejected_file) = rejected.close()?;
        Ok((fed, persons))
    }

    /// Brings in events that were made in memory, for example by the demo.
    ///
    /// # Errors
    ///
    /// As the log.
    pub async fn import_drafts(
        self: &Arc<App>,
        drafts: impl Iterator<Item = Draft> + Send,
        options: &ImportOptions,
        progress: &dyn Progress,
    ) -> Result<Fed, AppError> {
        let mut feeder = Feeder::new(self, options);
        let mut refused = RejectedRows::in_memory();
        let mut drafts = (1..).zip(drafts).peekable();
        while drafts.peek().is_some() {
            let chunk: Vec<(u64, Draft)> = drafts.by_ref().take(CHUNK).collect();
            progress.advance(chunk.len() as u64);
            feeder.feed(chunk, &mut refused).await?;
        }
        let mut fed = feeder.finish(&mut refused).await?;
        fed.rejected = refused.close()?.0;
        Ok(fed)
    }
}

/// How a file is to be read.
struct Plan {
    path: PathBuf,
    kind: ImportKind,
    layout: Layout,
    gzip: IsGzip,
    /// Whether its lines are events or products in the shape of the HTTP interface.
    is_documents: bool,
    /// Which export of another system it is.
    export: Option<moving::Export>,
    /// What the files of one move share; a file by itself has none.
    moving: Option<Arc<moving::Moving>>,
    /// By which times without an offset are read.
    clocks: Arc<Clocks>,
}

impl Plan {
    fn of(path: &Path, options: &ImportOptions) -> Result<Plan, AppError> {
        let (layout, gzip) = Layout::of(path)?;
        if layout == Layout::Xml || layout == Layout::Delimited && merchant::is_xml(path, gzip)? {
            return Plan::of_xml((path, gzip), options);
        }
        let sheet = sheet::open(path)?;
        let columns = Columns::new(sheet.columns());
        let is_messages = layout == Layout::JsonLines
            && columns.find(&["type"]).is_some()
            && columns.find(&["event", "user_id", "anonymous_id", "message_id"]).is_some();
        let kind = match options.kind {
            Some(kind) => kind,
            None if is_messages => ImportKind::Events,
            None => ImportKind::of(&columns)?,
        };
        if kind == ImportKind::Stock && options.kind.is_none() {
            check_counts(path, (sheet, &columns))?;
        }
        let is_documents = layout == Layout::JsonLines
            && (kind == ImportKind::Products
                || is_messages && matches!(kind, ImportKind::Events | ImportKind::Orders));
        let (path, export, moving) = (path.to_owned(), None, None);
        let clocks = Arc::default();
        Ok(Plan { path, kind, layout, gzip, is_documents, export, moving, clocks })
    }

    /// XML is a product feed, whatever the file is called.
    fn of_xml((path, gzip): (&Path, IsGzip), options: &ImportOptions) -> Result<Plan, AppError> {
        if let Some(kind) = options.kind.filter(|kind| *kind != ImportKind::GoogleFeed) {
            let detail = format!(
                "file `{}` is XML, which can be a product feed and not {kind}; leave --kind out",
                path.display()
            );
            return Err(AppError::invalid("unknown_kind", "kind", detail));
        }
        let (path, kind, layout) = (path.to_owned(), ImportKind::GoogleFeed, Layout::Xml);
        let (export, moving, clocks) = (None, None, Arc::default());
        Ok(Plan { path, kind, layout, gzip, is_documents: false, export, moving, clocks })
    }

    /// The same once more.
    fn again(&self) -> Plan {
        let (path, moving) = (self.path.clone(), self.moving.clone());
        Plan { path, moving, clocks: Arc::clone(&self.clocks), ..*self }
    }

    /// Begins to read the whole file on a thread of its own.
    fn start(self, options: &ImportOptions, now: Timestamp) -> Reading {
        let options = options.clone();
        let (send, heard) = tokio::sync::mpsc::channel(8);
        let done = tokio::task::spawn_blocking(move || self.read(&options, now, &send));
        Reading { heard, done }
    }

    /// Reads the whole file and sends what it says.
    fn read(
        &self,
        options: &ImportOptions,
        now: Timestamp,
        send: &tokio::sync::mpsc::Sender<Read>,
    ) -> Result<(), AppError> {
        debug_assert!(!self.is_documents || self.layout == Layout::JsonLines);
        if self.is_documents {
            return messages::read(self, options, now, send);
        }
        if self.is_nested() {
            return self.read_nested((options, now), send);
        }
        if self.layout == Layout::Xml {
            return merchant::read_xml(self, options, now, send);
        }
        let mut sheet = sheet::open(&self.path)?;
        let columns = Columns::new(sheet.columns());
        let mut mapper = self.mapper(&columns, options, now)?;
        let commas = commas_of((&*sheet, &columns), self.export);
        while let Some(mut block) = sheet.next_block()? {
            block.turn_commas(&commas);
            let mut faults = std::mem::take(&mut block.faults);
            let drafts = mapper.take(&block, &mut faults);
            mapper.check()?;
            self.hear(&drafts, &faults);
            let named = mapper.named();
            if !(send_faults(send, faults) && send_named(send, named) && send_drafts(send, drafts))
            {
                return Ok(());
            }
        }
        let mut faults = Vec::new();
        let rest = mapper.finish(&mut faults);
        self.hear(&[], &faults);
        let rest = rest.inspect(|draft| self.hear(std::slice::from_ref(draft), &[]));
        if !(send_faults(send, faults) && send_drafts(send, rest)) {
            return Ok(());
        }
        let _ = send.blocking_send(Read::Notes(sheet.notes()));
        Ok(())
    }

    fn hear(&self, drafts: &[(u64, Draft)], faults: &[RowFault]) {
        if let Some(moving) = &self.moving {
            moving.hear(drafts, faults);
        }
    }

    fn mapper(
        &self,
        columns: &Columns,
        options: &ImportOptions,
        now: Timestamp,
    ) -> Result<Box<dyn Mapper>, AppError> {
        if let (Some(export), Some(moving)) = (self.export, &self.moving) {
            return Ok(Plan::export_mapper((export, moving), columns, (options, now)));
        }
        Ok(match self.kind {
            ImportKind::Products => Box::new(products::ProductMapper::new(columns, options, now)?),
            ImportKind::GoogleFeed => {
                Box::new(merchant::MerchantMapper::new(columns, options, now)?)
            }
            ImportKind::Events => Box::new(events::EventMapper::new(columns, options)?),
            ImportKind::Orders | ImportKind::Sales => {
                let told = (options, &self.clocks, now);
                Box::new(orders::OrderMapper::new(columns, self.kind, told)?)
            }
            ImportKind::Customers => Box::new(shop::CustomerMapper::new(columns, now)?),
            ImportKind::Consents => Box::new(consents::ConsentMapper::new(columns, now)?),
            ImportKind::Stock | ImportKind::Lots | ImportKind::Prices | ImportKind::Promotions => {
                let told = (options, &self.clocks, now);
                Box::new(shop::ShopMapper::new(columns, self.kind, told)?)
            }
            ImportKind::Suppliers
            | ImportKind::PurchaseOrders
            | ImportKind::Signals
            | ImportKind::Synonyms
            | ImportKind::Rules => {
                return Err(AppError::Bug(format!("{} do not go into the log", self.kind)));
            }
        })
    }
}

/// A file that is being read on a thread of its own.
struct Reading {
    heard: tokio::sync::mpsc::Receiver<Read>,
    done: tokio::task::JoinHandle<Result<(), AppError>>,
}

impl Reading {
    /// What was read next; `None` once no more comes.
    async fn next(&mut self) -> Option<Read> {
        self.heard.recv().await
    }

    /// Whether the whole file was read.
    async fn end(self) -> Result<(), AppError> {
        self.done.await.map_err(|error| AppError::Bug(format!("reading a file ended: {error}")))?
    }
}

/// The columns in which a comma is a number's decimal mark; another system's files are read as it writes them.
fn commas_of(
    (sheet, columns): (&dyn sheet::Sheet, &Columns),
    export: Option<moving::Export>,
) -> Vec<usize> {
    match sheet.has_decimal_commas() && export.is_none() {
        true => columns.all(names::NUMBERS),
        false => Vec::new(),
    }
}

/// Sends drafts in chunks; `false` when nobody listens any more.
fn send_drafts(
    send: &tokio::sync::mpsc::Sender<Read>,
    drafts: impl IntoIterator<Item = (u64, Draft)>,
) -> bool {
    let mut drafts = drafts.into_iter().peekable();
    while drafts.peek().is_some() {
        let chunk = drafts.by_ref().take(CHUNK).collect();
        if send.blocking_send(Read::Drafts(chunk)).is_err() {
            return false;
        }
    }
    true
}

fn send_faults(send: &tokio::sync::mpsc::Sender<Read>, faults: Vec<RowFault>) -> bool {
    faults.is_empty() || send.blocking_send(Read::Faults(faults)).is_ok()
}

fn send_named(send: &tokio::sync::mpsc::Sender<Read>, named: Vec<ProductId>) -> bool {
    named.is_empty() || send.blocking_send(Read::Named(named)).is_ok()
}

pub(crate) fn elapsed_ms(since: std::time::Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
