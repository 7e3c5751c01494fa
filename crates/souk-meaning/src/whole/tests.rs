use super::*;
use crate::test_numbers::numbers;

/// Every number of rows from one to more than a block, odd numbers of outputs, and widths that do not
/// divide by a processor's.
const SHAPES: [(usize, usize, usize); 8] = [
    (1, 384, 7),
    (2, 32, 3),
    (3, 13, 5),
    (4, 40, 2),
    (7, 31, 1),
    (33, 64, 9),
    (70, 24, 6),
    (5, 1_536, 4),
];

fn linear((n_rows, inputs, outputs): (usize, usize, usize)) -> (Vec<f32>, Vec<f32>, Linear) {
    let (rows, weights) = (numbers(n_rows * inputs, 1), numbers(outputs * inputs, 2));
    let linear = Linear::new(&weights, numbers(outputs, 3));
    (rows, weights, linear)
}

fn rounded(rows: &[f32], width: usize) -> Rounded {
    let mut rounded = Rounded::default();
    rounded.set(rows, width);
    rounded
}

/// The definition in double precision, of what was rounded: but for the last step, it is exact.
#[test]
fn products_are_those_of_the_definition() {
    for shape in SHAPES {
        let (rows, _, linear) = linear(shape);
        let (_, inputs, n_outputs) = shape;
        let rows = rounded(&rows, inputs);
        let mut out = vec![f32::NAN; 3];
        linear.apply(&rows, &mut out);
        assert_eq!(out.len(), shape.0 * n_outputs);
        for (at, found) in out.iter().enumerate() {
            let (row, output) = (at / n_outputs, at % n_outputs);
            let numbers = &rows.numbers[row * stride(inputs)..][..inputs];
            let weights = &linear.weights[output * stride(inputs)..][..inputs];
            let pairs = numbers.iter().zip(weights);
            let sum: i64 = pairs.map(|(x, w)| i64::from(*x) * i64::from(*w)).sum();
            let scale = f64::from(rows.scales[row]) * f64::from(linear.scales[output]);
            let expected = sum as f64 * scale + f64::from(linear.bias[output]);
            let case = (shape, row, output);
            let near = (f64::from(*found) - expected).abs() < 1e-5 * expected.abs().max(1.0);
            assert!(near, "{case:?}: {found} {expected}");
        }
    }
}

/// What a processor does at once is what it does one by one, to the last bit.
#[test]
fn processors_agree() {
    for shape in SHAPES {
        let (rows, _, linear) = linear(shape);
        let rows = rounded(&rows, shape.1);
        let (mut fast, mut plain) = (Vec::new(), vec![0.0; shape.0 * shape.2]);
        linear.apply(&rows, &mut fast);
        Product { linear: &linear, rows: &rows, out: &mut plain, kernel: Portable }.work();
        assert_eq!(fast, plain, "{shape:?}");
    }
}

#[test]
fn rounding_loses_no_more_than_half_a_step() {
    let (rows, weights, linear) = linear((3, 13, 5));
    let rounded = rounded(&rows, 13);
    for (at, x) in rows.iter().enumerate() {
        let (number, scale) =
            (rounded.numbers[at / 13 * stride(13) + at % 13], rounded.scales[at / 13]);
        assert!((f32::from(number) * scale - x).abs() <= scale * 0.501, "{x} {number}");
    }
    for (at, x) in weights.iter().enumerate() {
        let (number, scale) =
            (linear.weights[at / 13 * stride(13) + at % 13], linear.scales[at / 13]);
        assert!((f32::from(number) * scale - x).abs() <= scale * 0.501, "{x} {number}");
    }
    // A row of nothing stays nothing.
    let mut out = Vec::new();
    linear.apply(&self::rounded(&[0.0; 13], 13), &mut out);
    assert_eq!(out, linear.bias);
}

/// The widest row with the largest numbers stays within 32 bits.
#[test]
fn the_largest_sum_fits() {
    let linear = Linear::new(&[1.0; INPUTS_MAX], vec![0.0]);
    let mut out = Vec::new();
    linear.apply(&rounded(&[-1.0; INPUTS_MAX], INPUTS_MAX), &mut out);
    assert!((out[0] + INPUTS_MAX as f32).abs() < 1e-2, "{}", out[0]);
}
