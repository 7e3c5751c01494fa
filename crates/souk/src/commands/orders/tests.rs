#![allow(clippy::unwrap_used)]

use super::*;

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
