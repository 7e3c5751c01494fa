use super::*;

fn learning() -> Learning {
    Learning::of(&LearningSettings::default())
}

#[test]
fn a_bulk_order_is_one_of_too_many_units_of_one_product_or_of_too_many_products() {
    let limits = learning();
    assert!(!limits.is_bulk([100_000, 1_000].into_iter()));
    assert!(limits.is_bulk([1_000, 100_001].into_iter()));
    assert!(!limits.is_bulk(std::iter::repeat_n(1_000, 200)));
    assert!(limits.is_bulk(std::iter::repeat_n(1_000, 201)));
    let open =
        LearningSettings { order_units_max: None, order_products_max: None, ..Default::default() };
    assert!(!Learning::of(&open).is_bulk(std::iter::repeat_n(i64::MAX, 2_000)));
}

#[test]
fn the_staff_trait_is_read_in_the_forms_that_systems_write() {
    let limits = learning();
    let check =
        |traits: &str, expected| assert_eq!(limits.staff_word(traits), expected, "{traits}");
    check(r#"{"staff": true}"#, Some(true));
    check(r#"{"staff":"Yes","city":"Bonn"}"#, Some(true));
    check(r#"{"staff": 1}"#, Some(true));
    check(r#"{"staff": false}"#, Some(false));
    check(r#"{"staff": "no"}"#, Some(false));
    check(r#"{"name": "Wagstaff"}"#, None);
    check(r#"{"about": {"staff": true}}"#, None);
    check("no JSON \"staff\"", None);
    let none = LearningSettings { staff_trait: String::new(), ..Default::default() };
    assert_eq!(Learning::of(&none).staff_word(r#"{"staff": true}"#), None);
}
