use super::*;

/// Numbers from -1 to 1 that look like nothing in particular.
fn numbers(n: usize, seed: usize) -> Vec<f32> {
    (0..n).map(|idx| ((idx * 7_919 + seed * 104_729) % 2_003) as f32 / 1_001.5 - 1.0).collect()
}

/// The definition, in double precision.
fn product(rows: &[f32], weights: &[f32], inputs: usize) -> Vec<f64> {
    let rows = rows.chunks_exact(inputs);
    let dot = |row: &[f32], column: &[f32]| {
        row.iter().zip(column).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    };
    rows.flat_map(|row| weights.chunks_exact(inputs).map(move |column| dot(row, column))).collect()
}

/// Every number of rows from one to more than a block, odd numbers of outputs, and widths that do not
/// divide by a processor's.
#[test]
fn products_are_those_of_the_definition() {
    for (n_rows, inputs, outputs) in
        [(1, 384, 7), (2, 32, 3), (3, 13, 5), (4, 40, 2), (7, 31, 1), (33, 64, 9), (70, 24, 6)]
    {
        let (rows, weights) = (numbers(n_rows * inputs, 1), numbers(outputs * inputs, 2));
        let linear = Linear { weights: weights.clone(), bias: numbers(outputs, 3) };
        let mut out = Vec::new();
        linear.apply(&rows, &mut out);
        let expected = product(&rows, &weights, inputs);
        assert_eq!(out.len(), expected.len());
        for (idx, (found, expected)) in out.iter().zip(expected).enumerate() {
            let expected = expected + f64::from(linear.bias[idx % outputs]);
            let case = (n_rows, inputs, outputs, idx);
            assert!((f64::from(*found) - expected).abs() < 1e-4, "{case:?}: {found} {expected}");
        }
    }
}

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
