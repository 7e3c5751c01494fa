//! Moving in: the export files of other systems, read as they are.
//!
//! Each system's files have a mapper of their own, chosen by the columns; what they make goes through the
//! same door, ledger and list of rejected rows as any import. The files of one move are read in an order
//! of their own, products first, because orders name sizes where the catalogue names products. A
//! [`ReadinessReport`] report says beforehand, or afterwards, what there is to learn from. *Not* here: any
//! system's network interface; only files.

mod algolia;
mod book;
mod export;
mod ga4;
mod header;
pub(super) mod items;
mod magento;
mod magento_sales;
mod merchandise;
mod personalize;
mod rows;
mod shelf;
mod shopify;
mod shopify_orders;
#[cfg(test)]
mod tests;
pub(crate) mod text;

pub(super) use export::Export;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use serde_json::Value;
use souk_core::{IdError, Product, ProductId, Timestamp, VariantId};

use super::readiness::{ReadinessReport, Tally};
use super::rejected::RejectedRows;
use super::{
    CHUNK, Draft, DraftFact, ImportKind, ImportOptions, ImportReport, Mapper, Plan, Progress, Read,
    ledger, send_drafts, send_faults,
};
use crate::products::PAGE_PRODUCTS_MAX;
use crate::sheet::{Columns, Layout, Lines, RowFault};
use crate::threads::aside;
use crate::{App, AppError};

use export::files_of;
use rows::{ReadWith, booked, single};
use shelf::Shelf;

/// Why orders of some exports are passed over.
const NO_LINES: &str = "orders without products: this export names none";

/// Why times of rules are passed over.
const OVER: &str = "times of rules that are over";

/// A system whose own exports are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum System {
    /// Shopify's admin: products, orders, customers, inventory.
    Shopify,
    /// Magento 2 and Adobe Commerce: products, order items, the grids of orders, customers, subscribers.
    Magento,
    /// The BigQuery export of Google Analytics 4.
    Ga4,
    /// Amazon Personalize's data sets: interactions, items, users.
    Personalize,
    /// Algolia's records, synonyms and rules.
    Algolia,
}

impl System {
    /// Every system.
    pub const ALL: [System; 5] =
        [System::Shopify, System::Magento, System::Ga4, System::Personalize, System::Algolia];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            System::Shopify => "shopify",
            System::Magento => "magento",
            System::Ga4 => "ga4",
            System::Personalize => "personalize",
            System::Algolia => "algolia",
        }
    }

    /// Reads the name on the command line.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] that names the systems.
    pub fn parse(name: &str) -> Result<System, AppError> {
        System::ALL.into_iter().find(|system| system.as_str() == name).ok_or_else(|| {
            let known = System::ALL.map(System::as_str).join(", ");
            let detail = format!("there is no system `{name}`; give one of {known}");
            AppError::invalid("unknown_system", "from", detail)
        })
    }
}

/// Whether anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveMode {
    /// The files are read and reported on; the log stays as it is.
    DryRun,
    /// The files go in.
    Import,
}

/// What became of a move.
#[derive(Clone, Debug)]
pub struct MoveReport {
    /// What became of each file, in the order in which they were read; empty for a dry run.
    pub files: Vec<ImportReport>,
    /// What there is to learn from.
    pub readiness: ReadinessReport,
}

/// What the files of one move share: what products are called, and what is counted for the report.
pub(super) struct Moving {
    shelf: RwLock<Shelf>,
    tally: Mutex<Tally>,
}

impl Moving {
    fn resolve(&self, id: &str) -> Result<(ProductId, Option<VariantId>), IdError> {
        self.shelf.read().resolve(id)
    }

    /// Whether the shop's own catalogue has a product.
    fn owns(&self, id: &ProductId) -> bool {
        self.shelf.read().owns(id.as_str())
    }

    /// A product that was made of events before.
    fn of_events(&self, id: &ProductId) -> Option<Product> {
        self.shelf.read().of_events(id.as_str()).cloned()
    }

