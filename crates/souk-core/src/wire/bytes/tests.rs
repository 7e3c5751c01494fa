#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn numbers_and_uuids_are_short_and_come_back() {
    let cases = [
        ("0", 1),
        ("63", 1),
        ("64", 2),
        ("905334", 3),
        ("9223372036854775807", 10),
        ("00000000-0000-0000-0000-000000000000", 17),
        ("1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed", 17),
        ("", 1),
        ("007", 4),
        ("9223372036854775808", 20),
        ("18446744073709551616", 21),
        ("1B9D6BCD-bbfd-4b2d-9b5d-ab8dfbbd4bed", 38),
        ("1b9d6bcd-bbfd-4b2d-9b5dxab8dfbbd4bed", 38),
        ("日本-42", 10),
        ("-5", 3),
        ("+5", 3),
        ("٣", 3),
    ];
    for (text, n_bytes) in cases {
        let mut w = Writer::new();
        w.id(text);
        let bytes = w.into_bytes();
        assert_eq!(bytes.len(), n_bytes, "{text}");
        let mut r = Reader::new(&bytes);
        assert_eq!(&*r.id().unwrap(), text);
        r.end().unwrap();
    }
}

#[test]
fn integers_come_back_at_their_limits() {
    for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
        let mut w = Writer::new();
        w.varint(value);
        w.zigzag(value as i64);
        let bytes = w.into_bytes();
        let mut r = Reader::new(&bytes);
        assert_eq!(r.varint().unwrap(), value);
        assert_eq!(r.zigzag().unwrap(), value as i64);
        r.end().unwrap();
    }
}

#[test]
fn an_integer_over_64_bits_is_refused() {
    let mut bytes = [0xff; 10];
    bytes[9] = 2;
    let error = Reader::new(&bytes).varint().unwrap_err();
    assert_eq!(error.to_string(), "byte 0: expected an integer of at most 64 bits");
    bytes[9] = 1;
    assert_eq!(Reader::new(&bytes).varint().unwrap(), u64::MAX);
    assert!(Reader::new(&[0x80; 12]).varint().is_err());
}

#[test]
fn a_count_beyond_the_bytes_is_refused_before_memory_is_taken() {
    let mut w = Writer::new();
    w.varint(u64::MAX - 3);
    let bytes = w.into_bytes();
    let expected = WireError::Malformed { at: 0, expected: "a count within the bytes that follow" };
    assert_eq!(Reader::new(&bytes).list(|r| r.u8()), Err(expected.clone()));
    assert_eq!(Reader::new(&bytes).bytes(), Err(expected));
    assert!(Reader::new(&bytes).id().is_err());
}

#[test]
fn amounts_out_of_range_are_refused() {
    let mut w = Writer::new();
    w.zigzag(Money::MINOR_MAX);
    w.zigzag(-Money::MINOR_MAX - 1);
    let bytes = w.into_bytes();
    let mut r = Reader::new(&bytes);
    assert_eq!(r.minor(Currency::USD).unwrap().minor(), Money::MINOR_MAX);
    let error = r.minor(Currency::USD).unwrap_err();
    assert_eq!(error.to_string(), "byte 8: expected an amount in range");
}

#[test]
fn quantities_come_back() {
    for unit in Unit::ALL {
        for milli in [0, 1, -1, 350, 1_000, -3_000, 89_638_000, Quantity::MILLI_MAX] {
            let quantity = Quantity::from_milli(milli, unit).unwrap();
            let mut w = Writer::new();
            w.quantity(quantity);
            let bytes = w.into_bytes();
            assert_eq!(Reader::new(&bytes).quantity().unwrap(), quantity);
        }
    }
    let mut w = Writer::new();
    w.varint(zigzag(Quantity::MILLI_MAX) << 4 | 8);
    assert!(Reader::new(&w.into_bytes()).quantity().is_err());
}

#[test]
fn text_that_is_not_utf8_is_named_by_its_byte() {
    let mut w = Writer::new();
    w.bytes(b"ab\xff");
    let error = Reader::new(&w.into_bytes()).text().unwrap_err();
    assert_eq!(error.to_string(), "byte 3: expected UTF-8");
}

#[test]
fn wire_codes_are_places_in_the_lists() {
    fn check<T: Copy + PartialEq + std::fmt::Debug>(all: &[T], code: impl Fn(T) -> usize) {
        for (place, item) in all.iter().enumerate() {
            assert_eq!(code(*item), place, "{item:?}");
        }
    }
    check(&crate::Action::ALL, |item| item as usize);
    check(&crate::Availability::ALL, |item| item as usize);
    check(&crate::Channel::ALL, |item| item as usize);
    check(&crate::LinkBasis::ALL, |item| item as usize);
    check(&crate::OrderChange::ALL, |item| item as usize);
    check(&crate::PromotionPhase::ALL, |item| item as usize);
    check(&crate::Source::ALL, |item| item as usize);
    check(&crate::StockMovement::ALL, |item| item as usize);
    check(&Unit::ALL, |item| item as usize);
}
