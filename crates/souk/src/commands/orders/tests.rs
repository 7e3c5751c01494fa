#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn a_changed_line_may_have_the_price_of_one() {
    let read = |text: &str| Wanted::read(text).map(|one| (one.product, one.units, one.price));
    assert_eq!(read("tea=12").unwrap(), ("tea".to_owned(), 12.0, None));
    assert_eq!(read("tea=12@1.95").unwrap(), ("tea".to_owned(), 12.0, Some(1.95)));
    // A name may have the signs itself.
    assert_eq!(read("a@b=c=2@3").unwrap(), ("a@b=c".to_owned(), 2.0, Some(3.0)));
    for wrong in ["tea=12@", "tea=12@dear", "tea=@2", "@2"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    let line = Wanted::read("tea=12@1.95").unwrap().change("EUR").unwrap();
    assert_eq!(line.unit_price.unwrap().amount, 195);
}

#[test]
fn a_line_is_a_product_and_its_units() {
    let read = |text: &str| read_line(text, false).map(|line| (line.product_id, line.quantity));
    assert_eq!(read("tea=12").unwrap(), ("tea".to_owned(), 12.0));
    assert_eq!(read("a=b=2.5").unwrap(), ("a=b".to_owned(), 2.5));
    for wrong in ["tea", "tea=", "tea=many", ""] {
        let error = read(wrong).unwrap_err().to_string();
        assert!(error.contains("--line"), "{wrong}: {error}");
    }
}