    fn by_title(&self, title: &str) -> Option<ProductId> {
        self.shelf.read().by_title(title)
    }

    fn negative_stock(&self, product: &str) {
        self.tally.lock().negative_stock(product);
    }

    fn pass_over(&self, why: &'static str) {
        self.tally.lock().pass_over(why);
    }

    fn untitled(&self) {
        self.tally.lock().untitled();
    }

    fn consent(&self, accepts: bool) {
        self.tally.lock().consent(accepts);
    }

    /// Counts what a file of synonyms or rules says, and the times of rules that are over.
    fn words(&self, (n_facts, n_over): (u64, u64), faults: &[RowFault]) {
        let mut tally = self.tally.lock();
        tally.facts(n_facts);
        (0..n_over).for_each(|_| tally.pass_over(OVER));
        faults.iter().for_each(|fault| tally.fault(fault));
    }

    fn begin(&self, path: &Path, label: &'static str) {
        self.tally.lock().begin(path, label);
    }

    /// Ends a file: where its rejected rows are listed, and how many there are with those that the door
    /// refused.
    fn close(&self, listed: Option<PathBuf>, rejected: Option<u64>) {
        let mut tally = self.tally.lock();
        tally.listed(listed);
        if let Some(rejected) = rejected {
            tally.refused(rejected);
        }
    }

    /// Counts what was read so far and sends it on; `false` when nobody listens any more.
    fn pass_on(
        &self,
        (drafts, faults): (&mut Vec<(u64, Draft)>, &mut Vec<RowFault>),
        send: &tokio::sync::mpsc::Sender<Read>,
    ) -> bool {
        self.hear(drafts, faults);
        send_faults(send, std::mem::take(faults)) && send_drafts(send, std::mem::take(drafts))
    }

    /// Counts what a file says.
    pub(super) fn hear(&self, drafts: &[(u64, Draft)], faults: &[RowFault]) {
        if drafts.iter().any(|(_, draft)| matches!(draft.fact, DraftFact::Product(_))) {
            let mut shelf = self.shelf.write();
            for (_, draft) in drafts {
                if let DraftFact::Product(product) = &draft.fact {
                    shelf.add(product);
                }
            }
        }
        let mut tally = self.tally.lock();
        drafts.iter().for_each(|(_, draft)| tally.take(draft));
        faults.iter().for_each(|fault| tally.fault(fault));
    }
}

impl Plan {
    /// How a file of another system is to be read.
    pub(super) fn of_export(
        path: &Path,
        system: System,
        moving: &Arc<Moving>,
    ) -> Result<Plan, AppError> {
        let (layout, gzip) = Layout::of(path)?;
        let export = match system {
            System::Algolia => algolia::export_of(path, (layout, gzip))?,
            _ => Export::of(system, &Columns::new(crate::sheet::open(path)?.columns()))?,
        };
        let kind = export.kind();
        let moving = Some(Arc::clone(moving));
        let (path, export) = (path.to_owned(), Some(export));
        let clocks = Arc::default();
        Ok(Plan { path, kind, layout, gzip, is_documents: false, export, moving, clocks })
    }

    /// The mapper of a system's own file.
    pub(super) fn export_mapper(
        (export, moving): (Export, &Arc<Moving>),
        columns: &Columns,
        (options, now): (&ImportOptions, Timestamp),
    ) -> Box<dyn Mapper> {
        let at = (options, now);
        let with = ReadWith { options: options.clone(), now, moving: Arc::clone(moving) };
        match export {
            Export::ShopifyProducts => Box::new(shopify::ProductMapper::new(columns, at, moving)),
            Export::ShopifyInventory => single(columns, with, shopify::stock),
            Export::ShopifyOrders => {
                let mut open = None;
                booked(columns, with, move |book, row, with| {
                    shopify_orders::line((book, &mut open), row, with)
                })
            }
            Export::ShopifyCustomers => single(columns, with, shopify_orders::customer),
            Export::MagentoProducts => Box::new(magento::ProductMapper::new(columns, at, moving)),
            Export::MagentoItems => booked(columns, with, magento_sales::item),
            Export::MagentoOrders => single(columns, with, magento_sales::grid_order),
            Export::MagentoCustomers => single(columns, with, magento_sales::customer),
            Export::MagentoSubscribers => single(columns, with, magento_sales::subscriber),
            Export::Ga4Events => Box::new(ga4::FlatMapper::new(columns, at, moving)),
            Export::PersonalizeInteractions => booked(columns, with, personalize::interaction),
            Export::PersonalizeItems => single(columns, with, personalize::item),
            Export::PersonalizeUsers => single(columns, with, personalize::user),
            Export::AlgoliaRecords | Export::AlgoliaSynonyms | Export::AlgoliaRules => {
                unreachable!("what is nested has no columns: see `Plan::is_nested`")
            }
        }
    }

