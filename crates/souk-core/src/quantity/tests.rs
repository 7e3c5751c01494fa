#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn keeps_thousandths() {
    let cases = [
        (0.35, 350),
        (-1.2345, -1_235),
        (0.0004, 0),
        (89_638.0, 89_638_000),
        (1e9, 1_000_000_000_000),
    ];
    for (amount, milli) in cases {
        assert_eq!(Quantity::from_f64(amount, Unit::Kilogram).unwrap().milli(), milli, "{amount}");
    }
    assert_eq!(Quantity::from_f64(0.35, Unit::Kilogram).unwrap().to_string(), "0.35 kg");
    assert_eq!(Quantity::each(3).to_string(), "3 each");
    assert_eq!(Quantity::each(i32::MIN).as_f64(), f64::from(i32::MIN));
}

#[test]
fn refuses_what_cannot_be_meant() {
    let read = |amount| Quantity::from_f64(amount, Unit::Each);
    assert!(matches!(read(f64::NAN), Err(QuantityError::NotFinite(_))));
    assert!(matches!(read(f64::INFINITY), Err(QuantityError::NotFinite(_))));
    assert_eq!(read(1e9 + 1.0), Err(QuantityError::OutOfRange(1e9 + 1.0)));
    for milli in [i64::MIN, -Quantity::MILLI_MAX - 1, Quantity::MILLI_MAX + 1, i64::MAX] {
        assert_eq!(Quantity::from_milli(milli, Unit::Each), None);
    }
}

#[test]
fn units_have_names() {
    for unit in Unit::ALL {
        assert_eq!(Unit::parse(unit.as_str()), Some(unit));
    }
    assert_eq!(Unit::parse("KG"), None);
}
