//! Stock policies: demand distributions and costs in; what to order, when, and at what cost out.
//!
//! Every policy is one file, with its source and known answers. Nothing here knows products, forecasts or
//! suppliers: amounts are units, costs are money for each unit and period, and the caller keeps them in one
//! unit of time.

pub mod budget;
pub mod demand;
pub mod economic_order;
pub mod expiry;
pub mod guaranteed_service;
pub mod joint;
pub mod lost_sales;
pub mod lot_sizing;
pub mod measures;
pub mod newsvendor;
pub mod perishable;
pub mod protection;
pub mod reorder_in_lots;
pub mod reorder_to_level;
pub mod rounding;
pub mod simulate;
pub mod supplier;

/// Why a policy cannot be worked out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PolicyError {
    /// A number that has to be above 0 (or at least 0) is not.
    #[error("{name} is {value}; give a number {bound}")]
    OutOfRange {
        /// What it is.
        name: &'static str,
        /// What it was.
        value: f64,
        /// What it may be.
        bound: &'static str,
    },
    /// The list of price breaks is empty, does not begin at 0 or does not ascend.
    #[error("price breaks must begin at quantity 0 and ascend")]
    Breaks,
    /// The best policy spans more positions than can be looked through.
    #[error(
        "the best policy spans more than {positions} positions; plan in larger units, or check the cost of an order"
    )]
    Wide {
        /// How many can be.
        positions: usize,
    },
    /// The outlook ends before stock has to have lasted.
    #[error("demand is known for {have} days, {need} are needed: forecast {need} days")]
    ShortHorizon {
        /// Days that are known.
        have: usize,
        /// Days of the longest lead time and a review period.
        need: usize,
    },
    /// No combination of suppliers can deliver what is needed.
    #[error(
        "{need} units are needed; the suppliers' limits, cases and smallest orders allow at most {most}, or no sum that fits"
    )]
    NoSupply {
        /// Units needed.
        need: f64,
        /// Units that the limits allow at most.
        most: f64,
    },
    /// Stages are joined in circles, or not all of them.
    #[error(
        "{links} links do not join {stages} stages into one tree; give a link fewer than stages, without circles"
    )]
    Chain {
        /// How many stages there are.
        stages: usize,
        /// How many links.
        links: usize,
    },
    /// Chances do not add up to 1.
    #[error("chances add up to {sum}; they must add up to 1 and none may be negative")]
    Chances {
        /// What they add up to.
        sum: f64,
    },
}

/// A number above 0.
fn positive(name: &'static str, value: f64) -> Result<f64, PolicyError> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(PolicyError::OutOfRange { name, value, bound: "above 0" })
    }
}

/// A number of at least 0.
fn at_least_zero(name: &'static str, value: f64) -> Result<f64, PolicyError> {
    if value.is_finite() && value >= 0.0 {
        Ok(value)
    } else {
        Err(PolicyError::OutOfRange { name, value, bound: "of 0 or more" })
    }
}

/// A share above 0 and below 1.
fn share(name: &'static str, value: f64) -> Result<f64, PolicyError> {
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err(PolicyError::OutOfRange { name, value, bound: "above 0 and below 1" })
    }
}

/// Chances of 0, 1, 2, … that a policy may rest on.
fn checked(chances: &[f64]) -> Result<(), PolicyError> {
    let sum: f64 = chances.iter().sum();
    let is_sound = chances.iter().all(|chance| *chance >= 0.0) && (sum - 1.0).abs() < 1e-6;
    if is_sound { Ok(()) } else { Err(PolicyError::Chances { sum }) }
}

/// Chances of 0, 1, 2, … of a Poisson distribution, until less than 1e-15 is left; they add up to 1.
///
/// # Errors
///
/// [`PolicyError::OutOfRange`] unless the mean is above 0 and at most 700 (beyond, a normal distribution serves).
pub fn poisson(mean: f64) -> Result<Vec<f64>, PolicyError> {
    positive("the mean", mean)?;
    if mean > 700.0 {
        return Err(PolicyError::OutOfRange { name: "the mean", value: mean, bound: "up to 700" });
    }
    let mut chances = vec![(-mean).exp()];
    let mut k = 0.0;
    loop {
        k += 1.0;
        let chance = chances[chances.len() - 1] * mean / k;
        if k > mean && chance < 1e-17 {
            break;
        }
        chances.push(chance);
    }
    let sum: f64 = chances.iter().sum();
    for chance in &mut chances {
        *chance /= sum;
    }
    Ok(chances)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poisson_has_its_moments() {
        for mean in [0.3, 6.0, 75.0, 600.0] {
            let chances = poisson(mean).unwrap();
            let found: f64 = chances.iter().enumerate().map(|(k, chance)| k as f64 * chance).sum();
            assert!((found / mean - 1.0).abs() < 1e-12);
        }
        assert!(poisson(0.0).is_err() && poisson(f64::NAN).is_err() && poisson(701.0).is_err());
        assert_eq!(
            checked(&[0.5, 0.6]).unwrap_err().to_string(),
            "chances add up to 1.1; they must add up to 1 and none may be negative"
        );
    }
}
