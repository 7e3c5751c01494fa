use crate::sheet::{Block, Columns};

/// One item of a feed: what can be put into a basket.
#[derive(Debug, Default)]
pub(super) struct Item {
    /// Where it begins in the file.
    pub(super) line: u64,
    pub(super) fields: Vec<Field>,
}

/// One attribute of an item.
#[derive(Debug, Default)]
pub(super) struct Field {
    /// Without its prefix, normalised: `image_link`.
    pub(super) name: String,
    /// Whether it has a prefix (`g:id`): such an attribute goes before one of RSS or Atom itself.
    pub(super) is_prefixed: bool,
    pub(super) value: String,
    /// The attributes inside of it: `g:product_detail` has three.
    pub(super) parts: Vec<(String, String)>,
}

impl Item {
    /// The item of a row.
    pub(super) fn of_row(columns: &Columns, block: &Block, row: usize) -> Item {
        let fields = columns.names().iter().enumerate().filter_map(|(idx, name)| {
            let value = block.cell(row, idx).text()?.into_owned();
            Some(Field { name: name.clone(), is_prefixed: true, value, parts: Vec::new() })
        });
        Item { line: block.line(row), fields: fields.collect() }
    }

    /// The first value of an attribute.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let filled = |field: &&Field| field.name == name && !field.value.trim().is_empty();
        let prefixed = self.fields.iter().filter(filled).find(|field| field.is_prefixed);
        let found = prefixed.or_else(|| self.fields.iter().find(filled))?;
        Some(found.value.trim())
    }

    /// Every value of an attribute that may be repeated.
    pub(super) fn texts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.fields.iter().filter(move |field| field.name == name);
        named.map(|field| field.value.trim()).filter(|value| !value.is_empty())
    }

    /// The first value of a part of an attribute: `content` of `structured_title`.
    pub(super) fn part(&self, name: &str, part: &str) -> Option<&str> {
        let mut named = self.fields.iter().filter(|field| field.name == name);
        let parts = &named.next()?.parts;
        let (_, value) =
            parts.iter().find(|(own, value)| own == part && !value.trim().is_empty())?;
        Some(value.trim())
    }
}
