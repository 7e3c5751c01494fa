use serde_json::json;

use super::*;

#[test]
fn a_list_is_a_table_of_plain_cells() {
    let result = json!({"today": "2026-01-15", "lines": [
        {"product_id": "tea", "title": "Tea, \"green\"", "cost": {"amount": 669, "currency": "USD"},
            "position": {"on_hand": 4.0, "total": 5.5}, "warnings": ["count it", "a, b"],
            "suppliers": [{"supplier_id": "leaf", "chosen": true}]},
        {"product_id": "milk", "title": null, "cost": null, "position": {"on_hand": 0.0, "total": 0.0},
            "warnings": [], "suppliers": []},
    ]});
    assert_eq!(
        csv(&result),
        "product_id,title,cost_amount,cost_currency,position_on_hand,position_total,warnings,suppliers\n\
         tea,\"Tea, \"\"green\"\"\",669,USD,4.0,5.5,\"count it|a, b\",\
         \"[{\"\"supplier_id\"\":\"\"leaf\"\",\"\"chosen\"\":true}]\"\n\
         milk,,,,0.0,0.0,,\n"
    );
    // Without a list its own fields, and a name that only looks like an inner one stays.
    let plain = json!({"state": "running", "cost": 5, "cost_amount": 3});
    assert_eq!(csv(&plain), "state,cost,cost_amount\nrunning,5,3\n");
    assert_eq!(csv(&json!({"lines": []})), "\n");
}
