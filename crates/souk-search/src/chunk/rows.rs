//! Lists of numbers of differing length, one after another.

/// A list of numbers for each row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) ends: Vec<u32>,
    pub(crate) numbers: Vec<u32>,
}

impl Rows {
    pub(crate) fn push(&mut self, numbers: impl Iterator<Item = u32>) {
        self.numbers.extend(numbers);
        self.ends.push(self.numbers.len() as u32);
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    #[inline]
    pub(crate) fn get(&self, row: u16) -> &[u32] {
        &self.numbers[range(&self.ends, row)]
    }

    /// Changes every number.
    pub(crate) fn map(&mut self, change: impl Fn(u32) -> u32) {
        self.numbers.iter_mut().for_each(|number| *number = change(*number));
    }

    /// Sorts each list.
    pub(super) fn sort_each(&mut self) {
        let mut start = 0;
        for end in &self.ends {
            let end = *end as usize;
            self.numbers[start..end].sort_unstable();
            start = end;
        }
    }

    pub(super) fn shrink(&mut self) {
        self.ends.shrink_to_fit();
        self.numbers.shrink_to_fit();
    }

    pub(crate) fn bytes(&self) -> usize {
        (self.ends.capacity() + self.numbers.capacity()) * 4
    }
}

#[inline]
pub(super) fn range(ends: &[u32], row: u16) -> std::ops::Range<usize> {
    let row = usize::from(row);
    let start = if row == 0 { 0 } else { ends[row - 1] as usize };
    start..ends[row] as usize
}
