//! `inventory` of the settings: how much to order, and what a rule may approve.

use serde::{Deserialize, Serialize};

use super::text;

/// How much to order, and what a rule may approve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InventorySettings {
    /// Days that kept forecasts reach; none is 56.
    #[serde(deserialize_with = "text::within_optional::<1, 730, _>")]
    pub forecasting_horizon: Option<u64>,
    /// The least confidence of a line that a rule may approve; none is 0.8.
    #[serde(deserialize_with = "text::share_optional")]
    pub confidence_threshold: Option<f64>,
    /// Whether purchase orders are approved by rule; none is off.
    pub auto_reorder: Option<bool>,
    /// Whether what a rule would approve is only shown.
    pub shadow: bool,
    /// The chance that stock suffices until the next order can be there.
    #[serde(deserialize_with = "text::share")]
    pub service_level: f64,
    /// The share of what is wanted at a place that its stock is to serve; the chance to suffice is then told from it, one
    /// for all products. None is `service_level` as it stands.
    #[serde(deserialize_with = "text::share_optional")]
    pub fill_rate: Option<f64>,
    /// The share of its own demand that each product is to serve at least, where `fill_rate` asks for as much or more of all.
    #[serde(deserialize_with = "text::share")]
    pub product_fill_rate_min: f64,
    /// The greatest chance that the last unit of an order of perishables goes off unsold; none is told from the product's
    /// margin.
    #[serde(deserialize_with = "text::share_optional")]
    pub waste_chance_max: Option<f64>,
    /// Days between two looks at what to order, where a supplier names no weekdays.
    #[serde(deserialize_with = "text::within::<1, 90, _>")]
    pub review_days: u64,
    /// Days until an order is there, where no supplier is known.
    #[serde(deserialize_with = "text::within::<0, 365, _>")]
    pub lead_time_days: u64,
    /// Minor units that a rule may approve in one order; none is nothing.
    #[serde(deserialize_with = "text::within_optional::<0, 1_000_000_000_000, _>")]
    pub approval_amount_max: Option<u64>,
    /// Orders that a rule may approve at one supplier in a day.
    #[serde(deserialize_with = "text::within::<0, 1_000, _>")]
    pub orders_per_supplier_day_max: u64,
    /// Minor units that a rule may approve at one supplier in a day; none is without limit.
    #[serde(deserialize_with = "text::within_optional::<0, 1_000_000_000_000, _>")]
    pub amount_per_supplier_day_max: Option<u64>,
    /// Days that goods are on their way from one place to another.
    #[serde(deserialize_with = "text::within::<0, 60, _>")]
    pub transfer_days: u64,
    /// Minor units that a trip from one place to another costs; none is not known.
    #[serde(deserialize_with = "text::within_optional::<0, 1_000_000_000_000, _>")]
    pub transfer_cost: Option<u64>,
    /// Days after which the sales of a place count as late.
    #[serde(deserialize_with = "text::within::<1, 60, _>")]
    pub sales_age_days_max: u64,
    /// Days without a fact about a place's stock after which that counts as late.
    #[serde(deserialize_with = "text::within::<1, 400, _>")]
    pub stock_age_days_max: u64,
}

impl Default for InventorySettings {
    fn default() -> InventorySettings {
        InventorySettings {
            forecasting_horizon: None,
            confidence_threshold: None,
            auto_reorder: None,
            shadow: false,
            service_level: 0.95,
            fill_rate: None,
            product_fill_rate_min: 0.5,
            waste_chance_max: None,
            review_days: 7,
            lead_time_days: 7,
            approval_amount_max: None,
            orders_per_supplier_day_max: 1,
            amount_per_supplier_day_max: None,
            transfer_days: 1,
            transfer_cost: None,
            sales_age_days_max: 1,
            stock_age_days_max: 7,
        }
    }
}

impl InventorySettings {
    /// # Errors
    ///
    /// The setting and what is wrong with it.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if !(0.5..=0.9999).contains(&self.service_level) {
            let detail =
                format!("{} must lie between 0.5 and 0.9999, for example 0.95", self.service_level);
            return Err(("inventory.service_level", detail));
        }
        if let Some(share) = self.fill_rate.filter(|one| !(0.5..=0.9999).contains(one)) {
            let detail = format!("{share} must lie between 0.5 and 0.9999, for example 0.97");
            return Err(("inventory.fill_rate", detail));
        }
        if let Some(chance) = self.waste_chance_max.filter(|one| !(0.05..=0.999).contains(one)) {
            let detail = format!("{chance} must lie between 0.05 and 0.999, for example 0.5");
            return Err(("inventory.waste_chance_max", detail));
        }
        Ok(())
    }
}