    /// Whether what it holds is nested, so that it has no rows.
    pub(super) fn is_nested(&self) -> bool {
        match self.export {
            Some(Export::Ga4Events) => self.layout == Layout::JsonLines,
            export => export == Some(Export::AlgoliaRecords),
        }
    }

    /// Reads nested events or records.
    pub(super) fn read_nested(
        &self,
        (options, now): (&ImportOptions, Timestamp),
        send: &tokio::sync::mpsc::Sender<Read>,
    ) -> Result<(), AppError> {
        let Some(moving) = &self.moving else { return Ok(()) };
        if self.export == Some(Export::AlgoliaRecords) {
            return algolia::read_records((self, moving), (options, now), send);
        }
        let (mut lines, note) = Lines::open(&self.path, self.gzip)?;
        let mut events = ga4::Ga4::new((options, now), moving);
        let (mut drafts, mut faults) = (Vec::with_capacity(CHUNK), Vec::new());
        loop {
            let next = lines.next_line()?;
            let is_end = next.is_none();
            if let Some((line, text)) = next {
                match text.and_then(|text| nested(&mut events, line, &text)) {
                    Ok(read) => drafts.extend(read.into_iter().map(|draft| (line, draft))),
                    Err(fault) => faults.push(fault),
                }
            }
            if is_end {
                drafts.extend(events.take_products(&mut faults));
            }
            if (drafts.len() + faults.len() >= CHUNK || is_end)
                && !moving.pass_on((&mut drafts, &mut faults), send)
            {
                return Ok(());
            }
            if is_end {
                let _ = send.blocking_send(Read::Notes(note.into_iter().collect()));
                return Ok(());
            }
        }
    }
}

fn nested(events: &mut ga4::Ga4, line: u64, text: &str) -> Result<Vec<Draft>, RowFault> {
    // The parser's message may quote the line, so only its place is told.
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let reason = format!("the line is no JSON: fault at column {}", error.column());
        RowFault { line, column: String::new(), reason }
    })?;
    events.take_json(line, &value).map_err(|fault| fault.at(line))
}

/// Which files are read before which: what names products comes after them.
fn rank(kind: ImportKind) -> u8 {
    match kind {
        ImportKind::Products | ImportKind::GoogleFeed => 0,
        ImportKind::Stock | ImportKind::Lots | ImportKind::Prices | ImportKind::Promotions => 1,
        ImportKind::Suppliers | ImportKind::PurchaseOrders | ImportKind::Signals => 6,
        ImportKind::Customers => 2,
        ImportKind::Consents => 3,
        ImportKind::Orders | ImportKind::Sales => 4,
        ImportKind::Events => 5,
        ImportKind::Synonyms | ImportKind::Rules => 7,
    }
}

