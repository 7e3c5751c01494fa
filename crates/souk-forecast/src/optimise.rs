//! Minimisers that give the same bytes on every machine with the same arithmetic: no randomness, no
//! threads.

/// Where a search ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Minimum {
    pub(crate) x: Vec<f64>,
    pub(crate) value: f64,
}

/// When a search ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Evaluations (simplex) or steps (gradient) at most.
    pub(crate) steps_max: usize,
    /// The relative fall of the value that is still worth a step.
    pub(crate) tolerance: f64,
}

/// The simplex search of Nelder and Mead, The Computer Journal 7(4), 1965, with the usual coefficients
/// 1, 2, ½, ½.
///
/// `step` is the first step along each axis. A value that is not a number counts as infinite.
pub(crate) fn simplex(
    start: &[f64],
    step: &[f64],
    limits: Limits,
    value: &mut dyn FnMut(&[f64]) -> f64,
) -> Minimum {
    let mut at = |x: Vec<f64>| {
        let found = value(&x);
        Minimum { x, value: if found.is_nan() { f64::INFINITY } else { found } }
    };
    let n = start.len();
    let mut corners = vec![at(start.to_vec())];
    for idx in 0..n {
        let mut x = start.to_vec();
        x[idx] += step[idx];
        corners.push(at(x));
    }
    let mut n_evaluations = n + 1;
    loop {
        corners.sort_by(|a, b| a.value.total_cmp(&b.value));
        let spread = corners[n].value - corners[0].value;
        if n_evaluations >= limits.steps_max
            || spread.abs() <= limits.tolerance * (corners[0].value.abs() + limits.tolerance)
        {
            return corners.swap_remove(0);
        }
        let mut centre = vec![0.0; n];
        for corner in &corners[..n] {
            for (sum, x) in centre.iter_mut().zip(&corner.x) {
                *sum += x / n as f64;
            }
        }
        let along = |share: f64| -> Vec<f64> {
            centre.iter().zip(&corners[n].x).map(|(c, worst)| c + share * (c - worst)).collect()
        };
        let reflected = at(along(1.0));
        n_evaluations += 1;
        if reflected.value < corners[0].value {
            let expanded = at(along(2.0));
            n_evaluations += 1;
            corners[n] = if expanded.value < reflected.value { expanded } else { reflected };
        } else if reflected.value < corners[n - 1].value {
            corners[n] = reflected;
        } else {
            let inside = reflected.value >= corners[n].value;
            let contracted = at(along(if inside { -0.5 } else { 0.5 }));
            n_evaluations += 1;
            if contracted.value < corners[n].value.min(reflected.value) {
                corners[n] = contracted;
            } else {
                let best = corners[0].x.clone();
                for corner in &mut corners[1..] {
                    let x = corner.x.iter().zip(&best).map(|(x, b)| b + 0.5 * (x - b)).collect();
                    *corner = at(x);
                }
                n_evaluations += n;
            }
        }
    }
}

/// The quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno (Nocedal and Wright, *Numerical
/// Optimization*, 2nd ed., algorithm 6.1) with backtracking.
///
/// `value` writes the gradient. An infinite value marks a place where the search may not go.
pub(crate) fn quasi_newton(
    start: &[f64],
    limits: Limits,
    value: &mut dyn FnMut(&[f64], &mut [f64]) -> f64,
) -> Minimum {
    let n = start.len();
    let mut x = start.to_vec();
    let mut slope = vec![0.0; n];
    let mut now = value(&x, &mut slope);
    let mut inverse = identity(n, 1.0);
    let (mut trial, mut trial_slope) = (vec![0.0; n], vec![0.0; n]);
    let mut is_first = true;
    for _ in 0..limits.steps_max {
        let mut direction = product(&inverse, &slope);
        let mut descent: f64 = direction.iter().zip(&slope).map(|(d, g)| d * g).sum();
        if descent.is_nan() || descent <= 0.0 {
            inverse = identity(n, 1.0);
            direction.copy_from_slice(&slope);
            descent = slope.iter().map(|g| g * g).sum();
        }
        if descent.is_nan() || descent <= 1e-20 {
            break;
        }
        let longest = direction.iter().fold(0.0_f64, |most, d| most.max(d.abs()));
        // The first step knows no curvature, and no step may leave the neighbourhood.
        let mut length = (if is_first { 0.5 } else { 2.0 } / longest).min(1.0);
        let mut found = None;
        for _ in 0..25 {
            for ((t, x), d) in trial.iter_mut().zip(&x).zip(&direction) {
                *t = x - length * d;
            }
            let there = value(&trial, &mut trial_slope);
            if there <= now - 1e-4 * length * descent {
                found = Some(there);
                break;
            }
            let curve = there - now + length * descent;
            let guess = if curve.is_finite() && curve > 0.0 {
                0.5 * length * length * descent / curve
            } else {
                0.0
            };
            length = guess.clamp(0.1 * length, 0.5 * length);
        }
        let Some(there) = found else { break };
        if is_first {
            inverse = identity(n, first_scale((&x, &trial), (&slope, &trial_slope)));
            is_first = false;
        }
        update(&mut inverse, (&x, &trial), (&slope, &trial_slope));
        let fall = now - there;
        std::mem::swap(&mut x, &mut trial);
        std::mem::swap(&mut slope, &mut trial_slope);
        now = there;
        if fall <= limits.tolerance * (now.abs() + 1e-3) {
            break;
        }
    }
    Minimum { x, value: now }
}

