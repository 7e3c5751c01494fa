use super::*;
use crate::test_numbers::numbers;

/// Values of `math.erf` and `math.exp` in Python 3.11.
#[test]
fn functions_are_those_of_the_definition() {
    for (x, expected) in
        [(0.0, 0.0), (0.1, 0.112_462_92), (0.5, 0.520_499_9), (1.0, 0.842_700_8), (2.5, 0.999_593)]
    {
        assert!((erf(x) - expected).abs() < 3e-7, "erf({x}) = {}", erf(x));
        assert!((erf(-x) + expected).abs() < 3e-7, "erf(-{x}) = {}", erf(-x));
    }
    assert_eq!(erf(40.0), 1.0);
    for (x, expected) in
        [(0.0, 1.0), (-0.3, 0.740_818_2), (-1.0, 0.367_879_43), (-20.0, 2.061_153_6e-9)]
    {
        assert!((exp(x) / expected - 1.0).abs() < 1e-6, "exp({x}) = {}", exp(x));
    }
    let mut all = [-3.0, -0.5, 0.0, 1.0, 4.0];
    gelu(&mut all);
    let expected = [-0.004_049_694, -0.154_268_77, 0.0, 0.841_344_7, 3.999_873_2];
    for (found, expected) in all.iter().zip(expected) {
        assert!((found - expected).abs() < 2e-6, "{found} {expected}");
    }
}

/// Rows of a width that does not divide by the number of sums.
#[test]
fn normalised_rows_have_no_mean_and_the_variance_one() {
    let mut rows = numbers(2 * 13, 5);
    let normaliser = Normaliser { gain: vec![2.0; 13], shift: vec![3.0; 13], epsilon: 1e-12 };
    normaliser.apply(&mut rows);
    for row in rows.chunks_exact(13) {
        let mean = row.iter().sum::<f32>() / 13.0;
        let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / 13.0;
        assert!((mean - 3.0).abs() < 1e-5 && (variance - 4.0).abs() < 1e-4, "{mean} {variance}");
    }
}

#[test]
fn shares_sum_to_one_and_lengths_are_one() {
    let mut shares = [1.0, 2.0, -500.0, 2.0];
    softmax(&mut shares);
    assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    assert!((shares[1] / shares[0] - std::f32::consts::E).abs() < 1e-5);
    let mut vector = [3.0, 0.0, -4.0];
    to_unit(&mut vector);
    assert_eq!(vector, [0.6, 0.0, -0.8]);
    let mut nothing = [0.0; 3];
    to_unit(&mut nothing);
    assert_eq!(nothing, [0.0; 3]);
}
