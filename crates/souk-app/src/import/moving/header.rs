use std::borrow::Cow;

use rustc_hash::FxHashMap;
use serde_json::Value;
use souk_core::{Currency, Money};

use crate::import::orders::{Fault, fault};
use crate::sheet::{Block, Cell, Columns};

/// The columns of an export by their normalised names; of two that bear one name the first counts.
#[derive(Clone, Debug)]
pub(super) struct Header {
    places: FxHashMap<Box<str>, usize>,
    pub(super) names: Vec<String>,
}

impl Header {
    pub(super) fn new(columns: &Columns) -> Header {
        let names = columns.names().to_vec();
        let mut places = FxHashMap::default();
        for (idx, name) in names.iter().enumerate() {
            places.entry(name.as_str().into()).or_insert(idx);
        }
        Header { places, names }
    }

    /// Whether there is a column of any of these names.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.places.contains_key(*name))
    }

    pub(super) fn row<'a>(&'a self, block: &'a Block, row: usize) -> Row<'a> {
        Row { header: self, block, row }
    }
}

/// One row of an export, read by the names of its columns.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    header: &'a Header,
    block: &'a Block,
    row: usize,
}

impl<'a> Row<'a> {
    /// The line of the row in the file.
    pub(super) fn line(&self) -> u64 {
        self.block.line(self.row)
    }

    /// The first of these columns that the file has and that is filled.
    pub(super) fn cell(&self, names: &[&str]) -> Cell<'a> {
        let columns = names.iter().filter_map(|name| self.header.places.get(*name));
        let mut cells = columns.map(|column| self.block.cell(self.row, *column));
        cells.find(|cell| !cell.is_empty()).unwrap_or(Cell::Empty)
    }

    pub(super) fn text(&self, names: &[&str]) -> Option<Cow<'a, str>> {
        self.cell(names).text()
    }

    /// Every filled column with its name, in the order of the file.
    pub(super) fn filled(&self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> + use<'a> {
        let (block, row) = (self.block, self.row);
        let names = self.header.names.iter().enumerate();
        names.filter_map(move |(idx, name)| Some((name.as_str(), block.cell(row, idx).text()?)))
    }

    /// A number; the first name stands for the column in faults.
    pub(super) fn number(&self, names: &[&str]) -> Result<Option<f64>, Fault> {
        self.cell(names).number().map_err(|error| fault(names[0], error))
    }

    /// An amount in major units.
    pub(super) fn money(&self, names: &[&str], of: Currency) -> Result<Option<Money>, Fault> {
        let amount = self.number(names)?.map(|amount| Money::from_major(amount, of));
        amount.transpose().map_err(|error| fault(names[0], error))
    }

    /// What is filled of these columns, by the names that traits have.
    pub(super) fn traits(&self, of: &[(&str, &[&str])]) -> serde_json::Map<String, Value> {
        let filled = of.iter().filter_map(|(name, columns)| Some((name, self.text(columns)?)));
        filled.map(|(name, text)| ((*name).to_owned(), text.into_owned().into())).collect()
    }

    /// Whether a column says yes: `yes`, `true`, `1`.
    pub(super) fn is_yes(&self, names: &[&str]) -> Option<bool> {
        let text = self.text(names)?.to_lowercase();
        Some(matches!(text.as_str(), "yes" | "true" | "1" | "y"))
    }
}
