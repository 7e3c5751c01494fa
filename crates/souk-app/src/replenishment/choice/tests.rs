#![allow(clippy::unwrap_used)]

use serde_json::json;
use souk_core::Day;

use super::*;
use crate::purchasing::tests::supplier;

#[test]
fn a_second_order_that_comes_with_the_first_is_no_later_chance() {
    // Asked on Mondays and Thursdays, there on Wednesdays and Saturdays two days later; 15 January 2026 is a Thursday.
    let days = |holidays: &[&str]| {
        let terms = json!({"lead_time_days": 2, "order_weekdays": ["mon", "thu"],
            "delivery_weekdays": ["wed", "sat"], "holidays": holidays});
        let stored =
            StoredSupplier { supplier: supplier("leaf", terms), record: Default::default() };
        let times = times(&stored, Day::parse("2026-01-15").unwrap(), 7.0);
        (times.lead_days, times.protection_days)
    };
    assert_eq!(days(&[]), (2.0, 6.0));
    // On the Saturday nobody delivers: today's comes on Wednesday with Monday's, and the next one on the Saturday after.
    assert_eq!(days(&["2026-01-17"]), (6.0, 9.0));
}
