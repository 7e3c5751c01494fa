#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

#[test]
fn takes_any_utf8() {
    for text in ["1", "日本", "👩‍👩‍👧", "a b\n\"c\"", "\u{0}", "Ω≈ç√", "\u{202e}rtl", " "]
    {
        assert_eq!(ProductId::new(text).unwrap().as_str(), text);
    }
}

#[test]
fn names_what_is_wrong() {
    let error = ProductId::new("").unwrap_err();
    assert_eq!(error.to_string(), "product id is empty; give 1 to 255 bytes of text");
    assert!(SiteId::new("ä".repeat(127) + "x").is_ok());
    let error = SiteId::new("ä".repeat(128)).unwrap_err();
    assert_eq!(error.to_string(), "site id has 256 bytes; the limit is 255");
}

#[test]
fn opaque_ids_show_as_hexadecimal() {
    let id = EventId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
    assert_eq!(id.to_string(), "000102030405060708090a0b0c0d0eff");
    assert_eq!(format!("{id:?}"), "EventId(000102030405060708090a0b0c0d0eff)");
}

proptest! {
    #[test]
    fn an_id_is_its_text(text in ".{1,60}") {
        match OrderId::new(text.as_str()) {
            Ok(id) => prop_assert_eq!(id.as_str(), text),
            Err(error) => {
                prop_assert_eq!(error, IdError::TooLong { what: "order id", bytes: text.len() });
            }
        }
    }
}
