use super::*;

/// Shares 60, 25, 10 and 5 %: the second begins at 60 % and is A, the third at 85 % and is B, the last at 95 % and is C.
#[test]
fn worth_by_hand() {
    let found = by_worth(&[10.0, 60.0, 5.0, 25.0, 0.0]).unwrap();
    assert_eq!(found, [Worth::B, Worth::A, Worth::C, Worth::A, Worth::C]);
    assert_eq!(by_worth(&[0.0, 0.0]).unwrap(), [Worth::C; 2]);
    assert_eq!(by_worth(&[7.0]).unwrap(), [Worth::A]);
    assert!(by_worth(&[f64::NAN]).is_err() && by_worth(&[-1.0]).is_err());
}

/// Variations 0.5 (5 and 15), 1 (0 and 10) and √3 (0, 0, 0, 8).
#[test]
fn steadiness_by_hand() {
    assert_eq!(by_steadiness(&[5.0, 15.0]).unwrap(), Steadiness::X);
    assert_eq!(by_steadiness(&[0.0, 10.0]).unwrap(), Steadiness::Y);
    assert_eq!(by_steadiness(&[0.0, 0.0, 0.0, 8.0]).unwrap(), Steadiness::Z);
    assert_eq!(by_steadiness(&[]).unwrap(), Steadiness::Z);
    assert!(by_steadiness(&[f64::INFINITY]).is_err());
}

/// 73 days with sales of 1000 from a stock of 400: 5000 a year are 12.5 turns, and 400 last 29.2 days. 20 thrown away beside
/// 1000 sold; 30 of 600 units missing, each with a margin of 1.5.
#[test]
fn figures_by_hand() {
    let period = Period {
        days: 73.0,
        sold: 1_000.0,
        stock: 400.0,
        wasted: 20.0,
        demand: 600.0,
        unmet: 30.0,
        margin: 1.5,
    };
    let found = period.figures().unwrap();
    assert_eq!((found.turns, found.fill_rate), (Some(12.5), Some(0.95)));
    assert!((found.days_of_supply.unwrap() - 29.2).abs() < 1e-12);
    assert!((found.waste_share.unwrap() - 20.0 / 1_020.0).abs() < 1e-12);
    assert_eq!(found.lost_margin, 45.0);
    let idle = Period { sold: 0.0, stock: 0.0, wasted: 0.0, demand: 0.0, unmet: 0.0, ..period };
    let found = idle.figures().unwrap();
    assert_eq!((found.turns, found.days_of_supply, found.fill_rate), (None, None, None));
    assert!(Period { unmet: 601.0, ..period }.figures().is_err());
    assert!(Period { days: 0.0, ..period }.figures().is_err());
    assert!(Period { margin: f64::NAN, ..period }.figures().is_err());
}

/// Errors 1 + 1 against 2 + 3: 60 % saved; the other way round 150 % lost.
#[test]
fn value_added_by_hand() {
    let (actual, good, poor) = ([10.0, 20.0], [11.0, 19.0], [12.0, 17.0]);
    assert!((forecast_value_added(&actual, &good, &poor).unwrap() - 0.6).abs() < 1e-12);
    assert!((forecast_value_added(&actual, &poor, &good).unwrap() + 1.5).abs() < 1e-12);
    assert_eq!(forecast_value_added(&actual, &good, &actual), None);
    assert_eq!(forecast_value_added(&actual, &good, &[1.0]), None);
    assert_eq!(forecast_value_added(&[f64::NAN], &[1.0], &[2.0]), None);
}
