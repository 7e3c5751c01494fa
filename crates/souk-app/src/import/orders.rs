use std::borrow::Cow;
use std::sync::Arc;

use souk_core::wire::Writer;
use souk_core::{
    Channel, Currency, LocationId, Money, OrderChange, OrderId, OrderLine, ProductId, Quantity,
    Timestamp, Unit,
};

use super::kind::names;
use super::{Clocks, Draft, DraftFact, ImportKind, ImportOptions, Mapper, each_row};
use crate::AppError;
use crate::names::Names;
use crate::sheet::{Block, Cell, Columns, Moment, RowFault};

const DAY_MS: i64 = 86_400_000;
/// Of two words on what was sold in a day, that of the later import is later: by a millisecond for each ten seconds, and by four
/// hours at most, which is after more than four years.
const WORD_MS: i64 = 10_000;
const WORDS_MAX: i64 = 14_400_000;
/// Lines of one file of orders; chosen: about 1 GB of memory. A larger file is to be cut by day.
const LINES_MAX: usize = 24_000_000;
/// Lines of one order; beyond any till, and such an order still fits a batch.
pub(crate) const ORDER_LINES_MAX: usize = 2_000;

/// What the rows of one order share.
#[derive(Clone, Debug)]
pub(crate) struct OrderHead {
    pub(crate) at: Timestamp,
    pub(crate) user: Option<u32>,
    pub(crate) card: Option<u32>,
    pub(crate) location: Option<u32>,
    pub(crate) channel: Channel,
    pub(crate) is_cancelled: bool,
    pub(crate) line: u64,
}

/// One row: a product in an order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineRow {
    pub(crate) order: u32,
    pub(crate) product: u32,
    /// Thousandths; negative for a return.
    pub(crate) milli: i64,
    pub(crate) unit: Unit,
    pub(crate) amount: Option<Money>,
    pub(crate) promotion: Option<u32>,
}

/// Orders under collection: rows of one order may stand anywhere in the file.
#[derive(Debug, Default)]
pub(crate) struct OrderTable {
    pub(crate) orders: Names,
    pub(crate) products: Names,
    people: Names,
    places: Names,
    promotions: Names,
    pub(crate) heads: Vec<OrderHead>,
    pub(crate) lines: Vec<LineRow>,
}

/// One row of a file of orders, by meaning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderRow<'a> {
    pub(crate) order: &'a str,
    pub(crate) product: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) user: Option<&'a str>,
    pub(crate) card: Option<&'a str>,
    pub(crate) location: Option<&'a str>,
    pub(crate) promotion: Option<&'a str>,
    pub(crate) channel: Channel,
    pub(crate) is_cancelled: bool,
    pub(crate) quantity: Quantity,
    pub(crate) amount: Option<Money>,
    pub(crate) line: u64,
}

impl OrderTable {
    /// Adds a row; the order's time is that of its earliest row.
    pub(crate) fn add(&mut self, row: OrderRow<'_>) {
        let order = self.orders.intern(row.order);
        let user = row.user.map(|text| self.people.intern(text));
        let card = row.card.map(|text| self.people.intern(text));
        let location = row.location.map(|text| self.places.intern(text));
        if order as usize == self.heads.len() {
            let (at, channel, line) = (row.at, row.channel, row.line);
            let is_cancelled = row.is_cancelled;
            self.heads.push(OrderHead { at, user, card, location, channel, is_cancelled, line });
        }
        let head = &mut self.heads[order as usize];
        head.at = head.at.min(row.at);
        head.user = head.user.or(user);
        head.card = head.card.or(card);
        head.is_cancelled |= row.is_cancelled;
        let product = self.products.intern(row.product);
        let promotion = row.promotion.map(|text| self.promotions.intern(text));
        let (milli, unit) = (row.quantity.milli(), row.quantity.unit());
        self.lines.push(LineRow { order, product, milli, unit, amount: row.amount, promotion });
    }

    /// How many people are named.
    pub(crate) fn n_people(&self) -> usize {
        self.people.len()
    }

    /// The place with the most lines; the first by name of several.
    pub(crate) fn busiest_place(&self) -> Option<&str> {
        let mut counts = vec![0usize; self.places.len()];
        let heads = self.lines.iter().map(|line| &self.heads[line.order as usize]);
        heads.filter_map(|head| head.location).for_each(|place| counts[place as usize] += 1);
        let named = self.places.texts().zip(counts);
        named.min_by_key(|(name, count)| (std::cmp::Reverse(*count), *name)).map(|(name, _)| name)
    }

