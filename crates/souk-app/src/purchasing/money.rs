use serde::{Deserialize, Serialize};
use souk_core::{Currency, Money};

use super::invalid;
use crate::AppError;

/// Money as the contract writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoneyText {
    /// Minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
}

impl MoneyText {
    pub(crate) fn of(money: Money) -> MoneyText {
        MoneyText { amount: money.minor(), currency: money.currency().to_string() }
    }

    /// Reads an amount that is at least 0.
    pub(crate) fn checked(&self, pointer: &str) -> Result<Money, AppError> {
        let currency = Currency::parse(&self.currency);
        let currency =
            currency.map_err(|error| invalid(&format!("{pointer}/currency"), error.to_string()))?;
        if !(0..=Money::MINOR_MAX).contains(&self.amount) {
            let detail = format!("amount {} must be at least 0, in minor units", self.amount);
            return Err(invalid(&format!("{pointer}/amount"), detail));
        }
        Ok(Money::from_minor(self.amount, currency))
    }
}
