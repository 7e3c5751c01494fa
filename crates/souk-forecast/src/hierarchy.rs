//! Forecasts that add up: of products, their groups and the whole.
//!
//! Every node is forecast by itself, and what does not add up is mended by moving all of them as little as their errors
//! allow. With `ŷ` all base forecasts, aggregates first, `C = [I −A]` the constraints that aggregates less the sums of their
//! bottom series are 0, and `W` how base errors go together, `ỹ = ŷ − W C' (C W C')⁻¹ C ŷ`
//! (Wickramasuriya, Athanasopoulos and Hyndman, Journal of the American Statistical Association 114, 2019, in the form of
//! their equation 10). This needs one system as large as there are aggregates, however many bottom series there are.
//!
//! Which `W`, whether one at all, or a mix of several ways is chosen by what came at earlier days: [`choose`].

mod choice;
mod mix;
mod shrinkage;
#[cfg(test)]
mod tests;

pub use choice::{Choice, Level, Trial, Window, choose};

use std::collections::HashMap;

use shrinkage::Shrunk;

/// Aggregates of one hierarchy: the system that is solved has as many rows (chosen: some seconds).
const AGGREGATES_MAX: usize = 3_000;
/// Columns of groups: each combination of them is a level.
const COLUMNS_MAX: usize = 4;
/// The least variance of a node, as a share of the largest one: one that never erred must not rule alone.
const VARIANCE_MIN: f64 = 1e-9;

/// Which series add up to what.
#[derive(Clone, Debug, PartialEq)]
pub struct Hierarchy {
    n_bottom: usize,
    levels: Vec<Level>,
    /// By aggregate: its bottom series.
    members: Vec<Vec<usize>>,
    /// By aggregate: its name.
    names: Vec<String>,
}

/// Why groups make no hierarchy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HierarchyError {
    /// There is nothing to add up.
    #[error("{0} series cannot be added up; two are needed")]
    TooFew(usize),
    /// More columns than combinations can be made of.
    #[error("{0} columns of groups; at most {COLUMNS_MAX} can be crossed")]
    TooManyColumns(usize),
    /// More aggregates than can be reconciled together.
    #[error(
        "the groups make {0} sums, and at most {AGGREGATES_MAX} can be reconciled; name fewer or coarser columns"
    )]
    TooManySums(usize),
}

/// How forecasts are made to add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Aggregates are the sums of their bottom series.
    BottomUp,
    /// The whole is shared out by what each bottom series had of it in the past (Gross and Sohl 1990, method F).
    TopDown,
    /// All errors are taken as equal (Hyndman, Ahmed, Athanasopoulos and Shang 2011).
    Ols,
    /// Errors grow with the number of series in a sum (Athanasopoulos, Hyndman, Kourentzes and Petropoulos 2017).
    WlsStructure,
    /// Errors are those of earlier days, each by itself.
    WlsVariance,
    /// Every level counts alike: what moving a node adds to the absolute errors of its level, over these errors, is least in all.
    ///
    /// A move of `m` that knows nothing of an error of mean size `s` adds about `m²/s` to it (the second term of the series
    /// of `E|e + m|` around `m = 0`, but for a factor that all nodes share), so a node's move is weighed by its `s` times the
    /// sum of `s` over its level.
    WlsLevels,
    /// Errors go together as they did on earlier days, drawn to each by itself (Schäfer and Strimmer 2005).
    MintShrink,
    /// Sums of this level stay as they are, and their series are moved as their errors of earlier days allow (Hollyman,
    /// Petropoulos and Tipping, European Journal of Operational Research 294(1), 2021: level-conditional).
    Keep(usize),
}

impl Method {
    /// Those that every hierarchy has.
    const COMMON: [Method; 7] = [
        Method::BottomUp,
        Method::TopDown,
        Method::Ols,
        Method::WlsStructure,
        Method::WlsVariance,
        Method::WlsLevels,
        Method::MintShrink,
    ];
}

/// What is known of the past.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Past<'a> {
    /// By bottom series: its mean, for its share of the whole.
    pub bottom_means: &'a [f64],
    /// By node, aggregates first: base forecasts less what came, of the same days for all nodes.
    pub errors: &'a [Vec<f64>],
    /// Whether no value was ever below 0, so that none may be ahead.
    pub sign: Sign,
}

