//! How much to have when what is left is worth less and what is missing is lost: one period, demand in pieces.
//!
//! Source: Snyder and Shen, *Fundamentals of Supply Chain Theory*, 2nd ed., §4.3 (eq. 4.30).

use crate::{PolicyError, checked, positive};

/// The smallest stock whose chance to suffice is at least `under / (under + over)`, and its expected cost.
///
/// `over` is what a unit too much costs, `under` what a missing one costs; `chances` are those of demand 0, 1, 2, ….
///
/// # Errors
///
/// [`PolicyError::OutOfRange`] and [`PolicyError::Chances`].
pub fn newsvendor(over: f64, under: f64, chances: &[f64]) -> Result<(usize, f64), PolicyError> {
    positive("the cost of a unit too much", over)?;
    positive("the cost of a missing unit", under)?;
    checked(chances)?;
    let critical = under / (under + over);
    let mut sum = 0.0;
    let reach = |chance: &f64| {
        sum += chance;
        sum >= critical
    };
    let stock = chances.iter().position(reach).unwrap_or(chances.len().saturating_sub(1));
    Ok((stock, cost(over, under, (stock, chances))))
}

fn cost(over: f64, under: f64, (stock, chances): (usize, &[f64])) -> f64 {
    let of = |(demand, chance): (usize, &f64)| {
        let left = stock as f64 - demand as f64;
        chance * if left > 0.0 { over * left } else { -under * left }
    };
    chances.iter().enumerate().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poisson;

    /// stockpyl 1.0.2: `newsvendor_poisson(1, 4, 6)` and `newsvendor_poisson(200, 270, 18)`.
    #[test]
    fn matches_the_reference() {
        let (stock, cost) = newsvendor(1.0, 4.0, &poisson(6.0).unwrap()).unwrap();
        assert!(stock == 8 && (cost - 3.570_106_9).abs() < 1e-6, "{stock} {cost}");
        let (stock, cost) = newsvendor(200.0, 270.0, &poisson(18.0).unwrap()).unwrap();
        assert!(stock == 19 && (cost - 786.088_440_9).abs() < 1e-5, "{stock} {cost}");
        assert!(newsvendor(0.0, 1.0, &[1.0]).is_err() && newsvendor(1.0, 1.0, &[]).is_err());
    }

    /// No other stock is cheaper.
    #[test]
    fn is_the_minimum() {
        let chances = poisson(9.5).unwrap();
        for under in [0.5, 3.0, 40.0] {
            let (_, least) = newsvendor(1.0, under, &chances).unwrap();
            for other in 0..chances.len() {
                assert!(cost(1.0, under, (other, &chances)) >= least - 1e-12);
            }
        }
    }
}
