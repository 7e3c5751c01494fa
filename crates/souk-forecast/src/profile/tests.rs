use super::*;
use crate::air::Numbers;

/// Steady sales of a strong week are learned with their places; a piece every second Saturday is hardly believed to be one.
#[test]
fn a_profile_is_believed_as_far_as_counts_bear_it_out() {
    let week = [1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 0.5];
    let many: Vec<f64> = (0..364).map(|t| 20.0 * week[t % 7]).collect();
    let mean = profile(&many, 7, 7).unwrap();
    for (found, wanted) in mean.iter().zip(week) {
        assert!((found / (20.0 * wanted) - 1.0).abs() < 0.1, "{found} {wanted}");
    }
    let few: Vec<f64> = (0..364).map(|t| f64::from(u8::from(t % 14 == 5))).collect();
    let mean = profile(&few, 7, 7).unwrap();
    assert!(mean[5] < 3.0 * mean[0] && mean[5] > mean[0], "{mean:?}");
}

/// A level that jumped eight weeks ago is followed; one that only trembles is averaged.
#[test]
fn levels_follow_what_stays() {
    let jumped: Vec<f64> = (0..364).map(|t| if t < 308 { 4.0 } else { 12.0 }).collect();
    let mean = profile(&jumped, 7, 1).unwrap();
    assert!(mean[0] > 10.0, "{mean:?}");
    let mut numbers = Numbers(3);
    let steady: Vec<f64> = (0..364).map(|_| (10.0 * numbers.unit()).floor()).collect();
    let mean = profile(&steady, 7, 28).unwrap();
    assert!(mean.iter().all(|mean| (mean - 4.5).abs() < 0.8), "{mean:?}");
}

#[test]
fn what_is_not_its_kind_is_left_alone() {
    assert!(profile(&[1.0; 55], 7, 1).is_none());
    assert!(profile(&[1.0; 56], 7, 1).is_some());
    assert!(profile(&[1.0; 56], 1, 1).is_none());
    assert!(profile(&[0.0; 80], 7, 1).is_none());
    let mut gone = vec![3.0; 400];
    gone[30..].fill(0.0);
    assert!(profile(&gone, 7, 1).is_none());
    let mut returned = [3.0; 80];
    returned[3] = -1.0;
    assert!(profile(&returned, 7, 1).is_none());
}
