use std::fmt;
use std::path::Path;

use rustc_hash::FxHashMap;
use souk_core::Day;

use crate::AppError;
use crate::sheet::{Columns, Sheet};

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are those of the contract")]
pub enum ImportKind {
    Products,
    Events,
    Orders,
    /// What was sold of each product in a day.
    Sales,
    Customers,
    Stock,
    Prices,
    Promotions,
    Consents,
    Lots,
    Suppliers,
    PurchaseOrders,
    Signals,
    GoogleFeed,
    /// Words that mean the same: from other systems alone, so no kind of a file of Souk's own columns.
    Synonyms,
    /// The merchant's rules, likewise.
    Rules,
}

impl ImportKind {
    /// Every kind that a file of Souk's own columns may be.
    pub const ALL: [ImportKind; 14] = [
        ImportKind::Products,
        ImportKind::Events,
        ImportKind::Orders,
        ImportKind::Sales,
        ImportKind::Customers,
        ImportKind::Stock,
        ImportKind::Prices,
        ImportKind::Promotions,
        ImportKind::Consents,
        ImportKind::Lots,
        ImportKind::Suppliers,
        ImportKind::PurchaseOrders,
        ImportKind::Signals,
        ImportKind::GoogleFeed,
    ];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            ImportKind::Products => "products",
            ImportKind::Events => "events",
            ImportKind::Orders => "orders",
            ImportKind::Sales => "sales",
            ImportKind::Customers => "customers",
            ImportKind::Stock => "stock",
            ImportKind::Prices => "prices",
            ImportKind::Promotions => "promotions",
            ImportKind::Consents => "consents",
            ImportKind::Lots => "lots",
            ImportKind::Suppliers => "suppliers",
            ImportKind::PurchaseOrders => "purchase_orders",
            ImportKind::Signals => "signals",
            ImportKind::GoogleFeed => "google_feed",
            ImportKind::Synonyms => "synonyms",
            ImportKind::Rules => "rules",
        }
    }

    /// Whether its rows go into the tables, because they are no facts of the log.
    pub(super) fn is_of_tables(self) -> bool {
        matches!(self, ImportKind::Suppliers | ImportKind::PurchaseOrders | ImportKind::Signals)
    }

    /// Reads the name on the command line.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] that names the kinds.
    pub fn parse(name: &str) -> Result<ImportKind, AppError> {
        if let Some(kind) = ImportKind::ALL.into_iter().find(|kind| kind.as_str() == name) {
            return Ok(kind);
        }
        let known: Vec<&str> = ImportKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let known = known.join(", ");
        let detail = format!("there is no kind `{name}`; give one of {known}");
        Err(AppError::invalid("unknown_kind", "kind", detail))
    }

    /// Tells the kind from the columns.
    ///
    /// # Errors
    ///
    /// [`AppError::Invalid`] when the columns fit none.
    pub fn of(columns: &Columns) -> Result<ImportKind, AppError> {
        let has = |synonyms: &[&str]| columns.find(synonyms).is_some();
        let has_product = has(names::PRODUCT);
        let has_person = has(names::USER) || has(names::ANONYMOUS);
        if has(names::PURCHASE_ORDER) && has_product {
            return Ok(ImportKind::PurchaseOrders);
        }
        if has(names::SUPPLIER) && has(names::LEAD_TIME) {
            return Ok(ImportKind::Suppliers);
        }
        let is_signal = has(names::SIGNAL) && has(names::SIGNAL_VALUE) && has(names::SIGNAL_DAY);
        if is_signal && !has_product && !has_person {
            return Ok(ImportKind::Signals);
        }
        if has(names::ORDER) && has_product && (has(names::QUANTITY) || has(names::AMOUNT)) {
            return Ok(ImportKind::Orders);
        }
        if has_person && has(names::PURPOSE) && has(names::GRANTED) {
            return Ok(ImportKind::Consents);
        }
        if has(names::PROMOTION) && has(names::FROM) {
            return Ok(ImportKind::Promotions);
        }
        if has(names::ACTION) && (has_person || has_product) || has_person && has_product {
            return Ok(ImportKind::Events);
        }
        // What is on hand, or goes off, is counted and not sold.
        let is_counted = has(names::ON_HAND) || has(names::LOT) || has(names::EXPIRES);
        let of_place = has(names::LOCATION) && has(names::QUANTITY) && has(names::AMOUNT);
        if has_product && has(names::SALES_DAY) && (has(names::SOLD) || of_place && !is_counted) {
            return Ok(ImportKind::Sales);
        }
        if super::merchant::is_merchant(columns) {
            return Ok(ImportKind::GoogleFeed);
        }
        if has_product && has(names::TITLE) {
            return Ok(ImportKind::Products);
        }
        if has_product && has(names::LOCATION) && has(names::QUANTITY) {
            if has(names::LOT) {
                return Ok(ImportKind::Lots);
            }
            return Ok(ImportKind::Stock);
        }
        if has_product && has(names::PRICE) {
            return Ok(ImportKind::Prices);
        }
        if has(names::USER) && !has_product {
            return Ok(ImportKind::Customers);
        }
        let detail = format!(
            "the columns ({}) do not tell what the rows are; say it with --kind \
             products|events|orders|sales|customers|stock|prices|promotions|consents|lots|suppliers|\
             purchase_orders|signals|google_feed",
            columns.names().join(", ")
        );
        Err(AppError::invalid("unknown_kind", "kind", detail))
    }
}