fn identity(n: usize, scale: f64) -> Vec<f64> {
    let mut matrix = vec![0.0; n * n];
    for idx in 0..n {
        matrix[idx * n + idx] = scale;
    }
    matrix
}

fn product(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
    let rows = matrix.chunks_exact(vector.len().max(1));
    rows.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect()
}

/// Equation 6.20 of Nocedal and Wright: the size of the first inverse Hessian.
fn first_scale((from, to): (&[f64], &[f64]), (slope, new_slope): (&[f64], &[f64])) -> f64 {
    let (mut sy, mut yy) = (0.0, 0.0);
    for idx in 0..from.len() {
        let y = new_slope[idx] - slope[idx];
        sy += (to[idx] - from[idx]) * y;
        yy += y * y;
    }
    if sy > 0.0 && yy > 0.0 { sy / yy } else { 1.0 }
}

/// Equation 6.17 of Nocedal and Wright: the inverse Hessian learns from one step.
fn update(inverse: &mut [f64], (from, to): (&[f64], &[f64]), (slope, new_slope): (&[f64], &[f64])) {
    let n = from.len();
    let s: Vec<f64> = to.iter().zip(from).map(|(a, b)| a - b).collect();
    let y: Vec<f64> = new_slope.iter().zip(slope).map(|(a, b)| a - b).collect();
    let sy: f64 = s.iter().zip(&y).map(|(a, b)| a * b).sum();
    let yy: f64 = y.iter().map(|v| v * v).sum();
    if sy.is_nan() || sy <= 1e-12 * yy.max(1e-300) {
        return;
    }
    let hy = product(inverse, &y);
    let yhy: f64 = y.iter().zip(&hy).map(|(a, b)| a * b).sum();
    let factor = (1.0 + yhy / sy) / sy;
    for i in 0..n {
        for j in 0..n {
            inverse[i * n + j] += factor * s[i] * s[j] - (hy[i] * s[j] + s[i] * hy[j]) / sy;
        }
    }
}

/// The minimum of a function of one variable between `low` and `high`: the best of `n_grid` places, then as [`around`].
pub(crate) fn between(
    (low, high): (f64, f64),
    n_grid: usize,
    value: &mut dyn FnMut(f64) -> f64,
) -> (f64, f64) {
    let width = (high - low) / (n_grid - 1) as f64;
    let grid: Vec<f64> = (0..n_grid).map(|idx| value(low + width * idx as f64)).collect();
    around((low, high), &grid, value)
}

