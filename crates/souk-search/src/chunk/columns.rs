//! A full chunk's values by field: what facets count, filters ask and orders go by.
//!
//! A row has a list of values in a field: none, one, or some. Distinct lists are few beside rows (a brand,
//! a path with the steps above it), so a column keeps each once and one or two bytes a row that say which.

use rustc_hash::FxHashMap;

use super::Rows;

/// A row's values of one field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group<'a> {
    pub(super) field: u16,
    pub(super) row: u16,
    pub(super) values: &'a [u32],
}

/// All fields of a chunk, by rising field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Columns(pub(crate) Vec<Column>);

/// One field of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) field: u16,
    /// The rows that have the field, rising; none when the codes are those of all rows.
    pub(crate) rows: Option<Vec<u16>>,
    /// Which list of values each row has.
    pub(crate) codes: Codes,
    /// The distinct lists, each rising.
    pub(crate) lists: Rows,
}

/// Numbers of lists, in as few bytes as they need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Codes {
    Narrow(Vec<u8>),
    Wide(Vec<u16>),
}

impl Codes {
    #[inline]
    pub(crate) fn get(&self, idx: usize) -> u16 {
        match self {
            Codes::Narrow(codes) => u16::from(codes[idx]),
            Codes::Wide(codes) => codes[idx],
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Codes::Narrow(codes) => codes.len(),
            Codes::Wide(codes) => codes.len(),
        }
    }

    /// The greatest; 0 of none.
    pub(crate) fn most(&self) -> usize {
        match self {
            Codes::Narrow(codes) => codes.iter().max().map_or(0, |code| usize::from(*code)),
            Codes::Wide(codes) => codes.iter().max().map_or(0, |code| usize::from(*code)),
        }
    }

    fn of(codes: Vec<u16>, n_lists: usize) -> Codes {
        if n_lists <= 1 << 8 {
            Codes::Narrow(codes.into_iter().map(|code| code as u8).collect())
        } else {
            Codes::Wide(codes)
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Codes::Narrow(codes) => codes.len(),
            Codes::Wide(codes) => codes.len() * 2,
        }
    }
}

/// A column is kept by its rows when fewer than one of this many has the field; chosen: a row's number
/// takes two bytes more than its code.
const SPARSE: usize = 4;

impl Columns {
    /// The columns of `n_rows` rows; no row may have a field twice.
    pub(super) fn build(mut groups: Vec<Group<'_>>, n_rows: usize) -> Columns {
        groups.sort_by_key(|group| (group.field, group.row));
        let by_field = groups.chunk_by(|left, right| left.field == right.field);
        Columns(by_field.map(|groups| Column::build(groups, n_rows)).collect())
    }

    pub(super) fn find(&self, field: u16) -> Option<&Column> {
        let place = self.0.binary_search_by_key(&field, |column| column.field);
        place.ok().map(|place| &self.0[place])
    }

    /// Gives fields and values other numbers, and leaves out fields that have none.
    pub(super) fn renumber(&mut self, fields: &[Option<u16>], values: &[Vec<u32>]) {
        self.0.retain_mut(|column| {
            let old = usize::from(column.field);
            let Some(new) = fields[old] else { return false };
            column.field = new;
            column.lists.map(|value| values[old][value as usize]);
            column.lists.sort_each();
            true
        });
        self.0.sort_unstable_by_key(|column| column.field);
    }

    pub(super) fn bytes(&self) -> usize {
        let of_column = |column: &Column| {
            let rows = column.rows.as_ref().map_or(0, |rows| rows.len() * 2);
            rows + column.codes.bytes() + column.lists.bytes() + size_of::<Column>()
        };
        self.0.iter().map(of_column).sum()
    }
}

impl Column {
    fn build<'a>(groups: &[Group<'a>], n_rows: usize) -> Column {
        let mut known: FxHashMap<&'a [u32], u16> = FxHashMap::default();
        let mut lists = Rows::default();
        let mut code_of = |values: &'a [u32]| {
            *known.entry(values).or_insert_with(|| {
                lists.push(values.iter().copied());
                (lists.len() - 1) as u16
            })
        };
        let is_sparse = groups.len() * SPARSE < n_rows;
        let mut codes = Vec::with_capacity(if is_sparse { groups.len() } else { n_rows });
        for group in groups {
            if !is_sparse && codes.len() < usize::from(group.row) {
                let none = code_of(&[]);
                codes.resize(usize::from(group.row), none);
            }
            codes.push(code_of(group.values));
        }
        if !is_sparse && codes.len() < n_rows {
            let none = code_of(&[]);
            codes.resize(n_rows, none);
        }
        lists.shrink();
        let rows = is_sparse.then(|| groups.iter().map(|group| group.row).collect());
        Column { field: groups[0].field, rows, codes: Codes::of(codes, lists.len()), lists }
    }

    pub(crate) fn n_lists(&self) -> usize {
        self.lists.len()
    }

    /// Which list a row has; none where the column does not know the row.
    #[inline]
    pub(crate) fn code(&self, row: u16) -> Option<u16> {
        match &self.rows {
            None => Some(self.codes.get(usize::from(row))),
            Some(rows) => rows.binary_search(&row).ok().map(|place| self.codes.get(place)),
        }
    }

    #[inline]
    pub(crate) fn get(&self, row: u16) -> &[u32] {
        self.code(row).map_or(&[], |code| self.lists.get(code))
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        let all = (0..self.codes.len()).map(|place| Group {
            field: self.field,
            row: self.rows.as_ref().map_or(place as u16, |rows| rows[place]),
            values: self.lists.get(self.codes.get(place)),
        });
        all.filter(|group| !group.values.is_empty())
    }

    /// Adds to `counts`, by value, how many of the rows, which rise, have it.
    pub(crate) fn count(
        &self,
        rows: impl ExactSizeIterator<Item = u16>,
        (counts, by_code): (&mut [u32], &mut Vec<u32>),
    ) {
        // Of few rows each is taken by itself; of many, lists are counted first.
        if rows.len() < self.n_lists() {
            self.each_code(rows, |code| {
                self.lists.get(code).iter().for_each(|value| counts[*value as usize] += 1);
            });
            return;
        }
        by_code.clear();
        by_code.resize(self.n_lists(), 0);
        self.each_code(rows, |code| by_code[usize::from(code)] += 1);
        for (code, count) in by_code.iter().enumerate().filter(|(_, count)| **count > 0) {
            self.lists.get(code as u16).iter().for_each(|value| counts[*value as usize] += count);
        }
    }

    /// Calls `take` with the code of each of the rows, which rise, that the column knows.
    #[inline]
    fn each_code(&self, rows: impl Iterator<Item = u16>, mut take: impl FnMut(u16)) {
        match (&self.rows, &self.codes) {
            (None, Codes::Narrow(codes)) => {
                rows.for_each(|row| take(u16::from(codes[usize::from(row)])));
            }
            (None, Codes::Wide(codes)) => rows.for_each(|row| take(codes[usize::from(row)])),
            (Some(own), codes) => {
                let mut at = 0;
                for row in rows {
                    at += own[at..].iter().take_while(|own| **own < row).count();
                    if own.get(at) == Some(&row) {
                        take(codes.get(at));
                    }
                }
            }
        }
    }
}
