//! What the log holds, out into a file: events, orders, products, sales.
//!
//! Events come out in the shape in which Segment's clients send them, so that
//! [`App::import`](crate::App::import) reads them again. A person appears as their subject: the log
//! does not know their id.

pub(crate) mod file;
pub(crate) mod segment;
mod slots;

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use souk_core::wire::json as catalogue;
use souk_core::{Event, Fact, OrderChange, OrderLine, Purpose};
use souk_ports::{Cursor, READ_RECORDS_MAX};

use crate::projections::{Decoded, Use, Whom};
use crate::sealing::open_all;
use crate::{App, AppError, Progress};

use file::{ExportFile, Field};
use slots::Slots;

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportKind {
    /// Every event but those of the catalogue.
    Events,
    /// Orders, a line each.
    Orders,
    /// The current catalogue.
    Products,
    /// Sales without persons, a line each.
    Sales,
    /// What shoppers allowed and refused, a line for each purpose.
    Consents,
    /// Products that answers showed to people who are known, a line for each place, with what came of it: for
    /// estimates of what other policies would have brought.
    Impressions,
    /// The forecasts that plans go by, a line for each product, place and day ahead.
    Forecasts,
}

impl ExportKind {
    /// Every kind.
    pub const ALL: [ExportKind; 7] = [
        ExportKind::Events,
        ExportKind::Orders,
        ExportKind::Products,
        ExportKind::Sales,
        ExportKind::Consents,
        ExportKind::Impressions,
        ExportKind::Forecasts,
    ];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            ExportKind::Events => "events",
            ExportKind::Orders => "orders",
            ExportKind::Products => "products",
            ExportKind::Sales => "sales",
            ExportKind::Consents => "consents",
            ExportKind::Impressions => "impressions",
            ExportKind::Forecasts => "forecasts",
        }
    }

    /// Reads the name on the command line.
    pub fn parse(name: &str) -> Option<ExportKind> {
        ExportKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The columns of a table of this kind.
    fn fields(self) -> &'static [Field] {
        match self {
            ExportKind::Events => segment::FIELDS,
            ExportKind::Products => PRODUCT_FIELDS,
            ExportKind::Orders => ORDER_FIELDS,
            ExportKind::Sales => SALE_FIELDS,
            ExportKind::Consents => CONSENT_FIELDS,
            ExportKind::Impressions => slots::FIELDS,
            ExportKind::Forecasts => crate::forecasts::KEPT_FIELDS,
        }
    }
}

const PRODUCT_FIELDS: &[Field] =
    &[Field::text("id"), Field::text("site"), Field::text("title"), Field::text("json")];
const ORDER_FIELDS: &[Field] = &[
    Field::text("order_id"),
    Field::text("user_id"),
    Field::time("timestamp"),
    Field::text("change"),
    Field::text("site"),
    Field::text("channel"),
    Field::text("source"),
    Field::text("location_id"),
    Field::text("product_id"),
    Field::number("quantity"),
    Field::text("unit"),
    Field::number("amount"),
    Field::text("currency"),
    Field::text("message_id"),
];
const SALE_FIELDS: &[Field] = &[
    Field::text("order_ref"),
    Field::text("day"),
    Field::text("change"),
    Field::text("site"),
    Field::text("channel"),
    Field::text("source"),
    Field::text("location_id"),
    Field::text("product_id"),
    Field::number("quantity"),
    Field::text("unit"),
    Field::number("amount"),
    Field::text("currency"),
];

const CONSENT_FIELDS: &[Field] = &[
    Field::text("user_id"),
    Field::text("purpose"),
    Field::text("granted"),
    Field::time("at"),
    Field::text("notice_version"),
    Field::text("origin"),
];

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Rows in the file.
    pub rows: u64,
    /// Records of the log that were read, or forecasts.
    pub records: u64,
    /// Records of persons that were left out, because they do not allow the purpose.
    pub withheld: u64,
}

