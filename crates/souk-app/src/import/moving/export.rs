//! Which export of which system a file is, told from what it begins with.

use crate::AppError;
use crate::import::ImportKind;
use crate::sheet::Columns;

use super::System;
use super::header::Header;

/// One kind of export file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::import) enum Export {
    ShopifyProducts,
    ShopifyCustomers,
    ShopifyOrders,
    ShopifyInventory,
    MagentoProducts,
    MagentoCustomers,
    MagentoSubscribers,
    MagentoItems,
    MagentoOrders,
    Ga4Events,
    PersonalizeItems,
    PersonalizeUsers,
    PersonalizeInteractions,
    AlgoliaRecords,
    AlgoliaSynonyms,
    AlgoliaRules,
}

impl Export {
    /// Tells it from the columns of a table.
    pub(super) fn of(system: System, columns: &Columns) -> Result<Export, AppError> {
        let header = Header::new(columns);
        let has = |names: &[&str]| header.has(names);
        let found = match system {
            System::Shopify if has(&["lineitem_name"]) && has(&["name"]) => Export::ShopifyOrders,
            System::Shopify
                if has(&["handle"])
                    && has(&["location"])
                    && has(&[
                        "on_hand",
                        "on_hand_current",
                        "available",
                        "available_not_editable",
                    ]) =>
            {
                Export::ShopifyInventory
            }
            System::Shopify if has(&["handle", "url_handle"]) && has(&["title"]) => {
                Export::ShopifyProducts
            }
            System::Shopify
                if has(&["email"]) && has(&["accepts_email_marketing", "accepts_marketing"]) =>
            {
                Export::ShopifyCustomers
            }
            System::Magento
                if has(&["sku"])
                    && has(&["product_type", "attribute_set_code"])
                    && !has(&["qty_ordered"]) =>
            {
                Export::MagentoProducts
            }
            System::Magento if has(&["sku"]) && has(&["qty_ordered"]) => Export::MagentoItems,
            System::Magento if has(&["purchase_point", "grand_total_base"]) => {
                Export::MagentoOrders
            }
            System::Magento
                if has(&["email"]) && has(&["customer_since", "group_id", "created_in"]) =>
            {
                Export::MagentoCustomers
            }
            System::Magento
                if has(&["email", "subscriber_email"]) && has(&["status", "subscriber_status"]) =>
            {
                Export::MagentoSubscribers
            }
            System::Ga4 if has(&["event_name"]) && has(&["event_timestamp"]) => Export::Ga4Events,
            System::Personalize
                if has(&["user_id"]) && has(&["item_id"]) && has(&["timestamp"]) =>
            {
                Export::PersonalizeInteractions
            }
            System::Personalize if has(&["item_id"]) => Export::PersonalizeItems,
            System::Personalize if has(&["user_id"]) => Export::PersonalizeUsers,
            _ => {
                let detail = format!(
                    "the columns ({}) are those of no {} export that is read: {}",
                    columns.names().join(", "),
                    system.as_str(),
                    files_of(system)
                );
                return Err(AppError::invalid("unknown_export", "path", detail));
            }
        };
        Ok(found)
    }

    pub(in crate::import) fn kind(self) -> ImportKind {
        match self {
            Export::ShopifyProducts
            | Export::MagentoProducts
            | Export::PersonalizeItems
            | Export::AlgoliaRecords => ImportKind::Products,
            Export::AlgoliaSynonyms => ImportKind::Synonyms,
            Export::AlgoliaRules => ImportKind::Rules,
            Export::ShopifyCustomers | Export::MagentoCustomers | Export::PersonalizeUsers => {
                ImportKind::Customers
            }
            Export::MagentoSubscribers => ImportKind::Consents,
            Export::ShopifyOrders | Export::MagentoItems | Export::MagentoOrders => {
                ImportKind::Orders
            }
            Export::ShopifyInventory => ImportKind::Stock,
            Export::Ga4Events | Export::PersonalizeInteractions => ImportKind::Events,
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Export::ShopifyProducts => "Shopify products",
            Export::ShopifyCustomers => "Shopify customers",
            Export::ShopifyOrders => "Shopify orders",
            Export::ShopifyInventory => "Shopify inventory",
            Export::MagentoProducts => "Magento products",
            Export::MagentoCustomers => "Magento customers",
            Export::MagentoSubscribers => "Magento newsletter subscribers",
            Export::MagentoItems => "Magento order items",
            Export::MagentoOrders => "Magento orders (the grid, without products)",
            Export::Ga4Events => "Google Analytics 4 events",
            Export::PersonalizeItems => "Personalize items",
            Export::PersonalizeUsers => "Personalize users",
            Export::PersonalizeInteractions => "Personalize interactions",
            Export::AlgoliaRecords => "Algolia records",
            Export::AlgoliaSynonyms => "Algolia synonyms",
            Export::AlgoliaRules => "Algolia rules",
        }
    }
}

/// What a system's files are, and by which columns or fields they are known.
pub(super) fn files_of(system: System) -> &'static str {
    match system {
        System::Shopify => {
            "products (Handle, Title, …), orders (Name, Lineitem name, …), customers (Email, Accepts \
             Email Marketing, …), inventory (Handle, Location, On hand, …)"
        }
        System::Magento => {
            "products (sku, product_type, …), order items (sku, qty_ordered, increment_id, …), the grids \
             of orders (Purchase Point, …), customers (Email, Customer Since, …) and newsletter \
             subscribers (Email, Status)"
        }
        System::Ga4 => "events (event_name, event_timestamp, …)",
        System::Personalize => {
            "interactions (USER_ID, ITEM_ID, TIMESTAMP), items (ITEM_ID, …), users (USER_ID, …)"
        }
        System::Algolia => {
            "records (objectID, …), synonyms (objectID, type, synonyms or corrections or replacements) and \
             rules (objectID, consequence), each as a JSON list or as JSON lines"
        }
    }
}
