//! Google Merchant Center's product feeds, as XML (RSS 2.0, Atom) or as a table; Meta's catalogue has the same
//! attributes.
//!
//! An item is what can be put into a basket. Items that share an `item_group_id` become one product with
//! variants, wherever they stand in the file; any other item is a product by itself. *Not* here: shipping,
//! tax and advertising, which say nothing of the product.
//!
//! Source: *Product data specification*, Google Merchant Center Help.

mod groups;
mod item;
mod product;
#[cfg(test)]
mod tests;
mod xml;

use souk_core::{Product, ProductId, Timestamp};

use super::orders::Fault;
use super::{CHUNK, Draft, DraftFact, ImportOptions, Mapper, Plan, Read};
use crate::AppError;
use crate::sheet::{Block, Columns, RowFault};

use groups::Groups;
use item::Item;

pub(super) use xml::is_xml;

/// Bytes of the products with variants of one file, which stay in memory until its end.
const GROUPS_BYTES_MAX: usize = 1 << 30;

/// Whether a table has the columns that the specification requires and hardly any other file has.
pub(super) fn is_merchant(columns: &Columns) -> bool {
    ["id", "title", "link", "image_link"].iter().all(|name| columns.find(&[name]).is_some())
}

/// Items of one file on their way to products.
struct Merchant {
    options: ImportOptions,
    now: Timestamp,
    groups: Groups,
    /// Products whose items could not be read.
    named: Vec<ProductId>,
}

impl Merchant {
    fn new(options: &ImportOptions, now: Timestamp) -> Merchant {
        let (options, groups) = (options.clone(), Groups::default());
        Merchant { options, now, groups, named: Vec::new() }
    }

    /// Takes an item; answers a product that is complete.
    fn take(&mut self, item: &Item, faults: &mut Vec<RowFault>) -> Option<(u64, Draft)> {
        let read = product::read(item, (&self.options, self.now));
        let read = read.and_then(|(group, product)| match group {
            None => Ok(Some(product)),
            Some(group) => self.groups.add(item.line, (group, product)).map(|()| None),
        });
        match read {
            Ok(product) => product.map(|product| (item.line, draft(product, self.now))),
            Err(fault) => {
                self.named.extend(product::id_of(item));
                faults.push(fault.at(item.line));
                None
            }
        }
    }

    /// The products with variants: items within all limits make products within them.
    fn finish(&mut self) -> impl Iterator<Item = (u64, Draft)> + use<> {
        let now = self.now;
        let products = std::mem::take(&mut self.groups).finish();
        products.map(move |(line, product)| (line, draft(product, now)))
    }

    fn check(&self) -> Result<(), AppError> {
        if self.groups.bytes() <= GROUPS_BYTES_MAX {
            return Ok(());
        }
        let detail = format!(
            "products with variants take over {GROUPS_BYTES_MAX} bytes; cut the feed in several files, \
             all items of one `item_group_id` in one"
        );
        Err(AppError::invalid("file_too_large", "path", detail))
    }
}

fn draft(product: Product, now: Timestamp) -> Draft {
    Draft::new(now, DraftFact::Product(Box::new(product)))
}

/// Rows of a feed that is a table.
pub(super) struct MerchantMapper {
    columns: Columns,
    merchant: Merchant,
}

impl MerchantMapper {
    pub(super) fn new(
        columns: &Columns,
        options: &ImportOptions,
        now: Timestamp,
    ) -> Result<MerchantMapper, AppError> {
        for name in ["id", "title"] {
            columns.need(&[name])?;
        }
        Ok(MerchantMapper { columns: columns.clone(), merchant: Merchant::new(options, now) })
    }
}

impl Mapper for MerchantMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        let columns = &self.columns;
        let items = (0..block.len()).map(|row| Item::of_row(columns, block, row));
        items.filter_map(|item| self.merchant.take(&item, faults)).collect()
    }

    fn check(&self) -> Result<(), AppError> {
        self.merchant.check()
    }

    fn named(&mut self) -> Vec<ProductId> {
        std::mem::take(&mut self.merchant.named)
    }

    fn finish(
        mut self: Box<Self>,
        _faults: &mut Vec<RowFault>,
    ) -> Box<dyn Iterator<Item = (u64, Draft)> + Send> {
        Box::new(self.merchant.finish())
    }
}

/// Reads a feed that is XML.
pub(super) fn read_xml(
    plan: &Plan,
    options: &ImportOptions,
    now: Timestamp,
    send: &tokio::sync::mpsc::Sender<Read>,
) -> Result<(), AppError> {
    let mut items = xml::Items::open(&plan.path, plan.gzip)?;
    let mut merchant = Merchant::new(options, now);
    let (mut drafts, mut faults) = (Vec::with_capacity(CHUNK), Vec::new());
    loop {
        let next = items.next_item()?;
        let is_end = next.is_none();
        match next {
            Some(Ok(item)) => drafts.extend(merchant.take(&item, &mut faults)),
            Some(Err(fault)) => faults.push(fault),
            None => {}
        }
        if drafts.len() + faults.len() >= CHUNK || is_end {
            merchant.check()?;
            plan.hear(&drafts, &faults);
            let named = std::mem::take(&mut merchant.named);
            let is_heard = super::send_faults(send, std::mem::take(&mut faults))
                && super::send_named(send, named)
                && super::send_drafts(send, std::mem::take(&mut drafts));
            if !is_heard {
                return Ok(());
            }
        }
        if is_end {
            break;
        }
    }
    let drafts: Vec<(u64, Draft)> = merchant.finish().collect();
    plan.hear(&drafts, &[]);
    if super::send_drafts(send, drafts) {
        let _ = send.blocking_send(Read::Notes(items.notes()));
    }
    Ok(())
}

fn fault(name: &str, reason: impl ToString) -> Fault {
    super::orders::fault(name, reason)
}
