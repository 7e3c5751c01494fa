//! The bottom of a smooth function of a few positive parameters.

/// Steps at most; fits here need twenty to sixty.
const STEPS_MAX: usize = 500;
/// Halvings of one step at most: beyond, the step is lost in the noise of `f64`.
const HALVINGS_MAX: usize = 60;
/// The share of the promised descent that a step must bring (Armijo's condition).
const DESCENT_MIN: f64 = 1e-4;
/// The slope, against the value, at which the bottom is reached; sums of thousands of terms are no smoother.
const SLOPE_MAX: f64 = 1e-7;
/// How far one step moves a parameter at most: farther off, an estimate of the curvature means nothing.
const STEP_MAX: f64 = 2.0;

/// Where a search ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bottom<const N: usize> {
    pub(crate) at: [f64; N],
    pub(crate) value: f64,
    pub(crate) is_found: bool,
}

/// Searches downhill from `start`; `f` gives the value and its slope at a point.
///
/// BFGS with backtracking: Nocedal and Wright, *Numerical Optimization*, algorithm 6.1 with 3.1. The
/// estimate of the curvature is not updated where it would stop being positive, so each direction leads down.
pub(crate) fn minimise<const N: usize>(
    start: [f64; N],
    f: impl Fn(&[f64; N]) -> (f64, [f64; N]),
) -> Bottom<N> {
    let mut at = start;
    let (mut value, mut slope) = f(&at);
    let mut inverse = first_guess(&slope);
    for step in 0..STEPS_MAX {
        let steepest = slope.iter().fold(0.0_f64, |max, one| max.max(one.abs()));
        if steepest <= SLOPE_MAX * value.abs().max(1.0) {
            return Bottom { at, value, is_found: true };
        }
        let mut direction = std::array::from_fn(|row| -dot(&inverse[row], &slope));
        if dot(&direction, &slope) >= 0.0 {
            inverse = first_guess(&slope);
            direction = std::array::from_fn(|row| -dot(&inverse[row], &slope));
        }
        let farthest = direction.iter().fold(0.0_f64, |max, one| max.max(one.abs()));
        if farthest > STEP_MAX {
            direction = direction.map(|one| one * STEP_MAX / farthest);
        }
        let promise = dot(&direction, &slope);
        let mut length = 1.0;
        let mut next = None;
        for _ in 0..HALVINGS_MAX {
            let there: [f64; N] = std::array::from_fn(|n| at[n] + length * direction[n]);
            let (value_there, slope_there) = f(&there);
            if value_there <= value + DESCENT_MIN * length * promise {
                next = Some((there, value_there, slope_there));
                break;
            }
            length *= 0.5;
        }
        let Some((there, value_there, slope_there)) = next else {
            // No way down that `f64` can see.
            let is_flat = steepest <= 1e-6 * value.abs().max(1.0);
            return Bottom { at, value, is_found: is_flat };
        };
        let moved: [f64; N] = std::array::from_fn(|n| there[n] - at[n]);
        let bent: [f64; N] = std::array::from_fn(|n| slope_there[n] - slope[n]);
        let curvature = dot(&moved, &bent);
        let is_sound = curvature > 1e-10 * (dot(&moved, &moved) * dot(&bent, &bent)).sqrt();
        if is_sound && step == 0 {
            // The first step tells the scale: Nocedal and Wright, (6.20).
            let scale = curvature / dot(&bent, &bent);
            inverse = std::array::from_fn(|row| {
                std::array::from_fn(|column| if row == column { scale } else { 0.0 })
            });
        }
        if is_sound {
            update(&mut inverse, (&moved, &bent, curvature));
        }
        (at, value, slope) = (there, value_there, slope_there);
    }
    Bottom { at, value, is_found: false }
}

fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A step of length one downhill.
fn first_guess<const N: usize>(slope: &[f64; N]) -> [[f64; N]; N] {
    let scale = 1.0 / dot(slope, slope).sqrt().max(1.0);
    std::array::from_fn(|row| std::array::from_fn(|column| if row == column { scale } else { 0.0 }))
}

/// Nocedal and Wright, (6.17).
fn update<const N: usize>(
    inverse: &mut [[f64; N]; N],
    (moved, bent, curvature): (&[f64; N], &[f64; N], f64),
) {
    let rho = 1.0 / curvature;
    let turned: [f64; N] = std::array::from_fn(|row| dot(&inverse[row], bent));
    let scale = rho * (1.0 + rho * dot(bent, &turned));
    for row in 0..N {
        for column in 0..N {
            inverse[row][column] += scale * moved[row] * moved[column]
                - rho * (turned[row] * moved[column] + moved[row] * turned[column]);
        }
    }
}

/// What keeps the logarithm of a parameter from running away where the facts do not bind it: nothing
/// within five, then a spring. Returns the height and the slope.
pub(crate) fn fence(log: f64) -> (f64, f64) {
    let beyond = log.abs() - 5.0;
    if beyond <= 0.0 { (0.0, 0.0) } else { (0.5 * beyond * beyond, beyond.copysign(log)) }
}