/// The minimum of a function of one variable around the best of its values on an even `grid` from `low` to `high`, by
/// parabolas, or golden sections where a parabola leads nowhere (Brent, *Algorithms for Minimization without
/// Derivatives*, 1973, §5.8), to a ten-millionth of the range.
pub(crate) fn around(
    (low, high): (f64, f64),
    grid: &[f64],
    value: &mut dyn FnMut(f64) -> f64,
) -> (f64, f64) {
    let width = (high - low) / (grid.len() - 1) as f64;
    let mut best = (low, f64::INFINITY);
    for (idx, found) in grid.iter().enumerate() {
        if *found < best.1 {
            best = (low + width * idx as f64, *found);
        }
    }
    let golden = (3.0 - 5.0_f64.sqrt()) / 2.0;
    let near = 0.5e-7 * (high - low);
    let (mut a, mut b) = ((best.0 - width).max(low), (best.0 + width).min(high));
    let (mut second, mut third) = (best, best);
    let (mut step, mut step_before) = (0.0_f64, 0.0_f64);
    loop {
        let middle = 0.5 * (a + b);
        if (best.0 - middle).abs() <= 2.0 * near - 0.5 * (b - a) {
            return best;
        }
        let (p, q) = parabola([best, second, third]);
        let is_sound = step_before.abs() > near
            && p.abs() < (0.5 * q * step_before).abs()
            && p > q * (a - best.0)
            && p < q * (b - best.0);
        step_before = step;
        if is_sound {
            step = p / q;
            let x = best.0 + step;
            if x - a < 2.0 * near || b - x < 2.0 * near {
                step = near.copysign(middle - best.0);
            }
        } else {
            step_before = if best.0 < middle { b - best.0 } else { a - best.0 };
            step = golden * step_before;
        }
        let x = best.0 + if step.abs() >= near { step } else { near.copysign(step) };
        let found = (x, value(x));
        if found.1 <= best.1 {
            if x >= best.0 {
                a = best.0;
            } else {
                b = best.0;
            }
            (third, second, best) = (second, best, found);
            continue;
        }
        if x < best.0 {
            a = x;
        } else {
            b = x;
        }
        if found.1 <= second.1 || second.0 == best.0 {
            (third, second) = (second, found);
        } else if found.1 <= third.1 || third.0 == best.0 || third.0 == second.0 {
            third = found;
        }
    }
}

/// The lowest place of the parabola through three points is the first one's plus `p / q`, with `q` at least 0.
fn parabola([x, w, v]: [(f64, f64); 3]) -> (f64, f64) {
    let r = (x.0 - w.0) * (x.1 - v.1);
    let q = (x.0 - v.0) * (x.1 - w.1);
    let p = (x.0 - v.0) * q - (x.0 - w.0) * r;
    let q = 2.0 * (q - r);
    if q > 0.0 { (-p, q) } else { (p, -q) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valley(x: &[f64]) -> f64 {
        100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2)
    }

    #[test]
    fn simplex_finds_the_end_of_the_valley() {
        let limits = Limits { steps_max: 2_000, tolerance: 1e-14 };
        let found = simplex(&[-1.2, 1.0], &[0.5, 0.5], limits, &mut valley);
        assert!((found.x[0] - 1.0).abs() < 1e-4 && found.value < 1e-8, "{found:?}");
    }

    #[test]
    fn quasi_newton_finds_the_end_of_the_valley() {
        let limits = Limits { steps_max: 200, tolerance: 1e-16 };
        let found = quasi_newton(&[-1.2, 1.0], limits, &mut |x, slope| {
            slope[0] = -400.0 * x[0] * (x[1] - x[0] * x[0]) - 2.0 * (1.0 - x[0]);
            slope[1] = 200.0 * (x[1] - x[0] * x[0]);
            valley(x)
        });
        assert!((found.x[0] - 1.0).abs() < 1e-5, "{found:?}");
    }

    #[test]
    fn between_finds_a_minimum_inside_and_at_an_edge() {
        assert!((between((0.0, 2.0), 9, &mut |x| (x - 1.3).powi(2)).0 - 1.3).abs() < 1e-6);
        assert_eq!(between((0.0, 2.0), 9, &mut |x| x).0, 0.0);
        assert!((between((0.0, 2.0), 9, &mut |x| -x).0 - 2.0).abs() < 1e-6);
        // A kink, where parabolas mislead, and a minimum of the fourth order, where they creep.
        assert!((between((0.0, 2.0), 9, &mut |x| (x - 0.7).abs()).0 - 0.7).abs() < 1e-6);
        assert!((between((0.0, 2.0), 9, &mut |x| (x - 1.1).powi(4)).0 - 1.1).abs() < 1e-2);
        assert_eq!(between((0.0, 2.0), 9, &mut |_| f64::INFINITY).1, f64::INFINITY);
    }

    /// What makes it worth its lines: golden sections alone would ask 43 times.
    #[test]
    fn between_asks_seldom_where_a_function_is_smooth() {
        let mut n_asked = 0;
        let found = between((0.1, 0.99), 12, &mut |x| {
            n_asked += 1;
            1.0 / x + 2.0 / (1.0 - x).sqrt() + x
        });
        assert!(n_asked < 26, "{n_asked}");
        assert!((0.1..0.99).contains(&found.0));
    }
}
