//! Suppliers, purchase orders and signals from files: into the tables, because they are no facts of the log.
//!
//! Rows of one supplier, or of one order, belong together wherever they stand. What is there already in the same
//! form is counted as known, so reading a file again adds nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use souk_core::rules::Weekday;
use souk_core::{Currency, Day, Money};

use super::kind::names;
use super::orders::{Fault, currency_of, fault, id_text};
use super::rejected::RejectedRows;
use super::shop::day;
use super::{ImportKind, ImportOptions, ImportReport, Progress, commas_of, elapsed_ms};
use crate::purchasing::{
    MoneyText, NewPurchaseLine, NewPurchaseOrder, Offer, PUT_SUPPLIERS_MAX, PriceBreak,
    PurchaseState, Supplier,
};
use crate::sheet::{self, Block, Cell, Columns, RowFault};
use crate::signals::{NewSignal, PUT_SIGNALS_MAX};
use crate::threads::aside;
use crate::{App, AppError, Caller};

/// Rows of one file, which are held in memory until its end (chosen).
const ROWS_MAX: usize = 1_000_000;

/// One row of a file of suppliers.
struct SupplierRow {
    supplier: Supplier,
    offer: Option<Offer>,
}

/// One row of a file of purchase orders.
struct OrderRow {
    new: NewPurchaseOrder,
    line: NewPurchaseLine,
    state: PurchaseState,
    sent_on: Option<Day>,
}

impl App {
    /// Brings in a file of suppliers, purchase orders or signals.
    pub(super) async fn import_planning(
        self: &Arc<App>,
        (path, kind): (&Path, ImportKind),
        options: &ImportOptions,
        progress: &dyn Progress,
    ) -> Result<ImportReport, AppError> {
        let started = std::time::Instant::now();
        progress.begin(&format!("Importing {kind} from {}", path.display()), None);
        let mut rejected = RejectedRows::beside(path, kind);
        let done = match kind {
            ImportKind::Suppliers => self.import_suppliers(path, options, &mut rejected).await,
            ImportKind::Signals => self.import_signals(path, options, &mut rejected).await,
            _ => self.import_purchase_orders(path, options, &mut rejected).await,
        };
        progress.end();
        let (accepted, duplicates) = done?;
        let (rejected, rejected_file) = rejected.close()?;
        Ok(ImportReport {
            path: path.to_owned(),
            kind,
            accepted,
            duplicates,
            rejected,
            rejected_file,
            resumed_from: 0,
            was_known: false,
            usable: None,
            notes: Vec::new(),
            elapsed_ms: elapsed_ms(started),
        })
    }