impl App {
    /// Writes all of one kind, as of now, to a file whose name ends in `.jsonl`, `.csv`, both also with `.gz`, or
    /// `.parquet`. The file appears whole or not at all. Of persons it holds what may be used for
    /// `purpose`, as their choices stand when their record is written; what they chose is the proof
    /// that the law asks for, so it always comes out.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] for another ending, [`AppError::File`] when it cannot be written, and as
    /// the log.
    pub async fn export(
        self: &Arc<App>,
        (kind, purpose): (ExportKind, Purpose),
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<Exported, AppError> {
        let mut file = ExportFile::create(path, kind.fields())?;
        progress.begin(&format!("Exporting {}", kind.as_str()), None);
        let done = match kind {
            ExportKind::Products => self.export_products(&mut file),
            ExportKind::Forecasts => {
                self.export_forecasts(&mut file, progress).await.map(|n| (n, 0))
            }
            _ => self.export_records((kind, purpose), &mut file, progress).await,
        };
        progress.end();
        let (records, withheld) = done?;
        let rows = file.finish()?;
        Ok(Exported { rows, records, withheld })
    }

    fn export_products(&self, file: &mut ExportFile) -> Result<(u64, u64), AppError> {
        let views = self.views.read();
        let sites: Vec<_> = views.catalogue.sites().cloned().collect();
        for site in &sites {
            for item in views.catalogue.iter_site(site) {
                let Some(product) = views.catalogue.product(item) else { continue };
                let json = catalogue::product_to_json(product, catalogue::Audience::Shop);
                file.write(&json, || {
                    json!({
                        "id": product.id.as_str(),
                        "site": site.as_str(),
                        "title": product.title,
                        "json": json.to_string(),
                    })
                })?;
            }
        }
        Ok((0, 0))
    }

    async fn export_records(
        &self,
        (kind, purpose): (ExportKind, Purpose),
        file: &mut ExportFile,
        progress: &dyn Progress,
    ) -> Result<(u64, u64), AppError> {
        let end = self.parts.log.end().await?;
        let mut cursor = Cursor::START;
        let (mut n_records, mut n_withheld) = (0, 0);
        let mut slots = Slots::default();
        while !cursor.covers(&end) {
            let records = self.parts.log.read(&cursor, READ_RECORDS_MAX).await?;
            if records.is_empty() {
                break;
            }
            records.iter().for_each(|recorded| cursor.advance(recorded.position));
            let opened = open_all(&*self.parts.keys, records).await?;
            n_records += opened.len() as u64;
            progress.advance(opened.len() as u64);
            for decoded in &opened {
                // What an erased person did is in no export.
                let Some(event) = &decoded.event else { continue };
                if kind != ExportKind::Consents && !self.may_export(decoded, event, purpose) {
                    n_withheld += 1;
                } else if kind != ExportKind::Impressions {
                    write_record(kind, (decoded, event), file)?;
                } else if let Some(subject) = decoded.subject {
                    slots.take((subject, decoded.received_at), event, file)?;
                }
            }
        }
        slots.finish(file)?;
        Ok((n_records, n_withheld))
    }

    /// Whether a record may be used for the purpose; one without a person may.
    fn may_export(&self, decoded: &Decoded, event: &Event, purpose: Purpose) -> bool {
        let Some(subject) = decoded.subject else { return true };
        let purpose = Use { purpose, site: &event.site, withheld: event.withheld };
        self.views.read().allows(Whom::known(subject), purpose)
    }
}

fn write_record(
    kind: ExportKind,
    (decoded, event): (&Decoded, &Event),
    file: &mut ExportFile,
) -> Result<(), AppError> {
    let subject = decoded.subject.map(|subject| subject.to_string());
    match (kind, &event.fact) {
        (ExportKind::Events, _) => {
            if let Some(message) = segment::message(event, subject.as_deref()) {
                file.write(&message, || segment::row(event, subject.as_deref(), &message))?;
            }
        }
        (ExportKind::Orders, Fact::Order(order)) => {
            let head = json!({
                "order_id": order.order_id.as_str(),
                "user_id": subject,
                "timestamp": event.at.to_string(),
                "location_id": order.location.as_ref().map(|id| id.as_str()),
                "message_id": event.message_id.as_deref(),
            });
            write_lines((head, order.change), event, &order.lines, file)?;
        }
        (ExportKind::Sales, Fact::Sale(sale)) => {
            let head = json!({
                "order_ref": sale.order.to_string(),
                "day": sale.day.to_string(),
                "location_id": sale.location.as_ref().map(|id| id.as_str()),
            });
            write_lines((head, sale.change), event, &sale.lines, file)?;
        }
        (ExportKind::Consents, Fact::Consent(change)) => {
            for purpose in change.granted.union(change.denied).iter() {
                let row = json!({
                    "user_id": subject,
                    "purpose": purpose.as_str(),
                    "granted": if change.denied.contains(purpose) { "false" } else { "true" },
                    "at": event.at.to_string(),
                    "notice_version": change.notice,
                    "origin": change.origin.as_str(),
                });
                file.write(&row, || row.clone())?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// A row for each line, each with what the lines share; a cancellation has one row without product.
fn write_lines(
    (head, change): (Value, OrderChange),
    event: &Event,
    lines: &[OrderLine],
    file: &mut ExportFile,
) -> Result<(), AppError> {
    let mut row = head;
    row["change"] = segment::change_name(change).into();
    row["site"] = event.site.as_str().into();
    row["channel"] = event.channel.map(|channel| channel.as_str()).into();
    row["source"] = event.source.as_str().into();
    for line in lines {
        let mut row = row.clone();
        row["product_id"] = line.product.as_str().into();
        row["quantity"] = line.quantity.as_f64().into();
        row["unit"] = line.quantity.unit().as_str().into();
        row["amount"] = line.amount.map(|amount| amount.as_major()).into();
        row["currency"] = line.amount.map(|amount| amount.currency().as_str().to_owned()).into();
        file.write(&row, || row.clone())?;
    }
    if lines.is_empty() {
        file.write(&row, || row.clone())?;
    }
    Ok(())
}