/// What values may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// At least 0.
    NotNegative,
    /// Anything.
    Any,
}

impl Hierarchy {
    /// The hierarchy of bottom series whose groups are given, a value for each of `columns`: the whole, and a level for
    /// each combination of columns. Levels that part the series as another one does stand once.
    ///
    /// # Errors
    ///
    /// Fewer than two series, or more columns or sums than can be reconciled.
    pub fn of_groups(
        columns: &[String],
        groups: &[Vec<String>],
    ) -> Result<Hierarchy, HierarchyError> {
        let n_bottom = groups.len();
        if n_bottom < 2 {
            return Err(HierarchyError::TooFew(n_bottom));
        }
        if columns.len() > COLUMNS_MAX {
            return Err(HierarchyError::TooManyColumns(columns.len()));
        }
        let mut made =
            Hierarchy { n_bottom, levels: Vec::new(), members: Vec::new(), names: Vec::new() };
        let mut seen: Vec<Vec<usize>> = vec![(0..n_bottom).collect()];
        let mut subsets: Vec<u32> = (0..1 << columns.len()).collect();
        // The whole first, then single columns, then pairs.
        subsets.sort_by_key(|subset| (subset.count_ones(), *subset));
        for subset in subsets {
            let chosen: Vec<usize> =
                (0..columns.len()).filter(|column| subset & (1 << column) != 0).collect();
            let mut numbers: HashMap<Vec<&str>, usize> = HashMap::new();
            let mut names = Vec::new();
            let mut parts = Vec::with_capacity(n_bottom);
            for group in groups {
                let key: Vec<&str> = chosen.iter().map(|column| group[*column].as_str()).collect();
                let name = || {
                    let part = |column: &usize| format!("{}={}", columns[*column], group[*column]);
                    chosen.iter().map(part).collect::<Vec<_>>().join("/")
                };
                let next = numbers.len();
                let number = *numbers.entry(key).or_insert_with(|| {
                    names.push(if chosen.is_empty() { "total".to_owned() } else { name() });
                    next
                });
                parts.push(number);
            }
            if seen.contains(&parts) {
                continue;
            }
            let first = made.members.len();
            made.members.resize(first + names.len(), Vec::new());
            for (bottom, part) in parts.iter().enumerate() {
                made.members[first + part].push(bottom);
            }
            let words: Vec<&str> = chosen.iter().map(|column| columns[*column].as_str()).collect();
            let name = if words.is_empty() { "total".to_owned() } else { words.join("/") };
            made.levels.push(Level { name, nodes: first..first + names.len() });
            made.names.extend(names);
            seen.push(parts);
            if made.members.len() > AGGREGATES_MAX {
                return Err(HierarchyError::TooManySums(made.members.len()));
            }
        }
        let first = made.members.len();
        made.levels.push(Level { name: "series".to_owned(), nodes: first..first + n_bottom });
        Ok(made)
    }

    /// Levels from the whole to single series.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// Names of the sums, as they stand before the bottom series.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// By sum: its bottom series.
    pub fn members(&self) -> &[Vec<usize>] {
        &self.members
    }

    /// Every way to make forecasts add up: the common ones, and one for each level of sums that keeps it.
    pub fn methods(&self) -> Vec<Method> {
        let keeping = (0..self.levels.len() - 1).map(Method::Keep);
        Method::COMMON.into_iter().chain(keeping).collect()
    }

    /// The name of a way.
    pub fn name_of(&self, method: Method) -> String {
        match method {
            Method::BottomUp => "bottom_up".to_owned(),
            Method::TopDown => "top_down".to_owned(),
            Method::Ols => "ols".to_owned(),
            Method::WlsStructure => "wls_structure".to_owned(),
            Method::WlsVariance => "wls_variance".to_owned(),
            Method::WlsLevels => "wls_levels".to_owned(),
            Method::MintShrink => "mint_shrink".to_owned(),
            Method::Keep(level) => format!("keep {}", self.levels[level].name),
        }
    }

    /// Sums and bottom series together.
    pub fn n_nodes(&self) -> usize {
        self.members.len() + self.n_bottom
    }

