//! The values of each row, while a chunk grows and once it is sealed.

use std::borrow::Cow;

use super::columns::{Column, Columns, Group};
use super::range;

/// The values of each row.
#[derive(Clone, Debug)]
pub(crate) enum Facts {
    /// Row by row, still growing.
    Open(Loose),
    /// Field by field.
    Sealed(Columns),
}

/// Fields and values row by row, sorted by field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loose {
    ends: Vec<u32>,
    fields: Vec<u16>,
    values: Vec<u32>,
}

/// One field of a chunk, to be asked about many rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FieldFacts<'a> {
    /// No row has it.
    None,
    Open(&'a Loose, u16),
    Sealed(&'a Column),
}

impl Default for Facts {
    fn default() -> Facts {
        Facts::Open(Loose::default())
    }
}

impl Loose {
    fn get(&self, row: u16, field: u16) -> &[u32] {
        let range = range(&self.ends, row);
        let fields = &self.fields[range.clone()];
        let start = range.start + fields.iter().take_while(|other| **other < field).count();
        let rest = &self.fields[start..range.end];
        let end = start + rest.iter().take_while(|other| **other == field).count();
        &self.values[start..end]
    }

    fn groups(&self) -> Vec<Group<'_>> {
        let mut groups = Vec::with_capacity(self.fields.len());
        for row in 0..self.ends.len() as u32 {
            let row = row as u16;
            let mut at = range(&self.ends, row);
            while !at.is_empty() {
                let field = self.fields[at.start];
                let same = self.fields[at.clone()].iter().take_while(|other| **other == field);
                let end = at.start + same.count();
                groups.push(Group { field, row, values: &self.values[at.start..end] });
                at.start = end;
            }
        }
        groups
    }

    fn columns(&self) -> Columns {
        Columns::build(self.groups(), self.ends.len())
    }
}

impl<'a> FieldFacts<'a> {
    /// A row's values, rising.
    #[inline]
    pub(crate) fn get(self, row: u16) -> &'a [u32] {
        match self {
            FieldFacts::None => &[],
            FieldFacts::Open(loose, field) => loose.get(row, field),
            FieldFacts::Sealed(column) => column.get(row),
        }
    }

    /// Adds to `counts`, by value, how many of the rows, which rise, have it; with a buffer that is kept
    /// from call to call.
    pub(crate) fn count(
        self,
        rows: impl ExactSizeIterator<Item = u16>,
        (counts, buffer): (&mut [u32], &mut Vec<u32>),
    ) {
        match self {
            FieldFacts::None => {}
            FieldFacts::Open(loose, field) => {
                for row in rows {
                    loose.get(row, field).iter().for_each(|value| counts[*value as usize] += 1);
                }
            }
            FieldFacts::Sealed(column) => column.count(rows, (counts, buffer)),
        }
    }
}

impl Facts {
    /// Appends a row, its facts sorted; only while the chunk is open.
    pub(crate) fn push(&mut self, facts: &[(u16, u32)]) {
        let Facts::Open(loose) = self else {
            unreachable!("a sealed chunk takes no more");
        };
        loose.fields.extend(facts.iter().map(|(field, _)| *field));
        loose.values.extend(facts.iter().map(|(_, value)| *value));
        loose.ends.push(loose.fields.len() as u32);
    }

    /// A field, to be asked about many rows.
    pub(crate) fn field(&self, field: u16) -> FieldFacts<'_> {
        match self {
            Facts::Open(loose) => FieldFacts::Open(loose, field),
            Facts::Sealed(columns) => {
                columns.find(field).map_or(FieldFacts::None, FieldFacts::Sealed)
            }
        }
    }

    /// The row's values of one field.
    #[inline]
    pub(crate) fn of(&self, row: u16, field: u16) -> impl Iterator<Item = u32> + '_ {
        self.field(field).get(row).iter().copied()
    }

    /// Calls `take` with each field and value of a row.
    pub(crate) fn each(&self, row: u16, take: &mut dyn FnMut(u16, u32)) {
        match self {
            Facts::Open(loose) => {
                range(&loose.ends, row).for_each(|at| take(loose.fields[at], loose.values[at]));
            }
            Facts::Sealed(columns) => {
                for column in &columns.0 {
                    column.get(row).iter().for_each(|value| take(column.field, *value));
                }
            }
        }
    }

    pub(crate) fn seal(&mut self) {
        if let Facts::Open(loose) = self {
            *self = Facts::Sealed(loose.columns());
        }
    }

    /// The columns, made now where there are none yet.
    pub(crate) fn columns(&self) -> Cow<'_, Columns> {
        match self {
            Facts::Open(loose) => Cow::Owned(loose.columns()),
            Facts::Sealed(columns) => Cow::Borrowed(columns),
        }
    }

    /// Gives fields and values other numbers, leaves out fields that have none, and seals.
    pub(crate) fn renumber(&mut self, fields: &[Option<u16>], values: &[Vec<u32>]) {
        self.seal();
        if let Facts::Sealed(columns) = self {
            columns.renumber(fields, values);
        }
    }

    /// The facts of some chunks as one, given the new number of each old row that is kept.
    pub(super) fn join(parts: &[(&Facts, &[Option<u16>])], n_rows: usize) -> Facts {
        let mut all = Vec::new();
        for (facts, moved) in parts {
            let groups: Vec<Group<'_>> = match facts {
                Facts::Open(loose) => loose.groups(),
                Facts::Sealed(columns) => columns.0.iter().flat_map(Column::groups).collect(),
            };
            all.extend(groups.into_iter().filter_map(|group| {
                moved[usize::from(group.row)].map(|row| Group { row, ..group })
            }));
        }
        Facts::Sealed(Columns::build(all, n_rows))
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Facts::Open(loose) => {
                (loose.ends.capacity() + loose.values.capacity()) * 4 + loose.fields.capacity() * 2
            }
            Facts::Sealed(columns) => columns.bytes(),
        }
    }
}
