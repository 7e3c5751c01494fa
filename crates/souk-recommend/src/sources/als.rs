//! Matrix factors for implicit feedback, by alternating least squares.

use super::{Histories, Scores, Source};
use crate::types::{Item, Shopper};
use serde::{Deserialize, Serialize};
use souk_math::Random;
use souk_math::parallel::for_chunks;

/// How factors are fitted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlsParams {
    /// Factors of a shopper and of an item.
    pub n_factors: usize,
    /// What an item that was not taken weighs beside one that was (`α₀` of iALS++).
    pub unobserved: f32,
    /// The penalty `λ`; of a row of `n` events it is `λ · (n + α₀ · rows of the other side)^ν`.
    pub penalty: f32,
    /// The exponent `ν` of that scaling: 1 as in the paper, 0 the same penalty for all.
    pub penalty_power: f32,
    /// How often both sides are solved.
    pub n_epochs: usize,
    /// Steps of conjugate gradients for a row, begun from the row's former factors.
    pub n_steps: usize,
    /// Where the first factors are drawn from.
    pub seed: u64,
}

impl Default for AlsParams {
    /// 64 factors and 16 epochs as in the paper's recipe; three steps are what the `implicit` library
    /// takes; the penalty is a start for the search on validation data.
    fn default() -> AlsParams {
        AlsParams {
            n_factors: 64,
            unobserved: 0.3,
            penalty: 0.01,
            penalty_power: 1.0,
            n_epochs: 16,
            n_steps: 3,
            seed: 0,
        }
    }
}

/// Factors of items; a shopper's are solved from the history when asked ("fold-in").
///
/// Minimises `Σ_(u,i taken) (1 - wᵤ·hᵢ)² + α₀ Σ_(u,i) (wᵤ·hᵢ)² + λ Σᵤ (nᵤ + α₀|I|)^ν |wᵤ|² + λ Σᵢ (nᵢ + α₀|U|)^ν |hᵢ|²`.
///
/// Sources: Hu, Koren and Volinsky, ICDM 2008 (the objective); Rendle, Krichene, Zhang and Koren,
/// *Revisiting the Performance of iALS*, RecSys 2022, eq. 1 to 3 (the scaled penalty); Takács, Pilászy
/// and Tikk, RecSys 2011 (conjugate gradients, begun from the last solution).
#[derive(Clone, Debug, PartialEq)]
pub struct Als {
    params: AlsParams,
    items: Factors,
    /// `HᵀH` of the items.
    gram: Vec<f32>,
}

/// Rows of factors.
#[derive(Clone, Debug, PartialEq)]
struct Factors {
    n_factors: usize,
    values: Vec<f32>,
}

/// Rows that one thread takes at a time.
const ROWS_AT_ONCE: usize = 256;
/// Steps of conjugate gradients of a fold-in, which begins from nothing (chosen, not yet compared with others).
const FOLD_IN_STEPS: usize = 8;

impl Als {
    /// Fits all factors.
    pub fn fit(histories: &Histories, params: AlsParams, threads: usize) -> Als {
        let shoppers = histories.shoppers();
        let of_shoppers: Vec<Vec<u32>> = shoppers
            .iter()
            .map(|&shopper| histories.items(shopper).iter().map(|item| item.0).collect())
            .collect();
        let n_items = histories.n_items();
        let numbered = |shopper: &Shopper| {
            let found = shoppers.binary_search(shopper);
            found.expect("takers have a history") as u32
        };
        let of_items: Vec<Vec<u32>> = (0..n_items as u32)
            .map(|item| histories.takers(Item(item)).iter().map(numbered).collect())
            .collect();
        let mut random = Random::new(params.seed);
        let mut items = Factors::random(n_items, params.n_factors, &mut random);
        let mut users = Factors::random(shoppers.len(), params.n_factors, &mut random);
        for _ in 0..params.n_epochs {
            users.solve((&items, &of_shoppers), &params, threads);
            items.solve((&users, &of_items), &params, threads);
        }
        let gram = items.gram(threads);
        Als { params, items, gram }
    }

    /// The factors of a history, known or not.
    pub fn fold_in(&self, history: &[Item]) -> Vec<f32> {
        let known = history.iter().map(|item| item.0);
        let known: Vec<u32> = known.filter(|&item| (item as usize) < self.items.len()).collect();
        let mut row = vec![0.0; self.params.n_factors];
        let side = Side::new(&self.items, &self.gram, &self.params);
        side.solve(&mut row, &known, (FOLD_IN_STEPS, &mut Work::new(self.params.n_factors)));
        row
    }

