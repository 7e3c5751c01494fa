#![allow(clippy::unwrap_used)]
use super::*;

fn minor(amount: f64, code: &str) -> i64 {
    Money::from_major(amount, Currency::parse(code).unwrap()).unwrap().minor()
}

#[test]
fn reads_decimals_as_they_are_written() {
    let cases = [
        (19.99, "USD", 1_999),
        (1.005, "USD", 101),
        (1.004_999, "USD", 100),
        (2.675, "EUR", 268),
        (0.1 + 0.2, "USD", 30),
        (-1.005, "USD", -101),
        (-0.0, "USD", 0),
        (0.005, "USD", 1),
        (1e-9, "USD", 0),
        (1_234.5, "JPY", 1_235),
        (1_234.0, "JPY", 1_234),
        (1.234_5, "KWD", 1_235),
        (1.234, "KWD", 1_234),
        (0.000_05, "CLF", 1),
        (99_999_999_999.99, "USD", 9_999_999_999_999),
        (1e14, "USD", 10_000_000_000_000_000),
    ];
    for (amount, code, expected) in cases {
        assert_eq!(minor(amount, code), expected, "{amount} {code}");
    }
}

#[test]
fn refuses_what_is_no_amount() {
    let usd = Currency::USD;
    assert!(matches!(Money::from_major(f64::NAN, usd), Err(MoneyError::NotFinite(_))));
    assert!(matches!(Money::from_major(f64::NEG_INFINITY, usd), Err(MoneyError::NotFinite(_))));
    assert!(matches!(Money::from_major(1e15, usd), Err(MoneyError::OutOfRange(_))));
    assert!(matches!(Money::from_major(f64::MAX, usd), Err(MoneyError::OutOfRange(_))));
}

#[test]
fn every_cent_survives_the_way_through_major_units() {
    for minor in (-200_000..200_000).chain([Money::MINOR_MAX / 2, -Money::MINOR_MAX / 2]) {
        let money = Money::from_minor(minor, Currency::USD);
        assert_eq!(Money::from_major(money.as_major(), Currency::USD).unwrap(), money);
    }
}

#[test]
fn shows_the_currency_s_own_digits() {
    let show = |minor, code| Money::from_minor(minor, Currency::parse(code).unwrap()).to_string();
    assert_eq!(show(2_999, "EUR"), "29.99 EUR");
    assert_eq!(show(-5, "USD"), "-0.05 USD");
    assert_eq!(show(1_200, "JPY"), "1200 JPY");
    assert_eq!(show(1_005, "KWD"), "1.005 KWD");
    assert_eq!(show(9_999_999_999_999_999, "USD"), "99999999999999.99 USD");
}

#[test]
fn knows_currencies_and_names_the_unknown_one() {
    assert_eq!(Currency::parse("KWD").unwrap().minor_digits(), 3);
    assert_eq!(Currency::parse("JPY").unwrap().minor_digits(), 0);
    for code in ["usd", "US", "USDX", "", "ZZZ", "€€"] {
        let error = Currency::parse(code).unwrap_err();
        assert!(error.to_string().contains(&format!("`{code}`")), "{error}");
    }
}

#[test]
fn adds_only_within_one_currency() {
    let usd = |minor| Money::from_minor(minor, Currency::USD);
    assert_eq!(usd(1).checked_add(usd(2)).unwrap(), usd(3));
    let eur = Money::from_minor(1, Currency::parse("EUR").unwrap());
    assert!(matches!(usd(1).checked_add(eur), Err(MoneyError::Mixed(..))));
    assert!(matches!(usd(Money::MINOR_MAX).checked_add(usd(1)), Err(MoneyError::OutOfRange(_))));
}

#[test]
fn clamps_what_is_beyond_reason() {
    assert_eq!(Money::from_minor(i64::MIN, Currency::USD).minor(), -Money::MINOR_MAX);
}
