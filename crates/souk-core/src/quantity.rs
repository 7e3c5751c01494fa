use std::fmt;

/// What a quantity counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Unit {
    /// Pieces.
    #[default]
    Each,
    /// Kilograms.
    Kilogram,
    /// Litres.
    Litre,
    /// Metres.
    Metre,
}

impl Unit {
    /// Every unit, in the order of their wire codes.
    pub const ALL: [Unit; 4] = [Unit::Each, Unit::Kilogram, Unit::Litre, Unit::Metre];

    /// The name in requests and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::Each => "each",
            Unit::Kilogram => "kg",
            Unit::Litre => "l",
            Unit::Metre => "m",
        }
    }

    /// Reads the name in requests and files.
    pub fn parse(text: &str) -> Option<Unit> {
        Unit::ALL.into_iter().find(|unit| unit.as_str() == text)
    }
}

/// Why a number is not a quantity.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QuantityError {
    /// Not a number, or infinite.
    #[error("quantity {0} is not a finite number")]
    NotFinite(f64),
    /// Too large to be meant.
    #[error("quantity {0} is out of range; the limit is 1000000000 either way")]
    OutOfRange(f64),
}

/// How much of a product: thousandths of a [`Unit`], so that 0.350 kg adds up exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Quantity {
    milli: i64,
    unit: Unit,
}

impl Quantity {
    /// A thousand million units either way; chosen: beyond any shop's stock, far from overflow.
    pub const MILLI_MAX: i64 = 1_000_000_000_000;

    /// `count` whole pieces.
    pub fn each(count: i32) -> Quantity {
        Quantity { milli: i64::from(count) * 1_000, unit: Unit::Each }
    }

    /// Thousandths of `unit`; `None` beyond [`Quantity::MILLI_MAX`].
    pub fn from_milli(milli: i64, unit: Unit) -> Option<Quantity> {
        (milli.unsigned_abs() <= Quantity::MILLI_MAX.unsigned_abs())
            .then_some(Quantity { milli, unit })
    }

    /// Rounds `amount` to thousandths of `unit`, half away from zero.
    ///
    /// # Errors
    ///
    /// [`QuantityError`] when the amount is not finite or out of range.
    pub fn from_f64(amount: f64, unit: Unit) -> Result<Quantity, QuantityError> {
        if !amount.is_finite() {
            return Err(QuantityError::NotFinite(amount));
        }
        let milli = (amount * 1_000.0).round();
        if milli.abs() > Quantity::MILLI_MAX as f64 {
            return Err(QuantityError::OutOfRange(amount));
        }
        Ok(Quantity { milli: milli as i64, unit })
    }

    /// Thousandths of the unit.
    pub fn milli(self) -> i64 {
        self.milli
    }

    /// What is counted.
    pub fn unit(self) -> Unit {
        self.unit
    }

    /// The amount in units, for display and statistics.
    pub fn as_f64(self) -> f64 {
        self.milli as f64 / 1_000.0
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.as_f64(), self.unit.as_str())
    }
}

#[cfg(test)]
mod tests;