    /// Gives an item factors from its takers' histories, without the rest of a `fit`.
    ///
    /// The takers' own factors are folded in first, so a new item can be proposed as soon as a few
    /// people took it.
    pub fn update(&mut self, histories: &Histories, item: Item) {
        let takers = histories.takers(item);
        let folded = takers.iter().flat_map(|&taker| {
            let others: Vec<Item> =
                histories.items(taker).iter().copied().filter(|&other| other != item).collect();
            self.fold_in(&others)
        });
        let users = Factors { n_factors: self.params.n_factors, values: folded.collect() };
        // The Gram matrix of all shoppers is not at hand; that of the takers, scaled up to all, is.
        let scale = histories.n_shoppers() as f32 / takers.len().max(1) as f32;
        let gram: Vec<f32> = users.gram(1).iter().map(|value| value * scale).collect();
        let mut side = Side::new(&users, &gram, &self.params);
        side.n_rows = histories.n_shoppers();
        let mut row = vec![0.0; self.params.n_factors];
        let all: Vec<u32> = (0..takers.len() as u32).collect();
        side.solve(&mut row, &all, (FOLD_IN_STEPS, &mut Work::new(self.params.n_factors)));
        let n_factors = self.params.n_factors;
        let at = item.0 as usize * n_factors;
        if self.items.values.len() < at + n_factors {
            self.items.values.resize(at + n_factors, 0.0);
        }
        self.items.values[at..at + n_factors].copy_from_slice(&row);
        self.gram = self.items.gram(1);
    }

    /// The loss over all histories, with the shoppers folded in: what `fit` lowers.
    pub fn loss(&self, histories: &Histories) -> f64 {
        let (mut taken, mut penalty, mut all) = (0.0, 0.0, 0.0);
        let n_items = self.items.len() as f32;
        for shopper in histories.shoppers() {
            let history = histories.items(shopper);
            let user = self.fold_in(history);
            for item in history.iter().filter(|item| (item.0 as usize) < self.items.len()) {
                taken += f64::from((1.0 - dot(&user, self.items.row(item.0 as usize))).powi(2));
            }
            let product = times(&self.gram, &user);
            all += f64::from(self.params.unobserved * dot(&user, &product));
            let scale = (history.len() as f32 + self.params.unobserved * n_items)
                .powf(self.params.penalty_power);
            penalty += f64::from(self.params.penalty * scale * dot(&user, &user));
        }
        for item in 0..self.items.len() {
            let n = histories.takers(Item(item as u32)).len() as f32;
            let scale = (n + self.params.unobserved * histories.n_shoppers() as f32)
                .powf(self.params.penalty_power);
            let row = self.items.row(item);
            penalty += f64::from(self.params.penalty * scale * dot(row, row));
        }
        taken + all + penalty
    }
}

impl Factors {
    /// Small numbers around zero, of standard deviation 0.1 / √factors as in the paper.
    fn random(n_rows: usize, n_factors: usize, random: &mut Random) -> Factors {
        // A uniform number on ±½ has a deviation of 1 / √12.
        let scale = 0.1 * (12.0 / n_factors as f32).sqrt();
        let values = (0..n_rows * n_factors).map(|_| (random.unit() - 0.5) * scale).collect();
        Factors { n_factors, values }
    }

    fn len(&self) -> usize {
        self.values.len() / self.n_factors
    }

    fn row(&self, at: usize) -> &[f32] {
        &self.values[at * self.n_factors..(at + 1) * self.n_factors]
    }

    /// `FᵀF`, summed in blocks of fixed size, so that threads cannot change the order of sums.
    fn gram(&self, threads: usize) -> Vec<f32> {
        let n = self.n_factors;
        let block = 1_024 * n;
        let mut parts = vec![vec![0.0_f32; n * n]; self.values.len().div_ceil(block)];
        let sum = |_: &mut (), first: usize, parts: &mut [Vec<f32>]| {
            for (idx, part) in parts.iter_mut().enumerate() {
                let begin = (first + idx) * block;
                let end = (begin + block).min(self.values.len());
                for row in self.values[begin..end].chunks_exact(n) {
                    for (value, of_part) in row.iter().zip(part.chunks_exact_mut(n)) {
                        of_part.iter_mut().zip(row).for_each(|(sum, other)| *sum += value * other);
                    }
                }
            }
        };
        for_chunks(&mut parts, (threads, 1), || (), sum);
        let mut gram = vec![0.0; n * n];
        for part in parts {
            gram.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
        }
        gram
    }