    /// How many orders each person has.
    pub(crate) fn orders_by_person(&self) -> impl Iterator<Item = (&str, usize)> {
        let mut counts = vec![0; self.people.len()];
        self.heads.iter().filter_map(|head| head.user).for_each(|user| counts[user as usize] += 1);
        self.people.texts().zip(counts)
    }

    /// The orders as events, by time and then by their place in the file, so that the same rows in
    /// another order make the same events.
    pub(crate) fn into_drafts(mut self) -> impl Iterator<Item = (u64, Draft)> {
        // Stable: the lines of an order keep the order of the file.
        self.lines.sort_by_key(|line| line.order);
        let mut starts = vec![0usize; self.heads.len() + 1];
        for line in &self.lines {
            starts[line.order as usize + 1] += 1;
        }
        for idx in 1..starts.len() {
            starts[idx] += starts[idx - 1];
        }
        let mut by_time: Vec<u32> = (0..).take(self.heads.len()).collect();
        by_time.sort_by(|a, b| {
            let key = |order: u32| (self.heads[order as usize].at, self.orders.text(order));
            key(*a).cmp(&key(*b))
        });
        by_time.into_iter().flat_map(move |order| {
            let lines = &self.lines[starts[order as usize]..starts[order as usize + 1]];
            self.drafts_of(order, lines)
        })
    }

    /// An order becomes one event, and a second one when some of its rows are returns.
    fn drafts_of(&self, order: u32, lines: &[LineRow]) -> Vec<(u64, Draft)> {
        let head = &self.heads[order as usize];
        let (returned, sold): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.milli < 0);
        let mut drafts = Vec::with_capacity(1);
        if !sold.is_empty() {
            let change =
                if head.is_cancelled { OrderChange::Cancelled } else { OrderChange::Placed };
            drafts.push((head.line, self.draft(order, change, &sold)));
        }
        if !returned.is_empty() {
            drafts.push((head.line, self.draft(order, OrderChange::Refunded, &returned)));
        }
        drafts
    }

    fn draft(&self, order: u32, change: OrderChange, lines: &[&LineRow]) -> Draft {
        let head = &self.heads[order as usize];
        let text = |number: u32| self.people.text(number).into();
        let id = |text: &str| OrderId::new(text).expect("the mapper checked the id");
        let mut draft = Draft::new(
            head.at,
            DraftFact::Order {
                order_id: id(self.orders.text(order)),
                change,
                location: head.location.map(|number| {
                    LocationId::new(self.places.text(number)).expect("the mapper checked the id")
                }),
                lines: lines.iter().map(|line| self.line(line)).collect(),
            },
        );
        draft.user_id = head.user.map(text);
        draft.loyalty_card = head.card.map(text);
        draft.channel = Some(head.channel);
        draft
    }

    fn line(&self, line: &LineRow) -> OrderLine {
        let product = ProductId::new(self.products.text(line.product));
        let quantity = Quantity::from_milli(line.milli.abs(), line.unit);
        OrderLine {
            product: product.expect("the mapper checked the id"),
            variant: None,
            quantity: quantity.expect("the mapper checked the quantity"),
            amount: line.amount.map(|paid| Money::from_minor(paid.minor().abs(), paid.currency())),
            promotion: line.promotion.map(|number| self.promotions.text(number).into()),
        }
    }
}

/// Rows of orders, one product each, or of what was sold of each product in a day.
pub(crate) struct OrderMapper {
    options: ImportOptions,
    clocks: Arc<Clocks>,
    /// When the file is read.
    now: Timestamp,
    /// The order's name; what was sold in a day has none.
    order: Option<usize>,
    product: usize,
    time: usize,
    columns: OrderColumns,
    table: OrderTable,
}

/// The columns that a file of orders may have.
struct OrderColumns {
    user: Option<usize>,
    card: Option<usize>,
    quantity: Option<usize>,
    amount: Option<usize>,
    price: Option<usize>,
    currency: Option<usize>,
    location: Option<usize>,
    channel: Option<usize>,
    change: Option<usize>,
    promotion: Option<usize>,
}

