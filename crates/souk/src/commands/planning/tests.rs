use super::*;

#[test]
fn what_a_person_looks_at_is_one_line() {
    let one = json!({"product_id": "tea", "product_ids": ["tea"], "products": 1,
        "title": "Green tea with a very long name", "at_stake": {"amount": 1_250, "currency": "USD"}});
    assert_eq!(named(&one), "tea (Green tea with a very l…; 12.50 USD a week)");
    let free =
        json!({"product_ids": ["tea"], "products": 1, "title": "Green tea", "at_stake": null});
    assert_eq!(named(&free), "tea (Green tea)");
    let ids: Vec<String> = (0..7).map(|idx| format!("p{idx}")).collect();
    let many = json!({"product_ids": ids, "products": 48, "title": "First",
        "at_stake": {"amount": 123_400, "currency": "USD"}});
    assert_eq!(
        named(&many),
        "48 products (1234.00 USD a week; p0, p1, p2, p3, p4, … `--output json` names them)"
    );
    let two = json!({"product_ids": ["a", "b"], "products": 2, "title": "First", "at_stake": null});
    assert_eq!(named(&two), "2 products (a, b)");
}

#[test]
fn units_have_the_digits_that_they_have() {
    assert_eq!(units(&json!(12.0)), "12");
    assert_eq!(units(&json!(15.236_185_728)), "15.236");
    assert_eq!(units(&json!(null)), "-");
}
