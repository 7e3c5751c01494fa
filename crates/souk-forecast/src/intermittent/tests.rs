use super::*;

/// statsforecast 2.1.1 on the same series (`CrostonClassic`, `CrostonOptimized`, `CrostonSBA`, `TSB(0.2, 0.2)`,
/// `ADIDA`, `IMAPA`).
#[test]
fn levels_match_the_reference() {
    let y = [
        0.0, 0.0, 3.0, 0.0, 1.0, 0.0, 0.0, 0.0, 5.0, 2.0, 0.0, 0.0, 1.0, 0.0, 0.0, 4.0, 0.0, 0.0,
        0.0, 2.0, 0.0, 1.0, 0.0, 0.0,
    ];
    let cases = [
        (croston(&y), 0.904_602),
        (croston_optimised(&y), 0.904_602),
        (sba(&y), 0.859_372),
        (tsb(&y, 0.2, 0.2), 0.648_9),
        (adida(&y), 0.863_8),
        (imapa(&y), 0.688_16),
    ];
    for (idx, (found, reference)) in cases.into_iter().enumerate() {
        assert!((found - reference).abs() < 1e-6, "{idx}: {found} {reference}");
    }
}

#[test]
fn patterns_by_hand() {
    let pattern = Pattern::of(&[0.0, 2.0, 0.0, 4.0]);
    assert_eq!(pattern, Pattern { mean_gap: 2.0, cv2: 1.0 / 9.0 });
    assert!(pattern.is_intermittent() && !Pattern::of(&[1.0, 2.0]).is_intermittent());
    assert!(Pattern::of(&[0.0]).is_intermittent());
    assert_eq!((croston(&[0.0; 3]), imapa(&[]), adida(&[])), (0.0, 0.0, 0.0));
}