impl App {
    /// Reads the files of another system (or, without one named in the options, files of Souk's own
    /// columns), reports what there is to learn from, and brings them in unless it is a dry run.
    ///
    /// # Errors
    ///
    /// As [`App::import`]; files before the one at fault are in.
    pub async fn move_in(
        self: &Arc<App>,
        paths: &[PathBuf],
        (options, mode): (&ImportOptions, MoveMode),
        progress: &dyn Progress,
    ) -> Result<MoveReport, AppError> {
        let moving = Arc::new(self.moving(options));
        let mut plans = {
            let (paths, options, moving) = (paths.to_vec(), options.clone(), Arc::clone(&moving));
            let plan_all = move || -> Result<Vec<_>, AppError> {
                let plan = |path: &PathBuf| {
                    let plan = match options.from {
                        Some(system) => Plan::of_export(path, system, &moving)?,
                        None => {
                            let moving = Some(Arc::clone(&moving));
                            Plan { moving, ..Plan::of(path, &options)? }
                        }
                    };
                    Ok((ledger::hash_file(path)?, plan))
                };
                paths.iter().map(plan).collect()
            };
            aside("planning a move", plan_all).await??
        };
        plans.sort_by_key(|(_, plan)| rank(plan.kind));
        let mut files = Vec::new();
        for (hash, plan) in plans {
            let label = match plan.export {
                Some(export) => export.label(),
                None => plan.kind.as_str(),
            };
            moving.begin(&plan.path, label);
            if matches!(plan.kind, ImportKind::Synonyms | ImportKind::Rules) {
                files.extend(self.move_words((&plan, &moving), (options, mode), progress).await?);
                continue;
            }
            let again = plan.again();
            if mode == MoveMode::DryRun {
                progress.begin(&format!("Reading {label} from {}", plan.path.display()), None);
                let rejected = RejectedRows::beside(&plan.path, plan.kind);
                let read = self.read_only(plan, (options, Some(rejected)), progress).await;
                progress.end();
                moving.close(read?, None);
                continue;
            }
            let report = self.import_plan((hash, plan), options, progress).await?;
            let mut listed = report.rejected_file.clone();
            if report.was_known {
                // Nothing was added; what it holds belongs into the report all the same.
                listed = self.read_only(again, (options, None), progress).await?;
            }
            moving.close(listed, Some(report.rejected).filter(|_| !report.was_known));
            files.push(report);
        }
        let has_product = |id: &ProductId| moving.shelf.read().has(id.as_str());
        let place = self.rules.place(&options.site);
        let judged = (self.clock().now(), place, options.basis);
        let readiness = moving.tally.lock().report(judged, has_product);
        Ok(MoveReport { files, readiness })
    }

    /// What is known before the first file: the catalogue as it stands.
    fn moving(&self, options: &ImportOptions) -> Moving {
        let mut shelf = Shelf::default();
        let mut after = None;
        loop {
            let page = self.list_products(&options.site, (None, after.as_ref()), PAGE_PRODUCTS_MAX);
            page.products.iter().for_each(|product| shelf.add(product));
            after = page.cursor;
            if after.is_none() {
                break;
            }
        }
        let known = self.door.sites.iter().find(|site| site.id == options.site);
        let site = known.unwrap_or(&self.door.sites[0]).clone();
        let ahead = self.clock().now().plus_ms(crate::ingest::AHEAD_MS_MAX);
        Moving { shelf: RwLock::new(shelf), tally: Mutex::new(Tally::new(site, ahead)) }
    }

    /// Reads a file for the report alone; answers where its rejected rows are listed.
    async fn read_only(
        &self,
        mut plan: Plan,
        (options, mut rejected): (&ImportOptions, Option<RejectedRows>),
        progress: &dyn Progress,
    ) -> Result<Option<PathBuf>, AppError> {
        plan.clocks = Arc::new(self.clocks(&options.site));
        let mut reading = plan.start(options, self.clock().now());
        while let Some(read) = reading.next().await {
            match (read, &mut rejected) {
                (Read::Drafts(drafts), _) => progress.advance(drafts.len() as u64),
                (Read::Faults(faults), Some(rejected)) => rejected.add(faults)?,
                _ => {}
            }
        }
        reading.end().await?;
        match rejected {
            Some(rejected) => Ok(rejected.close()?.1),
            None => Ok(None),
        }
    }
}
