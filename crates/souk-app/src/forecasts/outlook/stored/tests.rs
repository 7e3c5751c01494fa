#![allow(clippy::unwrap_used)]

use souk_core::{Day, Timestamp};

use super::*;

#[test]
fn what_a_lower_price_taught_is_read_again_at_the_end_of_a_file() {
    // More days than bytes follow.
    let lower = LowerPrice { beta: 0.5, lever: Lever::Promotion, deepest: 0.2, days: 136 };
    let outlook = Outlook {
        fingerprint: 7,
        first: Day::from_number(100),
        mean: vec![1.0, 2.0],
        spread: Spread { dispersion: 3.0, known_days: 50.0 },
        is_count: true,
        confidence: None,
        misses: None,
        peaks: (0.0, 0.0),
        lower_price: Some(lower),
        model: "mean".to_owned(),
        fitted_at: Timestamp::default(),
    };
    let mut w = Writer::new();
    outlook.write(&mut w);
    let bytes = w.into_bytes();
    assert_eq!(Outlook::read(&mut Reader::new(&bytes)).unwrap(), outlook);
}
