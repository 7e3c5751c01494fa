#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::{Currency, Event, Fact, Money, OrderLine, ProductId, Quantity};

mod frozen;
mod samples;
mod strategies;

use samples::samples;
use strategies::{event, product};

#[test]
fn kinds_agree_with_facts() {
    let mut kinds = std::collections::BTreeMap::new();
    for (name, event) in samples() {
        let kind = record_kind(&event.fact);
        assert_eq!(is_personal_kind(kind), event.fact.is_personal(), "{name}");
        assert_eq!(encode_event(&event)[1], u8::try_from(kind).unwrap(), "{name}");
        kinds.insert(kind, name);
    }
    // One code for each kind of fact; a code is for good.
    let codes: Vec<u16> = kinds.into_keys().collect();
    assert_eq!(
        codes,
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 64, 65, 66, 67, 68, 69, 70, 71]
    );
    assert!(!is_personal_kind(0));
}

#[test]
fn a_view_is_small() {
    let view = samples().into_iter().find(|(name, _)| *name == "interaction_view").unwrap().1;
    // Version, kind, head, six bytes of time, a UUID, action, count, flags, product.
    assert_eq!(encode_event(&view).len(), 1 + 1 + 1 + 6 + 17 + 1 + 1 + 1 + 3);
}

#[test]
fn a_basket_s_line_costs_seven_bytes() {
    let line = |number: u32| OrderLine {
        product: ProductId::new((900_000 + number).to_string()).unwrap(),
        variant: None,
        quantity: Quantity::each(1),
        amount: Some(Money::from_minor(199, Currency::USD)),
        promotion: None,
    };
    let size = |n_lines: u32| {
        let (_, mut event) = samples().into_iter().find(|(name, _)| *name == "sale").unwrap();
        let Fact::Sale(sale) = &mut event.fact else { panic!("a sale") };
        sale.lines = (0..n_lines).map(line).collect();
        encode_event(&event).len()
    };
    assert!(size(20) - size(10) <= 70, "{}", size(20) - size(10));
}

#[test]
fn appends_to_what_is_there() {
    let (_, event) = samples().remove(0);
    let mut out = vec![7];
    encode_event_into(&event, &mut out);
    assert_eq!(out[0], 7);
    assert_eq!(out[1..], encode_event(&event));
}

#[test]
fn another_version_is_named() {
    let mut bytes = encode_event(&samples().remove(0).1);
    bytes[0] = 9;
    let error = decode_event(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "version 9 is not readable; this program reads up to 1");
    assert_eq!(decode_event(&[]).unwrap_err().to_string(), "byte 0: expected a byte");
}

#[test]
fn an_unknown_kind_or_flag_is_named_by_position() {
    let mut bytes = encode_event(&samples().remove(0).1);
    bytes[1] = 99;
    assert_eq!(
        decode_event(&bytes).unwrap_err(),
        WireError::Malformed { at: 1, expected: "a known kind of fact" }
    );
    bytes[1] = 1;
    bytes[2] |= 0x07;
    assert!(matches!(decode_event(&bytes).unwrap_err(), WireError::Malformed { at: 2, .. }));
    // Withheld purposes are a byte that says something: after version, kind, head and six of time.
    let page = samples().into_iter().find(|(name, _)| *name == "page_withheld").unwrap().1;
    for odd in [0, 0b10_0000] {
        let mut bytes = encode_event(&page);
        assert_eq!(bytes[9], page.withheld.bits());
        bytes[9] = odd;
        assert!(matches!(decode_event(&bytes).unwrap_err(), WireError::Malformed { at: 9, .. }));
    }
    // A page without name and path ends with its flags.
    let page = samples().into_iter().find(|(name, _)| *name == "page_unnamed").unwrap().1;
    let mut bytes = encode_event(&page);
    let at = bytes.len() - 1;
    bytes[at] = 4;
    assert_eq!(
        decode_event(&bytes).unwrap_err(),
        WireError::Malformed { at, expected: "flags of a page" }
    );
}

#[test]
fn every_cut_and_every_tail_is_refused() {
    for (name, event) in samples() {
        let bytes = encode_event(&event);
        for end in 0..bytes.len() {
            assert!(decode_event(&bytes[..end]).is_err(), "{name} cut at {end}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(
            decode_event(&longer).unwrap_err(),
            WireError::Malformed { at: bytes.len(), expected: "the end" },
            "{name}"
        );
    }
}

proptest! {
    #[test]
    fn events_come_back(event in event()) {
        prop_assert_eq!(decode_event(&encode_event(&event)).unwrap(), event);
    }

    #[test]
    fn products_come_back(product in product()) {
        prop_assert_eq!(decode_product(&encode_product(&product)).unwrap(), product.clone());
        if product.validate().is_ok() {
            let value = json::product_to_json(&product, json::Audience::Shop);
            let text = value.to_string();
            let read = serde_json::from_str(&text).unwrap();
            let again = json::product_from_json(&read, &product.site, Currency::USD);
            prop_assert_eq!(again.unwrap(), product);
        }
    }

    #[test]
    fn any_bytes_are_an_event_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_event(&bytes);
        let _ = decode_product(&bytes);
        for kind in 0..80 {
            let _ = decode_event(&[&[VERSION, kind, 0, 1], &bytes[..]].concat());
        }
    }

    /// A changed byte or two is read as another event or refused; what is read can be written and
    /// read again.
    #[test]
    fn damaged_events_are_read_or_refused(
        event in event(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..3),
    ) {
        let mut bytes = encode_event(&event);
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        match decode_event(&bytes) {
            // Debug texts, because a damaged attribute may be NaN, which equals nothing.
            Ok(read) => {
                let again: Event = decode_event(&encode_event(&read)).unwrap();
                prop_assert_eq!(format!("{again:?}"), format!("{read:?}"));
            }
            Err(WireError::Malformed { at, .. }) => prop_assert!(at <= bytes.len()),
            Err(WireError::Version { found }) => prop_assert_ne!(found, VERSION),
        }
    }
}