impl fmt::Display for ImportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The names under which a column is found: the first is our own, the rest are those of common
/// exports (Shopify, WooCommerce, Segment, Online Retail, Complete Journey, RecBole, Instacart).
pub(crate) mod names {
    pub(crate) const PRODUCT: &[&str] = &[
        "product_id",
        "sku",
        "item_id",
        "stock_code",
        "article_id",
        "asin",
        "product",
        "variant_sku",
        "lineitem_sku",
        "parent_asin",
        "id",
        "handle",
    ];
    pub(crate) const USER: &[&str] = &[
        "user_id",
        "customer_id",
        "household_id",
        "household_key",
        "shopper_id",
        "client_id",
        "member_id",
        "customer",
        "user",
    ];
    pub(crate) const ANONYMOUS: &[&str] =
        &["anonymous_id", "visitor_id", "session_id", "device_id"];
    pub(crate) const CARD: &[&str] = &["loyalty_card", "loyalty_card_id", "card_number", "card_id"];
    pub(crate) const ORDER: &[&str] = &[
        "order_id",
        "basket_id",
        "invoice_no",
        "invoice",
        "invoice_id",
        "transaction_id",
        "receipt_id",
        "order_number",
    ];
    pub(crate) const QUANTITY: &[&str] =
        &["quantity", "qty", "units", "lineitem_quantity", "on_hand", "stock"];
    pub(crate) const ON_HAND: &[&str] = &["on_hand", "stock"];
    pub(crate) const SOLD: &[&str] =
        &["units_sold", "quantity_sold", "qty_sold", "sold", "sales_units", "sales_quantity"];
    pub(crate) const SALES_DAY: &[&str] = &["business_date", "sales_date", "date", "day"];
    pub(crate) const AMOUNT: &[&str] =
        &["amount", "sales_value", "line_total", "line_amount", "revenue", "total_price"];
    pub(crate) const PRICE: &[&str] =
        &["price", "unit_price", "lineitem_price", "sale_price", "variant_price", "regular_price"];
    pub(crate) const LIST_PRICE: &[&str] = &[
        "list_price",
        "compare_at_price",
        "variant_compare_at_price",
        "original_price",
        "msrp",
        "rrp",
    ];
    pub(crate) const COST: &[&str] = &["cost", "unit_cost", "cost_per_item", "purchase_price"];
    pub(crate) const CURRENCY: &[&str] = &["currency", "currency_code"];
    pub(crate) const TIME: &[&str] = &[
        "timestamp",
        "transaction_timestamp",
        "occurred_at",
        "created_at",
        "event_time",
        "time",
        "invoice_date",
        "order_date",
        "purchase_date",
        "datetime",
        "date",
        "counted_at",
        "paid_at",
    ];
    pub(crate) const LOCATION: &[&str] =
        &["location_id", "store_id", "store", "shop_id", "warehouse_id", "location", "warehouse"];
    pub(crate) const CHANNEL: &[&str] = &["channel"];
    pub(crate) const ACTION: &[&str] = &["event", "action", "event_type", "event_name", "type"];
    pub(crate) const CHANGE: &[&str] = &["status", "change", "order_status"];
    pub(crate) const MESSAGE: &[&str] = &["message_id", "event_id"];
    pub(crate) const QUERY: &[&str] = &["query", "search_query", "search_term"];
    pub(crate) const TITLE: &[&str] =
        &["title", "name", "product_name", "product_title", "item_name"];
    pub(crate) const DESCRIPTION: &[&str] =
        &["description", "body_html", "long_description", "short_description", "body"];
    pub(crate) const BRAND: &[&str] = &["brand", "vendor", "manufacturer", "supplier", "label"];
    pub(crate) const CATEGORY: &[&str] = &[
        "categories",
        "category",
        "category_path",
        "product_category",
        "product_type",
        "google_product_category",
    ];
    pub(crate) const AVAILABILITY: &[&str] = &["availability", "stock_status"];
    pub(crate) const IMAGE: &[&str] =
        &["image_urls", "image_url", "image", "image_link", "image_src"];
    pub(crate) const TAGS: &[&str] = &["tags"];
    pub(crate) const GTIN: &[&str] = &["gtin", "ean", "upc", "barcode", "variant_barcode", "isbn"];
    pub(crate) const PUBLISHED: &[&str] =
        &["published_at", "release_date", "launch_date", "created_at"];
    pub(crate) const PERISHABLE: &[&str] = &["perishable_days", "shelf_life_days"];
    pub(crate) const VARIANT: &[&str] = &["variant_id", "variant"];
    pub(crate) const PROMOTION: &[&str] = &["promotion_id", "campaign_id", "promotion"];
    pub(crate) const FROM: &[&str] = &["from", "starts_on", "start_date", "valid_from"];
    pub(crate) const UNTIL: &[&str] = &["until", "ends_on", "end_date", "valid_until"];
    pub(crate) const PURPOSE: &[&str] = &["purpose", "consent_purpose"];
    pub(crate) const GRANTED: &[&str] = &["granted", "consent", "consented", "is_granted"];
    pub(crate) const NOTICE: &[&str] = &["notice_version", "policy_version", "notice"];
    pub(crate) const DISCOUNT: &[&str] = &["discount_percent", "discount", "percent_off"];
    pub(crate) const LOT: &[&str] = &["lot", "lot_id", "batch", "batch_number"];
    pub(crate) const EXPIRES: &[&str] = &["expires_on", "expiry_date", "best_before", "use_by"];
    pub(crate) const SIGNAL: &[&str] = &["name", "signal", "signal_name"];
    pub(crate) const SIGNAL_DAY: &[&str] = &["date", "day", "ds"];
    pub(crate) const SIGNAL_VALUE: &[&str] = &["value", "y"];
    pub(crate) const SUPPLIER: &[&str] = &["supplier_id", "vendor_id"];
    pub(crate) const SUPPLIER_NAME: &[&str] = &["supplier_name", "vendor_name", "name"];
    pub(crate) const LEAD_TIME: &[&str] = &["lead_time_days", "lead_time", "lead_days"];
    pub(crate) const LEAD_TIME_SD: &[&str] = &["lead_time_sd_days", "lead_time_sd"];
    pub(crate) const ORDER_DAYS: &[&str] = &["order_weekdays", "order_days"];
    pub(crate) const DELIVERY_DAYS: &[&str] = &["delivery_weekdays", "delivery_days"];
    pub(crate) const HOLIDAYS: &[&str] = &["holidays", "closed_on"];
    pub(crate) const LEAST_ORDER: &[&str] = &["minimum_order", "minimum_order_amount"];
    pub(crate) const ORDER_COST: &[&str] = &["order_cost", "freight", "freight_cost"];
    pub(crate) const LEAST: &[&str] = &["minimum", "minimum_quantity", "moq"];
    pub(crate) const MULTIPLE: &[&str] = &["multiple", "case_size", "pack_size", "order_multiple"];
    pub(crate) const BREAKS: &[&str] = &["breaks", "price_breaks"];
    pub(crate) const PURCHASE_ORDER: &[&str] = &["purchase_order_id", "po_id", "po_number"];
    pub(crate) const SENT: &[&str] = &["sent_on", "ordered_on", "order_date"];
    pub(crate) const EXPECTED: &[&str] = &["expected_on", "due_date", "delivery_date"];
    /// What holds numbers.
    pub(crate) const NUMBERS: &[&[&str]] = &[
        QUANTITY,
        SOLD,
        AMOUNT,
        PRICE,
        LIST_PRICE,
        COST,
        DISCOUNT,
        SIGNAL_VALUE,
        LEAD_TIME,
        LEAD_TIME_SD,
        LEAST_ORDER,
        ORDER_COST,
        LEAST,
        MULTIPLE,
    ];
    pub(crate) const LINE_PROMOTION: &[&str] = &["promotion_id", "coupon", "campaign_id"];
}