    /// All nodes by the values of their bottom series: sums first.
    ///
    /// # Panics
    ///
    /// When bottom series are missing or of different lengths.
    pub fn sums(&self, bottom: &[Vec<f64>]) -> Vec<Vec<f64>> {
        assert_eq!(bottom.len(), self.n_bottom, "every bottom series has values");
        let n = bottom.first().map_or(0, Vec::len);
        let sum = |members: &Vec<usize>| -> Vec<f64> {
            (0..n).map(|step| members.iter().map(|one| bottom[*one][step]).sum()).collect()
        };
        self.members.iter().map(sum).chain(bottom.iter().cloned()).collect()
    }

    /// Forecasts that add up, from base forecasts of all nodes, by node and step.
    ///
    /// Where errors are asked for and none are known, they count as equal.
    ///
    /// # Panics
    ///
    /// When nodes are missing.
    pub fn reconcile(&self, base: &[Vec<f64>], method: Method, past: &Past<'_>) -> Vec<Vec<f64>> {
        assert_eq!(base.len(), self.n_nodes(), "every node has a forecast");
        let n_sums = self.members.len();
        let mut bottom = match method {
            Method::BottomUp => base[n_sums..].to_vec(),
            Method::TopDown => {
                let whole: f64 = past.bottom_means.iter().sum();
                let even = 1.0 / self.n_bottom as f64;
                let share = |mean: &f64| if whole == 0.0 { even } else { mean / whole };
                let share_out = |mean| base[0].iter().map(|y| y * share(mean)).collect();
                past.bottom_means.iter().map(share_out).collect()
            }
            Method::Keep(level) => self.within(base, &self.levels[level], past),
            _ => self.moved(base, &self.weights(method, past)),
        };
        if past.sign == Sign::NotNegative {
            bottom.iter_mut().flatten().for_each(|y| *y = y.max(0.0));
        }
        self.sums(&bottom)
    }

    /// The mean of several ways, each with its share: what adds up one by one adds up together.
    ///
    /// # Panics
    ///
    /// When nodes are missing.
    pub fn mixed(
        &self,
        base: &[Vec<f64>],
        shares: &[(Method, f64)],
        past: &Past<'_>,
    ) -> Vec<Vec<f64>> {
        let n_sums = self.members.len();
        let mut bottom = vec![vec![0.0; base[0].len()]; self.n_bottom];
        for (method, share) in shares.iter().filter(|(_, share)| *share > 0.0) {
            let found = self.reconcile(base, *method, past);
            let own = bottom.iter_mut().flatten().zip(found[n_sums..].iter().flatten());
            own.for_each(|(sum, y)| *sum += share * y);
        }
        self.sums(&bottom)
    }

    /// Bottom forecasts that add up to those of one level: what is missing is shared out by variances.
    fn within(&self, base: &[Vec<f64>], level: &Level, past: &Past<'_>) -> Vec<Vec<f64>> {
        let n_sums = self.members.len();
        let alone = self.weights(Method::WlsVariance, past).alone;
        let mut bottom = base[n_sums..].to_vec();
        for node in level.nodes.clone() {
            let members = &self.members[node];
            let whole: f64 = members.iter().map(|one| alone[n_sums + one]).sum();
            for step in 0..base[0].len() {
                let sum: f64 = members.iter().map(|one| base[n_sums + one][step]).sum();
                let gap = base[node][step] - sum;
                for one in members {
                    bottom[*one][step] += gap * alone[n_sums + one] / whole;
                }
            }
        }
        bottom
    }

    fn weights(&self, method: Method, past: &Past<'_>) -> Shrunk {
        let known = past.errors.first().map_or(0, Vec::len);
        match method {
            Method::WlsStructure => {
                let sizes = self.members.iter().map(|members| members.len() as f64);
                Shrunk::alone(sizes.chain(std::iter::repeat_n(1.0, self.n_bottom)).collect())
            }
            Method::WlsVariance if known > 0 => {
                let square = |errors: &Vec<f64>| {
                    errors.iter().map(|error| error * error).sum::<f64>() / known as f64
                };
                Shrunk::alone(past.errors.iter().map(square).collect())
            }
            Method::WlsLevels if known > 0 => {
                let size = |errors: &Vec<f64>| errors.iter().map(|error| error.abs()).sum::<f64>();
                let sizes: Vec<f64> = past.errors.iter().map(size).collect();
                let of_level = |level: &Level| {
                    let whole: f64 = sizes[level.nodes.clone()].iter().sum();
                    sizes[level.nodes.clone()].iter().map(move |size| size * whole)
                };
                Shrunk::alone(self.levels.iter().flat_map(of_level).collect())
            }
            Method::MintShrink if known > 1 => Shrunk::of(past.errors),
            _ => Shrunk::alone(vec![1.0; self.n_nodes()]),
        }
    }

