//! Columns by row: lists of numbers of differing length, one after another.

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

    #[inline]
    pub(crate) fn get(&self, row: u16) -> &[u32] {
        &self.numbers[range(&self.ends, row)]
    }

    /// Changes every number.
    pub(crate) fn map(&mut self, change: impl Fn(u32) -> u32) {
        self.numbers.iter_mut().for_each(|number| *number = change(*number));
    }

    pub(crate) fn bytes(&self) -> usize {
        (self.ends.capacity() + self.numbers.capacity()) * 4
    }
}

/// The values of each row, sorted by field: what facets count, filters ask and orders go by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) ends: Vec<u32>,
    pub(crate) fields: Vec<u16>,
    pub(crate) values: Vec<u32>,
}

impl Facts {
    pub(crate) fn push(&mut self, facts: &[(u16, u32)]) {
        self.fields.extend(facts.iter().map(|(field, _)| *field));
        self.values.extend(facts.iter().map(|(_, value)| *value));
        self.ends.push(self.fields.len() as u32);
    }

    /// The row's fields and, beside each, its value.
    #[inline]
    pub(crate) fn get(&self, row: u16) -> (&[u16], &[u32]) {
        let range = range(&self.ends, row);
        (&self.fields[range.clone()], &self.values[range])
    }

    /// The row's values of one field.
    #[inline]
    pub(crate) fn of(&self, row: u16, field: u16) -> impl Iterator<Item = u32> + '_ {
        let (fields, values) = self.get(row);
        fields.iter().zip(values).filter(move |(other, _)| **other == field).map(|(_, v)| *v)
    }

    /// Gives fields and values other numbers, and leaves out fields that have none.
    pub(crate) fn renumber(&mut self, fields: &[Option<u16>], values: &[Vec<u32>]) {
        let old = std::mem::take(self);
        let mut row = Vec::new();
        for number in 0..old.ends.len() {
            let (old_fields, old_values) = old.get(number as u16);
            row.clear();
            for (field, value) in old_fields.iter().zip(old_values) {
                if let Some(new) = fields[usize::from(*field)] {
                    row.push((new, values[usize::from(*field)][*value as usize]));
                }
            }
            row.sort_unstable();
            self.push(&row);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        (self.ends.capacity() + self.values.capacity()) * 4 + self.fields.capacity() * 2
    }
}

#[inline]
fn range(ends: &[u32], row: u16) -> std::ops::Range<usize> {
    let row = usize::from(row);
    let start = if row == 0 { 0 } else { ends[row - 1] as usize };
    start..ends[row] as usize
}
