//! Mappers of exports whose rows are read one by one: each row is some events, or goes into a book of orders.

use std::sync::Arc;

use souk_core::Timestamp;

use super::Moving;
use super::book::OrderBook;
use super::header::{Header, Row};
use crate::AppError;
use crate::import::orders::Fault;
use crate::import::{Draft, ImportOptions, Mapper, each_row};
use crate::sheet::{Block, Columns, RowFault};

/// What rows are read with besides their columns.
pub(super) struct ReadWith {
    pub(super) options: ImportOptions,
    pub(super) now: Timestamp,
    pub(super) moving: Arc<Moving>,
}

/// Rows that are complete by themselves.
struct Single<F> {
    header: Header,
    with: ReadWith,
    read: F,
}

/// A mapper of rows that are complete by themselves.
pub(super) fn single<F, D>(columns: &Columns, with: ReadWith, read: F) -> Box<dyn Mapper>
where
    F: FnMut(Row<'_>, &ReadWith) -> Result<D, Fault> + Send + 'static,
    D: IntoIterator<Item = Draft> + 'static,
{
    Box::new(Single { header: Header::new(columns), with, read })
}

impl<F, D> Mapper for Single<F>
where
    F: FnMut(Row<'_>, &ReadWith) -> Result<D, Fault> + Send + 'static,
    D: IntoIterator<Item = Draft> + 'static,
{
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        let Single { header, with, read } = self;
        each_row(block, faults, |idx| read(header.row(block, idx), with))
    }
}

/// Rows that belong to orders, which only the end of the file completes.
struct Booked<F> {
    header: Header,
    with: ReadWith,
    book: OrderBook,
    read: F,
}

/// A mapper of rows that belong to orders; what is an event of its own is returned at once.
pub(super) fn booked<F>(columns: &Columns, with: ReadWith, read: F) -> Box<dyn Mapper>
where
    F: FnMut(&mut OrderBook, Row<'_>, &ReadWith) -> Result<Option<Draft>, Fault> + Send + 'static,
{
    Box::new(Booked { header: Header::new(columns), with, book: OrderBook::default(), read })
}

impl<F> Mapper for Booked<F>
where
    F: FnMut(&mut OrderBook, Row<'_>, &ReadWith) -> Result<Option<Draft>, Fault> + Send + 'static,
{
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        let Booked { header, with, book, read } = self;
        each_row(block, faults, |idx| read(book, header.row(block, idx), with))
    }

    fn check(&self) -> Result<(), AppError> {
        self.book.check()
    }

    fn finish(
        self: Box<Self>,
        faults: &mut Vec<RowFault>,
    ) -> Box<dyn Iterator<Item = (u64, Draft)> + Send> {
        Box::new(self.book.into_drafts(faults))
    }
}
