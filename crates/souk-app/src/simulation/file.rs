//! Sales from a file to replay: the same columns as those of `souk forecast`, with promotions and prices if there are any.

use std::collections::BTreeMap;
use std::path::Path;

use souk_core::Day;

use super::{BEFORE_MIN, Product, Replay, SimulationReport, keep_best_sold, replay};
use crate::AppError;
use crate::config::InventorySettings;
use crate::demand::DemandSeries;
use crate::forecasts::Teachers;
use crate::sheet::{self, Block, Columns};

const ID: &[&str] = &["unique_id", "series_id", "product_id", "item_id", "id"];
const DAY: &[&str] = &["ds", "date", "day"];
const UNITS: &[&str] = &["y", "quantity", "units", "sales", "value"];
const PROMOTION: &[&str] = &["promotion", "promo", "discount"];
const PRICE: &[&str] = &["price", "unit_price"];

/// What a row says of its day.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct OfDay {
    units: f64,
    promotion: f64,
    price: f64,
}

/// Replays policies on daily sales of a file: a row for each product and day. A day without a row sold nothing.
///
/// # Errors
///
/// [`AppError::File`] when the file cannot be read, [`AppError::Invalid`] for a missing column, a row that is wrong and
/// numbers out of range, [`AppError::NotReady`] when no product has enough history.
pub fn simulate_file(
    path: &Path,
    how: &Replay,
    settings: &InventorySettings,
) -> Result<SimulationReport, AppError> {
    let checked = how.checked(settings)?;
    let series = read(path)?.into_iter();
    let mut series: Vec<DemandSeries> = series.filter_map(|one| how.known(one)).collect();
    let teachers = Teachers::all(series.clone());
    let n_all = series.len();
    series.retain(|series| series.len() >= how.days + BEFORE_MIN);
    let n_skipped = n_all - series.len();
    // A file knows no costs: its stock is worth its price, or a unit of money each.
    let worth = |series: &DemandSeries| series.price.last().copied().unwrap_or(0.0);
    let mut products: Vec<Product> = series
        .into_iter()
        .map(|series| {
            let worth = worth(&series);
            Product::new(series, (worth, worth))
        })
        .collect();
    keep_best_sold(&mut products, how);
    if products.is_empty() {
        return Err(AppError::NotReady(format!(
            "no series of {} has {} days; replay fewer days",
            path.display(),
            how.days + BEFORE_MIN
        )));
    }
    Ok(replay(&products, &teachers, &checked, n_skipped))
}

/// Each series from its own first day to the last one of all.
fn read(path: &Path) -> Result<Vec<DemandSeries>, AppError> {
    let mut sheet = sheet::open(path)?;
    let columns = Columns::new(sheet.columns());
    let places = Places {
        id: columns.need(ID)?,
        day: columns.need(DAY)?,
        units: columns.need(UNITS)?,
        promotion: columns.find(PROMOTION),
        price: columns.find(PRICE),
    };
    let mut rows: BTreeMap<String, BTreeMap<i32, OfDay>> = BTreeMap::new();
    while let Some(block) = sheet.next_block()? {
        if let Some(fault) = block.faults.first() {
            return Err(wrong(fault.line, &fault.column, &fault.reason));
        }
        for row in 0..block.len() {
            let (id, day, said) = places.read(&block, row)?;
            if rows.entry(id).or_default().insert(day, said).is_some() {
                let day = Day::from_number(day);
                let reason = format!("{day} is there twice for this series; add its units up");
                return Err(wrong(block.line(row), DAY[0], &reason));
            }
        }
    }
    let last = rows.values().filter_map(|days| days.keys().next_back()).max().copied();
    Ok(rows.into_values().filter_map(|days| series(&days, last?)).collect())
}

fn series(days: &BTreeMap<i32, OfDay>, last: i32) -> Option<DemandSeries> {
    let first = *days.keys().next()?;
    let of_day = |day: i32| days.get(&day).copied().unwrap_or_default();
    let column = |of: fn(OfDay) -> f64| (first..=last).map(|day| of(of_day(day))).collect();
    let mut price: Vec<f64> = column(|day| day.price);
    // A day without a row has the price before it.
    for idx in 1..price.len() {
        if price[idx] <= 0.0 {
            price[idx] = price[idx - 1];
        }
    }
    let n = price.len();
    Some(DemandSeries {
        first: Day::from_number(first),
        sold: column(|day| day.units),
        returned: vec![0.0; n],
        is_censored: vec![false; n],
        is_empty_at_end: Vec::new(),
        missed: Vec::new(),
        opening: Vec::new(),
        closed_ahead: Vec::new(),
        promotion: column(|day| day.promotion),
        discount: Vec::new(),
        price,
        promotion_ahead: Vec::new(),
        signals: Vec::new(),
        everywhere: Vec::new(),
        taught: None,
    })
}

fn wrong(line: u64, column: &str, reason: &str) -> AppError {
    AppError::invalid("bad_file", column, format!("line {line}: {column} {reason}"))
}

struct Places {
    id: usize,
    day: usize,
    units: usize,
    promotion: Option<usize>,
    price: Option<usize>,
}

impl Places {
    fn read(&self, block: &Block, row: usize) -> Result<(String, i32, OfDay), AppError> {
        let line = block.line(row);
        let id = block.cell(row, self.id).text().map(|text| text.into_owned());
        let id = id.ok_or_else(|| wrong(line, ID[0], "is empty; name the product"))?;
        let at = block.cell(row, self.day).time().map_err(|error| wrong(line, DAY[0], &error))?;
        let at = at.ok_or_else(|| wrong(line, DAY[0], "is empty; write a date"))?;
        let number = |column: usize, name: &str| {
            let number = block.cell(row, column).number();
            let number = number.map_err(|error| wrong(line, name, &error))?.unwrap_or(0.0);
            match number.is_finite() && number >= 0.0 {
                true => Ok(number),
                false => {
                    Err(wrong(line, name, &format!("{number} is below 0; write what was sold")))
                }
            }
        };
        let other = |column: Option<usize>, name: &str| {
            column.map_or(Ok(0.0), |column| number(column, name))
        };
        let said = OfDay {
            units: number(self.units, UNITS[0])?,
            promotion: other(self.promotion, PROMOTION[0])?,
            // In minor units, as everywhere.
            price: 100.0 * other(self.price, PRICE[0])?,
        };
        Ok((id, (at.as_ms().div_euclid(86_400_000)) as i32, said))
    }
}
