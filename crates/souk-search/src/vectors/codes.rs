//! Vectors as whole numbers, by row.

use std::ops::Range;
use std::sync::Arc;

use pulp::Arch;

/// The largest number of a stored vector.
const CODE_MAX: f32 = 127.0;
/// The largest number of a query's vector; chosen: as fine as sums over
/// [`super::VectorSpace::DIMENSIONS_MAX`] products still fit in 32 bits.
const QUERY_MAX: f32 = 2_047.0;
/// Rows that lie together; chosen: a copy of some takes a fraction of a millisecond.
const BLOCK: usize = 1_024;

/// Vectors with a byte for each number. A copy shares its blocks until one of them changes, so that they can be read for
/// long without being held up.
#[derive(Clone, Debug)]
pub(crate) struct Codes {
    dimensions: usize,
    blocks: Vec<Arc<Block>>,
    len: usize,
    arch: Arch,
}

#[derive(Clone, Debug, Default)]
struct Block {
    /// What a row's numbers are multiplied by.
    scales: Vec<f32>,
    numbers: Vec<i8>,
}

/// What is compared with stored vectors: finer, so that what is lost is their share alone.
#[derive(Debug)]
pub(crate) struct Query {
    numbers: Vec<i16>,
    scale: f32,
}

impl Query {
    pub(crate) fn new(vector: &[f32]) -> Query {
        let scale = scale(vector, QUERY_MAX);
        Query { numbers: vector.iter().map(|x| (x / scale).round() as i16).collect(), scale }
    }
}

fn scale(vector: &[f32], largest: f32) -> f32 {
    let most = vector.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    if most > 0.0 { most / largest } else { 1.0 }
}

/// Written so that the compiler takes as many at a time as the processor can.
#[inline(always)]
fn dot<T: Copy + Into<i32>>(codes: &[i8], others: &[T]) -> i32 {
    codes.iter().zip(others).map(|(code, x)| i32::from(*code) * (*x).into()).sum()
}

impl Codes {
    pub(crate) fn new(dimensions: usize) -> Codes {
        Codes { dimensions, blocks: Vec::new(), len: 0, arch: Arch::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn bytes(&self) -> usize {
        self.blocks.iter().map(|block| block.numbers.capacity() + block.scales.capacity() * 4).sum()
    }

    /// A row's numbers, and what they are multiplied by.
    #[inline(always)]
    pub(crate) fn row(&self, row: usize) -> (&[i8], f32) {
        let (block, at) = (&*self.blocks[row / BLOCK], row % BLOCK);
        let numbers = &block.numbers[at * self.dimensions..(at + 1) * self.dimensions];
        (numbers, block.scales[at])
    }

    /// Appends a row.
    pub(crate) fn push(&mut self, vector: &[f32]) {
        let scale = scale(vector, CODE_MAX);
        let codes = vector.iter().map(|x| (x / scale).round() as i8);
        self.extend(scale, codes);
    }

    /// Appends a row that was read or copied.
    pub(crate) fn extend(&mut self, scale: f32, codes: impl Iterator<Item = i8>) {
        if self.len.is_multiple_of(BLOCK) {
            self.blocks.push(Arc::default());
        }
        let block = Arc::make_mut(self.blocks.last_mut().expect("one was just added"));
        block.scales.push(scale);
        block.numbers.extend(codes);
        self.len += 1;
    }

    /// Puts a vector in the place of a row's.
    pub(crate) fn set(&mut self, row: usize, vector: &[f32]) {
        let scale = scale(vector, CODE_MAX);
        let block = Arc::make_mut(&mut self.blocks[row / BLOCK]);
        let at = row % BLOCK;
        block.scales[at] = scale;
        let own = &mut block.numbers[at * self.dimensions..(at + 1) * self.dimensions];
        for (code, x) in own.iter_mut().zip(vector) {
            *code = (x / scale).round() as i8;
        }
    }

    /// How near rows are to a query, in their order: the cosine of their angle, for vectors of length 1.
    pub(crate) fn likenesses(&self, query: &Query, rows: Range<usize>) -> Vec<f32> {
        let mut all = Vec::with_capacity(rows.len());
        self.arch.dispatch(
            #[inline(always)]
            || {
                let mut row = rows.start;
                while row < rows.end {
                    let block = &*self.blocks[row / BLOCK];
                    let first = row % BLOCK;
                    let last = (first + rows.end - row).min(BLOCK);
                    let numbers = &block.numbers[first * self.dimensions..last * self.dimensions];
                    let numbers = numbers.chunks_exact(self.dimensions);
                    for (codes, own) in numbers.zip(&block.scales[first..last]) {
                        all.push(dot(codes, &query.numbers) as f32 * own * query.scale);
                    }
                    row += last - first;
                }
            },
        );
        all
    }

    /// The same of some rows, appended to `out`.
    pub(crate) fn likenesses_of(&self, query: &Query, rows: &[u32], out: &mut Vec<f32>) {
        self.arch.dispatch(
            #[inline(always)]
            || {
                out.extend(rows.iter().map(|row| {
                    let (codes, own) = self.row(*row as usize);
                    dot(codes, &query.numbers) as f32 * own * query.scale
                }));
            },
        );
    }

    /// How near some rows are to another, appended to `out`.
    pub(crate) fn likenesses_to(&self, row: u32, rows: &[u32], out: &mut Vec<f32>) {
        self.arch.dispatch(
            #[inline(always)]
            || {
                let (codes, scale) = self.row(row as usize);
                out.extend(rows.iter().map(|other| {
                    let (others, own) = self.row(*other as usize);
                    dot(others, codes) as f32 * own * scale
                }));
            },
        );
    }

    /// Whether a row is at least as near to one of some rows as `likeness`.
    pub(crate) fn is_as_near(&self, row: u32, likeness: f32, rows: &[u32]) -> bool {
        self.arch.dispatch(
            #[inline(always)]
            || {
                let (codes, scale) = self.row(row as usize);
                rows.iter().any(|other| {
                    let (others, own) = self.row(*other as usize);
                    dot(others, codes) as f32 * own * scale >= likeness
                })
            },
        )
    }

    /// A row as what others are compared with.
    pub(crate) fn query(&self, row: usize) -> Query {
        let (codes, scale) = self.row(row);
        Query { numbers: codes.iter().map(|code| i16::from(*code)).collect(), scale }
    }
}