    /// Bottom forecasts after the least movement that makes all add up.
    fn moved(&self, base: &[Vec<f64>], weights: &Shrunk) -> Vec<Vec<f64>> {
        let n_sums = self.members.len();
        let mut system = self.system(weights);
        decompose(&mut system, n_sums);
        let mut bottom = base[n_sums..].to_vec();
        for step in 0..base[0].len() {
            let mut gaps: Vec<f64> = self
                .members
                .iter()
                .zip(base)
                .map(|(members, sum)| {
                    sum[step] - members.iter().map(|one| base[n_sums + one][step]).sum::<f64>()
                })
                .collect();
            solve(&system, &mut gaps);
            let moves = weights.times(&self.spread(&gaps));
            for (values, by) in bottom.iter_mut().zip(&moves[n_sums..]) {
                values[step] -= by;
            }
        }
        bottom
    }

    /// `C'z`, by node.
    fn spread(&self, z: &[f64]) -> Vec<f64> {
        let mut out = z.to_vec();
        out.resize(self.n_nodes(), 0.0);
        for (members, z) in self.members.iter().zip(z) {
            members.iter().for_each(|one| out[self.members.len() + one] -= z);
        }
        out
    }

    /// `C W C'`, row by row.
    fn system(&self, weights: &Shrunk) -> Vec<f64> {
        let n = self.members.len();
        let mut system = vec![0.0; n * n];
        // The bottom series of two sums that are in both.
        let mut of_bottom: Vec<Vec<usize>> = vec![Vec::new(); self.n_bottom];
        for (sum, members) in self.members.iter().enumerate() {
            members.iter().for_each(|one| of_bottom[*one].push(sum));
            system[sum * n + sum] += weights.alone[sum];
        }
        for (one, sums) in of_bottom.iter().enumerate() {
            for a in sums {
                sums.iter().for_each(|b| system[a * n + b] += weights.alone[n + one]);
            }
        }
        for errors in weights.shared.iter() {
            let gaps: Vec<f64> = self
                .members
                .iter()
                .zip(errors)
                .map(|(members, own)| own - members.iter().map(|one| errors[n + one]).sum::<f64>())
                .collect();
            for a in 0..n {
                for b in 0..n {
                    system[a * n + b] += gaps[a] * gaps[b];
                }
            }
        }
        system
    }
}

/// The lower Cholesky factor of a positive definite matrix, in its place.
fn decompose(matrix: &mut [f64], n: usize) {
    let scale = (0..n).map(|idx| matrix[idx * n + idx]).fold(0.0, f64::max);
    for column in 0..n {
        for row in column..n {
            let (head, tail) = (row * n, column * n);
            let done: f64 = (0..column).map(|idx| matrix[head + idx] * matrix[tail + idx]).sum();
            let left = matrix[head + column] - done;
            matrix[head + column] = match row == column {
                // Rounding alone takes a pivot to 0: sums of the same series.
                true => left.max(scale * 1e-14).max(f64::MIN_POSITIVE).sqrt(),
                false => left / matrix[tail + column],
            };
        }
    }
}

/// Solves a decomposed system, in the place of its right side.
fn solve(factor: &[f64], right: &mut [f64]) {
    let n = right.len();
    for row in 0..n {
        let done: f64 = (0..row).map(|idx| factor[row * n + idx] * right[idx]).sum();
        right[row] = (right[row] - done) / factor[row * n + row];
    }
    for row in (0..n).rev() {
        let done: f64 = (row + 1..n).map(|idx| factor[idx * n + row] * right[idx]).sum();
        right[row] = (right[row] - done) / factor[row * n + row];
    }
}