/// Blocks of rows that are looked at for a second day (chosen: half a million rows).
const BLOCKS_MAX: usize = 64;

/// That rows which were taken for counts of stock, by their columns alone, are no sales by day: those name a product at a place
/// on several days.
pub(super) fn check_counts(
    path: &Path,
    (mut sheet, columns): (Box<dyn Sheet>, &Columns),
) -> Result<(), AppError> {
    let time = columns.find(names::SALES_DAY).or_else(|| columns.find(names::TIME));
    let known = columns.find(names::PRODUCT).zip(columns.find(names::LOCATION)).zip(time);
    let Some(((product, place), time)) = known else { return Ok(()) };
    let mut days: FxHashMap<(String, String), Day> = FxHashMap::default();
    for _ in 0..BLOCKS_MAX {
        let Some(block) = sheet.next_block()? else { return Ok(()) };
        for row in 0..block.len() {
            let text = |column: usize| block.cell(row, column).text().map(|text| text.into_owned());
            let Ok(Some(told)) = block.cell(row, time).moment() else { continue };
            let Some(key) = text(product).zip(text(place)) else { continue };
            let first = *days.entry(key.clone()).or_insert(told.date());
            if first != told.date() {
                let detail = format!(
                    "file `{}` names `{}` at `{}` on {first} and on {}: say whether it was counted on these days, with --kind \
                     stock, or sold, with --kind sales",
                    path.display(),
                    key.0,
                    key.1,
                    told.date()
                );
                return Err(AppError::invalid("unknown_kind", "kind", detail));
            }
        }
    }
    Ok(())
}