impl OrderMapper {
    pub(crate) fn new(
        columns: &Columns,
        kind: ImportKind,
        (options, clocks, now): (&ImportOptions, &Arc<Clocks>, Timestamp),
    ) -> Result<OrderMapper, AppError> {
        let is_by_day = kind == ImportKind::Sales;
        let order = match is_by_day {
            true => None,
            false => Some(columns.need(names::ORDER)?),
        };
        let day = columns.find(names::SALES_DAY).filter(|_| is_by_day);
        let time = day.map_or_else(|| columns.need(names::TIME), Ok)?;
        let quantity = match is_by_day {
            true => {
                Some(columns.find(names::SOLD).map_or_else(|| columns.need(names::QUANTITY), Ok)?)
            }
            false => columns.find(names::QUANTITY),
        };
        let product_names: Vec<&str> =
            names::PRODUCT.iter().copied().filter(|name| *name != "id").collect();
        Ok(OrderMapper {
            now,
            options: options.clone(),
            clocks: Arc::clone(clocks),
            order,
            product: columns.need(&product_names)?,
            time,
            columns: OrderColumns {
                user: columns.find(names::USER),
                card: columns.find(names::CARD),
                quantity,
                amount: columns.find(names::AMOUNT),
                price: columns.find(names::PRICE),
                currency: columns.find(names::CURRENCY),
                location: columns.find(names::LOCATION),
                channel: columns.find(names::CHANNEL),
                change: columns.find(names::CHANGE),
                promotion: columns.find(names::LINE_PROMOTION),
            },
            table: OrderTable::default(),
        })
    }

    fn take_row(&mut self, block: &Block, row: usize) -> Result<(), Fault> {
        let cell = |column: Option<usize>| column.map_or(Cell::Empty, |idx| block.cell(row, idx));
        let product = id_text(block.cell(row, self.product), "product_id")?;
        ProductId::new(product.as_ref()).map_err(|error| fault("product_id", error))?;
        let location = cell(self.columns.location).text();
        let (order, at) = self.order_at((block, row), &product, location.as_deref())?;
        OrderId::new(order.as_ref()).map_err(|error| fault("order_id", error))?;
        if let Some(location) = &location {
            LocationId::new(location.as_ref()).map_err(|error| fault("location_id", error))?;
        }
        let quantity = match self.columns.quantity {
            Some(column) => block.cell(row, column).number().map_err(|e| fault("quantity", e))?,
            None => Some(1.0),
        };
        let quantity = quantity.ok_or_else(|| fault("quantity", "is empty; write a number"))?;
        if quantity < 0.0 && self.order.is_none() {
            let reason = "is below 0: a day is told by what was sold in it; what came back is told by orders with their names";
            return Err(fault("quantity", reason));
        }
        if quantity == 0.0 && self.order.is_none() {
            // A product of which nothing was sold stands in a list by day all the same.
            return Ok(());
        }
        if quantity == 0.0 {
            return Err(fault("quantity", "is 0: nothing was sold; leave such rows out"));
        }
        let currency = currency_of(cell(self.columns.currency), self.options.currency)?;
        let amount = self.amount(block, row, (quantity, currency))?;
        let quantity =
            Quantity::from_f64(quantity, Unit::Each).map_err(|e| fault("quantity", e))?;
        if quantity.milli() == 0 {
            return Err(fault("quantity", "is under a thousandth"));
        }
        let channel = channel_of(cell(self.columns.channel))?.unwrap_or(self.options.channel);
        let change = cell(self.columns.change).text().unwrap_or_default().to_lowercase();
        let (user, card) = (cell(self.columns.user).text(), cell(self.columns.card).text());
        let promotion = cell(self.columns.promotion).text();
        for (column, id) in [("user_id", &user), ("loyalty_card", &card)] {
            check_person(column, id.as_deref())?;
        }
        self.table.add(OrderRow {
            order: &order,
            product: &product,
            at,
            user: user.as_deref(),
            card: card.as_deref(),
            location: location.as_deref(),
            promotion: promotion.as_deref(),
            channel,
            is_cancelled: matches!(change.as_str(), "cancelled" | "canceled" | "voided"),
            quantity,
            amount,
            line: block.line(row),
        });
        Ok(())
    }

    /// The order's name and time. What was sold of a product in a day is an order of its own, at noon: in one of many products
    /// they would look as if somebody had bought them together.
    fn order_at<'a>(
        &self,
        (block, row): (&'a Block, usize),
        product: &str,
        location: Option<&str>,
    ) -> Result<(Cow<'a, str>, Timestamp), Fault> {
        let time = block.cell(row, self.time);
        let missing = || fault("timestamp", "is empty; every order has a time");
        if let Some(column) = self.order {
            let order = id_text(block.cell(row, column), "order_id")?;
            return Ok((order, self.clocks.time(time, location)?.ok_or_else(missing)?));
        }
        let told = time.moment_of_trade().map_err(|error| fault("timestamp", error))?;
        let told = told.ok_or_else(missing)?;
        let clock = self.clocks.of(location);
        let day = match told {
            // Columns of dates come as midnights of UTC.
            Moment::At(at) if at.as_ms().rem_euclid(DAY_MS) != 0 => clock.day(at),
            told => told.date(),
        };
        let at = clock.noon(day).map_err(|error| fault("timestamp", error))?;
        let mut of = Writer::new();
        of.text(location.unwrap_or_default());
        of.text(product);
        let hash = xxhash_rust::xxh3::xxh3_128(&of.into_bytes());
        Ok((format!("sales {day} {hash:032x}").into(), at))
    }