    /// Solves every row for the other side as it is.
    fn solve(
        &mut self,
        (others, taken): (&Factors, &[Vec<u32>]),
        params: &AlsParams,
        threads: usize,
    ) {
        let gram = others.gram(threads);
        let side = Side::new(others, &gram, params);
        let n = self.n_factors;
        let work = |work: &mut Work, first: usize, values: &mut [f32]| {
            for (idx, row) in values.chunks_exact_mut(n).enumerate() {
                side.solve(row, &taken[first / n + idx], (params.n_steps, work));
            }
        };
        for_chunks(&mut self.values, (threads, ROWS_AT_ONCE * n), || Work::new(n), work);
    }
}

/// The side of the matrix that stands still while rows of the other are solved.
struct Side<'a> {
    factors: &'a Factors,
    gram: &'a [f32],
    params: &'a AlsParams,
    n_rows: usize,
}

/// Working memory of one solution.
struct Work {
    residual: Vec<f32>,
    direction: Vec<f32>,
    product: Vec<f32>,
}

impl Work {
    fn new(n_factors: usize) -> Work {
        let zeros = || vec![0.0; n_factors];
        Work { residual: zeros(), direction: zeros(), product: zeros() }
    }
}

impl<'a> Side<'a> {
    fn new(factors: &'a Factors, gram: &'a [f32], params: &'a AlsParams) -> Side<'a> {
        Side { factors, gram, params, n_rows: factors.len() }
    }

    /// Improves a row by conjugate gradients on `(α₀G + Σ hhᵀ + λI) w = Σ h`.
    fn solve(&self, row: &mut [f32], taken: &[u32], (n_steps, work): (usize, &mut Work)) {
        if taken.is_empty() {
            return row.fill(0.0);
        }
        let scale = taken.len() as f32 + self.params.unobserved * self.n_rows as f32;
        let penalty = self.params.penalty * scale.powf(self.params.penalty_power);
        let Work { residual, direction, product } = work;
        self.apply(row, (taken, penalty), product);
        residual.iter_mut().zip(&*product).for_each(|(residual, value)| *residual = -value);
        for &other in taken {
            add(residual, 1.0, self.factors.row(other as usize));
        }
        direction.copy_from_slice(residual);
        let mut norm = dot(residual, residual);
        for _ in 0..n_steps {
            if norm < 1e-12 {
                break;
            }
            self.apply(direction, (taken, penalty), product);
            let step = norm / dot(direction, product);
            add(row, step, direction);
            add(residual, -step, product);
            let next = dot(residual, residual);
            let turn = next / norm;
            direction.iter_mut().zip(&*residual).for_each(|(d, r)| *d = r + turn * *d);
            norm = next;
        }
    }

    /// `(α₀G + Σ hhᵀ + λI) x`.
    fn apply(&self, x: &[f32], (taken, penalty): (&[u32], f32), product: &mut [f32]) {
        for (value, row) in product.iter_mut().zip(self.gram.chunks_exact(x.len())) {
            *value = self.params.unobserved * dot(row, x);
        }
        for &other in taken {
            let row = self.factors.row(other as usize);
            add(product, dot(row, x), row);
        }
        add(product, penalty, x);
    }
}

fn times(matrix: &[f32], x: &[f32]) -> Vec<f32> {
    matrix.chunks_exact(x.len()).map(|row| dot(row, x)).collect()
}

/// In eight sums, so that the processor works on all at once, and always in the same order.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a8.zip(b8) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + rest
}

fn add(to: &mut [f32], scale: f32, values: &[f32]) {
    to.iter_mut().zip(values).for_each(|(to, value)| *to += scale * value);
}

impl Source for Als {
    fn name(&self) -> &'static str {
        "als"
    }

    fn score(&self, history: &[Item], into: &mut Scores) {
        let user = self.fold_in(history);
        for item in 0..self.items.len() {
            let score = dot(&user, self.items.row(item));
            if score > 0.0 {
                into.add(Item(item as u32), score);
            }
        }
    }
}
