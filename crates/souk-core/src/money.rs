use std::fmt;

mod currencies;

/// Why a text or number is not an amount of money.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MoneyError {
    /// Not in ISO 4217.
    #[error("currency `{0}` is not in ISO 4217; write for example USD")]
    UnknownCurrency(String),
    /// Not a number, or infinite.
    #[error("amount {0} is not a finite number")]
    NotFinite(f64),
    /// Too large to be meant.
    #[error("amount {0} is out of range")]
    OutOfRange(f64),
    /// Two currencies in one sum.
    #[error("{0} and {1} cannot be added")]
    Mixed(Currency, Currency),
}

/// A currency of ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The United States dollar.
    pub const USD: Currency = Currency(*b"USD");

    /// Reads an upper-case ISO 4217 code.
    ///
    /// # Errors
    ///
    /// [`MoneyError::UnknownCurrency`] when there is none such.
    pub fn parse(code: &str) -> Result<Currency, MoneyError> {
        let bytes: Option<[u8; 3]> = code.as_bytes().try_into().ok();
        bytes
            .filter(|bytes| currencies::minor_digits(bytes).is_some())
            .map(Currency)
            .ok_or_else(|| MoneyError::UnknownCurrency(code.chars().take(16).collect()))
    }

    /// The code, three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("the table holds ASCII")
    }

    /// Its place in the table of currencies, below 255. It moves when the table grows: for state in memory and
    /// snapshots that are made anew then, never for what is stored for good.
    pub fn number(self) -> u8 {
        let place = currencies::place(&self.0).expect("the constructor looked it up");
        u8::try_from(place).expect("the table is shorter than 255")
    }

    /// Digits after the decimal point: 2 for USD, 0 for JPY, 3 for KWD.
    pub fn minor_digits(self) -> u32 {
        currencies::minor_digits(&self.0).expect("the constructor looked it up")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount of money: a count of the currency's minor unit (2999 with EUR is €29.99).
///
/// Never a float, and not `Ord`: amounts in two currencies have no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// Minor units either way; chosen: a hundred million million cents, far from overflow.
    pub const MINOR_MAX: i64 = 10_000_000_000_000_000;

    /// Takes minor units; kept within [`Money::MINOR_MAX`] either way.
    pub fn from_minor(minor: i64, currency: Currency) -> Money {
        Money { minor: minor.clamp(-Money::MINOR_MAX, Money::MINOR_MAX), currency }
    }

    /// Rounds an amount in major units (29.99) to minor ones, half away from zero.
    ///
    /// The shortest decimal text of the number decides, so that 1.005 is rounded as it was written
    /// and not as its nearest binary neighbour, which lies a little below.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when the amount is not finite or out of range.
    pub fn from_major(amount: f64, currency: Currency) -> Result<Money, MoneyError> {
        if !amount.is_finite() {
            return Err(MoneyError::NotFinite(amount));
        }
        let digits = currency.minor_digits();
        if amount.abs() * 10f64.powi(digits as i32) > Money::MINOR_MAX as f64 {
            return Err(MoneyError::OutOfRange(amount));
        }
        let minor = decimal_minor(&amount.abs().to_string(), digits as usize);
        Ok(Money { minor: if amount < 0.0 { -minor } else { minor }, currency })
    }

    /// Minor units.
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The amount in major units, for display, filters and statistics.
    pub fn as_major(self) -> f64 {
        self.minor as f64 / 10f64.powi(self.currency.minor_digits() as i32)
    }

    /// The sum.
    ///
    /// # Errors
    ///
    /// [`MoneyError::Mixed`] for two currencies, [`MoneyError::OutOfRange`] on overflow.
    pub fn checked_add(self, other: Money) -> Result<Money, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed(self.currency, other.currency));
        }
        let minor = self.minor.checked_add(other.minor);
        match minor.filter(|minor| minor.abs() <= Money::MINOR_MAX) {
            Some(minor) => Ok(Money { minor, ..self }),
            None => Err(MoneyError::OutOfRange(self.as_major() + other.as_major())),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.currency.minor_digits();
        let sign = if self.minor < 0 { "-" } else { "" };
        let scale = 10u64.pow(digits);
        let (whole, part) = (self.minor.unsigned_abs() / scale, self.minor.unsigned_abs() % scale);
        if digits == 0 {
            write!(f, "{sign}{whole} {}", self.currency)
        } else {
            write!(f, "{sign}{whole}.{part:0width$} {}", self.currency, width = digits as usize)
        }
    }
}

/// Reads `text`, a decimal number without sign and exponent, as a count of units of the `digits`-th
/// place after the point, rounding half up.
fn decimal_minor(text: &str, digits: usize) -> i64 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = part.as_bytes();
    let kept = (0..digits).map(|place| part.get(place).copied().unwrap_or(b'0'));
    let minor = whole
        .bytes()
        .chain(kept)
        .fold(0i64, |sum, digit| sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    let rounds_up = part.get(digits).is_some_and(|digit| *digit >= b'5');
    minor.saturating_add(i64::from(rounds_up)).min(Money::MINOR_MAX)
}

#[cfg(test)]
mod tests;