    /// What the line cost: the line's own amount, else unit price by quantity.
    fn amount(
        &self,
        block: &Block,
        row: usize,
        (quantity, currency): (f64, Currency),
    ) -> Result<Option<Money>, Fault> {
        if let Some(column) = self.columns.amount {
            let amount =
                block.cell(row, column).number().map_err(|error| fault("amount", error))?;
            let money = amount.map(|amount| Money::from_major(amount, currency));
            return money.transpose().map_err(|error| fault("amount", error));
        }
        let Some(column) = self.columns.price else { return Ok(None) };
        let price = block.cell(row, column).number().map_err(|error| fault("price", error))?;
        if price.is_some_and(|price| price < 0.0) {
            return Err(fault("price", "is below 0; a return has a negative quantity instead"));
        }
        let money = price.map(|price| Money::from_major(price * quantity, currency));
        money.transpose().map_err(|error| fault("price", error))
    }
}

impl Mapper for OrderMapper {
    fn take(&mut self, block: &Block, faults: &mut Vec<RowFault>) -> Vec<(u64, Draft)> {
        each_row(block, faults, |row| self.take_row(block, row).map(|()| None))
    }

    fn check(&self) -> Result<(), AppError> {
        if self.table.lines.len() <= LINES_MAX {
            return Ok(());
        }
        let detail =
            format!("the file has over {LINES_MAX} order lines; cut it, for example by month");
        Err(AppError::invalid("file_too_large", "path", detail))
    }

    fn finish(
        self: Box<Self>,
        faults: &mut Vec<RowFault>,
    ) -> Box<dyn Iterator<Item = (u64, Draft)> + Send> {
        let mut counts = vec![0usize; self.table.heads.len()];
        self.table.lines.iter().for_each(|line| counts[line.order as usize] += 1);
        let mut table = self.table;
        for (head, count) in table.heads.iter().zip(&counts).filter(|(_, n)| **n > ORDER_LINES_MAX)
        {
            let reason = format!(
                "the order has {count} rows; the limit is {ORDER_LINES_MAX}, so it was left out"
            );
            faults.push(Fault { column: "order_id".to_owned(), reason }.at(head.line));
        }
        table.lines.retain(|line| counts[line.order as usize] <= ORDER_LINES_MAX);
        if self.order.is_some() {
            return Box::new(table.into_drafts());
        }
        let (site, now) = (self.options.site.clone(), self.now);
        Box::new(table.into_drafts().map(move |(line, mut draft)| {
            // Known by what it says, it is a little later each time that other units are told: the newest word counts.
            draft.message_id = Some(draft.content_id(&site).into());
            let since = (now.as_ms() - draft.at.as_ms()).max(0) / WORD_MS;
            draft.at =
                Timestamp::from_ms(draft.at.as_ms() + since.min(WORDS_MAX)).unwrap_or(draft.at);
            (line, draft)
        }))
    }
}

/// A fault of a row that does not know its line yet.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) column: String,
    pub(crate) reason: String,
}

impl Fault {
    pub(crate) fn at(self, line: u64) -> RowFault {
        RowFault { line, column: self.column, reason: self.reason }
    }
}

pub(crate) fn fault(column: &str, reason: impl ToString) -> Fault {
    Fault { column: column.to_owned(), reason: reason.to_string() }
}

pub(crate) fn id_text<'a>(
    cell: Cell<'a>,
    column: &str,
) -> Result<std::borrow::Cow<'a, str>, Fault> {
    cell.text().ok_or_else(|| fault(column, "is empty; every row needs one"))
}

pub(crate) fn check_person(column: &str, id: Option<&str>) -> Result<(), Fault> {
    match id {
        Some(id) if id.len() > souk_core::ID_BYTES_MAX => {
            let reason =
                format!("has {} bytes; the limit is {}", id.len(), souk_core::ID_BYTES_MAX);
            Err(fault(column, reason))
        }
        _ => Ok(()),
    }
}

pub(crate) fn currency_of(cell: Cell<'_>, default: Currency) -> Result<Currency, Fault> {
    match cell.text() {
        None => Ok(default),
        Some(code) => Currency::parse(&code).map_err(|error| fault("currency", error)),
    }
}

pub(crate) fn channel_of(cell: Cell<'_>) -> Result<Option<Channel>, Fault> {
    let Some(text) = cell.text() else { return Ok(None) };
    let channel = Channel::parse(&text.to_lowercase());
    channel.map(Some).ok_or_else(|| {
        fault(
            "channel",
            format!("`{text}` is none; write web, mobile, store, email or call_center"),
        )
    })
}