    async fn import_suppliers(
        &self,
        path: &Path,
        options: &ImportOptions,
        rejected: &mut RejectedRows,
    ) -> Result<(u64, u64), AppError> {
        let need: &[&[&str]] = &[names::SUPPLIER, names::LEAD_TIME];
        let currency = options.currency;
        let (rows, faults) =
            read(path, need, move |row: &Row<'_>| supplier_row(row, currency)).await?;
        rejected.add(faults)?;
        let mut suppliers: BTreeMap<String, Supplier> = BTreeMap::new();
        for (line, row) in rows {
            let known =
                suppliers.entry(row.supplier.id.clone()).or_insert_with(|| row.supplier.clone());
            if let Some(column) = contradicted(known, &row.supplier) {
                let reason = format!(
                    "is another one for `{}` in a row before; write the same, or leave it empty here where it may be",
                    known.id
                );
                rejected.add(vec![RowFault { line, column: column.to_owned(), reason }])?;
                continue;
            }
            let Some(offer) = row.offer else { continue };
            if known.offer(&offer.product_id).is_some() {
                let reason = format!("`{}` is there twice for this supplier", offer.product_id);
                rejected.add(vec![RowFault { line, column: "product_id".to_owned(), reason }])?;
                continue;
            }
            known.offers.push(offer);
        }
        let book = self.purchasing.suppliers();
        let n_all = suppliers.len() as u64;
        let is_new = |one: &Supplier| book.get(&one.id).is_none_or(|known| known.supplier != *one);
        let new: Vec<Supplier> = suppliers.into_values().filter(is_new).collect();
        for some in new.chunks(PUT_SUPPLIERS_MAX) {
            self.put_suppliers(some.to_vec(), &Caller::local_admin()).await?;
        }
        Ok((new.len() as u64, n_all - new.len() as u64))
    }

    async fn import_signals(
        &self,
        path: &Path,
        options: &ImportOptions,
        rejected: &mut RejectedRows,
    ) -> Result<(u64, u64), AppError> {
        let need: &[&[&str]] = &[names::SIGNAL, names::SIGNAL_DAY, names::SIGNAL_VALUE];
        let site = options.site.to_string();
        let (rows, faults) = read(path, need, move |row: &Row<'_>| signal_row(row, &site)).await?;
        rejected.add(faults)?;
        let admin = Caller::local_admin();
        let (mut accepted, mut duplicates) = (0, 0);
        let mut sound = Vec::with_capacity(rows.len());
        for (line, row) in rows {
            match self.check_signal(&row, &admin) {
                Ok(()) => sound.push(row),
                Err(error) => {
                    let reason = error.to_string();
                    rejected.add(vec![RowFault { line, column: String::new(), reason }])?;
                }
            }
        }
        for some in sound.chunks(PUT_SIGNALS_MAX) {
            let stored = self.put_signals(some.to_vec(), &admin).await?;
            accepted += stored.changed as u64;
            duplicates += stored.known as u64;
        }
        Ok((accepted, duplicates))
    }

    async fn import_purchase_orders(
        &self,
        path: &Path,
        options: &ImportOptions,
        rejected: &mut RejectedRows,
    ) -> Result<(u64, u64), AppError> {
        let need: &[&[&str]] = &[
            names::PURCHASE_ORDER,
            names::SUPPLIER,
            names::LOCATION,
            names::PRODUCT,
            names::QUANTITY,
        ];
        let (currency, site) = (options.currency, options.site.to_string());
        let (rows, faults) =
            read(path, need, move |row: &Row<'_>| order_row(row, (currency, &site))).await?;
        rejected.add(faults)?;
        let mut orders: BTreeMap<String, (u64, OrderRow)> = BTreeMap::new();
        for (line, row) in rows {
            let id = row.new.id.clone().unwrap_or_default();
            let known = orders.entry(id).or_insert_with(|| {
                let new = NewPurchaseOrder { lines: Vec::new(), ..row.new.clone() };
                (line, OrderRow { new, line: row.line.clone(), ..row })
            });
            let (of, new) = (&known.1.new, &row.new);
            let is_same =
                (&of.supplier_id, &of.location_id) == (&new.supplier_id, &new.location_id);
            if is_same && known.1.state == row.state {
                known.1.new.lines.push(row.line);
                continue;
            }
            let id = new.id.as_deref().unwrap_or_default();
            let reason = format!(
                "purchase order `{id}` has another supplier, place or state in line {}; give each an id of its own",
                known.0
            );
            rejected.add(vec![RowFault { line, column: String::new(), reason }])?;
        }
        let admin = Caller::local_admin();
        let (mut accepted, mut duplicates) = (0, 0);
        for (line, row) in orders.into_values() {
            let taken = async {
                let mut order = self.drafted(row.new, &admin)?;
                order.state = row.state;
                order.sent_on = row.sent_on.map(|day| day.to_string());
                if row.state == PurchaseState::Received {
                    order.lines.iter_mut().for_each(|line| line.received = Some(line.quantity));
                }
                let known = self.purchase_order(&order.id, &admin).await.ok();
                if let Some(known) = known.as_ref().filter(|known| known.state != order.state) {
                    return Err(AppError::Conflict(format!(
                        "purchase order `{}` is here as `{}`; move it on with POST /v1/purchase_orders/{}/state",
                        known.id,
                        known.state.as_str(),
                        known.id
                    )));
                }
                self.take_over_purchase_order(order, &admin).await.map(|_| known.is_some())
            };
            match taken.await {
                Ok(true) => duplicates += 1,
                Ok(false) => accepted += 1,
                Err(AppError::Invalid { detail, .. } | AppError::Conflict(detail)) => {
                    rejected.add(vec![RowFault { line, column: String::new(), reason: detail }])?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok((accepted, duplicates))
    }
}

/// A row with the names of its columns.
struct Row<'a> {
    block: &'a Block,
    idx: usize,
    columns: &'a Columns,
    /// Whether a comma is a number's decimal mark.
    has_commas: bool,
}

impl Row<'_> {
    fn cell(&self, synonyms: &[&str]) -> Cell<'_> {
        let column = self.columns.find(synonyms);
        column.map_or(Cell::Empty, |column| self.block.cell(self.idx, column))
    }

    fn id(&self, synonyms: &[&str]) -> Result<String, Fault> {
        id_text(self.cell(synonyms), synonyms[0]).map(|text| text.into_owned())
    }

    fn number(&self, synonyms: &[&str]) -> Result<Option<f64>, Fault> {
        self.cell(synonyms).number().map_err(|error| fault(synonyms[0], error))
    }

    fn money(&self, synonyms: &[&str], currency: Currency) -> Result<Option<MoneyText>, Fault> {
        let amount = self.number(synonyms)?;
        let money = amount.map(|amount| Money::from_major(amount, currency)).transpose();
        let money = money.map_err(|error| fault(synonyms[0], error))?;
        if money.is_some_and(|money| money.minor() < 0) {
            return Err(fault(synonyms[0], "is below 0"));
        }
        Ok(money.map(MoneyText::of))
    }

    /// Prices of larger quantities, as `48:1.75|96:1.60`.
    fn breaks(&self, currency: Currency) -> Result<Vec<PriceBreak>, Fault> {
        let text = self.cell(names::BREAKS).text().unwrap_or_default();
        let parse = |one: &str| {
            let (from, price) = one.split_once(':')?;
            let price = Cell::Text(price.trim());
            let price = match self.has_commas {
                true => price.number_with_comma(),
                false => price.number(),
            };
            let price = price.ok()??;
            let price = Money::from_major(price, currency).ok()?;
            Some(PriceBreak { from: from.trim().parse().ok()?, price: MoneyText::of(price) })
        };
        let breaks = text.split('|').map(str::trim).filter(|one| !one.is_empty());
        let read = |one: &str| {
            let reason = format!(
                "`{one}` is no quantity with the price of one from there on; write for example 48:1.75|96:1.60"
            );
            parse(one).ok_or_else(|| fault("breaks", reason))
        };
        breaks.map(read).collect()
    }

    fn days(&self, synonyms: &[&str]) -> Result<Vec<String>, Fault> {
        let text = self.cell(synonyms).text().unwrap_or_default();
        let names = text.split(['|', ',', ' ', ';']).filter(|name| !name.is_empty());
        let parse = |name: &str| match Day::parse(name) {
            Ok(day) => Ok(day.to_string()),
            Err(error) => Err(fault(synonyms[0], error)),
        };
        names.map(parse).collect()
    }

    fn weekdays(&self, synonyms: &[&str]) -> Result<Vec<Weekday>, Fault> {
        let text = self.cell(synonyms).text().unwrap_or_default();
        let names = text.split(['|', ',', ' ', ';']).filter(|name| !name.is_empty());
        let parse = |name: &str| {
            let reason = format!("`{name}` is no weekday; write for example mon|thu");
            Weekday::parse(&name.to_lowercase()).ok_or_else(|| fault(synonyms[0], reason))
        };
        names.map(parse).collect()
    }
}

type Rows<T> = (Vec<(u64, T)>, Vec<RowFault>);

/// Reads every row of a file on a thread of its own.
async fn read<T: Send + 'static>(
    path: &Path,
    need: &'static [&'static [&'static str]],
    make: impl Fn(&Row<'_>) -> Result<T, Fault> + Send + 'static,
) -> Result<Rows<T>, AppError> {
    let path: PathBuf = path.to_owned();
    let read = move || -> Result<Rows<T>, AppError> {
        let mut sheet = sheet::open(&path)?;
        let columns = Columns::new(sheet.columns());
        for synonyms in need {
            columns.need(synonyms)?;
        }
        let (mut rows, mut faults) = (Vec::new(), Vec::new());
        let commas = commas_of((&*sheet, &columns), None);
        while let Some(mut block) = sheet.next_block()? {
            block.turn_commas(&commas);
            faults.append(&mut block.faults);
            let has_commas = sheet.has_decimal_commas();
            for idx in 0..block.len() {
                let line = block.line(idx);
                match make(&Row { block: &block, idx, columns: &columns, has_commas }) {
                    Ok(row) => rows.push((line, row)),
                    Err(fault) => faults.push(fault.at(line)),
                }
            }
            if rows.len() > ROWS_MAX {
                let detail = format!("more than {ROWS_MAX} rows; split the file");
                return Err(AppError::invalid("too_many_rows", "path", detail));
            }
        }
        Ok((rows, faults))
    };
    aside("reading a file", read).await?
}

/// The column that a refusal is about: pointers end with its name, as `/offers/0/multiple` does.
fn column_of(error: &AppError) -> String {
    let AppError::Invalid { errors, .. } = error else { return String::new() };
    let pointer = errors.first().map_or("", |error| error.pointer.as_str());
    let name = pointer.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or_default();
    match name {
        "price" => "cost".to_owned(),
        name => name.to_owned(),
    }
}

fn supplier_row(row: &Row<'_>, currency: Currency) -> Result<SupplierRow, Fault> {
    let currency = currency_of(row.cell(names::CURRENCY), currency)?;
    let lead = row.number(names::LEAD_TIME)?;
    let supplier = Supplier {
        id: row.id(names::SUPPLIER)?,
        name: row.cell(names::SUPPLIER_NAME).text().map(|text| text.into_owned()),
        lead_time_days: lead.ok_or_else(|| fault("lead_time_days", "is empty; write days"))?,
        lead_time_sd_days: row.number(names::LEAD_TIME_SD)?.unwrap_or(0.0),
        order_weekdays: row.weekdays(names::ORDER_DAYS)?,
        delivery_weekdays: row.weekdays(names::DELIVERY_DAYS)?,
        holidays: row.days(names::HOLIDAYS)?,
        minimum_order: row.money(names::LEAST_ORDER, currency)?,
        order_cost: row.money(names::ORDER_COST, currency)?,
        offers: Vec::new(),
    };
    let offer = match row.cell(names::PRODUCT).text() {
        None => None,
        Some(product) => {
            let price = match row.money(names::COST, currency)? {
                Some(price) => Some(price),
                None => row.money(names::PRICE, currency)?,
            };
            Some(Offer {
                product_id: product.into_owned(),
                price: price.ok_or_else(|| fault("cost", "is empty; write what a unit costs"))?,
                minimum: row.number(names::LEAST)?.unwrap_or(0.0),
                multiple: row.number(names::MULTIPLE)?.unwrap_or(1.0),
                breaks: row.breaks(currency)?,
            })
        }
    };
    let alone = Supplier { offers: offer.iter().cloned().collect(), ..supplier.clone() };
    alone.check("").map_err(|error| fault(&column_of(&error), error))?;
    Ok(SupplierRow { supplier, offer })
}

/// The column of which two rows of one supplier say different things. What is empty in one of them contradicts nothing.
fn contradicted(known: &Supplier, other: &Supplier) -> Option<&'static str> {
    fn differ<T: PartialEq + Default>(a: &T, b: &T) -> bool {
        a != b && *a != T::default() && *b != T::default()
    }
    let columns = [
        ("supplier_name", differ(&known.name, &other.name)),
        ("lead_time_days", known.lead_time_days != other.lead_time_days),
        ("lead_time_sd_days", differ(&known.lead_time_sd_days, &other.lead_time_sd_days)),
        ("order_weekdays", differ(&known.order_weekdays, &other.order_weekdays)),
        ("delivery_weekdays", differ(&known.delivery_weekdays, &other.delivery_weekdays)),
        ("holidays", differ(&known.holidays, &other.holidays)),
        ("minimum_order", differ(&known.minimum_order, &other.minimum_order)),
        ("order_cost", differ(&known.order_cost, &other.order_cost)),
    ];
    columns.into_iter().find_map(|(name, is_other)| is_other.then_some(name))
}

fn signal_row(row: &Row<'_>, site: &str) -> Result<NewSignal, Fault> {
    let date = day("date", row.cell(names::SIGNAL_DAY))?;
    let value = row.number(names::SIGNAL_VALUE)?;
    Ok(NewSignal {
        site: Some(site.to_owned()),
        location_id: row.cell(names::LOCATION).text().map(|text| text.into_owned()),
        name: row.id(names::SIGNAL)?,
        date: date.ok_or_else(|| fault("date", "is empty; write a day"))?.to_string(),
        value: Some(value.ok_or_else(|| fault("value", "is empty; write a number"))?),
    })
}

fn order_row(row: &Row<'_>, (currency, site): (Currency, &str)) -> Result<OrderRow, Fault> {
    let currency = currency_of(row.cell(names::CURRENCY), currency)?;
    let quantity = row.number(names::QUANTITY)?;
    let quantity = quantity.ok_or_else(|| fault("quantity", "is empty; write units"))?;
    let unit_price = match row.money(names::COST, currency)? {
        Some(price) => Some(price),
        None => row.money(names::PRICE, currency)?,
    };
    let product_id = row.id(names::PRODUCT)?;
    let state = match row.cell(&["state", "status"]).text() {
        // What another system lists as open has mostly been sent.
        None => PurchaseState::Sent,
        Some(name) => PurchaseState::parse(&name.to_lowercase()).ok_or_else(|| {
            fault(
                "state",
                format!("`{name}` is none; write draft, approved, sent, received or cancelled"),
            )
        })?,
    };
    Ok(OrderRow {
        new: NewPurchaseOrder {
            id: Some(row.id(names::PURCHASE_ORDER)?),
            supplier_id: row.id(names::SUPPLIER)?,
            site: Some(site.to_owned()),
            location_id: row.id(names::LOCATION)?,
            lines: Vec::new(),
            expected_on: day("expected_on", row.cell(names::EXPECTED))?.map(|day| day.to_string()),
        },
        line: NewPurchaseLine { product_id, quantity, unit_price },
        state,
        sent_on: day("sent_on", row.cell(names::SENT))?,
    })
}
