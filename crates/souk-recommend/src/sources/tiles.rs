//! The inverse of a large symmetric positive definite matrix, in tiles, on several threads.
//!
//! Block sweeps (Beaton 1964; Goodnight, *The American Statistician* 33(3), 1979): sweeping every block
//! row turns `A` into `-A⁻¹`, in place, with nothing but matrix products of tiles. Only the lower half
//! is held, n² / 2 numbers. Each tile is always worked on by one thread in the same order, so the
//! bytes do not depend on the number of threads. *Not* for matrices that are not positive definite:
//! no pivot is ever chosen.

use ndarray::Array2;
use ndarray::linalg::general_mat_mul;
use souk_math::parallel::for_chunks;

/// Rows of a tile: three tiles fit the second-level cache (chosen).
pub(super) const SIDE: usize = 256;

/// The lower half of a symmetric matrix, by tiles of [`SIDE`] rows and columns.
#[derive(Clone, Debug)]
pub(super) struct Symmetric {
    n_blocks: usize,
    /// Tile `(i, j)`, `i >= j`, is at `i (i + 1) / 2 + j`.
    tiles: Vec<Tile>,
}

#[derive(Clone, Debug)]
struct Tile {
    i: usize,
    j: usize,
    values: Array2<f32>,
}

impl Symmetric {
    /// The identity, `n` on a side; rows beyond the last are padding, which an inverse leaves alone.
    pub(super) fn identity(n: usize) -> Symmetric {
        let n_blocks = n.div_ceil(SIDE);
        let places = (0..n_blocks).flat_map(|i| (0..=i).map(move |j| (i, j)));
        let tile = |(i, j)| {
            let values = if i == j { Array2::eye(SIDE) } else { Array2::zeros((SIDE, SIDE)) };
            Tile { i, j, values }
        };
        Symmetric { n_blocks, tiles: places.map(tile).collect() }
    }

    /// The number at a row and a column.
    pub(super) fn get(&self, row: usize, column: usize) -> f32 {
        let (row, column) = (row.max(column), row.min(column));
        self.tiles[at(row / SIDE, column / SIDE)].values[(row % SIDE, column % SIDE)]
    }

    /// Sets the number at a row and a column, and at its mirror place.
    pub(super) fn set(&mut self, row: usize, column: usize, value: f32) {
        let (row, column) = (row.max(column), row.min(column));
        let values = &mut self.tiles[at(row / SIDE, column / SIDE)].values;
        values[(row % SIDE, column % SIDE)] = value;
        if row / SIDE == column / SIDE {
            values[(column % SIDE, row % SIDE)] = value;
        }
    }

    /// Turns the matrix into minus its inverse.
    pub(super) fn negate_inverse(&mut self, threads: usize) {
        for pivot in 0..self.n_blocks {
            self.sweep(pivot, threads);
        }
    }

    fn sweep(&mut self, pivot: usize, threads: usize) {
        let inverse = inverse(&self.tiles[at(pivot, pivot)].values);
        let column = |block: usize| {
            if block >= pivot {
                self.tiles[at(block, pivot)].values.clone()
            } else {
                self.tiles[at(pivot, block)].values.t().to_owned()
            }
        };
        let panel: Vec<Array2<f32>> = (0..self.n_blocks).map(column).collect();
        let mut solved = vec![Array2::zeros((SIDE, SIDE)); self.n_blocks];
        let solve = |_: &mut (), first: usize, rows: &mut [Array2<f32>]| {
            for (idx, solved) in rows.iter_mut().enumerate() {
                general_mat_mul(1.0, &panel[first + idx], &inverse, 0.0, solved);
            }
        };
        for_chunks(&mut solved, (threads, 1), || (), solve);
        let update = |_: &mut (), _: usize, tiles: &mut [Tile]| {
            for tile in tiles {
                match (tile.i == pivot, tile.j == pivot) {
                    (true, true) => tile.values = inverse.mapv(|value| -value),
                    (false, true) => tile.values.assign(&solved[tile.i]),
                    (true, false) => tile.values.assign(&solved[tile.j].t()),
                    (false, false) => {
                        let (left, right) = (&solved[tile.i], panel[tile.j].t());
                        general_mat_mul(-1.0, left, &right, 1.0, &mut tile.values);
                    }
                }
            }
        };
        for_chunks(&mut self.tiles, (threads, 4), || (), update);
    }
}

fn at(i: usize, j: usize) -> usize {
    i * (i + 1) / 2 + j
}

/// The inverse of one symmetric positive definite tile, by sweeps of single rows in double precision.
fn inverse(tile: &Array2<f32>) -> Array2<f32> {
    let mut values: Vec<f64> = tile.iter().map(|&value| f64::from(value)).collect();
    let mut row = vec![0.0; SIDE];
    for pivot in 0..SIDE {
        // Rounding may have eaten a pivot that exact arithmetic keeps positive.
        let over = 1.0 / values[pivot * SIDE + pivot].max(1e-12);
        row.copy_from_slice(&values[pivot * SIDE..(pivot + 1) * SIDE]);
        for i in (0..SIDE).filter(|&i| i != pivot) {
            let factor = row[i] * over;
            if factor != 0.0 {
                let target = &mut values[i * SIDE..(i + 1) * SIDE];
                target.iter_mut().zip(&row).for_each(|(value, of_row)| *value -= factor * of_row);
            }
            values[i * SIDE + pivot] = factor;
        }
        for j in 0..SIDE {
            values[pivot * SIDE + j] = row[j] * over;
        }
        values[pivot * SIDE + pivot] = -over;
    }
    Array2::from_shape_fn((SIDE, SIDE), |(i, j)| -values[i * SIDE + j] as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use souk_math::Random;

    /// `M Mᵀ + I` of random numbers, over two block borders.
    fn sample(n: usize) -> Symmetric {
        let mut random = Random::new(7);
        let m: Vec<f32> = (0..n * 8).map(|_| random.unit() - 0.5).collect();
        let mut sample = Symmetric::identity(n);
        for i in 0..n {
            for j in 0..=i {
                let dot: f32 = (0..8).map(|k| m[i * 8 + k] * m[j * 8 + k]).sum();
                sample.set(i, j, dot + if i == j { 1.0 } else { 0.0 });
            }
        }
        sample
    }

    #[test]
    fn inverts() {
        let n = 2 * SIDE + 30;
        let matrix = sample(n);
        let mut inverse = matrix.clone();
        inverse.negate_inverse(2);
        for row in (0..n).step_by(37) {
            for column in (0..n).step_by(41) {
                let product: f64 = (0..n)
                    .map(|k| -f64::from(matrix.get(row, k)) * f64::from(inverse.get(k, column)))
                    .sum();
                let expected = if row == column { 1.0 } else { 0.0 };
                assert!((product - expected).abs() < 1e-4, "{row} {column}: {product}");
            }
        }
    }

    #[test]
    fn is_the_same_on_any_number_of_threads() {
        let (mut one, mut three) = (sample(300), sample(300));
        one.negate_inverse(1);
        three.negate_inverse(3);
        let bits = |of: &Symmetric| -> Vec<u32> {
            of.tiles.iter().flat_map(|tile| tile.values.iter().map(|v| v.to_bits())).collect()
        };
        assert_eq!(bits(&one), bits(&three));
    }
}
